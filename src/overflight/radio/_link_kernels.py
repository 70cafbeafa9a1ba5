"""Compiled loops of the link budgets and of the interference among lit beams, over plain arrays.

Functions of one variable that every pair needs (scan losses, dB to ratio, ratio to efficiency) are read from tables: a call to the
mathematical library costs more than the rest of a pair together. Between the nodes a straight line is within 0.0005 dB.
"""

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from overflight.radio._steps import FIRST_OCTAVE, MANTISSA_BITS

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
    range_km, elevation_deg, attenuation_db, version, satellite, i_over_c,
    is_up, constants, control, sines, ground_scan, space_scan, losses, efficiency, mbps_per_efficiency, rate_mbps,
):  # fmt: skip
    """Rate of one channel of each pair.

    ``version`` is by pair, or by satellite where ``satellite`` (pairs,) is given (else it is empty); ``i_over_c`` by pair, or of size 1
    for all; ``attenuation_db`` likewise by pair, or of size 1: a clear sky's at the zenith, for all elevations.
    ``constants`` (versions, 4): level that power control holds (W/m²/MHz), greatest EIRP over 4π 10⁶ (so that it may be divided by km²),
    C/N per level at beam centre and broadside, and the same for the sky's noise temperature over the receiver's (0 in uplinks).
    """
    by_pair_noise, by_pair_sky = i_over_c.size > 1, attenuation_db.size > 1
    for pair in range(range_km.size):
        row = np.uint64(version[satellite[pair]]) if satellite.size else np.uint64(version[pair])
        distance = range_km[pair]
        place = max(0.0, min(90.0, elevation_deg[pair])) * NODES_A_DEGREE
        sine = interpolate(sines, place)
        # Triangle of the Earth's centre, the place and the satellite: radius² and the cosine of the angle to the nadir.
        radius = math.sqrt(EARTH_RADIUS_KM * EARTH_RADIUS_KM + distance * distance + 2.0 * EARTH_RADIUS_KM * distance * sine)
        cosine = min(1.0, max(0.0, (distance + EARTH_RADIUS_KM * sine) / radius))
        loss_db = attenuation_db[pair] if by_pair_sky else attenuation_db[0] / max(sine, 0.05)
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
        noise = i_over_c[pair] if by_pair_noise else i_over_c[0]
        rate_mbps[pair] = mbps_per_efficiency * look_up_efficiency(efficiency, c_over_n / (1.0 + c_over_n * noise))
        # A pair without a range, an elevation, a sky or a neighbour's interference has no rate, and says nothing else.
        if not (loss_db == loss_db and noise == noise and elevation_deg[pair] == elevation_deg[pair]):
            rate_mbps[pair] = 0.0


CHORD_NODES = 4_096
"""Nodes of antenna patterns, by the chord 2 sin(θ/2) of the angle off the axis over 0 to 2, and one more."""


@njit(**_OPTIONS)
def gain_off_axis(pattern, cosine):
    """Relative gain of a tabulated pattern at an angle given by its cosine."""
    chord = math.sqrt(max(0.0, 2.0 - 2.0 * cosine))
    return interpolate(pattern, min(chord, 2.0) * (CHORD_NODES / 2.0))


@njit(**_OPTIONS)
def point_beams(cell, satellite, cells_km, positions_km, ahead, distance_km):
    """Unit vector from each beam's satellite to its cell, (beams, 3), and the distance."""
    for beam in range(cell.size):
        x = cells_km[cell[beam], 0] - positions_km[0, satellite[beam]]
        y = cells_km[cell[beam], 1] - positions_km[1, satellite[beam]]
        z = cells_km[cell[beam], 2] - positions_km[2, satellite[beam]]
        away = math.sqrt(x * x + y * y + z * z)
        distance_km[beam] = away
        ahead[beam, 0], ahead[beam, 1], ahead[beam, 2] = x / away, y / away, z / away


