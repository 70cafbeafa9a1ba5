"""The twin: from a scenario's inputs to a run, slot by slot. It hands the arrays of one stage to the next and holds no physics."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.backbone import Backbone
from overflight.capacity.twin import CapacityTwin, OwnRules
from overflight.clock import Instants
from overflight.earth.geodesy import MEAN_RADIUS_KM
from overflight.flow.feeders import Landing
from overflight.inputs import FleetInputs, Inputs, gather_inputs
from overflight.network.isl import Topology
from overflight.network.ways import MS_PER_KM, Routing, Ways
from overflight.orbit.elements import ElementSets, semi_major_axis_km
from overflight.orbit.propagation import Propagator
from overflight.pairs import PairFinder, PairRules, Pairs
from overflight.run import COVERAGE_FRAMES, FRAMES, FleetHeader, Run, RunWriter
from overflight.scenario import Scenario
from overflight.schedule.beams import Allocator
from overflight.schedule.selection import LOOK_AHEAD_SLOTS, NOBODY, Candidates, Strategy, choose_serving
from overflight.schedule.slots import SLOT_OFFSET_S, slot_numbers
from overflight.schedule.strategies import find_strategy, needs_remaining

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
Frames = dict[str, npt.NDArray[Any]]
Progress = Callable[[float], None]

BLOCK_PAIRS = 1_500_000
"""Pairs of cell and satellite worked on at a time, look-ahead included, by the estimate of `share_in_view`.

Bounds the memory of a run whatever its duration. What may serve is kept for all cells of a block, whose `MIN_BLOCK_SLOTS` exceed this
in territories of thousands of cells (of 10,000 satellites and a mask of 25°: 4,000): memory then grows by some 50 kB a cell.
"""

SERVICE_SHARE = 0.5
"""Share of the progress bar that coverage and latency take, where capacity comes after them."""

MAX_BLOCK_SLOTS = 120
MIN_BLOCK_SLOTS = 8


@dataclass(frozen=True, slots=True)
class Plugins:
    """A researcher's own functions in place of the scenario's; None leaves the scenario's."""

    strategy: Strategy | None = None
    topology: Topology | None = None
    routing: Routing | None = None
    allocator: Allocator | None = None
    landing: Landing | None = None

    def names(self) -> dict[str, str]:
        """Module and name of each own function, by what it is."""
        functions = {
            "strategy": self.strategy,
            "topology": self.topology,
            "routing": self.routing,
            "allocator": self.allocator,
            "landing": self.landing,
        }
        return {
            kind: f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', repr(function))}"
            for kind, function in functions.items()
            if function is not None
        }


NO_PLUGINS = Plugins()


def run_scenario(
    scenario: Scenario,
    out: str | Path,
    *,
    threads: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    plugins: Plugins = NO_PLUGINS,
) -> Run:
    """Simulate a scenario and write the run to a folder.

    Parameters
    ----------
    scenario
        What to simulate.
    out
        Folder for the run: new, empty, or holding a run of the same scenario, which is then gone on with.
    threads
        Threads to use; by default as many as there are processors. The result does not depend on it.
    overwrite
        Whether a run of another scenario in ``out`` may be replaced.
    progress
        Called with the share of the work done.
    plugins
        Own satellite choice, topology, routing, beam allocation or landing.

    Raises
    ------
    OverflightError
        One line about what is wrong with the scenario, its inputs or the folder.
    """
    return run_inputs(gather_inputs(scenario), out, threads=threads, overwrite=overwrite, progress=progress, plugins=plugins)


def run_inputs(
    inputs: Inputs,
    out: str | Path,
    *,
    threads: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    plugins: Plugins = NO_PLUGINS,
) -> Run:
    """As `run_scenario`, for inputs gathered before."""
    # A run's own functions are part of its identity by name; whoever changes one under the same name must choose another folder.
    own = ((f"own {kind}", name) for kind, name in plugins.names().items())
    threads = count_threads(threads)
    # What is wrong with terminals and demand is said before anything is written.
    capacities = [make_capacity_twin(inputs, fleet, threads=threads, plugins=plugins) for fleet in inputs.fleets]
    tell = progress or (lambda _share: None)
    with RunWriter(out, inputs.scenario, (*inputs.files, *own), overwrite=overwrite) as writer:
        if not writer.complete:
            for number, (fleet, capacity) in enumerate(zip(inputs.fleets, capacities, strict=True)):
                twin = FleetTwin(inputs, fleet, threads=threads, plugins=plugins)
                part = 1.0 if capacity is None else SERVICE_SHARE
                for share in _write_fleet(twin, writer):
                    tell((number + part * share) / len(inputs.fleets))
                for share in () if capacity is None else _write_capacity(capacity, writer):
                    tell((number + part + (1.0 - part) * share) / len(inputs.fleets))
        return writer.finish()


