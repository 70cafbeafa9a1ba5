"""Axes that figures share: hours along the bottom, few grid lines, names of lines at their ends."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from overflight.report.figures import FAINT
from overflight.report.words import Words

_LINE_HEIGHT = 15.0
"""Least distance between names of lines, SVG units."""

_HOUR_STEPS = (1 / 60, 1 / 12, 0.25, 0.5, 1, 3, 6, 12, 24, 72, 168)

LineName = tuple[float, str, str, str]
"""Value at the right end of a line, its name, colour and weight."""


def style_hours(axes: Axes, first_hour: float, last_hour: float, words: Words, *, local_shift_h: float | None = None) -> None:
    """Ticks at whole hours, or at minutes for a short span; the day is written where it changes.

    Parameters
    ----------
    first_hour, last_hour
        Hours since the midnight UTC before the beginning.
    local_shift_h
        Local time less UTC, to be written below whole hours; None for UTC alone.
    """
    span = last_hour - first_hour
    step = next((step for step in _HOUR_STEPS if span / step <= 9), 720)
    slack = 0.02 * step
    ticks = np.arange(np.ceil((first_hour - slack) / step), np.floor((last_hour + slack) / step) + 1) * step
    axes.set_xlim(min([first_hour, *ticks]), max([last_hour, *ticks]))
    axes.set_xticks(ticks)
    days = span > 48
    names = [_hour_name(hour, days=days) for hour in ticks]
    is_local = local_shift_h is not None and step >= 1.0 and not days
    if local_shift_h is not None and is_local:
        names = [f"{name}\n{round(hour + local_shift_h) % 24}\N{NO-BREAK SPACE}h" for name, hour in zip(names, ticks, strict=True)]
    axes.set_xticklabels(names)
    axes.set_xlabel(words("format.utc_local_axis" if is_local else "format.utc_axis"), fontsize=10.5)
    axes.tick_params(axis="x", length=3)


def style_values(axes: Axes, words: Words) -> None:
    """Few grid lines, no vertical axis."""
    axes.spines["left"].set_visible(False)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, tick_digits(axes.get_yticks()))))
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", length=3)


def tick_digits(ticks: npt.ArrayLike) -> int:
    """Decimals that ticks need, two at most."""
    values = np.asarray(ticks, dtype=np.float64)
    return next((digits for digits in (0, 1) if np.allclose(values, np.round(values, digits), atol=1e-6)), 2)


def label_lines(axes: Axes, labels: list[LineName], *, height: float) -> None:
    """Write the names of lines at their right ends, pushed apart where they would touch.

    ``height`` is that of the axes in SVG units.
    """
    low, high = axes.get_ylim()
    order = sorted(range(len(labels)), key=lambda index: (labels[index][0], -index))
    placed = spread([(labels[index][0] - low) / (high - low) * height for index in order], _LINE_HEIGHT, 4.0, height)
    for index, place in zip(order, placed, strict=True):
        value, text, colour, weight = labels[index]
        axes.annotate(
            text,
            xy=(1.0, value),
            xycoords=axes.get_yaxis_transform(),
            xytext=(8.0, place - (value - low) / (high - low) * height),
            textcoords="offset points",
            va="center",
            color=colour,
            weight=weight,
            fontsize=10.5,
            annotation_clip=False,
        )


def spread(places: list[float], distance: float, low: float, high: float) -> list[float]:
    """Move ascending places apart to at least ``distance``, as little as a sweep there and back allows, within ``low`` … ``high``."""
    result = [min(max(place, low), high) for place in places]
    for index in range(1, len(result)):
        result[index] = max(result[index], result[index - 1] + distance)
    if result and result[-1] > high:
        result[-1] = high
        for index in range(len(result) - 2, -1, -1):
            result[index] = min(result[index], result[index + 1] - distance)
    return result


def _hour_name(hour: float, *, days: bool) -> str:
    """``HH:MM``; with ``days``, later days are counted below."""
    minutes = round(hour * 60)
    text = f"{minutes // 60 % 24:02d}:{minutes % 60:02d}" if minutes != 24 * 60 or days else "24:00"
    return f"{text}\n+{minutes // 1440}" if days and minutes >= 1440 else text
