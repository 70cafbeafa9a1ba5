"""Compiled loops of the measure stage, over plain arrays."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def add_counts(counts, min_assets, required, total, lowest, highest, covered, satisfied, histogram):
    """Add a block of satellites in view, (nt, n_cells), to sums over time for each cell and to the histogram of all samples."""
    for k in range(counts.shape[0]):
        for c in range(counts.shape[1]):
            count = counts[k, c]
            total[c] += count
            lowest[c] = min(lowest[c], count)
            highest[c] = max(highest[c], count)
            covered[c] += count >= min_assets
            satisfied[c] += count >= required
            histogram[count] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def add_gaps(counts, min_assets, running, gaps, gap_samples, gap_squares, longest):
    """Follow each cell's gaps, runs of samples with fewer than ``min_assets`` in view; an open one waits in ``running``."""
    for k in range(counts.shape[0]):
        for c in range(counts.shape[1]):
            if counts[k, c] < min_assets:
                running[c] += 1
            elif running[c] > 0:
                gaps[c] += 1
                gap_samples[c] += running[c]
                gap_squares[c] += running[c] * running[c]
                longest[c] = max(longest[c], running[c])
                running[c] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def add_accesses(indptr, satellite, before_indptr, before_satellite, by_cell, by_satellite):
    """Count the pairs of a block that were not visible one sample before; lists ascend, so that they merge."""
    for k in range(indptr.shape[0]):
        for c in range(indptr.shape[1] - 1):
            if k == 0:
                old = before_satellite[before_indptr[c] : before_indptr[c + 1]]
            else:
                old = satellite[indptr[k - 1, c] - indptr[0, 0] : indptr[k - 1, c + 1] - indptr[0, 0]]
            j = 0
            for q in range(indptr[k, c] - indptr[0, 0], indptr[k, c + 1] - indptr[0, 0]):
                i = satellite[q]
                while j < old.size and old[j] < i:
                    j += 1
                if j == old.size or old[j] != i:
                    by_cell[c] += 1
                    by_satellite[i] += np.int64(1)


@njit(cache=True, nogil=True, error_model="numpy")
def start_accesses(indptr, satellite, started):
    """Fill ``started`` (nt, n_cells) with the pairs of each sample that were not visible one sample before; of the first, all."""
    for k in range(indptr.shape[0]):
        for c in range(indptr.shape[1] - 1):
            first, last = indptr[k, c], indptr[k, c + 1]
            started[k, c] = last - first
            if k == 0:
                continue
            old, old_last = indptr[k - 1, c], indptr[k - 1, c + 1]
            for q in range(first, last):
                while old < old_last and satellite[old] < satellite[q]:
                    old += 1
                if old < old_last and satellite[old] == satellite[q]:
                    started[k, c] -= 1
