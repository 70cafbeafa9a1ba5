"""Two policies compared over a territory: people as points, verdicts at them, markets, contracts, the line, known terminals, the document.

What random policies do to people is held by `tests/properties/test_study_comparison.py`; here every part has scenes of its own. Where a
scene has nobody elsewhere it is because that part does not ask about them.
"""

import json
import math
from dataclasses import replace
from itertools import pairwise

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from tests import comparison_reference as slow

from overflight.capacity.market import list_competitors
from overflight.capacity.slots import spread_middles
from overflight.decisions.documents import parse_assessment
from overflight.earth._borders import read_borders
from overflight.earth.population import read_world_cells
from overflight.earth.territory import find_territory
from overflight.errors import OverflightError
from overflight.radio.interference import BEAM_WIDTH_GHZ
from overflight.scenario import parse_scenario
from overflight.service.reading import Faults, stream_reports
from overflight.service.subscribers import world_terminals
from overflight.study.comparison.changes import compare_gateways, compare_neighbours, compare_rates
from overflight.study.comparison.compare import Case, Question, study_change
from overflight.study.comparison.contracts import judge_contract, place_contract
from overflight.study.comparison.edge import BANDS_KM, find_edge
from overflight.study.comparison.known import read_known
from overflight.study.comparison.people import AROUND_KM, People, settle_codes, settle_territory
from overflight.study.comparison.sides import Beams
from overflight.study.comparison.standing import make_side
from overflight.study.comparison.summary import summarise

ROUNDING = 1e-9
"""Relative difference of sums that are taken in another order."""

CELL_REACH_KM = 11.0
"""A point lies so near to the middle of its cell: H3 cells of resolution 5 reach 10 km, their children a little over their edge."""

HALF_SPACING_KM = 1.15
"""Half of the distance between points in Luxembourg: distances from a line are good to that where there is land on both sides."""

LINE_DEG = 6.1
"""A meridian through Luxembourg."""

FREED = 0.97
"""Beams are given by a heuristic and shared max-min fairly (`tests/unit/test_capacity_twin.py`: `HEURISTIC_GAIN`): with everybody
elsewhere gone, the territory gets at least so much of what it had."""

FREED_OF_ONE = 0.85
"""With one neighbour gone others may take what it had, and beams are given anew: in Luxembourg without France what is delivered falls by
4.4 % over 48 slots of an hour, by 2.5 % over 12, and rises by 2.4 % over the two looked at here."""

END_TIME = "2026-08-22T01:00:00Z"

LU = find_territory("LU")


@pytest.fixture(scope="module")
def luxembourg() -> People:
    return settle_territory(LU, around_km=AROUND_KM)


