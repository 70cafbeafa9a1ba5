"""Paths, landings, groups: known answers on a small network, and what is refused.

Four satellites in a row, 3 at the end; satellite 3 lands at gateway 0, which serves both PoPs; satellite 1 could land at gateway 1 too,
which serves PoP 0 only.
"""

import dataclasses

import numpy as np
import pytest

from overflight.errors import InputError, ScenarioError
from overflight.flow.fair import FlowTable, certify_fair, fair_rates
from overflight.flow.feeders import LANDINGS, Landings, LoadAware, Reach, find_landing, find_reach, gateway_capacity_mbps
from overflight.flow.paths import Backbone, Capacities, ResourceKind, assemble_flows, measure_imbalance, replace_capacities

NO_WAY = -(2**31)
BACKBONE = Backbone(
    np.array([[1, 2, 3, -1], [1, 2, 3, NO_WAY]], np.int32),
    np.array([[1.0, 5.0], [1.0, np.inf]]),
    Reach(np.array([0, 0, 1, 1, 2]), np.array([1, 0], np.int32), np.array([2.0, 2.0])),
)
CAPACITIES = Capacities(np.full(3, 100.0), 1_000.0, 500.0, 400.0, 300.0, gateway_capacity_mbps([2, 1], dish_mbps=100.0), 5_000.0)
BEAM_SATELLITE = np.array([0, 0, 1], np.int32)


def assemble(landing="least-delay", *, pop=(0, 0, 0), backbone=BACKBONE, capacities=CAPACITIES, demand=np.inf, **changes):
    given = {"beam": np.arange(3, dtype=np.int32), "pop": np.array(pop, np.int32), "weight": np.ones(3), "demand_mbps": np.full(3, demand)}
    return assemble_flows(BEAM_SATELLITE, backbone=backbone, capacities=capacities, landing=landing, **(given | changes))


def names(assembly, flow):
    """Resources that a flow crosses, by kind and rows."""
    flows, resources = assembly.flows, assembly.resources
    path = flows.path[flow]
    own = flows.resource[flows.indptr[flow] : flows.indptr[flow + 1]]
    rows = [*own, *flows.path_resource[flows.path_indptr[path] : flows.path_indptr[path + 1]]]
    return [(ResourceKind(resources.kind[r]).name, int(resources.a[r]), int(resources.b[r])) for r in rows]


def test_a_flow_crosses_everything_on_its_way():
    assembly = assemble()
    assert names(assembly, 0) == [
        ("BEAM", 0, 0),
        ("SATELLITE", 0, -1),
        ("LASER", 0, 1),
        ("LASER", 1, 2),
        ("LASER", 2, 3),
        ("LANDING", 3, -1),
        ("FEEDER", 3, 0),
        ("GATEWAY", 0, -1),
        ("POP", 0, -1),
    ]
    assert assembly.resources.capacity_mbps.tolist() == [
        *[100.0] * 3, *[1_000.0] * 4, *[500.0] * 3, *[400.0] * 4, 300.0, 200.0, 100.0, 5_000.0, 5_000.0, 0.0,
    ]  # fmt: skip
    assert assembly.resources.kind_of([-1, 0, len(assembly.resources) - 1]).tolist() == [-1, ResourceKind.BEAM, ResourceKind.NO_WAY]
    assert len(assembly.resources) == 20


def test_hot_potato_lands_as_soon_as_a_gateway_serves_the_pop():
    assembly = assemble("hot-potato", pop=(0, 0, 0))
    assert names(assembly, 2)[1:] == [("SATELLITE", 1, -1), ("LANDING", 1, -1), ("FEEDER", 1, 1), ("GATEWAY", 1, -1), ("POP", 0, -1)]
    assert [kind for kind, _, _ in names(assembly, 0)].count("LASER") == 1


def test_where_no_way_leads_nothing_flows():
    assembly = assemble(pop=(0, 1, 1))
    rates = fair_rates(assembly.flows, assembly.resources.capacity_mbps)
    assert names(assembly, 1) == [("BEAM", 1, 0), ("NO_WAY", -1, -1)]
    assert rates.rate.tolist() == [100.0, 0.0, 0.0]
    assert assembly.resources.kind_of(rates.bottleneck)[1:].tolist() == [ResourceKind.NO_WAY] * 2
    assert measure_imbalance(assembly.resources, rates.load) < 1e-12


