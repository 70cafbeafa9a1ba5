"""The ground segment: gateways and points of presence (PoPs), built in or read from files.

The built-in tables come from public lists (see ``docs/models/catalog.md``). Operators do not publish theirs; the heights are not
known and stand as 0 m.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import float_column, read_table
from overflight.errors import CatalogError
from overflight.intake import Intake, read_bytes

Floats = npt.NDArray[np.float64]

OPERATIONAL = "operational"
PLANNED = "planned"

_NUMBERS = ("lat_deg", "lon_deg", "height_m")
_IN_WORDS = {"pop": "PoP"}


@dataclass(frozen=True, slots=True)
class GroundTable:
    """A table of ``n`` places on the ground, one column per attribute.

    Attributes
    ----------
    operator
        Whose place it is, empty where a file does not say.
    kind
        ``gateway``, ``pop``, or ``community_gateway`` (a gateway run for one customer, with a PoP of its own).
    name, code, city
        As listed; codes that share a site stand in one cell, separated by spaces.
    country
        ISO 3166-1 alpha-2, empty where not known.
    lat_deg, lon_deg, height_m
        Geodetic position on WGS-84, shape (n,).
    state
        ``operational``, ``planned`` or ``unverified``.
    source, date, status
        Where the row comes from, the day it holds for, and how sure it is.
    """

    operator: tuple[str, ...]
    kind: tuple[str, ...]
    name: tuple[str, ...]
    code: tuple[str, ...]
    city: tuple[str, ...]
    country: tuple[str, ...]
    lat_deg: Floats
    lon_deg: Floats
    height_m: Floats
    state: tuple[str, ...]
    source: tuple[str, ...]
    date: tuple[str, ...]
    status: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.name)

    def select(self, rows: npt.ArrayLike) -> Self:
        """Rows by index (in the order given) or by boolean mask."""
        index = np.arange(len(self))[np.asarray(rows)] if len(self) else np.empty(0, dtype=np.intp)
        columns: dict[str, Any] = {}
        for column in fields(self):
            cells = getattr(self, column.name)
            columns[column.name] = cells[index] if isinstance(cells, np.ndarray) else tuple(cells[row] for row in index)
        return type(self)(**columns)

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, str | float]]) -> Self:
        """Build a table from one mapping per row; a missing text is empty, a missing height 0."""
        columns: dict[str, Any] = {}
        for column in fields(cls):
            if column.name in _NUMBERS:
                columns[column.name] = np.array([float(row.get(column.name, 0.0)) for row in rows], dtype=np.float64)
            else:
                columns[column.name] = tuple(str(row.get(column.name, "")) for row in rows)
        return cls(**columns)

    @classmethod
    def concatenate(cls, tables: Iterable[Self]) -> Self:
        """Rows of several tables, one after the other."""
        columns: dict[str, Any] = {}
        parts = list(tables)
        for column in fields(cls):
            cells = [getattr(part, column.name) for part in parts]
            if column.name in _NUMBERS:
                columns[column.name] = np.concatenate(cells) if cells else np.empty(0)
            else:
                columns[column.name] = tuple(cell for part in cells for cell in part)
        return cls(**columns)


class Gateways(GroundTable):
    """A table of gateways: the stations at the far end of feeder links."""

    __slots__ = ()


class Pops(GroundTable):
    """A table of points of presence: where traffic leaves an operator's network."""

    __slots__ = ()


def builtin_gateways(operator: str, *, include_planned: bool = False) -> Gateways:
    """Gateways of an operator, from the built-in table; empty where none are known (Kuiper, Telesat)."""
    states = {OPERATIONAL, PLANNED} if include_planned else {OPERATIONAL}
    return Gateways(**_builtin_columns("gateways", operator, kinds={"gateway"}, states=states))


def builtin_pops(operator: str, *, include_planned: bool = False, include_community: bool = False) -> Pops:
    """PoPs of an operator, from the built-in table; empty where none are known (Kuiper, Telesat).

    Community gateways have PoPs of their own, which serve one customer: they are left out unless asked for. Rows whose list doubts
    them (state ``unverified``) are never used.
    """
    states = {OPERATIONAL, PLANNED} if include_planned else {OPERATIONAL}
    kinds = {"pop", "community_gateway"} if include_community else {"pop"}
    return Pops(**_builtin_columns("pops", operator, kinds=kinds, states=states))


def list_operators() -> tuple[str, ...]:
    """Operators with built-in gateways, sorted."""
    return tuple(sorted(set(read_table("gateways")["operator"])))


def read_gateways(
    data: Path | str | bytes, *, source: str | None = None, operator: str = "", include_planned: bool = False, strict: bool = False
) -> tuple[Gateways, Intake]:
    """Read gateways from a file, or from bytes.

    Accepted are CSV with a header (``name``, ``lat``, ``lon`` and, in any order, ``country``, ``state``, ``height_m``, …), CSV
    without one (``lon,lat``; ``name,lat,lon``; ``id,name,lat,lon,elevation``) and JSON (a list of records, or one under ``stations``).

    Parameters
    ----------
    data
        A path, or the bytes themselves.
    source
        Name to report problems under; by default the path.
    operator
        Operator to write in rows that name none.
    include_planned
        Whether records marked as planned are used; otherwise they are left out, with that reason.
    strict
        Refuse the file at the first bad record instead of leaving the record out.

    Returns
    -------
    Gateways, Intake
        The table, and the account of every record that was read.

    Raises
    ------
    CatalogError
        If the file cannot be read as any of these, holds no usable record, or, with ``strict``, has a bad one.
    """
    rows, intake = _read(data, source, kind="gateway", operator=operator, include_planned=include_planned, strict=strict)
    return Gateways.from_rows(rows), intake


def read_pops(
    data: Path | str | bytes, *, source: str | None = None, operator: str = "", include_planned: bool = False, strict: bool = False
) -> tuple[Pops, Intake]:
    """Read PoPs from a file, or from bytes; formats, parameters and errors as for `read_gateways`."""
    rows, intake = _read(data, source, kind="pop", operator=operator, include_planned=include_planned, strict=strict)
    return Pops.from_rows(rows), intake


def _read(
    data: Path | str | bytes, source: str | None, *, kind: str, operator: str, include_planned: bool, strict: bool
) -> tuple[list[dict[str, str | float]], Intake]:
    from overflight.catalog._ground_files import parse_ground

    if not isinstance(data, bytes):
        source = source or str(data)
        data = read_bytes(data, wanted=f"a CSV or JSON list of {_IN_WORDS.get(kind, kind)}s", refused=CatalogError)
    return parse_ground(data, source=source or f"{kind}s", kind=kind, operator=operator, include_planned=include_planned, strict=strict)


def _builtin_columns(name: str, operator: str, *, kinds: set[str], states: set[str]) -> dict[str, Any]:
    table = read_table(name)
    keep = [
        row
        for row in range(len(table["name"]))
        if table["operator"][row] == operator and table["kind"][row] in kinds and table["state"][row] in states
    ]
    columns: dict[str, Any] = {column: float_column(table, column)[keep] for column in _NUMBERS}
    texts = (column.name for column in fields(GroundTable) if column.name not in _NUMBERS)
    return columns | {column: tuple(table[column][row] for row in keep) for column in texts}
