"""How a comparison writes its values: people to three figures, pairs in one unit, differences with their sign, policies by name."""

import math
from collections.abc import Iterable

import numpy as np

from overflight.report.answers import country_name
from overflight.report.markup import escape
from overflight.report.words import NO_VALUE, Words, throughput_in
from overflight.study.comparison.findings import Edge, Pair, PolicyComparison, PolicySide, is_sure

HARD = "\N{NO-BREAK SPACE}"

FEW = 0.5
"""Fewer people or terminals than this are none."""

HASH_DIGITS = 12
"""So many digits of a policy's hash name it."""

_NOISE = 1e-4
"""Differences of throughputs below this share of them are none."""


def territory_name(found: PolicyComparison, words: Words) -> str:
    """Name of the territory in the page's language."""
    return (found.name_fr or found.name) if words.lang == "fr" else found.name


def neighbour_name(code: str, name: str, words: Words) -> str:
    """Name of a territory by its code; of one that no table has, the name given."""
    known = country_name(code, words.lang)
    return name if known == code else known


def policy_name(side: PolicySide, words: Words) -> str:
    """Name of a policy; none in force has no name."""
    return words("comparison_word.no_policy") if side.sha256 is None else side.name


def short_hash(side: PolicySide) -> str:
    """The first digits of a policy's hash as HTML; nothing where there is no policy."""
    return "" if side.sha256 is None else f" <code>{escape(side.sha256[:HASH_DIGITS])}</code>"


def headcount(n: float, words: Words) -> str:
    """Write a number of people or estimated terminals to three figures, in words from a million on."""
    if not math.isfinite(n):
        return NO_VALUE
    if n < FEW:
        return words.number(0.0)
    rounded = _three_figures(n)
    if rounded < 1e6:
        return words.number(rounded)
    millions = rounded / 1e6
    digits = 0 if millions >= 100 else 1 if millions >= 10 else 2
    single = millions < 2 if words.lang == "fr" else False
    return words.number(millions, digits) + HARD + words("comparison_word.million_one" if single else "comparison_word.million_many")


def count_or_nobody(n: float, words: Words) -> str:
    """Write a number of people without its noun; of none, that they are nobody."""
    return words("comparison_word.nobody") if n < FEW else headcount(n, words)


def say_people(n: float, words: Words) -> str:
    """Write a number of people with its noun: "nobody", "1 person", "5,210 people", "23.5 million people"."""
    if not math.isfinite(n):
        return NO_VALUE
    if n < FEW:
        return words("comparison_word.nobody")
    rounded = _three_figures(n)
    key = "people_millions" if rounded >= 1e6 else "people_one" if rounded == 1 else "people_many"
    return words(f"comparison_word.{key}", count=headcount(n, words))


def with_share(n: float, total: float, words: Words) -> str:
    """Write people and the share of all that they are, as HTML."""
    share = f" <small>{words.percent(min(n / total, 1.0))}</small>" if total > 0.0 and n >= FEW else ""
    return headcount(n, words) + share


def difference(before: float, after: float, words: Words) -> str:
    """Write by how many people there are more or fewer."""
    if not (math.isfinite(before) and math.isfinite(after)):
        return NO_VALUE
    change = after - before
    return words.number(0.0) if abs(change) < FEW else _sign(change) + headcount(abs(change), words)


def relative(pair: Pair, words: Words) -> str:
    """Write a change as a share of what was before: "+1.6%"; no value where there was or is nothing to compare."""
    before, after = pair
    if not (math.isfinite(after) and before > 0.0):
        return NO_VALUE
    share = after / before - 1.0
    if abs(share) < 0.0005:
        return words.number(0.0) + words("format.percent")
    return words.localise(f"{share:+,.1%}" if abs(share) < 0.0995 else f"{share:+,.0%}")


def throughputs(pair: Pair, words: Words) -> tuple[str, str]:
    """Write two throughputs in the unit that suits the greater, which both name; nothing is just 0."""
    greatest = max((value for value in pair if math.isfinite(value)), default=0.0)
    first, second = (_in_unit_of(value, greatest, words) for value in pair)
    return first, second


def throughput_change(pair: Pair, words: Words) -> str:
    """Write by how much a throughput grows or falls."""
    change = pair[1] - pair[0]
    if not math.isfinite(change):
        return NO_VALUE
    return words.number(0.0) if abs(change) <= _NOISE * max(pair) else _sign(change) + words.throughput(abs(change))


def arrow(before: str, after: str) -> str:
    """Two values with an arrow between them; the first goes without its unit where the second has the same."""
    _, mark, unit = after.rpartition(HARD)
    return f"{before.removesuffix(HARD + unit) if mark else before} → {after}"


def rate_with_unit(mbps: float, words: Words) -> str:
    """Write a rate with its unit; the rate of nobody is no number."""
    return f"{words.rate(mbps)}{HARD}Mbit/s" if math.isfinite(mbps) else NO_VALUE


def active_count(n: float, words: Words) -> str:
    """Write a mean number of active terminals, which may be a fraction."""
    if 0.0 < n < 0.05:
        return f"<\N{NARROW NO-BREAK SPACE}{words.number(0.1, 1)}"
    return words.number(n, 1 if 0.0 < n < 9.95 else 0)


def money(value: float, currency: str, words: Words) -> str:
    """Write an amount; nothing has no value to state."""
    return f"{words.number(value)}{HARD}{currency}" if value > 0.0 else NO_VALUE


def series(items: Iterable[str], words: Words) -> str:
    """Join names that hold commas themselves."""
    return ("\N{NARROW NO-BREAK SPACE}; " if words.lang == "fr" else "; ").join(items)


def has_line(edge: Edge) -> bool:
    """Whether anybody lives near a line between served and denied."""
    return any(row.denied >= FEW or row.allowed >= FEW for row in edge.bands)


def _three_figures(n: float) -> float:
    return float(round(n, -max(0, len(str(round(n))) - 3)))


def _sign(change: float) -> str:
    return "+" if change > 0.0 else "\N{MINUS SIGN}"


def _in_unit_of(gbps: float, greatest: float, words: Words) -> str:
    if not np.isfinite(gbps):
        return NO_VALUE
    value, unit = throughput_in(gbps, greatest)
    if value == 0.0:
        return words.number(0.0)
    return words.number(value, 0 if value >= 99.5 else 1 if value >= 9.95 else 2) + HARD + unit


def unsure(text: str, change: Pair, margin: float) -> str:
    """A change as HTML, set in grey where it is no more than the differences between slots."""
    return text if is_sure(change, margin) or not is_known(change) else f'<span class="unsure">{text}</span>'


def is_known(change: Pair) -> bool:
    """Whether there is a value before and after."""
    return math.isfinite(change[0]) and math.isfinite(change[1])
