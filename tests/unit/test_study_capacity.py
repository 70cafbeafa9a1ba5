"""What a report says of capacity: figures that fit together, variants that start from the answer, bands that a seed settles."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest

from overflight.capacity.twin import CapacityTwin
from overflight.catalog.parameters import list_parameters
from overflight.catalog.tables import read_table
from overflight.flow.feeders import LANDINGS
from overflight.flow.summary import CellBound
from overflight.inputs import gather_inputs
from overflight.scenario import WeatherSettings, parse_scenario
from overflight.study.capacity import describe_weather, find_capacity, published_rate_mbps
from overflight.study.capacity_findings import CapacityFindings
from overflight.study.capacity_variants import OWN_QUANTITIES, scale_own, work_case
from overflight.twin import make_capacity_twin, run_inputs

QUIET = {"sampling": {"sensitivity": False}}


def study(folder, territory="Malta", *, varied=True, progress=None, **tables) -> tuple[CapacityFindings, CapacityTwin]:
    capacity = {"sensitivity": False, **tables.pop("capacity", {})}
    raw = {"territory": territory, "time": {"hours": 0.02}, "capacity": capacity, **QUIET, **tables}
    inputs = gather_inputs(parse_scenario(raw, source="test"))
    run = run_inputs(inputs, folder)
    twin = make_capacity_twin(inputs, inputs.fleets[0])
    assert twin is not None
    found = find_capacity(inputs, inputs.fleets[0], run.fleets[0].capacity, twin, threads=2, varied=varied, progress=progress)
    return found, twin


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Tonga with everything varied, three draws."""
    told = []
    capacity = {"sensitivity": True, "uncertainty": 3, "uncertainty_seed": 7, "minimum_rate_mbps": 10.0}
    found, twin = study(tmp_path_factory.mktemp("full") / "run", "Tonga", capacity=capacity, progress=told.append)
    return found, twin, told


@pytest.fixture(scope="module")
def tonga(full) -> CapacityFindings:
    return full[0]


def leaves(value):
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list | tuple) else [value]


class TestFigures:
    def test_json_has_numbers_or_nothing(self, tonga):
        made = tonga.to_dict()
        json.dumps(made, allow_nan=False)
        assert {type(leaf) for leaf in leaves(made)} <= {int, float, str, bool, type(None)} | {type(made["terminals_source"])}
        json.dumps(tonga.headline_dict(), allow_nan=False)
        assert tonga.headline_dict()["national_capacity_gbps"] == made["national_capacity_gbps"]

    def test_shares_are_shares(self, tonga):
        assert sum(share for _, share in tonga.bottlenecks) == pytest.approx(1.0)
        assert [name for name, _ in tonga.bottlenecks] == [bound.name.lower() for bound in CellBound]
        assert sum(row.share for row in tonga.gateways) == pytest.approx(1.0, abs=1e-5)
        assert [row.share for row in tonga.gateways] == sorted((row.share for row in tonga.gateways), reverse=True)
        assert all(0.0 <= row.share <= 1.0 for row in tonga.thresholds)

    def test_hours_of_the_day_have_their_own_shares(self, tonga):
        assert tonga.bottleneck_hours.shape == (24, len(CellBound))
        sums = tonga.bottleneck_hours.sum(axis=1)
        hours = set(tonga.local_hour.astype(int).tolist())
        assert {hour for hour in range(24) if math.isfinite(sums[hour])} == hours
        assert sums[sorted(hours)] == pytest.approx(1.0)

    def test_rates_are_in_order(self, tonga):
        for rates in (tonga.down, tonga.up, tonga.busy_down):
            assert 0.0 <= rates.worst_tenth_mbps <= rates.median_mbps <= rates.best_tenth_mbps
            assert rates.worst_tenth_mbps <= rates.mean_mbps <= rates.best_tenth_mbps * 1.05

    def test_what_is_had_lies_below_what_is_asked_and_what_could_be(self, tonga):
        assert (tonga.delivered_gbps <= tonga.asked_gbps * (1.0 + 1e-6)).all()
        assert (tonga.delivered_gbps[tonga.capacity_rows] <= tonga.capacity_gbps * (1.0 + 1e-6)).all()
        assert tonga.fair_gbps <= tonga.bound_gbps * (1.0 + 1e-9)
        assert tonga.demand.busiest_gbps == pytest.approx(tonga.asked_gbps.max())

    def test_people_served_are_no_more_than_the_users(self, tonga):
        low, high = tonga.thresholds
        assert (low.down_mbps, low.up_mbps, high.down_mbps, high.up_mbps) == (25.0, 3.0, 100.0, 20.0)
        assert high.share <= low.share
        assert low.people <= 3 * tonga.demand.terminals

    def test_gateways_land_what_is_delivered(self, tonga):
        assert sum(row.delivered_gbps for row in tonga.gateways) == pytest.approx(tonga.delivered_gbps.mean(), rel=1e-3)

    def test_cells_add_up(self, full):
        found, twin, _ = full
        assert found.cell_terminals.sum() == found.demand.terminals == twin.demand.terminals.total
        assert len(found.cell_ids) == 20
        assert (np.isnan(found.cell_down_mbps) == (found.cell_terminals == 0.0)).all()

    def test_the_worked_link_adds_up(self, tonga):
        assert all(math.isfinite(row.value) for row in tonga.link)
        assert len({(row.name, row.unit) for row in tonga.link}) == len(tonga.link) > 5

    def test_progress_is_told_from_0_to_1(self, full):
        told = full[2]
        assert told == sorted(told)
        assert told[-1] == 1.0


