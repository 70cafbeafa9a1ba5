"""Topologies, the table of neighbours, lines of sight."""

import numpy as np
import pytest

from overflight.errors import InputError, ScenarioError
from overflight.network.isl import (
    TOPOLOGIES,
    TopologyInput,
    check_neighbours,
    find_topology,
    isl_lengths_km,
    line_of_sight_height_km,
    link_is_feasible,
    measure_isl_km,
    nearest_links,
    neighbours_from_pairs,
    no_links,
    plus_grid,
    three_link,
)


def walker(planes, slots, *, inclination_deg=53.0, radius_km=6928.0, spread_deg=360.0, offset_slots=0.0, jitter_deg=0.0, seed=0):
    """Satellites of a circular shell with their velocities' directions, plane by plane; `offset_slots` shifts plane p by p times that."""
    jitter = np.random.default_rng(seed).normal(0.0, jitter_deg, planes * slots)
    plane, slot = np.repeat(np.arange(planes), slots), np.tile(np.arange(slots), planes)
    node = np.radians(spread_deg * plane / planes)
    along = np.radians(360.0 * (slot + offset_slots * plane) / slots + jitter)
    tilt = np.radians(inclination_deg)

    def turn(u, v):
        x, y, z = u, v * np.cos(tilt), v * np.sin(tilt)
        return np.stack([x * np.cos(node) - y * np.sin(node), x * np.sin(node) + y * np.cos(node), z])

    return TopologyInput(
        radius_km * turn(np.cos(along), np.sin(along)),
        np.zeros(planes * slots, np.int16),
        plane.astype(np.int16),
        slot.astype(np.int16),
        velocities_km_s=7.6 * turn(-np.sin(along), np.cos(along)),
    )


def linked(neighbours):
    return {(i, int(j)) for i, row in enumerate(neighbours) for j in row if j >= 0}


def test_plus_grid_of_a_complete_shell_links_slots_and_planes():
    neighbours = plus_grid(walker(6, 8))
    assert neighbours.dtype == np.int32
    assert sorted(neighbours[8 + 3]) == [3, 8 + 2, 8 + 4, 16 + 3]
    assert sorted(neighbours[0]) == [1, 7, 8, 40]


def test_plus_grid_makes_up_for_the_phasing_where_planes_wrap():
    fleet = walker(12, 10, offset_slots=0.25)
    fitted, same = plus_grid(fleet), plus_grid(fleet, pairing="same-slot")
    assert 0 in same[110]
    assert 0 not in fitted[110]
    assert np.nanmax(measure_isl_km(fleet.positions_km, fitted)) < 0.6 * np.nanmax(measure_isl_km(fleet.positions_km, same))


