"""Random policies compared: who gains and loses is what a second reading says; swapping the sides swaps what is found; the same changes nothing."""

import math
from datetime import datetime
from itertools import combinations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, Phase, assume, given, note, settings
from hypothesis import strategies as st
from tests import comparison_reference as slow
from tests.properties.test_service_policy import rules

from overflight.clock import parse_time
from overflight.earth.territory import Territory, find_territory
from overflight.service.classes import find_class
from overflight.service.difference import find_difference
from overflight.service.policy import parse_policy
from overflight.study.comparison.contracts import judge_contract
from overflight.study.comparison.people import settle_territory
from overflight.study.comparison.standing import judge_people, make_side

TINY = ("LI", "SM", "AD", "MT", "SG", "BH")
"""Territories of a hundred points at most, which the random policies are about."""

ROUNDING = 1e-9
"""Relative difference of sums that are taken in another order."""

START, SLOTS = "2026-02-01T23:30:00Z", 2
"""Windows of the random policies open or close half way between the slots."""

ONE_OTHER = [{"name": "starlink"}, {"name": "kuiper"}]
"""Of other constellations only one is looked at, of whose ground nothing is known: others are not what this is about."""

AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example that fails is told as it was found: to make it smaller takes minutes."""

FEW = settings(max_examples=7, deadline=None, suppress_health_check=list(HealthCheck), phases=AS_FOUND)
FEWER = settings(FEW, max_examples=5)
SOME = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=AS_FOUND)


@pytest.fixture(scope="session")
def terminals_file(tmp_path_factory):
    """Terminals of three classes in every cell of a territory."""
    folder = tmp_path_factory.mktemp("terminals")

    def write(territory: Territory):
        path = folder / f"{territory.code}.csv"
        rows = [
            f"{cell:x},{name},{number}"
            for row, cell in enumerate(territory.cells.tolist())
            for name, number in (("consumer", 40 + row), ("government", 7), ("maritime", 3 * row))
        ]
        path.write_text("\n".join(["cell,class,terminals", *rows]) + "\n", encoding="utf-8")
        return path

    return write


@st.composite
def local_areas(draw, code: str) -> dict:
    """An area that is likely to take a part of a tiny territory."""
    territory = find_territory(code)
    west, south, east, north = territory.geometry.bounds
    lon, lat = draw(st.floats(west, east)), draw(st.floats(south, north))
    kind = draw(st.sampled_from(("circle", "side", "strip", "cells", "shrink")))
    if kind == "circle":
        return {"circles": [{"lat_deg": lat, "lon_deg": lon, "radius_km": draw(st.floats(2.0, 15.0))}]}
    if kind == "side":
        return {
            "polygons": [[[[lon, south - 1.0], [lon + 1.0, south - 1.0], [lon + 1.0, north + 1.0], [lon, north + 1.0], [lon, south - 1.0]]]]
        }
    if kind == "cells":
        cells = [f"{cell:x}" for cell in territory.cells.tolist()]
        return {"cells": draw(st.lists(st.sampled_from(cells), min_size=1, max_size=3, unique=True))}
    return {"territories": [code], "strip_inside_km" if kind == "strip" else "shrink_km": draw(st.floats(0.5, 5.0))}


@st.composite
def local_rules(draw, code: str, number: int) -> dict:
    rule = {"name": f"here{number}", "reason": "because", "verdict": draw(st.sampled_from(("allow", "deny", "limit")))}
    rule["within"] = draw(local_areas(code))
    if rule["verdict"] == "limit":
        rule["limit"] = {"down_mbps": 1.0}
    if draw(st.booleans()):
        rule |= draw(st.sampled_from(({"starts": "2026-02-02"}, {"ends": "2026-02-02"}, {"local_hours": hours_of(code)})))
    if draw(st.integers(0, 3)) == 0:
        rule |= draw(st.sampled_from(({"classes": ["consumer"]}, {"terminals": ["T1", "T2", "T3"]}, {"owners": ["agency"]})))
    return rule


def hours_of(code: str) -> tuple[str, str]:
    """Hours that begin, in the middle of a territory, when the last slot does: west of it they have not begun."""
    minute = round(29.75 + 4.0 * find_territory(code).geometry.centroid.x) % 1440
    return f"{minute // 60:02d}:{minute % 60:02d}", "18:00"


@st.composite
def changes(draw):
    """A tiny territory, and two policies that are about parts of it first, and about anything then."""
    code = draw(st.sampled_from(TINY))
    return *(draw(whole_policies(code)) for _ in range(2)), code


@st.composite
def whole_policies(draw, code: str):
    first = [draw(local_rules(code, number)) for number in range(draw(st.integers(1, 2)))]
    then = [draw(rules(number)) for number in range(draw(st.integers(0, 2)))]
    return parse_policy({"rules": first + then, "default": {"verdict": draw(st.sampled_from(("deny", "allow"))), "reason": "end"}})


def places_of(territory: Territory) -> list[slow.Point]:
    """Points made anew, and of parts too small for any the one that they were given: the unit tests hold that it lies in them."""
    people, points = PEOPLE(territory.code), slow.points_of(territory)
    lost = set(range(len(territory.cells))) - {point.cell for point in points}
    given_one = [row for row in np.flatnonzero(people.is_own).tolist() if int(people.part[row]) in lost]
    assert len(given_one) == len(lost)
    return points + [
        slow.Point(float(people.lat_deg[row]), float(people.lon_deg[row]), float(people.people[row]), int(people.part[row]), territory.code)
        for row in given_one
    ]


def tell(*sides) -> None:
    """Write the policies of an example that fails."""
    for policy in sides:
        note(policy.to_toml())


def near(got: float, expected: float, slack: float = 0.0) -> None:
    assert abs(got - expected) <= slack + ROUNDING * max(1.0, abs(expected))


@FEW
@given(changes(), st.sampled_from(("consumer", "government")))
def test_who_gains_and_who_loses_is_what_a_second_reading_says(terminals_file, change, terminal_class):
    before, after, code = change
    tell(before, after)
    territory = find_territory(code)
    scene = slow.make_scene(code, start=START, capacity={"terminals_file": str(terminals_file(territory))}, constellations=ONE_OTHER)
    times, points = slow.slot_times(scene, SLOTS), places_of(territory)
    found = slow.compare(scene, before, after, terminal_class=terminal_class)
    back = slow.compare(scene, after, before, terminal_class=terminal_class)
    told = [slow.tell(policy, points, times, terminal_class) for policy in (before, after)]
    unsure = [not (a and b) for a, b in zip(told[0].sure, told[1].sure, strict=True)]
    slack = math.fsum(point.people for point, is_unsure in zip(points, unsure, strict=True) if is_unsure)
    unsure_cells = len({point.cell for point, is_unsure in zip(points, unsure, strict=True) if is_unsure})
    expected = slow.count_people(points, *told, len(territory.cells))
    near(found.lives.total, math.fsum(point.people for point in points))
    for side in range(2):
        for name in ("served", "limited", "listed_only"):
            near(getattr(found.lives, name)[side], getattr(expected, name)[side], slack)
        assert abs(found.cells.whole[side] - expected.cells_whole[side]) <= unsure_cells
        assert abs(found.cells.partly[side] - expected.cells_partly[side]) <= unsure_cells
    near(found.lives.gaining, expected.gaining, slack)
    near(found.lives.losing, expected.losing, slack)
    near(found.lives.gaining - found.lives.losing, found.lives.served[1] - found.lives.served[0])
    assert abs(found.cells.gaining - expected.cells_gaining) <= unsure_cells
    assert abs(found.cells.losing - expected.cells_losing) <= unsure_cells
    check_classes(found, points, (before, after), times, territory)
    check_mirrored(found, back)


def check_classes(found, points, sides, times, territory) -> None:
    """Terminals of each class by the share of their cell's points that is served; lists give service to as many as they name."""
    cells = len(territory.cells)
    given_counts = {
        "consumer": [40 + row for row in range(cells)],
        "government": [7] * cells,
        "maritime": [3 * row for row in range(cells)],
    }
    assert [row.name for row in found.classes] == [name for name in given_counts if sum(given_counts[name])]
    for row in found.classes:
        count = given_counts[row.name]
        near(row.terminals, sum(count))
        near(row.gaining - row.losing, row.served[1] - row.served[0])
        for side, policy in enumerate(sides):
            told = slow.tell(policy, points, times, row.name)
            slack = sum(count[point.cell] for point, sure in zip(points, told.sure, strict=True) if not sure)
            shares = slow.share_cells(points, told.served, cells)
            only = slow.share_cells(points, told.listed_only, cells)
            waiting = found.listed_share[side]
            near(
                row.served[side],
                math.fsum(n * (s + (0.0 if math.isnan(waiting) else waiting) * o) for n, s, o in zip(count, shares, only, strict=True)),
                slack,
            )
            near(row.limited[side], math.fsum(np.array(count) * slow.share_cells(points, told.limited, cells)), slack)


