"""Figures other than maps: satellites over the day, the latency distribution and its parts, constellations side by side."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from overflight.report import figures
from overflight.report.axes import label_lines, style_hours, style_values, tick_digits
from overflight.report.figures import BLUE, FAINT, GREEN, GREY, INK, ORANGE, SKY, VERMILION, WIDTH, add_axes, new_figure, to_svg
from overflight.report.words import Words
from overflight.study.findings import FleetFindings, Latency

Floats = npt.NDArray[np.float64]

_NAME_WIDTH = 170.0
"""Room to the right of the last percentile for its name, SVG units."""

MAX_BINS = 90
"""Bins of the latency histogram."""

MAX_POINTS = 480
"""Points along the time axis; more slots are drawn in bins of equal length."""

PARTS = ("user_link", "isl", "feeder", "backhaul", "access")
_PART_COLOURS = {"user_link": SKY, "isl": BLUE, "feeder": GREEN, "backhaul": ORANGE, "access": "#d9dde1"}
_DEEP_SKY = "#2f7fb0"


def slots_per_point(slots: int) -> int:
    """How many slots one point of `draw_sky` stands for."""
    return max(1, -(-slots // MAX_POINTS))


def draw_sky(fleet: FleetFindings, words: Words, *, key: str, label: str) -> str:
    """Draw satellites in view and satellites that may serve over time: mean lines, the band of extremes, the worst cell.

    Slots are gathered in bins: lines take the mean of a bin, the band its least and greatest, the worst cell's line its least.
    """
    bin_slots = slots_per_point(len(fleet.slot_start))
    starts = np.arange(0, len(fleet.slot_start), bin_slots)
    hours = (fleet.slot_start[starts] - fleet.slot_start[0].astype("datetime64[D]")) / np.timedelta64(1, "h")
    lowest, highest = _least(fleet.in_view_min, starts), _greatest(fleet.in_view_max, starts)
    in_view, usable = _mean(fleet.in_view_mean, starts), _mean(fleet.usable_mean, starts)
    worst = _least(fleet.usable_min, starts)
    with figures.house_style():
        figure = new_figure(270)
        axes = add_axes(figure, 34, 24, WIDTH - 34 - 178, 204)
        if len(starts) == 1:
            hours = np.array([hours[0], hours[0] + _slot_hours(fleet)])
            lowest, highest, in_view, usable, worst = (np.repeat(line, 2) for line in (lowest, highest, in_view, usable, worst))
        axes.fill_between(hours, lowest, highest, color=SKY, alpha=0.35, linewidth=0)
        axes.plot(hours, in_view, color=BLUE, linewidth=1.2)
        axes.plot(hours, usable, color=INK, linewidth=1.7)
        axes.plot(hours, worst, color=VERMILION, linewidth=1.0)
        top = max(1.0, float(np.nanmax(highest, initial=0.0)), float(np.nanmax(usable, initial=0.0)))
        axes.set_ylim(0, top * 1.04)
        style_hours(axes, float(hours[0]), float(hours[-1]) + (_slot_hours(fleet) * bin_slots if len(starts) > 1 else 0.0), words)
        style_values(axes, words)
        axes.annotate(words("sky.axis"), (0, 1), (-32, 6), "axes fraction", "offset points", color=GREY, fontsize=10.5)
        labels = [
            (float(highest[-1]), words("sky.in_view_range"), _DEEP_SKY, "normal"),
            (float(in_view[-1]), words("sky.in_view"), BLUE, "normal"),
            (float(usable[-1]), words("sky.usable"), INK, "bold"),
            (float(worst[-1]), words("sky.usable_min"), VERMILION, "normal"),
        ]
        label_lines(axes, labels, height=204.0)
        return to_svg(figure, key=key, label=label)


def draw_latency(latency: Latency, words: Words, *, key: str, label: str) -> tuple[str, float]:
    """Draw the histogram of the round trip, filled, and that of light and fibre alone, in outline, with three percentiles marked.

    Returns the SVG and the share of the distribution that lies beyond the right edge.
    """
    edges, density, light = latency.histogram_edges_ms, latency.histogram_density, latency.propagation_density
    edges, density, light = _rebin(latency)
    first, last = _worth_showing(density, light)
    beyond = float(density[last:].sum())
    edges, density, light = edges[first : last + 1], density[first:last], light[first:last]
    with figures.house_style():
        figure = new_figure(250)
        axes = add_axes(figure, 40, 44, WIDTH - 60, 166)
        axes.stairs(density, edges, fill=True, color=SKY, alpha=0.75)
        axes.stairs(light, edges, color=INK, linewidth=1.0)
        top = max(float(density.max(initial=0.0)), float(light.max(initial=0.0)), 1e-9)
        axes.set_ylim(0, top * 1.18)
        room = (WIDTH - 60 - _NAME_WIDTH) / (WIDTH - 60)
        right = edges[0] + ((latency.p80_ms or edges[0]) - edges[0]) / room
        axes.set_xlim(edges[0], max(float(edges[-1]), float(right)))
        _mark_percentiles(axes, latency, words)
        style_values(axes, words)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, tick_digits(axes.get_xticks()))))
        axes.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: words.number(100 * value, tick_digits(100 * axes.get_yticks())) + words("format.percent"))
        )
        axes.set_xlabel(words("latency.axis"), fontsize=10.5)
        _label_histograms(axes, words)
        return to_svg(figure, key=key, label=label), beyond


def latency_parts(latency: Latency) -> list[tuple[str, float]]:
    """Median of each part of the round trip, milliseconds, in the order of the way; parts without a value are left out."""
    values = [(part, getattr(latency, f"{part}_p50_ms")) for part in PARTS]
    return [(part, float(value)) for part, value in values if value is not None and np.isfinite(value)]


def draw_parts(latency: Latency, words: Words, *, key: str, label: str) -> str:
    """Draw the medians of the parts as a bar cut into steps: each part starts where the one before it ends."""
    parts = latency_parts(latency)
    total = sum(value for _, value in parts) or 1.0
    names, row = 150.0, 24.0
    with figures.house_style():
        figure = new_figure(row * len(parts) + 10)
        axes = add_axes(figure, names, 5, WIDTH - names - 60, row * len(parts))
        axes.set_xlim(0, total)
        axes.set_ylim(len(parts) - 0.5, -0.5)
        axes.axis("off")
        start = 0.0
        for index, (part, value) in enumerate(parts):
            axes.barh(index, value, 0.72, left=start, color=_PART_COLOURS[part], edgecolor=INK, linewidth=0.5)
            if index:
                axes.plot([start, start], [index - 0.64, index - 0.36], color=GREY, linewidth=0.6)
            text = f"{words.number(value, 1)} ms"
            axes.annotate(
                text, (start + value, index), (6, 0), textcoords="offset points", va="center", weight="bold", annotation_clip=False
            )
            axes.annotate(words(f"latency.{part}"), (0, index), (-names, 0), "data", "offset points", va="center", annotation_clip=False)
            start += value
        return to_svg(figure, key=key, label=label)


def draw_fleets(fleets: Sequence[FleetFindings], words: Words, *, key: str, label: str) -> str:
    """Draw the constellations as rows of three dot plots: satellites that may serve, covered fraction, round trip."""
    names_width, gap, row = 128.0, 34.0, 26.0
    panel = (WIDTH - names_width - 2 * gap - 24) / 3
    with figures.house_style():
        figure = new_figure(74 + row * len(fleets))
        rows = np.arange(len(fleets))[::-1]
        panels = []
        for column, (title, note) in enumerate((("usable", "usable_note"), ("covered", ""), ("latency", "latency_note"))):
            axes = add_axes(figure, names_width + column * (panel + gap), 40, panel, row * len(fleets))
            axes.set_ylim(-0.5, len(fleets) - 0.5)
            axes.hlines(rows, 0, 1, transform=axes.get_yaxis_transform(), color=FAINT, linewidth=0.6)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.annotate(words(f"fleets.{title}"), (0, 1), (0, 20), "axes fraction", "offset points", weight="bold", fontsize=10.5)
            if note:
                axes.annotate(words(f"fleets.{note}"), (0, 1), (0, 7), "axes fraction", "offset points", color=GREY, fontsize=9.5)
            panels.append(axes)
        _plot_usable(panels[0], fleets, rows, words)
        _plot_covered(panels[1], fleets, rows, words)
        _plot_latency(panels[2], fleets, rows, words)
        for index, fleet in enumerate(fleets):
            y = 40 + row * (index + 0.5)
            figure.text(
                0,
                1 - (y + 1) / (72 * figure.get_size_inches()[1]),
                _shorten(fleet.title, 19),
                va="center",
                weight="normal" if index else "bold",
            )
        return to_svg(figure, key=key, label=label)


def _plot_usable(axes: Axes, fleets: Sequence[FleetFindings], rows: npt.NDArray[np.int64], words: Words) -> None:
    mean = [fleet.coverage.satellites_usable_mean for fleet in fleets]
    least = [fleet.coverage.satellites_usable_min for fleet in fleets]
    axes.hlines(rows, least, mean, color=BLUE, linewidth=1.5)
    axes.plot(least, rows, "|", color=BLUE, markersize=9, markeredgewidth=1.5)
    axes.plot(mean, rows, "o", color=BLUE, markersize=6, clip_on=False)
    axes.set_xlim(0, max(1.0, np.nanmax(mean)) * 1.05)
    _style_panel(axes, words)


def _plot_covered(axes: Axes, fleets: Sequence[FleetFindings], rows: npt.NDArray[np.int64], words: Words) -> None:
    axes.plot([fleet.coverage.covered_fraction for fleet in fleets], rows, "o", color=BLUE, markersize=6, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.percent(value)))
    axes.tick_params(length=3)


def _plot_latency(axes: Axes, fleets: Sequence[FleetFindings], rows: npt.NDArray[np.int64], words: Words) -> None:
    greatest = 1.0
    for row, fleet in zip(rows, fleets, strict=True):
        p20, p50, p80 = fleet.latency.p20_ms, fleet.latency.p50_ms, fleet.latency.p80_ms
        if p50 is None:
            axes.text(
                0,
                row,
                words("map.never" if fleet.ground_known else "fleets.no_ground"),
                transform=axes.get_yaxis_transform(),
                va="center",
                color=GREY,
                fontsize=9.5,
                style="italic",
                gid="class-halo",
            )
            continue
        axes.hlines(row, p50 if p20 is None else p20, p50 if p80 is None else p80, color=BLUE, linewidth=4, alpha=0.4)
        axes.plot([p50], [row], "o", color=BLUE, markersize=6, clip_on=False)
        greatest = max(greatest, p50, p80 or 0.0)
    axes.set_xlim(0, greatest * 1.05)
    _style_panel(axes, words)


def _style_panel(axes: Axes, words: Words) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value)))
    axes.tick_params(length=3)


def _mark_percentiles(axes: Axes, latency: Latency, words: Words) -> None:
    """Rules at three percentiles: the outer two named to their outer side, the median above them."""
    for name, value, ha, shift in (
        ("p20", latency.p20_ms, "right", -4),
        ("p50", latency.p50_ms, "center", 0),
        ("p80", latency.p80_ms, "left", 4),
    ):
        if value is None:
            continue
        median = name == "p50"
        above = 1.14 if median else 1.0
        axes.plot(
            [value, value], [0, above], transform=axes.get_xaxis_transform(), color=INK, linewidth=1.6 if median else 0.9, clip_on=False
        )
        text = words(f"latency.{name}", value=words.number(value, 1))
        axes.annotate(
            text,
            (value, above),
            (shift, 3 if median else -9),
            axes.get_xaxis_transform(),
            "offset points",
            ha=ha,
            weight="bold" if median else "normal",
            gid=f"class-halo.{name}",
            annotation_clip=False,
        )


def _label_histograms(axes: Axes, words: Words) -> None:
    """Name both histograms to the right of the last percentile, where the distribution has thinned out."""
    for name, above, style in (("whole", 0.78, {"color": SKY, "alpha": 0.75}), ("light", 0.66, {"facecolor": "none", "edgecolor": INK})):
        left = 1.0 - (_NAME_WIDTH - 14.0) / (WIDTH - 60)
        text = axes.annotate(words(f"latency.{name}"), (left, above), (20, 0), "axes fraction", "offset points", va="center")
        text.set_gid(f"class-halo.{name}")
        swatch = Rectangle((left, above - 0.025), 14 / (WIDTH - 60), 0.05, transform=axes.transAxes, zorder=5, **style)
        axes.add_patch(swatch)


def _rebin(latency: Latency) -> tuple[Floats, Floats, Floats]:
    """Histograms in bins of a round width, few enough to be seen, where the bins are of equal width."""
    edges, density, light = latency.histogram_edges_ms, latency.histogram_density, latency.propagation_density
    width = float(edges[1] - edges[0])
    first, last = _worth_showing(density, light)
    span = float(edges[last] - edges[first])
    wide = next((step for step in (0.25, 0.5, 1.0, 2.0, 5.0, 10.0) if span / step <= MAX_BINS and step >= width), 20.0)
    group = round(wide / width)
    if group <= 1 or not np.allclose(np.diff(edges), width):
        return edges, density, light
    starts = np.arange(0, len(density), group)
    return np.append(edges[starts], edges[-1]), np.add.reduceat(density, starts), np.add.reduceat(light, starts)


def _worth_showing(density: Floats, light: Floats) -> tuple[int, int]:
    """Bins between the first that holds anything and the one that leaves at most one percent beyond it."""
    both = np.flatnonzero((density > 0.0) | (light > 0.0))
    if not len(both):
        return 0, len(density)
    total = float(density.sum())
    last = int(np.searchsorted(np.cumsum(density), total * 0.99)) if total > 0.0 else int(both[-1])
    lit = np.flatnonzero(light > 0.0)
    last = max(last, min(int(lit[-1]), int(np.searchsorted(np.cumsum(light), float(light.sum()) * 0.99)))) if len(lit) else last
    return max(0, int(both[0]) - 1), min(len(density), last + 2)


def _mean(values: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    counts = np.diff(np.append(starts, len(values)))
    return np.asarray(np.add.reduceat(values, starts) / counts, dtype=np.float64)


def _least(values: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    return np.asarray(np.minimum.reduceat(values, starts), dtype=np.float64)


def _greatest(values: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    return np.asarray(np.maximum.reduceat(values, starts), dtype=np.float64)


def _slot_hours(fleet: FleetFindings) -> float:
    if len(fleet.slot_start) < 2:
        return 15.0 / 3600.0
    return float((fleet.slot_start[1] - fleet.slot_start[0]) / np.timedelta64(1, "h"))


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
