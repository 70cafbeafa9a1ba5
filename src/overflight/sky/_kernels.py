"""Compiled loops of the sky stage, over plain arrays.

None of them uses fast-math: every operation is IEEE 754 in the order written, so that results are the same bytes on every machine and for
every number of threads, and NaN (no valid state) compares false everywhere. Loops that must vectorise run from 0 over one-dimensional
contiguous arguments, hold few arrays (the compiler gives up on proving more than about eight pairs disjoint) and call no libm.
"""

# ruff: noqa: FURB136 - comparisons compile to one select each; min and max do not

import math

import numpy as np
from numba import njit

from overflight.vectors import prefer_wide_vectors

_DEGREE = math.pi / 180.0
_TAN_PI_8 = math.tan(math.pi / 8.0)
_TAN_PI_16 = math.tan(math.pi / 16.0)
_TAN_3PI_16 = math.tan(3.0 * math.pi / 16.0)
_PI_16 = math.pi / 16.0

_PAD = 32
"""Rows are padded to multiples of this, so that vector loops leave no scalar remainder."""


# --- elementary functions that vectorise -------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _sincos_deg(angle_deg):
    """Sine and cosine of an angle in degrees: reduction by quarter turns, then Taylor to order 16 (error < 2e-16)."""
    quarter = np.rint(angle_deg * (1.0 / 90.0))
    x = (angle_deg - 90.0 * quarter) * _DEGREE
    z = x * x
    s = 1.0 - z * (1.0 / 210.0)
    s = 1.0 - z * (1.0 / 156.0) * s
    s = 1.0 - z * (1.0 / 110.0) * s
    s = 1.0 - z * (1.0 / 72.0) * s
    s = 1.0 - z * (1.0 / 42.0) * s
    s = 1.0 - z * (1.0 / 20.0) * s
    s = x * (1.0 - z * (1.0 / 6.0) * s)
    c = 1.0 - z * (1.0 / 240.0)
    c = 1.0 - z * (1.0 / 182.0) * c
    c = 1.0 - z * (1.0 / 132.0) * c
    c = 1.0 - z * (1.0 / 90.0) * c
    c = 1.0 - z * (1.0 / 56.0) * c
    c = 1.0 - z * (1.0 / 30.0) * c
    c = 1.0 - z * (1.0 / 12.0) * c
    c = 1.0 - z * (1.0 / 2.0) * c
    turn = quarter - 4.0 * np.floor(quarter * 0.25)
    odd = (turn == 1.0) | (turn == 3.0)
    sine = c if odd else s
    cosine = s if odd else c
    sine = -sine if turn >= 2.0 else sine
    cosine = -cosine if (turn == 1.0) | (turn == 2.0) else cosine
    return sine, cosine


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _atan2_deg(y, x):
    """Angle of (x, y) in degrees, (-180, 180]; 0 for the origin. Two-stage reduction to |t| <= tan(pi/16), then Taylor (error < 4e-16 rad)."""
    ay = abs(y)
    ax = abs(x)
    swap = ay > ax
    small = ax if swap else ay
    large = ay if swap else ax
    large = 1.0 if large == 0.0 else large
    upper = small > _TAN_PI_8 * large
    tangent = _TAN_3PI_16 if upper else _TAN_PI_16
    centre = 3.0 * _PI_16 if upper else _PI_16
    t = (small - tangent * large) / (large + tangent * small)
    z = t * t
    p = 1.0 / 19.0 - z * (1.0 / 21.0)
    p = 1.0 / 17.0 - z * p
    p = 1.0 / 15.0 - z * p
    p = 1.0 / 13.0 - z * p
    p = 1.0 / 11.0 - z * p
    p = 1.0 / 9.0 - z * p
    p = 1.0 / 7.0 - z * p
    p = 1.0 / 5.0 - z * p
    p = 1.0 / 3.0 - z * p
    angle = centre + (t - t * z * p)
    angle = 0.5 * math.pi - angle if swap else angle
    angle = math.pi - angle if x < 0.0 else angle
    angle = -angle if y < 0.0 else angle
    return angle * (1.0 / _DEGREE)


