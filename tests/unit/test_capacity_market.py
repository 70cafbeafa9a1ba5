"""Who competes for the satellites: the territory's terminals from each source, what they ask for, and those elsewhere."""

import numpy as np
import pytest

from overflight.account import Account
from overflight.capacity.market import (
    OTHERS_RESOLUTION,
    find_others,
    footprint_radius_km,
    make_market,
    settle_demand,
)
from overflight.earth.cells import cell_centres, cell_parents
from overflight.earth.geodesy import MEAN_RADIUS_KM
from overflight.earth.population import read_world_cells
from overflight.inputs import gather_inputs
from overflight.scenario import parse_scenario
from overflight.service.classes import CLASSES, DEFAULT_CLASS, find_class, list_classes
from overflight.service.subscribers import estimate_terminals, international_traffic_gbps, world_terminals

NOT_OFFERED = "South Africa"


def gather(territory="Malta", **settings):
    tables = {"network": settings.pop("network", {}), "sampling": {"max_cells": settings.pop("max_cells", 400)}}
    return gather_inputs(parse_scenario({"territory": territory, "time": {"hours": 0.02}, "capacity": settings, **tables}, source="test"))


def settle(territory="Malta", **settings):
    inputs = gather(territory, **settings)
    return settle_demand(inputs, inputs.fleets[0], inputs.scenario.capacity, Account())


def market(territory="Malta", **settings):
    inputs = gather(territory, **settings)
    own = settle_demand(inputs, inputs.fleets[0], inputs.scenario.capacity, Account())
    fleet = inputs.fleets[0]
    others = find_others(inputs.territory.cells, fleet, scale=inputs.scenario.capacity.incumbents)
    return make_market(inputs, fleet, own, others)


class TestTerminals:
    def test_an_estimate_has_its_range_and_source(self):
        inputs = gather()
        estimate = estimate_terminals("MT", inputs.territory.population)
        own = settle()
        assert (own.terminals.total, own.low, own.high) == (estimate.count, estimate.low, estimate.high)
        assert own.low < own.terminals.total < own.high
        assert (own.terminals.source, own.terminals.status) == (estimate.source, estimate.status)

    def test_a_number_is_the_users_and_has_no_range(self):
        own = settle(terminals=1234)
        assert (own.terminals.total, own.low, own.high) == (1234, 1234, 1234)
        assert (str(own.terminals.source), own.terminals.status) == ("set by the user", "assumed")
        assert own.terminals.by_class == {DEFAULT_CLASS: 1234}

    def test_a_file_is_taken_as_it_is(self, tmp_path):
        cells = gather().territory.cells
        path = tmp_path / "terminals.csv"
        path.write_text(f"cell,terminals,class\n{int(cells[1]):x},40,consumer\n{int(cells[3]):x},2,emergency\n", encoding="utf-8")
        own = settle(terminals_file=str(path))
        assert own.terminals.by_cell.tolist() == [0, 40, 0, 2, 0]
        assert own.terminals.by_class == {"consumer": 40, "emergency": 2}
        assert (own.distribution, own.terminals.status, own.low, own.high) == ("file", "reported", 42, 42)

    @pytest.mark.parametrize("method", ["thin", "towns", "population", "uniform", "largest-unserved-first"])
    def test_every_method_spreads_all_of_them(self, method):
        own = settle("Tonga", terminals=777, distribution=method)
        assert own.terminals.total == 777
        assert own.distribution == method

    def test_where_nobody_is_counted_they_are_spread_evenly(self, tmp_path):
        path = tmp_path / "sea.geojson"
        path.write_text('{"type":"Polygon","coordinates":[[[-30,30],[-29.5,30],[-29.5,30.5],[-30,30.5],[-30,30]]]}', encoding="utf-8")
        own = settle(str(path), terminals=100)
        assert own.distribution == "uniform"
        assert own.terminals.total == 100
        assert np.ptp(own.terminals.by_cell) <= 1

    def test_the_estimate_does_not_depend_on_the_sample_of_cells(self):
        assert settle("Lithuania", max_cells=10).terminals.total == settle("Lithuania").terminals.total

    def test_cells_that_are_not_simulated_for_coverage_have_their_terminals(self):
        assert market("Lithuania", max_cells=10, incumbents=0, terminals=500).terminals.sum() == 500


