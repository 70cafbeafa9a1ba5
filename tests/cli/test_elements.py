"""Files of element sets as they come: empty, cut off, wrong, old, given twice; and fleets compared."""

import gzip
import json
from pathlib import Path

import pytest
from tests.cli.sample import Call, tle, walker

FIELDS = {
    "OBJECT_ID": "2019-074A",
    "EPOCH": "2026-08-22T00:00:00",
    "MEAN_MOTION": 15.06,
    "ECCENTRICITY": 0.0001,
    "INCLINATION": 53.0,
    "ARG_OF_PERICENTER": 0.0,
    "BSTAR": 0.0,
    "MEAN_MOTION_DOT": 0.0,
    "MEAN_MOTION_DDOT": 0.0,
}


def omm(count: int = 240, *, odd: dict[int, dict[str, object]] | None = None, **fields: object) -> str:
    """OMM in JSON, one record a line; ``odd`` changes fields of single records, None takes one away."""
    records = []
    for row in range(count):
        record = {
            "OBJECT_NAME": f"STARLINK-{row}",
            "NORAD_CAT_ID": 50_000 + row,
            **FIELDS,
            "RA_OF_ASC_NODE": row // 10 * 15.0,
            "MEAN_ANOMALY": row % 10 * 36.0,
            **fields,
            **(odd or {}).get(row, {}),
        }
        records.append({name: value for name, value in record.items() if value is not None})
    return "[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "f.tle: empty; give a file of TLE, 3LE or OMM element sets"),
        (b"\n \n", "f.tle: empty"),
        (b"hello world\n", "f.tle: none of 1 records can be used"),
        (bytes(range(256)) * 8, "f.tle: not text; give a file of"),
        (b"PK\x03\x04" + bytes(range(128, 256)) * 8, "zip archives must be unpacked"),
        (gzip.compress(walker(planes=2).encode())[:-30], "gzip data damaged or truncated"),
        (b"<!DOCTYPE html><html></html>", "is a web page"),
        (b"[]", "holds no element sets"),
        (b'{"error": "login"}', "none of 1 records can be used"),
        (omm(3, MEAN_MOTION=float("nan")).encode(), "mean_motion_rev_day nan is not a finite number"),
        (omm(3, ECCENTRICITY=float("inf")).encode(), "eccentricity inf is not a finite number"),
        (omm(3, BSTAR=None).encode(), "field BSTAR is missing"),
    ],
)
@pytest.mark.parametrize("verb", ["report Malta", "passes 36,14", "visible 36,14", "path Taipei Manila"])
def test_a_file_without_usable_element_sets_is_refused(call: Call, tmp_path: Path, verb: str, content: bytes, said: str):
    (tmp_path / "f.tle").write_bytes(content)
    refused = call(*verb.split(), "--elements", "f.tle")
    assert refused.code == 2
    assert said in refused.error


@pytest.mark.parametrize("verb", ["report Malta", "passes 36,14", "visible 36,14", "path Taipei Manila"])
def test_a_missing_file_is_missing_data_and_a_folder_is_not(call: Call, tmp_path: Path, verb: str):
    missing = call(*verb.split(), "--elements", "none.tle")
    assert missing.code == 3
    assert missing.error == "none.tle: no such file; give a file of TLE, 3LE or OMM element sets"
    folder = call(*verb.split(), "--elements", tmp_path)
    assert folder.code == 2
    assert "cannot be read (it is a folder)" in folder.error


def test_what_cannot_be_used_is_counted_and_the_rest_used(report: Call, tmp_path: Path):
    odd = {
        3: {"BSTAR": None},
        4: {"MEAN_MOTION": float("nan")},
        5: {"ECCENTRICITY": float("inf")},
        6: {"EPOCH": "never"},
        7: {"NORAD_CAT_ID": "x"},
    }
    (tmp_path / "f.json").write_text(omm(odd=odd), encoding="utf-8")
    made = report(elements="f.json")
    assert made.code == 0
    assert "f.json: 5 of 240 element sets left out: line 5: STARLINK-3 (50003): field BSTAR is missing; line 6:" in made.warnings[0]
    fleet = report("Malta", "--json", elements="f.json", out="again").json()["constellations"][0]
    assert fleet["satellites_read"] == 240
    assert fleet["satellites_read"] == fleet["satellites_used"] + sum(entry["satellites"] for entry in fleet["left_out"])


