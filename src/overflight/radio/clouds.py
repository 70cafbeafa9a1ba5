"""Attenuation by clouds and fog.

References
----------
ITU-R P.840-8, *Attenuation due to clouds and fog*: section 2 (specific attenuation coefficient), section 3.2 (statistics).
"""

import numpy as np
import numpy.typing as npt

from overflight.radio._limits import Floats, check_elevation, check_frequency, check_range

LOWEST_GHZ, HIGHEST_GHZ = 1.0, 200.0
FREEZING_K = 273.15


def cloud_coefficient_p840(frequency_ghz: float, *, temperature_k: float = FREEZING_K) -> float:
    """Specific attenuation coefficient of cloud water K_l (P.840-8, equations 2 to 11), (dB/km)/(g/m³), which is dB per kg/m².

    Parameters
    ----------
    frequency_ghz
        1 to 200 GHz.
    temperature_k
        Temperature of the liquid water; the statistics of P.840 are reduced to 273.15 K.

    Raises
    ------
    InputError
        If the frequency is out of range.
    """
    f = check_frequency(frequency_ghz, recommendation="P.840-8", low=LOWEST_GHZ, high=HIGHEST_GHZ)
    theta = 300.0 / temperature_k
    e0 = 77.66 + 103.3 * (theta - 1.0)
    e1, e2 = 0.0671 * e0, 3.52
    principal = 20.20 - 146.0 * (theta - 1.0) + 316.0 * (theta - 1.0) ** 2
    secondary = 39.8 * principal
    at_first, at_second = (e0 - e1) / (1.0 + (f / principal) ** 2), (e1 - e2) / (1.0 + (f / secondary) ** 2)
    real, imaginary = at_first + at_second + e2, f / principal * at_first + f / secondary * at_second
    eta = (2.0 + real) / imaginary
    return 0.819 * f / (imaginary * (1.0 + eta * eta))


def cloud_attenuation_p840_db(elevation_deg: npt.ArrayLike, *, frequency_ghz: float, liquid_kg_m2: npt.ArrayLike) -> Floats:
    """Attenuation by clouds along a slant path (P.840-8, equation 13), dB.

    Parameters
    ----------
    elevation_deg
        5° to 90°; broadcasts with ``liquid_kg_m2``.
    frequency_ghz
        1 to 200 GHz.
    liquid_kg_m2
        Reduced liquid water of the column: `overflight.radio.maps.liquid_water_p840` for a percentage of the year, or a given cloud's.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    elevation = check_elevation(elevation_deg)
    liquid = check_range("liquid_kg_m2", liquid_kg_m2, 0.0, 100.0, unit=" kg/m²", advice="give the liquid water of the column")
    attenuation: Floats = cloud_coefficient_p840(frequency_ghz) * liquid / np.sin(np.radians(elevation))
    return attenuation
