"""Where the ground stations of a filed system stand: a greedy choice over inhabited land.

One station after another is set where it adds most of what people ask of satellites within its reach, over instants of a day other than
those that are then measured. What a station carries at an instant (its dishes) is taken off before the next one is set. The study searched
for its stations with an evolutionary algorithm; the greedy is ours and in general no worse than 1 - 1/e of the best choice of this measure.
"""

import numpy as np
import numpy.typing as npt

from overflight.earth.cells import cell_centres
from overflight.earth.geodesy import Sites, make_sites
from overflight.sky.visibility import CellTree, find_visible_series
from overflight.study.del_portillo.demand import parent_cells, read_spots

Floats = npt.NDArray[np.float64]

CANDIDATE_RESOLUTION = 2
"""H3 resolution of the cells in whose populated middle a station may stand (about 87,000 km²)."""


def place_stations(positions_km: Floats, asked_mbps: Floats, *, stations: int, station_mbps: float, mask_deg: float) -> Sites:
    """Choose sites for ground stations.

    Parameters
    ----------
    positions_km
        Satellites in ITRF at several instants, shape (nt, 3, n).
    asked_mbps
        What is asked of each, shape (nt, n).
    stations
        How many.
    station_mbps
        What a station can carry.
    mask_deg
        Least elevation at a station.

    Returns
    -------
    Sites
        In the order in which they were chosen; fewer where no further one adds anything.
    """
    candidates = _candidates()
    series = find_visible_series(CellTree(candidates), positions_km, min_elevation_deg=mask_deg)
    n_times, n_sites, n_satellites = len(series), len(candidates), positions_km.shape[2]
    counts = series.counts
    cell = np.repeat(np.arange(n_times * n_sites), counts.ravel())
    seen = np.repeat(np.arange(n_times), counts.sum(axis=1)) * n_satellites + series.satellite
    left = asked_mbps.ravel().astype(np.float64).copy()
    chosen: list[int] = []
    for _ in range(stations):
        reach = np.bincount(cell, left[seen], minlength=n_times * n_sites).reshape(n_times, n_sites)
        gain = np.minimum(reach, station_mbps).sum(axis=0)
        best = int(np.argmax(gain))
        if gain[best] <= 0.0:
            break
        chosen.append(best)
        for time in range(n_times):
            rows = time * n_satellites + series.at(time).of_site(best)
            if reach[time, best] > 0.0:
                left[rows] *= 1.0 - min(1.0, station_mbps / reach[time, best])
    return make_sites(candidates.lat_deg[chosen], candidates.lon_deg[chosen])


def _candidates() -> Sites:
    """The most populated spot of every coarse cell."""
    spots = read_spots()
    _, row = np.unique(parent_cells(spots.cells, CANDIDATE_RESOLUTION), return_inverse=True)
    order = np.lexsort((-spots.people, row))
    first = np.concatenate([[True], np.diff(row[order]) > 0])
    return make_sites(*cell_centres(spots.cells[order[first]]))
