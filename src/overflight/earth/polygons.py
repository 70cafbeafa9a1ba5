"""Polygons in longitude and latitude: over the antimeridian, round a pole, and how large they are.

An edge is a straight line in longitude and latitude, as RFC 7946 (GeoJSON) section 3.1.1 has it. What leaves this module lies in
longitudes −180 … 180 and latitudes −90 … 90, cut at the antimeridian, so that plane geometry answers questions about it.

References
----------
RFC 7946, *The GeoJSON Format* (2016), sections 3.1.1, 3.1.6 and 3.1.9.
J. P. Snyder, *Map Projections: A Working Manual*, USGS Professional Paper 1395 (1987), equations 3-11 to 3-13 (authalic latitude).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from overflight.earth.geodesy import WGS84_ECCENTRICITY_SQUARED, WGS84_EQUATORIAL_RADIUS_KM
from overflight.errors import TerritoryError
from overflight.notices import Notice

Floats = npt.NDArray[np.float64]

FULL_TURN_DEG = 360.0
_WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)
_AREA_EDGE_DEG = 0.1  # edges are cut to this length before projecting, so that they stay straight where the data say so


def flatten_polygon(rings: Sequence[npt.ArrayLike], *, where: str = "polygon") -> tuple[shapely.Geometry, tuple[str, ...]]:
    """Bring one polygon, however its writer crossed the antimeridian or a pole, into the plane −180 … 180.

    Longitudes may run beyond ±180, jump from 179 to −179, or be cut there already; a ring that winds round the Earth encloses a
    pole: the one on its side of the equator or, where it crosses the equator, the one on its left.

    Parameters
    ----------
    rings
        Exterior ring, then holes; each an array (n, 2) of longitude and latitude, degrees, n ≥ 3.
    where
        How messages name this polygon.

    Returns
    -------
    geometry
        Valid Polygon or MultiPolygon, not empty.
    warnings
        What was closed, repaired or taken one way where another was possible.

    Raises
    ------
    TerritoryError
        If a coordinate is not finite or out of range, a ring is too short, or nothing with an area is left.
    """
    warnings: list[str] = []
    pieces = [_flatten_ring(np.asarray(ring, dtype=np.float64), where, warnings) for ring in rings]
    if not pieces:
        msg = f"{where}: has no ring; give at least an exterior one"
        raise TerritoryError(msg)
    geometry = pieces[0]
    if len(pieces) > 1:
        geometry = shapely.difference(geometry, shapely.union_all(pieces[1:]))
    geometry = polygonal(geometry)
    if geometry.is_empty or geometry.area <= 0.0:
        msg = f"{where}: encloses no area; give at least three corners that are not on one line"
        raise TerritoryError(msg)
    return geometry, tuple(dict.fromkeys(warnings))


def polygonal(geometry: shapely.Geometry) -> shapely.Geometry:
    """Keep what has an area: a Polygon or MultiPolygon (perhaps empty) without the points and lines that overlays leave."""
    parts = [part for part in shapely.get_parts(shapely.get_parts(geometry)) if part.geom_type == "Polygon" and part.area > 0.0]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def area_km2(geometry: shapely.Geometry) -> float:
    """Area on the WGS-84 ellipsoid of a geometry in the plane −180 … 180, km²: exact in the cylindrical equal-area projection.

    Edges are straight in longitude and latitude; they are cut every 0.1° before projecting.
    """
    projected = shapely.transform(shapely.segmentize(geometry, _AREA_EDGE_DEG), _project_equal_area)
    return float(shapely.area(projected))


def centre(geometry: shapely.Geometry) -> tuple[float, float]:
    """Latitude and longitude of the middle of a geometry, degrees: its centre of mass on the sphere, which no cut displaces."""
    parts = shapely.get_parts(geometry)
    points = shapely.get_coordinates(shapely.centroid(parts))
    weights = shapely.area(shapely.transform(parts, _project_equal_area))
    lon, lat = np.radians(points[:, 0]), np.radians(points[:, 1])
    x, y, z = (float(np.sum(weights * component)) for component in (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))


def outlines(geometry: shapely.Geometry) -> list[Floats]:
    """Lines to draw a geometry's border by: arrays (n, 2) of longitude and latitude, without the cuts along ±180° and the poles."""
    lines = []
    for ring in shapely.get_rings(shapely.get_parts(geometry)):
        corners = shapely.get_coordinates(ring)
        a, b = corners[:-1], corners[1:]
        cut = ((np.abs(a[:, 0]) == 180.0) & (a[:, 0] == b[:, 0])) | ((np.abs(a[:, 1]) == 90.0) & (a[:, 1] == b[:, 1]))
        pieces = np.split(np.arange(len(a)), np.flatnonzero(cut))
        for piece in pieces:
            kept = piece[~cut[piece]]
            if len(kept):
                lines.append(corners[kept[0] : kept[-1] + 2])
    return lines


