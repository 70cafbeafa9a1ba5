"""Lines for the user are plain English strings that a report can say in French, to the last word."""

import ast
import copy
import json
import pickle
import re
import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.unit.report_sample import OUTLINES, make_findings
from tests.unit.test_report_html import check

from overflight.catalog.ground import read_gateways
from overflight.catalog.tables import read_table
from overflight.clock import parse_time
from overflight.earth.cells import cells_of_polygon
from overflight.earth.territory import parse_territory
from overflight.intake import Intake, LeftOut
from overflight.notices import Notice
from overflight.orbit.elements import parse_elements
from overflight.orbit.fleet import age_warnings
from overflight.orbit.frames import orientation_warning
from overflight.report.html import render_report
from overflight.report.text import summary_lines
from overflight.report.words import load_words
from overflight.run import open_run
from overflight.scenario import parse_scenario
from overflight.service._terminals_files import parse_terminals
from overflight.study.findings import Assumption
from overflight.study.territory import find_assumed_landings, study_territory

SOURCE = Path(__file__).resolve().parent.parent.parent / "src" / "overflight"
HARD, THIN = "\u00a0", "\u202f"
WORDS_OF_TABLES = {
    ("source", "constellations", "source"),
    ("source", "latency_access", "source"),
    ("source", "service_status", "source"),
    ("constellation", "constellations", "title"),
    ("scale", "territories", "scale"),
}
"""Table of translations, built-in table and column whose texts they are."""

