"""Visibility: the tree, the order of results, threads, bad arguments; the real fleet over real cells against every pair."""

import gzip

import h3.api.basic_int as h3
import numpy as np
import pytest

from overflight.clock import parse_time
from overflight.earth.geodesy import make_sites
from overflight.errors import InputError
from overflight.orbit.elements import read_elements
from overflight.orbit.propagation import Propagator
from overflight.sky.visibility import CellTree, find_visible, find_visible_series, pair_angles

MASK_DEG = 25.0


def every_pair(sites, positions_km, mask_deg):
    """The slow reference: the same exact test on every pair."""
    sine = np.broadcast_to(np.sin(np.radians(mask_deg)), len(sites))
    rows = []
    for s in range(len(sites)):
        dx, dy, dz = positions_km - sites.ecef_km[:, s, None]
        up = dx * sites.up[0, s] + dy * sites.up[1, s] + dz * sites.up[2, s]
        rows.append(np.flatnonzero(up * np.abs(up) >= sine[s] * np.abs(sine[s]) * (dx * dx + dy * dy + dz * dz)))
    return rows


def shell(n, seed, altitude_km=550.0):
    direction = np.random.default_rng(seed).normal(size=(3, n))
    return (6371.0 + altitude_km) * direction / np.linalg.norm(direction, axis=0)


def cells_around(lat_deg, lon_deg, rings, resolution=5):
    ids = np.array(sorted(h3.grid_disk(h3.latlng_to_cell(lat_deg, lon_deg, resolution), rings)), dtype=np.uint64)
    return ids, make_sites(*np.array([h3.cell_to_latlng(int(i)) for i in ids]).T)


@pytest.mark.parametrize("resolution", [0, 1, 2, 3, 5, 7])
def test_h3_and_cube_trees_give_what_every_pair_gives(resolution):
    ids, sites = cells_around(64.0, -179.5, 2 if resolution else 1, resolution)
    positions_km = shell(3000, seed=resolution)
    slow = every_pair(sites, positions_km, MASK_DEG)
    for tree in (CellTree(sites, cell_ids=ids), CellTree(sites)):
        found = find_visible(tree, positions_km, min_elevation_deg=MASK_DEG)
        assert all(np.array_equal(found.of_site(s), row) for s, row in enumerate(slow))
    assert sum(len(row) for row in slow) > 0


def test_order_of_sites_is_the_callers():
    ids, sites = cells_around(24.0, 121.0, 4)
    order = np.random.default_rng(3).permutation(len(ids))
    shuffled = make_sites(sites.lat_deg[order], sites.lon_deg[order])
    positions_km = shell(5000, seed=1)
    straight = find_visible(CellTree(sites, cell_ids=ids), positions_km, min_elevation_deg=MASK_DEG)
    mixed = find_visible(CellTree(shuffled, cell_ids=ids[order]), positions_km, min_elevation_deg=MASK_DEG)
    for new, old in enumerate(order):
        assert np.array_equal(mixed.of_site(new), straight.of_site(old))


def test_cells_of_mixed_resolution_are_taken():
    ids, sites = cells_around(10.0, 10.0, 1)
    more, coarse = cells_around(40.0, 10.0, 1, resolution=3)
    both = make_sites(np.append(sites.lat_deg, coarse.lat_deg), np.append(sites.lon_deg, coarse.lon_deg))
    positions_km = shell(2000, seed=2)
    found = find_visible(CellTree(both, cell_ids=np.append(ids, more)), positions_km, min_elevation_deg=10.0)
    assert all(np.array_equal(found.of_site(s), row) for s, row in enumerate(every_pair(both, positions_km, 10.0)))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_matter(threads):
    rng = np.random.default_rng(5)
    sites = make_sites(np.degrees(np.arcsin(rng.uniform(-1, 1, 700))), rng.uniform(-180, 180, 700))
    positions_km = np.stack([shell(800, seed=9) + 50.0 * k for k in range(21)])
    mask_deg = np.where(np.abs(sites.lat_deg) > 62.0, 5.0, 25.0)
    for part in (positions_km, positions_km[:1]):
        one = find_visible_series(CellTree(sites), part, min_elevation_deg=mask_deg, threads=1)
        many = find_visible_series(CellTree(sites), part, min_elevation_deg=mask_deg, threads=threads)
        assert np.array_equal(one.indptr, many.indptr)
        assert np.array_equal(one.satellite, many.satellite)
        for a, b in zip(pair_angles(sites, part, one), pair_angles(sites, part, many, threads=threads), strict=True):
            assert np.array_equal(a, b)


