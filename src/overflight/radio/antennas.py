"""Antennas: gain off the axis, width of beams, what a beam covers on the ground, and what scanning costs an array.

One function per published pattern. Angles are in degrees off the axis and may be of any shape; gains are in dBi.
"""

import math

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError

Floats = npt.NDArray[np.float64]

LIGHT_M_S = 299_792_458.0
EARTH_RADIUS_KM = 6_371.0088
"""Mean radius (IUGG), for the size of footprints."""

SIDE_LOBES_DB = (-15.0, -20.0, -25.0, -30.0)
"""Near-in side lobes that ITU-R S.1528 has values for."""


def wavelength_m(frequency_ghz: float) -> float:
    """Wavelength in vacuum, metres.

    Raises
    ------
    InputError
        If the frequency is not above 0.
    """
    if not (frequency_ghz > 0.0 and math.isfinite(frequency_ghz)):
        msg = f"frequency_ghz: {frequency_ghz:g} GHz; give a frequency above 0"
        raise InputError(msg)
    return LIGHT_M_S / (frequency_ghz * 1e9)


def aperture_gain_dbi(diameter_m: float, *, frequency_ghz: float, efficiency: float = 0.6) -> float:
    """Gain of a round aperture along its axis, η (π D / λ)².

    Raises
    ------
    InputError
        If the diameter or the frequency is not above 0, or the efficiency not within 0 to 1.
    """
    if not (diameter_m > 0.0 and 0.0 < efficiency <= 1.0):
        msg = f"aperture: diameter_m={diameter_m:g}, efficiency={efficiency:g}; give metres above 0 and a fraction of 1"
        raise InputError(msg)
    return 10.0 * math.log10(efficiency) + 20.0 * math.log10(math.pi * diameter_m / wavelength_m(frequency_ghz))


def half_beamwidth_deg(diameter_m: float, *, frequency_ghz: float) -> float:
    """Half of the 3-dB beamwidth of a round aperture, √1200 / (D/λ) degrees.

    References
    ----------
    ITU-R S.1528-0, recommends 1.2 (ψ_b where no measured value is known).
    """
    return math.sqrt(1200.0) * wavelength_m(frequency_ghz) / diameter_m


def satellite_gain_s1528_dbi(
    off_axis_deg: npt.ArrayLike,
    *,
    peak_gain_dbi: float,
    half_beamwidth_deg: float,
    side_lobe_db: float = -20.0,
    far_lobe_dbi: float = 0.0,
    axis_ratio: float = 1.0,
) -> Floats:
    """Gain of a non-geostationary satellite's beam, reference pattern of recommends 1.2.

    Parameters
    ----------
    off_axis_deg
        Angle off the axis.
    peak_gain_dbi
        Gain along the axis, G_m.
    half_beamwidth_deg
        Half of the 3-dB beamwidth in the plane of interest, ψ_b.
    side_lobe_db
        Near-in side lobes relative to the peak, L_N: −15, −20, −25 or −30.
    far_lobe_dbi
        Far-out side lobes, L_F.
    axis_ratio
        Major over minor axis of the beam, z.

    Raises
    ------
    InputError
        If a value is none that the recommendation has.

    References
    ----------
    ITU-R S.1528-0 (2001), recommends 1.2 and table 1 (α = 1.5, b = 6.32).
    """
    if side_lobe_db not in SIDE_LOBES_DB:
        msg = f"side_lobe_db: {side_lobe_db:g} dB; ITU-R S.1528 has values for −15, −20, −25 and −30"
        raise InputError(msg)
    if not (half_beamwidth_deg > 0.0 and axis_ratio >= 1.0):
        msg = f"satellite beam: half_beamwidth_deg={half_beamwidth_deg:g}, axis_ratio={axis_ratio:g}; give degrees above 0, a ratio from 1"
        raise InputError(msg)
    psi = np.abs(np.asarray(off_axis_deg, dtype=np.float64))
    stretch = dict(zip(SIDE_LOBES_DB, (1.4, 1.0, 0.6, 0.4), strict=True))[side_lobe_db]
    a = 2.58 * math.sqrt(1.0 - stretch * math.log10(axis_ratio))
    b, alpha = 6.32, 1.5
    near = peak_gain_dbi + side_lobe_db
    edge = b * half_beamwidth_deg
    back = max(15.0 + near - peak_gain_dbi + 0.25 * peak_gain_dbi + 5.0 * math.log10(axis_ratio), 0.0)
    far_from = edge * 10.0 ** (0.04 * (near - far_lobe_dbi))
    with np.errstate(divide="ignore"):
        slope = near + 25.0 * math.log10(edge) - 25.0 * np.log10(psi)
    return np.select(
        [psi <= a * half_beamwidth_deg, psi <= 0.5 * edge, psi <= edge, psi <= far_from, psi <= 90.0],
        [
            peak_gain_dbi - 3.0 * (psi / half_beamwidth_deg) ** alpha,
            np.full_like(psi, near + 20.0 * math.log10(axis_ratio)),
            np.full_like(psi, near),
            slope,
            np.full_like(psi, far_lobe_dbi),
        ],
        default=back,
    )


