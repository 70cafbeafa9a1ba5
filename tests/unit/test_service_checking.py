"""Checks: rules that never match, contradictions, gaps, windows, lists."""

import numpy as np
import pytest

from overflight.service.checking import check_policy
from overflight.service.policy import load_policy, parse_policy
from overflight.service.verdicts import prepare_policy

DE, FR = {"territories": ["DE"]}, {"territories": ["FR"]}


def found(*rules, at=None):
    named = [{"name": f"r{number}", "verdict": "deny", "reason": "because"} | keys for number, keys in enumerate(rules)]
    policy = parse_policy({"rules": named, "default": {"verdict": "deny", "reason": "end"}})
    findings = check_policy(prepare_policy(policy), at=None if at is None else np.datetime64(at, "us"))
    return {(one.kind, one.rule, one.level) for one in findings if one.kind != "not-mentioned"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (({"within": DE}, {"within": FR}), set()),
        (({"within": DE}, {"within": DE, "classes": ["consumer"]}), {("redundant", "r1", "warning")}),
        (({"within": DE}, {"within": DE, "classes": ["consumer"], "verdict": "allow"}), {("contradiction", "r1", "error")}),
        (({"within": DE, "classes": ["consumer"]}, {"within": DE, "verdict": "allow"}), set()),
        (({}, {"within": DE, "verdict": "allow"}), {("contradiction", "r1", "error")}),
        (({"within": DE}, {"within": DE | {"shrink_km": 30}}), {("redundant", "r1", "warning")}),
        (({"within": DE | {"shrink_km": 30}}, {"within": DE}), set()),
        (({"within": DE}, {"within": {"circles": [{"lat_deg": 51, "lon_deg": 10, "radius_km": 20}]}, "verdict": "allow"}),
         {("contradiction", "r1", "error")}),
        (({"within": DE}, {"within": {"circles": [{"lat_deg": 54.5, "lon_deg": 7, "radius_km": 90}]}}), set()),
        (({"within": {"territories": ["DE", "FR"]}}, {"within": FR}), {("redundant", "r1", "warning")}),
        (({"within": DE}, {"within": FR}, {"within": {"territories": ["DE", "FR"]}, "verdict": "allow"}),
         {("contradiction", "r2", "error")}),
        (({"speed_over_kmh": 75}, {"speed_over_kmh": 90, "within": DE, "verdict": "allow"}), {("contradiction", "r1", "error")}),
        (({"speed_over_kmh": 90}, {"speed_over_kmh": 75}), set()),
        (({"starts": "2026-01-01"}, {"starts": "2026-02-01", "ends": "2026-03-01"}), {("redundant", "r1", "warning")}),
        (({"starts": "2026-01-01"}, {"ends": "2026-03-01"}), set()),
        (({"terminals": ["A", "B"]}, {"terminals": ["A"]}), {("redundant", "r1", "warning")}),
        (({"terminals": ["A"]}, {"terminals": ["A", "B"]}), set()),
        (({"not_within": DE}, {"within": {"territories": ["JP"]}}), {("redundant", "r1", "warning")}),
        (({"within": {"territories": ["XA"]}},), {("no-area", "r0", "note")}),
        (({"within": {"territories": ["LU"], "shrink_km": 80}},), {("no-area", "r0", "error")}),
        (({"terminals": ["good-1", "bad one", "…"]},), {("malformed-id", "r0", "error")}),
        (({"within": {"polygons": [[[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]]}},), {("area", "r0", "warning")}),
    ],
)  # fmt: skip
def test_findings(rules, expected):
    assert found(*rules) == expected


def test_windows_are_past_or_to_come():
    rules = ({"ends": "2026-01-01"}, {"starts": "2027-01-01", "within": DE}, {"starts": "2026-01-01", "within": FR})
    assert found(*rules, at="2026-06-01") == {("expired", "r0", "warning"), ("not-yet", "r1", "note")}
    assert not found(*rules)


def test_territories_that_no_rule_mentions_are_named():
    ready = prepare_policy(parse_policy({
        "rules": [{"name": "a", "verdict": "deny", "reason": "x", "not_within": {"territories": ["LU", "AT"]}}],
        "default": {"verdict": "allow", "reason": "end"},
    }))  # fmt: skip
    note = next(one for one in check_policy(ready) if one.kind == "not-mentioned")
    assert "2 territories" in note.text
    assert "AT, LU; the default says allow there" in note.text


def test_the_public_policy_has_no_error():
    findings = check_policy(prepare_policy(load_policy("public")))
    assert {one.level for one in findings} == {"note"}
