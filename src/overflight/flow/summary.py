"""What fair rates mean for people: rates per terminal, shares that reach a threshold, and what holds them back."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError
from overflight.flow.paths import ResourceKind, Resources, add_by_row

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Kinds = npt.NDArray[np.int8]

THRESHOLDS_MBPS = ((25.0, 3.0), (100.0, 20.0))
"""Down and up: what the FCC called broadband from 2015 and from 2024 on."""

DEMAND_MET = -1
"""In arrays of kinds: nothing holds the terminals back."""


class RateSummary(NamedTuple):
    """Rates per terminal, weighted by terminals; those without service count with 0.

    Attributes
    ----------
    terminals
        How many, those without service included.
    served_share
        Share of them with a rate above 0.
    total_mbps
        All together: the capacity in use.
    mean_mbps, median_mbps
        Mean and median.
    worst_tenth_mbps, best_tenth_mbps
        A tenth of the terminals has at most, a tenth at least this.
    least_mbps, most_mbps
        The extremes.
    """

    terminals: float
    served_share: float
    total_mbps: float
    mean_mbps: float
    median_mbps: float
    worst_tenth_mbps: float
    best_tenth_mbps: float
    least_mbps: float
    most_mbps: float


class CellBound(IntEnum):
    """What holds a cell back."""

    NOTHING = 0
    """Its terminals have what they ask for."""
    SPECTRUM = 1
    """Its beams are full and it has all licensed channels."""
    BEAMS = 2
    """Its beams are full, or it has none, and no satellite had a beam or a channel left for it."""
    CHANNEL = 3
    """Its beams are full though it had as many as it asked for."""
    SATELLITE = 4
    """What a satellite that serves it carries in all."""
    LASER = 5
    """A laser."""
    FEEDER = 6
    """A feeder link, or what a satellite can land over all of its."""
    GATEWAY = 7
    """A gateway."""
    POP = 8
    """A PoP."""
    NO_WAY = 9
    """No way leads from its satellite to its PoP."""
    UNSEEN = 10
    """No satellite may serve it."""


_BOUND_OF_KIND = {
    ResourceKind.SATELLITE: CellBound.SATELLITE,
    ResourceKind.LASER: CellBound.LASER,
    ResourceKind.LANDING: CellBound.FEEDER,
    ResourceKind.FEEDER: CellBound.FEEDER,
    ResourceKind.GATEWAY: CellBound.GATEWAY,
    ResourceKind.POP: CellBound.POP,
    ResourceKind.NO_WAY: CellBound.NO_WAY,
}


def weighted_quantile(value: npt.ArrayLike, weight: npt.ArrayLike, at: npt.ArrayLike) -> Floats:
    """Least value that at least a share `at` of the weight does not exceed; NaN where there is no weight.

    Parameters
    ----------
    value, weight
        Shape (n,); weights of at least 0.
    at
        Shares from 0 to 1, shape (m,).
    """
    values, weights = np.asarray(value, np.float64), np.asarray(weight, np.float64)
    asked = np.atleast_1d(np.asarray(at, np.float64))
    some = weights > 0.0
    values, weights = values[some], weights[some]
    if not len(values):
        return np.full(len(asked), np.nan)
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    place = np.searchsorted(total, asked * total[-1] * (1.0 - 1e-12), side="left")
    found: Floats = values[order][np.minimum(place, len(values) - 1)]
    return found


def rate_per_terminal(rate: Floats, terminals: npt.ArrayLike) -> Floats:
    """Rate of each terminal of each flow, Mbit/s; 0 where a flow has none."""
    count = np.asarray(terminals, np.float64)
    return np.divide(rate, count, out=np.zeros(len(rate)), where=count > 0.0)


def summarise_rates(rate_mbps: npt.ArrayLike, terminals: npt.ArrayLike, *, unserved: float = 0.0) -> RateSummary:
    """Summarise rates per terminal.

    Parameters
    ----------
    rate_mbps
        Rate of each terminal of a flow (or a cell), shape (n,).
    terminals
        How many have it, shape (n,).
    unserved
        Terminals without a beam besides; they count with 0.

    Raises
    ------
    InputError
        If shapes do not fit, or a number is negative.
    """
    rates, counts = _check_pair(rate_mbps, terminals, unserved)
    total = float(counts.sum())
    if not total:
        nothing = float("nan")
        return RateSummary(0.0, nothing, 0.0, nothing, nothing, nothing, nothing, nothing, nothing)
    carried = float((rates * counts).sum())
    worst, median, least, most = weighted_quantile(rates, counts, [0.1, 0.5, 0.0, 1.0])
    best = -weighted_quantile(-rates, counts, [0.1])[0]
    served = float(counts[rates > 0.0].sum()) / total
    return RateSummary(total, served, carried, carried / total, float(median), float(worst), float(best), float(least), float(most))


def share_reaching(
    down_mbps: npt.ArrayLike,
    up_mbps: npt.ArrayLike,
    terminals: npt.ArrayLike,
    *,
    thresholds_mbps: Sequence[tuple[float, float]] = THRESHOLDS_MBPS,
    unserved: float = 0.0,
) -> Floats:
    """Share of the terminals whose rates reach both parts of each threshold, to a relative 1e-9; shape (thresholds,).

    Parameters
    ----------
    down_mbps, up_mbps
        Rates of each terminal of a flow, shape (n,).
    terminals
        How many have them, shape (n,).
    thresholds_mbps
        Pairs of down and up.
    unserved
        Terminals without a beam besides.

    Raises
    ------
    InputError
        If shapes do not fit, or a number is negative.
    """
    down, counts = _check_pair(down_mbps, terminals, unserved)
    up, _ = _check_pair(up_mbps, terminals, unserved)
    total = counts.sum()
    if not total:
        return np.full(len(thresholds_mbps), np.nan)
    slack = 1.0 - 1e-9
    return np.array([counts[(down >= d * slack) & (up >= u * slack)].sum() / total for d, u in thresholds_mbps])


def share_by_bottleneck(resources: Resources, bottleneck: Indices, terminals: npt.ArrayLike) -> Mapping[str, float]:
    """Share of the terminals by what holds them back: names of `ResourceKind` in small letters, and ``"demand"`` for nothing.

    Parameters
    ----------
    resources
        What flows cross.
    bottleneck
        Bottleneck of each flow, shape (flows,).
    terminals
        Terminals of each flow, shape (flows,).
    """
    counts = np.asarray(terminals, np.float64)
    kinds = resources.kind_of(bottleneck).astype(np.int64) + 1
    sums = add_by_row(kinds.astype(np.int32), counts, len(ResourceKind) + 1)
    total = float(sums.sum())
    names = ["demand", *(kind.name.lower() for kind in ResourceKind)]
    return {name: float(part) / total if total else 0.0 for name, part in zip(names, sums.tolist(), strict=True)}


def classify_cells(
    flow_cell: Indices,
    bottleneck_kind: Kinds,
    terminals: npt.ArrayLike,
    *,
    wanted: npt.ArrayLike,
    got: npt.ArrayLike,
    licensed: npt.ArrayLike,
    seen: npt.ArrayLike,
) -> Kinds:
    """Say for each cell what holds most of its terminals back, as a `CellBound`.

    A full beam is only half an answer: the cell may have all the channels that are licensed (spectrum binds), or it may have asked for
    more than the satellites in view had beams or channels for (beams bind).

    Parameters
    ----------
    flow_cell
        Cell of each flow, int32, shape (flows,).
    bottleneck_kind
        Kind of resource that holds each flow back (`Resources.kind_of`), -1 for none, shape (flows,).
    terminals
        Terminals of each flow, shape (flows,).
    wanted, got, licensed
        Channels that each cell wanted, was given and may use, shape (cells,).
    seen
        Whether a satellite may serve the cell, bool, shape (cells,).

    Returns
    -------
    Kinds
        int8, shape (cells,). Of several reasons the one with the most terminals counts, of equals the first of `CellBound`; what binds is
        named before nothing does. A cell that wants no channel: `NOTHING`.
    """
    want, have, may, visible = (np.asarray(values) for values in (wanted, got, licensed, seen))
    cells, counts = len(want), np.asarray(terminals, np.float64)
    full = np.where(have >= may, CellBound.SPECTRUM, np.where(have < want, CellBound.BEAMS, CellBound.CHANNEL)).astype(np.int8)
    bound = np.full(len(flow_cell), CellBound.NOTHING, np.int8)
    for kind, reason in _BOUND_OF_KIND.items():
        bound[bottleneck_kind == kind] = reason
    in_beam = bottleneck_kind == ResourceKind.BEAM
    bound[in_beam] = full[flow_cell[in_beam]]
    size = len(CellBound)
    number = (flow_cell.astype(np.int32) * size + bound).astype(np.int32)
    table = add_by_row(number, counts, cells * size).reshape(cells, size)
    table[:, CellBound.NOTHING] = 0.0
    answer: Kinds = np.argmax(table, axis=1).astype(np.int8)
    bare = (have == 0) & (want > 0)
    answer[bare] = np.where(visible[bare], np.where(may[bare] == 0, CellBound.SPECTRUM, CellBound.BEAMS), CellBound.UNSEEN)
    return answer


def _check_pair(rate_mbps: npt.ArrayLike, terminals: npt.ArrayLike, unserved: float) -> tuple[Floats, Floats]:
    """Rates and counts as arrays, with a last row for those without a beam."""
    rates, counts = np.asarray(rate_mbps, np.float64), np.asarray(terminals, np.float64)
    if rates.shape != counts.shape or rates.ndim != 1 or not (counts >= 0.0).all() or not (rates >= 0.0).all() or not unserved >= 0.0:
        msg = f"rates: shapes {rates.shape} and {counts.shape} or negative values; give one rate and one number of terminals per row"
        raise InputError(msg)
    return np.append(rates, 0.0), np.append(counts, unserved)
