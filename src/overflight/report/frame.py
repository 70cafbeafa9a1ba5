"""What every page has: document type, head, header, contents, numbered chapters, footer; and how it comes onto the disk.

A page holds no script and may load nothing: its content security policy says so to the browser.
"""

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from overflight import __version__
from overflight.report.markup import escape, foreign, unordered
from overflight.report.words import Words
from overflight.run import unwritable

MOST_WARNINGS = 3
"""Warnings that the summary shows; the rest stands in the chapter on what the page rests on."""

MOST_IN_A_ROW = 6
"""More key figures than these stand in two rows."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Chapter(NamedTuple):
    """A chapter: its identifier, its heading, and what it says as HTML."""

    key: str
    heading: str
    body: str


class KeyFigure(NamedTuple):
    """A figure that stands out: its value, what it is, and whether it is a word rather than a number."""

    value: str
    what: str
    is_word: bool = False


def number_chapters(chapters: Sequence[Chapter]) -> dict[str, int]:
    """Numbers of chapters by their identifiers."""
    return {chapter.key: number for number, chapter in enumerate(chapters, start=1)}


def render_frame(
    words: Words,
    *,
    title: str,
    header: str,
    summary: str,
    chapters: Sequence[Chapter],
    footer: str,
    styles: Sequence[str] = ("style.css",),
) -> str:
    """Put a page together.

    Parameters
    ----------
    words
        The page's language.
    title
        Of the window.
    header, summary
        HTML at the top, and before the contents.
    chapters
        In order; they are numbered from 1.
    footer
        Text at the bottom.
    styles
        Style sheets of this package, written into the page one after the other.
    """
    folder = Path(__file__).parent
    style = "".join((folder / name).read_text(encoding="utf-8") for name in styles)
    sections = "".join(_section(number, chapter) for number, chapter in enumerate(chapters, start=1))
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
{header}</header>
<main>
{summary}{_contents(chapters, words)}{sections}</main>
<footer><p>{escape(footer)}</p></footer>
</body>
</html>
"""


def key_figures(figures: Sequence[KeyFigure]) -> str:
    """Make a list of key figures."""
    cards = "".join(_card(figure) for figure in figures)
    return f'<ul class="keys{" many" if len(figures) > MOST_IN_A_ROW else ""}">\n{cards}</ul>\n'


def warnings_box(warnings: Sequence[str], numbers: Mapping[str, int], words: Words) -> str:
    """Show the first warnings, and where the others stand; no warnings, no box."""
    if not warnings:
        return ""
    shown = unordered(foreign(warning, words) for warning in warnings[:MOST_WARNINGS])
    lead = escape(words("summary.warnings", count=words.count("warning", len(warnings))))
    if len(warnings) > MOST_WARNINGS:
        more = words("summary.more_warnings", section=str(numbers["basis"]))
        lead += f' (<a href="#warnings">{escape(more)}</a>)'
    return f'<div class="notice">\n<p><strong>{lead}</strong></p>\n{shown}</div>\n'


def write_page(text: str, path: str | Path) -> None:
    """Write a page to a file, which appears complete or not at all.

    Raises
    ------
    RunError
        If the file cannot be written.
    """
    path = Path(path)
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)  # noqa: PTH105 - the one that is sure to replace
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def _card(figure: KeyFigure) -> str:
    kind = "value word" if figure.is_word else "value"
    return f'<li><span class="{kind}">{escape(figure.value)}</span> <span class="what">{escape(figure.what)}</span></li>\n'


def _contents(chapters: Sequence[Chapter], words: Words) -> str:
    items = "".join(f'<li><a href="#{chapter.key}">{escape(chapter.heading)}</a></li>\n' for chapter in chapters)
    return f'<nav aria-label="{escape(words("document.contents"))}">\n<ol>\n{items}</ol>\n</nav>\n'


def _section(number: int, chapter: Chapter) -> str:
    key = chapter.key
    heading = f'<h2 id="{key}-heading"><span class="number">{number}</span>{escape(chapter.heading)}</h2>'
    return f'<section id="{key}" aria-labelledby="{key}-heading">\n{heading}\n{chapter.body}</section>\n'
