"""The twin: what any satellite choice, topology and routing must respect, and plug-ins."""

import numpy as np
import pytest

from overflight.inputs import gather_inputs
from overflight.network.ways import LinkState, least_delay
from overflight.scenario import parse_scenario
from overflight.schedule.selection import LOOK_AHEAD_SLOTS, Candidates
from overflight.sky.angles import look_angles
from overflight.sky.arc import arc_separation_deg
from overflight.sky.visibility import find_visible_series
from overflight.twin import FleetTwin, Plugins, share_in_view

MOST_OVER_ESTIMATE = 3.5
"""Satellites in view where orbits turn back, over the mean of the Earth by which blocks are sized."""


def gather(**tables):
    raw = {"territory": "Tonga", "time": {"hours": 0.2}, **tables}
    return gather_inputs(parse_scenario(raw, source="test"))


def simulate(inputs, **plugins):
    twin = FleetTwin(inputs, inputs.fleets[0], threads=2, plugins=Plugins(**plugins))
    return twin, twin.simulate(inputs.slot_start, 0, len(inputs.slot_start), serving_before=None)


@pytest.mark.parametrize("strategy", ["observed", "highest-elevation", "longest-remaining", "nearest", "least-handovers"])
def test_no_serving_satellite_stands_below_the_mask_or_near_the_arc(strategy):
    inputs = gather(selection={"strategy": strategy}, visibility={"user_mask_deg": 30.0, "arc_avoidance_deg": 20.0})
    twin, frames = simulate(inputs)
    positions_km = twin._propagator.positions_km(inputs.slot_start)
    azimuth, elevation, _ = look_angles(inputs.sites, positions_km)
    slot, cell = np.nonzero(frames["serving"] >= 0)
    assert len(slot)
    satellite = frames["serving"][slot, cell]
    chosen = elevation[slot, cell, satellite]
    assert (chosen >= 30.0).all()
    np.testing.assert_allclose(chosen, frames["elevation_deg"][slot, cell], atol=1e-9)
    separation = arc_separation_deg(inputs.sites.lat_deg[cell], azimuth[slot, cell, satellite], chosen)
    assert (separation >= 20.0).all()
    assert (frames["gateway"][slot, cell] >= 0).all()


def test_the_least_handovers_are_no_more_than_any_other_choice_makes():
    made = {}
    for strategy in ("least-handovers", "highest-elevation", "longest-remaining", "observed"):
        _, frames = simulate(gather(selection={"strategy": strategy}, time={"hours": 0.5}))
        serving = frames["serving"]
        made[strategy] = int((serving[1:] != serving[:-1]).sum())
    assert made["least-handovers"] == min(made.values())
    assert made["least-handovers"] < made["observed"] / 5


def test_blocks_do_not_change_a_choice_that_looks_ahead():
    inputs = gather(selection={"strategy": "least-handovers"}, time={"hours": 0.4})
    twin, whole = simulate(inputs)
    count, before, rows = len(inputs.slot_start), None, []
    for start in range(0, count, 13):
        part = twin.simulate(inputs.slot_start, start, min(start + 13, count), serving_before=before)
        before = part["serving"][-1]
        rows.append(part)
    for name, values in whole.items():
        np.testing.assert_array_equal(np.concatenate([row[name] for row in rows]), values, err_msg=name)


@pytest.mark.parametrize("strategy", ["observed", "least-handovers"])
def test_groups_of_cells_do_not_change_a_value(strategy, monkeypatch):
    inputs = gather(territory="Lithuania", selection={"strategy": strategy}, time={"hours": 0.1}, sampling={"max_cells": 41})
    twin, whole = simulate(inputs)
    assert len(twin._finder._groups) == 1
    monkeypatch.setattr("overflight.twin.BLOCK_PAIRS", 5_000)
    twin, grouped = simulate(inputs)
    assert len(twin._finder._groups) > 2
    assert sum(len(group.sites) for group in twin._finder._groups) == 41
    for name, values in whole.items():
        np.testing.assert_array_equal(grouped[name], values, err_msg=name)


