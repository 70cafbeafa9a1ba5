"""Policies: reading, what is refused and in which words, files, what a rule matches."""

import numpy as np
import pytest

from overflight.errors import InputError
from overflight.service.policy import BUILT_IN, Policy, PolicyError, embed_files, load_policy, parse_policy, policy_schema
from overflight.service.verdicts import Report, Terminal, explain_report, prepare_policy

END = {"default": {"verdict": "deny", "reason": "end"}}
FRANCE = {"territories": ["FR"]}


def rule(**keys):
    return {"name": "r", "verdict": "deny", "reason": "because"} | keys


def refused(*rules, **head) -> str:
    with pytest.raises(PolicyError) as error:
        parse_policy(END | head | {"rules": list(rules)}, source="p.toml")
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (rule(within={"territories": ["Taiwann"]}), "did you mean Taiwan"),
        (rule(within={"territories": []}), "territories is an empty list"),
        (rule(terminals=[]), "terminals is an empty list"),
        (rule(within={}), "an area names nothing"),
        (rule(within={"cells": ["85zz"]}), "'85zz' is no H3 cell"),
        (rule(within={"cells": ["8426a97ffffffff"]}), "of resolution 4; give cells of resolution 5"),
        (rule(starts="2026-03-01", ends="2026-02-01"), "ends (2026-02-01T00:00:00Z) before it begins"),
        (rule(starts="soon"), "not ISO 8601"),
        (rule(local_hours=["22:00", "22:00"]), "begin and end at the same minute"),
        (rule(local_hours=["22:00", "25:00"]), "'25:00' is no time of day"),
        (rule(speed_over_kmh=90, speed_up_to_kmh=75), "no speed is over 90 and up to 75"),
        (rule(within=FRANCE | {"grow_km": 5, "shrink_km": 5}), "exclude one another"),
        (rule(within=FRANCE | {"grow_km": -5}), "greater than 0"),
        (rule(within=FRANCE | {"sea_km": 10, "grow_km": 5}), "sea_km goes with territories, and with no margin"),
        (rule(within={"circles": [{"lat_deg": 1, "lon_deg": 1, "radius_km": 5}], "shrink_km": 1}), "a circle takes no shrink_km"),
        (rule(clases=["consumer"]), "unknown key rule 1, 'clases' (did you mean 'classes'?)"),
        (rule(within=FRANCE | {"grow": 5}), "did you mean 'grow_km'?"),
        (rule(classes=["boat"]), "'consumer', 'enterprise'"),
        (rule(verdict="limit"), "belong together"),
        (rule(limit={"down_mbps": 5}), "belong together"),
        (rule(verdict="limit", limit={}), "limits nothing"),
        (rule(name="default"), "is the name of what decides in the end"),
        (rule(name="a b"), "may have letters, digits"),
        (rule(reason=""), "'reason'"),
        ({"name": "r", "verdict": "deny"}, "'reason' is missing"),
    ],
)
def test_a_bad_rule_is_refused_in_one_line(bad, said):
    assert said in refused(bad)


def test_all_problems_are_told_at_once():
    text = refused(rule(classes=["boat"]), rule(name="s", starts="soon"), rule(name="t"))
    assert "rule 1" in text
    assert "rule 2" in text


def test_two_rules_of_one_name_and_a_missing_default_are_refused():
    assert "two rules are named 'r'" in refused(rule(), rule())
    with pytest.raises(PolicyError, match="'default' is missing"):
        parse_policy({"rules": []})


def test_the_schema_describes_every_keyword():
    schema = policy_schema()
    for definition in (schema, *schema["$defs"].values()):
        assert all(field.get("description") for key, field in definition["properties"].items())


def test_a_file_extends_the_built_in_policy(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('name = "own"\nextends = "public"\n[[rules]]\nname = "x"\nverdict = "allow"\nreason = "r"\n')
    own, public = load_policy(path), load_policy("public")
    assert own.name == "own"
    assert own.rules[1:] == public.rules
    assert own.default == public.default


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "not TOML"),
        ('extends = "me.toml"', "extends itself"),
        ("extends = 3", "must be the path of another policy"),
        ('extends = "nothing.toml"', "no such file"),
        ("rules = 5", "rule"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, text, said):
    path = tmp_path / "me.toml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_policy(path)
    assert said in str(error.value)


def test_files_of_lists_and_areas_are_relative_to_the_policy_and_can_be_embedded(tmp_path):
    (tmp_path / "ids.txt").write_text("# listed\nA1\nB2  # two\n\n")
    (tmp_path / "zone.geojson").write_text('{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}')
    path = tmp_path / "p.toml"
    path.write_text(
        '[default]\nverdict="deny"\nreason="end"\n[[rules]]\nname="z"\nverdict="allow"\nreason="r"\n'
        'terminals_file="ids.txt"\nwithin={geojson=["zone.geojson"]}\n'
    )
    policy = load_policy(path)
    alone = embed_files(policy)
    (tmp_path / "ids.txt").unlink()
    (tmp_path / "zone.geojson").unlink()
    ready = prepare_policy(alone)
    assert alone.rules[0].terminals == ("A1", "B2")
    assert explain_report(ready, Report(0.5, 0.5, terminal=Terminal("B2"))).verdict == "allow"
    assert explain_report(ready, Report(0.5, 1.5, terminal=Terminal("B2"))).verdict == "deny"
    with pytest.raises(InputError, match="rule 'z'"):
        prepare_policy(policy)


