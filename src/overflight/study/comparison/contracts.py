"""Contracts under a policy: whether their terminals may be served where they were promised, and at which rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.clock import Instants, parse_time
from overflight.earth.population import built_in_population
from overflight.earth.territory import Territory
from overflight.service.contracts import Contract
from overflight.service.spreading import distribute_terminals
from overflight.service.verdicts import Terminal
from overflight.study.comparison.people import People, settle_codes
from overflight.study.comparison.shares import Shares, share_parts
from overflight.study.comparison.standing import Side, judge_points

Floats = npt.NDArray[np.float64]


class Permission(NamedTuple):
    """What a policy leaves of a contract, over all of its territories and the instants asked about.

    Attributes
    ----------
    served
        Share of the terminals that are served.
    short
        Share that is served at a limit below what was committed.
    rules
        Names of the rules that deny or limit the others, the one with most first.
    """

    served: float
    short: float
    rules: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Promise:
    """A contract in the territory that is simulated.

    Attributes
    ----------
    contract
        The contract.
    counts
        Its terminals in each of the territory's cells, shape (cells,); none where it does not name the territory.
    sides
        What each policy leaves of them.
    permissions
        What each policy leaves of the whole contract.
    """

    contract: Contract
    counts: npt.NDArray[np.int64]
    sides: tuple[Shares, ...]
    permissions: tuple[Permission, ...]


def is_agreed(contract: Contract, start: np.datetime64, end: np.datetime64) -> bool:
    """Whether a contract holds in some of a span of time."""
    begins = contract.starts is None or parse_time(contract.starts) < end
    return bool(begins and (contract.ends is None or parse_time(contract.ends) > start))


def place_contract(contract: Contract, territory: Territory) -> npt.NDArray[np.int64]:
    """Terminals of a contract in each cell of a territory, by people, shape (cells,).

    Those of a contract over several territories are shared out among them by their people; each gets one at least.
    """
    cells = len(territory.cells)
    if territory.code not in contract.territories:
        return np.zeros(cells, dtype=np.int64)
    lives = {code: float(built_in_population(code).sum()) for code in contract.territories if code != territory.code}
    lives[territory.code] = float(territory.population.sum())
    whole = sum(lives.values())
    here = max(1, round(contract.terminals * lives[territory.code] / whole)) if whole else contract.terminals
    method = "population" if territory.population.any() else "uniform"
    return distribute_terminals(territory.population, here, method=method, cell_ids=territory.cells)


def judge_contract(
    contract: Contract, territory: Territory, people: People, sides: Sequence[Side], instants: Instants, *, operator: str
) -> Promise:
    """Place a contract's terminals, and judge them under each policy.

    Parameters
    ----------
    contract
        The contract.
    territory
        The territory that is simulated.
    people
        Its people, whose parts come first in the order of its cells.
    sides
        The policies.
    instants
        When, shape (instants,).
    operator
        Whose terminals.
    """
    counts = place_contract(contract, territory)
    here = {people.codes[row] for row in np.unique(people.code[people.own])}
    elsewhere = tuple(code for code in contract.territories if code not in here)
    beyond = settle_codes(elsewhere) if elsewhere else None
    shares, permissions = [], []
    for side in sides:
        mine = _judge(contract, side, people, instants, operator)
        shares.append(Shares(*(values[:, : len(counts)] for values in mine.shares)))
        found = [_weigh(mine, people, contract)]
        if beyond is not None:
            found.append(_weigh(_judge(contract, side, beyond, instants, operator), beyond, contract))
        permissions.append(_permit(found))
    return Promise(contract, counts, tuple(shares), tuple(permissions))


class _Judged(NamedTuple):
    """Shares of parts, and by point: share of the terminals that is served, served short of what was committed, and denied by rule."""

    shares: Shares
    served: Floats
    short: Floats
    refused: dict[str, Floats]


def _judge(contract: Contract, side: Side, people: People, instants: Instants, operator: str) -> _Judged:
    code = people.home.astype(np.int32)
    shape = (len(instants), len(people))
    served, short = np.zeros(shape), np.zeros(shape)
    total = [np.zeros((len(instants), len(people.cells))) for _ in range(5)]
    refused: dict[str, Floats] = {}
    for identifier, weight in _kinds(contract, side):
        terminals = [Terminal(identifier, contract.terminal_class, contract.owned_by, home, operator) for home in people.codes]
        standing = judge_points(side, people.lat_deg, people.lon_deg, code, terminals, instants)
        # Who its terminals are is known: nobody is asked about as if he were listed.
        standing = standing.as_stated()
        down, up = (standing.cap(name, getattr(contract, name)) for name in ("down_mbps", "up_mbps"))
        too_little = standing.served & ((down < contract.down_mbps) | (up < contract.up_mbps))
        served += weight * standing.served
        short += weight * too_little
        shares = share_parts(standing, people, down_mbps=contract.down_mbps, up_mbps=contract.up_mbps)
        asked = shares.served * shares.down_mbps, shares.served * shares.up_mbps
        for row, values in enumerate((shares.served, shares.by_list, shares.bound, *asked)):
            total[row] += weight * values
        for name, where in standing.rules_at(~standing.served | too_little, side).items():
            refused[name] = refused.get(name, np.zeros(len(people))) + weight * where
    rates = [
        np.divide(column, total[0], out=np.full(column.shape, most), where=total[0] > 0.0)
        for column, most in zip(total[3:], (contract.down_mbps, contract.up_mbps), strict=True)
    ]
    return _Judged(Shares(total[0], total[1], total[2], *rates), served.mean(axis=0), short.mean(axis=0), refused)


def _kinds(contract: Contract, side: Side) -> list[tuple[str, float]]:
    """Terminals that a policy treats alike: an identifier of each sort, and their share of the contract's."""
    lists = [] if side.compiled is None else [rule.terminals for rule in side.compiled.ready.rules if rule.terminals]
    sorts: dict[tuple[bool, ...], list[str]] = {}
    for name in dict.fromkeys(contract.terminal_ids):
        sorts.setdefault(tuple(name in listed for listed in lists), []).append(name)
    unnamed = contract.terminals - sum(len(names) for names in sorts.values())
    kinds = [("", unnamed / contract.terminals)] if unnamed else []
    return kinds + [(names[0], len(names) / contract.terminals) for names in sorts.values()]