class TestPeople:
    @pytest.mark.parametrize("code", ["FJ", "NZ", "AQ", "NR", "MC", "VA", "SM", "LU"])
    def test_all_are_kept_and_stand_in_their_territory(self, code):
        territory = find_territory(code)
        people = settle_territory(territory, around_km=0.0)
        own = people.is_own
        assert float(people.people[own].sum()) == pytest.approx(territory.population.sum(), rel=ROUNDING)
        per_cell = np.bincount(people.part[own], weights=people.people[own], minlength=len(territory.cells))
        np.testing.assert_allclose(per_cell[: len(territory.cells)], territory.population, rtol=ROUNDING)
        assert np.array_equal(people.cells[: len(territory.cells)], territory.cells)
        assert (people.own == (np.arange(len(people.cells)) < len(territory.cells))).all()
        assert (np.diff(people.part) >= 0).all()
        assert (np.bincount(people.part, minlength=len(people.cells)) >= 1).all()
        assert ((people.lon_deg >= -180.0) & (people.lon_deg <= 180.0)).all()
        np.testing.assert_allclose(np.bincount(people.part, weights=people.weight), 1.0, rtol=ROUNDING)
        shapely.prepare(territory.geometry)
        outside = ~shapely.intersects(territory.geometry, shapely.points(people.lon_deg[own], people.lat_deg[own]))
        # Points of parts too small for any may lie on the border, to rounding.
        assert (shapely.distance(territory.geometry, shapely.points(people.lon_deg[own], people.lat_deg[own])[outside]) < 1e-9).all()

    @pytest.mark.parametrize("code", ["FJ", "NZ", "LI"])
    def test_points_lie_at_their_cells(self, code):
        people = settle_territory(find_territory(code), around_km=0.0)
        for row in np.flatnonzero(people.is_own).tolist():
            middle = h3.cell_to_latlng(int(people.cells[people.part[row]]))
            at = float(people.lat_deg[row]), float(people.lon_deg[row])
            assert h3.great_circle_distance(middle, at) < CELL_REACH_KM

    @pytest.mark.parametrize("code", ["LU", "AD", "TV"])
    def test_points_are_the_centres_of_finer_cells_in_the_territory(self, code):
        territory = find_territory(code)
        shapely.prepare(territory.geometry)
        people = settle_territory(territory, around_km=0.0)
        made = slow.points_of(territory)
        lost = set(range(len(territory.cells))) - {point.cell for point in made}
        usual = people.is_own & ~np.isin(people.part, sorted(lost))
        table = np.column_stack([people.part, people.lat_deg, people.lon_deg, people.people])[usual]
        again = np.array([(point.cell, point.lat_deg, point.lon_deg, point.people) for point in made])
        # To far less than their distance: H3 is asked by number there and by name here.
        order, other = (np.lexsort((np.round(rows[:, 2], 6), np.round(rows[:, 1], 6), rows[:, 0])) for rows in (table, again))
        np.testing.assert_allclose(table[order], again[other], rtol=ROUNDING, atol=1e-9)

    @pytest.mark.parametrize("code", ["LI", "SM", "SG"])
    def test_a_part_too_small_for_any_point_has_one_inside_itself(self, code):
        territory = find_territory(code)
        shapely.prepare(territory.geometry)
        people = settle_territory(territory, around_km=0.0)
        lost = set(range(len(territory.cells))) - {point.cell for point in slow.points_of(territory)}
        assert lost
        for part in lost:
            (row,) = np.flatnonzero(people.part == part)
            hexagon = shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(int(territory.cells[part]))])
            common = shapely.intersection(hexagon, territory.geometry)
            assert shapely.distance(common, shapely.Point(people.lon_deg[row], people.lat_deg[row])) < 1e-9

    def test_nobody_lives_around_the_pole_and_points_weigh_by_area(self):
        antarctica = settle_territory(find_territory("AQ"), around_km=0.0)
        assert not antarctica.people.any()
        count = np.bincount(antarctica.part)
        np.testing.assert_allclose(antarctica.weight, 1.0 / count[antarctica.part])
        assert count.max() == 7
        assert antarctica.lat_deg.min() < -89.9

    def test_a_cell_that_two_territories_have_is_a_part_of_each_once(self):
        people, world = settle_territory(find_territory("AD"), around_km=30.0), read_world_cells()
        lives = np.bincount(people.part, weights=people.people, minlength=len(people.cells))
        shared = [cell for cell in find_territory("AD").cells.tolist() if (people.cells == cell).sum() > 1]
        assert len(shared) == 4
        for cell in shared:
            rows = np.flatnonzero(people.cells == cell)
            codes = [people.codes[people.code[row]] for row in rows]
            assert len(set(codes)) == len(codes)
            expected = {world.codes[world.territory[k]]: world.population[k] for k in np.flatnonzero(world.cells == cell)}
            for row, code in zip(rows, codes, strict=True):
                assert lives[row] == pytest.approx(expected[code])

    def test_everybody_within_the_distance_is_there_and_nobody_beyond(self, luxembourg):
        world = read_world_cells()
        places = np.array([h3.cell_to_latlng(cell) for cell in world.cells.tolist()])
        near = np.flatnonzero((np.abs(places[:, 0] - 49.7) < 2.5) & (np.abs(places[:, 1] - 6.1) < 3.5) & (world.population > 0.0))
        own = [h3.cell_to_latlng(cell) for cell in LU.cells.tolist()]
        mine = world.codes.index("LU")
        found = set(zip(luxembourg.cells.tolist(), luxembourg.code.tolist(), strict=True))
        for row in near.tolist():
            away = min(h3.great_circle_distance(tuple(places[row]), middle) for middle in own)
            if world.territory[row] != mine and abs(away - AROUND_KM) > 0.1:
                assert ((int(world.cells[row]), int(world.territory[row])) in found) == (away < AROUND_KM)

    def test_points_around_stand_in_their_own_territories(self, luxembourg):
        for number in np.unique(luxembourg.code).tolist():
            rows = np.flatnonzero(luxembourg.code[luxembourg.part] == number)
            border = read_borders(luxembourg.codes[number])
            shapely.prepare(border)
            away = shapely.distance(border, shapely.points(luxembourg.lon_deg[rows], luxembourg.lat_deg[rows]))
            assert away.max() < 1e-9

    def test_an_own_polygon_with_the_code_of_a_territory_leaves_others_where_they_live(self, tmp_path):
        path = tmp_path / "north.geojson"
        ring = [[5.7, 49.9], [6.6, 49.9], [6.6, 50.2], [5.7, 50.2], [5.7, 49.9]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        path.write_text(json.dumps({"type": "Feature", "properties": {"code": "LU"}, "geometry": shape}), encoding="utf-8")
        people = settle_territory(find_territory(path), around_km=60.0)
        middles = np.array([h3.cell_to_latlng(int(cell)) for cell in people.cells])[people.part]
        assert np.abs(people.lat_deg - middles[:, 0]).max() < 0.15

    def test_whole_territories_are_settled_too(self):
        people = settle_codes(("LU", "MT", "AQ"))
        lives = np.bincount(people.code[people.part], weights=people.people, minlength=len(people.codes))
        for code in ("LU", "MT"):
            assert lives[people.codes.index(code)] == pytest.approx(find_territory(code).population_total)
        assert people.own.all()


HALF = slow.east_of(LINE_DEG)


@pytest.fixture(scope="module")
def halved():
    """Luxembourg, of which the west loses service; nobody elsewhere."""
    return slow.compare("LU", slow.ALL, HALF)


class TestLives:
    def test_those_west_of_a_meridian_lose_service(self, halved):
        west = math.fsum(point.people for point in slow.points_of(LU) if point.lon_deg < LINE_DEG)
        assert 0.2 < west / LU.population_total < 0.8
        assert halved.lives.losing == pytest.approx(west, rel=ROUNDING)
        assert halved.lives.gaining == 0.0
        assert halved.lives.served == pytest.approx((LU.population_total, LU.population_total - west), rel=ROUNDING)

    def test_cells_say_the_same_one_by_one(self, halved):
        points = slow.points_of(LU)
        shares = slow.share_cells(points, [float(point.lon_deg >= LINE_DEG) for point in points], len(LU.cells))
        np.testing.assert_allclose(halved.cell_served[0], 1.0, rtol=ROUNDING)
        np.testing.assert_allclose(halved.cell_served[1], shares, rtol=ROUNDING, atol=1e-12)
        assert 0 < halved.cells.partly[1] == sum(0.0 < share < 1.0 for share in shares)
        assert halved.cells.losing == sum(share < 1.0 for share in shares)
        np.testing.assert_array_equal(halved.cell_ids, LU.cells)
        np.testing.assert_array_equal(halved.cell_population, LU.population)

    def test_terminals_follow_the_people_of_their_cell(self, halved):
        (row,) = halved.classes
        assert (row.name, row.gaining) == ("consumer", 0.0)
        assert 0.0 < row.losing < row.terminals == row.served[0]
        assert row.served[0] - row.served[1] == pytest.approx(row.losing)

    def test_others_are_looked_at_only_over_those_who_lose(self, halved):
        assert {row.operator for row in halved.alternatives} == {"oneweb", "kuiper", "telesat"}
        for row in halved.alternatives:
            assert 0.0 <= row.covered_fraction <= 1.0
            assert row.is_ground_known == np.isfinite(row.median_mbps) == np.isfinite(row.delivered_gbps)
        assert not slow.compare("LU", HALF, slow.ALL).alternatives

    def test_a_class_is_asked_about_by_itself(self):
        only = slow.make_policy({"verdict": "allow", "classes": ["emergency"]})
        found = [slow.compare("LU", slow.ALL, only, terminal_class=name) for name in ("emergency", "consumer")]
        assert found[0].lives.losing == 0.0
        assert found[1].lives.losing == pytest.approx(LU.population_total)
        assert found[0].classes == found[1].classes
        assert [row.terminal_class for row in found] == ["emergency", "consumer"]

    def test_a_class_is_the_same_in_capitals(self):
        only = slow.make_policy({"verdict": "allow", "classes": ["emergency"]})
        assert slow.compare("LU", slow.ALL, only, terminal_class="Emergency").lives.losing == 0.0

    def test_an_unknown_class_is_refused(self):
        with pytest.raises(OverflightError, match="class 'boat': unknown"):
            slow.compare("LU", slow.ALL, slow.ALL, terminal_class="boat")

    def test_a_constellation_without_known_ground_is_refused(self):
        with pytest.raises(OverflightError, match="no gateway is known of it"):
            slow.compare(slow.make_scene("LU", constellations=[{"name": "kuiper"}]), slow.ALL, slow.ALL)

    def test_a_scenario_without_capacity_is_refused_in_one_line(self):
        case = Case(parse_scenario({"territory": "NR", "time": {"hours": 0.1}}, source="t"), slow.ALL, "x")
        with pytest.raises(OverflightError, match="capacity"):
            study_change(case, case, Question(slots=1))

    def test_no_slots_are_refused_in_one_line(self):
        with pytest.raises(OverflightError, match="slots"):
            slow.compare("NR", slow.ALL, slow.ALL, slots=0)


class TestNobody:
    @pytest.mark.parametrize("policies", [(None, None), (slow.DENY, None)], ids=["none", "nothing"])
    def test_without_a_policy_nobody_is_served(self, policies):
        found = slow.compare("NR", *policies)
        assert found.lives.served == (0.0, 0.0)
        assert (found.lives.gaining, found.lives.losing) == (0.0, 0.0)
        assert found.rates.capacity_gbps == found.rates.delivered_gbps == found.rates.active_terminals == (0.0, 0.0)
        assert np.isnan(found.rates.median_mbps).all()
        assert np.isnan(found.rates.worst_tenth_mbps).all()
        assert all(np.isnan(side).all() for side in found.cell_mbps)
        assert not found.gateways
        assert not any(edge.bands for edge in found.edges)
        document = json.loads(found.to_json())
        assert document["rates"]["median_mbps"] == document["terminals"]["listed_share"] == [None, None]
        assert document["by_cell"][0]["mbps"] == [None, None]
        assert document["policies"]["after"] is None
        assert "nobody is served" in found.summary[2]

    def test_everybody_loses_what_no_policy_serves(self):
        found = slow.compare("NR", slow.ALL, None)
        assert found.lives.losing == pytest.approx(find_territory("NR").population_total)
        assert found.rates.capacity_gbps[0] > 0.0 == found.rates.capacity_gbps[1]
        assert [side.sha256 for side in found.policies] == [slow.ALL.digest(), None]
        assert found.policies[1].name == "none"


LIMIT = {"name": "slow", "verdict": "limit", "limit": {"down_mbps": 20.0}}


class TestLimits:
    def test_nobody_gets_more_than_the_limit(self):
        limited = slow.make_policy(LIMIT)
        found = slow.compare("LU", slow.ALL, limited)
        assert found.rates.median_mbps[0] > 100.0
        for rate in (found.rates.median_mbps[1], found.rates.worst_tenth_mbps[1], np.nanmax(found.cell_mbps[1])):
            assert rate <= 20.0 * (1.0 + ROUNDING)
        assert found.rates.median_mbps[1] == pytest.approx(20.0)
        assert found.lives.limited == pytest.approx((0.0, LU.population_total))
        assert found.lives.limited_anew == pytest.approx(LU.population_total)
        assert (found.lives.gaining, found.lives.losing, found.lives.freed_of_limit) == (0.0, 0.0, 0.0)
        back = slow.compare("LU", limited, slow.ALL)
        assert back.lives.freed_of_limit == pytest.approx(LU.population_total)

    def test_a_line_through_a_cell_limits_it_in_proportion(self):
        (arm,) = slow.work(slow.make_scene("LU"), slow.make_policy(LIMIT | {"within": HALF.rules[0].within}, default="allow"))
        points = slow.points_of(LU)
        east = np.array(slow.share_cells(points, [float(point.lon_deg >= LINE_DEG) for point in points], len(LU.cells)))
        asked = arm.markets.asking[0][0].down_mbps[arm.markets.union.own, 0]
        most = arm.own.down_mbps[0]
        np.testing.assert_allclose(asked, 20.0 * east + most * (1.0 - east), rtol=ROUNDING)
        rates = arm.figures.cell_mbps[arm.markets.union.own]
        assert (rates <= asked * (1.0 + ROUNDING)).all()

    def test_a_limit_above_what_is_asked_for_changes_no_rate(self):
        high = slow.make_policy(LIMIT | {"limit": {"down_mbps": 5000.0, "up_mbps": 5000.0}})
        found = slow.compare("LU", slow.ALL, high)
        assert found.rates.median_mbps[0] == found.rates.median_mbps[1]
        np.testing.assert_array_equal(*found.cell_mbps)
        assert found.lives.limited[1] == pytest.approx(LU.population_total)


class TestTime:
    @pytest.mark.parametrize(
        ("window", "share"),
        [
            ({"starts": "2026-08-22T00:30:00Z"}, 0.5),
            ({"ends": "2026-08-22T00:30:00Z"}, 0.5),
            ({"ends": "2026-08-22T00:08:00Z"}, 0.25),
            ({"starts": "2026-08-22T00:15:00Z", "ends": "2026-08-22T00:45:00Z"}, 0.5),
            ({"ends": "2026-08-22T00:00:00Z"}, 0.0),
            ({"starts": "2026-08-22T00:00:00Z", "ends": END_TIME}, 1.0),
        ],
    )
    def test_shares_are_means_over_the_slots(self, window, share):
        scene = slow.make_scene("NR")
        found = slow.compare(scene, None, slow.make_policy({"verdict": "allow"} | window), slots=4)
        assert len(slow.slot_times(scene, 4)) == found.slots == 4
        people = find_territory("NR").population_total
        assert found.lives.served[1] == pytest.approx(share * people)
        assert found.lives.gaining == pytest.approx(share * people)
        assert found.cell_served[1] == pytest.approx(np.array([share]))
        assert (found.rates.active_terminals[1] > 0.0) == (share > 0.0)
        if share == 0.5:
            assert (found.cells.whole[1], found.cells.partly[1], found.cells.gaining) == (0, 1, 1)

    def test_what_is_served_half_of_the_time_asks_half_of_the_time(self):
        always, half = (
            slow.work(slow.make_scene("NR"), slow.make_policy({"verdict": "allow"} | window), slots=4)[0]
            for window in ({}, {"starts": "2026-08-22T00:30:00Z"})
        )
        assert [bool(row.terminals.any()) for row in half.markets.asking[0]] == [False, False, True, True]
        assert len(always.markets.asking[0]) == 1
        assert 0.3 < half.figures.active_terminals / always.figures.active_terminals < 0.7

    def test_local_hours_open_and_close(self):
        # Nauru lies at 166.9° E: 00:30 UTC is 11:38 by the sun.
        night, day = (
            slow.compare("NR", None, slow.make_policy({"verdict": "allow", "local_hours": hours}), slots=4)
            for hours in (["00:00", "11:38"], ["11:38", "24:00"])
        )
        people = find_territory("NR").population_total
        assert (night.lives.served[1], day.lives.served[1]) == pytest.approx((0.5 * people, 0.5 * people))


def listing(*names: str, **keys) -> dict:
    return {"name": "listed", "verdict": "allow", "terminals": list(names)} | keys


def kits(count: int) -> list[str]:
    return [f"KIT-{number}" for number in range(count)]


class TestLists:
    @pytest.mark.parametrize("count", [250, 5000])
    def test_as_many_are_served_as_are_listed(self, count, halved):
        total = halved.classes[0].terminals
        found = slow.compare("LU", slow.DENY, slow.make_policy(listing(*kits(count))))
        assert found.classes[0].served == pytest.approx((0.0, min(count, total)))
        assert found.classes[0].gaining == pytest.approx(min(count, total))
        assert found.listed_share[1] == pytest.approx(min(1.0, count / total))
        assert math.isnan(found.listed_share[0])
        assert found.lives.listed_only == pytest.approx((0.0, LU.population_total))
        assert found.lives.served == (0.0, 0.0)
        assert found.lives.gaining == 0.0

    def test_a_list_for_a_part_serves_in_that_part(self):
        (arm,) = slow.work(
            slow.make_scene("LU"), slow.make_policy(listing(*kits(40), within=HALF.rules[0].within.model_dump(exclude_defaults=True)))
        )
        points = slow.points_of(LU)
        east = np.array(slow.share_cells(points, [float(point.lon_deg >= LINE_DEG) for point in points], len(LU.cells)))
        asked = arm.markets.asking[0][0].terminals[arm.markets.union.own, 0]
        expected = arm.own.terminals.counts[:, 0] * east
        np.testing.assert_allclose(asked, expected * 40.0 / expected.sum(), rtol=ROUNDING)

    def test_those_elsewhere_have_their_part_of_the_list(self):
        everywhere = slow.work(slow.make_scene("MT", incumbents=1.0), slow.make_policy(listing(*kits(100))))[0]
        asked, own = everywhere.markets.asking[0][0].terminals, everywhere.markets.union.own
        cells = np.unique(read_world_cells().cells)
        elsewhere = world_terminals("starlink", cells[~np.isin(cells, everywhere.inputs.territory.cells)], everywhere=True).sum()
        mine = everywhere.own.terminals.total
        assert asked[own].sum() == pytest.approx(100.0 * mine / (mine + elsewhere))
        assert asked.sum() < 100.0

    def test_a_list_counts_where_its_rule_holds(self):
        far = listing(*kits(100_000), within={"territories": ["NZ"]})
        near = listing("KIT-0", within={"territories": ["MT"]}) | {"name": "near"}
        alone, beside = (slow.compare("MT", None, slow.make_policy(*rules)) for rules in ((near,), (far, near)))
        assert alone.classes[0].served[1] == pytest.approx(1.0)
        assert beside.classes[0].served[1] == pytest.approx(1.0)
        assert beside.listed_share[1] == pytest.approx(1.0 / beside.classes[0].terminals)

    def test_a_list_that_denies_names_nobody_who_is_served(self):
        found = slow.compare("LU", slow.ALL, slow.make_policy({"verdict": "deny", "terminals": kits(10)}, default="allow"))
        assert found.lives.losing == found.lives.listed_only[1] == 0.0
        assert math.isnan(found.listed_share[1])

    def test_owners_have_no_number_and_it_is_said(self):
        found = slow.compare("LU", slow.DENY, slow.make_policy({"verdict": "allow", "owners": ["agency"]}))
        assert found.classes[0].served == (0.0, 0.0)
        assert found.lives.listed_only[1] == pytest.approx(LU.population_total)
        assert any("serves owners by name" in text for text in found.warnings)

    @pytest.mark.parametrize(
        ("rule", "contract", "state", "share"),
        [
            (listing(*kits(4)), {"terminal_ids": kits(4), "terminals": 4}, "kept", 1.0),
            (listing(*kits(4)), {"terminal_ids": kits(4), "terminals": 10}, "denied", 0.4),
            (listing(*kits(2)), {"terminal_ids": kits(4), "terminals": 8}, "denied", 0.25),
            (listing(*kits(4)), {"terminals": 4}, "denied", 0.0),
            (listing("OTHER"), {"terminal_ids": kits(4), "terminals": 4}, "denied", 0.0),
            ({"verdict": "allow", "owners": ["C"]}, {"terminals": 4}, "kept", 1.0),
            ({"verdict": "allow", "owners": ["C"]}, {"terminals": 4, "owner": "D"}, "denied", 0.0),
            ({"verdict": "allow", "classes": ["government"]}, {"terminals": 4}, "kept", 1.0),
            ({"verdict": "allow", "classes": ["consumer"]}, {"terminals": 4}, "denied", 0.0),
            ({"verdict": "allow", "homes": ["LU"]}, {"terminals": 4}, "kept", 1.0),
            ({"verdict": "allow", "operators": ["starlink"]}, {"terminals": 4}, "kept", 1.0),
        ],
    )
    def test_terminals_of_a_contract_are_on_a_list_where_they_are_named(self, luxembourg, rule, contract, state, share):
        (row,) = slow.make_contracts(contract).contracts
        sides = [make_side("all", slow.ALL), make_side("rule", slow.make_policy(rule))]
        promise = judge_contract(row, LU, luxembourg, sides, np.array([slow.START[:-1]], dtype="datetime64[us]"), operator="starlink")
        everything, asked = promise.permissions
        assert (everything.served, everything.short, everything.rules) == (pytest.approx(1.0), 0.0, ())
        assert asked.served == pytest.approx(share)
        assert asked.rules == (() if state == "kept" else ("default",))
        np.testing.assert_allclose(promise.sides[1].served, share, rtol=ROUNDING)

    def test_a_contract_with_some_named_is_denied_and_with_all_kept(self):
        usual = {"terminal_ids": kits(4), "territories": ["NR"]}
        rows = slow.make_contracts(usual | {"terminals": 4}, usual | {"terminals": 10})
        checks = slow.compare("NR", slow.DENY, slow.make_policy(listing(*kits(4))), contracts=rows).contracts
        assert [(row.before.state, row.after.state, row.change) for row in checks] == [
            ("denied", "kept", "mended"),
            ("denied", "denied", "unkept"),
        ]
        # In its cell in the twin there are as many as may be served.
        assert [row.after.met_share for row in checks] == pytest.approx([1.0, 0.4], rel=1e-6)


@pytest.fixture(scope="module")
def market():
    """Luxembourg among everybody, under four policies on the same scenes."""
    return slow.work(slow.make_scene("LU", incumbents=1.0), slow.ALL, slow.deny_in("FR"), slow.allow_in("LU"), slow.deny_in("LU"))


@pytest.fixture(scope="module")
def malta():
    """Malta among everybody, of whom Italy is closed."""
    return slow.compare(slow.make_scene("MT", incumbents=1.0), slow.ALL, slow.deny_in("IT"))


class TestMarkets:
    def test_where_all_is_served_elsewhere_are_all_who_could_be(self, market):
        arm = market[0]
        cells, terminals = list_competitors(LU.cells, arm.fleet, scale=1.0, everywhere=True)
        expected: dict[int, float] = {}
        for cell, count in zip(cells.tolist(), terminals.tolist(), strict=True):
            parent = h3.cell_to_parent(cell, 4)
            expected[parent] = expected.get(parent, 0.0) + count
        union = arm.markets.union
        asked = arm.markets.asking[0][0].terminals[~union.own]
        found = {
            h3.cell_to_parent(cell, 4): count for cell, count in zip(union.cell_ids[~union.own].tolist(), asked.sum(axis=1), strict=True)
        }
        assert found.keys() == expected.keys()
        for parent, count in expected.items():
            assert found[parent] == pytest.approx(count, rel=ROUNDING)

    def test_elsewhere_stand_in_one_of_the_cells_that_they_are_of(self, market):
        cells, _ = list_competitors(LU.cells, market[0].fleet, scale=1.0, everywhere=True)
        union = market[0].markets.union
        assert np.isin(union.cell_ids[~union.own], cells).all()
        np.testing.assert_array_equal(union.cell_ids[union.own], LU.cells)

    def test_closing_leaves_nobody_more(self, market):
        everybody = market[0].markets.asking[0][0].terminals
        own = market[0].markets.union.own
        for arm, fewer in zip(market, ("none", "FR", "all but LU", "LU"), strict=True):
            asked = arm.markets.asking[arm.column][0].terminals
            assert (asked <= everybody * (1.0 + ROUNDING)).all()
            assert (asked[own] == (0.0 if fewer == "LU" else everybody[own])).all()
            assert bool(asked[~own].any()) == (fewer != "all but LU")

    def test_closing_a_neighbour_takes_its_terminals_away(self, market):
        codes = np.array(market[1].markets.other_codes)
        before, after = (market[side].markets.asking[side][0].terminals.sum(axis=1) for side in range(2))
        assert before[codes == "FR"].sum() > 1000.0
        # Terminals of parents that stand in France and hold a cell beyond its border remain.
        assert after[codes == "FR"].sum() < 0.1 * before[codes == "FR"].sum()
        assert after[codes == "DE"].sum() > 0.9 * before[codes == "DE"].sum()

    def test_what_is_freed_is_left_to_the_territory(self, market):
        everybody, one, all_others, _ = (arm.figures for arm in market)
        for name in ("median_mbps", "worst_tenth_mbps", "delivered_gbps", "capacity_gbps"):
            before = getattr(everybody, name)
            assert getattr(all_others, name) >= FREED * before
        assert all_others.capacity_gbps > 1.1 * everybody.capacity_gbps
        for name in ("median_mbps", "delivered_gbps", "capacity_gbps"):
            assert getattr(one, name) >= FREED_OF_ONE * getattr(everybody, name)

    @pytest.mark.parametrize(("territory", "neighbour"), [("MT", "IT"), ("TO", "FJ"), ("SG", "MY")])
    def test_closing_a_neighbour_leaves_the_territory_what_it_had(self, malta, territory, neighbour):
        scene = slow.make_scene(territory, incumbents=1.0)
        found = malta if territory == "MT" else slow.compare(scene, slow.ALL, slow.deny_in(neighbour))
        for name in ("median_mbps", "worst_tenth_mbps", "delivered_gbps", "capacity_gbps"):
            before, after = getattr(found.rates, name)
            assert after >= FREED * before, name
        assert found.lives.gaining == found.lives.losing == 0.0
        closed = next(row for row in found.neighbours if row.code == neighbour)
        assert closed.active_terminals[1] < 0.1 * closed.active_terminals[0]

    def test_gateways_land_what_is_delivered(self, market):
        for arm in market:
            figures, own = arm.figures, arm.markets.union.own
            assert figures.landed_gbps.sum() == pytest.approx(figures.cell_delivered_mbps.sum() / 1000.0, rel=ROUNDING)
            assert figures.own_landed_gbps.sum() == pytest.approx(figures.delivered_gbps, rel=ROUNDING)
            assert figures.cell_delivered_mbps[own].sum() / 1000.0 == pytest.approx(figures.delivered_gbps, rel=ROUNDING)
            assert (figures.own_landed_gbps <= figures.landed_gbps * (1.0 + ROUNDING)).all()

    def test_the_document_adds_up(self, malta):
        found = malta
        for side in range(2):
            delivered = found.rates.delivered_gbps[side] + sum(row.delivered_gbps[side] for row in found.neighbours)
            # Gateways with less than a millionth of all are not named.
            assert sum(row.landed_gbps[side] for row in found.gateways) == pytest.approx(delivered, rel=1e-4)
            assert sum(row.own_gbps[side] for row in found.gateways) == pytest.approx(found.rates.delivered_gbps[side], rel=1e-4)

    def test_neighbours_felt_most_come_first_and_the_territory_is_none(self, malta):
        found = malta
        moved = [abs(row.delivered_gbps[1] - row.delivered_gbps[0]) for row in found.neighbours]
        assert moved == sorted(moved, reverse=True)
        assert found.neighbours[0].code == "IT"
        assert "MT" not in {row.code for row in found.neighbours}
        loads = [abs(row.landed_gbps[1] - row.landed_gbps[0]) for row in found.gateways]
        assert loads == sorted(loads, reverse=True)


STUDENT = 12.7062047362
"""Student's t of one degree of freedom that 95 in 100 stay within (Abramowitz and Stegun, table 26.10)."""


class TestMargins:
    """Of two slots the margin of a change is half of the difference between the slots' changes, times Student's t of one degree."""

    def test_rates(self, market):
        before, after = (arm.figures for arm in market[:2])
        rates = compare_rates(market[:2])
        for name, margin in (
            ("median_mbps", rates.median_margin_mbps),
            ("worst_tenth_mbps", rates.worst_tenth_margin_mbps),
            ("delivered_gbps", rates.delivered_margin_gbps),
            ("capacity_gbps", rates.capacity_margin_gbps),
        ):
            first, second = (after.by_scene[name][slot] - before.by_scene[name][slot] for slot in range(2))
            assert margin == pytest.approx(STUDENT * 0.5 * abs(first - second), rel=1e-6)
            assert margin > 0.0
        for name in ("delivered_gbps", "capacity_gbps"):
            assert before.by_scene[name].mean() == pytest.approx(getattr(before, name), rel=ROUNDING)

    def test_neighbours_and_gateways(self, market):
        before, after = (arm.figures.by_scene for arm in market[:2])
        codes = np.array(market[0].markets.other_codes)
        row = next(row for row in compare_neighbours(market[:2]) if row.code == "DE")
        here = codes == "DE"
        mean = [side["delivered_mbps"][:, here].sum(axis=1) / side["active"][:, here].sum(axis=1) for side in (before, after)]
        changes = mean[1] - mean[0]
        assert row.mean_margin_mbps == pytest.approx(STUDENT * 0.5 * abs(changes[0] - changes[1]), rel=1e-6)
        for gateway in compare_gateways(market[:2])[:5]:
            table = market[0].fleet.gateways
            (number,) = [
                k
                for k in range(len(table))
                if (table.city[k] or table.name[k], table.country[k]) == (gateway.name, gateway.country)
                and before["landed_gbps"][:, k].mean() == pytest.approx(gateway.landed_gbps[0])
            ]
            changes = after["landed_gbps"][:, number] - before["landed_gbps"][:, number]
            assert gateway.landed_margin_gbps == pytest.approx(STUDENT * 0.5 * abs(changes[0] - changes[1]), rel=1e-6)

    def test_what_does_not_change_is_sure_and_of_one_slot_nothing_is_known(self):
        same = slow.compare("NR", slow.ALL, slow.ALL)
        assert same.rates.median_margin_mbps == same.rates.capacity_margin_gbps == 0.0
        one = slow.compare("NR", slow.ALL, slow.make_policy(LIMIT), slots=1)
        assert math.isnan(one.rates.median_margin_mbps)
        assert math.isnan(one.rates.capacity_margin_gbps)
        assert json.loads(one.to_json())["rates"]


@pytest.fixture(scope="module")
def line():
    """Luxembourg and 100 km around it under a policy whose line is a meridian; one scene."""
    (arm,) = slow.work(slow.make_scene("LU", incumbents=1.0), HALF, slots=1)
    allowed = arm.people.lon_deg >= LINE_DEG
    return arm, allowed, find_edge(arm.people, allowed, arm.figures.beams, arm.twin)


class TestEdge:
    def test_the_policy_has_that_line(self, line):
        arm, allowed, _ = line
        np.testing.assert_array_equal(arm.headline.served[0], allowed)

    def test_bands_are_where_geodesic_distances_put_people(self, line):
        arm, allowed, edge = line
        people = arm.people
        away = np.array([slow.meridian_km(lat, lon, LINE_DEG) for lat, lon in zip(people.lat_deg, people.lon_deg, strict=True)])
        assert [(band.from_km, band.to_km) for band in edge.bands] == list(pairwise(BANDS_KM))
        for side, name in ((allowed, "allowed"), (~allowed, "denied")):
            told = 0.0
            for band in edge.bands:
                told += getattr(band, name)
                # Towards the rim of what is looked at a point's nearest on the other side is not straight across.
                slack = HALF_SPACING_KM + (2.0 if band.to_km == AROUND_KM else 0.0)
                low, high = (people.people[side & (away < band.to_km + shift)].sum() for shift in (-slack, HALF_SPACING_KM))
                assert low * (1.0 - ROUNDING) <= told <= high * (1.0 + ROUNDING), (name, band.to_km)

    def test_bands_add_up_to_the_people_within_their_reach(self, line):
        arm, _, edge = line
        whole = sum(band.allowed + band.denied for band in edge.bands)
        assert whole > arm.people.people[arm.people.is_own].sum()
        assert whole <= arm.people.people.sum()
        for band in edge.bands:
            assert band.lit_by_cell <= band.denied
            assert band.lit_by_beam <= band.denied
            assert band.dark_by_cell <= band.allowed

    def test_cells_are_switched_by_most_of_their_people(self, line):
        arm, allowed, edge = line
        people = arm.people
        lives: dict[int, float] = {}
        served: dict[int, float] = {}
        cells = people.cells[people.part].tolist()
        for cell, count, is_allowed in zip(cells, people.people.tolist(), allowed.tolist(), strict=True):
            lives[cell] = lives.get(cell, 0.0) + count
            served[cell] = served.get(cell, 0.0) + count * is_allowed
        on = np.array([served[cell] >= 0.5 * lives[cell] for cell in cells])
        assert people.people[~allowed & on].sum() > 0.0
        assert sum(band.lit_by_cell for band in edge.bands) == pytest.approx(people.people[~allowed & on].sum(), rel=ROUNDING)
        assert sum(band.dark_by_cell for band in edge.bands) == pytest.approx(people.people[allowed & ~on].sum(), rel=ROUNDING)

    def test_denied_people_are_lit_where_a_beam_is_wide_enough(self, line):
        """Every beam and every denied point by hand: the angle at the satellite is within the half beamwidth."""
        arm, allowed, edge = line
        (beams,) = arm.figures.beams
        half_deg = slow.half_beam_deg(arm.twin.case.plant.values["satellite_ku_diameter_m"], BEAM_WIDTH_GHZ)
        denied = np.flatnonzero(~allowed & (arm.people.people > 0.0))
        places = np.array([slow.ecef_km(arm.people.lat_deg[row], arm.people.lon_deg[row]) for row in denied])
        lit = np.zeros(len(denied), dtype=bool)
        edges = np.zeros(len(denied), dtype=bool)
        for cell, satellite in zip(beams.cell.tolist(), beams.satellite.tolist(), strict=True):
            sender = beams.positions_km[:, satellite]
            axis, ways = slow.ecef_km(*h3.cell_to_latlng(cell)) - sender, places - sender
            cosine = (ways @ axis) / (np.linalg.norm(ways, axis=1) * np.linalg.norm(axis))
            lit |= cosine >= math.cos(math.radians(half_deg))
            edges |= np.abs(np.degrees(np.arccos(np.minimum(cosine, 1.0))) - half_deg) < 1e-6
        assert not edges.any()
        people = arm.people.people[denied]
        assert 0.0 < people[lit].sum() < 0.5 * people.sum()
        assert sum(band.lit_by_beam for band in edge.bands) == pytest.approx(people[lit].sum(), rel=ROUNDING)

    def test_beams_are_lit_for_cells_with_terminals_by_satellites_above_the_mask(self, line):
        arm, _, _ = line
        (beams,) = arm.figures.beams
        assert beams.own.any()
        assert not beams.own.all()
        asked = dict(zip(LU.cells.tolist(), arm.markets.asking[0][0].terminals[arm.markets.union.own].sum(axis=1), strict=True))
        assert set(beams.cell[beams.own].tolist()) <= {cell for cell, count in asked.items() if count > 0.0}
        for cell, satellite in zip(beams.cell[beams.own].tolist(), beams.satellite[beams.own].tolist(), strict=True):
            lat, lon = h3.cell_to_latlng(cell)
            place, sender = slow.ecef_km(lat, lon), beams.positions_km[:, satellite]
            up = np.array([math.cos(math.radians(lat)) * math.cos(math.radians(lon)), math.cos(math.radians(lat)) * math.sin(math.radians(lon)), math.sin(math.radians(lat))])  # fmt: skip
            elevation = 90.0 - slow.angle_deg(place, place + up, sender)
            assert elevation >= arm.fleet.user_mask_deg - 1e-6

    def test_one_beam_from_above_lights_a_circle(self, line):
        """A beam from straight above its cell: lit is what lies within its radius on the ground."""
        arm, allowed, _ = line
        cell = h3.latlng_to_cell(49.7, LINE_DEG, 5)
        lat, lon = h3.cell_to_latlng(cell)
        place = slow.ecef_km(lat, lon)
        sender = place * (1.0 + 550.0 / np.linalg.norm(place))
        beams = Beams(np.array([cell], dtype=np.uint64), np.array([0]), np.array([True]), sender[:, None])
        edge = find_edge(arm.people, allowed, [beams], arm.twin)
        half_deg = slow.half_beam_deg(arm.twin.case.plant.values["satellite_ku_diameter_m"], BEAM_WIDTH_GHZ)
        radius_km = 550.0 * math.tan(math.radians(half_deg))
        away = np.array([slow.reference.geodesic_km(lat, lon, a, b) for a, b in zip(arm.people.lat_deg, arm.people.lon_deg, strict=True)])
        low, high = (arm.people.people[~allowed & (away < radius_km + shift)].sum() for shift in (-0.2, 0.2))
        assert 0.0 < low * (1.0 - ROUNDING) <= sum(band.lit_by_beam for band in edge.bands) <= high * (1.0 + ROUNDING)
        assert edge.beam_across_km == pytest.approx(2.0 * radius_km, rel=0.01)
        assert edge.beam_along_km == pytest.approx(2.0 * radius_km, rel=0.01)

    def test_of_several_scenes_people_count_by_the_share_that_lights_them(self, line):
        arm, allowed, edge = line
        dark = Beams(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64), np.empty(0, dtype=bool), arm.figures.beams[0].positions_km)
        twice = find_edge(arm.people, allowed, [*arm.figures.beams, dark], arm.twin)
        for one, two in zip(edge.bands, twice.bands, strict=True):
            assert two.lit_by_beam == pytest.approx(0.5 * one.lit_by_beam)
            assert replace(two, lit_by_beam=one.lit_by_beam) == one

    @pytest.mark.parametrize("everybody", [True, False])
    def test_without_a_line_there_are_no_bands(self, line, everybody):
        arm, allowed, _ = line
        edge = find_edge(arm.people, np.full(len(allowed), everybody), arm.figures.beams, arm.twin)
        assert edge.bands == ()
        assert edge.beam_across_km > 0.0


