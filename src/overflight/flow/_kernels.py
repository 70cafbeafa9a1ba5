"""Compiled loops of the flow stage, over plain arrays.

No kernel may reorder sums (no ``fastmath``): the same input gives the same bytes on every machine.
"""

from typing import Any

import numpy as np
from numba import njit

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}

_BARE: Any = {**_OPTIONS, "_nrt": False}
"""Of kernels that make no arrays: without it numba counts references of the arrays they hand on, with an atomic operation each, in loops."""

_INLINE: Any = {**_BARE, "forceinline": True}
"""Of kernels that are called so often that handing over a dozen arrays would cost more than their work."""

ROW = 4
"""A resource's state is a row of so many float64: capacity left, weight of the flows still rising, their number, and room."""

SAME_LEVEL = 1e-12
"""Levels that differ by less, relatively, are one."""

STALE = 2.0**-10
"""Sums that shrank below this share of what they were are added up anew: what rounding left in them might show."""

RADIX_BITS = 11
RADIX = 1 << RADIX_BITS


@njit(**_OPTIONS)
def find_wrong_flow(indptr, resource, weight, demand, path, paths, resources):
    """First flow that cannot be used and why: (flow, reason); reason 0: none, 1: lists, 2: resource, 3: weight, 4: demand, 5: path."""
    flows = weight.size
    if indptr[0] != 0 or indptr[flows] != resource.size:
        return 0, 1
    for f in range(flows):
        if indptr[f + 1] < indptr[f]:
            return f, 1
        if not (weight[f] >= 0.0 and weight[f] < np.inf):
            return f, 3
        if not demand[f] >= 0.0:
            return f, 4
        if path[f] < -1 or path[f] >= paths:
            return f, 5
    low = high = 0
    for e in range(resource.size):
        low = min(low, resource[e])
        high = max(high, resource[e])
    if low < 0 or high >= resources:
        for f in range(flows):
            for e in range(indptr[f], indptr[f + 1]):
                if resource[e] < 0 or resource[e] >= resources:
                    return f, 2
    return 0, 0


@njit(**_OPTIONS)
def find_wrong_path(path_indptr, path_resource, resources):
    """First path whose list cannot be used; -1 if there is none."""
    paths = path_indptr.size - 1
    if path_indptr[0] != 0 or path_indptr[paths] != path_resource.size:
        return 0
    for p in range(paths):
        if path_indptr[p + 1] < path_indptr[p]:
            return p
        for e in range(path_indptr[p], path_indptr[p + 1]):
            if path_resource[e] < 0 or path_resource[e] >= resources:
                return p
    return -1


@njit(**_OPTIONS)
def transpose(indptr, item, count):
    """Lists of owners by item, from lists of items by owner: (starts, owner), owners ascending."""
    starts = np.zeros(count + 1, np.int64)
    for e in range(item.size):
        starts[item[e] + 1] += 1
    for i in range(count):
        starts[i + 1] += starts[i]
    place = starts[:-1].copy()
    owner = np.empty(item.size, np.int32)
    for o in range(indptr.size - 1):
        for e in range(indptr[o], indptr[o + 1]):
            i = item[e]
            owner[place[i]] = o
            place[i] += 1
    return starts, owner


@njit(**_OPTIONS)
def group_rows(group, count):
    """Rows by group, ascending within each; rows of group -1 are in none: (starts, row)."""
    starts = np.zeros(count + 1, np.int64)
    for row in range(group.size):
        if group[row] >= 0:
            starts[group[row] + 1] += 1
    for g in range(count):
        starts[g + 1] += starts[g]
    place = starts[:-1].copy()
    rows = np.empty(starts[count], np.int32)
    for row in range(group.size):
        g = group[row]
        if g >= 0:
            rows[place[g]] = row
            place[g] += 1
    return starts, rows


