"""CosmoSim's pieces: plans keep the rules of beams, feeders their limits, the flow is a maximum, cells may come in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import maximum_flow

from overflight.flow.cosmosim import carry_over_lasers, grant_feeders
from overflight.network.isl import neighbours_from_pairs
from overflight.schedule.beams import BeamRequest, find_allocator, validate_plan
from overflight.schedule.cosmosim import allocate_coordinated
from overflight.service.cosmosim import share_over_beams, spread_terminals

MANY = settings(deadline=None, max_examples=150)


def draw_request(seed, *, channels=8):
    generator = np.random.default_rng(seed)
    cells, satellites = int(generator.integers(1, 40)), int(generator.integers(1, 12))
    seen = generator.random((cells, satellites)) < generator.uniform(0.1, 1.0)
    edges = [(a, b) for a in range(cells) for b in range(a) if generator.random() < 2.0 / cells]
    table = np.full((cells, 6), -1, np.int32)
    degree = np.zeros(cells, int)
    for a, b in edges:
        if degree[a] < 6 and degree[b] < 6:
            table[a, degree[a]], table[b, degree[b]] = b, a
            degree[a] += 1
            degree[b] += 1
    indptr = np.concatenate([[0], np.cumsum(seen.sum(axis=1))])
    return BeamRequest(
        indptr=indptr,
        satellite=np.nonzero(seen)[1].astype(np.int32),
        value_mbps=generator.choice([0.0, 500.0, 1280.0], int(indptr[-1]), p=[0.1, 0.3, 0.6]),
        need=generator.integers(0, 10, cells).astype(np.int32),
        priority=generator.integers(0, 5, cells) * 1000.0,
        licensed=generator.choice(np.array([0, 0b1010, 0xFF], np.uint32), cells, p=[0.05, 0.15, 0.8]),
        beams=generator.integers(0, 33, satellites).astype(np.int32),
        beams_per_channel=generator.integers(0, 5, satellites).astype(np.int32),
        neighbours=table,
        channels=channels,
    )


@MANY
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(["cosmosim-coordinated", "cosmosim-uncoordinated"]))
def test_plans_keep_the_rules(seed, name):
    request = draw_request(seed)
    plan = find_allocator(name)(request)
    validate_plan(request, plan)
    assert (request.value_mbps[plan.pair] > 0.0).all()


@MANY
@given(seed=st.integers(0, 2**32 - 1))
def test_a_cell_lacks_only_what_no_satellite_could_give_by_the_end(seed):
    request = draw_request(seed)
    plan = allocate_coordinated(request, shell=np.arange(request.n_satellites) % 3)
    serving = np.full((request.n_cells, request.channels), -1)
    serving[plan.cell, plan.channel] = plan.satellite
    used = np.bincount(plan.satellite, minlength=request.n_satellites)
    spots = np.zeros((request.n_satellites, request.channels), int)
    np.add.at(spots, (plan.satellite, plan.channel), 1)
    short = np.flatnonzero(np.bincount(plan.cell, minlength=request.n_cells) < request.need)
    for cell in short.tolist():
        pairs = np.arange(request.indptr[cell], request.indptr[cell + 1])
        for s in request.satellite[pairs[request.value_mbps[pairs] > 0.0]].tolist():
            for channel in np.flatnonzero(serving[cell] < 0).tolist():
                near = [other for other in request.neighbours[cell].tolist() if other >= 0]
                assert (
                    used[s] >= request.beams[s]
                    or spots[s, channel] >= request.beams_per_channel[s]
                    or not request.licensed[cell] >> np.uint32(channel) & np.uint32(1)
                    or any(serving[other, channel] == s for other in near)
                )


@MANY
@given(seed=st.integers(0, 2**32 - 1))
def test_flow_equals_that_of_another_algorithm(seed):
    generator = np.random.default_rng(seed)
    n = int(generator.integers(2, 60))
    pairs = generator.integers(0, n, (2, int(generator.integers(0, 2 * n))))
    linked = neighbours_from_pairs(*pairs, n)
    if not linked.shape[1]:
        linked = np.full((n, 1), -1, np.int32)
    supply, demand = (generator.integers(0, 300, n) * generator.integers(0, 2, n) for _ in range(2))
    laser = int(generator.choice([1, 30, 150, 10_000]))
    flow = carry_over_lasers(supply, demand, linked, laser_mbps=laser)
    a, column = np.nonzero(linked >= 0)
    rows = np.concatenate([a, np.full(n, n), np.arange(n)])
    columns = np.concatenate([linked[a, column], np.arange(n), np.full(n, n + 1)])
    capacity = np.concatenate([np.full(a.size, laser), supply, demand]).astype(np.int32)
    other = maximum_flow(coo_matrix((capacity, (rows, columns)), shape=(n + 2, n + 2)).tocsr(), n, n + 1)
    assert flow.total_mbps == other.flow_value
    assert flow.total_mbps == flow.met_mbps.sum()
    assert (flow.met_mbps <= demand).all()
    assert (flow.met_mbps >= 0).all()


@MANY
@given(seed=st.integers(0, 2**32 - 1))
def test_feeders_keep_their_limits_and_leave_nothing_that_could_be_had(seed):
    generator = np.random.default_rng(seed)
    satellites, gateways = int(generator.integers(1, 40)), int(generator.integers(1, 10))
    seen = generator.random((satellites, gateways)) < 0.4
    indptr, gateway = np.concatenate([[0], np.cumsum(seen.sum(axis=1))]), np.nonzero(seen)[1].astype(np.int32)
    demand = generator.integers(0, 41_000, satellites) * generator.integers(0, 2, satellites)
    limit = int(generator.integers(1, 65))
    grants = grant_feeders(demand, indptr, gateway, gateways=gateways, per_gateway=limit)
    assert (grants.by_satellite <= 8).all()
    assert grants.by_satellite.sum() == grants.by_gateway.sum() == grants.by_pair.sum()
    assert (grants.by_gateway <= limit).all()
    assert np.array_equal(np.bincount(gateway, weights=grants.by_pair, minlength=gateways), grants.by_gateway)
    full = grants.by_gateway == limit
    for s in np.flatnonzero(grants.by_satellite < 8).tolist():
        assert full[gateway[indptr[s] : indptr[s + 1]]].all()


@MANY
@given(
    population=st.lists(st.integers(0, 200_000), min_size=1, max_size=60).filter(any),
    count=st.integers(1, 100_000),
    name=st.sampled_from(["population", "waterfill", "waterfill_variant_1000"]),
)
def test_terminals_are_handed_out(population, count, name):
    people = np.array(population, float)
    spread = spread_terminals(people, count, distribution=name)
    assert (spread >= 0).all()
    if name == "waterfill":
        assert spread.sum() == count
    elif name == "population":
        assert count <= spread.sum() <= count + 2 * len(people)
    else:
        assert spread.sum() == (count if (people >= 1000).any() else 0)
        assert not spread[people < 1000].any()
    order = np.random.default_rng(count).permutation(len(people))
    if len(set(population)) == len(population):
        assert np.array_equal(spread_terminals(people[order], count, distribution=name), spread[order])


@MANY
@given(beams=st.lists(st.integers(0, 8), min_size=1, max_size=30), seed=st.integers(0, 2**32 - 1))
def test_terminals_are_split_evenly(beams, seed):
    terminals = np.random.default_rng(seed).integers(0, 500, len(beams))
    cell = np.repeat(np.arange(len(beams), dtype=np.int32), beams)
    shared = share_over_beams(cell, terminals)
    for row, number in enumerate(beams):
        own = shared[cell == row]
        assert own.sum() == (terminals[row] if number else 0)
        assert np.ptp(own) <= 1 if number else True
        assert (np.diff(own) <= 0).all()


def test_a_table_of_lasers_must_be_symmetric():
    with pytest.raises(ValueError, match="symmetric"):
        carry_over_lasers([1, 0], [0, 1], np.array([[1], [-1]], np.int32))
    with pytest.raises(ValueError, match="negative"):
        carry_over_lasers([-1, 0], [0, 1], np.array([[1], [0]], np.int32))
