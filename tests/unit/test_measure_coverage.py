"""Coverage: STK's worked example, weights, refusals."""

import numpy as np
import pytest

from overflight.errors import InputError
from overflight.measure.coverage import CoverageAccumulator, measure_coverage


def test_time_average_gap_of_stk():
    """STK Help, Time Average Gap: gaps of 5, 10 and 15 units in 100 give 3.5; the mean response time is half of it."""
    in_view = np.ones((100, 1), dtype=np.int32)
    for start, length in ((10, 5), (30, 10), (60, 15)):
        in_view[start : start + length] = 0
    coverage = measure_coverage(in_view, step_s=1.0)
    assert coverage.time_average_gap_s[0] == pytest.approx(3.5)
    assert coverage.response_time_mean_s[0] == pytest.approx(1.75)
    assert coverage.revisit_time_mean_s[0] == pytest.approx(10.0)
    assert coverage.revisit_time_max_s[0] == 15.0
    assert coverage.covered_fraction[0] == 0.7
    assert coverage.duration_s == 100.0


def test_no_access_at_all_is_one_gap_of_the_whole_interval():
    coverage = measure_coverage(np.zeros((20, 2), dtype=int), step_s=15.0)
    assert coverage.revisit_time_mean_s.tolist() == [300.0, 300.0]
    assert coverage.clipped_gap_count.tolist() == [1, 1]


def test_means_by_weight():
    coverage = measure_coverage(np.array([[1, 0], [1, 0]]), step_s=1.0)
    assert coverage.weighted_mean(coverage.covered_fraction) == 0.5
    assert coverage.weighted_mean(coverage.covered_fraction, [3.0, 1.0]) == 0.75
    assert np.isnan(coverage.weighted_mean(coverage.covered_fraction, [0.0, 0.0]))
    with pytest.raises(InputError, match="weights"):
        coverage.weighted_mean(coverage.covered_fraction, [1.0, -1.0])
    with pytest.raises(InputError, match="weights"):
        coverage.weighted_mean(coverage.covered_fraction, [1.0])


def test_access_durations():
    accumulator = CoverageAccumulator(2, step_s=10.0, n_satellites=2)
    accumulator.add_visible(np.array([[0, 2, 2], [2, 3, 3]]), np.array([0, 1, 1], dtype=np.int32))
    coverage = accumulator.finish()
    assert coverage.access_count.tolist() == [2, 0]
    assert coverage.access_duration_mean_s[0] == 15.0
    assert np.isnan(coverage.access_duration_mean_s[1])
    assert measure_coverage(np.ones((1, 1), dtype=int), step_s=1.0).access_duration_mean_s is None


def test_refusals():
    accumulator = CoverageAccumulator(2, step_s=15.0, n_satellites=1)
    with pytest.raises(InputError, match="no samples"):
        accumulator.finish()
    with pytest.raises(InputError, match="n_satellites"):
        accumulator.add_visible(np.array([[0, 1, 1]]), np.array([4], dtype=np.int32))
    with pytest.raises(InputError, match="indptr"):
        accumulator.add_visible(np.array([[0, 1]]), np.array([0], dtype=np.int32))
    accumulator.add_visible(np.array([[0, 1, 1]]), np.array([0], dtype=np.int32))
    with pytest.raises(InputError, match="not both"):
        accumulator.add_counts(np.zeros((1, 2), dtype=int))
    for bad, words in (
        (np.zeros((1, 2)), "integers"),
        (np.zeros((1, 3), dtype=int), "integers"),
        (-np.ones((1, 2), dtype=int), "not a count"),
    ):
        with pytest.raises(InputError, match=words):
            CoverageAccumulator(2, step_s=15.0).add_counts(bad)
    with pytest.raises(InputError, match="above 0"):
        CoverageAccumulator(2, step_s=0.0)
