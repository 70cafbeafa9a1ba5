"""What the answer would be with another elevation mask or another avoidance of the geostationary arc."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from overflight.backbone import Backbone
from overflight.clock import Instants
from overflight.earth.geodesy import Sites
from overflight.inputs import FleetInputs, Inputs, sample_cells
from overflight.measure.latency import AccessTerm
from overflight.orbit.frames import OrientationSetting
from overflight.orbit.propagation import Propagator
from overflight.run import FRAMES, FleetRun
from overflight.schedule.observed import ObservedChoice
from overflight.schedule.selection import Strategy
from overflight.schedule.strategies import needs_remaining, needs_serving, observed
from overflight.study.findings import Sensitivity
from overflight.study.results import Tally, summarise_tally
from overflight.twin import NO_PLUGINS, FleetTwin, Plugins, count_threads

MASKS_DEG = (10.0, 20.0, 25.0, 30.0, 35.0, 40.0)
ARCS_DEG = (0.0, 10.0, 18.0, 22.0)
MAX_SLOTS = 96
"""At most so many slots count, in stretches of slots that follow one another, evenly spread over the run."""
MAX_CELLS = 100
"""At most so many cells, evenly spread; their people stand for those of the cells left out."""

STRETCHES, STRETCHES_LOOKING_AHEAD = 24, 12
"""Stretches; half as many where every one costs a look-ahead of a quarter of an hour."""

SETTLING_S = 360.0
"""How long a choice that keeps satellites goes on before slots count: a pass, after which none is kept from the run as it was."""
SETTLING_SLOTS_OBSERVED = 4
"""The same for the choice fitted to observations, which forgets: then 99.8 % of its choices no longer depend on how it began."""


def find_sensitivity(
    inputs: Inputs,
    fleet: FleetInputs,
    on_disk: FleetRun,
    access: AccessTerm,
    *,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    plugins: Plugins = NO_PLUGINS,
) -> tuple[Sensitivity, ...]:
    """Simulate again with other masks and other arc avoidance, on at most `MAX_SLOTS` slots and `MAX_CELLS` cells.

    Slots are simulated as in the run: look-ahead counts its slots, and each stretch begins with the satellites that served in the run.
    The row of the settings in use is therefore the run itself, cell by cell, in these slots.

    Parameters
    ----------
    inputs, fleet
        What the run was made from.
    on_disk
        The fleet's run.
    access
        The access term of latency.
    threads
        Threads to use; by default as many as there are processors. The result does not depend on it.
    progress
        Called with the share done.
    plugins
        The run's own functions.
    """
    default = _Rules(fleet.user_mask_deg, inputs.scenario.visibility.arc_avoidance_deg)
    masks = [replace(default, elevation_mask_deg=value) for value in sorted({*MASKS_DEG, default.elevation_mask_deg})]
    arcs = [replace(default, arc_avoidance_deg=value) for value in sorted({*ARCS_DEG, default.arc_avoidance_deg})]
    sample = _Sample(inputs, fleet, on_disk, plugins, count_threads(threads))
    found = sample.simulate(list(dict.fromkeys([*masks, *arcs])), progress or (lambda _share: None))
    rows = []
    for name, variants in (("elevation_mask_deg", masks), ("arc_avoidance_deg", arcs)):
        for rules in variants:
            part = summarise_tally(sample.inputs, sample.fleet, found[rules], access)
            rows.append(
                Sensitivity(
                    parameter=name,
                    value=getattr(rules, name),
                    is_default=rules == default,
                    satellites_usable_mean=part.coverage.satellites_usable_mean,
                    satellites_usable_min=part.coverage.satellites_usable_min,
                    covered_fraction=part.coverage.covered_fraction,
                    latency_p50_ms=part.latency.p50_ms,
                )
            )
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is varied."""

    elevation_mask_deg: float
    arc_avoidance_deg: float


