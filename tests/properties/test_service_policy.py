"""Random policies: the compiled verdicts are those of exact geometry, and both are those of a second reading of the rules."""

from datetime import datetime

import h3.api.basic_str as h3
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import policy_reference as reference

from overflight.service.areas import territory_shape
from overflight.service.compiled import compile_policy
from overflight.service.policy import CLASSES, DEFAULT, Policy, load_policy, parse_policy
from overflight.service.verdicts import Report as OneReport
from overflight.service.verdicts import Reports, Terminal, decide_exactly, explain_report, prepare_policy

SMALL = ("LU", "MT", "SG", "LI", "AD", "BH", "SM", "RW", "SI", "FJ")
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

names = st.sampled_from(("T1", "T2", "T3", "T4"))
margins = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"grow_km": st.floats(0.5, 60.0)}),
    st.fixed_dictionaries({"shrink_km": st.floats(0.5, 15.0)}),
    st.fixed_dictionaries({"strip_inside_km": st.floats(0.5, 15.0)}),
    st.fixed_dictionaries({"strip_outside_km": st.floats(0.5, 30.0)}),
    st.fixed_dictionaries({"strip_inside_km": st.floats(0.5, 15.0), "strip_outside_km": st.floats(0.5, 15.0)}),
)


@st.composite
def areas(draw):
    kind = draw(st.sampled_from(("territories", "territories", "circles", "cells", "polygons")))
    code = draw(st.sampled_from(SMALL))
    lat, lon = middle_of(code)
    if kind == "territories":
        codes = draw(st.lists(st.sampled_from(SMALL), min_size=1, max_size=3, unique=True))
        return {"territories": codes} | draw(margins)
    if kind == "circles":
        return {"circles": [{"lat_deg": lat, "lon_deg": lon, "radius_km": draw(st.floats(1.0, 80.0))}]}
    if kind == "cells":
        return {"cells": sorted(h3.grid_disk(h3.latlng_to_cell(lat, lon, 5), draw(st.integers(0, 3))))}
    corners = draw(st.lists(st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)), min_size=3, max_size=7))
    turned = sorted(corners, key=lambda at: np.arctan2(at[1], at[0]))
    ring = [(lon + 0.3 + x * 0.7, lat + y * 0.7) for x, y in turned if abs(x) + abs(y) > 0.05]
    if len({round(float(np.arctan2(y, x)), 3) for x, y in turned}) < len(turned) or len(ring) < 3:
        ring = [(lon - 0.5, lat - 0.5), (lon + 0.5, lat - 0.5), (lon, lat + 0.5)]
    if not is_simple(ring):
        ring = [(lon - 0.5, lat - 0.5), (lon + 0.5, lat - 0.5), (lon, lat + 0.5)]
    return {"polygons": [[[*ring, ring[0]]]]} | draw(margins)


def is_simple(ring):
    import shapely

    polygon = shapely.Polygon(ring)
    return polygon.is_valid and polygon.area > 1e-4 and max(abs(x) for x, _ in ring) < 180.0


def middle_of(code):
    import shapely

    point = shapely.point_on_surface(territory_shape(code).geometry)
    return float(point.y), float(point.x)


@st.composite
def rules(draw, number):
    rule = {"name": f"r{number}", "reason": "because", "verdict": draw(st.sampled_from(("allow", "deny", "limit")))}
    if rule["verdict"] == "limit":
        rule["limit"] = {"down_mbps": 1.0}
    for key in ("within", "also_within", "not_within"):
        if draw(st.integers(0, 9)) < (8 if key == "within" else 2):
            rule[key] = draw(areas())
    if draw(st.integers(0, 3)) == 0:
        rule["classes"] = draw(st.lists(st.sampled_from(CLASSES), min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 3)) == 0:
        rule["terminals"] = draw(st.lists(names, min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 5)) == 0:
        rule["owners"] = ["agency"]
    if draw(st.integers(0, 5)) == 0:
        rule["homes"] = [draw(st.sampled_from(SMALL))]
    if draw(st.integers(0, 3)) == 0:
        rule[draw(st.sampled_from(("speed_over_kmh", "speed_up_to_kmh")))] = 75.0
    if draw(st.integers(0, 5)) == 0:
        rule[draw(st.sampled_from(("altitude_over_m", "altitude_up_to_m")))] = 500.0
    if draw(st.integers(0, 5)) == 0:
        rule["days_abroad_over"] = 60.0
    if draw(st.integers(0, 3)) == 0:
        rule |= draw(st.sampled_from(({"starts": "2026-02-02"}, {"ends": "2026-02-02"}, {"starts": "2026-01-01", "ends": "2026-03-01"})))
    if draw(st.integers(0, 3)) == 0:
        rule["local_hours"] = draw(st.sampled_from((("22:00", "06:00"), ("08:00", "24:00"), ("00:30", "13:15"))))
    return rule


