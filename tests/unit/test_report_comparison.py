"""The page of a comparison: every section that has something to say, in both languages, well-formed, the same every time."""

import re
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.report_sample import OUTLINES, START
from tests.unit.test_report_html import NO_WORDS, check, text_of

from overflight.earth.cells import cells_of_polygon
from overflight.earth.territory import WORLDVIEW
from overflight.errors import InputError, RunError
from overflight.notices import Notice
from overflight.report.comparison import comparison_sections, render_comparison
from overflight.report.comparison_map import GAINS, GAINS_PART, LOSES, LOSES_PART, PARTLY, SERVED, UNSERVED, sort_cells
from overflight.report.comparison_values import arrow, difference, headcount, relative, say_people, throughput_change, throughputs
from overflight.report.frame import write_page
from overflight.report.words import LANGUAGES, NO_VALUE, load_words
from overflight.service.policy import Policy
from overflight.study.comparison.findings import (
    Alternative,
    CellCounts,
    ClassChange,
    ContractCheck,
    Edge,
    EdgeBand,
    GatewayChange,
    Keeping,
    KnownTerminals,
    Lives,
    NeighbourChange,
    PolicyComparison,
    PolicySide,
    RateChange,
)
from overflight.study.comparison.summary import summarise
from overflight.study.findings import Assumption

NAN = float("nan")
HARD, THIN, MINUS = "\u00a0", "\u202f", "\u2212"
CELLS = cells_of_polygon(OUTLINES["TW"])[:40]
COUNT = len(CELLS)
HOSTILE = '<script>alert("1")</script> & {braces} "q"'

PUBLIC = PolicySide("public", "public", "a" * 64, "2026-07-23", "operator's public map", 308, "deny")
NEW = PolicySide("new.toml", "new-policy", "b" * 64, "", "", 3, "deny")
NO_POLICY = PolicySide("none", "none", None, "", "", 0, "deny")
NO_EDGE = Edge((), 100.0, NAN, NAN)
SHARP = Edge((EdgeBand(0.0, 5.0, 10.0, 0.0, 0.0, 20.0, 0.0),), 100.0, 31.6, 26.2)
LINE = Edge(
    (EdgeBand(0.0, 5.0, 4.0e6, 1.2e6, 3.9e6, 4.2e6, 1.4e6), EdgeBand(5.0, np.inf, 40.0, 0.0, 1.0, 4.6e6, 0.2)),
    100.0,
    31.6,
    26.2,
)
KEPT = Keeping("kept", 1.0, 0.0, 0.9924, ())
KNOWN = KnownTerminals(
    total=40,
    in_territory=30,
    by_class=(ClassChange("government", 30.0, (30.0, 10.0), (0.0, 4.0), 0.0, 20.0),),
    by_owner=tuple(ClassChange(f"owner {row}" if row else "", 2.0, (2.0, 1.0), (0.0, 0.0), 0.0, 1.0) for row in range(14)),
    losing=tuple((f"T{row}", "" if row % 2 else "Red Cross", "default" if row else "strait") for row in range(20)),
)


def contract(name, before, after, *, value=0.0, currency="USD"):
    return ContractCheck(name, f"Customer {name}", ("TW", "JP"), 40, "government", 50.0, 10.0, 99.5, value, currency, before, after)


