"""Two-line element sets, with or without a line of name (3LE), Alpha-5 catalogue numbers included.

Reference: T.S. Kelso, NORAD Two-Line Element Set Format, https://celestrak.org/NORAD/documentation/tle-fmt.php; Space-Track,
Alpha-5 catalogue numbers, https://www.space-track.org/documentation#tle-alpha5.
"""

import re
from dataclasses import dataclass

from overflight.notices import Notice
from overflight.orbit._records import (
    DAY_US,
    BadRecordError,
    RawRecords,
    Row,
    day_start_us,
    days_in_year,
    default_name,
    full_designator,
)

_CHECKED_COLUMNS = 68
_LINE_COLUMNS = 69
_ELEMENT_LINE_COLUMNS = 60  # a line this long is no name, whatever its first character has become
_ALPHA5 = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # 10 to 33; I and O are not used
_CHECK_VALUES = bytes(byte - 48 if 48 <= byte <= 57 else int(byte == 45) for byte in range(256))  # digits count, a minus sign is one
_SGP4_XP = "4"

# (name, pattern) from column 1 on; each pattern has the width of its columns, and a group is a value to be read
_LINE_1_FIELDS = (
    ("line number", r"1 "),
    ("catalogue number", r"([A-HJ-NP-Z0-9 ][0-9 ]{4})"),
    ("classification", r"[A-Z ] "),
    ("international designator", r"([0-9A-Z -]{8}) "),
    ("epoch", r"([0-9]{2})([ 0-9]{3})\.([0-9 ]{8}) "),
    ("first derivative of mean motion", r"([-+ .0-9]{10}) "),
    ("second derivative of mean motion", r"([-+ ][ 0-9]{5})([-+ ][0-9 ]) "),
    ("B*", r"([-+ ][ 0-9]{5})([-+ ][0-9 ]) "),
    ("ephemeris type", r"([0-9 ]) "),
    ("element set number", r"[0-9 ]{4}"),
)
_LINE_2_FIELDS = (
    ("line number", r"2 "),
    ("catalogue number", r"([A-HJ-NP-Z0-9 ][0-9 ]{4}) "),
    ("inclination", r"([-+ .0-9]{8}) "),
    ("right ascension of the ascending node", r"([-+ .0-9]{8}) "),
    ("eccentricity", r"([0-9 ]{7}) "),
    ("argument of perigee", r"([-+ .0-9]{8}) "),
    ("mean anomaly", r"([-+ .0-9]{8}) "),
    ("mean motion", r"([-+ .0-9]{11})"),
    ("revolution number", r"[0-9 ]{5}"),
)
_LINE_1 = re.compile("".join(pattern for _, pattern in _LINE_1_FIELDS))
_LINE_2 = re.compile("".join(pattern for _, pattern in _LINE_2_FIELDS))


@dataclass(slots=True)
class _Pending:
    """What has been read of the record that is not complete yet, with the line each part stands in."""

    name: str = ""
    name_line: int = 0
    first: str = ""
    first_line: int = 0

    def describe(self) -> str:
        return self.name or _describe(self.first)


def parse_tle(text: str) -> RawRecords:
    """Read all element sets of a text, in any mixture of two and three lines; lines that start with ``#`` are comments."""
    raw = RawRecords()
    pending = _Pending()
    without_checksum = 0
    for number, full_line in enumerate(text.split("\n"), start=1):
        line = full_line.rstrip(" \t\x00\x1a")
        if not line or line[0] == "#":
            continue
        kind = _tell_kind(line, after_first=bool(pending.first))
        if kind == 1:
            if pending.first:
                _drop_pending(raw, pending)
                pending = _Pending()
            pending.first, pending.first_line = line, number
        elif kind == 2:
            if pending.first:
                try:
                    row, lacks = _read_pair(pending, line, number)
                    raw.rows.append(row)
                    without_checksum += lacks
                except BadRecordError as error:
                    raw.bad.append((pending.first_line, pending.describe(), error.reason))
            else:
                raw.bad.append((number, pending.name or _describe(line), Notice.of("left_out.lone_line_2", "line 2 without line 1")))
            pending = _Pending()
        else:
            if pending.first or pending.name:
                _drop_pending(raw, pending)
            pending = _Pending(name=line, name_line=number)
    if pending.first or pending.name:
        _drop_pending(raw, pending)
        raw.warn_of_truncation()
    if without_checksum:
        sentence = "{count:,} element sets without a checksum were used as they stand"
        raw.warnings.append(Notice.of("warning.no_checksum", sentence, count=without_checksum))
    return raw


