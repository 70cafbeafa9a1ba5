"""Areas of a policy as shapes: polygons, cells and circles, with margins along their borders, and the sea next to a coast.

An area is a union of shapes. A shape's polygon has edges straight in longitude and latitude (RFC 7946), the cells of a list are H3's own.
Distances to a border are taken to chords of at most `PIECE_DEG` between points of the border on the WGS-84 ellipsoid, and turned into
lengths along the ground; where a polygon is cut at ±180° there is no border.

References
----------
RFC 7946, *The GeoJSON Format* (2016), section 3.1.1.
Uber Technologies, *H3: a hexagonal hierarchical geospatial indexing system*, https://h3geo.org.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import read_table
from overflight.earth.geodesy import MEAN_RADIUS_KM, geodetic_to_ecef_km
from overflight.errors import TerritoryError
from overflight.intake import read_bytes
from overflight.service.policy import Area, Policy

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PIECE_DEG = 0.05
"""A border is cut into pieces of at most this extent in longitude and latitude before it is measured from."""

_POLE_DEG = 90.0
_SEAM_DEG = 180.0

NO_MARGIN, GROWN, SHRUNK, STRIP = 0, 1, 2, 3
"""Kinds of margins, as the kernels know them."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A polygon, a list of cells, or a point (of a circle).

    Attributes
    ----------
    key
        What it is: shapes of one key are the same.
    label
        What it is, in words.
    geometry
        shapely Polygon or MultiPolygon in longitudes −180 … 180; None for a point.
    cells
        H3 cells, sorted, uint64; empty unless it is a list of cells.
    pieces
        Border in ITRF, shape (n, 6): start and end of each chord, km.
    """

    key: tuple[Any, ...]
    label: str
    geometry: Any = field(repr=False)
    cells: npt.NDArray[np.uint64] = field(repr=False)
    pieces: Floats = field(repr=False)

    def contains(self, lat_deg: Floats, lon_deg: Floats) -> Bools:
        """Which points are inside; the border counts as inside, of cells it is H3 that says. Shape (n,)."""
        import h3.api.basic_int as h3
        import shapely

        if len(self.cells):
            west, south, east, north = self.geometry.bounds
            near = (lat_deg >= south - 0.1) & (lat_deg <= north + 0.1) & (lon_deg >= west - 0.1) & (lon_deg <= east + 0.1)
            inside = np.zeros(len(lat_deg), dtype=np.bool_)
            found = [h3.latlng_to_cell(lat, lon, 5) for lat, lon in zip(lat_deg[near].tolist(), lon_deg[near].tolist(), strict=True)]
            inside[near] = np.isin(np.array(found, dtype=np.uint64), self.cells)
            return inside
        if self.geometry is None:
            return np.zeros(len(lat_deg), dtype=np.bool_)
        shapely.prepare(self.geometry)
        return np.asarray(shapely.intersects_xy(self.geometry, lon_deg, lat_deg), dtype=np.bool_)

    def edges(self) -> Floats:
        """Edges of the polygon, shape (n, 4): longitude and latitude of both ends, degrees."""
        return edges_of(self.geometry) if self.geometry is not None else np.empty((0, 4))


@dataclass(frozen=True, eq=False)
class Atom:
    """A shape with its margin, or the sea next to a territory: what a point is in or not.

    Attributes
    ----------
    shape
        The shape; of a sea, the territory.
    low_km, high_km
        Signed distances from the border between which the atom lies, negative inside; ±inf where nothing bounds it.
    sea_km
        Breadth of the sea; 0 for a shape.
    """

    shape: Shape
    low_km: float = -np.inf
    high_km: float = 0.0
    sea_km: float = 0.0

    @property
    def key(self) -> tuple[Any, ...]:
        """What it is: atoms of one key are the same."""
        return (self.shape.key, self.low_km, self.high_km, self.sea_km)

    @property
    def margin_kind(self) -> int:
        """`NO_MARGIN`, `GROWN`, `SHRUNK` or `STRIP`."""
        if np.isfinite(self.low_km):
            return STRIP
        return NO_MARGIN if self.high_km == 0.0 else GROWN if self.high_km > 0.0 else SHRUNK

    @property
    def chords_km2(self) -> tuple[float, float]:
        """Squared chords of the margin: least (shrunk) or inner (strip), and outer (grown, strip) or the sea's breadth."""
        if self.sea_km:
            return 0.0, chord_km(self.sea_km) ** 2
        inner = -self.high_km if self.margin_kind == SHRUNK else -self.low_km if self.margin_kind == STRIP else 0.0
        return _squared(inner), _squared(max(self.high_km, 0.0))

    @property
    def label(self) -> str:
        """What it is, in words."""
        name = self.shape.label
        if self.sea_km:
            return f"the sea within {self.sea_km:g} km of {name}"
        if self.margin_kind == STRIP:
            sides = [f"{km:g} km {side}" for km, side in ((-self.low_km, "inside"), (self.high_km, "outside")) if km > 0.0]
            return f"the strip {' and '.join(sides)} the border of {name}"
        if self.margin_kind == SHRUNK:
            return f"{name} without {-self.high_km:g} km inside its border"
        if self.margin_kind == GROWN:
            centre = self.shape.geometry is None
            return f"{self.high_km:g} km around {name}" if centre else f"{name} and {self.high_km:g} km around it"
        return name

    def contains(self, lat_deg: Floats, lon_deg: Floats, *, coast: tuple[npt.NDArray[np.int32], Floats] | None = None) -> Bools:
        """Which points the atom holds, by exact geometry, shape (n,); ``coast`` is what `nearest_coast` says of them, if it was asked."""
        if self.sea_km:
            owner, km2 = nearest_coast(lat_deg, lon_deg) if coast is None else coast
            return np.asarray((owner == territory_row(self.shape.key[1])) & (km2 <= self.chords_km2[1]))
        inside = self.shape.contains(lat_deg, lon_deg)
        kind, (low_km2, high_km2) = self.margin_kind, self.chords_km2
        if kind == NO_MARGIN or not len(lat_deg):
            return inside
        km2 = border_km2(self.shape.pieces, lat_deg, lon_deg)
        if kind == GROWN:
            return np.asarray(inside | (km2 <= high_km2))
        if kind == SHRUNK:
            return np.asarray(inside & (km2 >= low_km2))
        return np.asarray(km2 <= np.where(inside, low_km2, high_km2))


