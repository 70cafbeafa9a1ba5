"""CosmoSim's chain for one country and one instant, from positions to the national total, rule by rule.

Fleet → links by slant range → lasers → terminals in cells → beams at t = 0 → feeders and the maximum flow of t = 14 s. `look` does what
does not depend on terminals, `answer_case` the rest, so that many cases share one look. `GeometryRules` and the rates of pairs take the
place of the study's own rules one by one (`overflight.study.cosmosim_corrections`).

References
----------
CosmoSim, ACM Internet Measurement Conference 2025, and the first version of its artefact. Which reading of a rule reproduces the published
totals is in ``docs/models/cosmosim.md``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from overflight.catalog import cosmosim as facts
from overflight.catalog.ground import Gateways
from overflight.earth.geodesy import make_sites
from overflight.errors import ScenarioError
from overflight.flow.cosmosim import carry_over_lasers, grant_feeders
from overflight.network.cosmosim import link_satellites, list_in_reach, place_on_ground_km, shell_reach_km
from overflight.network.gateways import GATEWAY_MASK_DEG, gateway_mask_deg
from overflight.orbit.propagation import Propagator
from overflight.orbit.shells import shell_elements
from overflight.schedule.beams import BeamPlan, BeamRequest
from overflight.schedule.cosmosim import allocate_coordinated, allocate_uncoordinated
from overflight.service.cosmosim import check_count, least_people, share_over_beams, spread_terminals
from overflight.sky.arc import arc_separation_deg
from overflight.sky.visibility import CellTree, Visible, find_visible, pair_angles
from overflight.study.cosmosim_inputs import Country

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

POLICIES = ("coordinated", "uncoordinated")
"""Ways to give beams."""

GBPS = 1e-3
"""Gbit/s in a Mbit/s."""

_EVERY_CHANNEL = np.uint32((1 << facts.CHANNELS) - 1)
_SECOND = np.timedelta64(1_000_000, "us")


@dataclass(frozen=True, slots=True)
class GeometryRules:
    """Who sees whom.

    Attributes
    ----------
    reach
        ``published``: slant ranges as the study has them; ``shell``: each shell's own, the slip undone; ``elevation``: the true elevation
        on WGS-84, at least 25°.
    arc_separation_deg
        Least angle of a user link to the geostationary arc; only with ``elevation``.
    gateway_masks
        ``as-users``: gateways see as cells do; ``own``: from the elevation of each gateway's filing (5° beyond 62° of latitude).
    """

    reach: Literal["published", "shell", "elevation"] = "published"
    arc_separation_deg: float = 0.0
    gateway_masks: Literal["as-users", "own"] = "as-users"


PUBLISHED = GeometryRules()
"""As the study has it."""


@dataclass(frozen=True, slots=True, eq=False)
class UserPairs:
    """Pairs of cell and satellite at one instant, as a model of links asks for them: flat arrays of one length.

    Attributes
    ----------
    country
        The cells.
    cell, satellite
        Rows.
    range_km, elevation_deg
        Where the satellite stands, on WGS-84.
    """

    country: Country
    cell: Integers
    satellite: Integers
    range_km: Floats
    elevation_deg: Floats


PairRates = Callable[[UserPairs], Floats]
"""A model of links: what a whole channel of each pair carries, Mbit/s, shape (pairs,)."""


@dataclass(frozen=True, slots=True, eq=False)
class CountryLook:
    """All that a case needs and that does not depend on its terminals.

    Attributes
    ----------
    country
        The cells, n rows.
    indptr, satellite
        Satellites that may light each cell at t = 0: in view, and with a gateway in view or a laser; sorted.
    channel_mbps
        What a whole channel of each pair carries, whole Mbit/s.
    in_view
        Satellites in view of any cell.
    gateways
        How many gateways there are.
    feeder_indptr, feeder_gateway
        Gateways in view of each satellite at t = 14 s.
    linked
        Lasers at t = 14 s, shape (satellites, 3).
    seconds
        What each stage took.
    """

    country: Country
    indptr: Rows
    satellite: Integers
    channel_mbps: Rows
    in_view: int
    gateways: int
    feeder_indptr: Rows
    feeder_gateway: Integers
    linked: Integers
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class CaseAnswer:
    """The answer of one case.

    Attributes
    ----------
    total_gbps
        The maximum flow.
    cells_with_capacity
        Cells lit by a satellite that the flow reaches; how the flow is divided among satellites is one way of several.
    terminals
        Terminals handed out.
    cells_asking, cells_lit
        Cells with terminals, and those with a beam.
    beams, satellites_lit
        Beams given, and satellites that give one.
    satellites_in_view
        Satellites in view of any cell.
    demand_gbps
        What the beams ask for.
    feeder_beams
        Feeder beams granted to lit satellites.
    over_lasers_gbps
        Part of the total that comes over lasers.
    plan
        The beams.
    seconds
        What each stage took.
    """

    total_gbps: float
    cells_with_capacity: int
    terminals: int
    cells_asking: int
    cells_lit: int
    beams: int
    satellites_lit: int
    satellites_in_view: int
    demand_gbps: float
    feeder_beams: int
    over_lasers_gbps: float
    plan: BeamPlan
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Figures of the answer, those of the stages by themselves, as JSON has them."""
        return {
            "total_gbps": round(self.total_gbps, 3),
            "cells_with_capacity": self.cells_with_capacity,
            "stages": {
                "links": {"satellites_in_view": self.satellites_in_view},
                "terminals": {"terminals": self.terminals, "cells": self.cells_asking},
                "beams": {
                    "beams": self.beams,
                    "cells": self.cells_lit,
                    "satellites": self.satellites_lit,
                    "demand_gbps": round(self.demand_gbps, 3),
                },
                "feeders": {"feeder_beams": self.feeder_beams},
                "flow": {"over_lasers_gbps": round(self.over_lasers_gbps, 3)},
            },
            "seconds": round(sum(self.seconds.values()), 4),
            "stage_seconds": {stage: round(taken, 4) for stage, taken in self.seconds.items()},
        }