def _tell_kind(line: str, *, after_first: bool) -> int:
    """1 or 2 for a line of elements (a garbled one is the one that is due), 0 for a name."""
    start = line[:2]
    if start == "1 ":
        return 1
    if start == "2 ":
        return 2
    if len(line) >= _ELEMENT_LINE_COLUMNS:
        return 2 if after_first else 1
    return 0


def _drop_pending(raw: RawRecords, pending: _Pending) -> None:
    """Account for a record that never became complete."""
    if pending.first:
        raw.bad.append((pending.first_line, pending.describe(), Notice.of("left_out.lone_line_1", "line 1 without line 2")))
    else:
        reason = Notice.of("left_out.lone_name", "neither a line of elements nor a name followed by one")
        raw.bad.append((pending.name_line, _shorten(pending.name), reason))


def _read_pair(pending: _Pending, second: str, second_line: int) -> tuple[Row, bool]:
    """Turn line 1 and line 2 into a row; also tell whether either lacks its checksum."""
    first = pending.first
    match_1, match_2 = _LINE_1.match(first), _LINE_2.match(second)
    if match_1 is None:
        raise BadRecordError(_diagnose(first, _LINE_1_FIELDS, _name_line()))
    if match_2 is None:
        raise BadRecordError(_diagnose(second, _LINE_2_FIELDS, _name_line(second_line)))
    lacks_checksum = _check_line(first) | _check_line(second, second_line)
    number_1, designator, year, day, fraction, ndot, nddot, nddot_exponent, bstar, bstar_exponent, ephemeris_type = match_1.groups()
    number_2, inclination, raan, eccentricity, perigee, anomaly, mean_motion = match_2.groups()
    if number_1 != number_2 and _read_number(number_1) != _read_number(number_2):
        sentence = "line 1 is of {first}, line 2 (at {line}) of {second}"
        raise BadRecordError(Notice.of("left_out.two_numbers", sentence, first=number_1.strip(), second=number_2.strip(), line=second_line))
    if ephemeris_type == _SGP4_XP:
        sentence = "ephemeris type 4 is SGP4-XP, which is not SGP4; get the general-perturbations element set"
        raise BadRecordError(Notice.of("left_out.sgp4_xp", sentence))
    norad_id = _read_number(number_1)
    name = pending.name[2:].lstrip() if pending.name.startswith("0 ") else pending.name
    try:
        row = (
            pending.first_line,
            norad_id,
            default_name(name.strip(), norad_id),
            full_designator(designator.strip()),
            _read_epoch_us(int(year), int(day), fraction.strip()),
            float(mean_motion),
            float("0." + eccentricity.replace(" ", "0")),
            float(inclination),
            float(raan),
            float(perigee),
            float(anomaly),
            _read_exponential(bstar, bstar_exponent),
            float(ndot),
            _read_exponential(nddot, nddot_exponent),
        )
    except ValueError:
        raise BadRecordError(_find_unreadable(match_1.groups(), match_2.groups(), second_line)) from None
    return row, lacks_checksum


def _name_line(second_line: int = 0) -> Notice:
    """Line 1, or line 2 with the line of the file that it stands in."""
    if not second_line:
        return Notice.of("left_out.line_1", "line 1")
    return Notice.of("left_out.line_2", "line 2 (at {line})", line=second_line)


def _check_line(line: str, second_line: int = 0) -> bool:
    """Check the modulo-10 checksum in column 69. Returns whether there is none; raises if it is wrong."""
    computed = sum(line[:_CHECKED_COLUMNS].encode("ascii").translate(_CHECK_VALUES)) % 10
    stated = line[_CHECKED_COLUMNS:_LINE_COLUMNS].strip()
    if stated == str(computed):
        if len(line) > _LINE_COLUMNS and line[_LINE_COLUMNS] != " ":
            sentence = "{which} is longer than {columns} columns"
            raise BadRecordError(Notice.of("left_out.too_long", sentence, which=_name_line(second_line), columns=_LINE_COLUMNS))
        return False
    if stated:
        sentence = "{which}: checksum is {stated!a}, but its columns add up to {computed}"
        raise BadRecordError(Notice.of("left_out.checksum", sentence, which=_name_line(second_line), stated=stated, computed=computed))
    return True


