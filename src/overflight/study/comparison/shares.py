"""Verdicts at points, added up to shares of the cells that the points stand for."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.study.comparison.people import People
from overflight.study.comparison.standing import Standing

Floats = npt.NDArray[np.float64]


class Shares(NamedTuple):
    """What a policy leaves of one class in each part, shape (instants, parts).

    Attributes
    ----------
    served
        Share of the terminals that are on no list and are served.
    listed_only
        Share of those that would be served only if they were listed.
    down_mbps, up_mbps
        Mean rates that both may have.
    """

    served: Floats
    listed_only: Floats
    down_mbps: Floats
    up_mbps: Floats


def share_parts(standing: Standing, people: People, *, down_mbps: float, up_mbps: float) -> Shares:
    """Add verdicts at points up to shares of parts; rates are at most what the class asks for."""
    weight, parts = people.weight, len(people.cells)

    def add(values: npt.NDArray[np.generic]) -> Floats:
        return np.stack([np.bincount(people.part, weights=weight * row, minlength=parts) for row in values])

    served, listed = add(standing.served), add(standing.listed_only)
    either = served + listed
    rates = []
    for name, most in (("down_mbps", down_mbps), ("up_mbps", up_mbps)):
        whole = add(np.nan_to_num(standing.cap(name, most)))
        rates.append(np.divide(whole, either, out=np.full(whole.shape, most), where=either > 0.0))
    return Shares(served, listed, *rates)