@dataclass(frozen=True, eq=False)
class _Fleet:
    """The study's fleet, made once."""

    propagator: Propagator
    shell: Rows

    @cached_property
    def feeder_order(self) -> Rows:
        """Satellites in the order of the second pass over feeders: those of the first shell last."""
        return np.argsort(self.shell == 0, kind="stable")


@cache
def fleet() -> _Fleet:
    """Fleet of the study: elements at its epoch, SGP4 without drag; flown once, so that loading what is compiled counts to no case."""
    elements = shell_elements(facts.SHELLS, facts.EPOCH)
    propagator = Propagator(elements)
    propagator.positions_km(np.array([facts.EPOCH]), earth_orientation="none")
    return _Fleet(propagator, elements.shell.astype(np.int64))


def look(country: Country, gateways: Gateways, *, rules: GeometryRules = PUBLISHED, rates: PairRates | None = None) -> CountryLook:
    """Find who may light which cell at t = 0, and what joins satellites and gateways at t = 14 s.

    Parameters
    ----------
    country, gateways
        Cells and gateways; heights are taken as 0, as the study has them.
    rules
        Who sees whom.
    rates
        What a channel of a pair carries; None: 1,280 Mbit/s each.
    """
    flown, clock = fleet(), _Stopwatch()
    instants = facts.EPOCH + np.array([0, facts.SECONDS - 1]) * _SECOND
    first_km, last_km = flown.propagator.positions_km(instants, earth_orientation="none")
    clock.stop("positions")
    view = _see_cells(country, first_km, rules)
    linked, landing = link_satellites(first_km), _see_gateways(gateways, first_km, rules)
    is_usable = np.asarray((linked >= 0).any(axis=1))
    is_usable[landing.satellite] = True
    indptr, satellite = _keep(view, is_usable[view.satellite])
    channel = np.full(len(satellite), facts.CHANNEL_MBPS, dtype=np.int64)
    if rates is not None:
        channel = _rate(country, first_km, indptr, satellite, rates)
    down = _see_gateways(gateways, last_km, rules)
    feeder_indptr, feeder_gateway = _by_satellite(down, len(flown.shell))
    clock.stop("links")
    return CountryLook(
        country, indptr, satellite, channel, len(np.unique(view.satellite)), len(gateways), feeder_indptr, feeder_gateway,
        link_satellites(last_km), clock.seconds,
    )  # fmt: skip


