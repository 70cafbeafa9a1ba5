"""SGP4's near-Earth model as one straight line of arithmetic that LLVM turns into packed instructions.

What makes it fast, all of it exact to some micrometres against the ``sgp4`` package:

- no branch, no call and no division in the loop: sine and cosine are polynomials on half a turn with a sign; quotients and roots
  that SGP4 takes near 1 are short series, whose ranges every state is checked against;
- the mean argument of latitude does not see the periodic drag term (it enters anomaly and perigee with opposite signs), so its
  sine and cosine, to full precision, wait for nothing; everything after is a rotation by a small angle from there;
- Kepler's equation is solved for the small difference of eccentric and mean argument, in which e·sin E comes for free;
- the sidereal angle is subtracted from the node, and the last rotation carries the Earth's radius, so positions come out in ITRF.

A state outside the ranges of the series becomes NaN and is counted: the caller takes it from the reference path. Loops run over whole
blocks only, so that a state's bits do not depend on its neighbours.
"""

import numpy as np
from numba import njit

from overflight.vectors import prefer_wide_vectors

BLOCK = 64
"""Satellites per block: constants and results of one block stay in the first-level cache."""

ROWS = 35
"""Constants per satellite."""

# A state outside these ranges is left to the reference path: where the series below are exact to 1e-12, and away from SGP4's errors.
MIN_E, MAX_E, MAX_E2 = -5e-4, 0.025, 6.25e-4
MAX_SHIFT = 0.25
MAX_SHRINK = 0.05
MIN_RADIUS = 1.001

_FAST = {"nsz", "arcp", "contract", "afn"}  # no reassociation: rounding by adding a large number must stay
_ROUND = 6755399441055744.0  # 1.5 · 2^52: adding and subtracting it rounds to an integer
_INVERSE_PI = 0.3183098861837907
_PI_HIGH = 3.141592653468251  # 33 bits: its product with a count of half turns is exact
_PI_LOW = 1.2154201012607932e-10
_PI = 3.141592653589793

# tools/fit_trig_polynomials.py
_SIN_FULL = (
    -0.16666666666666666,
    0.008333333333333316,
    -0.00019841269841254974,
    2.7557319219163234e-06,
    -2.5052107616996182e-08,
    1.6058977312464087e-10,
    -7.643970296798572e-13,
    2.7314447669863995e-15,
)
_COS_FULL = (
    -0.5,
    0.04166666666666634,
    -0.0013888888888860709,
    2.4801587292446213e-05,
    -2.755731776732053e-07,
    2.0876630867422994e-09,
    -1.1464689885720029e-11,
    4.6276759850181716e-14,
)
_SIN_MIDDLE = (
    -0.16666666666658467,
    0.008333333330940365,
    -0.0001984126870905615,
    2.755712317437327e-06,
    -2.5036745008428295e-08,
    1.550250902793809e-10,
)
_COS_MIDDLE = (
    -0.49999999999877454,
    0.0416666666309018,
    -0.0013888887196553783,
    2.4801294210170026e-05,
    -2.753434319598821e-07,
    2.0043838867607283e-09,
)
_SIN_LOW = (-0.16666666663881236, 0.008333332768753579, -0.000198410865614788, 2.75364635625748e-06, -2.4080190432969638e-08)
_COS_LOW = (-0.49999999963953023, 0.04166665936002493, -0.001388865164726139, 2.4774579745194932e-05, -2.6297517416492886e-07)


@njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _sin_cos_full(x):
    """Sine and cosine to 1e-16; the angle may be a million turns."""
    k = (x * _INVERSE_PI + _ROUND) - _ROUND
    r = (x - k * _PI_HIGH) - k * _PI_LOW
    z = r * r
    p, q = _SIN_FULL, _COS_FULL
    s = r + r * z * (p[0] + z * (p[1] + z * (p[2] + z * (p[3] + z * (p[4] + z * (p[5] + z * (p[6] + z * p[7])))))))
    c = 1.0 + z * (q[0] + z * (q[1] + z * (q[2] + z * (q[3] + z * (q[4] + z * (q[5] + z * (q[6] + z * q[7])))))))
    odd = (np.int32(k) & np.int32(1)) != 0
    return (-s if odd else s), (-c if odd else c)


@njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _sin_cos_middle(x):
    """Sine and cosine to 3e-12, of an angle of some turns."""
    k = (x * _INVERSE_PI + _ROUND) - _ROUND
    r = x - k * _PI
    z = r * r
    p, q = _SIN_MIDDLE, _COS_MIDDLE
    s = r + r * z * (p[0] + z * (p[1] + z * (p[2] + z * (p[3] + z * (p[4] + z * p[5])))))
    c = 1.0 + z * (q[0] + z * (q[1] + z * (q[2] + z * (q[3] + z * (q[4] + z * q[5])))))
    odd = (np.int32(k) & np.int32(1)) != 0
    return (-s if odd else s), (-c if odd else c)


@njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _sin_cos_low(x):
    """Sine to 1e-10 and cosine to 1e-9."""
    k = (x * _INVERSE_PI + _ROUND) - _ROUND
    r = x - k * _PI
    z = r * r
    p, q = _SIN_LOW, _COS_LOW
    s = r + r * z * (p[0] + z * (p[1] + z * (p[2] + z * (p[3] + z * p[4]))))
    c = 1.0 + z * (q[0] + z * (q[1] + z * (q[2] + z * (q[3] + z * q[4]))))
    odd = (np.int32(k) & np.int32(1)) != 0
    return (-s if odd else s), (-c if odd else c)


@njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _inverse_of_one_less(x):
    """1 / (1 − x) to x^8."""
    x2 = x * x
    return ((1.0 + x) * (1.0 + x2)) * (1.0 + x2 * x2)


@njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _turn_slightly(s, c, d):
    """Sine and cosine of an angle that is larger by d, |d| < 1e-3, to d^4 / 24."""
    z = d * d
    sin_d = d - d * z * (1.0 / 6.0)
    cos_d = 1.0 - 0.5 * z
    return s * cos_d + c * sin_d, c * cos_d - s * sin_d


@njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _apply_drag(t, anomaly, anomaly_rate, eta, cubic, constant, linear, e_0, e_rate, e_periodic):
    """Eccentricity at t, and the shift between anomaly and perigee by drag; NaN outside the ranges of the series."""
    sin_m, cos_m = _sin_cos_low(anomaly + anomaly_rate * t)
    density = 1.0 + eta * cos_m
    shift = constant + linear * t + cubic * (density * density * density)
    z = shift * shift
    sin_shift = shift * (1.0 - z * (1.0 / 6.0 - z * (1.0 / 120.0 - z * (1.0 / 5040.0))))
    cos_shift = 1.0 - z * (0.5 - z * (1.0 / 24.0 - z * (1.0 / 720.0)))
    e = e_0 - e_rate * t - e_periodic * (sin_m * cos_shift + cos_m * sin_shift)
    trusted = (e > MIN_E) & (e < MAX_E) & (abs(shift) < MAX_SHIFT)
    e = e if e > 1e-6 else 1e-6  # noqa: FURB136  (a select, not a call)
    return (e if trusted else np.nan), shift


@njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _long_periods(t, e, shift, perigee, perigee_rate, shrink_1, shrink_2, shrink_3, shrink_4, axis, axis_inverse, ay_factor, lift_factor):
    """Semi-major axis, its inverse, eccentricity vector along and across the node, lift of the mean argument of latitude."""
    shrink = t * (shrink_1 + t * (shrink_2 + t * (shrink_3 + t * shrink_4)))
    shrink = shrink if abs(shrink) < MAX_SHRINK else np.nan
    a = axis * ((1.0 - shrink) * (1.0 - shrink))
    factor = _inverse_of_one_less(shrink)
    a_inverse = axis_inverse * (factor * factor)
    sin_w, cos_w = _sin_cos_middle(perigee + perigee_rate * t - shift)
    e2 = e * e
    g = a_inverse * (1.0 + e2 * (1.0 + e2))
    ax = e * cos_w
    return a, a_inverse, ax, e * sin_w + g * ay_factor, g * lift_factor * ax


@njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _solve_kepler(t, a, a_inverse, ax, ay, lift, u, u_rate, u_2, u_3, u_4, u_5):
    """Radius, its share that J2 scales, inverse semi-latus rectum, sine and cosine of the argument of latitude."""
    s, c = _sin_cos_full(u + u_rate * t + (t * t) * (u_2 + t * (u_3 + t * (u_4 + t * u_5))))
    # The difference d of eccentric and mean argument solves d = lift + A cos d + B sin d: a start to third order, then Newton.
    A = ax * s - ay * c
    B = ax * c + ay * s
    q = _inverse_of_one_less(B)
    start = q * (lift + A)
    d = start - q * (start * start) * (0.5 * A + (1.0 / 6.0) * B * start)
    z = d * d
    sin_d = d * (1.0 - z * (1.0 / 6.0 - z * (1.0 / 120.0)))
    cos_d = 1.0 - z * (0.5 - z * (1.0 / 24.0 - z * (1.0 / 720.0)))
    step = (lift + A * cos_d + B * sin_d - d) * (q * (1.0 - q * A * d))
    sin_d, cos_d = sin_d + cos_d * step, cos_d - sin_d * step
    e_sin = d + step - lift
    e_cos = B * cos_d - A * sin_d
    sin_E = s * cos_d + c * sin_d
    cos_E = c * cos_d - s * sin_d
    el2 = ax * ax + ay * ay
    el2 = el2 if el2 < MAX_E2 else np.nan
    tilt = e_sin * (0.5 + el2 * (0.125 + el2 * 0.0625))  # e sin E / (1 + sqrt(1 − e²))
    beta = 1.0 - el2 * (0.5 + el2 * (0.125 + el2 * 0.0625))
    ratio = _inverse_of_one_less(e_cos)
    radius = a * (1.0 - e_cos)
    p_inverse = a_inverse * (1.0 + el2 * (1.0 + el2 * (1.0 + el2)))
    return radius, radius * beta, p_inverse, ratio * (sin_E - ay - ax * tilt), ratio * (cos_E - ax + ay * tilt)


@njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _short_periods(
    t, sidereal, radius, radius_beta, p_inverse, sin_u, cos_u, node, node_rate, node_2, sin_i, cos_i, r_0, r_2, u_2, n_2, i_2
):
    """Position in Earth radii, in TEME turned by the sidereal angle."""
    sin_2u = 2.0 * sin_u * cos_u
    cos_2u = 1.0 - 2.0 * sin_u * sin_u
    p2 = p_inverse * p_inverse
    p2_sin, p2_cos = p2 * sin_2u, p2 * cos_2u
    r = radius - r_0 * p2 * radius_beta + r_2 * p_inverse * cos_2u
    r = r if r > MIN_RADIUS else np.nan
    sin_u, cos_u = _turn_slightly(sin_u, cos_u, u_2 * p2_sin)
    sin_i, cos_i = _turn_slightly(sin_i, cos_i, i_2 * p2_cos)
    sin_n, cos_n = _sin_cos_full(node + node_rate * t + node_2 * (t * t) - sidereal + n_2 * p2_sin)
    along, across = r * cos_u, r * sin_u
    level = across * cos_i
    return along * cos_n - level * sin_n, along * sin_n + level * cos_n, across * sin_i