@pytest.mark.parametrize("verb", ["report Malta --out out", "passes 36,14", "visible 36,14", "path Taipei Manila"])
def test_strict_refuses_what_would_be_left_out(call: Call, tmp_path: Path, verb: str):
    (tmp_path / "f.json").write_text(omm(odd={3: {"BSTAR": None}}), encoding="utf-8")
    refused = call(*verb.split(), "--elements", "f.json", "--at", "2026-08-22", "--strict")
    assert refused.code == 2
    assert refused.error == "f.json:5: STARLINK-3 (50003): field BSTAR is missing (strict: nothing may be left out)"


def test_a_wrong_checksum_and_a_cut_off_end_are_told(report: Call, tmp_path: Path):
    lines = walker().splitlines()
    lines[1] = lines[1][:-1] + str((int(lines[1][-1]) + 1) % 10)
    (tmp_path / "f.tle").write_text("\n".join(lines)[:-40], encoding="ascii")
    made = report(elements="f.tle")
    assert made.code == 0
    (told,) = (warning for warning in made.warnings if warning.startswith("f.tle: 2 of 720 element sets left out: "))
    assert "line 2: STARLINK-1000: line 1: checksum is" in told
    assert "truncated" in told


def test_a_satellite_too_low_to_serve_is_counted(report: Call, tmp_path: Path):
    low = tle(60_001, "STARLINK-9999", inclination_deg=53.0, raan_deg=10.0, anomaly_deg=10.0, mean_motion=16.45)
    (tmp_path / "f.tle").write_text(walker() + low, encoding="ascii")
    fleet = report("Malta", "--json", elements="f.tle").json()["constellations"][0]
    assert fleet["satellites_used"] == 720
    assert fleet["left_out"] == [{"reason": "decayed or too low", "satellites": 1}]


def test_a_fleet_that_nowhere_serves_is_refused(report: Call, tmp_path: Path):
    (tmp_path / "f.tle").write_text(walker(planes=4, mean_motion=16.45), encoding="ascii")
    refused = report(elements="f.tle")
    assert refused.code == 2
    assert "none of 80 satellites is in service" in refused.error


def test_satellites_that_decay_before_the_time_are_told_and_seen_by_nobody(call: Call, report: Call, tmp_path: Path):
    (tmp_path / "f.json").write_text(omm(BSTAR=0.3), encoding="utf-8")
    made = report("Malta", "--json", elements="f.json", at="2027-08-22T00:00:00Z")
    assert made.code == 0
    assert made.json()["coverage"]["satellites_in_view_mean"] == 0.0
    assert any("240 of 240 satellites have no position" in warning for warning in made.warnings)
    for verb in ("visible", "passes"):
        assert call(verb, "36,14", "--elements", "f.json", "--at", "2027-08-22T00:00:00Z", "--json").json() == []
    assert call("path", "Taipei", "Manila", "--elements", "f.json", "--at", "2027-08-22", "--json").json()["samples"][0]["rtt_ms"] is None


@pytest.mark.parametrize(("at", "side"), [("2027-08-22", "365 days old"), ("2025-08-22", "365 days ahead of time")])
@pytest.mark.parametrize("verb", ["report Malta --hours 0.02 --out out", "passes 36,14 --hours 0.1", "visible 36,14", "path Taipei Manila"])
def test_elements_a_year_off_work_with_a_strong_warning(call: Call, fleet: Path, verb: str, at: str, side: str):
    made = call(*verb.split(), "--elements", fleet, "--at", f"{at}T00:00:00Z")
    assert made.code == 0
    assert any(side in warning and "single passes and ways do not" in warning for warning in made.warnings)


def test_gzipped_elements_are_the_same_elements(call: Call, fleet: Path, tmp_path: Path):
    (tmp_path / "f.tle.gz").write_bytes(gzip.compress(fleet.read_bytes()))
    plain, packed = (call("visible", "36,14", "--at", "2026-08-22", "--json", "--elements", path) for path in (fleet, "f.tle.gz"))
    assert plain.code == packed.code == 0
    assert plain.out == packed.out


@pytest.mark.parametrize("verb", ["passes 36,14 --hours 0.1 --at 2026-08-22", "visible 36,14 --at 2026-08-22", "path Taipei Manila"])
def test_a_file_given_twice_counts_once(call: Call, fleet: Path, verb: str):
    once = call(*verb.split(), "--elements", fleet)
    twice = call(*verb.split(), "--elements", fleet, "--elements", fleet)
    assert once.code == twice.code == 0
    assert once.out == twice.out
    assert "720 element sets left out" in twice.warnings[0]


def test_a_report_takes_a_file_given_twice_as_one_constellation(report: Call, fleet: Path, tmp_path: Path):
    (tmp_path / "link.tle").symlink_to(fleet)
    made = report("Malta", "--json", elements=(fleet, "link.tle"))
    assert any("720 element sets left out" in warning for warning in made.warnings)
    (found,) = made.json()["constellations"]
    assert found["satellites_read"] == 1440
    assert found["satellites_used"] == 720