def check_mirrored(found, back) -> None:
    """The other way round, everything is the other way round."""
    near(back.lives.gaining, found.lives.losing)
    near(back.lives.losing, found.lives.gaining)
    assert (back.lives.limited_anew, back.lives.freed_of_limit) == pytest.approx((found.lives.freed_of_limit, found.lives.limited_anew))
    for name in ("served", "limited", "listed_only"):
        assert getattr(back.lives, name) == getattr(found.lives, name)[::-1]
    assert (back.cells.gaining, back.cells.losing) == (found.cells.losing, found.cells.gaining)
    assert (back.cells.whole, back.cells.partly) == (found.cells.whole[::-1], found.cells.partly[::-1])
    for one, two in zip(back.classes, found.classes, strict=True):
        assert (one.gaining, one.losing, one.served, one.limited) == (two.losing, two.gaining, two.served[::-1], two.limited[::-1])
    for name in found.rates.__dataclass_fields__:
        np.testing.assert_allclose(getattr(back.rates, name), slow.mirror(getattr(found.rates, name)), rtol=ROUNDING)
    assert back.edges == found.edges[::-1] or any(math.isnan(edge.beam_along_km) for edge in found.edges)
    assert [edge.bands for edge in back.edges] == [edge.bands for edge in found.edges[::-1]]
    assert back.policies == tuple(
        side.__class__(**{key: getattr(side, key) for key in side.__slots__} | {"named": other.named})
        for side, other in zip(found.policies[::-1], found.policies, strict=True)
    )
    assert (back.diff["added"], back.diff["changed"]) == (found.diff["removed"], tuple(sorted(found.diff["changed"], key=order_in(back))))