BUSY = slow.make_scene("LU", capacity={"terminals": 200_000})
"""Far more terminals than Luxembourg has: links are full."""


class TestContracts:
    def test_what_is_easy_is_kept_and_what_no_link_carries_is_short(self):
        rows = slow.make_contracts({"down_mbps": 1.0, "up_mbps": 0.1}, {"down_mbps": 5000.0}, {"down_mbps": 1.0, "up_mbps": 5000.0})
        easy, fast, up = slow.compare(BUSY, slow.ALL, slow.make_policy(LIMIT), contracts=rows).contracts
        assert (easy.before.state, easy.after.state, easy.change) == ("kept", "kept", "kept")
        assert easy.before.met_share == pytest.approx(1.0)
        assert (fast.before.state, fast.before.met_share, fast.after.state) == ("short", 0.0, "limited")
        assert (up.before.state, up.before.met_share) == ("short", 0.0)
        assert fast.after.rules == ("slow",)
        assert fast.after.short_share == pytest.approx(1.0)
        assert (fast.change, up.change) == ("unkept", "unkept")

    def test_priority_never_lowers_what_is_met(self):
        met = [
            slow.compare(BUSY, slow.ALL, slow.ALL, contracts=slow.make_contracts({"down_mbps": 60.0, "priority": priority})).contracts[0]
            for priority in (0.1, 1.0, 4.0)
        ]
        shares = [row.before.met_share for row in met]
        assert shares == sorted(shares)
        assert shares[0] < 0.1
        assert 0.1 < shares[1] < 0.9
        assert shares[-1] == pytest.approx(1.0)
        assert [row.before.state for row in met] == ["short", "short", "kept"]

    def test_what_is_met_is_counted_among_those_promised(self):
        """Terminals in the west are denied: of those who were promised service, the share in the east is met at most."""
        rows = slow.make_contracts({"terminals": 1000})
        (arm,) = slow.work(slow.make_scene("LU"), HALF, contracts=rows)
        (promise,) = arm.promises
        points = slow.points_of(LU)
        east = np.array(slow.share_cells(points, [float(point.lon_deg >= LINE_DEG) for point in points], len(LU.cells)))
        assert promise.counts.sum() == 1000
        assert arm.figures.met["c0"] == pytest.approx(promise.counts @ east / 1000.0, rel=0.01)
        lives = np.array([point.people for point in points])
        assert promise.permissions[0].served == pytest.approx(
            lives[[p.lon_deg >= LINE_DEG for p in points]].sum() / lives.sum(), rel=ROUNDING
        )

    def test_a_harder_availability_meets_no_more(self):
        usual = {"territories": ["SG"], "down_mbps": 150.0}
        rows = slow.make_contracts(*(usual | {"availability_percent": percent} for percent in (50.0, 99.0, 99.9, 99.99)))
        met = [row.before.met_share for row in slow.compare("SG", slow.ALL, slow.ALL, contracts=rows).contracts]
        assert np.diff(met).max() <= ROUNDING
        assert met[0] == pytest.approx(1.0)
        assert met[-1] < 0.5

    def test_over_several_territories_people_weigh(self):
        rows = slow.make_contracts({"territories": ["MT", "LU"], "terminals": 100}, {"territories": ["LU"], "terminals": 7})
        found = slow.compare("MT", slow.allow_in("MT"), slow.allow_in("LU"), contracts=rows)
        malta, lux = (find_territory(code).population_total for code in ("MT", "LU"))
        both, elsewhere = found.contracts
        assert both.before.served_share == pytest.approx(malta / (malta + lux), rel=ROUNDING)
        assert both.after.served_share == pytest.approx(lux / (malta + lux), rel=ROUNDING)
        assert (both.before.state, both.after.state) == ("denied", "denied")
        assert (elsewhere.before.served_share, elsewhere.after.served_share) == (0.0, pytest.approx(1.0))
        assert (elsewhere.after.state, elsewhere.change) == ("kept", "mended")
        assert math.isnan(elsewhere.after.met_share)
        counts = place_contract(rows.contracts[0], find_territory("MT"))
        assert counts.sum() == round(100 * malta / (malta + lux))

    def test_a_territory_without_people_does_not_outweigh_one_with(self):
        rows = slow.make_contracts({"territories": ["MT", "BV"], "terminals": 100}, {"territories": ["MT", "AQ"], "terminals": 100})
        found = slow.compare("MT", slow.ALL, slow.allow_in("MT"), contracts=rows)
        assert place_contract(rows.contracts[1], find_territory("MT")).sum() == 100
        assert [row.after.served_share for row in found.contracts] == pytest.approx([1.0, 1.0])

    def test_outside_its_term_a_contract_is_not_agreed(self):
        terms = [
            ({"starts": END_TIME}, False),
            ({"starts": "2027-01-01"}, False),
            ({"ends": "2026-08-22T00:00:00Z"}, False),
            ({"ends": "2020-01-01"}, False),
            ({"starts": "2026-08-22T00:59:59Z"}, True),
            ({"ends": "2026-08-22T00:00:01Z"}, True),
            ({"starts": "2026-01-01", "ends": "2027-01-01"}, True),
        ]
        rows = slow.make_contracts(*({"territories": ["NR"]} | term for term, _ in terms))
        checks = slow.compare("NR", slow.ALL, slow.DENY, contracts=rows, slots=1).contracts
        for check, (term, is_agreed) in zip(checks, terms, strict=True):
            assert check.change == ("broken" if is_agreed else "not-agreed"), term
            assert (check.before.state == "not-agreed") == (not is_agreed)
            assert is_agreed or math.isnan(check.after.served_share)

    def test_the_other_way_round_what_was_broken_is_mended(self):
        rows = slow.make_contracts(
            {"territories": ["NR"]}, {"territories": ["NR"], "down_mbps": 5000.0}, {"territories": ["NR"], "down_mbps": 30.0}
        )
        there, back = (
            slow.compare("NR", *sides, contracts=rows).contracts
            for sides in ((slow.ALL, slow.make_policy(LIMIT)), (slow.make_policy(LIMIT), slow.ALL))
        )
        assert [row.change for row in there] == ["kept", "unkept", "broken"]
        assert [row.change for row in back] == ["kept", "unkept", "mended"]
        for one, two in zip(there, back, strict=True):
            assert (one.before, one.after) == (two.after, two.before)
        assert there[2].after.state == "limited"

    def test_the_summary_names_those_that_break(self):
        rows = slow.make_contracts(
            {"name": "rescue", "customer": "Agency", "territories": ["NR"], "value_per_year": 1e6, "currency": "EUR"}
        )
        found = slow.compare("NR", slow.ALL, slow.DENY, contracts=rows, slots=1)
        assert found.summary[-2] == "contracts, of 1 in force: 1 kept before, 0 after; broken by the change: 1, mended: 0"
        assert found.summary[-1].startswith("broken: rescue (Agency, 1,000,000 EUR a year)")

    def test_without_people_a_territory_has_its_terminals_by_area(self):
        counts = place_contract(slow.make_contracts({"territories": ["HM"], "terminals": 12}).contracts[0], find_territory("HM"))
        assert counts.sum() == 12
        assert counts.max() <= 3


