"""Orbit mean-elements messages (CCSDS 502.0): JSON, CSV, XML and KVN, each record on its own so that a bad one spoils no other.

Reference: CCSDS 502.0-B-3, Orbit Data Messages, section 4; T.S. Kelso, A New Way to Obtain GP Data,
https://celestrak.org/NORAD/documentation/gp-data-formats.php.
"""

import csv
import json
import re
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any
from xml.parsers import expat

from overflight.notices import Notice
from overflight.orbit._records import BadRecordError, RawRecords, Row, day_start_us, days_in_year, default_name

_MAX_NORAD_ID = 999_999_999
_RECORD = Notice.of("left_out.record", "record")
_REQUIRED = (
    "MEAN_MOTION",
    "ECCENTRICITY",
    "INCLINATION",
    "RA_OF_ASC_NODE",
    "ARG_OF_PERICENTER",
    "MEAN_ANOMALY",
    "BSTAR",
)
_OPTIONAL = ("MEAN_MOTION_DOT", "MEAN_MOTION_DDOT")  # SGP4 does not use them
_READ_FIELDS = frozenset((*_REQUIRED, *_OPTIONAL, "NORAD_CAT_ID", "EPOCH", "OBJECT_NAME", "OBJECT_ID"))
# what SGP4 element sets must say of themselves where they say anything
_FIXED = {
    "CENTER_NAME": ("EARTH",),
    "REF_FRAME": ("TEME",),
    "TIME_SYSTEM": ("UTC",),
    "MEAN_ELEMENT_THEORY": ("SGP4", "SGP/SGP4", "SGP"),
    "EPHEMERIS_TYPE": ("0", "2", "3", "SGP", "SGP4"),
}
_EPOCH = re.compile(
    r"([0-9]{4})-(?:([0-9]{2})-([0-9]{2})|([0-9]{3}))[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{0,12}))?\s*(?:Z|\+00:?00)?"
)
_OMM_START = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?omm(?=[\s>/])")
_OMM_END = re.compile(r"</(?:[A-Za-z_][\w.-]*:)?omm\s*>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_NOT_NEWLINE = re.compile(r"[^\n]+")


class _Collector:
    """Rows and bad records of one file; counts the records that lack a derivative."""

    def __init__(self) -> None:
        self.raw = RawRecords()
        self._without_derivative = 0

    def add(self, line: int, fields: Mapping[str, Any]) -> None:
        """Read one record."""
        try:
            self.raw.rows.append(_read_row(line, fields))
        except BadRecordError as error:
            self.refuse(line, _describe(fields), error.reason)
        else:
            self._without_derivative += any(fields.get(name) in {None, ""} for name in _OPTIONAL)

    def refuse(self, line: int, record: str, reason: str) -> None:
        """Account for a record that cannot be read."""
        self.raw.bad.append((line, record, reason))

    def finish(self, *, truncated: bool) -> RawRecords:
        """Return what was collected, with warnings."""
        if truncated:
            self.raw.warn_of_truncation()
        if self._without_derivative:
            sentence = "{count:,} records lack a derivative of mean motion, taken as 0 (unused by SGP4)"
            self.raw.warnings.append(Notice.of("warning.no_derivative", sentence, count=self._without_derivative))
        return self.raw


class _Lines:
    """Line numbers of growing offsets in a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._line = 1

    def at(self, offset: int) -> int:
        """Line of an offset that is not before the previous one."""
        self._line += self._text.count("\n", self._offset, offset)
        self._offset = offset
        return self._line


def parse_omm_json(text: str) -> RawRecords:
    """Read a JSON array of records, a single one, or one after another (JSON lines)."""
    collector, lines = _Collector(), _Lines(text)
    scan = json.JSONDecoder().raw_decode
    skip = re.compile(r"[\s,\ufeff]*")
    truncated = False
    match = re.compile(r"\s*\[?").match(text)
    position = match.end() if match else 0
    while True:
        position = skip.match(text, position).end()  # type: ignore[union-attr]
        if position >= len(text):
            break
        if text[position] == "]" and not text[position + 1 :].strip(" \t\n\x00"):
            break
        line = lines.at(position)
        start = position
        try:
            record, position = scan(text, position)
        except (ValueError, RecursionError) as error:
            position = text.find("{", start + 1)
            truncated = position < 0
            position = len(text) if truncated else position
            collector.refuse(line, _RECORD, Notice.of("left_out.not_json", "not JSON ({reason})", reason=_json_reason(error)))
            continue
        if isinstance(record, dict):
            collector.add(line, record)
        else:
            sentence = "a JSON object with the fields of an OMM is needed, not {found!a}"
            collector.refuse(line, _RECORD, Notice.of("left_out.not_an_object", sentence, found=str(record)[:40]))
    return collector.finish(truncated=truncated)


def parse_omm_csv(text: str) -> RawRecords:
    """Read CSV with a line of column names; each further line is one record."""
    collector = _Collector()
    lines = text.split("\n")
    start = next(k for k, line in enumerate(lines) if line.strip("\x00 \t"))
    columns = [name.strip().upper() for name in _split_csv(lines[start])]
    for number, line in enumerate(lines[start + 1 :], start=start + 2):
        if not line.strip("\x00 \t"):
            continue
        values = _split_csv(line)
        if len(values) == len(columns):
            collector.add(number, dict(zip(columns, values, strict=True)))
        else:
            found = dict(zip(columns, values, strict=False))
            reason = Notice.of("left_out.columns", "{found} of {columns} columns", found=len(values), columns=len(columns))
            collector.refuse(number, _describe(found), reason)
    return collector.finish(truncated=False)


def _split_csv(line: str) -> list[str]:
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line]))
    except (csv.Error, StopIteration):
        return line.split(",")


def parse_omm_xml(text: str) -> RawRecords:
    """Read every ``<omm>`` of an XML document, each by itself: what stands around them, entity declarations included, is never read."""
    collector, lines = _Collector(), _Lines(text)
    if "<!--" in text:
        text = _COMMENT.sub(lambda comment: _NOT_NEWLINE.sub("", comment[0]), text)
        lines = _Lines(text)
    starts = [match.start() for match in _OMM_START.finditer(text)]
    truncated = False
    for start, following in pairwise([*starts, len(text)]):
        line = lines.at(start)
        end = _OMM_END.search(text, start, following)
        if end is None:
            truncated = following == len(text)
            sentence = "no </omm> before the next record or the end of the file"
            collector.refuse(line, _RECORD, Notice.of("left_out.no_end", sentence))
            continue
        try:
            collector.add(line, _read_xml_fields(text[start : end.end()]))
        except expat.ExpatError as error:
            reason = expat.errors.messages.get(error.code, "unknown error")
            sentence = "not well-formed XML at line {line} ({reason})"
            collector.refuse(line, _RECORD, Notice.of("left_out.not_xml", sentence, line=line + error.lineno - 1, reason=reason))
    return collector.finish(truncated=truncated)


def _read_xml_fields(fragment: str) -> dict[str, str]:
    """Text of the elements of one ``<omm>`` that are read or checked."""
    found: dict[str, str] = {}
    parts: list[str] = []
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True

    def start(_tag: str, _attributes: dict[str, str]) -> None:
        parts.clear()

    def end(tag: str) -> None:
        if parts:
            found[tag.rpartition(":")[2]] = "".join(parts).strip()
            parts.clear()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = parts.append
    parser.Parse(fragment.encode("utf-8", errors="replace"), True)
    return found


def parse_omm_kvn(text: str) -> RawRecords:
    """Read ``KEYWORD = value`` lines; each ``CCSDS_OMM_VERS`` starts a record."""
    collector = _Collector()
    fields: dict[str, str] = {}
    start = 0
    for number, line in enumerate(text.split("\n"), start=1):
        keyword, equals, value = line.partition("=")
        keyword = keyword.strip()
        if keyword == "CCSDS_OMM_VERS":
            if start:
                collector.add(start, fields)
            start, fields = number, {}
        if equals:
            fields[keyword] = value.partition("[")[0].strip()
    collector.add(start, fields)
    return collector.finish(truncated=False)


def _read_row(line: int, fields: Mapping[str, Any]) -> Row:
    """Turn the fields of one record into a row."""
    for name, allowed in _FIXED.items():
        stated = fields.get(name)
        if stated is not None and stated != "" and str(stated).strip().upper() not in allowed:
            sentence = "{name} is {stated!a}; element sets for SGP4 are needed ({allowed})"
            raise BadRecordError(Notice.of("left_out.not_for_sgp4", sentence, name=name, stated=str(stated)[:30], allowed=allowed[0]))
    norad_id = _read_id(_require(fields, "NORAD_CAT_ID"))
    epoch_us = _read_epoch_us(_require(fields, "EPOCH"))
    values = [_read_float(name, _require(fields, name)) for name in _REQUIRED]
    values += [_read_float(name, fields[name]) if fields.get(name) not in {None, ""} else 0.0 for name in _OPTIONAL]
    n, e, i, raan, perigee, anomaly, bstar, ndot, nddot = values
    name = default_name(_read_text(fields.get("OBJECT_NAME")), norad_id)
    return (line, norad_id, name, _read_text(fields.get("OBJECT_ID")), epoch_us, n, e, i, raan, perigee, anomaly, bstar, ndot, nddot)


def _require(fields: Mapping[str, Any], name: str) -> Any:
    value = fields.get(name)
    if value is None or value == "":
        if name in fields:
            raise BadRecordError(Notice.of("left_out.empty", "field {name} is empty", name=name))
        raise BadRecordError(Notice.of("left_out.missing", "field {name} is missing", name=name))
    return value


def _read_float(name: str, value: Any) -> float:
    """Read a number, or a string that holds one; NaN and infinity pass, the range check names them."""
    if isinstance(value, float):
        return value
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, str) and value.isascii() and "_" not in value:
            return float(value)
    except (ValueError, OverflowError):
        pass
    sentence = "{name} {value!a} is not a number"
    raise BadRecordError(Notice.of("left_out.value_not_a_number", sentence, name=name, value=str(value)[:30]))


def _read_id(value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) <= _MAX_NORAD_ID):
        raise BadRecordError(Notice.of("left_out.id", "NORAD_CAT_ID {value!a} is not a number of up to nine digits", value=text[:30]))
    return int(text)


def _read_epoch_us(value: Any) -> int:
    """Read a UTC epoch with or without fractions and ``Z``, by month and day or by day of the year, rounded to the microsecond."""
    text = str(value).strip()
    match = _EPOCH.fullmatch(text)
    if match is None:
        sentence = "EPOCH {value!a} is not a UTC time like 2026-08-22T00:00:00.000000"
        raise BadRecordError(Notice.of("left_out.epoch", sentence, value=text[:40]))
    year, month, day, day_of_year, hour, minute, second, fraction = match.groups()
    try:
        ordinal = int(day_of_year) if day_of_year else date(int(year), int(month), int(day)).timetuple().tm_yday
        if not (1 <= ordinal <= days_in_year(int(year)) and int(hour) < 24 and int(minute) < 60 and int(second) <= 60):
            raise ValueError  # noqa: TRY301
        midnight = day_start_us(int(year), ordinal)
    except ValueError:
        raise BadRecordError(Notice.of("left_out.no_such_epoch", "EPOCH {value!a} does not exist", value=text[:40])) from None
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second)  # second 60 of a leap second is the next minute's first
    return midnight + seconds * 1_000_000 + (round(int(fraction) * 10 ** (6 - len(fraction))) if fraction else 0)


def _read_text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _describe(fields: Mapping[str, Any]) -> str:
    """What to call a record: its name and number as far as it has them."""
    name, number = _read_text(fields.get("OBJECT_NAME"))[:40], str(fields.get("NORAD_CAT_ID") or "")[:12]
    return f"{name} ({number})" if name and number else name or (f"NORAD {number}" if number else _RECORD)


def _json_reason(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    if isinstance(error, RecursionError):
        return Notice.of("left_out.too_deep", "nested too deeply")
    return Notice.of("left_out.value_needed", "a value is needed")
