"""Ways: views of a block, following, tracing, limits, routings of one's own, refusals."""

from itertools import pairwise

import numpy as np
import pytest
from tests.network_sample import sample_fleet, sample_ground

from overflight.errors import InputError, ScenarioError
from overflight.network.ways import MS_PER_KM, NO_WAY, SlotWays, fewest_hops, find_routing, find_ways, least_delay, trace_route

SUM_MS = 1e-9
"""A way's delay against the sum of its parts, added up in another order."""


@pytest.fixture(scope="module")
def fleet():
    return sample_fleet(slots=11)


@pytest.fixture(scope="module")
def ways(fleet):
    return find_ways(*fleet, sample_ground())


def test_a_block_is_a_sequence_of_slots(fleet, ways):
    assert len(ways) == 11
    assert ways[10].delay_ms.shape == ways[10].next_hop.shape == (2, fleet[0].shape[2])
    assert np.isfinite(ways[10].delay_ms).any()
    for slot in (-1, 11):
        with pytest.raises(IndexError):
            ways[slot]


def test_parts_add_up(fleet, ways):
    n = fleet[0].shape[2]
    slots, satellites = np.repeat(np.arange(11), n), np.tile(np.arange(n), 11)
    followed = ways.follow(slots, 1, satellites)
    there = np.isfinite(followed.delay_ms)
    assert there.any()
    assert (followed.gateway[~there] == -1).all()
    assert np.isinf(followed.propagation_ms[~there]).all()
    assert np.array_equal(followed.delay_ms, np.concatenate([ways[k].delay_ms[1] for k in range(11)]))
    assert np.abs(followed.delay_ms - followed.propagation_ms - followed.backhaul_ms)[there].max() < SUM_MS
    assert (followed.feeder_ms <= followed.propagation_ms).all()
    assert (followed.isl_hops > 0).any()
    straight = there & (followed.isl_hops == 0)
    assert np.array_equal(followed.feeder_ms[straight], followed.propagation_ms[straight])


def test_a_traced_route_has_every_link(fleet, ways):
    satellite = int(np.argmax(np.where(np.isfinite(ways[4].delay_ms[0]), ways[4].delay_ms[0], -1.0)))
    route = trace_route(ways, 4, satellite, 0)
    assert [hop.kind for hop in route[-2:]] == ["gateway", "pop"]
    assert {hop.kind for hop in route[:-2]} == {"satellite"}
    assert sum(hop.delay_ms for hop in route) == pytest.approx(ways[4].delay_ms[0, satellite], abs=SUM_MS)
    positions, neighbours = fleet[0][4], fleet[1]
    for a, b in pairwise(route[:-2]):
        assert b.row in neighbours[a.row]
        assert b.delay_ms == pytest.approx(MS_PER_KM * np.linalg.norm(positions[:, a.row] - positions[:, b.row]))


def test_no_route_from_a_satellite_without_a_way(fleet):
    ways = find_ways(fleet[0], np.empty((fleet[0].shape[2], 0), np.int32), sample_ground())
    lost = int(np.flatnonzero(np.isinf(ways[0].delay_ms[0]))[0])
    assert trace_route(ways, 0, lost, 0) == []
    assert ways[0].next_hop[0, lost] == NO_WAY


def test_without_links_only_satellites_over_a_gateway_have_a_way(fleet):
    ground = sample_ground()
    ways = find_ways(fleet[0], np.empty((fleet[0].shape[2], 0), np.int32), ground)
    for slot in (0, 10):
        step = fleet[0][slot][:, None] - ground.sites.ecef_km[:, :, None]
        length = np.sqrt((step**2).sum(axis=0))
        sine = (step * ground.sites.up[:, :, None]).sum(axis=0) / length
        in_reach = sine >= np.sin(np.radians(ground.min_elevation_deg))[:, None]
        expected = np.where(in_reach, length * MS_PER_KM + ground.backhaul_ms[0][:, None], np.inf).min(axis=0)
        assert np.allclose(ways[slot].delay_ms[0], expected, rtol=0, atol=SUM_MS)


