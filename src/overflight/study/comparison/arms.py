"""The two sides of a comparison, worked out: verdicts at people's places, the markets that follow, the twin over them."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.account import Account
from overflight.capacity.market import OwnDemand, settle_demand
from overflight.capacity.slots import spread_middles
from overflight.capacity.twin import CapacityTwin
from overflight.clock import Instants
from overflight.errors import ScenarioError
from overflight.inputs import FleetInputs, Inputs
from overflight.service.classes import CLASSES, DEFAULT_CLASS, find_class
from overflight.service.contracts import Contracts
from overflight.study.comparison.contracts import Promise, is_agreed, judge_contract
from overflight.study.comparison.lists import share_lists
from overflight.study.comparison.markets import Markets, settle_markets
from overflight.study.comparison.people import AROUND_KM, People, settle_territory
from overflight.study.comparison.shares import Shares, share_parts
from overflight.study.comparison.sides import SideFigures, work_sides
from overflight.study.comparison.standing import Side, Standing, judge_people

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

SLOTS = 12
"""Slots, evenly spread over the time simulated, that are worked out on both sides."""

_JUDGED = 0.3
"""Share of the work that is done when verdicts are asked and the markets stand."""


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
    discloses
        Whether owners and identifiers of terminals stand in the document, besides counts.
    """

    contracts: Contracts | None = None
    terminal_class: str = DEFAULT_CLASS
    slots: int = SLOTS
    reports: Path | None = None
    registry: Path | None = None
    discloses: bool = True


@dataclass(frozen=True, eq=False)
class Arm:
    """One side, worked out.

    Attributes
    ----------
    inputs, fleet
        What was simulated.
    side
        The policy.
    own
        The terminals that the territory would have if all were served.
    people
        The territory's people, whose parts come first in the order of its cells, and those around it.
    standings
        Verdicts by class, at `people`.
    rows
        Slots of the run that were worked out.
    markets, column
        Who asked, and which of its sides this is.
    twin
        The twin of it.
    promises
        Contracts agreed at the time.
    figures
        What the twin found.
    terminal_class
        Class by which people and cells count as served.
    """

    inputs: Inputs
    fleet: FleetInputs
    side: Side
    own: OwnDemand
    people: People
    standings: dict[str, Standing]
    rows: npt.NDArray[np.int64]
    markets: Markets
    column: int
    twin: CapacityTwin
    promises: tuple[Promise, ...]
    figures: SideFigures
    terminal_class: str

    @property
    def cells(self) -> int:
        """Cells of the territory."""
        return len(self.inputs.territory.cells)

    @property
    def headline(self) -> Standing:
        """Verdicts on the class by which people count as served."""
        return self.standings[self.terminal_class]

    @property
    def listed_share(self) -> float:
        """Share of the territory's terminals served only if listed that are on a list; NaN where there are none."""
        waiting = listed = 0.0
        for name, standing in self.standings.items():
            at_point = self.terminals_at(name)
            waiting += float((standing.listed_only * at_point).sum())
            listed += float((standing.by_list * at_point).sum())
        return listed / waiting if waiting else math.nan

    def terminals_at(self, terminal_class: str) -> Floats:
        """Terminals of a class at each point of `people`, if all were served; none around the territory. Shape (points,)."""
        counts = self.own.terminals.counts[:, CLASSES.index(terminal_class)]
        of_part = np.zeros(len(self.people.cells))
        of_part[: self.cells] = counts
        return of_part[self.people.part] * self.people.weight

    def share_cells(self, terminal_class: str) -> Shares:
        """Shares of the territory's cells that the policy serves, for a class, shape (instants, cells)."""
        row = find_class(terminal_class)
        shares = share_parts(self.standings[terminal_class], self.people, down_mbps=row.down_mbps, up_mbps=row.up_mbps)
        return Shares(*(values[:, : self.cells] for values in shares))


def work_arms(inputs: Inputs, sides: Sequence[Side], asked: Question, *, threads: int, progress: Progress) -> tuple[Arm, ...]:
    """Work a scenario out under some policies.

    Raises
    ------
    ScenarioError
        If nothing is known of the constellation's ground.
    """
    fleet = inputs.fleets[0]
    assert inputs.scenario.capacity is not None
    if fleet.home_pop is None:
        msg = f"{fleet.title}: no gateway is known of it, so what a policy does to rates cannot be told; take another constellation"
        raise ScenarioError(msg)
    own = settle_demand(inputs, fleet, inputs.scenario.capacity, Account())
    rows = spread_middles(len(inputs.slot_start), asked.slots)
    changing = any(side.changes_within(inputs.start, inputs.end) for side in sides)
    instants: Instants = inputs.slot_start[rows if changing else rows[:1]]
    people = settle_territory(inputs.territory, around_km=AROUND_KM)
    incumbents = inputs.scenario.capacity.incumbents
    present = [name for column, name in enumerate(CLASSES) if own.terminals.counts[:, column].any()]
    names = dict.fromkeys([asked.terminal_class, *present])
    judged = [
        _judge_side(side, people, names, present, own, inputs, instants, operator=fleet.operator, incumbents=incumbents) for side in sides
    ]
    standings, list_shares = [one.standings for one in judged], [one.list_share for one in judged]
    promises = tuple(
        judge_contract(contract, inputs.territory, people, sides, instants, operator=fleet.operator)
        for contract in (() if asked.contracts is None else asked.contracts.contracts)
        if is_agreed(contract, inputs.start, inputs.end)
    )
    here = [promise for promise in promises if promise.counts.any()]
    markets = settle_markets(
        inputs,
        fleet,
        own,
        sides,
        people,
        [{name: one[name] for name in present} for one in standings],
        list_shares,
        instants,
        incumbents=incumbents,
        promises=here,
    )
    twin = CapacityTwin(inputs, fleet, threads=threads, market=markets.union)
    scenes = list(twin.find_scenes(rows, threads=threads))
    progress(_JUDGED)
    figures = work_sides(twin, scenes, markets, here, threads=threads, progress=lambda share: progress(_JUDGED + (1.0 - _JUDGED) * share))
    return tuple(
        Arm(
            inputs=inputs,
            fleet=fleet,
            side=side,
            own=own,
            people=people,
            standings=standings[column],
            rows=rows,
            markets=markets,
            column=column,
            twin=twin,
            promises=promises,
            figures=figures[column],
            terminal_class=asked.terminal_class,
        )
        for column, side in enumerate(sides)
    )


class _Judged(NamedTuple):
    """Verdicts by class with lists counted, and the share of the terminals waiting for each rule that are on its list."""

    standings: dict[str, Standing]
    list_share: Floats


def _judge_side(
    side: Side,
    people: People,
    names: Iterable[str],
    present: Sequence[str],
    own: OwnDemand,
    inputs: Inputs,
    instants: Instants,
    *,
    operator: str,
    incumbents: float,
) -> _Judged:
    """Ask a policy about some classes; of ``present`` there are terminals."""
    standings = {name: judge_people(side, people, name, instants, operator=operator) for name in names}
    waiting = {name: standings[name] for name in present}
    share = share_lists(side, people, waiting, own, inputs.territory.cells, instants, operator=operator, incumbents=incumbents)
    return _Judged({name: replace(standing, list_share=share) for name, standing in standings.items()}, share)
