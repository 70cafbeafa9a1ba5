"""Compiled loops of the sky stage, over plain arrays.

None of them uses fast-math: every operation is IEEE 754 in the order written, so that results are the same bytes on every machine and for
every number of threads, and NaN (no valid state) compares false everywhere. Loops that must vectorise run from 0 over one-dimensional
contiguous arguments, hold few arrays (the compiler gives up on proving more than about eight pairs disjoint) and call no libm.
"""

# ruff: noqa: FURB136 - comparisons compile to one select each; min and max do not

import math

import numpy as np
from numba import njit

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
    s = 1.0 - z / 210.0
    s = 1.0 - z / 156.0 * s
    s = 1.0 - z / 110.0 * s
    s = 1.0 - z / 72.0 * s
    s = 1.0 - z / 42.0 * s
    s = 1.0 - z / 20.0 * s
    s = x * (1.0 - z / 6.0 * s)
    c = 1.0 - z / 240.0
    c = 1.0 - z / 182.0 * c
    c = 1.0 - z / 132.0 * c
    c = 1.0 - z / 90.0 * c
    c = 1.0 - z / 56.0 * c
    c = 1.0 - z / 30.0 * c
    c = 1.0 - z / 12.0 * c
    c = 1.0 - z / 2.0 * c
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


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _arc_cosine(a, b, offset, A, B, c, s):
    """Cosine between the direction (a, b, .) and the arc's point at longitude (c, s)."""
    return (a * c + b * s - offset) / np.sqrt(A - B * c)


@njit(cache=True, nogil=True, error_model="numpy")
def arc_separations(lat_deg, azimuth_deg, elevation_deg, radius, eccentricity_squared, out):
    """Smallest angle from each direction to the visible geostationary arc, degrees; lengths in geostationary radii.

    In the frame of the site's meridian, the arc's point at relative longitude t is (cos t, sin t, 0), the site p = (px, 0, pz) and the
    direction (a, b, d), with b turned east by symmetry. The cosine a visible point makes with the direction,
    (a cos t + b sin t - q) / sqrt(A - B cos t), is maximised over 0 <= t <= t_max: the best of four starts, then Newton's method.
    """
    for j in range(out.size):
        sin_lat, cos_lat = _sincos_deg(lat_deg[j])
        sin_az, cos_az = _sincos_deg(azimuth_deg[j])
        up, level = _sincos_deg(elevation_deg[j])
        north = cos_az * level
        root = np.sqrt(1.0 - eccentricity_squared * sin_lat * sin_lat)
        px = radius / root * cos_lat
        pz = radius / root * (1.0 - eccentricity_squared) * sin_lat
        a = up * cos_lat - north * sin_lat
        b = abs(sin_az * level)
        d = up * sin_lat + north * cos_lat
        q = a * px + d * pz
        A = 1.0 + px * px + pz * pz
        B = 2.0 * px
        # the arc's point on the horizon: its height above the horizontal plane, cos t cos(lat) - p·n, is nought
        c_end = radius * root / cos_lat
        hidden = (c_end > 1.0) | (cos_lat <= 0.0)
        c_end = 1.0 if hidden else c_end
        s_end = np.sqrt(1.0 - c_end * c_end)
        # start 1: below the point where the direction pierces the sphere of the arc's radius
        reach = np.sqrt(q * q + 1.0 - px * px - pz * pz) - q
        c = px + reach * a
        s = reach * b
        h = np.sqrt(c * c + s * s)
        h = 1.0 if h == 0.0 else h
        c = c / h
        s = s / h
        beyond = c < c_end
        c = c_end if beyond else c
        s = s_end if beyond else s
        best = _arc_cosine(a, b, q, A, B, c, s)
        # starts 2 to 4: south, half-way, on the horizon
        value = _arc_cosine(a, b, q, A, B, 1.0, 0.0)
        better = value > best
        c = 1.0 if better else c
        s = 0.0 if better else s
        best = value if better else best
        c_half = np.sqrt(0.5 + 0.5 * c_end)
        s_half = np.sqrt(0.5 - 0.5 * c_end)
        value = _arc_cosine(a, b, q, A, B, c_half, s_half)
        better = value > best
        c = c_half if better else c
        s = s_half if better else s
        best = value if better else best
        value = _arc_cosine(a, b, q, A, B, c_end, s_end)
        better = value > best
        c = c_end if better else c
        s = s_end if better else s
        best = value if better else best
        c_start = c
        s_start = s
        for _ in range(4):
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
            c = turned * h
            s = s * h
            c = 1.0 if s < 0.0 else c
            s = 0.0 if s < 0.0 else s
            beyond = c < c_end
            c = c_end if beyond else c
            s = s_end if beyond else s
        worse = _arc_cosine(a, b, q, A, B, c, s) < best
        c = c_start if worse else c
        s = s_start if worse else s
        # angle from the difference of the two unit vectors: exact for small angles too
        h = 1.0 / np.sqrt(A - B * c)
        x = (c - px) * h - a
        y = s * h - b
        z = -pz * h - d
        chord = 0.25 * (x * x + y * y + z * z)
        chord = 1.0 if chord > 1.0 else chord
        angle = 2.0 * _atan2_deg(np.sqrt(chord), np.sqrt(1.0 - chord))
        out[j] = np.inf if hidden else angle