def test_a_limit_on_lasers_drops_longer_ways(fleet, ways):
    n = fleet[0].shape[2]
    hops = ways.follow(3, 0, np.arange(n)).isl_hops
    for limit in (0, 1, 3):
        limited = find_ways(*fleet, sample_ground(), max_isl_hops=limit)
        if limit:
            expected = np.where(hops <= limit, ways[3].delay_ms[0], np.inf)
            assert np.array_equal(limited[3].delay_ms[0], expected)
        assert limited.follow(3, 0, np.arange(n)).isl_hops.max() <= limit
    bent = find_ways(fleet[0], no_links_of(n), sample_ground())
    assert np.array_equal(bent[3].delay_ms, find_ways(*fleet, sample_ground(), max_isl_hops=0)[3].delay_ms)


def no_links_of(n):
    return np.empty((n, 0), np.int32)


def test_fewest_hops_never_takes_more_lasers_nor_less_time(fleet, ways):
    fewest = find_ways(*fleet, sample_ground(), routing="fewest-hops")
    satellites = np.arange(fleet[0].shape[2])
    a, b = fewest.follow(5, 0, satellites), ways.follow(5, 0, satellites)
    assert (a.isl_hops <= b.isl_hops).all()
    assert (a.isl_hops < b.isl_hops).any()
    assert (a.delay_ms[np.isfinite(a.delay_ms)] >= b.delay_ms[np.isfinite(a.delay_ms)] - SUM_MS).all()
    assert np.abs(a.delay_ms - a.propagation_ms - a.backhaul_ms)[np.isfinite(a.delay_ms)].max() < SUM_MS


def test_the_compiled_routings_equal_the_readable_ones(fleet, ways):
    for name, routing in (("least-delay", least_delay), ("fewest-hops", fewest_hops)):
        compiled = find_ways(*fleet, sample_ground(), routing=name)
        readable = find_ways(*fleet, sample_ground(), routing=lambda state, routing=routing: routing(state))
        for slot in range(11):
            assert np.array_equal(compiled[slot].delay_ms, readable[slot].delay_ms)
            assert np.array_equal(compiled[slot].next_hop, readable[slot].next_hop)
    assert np.array_equal(find_ways(*fleet, sample_ground(), routing=least_delay)[2].delay_ms, ways[2].delay_ms)


def test_a_routing_of_ones_own_sees_the_slot(fleet):
    seen = []

    def bent_pipe(state):
        seen.append(state)
        return SlotWays(state.down_delay_ms, np.where(state.down_gateway < 0, NO_WAY, -1 - state.down_gateway))

    ways = find_ways(*fleet, sample_ground(), routing=bent_pipe)
    assert len(seen) == 11
    assert np.array_equal(seen[7].positions_km, fleet[0][7])
    assert seen[7].isl_delay_ms.shape == fleet[1].shape
    assert np.array_equal(ways[7].delay_ms, find_ways(fleet[0], no_links_of(fleet[0].shape[2]), sample_ground())[7].delay_ms)


def test_a_routing_that_returns_nonsense_is_told(fleet):
    n = fleet[0].shape[2]

    def wrong_shape(state):
        return SlotWays(state.down_delay_ms[:1], np.zeros((2, n), np.int32))

    def wrong_hop(state):
        return SlotWays(state.down_delay_ms, np.full((2, n), n, np.int32))

    def circle(state):
        return SlotWays(np.ones((2, n)), np.where(np.arange(n) == 0, 1, 0) * np.ones((2, 1), np.int32))

    for routing, message in ((wrong_shape, "shape"), (wrong_hop, "next hop")):
        with pytest.raises(InputError, match=message):
            find_ways(*fleet, sample_ground(), routing=routing)
    with pytest.raises(InputError, match="circle"):
        find_ways(*fleet, sample_ground(), routing=circle).follow(0, 0, 5)