def satellite_gain_s1528_leo_dbi(off_axis_deg: npt.ArrayLike, *, peak_gain_dbi: float, half_beamwidth_deg: float) -> Floats:
    """Gain of a low satellite's beam, reference pattern of recommends 1.3: a wide main lobe of 1.5 ψ_b, then 25 dB a decade down to 5 dBi.

    Raises
    ------
    InputError
        If the beamwidth is not above 0.

    References
    ----------
    ITU-R S.1528-0 (2001), recommends 1.3 (low orbits: L_s = −6.75 dB, Y = 1.5 ψ_b, L_F = 5 dBi).
    """
    if not half_beamwidth_deg > 0.0:
        msg = f"half_beamwidth_deg: {half_beamwidth_deg:g}; give degrees above 0"
        raise InputError(msg)
    psi = np.abs(np.asarray(off_axis_deg, dtype=np.float64))
    near_db, far_dbi = -6.75, 5.0
    main = 1.5 * half_beamwidth_deg
    far_from = main * 10.0 ** (0.04 * (peak_gain_dbi + near_db - far_dbi))
    with np.errstate(divide="ignore"):
        slope = peak_gain_dbi + near_db - 25.0 * np.log10(psi / main)
    return np.select([psi <= main, psi <= far_from], [peak_gain_dbi - 3.0 * (psi / half_beamwidth_deg) ** 2, slope], default=far_dbi)


def terminal_gain_s1428_dbi(off_axis_deg: npt.ArrayLike, *, diameter_m: float, frequency_ghz: float) -> Floats:
    """Gain of a user terminal or gateway as seen by non-geostationary interferers.

    Parameters
    ----------
    off_axis_deg
        Angle off the axis, 0 to 180.
    diameter_m
        Diameter of the aperture, or of the round one of the same area.
    frequency_ghz
        From 10.7 to 30 GHz.

    Raises
    ------
    InputError
        If D/λ is below 18: the recommendation begins at 20, and its first formulas are used down to there.

    References
    ----------
    ITU-R S.1428-1 (2001), recommends 1: reference patterns for D/λ from 20 to 25, 25 to 100, and above 100.
    """
    ratio = diameter_m / wavelength_m(frequency_ghz)
    if not ratio >= 18.0:
        msg = f"terminal of {diameter_m:g} m at {frequency_ghz:g} GHz: D/λ is {ratio:.3g}; ITU-R S.1428 begins at 20, use S.465"
        raise InputError(msg)
    phi = np.abs(np.asarray(off_axis_deg, dtype=np.float64))
    large = ratio > 100.0
    peak = 20.0 * math.log10(ratio) + (8.4 if large else 7.7)
    plateau = -1.0 + 15.0 * math.log10(ratio) if large else 29.0 - 25.0 * math.log10(95.0 / ratio)
    main_to = 20.0 / ratio * math.sqrt(peak - plateau)
    plateau_to = 15.85 * ratio**-0.6 if large else 95.0 / ratio
    with np.errstate(divide="ignore"):
        near = 29.0 - 25.0 * np.log10(phi)
        steep = 34.0 - 30.0 * np.log10(phi)
    edges = [phi < main_to, phi < plateau_to]
    gains = [peak - 2.5e-3 * (ratio * phi) ** 2, np.full_like(phi, plateau)]
    if large:
        edges += [phi < 10.0, phi < 34.1, phi < 80.0, phi < 120.0]
        gains += [near, steep, np.full_like(phi, -12.0), np.full_like(phi, -7.0)]
        return np.select(edges, gains, default=-12.0)
    edges += [phi < 33.1, phi <= 80.0]
    gains += [near, np.full_like(phi, -9.0)]
    if ratio > 25.0:
        edges.append(phi < 120.0)
        gains.append(np.full_like(phi, -4.0))
        return np.select(edges, gains, default=-9.0)
    return np.select(edges, gains, default=-5.0)


