"""Compiled loops of the network stage, over plain arrays.

Eight consecutive slots advance together. Whatever belongs to one satellite (or one link) in these slots is one *row*: `LANES` float64 values
side by side in a flat array, one vector register on today's machines. A row operation that has to be a vector instruction is written on
LLVM's vector types, because the compiler cannot know that two rows of one array do not overlap; LLVM turns it into whatever the machine has.
The others take the number of lanes as an argument, because a loop of unknown length is vectorised and one of eight is unrolled.

No kernel may contract a product and a sum into one rounding (no ``fastmath``): results equal those of NumPy to the last bit, on every machine.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 8
NO_WAY = np.int32(-(2**31))
QUAD = 4

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}

_F64, _I32, _I64 = ir.DoubleType(), ir.IntType(32), ir.IntType(64)
_BITS = ir.IntType(LANES)
_ROW_F64, _ROW_I32 = ir.VectorType(_F64, LANES), ir.VectorType(_I32, LANES)


def _data(context, builder, array_type, array):
    return context.make_array(array_type)(context, builder, array).data


def _row_pointer(builder, data, row, row_type):
    return builder.bitcast(builder.gep(data, [builder.mul(row, _I64(LANES))]), ir.PointerType(row_type))


def _load_row(builder, data, row):
    return builder.load(_row_pointer(builder, data, row, _ROW_F64), align=8)


def _splat(builder, value, row_type):
    undefined = ir.Constant(row_type, ir.Undefined)
    first = builder.insert_element(undefined, value, _I32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_ROW_I32, [0] * LANES))


def _minimum(builder, first, second):
    return builder.select(builder.fcmp_ordered("<", first, second), first, second)


def _load_quad(context, builder, signature, arguments):
    """Load the four neighbours of a quad: their numbers, delay rows, and the rows of the links to them."""
    delay, neighbour, link, weight = (_data(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 3, 4))
    first = builder.mul(arguments[5], _I64(QUAD))
    numbers, rows, weights = [], [], []
    for side in range(QUAD):
        place = builder.add(first, _I64(side))
        number = builder.load(builder.gep(neighbour, [place]), align=4)
        line = builder.load(builder.gep(link, [place]), align=4)
        numbers.append(number)
        rows.append(_load_row(builder, delay, builder.sext(number, _I64)))
        weights.append(_load_row(builder, weight, builder.sext(line, _I64)))
    return delay, numbers, rows, weights


@intrinsic
def _relax(typing_context, delay, satellite, neighbour, link, weight, quad):  # noqa: ARG001
    """Lower the row of a satellite to what its four neighbours offer; bit e of the answer: neighbour e could now be lowered."""
    signature = types.int32(delay, types.int64, neighbour, link, weight, types.int64)

    def generate(context, builder, signature, arguments):
        data, _, rows, weights = _load_quad(context, builder, signature, arguments)
        pointer = _row_pointer(builder, data, arguments[1], _ROW_F64)
        offers = [builder.fadd(row, line) for row, line in zip(rows, weights, strict=True)]
        own = _minimum(builder, builder.load(pointer, align=8), offers[0])
        least = _minimum(builder, own, _minimum(builder, _minimum(builder, offers[1], offers[2]), offers[3]))
        builder.store(least, pointer, align=8)
        answer = _I32(0)
        for side in range(QUAD):
            lower = builder.fcmp_ordered("<", builder.fadd(least, weights[side]), rows[side])
            some = builder.icmp_unsigned("!=", builder.bitcast(lower, _BITS), _BITS(0))
            answer = builder.or_(answer, builder.shl(builder.zext(some, _I32), _I32(side)))
        return answer

    return signature, generate


@intrinsic
def _choose(typing_context, delay, satellite, neighbour, link, weight, quad, next_hop):  # noqa: ARG001
    """Write into the next-hop row which of the four neighbours (the first, in a tie) gave the satellite its delay."""
    signature = types.void(delay, types.int64, neighbour, link, weight, types.int64, next_hop)

    def generate(context, builder, signature, arguments):
        data, numbers, rows, weights = _load_quad(context, builder, signature, arguments)
        own = _load_row(builder, data, arguments[1])
        hop = _data(context, builder, signature.args[6], arguments[6])
        pointer = _row_pointer(builder, hop, arguments[1], _ROW_I32)
        chosen = builder.load(pointer, align=4)
        finite = builder.fcmp_ordered("<", own, ir.Constant(_ROW_F64, [math.inf] * LANES))
        for side in reversed(range(QUAD)):
            gives = builder.and_(builder.fcmp_ordered("<=", builder.fadd(rows[side], weights[side]), own), finite)
            chosen = builder.select(gives, _splat(builder, numbers[side], _ROW_I32), chosen)
        builder.store(chosen, pointer, align=4)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _offer(typing_context, best, row, part, part_row, rest, rest_row, label, name):  # noqa: ARG001
    """Lower a row to the sum of two other rows, and write `name` into the row of labels wherever that lowered it."""
    signature = types.void(best, types.int64, part, types.int64, rest, types.int64, label, types.int32)

    def generate(context, builder, signature, arguments):
        best, part, rest, label = (_data(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 4, 6))
        pointer = _row_pointer(builder, best, arguments[1], _ROW_F64)
        labels = _row_pointer(builder, label, arguments[1], _ROW_I32)
        old, old_labels = builder.load(pointer, align=8), builder.load(labels, align=4)
        sum_ = builder.fadd(_load_row(builder, part, arguments[3]), _load_row(builder, rest, arguments[5]))
        lower = builder.fcmp_ordered("<", sum_, old)
        builder.store(builder.select(lower, sum_, old), pointer, align=8)
        builder.store(builder.select(lower, _splat(builder, arguments[7], _ROW_I32), old_labels), labels, align=4)
        return context.get_dummy_value()

    return signature, generate


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
def weigh_links(x_km, y_km, z_km, ends_a, ends_b, flatten, clear_km, longest_km, per_km, per_link, weight, lanes):
    """Weight of each link in each lane: ``length * per_km + per_link``, infinite where the link cannot carry.

    The line of sight must stay outside the ellipsoid of equatorial radius `clear_km`; `flatten` is its axis ratio, which stretches it to a sphere.
    """
    for link in range(ends_a.size):
        a, b, out = ends_a[link] * lanes, ends_b[link] * lanes, link * lanes
        for lane in range(lanes):
            x, y, z = x_km[a + lane], y_km[a + lane], z_km[a + lane]
            dx, dy, dz = x_km[b + lane] - x, y_km[b + lane] - y, z_km[b + lane] - z
            length = math.sqrt(dx * dx + dy * dy + dz * dz)
            z *= flatten
            dz *= flatten
            square = dx * dx + dy * dy + dz * dz
            along = x * dx + y * dy + z * dz
            behind = (x * x + y * y + z * z - clear_km * clear_km) * square < along * along
            blocked = (along < 0.0) & (along + square > 0.0) & behind
            # A millimetre apart: one satellite listed twice, not a link.
            carries = (length <= longest_km) & (length > 1e-6) & (not blocked)
            weight[out + lane] = length * per_km + per_link if carries else np.inf


@njit(**_OPTIONS)
def find_reach_margin(x_km, y_km, z_km, middle_km):
    """Write where each satellite is in (about) the middle lane; return the greatest distance from there in any lane, and the greatest radius."""
    n = middle_km.shape[1]
    margin2 = radius2 = 0.0
    for satellite in range(n):
        first = satellite * LANES
        chosen = first + LANES // 2
        for lane in range(LANES):
            if np.isnan(x_km[chosen]):
                chosen = first + lane
        x, y, z = x_km[chosen], y_km[chosen], z_km[chosen]
        middle_km[0, satellite], middle_km[1, satellite], middle_km[2, satellite] = x, y, z
        for lane in range(first, first + LANES):
            moved2 = (x_km[lane] - x) ** 2 + (y_km[lane] - y) ** 2 + (z_km[lane] - z) ** 2
            if moved2 > margin2:  # not max(): a NaN must not pass
                margin2 = moved2
            square = x_km[lane] ** 2 + y_km[lane] ** 2 + z_km[lane] ** 2
            if square > radius2:
                radius2 = square
    return math.sqrt(margin2), math.sqrt(radius2)


@njit(**_OPTIONS)
def _measure_squares(x, y, z, gx, gy, gz, square):
    for i in range(square.size):
        square[i] = (x[i] - gx) * (x[i] - gx) + (y[i] - gy) * (y[i] - gy) + (z[i] - gz) * (z[i] - gz)


@njit(**_OPTIONS)
def list_candidates(middle_km, margin_km, radius_km, site_km, sine_mask, longest_km, square, candidates):
    """List satellites that may be in reach of a site in some lane (a superset); return how many."""
    site = math.sqrt(site_km[0] ** 2 + site_km[1] ** 2 + site_km[2] ** 2)
    bound = site + radius_km
    if sine_mask > -1.0:
        # The local vertical and the direction from the Earth's centre differ by less than 0.2 degrees.
        lowered = math.sin(math.asin(sine_mask) - 0.0035) if sine_mask > -0.99 else -1.0
        bound = math.sqrt(max(0.0, (site * lowered) ** 2 + radius_km**2 - site**2)) - site * lowered
    bound = min(bound, longest_km) + margin_km + 1e-6
    _measure_squares(middle_km[0], middle_km[1], middle_km[2], site_km[0], site_km[1], site_km[2], square)
    count = 0
    limit = bound * bound
    for satellite in range(square.size):
        if square[satellite] <= limit:
            candidates[count] = satellite
            count += 1
    return count


@njit(**_OPTIONS)
def measure_slants(x_km, y_km, z_km, candidates, site_km, up, sine_mask, longest_km, per_km, slant, lanes):
    """Row of each candidate: slant range times `per_km`, infinite below the mask or beyond the longest range."""
    gx, gy, gz, ux, uy, uz = site_km[0], site_km[1], site_km[2], up[0], up[1], up[2]
    for i in range(candidates.size):
        row, out = candidates[i] * lanes, i * lanes
        for lane in range(lanes):
            dx, dy, dz = x_km[row + lane] - gx, y_km[row + lane] - gy, z_km[row + lane] - gz
            length = math.sqrt(dx * dx + dy * dy + dz * dz)
            in_reach = (ux * dx + uy * dy + uz * dz >= sine_mask * length) & (length <= longest_km)
            slant[out + lane] = length * per_km if in_reach else np.inf


@njit(**_OPTIONS)
def seed_delays(
    x_km, y_km, z_km, middle_km, margin_km, radius_km, sites_km, ups, sine_masks, longest_km, per_km, backhaul, delay, next_hop
):
    """Set every delay row to the way straight down: least feeder + backhaul over the gateways in reach, per PoP.

    `backhaul` holds a row per (PoP, gateway), the same in each lane, infinite where that gateway does not serve that PoP.
    """
    pops, n = delay.shape[0], middle_km.shape[1]
    gateways = sites_km.shape[1]
    square, candidates, slant = np.empty(n), np.empty(n, np.int32), np.empty(n * LANES)
    delay[:] = np.inf
    next_hop[:] = NO_WAY
    for gateway in range(gateways):
        site, up = sites_km[:, gateway].copy(), ups[:, gateway].copy()
        count = list_candidates(middle_km, margin_km, radius_km, site, sine_masks[gateway], longest_km[gateway], square, candidates)
        measure_slants(x_km, y_km, z_km, candidates[:count], site, up, sine_masks[gateway], longest_km[gateway], per_km, slant, LANES)
        for pop in range(pops):
            row = pop * gateways + gateway
            if backhaul[row * LANES] < np.inf:
                for i in range(count):
                    _offer(delay[pop], np.int64(candidates[i]), slant, i, backhaul, row, next_hop[pop], np.int32(-1 - gateway))


@njit(**_OPTIONS)
def order_by_delay(delay, order, starts):
    """Sort satellites by their delay in the first lane, into as many buckets as `starts` has room for (a good order to relax in)."""
    n, buckets = order.size, starts.size - 1
    greatest = 0.0
    for satellite in range(n):
        value = delay[satellite * LANES]
        if greatest < value < np.inf:
            greatest = value
    scale = (buckets - 2) / greatest if greatest > 0.0 else 0.0
    starts[:] = 0
    for satellite in range(n):
        value = delay[satellite * LANES]
        starts[(int(value * scale) if value < np.inf else buckets - 1) + 1] += 1
    for bucket in range(buckets):
        starts[bucket + 1] += starts[bucket]
    for satellite in range(n):
        value = delay[satellite * LANES]
        bucket = int(value * scale) if value < np.inf else buckets - 1
        order[starts[bucket]] = satellite
        starts[bucket] += 1


@njit(**_OPTIONS)
def _relax_satellite(satellite, quads, delay, neighbour, link, weight, waiting, queue, tail):
    mask = np.uint64(queue.size - 1)
    for quad in range(satellite * quads, satellite * quads + quads):
        lowered = _relax(delay, satellite, neighbour, link, weight, quad)
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
            _choose(delay, satellite, neighbour, link, weight, quad, next_hop)


@njit(**_OPTIONS)
def grow_trees(delay, neighbour, link, weight, quads, orders, has_order, next_hop):
    """Grow the tree of ways to every PoP from the seeds in `delay` and `next_hop`; `orders` carries the order from one group to the next."""
    pops, n = orders.shape
    size = 2
    while size <= n + 1:
        size *= 2
    waiting, queue, starts = np.empty(n + 1, np.uint8), np.empty(size, np.int32), np.empty(1026, np.int64)
    for pop in range(pops):
        if not has_order:
            order_by_delay(delay[pop], orders[pop], starts)
        relax_delays(delay[pop], neighbour, link, weight, quads, orders[pop], waiting, queue)
        choose_hops(delay[pop], neighbour, link, weight, quads, next_hop[pop])
        order_by_delay(delay[pop], orders[pop], starts)


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
def find_nearest(points_km, headings, least_cosine, asking, first, stop, longest_km, found, distance_km):
    """Find for each asking point the nearest points among rows first..stop of a table sorted by z, that move about the same way.

    `points_km`, `headings` are (3, n); `found`, `distance_km` are (asking, k), filled from the nearest on; -1 and inf where there are fewer.
    """
    k = found.shape[1]
    found[:] = -1
    distance_km[:] = np.inf
    for i in range(asking.size):
        own = asking[i]
        x, y, z = points_km[0, own], points_km[1, own], points_km[2, own]
        low, high = first[i], stop[i]
        middle = low
        while low < high:
            middle = (low + high) // 2
            if points_km[2, middle] < z:
                low = middle + 1
            else:
                high = middle
        up, down = low, low - 1
        while True:
            limit = min(longest_km, distance_km[i, k - 1])
            rise = points_km[2, up] - z if up < stop[i] else np.inf
            fall = z - points_km[2, down] if down >= first[i] else np.inf
            if min(rise, fall) > limit or (up >= stop[i] and down < first[i]):
                break
            other = up if rise <= fall else down
            if rise <= fall:
                up += 1
            else:
                down -= 1
            if other == own:
                continue
            length = math.sqrt((points_km[0, other] - x) ** 2 + (points_km[1, other] - y) ** 2 + (points_km[2, other] - z) ** 2)
            cosine = headings[0, other] * headings[0, own] + headings[1, other] * headings[1, own] + headings[2, other] * headings[2, own]
            if length <= limit and length > 1e-6 and cosine >= least_cosine and length < distance_km[i, k - 1]:
                place = k - 1
                while place > 0 and distance_km[i, place - 1] > length:
                    distance_km[i, place], found[i, place] = distance_km[i, place - 1], found[i, place - 1]
                    place -= 1
                distance_km[i, place], found[i, place] = length, other


@njit(**_OPTIONS)
def accept_in_order(port_a, port_b, free, accepted):
    """Accept pairs one by one while both their ports have a place free."""
    for i in range(port_a.size):
        accepted[i] = free[port_a[i]] > 0 and free[port_b[i]] > 0
        if accepted[i]:
            free[port_a[i]] -= 1
            free[port_b[i]] -= 1


@njit(**_OPTIONS)
def offer_ground_hops(slant, candidates, starts, delay, least, hop):
    """Choose for each (site, site) pair the satellite over which the sum of slant range and way is least (the lowest number, in a tie).

    `slant` holds a row per entry of `candidates` (satellites of site s from ``starts[s]`` on, ascending); `least`, `hop` a row per pair.
    """
    sites = starts.size - 1
    least[:] = np.inf
    hop[:] = -1
    for to in range(sites):
        for source in range(sites):
            if source == to:
                continue
            row = to * sites + source
            for i in range(starts[source], starts[source + 1]):
                _offer(least, row, slant, i, delay[to], np.int64(candidates[i]), hop, np.int32(candidates[i]))
