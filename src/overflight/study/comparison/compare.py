"""Two policies, or two scenarios, over one territory: who gains and who loses, rates, neighbours, gateways, contracts."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import shapely

from overflight import __version__
from overflight.account import file_entry
from overflight.capacity.slots import spread_middles
from overflight.catalog.availability import service_status
from overflight.errors import ScenarioError
from overflight.inputs import FleetInputs, gather_inputs
from overflight.notices import Notice
from overflight.scenario import Scenario
from overflight.service.classes import find_class
from overflight.service.difference import find_difference
from overflight.service.policy import Policy
from overflight.service.reading import Faults
from overflight.study.comparison.alternatives import find_alternatives
from overflight.study.comparison.arms import SLOTS, Arm, Question, work_arms
from overflight.study.comparison.changes import (
    check_contracts,
    compare_gateways,
    compare_neighbours,
    compare_rates,
    count_cells,
    count_classes,
    count_lives,
)
from overflight.study.comparison.edge import find_edge
from overflight.study.comparison.findings import KnownTerminals, PolicyComparison, PolicySide
from overflight.study.comparison.known import find_known, read_known
from overflight.study.comparison.standing import NO_POLICY, Side, make_side
from overflight.study.comparison.summary import summarise
from overflight.study.findings import Assumption
from overflight.twin import count_threads

__all__ = ["SLOTS", "Case", "Question", "study_change"]

Progress = Callable[[float], None]

_READ, _WORKED = 0.1, 0.9
"""Shares of the progress bar that end with everything read, and with the slots worked out."""


@dataclass(frozen=True, slots=True)
class Case:
    """One side of a comparison.

    Attributes
    ----------
    scenario
        Territory, constellation, time; with a table of capacity.
    policy
        The policy; None: no policy, nobody is served.
    named
        As the user calls the policy.
    """

    scenario: Scenario
    policy: Policy | None
    named: str


def study_change(
    before: Case,
    after: Case,
    question: Question | None = None,
    *,
    threads: int | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> PolicyComparison:
    """Run the twin of a territory on both sides and say what changes.

    Parameters
    ----------
    before, after
        The sides: of one scenario under two policies, or of two scenarios.
    question
        Contracts, known terminals, class.
    threads
        The result does not depend on it.
    strict
        Refuse files with bad records.
    progress
        Called with the share done.

    Raises
    ------
    OverflightError
        One line about what is wrong.
    """
    asked = question or Question()
    asked = replace(asked, terminal_class=find_class(asked.terminal_class).name)
    tell = progress or (lambda _share: None)
    _check(before, after, asked)
    sides = tuple(make_side(case.named, case.policy) for case in (before, after))
    faults = Faults()
    known, notices = (None, []) if asked.reports is None else read_known(asked.reports, asked.registry, faults)
    arms = _work(before, after, sides, asked, threads=count_threads(threads), strict=strict, tell=tell)
    told = None if known is None else find_known(known, sides, arms[0].inputs, arms[0].fleet, discloses=asked.discloses)
    found = _gather(arms, asked, told, threads=count_threads(threads))
    tell(1.0)
    warnings = [*(text for arm in arms for text in arm.inputs.warnings), *_warn(arms, found, asked, is_known=known is not None)]
    if faults.counts:
        text = "{count:,} rows of position reports could not be used"
        warnings.append(Notice.of("comparison.bad_rows", text, count=sum(faults.counts.values())))
    if asked.discloses:
        warnings += [*notices, *(str(example) for example in faults.examples)]
    names = _list_files(before, after, asked)
    found = replace(found, warnings=tuple(dict.fromkeys(_name_files(text, names) for text in warnings)))
    found = replace(found, terminals_source=_name_files(found.terminals_source, names))
    found = replace(found, assumptions=tuple(replace(row, source=_name_files(row.source, names)) for row in found.assumptions))
    return replace(found, summary=summarise(found))


def _check(before: Case, after: Case, asked: Question) -> None:
    """Refuse what cannot be compared, before anything is worked out."""
    if asked.slots < 1:
        msg = f"{asked.slots} slots; give one at least"
        raise ScenarioError(msg)
    if before.scenario.capacity is None or after.scenario.capacity is None:
        msg = "a scenario without capacity says nothing of rates; give it a table [capacity] (it may be empty)"
        raise ScenarioError(msg)


def _list_files(before: Case, after: Case, asked: Question) -> dict[str, str]:
    """Every path that the user gave, and the name that a document has for it: where files lie is nobody's business."""
    given = [before.named, after.named, *(str(path) for path in (asked.reports, asked.registry) if path is not None)]

    def collect(value: Any) -> None:
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            collect(item)
        if isinstance(value, str) and Path(value).is_absolute():
            given.append(value)

    for case in (before, after):
        collect(case.scenario.model_dump(mode="json"))
    return {path: Path(path).name for path in sorted(given, key=len, reverse=True) if Path(path).name != path}


