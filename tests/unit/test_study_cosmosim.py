"""CosmoSim's pieces by hand: fleet, reach, lasers, terminals, regions, cells as read, the command."""

from dataclasses import replace

import numpy as np
import pytest

from overflight.catalog import cosmosim as facts
from overflight.catalog.ground import builtin_gateways
from overflight.errors import OverflightError, ScenarioError, TerritoryError
from overflight.flow.cosmosim import carry_over_lasers, grant_feeders
from overflight.network.cosmosim import link_satellites, list_in_reach, place_on_ground_km, reach_km, shell_reach_km
from overflight.schedule.beams import BeamRequest
from overflight.schedule.cosmosim import allocate_coordinated, allocate_uncoordinated
from overflight.service.cosmosim import spread_terminals
from overflight.study.cosmosim import GeometryRules, answer_case, fleet, look
from overflight.study.cosmosim_inputs import find_country, gather_gateways, parse_cells


def test_fleet():
    assert sum(shell.satellites for shell in facts.SHELLS) == len(fleet().propagator) == 6364
    elements = fleet().propagator.elements
    assert elements.mean_motion_rev_day[0] == pytest.approx(15.05491, abs=1e-5)
    assert elements.mean_anomaly_deg[22] == pytest.approx(180.0 / 22)  # second plane: half a slot
    assert np.array_equal(np.unique(elements.shell), np.arange(5))


def test_reach_and_its_slip():
    assert reach_km(550.0) == pytest.approx(1250.83, abs=0.01)
    assert shell_reach_km().tolist() == pytest.approx([1250.83] + [1230.11] * 4, abs=0.01)
    assert shell_reach_km(goes_by=range(5))[2] > shell_reach_km()[2]


def test_list_in_reach_is_the_plain_comparison():
    generator = np.random.default_rng(3)
    points = place_on_ground_km(generator.uniform(40.0, 60.0, 30), generator.uniform(-10.0, 10.0, 30))
    positions = fleet().propagator.positions_km(np.array([facts.EPOCH]), earth_orientation="none")[0]
    reach = shell_reach_km()[fleet().shell]
    indptr, satellite = list_in_reach(points, positions, reach)
    distance = np.sqrt(((points[:, :, None] - positions[:, None, :]) ** 2).sum(axis=0))
    row, column = np.nonzero(distance <= reach)
    assert np.array_equal(satellite, column)
    assert np.array_equal(np.diff(indptr), np.bincount(row, minlength=30))
    assert list_in_reach(points[:, :0], positions, reach)[0].tolist() == [0]


def test_a_point_sees_any_number():
    points = place_on_ground_km([0.0], [0.0])
    indptr, satellite = list_in_reach(points, np.repeat(points * 1.1, 500, axis=1), np.full(500, 1000.0))
    assert indptr.tolist() == [0, 500]
    assert np.array_equal(satellite, np.arange(500))


def test_lasers():
    positions = fleet().propagator.positions_km(np.array([facts.EPOCH]), earth_orientation="none")[0]
    linked = link_satellites(positions)
    shell = fleet().shell
    assert (linked[shell == 0] == -1).all()
    a, column = np.nonzero(linked >= 0)
    b = linked[a, column]
    assert np.array_equal(shell[a], shell[b])
    assert (linked[b] == a[:, None]).any(axis=1).all()
    first = 1584  # shell 1, plane 0, slot 0: even, so it is the end of a link from the last plane
    assert sorted(linked[first][linked[first] >= 0].tolist()) == [first + 1, first + 21, first + 71 * 22]
    length = np.sqrt(((positions[:, a] - positions[:, b]) ** 2).sum(axis=0))
    assert length.max() < 2.0 * np.sqrt((facts.EARTH_RADIUS_KM + 570.0) ** 2 - (facts.EARTH_RADIUS_KM + 80.0) ** 2)


def test_distributions_by_hand():
    people = np.array([5.0, 3000.0, 200.0, 0.0])
    assert spread_terminals(people, 150, distribution="waterfill").tolist() == [0, 102, 48, 0]
    assert spread_terminals(people, 250, distribution="waterfill").tolist() == [46, 102, 102, 0]
    assert spread_terminals(people, 412, distribution="waterfill").tolist() == [103, 104, 103, 102]
    assert spread_terminals(people, 250, distribution="waterfill_variant_100").tolist() == [0, 125, 125, 0]
    assert spread_terminals(people, 10, distribution="waterfill_variant_9999").tolist() == [0, 0, 0, 0]
    assert spread_terminals([1, 1, 1], 4, distribution="population").tolist() == [2, 1, 1]
    assert spread_terminals([1, 1, 1], 5, distribution="population").tolist() == [3, 3, 3]  # 2 each are 6: the study's one more for all


