"""Invented but plausible findings of capacity, to draw the chapter from without a simulation."""

from dataclasses import replace
from functools import cache

import numpy as np
from tests.unit.report_sample import make_findings

from overflight.catalog.parameters import list_parameters
from overflight.clock import Instants
from overflight.study.capacity_findings import (
    Band,
    CapacityFindings,
    Demand,
    GatewayLoad,
    LinkRow,
    Minimum,
    Rates,
    Swing,
    Threshold,
    Uncertainty,
    Variant,
)
from overflight.study.findings import TerritoryFindings

KINDS = ("nothing", "spectrum", "beams", "channel", "satellite", "laser", "feeder", "gateway", "pop", "no_way", "unseen")
DAY = (72, 55, 42, 34, 30, 29, 31, 37, 44, 50, 54, 57, 60, 61, 62, 65, 69, 75, 82, 90, 97, 100, 96, 86)
"""Demand by local hour, percent of the busiest."""


def make_slots(start: np.datetime64, *, stretches: int = 36, stretch: int = 4, hours: float = 24.0) -> Instants:
    """Stretches of 15-s slots, evenly spread."""
    starts = np.linspace(0.0, hours * 3600.0 - 15.0 * stretch, stretches).round()
    seconds = np.unique((starts[:, None] + 15.0 * np.arange(stretch)).ravel())
    return start + seconds.astype("timedelta64[s]")


