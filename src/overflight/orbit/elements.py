"""Element sets: the table of them, and reading them from TLE, 3LE and OMM files.

The readers work on bytes and never lose count: what was read is what was used plus what was left out, each with its line and reason.
"""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from overflight.clock import Instants, format_time
from overflight.errors import ElementSetError
from overflight.intake import Intake, LeftOut, read_bytes
from overflight.notices import Notice
from overflight.orbit._omm import parse_omm_csv, parse_omm_json, parse_omm_kvn, parse_omm_xml
from overflight.orbit._records import RawRecords
from overflight.orbit._tle import parse_tle

FloatArray = npt.NDArray[np.float64]

EARTH_GM_KM3_S2 = 398600.4418
"""WGS-84 gravitational parameter, in which mean altitudes are counted (`mean_altitude_km`)."""

EQUATORIAL_RADIUS_KM = 6378.137
"""WGS-84 equatorial radius."""

MAX_MEAN_MOTION_REV_DAY = 18.0
"""No orbit is faster: 17.2 revolutions a day is the mean motion at the Earth's surface."""

_MAX_FILE_BYTES = 1 << 30
_MOST_UNREADABLE = 0.1  # a file that begins with more is no text
_FIRST_EPOCH = np.datetime64("1957-01-01", "us")
_LAST_EPOCH = np.datetime64("2200-01-01", "us")
_FLOAT_COLUMNS = (
    "mean_motion_rev_day",
    "eccentricity",
    "inclination_deg",
    "raan_deg",
    "argument_of_perigee_deg",
    "mean_anomaly_deg",
    "bstar",
    "mean_motion_dot",
    "mean_motion_ddot",
)
_INDEX_COLUMNS = ("shell", "plane", "slot")


