"""Lists of terminals whose places nobody knows: what share of those that must be listed to be served is on them.

A rule that serves a list serves as many of the terminals that wait for it, wherever in the world they do, as the list has names; each
of them is taken to be on it alike. Owners on a list have no number.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from overflight.capacity.market import OwnDemand
from overflight.clock import Instants
from overflight.earth.cells import cell_centres
from overflight.earth.population import read_world_cells
from overflight.service.classes import CLASSES, DEFAULT_CLASS
from overflight.service.subscribers import world_terminals
from overflight.service.verdicts import Terminal
from overflight.study.comparison.people import Cells, People
from overflight.study.comparison.standing import Side, Standing, judge_points

Floats = npt.NDArray[np.float64]


def share_lists(
    side: Side,
    people: People,
    standings: Mapping[str, Standing],
    own: OwnDemand,
    cells: Cells,
    instants: Instants,
    *,
    operator: str,
    incumbents: float,
) -> Floats:
    """Share of the terminals waiting for each rule that its list has names for, shape (rules + 1,).

    Parameters
    ----------
    side
        The policy.
    people
        The territory's people.
    standings
        Verdicts on each class that has terminals there.
    own
        Terminals of the territory.
    cells
        Its cells.
    instants
        When verdicts were asked.
    operator, incumbents
        Whose terminals elsewhere, and how many times what is estimated.
    """
    if side.compiled is None or not side.has_lists():
        return np.zeros(1 if side.compiled is None else len(side.compiled.ready.rules) + 1)
    rules = len(side.compiled.ready.rules) + 1
    waiting = np.zeros((len(instants), rules))
    mine = people.is_own
    for name, standing in standings.items():
        counts = own.terminals.counts[:, CLASSES.index(name)]
        at_point = np.where(mine, people.weight * np.append(counts, 0)[np.minimum(people.part, len(counts))], 0.0)
        waiting += _count_waiting(standing, at_point, rules)
    waiting += _count_elsewhere(side, cells, instants, rules, operator=operator, incumbents=incumbents)
    names = np.array(
        [len(rule.terminals) if rule.rule.verdict != "deny" else 0 for rule in side.compiled.ready.rules] + [0], dtype=np.float64
    )
    most = waiting.max(axis=0)
    shares: Floats = np.divide(names, most, out=np.zeros(rules), where=most > 0.0)
    return np.minimum(1.0, shares)


def _count_waiting(standing: Standing, at_point: Floats, rules: int) -> Floats:
    """Terminals that wait for each rule at each instant, shape (instants, rules)."""
    rows = zip(standing.rule_if_listed, standing.listed_only, strict=True)
    return np.stack([np.bincount(rule, weights=at_point * only, minlength=rules) for rule, only in rows])


def _count_elsewhere(side: Side, cells: Cells, instants: Instants, rules: int, *, operator: str, incumbents: float) -> Floats:
    """The same of consumers in all other cells of the world, judged at their centres."""
    world = np.unique(read_world_cells().cells)
    world = world[~np.isin(world, cells)]
    potential: Floats = world_terminals(operator, world, everywhere=True).astype(np.float64) * incumbents
    world, potential = world[potential > 0.0], potential[potential > 0.0]
    if not len(world):
        return np.zeros((len(instants), rules))
    terminal = [Terminal(terminal_class=DEFAULT_CLASS, operator=operator)]
    standing = judge_points(side, *cell_centres(world), np.zeros(len(world), dtype=np.int32), terminal, instants)
    return _count_waiting(standing, potential, rules)
