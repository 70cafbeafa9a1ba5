"""Compiled loops of capacity, over plain arrays: usable pairs, gateways in reach, rates of channels, groups of terminals.

Pairs are not measured and then filtered, and nothing of a pair is kept but its satellite: twelve million rows of angles would cost more to
write and to read again than to work out anew. Whatever calls for reading a table goes through short buffers, so that the arithmetic
between two readings runs in vectors.
"""
# mypy: disable-error-code="untyped-decorator"
# ruff: noqa: FURB136 - comparisons compile to one select each; min and max do not

from typing import Any

import numpy as np
from numba import njit

from overflight.radio._link_kernels import (
    _FIRST_STEP,
    _SHIFT,
    COSINE_NODES,
    EARTH_RADIUS_KM,
    MOST_DB,
    NODES_A_DB,
    NODES_A_DEGREE,
    _bits_of,
    find_first,
    gain_off_axis,
)
from overflight.radio.table import _BEND, _BEND_SINE, _LEAST_SINE
from overflight.sky._kernels import _arc_angles, _arc_newton, _arc_starts, _atan2_deg, _count_marks, _mark_above
from overflight.vectors import prefer_wide_vectors

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}

_PAD = 32
"""Buffers are padded to multiples of this, so that vector loops leave no scalar remainder."""

CLEAR, BLOCKED, UNCLEAR = 1, 0, 2
"""What a first look says of a satellite and the geostationary arc."""

ROOM = 512
"""Pairs that are rated together: their buffers stay in the nearest cache."""


# --- usable pairs ------------------------------------------------------------------------------------------------------------------


@njit(**_OPTIONS)
def _look_at_arc(x, y, z, sx, sy, sz, cos_lon, sin_lon, px, pz, c_end, s_end, cos_clear, cos_blocked, code):
    """Say whether each satellite stands clear of the arc by the angle to one point of it: that below where the direction pierces its sphere.

    The nearest point of the arc is no farther than that one and, within 45°, at most 0.3 % nearer (measured over all directions and
    latitudes; the limits passed in allow 1 %). In single precision; what lies between the limits is left to `_measure_unclear`.
    """
    prefer_wide_vectors()
    one = np.float32(1.0)
    two = np.float32(2.0)
    clear = np.uint8(CLEAR)
    blocked = np.uint8(BLOCKED)
    unclear = np.uint8(UNCLEAR)
    square = px * px + pz * pz
    A = one + square
    B = two * px
    for j in range(code.size):
        dx = x[j] - sx
        dy = y[j] - sy
        dz = z[j] - sz
        inverse = one / np.sqrt(dx * dx + dy * dy + dz * dz)
        a = (dx * cos_lon + dy * sin_lon) * inverse
        b = abs(dy * cos_lon - dx * sin_lon) * inverse
        q = a * px + dz * inverse * pz
        reach = np.sqrt(q * q + one - square) - q
        c = px + reach * a
        s = reach * b
        h = one / np.sqrt(c * c + s * s)
        c = c * h
        s = s * h
        beyond = c < c_end
        c = c_end if beyond else c
        s = s_end if beyond else s
        cosine = (a * c + b * s - q) / np.sqrt(A - B * c)
        rest = blocked if cosine > cos_blocked else unclear
        code[j] = clear if cosine < cos_clear else rest


@njit(**_OPTIONS)
def _join_marks(above, code, marks):
    """Mark what stands above the mask and may stand clear of the arc; return whether any of these is unclear."""
    prefer_wide_vectors()
    unclear = np.uint8(0)
    for j in range(marks.size):
        both = code[j] * above[j]
        marks[j] = both
        unclear |= both
    return unclear >= UNCLEAR


