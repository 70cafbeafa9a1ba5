"""Compiled loops of propagation: maps at many places, and the attenuation of many pairs of site and satellite.

Each works on rows ``start`` to ``stop`` of its arrays, so that threads share the work, and writes a row from that row's inputs alone: the
result does not depend on how the rows are cut. None uses fast-math. Loops that must vectorise run from 0 over one-dimensional contiguous
arrays, few at a time, call no libm and select instead of branching; what they need of a site is gathered into scratch before.
"""
# mypy: disable-error-code="untyped-decorator,call-arg,unreachable,var-annotated"
# ruff: noqa: FURB136 - comparisons compile to one select each; min and max do not

import math
from typing import Any

import numpy as np
from numba import njit

from overflight.radio._elementary import OPTIONS as _OPTIONS
from overflight.radio._elementary import arctangent, cosine_to_half_turn, exp, log, sine_cosine
from overflight.vectors import prefer_wide_vectors

_DEGREE = math.pi / 180.0

_BLOCK = 256
"""Rows worked on together, in scratch that stays in the nearest cache."""


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
    x, y, z, w = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    oxygen, plane, line = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    n_pressure, n_theta, n_density = oxygen_fit.shape
    for first in range(start, stop, _BLOCK):
        size = min(_BLOCK, stop - first)
        rows = slice(first, first + size)
        _find_variables(height[rows], temperature[rows], density[rows], oxygen_box, x[:size], y[:size], z[:size])
        oxygen[:] = 0.0
        for a in range(n_pressure - 1, -1, -1):
            plane[:] = 0.0
            for b in range(n_theta - 1, -1, -1):
                line[:] = oxygen_fit[a, b, n_density - 1]
                for c in range(n_density - 2, -1, -1):
                    _raise_power(line, z, oxygen_fit[a, b, c])
                _raise_powers(plane, y, line)
            _raise_powers(oxygen, x, plane)
        _find_log_content(content[rows], vapour_box, w[:size])
        line[:] = 0.0
        for a in range(vapour_fit.size - 1, -1, -1):
            _raise_power(line, w, vapour_fit[a])
        _join_gases(height[rows], temperature[rows], content[rows], oxygen[:size], line[:size], altitude_factor, altitude_power, out[rows])


@njit(**_OPTIONS)
def _raise_power(series: Any, x: Any, coefficient: Any) -> None:
    prefer_wide_vectors()
    for n in range(series.size):
        series[n] = series[n] * x[n] + coefficient


@njit(**_OPTIONS)
def _raise_powers(series: Any, x: Any, coefficient: Any) -> None:
    prefer_wide_vectors()
    for n in range(series.size):
        series[n] = series[n] * x[n] + coefficient[n]


@njit(**_OPTIONS)
def _find_variables(height: Any, temperature: Any, density: Any, box: Any, x: Any, y: Any, z: Any) -> None:
    prefer_wide_vectors()
    x0, x1, y0, y1, z0, z1 = box[0, 0], box[0, 1], box[1, 0], box[1, 1], box[2, 0], box[2, 1]
    for n in range(x.size):
        geopotential = 6356.766 * height[n] / (6356.766 + height[n])
        x[n] = _to_unit(exp(34.1632 / 6.5 * log(1.0 - 6.5 / 288.15 * geopotential)), x0, x1)
        y[n] = _to_unit(300.0 / temperature[n], y0, y1)
        z[n] = _to_unit(density[n], z0, z1)


@njit(**_OPTIONS)
def _find_log_content(content: Any, box: Any, w: Any) -> None:
    prefer_wide_vectors()
    low, high = box[0], box[1]
    for n in range(w.size):
        w[n] = _to_unit(log(content[n] if content[n] > 1e-300 else 1e-300), low, high)


