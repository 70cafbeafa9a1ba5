"""Geodesy on the WGS-84 ellipsoid: positions, local verticals, distances along the ground.

References
----------
NIMA TR8350.2, *Department of Defense World Geodetic System 1984* (ellipsoid constants).
B. R. Bowring, "Transformation from spatial to geographical coordinates", Survey Review 23 (1976).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WGS84_EQUATORIAL_RADIUS_KM = 6378.137
WGS84_FLATTENING = 1.0 / 298.257223563
WGS84_ECCENTRICITY_SQUARED = WGS84_FLATTENING * (2.0 - WGS84_FLATTENING)
MEAN_RADIUS_KM = 6371.0088
"""Mean radius of WGS-84, (2a + b) / 3, for distances along the ground."""

LIGHT_SPEED_KM_S = 299_792.458


@dataclass(frozen=True, slots=True)
class Sites:
    """Points on the ground: a table of ``n`` rows.

    Attributes
    ----------
    lat_deg, lon_deg
        Geodetic latitude and longitude, shape (n,), degrees.
    height_m
        Height above the ellipsoid, shape (n,), metres.
    ecef_km
        Position in ITRF, shape (3, n), kilometres.
    up
        Unit normal of the ellipsoid in ITRF, shape (3, n).
    """

    lat_deg: Floats
    lon_deg: Floats
    height_m: Floats
    ecef_km: Floats
    up: Floats

    def __len__(self) -> int:
        return len(self.lat_deg)


def make_sites(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, height_m: npt.ArrayLike = 0.0) -> Sites:
    """Build a table of sites from geodetic coordinates (broadcast to one dimension)."""
    lat, lon, height = (
        np.ascontiguousarray(column, dtype=np.float64)
        for column in np.broadcast_arrays(*(np.atleast_1d(np.asarray(c, dtype=np.float64)) for c in (lat_deg, lon_deg, height_m)))
    )
    return Sites(lat, lon, height, geodetic_to_ecef_km(lat, lon, height), up_vectors(lat, lon))


def up_vectors(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Floats:
    """Unit normals of the ellipsoid, shape (3, n)."""
    lat, lon = np.radians(np.asarray(lat_deg, dtype=np.float64)), np.radians(np.asarray(lon_deg, dtype=np.float64))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def geodetic_to_ecef_km(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, height_m: npt.ArrayLike = 0.0) -> Floats:
    """Geodetic coordinates to ITRF, shape (3, n), kilometres."""
    normal = up_vectors(lat_deg, lon_deg)
    height_km = np.asarray(height_m, dtype=np.float64) * 1e-3
    prime_vertical_km = WGS84_EQUATORIAL_RADIUS_KM / np.sqrt(1.0 - WGS84_ECCENTRICITY_SQUARED * normal[2] ** 2)
    equatorial = prime_vertical_km + height_km
    return np.stack(
        [equatorial * normal[0], equatorial * normal[1], (prime_vertical_km * (1.0 - WGS84_ECCENTRICITY_SQUARED) + height_km) * normal[2]]
    )


def ecef_to_geodetic(position_km: Floats) -> tuple[Floats, Floats, Floats]:
    """ITRF, shape (3, ...), to latitude and longitude in degrees and height in metres (Bowring, iterated to 1e-12 rad)."""
    x, y, z = np.asarray(position_km, dtype=np.float64)
    axis_distance = np.hypot(x, y)
    lat = np.arctan2(z, axis_distance * (1.0 - WGS84_ECCENTRICITY_SQUARED))
    for _ in range(6):
        radius = WGS84_EQUATORIAL_RADIUS_KM / np.sqrt(1.0 - WGS84_ECCENTRICITY_SQUARED * np.sin(lat) ** 2)
        lat = np.arctan2(z + WGS84_ECCENTRICITY_SQUARED * radius * np.sin(lat), axis_distance)
    radius = WGS84_EQUATORIAL_RADIUS_KM / np.sqrt(1.0 - WGS84_ECCENTRICITY_SQUARED * np.sin(lat) ** 2)
    height_km = axis_distance * np.cos(lat) + z * np.sin(lat) - radius * (1.0 - WGS84_ECCENTRICITY_SQUARED * np.sin(lat) ** 2)
    return np.degrees(lat), np.degrees(np.arctan2(y, x)), height_km * 1e3


def great_circle_km(lat_a_deg: npt.ArrayLike, lon_a_deg: npt.ArrayLike, lat_b_deg: npt.ArrayLike, lon_b_deg: npt.ArrayLike) -> Floats:
    """Great-circle distance on a sphere of the mean radius, kilometres; arguments broadcast."""
    lat_a, lon_a, lat_b, lon_b = (np.radians(np.asarray(value, dtype=np.float64)) for value in (lat_a_deg, lon_a_deg, lat_b_deg, lon_b_deg))
    chord = np.sin((lat_b - lat_a) / 2.0) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2.0) ** 2
    return np.asarray(2.0 * MEAN_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0))))


def unit_vectors(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Floats:
    """Directions from the Earth's centre, shape (3, ...), on the sphere."""
    lat, lon = np.radians(np.asarray(lat_deg, dtype=np.float64)), np.radians(np.asarray(lon_deg, dtype=np.float64))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
