"""Which slots capacity is worked out in: all that can be afforded, else stretches spread over the run."""

import numpy as np
import pytest

from overflight.capacity.slots import MIN_STRETCHES, STRETCH_SLOTS, choose_slots, stretch_starts

DAY = 5760


def test_all_slots_where_they_can_be_afforded():
    rows, stretch = choose_slots(DAY, 100, max_cell_slots=100 * DAY)
    assert rows.tolist() == list(range(DAY))
    assert stretch == DAY
    assert stretch_starts(rows).sum() == 1


@pytest.mark.parametrize(("cells", "budget"), [(1_000, 600_000), (2_000, 600_000), (37, 37 * 300)])
def test_stretches_within_the_budget_reach_from_end_to_end(cells, budget):
    rows, stretch = choose_slots(DAY, cells, max_cell_slots=budget)
    assert stretch == STRETCH_SLOTS
    assert len(rows) * cells <= budget
    assert (rows[0], rows[-1]) == (0, DAY - 1)
    starts = rows[stretch_starts(rows)]
    assert len(starts) * STRETCH_SLOTS == len(rows)
    assert np.ptp(np.diff(starts)) <= 1


def test_a_day_has_its_hours_whatever_it_costs():
    rows, stretch = choose_slots(DAY, 1_000_000, max_cell_slots=1)
    assert len(rows) == MIN_STRETCHES * stretch
    assert set((rows // 240).tolist()) == set(range(24))


@pytest.mark.parametrize("slots", [1, 2, STRETCH_SLOTS, MIN_STRETCHES * STRETCH_SLOTS, MIN_STRETCHES * STRETCH_SLOTS + 1])
def test_short_runs_are_worked_out_whole_or_nearly(slots):
    rows, _ = choose_slots(slots, 10**9, max_cell_slots=1)
    assert len(rows) >= min(slots, MIN_STRETCHES * STRETCH_SLOTS - MIN_STRETCHES)
    assert (np.diff(rows) > 0).all()
    assert rows[-1] == slots - 1


def test_nobody_to_serve_costs_nothing():
    assert len(choose_slots(DAY, 0, max_cell_slots=DAY)[0]) == DAY
