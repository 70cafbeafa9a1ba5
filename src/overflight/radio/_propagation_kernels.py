"""Compiled loops of propagation: maps at many places, and the attenuation of many pairs of site and satellite.

Each works on rows ``start`` to ``stop`` of its arrays, so that threads share the work, and writes a row from that row's inputs alone: the
result does not depend on how the rows are cut. None uses fast-math.
"""
# mypy: disable-error-code="untyped-decorator"

import math
from typing import Any

import numpy as np
from numba import njit

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}

_DEGREE = math.pi / 180.0


# --- maps --------------------------------------------------------------------------------------------------------------------------


@njit(inline="always", **_OPTIONS)
def _place(lat: Any, lon: Any, south: Any, west: Any, step: Any, turn: Any) -> Any:
    """Row and column of a place as real numbers; ``turn`` is the longitude from which a full turn is counted."""
    if lon < turn:
        lon += 360.0
    elif lon >= turn + 360.0:
        lon -= 360.0
    return (lat - south) / step, (lon - west) / step


@njit(**_OPTIONS)
def sum_differences(low: Any, high: Any, step: Any, out: Any) -> None:
    """Turn zigzag differences of differences of a packed map into its scaled values (see `overflight.radio._reduced_maps`)."""
    rows, columns = out.shape
    slope = np.zeros(columns, dtype=np.int32)
    for i in range(rows):
        value = np.int32(0)
        for j in range(columns):
            zigzag = np.int32(low[i, j]) | (np.int32(high[i, j]) << np.int32(8))
            slope[j] += (zigzag >> np.int32(1)) ^ -(zigzag & np.int32(1))
            value += slope[j]
            out[i, j] = value * step


@njit(**_OPTIONS)
def read_bilinear(
    grid: Any, south: Any, west: Any, step: Any, turn: Any, lat: Any, lon: Any, weight: Any, out: Any, start: Any, stop: Any
) -> None:
    """Add ``weight`` times the bilinear interpolation of a map (P.1144-10, annex 1, section 1) to ``out``."""
    rows, columns = grid.shape
    for n in range(start, stop):
        y, x = _place(lat[n], lon[n], south, west, step, turn)
        i = min(int(y), rows - 2)
        j = min(int(x), columns - 2)
        v = y - i
        u = x - j
        lower = grid[i, j] * (1.0 - u) + grid[i, j + 1] * u
        upper = grid[i + 1, j] * (1.0 - u) + grid[i + 1, j + 1] * u
        out[n] += weight * (lower * (1.0 - v) + upper * v)


@njit(inline="always", **_OPTIONS)
def _cubic_weights(u: Any) -> Any:
    """Weights of the four neighbours at distances 1 + u, u, 1 - u and 2 - u (P.1144-10, annex 1, section 2, a = -0.5)."""
    return (
        ((-0.5 * u + 1.0) * u - 0.5) * u,
        (1.5 * u - 2.5) * u * u + 1.0,
        ((-1.5 * u + 2.0) * u + 0.5) * u,
        (0.5 * u - 0.5) * u * u,
    )


@njit(**_OPTIONS)
def read_bicubic(grid: Any, south: Any, west: Any, step: Any, turn: Any, lat: Any, lon: Any, out: Any, start: Any, stop: Any) -> None:
    """Write the bicubic interpolation of a map that has two more rows and columns on every side than places can lie in."""
    rows, columns = grid.shape
    for n in range(start, stop):
        y, x = _place(lat[n], lon[n], south, west, step, turn)
        i = min(max(int(y), 1), rows - 3)
        j = min(max(int(x), 1), columns - 3)
        a0, a1, a2, a3 = _cubic_weights(x - j)
        total = 0.0
        weights = _cubic_weights(y - i)
        for k in range(4):
            line = grid[i - 1 + k]
            total += weights[k] * (a0 * line[j - 1] + a1 * line[j] + a2 * line[j + 1] + a3 * line[j + 2])
        out[n] = total


