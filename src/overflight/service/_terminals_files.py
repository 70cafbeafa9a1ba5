"""Parser of a file of terminals: CSV bytes in, counts and an account out."""

import csv
import hashlib
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from overflight.earth.cells import RESOLUTION, cell_of
from overflight.errors import InputError
from overflight.intake import Intake, LeftOut
from overflight.notices import Notice
from overflight.service.classes import CLASSES, DEFAULT_CLASS

Cells = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]
Row = Mapping[str, str]

_COLUMNS = {
    "cell": ("cell", "h3", "h3_index", "h3_cell", "cell_id"),
    "lat_deg": ("lat_deg", "lat", "latitude"),
    "lon_deg": ("lon_deg", "lon", "lng", "long", "longitude"),
    "terminals": ("terminals", "count", "n", "number"),
    "class": ("class", "terminal_class"),
}
"""Our columns, and the names that files give them, in order of preference."""

_WANTED = "give the columns cell (or lat_deg and lon_deg) and terminals"
_WHOLE = re.compile(r"\d{1,12}(\.0*)?", re.ASCII)
_MOST = 10**9
_SHOWN = 40
"""Characters of a cell that a message shows."""


class _BadRow(Exception):  # noqa: N818 - it never leaves this module
    """A row that cannot be used, and why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Taken:
    """What was taken so far: terminals by row and class, and where each place was first named."""

    counts: Counts
    first_line: dict[tuple[object, ...], int] = field(default_factory=dict)


def parse_terminals(data: bytes, *, source: str, cell_ids: Cells, territory_name: str, strict: bool) -> tuple[Counts, Intake]:
    """Read counts of shape (cells, classes); see `overflight.service.terminals.read_terminals`."""
    records = list(_records(_decode(data, source), source))
    if not records:
        msg = f"{source}: a header and no rows; {_WANTED}"
        raise InputError(msg)
    row_of = {int(cell): row for row, cell in enumerate(np.asarray(cell_ids, dtype=np.uint64).tolist())}
    taken = _Taken(np.zeros((len(row_of), len(CLASSES)), dtype=np.int64))
    left_out: list[LeftOut] = []
    for line, record in records:
        try:
            _take(record, line, taken, row_of, territory_name)
        except _BadRow as bad:
            label = "" if isinstance(record, str) else _label(record)
            left_out.append(LeftOut(source, line, label, bad.reason))
            if strict:
                raise InputError(str(left_out[-1])) from None
    used = len(records) - len(left_out)
    if not used:
        msg = f"{source}: none of {len(records):,} rows can be used; the first: line {left_out[0].line}: {left_out[0].reason}"
        raise InputError(msg)
    return taken.counts, Intake(source, hashlib.sha256(data).hexdigest(), len(records), used, tuple(left_out))


def _decode(data: bytes, source: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{source}: not UTF-8 text (byte {error.start}); give a CSV"
        raise InputError(msg) from None
    if not text.strip() or "\0" in text:
        msg = f"{source}: {'not text' if text.strip() else 'empty'}; {_WANTED}"
        raise InputError(msg)
    return text


def _records(text: str, source: str) -> Iterator[tuple[int, Row | str]]:
    """Line and values of each row under our names; a reason instead of values where the row has too few or too many cells."""
    first = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    places: dict[str, int] | None = None
    width = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
                continue
            if places is None:
                places, width = _find_columns(cells, source), len(cells)
            elif len(cells) != width:
                sentence = "{cells} cells where {expected} are expected"
                yield reader.line_num, Notice.of("left_out.cells", sentence, cells=len(cells), expected=width)
            else:
                yield reader.line_num, {name: _tidy(cells[place], delimiter, name) for name, place in places.items()}
    except csv.Error as error:
        msg = f"{source}:{reader.line_num}: not CSV ({error})"
        raise InputError(msg) from None


def _tidy(cell: str, delimiter: str, name: str) -> str:
    """A cell without blanks around it; where commas do not part cells, one in a coordinate is a decimal point."""
    text = " ".join(cell.split())
    return text.replace(",", ".") if delimiter != "," and name in {"lat_deg", "lon_deg"} else text


def _find_columns(header: list[str], source: str) -> dict[str, int]:
    names = [cell.strip().casefold() for cell in header]
    places = {ours: next((names.index(name) for name in theirs if name in names), -1) for ours, theirs in _COLUMNS.items()}
    has_place = places["cell"] >= 0 or min(places["lat_deg"], places["lon_deg"]) >= 0
    if not has_place or places["terminals"] < 0:
        lacking = "terminals" if has_place else "cell, nor lat_deg and lon_deg"
        msg = f"{source}:1: no column {lacking}; {_WANTED}"
        raise InputError(msg)
    return {name: place for name, place in places.items() if place >= 0}


def _take(record: Row | str, line: int, taken: _Taken, row_of: Mapping[int, int], territory_name: str) -> None:
    if isinstance(record, str):
        raise _BadRow(record)
    place, cell = _read_place(record)
    terminal_class = _read_class(record)
    count = _read_count(record)
    row = row_of.get(cell)
    if row is None:
        reason = Notice.of("left_out.outside_territory", "outside {territory}", territory=territory_name)
        raise _BadRow(reason)
    key = (*place, terminal_class)
    if key in taken.first_line:
        reason = Notice.of("left_out.duplicate_line", "the same place and class as line {line}", line=taken.first_line[key])
        raise _BadRow(reason)
    taken.first_line[key] = line
    taken.counts[row, CLASSES.index(terminal_class)] += count


def _read_place(record: Row) -> tuple[tuple[object, ...], int]:
    """What tells a place from others, and its cell."""
    if record.get("cell"):
        cell = _read_cell(record["cell"])
        return (cell,), cell
    lat, lon = _read_degrees(record, "lat_deg", -90.0, 90.0), _read_degrees(record, "lon_deg", -180.0, 360.0)
    return (lat, (lon + 180.0) % 360.0), cell_of(lat, lon)


def _read_cell(text: str) -> int:
    try:
        cell = int(text, 16)
        resolution = h3.get_resolution(cell) if cell < 1 << 64 and h3.is_valid_cell(cell) else -1
    except (ValueError, OverflowError):
        resolution = -1
    if resolution < 0:
        reason = Notice.of("left_out.no_cell", "not the index of an H3 cell (15 hexadecimal digits)")
        raise _BadRow(reason)
    if resolution != RESOLUTION:
        sentence = "an H3 cell of resolution {found}; give resolution {wanted}"
        reason = Notice.of("left_out.resolution", sentence, found=resolution, wanted=RESOLUTION)
        raise _BadRow(reason)
    return cell


def _read_degrees(record: Row, column: str, low: float, high: float) -> float:
    text = record.get(column, "")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        sentence = "{column} {value!r} is not a number from {low:g} to {high:g}"
        reason = Notice.of("left_out.degrees", sentence, column=column, value=_shown(text), low=low, high=high)
        raise _BadRow(reason)
    return value


def _read_class(record: Row) -> str:
    name = record.get("class", "").casefold() or DEFAULT_CLASS
    if name not in CLASSES:
        reason = Notice.of("left_out.class", "class {name!r} is none of {classes}", name=_shown(name), classes=CLASSES)
        raise _BadRow(reason)
    return name


def _read_count(record: Row) -> int:
    text = record["terminals"]
    whole = int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else -1
    if not 0 <= whole <= _MOST:
        sentence = "{value!r} terminals: give a whole number from 0 to {most:,}"
        reason = Notice.of("left_out.terminals", sentence, value=_shown(text), most=_MOST)
        raise _BadRow(reason)
    return whole


def _label(record: Row) -> str:
    return _shown(record.get("cell") or f"{record.get('lat_deg', '')},{record.get('lon_deg', '')}")


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
