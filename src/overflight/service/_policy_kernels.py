"""Compiled loops of the policy: distances to borders, crossings of edges, verdicts of many reports. Plain arrays in, plain arrays out.

No kernel decides what rounding could have decided: where an orientation is nearer to zero than its rounding error, or a point nearer to
the edge of a cell than edges are known, the answer is `UNSURE` and the caller asks exact geometry.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

import math

import numpy as np
from numba import njit

OUT, IN, UNSURE = 0, 1, 2
"""Answers of the tests of one point: outside, inside, and to be decided by exact geometry."""

_A_KM = 6378.137
_E2 = (1.0 / 298.257223563) * (2.0 - 1.0 / 298.257223563)
_DEGREE = math.pi / 180.0
_ORIENT_BOUND = 3.3306690738754716e-16 * 4.0
"""Rounding of the 2 × 2 determinant of differences, over the sum of its terms' sizes (Shewchuk's 3u + 16u², u = 2⁻⁵³), fourfold."""


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def to_ecef_km(lat_deg, lon_deg):
    """Point on the ellipsoid in ITRF, km."""
    lat, lon = lat_deg * _DEGREE, lon_deg * _DEGREE
    sin_lat, cos_lat = math.sin(lat), math.cos(lat)
    prime = _A_KM / math.sqrt(1.0 - _E2 * sin_lat * sin_lat)
    return prime * cos_lat * math.cos(lon), prime * cos_lat * math.sin(lon), prime * (1.0 - _E2) * sin_lat


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _piece_km2(x, y, z, pieces, k):
    """Squared distance, km², from a point to piece ``k`` of a border (a chord between two points in ITRF)."""
    ax, ay, az = pieces[k, 0], pieces[k, 1], pieces[k, 2]
    dx, dy, dz = pieces[k, 3] - ax, pieces[k, 4] - ay, pieces[k, 5] - az
    px, py, pz = x - ax, y - ay, z - az
    length2 = dx * dx + dy * dy + dz * dz
    share = 0.0
    if length2 > 0.0:
        share = min(1.0, max(0.0, (px * dx + py * dy + pz * dz) / length2))
    ex, ey, ez = px - share * dx, py - share * dy, pz - share * dz
    return ex * ex + ey * ey + ez * ez


@njit(cache=True, nogil=True, error_model="numpy")
def nearest_pieces(lat_deg, lon_deg, pieces, owner, n_owners, first_owner, squared_km2):
    """Squared distance of each point to the nearest piece of each owner: ``squared_km2`` (points, owners) is filled."""
    for i in range(lat_deg.shape[0]):
        x, y, z = to_ecef_km(lat_deg[i], lon_deg[i])
        for k in range(pieces.shape[0]):
            o = owner[k] - first_owner
            if 0 <= o < n_owners:
                squared_km2[i, o] = min(squared_km2[i, o], _piece_km2(x, y, z, pieces, k))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _side(ax, ay, bx, by, px, py):
    """Side of a→b on which p lies: 1 left, −1 right, 0 where rounding could decide."""
    left, right = (ax - px) * (by - py), (ay - py) * (bx - px)
    det = left - right
    bound = _ORIENT_BOUND * (abs(left) + abs(right))
    if det > bound:
        return 1
    if det < -bound:
        return -1
    return 0


@njit(cache=True, nogil=True, error_model="numpy")
def inside_box(px, py, rx, ry, ref_inside, edges, first, last):
    """Whether a point is inside an area, from whether a reference point of the same box is, and the edges in the box (x1, y1, x2, y2)."""
    crossings = 0
    for k in range(first, last):
        ax, ay, bx, by = edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3]
        if (ax == px and ay == py) or (bx == px and by == py):
            return IN
        if max(ax, bx) < min(px, rx) or min(ax, bx) > max(px, rx) or max(ay, by) < min(py, ry) or min(ay, by) > max(py, ry):
            continue
        at_p = _side(ax, ay, bx, by, px, py)
        if at_p == 0:
            return UNSURE
        at_r = _side(ax, ay, bx, by, rx, ry)
        if at_r == 0:
            return UNSURE
        if at_p == at_r:
            continue
        at_a, at_b = _side(px, py, rx, ry, ax, ay), _side(px, py, rx, ry, bx, by)
        if at_a == 0 or at_b == 0:
            return UNSURE
        if at_a != at_b:
            crossings += 1
    return IN if (crossings % 2 == 1) != (ref_inside == 1) else OUT


@njit(cache=True, nogil=True, error_model="numpy")
def near_edge(px, py, edges, first, last, reach_deg):
    """Whether a point is within ``reach_deg`` of latitude of an edge; longitudes are narrowed by the cosine of the latitude."""
    narrow = max(math.cos(py * _DEGREE), 1e-3)
    for k in range(first, last):
        ax, ay = (edges[k, 0] - px) * narrow, edges[k, 1] - py
        dx, dy = (edges[k, 2] - edges[k, 0]) * narrow, edges[k, 3] - edges[k, 1]
        length2 = dx * dx + dy * dy
        share = 0.0
        if length2 > 0.0:
            share = min(1.0, max(0.0, -(ax * dx + ay * dy) / length2))
        ex, ey = ax + share * dx, ay + share * dy
        if ex * ex + ey * ey < reach_deg * reach_deg:
            return True
    return False


# --- rasters -----------------------------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, error_model="numpy")
def trace_edges(edges, per_deg, pad, boxes, rows_of_edge):
    """Boxes that edges meet, those within ``pad`` degrees of them too: pairs (box, edge), into two arrays; returns how many there are.

    With arrays of length 0 it counts only. Boxes are rows of ``per_deg`` to a degree, from the south-west corner of the plane.
    """
    wide, high = 360 * per_deg, 180 * per_deg
    count = 0
    for e in range(edges.shape[0]):
        ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        low = max(0, math.floor((ay - pad + 90.0) * per_deg))
        top = min(high - 1, math.floor((by + pad + 90.0) * per_deg))
        for row in range(low, top + 1):
            south, north = row / per_deg - 90.0 - pad, (row + 1) / per_deg - 90.0 + pad
            y0, y1 = max(ay, south), min(by, north)
            if by > ay:
                x0, x1 = ax + (bx - ax) * (y0 - ay) / (by - ay), ax + (bx - ax) * (y1 - ay) / (by - ay)
            else:
                x0, x1 = ax, bx
            west, east = min(x0, x1) - pad, max(x0, x1) + pad
            for column in range(max(0, math.floor((west + 180.0) * per_deg)), min(wide - 1, math.floor((east + 180.0) * per_deg)) + 1):
                if boxes.shape[0] > 0:
                    boxes[count] = row * wide + column
                    rows_of_edge[count] = e
                count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def scan_crossings(edges, per_deg, offset, rows, crossing_deg):
    """Where edges cross the line of latitude through each row's reference points; returns how many crossings there are."""
    high = 180 * per_deg
    count = 0
    for e in range(edges.shape[0]):
        ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        low = max(0, math.floor((ay + 90.0) * per_deg - offset))
        top = min(high - 1, math.ceil((by + 90.0) * per_deg - offset))
        for row in range(low, top + 1):
            y = (row + offset) / per_deg - 90.0
            if ay <= y < by:
                if rows.shape[0] > 0:
                    rows[count] = row
                    crossing_deg[count] = ax + (bx - ax) * (y - ay) / (by - ay)
                count += 1
    return count


