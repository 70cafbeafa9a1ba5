"""Routes between places, hop by hop."""

from itertools import pairwise

import numpy as np
import pytest
from tests.network_sample import sample_fleet, sample_ground

from overflight.earth.geodesy import make_sites
from overflight.errors import InputError
from overflight.network.gateways import backhaul_delay_ms
from overflight.network.routes import PathRules, find_pair_routes, find_paths, list_route, slant_ranges_km
from overflight.network.ways import MS_PER_KM

POPS = make_sites([48.85, 35.7], [2.35, 139.7])
TAIPEI, FRANKFURT = make_sites(25.03, 121.56), make_sites(50.11, 8.68)
SUM_MS = 1e-9


@pytest.fixture(scope="module")
def fleet():
    return sample_fleet(slots=70, step_s=60.0)


def test_a_path_between_terminals_goes_up_over_lasers_and_down(fleet):
    paths = find_paths(*fleet, TAIPEI, FRANKFURT)
    assert len(paths.hops) == 70
    assert np.isfinite(paths.rtt_ms).all()
    for rtt_ms, hops in zip(paths.rtt_ms, paths.hops, strict=True):
        assert [hops[0].kind, hops[-1].kind] == ["site", "site"]
        assert {hop.kind for hop in hops[1:-1]} == {"satellite"}
        assert 2.0 * sum(hop.delay_ms for hop in hops) == pytest.approx(rtt_ms, abs=SUM_MS)
        assert all(b.row in fleet[1][a.row] for a, b in pairwise(hops[1:-1]))
    straight_ms = 2.0 * MS_PER_KM * np.linalg.norm(TAIPEI.ecef_km - FRANKFURT.ecef_km)
    assert (paths.rtt_ms > straight_ms).all()


def test_a_path_may_be_gone_the_other_way(fleet):
    there, back = find_paths(*fleet, TAIPEI, FRANKFURT), find_paths(*fleet, FRANKFURT, TAIPEI)
    assert np.allclose(there.rtt_ms, back.rtt_ms, rtol=0.0, atol=SUM_MS)


def test_a_path_over_the_ground_segment_lands(fleet):
    ground = sample_ground()
    paths = find_paths(*fleet, TAIPEI, FRANKFURT, ground=ground, pops=POPS)
    onward = backhaul_delay_ms(POPS, FRANKFURT)[0]
    for rtt_ms, hops in zip(paths.rtt_ms, paths.hops, strict=True):
        assert [hop.kind for hop in hops[-3:]] == ["gateway", "pop", "site"]
        gateway, pop = hops[-3].row, hops[-2].row
        assert hops[-2].delay_ms == ground.backhaul_ms[pop, gateway]
        assert hops[-1].delay_ms == onward[pop]
        assert ground.backhaul_ms[pop, gateway] + onward[pop] == (ground.backhaul_ms[:, gateway] + onward).min()
        assert 2.0 * sum(hop.delay_ms for hop in hops) == pytest.approx(rtt_ms, abs=SUM_MS)


def test_pairs_agree_with_single_paths(fleet):
    sites = make_sites([25.03, 50.11, -1.29, 40.7], [121.56, 8.68, 36.82, -74.0])
    routes = find_pair_routes(*fleet, sites, [[0, 1], [2, 1], [3, 0]], threads=2)
    assert routes.rtt_ms.shape == (70, 3)
    paths = find_paths(*fleet, TAIPEI, FRANKFURT)
    assert np.array_equal(routes.rtt_ms[:, 0], paths.rtt_ms)
    assert list(list_route(routes, 9, 0)) == [hop.row for hop in paths.hops[9][1:-1]]


def test_no_satellite_no_path(fleet):
    rules = PathRules(min_elevation_deg=25.0, max_range_km=500.0)
    paths = find_paths(*fleet, TAIPEI, FRANKFURT, rules=rules)
    assert np.isinf(paths.rtt_ms).all()
    assert set(paths.hops) == {()}
    routes = find_pair_routes(*fleet, make_sites([25.03, 50.11], [121.56, 8.68]), [[0, 1]], rules=rules)
    assert list(list_route(routes, 0, 0)) == []
    assert routes.satellite[0, 0] == -1


def test_reach_is_the_mask_and_the_range(fleet):
    positions = fleet[0][0]
    above = slant_ranges_km(TAIPEI, positions, min_elevation_deg=30.0)
    step = positions - TAIPEI.ecef_km
    elevation = np.degrees(np.arcsin((step * TAIPEI.up).sum(axis=0) / np.linalg.norm(step, axis=0)))
    assert np.array_equal(np.isfinite(above), elevation >= 30.0)
    near = slant_ranges_km(TAIPEI, positions, min_elevation_deg=-90.0, max_range_km=2000.0)
    assert np.array_equal(np.isfinite(near), np.linalg.norm(step, axis=0) <= 2000.0)


def test_both_ends_use_what_the_rule_allows(fleet):
    sites = make_sites([25.03, 50.11, -1.29], [121.56, 8.68, 36.82])

    def east_only(site, positions_km):
        return positions_km[1] * site.ecef_km[0, 0] > positions_km[0] * site.ecef_km[1, 0]

    free, bound = (find_pair_routes(*fleet, sites, [[0, 1], [0, 2]], rules=PathRules(may_use=rule)) for rule in (None, east_only))
    assert (bound.rtt_ms >= free.rtt_ms).all()
    assert (bound.rtt_ms > free.rtt_ms).any(axis=0).all()
    ends_found = 0
    for slot, positions_km in enumerate(fleet[0]):
        for pair, target in enumerate((1, 2)):
            route = list_route(bound, slot, pair)
            for end, satellite in zip((0, target), (route[0], route[-1]) if route else (), strict=False):
                assert east_only(make_sites(sites.lat_deg[end], sites.lon_deg[end]), positions_km[:, [satellite]]).all()
                ends_found += 1
    assert ends_found > 150
    path = find_paths(*fleet, TAIPEI, FRANKFURT, rules=PathRules(may_use=east_only))
    assert np.array_equal(path.rtt_ms, bound.rtt_ms[:, 0])
    landed = find_paths(*fleet, TAIPEI, FRANKFURT, ground=sample_ground(), pops=POPS, rules=PathRules(may_use=east_only))
    first = [hops[1].row for hops in landed.hops if hops]
    slots = [slot for slot, hops in enumerate(landed.hops) if hops]
    assert east_only(TAIPEI, fleet[0][slots, :, first].T).all()
    assert first


def test_what_does_not_fit_is_refused(fleet):
    sites = make_sites([25.03, 50.11], [121.56, 8.68])
    for pairs in ([[0, 2]], [[-1, 0]], [[0, 1, 1]]):
        with pytest.raises(InputError, match="pairs"):
            find_pair_routes(*fleet, sites, pairs)
    with pytest.raises(InputError, match="PoPs"):
        find_paths(*fleet, TAIPEI, FRANKFURT, ground=sample_ground())
