"""Who asks for service under each policy: the same cells, with the terminals that the policy leaves them and the rates it leaves these.

Terminals are those that there would be if everybody were served, times the share of a cell's people at whose place the policy serves
their class. Of lists only the length is known, not where the terminals on them stand: as many of those that are served only if listed
count as served as the lists name. Each contract is a class of its own, placed by people where its customer was promised service.
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


class Asking(NamedTuple):
    """Who asks in one cell after the other at one instant: terminals and rates, shape (cells, classes)."""

    terminals: Floats
    down_mbps: Floats
    up_mbps: Floats


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
    listed_share
        By side: share of the terminals that are served only if listed that lists have names for; NaN where there are none.
    contract_classes
        Column of each contract in the market, by its name.
    near
        Cells elsewhere that lie near the territory, one by one.
    """

    union: Market
    asking: tuple[tuple[Asking, ...], ...]
    other_codes: tuple[str, ...]
    listed_share: tuple[float, ...]
    contract_classes: dict[str, int]
    near: "NearCells"

    def of(self, side: int, instant: int) -> Market:
        """The market of a side at an instant."""
        rows = self.asking[side]
        asking = rows[min(instant, len(rows) - 1)]
        return replace(self.union, terminals=asking.terminals, down_mbps=asking.down_mbps, up_mbps=asking.up_mbps)


