"""Verdicts by exact geometry: one report with an explanation, or many reports as the plain reading of the rules has them.

A *report* is where a terminal was when, with what else is known of it. What a report does not state is NaN, NaT or empty, and a
condition on it does not hold.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from overflight.clock import format_time, parse_time
from overflight.errors import OverflightError
from overflight.service.areas import Atom, along_ground_km, atoms_of, border_km2, nearest_coast
from overflight.service.policy import DEFAULT, Area, Default, Limit, Policy, PolicyError, Rule, minutes_of, read_ids

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int32]

_DAY_US = 86_400_000_000

AREA_KEYS = ("within", "also_within", "not_within")
"""Keywords of a rule's conditions on place, in the order of their groups."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is known of a terminal; empty where it is not."""

    identifier: str = ""
    terminal_class: str = ""
    owner: str = ""
    home: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One report of a terminal's position."""

    lat_deg: float
    lon_deg: float
    time: np.datetime64 = field(default_factory=lambda: np.datetime64("NaT", "us"))
    speed_kmh: float = np.nan
    altitude_m: float = np.nan
    days_abroad: float = np.nan
    terminal: Terminal = Terminal()


@dataclass(frozen=True, eq=False)
class Reports:
    """Many reports as columns of n rows.

    Attributes
    ----------
    lat_deg, lon_deg
        Position, degrees; longitudes −180 … 180.
    time
        ``datetime64[us]``, UTC.
    speed_kmh, altitude_m, days_abroad
        NaN where not stated.
    terminal
        Row of each report's terminal in ``terminals``, int32.
    terminals
        The terminals.
    """

    lat_deg: Floats
    lon_deg: Floats
    time: npt.NDArray[np.datetime64]
    speed_kmh: Floats
    altitude_m: Floats
    days_abroad: Floats
    terminal: Rows
    terminals: Sequence[Terminal]

    def __len__(self) -> int:
        return len(self.lat_deg)

    @property
    def time_us(self) -> npt.NDArray[np.int64]:
        """Microseconds since 1970; the least integer where no time is stated."""
        return self.time.astype("datetime64[us]").astype(np.int64)

    def take(self, rows: npt.NDArray[np.intp]) -> "Reports":
        """Some of the reports."""
        return Reports(
            self.lat_deg[rows],
            self.lon_deg[rows],
            self.time[rows],
            self.speed_kmh[rows],
            self.altitude_m[rows],
            self.days_abroad[rows],
            self.terminal[rows],
            self.terminals,
        )


@dataclass(frozen=True, eq=False)
class ReadyRule:
    """A rule with its shapes and lists at hand."""

    rule: Rule
    within: tuple[Atom, ...] | None
    also_within: tuple[Atom, ...] | None
    not_within: tuple[Atom, ...] | None
    terminals: frozenset[str]
    owners: frozenset[str]
    warnings: tuple[str, ...]

    @property
    def groups(self) -> tuple[tuple[str, tuple[Atom, ...]], ...]:
        """Its conditions on place: keyword and shapes."""
        pairs = (("within", self.within), ("also_within", self.also_within), ("not_within", self.not_within))
        return tuple((key, atoms) for key, atoms in pairs if atoms is not None)

    @property
    def has_list(self) -> bool:
        """Whether it names terminals or owners."""
        return bool(self.terminals or self.owners)

    def asks_of_terminal(self) -> bool:
        """Whether a condition is on the terminal itself, wherever it is."""
        return bool(self.rule.classes or self.rule.operators or self.rule.homes or self.has_list)

    def takes(self, terminal: Terminal) -> bool:
        """Whether its conditions on the terminal itself hold."""
        rule = self.rule
        return (
            (not rule.classes or terminal.terminal_class in rule.classes)
            and (not rule.operators or terminal.operator in rule.operators)
            and (not rule.homes or terminal.home in rule.homes)
            and (not self.has_list or terminal.identifier in self.terminals or terminal.owner in self.owners)
        )


