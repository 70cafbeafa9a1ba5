"""What a comparison of two policies found, as frozen tables; every pair is (before, after)."""

import hashlib
import json
import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from overflight.clock import format_time
from overflight.study.findings import Assumption

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
Pair = tuple[float, float]

WORSE = 0.02
"""A share of terminals and slots that falls by more than this is worse."""

KIND = "overflight-assessment"
SCHEMA = 1
"""Version of the document: keys are added, never renamed or removed."""

FIGURES = 6
"""Significant figures of numbers in the document: what differs beyond them between machines is rounding."""


@dataclass(frozen=True, slots=True)
class PolicySide:
    """One of the policies: as it was named, its own name, its hash (None: no policy), rules, and what decides in the end."""

    named: str
    name: str
    sha256: str | None
    date: str
    source: str
    rules: int
    default: str


@dataclass(frozen=True, slots=True)
class Lives:
    """People of the territory by how terminals of the class asked about stand at their place, before and after.

    ``served`` counts those that are served at a limit, too; ``listed_only`` those where none but listed terminals are.
    """

    total: float
    served: Pair
    limited: Pair
    listed_only: Pair
    gaining: float
    losing: float
    limited_anew: float
    freed_of_limit: float


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Cells of the territory: served in whole and in part, before and after; and how many gain or lose some or all of their area."""

    total: int
    whole: tuple[int, int]
    partly: tuple[int, int]
    gaining: int
    losing: int


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Terminals of a class (or of an owner): all, and those served and limited before and after."""

    name: str
    terminals: float
    served: Pair
    limited: Pair
    gaining: float
    losing: float


@dataclass(frozen=True, slots=True)
class KnownTerminals:
    """Terminals whose positions were given: in the territory and everywhere, by class and by owner, and the first of those that change."""

    total: int
    in_territory: int
    by_class: tuple[ClassChange, ...]
    by_owner: tuple[ClassChange, ...]
    losing: tuple[tuple[str, str, str], ...]
    """Identifier, owner and rule of some terminals that lose service."""


@dataclass(frozen=True, slots=True)
class RateChange:
    """Rates of active terminals of the territory and what they get together, before and after; NaN where nobody asks.

    Margins: the change lies within so much of what slots without number would show, in 95 of 100 cases; NaN of a single slot.
    """

    active_terminals: Pair
    median_mbps: Pair
    worst_tenth_mbps: Pair
    delivered_gbps: Pair
    capacity_gbps: Pair
    median_margin_mbps: float = math.nan
    worst_tenth_margin_mbps: float = math.nan
    delivered_margin_gbps: float = math.nan
    capacity_margin_gbps: float = math.nan


@dataclass(frozen=True, slots=True)
class NeighbourChange:
    """A territory that shares the satellites: active terminals, their mean rate with the margin of its change, and all together."""

    code: str
    name: str
    name_fr: str
    active_terminals: Pair
    mean_mbps: Pair
    delivered_gbps: Pair
    mean_margin_mbps: float = math.nan


@dataclass(frozen=True, slots=True)
class GatewayChange:
    """A gateway: all that it lands, with the margin of its change, and the territory's share of that."""

    name: str
    country: str
    status: str
    landed_gbps: Pair
    own_gbps: Pair
    landed_margin_gbps: float = math.nan


@dataclass(frozen=True, slots=True)
class EdgeBand:
    """People at some distance from the line between served and denied.

    ``denied`` and ``allowed`` live on either side; of them, ``lit_by_cell`` and ``dark_by_cell`` are on the wrong side of what the operator
    can switch, which is whole cells; ``lit_by_beam`` are denied but within 3 dB of the middle of a beam that is lit for somebody else.
    """

    from_km: float
    to_km: float
    denied: float
    lit_by_cell: float
    lit_by_beam: float
    allowed: float
    dark_by_cell: float


@dataclass(frozen=True, slots=True)
class Edge:
    """How sharp the line is under one policy; no bands where there is no line."""

    bands: tuple[EdgeBand, ...]
    around_km: float
    beam_along_km: float
    beam_across_km: float
    """Size of a beam within 3 dB, the median over those that light the territory's cells."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another constellation over the cells that lose service: what it has in view, and what it could give where its ground is known."""

    name: str
    title: str
    operator: str
    status: str
    satellites_mean: float
    covered_fraction: float
    is_ground_known: bool
    served_fraction: float
    median_mbps: float
    delivered_gbps: float