@njit(**_OPTIONS)
def read_vapour(
    density: Any,
    content: Any,
    scale: Any,
    ground: Any,
    south: Any,
    west: Any,
    step: Any,
    turn: Any,
    lat: Any,
    lon: Any,
    height: Any,
    weight: Any,
    density_out: Any,
    content_out: Any,
    start: Any,
    stop: Any,
) -> None:
    """Add ``weight`` times both quantities of P.836-6: brought from each grid point's height to the site's, then interpolated."""
    rows, columns = density.shape
    for n in range(start, stop):
        y, x = _place(lat[n], lon[n], south, west, step, turn)
        i = min(int(y), rows - 2)
        j = min(int(x), columns - 2)
        v = y - i
        u = x - j
        total_density = 0.0
        total_content = 0.0
        for a in range(2):
            row_weight = v if a == 1 else 1.0 - v
            for b in range(2):
                share = row_weight * (u if b == 1 else 1.0 - u)
                share *= math.exp((ground[i + a, j + b] - height[n]) / scale[i + a, j + b])
                total_density += share * density[i + a, j + b]
                total_content += share * content[i + a, j + b]
        density_out[n] += weight * total_density
        content_out[n] += weight * total_content


# --- gases of a site ---------------------------------------------------------------------------------------------------------------


@njit(**_OPTIONS)
def zenith_gases(
    height: Any,
    temperature: Any,
    density: Any,
    content: Any,
    oxygen_fit: Any,
    oxygen_box: Any,
    vapour_fit: Any,
    vapour_box: Any,
    altitude_factor: Any,
    altitude_power: Any,
    out: Any,
    start: Any,
    stop: Any,
) -> None:
    """Gases towards the zenith, dB, from the polynomials of one frequency (see `overflight.radio.gases.fit_zenith`).

    ``oxygen_fit[a, b, c]`` gives oxygen, dB, over its factor of temperature, in powers of the pressure ratio, 300 K / T and the vapour
    density; ``vapour_fit[a]`` log(dB per kg/m²) of vapour in powers of log(content); each variable brought from its box to -1 ... 1.
    """
    n_pressure, n_theta, n_density = oxygen_fit.shape
    for n in range(start, stop):
        geopotential = 6356.766 * height[n] / (6356.766 + height[n])
        ratio = (1.0 - 6.5 / 288.15 * geopotential) ** (34.1632 / 6.5)
        x = _to_unit(ratio, oxygen_box[0, 0], oxygen_box[0, 1])
        y = _to_unit(300.0 / temperature[n], oxygen_box[1, 0], oxygen_box[1, 1])
        z = _to_unit(density[n], oxygen_box[2, 0], oxygen_box[2, 1])
        oxygen = 0.0
        for a in range(n_pressure - 1, -1, -1):
            plane = 0.0
            for b in range(n_theta - 1, -1, -1):
                line = 0.0
                for c in range(n_density - 1, -1, -1):
                    line = line * z + oxygen_fit[a, b, c]
                plane = plane * y + line
            oxygen = oxygen * x + plane
        total = oxygen * (0.7832 + 0.00709 * (temperature[n] - 273.15))
        if content[n] > 0.0:
            w = _to_unit(math.log(content[n]), vapour_box[0], vapour_box[1])
            series = 0.0
            for a in range(vapour_fit.size - 1, -1, -1):
                series = series * w + vapour_fit[a]
            vapour = content[n] * math.exp(series)
            if altitude_factor != 0.0:
                vapour *= 1.0 + altitude_factor * min(max(height[n], 0.0), 4.0) ** altitude_power
            total += vapour
        out[n] = total


@njit(inline="always", **_OPTIONS)
def _to_unit(value: Any, low: Any, high: Any) -> Any:
    return min(max((2.0 * value - low - high) / (high - low), -1.0), 1.0)


# --- pairs -------------------------------------------------------------------------------------------------------------------------


@njit(inline="always", **_OPTIONS)
def _scintillation_shape(sine: Any, turbulence: Any) -> Any:
    """Antenna averaging over sin^1.2 of the elevation (P.618-13, steps 4 to 7); ``turbulence`` is 1.22 D_eff² f / (2 h_L)."""
    x = turbulence * (math.sqrt(sine * sine + 2.35e-4) + sine)
    square = 0.0
    if x < 7.0:
        square = 3.86 * (x * x + 1.0) ** (11.0 / 12.0) * math.sin(11.0 / 6.0 * math.atan2(1.0, x)) - 7.08 * x ** (5.0 / 6.0)
    return math.sqrt(max(square, 0.0)) / sine**1.2


