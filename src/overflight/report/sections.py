"""What was found, section by section: maps, satellites, latency, the way, sensitivity, constellations.

A section is a function of the findings and the page that returns HTML, without its heading; no text, no section.
"""

import numpy as np

from overflight.earth.geodesy import great_circle_km
from overflight.report.answers import country_name, element_age, site_name, sorted_sites, territory_name
from overflight.report.cellmaps import CellMap, draw_cells, is_sampled
from overflight.report.charts import draw_fleets, draw_latency, draw_parts, draw_sky, latency_parts, slots_per_point
from overflight.report.markup import BAR, NUMBER, Page, bar, escape, paragraph
from overflight.report.waymaps import LEAST_SHARE, draw_way, middle_of
from overflight.report.words import NO_VALUE, Words
from overflight.study.findings import FleetFindings, LandingSite, Sensitivity, TerritoryFindings

MAX_SITES = 15
"""Most rows of a table of countries, gateways or points of presence; the rest is summed up in one row."""

LEAST_ROW = 0.001
"""Share from which on a country, gateway or point of presence has a row of its own."""


def territory_section(findings: TerritoryFindings, page: Page) -> str:
    """The map of the territory's cells."""
    words, fleet = page.words, findings.fleets[0]
    key = page.next_figure()
    drawn = draw_cells(findings, fleet, words, key=key, label=words("map.alt_cells", territory=territory_name(findings, words)))
    return page.figure(drawn.svg, key, *_caption_cells(findings, fleet, drawn, words))


def sky_section(findings: TerritoryFindings, page: Page) -> str:
    """Satellites over the day, and the figures of merit of coverage."""
    words, fleet = page.words, findings.fleets[0]
    coverage = fleet.coverage
    mask, arc = words.number(fleet.mask_deg), words.number(fleet.arc_avoidance_deg)
    intro = words("sky.intro", mask=mask, arc=arc) if fleet.arc_avoidance_deg > 0.0 else words("sky.intro_no_arc", mask=mask)
    key = page.next_figure()
    label = words(
        "sky.alt",
        in_view=words.number(coverage.satellites_in_view_mean, 1),
        usable=words.number(coverage.satellites_usable_mean, 1),
        min=words.number(coverage.satellites_usable_min),
    )
    bin_slots = slots_per_point(len(fleet.slot_start))
    notes = [words("sky.note"), words("sky.note_bins", slots=words.count("slot", bin_slots)) if bin_slots > 1 else ""]
    svg = draw_sky(fleet, words, key=key, label=label)
    return paragraph(intro) + page.figure(svg, key, _caption_sky(fleet, words), *notes) + _coverage_table(fleet, page)


def latency_section(findings: TerritoryFindings, page: Page) -> str:
    """The distribution of the round trip and its parts."""
    words, fleet = page.words, findings.fleets[0]
    latency = fleet.latency
    if latency.p50_ms is None:
        return paragraph(words("latency.none" if fleet.ground_known else "latency.unknown"))
    p20, p50, p80 = (words.number(value, 1) for value in (latency.p20_ms, latency.p50_ms, latency.p80_ms))
    text = paragraph(words("latency.intro"))
    if float(latency.histogram_density.sum()) > 0.0:
        key = page.next_figure()
        svg, beyond = draw_latency(latency, words, key=key, label=words("latency.alt", p20=p20, p50=p50, p80=p80))
        trimmed = words("latency.trimmed", share=words.percent(beyond)) if beyond > 0.0 else ""
        text += page.figure(svg, key, words("latency.caption", p50=p50, p80=p80), words("latency.note"), trimmed)
    else:
        text += paragraph(words("latency.no_histogram", p50=p50))
    parts = latency_parts(latency)
    if parts:
        largest, value = max(parts, key=lambda part: part[1])
        key = page.next_figure()
        listed = ", ".join(f"{words(f'latency.{part}')} {words.number(amount, 1)} ms" for part, amount in parts)
        svg = draw_parts(latency, words, key=key, label=words("latency.parts_alt", parts=listed))
        caption = words("latency.parts_caption", part=words(f"latency.part_{largest}"), value=words.number(value, 1), p50=p50)
        text += page.figure(svg, key, caption, words("latency.parts_note", sum=words.number(sum(amount for _, amount in parts), 1)))
    return text