# --- azimuth, elevation, range -----------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, error_model="numpy")
def _angles_in_place(x, y, z, px, py, pz, e0, e1, n0, n1, n2, u0, u1, u2):
    """Replace satellite positions seen from one site by azimuth (degrees), elevation (degrees) and range."""
    prefer_wide_vectors()
    for j in range(x.size):
        dx = x[j] - px
        dy = y[j] - py
        dz = z[j] - pz
        east = dx * e0 + dy * e1
        north = dx * n0 + dy * n1 + dz * n2
        up = dx * u0 + dy * u1 + dz * u2
        level = east * east + north * north
        azimuth = _atan2_deg(east, north)
        azimuth = azimuth + 360.0 if azimuth < 0.0 else azimuth
        x[j] = 0.0 if azimuth >= 360.0 else azimuth
        y[j] = _atan2_deg(up, np.sqrt(level))
        z[j] = np.sqrt(level + up * up)


@njit(cache=True, nogil=True, error_model="numpy")
def angles_of_pairs(ecef, east, north, up, positions, indptr, satellite, first_slot, last_slot, azimuth, elevation, distance):
    """Azimuth, elevation and range of every pair of slots ``first_slot`` to ``last_slot``.

    ``positions`` (nt, 3, n); ``indptr`` (nt, n_sites + 1), offsets into ``satellite``; outputs are written at ``offset - indptr[0, 0]``.
    """
    n_sites = ecef.shape[1]
    longest = 0
    for k in range(first_slot, last_slot):
        for s in range(n_sites):
            longest = max(longest, indptr[k, s + 1] - indptr[k, s])
    x = np.zeros(longest + _PAD)
    y = np.zeros(longest + _PAD)
    z = np.zeros(longest + _PAD)
    origin = indptr[0, 0]
    for k in range(first_slot, last_slot):
        for s in range(n_sites):
            a = indptr[k, s] - origin
            count = indptr[k, s + 1] - indptr[k, s]
            for j in range(count):
                i = satellite[a + j]
                x[j] = positions[k, 0, i]
                y[j] = positions[k, 1, i]
                z[j] = positions[k, 2, i]
            padded = (count + 7) & ~7
            _angles_in_place(
                x[:padded], y[:padded], z[:padded], ecef[0, s], ecef[1, s], ecef[2, s], east[0, s], east[1, s],
                north[0, s], north[1, s], north[2, s], up[0, s], up[1, s], up[2, s],
            )  # fmt: skip
            for j in range(count):
                azimuth[a + j] = x[j]
                elevation[a + j] = y[j]
                distance[a + j] = z[j]


@njit(cache=True, nogil=True, error_model="numpy")
def angles_of_all(ecef, east, north, up, positions, azimuth, elevation, distance):
    """Azimuth, elevation and range of every site and satellite; ``positions`` (3, n), outputs (n_sites, n)."""
    for s in range(ecef.shape[1]):
        x = azimuth[s]
        y = elevation[s]
        z = distance[s]
        x[:] = positions[0]
        y[:] = positions[1]
        z[:] = positions[2]
        _angles_in_place(
            x, y, z, ecef[0, s], ecef[1, s], ecef[2, s], east[0, s], east[1, s],
            north[0, s], north[1, s], north[2, s], up[0, s], up[1, s], up[2, s],
        )  # fmt: skip


# --- the geostationary arc ---------------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, error_model="numpy")
def _arc_directions(x, y, z, sin_lat, cos_lat):
    """Replace azimuth x and elevation y by the direction (a, |b|, d) in the frame of the meridian: a into y, |b| into x, d into z."""
    prefer_wide_vectors()
    for j in range(x.size):
        sin_az, cos_az = _sincos_deg(x[j])
        up, level = _sincos_deg(y[j])
        north = cos_az * level
        x[j] = abs(sin_az * level)
        y[j] = up * cos_lat - north * sin_lat
        z[j] = up * sin_lat + north * cos_lat


@njit(cache=True, nogil=True, error_model="numpy")
def _arc_starts(dir_a, dir_b, dir_d, cosine, sine, px, pz, c_end, s_end, c_half, s_half):
    """Best of four points of the arc: below the direction, in the south, half-way, on the horizon."""
    prefer_wide_vectors()
    A = 1.0 + px * px + pz * pz
    B = 2.0 * px
    weight_south = 1.0 / np.sqrt(A - B)
    weight_half = 1.0 / np.sqrt(A - B * c_half)
    weight_end = 1.0 / np.sqrt(A - B * c_end)
    for j in range(cosine.size):
        a = dir_a[j]
        b = dir_b[j]
        q = a * px + dir_d[j] * pz
        # below the point where the direction pierces the sphere of the arc's radius
        reach = np.sqrt(q * q + 2.0 - A) - q
        c = px + reach * a
        s = reach * b
        h = c * c + s * s
        h = 1.0 / np.sqrt(1.0 if h == 0.0 else h)
        c = c * h
        s = s * h
        beyond = c < c_end
        c = c_end if beyond else c
        s = s_end if beyond else s
        best = (a * c + b * s - q) / np.sqrt(A - B * c)
        value = (a - q) * weight_south
        better = value > best
        c = 1.0 if better else c
        s = 0.0 if better else s
        best = value if better else best
        value = (a * c_half + b * s_half - q) * weight_half
        better = value > best
        c = c_half if better else c
        s = s_half if better else s
        best = value if better else best
        value = (a * c_end + b * s_end - q) * weight_end
        better = value > best
        cosine[j] = c_end if better else c
        sine[j] = s_end if better else s


