from itertools import pairwise

import numpy as np
import pytest

from overflight.catalog.tables import read_table
from overflight.errors import InputError
from overflight.measure.latency import BIN_MS, AccessTerm, LatencyAccumulator, access_fit, latency_distribution

ACCESS = AccessTerm(floor_ms=8.0, median_ms=16.0, spread=0.5)
TOLERANCE_MS = 0.03


def make_parts(slots, cells, seed=0):
    generator = np.random.default_rng(seed)
    parts = {name: generator.uniform(3.0, 9.0, (slots, cells)) for name in ("user_link", "feeder")}
    parts["isl"] = np.where(generator.random((slots, cells)) < 0.6, 0.0, generator.uniform(5.0, 60.0, (slots, cells)))
    parts["backhaul"] = generator.uniform(0.0, 10.0, (slots, cells))
    unserved = generator.random((slots, cells)) < 0.1
    return {name: np.where(unserved, np.nan, values) for name, values in parts.items()}


def collect(parts, weights, cuts=()):
    collected = LatencyAccumulator(weights)
    bounds = [0, *cuts, len(parts["isl"])]
    for begin, end in pairwise(bounds):
        collected.add({name: values[begin:end] for name, values in parts.items()})
    return collected.summarise(ACCESS)


def test_access_quantiles_and_cumulative_agree():
    for share in (0.05, 0.2, 0.5, 0.8, 0.99):
        assert ACCESS.cumulative(np.array([ACCESS.quantile_ms(share)]))[0] == pytest.approx(share, abs=1e-12)
    assert ACCESS.quantile_ms(0.5) == pytest.approx(16.0)
    assert ACCESS.cumulative(np.array([0.0, 8.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("values", [(-1.0, 16.0, 0.5), (16.0, 16.0, 0.5), (8.0, 16.0, 0.0), (8.0, np.nan, 0.5), (8.0, 16.0, np.inf)])
def test_impossible_access_terms_are_refused(values):
    with pytest.raises(InputError, match="floor"):
        AccessTerm(*values)


def test_one_distance_shifts_the_access_term():
    summary = latency_distribution([10.0], [2.5], [1.0], ACCESS)
    for name, share in (("p20_ms", 0.2), ("p50_ms", 0.5), ("p80_ms", 0.8)):
        assert getattr(summary, name) == pytest.approx(12.5 + ACCESS.quantile_ms(share), abs=BIN_MS / 2 + TOLERANCE_MS)
    assert summary.propagation_p50_ms == pytest.approx(10.0, abs=BIN_MS / 2)
    assert summary.backhaul_p50_ms == pytest.approx(2.5, abs=BIN_MS / 2)
    assert summary.access_p50_ms == pytest.approx(16.0)
    assert (summary.density * np.diff(summary.edges_ms)).sum() == pytest.approx(1.0)


def test_convolution_equals_drawing_lots():
    parts = make_parts(400, 7)
    weights = np.array([1.0, 5.0, 0.0, 2.0, 0.5, 3.0, 9.0])
    summary = collect(parts, weights)
    path = sum(parts.values())
    slot, cell = np.nonzero(np.isfinite(path))
    generator = np.random.default_rng(5)
    drawn = generator.choice(len(slot), 2_000_000, p=weights[cell] / weights[cell].sum())
    access = ACCESS.floor_ms + (ACCESS.median_ms - ACCESS.floor_ms) * np.exp(ACCESS.spread * generator.standard_normal(len(drawn)))
    expected = np.quantile(path[slot, cell][drawn] + access, [0.2, 0.5, 0.8])
    np.testing.assert_allclose([summary.p20_ms, summary.p50_ms, summary.p80_ms], expected, atol=0.1)
    assert summary.served_share == pytest.approx((np.isfinite(path) * weights).sum() / (400 * weights.sum()))


def test_parts_and_cells():
    parts = make_parts(600, 5, seed=3)
    summary = collect(parts, np.ones(5))
    for name in ("user_link", "feeder", "backhaul"):
        assert getattr(summary, f"{name}_p50_ms") == pytest.approx(np.nanmedian(parts[name]), abs=TOLERANCE_MS)
    assert summary.isl_p50_ms == 0.0
    propagation = parts["user_link"] + parts["isl"] + parts["feeder"]
    assert summary.propagation_p50_ms == pytest.approx(np.nanmedian(propagation), abs=TOLERANCE_MS)
    alone = collect({name: values[:, 2:3] for name, values in parts.items()}, [1.0])
    assert summary.cell_p50_ms[2] == pytest.approx(alone.p50_ms, abs=1e-9)


def test_blocks_do_not_matter():
    parts = make_parts(97, 4)
    weights = [0.1, 0.7, 1.3, 2.9]
    whole, cut = collect(parts, weights), collect(parts, weights, cuts=(1, 40, 41, 90))
    for name in ("p20_ms", "p50_ms", "p80_ms", "propagation_p50_ms", "isl_p50_ms", "served_share"):
        assert getattr(whole, name) == getattr(cut, name)
    assert np.array_equal(whole.cell_p50_ms, cut.cell_p50_ms)
    assert np.array_equal(whole.density, cut.density)


def test_nothing_served_is_nan_and_no_weights_are_equal_weights():
    nowhere = {name: np.full((3, 2), np.nan) for name in ("user_link", "isl", "feeder", "backhaul")}
    summary = collect(nowhere, [1.0, 2.0])
    assert summary.served_share == 0.0
    assert np.isnan([summary.p20_ms, summary.p50_ms, summary.propagation_p50_ms, summary.access_p50_ms, *summary.cell_p50_ms]).all()
    parts = make_parts(20, 3)
    assert collect(parts, np.zeros(3)).p50_ms == collect(parts, np.ones(3)).p50_ms


def test_very_long_round_trips_count_as_the_longest():
    summary = latency_distribution([5000.0], [0.0], [1.0], ACCESS)
    assert 590.0 < summary.p50_ms <= 600.0


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="weights"):
        LatencyAccumulator([1.0, -1.0])
    collected = LatencyAccumulator([1.0, 1.0])
    parts = make_parts(3, 2)
    with pytest.raises(InputError, match="backhaul"):
        collected.add({name: values for name, values in parts.items() if name != "isl"})
    with pytest.raises(InputError, match="expected 2"):
        collected.add(make_parts(3, 3))
    with pytest.raises(InputError, match="shape"):
        collected.add(parts | {"isl": parts["isl"][:2]})


def test_built_in_term_states_its_errors():
    fit = access_fit()
    assert 5.0 < fit.term.floor_ms < fit.term.median_ms < 25.0
    assert fit.territories == 76
    assert fit.spearman >= 0.75
    assert fit.median_abs_error_ms <= 5.0
    assert fit.low["median"] < fit.term.median_ms < fit.high["median"]
    assert set(read_table("latency_access")["status"]) == {"measured"}