def make(before, after, **changes):
    """A comparison in which shares of every cell's people are served, before and after."""
    shares = tuple(np.broadcast_to(np.asarray(side, dtype=np.float64), COUNT).copy() for side in (before, after))
    people = np.linspace(0.0, 1.0e6, COUNT)
    gained, lost = people @ np.maximum(shares[1] - shares[0], 0.0), people @ np.maximum(shares[0] - shares[1], 0.0)
    served = tuple(float(people @ share) for share in shares)
    mbps = tuple(np.where(share > 0.0, np.linspace(99.0, 400.0, COUNT), np.nan) for share in shares)
    everybody = 27384.0
    found = PolicyComparison(
        code="TW",
        name="Taiwan",
        name_fr="Taïwan",
        outline=OUTLINES["TW"],
        worldview=WORLDVIEW,
        borders_source="a drawing",
        start=START,
        end=START + np.timedelta64(1, "D"),
        step_s=15.0,
        slots=12,
        constellation=Notice.word("constellation", "Starlink as flown on 2026-08-22"),
        terminal_class="consumer",
        policies=(PUBLIC, NEW),
        diff={"added": ("new",), "removed": (), "changed": ("TW",), "moved": (), "settings": ("name", "default")},
        settings=(),
        lives=Lives(float(people.sum()), served, (0.0, 0.0), (0.0, 0.0), float(gained), float(lost), 0.0, 0.0),
        cells=CellCounts(
            COUNT,
            tuple(int((share >= 1.0).sum()) for share in shares),
            tuple(int(((share > 0.0) & (share < 1.0)).sum()) for share in shares),
            int((shares[1] > shares[0]).sum()),
            int((shares[1] < shares[0]).sum()),
        ),
        classes=(
            ClassChange("consumer", everybody, tuple(everybody * x.mean() for x in shares), (0.0, 0.0), everybody * gained / 2e7, 0.0),
        ),
        terminals_source="a rule",
        terminals_status="assumed",
        listed_share=(NAN, NAN),
        known=None,
        rates=RateChange(*(tuple(value if share.any() else none for share in shares) for value, none in RATES)),
        neighbours=(
            NeighbourChange("KR", "South Korea", "Corée du Sud", (566.7, 566.7), (314.7, 310.2), (178.3, 175.8), 2.0),
            NeighbourChange("JP", "Japan", "Japon", (869.2, 0.0), (337.4, NAN), (293.2, 0.0)),
            NeighbourChange("PH", "Philippines", "Philippines", (0.0, 0.02), (NAN, 222.9), (0.0, 68.3)),
        ),
        gateways=(
            GatewayChange("Angeles", "PH", "reported", (37.1, 63.6), (0.0, 29.2)),
            GatewayChange("Surabaya", "ID", "assumed", (0.07, 0.07), (0.0, 0.0)),
        ),
        edges=(NO_EDGE, LINE),
        alternatives=(),
        contracts=(),
        cell_ids=CELLS,
        cell_population=people,
        cell_served=shares,
        cell_mbps=mbps,
        warnings=(Notice.of("comparison.no_border", "policy {policy} {count}", policy="public", count=51),),
        assumptions=(Assumption("terminals", "27,384", "assumed", "a rule"), Assumption("width of beams", "0.7 m", "assumed", "a page")),
        inputs=(("contracts", "c" * 64),),
        versions=(("overflight", "0.1.0"),),
        scenario={},
        scenario_after=None,
        summary=(),
    )
    found = replace(found, **changes)
    return replace(found, summary=summarise(found))


RATES = ((170.8, 0.0), (314.0, NAN), (184.6, NAN), (50.5, 0.0), (268.1, 0.0))
OTHERS = (
    Alternative("oneweb", Notice.word("constellation", "OneWeb, first generation"), "oneweb", "filing", 2.2, 1.0, True, 1.0, 96.8, 5.2),
    Alternative("kuiper", Notice.word("constellation", "Amazon Kuiper as filed"), "kuiper", "filing", 0.4, 0.24, False, NAN, NAN, NAN),
    Alternative("mine", "My fleet", "mine", "measured", 0.4, 0.24, False, NAN, NAN, NAN),
)
CASES = {
    "opened": make(
        0.0,
        1.0,
        contracts=(
            contract("relief", Keeping("denied", 0.0, 0.0, 0.0, ("TW",)), KEPT, value=1.2e6),
            contract("later", *[Keeping("not-agreed", NAN, NAN, NAN, ())] * 2),
        ),
    ),
    "half": make(
        1.0,
        np.linspace(0.0, 1.0, COUNT),
        edges=(SHARP, LINE),
        known=KNOWN,
        alternatives=OTHERS,
        listed_share=(NAN, 0.4),
        settings=(("capacity.terminals", "–", "500"),),
        scenario_after={"a": 1},
        contracts=(
            contract("ports", KEPT, Keeping("limited", 1.0, 1.0, 0.0, ("a", "b", "c", "d")), value=8.4e6, currency="EUR"),
            contract("rescue", KEPT, Keeping("denied", 0.25, 0.0, 0.2, ("default",)), value=1.2e6),
            contract("far", Keeping("kept", 1.0, 0.0, NAN, ()), Keeping("short", 1.0, 0.0, 0.4, ())),
            contract("slow", Keeping("limited", 1.0, 0.3, 0.0, ("x",)), Keeping("short", 1.0, 0.0, 0.4, ())),
        ),
    ),
    "strip": make(1.0, np.where(np.arange(COUNT) % 2, 1.0, 0.5), edges=(SHARP, SHARP), neighbours=(), gateways=()),
    "none": make(
        1.0,
        0.0,
        policies=(PUBLIC, NO_POLICY),
        edges=(NO_EDGE, NO_EDGE),
        diff={"added": (), "removed": tuple(f"rule-{row}" for row in range(300)), "changed": (), "moved": ("m",), "settings": ()},
        alternatives=OTHERS,
        contracts=(contract("free", KEPT, Keeping("denied", 0.0, 0.0, 0.0, ("none",))),),
    ),
    "same": make(1.0, 1.0, policies=(NEW, NEW), diff={}, edges=(NO_EDGE, NO_EDGE), warnings=(), assumptions=(), inputs=()),
    "nobody": make(
        0.0,
        0.0,
        policies=(NO_POLICY, NO_POLICY),
        edges=(NO_EDGE, NO_EDGE),
        classes=(),
        neighbours=(),
        gateways=(),
        cell_population=np.zeros(COUNT),
    ),
}
ALWAYS = {"people", "rates", "rules", "basis", "terms"}
PRESENT = {
    "opened": ALWAYS | {"terminals", "elsewhere", "edge", "contracts"},
    "half": ALWAYS | {"terminals", "elsewhere", "edge", "others", "contracts"},
    "strip": ALWAYS | {"terminals", "edge"},
    "none": ALWAYS | {"terminals", "elsewhere", "others", "contracts"},
    "same": ALWAYS | {"terminals", "elsewhere"},
    "nobody": ALWAYS,
}


