"""What is wrong, or looks wrong, with a policy: every problem at once, each with the rule it is of and what to do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from overflight.clock import parse_time
from overflight.earth.cells import cell_centres
from overflight.earth.population import read_world_cells
from overflight.service.areas import SHRUNK, Atom, border_km2, chord_km
from overflight.service.compiled import CompiledPolicy, Entry, compile_policy
from overflight.service.policy import DEFAULT, Rule
from overflight.service.verdicts import ReadyPolicy, ReadyRule

__all__ = ["LEVELS", "Finding", "check_policy"]

LEVELS = ("error", "warning", "note")
"""How grave a finding is: the policy does not do what it says; it may not do what is meant; worth knowing."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,79}")
_EXAMPLES = 3
_SHARE_SEEN = 0.5
"""A territory of which more cells than this share fall to the default alone counts as mentioned by no rule."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: how grave, what kind, of which rule, in words."""

    level: str
    kind: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.level}: {f'rule {self.rule!r}: ' if self.rule else ''}{self.text}"


def check_policy(ready: ReadyPolicy, *, at: np.datetime64 | None = None, compiled: CompiledPolicy | None = None) -> tuple[Finding, ...]:
    """Check a policy, gravest findings first.

    Parameters
    ----------
    ready
        The policy.
    at
        Instant at which windows count as past; none is looked at without it.
    compiled
        The policy compiled, if it is at hand.

    Returns
    -------
    tuple of Finding
        Kinds: ``shadowed``, ``contradiction``, ``redundant``, ``no-area``, ``malformed-id``, ``expired``, ``not-yet``, ``not-mentioned``,
        ``area``.
    """
    compiled = compiled or compile_policy(ready)
    findings = [*_unreachable(ready, compiled), *_areas(ready), *_lists(ready), *_windows(ready, at), *_not_mentioned(compiled)]
    return tuple(sorted(findings, key=lambda finding: LEVELS.index(finding.level)))


def _unreachable(ready: ReadyPolicy, compiled: CompiledPolicy) -> Iterator[Finding]:
    """Rules that can never decide: they stand in no box's list, or behind wider ones wherever they do."""
    in_the_way = {rule: set(others) for rule, others in compiled.cut_off.items()}
    open_somewhere: set[int] = set()
    for program in compiled.programs:
        for place, entry in enumerate(program):
            ahead = _in_front(ready, program[:place], entry)
            in_the_way.setdefault(entry.rule, set()).update(ahead)
            if not ahead:
                open_somewhere.add(entry.rule)
    for number, one in enumerate(ready.rules):
        if number not in open_somewhere and not _has_no_area(one) and not _nothing_left(one):
            yield _shadow(ready, number, sorted(in_the_way.get(number, set())))


def _in_front(ready: ReadyPolicy, before: tuple[Entry, ...], entry: Entry) -> set[int]:
    """Rules of a box's list that take, alone or together, all that a later one could take there; none where something is left to it."""
    own = ready.rules[entry.rule]
    wider = [other for other in before if _no_narrower(ready.rules[other.rule], own)]
    for other in wider:
        if not other.asked or _holds_area(ready.rules[other.rule], own):
            return {other.rule}
    # Where a box leaves but one group of a rule's shapes open, the rule holds there if one of these shapes does.
    whole = [other for other in wider if {group for group, _ in other.asked} == {0}]
    together = {atom for other in whole for _, atom in other.asked}
    for group in (0, 1):
        open_atoms = {atom for own_group, atom in entry.asked if own_group == group}
        if open_atoms and open_atoms <= together:
            return {other.rule for other in whole}
    return set()