def test_the_pairs_worked_on_at_a_time_are_bounded_with_the_look_ahead(monkeypatch):
    monkeypatch.setattr("overflight.twin.BLOCK_PAIRS", 20_000)
    inputs = gather(territory="Lithuania", selection={"strategy": "longest-remaining"}, sampling={"max_cells": 60})
    twin = FleetTwin(inputs, inputs.fleets[0])
    slots = twin.block_slots + LOOK_AHEAD_SLOTS
    positions_km = twin._propagator.positions_km(inputs.slot_start[0] + np.timedelta64(15, "s") * np.arange(slots))
    largest = max(
        len(find_visible_series(group.tree, positions_km, min_elevation_deg=25.0).satellite)
        for group in twin._finder._groups
        if len(group.sites)
    )
    assert largest < MOST_OVER_ESTIMATE * 20_000


def test_more_is_in_view_above_a_lower_mask_and_from_higher_orbits():
    inputs = gather(constellations=[{"name": "starlink"}, {"name": "oneweb"}])
    starlink, oneweb = (fleet.elements for fleet in inputs.fleets)
    # Of a sphere of 6,371 km, the cap that 25° above its rim sees 480 km up has a half-angle of 7.56°.
    assert share_in_view(starlink, 25.0) == pytest.approx(0.5 * (1.0 - np.cos(np.radians(7.56))), rel=0.05)
    assert share_in_view(starlink, 10.0) > 2.5 * share_in_view(starlink, 25.0)
    assert share_in_view(oneweb, 25.0) > 2.5 * share_in_view(starlink, 25.0)
    assert share_in_view(starlink, 90.0) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("slots", [1, 3])
def test_the_look_ahead_goes_on_in_steps_of_the_scenario(slots):
    inputs = gather(time={"hours": slots / 60.0, "step_s": 60.0}, selection={"strategy": "longest-remaining"})
    assert len(inputs.slot_start) == slots
    longer = gather(time={"hours": 1.5, "step_s": 60.0}, selection={"strategy": "longest-remaining"})
    _, short = simulate(inputs)
    _, whole = simulate(longer)
    for name, values in short.items():
        np.testing.assert_array_equal(values, whole[name][:slots], err_msg=name)


def test_own_strategy_topology_and_routing_are_used():
    asked = {"strategy": 0, "topology": 0, "routing": 0}

    def lowest(candidates: Candidates):
        asked["strategy"] += 1
        return -candidates.elevation_deg

    def nobody(fleet):
        asked["topology"] += 1
        return np.empty((len(fleet), 0), np.int32)

    def own_routing(state: LinkState):
        asked["routing"] += 1
        return least_delay(state)

    inputs = gather()
    _, bent_pipe = simulate(gather(network={"topology": "none"}, selection={"strategy": "highest-elevation"}))
    _, own = simulate(inputs, strategy=lowest, topology=nobody, routing=own_routing)
    assert all(asked.values())
    assert (own["isl_hops"] == 0).all()
    served = own["serving"] >= 0
    assert (own["elevation_deg"][served] <= bent_pipe["elevation_deg"][served] + 1e-9).all()
    np.testing.assert_array_equal(own["satellites_usable"], bent_pipe["satellites_usable"])


def test_lasers_only_add_satellites_that_may_serve():
    _, without = simulate(gather(network={"topology": "none"}))
    _, grid = simulate(gather(network={"topology": "plus-grid"}))
    assert (grid["satellites_usable"] >= without["satellites_usable"]).all()
    assert grid["satellites_usable"].sum() > without["satellites_usable"].sum()


def test_a_given_home_is_the_home():
    inputs = gather(network={"homing": "Sydney"})
    _, frames = simulate(inputs)
    pops = inputs.fleets[0].pops
    assert {pops.city[row] for row in np.unique(frames["pop"]) if row >= 0} == {"Sydney"}


def test_an_obstruction_hides_what_stands_behind_it(tmp_path):
    wall = tmp_path / "wall.csv"
    wall.write_text("azimuth_deg,elevation_deg\n0,0\n89,0\n90,80\n270,80\n271,0\n", encoding="utf-8")
    _, free = simulate(gather())
    _, walled = simulate(gather(visibility={"obstruction": str(wall)}))
    assert (walled["satellites_usable"] <= free["satellites_usable"]).all()
    assert walled["satellites_usable"].sum() < 0.8 * free["satellites_usable"].sum()
