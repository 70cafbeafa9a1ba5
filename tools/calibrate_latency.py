"""Calibrate the access term of latency on the operator's published figures, and say how well it fits.

Usage: ``python -m tools.calibrate_latency [--set KEY=VALUE …] [--dry-run]``. Writes ``src/overflight/catalog/data/latency_access.csv`` and
prints the tables of ``docs/models/latency.md``. One set of parameters for all territories: the access term is all that is fitted; what is
simulated has the default settings of a scenario. ``--set`` changes settings of the network, to see what they explain; ``--dry-run`` writes
nothing.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import spearmanr
from tools._tables import SHARED, format_table, write_tables

from overflight.catalog.homing import nearest_pops
from overflight.earth.cells import cell_centres
from overflight.earth.geodesy import make_sites
from overflight.earth.territory import Territory, find_territory
from overflight.inputs import gather_inputs
from overflight.measure.latency import PARTS, AccessTerm, LatencyAccumulator, round_trip_quantiles_ms
from overflight.scenario import FleetSettings, NetworkSettings, Scenario, TimeSettings
from overflight.twin import FleetTwin

Floats = npt.NDArray[np.float64]

PUBLISHED = SHARED / "reference" / "latency" / "operator_metrics_2026-09.csv"
ELEMENTS = SHARED / "data" / "elements" / "starlink_2026-08-22.tle"
QUANTILES = {"latency_p80_best_ms": 0.2, "latency_p50_ms": 0.5, "latency_p20_worst_ms": 0.8}
CELLS = 16
"""Cells simulated of each territory, at equal steps of its population."""
STEP_S = 1800.0
FIRST_GUESS = (9.0, 16.0, 0.6)
MAX_SPREAD = 1.0
"""Three quantiles do not tell a floor near the median with a huge spread from a lower floor: what users see has no such spike (assumed)."""
RESAMPLES = 100
SEED = 20260822

SOURCE = "median, best and worst fifth of latency that the operator publishes for 76 territories, less what the twin simulates"
DATE = "2026-09-30"
COLUMNS = (
    *("parameter", "value", "low", "high", "unit", "meaning", "territories", "spearman"),
    *("median_abs_error_ms", "best_abs_error_ms", "worst_abs_error_ms", "source", "date", "status"),
)
MEANINGS = {
    "floor": ("ms", "no packet's access takes less"),
    "median": ("ms", "half of the packets' access takes less"),
    "spread": ("1", "standard deviation of the logarithm of the time above the floor"),
}


@dataclass(frozen=True, slots=True)
class SimulatedTerritory:
    """What the twin says of a territory, without access.

    Attributes
    ----------
    code
        ISO 3166-1 alpha-3, as published.
    path_density
        Distribution of propagation and backhaul, see `overflight.measure.latency.LatencySummary`.
    parts_ms
        Median of user link, lasers, feeder link and backhaul.
    """

    code: str
    path_density: Floats
    parts_ms: dict[str, float]


def read_published(path: Path) -> tuple[list[str], Floats]:
    """Read the territories and their quantiles, milliseconds, shape (territories, 3) in the order of `QUANTILES`."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [row["iso3"] for row in rows], np.array([[float(row[column]) for column in QUANTILES] for row in rows])


def sample_cells(territory: Territory, count: int) -> npt.NDArray[np.uint64]:
    """Cells at equal steps of the territory's cumulative population; populous ones may repeat."""
    people = np.cumsum(np.maximum(territory.population, 1e-6))
    return np.asarray(territory.cells[np.searchsorted(people, (np.arange(count) + 0.5) / count * people[-1])])


def simulate_territories(
    codes: list[str], network: dict[str, str], *, cells: int = CELLS, step_s: float = STEP_S, threads: int = 2
) -> Iterator[SimulatedTerritory]:
    """Run the twin over a day for cells of all territories at once, with a scenario's defaults but for settings of the network."""
    territories = [find_territory(code) for code in codes]
    ids = np.concatenate([sample_cells(territory, cells) for territory in territories])
    owner = np.repeat(np.arange(len(codes)), cells)
    order = np.argsort(ids, kind="stable")
    ids, owner = ids[order], owner[order]
    scenario = Scenario(
        territory=codes[0],
        constellations=(FleetSettings(name="starlink", elements=(str(ELEMENTS),)),),
        time=TimeSettings(start="2026-08-22T00:00:00Z", hours=24.0, step_s=step_s),
        network=NetworkSettings.model_validate(network),
    )
    inputs = gather_inputs(scenario)
    fleet = inputs.fleets[0]
    sites = make_sites(*cell_centres(ids))
    assert fleet.pops is not None
    home = np.empty(len(ids), dtype=np.int32)
    for row, territory in enumerate(territories):
        mine = owner == row
        home[mine] = nearest_pops(fleet.pops, sites.lat_deg[mine], sites.lon_deg[mine], country=territory.code)
    fleet = replace(fleet, home_pop=home)
    inputs = replace(inputs, cell_ids=ids, cell_population=np.ones(len(ids)), sites=sites, fleets=(fleet,))
    twin = FleetTwin(inputs, fleet, threads=threads)
    frames = twin.simulate(inputs.slot_start, 0, len(inputs.slot_start), serving_before=None)
    for row, code in enumerate(codes):
        parts = {part: frames[f"{part}_ms"][:, owner == row] for part in PARTS}
        collected = LatencyAccumulator(np.ones(cells))
        collected.add(parts)
        summary = collected.summarise(AccessTerm(*FIRST_GUESS))
        if not summary.served_share:
            sys.exit(f"{code}: the twin never serves it; nothing to calibrate on")
        yield SimulatedTerritory(code, summary.path_density, {name: float(np.nanmedian(values)) for name, values in parts.items()})