@dataclass(frozen=True, eq=False, repr=False)
class ElementSets:
    """A table of mean element sets (SGP4, TEME of date), one row per satellite; columns have length n.

    Attributes
    ----------
    norad_id
        Catalogue number, up to nine digits.
    name, international_designator
        As in the file; the designator in the form ``2019-074A``; empty where unknown.
    epoch
        UTC, to the microsecond.
    mean_motion_rev_day
        Revolutions per day, as published (Kozai's mean motion).
    eccentricity, inclination_deg, raan_deg, argument_of_perigee_deg, mean_anomaly_deg
        Mean elements at the epoch.
    bstar
        SGP4 drag term, 1/Earth radii.
    mean_motion_dot, mean_motion_ddot
        As in a TLE: half the first derivative, a sixth of the second (rev/day², rev/day³). SGP4 does not use them.
    shell, plane, slot
        Place in the constellation, counted from 0; −1 where unknown.
    """

    norad_id: npt.NDArray[np.int64]
    name: tuple[str, ...]
    international_designator: tuple[str, ...]
    epoch: Instants
    mean_motion_rev_day: FloatArray
    eccentricity: FloatArray
    inclination_deg: FloatArray
    raan_deg: FloatArray
    argument_of_perigee_deg: FloatArray
    mean_anomaly_deg: FloatArray
    bstar: FloatArray
    mean_motion_dot: FloatArray
    mean_motion_ddot: FloatArray
    shell: npt.NDArray[np.int16]
    plane: npt.NDArray[np.int16]
    slot: npt.NDArray[np.int16]

    def __post_init__(self) -> None:
        count = len(self.norad_id)
        for column in fields(self):
            if len(getattr(self, column.name)) != count:
                msg = f"element sets: column {column.name} has {len(getattr(self, column.name))} rows, norad_id has {count}"
                raise ElementSetError(msg)

    @classmethod
    def from_columns(cls, **columns: Any) -> Self:
        """Make a table from columns of any array-like kind.

        Columns left out take these values: numbers 0, ``name`` the catalogue number, ``international_designator`` empty, ``shell``,
        ``plane`` and ``slot`` −1. ``norad_id``, ``epoch``, ``mean_motion_rev_day`` and ``inclination_deg`` must be given.

        Raises
        ------
        ElementSetError
            If a column is unknown, missing or of another length.
        """
        known = {column.name for column in fields(cls)}
        for wrong in columns.keys() - known:
            msg = f"element sets have no column '{wrong}'; columns are {', '.join(sorted(known))}"
            raise ElementSetError(msg)
        for needed in ("norad_id", "epoch", "mean_motion_rev_day", "inclination_deg"):
            if needed not in columns:
                msg = f"element sets need the column '{needed}'"
                raise ElementSetError(msg)
        ids = np.ascontiguousarray(columns["norad_id"], dtype=np.int64)
        table: dict[str, Any] = {
            "norad_id": ids,
            "name": tuple(columns.get("name", (f"NORAD {number}" for number in ids.tolist()))),
            "international_designator": tuple(columns.get("international_designator", ("",) * len(ids))),
            "epoch": np.ascontiguousarray(columns["epoch"], dtype="datetime64[us]"),
        }
        for name in _FLOAT_COLUMNS:
            table[name] = np.ascontiguousarray(columns.get(name, np.zeros(len(ids))), dtype=np.float64)
        for name in _INDEX_COLUMNS:
            table[name] = np.ascontiguousarray(columns.get(name, np.full(len(ids), -1)), dtype=np.int16)
        return cls(**table)

    def __len__(self) -> int:
        return len(self.norad_id)

    def __repr__(self) -> str:
        if len(self) == 0:
            return "ElementSets: 0 satellites"
        oldest, newest = format_time(self.epoch.min()), format_time(self.epoch.max())
        altitude = mean_altitude_km(self)
        low, middle, high = np.percentile(altitude, [0.0, 50.0, 100.0])
        inclinations, counts = np.unique(np.round(self.inclination_deg), return_counts=True)
        busiest = np.argsort(-counts, kind="stable")[:5]
        listed = ", ".join(f"{inclinations[k]:.0f}° {counts[k]}" for k in sorted(busiest))
        more = "" if len(counts) <= 5 else f", {len(counts) - 5} more inclinations"
        ends = (f"{self.name[row]} (NORAD {self.norad_id[row]})" for row in (0, -1))
        lines = [
            f"ElementSets: {len(self)} satellites, {' to '.join(ends)}",
            f"  epochs          {oldest} to {newest}, median {format_time(self.epoch_median())}",
            f"  mean altitude   {low:.1f} to {high:.1f} km, median {middle:.1f} km",
            f"  inclination     {listed}{more}",
        ]
        placed = int(np.count_nonzero(self.plane >= 0))
        if placed:
            lines.append(f"  shell and plane known for {placed}")
        return "\n".join(lines)

    def select(self, index: Any) -> Self:
        """Return the rows that an index array, a boolean mask of length n, or a slice picks, in that order."""
        picks: Any = index if isinstance(index, slice) else np.asarray(index)
        if not isinstance(index, slice) and picks.size == 0:
            picks = picks.astype(np.intp)  # an empty list is an array of floats to numpy
        rows = np.arange(len(self))[picks]
        picked: dict[str, Any] = {}
        for column in fields(self):
            values = getattr(self, column.name)
            picked[column.name] = tuple(values[k] for k in rows.tolist()) if isinstance(values, tuple) else values[rows]
        return type(self)(**picked)

    @classmethod
    def concatenate(cls, tables: Sequence[Self]) -> Self:
        """Return the rows of several tables one after another; none gives an empty table."""
        joined: dict[str, Any] = {}
        if not tables:
            return cls.from_columns(norad_id=[], name=(), epoch=[], mean_motion_rev_day=[], inclination_deg=[])
        for column in fields(cls):
            parts = [getattr(table, column.name) for table in tables]
            joined[column.name] = sum(parts, ()) if isinstance(parts[0], tuple) else np.concatenate(parts)
        return cls(**joined)

    def epoch_median(self) -> np.datetime64:
        """Median epoch (the later of the two middle ones); not-a-time for an empty table."""
        if len(self) == 0:
            return np.datetime64("NaT", "us")
        middle: np.datetime64 = np.sort(self.epoch)[len(self) // 2]
        return middle


def mean_altitude_km(elements: ElementSets) -> FloatArray:
    """Mean altitude: semi-major axis by Kepler's third law from the published mean motion, less the equatorial radius.

    This is the altitude in which fleets are counted here; it takes the published (Kozai's) mean motion at its word, with WGS-84 GM.
    The mean geocentric radius that SGP4 makes of a 550-km orbit differs by −3.2 km (equatorial), −0.1 km (53°) to +1.6 km (polar),
    alike for all satellites of a shell.
    """
    return semi_major_axis_km(elements.mean_motion_rev_day) - EQUATORIAL_RADIUS_KM


def semi_major_axis_km(mean_motion_rev_day: FloatArray) -> FloatArray:
    """Semi-major axis of a Keplerian orbit (WGS-84 GM) from its mean motion."""
    axis: FloatArray = np.cbrt(EARTH_GM_KM3_S2 / (mean_motion_rev_day * (2.0 * np.pi / 86400.0)) ** 2)
    return axis


def mean_motion_at_altitude_rev_day(altitude_km: float) -> float:
    """Mean motion that `mean_altitude_km` reads as this altitude."""
    return float(np.sqrt(EARTH_GM_KM3_S2 / (EQUATORIAL_RADIUS_KM + altitude_km) ** 3) * 86400.0 / (2.0 * np.pi))


def read_elements(path: str | Path, *, strict: bool = False) -> tuple[ElementSets, Intake]:
    """Read a file of element sets; see `parse_elements`.

    Raises
    ------
    ElementSetError
        If the file cannot be read, or nothing in it can be used.
    """
    data = read_bytes(path, wanted="a file of TLE, 3LE or OMM element sets", refused=ElementSetError)
    return parse_elements(data, source=str(path), strict=strict)


def parse_elements(data: bytes, *, source: str, strict: bool = False) -> tuple[ElementSets, Intake]:
    """Read element sets from bytes: TLE or 3LE, or OMM as JSON, CSV, XML or KVN, gzipped or not. The format is told from the bytes.

    A record that cannot be used is left out with its line and reason. Of several element sets of one satellite the latest epoch is
    kept (at equal epochs the last one in the file).

    Parameters
    ----------
    data
        The file's content.
    source
        Its name, for messages.
    strict
        Refuse the file if any record would be left out.

    Raises
    ------
    ElementSetError
        If nothing in the file can be used; with ``strict``, at the first record that would be left out.

    References
    ----------
    CCSDS 502.0-B-3, Orbit Data Messages. T.S. Kelso, NORAD Two-Line Element Set Format, https://celestrak.org/NORAD/documentation/tle-fmt.php
    """
    sha256 = hashlib.sha256(data).hexdigest()
    raw = _parse_text(_decode(data, source), source)
    table, left_out = _take_usable(raw, source)
    intake = Intake(
        source=source,
        sha256=sha256,
        read=len(table) + len(left_out),
        used=len(table),
        left_out=tuple(left_out),
        warnings=tuple(raw.warnings),
    )
    if left_out and (strict or len(table) == 0):
        first = left_out[0]
        msg = (
            f"{first} (strict: nothing may be left out)"
            if strict
            else f"{source}: none of {intake.read} records can be used; the first, line {first.line}: {first.record}: {first.reason}"
        )
        raise ElementSetError(msg, line=first.line, satellite=first.record or None)
    if len(table) == 0:
        msg = f"{source}: holds no element sets; give a file of TLE, 3LE or OMM (JSON, CSV, XML, KVN)"
        raise ElementSetError(msg)
    return table, intake


def join_elements(tables: Sequence[ElementSets]) -> tuple[ElementSets, int]:
    """Join the tables of several files; of a satellite that stands in more than one, the latest element set is kept.

    At equal epochs the last table's is kept. Returns the joined table and the number of element sets that were left out.
    """
    joined = tables[0] if len(tables) == 1 else ElementSets.concatenate(tables)
    older = _find_superseded(joined, np.arange(len(joined)), {}) if len(tables) > 1 else {}
    if older:
        keep = np.ones(len(joined), dtype=bool)
        keep[list(older)] = False
        joined = joined.select(keep)
    return joined, len(older)


def _decode(data: bytes, source: str) -> str:
    """Bytes to text with newlines as line ends; what is not UTF-8 becomes U+FFFD, so that only its own record suffers."""
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(data)) as stream:
                data = stream.read(_MAX_FILE_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            msg = f"{source}: gzip data damaged or truncated ({error}); get the file again"
            raise ElementSetError(msg) from None
    if len(data) > _MAX_FILE_BYTES:
        msg = f"{source}: larger than {_MAX_FILE_BYTES >> 20} MiB; split it"
        raise ElementSetError(msg)
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    text = data.decode(encoding, errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _parse_text(text: str, source: str) -> RawRecords:
    """Tell the format from the first words and parse."""
    start = text[:4096].lstrip("\x00 \t\n").upper()
    if not text.strip("\x00 \t\n"):
        msg = f"{source}: empty; give a file of TLE, 3LE or OMM element sets"
        raise ElementSetError(msg)
    if sum(
        character == "\ufffd" or not (character.isprintable() or character in "\t\n\x00") for character in start
    ) > _MOST_UNREADABLE * len(start):
        msg = f"{source}: not text; give a file of TLE, 3LE or OMM element sets (gzip is read, zip archives must be unpacked)"
        raise ElementSetError(msg)
    if start.startswith(("<!DOCTYPE HTML", "<HTML")):
        msg = f"{source}: is a web page, not element sets; download the data again"
        raise ElementSetError(msg)
    if start.startswith(("[", "{")):
        return parse_omm_json(text)
    if start.startswith("<"):
        return parse_omm_xml(text)
    if start.startswith("CCSDS_OMM_VERS"):
        return parse_omm_kvn(text)
    head = start.split("\n", 1)[0]
    if "," in head and "EPOCH" in head:
        return parse_omm_csv(text)
    return parse_tle(text)


def _take_usable(raw: RawRecords, source: str) -> tuple[ElementSets, list[LeftOut]]:
    """Check the elements' ranges, keep the latest of each satellite; return the table and what was left out, by line."""
    columns = list(zip(*raw.rows, strict=True)) or [()] * 14
    lines = np.array(columns[0], dtype=np.int64)
    epoch_us = np.array(columns[4], dtype=np.int64)
    table = ElementSets.from_columns(
        norad_id=columns[1],
        name=columns[2],
        international_designator=columns[3],
        epoch=epoch_us.astype("datetime64[us]"),
        **dict(zip(_FLOAT_COLUMNS, columns[5:], strict=True)),
    )
    reasons: dict[int, str] = {}
    for rows, reason in _find_out_of_range(table):
        for row in rows.tolist():
            reasons.setdefault(row, reason(row))
    reasons |= _find_superseded(table, lines, reasons)
    left_out = [LeftOut(source, line, record, reason) for line, record, reason in raw.bad]
    left_out += [LeftOut(source, int(lines[row]), f"{table.name[row]} ({table.norad_id[row]})", reason) for row, reason in reasons.items()]
    left_out.sort(key=lambda one: one.line or 0)
    if reasons:
        keep = np.ones(len(table), dtype=bool)
        keep[list(reasons)] = False
        table = table.select(keep)
    return table, left_out


def _find_out_of_range(table: ElementSets) -> Iterable[tuple[npt.NDArray[np.intp], Any]]:
    """Rows whose elements no orbit has, with a function from row to reason."""

    def rule(name: str, good: npt.NDArray[np.bool_], allowed: str = "") -> tuple[npt.NDArray[np.intp], Any]:
        values = getattr(table, name)

        def reason(row: int) -> Notice:
            if not allowed:
                return Notice.of("left_out.infinite", "{name} {value} is not a finite number", name=name, value=str(values[row]))
            text = "{name} {value:.9g} is not in {allowed}"
            return Notice.of("left_out.out_of_range", text, name=name, value=float(values[row]), allowed=allowed)

        return np.flatnonzero(~good), reason

    for name in _FLOAT_COLUMNS:
        yield rule(name, np.isfinite(getattr(table, name)))
    n, e, i = table.mean_motion_rev_day, table.eccentricity, table.inclination_deg
    yield rule("mean_motion_rev_day", (n > 0.0) & (n <= MAX_MEAN_MOTION_REV_DAY), f"0 < n <= {MAX_MEAN_MOTION_REV_DAY:g}")
    yield rule("eccentricity", (e >= 0.0) & (e < 1.0), "0 <= e < 1")
    yield rule("inclination_deg", (i >= 0.0) & (i <= 180.0), "0..180")
    for name in ("raan_deg", "argument_of_perigee_deg", "mean_anomaly_deg"):
        yield rule(name, np.abs(getattr(table, name)) <= 360.0, "-360..360")
    epochs: list[np.datetime64] = list(table.epoch)
    early = (table.epoch < _FIRST_EPOCH) | (table.epoch >= _LAST_EPOCH)
    yield (
        np.flatnonzero(early),
        lambda row: Notice.of("left_out.epoch_out_of_range", "epoch {epoch} is not in 1957..2199", epoch=format_time(epochs[row])),
    )


def _find_superseded(table: ElementSets, lines: npt.NDArray[np.int64], unusable: dict[int, str]) -> dict[int, str]:
    """Rows of satellites that have a later (or, at the same epoch, a further) element set in the file. Unnumbered objects have none."""
    usable = np.ones(len(table), dtype=bool)
    usable[list(unusable)] = False
    usable &= table.norad_id > 0
    rows = np.flatnonzero(usable)
    order = rows[np.lexsort((rows, table.epoch[rows], table.norad_id[rows]))]
    ids = table.norad_id[order]
    superseded: dict[int, str] = {}
    last = np.searchsorted(ids, ids, side="right") - 1
    for position in np.flatnonzero(last != np.arange(len(order))).tolist():
        kept = order[last[position]]
        line = int(lines[kept])
        if table.epoch[kept] > table.epoch[order[position]]:
            reason = Notice.of("left_out.older", "duplicate; the element set of line {line} with a later epoch is used", line=line)
        else:
            reason = Notice.of("left_out.as_old", "duplicate; the element set of line {line} with the same epoch is used", line=line)
        superseded[int(order[position])] = reason
    return superseded


def with_places(elements: ElementSets, *, shell: Any, plane: Any, slot: Any) -> ElementSets:
    """Return the same table with other ``shell``, ``plane`` and ``slot`` columns."""
    return replace(
        elements,
        shell=np.ascontiguousarray(shell, dtype=np.int16),
        plane=np.ascontiguousarray(plane, dtype=np.int16),
        slot=np.ascontiguousarray(slot, dtype=np.int16),
    )