def test_load_aware_lifts_the_total_and_the_worst_rate_where_a_gateway_is_full():
    full = {landing: assemble(landing) for landing in LANDINGS}
    rates = {landing: fair_rates(parts.flows, parts.resources.capacity_mbps) for landing, parts in full.items()}
    total = {landing: found.rate.sum() for landing, found in rates.items()}
    worst = {landing: full[landing].merge_rates(found.rate).min() for landing, found in rates.items()}
    assert total["least-delay"] == pytest.approx(200.0)
    assert total["hot-potato"] == pytest.approx(100.0)
    assert total["load-aware"] == pytest.approx(300.0)
    assert worst["load-aware"] > worst["least-delay"] * 1.4
    for landing, parts in full.items():
        assert certify_fair(parts.flows, parts.resources.capacity_mbps, rates[landing]).holds()
        assert measure_imbalance(parts.resources, rates[landing].load) < 1e-12


def test_load_aware_leaves_traffic_alone_where_nothing_is_full():
    roomy = dataclasses.replace(CAPACITIES, gateway_mbps=1e6, feeder_mbps=1e6, landing_mbps=1e6)
    assert names(assemble("load-aware", capacities=roomy), 2) == names(assemble(capacities=roomy), 2)


def test_load_aware_keeps_to_the_aerials_of_satellites_and_the_dishes_of_gateways():
    near = Reach(np.array([0, 2, 2, 2, 3]), np.array([0, 1, 0], np.int32), np.ones(3))
    backbone = dataclasses.replace(BACKBONE, reach=near)
    tight = dataclasses.replace(CAPACITIES, feeder_mbps=60.0)

    def links(**limits):
        rule = LoadAware(unit_mbps=10.0, comfortable=0.0, **limits)
        return assemble(rule, backbone=backbone, capacities=tight).resources.feeder_ends

    assert np.bincount(links(gateways_per_satellite=1)[0]).max() == 1
    assert np.bincount(links(gateways_per_satellite=2)[0]).max() == 2
    assert np.bincount(links()[1]).tolist() == [2, 1]
    assert np.bincount(links(satellites_per_gateway=1)[1]).tolist() == [1, 1]


def test_a_flow_is_cut_between_landings_and_put_together_again():
    def halves(state):
        rows = len(state.satellite)
        return Landings(np.arange(0, 2 * rows + 1, 2), np.tile([1, 3], rows), np.tile([1, 0], rows), np.full(2 * rows, 0.5))

    assembly = assemble(halves, demand=50.0)
    assert assembly.part_of.tolist() == [0, 1, 2, 2]
    assert assembly.fraction == pytest.approx([1.0, 1.0, 0.5, 0.5])
    assert assembly.flows.demand == pytest.approx([50.0, 50.0, 25.0, 25.0])
    rates = fair_rates(assembly.flows, assembly.resources.capacity_mbps)
    assert assembly.merge_rates(rates.rate) == pytest.approx([50.0] * 3)
    assert assembly.merge_bottlenecks(rates.bottleneck, rates.rate).tolist() == [-1] * 3
    assert assembly.merge_bottlenecks(np.array([4, -1, -1, 7], np.int32), rates.rate).tolist() == [4, -1, 7]


def test_the_other_direction_has_the_same_resources():
    down = assemble()
    up = replace_capacities(
        down.resources, dataclasses.replace(CAPACITIES, beam_mbps=np.full(3, 10.0), feeder_mbps=lambda s, g: s * 10.0 + g)
    )
    assert up.capacity_mbps[up.rows(ResourceKind.BEAM)].tolist() == [10.0] * 3
    assert up.capacity_mbps[up.rows(ResourceKind.FEEDER)].tolist() == [30.0]
    assert up.first.tolist() == down.resources.first.tolist()


def test_a_laser_carries_what_its_lesser_end_does():
    lasers = dataclasses.replace(CAPACITIES, laser_mbps=np.array([10.0, 20.0, 0.0, 30.0]))
    assert assemble(capacities=lasers).resources.capacity_mbps[7:10].tolist() == [10.0, 0.0, 0.0]