def chord_km(along_km: float) -> float:
    """Straight distance between points so far apart along the ground."""
    return float(2.0 * MEAN_RADIUS_KM * np.sin(0.5 * along_km / MEAN_RADIUS_KM))


def along_ground_km(chord: npt.ArrayLike) -> Floats:
    """Distance along the ground between points so far apart in a straight line, km."""
    return np.asarray(2.0 * MEAN_RADIUS_KM * np.arcsin(np.minimum(0.5 * np.asarray(chord) / MEAN_RADIUS_KM, 1.0)))


def border_km2(pieces: Floats, lat_deg: Floats, lon_deg: Floats) -> Floats:
    """Squared straight distance of points to the nearest piece of a border, km², shape (n,); infinite where there is none."""
    from overflight.service._policy_kernels import nearest_pieces

    squared = np.full((len(lat_deg), 1), np.inf)
    owner = np.zeros(len(pieces), dtype=np.int32)
    nearest_pieces(np.ascontiguousarray(lat_deg), np.ascontiguousarray(lon_deg), pieces, owner, 1, 0, squared)
    return squared[:, 0]


def distance_km(shape: Shape, lat_deg: Floats, lon_deg: Floats) -> Floats:
    """Signed distance of points from a shape's border along the ground, km, negative inside, shape (n,)."""
    away = along_ground_km(np.sqrt(border_km2(shape.pieces, lat_deg, lon_deg)))
    return np.asarray(np.where(shape.contains(lat_deg, lon_deg), -away, away))


def nearest_coast(lat_deg: Floats, lon_deg: Floats) -> tuple[npt.NDArray[np.int32], Floats]:
    """Territory whose border is nearest to each point at sea (a row of the table ``territories``) and the squared distance, km².

    On land the row is −1.
    """
    from overflight.service._policy_kernels import nearest_pieces

    codes, tree, pieces, owner = world()
    squared = np.full((len(lat_deg), len(codes)), np.inf)
    nearest_pieces(np.ascontiguousarray(lat_deg), np.ascontiguousarray(lon_deg), pieces, owner, len(codes), 0, squared)
    import shapely

    rows = np.argmin(squared, axis=1).astype(np.int32)
    rows[np.unique(tree.query(shapely.points(lon_deg, lat_deg), predicate="intersects")[0])] = -1
    return rows, squared.min(axis=1)


