"""Obstruction masks: the lowest free elevation in every direction around a site (buildings, trees, ridges)."""

import csv
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ObstructionMask:
    """Lowest free elevation by azimuth: linear between the points given, round the horizon.

    Parameters
    ----------
    azimuth_deg
        Azimuths of the points, degrees from north over east, taken modulo 360; any order.
    elevation_deg
        Lowest free elevation at each, -90 to 90 degrees.

    Raises
    ------
    InputError
        If there is no point, a value is out of range, or an azimuth comes twice with different elevations.
    """

    azimuth_deg: Floats
    elevation_deg: Floats

    def __init__(self, azimuth_deg: npt.ArrayLike, elevation_deg: npt.ArrayLike) -> None:
        azimuth = np.atleast_1d(np.asarray(azimuth_deg, dtype=np.float64))
        elevation = np.atleast_1d(np.asarray(elevation_deg, dtype=np.float64))
        if azimuth.ndim != 1 or azimuth.shape != elevation.shape or azimuth.size == 0:
            msg = f"obstruction mask: {azimuth.size} azimuths and {elevation.size} elevations; give one elevation for each azimuth"
            raise InputError(msg)
        if not (np.all(np.isfinite(azimuth)) and np.all(np.abs(elevation) <= 90.0)):
            msg = "obstruction mask: azimuths must be finite, elevations within -90 to 90 degrees"
            raise InputError(msg)
        azimuth, index = np.unique(np.mod(azimuth, 360.0), return_inverse=True)
        highest = np.full(azimuth.size, -np.inf)
        np.maximum.at(highest, index, elevation)
        if np.any(highest[index] != elevation):
            twice = azimuth[index[np.argmax(highest[index] != elevation)]]
            msg = f"obstruction mask: azimuth {twice:g} comes twice with different elevations"
            raise InputError(msg)
        object.__setattr__(self, "azimuth_deg", azimuth)
        object.__setattr__(self, "elevation_deg", highest)

    def limit_deg(self, azimuth_deg: npt.ArrayLike, *, min_elevation_deg: npt.ArrayLike = -90.0) -> Floats:
        """Lowest free elevation towards azimuths, or ``min_elevation_deg`` where that is higher."""
        limit = np.interp(np.asarray(azimuth_deg, dtype=np.float64), self.azimuth_deg, self.elevation_deg, period=360.0)
        return np.maximum(limit, min_elevation_deg)

    def clears(self, azimuth_deg: npt.ArrayLike, elevation_deg: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether directions are free: at or above the mask."""
        return np.asarray(elevation_deg, dtype=np.float64) >= self.limit_deg(azimuth_deg)


def parse_obstruction(data: bytes, *, source: str) -> ObstructionMask:
    """Read a mask from CSV: azimuth and elevation in degrees, one point a line, a header and lines from ``#`` on left out.

    Raises
    ------
    InputError
        If a line is not two numbers (with its number), or the points make no mask.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        msg = f"{source}: not text in UTF-8 (byte {error.start}); give a CSV of azimuth and elevation"
        raise InputError(msg) from None
    points: list[tuple[float, float]] = []
    header_allowed = True
    for number, row in enumerate(csv.reader(lines), start=1):
        if not any(field.strip() for field in row) or row[0].lstrip().startswith("#"):
            continue
        try:
            azimuth, elevation = (float(field) for field in row)
        except ValueError:
            if header_allowed and not any(character.isdigit() for character in "".join(row)):
                header_allowed = False
                continue
            msg = f"{source}, line {number}: '{','.join(row)}' is not an azimuth and an elevation; write them as 120.0,15.5"
            raise InputError(msg) from None
        header_allowed = False
        points.append((azimuth, elevation))
    if not points:
        msg = f"{source}: no points; give a CSV of azimuth and elevation in degrees"
        raise InputError(msg)
    try:
        return ObstructionMask(*zip(*points, strict=True))
    except InputError as error:
        msg = f"{source}: {error}"
        raise InputError(msg) from None