def make_capacity_twin(
    inputs: Inputs, fleet: FleetInputs, *, threads: int = 1, plugins: "Plugins | None" = None, propagator: Propagator | None = None
) -> CapacityTwin | None:
    """Capacity of a fleet; None where the scenario does not ask for it or no gateway is known.

    Raises
    ------
    OverflightError
        If something about terminals, demand, spectrum or parameters cannot be used.
    """
    if inputs.scenario.capacity is None or fleet.home_pop is None:
        return None
    own = plugins or NO_PLUGINS
    rules = OwnRules(own.allocator, own.landing, own.topology, own.routing)
    return CapacityTwin(inputs, fleet, threads=threads, own=rules, propagator=propagator)


def _write_capacity(twin: CapacityTwin, writer: RunWriter) -> Iterator[float]:
    """Write the capacity of a fleet block by block; yields the share done."""
    header = twin.header()
    frames = writer.begin_fleet(header)
    slots = len(header.slot_start)
    for block in twin.blocks(done=frames.blocks_done):
        frames.write_block(block)
        yield min(frames.blocks_done * header.block_slots, slots) / slots


def count_threads(threads: int | None) -> int:
    """Threads to use: those asked for, or as many as there are processors."""
    return threads or os.cpu_count() or 1


def _write_fleet(twin: "FleetTwin", writer: RunWriter) -> Iterator[float]:
    """Write a fleet block by block; yields the share done."""
    inputs = twin.inputs
    frames = tuple(FRAMES) if twin.has_ground else COVERAGE_FRAMES
    n_slots, step = len(inputs.slot_start), twin.block_slots
    fleet = writer.begin_fleet(
        FleetHeader(twin.fleet.name, inputs.slot_start, inputs.cell_ids, step, frames, fleet_tables(inputs, twin.fleet), _facts(twin.fleet))
    )
    before = fleet.last_row("serving") if twin.has_ground else None
    for start in range(fleet.blocks_done * step, n_slots, step):
        block = twin.simulate(inputs.slot_start, start, min(start + step, n_slots), serving_before=before)
        fleet.write_block(block)
        before = block["serving"][-1] if twin.has_ground else None
        yield min(start + step, n_slots) / n_slots


def fleet_tables(inputs: Inputs, fleet: FleetInputs) -> dict[str, dict[str, Any]]:
    """The tables that explain a fleet's frames: what row numbers in them mean."""
    elements = fleet.elements
    tables: dict[str, dict[str, Any]] = {
        "satellites": {
            "norad_id": elements.norad_id,
            "name": list(elements.name),
            "epoch": elements.epoch,
            "inclination_deg": elements.inclination_deg,
            "shell": elements.shell,
            "plane": elements.plane,
            "slot": elements.slot,
        },
        "cells": {
            "cell": inputs.cell_ids,
            "lat_deg": inputs.sites.lat_deg,
            "lon_deg": inputs.sites.lon_deg,
            "population": inputs.cell_population,
            **({} if fleet.home_pop is None else {"home_pop": fleet.home_pop}),
        },
    }
    for name, table in (("gateways", fleet.gateways), ("pops", fleet.pops)):
        if table is not None:
            columns = ("name", "city", "country", "lat_deg", "lon_deg", "state", "source", "date", "status")
            tables[name] = {column: _plain(getattr(table, column)) for column in columns}
    return tables


def _plain(column: Any) -> Any:
    return list(column) if isinstance(column, tuple) else column


def _facts(fleet: FleetInputs) -> dict[str, Any]:
    return {
        "title": fleet.title,
        "operator": fleet.operator,
        "source": fleet.source,
        "satellites_read": fleet.satellites_read,
        "satellites_used": len(fleet.elements),
        "left_out": [list(entry) for entry in fleet.left_out],
        "topology": fleet.topology,
    }