@cache
def world() -> tuple[tuple[str, ...], Any, Floats, npt.NDArray[np.int32]]:
    """Every built-in territory: codes, a search tree of borders, all pieces of borders, and the row of the territory of each piece."""
    import shapely

    codes = tuple(read_table("territories")["code"])
    shapes = [territory_shape(code) for code in codes]
    geometries = np.array([shape.geometry for shape in shapes], dtype=object)
    shapely.prepare(geometries)
    owner = np.repeat(np.arange(len(codes), dtype=np.int32), [len(shape.pieces) for shape in shapes])
    return codes, shapely.STRtree(geometries), np.concatenate([shape.pieces for shape in shapes]), owner


@cache
def territory_row(code: str) -> int:
    """Row of a territory in the table ``territories``; −1 where no border of it is known."""
    codes = read_table("territories")["code"]
    return codes.index(code) if code in codes else -1


@cache
def territory_shape(code: str) -> Shape:
    """The shape of a built-in territory."""
    from overflight.earth._borders import read_borders

    geometry = read_borders(code)
    row = territory_row(code)
    return Shape(("territory", code), read_table("territories")["name"][row], geometry, _no_cells(), border_pieces(geometry))


def atoms_of(area: Area) -> tuple[tuple[Atom, ...], tuple[str, ...]]:
    """Shapes of an area, each with the area's margin.

    Returns
    -------
    atoms
        Shapes with margins; a point is in the area if it is in any of them.
    warnings
        What no border is known of, what a file's polygons were repaired of.

    Raises
    ------
    TerritoryError
        If a file cannot be used.
    """
    low, high = area.margin_km
    shapes: list[Shape] = []
    warnings: list[str] = []
    seas: list[Atom] = []
    for code in area.territories:
        if territory_row(code) < 0:
            warnings.append(f"no border of territory {code} is known")
            continue
        shapes.append(territory_shape(code))
        if area.sea_km:
            seas.append(Atom(shapes[-1], sea_km=area.sea_km))
    if area.provinces:
        count = len(area.provinces)
        warnings.append(f"no border of {count} {'province' if count == 1 else 'provinces'} is known")
    for path in area.geojson:
        shape, problems = file_shape(path)
        shapes.append(shape)
        warnings += problems
    if area.polygons:
        shape, problems = polygon_shape(area.polygons, label="the polygons of the policy", where="polygons")
        shapes.append(shape)
        warnings += problems
    if area.cells:
        shapes.append(cell_shape(area.cells))
    atoms = [Atom(shape, low, high) for shape in shapes]
    for circle in area.circles:
        grown = circle.radius_km + (area.grow_km or 0.0)
        atoms.append(Atom(point_shape(circle.lat_deg, circle.lon_deg), high_km=grown))
    return (*atoms, *seas), tuple(warnings)


def polygon_shape(polygons: Iterable[Sequence[Any]], *, label: str, where: str) -> tuple[Shape, tuple[str, ...]]:
    """Make a shape of polygons, each a sequence of rings of [longitude, latitude]; crossing rings are repaired, with a warning."""
    import shapely

    from overflight.earth.polygons import flatten_polygon, polygonal

    pieces, warnings = [], []
    for number, rings in enumerate(polygons, start=1):
        geometry, problems = flatten_polygon(
            [np.asarray(ring, dtype=np.float64).reshape(-1, 2) for ring in rings], where=f"{where} {number}"
        )
        pieces.append(geometry)
        warnings += [str(problem) for problem in problems]
    union = polygonal(shapely.union_all(pieces))
    return Shape(("polygons", shapely.to_wkb(union)), label, union, _no_cells(), border_pieces(union)), tuple(warnings)


def file_shape(path: str) -> tuple[Shape, tuple[str, ...]]:
    """Make a shape of the polygons in a GeoJSON file."""
    import shapely

    from overflight.earth._geojson import parse_geojson

    drawing = parse_geojson(_read_geojson(path), source=path)
    geometry = drawing.geometry(path)
    label = path.rpartition("/")[2]
    return Shape(("polygons", shapely.to_wkb(geometry)), label, geometry, _no_cells(), border_pieces(geometry)), tuple(
        str(warning) for warning in drawing.warnings
    )


def rings_of_file(path: str) -> list[tuple[tuple[tuple[float, float], ...], ...]]:
    """Polygons of a GeoJSON file as rings of [longitude, latitude], to be written into a policy."""
    shape, _ = file_shape(path)
    return rings_of(shape.geometry)


def rings_of(geometry: Any) -> list[tuple[tuple[tuple[float, float], ...], ...]]:
    """Polygons of a geometry as rings of [longitude, latitude]."""
    import shapely

    return [
        tuple(tuple((float(x), float(y)) for x, y in shapely.get_coordinates(ring)) for ring in (part.exterior, *part.interiors))
        for part in shapely.get_parts(geometry)
    ]


