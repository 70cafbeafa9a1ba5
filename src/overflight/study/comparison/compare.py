"""Two policies over one territory: who gains and who loses, what becomes of rates, neighbours, gateways, contracts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight import __version__
from overflight.account import Account, file_entry
from overflight.capacity.market import OwnDemand, settle_demand
from overflight.capacity.scenes import Scene
from overflight.capacity.twin import CapacityTwin
from overflight.catalog.availability import service_status
from overflight.clock import Instants
from overflight.earth.territory import list_territories
from overflight.errors import ScenarioError
from overflight.inputs import FleetInputs, Inputs, gather_inputs
from overflight.notices import Notice
from overflight.scenario import Scenario
from overflight.service.classes import CLASSES, DEFAULT_CLASS, find_class
from overflight.service.contracts import Contract, Contracts
from overflight.service.difference import find_difference
from overflight.service.policy import Policy
from overflight.service.reading import Faults
from overflight.service.verdicts import Reports
from overflight.study.comparison.alternatives import find_alternatives
from overflight.study.comparison.contracts import Promise, is_agreed, judge_contract
from overflight.study.comparison.edge import find_edge
from overflight.study.comparison.findings import (
    CellCounts,
    ClassChange,
    ContractCheck,
    GatewayChange,
    Keeping,
    KnownTerminals,
    Lives,
    NeighbourChange,
    PolicyComparison,
    PolicySide,
    RateChange,
)
from overflight.study.comparison.known import find_known, read_known
from overflight.study.comparison.markets import Markets, settle_markets
from overflight.study.comparison.people import AROUND_KM, People, settle_territory
from overflight.study.comparison.shares import Shares, share_parts
from overflight.study.comparison.sides import SideFigures, work_sides
from overflight.study.comparison.standing import LIMITED, NO_POLICY, Side, Standing, judge_people, make_side
from overflight.study.comparison.summary import summarise
from overflight.study.findings import Assumption
from overflight.twin import count_threads

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

SLOTS = 12
"""Slots, evenly spread over the run, that are worked out under both policies."""

MOST_SLOTS = 5760

_WORK_SHARE = 0.85
"""Share of the progress bar that ends with the slots worked out."""

_LEAST = 1e-9
"""Shares that differ by less are the same."""

_LEAST_LANDED = 1e-6
"""Gateways with less of all traffic under either policy are not named."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked besides the policies.

    Attributes
    ----------
    contracts
        Contracts to be checked.
    terminal_class
        Class of terminals by which people and cells count as served.
    slots
        Slots that are worked out.
    reports, registry
        Files of terminals' position reports, and a register of terminals.
    """

    contracts: Contracts | None = None
    terminal_class: str = DEFAULT_CLASS
    slots: int = SLOTS
    reports: Path | None = None
    registry: Path | None = None


def compare_policies(
    scenario: Scenario,
    before: tuple[str, Policy | None],
    after: tuple[str, Policy | None],
    question: Question | None = None,
    *,
    threads: int | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> PolicyComparison:
    """Run the twin of a territory under two policies and say what changes.

    Parameters
    ----------
    scenario
        Territory, constellation, time; with a table of capacity.
    before, after
        Each policy and the name by which the user calls it; None: no policy, nobody is served.
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
    workers = count_threads(threads)
    find_class(asked.terminal_class)
    sides = tuple(make_side(*pair) for pair in (before, after))
    known_faults = Faults()
    known, notices = (None, []) if asked.reports is None else read_known(asked.reports, asked.registry, known_faults)
    tell(0.05)
    inputs = gather_inputs(scenario, strict=strict)
    fleet = inputs.fleets[0]
    _check_ground(fleet)
    work = _Work(inputs, fleet, sides, asked, workers)
    tell(0.15)
    figures = work_sides(
        work.twin, work.scenes, work.markets, work.here, threads=workers, progress=lambda share: tell(0.15 + (_WORK_SHARE - 0.15) * share)
    )
    findings = _gather(work, figures, None if known is None else find_known(known, sides, inputs.territory, inputs.slot_start[0]))
    tell(1.0)
    warnings = [*findings.warnings, *notices, *(str(example) for example in known_faults.examples), *_warn(work, known, findings)]
    whole = replace(findings, warnings=tuple(dict.fromkeys(warnings)))
    return replace(whole, summary=summarise(whole))


