"""Compiled loops that lead flows from beams to PoPs: traffic, landings, paths."""

import numpy as np
from numba import njit

from overflight.flow._kernels import _BARE, _INLINE, _OPTIONS

NOWHERE = -1
"""Instead of a gateway: no way leads on."""

ROUND = -2
"""Instead of a gateway: the next hops lead round in a circle."""

MOST_MBPS = 1e12
"""An offer beyond this is one without a limit."""

GAIN = 1e-9
"""A unit of traffic moves only where this much, at least, is gained."""


@njit(**_OPTIONS)
def number_traffic(satellite, pop, satellites):
    """Number the pairs of satellite and PoP in use, ascending by satellite, then PoP: (pair of each flow, satellites, PoPs)."""
    flows = satellite.size
    head = np.full(satellites, -1, np.int32)
    after, pair_pop, pair_of = np.empty(flows, np.int32), np.empty(flows, np.int32), np.empty(flows, np.int32)
    count = 0
    for f in range(flows):
        before, at = -1, head[satellite[f]]
        while at >= 0 and pair_pop[at] < pop[f]:
            before, at = at, after[at]
        if at < 0 or pair_pop[at] != pop[f]:
            pair_pop[count], after[count] = pop[f], at
            if before < 0:
                head[satellite[f]] = count
            else:
                after[before] = count
            at = count
            count += 1
        pair_of[f] = at
    number, satellites_of, pops_of = np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.int32)
    row = 0
    for s in range(satellites):
        at = head[s]
        while at >= 0:
            number[at], satellites_of[row], pops_of[row] = row, s, pair_pop[at]
            row += 1
            at = after[at]
    for f in range(flows):
        pair_of[f] = number[pair_of[f]]
    return pair_of, satellites_of, pops_of


@njit(**_OPTIONS)
def estimate_offers(beam, weight, demand, beam_mbps, offer):
    """What each flow would bring if only its beam and its demand held it back: the beam shared by weight."""
    pull = np.zeros(beam_mbps.size)
    for f in range(beam.size):
        pull[beam[f]] += weight[f]
    for f in range(beam.size):
        share = beam_mbps[beam[f]] * (weight[f] / pull[beam[f]]) if weight[f] > 0.0 else 0.0
        offer[f] = min(demand[f], share, MOST_MBPS)


@njit(**_OPTIONS)
def list_reach(x_km, y_km, z_km, sites_km, ups, sines, longest_km, indptr, gateway, range_km):
    """Gateways in reach of each satellite, ascending; False if they do not fit into the arrays."""
    used = 0
    for s in range(x_km.size):
        indptr[s] = used
        if np.isnan(x_km[s]):
            continue
        for g in range(sites_km.shape[1]):
            dx, dy, dz = x_km[s] - sites_km[0, g], y_km[s] - sites_km[1, g], z_km[s] - sites_km[2, g]
            rise = dx * ups[0, g] + dy * ups[1, g] + dz * ups[2, g]
            squared = dx * dx + dy * dy + dz * dz
            if (sines[g] > 0.0 and (rise <= 0.0 or rise * rise < sines[g] * sines[g] * squared * (1.0 - 1e-9))) or squared == 0.0:
                continue
            length = np.sqrt(squared)
            if rise >= sines[g] * length and length <= longest_km[g]:
                if used == gateway.size:
                    return False
                gateway[used], range_km[used] = g, length
                used += 1
    indptr[x_km.size] = used
    return True


@njit(**_INLINE)
def nearest_gateway(at, pop, reach_indptr, reach_gateway, reach_ms, backhaul_ms):
    """Nearest gateway in reach of a satellite from which fibre leads to a PoP; -1 for none. Between equals the first."""
    best, best_ms = -1, np.inf
    for e in range(reach_indptr[at], reach_indptr[at + 1]):
        if backhaul_ms[pop, reach_gateway[e]] < np.inf and reach_ms[e] < best_ms:
            best, best_ms = reach_gateway[e], reach_ms[e]
    return best


@njit(**_BARE)
def land(satellite, pop, next_hop, gateways, early, reach_indptr, reach_gateway, reach_ms, backhaul_ms, down_from, down_to):
    """Where each pair of satellite and PoP comes down: as the next hops say or, if `early`, as soon as a gateway is in reach."""
    n = next_hop.shape[1]
    for row in range(satellite.size):
        at, steps = np.int64(satellite[row]), 0
        down_from[row], down_to[row] = -1, NOWHERE
        while True:
            if early:
                nearest = nearest_gateway(at, pop[row], reach_indptr, reach_gateway, reach_ms, backhaul_ms)
                if nearest >= 0:
                    down_from[row], down_to[row] = at, nearest
                    break
            hop = np.int64(next_hop[pop[row], at])
            if hop < 0:
                if hop >= -gateways:
                    down_from[row], down_to[row] = at, -1 - hop
                break
            steps += 1
            if hop >= n or steps > n:
                down_to[row] = ROUND
                break
            at = hop