def order_in(found):
    """Where a rule stands in a comparison's list of changed ones."""
    return found.diff["changed"].index


@FEWER
@given(changes())
def test_the_same_policy_changes_nothing(change):
    before, _, code = change
    tell(before)
    found = slow.compare(slow.make_scene(code, start=START), before, before)
    lives = found.lives
    assert (lives.gaining, lives.losing, lives.limited_anew) == (
        0.0,
        0.0,
        pytest.approx(0.0) if not lives.limited[0] else lives.limited_anew,
    )
    assert (found.cells.gaining, found.cells.losing) == (0, 0)
    pairs = [lives.served, lives.limited, lives.listed_only, found.cells.whole, found.cells.partly, found.edges]
    pairs += [getattr(row, name) for row in found.classes for name in ("served", "limited")]
    pairs += [value for name in found.rates.__dataclass_fields__ if isinstance(value := getattr(found.rates, name), tuple)]
    pairs += [row.landed_gbps for row in found.gateways] + [found.cell_served, found.cell_mbps]
    for pair in pairs:
        np.testing.assert_array_equal(np.array(pair[0], dtype=object).astype(str), np.array(pair[1], dtype=object).astype(str))
    assert all(not row.gaining and not row.losing for row in found.classes)
    assert not any(found.diff.values())
    assert not found.alternatives