@dataclass(frozen=True, slots=True)
class Keeping:
    """A contract under one policy.

    Attributes
    ----------
    state
        ``kept``; ``denied``: some of its terminals may not be served; ``limited``: some only at less than was committed; ``short``: they
        may, but the rate is not reached often enough; ``not-agreed``: not in force at the time simulated.
    served_share
        Share of its terminals that may be served.
    met_share
        Share of active terminals and slots with the committed rate, in weather that is worse only in the time that the commitment leaves
        over; NaN where it was not simulated.
    rules
        Rules that deny or limit.
    """

    state: str
    served_share: float
    short_share: float
    met_share: float
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """A contract before and after."""

    name: str
    customer: str
    territories: tuple[str, ...]
    terminals: int
    terminal_class: str
    down_mbps: float
    up_mbps: float
    availability_percent: float
    value_per_year: float
    currency: str
    before: Keeping
    after: Keeping

    @property
    def change(self) -> str:
        """``broken``, ``mended``, ``kept``, ``unkept`` (in both), or ``not-agreed``."""
        if "not-agreed" in {self.before.state, self.after.state}:
            return "not-agreed"
        kept = self.before.state == "kept", self.after.state == "kept"
        return {(True, True): "kept", (True, False): "broken", (False, True): "mended", (False, False): "unkept"}[kept]

    @property
    def is_worse(self) -> bool:
        """Whether it is kept neither before nor after, and its rate is reached noticeably less often after."""
        return self.change == "unkept" and self.after.met_share < self.before.met_share - WORSE


@dataclass(frozen=True, slots=True)
class PolicyComparison:
    """Two policies over one territory: what changes, for whom, and what it rests on.

    Attributes of cells have the shape (cells,), in the order of ``cell_ids``: people, share of them served before and after, and rate of an
    active terminal before and after (NaN where none is). ``settings`` are those that differ between two scenarios: key and both values.
    """

    code: str
    name: str
    name_fr: str
    outline: shapely.Geometry | None = field(repr=False)
    worldview: str
    borders_source: str
    start: np.datetime64
    end: np.datetime64
    step_s: float
    slots: int
    constellation: str
    terminal_class: str
    policies: tuple[PolicySide, PolicySide]
    diff: dict[str, tuple[str, ...]]
    settings: tuple[tuple[str, str, str], ...]
    lives: Lives
    cells: CellCounts
    classes: tuple[ClassChange, ...]
    terminals_source: str
    terminals_status: str
    listed_share: Pair
    known: KnownTerminals | None
    rates: RateChange
    neighbours: tuple[NeighbourChange, ...]
    gateways: tuple[GatewayChange, ...]
    edges: tuple[Edge, Edge]
    alternatives: tuple[Alternative, ...]
    contracts: tuple[ContractCheck, ...]
    cell_ids: Cells
    cell_population: Floats
    cell_served: tuple[Floats, Floats]
    cell_mbps: tuple[Floats, Floats]
    warnings: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    inputs: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    scenario: dict[str, Any]
    scenario_after: dict[str, Any] | None
    summary: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the document: plain data with stable keys."""
        document: dict[str, Any] = _figures(
            {
                "document": KIND,
                "schema": SCHEMA,
                "policies": {
                    "before": self.policies[0].sha256,
                    "after": self.policies[1].sha256,
                    "names": [side.name for side in self.policies],
                    "rules": [side.rules for side in self.policies],
                    "defaults": [side.default for side in self.policies],
                    "diff": {key: list(names) for key, names in self.diff.items()},
                },
                "summary": [str(line) for line in self.summary],
                "territory": {"code": self.code, "name": self.name, "cells": len(self.cell_ids), "population": self.lives.total},
                "time": {"start": format_time(self.start), "end": format_time(self.end), "step_s": self.step_s, "slots": self.slots},
                "constellation": self.constellation,
                "class": self.terminal_class,
                "people": _pick(
                    self.lives, "total", "served", "limited", "listed_only", "gaining", "losing", "limited_anew", "freed_of_limit"
                ),
                "cells": {
                    "total": self.cells.total,
                    "served_whole": list(self.cells.whole),
                    "served_partly": list(self.cells.partly),
                    **_pick(self.cells, "gaining", "losing"),
                },
                "terminals": {
                    "source": str(self.terminals_source),
                    "status": self.terminals_status,
                    "listed_share": list(self.listed_share),
                    "by_class": [_class_dict(row) for row in self.classes],
                    "known": None if self.known is None else _known_dict(self.known),
                },
                "rates": _pick(self.rates, *(field.name for field in fields(RateChange))),
                "neighbours": [_pick(row, *_NEIGHBOUR_KEYS) for row in self.neighbours],
                "gateways": [_pick(row, *_GATEWAY_KEYS) for row in self.gateways],
                "edges": [_edge_dict(edge) for edge in self.edges],
                "alternatives": [_alternative_dict(row) for row in self.alternatives],
                "contracts": [_contract_dict(row) for row in self.contracts],
                "by_cell": self._list_cells(),
                "warnings": [str(text) for text in self.warnings],
                "assumptions": [_pick(row, "name", "value", "status", "source") for row in self.assumptions],
                "inputs": [{"name": str(name), "sha256": sha256} for name, sha256 in self.inputs],
                "settings": [{"key": key, "before": before, "after": after} for key, before, after in self.settings],
                "versions": dict(self.versions),
            }
        )
        # What was given stands as it was given.
        for row, check in zip(document["contracts"], self.contracts, strict=True):
            row |= {key: getattr(check, key) for key in ("down_mbps", "up_mbps", "availability_percent", "value_per_year")}
        return document | {"scenario": self.scenario, "scenario_after": self.scenario_after}

    def _list_cells(self) -> list[dict[str, Any]]:
        columns = (values.tolist() for values in (self.cell_ids, self.cell_population, *self.cell_served, *self.cell_mbps))
        return [
            {"cell": f"{int(cell):x}", "population": people, "served": [served, served_after], "mbps": [mbps, mbps_after]}
            for cell, people, served, served_after, mbps, mbps_after in zip(*columns, strict=True)
        ]

    def to_json(self) -> str:
        """Write the document: the same inputs give the same text, whose SHA-256 is its address."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def digest(self) -> str:
        """SHA-256 of the document as it is written."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def is_sure(change: Pair, margin: float) -> bool:
    """Whether a change is more than the differences between slots; of a single slot that is not known."""
    return abs(change[1] - change[0]) > margin


_NEIGHBOUR_KEYS = ("code", "name", "active_terminals", "mean_mbps", "mean_margin_mbps", "delivered_gbps")
_GATEWAY_KEYS = ("name", "country", "status", "landed_gbps", "landed_margin_gbps", "own_gbps")
_BAND_KEYS = ("from_km", "to_km", "denied", "lit_by_cell", "lit_by_beam", "allowed", "dark_by_cell")
_PROMISE_KEYS = ("down_mbps", "up_mbps", "availability_percent", "value_per_year", "currency", "change")
"""Keys of rows in the document that are called as in their tables, in the document's order."""