def _flatten_ring(ring: Floats, where: str, warnings: list[str]) -> shapely.Geometry:
    """The area inside one ring, cut at the antimeridian."""
    ring = _checked_ring(ring, where, warnings)
    lon, crossed_wide = _unwrap(ring[:, 0])
    if _is_cut_round_the_earth(ring, lon):
        return _repaired(shapely.Polygon(ring), where, warnings)
    if crossed_wide:
        text = (
            "an edge spans more than 180° of longitude and is taken the short way, over the antimeridian; "
            "put corners between for the long way"
        )
        warnings.append(Notice.about(where, Notice.of("warning.short_way", text)))
    corners = np.column_stack([lon, ring[:, 1]])
    turns = round((lon[-1] - lon[0]) / FULL_TURN_DEG)
    if abs(turns) > 1:
        msg = f"{where}: winds {abs(turns)} times round the Earth; give a ring that does so at most once"
        raise TerritoryError(msg)
    if turns:
        pole_deg = _enclosed_pole(ring[:, 1], eastward=turns > 0)
        if np.min(ring[:, 1]) < 0.0 < np.max(ring[:, 1]):
            pole = Notice.of("pole.north", "north") if pole_deg > 0.0 else Notice.of("pole.south", "south")
            text = "winds round the Earth across the equator; the {pole} pole, on its left, is taken as inside"
            warnings.append(Notice.about(where, Notice.of("warning.winds_round", text, pole=pole)))
        corners = _close_over_pole(corners if turns > 0 else corners[::-1], pole_deg)
    return _cut_at_antimeridian(_repaired(shapely.Polygon(corners), where, warnings))


def _close_over_pole(corners: Floats, pole_deg: float) -> Floats:
    """Open an eastward ring round the Earth at the antimeridian, so that it runs from −180 to 180, and close it along the pole."""
    turn = np.floor((corners[:, 0] + 180.0) / FULL_TURN_DEG)
    edge = int(np.flatnonzero(np.diff(turn) > 0.0)[0])
    (lon_a, lat_a), (lon_b, lat_b) = corners[edge], corners[edge + 1]
    crossing = FULL_TURN_DEG * turn[edge + 1] - 180.0
    lat = lat_a + (lat_b - lat_a) * (crossing - lon_a) / (lon_b - lon_a)
    after, before = corners[edge + 1 : -1], corners[: edge + 1]
    ring = np.vstack([after - [crossing + 180.0, 0.0], before - [crossing - 180.0, 0.0]])
    return np.vstack([[[-180.0, lat]], ring, [[180.0, lat], [180.0, pole_deg], [-180.0, pole_deg], [-180.0, lat]]])


def _repaired(polygon: shapely.Geometry, where: str, warnings: list[str]) -> shapely.Geometry:
    """A polygon whose ring does not cross itself; what a crossing ring encloses an odd number of times is inside."""
    if polygon.is_valid:
        return polygon
    reason, _, at = shapely.is_valid_reason(polygon).rstrip("]").partition("[")
    lon_deg, lat_deg = (float(part) for part in at.split())
    text = "{reason} at longitude and latitude {lon_deg:.6g} {lat_deg:.6g}; repaired: what it encloses an odd number of times is inside"
    problem = Notice.word("validity", reason.strip().lower())
    warnings.append(Notice.about(where, Notice.of("warning.repaired", text, reason=problem, lon_deg=lon_deg, lat_deg=lat_deg)))
    return polygonal(shapely.make_valid(polygon))


