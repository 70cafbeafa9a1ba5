"""Compiled loops of the link budgets and of the interference among lit beams, over plain arrays.

Functions of one variable that every pair needs (scan losses, dB to ratio, ratio to efficiency) are read from tables: a call to the
mathematical library costs more than the rest of a pair together. Between the nodes a straight line is within 0.0005 dB.
"""

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from overflight.radio._steps import ANGLE_BITS, FIRST_ANGLE_OCTAVE, FIRST_OCTAVE, MANTISSA_BITS

EARTH_RADIUS_KM = 6_371.0088

NODES_A_DEGREE = 8.0
"""Nodes of tables by elevation: 90 × 8 + 1, and one more so that 90° has a right neighbour."""
NODES_A_DB = 8.0
"""Nodes of the table of 10^(−A/10), to `MOST_DB`."""
MOST_DB = 100.0
COSINE_NODES = 512.0
"""Nodes of the table by the cosine of the angle to the nadir, over 0 to 1, and one more."""

_SHIFT = 52 - MANTISSA_BITS
_FIRST_STEP = (1023 + FIRST_OCTAVE) << MANTISSA_BITS
_ANGLE_SHIFT = 52 - ANGLE_BITS
_FIRST_ANGLE_STEP = (1023 + FIRST_ANGLE_OCTAVE) << ANGLE_BITS

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}


@intrinsic
def _bits_of(_context: Any, value: Any) -> Any:
    """Read a float64 as an integer: its exponent and mantissa number the step of a table whose steps grow as the ratio does."""
    if value != types.float64:
        return None

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


@njit(**_OPTIONS)
def look_up_efficiency(table, ratio):
    """Spectral efficiency at a C/(N+I) given as a ratio; 0 below the table's range and for NaN, its last value beyond."""
    step = (_bits_of(ratio) >> _SHIFT) - _FIRST_STEP
    if step < 0 or not ratio > 0.0:
        return 0.0
    # Unsigned indices spare the test for negative ones, here and below.
    return table[np.uint64(min(step, table.size - 1))]


@njit(**_OPTIONS)
def interpolate(table, place):
    """Value between two nodes of a table, at a place from 0 to its size less 2."""
    node = np.uint64(place)
    left = table[node]
    return left + (place - np.float64(node)) * (table[node + np.uint64(1)] - left)


@njit(**_OPTIONS)
def channel_rates(
    range_km, elevation_deg, attenuation_db, has_sky, version, satellite, has_satellite, i_over_c, has_noise,
    is_up, constants, control, sines, ground_scan, space_scan, losses, efficiency, mbps_per_efficiency, rate_mbps,
):  # fmt: skip
    """Rate of one channel of each pair.

    ``version`` is by pair, or by satellite where there is ``satellite`` (pairs,); ``i_over_c`` by pair where there is one, else its
    first stands for all; ``attenuation_db`` likewise, the first being that of a clear sky at the zenith.
    ``constants`` (versions, 4): level that power control holds (W/m²/MHz), greatest EIRP over 4π 10⁶ (so that it may be divided by km²),
    C/N per level at beam centre and broadside, and the same for the sky's noise temperature over the receiver's (0 in uplinks).
    """
    for pair in range(range_km.size):
        row = np.uint64(version[satellite[pair]]) if has_satellite else np.uint64(version[pair])
        distance = range_km[pair]
        place = max(0.0, min(90.0, elevation_deg[pair])) * NODES_A_DEGREE
        sine = interpolate(sines, place)
        # Triangle of the Earth's centre, the place and the satellite: radius² and the cosine of the angle to the nadir.
        radius = math.sqrt(EARTH_RADIUS_KM * EARTH_RADIUS_KM + distance * distance + 2.0 * EARTH_RADIUS_KM * distance * sine)
        cosine = min(1.0, max(0.0, (distance + EARTH_RADIUS_KM * sine) / radius))
        loss_db = attenuation_db[pair] if has_sky else attenuation_db[0] / max(sine, 0.05)
        kept = interpolate(losses, max(0.0, min(MOST_DB, loss_db)) * NODES_A_DB)
        space = interpolate(space_scan, cosine * COSINE_NODES)
        ground = interpolate(ground_scan, place)
        strongest = constants[row, 1] / (distance * distance)
        if is_up:
            level = min(constants[row, 0], strongest * ground * min(1.0, kept * control))
            c_over_n = level * constants[row, 2] * space
        else:
            level = min(constants[row, 0], strongest * space)
            c_over_n = level * constants[row, 2] * ground * kept / (1.0 + constants[row, 3] * (1.0 - kept))
        noise = i_over_c[pair] if has_noise else i_over_c[0]
        rate_mbps[pair] = mbps_per_efficiency * look_up_efficiency(efficiency, c_over_n / (1.0 + c_over_n * noise))
        # A pair without a range, a satellite above the horizon, a sky or a neighbour's interference has no rate, and says nothing else.
        if not (distance > 0.0 and elevation_deg[pair] >= 0.0) or np.isnan(loss_db) or np.isnan(noise):
            rate_mbps[pair] = 0.0


@njit(**_OPTIONS)
def gain_off_axis(pattern, cosine):
    """Relative gain at an angle given by its cosine, of a pattern tabulated by 2 − 2 cos θ (see `overflight.radio._steps`)."""
    step = (_bits_of(max(2.0 - 2.0 * cosine, 0.0)) >> _ANGLE_SHIFT) - _FIRST_ANGLE_STEP
    return pattern[np.uint64(max(0, min(step, pattern.size - 1)))]