@njit(**_OPTIONS)
def _measure_unclear(marks, x, y, z, sx, sy, sz, cos_lon, sin_lon, px, pz, c_end, s_end, least_deg, room):
    """Measure the angle to the arc of the marked satellites that are unclear, exactly as `overflight.sky.arc.arc_separation_deg` does."""
    count = 0
    for j in range(marks.size):
        if marks[j] == UNCLEAR:
            dx = x[j] - sx
            dy = y[j] - sy
            dz = z[j] - sz
            inverse = 1.0 / np.sqrt(dx * dx + dy * dy + dz * dz)
            room[0, count] = (dx * cos_lon + dy * sin_lon) * inverse
            room[1, count] = abs(dy * cos_lon - dx * sin_lon) * inverse
            room[2, count] = dz * inverse
            count += 1
    size = (count + 7) & ~7
    room[:3, count:size] = 0.0
    a = room[0, :size]
    b = room[1, :size]
    d = room[2, :size]
    c = room[3, :size]
    s = room[4, :size]
    _arc_starts(a, b, d, c, s, px, pz, c_end, s_end, np.sqrt(0.5 + 0.5 * c_end), np.sqrt(0.5 - 0.5 * c_end))
    for _ in range(2):
        _arc_newton(a, b, d, c, s, px, pz, c_end, s_end)
    _arc_angles(a, b, d, c, s, px, pz)
    count = 0
    for j in range(marks.size):
        if marks[j] == UNCLEAR:
            marks[j] = np.uint8(c[count] >= least_deg)
            count += 1


@njit(**_OPTIONS)
def mark_clear(
    parent_start, ecef, up, meridian, site_square, positions, first_parent, last_parent, indptr, ids, arc, marks
):  # fmt: skip
    """Mark the candidates of each group that stand above the mask of each of its sites and clear of the geostationary arc.

    As `overflight.sky._kernels.mark_visible`, whose arrays these are. ``meridian`` (6, sites): cosine and sine of the longitude, the site
    in the plane of its meridian (x, z) and the end of the visible arc (cosine, sine), in geostationary radii; the cosine of the end is
    above 1 where no arc is seen. ``arc``: least angle in degrees, and the cosines of the angle to one point of the arc below which a
    satellite is clear, and above which it is not.
    """
    longest = 0
    for p in range(last_parent - first_parent):
        longest = max(longest, indptr[p + 1] - indptr[p])
    room = longest + _PAD
    xs = np.empty(room)
    ys = np.empty(room)
    zs = np.empty(room)
    xf = np.empty(room, np.float32)
    yf = np.empty(room, np.float32)
    zf = np.empty(room, np.float32)
    above = np.empty(room, np.uint8)
    code = np.empty(room, np.uint8)
    narrow = np.empty((5, room))
    cos_clear = np.float32(arc[1])
    cos_blocked = np.float32(arc[2])
    m = 0
    for k in range(positions.shape[0]):
        for p in range(first_parent, last_parent):
            first = indptr[p - first_parent]
            count = indptr[p - first_parent + 1] - first
            padded = (count + 7) & ~7
            wide = (count + _PAD - 1) & ~(_PAD - 1)
            for j in range(count):
                i = ids[first + j]
                xs[j] = positions[k, 0, i]
                ys[j] = positions[k, 1, i]
                zs[j] = positions[k, 2, i]
                xf[j] = np.float32(xs[j])
                yf[j] = np.float32(ys[j])
                zf[j] = np.float32(zs[j])
            xs[count:wide] = np.nan
            xf[count:wide] = np.nan
            x = xs[:padded]
            y = ys[:padded]
            z = zs[:padded]
            for t in range(parent_start[p], parent_start[p + 1]):
                row = marks[m : m + padded]
                m += padded
                high = above[:padded]
                _mark_above(x, y, z, ecef[0, t], ecef[1, t], ecef[2, t], up[0, t], up[1, t], up[2, t], site_square[t], high)
                c_end = meridian[4, t]
                if not arc[0] > 0.0 or c_end > 1.0:
                    row[:] = high
                    continue
                _look_at_arc(
                    xf[:wide], yf[:wide], zf[:wide], np.float32(ecef[0, t]), np.float32(ecef[1, t]), np.float32(ecef[2, t]),
                    np.float32(meridian[0, t]), np.float32(meridian[1, t]), np.float32(meridian[2, t]), np.float32(meridian[3, t]),
                    np.float32(c_end), np.float32(meridian[5, t]), cos_clear, cos_blocked, code[:wide],
                )  # fmt: skip
                if _join_marks(high, code[:padded], row):
                    _measure_unclear(
                        row, x, y, z, ecef[0, t], ecef[1, t], ecef[2, t], meridian[0, t], meridian[1, t], meridian[2, t],
                        meridian[3, t], c_end, meridian[5, t], arc[0], narrow,
                    )  # fmt: skip


