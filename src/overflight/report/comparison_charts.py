"""Figures of a comparison other than maps: rates before and after, and people on the wrong side of the line by their distance from it."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from overflight.report import figures
from overflight.report.comparison_values import HARD
from overflight.report.figures import BLUE, FAINT, GREY, INK, ORANGE, VERMILION, WIDTH, add_axes, new_figure, to_svg
from overflight.report.words import NO_VALUE, Words
from overflight.study.comparison.findings import Edge, EdgeBand, Pair, RateChange

BEFORE_COLOUR = "#a7b0b8"
AFTER_COLOUR = BLUE

WRONG_SIDES = (("lit_by_cell", VERMILION), ("lit_by_beam", ORANGE), ("dark_by_cell", BLUE))
"""How people can be on the wrong side of the line, and the colours of that."""

_NAMES, _VALUES, _GAP = 54.0, 96.0, 26.0
_PANEL_HEIGHT = 86.0
_COLUMN = 0.27
"""Width of a column, where bands are 1 apart."""

_EDGE_HEIGHT, _EDGE_LEAST, _EDGE_HEADER = 150.0, 24.0, 34.0
"""Height of the panel with the longest column, what a panel without any has, and room for its title."""


class _Bars(NamedTuple):
    """What two bars show: a title, their lengths, and what is written at their ends."""

    title: str
    lengths: Pair
    names: tuple[str, str]


def draw_rates(rates: RateChange, words: Words, *, key: str, label: str) -> str:
    """Draw pairs of bars: what an active terminal gets, and all of them together, before and after."""
    panels = [_rate_bars(name, getattr(rates, f"{name}_mbps"), words) for name in ("median", "worst_tenth")]
    panels += [_throughput_bars(name, getattr(rates, f"{name}_gbps"), words) for name in ("delivered", "capacity")]
    width = (WIDTH - _GAP) / 2
    with figures.house_style():
        figure = new_figure(2 * _PANEL_HEIGHT + 8)
        for index, bars in enumerate(panels):
            left, top = (width + _GAP) * (index % 2), (_PANEL_HEIGHT + 8) * (index // 2)
            _draw_bars(figure, bars, (left, top), width, words)
        return to_svg(figure, key=key, label=label)


def _rate_bars(name: str, pair: Pair, words: Words) -> _Bars:
    names = [f"{words.rate(value)}{HARD}Mbit/s" if math.isfinite(value) else words("comparison_rates.nobody") for value in pair]
    return _Bars(words(f"comparison_rates.{name}_title"), pair, (names[0], names[1]))


def _throughput_bars(name: str, pair: Pair, words: Words) -> _Bars:
    names = [words.throughput(value) if value > 0.0 else words.number(0.0) if value == 0.0 else NO_VALUE for value in pair]
    return _Bars(words(f"comparison_rates.{name}_title"), pair, (names[0], names[1]))


def _draw_bars(figure: Figure, bars: _Bars, corner: tuple[float, float], width: float, words: Words) -> None:
    axes = add_axes(figure, corner[0], corner[1], width, _PANEL_HEIGHT)
    axes.set_xlim(0.0, width)
    axes.set_ylim(_PANEL_HEIGHT, 0.0)
    axes.axis("off")
    axes.text(0.0, 14.0, bars.title, weight="bold", fontsize=10.5)
    greatest = max((value for value in bars.lengths if math.isfinite(value)), default=0.0) or 1.0
    room = width - _NAMES - _VALUES
    for row, (side, colour) in enumerate((("before", BEFORE_COLOUR), ("after", AFTER_COLOUR))):
        y = 25.0 + 26.0 * row
        axes.text(_NAMES - 8.0, y + 10.0, words(f"comparison_word.{side}"), ha="right", va="center", fontsize=10.5, color=GREY)
        length, is_known = bars.lengths[row], math.isfinite(bars.lengths[row])
        long = room * length / greatest if is_known else 0.0
        if long > 0.0:
            axes.add_patch(Rectangle((_NAMES, y), max(long, 1.0), 20.0, facecolor=colour, linewidth=0))
        style: dict[str, Any] = {"color": INK, "weight": "bold" if row else "normal"} if is_known else {"color": GREY, "style": "italic"}
        axes.text(_NAMES + long + 7.0, y + 10.0, bars.names[row], va="center", fontsize=10.5, **style)
    axes.plot([_NAMES, _NAMES], [22.0, 74.0], color=FAINT, linewidth=1.0)


def draw_edges(sides: Sequence[tuple[str, Edge]], words: Words, *, key: str, label: str) -> str:
    """Draw columns of people on the wrong side of the line, by bands of distance from it; one panel for each policy, on one scale.

    Parameters
    ----------
    sides
        Titles of the panels, and what was found under each policy.
    """
    greatest = max(_most_wrong(edge) for _, edge in sides)
    factor, unit = _people_unit(greatest)
    with figures.house_style():
        legend = 22.0 * len(WRONG_SIDES) + 8.0
        heights = [_EDGE_LEAST + (_EDGE_HEIGHT - _EDGE_LEAST) * _most_wrong(edge) / greatest for _, edge in sides]
        figure = new_figure(legend + sum(heights) + _EDGE_HEADER * len(sides) + 42.0 + 30.0 * (len(sides) - 1))
        _draw_legend(figure, words)
        top = legend
        for (title, edge), height in zip(sides, heights, strict=True):
            axes = add_axes(figure, 0.0, top + _EDGE_HEADER, WIDTH, height)
            top += _EDGE_HEADER + height + 30.0
            _draw_columns(axes, edge.bands, factor, greatest * factor * height / _EDGE_HEIGHT, words)
            unit_name = words(f"comparison_edge.unit_{unit}")
            axes.annotate(title, (0, 1), (0, 20), "axes fraction", "offset points", weight="bold", fontsize=10.5)
            axes.annotate(unit_name, (1, 1), (0, 20), "axes fraction", "offset points", ha="right", color=GREY, fontsize=10.5)
        axes.set_xlabel(words("comparison_edge.axis"), fontsize=10.5)
        return to_svg(figure, key=key, label=label)


def _most_wrong(edge: Edge) -> float:
    """The greatest number of people on the wrong side of the line in one band and one way."""
    return max(float(getattr(row, name)) for row in edge.bands for name, _ in WRONG_SIDES)


def _people_unit(greatest: float) -> tuple[float, str]:
    """Factor and name of the unit in which people are written over columns."""
    if greatest >= 1e6:
        return 1e-6, "millions"
    return (1e-3, "thousands") if greatest >= 1e4 else (1.0, "people")


def _draw_legend(figure: Figure, words: Words) -> None:
    height = 22.0 * len(WRONG_SIDES)
    axes = add_axes(figure, 0.0, 0.0, WIDTH, height)
    axes.set_xlim(0.0, WIDTH)
    axes.set_ylim(height, 0.0)
    axes.axis("off")
    for row, (name, colour) in enumerate(WRONG_SIDES):
        y = 22.0 * row + 5.0
        axes.add_patch(Rectangle((0.0, y), 16.0, 11.0, facecolor=colour, linewidth=0))
        axes.text(24.0, y + 6.0, words(f"comparison_edge.{name}"), va="center", fontsize=10.5)


def _draw_columns(axes: Axes, bands: Sequence[EdgeBand], factor: float, top: float, words: Words) -> None:
    for place, band in enumerate(bands):
        for column, (name, colour) in enumerate(WRONG_SIDES):
            value = factor * getattr(band, name)
            x = place + (column - 1) * _COLUMN
            if factor < 1.0 or value >= 0.5:
                axes.bar(x, value, 0.92 * _COLUMN, color=colour, linewidth=0)
                text = _two_figures(value, words) if getattr(band, name) >= 0.5 else words.number(0.0)
            else:
                text = words.number(0.0)
            axes.annotate(
                text, (x, value), (0, 3), textcoords="offset points", ha="center", fontsize=9.5, color=GREY if text == "0" else INK
            )
    axes.set_xlim(-0.55, len(bands) - 0.45)
    axes.set_ylim(0.0, top)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xticks(np.arange(len(bands)))
    axes.set_xticklabels([band_name(band, words) for band in bands])
    axes.tick_params(axis="x", length=0)


def band_name(band: EdgeBand, words: Words) -> str:
    """Write a band of distance: "5 to 10 km"."""
    if not math.isfinite(band.to_km):
        return words("comparison_edge.band_beyond", first=words.number(band.from_km))
    return words("comparison_edge.band", first=words.number(band.from_km), last=words.number(band.to_km))


def _two_figures(value: float, words: Words) -> str:
    """Write a number over a column to two figures, and to no more than two decimals."""
    if value < 0.005:
        return f"<{HARD}{words.number(0.01, 2)}"
    digits = 0 if value >= 9.95 else 1 if value >= 0.995 else 2
    return words.number(value, digits)
