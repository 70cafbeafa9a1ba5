"""Territories: named areas with their borders, cells and people.

`find_territory` knows every code of ISO 3166-1 and XK by code and by English and French name, and reads a user's GeoJSON. Built-in
borders are Natural Earth's; where they depart from them, ``border_choices.csv`` says how and why. Polygons load when asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import read_table
from overflight.earth._names import fold_name, nearest_names
from overflight.errors import TerritoryError
from overflight.intake import read_bytes
from overflight.notices import Notice

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]

USER_CODE = "XX"
"""Code of a territory that a user's polygon draws without giving one: user-assigned in ISO 3166-1."""

WORLDVIEW: str = Notice.of(
    "map.worldview",
    "Borders are the de facto lines of Natural Earth (1:50m, smaller islands 1:10m), except that Crimea is drawn with Ukraine, "
    "Western Sahara is drawn whole and the whole island of Cyprus with Cyprus, as the United Nations have them; "
    "they imply no position on any claim.",
)
"""What the built-in borders stand for, in one sentence; each choice is a row of the table ``border_choices``."""

USER_WORLDVIEW: str = Notice.of("map.worldview_user", "The border is the user's own polygon.")


@dataclass(frozen=True, eq=False)
class Territory:
    """A named area.

    Attributes
    ----------
    code
        ISO 3166-1 alpha-2, or what the user's polygon says, else ``"XX"``.
    name, name_fr
        English and French names.
    geometry
        shapely Polygon or MultiPolygon in longitudes −180 … 180, edges straight in longitude and latitude.
    area_km2
        Area of ``geometry`` on the WGS-84 ellipsoid, lakes included.
    cells
        H3 resolution-5 cells, uint64, sorted, shape (n,), n ≥ 1.
    population
        People of the territory in each cell, shape (n,); of a user's polygon, all people living in the cell.
    centre_lat_deg, centre_lon_deg
        Middle of the area, degrees; it need not lie inside.
    alpha3, numeric
        ISO 3166-1 codes, empty for a user's polygon.
    worldview
        Which view of the world the border takes, in one sentence.
    source, status
        Where the border comes from and how sure it is.
    population_source
        Where the number of people comes from.
    warnings
        What the user should know about the polygon.
    """

    code: str
    name: str
    name_fr: str
    geometry: Any = field(repr=False)
    area_km2: float
    cells: Cells = field(repr=False)
    population: Floats = field(repr=False)
    centre_lat_deg: float
    centre_lon_deg: float
    alpha3: str = ""
    numeric: str = ""
    worldview: str = WORLDVIEW
    source: str = ""
    status: str = "reported"
    population_source: str = ""
    warnings: tuple[str, ...] = ()

    @cached_property
    def population_total(self) -> float:
        """People in the territory."""
        return float(self.population.sum())

    def __repr__(self) -> str:
        people = f"{self.population_total:,.0f} people"
        return f"<Territory {self.code} {self.name}: {len(self.cells):,} cells, {self.area_km2:,.0f} km², {people}, {self.source}>"


class TerritoryName(NamedTuple):
    """A row of the list of territories."""

    code: str
    alpha3: str
    name: str
    name_fr: str


def list_territories() -> list[TerritoryName]:
    """Codes and names of all built-in territories, by code."""
    table = read_table("territories")
    return [TerritoryName(*row) for row in zip(table["code"], table["alpha3"], table["name"], table["name_fr"], strict=True)]


def find_territory(query: str | Path) -> Territory:
    """Find a territory by code or name, or read one from a GeoJSON file.

    Parameters
    ----------
    query
        ISO 3166-1 alpha-2, alpha-3 or numeric code; an English or French name in any case, with or without accents; or the path of a
        GeoJSON file, which overrides the built-in borders.

    Raises
    ------
    TerritoryError
        If nothing of that name is known (the nearest names are offered) or the file's polygon cannot be used.

    Examples
    --------
    >>> find_territory("Taiwan").code
    'TW'
    >>> find_territory("côte d'ivoire").alpha3
    'CIV'
    """
    path = territory_file(query)
    if path is not None:
        return read_territory(path)
    text = str(query).strip()
    row = _rows_by_name().get(_key(text)) if text else None
    if row is None:
        raise TerritoryError(_unknown(text))
    return _built_in(row)


def territory_file(query: str | Path) -> Path | None:
    """Path of the file that a query means; None where it means a code or a name. Names go before files of the same name."""
    text = str(query).strip()
    if isinstance(query, Path) or text.lower().endswith((".geojson", ".json")):
        return Path(query)
    if not text or _key(text) in _rows_by_name():
        return None
    return Path(text) if "/" in text or _exists(Path(text)) else None


def find_code(query: str) -> str:
    """Alpha-2 code of a built-in territory, by any of its codes or names, without loading its borders.

    Raises
    ------
    TerritoryError
        If nothing of that name is known.
    """
    row = _rows_by_name().get(_key(query.strip()))
    if row is None:
        raise TerritoryError(_unknown(query.strip()))
    return read_table("territories")["code"][row]


def read_territory(path: Path) -> Territory:
    """Read a territory from a GeoJSON file (see `parse_territory`)."""
    data = read_bytes(path, wanted="a territory's name or code, or a GeoJSON file", refused=TerritoryError)
    return parse_territory(data, source=str(path))