@njit(inline="always", **_OPTIONS)
def _rain(sine: Any, cosine: Any, near: Any, depth: Any, specific: Any, frequency: Any, slope: Any, curve: Any, time: Any) -> Any:
    """Rain of P.618-13, 2.2.1.1, steps 2 to 10, from 5° up.

    ``near`` is 31 (1 - exp(-elevation / (1 + χ))) of step 7, ``slope`` the β of step 10 times 1 - p, ``curve`` 0.655 + 0.033 ln p and
    ``time`` ln(p / 0.01).
    """
    if not (depth > 0.0 and specific > 0.0):
        return 0.0
    path = depth / sine
    ground = path * cosine
    horizontal = 1.0 / (1.0 + 0.78 * math.sqrt(ground * specific / frequency) - 0.38 * (1.0 - math.exp(-2.0 * ground)))
    # Step 7 asks whether atan(depth / (ground · horizontal)) is above the elevation: that is whether `horizontal` is below 1.
    length = path * min(horizontal, 1.0)
    vertical = 1.0 / (1.0 + math.sqrt(sine) * (near * math.sqrt(length * specific) / (frequency * frequency) - 0.45))
    log_001 = math.log(specific * length * vertical)
    return math.exp(log_001 - time * (curve - 0.045 * log_001 - slope * sine))


@njit(inline="always", **_OPTIONS)
def _beta(lat: Any, elevation: Any, sine: Any, percent: Any) -> Any:
    """Compute β (1 - p) of P.618-13, step 10."""
    if percent >= 1.0 or lat >= 36.0:
        return 0.0
    beta = -0.005 * (lat - 36.0)
    if elevation < 25.0:
        beta += 1.8 - 4.25 * sine
    return beta * (1.0 - percent)


@njit(inline="always", **_OPTIONS)
def _specific_rain(cosine: Any, log_rate: Any, k: Any, k_tilt: Any, k_alpha: Any, k_alpha_tilt: Any) -> Any:
    """Rain's specific attenuation of P.838-3, dB/km; the last four are (kH + kV)/2, (kH - kV)/2 cos 2τ, and the same of k α."""
    square = cosine * cosine
    both = k + k_tilt * square
    return both * math.exp((k_alpha + k_alpha_tilt * square) / both * log_rate)


@njit(**_OPTIONS)
def attenuate_pairs(
    site: Any,
    elevation: Any,
    lat: Any,
    zenith_gas: Any,
    zenith_cloud: Any,
    scintillation: Any,
    rain_depth: Any,
    log_rate: Any,
    rain: Any,
    frequency: Any,
    percent: Any,
    turbulence: Any,
    gas_out: Any,
    cloud_out: Any,
    rain_out: Any,
    scintillation_out: Any,
    total_out: Any,
    start: Any,
    stop: Any,
) -> None:
    """Every component of P.618-13 and its total, dB, of pairs of a site's row and an elevation. ``rain``: see `_specific_rain`."""
    curve = 0.655 + 0.033 * math.log(percent)
    time = math.log(percent / 0.01)
    k, k_tilt, k_alpha, k_alpha_tilt = rain
    for n in range(start, stop):
        s = site[n]
        sine = math.sin(elevation[n] * _DEGREE)
        cosine = math.sqrt(max(1.0 - sine * sine, 0.0))
        gas = zenith_gas[s] / sine
        cloud = zenith_cloud[s] / sine
        fade = scintillation[s] * _scintillation_shape(sine, turbulence)
        absolute = abs(lat[s])
        near = 31.0 * (1.0 - math.exp(-elevation[n] / (1.0 + max(36.0 - absolute, 0.0))))
        specific = _specific_rain(cosine, log_rate[s], k, k_tilt, k_alpha, k_alpha_tilt)
        wet = _rain(sine, cosine, near, rain_depth[s], specific, frequency, _beta(absolute, elevation[n], sine, percent), curve, time)
        gas_out[n] = gas
        cloud_out[n] = cloud
        rain_out[n] = wet
        scintillation_out[n] = fade
        total_out[n] = gas + math.sqrt((wet + cloud) * (wet + cloud) + fade * fade)


