"""Element sets against the real files, the counts of the fleet as flown, and the readers of the ``sgp4`` package."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import sgp4
from sgp4 import omm
from sgp4.api import Satrec

from overflight.orbit.elements import ElementSets, mean_altitude_km, parse_elements, read_elements

COUNTS = {
    "starlink_2024-05-20.omm.json": 5977,
    "starlink_2024-07-16.tle": 6226,
    "starlink_2024-08-23.tle": 6315,
    "starlink_2026-08-22.tle": 10746,
    "oneweb_2026-08-22.tle": 651,
    "kuiper_2026-08-22.tle": 391,
    "qianfan_2026-08-22.tle": 238,
}

# satellites by inclination and 5-km bin of mean altitude, measured 2026-08-22
FLEET_2026 = {
    43.0: {480: 3226, 355: 328},
    53.0: {460: 2469, 470: 980, 455: 368, 355: 317, 465: 220, 535: 143, 475: 106},
    70.0: {570: 697},
    97.0: {465: 1041, 545: 169},
}
INCLINATION_HALF_WIDTH_DEG = 1.2

# decimal fields converted in two steps there and in one here may differ in the last bits
RELATIVE_TOLERANCE = 4e-15
EPOCH_TOLERANCE_DAY = 1e-11


@pytest.mark.shared
@pytest.mark.parametrize("name", COUNTS)
def test_real_files_are_read_whole(shared: Path, name: str) -> None:
    table, intake = read_elements(shared / "data/elements" / name)
    assert (intake.read, intake.used, len(table)) == (COUNTS[name],) * 3
    assert intake.left_out == ()
    assert intake.warnings == ()
    assert len(set(table.norad_id.tolist())) == COUNTS[name]


@pytest.mark.shared
def test_fleet_as_flown_is_counted_as_measured(shared: Path) -> None:
    table, _ = read_elements(shared / "data/elements/starlink_2026-08-22.tle")
    bins = np.floor(mean_altitude_km(table) / 5.0).astype(int) * 5
    for inclination, expected in FLEET_2026.items():
        group = np.abs(table.inclination_deg - inclination) < INCLINATION_HALF_WIDTH_DEG
        assert {height: int(np.count_nonzero(bins[group] == height)) for height in expected} == expected


def assert_same(table: ElementSets, row: int, satellite: Satrec) -> None:
    """One of our rows against the satellite record of the ``sgp4`` package."""
    assert table.norad_id[row] == satellite.satnum
    per_minute = 2.0 * np.pi / 1440.0
    ours = np.array(
        [
            table.mean_motion_rev_day[row] * per_minute,
            table.eccentricity[row],
            np.radians(table.inclination_deg[row]),
            np.radians(table.raan_deg[row]),
            np.radians(table.argument_of_perigee_deg[row]),
            np.radians(table.mean_anomaly_deg[row]),
            table.bstar[row],
            table.mean_motion_dot[row] * per_minute / 1440.0,
            table.mean_motion_ddot[row] * per_minute / 1440.0**2,
        ]
    )
    theirs = np.array(
        [
            satellite.no_kozai,
            satellite.ecco,
            satellite.inclo,
            satellite.nodeo,
            satellite.argpo,
            satellite.mo,
            satellite.bstar,
            satellite.ndot,
            satellite.nddot,
        ]
    )
    np.testing.assert_allclose(ours, theirs, rtol=RELATIVE_TOLERANCE, atol=1e-300)
    days = (table.epoch[row] - np.datetime64("1949-12-31", "us")) / np.timedelta64(1, "D")
    assert days == pytest.approx(satellite.jdsatepoch + satellite.jdsatepochF - 2433281.5, abs=2e-9)
    midnight = table.epoch[row].astype("datetime64[D]")
    assert (table.epoch[row] - midnight) / np.timedelta64(1, "D") == pytest.approx((satellite.jdsatepochF) % 1.0, abs=EPOCH_TOLERANCE_DAY)


@pytest.mark.shared
@pytest.mark.parametrize("name", [name for name in COUNTS if name.endswith(".tle")])
def test_tle_fields_equal_those_of_sgp4(shared: Path, name: str) -> None:
    path = shared / "data/elements" / name
    table, _ = read_elements(path)
    lines = path.read_text().splitlines()
    pairs = zip(lines[1::3], lines[2::3], strict=True)
    names = [line.strip() for line in lines[::3]]
    assert list(table.name) == names
    for row, (first, second) in enumerate(pairs):
        assert_same(table, row, Satrec.twoline2rv(first, second))


def test_verification_set_of_sgp4() -> None:
    """The file has comments, columns beyond 69, three wrong checksums and one satellite twice."""
    path = Path(sgp4.__file__).parent / "SGP4-VER.TLE"
    table, intake = read_elements(path)
    assert (intake.read, intake.used) == (33, 29)
    reasons = {one.record.split()[1]: one.reason for one in intake.left_out}
    assert "duplicate" in reasons.pop("20413")
    assert set(reasons) == {"33333", "33334", "33335"}
    assert all("checksum" in reason for reason in reasons.values())
    lines = [line for line in path.read_text().splitlines() if line[:2] in {"1 ", "2 "}]
    latest = {Satrec.twoline2rv(a, b).satnum: Satrec.twoline2rv(a, b) for a, b in zip(lines[::2], lines[1::2], strict=True)}
    for row, number in enumerate(table.norad_id.tolist()):
        assert_same(table, row, latest[number])


@pytest.mark.shared
def test_omm_fields_equal_those_of_sgp4(shared: Path) -> None:
    path = shared / "data/elements/starlink_2024-05-20.omm.json"
    table, _ = read_elements(path)
    for row, fields in enumerate(json.loads(path.read_text())):
        satellite = Satrec()
        omm.initialize(satellite, fields)
        assert_same(table, row, satellite)


@pytest.mark.shared
def test_omm_as_csv_equals_that_of_sgp4(shared: Path) -> None:
    records = json.loads((shared / "data/elements/starlink_2024-05-20.omm.json").read_text())[:500]
    text = "\n".join([",".join(records[0]), *(",".join(str(value) for value in record.values()) for record in records)])
    table, _ = parse_elements(text.encode(), source="csv")
    for row, fields in enumerate(omm.parse_csv(io.StringIO(text))):
        satellite = Satrec()
        omm.initialize(satellite, fields)
        assert_same(table, row, satellite)
