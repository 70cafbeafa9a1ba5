"""Classes of terminals: what an active one asks for, how many are active, how they share, how many people use one.

Every number is a row of the table ``terminal_classes`` with its range; ``docs/models/demand.md`` says where each comes from.
"""

from dataclasses import dataclass
from functools import cache

from overflight.catalog.tables import read_table
from overflight.errors import ScenarioError

CLASSES = ("consumer", "enterprise", "government", "emergency", "maritime", "aviation")
"""Names of the classes, in the order of columns of `overflight.service.terminals.Terminals`."""

DEFAULT_CLASS = "consumer"
"""What a terminal is whose class is not said."""

QUANTITIES = ("down_mbps", "up_mbps", "active_share", "weight", "people")
"""Quantities of a class that have a range: keys of `TerminalClass.ranges`."""


@dataclass(frozen=True, slots=True)
class TerminalClass:
    """What is assumed of one class.

    Attributes
    ----------
    name
        One of `CLASSES`.
    down_mbps, up_mbps
        What an active terminal asks for, limited by its plan or its hardware, Mbit/s.
    active_share
        Share of the terminals that are active at the busiest hour, 0 to 1.
    weight
        Share in weighted fair sharing, relative to a consumer's.
    people
        People who use one terminal.
    ranges
        Least and greatest plausible value of each quantity, by its name.
    meaning
        Who that is.
    source, date, status
        Where the values come from, as of when, and how sure they are.
    """

    name: str
    down_mbps: float
    up_mbps: float
    active_share: float
    weight: float
    people: float
    ranges: dict[str, tuple[float, float]]
    meaning: str
    source: str
    date: str
    status: str


def find_class(name: str) -> TerminalClass:
    """Find a class by its name, any case.

    Raises
    ------
    ScenarioError
        If there is no such class; all are named.
    """
    found = _classes().get(name.strip().casefold())
    if found is None:
        msg = f"class {name!r}: unknown; take one of {', '.join(CLASSES)}"
        raise ScenarioError(msg)
    return found


def list_classes() -> tuple[TerminalClass, ...]:
    """All classes, in the order of `CLASSES`."""
    return tuple(_classes()[name] for name in CLASSES)


@cache
def _classes() -> dict[str, TerminalClass]:
    table = read_table("terminal_classes")
    return {name: _read_class({column: cells[row] for column, cells in table.items()}) for row, name in enumerate(table["name"])}


def _read_class(row: dict[str, str]) -> TerminalClass:
    values = {quantity: float(row[quantity]) for quantity in QUANTITIES}
    ranges = {quantity: (float(row[_bound(quantity, "low")]), float(row[_bound(quantity, "high")])) for quantity in QUANTITIES}
    return TerminalClass(
        name=row["name"],
        down_mbps=values["down_mbps"],
        up_mbps=values["up_mbps"],
        active_share=values["active_share"],
        weight=values["weight"],
        people=values["people"],
        ranges=ranges,
        meaning=row["meaning"],
        source=row["source"],
        date=row["date"],
        status=row["status"],
    )


def _bound(quantity: str, side: str) -> str:
    """Column of a bound: units stay last (``down_low_mbps``)."""
    return f"{quantity.removesuffix('_mbps')}_{side}_mbps" if quantity.endswith("_mbps") else f"{quantity}_{side}"
