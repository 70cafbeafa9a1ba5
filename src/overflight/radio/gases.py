"""Attenuation by oxygen and water vapour.

References
----------
ITU-R P.676-12, *Attenuation by atmospheric gases and related effects*: annex 1, section 1 (specific attenuation line by line), annex 2,
sections 2.2 (equivalent heights) and 2.3 (water vapour from its column), cosecant law.
ITU-R P.835-6, *Reference standard atmospheres*, annex 1 (pressure).
"""

import math
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

from overflight.catalog.tables import float_column, read_table
from overflight.errors import InputError
from overflight.radio._limits import check_elevation, check_frequency

Floats = npt.NDArray[np.float64]

LOWEST_GHZ, HIGHEST_GHZ = 1.0, 350.0
"""Range of the equivalent heights."""

_OXYGEN_PEAKS = (
    (0.1597, 118.750334), (0.1066, 368.498246), (0.1325, 424.763020), (0.1242, 487.249273),
    (0.0938, 715.392902), (0.1448, 773.839490), (0.1374, 834.145546),
)  # fmt: skip
"""Table 3 of annex 2: strength and frequency, GHz, of the lines that raise the equivalent height of oxygen."""

_REFERENCE_GHZ, _REFERENCE_HPA = 20.6, 845.0
_DRIEST_KG_M2 = 1e-3

_BOX = np.array([[0.25, 1.1], [300.0 / 325.0, 300.0 / 200.0], [0.0, 50.0]])
_SIZES = (7, 5, 3)
_VAPOUR_BOX = np.array([math.log(_DRIEST_KG_M2), math.log(150.0)])
_VAPOUR_SIZE = 12


class ZenithFit(NamedTuple):
    """Polynomials of the zenith attenuation at one frequency, as the kernel ``zenith_gases`` takes them (see `fit_zenith`)."""

    oxygen_fit: Floats
    oxygen_box: Floats
    vapour_fit: Floats
    vapour_box: Floats
    altitude_factor: float
    altitude_power: float


def standard_pressure_p835(height_km: npt.ArrayLike) -> Floats:
    """Pressure of the mean annual global reference atmosphere at a height above the sea, hPa, up to 20 km (P.835-6, equations 3a, 3b)."""
    height = np.asarray(height_km, dtype=np.float64)
    geopotential = 6356.766 * height / (6356.766 + height)
    below = 1013.25 * (288.15 / (288.15 - 6.5 * np.minimum(geopotential, 11.0))) ** (-34.1632 / 6.5)
    above = 226.3226 * np.exp(-34.1632 * (geopotential - 11.0) / 216.65)
    pressure: Floats = np.where(geopotential <= 11.0, below, above)
    return pressure


