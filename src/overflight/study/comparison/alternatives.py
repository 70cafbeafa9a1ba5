"""Which other constellations stand over those who lose service, and what they could give."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from overflight.capacity.market import OwnDemand, make_market
from overflight.capacity.twin import CapacityTwin
from overflight.catalog.constellations import find_constellation, list_constellations
from overflight.clock import Instants
from overflight.earth.cells import cell_centres
from overflight.earth.geodesy import make_sites
from overflight.flow.summary import weighted_quantile
from overflight.inputs import FleetInputs, Inputs, gather_inputs
from overflight.orbit.propagation import Propagator
from overflight.scenario import FleetSettings, Scenario
from overflight.sky.visibility import CellTree, find_visible_series
from overflight.study.capacity_variants import own_rates
from overflight.study.comparison.findings import Alternative

Floats = npt.NDArray[np.float64]


def list_others(scenario: Scenario, operator: str) -> tuple[FleetSettings, ...]:
    """Constellations to try: the scenario's further ones, or else the built-in ones of other operators."""
    if len(scenario.constellations) > 1:
        return scenario.constellations[1:]
    rows = [find_constellation(name) for name in list_constellations()]
    return tuple(FleetSettings(name=row.name) for row in rows if row.operator != operator and not row.conventions)


def find_alternatives(
    inputs: Inputs, own: OwnDemand, lost: Floats, people: Floats, rows: npt.NDArray[np.int64], *, threads: int
) -> tuple[Alternative, ...]:
    """What other constellations could do for those who lose service.

    Parameters
    ----------
    inputs
        Of the comparison.
    own
        The territory's terminals.
    lost
        Terminals that lose service, shape (cells, classes).
    people
        How much each cell counts: people, or if there are none terminals, that lose service, shape (cells,).
    rows
        Slots of the run that are looked at.
    threads
        The result does not depend on it.
    """
    scenario = inputs.scenario
    others = list_others(scenario, inputs.fleets[0].operator)
    if not others:
        return ()
    wider = gather_inputs(scenario.model_copy(update={"constellations": (scenario.constellations[0], *others)}))
    return tuple(_try_fleet(wider, fleet, own, lost, people, rows, threads) for fleet in wider.fleets[1:])


def _try_fleet(
    inputs: Inputs, fleet: FleetInputs, own: OwnDemand, lost: Floats, people: Floats, rows: npt.NDArray[np.int64], threads: int
) -> Alternative:
    instants = inputs.slot_start[rows]
    in_view = _count_in_view(inputs, fleet, instants, threads=threads)
    weight = people if people.any() else np.ones(len(people))
    served, median, delivered = np.nan, np.nan, np.nan
    if fleet.home_pop is not None:
        served, median, delivered = _serve(inputs, fleet, own, lost, weight, rows, threads)
    return Alternative(
        name=fleet.name,
        title=fleet.title,
        operator=fleet.operator,
        status=fleet.elements_status,
        satellites_mean=float(np.average(in_view.mean(axis=0), weights=weight)),
        covered_fraction=float(np.average((in_view > 0).mean(axis=0), weights=weight)),
        is_ground_known=fleet.home_pop is not None,
        served_fraction=served,
        median_mbps=median,
        delivered_gbps=delivered,
    )


def _count_in_view(inputs: Inputs, fleet: FleetInputs, instants: Instants, *, threads: int) -> npt.NDArray[np.int64]:
    """Satellites above the mask of each of the territory's cells, shape (instants, cells)."""
    cells = inputs.territory.cells
    orientation = inputs.scenario.time.earth_orientation
    positions_km = Propagator(fleet.elements).positions_km(instants, earth_orientation=orientation, threads=threads)
    tree = CellTree(make_sites(*cell_centres(cells)), cell_ids=cells)
    counts = []
    # One slot a call: slots far apart have nothing in common that a walk down the tree could share.
    for number in range(len(instants)):
        visible = find_visible_series(tree, positions_km[number : number + 1], min_elevation_deg=fleet.user_mask_deg)
        counts.append(np.diff(visible.at(0).indptr))
    return np.stack(counts)


def _serve(
    inputs: Inputs, fleet: FleetInputs, own: OwnDemand, lost: Floats, weight: Floats, rows: npt.NDArray[np.int64], threads: int
) -> tuple[float, float, float]:
    """Share of the time with a way to the Internet, and what the terminals that lose service would get together and in the median."""
    market = make_market(inputs, fleet, own, (np.empty(0, dtype=np.uint64), np.empty(0)))
    terminals = np.zeros_like(market.terminals)
    terminals[:, : lost.shape[1]] = lost
    market = replace(market, terminals=terminals)
    twin = CapacityTwin(inputs, fleet, threads=threads, market=market)
    linked, rates, active, delivered = [], [], [], []
    for scene in twin.find_scenes(rows):
        result = twin.work_scene(scene, twin.case)
        linked.append(result.seen)
        rate, terminals_at = own_rates(result, market.own)
        rates.append(rate)
        active.append(terminals_at)
        delivered.append(float(result.down_mbps.sum()) / 1000.0)
    served = float(np.average(np.mean(linked, axis=0), weights=weight))
    median = float(weighted_quantile(np.concatenate(rates), np.concatenate(active), (0.5,))[0])
    return served, median, float(np.mean(delivered))