class TestVariants:
    def test_the_default_row_is_the_answer(self, full):
        found, twin, _ = full
        base = work_case(twin, list(twin.find_scenes(twin.rows[found.capacity_rows])), twin.case)
        usual = [row for row in found.variants if row.is_default]
        assert [(row.name, row.label) for row in usual] == [("weather", "clear"), ("landing", found.landing)]
        for row in usual:
            assert row.capacity_gbps == pytest.approx(found.capacity_mean_gbps)
            assert row.capacity_gbps == pytest.approx(float(base.capacity_gbps.mean()))
            assert row.median_mbps == pytest.approx(base.median_mbps)
            assert row.others_mbps == pytest.approx(found.others_mbps)

    def test_they_are_weather_landings_and_nobody_elsewhere(self, tonga):
        assert [(row.name, row.label) for row in tonga.variants] == [
            *(("weather", label) for label in ("clear", "1", "0.1", "0.01")),
            *(("landing", name) for name in LANDINGS),
            ("others", "off"),
        ]

    def test_worse_weather_carries_less(self, tonga):
        sky = [row.capacity_gbps for row in tonga.variants if row.name == "weather"]
        assert sky[-1] < sky[0]
        assert all(after <= before * 1.01 for before, after in pairwise(sky))

    def test_weather_of_the_scenario_is_the_default_row(self, tmp_path):
        found, _ = study(tmp_path / "run", weather={"exceeded_percent": 0.1}, capacity={"sensitivity": True, "incumbents": 0.0})
        assert [row.label for row in found.variants if row.is_default and row.name == "weather"] == ["0.1"]
        assert found.weather == "0.1"

    def test_a_second_constellation_is_not_varied(self, tmp_path):
        found, _ = study(tmp_path / "run", varied=False)
        assert found.variants == ()


