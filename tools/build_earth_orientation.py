"""Rebuild the built-in table of Earth orientation from the IERS series in the PyPI package ``astropy-iers-data``.

Usage: ``python tools/build_earth_orientation.py``. Writes ``src/overflight/catalog/data/earth_orientation.csv`` and prints how far linear
interpolation in it is from the daily series.
"""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import metadata
from pathlib import Path

import astropy_iers_data
import numpy as np

OUTPUT = Path(__file__).resolve().parent.parent / "src" / "overflight" / "catalog" / "data" / "earth_orientation.csv"
FIRST_DAY = date(2015, 1, 1)
STEP_DAYS = 2
MJD_ORIGIN = date(1858, 11, 17)
HEADER = ("utc_day", "ut1_utc_s", "x_p_arcsec", "y_p_arcsec", "tai_utc_s", "predicted", "source", "date", "status")


@dataclass(frozen=True, slots=True)
class DailyValue:
    """Bulletin A at 0 h UTC of one day."""

    day: date
    x_p_arcsec: float
    y_p_arcsec: float
    ut1_utc_s: float
    predicted: bool


def read_finals(path: Path) -> list[DailyValue]:
    """Read the Bulletin A columns of ``finals2000A.all`` (layout: ReadMe.finals2000A), up to the last predicted day."""
    values = []
    for line in path.read_text(encoding="ascii").splitlines():
        if not line[18:27].strip() or not line[58:68].strip():
            break
        day = MJD_ORIGIN + timedelta(days=int(float(line[7:15])))
        values.append(DailyValue(day, float(line[18:27]), float(line[37:46]), float(line[58:68]), "P" in line[16] + line[57]))
    return values


def read_leap_seconds(path: Path) -> list[tuple[date, int]]:
    """Read the days on which TAI−UTC changes, and its new value in seconds."""
    rows = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip() and not line.startswith("#")]
    return [(date(int(year), int(month), int(day)), int(tai_utc)) for _, day, month, year, tai_utc in rows]


def tai_utc_on(day: date, leap_seconds: list[tuple[date, int]]) -> int:
    """TAI−UTC from 0 h UTC of a day on, seconds."""
    return max((row for row in leap_seconds if row[0] <= day), key=lambda row: row[0])[1]


def sample(values: list[DailyValue], leap_seconds: list[tuple[date, int]]) -> list[DailyValue]:
    """Every second day, the days of leap seconds, and the last day."""
    leap_days = {day for day, _ in leap_seconds}
    return [value for value in values if (value.day - FIRST_DAY).days % STEP_DAYS == 0 or value.day in leap_days or value is values[-1]]


def describe_error(values: list[DailyValue], kept: list[DailyValue], leap_seconds: list[tuple[date, int]]) -> str:
    """Largest difference between the daily series and linear interpolation in the sampled one."""
    at = np.array([value.day.toordinal() for value in values], dtype=np.float64)
    nodes = np.array([value.day.toordinal() for value in kept], dtype=np.float64)

    def largest(daily: list[float], sampled: list[float]) -> float:
        return float(np.abs(np.interp(at, nodes, sampled) - daily).max())

    ut1 = largest(*([value.ut1_utc_s - tai_utc_on(value.day, leap_seconds) for value in series] for series in (values, kept)))
    x_p = largest(*([value.x_p_arcsec for value in series] for series in (values, kept)))
    y_p = largest(*([value.y_p_arcsec for value in series] for series in (values, kept)))
    return f"largest error of interpolation: UT1 {ut1 * 1e6:.0f} µs, x_p {x_p * 1e3:.2f} mas, y_p {y_p * 1e3:.2f} mas"


def main() -> None:
    """Write the table."""
    folder = Path(astropy_iers_data.__file__).parent / "data"
    version = metadata.version("astropy-iers-data")
    source = "IERS Bulletin A (finals2000A)"
    leap_seconds = read_leap_seconds(folder / "Leap_Second.dat")
    values = [value for value in read_finals(folder / "finals2000A.all") if value.day >= FIRST_DAY]
    kept = sample(values, leap_seconds)
    as_of = max(value.day for value in values if not value.predicted).isoformat()
    with OUTPUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for value in kept:
            writer.writerow(
                (
                    value.day.isoformat(),
                    f"{value.ut1_utc_s:.6f}",
                    f"{value.x_p_arcsec:.5f}",
                    f"{value.y_p_arcsec:.5f}",
                    tai_utc_on(value.day, leap_seconds),
                    int(value.predicted),
                    source,
                    as_of,
                    "reported" if value.predicted else "measured",
                )
            )
    print(f"{OUTPUT.name}: {len(kept)} rows, {kept[0].day} to {kept[-1].day}, measured to {as_of}, astropy-iers-data {version}")
    print(describe_error(values, kept, leap_seconds))


if __name__ == "__main__":
    main()
