"""How built-in borders lie on disk: one integer array per territory in ``borders.npz``.

Coordinates are whole multiples of `QUANTUM_DEG`, stored as differences from corner to corner, so that they compress well. The array
of a territory holds, one after another: the number of its parts; for each part its number of rings; for each ring its number of
corners; all steps in longitude; all steps in latitude (the first corner of each ring is a step from 0, 0).
"""

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from overflight.catalog.tables import DATA_FOLDER

_UNUSED_BITS = 30  # ten digits of three bits, which a resolution-5 cell leaves set

QUANTUM_DEG = 1e-4
"""Grid of the stored coordinates, degrees (11 m): far finer than the 1:50m and 1:10m scales."""


def pack_geometry(geometry: shapely.Geometry) -> npt.NDArray[np.int32]:
    """Write a Polygon or MultiPolygon as one integer array."""
    parts = shapely.get_parts(geometry)
    rings = [[part.exterior, *part.interiors] for part in parts]
    corners = [np.rint(shapely.get_coordinates(ring) / QUANTUM_DEG).astype(np.int64) for part in rings for ring in part]
    steps = np.concatenate([np.diff(ring, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)) for ring in corners])
    head = [len(parts), *(len(part) for part in rings), *(len(ring) for ring in corners)]
    return np.concatenate([np.array(head), steps[:, 0], steps[:, 1]]).astype(np.int32)


def unpack_geometry(packed: npt.NDArray[np.int32]) -> shapely.Geometry:
    """Read what `pack_geometry` wrote."""
    n_parts = int(packed[0])
    rings_of_part = packed[1 : 1 + n_parts]
    n_rings = int(rings_of_part.sum())
    corners_of_ring = packed[1 + n_parts : 1 + n_parts + n_rings]
    steps = packed[1 + n_parts + n_rings :].astype(np.int64).reshape(2, -1)
    starts = np.concatenate([[0], np.cumsum(corners_of_ring)])
    rings = [np.cumsum(steps[:, a:b], axis=1).T * QUANTUM_DEG for a, b in pairwise(starts.tolist())]
    polygons = []
    first = 0
    for count in rings_of_part.tolist():
        polygons.append(shapely.Polygon(rings[first], rings[first + 1 : first + count]))
        first += count
    return polygons[0] if n_parts == 1 else shapely.MultiPolygon(polygons)


def read_borders(code: str) -> shapely.Geometry:
    """The built-in borders of a territory, in the plane −180 … 180."""
    return unpack_geometry(_archive("borders")[code])


def read_all_borders() -> dict[str, shapely.Geometry]:
    """The built-in borders of every territory, by code."""
    archive = _archive("borders")
    return {code: unpack_geometry(archive[code]) for code in archive.files}


def read_packed(name: str, key: str) -> npt.NDArray[Any]:
    """One array of a built-in archive, read alone."""
    array: npt.NDArray[Any] = _archive(name)[key]
    return array


@cache
def _archive(name: str) -> Any:
    return np.load(DATA_FOLDER / f"{name}.npz", allow_pickle=False)


def pack_cells(cells: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """Write sorted resolution-5 cells as steps of what distinguishes them (the lowest 30 bits of all are set)."""
    return np.diff((cells >> np.uint64(_UNUSED_BITS)).astype(np.int64), prepend=0).astype(np.int32)


def unpack_cells(packed: npt.NDArray[np.int32]) -> npt.NDArray[np.uint64]:
    """Read what `pack_cells` wrote."""
    used = np.cumsum(packed.astype(np.int64)).astype(np.uint64)
    return (used << np.uint64(_UNUSED_BITS)) | np.uint64((1 << _UNUSED_BITS) - 1)