EAST, WEST = "49.6,6.3", "49.6,5.95"
REPORTS = f"""terminal,time,lat_deg,lon_deg,class,owner,speed_kmh
moved-west,2026-08-01T00:00:00Z,{EAST},maritime,Line,0
moved-west,2026-08-02T00:00:00Z,{WEST},maritime,Line,0
late-row,2026-08-02T00:00:00Z,{EAST},consumer,,0
late-row,2026-08-01T00:00:00Z,{WEST},consumer,,0
twice,2026-08-02T00:00:00Z,{EAST},consumer,,0
twice,2026-08-02T00:00:00Z,{WEST},consumer,,0
left,2026-08-01T00:00:00Z,{WEST},consumer,,0
left,2026-08-02T00:00:00Z,48.0,2.0,consumer,,0
registered,2026-08-02T00:00:00Z,{WEST},consumer,Nobody,0
agency-2,2026-08-02T00:00:00Z,{EAST},government,Agency,0
plain,2026-08-02T00:00:00Z,{WEST},,,
"""
REGISTER = """terminal,class,owner
registered,government,Agency
unheard,consumer,Nobody
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    (folder / "reports.csv").write_text(REPORTS, encoding="utf-8")
    (folder / "register.csv").write_text(REGISTER, encoding="utf-8")
    after = slow.make_policy(
        {"name": "offices", "verdict": "limit", "limit": {"down_mbps": 10.0}, "owners": ["Agency"], "within": HALF.rules[0].within},
        {"name": "no-offices", "verdict": "deny", "classes": ["government"]},
        {"name": "east", "verdict": "allow", "within": HALF.rules[0].within},
    )
    files = {"reports": folder / "reports.csv", "registry": folder / "register.csv"}
    return slow.compare("LU", slow.ALL, after, **files), folder


class TestKnownTerminals:
    def test_each_is_counted_once_where_it_was_seen_last(self, known):
        found = known[0].known
        assert (found.total, found.in_territory) == (7, 6)
        assert sum(row.terminals for row in found.by_class) == sum(row.terminals for row in found.by_owner) == 6

    def test_rows_out_of_order_do_not_move_a_terminal(self, known):
        losing = {name for name, _, _ in known[0].known.losing}
        assert "late-row" not in losing
        assert {"moved-west", "twice", "plain"} <= losing
        assert "left" not in losing

    def test_the_register_goes_before_what_reports_state_and_the_rule_is_named(self, known):
        assert set(known[0].known.losing) == {
            ("moved-west", "Line", "default"),
            ("plain", "", "default"),
            ("registered", "Agency", "no-offices"),
            ("twice", "", "default"),
        }

    def test_owners_and_classes_are_counted_before_and_after(self, known):
        owners = {row.name: row for row in known[0].known.by_owner}
        assert (owners["Agency"].terminals, owners["Agency"].served, owners["Agency"].limited) == (2.0, (2.0, 1.0), (0.0, 1.0))
        assert (owners["Agency"].gaining, owners["Agency"].losing) == (0.0, 1.0)
        assert "Nobody" not in owners
        classes = {row.name: row for row in known[0].known.by_class}
        assert {name: row.terminals for name, row in classes.items()} == {"consumer": 3.0, "government": 2.0, "maritime": 1.0}
        assert (classes["consumer"].served, classes["consumer"].losing) == ((3.0, 1.0), 2.0)

    def test_the_document_has_them_and_the_files_hashes(self, known):
        document = known[0].to_dict()
        assert document["terminals"]["known"]["in_territory"] == 6
        assert {"terminal": "registered", "owner": "Agency", "rule": "no-offices"} in document["terminals"]["known"]["losing"]
        assert {"reports.csv", "register.csv"} <= {row["name"] for row in document["inputs"]}

    def test_owners_served_by_name_are_told_of_no_more(self, known):
        assert not any("serves owners by name" in text for text in known[0].warnings)

    def test_without_reports_there_are_none(self, halved):
        assert halved.known is None
        assert halved.to_dict()["terminals"]["known"] is None

    def test_no_policy_is_named_as_the_reason(self, known):
        found = slow.compare("LU", slow.ALL, None, reports=known[1] / "reports.csv", slots=1).known
        assert {rule for _, _, rule in found.losing} == {"none"}
        assert len(found.losing) == 6

    def test_the_latest_report_says_what_a_terminal_is(self, tmp_path):
        path = tmp_path / "r.csv"
        path.write_text(
            f"terminal,time,lat_deg,lon_deg,class\na,2026-08-02T00:00:00Z,{EAST},maritime\na,2026-08-01T00:00:00Z,{EAST},consumer\n",
            encoding="utf-8",
        )
        assert [row.name for row in slow.compare("LU", slow.ALL, slow.ALL, reports=path, slots=1).known.by_class] == ["maritime"]

    def test_how_a_file_is_cut_into_blocks_does_not_matter(self, known, monkeypatch):
        whole, _ = read_known(known[1] / "reports.csv", None, Faults())
        monkeypatch.setattr("overflight.service.reading.BLOCK_BYTES", 70)
        blocks = list(stream_reports(known[1] / "reports.csv", Faults()))
        cut, _ = read_known(known[1] / "reports.csv", None, Faults())
        assert len(blocks) >= 9
        assert cut.terminals == whole.terminals
        for name in ("lat_deg", "lon_deg", "time", "speed_kmh"):
            np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))
        assert [terminal.identifier for terminal in cut.terminals] == sorted(terminal.identifier for terminal in cut.terminals)

    def test_a_file_of_nothing_known_is_no_error(self, tmp_path):
        path = tmp_path / "r.csv"
        path.write_text("terminal,time,lat_deg,lon_deg\n", encoding="utf-8")
        found = slow.compare("NR", slow.ALL, slow.ALL, reports=path, slots=1).known
        assert (found.total, found.in_territory, found.by_class, found.losing) == (0, 0, (), ())


def refuse_constant(text: str):
    raise AssertionError(f"{text} is no JSON")


def numbers_in(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, float):
        yield value


def texts_in(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A comparison with all that can be given by file, each at an absolute path."""
    folder = tmp_path_factory.mktemp("everything")
    return write_and_compare(folder), folder