def way_section(findings: TerritoryFindings, page: Page) -> str:
    """Where traffic comes to ground, on the map and in tables."""
    words, fleet = page.words, findings.fleets[0]
    if not fleet.gateways:
        return paragraph(words("way.none" if fleet.ground_known else "way.unknown"))
    key = page.next_figure()
    sites = ", ".join(f"{site_name(site, words)} {words.percent(site.share)}" for site in sorted_sites(fleet.gateways)[:MAX_SITES])
    svg = draw_way(findings, fleet, words, key=key, label=words("map.alt_way", territory=territory_name(findings, words), sites=sites))
    fibre = words("map.way_note_pop") if len(fleet.pops) == 1 else words("map.way_note_pops")
    hidden = any(site.share < LEAST_SHARE for site in (*fleet.gateways, *fleet.pops))
    unlabelled = words("map.way_unlabelled", share=words.percent(LEAST_SHARE)) if hidden else ""
    traffic = words("way.no_traffic" if fleet.capacity is None else "way.traffic")
    text = paragraph(words("way.intro"), traffic, _say_home(findings, fleet, words))
    text += page.figure(svg, key, _caption_way(findings, fleet, words), words("map.way_note"), fibre, unlabelled)
    columns = [(words("way.country"), ""), (words("way.share"), NUMBER), ("", BAR)]
    shown, rest = _split_small([share for _, share in fleet.landing_countries])
    rows = [[_country(code, findings, words), words.percent(share), bar(share)] for code, share in fleet.landing_countries[:shown]]
    rows += [[_say_rest(len(fleet.landing_countries) - shown, words), words.percent(rest), bar(rest, weak=True)]] if rest > 0.0 else []
    text += f'<div class="countries">{page.table(words("way.countries"), columns, rows)}</div>\n'
    text += _sites_table(findings, fleet.gateways, words("way.gateways"), page)
    return text + (_sites_table(findings, fleet.pops, words("way.pops"), page) if fleet.pops else paragraph(words("way.no_pops")))


def sensitivity_section(findings: TerritoryFindings, page: Page) -> str:
    """What the elevation mask and the geostationary arc do to the answer."""
    words, rows = page.words, findings.fleets[0].sensitivity
    if not rows:
        return paragraph(words("sensitivity.none"))
    text = paragraph(words("sensitivity.intro"))
    for parameter in dict.fromkeys(row.parameter for row in rows):
        group = sorted((row for row in rows if row.parameter == parameter), key=lambda row: row.value)
        text += _sensitivity_table(parameter, group, page)
    return text


def fleets_section(findings: TerritoryFindings, page: Page) -> str:
    """The constellations side by side, and what each is made of."""
    words, fleets = page.words, findings.fleets
    text = paragraph(words("fleets.intro_many" if len(fleets) > 1 else "fleets.intro_one"))
    if len(fleets) > 1:
        key = page.next_figure()
        text += page.figure(draw_fleets(fleets, words, key=key, label=words("fleets.alt")), key, _caption_fleets(fleets, words))
        text += _fleets_table(findings, page)
    return text + "".join(_describe_fleet(fleet, page) for fleet in fleets)


def _caption_cells(findings: TerritoryFindings, fleet: FleetFindings, drawn: CellMap, words: Words) -> list[str]:
    latency = fleet.cell_latency_p50_ms[np.isfinite(fleet.cell_latency_p50_ms)]
    usable = fleet.cell_usable_mean[np.isfinite(fleet.cell_usable_mean)]
    captions = []
    if not len(latency):
        captions.append(words("map.caption_none" if fleet.ground_known else "map.caption_unknown"))
    elif findings.cells_total == 1:
        captions.append(words("map.caption_one_latency", value=words.number(float(latency[0]), 1)))
    else:
        flat = np.ptp(latency) < 1.0
        low, high = (words.number(float(value), 1 if flat else 0) for value in (latency.min(), latency.max()))
        captions.append(words("map.caption_latency_flat" if flat else "map.caption_latency", low=low, high=high))
        if len(usable):
            captions.append(words("map.caption_usable", low=words.number(usable.min(), 1), high=words.number(usable.max(), 1)))
    never = int((~np.isfinite(fleet.cell_latency_p50_ms)).sum())
    if 0 < never < len(findings.cell_ids):
        captions.append(words("map.never_served", cells=words.count("cell", never)))
    if is_sampled(findings):
        captions.append(words("map.sampled", cells=words.count("cell", len(findings.cell_ids)), total=words.number(findings.cells_total)))
    else:
        captions.append(words("map.hexagons"))
    if drawn.enlarged >= 1.05:
        captions.append(words("map.enlarged", factor=words.number(drawn.enlarged, 1)))
    captions.append(words("map.projection_pole" if drawn.polar else "map.projection"))
    return [*captions, words("map.borders", source=findings.borders_source), findings.worldview]


