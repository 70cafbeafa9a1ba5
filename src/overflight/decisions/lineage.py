"""Which policy was in force when. Pure: decisions in, stretches of time out.

Each log has a line of policies of its own. An applied decision takes force at its moment if what is in force then is what its request was
based on; otherwise it is void, for nobody approved that change of that policy. An emergency falls away at its deadline unless it was
ratified before, and what was in force under it comes back. To a reader, the highest marking that has a policy in force decides; where it
has none, the next below shows through.
"""

from dataclasses import dataclass

import numpy as np

from overflight.decisions.markings import Marking, up_to
from overflight.decisions.state import Decision, Logs

BEFORE_ALL = np.datetime64("1900-01-01", "us")


@dataclass(frozen=True, slots=True)
class Stretch:
    """From a moment on, which policy one log puts in force, by which decision, and what happened then (``applied``, ``lapsed``)."""

    starts: np.datetime64
    policy: str | None
    decision: str | None
    event: str


@dataclass(frozen=True, slots=True)
class Line:
    """What one log puts in force over time, and which of its decisions are void."""

    stretches: tuple[Stretch, ...]
    void: frozenset[str]

    def at(self, time: np.datetime64) -> Stretch | None:
        """What it puts in force at a time; None before its first decision."""
        found = None
        for stretch in self.stretches:
            if stretch.starts > time:
                break
            found = stretch
        return found


@dataclass(frozen=True, slots=True)
class InForce:
    """The policy in force at a moment, as a reader sees it."""

    policy: str | None
    decision: str | None
    marking: Marking | None
    since: np.datetime64 | None


def lines_of(logs: Logs, marking: Marking) -> dict[Marking, Line]:
    """The lines of policies of a marking and those below."""
    lines: dict[Marking, Line] = {}
    for below in up_to(marking):
        lines[below] = _line(logs, below, lines)
    return lines


def in_force(lines: dict[Marking, Line], time: np.datetime64) -> InForce:
    """The policy in force at a time, as who may read these lines sees it."""
    for marking in reversed(lines):
        stretch = lines[marking].at(time)
        if stretch is not None and stretch.policy is not None:
            return InForce(stretch.policy, stretch.decision, marking, stretch.starts)
    return InForce(None, None, None, None)


def _line(logs: Logs, marking: Marking, below: dict[Marking, Line]) -> Line:
    """Go through what was applied and what fell away, in order of time."""
    applied = [one for one in logs[marking].decisions.values() if one.applied is not None and one.request.action != "rules"]
    moments: list[tuple[np.datetime64, int, int, Decision]] = []
    for decision in applied:
        assert decision.applied is not None
        moments.append((decision.applied.starts, 1, decision.order, decision))
        if decision.applied.lapses is not None and decision.ratified is None:
            moments.append((decision.applied.lapses, 0, decision.order, decision))
    stack: list[Decision] = []
    stretches: list[Stretch] = []
    void: set[str] = set()
    for time, begins, _, decision in sorted(moments, key=lambda moment: moment[:3]):
        top = stack[-1] if stack else None
        if begins:
            own = None if top is None else top.request.result
            base = in_force(below, time).policy if own is None else own
            if decision.request.base != base:
                void.add(decision.id)
                continue
            stack.append(decision)
        elif decision in stack:
            stack.remove(decision)
        now = stack[-1] if stack else None
        if now is not top:
            event = "applied" if begins else "lapsed"
            stretches.append(Stretch(time, None if now is None else now.request.result, None if now is None else now.id, event))
    return Line(tuple(stretches), frozenset(void))
