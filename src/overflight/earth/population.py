"""People by cell, for every territory and so for any cell of the world.

National totals are spread over a country's cells: places known to GeoNames as discs of people, the remainder around them and evenly;
how, and how well, is in ``docs/models/earth.md``. The numbers are built in (``tools/build_population.py``), whole people per cell.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import read_table
from overflight.earth._borders import read_packed, unpack_cells

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]


class WorldCells(NamedTuple):
    """Every built-in cell of every territory: a table of rows sorted by cell.

    A cell on a border may stand in several rows, one per territory that owns it.
    """

    cells: Cells
    population: Floats
    territory: npt.NDArray[np.int16]
    codes: tuple[str, ...]


def built_in_cells(code: str) -> Cells:
    """The cells of a built-in territory (alpha-2 code), sorted, shape (n,)."""
    return unpack_cells(read_packed("cells", code))


def built_in_population(code: str) -> Floats:
    """People in each of `built_in_cells`, shape (n,), summing to the national total."""
    return read_packed("population", code).astype(np.float64)


def population_of_cells(cells: npt.ArrayLike) -> Floats:
    """People in any resolution-5 cells of the world, shape (n,), in the order given; a cell of no territory has none."""
    world = read_world_cells()
    running = np.concatenate([[0.0], np.cumsum(world.population)])
    first, last = _rows_of(world, np.asarray(cells, dtype=np.uint64).ravel())
    return np.asarray(running[last] - running[first])


def territories_of_cells(cells: npt.ArrayLike) -> list[tuple[str, ...]]:
    """Alpha-2 codes of the territories that own each cell, in alphabetical order; empty at sea."""
    world = read_world_cells()
    first, last = _rows_of(world, np.asarray(cells, dtype=np.uint64).ravel())
    return [tuple(sorted(world.codes[row] for row in world.territory[a:b])) for a, b in zip(first, last, strict=True)]


@cache
def read_world_cells() -> WorldCells:
    """Read all territories' cells and people into one table, once."""
    codes = tuple(read_table("territories")["code"])
    per_code = [built_in_cells(code) for code in codes]
    cells = np.concatenate(per_code)
    owner = np.repeat(np.arange(len(codes), dtype=np.int16), [len(owned) for owned in per_code])
    people = np.concatenate([built_in_population(code) for code in codes])
    order = np.argsort(cells, kind="stable")
    return WorldCells(cells[order], people[order], owner[order], codes)


def _rows_of(world: WorldCells, cells: Cells) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return np.searchsorted(world.cells, cells, side="left"), np.searchsorted(world.cells, cells, side="right")