@njit(**_OPTIONS)
def _drop_marks(has_way, marks):
    prefer_wide_vectors()
    for j in range(marks.size):
        marks[j] *= has_way[j]


@njit(**_OPTIONS)
def count_ways(parent_start, order, first_parent, last_parent, indptr, ids, home, has_way, marks, counts):
    """Take the marks from satellites from which no way leads to the site's PoP; count what is left into ``counts[k, site + 1]``.

    ``has_way`` (slots, pops, satellites), uint8; ``home``: row of each site's PoP in the order of the tree.
    """
    longest = 0
    for p in range(last_parent - first_parent):
        longest = max(longest, indptr[p + 1] - indptr[p])
    ways = np.ones(longest + _PAD, np.uint8)
    m = 0
    for k in range(has_way.shape[0]):
        for p in range(first_parent, last_parent):
            first = indptr[p - first_parent]
            count = indptr[p - first_parent + 1] - first
            padded = (count + 7) & ~7
            pop = -1
            everywhere = True
            for t in range(parent_start[p], parent_start[p + 1]):
                row = marks[m : m + padded]
                m += padded
                if home[t] != pop:
                    pop = home[t]
                    everywhere = True
                    for j in range(count):
                        ways[j] = has_way[k, pop, ids[first + j]]
                        everywhere &= ways[j] > 0
                if not everywhere:
                    _drop_marks(ways[:padded], row)
                counts[k, order[t] + 1] = _count_marks(row)


# --- gateways in reach -------------------------------------------------------------------------------------------------------------


@njit(**_OPTIONS)
def mark_used(satellite, next_hop, used):
    """Mark the satellites that are listed or on a way from one that is, bool, shape (satellites,)."""
    n = used.size
    listed = np.zeros(n, np.bool_)
    for i in satellite:
        listed[i] = True
    passed = np.full(n, -1, np.int64)
    for pop in range(next_hop.shape[0]):
        for i in range(n):
            at = i if listed[i] else -1
            while at >= 0 and at < n and passed[at] != pop:
                passed[at] = pop
                used[at] = True
                at = np.int64(next_hop[pop, at])


@njit(**_OPTIONS)
def turn_reach(seen_indptr, seen, row, positions, sites_km, longest_km, indptr, gateway, range_km):
    """Turn the satellites that gateways see, by gateway, into the gateways that satellites reach, ascending; return how many there are.

    ``seen`` counts the satellites of ``row``. ``indptr`` (satellites + 1,) is filled; ``gateway`` and ``range_km`` have room for all that
    is seen.
    """
    n = positions.shape[1]
    length = np.empty(seen.size)
    indptr[:] = 0
    for g in range(longest_km.size):
        for e in range(seen_indptr[g], seen_indptr[g + 1]):
            i = row[seen[e]]
            dx = positions[0, i] - sites_km[0, g]
            dy = positions[1, i] - sites_km[1, g]
            dz = positions[2, i] - sites_km[2, g]
            length[e] = np.sqrt(dx * dx + dy * dy + dz * dz)
            if 0.0 < length[e] <= longest_km[g]:
                indptr[i + 1] += 1
    for i in range(n):
        indptr[i + 1] += indptr[i]
    place = indptr[:n].copy()
    for g in range(longest_km.size):
        for e in range(seen_indptr[g], seen_indptr[g + 1]):
            if 0.0 < length[e] <= longest_km[g]:
                i = row[seen[e]]
                gateway[place[i]] = g
                range_km[place[i]] = length[e]
                place[i] += 1
    return indptr[n]


# --- rates -------------------------------------------------------------------------------------------------------------------------


@njit(**_OPTIONS)
def _see(up, square, distance, sine, place, share, column, low, low_rate, high_rate, last_column):
    """From height above the horizontal plane and squared distance to elevation, as places in the tables by elevation and of attenuation."""
    prefer_wide_vectors()
    for j in range(up.size):
        level = square[j] - up[j] * up[j]
        level = level if level > 0.0 else 0.0
        elevation = _atan2_deg(up[j], np.sqrt(level))
        elevation = elevation if elevation < 90.0 else 90.0
        place[j] = (elevation if elevation > 0.0 else 0.0) * NODES_A_DEGREE
        far = np.sqrt(square[j])
        distance[j] = far
        s = up[j] / far
        s = s if s > _LEAST_SINE else _LEAST_SINE
        s = s if s < 1.0 else 1.0
        sine[j] = s
        below = (s - _LEAST_SINE) * low_rate
        beyond = low + (s - np.sqrt(np.sqrt(1.0 - s * s)) - _BEND) * high_rate
        spot = below if s < _BEND_SINE else beyond
        whole = np.floor(spot)
        whole = whole if whole > 0.0 else 0.0
        whole = whole if whole < last_column else last_column
        column[j] = whole
        share[j] = spot - whole