class TestDemand:
    def test_broadband_is_what_the_classes_ask_for(self):
        own = settle()
        assert own.down_mbps.tolist() == [row.down_mbps for row in list_classes()]
        assert own.active_share.tolist() == [row.active_share for row in list_classes()]
        assert own.demand.kind == "broadband"

    def test_a_rate_is_the_same_for_all(self):
        own = settle(demand="50/7")
        assert set(own.down_mbps) == {50.0}
        assert set(own.up_mbps) == {7.0}
        assert own.active_share.tolist() == settle().active_share.tolist()

    def test_a_rate_down_leaves_up_to_the_class(self):
        assert settle(demand="50").up_mbps.tolist() == settle().up_mbps.tolist()

    def test_failover_puts_all_traffic_on_all_terminals(self):
        own = settle(demand="failover:0.5", terminals=10_000)
        assert own.demand.gbps == 0.5
        assert (own.active_share == 1.0).all()
        row = CLASSES.index(DEFAULT_CLASS)
        assert own.down_mbps[row] * 10_000 == pytest.approx(500.0)
        assert own.up_mbps[row] < own.down_mbps[row]

    def test_failover_is_estimated_where_no_number_is_given(self):
        inputs = gather("Tonga", demand="failover")
        own = settle_demand(inputs, inputs.fleets[0], inputs.scenario.capacity, Account())
        assert own.demand.gbps == international_traffic_gbps("TO", inputs.territory.population).gbps

    def test_no_terminal_carries_more_than_its_hardware(self):
        own = settle(demand="failover:1000", terminals=1)
        assert own.down_mbps.tolist() == [row.down_mbps for row in list_classes()]


class TestOthers:
    def test_a_market_is_sorted_and_adds_up(self):
        found = market()
        assert (np.diff(found.cell_ids.astype(np.int64)) > 0).all()
        assert found.own.sum() == 5
        assert set(found.cell_ids[found.own]) == set(gather().territory.cells)
        for name in ("terminals", "down_mbps", "up_mbps", "active_share"):
            assert getattr(found, name).shape == (len(found), len(CLASSES)), name
        assert found.terminals[found.own].sum() == settle().terminals.total
        assert found.population[found.own].sum() == pytest.approx(gather().territory.population.sum())

    def test_nobody_is_elsewhere_at_scale_0(self):
        found = market(incumbents=0.0)
        assert found.own.all()
        assert len(found) == 5

    def test_others_are_scaled(self):
        one, two = market(incumbents=1.0), market(incumbents=2.0)
        np.testing.assert_array_equal(one.cell_ids, two.cell_ids)
        np.testing.assert_allclose(two.terminals[~two.own], 2.0 * one.terminals[~one.own])
        np.testing.assert_array_equal(two.terminals[two.own], one.terminals[one.own])

    def test_others_ask_as_households_whatever_the_territory_asks(self):
        found = market(demand="1/1")
        row = CLASSES.index(DEFAULT_CLASS)
        assert set(found.down_mbps[~found.own, row]) == {find_class(DEFAULT_CLASS).down_mbps}
        assert set(found.down_mbps[found.own, row]) == {1.0}

    def test_others_are_gathered_near_by_and_none_of_their_terminals_is_lost(self):
        inputs = gather("Tonga")
        fleet, own = inputs.fleets[0], inputs.territory.cells
        cells, terminals = find_others(own, fleet, scale=1.0)
        assert not np.isin(cells, own).any()
        assert len(np.unique(cell_parents(cells, OTHERS_RESOLUTION))) == len(cells)
        lat, lon = (np.radians(angle) for angle in cell_centres(np.concatenate([cells, own])))
        place = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        away_km = MEAN_RADIUS_KM * np.arccos(np.clip(place[: len(cells)] @ place[len(cells) :].T, -1.0, 1.0)).min(axis=1)
        assert away_km.max() <= 2.0 * footprint_radius_km(fleet)
        everyone = np.setdiff1d(np.unique(read_world_cells().cells), own)
        near = np.isin(cell_parents(everyone, OTHERS_RESOLUTION), cell_parents(cells, OTHERS_RESOLUTION))
        # Cells at the rim belong to parents that reach beyond it.
        assert (
            0.97 * world_terminals(fleet.operator, everyone)[near].sum()
            <= terminals.sum()
            <= world_terminals(fleet.operator, everyone).sum()
        )

    def test_a_lower_mask_reaches_more_of_them(self):
        inputs = gather_inputs(
            parse_scenario(
                {"territory": "Tonga", "time": {"hours": 0.02}, "capacity": {}, "visibility": {"user_mask_deg": 10.0}}, source="test"
            )
        )
        wide, usual = inputs.fleets[0], gather("Tonga").fleets[0]
        assert footprint_radius_km(wide) > 1.5 * footprint_radius_km(usual)
        assert len(find_others(inputs.territory.cells, wide, scale=1.0)[0]) > len(find_others(inputs.territory.cells, usual, scale=1.0)[0])

    def test_homes_follow_the_scenario_for_its_own_cells_only(self):
        inputs = gather(network={"homing": "Frankfurt"})
        own = settle_demand(inputs, inputs.fleets[0], inputs.scenario.capacity, Account())
        fleet = inputs.fleets[0]
        found = make_market(inputs, fleet, own, find_others(inputs.territory.cells, fleet, scale=1.0))
        city = inputs.fleets[0].pops.city
        assert {city[row] for row in np.unique(found.home_pop[found.own])} == {"Frankfurt"}
        assert {"Sofia", "Milan", "Madrid"} <= {city[row] for row in np.unique(found.home_pop[~found.own])}

    def test_where_service_is_not_offered_an_estimate_is_of_what_would_be(self):
        own = settle(NOT_OFFERED, max_cells=20)
        assert own.terminals.total > 0
