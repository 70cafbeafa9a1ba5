"""CosmoSim's two ways to give beams, as allocators of `overflight.schedule.beams`.

Both know neither the worth of a link nor the slot before: a satellite that may light a cell is as good as any other. What they ask of a
`BeamRequest` is its pairs (those worth nothing are never lit), needs, priorities (CosmoSim: people), licences, beams, reuse and neighbours.

References
----------
CosmoSim, ACM Internet Measurement Conference 2025; rules as its published totals follow from them.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.schedule.beams import BeamPlan, BeamRequest, make_plan

Integers = npt.NDArray[np.int32]

LEVELS = 8
"""Priorities of the uncoordinated way: the most populated cell has this one."""


def allocate_coordinated(request: BeamRequest, *, shell: npt.ArrayLike | None = None, rank: npt.ArrayLike | None = None) -> BeamPlan:
    """Give beams as one who sees all: the cells of greatest need, then priority, first; each from the satellites of the first region.

    For each channel, while the cell still needs one, the first satellite that can light it, by region, then by beams given so far. The
    region is the rank of the satellite's shell for the first 60 % of the shell's satellites that the cell sees, and that plus the number
    of shells for the others.

    Parameters
    ----------
    request
        What is asked for.
    shell
        Shell of each satellite, shape (satellites,); None: all are of one.
    rank
        When each shell's turn is, shape (shells,); None: by number.

    References
    ----------
    CosmoSim (IMC 2025), coordinated.
    """
    from overflight.schedule import _cosmosim_kernels

    of_satellite = np.zeros(request.n_satellites, np.int64) if shell is None else np.ascontiguousarray(shell, dtype=np.int64)
    shells = int(of_satellite.max(initial=0)) + 1
    ranks = np.arange(shells) if rank is None else np.ascontiguousarray(rank, dtype=np.int64)
    region = np.empty(len(request.satellite), np.int32)
    _cosmosim_kernels.mark_regions(request.indptr, request.satellite, of_satellite, ranks, len(ranks), region)
    order = np.lexsort((_standing(request), -request.priority, -request.need.astype(np.int64)))
    serving, pair_of = _blank(request)
    _cosmosim_kernels.give_coordinated(
        order, request.need.astype(np.int64), request.indptr, request.satellite, region, *_limits(request), serving, pair_of
    )
    return _as_plan(serving, pair_of)


def allocate_uncoordinated(request: BeamRequest) -> BeamPlan:
    """Give beams in rounds, one a cell, to the cells of greatest priority, then of fewest satellites in view.

    Priorities are cut into eight levels by the greatest of them, and a cell falls by one level a round; those at the lowest go on. A cell
    takes its lowest channel that a satellite can still give, from the one that has given fewest beams.

    References
    ----------
    CosmoSim (IMC 2025), uncoordinated.
    """
    from overflight.schedule import _cosmosim_kernels

    greatest = float(request.priority.max(initial=0.0))
    step = greatest / LEVELS if greatest > 0.0 else 1.0
    level = np.maximum(np.ceil(request.priority / step), 1.0).astype(np.int64)
    standing = np.argsort(_standing(request), kind="stable")
    order = standing[request.need[standing] > 0]
    serving, pair_of = _blank(request)
    _cosmosim_kernels.give_uncoordinated(
        level, np.diff(request.indptr), order, request.need.astype(np.int64), request.indptr, request.satellite, *_limits(request),
        request.channels, serving, pair_of,
    )  # fmt: skip
    return _as_plan(serving, pair_of)


def _standing(request: BeamRequest) -> npt.NDArray[np.integer[Any]]:
    """What tells cells apart that are alike: their keys, or else their rows."""
    return np.arange(request.n_cells) if request.cell_key is None else request.cell_key


class _Limits(NamedTuple):
    """The part of a request that both ways read alike, in the kernels' order."""

    is_worth: npt.NDArray[np.bool_]
    licensed: npt.NDArray[np.uint32]
    neighbours: Integers
    most: npt.NDArray[np.int64]
    on_channel: npt.NDArray[np.int64]


def _limits(request: BeamRequest) -> _Limits:
    return _Limits(
        request.value_mbps > 0.0,
        request.licensed,
        request.neighbours,
        request.beams.astype(np.int64),
        request.beams_per_channel.astype(np.int64),
    )


def _blank(request: BeamRequest) -> tuple[Integers, npt.NDArray[np.int64]]:
    shape = (request.n_cells, request.channels)
    return np.full(shape, -1, np.int32), np.full(shape, -1, np.int64)


def _as_plan(serving: Integers, pair_of: npt.NDArray[np.int64]) -> BeamPlan:
    cell, channel = np.nonzero(serving >= 0)
    return make_plan(cell, serving[cell, channel], channel, pair_of[cell, channel])
