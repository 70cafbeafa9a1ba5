"""Fused kernels of capacity against the plain path: the same pairs, rates, gateways and shares, whatever the territory and the time."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.capacity.links import add_interference, find_surroundings, rate_lit, rate_pairs
from overflight.capacity.market import Market
from overflight.capacity.twin import CapacityTwin, saturate
from overflight.capacity.usable import UsableFinder
from overflight.earth.cells import cell_centres, cell_of
from overflight.earth.geodesy import make_sites
from overflight.flow.fair import FairRates, certify_fair
from overflight.flow.feeders import find_reach
from overflight.inputs import gather_inputs
from overflight.pairs import PairFinder, PairRules
from overflight.radio.interference import find_interference, make_interference_model
from overflight.radio.link import channel_rates_mbps
from overflight.scenario import parse_scenario
from overflight.sky.arc import arc_separation_deg
from overflight.sky.visibility import Visible, pair_angles

ROUNDING_DEG = 1e-9
"""Elevations and angles to the arc by two formulas in float64."""
ROUNDING_OF_RATES = 1e-12
"""Rates, relative: the same tables are read; sines differ by their last bit, which shows where a table's step is met exactly."""

latitudes = st.one_of(st.floats(-89.0, 89.0), st.sampled_from([0.0, 18.0, -18.0, 80.0, 81.2, 81.4]))
ROUNDING_OF_SUMS = 1e-12
"""Interference, relative: its terms are added in another order."""

places = st.lists(st.tuples(latitudes, st.floats(-180.0, 180.0)), min_size=1, max_size=30)
least_angles = st.one_of(st.just(0.0), st.floats(0.01, 40.0), st.floats(40.0, 120.0), st.just(18.0))


def make_cells(rows):
    """Distinct cells at some places, and some more around the first, in ascending order."""
    lat_deg, lon_deg = rows[0]
    near = [(lat_deg + step, lon_deg + step) for step in (-0.4, -0.2, 0.2, 0.4)]
    return np.unique(np.array([cell_of(*row) for row in [*rows, *near]], dtype=np.uint64))


