"""Demand: incumbents of the whole world, terminals of a large country, a day's activity, a file of terminals."""

import numpy as np

from benchmarks.harness import Case
from overflight.earth.population import built_in_cells, built_in_population, read_world_cells
from overflight.service._terminals_files import parse_terminals
from overflight.service.demand import activity
from overflight.service.spreading import METHODS, distribute_terminals
from overflight.service.subscribers import _spread_world, world_terminals

CELLS = 143
DAY_SLOTS = 5_760
TERMINALS = 2_000_000


def spread_world() -> object:
    """Spread the whole world's terminals anew, and look up every cell."""
    _spread_world.cache_clear()
    return world_terminals("starlink", read_world_cells().cells)


def cases() -> list[Case]:
    """Cases of demand."""
    cells, people = built_in_cells("US"), built_in_population("US")
    world = len(read_world_cells().cells)
    instants = np.datetime64("2026-08-22T00:00:12", "us") + np.arange(DAY_SLOTS) * np.timedelta64(15, "s")
    lon_deg = np.linspace(119.0, 122.0, CELLS)
    data = ("cell,terminals\n" + "\n".join(f"{int(cell):x},3" for cell in cells)).encode()

    def spread_country() -> object:
        return [distribute_terminals(people, TERMINALS, method=method, cell_ids=cells) for method in METHODS]

    def read_file() -> object:
        return parse_terminals(data, source="benchmark", cell_ids=cells, territory_name="United States", strict=True)

    return [
        Case(
            "terminals of the world's served territories, estimated, spread, looked up",
            limit_s=1.0,
            floor_s=world * 40.0 / 10e9,
            floor_note="people, key, share, remainder and count of each cell once at 10 GB/s",
            run=spread_world,
            unit_count=float(world),
            unit="cells",
        ),
        Case(
            "2 million terminals over the cells of the United States, by each method",
            limit_s=0.1,
            floor_s=len(METHODS) * len(cells) * 40.0 / 10e9,
            floor_note="the same",
            run=spread_country,
            unit_count=float(len(METHODS) * len(cells)),
            unit="cells",
        ),
        Case(
            "activity, a day over 143 cells",
            limit_s=0.3,
            floor_s=DAY_SLOTS * CELLS * 8.0 / 10e9,
            floor_note="write 8 bytes a cell and slot at 10 GB/s",
            run=lambda: activity(instants, lon_deg),
            unit_count=float(DAY_SLOTS * CELLS),
            unit="values",
        ),
        Case(
            "a file of 37,139 rows of terminals",
            limit_s=1.0,
            floor_s=len(data) / 1e9,
            floor_note="one pass over the bytes at 1 GB/s",
            run=read_file,
            unit_count=float(len(cells)),
            unit="rows",
        ),
    ]
