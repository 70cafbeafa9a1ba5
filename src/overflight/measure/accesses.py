"""Accesses that begin: as a series over time, whose sum over any span is the number of accesses in it (STK: *Number of Accesses*)."""

import numpy as np
import numpy.typing as npt


def count_accesses_started(indptr: npt.NDArray[np.int64], satellite: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Count, for each sample and cell, the satellites in view that were not in view one sample before.

    Parameters
    ----------
    indptr
        Bounds of each cell's list in ``satellite``, int64, shape (nt, n_cells + 1).
    satellite
        Satellites in view, ascending for each sample and cell, int32, shape (pairs,).

    Returns
    -------
    ndarray
        int64, shape (nt, n_cells). In the first sample every satellite in view counts: STK, too, counts an access in progress.
    """
    from overflight.measure import _kernels

    started = np.zeros((indptr.shape[0], indptr.shape[1] - 1), dtype=np.int64)
    _kernels.start_accesses(np.ascontiguousarray(indptr), satellite, started)
    return started