class _Sample:
    """Some cells and slots of a run, simulated again under several rules."""

    def __init__(self, inputs: Inputs, fleet: FleetInputs, on_disk: FleetRun, plugins: Plugins, threads: int) -> None:
        self._rows, population = sample_cells(inputs.cell_population, MAX_CELLS)
        self.inputs = replace(
            inputs, cell_ids=inputs.cell_ids[self._rows], cell_population=population, sites=_take_sites(inputs.sites, self._rows)
        )
        self.fleet = replace(fleet, home_pop=None if fleet.home_pop is None else fleet.home_pop[self._rows])
        self._on_disk, self._plugins, self._threads = on_disk, plugins, threads

    def simulate(self, variants: list[_Rules], progress: Callable[[float], None]) -> dict[_Rules, Tally]:
        """Simulate every stretch under all rules before the next one: what rules of users do not change is computed once."""
        has_ground, scenario, threads = self.fleet.home_pop is not None, self.inputs.scenario, self._threads
        propagator = _LastPositions(self.fleet.elements)
        backbone = None
        if self.fleet.home_pop is not None:
            own, pops = self._plugins, np.unique(self.fleet.home_pop)
            backbone = Backbone(self.fleet, scenario, pops, topology=own.topology, routing=own.routing, threads=threads, keep=True)
        twins = {}
        for rules in variants:
            visibility = scenario.visibility.model_copy(update={"arc_avoidance_deg": rules.arc_avoidance_deg})
            changed = replace(self.inputs, scenario=scenario.model_copy(update={"visibility": visibility}))
            fleet = replace(self.fleet, user_mask_deg=rules.elevation_mask_deg)
            twins[rules] = FleetTwin(changed, fleet, threads, self._plugins, backbone, propagator)
        found = {rules: Tally(self.inputs, has_ground=has_ground) for rules in variants}
        strategy = twins[variants[0]].strategy
        stretches = choose_stretches(len(self.inputs.slot_start), strategy)
        settling = settling_slots(strategy, step_s=scenario.time.step_s) if has_ground else 0
        for number, (start, stop) in enumerate(stretches):
            begin = max(0, start - settling)
            before = self._serving_before(begin) if has_ground else None
            for place, (rules, twin) in enumerate(twins.items()):
                frames = twin.simulate(self.inputs.slot_start, begin, stop, serving_before=before)
                # The same rounding as on disk.
                found[rules].add({name: FRAMES[name].decode(FRAMES[name].encode(rows[start - begin :])) for name, rows in frames.items()})
                progress((number + (place + 1) / len(twins)) / len(stretches))
            if backbone is not None:
                backbone.forget()
        return found

    def _serving_before(self, slot: int) -> npt.NDArray[np.int32] | None:
        """Who served in the run in the slot before."""
        if slot == 0:
            return None
        served: npt.NDArray[np.int32] = self._on_disk.read("serving", slot - 1, slot)[0, self._rows].astype(np.int32)
        return served


class _LastPositions(Propagator):
    """A propagator that remembers its last answer: twins of the same fleet ask for the same instants one after another."""

    _last: tuple[bytes, npt.NDArray[np.float64]] | None = None

    def positions_km(
        self,
        times: Instants,
        *,
        earth_orientation: OrientationSetting = "table",
        threads: int = 1,
        out: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.float64]:
        key = times.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = key, super().positions_km(times, earth_orientation=earth_orientation, threads=threads, out=out)
        return self._last[1]


def choose_stretches(slots: int, strategy: Strategy) -> list[tuple[int, int]]:
    """Ranges of slots that count, evenly spread over a run; all of a short one."""
    if slots <= MAX_SLOTS:
        return [(0, slots)]
    count = STRETCHES_LOOKING_AHEAD if needs_remaining(strategy) else STRETCHES
    length = MAX_SLOTS // count
    starts = np.linspace(0, slots - length, count).round().astype(np.int64)
    return [(int(start), int(start) + length) for start in starts]


def settling_slots(strategy: Strategy, *, step_s: float) -> int:
    """Slots that are simulated before a stretch counts, so that its choices are those of its own rules."""
    if not needs_serving(strategy):
        return 0
    if strategy == observed or isinstance(strategy, ObservedChoice):
        return SETTLING_SLOTS_OBSERVED
    return int(-(-SETTLING_S // step_s))


def _take_sites(sites: Sites, rows: npt.NDArray[np.int64]) -> Sites:
    """Some of the sites, with the coordinates that they have."""
    columns = (sites.lat_deg, sites.lon_deg, sites.height_m)
    return Sites(*(column[rows] for column in columns), *(np.ascontiguousarray(rows_of[:, rows]) for rows_of in (sites.ecef_km, sites.up)))
