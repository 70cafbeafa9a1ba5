"""The comparison of two policies as one HTML file: what a change of policy does, to whom, and what that rests on."""

from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

from overflight import __version__
from overflight.notices import Notice
from overflight.report.comparison_basis import basis_section, rules_section, terms_section
from overflight.report.comparison_contracts import contracts_section
from overflight.report.comparison_edge import edge_section
from overflight.report.comparison_network import elsewhere_section, others_section, rates_section
from overflight.report.comparison_people import people_section, terminals_section
from overflight.report.comparison_values import (
    FEW,
    arrow,
    headcount,
    policy_name,
    rate_with_unit,
    short_hash,
    territory_name,
    throughputs,
)
from overflight.report.frame import Chapter, KeyFigure, key_figures, number_chapters, render_frame, warnings_box
from overflight.report.markup import Page, escape, foreign
from overflight.report.words import NO_VALUE, Words, load_words
from overflight.study.comparison.findings import PolicyComparison

__all__ = ["comparison_sections", "render_comparison"]

_STYLES = ("style.css", "comparison.css")
_ARROW = ' <span class="arrow">→</span> '


class Section(NamedTuple):
    """A section: the key of its heading and identifier, and the function that writes it."""

    key: str
    write: Callable[[PolicyComparison, Page], str]


def comparison_sections(address: str) -> tuple[Section, ...]:
    """List the sections of a comparison in order; ``address`` is the SHA-256 of its document."""
    return (
        Section("people", people_section),
        Section("terminals", terminals_section),
        Section("rates", rates_section),
        Section("elsewhere", elsewhere_section),
        Section("edge", edge_section),
        Section("others", others_section),
        Section("contracts", contracts_section),
        Section("rules", rules_section),
        Section("basis", lambda found, page: basis_section(found, address, page)),
        Section("terms", terms_section),
    )


def render_comparison(found: PolicyComparison, *, lang: str = "en") -> str:
    """Write a comparison as the text of an HTML file; the same findings give the same text.

    Raises
    ------
    InputError
        If there is no such language.
    """
    words = load_words(lang)
    address = found.digest()  # of the document as it stands, before anything in it is said in another language
    said = words.say_all(found)
    page = Page(words)
    written = [
        Chapter(section.key, words(f"comparison_heading.{section.key}"), section.write(said, page))
        for section in comparison_sections(address)
    ]
    kept = [chapter for chapter in written if chapter.body]
    title = words("comparison_head.title", territory=territory_name(said, words))
    return render_frame(
        words,
        title=title,
        header=_header(said, title, words),
        summary=_summary(said, number_chapters(kept), words),
        chapters=kept,
        footer=words("comparison_head.footer", version=__version__),
        styles=_STYLES,
    )


def _header(found: PolicyComparison, title: str, words: Words) -> str:
    sides = [
        f'<span class="side">{escape(words(f"comparison_word.{key}"))}</span> {escape(policy_name(side, words))}{short_hash(side)}'
        for key, side in zip(("before", "after"), found.policies, strict=True)
    ]
    slots = words("comparison_head.slots", slots=words.count("slot", found.slots), step=words.duration(found.step_s))
    scope = [found.constellation, words.span(found.start, found.end), slots, words.count("cell", len(found.cell_ids))]
    return (
        f'<p class="kicker">{escape(words("comparison_head.kicker"))}</p>\n<h1>{escape(title)}</h1>\n'
        f'<p class="subtitle sides">{_ARROW.join(sides)}</p>\n'
        f'<p class="scope">{escape(" · ".join(scope))}</p>\n'
    )


def _summary(found: PolicyComparison, numbers: dict[str, int], words: Words) -> str:
    """The summary by subject, key figures, and the warnings to read them with."""
    rows = ""
    for subject, group in groupby(found.summary, key=lambda line: _subject(line, words)):
        said = "<br>\n".join(foreign(_sentence(line), words) for line in group)
        rows += f"<dt>{escape(subject)}</dt><dd>{said}</dd>\n"
    text = f'<section id="summary" aria-label="{escape(words("summary.heading"))}">\n'
    text += f'<dl class="answers">\n{rows}</dl>\n' if rows else ""
    return text + key_figures(_key_figures(found, words)) + warnings_box(found.warnings, numbers, words) + "</section>\n"


def _subject(line: str, words: Words) -> str:
    """What a line of the summary is about."""
    if not isinstance(line, Notice):
        return ""
    subject = line.key.removeprefix("summary_line.").partition("_")[0]
    return words.texts.get(f"comparison_subject.{subject}", "")


def _sentence(line: str) -> str:
    """A line as a sentence; it stays a notice if it is one."""
    text = line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?")) else ".")
    return Notice(text, line.key, line.values) if isinstance(line, Notice) else text


def _key_figures(found: PolicyComparison, words: Words) -> list[KeyFigure]:
    lives = found.lives
    figures = [_people_figure(name, getattr(lives, name), words) for name in ("gaining", "losing")]
    share = words.percent(min(lives.served[1] / lives.total, 1.0)) if lives.total > 0.0 else NO_VALUE
    served = _people_figure("served", lives.served[1], words)
    figures.append(served._replace(what=words("comparison_key.served", share=share)) if lives.served[1] >= FEW else served)
    figures.append(_rate_figure(found, words))
    figures.append(KeyFigure(arrow(*throughputs(found.rates.capacity_gbps, words)), words("comparison_key.capacity")))
    if found.contracts:
        broken, total = sum(row.change == "broken" for row in found.contracts), len(found.contracts)
        value = words("comparison_key.of", part=words.number(broken), whole=words.number(total))
        figures.insert(3, KeyFigure(value, words("comparison_key.contracts")))
    return figures


def _people_figure(name: str, people: float, words: Words) -> KeyFigure:
    if people < FEW:
        return KeyFigure(words("comparison_key.nobody"), words(f"comparison_key.{name}_nobody"))
    return KeyFigure(headcount(people, words), words(f"comparison_key.{name}", share=NO_VALUE))


def _rate_figure(found: PolicyComparison, words: Words) -> KeyFigure:
    """The median rate before and after, or on the side on which anybody is served."""
    before, after = (rate_with_unit(value, words) for value in found.rates.median_mbps)
    if NO_VALUE not in {before, after}:
        return KeyFigure(arrow(before, after), words("comparison_key.rate"))
    if before == after:
        return KeyFigure(NO_VALUE, words("comparison_key.rate_none"))
    return KeyFigure(before, words("comparison_key.rate_lost")) if after == NO_VALUE else KeyFigure(after, words("comparison_key.rate_new"))
