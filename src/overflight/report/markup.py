"""The few pieces of HTML that a report is made of. Everything that comes from outside goes through `escape` or `rich`."""

import html
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from overflight.notices import Notice
from overflight.report.words import Words

NUMBER, BAR = "number", "bar"
"""Kinds of columns beside text: right-aligned figures, and bars."""


@dataclass(slots=True)
class Page:
    """What the sections of one page share: its words, and the numbers of its figures and tables."""

    words: Words
    figures: int = 0
    tables: int = 0

    def next_figure(self) -> str:
        """Key of the next figure, unique in the page."""
        self.figures += 1
        return f"fig{self.figures}"

    def figure(self, svg: str, key: str, *captions: str) -> str:
        """Put a figure and its caption together."""
        number = self.words("document.figure", number=key.removeprefix("fig"))
        text = " ".join(rich(caption) for caption in captions if caption)
        return f'<figure id="{key}">\n{svg}\n<figcaption><span class="number">{escape(number)}</span> {text}</figcaption>\n</figure>\n'

    def table(
        self,
        caption: str,
        columns: Sequence[tuple[str, str]],
        rows: Iterable[Sequence[str]],
        *,
        marked: int | Collection[int] | None = None,
        narrow: bool = False,
    ) -> str:
        """Make a table.

        Parameters
        ----------
        caption
            What the table says, with emphasis; a table under a heading of its own needs none and is not numbered.
        columns
            Heading and kind of each column: ``""`` for text, `NUMBER` or `BAR`.
        rows
            Cells as HTML; the first of each row heads it.
        marked
            Index of a row to set off, or of several.
        narrow
            Keep short columns close together.
        """
        head = "".join(f'<th scope="col"{_class(kind)}>{escape(title)}</th>' for title, kind in columns)
        chosen = {marked} if isinstance(marked, int) else set(marked or ())
        body = "".join(_row(row, [kind for _, kind in columns], marked=index in chosen) for index, row in enumerate(rows))
        title = ""
        if caption:
            self.tables += 1
            number = self.words("document.table", number=str(self.tables))
            title = f'<caption><span class="number">{escape(number)}</span> {rich(caption)}</caption>\n'
        kind = "table narrow" if narrow else "table"
        head = f"<thead><tr>{head}</tr></thead>"
        return f'<div class="{kind}"><table>\n{title}{head}\n<tbody>\n{body}</tbody>\n</table></div>\n'


def escape(text: str) -> str:
    """Make a text safe to stand in HTML, in attributes too."""
    return html.escape(text, quote=True)


def rich(text: str) -> str:
    """Escape a sentence and turn its ``**emphasis**`` into markup."""
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))


def paragraph(*sentences: str, kind: str = "") -> str:
    """Make a paragraph of sentences, the empty ones left out; no paragraph of nothing."""
    text = " ".join(rich(sentence) for sentence in sentences if sentence)
    return f"<p{_class(kind)}>{text}</p>\n" if text else ""


def bar(share: float, *, weak: bool = False) -> str:
    """Make a bar as long as a share of its column; a bar of something is never invisible."""
    if not share > 0.0:
        return ""
    width = f"{max(0.6, 100.0 * min(share, 1.0)):.1f}"
    return f'<span class="fill{" weak" if weak else ""}" style="width:{width}%"></span>'


def foreign(text: str, words: Words) -> str:
    """Mark a text that nobody said in the page's language as English."""
    return escape(text) if words.lang == "en" or isinstance(text, Notice) else f'<span lang="en">{escape(text)}</span>'


def unordered(items: Iterable[str]) -> str:
    """Make a list of pieces of HTML."""
    return "<ul>\n" + "".join(f"<li>{item}</li>\n" for item in items) + "</ul>\n"


def _row(cells: Sequence[str], kinds: Sequence[str], *, marked: bool) -> str:
    first = f'<th scope="row"{_class(kinds[0])}>{cells[0]}</th>'
    rest = "".join(f"<td{_class(kind)}>{cell}</td>" for cell, kind in zip(cells[1:], kinds[1:], strict=True))
    return f"<tr{_class('marked' if marked else '')}>{first}{rest}</tr>\n"


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
