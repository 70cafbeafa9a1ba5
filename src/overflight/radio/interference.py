"""Interference among the beams that are lit in one slot: on one channel, by one satellite and by its neighbours.

The nominal model of `overflight.radio.link` takes carrier-to-interference ratios as parameters. Here they are computed from which
satellite lights which cell on which channel. Beams that hold a constant level on the ground (downlink) or at the satellite (uplink)
interfere with

- other beams of the same satellite: I/C = (d_j/d_i)² g(θ) down, g(θ) up, θ the angle at the satellite between the two cells;
- beams of other satellites that light cells within a ring: I/C = (d_j/d_ji)² g(θ) t(φ), d_j the length of the other's own link, d_ji
  that of the path of interference, θ off the axis of the satellite's beam and φ off that of the terminal.

g and t are gains relative to the peak: ITU-R S.1528 (recommends 1.2) and S.1428 by default. Not modelled: beams widened by scanning,
polarisation (channels of a plan that differ in it only are apart), other constellations, frequency offsets.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.catalog.parameters import parameter_values
from overflight.errors import InputError
from overflight.radio import _link_kernels
from overflight.radio._steps import ANGLE_BITS, ANGLE_OCTAVES, FIRST_ANGLE_OCTAVE, step_edges
from overflight.radio.antennas import (
    aperture_gain_dbi,
    half_beamwidth_deg,
    satellite_gain_s1528_dbi,
    terminal_gain_s465_dbi,
    terminal_gain_s1428_dbi,
    wavelength_m,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]

BEAM_WIDTH_GHZ = 11.7
"""Frequency at which the parameter ``satellite_ku_diameter_m`` gives the width of beams."""

BOXES_A_RING = 2
"""Edges of the grid's boxes to one ring: the fewer places beyond the ring that have to be looked at, the more boxes there are."""


class Interference(NamedTuple):
    """Interference over carrier of each beam, as ratios, shape (beams,): from the same satellite, and from others."""

    same_satellite: Floats
    other_satellites: Floats

    @property
    def total(self) -> Floats:
        """Both together: what `overflight.radio.link.channel_rates_mbps` takes as ``i_over_c``, once other systems are added."""
        return self.same_satellite + self.other_satellites


@dataclass(frozen=True, slots=True, eq=False)
class InterferenceModel:
    """Patterns and limits.

    Attributes
    ----------
    ring_km
        Beams of other satellites count where they light cells within this distance.
    space_pattern, ground_pattern
        Gain relative to the peak by the angle off the axis, as `tabulate_pattern` makes it.
    other_systems
        I/C that comes from elsewhere, as a ratio.
    """

    ring_km: float
    space_pattern: Floats
    ground_pattern: Floats
    other_systems: float


def make_interference_model(frequency_ghz: float, *, parameters: Mapping[str, float] | None = None) -> InterferenceModel:
    """Put the model together from the catalogue's parameters.

    Parameters
    ----------
    frequency_ghz
        Of the channels.
    parameters
        Parameters that differ from those of the table ``capacity_parameters``: ``satellite_ku_diameter_m``, ``satellite_side_lobe_db``
        (the nearest that ITU-R S.1528 has is taken), ``terminal_diameter_m``, ``interference_ring_km``, ``other_systems_ci_db``.

    Raises
    ------
    ScenarioError
        If a parameter is not known.
    InputError
        If one cannot be used.
    """
    values = parameter_values(parameters)
    lobe_db = min((-15.0, -20.0, -25.0, -30.0), key=lambda level: abs(level - values["satellite_side_lobe_db"]))
    width = half_beamwidth_deg(values["satellite_ku_diameter_m"], frequency_ghz=BEAM_WIDTH_GHZ)
    peak = aperture_gain_dbi(values["satellite_ku_diameter_m"], frequency_ghz=BEAM_WIDTH_GHZ)
    diameter = values["terminal_diameter_m"]
    ground = terminal_gain_s1428_dbi if diameter / wavelength_m(frequency_ghz) >= 18.0 else terminal_gain_s465_dbi
    return InterferenceModel(
        ring_km=values["interference_ring_km"],
        space_pattern=tabulate_pattern(
            lambda angle: satellite_gain_s1528_dbi(angle, peak_gain_dbi=peak, half_beamwidth_deg=width, side_lobe_db=lobe_db)
        ),
        ground_pattern=tabulate_pattern(lambda angle: ground(angle, diameter_m=diameter, frequency_ghz=frequency_ghz)),
        other_systems=10.0 ** (-values["other_systems_ci_db"] / 10.0),
    )


def tabulate_pattern(gain_dbi: Callable[[Floats], Floats]) -> Floats:
    """Tabulate a pattern of one's own, relative to its peak on the axis, for an `InterferenceModel`.

    Parameters
    ----------
    gain_dbi
        Gain by the angle off the axis in degrees, from 0 to 180.
    """
    edges = step_edges(FIRST_ANGLE_OCTAVE, ANGLE_OCTAVES, ANGLE_BITS)
    middles = np.minimum(edges * (1.0 + 0.5 / (1 << ANGLE_BITS)), 4.0)
    gain = gain_dbi(np.degrees(2.0 * np.arcsin(np.sqrt(middles) / 2.0)))
    return np.ascontiguousarray(10.0 ** ((gain - gain_dbi(np.zeros(1))[0]) / 10.0))


