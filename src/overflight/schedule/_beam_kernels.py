"""Compiled loops of the beam allocation, over plain arrays.

A *grant* is one beam of one cell. The grants of cell c have room at ``first[c]:first[c + 1]``, of which the first ``granted[c]`` are taken.
Grants that share a beam in time have the same *leader*, the grant that opened it; ``crowd`` counts them, and no beam of a satellite has
fewer than its ``least``; those that have no more begin at its place ``emptiest`` or later. Sets of channels are bits of a uint32.
"""
# mypy: disable-error-code="untyped-decorator"

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.core.options import DefaultOptions
from numba.extending import register_jitable

from overflight.schedule._prefetch import prefetch

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}

_BARE: Any = {**_OPTIONS, "_nrt": False} if hasattr(DefaultOptions, "_nrt") else _OPTIONS
"""For loops that allocate nothing: without numba's counting of references, which costs more than the work at each step."""

_INLINE: Any = {**_BARE, "cache": False, "forceinline": True}
"""For what compiled loops call at each step and nobody else does: without the wrappers by which Python would, half of the compilation.

Rows and channels are handed over as int64, so that each is compiled once."""

NOTHING = np.uint32(0)
ONE = np.uint32(1)
AHEAD = 8
"""Steps that memory is asked for ahead of its use."""

RELIEF_TRIES = 8
"""Satellites that one cell without a beam may ask to move another cell."""


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
    beside: Any
    channels: Any
    per_cell: Any
    per_beam: Any


class Lit(NamedTuple):
    """What is lit so far, by grant, cell and satellite."""

    first: Any
    granted: Any
    owner: Any
    by: Any
    channel: Any
    pair: Any
    leader: Any
    crowd: Any
    least: Any
    emptiest: Any
    used: Any
    count: Any
    room: Any
    base: Any
    price: Any
    slope: Any
    stuck: Any
    looked: Any
    width: Any
    lights: Any


class Held(NamedTuple):
    """Beams of the slot before, by cell, and how many of each satellite and channel still wait for theirs."""

    first: Any
    satellite: Any
    channel: Any
    waits: Any
    waiting: Any
    waiting_on: Any


@register_jitable(**_INLINE)
def bit_of(channel: Any) -> Any:
    """The set of one channel."""
    return ONE << np.uint32(channel)


@register_jitable(**_INLINE)
def free_channels(ask: Any, lit: Any, s: Any) -> Any:
    """Channels on which a satellite may light one beam more, were it to have one."""
    free = NOTHING
    for k in range(ask.channels):
        if lit.count[s * ask.channels + k] < ask.per_channel[s]:
            free |= bit_of(k)
    return free


@register_jitable(**_INLINE)
def refresh_satellite(ask: Any, lit: Any, held: Any, s: Any) -> None:
    """Work out anew which channels of a satellite have room beyond what waits for those who held it, and what its beams cost."""
    taken = lit.used[s] + held.waiting[s]
    room = NOTHING
    if taken < ask.beams[s]:
        for k in range(ask.channels):
            if lit.count[s * ask.channels + k] + held.waiting_on[s * ask.channels + k] < ask.per_channel[s]:
                room |= bit_of(k)
    lit.room[s] = room
    lit.price[s] = lit.base[s] + lit.slope * taken / ask.beams[s] if room else np.inf


@register_jitable(**_INLINE)
def refresh_channel(ask: Any, lit: Any, held: Any, s: Any, channel: Any) -> None:
    """Do as `refresh_satellite` where one channel has changed."""
    taken = lit.used[s] + held.waiting[s]
    if taken >= ask.beams[s] or not lit.room[s]:
        refresh_satellite(ask, lit, held, s)
        return
    spot = s * ask.channels + channel
    if lit.count[spot] + held.waiting_on[spot] < ask.per_channel[s]:
        lit.room[s] |= bit_of(channel)
    else:
        lit.room[s] &= ~bit_of(channel)
    lit.price[s] = lit.base[s] + lit.slope * taken / ask.beams[s] if lit.room[s] else np.inf