# --- verdicts ----------------------------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _in_test(tests, k, px, py, rx, ry):
    """Whether the area of test ``k`` holds a point of its box, margins left aside."""
    first, last = tests.edge_first[k], tests.edge_first[k + 1]
    if last == first:
        return tests.ref_inside[k]
    if tests.is_cells[k] and near_edge(px, py, tests.edges, first, last, tests.unsure_deg):
        return UNSURE
    return inside_box(px, py, rx, ry, tests.ref_inside[k], tests.edges, first, last)


@njit(cache=True, nogil=True, error_model="numpy")
def _nearest_of(px, py, pieces, rows, first, last):
    """Squared distance, km², from a point to the nearest of some pieces of a border."""
    x, y, z = to_ecef_km(py, px)
    nearest = np.inf
    for k in range(first, last):
        nearest = min(nearest, _piece_km2(x, y, z, pieces, rows[k]))
    return nearest


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _nearest_km2(tests, k, px, py):
    return _nearest_of(px, py, tests.pieces, tests.piece, tests.piece_first[k], tests.piece_first[k + 1])


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _within_margin(inside, km2, low_km2, high_km2, kind):
    """Whether a place at a squared distance from a border lies in a margin: kind 0 none, 1 grown, 2 shrunk, 3 strip."""
    if kind == 0:
        return inside
    if kind == 1:
        return inside or km2 <= high_km2
    if kind == 2:
        return inside and km2 >= low_km2
    return km2 <= (low_km2 if inside else high_km2)


@njit(cache=True, nogil=True, error_model="numpy")
def _sea_owner(sea, box, px, py, rx, ry):
    """Territory whose coast is nearest to a point at sea and the squared distance to it; −1 on land, −2 where exact geometry must say."""
    owner, nearest = -1, np.inf
    for k in range(sea.first[box], sea.first[box + 1]):
        inside = _in_test(sea, k, px, py, rx, ry)
        if inside == UNSURE:
            return -2, 0.0
        if inside == IN:
            return -1, 0.0
        km2 = 0.0 if sea.is_alone[k] else _nearest_km2(sea, k, px, py)
        if km2 < nearest:
            owner, nearest = sea.atom[k], km2
    return owner, nearest