def parse_territory(data: bytes, *, source: str) -> Territory:
    """Make a territory of the polygons in a GeoJSON text.

    Its code and name are the properties ``code`` (or ``iso_a2``) and ``name`` of the first feature, or its ``id``; failing these, ``XX``
    and the file's stem. Rings that cross themselves are repaired with a warning: what they enclose an odd number of times is inside.

    Parameters
    ----------
    data
        The file's bytes.
    source
        How messages and the territory's ``source`` name the file.

    Raises
    ------
    TerritoryError
        If the text is not GeoJSON, holds no polygon, or has coordinates out of range.
    """
    from overflight.earth._geojson import parse_geojson
    from overflight.earth.cells import cells_of_polygon
    from overflight.earth.polygons import area_km2, centre
    from overflight.earth.population import population_of_cells

    drawing = parse_geojson(data, source=source)
    geometry = drawing.geometry(source)
    cells = cells_of_polygon(geometry)
    feature = drawing.features[0] if drawing.features else {}
    properties = feature.get("properties") if isinstance(feature.get("properties"), dict) else {}
    stem = Path(source).stem
    name = _first_text(properties, ("name", "NAME", "name_en")) or stem
    identifier = feature.get("id")
    code = _first_text(properties, ("code", "iso_a2", "ISO_A2")) or (str(identifier) if identifier not in {None, ""} else USER_CODE)
    lat_deg, lon_deg = centre(geometry)
    population = population_of_cells(cells)
    table = read_table("territories")
    return Territory(
        code=code,
        name=name,
        name_fr=_first_text(properties, ("name_fr", "NAME_FR")) or name,
        geometry=geometry,
        area_km2=area_km2(geometry),
        cells=cells,
        population=population,
        centre_lat_deg=lat_deg,
        centre_lon_deg=lon_deg,
        worldview=USER_WORLDVIEW,
        source=Notice.of("source.geojson", "GeoJSON file {name}", name=Path(source).name),
        status="reported",
        population_source=table["population_source"][0],
        warnings=(*drawing.warnings, *_warn_of_swap(geometry, cells)),
    )


def _built_in(row: int) -> Territory:
    from overflight.earth._borders import read_borders
    from overflight.earth.polygons import centre
    from overflight.earth.population import built_in_cells, built_in_population

    table = read_table("territories")
    code = table["code"][row]
    geometry = read_borders(code)
    lat_deg, lon_deg = centre(geometry)
    return Territory(
        code=code,
        name=table["name"][row],
        name_fr=table["name_fr"][row],
        geometry=geometry,
        area_km2=float(table["area_km2"][row]),
        cells=built_in_cells(code),
        population=built_in_population(code),
        centre_lat_deg=lat_deg,
        centre_lon_deg=lon_deg,
        alpha3=table["alpha3"][row],
        numeric=table["numeric"][row],
        source=Notice.of(
            "source.borders",
            "{name}, {scale}",
            name=table["source"][row].partition(";")[0].removeprefix("borders: "),
            scale=Notice.word("scale", table["scale"][row]),
        ),
        status=table["status"][row],
        population_source=table["population_source"][row],
    )


@cache
def _rows_by_name() -> dict[str, int]:
    """Row of the table by every code and folded name; where two share a name (“Congo”), the first listed as an alias keeps it."""
    table = read_table("territories")
    rows: dict[str, int] = {}
    for column in ("code", "alpha3", "numeric"):
        rows.update({f"={cell.lower()}": row for row, cell in enumerate(table[column]) if cell})
    for column in ("name", "name_fr"):
        for row, cell in enumerate(table[column]):
            rows.setdefault(fold_name(cell), row)
    for row, cell in enumerate(table["aliases"]):
        for alias in filter(None, cell.split("|")):
            rows.setdefault(fold_name(alias), row)
    return rows


def _key(text: str) -> str:
    """The key of a query in `_rows_by_name`: codes come before names."""
    code = f"={text.lower()}"
    return code if code in _rows_by_name() else fold_name(text)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no name that a file could have
        return False


def _unknown(text: str) -> str:
    names = _known_names()
    near = nearest_names(text, names)
    hint = f"; did you mean {' or '.join(near)}? Give" if near else "; give"
    return f"unknown territory {text!r}{hint} an ISO 3166-1 code, an English or French name, or a GeoJSON file"


def _known_names() -> Iterable[str]:
    table = read_table("territories")
    aliases = (alias for cell in table["aliases"] for alias in cell.split("|") if alias)
    return [*table["name"], *table["name_fr"], *aliases]


def _first_text(properties: Any, keys: Iterable[str]) -> str:
    for key in keys:
        value = properties.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _warn_of_swap(geometry: Any, cells: Cells) -> list[str]:
    """Suspect latitude and longitude to be swapped where the polygon holds no land but would the other way round."""
    import shapely

    from overflight.earth.cells import cell_of
    from overflight.earth.population import territories_of_cells

    if any(territories_of_cells(cells)):
        return []
    middle = shapely.point_on_surface(geometry)
    if abs(middle.x) <= 90.0:
        there = territories_of_cells([cell_of(middle.x, middle.y)])[0]
        if there:
            table = read_table("territories")
            names, names_fr = (tuple(table[column][table["code"].index(code)] for code in there) for column in ("name", "name_fr"))
            text = "the polygon lies wholly at sea; with latitude and longitude swapped it would lie in {names}"
            return [Notice.of("warning.swapped", text, names=names, names_fr=names_fr)]
    return [Notice.of("warning.at_sea", "the polygon lies wholly at sea: no territory's cell is in it, its population is 0")]