class TestSwings:
    def test_they_are_of_known_quantities_the_widest_first(self, tonga):
        known = {parameter.name: parameter for parameter in list_parameters()}
        assert tonga.swings
        for row in tonga.swings:
            assert row.name in known or row.name in OWN_QUANTITIES
            assert row.low <= row.value <= row.high
            if row.name in known:
                assert (row.value, row.unit, row.status) == (known[row.name].value, known[row.name].unit, known[row.name].status)
        middle = tonga.capacity_mean_gbps
        width = [
            max(abs(row.capacity_high_gbps - row.capacity_low_gbps) / middle, abs(row.median_high_mbps - row.median_low_mbps) / 385.0)
            for row in tonga.swings
        ]
        assert width[0] == pytest.approx(max(width), rel=0.2)
        assert len({row.name for row in tonga.swings}) == len(tonga.swings)

    def test_what_others_ask_does_not_change_with_our_terminals(self, full):
        _, twin, _ = full
        doubled = scale_own(twin.case, "terminals", 2.0).market
        np.testing.assert_array_equal(doubled.terminals[~doubled.own], twin.market.terminals[~twin.market.own])
        assert doubled.terminals[doubled.own].sum() == pytest.approx(2.0 * twin.demand.terminals.total)
        assert scale_own(twin.case, "active_share", 1e6).market.active_share[doubled.own].max() == 1.0

    def test_without_sensitivity_there_are_none(self, tmp_path):
        found, _ = study(tmp_path / "run")
        assert found.swings == ()
        assert found.variants == ()


class TestUncertainty:
    def test_bands_are_in_order_and_of_the_four_figures(self, tonga):
        bands = {band.name: band for band in tonga.uncertainty.bands}
        assert set(bands) == {"median_mbps", "worst_tenth_mbps", "delivered_gbps", "capacity_gbps"}
        assert all(band.p10 <= band.p50 <= band.p90 for band in bands.values())
        assert tonga.uncertainty.by_slot_gbps.shape == (3, len(tonga.capacity_rows))
        assert (np.diff(tonga.uncertainty.by_slot_gbps, axis=0) >= 0.0).all()

    def test_a_seed_settles_them(self, tmp_path, tonga):
        def bands(name, **settings):
            return study(tmp_path / name, "Tonga", capacity={"uncertainty": 3, "uncertainty_seed": 7, **settings})[0].uncertainty

        assert bands("same", sensitivity=False).bands == tonga.uncertainty.bands
        assert bands("other", uncertainty_seed=8).bands != tonga.uncertainty.bands

    def test_more_draws_begin_with_the_same(self, full):
        from overflight.study.capacity_variants import _draw_own, _list_ranges

        _, twin, _ = full
        for row in _list_ranges(twin):
            if row.name in OWN_QUANTITIES:
                np.testing.assert_array_equal(_draw_own(row, 9, 1)[:4], _draw_own(row, 4, 1))

    def test_none_are_drawn_unless_asked(self, tmp_path):
        assert study(tmp_path / "run")[0].uncertainty is None


class TestMinimum:
    def test_a_low_rate_is_feasible(self, tonga):
        assert tonga.minimum.asked_mbps == 10.0
        assert tonga.minimum.is_feasible
        assert tonga.to_dict()["minimum"]["is_feasible"] is True

    def test_an_infeasible_one_says_what_is(self, tmp_path):
        found, _ = study(tmp_path / "run", capacity={"minimum_rate_mbps": 1e6, "terminals": 100_000})
        assert not found.minimum.is_feasible
        made = found.to_dict()["minimum"]
        assert made["asked_mbps"] == 1e6
        assert 0.0 < made["feasible_mbps"] < 1e3
        assert made["is_feasible"] is False

    def test_what_is_said_to_be_feasible_is(self, tmp_path):
        least = study(tmp_path / "one", capacity={"minimum_rate_mbps": 1e6, "terminals": 100_000, "incumbents": 0.0})[
            0
        ].minimum.feasible_mbps
        again, _ = study(tmp_path / "two", capacity={"minimum_rate_mbps": least, "terminals": 100_000, "incumbents": 0.0})
        assert again.minimum.is_feasible

    def test_without_one_nothing_is_said(self, tmp_path):
        found, _ = study(tmp_path / "run")
        assert found.minimum is None
        assert found.to_dict()["minimum"] is None


