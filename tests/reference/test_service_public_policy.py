"""The operator's public files as a policy: every code, province, area and cell, there and back."""

from pathlib import Path

import h3.api.basic_str as h3
import numpy as np
import pytest
import shapely

from overflight.catalog.availability import cells_of_area, read_availability, read_availability_cells
from overflight.service.areas import territory_row, territory_shape
from overflight.service.importing import ALLOWED_STATUSES, builtin_policy, export_availability, import_availability
from overflight.service.policy import parse_policy
from overflight.service.verdicts import Report, Reports, Terminal, decide_exactly, explain_report, prepare_policy

pytestmark = pytest.mark.shared

GEOBUF_PRECISION_DEG = 1e-6


@pytest.fixture(scope="module")
def files(shared: Path):
    folder = shared / "data" / "availability"
    availability, _ = read_availability(folder / "starlink_availability_2026-07-23.json", strict=True)
    features, _ = read_availability_cells(folder / "starlink_availability-cells_2026-07-23.pb", strict=True)
    return availability, features


@pytest.fixture(scope="module")
def policy(files):
    return import_availability(*files)


def test_every_code_decides_as_published(files, policy):
    rules = {rule.name: rule for rule in policy.rules}
    assert len(files[0].territories) == 255
    for record in files[0].territories:
        rule = rules[record.key]
        assert (rule.verdict == "allow") == (record.published_status in ALLOWED_STATUSES), record
        assert rule.reason.startswith(f"{record.published_status}: {record.expected}" if record.expected else record.published_status)


def test_every_territory_decides_by_its_own_rule_on_its_ground(policy):
    ready = prepare_policy(policy)
    own = [rule.name for rule in policy.rules if territory_row(rule.name) >= 0]
    assert len(own) == 250
    at = [shapely.point_on_surface(territory_shape(code).geometry) for code in own]
    lat, lon = np.array([point.y for point in at]), np.array([point.x for point in at])
    nan = np.full(len(at), np.nan)
    reports = Reports(lat, lon, np.full(len(at), "NaT", dtype="datetime64[us]"), nan, nan, nan, np.zeros(len(at), np.int32), (Terminal(),))
    decided = [ready.name(number) for number in decide_exactly(ready, reports)]
    differ = {code: rule for code, rule in zip(own, decided, strict=True) if code != rule}
    assert set(differ) == {"AQ", "PN", "TK"}
    assert all(rule.startswith("area-") for rule in differ.values()), "of these all, or one island, has a status of its own"


def test_every_blacklisted_and_test_cell_denies_before_its_country(files, policy):
    ready = prepare_policy(policy)
    counts = {}
    for status in ("blacklisted", "test"):
        cells = [cell for feature in files[1] if feature.published_status == status for cell in cells_of_area(feature.polygons)[0].tolist()]
        counts[status] = len(cells)
        at = np.array([h3.cell_to_latlng(f"{cell:x}") for cell in cells])
        nan = np.full(len(cells), np.nan)
        time = np.full(len(cells), "NaT", dtype="datetime64[us]")
        reports = Reports(at[:, 0].copy(), at[:, 1].copy(), time, nan, nan, nan, np.zeros(len(cells), np.int32), (Terminal(),))
        for number in decide_exactly(ready, reports):
            assert ready.outcome(number).verdict == "deny"
            assert ready.outcome(number).reason == status
    assert counts == {"blacklisted": 297, "test": 248}


def test_there_and_back_loses_nothing(files, policy):
    import tomllib

    for one in (policy, parse_policy(tomllib.loads(policy.to_toml()))):
        availability, features = export_availability(one)
        assert set(availability.territories) == set(files[0].territories)
        assert availability.provinces == files[0].provinces
        assert [feature.properties for feature in features] == [feature.properties for feature in files[1]]
        for back, original in zip(features, files[1], strict=True):
            assert np.array_equal(cells_of_area(back.polygons)[0], cells_of_area(original.polygons)[0])
            drawn = [polygon for polygon in original.polygons if cells_of_area((polygon,))[1]]
            kept = [polygon for polygon in back.polygons if len(polygon[0]) > 12]
            assert len(drawn) == len(kept)
            for a, b in zip(drawn, kept, strict=True):
                assert all(np.array_equal(ring, other) for ring, other in zip(a, b, strict=True))
        assert import_availability(availability, features) == policy


def test_geojson_and_geobuf_give_one_policy(shared: Path, files, policy):
    features, _ = read_availability_cells(shared / "data/availability/starlink_availability-cells_2026-07-23.geojson", strict=True)
    again = import_availability(files[0], features)
    for rule, other in zip(again.rules, policy.rules, strict=True):
        assert (rule.name, rule.verdict, rule.reason, rule.published) == (other.name, other.verdict, other.reason, other.published)
        if rule.within is not None and rule.within.polygons:
            ring, same = np.array(rule.within.polygons[0][0]), np.array(other.within.polygons[0][0])
            assert np.abs(ring - same).max() <= GEOBUF_PRECISION_DEG
        else:
            assert rule.within == other.within


def test_the_built_in_policy_says_what_the_files_say(policy):
    built_in = builtin_policy()
    ours, theirs = prepare_policy(built_in), prepare_policy(policy)
    rng = np.random.default_rng(8)
    # South of 60° the file draws Antarctica's ice by an outline of its own, which the built-in tables do not have.
    lat, lon = np.degrees(np.arcsin(rng.uniform(-0.86, 1.0, 3000))), rng.uniform(-180.0, 180.0, 3000)
    nan = np.full(3000, np.nan)
    reports = Reports(lat, lon, np.full(3000, "NaT", dtype="datetime64[us]"), nan, nan, nan, np.zeros(3000, np.int32), (Terminal(),))
    a = [(ours.outcome(number).verdict, ours.outcome(number).reason) for number in decide_exactly(ours, reports)]
    b = [(theirs.outcome(number).verdict, theirs.outcome(number).reason) for number in decide_exactly(theirs, reports)]
    assert a == b
    assert built_in.date == "2026-07-23"


def test_the_split_territories_can_be_allowed():
    told = explain_report(prepare_policy(builtin_policy(split="allow")), Report(50.45, 30.52))
    assert (told.verdict, told.rule) == ("allow", "UA")
    assert "25 launched" in told.reason