def settle_markets(
    inputs: Inputs,
    fleet: FleetInputs,
    own: OwnDemand,
    sides: Sequence[Side],
    people: People,
    standings: Sequence[dict[str, Standing]],
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
        By side: verdicts on each class that has terminals, at `people`.
    instants
        At which verdicts were asked, shape (instants,).
    incumbents
        Terminals elsewhere as a multiple of what is estimated.
    promises
        Contracts with terminals in the territory.
    """
    mine = len(inputs.territory.cells)
    cells, potential = list_competitors(inputs.territory.cells, fleet, scale=incumbents, everywhere=True)
    others = [_share_others(side, cells, instants, operator=fleet.operator) for side in sides]
    ours = [_share_own(one, people, own, mine) for one in standings]
    listed = [
        _count_listed(side, own, mine_shares, potential, theirs) for side, mine_shares, theirs in zip(sides, ours, others, strict=True)
    ]
    counts = [potential * (theirs.served + theirs.listed_only * share) for theirs, share in zip(others, listed, strict=True)]
    k = len(instants)
    columns = [
        *(row for count in counts for row in count),
        *(row for count, theirs in zip(counts, others, strict=True) for row in count * theirs.down_mbps),
        *(row for count, theirs in zip(counts, others, strict=True) for row in count * theirs.up_mbps),
    ]
    table = np.column_stack(columns) if len(cells) else np.empty((0, len(columns)))
    some = table[:, : len(sides) * k].max(axis=1, initial=0.0) > 0.0
    # Rates travel as sums over terminals; terminals alone decide where a parent stands.
    gathered, sums = gather_cells(cells[some], table[some], by=table[some, : len(sides) * k].max(axis=1, initial=0.0))
    union = make_market(inputs, fleet, own, (gathered, sums[:, : len(sides) * k].max(axis=1, initial=0.0)))
    order = np.argsort(gathered, kind="stable")
    sums = sums[order].T.reshape(3, len(sides), k, len(gathered))
    asking = tuple(
        tuple(
            _ask(union, own, ours[s], listed[s], sums[:, s, i], [promise.sides[s] for promise in promises], promises, i) for i in range(k)
        )
        for s in range(len(sides))
    )
    near = _find_near(inputs, cells[some], table[some, : len(sides) * k].T.reshape(len(sides), k, -1) > 0.0, union)
    union = _with_contracts(union, promises)
    owners = territories_of_cells(union.cell_ids)
    codes = tuple(inputs.territory.code if is_own else (names[0] if names else "") for names, is_own in zip(owners, union.own, strict=True))
    share = tuple(
        value if _has_listed(mine_shares, theirs) else np.nan for value, mine_shares, theirs in zip(listed, ours, others, strict=True)
    )
    return Markets(union, asking, codes, share, {promise.contract.name: len(CLASSES) + i for i, promise in enumerate(promises)}, near)


def _share_own(standings: dict[str, Standing], people: People, own: OwnDemand, cells: int) -> dict[str, Shares]:
    """Shares of the territory's own cells, by class."""
    found = {}
    for name, standing in standings.items():
        column = CLASSES.index(name)
        shares = share_parts(standing, people, down_mbps=float(own.down_mbps[column]), up_mbps=float(own.up_mbps[column]))
        found[name] = Shares(*(values[:, :cells] for values in shares))
    return found


def _share_others(side: Side, cells: npt.NDArray[np.uint64], instants: Instants, *, operator: str) -> Shares:
    """Shares of consumers in cells elsewhere, shape (instants, cells)."""
    row = find_class(DEFAULT_CLASS)
    k = len(instants)
    if not len(cells):
        return Shares(*(np.empty((k, 0)) for _ in range(4)))
    people = settle_cells(cells)
    standing = judge_people(side, people, DEFAULT_CLASS, instants, operator=operator)
    by_part = share_parts(standing, people, down_mbps=row.down_mbps, up_mbps=row.up_mbps)
    # Parts of one cell are those of several territories: people weigh them.
    place = np.searchsorted(cells, people.cells)
    lives = np.bincount(people.part, weights=people.people, minlength=len(people.cells))
    whole = np.bincount(place, weights=lives, minlength=len(cells))
    parts = np.bincount(place, minlength=len(cells))
    weight = np.divide(lives, whole[place], out=1.0 / parts[place], where=whole[place] > 0.0)

    def add(values: Floats) -> Floats:
        return np.stack([np.bincount(place, weights=weight * row, minlength=len(cells)).astype(np.float64) for row in values])

    return Shares(*(add(values) for values in by_part))


def _count_listed(side: Side, own: OwnDemand, ours: dict[str, Shares], potential: Floats, theirs: Shares) -> float:
    """Share of the terminals which are served only if listed that the policy's lists have names for."""
    waiting = float((potential * theirs.listed_only).sum(axis=1).max(initial=0.0))
    for name, shares in ours.items():
        counts = own.terminals.counts[:, CLASSES.index(name)]
        waiting += float((counts * shares.listed_only).sum(axis=1).max(initial=0.0))
    if not waiting or side.compiled is None:
        return 0.0
    names = {name for rule in side.compiled.ready.rules if rule.rule.verdict != "deny" for name in rule.terminals}
    return min(1.0, len(names) / waiting)


def _has_listed(ours: dict[str, Shares], theirs: Shares) -> bool:
    return bool(theirs.listed_only.any()) or any(bool(shares.listed_only.any()) for shares in ours.values())


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
    union: Market,
    own: OwnDemand,
    ours: dict[str, Shares],
    listed: float,
    theirs: Floats,
    kept: Sequence[Shares],
    promises: Sequence[Promise],
    instant: int,
) -> Asking:
    """Terminals and rates at one instant under one policy; ``theirs``: terminals elsewhere and their sums of rates, shape (3, cells)."""
    shape = (len(union), len(CLASSES) + len(promises))
    terminals, down, up = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    down[:, : len(CLASSES)], up[:, : len(CLASSES)] = union.down_mbps[:, : len(CLASSES)], union.up_mbps[:, : len(CLASSES)]
    for name, shares in ours.items():
        column = CLASSES.index(name)
        share = shares.served[instant] + listed * shares.listed_only[instant]
        terminals[union.own, column] = own.terminals.counts[:, column] * share
        down[union.own, column], up[union.own, column] = shares.down_mbps[instant], shares.up_mbps[instant]
    column = CLASSES.index(DEFAULT_CLASS)
    count, down_sum, up_sum = theirs
    terminals[~union.own, column] = count
    for rates, sums in ((down, down_sum), (up, up_sum)):
        rates[~union.own, column] = np.divide(sums, count, out=rates[~union.own, column], where=count > 0.0)
    for number, (promise, shares) in enumerate(zip(promises, kept, strict=True), start=len(CLASSES)):
        terminals[union.own, number] = promise.counts * shares.served[instant]
        down[:, number], up[:, number] = promise.contract.down_mbps, promise.contract.up_mbps
        down[union.own, number], up[union.own, number] = shares.down_mbps[instant], shares.up_mbps[instant]
    return Asking(terminals, down, up)
