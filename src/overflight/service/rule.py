"""The one rule for terminals where no number is reported: its parameters, fitted once for all territories.

A territory's terminals are its thin people (`overflight.service.spreading.thin_people`) times the rate of its income group, in Europe times
a factor: its countryside has more cables. The table ``terminal_rule`` holds the parameters and the error of the fit
(``tools/fit_subscribers.py``). Where they stand within a territory depends on the income group too (`usual_method`).
"""

from functools import cache

from overflight.catalog.tables import read_table

GROUPS = ("high", "upper-middle", "lower-middle", "low")
"""Income groups of the World Bank."""

EUROPE = frozenset(
    (
        "AD", "AL", "AT", "AX", "BA", "BE", "BG", "BY", "CH", "CZ", "DE", "DK", "EE", "ES", "FI", "FO", "FR", "GB", "GG", "GI", "GR", "HR",
        "HU", "IE", "IM", "IS", "IT", "JE", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL", "PT", "RO", "RS", "RU",
        "SE", "SI", "SJ", "SK", "SM", "UA", "VA", "XK",
    )
)  # fmt: skip
"""Territories of Europe (UN M49, and Kosovo)."""

USUAL_METHODS = {"high": "thin", "upper-middle": "population", "lower-middle": "towns", "low": "towns", "unknown": "population"}
"""How terminals stand within a territory, by its income group (assumed; docs/models/demand.md says why)."""

UNKNOWN_GROUP = "unknown"
"""Group of a territory that is not in the table, such as a user's polygon."""


@cache
def rule_value(name: str) -> float:
    """One parameter of the rule, by its name in the table ``terminal_rule``."""
    table = read_table("terminal_rule")
    return float(table["value"][table["name"].index(name)])


def region_factor(code: str) -> float:
    """What the rate of the income group is multiplied with in a territory's part of the world."""
    return rule_value("factor_europe") if code.strip().upper() in EUROPE else 1.0


def usual_method(code: str) -> str:
    """How terminals are spread over the cells of a territory unless somebody says otherwise: a key of `spreading.METHODS`."""
    return USUAL_METHODS[income_group(code)]


def income_group(code: str) -> str:
    """Income group of a territory (alpha-2), ``unknown`` where it has none."""
    return _groups().get(code.strip().upper(), UNKNOWN_GROUP)


@cache
def _groups() -> dict[str, str]:
    table = read_table("income_groups")
    return dict(zip(table["code"], table["group"], strict=True))