class TestPublished:
    def test_it_is_found_where_it_is_built_in(self, tmp_path):
        table = read_table("published_service")
        told = float(table["download_p50_mbps"][table["code"].index("NU")])
        assert published_rate_mbps("NU", operator="starlink") == told
        assert study(tmp_path / "run", "Niue")[0].reported_down_mbps == told

    @pytest.mark.parametrize(("code", "operator"), [("ZA", "starlink"), ("MT", "oneweb"), ("XX", "starlink")])
    def test_it_is_not_made_up(self, code, operator):
        assert math.isnan(published_rate_mbps(code, operator=operator))

    def test_findings_without_one_have_nothing_there(self, tonga):
        assert math.isnan(tonga.reported_down_mbps)


class TestOdd:
    def test_nobody_asks(self, tmp_path):
        path = tmp_path / "none.csv"
        path.write_text("lat_deg,lon_deg,terminals\n35.9,14.4,0\n", encoding="utf-8")
        settings = {"terminals_file": str(path), "sensitivity": True, "uncertainty": 2, "minimum_rate_mbps": 5.0}
        found, _ = study(tmp_path / "run", capacity=settings)
        made = found.to_dict()
        json.dumps(made, allow_nan=False)
        assert made["national_capacity_gbps"] == 0.0
        assert made["down"]["median_mbps"] is None
        assert made["minimum"]["feasible_mbps"] is None or made["minimum"]["feasible_mbps"] >= 0.0

    def test_nobody_is_elsewhere(self, tmp_path):
        found, _ = study(tmp_path / "run", capacity={"incumbents": 0.0, "sensitivity": True})
        assert (found.demand.others_cells, found.demand.others_terminals) == (0, 0.0)
        assert math.isnan(found.others_mbps)
        assert found.to_dict()["others"]["mean_mbps"] is None
        assert "others" not in {row.name for row in found.variants}
        assert "incumbents" not in {row.name for row in found.swings}

    def test_nothing_is_in_sight(self, tmp_path):
        found, _ = study(tmp_path / "run", visibility={"user_mask_deg": 90.0}, capacity={"uncertainty": 2, "minimum_rate_mbps": 5.0})
        made = found.to_dict()
        json.dumps(made, allow_nan=False)
        assert dict(found.bottlenecks)["unseen"] == pytest.approx(1.0)
        assert made["down"]["median_mbps"] == 0.0
        assert made["minimum"] == {"asked_mbps": 5.0, "feasible_mbps": 0.0, "is_feasible": False}
        assert made["gateways"] == []
        assert made["link"] == []

    def test_failover_asks_for_all_traffic_though_terminals_carry_less(self, tmp_path):
        found, twin = study(tmp_path / "run", capacity={"demand": "failover:50", "terminals": 10, "incumbents": 0.0})
        busiest = found.asked_gbps.max()
        assert twin.demand.down_mbps.max() * 10 < 5_000.0
        assert 0.3 * 50.0 < busiest <= 50.0
        assert found.demand.busiest_gbps == busiest
        assert found.delivered_gbps.max() <= 4.0
        few, _ = study(tmp_path / "few", capacity={"demand": "failover:0.1", "terminals": 1_000, "incumbents": 0.0})
        assert few.asked_gbps.max() == pytest.approx(busiest * 0.1 / 50.0, rel=1e-3)
        assert few.delivered_gbps.max() == pytest.approx(few.asked_gbps.max(), rel=0.01)

    @pytest.mark.parametrize(("settings", "said"), [({}, "clear"), ({"state": "rain"}, "rain"), ({"exceeded_percent": 0.01}, "0.01")])
    def test_weather_has_a_name(self, settings, said):
        assert describe_weather(WeatherSettings(**settings)) == said