@dataclass(frozen=True, eq=False)
class ReadyPolicy:
    """A policy with its shapes and lists at hand."""

    policy: Policy
    rules: tuple[ReadyRule, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of areas and lists."""
        return tuple(f"rule '{ready.rule.name}': {text}" for ready in self.rules for text in ready.warnings)

    def outcome(self, number: int) -> Rule | Default:
        """The rule of a number; what follows the last is the default."""
        return self.rules[number].rule if number < len(self.rules) else self.policy.default

    def name(self, number: int) -> str:
        """Name of the rule of a number."""
        return self.rules[number].rule.name if number < len(self.rules) else DEFAULT


@dataclass(frozen=True, slots=True)
class Miss:
    """A rule that did not match, and why; ``in_place`` says whether its conditions on place held."""

    rule: str
    why: str
    in_place: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on one report: the rule that decided, and those before it that did not match."""

    verdict: str
    rule: str
    reason: str
    source: str
    limit: Limit | None
    before: tuple[Miss, ...]


class _Places:
    """Where reports are: what many rules ask is worked out once."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._inside: dict[tuple[object, ...], Bools] = {}
        self._coast: tuple[Rows, Floats] | None = None

    def in_any(self, atoms: tuple[Atom, ...], rows: npt.NDArray[np.intp]) -> Bools:
        """Which of the rows lie in any of the atoms."""
        holds = np.zeros(len(rows), dtype=np.bool_)
        for atom in atoms:
            holds |= self._in(atom)[rows]
        return holds

    def _in(self, atom: Atom) -> Bools:
        if atom.key not in self._inside:
            at = self._reports.lat_deg, self._reports.lon_deg
            if atom.sea_km and self._coast is None:
                self._coast = nearest_coast(*at)
            self._inside[atom.key] = atom.contains(*at, coast=self._coast)
        return self._inside[atom.key]


def prepare_policy(policy: Policy) -> ReadyPolicy:
    """Bring the shapes and lists of a policy to hand.

    Raises
    ------
    PolicyError, TerritoryError
        If a file that it names cannot be used.
    """
    known: dict[str, tuple[tuple[Atom, ...], tuple[str, ...]]] = {}

    def shapes(area: Area | None) -> tuple[tuple[Atom, ...] | None, tuple[str, ...]]:
        if area is None:
            return None, ()
        key = area.model_dump_json()
        if key not in known:
            known[key] = atoms_of(area)
        return known[key]

    rules = []
    for rule in policy.rules:
        try:
            (within, warned), (also, warned_also), (without, warned_not) = (shapes(getattr(rule, key)) for key in AREA_KEYS)
        except OverflightError as error:
            error.args = (f"rule '{rule.name}': {error}",)
            raise
        terminals, owners = (frozenset([*getattr(rule, key), *_ids(rule, getattr(rule, f"{key}_file"))]) for key in ("terminals", "owners"))
        rules.append(ReadyRule(rule, within, also, without, terminals, owners, (*warned, *warned_also, *warned_not)))
    return ReadyPolicy(policy, tuple(rules))


def list_everyone(ready: ReadyPolicy) -> ReadyPolicy:
    """The same policy where every terminal counts as listed by the rules that serve listed ones."""
    return ReadyPolicy(
        ready.policy,
        tuple(
            replace(one, terminals=frozenset(), owners=frozenset()) if one.has_list and one.rule.verdict != "deny" else one
            for one in ready.rules
        ),
    )


def one_report(report: Report) -> Reports:
    """A table of one report."""
    column = np.array([report.lat_deg, report.lon_deg, report.speed_kmh, report.altitude_m, report.days_abroad], dtype=np.float64)
    lat, lon, speed, altitude, days = column.reshape(5, 1)
    time = np.array([report.time], dtype="datetime64[us]")
    return Reports(lat, lon, time, speed, altitude, days, np.zeros(1, dtype=np.int32), (report.terminal,))


def decide_exactly(ready: ReadyPolicy, reports: Reports) -> Rows:
    """Number of the rule that decides each report, by exact geometry, shape (n,); of the default one more than the last.

    This is the meaning of a policy, and slow: every rule is asked in turn. `overflight.service.compiled` gives the same numbers fast.
    """
    decided = np.full(len(reports), len(ready.rules), dtype=np.int32)
    left = np.arange(len(reports))
    places = _Places(reports)
    for number, rule in enumerate(ready.rules):
        if not len(left):
            break
        rows = left[_other_conditions(rule, reports, left)]
        for key, atoms in rule.groups:
            if len(rows):
                holds = places.in_any(atoms, rows)
                rows = rows[~holds if key == "not_within" else holds]
        decided[rows] = number
        left = np.setdiff1d(left, rows, assume_unique=True)
    return decided


def explain_report(ready: ReadyPolicy, report: Report) -> Explanation:
    """The verdict on one report, with every rule before the one that decided and why it did not match."""
    table = one_report(report)
    number = int(decide_exactly(ready, table)[0])
    outcome = ready.outcome(number)
    places = _Places(table)
    before = tuple(_miss(rule, places, report) for rule in ready.rules[:number])
    return Explanation(outcome.verdict, ready.name(number), outcome.reason, outcome.source, outcome.limit, before)


def solar_time(time: np.datetime64, lon_deg: float) -> str:
    """Mean solar time at a longitude, ``HH:MM``."""
    minutes = _solar_minutes(np.array([time], dtype="datetime64[us]").astype(np.int64), np.array([lon_deg]))[0]
    return f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}"


def _other_conditions(ready: ReadyRule, reports: Reports, rows: npt.NDArray[np.intp]) -> Bools:
    """Which of the rows meet the conditions other than place."""
    rule = ready.rule
    holds = np.ones(len(rows), dtype=np.bool_)
    for low, high, values in (
        (rule.speed_over_kmh, rule.speed_up_to_kmh, reports.speed_kmh),
        (rule.altitude_over_m, rule.altitude_up_to_m, reports.altitude_m),
        (rule.days_abroad_over, None, reports.days_abroad),
    ):
        if low is not None:
            holds &= values[rows] > low
        if high is not None:
            holds &= values[rows] <= high
    starts_us, ends_us = window_us(rule)
    time_us = reports.time_us[rows]
    stated = time_us != np.iinfo(np.int64).min
    if rule.starts is not None or rule.ends is not None:
        holds &= stated & (time_us >= starts_us) & (time_us < ends_us)
    if rule.local_hours is not None:
        begins, stops = (float(minutes_of(text)) for text in rule.local_hours)
        minutes = _solar_minutes(time_us, reports.lon_deg[rows])
        after, before = minutes >= begins, minutes < stops
        holds &= stated & ((after & before) if begins < stops else (after | before))
    if ready.asks_of_terminal():
        takes = np.array([ready.takes(terminal) for terminal in reports.terminals], dtype=np.bool_)
        holds &= takes[reports.terminal[rows]]
    return holds


def window_us(rule: Rule) -> tuple[int, int]:
    """Window of a rule in microseconds since 1970, the end left out."""
    starts = np.iinfo(np.int64).min + 1 if rule.starts is None else int(parse_time(rule.starts).astype(np.int64))
    ends = np.iinfo(np.int64).max if rule.ends is None else int(parse_time(rule.ends).astype(np.int64))
    return starts, ends


def _solar_minutes(time_us: npt.NDArray[np.int64], lon_deg: Floats) -> Floats:
    minutes = np.mod(time_us, _DAY_US) / 60_000_000.0 + 4.0 * lon_deg
    return np.asarray(minutes - 1440.0 * np.floor(minutes / 1440.0))


def _ids(rule: Rule, path: str | None) -> Iterable[str]:
    if path is None:
        return ()
    try:
        return read_ids(path)
    except PolicyError as error:
        error.args = (f"rule '{rule.name}': {error}",)
        raise


def _miss(ready: ReadyRule, places: _Places, report: Report) -> Miss:
    """Why a rule did not match a report: the first of its conditions on place that does not hold, else of the others."""
    rows = np.zeros(1, dtype=np.intp)
    for key, atoms in ready.groups:
        if bool(places.in_any(atoms, rows)[0]) == (key == "not_within"):
            return Miss(ready.rule.name, _why_not_there(key, atoms, report), in_place=False)
    return Miss(ready.rule.name, "; ".join(_why_not(ready, report)), in_place=True)


def _why_not_there(key: str, atoms: tuple[Atom, ...], report: Report) -> str:
    names = ", ".join(dict.fromkeys(atom.label for atom in atoms[:3])) + (f" and {len(atoms) - 3} more" if len(atoms) > 3 else "")
    if key == "not_within":
        return f"lies in {names}, which the rule leaves out"
    if not atoms:
        return "no border of its area is known"
    margins = [atom for atom in atoms if atom.margin_kind or atom.sea_km]
    if len(margins) == len(atoms):
        at = np.array([report.lat_deg]), np.array([report.lon_deg])
        away = min(float(along_ground_km(np.sqrt(border_km2(atom.shape.pieces, *at)))[0]) for atom in atoms)
        what = "centre" if atoms[0].shape.geometry is None else "border"
        return f"not in {names}: {away:,.1f} km from the {what}"
    return f"not in {names}"


def _why_not(ready: ReadyRule, report: Report) -> list[str]:
    """Conditions other than place that do not hold, in words."""
    rule, terminal = ready.rule, report.terminal
    reasons: list[str] = []

    def said(what: str, value: str, wanted: str) -> None:
        reasons.append(f"{what} {value} is not {wanted}" if value else f"no {what} is stated, the rule asks for {wanted}")

    def number(what: str, value: float, unit: str, low: float | None, high: float | None) -> None:
        stated = "" if np.isnan(value) else f"{value:g} {unit}"
        if low is not None and not value > low:
            said(what, stated, f"over {low:g} {unit}")
        if high is not None and not value <= high:
            said(what, stated, f"up to {high:g} {unit}")

    if rule.operators and terminal.operator not in rule.operators:
        said("operator", terminal.operator, " or ".join(rule.operators))
    if rule.classes and terminal.terminal_class not in rule.classes:
        said("class", terminal.terminal_class, " or ".join(rule.classes))
    if ready.has_list and terminal.identifier not in ready.terminals and terminal.owner not in ready.owners:
        both = (("terminals", ready.terminals), ("owners", ready.owners))
        lists = " or ".join(f"{len(ids):,} listed {what}" for what, ids in both if ids)
        said("terminal", terminal.identifier or terminal.owner, f"one of the {lists}")
    if rule.homes and terminal.home not in rule.homes:
        said("home territory", terminal.home, " or ".join(rule.homes))
    number("speed", report.speed_kmh, "km/h", rule.speed_over_kmh, rule.speed_up_to_kmh)
    number("altitude", report.altitude_m, "m", rule.altitude_over_m, rule.altitude_up_to_m)
    number("stay abroad", report.days_abroad, "days", rule.days_abroad_over, None)
    return [*reasons, *_why_not_then(rule, report)]


def _why_not_then(rule: Rule, report: Report) -> list[str]:
    """Conditions on time that do not hold, in words."""
    if rule.starts is None and rule.ends is None and rule.local_hours is None:
        return []
    if np.isnat(report.time):
        return ["no time is stated, the rule asks for one"]
    reasons = []
    starts_us, ends_us = window_us(rule)
    time_us = int(report.time.astype("datetime64[us]").astype(np.int64))
    if time_us < starts_us:
        reasons.append(f"{format_time(report.time)} is before {rule.starts}, when the rule begins")
    if time_us >= ends_us:
        reasons.append(f"{format_time(report.time)} is not before {rule.ends}, when the rule ends")
    if rule.local_hours is not None:
        clock = solar_time(report.time, report.lon_deg)
        begins, stops = (minutes_of(text) for text in rule.local_hours)
        minutes = minutes_of(clock)
        if not (begins <= minutes < stops if begins < stops else (minutes >= begins or minutes < stops)):
            reasons.append(f"{clock} in mean solar time is not from {rule.local_hours[0]} to {rule.local_hours[1]}")
    return reasons


Decider = Callable[[Reports], Rows]
"""Gives the number of the rule that decides each report."""