def answer_case(seen: CountryLook, *, terminals: int, distribution: str, policy: str) -> CaseAnswer:
    """Total of one case: terminals spread, beams given, feeders granted, flow taken.

    Parameters
    ----------
    seen
        What `look` found.
    terminals
        Number of terminals.
    distribution
        How they are spread: see `overflight.service.cosmosim.spread_terminals`.
    policy
        One of `POLICIES`.

    Raises
    ------
    ScenarioError
        If the number, the distribution or the policy is none.
    """
    check_case(terminals=terminals, distribution=distribution, policy=policy)
    clock, flown, country = _Stopwatch(), fleet(), seen.country
    spread = spread_terminals(country.population, terminals, distribution=distribution)
    clock.stop("terminals")
    plan = give_beams(seen, spread, distribution=distribution, policy=policy)
    served = share_over_beams(plan.cell, spread)
    asked = np.minimum(served * facts.TERMINAL_MBPS, seen.channel_mbps[plan.pair])
    satellites = len(flown.shell)
    demand = np.bincount(plan.satellite, weights=asked, minlength=satellites).astype(np.int64)
    clock.stop("beams")
    grants = grant_feeders(demand, seen.feeder_indptr, seen.feeder_gateway, gateways=seen.gateways, order=flown.feeder_order)
    clock.stop("feeders")
    flow = carry_over_lasers(grants.by_satellite * facts.FEEDER_MBPS, demand, seen.linked)
    clock.stop("flow")
    reached = plan.cell[(flow.met_mbps[plan.satellite] > 0) & (asked > 0)]
    lit = demand > 0
    return CaseAnswer(
        total_gbps=flow.total_mbps * GBPS,
        cells_with_capacity=len(np.unique(reached)),
        terminals=int(spread.sum()),
        cells_asking=int(np.count_nonzero(spread)),
        cells_lit=len(np.unique(plan.cell)),
        beams=len(plan),
        satellites_lit=int(np.count_nonzero(lit)),
        satellites_in_view=seen.in_view,
        demand_gbps=int(demand.sum()) * GBPS,
        feeder_beams=int(grants.by_satellite[lit].sum()),
        over_lasers_gbps=flow.over_lasers_mbps * GBPS,
        plan=plan,
        seconds=seen.seconds | clock.seconds,
    )


def check_case(*, terminals: int, distribution: str, policy: str) -> None:
    """Refuse a case before anything is read or computed.

    Raises
    ------
    ScenarioError
        If the number, the distribution or the policy is none.
    """
    check_count(terminals)
    least_people(distribution)
    if policy not in POLICIES:
        msg = f"beam policy '{policy}': unknown; take one of {', '.join(POLICIES)}"
        raise ScenarioError(msg)