@SOME
@given(changes(), st.sampled_from(("consumer", "enterprise", "aviation")))
def test_verdicts_at_points_are_those_of_a_second_reading(change, terminal_class):
    """Every point of the territory, by the name of the rule, for terminals on no list and on all of them."""
    policy, _, code = change
    tell(policy)
    people, side = PEOPLE(code), make_side("p", policy)
    instant = parse_time(START)
    standing = judge_people(side, people, terminal_class, np.array([instant]), operator="starlink")
    time = datetime.fromisoformat(START).replace(tzinfo=None)
    ready = side.compiled.ready
    open_lists = slow.if_listed(policy)
    for row in np.flatnonzero(people.is_own).tolist():
        point = slow.Point(float(people.lat_deg[row]), float(people.lon_deg[row]), 1.0, 0, code)
        for numbers, asked in ((standing.rule, policy), (standing.rule_if_listed, open_lists)):
            expected = slow.rule_at(asked, point, time, terminal_class)
            assert expected is None or ready.name(int(numbers[0, row])) == expected
            said = slow.verdict_of(policy, ready.name(int(numbers[0, row])))
            assert ("deny", "limit", "allow")[standing.outcomes.verdict[numbers[0, row]]] == said


class PeopleOf:
    """People of tiny territories, each settled once."""

    def __init__(self):
        self.found = {}

    def __call__(self, code):
        if code not in self.found:
            self.found[code] = settle_territory(find_territory(code), around_km=0.0)
        return self.found[code]


PEOPLE = PeopleOf()

contracts = st.fixed_dictionaries(
    {
        "terminal_class": st.sampled_from(("consumer", "government", "maritime")),
        "owner": st.sampled_from(("agency", "other", "")),
        "terminal_ids": st.lists(st.sampled_from(("T1", "T2", "T3", "T9")), min_size=1, max_size=4, unique=True),
        "terminals": st.integers(4, 9),
        "down_mbps": st.sampled_from((0.5, 5.0)),
    }
)


@SOME
@given(changes(), contracts)
def test_a_contracts_permission_is_what_a_second_reading_says(change, raw):
    """Every one of its terminals asked at every point, each by its identifier, weighted by people."""
    policy, _, code = change
    tell(policy)
    territory, people = find_territory(code), PEOPLE(code)
    contract = slow.make_contracts(raw | {"territories": [code]}).contracts[0]
    instants = np.array([parse_time(START)])
    promise = judge_contract(contract, territory, people, [make_side("p", policy)], instants, operator="starlink")
    (permission,) = promise.permissions
    time = datetime.fromisoformat(START).replace(tzinfo=None)
    names = [*contract.terminal_ids, *([""] * (contract.terminals - len(contract.terminal_ids)))]
    whole = served = short = slack = 0.0
    refused = set()
    for row in np.flatnonzero(people.is_own).tolist():
        point = slow.Point(float(people.lat_deg[row]), float(people.lon_deg[row]), float(people.people[row]), 0, code)
        for name in names:
            share = point.people / len(names)
            whole += share
            rule = slow.rule_at(policy, point, time, contract.terminal_class, identifier=name, owner=contract.owned_by)
            if rule is None:
                slack += share
                continue
            verdict = slow.verdict_of(policy, rule)
            served += share * (verdict != "deny")
            # A limit of the random policies is 1 Mbit/s.
            is_short = verdict == "limit" and contract.down_mbps > 1.0
            short += share * is_short
            refused |= {rule} if share > 0.0 and (verdict == "deny" or is_short) else set()
    near(permission.served, served / whole, slack / whole)
    near(permission.short, short / whole, slack / whole)
    assert slack or set(permission.rules) == refused
    assert promise.counts.sum() == contract.terminals
    near(float(promise.sides[0].served.max(initial=0.0)), promise.sides[0].served.max(initial=0.0))
    assert (promise.sides[0].down_mbps <= contract.down_mbps * (1.0 + ROUNDING)).all()


