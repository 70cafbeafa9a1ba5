from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.beams_sample import find_broken_rule, make_request

from overflight.errors import ScenarioError
from overflight.schedule.beam_bounds import allocate_exactly, bound_by_matching, bound_by_programme
from overflight.schedule.beams import ORDERS, BeamPlan, PriorityGreedy, count_beams, order_steps, validate_plan

SEEDS = st.integers(0, 2**32 - 1)
ROUNDING = 1e-6
"""HiGHS calls a constraint met within 1e-7; sums here are of the order of 100."""


def same_plans(a: BeamPlan, b: BeamPlan) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in BeamPlan.__dataclass_fields__)


@given(
    seed=SEEDS,
    order=st.sampled_from(ORDERS),
    per_cell=st.integers(1, 2),
    per_beam=st.integers(1, 3),
    satellites=st.integers(1, 8),
    gain=st.sampled_from([0.0, 0.3, np.inf]),
)
@settings(max_examples=150, deadline=None)
def test_no_rule_is_ever_broken_from_slot_to_slot(seed, order, per_cell, per_beam, satellites, gain):
    allocate = PriorityGreedy(order=order, handover_gain=gain)
    held = None
    for slot in range(3):
        fresh = make_request(seed + slot, satellites=satellites, per_cell=per_cell, per_beam=per_beam, held=held)
        plan = allocate(fresh)
        assert find_broken_rule(fresh, plan) == ""
        validate_plan(fresh, plan)
        held = plan


@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_the_same_request_gives_the_same_plan(seed):
    request = make_request(seed, per_beam=2)
    assert same_plans(PriorityGreedy()(request), PriorityGreedy()(request))


def permute(request, cells, satellites):
    """The same request with cell ``cells[i]`` in row i, and satellites alike."""
    new_cell, new_satellite = np.argsort(cells), np.argsort(satellites)
    indptr, satellite, value = [0], [], []
    for c in cells:
        mine = np.arange(request.indptr[c], request.indptr[c + 1])
        mine = mine[np.argsort(new_satellite[request.satellite[mine]])]
        satellite += new_satellite[request.satellite[mine]].tolist()
        value += request.value_mbps[mine].tolist()
        indptr.append(len(satellite))
    return replace(
        request,
        indptr=np.array(indptr, np.int64),
        satellite=np.array(satellite, np.int32),
        value_mbps=np.array(value),
        need=request.need[cells],
        priority=request.priority[cells],
        licensed=request.licensed[cells],
        beams=request.beams[satellites],
        beams_per_channel=request.beams_per_channel[satellites],
        neighbours=np.where(request.neighbours < 0, -1, new_cell[request.neighbours]).astype(np.int32)[cells],
        cell_key=np.asarray(cells),
        satellite_key=np.asarray(satellites),
    )


def name_lights(plan, cells, satellites):
    return sorted(
        zip(cells[plan.cell].tolist(), satellites[plan.satellite].tolist(), plan.channel.tolist(), plan.share.tolist(), strict=True)
    )


@given(seed=SEEDS, alike=st.booleans(), per_beam=st.integers(1, 2))
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_does_not_matter(seed, alike, per_beam):
    request = make_request(seed, per_beam=per_beam)
    if alike:
        request = replace(request, priority=np.ones(request.n_cells))
    generator = np.random.default_rng(seed)
    cells, satellites = generator.permutation(request.n_cells), generator.permutation(request.n_satellites)
    shuffled = permute(request, cells, satellites)
    plan = PriorityGreedy()(shuffled)
    validate_plan(shuffled, plan)
    identity = (np.arange(request.n_cells), np.arange(request.n_satellites))
    assert name_lights(plan, cells, satellites) == name_lights(PriorityGreedy()(request), *identity)


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_bounds_hold_and_exact_plans_reach_no_further(seed):
    request = make_request(seed, rows=3, columns=3, satellites=4, channels=3, per_cell=1 + seed % 2)
    programme, matching = bound_by_programme(request), bound_by_matching(request)
    exact = allocate_exactly(request)
    validate_plan(request, exact)
    best = count_beams(request, exact)
    for order in ORDERS:
        plan = count_beams(request, PriorityGreedy(order=order)(request))
        assert plan.weighted_need <= best.weighted_need + ROUNDING
        assert plan.given <= programme.beams + ROUNDING
        assert plan.given <= matching.beams
        assert plan.weighted_first <= min(programme.weighted_first, matching.weighted_first) + ROUNDING
        assert plan.rate_mbps <= programme.rate_mbps + 1e-3
    assert best.weighted_need <= programme.weighted_need + ROUNDING
    assert programme.weighted_need <= matching.weighted_need + ROUNDING


