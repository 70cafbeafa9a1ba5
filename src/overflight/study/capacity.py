"""A territory's capacity: rates, what holds them back, what they rest on; from the frames of its run and from variants of a few slots."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from overflight.capacity.chain import UNHINDERED
from overflight.capacity.plant import read_weather
from overflight.capacity.scenes import Scene
from overflight.capacity.slots import spread_ends
from overflight.capacity.twin import CapacityTwin, saturate
from overflight.catalog.tables import float_column, read_table
from overflight.flow.bounds import max_throughput
from overflight.flow.summary import CellBound, share_reaching, weighted_quantile
from overflight.inputs import FleetInputs, Inputs
from overflight.radio.attenuation import Weather
from overflight.radio.link import link_budget
from overflight.run import FleetRun
from overflight.scenario import CapacitySettings, WeatherSettings
from overflight.service.demand import activity, parse_thresholds
from overflight.service.subscribers import international_traffic_gbps
from overflight.service.terminals import people_behind
from overflight.study.capacity_findings import CapacityFindings, Demand, GatewayLoad, LinkRow, Minimum, Rates, Threshold
from overflight.study.capacity_variants import (
    Outcome,
    find_swings,
    find_uncertainty,
    list_variants,
    scale_others,
    scale_own,
    work_case,
)

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

SCENES = 12
"""Slots, evenly spread, in which national capacity, variants and bands are worked out."""
SWING_SCENES = 3
"""Of these, as many for every parameter at both ends of its range."""
BOUND_SCENES = 2
"""Of these, as many for the linear programme."""

BUSY_SHARE = 0.9
"""A slot is busy when so large a share of the greatest number of active terminals is active."""

KINDS = tuple(bound.name.lower() for bound in CellBound)
"""Kinds of bottleneck, in the order of the frames' numbers; ``nothing``: a terminal gets all that it asks for."""


