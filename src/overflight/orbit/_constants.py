"""What SGP4's near-Earth model computes once per satellite, for a whole table at a time, and which satellites it serves.

Written from the equations of Spacetrack Report No. 3 and AIAA 2006-6753; the order of the rows of `near_earth_constants` is that
of the kernel that reads them.

References
----------
Hoots and Roehrich, *Spacetrack Report No. 3* (1980), section 6.
Vallado, Crawford, Hujsak, Kelso, "Revisiting Spacetrack Report #3", AIAA 2006-6753.
"""

import numpy as np
import numpy.typing as npt

from overflight.orbit.elements import ElementSets

Floats = npt.NDArray[np.float64]

EARTH_RADIUS_KM = 6378.135
"""WGS-72, as everything here: element sets are fitted with it."""
GM_KM3_S2 = 398_600.8
J2 = 0.001082616
J3 = -0.00000253881
J4 = -0.00000165597
MEAN_MOTION_UNIT = 60.0 / np.sqrt(EARTH_RADIUS_KM**3 / GM_KM3_S2)
"""√GM in (Earth radii)^1.5 per minute: ``xke`` of the report."""
J3_OVER_J2 = J3 / J2

MAX_ECCENTRICITY = 0.02
SIMPLE_DRAG_PERIGEE_KM = 220.0
"""Below, SGP4 drops terms of its drag model."""
MAX_PERIOD_MIN = 225.0
"""From here on SGP4 counts an orbit as deep space."""
MAX_DRAG_ECCENTRICITY = 1e-3
"""Largest periodic change of the eccentricity by drag: the kernel's sine of the mean anomaly is good for 1e-10 of it."""
MAX_LIFT = 0.1
"""Largest long-period change of the mean argument of latitude per eccentricity; it grows without bound towards 180° (here 178.6°)."""
MIN_ECCENTRICITY_FOR_DRAG = 1e-4
"""At and below, SGP4 leaves out the drag terms that divide by the eccentricity."""

_ATMOSPHERE_BASE_KM = 78.0
_ATMOSPHERE_TOP_KM = 120.0

_ROWS = 35
_HARMLESS_ORBIT = np.zeros(_ROWS)
_HARMLESS_ORBIT[[6, 15, 16]] = 0.001, 2.0, 0.5  # eccentricity, semi-major axis and its inverse