@njit(**_OPTIONS)
def sort_levels(level, order, count):
    """Sort the first `count` of `order` by `level` (not negative), stable: by their bits, which ascend with the numbers."""
    other = np.empty(count, np.int32)
    keys, other_keys = np.empty(count, np.uint64), np.empty(count, np.uint64)
    values = np.empty(count)
    for i in range(count):
        values[i] = level[order[i]]
    keys[:] = values.view(np.uint64)
    first = order
    counts = np.empty(RADIX, np.int64)
    for shift in range(0, 64, RADIX_BITS):
        counts[:] = 0
        for i in range(count):
            counts[(keys[i] >> np.uint64(shift)) & np.uint64(RADIX - 1)] += 1
        if count and counts[(keys[0] >> np.uint64(shift)) & np.uint64(RADIX - 1)] == count:
            continue
        total = 0
        for digit in range(RADIX):
            here = counts[digit]
            counts[digit] = total
            total += here
        for i in range(count):
            digit = (keys[i] >> np.uint64(shift)) & np.uint64(RADIX - 1)
            place = counts[digit]
            counts[digit] = place + 1
            other[place] = first[i]
            other_keys[place] = keys[i]
        keys, other_keys = other_keys, keys
        first, other = other, first
    for i in range(count):
        order[i] = first[i]


@njit(**_INLINE)
def sift_down(key, item, size, i, k, l):
    """Let an entry sink from place `i` of a heap of four."""
    while True:
        child = 4 * i + 1
        if child >= size:
            break
        least, least_key = child, key[child]
        for other in range(child + 1, min(child + 4, size)):
            if key[other] < least_key:
                least, least_key = other, key[other]
        if least_key >= k:
            break
        key[i] = least_key
        item[i] = item[least]
        i = least
    key[i] = k
    item[i] = l


@njit(**_OPTIONS)
def count_pulls(state, rate, indptr, resource, weight, path, path_indptr, path_resource, path_left):
    """Add up, per resource and per path, weight and number of the flows that may rise (whose `rate` is negative)."""
    path_weight = np.zeros(path_left.size)
    for f in range(weight.size):
        if rate[f] >= 0.0:
            continue
        w = weight[f]
        for e in range(indptr[f], indptr[f + 1]):
            at = ROW * resource[e]
            state[at + 1] += w
            state[at + 2] += 1.0
        if path[f] >= 0:
            path_weight[path[f]] += w
            path_left[path[f]] += 1
    for p in range(path_left.size):
        if path_left[p] > 0:
            for e in range(path_indptr[p], path_indptr[p + 1]):
                at = ROW * path_resource[e]
                state[at + 1] += path_weight[p]
                state[at + 2] += path_left[p]


@njit(**_OPTIONS)
def cap_flows(state, capacity, rate, indptr, resource, weight, demand, path, path_indptr, path_resource, path_left, limit, cause):
    """Most that each flow could get on its own: its demand or a resource that no other flow uses; `cause` is that resource or -1."""
    paths = path_left.size
    alone, alone_cause = np.full(paths, np.inf), np.full(paths, -1, np.int32)
    for p in range(paths):
        if path_left[p] == 1:
            for e in range(path_indptr[p], path_indptr[p + 1]):
                l = path_resource[e]
                if state[ROW * l + 2] == 1.0 and capacity[l] < alone[p]:
                    alone[p], alone_cause[p] = capacity[l], l
    for f in range(weight.size):
        limit[f], cause[f] = demand[f], -1
        if rate[f] >= 0.0:
            continue
        for e in range(indptr[f], indptr[f + 1]):
            l = resource[e]
            if state[ROW * l + 2] == 1.0 and capacity[l] < limit[f]:
                limit[f], cause[f] = capacity[l], l
        p = path[f]
        if p >= 0 and alone[p] < limit[f]:
            limit[f], cause[f] = alone[p], alone_cause[p]


@njit(**_INLINE)
def freeze_own(state, f, given, w, indptr, resource):
    """Take a flow that has got its rate out of its own resources.

    Indices without a sign: numba then does not look whether they count from the end. This is the innermost loop.
    """
    f = np.uint64(f)
    e, last = np.uint64(indptr[f]), np.uint64(indptr[f + np.uint64(1)])
    while e < last:
        at = np.uint64(resource[e]) * np.uint64(ROW)
        state[at] -= given
        state[at + np.uint64(1)] -= w
        state[at + np.uint64(2)] -= 1.0
        e += np.uint64(1)


