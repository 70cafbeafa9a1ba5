"""What the chapter on capacity rests on: other settings, parameters and their ranges, draws, a link worked out, constellations."""

from collections.abc import Sequence

import numpy as np

from overflight.report.capacity_charts import draw_tornado, write_range
from overflight.report.markup import BAR, NUMBER, Page, bar, escape, paragraph
from overflight.report.provenance import status_tag
from overflight.report.words import NO_VALUE, Words
from overflight.study.capacity_findings import Band, CapacityFindings, LinkRow, Swing, Variant
from overflight.study.findings import TerritoryFindings

MAX_SWINGS = 10
"""Rows of the tornado chart."""

LEAST_SWING = 0.005
"""Share of the answer from which on a swing is worth a row of the tornado chart."""


def variants_part(capacity: CapacityFindings, page: Page) -> str:
    """What would be otherwise: one table for each thing that is changed."""
    if not capacity.variants:
        return ""
    text = paragraph(page.words("capacity.what_intro"))
    used = next((row for row in capacity.variants if row.is_default), None)
    for name in dict.fromkeys(row.name for row in capacity.variants):
        group = [row for row in capacity.variants if row.name == name]
        if used is not None and not any(row.is_default for row in group):
            group.insert(0, used)
        text += _variants_table(name, group, page)
    return text


def _variants_table(name: str, rows: Sequence[Variant], page: Page) -> str:
    words = page.words
    most_rate = max((row.median_mbps for row in rows if np.isfinite(row.median_mbps)), default=0.0) or 1.0
    most_capacity = max((row.capacity_gbps for row in rows if np.isfinite(row.capacity_gbps)), default=0.0) or 1.0
    with_others = any(np.isfinite(row.others_mbps) for row in rows)
    columns = [(words.label("variant", name), ""), (words("capacity.what_median_column"), NUMBER), ("", BAR)]
    columns += [(words("capacity.what_worst"), NUMBER), (words("capacity.what_delivered"), NUMBER)]
    columns += [(words("capacity.what_capacity_column"), NUMBER), ("", BAR)]
    columns += [(words("capacity.what_others"), NUMBER)] if with_others else []
    body = [
        [
            escape(_variant_label(row, name, words))
            + (f" <small>{escape(words('sensitivity.used'))}</small>" if row.is_default and row.name == name else ""),
            words.rate(row.median_mbps),
            bar(row.median_mbps / most_rate, weak=not row.is_default),
            words.rate(row.worst_tenth_mbps),
            words.throughput(row.delivered_gbps),
            words.throughput(row.capacity_gbps),
            bar(row.capacity_gbps / most_capacity, weak=not row.is_default),
            *([words.rate(row.others_mbps)] if with_others else []),
        ]
        for row in rows
    ]
    marked = next((index for index, row in enumerate(rows) if row.is_default), None)
    table = page.table(_variants_finding(name, rows, words), columns, body, marked=marked)
    return f'<div class="variants">{table}</div>\n'


def _variants_finding(name: str, rows: Sequence[Variant], words: Words) -> str:
    """Say between what the median rate runs; where it does not change, national capacity; else that nothing does."""
    what = words.label("variant", name)
    for figure, write in (("median_mbps", words.rate), ("capacity_gbps", words.throughput)):
        known = sorted((row for row in rows if np.isfinite(getattr(row, figure))), key=lambda row: float(getattr(row, figure)))
        if not known or write(getattr(known[0], figure)) == write(getattr(known[-1], figure)):
            continue
        low, high = known[0], known[-1]
        return words(
            f"capacity.what_{figure.split('_')[0]}",
            what=what,
            low=write(getattr(low, figure)),
            high=write(getattr(high, figure)),
            at_low=_variant_label(low, name, words),
            at_high=_variant_label(high, name, words),
        )
    return words("capacity.what_flat", what=what)


