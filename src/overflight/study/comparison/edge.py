"""How sharp the line between served and denied is: operators switch whole cells, and beams are wider than lines.

A cell is switched as most of its people are to be served. A beam covers what lies within 3 dB of its middle: less than half of its width
at 3 dB off its axis, as seen from the satellite.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from overflight.capacity.slots import spread_ends
from overflight.capacity.twin import CapacityTwin
from overflight.earth.cells import cell_centres
from overflight.earth.geodesy import MEAN_RADIUS_KM, geodetic_to_ecef_km, unit_vectors, up_vectors
from overflight.radio.antennas import footprint_km, half_beamwidth_deg
from overflight.radio.interference import BEAM_WIDTH_GHZ
from overflight.study.comparison.findings import Edge, EdgeBand
from overflight.study.comparison.people import AROUND_KM, People
from overflight.study.comparison.sides import Beams

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BANDS_KM = (0.0, 5.0, 10.0, 20.0, 50.0, AROUND_KM)
"""Where bands of distance begin and end."""

MOST_POINTS = 20_000
"""Denied points that beams are tried on; of more, every k-th."""

BEAM_SCENES = 6
"""Scenes, evenly spread, whose beams are tried."""


def find_edge(people: People, allowed: Bools, beams: Sequence[Beams], twin: CapacityTwin) -> Edge:
    """Count people near the line by what befalls them.

    Parameters
    ----------
    people
        Of the territory and around it.
    allowed
        Whether the policy serves each point, shape (n,).
    beams
        Beams that light the territory's cells, by scene.
    twin
        The twin that gave them.
    """
    diameter_m = twin.case.plant.values["satellite_ku_diameter_m"]
    half_deg = half_beamwidth_deg(diameter_m, frequency_ghz=BEAM_WIDTH_GHZ)
    some = [beams[row] for row in spread_ends(len(beams), BEAM_SCENES)]
    along, across = _measure_beams(some, half_deg)
    if allowed.all() or not allowed.any():
        return Edge((), AROUND_KM, along, across)
    distance_km = _measure_distances(people, allowed)
    on = _switch_cells(people, allowed)[people.part]
    lit = _light_points(people, ~allowed, some, half_deg)
    bands = []
    for first, last in pairwise(BANDS_KM):
        here = (distance_km >= first) & (distance_km < last)

        def count(where: Floats | Bools, here: Bools = here) -> float:
            return float((people.people * where)[here].sum())

        bands.append(
            EdgeBand(
                from_km=first,
                to_km=last,
                denied=count(~allowed),
                lit_by_cell=count(~allowed & on),
                lit_by_beam=count(lit),
                allowed=count(allowed),
                dark_by_cell=count(allowed & ~on),
            )
        )
    return Edge(tuple(bands), AROUND_KM, along, across)


def _measure_distances(people: People, allowed: Bools) -> Floats:
    """Distance of each point from the line: to the nearest point on the other side of it, less half the points' spacing, km."""
    unit = people.unit
    distance = np.empty(len(people))
    for side in (True, False):
        mine, others = allowed == side, allowed != side
        chord, _ = cKDTree(unit[others]).query(unit[mine])
        distance[mine] = 2.0 * MEAN_RADIUS_KM * np.arcsin(np.minimum(chord / 2.0, 1.0))
    # Points stand for the ground around them: the line runs between the nearest two.
    spacing = _spacing_km(people)
    return np.maximum(distance - 0.5 * spacing, 0.0)


def _spacing_km(people: People) -> float:
    """Distance between neighbouring points, the median."""
    if len(people) < 2:
        return 0.0
    some = people.unit[:: max(1, len(people) // 2000)]
    chord, _ = cKDTree(people.unit).query(some, k=2)
    return float(np.median(chord[:, 1])) * MEAN_RADIUS_KM


def _switch_cells(people: People, allowed: Bools) -> Bools:
    """Whether each part's cell is switched on: most of those who live in the cell are to be served, in whichever territory."""
    _, cell = np.unique(people.cells, return_inverse=True)
    weight = np.where(people.people > 0.0, people.people, 1e-9)
    whole = np.bincount(cell[people.part], weights=weight)
    served = np.bincount(cell[people.part], weights=weight * allowed)
    return np.asarray((served >= 0.5 * whole)[cell])


def _light_points(people: People, denied: Bools, scenes: Sequence[Beams], half_deg: float) -> Floats:
    """Share of the scenes in which each denied point lies within 3 dB of the middle of a lit beam, shape (n,)."""
    lit = np.zeros(len(people))
    rows = np.flatnonzero(denied & (people.people > 0.0))
    step = max(1, -(-len(rows) // MOST_POINTS))
    tried = rows[::step]
    if not len(tried) or not scenes:
        return lit
    place_km = geodetic_to_ecef_km(people.lat_deg[tried], people.lon_deg[tried])
    tree = cKDTree(people.unit[tried])
    count = np.zeros(len(tried))
    for beams in scenes:
        count += _light_scene(beams, tree, place_km, half_deg)
    # Points that were not tried take after the last one that was.
    lit[rows] = np.repeat(count / len(scenes), step)[: len(rows)]
    return lit


def _light_scene(beams: Beams, tree: cKDTree, place_km: Floats, half_deg: float) -> Bools:
    """Whether each place lies in a lit beam of one scene."""
    lit = np.zeros(place_km.shape[1], dtype=np.bool_)
    middle = _Middles(beams)
    near = tree.query_ball_point(middle.unit, AROUND_KM / MEAN_RADIUS_KM) if len(beams.cell) else []
    counts = [len(row) for row in near]
    if not any(counts):
        return lit
    beam = np.repeat(np.arange(len(counts)), counts)
    point = np.concatenate([np.array(row, dtype=np.int64) for row in near])
    way = place_km[:, point] - middle.sender_km[:, beam]
    axis = middle.axis_km[:, beam]
    cosine = (axis * way).sum(axis=0) / np.sqrt((axis * axis).sum(axis=0) * (way * way).sum(axis=0))
    lit[point[cosine >= np.cos(np.radians(half_deg))]] = True
    return lit


class _Middles:
    """The middles of beams: on the unit sphere, and the axes that lead to them."""

    def __init__(self, beams: Beams) -> None:
        lat_deg, lon_deg = cell_centres(beams.cell)
        self.unit = unit_vectors(lat_deg, lon_deg).T
        self.up = up_vectors(lat_deg, lon_deg)
        self.sender_km = beams.positions_km[:, beams.satellite]
        self.axis_km = geodetic_to_ecef_km(lat_deg, lon_deg) - self.sender_km


def _measure_beams(scenes: Sequence[Beams], half_deg: float) -> tuple[float, float]:
    """Length and width of a beam on the ground within 3 dB, km: the median of those on the territory's cells."""
    along, across = [], []
    for beams in scenes:
        middle = _Middles(beams)
        length = np.linalg.norm(middle.axis_km, axis=0)
        elevation_deg = np.degrees(np.arcsin(np.clip(-(middle.axis_km * middle.up).sum(axis=0) / length, -1.0, 1.0)))
        height_km = np.linalg.norm(middle.sender_km, axis=0) - MEAN_RADIUS_KM
        for row in np.flatnonzero(beams.own).tolist():
            size = footprint_km(elevation_deg[row], altitude_km=float(height_km[row]), half_beamwidth_deg=half_deg)
            along.append(float(size[0]))
            across.append(float(size[1]))
    return (float(np.median(along)), float(np.median(across))) if along else (float("nan"), float("nan"))