def _name_files(text: Any, names: dict[str, str]) -> Any:
    """A text, or a notice and what stands in it, with files by their names."""
    if isinstance(text, tuple):
        return tuple(_name_files(item, names) for item in text)
    if not isinstance(text, str):
        return text
    plain = str(text)
    for path, name in names.items():
        plain = plain.replace(path, name)
    if not isinstance(text, Notice):
        return plain
    return Notice(plain, text.key, {key: _name_files(value, names) for key, value in text.values.items()})


def _work(
    before: Case, after: Case, sides: tuple[Side, ...], asked: Question, *, threads: int, strict: bool, tell: Progress
) -> tuple[Arm, Arm]:
    """Work both sides out: of one scenario together, on the same scenes."""
    tell(0.5 * _READ)
    first = gather_inputs(before.scenario, strict=strict)
    tell(_READ)

    def part(start: float, stop: float) -> Progress:
        return lambda share: tell(_READ + (_WORKED - _READ) * (start + (stop - start) * share))

    if before.scenario == after.scenario:
        both = work_arms(first, sides, asked, threads=threads, progress=part(0.0, 1.0))
        return both[0], both[1]
    second = gather_inputs(after.scenario, strict=strict)
    one, other = first.territory, second.territory
    if one.code != other.code or not shapely.equals_exact(one.geometry, other.geometry):
        which = other.name if other.name != one.name else "another of that name"
        msg = f"the scenarios are of {one.name} and of {which}; compare two of one territory"
        raise ScenarioError(msg)
    (arm_before,) = work_arms(first, sides[:1], asked, threads=threads, progress=part(0.0, 0.5))
    (arm_after,) = work_arms(second, sides[1:], asked, threads=threads, progress=part(0.5, 1.0))
    instants = [len(arm.headline.rule) for arm in (arm_before, arm_after)]
    if instants[0] != instants[1] and 1 not in instants:
        msg = f"the policy changes with time, and the scenarios have {instants[0]} and {instants[1]} slots; give them the same hours"
        raise ScenarioError(msg)
    return arm_before, arm_after


