"""Terminals by cell and class: spread over a territory, or read from a file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError, ScenarioError
from overflight.intake import Intake, read_bytes
from overflight.service._terminals_files import Cells, parse_terminals
from overflight.service.classes import CLASSES, DEFAULT_CLASS, find_class
from overflight.service.spreading import METHODS, distribute_terminals

__all__ = ["METHODS", "Terminals", "distribute_terminals", "make_terminals", "people_behind", "read_terminals"]

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Terminals:
    """How many terminals of each class stand in each cell.

    Attributes
    ----------
    counts
        int64, shape (cells, classes), at least 0.
    classes
        Names of the columns.
    source
        Where the numbers come from.
    status
        How sure they are.
    """

    counts: Counts
    classes: tuple[str, ...]
    source: str
    status: str

    @property
    def total(self) -> int:
        """All terminals."""
        return int(self.counts.sum())

    @property
    def by_cell(self) -> Counts:
        """Terminals of all classes, shape (cells,)."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def by_class(self) -> dict[str, int]:
        """Terminals of all cells, by class; classes without any are left out."""
        return {name: int(count) for name, count in zip(self.classes, self.counts.sum(axis=0), strict=True) if count}

    def demand_mbps(self) -> tuple[Floats, Floats]:
        """What active terminals ask for at the busiest hour, down and up, each shape (cells, classes), Mbit/s."""
        classes = [find_class(name) for name in self.classes]
        active = self.counts * np.array([row.active_share for row in classes])
        return active * np.array([row.down_mbps for row in classes]), active * np.array([row.up_mbps for row in classes])

    def carry(self, stands_for: npt.ArrayLike) -> "Terminals":
        """The same terminals in the cells of a sample: each cell's are carried to row ``stands_for`` of the sample, shape (cells,)."""
        rows = np.asarray(stands_for, dtype=np.int64)
        counts = np.zeros((int(rows.max(initial=-1)) + 1, len(self.classes)), dtype=np.int64)
        np.add.at(counts, rows, self.counts)
        return Terminals(counts, self.classes, self.source, self.status)


def make_terminals(counts: npt.ArrayLike, *, of_class: str = DEFAULT_CLASS, source: str, status: str) -> Terminals:
    """Make a table of terminals that are all of one class, from a number per cell, shape (cells,).

    Raises
    ------
    ScenarioError
        If the class is unknown.
    """
    table = np.zeros((len(np.asarray(counts)), len(CLASSES)), dtype=np.int64)
    table[:, CLASSES.index(find_class(of_class).name)] = counts
    return Terminals(table, CLASSES, source, status)


def people_behind(terminals: Terminals, population: npt.ArrayLike) -> Floats:
    """People who use the terminals of each class and cell, shape (cells, classes): never more in a cell than live there."""
    per_terminal = np.array([find_class(name).people for name in terminals.classes])
    users = terminals.counts * per_terminal
    everyone = users.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.minimum(1.0, np.asarray(population, dtype=np.float64) / everyone)
    return np.asarray(users * np.where(everyone > 0.0, share, 1.0)[:, None])


def read_terminals(
    path: str | Path,
    *,
    cell_ids: Cells,
    territory_name: str,
    stands_for: npt.ArrayLike | None = None,
    strict: bool = False,
) -> tuple[Terminals, Intake]:
    """Read terminals from a CSV: columns ``cell`` (H3 index) or ``lat_deg`` and ``lon_deg``, ``terminals``, and ``class`` if wanted.

    Commas, semicolons and tabs part the cells; a byte-order mark, empty lines and lines from ``#`` are passed over; other columns
    are ignored. Terminals at a position belong to the cell around it.

    Parameters
    ----------
    path
        The file.
    cell_ids
        All cells of the territory, uint64, shape (cells,).
    territory_name
        Its name, for messages.
    stands_for
        Where only a sample of the cells is simulated: for each of ``cell_ids`` the row of the sample that stands for it, shape
        (cells,). Terminals of cells that are not simulated are carried to that row. None: all cells are.
    strict
        Refuse the file at its first bad row, instead of leaving the row out.

    Returns
    -------
    Terminals, Intake
        Counts of shape (cells, classes), or (rows of the sample, classes); and what was used and left out, line by line.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, a column is missing, no row can be used, or ``strict`` and a row is bad.
    """
    source = str(path)
    data = read_bytes(path, wanted="a CSV with the columns cell (or lat_deg and lon_deg) and terminals", refused=InputError)
    counts, intake = parse_terminals(data, source=source, cell_ids=cell_ids, territory_name=territory_name, strict=strict)
    terminals = Terminals(counts, CLASSES, source, "reported")
    if stands_for is None:
        return terminals, intake
    rows = np.asarray(stands_for)
    if rows.shape != np.shape(cell_ids):
        msg = f"{source}: {len(rows)} rows stand for {len(cell_ids)} cells: give one for each"
        raise ScenarioError(msg)
    return terminals.carry(rows), intake