@pytest.fixture(scope="module")
def pages():
    return {(case, lang): render_comparison(found, lang=lang) for case, found in CASES.items() for lang in LANGUAGES}


def said(pages, case, lang="en"):
    return text_of(pages[case, lang]).replace(HARD, " ").replace(THIN, " ")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_page_is_whole(pages, case, lang):
    page = pages[case, lang]
    checker = check(page)
    assert f'<html lang="{lang}">' in page
    assert {"script", "link", "img"}.isdisjoint(checker.tags)
    for target in re.findall(r'href="#([^"]+)"', page) + re.findall(r"url\(#([^)]+)\)", page):
        assert target in checker.ids, target
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org)", page.split("<body>")[1].replace("https://starlink.com", ""))
    sections = [section.key for section in comparison_sections("") if f'<section id="{section.key}"' in page]
    assert set(sections) == PRESENT[case]
    assert re.findall(r'<section id="(\w+)"', page)[1:] == sections


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_nothing_unsaid_is_left(pages, case, lang):
    text = text_of(pages[case, lang])
    assert not NO_WORDS.findall(text)
    labels = re.findall(r'aria-label="([^"]+)"', pages[case, lang])
    assert not NO_WORDS.findall(" ".join(labels))
    assert "**" not in text


def test_french_is_french(pages):
    for case in CASES:
        text = said(pages, case, "fr")
        body = text.split("Vocabulaire")[0]
        for word in ("people", "service is", "before", "nobody", "Mean", "Terminal s"):
            assert word not in body, (case, word)
    assert "Corée du Sud" in said(pages, "opened", "fr")


def test_same_findings_same_page():
    found = CASES["half"]
    assert render_comparison(found, lang="fr") == render_comparison(replace(found), lang="fr")


def test_unknown_language_is_an_error():
    with pytest.raises(InputError, match="'de'"):
        render_comparison(CASES["same"], lang="de")


