"""The chapter on capacity: there where it was worked out, true to its findings, in both languages, sensible about odd findings."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.unit.report_capacity_sample import KINDS, capacity_samples, make_swings, with_capacity
from tests.unit.report_sample import make_findings
from tests.unit.test_report_html import MOST_BYTES, NO_WORDS, check, text_of

from overflight.catalog.parameters import list_parameters
from overflight.flow.feeders import LANDINGS
from overflight.flow.summary import CellBound
from overflight.report.answers import answer_questions, is_off
from overflight.report.capacity_charts import KIND_COLOURS, draw_day, draw_tornado, is_continuous, write_range
from overflight.report.capacity_tables import weather_words
from overflight.report.html import render_report
from overflight.report.ratemap import rate_breaks
from overflight.report.text import summary_lines
from overflight.report.words import LANGUAGES, load_words
from overflight.schedule.beams import ALLOCATORS
from overflight.service.classes import CLASSES
from overflight.service.spreading import METHODS
from overflight.study.capacity_findings import Rates
from overflight.study.capacity_variants import OWN_QUANTITIES

SAMPLES = capacity_samples()
DOCS = Path(__file__).resolve().parents[2] / "docs"
HARD = "\u00a0"


@cache
def page_of(case: str, lang: str = "en") -> str:
    """The report on one sample."""
    return render_report(SAMPLES[case], lang=lang)


def chapter(case: str, lang: str = "en") -> str:
    """The text of the chapter of one sample."""
    page = page_of(case, lang)
    start = page.index('<section id="capacity"')
    return text_of(page[start : page.index("</section>", start) + len("</section>")])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", SAMPLES)
def test_every_case_reads_sensibly(case, lang):
    page = page_of(case, lang)
    assert not NO_WORDS.search(text_of(page))
    assert len(page.encode()) < MOST_BYTES
    lines = summary_lines(SAMPLES[case], lang)
    assert not NO_WORDS.search(" ".join(lines))
    assert max(len(line) for line in lines) <= 100


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_capacity_there_is_no_chapter_and_the_report_says_so(lang):
    findings, words = SAMPLES["without capacity"], load_words(lang)
    page = page_of("without capacity", lang)
    assert 'id="capacity"' not in page
    assert words("summary.no_rates") in text_of(page)
    assert words("way.no_traffic") in text_of(page)
    assert [answer.key for answer in answer_questions(findings, words)] == ["possible", "offered", "way", "speed"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_with_capacity_there_is_a_fifth_answer_and_two_more_figures(lang):
    findings, words = SAMPLES["not offered"], load_words(lang)
    page = page_of("not offered", lang)
    text = text_of(page)
    assert [answer.key for answer in answer_questions(findings, words)][-1] == "much"
    assert words("summary.no_rates") not in text
    assert words("way.no_traffic") not in text
    assert '<ul class="keys many">' in page
    assert page.split('<ul class="keys many">')[1].split("</ul>")[0].count("<li>") == 8
    order = [page.index(f'<section id="{key}"') for key in ("way", "capacity", "sensitivity")]
    assert order == sorted(order)
    assert any(line.strip().startswith(words("text.much")) for line in summary_lines(findings, lang))


def test_bytes_depend_on_nothing_but_the_findings():
    assert render_report(SAMPLES["many cells"], lang="fr") == page_of("many cells", "fr")


def test_what_is_not_offered_is_told_as_what_would_be():
    assert is_off(SAMPLES["not offered"])
    assert "Service is not offered here" in chapter("not offered")
    assert "Were it switched on: 120" in text_of(page_of("not offered"))
    assert not is_off(SAMPLES["failover"])
    assert "Service is not offered here" not in chapter("failover")
    served = make_findings("FJ", slots=8)
    assert is_off(replace(served, policy=replace(served.policy, denied_cells=served.cells_total)))


def test_the_answer_gives_its_numbers():
    text = chapter("not offered")
    assert f"half of the active terminals get 120{HARD}Mbit/s or more" in text
    assert f"gets less than 31{HARD}Mbit/s, the best-served tenth more than 343{HARD}Mbit/s" in text
    assert f"12,000{HARD}terminals (estimated; between 4,000 and 36,000)" in text
    assert f"50{HARD}Mbit/s for every active terminal at once is not feasible" in text
    assert f"20{HARD}Mbit/s for every active terminal at once is feasible" in chapter("with draws")
    assert f"publishes a median download of 151{HARD}Mbit/s" in chapter("with draws")
    assert "publishes a median" not in text
    assert "gets 5.7% less" not in text
    assert "That is 5.7% less" in text


def test_failover_says_how_much_could_be_carried():
    capacity = SAMPLES["failover"].fleets[0].capacity
    row = int(np.argmax(capacity.asked_gbps))
    share = capacity.delivered_gbps[row] / capacity.asked_gbps[row]
    assert f"Of the country’s international traffic, 120{HARD}Gbit/s at the busiest moment, {share:.0%} could be carried" in chapter(
        "failover"
    )
    assert f"{share * 100:.0f}{HARD}% du trafic international du pays" in text_of(page_of("failover", "fr"))
    whole = replace(capacity, delivered_gbps=capacity.asked_gbps)
    assert "All of the country’s international traffic could be carried" in text_of(
        render_report(with_capacity(SAMPLES["failover"], whole))
    )


def test_nothing_served_and_nobody_there_claim_nothing():
    text = chapter("nothing served")
    assert "No active terminal gets anything" in text
    assert "In no cell does an active terminal get anything" in text
    assert "National capacity:" not in text
    text = chapter("nobody there")
    assert "nobody has a terminal here" in text
    assert "No cell has a terminal" in text
    assert "No figure. Nobody has a terminal here." in text_of(page_of("nobody there"))


def test_equal_rates_are_not_told_as_a_range():
    assert f"nearly every active terminal gets 400{HARD}Mbit/s" in chapter("all that is asked")


def test_no_figure_shows_more_than_was_worked_out():
    stretches, every = SAMPLES["not offered"].fleets[0].capacity, SAMPLES["one cell"].fleets[0].capacity
    assert not is_continuous(stretches)
    assert is_continuous(every)
    assert "nothing was worked out between marks" in chapter("not offered")
    assert "Every slot was worked out" in chapter("one cell")
    assert "Stacked columns" not in page_of("one cell")
    words = load_words("en")
    assert draw_day(
        replace(
            stretches,
            slot_start=stretches.slot_start[:1],
            asked_gbps=stretches.asked_gbps[:1],
            delivered_gbps=stretches.delivered_gbps[:1],
            local_hour=stretches.local_hour[:1],
            capacity_gbps=stretches.capacity_gbps[:1],
            capacity_rows=np.zeros(1, dtype=np.int64),
        ),
        words,
        key="a",
        label="b",
    )


def test_all_cells_are_drawn_though_the_rest_is_a_sample():
    findings = SAMPLES["many cells"]
    assert len(findings.cell_ids) < findings.cells_total
    assert f"all {findings.cells_total:,}{HARD}cells of the territory" in chapter("many cells")
    assert "Cells are drawn" not in chapter("many cells")  # enlarged ones would hide one another


def test_draws_are_bands():
    text = chapter("with draws")
    assert "40 times (seed 7)" in text
    assert "Pale bars: delivered, tenth to ninetieth percentile of 40 draws" in text
    assert "How sure this is" not in chapter("not offered")


def test_every_parameter_that_was_varied_is_in_the_table_with_its_status():
    page = page_of("not offered")
    details = page.split("<details>")[1].split("</details>")[0]
    capacity = SAMPLES["not offered"].fleets[0].capacity
    assert f"All {len(capacity.swings)} numbers" in details
    for row in capacity.swings:
        assert f"<code>{row.name}</code>" in details
    assert details.count('class="tag assumed"') == sum(row.status == "assumed" for row in capacity.swings)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_keyword_has_words(lang):
    texts = load_words(lang).texts
    wanted = {
        "parameter": [*(row.name for row in list_parameters()), *OWN_QUANTITIES],
        "terminal_class": CLASSES,
        "demand_distribution": [*METHODS, "file"],
        "landing_label": LANDINGS,
        "allocator_label": ALLOCATORS,
        "variant": ["weather", "others", "landing"],
        "band": ["median_mbps", "worst_tenth_mbps", "delivered_gbps", "capacity_gbps"],
        **{table: [bound.name.lower() for bound in CellBound] for table in ("bottleneck", "bottleneck_short", "bottleneck_text")},
    }
    missing = [f"{table}.{name}" for table, names in wanted.items() for name in names if f"{table}.{name}" not in texts]
    assert not missing
    assert set(KINDS) == {bound.name.lower() for bound in CellBound} == set(KIND_COLOURS)


def test_weather_is_said_in_words():
    assert weather_words("clear", load_words("fr")) == "ciel clair"
    assert weather_words("0.01", load_words("fr")) == f"pire 0,01{HARD}% du temps"
    assert weather_words("0.01", load_words("en")) == "worst 0.01% of the time"


def test_values_of_parameters_keep_their_digits_and_signs():
    assert write_range((-25.0, -20.0), "dB", load_words("fr")) == f"−25 … −20{HARD}dB"
    assert write_range((10.0, 22.5), "deg", load_words("fr")) == "10 … 22,5°"
    assert write_range((4000.0,), "1", load_words("en")) == "4,000"


@pytest.mark.parametrize(
    ("gbps", "english"),
    [(14.23, "14.2 Gbit/s"), (0.9994, "999 Mbit/s"), (0.00005, "50.0 kbit/s"), (1432.0, "1.43 Tbit/s"), (0.0, "0 Mbit/s")],
)
def test_throughputs_take_the_unit_that_suits_them(gbps, english):
    assert load_words("en").throughput(gbps).replace(HARD, " ") == english
    assert load_words("fr").throughput(gbps).replace(HARD, " ") == english.replace(".", ",")


def test_rates_take_the_digits_that_they_deserve():
    words = load_words("en")
    assert [words.rate(value) for value in (0.0, 0.123, 4.26, 31.46, 342.6, float("nan"))] == ["0", "0.12", "4.3", "31", "343", "–"]


@pytest.mark.parametrize(
    ("values", "breaks"),
    [
        ([400.0], [400, 410]),
        ([4.0] * 5 + [390.0], [2, 5, 10, 20, 50, 100, 200, 500]),
        ([100.0, 180.0], [100, 120, 140, 160, 180]),
        ([np.nan, 0.0], [0]),
        ([], [0]),
    ],
)
def test_classes_of_rates(values, breaks):
    assert rate_breaks(np.array(values)).tolist() == breaks


def test_a_cell_with_nothing_is_a_class_of_its_own():
    capacity = SAMPLES["not offered"].fleets[0].capacity
    rates = np.where(np.arange(len(capacity.cell_down_mbps)) < 7, 0.0, capacity.cell_down_mbps)
    page = render_report(with_capacity(SAMPLES["not offered"], replace(capacity, cell_down_mbps=rates)))
    assert f"In 7{HARD}cells (vermilion) an active terminal gets nothing" in text_of(page)
    assert "fill: #d55e00" in page


def test_a_tornado_of_one_figure_only_has_one_panel():
    nan = float("nan")
    rows = tuple(replace(row, median_low_mbps=nan, median_high_mbps=nan) for row in make_swings(10.0, 5.0)[:3])
    svg = draw_tornado(rows, (nan, 5.0), ["a", "b", "c"], load_words("en"), key="k", label="l")
    assert "National capacity, Gbit/s" in svg
    assert "Median rate" not in svg


def test_swings_that_change_nothing_are_told():
    capacity = SAMPLES["not offered"].fleets[0].capacity
    base = next(row for row in capacity.variants if row.is_default)
    still = tuple(
        replace(
            row,
            median_low_mbps=base.median_mbps,
            median_high_mbps=base.median_mbps,
            capacity_low_gbps=base.capacity_gbps,
            capacity_high_gbps=base.capacity_gbps,
        )
        for row in capacity.swings
    )
    text = text_of(render_report(with_capacity(SAMPLES["not offered"], replace(capacity, swings=still))))
    assert "No single number matters here" in text


def test_constellations_are_compared_where_more_than_one_was_worked_out():
    findings = make_findings("TW", slots=8, fleets=2)
    capacity = SAMPLES["not offered"].fleets[0].capacity
    slow = replace(capacity, down=Rates(1.0, 2.0, 3.0, 2.0), busy_down=Rates(1.0, 2.2, 3.0, 2.0))
    both = replace(findings, fleets=(replace(findings.fleets[0], capacity=capacity), replace(findings.fleets[1], capacity=slow)))
    assert "Capacity of the constellations side by side" in text_of(render_report(both))
    assert "Capacity of the constellations side by side" not in chapter("not offered")


def test_what_comes_from_outside_is_escaped():
    capacity = SAMPLES["not offered"].fleets[0].capacity
    hostile = replace(
        capacity,
        demand=replace(capacity.demand, terminals_source="<script>1</script>", distribution="<b>", classes=(("<i>", 3), ("x", 4))),
        gateways=(replace(capacity.gateways[0], name="<u>gateway</u>"),),
        weather="<em>",
        bottlenecks=(("<s>", 0.6), ("nothing", 0.4)),
        bottleneck_hours=np.tile([0.6, 0.4], (24, 1)),
        variants=(replace(capacity.variants[0], name="<w>", label="<l>"),),
        swings=(replace(capacity.swings[0], name="<p>", unit="<unit>", status="<status>"),),
        link=(replace(capacity.link[0], name="<n>", unit="<m>"),),
    )
    for lang in LANGUAGES:
        checker = check(render_report(with_capacity(SAMPLES["not offered"], hostile), lang=lang))
        assert not {"script", "b", "i", "u", "s", "w", "p-", "l", "n", "m"} & set(checker.tags)
        assert '<span lang="en">' in render_report(with_capacity(SAMPLES["not offered"], hostile), lang="fr")


def keys_of(data, path="capacity"):
    """Paths of all leaves, lists as ``[]``."""
    if isinstance(data, dict):
        return {key for name, value in data.items() for key in keys_of(value, f"{path}.{name}")}
    if isinstance(data, list):
        return {key for item in data for key in keys_of(item, f"{path}[]")}
    return {path}


def test_every_key_of_the_json_has_its_row():
    found = keys_of(replace(SAMPLES["with draws"].fleets[0].capacity).to_dict())
    page = (DOCS / "reference" / "json.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(capacity\.[^`]+)` \|", page, re.MULTILINE))
    named = {row for row in rows if not row.endswith("*")}
    wild = tuple(row.removesuffix("*") for row in rows if row.endswith("*"))
    assert {key for key in found - named if not key.startswith(wild)} == set()
    assert named - found == set()
    headline = SAMPLES["with draws"].fleets[0].capacity.headline_dict()
    assert all(f"| `constellations[].capacity.{key}` |" in page for key in headline)


def test_a_moment_in_which_not_all_is_delivered_is_not_passed_over():
    capacity = SAMPLES["one cell"].fleets[0].capacity
    delivered = np.array(capacity.asked_gbps)
    delivered[0] *= 0.9
    page = text_of(render_report(with_capacity(SAMPLES["one cell"], replace(capacity, delivered_gbps=delivered))))
    assert f"all of the 80.3{HARD}Mbit/s asked for is delivered; at the worst moment, 90% of what is asked for" in page
    assert "All that is asked for is delivered" in chapter("one cell")