@njit(**_OPTIONS)
def list_choices(satellite, pop, next_hop, gateways, reach_indptr, reach_gateway, backhaul_ms, indptr, down_from, down_to, pair):
    """List where each pair could come down: as the next hops say first, then on the way there, the last satellites first.

    `pair` is the row of the choice in the reach, or -1 where the gateway that the next hops name is not in it. With arrays of length 0 it
    only counts. Returns False if next hops lead round in a circle.
    """
    n, used, store = next_hop.shape[1], 0, down_from.size > 0
    way = np.empty(n + 1, np.int32)
    for row in range(satellite.size):
        indptr[row] = used
        at, steps = np.int64(satellite[row]), 0
        way[0] = at
        hop = np.int64(next_hop[pop[row], at])
        while hop >= 0:
            steps += 1
            if hop >= n or steps >= n:
                return False
            way[steps] = hop
            at = hop
            hop = np.int64(next_hop[pop[row], at])
        told = -1 - hop if hop >= -gateways else -1
        if told >= 0:
            if store:
                down_from[used], down_to[used], pair[used] = at, told, -1
                for e in range(reach_indptr[at], reach_indptr[at + 1]):
                    if reach_gateway[e] == told:
                        pair[used] = e
            used += 1
        for step in range(steps, -1, -1):
            at = np.int64(way[step])
            for e in range(reach_indptr[at], reach_indptr[at + 1]):
                g = reach_gateway[e]
                if backhaul_ms[pop[row], g] < np.inf and not (step == steps and g == told):
                    if store:
                        down_from[used], down_to[used], pair[used] = at, g, e
                    used += 1
    indptr[satellite.size] = used
    return True


@njit(**_INLINE)
def use_of(c, amount, down_from, down_to, pair, gateway_use, pair_use, landing_use, gateway_mbps, pair_mbps, landing_mbps):
    """How full the fullest of gateway, feeder and satellite would be with `amount` more over a choice."""
    use = (gateway_use[down_to[c]] + amount) / gateway_mbps[down_to[c]]
    use = max(use, (landing_use[down_from[c]] + amount) / landing_mbps[down_from[c]])
    if pair[c] >= 0:
        use = max(use, (pair_use[pair[c]] + amount) / pair_mbps[pair[c]])
    return use


@njit(**_INLINE)
def count_use(c, amount, step, down_from, down_to, pair, gateway_use, pair_use, landing_use, pair_units, satellite_links, gateway_links):
    """Count a unit of `amount` more over a choice (`step` 1), or take it back (`step` -1)."""
    gateway_use[down_to[c]] += step * amount
    landing_use[down_from[c]] += step * amount
    if pair[c] >= 0:
        pair_use[pair[c]] += step * amount
        pair_units[pair[c]] += step
        if pair_units[pair[c]] == (step + 1) // 2:
            satellite_links[down_from[c]] += step
            gateway_links[down_to[c]] += step


@njit(**_INLINE)
def has_dish(c, down_from, down_to, pair, pair_units, satellite_links, gateway_links, most_links, most_dishes):
    """Whether satellite and gateway of a choice have a link already or an aerial free for one."""
    if pair[c] < 0 or pair_units[pair[c]] > 0:
        return True
    return satellite_links[down_from[c]] < most_links and gateway_links[down_to[c]] < most_dishes


@njit(**_BARE)
def place_units(
    row, amount, comfortable, first, last, down_from, down_to, pair, gateway_use, pair_use, landing_use,
    pair_units, satellite_links, gateway_links, most_links, most_dishes, gateway_mbps, pair_mbps, landing_mbps, units, chosen,
):  # fmt: skip
    """Let all units of a row choose anew, one after the other; returns how many moved."""
    moved = 0
    for u in range(units[row]):
        old = chosen[row, u]
        if old >= 0:
            count_use(
                old, amount, -1, down_from, down_to, pair, gateway_use, pair_use, landing_use, pair_units, satellite_links, gateway_links
            )
        best = old if old >= 0 else first
        least = use_of(best, amount, down_from, down_to, pair, gateway_use, pair_use, landing_use, gateway_mbps, pair_mbps, landing_mbps)
        if not has_dish(best, down_from, down_to, pair, pair_units, satellite_links, gateway_links, most_links, most_dishes):
            least = np.inf
        if not least <= comfortable:
            for c in range(first, last):
                if not has_dish(c, down_from, down_to, pair, pair_units, satellite_links, gateway_links, most_links, most_dishes):
                    continue
                use = use_of(c, amount, down_from, down_to, pair, gateway_use, pair_use, landing_use, gateway_mbps, pair_mbps, landing_mbps)
                if use < least - GAIN:
                    best, least = c, use
        moved += best != old
        chosen[row, u] = best
        count_use(best, amount, 1, down_from, down_to, pair, gateway_use, pair_use, landing_use, pair_units, satellite_links, gateway_links)
    return moved


