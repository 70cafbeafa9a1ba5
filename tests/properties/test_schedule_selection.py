import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.schedule.handovers import count_handovers
from overflight.schedule.selection import Candidates, choose_serving, remaining_slots
from overflight.schedule.strategies import least_handovers


def random_series(seed, slots=12, cells=3, satellites=6):
    visible = np.random.default_rng(seed).random((slots, cells, satellites)) < 0.6
    counts = visible.sum(axis=2)
    indptr = np.zeros((slots, cells + 1), dtype=np.int64)
    indptr[:, 1:] = np.cumsum(counts, axis=1)
    offset = np.concatenate([[0], np.cumsum(indptr[:-1, -1])])
    return visible, indptr, offset, np.nonzero(visible)[2].astype(np.int32)


def slow_remaining(visible, t, cell, satellite, cap):
    count = 0
    while t + count < len(visible) and visible[t + count, cell, satellite]:
        count += 1
    return min(count, cap)


@given(seed=st.integers(0, 2**32 - 1), cap=st.integers(1, 14))
@settings(max_examples=30, deadline=None)
def test_remaining_equals_a_slow_count(seed, cap):
    visible, indptr, offset, satellite = random_series(seed)
    expected = [slow_remaining(visible, t, c, s, cap) for t, c, s in np.argwhere(visible)]
    assert remaining_slots(indptr, satellite, offset=offset, cap_slots=cap).tolist() == expected


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_remaining_does_not_depend_on_where_a_long_enough_series_ends(seed, cut):
    _, indptr, offset, satellite = random_series(seed)
    pairs = offset[cut]
    end = cut + 3
    short = remaining_slots(indptr[:end], satellite[: offset[end]], offset=offset[:end], cap_slots=4)
    assert np.array_equal(short[:pairs], remaining_slots(indptr, satellite, offset=offset, cap_slots=4)[:pairs])


def make_candidates(cell, satellite, remaining_s, serving, t):
    nothing = np.zeros(len(cell))
    return Candidates(t, cell, satellite, satellite.astype(np.int64), nothing, nothing, nothing, remaining_s, serving, nothing, nothing)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_choice_is_the_greatest_score_of_each_cell(seed):
    generator = np.random.default_rng(seed)
    cell, satellite = (np.sort(generator.integers(0, 5, 40)).astype(np.int32), generator.integers(0, 9, 40).astype(np.int32))
    score = generator.integers(-3, 3, 40).astype(float)
    candidates = make_candidates(cell, satellite, score, np.zeros(40, dtype=bool), 0)
    serving = choose_serving(candidates, score, 6)
    for c in range(6):
        mine = np.flatnonzero(cell == c)
        best = min(((-score[i], satellite[i]) for i in mine), default=(0, -1))
        assert serving[c] == best[1]


def fewest_handovers(visible):
    """Dynamic programme over slots: cost of ending on each satellite, an outage costing nothing but ending the run."""
    cost = np.zeros(visible.shape[1])
    served = False
    for row in visible:
        if not row.any():
            served = False
            cost = np.full_like(cost, cost[np.isfinite(cost)].min(initial=np.inf))
            continue
        change = cost.min() + (1 if served else 0)
        cost = np.where(row, np.minimum(cost, change), np.inf)
        served = True
    return cost.min()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_least_handovers_is_optimal(seed):
    visible, indptr, offset, satellite = random_series(seed, slots=14, cells=2)
    left = remaining_slots(indptr, satellite, offset=offset).astype(float)
    rows = []
    previous = np.full(2, -1)
    for t in range(len(visible)):
        cell, mine = (index.astype(np.int32) for index in np.nonzero(visible[t]))
        pairs = slice(offset[t], offset[t] + indptr[t, -1])
        candidates = make_candidates(cell, mine, left[pairs], mine == previous[cell], t)
        previous = choose_serving(candidates, least_handovers(candidates), 2)
        rows.append(previous)
    handovers = count_handovers(np.array(rows)).handovers
    assert handovers.tolist() == [fewest_handovers(visible[:, c]) for c in range(2)]


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(1, 19))
@settings(max_examples=30, deadline=None)
def test_counts_of_blocks_add_up(seed, cut):
    serving = np.random.default_rng(seed).integers(-1, 3, (20, 4))
    whole = count_handovers(serving)
    parts = count_handovers(serving[:cut]) + count_handovers(serving[cut:], before=serving[cut - 1])
    assert parts.slots == whole.slots
    for name in ("served_slots", "handovers", "runs", "outages"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name))
