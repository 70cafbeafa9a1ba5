"""Cells: H3 hexagons of resolution 5 (about 253 km²), the grain of service.

Cells are numbered by their H3 index as ``uint64`` and kept sorted. A polygon owns the cells whose centre lies in it; a part of it that
holds fewer than `SMALL_PART_CELLS` centres owns every cell that it touches, so that no island vanishes, whole or half. The fill walks
down H3's own hierarchy with a bounding box around all that descends from a cell, and tests centres in the plane: it needs nothing of
H3's polygon fill, which has trouble at the antimeridian and the poles.

References
----------
Uber Technologies, *H3: a hexagonal hierarchical geospatial indexing system*, https://h3geo.org.
"""

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import shapely

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]

RESOLUTION = 5
"""H3 resolution of a cell of service: the vertices of the operator's own cells coincide with it."""

SMALL_PART_CELLS = 3
"""A part of a polygon with fewer centres than this in it owns every cell that it touches."""

_REACH_DEG = (12.9, 4.9, 1.8, 0.62, 0.175, 0.0)
"""By resolution 0 to 5: no resolution-5 descendant's centre is farther from the cell's centre than this (measured over all
2,016,842 cells: 12.832, 4.858, 1.778, 0.609, 0.169, 0), degrees of arc."""

_EDGE_DEG = 0.05
"""Edges of polygons, straight in longitude and latitude, are cut to this length before they are projected."""

_CELL_RADIUS_DEG = 0.13
"""No corner of a resolution-5 cell is farther from its centre than this, degrees of arc."""


