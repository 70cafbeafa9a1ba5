"""The report as one HTML file that opens anywhere, offline: style, figures and words are all inside."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from overflight import __version__
from overflight.report.answers import answer_questions, country_name, is_off, status_key, territory_name
from overflight.report.frame import Chapter, KeyFigure, key_figures, number_chapters, render_frame, warnings_box, write_page
from overflight.report.markup import Page, escape, rich
from overflight.report.words import LANGUAGES, NO_VALUE, Words, load_words
from overflight.study.capacity_findings import CapacityFindings
from overflight.study.findings import TerritoryFindings

__all__ = ["LANGUAGES", "Section", "render_report", "report_sections", "write_report"]


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
    write_page(render_report(findings, lang=lang), path)


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
    written = [Chapter(section.key, words(f"heading.{section.key}"), section.write(findings, page)) for section in report_sections()]
    kept = [chapter for chapter in written if chapter.body]
    title = words("document.title", territory=territory_name(findings, words))
    return render_frame(
        words,
        title=title,
        header=_header(findings, title, words),
        summary=_summary(findings, number_chapters(kept), words),
        chapters=kept,
        footer=words("document.footer", version=__version__),
    )


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
    text = f'<section id="summary" aria-label="{escape(words("summary.heading"))}">\n'
    text += f'<dl class="answers">\n{rows}</dl>\n{key_figures(_key_figures(findings, words))}'
    return text + warnings_box(findings.warnings, numbers, words) + "</section>\n"


def _key_figures(findings: TerritoryFindings, words: Words) -> list[KeyFigure]:
    """What stands out."""
    fleet, policy = findings.fleets[0], findings.policy
    coverage, latency = fleet.coverage, fleet.latency
    sky = "" if fleet.ground_known else "_sky"
    covered = KeyFigure(words.percent(coverage.covered_fraction), words(f"key.covered{sky}"))
    usable = KeyFigure(
        words.number(coverage.satellites_usable_mean, 1),
        words(f"key.usable{sky}", min=words.number(coverage.satellites_usable_min)),
    )
    since = words("key.policy", date=words.date(policy.date)) if policy.date else words("key.policy_undated")
    offered = KeyFigure(words(f"policy_word.{status_key(policy, words)}"), since, True)
    lasers = KeyFigure(words.percent(fleet.isl_share), words("key.lasers"))
    if fleet.landing_countries:
        code, share = max(fleet.landing_countries, key=lambda item: item[1])
        landing = KeyFigure(country_name(code, words.lang), words("key.landing", share=words.percent(share)), True)
    else:
        landing = KeyFigure(NO_VALUE, words("key.landing_none" if fleet.ground_known else "key.landing_unknown"))
    if latency.p50_ms is None:
        speed = KeyFigure(NO_VALUE, words("key.latency_none" if fleet.ground_known else "key.latency_unknown"))
    else:
        what = words("key.latency", p20=words.number(latency.p20_ms), p80=words.number(latency.p80_ms))
        speed = KeyFigure(f"{words.number(latency.p50_ms)}\N{NO-BREAK SPACE}ms", what)
    rates = [] if fleet.capacity is None else _rate_figures(findings, fleet.capacity, words)
    return [covered, usable, offered, landing, lasers, speed, *rates]


def _rate_figures(findings: TerritoryFindings, capacity: CapacityFindings, words: Words) -> list[KeyFigure]:
    """Median rate at the busiest hour, and national capacity."""
    median = capacity.busy_down.median_mbps
    if not capacity.demand.terminals:
        rate = KeyFigure(NO_VALUE, words("key.rate_nobody"))
    elif not capacity.busy_down.best_tenth_mbps > 0.0:
        rate = KeyFigure(NO_VALUE, words("key.rate_none"))
    else:
        value = f"{words.rate(median)}\N{NO-BREAK SPACE}Mbit/s"
        rate = KeyFigure(value, words("key.rate_off" if is_off(findings) else "key.rate"))
    return [rate, KeyFigure(words.throughput(capacity.capacity_mean_gbps), words("key.capacity"))]
