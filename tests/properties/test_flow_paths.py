"""Paths and landings: invariants over random ways, reaches and flows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.flow.fair import certify_fair, expand_paths, fair_rates
from overflight.flow.feeders import LANDINGS, LoadAware, Reach
from overflight.flow.paths import Backbone, Capacities, ResourceKind, assemble_flows, measure_imbalance

NO_WAY = -(2**31)
CONSERVED = 1e-9
"""Relative difference between what enters and what leaves a node."""


@st.composite
def slots(draw):
    """A slot: ways that are trees, gateways in reach at random, beams and flows at random."""
    satellites, gateways, pops = draw(st.integers(1, 8)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    beams, flows = draw(st.integers(1, 8)), draw(st.integers(0, 12))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    next_hop = np.empty((pops, satellites), np.int32)
    for pop in range(pops):
        for satellite in range(satellites):
            ends = [NO_WAY, -1 - int(generator.integers(gateways))]
            next_hop[pop, satellite] = (
                generator.choice(ends) if satellite == 0 or generator.random() < 0.4 else generator.integers(satellite)
            )
    near = generator.random((satellites, gateways)) < 0.5
    reach = Reach(
        np.concatenate([[0], np.cumsum(near.sum(axis=1))]),
        np.nonzero(near)[1].astype(np.int32),
        generator.uniform(1.0, 9.0, int(near.sum())),
    )
    backhaul_ms = np.where(generator.random((pops, gateways)) < 0.7, 1.0, np.inf)
    sizes = [0.0, 50.0, 300.0, np.inf]
    capacities = Capacities(
        generator.uniform(0.0, 200.0, beams),
        generator.choice(sizes, satellites),
        generator.choice(sizes, satellites),
        generator.choice(sizes, satellites),
        lambda a, b: 40.0 + 10.0 * (a + b),
        generator.choice(sizes, gateways),
        generator.choice(sizes, pops),
    )
    weight = generator.integers(0, 5, flows).astype(float)
    given = {
        "beam": generator.integers(0, beams, flows).astype(np.int32),
        "pop": generator.integers(0, pops, flows).astype(np.int32),
        "weight": weight,
        "demand_mbps": np.where(generator.random(flows) < 0.5, weight * 10.0, np.inf),
        "backbone": Backbone(next_hop, backhaul_ms, reach),
        "capacities": capacities,
    }
    return generator.integers(0, satellites, beams).astype(np.int32), given


RULES = [*LANDINGS, LoadAware(unit_mbps=5.0, comfortable=0.0)]


@pytest.mark.parametrize("landing", RULES, ids=str)
@given(slots())
@settings(max_examples=100, deadline=None)
def test_flow_is_conserved_and_fair_under_every_landing(landing, slot):
    beam_satellite, given_ = slot
    assembly = assemble_flows(beam_satellite, **given_, landing=landing)
    capacity = assembly.resources.capacity_mbps
    rates = fair_rates(assembly.flows, capacity)
    assert certify_fair(assembly.flows, capacity, rates).holds()
    assert measure_imbalance(assembly.resources, rates.load) <= CONSERVED
    assert (rates.load <= capacity * (1.0 + CONSERVED)).all()
    assert np.allclose(assembly.merge_rates(rates.rate).sum(), rates.rate.sum())
    assert np.allclose(np.bincount(assembly.part_of, assembly.fraction, len(given_["beam"])), 1.0)


@pytest.mark.parametrize("landing", RULES, ids=str)
@given(slots())
@settings(max_examples=60, deadline=None)
def test_a_part_crosses_its_beam_and_then_a_way_without_a_gap(landing, slot):
    beam_satellite, given_ = slot
    assembly = assemble_flows(beam_satellite, **given_, landing=landing)
    lists, resources = expand_paths(assembly.flows), assembly.resources
    kind, a, b = resources.kind, resources.a, resources.b
    for part, flow in enumerate(assembly.part_of):
        rows = lists.resource[lists.indptr[part] : lists.indptr[part + 1]]
        kinds = [ResourceKind(kind[row]) for row in rows]
        assert (kinds[0], a[rows[0]]) == (ResourceKind.BEAM, given_["beam"][flow])
        if kinds[1] == ResourceKind.NO_WAY:
            assert len(rows) == 2
            continue
        at = beam_satellite[a[rows[0]]]
        for row in rows[1:]:
            assert kind[row] == ResourceKind.POP or kind[row] == ResourceKind.GATEWAY or a[row] == at
            at = b[row] if kind[row] in {ResourceKind.LASER, ResourceKind.FEEDER} else at
            assert kind[row] != ResourceKind.GATEWAY or a[row] == at
        assert (kinds[-4:], a[rows[-1]]) == (
            [ResourceKind.LANDING, ResourceKind.FEEDER, ResourceKind.GATEWAY, ResourceKind.POP],
            given_["pop"][flow],
        )


@pytest.mark.parametrize("landing", ["least-delay", "hot-potato"])
@given(slots(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_flows_does_not_matter(landing, slot, random):
    beam_satellite, given_ = slot
    order = list(range(len(given_["beam"])))
    random.shuffle(order)
    moved = {name: value[order] if isinstance(value, np.ndarray) else value for name, value in given_.items()}

    def rates(given):
        assembly = assemble_flows(beam_satellite, **given, landing=landing)
        return assembly.merge_rates(fair_rates(assembly.flows, assembly.resources.capacity_mbps).rate)

    assert np.allclose(rates(moved), rates(given_)[order], rtol=1e-9, atol=1e-9)
