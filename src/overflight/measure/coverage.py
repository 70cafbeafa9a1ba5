"""Figures of merit of coverage, in STK's words, from which satellites every cell has in view at equally spaced samples.

Each sample stands for one step of time. All sums are of integers, so that a run added block by block, in blocks of any length, gives
exactly the figures of the run added at once; memory depends on cells and satellites, not on duration. Definitions: docs/models/coverage.md.

References
----------
Ansys STK, *Coverage, Figures of Merit*: https://help.agi.com/stk/Content/cov/fom-01.htm (revisit time fom-05, time average gap fom-10,
response time fom-11).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of a set of cells over an interval. Arrays have one entry for each cell, unless said otherwise.

    Attributes
    ----------
    step_s, samples
        Length of a sample, and how many there were: the interval is their product.
    min_assets, required_in_view
        Satellites in view from which on a cell is covered, and is satisfied.
    in_view_mean, in_view_min, in_view_max
        Satellites in view over time.
    covered_fraction, satisfied_fraction
        Share of the interval with at least ``min_assets``, with at least ``required_in_view``.
    gap_count, longest_gap_s, mean_gap_s
        Maximal runs of samples that are not covered. Gaps at the ends of the interval count, with the part inside it. No gap: 0.
    clipped_gap_count
        How many of the gaps touch an end of the interval (0 to 2).
    time_average_gap_s, response_time_mean_s
        Sum of squared gaps over the interval, and half of it: the mean wait for coverage from a random instant.
    access_count
        Accesses of single satellites; one in progress at the start counts. None where only counts were added.
    satellite_access_count
        For each satellite, its accesses to all cells. None where only counts were added.
    in_view_histogram
        ``in_view_histogram[m]``: samples of all cells and times with ``m`` satellites in view.
    """

    step_s: float
    samples: int
    min_assets: int
    required_in_view: int
    in_view_mean: Floats
    in_view_min: Ints
    in_view_max: Ints
    covered_fraction: Floats
    satisfied_fraction: Floats
    gap_count: Ints
    clipped_gap_count: Ints
    longest_gap_s: Floats
    mean_gap_s: Floats
    time_average_gap_s: Floats
    response_time_mean_s: Floats
    access_count: Ints | None
    satellite_access_count: Ints | None
    in_view_histogram: Ints

    @property
    def duration_s(self) -> float:
        """Length of the interval."""
        return self.samples * self.step_s

    @property
    def revisit_time_mean_s(self) -> Floats:
        """STK's average revisit time: the mean gap of each cell."""
        return self.mean_gap_s

    @property
    def revisit_time_max_s(self) -> Floats:
        """STK's maximum revisit time: the longest gap of each cell."""
        return self.longest_gap_s

    @property
    def access_duration_mean_s(self) -> Floats | None:
        """Mean length of an access to each cell, cut off at the ends of the interval; NaN where there was none."""
        if self.access_count is None:
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.in_view_mean * self.duration_s / self.access_count)

    def in_view_percentiles(self, percentiles: Sequence[float]) -> Ints:
        """Satellites in view that the given shares (percent) of all samples, of all cells, do not exceed: the least such number."""
        cumulated = np.cumsum(self.in_view_histogram)
        if cumulated[-1] == 0:
            msg = "percentiles of satellites in view: nothing was added yet"
            raise InputError(msg)
        ranks = np.ceil(np.asarray(percentiles, dtype=np.float64) / 100.0 * cumulated[-1]).clip(1, cumulated[-1])
        return np.asarray(np.searchsorted(cumulated, ranks), dtype=np.int64)

    def weighted_mean(self, figure: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
        """Mean of a figure over cells, by area, population or any other weight; NaN where all weights are 0.

        ``coverage.weighted_mean(coverage.covered_fraction, population)`` is the share of people and time that is covered.
        """
        values = np.asarray(figure, dtype=np.float64)
        shares = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
        if shares.shape != values.shape or not (np.all(np.isfinite(shares)) and np.all(shares >= 0.0)):
            msg = f"weights: give one finite weight of 0 or more for each of the {values.size} cells"
            raise InputError(msg)
        total = float(shares.sum())
        return float((values * shares).sum() / total) if total > 0.0 else float("nan")


class CoverageAccumulator:
    """Adds up coverage, block by block in the order of time.

    Parameters
    ----------
    n_cells
        Cells.
    step_s
        Time from sample to sample.
    min_assets
        Satellites in view from which on a cell counts as covered (STK: *Min # Assets*).
    required_in_view
        Satellites in view from which on a cell counts as satisfied.
    n_satellites
        Satellites, for counts of accesses by `add_visible`.

    Raises
    ------
    InputError
        If a parameter makes no sense.
    """

    def __init__(self, n_cells: int, *, step_s: float, min_assets: int = 1, required_in_view: int = 1, n_satellites: int = 0) -> None:
        if n_cells < 1 or not (np.isfinite(step_s) and step_s > 0.0) or min_assets < 1 or required_in_view < 1:
            msg = f"coverage of {n_cells} cells, step {step_s} s, {min_assets} and {required_in_view} in view: all must be above 0"
            raise InputError(msg)
        self._n_cells, self._step_s = n_cells, float(step_s)
        self._min_assets, self._required = min_assets, required_in_view
        self._samples = 0
        self._total, self._covered, self._satisfied, self._highest, self._running, self._gaps = np.zeros((6, n_cells), dtype=np.int64)
        self._gap_samples, self._gap_squares, self._longest, self._access_count = np.zeros((4, n_cells), dtype=np.int64)
        self._lowest = np.full(n_cells, np.iinfo(np.int64).max)
        self._open_at_start = np.zeros(n_cells, dtype=np.bool_)
        self._histogram = np.zeros(1, dtype=np.int64)
        self._satellite_access_count = np.zeros(n_satellites, dtype=np.int64)
        self._before = np.zeros(n_cells + 1, dtype=np.int64), np.empty(0, dtype=np.int32)
        self._with_accesses: bool | None = None

    def add_counts(self, in_view: npt.ArrayLike) -> None:
        """Add the next samples: satellites in view, integers of shape (nt, n_cells)."""
        self._expect(with_accesses=False)
        self._add(np.asarray(in_view))

    def add_visible(self, indptr: Ints, satellite: npt.NDArray[np.int32]) -> None:
        """Add the next samples as lists: ``indptr`` (nt, n_cells + 1) into ``satellite``, ascending for each sample and cell."""
        self._expect(with_accesses=True)
        offsets = np.ascontiguousarray(indptr, dtype=np.int64)
        if offsets.ndim != 2 or offsets.shape[1] != self._n_cells + 1:
            msg = f"indptr: shape {offsets.shape}; give (samples, {self._n_cells + 1})"
            raise InputError(msg)
        if satellite.size and int(satellite.max()) >= len(self._satellite_access_count):
            msg = f"satellite {int(satellite.max())} of {len(self._satellite_access_count)}: create the accumulator with n_satellites"
            raise InputError(msg)
        if len(offsets) == 0:
            return
        from overflight.measure import _kernels

        self._add(np.diff(offsets, axis=1))
        _kernels.add_accesses(offsets, satellite, *self._before, self._access_count, self._satellite_access_count)
        last = offsets[-1] - offsets[0, 0]
        self._before = last - last[0], satellite[last[0] : last[-1]].copy()

    def finish(self) -> Coverage:
        """Return the figures of all that was added so far; more may be added afterwards.

        Raises
        ------
        InputError
            If nothing was added.
        """
        if self._samples == 0:
            msg = "coverage: no samples were added; the interval is empty"
            raise InputError(msg)
        open_at_end = self._running > 0
        gaps = self._gaps + open_at_end
        gap_samples = self._gap_samples + self._running
        time_average_gap_s = np.asarray((self._gap_squares + self._running**2) * (self._step_s / self._samples), dtype=np.float64)
        # a gap that spans the whole interval touches both of its ends and is one gap
        clipped = self._open_at_start.astype(np.int64) + (open_at_end & ~((gaps == 1) & self._open_at_start))
        return Coverage(
            step_s=self._step_s,
            samples=self._samples,
            min_assets=self._min_assets,
            required_in_view=self._required,
            in_view_mean=self._total / self._samples,
            in_view_min=self._lowest.copy(),
            in_view_max=self._highest.copy(),
            covered_fraction=self._covered / self._samples,
            satisfied_fraction=self._satisfied / self._samples,
            gap_count=gaps,
            clipped_gap_count=clipped,
            longest_gap_s=np.maximum(self._longest, self._running) * self._step_s,
            mean_gap_s=gap_samples * self._step_s / np.maximum(gaps, 1),
            time_average_gap_s=time_average_gap_s,
            response_time_mean_s=0.5 * time_average_gap_s,
            access_count=self._access_count.copy() if self._with_accesses else None,
            satellite_access_count=self._satellite_access_count.copy() if self._with_accesses else None,
            in_view_histogram=self._histogram.copy(),
        )

    def _expect(self, *, with_accesses: bool) -> None:
        if self._with_accesses is None:
            self._with_accesses = with_accesses
        if self._with_accesses != with_accesses:
            msg = "coverage: add counts or lists of satellites, not both; accesses cannot be followed through counts"
            raise InputError(msg)

    def _add(self, in_view: npt.NDArray[np.generic]) -> None:
        if in_view.ndim != 2 or in_view.shape[1] != self._n_cells or in_view.dtype.kind not in "iu":
            msg = f"satellites in view: {in_view.dtype} of shape {in_view.shape}; give integers (samples, {self._n_cells})"
            raise InputError(msg)
        counts = np.ascontiguousarray(in_view, dtype=np.int64)
        if counts.size == 0:
            return
        if int(counts.min()) < 0:
            msg = f"satellites in view: {int(counts.min())} is not a count"
            raise InputError(msg)
        from overflight.measure import _kernels

        if self._samples == 0:
            self._open_at_start = counts[0] < self._min_assets
        self._histogram = np.pad(self._histogram, (0, max(0, int(counts.max()) + 1 - len(self._histogram))))
        _kernels.add_counts(
            counts,
            self._min_assets,
            self._required,
            self._total,
            self._lowest,
            self._highest,
            self._covered,
            self._satisfied,
            self._histogram,
        )
        _kernels.add_gaps(counts, self._min_assets, self._running, self._gaps, self._gap_samples, self._gap_squares, self._longest)
        self._samples += len(counts)


def measure_coverage(in_view: npt.ArrayLike, *, step_s: float, min_assets: int = 1, required_in_view: int = 1) -> Coverage:
    """Figures of merit of satellites in view, shape (nt, n_cells), all at once; see `CoverageAccumulator`."""
    counts = np.asarray(in_view)
    accumulator = CoverageAccumulator(
        counts.shape[1] if counts.ndim == 2 else 0, step_s=step_s, min_assets=min_assets, required_in_view=required_in_view
    )
    accumulator.add_counts(counts)
    return accumulator.finish()
