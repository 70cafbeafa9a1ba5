"""Figures of one constellation over a territory, added up from the frames of its run.

The figures come from the run's frames on disk and from nothing else, so that whoever has the run can compute them again. Coverage counts
every cell alike; latency, gateways and PoPs count cells by their people (all alike where nobody lives), as those people would see them.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from overflight.catalog.ground import Gateways, Pops
from overflight.inputs import FleetInputs, Inputs
from overflight.measure.coverage import CoverageAccumulator
from overflight.measure.latency import PARTS, AccessTerm, LatencyAccumulator, LatencySummary
from overflight.run import FleetRun
from overflight.schedule.handovers import HandoverCounts, count_handovers
from overflight.study.assumptions import name_own
from overflight.study.findings import Coverage, FleetFindings, LandingSite, Latency
from overflight.twin import NO_PLUGINS, Plugins

Floats = npt.NDArray[np.float64]
FrameValues = dict[str, npt.NDArray[np.generic]]

EMPTY_CELL_WEIGHT = 1e-9
"""Weight of a cell where nobody lives, over that of the most populated one."""

LEAST_SHARE = 1e-6
"""Sites with less of the traffic are not named: nobody lives where it comes from."""


def find_fleet_results(
    inputs: Inputs, fleet: FleetInputs, on_disk: FleetRun, access: AccessTerm, *, plugins: Plugins = NO_PLUGINS
) -> FleetFindings:
    """Work out one constellation's figures from its frames, block by block; ``plugins`` are named in place of what they replace."""
    tally = Tally(inputs, has_ground=fleet.home_pop is not None)
    for start, stop in on_disk.blocks():
        tally.add({name: on_disk.read(name, start, stop) for name in on_disk.frames()})
    found, own = summarise_tally(inputs, fleet, tally, access), name_own(plugins)
    return replace(found, topology=own.get("topology", found.topology), strategy=own.get("strategy", found.strategy))


class Tally:
    """Adds up what the frames of a fleet say; its memory does not depend on the duration, but for one row per slot."""

    def __init__(self, inputs: Inputs, *, has_ground: bool) -> None:
        cells, step_s = len(inputs.cell_ids), inputs.scenario.time.step_s
        self.has_ground = has_ground
        self.in_view = CoverageAccumulator(cells, step_s=step_s)
        required = inputs.scenario.visibility.required_satellites
        self.usable = CoverageAccumulator(cells, step_s=step_s, required_in_view=required)
        self.accesses = np.zeros(cells, dtype=np.int64)
        self.rows: dict[str, list[Floats]] = {name: [] for name in ("view_mean", "view_min", "view_max", "usable_mean", "usable_min")}
        population = inputs.cell_population
        # A grain of weight for cells where nobody lives: it changes no figure, unless they are all that is served.
        self.weights = population + max(float(population.max()), 1.0) * EMPTY_CELL_WEIGHT
        self.latency = LatencyAccumulator(self.weights)
        self.gateways: dict[int, float] = {}
        self.pops: dict[int, float] = {}
        self.served = 0.0
        self.offered = 0.0
        self.over_isl = 0.0
        self.handovers: HandoverCounts | None = None
        self.elevation = np.zeros(9001)
        self._before: npt.NDArray[np.int32] | None = None

    def add(self, frames: FrameValues) -> None:
        """Take the next block of slots."""
        view, usable = frames["satellites_in_view"], frames["satellites_usable"]
        self.in_view.add_counts(view)
        self.usable.add_counts(usable)
        self.accesses += frames["accesses_started"].sum(axis=0, dtype=np.int64)
        for name, row in (
            ("view_mean", view.mean(axis=1)),
            ("view_min", view.min(axis=1)),
            ("view_max", view.max(axis=1)),
            ("usable_mean", usable.mean(axis=1)),
            ("usable_min", usable.min(axis=1)),
        ):
            self.rows[name].append(row.astype(np.float64))
        if self.has_ground:
            self._add_service(frames)

    def _add_service(self, frames: FrameValues) -> None:
        serving = frames["serving"].astype(np.int32)
        self.latency.add({part: frames[f"{part}_ms"] for part in PARTS})
        served = serving >= 0
        weight = np.broadcast_to(self.weights, serving.shape)
        self.offered += float(weight.sum())
        self.served += float(weight[served].sum())
        self.over_isl += float(weight[served & (frames["isl_hops"] > np.uint8(0))].sum())
        for shares, name in ((self.gateways, "gateway"), (self.pops, "pop")):
            rows = frames[name].astype(np.int64)[served]
            for row, share in enumerate(np.bincount(rows, weight[served]) if len(rows) else ()):
                if share > 0.0:
                    shares[row] = shares.get(row, 0.0) + float(share)
        counted = count_handovers(serving, before=self._before)
        self.handovers = counted if self.handovers is None else self.handovers + counted
        self._before = serving[-1]
        elevation = np.rint(frames["elevation_deg"].astype(np.float64)[served] * 100.0).astype(np.int64)
        self.elevation += np.bincount(np.clip(elevation, 0, 9000), weight[served], 9001)

    def series(self, name: str) -> Floats:
        """One figure over all slots."""
        return np.concatenate(self.rows[name])


