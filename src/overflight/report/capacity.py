"""The chapter on capacity: what an active terminal gets, where, when, what holds it back, what the answer rests on.

Its parts stand in the order in which people ask; `capacity_section` puts them together. No findings of capacity, no chapter.
"""

import numpy as np

from overflight.report.answers import MET, country_name, is_off, say_count, site_name, territory_name
from overflight.report.capacity_charts import FREE, draw_bottlenecks, draw_day, is_continuous, shown_kinds
from overflight.report.capacity_tables import bands_part, depends_part, fleets_part, link_part, variants_part, weather_words
from overflight.report.markup import BAR, NUMBER, Page, bar, escape, foreign, paragraph, rich
from overflight.report.ratemap import draw_rates
from overflight.report.words import Words
from overflight.study.capacity_findings import CapacityFindings, Demand, GatewayLoad, Rates
from overflight.study.findings import LandingSite, TerritoryFindings

MAX_GATEWAYS = 12
"""Most rows of the table of gateways; the rest is summed up in one row."""

LEAST_LOSS = 0.005
"""Others hardly notice a loss below this share of their rate."""

_LEAST_HOURS = 6
"""Fewer hours than these are no chart by the hour."""


def capacity_section(findings: TerritoryFindings, page: Page) -> str:
    """Write the chapter on the first constellation's capacity, and compare the others'."""
    capacity, words = findings.fleets[0].capacity, page.words
    if capacity is None:
        return ""
    parts = (
        ("", _answer_part(findings, capacity, page)),
        ("map", _map_part(findings, capacity, page)),
        ("day", _day_part(capacity, page)),
        ("hold", _hold_part(capacity, page)),
        ("gateways", _gateways_part(capacity, page)),
        ("price", _price_part(capacity, page)),
        ("what", variants_part(capacity, page)),
        ("depends", depends_part(capacity, page)),
        ("bands", bands_part(capacity, page)),
        ("link", link_part(capacity, page)),
        ("fleets", fleets_part(findings, page)),
    )
    return "".join((f"<h3>{escape(words(f'capacity.{key}_title'))}</h3>\n" if key else "") + body for key, body in parts if body)


def _answer_part(findings: TerritoryFindings, capacity: CapacityFindings, page: Page) -> str:
    """What is found, in sentences and two small tables, and what it was counted on."""
    words = page.words
    text = paragraph(words("capacity.not_offered")) if is_off(findings) else ""
    if capacity.demand.kind == "failover":
        text += paragraph(_say_failover(capacity, words))
    text += paragraph(_say_rates(capacity, words), _say_delivered(capacity, words))
    text += paragraph(_say_national(findings, capacity, words), _say_country(capacity, words), _say_fair(capacity, words))
    text += paragraph(_say_minimum(capacity, words), _say_reported(capacity, words))
    text += _rates_tables(capacity, page) if capacity.down.best_tenth_mbps > 0.0 else ""
    text += paragraph(_say_method(capacity, words), kind="note")
    source = f"{rich(words('capacity.source'))} {foreign(capacity.demand.terminals_source, words)}."
    return text + f'<p class="note">{rich(" ".join(_say_demand(capacity.demand, words)))} {source}</p>\n'


def _say_failover(capacity: CapacityFindings, words: Words) -> str:
    asked, delivered = _busiest(capacity)
    if not asked > 0.0:
        return ""
    share = words.percent(delivered / asked)
    if delivered >= asked * MET:
        return words("capacity.failover_all", asked=words.throughput(asked))
    return words("capacity.failover", asked=words.throughput(asked), share=share, delivered=words.throughput(delivered))


def _say_rates(capacity: CapacityFindings, words: Words) -> str:
    rates = capacity.busy_down
    if not np.isfinite(rates.median_mbps):
        return words("capacity.answer_nobody" if not capacity.demand.terminals else "capacity.answer_none")
    if not rates.best_tenth_mbps > 0.0:
        return words("capacity.answer_none")
    worst, median, best = (words.rate(value) for value in (rates.worst_tenth_mbps, rates.median_mbps, rates.best_tenth_mbps))
    return words("capacity.answer_flat" if worst == best else "capacity.answer", worst=worst, median=median, best=best)


def _say_delivered(capacity: CapacityFindings, words: Words) -> str:
    asked, delivered = _busiest(capacity)
    if capacity.demand.kind == "failover" or not (asked > 0.0 and delivered > 0.0):
        return ""
    if delivered >= asked * MET:
        return words("capacity.delivered_all", asked=words.throughput(asked))
    share = words.percent(delivered / asked)
    return words("capacity.delivered", asked=words.throughput(asked), delivered=words.throughput(delivered), share=share)


