"""The report in about fifteen lines, for terminals."""

import textwrap

import numpy as np

from overflight.report.answers import answer_questions, country_name, element_age, plain, site_name, sorted_sites, territory_name
from overflight.report.words import Words, load_words
from overflight.study.findings import FleetFindings, LandingSite, TerritoryFindings

WIDTH = 100
_MOST_NAMED = 4
_MOST_WARNINGS = 2


def summary_lines(findings: TerritoryFindings, lang: str = "en") -> list[str]:
    """Sum a report up in lines of plain text.

    Parameters
    ----------
    findings
        What the study found.
    lang
        ``"en"`` or ``"fr"``.

    Returns
    -------
    list of str
        Lines of at most 100 characters, a few words longer where a name is.

    Raises
    ------
    InputError
        If there is no such language.
    """
    words = load_words(lang)
    findings = words.say_all(findings)
    names = words.listing(fleet.title for fleet in findings.fleets)
    title = words(
        "text.title", territory=territory_name(findings, words), constellations=names, span=words.span(findings.start, findings.end)
    )
    entries = [(words(f"text.{answer.key}"), plain(answer.sentence)) for answer in answer_questions(findings, words)]
    entries += _details(findings.fleets[0], words)
    for fleet in findings.fleets[1:]:
        entries.append((words("text.compare"), _compare(fleet, words)))
    entries += [(words("text.warning"), warning) for warning in findings.warnings[:_MOST_WARNINGS]]
    hidden = len(findings.warnings) - _MOST_WARNINGS
    if hidden > 0:
        entries.append(("", words("text.more", count=words.number(hidden))))
    return [title, *_lay_out(entries)]


def _details(fleet: FleetFindings, words: Words) -> list[tuple[str, str]]:
    coverage, latency = fleet.coverage, fleet.latency
    sky = words(
        "text.sky_text",
        in_view=words.number(coverage.satellites_in_view_mean, 1),
        in_view_min=words.number(coverage.satellites_in_view_min),
        usable=words.number(coverage.satellites_usable_mean, 1),
        usable_min=words.number(coverage.satellites_usable_min),
    )
    gap = words.duration(coverage.longest_gap_s) if coverage.longest_gap_s > 0.0 else words("sky.no_gap")
    covered, handovers = words.percent(coverage.covered_fraction), words.number(fleet.handovers_per_hour)
    entries = [
        (words("text.sky"), sky),
        (words("text.coverage"), words("text.coverage_text", covered=covered, gap=gap, handovers=handovers)),
    ]
    if latency.p50_ms is not None:
        names = ("user_link", "isl", "feeder", "backhaul", "access")
        parts = [f"{words(f'latency.{name}')} {words.number(getattr(latency, f'{name}_p50_ms'), 1)}" for name in names]
        entries.append((words("text.parts"), ", ".join(parts)))
    if fleet.gateways:
        landing = [f"{country_name(code, words.lang)} {words.percent(share)}" for code, share in fleet.landing_countries]
        entries.append((words("text.countries"), _some(landing)))
        entries.append((words("text.gateways"), _some(_name_sites(fleet.gateways, words))))
        entries.append((words("text.pops"), _some(_name_sites(fleet.pops, words))))
    used, read = words.number(fleet.satellites_used), words.number(fleet.satellites_read)
    key = "text.satellites_text" if np.isfinite(fleet.element_age_days) else "text.satellites_text_nominal"
    return [*entries, (words("text.satellites"), words(key, used=used, read=read, age=element_age(fleet, words)))]


def _compare(fleet: FleetFindings, words: Words) -> str:
    usable, covered = words.number(fleet.coverage.satellites_usable_mean, 1), words.percent(fleet.coverage.covered_fraction)
    return words("text.compare_text", name=fleet.title, usable=usable, covered=covered, latency=words.number(fleet.latency.p50_ms, 1))


def _name_sites(sites: tuple[LandingSite, ...], words: Words) -> list[str]:
    return [f"{site_name(site, words)} {words.percent(site.share)}" for site in sorted_sites(sites)]


def _some(items: list[str]) -> str:
    return ", ".join(items[:_MOST_NAMED]) + (", …" if len(items) > _MOST_NAMED else "")


def _lay_out(entries: list[tuple[str, str]]) -> list[str]:
    """Set names in one column and wrap what they say in the other."""
    indent = max(len(name) for name, _ in entries) + 4
    lines = []
    for name, text in entries:
        one_line = " ".join(text.split(" "))
        lines += textwrap.wrap(
            one_line,
            WIDTH,
            initial_indent=f"  {name:<{indent - 2}}",
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
