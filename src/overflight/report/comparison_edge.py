"""How sharp the line between served and denied is: who lives on its wrong side, and how far from it."""

import numpy as np

from overflight.report.comparison_charts import WRONG_SIDES, band_name, draw_edges
from overflight.report.comparison_values import FEW, has_line, headcount, say_people
from overflight.report.markup import NUMBER, Page, escape, paragraph, rich, unordered
from overflight.report.words import Words
from overflight.study.comparison.findings import Edge, PolicyComparison

_COLUMNS = ("denied", "lit_by_cell", "lit_by_beam", "allowed", "dark_by_cell")


def edge_section(found: PolicyComparison, page: Page) -> str:
    """What becomes of people near the line under the policy after, and before; nothing where neither has a line."""
    words = page.words
    sides = [(side, edge) for side, edge in zip(("after", "before"), (found.edges[1], found.edges[0]), strict=True) if has_line(edge)]
    if not sides:
        return ""
    text = paragraph(words("comparison_edge.why"), _say_beam(sides[0][1], words))
    text += _wrong_sides(sides, words) + paragraph(_say_no_line(found, words))
    around = words.number(sides[0][1].around_km)
    text += _figure(sides, page)
    for side, edge in sides:
        table = _table(side, edge, page)
        text += (
            table if side == sides[0][0] else f"<details><summary>{escape(words('comparison_edge.more'))}</summary>\n{table}</details>\n"
        )
    return text + paragraph(words("comparison_edge.note", around=around), kind="note")


def _say_beam(edge: Edge, words: Words) -> str:
    if not (np.isfinite(edge.beam_along_km) and np.isfinite(edge.beam_across_km)):
        return ""
    return words("comparison_edge.beam", along=words.number(edge.beam_along_km), across=words.number(edge.beam_across_km))


def _wrong_sides(sides: list[tuple[str, Edge]], words: Words) -> str:
    """How many people are on the wrong side of the line in each way, and how many were."""
    items = []
    for name, _ in WRONG_SIDES:
        counts = [say_people(sum(getattr(row, name) for row in edge.bands), words) for _, edge in sides]
        before = words("comparison_edge.wrong_before", count=counts[1]) if len(counts) > 1 else ""
        items.append(rich(words("comparison_edge.wrong", count=counts[0], how=words(f"comparison_edge.{name}"), before=before).rstrip()))
    return paragraph(words(f"comparison_edge.lead_{sides[0][0]}")) + unordered(items)


def _say_no_line(found: PolicyComparison, words: Words) -> str:
    """Which of the policies has no line, if one has none."""
    for edge, side in zip(found.edges, ("before", "after"), strict=True):
        if not has_line(edge):
            return words(f"comparison_edge.no_line_{side}", around=words.number(edge.around_km))
    return ""


def _figure(sides: list[tuple[str, Edge]], page: Page) -> str:
    """The columns; nothing where nobody lives on the wrong side."""
    words = page.words
    if not any(getattr(row, name) >= FEW for _, edge in sides for row in edge.bands for name, _ in WRONG_SIDES):
        return paragraph(words("comparison_edge.sharp"))
    key = page.next_figure()
    panels = [(words(f"comparison_edge.panel_{side}"), edge) for side, edge in sides]
    svg = draw_edges(panels, words, key=key, label=words("comparison_edge.alt"))
    return page.figure(svg, key, words("comparison_edge.caption"), words("comparison_edge.caption_note"))


def _table(side: str, edge: Edge, page: Page) -> str:
    words = page.words
    columns = [(words("comparison_edge.distance"), ""), *((words(f"comparison_edge.{name}_column"), NUMBER) for name in _COLUMNS)]
    rows = [[escape(band_name(row, words)), *(headcount(getattr(row, name), words) for name in _COLUMNS)] for row in edge.bands]
    total = [headcount(sum(getattr(row, name) for row in edge.bands), words) for name in _COLUMNS]
    rows.append([escape(words("comparison_edge.total")), *total])
    return page.table(words(f"comparison_edge.table_{side}"), columns, rows, marked=len(rows) - 1)