ENGLISH = re.compile(r"\b(?:the|and|with|from|which|are|is|not|have|for|by|at|its|that|of|to|file|days|cells|satellites are|taken)\b")
FRENCH_TOO = {"--at", "for", "file"}


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def calls_in_source():
    """Key and named values of every ``Notice.of`` in the package; values that are unpacked from a dictionary stand as None."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "of"):
                continue
            if isinstance(node.func.value, ast.Name) and node.func.value.id in {"Notice", "cls"}:
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}: the key of a notice must be written out"
                yield path, node.args[0].value, {keyword.arg for keyword in node.keywords}


class TestNotice:
    def test_it_is_a_string(self) -> None:
        notice = Notice.of("warning.cells", "{cells:,} cells in {files} ({others:; })", cells=2475, files=("a", "b"), others=("c", "d"))
        assert notice == "2,475 cells in a, b (c; d)"
        assert json.dumps([notice]) == '["2,475 cells in a, b (c; d)"]'
        assert list(dict.fromkeys([notice, str(notice)])) == [str(notice)]
        assert type(str(notice)) is str

    def test_times_are_written_in_iso(self) -> None:
        assert Notice.of("warning.at", "at {when}", when=parse_time("2026-08-22T00:06:12Z")) == "at 2026-08-22T00:06:12Z"

    @pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
    def test_copies_can_still_be_translated(self, again) -> None:
        notice = again(Notice.about("Starlink", Notice.of("warning.not_closed", "…")))
        assert (
            load_words("fr").say(notice) == f"Starlink{HARD}: l’anneau n’est pas fermé{THIN}; sa dernière position est reliée à la première"
        )


class TestFrench:
    def test_every_notice_of_the_package_is_in_french_and_nothing_else_is(self) -> None:
        words = load_words("fr")
        keys = {key for _, key, _ in calls_in_source()}
        missing = {key for key in keys if key not in words.notices and key not in words.texts}
        assert not missing
        tables = {table for table, _ in (key.split(".", 1) for key in keys)}
        by_name = {f"source.{name}" for table, column in (("constellations", "source"),) for name in read_table(table)[column]}
        stale = {key for key in words.notices if key.split(".")[0] in tables - {"source"} and key not in keys}
        assert not stale
        assert by_name <= set(words.notices)

    def test_french_asks_for_no_value_that_is_not_there(self) -> None:
        notices = load_words("fr").notices
        for path, key, values in calls_in_source():
            if key in notices and None not in values:
                assert placeholders(notices[key]) <= values, (path, key)

    @pytest.mark.parametrize(("prefix", "table", "column"), sorted(WORDS_OF_TABLES))
    def test_texts_of_built_in_tables_are_in_french_with_the_same_numbers(self, prefix, table, column) -> None:
        notices = load_words("fr").notices
        for text in set(read_table(table)[column]) - {""}:
            french = notices[f"{prefix}.{text}"]
            digits = re.sub(r"\d{4}-\d{2}-\d{2}", lambda date: str(int(date[0][:4])), text)
            assert set(re.findall(r"\d{3,}", digits)) <= set(re.findall(r"\d{3,}", french)), text

    def test_numbers_dates_and_shares_are_written_the_french_way(self) -> None:
        words = load_words("fr")
        share = Notice.of("warning.assumed_gateways", "{title} {share:.0%} {names}", title="X", share=0.966, names=("A", "B"))
        assert f"97{HARD}% du trafic" in words.say(share)
        (old,) = age_warnings(_fleet(), parse_time("2026-09-30T00:00:00Z"))
        assert f"antérieurs de 39 jours au 30{HARD}septembre{HARD}2026, 00:00{HARD}UTC" in words.say(old)
        assert f"12{THIN}345 hab." == words.say(Notice.of("value.people", "{people:,.0f} people", people=12345.4))
        assert words.say(Notice.of("value.degrees", "{angle:g}°", angle=-25.5)) == "−25,5°"

    def test_what_nobody_translated_stands_as_it_is(self) -> None:
        words = load_words("fr")
        assert words.say("plain {words}") == "plain {words}"
        assert words.say(Notice.of("warning.of_a_plugin", "{n} things", n=3)) == "3 things"
        page = render_report(replace(make_findings("NR", slots=1), warnings=("Plain & English.",)), lang="fr")
        assert '<span lang="en">Plain &amp; English.</span>' in page

    def test_a_report_says_every_kind_of_warning_in_french(self) -> None:
        findings = replace(make_findings("NR", slots=1), warnings=tuple(every_warning()), assumptions=())
        page = render_report(findings, lang="fr")
        text = " ".join(check(page).text)
        for warning in findings.warnings:
            assert isinstance(warning, Notice), warning
            assert warning not in text
            assert load_words("fr").say(warning) in text
        said = [load_words("fr").say(warning) for warning in findings.warnings]
        assert [(one, ENGLISH.findall(one)) for one in said if ENGLISH.findall(one)] == []
        assert 'lang="en"' not in page.split("<body>")[1]
        english = render_report(findings, lang="en")
        assert all(warning in " ".join(check(english).text) for warning in findings.warnings)


def test_reports_of_a_real_run_are_wholly_french(tmp_path) -> None:
    scenario = parse_scenario(
        {
            "territory": "Kenya",
            "time": {"hours": 0.01},
            "sampling": {"max_cells": 4, "sensitivity": False},
            "network": {"topology": "none"},
        },
        source="test",
    )
    findings, folder = study_territory(scenario, tmp_path / "run")
    assert open_run(folder)
    page = render_report(findings, lang="fr")
    assert 'lang="en"' not in page.split("<body>")[1]
    visible = re.sub(r"<pre.*?</pre>|<code>.*?</code>|<svg.*?</svg>|«.*?»", "", page.split("<body>")[1], flags=re.DOTALL)
    text = re.sub(r"https?://\S+|docs/\S+", "", " ".join(check(visible.removesuffix("</html>\n").removesuffix("</body>\n")).text))
    assert [word for word in ENGLISH.findall(text) if word not in FRENCH_TOO] == []
    assert all(
        isinstance(row, Assumption) and load_words("fr").say(row.value) in page.replace("&#x27;", "'") for row in findings.assumptions
    )
    assert "Starlink en vol au" in summary_lines(findings, "fr")[0]


def test_traffic_at_assumed_gateways_is_warned_of_and_marked() -> None:
    findings = make_findings("TR", slots=1)
    site = findings.fleets[0].gateways[0]
    halves = (replace(site, share=0.95), replace(site, name="Ankara", share=0.05, status="assumed"))
    assert find_assumed_landings([replace(findings.fleets[0], gateways=halves)]) == []
    halves = (replace(site, share=0.6), replace(site, name="Ankara", share=0.4, status="assumed"))
    fleet = replace(findings.fleets[0], gateways=halves)
    (warning,) = find_assumed_landings([fleet])
    assert warning.startswith("Starlink: 40% of the traffic comes to ground at gateways that no list has")
    assert warning.endswith("Ankara")
    for lang, mark in (("en", "Ankara (assumed)"), ("fr", "Ankara (site supposé)")):
        page = render_report(replace(findings, fleets=(fleet,)), lang=lang)
        assert mark in " ".join(check(re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)).text)
        assert "Muallim (" not in page
        assert any(mark in line for line in summary_lines(replace(findings, fleets=(fleet,)), lang))
    told = replace(findings, fleets=(fleet,)).to_dict()["gateways"]
    assert [site["status"] for site in told] == ["reported", "assumed"]


def every_warning():
    """Warnings as the readers of files, fleets and territories make them."""
    yield from age_warnings(_fleet(), parse_time("2026-08-25T00:00:00Z"))
    yield from age_warnings(_fleet(), parse_time("2026-08-19T00:00:00Z"))
    yield from age_warnings(_fleet(), parse_time("2026-07-01T00:00:00Z"))
    yield orientation_warning(np.array(["1950-01-01"], dtype="datetime64[us]"))
    for first, second in ((LINE_1[:30], LINE_2), (LINE_1 + "4", LINE_2), ("", LINE_2), ("Name", ""), (LINE_1, "Name"), (LINE_1, LINE_2)):
        _, intake = parse_elements(f"{first}\n{second}\n{LINE_1}\n{LINE_2}\n1 44714U".encode(), source="fleet.tle")
        yield from intake.notices("element sets")
    _, intake = read_gateways(b"name,lat,lon,state\nA,10,20,odd\nB,95,1,\nC,x,1,\nD,,1,\nE,0,0,\nF,1\nA,10,20,\n", source="g.csv")
    yield from intake.notices("gateways")
    for feature in (
        {"type": "Polygon", "coordinates": [[[22, 49], [24, 51], [24, 49], [22, 51]]]},
        {"type": "Polygon", "coordinates": [[[-40, 30], [-39, 30], [-39, 31], [-40, 31], [-40, 30]]]},
        {"type": "Polygon", "coordinates": [[[-100, 0], [150, 0], [150, 5], [-100, 5], [-100, 0]]]},
    ):
        point = {"type": "Point", "coordinates": [0, 0]}
        data = {"type": "GeometryCollection", "geometries": [feature, point], "crs": {"properties": {"name": "EPSG:3857"}}}
        yield from parse_territory(json.dumps(data).encode(), source="own.json").warnings
    cells = cells_of_polygon(OUTLINES["NR"])
    here = f"{int(cells[0]):x}"
    lines = (
        f"{here},,,5,",
        f"{here},,,5,",
        "zz,,,1,",
        "85283473fffffff,,,1,",
        "84283473fffffff,,,1,",
        ",95,1,1,",
        ",1,1,2.5,",
        ",1,1,1,odd",
        "1",
    )
    rows = "\n".join(("cell,lat,lon,terminals,class", *lines)).encode()
    _, intake = parse_terminals(rows, source="t.csv", cell_ids=cells, territory_name="Nauru", strict=False)
    yield from intake.notices("rows of terminals")
    yield from (Notice.about("t.csv", item.reason) for item in intake.left_out)
    left_out = LeftOut("x.tle", None, "A", Notice.of("left_out.lone_line_2", "line 2 without line 1"))
    yield from Intake("x.tle", "", 1, 0, (left_out,)).notices("element sets")


LINE_1 = "1 44714U 19074B   26234.00000000  .00001000  00000+0  10000-3 0  999"
LINE_2 = "2 44714  53.0500 100.0000 0001000  90.0000 270.0000 15.06000000    1"


def _fleet():
    elements, _ = parse_elements(f"{LINE_1}\n{LINE_2}\n".encode(), source="t")
    return elements
