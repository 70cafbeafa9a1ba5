"""The row of the settings in use is the run itself, in the slots that count; others begin where the run was."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from overflight.inputs import gather_inputs, sample_cells
from overflight.measure.latency import access_fit
from overflight.scenario import parse_scenario
from overflight.schedule.selection import Candidates
from overflight.schedule.strategies import STRATEGIES, find_strategy, highest_elevation
from overflight.study import sensitivity
from overflight.study.results import Tally, summarise_tally
from overflight.study.sensitivity import choose_stretches, find_sensitivity, settling_slots
from overflight.study.territory import find_results
from overflight.twin import Plugins, run_inputs

FLEET = {
    "name": "starlink",
    "operator": "starlink",
    "shells": [{"name": "A", "planes": 48, "satellites_per_plane": 44, "altitude_km": 550.0, "inclination_deg": 53.0, "phasing_f": 13}],
}
"""2,112 satellites: enough to choose among, and quick."""


def gather(strategy="observed", territory="Tonga", **tables):
    raw = {"territory": territory, "constellations": [FLEET], "time": {"hours": 1.0}, "selection": {"strategy": strategy}, **tables}
    return gather_inputs(parse_scenario(raw, source="test"))


def lowest_and_sticky(candidates: Candidates):
    """A choice of one's own that looks back and ahead."""
    return np.where(candidates.serving, 30.0, 0.0) - candidates.elevation_deg + 0.01 * candidates.remaining_s


def run_in_slots(inputs, run, stretches):
    """What the run says of some slots."""
    fleet, on_disk = inputs.fleets[0], run.fleets[0]
    tally = Tally(inputs, has_ground=True)
    for start, stop in stretches:
        tally.add({name: on_disk.read(name, start, stop) for name in on_disk.frames()})
    return summarise_tally(inputs, fleet, tally, access_fit().term)


@pytest.mark.parametrize("strategy", [*STRATEGIES, "own"])
def test_the_row_in_use_is_the_run_itself(strategy, tmp_path, monkeypatch):
    monkeypatch.setattr(sensitivity, "MASKS_DEG", (40.0,))
    monkeypatch.setattr(sensitivity, "ARCS_DEG", ())
    plugins = Plugins(strategy=lowest_and_sticky) if strategy == "own" else Plugins()
    inputs = gather("observed" if strategy == "own" else strategy)
    run = run_inputs(inputs, tmp_path / "run", plugins=plugins)
    used = plugins.strategy or find_strategy(strategy)
    rows = find_sensitivity(inputs, inputs.fleets[0], run.fleets[0], access_fit().term, plugins=plugins)
    expected = run_in_slots(inputs, run, choose_stretches(len(inputs.slot_start), used))
    in_use = [row for row in rows if row.is_default]
    assert [row.parameter for row in in_use] == ["elevation_mask_deg", "arc_avoidance_deg"]
    for row in in_use:
        assert row.latency_p50_ms == expected.latency.p50_ms
        assert row.satellites_usable_mean == pytest.approx(expected.coverage.satellites_usable_mean, rel=1e-12)
        assert row.satellites_usable_min == expected.coverage.satellites_usable_min
        assert row.covered_fraction == expected.coverage.covered_fraction
    (other,) = (row for row in rows if not row.is_default)
    assert (other.parameter, other.value) == ("elevation_mask_deg", 40.0)
    assert other.satellites_usable_mean < 0.7 * expected.coverage.satellites_usable_mean


MEMORY_TOLERANCE_MS = 0.5
"""Median latency in the slots that count, begun from another run, against a run under the same rules: 60 cells × 96 slots of a
choice that keeps satellites for minutes, and so has few of them independent of one another."""