@njit(cache=True, nogil=True, error_model="numpy")
def _arc_newton(dir_a, dir_b, dir_d, cosine, sine, px, pz, c_end, s_end):
    """One step of Newton's method towards the arc's nearest point, held to 0.2 rad and to the visible arc."""
    prefer_wide_vectors()
    A = 1.0 + px * px + pz * pz
    B = 2.0 * px
    for j in range(cosine.size):
        a = dir_a[j]
        b = dir_b[j]
        q = a * px + dir_d[j] * pz
        c = cosine[j]
        s = sine[j]
        w = A - B * c
        along = a * c + b * s
        across = b * c - a * s
        slope = across * w - 0.5 * B * s * (along - q)
        curvature = 0.5 * B * s * across - along * w - 0.5 * B * c * (along - q)
        step = -slope / curvature if curvature < 0.0 else (0.2 if slope > 0.0 else -0.2)
        step = 0.2 if step > 0.2 else step
        step = -0.2 if step < -0.2 else step
        z = step * step
        sin_step = step * (1.0 - z * (1.0 / 6.0) * (1.0 - z * 0.05))
        cos_step = 1.0 - z * 0.5 * (1.0 - z * (1.0 / 12.0) * (1.0 - z * (1.0 / 30.0)))
        turned = c * cos_step - s * sin_step
        s = s * cos_step + c * sin_step
        h = 1.5 - 0.5 * (turned * turned + s * s)  # keeps (c, s) a unit vector
        c = 1.0 if s < 0.0 else turned * h
        s = 0.0 if s < 0.0 else s * h
        beyond = c < c_end
        cosine[j] = c_end if beyond else c
        sine[j] = s_end if beyond else s


@njit(cache=True, nogil=True, error_model="numpy")
def _arc_angles(dir_a, dir_b, dir_d, cosine, sine, px, pz):
    """Angle to the arc's point, into ``cosine``: from the difference of the two unit vectors, exact for small angles too."""
    prefer_wide_vectors()
    for j in range(cosine.size):
        x = cosine[j] - px
        h = 1.0 / np.sqrt(x * x + sine[j] * sine[j] + pz * pz)
        x = x * h - dir_a[j]
        y = sine[j] * h - dir_b[j]
        z = -pz * h - dir_d[j]
        chord = 0.25 * (x * x + y * y + z * z)
        chord = 1.0 if chord > 1.0 else chord
        cosine[j] = 2.0 * _atan2_deg(np.sqrt(chord), np.sqrt(1.0 - chord))


@njit(cache=True, nogil=True, error_model="numpy")
def arc_separations(lat_deg, azimuth_deg, elevation_deg, radius, eccentricity_squared, out):
    """Smallest angle from each direction to the visible geostationary arc, degrees; lengths in geostationary radii.

    In the frame of the site's meridian, the arc's point at relative longitude t is (cos t, sin t, 0), the site p = (px, 0, pz) and the
    direction (a, b, d), with b turned east by symmetry. The cosine a visible point makes with the direction,
    (a cos t + b sin t - q) / sqrt(A - B cos t) with q = a px + d pz, A = 1 + p·p, B = 2 px, is maximised over 0 <= t <= t_end: the best
    of four starts, then two steps of Newton's method. Neighbours of one latitude share its terms; each step is a loop of its own,
    which is short enough for the processor to overlap its rounds.
    """
    room = 256
    buffer = np.empty((5, room + _PAD))
    x = buffer[0]
    y = buffer[1]
    z = buffer[2]
    c = buffer[3]
    s = buffer[4]
    first = 0
    while first < out.size:
        lat = lat_deg[first]
        last = first + 1
        while last < out.size and last - first < room and lat_deg[last] == lat:
            last += 1
        count = last - first
        sin_lat, cos_lat = _sincos_deg(lat)
        root = np.sqrt(1.0 - eccentricity_squared * sin_lat * sin_lat)
        # the arc meets the horizon where its height above the horizontal plane, cos t cos(lat) - p·n, is nought
        c_end = radius * root / cos_lat
        if c_end > 1.0 or cos_lat <= 0.0:
            out[first:last] = np.inf + azimuth_deg[first:last] + elevation_deg[first:last]
        else:
            px = radius / root * cos_lat
            pz = radius / root * (1.0 - eccentricity_squared) * sin_lat
            s_end = np.sqrt(1.0 - c_end * c_end)
            x[:count] = azimuth_deg[first:last]
            y[:count] = elevation_deg[first:last]
            size = (count + 7) & ~7
            x[count:size] = 0.0
            y[count:size] = 0.0
            b = x[:size]
            a = y[:size]
            d = z[:size]
            _arc_directions(b, a, d, sin_lat, cos_lat)
            _arc_starts(a, b, d, c[:size], s[:size], px, pz, c_end, s_end, np.sqrt(0.5 + 0.5 * c_end), np.sqrt(0.5 - 0.5 * c_end))
            for _ in range(2):
                _arc_newton(a, b, d, c[:size], s[:size], px, pz, c_end, s_end)
            _arc_angles(a, b, d, c[:size], s[:size], px, pz)
            out[first:last] = c[:count]
        first = last