def _check_ground(fleet: FleetInputs) -> None:
    if fleet.home_pop is None:
        msg = f"{fleet.title}: no gateway is known of it, so what a policy does to rates cannot be told; take another constellation"
        raise ScenarioError(msg)


class _Work:
    """Everything that is worked on: verdicts at people's places, the markets that follow, and the twin over them."""

    def __init__(self, inputs: Inputs, fleet: FleetInputs, sides: Sequence[Side], asked: Question, threads: int) -> None:
        assert inputs.scenario.capacity is not None
        self.inputs, self.fleet, self.sides, self.asked, self.threads = inputs, fleet, sides, asked, threads
        settings = inputs.scenario.capacity
        self.own: OwnDemand = settle_demand(inputs, fleet, settings, Account())
        count = len(inputs.slot_start)
        self.rows = np.unique(np.linspace(0, count - 1, min(count, asked.slots)).round().astype(np.int64))
        changing = any(side.changes_within(inputs.start, inputs.end) for side in sides)
        self.instants: Instants = inputs.slot_start[self.rows if changing else self.rows[:1]]
        self.people: People = settle_territory(inputs.territory, around_km=AROUND_KM)
        present = [name for column, name in enumerate(CLASSES) if self.own.terminals.counts[:, column].any()]
        names = dict.fromkeys([asked.terminal_class, *present])
        self.standings = [
            {name: judge_people(side, self.people, name, self.instants, operator=fleet.operator) for name in names} for side in sides
        ]
        contracts = () if asked.contracts is None else asked.contracts.contracts
        self.promises = [
            judge_contract(contract, inputs.territory, self.people, sides, self.instants, operator=fleet.operator)
            for contract in contracts
            if is_agreed(contract, inputs.start, inputs.end)
        ]
        self.here = [promise for promise in self.promises if promise.counts.any()]
        self.markets: Markets = settle_markets(
            inputs,
            fleet,
            self.own,
            sides,
            self.people,
            [{name: one[name] for name in present} for one in self.standings],
            self.instants,
            incumbents=settings.incumbents,
            promises=self.here,
        )
        self.twin = CapacityTwin(inputs, fleet, threads=threads, market=self.markets.union)
        self.scenes: list[Scene] = [
            scene for row in self.rows for scene in self.twin.find_scenes(np.array([row], dtype=np.int64), threads=threads)
        ]

    @property
    def cells(self) -> int:
        """Cells of the territory."""
        return len(self.inputs.territory.cells)

    def headline(self, side: int) -> Standing:
        """Verdicts on the class by which people count as served."""
        return self.standings[side][self.asked.terminal_class]


