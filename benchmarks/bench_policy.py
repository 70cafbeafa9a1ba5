"""Policies: compiling the public one, verdicts of people's and of the world's positions, shapely's tree beside it, and the audit."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt

from benchmarks.harness import Case
from overflight.earth.cells import cell_centres
from overflight.earth.population import read_world_cells
from overflight.service.audit import Audit
from overflight.service.compiled import CompiledPolicy, compile_policy
from overflight.service.policy import load_policy
from overflight.service.reading import Faults, stream_reports
from overflight.service.synthetic import generate_fleet, write_fleet
from overflight.service.verdicts import Reports, Terminal, prepare_policy

N_REPORTS = 1_000_000
N_BY_TREE = 50_000


@cache
def _public() -> CompiledPolicy:
    return compile_policy(prepare_policy(load_policy("public")))


def _table(lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64]) -> Reports:
    nan = np.full(len(lat), np.nan)
    time = np.full(len(lat), "NaT", dtype="datetime64[us]")
    return Reports(lat, lon, time, nan, nan, nan, np.zeros(len(lat), dtype=np.int32), (Terminal("", "consumer"),))


@cache
def people(count: int) -> Reports:
    """Positions where people live: cells drawn by population, scattered by 5 km."""
    rng = np.random.default_rng(1)
    world = read_world_cells()
    chosen = rng.choice(len(world.cells), count, p=world.population / world.population.sum())
    cells, place = np.unique(chosen, return_inverse=True)
    lat, lon = cell_centres(world.cells[cells])
    lat, lon = lat[place] + rng.normal(0.0, 0.05, count), lon[place] + rng.normal(0.0, 0.05, count)
    return _table(np.clip(lat, -90.0, 90.0), np.mod(lon + 180.0, 360.0) - 180.0)


@cache
def world(count: int) -> Reports:
    """Positions evenly over the Earth."""
    rng = np.random.default_rng(2)
    return _table(np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, count))), rng.uniform(-180.0, 180.0, count))


@cache
def borders() -> Reports:
    """Positions within a kilometre or so of borders and coasts: the worst there is."""
    from overflight.service.areas import territory_shape
    from overflight.service.areas import world as all_territories

    rng = np.random.default_rng(3)
    edges = np.concatenate([territory_shape(code).edges() for code in all_territories()[0]])
    some = edges[rng.integers(len(edges), size=N_REPORTS)]
    share = rng.uniform(size=(N_REPORTS, 1))
    at = some[:, 0:2] + share * (some[:, 2:4] - some[:, 0:2]) + rng.normal(0.0, 0.01, (N_REPORTS, 2))
    return _table(np.clip(at[:, 1], -90.0, 90.0), np.mod(at[:, 0] + 180.0, 360.0) - 180.0)


@cache
def _tree() -> tuple[object, object]:
    import shapely

    from overflight.earth._borders import read_all_borders

    geometries = np.array(list(read_all_borders().values()), dtype=object)
    shapely.prepare(geometries)
    return shapely.STRtree(geometries), shapely


def _by_tree() -> int:
    """Which territory each position lies in, by shapely's STRtree of prepared borders: no cells, no sea, no further conditions."""
    tree, shapely = _tree()
    reports = people(N_BY_TREE)
    return len(tree.query(shapely.points(reports.lon_deg, reports.lat_deg), predicate="intersects")[0])  # type: ignore[attr-defined]


@cache
def _fleet() -> Path:
    folder = Path(mkdtemp())
    write_fleet(generate_fleet(_public(), terminals=1000, days=90, seed=1), folder)
    return folder / "reports.csv"


def _audit() -> int:
    running, faults = Audit(_public()), Faults()
    for block in stream_reports(_fleet(), faults):
        running.add(block)
    return running.finish(faults).judged


def cases() -> list[Case]:
    """What an audit and a twin ask of policies."""
    _public(), people(N_REPORTS), world(N_REPORTS), borders(), people(N_BY_TREE), _tree(), _fleet()
    rows = _audit()
    floor_s, note = N_REPORTS * 1e-8, "two look-ups out of cache each"
    return [
        Case("verdicts where people live", 1.0, floor_s, note, lambda: _public().decide(people(N_REPORTS)), N_REPORTS, "reports"),
        Case("verdicts over the whole Earth", 1.0, floor_s, note, lambda: _public().decide(world(N_REPORTS)), N_REPORTS, "reports"),
        Case("verdicts within a km of borders and coasts", 1.0, floor_s, note, lambda: _public().decide(borders()), N_REPORTS, "reports"),
        Case("shapely STRtree, territory only, same people", 30.0, N_BY_TREE * 1e-8, note, _by_tree, N_BY_TREE, "reports", repeats=3),
        Case("audit of a stream in CSV, public policy", 10.0, rows * 1e-7, "one parse of each row", _audit, rows, "reports", repeats=3),
        Case(
            "compile the public policy, borders at hand", 15.0, 0.2, "one pass over 110,000 edges and 16 M boxes",
            lambda: compile_policy(_public().ready), repeats=2,
        ),
    ]  # fmt: skip