def test_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "assessment.html"
    write_page(render_comparison(CASES["same"], lang="en"), path)
    assert path.read_text(encoding="utf-8") == render_comparison(CASES["same"], lang="en")
    assert [entry.name for entry in tmp_path.iterdir()] == ["assessment.html"]
    with pytest.raises(RunError):
        write_page(render_comparison(CASES["same"]), tmp_path / "missing" / "a.html")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_bears_the_address_of_the_english_document(pages, lang):
    assert CASES["half"].digest() in pages["half", lang]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_names_are_text(lang):
    side = replace(NEW, name=HOSTILE, named=HOSTILE, source=HOSTILE, date=HOSTILE, default=HOSTILE)
    contracts = (replace(contract(HOSTILE, KEPT, Keeping("denied", 0.5, 0.0, 0.0, (HOSTILE,))), customer=HOSTILE, currency="USD"),)
    found = make(
        1.0,
        0.5,
        name=HOSTILE,
        name_fr=HOSTILE,
        constellation=HOSTILE,
        terminal_class=HOSTILE,
        policies=(side, side),
        diff={"added": (HOSTILE,), "settings": (HOSTILE,)},
        settings=((HOSTILE, HOSTILE, HOSTILE),),
        contracts=contracts,
        known=replace(
            KNOWN, by_owner=(ClassChange(HOSTILE, 1.0, (1.0, 0.0), (0.0, 0.0), 0.0, 1.0),), losing=((HOSTILE, HOSTILE, HOSTILE),)
        ),
        neighbours=(NeighbourChange("zz", HOSTILE, HOSTILE, (1.0, 2.0), (1.0, 2.0), (1.0, 2.0)),),
        gateways=(GatewayChange(HOSTILE, HOSTILE, HOSTILE, (1.0, 2.0), (0.0, 1.0)),),
        alternatives=(replace(OTHERS[2], title=HOSTILE, status=HOSTILE),),
        warnings=(HOSTILE,),
        terminals_source=HOSTILE,
        inputs=((HOSTILE, HOSTILE),),
    )
    page = render_comparison(found, lang=lang)
    checker = check(page)
    assert "script" not in checker.tags
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_people_and_cells(pages):
    assert "service is gained by 20.0 million people; nobody loses it" in said(pages, "opened")
    assert "Nobody loses service" in said(pages, "opened")
    assert "nobody before, 20.0 million after" in said(pages, "opened")
    assert "In no cell does anybody gain or lose service" in said(pages, "same")
    assert "le service est perdu par 20,0 millions d’habitants" in said(pages, "none", "fr")
    assert "Personne n’est desservi après le changement" in said(pages, "none", "fr")


def test_limits_and_lists_have_their_rows():
    lives = replace(CASES["half"].lives, limited=(3.0, 1500.0), listed_only=(0.0, 2.0e6), limited_anew=1500.0, freed_of_limit=3.0)
    text = text_of(render_comparison(replace(CASES["half"], lives=lives), lang="en"))
    for words in ("of these, at a limited rate", "Only if their terminal is listed", "Come under a limit", "Are freed of a limit", "1,500"):
        assert words in text
    assert "Come under a limit" not in text_of(render_comparison(CASES["half"], lang="en"))


def test_cells_are_sorted_by_what_becomes_of_them():
    before = np.zeros(COUNT)
    after = np.zeros(COUNT)
    before[:6], after[:6] = (0.0, 0.2, 1.0, 0.4, 1.0, 1.0), (1.0, 0.7, 1.0, 0.4, 0.3, 0.0)
    kinds = sort_cells(replace(CASES["same"], cell_served=(before, after)))
    assert kinds[:7].tolist() == [GAINS, GAINS_PART, SERVED, PARTLY, LOSES_PART, LOSES, UNSERVED]


def test_known_terminals_that_lose_service_are_named_with_their_rule(pages):
    text = said(pages, "half")
    assert "Positions of 40 terminals were given; seen last in this territory: 30." in text
    assert "2 more owners." in text
    assert "8 more terminals lose service." in text
    assert "no owner given" in text
    assert "no rule matches: the default" in text
    assert "T11" in text
    assert "T12" not in text


def test_rates_of_nobody_are_said_in_words(pages):
    assert "Nobody is served before the change; after it an active terminal gets 314 Mbit/s" in said(pages, "opened")
    assert "after it nobody is served" in said(pages, "none")
    assert "there is no rate to give" in said(pages, "nobody")
    assert ">nobody is served</text>" in pages["none", "en"]


def test_neighbours_that_are_no_longer_served(pages):
    text = said(pages, "opened")
    assert "nobody is served any more in 1 neighbouring territory: Japan." in text
    assert "South Korea feels it most" in text
    assert "no longer served" in text
    assert "newly served" in text
    many = tuple(replace(CASES["opened"].neighbours[0], code=f"x{row}", name=f"N{row}") for row in range(13))
    text = text_of(render_comparison(replace(CASES["opened"], neighbours=many, gateways=CASES["opened"].gateways * 7), lang="en"))
    assert "1 more territory shares the satellites" in text
    assert "2 more gateways carry traffic" in text


