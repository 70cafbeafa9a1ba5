"""How many terminals an operator has in a territory: as reported, or by one rule for all; and how much traffic a country has from abroad.

Reports (table ``subscribers``) are of different days. They are carried to the day of the last known world total with the square root of the
total's growth, because territories with a report grew about so (docs/models/demand.md), between none of it (low) and all of it (high).
Where nothing is reported, terminals are thin people times the rate of the income group (`overflight.service.rule`).
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from overflight.catalog.availability import blacklisted_cells, service_status
from overflight.catalog.tables import float_column, read_table
from overflight.earth.population import read_world_cells
from overflight.errors import ScenarioError
from overflight.notices import Notice, Value
from overflight.service.rule import income_group, region_factor, rule_value, usual_method
from overflight.service.spreading import distribute_terminals, thin_people

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]

WORLD = "WORLD"
"""Code of the operator's total in the table ``subscribers``."""

REPORTED_FOR_DAYS = 365.0
"""A report stays a report so long; carried further, the number is an assumption."""


@dataclass(frozen=True, slots=True)
class TerminalEstimate:
    """How many terminals an operator has, or would have, in a territory.

    Attributes
    ----------
    count
        Best number, whole.
    low, high
        Range: four in five territories are expected within it where nothing is reported.
    status
        ``reported`` where the number rests on a recent report, else ``assumed``.
    source
        Where it comes from, in one line.
    date
        The day the count is for.
    reported
        The number as reported, and its day; None where nothing is.
    offered
        Whether the operator serves the territory: if not, the count is what it would have if it did. None: not known.
    """

    count: int
    low: int
    high: int
    status: str
    source: str
    date: str
    reported: tuple[int, str] | None
    offered: bool | None


@dataclass(frozen=True, slots=True)
class TrafficEstimate:
    """A country's international traffic at the busiest hour, Gbit/s into the country, and the share that flows out besides."""

    gbps: float
    low_gbps: float
    high_gbps: float
    upstream_share: float
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class _Report:
    terminals: float
    low: float
    high: float
    source: str
    date: str


def estimate_terminals(code: str, population: npt.ArrayLike, *, operator: str = "starlink") -> TerminalEstimate:
    """Estimate how many terminals an operator has in a territory.

    Parameters
    ----------
    code
        ISO 3166-1 alpha-2; another code, as of a user's polygon, is estimated by the rule at a middling rate.
    population
        People in each cell of the whole territory, shape (cells,): not those of a sample.
    operator
        Whose terminals; the rule is Starlink's and stands in for others, about which nothing is reported.
    """
    alpha2 = code.strip().upper()
    report = _reports().get((operator, alpha2))
    offered = is_offered(alpha2, operator=operator)
    return _by_rule(alpha2, population, offered) if report is None else _from_report(report, offered)


def is_offered(code: str, *, operator: str = "starlink") -> bool | None:
    """Whether an operator serves a territory, by its public map; a territory that is split by province counts as served."""
    status = service_status(code, operator=operator)
    return True if status.verdict_key == "split" else status.served


def world_total(*, operator: str = "starlink") -> tuple[int, str]:
    """The last known number of an operator's terminals in the world, and its day.

    Raises
    ------
    ScenarioError
        If none is known of this operator.
    """
    totals = _world_totals(operator)
    if not totals:
        msg = f"operator {operator!r}: no number of terminals is known; known: starlink"
        raise ScenarioError(msg)
    day, count = max(totals.items())
    return int(count), day


def world_on(day: str) -> float:
    """Terminals of Starlink in the world on a day (ISO 8601): even growth, in parts, between announcements."""
    totals = sorted(_world_totals("starlink").items())
    days = np.array([np.datetime64(date) for date, _ in totals]).astype(np.float64)
    logs = np.log([count for _, count in totals])
    return float(np.exp(np.interp(float(np.datetime64(day).astype(np.float64)), days, logs)))


def international_traffic_gbps(code: str, population: npt.ArrayLike) -> TrafficEstimate:
    """Estimate all international traffic of a country at its busiest hour, from its people and its income group."""
    table = read_table("traffic")
    group = income_group(code)
    row = table["group"].index(group)
    people = math.fsum(np.asarray(population, dtype=np.float64))
    values = [float_column(table, column)[row] for column in ("kbps_per_person", "low", "high")]
    source = f"{values[0]:g} kbit/s per person ({group} income); {table['source'][row]}"
    gbps, low, high = (float(value * people * 1e-6) for value in values)
    return TrafficEstimate(gbps, low, high, float(table["upstream_share"][row]), table["status"][row], source)


