"""Position reports as a stream: CSV, Parquet or standard input, block by block, every row used or counted with its reason."""

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.clock import parse_time
from overflight.earth.territory import find_code
from overflight.errors import DataMissingError, InputError, TimeError
from overflight.intake import Intake, LeftOut, read_bytes
from overflight.service.policy import CLASSES
from overflight.service.verdicts import Terminal

__all__ = ["COLUMNS", "Block", "Faults", "ReportError", "read_registry", "stream_reports"]

Floats = npt.NDArray[np.float64]

COLUMNS: dict[str, tuple[str, ...]] = {
    "terminal": ("terminal", "terminal_id", "id"),
    "time": ("time", "timestamp", "time_utc"),
    "lat_deg": ("lat_deg", "lat", "latitude"),
    "lon_deg": ("lon_deg", "lon", "lng", "longitude"),
    "speed_kmh": ("speed_kmh", "speed"),
    "altitude_m": ("altitude_m", "altitude"),
    "class": ("class", "terminal_class"),
    "owner": ("owner",),
    "home": ("home", "home_territory"),
    "operator": ("operator",),
}
"""Columns of a stream of reports and the names that they may have; the first four must be there."""

REQUIRED = ("terminal", "time", "lat_deg", "lon_deg")
BLOCK_BYTES = 1 << 23
BLOCK_ROWS = 200_000
EXAMPLES = 5

_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_ZONED = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})$"
_PLAIN = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$"


class ReportError(InputError):
    """A stream of position reports, or a register of terminals, cannot be used."""


@dataclass(slots=True)
class Faults:
    """Rows that could not be used: how many by reason, and the first of them."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: list[LeftOut] = field(default_factory=list)

    def add(self, reason: str, source: str, lines: npt.NDArray[np.int64], records: list[str]) -> None:
        """Count rows that have a fault."""
        self.counts[reason] = self.counts.get(reason, 0) + len(lines)
        for line, record in zip(lines[:EXAMPLES].tolist(), records[:EXAMPLES], strict=False):
            if len(self.examples) < EXAMPLES:
                self.examples.append(LeftOut(source, line, " ".join(record.split())[:60], reason))

    @property
    def total(self) -> int:
        """Rows that could not be used."""
        return sum(self.counts.values())


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of a stream, those that can be used, in its order: n rows of u terminals."""

    identifiers: list[str]
    """Distinct terminals of the block."""
    terminal: npt.NDArray[np.int64]
    """Row of each report's terminal in ``identifiers``."""
    time_us: npt.NDArray[np.int64]
    lat_deg: Floats
    lon_deg: Floats
    speed_kmh: Floats
    altitude_m: Floats
    stated: tuple[Terminal, ...]
    """What the block's rows state of each of the terminals."""
    read: int
    """Rows read for this block, those that could not be used too."""


def stream_reports(source: str | Path, faults: Faults) -> Iterator[Block]:
    """Read position reports block by block.

    Parameters
    ----------
    source
        CSV (may be gzipped) or Parquet file; ``-`` is standard input, in CSV.
    faults
        Takes what could not be used.

    Raises
    ------
    ReportError
        If the stream is neither, or lacks a column that it must have.
    """
    name = "standard input" if str(source) == "-" else str(source)
    line = 2
    for table in _tables(str(source), name, faults):
        block = _block_of(table, name, line, faults)
        line += table.num_rows
        yield block


