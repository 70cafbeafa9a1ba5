"""Compiled loops of CosmoSim's two ways to give beams."""

import numpy as np
from numba import njit

_NEVER = np.iinfo(np.int64).max


@njit(cache=True, nogil=True, error_model="numpy")
def mark_regions(indptr, satellite, shell, rank, shells, region):
    """Region of each pair: the rank of its shell for the first 60 % by satellite of the cell's pairs of that shell, else rank + shells."""
    count = np.empty(shells, np.int64)
    place = np.empty(shells, np.int64)
    for cell in range(indptr.size - 1):
        count[:] = 0
        place[:] = 0
        for pair in range(indptr[cell], indptr[cell + 1]):
            count[shell[satellite[pair]]] += 1
        for pair in range(indptr[cell], indptr[cell + 1]):
            own = shell[satellite[pair]]
            is_far = 5 * place[own] > 3 * count[own]
            region[pair] = rank[own] + (shells if is_far else 0)
            place[own] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _sort_line(line, keys, size):
    """Sort a few rows by their keys in place; those alike keep their order. Nearly sorted lines cost one look."""
    for here in range(1, size):
        key = keys[here]
        row = line[here]
        there = here - 1
        while there >= 0 and keys[there] > key:
            keys[there + 1] = keys[there]
            line[there + 1] = line[there]
            there -= 1
        keys[there + 1] = key
        line[there + 1] = row


@njit(cache=True, nogil=True, error_model="numpy")
def _can_light(cell, channel, s, neighbours, on_channel, limit, given, most, serving):
    """Whether the satellite has a beam of this channel to give, and none of it beside the cell."""
    if given[s] >= most[s] or on_channel[s, channel] >= limit[s]:
        return False
    for side in range(neighbours.shape[1]):
        other = neighbours[cell, side]
        if other >= 0 and serving[other, channel] == s:
            return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def give_coordinated(order, need, indptr, satellite, region, is_worth, licensed, neighbours, most, limit, serving, pair_of):
    """Serve each cell in turn until its need is met, channel after channel, from the first satellite that can.

    A cell's satellites stand by region, then by beams given so far; they are put in order again before each channel, those alike as they
    stood (at first by satellite). Fills ``serving`` and ``pair_of`` (cells, channels).
    """
    channels = serving.shape[1]
    given = np.zeros(most.size, np.int64)
    on_channel = np.zeros((most.size, channels), np.int32)
    longest = 0
    for cell in range(indptr.size - 1):
        longest = max(longest, indptr[cell + 1] - indptr[cell])
    line = np.empty(longest, np.int64)
    keys = np.empty(longest, np.int64)
    for place in range(order.size):
        cell = order[place]
        left = need[cell]
        size = 0
        for pair in range(indptr[cell], indptr[cell + 1]):
            if is_worth[pair]:
                line[size] = pair
                size += 1
        for channel in range(channels):
            if left <= 0:
                break
            if not (licensed[cell] >> np.uint32(channel)) & np.uint32(1):
                continue
            for k in range(size):
                keys[k] = (np.int64(region[line[k]]) << 40) + given[satellite[line[k]]]
            _sort_line(line, keys, size)
            for k in range(size):
                s = satellite[line[k]]
                if _can_light(cell, channel, s, neighbours, on_channel, limit, given, most, serving):
                    serving[cell, channel], pair_of[cell, channel] = s, line[k]
                    on_channel[s, channel] += 1
                    given[s] += 1
                    left -= 1
                    break


@njit(cache=True, nogil=True, error_model="numpy")
def give_uncoordinated(
    priority, seen, order, need, indptr, satellite, is_worth, licensed, neighbours, most, limit, rounds, serving, pair_of
):
    """Rounds over the cells by falling priority, then by fewest satellites in view; each takes one channel, its lowest that can be given.

    A channel comes from the satellite that has given fewest beams, of those alike the first. A cell's priority falls by one a round, down
    to 0. ``order`` is the list of cells, put in order again in each round, those alike as they stood. Fills ``serving`` and ``pair_of``.
    """
    channels = serving.shape[1]
    given = np.zeros(most.size, np.int64)
    on_channel = np.zeros((most.size, channels), np.int32)
    has = np.zeros(need.size, np.int64)
    for _ in range(rounds):
        keys = np.empty(order.size, np.int64)
        for place in range(order.size):
            keys[place] = (-priority[order[place]] << 32) + seen[order[place]]
        order = order[np.argsort(keys, kind="mergesort")]
        for place in range(order.size):
            cell = order[place]
            priority[cell] = max(priority[cell] - 1, 0)
            if has[cell] >= need[cell]:
                continue
            for channel in range(channels):
                if serving[cell, channel] >= 0 or not (licensed[cell] >> np.uint32(channel)) & np.uint32(1):
                    continue
                best = -1
                fewest = _NEVER
                for pair in range(indptr[cell], indptr[cell + 1]):
                    s = satellite[pair]
                    if given[s] >= fewest or not is_worth[pair]:
                        continue
                    if _can_light(cell, channel, s, neighbours, on_channel, limit, given, most, serving):
                        best, fewest = pair, given[s]
                if best >= 0:
                    s = satellite[best]
                    serving[cell, channel], pair_of[cell, channel] = s, best
                    on_channel[s, channel] += 1
                    given[s] += 1
                    has[cell] += 1
                    break