@njit(**_OPTIONS)
def spread_units(
    offer, unit_mbps, most_units, rounds, comfortable, most_links, most_dishes, indptr, down_from, down_to, pair,
    gateway_mbps, pair_mbps, landing_mbps, units, chosen,
):  # fmt: skip
    """Give each unit of traffic a choice: the first while it is comfortable, else the least used; then reconsider all, `rounds` times.

    `units` (rows,) and `chosen` (rows, most_units) are filled. Rows with the fewest choices go first. A unit that finds no satellite with
    an aerial free for a gateway that has one takes its first choice.
    """
    rows = offer.size
    gateway_use, pair_use, landing_use = np.zeros(gateway_mbps.size), np.zeros(pair_mbps.size), np.zeros(landing_mbps.size)
    pair_units, satellite_links = np.zeros(pair_mbps.size, np.int64), np.zeros(landing_mbps.size, np.int64)
    gateway_links = np.zeros(gateway_mbps.size, np.int64)
    order = np.argsort(indptr[1:] - indptr[:-1], kind="mergesort")
    chosen[:] = -1
    for row in range(rows):
        units[row] = 0 if indptr[row] == indptr[row + 1] else max(1, min(most_units, int(np.ceil(offer[row] / unit_mbps))))
    for _ in range(rounds + 1):
        moved = 0
        for i in range(rows):
            row = order[i]
            if units[row] > 0:
                moved += place_units(
                    row, offer[row] / units[row], comfortable, indptr[row], indptr[row + 1], down_from, down_to, pair,
                    gateway_use, pair_use, landing_use, pair_units, satellite_links, gateway_links, most_links, most_dishes,
                    gateway_mbps, pair_mbps, landing_mbps, units, chosen,
                )  # fmt: skip
        if moved == 0:
            break


@njit(**_OPTIONS)
def gather_shares(units, chosen, down_from, down_to, indptr, satellite, gateway, share):
    """Turn units into landings per row, in the order of the choices; the arrays have room for all units. Returns their number."""
    used = 0
    for row in range(units.size):
        indptr[row] = used
        mine = np.sort(chosen[row, : units[row]])
        for u in range(units[row]):
            if u > 0 and mine[u] == mine[u - 1]:
                share[used - 1] += 1.0 / units[row]
                continue
            satellite[used], gateway[used], share[used] = down_from[mine[u]], down_to[mine[u]], 1.0 / units[row]
            used += 1
    indptr[units.size] = used
    return used


@njit(**_OPTIONS)
def trace_paths(source, pop, down_from, down_to, next_hop, beams, satellites, gateways):
    """Lists of resources of the ways from `source` over lasers to `down_from` and down to `down_to`; numbers lasers and feeders.

    Returns (row that cannot be followed or -1, path_indptr, path_resource, ends of lasers a, b, ends of feeders a, b).
    """
    rows = source.size
    indptr = np.zeros(rows + 1, np.int64)
    hops = 0
    for row in range(rows):
        at, steps = np.int64(source[row]), 0
        while at != down_from[row]:
            at = np.int64(next_hop[pop[row], at])
            steps += 1
            if at < 0 or at >= satellites or steps > satellites:
                empty = np.empty(0, np.int32)
                return row, indptr, empty, empty, empty, empty, empty
        hops += steps
        indptr[row + 1] = steps
    laser_a, laser_b, laser_after = np.empty(hops, np.int32), np.empty(hops, np.int32), np.empty(hops, np.int32)
    feeder_a, feeder_b, feeder_after = np.empty(rows, np.int32), np.empty(rows, np.int32), np.empty(rows, np.int32)
    laser_head, feeder_head = np.full(satellites, -1, np.int32), np.full(satellites, -1, np.int32)
    laser_of, feeder_of = np.empty(hops, np.int32), np.empty(rows, np.int32)
    lasers = feeders = walked = 0
    for row in range(rows):
        at = np.int64(source[row])
        while at != down_from[row]:
            to = next_hop[pop[row], at]
            link = laser_head[at]
            while link >= 0 and laser_b[link] != to:
                link = laser_after[link]
            if link < 0:
                link = lasers
                laser_a[link], laser_b[link], laser_after[link], laser_head[at] = at, to, laser_head[at], link
                lasers += 1
            laser_of[walked] = link
            walked += 1
            at = np.int64(to)
        link = feeder_head[at]
        while link >= 0 and feeder_b[link] != down_to[row]:
            link = feeder_after[link]
        if link < 0:
            link = feeders
            feeder_a[link], feeder_b[link], feeder_after[link], feeder_head[at] = at, down_to[row], feeder_head[at], link
            feeders += 1
        feeder_of[row] = link
    first_laser = beams + satellites
    first_landing = first_laser + lasers
    first_feeder = first_landing + satellites
    first_gateway = first_feeder + feeders
    first_pop = first_gateway + gateways
    for row in range(rows):
        indptr[row + 1] += indptr[row] + 5
    resource = np.empty(indptr[rows], np.int32)
    walked = 0
    for row in range(rows):
        e, last = indptr[row], indptr[row + 1]
        resource[e] = beams + source[row]
        for e in range(indptr[row] + 1, last - 4):
            resource[e] = first_laser + laser_of[walked]
            walked += 1
        resource[last - 4] = first_landing + down_from[row]
        resource[last - 3] = first_feeder + feeder_of[row]
        resource[last - 2] = first_gateway + down_to[row]
        resource[last - 1] = first_pop + pop[row]
    return -1, indptr, resource, laser_a[:lasers].copy(), laser_b[:lasers].copy(), feeder_a[:feeders].copy(), feeder_b[:feeders].copy()


