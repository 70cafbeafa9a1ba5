"""People as points: those of a cell stand evenly over its land, so that a line through the cell has people on either side of it."""

from dataclasses import dataclass, replace
from functools import cache, lru_cache

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from overflight.earth._borders import read_borders
from overflight.earth.cells import cell_boundaries, cell_centres
from overflight.earth.geodesy import MEAN_RADIUS_KM, unit_vectors
from overflight.earth.population import read_world_cells, territories_of_cells
from overflight.earth.territory import Territory

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

FINE, COARSE = 7, 6
"""H3 resolutions of the points: about 49 of 5 km² in a cell, or 7 of 36 km²."""

MOST_FINE_CELLS = 30_000
"""Larger territories are cut into coarse points."""

AROUND_KM = 100.0
"""So far from a territory's cells people are looked for: a beam at 25° of elevation is about as long."""


@dataclass(frozen=True, slots=True)
class People:
    """Parts of cells with their points: n points in m parts. A cell that a border runs through is a part of each territory.

    Attributes
    ----------
    lat_deg, lon_deg
        Points, shape (n,).
    people
        People at each point, shape (n,).
    part
        Row of each point's part, ascending, shape (n,).
    cells
        Cell of each part, shape (m,).
    code
        Row of each part's territory in ``codes``, shape (m,).
    codes
        Alpha-2 codes.
    own
        Whether a part is the territory's that is asked about, shape (m,).
    home
        Row of the territory that each point lies in, in ``codes``, shape (n,): of a user's polygon, that which is under it.
    """

    lat_deg: Floats
    lon_deg: Floats
    people: Floats
    part: Rows
    cells: Cells
    code: Rows
    codes: tuple[str, ...]
    own: npt.NDArray[np.bool_]
    home: Rows

    def __len__(self) -> int:
        return len(self.lat_deg)

    @property
    def is_own(self) -> npt.NDArray[np.bool_]:
        """Whether each point is the territory's, shape (n,)."""
        return self.own[self.part]

    @property
    def weight(self) -> Floats:
        """Share of its part that a point stands for, by people, or by area where nobody lives; shape (n,)."""
        count = np.bincount(self.part, minlength=len(self.cells))
        whole = np.bincount(self.part, weights=self.people, minlength=len(self.cells))
        by_people = np.divide(self.people, whole[self.part], out=np.zeros(len(self)), where=whole[self.part] > 0.0)
        return np.where(whole[self.part] > 0.0, by_people, 1.0 / count[self.part])

    @property
    def unit(self) -> Floats:
        """Points on the unit sphere, shape (n, 3)."""
        return unit_vectors(self.lat_deg, self.lon_deg).T


def settle_territory(territory: Territory, *, around_km: float) -> People:
    """People of a territory, and those who live within a distance of its cells, in whichever territory.

    Parameters
    ----------
    territory
        The territory.
    around_km
        How far around it, km.
    """
    world = read_world_cells()
    own = territory.cells
    is_built_in = bool(territory.alpha3)
    mine = world.codes.index(territory.code) if is_built_in else -1
    elsewhere = np.flatnonzero((world.territory != mine) if is_built_in else ~np.isin(world.cells, own))
    elsewhere = elsewhere[world.population[elsewhere] > 0.0]
    near = elsewhere[_is_within(_world_directions()[elsewhere], own, around_km)]
    # A user's polygon is a territory of its own, whatever code it gives itself.
    codes = world.codes if mine >= 0 else (*world.codes, territory.code)
    me = mine if mine >= 0 else len(codes) - 1
    code = np.append(np.full(len(own), me), world.territory[near]).astype(np.int64)
    found = _settle(
        np.append(own, world.cells[near]),
        np.append(territory.population, world.population[near]),
        code,
        codes,
        np.arange(len(code)) < len(own),
        shapes={me: territory.geometry},
        resolution=FINE if len(own) <= MOST_FINE_CELLS else COARSE,
    )
    return found if mine >= 0 else _settle_on_land(found, me)


def _settle_on_land(people: People, me: int) -> People:
    """A user's polygon with its people on land, where there is any in their cell, each at home in the territory beneath."""
    home = _find_homes(people, me)
    parts = len(people.cells)
    at_sea = people.is_own & (home == me)
    dry = np.bincount(people.part[~at_sea], minlength=parts)
    kept = ~at_sea | (dry[people.part] == 0)
    part = people.part[kept]
    lives = np.bincount(people.part, weights=people.people, minlength=parts)
    each = lives / np.maximum(np.bincount(part, minlength=parts), 1)
    owners = territories_of_cells(people.cells)
    first = np.array([people.codes.index(names[0]) if names else me for names in owners])
    return replace(
        people,
        lat_deg=people.lat_deg[kept],
        lon_deg=people.lon_deg[kept],
        people=each[part],
        part=part,
        home=np.where(home == me, first[people.part], home)[kept],
    )


