"""Attenuation by rain.

References
----------
ITU-R P.618-13, *Propagation data and prediction methods required for the design of Earth-space telecommunication systems*, section 2.2.1.1.
ITU-R P.837-7 (rain rate), P.838-3 (specific attenuation), P.839-4 (rain height).
"""

import math

import numpy as np
import numpy.typing as npt

from overflight.radio._limits import (
    Floats,
    check_elevation,
    check_frequency,
    check_number,
    check_percent,
    check_places,
    check_range,
)
from overflight.radio.maps import Maps, built_in_maps, read_map, share_rows

LOWEST_GHZ, HIGHEST_GHZ = 1.0, 55.0
LEAST_PERCENT, GREATEST_PERCENT = 0.001, 5.0

_K_H = ((-5.33980, -0.10008, 1.13098), (-0.35351, 1.26970, 0.45400), (-0.23789, 0.86036, 0.15354), (-0.94158, 0.64552, 0.16817))
_K_V = ((-3.80595, 0.56934, 0.81061), (-3.44965, -0.22911, 0.51059), (-0.39902, 0.73042, 0.11899), (0.50167, 1.07319, 0.27195))
_ALPHA_H = (
    (-0.14318, 1.82442, -0.55187), (0.29591, 0.77564, 0.19822), (0.32177, 0.63773, 0.13164),
    (-5.37610, -0.96230, 1.47828), (16.1721, -3.29980, 3.43990),
)  # fmt: skip
_ALPHA_V = (
    (-0.07771, 2.33840, -0.76284), (0.56727, 0.95545, 0.54039), (-0.20238, 1.14520, 0.26809),
    (-48.2991, 0.791669, 0.116226), (48.5833, 0.791459, 0.116479),
)  # fmt: skip
"""Tables 1 to 4 of P.838-3: a, b, c of each term; slope and constant follow below."""


def specific_rain_p838(
    rain_rate_mm_h: npt.ArrayLike, *, frequency_ghz: float, elevation_deg: npt.ArrayLike, tilt_deg: float = 45.0
) -> Floats:
    """Specific attenuation by rain (P.838-3), dB/km.

    Parameters
    ----------
    rain_rate_mm_h
        Rain rate, 0 or more; broadcasts with ``elevation_deg``.
    frequency_ghz
        1 to 1,000 GHz.
    elevation_deg
        Elevation of the path, -90° to 90°.
    tilt_deg
        Tilt of the polarisation from the horizontal: 0° horizontal, 90° vertical, 45° circular.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    rate = check_range("rain_rate_mm_h", rain_rate_mm_h, 0.0, 1e4, unit=" mm/h", advice="give a rain rate of 0 or more")
    elevation = check_range("elevation_deg", elevation_deg, -90.0, 90.0, unit="°", advice="give degrees above the horizon")
    k, k_tilt, k_alpha, k_alpha_tilt = rain_coefficients_p838(frequency_ghz, tilt_deg=tilt_deg)
    square = np.cos(np.radians(elevation)) ** 2
    both = k + k_tilt * square
    specific: Floats = both * rate ** ((k_alpha + k_alpha_tilt * square) / both)
    return specific


def rain_coefficients_p838(frequency_ghz: float, *, tilt_deg: float = 45.0) -> tuple[float, float, float, float]:
    """Coefficients of P.838-3 that do not depend on the elevation θ.

    With the four numbers a, b, c, d returned, k = a + b cos²θ and α = (c + d cos²θ) / k in γ = k R^α.

    Raises
    ------
    InputError
        If the frequency is not within 1 to 1,000 GHz, or the tilt within -180° to 180°.
    """
    f = check_frequency(frequency_ghz, recommendation="P.838-3", low=1.0, high=1000.0)
    tilt = check_number("tilt_deg", tilt_deg, -180.0, 180.0, unit="°", advice="give the tilt of the polarisation from the horizontal")
    x = math.log10(f)
    k_h, k_v = 10.0 ** _sum_terms(x, _K_H, -0.18961, 0.71147), 10.0 ** _sum_terms(x, _K_V, -0.16398, 0.63297)
    alpha_h, alpha_v = _sum_terms(x, _ALPHA_H, 0.67849, -1.95537), _sum_terms(x, _ALPHA_V, -0.053739, 0.83433)
    turn = math.cos(math.radians(2.0 * tilt))
    turn = 0.0 if abs(turn) < 1e-12 else turn  # circular polarisation: exactly no difference
    k_alpha_h, k_alpha_v = k_h * alpha_h, k_v * alpha_v
    return (k_h + k_v) / 2.0, (k_h - k_v) / 2.0 * turn, (k_alpha_h + k_alpha_v) / 2.0, (k_alpha_h - k_alpha_v) / 2.0 * turn


def _sum_terms(x: float, terms: tuple[tuple[float, float, float], ...], slope: float, constant: float) -> float:
    return sum(a * math.exp(-(((x - b) / c) ** 2)) for a, b, c in terms) + slope * x + constant


def rain_height_p839_km(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, maps: Maps | None = None) -> Floats:
    """Mean annual rain height above the sea: the 0 °C isotherm and 0.36 km (P.839-4), km; of places of any shape."""
    height: Floats = read_map((maps or built_in_maps()).isotherm, lat_deg, lon_deg) + 0.36
    return height


def rain_rate_p837_mm_h(
    lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, exceeded_percent: float = 0.01, maps: Maps | None = None
) -> Floats:
    """Rain rate exceeded for a percentage of an average year, at an integration time of one minute (P.837-7), mm/h.

    Parameters
    ----------
    lat_deg, lon_deg
        The places, of any shape.
    exceeded_percent
        0.01 is read from its map; any other from 0.001 to 5 follows from monthly rain and temperature, which full maps alone have.
    maps
        None takes the built-in reduced maps.

    Raises
    ------
    InputError
        If a place or the percentage is out of range.
    DataMissingError
        If monthly maps are needed and the maps have none.
    """
    maps = built_in_maps() if maps is None else maps
    percent = check_percent(exceeded_percent, recommendation="P.837-7", low=LEAST_PERCENT, high=GREATEST_PERCENT)
    if percent == 0.01:
        return read_map(maps.rain_rate, lat_deg, lon_deg)
    lat, lon = check_places(lat_deg, lon_deg)
    chance, rate = _monthly_rain(lat.reshape(-1), lon.reshape(-1), maps)
    return _find_rate(chance, rate, percent).reshape(lat.shape)


def rain_probability_p837_percent(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, maps: Maps) -> Floats:
    """Percentage of an average year in which it rains (P.837-7, annex 1, equation 3); full maps only.

    Raises
    ------
    DataMissingError
        If the maps are reduced.
    """
    lat, lon = check_places(lat_deg, lon_deg)
    chance, _ = _monthly_rain(lat.reshape(-1), lon.reshape(-1), maps)
    share: Floats = _DAYS @ chance / _DAYS.sum()
    return share.reshape(lat.shape)


_DAYS = np.array([31.0, 28.25, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0])


def _monthly_rain(lat: Floats, lon: Floats, maps: Maps) -> tuple[Floats, Floats]:
    """Chance of rain, %, and mean rate while it rains, mm/h, of each month; shapes (12, n)."""
    monthly = maps.monthly
    rain, kelvin = (
        np.stack([read_map(grid, lat, lon, layers=[(month, 1.0)]) for month in range(12)])
        for grid in (monthly.rain_mm, monthly.temperature_k)
    )
    rate = 0.5874 * np.exp(0.0883 * np.maximum(kelvin - 273.15, 0.0))
    hourly = rain / (24.0 * _DAYS[:, np.newaxis])
    chance = 100.0 * hourly / rate
    often = chance > 70.0
    return np.where(often, 70.0, chance), np.where(often, hourly * 100.0 / 70.0, rate)


def _find_rate(chance: Floats, rate: Floats, percent: float) -> Floats:
    """Solve P.837-7, equation 5, for the rate by halving its logarithm's interval; 0 where it rains less often than ``percent``."""
    from scipy.special import ndtr

    share = _DAYS[:, np.newaxis] / _DAYS.sum()
    low, high = np.full(chance.shape[1], math.log(1e-10)), np.full(chance.shape[1], math.log(1e4))
    for _ in range(48):
        middle = 0.5 * (low + high)
        exceeded = (share * chance * ndtr(-(middle + 0.7938 - np.log(rate)) / 1.26)).sum(axis=0)
        low, high = np.where(exceeded > percent, middle, low), np.where(exceeded > percent, high, middle)
    found: Floats = np.where((share * chance).sum(axis=0) >= percent, np.exp(0.5 * (low + high)), 0.0)
    return found