def test_more_candidates_than_guessed():
    sites = make_sites(np.linspace(0.0, 0.5, 20), 0.0)
    crowd = np.array([[7000.0], [0.0], [0.0]]) + np.random.default_rng(4).normal(scale=50.0, size=(3, 5000))
    found = find_visible(CellTree(sites), crowd, min_elevation_deg=-90.0)
    assert np.array_equal(found.counts, np.full(20, 5000))
    assert np.array_equal(found.of_site(7), np.arange(5000))


def test_a_satellite_that_decays_within_a_block_is_seen_until_then():
    sites = make_sites(0.0, 0.0)
    positions_km = np.full((8, 3, 2), np.nan)
    positions_km[:3, :, 1] = [7000.0, 0.0, 0.0]
    series = find_visible_series(CellTree(sites), positions_km, min_elevation_deg=MASK_DEG)
    assert series.counts[:, 0].tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    assert series.satellite.tolist() == [1, 1, 1]


def test_nothing_to_see_and_nobody_to_see_it():
    tree = CellTree(make_sites([0.0, 10.0], 0.0))
    assert find_visible(tree, np.empty((3, 0)), min_elevation_deg=0.0).counts.tolist() == [0, 0]
    empty = find_visible_series(tree, np.empty((0, 3, 4)), min_elevation_deg=0.0)
    assert len(empty) == 0
    assert empty.satellite.size == 0
    nobody = CellTree(make_sites([], []))
    assert find_visible(nobody, shell(4, 0), min_elevation_deg=0.0).indptr.tolist() == [0]


@pytest.mark.parametrize(
    ("positions_km", "mask_deg", "words"),
    [
        (np.zeros((2, 5)), 25.0, "positions_km"),
        (np.zeros((1, 3, 5)), 25.0, "find_visible_series"),
        (np.zeros((3, 5)), 91.0, "91.0 is not an elevation"),
        (np.zeros((3, 5)), np.nan, "nan is not an elevation"),
        (np.zeros((3, 5)), [25.0, 25.0, 25.0], "min_elevation_deg"),
    ],
)
def test_bad_arguments_are_named(positions_km, mask_deg, words):
    tree = CellTree(make_sites([0.0, 10.0], 0.0))
    with pytest.raises(InputError, match=words):
        find_visible(tree, positions_km, min_elevation_deg=mask_deg)


def test_pairs_of_other_sites_are_refused():
    sites, positions_km = make_sites([0.0, 10.0], 0.0), shell(50, 0)
    visible = find_visible(CellTree(sites), positions_km, min_elevation_deg=0.0)
    with pytest.raises(InputError, match="sites"):
        pair_angles(make_sites(0.0, 0.0), positions_km, visible)
    with pytest.raises(InputError, match="cell_ids"):
        CellTree(sites, cell_ids=np.zeros(3, dtype=np.uint64))


@pytest.mark.shared
def test_real_fleet_over_real_cells(shared):
    """All cells of the operator's service area for the tree; a sample of them for the slow reference."""
    with gzip.open(shared / "data" / "cells" / "starlink_service_cells_h3r5.txt.gz", "rt") as lines:
        ids = np.array([int(line, 16) for line in lines.read().split()][::10], dtype=np.uint64)
    sites = make_sites(*np.array([h3.cell_to_latlng(int(i)) for i in ids]).T)
    elements, _ = read_elements(shared / "data" / "elements" / "starlink_2026-08-22.tle")
    positions_km = Propagator(elements).positions_km(np.array([parse_time("2026-08-22T00:00:00Z")]))[0]
    found = find_visible(CellTree(sites, cell_ids=ids), positions_km, min_elevation_deg=MASK_DEG, threads=2)
    sample = np.arange(0, len(ids), 40)
    slow = every_pair(make_sites(sites.lat_deg[sample], sites.lon_deg[sample]), positions_km, MASK_DEG)
    assert all(np.array_equal(found.of_site(s), row) for s, row in zip(sample, slow, strict=True))


def test_satellites_may_move_any_distance_within_a_block():
    rng = np.random.default_rng(12)
    sites = make_sites(rng.uniform(-90, 90, 40), rng.uniform(-180, 180, 40))
    positions_km = np.stack([shell(2000, seed=6, altitude_km=900.0) * rng.uniform(1.0, 1.6, 2000) for _ in range(16)])
    series = find_visible_series(CellTree(sites), positions_km, min_elevation_deg=MASK_DEG)
    for k, states in enumerate(positions_km):
        assert all(np.array_equal(series.at(k).of_site(s), row) for s, row in enumerate(every_pair(sites, states, MASK_DEG)))
