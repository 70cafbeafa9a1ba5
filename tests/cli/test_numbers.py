"""Times, durations and other numbers that make no sense, or only just."""

from pathlib import Path

import pytest
from tests.cli.sample import Call

WITH_FLEET = ("report Malta", "passes 36,14", "visible 36,14", "path Taipei Manila")


@pytest.mark.parametrize("verb", WITH_FLEET)
@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("yesterday", "time 'yesterday': not ISO 8601; write it as 2026-08-22T00:00:00Z"),
        ("", "time '': not ISO 8601"),
        ("1755820800", "not ISO 8601"),
        ("2026-02-30", "day is out of range for month"),
        ("2026-08-22T24:00:00Z", "hour must be in 0..23"),
        ("2026-08-22T00:00:00+25:00", "its zone is a day or more"),
        ("9999-12-31T00:00:00Z", "the year is not from 1957 to 2199"),
        ("0001-01-01T00:00:00+14:00", "the year is not from 1957 to 2199"),
    ],
)
def test_a_time_that_is_none_is_refused(call: Call, fleet: Path, verb: str, time: str, said: str):
    refused = call(*verb.split(), "--elements", fleet, "--at", time)
    assert refused.code == 2
    assert said in refused.error


@pytest.mark.parametrize("verb", ["report Malta --hours 0.02 --out out --json", "passes 36,14 --hours 0.1 --json", "visible 36,14 --json", "path Taipei Manila --json"])  # fmt: skip
def test_a_time_without_a_zone_is_utc_with_a_warning(call: Call, fleet: Path, verb: str):
    zoned, bare, elsewhere, day = (
        call(*verb.split(), "--elements", fleet, "--at", time)
        for time in ("2026-08-22T00:00:00Z", "2026-08-22T00:00:00", "2026-08-22 08:00+08:00", "2026-08-22")
    )
    assert bare.code == 0
    assert bare.warnings == ["time '2026-08-22T00:00:00' names no zone and is read as UTC; end it with Z to say so", *zoned.warnings]
    assert zoned.warnings == elsewhere.warnings == day.warnings
    assert zoned.out == bare.out == elsewhere.out == day.out


@pytest.mark.parametrize("verb", ["report Malta", "passes 36,14"])
@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "-inf", "9000", "1e300"])
def test_a_duration_that_makes_no_sense_is_refused(call: Call, fleet: Path, verb: str, hours: str):
    refused = call(*verb.split(), "--elements", fleet, "--hours", hours)
    assert refused.code == 2
    assert f"Invalid value for '--hours': {float(hours):g} is not a number of hours above 0, at most 8784" in refused.error


def test_a_duration_without_a_slot_is_refused(report: Call):
    refused = report(hours=0.0001)
    assert refused.code == 2
    assert "no slot of 15 s begins between" in refused.error


@pytest.mark.parametrize(
    ("verb", "option", "values"),
    [
        ("report Malta", "--mask", ("95", "-1", "nan")),
        ("report Malta", "--arc", ("91", "-1", "nan", "inf")),
        ("report Malta", "--step", ("0", "-15", "0.5", "nan", "inf", "3601")),
        ("passes 36,14", "--mask", ("95", "-91", "nan")),
        ("passes 36,14", "--height", ("nan", "inf", "1e9", "-1e7")),
        ("visible 36,14", "--mask", ("95", "-91", "nan")),
        ("visible 36,14", "--arc", ("91", "nan")),
        ("visible 36,14", "--height", ("nan", "-inf")),
        ("path Taipei Manila", "--mask", ("95", "-5", "nan")),
        ("path Taipei Manila", "--step", ("0", "-1", "nan", "inf")),
    ],
)
def test_a_number_out_of_range_is_refused(call: Call, fleet: Path, verb: str, option: str, values: tuple[str, ...]):
    for value in values:
        refused = call(*verb.split(), "--elements", fleet, option, value)
        assert refused.code == 2
        assert f"Invalid value for '{option}': {float(value):g} is not a number of " in refused.error


@pytest.mark.parametrize("option", [("mask", 90), ("mask", 0), ("arc", 0), ("arc", 90), ("step", 1), ("step", 3600), ("threads", 7)])
def test_the_ends_of_the_ranges_work(report: Call, option: tuple[str, int]):
    assert report(**{option[0]: option[1]}).code == 0


def test_height_lowers_the_horizon_and_the_mask_may_lie_below_it(call: Call, fleet: Path):
    words = ("visible", "36,14", "--elements", fleet, "--at", "2026-08-22", "--json")
    assert len(call(*words, "--mask", "-90").json()) == 720
    assert call(*words, "--height", "-430").code == call(*words, "--height", "8848").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--until", "2026-08-21T00:00:00Z"), "until 2026-08-21T00:00:00Z is before 2026-08-22T00:00:00Z"),
        (("--until", "2030-08-22T00:00:00Z", "--step", "1"), "at most 1,000,000 at a time"),
        (("--until", "then"), "time 'then': not ISO 8601"),
    ],
)
def test_a_series_that_makes_no_sense_is_refused(call: Call, fleet: Path, options: tuple[str, ...], said: str):
    refused = call("path", "Taipei", "Manila", "--elements", fleet, "--at", "2026-08-22T00:00:00Z", *options)
    assert refused.code == 2
    assert said in refused.error


def test_a_series_has_both_its_ends(call: Call, fleet: Path):
    words = ("path", "Taipei", "Manila", "--elements", fleet, "--at", "2026-08-22T00:00:00Z", "--until", "2026-08-22T00:01:00Z", "--json")
    times = [sample["time"] for sample in call(*words, "--step", "30").json()["samples"]]
    assert times == ["2026-08-22T00:00:00Z", "2026-08-22T00:00:30Z", "2026-08-22T00:01:00Z"]


def test_without_a_time_it_is_now_to_the_second(call: Call):
    found = call("visible", "36,14")
    assert found.code == 0
    assert "built-in shells stand for the fleet; single satellites are not real" in found.warnings[0]
    assert len(found.warnings) == 1
    assert "." not in found.err.split(" at ")[-1].split("Z;")[0]