def _caption_sky(fleet: FleetFindings, words: Words) -> str:
    least = float(np.min(fleet.usable_min))
    time = words.time_of_day(fleet.slot_start[int(np.argmin(fleet.usable_min))])
    if not fleet.coverage.covered_fraction > 0.0:
        return words("sky.caption_never")
    if least < 1.0:
        return words("sky.caption_zero", time=time)
    return words("sky.caption", time=time, satellites=words.count("satellite", int(least)))


def _coverage_table(fleet: FleetFindings, page: Page) -> str:
    words, coverage = page.words, fleet.coverage
    gap = words.duration(coverage.longest_gap_s) if coverage.longest_gap_s > 0.0 else words("sky.no_gap")
    rows = [
        ("in_view_mean", words.number(coverage.satellites_in_view_mean, 1)),
        ("in_view_min", words.number(coverage.satellites_in_view_min)),
        ("usable_mean", words.number(coverage.satellites_usable_mean, 1)),
        ("usable_least", words.number(coverage.satellites_usable_min)),
        ("covered", words.percent(coverage.covered_fraction)),
        ("satisfied", words.percent(coverage.satisfied_fraction)),
        ("gaps", words.number(coverage.gaps, 1)),
        ("gap", gap),
        ("revisit", words.duration(coverage.revisit_mean_s) if coverage.revisit_mean_s > 0.0 else words("sky.no_gap")),
        ("accesses", words.number(coverage.accesses)),
        ("handovers", words.number(fleet.handovers_per_hour)),
        ("run", words.number(fleet.mean_run_slots, 2)),
        ("elevation", words.number(fleet.serving_elevation_p50_deg, 1) + ("°" if np.isfinite(fleet.serving_elevation_p50_deg) else "")),
    ]
    columns = [(words("sky.merit"), ""), (words("sky.value"), NUMBER)]
    required = words.number(coverage.required_satellites)
    return page.table(
        words("sky.table"), columns, [[escape(words(f"sky.{name}", required=required)), value] for name, value in rows], narrow=True
    )


def _say_home(findings: TerritoryFindings, fleet: FleetFindings, words: Words) -> str:
    if not findings.countries:
        return ""
    home = sum(share for country, share in fleet.landing_countries if country in findings.countries)
    if findings.countries == (findings.code,):
        return words("way.home", share=words.percent(home)) if home > 0.0 else words("way.abroad")
    countries = words.listing(country_name(country, words.lang) for country in findings.countries)
    return words("way.home_country" if home > 0.0 else "way.abroad_country", share=words.percent(home), countries=countries)


def _caption_way(findings: TerritoryFindings, fleet: FleetFindings, words: Words) -> str:
    if not fleet.landing_countries:
        return words("map.way_caption_none")
    code = max(fleet.landing_countries, key=lambda item: item[1])[0]
    if code in findings.countries:
        is_country = findings.countries == (findings.code,)
        return words("map.way_caption_home") if is_country else words("map.way_caption_country", country=country_name(code, words.lang))
    main = max((site for site in fleet.gateways if site.country == code), key=lambda site: site.share)
    distance = words.number(_round_distance(_distance_km(findings, main)))
    return words("map.way_caption", country=country_name(code, words.lang), site=site_name(main, words), distance=distance)


def _country(code: str, findings: TerritoryFindings, words: Words) -> str:
    name = escape(country_name(code, words.lang))
    return f"{name} <small>({escape(words('way.here'))})</small>" if code == findings.code else name