def _checked_ring(ring: Floats, where: str, warnings: list[str]) -> Floats:
    """A closed ring of finite coordinates in range, without repeated corners."""
    if ring.ndim != 2 or ring.shape[1] < 2 or len(ring) < 3:
        msg = f"{where}: a ring needs at least three positions [longitude, latitude]"
        raise TerritoryError(msg)
    ring = ring[:, :2]
    if not np.all(np.isfinite(ring)):
        at = int(np.argmin(np.all(np.isfinite(ring), axis=1))) + 1
        msg = f"{where}: position {at} is not finite; give longitude and latitude in degrees"
        raise TerritoryError(msg)
    outside = np.abs(ring[:, 1]) > 90.0
    if np.any(outside):
        at = int(np.argmax(outside))
        swapped = bool(np.all(np.abs(ring[:, 0]) <= 90.0))
        hint = "latitude and longitude seem swapped, GeoJSON has longitude first" if swapped else "it must lie in −90 … 90"
        msg = f"{where}: latitude {ring[at, 1]:g} of position {at + 1} is out of range; {hint}"
        raise TerritoryError(msg)
    outside = np.abs(ring[:, 0]) > FULL_TURN_DEG
    if np.any(outside):
        at = int(np.argmax(outside))
        msg = f"{where}: longitude {ring[at, 0]:g} of position {at + 1} is out of range; it must be in degrees, at most one turn from 0"
        raise TerritoryError(msg)
    kept = np.concatenate([[True], np.any(np.diff(ring, axis=0) != 0.0, axis=1)])
    ring = ring[kept]
    gap = np.mod(ring[-1, 0] - ring[0, 0], FULL_TURN_DEG)
    if ring[0, 1] != ring[-1, 1] or min(gap, FULL_TURN_DEG - gap) > 1e-9:
        text = "the ring is not closed; its last position is joined to its first"
        warnings.append(Notice.about(where, Notice.of("warning.not_closed", text)))
        ring = np.vstack([ring, ring[:1]])
    if len(ring) < 4:
        msg = f"{where}: a ring needs at least three different positions"
        raise TerritoryError(msg)
    return ring


def _unwrap(lon_deg: Floats) -> tuple[Floats, bool]:
    """Longitudes without jumps, and whether an edge that could as well be meant the long way was taken the short way."""
    step = np.diff(lon_deg)
    jump = np.abs(step) > 180.0
    step = np.where(jump, step - np.copysign(FULL_TURN_DEG, step), step)
    wide = bool(np.any(jump & (np.abs(step) > 90.0)))
    return np.concatenate([lon_deg[:1], lon_deg[0] + np.cumsum(step)]), wide


def _is_cut_round_the_earth(ring: Floats, lon_unwrapped_deg: Floats) -> bool:
    """Whether edges from −180 to 180 are meant as whole parallels.

    So a writer closes a band round the Earth, or a cap cut at the antimeridian. Read as crossings of no width, such edges leave a
    ring that encloses nothing, or one that winds round the Earth and has edges along the cut; a small polygon on the antimeridian
    stays one, and so does a ring round a pole whose ends, at −180 and 180, are one point.
    """
    if not np.any(np.abs(np.diff(ring[:, 0])) == FULL_TURN_DEG) or np.any(np.abs(ring[:, 0]) > 180.0):
        return False
    along_cut = np.any((np.abs(ring[:-1, 0]) == 180.0) & (ring[:-1, 0] == ring[1:, 0]))
    winds = abs(lon_unwrapped_deg[-1] - lon_unwrapped_deg[0]) > 180.0
    return bool((winds and along_cut) or np.ptp(lon_unwrapped_deg) == 0.0)


def _enclosed_pole(lat_deg: Floats, *, eastward: bool) -> float:
    """The pole that a ring round the Earth encloses: on its side of the equator, else on its left."""
    if np.min(lat_deg) >= 0.0:
        return 90.0
    if np.max(lat_deg) <= 0.0:
        return -90.0
    return 90.0 if eastward else -90.0


def _cut_at_antimeridian(geometry: shapely.Geometry) -> shapely.Geometry:
    """Fold a geometry in any longitudes into −180 … 180."""
    if geometry.is_empty:
        return geometry
    west, _, east, _ = geometry.bounds
    if west >= -180.0 and east <= 180.0:
        return geometry
    turns = range(int(np.floor((west + 180.0) / FULL_TURN_DEG)), int(np.ceil((east - 180.0) / FULL_TURN_DEG)) + 1)
    pieces = [shapely.intersection(shapely.transform(geometry, lambda xy, k=k: xy - [FULL_TURN_DEG * k, 0.0]), _WORLD) for k in turns]
    return polygonal(shapely.union_all([polygonal(piece) for piece in pieces]))


def _project_equal_area(lon_lat_deg: Floats) -> Floats:
    """Longitude and latitude to a plane in which areas are the ellipsoid's, kilometres (Snyder 3-12: q, and y = a q / 2)."""
    sin_lat = np.sin(np.radians(lon_lat_deg[:, 1]))
    e2 = WGS84_ECCENTRICITY_SQUARED
    e = np.sqrt(e2)
    q = (1.0 - e2) * (sin_lat / (1.0 - e2 * sin_lat**2) + np.arctanh(e * sin_lat) / e)
    return np.column_stack([np.radians(lon_lat_deg[:, 0]) * WGS84_EQUATORIAL_RADIUS_KM, 0.5 * WGS84_EQUATORIAL_RADIUS_KM * q])
