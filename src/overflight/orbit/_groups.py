"""Groups in a fleet: altitude peaks, shells, planes. Plain arrays in, arrays of rows out."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def split_at_gaps(values: FloatArray, rows: Rows, gap: float) -> list[Rows]:
    """Groups of rows, in the order of their values, between which the values leave a gap wider than ``gap``."""
    if len(rows) == 0:
        return []
    order = rows[np.argsort(values[rows], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(values[order]) > gap) + 1)


def split_circle(angles_deg: FloatArray, rows: Rows, gap_deg: float) -> list[Rows]:
    """Groups of rows between which angles of 0..360° leave a gap wider than ``gap_deg``; a group may lie across 0° and is then the last."""
    groups = split_at_gaps(angles_deg, rows, gap_deg)
    if len(groups) > 1 and angles_deg[groups[0][0]] + 360.0 - angles_deg[groups[-1][-1]] <= gap_deg:
        groups = [*groups[1:-1], np.concatenate((groups[-1], groups[0]))]
    return groups


def find_peaks(inclination_deg: FloatArray, altitude_km: FloatArray, rows: Rows, *, gap_deg: float, tolerance_km: float) -> Iterator[Rows]:
    """Rows of each altitude peak of each inclination, the largest peak of an inclination first; every row is in exactly one.

    Inclinations are separated by gaps wider than ``gap_deg``. A peak is where most satellites lie within two fifths of
    ``tolerance_km``; it takes all that are left within ``tolerance_km`` of its median.
    """
    for group in split_at_gaps(inclination_deg, rows, gap_deg):
        left = group[np.argsort(altitude_km[group], kind="stable")]
        while len(left):
            heights = altitude_km[left]
            ends = np.searchsorted(heights, heights + 0.4 * tolerance_km, side="right")
            start = int(np.argmax(ends - np.arange(len(left))))
            near = np.abs(heights - np.median(heights[start : ends[start]])) <= tolerance_km
            yield left[near]
            left = left[~near]


def find_shells(
    inclination_deg: FloatArray,
    altitude_km: FloatArray,
    raan_deg: FloatArray,
    *,
    gap_deg: float,
    tolerance_km: float,
    raan_gap_deg: float,
    minimum_planes: int,
    merge_km: float,
) -> list[Rows]:
    """Rows of each shell, ordered by inclination and altitude: altitude peaks, where a peak of few planes joins the one next to it."""
    peaks = find_peaks(inclination_deg, altitude_km, np.arange(len(altitude_km)), gap_deg=gap_deg, tolerance_km=tolerance_km)
    keyed = sorted(
        ((float(np.median(inclination_deg[rows])), float(np.median(altitude_km[rows])), rows) for rows in peaks), key=lambda one: one[:2]
    )
    shells: list[Rows] = []
    last_inclination = last_altitude = -np.inf
    last_is_whole = False
    for inclination, altitude, rows in _by_inclination(keyed, gap_deg):
        is_whole = len(split_circle(raan_deg, rows, raan_gap_deg)) >= minimum_planes
        is_near = abs(inclination - last_inclination) <= gap_deg and abs(altitude - last_altitude) <= merge_km
        if is_near and not (is_whole and last_is_whole):
            shells[-1] = np.concatenate((shells[-1], rows))
            last_is_whole |= is_whole
        else:
            shells.append(rows)
            last_is_whole = is_whole
        last_inclination, last_altitude = inclination, altitude
    return shells


def _by_inclination(peaks: list[tuple[float, float, Rows]], gap_deg: float) -> Iterator[tuple[float, float, Rows]]:
    """Peaks ordered by altitude within each group of inclinations that leave no gap wider than ``gap_deg``."""
    inclinations = np.array([peak[0] for peak in peaks])
    for group in split_at_gaps(inclinations, np.arange(len(peaks)), gap_deg):
        yield from sorted((peaks[k] for k in group.tolist()), key=lambda peak: peak[1])
