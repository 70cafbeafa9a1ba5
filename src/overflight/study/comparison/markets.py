"""Who asks for service under each policy: the same cells, with the terminals that the policy leaves them and the rates it leaves these.

Terminals are those that there would be if everybody were served, times the share of a cell's people at whose place the policy serves
their class, listed ones among them (`overflight.study.comparison.lists`). Each contract is a class of its own, placed by people where
its customer was promised service.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.capacity.market import OTHERS_RESOLUTION, Market, OwnDemand, gather_cells, list_competitors, make_market
from overflight.clock import Instants
from overflight.earth.cells import cell_parents
from overflight.earth.population import territories_of_cells
from overflight.inputs import FleetInputs, Inputs
from overflight.service.classes import CLASSES, DEFAULT_CLASS, find_class
from overflight.study.comparison.contracts import Promise
from overflight.study.comparison.people import AROUND_KM, People, is_within, settle_cells
from overflight.study.comparison.shares import Shares, share_parts
from overflight.study.comparison.standing import Side, Standing, judge_people

Floats = npt.NDArray[np.float64]

_LEAST = 1e-9
"""Fewer terminals than this are none."""


class Asking(NamedTuple):
    """Who asks in one cell after the other at one instant.

    Attributes
    ----------
    terminals, down_mbps, up_mbps
        Terminals and what each asks for, shape (cells, classes).
    most_mbps
        What the terminals of a cell may have together: infinite but where all of them are at a limit or on a list, shape (cells,).
    """

    terminals: Floats
    down_mbps: Floats
    up_mbps: Floats
    most_mbps: Floats


class NearCells(NamedTuple):
    """Cells elsewhere near the territory.

    Attributes
    ----------
    cells
        uint64, shape (n,).
    row
        Row of the cell of the market that stands for each, shape (n,).
    served
        Whether somebody is served there, by side and instant, shape (sides, instants, n).
    """

    cells: npt.NDArray[np.uint64]
    row: npt.NDArray[np.int64]
    served: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Markets:
    """The market of both policies.

    Attributes
    ----------
    union
        Every cell that has terminals under either, with the greater number.
    asking
        By side, then by instant.
    other_codes
        Territory of each cell of the market, by its code; the territory's own for its cells.
    contract_classes
        Column of each contract in the market, by its name.
    near
        Cells elsewhere that lie near the territory, one by one.
    """

    union: Market
    asking: tuple[tuple[Asking, ...], ...]
    other_codes: tuple[str, ...]
    contract_classes: dict[str, int]
    near: NearCells

    def at(self, side: int, instant: int) -> Asking:
        """Who asks at an instant; where verdicts do not change, the same at all."""
        rows = self.asking[side]
        return rows[min(instant, len(rows) - 1)]

    def of(self, side: int, instant: int) -> Market:
        """The market of a side at an instant."""
        asking = self.at(side, instant)
        return replace(self.union, terminals=asking.terminals, down_mbps=asking.down_mbps, up_mbps=asking.up_mbps)


def settle_markets(
    inputs: Inputs,
    fleet: FleetInputs,
    own: OwnDemand,
    sides: Sequence[Side],
    people: People,
    standings: Sequence[dict[str, Standing]],
    list_shares: Sequence[Floats],
    instants: Instants,
    *,
    incumbents: float,
    promises: Sequence[Promise] = (),
) -> Markets:
    """Put the market of some policies together.

    Parameters
    ----------
    inputs, fleet, own
        What is simulated, and the terminals that the territory would have if all were served.
    sides
        The policies.
    people
        The territory's people, in its cells' order first.
    standings
        By side: verdicts on each class that has terminals, at `people`, with their lists counted.
    list_shares
        By side: share of the terminals waiting for each rule that are on its list.
    instants
        At which verdicts were asked, shape (instants,).
    incumbents
        Terminals elsewhere as a multiple of what is estimated.
    promises
        Contracts with terminals in the territory.
    """
    mine, k = len(inputs.territory.cells), len(instants)
    cells, potential = list_competitors(inputs.territory.cells, fleet, scale=incumbents, everywhere=True)
    ours = [_share_own(one, people, own, mine) for one in standings]
    others = [
        _share_others(side, cells, instants, list_share, operator=fleet.operator)
        for side, list_share in zip(sides, list_shares, strict=True)
    ]
    theirs = _count_others(potential, others)
    some = theirs.terminals.max(axis=(1, 2), initial=0.0) > 0.0
    kept = _Others(*(values[some] for values in theirs))
    most = kept.terminals.max(axis=(1, 2), initial=0.0)
    # Rates travel as sums over terminals; terminals alone decide where a parent stands.
    gathered, sums = gather_cells(cells[some], np.stack(kept, axis=-1), by=most)
    order = np.argsort(gathered, kind="stable")
    sums = sums[order]
    union = make_market(inputs, fleet, own, (gathered[order], sums[..., 0].max(axis=(1, 2), initial=0.0)))
    asking = tuple(
        tuple(_ask(union, own, ours[s], _Others(*(sums[:, s, i, column] for column in range(3))), promises, s, i) for i in range(k))
        for s in range(len(sides))
    )
    near = _find_near(inputs, cells[some], np.moveaxis(kept.terminals, 0, -1) > 0.0, union)
    owners = territories_of_cells(union.cell_ids)
    codes = tuple(inputs.territory.code if is_own else (names[0] if names else "") for names, is_own in zip(owners, union.own, strict=True))
    columns = {promise.contract.name: len(CLASSES) + number for number, promise in enumerate(promises)}
    return Markets(_with_contracts(union, promises), asking, codes, columns, near)


class _Others(NamedTuple):
    """Terminals in cells elsewhere, and what they ask for together, down and up; first axis cells, then sides and instants if any."""

    terminals: Floats
    down_mbps: Floats
    up_mbps: Floats


def _count_others(potential: Floats, shares: Sequence[Shares]) -> _Others:
    """What policies leave of the terminals elsewhere, shape (cells, sides, instants)."""
    terminals = np.stack([(potential * (one.served + one.by_list)).T for one in shares], axis=1)
    down, up = (np.stack([getattr(one, name).T for one in shares], axis=1) for name in ("down_mbps", "up_mbps"))
    return _Others(terminals, terminals * down, terminals * up)


def _share_own(standings: dict[str, Standing], people: People, own: OwnDemand, cells: int) -> dict[str, Shares]:
    """Shares of the territory's own cells, by class."""
    found = {}
    for name, standing in standings.items():
        column = CLASSES.index(name)
        shares = share_parts(standing, people, down_mbps=float(own.down_mbps[column]), up_mbps=float(own.up_mbps[column]))
        found[name] = Shares(*(values[:, :cells] for values in shares))
    return found