@pytest.mark.parametrize(
    ("strategy", "tolerance_ms"), [("longest-remaining", 0.0), ("observed", 0.05), ("least-handovers", MEMORY_TOLERANCE_MS)]
)
def test_another_mask_gives_what_a_run_under_it_gives(strategy, tolerance_ms, tmp_path, monkeypatch):
    monkeypatch.setattr(sensitivity, "MASKS_DEG", (35.0,))
    monkeypatch.setattr(sensitivity, "ARCS_DEG", ())
    cells = {"territory": "Lithuania", "sampling": {"max_cells": 60}}
    inputs = gather(strategy, **cells)
    run = run_inputs(inputs, tmp_path / "run")
    rows = find_sensitivity(inputs, inputs.fleets[0], run.fleets[0], access_fit().term)
    (other,) = (row for row in rows if row.value == 35.0)
    under = gather(strategy, **cells, visibility={"user_mask_deg": 35.0})
    expected = run_in_slots(under, run_inputs(under, tmp_path / "other"), choose_stretches(len(inputs.slot_start), find_strategy(strategy)))
    assert other.satellites_usable_mean == pytest.approx(expected.coverage.satellites_usable_mean, rel=1e-12)
    assert other.latency_p50_ms == pytest.approx(expected.latency.p50_ms, abs=tolerance_ms)


@pytest.mark.parametrize("strategy", [highest_elevation, STRATEGIES["least-handovers"]])
@pytest.mark.parametrize("slots", [1, 40, 96, 97, 101, 240, 5760])
def test_stretches_are_even_and_apart(strategy, slots):
    stretches = choose_stretches(slots, strategy)
    assert sum(stop - start for start, stop in stretches) == min(slots, sensitivity.MAX_SLOTS)
    assert stretches[0][0] == 0
    assert stretches[-1][1] == slots
    assert all(before[1] <= after[0] for before, after in pairwise(stretches))


def test_what_remembers_settles_first():
    settled = {name: settling_slots(strategy, step_s=15.0) for name, strategy in STRATEGIES.items()}
    assert settled == {"highest-elevation": 0, "longest-remaining": 0, "nearest": 0, "least-handovers": 24, "observed": 4}
    assert settling_slots(find_strategy("observed", seed=7), step_s=15.0) == 4
    assert settling_slots(lowest_and_sticky, step_s=45.0) == 8


def test_no_city_vanishes_from_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(sensitivity, "MASKS_DEG", ())
    monkeypatch.setattr(sensitivity, "ARCS_DEG", ())
    monkeypatch.setattr(sensitivity, "MAX_CELLS", 5)
    inputs = gather(territory="Lithuania", time={"hours": 0.02}, sampling={"max_cells": 20})
    run = run_inputs(inputs, tmp_path / "run")
    seen = []
    monkeypatch.setattr(sensitivity, "Tally", lambda inputs, **options: seen.append(inputs) or Tally(inputs, **options))
    find_sensitivity(inputs, inputs.fleets[0], run.fleets[0], access_fit().term)
    (sample,) = seen
    assert len(sample.cell_ids) == 5
    assert sample.cell_population.sum() == pytest.approx(inputs.cell_population.sum(), rel=1e-12)
    assert set(sample.cell_ids) < set(inputs.cell_ids)


@pytest.mark.parametrize(("cells", "at_most"), [(1, 5), (5, 5), (7, 3), (401, 400)])
def test_each_cell_of_a_sample_stands_for_its_neighbours(cells, at_most):
    population = np.arange(1.0, cells + 1.0)
    rows, people = sample_cells(population, at_most)
    assert len(rows) == min(cells, at_most) == len(set(rows))
    assert people.sum() == population.sum()
    assert (people >= population[rows]).all()
    if cells <= at_most:
        np.testing.assert_array_equal(people, population)


def test_findings_name_own_functions_and_call_them_assumed(tmp_path):
    plugins = Plugins(strategy=lowest_and_sticky, topology=_nobody)
    inputs = gather(time={"hours": 0.01}, sampling={"sensitivity": False})
    found = find_results(inputs, run_inputs(inputs, tmp_path / "run", plugins=plugins), plugins=plugins)
    name = f"own: {__name__}.lowest_and_sticky"
    assert found.fleets[0].strategy == name
    assert found.fleets[0].topology == f"own: {__name__}._nobody"
    rows = {row.name: dataclasses.astuple(row)[1:] for row in found.assumptions}
    assert rows["choice of satellite"] == (name, "assumed", "the user's function")
    assert rows["lasers"][0].startswith(f"own: {__name__}._nobody, ")
    assert rows["lasers"][1:] == ("assumed", "the user's function")
    assert rows["routing"][2] != "the user's function"


def _nobody(fleet):
    return np.empty((len(fleet), 0), np.int32)
