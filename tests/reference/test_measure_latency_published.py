"""Median latency of 76 territories against what the operator publishes (September 2026): one set of parameters, none per territory.

The twin runs a day with a scenario's default settings, over cells sampled from every territory; see ``tools/calibrate_latency.py``.
"""

import numpy as np
import pytest
from scipy.stats import spearmanr
from tools import calibrate_latency

from overflight.measure.latency import AccessTerm, access_fit, round_trip_quantiles_ms

pytestmark = pytest.mark.shared

LEAST_SPEARMAN = 0.75
MEDIAN_ERROR_TOLERANCE_MS = 5.0
PUBLISHED_TERRITORIES = 76
WORST_FIFTH_TOLERANCE_MS = 6.0
QUANTILES = list(calibrate_latency.QUANTILES.values())


@pytest.fixture(scope="module")
def territories(shared):
    """Distribution of propagation and backhaul in each territory, and the published quantiles, shape (territories, 3)."""
    codes, published_ms = calibrate_latency.read_published(shared / "reference/latency/operator_metrics_2026-09.csv")
    simulated = list(calibrate_latency.simulate_territories(codes, {}, cells=8, step_s=3600.0))
    return np.array([territory.path_density for territory in simulated]), published_ms


@pytest.fixture(scope="module")
def medians_ms(territories):
    """Simulated and published quantiles, each shape (territories, 3)."""
    density, published_ms = territories
    return round_trip_quantiles_ms(density, access_fit().term, QUANTILES), published_ms


def test_medians_of_the_territories(medians_ms):
    simulated_ms, published_ms = (values[:, 1] for values in medians_ms)
    assert len(published_ms) == PUBLISHED_TERRITORIES
    assert spearmanr(simulated_ms, published_ms)[0] >= LEAST_SPEARMAN
    assert np.median(np.abs(simulated_ms - published_ms)) <= MEDIAN_ERROR_TOLERANCE_MS


@pytest.mark.parametrize("held_out", [0, 1], ids=["even rows", "odd rows"])
def test_a_term_fitted_to_one_half_holds_in_the_other(territories, held_out):
    """A hold-out of the access term only: the structure of the network was chosen with all territories in view."""
    density, published_ms = territories
    fitted, other = slice(1 - held_out, None, 2), slice(held_out, None, 2)
    term = calibrate_latency.fit_access(density[fitted], published_ms[fitted], AccessTerm(*calibrate_latency.FIRST_GUESS))
    simulated_ms = round_trip_quantiles_ms(density[other], term, QUANTILES)
    errors_ms = np.median(np.abs(simulated_ms - published_ms[other]), axis=0)
    assert spearmanr(simulated_ms[:, 1], published_ms[other, 1])[0] >= LEAST_SPEARMAN
    assert errors_ms[1] <= MEDIAN_ERROR_TOLERANCE_MS
    assert errors_ms[2] <= WORST_FIFTH_TOLERANCE_MS


def test_best_and_worst_fifth(medians_ms):
    simulated_ms, published_ms = medians_ms
    errors_ms = np.median(np.abs(simulated_ms - published_ms), axis=0)
    assert errors_ms[0] <= MEDIAN_ERROR_TOLERANCE_MS
    assert errors_ms[2] <= WORST_FIFTH_TOLERANCE_MS