def write_and_compare(folder, *, threads=1):
    (folder / "reports.csv").write_text(REPORTS, encoding="utf-8")
    (folder / "register.csv").write_text(REGISTER, encoding="utf-8")
    box = {"type": "Polygon", "coordinates": [[[5.9, 49.5], [6.3, 49.5], [6.3, 49.9], [5.9, 49.9], [5.9, 49.5]]]}
    (folder / "box.geojson").write_text(json.dumps({"type": "Feature", "properties": {"name": "Box"}, "geometry": box}), encoding="utf-8")
    scene = slow.make_scene(str(folder / "box.geojson"), incumbents=1.0)
    files = {"reports": folder / "reports.csv", "registry": folder / "register.csv"}
    contracts = slow.make_contracts({"territories": ["MT"]})
    return slow.compare(scene, slow.ALL, slow.east_of(6.1), contracts=contracts, threads=threads, **files)


class TestDocument:
    def test_threads_and_folders_do_not_change_a_byte(self, everything, tmp_path):
        again = write_and_compare(tmp_path, threads=2)
        assert again.to_json() == everything[0].to_json()
        assert again.digest() == everything[0].digest()

    def test_no_path_is_in_it(self, everything):
        found, folder = everything
        texts = list(texts_in(found.to_dict()))
        assert not [text for text in texts if str(folder) in text or text.startswith("/") or "/tmp/" in text]
        assert "box.geojson" in texts

    def test_no_path_of_a_file_of_terminals_is_in_it(self, tmp_path):
        (tmp_path / "t.csv").write_text("lat_deg,lon_deg,terminals\n49.6,6.1,40\n", encoding="utf-8")
        scene = slow.make_scene("LU", capacity={"terminals_file": str(tmp_path / "t.csv")})
        assert str(tmp_path) not in slow.compare(scene, slow.ALL, slow.ALL, slots=1).to_json()

    def test_no_path_is_in_what_is_said_of_bad_rows(self, tmp_path):
        (tmp_path / "r.csv").write_text(f"terminal,time,lat_deg,lon_deg\na,bad,{EAST}\nb,2026-08-01,{EAST}\n", encoding="utf-8")
        (tmp_path / "g.csv").write_text("terminal,class\na,boat\n", encoding="utf-8")
        found = slow.compare("LU", slow.ALL, slow.ALL, reports=tmp_path / "r.csv", registry=tmp_path / "g.csv", slots=1)
        assert str(tmp_path) not in found.to_json()

    def test_it_is_strict_json_with_six_figures(self, everything):
        text = everything[0].to_json()
        document = json.loads(text, parse_constant=refuse_constant)
        numbers = list(numbers_in(document))
        assert len(numbers) > 50
        assert all(value == float(f"{value:.6g}") for value in numbers)
        assert any(value != float(f"{value:.5g}") for value in numbers)
        assert text.endswith("}\n")

    def test_records_of_decisions_take_it(self, everything):
        found = everything[0]
        taken = parse_assessment(found.to_json().encode(), source="a.json")
        assert (taken.before, taken.after) == (slow.ALL.digest(), slow.east_of(6.1).digest())
        assert taken.summary == tuple(map(str, found.summary))
        nothing = slow.compare("NR", None, slow.ALL, slots=1)
        assert parse_assessment(nothing.to_json().encode(), source="a.json").before is None

    def test_its_address_is_that_of_its_bytes(self, everything):
        import hashlib

        found = everything[0]
        assert found.digest() == hashlib.sha256(found.to_json().encode()).hexdigest()

    def test_keys_that_others_read_are_there(self, everything):
        document = everything[0].to_dict()
        assert (document["document"], document["schema"]) == ("overflight-assessment", 1)
        assert document["territory"]["cells"] == len(document["by_cell"]) == document["cells"]["total"]
        assert document["policies"]["diff"]["added"] == ["east"]
        assert document["policies"]["defaults"] == ["allow", "deny"]
        assert document["people"]["total"] == pytest.approx(sum(row["population"] for row in document["by_cell"]), rel=1e-5)

    def test_every_policy_and_file_is_among_the_inputs(self, everything):
        rows = {row["name"]: row["sha256"] for row in everything[0].to_dict()["inputs"]}
        assert {slow.ALL.digest(), slow.east_of(6.1).digest()} <= set(rows.values())
        assert {"reports.csv", "register.csv", "territory XX", "contracts"} <= set(rows)
        assert all(len(sha256) == 64 for sha256 in rows.values())


