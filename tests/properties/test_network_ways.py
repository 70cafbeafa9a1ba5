"""Ways are the least sums, over any network: against Dijkstra's algorithm, and against what must hold of any shortest way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from tests.network_sample import sample_fleet, sample_ground

from overflight.earth.geodesy import make_sites
from overflight.network.gateways import make_ground_segment
from overflight.network.isl import (
    TOPOLOGIES,
    TopologyInput,
    check_neighbours,
    line_of_sight_height_km,
    link_is_feasible,
    measure_isl_km,
    neighbours_from_pairs,
)
from overflight.network.ways import MS_PER_KM, NO_WAY, find_ways

ROUNDING_MS = 1e-9
"""fewest-hops carries the hops in the same number as the delay."""

CLEARANCE_KM = 0.01
"""The height is taken at the lowest point of the line in a space stretched to make the Earth a sphere."""


@st.composite
def networks(draw):
    """Any satellites in motion, any symmetric links up to degree 6, any gateways and PoPs."""
    seed, n = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 60))
    slots, degree = draw(st.integers(1, 19)), draw(st.integers(0, 6))
    generator = np.random.default_rng(seed)
    start = generator.normal(size=(3, n))
    start *= (6378.0 + generator.uniform(300.0, 2500.0, n)) / np.linalg.norm(start, axis=0)
    speed = generator.normal(size=(3, n)) * generator.choice([0.0, 7.0, 100.0])
    positions = np.stack([start + 15.0 * k * speed for k in range(slots)])
    positions[generator.random((slots, n)).repeat(3).reshape(slots, n, 3).transpose(0, 2, 1) < 0.03] = np.nan
    room = np.full(n, degree)
    pairs = []
    for a, b in generator.integers(0, n, (4 * n, 2)):
        if a != b and room[a] and room[b] and (a, b) not in pairs and (b, a) not in pairs:
            pairs.append((a, b))
            room[a] -= 1
            room[b] -= 1
    a, b = (np.array(pairs, dtype=np.int64).reshape(-1, 2)).T
    neighbours = neighbours_from_pairs(a, b, n)
    gateways, pops = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    sites = make_sites(generator.uniform(-90, 90, gateways), generator.uniform(-180, 180, gateways), generator.uniform(0, 4000, gateways))
    backhaul = np.where(generator.random((pops, gateways)) < 0.3, np.inf, generator.uniform(0.0, 80.0, (pops, gateways)))
    ground = make_ground_segment(sites, backhaul_ms=backhaul, min_elevation_deg=generator.uniform(-90.0, 60.0, gateways))
    return positions, neighbours, ground, draw(st.booleans())


def reference_delays(positions, neighbours, ground, clearance_km):
    """Dijkstra's algorithm of SciPy, from each PoP, on the graph of one slot."""
    n, gateways, pops = positions.shape[1], len(ground), ground.backhaul_ms.shape[0]
    step = positions[:, None] - ground.sites.ecef_km[:, :, None]
    length = np.sqrt((step**2).sum(axis=0))
    up = (step * ground.sites.up[:, :, None]).sum(axis=0)
    sine = np.where(ground.min_elevation_deg <= -90.0, -2.0, np.sin(np.radians(ground.min_elevation_deg)))
    reach = (up >= sine[:, None] * length) & (length <= ground.max_range_km[:, None])
    carries = link_is_feasible(positions, neighbours, clearance_km=clearance_km)
    a, side = np.nonzero(carries)
    isl_ms = measure_isl_km(positions, neighbours)[a, side] * MS_PER_KM
    delays = np.full((pops, n), np.inf)
    for pop in range(pops):
        down = np.where(reach, length * MS_PER_KM + ground.backhaul_ms[pop][:, None], np.inf).min(axis=0)
        over = np.flatnonzero(np.isfinite(down))
        rows, columns = np.concatenate([a, np.full(over.size, n)]), np.concatenate([neighbours[a, side], over])
        graph = coo_matrix((np.concatenate([isl_ms, down[over]]), (rows, columns)), (n + 1, n + 1)).tocsr()
        delays[pop] = dijkstra(graph, indices=n)[:n]
    assert gateways == len(ground)
    return delays


@settings(max_examples=60, deadline=None)
@given(networks())
def test_delays_equal_dijkstra_to_the_last_bit(network):
    positions, neighbours, ground, clear = network
    clearance_km = 80.0 if clear else None
    ways = find_ways(positions, neighbours, ground, isl_clearance_km=clearance_km)
    for slot in range(len(positions)):
        assert np.array_equal(ways[slot].delay_ms, reference_delays(positions[slot], neighbours, ground, clearance_km))


@settings(max_examples=40, deadline=None)
@given(networks())
def test_no_neighbour_offers_less_and_the_next_hop_gives_what_is_said(network):
    positions, neighbours, ground, _ = network
    ways = find_ways(positions, neighbours, ground)
    for slot in range(len(positions)):
        delay, hop = ways[slot]
        carries = link_is_feasible(positions[slot], neighbours)
        weight = np.where(carries, measure_isl_km(positions[slot], neighbours) * MS_PER_KM, np.inf)
        offers = np.where(neighbours < 0, np.inf, delay[:, np.maximum(neighbours, 0)] + weight)
        if neighbours.shape[1]:
            assert (delay <= offers.min(axis=2)).all()
            for pop, satellite in np.argwhere(hop >= 0):
                side = np.flatnonzero(neighbours[satellite] == hop[pop, satellite])
                assert offers[pop, satellite, side[0]] == delay[pop, satellite]
        assert np.array_equal(hop == NO_WAY, np.isinf(delay))


