"""The one rule for terminals where no number is reported: its parameters, fitted once for all territories.

A territory's terminals are its thin people (`overflight.service.spreading.thin_people`) times the rate of its income group. The table
``terminal_rule`` holds the parameters and the error of the fit (``tools/fit_subscribers.py``).
"""

from functools import cache

from overflight.catalog.tables import read_table

GROUPS = ("high", "upper-middle", "lower-middle", "low")
"""Income groups of the World Bank."""

UNKNOWN_GROUP = "unknown"
"""Group of a territory that is not in the table, such as a user's polygon."""


@cache
def rule_value(name: str) -> float:
    """One parameter of the rule, by its name in the table ``terminal_rule``."""
    table = read_table("terminal_rule")
    return float(table["value"][table["name"].index(name)])


@cache
def rule_source() -> str:
    """Where the rule comes from."""
    return read_table("terminal_rule")["source"][0]


def income_group(code: str) -> str:
    """Income group of a territory (alpha-2), ``unknown`` where it has none."""
    return _groups().get(code.strip().upper(), UNKNOWN_GROUP)


@cache
def _groups() -> dict[str, str]:
    table = read_table("income_groups")
    return dict(zip(table["code"], table["group"], strict=True))
