"""No link below the declared mask, ever, and none above it missing: any sites, any satellites, any masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.earth.geodesy import make_sites
from overflight.sky.angles import look_angles
from overflight.sky.visibility import CellTree, find_visible, find_visible_series, pair_angles

ROUNDING_DEG = 1e-9
"""Elevation of a pair by two formulas in float64."""

latitudes = st.one_of(st.floats(-90.0, 90.0), st.sampled_from([-90.0, 90.0, 0.0, 81.3]))
sites = st.lists(st.tuples(latitudes, st.floats(-180.0, 360.0), st.floats(-400.0, 9000.0)), min_size=1, max_size=25)
satellites = st.lists(st.tuples(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0), st.floats(300.0, 36000.0)), min_size=0, max_size=40)
masks = st.floats(0.0, 89.0)


def place(rows):
    """Positions in ITRF from latitude, longitude and height in km on a sphere, shape (3, n)."""
    lat, lon, height = (np.array(column, dtype=float) for column in (zip(*rows, strict=True) if rows else ([], [], [])))
    lat, lon = np.radians(lat), np.radians(lon)
    return (6371.0 + height) * np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def slow_elevation_deg(table, positions_km):
    """Angle from the vertical by its cosine's and sine's arc tangent; written without the code under test."""
    lat, lon = np.radians(table.lat_deg), np.radians(table.lon_deg)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)[:, None]
    offset = positions_km.T[None] - table.ecef_km.T[:, None]
    return np.degrees(np.arctan2((offset * up).sum(-1), np.linalg.norm(np.cross(offset, np.broadcast_to(up, offset.shape)), axis=-1)))


def as_matrix(visible, shape):
    matrix = np.zeros(shape, dtype=bool)
    for s in range(shape[0]):
        row = visible.of_site(s)
        assert np.all(np.diff(row) > 0)
        matrix[s, row] = True
    return matrix


@settings(max_examples=120, deadline=None)
@given(sites, satellites, masks, st.integers(1, 3))
def test_no_link_below_the_mask_and_none_missing_above(places, orbits, mask_deg, threads):
    table, positions_km = make_sites(*zip(*places, strict=True)), place(orbits)
    found = as_matrix(find_visible(CellTree(table), positions_km, min_elevation_deg=mask_deg, threads=threads), (len(places), len(orbits)))
    elevation_deg = slow_elevation_deg(table, positions_km)
    assert np.all(elevation_deg[found] >= mask_deg - ROUNDING_DEG)
    assert np.all(elevation_deg[~found] < mask_deg + ROUNDING_DEG)


@settings(max_examples=60, deadline=None)
@given(sites, satellites, st.data())
def test_each_site_keeps_its_own_mask(places, orbits, data):
    mask_deg = np.array(data.draw(st.lists(masks, min_size=len(places), max_size=len(places))))
    table, positions_km = make_sites(*zip(*places, strict=True)), place(orbits)
    found = as_matrix(find_visible(CellTree(table), positions_km, min_elevation_deg=mask_deg), (len(places), len(orbits)))
    above = slow_elevation_deg(table, positions_km) - mask_deg[:, None]
    assert np.all(above[found] >= -ROUNDING_DEG)
    assert np.all(above[~found] < ROUNDING_DEG)


@settings(max_examples=40, deadline=None)
@given(sites, satellites, masks, st.integers(1, 20), st.integers(1, 3), st.randoms(use_true_random=False))
def test_a_series_is_its_instants_whatever_they_are(places, orbits, mask_deg, n_times, threads, random):
    table, tree = make_sites(*zip(*places, strict=True)), CellTree(make_sites(*zip(*places, strict=True)))
    positions_km = np.stack([place(orbits) * random.uniform(0.99, 1.01) for _ in range(n_times)])
    lost = np.array([[random.random() < 0.2 for _ in orbits] for _ in range(n_times)], dtype=bool).reshape(n_times, len(orbits))
    positions_km[np.broadcast_to(lost[:, None], positions_km.shape)] = np.nan
    series = find_visible_series(tree, positions_km, min_elevation_deg=mask_deg, threads=threads)
    azimuth_deg, elevation_deg, range_km = pair_angles(table, positions_km, series, threads=threads)
    for k in range(n_times):
        one = find_visible(tree, positions_km[k], min_elevation_deg=mask_deg)
        assert np.array_equal(one.indptr, series.at(k).indptr)
        assert np.array_equal(one.satellite, series.at(k).satellite)
        assert not lost[k, one.satellite].any()
        slow = look_angles(table, positions_km[k])
        site = np.repeat(np.arange(len(table)), one.counts)
        share = slice(series.indptr[k, 0], series.indptr[k, -1])
        for fast, reference in zip((azimuth_deg, elevation_deg, range_km), slow, strict=True):
            assert np.array_equal(fast[share], reference[site, one.satellite])


@settings(max_examples=60, deadline=None)
@given(sites, satellites)
def test_look_angles_point_at_the_satellite(places, orbits):
    table, positions_km = make_sites(*zip(*places, strict=True)), place(orbits)
    azimuth_deg, elevation_deg, range_km = look_angles(table, positions_km)
    assert elevation_deg == pytest.approx(slow_elevation_deg(table, positions_km), abs=1e-9)
    assert np.all((azimuth_deg >= 0.0) & (azimuth_deg < 360.0))
    lat, lon = np.radians(table.lat_deg)[:, None], np.radians(table.lon_deg)[:, None]
    az, el = np.radians(azimuth_deg), np.radians(elevation_deg)
    east = np.stack([-np.sin(lon), np.cos(lon), 0.0 * lon])
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    direction = np.cos(el) * (np.sin(az) * east + np.cos(az) * north) + np.sin(el) * up
    back_km = table.ecef_km[:, :, None] + range_km * direction
    assert np.abs(back_km - positions_km[:, None]).max(initial=0.0) < 1e-8
