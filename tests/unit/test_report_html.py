"""The page: complete, well-formed, self-contained, the same every time, and sensible about odd findings."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.unit.report_capacity_sample import make_capacity, with_capacity
from tests.unit.report_sample import make_findings, odd_findings

from overflight.catalog.availability import VERDICTS
from overflight.errors import InputError, RunError
from overflight.report import answers
from overflight.report.html import render_report, report_sections, write_report
from overflight.report.text import summary_lines
from overflight.report.words import LANGUAGES, load_words

MOST_BYTES = 1_500_000
VOID = {"meta", "link", "br", "img", "hr", "input"}
ODD = odd_findings()
NO_WORDS = re.compile(r"\bnan\b|\bNone\b(?! of| left|\.)|\binf\b|\{\w*\}")
"""What a value that nobody caught would leave in a text; “None of the traffic” is English."""


class Checker(HTMLParser):
    """Collects what a page is made of and whether its tags balance."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.problems, self.ids, self.attributes, self.tags, self.text = [], [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self._note(tag, attrs)

    def handle_startendtag(self, tag, attrs):
        self._note(tag, attrs)

    def _note(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> while open: {self.open[-3:]}")
        else:
            self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "title"}:
            self.text.append(data)


def check(page):
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.problems == []
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    return checker


def text_of(page):
    return re.sub(r"[ \n]+", " ", " ".join(check(page).text))


@pytest.fixture(scope="module")
def taiwan():
    return make_findings("TW", slots=480, fleets=3)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_is_well_formed_and_self_contained(taiwan, lang):
    page = render_report(taiwan, lang=lang)
    checker = check(page)
    assert f'<html lang="{lang}">' in page
    assert "script" not in checker.tags
    assert "link" not in checker.tags
    for tag, name, value in checker.attributes:
        if name in {"src", "href", "xlink:href", "srcset", "action", "poster"}:
            assert value.startswith(("#", "data:")), (tag, name, value)
    assert not re.search(r"url\((?!#)|@import", page)
    for target in re.findall(r'href="#([^"]+)"', page) + re.findall(r"url\(#([^)]+)\)", page):
        assert target in checker.ids, target


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_has_every_section_and_figure(taiwan, lang):
    page = render_report(with_capacity(taiwan, make_capacity(taiwan)), lang=lang)
    for section in report_sections():
        assert f'<section id="{section.key}"' in page
    labels = re.findall(r'<svg class="plot" role="img" aria-label="([^"]+)"', page)
    assert len(labels) == page.count("<figure") == 10
    assert all(len(label) > 20 for label in labels)


def test_page_names_its_figures_in_the_right_language(taiwan):
    english, french = text_of(render_report(taiwan)), text_of(render_report(taiwan, lang="fr"))
    assert "Satellite Internet over Taiwan" in english
    assert "Internet par satellite\u00a0: Taïwan" in french
    assert "Japan (58%)" in english
    assert "Japon (58\u00a0%)" in french
    assert f"{taiwan.fleets[0].latency.p50_ms:.1f}\u00a0ms" in english
    assert f"{taiwan.fleets[0].latency.p50_ms:.1f}".replace(".", ",") in french
    assert "10\u202f746" in french


def test_possible_is_not_offered(taiwan):
    page = text_of(render_report(taiwan))
    assert "not what is offered" in page
    assert "Not offered" in page


def test_bytes_depend_on_nothing_but_the_findings(taiwan):
    first = render_report(taiwan, lang="fr")
    assert render_report(make_findings("TW", slots=480, fleets=3), lang="fr") == first


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", ODD)
def test_odd_findings_read_sensibly(case, lang):
    page = render_report(ODD[case], lang=lang)
    text = text_of(page)
    assert not NO_WORDS.search(text.replace("{braces}", "").replace("{x}", ""))
    lines = summary_lines(ODD[case], lang)
    assert lines
    assert not NO_WORDS.search(" ".join(lines).replace("{braces}", ""))


def test_nothing_in_view_says_so():
    page = text_of(render_report(ODD["nothing in view"]))
    assert "No satellite of this constellation rises above 25° here in the time simulated" in page
    assert "Where nothing is served there is no latency" in page
    assert "No gateway was reached" in page


def test_figures_of_unknown_gateways_claim_no_service():
    base = ODD["in view, no gateway"]
    unknown = replace(base, fleets=(replace(base.fleets[0], ground_known=False),), policy=replace(base.policy, date=""))
    text = " ".join(check(render_report(unknown, lang="fr")).text)
    assert "passerelles inconnues" in text
    assert "peuvent être desservis" not in text
    assert "rien n’est desservi" not in text
    assert "opérateur, " not in text.split("Vocabulaire")[0].split("Inconnu")[0]


def test_satellites_without_a_way_say_so():
    assert "On average 6.2 satellites are in view, but none may serve" in text_of(render_report(ODD["in view, no gateway"]))


def test_partial_coverage_is_not_rounded_away():
    page = text_of(render_report(ODD["served in part"]))
    assert "For 64% of cells and moments." in page
    assert "3\u00a0h\u00a05\u00a0min" in page
    assert "Never served (dotted)" in page
    assert "Every way uses laser links" in page


