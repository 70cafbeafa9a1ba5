"""Parsers of gateways and PoPs: CSV with or without a header, and the JSON of public lists. Bytes in, rows and an account out."""

import csv
import hashlib
import io
import json
import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from overflight.catalog.tables import STATUSES, read_table
from overflight.errors import CatalogError
from overflight.intake import Intake, LeftOut
from overflight.notices import Notice

Row = dict[str, str | float]

_COLUMNS = {
    "name": ("name", "gateway", "pop", "site", "station"),
    "lat_deg": ("lat_deg", "lat", "latitude"),
    "lon_deg": ("lon_deg", "lon", "lng", "long", "longitude"),
    "height_m": ("height_m", "height", "elevation_m", "elevation", "altitude_m", "altitude", "alt"),
    "country": ("country", "country_code", "alpha2", "iso"),
    "state": ("state",),
    "status": ("status",),
    "kind": ("kind", "type"),
    "code": ("code",),
    "city": ("city", "town"),
    "operator": ("operator",),
    "source": ("source",),
    "date": ("date",),
    "shown": ("show",),
}
"""Our columns, and the names that files give them, in order of preference."""

_HEADERLESS = {2: ("lon_deg", "lat_deg"), 3: ("name", "lat_deg", "lon_deg"), 5: ("id", "name", "lat_deg", "lon_deg", "height_m")}
_STATES = {
    "": "operational", "operational": "operational", "active": "operational", "live": "operational", "online": "operational",
    "planned": "planned", "proposed": "planned", "pending": "planned", "under construction": "planned", "unverified": "unverified",
    "retired": "retired", "closed": "retired", "decommissioned": "retired", "offline": "retired",
}  # fmt: skip
_KINDS = {"netfac": "pop", "pop": "pop", "gateway": "gateway", "community_gateway": "community_gateway"}
_WORDS = {"gateway": "gateway", "pop": "PoP", "community_gateway": "community gateway"}
_MAX_HEIGHT_M = 9000.0


