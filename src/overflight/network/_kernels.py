"""Compiled loops of the network stage, over plain arrays.

Eight consecutive slots advance together, as rows (see `overflight.network._rows`). No kernel may contract a product and a sum into one
rounding (no ``fastmath``): results equal those of NumPy to the last bit, on every machine.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from overflight.network._rows import LANES, QUAD, choose_row, offer_row, relax_row, slant_row, weigh_row

NO_WAY = np.int32(-(2**31))
BOXES_A_SIDE = 16

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_OPTIONS)
def fill_rows(positions_km, start, x_km, y_km, z_km):
    """Turn positions (nt, 3, n) from slot `start` on into rows; slots past the end repeat the last one."""
    last, n = positions_km.shape[0] - 1, positions_km.shape[2]
    for first in range(0, n, 64):
        for lane in range(LANES):
            slot = min(start + lane, last)
            for satellite in range(first, min(n, first + 64)):
                x_km[satellite * LANES + lane] = positions_km[slot, 0, satellite]
                y_km[satellite * LANES + lane] = positions_km[slot, 1, satellite]
                z_km[satellite * LANES + lane] = positions_km[slot, 2, satellite]


@njit(**_OPTIONS)
def number_links(neighbours, ends_a, ends_b, link_of):
    """Number undirected links; `link_of` gets the number at both ends, and the count (a row that never carries) where there is no link."""
    n, k = neighbours.shape
    count = 0
    for a in range(n):
        for side in range(k):
            b = neighbours[a, side]
            if b > a:
                ends_a[count] = a
                ends_b[count] = b
                link_of[a, side] = count
                for back in range(k):
                    if neighbours[b, back] == a:
                        link_of[b, back] = count
                count += 1
    for a in range(n):
        for side in range(link_of.shape[1]):
            if side >= k or neighbours[a, side] < 0:
                link_of[a, side] = count
    return count


@njit(**_OPTIONS)
def weigh_links(x_km, y_km, z_km, ends_a, ends_b, flatten, clear_km, longest_km, per_km, per_link, weight):
    """Weight of each link in each lane: ``length * per_km + per_link``, infinite where the link cannot carry.

    The line of sight must stay outside the ellipsoid of equatorial radius `clear_km`; `flatten`, its axis ratio, stretches it to a sphere.
    """
    limits = (flatten, clear_km * clear_km, longest_km)
    for link in range(ends_a.size):
        weigh_row(x_km, y_km, z_km, np.int64(ends_a[link]), np.int64(ends_b[link]), limits, (per_km, per_link), weight, link)


@njit(**_OPTIONS)
def is_somewhere(x, y, z):
    """Whether a position is one: finite, and not beyond ten million kilometres."""
    return abs(x) + abs(y) + abs(z) < 1e7


@njit(**_OPTIONS)
def find_reach_margin(x_km, y_km, z_km, middle_km):
    """Write where each satellite is in (about) the middle lane; return the greatest distance from there in any lane, and the greatest radius."""
    n = middle_km.shape[1]
    margin2 = radius2 = 0.0
    for satellite in range(n):
        first = satellite * LANES
        chosen = first + LANES // 2
        if not is_somewhere(x_km[chosen], y_km[chosen], z_km[chosen]):
            for lane in range(first, first + LANES):
                if is_somewhere(x_km[lane], y_km[lane], z_km[lane]):
                    chosen = lane
        x, y, z = x_km[chosen], y_km[chosen], z_km[chosen]
        if not is_somewhere(x, y, z):
            x = y = z = np.nan
        middle_km[0, satellite], middle_km[1, satellite], middle_km[2, satellite] = x, y, z
        for lane in range(first, first + LANES):
            # Comparisons that a NaN fails, and bounds that only a place passes (see is_somewhere).
            moved2 = (x_km[lane] - x) ** 2 + (y_km[lane] - y) ** 2 + (z_km[lane] - z) ** 2
            if moved2 > margin2 and moved2 < 1e15:
                margin2 = moved2
            square = x_km[lane] ** 2 + y_km[lane] ** 2 + z_km[lane] ** 2
            if square > radius2 and square < 1e14:
                radius2 = square
    return math.sqrt(margin2), math.sqrt(radius2)


@njit(**_OPTIONS)
def _box_range(site_km, bound_km, radius_km, edge_km):
    """Boxes along one axis that come within the bound of a site: from, to."""
    first = int((site_km - bound_km + radius_km) / edge_km)
    last = int((site_km + bound_km + radius_km) / edge_km)
    # Beyond all boxes on one side, the range is empty, and still within the table of starts.
    return min(max(0, first), BOXES_A_SIDE), max(-1, min(BOXES_A_SIDE - 1, last))


@njit(**_OPTIONS)
def sort_into_boxes(middle_km, radius_km, starts, boxed):
    """List satellites by the box they are in, boxes along z side by side; return the edge of a box. `starts` is one longer than boxes are many."""
    edge_km = max(2.0 * radius_km / BOXES_A_SIDE, 1e-3) * 1.0001
    n = middle_km.shape[1]
    box = np.full(n, -1, np.int32)
    starts[:] = 0
    for satellite in range(n):
        if not np.isnan(middle_km[0, satellite]):
            number = 0
            for axis in range(3):
                number = number * BOXES_A_SIDE + int((middle_km[axis, satellite] + radius_km) / edge_km)
            box[satellite] = number
            starts[number + 1] += 1
    for number in range(starts.size - 1):
        starts[number + 1] += starts[number]
    filled = starts.copy()
    for satellite in range(n):
        if box[satellite] >= 0:
            boxed[filled[box[satellite]]] = satellite
            filled[box[satellite]] += 1
    return edge_km


@njit(**_OPTIONS)
def list_candidates(middle_km, margin_km, radius_km, edge_km, starts, boxed, site, up, sine_mask, longest_km, candidates):
    """List satellites that may be in reach of a site in some lane (a superset, by box); return how many."""
    height = math.sqrt(site[0] ** 2 + site[1] ** 2 + site[2] ** 2)
    bound_km = height + radius_km
    if sine_mask > -1.0:
        # The local vertical and the direction from the Earth's centre differ by less than 0.2 degrees.
        lowered = math.sin(math.asin(sine_mask) - 0.0035) if sine_mask > -0.99 else -1.0
        bound_km = math.sqrt(max(0.0, (height * lowered) ** 2 + radius_km**2 - height**2)) - height * lowered
    bound_km = min(bound_km, longest_km) + margin_km + 1e-6
    slack_km = margin_km * (1.0 + abs(sine_mask)) + 1e-6
    first_x, last_x = _box_range(site[0], bound_km, radius_km, edge_km)
    first_y, last_y = _box_range(site[1], bound_km, radius_km, edge_km)
    first_z, last_z = _box_range(site[2], bound_km, radius_km, edge_km)
    count = 0
    for column in range(first_x, last_x + 1):
        for row in range(first_y, last_y + 1):
            pile = (column * BOXES_A_SIDE + row) * BOXES_A_SIDE
            for i in range(starts[pile + first_z], starts[pile + last_z + 1]):
                satellite = boxed[i]
                dx, dy, dz = middle_km[0, satellite] - site[0], middle_km[1, satellite] - site[1], middle_km[2, satellite] - site[2]
                square = dx * dx + dy * dy + dz * dz
                if square <= bound_km * bound_km and up[0] * dx + up[1] * dy + up[2] * dz >= sine_mask * math.sqrt(square) - slack_km:
                    candidates[count] = satellite
                    count += 1
    return count


@njit(**_OPTIONS)
def seed_delays(
    x_km, y_km, z_km, middle_km, margin_km, radius_km, sites_km, ups, sine_masks, longest_km, per_km, backhaul, delay, next_hop
):
    """Set every delay row to the way straight down: least feeder + backhaul over the gateways in reach, per PoP.

    `backhaul` holds a row per (PoP, gateway), the same in each lane, infinite where that gateway does not serve that PoP.
    """
    pops, n = delay.shape[0], middle_km.shape[1]
    gateways = sites_km.shape[1]
    starts, boxed = np.empty(BOXES_A_SIDE**3 + 1, np.int64), np.empty(n, np.int32)
    edge_km = sort_into_boxes(middle_km, radius_km, starts, boxed)
    candidates, slant = np.empty(n, np.int32), np.empty(LANES)
    delay[:] = np.inf
    next_hop[:] = NO_WAY
    for gateway in range(gateways):
        site = (sites_km[0, gateway], sites_km[1, gateway], sites_km[2, gateway])
        up = (ups[0, gateway], ups[1, gateway], ups[2, gateway])
        sine, longest = sine_masks[gateway], longest_km[gateway]
        limits = (sine, longest, per_km)
        count = list_candidates(middle_km, margin_km, radius_km, edge_km, starts, boxed, site, up, sine, longest, candidates)
        for i in range(count):
            satellite = np.int64(candidates[i])
            if not slant_row(x_km, y_km, z_km, satellite, site, up, limits, slant, 0):
                continue
            for pop in range(pops):
                row = pop * gateways + gateway
                if backhaul[row * LANES] < np.inf:
                    offer_row(delay[pop], satellite, slant, 0, backhaul, row, next_hop[pop], np.int32(-1 - gateway))


@njit(**_OPTIONS)
def order_by_delay(delay, order, starts):
    """Sort satellites by their delay in the last lane, into as many buckets as `starts` has room for (a good order to relax in)."""
    n, buckets = order.size, starts.size - 1
    greatest = 0.0
    for satellite in range(n):
        value = delay[satellite * LANES + LANES - 1]
        if greatest < value < np.inf:
            greatest = value
    scale = (buckets - 2) / greatest if greatest > 0.0 else 0.0
    starts[:] = 0
    for satellite in range(n):
        value = delay[satellite * LANES + LANES - 1]
        starts[(int(value * scale) if value < np.inf else buckets - 1) + 1] += 1
    for bucket in range(buckets):
        starts[bucket + 1] += starts[bucket]
    for satellite in range(n):
        value = delay[satellite * LANES + LANES - 1]
        bucket = int(value * scale) if value < np.inf else buckets - 1
        order[starts[bucket]] = satellite
        starts[bucket] += 1


@njit(**_OPTIONS)
def order_by_search(delay, neighbour, link, weight, quads, width, order):
    """Order satellites by their delay in a middle lane, found by a search with buckets (Dial): the order to relax the first group in.

    Only an order: what lies beyond the last bucket, or does not fit in the list of entries, stands at the end as it comes.
    """
    n, lane, buckets = order.size, LANES // 2, 1024
    reached = np.empty(n + 1)
    placed = np.zeros(n, np.uint8)
    heads, following, entries = np.full(buckets, -1, np.int32), np.empty(4 * n, np.int32), np.empty(4 * n, np.int32)
    used = done = 0
    for satellite in range(n + 1):
        reached[satellite] = delay[satellite * LANES + lane]
        if reached[satellite] < width * buckets:
            bucket = min(int(reached[satellite] / width), buckets - 1)
            entries[used], following[used], heads[bucket] = satellite, heads[bucket], used
            used += 1
    for bucket in range(buckets):
        while heads[bucket] >= 0:
            entry = heads[bucket]
            heads[bucket] = following[entry]
            satellite = entries[entry]
            if placed[satellite]:
                continue
            placed[satellite] = 1
            order[done] = satellite
            done += 1
            for side in range(satellite * quads * QUAD, (satellite + 1) * quads * QUAD):
                other = neighbour[side]
                offer = reached[satellite] + weight[link[side] * LANES + lane]
                if offer < reached[other]:
                    reached[other] = offer
                    if offer < width * buckets and used < entries.size:
                        later = min(int(offer / width), buckets - 1)
                        entries[used], following[used], heads[later] = other, heads[later], used
                        used += 1
    for satellite in range(n):
        if not placed[satellite]:
            order[done] = satellite
            done += 1


@njit(**_OPTIONS)
def _relax_satellite(satellite, quads, delay, neighbour, link, weight, waiting, queue, tail):
    mask = np.uint64(queue.size - 1)
    # With several quads, twice: a later quad may lower the delay that neighbours of an earlier one were told.
    for turn in range(quads if quads == 1 else 2 * quads):
        quad = satellite * quads + turn % quads
        lowered = relax_row(delay, satellite, neighbour, link, weight, quad)
        for side in range(QUAD):
            # Without branches: the answer is as good as random, and a branch that is guessed wrong costs more than the whole row.
            number = neighbour[np.uint64(QUAD * quad + side)]
            bit = np.uint8((lowered >> side) & 1)
            queue[tail & mask] = number
            tail += np.uint64(bit & (waiting[np.uint64(number)] ^ np.uint8(1)))
            waiting[np.uint64(number)] |= bit
    return tail


@njit(**_OPTIONS)
def relax_delays(delay, neighbour, link, weight, quads, order, waiting, queue):
    """Lower all delay rows until no link lowers any: the least sums over ways, whatever the order (label-correcting, first in first out).

    The first round visits every satellite in the given order; later ones only satellites that a neighbour can lower. The queue's size is a power
    of two greater than the number of satellites.
    """
    waiting[:] = 1
    head = tail = np.uint64(0)
    mask = np.uint64(queue.size - 1)
    for i in range(order.size):
        satellite = np.int64(order[i])
        waiting[np.uint64(satellite)] = 0
        tail = _relax_satellite(satellite, quads, delay, neighbour, link, weight, waiting, queue, tail)
    while head != tail:
        satellite = np.int64(queue[head & mask])
        head += np.uint64(1)
        waiting[np.uint64(satellite)] = 0
        tail = _relax_satellite(satellite, quads, delay, neighbour, link, weight, waiting, queue, tail)


@njit(**_OPTIONS)
def choose_hops(delay, neighbour, link, weight, quads, next_hop):
    """Write the next hop of every satellite whose delay comes over a link."""
    for satellite in range(delay.size // LANES - 1):
        for quad in range(satellite * quads + quads - 1, satellite * quads - 1, -1):
            choose_row(delay, satellite, neighbour, link, weight, quad, next_hop)


@njit(**_OPTIONS)
def grow_tree(delay, neighbour, link, weight, quads, order, has_order, width, waiting, queue, starts, next_hop):
    """Grow the tree of ways from the seeds in `delay` and `next_hop`; `order` carries the order from one group to the next."""
    if not has_order:
        order_by_search(delay, neighbour, link, weight, quads, width, order)
    relax_delays(delay, neighbour, link, weight, quads, order, waiting, queue)
    choose_hops(delay, neighbour, link, weight, quads, next_hop)
    order_by_delay(delay, order, starts)


@njit(**_OPTIONS)
def queue_size(n):
    """Power of two greater than the number of satellites."""
    size = 2
    while size <= n + 1:
        size *= 2
    return size


@njit(**_OPTIONS)
def grow_trees(delay, neighbour, link, weight, quads, orders, has_order, width, next_hop):
    """Grow the trees to all PoPs."""
    pops, n = orders.shape
    waiting, queue, starts = np.empty(n + 1, np.uint8), np.empty(queue_size(n), np.int32), np.empty(1026, np.int64)
    for pop in range(pops):
        grow_tree(delay[pop], neighbour, link, weight, quads, orders[pop], has_order, width, waiting, queue, starts, next_hop[pop])


@njit(**_OPTIONS)
def list_slants(x_km, y_km, z_km, middle_km, margin_km, radius_km, sites_km, ups, sine_masks, longest_km, per_km, starts, in_reach, slant):
    """List, per site, the satellites that are in reach in some lane (ascending) with their rows of slant ranges; False if they do not fit."""
    n, sites = middle_km.shape[1], sites_km.shape[1]
    boxes, boxed, candidates = np.empty(BOXES_A_SIDE**3 + 1, np.int64), np.empty(n, np.int32), np.empty(n, np.int32)
    edge_km = sort_into_boxes(middle_km, radius_km, boxes, boxed)
    used = 0
    for number in range(sites):
        starts[number] = used
        site = (sites_km[0, number], sites_km[1, number], sites_km[2, number])
        up = (ups[0, number], ups[1, number], ups[2, number])
        sine, longest = sine_masks[number], longest_km[number]
        count = list_candidates(middle_km, margin_km, radius_km, edge_km, boxes, boxed, site, up, sine, longest, candidates)
        for i in range(1, count):
            satellite, place = candidates[i], i
            while place > 0 and candidates[place - 1] > satellite:
                candidates[place] = candidates[place - 1]
                place -= 1
            candidates[place] = satellite
        for i in range(count):
            if used == in_reach.size:
                return False
            if slant_row(x_km, y_km, z_km, np.int64(candidates[i]), site, up, (sine, longest, per_km), slant, used):
                in_reach[used] = candidates[i]
                used += 1
    starts[sites] = used
    return True


@njit(**_OPTIONS)
def grow_forwarding(starts, in_reach, slant, neighbour, link, weight, quads, orders, has_order, width, next_hop):
    """Next hop of every satellite and every site to every site, by node number: satellites first, sites after them, -1 for none.

    Satellites relay, sites do not. Between equal sums the lowest satellite wins. `next_hop` is (sites, (n + sites) * LANES).
    """
    sites, n = orders.shape
    waiting, queue, buckets = np.empty(n + 1, np.uint8), np.empty(queue_size(n), np.int32), np.empty(1026, np.int64)
    delay, least, zero = np.empty((n + 1) * LANES), np.empty(LANES), np.zeros(LANES)
    next_hop[:] = -1
    for to in range(sites):
        delay[:] = np.inf
        for i in range(starts[to], starts[to + 1]):
            offer_row(delay, np.int64(in_reach[i]), slant, i, zero, 0, next_hop[to], np.int32(n + to))
        grow_tree(delay, neighbour, link, weight, quads, orders[to], has_order, width, waiting, queue, buckets, next_hop[to])
        for source in range(sites):
            if source != to:
                least[:] = np.inf
                hop = next_hop[to, (n + source) * LANES :]
                for i in range(starts[source], starts[source + 1]):
                    offer_row(least, 0, slant, i, delay, np.int64(in_reach[i]), hop, np.int32(in_reach[i]))


@njit(**_OPTIONS)
def follow_ways(positions_km, next_hop, slots, pops, satellites, sites_km, gateway, isl_hops, isl_km, feeder_km):
    """Walk from each satellite to the gateway where its way comes down (-1: no way; -2: the next hops go round in a circle)."""
    n = positions_km.shape[2]
    for i in range(slots.size):
        slot, at = slots[i], np.int64(satellites[i])
        hops, length = 0, 0.0
        row = next_hop[slot // LANES, pops[i]]
        lane = slot % LANES
        x, y, z = positions_km[slot, 0], positions_km[slot, 1], positions_km[slot, 2]
        hop = np.int64(row[at * LANES + lane])
        while hop >= 0 and hops <= n:
            length += math.sqrt((x[hop] - x[at]) ** 2 + (y[hop] - y[at]) ** 2 + (z[hop] - z[at]) ** 2)
            hops += 1
            at = hop
            hop = np.int64(row[at * LANES + lane])
        isl_hops[i], isl_km[i] = hops, length
        feeder_km[i] = np.inf
        gateway[i] = -1
        if hop >= 0:
            gateway[i] = -2
        elif hop != NO_WAY:
            down = -1 - hop
            gateway[i] = down
            feeder_km[i] = math.sqrt((x[at] - sites_km[0, down]) ** 2 + (y[at] - sites_km[1, down]) ** 2 + (z[at] - sites_km[2, down]) ** 2)


@njit(**_OPTIONS)
def measure_links(positions_km, neighbours, length_km):
    """Length of the link to each neighbour, (nt, n, k); NaN where there is none."""
    for slot in range(positions_km.shape[0]):
        x, y, z = positions_km[slot, 0], positions_km[slot, 1], positions_km[slot, 2]
        for a in range(neighbours.shape[0]):
            for side in range(neighbours.shape[1]):
                b = neighbours[a, side]
                length = np.nan
                if b >= 0:
                    dx, dy, dz = x[b] - x[a], y[b] - y[a], z[b] - z[a]
                    length = math.sqrt(dx * dx + dy * dy + dz * dz)
                length_km[slot, a, side] = length


@njit(**_OPTIONS)
def find_wrong_row(neighbours):
    """First row that names itself, one twice, or one that does not exist or does not name it back; -1 if there is none."""
    n, k = neighbours.shape
    for a in range(n):
        for side in range(k):
            b = neighbours[a, side]
            if b == -1:
                continue
            if b < 0 or b >= n or b == a:
                return a
            named = back = 0
            for other in range(k):
                named += neighbours[a, other] == b
                back += neighbours[b, other] == a
            if named != 1 or back != 1:
                return a
    return -1
