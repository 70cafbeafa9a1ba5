"""Compiled loops of the audit: one terminal's reports follow one another, whatever stands between them in the stream."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

import math

from numba import njit

IN_ORDER, DUPLICATE, LATE, GLITCH = 0, 1, 2, 3
"""What a report is to those of its terminal before it."""

N_KINDS = 5
NOT_ALLOWED, NOT_LISTED, TOO_LONG_ABROAD, TOO_FAST, IMPOSSIBLE = range(N_KINDS)

_MEAN_RADIUS_KM = 6371.0088
_US_PER_HOUR = 3.6e9
_US_PER_DAY = 8.64e10


@njit(cache=True, nogil=True, error_model="numpy")
def ground_km(lat_a, lon_a, lat_b, lon_b):
    """Great-circle distance."""
    a, b = math.radians(lat_a), math.radians(lat_b)
    half = math.sin(0.5 * (b - a)) ** 2 + math.cos(a) * math.cos(b) * math.sin(0.5 * math.radians(lon_b - lon_a)) ** 2
    return 2.0 * _MEAN_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _reaches(time_a, lat_a, lon_a, time_b, lat_b, lon_b, error_km, fastest_kmh):
    """Whether a terminal can get from one report to the next, positions being uncertain."""
    away = ground_km(lat_a, lon_a, lat_b, lon_b) - 2.0 * error_km
    return away <= fastest_kmh * abs(time_b - time_a) / _US_PER_HOUR


@njit(cache=True, nogil=True, error_model="numpy")
def follow(
    state, terminal, time_us, lat, lon, at_home, error_km, fastest_kmh, confirm, glitches, place, days_abroad, implied_kmh, jump_kmh
):
    """Follow terminals through their reports: order, leaps, days abroad, speed between reports. Fills the last four arrays.

    A leap that no vehicle makes is held back as a candidate. If the next report is where the terminal was before, it was a glitch; if
    it stays there, the terminal has leapt. Glitches again and again are two devices under one name. ``jump_kmh`` is set where that is sure.
    """
    for i in range(terminal.shape[0]):
        t = terminal[i]
        place[i], days_abroad[i], implied_kmh[i], jump_kmh[i] = IN_ORDER, math.nan, math.nan, math.nan
        if state.seen[t] == 0:
            state.seen[t] = 1
            _accept(state, t, time_us[i], lat[i], lon[i])
        elif time_us[i] <= state.newest_us[t]:
            same_place = ground_km(state.newest_lat[t], state.newest_lon[t], lat[i], lon[i]) <= 2.0 * error_km
            if time_us[i] == state.newest_us[t] and same_place:
                place[i] = DUPLICATE
                continue
            place[i] = LATE
            if time_us[i] == state.newest_us[t] and not same_place:
                place[i] = GLITCH
                state.glitches[t] += 1
                if state.glitches[t] >= glitches:
                    jump_kmh[i] = math.inf
        elif _reaches(state.time_us[t], state.lat[t], state.lon[t], time_us[i], lat[i], lon[i], error_km, fastest_kmh):
            hours = (time_us[i] - state.time_us[t]) / _US_PER_HOUR
            away = ground_km(state.lat[t], state.lon[t], lat[i], lon[i])
            implied_kmh[i] = max(0.0, away - 2.0 * error_km) / max(hours, 1e-9)
            if state.held[t] > 0:
                state.glitches[t] += 1
                state.held[t] = 0
                if state.glitches[t] >= glitches:
                    jump_kmh[i] = state.held_kmh[t]
            _accept(state, t, time_us[i], lat[i], lon[i])
        else:
            hours = max((time_us[i] - state.time_us[t]) / _US_PER_HOUR, 1e-9)
            state.held_kmh[t] = (ground_km(state.lat[t], state.lon[t], lat[i], lon[i]) - 2.0 * error_km) / hours
            if state.glitches[t] >= glitches:
                jump_kmh[i] = state.held_kmh[t]
            place[i] = GLITCH
            stays = state.held[t] > 0 and _reaches(
                state.held_us[t], state.held_lat[t], state.held_lon[t], time_us[i], lat[i], lon[i], error_km, fastest_kmh
            )
            state.held[t] = state.held[t] + 1 if stays else 1
            state.held_us[t], state.held_lat[t], state.held_lon[t] = time_us[i], lat[i], lon[i]
            if state.held[t] >= confirm:
                place[i] = IN_ORDER
                jump_kmh[i] = state.held_kmh[t]
                state.held[t] = 0
                _accept(state, t, time_us[i], lat[i], lon[i])
        if time_us[i] > state.newest_us[t]:
            state.newest_us[t], state.newest_lat[t], state.newest_lon[t] = time_us[i], lat[i], lon[i]
        if place[i] == IN_ORDER and at_home[i] >= 0:
            if at_home[i] == 1:
                state.abroad_since_us[t] = -1
            elif state.abroad_since_us[t] < 0:
                state.abroad_since_us[t] = time_us[i]
        if at_home[i] == 1:
            days_abroad[i] = 0.0
        elif at_home[i] == 0 and state.abroad_since_us[t] >= 0:
            days_abroad[i] = max(0.0, (time_us[i] - state.abroad_since_us[t]) / _US_PER_DAY)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _accept(state, t, time_us, lat, lon):
    state.time_us[t], state.lat[t], state.lon[t] = time_us, lat, lon
    if state.newest_us[t] < time_us:
        state.newest_us[t], state.newest_lat[t], state.newest_lon[t] = time_us, lat, lon


@njit(cache=True, nogil=True, error_model="numpy")
def gather(state, terminal, time_us, lat, lon, place, kind, near, value, rule, jump_kmh, confirm, confirm_us):
    """Bring reports together to findings: a kind is found where so many reports on end, over such a time, say so, one of them for certain.

    ``kind`` is what a report says, −1 nothing; ``near`` whether an error of position could explain it.
    """
    for i in range(terminal.shape[0]):
        t = terminal[i]
        if place[i] == DUPLICATE or place[i] == LATE:
            continue
        if not math.isnan(jump_kmh[i]):
            _note(state, t, IMPOSSIBLE, time_us[i], lat[i], lon[i], jump_kmh[i], -1, 1)
        if place[i] == GLITCH:
            continue
        for k in range(N_KINDS - 1):
            if kind[i] != k:
                state.run[t, k] = 0
                continue
            if state.run[t, k] == 0:
                state.run_us[t, k], state.run_lat[t, k], state.run_lon[t, k] = time_us[i], lat[i], lon[i]
                state.run_sure[t, k], state.run_value[t, k] = 0, value[i]
            state.run[t, k] += 1
            state.run_value[t, k] = max(state.run_value[t, k], value[i])
            if near[i] == 0:
                state.run_sure[t, k] = 1
            elif state.run_sure[t, k] == 0:
                state.held_back[t] += 1
            if state.run[t, k] >= confirm and time_us[i] - state.run_us[t, k] >= confirm_us and state.run_sure[t, k] == 1:
                added = 1 if state.run_noted[t, k] == state.run_us[t, k] else state.run[t, k]
                if state.found[t, k] == 0:
                    state.first_us[t, k] = state.run_us[t, k]
                    state.where_lat[t, k], state.where_lon[t, k] = state.run_lat[t, k], state.run_lon[t, k]
                state.run_noted[t, k] = state.run_us[t, k]
                _note(state, t, k, time_us[i], lat[i], lon[i], state.run_value[t, k], rule[i], added)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _note(state, t, k, time_us, lat, lon, value, rule, added):
    if state.found[t, k] == 0:
        if k == IMPOSSIBLE:
            state.first_us[t, k], state.where_lat[t, k], state.where_lon[t, k] = time_us, lat, lon
        state.worst[t, k] = value
        state.rule[t, k] = rule
    state.found[t, k] += added
    state.last_us[t, k] = time_us
    if value > state.worst[t, k] or math.isnan(state.worst[t, k]):
        state.worst[t, k] = value