def _gather(work: _Work, figures: Sequence[SideFigures], known: KnownTerminals | None) -> PolicyComparison:
    inputs, fleet, twin = work.inputs, work.fleet, work.twin
    territory = inputs.territory
    lives, lost_people = _count_lives(work)
    cell_served = tuple(_cell_shares(work, side).served.mean(axis=0) for side in range(2))
    classes, lost_terminals = _count_classes(work)
    own = twin.market.own
    everybody = territory.population if not lost_people.any() else lost_people
    allowed = [work.headline(side).served.mean(axis=0) >= 0.5 for side in range(2)]
    edges = [find_edge(work.people, one, figure.beams, twin) for one, figure in zip(allowed, figures, strict=True)]
    some = work.rows[np.unique(np.linspace(0, len(work.rows) - 1, min(len(work.rows), SLOTS)).round().astype(int))]
    is_lost = bool(lost_people.any())
    alternatives = find_alternatives(inputs, work.own, lost_terminals, everybody, some, threads=work.threads) if is_lost else ()
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
        slots=len(work.rows),
        constellation=fleet.title,
        terminal_class=work.asked.terminal_class,
        policies=(_describe(work.sides[0]), _describe(work.sides[1])),
        diff=dict(find_difference(work.sides[0].policy, work.sides[1].policy)._asdict()),
        lives=lives,
        cells=_count_cells(*cell_served),
        classes=classes,
        terminals_source=work.own.terminals.source,
        terminals_status=work.own.terminals.status,
        listed_share=(work.markets.listed_share[0], work.markets.listed_share[1]),
        known=known,
        rates=_compare_rates(figures),
        neighbours=_compare_neighbours(work.markets, figures),
        gateways=_compare_gateways(fleet, figures),
        edges=(edges[0], edges[1]),
        alternatives=alternatives,
        contracts=_check_contracts(work, figures),
        cell_ids=territory.cells,
        cell_population=territory.population,
        cell_served=(cell_served[0], cell_served[1]),
        cell_mbps=(figures[0].cell_mbps[own], figures[1].cell_mbps[own]),
        warnings=inputs.warnings,
        assumptions=_list_assumptions(work),
        inputs=_list_inputs(work),
        versions=(("overflight", __version__),),
        scenario=_without_folders(inputs.scenario.model_dump(mode="json")),
        summary=(),
    )


def _describe(side: Side) -> PolicySide:
    policy = side.policy
    if policy is None:
        return PolicySide(side.name, NO_POLICY, None, "", "", 0, "deny")
    return PolicySide(side.name, policy.name, side.sha256, policy.date, policy.source, len(policy.rules), policy.default.verdict)


def _count_lives(work: _Work) -> tuple[Lives, Floats]:
    """People by how they stand, and those of each cell who lose service."""
    people, own = work.people, work.people.is_own
    weight = np.where(own, people.people, 0.0)
    before, after = (work.headline(side) for side in range(2))
    served = [one.served.mean(axis=0) for one in (before, after)]
    limited = [(one.verdict == LIMITED).mean(axis=0) for one in (before, after)]
    listed = [one.listed_only.mean(axis=0) for one in (before, after)]
    free = [(one.verdict > LIMITED).mean(axis=0) for one in (before, after)]
    change = served[1] - served[0]
    lost = weight * np.maximum(-change, 0.0)

    def pair(shares: list[Floats]) -> tuple[float, float]:
        return float(weight @ shares[0]), float(weight @ shares[1])

    lives = Lives(
        total=float(weight.sum()),
        served=pair(served),
        limited=pair(limited),
        listed_only=pair(listed),
        gaining=float(weight @ np.maximum(change, 0.0)),
        losing=float(lost.sum()),
        limited_anew=float(weight @ np.minimum(free[0], limited[1])),
        freed_of_limit=float(weight @ np.minimum(limited[0], free[1])),
    )
    return lives, np.bincount(people.part[own], weights=lost[own], minlength=work.cells).astype(np.float64)


def _cell_shares(work: _Work, side: int) -> Shares:
    """Shares of the territory's cells that the policy serves, for the class asked about."""
    row = find_class(work.asked.terminal_class)
    shares = share_parts(work.headline(side), work.people, down_mbps=row.down_mbps, up_mbps=row.up_mbps)
    return Shares(*(values[:, : work.cells] for values in shares))


def _count_cells(before: Floats, after: Floats) -> CellCounts:
    def whole(served: Floats) -> int:
        return int((served >= 1.0 - _LEAST).sum())

    def partly(served: Floats) -> int:
        return int(((served > _LEAST) & (served < 1.0 - _LEAST)).sum())

    return CellCounts(
        total=len(before),
        whole=(whole(before), whole(after)),
        partly=(partly(before), partly(after)),
        gaining=int((after > before + _LEAST).sum()),
        losing=int((after < before - _LEAST).sum()),
    )