def world_terminals(
    operator: str,
    cell_ids: npt.ArrayLike,
    *,
    scale: float = 1.0,
    method: str = "usual",
    without: tuple[str, ...] = (),
    everywhere: bool = False,
) -> Counts:
    """Terminals in any cells of the world: the same estimate for every territory that is served, spread by the same method.

    Parameters
    ----------
    operator
        Whose terminals; of operators without any report there are none.
    cell_ids
        H3 cells of resolution 5, shape (cells,), any order.
    scale
        All numbers times this; 0 switches incumbents off.
    method
        See `overflight.service.spreading.distribute_terminals`; ``usual`` takes each territory's own (`overflight.service.rule`).
    without
        Codes of territories that are left out, such as the one whose own terminals are given.
    everywhere
        Whether territories and cells that are not served have the terminals that they would have if they were.

    Returns
    -------
    int64, shape (cells,)
        0 at sea and, unless ``everywhere``, in territories that are not served and in cells that are closed one by one.

    Raises
    ------
    ScenarioError
        If the scale is not a number of at least 0, or the method is unknown.
    """
    if not 0.0 <= scale < math.inf:
        msg = f"world demand times {scale}: give a number of at least 0"
        raise ScenarioError(msg)
    wanted = np.asarray(cell_ids, dtype=np.uint64)
    left_out = tuple(sorted({code.strip().upper() for code in without}))
    cells, counts = _spread_world(operator, float(scale), method, left_out, everywhere)
    if not len(cells):
        return np.zeros(wanted.shape, dtype=np.int64)
    place = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
    return np.where(cells[place] == wanted, counts[place], 0)


@cache
def _spread_world(operator: str, scale: float, method: str, without: tuple[str, ...], everywhere: bool) -> tuple[Cells, Counts]:  # noqa: FBT001
    """Cells of the world with terminals, sorted, and their terminals."""
    world = read_world_cells()
    by_owner = np.argsort(world.territory, kind="stable")
    ends = np.searchsorted(world.territory[by_owner], np.arange(len(world.codes) + 1))
    counts = np.zeros(len(world.cells), dtype=np.int64)
    for owner, code in enumerate(world.codes):
        rows = by_owner[ends[owner] : ends[owner + 1]]
        if code in without or not _world_totals(operator) or not world.population[rows].any():
            continue
        if not (everywhere or is_offered(code, operator=operator)):
            continue
        number = round(estimate_terminals(code, world.population[rows], operator=operator).count * scale)
        how = usual_method(code) if method == "usual" else method
        counts[rows] = distribute_terminals(world.population[rows], number, method=how, cell_ids=world.cells[rows])
    if not everywhere:
        counts[np.isin(world.cells, blacklisted_cells())] = 0
    cells, first = np.unique(world.cells, return_index=True)
    return cells, np.add.reduceat(counts, first)


def _from_report(report: _Report, offered: bool | None) -> TerminalEstimate:  # noqa: FBT001 - three answers, not a switch
    total, day = world_total()
    growth = max(1.0, total / world_on(report.date))
    count = round(report.terminals * growth ** rule_value("growth_exponent"))
    days = (np.datetime64(day) - np.datetime64(report.date)) / np.timedelta64(1, "D")
    values: dict[str, Value] = {"terminals": round(report.terminals), "date": report.date, "source": Notice.word("source", report.source)}
    if count == round(report.terminals):
        source = Notice.of("source.terminals_reported", "{terminals:,} on {date} ({source})", **values)
    else:
        text = "{terminals:,} on {date} ({source}), carried to {day} with the operator's growth"
        source = Notice.of("source.terminals_carried", text, day=day, **values)
    return TerminalEstimate(
        count=count,
        low=min(count, round(report.low)),
        high=max(count, round(report.high * growth)),
        status="reported" if days <= REPORTED_FOR_DAYS else "assumed",
        source=source,
        date=max(day, report.date),
        reported=(round(report.terminals), report.date),
        offered=offered,
    )


def _by_rule(code: str, population: npt.ArrayLike, offered: bool | None) -> TerminalEstimate:  # noqa: FBT001
    group = income_group(code)
    count = math.fsum(thin_people(population, half_at=rule_value("half_at"))) * rule_value(f"rate_{group}") * region_factor(code)
    factor = math.exp(rule_value("spread") * rule_value("spread_in_range"))
    text = "rule for territories without a report ({group} income); it misses those with one by a factor of {factor:.1f}"
    source = Notice.of("source.terminals_rule", text, group=Notice.word("income", group), factor=math.exp(rule_value("spread")))
    low, high = round(count / factor), round(count * factor)
    return TerminalEstimate(round(count), low, high, "assumed", source, world_total()[1], None, offered)


@cache
def _reports() -> dict[tuple[str, str], _Report]:
    table = read_table("subscribers")
    count, low, high = (float_column(table, column) for column in ("terminals", "low", "high"))
    return {
        (operator, code): _Report(
            terminals=float(count[row]),
            low=float(count[row] if math.isnan(low[row]) else low[row]),
            high=float(count[row] if math.isnan(high[row]) else high[row]),
            source=table["source"][row],
            date=table["date"][row],
        )
        for row, (operator, code) in enumerate(zip(table["operator"], table["code"], strict=True))
        if code != WORLD
    }


@cache
def _world_totals(operator: str) -> dict[str, float]:
    """Day and number of each announcement."""
    table = read_table("subscribers")
    rows = zip(table["operator"], table["code"], table["date"], table["terminals"], strict=True)
    return {date: float(count) for whose, code, date, count in rows if (whose, code) == (operator, WORLD)}
