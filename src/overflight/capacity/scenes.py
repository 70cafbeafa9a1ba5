"""Scenes: where satellites stand in a slot and by which ways their traffic could go; what no parameter of radio or demand changes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.backbone import Backbone
from overflight.capacity.market import Market
from overflight.clock import Instants
from overflight.flow.feeders import Reach, find_reach
from overflight.inputs import FleetInputs, Inputs
from overflight.orbit.propagation import Propagator
from overflight.pairs import PairFinder, PairRules

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Scene:
    """One slot.

    Attributes
    ----------
    instant
        Its beginning.
    cell, satellite
        Usable pairs with a way from the satellite to the cell's PoP, sorted by cell and satellite, int32, shape (pairs,).
    range_km, elevation_deg
        Where the satellite stands, shape (pairs,).
    next_hop
        Of the least-delay ways, by PoP in use and satellite, int32, shape (pops, satellites).
    reach
        Gateways that each satellite sees.
    positions_km
        Satellites in ITRF, shape (3, satellites).
    """

    instant: np.datetime64
    cell: Integers
    satellite: Integers
    range_km: Floats
    elevation_deg: Floats
    next_hop: Integers
    reach: Reach
    positions_km: Floats


class SceneFinder:
    """Finds the scenes of any slots over a market.

    Parameters
    ----------
    inputs, fleet, market
        What is simulated, which fleet, which cells.
    backbone
        Ways to the PoPs that cells of the market call home, in the order of ``pops_used``.
    threads
        The result does not depend on it.
    """

    def __init__(
        self, inputs: Inputs, fleet: FleetInputs, market: Market, backbone: Backbone, propagator: Propagator, *, threads: int = 1
    ) -> None:
        scenario = inputs.scenario
        rules = PairRules(fleet.user_mask_deg, scenario.visibility.arc_avoidance_deg, inputs.obstruction, scenario.time.step_s)
        self._finder = PairFinder(market.sites, market.cell_ids, rules, threads=threads)
        self._orientation = scenario.time.earth_orientation
        self._backbone, self._propagator, self._threads = backbone, propagator, threads
        self._home = np.searchsorted(np.unique(market.home_pop), market.home_pop)

    def find(self, slot_start: Instants) -> Iterator[Scene]:
        """Find the scenes of some slots, in order."""
        positions_km = self._propagator.positions_km(slot_start, earth_orientation=self._orientation, threads=self._threads)
        pairs = self._finder.find(positions_km, slots=len(slot_start)).pairs
        ground = self._backbone.ground
        for part, ways in self._backbone.walk(slot_start, positions_km):
            for k in range(part.start, part.stop):
                rows = slice(pairs.start[k], pairs.start[k + 1])
                way = ways[k - part.start]
                cell, satellite = pairs.cell[rows], pairs.satellite[rows]
                has_way = np.isfinite(way.delay_ms[self._home[cell], satellite])
                yield Scene(
                    instant=slot_start[k],
                    cell=cell[has_way],
                    satellite=satellite[has_way],
                    range_km=pairs.range_km[rows][has_way],
                    elevation_deg=pairs.elevation_deg[rows][has_way],
                    next_hop=np.ascontiguousarray(way.next_hop),
                    reach=find_reach(
                        positions_km[k],
                        ground.sites.ecef_km,
                        ground.sites.up,
                        min_elevation_deg=ground.min_elevation_deg,
                        max_range_km=ground.max_range_km,
                    ),
                    positions_km=positions_km[k],
                )
