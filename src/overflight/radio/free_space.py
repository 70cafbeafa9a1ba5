"""Loss of free space.

References
----------
ITU-R P.525-4, *Calculation of free-space attenuation*, equation (4).
"""

import math

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError

Floats = npt.NDArray[np.float64]

LIGHT_KM_S = 299_792.458


def free_space_loss_p525_db(range_km: npt.ArrayLike, *, frequency_ghz: float) -> Floats:
    """Loss of free space between isotropic antennas, dB.

    Parameters
    ----------
    range_km
        Distance, any shape.
    frequency_ghz
        Frequency.

    Returns
    -------
    numpy.ndarray
        20 log₁₀(4π d f / c), of the shape of ``range_km``.

    Raises
    ------
    InputError
        If a distance or the frequency is not above 0.
    """
    distance = np.asarray(range_km, dtype=np.float64)
    if not (frequency_ghz > 0.0 and math.isfinite(frequency_ghz)):
        msg = f"frequency_ghz: {frequency_ghz:g} GHz; give a frequency above 0"
        raise InputError(msg)
    if distance.size and not distance.min() > 0.0:
        msg = f"range_km: {distance.min():g} km; give distances above 0"
        raise InputError(msg)
    loss: Floats = 20.0 * np.log10(distance) + 20.0 * math.log10(4.0 * math.pi * frequency_ghz * 1e9 / LIGHT_KM_S)
    return loss