@njit(fastmath=_FAST, error_model="numpy", cache=True, nogil=True)
def fill_positions(constants, epoch_us, time_us, sidereal_rad, rotation_km, first, last, out_km, doubtful):
    """Write the positions of every satellite at the instants ``first`` to ``last`` − 1; count those that became NaN.

    Parameters
    ----------
    constants
        Shape (blocks × ROWS × BLOCK,): rows as in ``near_earth_constants``, block after block; the last block is padded.
    epoch_us
        Shape (blocks × BLOCK,), microseconds as floats (whole numbers below 2^53 are exact).
    time_us, sidereal_rad
        Shape (nt,).
    rotation_km
        Shape (nt × 9,): Earth radius × rotation from PEF to ITRF, row by row.
    out_km
        Shape (nt, 3, n).
    doubtful
        Shape (blocks,): receives how many states of the block became NaN.
    """
    prefer_wide_vectors()
    n = out_km.shape[2]
    m = np.empty(8 * BLOCK)
    for block in range(epoch_us.size // BLOCK):
        lost = 0
        begin = block * BLOCK
        count = min(BLOCK, n - begin)
        epoch = epoch_us[begin : begin + BLOCK]
        c = constants[begin * ROWS : (begin + BLOCK) * ROWS]
        for k in range(first, last):
            now, sidereal, w = time_us[k], sidereal_rad[k], rotation_km[9 * k : 9 * k + 9]
            w0, w1, w2, w3, w4, w5, w6, w7, w8 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
            # One loop per stage: short chains of dependent operations keep the arithmetic units busy.
            for i in range(BLOCK):
                t = (now - epoch[i]) * (1.0 / 60e6)
                e, shift = _apply_drag(
                    t,
                    c[i],
                    c[BLOCK + i],
                    c[2 * BLOCK + i],
                    c[3 * BLOCK + i],
                    c[4 * BLOCK + i],
                    c[5 * BLOCK + i],
                    c[6 * BLOCK + i],
                    c[7 * BLOCK + i],
                    c[8 * BLOCK + i],
                )
                m[i] = t
                m[BLOCK + i] = e
                m[2 * BLOCK + i] = shift
            for i in range(BLOCK):
                a, a_inverse, ax, ay, lift = _long_periods(
                    m[i],
                    m[BLOCK + i],
                    m[2 * BLOCK + i],
                    c[9 * BLOCK + i],
                    c[10 * BLOCK + i],
                    c[11 * BLOCK + i],
                    c[12 * BLOCK + i],
                    c[13 * BLOCK + i],
                    c[14 * BLOCK + i],
                    c[15 * BLOCK + i],
                    c[16 * BLOCK + i],
                    c[17 * BLOCK + i],
                    c[18 * BLOCK + i],
                )
                m[3 * BLOCK + i] = a
                m[4 * BLOCK + i] = a_inverse
                m[5 * BLOCK + i] = ax
                m[6 * BLOCK + i] = ay
                m[7 * BLOCK + i] = lift
            for i in range(BLOCK):
                radius, radius_beta, p_inverse, sin_u, cos_u = _solve_kepler(
                    m[i],
                    m[3 * BLOCK + i],
                    m[4 * BLOCK + i],
                    m[5 * BLOCK + i],
                    m[6 * BLOCK + i],
                    m[7 * BLOCK + i],
                    c[19 * BLOCK + i],
                    c[20 * BLOCK + i],
                    c[21 * BLOCK + i],
                    c[22 * BLOCK + i],
                    c[23 * BLOCK + i],
                    c[24 * BLOCK + i],
                )
                m[3 * BLOCK + i] = radius
                m[4 * BLOCK + i] = radius_beta
                m[5 * BLOCK + i] = p_inverse
                m[6 * BLOCK + i] = sin_u
                m[7 * BLOCK + i] = cos_u
            for i in range(BLOCK):
                x, y, z = _short_periods(
                    m[i],
                    sidereal,
                    m[3 * BLOCK + i],
                    m[4 * BLOCK + i],
                    m[5 * BLOCK + i],
                    m[6 * BLOCK + i],
                    m[7 * BLOCK + i],
                    c[25 * BLOCK + i],
                    c[26 * BLOCK + i],
                    c[27 * BLOCK + i],
                    c[28 * BLOCK + i],
                    c[29 * BLOCK + i],
                    c[30 * BLOCK + i],
                    c[31 * BLOCK + i],
                    c[32 * BLOCK + i],
                    c[33 * BLOCK + i],
                    c[34 * BLOCK + i],
                )
                m[i] = w0 * x + w1 * y + w2 * z
                m[BLOCK + i] = w3 * x + w4 * y + w5 * z
                m[2 * BLOCK + i] = w6 * x + w7 * y + w8 * z
                lost += 1 if x != x else 0
            # Three loops become three block copies; one loop would store element by element.
            for i in range(count):
                out_km[k, 0, begin + i] = m[i]
            for i in range(count):
                out_km[k, 1, begin + i] = m[BLOCK + i]
            for i in range(count):
                out_km[k, 2, begin + i] = m[2 * BLOCK + i]
        doubtful[block] = lost