# --- who sees whom -----------------------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, error_model="numpy")
def _mark_above(x, y, z, px, py, pz, u0, u1, u2, signed_square, marks):
    """Test elevations exactly: sin(el) |sin(el)| >= sin(mask) |sin(mask)|, both times the square of the range."""
    prefer_wide_vectors()
    for j in range(x.size):
        dx = x[j] - px
        dy = y[j] - py
        dz = z[j] - pz
        up = dx * u0 + dy * u1 + dz * u2
        marks[j] = np.uint8(up * abs(up) >= signed_square * (dx * dx + dy * dy + dz * dz))


@njit(cache=True, nogil=True, error_model="numpy")
def _count_marks(marks):
    prefer_wide_vectors()
    total = np.int32(0)
    for j in range(marks.size):
        total += np.int32(marks[j])
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _mark_near(x, y, z, moved, c0, c1, c2, n0, n1, n2, spread, slack, near):
    """Whether a satellite may stand above the mask of any site of a group (necessary, not sufficient); ``spread`` = sin(mask) - |dn|."""
    prefer_wide_vectors()
    signed_square = spread * abs(spread)
    share = 1.0 + abs(spread)
    for j in range(x.size):
        dx = x[j] - c0
        dy = y[j] - c1
        dz = z[j] - c2
        up = dx * n0 + dy * n1 + dz * n2 + slack + share * moved[j]
        near[j] = np.int32(up * abs(up) >= signed_square * (dx * dx + dy * dy + dz * dz))


@njit(cache=True, nogil=True, error_model="numpy")
def follow_farthest(sx, sy, sz, x, y, z, square):
    """Raise the squared distance of each satellite from its reference position to that of its present one; NaN raises nothing."""
    prefer_wide_vectors()
    for i in range(x.size):
        dx = sx[i] - x[i]
        dy = sy[i] - y[i]
        dz = sz[i] - z[i]
        here = dx * dx + dy * dy + dz * dz
        square[i] = here if here > square[i] else square[i]


