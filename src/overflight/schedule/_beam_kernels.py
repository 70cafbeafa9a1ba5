"""Compiled loops of the beam allocation, over plain arrays.

A *grant* is one beam of one cell. The grants of cell c have room at ``first[c]:first[c + 1]``, of which the first ``granted[c]`` are taken.
Sets of channels are bits of a uint32.
"""
# mypy: disable-error-code="untyped-decorator"

from typing import Any, NamedTuple

import numpy as np
from numba import njit

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}

NOTHING = np.uint32(0)
ONE = np.uint32(1)


class Ask(NamedTuple):
    """What the loops read of a request."""

    indptr: Any
    satellite: Any
    value: Any
    need: Any
    licensed: Any
    beams: Any
    per_channel: Any
    neighbours: Any
    channels: Any
    per_cell: Any


class Lit(NamedTuple):
    """What is lit so far, by grant, cell and satellite."""

    first: Any
    granted: Any
    by: Any
    channel: Any
    pair: Any
    used: Any
    count: Any
    room: Any
    appeal: Any


@njit(**_OPTIONS)
def bit_of(channel: Any) -> Any:
    """The set of one channel."""
    return ONE << np.uint32(channel)


@njit(**_OPTIONS)
def refresh_satellite(ask: Any, lit: Any, s: Any) -> None:
    """Work out anew which channels of a satellite have room, and how appealing its load leaves it."""
    room = NOTHING
    free = ask.beams[s] - lit.used[s]
    if free > 0:
        for k in range(ask.channels):
            if lit.count[s * ask.channels + k] < ask.per_channel[s]:
                room |= bit_of(k)
    lit.room[s] = room
    share = free / ask.beams[s] if room else 0.0
    lit.appeal[s] = share * share


@njit(**_OPTIONS)
def light(ask: Any, lit: Any, c: Any, pair: Any, channel: Any) -> None:
    """Give a cell one more beam."""
    s = ask.satellite[pair]
    grant = lit.first[c] + lit.granted[c]
    lit.by[grant], lit.channel[grant], lit.pair[grant] = s, channel, pair
    lit.granted[c] += 1
    lit.used[s] += 1
    lit.count[s * ask.channels + channel] += 1
    refresh_satellite(ask, lit, s)


@njit(**_OPTIONS)
def channels_left(ask: Any, lit: Any, c: Any) -> Any:
    """Channels that a cell may still take, whoever lights it."""
    left = ask.licensed[c]
    first, last = lit.first[c], lit.first[c] + lit.granted[c]
    if ask.per_cell == 1:
        for grant in range(first, last):
            left &= ~bit_of(lit.channel[grant])
        return left
    for k in range(ask.channels):
        taken = 0
        for grant in range(first, last):
            taken += lit.channel[grant] == k
        if taken >= ask.per_cell:
            left &= ~bit_of(k)
    return left


@njit(**_OPTIONS)
def shut_neighbours(ask: Any, lit: Any, c: Any, shut: Any, before: Any) -> Any:
    """Take from the room of satellites the channels that would come next to themselves; note what was before, and return how many notes."""
    count = 0
    for side in range(-1, ask.neighbours.shape[1]):
        other = c if side < 0 else ask.neighbours[c, side]
        if other < 0:
            continue
        for grant in range(lit.first[other], lit.first[other] + lit.granted[other]):
            s = lit.by[grant]
            shut[count], before[count] = s, lit.room[s]
            lit.room[s] &= ~bit_of(lit.channel[grant])
            count += 1
    return count


@njit(**_OPTIONS)
def reopen(lit: Any, count: Any, shut: Any, before: Any) -> None:
    """Give back what `shut_neighbours` took."""
    for note in range(count - 1, -1, -1):
        lit.room[shut[note]] = before[note]


@njit(**_OPTIONS)
def choose_pair(ask: Any, lit: Any, c: Any, left: Any) -> Any:
    """Row of the pair of greatest value by appeal that has one of the channels to give; -1 if there is none."""
    best, top = -1, 0.0
    for i in range(ask.indptr[c], ask.indptr[c + 1]):
        s = ask.satellite[i]
        worth = ask.value[i] * lit.appeal[s]
        if worth > top and lit.room[s] & left:
            best, top = i, worth
    return best


@njit(**_OPTIONS)
def choose_channel(ask: Any, lit: Any, s: Any, offered: Any) -> Any:
    """The channel, among those offered, that the satellite uses least; the lowest of equals."""
    best = -1
    fewest = 1 << 30
    for k in range(ask.channels):
        if offered & bit_of(k) and lit.count[s * ask.channels + k] < fewest:
            best, fewest = k, lit.count[s * ask.channels + k]
    return best


@njit(**_OPTIONS)
def walk_steps(ask: Any, lit: Any, steps: Any, failed: Any, shut: Any, before: Any) -> None:
    """Give one beam to the cell of each step, in order; a cell that once went without is not asked again."""
    for step in range(len(steps)):
        c = steps[step]
        if failed[c]:
            continue
        left = channels_left(ask, lit, c)
        count = shut_neighbours(ask, lit, c, shut, before)
        pair = choose_pair(ask, lit, c, left)
        offered = lit.room[ask.satellite[pair]] & left if pair >= 0 else NOTHING
        reopen(lit, count, shut, before)
        if pair < 0:
            failed[c] = True
            continue
        light(ask, lit, c, pair, choose_channel(ask, lit, ask.satellite[pair], offered))


@njit(**_OPTIONS)
def refresh_all(ask: Any, lit: Any) -> None:
    """Work every satellite out anew."""
    for s in range(len(ask.beams)):
        refresh_satellite(ask, lit, s)