@njit(**_OPTIONS)
def _look_up_elevation(place, sines, ground_scan, sine_read, ground):
    for j in range(place.size):
        node = np.uint64(place[j])
        part = place[j] - np.float64(node)
        left = sines[node]
        sine_read[j] = left + part * (sines[node + np.uint64(1)] - left)
        left = ground_scan[node]
        ground[j] = left + part * (ground_scan[node + np.uint64(1)] - left)


@njit(**_OPTIONS)
def _look_up_attenuation(base, column, share, db, loss_db):
    for j in range(base.size):
        spot = np.uint64(base[j]) + np.uint64(column[j])
        loss_db[j] = db[spot] * (1.0 - share[j]) + db[spot + np.uint64(1)] * share[j]


@njit(**_OPTIONS)
def _place_losses(distance, sine, sine_read, loss_db, place, column):
    """Places in the tables of scan losses in space and of losses: angle to the nadir by the triangle with the Earth's centre."""
    prefer_wide_vectors()
    for j in range(distance.size):
        far = distance[j]
        radius = np.sqrt(EARTH_RADIUS_KM * EARTH_RADIUS_KM + far * far + 2.0 * EARTH_RADIUS_KM * far * sine_read[j])
        cosine = (far + EARTH_RADIUS_KM * sine_read[j]) / radius
        cosine = cosine if cosine > 0.0 else 0.0
        column[j] = (cosine if cosine < 1.0 else 1.0) * COSINE_NODES
        lost = np.float64(np.float32(loss_db[j] / sine[j]))
        lost = lost if lost < MOST_DB else MOST_DB
        place[j] = (lost if lost > 0.0 else 0.0) * NODES_A_DB


@njit(**_OPTIONS)
def _look_up_losses(place, column, losses, space_scan, kept, space):
    for j in range(place.size):
        node = np.uint64(place[j])
        left = losses[node]
        kept[j] = left + (place[j] - np.float64(node)) * (losses[node + np.uint64(1)] - left)
        node = np.uint64(column[j])
        left = space_scan[node]
        space[j] = left + (column[j] - np.float64(node)) * (space_scan[node + np.uint64(1)] - left)


@njit(**_OPTIONS)
def _add_up_down(distance, level, greatest, gain, sky, ground, kept, space, noise):
    """C/(N+I) of downlinks, into ``kept``."""
    prefer_wide_vectors()
    for j in range(distance.size):
        strong = greatest[j] / (distance[j] * distance[j]) * space[j]
        strong = strong if strong < level[j] else level[j]
        c_over_n = strong * gain[j] * ground[j] * kept[j] / (1.0 + sky * (1.0 - kept[j]))
        kept[j] = c_over_n / (1.0 + c_over_n * noise[j])


@njit(**_OPTIONS)
def _add_up_up(distance, level, greatest, gain, control, ground, kept, space, noise):
    """C/(N+I) of uplinks, into ``kept``."""
    prefer_wide_vectors()
    for j in range(distance.size):
        through = kept[j] * control
        strong = greatest[j] / (distance[j] * distance[j]) * ground[j] * (through if through < 1.0 else 1.0)
        strong = strong if strong < level[j] else level[j]
        c_over_n = strong * gain[j] * space[j]
        kept[j] = c_over_n / (1.0 + c_over_n * noise[j])


