"""What a study finds, as plain frozen tables: the one source of ``report.html``, of ``--json`` and of the Python results."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.catalog.availability import verdict_words
from overflight.clock import Instants, format_time
from overflight.study.capacity_findings import CapacityFindings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Assumption:
    """A value the answer rests on: how sure we are of it, and whence it comes."""

    name: str
    value: str
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Figures of merit of coverage over the territory's cells and slots (definitions: docs/models/coverage.md).

    Attributes
    ----------
    satellites_in_view_mean, satellites_in_view_min
        Satellites above the elevation mask, over cells and slots.
    satellites_usable_mean, satellites_usable_min
        The same after geostationary-arc avoidance and with a way to a gateway: satellites that may serve.
    covered_fraction
        Share of cells × slots with a satellite that may serve.
    longest_gap_s
        Longest time any one cell had none.
    accesses
        Accesses (one satellite rising above and setting below the mask of one cell), mean over cells.
    gaps
        Gaps (unbroken times without a satellite that may serve), mean over cells.
    revisit_mean_s
        Mean length of a gap over all cells (STK: average revisit time); 0 without gaps.
    satisfied_fraction, required_satellites
        Share of cells × slots with at least so many satellites that may serve (STK: satisfaction).
    """

    satellites_in_view_mean: float
    satellites_in_view_min: int
    satellites_usable_mean: float
    satellites_usable_min: int
    covered_fraction: float
    longest_gap_s: float
    accesses: float
    gaps: float = 0.0
    revisit_mean_s: float = 0.0
    satisfied_fraction: float = 1.0
    required_satellites: int = 1


@dataclass(frozen=True, slots=True)
class Latency:
    """Round-trip time over cells and slots in milliseconds; all None when nothing is served.

    The parts are medians (round trip): user link, lasers and feeder link at the speed of light, fibre from gateway to PoP, and the
    access term (framing, scheduling, processing). ``histogram_density`` has one value per bin of ``histogram_edges_ms`` and sums to 1.
    """

    p20_ms: float | None
    p50_ms: float | None
    p80_ms: float | None
    propagation_p50_ms: float | None
    user_link_p50_ms: float | None
    isl_p50_ms: float | None
    feeder_p50_ms: float | None
    backhaul_p50_ms: float | None
    access_p50_ms: float | None
    histogram_edges_ms: Floats
    histogram_density: Floats
    propagation_density: Floats
    """Histogram of propagation + backhaul alone, on the same edges."""


@dataclass(frozen=True, slots=True)
class LandingSite:
    """A gateway or PoP and its share of the served cell-slots."""

    name: str
    country: str
    lat_deg: float
    lon_deg: float
    share: float
    status: str = "reported"
    """How sure it is that the site exists: ``assumed`` where no list has it."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The answer with one setting changed. ``parameter`` is ``elevation_mask_deg`` or ``arc_avoidance_deg``."""

    parameter: str
    value: float
    is_default: bool
    satellites_usable_mean: float
    satellites_usable_min: int
    covered_fraction: float
    latency_p50_ms: float | None