def find_capacity(
    inputs: Inputs,
    fleet: FleetInputs,
    on_disk: FleetRun,
    twin: CapacityTwin,
    *,
    threads: int,
    progress: Progress | None = None,
    varied: bool = True,
) -> CapacityFindings:
    """Work out what a report says of capacity.

    Parameters
    ----------
    inputs, fleet
        What the run was made from.
    on_disk
        Frames of capacity (`overflight.run.FleetRun.capacity`).
    twin
        The twin that made them.
    threads
        The result does not depend on it.
    progress
        Called with the share done.
    varied
        Whether weather, rules and parameters are varied, where the scenario does not forbid it.
    """
    varied = varied and twin.settings.sensitivity
    tell = progress or (lambda _share: None)
    settings, case = twin.settings, twin.case
    active = np.asarray(on_disk.read("active_terminals"), dtype=np.float64)
    down, up = (np.asarray(on_disk.read(name), dtype=np.float64) for name in ("down_mbps", "up_mbps"))
    slot_start = on_disk.slot_start()
    own = case.market.own
    lon_deg = case.market.sites.lon_deg[own]
    asked_gbps = activity(slot_start, lon_deg) @ _ask(twin) / 1000.0
    slots_active = active.sum(axis=1)
    busy = slots_active >= BUSY_SHARE * slots_active.max(initial=0.0)
    scenes_rows = spread_ends(len(slot_start), SCENES)
    scenes = list(twin.find_scenes(twin.rows[scenes_rows]))
    base = work_case(twin, scenes, case)
    tell(0.1)
    few = [scenes[row] for row in spread_ends(len(scenes), SWING_SCENES)]
    draws = settings.uncertainty if varied or not settings.sensitivity else 0
    swing_part = 0.8 if not draws else 0.3
    swings = find_swings(twin, few, threads=threads, progress=lambda share: tell(0.1 + swing_part * share)) if varied else ()
    variants = list_variants(twin, base, scenes) if varied else ()
    bands = None
    if draws:
        done = 0.1 + swing_part
        seed = settings.uncertainty_seed
        bands = find_uncertainty(
            twin, scenes, draws=draws, seed=seed, threads=threads, progress=lambda share: tell(done + (1.0 - done) * share)
        )
    bound, fair = _bound(twin, few[:BOUND_SCENES])
    alone = work_case(twin, scenes, scale_own(case, "terminals", 0.0)).others_mbps if not own.all() else math.nan
    middle_deg = float(np.average(lon_deg))
    bottlenecks, bottleneck_hours = _bottlenecks(on_disk, active, slot_start, middle_deg)
    tell(1.0)
    return CapacityFindings(
        demand=_describe_demand(twin, float(asked_gbps.max(initial=0.0))),
        slot_start=slot_start,
        stretch_slots=twin.stretch_slots,
        weather=describe_weather(inputs.scenario.weather),
        allocator=settings.allocator,
        landing=settings.landing,
        down=_rates(down, active),
        up=_rates(up, active),
        busy_down=_rates(down[busy], active[busy]),
        thresholds=_thresholds(twin, settings, down, up, active),
        minimum=_minimum(settings, base),
        delivered_gbps=np.nan_to_num(np.asarray(on_disk.read("delivered_down_mbps"), dtype=np.float64)).sum(axis=1) / 1000.0,
        asked_gbps=asked_gbps,
        local_hour=_local_hours(slot_start, middle_deg),
        capacity_gbps=base.capacity_gbps,
        capacity_rows=scenes_rows,
        bound_gbps=bound,
        fair_gbps=fair,
        bottlenecks=bottlenecks,
        bottleneck_hours=bottleneck_hours,
        cell_ids=case.market.cell_ids[own],
        cell_population=case.market.population[own],
        cell_terminals=case.market.terminals[own].sum(axis=1),
        cell_down_mbps=_cell_means(down, active),
        cell_beams=np.asarray(on_disk.read("beams"), dtype=np.float64).mean(axis=0),
        gateways=_gateways(fleet, on_disk),
        others_mbps=base.others_mbps,
        others_without_mbps=alone,
        variants=variants,
        swings=swings,
        uncertainty=bands,
        link=_worked_link(twin, scenes[len(scenes) // 2]),
        reported_down_mbps=published_rate_mbps(inputs.territory.code, operator=fleet.operator),
    )


def _ask(twin: CapacityTwin) -> Floats:
    """What each of the territory's cells asks for at the busiest hour, Mbit/s; of failover all traffic, more than terminals may carry."""
    market, demand = twin.case.market, twin.demand.demand
    terminals = market.terminals[market.own]
    if demand.kind == "failover" and demand.gbps is not None:
        return np.asarray(terminals.sum(axis=1) * (1000.0 * demand.gbps / max(float(terminals.sum()), 1.0)))
    return np.asarray((terminals * market.active_share[market.own] * market.down_mbps[market.own]).sum(axis=1))


def published_rate_mbps(code: str, *, operator: str) -> float:
    """Median download rate that an operator publishes of a territory, Mbit/s; NaN where none is built in."""
    table = read_table("published_service")
    rates = float_column(table, "download_p50_mbps")
    for row, found in enumerate(zip(table["operator"], table["code"], strict=True)):
        if found == (operator, code):
            return float(rates[row])
    return math.nan


def describe_weather(settings: WeatherSettings) -> str:
    """Name the weather of a scenario: ``clear``, ``cloud``, ``rain``, or the percentage of time."""
    weather: Weather = read_weather(settings)
    return settings.state if weather.exceeded_percent is None else f"{weather.exceeded_percent:g}"


def _rates(rate: Floats, active: Floats) -> Rates:
    known = np.isfinite(rate)
    worst, median, best = (float(value) for value in weighted_quantile(rate[known], active[known], (0.1, 0.5, 0.9)))
    total = float(active[np.isfinite(rate)].sum())
    mean = float(np.nansum(rate * active)) / total if total else math.nan
    return Rates(worst, median, best, mean)


def _cell_means(rate: Floats, active: Floats) -> Floats:
    weight = np.where(np.isfinite(rate), active, 0.0)
    whole = weight.sum(axis=0)
    means: Floats = np.divide(np.nansum(rate * weight, axis=0), whole, out=np.full(len(whole), np.nan), where=whole > 0.0)
    return means


def _thresholds(twin: CapacityTwin, settings: CapacitySettings, down: Floats, up: Floats, active: Floats) -> tuple[Threshold, ...]:
    own = twin.case.market.own
    users = float(people_behind(twin.demand.terminals, twin.case.market.population[own]).sum())
    wanted = [(least.down_mbps, float(least.up_mbps)) for least in parse_thresholds(settings.thresholds_mbps)]
    # Among others that come and go, nobody gets all that he asks for at all times: who asks for no more than the threshold has it when
    # nothing holds him back.
    asked = float(twin.demand.down_mbps.min()), float(twin.demand.up_mbps.min())
    met = [tuple(rate * (UNHINDERED if rate >= least else 1.0) for rate, least in zip(row, asked, strict=True)) for row in wanted]
    rates = [np.nan_to_num(rate).ravel() for rate in (down, up)]
    shares = share_reaching(rates[0], rates[1], active.ravel(), thresholds_mbps=[(first, second) for first, second in met])
    return tuple(Threshold(*least, float(share), users * float(np.nan_to_num(share))) for least, share in zip(wanted, shares, strict=True))


def _minimum(settings: CapacitySettings, base: Outcome) -> Minimum | None:
    return None if settings.minimum_rate_mbps is None else Minimum(settings.minimum_rate_mbps, base.least_mbps)


def _describe_demand(twin: CapacityTwin, busiest_gbps: float) -> Demand:
    demand, market = twin.demand, twin.case.market
    territory = twin.inputs.territory
    traffic = international_traffic_gbps(territory.code, territory.population)
    country = (traffic.gbps, traffic.low_gbps, traffic.high_gbps) if territory.population.any() else (math.nan,) * 3
    if twin.settings.demand.partition(":")[1]:
        country = (float(demand.demand.gbps or math.nan),) * 3
    counts = demand.terminals.counts
    weights = counts.sum(axis=0).astype(np.float64)
    active = weights * demand.active_share
    total = max(float(weights.sum()), 1e-12)
    return Demand(
        terminals=demand.terminals.total,
        terminals_low=demand.low,
        terminals_high=demand.high,
        terminals_status=demand.terminals.status,
        terminals_source=demand.terminals.source,
        distribution=demand.distribution,
        kind=demand.demand.kind,
        active_share=float(active.sum()) / total,
        down_mbps=float(active @ demand.down_mbps) / max(float(active.sum()), 1e-12),
        up_mbps=float(active @ demand.up_mbps) / max(float(active.sum()), 1e-12),
        busiest_gbps=busiest_gbps,
        country_gbps=country[0],
        country_low_gbps=country[1],
        country_high_gbps=country[2],
        others_cells=int((~market.own).sum()),
        others_terminals=float(market.terminals[~market.own].sum()),
        classes=tuple(demand.terminals.by_class.items()),
    )


def _local_hours(slot_start: npt.NDArray[np.datetime64], lon_deg: float) -> Floats:
    """Local solar time of each slot at a longitude, hours."""
    since = (slot_start - slot_start.astype("datetime64[D]")) / np.timedelta64(1, "h")
    return np.asarray(np.mod(since + lon_deg / 15.0, 24.0))


def _bottlenecks(
    on_disk: FleetRun, active: Floats, slot_start: npt.NDArray[np.datetime64], lon_deg: float
) -> tuple[tuple[tuple[str, float], ...], Floats]:
    """Share of active terminals by what holds their cell back, over all slots and by hour of local time."""
    kind = np.asarray(on_disk.read("bottleneck"), dtype=np.int64)
    hour = np.broadcast_to(_local_hours(slot_start, lon_deg).astype(np.int64)[:, None], kind.shape)
    counts = np.bincount((hour * len(KINDS) + kind).ravel(), weights=active.ravel(), minlength=24 * len(KINDS)).reshape(24, len(KINDS))
    total = counts.sum()
    shares = counts.sum(axis=0) / total if total else np.zeros(len(KINDS))
    with np.errstate(invalid="ignore", divide="ignore"):
        by_hour: Floats = counts / counts.sum(axis=1, keepdims=True)
    return tuple((name, float(share)) for name, share in zip(KINDS, shares, strict=True)), by_hour


def _gateways(fleet: FleetInputs, on_disk: FleetRun) -> tuple[GatewayLoad, ...]:
    """Gateways by what they land of the territory's traffic."""
    assert fleet.gateways is not None
    table = fleet.gateways
    landed = np.nan_to_num(np.asarray(on_disk.read("gateway_mbps"), dtype=np.float64)).mean(axis=0) / 1000.0
    whole = float(landed.sum())
    rows = [row for row in np.lexsort((np.arange(len(landed)), -landed)) if landed[row] > 1e-6 * whole]
    return tuple(
        GatewayLoad(
            name=table.city[row] or table.name[row],
            country=table.country[row],
            status=table.status[row],
            delivered_gbps=float(landed[row]),
            share=float(landed[row]) / whole,
        )
        for row in rows
    )


def _bound(twin: CapacityTwin, scenes: Sequence[Scene]) -> tuple[float, float]:
    """Greatest total throughput of any sharing, and what max-min fairness makes of the same beams, Gbit/s, mean over some scenes."""
    bounds, fair = [], []
    alone = scale_others(saturate(twin.case), 0.0)
    for scene in scenes:
        result = twin.work_scene(scene, alone)
        if not len(result.plan):
            continue
        assembly = result.assembly
        most = max_throughput(assembly.flows, assembly.resources.capacity_mbps)
        bounds.append(most.total / 1000.0)
        fair.append(float(result.down_mbps.sum()) / 1000.0)
    return (float(np.mean(bounds)), float(np.mean(fair))) if bounds else (math.nan, math.nan)


def _worked_link(twin: CapacityTwin, scene: Scene) -> tuple[LinkRow, ...]:
    """Budget of the downlink of one beam, with nominal interference and before framing: of the lit cell with the most terminals."""
    case = twin.case
    result = twin.work_scene(scene, case)
    ours = np.flatnonzero(case.market.own[result.plan.cell])
    if not len(ours):
        return ()
    row = ours[np.argmax(case.market.terminals[result.plan.cell[ours]].sum(axis=1))]
    cell, satellite = int(result.plan.cell[row]), int(result.plan.satellite[row])
    range_km, elevation_deg = (float(value[0]) for value in scene.look([cell], [satellite]))
    budget = link_budget(
        case.links.down,
        range_km=range_km,
        elevation_deg=elevation_deg,
        version=int(case.plant.version[satellite]),
        attenuation_db=float(case.sky.down.at(np.array([cell]), np.array([elevation_deg]))[0]),
    )
    return tuple(LinkRow(name, value, unit) for name, value, unit in budget.lines())
