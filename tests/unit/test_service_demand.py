"""Demand: the day, what users write, failover, minimum rates."""

import numpy as np
import pytest

from overflight.errors import ScenarioError
from overflight.service.demand import (
    THRESHOLDS,
    Demand,
    Threshold,
    activity,
    busy_hour_factors,
    failover_demand_mbps,
    parse_demand,
    parse_thresholds,
    people_served,
)

MIDNIGHT = np.datetime64("2026-08-22T00:00:00", "us")


class TestDay:
    def test_the_profile_has_one_busiest_hour_and_a_trough(self) -> None:
        factors = busy_hour_factors()
        assert factors.shape == (24,)
        assert factors.max() == factors[21] == 1.0
        assert 0.2 < factors.min() < 0.4
        assert factors.argmin() in {4, 5, 6}

    def test_local_time_goes_with_the_longitude(self) -> None:
        factors = busy_hour_factors()
        found = activity(np.array([MIDNIGHT]), [0.0, 15.0, -45.0, 180.0, -180.0])
        np.testing.assert_allclose(found, [[factors[0], factors[1], factors[21], factors[12], factors[12]]])

    def test_linear_between_hours_and_round_the_day(self) -> None:
        factors = busy_hour_factors()
        instants = MIDNIGHT + np.array([30, 23 * 60 + 30], dtype="timedelta64[m]")
        np.testing.assert_allclose(activity(instants, [0.0])[:, 0], [(factors[0] + factors[1]) / 2, (factors[23] + factors[0]) / 2])

    def test_shape_and_bounds(self) -> None:
        instants = MIDNIGHT + np.arange(0, 86_400, 615).astype("timedelta64[s]")
        found = activity(instants, np.linspace(-180.0, 180.0, 37))
        assert found.shape == (len(instants), 37)
        assert found.min() >= busy_hour_factors().min()
        assert found.max() <= 1.0
        assert activity(instants, []).shape == (len(instants), 0)

    def test_a_profile_of_ones_own(self) -> None:
        np.testing.assert_allclose(activity(np.array([MIDNIGHT]), [7.5], factors=np.arange(24.0)), [[0.5]])

    @pytest.mark.parametrize("factors", [np.ones(23), np.full(24, -1.0), np.full(24, np.nan)])
    def test_a_bad_profile_is_one_line(self, factors) -> None:
        with pytest.raises(ScenarioError, match="give 24 factors"):
            activity(np.array([MIDNIGHT]), [0.0], factors=factors)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "demand"),
        [
            ("broadband", Demand("broadband")),
            (" Broadband ", Demand("broadband")),
            ("failover", Demand("failover")),
            ("failover:8", Demand("failover", gbps=8.0)),
            ("failover: 0.5", Demand("failover", gbps=0.5)),
            ("100", Demand("rate", down_mbps=100.0)),
            ("100/20", Demand("rate", down_mbps=100.0, up_mbps=20.0)),
            ("2.5 / .5", Demand("rate", down_mbps=2.5, up_mbps=0.5)),
        ],
    )
    def test_what_is_understood(self, text, demand) -> None:
        assert parse_demand(text) == demand

    @pytest.mark.parametrize(
        "text",
        [
            *("", "fast", "broadband:3", "failover:", "failover:0", "failover:-8", "failover:x", "failover:8/2"),
            *("0", "0/1", "-5", "5/", "/5", "100/20/3", "1e3", "inf", "nan", "100 Mbit/s", "9" * 400, "10,5", "١٠٠"),
        ],
    )
    def test_anything_else_is_one_line(self, text) -> None:
        with pytest.raises(ScenarioError, match="give broadband, failover") as caught:
            parse_demand(text)
        assert "\n" not in str(caught.value)

    def test_thresholds(self) -> None:
        assert parse_thresholds(THRESHOLDS) == (Threshold(25.0, 3.0), Threshold(100.0, 20.0))
        assert [str(one) for one in parse_thresholds(" 10/1 ,2.5/.5,10/1")] == ["10/1", "2.5/0.5"]

    @pytest.mark.parametrize("text", ["", "25", "25/3,", "25/x", "0/3", "-25/3", "25/3/1", "25;3"])
    def test_bad_thresholds_are_one_line(self, text) -> None:
        with pytest.raises(ScenarioError, match=r"minimum rate .*: give Mbit/s down and up"):
            parse_thresholds(text)


def test_failover_is_spread_by_people() -> None:
    demand = failover_demand_mbps([100.0, 300.0, 0.0], 8.0)
    np.testing.assert_allclose(demand, [2000.0, 6000.0, 0.0])
    for people, gbps in (([0.0], 8.0), ([1.0], 0.0), ([1.0], float("nan"))):
        with pytest.raises(ScenarioError):
            failover_demand_mbps(people, gbps)


def test_people_served_both_ways() -> None:
    down, up = np.array([[200.0, 30.0], [100.0, 0.0]]), np.array([[40.0, 3.0], [2.0, 0.0]])
    people = np.array([[1.0, 10.0], [100.0, 1000.0]])
    np.testing.assert_array_equal(people_served(down, up, people, parse_thresholds("25/3,100/20,1/1")), [11.0, 1.0, 111.0])
