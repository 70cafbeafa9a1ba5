"""What the answer would be with another elevation mask or another avoidance of the geostationary arc."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import make_sites
from overflight.inputs import FleetInputs, Inputs
from overflight.measure.latency import AccessTerm
from overflight.run import FRAMES
from overflight.scenario import Scenario
from overflight.study.findings import Sensitivity
from overflight.study.results import Tally, summarise_tally
from overflight.twin import FleetTwin

MASKS_DEG = (10.0, 20.0, 25.0, 30.0, 35.0, 40.0)
ARCS_DEG = (0.0, 10.0, 18.0, 22.0)
STRIDE = 20
"""Every so-many-th slot is looked at: one in 5 minutes."""
MAX_CELLS = 100
"""At most so many cells, evenly spread."""


def find_sensitivity(
    inputs: Inputs, fleet: FleetInputs, access: AccessTerm, *, threads: int = 1, progress: Callable[[float], None] | None = None
) -> tuple[Sensitivity, ...]:
    """Simulate again with other masks and other arc avoidance, on every 20th slot and at most 100 cells."""
    scenario = inputs.scenario
    default = {"elevation_mask_deg": scenario.visibility.user_mask_deg, "arc_avoidance_deg": scenario.visibility.arc_avoidance_deg}
    variants = [
        *(("elevation_mask_deg", "user_mask_deg", value) for value in sorted({*MASKS_DEG, default["elevation_mask_deg"]})),
        *(("arc_avoidance_deg", "arc_avoidance_deg", value) for value in sorted({*ARCS_DEG, default["arc_avoidance_deg"]})),
    ]
    rows = []
    for number, (name, setting, value) in enumerate(variants):
        visibility = scenario.visibility.model_copy(update={setting: value})
        changed = _thin_inputs(inputs, scenario.model_copy(update={"visibility": visibility}))
        thinned = replace(fleet, home_pop=None if fleet.home_pop is None else fleet.home_pop[_every(len(fleet.home_pop))])
        tally = Tally(changed, has_ground=fleet.home_pop is not None)
        twin = FleetTwin(changed, thinned, threads=threads)
        before = None
        for start in range(0, len(changed.slot_start), twin.block_slots):
            frames = twin.simulate(changed.slot_start, start, min(start + twin.block_slots, len(changed.slot_start)), serving_before=before)
            before = frames["serving"][-1] if twin.has_ground else None
            tally.add({key: FRAMES[key].decode(FRAMES[key].encode(values)) for key, values in frames.items()})
        found = summarise_tally(changed, thinned, tally, access)
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


def _every(count: int) -> npt.NDArray[np.int64]:
    """Rows of an even sample of at most `MAX_CELLS` of so many cells."""
    return np.unique(np.linspace(0, count - 1, min(count, MAX_CELLS)).round().astype(np.int64))


def _thin_inputs(inputs: Inputs, scenario: Scenario) -> Inputs:
    rows = _every(len(inputs.cell_ids))
    return replace(
        inputs,
        scenario=scenario,
        cell_ids=inputs.cell_ids[rows],
        cell_population=inputs.cell_population[rows],
        sites=make_sites(inputs.sites.lat_deg[rows], inputs.sites.lon_deg[rows], inputs.sites.height_m[rows]),
        slot_start=inputs.slot_start[::STRIDE],
    )