def specific_attenuation_p676(
    frequency_ghz: float, *, pressure_hpa: npt.ArrayLike, temperature_k: npt.ArrayLike, vapour_density_g_m3: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Specific attenuation line by line (P.676-12, annex 1, section 1).

    Parameters
    ----------
    frequency_ghz
        1 to 1,000 GHz.
    pressure_hpa
        Pressure of dry air; as this and the next two broadcast, any shape.
    temperature_k
        Temperature.
    vapour_density_g_m3
        Density of water vapour.

    Returns
    -------
    oxygen_db_km, vapour_db_km
        Of the broadcast shape.

    Raises
    ------
    InputError
        If the frequency is out of range.
    """
    f = check_frequency(frequency_ghz, recommendation="P.676-12", low=LOWEST_GHZ, high=1000.0)
    p, t, density = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (pressure_hpa, temperature_k, vapour_density_g_m3)))
    p, t, density = p[..., np.newaxis], t[..., np.newaxis], density[..., np.newaxis]
    e = density * t / 216.7
    theta = 300.0 / t
    return _oxygen_specific(f, p, e, theta), _vapour_specific(f, p, e, theta)


def _oxygen_specific(f: float, p: Floats, e: Floats, theta: Floats) -> Floats:
    line, a1, a2, a3, a4, a5, a6 = read_lines("oxygen")
    strength = a1 * 1e-7 * p * theta**3 * np.exp(a2 * (1.0 - theta))
    width = np.hypot(a3 * 1e-4 * (p * theta ** (0.8 - a4) + 1.1 * e * theta), math.sqrt(2.25e-6))
    mixing = (a5 + a6 * theta) * 1e-4 * (p + e) * theta**0.8
    refractivity = np.sum(strength * _line_shape(f, line, width, mixing), axis=-1)
    p, e, theta = p[..., 0], e[..., 0], theta[..., 0]
    debye = 5.6e-4 * (p + e) * theta**0.8
    continuum = 6.14e-5 / (debye * (1.0 + (f / debye) ** 2)) + 1.4e-12 * p * theta**1.5 / (1.0 + 1.9e-5 * f**1.5)
    specific: Floats = 0.1820 * f * (refractivity + f * p * theta**2 * continuum)
    return specific


def _vapour_specific(f: float, p: Floats, e: Floats, theta: Floats) -> Floats:
    line, b1, b2, b3, b4, b5, b6 = read_lines("water vapour")
    strength = b1 * 1e-1 * e * theta**3.5 * np.exp(b2 * (1.0 - theta))
    pressure_width = b3 * 1e-4 * (p * theta**b4 + b5 * e * theta**b6)
    width = 0.535 * pressure_width + np.sqrt(0.217 * pressure_width**2 + 2.1316e-12 * line**2 / theta)
    specific: Floats = 0.1820 * f * np.sum(strength * _line_shape(f, line, width, 0.0), axis=-1)
    return specific


def _line_shape(f: float, line: Floats, width: Floats, mixing: Floats | float) -> Floats:
    below, above = line - f, line + f
    shape: Floats = f / line * ((width - mixing * below) / (below**2 + width**2) + (width - mixing * above) / (above**2 + width**2))
    return shape


@cache
def read_lines(gas: str) -> Floats:
    """Spectral lines of ``"oxygen"`` or ``"water vapour"``: frequency, GHz, and six coefficients; shape (7, lines)."""
    table = read_table("gas_lines")
    mine = np.array([name == gas for name in table["gas"]])
    return np.stack([float_column(table, column)[mine] for column in ("frequency_ghz", "c1", "c2", "c3", "c4", "c5", "c6")])


def zenith_oxygen_p676_db(
    frequency_ghz: float, *, pressure_hpa: npt.ArrayLike, temperature_k: npt.ArrayLike, vapour_density_g_m3: npt.ArrayLike
) -> Floats:
    """Attenuation by oxygen towards the zenith: specific attenuation times equivalent height (P.676-12, annex 2, section 2.2), dB.

    Arguments as of `specific_attenuation_p676`, the frequency up to 350 GHz.
    """
    f = check_frequency(frequency_ghz, recommendation="P.676-12, annex 2", low=LOWEST_GHZ, high=HIGHEST_GHZ)
    oxygen, _ = specific_attenuation_p676(
        f, pressure_hpa=pressure_hpa, temperature_k=temperature_k, vapour_density_g_m3=vapour_density_g_m3
    )
    temperature = np.asarray(temperature_k, dtype=np.float64)
    vapour_hpa = np.asarray(vapour_density_g_m3, dtype=np.float64) * temperature / 216.7
    rp = (np.asarray(pressure_hpa, dtype=np.float64) + vapour_hpa) / 1013.25
    t1 = 5.1040 / (1.0 + 0.066 * rp**-2.3) * np.exp(-(((f - 59.7) / (2.87 + 12.4 * np.exp(-7.9 * rp))) ** 2))
    t2 = sum(c * np.exp(2.12 * rp) / ((f - line) ** 2 + 0.025 * np.exp(2.2 * rp)) for c, line in _OXYGEN_PEAKS)
    shape = (15.02 * f**2 - 1353.0 * f + 5.333e4) / (f**3 - 151.3 * f**2 + 9629.0 * f - 6803.0)
    t3 = 0.0114 * f / (1.0 + 0.14 * rp**-2.6) * shape
    # Equation 30's factor 6.1 and the temperature's correction, limited below 70 GHz by equation 34.
    height = 6.1 * oxygen_warmth(temperature) / (1.0 + 0.17 * rp**-1.1) * (1.0 + t1 + t2 + t3)
    if f < 70.0:
        height = np.minimum(height, 10.7 * rp**0.3)
    zenith: Floats = oxygen * height
    return zenith


def oxygen_warmth(temperature_k: Floats) -> Floats:
    """Factor of temperature in the equivalent height of oxygen."""
    return 0.7832 + 0.00709 * (temperature_k - 273.15)


def zenith_vapour_p676_db(frequency_ghz: float, *, vapour_content_kg_m2: npt.ArrayLike, height_km: npt.ArrayLike) -> Floats:
    """Attenuation by water vapour towards the zenith from its column (P.676-12, annex 2, section 2.3), dB.

    Parameters
    ----------
    frequency_ghz
        1 to 350 GHz.
    vapour_content_kg_m2
        Column of water vapour above the site.
    height_km
        Height of the site above the sea. The two broadcast.

    Raises
    ------
    InputError
        If the frequency is out of range.
    """
    f = check_frequency(frequency_ghz, recommendation="P.676-12, annex 2", low=LOWEST_GHZ, high=HIGHEST_GHZ)
    content = np.asarray(vapour_content_kg_m2, dtype=np.float64)
    attenuation = content * _vapour_per_content(f, np.maximum(content, _DRIEST_KG_M2))
    factor, power = _altitude_law(f)
    if factor != 0.0:
        attenuation = attenuation * (1.0 + factor * np.clip(np.asarray(height_km, dtype=np.float64), 0.0, 4.0) ** power)
    return attenuation + 0.0 * np.asarray(height_km, dtype=np.float64)


def _vapour_per_content(f: float, content: Floats) -> Floats:
    """Compute the dB per kg/m² of equation 37 at sea level."""
    density = content / 2.38
    temperature = 14.0 * np.log(0.22 * density) + 3.0 + 273.15
    wanted, reference = (
        specific_attenuation_p676(at, pressure_hpa=_REFERENCE_HPA, temperature_k=temperature, vapour_density_g_m3=density)[1]
        for at in (f, _REFERENCE_GHZ)
    )
    per_content: Floats = 0.0176 * wanted / reference
    return per_content


def _altitude_law(f: float) -> tuple[float, float]:
    """Factor a and power b of the site's height in equation 37; the factor is 0 below 20 GHz."""
    if f < 20.0:
        return 0.0, 1.0
    peaks = ((0.2048, 22.43, 3.097), (0.2326, 183.5, 4.096), (0.2073, 325.0, 3.651))
    factor = sum(size * math.exp(-(((f - at) / width) ** 2)) for size, at, width in peaks) - 0.1113
    return factor, 8.741e4 * math.exp(-0.587 * f) + 312.2 * f**-2.38 + 0.723


def gas_attenuation_p676_db(
    elevation_deg: npt.ArrayLike,
    *,
    frequency_ghz: float,
    pressure_hpa: npt.ArrayLike,
    temperature_k: npt.ArrayLike,
    vapour_density_g_m3: npt.ArrayLike,
    vapour_content_kg_m2: npt.ArrayLike,
    height_km: npt.ArrayLike,
) -> Floats:
    """Attenuation by gases along a slant path to space (P.676-12, annex 2: oxygen by equivalent height, vapour by its column), dB.

    Parameters
    ----------
    elevation_deg
        5° to 90°; as this and the next five broadcast, any shape.
    frequency_ghz
        1 to 350 GHz.
    pressure_hpa
        Surface pressure of dry air: `standard_pressure_p835` of the site's height.
    temperature_k
        Surface temperature.
    vapour_density_g_m3
        Surface density of water vapour.
    vapour_content_kg_m2
        Column of water vapour.
    height_km
        Height of the site above the sea.

    Raises
    ------
    InputError
        If an elevation or the frequency is out of range.
    """
    elevation = check_elevation(elevation_deg)
    oxygen = zenith_oxygen_p676_db(
        frequency_ghz, pressure_hpa=pressure_hpa, temperature_k=temperature_k, vapour_density_g_m3=vapour_density_g_m3
    )
    vapour = zenith_vapour_p676_db(frequency_ghz, vapour_content_kg_m2=vapour_content_kg_m2, height_km=height_km)
    slant: Floats = (oxygen + vapour) / np.sin(np.radians(elevation))
    return slant


@lru_cache(maxsize=256)
def fit_zenith(frequency_ghz: float) -> ZenithFit:
    """Lay polynomials through the zenith attenuation at one frequency, so that a site costs tens of nanoseconds and no line sums.

    The one of oxygen (over its factor of temperature) runs over p / 1013.25 hPa, 300 K / T and vapour density of all sites on Earth,
    that of log(vapour dB per kg/m²) over log(column). How closely they follow the formulas is in docs/models/propagation.md.

    Raises
    ------
    InputError
        If the frequency is not within 1 to 350 GHz.
    """
    ratio, theta, density = np.meshgrid(*(_nodes(size, box) for size, box in zip(_SIZES, _BOX, strict=True)), indexing="ij")
    temperature = 300.0 / theta
    oxygen = zenith_oxygen_p676_db(
        frequency_ghz, pressure_hpa=1013.25 * ratio, temperature_k=temperature, vapour_density_g_m3=density
    ) / oxygen_warmth(temperature)
    vapour = _vapour_per_content(frequency_ghz, np.exp(_nodes(_VAPOUR_SIZE, _VAPOUR_BOX)))
    if not (oxygen.min() > 0.0 and vapour.min() > 0.0):
        msg = f"frequency_ghz: {frequency_ghz:g} GHz; the equivalent heights of ITU-R P.676-12 do not hold there, ask for another frequency"
        raise InputError(msg)
    series = oxygen
    for axis in range(3):
        series = np.moveaxis(np.tensordot(_to_powers(_SIZES[axis]), series, axes=(1, axis)), 0, axis)
    factor, power = _altitude_law(frequency_ghz)
    return ZenithFit(np.ascontiguousarray(series), _BOX, _to_powers(_VAPOUR_SIZE) @ np.log(vapour), _VAPOUR_BOX, factor, power)


def _angles(size: int) -> Floats:
    angles: Floats = (np.arange(size) + 0.5) * np.pi / size
    return angles


def _nodes(size: int, box: Floats) -> Floats:
    nodes: Floats = 0.5 * (box[0] + box[1]) + 0.5 * (box[1] - box[0]) * np.cos(_angles(size))
    return nodes


def _to_powers(size: int) -> Floats:
    """Matrix that turns values at the Chebyshev nodes into coefficients of powers of the variable brought to -1 ... 1."""
    series = np.cos(np.outer(np.arange(size), _angles(size))) * 2.0 / size
    series[0] *= 0.5
    powers = np.stack([np.pad(poly, (0, size - len(poly))) for poly in map(chebyshev.cheb2poly, np.eye(size))], axis=1)
    matrix: Floats = powers @ series
    return matrix