def test_two_files_of_one_operator_are_told_apart(report: Call, fleet: Path, tmp_path: Path):
    (tmp_path / "later.tle").write_text(walker(planes=24), encoding="ascii")
    found = report("Malta", "--json", elements=(fleet, "later.tle"), constellation="starlink").json()["constellations"]
    assert [entry["title"] for entry in found] == ["Starlink (fleet.tle)", "Starlink (later.tle)", "Starlink as flown on 2026-08-22"]
    assert len({entry["name"] for entry in found}) == 3


def test_fleets_are_compared_and_one_without_a_ground_segment_ends_at_the_sky(report: Call, fleet: Path, tmp_path: Path):
    (tmp_path / "oneweb.tle").write_text(
        walker("ONEWEB", planes=12, inclination_deg=87.9, first=61_001, mean_motion=13.15), encoding="ascii"
    )
    (tmp_path / "kuiper.tle").write_text(walker("KUIPER", planes=30, first=63_001, mean_motion=14.8), encoding="ascii")
    made = report("Malta", "--json", elements=(fleet, "oneweb.tle", "kuiper.tle"))
    found = made.json()["constellations"]
    assert [entry["operator"] for entry in found] == ["starlink", "oneweb", "kuiper"]
    assert found[2]["latency"]["p50_ms"] is None
    assert found[2]["isl_share"] is None
    assert found[2]["coverage"]["satellites_in_view_mean"] > 0.0
    assert any(warning.startswith("Kuiper: no gateway is known") for warning in made.warnings)


def test_a_fleet_without_a_ground_segment_alone_says_so(report: Call, tmp_path: Path):
    (tmp_path / "kuiper.tle").write_text(walker("KUIPER", planes=30, first=63_001, mean_motion=14.8), encoding="ascii")
    made = report(elements="kuiper.tle")
    assert made.code == 0
    assert "Not known. No gateway of this constellation is known" in made.out
    assert "By none" not in made.out
    french = report("Malta", elements="kuiper.tle", lang="fr")
    assert "Aucune passerelle de cette constellation n’est connue" in french.out


def test_a_fleet_of_nobody_known_ends_at_the_sky(report: Call, tmp_path: Path):
    (tmp_path / "été 1.tle").write_text(walker("SAT", planes=30), encoding="ascii")
    made = report("Malta", "--json", elements="été 1.tle")
    assert made.code == 0
    assert made.json()["constellations"][0]["operator"] == ""
    assert made.json()["policy"]["verdict"] == "not-built-in"


def test_one_satellite_is_a_fleet(report: Call, tmp_path: Path):
    (tmp_path / "one.tle").write_text(walker(planes=1, per_plane=1), encoding="ascii")
    made = report("Malta", "--json", elements="one.tle")
    assert made.code == 0
    assert made.json()["constellations"][0]["satellites_used"] == 1


def test_the_named_pop_holds_for_the_subject_and_is_missed_in_others(report: Call, fleet: Path, tmp_path: Path):
    (tmp_path / "oneweb.tle").write_text(walker("ONEWEB", planes=12, inclination_deg=87.9, first=61_001, mean_motion=13.15))
    made = report(elements=(fleet, "oneweb.tle"), pop="sofia")
    assert made.code == 0
    assert any("no PoP 'sofia': its nearest one is taken" in warning for warning in made.warnings)


def test_a_satellite_is_found_by_part_of_its_name_or_refused_with_the_nearest(call: Call, fleet: Path):
    words = ("passes", "36,14", "--elements", fleet, "--at", "2026-08-22", "--hours", "12")
    assert {row["satellite"] for row in call(*words, "--json", "--satellite", "link-1000").json()} == {"STARLINK-1000"}
    assert {row["norad_id"] for row in call(*words, "--json", "--satellite", "50007").json()} == {50_007}
    for wrong in ("STARLINK-99", "", "ISS"):
        refused = call(*words, "--satellite", wrong)
        assert refused.code == 2
        assert f"satellite '{wrong}' is not among the 720 given" in refused.error
    assert "nearest: STARLINK-1" in call(*words, "--satellite", "STARLINK-99").error


def test_elements_and_a_constellation_are_two_fleets(call: Call, fleet: Path):
    for verb in ("passes 36,14", "visible 36,14", "path Taipei Manila"):
        refused = call(*verb.split(), "--elements", fleet, "--constellation", "oneweb")
        assert refused.code == 2
        assert "two fleets; give one of them" in refused.error
