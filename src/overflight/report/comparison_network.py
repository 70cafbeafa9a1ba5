"""What the change does in the network: rates and capacity, neighbours and gateways, and who else stands over those who lose service."""

import numpy as np

from overflight.report.answers import country_name
from overflight.report.comparison_charts import draw_rates
from overflight.report.comparison_map import draw_rate_pair
from overflight.report.comparison_values import (
    active_count,
    arrow,
    is_known,
    neighbour_name,
    rate_with_unit,
    relative,
    series,
    territory_name,
    throughput_change,
    throughputs,
    unsure,
)
from overflight.report.markup import NUMBER, Page, escape, paragraph
from overflight.report.provenance import status_tag
from overflight.report.words import NO_VALUE, Words
from overflight.study.comparison.findings import Alternative, GatewayChange, NeighbourChange, Pair, PolicyComparison, is_sure
from overflight.study.comparison.summary import lasting_neighbours, most_felt

MOST_ROWS = 12
"""Most rows of a table of neighbours or of gateways; of the others it is said how many they are."""

LEAST_FELT = 0.0005
"""A change of a rate below this share of it is none."""


def rates_section(found: PolicyComparison, page: Page) -> str:
    """What an active terminal gets and what all get together, before and after."""
    words, rates = page.words, found.rates
    if not any(np.isfinite(value) or value > 0.0 for value in (*rates.median_mbps, *rates.capacity_gbps)):
        return ""
    if not any(np.isfinite(rates.median_mbps)) and not any(value > 0.0 for value in rates.capacity_gbps):
        return paragraph(words("comparison_rates.nobody_ever"))
    text = paragraph(_say_median(found, words), _say_capacity(found, words))
    key = page.next_figure()
    before, after = (rate_with_unit(value, words) for value in rates.median_mbps)
    svg = draw_rates(rates, words, key=key, label=words("comparison_rates.alt", before=before, after=after))
    text += page.figure(svg, key, words("comparison_rates.caption"), words("comparison_rates.note", slots=words.count("slot", found.slots)))
    return text + _rates_table(found, page) + _rate_map(found, page)


def _say_median(found: PolicyComparison, words: Words) -> str:
    before, after = found.rates.median_mbps
    known = np.isfinite(before), np.isfinite(after)
    key = {(True, True): "both", (True, False): "lost", (False, True): "new", (False, False): "nobody_ever"}[known]
    values = {"before": rate_with_unit(before, words), "after": rate_with_unit(after, words)}
    return words(f"comparison_rates.{key}", **values)


def _say_capacity(found: PolicyComparison, words: Words) -> str:
    before, after = throughputs(found.rates.capacity_gbps, words)
    return words("comparison_rates.capacity" if before != after else "comparison_rates.capacity_same", before=before, after=after)


def _rates_table(found: PolicyComparison, page: Page) -> str:
    words, rates = page.words, found.rates
    columns = [(words("comparison_rates.figure"), "")]
    columns += [(words(f"comparison_word.{name}"), NUMBER) for name in ("before_column", "after_column", "change")]
    table = [("active", rates.active_terminals, 0.0, [active_count(value, words) for value in rates.active_terminals])]
    for name in ("median", "worst_tenth"):
        pair = getattr(rates, f"{name}_mbps")
        table.append((name, pair, getattr(rates, f"{name}_margin_mbps"), [rate_with_unit(value, words) for value in pair]))
    for name in ("delivered", "capacity"):
        pair = getattr(rates, f"{name}_gbps")
        table.append((name, pair, getattr(rates, f"{name}_margin_gbps"), list(throughputs(pair, words))))
    rows = [
        [escape(words(f"comparison_rates.{name}_row")), *written, unsure(relative(pair, words), pair, margin)]
        for name, pair, margin, written in table
    ]
    return page.table(words("comparison_rates.table"), columns, rows) + _say_unsure(words, *(row[1:3] for row in table))


def _rate_map(found: PolicyComparison, page: Page) -> str:
    """Rates cell by cell; nothing where no cell has any."""
    words = page.words
    if not any(np.isfinite(values).any() for values in found.cell_mbps):
        return ""
    key = page.next_figure()
    drawn = draw_rate_pair(found, words, key=key, label=words("comparison_map.rate_alt", territory=territory_name(found, words)))
    captions = [words("comparison_map.rate_caption"), words("comparison_map.rate_note")]
    if drawn.enlarged >= 1.05:
        captions.append(words("map.enlarged", factor=words.number(drawn.enlarged, 1)))
    return page.figure(drawn.svg, key, *captions, words("map.borders", source=found.borders_source))


def elsewhere_section(found: PolicyComparison, page: Page) -> str:
    """Neighbours that share the satellites, and gateways that land the traffic."""
    words = page.words
    parts = (("neighbours_title", _neighbours_part(found, page)), ("gateways_title", _gateways_part(found, page)))
    return "".join(f"<h3>{escape(words(f'comparison_elsewhere.{key}'))}</h3>\n{body}" for key, body in parts if body)


def _neighbours_part(found: PolicyComparison, page: Page) -> str:
    words, rows = page.words, found.neighbours
    if not rows:
        return ""
    text = paragraph(words("comparison_elsewhere.neighbours_intro"), _say_most_felt(rows, words))
    heads = ("active", "mean_before", "mean_after", "mean_change", "delivered_change")
    columns = [(words("comparison_elsewhere.territory"), ""), *((words(f"comparison_elsewhere.{head}"), NUMBER) for head in heads)]
    text += page.table(words("comparison_elsewhere.neighbours_table"), columns, [_neighbour_row(row, words) for row in rows[:MOST_ROWS]])
    text += _say_unsure(words, *((row.mean_mbps, row.mean_margin_mbps) for row in rows[:MOST_ROWS]))
    return text + _say_more(len(rows) - MOST_ROWS, "neighbours", words)