@njit(**_OPTIONS)
def _join_gases(
    height: Any, temperature: Any, content: Any, oxygen: Any, vapour: Any, altitude_factor: Any, altitude_power: Any, out: Any
) -> None:
    prefer_wide_vectors()
    for n in range(out.size):
        # A height of 0 would have no logarithm; 1e-300 to any power of the law is 0.
        tall = height[n] if height[n] < 4.0 else 4.0
        raised = exp(altitude_power * log(tall if tall > 1e-300 else 1e-300))
        wet = content[n] * exp(vapour[n]) * (1.0 + altitude_factor * raised)
        out[n] = oxygen[n] * (0.7832 + 0.00709 * (temperature[n] - 273.15)) + wet


@njit(inline="always", **_OPTIONS)
def _to_unit(value: Any, low: Any, high: Any) -> Any:
    unit = (2.0 * value - low - high) / (high - low)
    unit = unit if unit > -1.0 else -1.0
    return unit if unit < 1.0 else 1.0


# --- pairs -------------------------------------------------------------------------------------------------------------------------


@njit(inline="always", **_OPTIONS)
def _scintillation_shape(sine: Any, turbulence: Any) -> Any:
    """Antenna averaging over sin^1.2 of the elevation (P.618-13, steps 4 to 7); ``turbulence`` is 1.22 D_eff² f / (2 h_L)."""
    x = turbulence * (math.sqrt(sine * sine + 2.35e-4) + sine)
    # sin(11/6 atan(1/x)) of step 6 as the cosine of the angle's distance from π/2.
    turned = cosine_to_half_turn(11.0 / 6.0 * (0.5 * math.pi - arctangent(x)) - 0.5 * math.pi)
    square = 3.86 * exp(11.0 / 12.0 * log(x * x + 1.0)) * turned - 7.08 * exp(5.0 / 6.0 * log(x))
    square = square if square > 0.0 else 0.0
    square = square if x < 7.0 else 0.0
    return math.sqrt(square) * exp(-1.2 * log(sine))


@njit(inline="always", **_OPTIONS)
def _specific_rain(cosine: Any, log_rate: Any, k: Any, k_tilt: Any, k_alpha: Any, k_alpha_tilt: Any) -> Any:
    """Rain's specific attenuation of P.838-3, dB/km; the last four are (kH + kV)/2, (kH - kV)/2 cos 2τ, and the same of k α."""
    square = cosine * cosine
    both = k + k_tilt * square
    specific = both * exp((k_alpha + k_alpha_tilt * square) / both * log_rate)
    return specific if log_rate > -100.0 else 0.0


@njit(inline="always", **_OPTIONS)
def _rain(
    sine: Any, cosine: Any, elevation: Any, lat: Any, depth: Any, specific: Any, frequency: Any, percent: Any, curve: Any, time: Any
) -> Any:
    """Rain of P.618-13, 2.2.1.1, steps 2 to 10, from 5° up; ``curve`` is 0.655 + 0.033 ln p and ``time`` ln(p / 0.01)."""
    wet = (depth > 0.0) & (specific > 0.0)
    depth = depth if wet else 1.0
    specific = specific if wet else 1.0
    path = depth / sine
    ground = path * cosine
    horizontal = 1.0 / (1.0 + 0.78 * math.sqrt(ground * specific / frequency) - 0.38 * (1.0 - exp(-2.0 * ground)))
    # Step 7 asks whether atan(depth / (ground · horizontal)) is above the elevation: that is whether `horizontal` is below 1.
    length = path * (horizontal if horizontal < 1.0 else 1.0)
    absolute = lat if lat > 0.0 else -lat
    tropical = 36.0 - absolute if absolute < 36.0 else 0.0
    near = 31.0 * (1.0 - exp(-elevation / (1.0 + tropical)))
    vertical = 1.0 / (1.0 + math.sqrt(sine) * (near * math.sqrt(length * specific) / (frequency * frequency) - 0.45))
    # Step 10: β is 0 from 1 % and from 36° on, and (1 - p) belongs to it.
    low = 1.8 - 4.25 * sine if elevation < 25.0 else 0.0
    beta = 0.005 * tropical + (low if tropical > 0.0 else 0.0)
    beta = beta * (1.0 - percent) if percent < 1.0 else 0.0
    log_001 = log(specific * length * vertical)
    attenuation = exp(log_001 - time * (curve - 0.045 * log_001 - beta * sine))
    return attenuation if wet else 0.0