def _variant_label(row: Variant, group: str, words: Words) -> str:
    """The setting of a row in words; the row of the report itself may come from another group."""
    if row.name != group:
        return words("capacity.what_used")
    if row.name == "weather":
        return weather_words(row.label, words)
    if row.name == "mask":
        return words.localise(row.label) + "°"
    return words.label(f"{row.name}_label", row.label)


def weather_words(label: str, words: Words) -> str:
    """Weather in words: a state, or the percentage of the time whose attenuation is not exceeded."""
    try:
        value = float(label)
    except ValueError:
        return words.label("weather_label", label)
    percent = words.localise(f"{value:g}") + words("format.percent")
    return words("capacity.exceeded", percent=percent)


def depends_part(capacity: CapacityFindings, page: Page) -> str:
    """The tornado chart, and all that was varied in a table that opens."""
    words, swings = page.words, capacity.swings
    if not swings:
        return ""
    base = _base(capacity)
    top = [row for row in swings if max(_reach(row, base)) >= LEAST_SWING][:MAX_SWINGS]
    text = paragraph(words("capacity.depends_intro"))
    if top:
        key = page.next_figure()
        names = [_swing_name(row, words) for row in top]
        svg = draw_tornado(top, base, names, words, key=key, label=words("capacity.depends_alt", names=words.listing(names[:5])))
        text += page.figure(
            svg, key, _caption_depends(top[0], base, words), words("capacity.depends_note"), words("capacity.depends_assumed")
        )
    else:
        text += paragraph(words("capacity.depends_caption_none"))
    return text + _all_swings(swings, page)


def _base(capacity: CapacityFindings) -> tuple[float, float]:
    """Median rate and national capacity that swings start from: those of the variants' own slots, where there are any."""
    used = next((row for row in capacity.variants if row.is_default), None)
    if used is not None:
        return used.median_mbps, used.capacity_gbps
    return capacity.down.median_mbps, capacity.capacity_mean_gbps


def _reach(row: Swing, base: tuple[float, float]) -> tuple[float, float]:
    """How far a swing moves the median rate, and national capacity, as shares of them."""
    pairs = ((row.median_low_mbps, row.median_high_mbps, base[0]), (row.capacity_low_gbps, row.capacity_high_gbps, base[1]))
    reaches = [(max(low, high, middle) - min(low, high, middle)) / middle if middle > 0.0 else 0.0 for low, high, middle in pairs]
    return tuple(reach if np.isfinite(reach) else 0.0 for reach in reaches)  # type: ignore[return-value]


def _swing_name(row: Swing, words: Words) -> str:
    name = words.label("parameter", row.name)
    return words("capacity.depends_star", name=name) if row.status == "assumed" else name


def _caption_depends(row: Swing, base: tuple[float, float], words: Words) -> str:
    rate, national = _reach(row, base)
    name = words.label("parameter", row.name)
    if rate >= national:
        low, high = sorted((row.median_low_mbps, row.median_high_mbps))
        return words("capacity.depends_caption", name=name, low=words.rate(low), high=words.rate(high))
    low, high = sorted((row.capacity_low_gbps, row.capacity_high_gbps))
    return words("capacity.depends_caption_capacity", name=name, low=words.throughput(low), high=words.throughput(high))


def _all_swings(swings: Sequence[Swing], page: Page) -> str:
    words = page.words
    columns = [(words("capacity.parameter"), ""), (words("capacity.range"), NUMBER), (words("capacity.status"), "")]
    columns += [(words("capacity.median_range"), NUMBER), (words("capacity.capacity_range"), NUMBER)]
    rows = [
        [
            f"{escape(words.label('parameter', row.name))}<br><code>{escape(row.name)}</code>",
            escape(write_range((row.low, row.value, row.high), row.unit, words)),
            status_tag(row.status, words),
            f"{words.rate(row.median_low_mbps)} … {words.rate(row.median_high_mbps)}",
            f"{words.throughput(row.capacity_low_gbps)} … {words.throughput(row.capacity_high_gbps)}",
        ]
        for row in swings
    ]
    title = escape(words("capacity.depends_all", count=words.number(len(swings))))
    return f"<details><summary>{title}</summary>\n{page.table('', columns, rows)}</details>\n"


