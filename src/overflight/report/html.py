"""The report as one HTML file that opens anywhere, offline: style, figures and words are all inside.

The page holds no script and may load nothing: its content security policy says so to the browser.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from overflight import __version__
from overflight.report.answers import answer_questions, country_name, is_off, status_key, territory_name
from overflight.report.markup import Page, escape, foreign, rich, unordered
from overflight.report.words import LANGUAGES, NO_VALUE, Words, load_words
from overflight.run import unwritable
from overflight.study.capacity_findings import CapacityFindings
from overflight.study.findings import TerritoryFindings

__all__ = ["LANGUAGES", "Section", "render_report", "report_sections", "write_report"]

MOST_WARNINGS = 3
"""Warnings that the summary shows; the rest stands in the section on what the report rests on."""

MOST_IN_A_ROW = 6
"""More key figures than these stand in two rows."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Section(NamedTuple):
    """A section: the key of its heading and identifier, and the function that writes it."""

    key: str
    write: Callable[[TerritoryFindings, Page], str]


def report_sections() -> tuple[Section, ...]:
    """List the sections of a report in order. One more chapter is one more row here."""
    from overflight.report import capacity, provenance, sections

    return (
        Section("territory", sections.territory_section),
        Section("sky", sections.sky_section),
        Section("latency", sections.latency_section),
        Section("way", sections.way_section),
        Section("capacity", capacity.capacity_section),
        Section("sensitivity", sections.sensitivity_section),
        Section("fleets", sections.fleets_section),
        Section("policy", provenance.policy_section),
        Section("basis", provenance.basis_section),
        Section("terms", provenance.terms_section),
    )