@njit(**_OPTIONS)
def _rate_block(count, base, room, is_up, sky, control, columns, tables, db, rates):
    """Rates of the pairs whose geometry and constants stand in the first rows of ``room``, as `channel_rates` works them out.

    Rows of ``room``: height above the plane, squared distance, level, greatest EIRP, C/N per level, noise; the others are scratch.
    """
    sines, ground_scan, space_scan, losses, carried = tables
    low, low_rate, high_rate, last_column = columns
    size = (count + 7) & ~7
    for row in range(6):
        room[row, count:size] = 1.0
    distance = room[6, :size]
    sine = room[7, :size]
    place = room[8, :size]
    share = room[9, :size]
    column = room[10, :size]
    sine_read = room[11, :size]
    ground = room[12, :size]
    loss_db = room[13, :size]
    space = room[14, :size]
    _see(room[0, :size], room[1, :size], distance, sine, place, share, column, low, low_rate, high_rate, last_column)
    _look_up_elevation(place[:count], sines, ground_scan, sine_read, ground)
    _look_up_attenuation(base[:count], column, share, db, loss_db)
    sine_read[count:] = 1.0
    ground[count:] = 1.0
    loss_db[count:] = 1.0
    _place_losses(distance, sine, sine_read, loss_db, place, column)
    kept = share
    _look_up_losses(place, column, losses, space_scan, kept, space)
    if is_up:
        _add_up_up(distance, room[2, :size], room[3, :size], room[4, :size], control, ground, kept, space, room[5, :size])
    else:
        _add_up_down(distance, room[2, :size], room[3, :size], room[4, :size], sky, ground, kept, space, room[5, :size])
    last = np.int64(carried.size - 1)
    for j in range(count):
        ratio = kept[j]
        step = (_bits_of(ratio) >> _SHIFT) - _FIRST_STEP
        fine = step >= 0 and room[0, j] >= 0.0 and ratio > 0.0
        step = step if step < last else last
        rates[j] = carried[np.uint64(step)] if fine else 0.0


@njit(**_OPTIONS)
def rate_cells(
    first_cell, last_cell, indptr, satellite, ecef, up, positions, version, constants, noise, is_up, control, columns, nodes, tables, db,
    rates, best,
):  # fmt: skip
    """Rate of a whole channel of every pair of some cells, Mbit/s, and the best of each cell.

    ``constants`` as in `overflight.radio._link_kernels.channel_rates`; ``tables``: sines and scan losses on the ground by elevation, scan
    losses in space, losses, Mbit/s by C/(N+I); ``db``: attenuation of all sites, one after the other, ``nodes`` each.
    """
    room = np.empty((15, ROOM + _PAD))
    base = np.zeros(ROOM + _PAD, np.int64)
    found = np.empty(ROOM + _PAD)
    sky = constants[0, 3]
    xs = positions[0]
    ys = positions[1]
    zs = positions[2]
    c = first_cell
    e = indptr[c]
    while c < last_cell:
        # As many pairs as there is room for, whatever cells they belong to.
        begin = e
        start = c
        count = 0
        while c < last_cell and count < ROOM:
            px, py, pz = ecef[0, c], ecef[1, c], ecef[2, c]
            ux, uy, uz = up[0, c], up[1, c], up[2, c]
            stop = min(indptr[c + 1], e + ROOM - count)
            for pair in range(e, stop):
                i = np.uint64(satellite[pair])
                dx = xs[i] - px
                dy = ys[i] - py
                dz = zs[i] - pz
                row = np.uint64(version[i])
                room[0, count] = dx * ux + dy * uy + dz * uz
                room[1, count] = dx * dx + dy * dy + dz * dz
                room[2, count] = constants[row, 0]
                room[3, count] = constants[row, 1]
                room[4, count] = constants[row, 2]
                room[5, count] = noise
                base[count] = c * nodes
                count += 1
            e = stop
            if e < indptr[c + 1]:
                break
            c += 1
        _rate_block(count, base, room, is_up, sky, control, columns, tables, db, found)
        for j in range(count):
            rates[begin + j] = found[j]
        for cell in range(start, min(c + 1, last_cell)):
            most = best[cell]
            for pair in range(max(begin, indptr[cell]), min(e, indptr[cell + 1])):
                value = found[pair - begin]
                most = value if value > most else most
            best[cell] = most