@njit(**_INLINE)
def freeze_path(state, p, given, w, count, path_indptr, path_resource):
    """Take flows that have got their rate out of the resources of their path."""
    e, last = np.uint64(path_indptr[p]), np.uint64(path_indptr[p + 1])
    while e < last:
        at = np.uint64(path_resource[e]) * np.uint64(ROW)
        state[at] -= given
        state[at + np.uint64(1)] -= w
        state[at + np.uint64(2)] -= count
        e += np.uint64(1)


@njit(**_BARE)
def add_up_anew(state, l, capacity, rate, weight, starts, owner, path_starts, path_owner, flow_starts, flow_owner):
    """Add up what is left of a resource and the weight that pulls at it, free of what rounding left over; a compensated sum."""
    spare, lost, pull = capacity[l], 0.0, 0.0
    for i in range(starts[l], starts[l + 1]):
        f = owner[i]
        if rate[f] < 0.0:
            pull += weight[f]
        else:
            term = -rate[f] - lost
            total = spare + term
            lost = (total - spare) - term
            spare = total
    for j in range(path_starts[l], path_starts[l + 1]):
        for i in range(flow_starts[path_owner[j]], flow_starts[path_owner[j] + 1]):
            f = flow_owner[i]
            if rate[f] < 0.0:
                pull += weight[f]
            else:
                term = -rate[f] - lost
                total = spare + term
                lost = (total - spare) - term
                spare = total
    state[ROW * l] = max(spare, 0.0)
    state[ROW * l + 1] = pull


@njit(**_INLINE)
def find_level(state, l, seen, capacity, rate, weight, starts, owner, path_starts, path_owner, flow_starts, flow_owner):
    """Level at which a resource will be full if no flow stops rising before; infinite where none rises."""
    if state[ROW * l + 2] == 0.0:
        return np.inf
    if state[ROW * l] < STALE * seen[2 * l] or state[ROW * l + 1] < STALE * seen[2 * l + 1]:
        add_up_anew(state, l, capacity, rate, weight, starts, owner, path_starts, path_owner, flow_starts, flow_owner)
        seen[2 * l], seen[2 * l + 1] = state[ROW * l], state[ROW * l + 1]
    return state[ROW * l] / state[ROW * l + 1]


@njit(**_OPTIONS)
def order_caps(rate, weight, limit, level, order):
    """List the flows that something of their own bounds by the level at which it does; returns their number."""
    capped = 0
    for f in range(rate.size):
        if rate[f] < 0.0:
            level[f] = limit[f] / weight[f]
            if limit[f] < np.inf:
                order[capped] = f
                capped += 1
    sort_levels(level, order, capped)
    return capped


