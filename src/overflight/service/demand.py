"""What is asked for: over the day, by one terminal, by a country whose cables are cut, and what counts as being served.

Demand is that of the busiest hour times a factor of the local hour. Local time is solar: it goes with the longitude, not with the clocks.
"""

import math
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import float_column, read_table
from overflight.clock import Instants
from overflight.errors import ScenarioError

Floats = npt.NDArray[np.float64]

HOURS = 24
DEGREES_PER_HOUR = 15.0
MAX_MBPS = 100_000.0
"""More than this (100 Gbit/s) is not asked by one terminal."""
MAX_GBPS = 1_000_000.0

KINDS = ("broadband", "failover", "rate")
"""Kinds of demand: each class's own, a country's international traffic, or the same rate for all."""

THRESHOLDS = "25/3,100/20"
"""Minimum rates that reports ask for, Mbit/s down and up: the FCC's of 2015 and 2024."""

_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_RATE = re.compile(rf"{_NUMBER}(?:\s*/\s*{_NUMBER})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Demand:
    """What terminals ask for.

    Attributes
    ----------
    kind
        One of `KINDS`.
    down_mbps, up_mbps
        Of kind ``rate``: Mbit/s per active terminal; None leaves it to the class.
    gbps
        Of kind ``failover``: the country's traffic from abroad, Gbit/s; None leaves it to the estimate
        (`overflight.service.subscribers.international_traffic_gbps`).
    """

    kind: str
    down_mbps: float | None = None
    up_mbps: float | None = None
    gbps: float | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """A minimum rate, Mbit/s down and up."""

    down_mbps: float
    up_mbps: float

    def __str__(self) -> str:
        return f"{self.down_mbps:g}/{self.up_mbps:g}"


def parse_demand(text: str) -> Demand:
    """Read what a user writes: ``broadband``, ``failover``, ``failover:8`` (Gbit/s), ``100`` or ``100/20`` (Mbit/s per active terminal).

    Raises
    ------
    ScenarioError
        If it is none of these, or a number is not above 0.

    Examples
    --------
    >>> parse_demand("100/20")
    Demand(kind='rate', down_mbps=100.0, up_mbps=20.0, gbps=None)
    """
    word, _, number = text.strip().casefold().partition(":")
    word, number = word.strip(), number.strip()
    if word == "broadband" and ":" not in text:
        return Demand("broadband")
    if word == "failover":
        if ":" not in text:
            return Demand("failover")
        if re.fullmatch(_NUMBER, number, re.ASCII) and 0.0 < float(number) <= MAX_GBPS:
            return Demand("failover", gbps=float(number))
    rate = _read_rate(text)
    if rate is None:
        msg = f"demand {text!r}: give broadband, failover, failover:GBIT_S (such as failover:8), or MBIT_S per terminal (100, or 100/20)"
        raise ScenarioError(msg)
    return Demand("rate", down_mbps=rate[0], up_mbps=rate[1])


def parse_thresholds(text: str) -> tuple[Threshold, ...]:
    """Read minimum rates, Mbit/s down and up: ``25/3,100/20``; repeated ones count once, in the order given.

    Raises
    ------
    ScenarioError
        If one is not two numbers above 0.
    """
    thresholds: list[Threshold] = []
    for part in text.split(","):
        rate = _read_rate(part)
        if rate is None or rate[1] is None:
            msg = f"minimum rate {part.strip()!r}: give Mbit/s down and up, such as 25/3, several parted by commas (25/3,100/20)"
            raise ScenarioError(msg)
        thresholds.append(Threshold(rate[0], rate[1]))
    return tuple(dict.fromkeys(thresholds))


def activity(instants: Instants, lon_deg: npt.ArrayLike, *, factors: npt.ArrayLike | None = None) -> Floats:
    """Demand at each instant and longitude as a share of the busiest hour's.

    Parameters
    ----------
    instants
        UTC, datetime64, shape (slots,).
    lon_deg
        Longitudes of the cells, degrees, shape (cells,).
    factors
        One factor per hour of local solar time, from 0 h, shape (24,); None takes `busy_hour_factors`.

    Returns
    -------
    float64, shape (slots, cells)
        Linear between the full hours, round the day.

    Raises
    ------
    ScenarioError
        If there are not 24 factors, or one is negative or not a number.
    """
    profile = busy_hour_factors() if factors is None else np.asarray(factors, dtype=np.float64)
    if profile.shape != (HOURS,) or not (np.isfinite(profile).all() and (profile >= 0.0).all()):
        msg = f"profile of the day: give {HOURS} factors of at least 0, one for each hour from 0 h"
        raise ScenarioError(msg)
    moments = np.asarray(instants).astype("datetime64[us]")
    since_midnight = (moments - moments.astype("datetime64[D]")) / np.timedelta64(1, "h")
    local = np.mod(since_midnight[:, None] + np.asarray(lon_deg, dtype=np.float64) / DEGREES_PER_HOUR, HOURS)
    hour = np.minimum(local.astype(np.int64), HOURS - 1)
    return np.asarray(profile[hour] + (local - hour) * (profile[(hour + 1) % HOURS] - profile[hour]))


@cache
def busy_hour_factors() -> Floats:
    """The built-in profile: demand at each full hour of a working day as a share of the busiest, shape (24,)."""
    table = read_table("busy_hour")
    assert [int(hour) for hour in table["hour"]] == list(range(HOURS))
    return float_column(table, "factor")


def failover_demand_mbps(population: npt.ArrayLike, gbps: float) -> Floats:
    """Spread a country's international traffic over its cells by people, Mbit/s, shape (cells,).

    Raises
    ------
    ScenarioError
        If nobody lives in the cells, or the traffic is not a number above 0.
    """
    people = np.asarray(population, dtype=np.float64)
    total = math.fsum(people)
    if not (0.0 < gbps <= MAX_GBPS and total > 0.0):
        msg = "nobody lives in these cells: no traffic to carry" if gbps > 0.0 else f"{gbps:g} Gbit/s: give a number above 0"
        raise ScenarioError(msg)
    return np.asarray(people * (gbps * 1000.0 / total))


def people_served(down_mbps: npt.ArrayLike, up_mbps: npt.ArrayLike, people: npt.ArrayLike, thresholds: tuple[Threshold, ...]) -> Floats:
    """Count the people behind terminals that get at least each minimum rate, both ways, shape (thresholds,).

    Parameters
    ----------
    down_mbps, up_mbps
        Rate per active terminal, any one shape.
    people
        People behind the terminals that get it (`overflight.service.terminals.people_behind`), the same shape.
    thresholds
        Minimum rates.
    """
    down, up = np.asarray(down_mbps, dtype=np.float64), np.asarray(up_mbps, dtype=np.float64)
    users = np.asarray(people, dtype=np.float64)
    return np.array([users[(down >= least.down_mbps) & (up >= least.up_mbps)].sum() for least in thresholds])


def _read_rate(text: str) -> tuple[float, float | None] | None:
    """Down and up of ``100`` or ``100/20``; None if it is neither or out of range."""
    match = _RATE.fullmatch(text.strip())
    if match is None:
        return None
    down, up = (None if number is None else float(number) for number in match.groups())
    is_sound = all(number is None or 0.0 < number <= MAX_MBPS for number in (down, up))
    return (down, up) if is_sound and down is not None else None