def read_registry(path: str | Path) -> tuple[dict[str, Terminal], Intake]:
    """Read a register of terminals: CSV with columns terminal, class, owner, home, operator (all but the first may be missing).

    Raises
    ------
    ReportError
        If the file cannot be read or has no column ``terminal``.
    """
    import hashlib

    raw = read_bytes(path, wanted="a register of terminals in CSV", refused=ReportError)
    rows = csv.DictReader(io.StringIO(raw.decode("utf-8-sig", errors="replace")))
    names = {key: _named(list(rows.fieldnames or ()), key) for key in ("terminal", "class", "owner", "home", "operator")}
    if names["terminal"] is None:
        msg = f"{path}: no column 'terminal'; give a register with columns terminal, class, owner, home"
        raise ReportError(msg)
    known: dict[str, Terminal] = {}
    left_out: list[LeftOut] = []
    read = 0
    for read, row in enumerate(rows, start=1):
        cells = {key: (row.get(name) or "").strip() if name else "" for key, name in names.items()}
        problem = _registry_problem(cells, known)
        if problem:
            left_out.append(LeftOut(str(path), read + 1, cells["terminal"], problem))
        else:
            known[cells["terminal"]] = Terminal(cells["terminal"], cells["class"], cells["owner"], _code(cells["home"]), cells["operator"])
    return known, Intake(str(path), hashlib.sha256(raw).hexdigest(), read, len(known), tuple(left_out))


def _registry_problem(cells: dict[str, str], known: dict[str, Terminal]) -> str:
    if not cells["terminal"]:
        return "no terminal"
    if cells["terminal"] in known:
        return "given twice; the first is used"
    if cells["class"] and cells["class"] not in CLASSES:
        return f"class {cells['class']!r} is not one of {', '.join(CLASSES)}"
    try:
        _code(cells["home"])
    except InputError:
        return f"home {cells['home']!r} is no territory"
    return ""


def _code(home: str) -> str:
    return find_code(home) if home else ""


def _named(columns: list[str], key: str) -> str | None:
    by_name = {column.strip().lower(): column for column in columns}
    return next((by_name[name] for name in COLUMNS[key] if name in by_name), None)


def _tables(source: str, name: str, faults: Faults) -> Iterator[Any]:
    import pyarrow as pa

    try:
        if source != "-" and _is_parquet(Path(source)):
            yield from _parquet_tables(source, name)
        else:
            yield from _csv_tables(source, name, faults)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        msg = f"{name}: cannot be read ({' '.join(str(error).split())[:120]}); give position reports in CSV or Parquet"
        raise ReportError(msg) from None


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PAR1"
    except FileNotFoundError:
        error = ReportError(f"{path}: no such file; give position reports in CSV or Parquet, or - for standard input")
        error.exit_code = DataMissingError.exit_code
        raise error from None
    except OSError as cause:
        msg = f"{path}: cannot be read ({cause.strerror}); give position reports in CSV or Parquet"
        raise ReportError(msg) from None


def _parquet_tables(source: str, name: str) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(source)
    wanted = _wanted(file.schema_arrow.names, name)
    for batch in file.iter_batches(batch_size=BLOCK_ROWS, columns=list(wanted.values()), use_threads=False):
        yield pa.Table.from_batches([batch]).rename_columns(list(wanted))


def _csv_tables(source: str, name: str, faults: Faults) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.csv as pc

    def bad_row(row: Any) -> str:
        number = np.array([row.number or 0], dtype=np.int64)
        faults.add(f"{row.actual_columns} cells instead of {row.expected_columns}", name, number, [row.text or ""])
        return "skip"

    stream: Any = sys.stdin.buffer if source == "-" else pa.input_stream(source, compression="detect")
    head, rest = _split_head(stream)
    columns = next(csv.reader([head.decode("utf-8-sig", errors="replace")]), [])
    if not columns:
        msg = f"{name}: empty; give position reports with columns {', '.join(REQUIRED)}, speed_kmh"
        raise ReportError(msg)
    wanted = _wanted(columns, name)
    if not rest.peek():
        return
    reader = pc.open_csv(
        pa.PythonFile(rest, mode="r"),
        read_options=pc.ReadOptions(block_size=BLOCK_BYTES, column_names=columns, use_threads=False),
        parse_options=pc.ParseOptions(invalid_row_handler=bad_row),
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.binary()), include_columns=list(wanted.values()), check_utf8=False
        ),
    )
    for batch in reader:
        if batch.num_rows:
            yield pa.Table.from_batches([batch]).rename_columns(list(wanted))