@njit(**_OPTIONS)
def rate_rows(
    first, last, cell, satellite, ecef, up, positions, version, constants, i_over_c, is_up, control, columns, nodes, tables, db, rates
):  # fmt: skip
    """As `rate_cells`, for rows of a cell and a satellite each; ``i_over_c`` by row, or one for all."""
    room = np.empty((15, ROOM + _PAD))
    base = np.zeros(ROOM + _PAD, np.int64)
    found = np.empty(ROOM + _PAD)
    for begin in range(first, last, ROOM):
        count = min(ROOM, last - begin)
        for j in range(count):
            c = np.int64(cell[begin + j])
            i = np.int64(satellite[begin + j])
            dx = positions[0, i] - ecef[0, c]
            dy = positions[1, i] - ecef[1, c]
            dz = positions[2, i] - ecef[2, c]
            row = version[i]
            room[0, j] = dx * up[0, c] + dy * up[1, c] + dz * up[2, c]
            room[1, j] = dx * dx + dy * dy + dz * dz
            room[2, j] = constants[row, 0]
            room[3, j] = constants[row, 1]
            room[4, j] = constants[row, 2]
            room[5, j] = i_over_c[begin + j] if i_over_c.size > 1 else i_over_c[0]
            base[j] = c * nodes
        _rate_block(count, base, room, is_up, constants[0, 3], control, columns, tables, db, found)
        for j in range(count):
            rates[begin + j] = found[j]


# --- demand, groups of terminals, and what becomes of them -------------------------------------------------------------------------


@njit(**_OPTIONS)
def ask_rates(terminals, active_share, activity, down_mbps, active, whole, asked_mbps):
    """Active terminals of each cell and class, of each cell, and what they ask for together."""
    for c in range(terminals.shape[0]):
        total = 0.0
        asked = 0.0
        for k in range(terminals.shape[1]):
            here = terminals[c, k] * active_share[c, k] * activity[c]
            active[c, k] = here
            total += here
            asked += here * down_mbps[c, k]
        whole[c] = total
        asked_mbps[c] = asked


@njit(**_OPTIONS)
def group_terminals(cell, carries_mbps, active, beam_of, cell_of, class_of, terminals):
    """Spread each cell's active terminals over its beams in proportion to what these carry; return how many groups there are.

    The last four have room for a group of every beam and class.
    """
    whole = np.zeros(active.shape[0])
    for b in range(cell.size):
        whole[cell[b]] += carries_mbps[b]
    count = 0
    for b in range(cell.size):
        c = cell[b]
        share = carries_mbps[b] / (whole[c] if whole[c] > 0.0 else 1.0)
        for k in range(active.shape[1]):
            here = active[c, k] * share
            if here != 0.0:
                beam_of[count] = b
                cell_of[count] = c
                class_of[count] = k
                terminals[count] = here
                count += 1
    return count


@njit(**_OPTIONS)
def weigh_groups(cell_of, class_of, terminals, weight, down_mbps, up_mbps, home, endless, group_weight, group_down, group_up, pop):
    """Weight, demand down and up, and PoP of each group; those of cells that are ``endless`` ask for ever more downlink."""
    for g in range(cell_of.size):
        c = cell_of[g]
        k = class_of[g]
        group_weight[g] = terminals[g] * weight[k]
        group_down[g] = np.inf if endless.size and endless[c] else terminals[g] * down_mbps[c, k]
        group_up[g] = terminals[g] * up_mbps[c, k]
        pop[g] = home[c]


@njit(**_OPTIONS)
def merge_parts(part_of, weight, rate, bottleneck, first, merged, kind):
    """Rate of each flow, and the kind of what holds it back: that of its part with the least rate for its size; -1 if none does.

    ``first``: where the block of each kind of resources begins, and the end of the last.
    """
    least = np.full(merged.size, np.inf)
    merged[:] = 0.0
    kind[:] = -1
    for p in range(part_of.size):
        f = part_of[p]
        merged[f] += rate[p]
        if bottleneck[p] >= 0:
            size = weight[p] if weight[p] > 0.0 else 1.0
            if rate[p] / size < least[f]:
                least[f] = rate[p] / size
                number = 0
                while bottleneck[p] >= first[number + 1]:
                    number += 1
                kind[f] = number


# --- interference among lit beams --------------------------------------------------------------------------------------------------