def give_beams(seen: CountryLook, spread: Rows, *, distribution: str, policy: str) -> BeamPlan:
    """Give the beams of t = 0 to cells with terminals.

    The uncoordinated way begins with the cells as the terminals were spread over them: by people where cells were filled, else by index.
    """
    country, flown = seen.country, fleet()
    satellites, is_coordinated = len(flown.shell), policy == "coordinated"
    wanted = -(-spread // facts.TERMINALS_PER_CHANNEL) if is_coordinated else np.where(spread > 0, facts.CHANNELS, 0)
    standing = np.arange(len(country))
    if distribution != "population":
        standing[np.argsort(-country.population, kind="stable")] = np.arange(len(country))
    request = BeamRequest(
        indptr=seen.indptr,
        satellite=seen.satellite,
        value_mbps=seen.channel_mbps.astype(np.float64),
        need=np.minimum(wanted, facts.CHANNELS).astype(np.int32),
        priority=country.population,
        licensed=np.full(len(country), _EVERY_CHANNEL, dtype=np.uint32),
        beams=np.full(satellites, facts.CHANNELS * facts.BEAMS_PER_CHANNEL, dtype=np.int32),
        beams_per_channel=np.full(satellites, facts.BEAMS_PER_CHANNEL, dtype=np.int32),
        neighbours=country.neighbours,
        channels=facts.CHANNELS,
        cell_key=standing,
    )
    if is_coordinated:
        return allocate_coordinated(request, shell=flown.shell, rank=facts.SHELL_RANK)
    return allocate_uncoordinated(request)


class _Stopwatch:
    """Seconds between stops."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def stop(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = now - self._last
        self._last = now


def _reach_km(rules: GeometryRules) -> Floats:
    """Greatest slant range of each satellite."""
    goes_by = facts.REACH_SHELLS if rules.reach == "published" else range(len(facts.SHELLS))
    return shell_reach_km(facts.SHELLS, goes_by=tuple(goes_by))[fleet().shell]


def _see_cells(country: Country, positions_km: Floats, rules: GeometryRules) -> Visible:
    if rules.reach != "elevation":
        return Visible(*list_in_reach(country.points_km, positions_km, _reach_km(rules)))
    tree = CellTree(country.sites, cell_ids=country.cells)
    seen = find_visible(tree, positions_km, min_elevation_deg=facts.MASK_DEG)
    if not rules.arc_separation_deg:
        return seen
    azimuth_deg, elevation_deg, _ = pair_angles(country.sites, positions_km, seen)
    lat_deg = np.repeat(country.sites.lat_deg, np.diff(seen.indptr))
    return Visible(*_keep(seen, arc_separation_deg(lat_deg, azimuth_deg, elevation_deg) >= rules.arc_separation_deg))


def _see_gateways(gateways: Gateways, positions_km: Floats, rules: GeometryRules) -> Visible:
    if rules.reach != "elevation":
        points_km = place_on_ground_km(gateways.lat_deg, gateways.lon_deg)
        return Visible(*list_in_reach(points_km, positions_km, _reach_km(rules)))
    tree = CellTree(make_sites(gateways.lat_deg, gateways.lon_deg))
    mask_deg = gateway_mask_deg(gateways.lat_deg) if rules.gateway_masks == "own" else np.full(len(gateways), GATEWAY_MASK_DEG)
    return find_visible(tree, positions_km, min_elevation_deg=mask_deg)


def _keep(view: Visible, wanted: npt.NDArray[np.bool_]) -> tuple[Rows, Integers]:
    """Only the pairs wanted."""
    running = np.concatenate([[0], np.cumsum(wanted)])
    return running[view.indptr], view.satellite[wanted]


def _by_satellite(view: Visible, satellites: int) -> tuple[Rows, Integers]:
    """Turn the lists of gateways round: for each satellite its gateways, ascending."""
    order = np.argsort(view.satellite, kind="stable")
    gateway = np.repeat(np.arange(len(view.indptr) - 1, dtype=np.int32), np.diff(view.indptr))
    counts = np.bincount(view.satellite, minlength=satellites)
    return np.concatenate([[0], np.cumsum(counts)]), gateway[order]


def _rate(country: Country, positions_km: Floats, indptr: Rows, satellite: Integers, rates: PairRates) -> Rows:
    """Ask a model of links for the rate of each pair, in whole Mbit/s."""
    _, elevation_deg, range_km = pair_angles(country.sites, positions_km, Visible(indptr, satellite))
    cell = np.repeat(np.arange(len(country), dtype=np.int32), np.diff(indptr))
    given = np.asarray(rates(UserPairs(country, cell, satellite, range_km, elevation_deg)), dtype=np.float64)
    if given.shape != satellite.shape:
        msg = f"the model of links returned rates of shape {given.shape} for {len(satellite)} pairs: return one number each"
        raise ScenarioError(msg)
    return np.maximum(np.nan_to_num(given), 0.0).astype(np.int64)