def rain_attenuation_p618_db(
    elevation_deg: npt.ArrayLike,
    *,
    frequency_ghz: float,
    exceeded_percent: float,
    lat_deg: npt.ArrayLike,
    rain_rate_mm_h: npt.ArrayLike,
    rain_height_km: npt.ArrayLike,
    height_km: npt.ArrayLike,
    tilt_deg: float = 45.0,
    threads: int = 1,
) -> Floats:
    """Attenuation by rain exceeded for a percentage of an average year (P.618-13, section 2.2.1.1), dB.

    Parameters
    ----------
    elevation_deg
        5° to 90°; as all arrays here broadcast, any shape.
    frequency_ghz
        1 to 55 GHz.
    exceeded_percent
        0.001 to 5 % of an average year.
    lat_deg
        Latitude of the site.
    rain_rate_mm_h
        Rain rate exceeded for 0.01 % of the year: `rain_rate_p837_mm_h`.
    rain_height_km
        Rain height above the sea: `rain_height_p839_km`.
    height_km
        Height of the site above the sea.
    tilt_deg
        Tilt of the polarisation from the horizontal; 45° for circular.
    threads
        Threads to share the pairs out to.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    from overflight.radio._propagation_kernels import rain_of_pairs

    elevation = check_elevation(elevation_deg)
    f = check_frequency(frequency_ghz, recommendation="P.618-13", low=LOWEST_GHZ, high=HIGHEST_GHZ)
    percent = check_percent(exceeded_percent, recommendation="P.618-13 for rain", low=LEAST_PERCENT, high=GREATEST_PERCENT)
    lat = check_range("lat_deg", lat_deg, -90.0, 90.0, unit="°", advice="give degrees north")
    rate = check_range("rain_rate_mm_h", rain_rate_mm_h, 0.0, 1e4, unit=" mm/h", advice="give a rain rate of 0 or more")
    depth = np.asarray(rain_height_km, dtype=np.float64) - np.asarray(height_km, dtype=np.float64)
    elevation, lat, rate, depth = np.broadcast_arrays(elevation, lat, rate, depth)
    columns = [np.array(column).reshape(-1) for column in (elevation, lat, depth, log_rate(rate))]
    coefficients = rain_coefficients_p838(f, tilt_deg=tilt_deg)
    out = np.empty(elevation.size)

    def work(start: int, stop: int) -> None:
        rain_of_pairs(*columns, coefficients, f, percent, out, start, stop)

    share_rows(work, out.size, threads)
    return out.reshape(elevation.shape)


def log_rate(rain_rate_mm_h: Floats) -> Floats:
    """Natural logarithm of a rain rate; minus infinity where it does not rain."""
    with np.errstate(divide="ignore"):
        logarithm: Floats = np.log(rain_rate_mm_h)
    return logarithm
