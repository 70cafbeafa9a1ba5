"""Places: cities by name, or a point by its coordinates, and the country that a point lies in or nearest to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import read_table
from overflight.earth._names import fold_name, nearest_names
from overflight.earth.geodesy import MEAN_RADIUS_KM
from overflight.earth.territory import find_code
from overflight.errors import PlaceError, TerritoryError

_NUMBER = r"[-+−]?(?:\d+\.?\d*|\.\d+|nan|inf(?:inity)?)"
_LAT_LON = re.compile(rf"\s*({_NUMBER})\s*°?\s*[,;\s]\s*({_NUMBER})\s*°?\s*", re.IGNORECASE)
_SEARCH_DEG = (2.0, 8.0, 30.0, 180.0)  # windows in which the nearest border is sought, growing

_KM_PER_DEG = 111.0

TERRITORIAL_SEA_KM = 12.0 * 1.852
"""Breadth of the territorial sea: 12 nautical miles (UN Convention on the Law of the Sea, article 3)."""

_WELL_KNOWN = 200_000  # cities of so many people are offered before smaller ones when a name is unknown


@dataclass(frozen=True, slots=True)
class Place:
    """A named point on the ground.

    Attributes
    ----------
    name
        English name of the city, or the coordinates as given.
    lat_deg, lon_deg
        WGS-84, degrees; longitude −180 … 180.
    country
        ISO 3166-1 alpha-2 code of the territory it lies in, or in whose territorial sea; empty on the high seas.
    population
        People living there; 0 for coordinates.
    source
        Where the coordinates come from.
    """

    name: str
    lat_deg: float
    lon_deg: float
    country: str
    population: int = 0
    source: str = ""


def find_place(query: str) -> Place:
    """Find a city by name, or take ``LAT,LON`` in degrees.

    A name may be English, local or in most languages of Latin script, in any case, with or without accents, and may be followed by a
    country (``"Paris, US"``, ``"Valencia, Espagne"``) or a first-level division by name or code (``"Paris, Texas"``). Of several cities
    the most populous is taken.

    Parameters
    ----------
    query
        What the user typed.

    Raises
    ------
    PlaceError
        If no city of that name is known (the nearest names are offered), or a coordinate is not a number or out of range.

    Examples
    --------
    >>> find_place("Taipei").country
    'TW'
    >>> find_place("Londres").name
    'London'
    """
    text = query.strip()
    match = _LAT_LON.fullmatch(text)
    if match:
        return _place_at(*(float(part.replace("−", "-")) for part in match.groups()))
    if not text:
        msg = "a place is empty; give a city or LAT,LON in degrees"
        raise PlaceError(msg)
    rows = _rows_named(fold_name(text))
    if not rows and "," in text:
        name, _, qualifier = text.rpartition(",")
        rows = _rows_qualified(name.strip(), qualifier.strip())
    if not rows:
        raise PlaceError(_unknown(text))
    return _city(max(rows, key=lambda row: (int(_cities()["population"][row]), -row)))


def country_of(lat_deg: float, lon_deg: float) -> str:
    """Alpha-2 code of the territory that a point lies in, its territorial sea included (12 nautical miles); empty on the high seas.

    Where several overlap, the smallest.
    """
    inside = _country_on_land(lat_deg, lon_deg)
    if inside:
        return inside
    distance_km, code = _nearest_border(lat_deg, lon_deg, _SEARCH_DEG[:1])
    return code if distance_km <= TERRITORIAL_SEA_KM else ""


def nearest_country(lat_deg: float, lon_deg: float) -> str:
    """Alpha-2 code of the territory that a point lies in or, at sea, of the one whose border is nearest.

    Raises
    ------
    PlaceError
        If a coordinate is not finite or out of range.
    """
    _check(lat_deg, lon_deg)
    lon = _wrap(lon_deg)
    return _country_on_land(lat_deg, lon) or _nearest_border(lat_deg, lon, _SEARCH_DEG)[1]


def nearest_countries(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> list[str]:
    """`nearest_country` of many points, in their order."""
    pairs = zip(np.ravel(lat_deg).tolist(), np.ravel(lon_deg).tolist(), strict=True)
    return [nearest_country(lat, lon) for lat, lon in pairs]


def _place_at(lat_deg: float, lon_deg: float) -> Place:
    _check(lat_deg, lon_deg)
    lon = _wrap(lon_deg)
    return Place(f"{lat_deg:g}, {lon:g}", lat_deg, lon, country_of(lat_deg, lon), source="given")


def _check(lat_deg: float, lon_deg: float) -> None:
    if not (np.isfinite(lat_deg) and np.isfinite(lon_deg)):
        msg = f"place {lat_deg:g},{lon_deg:g}: a coordinate is not a finite number; give LAT,LON in degrees"
        raise PlaceError(msg)
    if abs(lat_deg) > 90.0:
        msg = f"place {lat_deg:g},{lon_deg:g}: latitude {lat_deg:g} is out of range; latitude comes first and lies in -90 … 90"
        raise PlaceError(msg)
    if abs(lon_deg) > 360.0:
        msg = f"place {lat_deg:g},{lon_deg:g}: longitude {lon_deg:g} is out of range; it must lie in -180 … 180"
        raise PlaceError(msg)


def _wrap(lon_deg: float) -> float:
    return lon_deg if -180.0 <= lon_deg <= 180.0 else (lon_deg + 180.0) % 360.0 - 180.0


@cache
def _cities() -> dict[str, list[str]]:
    return read_table("places")


def _city(row: int) -> Place:
    table = _cities()
    return Place(
        name=table["name"][row],
        lat_deg=float(table["lat_deg"][row]),
        lon_deg=float(table["lon_deg"][row]),
        country=table["country"][row],
        population=int(table["population"][row]),
        source=f"{table['source'][row]}, {table['date'][row]}",
    )


def _rows_named(folded: str) -> list[int]:
    """Rows of cities that bear a folded name; ``names`` holds them between bars."""
    wanted = f"|{folded}|"
    return [row for row, names in enumerate(_cities()["names"]) if wanted in names] if folded else []


def _rows_qualified(name: str, qualifier: str) -> list[int]:
    """Rows of cities of a name in a country or a first-level division."""
    rows = _rows_named(fold_name(name))
    table = _cities()
    try:
        code = find_code(qualifier)
    except TerritoryError:
        code = ""
    in_country = [row for row in rows if table["country"][row] == code]
    wanted = fold_name(qualifier)
    return in_country or [row for row in rows if wanted in {fold_name(part) for part in table["region"][row].split("|")}]


def _unknown(text: str) -> str:
    table = _cities()
    name, _, qualifier = text.partition(",")
    elsewhere = _rows_named(fold_name(name)) if qualifier else []
    if elsewhere:
        found = sorted({f"{table['name'][row]}, {table['country'][row]}" for row in elsewhere})[:3]
        return f"no place {text!r} is known; did you mean {' or '.join(found)}?"
    folded = fold_name(name)
    alike = [row for row, city in enumerate(table["name"]) if abs(len(city) - len(folded)) <= 3 and fold_name(city[:1]) == folded[:1]]
    well_known = [table["name"][row] for row in alike if int(table["population"][row]) >= _WELL_KNOWN]
    near = list(
        dict.fromkeys([*nearest_names(name, well_known, at_most=2), *nearest_names(name, (table["name"][row] for row in alike), at_most=1)])
    )
    hint = f"; did you mean {' or '.join(near)}? Give" if near else "; give"
    return f"no place {text!r} is known{hint} a city of at least 15,000 people, a capital, or LAT,LON in degrees"


@cache
def _borders() -> tuple[list[str], Any, list[float]]:
    """Codes, a search tree of the borders, and their areas in square degrees."""
    import shapely

    from overflight.earth._borders import read_all_borders

    borders = read_all_borders()
    geometries = list(borders.values())
    for geometry in geometries:
        shapely.prepare(geometry)
    return list(borders), shapely.STRtree(geometries), [float(geometry.area) for geometry in geometries]


def _country_on_land(lat_deg: float, lon_deg: float) -> str:
    import shapely

    codes, tree, areas = _borders()
    hits = tree.query(shapely.Point(lon_deg, lat_deg), predicate="intersects").tolist()
    return codes[min(hits, key=lambda hit: areas[hit])] if hits else ""


def _nearest_border(lat_deg: float, lon_deg: float, reaches_deg: Sequence[float]) -> tuple[float, str]:
    """Distance, km, and code of the territory nearest to a point, in a plane that is true to scale about it; the window grows."""
    import shapely

    codes, tree, _ = _borders()
    best: tuple[float, str] = (np.inf, "")
    for reach in reaches_deg:
        for window, shift in _windows(lat_deg, lon_deg, reach):
            for hit in tree.query(window, predicate="intersects").tolist():
                piece = shapely.intersection(tree.geometries[hit], window)
                near = shapely.transform(piece, lambda xy, shift=shift: _to_local_km(xy, lat_deg, lon_deg + shift))
                best = min(best, (float(shapely.distance(near, shapely.Point(0.0, 0.0))), codes[hit]))
        if best[0] <= reach * _KM_PER_DEG:
            break
    return best


def _windows(lat_deg: float, lon_deg: float, reach_deg: float) -> Sequence[tuple[Any, float]]:
    """Boxes around a point, two where they reach over the antimeridian, each with how far the point is shifted to meet it."""
    import shapely

    south, north = max(-90.0, lat_deg - reach_deg), min(90.0, lat_deg + reach_deg)
    half = min(180.0, reach_deg / max(np.cos(np.radians(lat_deg)), 0.02))
    return [
        (shapely.box(max(-180.0, lon_deg + shift - half), south, min(180.0, lon_deg + shift + half), north), shift)
        for shift in (-360.0, 0.0, 360.0)
        if lon_deg + shift - half < 180.0 and lon_deg + shift + half > -180.0
    ]


def _to_local_km(lon_lat_deg: npt.NDArray[np.float64], lat_deg: float, lon_deg: float) -> npt.NDArray[np.float64]:
    """Azimuthal equidistant plane about a point: distances from it are true."""
    lon, lat, lat0 = np.radians(lon_lat_deg[:, 0] - lon_deg), np.radians(lon_lat_deg[:, 1]), np.radians(lat_deg)
    x, y = np.cos(lat) * np.sin(lon), np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(lon)
    z = np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(lon)
    sine = np.hypot(x, y)
    scale = MEAN_RADIUS_KM * np.arctan2(sine, z) / np.where(sine > 0.0, sine, 1.0)
    return np.column_stack([x * scale, y * scale])