def _say_national(findings: TerritoryFindings, capacity: CapacityFindings, words: Words) -> str:
    mean_gbps = capacity.capacity_mean_gbps
    if not mean_gbps > 0.0:
        return ""
    if findings.population > 0.0:
        each = words.throughput(mean_gbps / findings.population)
        return words("capacity.national_each", capacity=words.throughput(mean_gbps), each=each)
    return words("capacity.national", capacity=words.throughput(mean_gbps))


def _say_country(capacity: CapacityFindings, words: Words) -> str:
    """National capacity beside all that the country exchanges with the world."""
    demand, mean_gbps = capacity.demand, capacity.capacity_mean_gbps
    if not (demand.country_gbps > 0.0 and mean_gbps > 0.0):
        return ""
    share = words.percent(min(mean_gbps / demand.country_gbps, 1.0))
    low, country, high = (words.throughput(value) for value in (demand.country_low_gbps, demand.country_gbps, demand.country_high_gbps))
    key = "country_given" if demand.country_low_gbps == demand.country_high_gbps else "country"
    return words(
        f"capacity.{key}_all" if mean_gbps >= demand.country_gbps else f"capacity.{key}", country=country, low=low, high=high, share=share
    )


def _say_fair(capacity: CapacityFindings, words: Words) -> str:
    bound, fair = capacity.bound_gbps, capacity.fair_gbps
    if not (fair > 0.0 and np.isfinite(bound)):
        return ""
    if words.throughput(bound) == words.throughput(fair):
        return words("capacity.fair_free", fair=words.throughput(fair))
    return words("capacity.fair", bound=words.throughput(bound), fair=words.throughput(fair))


def _say_minimum(capacity: CapacityFindings, words: Words) -> str:
    minimum = capacity.minimum
    if minimum is None or not np.isfinite(minimum.feasible_mbps):
        return ""
    key = "minimum_yes" if minimum.is_feasible else "minimum_no"
    return words(f"capacity.{key}", asked=words.localise(f"{minimum.asked_mbps:g}"), feasible=words.rate(minimum.feasible_mbps))


def _say_reported(capacity: CapacityFindings, words: Words) -> str:
    if not (np.isfinite(capacity.reported_down_mbps) and np.isfinite(capacity.down.median_mbps)):
        return ""
    return words("capacity.reported", reported=words.rate(capacity.reported_down_mbps), median=words.rate(capacity.down.median_mbps))


def _say_method(capacity: CapacityFindings, words: Words) -> str:
    slots = words.count("slot", len(capacity.slot_start))
    every = len(capacity.slot_start) == 1 or is_continuous(capacity)
    slots = words("capacity.slots_all" if every else "capacity.slots_spread", slots=slots)
    return words("capacity.intro", slots=slots, weather=weather_words(capacity.weather, words))


def _say_demand(demand: Demand, words: Words) -> list[str]:
    """Who was counted on, what they ask for, and with whom they compete."""
    others = words.count("terminal", _about(demand.others_terminals))
    cells = words.count("cell", demand.others_cells)
    rivals = words("capacity.rivals", terminals=others, cells=cells) if demand.others_cells else words("capacity.rivals_none")
    if not demand.terminals:
        return [words("capacity.who_nobody"), rivals]
    is_range = demand.terminals_low < demand.terminals_high
    how = ("reported" if demand.terminals_status == "reported" else "estimated") if is_range else "set"
    low, high = (words.number(_about(value)) for value in (demand.terminals_low, demand.terminals_high))
    spread = words.label("demand_distribution", demand.distribution)
    who = words(
        "capacity.who",
        terminals=say_count(demand, words),
        how=words(f"capacity.how_{how}", low=low, high=high),
        distribution=spread,
    )
    present = [(name, count) for name, count in demand.classes if count]
    listed = words.listing(f"{words.label('terminal_class', name)} {words.number(count)}" for name, count in present)
    kind = demand.kind if demand.kind in {"broadband", "failover"} else "rate"
    down, up = (words.localise(f"{value:.3g}") for value in (demand.down_mbps, demand.up_mbps))
    asks = words(f"capacity.asks_{kind}", active=words.percent(demand.active_share), down=down, up=up)
    by_class = [words("capacity.classes", classes=listed)] if len(present) > 1 else []
    return [who, *by_class, asks, rivals]