def cell_centres(cells: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of the centres of cells, each shape (n,), degrees, in the order given."""
    ids = np.asarray(cells, dtype=np.uint64).ravel().tolist()
    pairs = np.fromiter((value for cell in ids for value in h3.cell_to_latlng(cell)), dtype=np.float64, count=2 * len(ids))
    return np.ascontiguousarray(pairs[0::2]), np.ascontiguousarray(pairs[1::2])


def cell_of(lat_deg: float, lon_deg: float) -> int:
    """The resolution-5 cell that holds a point."""
    return int(h3.latlng_to_cell(lat_deg, lon_deg, RESOLUTION))


def cell_neighbours(cells: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Rows of the cells adjacent to each, among the cells given.

    Parameters
    ----------
    cells
        H3 indices in ascending order, shape (n,).

    Returns
    -------
    ndarray
        int32, shape (n, 6), ascending, padded with −1: adjacent cells that are not given, and the sixth side of a pentagon.
    """
    ids = np.asarray(cells, dtype=np.uint64).ravel()
    rows = {cell: row for row, cell in enumerate(ids.tolist())}
    found = np.full((len(ids), 6), -1, dtype=np.int32)
    for row, cell in enumerate(ids.tolist()):
        near = sorted(rows[other] for other in h3.grid_disk(cell, 1) if other != cell and other in rows)
        found[row, : len(near)] = near
    return found


def cell_parents(cells: npt.ArrayLike, resolution: int) -> Cells:
    """The ancestor of each cell at a coarser resolution, shape (n,)."""
    ids = np.asarray(cells, dtype=np.uint64).ravel()
    shift = np.uint64(3 * (15 - resolution))
    coarser = (ids & ~(np.uint64(0xF) << np.uint64(52))) | (np.uint64(resolution) << np.uint64(52))
    return np.asarray(coarser | ((np.uint64(1) << shift) - np.uint64(1)))


def cell_area_km2(cells: npt.ArrayLike) -> Floats:
    """Areas of cells on the sphere of equal area, shape (n,), km²."""
    ids = np.asarray(cells, dtype=np.uint64).ravel().tolist()
    return np.fromiter((h3.cell_area(cell, unit="km^2") for cell in ids), dtype=np.float64, count=len(ids))


def cell_boundaries(cells: npt.ArrayLike) -> list[Floats]:
    """Corners of each cell for drawing: arrays (5 … 10, 2) of longitude and latitude, degrees, not closed.

    Longitudes of one cell are continuous: a cell on the antimeridian runs beyond ±180 rather than across the map. A cell that
    holds a pole is the exception; draw it in a polar projection.
    """
    boundaries = []
    for cell in np.asarray(cells, dtype=np.uint64).ravel().tolist():
        corners = np.array(h3.cell_to_boundary(cell), dtype=np.float64)[:, ::-1]
        lon = corners[:, 0]
        if np.ptp(lon) > 180.0:
            lon_centre = h3.cell_to_latlng(cell)[1]
            corners[:, 0] = lon_centre + np.mod(lon - lon_centre + 180.0, 360.0) - 180.0
        boundaries.append(corners)
    return boundaries


def cells_of_polygon(geometry: shapely.Geometry) -> Cells:
    """Fill a geometry with cells.

    Parameters
    ----------
    geometry
        Valid Polygon or MultiPolygon in longitudes −180 … 180 (see `overflight.earth.polygons.flatten_polygon`). Parts that meet at
        the antimeridian count as one.

    Returns
    -------
    uint64, shape (n,)
        Sorted, distinct: every cell whose centre lies in the geometry, and every cell that touches a part holding fewer than
        `SMALL_PART_CELLS` centres.
    """
    cells, centres = _cells_by_centre(geometry)
    pieces = _whole_parts(geometry)
    held = np.bincount(shapely.STRtree(centres).query(pieces, predicate="intersects")[0], minlength=len(pieces))
    small = [cells_touching(piece) for piece, count in zip(pieces, held.tolist(), strict=True) if count < SMALL_PART_CELLS]
    return np.unique(np.concatenate([cells, *small]))


def covered_shares(cells: npt.ArrayLike, geometry: shapely.Geometry) -> Floats:
    """Share of each cell's area that a geometry covers, 0 … 1, shape (n,): in the gnomonic plane about each cell's centre."""
    shapely.prepare(geometry)
    outline = shapely.segmentize(geometry, _EDGE_DEG)
    shares = []
    for cell in np.asarray(cells, dtype=np.uint64).ravel().tolist():
        hexagon, covered = _in_local_plane(cell, outline)
        shares.append(0.0 if covered.is_empty else shapely.area(shapely.intersection(hexagon, covered)) / shapely.area(hexagon))
    return np.array(shares, dtype=np.float64)


def cells_touching(geometry: shapely.Geometry) -> Cells:
    """Every cell that shares at least a point with a geometry, sorted; for geometries of few cells (each is tested on its own)."""
    candidates = _descend(geometry, margin_deg=_CELL_RADIUS_DEG)[0]
    outline = shapely.segmentize(geometry, _EDGE_DEG)
    touching = [cell for cell in candidates.tolist() if _touches(cell, outline)]
    return np.array(sorted(touching), dtype=np.uint64)


def _cells_by_centre(geometry: shapely.Geometry) -> tuple[Cells, npt.NDArray[np.object_]]:
    """Cells whose centre lies in the geometry, and those centres as points."""
    straddling, inside = _descend(geometry, margin_deg=0.0)
    lat, lon = cell_centres(straddling)
    within = shapely.intersects_xy(geometry, lon, lat)
    cells = np.concatenate([straddling[within], inside])
    lat, lon = (np.concatenate(pair) for pair in zip((lat[within], lon[within]), cell_centres(inside), strict=True))
    return cells, shapely.points(lon, lat)


def _descend(geometry: shapely.Geometry, *, margin_deg: float) -> tuple[Cells, Cells]:
    """Resolution-5 cells whose surroundings meet the geometry's boundary, and those wholly inside."""
    shapely.prepare(geometry)
    level: Cells = np.array(sorted(h3.get_res0_cells()), dtype=np.uint64)
    inside: list[Cells] = []
    for resolution in range(RESOLUTION):
        boxes, owner = _boxes(level, _REACH_DEG[resolution] + margin_deg)
        meets = np.zeros(len(level), dtype=bool)
        np.logical_or.at(meets, owner, shapely.intersects(geometry, boxes))
        covered = np.ones(len(level), dtype=bool)
        np.logical_and.at(covered, owner, shapely.contains_properly(geometry, boxes))
        inside.append(_descendants(level[covered], RESOLUTION))
        level = _descendants(level[meets & ~covered], resolution + 1)
    return level, np.concatenate(inside)


def _boxes(cells: Cells, reach_deg: float) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Boxes in the plane −180 … 180 around discs of ``reach_deg`` about the cells' centres, and the index of each box's cell."""
    lat, lon = cell_centres(cells)
    south, north = lat - reach_deg, lat + reach_deg
    with_pole = (south <= -90.0) | (north >= 90.0)
    ratio = np.sin(np.radians(reach_deg)) / np.cos(np.radians(np.where(with_pole, 0.0, lat)))
    half_width = np.where(with_pole, 180.0, np.degrees(np.arcsin(np.clip(ratio, 0.0, 1.0))))
    west, east = np.where(with_pole, -180.0, lon - half_width), np.where(with_pole, 180.0, lon + half_width)
    index = np.arange(len(cells))
    over_west, over_east = west < -180.0, east > 180.0
    west = np.concatenate([np.maximum(west, -180.0), west[over_west] + 360.0, np.full(int(over_east.sum()), -180.0)])
    east_all = np.concatenate([np.minimum(east, 180.0), np.full(int(over_west.sum()), 180.0), east[over_east] - 360.0])
    owner = np.concatenate([index, index[over_west], index[over_east]])
    return shapely.box(west, np.maximum(south, -90.0)[owner], east_all, np.minimum(north, 90.0)[owner]), owner


def _descendants(cells: Cells, resolution: int) -> Cells:
    """All descendants of cells at a resolution."""
    children = [np.array(h3.cell_to_children(cell, resolution), dtype=np.uint64) for cell in cells.tolist()]
    return np.concatenate(children) if children else np.empty(0, dtype=np.uint64)


def _whole_parts(geometry: shapely.Geometry) -> list[shapely.Geometry]:
    """Parts of a geometry, those that meet across the antimeridian joined."""
    parts = shapely.get_parts(geometry)
    bounds = shapely.bounds(parts)
    west, east = np.flatnonzero(bounds[:, 0] <= -180.0), np.flatnonzero(bounds[:, 2] >= 180.0)
    group = list(range(len(parts)))
    for a in east.tolist():
        moved = shapely.transform(parts[a], lambda xy: xy - [360.0, 0.0])
        for b in west.tolist():
            if shapely.intersects(moved, parts[b]):
                old, new = max(group[a], group[b]), min(group[a], group[b])
                group = [new if label == old else label for label in group]
    labels = np.array(group)
    return [shapely.MultiPolygon(parts[labels == label].tolist()) for label in np.unique(labels)]


def _touches(cell: int, geometry: shapely.Geometry) -> bool:
    """Whether a cell meets a geometry."""
    return bool(shapely.intersects(*_in_local_plane(cell, geometry)))


def _in_local_plane(cell: int, geometry: shapely.Geometry) -> tuple[shapely.Geometry, shapely.Geometry]:
    """A cell and what lies near it of a geometry, in the gnomonic plane about its centre, where its edges (great circles) are straight."""
    lat_centre, lon_centre = h3.cell_to_latlng(cell)
    near = shapely.intersection(geometry, shapely.union_all(_boxes(np.array([cell], dtype=np.uint64), 2.0 * _CELL_RADIUS_DEG)[0]))
    hexagon = shapely.Polygon(_gnomonic(np.array(h3.cell_to_boundary(cell))[:, ::-1], lat_centre, lon_centre))
    projected = shapely.make_valid(shapely.transform(near, lambda xy: _gnomonic(xy, lat_centre, lon_centre)))
    return hexagon, projected


def _gnomonic(lon_lat_deg: Floats, lat_centre_deg: float, lon_centre_deg: float) -> Floats:
    """Project points near a centre to the plane that touches the sphere there; great circles become straight."""
    lon, lat = np.radians(lon_lat_deg[:, 0] - lon_centre_deg), np.radians(lon_lat_deg[:, 1])
    lat0 = np.radians(lat_centre_deg)
    along = np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(lon)
    east = np.cos(lat) * np.sin(lon) / along
    north = (np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(lon)) / along
    return np.column_stack([east, north])