policies = (
    st.integers(1, 7)
    .flatmap(lambda count: st.tuples(*(rules(number) for number in range(count))))
    .map(lambda drawn: parse_policy({"rules": list(drawn), "default": {"verdict": "deny", "reason": "end"}}))
)


def put_on_margins(ready, rng, lat, lon) -> None:
    """Move every fourth point to where a margin of the policy has its edge, give or take 200 m."""
    atoms = [atom for rule in ready.rules for _, group in rule.groups for atom in group if atom.margin_kind]
    for row in range(1, len(lat), 4) if atoms else ():
        atom = atoms[rng.integers(len(atoms))]
        reach = rng.choice([abs(km) for km in (atom.low_km, atom.high_km) if np.isfinite(km) and km])
        ax, ay, bx, by = atom.shape.edges()[rng.integers(len(atom.shape.edges()))] if atom.shape.geometry is not None else (
            atom.shape.key[2], atom.shape.key[1], atom.shape.key[2] + 1e-9, atom.shape.key[1] + rng.normal(0.0, 1e-9),
        )  # fmt: skip
        narrow = np.cos(np.radians(ay))
        east, north = (by - ay), -(bx - ax) * narrow
        size = rng.choice([-1.0, 1.0]) * (reach + rng.normal(0.0, 0.1)) / 111.2 / max(np.hypot(east, north), 1e-15)
        lat[row], lon[row] = (ay + by) / 2.0 + north * size, (ax + bx) / 2.0 + east * size / narrow