def test_reach_keeps_to_mask_and_range():
    up = np.array([[1.0], [0.0], [0.0]])
    satellites_km = np.array([[7_000.0, 7_000.0, np.nan, 6_000.0], [0.0, 1_000.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    reach = find_reach(satellites_km, 6_378.0 * up, up, min_elevation_deg=40.0)
    assert (reach.indptr.tolist(), reach.gateway.tolist()) == ([0, 1, 1, 1, 1], [0])
    assert reach.delay_ms == pytest.approx([622.0 / 299_792.458 * 1e3])
    assert find_reach(satellites_km, 6_378.0 * up, up, min_elevation_deg=-90.0).gateway.tolist() == [0, 0, 0]
    assert len(find_reach(satellites_km, 6_378.0 * up, up, min_elevation_deg=25.0, max_range_km=600.0).gateway) == 0
    many = np.repeat(6_378.0 * up, 200, axis=1)
    assert len(find_reach(satellites_km, many, np.repeat(up, 200, axis=1), min_elevation_deg=25.0).gateway) == 400


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"beam": np.array([0, 1, 3], np.int32)}, "a beam outside 0..2"),
        ({"pop": (0, 0, 2)}, "a PoP outside 0..1"),
        ({"weight": np.ones(2)}, "2 weights"),
        ({"capacities": dataclasses.replace(CAPACITIES, beam_mbps=np.ones(2))}, "beam_mbps"),
        ({"capacities": dataclasses.replace(CAPACITIES, pop_mbps=np.ones(5))}, "pop_mbps"),
        ({"capacities": dataclasses.replace(CAPACITIES, laser_mbps=-1.0)}, "laser_mbps"),
        ({"backbone": dataclasses.replace(BACKBONE, backhaul_ms=np.ones((3, 2)))}, "backbone"),
        ({"backbone": dataclasses.replace(BACKBONE, next_hop=np.array([[1, 0, 0, 0]] * 2, np.int32))}, "circle"),
        ({"backbone": dataclasses.replace(BACKBONE, next_hop=np.array([[1, 0, 0, 0]] * 2, np.int32)), "landing": "load-aware"}, "circle"),
        ({"landing": "straight"}, "landing 'straight': unknown; take one of least-delay"),
        ({"landing": lambda _: Landings(np.arange(2), *(np.zeros(1, int),) * 2, np.ones(1))}, "2 bounds for 2 rows"),
        ({"landing": lambda _: Landings(np.arange(3), *(np.zeros(2, int),) * 2, np.zeros(2))}, "shares above 0"),
        ({"landing": lambda _: Landings(np.arange(3), *(np.full(2, 9),) * 2, np.ones(2))}, "a satellite outside"),
        ({"landing": lambda _: Landings(np.arange(3), *(np.zeros(2, int),) * 2, np.array([1.0, 0.5]))}, "traffic row 1 do not add up"),
        (
            {"landing": lambda _: Landings(np.arange(3), *(np.zeros(2, int),) * 2, np.ones(2))},
            "satellite 0 is not on the way of satellite 1",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(changes, words):
    with pytest.raises(InputError, match=words) as error:
        assemble(**changes)
    assert "\n" not in str(error.value)


def test_settings_of_the_load_aware_rule_are_checked():
    assert find_landing("load-aware") == LoadAware()
    for wrong in ({"unit_mbps": 0.0}, {"comfortable": -1.0}, {"rounds": -1}, {"gateways_per_satellite": 0}, {"satellites_per_gateway": 0}):
        with pytest.raises(ScenarioError, match="load-aware"):
            LoadAware(**wrong)


def test_flow_tables_of_an_empty_slot():
    none = np.empty(0, np.int32)
    capacities = dataclasses.replace(CAPACITIES, beam_mbps=np.empty(0))
    for landing in LANDINGS:
        empty = assemble_flows(
            none,
            beam=none,
            pop=none,
            weight=np.empty(0),
            demand_mbps=np.empty(0),
            backbone=BACKBONE,
            capacities=capacities,
            landing=landing,
        )
        assert isinstance(empty.flows, FlowTable)
        assert fair_rates(empty.flows, empty.resources.capacity_mbps).load.sum() == 0.0
        assert empty.merge_rates(np.empty(0)).tolist() == []
        assert empty.merge_bottlenecks(none, np.empty(0)).tolist() == []
