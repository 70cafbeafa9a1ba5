"""What is found of capacity, as plain frozen tables: the chapter of the report, the key ``capacity`` of its JSON, the Python results."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.clock import Instants, format_time

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Demand:
    """Who asks for how much.

    Attributes
    ----------
    terminals, terminals_low, terminals_high
        Terminals in the territory, and the range of the estimate; the same three times where the user gave the number.
    terminals_status, terminals_source
        How sure the number is, and whence it comes.
    distribution
        How they are spread over cells: a method, or ``file``.
    kind
        ``broadband``, ``rates`` (so many Mbit/s per terminal) or ``failover``.
    active_share
        Share of the terminals that are active at the busiest hour, mean over classes.
    down_mbps, up_mbps
        What an active terminal asks for, mean over classes.
    busiest_gbps
        What all ask for together in the busiest slot, downlink.
    country_gbps, country_low_gbps, country_high_gbps
        All international traffic of the territory at its busiest hour, as estimated from its people and income, and the range of that; as
        given where the user gave it. NaN where nobody lives.
    others_cells, others_terminals
        Cells and terminals elsewhere that see the same satellites.
    classes
        Name and number of terminals of each class that is there.
    """

    terminals: int
    terminals_low: int
    terminals_high: int
    terminals_status: str
    terminals_source: str
    distribution: str
    kind: str
    active_share: float
    down_mbps: float
    up_mbps: float
    busiest_gbps: float
    country_gbps: float
    country_low_gbps: float
    country_high_gbps: float
    others_cells: int
    others_terminals: float
    classes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Rates:
    """Rate of an active terminal over cells and slots, weighted by active terminals, Mbit/s; NaN where nobody is active."""

    worst_tenth_mbps: float
    median_mbps: float
    best_tenth_mbps: float
    mean_mbps: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """Share of active terminals whose cell gives them at least these rates, mean over slots, and people who use such terminals."""

    down_mbps: float
    up_mbps: float
    share: float
    people: float


@dataclass(frozen=True, slots=True)
class Minimum:
    """Whether everyone can have a rate: asked for, and the greatest that all active terminals can have at once in the worst slot."""

    asked_mbps: float
    feasible_mbps: float

    @property
    def is_feasible(self) -> bool:
        """Whether what is asked for can be had."""
        return self.asked_mbps <= self.feasible_mbps


@dataclass(frozen=True, slots=True)
class GatewayLoad:
    """What a gateway lands of the territory's traffic, and how full it is with everyone's: means over slots, and the fullest slot."""

    name: str
    country: str
    status: str
    delivered_gbps: float
    share: float


@dataclass(frozen=True, slots=True)
class Variant:
    """The answer under one change; the same slots for all of a table.

    Attributes
    ----------
    name
        What was changed: a parameter, or ``weather``, ``others``, ``demand``.
    value
        Its value; NaN where it has none.
    label
        The value in words: ``0.01``, ``clear``.
    is_default
        Whether the scenario has it so.
    median_mbps, worst_tenth_mbps
        Rate of an active terminal.
    delivered_gbps
        What the territory's terminals get together, mean over the slots.
    capacity_gbps
        What they could get at most if they asked for ever more.
    others_mbps
        Mean rate of an active terminal elsewhere; NaN where there is none.
    """

    name: str
    value: float
    label: str
    is_default: bool
    median_mbps: float
    worst_tenth_mbps: float
    delivered_gbps: float
    capacity_gbps: float
    others_mbps: float


@dataclass(frozen=True, slots=True)
class Swing:
    """What one parameter does to the answer over its range: a bar of the tornado chart, the widest first.

    ``low``, ``value``, ``high`` are the parameter's; each of the figures stands for low and high. ``unit`` and ``status`` are those of
    its row in the table of parameters.
    """

    name: str
    low: float
    value: float
    high: float
    unit: str
    status: str
    median_low_mbps: float
    median_high_mbps: float
    capacity_low_gbps: float
    capacity_high_gbps: float


@dataclass(frozen=True, slots=True)
class Band:
    """Tenth, median and ninetieth percentile of a figure over the draws of all parameters."""

    name: str
    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """What the draws found; ``by_hour`` are the bands of what is delivered in each slot, Gbit/s, shape (3, slots)."""

    draws: int
    seed: int
    bands: tuple[Band, ...]
    slot_start: Instants
    by_slot_gbps: Floats


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One line of a worked link budget: what it is, its value and unit."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class CapacityFindings:
    """Capacity of one constellation over a territory.

    Attributes
    ----------
    slot_start
        Slots worked out: stretches, evenly spread over the run, shape (slots,).
    stretch_slots
        Slots that follow one another in a stretch.
    weather
        What the links were worked out in, in words.
    down, up
        Rates over all slots; ``busy_down`` over the slots in which the most terminals are active.
    delivered_gbps, asked_gbps
        What the territory's terminals get and ask for together, downlink, shape (slots,).
    capacity_gbps, capacity_slots
        National capacity: what they could get at most if they asked for ever more, and the slots of the run (rows of ``slot_start``)
        in which that was worked out, shape (k,).
    bound_gbps, fair_gbps
        Greatest total throughput of any sharing (linear programme), and what max-min fairness makes of the same beams, in some of
        these slots.
    bottlenecks
        Kind of resource (`overflight.flow.summary.CellBound`, small letters) and the share of active terminals that it holds back, mean
        over slots; ``nothing`` for those who get all they ask for.
    bottleneck_hours
        The same by hour of local solar time, shape (24, kinds); NaN for an hour without a slot.
    cell_down_mbps
        Mean rate of an active terminal by cell, NaN where there is none, shape (cells,), cells in the order of ``cell_ids``.
    cell_beams
        Mean number of channels on each cell, shape (cells,).
    gateways
        By falling share.
    others_mbps, others_without_mbps
        Mean rate of an active terminal elsewhere, with and without the territory's demand: the price that others pay.
    variants
        Weather and other changes.
    swings
        The tornado chart, widest first.
    """

    demand: Demand
    slot_start: Instants
    stretch_slots: int
    weather: str
    allocator: str
    landing: str
    down: Rates
    up: Rates
    busy_down: Rates
    thresholds: tuple[Threshold, ...]
    minimum: Minimum | None
    delivered_gbps: Floats
    asked_gbps: Floats
    local_hour: Floats
    capacity_gbps: Floats
    capacity_rows: npt.NDArray[np.int64]
    bound_gbps: float
    fair_gbps: float
    bottlenecks: tuple[tuple[str, float], ...]
    bottleneck_hours: Floats
    cell_ids: npt.NDArray[np.uint64]
    cell_population: Floats
    cell_terminals: Floats
    cell_down_mbps: Floats
    cell_beams: Floats
    gateways: tuple[GatewayLoad, ...]
    others_mbps: float
    others_without_mbps: float
    variants: tuple[Variant, ...]
    swings: tuple[Swing, ...]
    uncertainty: Uncertainty | None
    link: tuple[LinkRow, ...]
    reported_down_mbps: float
    """The operator's own published median of the territory, where it is built in; NaN where not."""

    @property
    def capacity_mean_gbps(self) -> float:
        """National capacity, mean over the slots in which it was worked out."""
        return float(self.capacity_gbps.mean()) if len(self.capacity_gbps) else float("nan")

    def headline_dict(self) -> dict[str, Any]:
        """Return what constellations are compared by."""
        return {
            "terminals": self.demand.terminals,
            "down_median_mbps": rounded(self.down.median_mbps, 3),
            "busy_down_median_mbps": rounded(self.busy_down.median_mbps, 3),
            "national_capacity_gbps": rounded(self.capacity_mean_gbps, 3),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the key ``capacity`` of the report's JSON."""
        demand = self.demand
        return {
            "terminals": demand.terminals,
            "terminals_low": demand.terminals_low,
            "terminals_high": demand.terminals_high,
            "terminals_status": demand.terminals_status,
            "terminals_source": demand.terminals_source,
            "distribution": demand.distribution,
            "demand": demand.kind,
            "active_share": rounded(demand.active_share, 4),
            "asked_down_mbps": rounded(demand.down_mbps, 2),
            "asked_up_mbps": rounded(demand.up_mbps, 2),
            "asked_busiest_gbps": rounded(demand.busiest_gbps, 3),
            "country_gbps": rounded(demand.country_gbps, 3),
            "country_low_gbps": rounded(demand.country_low_gbps, 3),
            "country_high_gbps": rounded(demand.country_high_gbps, 3),
            "classes": [{"name": name, "terminals": count} for name, count in demand.classes],
            "weather": self.weather,
            "slots": len(self.slot_start),
            "stretch_slots": self.stretch_slots,
            "allocator": self.allocator,
            "landing": self.landing,
            "down": rates_dict(self.down),
            "up": rates_dict(self.up),
            "busy_down": rates_dict(self.busy_down),
            "thresholds": [
                {"down_mbps": row.down_mbps, "up_mbps": row.up_mbps, "share": rounded(row.share, 6), "people": round(row.people)}
                for row in self.thresholds
            ],
            "minimum": None
            if self.minimum is None
            else {
                "asked_mbps": self.minimum.asked_mbps,
                "feasible_mbps": rounded(self.minimum.feasible_mbps, 3),
                "is_feasible": self.minimum.is_feasible,
            },
            "national_capacity_gbps": rounded(self.capacity_mean_gbps, 3),
            "delivered_mean_gbps": rounded(float(self.delivered_gbps.mean()), 3) if len(self.delivered_gbps) else None,
            "delivered_max_gbps": rounded(float(self.delivered_gbps.max()), 3) if len(self.delivered_gbps) else None,
            "bound_gbps": rounded(self.bound_gbps, 3),
            "fair_gbps": rounded(self.fair_gbps, 3),
            "series": [
                {"time": format_time(instant), "delivered_gbps": rounded(float(got), 4), "asked_gbps": rounded(float(asked), 4)}
                for instant, got, asked in zip(self.slot_start, self.delivered_gbps, self.asked_gbps, strict=True)
            ],
            "bottlenecks": [{"kind": kind, "share": rounded(share, 4)} for kind, share in self.bottlenecks],
            "gateways": [
                {
                    "name": row.name,
                    "country": row.country,
                    "status": row.status,
                    "delivered_gbps": rounded(row.delivered_gbps, 4),
                    "share": rounded(row.share, 4),
                }
                for row in self.gateways
            ],
            "others": {
                "cells": demand.others_cells,
                "terminals": rounded(demand.others_terminals, 0),
                "mean_mbps": rounded(self.others_mbps, 3),
                "mean_without_mbps": rounded(self.others_without_mbps, 3),
            },
            "variants": [variant_dict(row) for row in self.variants],
            "sensitivity": [
                {
                    "parameter": row.name,
                    "low": row.low,
                    "value": row.value,
                    "high": row.high,
                    "unit": row.unit,
                    "status": row.status,
                    "median_low_mbps": rounded(row.median_low_mbps, 3),
                    "median_high_mbps": rounded(row.median_high_mbps, 3),
                    "capacity_low_gbps": rounded(row.capacity_low_gbps, 3),
                    "capacity_high_gbps": rounded(row.capacity_high_gbps, 3),
                }
                for row in self.swings
            ],
            "uncertainty": None
            if self.uncertainty is None
            else {
                "draws": self.uncertainty.draws,
                "seed": self.uncertainty.seed,
                "bands": [
                    {"figure": band.name, "p10": rounded(band.p10, 4), "p50": rounded(band.p50, 4), "p90": rounded(band.p90, 4)}
                    for band in self.uncertainty.bands
                ],
            },
            "link": [{"name": row.name, "value": rounded(row.value, 4), "unit": row.unit} for row in self.link],
        }


def rounded(value: float | None, digits: int) -> float | None:
    """Round for JSON; what is not a number has no value there."""
    return None if value is None or not np.isfinite(value) else round(float(value), digits)


def rates_dict(rates: Rates) -> dict[str, float | None]:
    """The keys of `Rates` in JSON."""
    names = ("worst_tenth_mbps", "median_mbps", "best_tenth_mbps", "mean_mbps")
    return {name: rounded(getattr(rates, name), 3) for name in names}


def variant_dict(row: Variant) -> dict[str, Any]:
    """The keys of `Variant` in JSON."""
    figures = ("median_mbps", "worst_tenth_mbps", "delivered_gbps", "capacity_gbps", "others_mbps")
    return {
        "changed": row.name,
        "value": rounded(row.value, 6),
        "label": row.label,
        "is_default": row.is_default,
        **{name: rounded(getattr(row, name), 3) for name in figures},
    }