@njit(**_BARE)
def refresh_all(ask: Any, lit: Any, held: Any) -> None:
    """Work every satellite out anew."""
    for s in range(len(ask.beams)):
        refresh_satellite(ask, lit, held, s)


@register_jitable(**_INLINE)
def join_satellite(ask: Any, lit: Any, held: Any, grant: Any, pair: Any, channel: Any) -> None:
    """Let a grant open a beam."""
    s = np.int64(ask.satellite[pair])
    lit.by[grant], lit.channel[grant], lit.pair[grant] = s, channel, pair
    lit.leader[grant], lit.crowd[grant] = grant, 1
    if lit.least[s] > 1:
        lit.least[s], lit.emptiest[s] = 1, lit.used[s]
    lit.lights[s * lit.width + lit.used[s]] = grant
    lit.used[s] += 1
    lit.count[s * ask.channels + channel] += 1
    refresh_channel(ask, lit, held, s, channel)


@register_jitable(**_INLINE)
def leave_satellite(ask: Any, lit: Any, held: Any, place: Any, s: Any) -> None:
    """Close the beam at a place of a satellite's list."""
    last = s * lit.width + lit.used[s] - 1
    channel = np.int64(lit.channel[lit.lights[s * lit.width + place]])
    lit.count[s * ask.channels + channel] -= 1
    lit.lights[s * lit.width + place] = lit.lights[last]
    lit.emptiest[s] = min(lit.emptiest[s], place)
    lit.used[s] -= 1
    refresh_channel(ask, lit, held, s, channel)


@register_jitable(**_INLINE)
def light(ask: Any, lit: Any, held: Any, c: Any, pair: Any, channel: Any) -> None:
    """Give a cell one more beam."""
    grant = lit.first[c] + lit.granted[c]
    lit.granted[c] += 1
    join_satellite(ask, lit, held, grant, pair, channel)


@register_jitable(**_INLINE)
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


@register_jitable(**_INLINE)
def barred_channels(ask: Any, lit: Any, c: Any, s: Any) -> Any:
    """Channels on which a satellite lights the cell already, or one adjacent to it."""
    barred = NOTHING
    for side in range(-1, ask.neighbours.shape[1]):
        other = np.int64(c) if side < 0 else np.int64(ask.neighbours[c, side])
        if other >= 0:
            for grant in range(lit.first[other], lit.first[other] + lit.granted[other]):
                if lit.by[grant] == s:
                    barred |= bit_of(lit.channel[grant])
    return barred


@register_jitable(**_INLINE)
def shut(lit: Any, notes: Any, count: Any, s: Any, channel: Any) -> None:
    """Take a channel from the room of a satellite, noting what was before."""
    notes[0, count], notes[1, count] = s, lit.room[s]
    lit.room[s] &= ~bit_of(channel)


@register_jitable(**_INLINE)
def shut_neighbours(ask: Any, lit: Any, held: Any, c: Any, notes: Any) -> Any:
    """Take from the room of satellites what is barred to a cell, or waits for its neighbours; return how many notes were made."""
    count = 0
    holds = len(held.satellite) > 0
    for side in range(-1, ask.neighbours.shape[1]):
        other = np.int64(c) if side < 0 else np.int64(ask.neighbours[c, side])
        if other < 0:
            continue
        for grant in range(lit.first[other], lit.first[other] + lit.granted[other]):
            shut(lit, notes, count, np.int64(lit.by[grant]), np.int64(lit.channel[grant]))
            count += 1
        if holds and side >= 0:
            for row in range(held.first[other], held.first[other + 1]):
                if held.waits[row]:
                    shut(lit, notes, count, np.int64(held.satellite[row]), np.int64(held.channel[row]))
                    count += 1
    return count


@register_jitable(**_INLINE)
def reopen(lit: Any, notes: Any, count: Any) -> None:
    """Give back what `shut_neighbours` took."""
    for note in range(count - 1, -1, -1):
        lit.room[notes[0, note]] = notes[1, note]


