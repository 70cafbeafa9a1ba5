"""What the answer would be with another elevation mask or another avoidance of the geostationary arc."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from overflight.backbone import Backbone
from overflight.earth.geodesy import make_sites
from overflight.inputs import FleetInputs, Inputs
from overflight.measure.latency import AccessTerm
from overflight.run import FRAMES
from overflight.scenario import Scenario
from overflight.study.findings import FleetFindings, Sensitivity
from overflight.study.results import Tally, summarise_tally
from overflight.twin import FleetTwin

MASKS_DEG = (10.0, 20.0, 25.0, 30.0, 35.0, 40.0)
ARCS_DEG = (0.0, 10.0, 18.0, 22.0)
MAX_SLOTS = 96
"""At most so many slots, evenly spread over the run: of a day, one in a quarter of an hour."""
MAX_CELLS = 100
"""At most so many cells, evenly spread."""


def find_sensitivity(
    inputs: Inputs, fleet: FleetInputs, access: AccessTerm, *, threads: int = 1, progress: Callable[[float], None] | None = None
) -> tuple[Sensitivity, ...]:
    """Simulate again with other masks and other arc avoidance, on at most `MAX_SLOTS` slots and `MAX_CELLS` cells."""
    scenario = inputs.scenario
    default = {"elevation_mask_deg": fleet.user_mask_deg, "arc_avoidance_deg": scenario.visibility.arc_avoidance_deg}
    variants = [
        *(("elevation_mask_deg", value) for value in sorted({*MASKS_DEG, default["elevation_mask_deg"]})),
        *(("arc_avoidance_deg", value) for value in sorted({*ARCS_DEG, default["arc_avoidance_deg"]})),
    ]
    rows = []
    thinned = replace(fleet, home_pop=None if fleet.home_pop is None else fleet.home_pop[_every(len(fleet.home_pop), MAX_CELLS)])
    # Masks and arc of the users change nothing of the ways: all variants share them.
    backbone = None
    if thinned.home_pop is not None:
        backbone = Backbone(fleet, scenario, np.unique(thinned.home_pop), threads=threads, keep=True)
    for number, (name, value) in enumerate(variants):
        chosen = default | {name: value}
        visibility = scenario.visibility.model_copy(update={"arc_avoidance_deg": chosen["arc_avoidance_deg"]})
        changed = _thin_inputs(inputs, scenario.model_copy(update={"visibility": visibility}))
        found = _simulate(changed, replace(thinned, user_mask_deg=chosen["elevation_mask_deg"]), access, backbone, threads)
        rows.append(
            Sensitivity(
                parameter=name,
                value=value,
                is_default=value == default[name],
                satellites_usable_mean=found.coverage.satellites_usable_mean,
                satellites_usable_min=found.coverage.satellites_usable_min,
                covered_fraction=found.coverage.covered_fraction,
                latency_p50_ms=found.latency.p50_ms,
            )
        )
        if progress is not None:
            progress((number + 1) / len(variants))
    return tuple(rows)


def _simulate(inputs: Inputs, fleet: FleetInputs, access: AccessTerm, backbone: Backbone | None, threads: int) -> FleetFindings:
    """Simulate the slots of thinned inputs in memory, with the same rounding as on disk."""
    tally = Tally(inputs, has_ground=fleet.home_pop is not None)
    twin = FleetTwin(inputs, fleet, threads=threads, shared_backbone=backbone)
    before = None
    for start in range(0, len(inputs.slot_start), twin.block_slots):
        stop = min(start + twin.block_slots, len(inputs.slot_start))
        frames = twin.simulate(inputs.slot_start, start, stop, serving_before=before)
        before = frames["serving"][-1] if twin.has_ground else None
        tally.add({name: FRAMES[name].decode(FRAMES[name].encode(values)) for name, values in frames.items()})
    return summarise_tally(inputs, fleet, tally, access)


def _every(count: int, at_most: int) -> npt.NDArray[np.int64]:
    """Rows of an even sample of at most so many."""
    return np.unique(np.linspace(0, count - 1, min(count, at_most)).round().astype(np.int64))


def _thin_inputs(inputs: Inputs, scenario: Scenario) -> Inputs:
    rows = _every(len(inputs.cell_ids), MAX_CELLS)
    return replace(
        inputs,
        scenario=scenario,
        cell_ids=inputs.cell_ids[rows],
        cell_population=inputs.cell_population[rows],
        sites=make_sites(inputs.sites.lat_deg[rows], inputs.sites.lon_deg[rows], inputs.sites.height_m[rows]),
        slot_start=inputs.slot_start[_every(len(inputs.slot_start), MAX_SLOTS)],
    )