def bands_part(capacity: CapacityFindings, page: Page) -> str:
    """Bands of the draws, each with its place on a scale of its own."""
    words, found = page.words, capacity.uncertainty
    if found is None or not found.bands:
        return ""
    text = paragraph(words("capacity.bands_intro", draws=words.number(found.draws), seed=str(found.seed)))
    columns = [(words("capacity.figure"), ""), *((words(f"capacity.{name}"), NUMBER) for name in ("p10", "p50", "p90")), ("", BAR)]
    rows = [
        [escape(words.label("band", row.name)), *(words.rate(value) for value in (row.p10, row.p50, row.p90)), _band_bar(row)]
        for row in found.bands
    ]
    first = found.bands[0]
    figure, low, high = words.label("band", first.name), words.rate(first.p10), words.rate(first.p90)
    return text + page.table(words("capacity.bands_table", figure=figure, low=low, high=high), columns, rows)


def _band_bar(row: Band) -> str:
    """A bar from the tenth to the ninetieth percentile, with the median marked; the scale begins at nought."""
    top = 1.05 * row.p90
    if not top > 0.0:
        return ""
    left, middle, right = (100.0 * value / top for value in (row.p10, row.p50, row.p90))
    return (
        f'<span class="span"><span class="fill weak" style="margin-left:{left:.1f}%;width:{max(right - left, 0.6):.1f}%"></span>'
        f'<span class="mark" style="left:{middle:.1f}%"></span></span>'
    )


def link_part(capacity: CapacityFindings, page: Page) -> str:
    """A link budget, line by line."""
    words = page.words
    if not capacity.link:
        return ""
    columns = [(words("capacity.term"), ""), (words("capacity.value"), NUMBER)]
    rows = [[escape(_link_name(row, words)), escape(_link_value(row, words))] for row in capacity.link]
    text = paragraph(words("capacity.link_intro"))
    return text + page.table(words("capacity.link_table"), columns, rows, narrow=True, marked=len(rows) - 1)


def _link_name(row: LinkRow, words: Words) -> str:
    """Name of a term; what holds for each megahertz has a name of its own."""
    density = f"{row.name}_density"
    return words.label("link", density if row.unit.endswith("/MHz") and f"link.{density}" in words.texts else row.name)


def _link_value(row: LinkRow, words: Words) -> str:
    number = words.number(row.value, 1 if abs(row.value) >= 9.95 else 2)
    return number + ("" if row.unit == "°" else "\N{NO-BREAK SPACE}") + row.unit


def fleets_part(findings: TerritoryFindings, page: Page) -> str:
    """The constellations' capacity side by side, where more than one was worked out."""
    words = page.words
    worked = [(fleet.title, fleet.capacity) for fleet in findings.fleets if fleet.capacity is not None]
    if len(worked) < 2:
        return ""
    columns = [(words("fleets.constellation"), ""), (words("capacity.terminals"), NUMBER), (words("capacity.fleets_busy"), NUMBER)]
    columns += [(words("capacity.fleets_down"), NUMBER), (words("capacity.what_capacity_column"), NUMBER)]
    rows = []
    for title, capacity in worked:
        busy, down = words.rate(capacity.busy_down.median_mbps), words.rate(capacity.down.median_mbps)
        national = words.throughput(capacity.capacity_mean_gbps) if capacity.capacity_mean_gbps > 0.0 else NO_VALUE
        rows.append([escape(title), words.number(capacity.demand.terminals), busy, down, national])
    return page.table(words("capacity.fleets_table"), columns, rows, marked=0)
