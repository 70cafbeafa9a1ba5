"""A small network for tests: a Walker shell in motion, gateways, two PoPs."""

import numpy as np

from overflight.earth.geodesy import make_sites
from overflight.network.gateways import make_ground_segment
from overflight.network.isl import TopologyInput, nearest_links


def sample_fleet(slots, *, planes=18, per_plane=12, step_s=15.0, seed=1):
    """Positions (slots, 3, n) of an uneven shell in circular motion, and links between its satellites."""
    generator = np.random.default_rng(seed)
    n = planes * per_plane
    node = np.radians(np.repeat(360.0 * np.arange(planes) / planes, per_plane) + generator.normal(0.0, 2.0, n))
    phase = np.radians(np.tile(360.0 * np.arange(per_plane) / per_plane, planes) + generator.normal(0.0, 5.0, n))
    radius_km = 6378.137 + generator.uniform(1000.0, 1100.0, n)
    tilt = np.radians(60.0)

    def at(seconds):
        along = phase + 0.001 * seconds
        turned = node - 7.292e-5 * seconds
        x, y, z = np.cos(along), np.sin(along) * np.cos(tilt), np.sin(along) * np.sin(tilt)
        return radius_km * np.stack([x * np.cos(turned) - y * np.sin(turned), x * np.sin(turned) + y * np.cos(turned), z])

    positions = np.stack([at(step_s * k) for k in range(slots)])
    unknown = np.full(n, -1, np.int16)
    links = nearest_links(TopologyInput(at(0.0), np.zeros(n, np.int16), unknown, unknown, velocities_km_s=at(1.0) - at(0.0)))
    return positions, links


def sample_ground():
    """Five gateways, two PoPs, a high-latitude gateway with its low mask."""
    gateways = make_sites([51.5, 64.0, 1.3, -33.9, 40.0], [0.0, 25.0, 103.8, 151.2, -100.0], [0.0, 200.0, 10.0, 0.0, 1500.0])
    return make_ground_segment(gateways, pops=make_sites([48.85, 35.7], [2.35, 139.7]))
