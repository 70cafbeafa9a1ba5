"""Coverage added block by block equals coverage added at once, and both equal the definitions, read slowly."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from overflight.measure.coverage import CoverageAccumulator, measure_coverage

STEP_S = 15.0
shapes = st.tuples(st.integers(1, 40), st.integers(1, 4))
views = shapes.flatmap(lambda shape: arrays(np.bool_, (*shape, 3)))
cuts = st.lists(st.integers(0, 40), max_size=5)


def as_lists(seen):
    """Visible satellites of a block, (nt, cells, satellites) booleans, as indptr and ids."""
    nt, cells, _ = seen.shape
    indptr = np.zeros((nt, cells + 1), dtype=np.int64)
    indptr[:, 1:] = seen.sum(axis=2)
    np.cumsum(indptr.ravel(), out=indptr.ravel())
    return indptr, np.nonzero(seen)[2].astype(np.int32)


def runs(flags):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return list(zip(edges[0::2], edges[1::2], strict=True))


def fields(coverage):
    return {name: getattr(coverage, name) for name in coverage.__slots__}


@settings(max_examples=150, deadline=None)
@given(views, cuts, st.integers(1, 3), st.integers(1, 3))
def test_blocks_do_not_matter(seen, where, min_assets, required):
    bounds = sorted({0, len(seen), *(cut for cut in where if cut <= len(seen))})
    options = {"step_s": STEP_S, "min_assets": min_assets, "required_in_view": required}
    lists = CoverageAccumulator(seen.shape[1], n_satellites=3, **options)
    counts = CoverageAccumulator(seen.shape[1], **options)
    for a, b in itertools.pairwise(bounds):
        lists.add_visible(*as_lists(seen[a:b]))
        counts.add_counts(seen[a:b].sum(axis=2))
    at_once = CoverageAccumulator(seen.shape[1], n_satellites=3, **options)
    at_once.add_visible(*as_lists(seen))
    for name, value in fields(at_once.finish()).items():
        assert np.array_equal(getattr(lists.finish(), name), value), name
    for name, value in fields(measure_coverage(seen.sum(axis=2), **options)).items():
        assert np.array_equal(getattr(counts.finish(), name), value), name
        if "access" not in name:
            assert np.array_equal(getattr(lists.finish(), name), value), name


@settings(max_examples=150, deadline=None)
@given(views, st.integers(1, 2), st.integers(1, 3))
def test_figures_are_what_they_are_defined_as(seen, min_assets, required):
    accumulator = CoverageAccumulator(seen.shape[1], step_s=STEP_S, n_satellites=3, min_assets=min_assets, required_in_view=required)
    accumulator.add_visible(*as_lists(seen))
    coverage, counts, nt = accumulator.finish(), seen.sum(axis=2), len(seen)
    assert np.array_equal(coverage.in_view_min, counts.min(axis=0))
    assert np.array_equal(coverage.in_view_max, counts.max(axis=0))
    assert coverage.in_view_mean == pytest.approx(counts.mean(axis=0))
    assert coverage.covered_fraction == pytest.approx((counts >= min_assets).mean(axis=0))
    assert coverage.satisfied_fraction == pytest.approx((counts >= required).mean(axis=0))
    per_satellite = np.zeros(3, dtype=int)
    for c in range(seen.shape[1]):
        gaps = runs(counts[:, c] < min_assets)
        lengths = [(b - a) * STEP_S for a, b in gaps]
        assert coverage.gap_count[c] == len(gaps)
        assert coverage.clipped_gap_count[c] == sum(a == 0 or b == nt for a, b in gaps)
        assert coverage.longest_gap_s[c] == max(lengths, default=0.0)
        assert coverage.mean_gap_s[c] == pytest.approx(np.mean(lengths) if lengths else 0.0)
        assert coverage.time_average_gap_s[c] == pytest.approx(sum(x * x for x in lengths) / (nt * STEP_S))
        accesses = [len(runs(seen[:, c, i])) for i in range(3)]
        per_satellite += accesses
        assert coverage.access_count[c] == sum(accesses)
    assert np.array_equal(coverage.satellite_access_count, per_satellite)
    flat = np.sort(counts.ravel())
    for percent in (5, 50, 95, 100):
        assert coverage.in_view_percentiles([percent])[0] == flat[int(np.ceil(percent / 100 * flat.size)) - 1]