def near_earth_constants(elements: ElementSets) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Constants of the near-Earth model.

    Parameters
    ----------
    elements
        The table, n rows, of any elements at all.

    Returns
    -------
    constants
        Shape (35, n), angles in radians, lengths in Earth radii, times in minutes; where not ``valid``, those of some harmless orbit.
    valid
        Shape (n,): whether the kernel serves this satellite.
    """
    with np.errstate(all="ignore"):
        return _near_earth_constants(elements)


def _near_earth_constants(elements: ElementSets) -> tuple[Floats, npt.NDArray[np.bool_]]:
    e = elements.eccentricity
    inclination, node, perigee, anomaly = (
        np.deg2rad(angle)
        for angle in (elements.inclination_deg, elements.raan_deg, elements.argument_of_perigee_deg, elements.mean_anomaly_deg)
    )
    bstar = elements.bstar
    cos_i, sin_i = np.cos(inclination), np.sin(inclination)
    theta2 = cos_i * cos_i
    theta4 = theta2 * theta2
    three_theta2_less_1, one_less_theta2, one_less_5_theta2 = 3.0 * theta2 - 1.0, 1.0 - theta2, 1.0 - 5.0 * theta2
    e2 = e * e
    beta2 = 1.0 - e2
    beta = np.sqrt(beta2)

    n = _brouwer_mean_motion(elements.mean_motion_rev_day * (2.0 * np.pi / 1440.0), three_theta2_less_1, beta * beta2)
    a = (MEAN_MOTION_UNIT / n) ** (2.0 / 3.0)
    p_inverse2 = 1.0 / (a * beta2) ** 2
    perigee_radius = a * (1.0 - e)

    # Drag: a power law of density above a base that comes down with perigees below 156 km; below 220 km the model keeps fewer terms.
    perigee_km = (perigee_radius - 1.0) * EARTH_RADIUS_KM
    full_drag = perigee_km >= SIMPLE_DRAG_PERIGEE_KM
    base_km = np.where(perigee_km >= 156.0, _ATMOSPHERE_BASE_KM, np.where(perigee_km >= 98.0, perigee_km - 78.0, 20.0))
    s = base_km / EARTH_RADIUS_KM + 1.0
    q_less_s_4 = ((_ATMOSPHERE_TOP_KM - base_km) / EARTH_RADIUS_KM) ** 4
    xi = 1.0 / (a - s)
    eta = a * e * xi
    eta2, e_eta = eta * eta, e * eta
    psi2 = np.abs(1.0 - eta2)
    density = q_less_s_4 * xi**4
    density_psi = density / psi2**3.5
    c2 = (
        density_psi
        * n
        * (a * (1.0 + 1.5 * eta2 + e_eta * (4.0 + eta2)) + 0.375 * J2 * xi / psi2 * three_theta2_less_1 * (8.0 + 3.0 * eta2 * (8.0 + eta2)))
    )
    c1 = bstar * c2
    eccentric = full_drag & (e > MIN_ECCENTRICITY_FOR_DRAG)
    c3 = np.where(eccentric, -2.0 * density * xi * J3_OVER_J2 * n * sin_i / e, 0.0)
    c4 = (
        2.0
        * n
        * density_psi
        * a
        * beta2
        * (
            eta * (2.0 + 0.5 * eta2)
            + e * (0.5 + 2.0 * eta2)
            - J2
            * xi
            / (a * psi2)
            * (
                -3.0 * three_theta2_less_1 * (1.0 - 2.0 * e_eta + eta2 * (1.5 - 0.5 * e_eta))
                + 0.75 * one_less_theta2 * (2.0 * eta2 - e_eta * (1.0 + eta2)) * np.cos(2.0 * perigee)
            )
        )
    )
    c5 = full_drag * 2.0 * density_psi * a * beta2 * (1.0 + 2.75 * (eta2 + e_eta) + e_eta * eta2)
    d2 = full_drag * 4.0 * a * xi * c1 * c1
    d3 = (17.0 * a + s) * d2 * xi * c1 / 3.0
    d4 = 0.5 * (d2 * xi * c1 / 3.0) * a * xi * (221.0 * a + 31.0 * s) * c1

    # Secular rates by the zonal harmonics.
    k1 = 1.5 * J2 * p_inverse2 * n
    k2 = 0.5 * k1 * J2 * p_inverse2
    k4 = -0.46875 * J4 * p_inverse2 * p_inverse2 * n
    anomaly_rate = n + 0.5 * k1 * beta * three_theta2_less_1 + 0.0625 * k2 * beta * (13.0 - 78.0 * theta2 + 137.0 * theta4)
    perigee_rate = (
        -0.5 * k1 * one_less_5_theta2 + 0.0625 * k2 * (7.0 - 114.0 * theta2 + 395.0 * theta4) + k4 * (3.0 - 36.0 * theta2 + 49.0 * theta4)
    )
    node_rate = -k1 * cos_i + (0.5 * k2 * (4.0 - 19.0 * theta2) + 2.0 * k4 * (3.0 - 7.0 * theta2)) * cos_i

    anomaly_drag = np.where(eccentric, -2.0 / 3.0 * density * bstar / e_eta, 0.0)
    drag_eccentricity = bstar * c5
    one_plus_cos_i = np.where(np.abs(1.0 + cos_i) > 1.5e-12, 1.0 + cos_i, 1.5e-12)
    lift = -0.25 * J3_OVER_J2 * sin_i * (3.0 + 5.0 * cos_i) / one_plus_cos_i
    constants = np.array(
        [
            # drag on anomaly and eccentricity
            anomaly,
            anomaly_rate,
            eta,
            anomaly_drag,
            -anomaly_drag * (1.0 + eta * np.cos(anomaly)) ** 3,
            bstar * c3 * np.cos(perigee),
            e + drag_eccentricity * np.sin(anomaly),
            bstar * c4,
            drag_eccentricity,
            # semi-major axis, perigee, long periods
            perigee,
            perigee_rate,
            c1,
            d2,
            d3,
            d4,
            a,
            1.0 / a,
            -0.5 * J3_OVER_J2 * sin_i,
            lift,
            # mean argument of latitude
            anomaly + perigee,
            anomaly_rate + perigee_rate,
            n * 1.5 * c1,
            n * full_drag * (d2 + 2.0 * c1 * c1),
            n * full_drag * 0.25 * (3.0 * d3 + c1 * (12.0 * d2 + 10.0 * c1 * c1)),
            n * full_drag * 0.2 * (3.0 * d4 + 12.0 * c1 * d3 + 6.0 * d2 * d2 + 15.0 * c1 * c1 * (2.0 * d2 + c1 * c1)),
            # node, inclination, short periods
            node,
            node_rate,
            -3.5 * beta2 * k1 * cos_i * c1,
            sin_i,
            cos_i,
            0.75 * J2 * three_theta2_less_1,
            0.25 * J2 * one_less_theta2,
            -0.125 * J2 * (7.0 * theta2 - 1.0),
            0.75 * J2 * cos_i,
            0.75 * J2 * cos_i * sin_i,
        ]
    )
    valid = (
        (e >= 0.0)
        & (e <= MAX_ECCENTRICITY)
        & (2.0 * np.pi / n < MAX_PERIOD_MIN)
        & (np.abs(lift) <= MAX_LIFT)
        & (np.abs(drag_eccentricity) <= MAX_DRAG_ECCENTRICITY)
        & np.isfinite(constants).all(axis=0)
        & ~np.isnat(elements.epoch)
    )
    constants[:, ~valid] = _HARMLESS_ORBIT[:, None]
    return constants, valid


def _brouwer_mean_motion(kozai: Floats, three_theta2_less_1: Floats, beta3: Floats) -> Floats:
    """Brouwer's mean motion, which SGP4 works with, from Kozai's, which element sets give; radians per minute."""
    a1 = (MEAN_MOTION_UNIT / kozai) ** (2.0 / 3.0)
    d1 = 0.75 * J2 * three_theta2_less_1 / beta3
    delta1 = d1 / (a1 * a1)
    a0 = a1 * (1.0 - delta1 * delta1 - delta1 * (1.0 / 3.0 + 134.0 * delta1 * delta1 / 81.0))
    mean_motion: Floats = kozai / (1.0 + d1 / (a0 * a0))
    return mean_motion
