"""Compiled loops of capacity: small cases by hand, and the plain functions that they stand for."""

import numpy as np
import pytest

from overflight.capacity import _kernels
from overflight.capacity.scenes import find_reaches
from overflight.capacity.usable import UsableFinder, share_out
from overflight.earth.cells import cell_centres, cell_of
from overflight.earth.geodesy import make_sites
from overflight.flow.fair import FlowTable
from overflight.flow.feeders import find_reach
from overflight.flow.paths import Assembly, Resources
from overflight.network.gateways import make_ground_segment
from overflight.pairs import PairFinder, PairRules
from overflight.sky.obstruction import ObstructionMask
from overflight.sky.visibility import CellTree


def make_satellites(count, slots, seed=3):
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(3, count))
    first = 6950.0 * direction / np.linalg.norm(direction, axis=0)
    return np.stack([first + slot * rng.normal(size=(3, 1)) * 40.0 for slot in range(slots)])


def test_active_terminals_and_what_they_ask_for_are_added_up():
    terminals, share, down = np.array([[10.0, 2.0], [0.0, 4.0]]), np.full((2, 2), 0.5), np.array([[1.0, 10.0], [1.0, 10.0]])
    active, whole, asked = np.empty((2, 2)), np.empty(2), np.empty(2)
    _kernels.ask_rates(terminals, share, np.array([1.0, 0.5]), down, active, whole, asked)
    assert active.tolist() == [[5.0, 1.0], [0.0, 1.0]]
    assert whole.tolist() == [6.0, 1.0]
    assert asked.tolist() == [15.0, 10.0]


def test_terminals_are_spread_over_beams_by_what_these_carry():
    cell, carries = np.array([0, 0, 1, 2], np.int32), np.array([100.0, 300.0, 50.0, 0.0])
    active = np.array([[8.0, 0.0], [2.0, 1.0], [5.0, 5.0]])
    beam, of_cell, of_class, terminals = np.empty(8, np.int32), np.empty(8, np.int32), np.empty(8, np.int8), np.empty(8)
    count = _kernels.group_terminals(cell, carries, active, beam, of_cell, of_class, terminals)
    # The beam of cell 2 carries nothing: nobody is on it.
    assert beam[:count].tolist() == [0, 1, 2, 2]
    assert of_cell[:count].tolist() == [0, 0, 1, 1]
    assert of_class[:count].tolist() == [0, 0, 0, 1]
    assert terminals[:count].tolist() == [2.0, 6.0, 2.0, 1.0]


@pytest.mark.parametrize("endless", [np.array([True, False]), np.zeros(0, np.bool_)])
def test_groups_are_weighed_by_their_terminals(endless):
    out = [np.empty(2), np.empty(2), np.empty(2), np.empty(2, np.int32)]
    rates = np.array([[1.0, 2.0], [3.0, 4.0]])
    _kernels.weigh_groups(
        np.array([0, 1], np.int32), np.array([1, 0], np.int8), np.array([5.0, 7.0]), np.array([1.0, 3.0]), rates, rates / 10.0,
        np.array([4, 6], np.int32), endless, *out,
    )  # fmt: skip
    weight, down, up, pop = out
    assert weight.tolist() == [15.0, 7.0]
    assert down.tolist() == [np.inf if len(endless) else 10.0, 21.0]
    assert up == pytest.approx([1.0, 2.1])
    assert pop.tolist() == [4, 6]


def test_parts_are_merged_as_the_assembly_merges_them():
    rng = np.random.default_rng(5)
    part_of = np.sort(np.concatenate([np.arange(40), rng.integers(0, 40, 30)])).astype(np.int32)
    count = len(part_of)
    first = np.array([0, 10, 20, 30, 40, 50, 60, 70, 71])
    bottleneck = np.where(rng.random(count) < 0.3, -1, rng.integers(0, 71, count)).astype(np.int32)
    rate, weight = rng.uniform(0.0, 9.0, count), rng.choice([0.0, 1.0, 2.5], count)
    empty = np.empty((2, 0), np.int32)
    resources = Resources(np.ones(71), first, np.zeros(10, np.int32), empty, empty)
    flows = FlowTable(np.zeros(count + 1, np.int64), np.empty(0, np.int32), weight, np.ones(count))
    assembly = Assembly(flows, resources, part_of, np.ones(count), 40)
    merged, kind = np.empty(40), np.empty(40, np.int8)
    _kernels.merge_parts(part_of, weight, rate, bottleneck, first, merged, kind)
    assert merged == pytest.approx(assembly.merge_rates(rate), rel=1e-12)
    whole = assembly.merge_bottlenecks(bottleneck, rate)
    assert np.array_equal(kind, np.where(whole < 0, -1, resources.kind_of(whole)))