@njit(**_OPTIONS)
def point_beams(order, cell, satellite, cells_km, positions_km, beams):
    """Write each beam's cell, satellite, unit vector from the one to the other and distance into a row of ``beams`` (beams, 11).

    Rows in the order in which kernels walk through them: what lies side by side on the ground then lies side by side in memory.
    """
    for row in range(order.size):
        place, sender = cell[order[row]], satellite[order[row]]
        square = 0.0
        for axis in range(3):
            beams[row, axis] = cells_km[place, axis]
            beams[row, 3 + axis] = positions_km[axis, sender]
            beams[row, 6 + axis] = cells_km[place, axis] - positions_km[axis, sender]
            square += beams[row, 6 + axis] ** 2
        beams[row, 9] = math.sqrt(square)
        beams[row, 10] = sender
        for axis in range(3):
            beams[row, 6 + axis] /= beams[row, 9]


@njit(**_OPTIONS)
def add_same_satellite(order, bounds, first, last, beams, space_pattern, is_up, i_over_c):
    """Write what the other beams of a satellite on a channel put into each: groups first to last of rows, delimited by ``bounds``."""
    for group in range(first, last):
        for mine in range(bounds[group], bounds[group + 1]):
            total = 0.0
            for other in range(bounds[group], bounds[group + 1]):
                if other == mine:
                    continue
                cosine = beams[mine, 6] * beams[other, 6] + beams[mine, 7] * beams[other, 7] + beams[mine, 8] * beams[other, 8]
                gain = gain_off_axis(space_pattern, cosine)
                # Power control: each beam is as strong as its own distance asks; terminals all arrive alike.
                farther = beams[other, 9] / beams[mine, 9]
                total += gain if is_up else gain * farther * farther
            i_over_c[order[mine]] = total


@njit(**_OPTIONS)
def number_boxes(cell, channel, cells_km, edge_km, keys):
    """Number the box of each beam: its channel, then its cell's place in a grid of cubes, those along z side by side.

    No box is at the edge of the grid, so that the numbers of a box's neighbours are those of boxes beside it.
    """
    half = int(7000.0 / edge_km) + 2
    for beam in range(cell.size):
        number = np.int64(channel[beam])
        for axis in range(3):
            number = number * (2 * half) + math.floor(cells_km[cell[beam], axis] / edge_km) + half
        keys[beam] = number
    return 2 * half


@njit(**_OPTIONS)
def find_first(numbers, wanted):
    """Row of the first of ascending numbers that is at least the wanted one."""
    first, last = 0, numbers.size
    while first < last:
        middle = (first + last) >> 1
        if numbers[middle] < wanted:
            first = middle + 1
        else:
            last = middle
    return first


@njit(**_OPTIONS)
def add_other_satellites(
    order, boxes, bounds, side, reach, first, last, beams, ring_km, space_pattern, ground_pattern, is_up, i_over_c
):  # fmt: skip
    """Write what beams of other satellites on the channel, lighting cells within the ring, put into each beam of boxes first to last."""
    width = 2 * reach + 1
    # As boxes ascend, so do those of a neighbouring column: each column's pointer only moves on.
    pointers = np.empty(width * width, np.int64)
    for box in range(first, last):
        for mine in range(bounds[box], bounds[box + 1]):
            i_over_c[order[mine]] = 0.0
        for column in range(width * width):
            middle = boxes[box] + (np.int64(column // width - reach) * side + column % width - reach) * side
            near = find_first(boxes, middle - reach) if box == first else pointers[column]
            while near < boxes.size and boxes[near] < middle - reach:
                near += 1
            pointers[column] = near
            end = near
            while end < boxes.size and boxes[end] <= middle + reach:
                end += 1
            if end > near:
                # Boxes along z lie side by side, and so do their beams.
                for mine in range(bounds[box], bounds[box + 1]):
                    i_over_c[order[mine]] += _from_rows(
                        mine, bounds[near], bounds[end], beams, ring_km * ring_km, space_pattern, ground_pattern, is_up
                    )


@njit(**_OPTIONS)
def _from_rows(mine, first, last, beams, limit, space_pattern, ground_pattern, is_up):
    """Sum of I/C at one beam from the beams of consecutive rows."""
    total = 0.0
    cx, cy, cz, own = beams[mine, 0], beams[mine, 1], beams[mine, 2], beams[mine, 10]
    for other in range(first, last):
        x, y, z = cx - beams[other, 0], cy - beams[other, 1], cz - beams[other, 2]
        if x * x + y * y + z * z > limit or beams[other, 10] == own:
            continue
        # The path on which interference comes: from the other's satellite here, or from the other's terminal to our satellite.
        sender, place = (mine, other) if is_up else (other, mine)
        x, y, z = beams[place, 0] - beams[sender, 3], beams[place, 1] - beams[sender, 4], beams[place, 2] - beams[sender, 5]
        inverse = 1.0 / math.sqrt(x * x + y * y + z * z)
        space = (x * beams[sender, 6] + y * beams[sender, 7] + z * beams[sender, 8]) * inverse
        ground = (x * beams[place, 6] + y * beams[place, 7] + z * beams[place, 8]) * inverse
        spread = beams[other, 9] * inverse
        total += spread * spread * gain_off_axis(space_pattern, space) * gain_off_axis(ground_pattern, ground)
    return total