class TestScenarios:
    """Two scenarios under one policy."""

    def test_what_differs_is_named(self):
        few, many = (slow.make_scene("NR", capacity={"terminals": count}) for count in (100, 50_000))
        found = study_change(Case(few, slow.ALL, "p"), Case(many, slow.ALL, "p"), Question(slots=2), threads=1)
        assert ("capacity.terminals", "100", "50000") in found.settings
        assert (found.lives.gaining, found.lives.losing) == (0.0, 0.0)
        assert found.classes[0].served == pytest.approx((100.0, 50_000.0))
        assert found.classes[0].gaining == pytest.approx(49_900.0)
        assert found.rates.median_mbps[1] < found.rates.median_mbps[0]
        back = study_change(Case(many, slow.ALL, "p"), Case(few, slow.ALL, "p"), Question(slots=2), threads=1)
        for name in found.rates.__dataclass_fields__:
            np.testing.assert_allclose(getattr(back.rates, name), slow.mirror(getattr(found.rates, name)), rtol=ROUNDING)
        assert back.classes[0].losing == pytest.approx(49_900.0)

    def test_of_one_scenario_none_does(self):
        scene = slow.make_scene("NR")
        found = study_change(Case(scene, slow.ALL, "a"), Case(slow.make_scene("NR"), slow.ALL, "b"), Question(slots=1), threads=1)
        assert found.settings == ()
        assert found.scenario_after is None

    def test_two_territories_are_not_compared(self):
        one, two = (Case(slow.make_scene(code), slow.ALL, "p") for code in ("NR", "MT"))
        with pytest.raises(OverflightError, match="compare two of one territory"):
            study_change(one, two, Question(slots=1), threads=1)