class _BadRecord(Exception):  # noqa: N818 - it never leaves this module
    """A record that cannot be used, and why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _OtherRecord(_BadRecord):
    """A sound record that is not asked for, and why."""


@dataclass(slots=True)
class _Notes:
    """What is said of the file as a whole."""

    unknown_states: set[str] = field(default_factory=set)
    by_position: int = 0

    def warnings(self) -> tuple[str, ...]:
        said = []
        if self.unknown_states:
            states = tuple(sorted(self.unknown_states))
            said.append(Notice.of("warning.unknown_states", "states not understood and taken as operational: {states}", states=states))
        if self.by_position:
            text = "country of {count} records taken from their position"
            said.append(Notice.of("warning.country_by_position", text, count=self.by_position))
        return tuple(said)


def parse_ground(data: bytes, *, source: str, kind: str, operator: str, include_planned: bool, strict: bool) -> tuple[list[Row], Intake]:
    """Read rows of one kind (``gateway`` or ``pop``) from CSV or JSON; see `overflight.catalog.ground.read_gateways`."""
    text = _decode(data, source)
    records = list(_json_records(text, source) if text.lstrip()[:1] in {"{", "["} else _csv_records(text, source))
    if not records:
        msg = f"{source}: no records; give one {_WORDS[kind]} a line (name,lat,lon) or a JSON list"
        raise CatalogError(msg)
    rows: list[Row] = []
    left_out: list[LeftOut] = []
    first_seen: dict[tuple[object, ...], int] = {}
    notes = _Notes()
    for line, record in records:
        label = _label(record) if isinstance(record, Mapping) else ""
        try:
            row = _read_row(record, kind=kind, operator=operator, include_planned=include_planned, notes=notes)
            key = (str(row["name"]).casefold(), row["code"], row["lat_deg"], row["lon_deg"])
            if key in first_seen:
                reason = Notice.of("left_out.duplicate_record", "duplicate of record {line}", line=first_seen[key])
                raise _BadRecord(reason)  # noqa: TRY301 - the account is kept in one place
            first_seen[key] = line
            rows.append(row)
        except _OtherRecord as other:
            left_out.append(LeftOut(source, line, label, other.reason))
        except _BadRecord as bad:
            left_out.append(LeftOut(source, line, label, bad.reason))
            if strict:
                raise CatalogError(str(left_out[-1])) from None
    if not rows:
        msg = f"{source}: none of {len(records)} records is a {_WORDS[kind]} that can be used; the first: {left_out[0].reason}"
        raise CatalogError(msg)
    _fill_countries(rows, notes)
    return rows, Intake(source, hashlib.sha256(data).hexdigest(), len(records), len(rows), tuple(left_out), notes.warnings())


def _decode(data: bytes, source: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{source}: not UTF-8 text (byte {error.start}); give CSV or JSON"
        raise CatalogError(msg) from None
    if not text.strip() or "\0" in text:
        msg = f"{source}: {'not text' if text.strip() else 'empty'}; give CSV (name,lat,lon) or JSON"
        raise CatalogError(msg)
    return text


def _json_records(text: str, source: str) -> Iterator[tuple[int, object]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"{source}: not valid JSON{where}; the file may be truncated"
        raise CatalogError(msg) from None
    records = document.get("stations") if isinstance(document, dict) else document
    if not isinstance(records, list):
        msg = f"{source}: JSON without a list of records; give a list, or an object with one under 'stations'"
        raise CatalogError(msg)
    for number, record in enumerate(records, start=1):
        yield number, _rename(record) if isinstance(record, dict) else record


def _csv_records(text: str, source: str) -> Iterator[tuple[int, object]]:
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: tuple[str, ...] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
                continue
            if header is None:
                header = _header_of(cells)
                if header is not None:
                    continue
                header = _columns_without_header(cells, source)
            yield reader.line_num, _cells_to_record(header, cells)
    except csv.Error as error:
        msg = f"{source}:{reader.line_num}: not CSV ({error})"
        raise CatalogError(msg) from None


def _header_of(cells: list[str]) -> tuple[str, ...] | None:
    """Cells of the first line as our column names, if it is a header: it names a latitude and a longitude."""
    names = [cell.strip().casefold() for cell in cells]
    if not (set(names) & set(_COLUMNS["lat_deg"]) and set(names) & set(_COLUMNS["lon_deg"])):
        return None
    return tuple(names)


def _columns_without_header(cells: list[str], source: str) -> tuple[str, ...]:
    columns = _HEADERLESS.get(len(cells))
    if columns is None or not _is_number(cells[columns.index("lat_deg")]):
        msg = f"{source}: the first line is neither a header with lat and lon nor 'lon,lat', 'name,lat,lon' or 'id,name,lat,lon,elevation'"
        raise CatalogError(msg)
    return columns


def _cells_to_record(header: tuple[str, ...], cells: list[str]) -> object:
    if len(cells) != len(header):
        return Notice.of("left_out.cells", "{cells} cells where {expected} are expected", cells=len(cells), expected=len(header))
    return _rename(dict(zip(header, cells, strict=True)))


def _rename(record: Mapping[str, object]) -> dict[str, object]:
    """A record under our column names; what we do not know is dropped."""
    lowered = {str(key).strip().casefold(): value for key, value in record.items()}
    return {ours: next((lowered[name] for name in names if name in lowered), None) for ours, names in _COLUMNS.items()}


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _read_row(record: object, *, kind: str, operator: str, include_planned: bool, notes: _Notes) -> Row:
    if isinstance(record, str):
        raise _BadRecord(record)
    if not isinstance(record, dict):
        reason = Notice.of("left_out.not_a_record", "not a record of named values")
        raise _BadRecord(reason)
    _check_wanted(record, kind)
    lat, lon = _read_number(record, "lat_deg", -90.0, 90.0), _read_number(record, "lon_deg", -180.0, 360.0)
    if lat == 0.0 and lon == 0.0:
        reason = Notice.of("left_out.position_zero", "position 0, 0 stands for an unknown one")
        raise _BadRecord(reason)
    height = _read_number(record, "height_m", -500.0, _MAX_HEIGHT_M) if _text(record, "height_m") else 0.0
    state = _read_state(record, notes)
    if state == "retired" or (state != "operational" and not include_planned):
        reason = Notice.of("left_out.state", "state is {state}", state=Notice.word("state", state))
        raise _OtherRecord(reason)
    given_status = _text(record, "status").casefold()
    return {
        "operator": _text(record, "operator") or operator,
        "kind": kind,
        "name": _label(record) or f"{lat:.3f},{lon:.3f}",
        "code": _text(record, "code"),
        "city": _text(record, "city"),
        "country": _text(record, "country"),
        "lat_deg": lat,
        "lon_deg": lon - 360.0 if lon > 180.0 else lon,
        "height_m": height,
        "state": state,
        "source": _text(record, "source"),
        "date": _text(record, "date"),
        "status": given_status if given_status in STATUSES else "reported",
    }


def _check_wanted(record: Mapping[str, object], kind: str) -> None:
    if record.get("shown") is False:
        reason = Notice.of("left_out.not_shown", "marked as not shown by its list")
        raise _OtherRecord(reason)
    given = _text(record, "kind").casefold()
    found = _KINDS.get(given, kind)
    if found != kind:
        is_what, not_what = Notice.word("kind", _WORDS[found]), Notice.word("kind", _WORDS[kind])
        reason = Notice.of("left_out.other_kind", "is a {found}, not a {wanted}", found=is_what, wanted=not_what)
        raise _OtherRecord(reason)


def _read_state(record: Mapping[str, object], notes: _Notes) -> str:
    """State of a record; some lists call it ``status``, which elsewhere says how sure a row is."""
    said = _text(record, "state").casefold() or _text(record, "status").casefold()
    if said in _STATES:
        return _STATES[said]
    if said not in STATUSES:
        notes.unknown_states.add(said)
    return "operational"


def _label(record: Mapping[str, object]) -> str:
    return _text(record, "name") or _text(record, "city") or _text(record, "code")


def _text(record: Mapping[str, object], column: str) -> str:
    value = record.get(column)
    return "" if value is None else " ".join(str(value).split())


def _read_number(record: Mapping[str, object], column: str, least: float, most: float) -> float:
    said = _text(record, column)
    word = Notice.word("column", column.rsplit("_", 1)[0])
    if not said:
        reason = Notice.of("left_out.no_value", "no {column}", column=word)
        raise _BadRecord(reason)
    if not _is_number(said):
        reason = Notice.of("left_out.not_a_number", "{column} '{said}' is not a number", column=word, said=said[:20])
        raise _BadRecord(reason)
    value = float(said)
    if not math.isfinite(value):
        reason = Notice.of("left_out.not_finite", "{column} is {said}", column=word, said=str(value))
        raise _BadRecord(reason)
    if not least <= value <= most:
        text = "{column} {value:g} is outside {least:g} to {most:g}"
        reason = Notice.of("left_out.outside", text, column=word, value=value, least=least, most=most)
        raise _BadRecord(reason)
    return value


def _fill_countries(rows: list[Row], notes: _Notes) -> None:
    """Turn names of countries into codes, and find the country of rows that give none from their position."""
    for row in rows:
        code = _codes_by_name().get(_fold(str(row["country"])), "")
        if not code:
            from overflight.earth.places import nearest_country

            code = nearest_country(float(row["lat_deg"]), float(row["lon_deg"]))
            notes.by_position += 1
        row["country"] = code


@cache
def _codes_by_name() -> dict[str, str]:
    """Alpha-2 codes by code, name in English and French, and alias, folded."""
    table = read_table("territories")
    found: dict[str, str] = {}
    for row, code in enumerate(table["code"]):
        names = (table["name"][row], table["name_fr"][row], *table["aliases"][row].split("|"))
        found |= {_fold(name): code for name in names if name}
    codes = {_fold(code): table["code"][row] for column in ("alpha3", "code") for row, code in enumerate(table[column])}
    return found | codes


def _fold(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name.casefold()) if letter.isalnum())