@njit(**_OPTIONS)
def queue_resources(state, capacity, key, item):
    """Put the resources that several flows share into a heap, by the level at which each would be full; returns its size."""
    size = 0
    for l in range(capacity.size):
        if state[ROW * l + 2] > 1.0 and capacity[l] < np.inf:
            key[size] = capacity[l] / state[ROW * l + 1]
            item[size] = l
            size += 1
    for i in range((size - 2) // 4, -1, -1):
        sift_down(key, item, size, i, key[i], item[i])
    return size


@njit(**_INLINE)
def stop_flow(state, f, given, cause, indptr, resource, weight, path, path_indptr, path_resource, path_left, rate, bottleneck):
    """Give one flow its rate, for a cause."""
    rate[f], bottleneck[f] = given, cause
    freeze_own(state, f, given, weight[f], indptr, resource)
    if path[f] >= 0:
        path_left[path[f]] -= 1
        freeze_path(state, path[f], given, weight[f], 1.0, path_indptr, path_resource)


@njit(**_INLINE)
def stop_at(
    state,
    l,
    now,
    indptr,
    resource,
    weight,
    path,
    path_indptr,
    path_resource,
    starts,
    owner,
    path_starts,
    path_owner,
    flow_starts,
    flow_owner,
    path_left,
    rate,
    bottleneck,
):
    """Give all flows that still rise over a full resource their rates, path by path where they share one; returns their number."""
    stopped = 0
    for i in range(starts[l], starts[l + 1]):
        f = owner[i]
        if rate[f] < 0.0:
            stop_flow(state, f, now * weight[f], l, indptr, resource, weight, path, path_indptr, path_resource, path_left, rate, bottleneck)
            stopped += 1
    for j in range(path_starts[l], path_starts[l + 1]):
        p = path_owner[j]
        if path_left[p] == 0:
            continue
        total, pull = 0.0, 0.0
        for i in range(flow_starts[p], flow_starts[p + 1]):
            f = flow_owner[i]
            if rate[f] < 0.0:
                given = now * weight[f]
                rate[f], bottleneck[f] = given, l
                total += given
                pull += weight[f]
                freeze_own(state, f, given, weight[f], indptr, resource)
        freeze_path(state, p, total, pull, float(path_left[p]), path_indptr, path_resource)
        stopped += path_left[p]
        path_left[p] = 0
    return stopped


@njit(**_BARE)
def raise_levels(
    left,
    capped,
    size,
    state,
    seen,
    capacity,
    indptr,
    resource,
    weight,
    path,
    path_indptr,
    path_resource,
    starts,
    owner,
    path_starts,
    path_owner,
    flow_starts,
    flow_owner,
    path_left,
    limit,
    level,
    cause,
    order,
    key,
    item,
    rate,
    bottleneck,
):
    """Stop flow after flow, level after level, until none rises or nothing bounds those that do."""
    turn = 0
    while left > 0:
        while turn < capped and rate[order[turn]] >= 0.0:
            turn += 1
        if turn < capped and (size == 0 or level[order[turn]] <= key[0]):
            f = order[turn]
            stop_flow(state, f, limit[f], cause[f], indptr, resource, weight, path, path_indptr, path_resource, path_left, rate, bottleneck)
            turn, left = turn + 1, left - 1
            continue
        if size == 0:
            break
        l = item[0]
        now = find_level(state, l, seen, capacity, rate, weight, starts, owner, path_starts, path_owner, flow_starts, flow_owner)
        if key[0] * (1.0 + SAME_LEVEL) < now < np.inf:
            sift_down(key, item, size, 0, now, l)
            continue
        size -= 1
        if size > 0:
            sift_down(key, item, size, 0, key[size], item[size])
        if now < np.inf:
            left -= stop_at(
                state,
                l,
                now,
                indptr,
                resource,
                weight,
                path,
                path_indptr,
                path_resource,
                starts,
                owner,
                path_starts,
                path_owner,
                flow_starts,
                flow_owner,
                path_left,
                rate,
                bottleneck,
            )


@njit(**_OPTIONS)
def fill(indptr, resource, weight, demand, path, path_indptr, path_resource, capacity, rate, bottleneck):
    """Raise all flows alike per weight until each meets its demand or a full resource. Returns a flow that nothing bounds, or -1.

    A heap holds the level at which each resource would be full. Levels only rise as flows stop rising, so an entry that is out of date is a
    lower bound: it is set right when it comes to the top.
    """
    flows, resources, paths = weight.size, capacity.size, path_indptr.size - 1
    left = 0
    for f in range(flows):
        rises = weight[f] > 0.0 and demand[f] > 0.0
        rate[f], bottleneck[f] = -1.0 if rises else 0.0, -1
        left += rises
    state, path_left = np.zeros(ROW * resources), np.zeros(paths, np.int64)
    for l in range(resources):
        state[ROW * l] = capacity[l]
    count_pulls(state, rate, indptr, resource, weight, path, path_indptr, path_resource, path_left)
    starts, owner = transpose(indptr, resource, resources)
    path_starts, path_owner = transpose(path_indptr, path_resource, resources)
    flow_starts, flow_owner = group_rows(path, paths)

    limit, level, cause, order = np.empty(flows), np.empty(flows), np.empty(flows, np.int32), np.empty(flows, np.int32)
    cap_flows(state, capacity, rate, indptr, resource, weight, demand, path, path_indptr, path_resource, path_left, limit, cause)
    capped = order_caps(rate, weight, limit, level, order)
    key, item, seen = np.empty(resources), np.empty(resources, np.int32), np.empty(2 * resources)
    for l in range(resources):
        seen[2 * l], seen[2 * l + 1] = state[ROW * l], state[ROW * l + 1]
    size = queue_resources(state, capacity, key, item)

    raise_levels(
        left,
        capped,
        size,
        state,
        seen,
        capacity,
        indptr,
        resource,
        weight,
        path,
        path_indptr,
        path_resource,
        starts,
        owner,
        path_starts,
        path_owner,
        flow_starts,
        flow_owner,
        path_left,
        limit,
        level,
        cause,
        order,
        key,
        item,
        rate,
        bottleneck,
    )
    return settle(rate, demand, bottleneck)


@njit(**_OPTIONS)
def settle(rate, demand, bottleneck):
    """Say that demands are met which rounding alone keeps from being so. Returns a flow that still rises, or -1."""
    for f in range(rate.size):
        if rate[f] < 0.0:
            return f
        if bottleneck[f] >= 0 and rate[f] >= demand[f] * (1.0 - SAME_LEVEL):
            rate[f], bottleneck[f] = demand[f], -1
    return -1


@njit(**_OPTIONS)
def add_loads(indptr, resource, path, path_indptr, path_resource, rate, load):
    """Add up, in place, what flows of these rates put on each resource."""
    path_rate = np.zeros(path_indptr.size - 1)
    for f in range(rate.size):
        for e in range(indptr[f], indptr[f + 1]):
            load[resource[e]] += rate[f]
        if path[f] >= 0:
            path_rate[path[f]] += rate[f]
    for p in range(path_rate.size):
        for e in range(path_indptr[p], path_indptr[p + 1]):
            load[path_resource[e]] += path_rate[p]


@njit(**_OPTIONS)
def find_unexplained(indptr, resource, weight, demand, path, path_indptr, path_resource, capacity, rate, load, tolerance):
    """Count the flows below their demand that cross no full resource on which nobody has more per weight; the first of them, or -1."""
    flows, paths, resources = weight.size, path_indptr.size - 1, capacity.size
    top, path_top = np.zeros(resources), np.zeros(paths)
    for f in range(flows):
        if weight[f] > 0.0:
            share = rate[f] / weight[f]
            for e in range(indptr[f], indptr[f + 1]):
                l = resource[e]
                if share > top[l]:
                    top[l] = share
            if path[f] >= 0 and share > path_top[path[f]]:
                path_top[path[f]] = share
    for p in range(paths):
        for e in range(path_indptr[p], path_indptr[p + 1]):
            l = path_resource[e]
            if path_top[p] > top[l]:
                top[l] = path_top[p]
    for l in range(resources):
        if load[l] < capacity[l] * (1.0 - tolerance):
            top[l] = np.inf
    for p in range(paths):
        path_top[p] = np.inf
        for e in range(path_indptr[p], path_indptr[p + 1]):
            path_top[p] = min(path_top[p], top[path_resource[e]])
    count, first = 0, -1
    for f in range(flows):
        if weight[f] == 0.0 or rate[f] >= demand[f] * (1.0 - tolerance):
            continue
        least = path_top[path[f]] if path[f] >= 0 else np.inf
        for e in range(indptr[f], indptr[f + 1]):
            least = min(least, top[resource[e]])
        if not rate[f] / weight[f] >= least * (1.0 - tolerance):
            if first < 0:
                first = f
            count += 1
    return count, first


@njit(**_OPTIONS)
def share_among_random(others, room, share):
    """Expected share of what it asks for that a terminal gets among a Poisson number of others, ``E[min(1, room / (1 + M))]``.

    With k the whole part of the room: P(M < k) + room / others · P(M > k), since Σ P(m) / (m + 1) over m ≥ k is P(M > k) / others.
    """
    for i in range(others.size):
        n, r = others[i], room[i]
        if not r > 0.0:
            share[i] = 0.0
        elif n < 1e-9:
            share[i] = min(1.0, r)
        elif n > 500.0:
            share[i] = min(1.0, r / n)
        else:
            whole = int(min(r, 2000.0))
            term = np.exp(-n)
            below = 0.0
            for m in range(whole):
                below += term
                term *= n / (m + 1)
            share[i] = min(1.0, below + r / n * max(0.0, 1.0 - below - term))