def test_the_line(pages):
    text = said(pages, "half")
    assert "about 32 km long and 26 km wide" in text
    assert "1.20 million people : to be denied, but in a cell that is on (before the change: nobody)" in text
    assert "over 5 km" in text
    assert "Before the change there was no such line within 100 km" in said(pages, "opened")
    assert "Nobody near the line lives on its wrong side" in said(pages, "strip")
    gone = text_of(render_comparison(replace(CASES["same"], edges=(LINE, NO_EDGE)), lang="en"))
    assert "Before the change, these lived on the wrong side of the line:" in gone
    assert "After the change there is no such line" in gone


def test_a_constellation_as_filed_says_so(pages):
    text = said(pages, "half")
    assert "as filed, not as flown" in text
    assert "d’après dossier, non en vol" in said(pages, "half", "fr")
    assert "measured" in text


def test_broken_contracts_come_first_with_what_they_are_worth(pages):
    text = said(pages, "half")
    assert "The change breaks 3 of 4 contracts, worth 8,400,000 EUR and 1,200,000 USD a year." in text
    page = pages["half", "en"]
    assert page.count('<tr class="marked"><th scope="row"><strong>Customer') == 3
    assert "75% of its terminals may not be served" in text
    assert "all of its terminals held below the rate" in text
    assert "and 1 more" in text
    assert "none: the rate is not reached" in text
    assert "No value is stated for them." in said(pages, "none")
    assert "no policy in force" in said(pages, "none")
    assert "The change breaks no contract. Contracts that are kept only since the change: 1 of 2." in said(pages, "opened")
    assert "until now: TW" in said(pages, "opened")
    assert "not in force" in said(pages, "opened")


def test_rules_that_differ(pages):
    text = said(pages, "none")
    assert "Rules removed: 300" in text
    assert "and 288 more" in text
    assert pages["none", "en"].count("<code>rule-299</code>") == 1
    assert "Both are the same policy." in said(pages, "same")
    assert "Settings of the scenarios that differ" in said(pages, "half")
    assert "Beside the rules, these differ: name and what holds where no rule matches." in said(pages, "half")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_setting_of_a_policy_has_a_name(lang):
    texts = load_words(lang).texts
    assert [key for key in Policy.model_fields if key != "rules" and f"comparison_setting.{key}" not in texts] == []


class TestValues:
    english, french = load_words("en"), load_words("fr")

    @pytest.mark.parametrize(
        ("n", "english", "french"),
        [
            (0.0, "nobody", "personne"),
            (0.4, "nobody", "personne"),
            (1.0, "1 person", "1 habitant"),
            (5212.4, "5,210 people", f"5{THIN}210 habitants"),
            (999_600.0, "1.00 million people", "1,00 million d’habitants"),
            (23_451_837.0, "23.5 million people", "23,5 millions d’habitants"),
            (1.4e9, "1,400 million people", f"1{THIN}400 millions d’habitants"),
            (NAN, NO_VALUE, NO_VALUE),
        ],
    )
    def test_people(self, n, english, french):
        assert say_people(n, self.english).replace(HARD, " ") == english
        assert say_people(n, self.french).replace(HARD, " ") == french

    def test_differences_have_signs(self):
        assert difference(10.0, 4.0, self.english) == f"{MINUS}6"
        assert difference(0.0, 1500.0, self.english) == "+1,500"
        assert difference(1.0, 1.2, self.english) == "0"
        assert difference(NAN, 1.0, self.english) == NO_VALUE
        assert headcount(NAN, self.english) == NO_VALUE

    def test_shares_of_change(self):
        assert relative((314.7, 310.2), self.english) == f"{MINUS}1.4%"
        assert relative((100.0, 250.0), self.french) == f"+150{HARD}%"
        assert relative((100.0, 100.01), self.english) == "0%"
        assert relative((0.0, 5.0), self.english) == relative((5.0, NAN), self.english) == NO_VALUE

    def test_pairs_share_a_unit(self):
        assert throughputs((0.9, 29.2), self.english) == (f"0.90{HARD}Gbit/s", f"29.2{HARD}Gbit/s")
        assert throughputs((0.0, NAN), self.english) == ("0", NO_VALUE)
        assert arrow(f"0.90{HARD}Gbit/s", f"29.2{HARD}Gbit/s") == f"0.90 → 29.2{HARD}Gbit/s"
        assert arrow("0", f"29.2{HARD}Gbit/s") == f"0 → 29.2{HARD}Gbit/s"
        assert arrow("3", "0") == "3 → 0"
        assert throughput_change((1.0, 1.0 + 1e-9), self.english) == "0"
        assert throughput_change((1.0, 0.5), self.english) == f"{MINUS}500{HARD}Mbit/s"
