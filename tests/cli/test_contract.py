"""The contract of the command line's JSON: keys stay, mean what they say, and are the same bytes every time."""

import hashlib
import math
from datetime import datetime
from pathlib import Path

import pytest
from tests.cli.sample import Call

from overflight.clock import parse_time

REPORT = {
    "territory": {"code": str, "name": str, "cells": int, "area_km2": float, "population": int},
    "time": {"start": str, "end": str, "step_s": float, "slots": int},
    "policy": {"status": str, "source": str, "served_cells": int, "denied_cells": int},
    "coverage": {"satellites_in_view_mean": float, "satellites_in_view_min": int, "covered_fraction": float, "longest_gap_s": float},
    "latency": {"p50_ms": float, "p20_ms": float, "p80_ms": float, "propagation_p50_ms": float},
    "isl_share": float,
}
REPORT_LISTS = {
    "constellations": {"name": str, "satellites_read": int, "satellites_used": int, "epoch_median": str, "element_age_days": float},
    "gateways": {"name": str, "country": str, "share": float},
    "pops": {"name": str, "country": str},
    "assumptions": {"name": str, "value": str, "status": str, "source": str},
}
PASS = {
    "satellite": str,
    "norad_id": int,
    "rise": str,
    "rise_azimuth_deg": float,
    "culmination": str,
    "max_elevation_deg": float,
    "range_km": float,
    "set": str,
    "set_azimuth_deg": float,
}
VISIBLE = {"satellite": str, "norad_id": int, "azimuth_deg": float, "elevation_deg": float, "range_km": float}
HOP = {"node": str, "kind": str, "delay_ms": float}
STATUSES = {"standard", "filing", "measured", "reported", "assumed"}


