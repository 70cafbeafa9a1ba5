"""Position reports against a policy: a stream of any length, in memory that grows with the number of terminals only.

A finding is of a terminal and a kind. It takes several reports on end over some time, one of them so far inside that no error of position
explains it: a fix that strays over a border for a moment cuts nobody off.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.clock import format_time
from overflight.service import _audit_kernels as kernels
from overflight.service.compiled import CompiledPolicy, compile_policy
from overflight.service.importing import SEA_KM
from overflight.service.policy import Policy, parse_policy
from overflight.service.reading import Block, Faults
from overflight.service.verdicts import Reports, Terminal, prepare_policy

__all__ = ["KINDS", "Audit", "AuditSettings", "Audited", "Suspicion"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

KINDS = ("not-allowed", "not-listed", "too-long-abroad", "too-fast", "impossible-travel")
"""What an audit finds, in the order of the kernels' numbers."""

UNITS = ("", "", "days", "km/h", "km/h")

_RING = 8
"""So many points around a position are asked whether an error of it could explain the verdict."""

_KM_PER_DEG = 111.195


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """What counts as a finding; every value is an assumption, to be set by who audits."""

    position_error_km: float = 1.0
    """Error of a position that explains away a verdict: borders of the built-in map stray as much."""
    confirm_reports: int = 3
    """So many reports on end must say the same."""
    confirm_minutes: float = 30.0
    """They must span at least so much time."""
    fastest_kmh: float = 1200.0
    """No terminal travels faster."""
    glitches: int = 3
    """So many leaps away and back are two devices under one name, not errors."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One finding.

    Attributes
    ----------
    kind
        One of `KINDS`.
    terminal
        What is known of the terminal.
    rule, reason
        The rule that denies, and why; empty for impossible travel.
    reports
        How many reports say so.
    first, last
        Instants of the first and last of them.
    lat_deg, lon_deg
        Where it began.
    worst
        Greatest speed (km/h) or longest stay abroad (days); NaN where neither matters.
    """

    kind: str
    terminal: Terminal
    rule: str
    reason: str
    reports: int
    first: np.datetime64
    last: np.datetime64
    lat_deg: float
    lon_deg: float
    worst: float

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {
            "terminal": self.terminal.identifier,
            "kind": self.kind,
            "class": self.terminal.terminal_class,
            "owner": self.terminal.owner,
            "home": self.terminal.home,
            "rule": self.rule,
            "reason": self.reason,
            "reports": self.reports,
            "first": format_time(self.first),
            "last": format_time(self.last),
            "lat_deg": round(self.lat_deg, 5),
            "lon_deg": round(self.lon_deg, 5),
            "worst": round(self.worst, 1) if np.isfinite(self.worst) else None,
            "unit": UNITS[KINDS.index(self.kind)] or None,
        }


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit came to: rows read are rows judged, duplicates and broken ones."""

    read: int
    judged: int
    duplicates: int
    out_of_order: int
    """Judged each for itself, but left out of what follows from one report to the next."""
    broken: dict[str, int]
    terminals: int
    unknown_terminals: int
    """Terminals that the register does not have."""
    held_back: int
    """Terminals whose reports an error of position could explain, and that are not found for it."""
    glitches: int
    """Terminals with leaps away and back that were taken for errors."""
    by_verdict: dict[str, int]
    by_rule: dict[str, int]
    """Reports by the rule that decided, rules that decided none left out."""
    suspicions: tuple[Suspicion, ...]
    policy: str
    policy_digest: str
    settings: AuditSettings

    def to_dict(self) -> dict[str, Any]:
        """The audit as JSON."""
        return {
            "policy": {"name": self.policy, "sha256": self.policy_digest},
            "rows": {
                "read": self.read,
                "judged": self.judged,
                "duplicates": self.duplicates,
                "out_of_order": self.out_of_order,
                "broken": self.broken,
            },
            "terminals": {
                "seen": self.terminals,
                "unknown": self.unknown_terminals,
                "found": len({suspicion.terminal.identifier for suspicion in self.suspicions}),
                "held_back": self.held_back,
                "glitches": self.glitches,
            },
            "verdicts": self.by_verdict,
            "rules": self.by_rule,
            "kinds": {kind: sum(suspicion.kind == kind for suspicion in self.suspicions) for kind in KINDS},
            "findings": [suspicion.to_dict() for suspicion in self.suspicions],
            "settings": {one.name: getattr(self.settings, one.name) for one in fields(self.settings)},
        }

    def to_geojson(self) -> dict[str, Any]:
        """Findings as points where they began (RFC 7946)."""
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [round(one.lon_deg, 5), round(one.lat_deg, 5)]},
                    "properties": {key: value for key, value in one.to_dict().items() if key not in {"lat_deg", "lon_deg"}},
                }
                for one in self.suspicions
            ],
        }


class _State(NamedTuple):
    """What is kept of every terminal between its reports: arrays of t rows, those of findings of t rows by kinds."""

    seen: npt.NDArray[np.int8]
    time_us: Integers
    lat: Floats
    lon: Floats
    newest_us: Integers
    newest_lat: Floats
    newest_lon: Floats
    held: npt.NDArray[np.int32]
    held_us: Integers
    held_lat: Floats
    held_lon: Floats
    glitches: npt.NDArray[np.int32]
    held_kmh: Floats
    abroad_since_us: Integers
    held_back: npt.NDArray[np.int32]
    run: npt.NDArray[np.int32]
    run_us: Integers
    run_lat: Floats
    run_lon: Floats
    run_sure: npt.NDArray[np.int8]
    run_value: Floats
    run_noted: Integers
    found: npt.NDArray[np.int32]
    first_us: Integers
    last_us: Integers
    where_lat: Floats
    where_lon: Floats
    worst: Floats
    rule: npt.NDArray[np.int32]


_BY_KIND = _State._fields.index("run")
_TYPES: dict[str, Any] = {"seen": np.int8, "run_sure": np.int8} | dict.fromkeys(
    ("held", "glitches", "held_back", "run", "found", "rule"), np.int32
)


def _new_state(rows: int) -> _State:
    columns = []
    for place, name in enumerate(_State._fields):
        shape = (rows, kernels.N_KINDS) if place >= _BY_KIND else (rows,)
        kind = _TYPES.get(name, np.int64 if name.endswith("_us") or name == "run_noted" else np.float64)
        columns.append(np.full(shape, -1 if name in {"abroad_since_us", "run_noted"} else 0, dtype=kind))
    return _State(*columns)


@dataclass(eq=False)
class Audit:
    """An audit under way: give it blocks of reports in the order of the stream, then ask what it came to.

    Parameters
    ----------
    compiled
        The policy.
    registry
        What is known of terminals; it goes before what reports state.
    settings
        What counts as a finding.
    """

    compiled: CompiledPolicy
    registry: dict[str, Terminal] = field(default_factory=dict)
    settings: AuditSettings = field(default_factory=AuditSettings)
    _rows: dict[str, int] = field(default_factory=dict, init=False)
    _terminals: list[Terminal] = field(default_factory=list, init=False)
    _state: _State = field(default_factory=lambda: _new_state(1024), init=False)
    _decided: Integers = field(init=False)
    _counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("read", "duplicates", "out_of_order"), 0), init=False)
    _homes: "_Homes" = field(init=False)
    _kind_of_rule: npt.NDArray[np.int8] = field(init=False)
    _serves_listed: bool = field(init=False)

    def __post_init__(self) -> None:
        rules = self.compiled.ready.rules
        self._decided = np.zeros(len(rules) + 1, dtype=np.int64)
        asks_home = any(one.rule.days_abroad_over is not None for one in rules)
        self._homes = _Homes([one.home for one in self.registry.values()] if asks_home else None)
        outcomes = [self.compiled.ready.outcome(number) for number in range(len(rules) + 1)]
        self._kind_of_rule = np.array([_kind_of(outcome) for outcome in outcomes], dtype=np.int8)
        self._serves_listed = any(one.has_list and one.rule.verdict != "deny" for one in rules)

    def add(self, block: Block) -> None:
        """Judge some reports and follow their terminals."""
        terminal = self._enrol(block)
        here = self._homes.at_home(block, [self._terminals[row].home for row in terminal.tolist()] if self._homes.wanted else ())
        count, settings = len(terminal), self.settings
        place, days, implied, jump = np.zeros(count, dtype=np.int8), np.empty(count), np.empty(count), np.empty(count)
        kernels.follow(
            self._state, terminal, block.time_us, block.lat_deg, block.lon_deg, here, settings.position_error_km, settings.fastest_kmh,
            settings.confirm_reports, settings.glitches, place, days, implied, jump,
        )  # fmt: skip
        speed = np.where(np.isnan(block.speed_kmh), implied, block.speed_kmh)
        reports = Reports(
            block.lat_deg, block.lon_deg, block.time_us.astype("datetime64[us]"), speed, block.altitude_m, days,
            terminal.astype(np.int32), self._terminals,
        )  # fmt: skip
        reports = _narrow(reports)
        rule = self.compiled.decide(reports)
        judged = place != kernels.DUPLICATE
        self._decided += np.bincount(rule[judged], minlength=len(self._decided))
        self._counts["read"] += block.read
        self._counts["duplicates"] += int((~judged).sum())
        self._counts["out_of_order"] += int((place == kernels.LATE).sum())
        kind, near, value = self._judge(reports, rule)
        kernels.gather(
            self._state, terminal, block.time_us, block.lat_deg, block.lon_deg, place, kind, near, value, rule, jump,
            settings.confirm_reports, round(settings.confirm_minutes * 60e6),
        )  # fmt: skip

    @property
    def read(self) -> int:
        """Rows read so far."""
        return self._counts["read"]

    def finish(self, faults: Faults | None = None) -> Audited:
        """What the audit came to; ``faults`` are the rows that the stream could not give."""
        broken = dict(sorted(faults.counts.items())) if faults is not None else {}
        used = self._state
        rows = np.arange(len(self._terminals))
        found = used.found[rows].any(axis=1)
        ready = self.compiled.ready
        by_rule = {ready.name(number): int(count) for number, count in enumerate(self._decided.tolist()) if count}
        verdicts: dict[str, int] = {"allow": 0, "deny": 0, "limit": 0}
        for number, count in enumerate(self._decided.tolist()):
            verdicts[ready.outcome(number).verdict] += count
        # Rows that the reader of CSV dropped before it made a block are counted with the broken ones only.
        dropped = sum(count for reason, count in broken.items() if reason.endswith("expected") or " cells instead of " in reason)
        read, judged = self._counts["read"] + dropped, int(self._decided.sum())
        assert read == judged + self._counts["duplicates"] + sum(broken.values())
        return Audited(
            read=read,
            judged=judged,
            duplicates=self._counts["duplicates"],
            out_of_order=self._counts["out_of_order"],
            broken=broken,
            terminals=len(self._terminals),
            unknown_terminals=sum(one.identifier not in self.registry for one in self._terminals) if self.registry else 0,
            held_back=int(((used.held_back[rows] > 0) & ~found).sum()),
            glitches=int(((used.glitches[rows] > 0) & (used.glitches[rows] < self.settings.glitches)).sum()),
            by_verdict=verdicts,
            by_rule=by_rule,
            suspicions=tuple(self._suspicions()),
            policy=ready.policy.name,
            policy_digest=ready.policy.digest(),
            settings=self.settings,
        )

    def _suspicions(self) -> Iterable[Suspicion]:
        state, ready = self._state, self.compiled.ready
        for row in sorted(np.flatnonzero(state.found[: len(self._terminals)].any(axis=1)), key=lambda row: self._terminals[row].identifier):
            for number in np.flatnonzero(state.found[row]).tolist():
                rule = int(state.rule[row, number])
                outcome = ready.outcome(rule) if rule >= 0 else None
                yield Suspicion(
                    KINDS[number],
                    self._terminals[row],
                    ready.name(rule) if outcome else "",
                    outcome.reason if outcome else "",
                    int(state.found[row, number]),
                    state.first_us[row, number].astype("datetime64[us]"),
                    state.last_us[row, number].astype("datetime64[us]"),
                    float(state.where_lat[row, number]),
                    float(state.where_lon[row, number]),
                    float(state.worst[row, number]) if UNITS[number] else np.nan,
                )

    def _enrol(self, block: Block) -> Integers:
        """Rows of a block's terminals in the audit's table; new ones are entered."""
        rows = np.empty(len(block.identifiers), dtype=np.int64)
        for place, stated in enumerate(block.stated):
            row = self._rows.get(stated.identifier)
            if row is None:
                row = self._rows[stated.identifier] = len(self._terminals)
                self._terminals.append(self.registry.get(stated.identifier, stated))
            rows[place] = row
        size = len(self._state.seen)
        if len(self._terminals) > size:
            larger = _new_state(max(2 * size, len(self._terminals)))
            for name in _State._fields:
                getattr(larger, name)[:size] = getattr(self._state, name)
            self._state = larger
        return np.ascontiguousarray(rows[block.terminal])

    def _judge(self, reports: Reports, rule: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8], Floats]:
        """Kind of each report that is denied, whether an error of position could explain it, and how bad it is."""
        kind = self._kind_of_rule[rule].copy()
        near, value = np.zeros(len(reports), dtype=np.int8), np.full(len(reports), np.nan)
        denied = np.flatnonzero(kind >= 0)
        if not len(denied):
            return kind, near, value
        some = reports.take(denied)
        if self._serves_listed:
            serves = self._kind_of_rule[self.compiled.decide(some, as_listed=True)] < 0
            kind[denied[serves & (kind[denied] == kernels.NOT_ALLOWED)]] = kernels.NOT_LISTED
        value[denied] = np.where(kind[denied] == kernels.TOO_FAST, some.speed_kmh, some.days_abroad)
        near[denied] = self._could_be_elsewhere(some)
        return kind, near, value

    def _could_be_elsewhere(self, reports: Reports) -> npt.NDArray[np.int8]:
        """Whether some place within the error of each position would be served."""
        served = np.zeros(len(reports), dtype=np.bool_)
        reach = self.settings.position_error_km / _KM_PER_DEG
        for turn in np.arange(_RING) * (2.0 * np.pi / _RING) if reach else ():
            left = np.flatnonzero(~served)
            if not len(left):
                break
            some = reports.take(left)
            lat = np.clip(some.lat_deg + reach * np.sin(turn), -90.0, 90.0)
            lon = some.lon_deg + reach * np.cos(turn) / np.maximum(np.cos(np.radians(lat)), 1e-3)
            moved = replace(some, lat_deg=lat, lon_deg=np.mod(lon + 180.0, 360.0) - 180.0)
            served[left] = self._kind_of_rule[self.compiled.decide(moved)] < 0
        return served.astype(np.int8)


class _Homes:
    """Who is at home: territories compiled as a policy of one rule each, those that are anybody's home."""

    def __init__(self, codes: Iterable[str] | None) -> None:
        self.wanted = codes is not None
        self._codes = tuple(sorted({code for code in codes or () if code}))
        self._compiled = _compile_territories(self._codes) if self._codes else None

    def at_home(self, block: Block, homes: Sequence[str]) -> npt.NDArray[np.int8]:
        """1 at home, 0 abroad, −1 where the terminal has no known home; shape (n,)."""
        count = len(block.time_us)
        if not self.wanted or not any(homes):
            return np.full(count, -1, dtype=np.int8)
        missing = {home for home in set(homes) if home} - set(self._codes)
        if missing:
            self._codes = tuple(sorted({*self._codes, *missing}))
            self._compiled = _compile_territories(self._codes)
        assert self._compiled is not None
        nan = np.full(count, np.nan)
        nobody = np.zeros(count, dtype=np.int32)
        times = block.time_us.astype("datetime64[us]")
        where = self._compiled.decide(Reports(block.lat_deg, block.lon_deg, times, nan, nan, nan, nobody, (Terminal(),)))
        number = {code: row for row, code in enumerate(self._codes)}
        home = np.array([number.get(code, -1) for code in homes])
        return np.where(home < 0, -1, home == where).astype(np.int8)


@lru_cache(maxsize=4)
def _compile_territories(codes: tuple[str, ...]) -> CompiledPolicy:
    return compile_policy(prepare_policy(_territories(codes)))


def _territories(codes: Sequence[str]) -> Policy:
    rules = [{"name": code, "verdict": "allow", "reason": code, "within": {"territories": [code], "sea_km": SEA_KM}} for code in codes]
    return parse_policy({"name": "homes", "rules": rules, "default": {"verdict": "deny", "reason": "elsewhere"}})


def _narrow(reports: Reports) -> Reports:
    """The same reports with only those terminals that occur, so that judging them does not grow with all that were ever seen."""
    rows, terminal = np.unique(reports.terminal, return_inverse=True)
    return replace(reports, terminal=terminal.astype(np.int32), terminals=[reports.terminals[row] for row in rows.tolist()])


def _kind_of(outcome: Any) -> int:
    """Kind of what a rule that denies says; −1 of one that does not."""
    if outcome.verdict != "deny":
        return -1
    if getattr(outcome, "speed_over_kmh", None) is not None:
        return kernels.TOO_FAST
    return kernels.TOO_LONG_ABROAD if getattr(outcome, "days_abroad_over", None) is not None else kernels.NOT_ALLOWED
