"""Scenes: where satellites stand in a slot and by which ways their traffic could go; what no parameter of radio or demand changes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from overflight.backbone import Backbone, relink_number
from overflight.capacity.market import Market
from overflight.capacity.usable import MANY_CELLS, Marked, Usable, UsableFinder
from overflight.clock import Instants
from overflight.earth.geodesy import LIGHT_SPEED_KM_S, Sites
from overflight.flow.feeders import Reach
from overflight.inputs import FleetInputs, Inputs
from overflight.network.gateways import GroundSegment
from overflight.orbit.propagation import Propagator
from overflight.pairs import PairRules
from overflight.sky.visibility import CellTree, VisibleSeries, find_visible_series

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scene:
    """One slot.

    Attributes
    ----------
    instant
        Its beginning.
    indptr, satellite
        Usable pairs with a way from the satellite to the cell's PoP: those of cell c are ``satellite[indptr[c]:indptr[c + 1]]``,
        ascending; int64, shape (cells + 1,), and int32, shape (pairs,).
    next_hop
        Of the least-delay ways, by PoP in use and satellite, int32, shape (pops, satellites).
    reach
        Gateways that satellites see: all that may serve one of the cells, and those on their ways; of others nothing need be told.
    positions_km
        Satellites in ITRF, shape (3, satellites).
    sites
        The cells.
    """

    instant: np.datetime64
    indptr: Rows
    satellite: Integers
    next_hop: Integers
    reach: Reach
    positions_km: Floats
    sites: Sites

    @property
    def cell(self) -> Integers:
        """Cell of each pair, int32, shape (pairs,)."""
        return np.repeat(np.arange(len(self.sites), dtype=np.int32), np.diff(self.indptr))

    def look(self, cell: npt.ArrayLike, satellite: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Range (km) and elevation (degrees) of satellites as seen from cells, row by row."""
        place, sender = np.asarray(cell), np.asarray(satellite)
        way = self.positions_km[:, sender] - self.sites.ecef_km[:, place]
        rise = (way * self.sites.up[:, place]).sum(axis=0)
        range_km: Floats = np.sqrt((way * way).sum(axis=0))
        level = np.linalg.norm(np.cross(way, self.sites.up[:, place], axis=0), axis=0)
        return range_km, np.degrees(np.arctan2(rise, level))


class SceneFinder:
    """Finds the scenes of any slots over a market; several threads may use one finder at once.

    Parameters
    ----------
    inputs, fleet, market
        What is simulated, which fleet, which cells.
    backbone
        Ways to the PoPs that cells of the market call home, in the order of ``pops_used``.
    propagator
        Of the fleet's elements.
    """

    def __init__(self, inputs: Inputs, fleet: FleetInputs, market: Market, backbone: Backbone, propagator: Propagator) -> None:
        self._scenario = inputs.scenario
        visibility, step_s = self._scenario.visibility, self._scenario.time.step_s
        rules = PairRules(fleet.user_mask_deg, visibility.arc_avoidance_deg, inputs.obstruction, step_s)
        home = np.searchsorted(np.unique(market.home_pop), market.home_pop).astype(np.int32)
        self._finder = UsableFinder(market.sites, market.cell_ids, home, rules)
        self._gateways = CellTree(backbone.ground.sites)
        self._sites = market.sites
        self._backbone, self._propagator = backbone, propagator

    def find(self, slot_start: Instants, *, threads: int = 1) -> Iterator[Scene]:
        """Find the scenes of some slots, in order; the result does not depend on ``threads``."""
        orientation = self._scenario.time.earth_orientation
        positions_km = self._propagator.positions_km(slot_start, earth_orientation=orientation, threads=threads)
        number = relink_number(slot_start, self._scenario)
        bounds = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(slot_start)]
        walk = self._backbone.walk(slot_start, positions_km)
        with ThreadPoolExecutor(max_workers=1) as pool:
            for first, last in pairwise(bounds):
                # Ways are found while pairs are marked.
                coming = pool.submit(next, walk)
                parts = [slice(first + a, first + b) for a, b in pairwise(self._finder.walk_bounds(last - first)) if b > a]
                marked: Marked | None = self._finder.mark(positions_km[parts[0]], threads=threads) if parts else None
                ways = coming.result()[1]
                for part in parts:
                    marked = marked or self._finder.mark(positions_km[part], threads=threads)
                    slots = [ways[k - first] for k in range(part.start, part.stop)]
                    usable = marked.list(np.stack([np.isfinite(way.delay_ms) for way in slots]))
                    marked = None
                    next_hops = [np.ascontiguousarray(way.next_hop) for way in slots]
                    reaches = self._find_reaches(positions_km[part], usable, next_hops)
                    for k, next_hop, pairs, reach in zip(range(part.start, part.stop), next_hops, usable, reaches, strict=True):
                        yield Scene(
                            instant=slot_start[k],
                            indptr=pairs.indptr,
                            satellite=pairs.satellite,
                            next_hop=next_hop,
                            reach=reach,
                            positions_km=positions_km[k],
                            sites=self._sites,
                        )

    def _find_reaches(self, positions_km: Floats, usable: list[Usable], next_hops: list[Integers]) -> list[Reach]:
        """Gateways in reach; where few satellites serve few cells, only of these and of those on their ways."""
        from overflight.capacity import _kernels

        used = np.zeros(positions_km.shape[2], np.bool_)
        if len(self._sites) < MANY_CELLS:
            for pairs, next_hop in zip(usable, next_hops, strict=True):
                _kernels.mark_used(pairs.satellite, next_hop, used)
        else:
            used[:] = True
        return find_reaches(self._gateways, self._backbone.ground, positions_km, np.flatnonzero(used))


def find_reaches(tree: CellTree, ground: GroundSegment, positions_km: Floats, rows: Rows) -> list[Reach]:
    """List the gateways that some satellites could come down to, slot by slot: what `overflight.flow.feeders.find_reach` lists of them.

    Parameters
    ----------
    tree
        The gateways.
    ground
        Their masks and ranges.
    positions_km
        Satellites in ITRF, shape (slots, 3, n).
    rows
        The satellites that are asked for, ascending; of the others nothing is listed.
    """
    visible = find_visible_series(tree, positions_km[:, :, rows], min_elevation_deg=ground.min_elevation_deg)
    return [_turn(visible, k, ground, positions_km[k], rows) for k in range(len(positions_km))]


def _turn(visible: VisibleSeries, slot: int, ground: GroundSegment, positions_km: Floats, rows: Rows) -> Reach:
    from overflight.capacity import _kernels

    seen = visible.at(slot)
    pairs = len(seen.satellite)
    indptr, gateway, range_km = np.empty(positions_km.shape[1] + 1, np.int64), np.empty(pairs, np.int32), np.empty(pairs)
    used = _kernels.turn_reach(
        seen.indptr, seen.satellite, rows, positions_km, ground.sites.ecef_km, ground.max_range_km, indptr, gateway, range_km
    )
    return Reach(indptr, gateway[:used], range_km[:used] * (1e3 / LIGHT_SPEED_KM_S))
