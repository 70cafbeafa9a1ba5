"""The worked examples of policies: each reads, has no error, and decides as its page says."""

import re
from pathlib import Path

import numpy as np
import pytest

from overflight.service.checking import check_policy
from overflight.service.policy import Area, Circle, Default, Limit, Policy, Published, Rule, load_policy
from overflight.service.verdicts import Report, Terminal, explain_report, prepare_policy

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
FOLDER = DOCS / "policies"
FEBRUARY, SEPTEMBER = np.datetime64("2026-02-15T12:00", "us"), np.datetime64("2026-09-01T12:00", "us")
KYIV, NARVA_ROAD, TALLINN, KERCH = (50.45, 30.52), (59.36, 28.05), (59.43, 24.74), (45.3, 36.5)

CASES = [
    ("opening-a-territory", (25.03, 121.56), {"time": SEPTEMBER}, "allow", "taiwan-opened"),
    ("opening-a-territory", (25.03, 121.56), {"time": FEBRUARY}, "deny", "TW"),
    ("opening-a-territory", (24.9, 119.9), {"time": SEPTEMBER}, "deny", "default"),
    ("strip-along-a-border", NARVA_ROAD, {"terminal": Terminal(terminal_class="consumer")}, "deny", "strip-closed"),
    ("strip-along-a-border", NARVA_ROAD, {"terminal": Terminal(terminal_class="emergency")}, "allow", "strip-emergency"),
    ("strip-along-a-border", TALLINN, {}, "allow", "EE"),
    ("speed-limit", KYIV, {"speed_kmh": 90.0, "time": FEBRUARY}, "deny", "too-fast"),
    ("speed-limit", KYIV, {"speed_kmh": 75.0, "time": FEBRUARY}, "allow", "UA"),
    (
        "speed-limit",
        KYIV,
        {"speed_kmh": 250.0, "time": FEBRUARY, "terminal": Terminal(terminal_class="emergency")},
        "allow",
        "emergency-aircraft",
    ),
    ("speed-limit", KYIV, {"speed_kmh": 90.0, "time": np.datetime64("2026-01-01", "us")}, "allow", "UA"),
    ("only-listed-terminals", KYIV, {"time": FEBRUARY, "terminal": Terminal("KIT-00000003")}, "allow", "listed"),
    ("only-listed-terminals", KYIV, {"time": FEBRUARY, "terminal": Terminal("X", owner="red-cross")}, "allow", "listed"),
    ("only-listed-terminals", KYIV, {"time": FEBRUARY, "terminal": Terminal("KIT-00000009")}, "deny", "not-listed"),
    ("only-listed-terminals", (52.2, 21.0), {"time": FEBRUARY, "terminal": Terminal("KIT-00000009")}, "allow", "PL"),
    ("roaming-60-days", (52.2, 21.0), {"days_abroad": 61.0, "terminal": Terminal(terminal_class="consumer")}, "deny", "roaming-ended"),
    ("roaming-60-days", (52.2, 21.0), {"days_abroad": 60.0, "terminal": Terminal(terminal_class="consumer")}, "allow", "PL"),
    ("roaming-60-days", (52.2, 21.0), {"days_abroad": 200.0, "terminal": Terminal(terminal_class="maritime")}, "allow", "PL"),
    ("radio-quiet-zone", (50.53, 6.89), {"time": FEBRUARY}, "deny", "quiet-core"),
    ("radio-quiet-zone", (50.7, 6.9), {"time": FEBRUARY}, "limit", "quiet-ring"),
    ("radio-quiet-zone", (50.94, 6.96), {"time": np.datetime64("2026-02-15T23:00", "us")}, "deny", "quiet-nights"),
    ("radio-quiet-zone", (50.94, 6.96), {"time": FEBRUARY}, "allow", "DE"),
    ("government-only", KERCH, {"terminal": Terminal(terminal_class="consumer")}, "deny", "zone-closed"),
    ("government-only", KERCH, {"terminal": Terminal(terminal_class="government")}, "limit", "zone-government"),
    ("government-only", KERCH, {"terminal": Terminal(terminal_class="emergency")}, "allow", "zone-emergency"),
]


@pytest.mark.parametrize(("name", "at", "report", "verdict", "rule"), CASES, ids=[f"{case[0]}-{case[4]}" for case in CASES])
def test_an_example_decides_as_its_page_says(name, at, report, verdict, rule):
    told = explain_report(prepare_policy(load_policy(FOLDER / f"{name}.toml")), Report(*at, **report))
    assert (told.verdict, told.rule) == (verdict, rule)
    assert told.reason


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_an_example_has_no_error(path):
    assert {one.level for one in check_policy(prepare_policy(load_policy(path)), at=FEBRUARY)} <= {"note"}


def test_every_example_is_on_the_page():
    page = (DOCS / "how-to" / "policies.md").read_text(encoding="utf-8")
    for path in FOLDER.glob("*.toml"):
        assert f"(../policies/{path.name})" in page


@pytest.mark.parametrize("model", [Policy, Rule, Area, Circle, Limit, Default, Published], ids=lambda model: model.__name__)
def test_every_keyword_has_its_row(model):
    page = (DOCS / "reference" / "policy.md").read_text(encoding="utf-8")
    words = set(re.findall(r"^\| `([a-z_]+)`", page, re.MULTILINE))
    assert set(model.model_fields) <= words