def test_what_comes_from_outside_is_escaped():
    for lang in LANGUAGES:
        page = render_report(ODD["hostile text"], lang=lang)
        checker = check(page)
        assert not {"script", "i", "b", "img"} & set(checker.tags)
        assert "<b>bold</b> & 東京 {braces} **stars** $x^2$" in " ".join(checker.text)
        assert not [name for _, name, _ in checker.attributes if name.startswith("on")]


@pytest.mark.parametrize("key", VERDICTS)
def test_every_verdict_has_words(key):
    for lang in LANGUAGES:
        words = load_words(lang)
        assert all(f"{table}.{key}" in words.texts for table in ("policy_word", "policy_answer", "policy_meaning"))


@pytest.mark.parametrize("code", ["FJ", "AQ"])
def test_antimeridian_and_pole_are_drawn_whole(code):
    """No line of the map of cells runs across the page, as one drawn over the cut of the plane would."""
    findings = make_findings(code, slots=8)
    page = render_report(findings)
    figure = page[page.index('<figure id="fig1">') : page.index("</figure>")]
    cells = re.findall(r'<path d="([^"]+)"[^>]*style="fill: #(?!ebe8e1|ffffff|f7f9fa)[0-9a-f]{6}', figure)
    assert cells
    for path in cells:
        for ring in path.split("M ")[1:]:
            corners = np.array([float(number) for number in re.findall(r"-?\d+\.?\d*", ring)]).reshape(-1, 2)
            if len(corners) in {6, 7}:
                assert np.ptp(corners[:, 0]) < 80.0


def test_map_of_half_the_globe_stays_small():
    """Antarctica's traffic may land on four continents: coastlines of all of them must not fill the page."""
    findings = make_findings("AQ", slots=8)
    fleet = findings.fleets[0]
    far = tuple(replace(fleet.gateways[0], name=f"Far {lon}", lat_deg=25.0, lon_deg=float(lon), share=0.05) for lon in range(-150, 180, 60))
    page = render_report(replace(findings, fleets=(replace(fleet, gateways=fleet.gateways + far),)))
    check(page)
    assert len(page.encode()) < 0.5 * MOST_BYTES


def test_many_cells_stay_small():
    findings = make_findings("TR", slots=5760)
    assert len(findings.cell_ids) > 2_900
    page = render_report(findings)
    assert len(page.encode()) < MOST_BYTES


def test_more_cells_than_vectors_become_an_image(monkeypatch):
    from overflight.report import cellmaps

    monkeypatch.setattr(cellmaps, "MAX_VECTOR_CELLS", 100)
    findings = make_findings("TW", slots=8)
    page = render_report(findings)
    check(page)
    assert "data:image/png;base64" in page
    assert render_report(findings) == page


def test_sampled_territory_says_so_and_fills_its_land():
    page = text_of(render_report(make_findings("UA", slots=8, sample=60)))
    assert re.search(r"Simulated \(dots\): \d+\u00a0cells of 2,\d{3}", page)


def test_cells_are_hatched_only_where_some_are_denied():
    some = make_findings("UA", slots=8, sample=60)
    everything = replace(
        some.policy, denied_cells=some.cells_total, denied_cell_ids=np.resize(some.policy.denied_cell_ids, some.cells_total)
    )
    assert "denied by the operator" in render_report(some)
    assert "denied by the operator" not in render_report(replace(some, policy=everything))


def test_small_shares_share_a_row():
    findings = make_findings("TW", slots=8)
    fleet = findings.fleets[0]
    crumbs = tuple(replace(fleet.gateways[0], name=f"Crumb {number}", share=0.0001) for number in range(30))
    page = text_of(render_report(replace(findings, fleets=(replace(fleet, gateways=fleet.gateways + crumbs),))))
    assert "30 more" in page
    assert "Crumb 1" not in page


def test_names_lose_the_country_that_lists_append():
    site = make_findings("TW", slots=1).fleets[0].gateways[0]
    words = load_words("fr")
    assert answers.site_name(site, words) == "Yamaguchi"
    assert answers.site_name(replace(site, name="Adelanto, CA", country="US"), words) == "Adelanto, CA"
    assert answers.site_name(replace(site, name="Adelanto, CA", country="US"), words, short=True) == "Adelanto"
    assert answers.site_name(replace(site, status="assumed"), words) == "Yamaguchi (site supposé)"
    assert answers.country_name("JP", "fr") == "Japon"
    assert answers.country_name("ZZ", "fr") == "ZZ"


def test_summary_lines_are_short_and_complete(taiwan):
    for lang in LANGUAGES:
        lines = summary_lines(taiwan, lang)
        assert 12 <= len(lines) <= 30
        assert max(len(line) for line in lines) <= 100
    assert summary_lines(taiwan)[0].startswith("Taiwan · Starlink, OneWeb and Kuiper")


def test_report_is_written_whole_or_not_at_all(tmp_path):
    findings = make_findings("NR", slots=8)
    path = tmp_path / "report.html"
    write_report(findings, path, lang="fr")
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(RunError, match="cannot be written"):
        write_report(findings, tmp_path / "missing" / "report.html")


def test_unknown_language_is_an_error(taiwan):
    with pytest.raises(InputError, match="'de'"):
        render_report(taiwan, lang="de")
