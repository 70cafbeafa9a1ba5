"""The answers of a report in sentences, each with its number: the summary of the page and of the terminal alike.

Sentences carry ``**emphasis**``; `plain` takes it away.
"""

from dataclasses import dataclass

import numpy as np

from overflight.catalog.tables import read_table
from overflight.report.words import Words
from overflight.study.capacity_findings import CapacityFindings, Demand
from overflight.study.findings import FleetFindings, LandingSite, PolicyStatus, TerritoryFindings

MOST_COUNTRIES_NAMED = 3

MET = 1.0 - 1e-6
"""Share of what is asked for that counts as all of it."""

NOT_OFFERED = ("announced", "date-unknown", "no-date", "pending-regulator", "blacklisted")
"""Statuses under which nobody is served."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A question and what was found."""

    key: str
    question: str
    sentence: str


def answer_questions(findings: TerritoryFindings, words: Words) -> list[Answer]:
    """Answer what every reader asks: is service possible, is it offered, by which way, how fast, and at what rate where that is known."""
    fleet = findings.fleets[0]
    sentences = {
        "possible": say_possible(fleet, words),
        "offered": say_offered(findings, words),
        "way": say_way(fleet, words),
        "speed": say_speed(fleet, words),
    }
    if fleet.capacity is not None:
        sentences["much"] = say_much(findings, fleet.capacity, words)
    return [Answer(key, words(f"summary.{key}"), sentence) for key, sentence in sentences.items()]


def say_possible(fleet: FleetFindings, words: Words) -> str:
    """Whether orbits and ground stations allow service."""
    coverage = fleet.coverage
    if not coverage.satellites_in_view_mean > 0.0:
        return words("summary.possible_unseen", mask=words.number(fleet.mask_deg))
    mean = words.number(coverage.satellites_usable_mean, 1)
    if not fleet.ground_known:
        return words("summary.possible_sky", mean=mean, covered=words.percent(coverage.covered_fraction))
    if not coverage.covered_fraction > 0.0:
        return words("summary.possible_no_way", in_view=words.number(coverage.satellites_in_view_mean, 1))
    if coverage.covered_fraction >= 1.0:
        return words("summary.possible_full", mean=mean, min=words.number(coverage.satellites_usable_min))
    covered, gap = words.percent(coverage.covered_fraction), words.duration(coverage.longest_gap_s)
    return words("summary.possible_part", covered=covered, mean=mean, gap=gap)


def say_offered(findings: TerritoryFindings, words: Words) -> str:
    """What the operator publishes."""
    policy = findings.policy
    date = " " + words("policy_answer.as_of", date=words.date(policy.date)) if policy.date else ""
    sentence = words(f"policy_answer.{status_key(policy, words)}", date=date)
    if 0 < policy.denied_cells < findings.cells_total:
        sentence += " " + words(
            "policy_answer.denied", denied=words.count("cell", policy.denied_cells), total=words.number(findings.cells_total)
        )
    return sentence


def say_way(fleet: FleetFindings, words: Words) -> str:
    """Where traffic comes to ground and enters the Internet."""
    if not fleet.gateways:
        return words("summary.way_none" if fleet.ground_known else "summary.way_unknown")
    landing = [
        f"{country_name(code, words.lang)} ({words.percent(share)})" for code, share in fleet.landing_countries[:MOST_COUNTRIES_NAMED]
    ]
    values = {"landing": ", ".join(landing), "gateways": _name_sites(fleet.gateways, "gateway", words), "lasers": _say_lasers(fleet, words)}
    if not fleet.pops:
        return words("summary.way_text_no_pop", **values)
    return words("summary.way_text", pops=_name_sites(fleet.pops, "pop", words), **values)


def say_speed(fleet: FleetFindings, words: Words) -> str:
    """How long the round trip takes."""
    latency = fleet.latency
    if latency.p50_ms is None:
        return words("summary.speed_none" if fleet.ground_known else "summary.speed_unknown")
    p20, p50, p80 = (words.number(value) for value in (latency.p20_ms, latency.p50_ms, latency.p80_ms))
    text = words("summary.speed_text", p20=p20, p50=p50, p80=p80)
    return text if fleet.capacity is not None else f"{text} {words('summary.no_rates')}"