def test_reach_is_that_of_every_gateway_tried_on_every_satellite():
    rng = np.random.default_rng(8)
    sites = make_sites(rng.uniform(-60.0, 60.0, 40), rng.uniform(-180.0, 180.0, 40))
    ground = make_ground_segment(
        sites, backhaul_ms=np.ones((1, 40)), min_elevation_deg=rng.uniform(5.0, 30.0, 40), max_range_km=rng.choice([900.0, np.inf], 40)
    )
    positions_km = make_satellites(500, 3)
    positions_km[:, :, 7] = np.nan
    rows = np.arange(500)
    for slot, found in enumerate(find_reaches(CellTree(sites), ground, positions_km, rows)):
        told = find_reach(
            positions_km[slot], sites.ecef_km, sites.up, min_elevation_deg=ground.min_elevation_deg, max_range_km=ground.max_range_km
        )
        assert np.array_equal(found.indptr, told.indptr)
        assert np.array_equal(found.gateway, told.gateway)
        assert found.delay_ms == pytest.approx(told.delay_ms, rel=1e-12)
    some = find_reaches(CellTree(sites), ground, positions_km[:1], np.arange(100))[0]
    assert some.indptr[100:].tolist() == [some.indptr[100]] * 401


def test_satellites_in_use_are_those_listed_and_those_on_their_ways():
    next_hop = np.array([[1, 2, -1, -1, -(2**31), 4], [-1, -1, -1, -1, -1, -1]], np.int32)
    used = np.zeros(6, np.bool_)
    _kernels.mark_used(np.array([0, 5], np.int32), next_hop, used)
    assert used.tolist() == [True, True, True, False, True, True]
    round_trip = np.array([[1, 0]], np.int32)
    used = np.zeros(2, np.bool_)
    _kernels.mark_used(np.array([0], np.int32), round_trip, used)
    assert used.tolist() == [True, True]


@pytest.mark.parametrize(
    ("mask_deg", "least_deg", "obstruction"),
    [
        (25.0, 18.0, None),
        (0.0, 0.0, None),
        (10.0, 90.0, None),
        (25.0, 18.0, ObstructionMask(np.array([0.0, 180.0]), np.array([50.0, 30.0]))),
    ],
)
def test_pairs_near_the_poles_the_arc_and_behind_obstructions(mask_deg, least_deg, obstruction):
    cells = np.unique(np.array([cell_of(*row) for row in ((0.0, 0.0), (0.3, 0.2), (81.2, 9.0), (81.5, 9.0), (89.9, 0.0))], dtype=np.uint64))
    sites = make_sites(*cell_centres(cells))
    positions_km = make_satellites(3000, 2)
    home, has_way = np.zeros(len(cells), np.int32), np.ones((2, 1, 3000), np.bool_)
    has_way[:, :, ::5] = False
    rules = PairRules(mask_deg, least_deg, obstruction, 15.0)
    found = UsableFinder(sites, cells, home, rules).mark(positions_km).list(has_way)
    pairs = PairFinder(sites, cells, rules).find(positions_km, slots=2).pairs
    kept = pairs.satellite % 5 != 0
    assert kept.sum() > 0
    for slot in range(2):
        here = kept & (pairs.slot == slot)
        assert np.array_equal(found[slot].satellite, pairs.satellite[here])
        assert np.array_equal(np.diff(found[slot].indptr), np.bincount(pairs.cell[here], minlength=len(cells)))


def test_work_is_shared_out_in_order():
    assert share_out(lambda item: item * item, [3, 1, 2], 2) == [9, 1, 4]
    assert share_out(lambda item: item + 1, [], 1) == []