def _share_others(side: Side, cells: npt.NDArray[np.uint64], instants: Instants, list_share: Floats, *, operator: str) -> Shares:
    """Shares of consumers in cells elsewhere, shape (instants, cells)."""
    row = find_class(DEFAULT_CLASS)
    k = len(instants)
    if not len(cells):
        return Shares(*(np.empty((k, 0)) for _ in range(5)))
    people = settle_cells(cells)
    standing = judge_people(side, people, DEFAULT_CLASS, instants, operator=operator)
    by_part = share_parts(replace(standing, list_share=list_share), people, down_mbps=row.down_mbps, up_mbps=row.up_mbps)
    # Parts of one cell are those of several territories: people weigh them.
    place = np.searchsorted(cells, people.cells)
    lives = np.bincount(people.part, weights=people.people, minlength=len(people.cells))
    whole = np.bincount(place, weights=lives, minlength=len(cells))
    parts = np.bincount(place, minlength=len(cells))
    weight = np.divide(lives, whole[place], out=1.0 / parts[place], where=whole[place] > 0.0)

    def add(values: Floats) -> Floats:
        return np.stack([np.bincount(place, weights=weight * row, minlength=len(cells)).astype(np.float64) for row in values])

    return Shares(*(add(values) for values in by_part))


def _find_near(inputs: Inputs, cells: npt.NDArray[np.uint64], served: npt.NDArray[np.bool_], union: Market) -> NearCells:
    """Cells elsewhere whose beams may spill over the territory's border."""
    close = is_within(cells, inputs.territory.cells, AROUND_KM)
    cells = cells[close]
    theirs = np.flatnonzero(~union.own)
    parents = cell_parents(union.cell_ids[theirs], OTHERS_RESOLUTION)
    order = np.argsort(parents, kind="stable")
    place = np.searchsorted(parents[order], cell_parents(cells, OTHERS_RESOLUTION))
    return NearCells(cells, theirs[order][place] if len(cells) else theirs[:0], served[:, :, close])


