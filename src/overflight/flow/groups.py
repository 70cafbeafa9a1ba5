"""Groups of terminals: whose terminals stand in which beam. One group per cell, beam and class is one flow."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class FlowGroups:
    """Groups of terminals, one row per cell, beam and class that has any; sorted by beam, then class.

    Attributes
    ----------
    cell, beam, class_row
        Rows of the cell, the beam and the class, int32.
    terminals
        Terminals that are on, int64.
    weight
        Terminals times the weight of their class.
    demand_mbps
        Terminals times what each asks for.
    unserved
        Terminals of cells without a beam, int64, shape (cells, classes).
    """

    cell: Indices
    beam: Indices
    class_row: Indices
    terminals: npt.NDArray[np.int64]
    weight: Floats
    demand_mbps: Floats
    unserved: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.beam)


def group_terminals(
    beam_cell: Indices,
    beam_mbps: Floats,
    terminals: npt.NDArray[np.integer],
    *,
    class_weight: npt.ArrayLike = 1.0,
    class_demand_mbps: npt.ArrayLike = np.inf,
) -> FlowGroups:
    """Share the terminals of each cell out among its beams, whole, in proportion to what the beams carry.

    A terminal is served by one beam at a time. Class after class goes where it lifts the weight per Mbit/s least, so that all beams of a
    cell end up as evenly filled as whole terminals allow, to within one terminal.

    Parameters
    ----------
    beam_cell
        Cell of each beam, int32, ascending, shape (beams,).
    beam_mbps
        What each beam carries, shape (beams,). A beam that carries nothing gets nobody while another of the cell carries something.
    terminals
        Terminals by cell and class, shape (cells, classes) or, for one class, (cells,).
    class_weight
        Weight of a terminal of each class, shape (classes,); above 0.
    class_demand_mbps
        What a terminal of each class asks for, shape (classes,) or (cells, classes); infinite: what it can get.

    Raises
    ------
    InputError
        If a shape or a value cannot be used.
    """
    from overflight.flow._path_kernels import deal_terminals

    counts = np.asarray(terminals)
    counts = counts[:, np.newaxis] if counts.ndim == 1 else counts
    if counts.ndim != 2 or not np.issubdtype(counts.dtype, np.integer) or (counts.size and counts.min() < 0):
        msg = f"terminals: shape {counts.shape} of {counts.dtype}; give whole numbers of at least 0, shape (cells, classes)"
        raise InputError(msg)
    cells, classes = counts.shape
    rows, carried = np.ascontiguousarray(beam_cell, np.int32), np.ascontiguousarray(beam_mbps, np.float64)
    if rows.shape != carried.shape or (np.diff(rows) < 0).any() or (len(rows) and not 0 <= rows[0] <= rows[-1] < cells):
        msg = f"beams: cells are not ascending from 0 to {cells - 1}, or {len(carried)} rates do not fit {len(rows)} beams"
        raise InputError(msg)
    weights = np.broadcast_to(np.asarray(class_weight, np.float64), (classes,)).copy()
    demands = np.broadcast_to(np.asarray(class_demand_mbps, np.float64), (cells, classes))
    if not (weights > 0.0).all() or not np.isfinite(weights).all() or not (demands >= 0.0).all() or not (carried >= 0.0).all():
        msg = "classes: weights must be above 0, demands and rates of beams at least 0"
        raise InputError(msg)
    dealt = np.zeros((len(rows), classes), np.int64)
    scratch = np.zeros(len(rows)), np.empty(len(rows), np.bool_)
    deal_terminals(rows, carried, np.ascontiguousarray(counts, np.int64), weights, *scratch, dealt)
    beam, class_row = (index.astype(np.int32) for index in np.nonzero(dealt))
    cell, here = rows[beam], dealt[beam, class_row]
    unserved = counts.astype(np.int64)
    unserved[np.unique(rows)] = 0
    weight: Floats = np.multiply(here, weights[class_row], dtype=np.float64)
    demand: Floats = np.multiply(here, demands[cell, class_row], dtype=np.float64)
    return FlowGroups(cell, beam, class_row, here, weight, demand, unserved)