def test_satellites_without_a_state_have_no_way_and_carry_nothing(fleet):
    positions = fleet[0].copy()
    positions[:, :, ::7] = np.nan
    positions[3:, :, 5] = np.nan
    ways = find_ways(positions, fleet[1], sample_ground())
    assert np.isinf(ways[0].delay_ms[:, ::7]).all()
    assert np.isinf(ways[5].delay_ms[:, 5]).all()
    hops = ways[5].next_hop
    assert not np.isin(hops[hops >= 0], [5, *range(0, positions.shape[2], 7)]).any()


def test_a_satellite_that_lives_in_part_of_a_group_is_not_missed(fleet):
    positions = fleet[0].copy()
    everywhere = find_ways(positions, no_links_of(positions.shape[2]), sample_ground())
    satellite = int(np.argmin(everywhere[0].delay_ms[0]))
    positions[1:, :, satellite] = np.nan
    ways = find_ways(positions, no_links_of(positions.shape[2]), sample_ground())
    assert ways[0].delay_ms[0, satellite] == everywhere[0].delay_ms[0, satellite]
    assert np.isinf(ways[1].delay_ms[0, satellite])


@pytest.mark.parametrize("place", [np.nan, np.inf, 1e12, 0.0, 1.0])
def test_positions_that_are_none_harm_nobody(fleet, place):
    positions = fleet[0].copy()
    positions[:, :, 3] = place
    positions[:, 1, 4] = np.nan
    ways = find_ways(positions, fleet[1], sample_ground())
    assert np.isinf(ways[0].delay_ms[:, [3, 4]]).all()
    assert np.isfinite(ways[0].delay_ms).any()
    alone = find_ways(np.full((2, 3, 1), place), no_links_of(1), sample_ground())
    assert np.isinf(alone[0].delay_ms).all()


def test_nothing_in_nothing_out():
    ways = find_ways(np.empty((0, 3, 4)), no_links_of(4), sample_ground())
    assert len(ways) == 0
    nobody = find_ways(np.empty((3, 3, 0)), np.empty((0, 4), np.int32), sample_ground())
    assert nobody[2].delay_ms.shape == (2, 0)


@pytest.mark.parametrize("options", [{"threads": 0}, {"max_isl_hops": -1}, {"isl_range_km": np.nan}, {"isl_range_km": -1.0}])
def test_limits_that_make_no_sense_are_refused(fleet, options):
    with pytest.raises(InputError):
        find_ways(*fleet, sample_ground(), **options)


def test_wrong_shapes_indices_and_names_are_refused(fleet, ways):
    with pytest.raises(InputError, match="positions_km"):
        find_ways(fleet[0][0], fleet[1], sample_ground())
    with pytest.raises(InputError, match="neighbours"):
        find_ways(fleet[0], fleet[1][:5], sample_ground())
    with pytest.raises(ScenarioError, match="least-delay, fewest-hops"):
        find_ways(*fleet, sample_ground(), routing="fastest")
    for slot, pop, satellite in ((11, 0, 0), (0, 2, 0), (0, 0, -1)):
        with pytest.raises(InputError, match=r"0\.\."):
            ways.follow(slot, pop, satellite)
    assert find_routing("least-delay") is least_delay


def test_who_may_not_land_goes_over_lasers(fleet):
    open_to = np.random.default_rng(3).random((11, 2, fleet[0].shape[2])) < 0.5
    found = find_ways(*fleet, sample_ground(), may_land=open_to)
    slow = find_ways(*fleet, sample_ground(), may_land=open_to, routing=lambda state, routing=least_delay: routing(state))
    lands = 0
    for slot in range(11):
        assert np.array_equal(found[slot].delay_ms, slow[slot].delay_ms)
        down = (found[slot].next_hop < 0) & (found[slot].next_hop != NO_WAY)
        assert not (down & ~open_to[slot]).any()
        lands += down.sum()
    assert lands > 100
    with pytest.raises(InputError, match="may_land"):
        find_ways(*fleet, sample_ground(), may_land=open_to[0])
