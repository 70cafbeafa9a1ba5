"""Summaries of rates and what holds cells back."""

import math

import numpy as np
import pytest

from overflight.errors import InputError
from overflight.flow.paths import ResourceKind, Resources
from overflight.flow.summary import (
    CellBound,
    classify_cells,
    rate_per_terminal,
    share_by_bottleneck,
    share_reaching,
    summarise_rates,
    weighted_quantile,
)


def test_quantiles_count_terminals_not_rows():
    assert weighted_quantile([3.0, 1.0, 2.0], [1.0, 8.0, 1.0], [0.0, 0.5, 0.8, 0.81, 1.0]).tolist() == [1.0, 1.0, 1.0, 2.0, 3.0]
    assert math.isnan(weighted_quantile([1.0], [0.0], 0.5)[0])


def test_rates_are_summarised_with_those_who_get_nothing():
    found = summarise_rates([100.0, 10.0, 50.0], [10, 30, 40], unserved=20)
    assert (found.terminals, found.served_share, found.total_mbps) == (100.0, 0.8, 3300.0)
    assert (found.mean_mbps, found.median_mbps, found.worst_tenth_mbps, found.best_tenth_mbps) == (33.0, 10.0, 0.0, 100.0)
    assert (found.least_mbps, found.most_mbps) == (0.0, 100.0)
    assert math.isnan(summarise_rates([], []).median_mbps)
    assert rate_per_terminal(np.array([6.0, 0.0]), [3, 0]).tolist() == [2.0, 0.0]


def test_a_threshold_is_reached_in_both_directions():
    shares = share_reaching([25.0, 100.0, 200.0], [3.0, 3.0, 20.0], [1, 1, 1], unserved=1)
    assert shares.tolist() == [0.75, 0.25]
    assert np.isnan(share_reaching([], [], [])).all()


def test_shares_by_bottleneck():
    resources = Resources(np.ones(4), np.array([0, 1, 2, 2, 2, 2, 3, 3, 4]), np.zeros(1, np.int32), *(np.empty((2, 0), np.int32),) * 2)
    shares = share_by_bottleneck(resources, np.array([-1, 0, 2, 3], np.int32), [1, 2, 3, 4])
    assert {name: share for name, share in shares.items() if share} == {"demand": 0.1, "beam": 0.2, "gateway": 0.3, "no_way": 0.4}
    assert set(share_by_bottleneck(resources, np.empty(0, np.int32), []).values()) == {0.0}


def test_a_full_beam_means_spectrum_or_beams():
    kind = np.array([ResourceKind.BEAM, ResourceKind.BEAM, ResourceKind.BEAM, -1, ResourceKind.GATEWAY, ResourceKind.FEEDER], np.int8)
    bounds = classify_cells(
        np.array([0, 1, 2, 3, 4, 4], np.int32),
        kind,
        [1, 1, 1, 1, 2, 1],
        wanted=[8, 8, 2, 1, 1, 4, 4, 4, 0],
        got=[8, 3, 2, 1, 1, 0, 0, 0, 0],
        licensed=[8, 8, 8, 8, 8, 8, 8, 0, 8],
        seen=[True, True, True, True, True, True, False, True, True],
    )
    assert [CellBound(bound).name for bound in bounds] == [
        "SPECTRUM", "BEAMS", "CHANNEL", "NOTHING", "GATEWAY", "BEAMS", "UNSEEN", "SPECTRUM", "NOTHING",
    ]  # fmt: skip


@pytest.mark.parametrize("given", [([1.0], [1, 2]), ([-1.0], [1]), ([1.0], [-1]), ([[1.0]], [[1]])])
def test_rates_that_cannot_be_summarised_are_refused(given):
    with pytest.raises(InputError, match="rates"):
        summarise_rates(*given)
