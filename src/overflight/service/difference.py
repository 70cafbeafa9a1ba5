"""What differs between two policies, by the names of their rules."""

import bisect
from typing import NamedTuple

from overflight.service.policy import Policy


class Difference(NamedTuple):
    """Names of rules, and keys of the policy itself.

    Attributes
    ----------
    added, removed
        Rules that are new, and gone.
    changed
        Rules of the same name that say something else.
    moved
        Rules that stand elsewhere in the order of those that both have.
    settings
        Keys of the policy beside its rules, the default among them.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    moved: tuple[str, ...]
    settings: tuple[str, ...]


def find_difference(before: Policy | None, after: Policy | None) -> Difference:
    """What differs between two policies; none stands for a policy without anything."""
    old = {rule.name: rule for rule in before.rules} if before else {}
    new = {rule.name: rule for rule in after.rules} if after else {}
    both = [name for name in old if name in new]
    stayed = _longest_run([both.index(name) for name in new if name in old])
    keys = [key for key in Policy.model_fields if key != "rules"]
    return Difference(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(name for name in both if old[name] != new[name]),
        moved=tuple(name for place, name in enumerate(both) if place not in stayed),
        settings=tuple(key for key in keys if getattr(before, key, None) != getattr(after, key, None)),
    )


def _longest_run(numbers: list[int]) -> set[int]:
    """A longest increasing subsequence: what keeps its order, so that only what has moved counts as moved (patience sorting)."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        pile = bisect.bisect_left(tails, number)
        before.append(ends[pile - 1] if pile else -1)
        if pile == len(tails):
            tails.append(number)
            ends.append(place)
        else:
            tails[pile], ends[pile] = number, place
    kept: set[int] = set()
    place = ends[-1] if ends else -1
    while place >= 0:
        kept.add(numbers[place])
        place = before[place]
    return kept