def _find_homes(people: People, me: int) -> Rows:
    """Territory on whose land each point of a user's polygon lies; the polygon's own row at sea."""
    home = people.home.copy()
    owners = territories_of_cells(people.cells)
    for number, code in enumerate(people.codes[:-1]):
        parts = np.array([code in names for names in owners], dtype=np.bool_) & (people.code == me)
        rows = np.flatnonzero(parts[people.part] & (home == me))
        if len(rows):
            geometry = read_borders(code)
            shapely.prepare(geometry)
            home[rows[shapely.intersects_xy(geometry, people.lon_deg[rows], people.lat_deg[rows])]] = number
    return home


def settle_cells(cells: Cells) -> People:
    """People of some cells of the world, in every territory that has a part of them, as coarse points."""
    return _settle_rows(np.isin(read_world_cells().cells, cells), own=False)


@lru_cache(maxsize=8)
def settle_codes(codes: tuple[str, ...]) -> People:
    """People of whole territories, as coarse points."""
    world = read_world_cells()
    return _settle_rows(np.isin(world.territory, [world.codes.index(code) for code in codes if code in world.codes]), own=True)


def _settle_rows(chosen: npt.NDArray[np.bool_], *, own: bool) -> People:
    """People of some rows of the world's table of cells."""
    world, rows = read_world_cells(), np.flatnonzero(chosen)
    return _settle(
        world.cells[rows],
        world.population[rows],
        world.territory[rows].astype(np.int64),
        world.codes,
        np.full(len(rows), own),
        shapes={},
        resolution=COARSE,
    )


def _settle(
    cells: Cells,
    population: Floats,
    code: Rows,
    codes: tuple[str, ...],
    own: npt.NDArray[np.bool_],
    *,
    shapes: dict[int, shapely.Geometry],
    resolution: int,
) -> People:
    children = [np.array(h3.cell_to_children(cell, resolution), dtype=np.uint64) for cell in cells.tolist()]
    part = np.repeat(np.arange(len(cells)), [len(row) for row in children])
    lat_deg, lon_deg = cell_centres(np.concatenate(children) if children else np.empty(0, dtype=np.uint64))
    land = {number: shapes[number] if number in shapes else read_borders(codes[number]) for number in np.unique(code).tolist()}
    kept = _on_land(lat_deg, lon_deg, part, code, land)
    # A part too small for any point has one of its own.
    lost = np.flatnonzero(np.bincount(part[kept], minlength=len(cells)) == 0)
    extra = [_point_in(int(cells[row]), land[int(code[row])]) for row in lost.tolist()]
    lat_deg, lon_deg = (np.append(old[kept], [point[axis] for point in extra]) for axis, old in enumerate((lat_deg, lon_deg)))
    part = np.append(part[kept], lost)
    order = np.argsort(part, kind="stable")
    lat_deg, lon_deg, part = lat_deg[order], lon_deg[order], part[order]
    each = population / np.maximum(np.bincount(part, minlength=len(cells)), 1)
    return People(lat_deg, lon_deg, each[part], part, cells, code, codes, own, code[part])


def _on_land(lat_deg: Floats, lon_deg: Floats, part: Rows, code: Rows, land: dict[int, shapely.Geometry]) -> npt.NDArray[np.bool_]:
    """Whether each point lies in the territory that its part belongs to."""
    whose = code[part]
    inside = np.zeros(len(lat_deg), dtype=np.bool_)
    for number, geometry in land.items():
        rows = np.flatnonzero(whose == number)
        shapely.prepare(geometry)
        inside[rows] = shapely.intersects_xy(geometry, lon_deg[rows], lat_deg[rows])
    return inside


def _point_in(cell: int, geometry: shapely.Geometry) -> tuple[float, float]:
    """Latitude and longitude of a point of a territory in a cell, or else of the point nearest to the cell."""
    hexagon = shapely.Polygon(cell_boundaries([cell])[0])
    common = shapely.intersection(geometry, hexagon)
    if common.is_empty:
        common = shapely.intersection(geometry, shapely.buffer(shapely.shortest_line(hexagon.centroid, geometry), 1e-3))
    point = common.representative_point() if not common.is_empty else hexagon.centroid
    return float(point.y), float((point.x + 180.0) % 360.0 - 180.0)


def is_within(cells: Cells, own: Cells, distance_km: float) -> npt.NDArray[np.bool_]:
    """Whether centres of cells lie within a distance of any centre of others."""
    return _is_within(unit_vectors(*cell_centres(cells)).T, own, distance_km)


def _is_within(directions: Floats, own: Cells, distance_km: float) -> npt.NDArray[np.bool_]:
    if not len(directions) or not len(own):
        return np.zeros(len(directions), dtype=np.bool_)
    chord = 2.0 * np.sin(min(distance_km / MEAN_RADIUS_KM, np.pi) / 2.0)
    away, _ = cKDTree(unit_vectors(*cell_centres(own)).T).query(directions, distance_upper_bound=chord)
    return np.asarray(np.isfinite(away))


@cache
def _world_directions() -> Floats:
    """Centres of the rows of the world's table of cells on the unit sphere, shape (n, 3)."""
    return unit_vectors(*cell_centres(read_world_cells().cells)).T
