"""Azimuth, elevation and range from sites on the ground to satellites, topocentric on WGS-84.

The vertical is the ellipsoid's normal (geodetic). Refraction (0.5° at the horizon, 0.03° at 25°) and light time (about 0.001° for a
satellite 1,000 km away) are left out.
"""

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import Sites
from overflight.errors import InputError

Floats = npt.NDArray[np.float64]


def local_axes(sites: Sites) -> tuple[Floats, Floats]:
    """Unit vectors to the east and to the north of each site in ITRF, each shape (3, n_sites)."""
    lat, lon = np.radians(sites.lat_deg), np.radians(sites.lon_deg)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)])
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    return east, north


def look_angles(sites: Sites, positions_km: Floats) -> tuple[Floats, Floats, Floats]:
    """Azimuth, elevation and range of every satellite from every site.

    Parameters
    ----------
    sites
        The sites, n_sites rows.
    positions_km
        Satellites in ITRF, kilometres, shape (3, n) or (nt, 3, n).

    Returns
    -------
    azimuth_deg, elevation_deg, range_km
        Each shape (n_sites, n) or (nt, n_sites, n). Azimuth counts from north over east, 0 to 360; it is 0 in the zenith. NaN where
        the position is NaN.

    Raises
    ------
    InputError
        If the shape of ``positions_km`` does not fit.
    """
    from overflight.sky import _kernels

    positions = np.ascontiguousarray(positions_km, dtype=np.float64)
    if positions.ndim not in {2, 3} or positions.shape[-2] != 3:
        msg = f"positions_km: shape {positions.shape}; give (3, satellites) or (instants, 3, satellites)"
        raise InputError(msg)
    series = positions if positions.ndim == 3 else positions[None]
    east, north = local_axes(sites)
    azimuth_deg, elevation_deg, range_km = (np.empty((len(series), len(sites), positions.shape[-1])) for _ in range(3))
    for k, states in enumerate(series):
        _kernels.angles_of_all(sites.ecef_km, east, north, sites.up, states, azimuth_deg[k], elevation_deg[k], range_km[k])
    shape = (*positions.shape[:-2], len(sites), positions.shape[-1])
    return azimuth_deg.reshape(shape), elevation_deg.reshape(shape), range_km.reshape(shape)