@njit(**_OPTIONS)
def rain_of_pairs(
    site: Any,
    elevation: Any,
    lat: Any,
    rain_depth: Any,
    log_rate: Any,
    rain: Any,
    frequency: Any,
    percent: Any,
    out: Any,
    start: Any,
    stop: Any,
) -> None:
    """Rain alone, as in `attenuate_pairs`."""
    curve = 0.655 + 0.033 * math.log(percent)
    time = math.log(percent / 0.01)
    k, k_tilt, k_alpha, k_alpha_tilt = rain
    for n in range(start, stop):
        s = site[n]
        sine = math.sin(elevation[n] * _DEGREE)
        cosine = math.sqrt(max(1.0 - sine * sine, 0.0))
        absolute = abs(lat[s])
        near = 31.0 * (1.0 - math.exp(-elevation[n] / (1.0 + max(36.0 - absolute, 0.0))))
        specific = _specific_rain(cosine, log_rate[s], k, k_tilt, k_alpha, k_alpha_tilt)
        out[n] = _rain(sine, cosine, near, rain_depth[s], specific, frequency, _beta(absolute, elevation[n], sine, percent), curve, time)


@njit(**_OPTIONS)
def scintillation_of_pairs(elevation: Any, turbulence: Any, out: Any) -> None:
    """Fill ``out`` with the averaging factor over sin^1.2 of each elevation."""
    for n in range(elevation.size):
        out[n] = _scintillation_shape(math.sin(elevation[n] * _DEGREE), turbulence)


# --- tables ------------------------------------------------------------------------------------------------------------------------

# ``sine`` (2 nodes - 1,) holds a table's columns and, between each two, the elevation halfway; ``out`` (sites, nodes) takes the attenuation
# times the sine, in the layout that `overflight.radio.table` describes.


@njit(inline="always", **_OPTIONS)
def _write_columns(fine: Any, out: Any, s: Any) -> None:
    """Shift each column by half of what the straight lines on its two sides miss halfway, so that they err above and below alike."""
    nodes = out.shape[1]
    before = fine[1] - 0.5 * (fine[0] + fine[2])
    for m in range(nodes):
        after = fine[2 * m + 1] - 0.5 * (fine[2 * m] + fine[2 * m + 2]) if m < nodes - 1 else before
        out[s, m] = fine[2 * m] + 0.25 * (before + after)
        before = after


@njit(**_OPTIONS)
def tabulate_statistics(
    lat: Any,
    zenith_gas: Any,
    zenith_cloud: Any,
    scintillation: Any,
    rain_depth: Any,
    log_rate: Any,
    rain: Any,
    frequency: Any,
    percent: Any,
    sine: Any,
    shape: Any,
    out: Any,
    start: Any,
    stop: Any,
) -> None:
    """Tabulate the total of P.618-13; ``shape`` is `_scintillation_shape` of each sine."""
    curve = 0.655 + 0.033 * math.log(percent)
    time = math.log(percent / 0.01)
    k, k_tilt, k_alpha, k_alpha_tilt = rain
    elevation = np.arcsin(sine) / _DEGREE
    fine = np.empty(sine.size)
    for s in range(start, stop):
        absolute = abs(lat[s])
        fall = -1.0 / (1.0 + max(36.0 - absolute, 0.0))
        for m in range(sine.size):
            cosine = math.sqrt(max(1.0 - sine[m] * sine[m], 0.0))
            near = 31.0 * (1.0 - math.exp(elevation[m] * fall))
            specific = _specific_rain(cosine, log_rate[s], k, k_tilt, k_alpha, k_alpha_tilt)
            beta = _beta(absolute, elevation[m], sine[m], percent)
            wet = _rain(sine[m], cosine, near, rain_depth[s], specific, frequency, beta, curve, time) + zenith_cloud[s] / sine[m]
            fade = scintillation[s] * shape[m]
            fine[m] = zenith_gas[s] + math.sqrt(wet * wet + fade * fade) * sine[m]
        _write_columns(fine, out, s)


@njit(**_OPTIONS)
def tabulate_state(zenith: Any, rain_depth: Any, log_rate: Any, rain: Any, width: Any, sine: Any, out: Any, start: Any, stop: Any) -> None:
    """Tabulate gases and clouds (``zenith``, dB) and rain of one rate along the path below its top and in its width."""
    k, k_tilt, k_alpha, k_alpha_tilt = rain
    fine = np.empty(sine.size)
    for s in range(start, stop):
        raining = rain_depth[s] > 0.0 and log_rate[s] > -np.inf
        for m in range(sine.size):
            fine[m] = zenith[s]
            if raining:
                cosine = math.sqrt(max(1.0 - sine[m] * sine[m], 0.0))
                length = rain_depth[s]
                if length * cosine > width * sine[m]:
                    length = width * sine[m] / cosine
                fine[m] += length * _specific_rain(cosine, log_rate[s], k, k_tilt, k_alpha, k_alpha_tilt)
        _write_columns(fine, out, s)