class _Weighed(NamedTuple):
    people: float
    served: float
    short: float
    refused: dict[str, float]


def _weigh(judged: _Judged, people: People, contract: Contract) -> tuple[_Weighed, _Weighed]:
    """Add the points of the contract's territories up by people, and each alike."""
    wanted = np.isin(people.code, [row for row, code in enumerate(people.codes) if code in contract.territories])
    inside = (wanted & people.own)[people.part]

    def add(weight: Floats) -> _Weighed:
        refused = {name: float(weight @ where) for name, where in judged.refused.items()}
        return _Weighed(float(weight.sum()), float(weight @ judged.served), float(weight @ judged.short), refused)

    return add(np.where(inside, people.people, 0.0)), add(np.where(inside, 1.0, 0.0))


def _permit(pairs: list[tuple[_Weighed, _Weighed]]) -> Permission:
    # Points count only where nobody lives in any of the territories.
    found = [by_people for by_people, _ in pairs]
    if not any(row.people for row in found):
        found = [by_point for _, by_point in pairs]
    whole = sum(row.people for row in found)
    refused: dict[str, float] = {}
    for row in found:
        for name, people in row.refused.items():
            refused[name] = refused.get(name, 0.0) + people
    rules = tuple(name for name, people in sorted(refused.items(), key=lambda item: (-item[1], item[0])) if people > 0.0)
    if not whole:
        return Permission(0.0, 0.0, rules)
    return Permission(min(1.0, sum(row.served for row in found) / whole), sum(row.short for row in found) / whole, rules)
