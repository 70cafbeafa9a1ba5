"""Fit the rule for terminals where no number is reported, and say how well it fits.

Usage: ``python -m tools.fit_subscribers``. Writes ``src/overflight/catalog/data/terminal_rule.csv`` and prints the tables of
``docs/models/demand.md``. One set of parameters for all territories: D (people in a cell at which one in two counts as living in thinly
settled country), a rate for each of three groups of income, and a factor for Europe. Rates are geometric means over the territories with a
report outside Europe, the factor is that of those in Europe, over the rates of their groups. D is the one of a coarse grid with which the
others predict a territory best. How terminals stand within a country is another question: there D is fitted to the shares of six regions of
Chile, the only country of which
a count by region was found. The operator's published rates (../shared/reference) do not enter.
"""

import math

import numpy as np
import numpy.typing as npt
from tools._tables import format_table, write_tables

from overflight.catalog.tables import float_column, read_table
from overflight.earth.cells import cell_centres
from overflight.earth.population import built_in_cells, built_in_population, read_world_cells
from overflight.service.rule import EUROPE, income_group
from overflight.service.spreading import thin_people
from overflight.service.subscribers import WORLD, is_offered, world_on, world_total

Floats = npt.NDArray[np.float64]

COLUMNS = ("name", "value", "low", "high", "unit", "meaning", "source", "date", "status")
GRID = (250.0, 500.0, 1000.0, 2000.0, 3000.0, 5000.0, 10000.0, 20000.0, 30000.0, 50000.0, 100000.0, 200000.0)
GROWTH_EXPONENT = 0.5
"""Power of the world's growth with which a report is carried on: the mean of `GREW`, rounded."""
GREW = {
    "US": (1_400_000, "2024-08-15", 2_000_000, "2025-07-15"),
    "CA": (400_000, "2024-09-15", 500_000, "2025-07-28"),
    "AU": (200_000, "2024-03-15", 350_000, "2025-03-31"),
    "BR": (200_320, "2024-05-31", 556_000, "2025-11-30"),
    "KE": (16_786, "2024-09-30", 19_470, "2025-09-30"),
    "NG": (65_564, "2024-09-30", 59_509, "2025-03-31"),
    "CL": (40_934, "2023-12-31", 74_000, "2024-12-31"),
}
"""Territories with two reports about a year apart: terminals and days."""
IN_RANGE = 1.2816
"""Standard deviations that hold four in five of a normal distribution."""
POOLED = {"lower-middle": "lower", "low": "lower"}
"""No territory of low income has a report: it takes the rate of those of lower-middle income."""

# Starlink's connections by region at the end of 2023 (Subtel, as reported by La Tercera); regions as boxes of latitude and longitude.
CHILE_TOTAL = 40_934
CHILE = {
    "Metropolitana": (7_135, (-34.25, -32.95, -71.55, -60.0)),
    "Valparaíso": (4_990, (-33.6, -32.05, -72.5, -70.1)),
    "Los Lagos": (5_249, (-44.05, -40.25, -80.0, -60.0)),
    "Magallanes": (1_056, (-57.0, -49.0, -80.0, -60.0)),
    "Arica y Parinacota": (211, (-19.2, -17.0, -80.0, -60.0)),
    "Tarapacá": (649, (-21.4, -19.2, -80.0, -60.0)),
}


def main() -> None:
    """Fit, print, write."""
    powers = {
        code: math.log(later / earlier) / math.log(world_on(last) / world_on(first)) for code, (earlier, first, later, last) in GREW.items()
    }
    print("growth:", ", ".join(f"{code} {power:.2f}" for code, power in powers.items()), f"mean {np.mean(list(powers.values())):.2f}")
    counts = _carried_counts()
    people = {code: built_in_population(code) for code in counts}
    left_out = {half_at: _left_out(counts, people, half_at) for half_at in GRID}
    territories = {half_at: _size(errors) for half_at, errors in left_out.items()}
    regions = {half_at: _size(_chile_errors(half_at)) for half_at in GRID}
    print("D, standard deviation of the logarithm: territories left out, regions of Chile")
    for half_at in GRID:
        print(f"{half_at:8.0f} {territories[half_at]:.2f} {regions[half_at]:.2f}")
    best = min(GRID, key=lambda half_at: territories[half_at])
    within = min(GRID, key=lambda half_at: regions[half_at])
    rates = _rates(counts, people, best)
    spread = territories[best]
    print(f"D = {best:g}, within {within:g}; rates {rates}; spread {spread:.3f}, median {np.median(np.abs(left_out[best])):.2f}")
    for code, error in zip(counts, left_out[best], strict=True):
        rate = _rate_of(code, rates)
        rule = rate * math.fsum(thin_people(people[code], half_at=best))
        print(f"{code} carried {counts[code]:10,.0f} rule {rule:10,.0f} left out, report over rule {math.exp(error):.2f}")
    print(f"world: {_world_sum(counts, rates, best):,.0f}; announced {world_total()[0]:,}")
    write_tables({"terminal_rule.csv": format_table(COLUMNS, _rows(best, within, rates, spread, len(counts)))})