class _Rest:
    """What follows the first line of a stream, to be read once."""

    closed = False

    def __init__(self, stream: Any, begun: bytes) -> None:
        self._stream, self._begun = stream, begun

    def peek(self) -> bool:
        """Whether anything follows."""
        if not self._begun:
            self._begun = self._stream.read(BLOCK_BYTES)
        return bool(self._begun)

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes."""
        begun, self._begun = self._begun, b""
        if not begun:
            return bytes(self._stream.read(size))
        if 0 <= size < len(begun):
            self._begun = begun[size:]
            return begun[:size]
        return begun


def _split_head(stream: Any) -> tuple[bytes, _Rest]:
    """The first line of a stream that is not empty, and the rest."""
    begun = b""
    while True:
        more = bytes(stream.read(1 << 16))
        begun = (begun + more).lstrip(b"\r\n") if not begun.strip() else begun + more
        head, end, rest = begun.partition(b"\n")
        if end or not more:
            return head.rstrip(b"\r"), _Rest(stream, rest)


def _wanted(columns: list[str], name: str) -> dict[str, str]:
    """Columns of a stream by our names for them."""
    found = {key: column for key in COLUMNS if (column := _named(columns, key)) is not None}
    missing = [key for key in REQUIRED if key not in found]
    if missing:
        msg = (
            f"{name}: no column '{missing[0]}' among {', '.join(columns)[:100]}; reports need {', '.join(REQUIRED)}, and may have speed_kmh"
        )
        raise ReportError(msg)
    return found


def _block_of(table: Any, name: str, line: int, faults: Faults) -> Block:
    columns = {key: table.column(key).combine_chunks() for key in table.column_names}
    text = {key: _as_text(columns[key]) for key in ("terminal", "class", "owner", "home", "operator") if key in columns}
    time_us, has_time = _as_time(columns["time"])
    numbers = {key: _as_number(columns[key]) for key in ("lat_deg", "lon_deg", "speed_kmh", "altitude_m") if key in columns}
    count = table.num_rows
    lat, lon = numbers["lat_deg"][0], numbers["lon_deg"][0]
    blank = np.array([not value for value in text["terminal"].to_pylist()], dtype=np.bool_)
    good = np.ones(count, dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        checks = [
            ("no terminal", blank),
            ("time cannot be read", ~has_time),
            ("latitude is no number from -90 to 90", ~(np.abs(lat) <= 90.0)),
            ("longitude is no number from -360 to 360", ~(np.abs(lon) <= 360.0)),
            ("speed is no number", _is_bad(numbers, "speed_kmh")),
            ("speed is negative", numbers["speed_kmh"][0] < 0.0 if "speed_kmh" in numbers else ~good),
            ("altitude is no number", _is_bad(numbers, "altitude_m")),
        ]
    for reason, is_bad in checks:
        rows = np.flatnonzero(good & is_bad)
        if len(rows):
            shown = [", ".join(str(_plain(columns[key][row])) for key in REQUIRED) for row in rows[:EXAMPLES].tolist()]
            faults.add(reason, name, line + rows, shown)
            good &= ~is_bad
    kept = np.flatnonzero(good)
    identifiers, terminal = _encode(text["terminal"].take(kept))
    lon = np.where(np.abs(lon) <= 180.0, lon, np.mod(lon + 180.0, 360.0) - 180.0)
    nan = np.full(count, np.nan)
    return Block(
        identifiers,
        terminal,
        time_us[kept],
        lat[kept],
        lon[kept],
        numbers.get("speed_kmh", (nan, nan))[0][kept],
        numbers.get("altitude_m", (nan, nan))[0][kept],
        _stated(identifiers, terminal, time_us[kept], {key: column.take(kept) for key, column in text.items()}),
        count,
    )


def _stated(
    identifiers: list[str], terminal: npt.NDArray[np.int64], time_us: npt.NDArray[np.int64], text: dict[str, Any]
) -> tuple[Terminal, ...]:
    """What the latest row of each terminal in a block states of it; of rows at one time the last."""
    if len(text) == 1:
        return tuple(Terminal(identifier) for identifier in identifiers)
    last = np.zeros(len(identifiers), dtype=np.int64)
    order = np.argsort(time_us, kind="stable")
    last[terminal[order]] = order
    said = {key: column.take(last).to_pylist() for key, column in text.items() if key != "terminal"}
    rows = zip(*(said.get(key, [""] * len(identifiers)) for key in ("class", "owner", "home", "operator")), strict=True)
    return tuple(
        Terminal(identifier, klass or "", owner or "", _home(home or ""), operator or "")
        for identifier, (klass, owner, home, operator) in zip(identifiers, rows, strict=True)
    )


def _home(text: str) -> str:
    try:
        return _code(text)
    except InputError:
        return ""


def _encode(column: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    coded = column.dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _as_text(column: Any) -> Any:
    """A column as text, trimmed; bytes that are no text become null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        column = column.cast(pa.string())
    except pa.ArrowInvalid:
        column = pa.array([_decoded(value) for value in column.to_pylist()], type=pa.string())
    return pc.utf8_trim_whitespace(column)


