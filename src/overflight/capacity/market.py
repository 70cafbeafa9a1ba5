"""Who competes for the satellites over a territory: its own cells with their terminals, and cells elsewhere that see the same satellites.

Cells elsewhere are gathered by their parents of resolution 4, each standing where most of its terminals are: seven cells of few terminals
share a beam in time, and a territory in the middle of a continent would otherwise wait for a hundred times its own cells.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from overflight.account import Account
from overflight.catalog.homing import domestic_countries, nearest_pops
from overflight.earth.cells import cell_centres, cell_neighbours, cell_parents
from overflight.earth.geodesy import MEAN_RADIUS_KM, Sites, make_sites, unit_vectors
from overflight.earth.population import population_of_cells, read_world_cells, territories_of_cells
from overflight.inputs import FleetInputs, Inputs
from overflight.notices import Notice
from overflight.orbit.elements import mean_altitude_km
from overflight.scenario import CapacitySettings
from overflight.segment import countries_of_cells, find_homes
from overflight.service.classes import CLASSES, DEFAULT_CLASS, list_classes
from overflight.service.demand import Demand, parse_demand
from overflight.service.rule import usual_method
from overflight.service.subscribers import estimate_terminals, international_traffic_gbps, world_terminals
from overflight.service.terminals import Terminals, distribute_terminals, make_terminals

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]

OTHERS_RESOLUTION = 4
"""H3 resolution by which cells elsewhere are gathered (1,770 km²)."""

MOST_PROBES = 400
"""Cells of a territory from which the distance to others is measured, evenly spread."""

ALTITUDE_PERCENTILE = 95.0
"""Footprints are those of satellites higher than so many of a fleet: a few stray ones do not decide whom a territory competes with."""


SET_BY_USER = Notice.of("source.user_setting", "set by the user")


@dataclass(frozen=True, slots=True)
class Market:
    """Cells and their terminals, in ascending order of H3 index.

    Attributes
    ----------
    cell_ids
        uint64, shape (cells,).
    sites
        Their centres.
    own
        Whether a cell is the territory's, bool, shape (cells,).
    population
        People, shape (cells,).
    terminals
        Terminals by class, shape (cells, classes); fractions where they are estimates of others.
    down_mbps, up_mbps
        What one active terminal asks for, shape (cells, classes).
    active_share
        Share of the terminals that are active at the busiest hour, shape (cells, classes).
    weight
        Of one terminal in fair sharing, shape (classes,).
    classes
        Names of the classes.
    home_pop
        Row of each cell's PoP, int32, shape (cells,).
    neighbours
        Adjacent cells, int32, shape (cells, 6).
    """

    cell_ids: Cells
    sites: Sites
    own: npt.NDArray[np.bool_]
    population: Floats
    terminals: Floats
    down_mbps: Floats
    up_mbps: Floats
    active_share: Floats
    weight: Floats
    classes: tuple[str, ...]
    home_pop: npt.NDArray[np.int32]
    neighbours: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.cell_ids)


@dataclass(frozen=True, slots=True)
class OwnDemand:
    """The territory's side of a market.

    Attributes
    ----------
    terminals
        One row per cell of the territory.
    low, high
        Range of their number where it is an estimate, else the number.
    down_mbps, up_mbps, active_share
        What one active terminal of each class asks for, and how many are active at the busiest hour, shape (classes,).
    distribution
        How they are spread: a method, or ``file``.
    demand
        As the scenario has it.
    """

    terminals: Terminals
    low: int
    high: int
    down_mbps: Floats
    up_mbps: Floats
    active_share: Floats
    distribution: str
    demand: Demand


def settle_demand(inputs: Inputs, fleet: FleetInputs, settings: CapacitySettings, account: Account) -> OwnDemand:
    """Take a territory's terminals from the file that was given, or estimate them, and settle what they ask for.

    Raises
    ------
    OverflightError
        If the words of the demand cannot be used.
    """
    territory, demand = inputs.territory, parse_demand(settings.demand)
    low = high = 0
    distribution = usual_method(territory.code) if settings.distribution == "usual" else str(settings.distribution)
    if inputs.terminals is not None:
        terminals, distribution = inputs.terminals, "file"
    else:
        estimate = estimate_terminals(territory.code, territory.population, operator=fleet.operator)
        account.use_table("subscribers")
        count = estimate.count if settings.terminals is None else settings.terminals
        source, status = (estimate.source, estimate.status) if settings.terminals is None else (SET_BY_USER, "assumed")
        if settings.terminals is None:
            low, high = estimate.low, estimate.high
        if not territory.population.any():
            distribution = "uniform"
        counts = distribute_terminals(territory.population, count, method=distribution, cell_ids=territory.cells)
        terminals = make_terminals(counts, source=source, status=status)
    rows = list_classes()
    down_mbps, up_mbps, active_share = (np.array([getattr(row, name) for row in rows]) for name in ("down_mbps", "up_mbps", "active_share"))
    if demand.kind == "rate":
        down_mbps = np.full(len(rows), demand.down_mbps)
        up_mbps = up_mbps if demand.up_mbps is None else np.full(len(rows), demand.up_mbps)
    elif demand.kind == "failover":
        traffic = international_traffic_gbps(territory.code, territory.population)
        gbps = traffic.gbps if demand.gbps is None else demand.gbps
        demand = replace(demand, gbps=gbps)
        # All traffic goes through the terminals there are; none carries more than its hardware does.
        each_mbps = 1000.0 * gbps / max(terminals.total, 1)
        down_mbps, up_mbps = np.minimum(down_mbps, each_mbps), np.minimum(up_mbps, each_mbps * traffic.upstream_share)
        active_share = np.ones(len(rows))
    total = terminals.total
    return OwnDemand(terminals, low or total, high or total, down_mbps, up_mbps, active_share, distribution, demand)


def make_market(inputs: Inputs, fleet: FleetInputs, own: OwnDemand, others: tuple[Cells, Floats]) -> Market:
    """Put a territory's cells and those that compete with them together.

    Parameters
    ----------
    inputs, fleet
        What is simulated, and the fleet whose satellites are competed for.
    own
        The territory's terminals and what they ask for.
    others
        Cells elsewhere and the consumers' terminals that each stands for, as `find_others` gives them.
    """
    territory = inputs.territory
    other_ids, other_terminals = others
    cell_ids = np.concatenate([territory.cells, other_ids])
    order = np.argsort(cell_ids, kind="stable")
    rows = list_classes()
    consumers = np.zeros((len(other_ids), len(rows)))
    consumers[:, CLASSES.index(DEFAULT_CLASS)] = other_terminals
    asked = {}
    for name in ("down_mbps", "up_mbps", "active_share"):
        ours = np.broadcast_to(getattr(own, name), (len(territory.cells), len(rows)))
        theirs = np.broadcast_to(np.array([getattr(row, name) for row in rows]), consumers.shape)
        asked[name] = np.concatenate([ours, theirs])[order]
    return Market(
        cell_ids=cell_ids[order],
        sites=make_sites(*cell_centres(cell_ids[order])),
        own=(np.arange(len(cell_ids)) < len(territory.cells))[order],
        population=np.concatenate([territory.population, population_of_cells(other_ids)])[order],
        terminals=np.concatenate([own.terminals.counts.astype(np.float64), consumers])[order],
        weight=np.array([row.weight for row in rows]),
        classes=CLASSES,
        home_pop=_find_all_homes(inputs, fleet, other_ids)[order],
        neighbours=cell_neighbours(cell_ids[order]),
        **asked,
    )


def find_others(own: Cells, fleet: FleetInputs, *, scale: float) -> tuple[Cells, Floats]:
    """Cells elsewhere whose terminals may be served by a satellite that the territory sees, and how many terminals each stands for.

    Parameters
    ----------
    own
        Cells of the territory.
    fleet
        Operator, satellites and mask.
    scale
        Multiple of the terminals that are estimated; 0: nobody is elsewhere.
    """
    cells, terminals = list_competitors(own, fleet, scale=scale)
    return gather_cells(cells, terminals, by=terminals)


def list_competitors(own: Cells, fleet: FleetInputs, *, scale: float, everywhere: bool = False) -> tuple[Cells, Floats]:
    """Cells elsewhere that a satellite over the territory may serve, one by one, and their terminals.

    Parameters
    ----------
    own
        Cells of the territory.
    fleet
        Operator, satellites and mask.
    scale
        Multiple of the terminals that are estimated; 0: nobody is elsewhere.
    everywhere
        Whether territories count that the operator does not serve, with the terminals that they would have.
    """
    if scale <= 0.0:
        return np.empty(0, dtype=np.uint64), np.empty(0)
    candidates = np.unique(read_world_cells().cells)
    candidates = candidates[~np.isin(candidates, own)]
    # Cheap first: terminals of the whole world are estimated once, places only of cells that have any.
    terminals = world_terminals(fleet.operator, candidates, everywhere=everywhere).astype(np.float64) * scale
    candidates, terminals = candidates[terminals > 0.0], terminals[terminals > 0.0]
    near = _is_near(candidates, own, 2.0 * footprint_radius_km(fleet))
    return candidates[near], terminals[near]


def gather_cells(cells: Cells, values: Floats, *, by: Floats) -> tuple[Cells, Floats]:
    """Gather cells by their parents: each stands where ``by`` is greatest, for all of them.

    Parameters
    ----------
    cells
        Ascending, shape (n,).
    values
        What is added up, shape (n, ...).
    by
        Terminals, shape (n,).
    """
    if not len(cells):
        return cells, values
    parents = cell_parents(cells, OTHERS_RESOLUTION)
    order = np.lexsort((cells, -by, parents))
    first = np.append(True, np.diff(parents[order].astype(np.int64)) != 0)
    return cells[order][first], np.add.reduceat(values[order], np.flatnonzero(first), axis=0)


def footprint_radius_km(fleet: FleetInputs) -> float:
    """Greatest distance along the ground at which a satellite of the fleet serves."""
    altitude_km = float(np.percentile(mean_altitude_km(fleet.elements), ALTITUDE_PERCENTILE))
    mask = np.radians(fleet.user_mask_deg)
    half_angle = np.arccos(np.clip(np.cos(mask) * MEAN_RADIUS_KM / (MEAN_RADIUS_KM + altitude_km), -1.0, 1.0)) - mask
    return float(half_angle * MEAN_RADIUS_KM)


def _is_near(cells: Cells, own: Cells, distance_km: float) -> npt.NDArray[np.bool_]:
    """Whether cells lie within a distance of any of a territory's."""
    step = max(1, len(own) // MOST_PROBES)
    theirs, ours = (unit_vectors(*cell_centres(ids)).T for ids in (cells, own[::step]))
    least = np.cos(distance_km / MEAN_RADIUS_KM)
    near = np.zeros(len(cells), dtype=np.bool_)
    for block in np.array_split(np.arange(len(cells)), max(1, len(cells) // 20_000)):
        near[block] = (theirs[block] @ ours.T).max(axis=1) >= least
    return near


def _find_all_homes(inputs: Inputs, fleet: FleetInputs, others: Cells) -> npt.NDArray[np.int32]:
    """PoP of each cell of the territory, by the scenario's rule, and of each cell elsewhere, the nearest."""
    assert fleet.pops is not None
    assert fleet.gateways is not None
    scenario, territory = inputs.scenario, inputs.territory
    sites = make_sites(*cell_centres(territory.cells))
    settings = next(row for row in scenario.constellations if row.name == fleet.name)
    own = find_homes(
        settings,
        scenario,
        Account(),  # what it would say was said when the inputs were gathered
        (fleet.gateways, fleet.pops),
        sites,
        countries_of_cells(territory, territory.cells, sites),
        operator=fleet.operator,
        title=fleet.title,
    )
    if not len(others):
        return own
    countries = [owners[0] if owners else "" for owners in territories_of_cells(others)]
    closed = domestic_countries(fleet.operator)
    return np.concatenate([own, nearest_pops(fleet.pops, *cell_centres(others), country=countries, domestic_only=closed)])