class TestReviewed:
    """What a second pair of eyes found wrong."""

    def test_terminals_in_an_own_polygon_are_at_home_in_the_country_beneath(self, tmp_path):
        square = {"type": "Polygon", "coordinates": [[[25.0, 58.5], [26.0, 58.5], [26.0, 59.0], [25.0, 59.0], [25.0, 58.5]]]}
        path = tmp_path / "square.geojson"
        path.write_text(json.dumps(square))
        at_home = slow.make_policy({"verdict": "allow", "within": {"territories": ["EE"]}, "homes": ["EE"]})
        found = slow.compare(slow.make_scene(str(path)), slow.allow_in("EE"), at_home)
        assert found.lives.served[0] == pytest.approx(found.lives.total)
        assert found.lives.losing == 0.0

    def test_verdicts_that_change_with_time_are_compared_instant_by_instant(self):
        limit = slow.make_policy({"verdict": "limit", "limit": {"down_mbps": 5.0}, "local_hours": ["00:00", "11:38"]}, default="allow")
        same = slow.compare("NR", limit, limit, slots=4)
        assert same.lives.limited_anew == same.lives.freed_of_limit == 0.0
        night, day = (slow.make_policy({"verdict": "allow", "local_hours": hours}) for hours in (["00:00", "11:38"], ["11:38", "24:00"]))
        turned = slow.compare("NR", night, day, slots=4)
        assert turned.lives.gaining == turned.lives.losing == pytest.approx(0.5 * turned.lives.total)
        assert turned.classes[0].gaining == turned.classes[0].losing == pytest.approx(0.5 * turned.classes[0].terminals)
        assert not any("serve the same people" in text for text in turned.warnings)

    def test_two_polygons_of_one_name_are_not_one_territory(self, tmp_path):
        scenes = []
        for number, east in enumerate((26.0, 26.01)):
            ring = [[25.0, 58.5], [east, 58.5], [east, 59.0], [25.0, 59.0], [25.0, 58.5]]
            path = tmp_path / f"{number}.geojson"
            path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
            scenes.append(slow.make_scene(str(path)))
        with pytest.raises(OverflightError, match="compare two of one territory"):
            study_change(Case(scenes[0], slow.ALL, "a"), Case(scenes[1], slow.ALL, "b"), Question(slots=1))

    def test_slots_are_spread_over_the_hours_of_a_day_alike(self):
        for count, some in ((5760, 12), (5760, 4), (240, 7), (3, 12), (1, 1)):
            rows = spread_middles(count, some)
            assert len(rows) == min(count, some)
            gaps = np.diff(np.append(rows, rows[0] + count))
            assert gaps.max() - gaps.min() <= 1

    def test_neighbours_switched_off_are_named(self):
        found = slow.compare(slow.make_scene("LU", incumbents=1.0), slow.ALL, slow.deny_in("BE"))
        assert any(line == "elsewhere, most terminals lose service in Belgium" for line in found.summary)

    def test_given_figures_are_not_rounded(self):
        contract = {
            "name": "a",
            "customer": "A",
            "territories": ["NR"],
            "terminals": 1,
            "down_mbps": 1.2345678,
            "value_per_year": 1234567.0,
        }
        document = slow.compare("NR", slow.ALL, slow.ALL, contracts=slow.make_contracts(contract)).to_dict()
        assert document["contracts"][0]["value_per_year"] == 1234567.0
        assert document["contracts"][0]["down_mbps"] == 1.2345678

    def test_others_are_looked_at_where_only_terminals_lose_service(self):
        policy = slow.make_policy({"verdict": "deny", "classes": ["consumer"]}, default="allow")
        found = slow.compare("NR", slow.ALL, policy, terminal_class="government")
        assert found.lives.losing == 0.0
        assert found.classes[0].losing == pytest.approx(found.classes[0].terminals)
        assert found.alternatives
        assert "people are counted by terminals of class government" in found.summary

    def test_few_slots_for_a_high_availability_are_said(self):
        contract = {"name": "sure", "customer": "A", "territories": ["NR"], "terminals": 1, "down_mbps": 1.0, "availability_percent": 99.99}
        found = slow.compare("NR", slow.ALL, slow.ALL, contracts=slow.make_contracts(contract))
        assert any("cannot show the availability of sure" in text for text in found.warnings)

    def test_known_terminals_without_operator_or_class_are_the_fleets_consumers(self, tmp_path):
        reports = tmp_path / "reports.csv"
        reports.write_text("terminal,time,lat,lon\nK,2026-08-20T00:00:00Z,-0.53,166.93\n")
        policy = slow.make_policy({"verdict": "allow", "operators": ["starlink"], "classes": ["consumer"]})
        known = slow.compare("NR", None, policy, reports=reports).known
        assert known is not None
        assert known.by_class[0].gaining == 1.0

    def test_capacity_is_no_more_than_limits_and_lists_leave(self):
        limit = slow.make_policy({"verdict": "limit", "limit": {"down_mbps": 1.0}}, default="allow")
        found = slow.compare("NR", slow.ALL, limit)
        terminals = found.classes[0].terminals
        assert found.rates.capacity_gbps[0] > found.rates.capacity_gbps[1]
        assert found.rates.capacity_gbps[1] <= 1e-3 * terminals * (1.0 + 1e-9)
        assert "people come under a limit" in found.summary[1]
        assert not any("serve the same people" in text for text in found.warnings)
        few = slow.compare("NR", None, slow.make_policy(listing("A", "B")))
        assert 0.0 < few.rates.capacity_gbps[1] <= 1e-3 * 2.0 * 400.0 * (1.0 + 1e-9)
        assert any("where only listed terminals are served: 0 before" in line for line in few.summary)

    def test_contracts_do_not_stand_for_the_people(self):
        rows = slow.make_contracts({"territories": ["NR"], "terminals": 2, "down_mbps": 0.5})
        alone, beside = (slow.compare("NR", slow.DENY, slow.ALL, contracts=contracts) for contracts in (None, rows))
        assert beside.rates.active_terminals[1] == pytest.approx(alone.rates.active_terminals[1])
        assert beside.rates.worst_tenth_mbps[1] > 10.0
        assert beside.contracts[0].after.state == "kept"

    def test_a_contract_that_was_short_and_gets_worse_is_named(self):
        rows = slow.make_contracts(
            {"territories": ["NR"], "terminals": 5, "down_mbps": 399.0, "terminal_class": "consumer", "availability_percent": 99.9}
        )
        limit = slow.make_policy({"verdict": "limit", "limit": {"down_mbps": 100.0}, "classes": ["government"]}, default="allow")
        found = slow.compare("NR", slow.ALL, limit, contracts=rows)
        check = found.contracts[0]
        worse = replace(
            check, before=replace(check.before, state="short", met_share=0.5), after=replace(check.after, state="short", met_share=0.1)
        )
        assert worse.is_worse
        assert not check.is_worse
        assert any("rate reached 50%, then 10%" in line for line in summarise(replace(found, contracts=(worse,))))

    def test_people_of_a_box_that_is_partly_at_sea_live_on_its_land(self, tmp_path):
        path = tmp_path / "box.geojson"
        ring = [[14.1, 35.7], [14.7, 35.7], [14.7, 36.2], [14.1, 36.2], [14.1, 35.7]]
        path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
        found = slow.compare(slow.make_scene(str(path)), None, slow.allow_in("MT"), slots=1)
        assert found.lives.served[1] == pytest.approx(found.lives.total)