def make_demand(terminals: int, *, kind: str = "broadband", status: str = "assumed", spread: float = 3.0) -> Demand:
    """A territory's terminals with a range of a factor ``spread`` either way."""
    share, down, up = {"broadband": (0.0112, 400.0, 40.0), "failover": (1.0, 20.0, 4.0), "rate": (0.25, 100.0, 20.0)}[kind]
    return Demand(
        terminals=terminals,
        terminals_low=round(terminals / spread),
        terminals_high=round(terminals * spread),
        terminals_status=status,
        terminals_source="thin people × rate of the income group (docs/models/demand.md)",
        distribution="thin",
        kind=kind,
        active_share=share,
        down_mbps=down,
        up_mbps=up,
        busiest_gbps=terminals * share * down / 1000.0,
        country_gbps=4_710.0,
        country_low_gbps=1_880.0,
        country_high_gbps=11_770.0,
        others_cells=812,
        others_terminals=412_345.6,
        classes=(("consumer", terminals - terminals // 20), ("enterprise", terminals // 20)),
    )


def make_swings(median: float, capacity: float) -> tuple[Swing, ...]:
    """A tornado over every built-in parameter and the settings beside them."""
    random = np.random.default_rng(8)
    rows = [(row.name, row.low, row.value, row.high, row.unit, row.status) for row in list_parameters()]
    rows += [
        ("terminals", 4_000.0, 12_000.0, 36_000.0, "1", "assumed"),
        ("active_share", 0.005, 0.01, 0.03, "1", "assumed"),
        ("asked_mbps", 200.0, 400.0, 450.0, "Mbit/s", "assumed"),
        ("incumbents", 0.5, 1.0, 2.0, "1", "assumed"),
    ]
    widths = np.sort(random.gamma(0.4, 0.16, len(rows)))[::-1]
    order = random.permutation(len(rows))
    swings = []
    for width, index in zip(widths, order, strict=True):
        name, low, value, high, unit, status = rows[index]
        side = 1.0 if index % 3 else -1.0
        figures = [
            figure * (1.0 + side * sign * factor * min(width, 0.6))
            for figure, factor in ((median, 1.0), (capacity, 0.7))
            for sign in (-1, 1)
        ]
        swings.append(Swing(name, low, value, high, unit, status, *figures))
    return tuple(swings)


def make_variants(median: float, delivered: float, capacity: float) -> tuple[Variant, ...]:
    """Weather, others, landing, allocator, mask."""

    def row(name: str, value: float, label: str, factor: float, *, default: bool = False) -> Variant:
        return Variant(
            name,
            value,
            label,
            default,
            median * factor,
            0.3 * median * factor,
            delivered * min(1.0, factor),
            capacity * factor,
            61.0 / factor,
        )

    nan = float("nan")
    return (
        row("weather", nan, "clear", 1.0, default=True),
        row("weather", 1.0, "1", 0.97),
        row("weather", 0.1, "0.1", 0.78),
        row("weather", 0.01, "0.01", 0.41),
        row("others", 0.0, "off", 1.35),
        row("landing", nan, "load-aware", 1.0, default=True),
        row("landing", nan, "hot-potato", 0.9),
        row("landing", nan, "least-delay", 0.8),
        row("allocator", nan, "priority-greedy", 1.0, default=True),
        row("allocator", nan, "cosmosim-uncoordinated", 0.7),
        row("mask", 25.0, "25", 1.0, default=True),
        row("mask", 35.0, "35", 0.83),
        row("mask", 45.0, "45", 0.52),
    )


def make_uncertainty(slots: Instants, delivered: np.ndarray, median: float, capacity: float) -> Uncertainty:
    """Bands of 40 draws."""
    bands = (
        Band("median_mbps", 0.5 * median, median, 1.4 * median),
        Band("worst_tenth_mbps", 0.1 * median, 0.3 * median, 0.6 * median),
        Band("capacity_gbps", 0.6 * capacity, 0.97 * capacity, 1.3 * capacity),
        Band("delivered_gbps", 0.7 * delivered.mean(), delivered.mean(), 1.1 * delivered.mean()),
    )
    return Uncertainty(40, 7, bands, slots, np.stack([0.62 * delivered, delivered, 1.22 * delivered]))


LINK = (
    LinkRow("frequency", 11.7, "GHz"),
    LinkRow("width", 240.0, "MHz"),
    LinkRow("range", 612.4, "km"),
    LinkRow("elevation", 57.3, "°"),
    LinkRow("eirp", 11.32, "dBW/MHz"),
    LinkRow("eirp", 35.1, "dBW"),
    LinkRow("free_space_loss", 169.55, "dB"),
    LinkRow("attenuation", 0.18, "dB"),
    LinkRow("satellite_scan_loss", 0.71, "dB"),
    LinkRow("ground_scan_loss", 0.4, "dB"),
    LinkRow("other_losses", 1.3, "dB"),
    LinkRow("pfd", -115.4, "dB(W/m²)/MHz"),
    LinkRow("gt", 10.0, "dB/K"),
    LinkRow("noise_rise", 0.2, "dB"),
    LinkRow("c_over_n", 16.2, "dB"),
    LinkRow("c_over_i", 18.4, "dB"),
    LinkRow("c_over_ni", 14.1, "dB"),
    LinkRow("margin", 1.0, "dB"),
    LinkRow("efficiency", 3.71, "bit/s/Hz"),
    LinkRow("rate", 803.2, "Mbit/s"),
)


def make_capacity(
    findings: TerritoryFindings,
    *,
    cell_ids: np.ndarray | None = None,
    terminals: int = 12_000,
    kind: str = "broadband",
    status: str = "assumed",
    carried: float = 0.86,
    median: float = 143.0,
    slots: Instants | None = None,
    draws: bool = False,
    reported: float = float("nan"),
) -> CapacityFindings:
    """Return findings of capacity over all cells of a territory; ``carried`` is what is delivered of what is asked at the busiest slot."""
    cells = findings.cell_ids if cell_ids is None else cell_ids
    random = np.random.default_rng(11)
    demand = make_demand(terminals, kind=kind, status=status)
    slots = make_slots(findings.start) if slots is None else slots
    local = ((slots - slots[0].astype("datetime64[D]")) / np.timedelta64(1, "h") + 8.1) % 24.0
    level = np.interp(local, np.arange(25), np.append(DAY, DAY[0])) / 100.0
    asked = demand.busiest_gbps * (level if kind != "failover" else np.ones(len(slots)))
    limit = carried * demand.busiest_gbps * (1.0 + 0.04 * random.standard_normal(len(slots)))
    delivered = np.minimum(asked, limit)
    rows = np.unique(np.linspace(0, len(slots) - 1, min(12, len(slots))).round().astype(np.int64))
    capacity = np.full(len(rows), 2.1 * carried * demand.busiest_gbps) * (1.0 + 0.05 * random.standard_normal(len(rows)))
    weight = np.sort(random.lognormal(0.0, 1.3, len(cells)))[random.permutation(len(cells))]
    own = np.floor(terminals * weight / weight.sum() + random.uniform(0.0, 1.0, len(cells)))
    rate = np.minimum(demand.down_mbps, median * (weight / np.median(weight)) ** -0.6)
    bottlenecks, hours = make_bottlenecks(local, carried)
    rates = Rates(0.28 * median, median, min(demand.down_mbps, 2.4 * median), 1.1 * median)
    return CapacityFindings(
        demand=demand,
        slot_start=slots,
        stretch_slots=4,
        weather="clear",
        allocator="priority-greedy",
        landing="load-aware",
        down=rates,
        up=Rates(3.1, 11.4, 24.0, 12.2),
        busy_down=replace(rates, worst_tenth_mbps=0.22 * median, median_mbps=0.84 * median),
        thresholds=(Threshold(25.0, 3.0, 0.93, 0.93 * findings.population), Threshold(100.0, 20.0, 0.41, 0.41 * findings.population)),
        minimum=None,
        delivered_gbps=delivered,
        asked_gbps=asked,
        local_hour=local,
        capacity_gbps=capacity,
        capacity_rows=rows,
        bound_gbps=2.32 * carried * demand.busiest_gbps,
        fair_gbps=2.1 * carried * demand.busiest_gbps,
        bottlenecks=bottlenecks,
        bottleneck_hours=hours,
        cell_ids=cells,
        cell_population=np.full(len(cells), findings.population / len(cells)),
        cell_terminals=own,
        cell_down_mbps=np.where(own > 0, rate, np.nan),
        cell_beams=np.where(own > 0, np.minimum(8.0, 0.4 + weight), 0.0),
        gateways=tuple(
            GatewayLoad(site.name, site.country, site.status, site.share * float(delivered.mean()), site.share)
            for site in findings.fleets[0].gateways
        ),
        others_mbps=61.2,
        others_without_mbps=64.9,
        variants=make_variants(median, float(delivered.mean()), float(capacity.mean())),
        swings=make_swings(median, float(capacity.mean())),
        uncertainty=make_uncertainty(slots[rows], delivered[rows], median, float(capacity.mean())) if draws else None,
        link=LINK,
        reported_down_mbps=reported,
    )


def make_bottlenecks(local: np.ndarray, carried: float) -> tuple[tuple[tuple[str, float], ...], np.ndarray]:
    """Shares by kind, and by local hour where there is a slot."""
    busy = np.array(DAY)[:, None] / 100.0
    held = np.clip(busy - 0.45 * carried, 0.0, 1.0) * np.array([0.27, 0.34, 0.0, 0.08, 0.03, 0.21, 0.06, 0.01, 0.0, 0.0])
    hours = np.column_stack([1.0 - held.sum(axis=1), held])
    hours[~np.isin(np.arange(24), np.floor(local))] = np.nan
    return tuple(zip(KINDS, np.nanmean(hours, axis=0).tolist(), strict=True)), hours


def with_capacity(findings: TerritoryFindings, capacity: CapacityFindings | None) -> TerritoryFindings:
    """Give the first constellation findings of capacity."""
    return replace(findings, fleets=(replace(findings.fleets[0], capacity=capacity), *findings.fleets[1:]))


def nothing_served(capacity: CapacityFindings) -> CapacityFindings:
    """The same territory when no beam reaches it."""
    nan = float("nan")
    none = Rates(0.0, 0.0, 0.0, 0.0)
    hours = np.full((24, 1), nan)
    return replace(
        capacity,
        down=none,
        up=none,
        busy_down=none,
        thresholds=tuple(replace(row, share=0.0, people=0.0) for row in capacity.thresholds),
        delivered_gbps=np.zeros_like(capacity.delivered_gbps),
        capacity_gbps=np.zeros_like(capacity.capacity_gbps),
        bound_gbps=0.0,
        fair_gbps=0.0,
        bottlenecks=(),
        bottleneck_hours=hours,
        cell_down_mbps=np.where(np.isfinite(capacity.cell_down_mbps), 0.0, nan),
        cell_beams=np.zeros_like(capacity.cell_beams),
        gateways=(),
        others_mbps=nan,
        others_without_mbps=nan,
        variants=(),
        swings=(),
        link=(),
    )


def nobody_there(capacity: CapacityFindings) -> CapacityFindings:
    """The same territory without a single terminal."""
    nan = float("nan")
    none, empty = Rates(nan, nan, nan, nan), np.zeros_like(capacity.delivered_gbps)
    demand = replace(
        capacity.demand,
        terminals=0,
        terminals_low=0,
        terminals_high=0,
        busiest_gbps=0.0,
        country_gbps=nan,
        country_low_gbps=nan,
        country_high_gbps=nan,
        active_share=nan,
        down_mbps=nan,
        up_mbps=nan,
        classes=(),
    )
    return replace(
        capacity,
        demand=demand,
        down=none,
        up=none,
        busy_down=none,
        thresholds=tuple(replace(row, share=nan, people=nan) for row in capacity.thresholds),
        delivered_gbps=empty,
        asked_gbps=empty,
        bottlenecks=(),
        bottleneck_hours=np.full((24, 0), nan),
        cell_terminals=np.zeros_like(capacity.cell_terminals),
        cell_down_mbps=np.full_like(capacity.cell_down_mbps, nan),
        gateways=(),
        capacity_gbps=empty[capacity.capacity_rows],
        bound_gbps=nan,
        fair_gbps=nan,
        variants=(),
        swings=(),
        link=(),
    )


@cache
def capacity_samples() -> dict[str, TerritoryFindings]:
    """Territories with findings of capacity, by what is special about them."""
    taiwan = make_findings("TW", slots=480)
    tonga = make_findings("TO", slots=480)
    nauru = make_findings("NR", slots=8)
    fiji = make_findings("FJ", slots=480)
    south_africa = make_findings("ZA", slots=480, sample=300)
    usual = make_capacity(taiwan)
    one = make_capacity(nauru, terminals=40, median=400.0, carried=1.0, slots=make_slots(nauru.start, stretches=1, stretch=8, hours=0.05))
    one = replace(
        one, bottleneck_hours=one.bottleneck_hours, gateways=one.gateways[:1], demand=replace(one.demand, terminals_status="reported")
    )
    failover = make_capacity(tonga, terminals=6_000, kind="failover", carried=0.31, median=6.2, reported=float("nan"))
    everyone = replace(usual, down=Rates(400.0, 400.0, 400.0, 400.0), busy_down=Rates(400.0, 400.0, 400.0, 400.0))
    return {
        "not offered": with_capacity(taiwan, replace(usual, minimum=Minimum(50.0, 31.4))),
        "failover": with_capacity(tonga, failover),
        "many cells": with_capacity(
            south_africa, make_capacity(south_africa, cell_ids=all_cells("ZA"), terminals=90_000, median=71.0, draws=True)
        ),
        "without capacity": with_capacity(taiwan, None),
        "with draws": with_capacity(fiji, replace(make_capacity(fiji, draws=True, reported=151.3), minimum=Minimum(20.0, 31.4))),
        "nothing served": with_capacity(taiwan, nothing_served(usual)),
        "nobody there": with_capacity(taiwan, nobody_there(usual)),
        "one cell": with_capacity(nauru, one),
        "all that is asked": with_capacity(taiwan, everyone),
    }


@cache
def all_cells(code: str) -> np.ndarray:
    """All cells of a territory whose findings are thinned."""
    return make_findings(code, slots=1).cell_ids
