"""From TEME, the frame of SGP4, to ITRF, the frame of the ground: sidereal time, UT1 and polar motion.

References
----------
Aoki et al., "The new definition of Universal Time", Astronomy and Astrophysics 105 (1982): GMST82.
Vallado, Crawford, Hujsak, Kelso, "Revisiting Spacetrack Report #3", AIAA 2006-6753, appendix C: TEME to PEF to ITRF.
IERS Conventions 2010, IERS Technical Note 36, chapter 5: polar motion.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import float_column, read_table
from overflight.clock import Instants
from overflight.errors import InputError
from overflight.notices import Notice

Floats = npt.NDArray[np.float64]

RADIANS_PER_ARCSEC = np.pi / 648_000.0
J2000 = np.datetime64("2000-01-01T12:00:00", "us")
J2000_JULIAN_DATE = 2_451_545.0
_RADIANS_PER_SECOND_OF_TIME = 2.0 * np.pi / 86_400.0


@dataclass(frozen=True, slots=True)
class EarthOrientation:
    """Where the Earth's body stands against its mean rotation: constants, or one value per instant, shape (nt,).

    Attributes
    ----------
    ut1_utc_s
        UT1 − UTC, seconds.
    x_p_arcsec, y_p_arcsec
        Coordinates of the pole in ITRF, arc seconds.
    """

    ut1_utc_s: float | Floats = 0.0
    x_p_arcsec: float | Floats = 0.0
    y_p_arcsec: float | Floats = 0.0


OrientationSetting = Literal["table", "none"] | EarthOrientation
"""``"table"``: the built-in IERS values; ``"none"``: UT1 = UTC and no polar motion; or values of the caller's."""


@dataclass(frozen=True, slots=True)
class _OrientationTable:
    """The built-in table as numbers; ``ut1_tai_s`` is continuous over leap seconds, ``tai_utc_s`` holds from its row on."""

    at_us: npt.NDArray[np.int64]
    ut1_tai_s: Floats
    tai_utc_s: Floats
    x_p_arcsec: Floats
    y_p_arcsec: Floats
    predicted: npt.NDArray[np.bool_]


@cache
def _load_table() -> _OrientationTable:
    table = read_table("earth_orientation")
    days = np.array(table["utc_day"], dtype="datetime64[us]").astype(np.int64)
    tai_utc_s = float_column(table, "tai_utc_s")
    return _OrientationTable(
        at_us=days,
        ut1_tai_s=float_column(table, "ut1_utc_s") - tai_utc_s,
        tai_utc_s=tai_utc_s,
        x_p_arcsec=float_column(table, "x_p_arcsec"),
        y_p_arcsec=float_column(table, "y_p_arcsec"),
        predicted=float_column(table, "predicted") > 0.0,
    )


def earth_orientation_at(times: Instants, setting: OrientationSetting = "table") -> EarthOrientation:
    """UT1 − UTC and the pole at each instant.

    The table's values are interpolated linearly in time (within 0.25 ms and 0.6 mas of the daily series, that is 12 cm and 2 cm for
    a satellite in low orbit); before its first and after its last day they stay as they are there: see `orientation_warning`.

    Parameters
    ----------
    times
        ``datetime64[us]``, shape (nt,).
    setting
        ``"table"``, ``"none"`` or an `EarthOrientation` of constants or of arrays of shape (nt,).

    Returns
    -------
    EarthOrientation
        Arrays of shape (nt,).

    Raises
    ------
    InputError
        If the setting is none of these, or its values are not finite or of another shape.
    """
    instants = as_instants(times)
    if isinstance(setting, EarthOrientation):
        return _given_orientation(instants, setting)
    named: str = setting
    if named == "none":
        return EarthOrientation(*(np.zeros(instants.size) for _ in range(3)))
    if named != "table":
        msg = f"Earth orientation {setting!r}: write 'table', 'none' or give an EarthOrientation"
        raise InputError(msg)
    table = _load_table()
    at_us = instants.astype(np.int64)
    row = np.clip(np.searchsorted(table.at_us, at_us, side="right") - 1, 0, None)
    return EarthOrientation(
        ut1_utc_s=np.interp(at_us, table.at_us, table.ut1_tai_s) + table.tai_utc_s[row],
        x_p_arcsec=np.interp(at_us, table.at_us, table.x_p_arcsec),
        y_p_arcsec=np.interp(at_us, table.at_us, table.y_p_arcsec),
    )


def _given_orientation(instants: Instants, given: EarthOrientation) -> EarthOrientation:
    columns = []
    for name in ("ut1_utc_s", "x_p_arcsec", "y_p_arcsec"):
        value = np.asarray(getattr(given, name), dtype=np.float64)
        if value.shape not in {(), (instants.size,)} or not np.isfinite(value).all():
            msg = f"Earth orientation: {name} must be a finite number or one finite number per instant ({instants.size})"
            raise InputError(msg)
        columns.append(np.broadcast_to(value, instants.shape).copy())
    return EarthOrientation(*columns)