# --- who sees whom -----------------------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, error_model="numpy")
def _mark_above(x, y, z, px, py, pz, u0, u1, u2, signed_square, seen):
    """The elevation test, exact: sin(el) |sin(el)| >= sin(mask) |sin(mask)|, times the square of the range."""
    for j in range(x.size):
        dx = x[j] - px
        dy = y[j] - py
        dz = z[j] - pz
        up = dx * u0 + dy * u1 + dz * u2
        seen[j] = np.int32(up * abs(up) >= signed_square * (dx * dx + dy * dy + dz * dz))


@njit(cache=True, nogil=True, error_model="numpy")
def _count_marks(seen):
    total = np.int32(0)
    for j in range(seen.size):
        total += seen[j]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _mark_near(x, y, z, moved, c0, c1, c2, n0, n1, n2, spread, slack, near):
    """Whether a satellite may stand above the mask of any site of a node (necessary, not sufficient); ``spread`` = sin(mask) - |dn|."""
    for j in range(x.size):
        dx = x[j] - c0
        dy = y[j] - c1
        dz = z[j] - c2
        up = dx * n0 + dy * n1 + dz * n2
        near[j] = np.int32(up + slack + (1.0 + abs(spread)) * moved[j] >= spread * np.sqrt(dx * dx + dy * dy + dz * dz))


