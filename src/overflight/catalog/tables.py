"""The built-in tables: one way to read them, whatever their format, each row with where it comes from.

A table is a file in the folder ``data`` beside this module: ``NAME.csv``, ``NAME.csv.gz`` (small tables, read without heavy
libraries) or ``NAME.parquet`` (large numeric ones). Every table states where its values come from in the columns named by
`PROVENANCE`; a Parquet table, whose rows all share one source, may carry them in its metadata instead.
"""

import csv
import difflib
import gzip
import io
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from overflight.errors import CatalogError

DATA_FOLDER = Path(__file__).resolve().parent / "data"

PROVENANCE = ("source", "date", "status")
"""Columns of every built-in table: who says so, as of which date (ISO 8601), and how sure it is."""

STATUSES = ("standard", "filing", "measured", "reported", "assumed")
"""What the column ``status`` may hold, from the surest to the least sure."""

_SUFFIXES = (".csv", ".csv.gz", ".parquet")

Table = dict[str, list[str]]
"""Columns by name, in the file's order; all of one length; cells are text as written."""


def list_tables() -> list[str]:
    """Names of the built-in tables, sorted."""
    return sorted({_name_of(path) for path in DATA_FOLDER.iterdir() if _has_table_suffix(path)})


def path_of_table(name: str) -> Path:
    """Find the file of the built-in table ``name``.

    Raises
    ------
    CatalogError
        If there is no such table; the nearest names are offered.
    """
    for suffix in _SUFFIXES:
        path = DATA_FOLDER / (name + suffix)
        if path.is_file():
            return path
    near = difflib.get_close_matches(name, list_tables(), n=3)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    msg = f"no built-in table {name!r}{hint}"
    raise CatalogError(msg)


@cache
def read_table(name: str) -> Table:
    """Read a built-in CSV table whole, as text; cached, so treat it as read-only.

    Parameters
    ----------
    name
        The file's name without its ending, such as ``"territories"``.

    Returns
    -------
    dict
        Column name → list of cells, all of the same length. An empty cell is ``""``. Turn a column into numbers with
        `float_column`.

    Raises
    ------
    CatalogError
        If there is no such table, or a row has more or fewer cells than the header.
    """
    path = path_of_table(name)
    if path.suffix == ".parquet":
        return {column: [str(cell) for cell in cells] for column, cells in read_arrays(name).items()}
    raw = path.read_bytes()
    return parse_table(gzip.decompress(raw) if path.suffix == ".gz" else raw, source=path.name)


def parse_table(data: bytes, *, source: str) -> Table:
    """Read the bytes of a CSV table (UTF-8, a header line, commas) into columns of text.

    Raises
    ------
    CatalogError
        If there is no header, a column's name repeats, or a row has more or fewer cells than the header.
    """
    reader = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
    header = next(reader, [])
    if not header or len(set(header)) != len(header):
        msg = f"{source}:1: a table starts with a line of distinct column names"
        raise CatalogError(msg)
    rows = list(reader)
    for row in rows:
        if len(row) != len(header):
            line = rows.index(row) + 2
            msg = f"{source}: record {line} has {len(row)} cells, the header {len(header)}"
            raise CatalogError(msg)
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return {name: list(cells) for name, cells in zip(header, columns, strict=True)}


def float_column(table: Table, column: str) -> npt.NDArray[np.float64]:
    """One column as float64, shape (n,); an empty cell becomes NaN."""
    return np.array([float(cell) if cell else np.nan for cell in table[column]], dtype=np.float64)


@cache
def read_arrays(name: str) -> dict[str, npt.NDArray[np.generic]]:
    """Read a built-in Parquet table into one array per column; cached, so treat it as read-only."""
    import pyarrow.parquet as pq

    table = pq.read_table(path_of_table(name), use_threads=False)
    return {column: table.column(column).to_numpy() for column in table.column_names}


def _name_of(path: Path) -> str:
    return next(path.name.removesuffix(suffix) for suffix in _SUFFIXES if path.name.endswith(suffix))


def _has_table_suffix(path: Path) -> bool:
    return path.name.endswith(_SUFFIXES)