def _gather(arms: tuple[Arm, Arm], asked: Question, known: KnownTerminals | None, *, threads: int) -> PolicyComparison:
    inputs, fleet = arms[0].inputs, arms[0].fleet
    territory = inputs.territory
    lives, lost_people = count_lives(arms)
    before, after = (arm.share_cells(asked.terminal_class).served.mean(axis=0) for arm in arms)
    classes, lost_terminals = count_classes(arms)
    edges = [find_edge(arm.people, arm.headline.served.mean(axis=0) >= 0.5, arm.figures.beams, arm.twin) for arm in arms]
    rows = arms[0].rows[spread_middles(len(arms[0].rows), SLOTS)]
    lost = lost_people if lost_people.any() else lost_terminals.sum(axis=1)
    alternatives = find_alternatives(inputs, arms[0].own, lost_terminals, lost, rows, threads=threads) if lost.any() else ()
    mbps = [arm.figures.cell_mbps[arm.twin.market.own] for arm in arms]
    scenarios = [_without_folders(arm.inputs.scenario.model_dump(mode="json")) for arm in arms]
    return PolicyComparison(
        code=territory.code,
        name=_one_line(territory.name),
        name_fr=_one_line(territory.name_fr),
        outline=territory.geometry,
        worldview=territory.worldview,
        borders_source=territory.source,
        start=inputs.start,
        end=inputs.end,
        step_s=inputs.scenario.time.step_s,
        slots=len(arms[0].rows),
        constellation=fleet.title,
        terminal_class=asked.terminal_class,
        policies=(_describe(arms[0].side), _describe(arms[1].side)),
        diff=dict(find_difference(arms[0].side.policy, arms[1].side.policy)._asdict()),
        settings=tuple(_list_settings(*scenarios)),
        lives=lives,
        cells=count_cells(before, after),
        classes=classes,
        terminals_source=arms[0].own.terminals.source,
        terminals_status=arms[0].own.terminals.status,
        listed_share=(arms[0].listed_share, arms[1].listed_share),
        known=known,
        rates=compare_rates(arms),
        neighbours=compare_neighbours(arms),
        gateways=compare_gateways(arms),
        edges=(edges[0], edges[1]),
        alternatives=alternatives,
        contracts=check_contracts(arms, () if asked.contracts is None else asked.contracts.contracts),
        cell_ids=territory.cells,
        cell_population=territory.population,
        cell_served=(before, after),
        cell_mbps=(mbps[0], mbps[1]),
        warnings=(),
        assumptions=_list_assumptions(arms[0]),
        inputs=_list_inputs(arms, asked),
        versions=(("overflight", __version__),),
        scenario=scenarios[0],
        scenario_after=None if scenarios[0] == scenarios[1] else scenarios[1],
        summary=(),
    )


def _one_line(name: str) -> str:
    """A name that a file gives, as plain text on one line: it is printed on terminals and records."""
    return "".join(letter if letter.isprintable() else " " for letter in name)


def _describe(side: Side) -> PolicySide:
    policy = side.policy
    if policy is None:
        return PolicySide(side.name, NO_POLICY, None, "", "", 0, "deny")
    return PolicySide(Path(side.name).name, policy.name, side.sha256, policy.date, policy.source, len(policy.rules), policy.default.verdict)


def _warn(arms: tuple[Arm, Arm], found: PolicyComparison, asked: Question, *, is_known: bool) -> list[str]:
    """What a reader must know of this comparison beyond the inputs' own warnings."""
    warnings: list[str] = []
    name, fleet = found.name, arms[0].fleet
    if service_status(found.code, operator=fleet.operator).verdict_key == "split":
        text = "{name}: its status differs by province; 'public' denies all of it, 'public-split-allow' serves it"
        warnings.append(Notice.of("comparison.split", text, name=name))
    for arm in arms:
        if arm.side.policy is not None:
            warnings += _warn_of_policy(arm.side, arm.side.policy, fleet, is_known=is_known)
    if any(arm.side.changes_within(arm.inputs.start, arm.inputs.end) for arm in arms):
        text = "verdicts change within the time simulated: people and terminals are means over the {slots} slots"
        warnings.append(Notice.of("comparison.changing", text, slots=found.slots))
    lives = found.lives
    is_same = not (lives.gaining or lives.losing or lives.limited_anew or lives.freed_of_limit)
    if is_same and lives.listed_only[0] == lives.listed_only[1] and found.policies[0].sha256 != found.policies[1].sha256:
        text = "both policies serve the same people of {name} with terminals of class {terminal_class} at rest"
        warnings.append(Notice.of("comparison.same", text, name=name, terminal_class=found.terminal_class))
    few = tuple(
        contract.name
        for contract in (() if asked.contracts is None else asked.contracts.contracts)
        if found.slots * (1.0 - contract.availability_percent / 100.0) < 1.0
    )
    if few:
        text = "{slots} slots cannot show the availability of {names}: their rates are tried in the weather of it, in these slots only"
        warnings.append(Notice.of("comparison.few_slots", text, slots=found.slots, names=few))
    return warnings