def _decoded(value: object) -> str | None:
    try:
        return value.decode() if isinstance(value, bytes) else None if value is None else str(value)
    except UnicodeDecodeError:
        return None


def _as_number(column: Any) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """A column as numbers, NaN where there is none, and where something stands that is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return values, np.zeros(len(values), dtype=np.bool_)
    text = _as_text(column)
    matches = pc.fill_null(pc.match_substring_regex(text, _NUMBER), False)
    stands = pc.fill_null(pc.not_equal(text, ""), False)
    values = pc.if_else(matches, text, pa.scalar(None, pa.string())).cast(pa.float64()).to_numpy(zero_copy_only=False)
    bad = pc.and_(stands, pc.invert(matches)).to_numpy(zero_copy_only=False)
    return values.astype(np.float64), bad


def _is_bad(numbers: dict[str, tuple[Floats, npt.NDArray[np.bool_]]], key: str) -> npt.NDArray[np.bool_]:
    return numbers[key][1] if key in numbers else np.zeros(len(numbers["lat_deg"][0]), dtype=np.bool_)


def _as_time(column: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """A column as microseconds since 1970: ISO 8601 (UTC where no zone is named), or seconds since 1970; and where it can be read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        moments = column.cast(pa.timestamp("us", tz=column.type.tz))
        return moments.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), pc.is_valid(column).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        seconds = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        finite = np.isfinite(seconds) & (np.abs(seconds) < 1e11)
        return np.where(finite, seconds * 1e6, 0.0).round().astype(np.int64), finite
    text = _as_text(column)
    time_us, known = np.zeros(len(text), dtype=np.int64), np.zeros(len(text), dtype=np.bool_)
    try:
        for pattern, zone in ((_ZONED, "UTC"), (_PLAIN, None)):
            rows = pc.fill_null(pc.match_substring_regex(text, pattern), False).to_numpy(zero_copy_only=False)
            moments = text.filter(pa.array(rows)).cast(pa.timestamp("us", tz=zone)).cast(pa.int64())
            time_us[rows], known[rows] = moments.to_numpy(zero_copy_only=False), True
    except pa.ArrowInvalid:
        known[:] = False
    for row in np.flatnonzero(~known).tolist():
        moment = _one_time(text[row].as_py())
        if moment is not None:
            time_us[row], known[row] = moment, True
    return time_us, known


def _one_time(text: str | None) -> int | None:
    if not text:
        return None
    if text.replace(".", "", 1).isdigit() and len(text) >= 9:
        return round(float(text) * 1e6) if float(text) < 1e11 else None
    try:
        return int(parse_time(text).astype(np.int64))
    except TimeError:
        return None


def _plain(value: Any) -> object:
    known = value.as_py()
    return known.decode(errors="replace") if isinstance(known, bytes) else known