def terminal_gain_s465_dbi(off_axis_deg: npt.ArrayLike, *, diameter_m: float, frequency_ghz: float, efficiency: float = 0.6) -> Floats:
    """Gain of an earth station for coordination: 32 − 25 log φ from φ_min on, −10 dBi from 48°.

    The recommendation leaves the main lobe out; nearer than φ_min the parabola of a round aperture stands, not below the value at φ_min.

    References
    ----------
    ITU-R S.465-6 (2010): φ_min = 1° or 100 λ/D for D/λ ≥ 50, else 2° or 114 (D/λ)^−1.09, whichever is greater.
    """
    phi = np.abs(np.asarray(off_axis_deg, dtype=np.float64))
    ratio = diameter_m / wavelength_m(frequency_ghz)
    start = max(1.0, 100.0 / ratio) if ratio >= 50.0 else max(2.0, 114.0 * ratio**-1.09)
    peak = aperture_gain_dbi(diameter_m, frequency_ghz=frequency_ghz, efficiency=efficiency)
    first = 32.0 - 25.0 * math.log10(start)
    with np.errstate(divide="ignore"):
        lobes = 32.0 - 25.0 * np.log10(phi)
    main = np.maximum(peak - 2.5e-3 * (ratio * phi) ** 2, min(first, peak))
    return np.select([phi < start, phi < 48.0], [main, lobes], default=-10.0)


def scan_loss_db(scan_deg: npt.ArrayLike, *, exponent: float = 1.2) -> Floats:
    """Loss of a phased array's gain at an angle off its broadside, −10 n log₁₀(cos θ) dB.

    The exponent is 1 for the loss of projected area alone, and 1.2 to 1.5 with that of the elements' own patterns.

    Raises
    ------
    InputError
        If an angle is not within 0 to below 90°, or the exponent is negative.

    References
    ----------
    R. J. Mailloux, Phased Array Antenna Handbook, 3rd ed. (2017), ch. 1: element pattern cos^n of the scan angle.
    """
    angle = np.asarray(scan_deg, dtype=np.float64)
    if angle.size and not (angle.min() >= 0.0 and angle.max() < 90.0 and exponent >= 0.0):
        msg = f"scan: {angle.min():g} to {angle.max():g}°, exponent {exponent:g}; give angles from 0 to below 90°, an exponent from 0"
        raise InputError(msg)
    loss: Floats = -10.0 * exponent * np.log10(np.cos(np.radians(angle)))
    return loss


def nadir_angle_deg(elevation_deg: npt.ArrayLike, *, altitude_km: npt.ArrayLike) -> Floats:
    """Angle at a satellite between straight down and a place that sees it at an elevation: sin η = R cos e / (R + h)."""
    elevation, altitude = np.asarray(elevation_deg, dtype=np.float64), np.asarray(altitude_km, dtype=np.float64)
    angle: Floats = np.degrees(np.arcsin(EARTH_RADIUS_KM * np.cos(np.radians(elevation)) / (EARTH_RADIUS_KM + altitude)))
    return angle


def footprint_km(
    elevation_deg: npt.ArrayLike, *, altitude_km: float, half_beamwidth_deg: float, scan_exponent: float = 0.0
) -> tuple[Floats, Floats]:
    """Length and width on the ground of the part of a beam within 3 dB of its peak.

    Parameters
    ----------
    elevation_deg
        Elevation of the satellite from the middle of the beam, any shape.
    altitude_km
        Of the satellite.
    half_beamwidth_deg
        ψ_b of the beam unscanned.
    scan_exponent
        1 widens the beam in the plane of the scan as 1/cos of the angle, as an array's does; 0: a dish that turns.

    Returns
    -------
    tuple
        Full length towards the satellite and full width across, km, each of the shape of ``elevation_deg``. On a sphere, to first order
        in the beamwidth.
    """
    elevation = np.radians(np.asarray(elevation_deg, dtype=np.float64))
    nadir = np.radians(nadir_angle_deg(elevation_deg, altitude_km=altitude_km))
    earth_angle = np.pi / 2.0 - elevation - nadir
    radius = EARTH_RADIUS_KM + altitude_km
    distance = np.sqrt(EARTH_RADIUS_KM**2 + radius**2 - 2.0 * EARTH_RADIUS_KM * radius * np.cos(earth_angle))
    across = 2.0 * math.radians(half_beamwidth_deg) * distance
    along = across / np.cos(nadir) ** scan_exponent / np.sin(elevation)
    return along, across
