"""What the parsers of element sets hand on: rows not yet checked for range, and records that could not be read."""

import re
from dataclasses import dataclass, field
from datetime import date

from overflight.notices import Notice

Row = tuple[int, int, str, str, int, float, float, float, float, float, float, float, float, float]
"""line, norad_id, name, designator, epoch (µs since 1970), n, e, i, RAAN, argument of perigee, M, B*, ṅ/2, n̈/6."""

DAY_US = 86_400_000_000
_UNIX_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_DESIGNATOR = re.compile(r"([0-9]{2})([0-9]{3})([A-Z]{1,3})", re.ASCII)


@dataclass(slots=True)
class RawRecords:
    """Rows, bad records as (line, what it is, reason), and warnings on the file as a whole."""

    rows: list[Row] = field(default_factory=list)
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def warn_of_truncation(self) -> None:
        """Say that the last record lacks its end."""
        self.warnings.append(Notice.of("warning.truncated", "the file ends within a record: truncated?"))


class BadRecordError(Exception):
    """A record cannot be read; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def day_start_us(year: int, day_of_year: int) -> int:
    """Microseconds from 1970 to the start of a day of the year (1 is the first of January)."""
    return (date(year, 1, 1).toordinal() - _UNIX_EPOCH_ORDINAL + day_of_year - 1) * DAY_US


def days_in_year(year: int) -> int:
    """Days in a year of the Gregorian calendar."""
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365


def full_designator(short: str) -> str:
    """A TLE's designator ``19074A`` as ``2019-074A``; anything else as it stands."""
    match = _DESIGNATOR.fullmatch(short)
    if match is None:
        return short
    year = int(match[1])
    return f"{1900 + year if year >= 57 else 2000 + year}-{match[2]}{match[3]}"


def default_name(name: str, norad_id: int) -> str:
    """The name, or one made from the catalogue number where the file gives none."""
    return name or f"NORAD {norad_id}"