def fit_access(path_density: Floats, published_ms: Floats, start: AccessTerm) -> AccessTerm:
    """Term with the least sum of absolute errors over all territories and quantiles."""

    def term_of(free: Floats) -> AccessTerm:
        floor = float(np.exp(free[0]))
        return AccessTerm(floor, floor + float(np.exp(free[1])), float(np.exp(min(free[2], np.log(MAX_SPREAD)))))

    def total_error_ms(free: Floats) -> float:
        simulated = round_trip_quantiles_ms(path_density, term_of(free), list(QUANTILES.values()))
        return float(np.abs(simulated - published_ms).sum())

    guess = np.log([start.floor_ms, start.median_ms - start.floor_ms, start.spread])
    fit = minimize(total_error_ms, guess, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 0.05, "maxiter": 300})
    return term_of(fit.x)


def resample(path_density: Floats, published_ms: Floats, term: AccessTerm) -> tuple[Floats, Floats]:
    """Bootstrap over territories: fitted parameters, and errors in those that a sample left out."""
    generator = np.random.default_rng(SEED)
    terms, errors = [], []
    for _ in range(RESAMPLES):
        chosen = generator.integers(0, len(published_ms), len(published_ms))
        fitted = fit_access(path_density[chosen], published_ms[chosen], term)
        left_out = np.setdiff1d(np.arange(len(published_ms)), chosen)
        simulated = round_trip_quantiles_ms(path_density[left_out], fitted, list(QUANTILES.values()))
        terms.append([fitted.floor_ms, fitted.median_ms, fitted.spread])
        errors.append(np.median(np.abs(simulated - published_ms[left_out]), axis=0))
    return np.array(terms), np.array(errors)


def main() -> None:
    """Simulate, fit, print the tables of the documentation, and write the built-in table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another setting of the network")
    parser.add_argument("--dry-run", action="store_true", help="write nothing, and do without resampling")
    options = parser.parse_args()
    network = dict(setting.removeprefix("network.").split("=", 1) for setting in options.set)
    codes, published_ms = read_published(PUBLISHED)
    simulated = list(simulate_territories(codes, network))
    path_density = np.array([territory.path_density for territory in simulated])
    term = fit_access(path_density, published_ms, AccessTerm(*FIRST_GUESS))
    fitted_ms = round_trip_quantiles_ms(path_density, term, list(QUANTILES.values()))
    error_ms = np.median(np.abs(fitted_ms - published_ms), axis=0)
    spearman = float(spearmanr(fitted_ms[:, 1], published_ms[:, 1])[0])
    print("| territory | published: best 20 %, median, worst 20 % | twin | user link, lasers, feeder, backhaul |\n|---|---|---|---|")
    for row in np.argsort(fitted_ms[:, 1] - published_ms[:, 1]):
        cells = (published_ms[row], fitted_ms[row], simulated[row].parts_ms.values())
        print(f"| {codes[row]} | " + " | ".join(" · ".join(f"{value:.1f}" for value in values) for values in cells) + " |")
    print(f"\nSpearman {spearman:.3f}; median absolute error, ms (best 20 %, median, worst 20 %): {error_ms.round(2)}")
    print(f"mean error of the medians, ms: {(fitted_ms - published_ms)[:, 1].mean():.2f}")
    if options.dry_run:
        print(term)
        return
    terms, held_out_ms = resample(path_density, published_ms, term)
    low, high = np.percentile(terms, [2.5, 97.5], axis=0)
    print(f"the same in territories left out of the fit (mean of {RESAMPLES} resamples): {held_out_ms.mean(axis=0).round(2)}")
    settings = f" ({', '.join(options.set)})" if options.set else ""
    fit = {
        "territories": len(codes),
        "spearman": f"{spearman:.3f}",
        "median_abs_error_ms": f"{error_ms[1]:.2f}",
        "best_abs_error_ms": f"{error_ms[0]:.2f}",
        "worst_abs_error_ms": f"{error_ms[2]:.2f}",
        "source": SOURCE + settings,
        "date": DATE,
        "status": "measured",
    }
    rows = []
    for column, (name, value) in enumerate(zip(MEANINGS, (term.floor_ms, term.median_ms, term.spread), strict=True)):
        unit, meaning = MEANINGS[name]
        bounds = {"low": f"{low[column]:.3f}", "high": f"{high[column]:.3f}"}
        rows.append({"parameter": name, "value": f"{value:.3f}", **bounds, "unit": unit, "meaning": meaning, **fit})
        print(f"| {name} | {value:.2f} ({low[column]:.2f}–{high[column]:.2f}) | {unit} | {meaning} |")
    write_tables({"latency_access.csv": format_table(COLUMNS, rows)})


if __name__ == "__main__":
    main()
