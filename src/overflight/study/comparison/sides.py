"""The twin under each policy: the same scenes, with the terminals that the policy leaves."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from overflight.capacity.chain import UNHINDERED, SlotResult
from overflight.capacity.scenes import Scene
from overflight.capacity.twin import CapacityTwin, Case, land_traffic, saturate
from overflight.flow.summary import weighted_quantile
from overflight.radio.attenuation import Weather
from overflight.service.classes import CLASSES
from overflight.service.demand import activity
from overflight.study.capacity_variants import own_rates, with_weather
from overflight.study.comparison.contracts import Promise
from overflight.study.comparison.markets import Markets

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Beams:
    """Beams that are lit in and near the territory in one slot.

    Attributes
    ----------
    cell
        Cells in their middle, uint64, shape (beams,).
    satellite
        Satellites that light them, shape (beams,).
    own
        Whether the cell is the territory's, shape (beams,).
    positions_km
        Satellites in ITRF, shape (3, satellites).
    """

    cell: npt.NDArray[np.uint64]
    satellite: npt.NDArray[np.int64]
    own: npt.NDArray[np.bool_]
    positions_km: Floats


@dataclass(frozen=True, eq=False)
class SideFigures:
    """What the twin found under one policy, means over scenes.

    Attributes
    ----------
    active_terminals, median_mbps, worst_tenth_mbps
        Of the territory, but for contracts; rates NaN where nobody asks.
    delivered_gbps, capacity_gbps
        What all of its terminals get together, and would get if they asked for ever more: no more than limits and lists leave them.
    cell_active, cell_delivered_mbps
        Of every cell of the market, contracts left out, shape (cells,).
    landed_gbps, own_landed_gbps
        Of each gateway, of all traffic and of the territory's, shape (gateways,).
    by_scene
        The same by scene, first axis: ``median_mbps``, ``worst_tenth_mbps``, ``delivered_gbps``, ``capacity_gbps``, ``active``,
        ``delivered_mbps`` (both by cell), ``landed_gbps``.
    met
        By contract: share of its active terminals that get the committed rate, denied ones counted as not.
    beams
        By scene.
    """

    active_terminals: float
    median_mbps: float
    worst_tenth_mbps: float
    delivered_gbps: float
    capacity_gbps: float
    cell_active: Floats
    cell_delivered_mbps: Floats
    landed_gbps: Floats
    own_landed_gbps: Floats
    by_scene: dict[str, Floats]
    met: dict[str, float]
    beams: tuple[Beams, ...]

    @property
    def cell_mbps(self) -> Floats:
        """Rate of an active terminal of each cell of the market, NaN where none is."""
        active = self.cell_active
        rates: Floats = np.divide(self.cell_delivered_mbps, active, out=np.full(len(active), np.nan), where=active > 0.0)
        return rates


def work_sides(
    twin: CapacityTwin, scenes: Sequence[Scene], markets: Markets, promises: Sequence[Promise], *, threads: int, progress: Progress
) -> tuple[SideFigures, ...]:
    """Work the same scenes out under each policy.

    Parameters
    ----------
    twin
        Of the market of all policies.
    scenes
        Slots, in the order of the instants that verdicts were asked for, or any number where verdicts do not change.
    markets
        Who asks.
    promises
        Contracts with terminals in the territory.
    threads
        The result does not depend on it.
    progress
        Called with the share done.
    """
    skies = _list_skies(twin, promises)
    tasks = [(side, number) for side in range(len(markets.asking)) for number in range(len(scenes))]
    found: list[_Worked] = []

    def work(task: tuple[int, int]) -> _Worked:
        side, number = task
        return _work_scene(twin, scenes[number], markets, side, number, promises, skies)

    with ThreadPoolExecutor(max_workers=threads) as pool:
        for done, worked in enumerate(pool.map(work, tasks), start=1):
            found.append(worked)
            progress(done / len(tasks))
    return tuple(_add(found[side * len(scenes) : (side + 1) * len(scenes)], promises) for side in range(len(markets.asking)))


def _list_skies(twin: CapacityTwin, promises: Sequence[Promise]) -> dict[float, Case]:
    """The case in the weather that each commitment must outlast, by its availability."""
    wanted = dict.fromkeys(promise.contract.availability_percent for promise in promises)
    return {percent: with_weather(twin, twin.case, Weather(exceeded_percent=round(100.0 - percent, 9))) for percent in wanted}


@dataclass(frozen=True, eq=False)
class _Worked:
    rates: Floats
    terminals: Floats
    delivered_gbps: float
    capacity_gbps: float
    active: Floats
    delivered_mbps: Floats
    landed_gbps: Floats
    own_landed_gbps: Floats
    met: list[tuple[float, float]]
    beams: Beams


def _work_scene(
    twin: CapacityTwin, scene: Scene, markets: Markets, side: int, number: int, promises: Sequence[Promise], skies: dict[float, Case]
) -> _Worked:
    market = markets.of(side, number)
    case = replace(twin.case, market=market)
    own, cells = market.own, len(market)
    gateways = twin.network.backhaul_ms.shape[1]
    result = twin.work_scene(scene, case)
    most = twin.work_scene(scene, saturate(case))
    busy = activity(np.array([scene.instant]), market.sites.lon_deg)[0]
    groups, usual = result.groups, result.groups.of_class < len(CLASSES)
    active = (market.terminals * market.active_share)[:, : len(CLASSES)].sum(axis=1) * busy
    # Contracts are not among them: these ask for what they were promised.
    rates, terminals = own_rates(result, own, classes=len(CLASSES), active=active)
    capacity_mbps = np.bincount(most.groups.cell, weights=most.down_mbps, minlength=cells)
    in_weather = {percent: twin.work_scene(scene, replace(sky, market=market)) for percent, sky in skies.items()}
    promised = markets.union.terminals * markets.union.active_share * busy[:, None]
    return _Worked(
        rates=rates,
        terminals=terminals,
        delivered_gbps=float(result.down_mbps[own[result.groups.cell]].sum()) / 1000.0,
        capacity_gbps=float(np.minimum(capacity_mbps, markets.at(side, number).most_mbps)[own].sum()) / 1000.0,
        active=active,
        delivered_mbps=np.bincount(groups.cell[usual], weights=result.down_mbps[usual], minlength=cells).astype(np.float64),
        landed_gbps=land_traffic(result, np.ones(cells, dtype=np.bool_), gateways) / 1000.0,
        own_landed_gbps=land_traffic(result, own, gateways) / 1000.0,
        met=[
            _count_met(in_weather[promise.contract.availability_percent], column, promise, promised[:, column])
            for promise in promises
            for column in (markets.contract_classes[promise.contract.name],)
        ],
        beams=_list_beams(result, scene, markets, side, number),
    )


def _list_beams(result: SlotResult, scene: Scene, markets: Markets, side: int, number: int) -> Beams:
    """Beams on the territory's cells, and those on cells near it: each of these is lit as the cell is that stands for it."""
    plan, market, near = result.plan, markets.union, markets.near
    ours = market.own[plan.cell]
    lit = np.unique(np.column_stack([plan.cell[ours], plan.satellite[ours]]).astype(np.int64), axis=0)
    by = np.full(len(market), -1, dtype=np.int64)
    by[plan.cell[::-1]] = plan.satellite[::-1]
    served = near.served[side, min(number, near.served.shape[1] - 1)] & (by[near.row] >= 0)
    return Beams(
        cell=np.append(market.cell_ids[lit[:, 0]], near.cells[served]),
        satellite=np.append(lit[:, 1], by[near.row[served]]),
        own=np.arange(len(lit) + int(served.sum())) < len(lit),
        positions_km=scene.positions_km,
    )