@njit(**_OPTIONS)
def add_same_satellite(order, bounds, first, last, ahead, distance_km, space_pattern, is_up, i_over_c):
    """Add what the other beams of a satellite on a channel put into each: groups first to last of `order`, delimited by `bounds`."""
    for group in range(first, last):
        for place in range(bounds[group], bounds[group + 1]):
            mine = order[place]
            total = 0.0
            for other_place in range(bounds[group], bounds[group + 1]):
                other = order[other_place]
                if other == mine:
                    continue
                cosine = ahead[mine, 0] * ahead[other, 0] + ahead[mine, 1] * ahead[other, 1] + ahead[mine, 2] * ahead[other, 2]
                gain = gain_off_axis(space_pattern, cosine)
                # Power control: each beam is as strong as its own distance asks; terminals all arrive alike.
                farther = distance_km[other] / distance_km[mine]
                total += gain if is_up else gain * farther * farther
            i_over_c[mine] += total


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
def find_first(numbers, wanted, first):
    """Row of the first of ascending numbers that is at least the wanted one, from a row on that is not past it."""
    last = numbers.size
    while first < last:
        middle = (first + last) >> 1
        if numbers[middle] < wanted:
            first = middle + 1
        else:
            last = middle
    return first


@njit(**_OPTIONS)
def add_other_satellites(
    order, boxes, bounds, side, reach, first, last, cell, satellite, cells_km, positions_km, ahead, distance_km, ring_km, space_pattern,
    ground_pattern, is_up, i_over_c,
):  # fmt: skip
    """Add what beams of other satellites on the channel, lighting cells within the ring, put into each beam of boxes first to last."""
    limit = ring_km * ring_km
    width = 2 * reach + 1
    # As boxes ascend, so do those of a neighbouring column: each column's pointer only moves on.
    pointers = np.empty(width * width, np.int64)
    for box in range(first, last):
        for side_by_side in range(width * width):
            column = boxes[box] + (np.int64(side_by_side // width - reach) * side + side_by_side % width - reach) * side
            near = find_first(boxes, column - reach, 0) if box == first else pointers[side_by_side]
            while near < boxes.size and boxes[near] < column - reach:
                near += 1
            pointers[side_by_side] = near
            while near < boxes.size and boxes[near] <= column + reach:
                for place in range(bounds[box], bounds[box + 1]):
                    mine = order[place]
                    i_over_c[mine] += _from_box(
                        mine, order, bounds[near], bounds[near + 1], cell, satellite, cells_km, positions_km, ahead, distance_km, limit,
                        space_pattern, ground_pattern, is_up,
                    )  # fmt: skip
                near += 1


@njit(**_OPTIONS)
def _from_box(
    mine, order, first, last, cell, satellite, cells_km, positions_km, ahead, distance_km, limit, space_pattern, ground_pattern, is_up,
):  # fmt: skip
    """Sum of I/C at one beam from the beams of one box."""
    total = 0.0
    here, own = cell[mine], satellite[mine]
    for place in range(first, last):
        other = order[place]
        there = cell[other]
        x, y, z = cells_km[here, 0] - cells_km[there, 0], cells_km[here, 1] - cells_km[there, 1], cells_km[here, 2] - cells_km[there, 2]
        if x * x + y * y + z * z > limit or satellite[other] == own:
            continue
        # The path on which interference comes: from the other's satellite here, or from the other's terminal to our satellite.
        sender, place_km = (own, there) if is_up else (satellite[other], here)
        x = cells_km[place_km, 0] - positions_km[0, sender]
        y = cells_km[place_km, 1] - positions_km[1, sender]
        z = cells_km[place_km, 2] - positions_km[2, sender]
        inverse = 1.0 / math.sqrt(x * x + y * y + z * z)
        x, y, z = x * inverse, y * inverse, z * inverse
        space_beam, ground_beam = (mine, other) if is_up else (other, mine)
        space = x * ahead[space_beam, 0] + y * ahead[space_beam, 1] + z * ahead[space_beam, 2]
        ground = x * ahead[ground_beam, 0] + y * ahead[ground_beam, 1] + z * ahead[ground_beam, 2]
        spread = distance_km[other] * inverse
        total += spread * spread * gain_off_axis(space_pattern, space) * gain_off_axis(ground_pattern, ground)
    return total
