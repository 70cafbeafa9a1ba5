"""Territories: finding one, filling a large polygon with cells, people and countries of many cells and points."""

from functools import cache

import numpy as np
import numpy.typing as npt

from benchmarks.harness import Case
from overflight.earth import cells, places, population, territory

_H3_CENTRE_S = 3.0e-7
"""One call into H3 from Python for a cell's centre, the least that a centre costs here."""


@cache
def _russia() -> territory.Territory:
    return territory.find_territory("RU")


@cache
def _world_sample() -> npt.NDArray[np.uint64]:
    return population.read_world_cells().cells[::5]


def _fill_russia() -> int:
    return len(cells.cells_of_polygon(_russia().geometry))


def _gateway_countries() -> list[str]:
    rng = np.random.default_rng(2)
    return places.nearest_countries(rng.uniform(-60.0, 70.0, 300), rng.uniform(-180.0, 180.0, 300))


def cases() -> list[Case]:
    """What the report and the catalogue ask of this floor."""
    n_russia = len(_russia().cells)
    return [
        Case("find_territory('Taiwan'), tables read", 0.05, 1e-4, "unpack 1 kB of borders", lambda: territory.find_territory("Taiwan")),
        Case(
            "find_territory('Russia'), tables read",
            0.1,
            3e-3,
            "unpack 20,000 corners, 64,720 cells",
            lambda: territory.find_territory("Russia"),
        ),
        Case(
            "fill Russia's polygon with cells",
            2.0,
            n_russia * _H3_CENTRE_S,
            "one H3 centre per cell",
            _fill_russia,
            n_russia,
            "cells",
            repeats=2,
        ),
        Case(
            "centres of Russia's cells",
            0.2,
            n_russia * _H3_CENTRE_S,
            "one H3 call each",
            lambda: cells.cell_centres(_russia().cells),
            n_russia,
            "cells",
        ),
        Case(
            "people in 115,000 cells of the world",
            0.1,
            1e-3,
            "17 probes of a sorted table each",
            lambda: population.population_of_cells(_world_sample()),
            len(_world_sample()),
            "cells",
        ),
        Case("nearest country of 300 points", 3.0, 1e-3, "one tree query each", _gateway_countries, repeats=2),
    ]
