"""What the recommendations are valid for, checked with one line that says what is wrong, where, and what to do."""

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError

Floats = npt.NDArray[np.float64]

LEAST_ELEVATION_DEG = 5.0
"""The cosecant laws of P.676 and P.840 and the scintillation of P.618 (2.4.1) hold from here up."""

HIGHEST_SITE_KM, LOWEST_SITE_KM = 10.0, -0.5
"""Heights of a site above the sea that are taken."""


def check_range(name: str, value: npt.ArrayLike, low: float, high: float, *, unit: str, advice: str) -> Floats:
    """Return the value as float64, at least one-dimensional and contiguous.

    Raises
    ------
    InputError
        If an element lies outside ``low`` to ``high`` or is NaN: the first is named with its row.
    """
    # Writable, for kernels are compiled anew for arrays that are not.
    values = np.require(np.atleast_1d(np.asarray(value, dtype=np.float64)), requirements=("C", "W"))
    # One pass over the least and the greatest: both are NaN if any value is, and comparisons with NaN fail.
    if values.size and not (values.min() >= low and values.max() <= high):
        wrong = np.flatnonzero(~((values >= low) & (values <= high)))
        flat = values.reshape(-1)
        where = "" if flat.size == 1 else f" (row {wrong[0]}; {len(wrong):,} of {flat.size:,} rows)"
        msg = f"{name}: {flat[wrong[0]]:g}{unit}{where} is outside {low:g} to {high:g}{unit}; {advice}"
        raise InputError(msg)
    return values


def check_number(name: str, value: float, low: float, high: float, *, unit: str, advice: str) -> float:
    """Check one number as `check_range` does."""
    return float(check_range(name, float(value), low, high, unit=unit, advice=advice)[0])


def check_elevation(elevation_deg: npt.ArrayLike) -> Floats:
    """Elevations from 5° to 90°."""
    return check_range(
        "elevation_deg",
        elevation_deg,
        LEAST_ELEVATION_DEG,
        90.0,
        unit="°",
        advice="leave pairs below 5° out, the formulas do not hold there",
    )


def check_frequency(frequency_ghz: float, *, recommendation: str, low: float, high: float) -> float:
    """Check a frequency against the range of a recommendation."""
    return check_number("frequency_ghz", frequency_ghz, low, high, unit=" GHz", advice=f"the range of ITU-R {recommendation}")


def check_percent(exceeded_percent: float, *, recommendation: str, low: float, high: float) -> float:
    """Check a percentage of time against the range of a recommendation."""
    return check_number("exceeded_percent", exceeded_percent, low, high, unit=" %", advice=f"the range of ITU-R {recommendation}")


def check_places(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of equal shape; longitudes may be counted from -180° or from 0°."""
    lat = check_range("lat_deg", lat_deg, -90.0, 90.0, unit="°", advice="give degrees north, latitude first")
    lon = check_range("lon_deg", lon_deg, -180.0, 360.0, unit="°", advice="give degrees east")
    if lat.shape != lon.shape:
        lat, lon = (np.array(values) for values in np.broadcast_arrays(lat, lon))
    return lat, lon


def check_height(height_km: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Heights of sites above the sea, one for all or one each."""
    height = check_range("height_km", height_km, LOWEST_SITE_KM, HIGHEST_SITE_KM, unit=" km", advice="give kilometres above the sea")
    return np.array(np.broadcast_to(height, shape))


def check_diameter(diameter_m: float) -> float:
    """Check an antenna's diameter."""
    return check_number("diameter_m", diameter_m, 0.01, 100.0, unit=" m", advice="give the antenna's diameter in metres")


def check_efficiency(efficiency: float) -> float:
    """Check an aperture efficiency."""
    return check_number("efficiency", efficiency, 0.01, 1.0, unit="", advice="give the antenna's aperture efficiency as a fraction")