def cell_shape(cells: Sequence[str]) -> Shape:
    """Make a shape of H3 cells."""
    import h3.api.basic_int as h3
    import shapely

    from overflight.earth.polygons import flatten_polygon, polygonal

    ids = np.array(sorted(int(cell, 16) for cell in cells), dtype=np.uint64)
    outline = h3.cells_to_h3shape(ids.tolist(), tight=False)
    pieces = [flatten_polygon([[(lon, lat) for lat, lon in ring] for ring in (polygon.outer, *polygon.holes)])[0] for polygon in outline]
    geometry = polygonal(shapely.union_all(pieces))
    label = f"cell {cells[0]}" if len(ids) == 1 else f"{len(ids):,} cells"
    return Shape(("cells", ids.tobytes()), label, geometry, ids, border_pieces(geometry))


def point_shape(lat_deg: float, lon_deg: float) -> Shape:
    """Make a shape of a circle's centre."""
    at = geodetic_to_ecef_km([lat_deg], [lon_deg])[:, 0]
    return Shape(("point", lat_deg, lon_deg), f"{lat_deg:g},{lon_deg:g}", None, _no_cells(), np.concatenate([at, at]).reshape(1, 6))


def edges_of(geometry: Any) -> Floats:
    """Edges of all rings of a geometry, shape (n, 4): longitude and latitude of both ends, degrees."""
    import shapely

    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(geometry)), return_index=True)
    same = ring[:-1] == ring[1:]
    return np.ascontiguousarray(np.hstack([corners[:-1][same], corners[1:][same]]))


def border_pieces(geometry: Any) -> Floats:
    """The border of a geometry as chords in ITRF, shape (n, 6), km: cuts at ±180° and the poles left out, long edges divided."""
    edges = edges_of(geometry)
    polar = (np.abs(edges[:, 1]) == _POLE_DEG) & (edges[:, 1] == edges[:, 3])
    on_seam = (np.abs(edges[:, 0]) == _SEAM_DEG) & (edges[:, 0] == edges[:, 2])
    kept = np.vstack([edges[~polar & ~on_seam], _true_seam_borders(edges[on_seam])])
    spans = np.maximum(np.abs(kept[:, 2] - kept[:, 0]), np.abs(kept[:, 3] - kept[:, 1]))
    count = np.maximum(1, np.ceil(spans / PIECE_DEG)).astype(np.int64)
    row = np.repeat(np.arange(len(kept)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    begins, ends = step / count[row], (step + 1) / count[row]
    lon_lat = kept[row, 0:2], kept[row, 2:4] - kept[row, 0:2]
    points = [lon_lat[0] + share[:, None] * lon_lat[1] for share in (begins, ends)]
    return np.ascontiguousarray(np.hstack([geodetic_to_ecef_km(xy[:, 1], xy[:, 0]).T for xy in points]).reshape(-1, 6))


def _true_seam_borders(edges: Floats) -> Floats:
    """Edges along ±180° that are borders: those with the area on one side only."""
    import shapely

    if not len(edges):
        return edges
    sides = [shapely.union_all(shapely.linestrings(_heights(edges[edges[:, 0] == lon]))) for lon in (-_SEAM_DEG, _SEAM_DEG)]
    alone = shapely.get_parts(shapely.symmetric_difference(*sides))
    lines = [shapely.get_coordinates(line)[:, 1] for line in alone if line.geom_type == "LineString"]
    return np.array([[_SEAM_DEG, a, _SEAM_DEG, b] for line in lines for a, b in itertools.pairwise(line)]).reshape(-1, 4)


def _heights(edges: Floats) -> Floats:
    """Edges of one meridian as lines on the axis x = 0, shape (n, 2, 2)."""
    zero = np.zeros(len(edges))
    return np.stack([np.column_stack([zero, edges[:, 1]]), np.column_stack([zero, edges[:, 3]])], axis=1)


def _squared(along_km: float) -> float:
    return chord_km(along_km) ** 2 if along_km > 0.0 else 0.0


def _no_cells() -> npt.NDArray[np.uint64]:
    return np.empty(0, dtype=np.uint64)


def _read_geojson(path: str) -> bytes:
    return read_bytes(path, wanted="a GeoJSON file of polygons", refused=TerritoryError)


def policy_areas(policy: Policy) -> list[tuple[str, Area]]:
    """Every area of a policy with the name of its rule."""
    return [(rule.name, area) for rule in policy.rules for _, area in rule.areas]