def _rates_tables(capacity: CapacityFindings, page: Page) -> str:
    words = page.words
    names = ("worst_tenth", "median", "best_tenth")
    columns = [(words("capacity.rate"), ""), *((words(f"capacity.{name}"), NUMBER) for name in names)]
    rows = [_rates_row(name, getattr(capacity, name), words) for name in ("busy_down", "down", "up")]
    text = page.table(words("capacity.rates_table"), columns, rows)
    columns = [(words("capacity.threshold"), ""), (words("capacity.share"), NUMBER), ("", BAR), (words("capacity.people"), NUMBER)]
    rows = [
        [
            f"{words.localise(f'{row.down_mbps:g}')} / {words.localise(f'{row.up_mbps:g}')}",
            words.percent(row.share),
            bar(row.share),
            words.number(_about(row.people)),
        ]
        for row in capacity.thresholds
    ]
    text += page.table(words("capacity.thresholds_table"), columns, rows) if rows else ""
    return f'<div class="pair">\n{text}</div>\n'


def _rates_row(name: str, rates: Rates, words: Words) -> list[str]:
    values = (rates.worst_tenth_mbps, rates.median_mbps, rates.best_tenth_mbps)
    return [escape(words(f"capacity.{name}")), *(words.rate(value) for value in values)]


def _map_part(findings: TerritoryFindings, capacity: CapacityFindings, page: Page) -> str:
    words = page.words
    key = page.next_figure()
    drawn = draw_rates(findings, capacity, words, key=key, label=words("capacity.map_alt", territory=territory_name(findings, words)))
    captions = [_caption_map(capacity, words)]
    nought = int((capacity.cell_down_mbps <= 0.0).sum())
    if 0 < nought < len(capacity.cell_ids) and capacity.cell_down_mbps[np.isfinite(capacity.cell_down_mbps)].any():
        captions.append(words("capacity.map_nought", cells=words.count("cell", nought)))
    captions.append(words("capacity.map_all", cells=words.count("cell", len(capacity.cell_ids))))
    if drawn.enlarged >= 1.05:
        captions.append(words("map.enlarged", factor=words.number(drawn.enlarged, 1)))
    return page.figure(drawn.svg, key, *captions, words("map.borders", source=findings.borders_source))


def _caption_map(capacity: CapacityFindings, words: Words) -> str:
    known = capacity.cell_down_mbps[np.isfinite(capacity.cell_down_mbps)]
    got = known[known > 0.0]
    if not len(got):
        return words("capacity.map_nothing" if len(known) else "capacity.map_nobody")
    low, high = words.rate(float(got.min())), words.rate(float(got.max()))
    if len(capacity.cell_ids) == 1:
        return words("capacity.map_one", value=high)
    return words("capacity.map_flat", value=high) if low == high else words("capacity.map_caption", low=low, high=high)


def _day_part(capacity: CapacityFindings, page: Page) -> str:
    words = page.words
    if not len(capacity.slot_start) or not (capacity.asked_gbps.any() or capacity.capacity_gbps.any()):
        return ""
    asked, delivered = _busiest(capacity)
    values = {"asked": words.throughput(asked), "delivered": words.throughput(delivered)}
    key = page.next_figure()
    svg = draw_day(capacity, words, key=key, label=words("capacity.day_alt", **values))
    caption = _caption_day(capacity, words)
    if is_continuous(capacity):
        notes = [words("capacity.day_every")]
    else:
        notes = [words("capacity.day_stretches", slots=words.count("slot", min(capacity.stretch_slots, len(capacity.slot_start))))]
        notes.append(words("capacity.day_gap") if (capacity.delivered_gbps < MET * capacity.asked_gbps).any() else "")
    notes.append(words("capacity.day_capacity"))
    if capacity.uncertainty is not None:
        notes.append(words("capacity.day_band", draws=words.number(capacity.uncertainty.draws)))
    return page.figure(svg, key, caption, *notes)


def _caption_day(capacity: CapacityFindings, words: Words) -> str:
    asked, delivered = _busiest(capacity)
    if not asked > 0.0:
        return words("capacity.day_caption_nobody", capacity=words.throughput(capacity.capacity_mean_gbps))
    time = words.time_of_day(capacity.slot_start[int(np.argmax(capacity.asked_gbps))])
    values = {"time": time, "asked": words.throughput(asked)}
    if delivered < MET * asked:
        return words("capacity.day_caption", delivered=words.throughput(delivered), **values)
    wanted = capacity.asked_gbps > 0.0
    worst = float((capacity.delivered_gbps[wanted] / capacity.asked_gbps[wanted]).min())
    if worst < MET:
        return words("capacity.day_caption_worst", share=words.percent(worst), **values)
    return words("capacity.day_caption_met", **values)