@njit(cache=True, nogil=True, error_model="numpy")
def reference_states(positions, first_slot, last_slot, x, y, z, moved):
    """Give each satellite one position for a block of slots and the farthest it is from it in any of them (NaN: no state at all)."""
    n = positions.shape[2]
    middle = (first_slot + last_slot) // 2
    x[:] = positions[middle, 0]
    y[:] = positions[middle, 1]
    z[:] = positions[middle, 2]
    moved[:] = 0.0
    for k in range(first_slot, last_slot):
        for i in range(n):
            if x[i] + y[i] + z[i] != x[i] + y[i] + z[i]:
                x[i] = positions[k, 0, i]
                y[i] = positions[k, 1, i]
                z[i] = positions[k, 2, i]
    for k in range(first_slot, last_slot):
        _widen(positions[k, 0], positions[k, 1], positions[k, 2], x, y, z, moved)
    for i in range(n):
        moved[i] = np.sqrt(moved[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _widen(sx, sy, sz, x, y, z, moved):
    for i in range(x.size):
        dx = sx[i] - x[i]
        dy = sy[i] - y[i]
        dz = sz[i] - z[i]
        square = dx * dx + dy * dy + dz * dz
        moved[i] = square if square > moved[i] else moved[i]


@njit(cache=True, nogil=True, error_model="numpy")
def candidates_of_tops(nodes, sine, x, y, z, moved):
    """Satellites that may be seen from each top node in a block of slots: offsets and ids, as (indptr, ids)."""
    n_nodes = nodes.shape[1]
    n = x.size
    near = np.empty(n, np.int32)
    indptr = np.zeros(n_nodes + 1, np.int64)
    ids = np.empty(max(n, 1024), np.int32)
    for a in range(n_nodes):
        spread = sine[a] - nodes[6, a]
        slack = nodes[7, a] + abs(sine[a]) * nodes[8, a]
        _mark_near(x, y, z, moved, nodes[0, a], nodes[1, a], nodes[2, a], nodes[3, a], nodes[4, a], nodes[5, a], spread, slack, near)
        k = indptr[a]
        if k + n > ids.size:
            larger = np.empty(2 * ids.size + n, np.int32)
            larger[:k] = ids[:k]
            ids = larger
        for i in range(n):
            ids[k] = i
            k += near[i]
        indptr[a + 1] = k
    return indptr, ids[: indptr[n_nodes]].copy()


@njit(cache=True, nogil=True, error_model="numpy")
def visible_pairs(
    nodes, node_sine, node_parent, level_start, parent_start, order, ecef, up, site_square, positions, first_slot, last_slot,
    first_parent, last_parent, top_indptr, top_ids, write, indptr, satellite,
):  # fmt: skip
    """Count (``write`` false: into ``indptr[k, site + 1]``) or list (from ``indptr[k, site]`` on) what each site sees.

    ``nodes`` (9, m) are the nodes of all levels, ``level_start`` where each level begins, ``node_parent`` the node one level up,
    ``parent_start`` the sites below each node of the last level, in the order of the tree; ``order`` leads from there to the caller's
    sites. Levels are walked down once per node; each keeps the satellites that may be seen from it, in ascending order.
    """
    n = positions.shape[2]
    n_levels = level_start.size - 1
    last = level_start[n_levels - 1]
    ids = np.empty((n_levels + 1, n + _PAD), np.int32)
    xs = np.empty((n_levels + 1, n + _PAD))
    ys = np.empty((n_levels + 1, n + _PAD))
    zs = np.empty((n_levels + 1, n + _PAD))
    still = np.zeros(n + _PAD)
    seen = np.empty(n + _PAD, np.int32)
    size = np.zeros(n_levels + 1, np.int64)
    path = np.empty(n_levels, np.int64)
    current = np.empty(n_levels, np.int64)
    for k in range(first_slot, last_slot):
        current[:] = -1
        for p in range(first_parent, last_parent):
            path[n_levels - 1] = last + p
            for level in range(n_levels - 1, 0, -1):
                path[level - 1] = node_parent[path[level]]
            for level in range(n_levels):
                node = path[level]
                if node == current[level]:
                    continue
                current[level] = node
                if level == 0:
                    size[0] = 0
                    for j in range(top_indptr[node], top_indptr[node + 1]):
                        i = top_ids[j]
                        q = size[0]
                        ids[0, q] = i
                        xs[0, q] = positions[k, 0, i]
                        ys[0, q] = positions[k, 1, i]
                        zs[0, q] = positions[k, 2, i]
                        size[0] = q + 1
                below = size[level]
                padded = (below + 7) & ~7
                for j in range(below, padded):
                    xs[level, j] = np.nan
                _mark_near(
                    xs[level, :padded], ys[level, :padded], zs[level, :padded], still[:padded], nodes[0, node], nodes[1, node],
                    nodes[2, node], nodes[3, node], nodes[4, node], nodes[5, node], node_sine[node] - nodes[6, node],
                    nodes[7, node] + abs(node_sine[node]) * nodes[8, node], seen[:padded],
                )  # fmt: skip
                kept = 0
                for j in range(below):
                    ids[level + 1, kept] = j
                    kept += seen[j]
                for j in range(kept):
                    i = ids[level + 1, j]
                    ids[level + 1, j] = ids[level, i]
                    xs[level + 1, j] = xs[level, i]
                    ys[level + 1, j] = ys[level, i]
                    zs[level + 1, j] = zs[level, i]
                size[level + 1] = kept
                for lower in range(level + 1, n_levels):
                    current[lower] = -1
            count = size[n_levels]
            padded = (count + 7) & ~7
            x = xs[n_levels, :padded]
            y = ys[n_levels, :padded]
            z = zs[n_levels, :padded]
            x[count:] = np.nan
            marks = seen[:padded]
            listed = ids[n_levels]
            for t in range(parent_start[p], parent_start[p + 1]):
                site = order[t]
                _mark_above(x, y, z, ecef[0, t], ecef[1, t], ecef[2, t], up[0, t], up[1, t], up[2, t], site_square[t], marks)
                if write:
                    q = indptr[k, site]
                    end = indptr[k, site + 1]
                    j = 0
                    while q < end:  # never writes past the site's own share
                        satellite[q] = listed[j]
                        q += marks[j]
                        j += 1
                else:
                    indptr[k, site + 1] = _count_marks(marks)