@njit(**_OPTIONS)
def cut_flows(pair_of, pair_starts, pair_flows, offer, indptr, share, no_path, flow, path, fraction):
    """Lay the flows of each pair end to end by what they offer and cut the line by the shares of its landings: (parts written).

    Flows of a pair without a landing get the path `no_path`. Parts are in the order of the flows; the arrays have room for
    ``flows + landings`` parts.
    """
    flows = pair_of.size
    begin = np.zeros(flows)
    total = np.zeros(pair_starts.size - 1)
    for t in range(pair_starts.size - 1):
        for i in range(pair_starts[t], pair_starts[t + 1]):
            begin[pair_flows[i]] = total[t]
            total[t] += offer[pair_flows[i]]
    used = 0
    for f in range(flows):
        t = pair_of[f]
        first, last = indptr[t], indptr[t + 1]
        if last - first <= 1 or not offer[f] > 0.0:
            flow[used], path[used], fraction[used] = f, first if last > first else no_path, 1.0
            used += 1
            continue
        low, high, edge, written = begin[f], begin[f] + offer[f], 0.0, used
        for c in range(first, last):
            edge_before = edge
            edge = np.inf if c == last - 1 else edge + share[c] * total[t]
            piece = min(high, edge) - max(low, edge_before)
            if piece > 1e-9 * offer[f]:
                flow[used], path[used], fraction[used] = f, c, piece / offer[f]
                used += 1
        rest = 1.0
        for part in range(written, used - 1):
            rest -= fraction[part]
        fraction[used - 1] = rest
    return used


@njit(**_BARE)
def even_level(pull, beam_mbps, taken, first, last, more):
    """Weight per Mbit/s to which `more` weight would fill the emptiest beams alike."""
    level, total_pull, total_mbps = np.inf, more, 0.0
    for b in range(first, last):
        taken[b] = False
    for _ in range(first, last):
        best, least = -1, level
        for b in range(first, last):
            if not taken[b] and beam_mbps[b] > 0.0 and pull[b] / beam_mbps[b] < least:
                best, least = b, pull[b] / beam_mbps[b]
        if best < 0:
            break
        taken[best] = True
        total_pull += pull[best]
        total_mbps += beam_mbps[best]
        level = total_pull / total_mbps
    return level


@njit(**_BARE)
def deal_terminals(beam_cell, beam_mbps, terminals, weight, pull, taken, dealt):
    """Deal the terminals of each cell and class to its beams: a floor that keeps below an even level, then one by one to the emptiest.

    `pull`, the weight in each beam (beams,), starts at 0 and so does `dealt` (beams, classes); `taken` (beams,) is scratch.
    """
    beams, classes = dealt.shape
    first = 0
    while first < beams:
        cell, last = beam_cell[first], first + 1
        while last < beams and beam_cell[last] == cell:
            last += 1
        carries = False
        for b in range(first, last):
            carries |= beam_mbps[b] > 0.0
        for k in range(classes):
            left = terminals[cell, k]
            if left > 0 and carries:
                level = even_level(pull, beam_mbps, taken, first, last, left * weight[k])
                for b in range(first, last):
                    few = min(left, max(0, int(np.floor((level * beam_mbps[b] - pull[b]) / weight[k]))))
                    dealt[b, k] += few
                    pull[b] += few * weight[k]
                    left -= few
            while left > 0:
                best, least = first, np.inf
                for b in range(first, last):
                    filled = pull[b]
                    if carries:
                        filled = (pull[b] + weight[k]) / beam_mbps[b] if beam_mbps[b] > 0.0 else np.inf
                    if filled < least:
                        best, least = b, filled
                dealt[best, k] += 1
                pull[best] += weight[k]
                left -= 1
        first = last
