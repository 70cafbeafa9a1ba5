"""Lambert's azimuthal equal-area projection of the sphere about any centre: the one that maps in reports use.

It has no seam near its centre, so territories over the antimeridian or a pole need no case of their own.

References
----------
Snyder, *Map Projections: A Working Manual*, USGS Professional Paper 1395 (1987), chapter 24.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from overflight.earth.geodesy import MEAN_RADIUS_KM, unit_vectors

Floats = npt.NDArray[np.float64]

_FAR_RAD = np.radians(150.0)
"""Points farther than this from the centre are drawn at this distance: beyond every map, and short of the antipode's singularity."""


@dataclass(frozen=True, slots=True)
class Projection:
    """The plane about a centre, in kilometres; north is up at the centre."""

    centre_lat_deg: float
    centre_lon_deg: float

    @property
    def is_polar(self) -> bool:
        """Whether the centre is a pole."""
        return abs(self.centre_lat_deg) == 90.0

    def to_plane_km(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> tuple[Floats, Floats]:
        """East and north of the centre in kilometres, same shape as the input; areas are true."""
        axes = _axes(self.centre_lat_deg, self.centre_lon_deg)
        east, north, up = np.tensordot(axes, unit_vectors(lat_deg, lon_deg), axes=1)
        sine, angle = np.hypot(east, north), np.arctan2(np.hypot(east, north), up)
        radius_km = 2.0 * MEAN_RADIUS_KM * np.sin(0.5 * np.minimum(angle, _FAR_RAD))
        scale = np.divide(radius_km, sine, out=np.full_like(sine, MEAN_RADIUS_KM), where=sine > 0.0)
        return east * scale, north * scale

    def project(self, geometry: shapely.Geometry) -> shapely.Geometry:
        """Bring a geometry in degrees to the plane."""

        def _transform(lon_lat: Floats) -> Floats:
            return np.column_stack(self.to_plane_km(lon_lat[:, 1], lon_lat[:, 0]))

        return shapely.transform(geometry, _transform)


def centre_on(lat_deg: Floats, lon_deg: Floats) -> Projection:
    """Projection about the middle of points: about the pole if the points surround it, otherwise about the middle of their extent."""
    mean = unit_vectors(lat_deg, lon_deg).mean(axis=1)
    length = float(np.linalg.norm(mean))
    if length < 1e-9:
        return Projection(0.0, 0.0)
    lat0, lon0 = _direction(mean / length)
    to_pole_deg = 90.0 - abs(lat0)
    angles = np.degrees(np.arccos(np.clip(unit_vectors(lat_deg, lon_deg).T @ (mean / length), -1.0, 1.0)))
    if float(angles.max()) > to_pole_deg:
        return Projection(float(np.copysign(90.0, lat0)), 0.0)
    x_km, y_km = Projection(lat0, lon0).to_plane_km(lat_deg, lon_deg)
    east_km, north_km = 0.5 * (x_km.min() + x_km.max()), 0.5 * (y_km.min() + y_km.max())
    return Projection(*_from_plane(lat0, lon0, east_km, north_km))


def mean_direction(lat_deg: Floats, lon_deg: Floats) -> tuple[float, float]:
    """Latitude and longitude of the mean of points as directions; of points all around the globe, whatever comes out."""
    mean = unit_vectors(lat_deg, lon_deg).mean(axis=1)
    return _direction(mean / max(float(np.linalg.norm(mean)), 1e-12))


def great_circle(from_deg: tuple[float, float], to_deg: tuple[float, float], points: int = 48) -> tuple[Floats, Floats]:
    """Latitudes and longitudes along the shortest way between two points given as (latitude, longitude), shape (points,)."""
    a, b = unit_vectors(*from_deg), unit_vectors(*to_deg)
    angle = float(np.arccos(np.clip(a @ b, -1.0, 1.0)))
    t = np.linspace(0.0, 1.0, points)
    if angle < 1e-9:
        return np.full(points, from_deg[0]), np.full(points, from_deg[1])
    path = (np.sin((1.0 - t) * angle) * a[:, None] + np.sin(t * angle) * b[:, None]) / np.sin(angle)
    return np.degrees(np.arctan2(path[2], np.hypot(path[0], path[1]))), np.degrees(np.arctan2(path[1], path[0]))


def _axes(lat_deg: float, lon_deg: float) -> Floats:
    """East, north and up at a point, as rows."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    return np.array(
        [
            [-np.sin(lon), np.cos(lon), 0.0],
            [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)],
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)],
        ]
    )


def _direction(vector: Floats) -> tuple[float, float]:
    return float(np.degrees(np.arcsin(np.clip(vector[2], -1.0, 1.0)))), float(np.degrees(np.arctan2(vector[1], vector[0])))


def _from_plane(lat0_deg: float, lon0_deg: float, east_km: float, north_km: float) -> tuple[float, float]:
    radius_km = float(np.hypot(east_km, north_km))
    if radius_km == 0.0:
        return lat0_deg, lon0_deg
    angle = 2.0 * np.arcsin(min(1.0, radius_km / (2.0 * MEAN_RADIUS_KM)))
    local = np.array([np.sin(angle) * east_km / radius_km, np.sin(angle) * north_km / radius_km, np.cos(angle)])
    return _direction(_axes(lat0_deg, lon0_deg).T @ local)