@FEWER
@given(st.floats(5.6, 6.6), st.floats(49.3, 50.2), st.floats(0.05, 0.8), st.floats(0.05, 0.8))
def test_people_of_an_own_polygon_are_kept_and_stand_in_it(west, south, wide, high):
    box = shapely.box(west, south, west + wide, south + high)
    cells = np.array(sorted(h3.geo_to_cells(shapely.geometry.mapping(box), 5)), dtype=np.uint64)
    assume(len(cells))
    lives = np.arange(len(cells), dtype=float) * 1000.0
    territory = Territory("XX", "Box", "Boîte", box, 1.0, cells, lives, south, west)
    people = settle_territory(territory, around_km=10.0)
    own = people.is_own
    assert np.isin(np.unique(people.part[own]), np.arange(len(cells))).all()
    np.testing.assert_allclose(
        np.bincount(people.part[own], weights=people.people[own], minlength=len(cells))[: len(cells)], lives, rtol=ROUNDING
    )
    assert shapely.intersects_xy(shapely.buffer(box, 1e-9), people.lon_deg[own], people.lat_deg[own]).all()
    assert not np.isin(people.cells[~people.own], cells).any()
    np.testing.assert_allclose(np.bincount(people.part, weights=people.weight), 1.0, rtol=ROUNDING)


numbered = st.lists(st.integers(0, 7), max_size=8, unique=True)


@SOME
@given(numbered, numbered, st.sets(st.integers(0, 7)))
def test_the_difference_names_every_rule_that_differs_and_moves_as_few_as_can_be(old, new, edited):
    def write(numbers, reason):
        return parse_policy(
            {
                "default": {"verdict": "deny", "reason": "end"},
                "rules": [{"name": f"r{n}", "verdict": "deny", "reason": reason if n in edited else "same"} for n in numbers],
            }
        )

    found = find_difference(write(old, "before"), write(new, "after"))
    both = [number for number in old if number in new]
    assert found.added == tuple(f"r{n}" for n in new if n not in old)
    assert found.removed == tuple(f"r{n}" for n in old if n not in new)
    assert found.changed == tuple(f"r{n}" for n in both if n in edited)
    assert found.settings == ()
    # Those that have not moved stand in one order in both; no greater number of rules does.
    stayed = [number for number in both if f"r{number}" not in found.moved]
    assert [number for number in new if number in stayed] == stayed
    most = max(
        size
        for size in range(len(both) + 1)
        if any([number for number in new if number in chosen] == list(chosen) for chosen in combinations(both, size))
    )
    assert len(stayed) == most
    assert set(found.moved) <= {f"r{n}" for n in both}


@SOME
@given(st.lists(st.integers(0, 2), min_size=2, max_size=5).flatmap(lambda picks: st.tuples(*(rules(n) for n in range(len(picks))))))
def test_a_policy_does_not_differ_from_itself_but_from_none_in_everything(drawn):
    policy = parse_policy({"rules": list(drawn), "default": {"verdict": "deny", "reason": "end"}})
    assert not any(find_difference(policy, policy))
    told = find_difference(None, policy)
    assert told.added == tuple(rule.name for rule in policy.rules)
    assert "default" in told.settings
    assert find_difference(policy, None).removed == told.added
    assert find_difference(None, None) == ((), (), (), (), ())


def test_classes_named_here_are_classes():
    assert all(find_class(name) for name in ("consumer", "government", "maritime"))
