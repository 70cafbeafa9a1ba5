"""Two policies, or two scenarios, over one territory: who gains and who loses, rates, neighbours, gateways, contracts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from overflight import __version__
from overflight.account import file_entry
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
from overflight.study.comparison.arms import SLOTS, Arm, Question, spread_rows, work_arms
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
    tell = progress or (lambda _share: None)
    find_class(asked.terminal_class)
    sides = tuple(make_side(case.named, case.policy) for case in (before, after))
    faults = Faults()
    known, notices = (None, []) if asked.reports is None else read_known(asked.reports, asked.registry, faults)
    arms = _work(before, after, sides, asked, threads=count_threads(threads), strict=strict, tell=tell)
    told = None if known is None else find_known(known, sides, arms[0].inputs.territory, arms[0].inputs.slot_start[0])
    found = _gather(arms, asked, told, threads=count_threads(threads))
    tell(1.0)
    warnings = [*(text for arm in arms for text in arm.inputs.warnings), *notices, *(str(example) for example in faults.examples)]
    warnings += _warn(arms, found, is_known=known is not None)
    whole = replace(found, warnings=tuple(dict.fromkeys(warnings)))
    return replace(whole, summary=summarise(whole))


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
    if not np.array_equal(first.territory.cells, second.territory.cells):
        msg = f"the scenarios are of {first.territory.name} and of {second.territory.name}; compare two of one territory"
        raise ScenarioError(msg)
    (arm_before,) = work_arms(first, sides[:1], asked, threads=threads, progress=part(0.0, 0.5))
    (arm_after,) = work_arms(second, sides[1:], asked, threads=threads, progress=part(0.5, 1.0))
    return arm_before, arm_after


def _gather(arms: tuple[Arm, Arm], asked: Question, known: KnownTerminals | None, *, threads: int) -> PolicyComparison:
    inputs, fleet = arms[0].inputs, arms[0].fleet
    territory = inputs.territory
    lives, lost_people = count_lives(arms)
    before, after = (arm.share_cells(asked.terminal_class).served.mean(axis=0) for arm in arms)
    classes, lost_terminals = count_classes(arms)
    edges = [find_edge(arm.people, arm.headline.served.mean(axis=0) >= 0.5, arm.figures.beams, arm.twin) for arm in arms]
    rows = arms[0].rows[spread_rows(len(arms[0].rows), SLOTS)]
    alternatives = find_alternatives(inputs, arms[0].own, lost_terminals, lost_people, rows, threads=threads) if lost_people.any() else ()
    mbps = [arm.figures.cell_mbps[arm.twin.market.own] for arm in arms]
    scenarios = [_without_folders(arm.inputs.scenario.model_dump(mode="json")) for arm in arms]
    return PolicyComparison(
        code=territory.code,
        name=territory.name,
        name_fr=territory.name_fr,
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


def _describe(side: Side) -> PolicySide:
    policy = side.policy
    if policy is None:
        return PolicySide(side.name, NO_POLICY, None, "", "", 0, "deny")
    named = Path(side.name).name if Path(side.name).is_absolute() else side.name
    return PolicySide(named, policy.name, side.sha256, policy.date, policy.source, len(policy.rules), policy.default.verdict)


def _warn(arms: tuple[Arm, Arm], found: PolicyComparison, *, is_known: bool) -> list[str]:
    """What a reader must know of this comparison beyond the inputs' own warnings."""
    warnings: list[str] = []
    name, fleet = found.name, arms[0].fleet
    if service_status(found.code, operator=fleet.operator).verdict_key == "split":
        text = "{name}: its status differs by province; 'public' denies all of it, 'public-split-allow' serves it"
        warnings.append(Notice.of("comparison.split", text, name=name))
    for arm in arms:
        if arm.side.policy is not None:
            warnings += _warn_of_policy(arm.side, arm.side.policy, fleet, is_known=is_known)
    if not found.lives.gaining and not found.lives.losing and found.policies[0].sha256 != found.policies[1].sha256:
        text = "both policies serve the same people of {name} with terminals of class {terminal_class} at rest"
        warnings.append(Notice.of("comparison.same", text, name=name, terminal_class=found.terminal_class))
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
        text = "policy '{policy}' has rules on speed or on days abroad: terminals are taken to rest at home"
        warnings.append(Notice.of("comparison.at_rest", text, policy=policy.name))
    unknown = sum("no border" in text for text in side.warnings)
    if unknown:
        text = "policy '{policy}': of what {count} of its rules are about no border is known, so that they match nowhere"
        warnings.append(Notice.of("comparison.no_border", text, policy=policy.name, count=unknown))
    return warnings + [text for text in side.warnings if "no border" not in text]


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
    rows += [file_entry(str(path)) for path in (asked.reports, asked.registry) if path is not None]
    return tuple(dict.fromkeys((*rows, *(entry for arm in arms for entry in arm.inputs.files))))


def _list_settings(before: Any, after: Any, key: str = "") -> list[tuple[str, str, str]]:
    """Settings that differ between two scenarios: key, and both values."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = dict.fromkeys([*before, *after])
        return [row for name in names for row in _list_settings(before.get(name), after.get(name), f"{key}.{name}" if key else name)]
    return [] if before == after else [(key, _write_setting(before), _write_setting(after))]


def _write_setting(value: Any) -> str:
    return "–" if value in (None, [], "") else str(value)


def _without_folders(value: Any) -> Any:
    """Settings with files named by their last part: where they lie is nobody's business, and their hashes stand among the inputs."""
    if isinstance(value, dict):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