def _warn_of_policy(side: Side, policy: Policy, fleet: FleetInputs, *, is_known: bool) -> list[str]:
    """What a comparison cannot tell of a policy."""
    warnings: list[str] = []
    if policy.operator != fleet.operator:
        text = "policy '{policy}' governs {governed}; it is asked about {title} here"
        warnings.append(Notice.of("comparison.operator", text, policy=policy.name, governed=policy.operator, title=fleet.title))
    if any(rule.owners and rule.verdict != "deny" for rule in policy.rules) and not is_known:
        text = "policy '{policy}' serves owners by name: how many terminals they have is known from position reports only"
        warnings.append(Notice.of("comparison.owners", text, policy=policy.name))
    if any(rule.days_abroad_over is not None or rule.speed_over_kmh is not None for rule in policy.rules):
        text = "policy '{policy}' has rules on speed or on days abroad: estimated terminals are taken to rest at home"
        warnings.append(Notice.of("comparison.at_rest", text, policy=policy.name))
    if side.nowhere:
        text = "policy '{policy}': {count} of its rules match nowhere, since no border is known of what they are about"
        warnings.append(Notice.of("comparison.no_border", text, policy=policy.name, count=side.nowhere))
    return warnings + list(side.warnings)


def _list_assumptions(arm: Arm) -> tuple[Assumption, ...]:
    own, page = arm.own, "docs/models/comparison.md"
    aperture_m = arm.twin.case.plant.values["satellite_ku_diameter_m"]
    count = Notice.of("comparison.terminals", "{count:,} in the territory if all of it is served", count=own.terminals.total)
    spread = Notice.word("comparison_value", "spread evenly over the land of the cell")
    switched = Notice.word("comparison_value", "each as most of its people are to be served")
    beam = Notice.of("comparison.beam", "aperture of {diameter:g} m", diameter=aperture_m)
    return (
        Assumption("terminals", count, own.terminals.status, own.terminals.source),
        Assumption("people within a cell", spread, "assumed", page),
        Assumption("cells as the operator switches them", switched, "assumed", page),
        Assumption("width of beams", beam, "assumed", "docs/models/radio.md"),
    )


def _list_inputs(arms: tuple[Arm, Arm], asked: Question) -> tuple[tuple[str, str], ...]:
    """Names and hashes of everything that was read, the policies and contracts among it."""
    names = Notice.of("comparison.policy_before", "policy before"), Notice.of("comparison.policy_after", "policy after")
    rows: list[tuple[str, str]] = [(name, arm.side.sha256) for name, arm in zip(names, arms, strict=True) if arm.side.sha256 is not None]
    if asked.contracts is not None:
        rows.append((Notice.of("comparison.contracts", "contracts"), asked.contracts.digest()))
    outline = hashlib.sha256(shapely.to_wkb(arms[0].inputs.territory.geometry)).hexdigest()
    rows.append((Notice.of("comparison.outline", "outline of the territory"), outline))
    rows += [file_entry(str(path)) for path in (asked.reports, asked.registry) if path is not None]
    return tuple(dict.fromkeys((*rows, *(entry for arm in arms for entry in arm.inputs.files))))


def _list_settings(before: Any, after: Any, key: str = "") -> list[tuple[str, str, str]]:
    """Settings that differ between two scenarios: key, and both values."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = dict.fromkeys([*before, *after])
        return [row for name in names for row in _list_settings(before.get(name), after.get(name), f"{key}.{name}" if key else name)]
    return [] if before == after else [(key, _write_setting(before), _write_setting(after))]


def _write_setting(value: Any) -> str:
    if value in (None, [], ""):
        return "–"
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def _without_folders(value: Any) -> Any:
    """Settings with files named by their last part: where they lie is nobody's business, and their hashes stand among the inputs."""
    if isinstance(value, dict):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
