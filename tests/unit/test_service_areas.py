"""Areas: margins measured along the ground, cells as H3 has them, the sea next to a coast, cuts that are no borders."""

import h3.api.basic_str as h3
import numpy as np
import pytest
import shapely
from tests.policy_reference import geodesic_km

from overflight.service.areas import Atom, atoms_of, border_pieces, distance_km, nearest_coast, territory_row, territory_shape
from overflight.service.compiled import compile_policy
from overflight.service.policy import Area, parse_policy
from overflight.service.verdicts import Reports, Terminal, decide_exactly, prepare_policy

METRE_KM = 1e-3
FAR_TOLERANCE = 3e-6
"""Relative error allowed of a distance of hundreds of km, beside a metre."""


def inside(area: dict, lat, lon):
    atoms, _ = atoms_of(Area(**area))
    lat, lon = np.atleast_1d(np.asarray(lat, dtype=float)), np.atleast_1d(np.asarray(lon, dtype=float))
    return np.logical_or.reduce([atom.contains(lat, lon) for atom in atoms])


@pytest.mark.parametrize("lat", [0.0, 35.0, 60.0, 85.0, -89.0])
@pytest.mark.parametrize("radius_km", [1.0, 50.0, 500.0])
def test_a_circle_is_a_geodesic_one(lat, radius_km):
    from overflight.service.areas import along_ground_km, border_km2, point_shape

    centre = point_shape(lat, 179.9)
    for turn in np.linspace(0.0, 2.0 * np.pi, 9):
        there = np.clip(lat + radius_km / 111.2 * np.sin(turn), -90.0, 90.0)
        lon = 179.9 + radius_km / 111.2 * np.cos(turn) / max(np.cos(np.radians(there)), 0.05)
        expected = geodesic_km(lat, 179.9, float(there), lon)
        found = float(along_ground_km(np.sqrt(border_km2(centre.pieces, np.array([there]), np.array([lon]))))[0])
        assert found == pytest.approx(expected, abs=METRE_KM + FAR_TOLERANCE * expected)


def test_margins_nest():
    rng = np.random.default_rng(3)
    lat, lon = rng.uniform(49.2, 50.4, 3000), rng.uniform(5.4, 6.8, 3000)
    plain = inside({"territories": ["LU"]}, lat, lon)
    grown, shrunk = (inside({"territories": ["LU"], key: 5.0}, lat, lon) for key in ("grow_km", "shrink_km"))
    strip = inside({"territories": ["LU"], "strip_inside_km": 5.0}, lat, lon)
    both = inside({"territories": ["LU"], "strip_inside_km": 5.0, "strip_outside_km": 5.0}, lat, lon)
    assert (shrunk <= plain).all()
    assert (plain <= grown).all()
    assert np.array_equal(strip, plain & ~shrunk)
    assert np.array_equal(both, grown & ~shrunk)
    away = distance_km(territory_shape("LU"), lat, lon)
    assert np.array_equal(away <= 0.0, plain)
    assert np.array_equal(grown, away <= 5.0)


def test_a_list_of_cells_is_what_h3_says():
    cells = sorted(h3.grid_disk("85382257fffffff", 2))
    rng = np.random.default_rng(4)
    lat0, lon0 = h3.cell_to_latlng(cells[0])
    lat, lon = lat0 + rng.normal(0.0, 0.3, 2000), lon0 + rng.normal(0.0, 0.3, 2000)
    expected = [h3.latlng_to_cell(a, b, 5) in cells for a, b in zip(lat, lon, strict=True)]
    assert inside({"cells": cells}, lat, lon).tolist() == expected


def test_cells_with_a_margin():
    cells = sorted(h3.grid_disk("85382257fffffff", 1))
    lat, lon = h3.cell_to_latlng("85382257fffffff")
    assert inside({"cells": cells, "shrink_km": 5.0}, lat, lon)
    assert not inside({"cells": cells, "shrink_km": 60.0}, lat, lon)
    assert not inside({"cells": cells}, lat + 0.5, lon)
    assert inside({"cells": cells, "grow_km": 60.0}, lat + 0.5, lon)


def test_the_sea_belongs_to_the_nearest_coast():
    # Öresund between Helsingør and Helsingborg, 4 km wide: each half is its own coast's.
    lat, lon = np.array([56.04, 56.04, 0.0, 48.85]), np.array([12.635, 12.675, -30.0, 2.35])
    owner, km2 = nearest_coast(lat, lon)
    assert owner[:2].tolist() == [territory_row("DK"), territory_row("SE")]
    assert owner[3] == -1
    assert np.sqrt(km2[2]) > 50.0
    assert Atom(territory_shape("DK"), sea_km=22.224).contains(lat, lon).tolist() == [True, False, False, False]


def test_a_cut_at_the_antimeridian_is_no_border():
    fiji, russia = territory_shape("FJ"), territory_shape("RU")
    for shape, lat in ((fiji, -16.85), (russia, 67.0)):
        away = distance_km(shape, np.array([lat, lat]), np.array([179.9999, -179.9999]))
        assert abs(away[0] - away[1]) < 0.05
    assert abs(distance_km(russia, np.array([67.0]), np.array([180.0]))[0]) > 50.0


def test_an_edge_along_the_antimeridian_with_nothing_beyond_is_a_border():
    assert len(border_pieces(shapely.box(170.0, -10.0, 180.0, 10.0))) > len(border_pieces(shapely.union(
        shapely.box(170.0, -10.0, 180.0, 10.0), shapely.box(-180.0, -10.0, -170.0, 10.0),
    ))) / 2  # fmt: skip
    area = {"polygons": [[[[170, -10], [180, -10], [180, 10], [170, 10], [170, -10]]]], "shrink_km": 50.0}
    assert not inside(area, 0.0, 179.9)
    whole = {"polygons": [[[[170, -10], [190, -10], [190, 10], [170, 10], [170, -10]]]], "shrink_km": 50.0}
    assert inside(whole, 0.0, 179.9)


def test_what_has_no_border_is_warned_of():
    atoms, warnings = atoms_of(Area(territories=("XA", "LU"), provinces=("dXJuOg==",)))
    assert [atom.shape.label for atom in atoms] == ["Luxembourg"]
    assert warnings == ("no border of territory XA is known", "no border of 1 province is known")


def test_narrow_and_wide_seas_in_one_policy():
    rules = [
        {"name": f"{code}{km:g}", "verdict": "allow", "reason": "r", "within": {"territories": [code], "sea_km": km}}
        for code, km in (("MT", 3.0), ("MT", 40.0), ("IT", 12.0))
    ]
    ready = prepare_policy(parse_policy({"rules": rules, "default": {"verdict": "deny", "reason": "end"}}))
    rng = np.random.default_rng(5)
    lat, lon = rng.uniform(35.4, 36.9, 1500), rng.uniform(13.9, 15.2, 1500)
    nan = np.full(1500, np.nan)
    time = np.full(1500, "NaT", dtype="datetime64[us]")
    reports = Reports(lat, lon, time, nan, nan, nan, np.zeros(1500, dtype=np.int32), (Terminal(),))
    exact = decide_exactly(ready, reports)
    assert set(exact.tolist()) == {0, 1, 2, 3}
    assert np.array_equal(compile_policy(ready).decide(reports), exact)
