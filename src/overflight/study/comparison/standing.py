"""How terminals at rest stand under a policy: what it says at every point, for every class, now and if they were listed."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.clock import Instants, parse_time
from overflight.service.compiled import CompiledPolicy, compile_policy
from overflight.service.policy import Policy, embed_files
from overflight.service.verdicts import ReadyRule, Reports, Terminal, prepare_policy
from overflight.study.comparison.people import People

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int32]

DENIED, LIMITED, ALLOWED = 0, 1, 2
_VERDICTS = {"deny": DENIED, "limit": LIMITED, "allow": ALLOWED}

NO_POLICY = "none"
"""Names no policy at all: where none is in force, nobody is served."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the policies that are compared; without one nobody is served.

    Attributes
    ----------
    name
        As the user named it.
    policy
        With what its files hold written into it.
    """

    name: str
    policy: Policy | None
    compiled: CompiledPolicy | None

    @property
    def sha256(self) -> str | None:
        """Hash of the policy as records keep it."""
        return None if self.policy is None else self.policy.digest()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of its areas and lists, but for rules that no border is known of at all."""
        rules = () if self.compiled is None else self.compiled.ready.rules
        return tuple(f"rule '{one.rule.name}': {text}" for one in rules if not _is_nowhere(one) for text in one.warnings)

    @property
    def nowhere(self) -> int:
        """Rules that match nowhere, since no border is known of what they are about."""
        return 0 if self.compiled is None else sum(_is_nowhere(one) for one in self.compiled.ready.rules)

    def changes_within(self, start: np.datetime64, end: np.datetime64) -> bool:
        """Whether a verdict may change with time between two instants."""
        if self.policy is None:
            return False
        moments = [parse_time(text) for rule in self.policy.rules for text in (rule.starts, rule.ends) if text is not None]
        return any(rule.local_hours for rule in self.policy.rules) or any(start < moment < end for moment in moments)

    def has_lists(self) -> bool:
        """Whether some rule asks who a terminal is."""
        return self.compiled is not None and any(rule.has_list for rule in self.compiled.ready.rules)


def _is_nowhere(one: ReadyRule) -> bool:
    return any(not atoms and key != "not_within" for key, atoms in one.groups)


def make_side(name: str, policy: Policy | None) -> Side:
    """Make one side of a comparison.

    Raises
    ------
    PolicyError, TerritoryError
        If a file that the policy names cannot be used.
    """
    if policy is None:
        return Side(name, None, None)
    whole = embed_files(policy)
    return Side(name, whole, compile_policy(prepare_policy(whole)))


class Outcomes(NamedTuple):
    """What each rule says, by its number; the default is last."""

    verdict: npt.NDArray[np.int8]
    down_mbps: Floats
    up_mbps: Floats


@dataclass(frozen=True, eq=False)
class Standing:
    """Verdicts on terminals of one kind, shape (instants, points).

    Attributes
    ----------
    rule, rule_if_listed
        Number of the rule that decides, and of the one that would if the terminal were listed by the rules that serve listed ones.
    outcomes
        What the rules say.
    list_share
        Share of the terminals waiting for each rule that are on its list, shape (rules,); see `overflight.study.comparison.lists`.
    """

    rule: Numbers
    rule_if_listed: Numbers
    outcomes: Outcomes
    list_share: Floats

    @property
    def verdict(self) -> npt.NDArray[np.int8]:
        """`DENIED`, `LIMITED` or `ALLOWED`."""
        return self.outcomes.verdict[self.rule]

    @property
    def served(self) -> Bools:
        """Whether terminals that are on no list are served."""
        return np.asarray(self.verdict != DENIED)

    @property
    def listed_only(self) -> Bools:
        """Whether only those on a list are served."""
        return np.asarray(~self.served & (self.outcomes.verdict[self.rule_if_listed] != DENIED))

    @property
    def by_list(self) -> Floats:
        """Share of the terminals that is served because it is on a list."""
        return self.listed_only * self.list_share[self.rule_if_listed]

    @property
    def share(self) -> Floats:
        """Share of the terminals that is served, on a list or not."""
        return self.served + self.by_list

    def cap(self, name: str, most_mbps: float) -> Floats:
        """What a served terminal may have of a rate, with ``name`` ``down_mbps`` or ``up_mbps``; NaN where it is denied."""
        table: Floats = getattr(self.outcomes, name)
        rule = np.where(self.listed_only, self.rule_if_listed, self.rule)
        return np.where(self.served | self.listed_only, np.minimum(table[rule], most_mbps), np.nan)

    def as_stated(self) -> "Standing":
        """The same verdicts, with nobody asked about as if he were listed."""
        return replace(self, rule_if_listed=self.rule)

    def rules_at(self, where: Bools, side: Side) -> dict[str, Floats]:
        """Names of the rules that decide at some points and instants, each with the share of the instants at each point."""
        if side.compiled is None:
            return {NO_POLICY: where.mean(axis=0)} if where.any() else {}
        ready = side.compiled.ready
        return {ready.name(int(number)): ((self.rule == number) & where).mean(axis=0) for number in np.unique(self.rule[where])}


def judge_people(side: Side, people: People, terminal_class: str, instants: Instants, *, operator: str) -> Standing:
    """Verdicts on terminals of a class that rest where people live, each at home in the territory around it.

    Parameters
    ----------
    side
        The policy.
    people
        The points.
    terminal_class
        Class.
    instants
        When, shape (instants,).
    operator
        Whose terminals.
    """
    terminals = [Terminal(terminal_class=terminal_class, home=code, operator=operator) for code in people.codes]
    return judge_points(side, people.lat_deg, people.lon_deg, people.home.astype(np.int32), terminals, instants)


def judge_points(
    side: Side, lat_deg: Floats, lon_deg: Floats, terminal: Numbers, terminals: list[Terminal], instants: Instants
) -> Standing:
    """Verdicts on terminals at rest, row ``terminal`` of ``terminals`` at each point, shape (points,)."""
    shape = (len(instants), len(lat_deg))
    if side.compiled is None:
        nothing = np.zeros(shape, dtype=np.int32)
        nobody = Outcomes(np.zeros(1, dtype=np.int8), np.full(1, np.inf), np.full(1, np.inf))
        return Standing(nothing, nothing, nobody, np.zeros(1))
    rows = [_at(lat_deg, lon_deg, terminal, terminals, instant) for instant in instants]
    rule = np.stack([side.compiled.decide(reports) for reports in rows]) if rows else np.empty(shape, dtype=np.int32)
    listed = np.stack([side.compiled.decide(reports, as_listed=True) for reports in rows]) if side.has_lists() else rule
    return Standing(rule, listed, list_outcomes(side.compiled), np.zeros(len(side.compiled.ready.rules) + 1))


def _at(lat_deg: Floats, lon_deg: Floats, terminal: Numbers, terminals: list[Terminal], instant: np.datetime64) -> Reports:
    count = len(lat_deg)
    rest = np.zeros(count)
    return Reports(lat_deg, lon_deg, np.full(count, instant, dtype="datetime64[us]"), rest, rest, rest, terminal, terminals)


def list_outcomes(compiled: CompiledPolicy) -> Outcomes:
    """What each rule of a policy says, by its number."""
    ready = compiled.ready
    rows = [ready.outcome(number) for number in range(len(ready.rules) + 1)]
    caps = [
        np.array([np.inf if row.limit is None or getattr(row.limit, name) is None else getattr(row.limit, name) for row in rows])
        for name in ("down_mbps", "up_mbps")
    ]
    return Outcomes(np.array([_VERDICTS[row.verdict] for row in rows], dtype=np.int8), *caps)