def say_much(findings: TerritoryFindings, capacity: CapacityFindings, words: Words) -> str:
    """What rate an active terminal gets, and all of them together."""
    rates, demand = capacity.busy_down, capacity.demand
    national = words.throughput(capacity.capacity_mean_gbps)
    if not demand.terminals:
        return words("summary.much_nobody", capacity=national) if capacity.capacity_mean_gbps > 0.0 else words("summary.much_nobody_none")
    if not rates.best_tenth_mbps > 0.0:
        return words("summary.much_none")
    how = "set" if demand.terminals_low >= demand.terminals_high else "reported" if demand.terminals_status == "reported" else "estimated"
    terminals = words(f"summary.terminals_{how}", terminals=say_count(demand, words))
    worst, median, best = (words.rate(value) for value in (rates.worst_tenth_mbps, rates.median_mbps, rates.best_tenth_mbps))
    values = {"worst": worst, "median": median, "best": best, "terminals": terminals, "capacity": national}
    if demand.kind == "failover" and capacity.asked_gbps.any():
        row = int(np.argmax(capacity.asked_gbps))
        asked, delivered = float(capacity.asked_gbps[row]), float(capacity.delivered_gbps[row])
        values |= {"share": words.percent(delivered / asked), "asked": words.throughput(asked), "delivered": words.throughput(delivered)}
        text = words("summary.much_failover_all" if delivered >= MET * asked else "summary.much_failover", **values)
    else:
        text = words("summary.much_flat" if worst == best else "summary.much_text", **values)
    return f"{words('summary.much_off')} {text}" if is_off(findings) else text


def say_count(demand: Demand, words: Words) -> str:
    """Number of terminals; an estimate to two or three figures."""
    exact = demand.terminals_status == "reported" or demand.terminals_low >= demand.terminals_high
    digits = 0 if exact else max(0, len(str(demand.terminals)) - 3)
    return words.count("terminal", round(demand.terminals, -digits))


def is_off(findings: TerritoryFindings) -> bool:
    """Whether nobody may be served today: figures of capacity then say what would be."""
    policy = findings.policy
    return policy.status in NOT_OFFERED or (policy.status == "served" and 0 < findings.cells_total <= policy.denied_cells)


def status_key(policy: PolicyStatus, words: Words) -> str:
    """The policy's status where this report has words for it, otherwise ``unknown``."""
    return policy.status if f"policy_answer.{policy.status}" in words.texts and f"policy_word.{policy.status}" in words.texts else "unknown"


def territory_name(findings: TerritoryFindings, words: Words) -> str:
    """Name of the territory in the report's language."""
    return findings.name_fr if words.lang == "fr" else findings.name


def country_name(code: str, lang: str) -> str:
    """Name of a country in English or French; a code that nobody assigned stands for itself."""
    table = read_table("territories")
    try:
        row = table["code"].index(code)
    except ValueError:
        return code
    return table["name_fr" if lang == "fr" else "name"][row]


def site_name(site: LandingSite, words: Words, *, short: bool = False, within: bool = False) -> str:
    """Name of a gateway or PoP without the country that the lists append to it; one that no list has is marked as assumed.

    ``short`` leaves out what stands after a comma, such as a state; ``within`` is for names that stand in brackets themselves.
    """
    name, _, tail = site.name.rpartition(", ")
    here = {country_name(site.country, "en"), country_name(site.country, "fr"), site.country}
    name = name if name and tail in here else site.name
    name = name.split(",")[0].strip() if short else name
    return words("way.assumed_within" if within else "way.assumed", name=name) if site.status == "assumed" else name


def sorted_sites(sites: tuple[LandingSite, ...]) -> list[LandingSite]:
    """Sites by falling share, then name."""
    return sorted(sites, key=lambda site: (-site.share if np.isfinite(site.share) else 0.0, site.name))


def element_age(fleet: FleetFindings, words: Words) -> str:
    """Age of a fleet's element sets: hours below two days, then days."""
    days = fleet.element_age_days
    if days < 2.0:
        return words.count("hour", 24.0 * days, 1)
    return words.count("day", days, 1)


def plain(sentence: str) -> str:
    """Take the emphasis out of a sentence."""
    return sentence.replace("**", "")


def _name_sites(sites: tuple[LandingSite, ...], noun: str, words: Words) -> str:
    name = site_name(sorted_sites(sites)[0], words, within=True)
    if len(sites) == 1:
        return words(f"summary.{noun}s_one", name=name)
    return words(f"summary.{noun}s_more", count=words.count(noun, len(sites)), name=name)


def _say_lasers(fleet: FleetFindings, words: Words) -> str:
    if not np.isfinite(fleet.isl_share):
        return ""
    if fleet.isl_share <= 0.0:
        return words("summary.lasers_off" if fleet.topology == "none" else "summary.lasers_none")
    if fleet.isl_share >= 1.0:
        return words("summary.lasers_all")
    return words("summary.lasers_some", share=words.percent(fleet.isl_share))