def make_positions(seed, satellites, slots):
    """Satellites at random, many of them over the first slot's places, drifting from slot to slot."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(3, satellites))
    direction /= np.linalg.norm(direction, axis=0)
    first = direction * rng.uniform(6800.0, 8000.0, satellites)
    drift = rng.normal(size=(3, satellites)) * 60.0
    positions_km = np.stack([first + slot * drift for slot in range(slots)])
    positions_km[:, :, rng.random(satellites) < 0.02] = np.nan
    return positions_km


def list_slowly(sites, cells, home, rules, positions_km, has_way):
    """Usable pairs slot by slot, by way of all angles."""
    pairs = PairFinder(sites, cells, rules).find(positions_km, slots=len(positions_km)).pairs
    kept = has_way[pairs.slot, home[pairs.cell], pairs.satellite]
    return [(pairs.cell[kept & (pairs.slot == slot)], pairs.satellite[kept & (pairs.slot == slot)]) for slot in range(len(positions_km))]


@settings(max_examples=150, deadline=None)
@given(places, st.integers(0, 2**32), st.floats(0.0, 60.0), least_angles, st.integers(1, 6), st.integers(1, 3), st.floats(0.0, 1.0))
def test_fused_pairs_are_those_of_the_plain_path(rows, seed, mask_deg, least_deg, slots, threads, share):
    cells = make_cells(rows)
    sites = make_sites(*cell_centres(cells))
    rng = np.random.default_rng(seed)
    positions_km = make_positions(seed, 300, slots)
    home = rng.integers(0, 3, len(cells)).astype(np.int32)
    has_way = rng.random((slots, 3, 300)) <= share
    rules = PairRules(mask_deg, least_deg, None, 15.0)
    finder = UsableFinder(sites, cells, home, rules)
    found = []
    bounds = finder.walk_bounds(slots)
    for first, last in pairwise(bounds):
        found += finder.mark(positions_km[first:last], threads=threads).list(has_way[first:last])
    assert len(found) == slots
    for (cell, satellite), pairs in zip(list_slowly(sites, cells, home, rules, positions_km, has_way), found, strict=True):
        assert np.array_equal(np.repeat(np.arange(len(cells)), np.diff(pairs.indptr)), cell)
        assert np.array_equal(pairs.satellite, satellite)


@settings(max_examples=40, deadline=None)
@given(places, st.integers(0, 2**32), st.floats(0.0, 60.0), st.floats(0.0, 60.0))
def test_no_pair_stands_below_the_mask_or_inside_the_arc(rows, seed, mask_deg, least_deg):
    cells = make_cells(rows)
    sites = make_sites(*cell_centres(cells))
    positions_km = make_positions(seed, 300, 1)
    finder = UsableFinder(sites, cells, np.zeros(len(cells), np.int32), PairRules(mask_deg, least_deg, None, 15.0))
    pairs = finder.mark(positions_km).list(np.ones((1, 1, 300), np.bool_))[0]
    azimuth_deg, elevation_deg, _ = pair_angles(sites, positions_km[0], Visible(pairs.indptr, pairs.satellite))
    lat_deg = np.repeat(sites.lat_deg, np.diff(pairs.indptr))
    assert (elevation_deg >= mask_deg - ROUNDING_DEG).all()
    assert (arc_separation_deg(lat_deg, azimuth_deg, elevation_deg) >= least_deg - ROUNDING_DEG).all()


@settings(max_examples=40, deadline=None)
@given(places, st.integers(0, 2**32), st.sampled_from([15.0, 17.99, 18.0, 30.0]))
def test_close_to_the_arc_every_case_is_settled_exactly(rows, seed, least_deg):
    """Directions within hundredths of a degree of the least angle: what single precision must leave alone."""
    cells = make_cells(rows)
    sites = make_sites(*cell_centres(cells))
    rng = np.random.default_rng(seed)
    count = 4000
    site = rng.integers(0, len(cells), count)
    azimuth, elevation = rng.uniform(0.0, 360.0, count), rng.uniform(10.0, 90.0, count)
    close = np.abs(arc_separation_deg(sites.lat_deg[site], azimuth, elevation) - least_deg) < 0.3
    site, azimuth, elevation = site[close], np.radians(azimuth[close]), np.radians(elevation[close])
    lat, lon = np.radians(sites.lat_deg[site]), np.radians(sites.lon_deg[site])
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)])
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    level = np.sin(azimuth) * east + np.cos(azimuth) * north
    way = np.cos(elevation) * level + np.sin(elevation) * sites.up[:, site]
    positions_km = (sites.ecef_km[:, site] + 900.0 * way)[None]
    rules = PairRules(5.0, least_deg, None, 15.0)
    home, has_way = np.zeros(len(cells), np.int32), np.ones((1, 1, positions_km.shape[2]), np.bool_)
    found = UsableFinder(sites, cells, home, rules).mark(positions_km).list(has_way)[0]
    cell, satellite = list_slowly(sites, cells, home, rules, positions_km, has_way)[0]
    assert np.array_equal(found.satellite, satellite)
    assert np.array_equal(np.repeat(np.arange(len(cells)), np.diff(found.indptr)), cell)


def make_twin(territory, **capacity):
    settings_of = {"territory": territory, "time": {"hours": 24}, "capacity": {"incumbents": 0.0, **capacity}}
    inputs = gather_inputs(parse_scenario(settings_of, source="test"))
    return CapacityTwin(inputs, inputs.fleets[0])


@pytest.fixture(scope="module", params=["Tonga", "Lithuania", "Falkland Islands"])
def twin(request):
    return make_twin(request.param)


slot_rows = st.integers(0, 5000)


@settings(max_examples=8, deadline=None)
@given(slot_rows)
def test_rates_are_those_of_the_plain_links(twin, row):
    scene = next(twin.find_scenes(np.array([row])))
    case = twin.case
    found = rate_pairs(scene, case.links, case.plant, case.sky)
    range_km, elevation_deg = scene.look(scene.cell, scene.satellite)
    told = channel_rates_mbps(
        case.links.down,
        range_km=range_km,
        elevation_deg=elevation_deg,
        version=case.plant.version,
        satellite=scene.satellite,
        attenuation_db=case.sky.down.at(scene.cell, elevation_deg),
    )
    told *= case.plant.values["protocol_share"]
    same = np.abs(found.rate_mbps - told) <= ROUNDING_OF_RATES * told
    assert same.all()
    best = np.zeros(len(case.market))
    np.maximum.at(best, scene.cell, found.rate_mbps)
    assert np.array_equal(best, found.best_mbps)


@settings(max_examples=8, deadline=None)
@given(slot_rows)
def test_lit_beams_have_the_rates_of_their_pairs(twin, row):
    scene = next(twin.find_scenes(np.array([row])))
    case = replace(twin.case, links=replace(twin.case.links, interference=None))
    result = twin.work_scene(scene, case)
    pairs = rate_pairs(scene, case.links, case.plant, case.sky)
    assert np.array_equal(result.beam_mbps, pairs.rate_mbps[result.plan.pair])
    up_mbps = rate_lit(scene, result.plan, case.links, case.plant, case.sky, is_up=True)
    range_km, elevation_deg = scene.look(result.plan.cell, result.plan.satellite)
    told = channel_rates_mbps(
        case.links.up,
        range_km=range_km,
        elevation_deg=elevation_deg,
        version=case.plant.version,
        satellite=result.plan.satellite,
        attenuation_db=case.sky.up.at(result.plan.cell, elevation_deg),
    )
    assert up_mbps == pytest.approx(told * case.plant.values["protocol_share"], rel=ROUNDING_OF_RATES, abs=0.0)


@settings(max_examples=8, deadline=None)
@given(slot_rows, st.floats(1.0, 400.0))
def test_interference_is_that_of_a_search(twin, row, ring_km):
    scene = next(twin.find_scenes(np.array([row])))
    plan = twin.work_scene(scene, saturate(twin.case)).plan
    model = replace(make_interference_model(12.0), ring_km=ring_km)
    sites = twin.case.market.sites
    told = find_interference(
        model,
        cell=plan.cell,
        satellite=plan.satellite,
        channel=plan.channel,
        cells_km=sites.ecef_km.T,
        positions_km=scene.positions_km,
    )
    for threads in (1, 2):
        found = add_interference(model, scene, plan, find_surroundings(sites, ring_km), threads=threads)
        assert found == pytest.approx(told.total + model.other_systems, rel=ROUNDING_OF_SUMS)


@settings(max_examples=8, deadline=None)
@given(slot_rows)
def test_reach_lists_the_gateways_of_all_satellites_that_serve_or_pass_on(twin, row):
    scene = next(twin.find_scenes(np.array([row])))
    ground = twin.backbone.ground
    whole = find_reach(
        scene.positions_km,
        ground.sites.ecef_km,
        ground.sites.up,
        min_elevation_deg=ground.min_elevation_deg,
        max_range_km=ground.max_range_km,
    )
    on_way = set()
    for pop in range(len(scene.next_hop)):
        for satellite in np.unique(scene.satellite):
            at = int(satellite)
            while at >= 0:
                on_way.add(at)
                at = int(scene.next_hop[pop, at])
    for satellite in range(scene.positions_km.shape[1]):
        mine = slice(scene.reach.indptr[satellite], scene.reach.indptr[satellite + 1])
        theirs = slice(whole.indptr[satellite], whole.indptr[satellite + 1])
        if satellite in on_way:
            assert np.array_equal(scene.reach.gateway[mine], whole.gateway[theirs])
            assert scene.reach.delay_ms[mine] == pytest.approx(whole.delay_ms[theirs], rel=1e-12)
        else:
            assert mine.stop - mine.start in {0, theirs.stop - theirs.start}


@settings(max_examples=6, deadline=None)
@given(slot_rows, st.booleans(), st.sampled_from(["least-delay", "hot-potato", "load-aware"]))
def test_shares_of_a_slot_are_certified_fair(twin, row, endless, landing):
    scene = next(twin.find_scenes(np.array([row])))
    case = replace(twin.case, rules=replace(twin.case.rules, landing=landing))
    result = twin.work_scene(scene, saturate(case) if endless else case)
    flows, resources = result.assembly.flows, result.assembly.resources
    rates = FairRates(result.part_mbps, np.full(len(flows), -1, np.int32), result.load_mbps)
    assert certify_fair(flows, resources.capacity_mbps, rates).holds()
    assert result.down_mbps == pytest.approx(result.assembly.merge_rates(result.part_mbps), rel=1e-12)


@settings(max_examples=4, deadline=None)
@given(slot_rows, st.integers(2, 4))
def test_threads_and_company_change_nothing(twin, row, threads):
    rows = np.arange(row, row + 3)
    alone = [next(twin.find_scenes(rows[k : k + 1])) for k in range(3)]
    together = list(twin.find_scenes(rows, threads=threads))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.indptr, other.indptr)
        assert np.array_equal(one.satellite, other.satellite)
        first, second = twin.work_scene(one, twin.case), twin.work_scene(other, twin.case, threads=threads)
        for name in ("beam_mbps", "down_mbps", "up_mbps", "bottleneck", "part_mbps", "active", "asked_mbps", "need"):
            assert np.array_equal(getattr(first, name), getattr(second, name)), name


@settings(max_examples=4, deadline=None)
@given(slot_rows, st.integers(0, 2**32))
def test_the_order_of_cells_changes_nothing_but_the_order_of_rows(twin, row, seed):
    """Rates of pairs and beams belong to cells, not to rows."""
    scene = next(twin.find_scenes(np.array([row])))
    case = twin.case
    order = np.random.default_rng(seed).permutation(len(case.market))
    market: Market = case.market
    sites = make_sites(market.sites.lat_deg[order], market.sites.lon_deg[order])
    counts = np.diff(scene.indptr)[order]
    indptr = np.concatenate([[0], np.cumsum(counts)])
    pairs = np.concatenate([np.arange(scene.indptr[c], scene.indptr[c + 1]) for c in order])
    shuffled = replace(scene, indptr=indptr, satellite=scene.satellite[pairs], sites=sites)
    sky = replace(case.sky, down=replace(case.sky.down, db=case.sky.down.db[order]), up=replace(case.sky.up, db=case.sky.up.db[order]))
    first = rate_pairs(scene, case.links, case.plant, case.sky)
    second = rate_pairs(shuffled, case.links, case.plant, sky)
    assert np.array_equal(first.rate_mbps[pairs], second.rate_mbps)
    assert np.array_equal(first.best_mbps[order], second.best_mbps)
