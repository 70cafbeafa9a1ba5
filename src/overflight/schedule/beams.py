"""Which channel of which satellite lights which cell in one slot: the request, the plan, allocators by name, and the rules of a plan.

An allocator is a plain function from a `BeamRequest` to a `BeamPlan`; anyone may pass their own, and `validate_plan` tells whether it
kept the rules. The rules, one slot and one fleet:

* a cell is lit only by satellites of its pairs, on channels licensed in it, by no more beams than it needs;
* at most ``satellites_per_channel`` satellites light a cell on one channel (N_co), and none of them lights it twice on that channel;
* a satellite lights no more beams than it has, and no more than ``beams_per_channel`` of them on one channel (reuse);
* adjacent cells are never lit on the same channel by different beams of the same satellite (separation);
* a beam lights at most ``cells_per_beam`` cells, one after the other, with shares of its time that sum to at most 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.errors import ScenarioError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

MAX_CHANNELS = 32
"""Channels that fit a mask of 32 bits."""

NEIGHBOURS = 6
"""Sides of a hexagon."""


@dataclass(frozen=True, slots=True)
class BeamPlan:
    """Who is lit by whom on which channel: flat arrays of one length, sorted by cell, then channel, then satellite.

    Attributes
    ----------
    cell
        Row of the cell, int32.
    satellite
        Row of the satellite, int32.
    channel
        Number of the channel, int8.
    share
        Fraction of the beam's time that the cell has; 1 unless the beam is shared.
    pair
        Row of the pair in the request, int64.
    beam
        Number of the beam, int32: rows with the same number share one beam in time.
    """

    cell: Integers
    satellite: Integers
    channel: npt.NDArray[np.int8]
    share: Floats
    pair: Rows
    beam: Integers

    def __len__(self) -> int:
        return len(self.cell)


@dataclass(frozen=True, slots=True)
class BeamRequest:
    """What is asked for in one slot of one fleet.

    Attributes
    ----------
    indptr
        The pairs of cell c are ``indptr[c]:indptr[c + 1]``, int64, shape (cells + 1,).
    satellite
        Row of the satellite of each pair, int32, shape (pairs,); ascending within a cell.
    value_mbps
        What one whole channel of the pair would carry, float64 or float32, shape (pairs,). A pair that is worth nothing (zero, negative
        or NaN) is never lit.
    need
        Beams wanted by each cell, int32, shape (cells,).
    priority
        Cells of higher priority are served first; also the weight of each beam that a cell gets (`measure_plan`), float64, shape (cells,).
    licensed
        Channels that may be used in each cell, bit by bit (bit k for channel k), uint32, shape (cells,).
    beams
        Beams that each satellite can light, int32, shape (satellites,).
    beams_per_channel
        Beams that each satellite can light on one channel, int32, shape (satellites,).
    neighbours
        Rows of the cells adjacent to each, int32, shape (cells, 6); −1 where there is none.
    channels
        Channels of the plan, polarisations counted, at most `MAX_CHANNELS`.
    satellites_per_channel
        Satellites that may light one cell on the same channel (N_co).
    cells_per_beam
        Cells that one beam may light in turn; 1: beams are not shared in time.
    held
        The plan of the slot before, in rows of the same cells and satellites; its pairs are not looked at.
    cell_key, satellite_key
        Numbers that name cells (their H3 index) and satellites (their catalogue number) wherever they appear, shapes (cells,) and
        (satellites,). Equals are told apart by them, so that results do not depend on the order of rows; None takes the rows.
    """

    indptr: Rows
    satellite: Integers
    value_mbps: npt.NDArray[np.floating[Any]]
    need: Integers
    priority: Floats
    licensed: npt.NDArray[np.uint32]
    beams: Integers
    beams_per_channel: Integers
    neighbours: Integers
    channels: int
    satellites_per_channel: int = 1
    cells_per_beam: int = 1
    held: BeamPlan | None = None
    cell_key: npt.NDArray[np.integer[Any]] | None = None
    satellite_key: npt.NDArray[np.integer[Any]] | None = None

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.need)

    @property
    def n_satellites(self) -> int:
        """Number of satellites."""
        return len(self.beams)


Allocator = Callable[[BeamRequest], BeamPlan]
"""A beam allocation: what is asked for in one slot to what is lit."""


@dataclass(frozen=True, slots=True)
class PriorityGreedy:
    """Give beams out one by one, in an order by need and priority, each from the satellite of greatest value less price.

    Prices keep beams of satellites that many others need for those others. A cell that finds all its satellites full asks them to move
    one cell to another satellite with room.

    Attributes
    ----------
    handover_gain
        A cell keeps (satellite, channel) of the slot before, unless another pair is worth more by this fraction; infinite: whenever it can.
    order
        One of `ORDERS`. ``"shares"``: always the cell of which the least share of its need is served, so that all first beams come before
        any second one; ``"rounds"``: the cell with fewest beams; ``"cells"``: all that a cell needs before the next. Equals by priority.
    load_slope
        What a satellite's whole load adds to its price, in mean values of a pair.
    warmth
        How far prices look past the best pairs, in mean values of a pair.
    refusal
        What going without a beam costs in finding prices, in mean values of a pair; more serves more cells at lower rates.
    """

    handover_gain: float = 0.25
    order: str = "shares"
    load_slope: float = 0.2
    warmth: float = 0.15
    refusal: float = 1.25

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            msg = f"order of beams '{self.order}': unknown; take one of {', '.join(ORDERS)}"
            raise ScenarioError(msg)
        if not self.handover_gain >= 0.0:
            msg = f"handover gain of {self.handover_gain}: must be 0 or more"
            raise ScenarioError(msg)
        if not (0.0 <= self.load_slope < np.inf and 0.02 <= self.warmth < np.inf and 0.0 <= self.refusal < np.inf):
            given = f"load slope {self.load_slope}, warmth {self.warmth}, refusal {self.refusal}"
            msg = f"prices of beams ({given}): must be finite, load slope and refusal 0 or more, warmth 0.02 or more"
            raise ScenarioError(msg)

    def __call__(self, request: BeamRequest) -> BeamPlan:
        """Allocate the beams of one slot."""
        ordered, cells, satellites = _sort_rows(request)
        plan = _walk(ordered, self)
        return plan if ordered is request else _restore_rows(request, plan, cells, satellites)


ORDERS = ("rounds", "shares", "cells")
"""Orders in which `PriorityGreedy` gives out beams."""

_COARSE = ((500, 8, 60), (4000, 2, 10))
"""Passes that find prices: greatest number of blocks, least rows of a block, rounds."""

_FEW_CELLS = 10_000
"""Fewer cells than this are sorted by NumPy."""

_HASTE = 1.5
"""Over-relaxation of the rounds."""


def _walk(request: BeamRequest, settings: PriorityGreedy) -> BeamPlan:
    from overflight.schedule import _beam_kernels

    need = np.minimum(request.need, most_beams(request))
    ask = make_ask(request, need)
    held = _make_held(request)
    lit = _make_lit(request, need)
    scale_mbps = _price_satellites(ask, lit, settings)
    lit = lit._replace(slope=np.float64(settings.load_slope * scale_mbps))
    if len(held.satellite):
        _beam_kernels.start_waiting(ask, held)
    _beam_kernels.refresh_all(ask, lit, held)
    notes = 7 * int(need.max(initial=1)) + 6 * int(np.diff(held.first).max(initial=0))
    failed = np.zeros(request.n_cells, np.bool_)
    steps = order_steps(request.priority, need, settings.order)
    _beam_kernels.walk_steps(
        ask,
        lit,
        held,
        steps,
        failed,
        float(settings.handover_gain),
        np.empty((2, notes), np.uint32),
        np.empty(_beam_kernels.RELIEF_TRIES, np.int32),
    )
    rows = int(lit.granted.sum())
    plan = BeamPlan(
        np.empty(rows, np.int32),
        np.empty(rows, np.int32),
        np.empty(rows, np.int8),
        np.empty(rows),
        np.empty(rows, np.int64),
        np.empty(rows, np.int32),
    )
    _beam_kernels.collect_plan(lit, plan.cell, plan.satellite, plan.channel, plan.share, plan.pair, plan.beam)
    return plan


def make_ask(request: BeamRequest, need: Integers) -> Any:
    """Hand a request to the compiled loops, with needs already capped."""
    from overflight.schedule._beam_kernels import Ask

    return Ask(
        request.indptr,
        request.satellite,
        request.value_mbps,
        need,
        request.licensed,
        request.beams,
        request.beams_per_channel,
        request.neighbours,
        request.neighbours.ravel(),
        request.channels,
        request.satellites_per_channel,
        request.cells_per_beam,
    )


def _make_lit(request: BeamRequest, need: Integers) -> Any:
    from overflight.schedule._beam_kernels import Lit

    grants, n = int(need.sum()), request.n_satellites
    width = max(1, int(request.beams.max(initial=0)))
    return Lit(
        first=np.concatenate([np.zeros(1, np.int64), np.cumsum(need, dtype=np.int64)]),
        granted=np.zeros(request.n_cells, np.int32),
        owner=np.repeat(np.arange(request.n_cells, dtype=np.int32), need),
        by=np.empty(grants, np.int32),
        channel=np.empty(grants, np.int8),
        pair=np.empty(grants, np.int64),
        leader=np.empty(grants, np.int32),
        crowd=np.empty(grants, np.int32),
        least=np.full(n, request.cells_per_beam, np.int32),
        emptiest=np.zeros(n, np.int32),
        used=np.zeros(n, np.int32),
        count=np.zeros(n * request.channels, np.int16),
        room=np.zeros(n, np.uint32),
        base=np.zeros(n),
        price=np.zeros(n),
        slope=np.float64(0.0),
        stuck=np.zeros(n, np.bool_),
        looked=np.zeros(n, np.int32),
        width=width,
        lights=np.empty(n * width, np.int32),
    )


def _make_held(request: BeamRequest) -> Any:
    """The whole beams of the slot before, by cell; shared ones are given out anew."""
    from overflight.schedule._beam_kernels import Held

    n, channels = request.n_satellites, request.channels
    first, satellite, channel = np.zeros(request.n_cells + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.int8)
    if request.held is not None:
        whole = request.held.share >= 1.0
        satellite, channel = request.held.satellite[whole], request.held.channel[whole]
        first[1:] = np.cumsum(np.bincount(request.held.cell[whole], minlength=request.n_cells))
    return Held(first, satellite, channel, np.zeros(len(satellite), np.bool_), np.zeros(n, np.int32), np.zeros(n * channels, np.int16))


def _price_satellites(ask: Any, lit: Any, settings: PriorityGreedy) -> float:
    """Fill the base prices (Mbit/s) of satellites by what all cells would ask of them; return the mean value of a pair, Mbit/s."""
    from overflight.schedule._beam_kernels import cool_prices, gather_blocks

    beams = np.minimum(ask.beams, ask.channels * ask.per_channel).astype(np.float32) * np.float32(ask.per_beam)
    factor = np.ones(len(beams), np.float32)
    sample = ask.value[:: max(1, len(ask.value) // 10_000)]
    scale_mbps = float(np.mean(sample[sample > 0.0])) if (sample > 0.0).any() else 1.0
    warmth = (settings.warmth * scale_mbps, scale_mbps)
    # The floor keeps the weight a normal number in single precision.
    refusal = np.float32(max(np.exp(-(settings.refusal + 1.0) / settings.warmth), 1e-35))
    for most, least, rounds in _COARSE:
        blocks = gather_blocks(ask, max(least, -(-len(ask.need) // most)), warmth)
        cool_prices(blocks, beams, factor, refusal, rounds, _HASTE)
    lit.base[:] = -warmth[0] * np.log(np.maximum(factor, 1e-30))
    return scale_mbps


def order_steps(priority: Floats, need: Integers, order: str) -> Integers:
    """Rows of cells, one entry per beam wanted, in the order (one of `ORDERS`) in which beams are given out.

    Equals come in a fixed shuffle: one after the other along the rows they would fill one region and then the next.
    """
    from overflight.schedule._beam_kernels import order_cells

    n = len(priority)
    stride = _find_stride(n)
    if n < _FEW_CELLS:
        shuffled = np.arange(n, dtype=np.int64) * stride % max(n, 1)
        cells = shuffled[np.argsort(-priority[shuffled], kind="stable")].astype(np.int32)
    else:
        cells = np.empty(n, np.int32)
        order_cells(np.ascontiguousarray(priority, dtype=np.float64) + 0.0, stride, cells)
    if order == "cells":
        return np.repeat(cells, need[cells])
    rounds = [cells[need[cells] > number] for number in range(int(need.max(initial=0)))]
    steps = np.concatenate([*rounds, np.empty(0, np.int32)])
    if order == "shares":
        number = np.repeat(np.arange(len(rounds)), [len(some) for some in rounds])
        # Ranks in 16 bits, which NumPy sorts by radix.
        share = np.arange(len(rounds))[:, np.newaxis] / np.arange(1, len(rounds) + 1)
        rank = np.unique(share, return_inverse=True)[1].reshape(share.shape).astype(np.uint16)
        steps = steps[np.argsort(rank[number, need[steps] - 1], kind="stable")]
    return np.asarray(steps, dtype=np.int32)


def _find_stride(n: int) -> int:
    """A step near the golden ratio of a number that has no factor in common with it: steps of it visit every row, far from one another."""
    stride = max(1, round(n * 0.6180339887498949))
    while gcd(stride, n) > 1:
        stride += 1
    return stride


def most_beams(request: BeamRequest) -> Integers:
    """Most beams that a cell can have by its licence, shape (cells,)."""
    mask = np.uint32((1 << request.channels) - 1)
    channels = np.bitwise_count(request.licensed & mask).astype(np.int32)
    return np.asarray(channels * np.int32(request.satellites_per_channel), dtype=np.int32)


def _sort_rows(request: BeamRequest) -> tuple[BeamRequest, Rows | None, Rows | None]:
    """The same request with cells and satellites in the order of their keys; and for each new row the old one."""
    cells = _find_order(request.cell_key)
    satellites = _find_order(request.satellite_key)
    if cells is None and satellites is None:
        return request, None, None
    cells = np.arange(request.n_cells) if cells is None else cells
    satellites = np.arange(request.n_satellites) if satellites is None else satellites
    new_cell, new_satellite = _invert(cells), _invert(satellites)
    pairs = _sorted_pairs(request, cells, new_satellite)
    held = request.held
    if held is not None:
        held = make_plan(new_cell[held.cell], new_satellite[held.satellite], held.channel, held.pair, share=held.share, beam=held.beam)
    return (
        replace(
            request,
            indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(np.diff(request.indptr)[cells])]),
            satellite=new_satellite[request.satellite[pairs]].astype(np.int32),
            value_mbps=request.value_mbps[pairs],
            need=request.need[cells],
            priority=request.priority[cells],
            licensed=request.licensed[cells],
            beams=request.beams[satellites],
            beams_per_channel=request.beams_per_channel[satellites],
            neighbours=np.sort(np.where(request.neighbours < 0, -1, new_cell[request.neighbours]).astype(np.int32)[cells], axis=1),
            held=held,
            cell_key=None,
            satellite_key=None,
        ),
        cells,
        satellites,
    )


def _sorted_pairs(request: BeamRequest, cells: Rows, new_satellite: Rows) -> Rows:
    """For each pair of the sorted request the row of the same pair as given."""
    counts = np.diff(request.indptr)
    cell = np.repeat(_invert(cells), counts)
    return np.lexsort((new_satellite[request.satellite], cell))


def _restore_rows(request: BeamRequest, plan: BeamPlan, cells: Rows | None, satellites: Rows | None) -> BeamPlan:
    assert cells is not None
    assert satellites is not None
    pairs = _sorted_pairs(request, cells, _invert(satellites))
    return make_plan(cells[plan.cell], satellites[plan.satellite], plan.channel, pairs[plan.pair], share=plan.share, beam=plan.beam)


def _find_order(key: npt.NDArray[np.integer[Any]] | None) -> Rows | None:
    """Order of rows by their key; None where they are in order."""
    if key is None or bool((key[1:] > key[:-1]).all()):
        return None
    return np.argsort(key, kind="stable")


def _invert(order: Rows) -> Rows:
    inverse = np.empty(len(order), np.int64)
    inverse[order] = np.arange(len(order))
    return inverse


def make_plan(
    cell: npt.ArrayLike,
    satellite: npt.ArrayLike,
    channel: npt.ArrayLike,
    pair: npt.ArrayLike,
    *,
    share: npt.ArrayLike | None = None,
    beam: npt.ArrayLike | None = None,
) -> BeamPlan:
    """Put the beams of one slot in order: a plan from columns in any order.

    Parameters
    ----------
    cell, satellite, channel, pair
        Columns of the plan, shape (rows,).
    share, beam
        Share of the time, and number of the beam; None: no beam is shared.
    """
    order = np.lexsort((np.asarray(satellite), np.asarray(channel), np.asarray(cell)))
    whole = np.ones(len(order)) if share is None else np.asarray(share, dtype=np.float64)[order]
    number = np.arange(len(order)) if beam is None else _number_by_appearance(np.asarray(beam)[order])
    return BeamPlan(
        np.asarray(cell, dtype=np.int32)[order],
        np.asarray(satellite, dtype=np.int32)[order],
        np.asarray(channel, dtype=np.int8)[order],
        whole,
        np.asarray(pair, dtype=np.int64)[order],
        number.astype(np.int32),
    )


def _number_by_appearance(beam: npt.NDArray[np.integer[Any]]) -> Rows:
    """Number beams from 0 in the order in which they first appear."""
    _, first, inverse = np.unique(beam, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse])


def _find_later(module: str, name: str) -> Allocator:
    """An allocator whose module is imported when it is first called."""

    def allocate(request: BeamRequest) -> BeamPlan:
        plan: BeamPlan = getattr(import_module(module), name)(request)
        return plan

    return allocate


ALLOCATORS: dict[str, Allocator] = {
    "priority-greedy": PriorityGreedy(),
    "exact": _find_later("overflight.schedule.beam_bounds", "allocate_exactly"),
    "cosmosim-coordinated": _find_later("overflight.schedule.cosmosim", "allocate_coordinated"),
    "cosmosim-uncoordinated": _find_later("overflight.schedule.cosmosim", "allocate_uncoordinated"),
}
"""Built-in allocators by name."""


def find_allocator(name: str, *, handover_gain: float | None = None, order: str | None = None) -> Allocator:
    """Look a built-in allocator up.

    Parameters
    ----------
    name
        One of `ALLOCATORS`.
    handover_gain, order
        For ``priority-greedy``: see `PriorityGreedy`; None takes its default.

    Raises
    ------
    ScenarioError
        If there is none of that name, or no such order; the message lists those there are.
    """
    if name not in ALLOCATORS:
        msg = f"beam allocation '{name}': unknown; take one of {', '.join(ALLOCATORS)}"
        raise ScenarioError(msg)
    if name != "priority-greedy":
        return ALLOCATORS[name]
    usual = PriorityGreedy()
    return PriorityGreedy(
        handover_gain=usual.handover_gain if handover_gain is None else handover_gain, order=usual.order if order is None else order
    )


@dataclass(frozen=True, slots=True)
class BeamCounts:
    """What a plan gives, against what was wanted.

    Attributes
    ----------
    wanted, given
        Beams wanted by all cells (as far as their licence goes) and given to them; a share of a beam counts as one.
    cells_wanting, cells_lit
        Cells that want a beam, and cells that have at least one.
    lit_beams
        Beams lit; fewer than ``given`` where they are shared.
    weighted_need
        Priority times beams given, summed over cells.
    weighted_first
        Priority of cells with at least one beam, summed.
    rate_mbps
        What the beams carry, summed.
    load
        Part of each satellite's beams that is lit, shape (satellites,); 0 for a satellite without beams.
    """

    wanted: int
    given: int
    cells_wanting: int
    cells_lit: int
    lit_beams: int
    weighted_need: float
    weighted_first: float
    rate_mbps: float
    load: Floats


def count_beams(request: BeamRequest, plan: BeamPlan) -> BeamCounts:
    """Count what a plan gives."""
    need = np.minimum(request.need, most_beams(request))
    given = np.bincount(plan.cell, minlength=request.n_cells)
    lit = np.unique(plan.beam, return_index=True)[1]
    lights = np.bincount(plan.satellite[lit], minlength=request.n_satellites)
    return BeamCounts(
        wanted=int(need.sum()),
        given=len(plan),
        cells_wanting=int((need > 0).sum()),
        cells_lit=int((given > 0).sum()),
        lit_beams=len(lit),
        weighted_need=float(request.priority @ given),
        weighted_first=float(request.priority @ (given > 0)),
        rate_mbps=float(request.value_mbps[plan.pair].astype(np.float64) @ plan.share),
        load=lights / np.maximum(request.beams, 1),
    )


def share_kept(before: BeamPlan, after: BeamPlan) -> float:
    """Part of the (cell, satellite, channel) of one slot that the next slot keeps, 0 … 1; NaN where there was none."""
    if not len(before):
        return float("nan")
    kept = np.isin(_name_lights(before), _name_lights(after))
    return float(kept.mean())


def _name_lights(plan: BeamPlan) -> Rows:
    return (plan.cell.astype(np.int64) << 32) | (plan.satellite.astype(np.int64) << 8) | plan.channel


def validate_plan(request: BeamRequest, plan: BeamPlan) -> None:
    """Check that a plan keeps every rule of `overflight.schedule.beams`.

    Raises
    ------
    ScenarioError
        Where it does not: one line that names cell, satellite and channel of the first row that breaks a rule.
    """
    n = len(plan.cell)
    for name in BeamPlan.__dataclass_fields__:
        column = getattr(plan, name)
        if np.shape(column) != (n,):
            msg = f"beam plan: {name} has shape {np.shape(column)}, cell {np.shape(plan.cell)}: return columns of one length"
            raise ScenarioError(msg)
    _check_rows(request, plan)
    _check_counts(request, plan)
    _check_separation(request, plan)


def _refuse(request: BeamRequest, plan: BeamPlan, wrong: npt.NDArray[np.bool_], reason: str) -> None:
    """Raise an error that names the first wrong row, if there is one."""
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    c, s = int(plan.cell[row]), int(plan.satellite[row])
    cell = f"cell {c}" if request.cell_key is None or not 0 <= c < request.n_cells else f"cell {int(request.cell_key[c]):x}"
    satellite = f"satellite {s}"
    if request.satellite_key is not None and 0 <= s < request.n_satellites:
        satellite = f"satellite {int(request.satellite_key[s])}"
    msg = f"beam plan: {cell}, {satellite}, channel {int(plan.channel[row])}: {reason}"
    raise ScenarioError(msg)


def _check_rows(request: BeamRequest, plan: BeamPlan) -> None:
    """What each row must keep by itself."""
    cell, satellite, channel, pair = (getattr(plan, name).astype(np.int64) for name in ("cell", "satellite", "channel", "pair"))
    _refuse(request, plan, (cell < 0) | (cell >= request.n_cells), "there is no such cell")
    _refuse(request, plan, (satellite < 0) | (satellite >= request.n_satellites), "there is no such satellite")
    _refuse(request, plan, (channel < 0) | (channel >= request.channels), f"there is no such channel (0 to {request.channels - 1})")
    key = (cell * request.channels + channel) * request.n_satellites + satellite
    _refuse(request, plan, np.append(False, key[1:] < key[:-1]), "rows are not sorted by cell, channel, satellite (`make_plan` sorts them)")
    _refuse(request, plan, np.append(False, key[1:] == key[:-1]), "the cell is lit twice on the channel by the satellite")
    wrong = (pair < request.indptr[cell]) | (pair >= request.indptr[cell + 1])
    _refuse(request, plan, wrong, "pair is not one of the cell's")
    _refuse(request, plan, request.satellite[pair] != satellite, "pair is of another satellite")
    licensed = request.licensed[cell] >> channel.astype(np.uint32) & np.uint32(1)
    _refuse(request, plan, licensed == 0, "the channel is not licensed in the cell")
    _refuse(request, plan, ~((plan.share > 0.0) & (plan.share <= 1.0)), "share is not above 0 and at most 1")


def _check_counts(request: BeamRequest, plan: BeamPlan) -> None:
    """What cells, satellites, channels and beams must keep."""
    cell, satellite, channel = plan.cell.astype(np.int64), plan.satellite.astype(np.int64), plan.channel.astype(np.int64)
    _refuse(request, plan, _excess(cell, request.need), "the cell has more beams than it needs")
    on_channel = _excess(cell * request.channels + channel, np.full(request.n_cells * request.channels, request.satellites_per_channel))
    _refuse(request, plan, on_channel, f"more than {request.satellites_per_channel} satellites light the cell on the channel")
    _, first, beam = np.unique(plan.beam, return_index=True, return_inverse=True)
    one = (satellite == satellite[first][beam]) & (channel == channel[first][beam])
    _refuse(
        request,
        plan,
        ~one,
        f"shares beam number with satellite {_name_of(satellite, first, beam, one)}: a beam is of one satellite and channel",
    )
    _refuse(
        request,
        plan,
        _excess(beam, np.full(len(first), request.cells_per_beam)),
        f"the beam lights more than {request.cells_per_beam} cells",
    )
    time = np.bincount(beam, weights=plan.share, minlength=len(first))
    _refuse(request, plan, (time > 1.0 + 1e-9)[beam], "the shares of the beam sum to more than 1")
    opens = np.zeros(len(plan), np.bool_)
    opens[first] = True
    lights = np.flatnonzero(opens)
    for groups, limit, reason in (
        (satellite, request.beams, "the satellite lights more beams than it has"),
        (
            satellite * request.channels + channel,
            np.repeat(request.beams_per_channel, request.channels),
            "the satellite lights more beams on the channel than it may",
        ),
    ):
        wrong = np.zeros(len(plan), np.bool_)
        wrong[lights] = _excess(groups[lights], limit)
        _refuse(request, plan, wrong, reason)


def _name_of(satellite: Rows, first: Rows, beam: Rows, one: npt.NDArray[np.bool_]) -> int:
    return 0 if one.all() else int(satellite[first][beam][np.argmin(one)])


def _excess(group: Rows, limit: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.bool_]:
    """Rows beyond the limit of their group, in the order of rows."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    start = np.append(True, ordered[1:] != ordered[:-1]) if len(group) else np.empty(0, np.bool_)
    place = np.arange(len(group)) - np.maximum.accumulate(np.where(start, np.arange(len(group)), 0))
    over = np.empty(len(group), np.bool_)
    over[order] = place >= limit[ordered]
    return over


def _check_separation(request: BeamRequest, plan: BeamPlan) -> None:
    """No two adjacent cells on one channel of one satellite, unless they share a beam."""
    if not len(plan):
        return
    spot = plan.satellite.astype(np.int64) * request.channels + plan.channel
    key = spot * request.n_cells + plan.cell
    order = np.argsort(key)
    ordered = key[order]
    for side in range(request.neighbours.shape[1]):
        other = request.neighbours[plan.cell, side].astype(np.int64)
        place = np.minimum(np.searchsorted(ordered, spot * request.n_cells + other), len(ordered) - 1)
        meets = (other >= 0) & (ordered[place] == spot * request.n_cells + other) & (plan.beam[order[place]] != plan.beam)
        _refuse(request, plan, meets, "an adjacent cell is lit on the same channel by another beam of the satellite")