def test_an_empty_file_of_identifiers_is_refused(tmp_path):
    (tmp_path / "ids.txt").write_text("# nobody\n")
    policy = parse_policy(END | {"rules": [rule(terminals_file=str(tmp_path / "ids.txt"))]})
    with pytest.raises(PolicyError, match="names nobody"):
        prepare_policy(policy)


def test_a_million_identifiers(tmp_path):
    (tmp_path / "ids.txt").write_text("\n".join(f"T{number:07d}" for number in range(1_000_000)))
    ready = prepare_policy(parse_policy(END | {"rules": [rule(verdict="allow", terminals_file=str(tmp_path / "ids.txt"))]}))
    assert explain_report(ready, Report(0.0, 0.0, terminal=Terminal("T0999999"))).verdict == "allow"
    told = explain_report(ready, Report(0.0, 0.0, terminal=Terminal("T1000000")))
    assert told.before[0].why == "terminal T1000000 is not one of the 1,000,000 listed terminals"


def test_a_crossing_polygon_is_repaired_with_a_warning():
    bow = {"polygons": [[[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]]}
    ready = prepare_policy(parse_policy(END | {"rules": [rule(within=bow)]}))
    assert "self-intersection" in ready.warnings[0]
    assert explain_report(ready, Report(0.5, 0.9)).rule == "r"


def why(conditions, **report) -> str:
    ready = prepare_policy(parse_policy(END | {"rules": [rule(**conditions)]}))
    told = explain_report(ready, Report(48.85, 2.35, **report))
    assert told.rule == "default"
    return told.before[0].why


@pytest.mark.parametrize(
    ("conditions", "report", "said"),
    [
        ({"speed_over_kmh": 75}, {}, "no speed is stated, the rule asks for over 75 km/h"),
        ({"speed_over_kmh": 75}, {"speed_kmh": 75.0}, "speed 75 km/h is not over 75 km/h"),
        ({"speed_up_to_kmh": 75}, {"speed_kmh": 76.0}, "speed 76 km/h is not up to 75 km/h"),
        ({"altitude_over_m": 100}, {"altitude_m": 5.0}, "altitude 5 m is not over 100 m"),
        ({"days_abroad_over": 60}, {"days_abroad": 2.0}, "stay abroad 2 days is not over 60 days"),
        ({"classes": ["government"]}, {"terminal": Terminal(terminal_class="consumer")}, "class consumer is not government"),
        ({"classes": ["government"]}, {}, "no class is stated"),
        ({"homes": ["PL"]}, {"terminal": Terminal(home="DE")}, "home territory DE is not PL"),
        ({"starts": "2026-02-02"}, {"time": np.datetime64("2026-01-01", "us")}, "is before 2026-02-02T00:00:00Z"),
        ({"ends": "2026-02-02"}, {"time": np.datetime64("2026-03-01", "us")}, "is not before 2026-02-02T00:00:00Z"),
        ({"ends": "2026-02-02"}, {}, "no time is stated"),
        ({"local_hours": ["22:00", "06:00"]}, {"time": np.datetime64("2026-03-01T12:00", "us")}, "12:09 in mean solar time"),
        ({"within": {"territories": ["DE"]}}, {}, "not in Germany"),
        ({"not_within": FRANCE}, {}, "lies in France, which the rule leaves out"),
        ({"within": {"circles": [{"lat_deg": 48.85, "lon_deg": 3.35, "radius_km": 10}]}}, {}, "73.4 km from the centre"),
    ],
)
def test_an_explanation_says_why_a_rule_did_not_match(conditions, report, said):
    assert said in why(conditions, **report)


@pytest.mark.parametrize(
    ("place", "at", "verdicts"),
    [
        ("Taipei", (25.03, 121.56), ("deny", "deny")),
        ("Paris", (48.85, 2.35), ("allow", "allow")),
        ("Kyiv", (50.45, 30.52), ("deny", "allow")),
        ("Honolulu harbour", (21.30, -157.87), ("allow", "allow")),
        ("Hong Kong harbour", (22.29, 114.17), ("deny", "deny")),
        ("mid-Atlantic", (0.0, -30.0), ("deny", "deny")),
        ("Sevastopol, beside blacklisted cells", (44.6, 33.5), ("deny", "allow")),
    ],
)
def test_the_built_in_policies(place, at, verdicts):
    told = [explain_report(prepare_policy(load_policy(name)), Report(*at)).verdict for name in BUILT_IN]
    assert tuple(told) == verdicts


def test_a_policy_says_what_it_is():
    policy: Policy = load_policy("public")
    assert repr(policy) == str(policy) == "<Policy public: 308 rules, then deny>"
