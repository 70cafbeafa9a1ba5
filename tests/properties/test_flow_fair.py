"""Fair rates: invariants over random networks, with a slow reference and linear programs as authorities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from overflight.flow.bounds import feasible_minimum_rate, max_throughput
from overflight.flow.fair import FlowTable, certify_fair, expand_paths, fair_rates

SLOW_TOLERANCE = 1e-9
"""Relative to the greatest rate: fair rates against progressive filling in plain NumPy."""

LP_TOLERANCE = 1e-6
"""The same against linear programs, whose solver promises 1e-7."""

ROUNDING = 1e-9
"""Relative: what another order of sums may change."""


@st.composite
def networks(draw, *, most_flows=14, elastic=True, weights=(0.0, 1.0, 2.0, 3.3, 100.0)):
    """A table of flows, with own lists and shared paths, and the capacities of its resources."""
    flows, resources, paths = draw(st.integers(0, most_flows)), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    rows = st.lists(st.integers(0, resources - 1), max_size=3)
    own, shared = [draw(rows) for _ in range(flows)], [draw(rows) for _ in range(paths)]
    amounts = st.sampled_from([0.0, 0.3, 1.0, 7.0, 50.0, 1e4])
    limits = st.one_of(amounts, st.floats(0.01, 100.0), st.just(np.inf))
    demands = st.one_of(amounts, st.floats(0.01, 100.0))
    path = [draw(st.integers(-1, paths - 1)) for _ in range(flows)]
    capacity = np.array([draw(limits) for _ in range(resources)])
    demand = np.array([draw(demands) for _ in range(flows)])
    for flow in range(flows):
        crossed = own[flow] + (shared[path[flow]] if path[flow] >= 0 else [])
        if elastic and np.isfinite(capacity[crossed]).any() and draw(st.booleans()):
            demand[flow] = np.inf
    table = FlowTable(
        np.concatenate([[0], np.cumsum([len(row) for row in own])]).astype(np.int64),
        np.array([row for rows in own for row in rows], np.int32),
        np.array([draw(st.sampled_from(weights)) for _ in range(flows)]),
        demand,
        np.array(path, np.int32),
        np.concatenate([[0], np.cumsum([len(row) for row in shared])]).astype(np.int64),
        np.array([row for rows in shared for row in rows], np.int32),
    )
    return table, capacity


def crossings(table, resources):
    """How often each flow crosses each resource, shape (flows, resources)."""
    lists = expand_paths(table)
    crossed = np.zeros((len(lists), resources))
    np.add.at(crossed, (np.repeat(np.arange(len(lists)), np.diff(lists.indptr)), lists.resource), 1.0)
    return crossed


def fill_slowly(table, capacity):
    """Progressive filling, one level after the other, all sums taken anew each time."""
    crossed = crossings(table, len(capacity))
    rate, rising = np.zeros(len(table)), (table.weight > 0.0) & (table.demand > 0.0)
    weight = np.where(table.weight > 0.0, table.weight, 1.0)
    while rising.any():
        pull = table.weight[rising] @ crossed[rising]
        spare = np.maximum(capacity - rate[~rising] @ crossed[~rising], 0.0)
        level = np.where(pull > 0.0, spare / np.where(pull > 0.0, pull, 1.0), np.inf)
        own = np.where(rising, table.demand / weight, np.inf)
        now = min(level.min(), own.min())
        stops = rising & ((own <= now * (1.0 + 1e-13)) | (crossed[:, level <= now * (1.0 + 1e-13)] > 0.0).any(axis=1))
        rate[stops] = np.minimum(table.weight[stops] * now, table.demand[stops])
        rising &= ~stops
    return rate


@given(networks())
@settings(max_examples=300, deadline=None)
def test_rates_are_those_of_slow_filling_and_their_certificate_holds(case):
    table, capacity = case
    rates = fair_rates(table, capacity)
    assert certify_fair(table, capacity, rates).holds()
    slow = fill_slowly(table, capacity)
    assert np.abs(rates.rate - slow).max(initial=0.0) <= SLOW_TOLERANCE * slow.max(initial=0.0)


@given(networks())
@settings(max_examples=100, deadline=None)
def test_no_resource_is_above_its_capacity_and_loads_are_sums_of_rates(case):
    table, capacity = case
    rates = fair_rates(table, capacity)
    assert (rates.load <= capacity * (1.0 + ROUNDING)).all()
    assert np.allclose(rates.load, rates.rate @ crossings(table, len(capacity)), rtol=ROUNDING, atol=1e-12)
    assert (rates.rate <= table.demand).all()


@given(networks())
@settings(max_examples=100, deadline=None)
def test_a_bottleneck_is_full_and_nobody_has_more_on_it_per_weight(case):
    table, capacity = case
    rates, crossed = fair_rates(table, capacity), crossings(table, len(capacity))
    for flow, resource in enumerate(rates.bottleneck):
        if resource < 0:
            assert table.weight[flow] == 0.0 or rates.rate[flow] == table.demand[flow]
            continue
        assert crossed[flow, resource] > 0.0
        assert rates.load[resource] >= capacity[resource] * (1.0 - ROUNDING)
        others = (crossed[:, resource] > 0.0) & (table.weight > 0.0)
        share = rates.rate[others] / table.weight[others]
        assert share.max() <= rates.rate[flow] / table.weight[flow] * (1.0 + ROUNDING)


@given(networks())
@settings(max_examples=100, deadline=None)
def test_shared_paths_and_one_list_per_flow_say_the_same(case):
    table, capacity = case
    one, other = fair_rates(table, capacity), fair_rates(expand_paths(table), capacity)
    assert np.allclose(one.rate, other.rate, rtol=ROUNDING, atol=1e-12)


@given(networks(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_flows_and_resources_does_not_matter(case, random):
    table, capacity = case
    lists = expand_paths(table)
    order, number = list(range(len(lists))), list(range(len(capacity)))
    random.shuffle(order)
    random.shuffle(number)
    rows = [number[r] for f in order for r in lists.resource[lists.indptr[f] : lists.indptr[f + 1]]]
    indptr = np.concatenate([[0], np.cumsum(np.diff(lists.indptr)[order])]).astype(np.int64)
    moved = np.empty(len(capacity))
    moved[number] = capacity
    shuffled = FlowTable(indptr, np.array(rows, np.int32), lists.weight[order], lists.demand[order])
    assert np.allclose(fair_rates(shuffled, moved).rate, fair_rates(table, capacity).rate[order], rtol=ROUNDING, atol=1e-12)


@given(networks(most_flows=7, weights=(1.0, 2.0, 5.0)))
@settings(max_examples=40, deadline=None)
def test_rates_are_lexicographically_the_greatest(case):
    table, capacity = case
    assert np.allclose(fair_rates(table, capacity).rate, fill_by_programs(table, capacity), rtol=LP_TOLERANCE, atol=LP_TOLERANCE)


def fill_by_programs(table, capacity):
    """Max-min rates by linear programs: raise the least share of all that can still rise, fix those that cannot rise further."""
    crossed, flows = crossings(table, len(capacity)), len(table)
    held = np.isfinite(capacity)
    fixed = np.full(flows, np.nan)
    while np.isnan(fixed).any():
        free = np.isnan(fixed)
        bounds = [(rate, rate) if not np.isnan(rate) else (0.0, demand) for rate, demand in zip(fixed, table.demand, strict=True)]
        shares = np.column_stack([-np.eye(flows)[free], table.weight[free]])
        limits = np.column_stack([crossed[:, held].T, np.zeros(held.sum())])
        rows, most = np.vstack([shares, limits]), np.concatenate([np.zeros(free.sum()), capacity[held] * (1.0 + 1e-9)])
        best = linprog([0.0] * flows + [-1.0], A_ub=rows, b_ub=most, bounds=[*bounds, (0.0, None)])
        level = best.x[-1]
        for flow in np.flatnonzero(free):
            floor = [
                (level * (1.0 - 1e-8) * weight, high) if f else (low, high)
                for f, weight, (low, high) in zip(free, table.weight, bounds, strict=True)
            ]
            target = np.zeros(flows)
            target[flow] = -1.0
            more = linprog(target, A_ub=crossed[:, held].T, b_ub=capacity[held] * (1.0 + 1e-9), bounds=floor)
            if -more.fun <= level * table.weight[flow] * (1.0 + 1e-7) + 1e-9:
                fixed[flow] = level * table.weight[flow]
    return fixed


@given(networks(weights=(1.0, 2.0, 5.0)), st.data())
@settings(max_examples=150, deadline=None)
def test_more_terminals_never_raise_the_worst_rate(case, data):
    table, capacity = case
    if not len(table):
        return
    flow, times = data.draw(st.integers(0, len(table) - 1)), data.draw(st.sampled_from([1.5, 2.0, 10.0]))
    more_weight, more_demand = table.weight.copy(), table.demand.copy()
    more_weight[flow] *= times
    more_demand[flow] *= times
    more = FlowTable(table.indptr, table.resource, more_weight, more_demand, table.path, table.path_indptr, table.path_resource)
    worst_before = (fair_rates(table, capacity).rate / table.weight).min()
    worst_after = (fair_rates(more, capacity).rate / more_weight).min()
    assert worst_after <= worst_before * (1.0 + ROUNDING)


@given(networks(most_flows=10), st.data())
@settings(max_examples=60, deadline=None)
def test_taking_capacity_away_never_raises_the_greatest_total(case, data):
    table, capacity = case
    resource, left = data.draw(st.integers(0, len(capacity) - 1)), data.draw(st.sampled_from([0.0, 0.5, 0.9]))
    less = capacity.copy()
    less[resource] = 0.0 if left == 0.0 else less[resource] * left
    before, after = max_throughput(table, capacity).total, max_throughput(table, less).total
    assert after <= before * (1.0 + LP_TOLERANCE) + LP_TOLERANCE


@given(networks(most_flows=10))
@settings(max_examples=60, deadline=None)
def test_the_greatest_total_is_feasible_and_above_the_fair_one(case):
    table, capacity = case
    most = max_throughput(table, capacity)
    scale = LP_TOLERANCE * (1.0 + most.total)
    assert most.rate.sum() == pytest.approx(most.total, abs=scale)
    assert (most.rate @ crossings(table, len(capacity)) <= capacity + scale).all()
    assert (most.rate <= table.demand + scale).all()
    assert fair_rates(table, capacity).rate.sum() <= most.total + scale
    assert (most.price >= 0.0).all()


@given(networks(weights=(1.0, 2.0, 5.0)))
@settings(max_examples=100, deadline=None)
def test_the_feasible_minimum_is_the_worst_rate_of_flows_that_take_what_they_get(case):
    table, capacity = case
    common = feasible_minimum_rate(table, capacity)
    endless = FlowTable(
        table.indptr, table.resource, table.weight, np.full(len(table), 1e9), table.path, table.path_indptr, table.path_resource
    )
    worst = (fair_rates(endless, capacity).rate / table.weight).min(initial=np.inf)
    assert min(common.rate, 1e9 / table.weight.max(initial=1.0)) == pytest.approx(worst, rel=1e-9) or not len(table)