def _sites_table(findings: TerritoryFindings, sites: tuple[LandingSite, ...], caption: str, page: Page) -> str:
    words = page.words
    ordered = sorted_sites(sites)
    shown, rest = _split_small([site.share for site in ordered])
    columns = [(words("way.name"), ""), (words("way.country"), ""), (words("way.position"), NUMBER), (words("way.distance"), NUMBER)]
    rows = [
        [
            escape(site_name(site, words)),
            escape(country_name(site.country, words.lang)),
            f"{words.latitude(site.lat_deg)}, {words.longitude(site.lon_deg)}",
            words.number(_round_distance(_distance_km(findings, site))),
            words.percent(site.share),
            bar(site.share),
        ]
        for site in ordered[:shown]
    ]
    if rest > 0.0:
        rows.append([_say_rest(len(ordered) - shown, words), "", "", "", words.percent(rest), bar(rest, weak=True)])
    return page.table(f"{caption}. {words('way.distance_note')}", [*columns, (words("way.share"), NUMBER), ("", BAR)], rows)


def _split_small(shares: list[float]) -> tuple[int, float]:
    """How many of the falling shares deserve a row of their own, and the sum of the others."""
    worthy = max(1, sum(share >= LEAST_ROW for share in shares))
    shown = len(shares) if len(shares) <= worthy + 1 and len(shares) <= MAX_SITES else min(worthy, MAX_SITES)
    return shown, float(sum(shares[shown:]))


def _say_rest(count: int, words: Words) -> str:
    return f"<em>{escape(words('way.rest', count=words.number(count)))}</em>"


def _distance_km(findings: TerritoryFindings, site: LandingSite) -> float:
    lat_deg, lon_deg = middle_of(findings)
    return float(great_circle_km(lat_deg, lon_deg, site.lat_deg, site.lon_deg))


def _round_distance(distance_km: float) -> float:
    """Distances from the middle of a territory deserve two or three figures."""
    return float(round(distance_km, -1)) if distance_km >= 100.0 else float(round(distance_km))


def _sensitivity_table(parameter: str, rows: list[Sensitivity], page: Page) -> str:
    words = page.words
    most = max((row.satellites_usable_mean for row in rows), default=0.0) or 1.0
    columns = [(words.label("sensitivity", parameter), ""), (words("sensitivity.usable_mean"), NUMBER), ("", BAR)]
    columns += [
        (words("sensitivity.usable_min"), NUMBER),
        (words("sensitivity.covered"), NUMBER),
        ("", BAR),
        (words("sensitivity.latency"), NUMBER),
    ]
    body = [
        [
            f"{words.number(row.value)}°" + (f" <small>{escape(words('sensitivity.used'))}</small>" if row.is_default else ""),
            words.number(row.satellites_usable_mean, 1),
            bar(row.satellites_usable_mean / most, weak=not row.is_default),
            words.number(row.satellites_usable_min),
            words.percent(row.covered_fraction),
            bar(row.covered_fraction, weak=not row.is_default),
            words.number(row.latency_p50_ms, 1),
        ]
        for row in rows
    ]
    marked = next((index for index, row in enumerate(rows) if row.is_default), None)
    return page.table(_sensitivity_finding(rows, words), columns, body, marked=marked)


def _sensitivity_finding(rows: list[Sensitivity], words: Words) -> str:
    first, last = rows[0], rows[-1]
    values = {
        "low": words.number(first.value),
        "high": words.number(last.value),
        "most": words.number(first.satellites_usable_mean, 1),
        "fewest": words.number(last.satellites_usable_mean, 1),
    }
    if values["most"] == values["fewest"] and first.covered_fraction == last.covered_fraction:
        return words("sensitivity.finding_flat")
    if min(row.covered_fraction for row in rows) >= 1.0:
        return words("sensitivity.finding_covered", **values)
    covered = {"covered_most": words.percent(first.covered_fraction), "covered_fewest": words.percent(last.covered_fraction)}
    return words("sensitivity.finding", **values, **covered)