@njit(**_OPTIONS)
def _find_sines(elevation: Any, sine: Any, cosine: Any) -> None:
    prefer_wide_vectors()
    for n in range(sine.size):
        sine[n], cosine[n] = sine_cosine(elevation[n] * _DEGREE)


@njit(**_OPTIONS)
def _find_shapes(sine: Any, turbulence: Any, out: Any) -> None:
    prefer_wide_vectors()
    for n in range(out.size):
        out[n] = _scintillation_shape(sine[n], turbulence)


@njit(**_OPTIONS)
def _rain_in_rows(
    sine: Any, cosine: Any, elevation: Any, lat: Any, depth: Any, log_rate: Any, rain: Any, frequency: Any, percent: Any, out: Any
) -> None:
    prefer_wide_vectors()
    curve, time = 0.655 + 0.033 * math.log(percent), math.log(percent / 0.01)
    k, k_tilt, k_alpha, k_alpha_tilt = rain
    for n in range(out.size):
        specific = _specific_rain(cosine[n], log_rate[n], k, k_tilt, k_alpha, k_alpha_tilt)
        out[n] = _rain(sine[n], cosine[n], elevation[n], lat[n], depth[n], specific, frequency, percent, curve, time)


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
    sines, cosines, shapes = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    lats, depths, rates = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    for first in range(start, stop, _BLOCK):
        size = min(_BLOCK, stop - first)
        rows = slice(first, first + size)
        sine, cosine, shape, at_lat, depth, rate = sines[:size], cosines[:size], shapes[:size], lats[:size], depths[:size], rates[:size]
        gas, fade = gas_out[rows], scintillation_out[rows]
        cloud, wet, total = cloud_out[rows], rain_out[rows], total_out[rows]
        for n in range(size):
            s = site[first + n]
            at_lat[n], depth[n], rate[n] = lat[s], rain_depth[s], log_rate[s]
            gas[n], cloud[n], fade[n] = zenith_gas[s], zenith_cloud[s], scintillation[s]
        _find_sines(elevation[rows], sine, cosine)
        _find_shapes(sine, turbulence, shape)
        _rain_in_rows(sine, cosine, elevation[rows], at_lat, depth, rate, rain, frequency, percent, wet)
        _join_components(sine, shape, gas, cloud, wet, fade, total)


@njit(**_OPTIONS)
def _join_components(sine: Any, shape: Any, gas: Any, cloud: Any, rain: Any, fade: Any, total: Any) -> None:
    """Bring gas, cloud and fade of the sites to the elevations, and combine all (P.618-13, section 2.5)."""
    prefer_wide_vectors()
    for n in range(total.size):
        slant = 1.0 / sine[n]
        gas[n] *= slant
        cloud[n] *= slant
        fade[n] *= shape[n]
        wet = rain[n] + cloud[n]
        total[n] = gas[n] + math.sqrt(wet * wet + fade[n] * fade[n])


@njit(**_OPTIONS)
def rain_of_pairs(
    elevation: Any, lat: Any, rain_depth: Any, log_rate: Any, rain: Any, frequency: Any, percent: Any, out: Any, start: Any, stop: Any
) -> None:
    """Rain alone of P.618-13, dB, of rows that hold a pair each."""
    sines, cosines = np.empty(_BLOCK), np.empty(_BLOCK)
    for first in range(start, stop, _BLOCK):
        rows = slice(first, min(first + _BLOCK, stop))
        size = min(_BLOCK, stop - first)
        sine, cosine = sines[:size], cosines[:size]
        _find_sines(elevation[rows], sine, cosine)
        _rain_in_rows(sine, cosine, elevation[rows], lat[rows], rain_depth[rows], log_rate[rows], rain, frequency, percent, out[rows])


