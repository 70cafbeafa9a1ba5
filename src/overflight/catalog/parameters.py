"""The numbers that a capacity rests on, each with its range, source and status, and draws from the ranges."""

import difflib
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import read_table
from overflight.errors import ScenarioError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of the built-in table ``capacity_parameters``.

    Attributes
    ----------
    name
        Its name in scenarios; the unit stands at its end.
    value
        What is taken unless a scenario says otherwise.
    low, high
        The range it may lie in.
    unit, meaning
        In words.
    source, date, status
        Where the value comes from, the day it holds for, and how sure it is.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    meaning: str
    source: str
    date: str
    status: str


def list_parameters() -> tuple[Parameter, ...]:
    """List all parameters, in the table's order."""
    return tuple(_parameters().values())


def find_parameter(name: str) -> Parameter:
    """Look up a parameter by name.

    Raises
    ------
    ScenarioError
        If there is none of that name; the nearest names are offered.
    """
    known = _parameters()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        msg = f"capacity parameter '{name}' is not known{hint}; the table capacity_parameters lists them"
        raise ScenarioError(msg)
    return known[name]


def parameter_values(overrides: Mapping[str, float] | None = None) -> dict[str, float]:
    """Value of every parameter, with a scenario's own in place of the table's.

    Raises
    ------
    ScenarioError
        If an override names no parameter, or is not a finite number. A value outside the parameter's range is taken: ranges say what
        is likely, not what is allowed.
    """
    values = {parameter.name: parameter.value for parameter in list_parameters()}
    for name, value in (overrides or {}).items():
        find_parameter(name)
        if not math.isfinite(value):
            msg = f"capacity parameter '{name}': {value} is not a number; give {find_parameter(name).unit}"
            raise ScenarioError(msg)
        values[name] = float(value)
    return values


def draw_parameters(n: int, seed: int, *, names: Iterable[str] | None = None) -> dict[str, Floats]:
    """Draw parameters from their ranges: triangular between low and high with the peak at the value, independent of one another.

    Each parameter has its own stream of random numbers, so the draws of one depend neither on which others are drawn nor on how many
    draws follow.

    Parameters
    ----------
    n
        How many draws.
    seed
        Seed; the same seed gives the same draws.
    names
        Parameters to draw; by default all.

    Returns
    -------
    dict
        Name → float64, shape (n,). A parameter without a range (low = high) stands at its value.

    Raises
    ------
    ScenarioError
        If ``n`` is negative, the seed is, or a name is not known.
    """
    if n < 0 or seed < 0:
        msg = f"draws of parameters: n={n}, seed={seed}; give whole numbers from 0"
        raise ScenarioError(msg)
    chosen = [find_parameter(name) for name in (_parameters() if names is None else names)]
    return {parameter.name: _draw(parameter, n, seed) for parameter in chosen}


def _draw(parameter: Parameter, n: int, seed: int) -> Floats:
    width = parameter.high - parameter.low
    if width <= 0.0:
        return np.full(n, parameter.value)
    uniform = np.random.default_rng([seed, zlib.crc32(parameter.name.encode())]).random(n)
    # Inverse of the cumulative distribution: NumPy's own triangular does not promise the same draws from one version to the next.
    rising = parameter.value - parameter.low
    below = parameter.low + np.sqrt(uniform * width * rising)
    above = parameter.high - np.sqrt((1.0 - uniform) * width * (width - rising))
    return np.where(uniform < rising / width, below, above)


@cache
def _parameters() -> Mapping[str, Parameter]:
    table = read_table("capacity_parameters")
    rows = range(len(table["name"]))
    found = [
        Parameter(
            name=table["name"][row],
            value=float(table["value"][row]),
            low=float(table["low"][row]),
            high=float(table["high"][row]),
            unit=table["unit"][row],
            meaning=table["meaning"][row],
            source=table["source"][row],
            date=table["date"][row],
            status=table["status"][row],
        )
        for row in rows
    ]
    return MappingProxyType({parameter.name: parameter for parameter in found})
