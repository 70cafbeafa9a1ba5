"""A day's schedule over a territory of Taiwan's size: 143 cells, 5,760 slots, about 50 satellites in view of each cell."""

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from benchmarks.harness import Case
from overflight.schedule.handovers import HandoverCounts, count_handovers
from overflight.schedule.selection import Candidates, Strategy, choose_serving, remaining_slots
from overflight.schedule.strategies import STRATEGIES

CELLS = 143
IN_VIEW = 50
SATELLITES = 10_746
DAY_SLOTS = 5_760
DISTINCT_SLOTS = 64
"""Slots made up once and served again and again, so that the inputs of a day fit in the cache's company and in memory."""


@cache
def make_slots() -> list[Candidates]:
    """Make slots up whose lists overlap from cell to cell and from slot to slot as those of neighbours under one sky do."""
    generator = np.random.default_rng(2)
    cell = np.repeat(np.arange(CELLS, dtype=np.int32), IN_VIEW)
    pairs = CELLS * IN_VIEW
    slots = []
    for number in range(DISTINCT_SLOTS):
        pool = np.sort(generator.choice(SATELLITES, IN_VIEW * 5 // 4, replace=False))
        rows = np.sort(generator.permuted(np.tile(pool, (CELLS, 1)), axis=1)[:, :IN_VIEW], axis=1).ravel().astype(np.int32)
        slots.append(
            Candidates(
                slot_index=number,
                cell=cell,
                satellite=rows,
                norad_id=rows + np.int64(44_000),
                elevation_deg=generator.uniform(25.0, 90.0, pairs),
                azimuth_deg=generator.uniform(0.0, 360.0, pairs),
                range_km=generator.uniform(480.0, 1000.0, pairs),
                remaining_s=generator.integers(1, 18, pairs).astype(np.float64),
                serving=np.zeros(pairs, dtype=np.bool_),
                way_delay_ms=generator.uniform(2.0, 20.0, pairs),
                arc_separation_deg=generator.uniform(18.0, 120.0, pairs),
            )
        )
    return slots


def choose_day(strategy: Strategy) -> HandoverCounts:
    """Score, choose and count handovers over a day, slot after slot."""
    slots = make_slots()
    serving = np.empty((DAY_SLOTS, CELLS), dtype=np.int32)
    previous = np.full(CELLS, -1, dtype=np.int32)
    for t in range(DAY_SLOTS):
        candidates = slots[t % DISTINCT_SLOTS]
        np.equal(candidates.satellite, previous[candidates.cell], out=candidates.serving)
        previous = choose_serving(candidates, strategy(candidates), CELLS)
        serving[t] = previous
    return count_handovers(serving)


@cache
def make_series() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Lists of a day in which each cell sees each of its satellites for 16 slots on end."""
    indptr = np.arange(0, (DAY_SLOTS * CELLS + 1) * IN_VIEW, IN_VIEW, dtype=np.int64)
    bounds = np.stack([indptr[t * CELLS : (t + 1) * CELLS + 1] for t in range(DAY_SLOTS)])
    first = np.arange(DAY_SLOTS)[:, np.newaxis, np.newaxis] // 16 + np.arange(CELLS)[:, np.newaxis]
    rows = (first + 3 * np.arange(IN_VIEW)).astype(np.int32)
    return bounds, rows.ravel()


def look_ahead_over_day() -> npt.NDArray[np.int16]:
    """Count the remaining access of every pair of a day."""
    bounds, satellite = make_series()
    return remaining_slots(bounds, satellite)


def cases() -> list[Case]:
    """Cases of the schedule."""
    pairs = float(CELLS * IN_VIEW * DAY_SLOTS)
    make_slots()
    make_series()

    def run_with(strategy: Strategy) -> Callable[[], object]:
        return lambda: choose_day(strategy)

    remaining = Case(
        "remaining access, a day over 143 cells",
        limit_s=1.0,
        floor_s=pairs * 10.0 / 10e9,
        floor_note="read twice 4 bytes and write 2 a pair at 10 GB/s",
        run=look_ahead_over_day,
        unit_count=pairs,
        unit="pairs",
    )
    choices = [
        Case(
            f"serving satellite, {name}, a day over 143 cells",
            limit_s=4.0,
            floor_s=pairs * (41.0 if name == "observed" else 26.0) / 10e9,
            floor_note="read each column that the choice needs once at 10 GB/s",
            run=run_with(strategy),
            unit_count=pairs,
            unit="pairs",
            repeats=3,
        )
        for name, strategy in STRATEGIES.items()
    ]
    return [remaining, *choices]
