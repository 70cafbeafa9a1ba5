"""Compiled loops of CosmoSim's feeders and of a maximum flow over lasers."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def grant_feeders(demand, unit, indptr, gateway, order, per_satellite, per_gateway, used, granted):
    """Join satellites and gateways by whole feeder beams, in two passes; fills ``used`` (gateways,) and ``granted`` (pairs,).

    First the satellites with demand, in their order: over their gateways, the least used first, as many beams as the demand fills. That
    number is not lessened by what other gateways gave. Then all satellites, in ``order``, up to what a satellite can have.
    """
    given = np.zeros(demand.size, np.int64)
    for again in range(2):
        for place in range(demand.size):
            s = order[place] if again else place
            first, last = indptr[s], indptr[s + 1]
            if given[s] >= per_satellite or (not again and demand[s] <= 0):
                continue
            wanted = per_satellite if again else demand[s] // unit
            turns = np.argsort(used[gateway[first:last]], kind="mergesort")
            for turn in range(turns.size):
                pair = first + turns[turn]
                g = gateway[pair]
                beams = min(wanted, per_satellite - given[s], per_gateway - used[g])
                if beams > 0:
                    given[s] += beams
                    used[g] += beams
                    granted[pair] += beams


@njit(cache=True, nogil=True, error_model="numpy")
def _raise_levels(lack, spare, linked, back, room, level, queue):
    """Hops from the nearest satellite that lacks, over links with room, until satellites with something to spare are met; their level."""
    level[:] = -1
    tail = 0
    for s in range(lack.size):
        if lack[s] > 0:
            level[s] = 0
            queue[tail] = s
            tail += 1
    head = 0
    found = -1
    while head < tail:
        s = queue[head]
        head += 1
        if found >= 0 and level[s] >= found:
            break
        for side in range(linked.shape[1]):
            other = linked[s, side]
            if other < 0 or level[other] >= 0 or room[other, back[s, side]] <= 0:
                continue
            level[other] = level[s] + 1
            queue[tail] = other
            tail += 1
            if spare[other] > 0 and found < 0:
                found = level[other]
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def carry(spare, lack, linked, back, links_room):
    """Lead what satellites can spare over links to those that lack, as much as can be (Dinic); lessens all three in place.

    ``linked`` (n, k) is symmetric and ``back[s, k]`` the column in which the neighbour names s; ``links_room`` (n, k) is what
    the link from s to that neighbour still carries. Paths are sought backwards, from those that lack.
    """
    n = lack.size
    level = np.empty(n, np.int64)
    queue = np.empty(n, np.int64)
    turn = np.empty(n, np.int64)
    path = np.empty(n + 1, np.int64)
    sides = np.empty(n + 1, np.int64)
    for s in range(n):
        own = min(spare[s], lack[s])
        spare[s] -= own
        lack[s] -= own
    while True:
        farthest = _raise_levels(lack, spare, linked, back, links_room, level, queue)
        if farthest < 0:
            return
        turn[:] = 0
        for start in range(n):
            while lack[start] > 0 and level[start] == 0:
                depth = 0
                path[0] = start
                while depth >= 0:
                    s = path[depth]
                    if depth > 0 and spare[s] > 0:
                        break
                    advanced = False
                    while depth < farthest and turn[s] < linked.shape[1]:
                        side = turn[s]
                        other = linked[s, side]
                        if other >= 0 and level[other] == level[s] + 1 and links_room[other, back[s, side]] > 0:
                            sides[depth] = side
                            depth += 1
                            path[depth] = other
                            advanced = True
                            break
                        turn[s] += 1
                    if not advanced:
                        depth -= 1
                        if depth >= 0:
                            turn[path[depth]] += 1
                if depth < 0:
                    break
                amount = min(lack[start], spare[path[depth]])
                for k in range(depth):
                    amount = min(amount, links_room[path[k + 1], back[path[k], sides[k]]])
                for k in range(depth):
                    links_room[path[k + 1], back[path[k], sides[k]]] -= amount
                    links_room[path[k], sides[k]] += amount
                spare[path[depth]] -= amount
                lack[start] -= amount
