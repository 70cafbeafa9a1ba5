"""CosmoSim's conventions, as a named mode: its reach by slant range with a slip of an index, its lasers.

A point on the ground (height 0 on the WGS-72 ellipsoid) uses a satellite within d² = s² + h², s = −R sin m + √(R² sin² m + h² + 2 R h), for
a mask m of 25° and the altitude h of the shell: the slant range s taken for a distance along the ground, so that satellites serve from
about 21° up. All shells but the first go by the altitude of the second.

References
----------
CosmoSim, ACM Internet Measurement Conference 2025.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from overflight.catalog.constellations import Shell
from overflight.catalog.cosmosim import (
    EARTH_FLATTENING,
    EARTH_RADIUS_KM,
    ISL_CLEARANCE_KM,
    ISL_SHELLS,
    MASK_DEG,
    REACH_SHELLS,
    SHELLS,
)

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]


def reach_km(altitude_km: float, *, mask_deg: float = MASK_DEG) -> float:
    """Greatest distance of a satellite that is used, by the study's formula (1,250.8 km at 550 km)."""
    across_km = EARTH_RADIUS_KM * math.sin(math.radians(mask_deg))
    slant_km = math.sqrt(across_km**2 + altitude_km**2 + 2.0 * EARTH_RADIUS_KM * altitude_km) - across_km
    return math.hypot(slant_km, altitude_km)


def shell_reach_km(shells: Sequence[Shell] = SHELLS, *, goes_by: Sequence[int] = REACH_SHELLS) -> Floats:
    """Greatest distance for each shell, shape (shells,).

    Parameters
    ----------
    shells
        The shells.
    goes_by
        Whose altitude each goes by; ``range(len(shells))`` undoes the slip.
    """
    return np.array([reach_km(shells[other].altitude_km) for other in goes_by])


def place_on_ground_km(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Floats:
    """Points of height 0 on the WGS-72 ellipsoid, Earth-fixed, shape (3, n), kilometres."""
    lat, lon = np.radians(np.asarray(lat_deg, dtype=np.float64)), np.radians(np.asarray(lon_deg, dtype=np.float64))
    square = EARTH_FLATTENING * (2.0 - EARTH_FLATTENING)
    across_km = EARTH_RADIUS_KM / np.sqrt(1.0 - square * np.sin(lat) ** 2)
    return np.stack(
        [across_km * np.cos(lat) * np.cos(lon), across_km * np.cos(lat) * np.sin(lon), across_km * (1.0 - square) * np.sin(lat)]
    )


def list_in_reach(points_km: Floats, positions_km: Floats, reach: Floats) -> tuple[Rows, Indices]:
    """Satellites in reach of each point.

    Parameters
    ----------
    points_km
        Points on the ground, shape (3, points).
    positions_km
        Satellites in the same frame, shape (3, n).
    reach
        Greatest distance of each satellite, shape (n,), kilometres.

    Returns
    -------
    indptr, satellite
        int64, shape (points + 1,), and int32: point p sees ``satellite[indptr[p]:indptr[p + 1]]``, ascending.
    """
    from overflight.network import _cosmosim_kernels

    count = points_km.shape[1]
    middle = points_km.mean(axis=1, keepdims=True) if count else np.zeros((3, 1))
    spread_km = float(np.sqrt(((points_km - middle) ** 2).sum(axis=0)).max(initial=0.0)) + 1.0
    near = np.flatnonzero(((positions_km - middle) ** 2).sum(axis=0) <= (reach + spread_km) ** 2).astype(np.int32)
    px, py, pz = np.ascontiguousarray(points_km)
    x, y, z = positions_km[:, near]
    reach_square = reach[near] ** 2
    indptr = np.empty(count + 1, np.int64)
    satellite = np.empty(160 * count, np.int32)
    found = _cosmosim_kernels.list_in_reach(px, py, pz, near, x, y, z, reach_square, indptr, satellite)
    if found > satellite.size:
        satellite = np.empty(found, np.int32)
        _cosmosim_kernels.list_in_reach(px, py, pz, near, x, y, z, reach_square, indptr, satellite)
    return indptr, satellite[:found]


def link_satellites(positions_km: Floats) -> Indices:
    """Lasers of the study's fleet at one instant.

    Both neighbours in the plane, and across planes one link from each satellite of odd (plane + slot) to the same slot of the next plane;
    kept while no longer than 2 √((R + h)² − (R + 80 km)²). The first shell carries none.

    Parameters
    ----------
    positions_km
        The fleet of `overflight.catalog.cosmosim.SHELLS`, shape (3, n).

    Returns
    -------
    ndarray
        Linked satellites, int32, shape (n, 3), padded with −1; the link in column k of a satellite leads to one that names it back.
    """
    linked, longest_square = _lattice()
    other = np.where(linked >= 0, linked, 0)
    square = sum((row[:, None] - row[other]) ** 2 for row in positions_km)
    return np.where((linked >= 0) & (square <= longest_square[:, None]), linked, np.int32(-1))


@cache
def _lattice() -> tuple[Indices, Floats]:
    """Links before their length is looked at, shape (n, 3), and the square of the longest allowed, shape (n,)."""
    tables, longest, first = [], [], 0
    for shell, carries in zip(SHELLS, ISL_SHELLS, strict=True):
        planes, slots = shell.planes, shell.satellites_per_plane
        plane, slot = np.divmod(np.arange(planes * slots), slots)
        step = np.where((plane + slot) % 2 == 1, 1, -1)
        table = np.stack(
            [plane * slots + (slot + 1) % slots, plane * slots + (slot - 1) % slots, (plane + step) % planes * slots + slot], 1
        )
        tables.append(np.where(carries, table + first, -1))
        radius_km = EARTH_RADIUS_KM + shell.altitude_km
        square = 4.0 * (radius_km**2 - (EARTH_RADIUS_KM + ISL_CLEARANCE_KM) ** 2)
        longest.append(np.full(planes * slots, square))
        first += planes * slots
    return np.concatenate(tables).astype(np.int32), np.concatenate(longest)