def summarise_tally(inputs: Inputs, fleet: FleetInputs, tally: Tally, access: AccessTerm) -> FleetFindings:
    """Turn what was added up into figures."""
    in_view, usable = tally.in_view.finish(), tally.usable.finish()
    latency = tally.latency.summarise(access) if tally.has_ground else None
    gateways = _landing_sites(fleet.gateways, tally.gateways, tally.served)
    countries: dict[str, float] = {}
    for site in gateways:
        countries[site.country] = countries.get(site.country, 0.0) + site.share
    hours = len(inputs.slot_start) * inputs.scenario.time.step_s / 3600.0
    handovers = tally.handovers
    runs = float(handovers.runs.sum()) if handovers is not None else 0.0
    return FleetFindings(
        name=fleet.name,
        title=fleet.title,
        operator=fleet.operator,
        source=fleet.source,
        satellites_read=fleet.satellites_read,
        satellites_used=len(fleet.elements),
        left_out=fleet.left_out,
        epoch_median=fleet.epoch_median,
        element_age_days=fleet.element_age_days,
        shells=fleet.shells,
        mask_deg=fleet.user_mask_deg,
        arc_avoidance_deg=inputs.scenario.visibility.arc_avoidance_deg,
        topology=fleet.topology,
        strategy=inputs.scenario.selection.strategy,
        coverage=Coverage(
            satellites_in_view_mean=float(in_view.in_view_mean.mean()),
            satellites_in_view_min=int(in_view.in_view_min.min()),
            satellites_usable_mean=float(usable.in_view_mean.mean()),
            satellites_usable_min=int(usable.in_view_min.min()),
            covered_fraction=float(usable.covered_fraction.mean()),
            longest_gap_s=float(usable.longest_gap_s.max()),
            accesses=float(tally.accesses.mean()),
            gaps=float(usable.gap_count.mean()),
            revisit_mean_s=float((usable.mean_gap_s * usable.gap_count).sum() / max(int(usable.gap_count.sum()), 1)),
            satisfied_fraction=float(usable.satisfied_fraction.mean()),
            required_satellites=usable.required_in_view,
        ),
        latency=_latency(latency),
        slot_start=inputs.slot_start,
        in_view_mean=tally.series("view_mean"),
        in_view_min=tally.series("view_min"),
        in_view_max=tally.series("view_max"),
        usable_mean=tally.series("usable_mean"),
        usable_min=tally.series("usable_min"),
        cell_in_view_mean=in_view.in_view_mean,
        cell_usable_mean=usable.in_view_mean,
        cell_covered_fraction=usable.covered_fraction,
        cell_latency_p50_ms=latency.cell_p50_ms if latency is not None else np.full(len(inputs.cell_ids), np.nan),
        gateways=gateways,
        pops=_landing_sites(fleet.pops, tally.pops, tally.served),
        landing_countries=tuple(sorted(countries.items(), key=lambda item: (-item[1], item[0]))),
        served_fraction=tally.served / tally.offered if tally.offered else 0.0,
        isl_share=(tally.over_isl / tally.served if tally.served else 0.0) if tally.has_ground else float("nan"),
        handovers_per_hour=float(handovers.handovers.mean()) / hours if handovers is not None else float("nan"),
        mean_run_slots=float(handovers.served_slots.sum()) / runs if handovers is not None and runs else float("nan"),
        serving_elevation_p50_deg=_median_of(tally.elevation) * 0.01,
        ground_known=tally.has_ground,
    )


def _median_of(histogram: Floats) -> float:
    cumulative = np.cumsum(histogram)
    return float(np.searchsorted(cumulative, 0.5 * cumulative[-1])) if cumulative[-1] else float("nan")


def _landing_sites(table: Gateways | Pops | None, shares: dict[int, float], whole: float) -> tuple[LandingSite, ...]:
    """Sites by share, the largest first."""
    if table is None or not whole:
        return ()
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        LandingSite(
            name=table.city[row] or table.name[row],
            country=table.country[row],
            lat_deg=float(table.lat_deg[row]),
            lon_deg=float(table.lon_deg[row]),
            share=share / whole,
            status=table.status[row],
        )
        for row, share in ordered
        if share > LEAST_SHARE * whole
    )


def _latency(summary: LatencySummary | None) -> Latency:
    """Take the summary over into the findings: NaN becomes None, long empty tails are cut."""
    if summary is None or not np.isfinite(summary.p50_ms):
        nothing = np.zeros(0)
        return Latency(None, None, None, None, None, None, None, None, None, np.zeros(1), nothing, nothing)
    width_ms = float(summary.edges_ms[1] - summary.edges_ms[0])
    share = summary.density * width_ms
    last = int(np.searchsorted(np.cumsum(share), 0.9995)) + 1
    return Latency(
        p20_ms=summary.p20_ms,
        p50_ms=summary.p50_ms,
        p80_ms=summary.p80_ms,
        propagation_p50_ms=summary.propagation_p50_ms,
        user_link_p50_ms=summary.user_link_p50_ms,
        isl_p50_ms=summary.isl_p50_ms,
        feeder_p50_ms=summary.feeder_p50_ms,
        backhaul_p50_ms=summary.backhaul_p50_ms,
        access_p50_ms=summary.access_p50_ms,
        histogram_edges_ms=summary.edges_ms[: last + 1],
        histogram_density=share[:last],
        propagation_density=summary.path_density[:last] * width_ms,
    )