def _size(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _carried_counts() -> dict[str, float]:
    """Reported terminals, carried to the day of the last world total."""
    table = read_table("subscribers")
    total, _ = world_total()
    rows = zip(table["code"], float_column(table, "terminals"), table["date"], strict=True)
    return {code: count * max(1.0, total / world_on(date)) ** GROWTH_EXPONENT for code, count, date in rows if code != WORLD}


def _pool(code: str) -> str:
    group = income_group(code)
    return POOLED.get(group, group)


def _logs(counts: dict[str, float], people: dict[str, Floats], half_at: float) -> dict[str, float]:
    return {code: math.log(count / math.fsum(thin_people(people[code], half_at=half_at))) for code, count in counts.items()}


def _rates(counts: dict[str, float], people: dict[str, Floats], half_at: float) -> dict[str, float]:
    """Rate of each group outside Europe, and under ``europe`` what they are multiplied with there."""
    logs = _logs(counts, people, half_at)
    groups = sorted({_pool(code) for code in counts})
    rates = {group: math.exp(np.mean([logs[c] for c in counts if _pool(c) == group and c not in EUROPE])) for group in groups}
    rates["europe"] = math.exp(np.mean([logs[code] - math.log(rates[_pool(code)]) for code in counts if code in EUROPE]))
    return rates


def _rate_of(code: str, rates: dict[str, float]) -> float:
    return rates[_pool(code)] * (rates["europe"] if code in EUROPE else 1.0)


def _left_out(counts: dict[str, float], people: dict[str, Floats], half_at: float) -> Floats:
    """Logarithm of report over rule, each territory predicted by a rule that was fitted to the others."""
    logs = _logs(counts, people, half_at)
    errors = []
    for code in counts:
        others = {other: count for other, count in counts.items() if other != code}
        errors.append(logs[code] - math.log(_rate_of(code, _rates(others, people, half_at))))
    return np.array(errors)


def _chile_errors(half_at: float) -> Floats:
    lat_deg, lon_deg = cell_centres(built_in_cells("CL"))
    thin = thin_people(built_in_population("CL"), half_at=half_at)
    taken = np.zeros(len(thin), dtype=bool)
    errors = []
    for count, (south, north, west, east) in CHILE.values():
        inside = (lat_deg > south) & (lat_deg < north) & (lon_deg > west) & (lon_deg < east) & ~taken
        taken |= inside
        errors.append(math.log((count / CHILE_TOTAL) / (thin[inside].sum() / thin.sum())))
    return np.array(errors)


def _world_sum(counts: dict[str, float], rates: dict[str, float], half_at: float) -> float:
    """Terminals in all territories that are served: reports carried, the rule elsewhere."""
    codes = [code for code in read_world_cells().codes if is_offered(code)]
    return sum(
        counts[code] if code in counts else _rate_of(code, rates) * math.fsum(thin_people(built_in_population(code), half_at=half_at))
        for code in codes
    )


def _rows(half_at: float, half_within: float, rates: dict[str, float], spread: float, territories: int) -> list[dict[str, object]]:
    source = f"fitted to {territories} territories with a report; left out one by one they are off by a factor of {math.exp(spread):.1f}"
    date = world_total()[1]
    middle = math.exp(float(np.mean([math.log(rate) for group, rate in rates.items() if group != "europe"])))
    by_group = {group: rates[POOLED.get(group, group)] for group in ("high", "upper-middle", "lower-middle", "low")}
    by_group["unknown"] = middle
    factor = math.exp(spread * IN_RANGE)
    meaning = "terminals per thin person, {group} income"
    rows: list[tuple[object, ...]] = [
        ("half_at", half_at, 250, 10000, "people", "people in a cell at which one in two counts as thin, for the terminals of a territory"),
        ("half_at_within", half_within, 10000, 200000, "people", "the same, for where they stand within it (six regions of Chile)"),
        *(
            (f"rate_{group}", f"{rate:.5f}", f"{rate / factor:.5f}", f"{rate * factor:.5f}", "1", meaning.format(group=group))
            for group, rate in by_group.items()
        ),
        ("factor_europe", f"{rates['europe']:.3f}", f"{rates['europe'] / 1.5:.3f}", 1, "1", "what the rates are multiplied with in Europe"),
        ("spread", f"{spread:.3f}", None, None, "1", "standard deviation of the logarithm of report over rule, each territory left out"),
        ("spread_in_range", IN_RANGE, None, None, "1", "standard deviations between a number and the ends of its range"),
        ("growth_exponent", GROWTH_EXPONENT, 0, 1, "1", "power of the world's growth with which a report is carried on"),
    ]
    sources = {
        "half_at_within": "fitted to shares of six regions of Chile at the end of 2023 (Subtel, as reported by La Tercera)",
        "growth_exponent": f"mean of {len(GREW)} territories with two reports, rounded",
        "spread_in_range": "by definition: four in five of a normal distribution",
    }
    return [dict(zip(COLUMNS, (*row, sources.get(str(row[0]), source), date, "assumed"), strict=True)) for row in rows]


if __name__ == "__main__":
    main()