def _count_classes(work: _Work) -> tuple[tuple[ClassChange, ...], Floats]:
    """Terminals of each class, as estimated or given, before and after; and those of each cell and class that lose service."""
    counts = work.own.terminals.counts.astype(np.float64)
    lost = np.zeros(counts.shape)
    rows = []
    for column, name in enumerate(CLASSES):
        if not counts[:, column].any():
            continue
        served, limited = [], []
        for side in range(2):
            standing = work.standings[side][name]
            shares = share_parts(standing, work.people, down_mbps=1.0, up_mbps=1.0)
            listed = np.nan_to_num(work.markets.listed_share[side])
            served.append((shares.served + listed * shares.listed_only)[:, : work.cells].mean(axis=0))
            at_limit = (standing.verdict == LIMITED).mean(axis=0)
            limited.append(np.bincount(work.people.part, weights=work.people.weight * at_limit)[: work.cells])
        change = served[1] - served[0]
        lost[:, column] = counts[:, column] * np.maximum(-change, 0.0)
        rows.append(
            ClassChange(
                name=name,
                terminals=float(counts[:, column].sum()),
                served=(float(counts[:, column] @ served[0]), float(counts[:, column] @ served[1])),
                limited=(float(counts[:, column] @ limited[0]), float(counts[:, column] @ limited[1])),
                gaining=float(counts[:, column] @ np.maximum(change, 0.0)),
                losing=float(lost[:, column].sum()),
            )
        )
    return tuple(rows), lost


def _compare_rates(figures: Sequence[SideFigures]) -> RateChange:
    def pair(name: str) -> tuple[float, float]:
        return getattr(figures[0], name), getattr(figures[1], name)

    return RateChange(*(pair(name) for name in RateChange.__dataclass_fields__))


def _compare_neighbours(markets: Markets, figures: Sequence[SideFigures]) -> tuple[NeighbourChange, ...]:
    """Territories that share the satellites, those whose terminals feel the change most first."""
    names = {row.code: row.name for row in list_territories()}
    codes = np.array(markets.other_codes)
    rows = []
    for code in sorted(set(codes[~markets.union.own].tolist()) - {""}):
        here = (codes == code) & ~markets.union.own
        active = [float(one.cell_active[here].sum()) for one in figures]
        delivered = [float(one.cell_delivered_mbps[here].sum()) for one in figures]
        mean = [got / count if count > 0.0 else np.nan for got, count in zip(delivered, active, strict=True)]
        pair = (delivered[0] / 1000.0, delivered[1] / 1000.0)
        rows.append(NeighbourChange(code, names.get(code, code), (active[0], active[1]), (mean[0], mean[1]), pair))
    return tuple(sorted(rows, key=lambda row: (-abs(row.delivered_gbps[1] - row.delivered_gbps[0]), row.code)))


def _compare_gateways(fleet: FleetInputs, figures: Sequence[SideFigures]) -> tuple[GatewayChange, ...]:
    """Gateways, those whose load changes most first."""
    assert fleet.gateways is not None
    table = fleet.gateways
    whole = max(float(one.landed_gbps.sum()) for one in figures)
    rows = [
        GatewayChange(
            name=table.city[row] or table.name[row],
            country=table.country[row],
            status=table.status[row],
            landed_gbps=(float(figures[0].landed_gbps[row]), float(figures[1].landed_gbps[row])),
            own_gbps=(float(figures[0].own_landed_gbps[row]), float(figures[1].own_landed_gbps[row])),
        )
        for row in range(len(table))
        if max(float(one.landed_gbps[row]) for one in figures) > _LEAST_LANDED * whole
    ]
    return tuple(sorted(rows, key=lambda row: (-abs(row.landed_gbps[1] - row.landed_gbps[0]), -row.landed_gbps[1], row.name)))


