"""Avoidance of the geostationary arc: how far a direction is from every geostationary satellite that the site could see.

References
----------
ITU-R S.1503-4, *Functional description to be used in developing software tools for determining conformity of non-GSO FSS systems with
limits in Article 22* (the angle between a non-geostationary satellite and the arc, seen from the earth station).
"""

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import WGS84_ECCENTRICITY_SQUARED, WGS84_EQUATORIAL_RADIUS_KM
from overflight.errors import InputError

Floats = npt.NDArray[np.float64]

GEOSTATIONARY_RADIUS_KM = 42_164.17
DEFAULT_ARC_SEPARATION_DEG = 18.0
"""Smallest angle to the arc that Starlink's Ku-band user links keep (filing, value reported; 22° in the filing of 2016)."""


def arc_separation_deg(lat_deg: npt.ArrayLike, azimuth_deg: npt.ArrayLike, elevation_deg: npt.ArrayLike) -> Floats:
    """Smallest angle between directions and the geostationary arc above the horizon, as seen from the site, degrees.

    The arc is the circle of radius 42,164.17 km in the equator's plane, and of it the part at elevation 0° or more. The site is on the
    WGS-84 ellipsoid (its height matters less than 0.001° per kilometre). Accurate to 1e-9 degrees up to a separation of 40°, to 0.0005°
    beyond. Fastest where neighbours have the same latitude, as in the order of `find_visible`.

    Parameters
    ----------
    lat_deg
        Geodetic latitude of the site.
    azimuth_deg, elevation_deg
        The direction. The three broadcast.

    Returns
    -------
    numpy.ndarray
        Degrees, of the broadcast shape. Infinity where no point of the arc is above the horizon (beyond about 81.3° of latitude); NaN
        where an argument is NaN.
    """
    from overflight.sky import _kernels

    columns = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (lat_deg, azimuth_deg, elevation_deg)))
    if columns[0].size == 0:
        return np.empty(columns[0].shape)
    lat, azimuth, elevation = (np.ascontiguousarray(column).reshape(-1) for column in columns)
    out = np.empty(lat.size)
    radius = WGS84_EQUATORIAL_RADIUS_KM / GEOSTATIONARY_RADIUS_KM
    _kernels.arc_separations(lat, azimuth, elevation, radius, WGS84_ECCENTRICITY_SQUARED, out)
    return out.reshape(columns[0].shape)


def clears_arc(
    lat_deg: npt.ArrayLike,
    azimuth_deg: npt.ArrayLike,
    elevation_deg: npt.ArrayLike,
    *,
    min_separation_deg: float = DEFAULT_ARC_SEPARATION_DEG,
) -> npt.NDArray[np.bool_]:
    """Whether directions stand at least ``min_separation_deg`` from the visible arc (arguments as in `arc_separation_deg`).

    Raises
    ------
    InputError
        If the separation is not within 0 to 180 degrees.
    """
    if not 0.0 <= min_separation_deg <= 180.0:
        msg = f"min_separation_deg: {min_separation_deg} is not an angle from the arc; give degrees from 0 to 180"
        raise InputError(msg)
    return arc_separation_deg(lat_deg, azimuth_deg, elevation_deg) >= min_separation_deg