def orientation_warning(times: Instants, setting: OrientationSetting = "table") -> str | None:
    """One line to show where the built-in values do not reach the instants asked for, or None."""
    instants = as_instants(times)
    if setting != "table" or instants.size == 0:
        return None
    table = _load_table()
    first, last = (np.datetime64(int(table.at_us[row]), "us") for row in (0, -1))
    if instants.min() >= first and instants.max() <= last:
        return None
    text = (
        "Earth orientation: the built-in IERS values cover {first} to {last}; outside, the nearest are used "
        "(UT1 drifts by some 0.1 s a year, 50 m in low orbit)"
    )
    return Notice.of("warning.orientation", text, first=first, last=last)


def as_instants(times: npt.ArrayLike) -> Instants:
    """Return times as a contiguous ``datetime64[us]`` array of shape (nt,).

    Raises
    ------
    InputError
        If they are not instants, or one of them is NaT.
    """
    array = np.atleast_1d(np.asarray(times))
    if array.dtype.kind != "M" or array.ndim != 1:
        msg = f"times must be one datetime64 or a row of them, not {array.dtype} of shape {array.shape}"
        raise InputError(msg)
    instants: Instants = np.ascontiguousarray(array, dtype="datetime64[us]")
    if np.isnat(instants).any():
        msg = "times: one of the instants is not a time (NaT)"
        raise InputError(msg)
    return instants


def gmst82_rad(times: Instants, ut1_utc_s: float | Floats = 0.0) -> Floats:
    """Greenwich mean sidereal time of 1982.

    UT1 is held as one double Julian date, as the reference implementation does: steps of 40 µs, so at most 1 cm in low orbit. The
    published check vector carries that rounding: with it we are within 0.01 mm of the vector, without it 9 mm.

    Parameters
    ----------
    times
        ``datetime64[us]``, shape (nt,), UTC.
    ut1_utc_s
        UT1 − UTC, seconds, a number or shape (nt,).

    Returns
    -------
    ndarray
        Radians in [0, 2π), shape (nt,).

    References
    ----------
    Aoki et al. (1982); Vallado et al. (2006), appendix C.
    """
    since_us = (as_instants(times) - J2000).astype(np.int64)
    julian_date_ut1 = (since_us * 1e-6 + np.asarray(ut1_utc_s, dtype=np.float64)) / 86_400.0 + J2000_JULIAN_DATE
    day = julian_date_ut1 - J2000_JULIAN_DATE
    century = day / 36_525.0
    gmst_s = 67_310.54841 + 86_400.0 * np.mod(day, 1.0) + century * (8_640_184.812866 + century * (0.093104 - 6.2e-6 * century))
    angle: Floats = np.mod(gmst_s, 86_400.0) * _RADIANS_PER_SECOND_OF_TIME
    return angle


def polar_motion_matrix(x_p_arcsec: float | Floats, y_p_arcsec: float | Floats) -> Floats:
    """Rotation from PEF to ITRF, shape (nt, 3, 3); rigorous in both angles (the tidal s′, below 1 mm, is left out).

    References
    ----------
    Vallado et al. (2006), appendix C; IERS Conventions 2010, equation 5.3.
    """
    x_p, y_p = np.broadcast_arrays(*(np.atleast_1d(np.asarray(p, dtype=np.float64)) * RADIANS_PER_ARCSEC for p in (x_p_arcsec, y_p_arcsec)))
    sin_x, cos_x, sin_y, cos_y, zero = np.sin(x_p), np.cos(x_p), np.sin(y_p), np.cos(y_p), np.zeros(x_p.shape)
    rows = [[cos_x, zero, sin_x], [sin_x * sin_y, cos_y, -cos_x * sin_y], [-sin_x * cos_y, sin_y, cos_x * cos_y]]
    return np.ascontiguousarray(np.moveaxis(np.array(rows), -1, 0))


def teme_to_itrf_matrix(times: Instants, *, earth_orientation: OrientationSetting = "table") -> Floats:
    """Rotation from TEME to ITRF at each instant, shape (nt, 3, 3): polar motion × rotation by GMST82(UT1)."""
    orientation = earth_orientation_at(times, earth_orientation)
    gmst = gmst82_rad(times, orientation.ut1_utc_s)
    sin, cos, zero = np.sin(gmst), np.cos(gmst), np.zeros(gmst.shape)
    sidereal = np.moveaxis(np.array([[cos, sin, zero], [-sin, cos, zero], [zero, zero, zero + 1.0]]), -1, 0)
    rotation: Floats = polar_motion_matrix(orientation.x_p_arcsec, orientation.y_p_arcsec) @ sidereal
    return rotation


def teme_to_itrf_km(positions_teme_km: Floats, times: Instants, *, earth_orientation: OrientationSetting = "table") -> Floats:
    """Rotate positions from TEME to ITRF.

    Parameters
    ----------
    positions_teme_km
        Shape (nt, 3, n), kilometres.
    times
        ``datetime64[us]``, shape (nt,), UTC.
    earth_orientation
        See `earth_orientation_at`.

    Returns
    -------
    ndarray
        Shape (nt, 3, n), kilometres.
    """
    rotated: Floats = teme_to_itrf_matrix(times, earth_orientation=earth_orientation) @ positions_teme_km
    return rotated
