"""Answers of the command line, and small files to call it with."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

EPOCH_DAY = "26234.00000000"
"""2026-08-22T00:00:00Z in a TLE's words."""


class Answer(NamedTuple):
    """What a call left behind."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line on stderr, after a refusal."""
        assert "Traceback" not in self.err
        assert self.out == ""
        lines = [line for line in self.err.splitlines() if "warning:" not in line]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("overflight: error: ")
        return lines[0].removeprefix("overflight: error: ")

    @property
    def warnings(self) -> list[str]:
        """The lines of warning."""
        begin = "overflight: warning: "
        return [line.removeprefix(begin) for line in self.err.splitlines() if line.startswith(begin)]

    def json(self) -> Any:
        """What stands on stdout, as JSON without NaN."""

        def refuse(word: str) -> None:
            msg = f"{word} has no place in JSON"
            raise AssertionError(msg)

        return json.loads(self.out, parse_constant=refuse)


Call = Callable[..., Answer]


def checksum(line: str) -> str:
    """A line of elements with its checksum."""
    return line + str(sum(int(c) if c.isdigit() else c == "-" for c in line) % 10)


def tle(
    number: int, name: str, *, inclination_deg: float, raan_deg: float, anomaly_deg: float, mean_motion: float = 15.06, day: str = EPOCH_DAY
) -> str:
    """Three lines of one satellite on a circular orbit."""
    first = f"1 {number:05d}U 19074A   {day}  .00000000  00000-0  00000-0 0  999"
    second = f"2 {number:05d} {inclination_deg:8.4f} {raan_deg:8.4f} 0001000   0.0000 {anomaly_deg:8.4f} {mean_motion:11.8f}    1"
    return f"{name}\n{checksum(first)}\n{checksum(second)}\n"


def walker(
    name: str = "STARLINK",
    *,
    planes: int = 36,
    per_plane: int = 20,
    inclination_deg: float = 53.0,
    first: int = 50_001,
    mean_motion: float = 15.06,
    day: str = EPOCH_DAY,
) -> str:
    """Element sets of a Walker shell as 3LE."""
    return "".join(
        tle(
            first + plane * per_plane + slot,
            f"{name}-{1000 + plane * per_plane + slot}",
            inclination_deg=inclination_deg,
            raan_deg=plane * 360.0 / planes,
            anomaly_deg=(slot * 360.0 / per_plane + plane * 5.0) % 360.0,
            mean_motion=mean_motion,
            day=day,
        )
        for plane in range(planes)
        for slot in range(per_plane)
    )


def polygon(*rings: Sequence[Sequence[float]]) -> str:
    """A GeoJSON polygon."""
    return json.dumps({"type": "Polygon", "coordinates": rings})