def _read_number(field: str) -> int:
    """Catalogue number in five characters, plain or Alpha-5."""
    if field[0].isalpha():
        return (_ALPHA5.index(field[0]) + 10) * 10_000 + int(field[1:].replace(" ", "0"))
    digits = field.replace(" ", "")
    return int(digits) if digits else 0


def _read_epoch_us(year: int, day: int, fraction: str) -> int:
    """Epoch from a two-digit year (57 is 1957) and a day of the year, exact to the microsecond (1e-8 day is 864 µs)."""
    full_year = 1900 + year if year >= 57 else 2000 + year
    if not 1 <= day <= days_in_year(full_year):
        raise BadRecordError(Notice.of("left_out.no_such_day", "epoch: {year} has no day {day}", year=full_year, day=day))
    within = round(int(fraction) * DAY_US / 10 ** len(fraction)) if fraction else 0
    return day_start_us(full_year, day) + within


def _read_exponential(mantissa: str, exponent: str) -> float:
    """Read a number in the form ``-12345-3``, which is −0.12345e−3."""
    return float(f"{mantissa[0]}.{mantissa[1:]}e{exponent.replace(' ', '')}")


def _find_unreadable(values_1: tuple[str, ...], values_2: tuple[str, ...], second_line: int) -> Notice:
    """Say which value is no number, once a conversion failed although all characters are of a number's kind."""
    first, second = _name_line(), _name_line(second_line)
    plain = (
        (first, "epoch's day", values_1[3]),
        (first, "first derivative of mean motion", values_1[5]),
        (second, "inclination", values_2[1]),
        (second, "right ascension of the ascending node", values_2[2]),
        (second, "argument of perigee", values_2[4]),
        (second, "mean anomaly", values_2[5]),
        (second, "mean motion", values_2[6]),
    )
    for which, name, value in plain:
        try:
            float(value)
        except ValueError:
            sentence = "{which}: {name} {value!a} is not a number"
            return Notice.of("left_out.field_not_a_number", sentence, which=which, name=Notice.word("field", name), value=value)
    return Notice.of("left_out.exponential", "line 1: B* or the second derivative of mean motion is not a number")


def _diagnose(line: str, expected: tuple[tuple[str, str], ...], which: Notice) -> Notice:
    """Say what is wrong with a line that does not have the form of a line of elements."""
    if not line.isascii():
        column = next(k for k, character in enumerate(line, start=1) if not character.isascii())
        return Notice.of("left_out.not_ascii", "{which}: column {column} is not ASCII", which=which, column=column)
    position = 0
    for name, pattern in expected:
        match = re.compile(pattern).match(line, position)
        if match is None:
            if len(line) < _CHECKED_COLUMNS and _is_cut_off(line, position, pattern):
                break
            sentence = "{which}: {name} unreadable in {found!a} (from column {column})"
            found, field = line[position : position + 14], Notice.word("field", name)
            return Notice.of("left_out.unreadable", sentence, which=which, name=field, found=found, column=position + 1)
        position = match.end()
    sentence = "{which} is truncated: {found} of {columns} columns"
    return Notice.of("left_out.line_truncated", sentence, which=which, found=len(line), columns=_LINE_COLUMNS)


def _is_cut_off(line: str, position: int, pattern: str) -> bool:
    """Whether the field is unreadable for want of columns: padded with digits or blanks it would be readable."""
    return any(re.compile(pattern).match(line + filler * _LINE_COLUMNS, position) for filler in ("0", " ")) or len(line) <= position


def _describe(line: str) -> str:
    """What to call a record without a name: its catalogue number, or the line's beginning."""
    number = line[2:7].strip()
    return f"NORAD {number}" if line[:2] in {"1 ", "2 "} and number.isalnum() and number.isascii() else _shorten(line)


def _shorten(text: str) -> str:
    """At most 40 characters of a text, safe to print."""
    cleaned = "".join(character if character.isprintable() else "�" for character in text.strip())
    return cleaned if len(cleaned) <= 40 else cleaned[:37] + "..."