def test_plus_grid_leaves_the_seam_of_a_star_open():
    star = walker(6, 12, inclination_deg=88.0, spread_deg=180.0)
    neighbours = plus_grid(star)
    across = [(a, b) for a, b in linked(neighbours) if {a // 12, b // 12} == {0, 5}]
    assert across == []
    assert any({a // 12, b // 12} == {0, 5} for a, b in linked(plus_grid(star, pairing="same-slot")))


def test_plus_grid_of_two_planes_links_them_once():
    assert (plus_grid(walker(2, 6, spread_deg=60.0)) >= 0).sum(axis=1).max() == 3


def test_uneven_planes_are_matched_by_distance():
    fleet = walker(8, 10, jitter_deg=6.0)
    neighbours = plus_grid(fleet)
    cross = [(a, b) for a, b in linked(neighbours) if a // 10 != b // 10]
    assert all((a // 10 - b // 10) % 8 in {1, 7} for a, b in cross)
    apart = {(a, b) for a, b in cross if (b // 10 - a // 10) % 8 == 1}
    assert len({a for a, _ in apart}) == len(apart)
    assert len({b for _, b in apart}) == len(apart)


def test_three_link_gives_one_cross_link_each_in_a_shell_of_even_numbers():
    neighbours = three_link(walker(6, 8))
    assert neighbours.shape == (48, 3)
    assert (neighbours >= 0).all()
    assert sorted(neighbours[0]) == [1, 7, 8]
    assert sorted(neighbours[1]) == [0, 2, 41]


def test_satellites_without_a_place_get_no_link():
    fleet = walker(4, 6)
    fleet.plane[5] = -1
    for topology in (plus_grid, three_link):
        assert (topology(fleet)[5] == -1).all()


def test_no_links():
    assert no_links(walker(3, 3)).shape == (9, 0)
    assert check_neighbours(no_links(walker(3, 3)), 9).shape == (9, 0)


def test_nearest_keeps_to_range_degree_shell_and_heading():
    fleet = walker(12, 12, jitter_deg=4.0)
    fleet.shell[::3] = 1
    neighbours = nearest_links(fleet, degree=3)
    pairs = np.array(sorted(linked(neighbours)))
    assert neighbours.shape[1] == 3
    assert (fleet.shell[pairs[:, 0]] == fleet.shell[pairs[:, 1]]).all()
    heading = fleet.velocities_km_s / np.linalg.norm(fleet.velocities_km_s, axis=0)
    assert ((heading[:, pairs[:, 0]] * heading[:, pairs[:, 1]]).sum(axis=0) >= np.cos(np.radians(30.0)) - 1e-12).all()
    assert np.nanmax(measure_isl_km(fleet.positions_km, neighbours)) <= fleet.max_range_km


def test_nearest_of_the_whole_fleet_crosses_shells():
    fleet = walker(12, 12, jitter_deg=4.0)
    fleet.shell[::2] = 1
    whole = TopologyInput(fleet.positions_km, fleet.shell, fleet.plane, fleet.slot, fleet.velocities_km_s, scope="whole-fleet")
    assert any(fleet.shell[a] != fleet.shell[b] for a, b in linked(nearest_links(whole)))


def test_nearest_takes_the_shortest_links_first():
    fleet = walker(10, 10, jitter_deg=5.0, seed=3)
    neighbours = nearest_links(fleet, degree=1)
    away = np.linalg.norm(fleet.positions_km[:, :, None] - fleet.positions_km[:, None], axis=0) + 1e9 * np.eye(100)
    heading = fleet.velocities_km_s / np.linalg.norm(fleet.velocities_km_s, axis=0)
    away[heading.T @ heading < np.cos(np.radians(30.0))] = np.inf
    a, b = np.unravel_index(np.argmin(away), away.shape)
    assert neighbours[a, 0] == b


def test_a_satellite_without_a_state_gets_no_link_by_distance():
    fleet = walker(8, 8, jitter_deg=5.0)
    fleet.positions_km[:, 10] = np.nan
    assert (nearest_links(fleet)[10] == -1).all()
    assert all(10 not in row for row in nearest_links(fleet))


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_an_empty_fleet_has_no_links(name):
    nobody = np.empty(0, np.int16)
    assert find_topology(name)(TopologyInput(np.empty((3, 0)), nobody, nobody, nobody)).shape[0] == 0


def test_an_unknown_topology_is_told():
    with pytest.raises(ScenarioError, match="take one of none, plus-grid"):
        find_topology("ring")


def test_neighbours_from_pairs_is_symmetric_and_without_doubles():
    neighbours = neighbours_from_pairs([0, 1, 2, 2, 3], [1, 0, 0, 2, 0], 5)
    assert neighbours.tolist() == [[1, 2, 3], [0, -1, -1], [0, -1, -1], [0, -1, -1], [-1, -1, -1]]


@pytest.mark.parametrize(("a", "b", "width"), [([0], [7], None), ([-1], [0], None), ([0, 0], [1, 2], 1)])
def test_wrong_pairs_are_refused(a, b, width):
    with pytest.raises(InputError, match="links: "):
        neighbours_from_pairs(a, b, 5, width=width)


@pytest.mark.parametrize("table", [[[1], [-1]], [[0], [1]], [[2], [0]], [[1, 1], [0, -1]], [[1], [0], [-1]], [1, 0], [[-2], [-1]]])
def test_a_table_that_is_not_symmetric_is_refused(table):
    with pytest.raises(InputError, match="neighbours: "):
        check_neighbours(np.array(table), 2)


def test_line_of_sight_height():
    at = 6378.137 + 550.0
    assert line_of_sight_height_km(np.array([at, 0.0, 0.0]), np.array([0.0, at, 0.0])) == pytest.approx(
        at / np.sqrt(2.0) - 6378.137, abs=1e-6
    )
    up = line_of_sight_height_km(np.array([at, 0.0, 0.0]), np.array([at + 100.0, 0.0, 0.0]))
    assert up == pytest.approx(550.0, abs=1e-6)
    poles = line_of_sight_height_km(np.array([2000.0, 0.0, 6500.0]), np.array([-2000.0, 0.0, 6500.0]))
    assert poles == pytest.approx(6500.0 - 6356.752314, abs=1e-3)


def test_feasibility_is_range_and_line_of_sight():
    at = 6928.0
    places = np.radians([0.0, 30.0, 45.0, 60.0])
    positions = np.stack([at * np.cos(places), at * np.sin(places), np.zeros(4)])
    table = neighbours_from_pairs([0, 0, 0], [1, 2, 3], 4)
    assert link_is_feasible(positions, table)[0].tolist() == [True, False, False]
    assert link_is_feasible(positions, table, clearance_km=None)[0].tolist() == [True, True, False]
    assert link_is_feasible(positions, table, clearance_km=None, max_range_km=1e4)[0].all()
    positions[:, 1] = positions[:, 0]
    assert not link_is_feasible(positions, table)[0, 0]
    positions[:, 2] = np.nan
    assert not link_is_feasible(positions, table, clearance_km=None, max_range_km=1e9)[0, 1]


def test_isl_lengths_over_time_whatever_the_threads():
    positions = np.random.default_rng(1).normal(size=(7, 3, 20)) * 7000.0
    table = neighbours_from_pairs(np.arange(19), np.arange(1, 20), 20)
    lengths = isl_lengths_km(positions, table)
    assert lengths.shape == (7, 20, 2)
    assert np.array_equal(lengths, isl_lengths_km(positions, table, threads=3), equal_nan=True)
    assert lengths[4, 6, 1] == pytest.approx(np.linalg.norm(positions[4, :, 6] - positions[4, :, 7]))
    assert np.isnan(lengths[0, 0, 1])
