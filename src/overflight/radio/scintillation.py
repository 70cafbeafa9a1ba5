"""Fading by tropospheric scintillation.

References
----------
ITU-R P.618-13, section 2.4.1 (steps 1 to 9). Its formula is recommended to 20 GHz at least; the Study Group's examples use it at 29 GHz
and, outside the 0.01 to 50 % of its factor a(p), at 0.001 %; so do we.
"""

import math

import numpy as np
import numpy.typing as npt

from overflight.radio._limits import Floats, check_diameter, check_efficiency, check_elevation, check_frequency, check_percent, check_range

LOWEST_GHZ, HIGHEST_GHZ = 1.0, 55.0
LEAST_PERCENT, GREATEST_PERCENT = 0.001, 50.0

TURBULENCE_HEIGHT_M = 1000.0
"""Height of the turbulent layer (step 4)."""


def scintillation_p618_db(
    elevation_deg: npt.ArrayLike,
    *,
    frequency_ghz: float,
    exceeded_percent: float,
    wet_refractivity: npt.ArrayLike,
    diameter_m: float,
    efficiency: float = 0.65,
) -> Floats:
    """Scintillation fade exceeded for a percentage of an average year (P.618-13, section 2.4.1), dB.

    Parameters
    ----------
    elevation_deg
        5° to 90°; broadcasts with ``wet_refractivity``.
    frequency_ghz
        1 to 55 GHz.
    exceeded_percent
        0.001 to 50 % of an average year.
    wet_refractivity
        Median wet term of the refractivity, N-units: `overflight.radio.maps.wet_refractivity_p453`.
    diameter_m
        Diameter of the ground antenna.
    efficiency
        Aperture efficiency of it.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    from overflight.radio._propagation_kernels import scintillation_of_pairs

    elevation = check_elevation(elevation_deg)
    refractivity = check_range("wet_refractivity", wet_refractivity, 0.0, 1000.0, unit="", advice="give N-units")
    shape = np.empty(elevation.size)
    scintillation_of_pairs(elevation.reshape(-1), turbulence_factor(frequency_ghz, diameter_m=diameter_m, efficiency=efficiency), shape)
    fade: Floats = fade_at_site(refractivity, frequency_ghz=frequency_ghz, exceeded_percent=exceeded_percent) * shape.reshape(
        elevation.shape
    )
    return fade


def fade_at_site(wet_refractivity: Floats, *, frequency_ghz: float, exceeded_percent: float) -> Floats:
    """Compute what of the fade does not depend on elevation and antenna: a(p) σ_ref f^(7/12) of steps 3, 7 and 8, dB."""
    f = check_frequency(frequency_ghz, recommendation="P.618-13", low=LOWEST_GHZ, high=HIGHEST_GHZ)
    percent = check_percent(exceeded_percent, recommendation="P.618-13 for scintillation", low=LEAST_PERCENT, high=GREATEST_PERCENT)
    x = math.log10(percent)
    time_factor = ((-0.061 * x + 0.072) * x - 1.71) * x + 3.0
    fade: Floats = time_factor * f ** (7.0 / 12.0) * (3.6e-3 + 1e-4 * wet_refractivity)
    return fade


def turbulence_factor(frequency_ghz: float, *, diameter_m: float, efficiency: float) -> float:
    """Compute 1.22 D_eff² f / (2 h_L): the x of step 6 is this times √(sin²θ + 2.35e-4) + sin θ."""
    effective = check_efficiency(efficiency) * check_diameter(diameter_m) ** 2
    return 1.22 * effective * frequency_ghz / (2.0 * TURBULENCE_HEIGHT_M)