@settings(max_examples=30, deadline=None)
@given(networks(), st.integers(0, 2**32 - 1))
def test_the_order_of_satellites_and_the_threads_do_not_matter(network, seed):
    positions, neighbours, ground, _ = network
    n = positions.shape[2]
    order = np.random.default_rng(seed).permutation(n)
    place = np.argsort(order)
    turned = neighbours[order]
    turned = np.where(turned < 0, -1, place[np.maximum(turned, 0)]).astype(np.int32)
    plain = find_ways(positions, neighbours, ground)
    shuffled = find_ways(positions[:, :, order], turned, ground, threads=3)
    threaded = find_ways(positions, neighbours, ground, threads=3)
    for slot in range(len(positions)):
        assert np.array_equal(plain[slot].delay_ms[:, order], shuffled[slot].delay_ms)
        assert np.array_equal(plain[slot].delay_ms, threaded[slot].delay_ms)
        assert np.array_equal(plain[slot].next_hop, threaded[slot].next_hop)


@settings(max_examples=30, deadline=None)
@given(networks())
def test_fewest_hops_are_those_of_a_search_by_levels(network):
    positions, neighbours, ground, _ = network
    n = positions.shape[2]
    ways = find_ways(positions, neighbours, ground, routing="fewest-hops")
    for slot in range(len(positions)):
        carries = link_is_feasible(positions[slot], neighbours)
        weight = np.where(carries, measure_isl_km(positions[slot], neighbours) * MS_PER_KM, np.inf)
        for pop in range(ground.backhaul_ms.shape[0]):
            best = find_ways(positions[slot : slot + 1], neighbours[:, :0], ground)[0].delay_ms[pop].copy()
            hops = np.where(np.isfinite(best), 0, -1)
            for level in range(1, n + 1):
                if not neighbours.shape[1]:
                    break
                before = np.where(hops == level - 1, best, np.inf)
                offers = np.where(neighbours < 0, np.inf, before[np.maximum(neighbours, 0)] + weight).min(axis=1)
                new = (hops < 0) & np.isfinite(offers)
                hops[new], best[new] = level, offers[new]
            assert np.allclose(ways[slot].delay_ms[pop], best, rtol=0.0, atol=ROUNDING_MS)
            followed = ways.follow(slot, pop, np.arange(n))
            assert np.array_equal(followed.isl_hops, np.maximum(hops, 0))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["plus-grid", "three-link", "nearest"]),
    st.integers(1, 9),
    st.integers(1, 12),
    st.floats(0.0, 30.0),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_links_are_symmetric_few_and_clear_of_the_atmosphere(name, planes, per_plane, jitter_deg, seed, moving):
    generator = np.random.default_rng(seed)
    plane, slot = np.repeat(np.arange(planes), per_plane), np.tile(np.arange(per_plane), planes)
    kept = generator.random(plane.size) < 0.9
    plane, slot = plane[kept], slot[kept]
    along = np.radians(360.0 * slot / per_plane + generator.uniform(-jitter_deg, jitter_deg, plane.size))
    node, tilt = 2.0 * np.pi * plane / planes, generator.uniform(0.2, 2.9)

    def turn(u, v):
        return np.stack(
            [u * np.cos(node) - v * np.cos(tilt) * np.sin(node), u * np.sin(node) + v * np.cos(tilt) * np.cos(node), v * np.sin(tilt)]
        )

    positions = (6378.0 + generator.uniform(340.0, 1300.0, plane.size)) * turn(np.cos(along), np.sin(along))
    fleet = TopologyInput(
        positions,
        generator.integers(0, 2, plane.size).astype(np.int16),
        plane.astype(np.int16),
        slot.astype(np.int16),
        velocities_km_s=turn(-np.sin(along), np.cos(along)) if moving else None,
    )
    neighbours = check_neighbours(TOPOLOGIES[name](fleet), plane.size)
    assert (neighbours >= 0).sum(axis=1).max(initial=0) <= (3 if name == "three-link" else 4)
    a, side = np.nonzero(link_is_feasible(positions, neighbours))
    b = neighbours[a, side]
    assert (fleet.shell[a] == fleet.shell[b]).all()
    assert (line_of_sight_height_km(positions[:, a], positions[:, b]) >= fleet.clearance_km - CLEARANCE_KM).all()
    if name == "nearest":
        assert np.array_equal(link_is_feasible(positions, neighbours), neighbours >= 0)


@pytest.mark.parametrize("name", ["plus-grid", "three-link", "nearest"])
def test_links_do_not_depend_on_the_order_of_satellites(name):
    positions, _ = sample_fleet(slots=2, step_s=1.0)
    n = positions.shape[2]
    plane, slot = np.repeat(np.arange(18), 12).astype(np.int16), np.tile(np.arange(12), 18).astype(np.int16)
    order = np.random.default_rng(5).permutation(n)
    velocity = positions[1] - positions[0]
    shell = np.zeros(n, np.int16)
    plain = TOPOLOGIES[name](TopologyInput(positions[0], shell, plane, slot, velocities_km_s=velocity))
    turned = TOPOLOGIES[name](TopologyInput(positions[0][:, order], shell, plane[order], slot[order], velocities_km_s=velocity[:, order]))
    links = {(i, int(j)) for i, row in enumerate(plain) for j in row if j >= 0}
    assert links == {(int(order[i]), int(order[j])) for i, row in enumerate(turned) for j in row if j >= 0}
    assert links


def test_a_gateway_in_reach_is_never_missed_however_far_satellites_move():
    ground = sample_ground()
    for step_s in (0.1, 15.0, 300.0, 3600.0):
        positions, _ = sample_fleet(slots=17, step_s=step_s)
        none = np.empty((positions.shape[2], 0), np.int32)
        ways = find_ways(positions, none, ground)
        for slot in range(17):
            assert np.array_equal(ways[slot].delay_ms, reference_delays(positions[slot], none, ground, 80.0))