@pytest.mark.parametrize("count", [0, -1, 10**10, 1.5])
def test_counts_that_are_none(count):
    with pytest.raises(ScenarioError, match="whole number"):
        spread_terminals([1.0], count, distribution="population")


@pytest.mark.parametrize("name", ["uniform", "waterfill_variant_", "waterfill_variant_x", ""])
def test_unknown_distributions(name):
    with pytest.raises(ScenarioError, match="unknown"):
        spread_terminals([1.0], 1, distribution=name)


def make_request(need, satellites, *, priority=None):
    cells = len(need)
    return BeamRequest(
        indptr=np.arange(cells + 1) * satellites,
        satellite=np.tile(np.arange(satellites, dtype=np.int32), cells),
        value_mbps=np.full(cells * satellites, 1280.0),
        need=np.array(need, np.int32),
        priority=np.ones(cells) if priority is None else np.array(priority, float),
        licensed=np.full(cells, 0xFF, np.uint32),
        beams=np.full(satellites, 32, np.int32),
        beams_per_channel=np.full(satellites, 4, np.int32),
        neighbours=np.full((cells, 6), -1, np.int32),
        channels=8,
    )


def test_coordinated_takes_the_near_region_first():
    # Of five satellites of one shell, the places 0 to 3 are within 60 % (0.6 × 5 = 3): only they give, the last of equals first again.
    plan = allocate_coordinated(make_request([8], 5))
    assert plan.satellite.tolist() == [0, 1, 2, 3, 3, 2, 1, 0]
    ranked = allocate_coordinated(make_request([3], 5), shell=[0, 0, 1, 1, 1], rank=[1, 0])
    assert ranked.satellite.tolist() == [2, 3, 3]


def test_coordinated_keeps_the_order_of_equals():
    # A cell's list is put in order again after each beam, equals as they stood: 0, then 1, and with one each 1 stands before 0.
    plan = allocate_coordinated(make_request([2, 3], 2, priority=[1.0, 2.0]))
    assert plan.satellite[plan.cell == 1].tolist() == [0, 1, 1]
    assert plan.satellite[plan.cell == 0].tolist() == [0, 0]


def test_uncoordinated_serves_by_priority_in_rounds():
    assert len(allocate_uncoordinated(make_request([8, 8], 1, priority=[1.0, 8.0]))) == 16
    few = replace(make_request([8, 8], 1, priority=[1.0, 8.0]), beams=np.array([9], np.int32))
    # Priorities 1 and 8: the second cell is before the first until both are at 0, where the first one's turn comes back.
    assert np.bincount(allocate_uncoordinated(few).cell).tolist() == [4, 5]


def test_no_cell_no_beam():
    for allocate in (allocate_coordinated, allocate_uncoordinated):
        assert len(allocate(make_request([0, 0], 3))) == 0


def test_feeders_by_hand():
    # Two satellites over gateway 0, the first also over gateway 1; 5,300 fills 2 beams a gateway in the first pass.
    grants = grant_feeders([5300, 0], np.array([0, 2, 3]), np.array([0, 1, 0], np.int32), gateways=2, per_gateway=9)
    assert grants.by_pair.tolist() == [6, 2, 3]
    assert grants.by_satellite.tolist() == [8, 3]
    assert grants.by_gateway.tolist() == [9, 2]


def test_flow_by_hand():
    linked = np.array([[1, -1], [0, 2], [1, -1]], np.int32)
    flow = carry_over_lasers([50, 0, 10], [10, 0, 60], linked, laser_mbps=30)
    assert flow.total_mbps == 50
    assert flow.met_mbps.tolist() == [10, 0, 40]
    assert flow.over_lasers_mbps == 30


CELLS = b"h3_index,population\n859a2e8ffffffff,1082\n859b01a7fffffff,4647\n859b0cd7fffffff,62819\n859b19b7fffffff,10332\n"