def find_interference(
    model: InterferenceModel,
    *,
    cell: npt.ArrayLike,
    satellite: npt.ArrayLike,
    channel: npt.ArrayLike,
    cells_km: Floats,
    positions_km: Floats,
    is_up: bool = False,
    threads: int = 1,
) -> Interference:
    """Interference over carrier of every lit beam of one slot, at the centre of its cell.

    Parameters
    ----------
    model
        Patterns and limits.
    cell, satellite, channel
        Which cell each beam lights, from which satellite, on which channel: rows, shape (beams,). Beams of one satellite on one channel
        that light the same cell in turn are one beam each: give only those of one instant.
    cells_km
        Centres of the cells in ITRF, shape (cells, 3).
    positions_km
        Satellites in ITRF, shape (3, satellites).
    is_up
        Whether the terminals send.
    threads
        How many threads share the work. The result does not depend on it, nor, to the last bits of sums, on the order of the beams.

    Raises
    ------
    InputError
        If the shapes do not fit, a row is out of range, or a lit satellite has no position.
    """
    beams = _check_beams(cell, satellite, channel, cells_km, positions_km)
    same, other = np.empty(beams.cell.size), np.empty(beams.cell.size)
    order, bounds, _ = _group(beams.channel.astype(np.int64) * beams.positions_km.shape[1] + beams.satellite)
    rows = _rows(beams, order)
    _share(
        len(bounds) - 1,
        threads,
        lambda first, last: _link_kernels.add_same_satellite(order, bounds, first, last, rows, model.space_pattern, is_up, same),
    )
    keys = np.empty(beams.cell.size, np.int64)
    side = _link_kernels.number_boxes(beams.cell, beams.channel, beams.cells_km, model.ring_km / BOXES_A_RING, keys)
    nearby, edges, boxes = _group(keys)
    packed = _rows(beams, nearby)
    _share(
        len(boxes),
        threads,
        lambda first, last: _link_kernels.add_other_satellites(
            nearby, boxes, edges, side, BOXES_A_RING, first, last, packed, model.ring_km, model.space_pattern, model.ground_pattern,
            is_up, other,
        ),
    )  # fmt: skip
    return Interference(same, other)


class _Beams(NamedTuple):
    cell: Integers
    satellite: Integers
    channel: Integers
    cells_km: Floats
    positions_km: Floats


def _check_beams(cell: npt.ArrayLike, satellite: npt.ArrayLike, channel: npt.ArrayLike, cells_km: Floats, positions_km: Floats) -> _Beams:
    rows = [np.ascontiguousarray(value, dtype=np.int32) for value in (cell, satellite, channel)]
    places, positions = np.ascontiguousarray(cells_km, dtype=np.float64), np.ascontiguousarray(positions_km, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 3 or positions.ndim != 2 or positions.shape[0] != 3:
        msg = f"lit beams: cells_km {places.shape}, positions_km {positions.shape}; give (cells, 3) and (3, satellites)"
        raise InputError(msg)
    if rows[0].ndim != 1 or not rows[0].shape == rows[1].shape == rows[2].shape:
        msg = f"lit beams: cell {rows[0].shape}, satellite {rows[1].shape}, channel {rows[2].shape}; give one of each per beam"
        raise InputError(msg)
    for name, index, count in zip(("cell", "satellite", "channel"), rows, (len(places), positions.shape[1], 256), strict=True):
        if index.size and not (index.min() >= 0 and index.max() < count):
            msg = f"lit beams: a {name} outside 0..{count - 1}"
            raise InputError(msg)
    return _Beams(rows[0], rows[1], rows[2], places, positions)


def _rows(beams: _Beams, order: Integers) -> Floats:
    """Pack the beams in an order, one row each.

    Raises
    ------
    InputError
        If a lit satellite has no position.
    """
    rows = np.empty((order.size, 11))
    _link_kernels.point_beams(order, beams.cell, beams.satellite, beams.cells_km, beams.positions_km, rows)
    lost = ~np.isfinite(rows[:, 9])
    if lost.any():
        msg = f"lit beams: satellite {int(rows[np.argmax(lost), 10])} has no position in this slot, or its cell has none"
        raise InputError(msg)
    return rows


def _group(keys: npt.NDArray[np.int64]) -> tuple[Integers, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows in the order of their keys, where each group of equal keys begins (one more at the end), and the groups' keys."""
    order = np.argsort(keys, kind="stable").astype(np.int32)
    ordered = keys[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1)) if keys.size else np.empty(0, np.int64)
    return order, np.append(starts, keys.size).astype(np.int64), ordered[starts]


def _share(count: int, threads: int, work: Callable[[int, int], None]) -> None:
    """Do the work on groups 0 to count - 1, in as many parts as there are threads."""
    bounds = np.linspace(0, count, max(1, min(threads, count)) + 1).astype(int).tolist()
    if len(bounds) == 2:
        work(0, count)
        return
    with ThreadPoolExecutor(max_workers=len(bounds) - 1) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))