def write_report(findings: TerritoryFindings, path: str | Path, *, lang: str = "en") -> None:
    """Write the report on a territory to a file.

    Parameters
    ----------
    findings
        What the study found.
    path
        The HTML file; it appears complete or not at all.
    lang
        ``"en"`` or ``"fr"``.

    Raises
    ------
    InputError
        If there is no such language.
    RunError
        If the file cannot be written.
    """
    path = Path(path)
    text = render_report(findings, lang=lang)
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)  # noqa: PTH105 - the one that is sure to replace
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def render_report(findings: TerritoryFindings, *, lang: str = "en") -> str:
    """Write the report on a territory as the text of an HTML file; the same findings give the same text.

    Raises
    ------
    InputError
        If there is no such language.
    """
    words = load_words(lang)
    findings = words.say_all(findings)
    page = Page(words)
    written = [(section.key, section.write(findings, page)) for section in report_sections()]
    kept = [(key, body) for key, body in written if body]
    numbers = {key: number for number, (key, _) in enumerate(kept, start=1)}
    title = words("document.title", territory=territory_name(findings, words))
    sections = "".join(_section(key, number, body, words) for number, (key, body) in enumerate(kept, start=1))
    style = (Path(__file__).with_name("style.css")).read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="{words.lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Overflight {__version__}">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
{_header(findings, title, words)}</header>
<main>
{_summary(findings, numbers, words)}{_contents(numbers, words)}{sections}</main>
<footer><p>{escape(words("document.footer", version=__version__))}</p></footer>
</body>
</html>
"""


def _header(findings: TerritoryFindings, title: str, words: Words) -> str:
    names = words.listing(fleet.title for fleet in findings.fleets)
    subtitle = words("document.subtitle", constellations=names, span=words.span(findings.start, findings.end))
    cells = words.count("cell", len(findings.cell_ids))
    if findings.cells_total > len(findings.cell_ids):
        cells = words("document.sampled", cells=cells, total=words.number(findings.cells_total))
    scope = [cells, words("document.slots", slots=words.count("slot", findings.slots), step=words.duration(findings.step_s))]
    if np.isfinite(findings.area_km2):
        scope.append(f"{words.number(findings.area_km2)}\N{NO-BREAK SPACE}km²")
    if np.isfinite(findings.population):
        scope.append(words.people(findings.population))
    return (
        f'<p class="kicker">{escape(words("document.kicker"))}</p>\n<h1>{escape(title)}</h1>\n'
        f'<p class="subtitle">{escape(subtitle)}</p>\n<p class="scope">{escape(" · ".join(scope))}</p>\n'
    )


def _summary(findings: TerritoryFindings, numbers: dict[str, int], words: Words) -> str:
    """Answers, key figures, and the warnings to read them with."""
    rows = "".join(f"<dt>{escape(answer.question)}</dt><dd>{rich(answer.sentence)}</dd>\n" for answer in answer_questions(findings, words))
    figures = _key_figures(findings, words)
    cards = "".join(_card(value, what, is_word=is_word) for value, what, is_word in figures)
    text = f'<section id="summary" aria-label="{escape(words("summary.heading"))}">\n'
    text += f'<dl class="answers">\n{rows}</dl>\n<ul class="keys{" many" if len(figures) > MOST_IN_A_ROW else ""}">\n{cards}</ul>\n'
    if findings.warnings:
        shown = unordered(foreign(warning, words) for warning in findings.warnings[:MOST_WARNINGS])
        lead = escape(words("summary.warnings", count=words.count("warning", len(findings.warnings))))
        if len(findings.warnings) > MOST_WARNINGS:
            more = words("summary.more_warnings", section=str(numbers["basis"]))
            lead += f' (<a href="#warnings">{escape(more)}</a>)'
        text += f'<div class="notice">\n<p><strong>{lead}</strong></p>\n{shown}</div>\n'
    return text + "</section>\n"


def _key_figures(findings: TerritoryFindings, words: Words) -> list[tuple[str, str, bool]]:
    """Value, what it is, and whether it is a word rather than a number."""
    fleet, policy = findings.fleets[0], findings.policy
    coverage, latency = fleet.coverage, fleet.latency
    sky = "" if fleet.ground_known else "_sky"
    covered = (words.percent(coverage.covered_fraction), words(f"key.covered{sky}"), False)
    usable = (
        words.number(coverage.satellites_usable_mean, 1),
        words(f"key.usable{sky}", min=words.number(coverage.satellites_usable_min)),
        False,
    )
    since = words("key.policy", date=words.date(policy.date)) if policy.date else words("key.policy_undated")
    offered = (words(f"policy_word.{status_key(policy, words)}"), since, True)
    lasers = (words.percent(fleet.isl_share), words("key.lasers"), False)
    if fleet.landing_countries:
        code, share = max(fleet.landing_countries, key=lambda item: item[1])
        landing = (country_name(code, words.lang), words("key.landing", share=words.percent(share)), True)
    else:
        landing = (NO_VALUE, words("key.landing_none" if fleet.ground_known else "key.landing_unknown"), False)
    if latency.p50_ms is None:
        speed = (NO_VALUE, words("key.latency_none" if fleet.ground_known else "key.latency_unknown"), False)
    else:
        what = words("key.latency", p20=words.number(latency.p20_ms), p80=words.number(latency.p80_ms))
        speed = (f"{words.number(latency.p50_ms)}\N{NO-BREAK SPACE}ms", what, False)
    rates = [] if fleet.capacity is None else _rate_figures(findings, fleet.capacity, words)
    return [covered, usable, offered, landing, lasers, speed, *rates]


def _rate_figures(findings: TerritoryFindings, capacity: CapacityFindings, words: Words) -> list[tuple[str, str, bool]]:
    """Median rate at the busiest hour, and national capacity."""
    median = capacity.busy_down.median_mbps
    if not capacity.demand.terminals:
        rate = (NO_VALUE, words("key.rate_nobody"), False)
    elif not capacity.busy_down.best_tenth_mbps > 0.0:
        rate = (NO_VALUE, words("key.rate_none"), False)
    else:
        value = f"{words.rate(median)}\N{NO-BREAK SPACE}Mbit/s"
        rate = (value, words("key.rate_off" if is_off(findings) else "key.rate"), False)
    return [rate, (words.throughput(capacity.capacity_mean_gbps), words("key.capacity"), False)]


def _card(value: str, what: str, *, is_word: bool) -> str:
    kind = "value word" if is_word else "value"
    return f'<li><span class="{kind}">{escape(value)}</span> <span class="what">{escape(what)}</span></li>\n'


def _contents(numbers: dict[str, int], words: Words) -> str:
    items = "".join(f'<li><a href="#{key}">{escape(words(f"heading.{key}"))}</a></li>\n' for key in numbers)
    return f'<nav aria-label="{escape(words("document.contents"))}">\n<ol>\n{items}</ol>\n</nav>\n'


def _section(key: str, number: int, body: str, words: Words) -> str:
    heading = f'<h2 id="{key}-heading"><span class="number">{number}</span>{escape(words(f"heading.{key}"))}</h2>'
    return f'<section id="{key}" aria-labelledby="{key}-heading">\n{heading}\n{body}</section>\n'