@njit(**_OPTIONS)
def list_near(order, keys, side, cells_km, ring_km, indptr, near):
    """List the cells within the ring of each, itself among them; with ``near`` of length 0 only count them. Boxes as wide as the ring.

    ``order`` and ``keys``: the cells by the number of their box (`overflight.radio._link_kernels.number_boxes`), and these numbers.
    """
    limit = ring_km * ring_km
    for row in range(order.size):
        c = order[row]
        count = 0
        for column in range(9):
            middle = keys[row] + (np.int64(column // 3 - 1) * side + column % 3 - 1) * side
            other = find_first(keys, middle - 1)
            while other < keys.size and keys[other] <= middle + 1:
                d = order[other]
                x = cells_km[0, c] - cells_km[0, d]
                y = cells_km[1, c] - cells_km[1, d]
                z = cells_km[2, c] - cells_km[2, d]
                if not x * x + y * y + z * z > limit:
                    if near.size > 0:
                        near[indptr[c] + count] = d
                    count += 1
                other += 1
        if near.size == 0:
            indptr[c + 1] = count


@njit(**_OPTIONS)
def point_lit(cell, satellite, channel, channels, cells_km, positions, beams, lit, first, members):
    """Unit vector from satellite to cell and distance of each beam, shape (beams, 4); beams by cell, and by satellite and channel.

    ``lit`` (cells + 1,) bounds the beams of each cell, ``first`` (satellites × channels + 1,) those of each satellite and channel in
    ``members`` (beams,), in their order.
    """
    lit[:] = 0
    first[:] = 0
    for b in range(cell.size):
        c = cell[b]
        i = satellite[b]
        x = cells_km[0, c] - positions[0, i]
        y = cells_km[1, c] - positions[1, i]
        z = cells_km[2, c] - positions[2, i]
        length = np.sqrt(x * x + y * y + z * z)
        beams[b, 0] = x / length
        beams[b, 1] = y / length
        beams[b, 2] = z / length
        beams[b, 3] = length
        lit[c + 1] += 1
        first[i * channels + channel[b] + 1] += 1
    for c in range(lit.size - 1):
        lit[c + 1] += lit[c]
    for i in range(first.size - 1):
        first[i + 1] += first[i]
    place = first.copy()
    for b in range(cell.size):
        group = satellite[b] * channels + channel[b]
        members[place[group]] = b
        place[group] += 1


@njit(**_OPTIONS)
def add_same_lit(first_group, last_group, first, members, beams, space_pattern, i_over_c):
    """Write what the other beams of a satellite on a channel put into each of its beams (downlink)."""
    for group in range(first_group, last_group):
        for e in range(first[group], first[group + 1]):
            mine = members[e]
            total = 0.0
            for f in range(first[group], first[group + 1]):
                if f == e:
                    continue
                other = members[f]
                cosine = beams[mine, 0] * beams[other, 0] + beams[mine, 1] * beams[other, 1] + beams[mine, 2] * beams[other, 2]
                farther = beams[other, 3] / beams[mine, 3]
                total += gain_off_axis(space_pattern, cosine) * farther * farther
            i_over_c[mine] = total


@njit(**_OPTIONS)
def add_other_lit(
    first_beam, last_beam, cell, satellite, channel, near_indptr, near, lit, cells_km, positions, beams, space_pattern, ground_pattern, base,
    i_over_c,
):  # fmt: skip
    """Add what beams of other satellites on the channel, lighting cells within the ring, put into each beam (downlink), and ``base``."""
    for mine in range(first_beam, last_beam):
        c = cell[mine]
        own = satellite[mine]
        on = channel[mine]
        total = 0.0
        for e in range(near_indptr[c], near_indptr[c + 1]):
            d = near[e]
            for other in range(lit[d], lit[d + 1]):
                if channel[other] != on or satellite[other] == own:
                    continue
                sender = satellite[other]
                x = cells_km[0, c] - positions[0, sender]
                y = cells_km[1, c] - positions[1, sender]
                z = cells_km[2, c] - positions[2, sender]
                inverse = 1.0 / np.sqrt(x * x + y * y + z * z)
                space = (x * beams[other, 0] + y * beams[other, 1] + z * beams[other, 2]) * inverse
                ground = (x * beams[mine, 0] + y * beams[mine, 1] + z * beams[mine, 2]) * inverse
                spread = beams[other, 3] * inverse
                total += spread * spread * gain_off_axis(space_pattern, space) * gain_off_axis(ground_pattern, ground)
        i_over_c[mine] = (i_over_c[mine] + total) + base
