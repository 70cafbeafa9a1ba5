"""User channels of a filed system: from the budget at the mask to the rate at any elevation.

The study gives the MODCOD that a user channel closes at the mask, and a budget that leaves some decibels between the carrier's ratio to
noise alone and what that MODCOD needs. We take that difference as interference which does not depend on the satellite's distance, and
power as held so that every shell arrives alike at the mask. Nearer than at the mask the carrier gains what the path is shorter.
"""

import math

import numpy as np
import numpy.typing as npt

from overflight.errors import ScenarioError
from overflight.radio.antennas import aperture_gain_dbi
from overflight.radio.free_space import free_space_loss_p525_db
from overflight.radio.modcod import read_modcods, spectral_efficiency
from overflight.study.del_portillo.systems import FiledSystem

Floats = npt.NDArray[np.float64]

BOLTZMANN_DBW = -228.599
"""Boltzmann's constant, dBW/(K Hz)."""

EARTH_RADIUS_KM = 6371.0
"""Sphere of the slant ranges at the mask."""

_SAME_MODCOD = 1e-3
"""A published rate names a MODCOD if it is within this of its efficiency."""


def slant_range_km(altitude_km: float, elevation_deg: float) -> float:
    """Distance of a satellite seen at an elevation from a sphere."""
    rise = EARTH_RADIUS_KM * math.sin(math.radians(elevation_deg))
    return math.sqrt(rise * rise + altitude_km * altitude_km + 2.0 * EARTH_RADIUS_KM * altitude_km) - rise


def carrier_to_noise_at_mask_db(system: FiledSystem) -> float:
    """C/N of a user channel at the mask of the first shell in clear sky, from EIRP, path, dish and noise temperature, dB."""
    gain_db = aperture_gain_dbi(system.terminal_dish_m, frequency_ghz=system.downlink_ghz, efficiency=system.aperture_efficiency)
    distance_km = slant_range_km(system.shells[0].altitude_km, system.user_mask_deg)
    loss_db = float(free_space_loss_p525_db(distance_km, frequency_ghz=system.downlink_ghz))
    noise_dbw = BOLTZMANN_DBW + 10.0 * math.log10(system.noise_temperature_k * system.channel_mhz * 1e6)
    return system.eirp_dbw - loss_db + gain_db - noise_dbw


def interference_db(system: FiledSystem) -> float:
    """C/I that leaves the published MODCOD just closed at the mask, dB.

    Raises
    ------
    ScenarioError
        If the budget does not even reach that MODCOD without interference, or the published rate is none of a MODCOD.
    """
    modcods = read_modcods()
    wanted = system.channel_mbps_at_mask * (1.0 + system.roll_off) / system.channel_mhz
    best = int(np.argmin(np.abs(modcods.efficiency_bit_symbol / wanted - 1.0)))
    if abs(modcods.efficiency_bit_symbol[best] / wanted - 1.0) > _SAME_MODCOD:
        msg = f"{system.name}: channel_mbps_at_mask {system.channel_mbps_at_mask:g} is the rate of no MODCOD"
        raise ScenarioError(msg)
    rest = 10.0 ** (-modcods.es_n0_db[best] / 10.0) - 10.0 ** (-carrier_to_noise_at_mask_db(system) / 10.0)
    if rest <= 0.0:
        msg = f"{system.name}: its user channel does not close at the mask; give more eirp_dbw or a larger terminal_dish_m"
        raise ScenarioError(msg)
    return float(-10.0 * math.log10(rest))


def channel_rates_mbps(
    system: FiledSystem, range_km: Floats, shell: npt.NDArray[np.int64], *, attenuation_db: Floats | float = 0.0
) -> Floats:
    """Rate of a user channel, Mbit/s, shape (pairs,).

    Parameters
    ----------
    system
        The system.
    range_km, shell
        Distance, and row of the satellite's shell, shape (pairs,).
    attenuation_db
        Loss of the atmosphere, shape (pairs,) or one value; interference is weakened as the carrier is.
    """
    at_mask_km = np.array([slant_range_km(one.altitude_km, system.user_mask_deg) for one in system.shells])
    nearer_db = 20.0 * np.log10(at_mask_km[shell] / range_km)
    noise_db = carrier_to_noise_at_mask_db(system) + nearer_db - attenuation_db
    ratio_db = -10.0 * np.log10(10.0 ** (-noise_db / 10.0) + 10.0 ** (-interference_db(system) / 10.0))
    return np.asarray(system.channel_mhz * spectral_efficiency(ratio_db, roll_off=system.roll_off))


def feeder_mbps(system: FiledSystem) -> float:
    """Rate of one gateway link, Mbit/s: its MODCOD's, held by power control; for a bent pipe more than its channels can carry."""
    efficiency = system.feeder_efficiency_bit_symbol
    if efficiency is None:
        efficiency = float(read_modcods().efficiency_bit_symbol.max())
    return system.feeder_mhz / (1.0 + system.roll_off) * efficiency


def greatest_mbps(system: FiledSystem) -> float:
    """Most that a satellite hands down, Mbit/s: what its own gateway links bring up, as in the study; infinite for a bent pipe.

    Lasers do not add to it: the study's greatest rate of a satellite is that of its gateway links.
    """
    return math.inf if system.feeder_efficiency_bit_symbol is None else feeder_mbps(system) * system.dishes_per_satellite