@njit(cache=True, nogil=True, error_model="numpy")
def candidates_of_groups(nodes, node_sine, node_parent, level_start, first_parent, last_parent, x, y, z, moved):
    """Walk down the tree: satellites that may be seen from each group of the last level in a block of slots, as (indptr, ids).

    ``nodes`` (9, m) are the groups of all levels, ``level_start`` where each level begins, ``node_parent`` the group one level up. Every
    level keeps the satellites that may be seen from its present group, in ascending order, and hands them down.
    """
    n = x.size
    n_levels = level_start.size - 1
    room = n + _PAD
    ids = np.empty((n_levels + 1, room), np.int32)
    xs = np.empty((n_levels + 1, room))
    ys = np.empty((n_levels + 1, room))
    zs = np.empty((n_levels + 1, room))
    moves = np.zeros((n_levels + 1, room))
    near = np.empty(room, np.int32)
    size = np.zeros(n_levels + 1, np.int64)
    size[0] = n
    for i in range(n):
        ids[0, i] = i
        xs[0, i] = x[i]
        ys[0, i] = y[i]
        zs[0, i] = z[i]
        moves[0, i] = moved[i]
    current = np.full(n_levels, -1, np.int64)
    path = np.empty(n_levels, np.int64)
    indptr = np.zeros(last_parent - first_parent + 1, np.int64)
    listed = np.empty(128 * (last_parent - first_parent) + n, np.int32)
    for p in range(first_parent, last_parent):
        path[n_levels - 1] = level_start[n_levels - 1] + p
        for level in range(n_levels - 1, 0, -1):
            path[level - 1] = node_parent[path[level]]
        for level in range(n_levels):
            node = path[level]
            if node == current[level]:
                continue
            current[level] = node
            current[level + 1 :] = -1
            padded = (size[level] + 7) & ~7
            xs[level, size[level] : padded] = np.nan
            _mark_near(
                xs[level, :padded], ys[level, :padded], zs[level, :padded], moves[level, :padded], nodes[0, node], nodes[1, node],
                nodes[2, node], nodes[3, node], nodes[4, node], nodes[5, node], node_sine[node] - nodes[6, node],
                nodes[7, node] + abs(node_sine[node]) * nodes[8, node], near[:padded],
            )  # fmt: skip
            places = ids[level + 1]
            kept = np.uint64(0)
            for j in range(size[level]):
                places[kept] = j
                kept += np.uint64(near[j])
            size[level + 1] = kept
            for j in range(size[level + 1]):
                i = places[j]
                places[j] = ids[level, i]
                xs[level + 1, j] = xs[level, i]
                ys[level + 1, j] = ys[level, i]
                zs[level + 1, j] = zs[level, i]
                moves[level + 1, j] = moves[level, i]
        q = indptr[p - first_parent]
        count = size[n_levels]
        if q + count > listed.size:
            more = np.empty(2 * listed.size + count, np.int32)
            more[:q] = listed[:q]
            listed = more
        listed[q : q + count] = ids[n_levels, :count]
        indptr[p - first_parent + 1] = q + count
    return indptr, listed


@njit(cache=True, nogil=True, error_model="numpy")
def mark_visible(
    parent_start, order, ecef, up, site_square, positions, first_slot, last_slot, first_parent, last_parent, indptr, ids, marks, counts
):
    """Test every site of every group on each of the group's candidates: a mark for each, slot by slot, group by group, site by site.

    ``parent_start`` is the first site of each group in the order of the tree, from which ``order`` leads to the caller's sites. Rows of
    ``marks`` are padded to a multiple of 8. Counts go to ``counts[k, site + 1]``.
    """
    longest = 0
    for p in range(last_parent - first_parent):
        longest = max(longest, indptr[p + 1] - indptr[p])
    xs = np.empty(longest + _PAD)
    ys = np.empty(longest + _PAD)
    zs = np.empty(longest + _PAD)
    m = 0
    for k in range(first_slot, last_slot):
        for p in range(first_parent, last_parent):
            first = indptr[p - first_parent]
            count = indptr[p - first_parent + 1] - first
            padded = (count + 7) & ~7
            for j in range(count):
                i = ids[first + j]
                xs[j] = positions[k, 0, i]
                ys[j] = positions[k, 1, i]
                zs[j] = positions[k, 2, i]
            xs[count:padded] = np.nan
            x = xs[:padded]
            y = ys[:padded]
            z = zs[:padded]
            for t in range(parent_start[p], parent_start[p + 1]):
                row = marks[m : m + padded]
                m += padded
                _mark_above(x, y, z, ecef[0, t], ecef[1, t], ecef[2, t], up[0, t], up[1, t], up[2, t], site_square[t], row)
                counts[k, order[t] + 1] = _count_marks(row)


@njit(cache=True, nogil=True, error_model="numpy")
def list_marked(parent_start, order, first_slot, last_slot, first_parent, last_parent, indptr, ids, marks, counts, satellite):
    """Write the ids that `mark_visible` marked to each site's share of ``satellite``, from ``counts[k, site]`` on."""
    m = 0
    for k in range(first_slot, last_slot):
        for p in range(first_parent, last_parent):
            candidates = ids[indptr[p - first_parent] : indptr[p - first_parent + 1]]
            padded = (candidates.size + 7) & ~7
            for t in range(parent_start[p], parent_start[p + 1]):
                row = marks[m : m + padded]
                m += padded
                share = satellite[counts[k, order[t]] : counts[k, order[t] + 1]]
                j = np.uint64(0)
                q = np.uint64(0)
                while q < np.uint64(share.size):  # without a branch on the mark; never writes past the site's own share
                    share[q] = candidates[j]
                    q += np.uint64(row[j])
                    j += np.uint64(1)