def _say_most_felt(rows: tuple[NeighbourChange, ...], words: Words) -> str:
    """Whose terminals feel the change most, of those that have any before and after."""
    both = lasting_neighbours(rows)
    gone = [row for row in rows if row.active_terminals[0] > 0.0 and not row.active_terminals[1] > 0.0]
    sentences = []
    if gone:
        names = words.listing(neighbour_name(row.code, row.name, words) for row in gone[:MOST_ROWS])
        names += ", …" if len(gone) > MOST_ROWS else ""
        key = "gone_one" if len(gone) == 1 else "gone_many"
        sentences.append(words(f"comparison_elsewhere.{key}", count=words.number(len(gone)), names=names))
    if both:
        felt = most_felt(both)
        before, after = felt.mean_mbps
        is_felt = is_sure(felt.mean_mbps, felt.mean_margin_mbps) and abs(after / before - 1.0) >= LEAST_FELT
        key = "felt" if is_felt else "felt_not"
        values = {"before": rate_with_unit(before, words), "after": rate_with_unit(after, words), "share": relative(felt.mean_mbps, words)}
        sentences.append(words(f"comparison_elsewhere.{key}", name=neighbour_name(felt.code, felt.name, words), **values))
    return " ".join(sentences)


def _neighbour_row(row: NeighbourChange, words: Words) -> list[str]:
    before, after = row.active_terminals
    same = abs(after - before) <= LEAST_FELT * max(before, after)
    active = active_count(before, words) if same else arrow(active_count(before, words), active_count(after, words))
    change = unsure(relative(row.mean_mbps, words), row.mean_mbps, row.mean_margin_mbps)
    if before > 0.0 and not after > 0.0:
        change = f"<em>{escape(words('comparison_elsewhere.off'))}</em>"
    elif after > 0.0 and not before > 0.0:
        change = f"<em>{escape(words('comparison_elsewhere.on'))}</em>"
    rates = [words.rate(value) for value in row.mean_mbps]
    together = throughput_change(row.delivered_gbps, words)
    together = unsure(together, row.mean_mbps, row.mean_margin_mbps) if same else together
    return [escape(neighbour_name(row.code, row.name, words)), active, *rates, change, together]


def _gateways_part(found: PolicyComparison, page: Page) -> str:
    words, rows = page.words, found.gateways
    if not rows:
        return ""
    text = paragraph(words("comparison_elsewhere.gateways_intro"))
    columns = [(words(f"comparison_elsewhere.{head}"), "") for head in ("gateway", "country", "status")]
    columns += [(words(f"comparison_elsewhere.{head}"), NUMBER) for head in ("landed_before", "landed_after", "landed_change", "own")]
    text += page.table(words("comparison_elsewhere.gateways_table"), columns, [_gateway_row(row, words) for row in rows[:MOST_ROWS]])
    text += _say_unsure(words, *((row.landed_gbps, row.landed_margin_gbps) for row in rows[:MOST_ROWS]))
    return text + _say_more(len(rows) - MOST_ROWS, "gateways", words)


def _gateway_row(row: GatewayChange, words: Words) -> list[str]:
    landed = throughputs(row.landed_gbps, words)
    own = throughputs(row.own_gbps, words)
    shown = words.number(0.0) if not max(row.own_gbps) > 0.0 else arrow(*own)
    place = [escape(row.name), escape(country_name(row.country, words.lang)), status_tag(row.status, words)]
    return [*place, *landed, unsure(throughput_change(row.landed_gbps, words), row.landed_gbps, row.landed_margin_gbps), shown]


def _say_unsure(words: Words, *changes: tuple[Pair, float]) -> str:
    """Explain the grey changes of a table, if it has any."""
    if all(is_sure(change, margin) or not is_known(change) for change, margin in changes):
        return ""
    return paragraph(words("comparison_word.unsure"), kind="note")


def _say_more(count: int, what: str, words: Words) -> str:
    if count <= 0:
        return ""
    return paragraph(words(f"comparison_elsewhere.more_{what}_{'one' if count == 1 else 'many'}", count=words.number(count)), kind="note")


def others_section(found: PolicyComparison, page: Page) -> str:
    """Other constellations over those who lose service; nothing where nobody does."""
    words, rows = page.words, found.alternatives
    if not rows:
        return ""
    heads = ("in_view", "covered", "served", "median", "delivered")
    columns = [(words("comparison_others.constellation"), ""), (words("comparison_others.status"), "")]
    columns += [(words(f"comparison_others.{head}"), NUMBER) for head in heads]
    text = paragraph(words("comparison_others.intro"), _say_unknown(rows, words))
    text += page.table(words("comparison_others.table"), columns, [_other_row(row, words) for row in rows])
    return text + paragraph(words("comparison_others.note"), kind="note")


def _say_unknown(rows: tuple[Alternative, ...], words: Words) -> str:
    names = [row.title for row in rows if not row.is_ground_known]
    return words("comparison_others.unknown", names=series(names, words)) if names else ""


def _other_row(row: Alternative, words: Words) -> list[str]:
    known = row.is_ground_known
    return [
        escape(row.title),
        _fleet_tag(row, words),
        words.number(row.satellites_mean, 1),
        words.percent(row.covered_fraction),
        words.percent(row.served_fraction) if known else NO_VALUE,
        rate_with_unit(row.median_mbps, words),
        words.throughput(row.delivered_gbps),
    ]


def _fleet_tag(row: Alternative, words: Words) -> str:
    """Say whether a constellation flies as it was simulated."""
    if row.status != "filing":
        return status_tag(row.status, words)
    return f'<span class="tag filing">{escape(words("comparison_others.as_filed"))}</span>'