@dataclass(frozen=True, slots=True)
class FleetFindings:
    """One constellation over one territory."""

    name: str
    title: str
    operator: str
    source: str
    satellites_read: int
    satellites_used: int
    left_out: tuple[tuple[str, int], ...]
    """Reason and count of satellites that were read but not used."""
    epoch_median: np.datetime64
    element_age_days: float
    shells: tuple[tuple[float, float, int], ...]
    """Inclination (degrees), mean altitude (km) and satellites of each populated shell."""
    mask_deg: float
    arc_avoidance_deg: float
    topology: str
    strategy: str
    coverage: Coverage
    latency: Latency
    slot_start: Instants
    """Shape (slots,)."""
    in_view_mean: Floats
    """Satellites above the mask, mean over cells, shape (slots,)."""
    in_view_min: Floats
    in_view_max: Floats
    usable_mean: Floats
    """Satellites that may serve, mean over cells, shape (slots,)."""
    usable_min: Floats
    cell_in_view_mean: Floats
    """Per cell, shape (cells,)."""
    cell_usable_mean: Floats
    cell_covered_fraction: Floats
    cell_latency_p50_ms: Floats
    """Per cell, NaN where never served, shape (cells,)."""
    gateways: tuple[LandingSite, ...]
    pops: tuple[LandingSite, ...]
    landing_countries: tuple[tuple[str, float], ...]
    """Country (alpha-2) of the gateway where traffic comes to ground, and its share."""
    served_fraction: float
    isl_share: float
    """Share of served cell-slots whose way uses at least one laser link."""
    handovers_per_hour: float
    mean_run_slots: float
    serving_elevation_p50_deg: float
    sensitivity: tuple[Sensitivity, ...] = ()
    ground_known: bool = True
    """Whether gateways and PoPs of this constellation are known; without them nothing is said of ways and latency."""
    capacity: CapacityFindings | None = None
    """Who gets how much; None where it was not worked out."""


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """The operator's public word on the territory.

    ``status`` is our reading of it, a key of `overflight.catalog.availability.VERDICTS`; ``published`` is the operator's own word.
    """

    status: str
    published: str
    expected: str
    source: str
    date: str
    served_cells: int
    denied_cells: int
    denied_cell_ids: npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class TerritoryFindings:
    """Everything that the report on a territory says."""

    code: str
    name: str
    name_fr: str
    area_km2: float
    population: float
    cell_ids: npt.NDArray[np.uint64]
    """The cells that were simulated, shape (cells,)."""
    cell_population: Floats
    cells_total: int
    """All cells of the territory; larger than ``len(cell_ids)`` when a large territory was sampled."""
    outline: Any
    """The borders as a shapely geometry in degrees."""
    worldview: str
    borders_source: str
    countries: tuple[str, ...]
    """Countries (alpha-2) that its cells lie in; the territory itself, if it is one; none at sea."""
    start: np.datetime64
    end: np.datetime64
    step_s: float
    slots: int
    policy: PolicyStatus
    fleets: tuple[FleetFindings, ...]
    warnings: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    versions: tuple[tuple[str, str], ...]
    scenario_toml: str
    inputs: tuple[tuple[str, str], ...]
    """Name and SHA-256 of each input file or built-in table."""

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON: stable keys, units in names. The first fleet is the subject, the others are its comparison."""
        first = self.fleets[0]
        coverage, latency = first.coverage, first.latency
        return {
            "territory": {
                "code": self.code,
                "name": self.name,
                "name_fr": self.name_fr,
                "cells": self.cells_total,
                "cells_simulated": len(self.cell_ids),
                "area_km2": round(self.area_km2, 1),
                "population": round(self.population),
                "worldview": self.worldview,
            },
            "time": {"start": format_time(self.start), "end": format_time(self.end), "step_s": self.step_s, "slots": self.slots},
            "constellations": [_fleet_dict(fleet) for fleet in self.fleets],
            "policy": {
                "status": verdict_words(self.policy.status, self.policy.expected),
                "verdict": self.policy.status,
                "published": self.policy.published,
                "expected": self.policy.expected,
                "source": self.policy.source,
                "date": self.policy.date,
                "served_cells": self.policy.served_cells,
                "denied_cells": self.policy.denied_cells,
            },
            "coverage": _coverage_dict(coverage),
            "latency": _latency_dict(latency),
            "gateways": [_site_dict(site) for site in first.gateways],
            "pops": [_site_dict(site) for site in first.pops],
            "landing_countries": [{"country": country, "share": _rounded(share, 4)} for country, share in first.landing_countries],
            "isl_share": _rounded(first.isl_share, 4),
            "handovers_per_hour": _rounded(first.handovers_per_hour, 2),
            "capacity": None if first.capacity is None else first.capacity.to_dict(),
            "sensitivity": [
                {
                    "parameter": row.parameter,
                    "value": row.value,
                    "is_default": row.is_default,
                    "satellites_usable_mean": _rounded(row.satellites_usable_mean, 2),
                    "satellites_usable_min": row.satellites_usable_min,
                    "covered_fraction": _rounded(row.covered_fraction, 6),
                    "latency_p50_ms": _rounded(row.latency_p50_ms, 2),
                }
                for row in first.sensitivity
            ],
            "warnings": list(self.warnings),
            "assumptions": [{"name": a.name, "value": a.value, "status": a.status, "source": a.source} for a in self.assumptions],
            "inputs": [{"name": name, "sha256": digest} for name, digest in self.inputs],
            "versions": dict(self.versions),
        }


def _rounded(value: float | None, digits: int) -> float | None:
    """Round for JSON; what is not a number has no value there."""
    return None if value is None or not np.isfinite(value) else round(float(value), digits)


def _site_dict(site: LandingSite) -> dict[str, Any]:
    return {
        "name": site.name,
        "country": site.country,
        "lat_deg": site.lat_deg,
        "lon_deg": site.lon_deg,
        "share": _rounded(site.share, 4),
        "status": site.status,
    }


def _coverage_dict(coverage: Coverage) -> dict[str, Any]:
    return {
        "satellites_in_view_mean": _rounded(coverage.satellites_in_view_mean, 3),
        "satellites_in_view_min": coverage.satellites_in_view_min,
        "satellites_usable_mean": _rounded(coverage.satellites_usable_mean, 3),
        "satellites_usable_min": coverage.satellites_usable_min,
        "covered_fraction": _rounded(coverage.covered_fraction, 6),
        "longest_gap_s": coverage.longest_gap_s,
        "accesses": _rounded(coverage.accesses, 1),
        "gaps": _rounded(coverage.gaps, 2),
        "revisit_mean_s": _rounded(coverage.revisit_mean_s, 1),
        "satisfied_fraction": _rounded(coverage.satisfied_fraction, 6),
        "required_satellites": coverage.required_satellites,
    }


def _latency_dict(latency: Latency) -> dict[str, Any]:
    names = ("p20", "p50", "p80", "propagation_p50", "user_link_p50", "isl_p50", "feeder_p50", "backhaul_p50", "access_p50")
    return {f"{name}_ms": _rounded(getattr(latency, f"{name}_ms"), 2) for name in names}


def _fleet_dict(fleet: FleetFindings) -> dict[str, Any]:
    return {
        "name": fleet.name,
        "title": fleet.title,
        "operator": fleet.operator,
        "source": fleet.source,
        "satellites_read": fleet.satellites_read,
        "satellites_used": fleet.satellites_used,
        "left_out": [{"reason": reason, "satellites": count} for reason, count in fleet.left_out],
        "epoch_median": format_time(fleet.epoch_median),
        "element_age_days": _rounded(fleet.element_age_days, 2),
        "coverage": _coverage_dict(fleet.coverage),
        "latency": _latency_dict(fleet.latency),
        "isl_share": _rounded(fleet.isl_share, 4),
        "handovers_per_hour": _rounded(fleet.handovers_per_hour, 2),
        "capacity": None if fleet.capacity is None else fleet.capacity.headline_dict(),
    }