def test_cells_in_any_order_with_or_without_header():
    country, intake = parse_cells(CELLS, source="tonga.txt")
    assert (country.name, len(country), intake.used, intake.read) == ("tonga", 4, 4, 4)
    _, *lines = CELLS.splitlines(keepends=True)
    other, _ = parse_cells(b"".join(reversed(lines)), source="tonga.txt")
    swapped = b"population,h3_index,note\n" + b"".join(b",".join(line.strip().split(b",")[::-1]) + b",x\n" for line in lines)
    third, _ = parse_cells(swapped, source="tonga.txt")
    for again in (other, third):
        assert np.array_equal(again.cells, country.cells)
        assert np.array_equal(again.population, country.population)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"xyz,5", "not an H3 cell"),
        (b"831ed0fffffffff,5", "resolution 3, not 5"),
        (b"859a2e8ffffffff,-5", "not a number of at least 0"),
        (b"859a2e8ffffffff,nan", "not a number of at least 0"),
        (b"859a2e8ffffffff,", "not a number of at least 0"),
        (b"859a2e8ffffffff", "1 values where"),
        (b"859b01a7fffffff,7", "stands already in line 3"),
    ],
)
def test_bad_records_are_left_out_with_their_reason(record, reason):
    data = b"h3_index,population\n" + record + b"\n859b01a7fffffff,4647\n"
    if b"859b01a7" in record:
        data = b"h3_index,population\n859a2e8ffffffff,1\n859b01a7fffffff,4647\n" + record + b"\n"
    country, intake = parse_cells(data, source="cells.txt")
    assert intake.read == intake.used + 1
    assert reason in intake.left_out[0].reason
    assert len(country) == intake.used
    with pytest.raises(ScenarioError, match=reason):
        parse_cells(data, source="cells.txt", strict=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"h3_index,population\n", "none of 0"),
        (b"\xff\xfe\x00", "not a list of cells"),
        (b"a,b\nc,d\n", "none of 2 records"),
        (b"859a2e8ffffffff,0\n", "nobody lives"),
    ],
)
def test_files_that_are_no_list(data, message):
    with pytest.raises(ScenarioError, match=message) as caught:
        parse_cells(data, source="cells.txt")
    assert "\n" not in str(caught.value)


def test_a_territory_stands_in_for_a_file(tmp_path):
    country, intake = find_country("Tonga")
    assert (country.name, intake, country.is_own_table) == ("Tonga", None, True)
    with pytest.raises(OverflightError, match="no such file"):
        find_country(str(tmp_path / "none.txt"))
    with pytest.raises(TerritoryError, match="unknown"):
        find_country("Atlantis")
    path = tmp_path / "tonga.txt"
    path.write_bytes(CELLS)
    assert len(find_country(str(path))[0]) == 4


def test_answer_over_own_gateways():
    country, _ = parse_cells(CELLS, source="tonga.txt")
    gateways, intake = gather_gateways(None)
    assert intake is None
    assert len(gateways) == len(builtin_gateways("starlink"))
    answers = {}
    for reach in ("published", "shell", "elevation"):
        seen = look(country, gateways, rules=GeometryRules(reach=reach))
        answers[reach] = answer_case(seen, terminals=5000, distribution="waterfill", policy="coordinated")
    assert answers["elevation"].satellites_in_view < answers["published"].satellites_in_view
    found = answers["published"].to_dict()
    assert found["total_gbps"] <= found["stages"]["beams"]["demand_gbps"] <= 4 * 10.24 + 1e-6
    assert found["stages"]["terminals"] == {"terminals": 5000, "cells": 4}
    with pytest.raises(ScenarioError, match="beam policy"):
        answer_case(seen, terminals=5000, distribution="waterfill", policy="greedy")


def test_rates_take_the_place_of_the_constant():
    country, _ = parse_cells(CELLS, source="tonga.txt")
    gateways, _ = gather_gateways(None)

    def rates(pairs):
        assert (pairs.elevation_deg >= 25.0 - 1e-9).all()
        return np.where(pairs.satellite % 2 == 0, 640.7, np.nan)

    seen = look(country, gateways, rules=GeometryRules(reach="elevation"), rates=rates)
    answer = answer_case(seen, terminals=5000, distribution="waterfill", policy="uncoordinated")
    assert (answer.plan.satellite % 2 == 0).all()
    assert answer.demand_gbps == pytest.approx(answer.beams * 0.640)
    with pytest.raises(ScenarioError, match="shape"):
        look(country, gateways, rates=lambda _: np.zeros(1))