@njit(cache=True, nogil=True, error_model="numpy")
def _atom_holds(atom, box, px, py, rx, ry, atoms, tests, sea):
    if atoms.sea_owner[atom] >= 0:
        sea_box = tests.sea_box[box]
        if sea_box < 0:
            return OUT
        owner, km2 = _sea_owner(sea, sea_box, px, py, rx, ry)
        if owner == -2:
            return UNSURE
        return IN if owner == atoms.sea_owner[atom] and km2 <= atoms.high_km2[atom] else OUT
    for k in range(tests.first[box], tests.first[box + 1]):
        if tests.atom[k] == atom:
            inside = _in_test(tests, k, px, py, rx, ry)
            if inside == UNSURE:
                return UNSURE
            if atoms.kind[atom] == 0:
                return inside
            km2 = _nearest_km2(tests, k, px, py)
            return IN if _within_margin(inside == IN, km2, atoms.low_km2[atom], atoms.high_km2[atom], atoms.kind[atom]) else OUT
    return UNSURE


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def solar_minutes(time_us, lon_deg):
    """Minutes since midnight in mean solar time."""
    minutes = (time_us % 86_400_000_000) / 60_000_000.0 + 4.0 * lon_deg
    return minutes - 1440.0 * math.floor(minutes / 1440.0)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _conditions_hold(rule, i, rules, reports):
    """Whether the conditions of a rule other than place hold for report ``i``; what a report does not state does not hold."""
    flags = rules.flags[rule]
    if flags == 0:
        return True
    if flags & 1 and not reports.speed_kmh[i] > rules.speed_over_kmh[rule]:
        return False
    if flags & 2 and not reports.speed_kmh[i] <= rules.speed_up_to_kmh[rule]:
        return False
    if flags & 4 and not reports.altitude_m[i] > rules.altitude_over_m[rule]:
        return False
    if flags & 8 and not reports.altitude_m[i] <= rules.altitude_up_to_m[rule]:
        return False
    if flags & 16 and not (reports.time_us[i] >= rules.starts_us[rule] and reports.time_us[i] < rules.ends_us[rule]):
        return False
    if flags & 32:
        if reports.time_us[i] == -9223372036854775808:
            return False
        minutes = solar_minutes(reports.time_us[i], reports.lon_deg[i])
        begins, stops = rules.hours_from[rule], rules.hours_until[rule]
        inside = begins <= minutes < stops if begins < stops else (minutes >= begins or minutes < stops)
        if not inside:
            return False
    if flags & 64 and not reports.days_abroad[i] > rules.days_abroad_over[rule]:
        return False
    return not (flags & 128 and not reports.static_ok[reports.terminal[i], rules.static_column[rule]])


@njit(cache=True, nogil=True, error_model="numpy")
def _run_program(program, box, i, px, py, rx, ry, programs, rules, atoms, tests, sea, reports):
    """First rule of a box's list that matches report ``i``; −1 where exact geometry must say."""
    for entry in range(programs.first[program], programs.first[program + 1]):
        rule = programs.rule[entry]
        if not _conditions_hold(rule, i, rules, reports):
            continue
        holds, group, found = True, -1, False
        for ref in range(programs.atom_first[entry], programs.atom_first[entry + 1]):
            if programs.group[ref] != group:
                if group in (0, 1) and not found:
                    holds = False
                    break
                group, found = programs.group[ref], False
            if found:
                continue
            answer = _atom_holds(programs.atom[ref], box, px, py, rx, ry, atoms, tests, sea)
            if answer == UNSURE:
                return -1
            if answer == IN:
                found = True
                if group == 2:
                    holds = False
                    break
        if holds and group in (0, 1) and not found:
            holds = False
        if holds:
            return rule
    return programs.default


@njit(cache=True, nogil=True, error_model="numpy")
def look_up(grid, decided, lat_deg, lon_deg, rule_of_report, value_of_report):
    """Number of the rule that decides each report where its box does; elsewhere −1, and the box's value on the grid."""
    per_deg = grid.per_deg
    wide, high = 360 * per_deg, 180 * per_deg
    coarse, fine, n_programs = grid.coarse, grid.fine, grid.n_programs
    for i in range(rule_of_report.shape[0]):
        column = min(wide - 1, max(0, int((lon_deg[i] + 180.0) * per_deg)))
        row = min(high - 1, max(0, int((lat_deg[i] + 90.0) * per_deg)))
        value = coarse[row // per_deg, column // per_deg]
        if value <= -2:
            value = fine[-2 - value, row % per_deg, column % per_deg]
        value_of_report[i] = value
        rule_of_report[i] = -1 if value >= n_programs else decided[value]


@njit(cache=True, nogil=True, error_model="numpy")
def settle(order, grid, programs, rules, atoms, tests, sea, reports, value_of_report, rule_of_report):
    """Decide the reports in ``order`` that their box does not: the number of the rule, −1 where exact geometry must say."""
    per_deg, n_programs = grid.per_deg, grid.n_programs
    wide, high = 360 * per_deg, 180 * per_deg
    for place in range(order.shape[0]):
        i = order[place]
        px, py = reports.lon_deg[i], reports.lat_deg[i]
        column = min(wide - 1, max(0, int((px + 180.0) * per_deg)))
        row = min(high - 1, max(0, int((py + 90.0) * per_deg)))
        box, program = -1, value_of_report[i]
        if program >= n_programs:
            box = program - n_programs
            program = tests.program[box]
        rx, ry = (column + grid.offset_x) / per_deg - 180.0, (row + grid.offset_y) / per_deg - 90.0
        rule_of_report[i] = _run_program(program, box, i, px, py, rx, ry, programs, rules, atoms, tests, sea, reports)
