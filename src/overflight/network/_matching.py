"""Compiled loops that choose links: who is near whom, and which pairs are taken."""
# mypy: disable-error-code="untyped-decorator"

from typing import Any

from numba import njit

from overflight.network._kernels import BOXES_A_SIDE

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
def find_nearest_around(
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
def list_pairs(found: Any, square: Any, end_a: Any, end_b: Any, pair_square: Any) -> int:
    """List the pairs that either end found among its nearest, each once; return how many."""
    count = 0
    for own in range(found.shape[0]):
        for place in range(found.shape[1]):
            other = found[own, place]
            listed = other < 0
            if not listed and other < own:
                for back in range(found.shape[1]):
                    listed |= found[other, back] == own
            if not listed:
                end_a[count], end_b[count], pair_square[count] = own, other, square[own, place]
                count += 1
    return count


@njit(**_OPTIONS)
def accept_in_order(port_a: Any, port_b: Any, free: Any, accepted: Any) -> None:
    """Accept pairs one by one while both their ports have a place free."""
    for i in range(port_a.size):
        accepted[i] = free[port_a[i]] > 0 and free[port_b[i]] > 0
        if accepted[i]:
            free[port_a[i]] -= 1
            free[port_b[i]] -= 1
