"""Median latency of 76 territories against what the operator publishes (September 2026): one set of parameters, none per territory.

The twin runs a day with a scenario's default settings, over cells sampled from every territory; see ``tools/calibrate_latency.py``.
"""

import numpy as np
import pytest
from scipy.stats import spearmanr
from tools import calibrate_latency

from overflight.measure.latency import access_fit, round_trip_quantiles_ms

pytestmark = pytest.mark.shared

LEAST_SPEARMAN = 0.75
MEDIAN_ERROR_TOLERANCE_MS = 5.0
PUBLISHED_TERRITORIES = 76


WORST_FIFTH_TOLERANCE_MS = 6.0


@pytest.fixture(scope="module")
def medians_ms(shared):
    """Simulated and published quantiles, each shape (territories, 3)."""
    codes, published_ms = calibrate_latency.read_published(shared / "reference/latency/operator_metrics_2026-09.csv")
    simulated = list(calibrate_latency.simulate_territories(codes, {}, cells=8, step_s=3600.0))
    density = np.array([territory.path_density for territory in simulated])
    return round_trip_quantiles_ms(density, access_fit().term, [0.2, 0.5, 0.8]), published_ms


def test_medians_of_the_territories(medians_ms):
    simulated_ms, published_ms = (values[:, 1] for values in medians_ms)
    assert len(published_ms) == PUBLISHED_TERRITORIES
    assert spearmanr(simulated_ms, published_ms)[0] >= LEAST_SPEARMAN
    assert np.median(np.abs(simulated_ms - published_ms)) <= MEDIAN_ERROR_TOLERANCE_MS


def test_it_is_no_accident_of_the_half_that_was_looked_at(medians_ms):
    simulated_ms, published_ms = (values[:, 1] for values in medians_ms)
    for half in (slice(0, None, 2), slice(1, None, 2)):
        assert spearmanr(simulated_ms[half], published_ms[half])[0] >= LEAST_SPEARMAN
        assert np.median(np.abs(simulated_ms - published_ms)[half]) <= MEDIAN_ERROR_TOLERANCE_MS


def test_best_and_worst_fifth(medians_ms):
    simulated_ms, published_ms = medians_ms
    errors_ms = np.median(np.abs(simulated_ms - published_ms), axis=0)
    assert errors_ms[0] <= MEDIAN_ERROR_TOLERANCE_MS
    assert errors_ms[2] <= WORST_FIFTH_TOLERANCE_MS
