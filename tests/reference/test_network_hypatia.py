"""Hypatia's published round-trip times and paths, and its forwarding state against a slow one by its rules."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from overflight.catalog.constellations import find_constellation
from overflight.earth.geodesy import make_sites
from overflight.network.hypatia import hypatia_rules, stream_forwarding
from overflight.network.isl import TopologyInput, measure_isl_km, plus_grid
from overflight.network.routes import find_pair_routes, list_route, slant_ranges_km
from overflight.orbit.propagation import Propagator
from overflight.orbit.shells import shell_elements

pytestmark = pytest.mark.shared

RTT_MS = 0.001
"""Hypatia's positions come from another implementation of SGP4 and of sidereal time; measured: 0.00044 ms."""

STEP_US = 100_000
MANILA, DALIAN = 17, 85
TIE_KM = 1e-6
"""Two sums of distances that differ by less may be taken either way."""


def load_network(shared, name, steps, *, every_us=STEP_US):
    constellation = find_constellation(name)
    elements = shell_elements(constellation.shells, constellation.epoch)
    times = constellation.epoch + np.arange(steps) * np.timedelta64(every_us, "us")
    positions = Propagator(elements).positions_km(times, earth_orientation="none")
    neighbours = plus_grid(TopologyInput(positions[0], elements.shell, elements.plane, elements.slot), pairing="same-slot")
    rows = np.loadtxt(shared / "data/networks/cities_top_100.txt", delimiter=",", usecols=(2, 3, 4))
    return positions, neighbours, make_sites(*rows.T), constellation.max_user_range_km


def test_manila_to_dalian_over_kuiper(shared):
    folder = shared / "reference/hypatia"
    authority_ms = np.loadtxt(folder / "kuiper_630_rtt_manila_to_dalian.txt", delimiter=",")[:, 1] * 1e-6
    positions, neighbours, sites, reach_km = load_network(shared, "hypatia-kuiper-630", 2000)
    routes = find_pair_routes(positions, neighbours, sites, [[MANILA, DALIAN]], rules=hypatia_rules(reach_km))
    assert authority_ms.size == 2000
    assert np.array_equal(np.isfinite(routes.rtt_ms[:, 0]), authority_ms > 0.0)
    assert np.abs(routes.rtt_ms[:, 0] - authority_ms).max() < RTT_MS
    changes = []
    for step in range(2000):
        nodes = "-".join(str(node) for node in [1156 + MANILA, *list_route(routes, step, 0), 1156 + DALIAN])
        if not changes or changes[-1][1] != nodes:
            changes.append((step * STEP_US * 1000, nodes))
    lines = (folder / "kuiper_630_path_manila_to_dalian.txt").read_text().split()
    assert changes == [(int(time), nodes) for time, nodes in (line.split(",") for line in lines)]


@pytest.mark.parametrize("name", ["hypatia-starlink-550", "hypatia-telesat-1015"])
def test_forwarding_state_equals_a_slow_one(shared, name):
    positions, neighbours, sites, reach_km = load_network(shared, name, 12, every_us=15_000_000)
    states = [
        block[k].copy()
        for block in stream_forwarding([positions[:9], positions[9:]], neighbours, sites, max_range_km=reach_km)
        for k in range(len(block))
    ]
    again = next(iter(stream_forwarding([positions], neighbours, sites, max_range_km=reach_km, threads=3)))
    assert all(np.array_equal(state, again[k]) for k, state in enumerate(states))
    for step in (0, 5, 11):
        check_state(states[step], positions[step], neighbours, sites, reach_km)


def check_state(state, positions, neighbours, sites, reach_km):
    """Every next hop must be one by which the least distance is kept, by all-pairs distances between satellites (Hypatia's way)."""
    n, count = positions.shape[1], len(sites.lat_deg)
    assert state.shape == (n + count, count)
    length = measure_isl_km(positions, neighbours)
    rows = np.repeat(np.arange(n), neighbours.shape[1])
    between = dijkstra(coo_matrix((length.ravel(), (rows, neighbours.ravel())), (n, n)).tocsr())
    slant = np.stack(
        [
            slant_ranges_km(
                make_sites(sites.lat_deg[s], sites.lon_deg[s], sites.height_m[s]), positions, min_elevation_deg=-90.0, max_range_km=reach_km
            )
            for s in range(count)
        ]
    )
    for to in range(count):
        down = np.flatnonzero(np.isfinite(slant[to]))
        away = (between[:, down] + slant[to][down]).min(axis=1) if down.size else np.full(n, np.inf)
        hop = state[:, to]
        lands = hop[:n] == n + to
        assert np.array_equal(hop[:n] < 0, np.isinf(away))
        assert np.abs(away[lands] - slant[to][lands]).max(initial=0.0) < TIE_KM
        goes = np.flatnonzero((hop[:n] >= 0) & ~lands)
        side = (neighbours[goes] == hop[goes, None]).argmax(axis=1)
        assert (neighbours[goes, side] == hop[goes]).all()
        assert np.abs(length[goes, side] + away[hop[goes]] - away[goes]).max(initial=0.0) < TIE_KM
        for source in range(count):
            offers = slant[source] + away
            chosen = hop[n + source]
            if source == to or not np.isfinite(offers).any():
                assert chosen == -1
            else:
                assert offers[chosen] < offers.min() + TIE_KM