def without_satellite(request, lost):
    kept = request.satellite != lost
    cell = np.repeat(np.arange(request.n_cells), np.diff(request.indptr))[kept]
    counts = np.bincount(cell, minlength=request.n_cells)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return replace(request, indptr=indptr, satellite=request.satellite[kept], value_mbps=request.value_mbps[kept])


@given(seed=SEEDS, lost=st.integers(0, 5), per_beam=st.integers(1, 2))
@settings(max_examples=30, deadline=None)
def test_losing_a_satellite_never_raises_a_bound(seed, lost, per_beam):
    request = make_request(seed, per_beam=per_beam)
    for find_bound in (bound_by_matching, bound_by_programme):
        whole, less = find_bound(request), find_bound(without_satellite(request, lost))
        for name in ("beams", "weighted_need", "weighted_first"):
            assert getattr(less, name) <= getattr(whole, name) + ROUNDING


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_the_matching_equals_the_programme_where_channels_do_not_bind(seed):
    request = make_request(seed, channels=20, per_channel=20, most=2)
    request = replace(
        request,
        licensed=np.full(request.n_cells, (1 << 20) - 1, np.uint32),
        beams_per_channel=np.full(request.n_satellites, 20, np.int32),
        neighbours=np.full_like(request.neighbours, -1),
    )
    programme, matching = bound_by_programme(request), bound_by_matching(request)
    assert matching.weighted_need == pytest.approx(programme.weighted_need, abs=ROUNDING)
    assert matching.weighted_first == pytest.approx(programme.weighted_first, abs=ROUNDING)
    assert matching.beams == pytest.approx(programme.beams, abs=ROUNDING)


@given(seed=SEEDS, n=st.sampled_from([0, 1, 7, 12_000]), levels=st.sampled_from([1, 5, 10**6]))
@settings(max_examples=30, deadline=None)
def test_steps_go_by_priority_and_first_beams_come_first(seed, n, levels):
    generator = np.random.default_rng(seed)
    priority = generator.integers(-levels, levels + 1, n) / 3.0
    need = generator.integers(0, 4, n).astype(np.int32)
    for order in ORDERS:
        steps = order_steps(priority, need, order)
        assert np.bincount(steps, minlength=n).tolist() == need.tolist()
        first = steps[: int((need > 0).sum())]
        if order != "cells":
            assert len(np.unique(first)) == len(first)
            assert (np.diff(priority[first]) <= 0.0).all()
        else:
            assert (np.diff(priority[steps]) <= 0.0).all()


@given(seed=SEEDS, which=st.integers(0, 6))
@settings(max_examples=120, deadline=None)
def test_a_broken_rule_is_found_and_named(seed, which):
    request = make_request(seed, beams=6, per_channel=4)
    plan = PriorityGreedy()(request)
    if not len(plan):
        return
    generator = np.random.default_rng(seed)
    row = int(generator.integers(len(plan)))
    column = ("cell", "satellite", "channel", "pair", "beam", "channel", "satellite")[which]
    changed = getattr(plan, column).copy()
    changed[row] += generator.choice([-1, 1])
    wrong = replace(plan, **{column: changed})
    inside = (
        0 <= wrong.cell[row] < request.n_cells
        and 0 <= wrong.satellite[row] < request.n_satellites
        and 0 <= wrong.channel[row] < request.channels
    )
    broken = find_broken_rule(request, wrong) if inside else "range"
    if broken:
        with pytest.raises(ScenarioError, match=r"^beam plan: cell -?\d+, satellite -?\d+, channel -?\d+: .+"):
            validate_plan(request, wrong)
    else:
        validate_plan(request, wrong)