def _shadow(ready: ReadyPolicy, number: int, blockers: list[int]) -> Finding:
    rule = ready.rules[number].rule
    names = ", ".join(f"'{ready.name(other)}'" for other in blockers[:_EXAMPLES]) + (" and others" if len(blockers) > _EXAMPLES else "")
    if not blockers:
        return Finding("error", "shadowed", rule.name, "can never match: rules before it take all of its area; move it up, or delete it")
    others = [ready.rules[other].rule for other in blockers]
    if all((other.verdict, other.limit) == (rule.verdict, rule.limit) for other in others):
        return Finding("warning", "redundant", rule.name, f"has no effect: {names} before it decides alike; delete one of them")
    says = " and ".join(dict.fromkeys(other.verdict for other in others))
    text = f"says {rule.verdict}, but {names} before it matches in every such case and says {says}; move it up, or delete it"
    return Finding("error", "contradiction", rule.name, text)


def _holds_area(wide: ReadyRule, narrow: ReadyRule) -> bool:
    """Whether the area of a rule holds that of another, from what they are made of."""
    if wide.not_within is not None and not (narrow.not_within is not None and _union_in(wide.not_within, narrow.not_within)):
        return False
    own = [atoms for atoms in (narrow.within, narrow.also_within) if atoms is not None]
    return all(any(_union_in(atoms, target) for atoms in own) for target in (wide.within, wide.also_within) if target is not None)


def _union_in(narrow: tuple[Atom, ...], wide: tuple[Atom, ...]) -> bool:
    return all(any(_atom_in(atom, other) for other in wide) for atom in narrow)


def _atom_in(narrow: Atom, wide: Atom) -> bool:
    if narrow.shape.key == wide.shape.key:
        if narrow.sea_km or wide.sea_km:
            return 0.0 < narrow.sea_km <= wide.sea_km
        return wide.low_km <= narrow.low_km and narrow.high_km <= wide.high_km
    if len(narrow.shape.cells) and len(wide.shape.cells) and not narrow.margin_kind and not wide.margin_kind:
        return bool(np.isin(narrow.shape.cells, wide.shape.cells).all())
    plain = all(atom.shape.geometry is not None and not atom.margin_kind and not atom.sea_km for atom in (narrow, wide))
    return plain and not len(narrow.shape.cells) and not len(wide.shape.cells) and bool(wide.shape.geometry.covers(narrow.shape.geometry))


def _no_narrower(wide: ReadyRule, narrow: ReadyRule) -> bool:
    """Whether every condition of a rule but place holds wherever those of another do."""
    a, b = wide.rule, narrow.rule
    for key in ("classes", "operators", "homes"):
        listed = getattr(a, key)
        if listed and not (getattr(b, key) and set(getattr(b, key)) <= set(listed)):
            return False
    if wide.has_list and not (narrow.has_list and narrow.terminals <= wide.terminals and narrow.owners <= wide.owners):
        return False
    for key, is_floor in (
        ("speed_over_kmh", True), ("altitude_over_m", True), ("days_abroad_over", True),
        ("speed_up_to_kmh", False), ("altitude_up_to_m", False),
    ):  # fmt: skip
        bound, own = getattr(a, key), getattr(b, key)
        if bound is not None and (own is None or (own < bound if is_floor else own > bound)):
            return False
    return _window_holds(a, b) and (a.local_hours is None or a.local_hours == b.local_hours)


def _window_holds(a: Rule, b: Rule) -> bool:
    if a.starts is not None and (b.starts is None or parse_time(b.starts) < parse_time(a.starts)):
        return False
    return a.ends is None or (b.ends is not None and bool(parse_time(b.ends) <= parse_time(a.ends)))


def _has_no_area(one: ReadyRule) -> bool:
    return any(not atoms for key, atoms in one.groups if key != "not_within")