def _count_met(result: SlotResult, column: int, promise: Promise, promised: Floats) -> tuple[float, float]:
    """Active terminals of a contract that get what was committed, and all that would be active if none were denied."""
    rows = result.groups.of_class == column
    active = result.groups.terminals[rows]
    down, up = (rate[rows] / active for rate in (result.down_mbps, result.up_mbps))
    contract = promise.contract
    # Among others that come and go, nobody gets all that he asks for at all times (`overflight.capacity.chain.UNHINDERED`).
    enough = (down >= UNHINDERED * contract.down_mbps) & (up >= UNHINDERED * contract.up_mbps)
    return float(active[enough].sum()), float(promised.sum())


def _add(found: Sequence[_Worked], promises: Sequence[Promise]) -> SideFigures:
    rates, terminals = (np.concatenate([getattr(row, name) for row in found]) for name in ("rates", "terminals"))
    worst, median = (float(value) for value in weighted_quantile(rates, terminals, (0.1, 0.5)))

    names = ("delivered_gbps", "capacity_gbps", "active", "delivered_mbps", "landed_gbps")
    by_scene = {name: np.array([getattr(row, name) for row in found]) for name in names}
    quantiles = np.array([weighted_quantile(row.rates, row.terminals, (0.1, 0.5)) for row in found])
    by_scene |= {"worst_tenth_mbps": quantiles[:, 0], "median_mbps": quantiles[:, 1]}

    def mean(name: str) -> Floats:
        return np.asarray(by_scene[name].mean(axis=0))

    return SideFigures(
        active_terminals=float(terminals.sum()) / len(found),
        median_mbps=median,
        worst_tenth_mbps=worst,
        delivered_gbps=float(mean("delivered_gbps")),
        capacity_gbps=float(mean("capacity_gbps")),
        cell_active=mean("active"),
        cell_delivered_mbps=mean("delivered_mbps"),
        landed_gbps=mean("landed_gbps"),
        own_landed_gbps=np.asarray(np.mean([row.own_landed_gbps for row in found], axis=0)),
        by_scene=by_scene,
        met={promise.contract.name: _share([row.met[number] for row in found]) for number, promise in enumerate(promises)},
        beams=tuple(row.beams for row in found),
    )


def _share(counts: Sequence[tuple[float, float]]) -> float:
    """Of what was promised in all slots, the share that was met."""
    whole = sum(promised for _, promised in counts)
    return min(1.0, sum(met for met, _ in counts) / whole) if whole else float("nan")