@register_jitable(**_INLINE)
def choose_pair(ask: Any, lit: Any, c: Any, left: Any) -> Any:
    """Row of the pair of greatest value less price that has one of the channels to give; -1 if there is none."""
    best, top = -1, -np.inf
    for i in range(ask.indptr[c], ask.indptr[c + 1]):
        s = ask.satellite[i]
        gain = ask.value[i] - lit.price[s]
        if gain > top and lit.room[s] & left and ask.value[i] > 0.0:
            best, top = i, gain
    return best


@register_jitable(**_INLINE)
def choose_channel(ask: Any, lit: Any, held: Any, s: Any, offered: Any) -> Any:
    """The channel, among those offered, that is least used and waited for on the satellite; the lowest of equals."""
    best, fewest = -1, 1 << 30
    for k in range(ask.channels):
        uses = lit.count[s * ask.channels + k] + held.waiting_on[s * ask.channels + k]
        if offered & bit_of(k) and uses < fewest:
            best, fewest = k, uses
    return best


@register_jitable(**_INLINE)
def choose_cheapest(ask: Any, lit: Any, c: Any) -> Any:
    """Row of the pair of greatest value less price, whatever its channels; -1 if all are closed."""
    value, satellite, price = ask.value, ask.satellite, lit.price
    best, top = -1, -np.inf
    for i in range(ask.indptr[c], ask.indptr[c + 1]):
        gain = value[i] - price[satellite[i]]
        if gain > top:
            best, top = i, gain
    return best


@register_jitable(**_INLINE)
def waiting_channels(ask: Any, held: Any, c: Any, s: Any) -> Any:
    """Channels on which a satellite will light a cell adjacent to this one, if it keeps what it held."""
    barred = NOTHING
    for side in range(ask.neighbours.shape[1]):
        other = np.int64(ask.neighbours[c, side])
        if other >= 0:
            for row in range(held.first[other], held.first[other + 1]):
                if held.waits[row] and held.satellite[row] == s:
                    barred |= bit_of(held.channel[row])
    return barred


@register_jitable(**_INLINE)
def take_open(ask: Any, lit: Any, held: Any, c: Any, left: Any, notes: Any) -> Any:
    """Give a cell a beam of a satellite with room; whether there was one."""
    pair = choose_cheapest(ask, lit, c)
    if pair < 0:
        return False
    s = np.int64(ask.satellite[pair])
    offered = lit.room[s] & left & ~barred_channels(ask, lit, c, s)
    if len(held.satellite) > 0:
        offered &= ~waiting_channels(ask, held, c, s)
    if not offered or not ask.value[pair] > 0.0:
        # The best has no channel for this cell: look at channels too, which takes longer.
        count = shut_neighbours(ask, lit, held, c, notes)
        pair = choose_pair(ask, lit, c, left)
        offered = lit.room[ask.satellite[pair]] & left if pair >= 0 else NOTHING
        reopen(lit, notes, count)
        if pair < 0:
            return False
        s = np.int64(ask.satellite[pair])
    light(ask, lit, held, c, pair, choose_channel(ask, lit, held, s, offered))
    return True


@register_jitable(**_INLINE)
def take_waiting(ask: Any, lit: Any, held: Any, c: Any, left: Any) -> Any:
    """Give a cell a beam that waits for a cell whose turn comes later; whether there was one."""
    best, top, offered = -1, -np.inf, NOTHING
    for i in range(ask.indptr[c], ask.indptr[c + 1]):
        s = np.int64(ask.satellite[i])
        gain = ask.value[i] - lit.base[s]
        if gain > top and ask.value[i] > 0.0 and lit.used[s] < ask.beams[s]:
            open_to = free_channels(ask, lit, s) & left & ~barred_channels(ask, lit, c, s)
            if open_to:
                best, top, offered = i, gain, open_to
    if best < 0:
        return False
    light(ask, lit, held, c, best, choose_channel(ask, lit, held, np.int64(ask.satellite[best]), offered))
    return True


