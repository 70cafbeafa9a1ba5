"""How good a beam allocation can be: exact plans of small cases, and upper bounds of any.

Three references, from tight and slow to loose and fast:

* `allocate_exactly`: the mixed-integer programme of all rules, solved by HiGHS; some hundred cells.
* `bound_by_programme`: its linear relaxation with channels added up, solved by HiGHS; some thousand cells. Where all cells have the same
  licence this loses nothing against the relaxation channel by channel: the mean of a solution over all orders of the channels is one, too.
* `bound_by_matching`: which channel, and separation, left out. What remains is a transversal matroid (each beam wanted is an element, each
  beam of a satellite a place for one), in which taking elements by descending weight and re-arranging those before is optimal.

References
----------
J. Edmonds, D. R. Fulkerson, "Transversals and matroid partition", Journal of Research NBS 69B (1965).
Q. Huangfu, J. A. J. Hall, "Parallelizing the dual revised simplex method", Mathematical Programming Computation 10 (2018) (HiGHS).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.errors import ScenarioError
from overflight.schedule.beams import BeamPlan, BeamRequest, Floats, Integers, Rows, make_ask, make_plan, most_beams, order_steps

MOST_VARIABLES = 100_000
"""Triples of cell, satellite and channel up to which `allocate_exactly` tries."""

_SLACK = 1e-9
"""Part of the greatest weighted need that the second stage may give up, for rounding."""


@dataclass(frozen=True, slots=True)
class BeamBound:
    """What no plan can exceed.

    Attributes
    ----------
    beams
        Beams given to cells.
    weighted_need
        Priority times beams, summed over cells (`BeamCounts.weighted_need`).
    weighted_first
        Priority of cells with a beam at all (`BeamCounts.weighted_first`).
    rate_mbps
        Sum of what the beams carry; infinite where the method does not tell.
    """

    beams: float
    weighted_need: float
    weighted_first: float
    rate_mbps: float


def bound_beams(request: BeamRequest, *, most_pairs: int = 20_000) -> BeamBound:
    """Bound a case by `bound_by_programme` where it has at most so many pairs, and by `bound_by_matching` where it has more."""
    return bound_by_programme(request) if len(request.satellite) <= most_pairs else bound_by_matching(request)


def bound_by_matching(request: BeamRequest) -> BeamBound:
    """Bound by the transversal matroid: exact where neither channels nor separation bind."""
    need = np.minimum(request.need, most_beams(request))
    alike = np.ones(request.n_cells)
    return BeamBound(
        _match(request, need, alike),
        _match(request, need, request.priority),
        _match(request, np.minimum(need, 1).astype(np.int32), request.priority),
        np.inf,
    )


def _match(request: BeamRequest, need: Integers, weight: Floats) -> float:
    """Greatest weighted sum of beams by cell."""
    from overflight.schedule import _beam_kernels

    ask = make_ask(request, need)
    whole = np.minimum(request.beams, request.beams_per_channel * request.channels)
    beams = np.maximum(whole, 0).astype(np.int32) * np.int32(request.cells_per_beam)
    steps = order_steps(weight, need, "cells")
    # What weighs less than nothing is better left out.
    steps = steps[weight[steps] > 0.0]
    got = np.empty(len(steps), np.int32)
    lights = np.empty((len(beams), max(1, int(beams.max(initial=0)))), np.int32)
    _beam_kernels.match_steps(ask, steps, beams, lights, got)
    return float(weight[steps[got >= 0]].sum())


def bound_by_programme(request: BeamRequest) -> BeamBound:
    """Bound by the linear relaxation, channels added up.

    Raises
    ------
    ScenarioError
        If HiGHS finds no solution.
    """
    need = np.minimum(request.need, most_beams(request))
    first = np.minimum(need, 1).astype(np.int32)
    weight = request.priority[_cell_of_pairs(request)]
    return BeamBound(
        _solve_relaxed(request, need, np.ones(len(weight))),
        _solve_relaxed(request, need, weight),
        _solve_relaxed(request, first, weight),
        _solve_relaxed(request, need, request.value_mbps.astype(np.float64)),
    )


def _solve_relaxed(request: BeamRequest, need: Integers, weight: Floats) -> float:
    """Greatest weighted sum of beams by pair."""
    from scipy.optimize import Bounds, milp

    useful = np.flatnonzero(request.value_mbps > 0.0)
    if not len(useful):
        return 0.0
    cell, satellite = _cell_of_pairs(request)[useful], request.satellite[useful].astype(np.int64)
    licence = np.bitwise_count(request.licensed & _all_channels(request)).astype(np.float64)
    whole = np.minimum(request.beams, request.beams_per_channel * request.channels) * float(request.cells_per_beam)
    columns = np.arange(len(useful))
    rows = [(cell, columns, need.astype(np.float64)), (satellite, columns, whole)]
    if request.cells_per_beam == 1:
        rows.append(_clique_rows(request, cell, satellite))
    answer = milp(
        -weight[useful],
        constraints=[_at_most(*row, len(useful)) for row in rows],
        bounds=Bounds(0.0, licence[cell]),
        integrality=0,
    )
    if answer.x is None:
        msg = f"bound of beams: no solution ({answer.message}); take bound_by_matching"
        raise ScenarioError(msg)
    return float(-answer.fun)


def _clique_rows(request: BeamRequest, cell: Rows, satellite: Rows) -> tuple[Rows, Rows, Floats]:
    """Rows, columns and limits of separation: of one satellite, cells all adjacent to one another have no more beams than channels."""
    members, union = _find_cliques(request)
    clique, pair = _spread(members, cell, request.n_cells)
    key = clique * request.n_satellites + satellite[pair]
    distinct, row, count = np.unique(key, return_inverse=True, return_counts=True)
    several = count[row] > 1
    limit = np.bitwise_count(union[distinct // request.n_satellites]).astype(np.float64)
    return row[several], pair[several], limit


def _find_cliques(request: BeamRequest) -> tuple[Rows, npt.NDArray[np.uint32]]:
    """Triangles of adjacent cells, and pairs that are in none (third -1), shape (cliques, 3); and the channels licensed in any member."""
    neighbours = request.neighbours.astype(np.int64)
    a = np.repeat(np.arange(request.n_cells), neighbours.shape[1])
    b = neighbours.ravel()
    edge = np.unique(np.sort(np.stack([a, b], axis=1)[b >= 0], axis=1), axis=0)
    third = neighbours[edge[:, 0]]
    closes = (neighbours[edge[:, 1]][:, :, np.newaxis] == third[:, np.newaxis, :]).any(axis=1) & (third >= 0)
    which, side = np.nonzero(closes)
    triangles = np.column_stack([edge[which], third[which, side]])
    alone = ~closes.any(axis=1)
    pairs = np.column_stack([edge[alone], np.full(int(alone.sum()), -1, np.int64)])
    members = np.unique(np.concatenate([np.sort(triangles, axis=1), pairs]), axis=0)
    masks = np.where(members >= 0, (request.licensed & _all_channels(request))[members], np.uint32(0))
    return members, np.bitwise_or.reduce(masks, axis=1).astype(np.uint32)


def _spread(members: Rows, cell: Rows, n_cells: int) -> tuple[Rows, Rows]:
    """For each member of each clique all columns of its cell: number of the clique, and column. ``cell`` is ascending."""
    clique = np.repeat(np.arange(len(members)), members.shape[1])
    member = members.ravel()
    clique, member = clique[member >= 0], member[member >= 0]
    start = np.searchsorted(cell, np.arange(n_cells + 1))
    count = start[member + 1] - start[member]
    offset = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(clique, count), np.repeat(start[member], count) + offset


def _at_most(row: Rows, column: Rows, limit: Floats, columns: int) -> Any:
    """The constraint that the columns of each row sum to at most its limit."""
    from scipy.optimize import LinearConstraint
    from scipy.sparse import csr_matrix

    matrix = csr_matrix((np.ones(len(row)), (row, column)), shape=(len(limit), columns))
    return LinearConstraint(matrix, -np.inf, limit)


def allocate_exactly(request: BeamRequest) -> BeamPlan:
    """Allocate by mixed-integer programme: the greatest weighted need, and of all such plans one that carries most.

    Raises
    ------
    ScenarioError
        If beams are shared in time, if the case is too large (`MOST_VARIABLES`), or if HiGHS finds no solution.
    """
    if request.cells_per_beam > 1:
        msg = "beam allocation 'exact': does not share beams in time; set cells per beam to 1, or take 'priority-greedy'"
        raise ScenarioError(msg)
    pair, channel = _list_triples(request)
    if not len(pair):
        nothing = np.empty(0, np.int64)
        return make_plan(nothing, nothing, nothing, nothing)
    if len(pair) > MOST_VARIABLES:
        size = f"{len(pair):,} triples of cell, satellite and channel, at most {MOST_VARIABLES:,}"
        msg = f"beam allocation 'exact': {size}; take 'priority-greedy'"
        raise ScenarioError(msg)
    cell, satellite = _cell_of_pairs(request)[pair], request.satellite[pair].astype(np.int64)
    rules = _list_rules(request, cell, satellite, channel)
    weight = request.priority[cell]
    most = weight @ _solve_whole(weight, rules)
    keep = _at_most(np.zeros(len(pair), np.int64), np.arange(len(pair)), np.zeros(1), len(pair))
    keep.A = keep.A.multiply(-weight).tocsr()
    keep.ub = np.array([_SLACK * abs(most) - most])
    chosen = _solve_whole(request.value_mbps[pair].astype(np.float64), [*rules, keep]) > 0.5
    return make_plan(cell[chosen], satellite[chosen], channel[chosen], pair[chosen])


def _list_triples(request: BeamRequest) -> tuple[Rows, Rows]:
    """Pairs and channels that may be lit."""
    licensed = request.licensed[_cell_of_pairs(request)]
    bits = (licensed[:, np.newaxis] >> np.arange(request.channels, dtype=np.uint32)) & np.uint32(1)
    pair, channel = np.nonzero((bits > 0) & (request.value_mbps > 0.0)[:, np.newaxis])
    return pair.astype(np.int64), channel.astype(np.int64)


def _list_rules(request: BeamRequest, cell: Rows, satellite: Rows, channel: Rows) -> list[Any]:
    """All rules as constraints on triples."""
    n, channels = len(cell), request.channels
    columns = np.arange(n)
    spot = satellite * channels + channel
    members, _ = _find_cliques(request)
    clique, triple = _spread(members, cell, request.n_cells)
    distinct, row = np.unique(clique * (request.n_satellites * channels) + spot[triple], return_inverse=True)
    rows = [
        (cell, columns, request.need.astype(np.float64)),
        (cell * channels + channel, columns, np.full(request.n_cells * channels, float(request.satellites_per_channel))),
        (satellite, columns, request.beams.astype(np.float64)),
        (spot, columns, np.repeat(request.beams_per_channel, channels).astype(np.float64)),
        (row, triple, np.ones(len(distinct))),
    ]
    return [_at_most(*each, n) for each in rows if len(each[2])]


def _solve_whole(weight: Floats, rules: list[Any]) -> Floats:
    from scipy.optimize import Bounds, milp

    answer = milp(-weight, constraints=rules, bounds=Bounds(0.0, 1.0), integrality=1, options={"mip_rel_gap": 0.0})
    if answer.x is None:
        msg = f"beam allocation 'exact': no solution ({answer.message}); take 'priority-greedy'"
        raise ScenarioError(msg)
    return np.asarray(np.round(answer.x), dtype=np.float64)


def _cell_of_pairs(request: BeamRequest) -> Rows:
    return np.repeat(np.arange(request.n_cells), np.diff(request.indptr))


def _all_channels(request: BeamRequest) -> np.uint32:
    return np.uint32((1 << request.channels) - 1)