def _check_contracts(work: _Work, figures: Sequence[SideFigures]) -> tuple[ContractCheck, ...]:
    """Every contract, before and after."""
    contracts: Sequence[Contract] = () if work.asked.contracts is None else work.asked.contracts.contracts
    promises = {promise.contract.name: promise for promise in work.promises}
    rows = []
    for contract in contracts:
        promise = promises.get(contract.name)
        sides = [_keep(promise, side, figures[side].met.get(contract.name, np.nan)) for side in range(2)]
        rows.append(
            ContractCheck(
                name=contract.name,
                customer=contract.customer,
                territories=contract.territories,
                terminals=contract.terminals,
                terminal_class=contract.terminal_class,
                down_mbps=contract.down_mbps,
                up_mbps=contract.up_mbps,
                availability_percent=contract.availability_percent,
                value_per_year=contract.value_per_year,
                currency=contract.currency,
                before=sides[0],
                after=sides[1],
            )
        )
    return tuple(rows)


def _keep(promise: Promise | None, side: int, met: float) -> Keeping:
    """State of a contract under one policy."""
    if promise is None:
        return Keeping("not-agreed", np.nan, np.nan, np.nan, ())
    permission = promise.permissions[side]
    wanted = promise.contract.availability_percent / 100.0
    if permission.served < 1.0 - _LEAST:
        state = "denied"
    elif permission.short > _LEAST:
        state = "limited"
    else:
        state = "short" if met < wanted else "kept"
    return Keeping(state, permission.served, permission.short, met, permission.rules)


def _warn(work: _Work, known: Reports | None, found: PolicyComparison) -> list[str]:
    """What a reader must know of this comparison beyond the inputs' own warnings."""
    warnings: list[str] = []
    territory, fleet = work.inputs.territory, work.fleet
    status = service_status(territory.code, operator=fleet.operator)
    if status.verdict_key == "split":
        text = "{name}: its status differs by province; 'public' denies all of it, 'public-split-allow' serves it"
        warnings.append(Notice.of("comparison.split", text, name=territory.name))
    for side in work.sides:
        if side.policy is not None:
            warnings += _warn_of_policy(side, side.policy, fleet, is_known=known is not None)
    if not found.lives.gaining and not found.lives.losing and found.policies[0].sha256 != found.policies[1].sha256:
        text = "both policies serve the same people of {name} with terminals of class {terminal_class} at rest"
        warnings.append(Notice.of("comparison.same", text, name=territory.name, terminal_class=work.asked.terminal_class))
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


def _list_assumptions(work: _Work) -> tuple[Assumption, ...]:
    own = work.own
    rows = [
        (
            "terminals",
            Notice.of("comparison.terminals", "{count:,} in the territory if all of it is served", count=own.terminals.total),
            own.terminals.status,
            own.terminals.source,
        ),
        (
            "people within a cell",
            Notice.word("comparison_value", "spread evenly over the land of the cell"),
            "assumed",
            "docs/models/comparison.md",
        ),
        (
            "cells as the operator switches them",
            Notice.word("comparison_value", "each as most of its people are to be served"),
            "assumed",
            "docs/models/comparison.md",
        ),
        (
            "width of beams",
            Notice.of("comparison.beam", "aperture of {diameter:g} m", diameter=work.twin.case.plant.values["satellite_ku_diameter_m"]),
            "assumed",
            "docs/models/radio.md",
        ),
    ]
    return tuple(Assumption(*row) for row in rows)


def _list_inputs(work: _Work) -> tuple[tuple[str, str], ...]:
    """Names and hashes of everything that was read, the policies and contracts among it."""
    rows = [(f"policy {side.name}", side.sha256) for side in work.sides if side.sha256 is not None]
    if work.asked.contracts is not None:
        rows.append(("contracts", work.asked.contracts.digest()))
    rows += [file_entry(str(path)) for path in (work.asked.reports, work.asked.registry) if path is not None]
    return (*((Path(name).name if "/" in name else name, sha256) for name, sha256 in rows), *work.inputs.files)


def _without_folders(value: Any) -> Any:
    """Settings with files named by their last part: where they lie is nobody's business, and their hashes stand among the inputs."""
    if isinstance(value, dict):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
