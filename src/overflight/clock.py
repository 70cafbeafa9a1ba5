"""UTC instants: reading, writing and ranges. Times are ``numpy.datetime64[us]`` in UTC everywhere in Overflight."""

import re
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from overflight.errors import TimeError

Instants = npt.NDArray[np.datetime64]
"""Array of ``datetime64[us]``, UTC."""

FIRST_YEAR, LAST_YEAR = 1957, 2199
"""Years that times may lie in: satellites fly since 1957, and no element set says anything of centuries ahead."""

_SHAPE = re.compile(r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)?\s*(Z|z|[+-]\d{2}:?\d{2})?$", re.ASCII)


def parse_time(text: str) -> np.datetime64:
    """Read an ISO 8601 time as UTC. A time without a zone is taken as UTC (see `has_zone` to warn of it).

    Raises
    ------
    TimeError
        If the text is not an ISO 8601 date or time, or the date does not exist.
    """
    stripped = text.strip()
    if not _SHAPE.match(stripped):
        msg = f"time '{text}': not ISO 8601; write it as 2026-08-22T00:00:00Z"
        raise TimeError(msg)
    try:
        moment = datetime.fromisoformat(stripped.replace(",", ".").replace("z", "Z").replace(" Z", "Z"))
    except ValueError as error:
        reason = "its zone is a day or more" if str(error).startswith("offset") else error
        msg = f"time '{text}': {reason}; write it as 2026-08-22T00:00:00Z"
        raise TimeError(msg) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        msg = f"time '{text}': the year is not from {FIRST_YEAR} to {LAST_YEAR}"
        raise TimeError(msg)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment.isoformat(), "us")


def has_zone(text: str) -> bool:
    """Whether a time says which zone it is in."""
    match = _SHAPE.match(text.strip())
    return bool(match and match.group(4))


def zone_warning(text: str) -> str | None:
    """Say that a time of the user's names no zone and is read as UTC; None if it does, or is but a date."""
    if len(text.strip()) <= len("2026-08-22") or has_zone(text):
        return None
    return f"time '{text}' names no zone and is read as UTC; end it with Z to say so"


def format_time(instant: np.datetime64) -> str:
    """Write an instant as ISO 8601 with ``Z``; fractions of a second appear only where there are any, in threes of digits."""
    text = str(instant.astype("datetime64[us]"))
    return text.removesuffix("000").removesuffix(".000") + "Z"


def to_ms(instant: np.datetime64) -> np.datetime64:
    """Round an instant to the millisecond, for writing what is not known better."""
    since_1970_us = int(instant.astype("datetime64[us]").astype(np.int64))
    return np.datetime64((since_1970_us + 500) // 1000 * 1000, "us")


def now() -> np.datetime64:
    """Return the present instant in UTC, to the second. Only the edges of the program (command line, fetch) may ask."""
    return np.datetime64(datetime.now(UTC).replace(microsecond=0, tzinfo=None).isoformat(), "us")


def seconds_between(start: np.datetime64, end: np.datetime64) -> float:
    """Seconds from ``start`` to ``end`` (UTC, leap seconds not counted)."""
    return float((end - start) / np.timedelta64(1, "us")) * 1e-6


def add_seconds(instant: np.datetime64, seconds: float) -> np.datetime64:
    """Return the instant ``seconds`` later, to the microsecond."""
    later: np.datetime64 = instant.astype("datetime64[us]") + np.timedelta64(round(seconds * 1e6), "us")
    return later
