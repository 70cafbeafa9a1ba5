"""Figures of the chapter on capacity: asked for and delivered over the day, what holds rates back, the tornado."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from overflight.report import figures
from overflight.report.axes import label_lines, style_hours, style_values, tick_digits
from overflight.report.figures import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    WIDTH,
    YELLOW,
    add_axes,
    new_figure,
    to_svg,
)
from overflight.report.words import Words, throughput_in
from overflight.study.capacity_findings import CapacityFindings, Swing

Floats = npt.NDArray[np.float64]

HOURS = 24

FREE = "nothing"
"""The kind of bottleneck of those who get all that they ask for."""

KIND_COLOURS = {
    FREE: "#e1e4e7",
    "spectrum": SKY,
    "beams": BLUE,
    "channel": YELLOW,
    "satellite": GREEN,
    "laser": PURPLE,
    "feeder": ORANGE,
    "gateway": VERMILION,
    "pop": "#7a4a12",
    "no_way": GREY,
    "unseen": INK,
}
"""Colours of what holds rates back, in the order in which they are stacked."""

LEAST_SHOWN = 0.001
"""Share of terminals from which on a kind has a name in the figure and a row in its table."""

_LEFT, _RIGHT = 38.0, 150.0
"""Room beside a chart over time: for numbers, for names of its marks."""

_FAR_ABOVE = 3.0
"""National capacity so many times what is asked for is drawn above it, on a scale of its own."""

_BAR_ROW = 31.0
_NAMES = 278.0
_PANEL_GAP = 30.0


@dataclass(frozen=True, slots=True)
class _Stretches:
    """Slots that follow one another, gathered into one mark each."""

    starts: npt.NDArray[np.int64]
    hours: Floats

    def mean(self, values: Floats) -> Floats:
        counts = np.diff(np.append(self.starts, len(values)))
        return np.asarray(np.add.reduceat(values, self.starts) / counts)


def is_continuous(capacity: CapacityFindings) -> bool:
    """Whether the slots follow one another without a gap, and are more than one."""
    return len(capacity.slot_start) > 1 and len(_gather(capacity).starts) == 1


def draw_day(capacity: CapacityFindings, words: Words, *, key: str, label: str) -> str:
    """Draw what is asked for and delivered, and national capacity, at the times that were worked out: marks, not lines between them."""
    asked_top = float(max(capacity.asked_gbps.max(initial=0.0), capacity.delivered_gbps.max(initial=0.0)))
    capacity_top = float(capacity.capacity_gbps.max(initial=0.0))
    apart = asked_top > 0.0 and capacity_top > _FAR_ABOVE * asked_top
    with figures.house_style():
        heights = (66.0, 150.0) if apart else (200.0,)
        figure = new_figure(sum(heights) + 30.0 * len(heights) + 52.0)
        top = 24.0
        drawn = []
        for index, height in enumerate(heights):
            with_demand, with_capacity = not apart or index == 1, len(heights) == 1 or index == 0
            greatest = max(asked_top * with_demand, capacity_top * with_capacity)
            axes = _time_axes(figure, top, height, capacity, words, greatest, is_last=index == len(heights) - 1)
            drawn.append(axes)
            factor, unit = throughput_in(1.0, greatest)
            labels = _draw_demand(axes, capacity, words, factor) if with_demand and asked_top > 0.0 else []
            labels += _draw_national(axes, capacity, words, factor) if with_capacity and capacity_top > 0.0 else []
            name = "delivered_axis" if with_demand and apart else "capacity_axis" if apart or not asked_top else "both_axis"
            axes.annotate(
                words(f"capacity.{name}", unit=unit), (0, 1), (-36, 7), "axes fraction", "offset points", color=GREY, fontsize=10.5
            )
            label_lines(axes, labels, height=height)
            top += height + 30.0
        return to_svg(figure, key=key, label=label)


def draw_bottlenecks(capacity: CapacityFindings, words: Words, *, key: str, label: str) -> str:
    """Draw what holds active terminals back as columns of shares, one for each hour of local time."""
    kinds = shown_kinds(capacity)
    order = [kind for kind in KIND_COLOURS if kind in dict(kinds)] + [kind for kind, _ in kinds if kind not in KIND_COLOURS]
    columns = {kind: capacity.bottleneck_hours[:, column] for column, (kind, _) in enumerate(capacity.bottlenecks)}
    names = 218.0
    with figures.house_style():
        figure = new_figure(240)
        width, height = WIDTH - 44.0 - names, 178.0
        axes = add_axes(figure, 44, 14, width, height)
        bottom = np.zeros(HOURS)
        for kind in [kind for kind in order if kind != FREE] + [kind for kind in order if kind == FREE]:
            share = np.nan_to_num(columns[kind])
            axes.bar(np.arange(HOURS) + 0.5, share, 0.86, bottom=bottom, color=_kind_colour(kind), linewidth=0)
            bottom += share
        axes.set_xlim(0, HOURS)
        axes.set_ylim(0, 1)
        style_values(axes, words)
        axes.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.percent(value)))
        axes.set_xticks(np.arange(0, HOURS + 1, 3))
        axes.set_xticklabels([f"{hour} h" for hour in range(0, HOURS + 1, 3)])
        axes.set_xlabel(words("capacity.hold_axis"), fontsize=10.5)
        _name_kinds(axes, kinds, words, width=width, height=height)
        return to_svg(figure, key=key, label=label)


def shown_kinds(capacity: CapacityFindings) -> list[tuple[str, float]]:
    """Kinds of bottleneck that matter, by falling share."""
    return sorted(((kind, share) for kind, share in capacity.bottlenecks if share >= LEAST_SHOWN), key=lambda row: -row[1])


def draw_tornado(swings: Sequence[Swing], base: tuple[float, float], names: Sequence[str], words: Words, *, key: str, label: str) -> str:
    """Draw a tornado chart: what one number does to the median rate, and to national capacity.

    Parameters
    ----------
    swings
        Rows, the widest first.
    base
        Median rate, Mbit/s, and national capacity, Gbit/s, of the report itself.
    names
        What the rows are called.
    """
    ends = np.array([[row.capacity_low_gbps, row.capacity_high_gbps] for row in swings])
    factor, unit = throughput_in(1.0, float(np.nanmax(np.append(ends, base[1]), initial=0.0)))
    medians = np.array([[row.median_low_mbps, row.median_high_mbps] for row in swings])
    panels = [
        (words("capacity.depends_median"), medians, base[0]),
        (words("capacity.depends_capacity", unit=unit), ends * factor, base[1] * factor),
    ]
    panels = [panel for panel in panels if np.isfinite(panel[1]).any()]
    width = (WIDTH - _NAMES - _PANEL_GAP * len(panels)) / max(len(panels), 1)
    height = _BAR_ROW * len(swings)
    with figures.house_style():
        figure = new_figure(height + 62)
        for index, (title, values, middle) in enumerate(panels):
            axes = add_axes(figure, _NAMES + index * (width + _PANEL_GAP), 26, width, height)
            _draw_swings(axes, values, middle, words)
            axes.annotate(title, (0, 1), (0, 8), "axes fraction", "offset points", weight="bold", fontsize=10.5)
            if index == 0:
                _name_swings(axes, swings, names, words)
        return to_svg(figure, key=key, label=label)


def _gather(capacity: CapacityFindings) -> _Stretches:
    """Stretches of slots: a new one begins after a gap."""
    times = capacity.slot_start
    hours = (times - times[0].astype("datetime64[D]")) / np.timedelta64(1, "h")
    if len(times) < 2:
        return _Stretches(np.zeros(1, dtype=np.int64), np.asarray(hours))
    gaps = np.diff(hours)
    starts = np.append(0, np.flatnonzero(gaps > 1.5 * gaps.min()) + 1).astype(np.int64)
    return _Stretches(starts, np.asarray(np.add.reduceat(hours, starts) / np.diff(np.append(starts, len(hours)))))


def _hours_of(times: npt.NDArray[np.datetime64], capacity: CapacityFindings) -> Floats:
    return np.asarray((times - capacity.slot_start[0].astype("datetime64[D]")) / np.timedelta64(1, "h"), dtype=np.float64)


def _time_axes(
    figure: Figure, top: float, height: float, capacity: CapacityFindings, words: Words, greatest_gbps: float, *, is_last: bool
) -> Axes:
    axes = add_axes(figure, _LEFT, top, WIDTH - _LEFT - _RIGHT, height)
    hours = _hours_of(capacity.slot_start, capacity)
    margin = max(0.01 * float(np.ptp(hours)), 1.0 / 240.0)
    shift = float(capacity.local_hour[0]) - float(hours[0])
    axes.set_ylim(0, 1.08 * throughput_in(greatest_gbps, greatest_gbps)[0] or 1.0)
    style_hours(axes, float(hours[0]) - margin, float(hours[-1]) + margin, words, local_shift_h=shift)
    style_values(axes, words)
    axes.yaxis.set_major_locator(MaxNLocator(5 if height > 100.0 else 2))
    if not is_last:
        axes.set_xticklabels([])
        axes.set_xlabel("")
    return axes


def _draw_demand(axes: Axes, capacity: CapacityFindings, words: Words, factor: float) -> list[tuple[float, str, str, str]]:
    """Asked for and delivered: lines where every slot was worked out, marks where stretches were."""
    if capacity.uncertainty is not None:
        _draw_band(axes, capacity, factor)
    asked, delivered = factor * capacity.asked_gbps, factor * capacity.delivered_gbps
    stretches = _gather(capacity)
    if is_continuous(capacity):
        hours = _hours_of(capacity.slot_start, capacity)
        axes.fill_between(hours, delivered, asked, color=VERMILION, alpha=0.18, linewidth=0)
        axes.plot(hours, asked, color=INK, linewidth=1.1)
        axes.plot(hours, delivered, color=BLUE, linewidth=1.7)
    else:
        asked, delivered = stretches.mean(asked), stretches.mean(delivered)
        axes.vlines(stretches.hours, delivered, asked, color=VERMILION, alpha=0.55, linewidth=1.4)
        axes.plot(stretches.hours, asked, "_", color=INK, markersize=9, markeredgewidth=1.5)
        axes.plot(stretches.hours, delivered, "o", color=BLUE, markersize=4.6, markeredgewidth=0)
    return [
        (float(asked[-1]), words("capacity.asked_line"), INK, "normal"),
        (float(delivered[-1]), words("capacity.delivered_line"), BLUE, "bold"),
    ]


def _draw_band(axes: Axes, capacity: CapacityFindings, factor: float) -> None:
    """What is delivered in four of five draws, at the times that were drawn."""
    assert capacity.uncertainty is not None
    hours = _hours_of(capacity.uncertainty.slot_start, capacity)
    low, _, high = factor * capacity.uncertainty.by_slot_gbps
    axes.vlines(hours, low, high, color=SKY, alpha=0.45, linewidth=7.0, zorder=1.5)
    axes.set_ylim(0, max(axes.get_ylim()[1], 1.08 * float(np.max(high, initial=0.0))))


def _draw_national(axes: Axes, capacity: CapacityFindings, words: Words, factor: float) -> list[tuple[float, str, str, str]]:
    hours = _hours_of(capacity.slot_start[capacity.capacity_rows], capacity)
    mean = factor * capacity.capacity_mean_gbps
    axes.axhline(mean, color=GREEN, linewidth=1.0, dashes=(4, 3))
    axes.plot(hours, factor * capacity.capacity_gbps, "D", color=GREEN, markersize=4.6, markeredgewidth=0)
    return [(mean, words("capacity.capacity_line"), GREEN, "normal")]


def _kind_colour(kind: str) -> str:
    return KIND_COLOURS.get(kind, GREY)


def _name_kinds(axes: Axes, kinds: Sequence[tuple[str, float]], words: Words, *, width: float, height: float) -> None:
    """The key beside the columns: kinds by falling share, with their share of the whole time."""
    step = min(22.0, height / max(len(kinds), 1))
    for index, (kind, share) in enumerate(kinds):
        y = 1.0 - (index + 0.5) * step / height
        swatch = Rectangle((1.0 + 16.0 / width, y - 5.0 / height), 12.0 / width, 10.0 / height, facecolor=_kind_colour(kind), clip_on=False)
        swatch.set_transform(axes.transAxes)
        axes.add_patch(swatch)
        text = f"{words.percent(share)}  {words.label('bottleneck_short', kind)}"
        axes.annotate(text, (1.0, y), (35, 0), "axes fraction", "offset points", va="center", annotation_clip=False, fontsize=10.5)


def _draw_swings(axes: Axes, values: Floats, middle: float, words: Words) -> None:
    """Bars from the middle to the answer at the low end and at the high end of each row's value."""
    rows = np.arange(len(values))
    known = np.isfinite(values).all(axis=1)
    middle = middle if np.isfinite(middle) else float(np.nanmean(values))
    for column, colour in ((0, ORANGE), (1, BLUE)):
        axes.barh(rows[known], values[known, column] - middle, 0.56, left=middle, color=colour, linewidth=0)
    same_side = known & ((values[:, 0] - middle) * (values[:, 1] - middle) > 0.0)
    for row in rows[same_side].tolist():
        column = int(np.argmin(np.abs(values[row] - middle)))
        axes.barh(row, values[row, column] - middle, 0.3, left=middle, color=(ORANGE, BLUE)[column], linewidth=0)
    axes.axvline(middle, color=INK, linewidth=1.0)
    axes.set_ylim(len(values) - 0.5, -0.5)
    low, high = (float(edge) for edge in (np.nanmin(np.append(values, middle)), np.nanmax(np.append(values, middle))))
    pad = 0.06 * (high - low) or max(0.1 * abs(middle), 0.1)
    axes.set_xlim(low - pad, high + pad)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, tick_digits(axes.get_xticks()))))
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=3)


def _name_swings(axes: Axes, swings: Sequence[Swing], names: Sequence[str], words: Words) -> None:
    """Names of the rows, and both ends of their ranges in the colours of the bars."""
    for row, (swing, name) in enumerate(zip(swings, names, strict=True)):
        axes.annotate(
            name, (0, row), (-_NAMES, 6), axes.get_yaxis_transform(), "offset points", va="center", fontsize=10.5, annotation_clip=False
        )
        ends = write_range((swing.low, swing.high), swing.unit, words)
        axes.annotate(
            ends,
            (0, row),
            (-_NAMES, -7),
            axes.get_yaxis_transform(),
            "offset points",
            va="center",
            fontsize=9.0,
            color=GREY,
            annotation_clip=False,
        )


def write_range(values: Sequence[float], unit: str, words: Words) -> str:
    """Write values of a parameter with the digits that they have, and the unit as people do."""
    known = {"1": "", "deg": "°"}.get(unit, f"\N{NO-BREAK SPACE}{unit}" if unit else "")
    return " … ".join(words.localise(f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}") for value in values) + known