def _areas(ready: ReadyPolicy) -> Iterator[Finding]:
    unknown = [one for one in ready.rules if _has_no_area(one)]
    if len(unknown) > _EXAMPLES:
        names = ", ".join(f"'{one.rule.name}'" for one in unknown[:_EXAMPLES])
        provinces = sum(bool(one.rule.within and one.rule.within.provinces) for one in unknown)
        text = f"{len(unknown)} rules can never match, for no border of their area is known ({provinces} provinces): {names}, …"
        yield Finding("note", "no-area", "", text)
    for one in ready.rules:
        name = one.rule.name
        if _has_no_area(one):
            if len(unknown) <= _EXAMPLES:
                yield Finding("note", "no-area", name, f"can never match: {'; '.join(one.warnings) or 'its area is empty'}")
            continue
        for text in one.warnings:
            yield Finding("warning", "area", name, text)
        if _nothing_left(one):
            yield Finding("error", "no-area", name, "nothing is left of its area inside the border; give a smaller shrink_km")


def _nothing_left(one: ReadyRule) -> bool:
    """Whether a condition on place asks for areas of which their margins leave nothing."""
    return any(
        key != "not_within" and all(atom.margin_kind == SHRUNK and _is_shrunk_away(atom) for atom in atoms)
        for key, atoms in one.groups
        if atoms
    )


def _is_shrunk_away(atom: Atom) -> bool:
    """Whether no point of a shape is as far from its border as its margin asks: looked for on a fine grid inside it."""
    import shapely

    west, south, east, north = atom.shape.geometry.bounds
    lon, lat = np.meshgrid(np.linspace(west, east, 60), np.linspace(south, north, 60))
    inside = shapely.intersects_xy(atom.shape.geometry, lon.ravel(), lat.ravel())
    km2 = border_km2(atom.shape.pieces, lat.ravel()[inside], lon.ravel()[inside])
    reach = -atom.high_km - 0.5 * max(east - west, north - south) / 60.0 * 111.2
    return bool(not len(km2) or km2.max() < (chord_km(reach) ** 2 if reach > 0.0 else 0.0))


def _lists(ready: ReadyPolicy) -> Iterator[Finding]:
    for one in ready.rules:
        for what, ids in (("terminals", one.terminals), ("owners", one.owners)):
            bad = sorted(name for name in ids if not (name.strip() if what == "owners" else _IDENTIFIER.fullmatch(name)))
            if bad:
                shown = ", ".join(repr(name) for name in bad[:_EXAMPLES]) + (" …" if len(bad) > _EXAMPLES else "")
                text = f"{len(bad):,} of {len(ids):,} {what} cannot be identifiers: {shown}; letters, digits and . _ : @ / - make one"
                yield Finding("error", "malformed-id", one.rule.name, text)


def _windows(ready: ReadyPolicy, at: np.datetime64 | None) -> Iterator[Finding]:
    if at is None:
        return
    for one in ready.rules:
        rule = one.rule
        if rule.ends is not None and parse_time(rule.ends) <= at:
            yield Finding("warning", "expired", rule.name, f"has had no effect since {rule.ends}; delete it, or give it a later end")
        elif rule.starts is not None and parse_time(rule.starts) > at:
            yield Finding("note", "not-yet", rule.name, f"has no effect before {rule.starts}")


def _not_mentioned(compiled: CompiledPolicy) -> Iterator[Finding]:
    """Territories that no rule mentions, by their cells; the default decides there alone."""
    world = read_world_cells()
    program = compiled.program_of(*cell_centres(world.cells))
    bare = np.array([not entries for entries in compiled.programs], dtype=np.bool_)[program]
    counts, total = (np.bincount(world.territory[rows], minlength=len(world.codes)) for rows in (bare, slice(None)))
    people = np.bincount(world.territory, weights=world.population * bare, minlength=len(world.codes))
    left = np.flatnonzero(counts > _SHARE_SEEN * total)
    verdict = compiled.ready.policy.default.verdict
    if len(left):
        codes = ", ".join(world.codes[row] for row in left[:12]) + (f" and {len(left) - 12} more" if len(left) > 12 else "")
        count = f"{len(left)} {'territory' if len(left) == 1 else 'territories'}"
        text = f"no rule mentions {count} with {people[left].sum():,.0f} people: {codes}; the {DEFAULT} says {verdict} there"
        yield Finding("note", "not-mentioned", "", text)