def _hold_part(capacity: CapacityFindings, page: Page) -> str:
    """What holds rates back: by the hour, and what it means."""
    words, kinds = page.words, shown_kinds(capacity)
    if not kinds:
        return ""
    caption = _caption_hold(kinds, words)
    if [kind for kind, _ in kinds] == [FREE]:
        return paragraph(caption)
    text = paragraph(words("capacity.hold_intro"))
    if np.isfinite(capacity.bottleneck_hours).all(axis=1).sum() >= _LEAST_HOURS:
        key = page.next_figure()
        shares = ", ".join(f"{words.label('bottleneck_short', kind)} {words.percent(share)}" for kind, share in kinds)
        svg = draw_bottlenecks(capacity, words, key=key, label=words("capacity.hold_alt", shares=shares))
        text += page.figure(svg, key, caption, words("capacity.hold_note"))
        caption = words("capacity.hold_table")
    columns = [(words("capacity.hold_kind"), ""), (words("capacity.share"), NUMBER), ("", BAR), (words("capacity.hold_help"), "")]
    rows = [
        [
            escape(words.label("bottleneck_short", kind)),
            words.percent(share),
            bar(share, weak=kind == FREE),
            escape(words.label("bottleneck_text", kind)),
        ]
        for kind, share in kinds
    ]
    return text + page.table(caption, columns, rows)


def _caption_hold(kinds: list[tuple[str, float]], words: Words) -> str:
    free = dict(kinds).get(FREE, 0.0)
    held = [(kind, share) for kind, share in kinds if kind != FREE]
    if not held:
        return words("capacity.hold_caption_free")
    kind, share = held[0]
    values = {"kind": words.label("bottleneck", kind), "share": words.percent(share)}
    if share > 0.5:
        return words("capacity.hold_caption", **values)
    return words("capacity.hold_caption_most", free=words.percent(free), **values)


def _gateways_part(capacity: CapacityFindings, page: Page) -> str:
    words, sites = page.words, capacity.gateways
    if not sites:
        return ""
    columns = [(words("way.name"), ""), (words("way.country"), ""), (words("capacity.delivered_column"), NUMBER)]
    columns += [(words("way.share"), NUMBER), ("", BAR)]
    shown = len(sites) if len(sites) <= MAX_GATEWAYS + 1 else MAX_GATEWAYS
    rows = [
        [
            escape(_gateway_name(site, words)),
            escape(country_name(site.country, words.lang)),
            words.throughput(site.delivered_gbps),
            words.percent(site.share),
            bar(site.share),
        ]
        for site in sites[:shown]
    ]
    if shown < len(sites):
        rest_gbps, rest = (sum(getattr(site, name) for site in sites[shown:]) for name in ("delivered_gbps", "share"))
        name = f"<em>{escape(words('way.rest', count=words.number(len(sites) - shown)))}</em>"
        rows.append([name, "", words.throughput(rest_gbps), words.percent(rest), bar(rest, weak=True)])
    first = sites[0]
    caption = words("capacity.gateways_table", share=words.percent(first.share), name=_gateway_name(first, words))
    landing = words("capacity.gateways_note", landing=words.label("landing_label", capacity.landing))
    return page.table(caption, columns, rows) + paragraph(landing, kind="note")


def _gateway_name(site: GatewayLoad, words: Words) -> str:
    return site_name(LandingSite(site.name, site.country, np.nan, np.nan, site.share, site.status), words)


def _price_part(capacity: CapacityFindings, page: Page) -> str:
    words, with_us, without_us = page.words, capacity.others_mbps, capacity.others_without_mbps
    if not (np.isfinite(with_us) and np.isfinite(without_us) and without_us > 0.0):
        return paragraph(words("capacity.price_none"))
    loss = 1.0 - with_us / without_us
    cells = words.count("cell", capacity.demand.others_cells)
    values = {"with_us": words.rate(with_us), "without_us": words.rate(without_us), "cells": cells}
    if loss < LEAST_LOSS:
        return paragraph(words("capacity.price_little", **values))
    return paragraph(words("capacity.price", loss=words.percent(loss), **values))


def _busiest(capacity: CapacityFindings) -> tuple[float, float]:
    """What is asked for and delivered in the slot in which most is asked for, Gbit/s."""
    if not len(capacity.asked_gbps):
        return 0.0, 0.0
    row = int(np.argmax(capacity.asked_gbps))
    return float(capacity.asked_gbps[row]), float(capacity.delivered_gbps[row])


def _about(count: float) -> float:
    """A number of people or terminals to three figures."""
    return float(round(count, -max(0, len(str(int(count))) - 3))) if np.isfinite(count) else count