def draw_reports(ready, seed: int, count: int) -> tuple[Reports, list[dict]]:
    """Reports around the small territories, some on corners and edges of borders, with and without what else may be stated."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(SMALL, count)
    lat, lon = (np.array(column) for column in zip(*(middle_of(code) for code in codes), strict=True))
    lat, lon = lat + rng.normal(0.0, 0.4, count), lon + rng.normal(0.0, 0.4, count)
    for row in range(0, count, 4):
        edges = territory_shape(codes[row]).edges()
        ax, ay, bx, by = edges[rng.integers(len(edges))]
        share = rng.choice([0.0, 1.0, 0.5, 0.25, rng.uniform()])
        lon[row], lat[row] = ax + share * (bx - ax), ay + share * (by - ay)
        if rng.integers(2):
            lat[row] += rng.choice([-1e-13, 1e-13, 1e-9, -1e-6])
    put_on_margins(ready, rng, lat, lon)
    lon = np.where(lon > 180.0, lon - 360.0, np.where(lon < -180.0, lon + 360.0, lon))
    terminals = tuple(
        Terminal(identifier, klass, owner, home, "starlink")
        for identifier in ("T1", "T2", "T9", "")
        for klass in (*CLASSES, "")
        for owner, home in (("agency", "LU"), ("", "MT"), ("other", ""))
    )
    time = np.datetime64("2026-01-15", "us") + rng.integers(0, 60 * 86_400, count).astype("timedelta64[s]")
    time[rng.random(count) < 0.2] = np.datetime64("NaT", "us")

    def some(values):
        return np.where(rng.random(count) < 0.3, np.nan, values)

    table = Reports(
        lat, lon, time, some(rng.choice([0.0, 74.0, 75.0, 75.1, 300.0], count)), some(rng.choice([0.0, 500.0, 9000.0], count)),
        some(rng.choice([0.0, 60.0, 61.0], count)), rng.integers(len(terminals), size=count).astype(np.int32), terminals,
    )  # fmt: skip
    return table, [as_dict(table, row) for row in range(count)]


def as_dict(table: Reports, row: int) -> dict:
    terminal = table.terminals[table.terminal[row]]
    stated = {
        "speed_kmh": table.speed_kmh[row], "altitude_m": table.altitude_m[row], "days_abroad": table.days_abroad[row],
    }  # fmt: skip
    return {
        "lat_deg": float(table.lat_deg[row]),
        "lon_deg": float(table.lon_deg[row]),
        "time": None if np.isnat(table.time[row]) else table.time[row].astype(datetime),
        "identifier": terminal.identifier,
        "terminal_class": terminal.terminal_class,
        "owner": terminal.owner,
        "home": terminal.home,
        "operator": terminal.operator,
    } | {key: None if np.isnan(value) else float(value) for key, value in stated.items()}


@FEW
@given(policies, st.integers(0, 10_000))
def test_compiled_verdicts_are_those_of_exact_geometry(policy: Policy, seed: int):
    ready = prepare_policy(policy)
    reports, _ = draw_reports(ready, seed, 600)
    exact = decide_exactly(ready, reports)
    assert np.array_equal(compile_policy(ready).decide(reports), exact)


@FEW
@given(policies, st.integers(0, 10_000))
def test_exact_verdicts_are_those_of_a_second_reading(policy: Policy, seed: int):
    ready = prepare_policy(policy)
    reports, one_by_one = draw_reports(ready, seed, 60)
    exact = decide_exactly(ready, reports)
    for row, report in enumerate(one_by_one):
        try:
            expected = reference.decide(policy, report)
        except reference.TooNearError:
            continue
        assert ready.name(exact[row]) == expected, (row, report)


@FEW
@given(policies, st.integers(0, 10_000))
def test_an_explanation_names_the_rule_that_decides_and_all_before_it(policy: Policy, seed: int):
    ready = prepare_policy(policy)
    reports, _ = draw_reports(ready, seed, 3)
    names_of = [*(rule.name for rule in policy.rules), DEFAULT]
    for row, number in enumerate(decide_exactly(ready, reports).tolist()):
        columns = (reports.lat_deg, reports.lon_deg, reports.time, reports.speed_kmh, reports.altitude_m, reports.days_abroad)
        told = explain_report(ready, OneReport(*(column[row] for column in columns), reports.terminals[reports.terminal[row]]))
        assert told.rule == names_of[number]
        assert [miss.rule for miss in told.before] == names_of[:number]
        assert all(miss.why for miss in told.before)


@FEW
@given(policies)
def test_a_policy_comes_back_from_toml(policy: Policy):
    import tomllib

    back = parse_policy(tomllib.loads(policy.to_toml()))
    assert back == policy
    assert back.digest() == policy.digest()


@pytest.fixture(scope="module")
def public():
    return compile_policy(prepare_policy(load_policy("public")))


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10_000))
def test_the_public_policy_over_the_world(public, seed: int):
    rng = np.random.default_rng(seed)
    count = 400
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, count))), rng.uniform(-180.0, 180.0, count)
    codes = [rule.rule.name for rule in public.ready.rules if len(rule.rule.name) == 2 and rule.within]
    for row in range(0, count, 2):  # beside, on and off coasts and borders
        edges = territory_shape(rng.choice(codes)).edges()
        ax, ay, bx, by = edges[rng.integers(len(edges))]
        lon[row], lat[row] = ax + (bx - ax) * 0.5, ay + (by - ay) * 0.5
        if rng.integers(3):
            lat[row], lon[row] = lat[row] + rng.normal(0.0, 0.15), lon[row] + rng.normal(0.0, 0.15)
    lat = np.clip(lat, -90.0, 90.0)
    lon = np.where(lon > 180.0, lon - 360.0, np.where(lon < -180.0, lon + 360.0, lon))
    lat[0], lon[0], lat[1], lon[1], lat[2], lon[2] = 90.0, 0.0, -90.0, 180.0, 65.0, -180.0
    nan = np.full(count, np.nan)
    reports = Reports(
        lat, lon, np.full(count, "NaT", dtype="datetime64[us]"), nan, nan, nan, np.zeros(count, dtype=np.int32), (Terminal(),)
    )
    assert np.array_equal(public.decide(reports), decide_exactly(public.ready, reports))
