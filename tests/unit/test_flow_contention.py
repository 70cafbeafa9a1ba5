"""What an active terminal gets among others that come and go."""

import numpy as np
import pytest
from scipy.stats import poisson

from overflight.errors import InputError
from overflight.flow.contention import expected_shares

MEANS = (1e-12, 0.01, 0.3, 1.0, 2.5, 7.0, 40.0, 300.0)
ROOMS = (0.0, 0.2, 0.999, 1.0, 1.5, 2.0, 7.3, 64.0, 1e4)


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("room", ROOMS)
def test_it_is_the_expectation_over_a_poisson_number_of_others(mean, room):
    others = np.arange(2_000)
    expected = float((poisson.pmf(others, mean) * np.minimum(1.0, room / (1.0 + others))).sum())
    assert expected_shares([mean], [room])[0] == pytest.approx(expected, abs=1e-9)


def test_what_all_get_never_exceeds_demand_or_capacity_and_meets_them_at_the_ends():
    mean, room = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e-3, 2000, 60), np.geomspace(1e-2, 1e3, 60)))
    got = mean * expected_shares(mean, room)
    assert (got <= np.minimum(mean, room) * (1 + 1e-9)).all()
    assert expected_shares([5000.0], [10.0])[0] * 5000.0 == pytest.approx(10.0)
    assert expected_shares([0.001], [3.0])[0] == pytest.approx(1.0, abs=1e-6)


def test_more_room_never_gives_less_and_more_others_never_more():
    rooms = np.linspace(0.0, 20.0, 400)
    assert (np.diff(expected_shares(np.full(400, 3.0), rooms)) >= -1e-12).all()
    assert (np.diff(expected_shares(np.linspace(0.0, 499.0, 400), np.full(400, 4.0))) <= 1e-12).all()


@pytest.mark.parametrize("given", [([1.0], [1.0, 2.0]), ([-1.0], [1.0]), ([1.0], [-1.0]), ([np.nan], [1.0])])
def test_what_makes_no_sense_is_refused(given):
    with pytest.raises(InputError, match="contention"):
        expected_shares(*given)