def _pick(row: Any, *names: str) -> dict[str, Any]:
    """Some fields of a table by their names; pairs and listings become lists."""
    values = ((name, getattr(row, name)) for name in names)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


def _class_dict(row: ClassChange) -> dict[str, Any]:
    return _pick(row, "name", "terminals", "served", "limited", "gaining", "losing")


def _known_dict(known: KnownTerminals) -> dict[str, Any]:
    return {
        "total": known.total,
        "in_territory": known.in_territory,
        "by_class": [_class_dict(row) for row in known.by_class],
        "by_owner": [_class_dict(row) for row in known.by_owner],
        "losing": [{"terminal": name, "owner": owner, "rule": rule} for name, owner, rule in known.losing],
    }


def _edge_dict(edge: Edge) -> dict[str, Any]:
    bands = [_pick(row, *_BAND_KEYS) for row in edge.bands]
    return {**_pick(edge, "around_km", "beam_along_km", "beam_across_km"), "bands": bands}


def _alternative_dict(row: Alternative) -> dict[str, Any]:
    return {
        **_pick(row, "name", "operator", "status", "satellites_mean", "covered_fraction"),
        "ground_known": row.is_ground_known,
        **_pick(row, "served_fraction", "median_mbps", "delivered_gbps"),
    }


def _contract_dict(row: ContractCheck) -> dict[str, Any]:
    sides = {"before": row.before, "after": row.after}
    return {
        **_pick(row, "name", "customer", "territories", "terminals"),
        "class": row.terminal_class,
        **_pick(row, *_PROMISE_KEYS),
        **{name: _pick(side, "state", "served_share", "short_share", "met_share", "rules") for name, side in sides.items()},
    }


def _figures(value: Any) -> Any:
    """Plain data with numbers to `FIGURES` significant figures; what is not a number has no value there."""
    if isinstance(value, dict):
        return {key: _figures(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_figures(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{FIGURES}g}") if np.isfinite(value) else None
    return value