def _caption_fleets(fleets: tuple[FleetFindings, ...], words: Words) -> str:
    served = [fleet for fleet in fleets if fleet.latency.p50_ms is not None]
    if len(served) < 2:
        return words("fleets.caption_plain")
    fastest = min(served, key=lambda fleet: fleet.latency.p50_ms or 0.0)
    fullest = max(served, key=lambda fleet: fleet.coverage.satellites_usable_mean)
    value, count = words.number(fastest.latency.p50_ms), words.number(fullest.coverage.satellites_usable_mean, 1)
    if fastest is fullest:
        return words("fleets.caption_same", best=fastest.title, value=value, count=count)
    return words("fleets.caption", best=fastest.title, value=value, most=fullest.title, count=count)


def _fleets_table(findings: TerritoryFindings, page: Page) -> str:
    words = page.words
    names = ("usable_column", "covered_column", "latency_column", "lasers_column")
    columns = [(words("fleets.constellation"), ""), *((words(f"fleets.{name}"), NUMBER) for name in names)]
    columns += [(words("fleets.landing_column"), ""), (words("fleets.handovers_column"), NUMBER)]
    rows = []
    for fleet in findings.fleets:
        coverage, latency = fleet.coverage, fleet.latency
        p20, p80 = words.number(latency.p20_ms), words.number(latency.p80_ms)
        span = f"{words.number(latency.p50_ms)} ({p20}–{p80})" if latency.p50_ms is not None else NO_VALUE
        landing = f"{country_name(*fleet.landing_countries[0][:1], words.lang)}" if fleet.landing_countries else NO_VALUE
        usable = f"{words.number(coverage.satellites_usable_mean, 1)} ({words.number(coverage.satellites_usable_min)})"
        covered, lasers = words.percent(coverage.covered_fraction), words.percent(fleet.isl_share)
        rows.append([escape(fleet.title), usable, covered, span, lasers, escape(landing), words.number(fleet.handovers_per_hour)])
    return page.table(words("fleets.table", territory=territory_name(findings, words)), columns, rows, marked=0)


def _describe_fleet(fleet: FleetFindings, page: Page) -> str:
    """Where a constellation's elements come from, how many satellites were used, in which shells."""
    words = page.words
    epoch = words.date(fleet.epoch_median)
    text = f"<h3>{escape(fleet.title)}</h3>\n" + paragraph(
        words(
            "fleets.operator" if np.isfinite(fleet.element_age_days) else "fleets.operator_nominal",
            operator=words.label("operator", fleet.operator) if fleet.operator else NO_VALUE,
            source=fleet.source,
            epoch=epoch,
            age=element_age(fleet, words),
        ),
        words(
            "fleets.rules",
            mask=words.number(fleet.mask_deg),
            arc=words.number(fleet.arc_avoidance_deg),
            topology=words.label("topology", fleet.topology),
            strategy=words.label("strategy", fleet.strategy),
        ),
    )
    total = max(fleet.satellites_read, 1)
    left_out = [(words("fleets.left_out", reason=words.label("reason", reason)), count) for reason, count in fleet.left_out]
    counts = [(words("fleets.read"), fleet.satellites_read), (words("fleets.used"), fleet.satellites_used), *left_out]
    if not left_out:
        counts.append((words("fleets.none_left_out"), 0))
    columns = [(words("fleets.satellites"), ""), (words("fleets.number"), NUMBER), ("", BAR)]
    rows = [[escape(name), words.number(count), bar(count / total, weak=index != 1)] for index, (name, count) in enumerate(counts)]
    text += '<div class="pair">\n' + page.table(words("fleets.accounts", name=fleet.title), columns, rows)
    if not fleet.shells:
        return text + paragraph(words("fleets.no_shells")) + "</div>\n"
    greatest = max(count for *_, count in fleet.shells)
    columns = [(words("fleets.inclination"), NUMBER), (words("fleets.altitude"), NUMBER), (words("fleets.satellites"), NUMBER), ("", BAR)]
    rows = [
        [f"{words.number(inclination, 1)}°", words.number(altitude), words.number(count), bar(count / greatest)]
        for inclination, altitude, count in fleet.shells
    ]
    return text + page.table(words("fleets.shells", name=fleet.title), columns, rows) + "</div>\n"