@njit(**_OPTIONS)
def scintillation_of_pairs(elevation: Any, turbulence: Any, out: Any) -> None:
    """Fill ``out`` with the averaging factor over sin^1.2 of each elevation."""
    sine, cosine = np.empty(out.size), np.empty(out.size)
    _find_sines(elevation, sine, cosine)
    _find_shapes(sine, turbulence, out)


# --- tables ------------------------------------------------------------------------------------------------------------------------

# ``sine`` (at least 2 nodes - 1,) holds a table's columns and, between each two, the elevation halfway, then ones to fill a vector;
# ``cosine``, ``elevation`` and ``shape`` (`_scintillation_shape`) are as long. ``out`` (sites, nodes) takes the attenuation times the
# sine, in the layout that `overflight.radio.table` describes.


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
def _statistics_of_site(
    sine: Any, cosine: Any, elevation: Any, shape: Any, lat: Any, depth: Any, log_rate: Any, cloud: Any, fade: Any, rain: Any,
    frequency: Any, percent: Any, out: Any,
) -> None:  # fmt: skip
    """Total of P.618-13 but gases, times the sine."""
    prefer_wide_vectors()
    curve, time = 0.655 + 0.033 * math.log(percent), math.log(percent / 0.01)
    k, k_tilt, k_alpha, k_alpha_tilt = rain
    for m in range(out.size):
        specific = _specific_rain(cosine[m], log_rate, k, k_tilt, k_alpha, k_alpha_tilt)
        wet = _rain(sine[m], cosine[m], elevation[m], lat, depth, specific, frequency, percent, curve, time) * sine[m] + cloud
        faded = fade * shape[m] * sine[m]
        out[m] = math.sqrt(wet * wet + faded * faded)


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
    cosine: Any,
    elevation: Any,
    shape: Any,
    out: Any,
    start: Any,
    stop: Any,
) -> None:
    """Tabulate the total of P.618-13."""
    fine = np.empty(sine.size)
    for s in range(start, stop):
        _statistics_of_site(
            sine,
            cosine,
            elevation,
            shape,
            lat[s],
            rain_depth[s],
            log_rate[s],
            zenith_cloud[s],
            scintillation[s],
            rain,
            frequency,
            percent,
            fine,
        )
        for m in range(fine.size):
            fine[m] += zenith_gas[s]
        _write_columns(fine, out, s)


@njit(**_OPTIONS)
def _rain_state_of_site(sine: Any, cosine: Any, depth: Any, log_rate: Any, zenith: Any, rain: Any, width: Any, out: Any) -> None:
    """Attenuation of a state of the sky times the sine."""
    prefer_wide_vectors()
    k, k_tilt, k_alpha, k_alpha_tilt = rain
    depth = depth if depth > 0.0 else 0.0
    for m in range(out.size):
        across = width * sine[m]
        length = depth if depth * cosine[m] <= across else across / cosine[m]
        out[m] = zenith + length * _specific_rain(cosine[m], log_rate, k, k_tilt, k_alpha, k_alpha_tilt)


@njit(**_OPTIONS)
def tabulate_state(
    zenith: Any, rain_depth: Any, log_rate: Any, rain: Any, width: Any, sine: Any, cosine: Any, out: Any, start: Any, stop: Any
) -> None:
    """Tabulate gases and clouds (``zenith``, dB) and rain of one rate along the path below its top and in its width."""
    fine = np.empty(sine.size)
    for s in range(start, stop):
        _rain_state_of_site(sine, cosine, rain_depth[s], log_rate[s], zenith[s], rain, width, fine)
        _write_columns(fine, out, s)