@dataclass
class FleetTwin:
    """One constellation over one territory; computes any block of slots.

    Parameters
    ----------
    inputs, fleet
        Tables of the scenario, and which of its fleets.
    threads
        Threads for the stages; the result does not depend on it.
    plugins
        Own functions in place of the scenario's.
    shared_backbone
        A backbone to the same PoPs that several twins share; None for one of its own.
    shared_propagator
        A propagator of the fleet's elements that several twins share; None for one of its own.
    """

    inputs: Inputs
    fleet: FleetInputs
    threads: int = 1
    plugins: Plugins = field(default=NO_PLUGINS)
    shared_backbone: Backbone | None = None
    shared_propagator: Propagator | None = None

    def __post_init__(self) -> None:
        self._propagator = self.shared_propagator or Propagator(self.fleet.elements)
        selection = self.inputs.scenario.selection
        built_in = find_strategy(selection.strategy, seed=selection.seed, operator=self.fleet.operator)
        self.strategy = self.plugins.strategy or built_in

    @property
    def has_ground(self) -> bool:
        """Whether gateways and PoPs are known, so that service and latency can be told."""
        return self.fleet.home_pop is not None

    @cached_property
    def block_slots(self) -> int:
        """Slots in a block: as many as bounded memory allows. Depends on the inputs only, so that a resumed run has the same blocks."""
        return int(np.clip(BLOCK_PAIRS / self._pairs_per_slot, MIN_BLOCK_SLOTS, MAX_BLOCK_SLOTS))

    @cached_property
    def _pairs_per_slot(self) -> float:
        share = share_in_view(self.fleet.elements, self.fleet.user_mask_deg)
        return max(1.0, len(self.inputs.cell_ids) * len(self.fleet.elements) * share)

    @cached_property
    def _finder(self) -> PairFinder:
        """Finds the pairs in as many groups of cells as bounded memory asks for."""
        inputs, scenario = self.inputs, self.inputs.scenario
        rules = PairRules(
            mask_deg=self.fleet.user_mask_deg,
            arc_avoidance_deg=scenario.visibility.arc_avoidance_deg,
            obstruction=inputs.obstruction,
            step_s=scenario.time.step_s,
            look_ahead=self._look_ahead,
        )
        wanted = -(-self._pairs_per_slot * (self.block_slots + self._look_ahead) // BLOCK_PAIRS)
        return PairFinder(inputs.sites, inputs.cell_ids, rules, groups=int(wanted), threads=self.threads)

    @cached_property
    def _look_ahead(self) -> int:
        """Slots after a block that remaining access is counted over; only strategies that ask for it pay for it."""
        return LOOK_AHEAD_SLOTS if needs_remaining(self.strategy) else 0

    @cached_property
    def pops_used(self) -> Integers:
        """Rows of the PoPs that any cell calls home."""
        assert self.fleet.home_pop is not None
        return np.unique(self.fleet.home_pop)

    @cached_property
    def backbone(self) -> Backbone:
        """Lasers, gateways and PoPs."""
        if self.shared_backbone is not None:
            return self.shared_backbone
        topology, routing = self.plugins.topology, self.plugins.routing
        return Backbone(self.fleet, self.inputs.scenario, self.pops_used, topology=topology, routing=routing, threads=self.threads)

    @cached_property
    def _home(self) -> npt.NDArray[np.intp]:
        """Each cell's PoP as a row among those used."""
        assert self.fleet.home_pop is not None
        return np.searchsorted(self.pops_used, self.fleet.home_pop)

    def simulate(self, slot_start: Instants, start: int, stop: int, *, serving_before: Integers | None) -> Frames:
        """Compute slots ``start`` to ``stop`` of a series of slots.

        Parameters
        ----------
        slot_start
            All slots of the run.
        start, stop
            Which of them.
        serving_before
            Serving satellite of each cell in slot ``start - 1``; None at the beginning.

        Returns
        -------
        dict
            Frame name → values, shape (slots, cells), see `overflight.run.FRAMES`.
        """
        behind = 1 if start > 0 else 0
        times = _extend(slot_start, start - behind, stop, self._look_ahead, step_s=self.inputs.scenario.time.step_s)
        orientation = self.inputs.scenario.time.earth_orientation
        positions_km = self._propagator.positions_km(times, earth_orientation=orientation, threads=self.threads)
        found = self._finder.find(positions_km, slots=stop - start, behind=behind)
        frames: Frames = {"satellites_in_view": found.satellites_in_view, "accesses_started": found.accesses_started}
        pairs = found.pairs
        if not self.has_ground:
            return frames | {"satellites_usable": pairs.count(np.ones(len(pairs.cell), dtype=np.bool_))}
        return frames | self._serve(pairs, slot_start[start:stop], positions_km[behind : behind + stop - start], serving_before)

    def _serve(self, pairs: Pairs, slot_start: Instants, positions_km: Floats, before: Integers | None) -> Frames:
        """Choose who serves, slot by slot, and follow each way to its PoP."""
        scenario = self.inputs.scenario
        numbers = slot_numbers(slot_start, step_s=scenario.time.step_s, offset_s=SLOT_OFFSET_S % scenario.time.step_s)
        way_delay_ms = np.empty(len(pairs.cell))
        serving = np.full((pairs.slots, pairs.cells), NOBODY, dtype=np.int32)
        previous = np.full(pairs.cells, NOBODY, dtype=np.int32) if before is None else before
        frames = {name: np.empty((pairs.slots, pairs.cells)) for name in ("isl_ms", "feeder_ms", "backhaul_ms")}
        frames |= {name: np.empty((pairs.slots, pairs.cells), dtype=np.int32) for name in ("gateway", "isl_hops")}
        for part, ways in self.backbone.walk(slot_start, positions_km):
            for k in range(part.start, part.stop):
                pair = slice(pairs.start[k], pairs.start[k + 1])
                cell, satellite = pairs.cell[pair], pairs.satellite[pair]
                way_delay_ms[pair] = ways[k - part.start].delay_ms[self._home[cell], satellite]
                candidates = Candidates(
                    slot_index=int(numbers[k]),
                    cell=cell,
                    satellite=satellite,
                    norad_id=self.fleet.elements.norad_id[satellite],
                    elevation_deg=pairs.elevation_deg[pair],
                    azimuth_deg=pairs.azimuth_deg[pair],
                    range_km=pairs.range_km[pair],
                    remaining_s=pairs.remaining_s[pair],
                    serving=satellite == previous[cell],
                    way_delay_ms=way_delay_ms[pair],
                    arc_separation_deg=pairs.arc_separation_deg[pair],
                    cell_key=self.inputs.cell_ids[cell],
                )
                serving[k] = previous = choose_serving(candidates, self.strategy(candidates), pairs.cells)
            self._follow(ways, serving[part], frames, part)
        served = serving >= 0
        user_link_ms, elevation_deg = self._serving_links(pairs, serving)
        return {
            "satellites_usable": pairs.count(np.isfinite(way_delay_ms)),
            "serving": serving,
            "elevation_deg": elevation_deg,
            "gateway": frames["gateway"],
            "pop": np.where(served, self.pops_used[self._home][None, :], NOBODY),
            "isl_hops": frames["isl_hops"],
            "user_link_ms": user_link_ms,
            "isl_ms": frames["isl_ms"],
            "feeder_ms": frames["feeder_ms"],
            "backhaul_ms": frames["backhaul_ms"],
        }

    def _follow(self, ways: Ways, serving: Integers, frames: Frames, part: slice) -> None:
        """Follow the ways of the serving satellites to gateway and PoP; round trips in milliseconds."""
        slot, cell = np.nonzero(serving >= 0)
        followed = ways.follow(slot, self._home[cell], serving[slot, cell])
        for name, fill, values in (
            ("gateway", NOBODY, followed.gateway),
            ("isl_hops", 0, followed.isl_hops),
            ("isl_ms", np.nan, 2.0 * (followed.propagation_ms - followed.feeder_ms)),
            ("feeder_ms", np.nan, 2.0 * followed.feeder_ms),
            ("backhaul_ms", np.nan, 2.0 * followed.backhaul_ms),
        ):
            frames[name][part] = fill
            frames[name][part.start + slot, cell] = values

    def _serving_links(self, pairs: Pairs, serving: Integers) -> tuple[Floats, Floats]:
        """Round trip on the user link (ms) and elevation (degrees) of the serving satellites, NaN where nobody serves."""
        user_link_ms, elevation_deg = (np.full(serving.shape, np.nan) for _ in range(2))
        row = np.flatnonzero(pairs.satellite == serving[pairs.slot, pairs.cell])
        user_link_ms[pairs.slot[row], pairs.cell[row]] = 2.0 * MS_PER_KM * pairs.range_km[row]
        elevation_deg[pairs.slot[row], pairs.cell[row]] = pairs.elevation_deg[row]
        return user_link_ms, elevation_deg


def share_in_view(elements: ElementSets, mask_deg: float) -> float:
    """Estimate the share of a fleet that one place sees: the cap above the mask over the sphere, at the fleet's median altitude.

    At the latitudes where orbits turn back, places see up to three times as many.
    """
    radius_km = float(np.median(semi_major_axis_km(elements.mean_motion_rev_day)))
    mask = np.radians(mask_deg)
    half_angle = np.arccos(np.clip(np.cos(mask) * MEAN_RADIUS_KM / radius_km, -1.0, 1.0)) - mask
    return float(0.5 * (1.0 - np.cos(half_angle)))


def _extend(slot_start: Instants, first: int, stop: int, ahead: int, *, step_s: float) -> Instants:
    """Slots ``first`` to ``stop`` and ``ahead`` more, beyond the end of the series if need be."""
    inside = slot_start[first : stop + ahead]
    missing = stop + ahead - first - len(inside)
    step = np.timedelta64(round(step_s * 1e6), "us")
    return np.concatenate([inside, slot_start[-1] + step * np.arange(1, missing + 1)]) if missing else inside