@register_jitable(**_INLINE)
def find_move(ask: Any, lit: Any, grant: Any, s: Any) -> Any:
    """Where a grant could go from a satellite: the pair and the channels open to it; -1 if nowhere."""
    value, satellite, price = ask.value, ask.satellite, lit.price
    c = np.int64(lit.owner[grant])
    best, top, offered = -1, -np.inf, NOTHING
    left = channels_left(ask, lit, c) | bit_of(lit.channel[grant])
    for i in range(ask.indptr[c], ask.indptr[c + 1]):
        t = np.int64(satellite[i])
        # Most are closed: only of those that are not the value is read, too.
        if price[t] < np.inf and t != s and value[i] - price[t] > top and value[i] > 0.0:
            open_to = lit.room[t] & left & ~barred_channels(ask, lit, c, t)
            if open_to:
                best, top, offered = i, value[i] - price[t], open_to
    return best, offered


@register_jitable(**_INLINE)
def relieve_satellite(ask: Any, lit: Any, held: Any, s: Any) -> Any:
    """Move one cell of a satellite to another satellite with room; whether one could be moved.

    Rooms only shrink from step to step, so a cell that cannot be moved never can be: each is looked at once.
    """
    begin = s * lit.width
    while lit.looked[s] < lit.used[s]:
        place = np.int64(lit.looked[s])
        if place + AHEAD < lit.used[s]:
            prefetch(ask.indptr, np.int64(lit.owner[lit.lights[begin + place + AHEAD]]))
        if place + AHEAD // 2 < lit.used[s]:
            coming = np.int64(lit.owner[lit.lights[begin + place + AHEAD // 2]])
            for i in range(ask.indptr[coming], ask.indptr[coming + 1], 16):
                prefetch(ask.satellite, i)
        grant = np.int64(lit.lights[begin + place])
        if lit.crowd[grant] == 1:
            pair, offered = find_move(ask, lit, grant, s)
            if pair >= 0:
                leave_satellite(ask, lit, held, place, s)
                join_satellite(ask, lit, held, grant, pair, choose_channel(ask, lit, held, np.int64(ask.satellite[pair]), offered))
                return True
        lit.looked[s] += 1
    lit.stuck[s] = True
    return False


@register_jitable(**_INLINE)
def take_relieved(ask: Any, lit: Any, held: Any, c: Any, left: Any, tried: Any) -> Any:
    """Give a cell a beam of a full satellite that can move another cell away; whether one could. `tried` is scratch."""
    tries = 0
    while True:
        best, top = -1, -np.inf
        for i in range(ask.indptr[c], ask.indptr[c + 1]):
            s = np.int64(ask.satellite[i])
            gain = ask.value[i] - lit.base[s]
            if gain > top and not lit.stuck[s] and ask.value[i] > 0.0:
                again = False
                for number in range(tries):
                    again |= tried[number] == s
                if not again:
                    best, top = i, gain
        if best < 0:
            return False
        s = np.int64(ask.satellite[best])
        if left & ~barred_channels(ask, lit, c, s) and relieve_satellite(ask, lit, held, s):
            offered = free_channels(ask, lit, s) & left & ~barred_channels(ask, lit, c, s)
            if offered and lit.used[s] < ask.beams[s]:
                light(ask, lit, held, c, best, choose_channel(ask, lit, held, s, offered))
                return True
        if not lit.stuck[s]:
            tried[tries] = s
            tries += 1
            if tries == len(tried):
                return False


@register_jitable(**_INLINE)
def may_share(ask: Any, lit: Any, c: Any, grant: Any) -> Any:
    """Whether a cell may share the beam that a grant opened: no cell adjacent to it has another beam of that satellite and channel."""
    for side in range(ask.neighbours.shape[1]):
        other = np.int64(ask.neighbours[c, side])
        if other >= 0:
            for theirs in range(lit.first[other], lit.first[other] + lit.granted[other]):
                same = lit.by[theirs] == lit.by[grant] and lit.channel[theirs] == lit.channel[grant]
                if same and lit.leader[theirs] != grant:
                    return False
    return True


@register_jitable(**_INLINE)
def best_share(ask: Any, lit: Any, pair: Any) -> Any:
    """No less than what a share in any beam of a pair's satellite carries; 0 if all are full."""
    least = lit.least[ask.satellite[pair]]
    return ask.value[pair] / (least + 1) if least < ask.per_beam else 0.0


@register_jitable(**_INLINE)
def share_satellite(ask: Any, lit: Any, c: Any, pair: Any, top: Any) -> Any:
    """The beam of a pair's satellite, the first of equals, where the share of a cell carries more than `top`, or -1; and what it carries.

    Looks at the emptiest beams first, and learns where they are.
    """
    s = np.int64(ask.satellite[pair])
    begin, end = s * lit.width, s * lit.width + lit.used[s]
    best: Any = -1
    barred, leading = barred_channels(ask, lit, c, s), True
    for place in range(begin + lit.emptiest[s], end):
        grant = np.int64(lit.lights[place])
        if lit.crowd[grant] == lit.least[s]:
            if leading:
                lit.emptiest[s], leading = place - begin, False
            channel = bit_of(lit.channel[grant])
            if ask.licensed[c] & channel and (not barred & channel or may_share(ask, lit, c, grant)):
                return grant, ask.value[pair] / (lit.least[s] + 1)
    least, lit.emptiest[s] = ask.per_beam, 0
    for place in range(begin, end):
        grant = np.int64(lit.lights[place])
        crowd = np.int64(lit.crowd[grant])
        least = min(least, crowd)
        carried = ask.value[pair] / (crowd + 1)
        channel = bit_of(lit.channel[grant])
        if crowd < ask.per_beam and carried > top and ask.licensed[c] & channel and (not barred & channel or may_share(ask, lit, c, grant)):
            best, top = grant, carried
    lit.least[s] = least
    return best, top


@register_jitable(**_INLINE)
def take_shared(ask: Any, lit: Any, c: Any) -> Any:
    """Give a cell a share in a beam that lights others already, where its share carries most; whether there was one."""
    promising, most = -1, 0.0
    for i in range(ask.indptr[c], ask.indptr[c + 1]):
        carried = best_share(ask, lit, i)
        if carried > most:
            promising, most = i, carried
    if promising < 0:
        return False
    # The most promising first: then most of the others need no look at their beams.
    best = promising
    partner, top = share_satellite(ask, lit, c, promising, 0.0)
    for i in range(ask.indptr[c], ask.indptr[c + 1]):
        # Of equals the first pair.
        bar = np.nextafter(top, -1.0) if partner >= 0 and i < best else top
        if i != promising and best_share(ask, lit, i) > bar:
            grant, carried = share_satellite(ask, lit, c, i, bar)
            if grant >= 0:
                best, top, partner = i, carried, grant
    if partner < 0:
        return False
    mine = lit.first[c]
    lit.granted[c] = 1
    lit.by[mine], lit.channel[mine], lit.pair[mine] = ask.satellite[best], lit.channel[partner], best
    lit.leader[mine] = partner
    lit.crowd[partner] += 1
    return True


@register_jitable(**_INLINE)
def find_pair(ask: Any, c: Any, s: Any) -> Any:
    """Row of the pair of a cell and a satellite; -1 if it is not in view."""
    low, high = ask.indptr[c], ask.indptr[c + 1]
    while low < high:
        middle = (low + high) // 2
        if ask.satellite[middle] < s:
            low = middle + 1
        else:
            high = middle
    return low if low < ask.indptr[c + 1] and ask.satellite[low] == s else -1


@register_jitable(**_INLINE)
def stop_waiting(ask: Any, lit: Any, held: Any, row: Any) -> None:
    """Let a beam of the slot before wait no longer."""
    s, channel = np.int64(held.satellite[row]), np.int64(held.channel[row])
    held.waits[row] = False
    held.waiting[s] -= 1
    held.waiting_on[s * ask.channels + channel] -= 1
    refresh_channel(ask, lit, held, s, channel)


@njit(**_OPTIONS)
def start_waiting(ask: Any, held: Any) -> None:
    """Let the beams of the slot before wait for their cells, as many as each needs and where they can still be."""
    for c in range(len(ask.need)):
        waits = 0
        for row in range(held.first[c], held.first[c + 1]):
            s = np.int64(held.satellite[row])
            pair = find_pair(ask, c, s)
            licensed = ask.licensed[c] & bit_of(held.channel[row])
            if waits < ask.need[c] and licensed and pair >= 0 and ask.value[pair] > 0.0:
                held.waits[row] = True
                held.waiting[s] += 1
                held.waiting_on[s * ask.channels + held.channel[row]] += 1
                waits += 1


@register_jitable(**_INLINE)
def keep_held(ask: Any, lit: Any, held: Any, c: Any, left: Any, gain: Any) -> Any:
    """Give a cell the first beam of the slot before that it can keep and nothing with room outdoes; whether there was one."""
    for row in range(held.first[c], held.first[c + 1]):
        if not held.waits[row]:
            continue
        stop_waiting(ask, lit, held, row)
        s, channel = np.int64(held.satellite[row]), np.int64(held.channel[row])
        if lit.used[s] >= ask.beams[s] or not free_channels(ask, lit, s) & left & bit_of(channel):
            continue
        if barred_channels(ask, lit, c, s) & bit_of(channel):
            continue
        pair = find_pair(ask, c, s)
        worth = ask.value[pair] - lit.base[s] - lit.slope * (lit.used[s] + held.waiting[s]) / ask.beams[s]
        outdone = False
        for i in range(ask.indptr[c], ask.indptr[c + 1]):
            t = ask.satellite[i]
            better = ask.value[i] > ask.value[pair] * (1.0 + gain)
            # A better satellite that costs more is none: it would be taken from others who have no choice.
            outdone |= better and lit.room[t] & left and ask.value[i] - lit.price[t] > worth
        if not outdone:
            light(ask, lit, held, c, pair, channel)
            return True
    return False


@register_jitable(**_INLINE)
def ask_ahead(ask: Any, lit: Any, steps: Any, step: Any) -> None:
    """Ask for what later steps will read."""
    if step + 2 * AHEAD < len(steps):
        coming = np.int64(steps[step + 2 * AHEAD])
        prefetch(ask.indptr, coming)
        prefetch(ask.licensed, coming)
        prefetch(lit.first, coming)
        prefetch(lit.granted, coming)
        prefetch(ask.beside, coming * ask.neighbours.shape[1])
    if step + AHEAD < len(steps):
        coming = np.int64(steps[step + AHEAD])
        for side in range(ask.neighbours.shape[1]):
            other = np.int64(max(ask.neighbours[coming, side], np.int32(0)))
            prefetch(lit.first, other)
            prefetch(lit.granted, other)
        for i in range(ask.indptr[coming], ask.indptr[coming + 1], 16):
            prefetch(ask.satellite, i)
        for i in range(ask.indptr[coming], ask.indptr[coming + 1], 64 // ask.value.itemsize):
            prefetch(ask.value, i)


@njit(**_BARE)
def walk_steps(ask: Any, lit: Any, held: Any, steps: Any, failed: Any, gain: Any, notes: Any, tried: Any) -> None:
    """Give one beam to the cell of each step, in order; a cell that once went without is not asked again."""
    holds = len(held.satellite) > 0
    for step in range(len(steps)):
        ask_ahead(ask, lit, steps, step)
        c = np.int64(steps[step])
        if failed[c]:
            continue
        left = channels_left(ask, lit, c)
        if holds and keep_held(ask, lit, held, c, left, gain):
            continue
        if left and take_open(ask, lit, held, c, left, notes):
            continue
        if left and holds and take_waiting(ask, lit, held, c, left):
            continue
        if left and take_relieved(ask, lit, held, c, left, tried):
            continue
        if ask.per_beam > 1 and lit.granted[c] == 0 and take_shared(ask, lit, c):
            continue
        failed[c] = True


@njit(**_OPTIONS)
def order_cells(priority: Any, stride: Any, order: Any) -> None:
    """Order cells by descending priority (radix sort); equals in that of a shuffle, every so many rows along.

    Side by side along the rows, equals would fill one region after the other.
    """
    n = len(priority)
    keys, other_keys, other = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty_like(order)
    bits = priority.view(np.uint64)
    sign = np.uint64(1) << np.uint64(63)
    for place in range(n):
        row = np.int64(place) * stride % n
        order[place] = row
        # Ascending as integers where the numbers descend.
        keys[place] = bits[row] if bits[row] & sign else ~(bits[row] | sign)
    for digit in range(4):
        starts = np.zeros(65537, np.int64)
        shift = np.uint64(16 * digit)
        for place in range(n):
            starts[np.int64((keys[place] >> shift) & np.uint64(0xFFFF)) + 1] += 1
        if starts.max() == n:
            continue
        for value in range(65536):
            starts[value + 1] += starts[value]
        for place in range(n):
            number = np.int64((keys[place] >> shift) & np.uint64(0xFFFF))
            other_keys[starts[number]], other[starts[number]] = keys[place], order[place]
            starts[number] += 1
        keys[:] = other_keys
        order[:] = other


@njit(**_OPTIONS)
def collect_plan(lit: Any, cell: Any, satellite: Any, channel: Any, share: Any, pair: Any, beam: Any) -> None:
    """Write the grants as rows of a plan: by cell, channel and satellite, beams numbered as they appear."""
    number_of = np.full(len(lit.owner), -1, np.int32)
    row, beams = 0, 0
    for c in range(len(lit.granted)):
        begin = row
        for grant in range(lit.first[c], lit.first[c] + lit.granted[c]):
            place = row
            while place > begin:
                before = pair[place - 1]
                later = lit.channel[before] > lit.channel[grant]
                if not later and not (lit.channel[before] == lit.channel[grant] and lit.by[before] > lit.by[grant]):
                    break
                pair[place] = before
                place -= 1
            pair[place] = grant
            row += 1
        for place in range(begin, row):
            grant = pair[place]
            leader = lit.leader[grant]
            if number_of[leader] < 0:
                number_of[leader] = beams
                beams += 1
            cell[place], satellite[place], channel[place] = c, lit.by[grant], lit.channel[grant]
            share[place], pair[place], beam[place] = 1.0 / lit.crowd[leader], lit.pair[grant], number_of[leader]


@njit(**_OPTIONS)
def gather_blocks(ask: Any, rows: Any, warmth: Any) -> Any:
    """Let the middle cell of every so many rows stand for them all: starts, needs, satellites and Boltzmann weights of the pairs."""
    n = len(ask.need)
    blocks = (n + rows - 1) // rows
    start, wanted = np.zeros(blocks + 1, np.int64), np.zeros(blocks, np.float32)
    for block in range(blocks):
        last = min(n, (block + 1) * rows)
        middle = (block * rows + last) // 2
        for c in range(block * rows, last):
            wanted[block] += ask.need[c]
        start[block + 1] = start[block] + ask.indptr[middle + 1] - ask.indptr[middle]
    satellite, weight = np.empty(start[blocks], np.int32), np.empty(start[blocks], np.float32)
    for block in range(blocks):
        middle = (block * rows + min(n, (block + 1) * rows)) // 2
        for j in range(start[block + 1] - start[block]):
            i = ask.indptr[middle] + j
            satellite[start[block] + j] = ask.satellite[i]
            weight[start[block] + j] = np.exp(min((ask.value[i] - warmth[1]) / warmth[0], 60.0)) if ask.value[i] > 0.0 else 0.0
    return start, wanted, satellite, weight


@njit(**_OPTIONS)
def cool_prices(blocks: Any, beams: Any, factor: Any, refusal: Any, rounds: Any, haste: Any) -> None:
    """Lower the factors of satellites that more is asked of than they have, round by round, until nobody changes much (Sinkhorn's scaling).

    A block asks each satellite in proportion to weight times factor; ``refusal`` is the weight of going without.
    """
    start, wanted, satellite, weight = blocks
    asked = np.zeros(len(beams), np.float32)
    for _ in range(rounds):
        asked[:] = 0.0
        for block in range(len(wanted)):
            total = refusal
            for j in range(start[block], start[block + 1]):
                total += weight[j] * factor[satellite[j]]
            share = np.float32(wanted[block] / total)
            for j in range(start[block], start[block + 1]):
                asked[satellite[j]] += share * weight[j]
        change = 1.0
        for s in range(len(beams)):
            if asked[s] * factor[s] > 0.0:
                before = factor[s]
                factor[s] = min(np.float32(1.0), before * np.float32((beams[s] / (asked[s] * before)) ** haste))
                change = min(change, factor[s] / before, before / factor[s])
        if change > 0.99:
            return


@njit(**_OPTIONS)
def match_steps(ask: Any, steps: Any, beams: Any, lights: Any, got: Any) -> None:
    """Give beams to the cells of all steps for which that is possible together, whatever their channels; earlier steps never lose.

    ``lights`` (satellites, most beams) is scratch, ``got`` (steps,) tells who serves each step, -1 for nobody. A step that finds all its
    satellites full looks for a chain of moves (breadth first); where there is none, none of the satellites seen can ever be relieved
    again, for any later step.
    """
    n = len(beams)
    used, seen, queue = np.zeros(n, np.int32), np.zeros(n, np.int32), np.empty(n, np.int32)
    came_by = np.empty(n, np.int32)
    dead, failed = beams <= 0, np.zeros(len(ask.need), np.bool_)
    for step in range(len(steps)):
        got[step] = -1
        if failed[steps[step]]:
            continue
        end = _search_chain(ask, steps, step, (beams, used, lights), (seen, queue, came_by, dead))
        if end < 0:
            failed[steps[step]] = True
            continue
        mover = came_by[end]
        while True:
            left = got[mover]
            got[mover] = end
            lights[end, used[end]] = mover
            used[end] += 1
            if left < 0:
                break
            for place in range(used[left]):
                if lights[left, place] == mover:
                    lights[left, place] = lights[left, used[left] - 1]
                    break
            used[left] -= 1
            end, mover = left, came_by[left]


@njit(**_OPTIONS)
def _look_around(ask: Any, steps: Any, asking: Any, stamp: Any, full: Any, search: Any, tail: Any) -> Any:
    """Queue what the cell of a step sees and the search has not seen; the least loaded with room, if any, and the end of the queue."""
    beams, used, _ = full
    seen, queue, came_by, dead = search
    best, least = -1, 1.0
    c = steps[asking]
    for i in range(ask.indptr[c], ask.indptr[c + 1]):
        s = ask.satellite[i]
        if dead[s] or seen[s] == stamp or not ask.value[i] > 0.0:
            continue
        seen[s], came_by[s], queue[tail] = stamp, asking, s
        tail += 1
        if used[s] / beams[s] < least:
            best, least = s, used[s] / beams[s]
    return best, tail


@njit(**_OPTIONS)
def _search_chain(ask: Any, steps: Any, step: Any, full: Any, search: Any) -> Any:
    """The satellite with room at the end of the shortest chain of moves that gives a step a beam; -1 if there is none."""
    _, used, lights = full
    _, queue, _, dead = search
    head = 0
    best, tail = _look_around(ask, steps, step, step + 1, full, search, 0)
    while best < 0 and head < tail:
        s = queue[head]
        head += 1
        for place in range(used[s]):
            best, tail = _look_around(ask, steps, lights[s, place], step + 1, full, search, tail)
            if best >= 0:
                break
    if best < 0:
        for number in range(tail):
            dead[queue[number]] = True
    return best