def check(found: object, wanted: object, where: str = "") -> None:
    """Every key of the contract is there and of its kind."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict), where
        for key, kind in wanted.items():
            assert key in found, f"{where}.{key}"
            check(found[key], kind, f"{where}.{key}")
    elif wanted is float:
        assert isinstance(found, (int, float)), where
        assert not isinstance(found, bool), where
        assert math.isfinite(found), where
    else:
        assert type(found) is wanted, where


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_report(report: Call):
    made = report("Malta", "--json", hours=0.1).json()
    check(made, REPORT)
    for name, row in REPORT_LISTS.items():
        assert made[name], name
        for entry in made[name]:
            check(entry, row, name)
    assert made["territory"]["code"] == "MT"
    assert made["time"] == {"start": "2026-08-22T00:00:00Z", "end": "2026-08-22T00:06:00Z", "step_s": 15.0, "slots": 24}
    assert all(isinstance(warning, str) for warning in made["warnings"])
    assert made["versions"]["overflight"]
    assert {entry["status"] for entry in made["assumptions"]} <= STATUSES
    latency = made["latency"]
    assert latency["propagation_p50_ms"] < latency["p20_ms"] <= latency["p50_ms"] <= latency["p80_ms"]
    assert 0.0 < made["coverage"]["covered_fraction"] <= 1.0
    assert 0.0 <= made["isl_share"] <= 1.0
    assert made["policy"]["served_cells"] + made["policy"]["denied_cells"] == made["territory"]["cells"]
    for name in ("gateways", "pops", "landing_countries"):
        assert sum(entry["share"] for entry in made[name]) == pytest.approx(1.0, abs=1e-3)


def test_what_is_not_known_is_null_and_not_left_out(report: Call):
    made = report("Malta", "--json", mask=90).json()
    nothing = dict.fromkeys(REPORT["latency"])
    assert {name: made["latency"][name] for name in nothing} == nothing
    assert made["gateways"] == made["pops"] == made["landing_countries"] == []
    assert made["coverage"]["covered_fraction"] == 0.0


def test_passes(call: Call, fleet: Path):
    found = call("passes", "36,14", "--elements", fleet, "--at", "2026-08-22T00:00:00Z", "--hours", "0.5", "--json").json()
    assert len(found) > 20
    for one in found:
        check(one, PASS)
        assert one["rise"] <= one["culmination"] <= one["set"]
        assert 25.0 <= one["max_elevation_deg"] <= 90.0
        assert all(0.0 <= one[name] < 360.0 for name in ("rise_azimuth_deg", "set_azimuth_deg"))
        assert all(len(one[name]) <= len("2026-08-22T00:00:00.000Z") for name in ("rise", "culmination", "set"))
        assert all(datetime.fromisoformat(one[name]) for name in ("rise", "culmination", "set"))
    assert [one["rise"] for one in found] == sorted(one["rise"] for one in found)


def test_visible_agrees_with_passes(call: Call, fleet: Path):
    words = ("36,14", "--elements", fleet, "--at", "2026-08-22T00:10:00Z", "--json")
    seen = call("visible", *words).json()
    for one in seen:
        check(one, VISIBLE)
    assert [one["elevation_deg"] for one in seen] == sorted((one["elevation_deg"] for one in seen), reverse=True)
    going_on = [one for one in call("passes", *words, "--hours", "0.2").json() if one["in_progress_at_start"]]
    assert {one["norad_id"] for one in seen} == {one["norad_id"] for one in going_on}


def test_path(call: Call, fleet: Path):
    words = ("Berlin", "Madrid", "--elements", fleet, "--at", "2026-08-22T00:00:00Z", "--until", "2026-08-22T00:01:00Z", "--json")
    found = call("path", *words).json()
    assert len(found["samples"]) == 5
    for sample in found["samples"]:
        check(sample, {"time": str, "rtt_ms": float, "hops": list})
        parse_time(sample["time"])
        for hop in sample["hops"]:
            check(hop, HOP)
        assert 2.0 * sum(hop["delay_ms"] for hop in sample["hops"]) == pytest.approx(sample["rtt_ms"], abs=1e-9)
    assert found["samples"][0]["hops"][0] == {**found["samples"][0]["hops"][0], "node": "Berlin", "delay_ms": 0.0}


def test_path_without_a_way_is_null_with_no_hops(call: Call, fleet: Path):
    found = call("path", "Berlin", "Madrid", "--elements", fleet, "--mask", "90", "--json")
    assert found.code == 0
    (sample,) = found.json()["samples"]
    assert sample["rtt_ms"] is None
    assert sample["hops"] == []
    assert "no way" in call("path", "Berlin", "Madrid", "--elements", fleet, "--mask", "90").out


def test_hypatias_constellations_carry_its_conventions(call: Call):
    found = call("path", "Manila", "Dalian", "--constellation", "hypatia-kuiper-630", "--json").json()
    assert found["samples"][0]["time"] == "2000-01-01T00:00:00Z"
    assert found["samples"][0]["rtt_ms"] > 0.0
    assert all(hop["node"].isdigit() for hop in found["samples"][0]["hops"])


def test_the_same_command_gives_the_same_bytes_with_any_number_of_threads(report: Call, tmp_path: Path):
    first, second = (report("Tonga", "--json", hours=0.1, out=out, threads=threads) for out, threads in (("one", 1), ("three", 3)))
    assert first.out == second.out
    assert digest(tmp_path / "one") == digest(tmp_path / "three")


@pytest.mark.parametrize("verb", ["passes 36,14 --hours 0.2", "visible 36,14", "path Berlin Madrid"])
def test_the_same_question_gets_the_same_bytes(call: Call, fleet: Path, verb: str):
    for options in ((), ("--json",)):
        once, again = (call(*verb.split(), "--elements", fleet, "--at", "2026-08-22T00:00:00Z", *options) for _ in range(2))
        assert once == again
        assert once.code == 0


def test_where_the_report_goes_by_itself(report: Call, tmp_path: Path):
    made = report(out=None)
    assert made.err.splitlines()[-1] == "overflight: wrote reports/MT-2026-08-22/report.html"
    assert (tmp_path / "reports" / "MT-2026-08-22" / "run.json").exists()
