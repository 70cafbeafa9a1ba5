"""Compiled loops that choose links: who is near whom, and which pairs are taken."""
# mypy: disable-error-code="untyped-decorator"

import math
from typing import Any

import numpy as np
from numba import njit

from overflight.network._kernels import BOXES_A_SIDE, sort_into_boxes

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_OPTIONS)
def _insert(found: Any, square: Any, row: Any, other: Any, away: Any) -> None:
    """Put a point into a row of the nearest, which is sorted."""
    place = found.shape[1] - 1
    while place > 0 and square[row, place - 1] > away:
        square[row, place], found[row, place] = square[row, place - 1], found[row, place - 1]
        place -= 1
    square[row, place], found[row, place] = away, other


@njit(**_OPTIONS)
def find_nearest_in_rows(
    x: Any,
    y: Any,
    z: Any,
    u: Any,
    v: Any,
    w: Any,
    least_cosine: Any,
    asking: Any,
    first: Any,
    stop: Any,
    longest_km: Any,
    found: Any,
    square: Any,
) -> None:
    """Find for each asking point the nearest of the rows first to stop that moves about the same way; -1 where there are fewer.

    Points are at (x, y, z) and move along (u, v, w); `found`, `square` (of the distance) are (asking, k), from the nearest on.
    """
    last = found.shape[1] - 1
    found[:] = -1
    square[:] = longest_km * longest_km
    for i in range(asking.size):
        own = asking[i]
        for other in range(first[i], stop[i]):
            away = (x[other] - x[own]) ** 2 + (y[other] - y[own]) ** 2 + (z[other] - z[own]) ** 2
            alike = u[other] * u[own] + v[other] * v[own] + w[other] * w[own] >= least_cosine
            if alike and 1e-12 < away <= square[i, last]:
                _insert(found, square, i, other, away)


@njit(**_OPTIONS)
def _find_nearest_around(
    x: Any,
    y: Any,
    z: Any,
    u: Any,
    v: Any,
    w: Any,
    least_cosine: Any,
    radius_km: Any,
    starts: Any,
    edge_km: Any,
    longest_km: Any,
    found: Any,
    square: Any,
) -> None:
    """Find the nearest other points of each point, searching box by box outwards; the points stand in the order of their boxes."""
    last = found.shape[1] - 1
    found[:] = -1
    square[:] = longest_km * longest_km
    for own in range(found.shape[0]):
        at_x, at_y, at_z = (int((x[own] + radius_km) / edge_km), int((y[own] + radius_km) / edge_km), int((z[own] + radius_km) / edge_km))
        for ring in range(BOXES_A_SIDE):
            # Whatever is not in the rings before is at least this far away.
            if ring > 0 and ((ring - 1) * edge_km) ** 2 > square[own, last]:
                break
            bottom, top = max(0, at_z - ring), min(BOXES_A_SIDE - 1, at_z + ring)
            for column in range(max(0, at_x - ring), min(BOXES_A_SIDE - 1, at_x + ring) + 1):
                for row in range(max(0, at_y - ring), min(BOXES_A_SIDE - 1, at_y + ring) + 1):
                    pile = (column * BOXES_A_SIDE + row) * BOXES_A_SIDE
                    # The sides of the ring are whole piles of boxes; inside them only the boxes at the bottom and at the top are new.
                    whole = abs(column - at_x) == ring or abs(row - at_y) == ring
                    for part in range(1 if whole else 2):
                        low = bottom if part == 0 else top
                        high = top if whole else low
                        if not whole and (at_z - ring < 0 if part == 0 else at_z + ring >= BOXES_A_SIDE):
                            continue
                        for other in range(starts[pile + low], starts[pile + high + 1]):
                            away = (x[other] - x[own]) ** 2 + (y[other] - y[own]) ** 2 + (z[other] - z[own]) ** 2
                            alike = u[other] * u[own] + v[other] * v[own] + w[other] * w[own] >= least_cosine
                            if alike and 1e-12 < away <= square[own, last]:
                                _insert(found, square, own, other, away)


@njit(**_OPTIONS)
def _list_pairs(found: Any, square: Any, rows: Any, pairs: Any, pair_square: Any, count: Any) -> int:
    """Append the pairs that either end found among its nearest, each once; return how many there are then."""
    for own in range(found.shape[0]):
        for place in range(found.shape[1]):
            other = found[own, place]
            listed = other < 0
            if not listed and other < own:
                for back in range(found.shape[1]):
                    listed |= found[other, back] == own
            if not listed:
                pairs[0, count], pairs[1, count], pair_square[count] = rows[own], rows[other], square[own, place]
                count += 1
    return int(count)


@njit(**_OPTIONS)
def pair_nearest(
    points_km: Any, headings: Any, least_cosine: Any, member: Any, starts: Any, longest_km: Any, each: Any, pairs: Any, pair_square: Any
) -> int:
    """Pair each satellite with the nearest `each` of its group; return how many pairs there are.

    ``member[starts[g]:starts[g + 1]]`` are the rows of group g in `points_km` and `headings`, (3, n).
    """
    boxes = np.empty(BOXES_A_SIDE**3 + 1, np.int64)
    count = 0
    for group in range(starts.size - 1):
        rows = member[starts[group] : starts[group + 1]]
        size = rows.size
        if size < 2:
            continue
        here, boxed = np.empty((3, size)), np.empty(size, np.int32)
        radius2 = 0.0
        for i in range(size):
            for axis in range(3):
                here[axis, i] = points_km[axis, rows[i]]
            radius2 = max(radius2, here[0, i] ** 2 + here[1, i] ** 2 + here[2, i] ** 2)
        radius_km = math.sqrt(radius2)
        edge_km = sort_into_boxes(here, radius_km, boxes, boxed)
        rows = rows[boxed]
        at, along = np.empty((3, size)), np.empty((3, size))
        for i in range(size):
            for axis in range(3):
                at[axis, i], along[axis, i] = points_km[axis, rows[i]], headings[axis, rows[i]]
        found, square = np.empty((size, each), np.int32), np.empty((size, each))
        _find_nearest_around(
            at[0], at[1], at[2], along[0], along[1], along[2], least_cosine, radius_km, boxes, edge_km, longest_km, found, square
        )  # fmt: skip
        count = _list_pairs(found, square, rows, pairs, pair_square, count)
    return int(count)


@njit(**_OPTIONS)
def accept_in_order(port_a: Any, port_b: Any, free: Any, accepted: Any) -> None:
    """Accept pairs one by one while both their ports have a place free."""
    for i in range(port_a.size):
        accepted[i] = free[port_a[i]] > 0 and free[port_b[i]] > 0
        if accepted[i]:
            free[port_a[i]] -= 1
            free[port_b[i]] -= 1
