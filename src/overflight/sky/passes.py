"""Passes: when satellites rise above, culminate over and set below the mask of a site.

The fleet is sampled every 30 s. Elevation along an orbit turns only a few times in an hour, so that each of its extremes shows as an
extreme among samples; those near enough to the mask for a crossing to hide between samples are examined. Between samples positions are
interpolated by polynomials through eight of them (error below 1 µm for any orbit clear of the ground), on which extremes and crossings
are found to a millisecond.

References
----------
Alfano, Negron, Moore, "Rapid determination of satellite visibility periods", Journal of the Astronautical Sciences 40 (1992).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.clock import Instants, add_seconds, seconds_between
from overflight.earth.geodesy import Sites
from overflight.errors import InputError, TimeError
from overflight.sky.angles import look_angles

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

PositionsAt = Callable[[Instants], Floats]
"""Positions in ITRF, km, shape (nt, 3, n), at instants of shape (nt,); such as ``Propagator.positions_km``."""

_STEP_S = 30.0
_POINTS = 8
"""Samples of an interpolating polynomial."""

_BEFORE = _POINTS // 2 - 1
_TO_POWERS = np.linalg.inv(np.vander(np.arange(_POINTS) - _BEFORE, increasing=True).astype(np.float64))
"""From samples to the coefficients of the polynomial through them."""

_FIRST = _BEFORE + 1
"""First sample of a block that is examined: the one before it is needed too, with all of its polynomial."""

_OVERLAP = _POINTS + 1
_BLOCK_STEPS = 128
_MAX_SPEED_KM_S = 12.0
"""Above any speed of a satellite of the Earth relative to its ground: 11.2 km/s is escape from the surface."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of a satellite over a site, within the interval that was asked for.

    Attributes
    ----------
    satellite, norad_id
        Name and catalogue number.
    rise, rise_azimuth_deg
        Instant and azimuth of rising to the mask (of the interval's start, where ``in_progress_at_start``).
    culmination, max_elevation_deg, range_km
        Instant of the highest elevation within the interval, and elevation and range then.
    set, set_azimuth_deg
        Instant and azimuth of setting (of the interval's end, where ``in_progress_at_end``).
    in_progress_at_start, in_progress_at_end
        Whether the satellite was up already, or still, when the interval (or its valid states) began or ended.
    """

    satellite: str
    norad_id: int
    rise: np.datetime64
    rise_azimuth_deg: float
    culmination: np.datetime64
    max_elevation_deg: float
    range_km: float
    set: np.datetime64
    set_azimuth_deg: float
    in_progress_at_start: bool = False
    in_progress_at_end: bool = False

    @property
    def duration_s(self) -> float:
        """Seconds from rise to set."""
        return seconds_between(self.rise, self.set)


@dataclass(frozen=True, slots=True)
class _Block:
    """Samples of the fleet, (nt, 3, n); the first `_FIRST` and last of them only serve as neighbours."""

    times_s: Floats
    positions_km: Floats
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class _Events:
    """Crossings of the mask (kind +1 rising, -1 setting; ``cut``: states begin or end there) and highest points (kind 0)."""

    satellite: Ints
    time_s: Floats
    kind: Ints
    cut: Flags
    position_km: Floats

    def columns(self) -> tuple[npt.NDArray[np.generic], ...]:
        """Columns in order, to join tables."""
        return self.satellite, self.time_s, self.kind, self.cut, self.position_km


_NO_EVENTS = _Events(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), np.empty(0, np.bool_), np.empty((0, 3)))


@dataclass(frozen=True, slots=True)
class _Spans:
    """Passes within the interval: satellite, ends in seconds, whether cut off there, positions."""

    satellite: Ints
    start_s: Floats
    end_s: Floats
    start_cut: Flags
    end_cut: Flags
    start_km: Floats
    end_km: Floats


class _Curve:
    """Polynomials of position around samples; their argument x is 0 at the sample and 1 at the next."""

    def __init__(self, block: _Block, sample: Ints, satellite: Ints) -> None:
        around = (sample + _FIRST)[:, None] + np.arange(_POINTS) - _BEFORE
        self._coefficients = np.einsum("pk,ekc->pec", _TO_POWERS, block.positions_km[around, :, satellite[:, None]])
        self._satellite = satellite
        self._origin_s = block.times_s[sample + _FIRST]

    def select(self, mask: Flags) -> "_Curve":
        """Some of the polynomials."""
        part = object.__new__(_Curve)
        part._coefficients, part._satellite, part._origin_s = self._coefficients[:, mask], self._satellite[mask], self._origin_s[mask]
        return part

    def position_km(self, x: Floats) -> Floats:
        """Positions, shape (curves, 3)."""
        value: Floats = self._coefficients[-1]
        for coefficient in self._coefficients[-2::-1]:
            value = value * x[:, None] + coefficient
        return value

    def rate_km(self, x: Floats) -> Floats:
        """Derivative of the position by x."""
        value: Floats = (_POINTS - 1) * self._coefficients[-1]
        for power in range(_POINTS - 2, 0, -1):
            value = value * x[:, None] + power * self._coefficients[power]
        return value

    def events(self, x: Floats, kind: int, *, cut: bool = False) -> _Events:
        """Events of one kind, one on each polynomial."""
        count = len(x)
        return _Events(self._satellite, self._origin_s + x * _STEP_S, np.full(count, kind), np.full(count, cut), self.position_km(x))


def find_passes(
    positions_at: PositionsAt,
    names: Sequence[str],
    norad_ids: npt.ArrayLike,
    site: Sites,
    start: np.datetime64,
    end: np.datetime64,
    *,
    min_elevation_deg: float = 25.0,
) -> list[Pass]:
    """Find all passes over one site, in order of rise (then catalogue number).

    Parameters
    ----------
    positions_at
        Gives the positions of all satellites in ITRF at given instants; NaN: no valid state. It is also asked for instants up to
        four minutes before ``start`` and after ``end``.
    names, norad_ids
        Name and catalogue number of each satellite.
    site
        A table of one site.
    start, end
        The interval, UTC.
    min_elevation_deg
        The mask.

    Raises
    ------
    TimeError
        If the interval is empty or negative.
    InputError
        If there is not exactly one site, or the mask is not within -90 to 90 degrees.
    """
    if len(site) != 1:
        msg = f"passes are found for one site, not {len(site)}; call find_passes for each"
        raise InputError(msg)
    if not -90.0 <= min_elevation_deg <= 90.0:
        msg = f"min_elevation_deg: {min_elevation_deg} is not an elevation; give degrees from -90 to 90"
        raise InputError(msg)
    duration_s = seconds_between(start, end)
    if not duration_s > 0.0:
        msg = f"passes: the interval from {start} to {end} is empty; let it end after it starts"
        raise TimeError(msg)
    search = _Search(site, float(np.sin(np.radians(min_elevation_deg))))
    blocks = [search.examine(block) for block in _sample(positions_at, start, duration_s)]
    events = _Events(*(np.concatenate(column) for column in zip(*(block.columns() for block in blocks), strict=True)))
    spans = _clip(events, positions_at(np.array([start, end], dtype="datetime64[us]")), duration_s)
    return _describe(spans, _culminate(events, spans, site), site, names, np.asarray(norad_ids, dtype=np.int64), start)


def _sample(positions_at: PositionsAt, start: np.datetime64, duration_s: float) -> Iterator[_Block]:
    """Sample the fleet from three minutes before the interval to three after, in blocks that share `_OVERLAP` samples."""
    count = int(np.ceil(duration_s / _STEP_S)) + _OVERLAP + 4
    times_s: Floats = (np.arange(count, dtype=np.float64) - _FIRST - 2) * _STEP_S
    instants = start.astype("datetime64[us]") + (times_s * 1e6).astype("timedelta64[us]")
    kept: Floats | None = None
    for begin in range(0, count, _BLOCK_STEPS):
        end = min(count, begin + _BLOCK_STEPS)
        new = positions_at(instants[begin:end])
        positions = new if kept is None else np.concatenate([kept, new])
        yield _Block(times_s[end - len(positions) : end], positions, first=kept is None, last=end == count)
        kept = positions[-_OVERLAP:]


class _Search:
    """Finds crossings and highest points over one site in blocks of samples."""

    def __init__(self, site: Sites, sine: float) -> None:
        self._site_km, self._up, self._sine = site.ecef_km[:, 0], site.up[:, 0], sine

    def examine(self, block: _Block) -> _Events:
        """Events of a block: for each sample, between it and the next, and highest or lowest points around it."""
        offset = [block.positions_km[:, axis] - self._site_km[axis] for axis in range(3)]
        range_km = np.sqrt(offset[0] ** 2 + offset[1] ** 2 + offset[2] ** 2)
        clearance = (offset[0] * self._up[0] + offset[1] * self._up[1] + offset[2] * self._up[2]) / range_km - self._sine
        earlier, usable, later = _usable(clearance, block)
        samples = slice(_FIRST, len(clearance) - _OVERLAP + _FIRST)
        before, here, after = clearance[_FIRST - 1 : samples.stop - 1], clearance[samples], clearance[_FIRST + 1 : samples.stop + 1]
        # the direction turns by no more than this between samples, and the sine of elevation by no more than the direction
        reach = _MAX_SPEED_KM_S * _STEP_S / np.maximum(range_km[samples] - _MAX_SPEED_KM_S * _STEP_S, 1e-3)
        found = [
            self._cross(block, usable & (here < 0.0) & (after >= 0.0), 1),
            self._cross(block, usable & (here >= 0.0) & (after < 0.0), -1),
            self._cut(block, usable & ~earlier & (here >= 0.0), 1),
            self._cut(block, usable & ~later & (after >= 0.0), -1),
            *self._turn(block, usable & (before < here) & (here >= after) & (here + reach >= 0.0), 1),
            *self._turn(block, usable & (before > here) & (here <= after) & (here >= 0.0) & (here < reach), -1),
        ]
        return _Events(*(np.concatenate(column) for column in zip(*(events.columns() for events in found), strict=True)))

    def _cross(self, block: _Block, where: Flags, kind: int) -> _Events:
        """Crossings of the mask between a sample and the next."""
        sample, satellite = np.nonzero(where)
        curve = _Curve(block, sample, satellite)
        ends = np.zeros(len(sample)), np.ones(len(sample))
        below, above = ends if kind > 0 else ends[::-1]
        return curve.events(_bisect(lambda x: self._clear(curve, x), below, above), kind)

    def _cut(self, block: _Block, where: Flags, kind: int) -> _Events:
        """Satellites above the mask where their states (or the samples) begin or end."""
        sample, satellite = np.nonzero(where)
        return _Curve(block, sample, satellite).events(np.full(len(sample), 0.0 if kind > 0 else 1.0), kind, cut=True)

    def _turn(self, block: _Block, where: Flags, sign: int) -> list[_Events]:
        """Highest (``sign`` +1) or lowest (-1) points within a sample of the highest or lowest sample, and crossings hidden around them."""
        sample, satellite = np.nonzero(where)
        curve = _Curve(block, sample, satellite)
        side = np.full(len(sample), float(sign))
        turning = _bisect(lambda x: self._slope(curve, x), side, -side)
        height = self._clear(curve, turning)
        hidden = (height >= 0.0) & (self._clear(curve, np.zeros(len(sample))) < 0.0) if sign > 0 else height < 0.0
        part, at = curve.select(hidden), turning[hidden]
        left, right = np.full(len(at), -1.0), np.full(len(at), 1.0)
        if sign > 0:
            rise, fall = (left, at), (right, at)
        else:
            rise, fall = (at, right), (at, left)
        tops = curve.select(height >= 0.0).events(turning[height >= 0.0], 0) if sign > 0 else _NO_EVENTS
        return [
            tops,
            part.events(_bisect(lambda x: self._clear(part, x), *rise), 1),
            part.events(_bisect(lambda x: self._clear(part, x), *fall), -1),
        ]

    def _clear(self, curve: _Curve, x: Floats) -> Floats:
        """Sine of elevation less sine of the mask."""
        offset = curve.position_km(x) - self._site_km
        return np.asarray(offset @ self._up / np.linalg.norm(offset, axis=1) - self._sine)

    def _slope(self, curve: _Curve, x: Floats) -> Floats:
        """Derivative of the sine of elevation, times the cube of the range."""
        offset, rate = curve.position_km(x) - self._site_km, curve.rate_km(x)
        return np.asarray((rate @ self._up) * (offset**2).sum(axis=1) - (offset @ self._up) * (offset * rate).sum(axis=1))


def _usable(clearance: Floats, block: _Block) -> tuple[Flags, Flags, Flags]:
    """Whether all samples of a polynomial are valid: for the sample before, each sample that is examined, and the one after."""
    finite = np.isfinite(clearance)
    window = np.ones((len(finite) - _POINTS + 1, finite.shape[1]), dtype=np.bool_)
    if not finite.all():
        for k in range(_POINTS):
            window &= finite[k : k + len(window)]
    if block.first:
        window[0] = False
    if block.last:
        window[-1] = False
    return window[:-2], window[1:-1], window[2:]


def _bisect(function: Callable[[Floats], Floats], below: Floats, above: Floats) -> Floats:
    """Where a function changes sign between ``below`` (negative) and ``above`` (not), in steps of time: to a microsecond, from above."""
    for _ in range(26):
        middle = 0.5 * (below + above)
        high = function(middle) >= 0.0
        below, above = np.where(high, below, middle), np.where(high, middle, above)
    return above


def _clip(events: _Events, ends_km: Floats, duration_s: float) -> _Spans:
    """Pair rises with sets, by satellite and time, and cut them to the interval."""
    crossings = np.flatnonzero(events.kind)
    crossings = crossings[np.lexsort((events.time_s[crossings], events.satellite[crossings]))]
    rise, fall = crossings[0::2], crossings[1::2]
    inside = (events.time_s[fall] > 0.0) & (events.time_s[rise] < duration_s)
    rise, fall = rise[inside], fall[inside]
    satellite = events.satellite[rise]
    early, late = events.time_s[rise] < 0.0, events.time_s[fall] > duration_s
    return _Spans(
        satellite=satellite,
        start_s=np.maximum(events.time_s[rise], 0.0),
        end_s=np.minimum(events.time_s[fall], duration_s),
        start_cut=early | events.cut[rise],
        end_cut=late | events.cut[fall],
        start_km=np.where(early[:, None], ends_km[0].T[satellite], events.position_km[rise]),
        end_km=np.where(late[:, None], ends_km[1].T[satellite], events.position_km[fall]),
    )


def _culminate(events: _Events, spans: _Spans, site: Sites) -> tuple[Floats, Floats]:
    """Time and position of the highest point of each span: a highest point inside it, or the higher of its ends."""
    top = np.flatnonzero(events.kind == 0)
    scale = float(np.max(np.abs(events.time_s), initial=0.0)) * 4.0 + 1.0
    order = spans.satellite * scale + spans.start_s
    span = np.searchsorted(order, events.satellite[top] * scale + events.time_s[top], side="right") - 1
    within = span >= 0
    within[within] = (spans.satellite[span[within]] == events.satellite[top[within]]) & (
        events.time_s[top[within]] <= spans.end_s[span[within]]
    )
    top, span = top[within], span[within]
    numbers = np.arange(len(spans.satellite))
    owner = np.concatenate([numbers, numbers, span])
    time_s = np.concatenate([spans.start_s, spans.end_s, events.time_s[top]])
    position_km = np.concatenate([spans.start_km, spans.end_km, events.position_km[top]])
    elevation_deg = look_angles(site, position_km.T)[1][0]
    ranked = np.lexsort((elevation_deg, owner))
    highest = ranked[np.searchsorted(owner[ranked], numbers, side="right") - 1]
    return time_s[highest], position_km[highest]


def _describe(
    spans: _Spans, highest: tuple[Floats, Floats], site: Sites, names: Sequence[str], norad_ids: Ints, start: np.datetime64
) -> list[Pass]:
    """Name the satellites of spans and give angles at their rise, culmination and set."""
    rise_azimuth_deg = look_angles(site, spans.start_km.T)[0][0]
    set_azimuth_deg = look_angles(site, spans.end_km.T)[0][0]
    _, max_elevation_deg, range_km = (values[0] for values in look_angles(site, highest[1].T))
    passes = [
        Pass(
            satellite=names[satellite],
            norad_id=int(norad_ids[satellite]),
            rise=add_seconds(start, spans.start_s[k]),
            rise_azimuth_deg=float(rise_azimuth_deg[k]),
            culmination=add_seconds(start, highest[0][k]),
            max_elevation_deg=float(max_elevation_deg[k]),
            range_km=float(range_km[k]),
            set=add_seconds(start, spans.end_s[k]),
            set_azimuth_deg=float(set_azimuth_deg[k]),
            in_progress_at_start=bool(spans.start_cut[k]),
            in_progress_at_end=bool(spans.end_cut[k]),
        )
        for k, satellite in enumerate(spans.satellite)
    ]
    return sorted(passes, key=lambda item: (item.rise, item.norad_id))
