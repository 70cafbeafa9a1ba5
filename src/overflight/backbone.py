"""The backbone of a fleet over a run: links chosen anew at every relink, and the ways to the PoPs in use, computed ahead of their use."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from overflight.catalog.homing import domestic_countries, may_land
from overflight.catalog.versions import classify_versions, read_versions
from overflight.clock import Instants
from overflight.earth.geodesy import make_sites
from overflight.inputs import FleetInputs
from overflight.network.gateways import GroundSegment, backhaul_delay_ms, gateway_mask_deg, make_ground_segment
from overflight.network.isl import TOPOLOGIES, Topology, TopologyInput
from overflight.network.ways import Routing, Ways, find_ways
from overflight.orbit.elements import mean_altitude_km
from overflight.orbit.propagation import Propagator
from overflight.scenario import Scenario

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]


class Backbone:
    """Lasers, gateways and PoPs of one fleet.

    Parameters
    ----------
    fleet
        The fleet, with a ground segment.
    scenario
        Settings of network and visibility.
    pop_rows
        Rows of the PoPs in use; the ways lead to them, in this order.
    topology, routing
        A researcher's own, instead of the scenario's.
    threads
        How many stretches of slots are computed at a time. The result does not depend on it.
    keep
        Whether ways once found are kept until `forget`: for asking again for the same slots, at the price of memory.
    """

    def __init__(
        self,
        fleet: FleetInputs,
        scenario: Scenario,
        pop_rows: npt.NDArray[np.integer],
        *,
        topology: Topology | None = None,
        routing: Routing | None = None,
        threads: int = 1,
        keep: bool = False,
    ) -> None:
        self._fleet, self._scenario, self._threads = fleet, scenario, threads
        self._topology = topology
        self._routing = routing or scenario.network.routing
        self._propagator = Propagator(fleet.elements)
        self._kept: dict[tuple[int, int], Ways] | None = {} if keep else None
        self.ground = make_fleet_ground(fleet, scenario, pop_rows)

    def walk(self, slot_start: Instants, positions_km: Floats) -> Iterator[tuple[slice, Ways]]:
        """Yield stretches of slots with the same links, in order, each with its ways; the next ones are computed meanwhile.

        Parameters
        ----------
        slot_start
            Slots, shape (nt,).
        positions_km
            Satellites in ITRF at these, shape (nt, 3, n).
        """
        number = relink_number(slot_start, self._scenario)
        bounds = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(slot_start)]
        ahead: deque[tuple[slice, Future[Ways]]] = deque()
        with ThreadPoolExecutor(max_workers=self._threads) as pool:
            for first, last in pairwise(bounds):
                part = slice(first, last)
                ahead.append((part, pool.submit(self._find, slot_start[part], positions_km[part], int(number[first]))))
                if len(ahead) > self._threads:
                    done, future = ahead.popleft()
                    yield done, future.result()
            while ahead:
                done, future = ahead.popleft()
                yield done, future.result()

    def forget(self) -> None:
        """Let go of the ways that were kept."""
        if self._kept is not None:
            self._kept.clear()

    def _find(self, slot_start: Instants, positions_km: Floats, number: int) -> Ways:
        key = (int(slot_start[0].astype(np.int64)), len(slot_start))
        if self._kept is not None and key in self._kept:
            return self._kept[key]
        network = self._scenario.network
        ways = find_ways(
            positions_km,
            link_fleet(self._fleet, self._scenario, number, self._propagator, topology=self._topology),
            self.ground,
            routing=self._routing,
            isl_range_km=network.isl_range_km,
            isl_clearance_km=network.isl_clearance_km,
        )
        if self._kept is not None:
            self._kept[key] = ways
        return ways


def link_fleet(
    fleet: FleetInputs, scenario: Scenario, number: int, propagator: Propagator, *, topology: Topology | None = None
) -> Integers:
    """Who is linked with whom in a relink interval, as chosen at its beginning: the same for any run that covers it.

    Built-in topologies link the satellites that have lasers; a topology of one's own is given all.
    """
    network, elements = scenario.network, fleet.elements
    start_us = number * round(network.relink_s * 1e6)
    instants = np.array([start_us, start_us + 1_000_000]).astype("datetime64[us]")
    now_km, later_km = propagator.positions_km(instants, earth_orientation=scenario.time.earth_orientation)
    rows = np.arange(len(elements)) if topology is not None else np.flatnonzero(has_lasers(fleet))
    choose = topology or TOPOLOGIES[fleet.topology]
    found = choose(
        TopologyInput(
            positions_km=np.ascontiguousarray(now_km[:, rows]),
            velocities_km_s=np.ascontiguousarray((later_km - now_km)[:, rows]),
            shell=elements.shell[rows],
            plane=elements.plane[rows],
            slot=elements.slot[rows],
            max_range_km=network.isl_range_km,
            clearance_km=network.isl_clearance_km,
            scope=network.scope,
        )
    )
    if len(rows) == len(elements):
        return found
    linked = np.full((len(elements), found.shape[1]), -1, dtype=np.int32)
    linked[rows] = np.where(found < 0, -1, rows[np.maximum(found, 0)])
    return linked


def has_lasers(fleet: FleetInputs) -> npt.NDArray[np.bool_]:
    """Whether each satellite has lasers, by its version; all have where no version of the operator's is known, or none has any."""
    elements, versions = fleet.elements, read_versions()
    if fleet.operator not in versions.operator:
        return np.ones(len(elements), dtype=np.bool_)
    version = classify_versions(
        fleet.operator,
        norad_id=elements.norad_id,
        inclination_deg=elements.inclination_deg,
        altitude_km=mean_altitude_km(elements),
    )
    found = np.asarray(versions.lasers[version] > 0)
    # Whoever gives lasers to a fleet that has none asks what they would do.
    return found if found.any() else np.ones(len(elements), dtype=np.bool_)


def relink_number(instants: Instants, scenario: Scenario) -> npt.NDArray[np.int64]:
    """Which relink interval each instant falls into, counted from 1970."""
    numbers: npt.NDArray[np.int64] = instants.astype(np.int64) // round(scenario.network.relink_s * 1e6)
    return numbers


def make_fleet_ground(fleet: FleetInputs, scenario: Scenario, pop_rows: npt.NDArray[np.integer]) -> GroundSegment:
    """Gateways of a fleet with their masks, and the fibre to those of its PoPs whose traffic may land there.

    The lower mask at high latitude is of Starlink's filings and holds for its gateways only.
    """
    assert fleet.gateways is not None
    assert fleet.pops is not None
    gateways, pops, network, visibility = fleet.gateways, fleet.pops.select(pop_rows), scenario.network, scenario.visibility
    sites = make_sites(gateways.lat_deg, gateways.lon_deg, gateways.height_m)
    pop_sites = make_sites(pops.lat_deg, pops.lon_deg, pops.height_m)
    backhaul_ms = backhaul_delay_ms(sites, pop_sites, route_factor=network.route_factor, fibre_index=network.fibre_index)
    backhaul_ms[~may_land(gateways, pops, domestic_only=domestic_countries(fleet.operator))] = np.inf
    mask_deg = fleet.gateway_mask_deg
    return make_ground_segment(
        sites,
        backhaul_ms=backhaul_ms,
        min_elevation_deg=gateway_mask_deg(
            gateways.lat_deg,
            mask_deg=mask_deg,
            high_latitude_mask_deg=visibility.gateway_mask_high_latitude_deg if fleet.operator == "starlink" else mask_deg,
            high_latitude_deg=visibility.high_latitude_deg,
        ),
    )