def _with_contracts(union: Market, promises: Sequence[Promise]) -> Market:
    """The market with a class of terminals for each contract."""
    if not promises:
        return union
    cells = len(union)
    terminals = np.zeros((cells, len(promises)))
    for column, promise in enumerate(promises):
        terminals[union.own, column] = promise.counts

    def beside(column: Floats, values: list[float]) -> Floats:
        return np.column_stack([column, np.broadcast_to(np.array(values), (cells, len(values)))])

    rows = [promise.contract for promise in promises]
    return replace(
        union,
        terminals=np.column_stack([union.terminals, terminals]),
        down_mbps=beside(union.down_mbps, [row.down_mbps for row in rows]),
        up_mbps=beside(union.up_mbps, [row.up_mbps for row in rows]),
        active_share=beside(union.active_share, [find_class(row.terminal_class).active_share for row in rows]),
        weight=np.append(union.weight, [row.priority for row in rows]),
        classes=(*union.classes, *(row.name for row in rows)),
    )


def _ask(
    union: Market, own: OwnDemand, ours: dict[str, Shares], theirs: _Others, promises: Sequence[Promise], side: int, instant: int
) -> Asking:
    """Terminals and rates at one instant under one policy."""
    shape, many = (len(union), len(CLASSES) + len(promises)), len(CLASSES)
    terminals, down, up = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    is_free = np.zeros(int(union.own.sum()), dtype=np.bool_)
    down[:, :many], up[:, :many] = union.down_mbps, union.up_mbps
    for name, shares in ours.items():
        column = CLASSES.index(name)
        terminals[union.own, column] = own.terminals.counts[:, column] * (shares.served + shares.by_list)[instant]
        down[union.own, column], up[union.own, column] = shares.down_mbps[instant], shares.up_mbps[instant]
        free = (shares.served + shares.by_list - shares.bound)[instant]
        is_free |= own.terminals.counts[:, column] * free > _LEAST
    most_mbps = np.full(len(union), np.inf)
    together = (terminals * down)[union.own].sum(axis=1)
    most_mbps[union.own] = np.where(is_free | (together <= 0.0), np.inf, together)
    column = CLASSES.index(DEFAULT_CLASS)
    terminals[~union.own, column] = theirs.terminals
    for rates, sums in ((down, theirs.down_mbps), (up, theirs.up_mbps)):
        before = rates[~union.own, column]
        rates[~union.own, column] = np.divide(sums, theirs.terminals, out=before, where=theirs.terminals > 0.0)
    for number, promise in enumerate(promises, start=many):
        shares = promise.sides[side]
        terminals[union.own, number] = promise.counts * shares.served[instant]
        down[:, number], up[:, number] = promise.contract.down_mbps, promise.contract.up_mbps
        down[union.own, number], up[union.own, number] = shares.down_mbps[instant], shares.up_mbps[instant]
    return Asking(terminals, down, up, most_mbps)
