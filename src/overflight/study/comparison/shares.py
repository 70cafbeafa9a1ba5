"""Verdicts at points, added up to shares of the cells that the points stand for."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.study.comparison.people import People
from overflight.study.comparison.standing import LIMITED, Standing

Floats = npt.NDArray[np.float64]


class Shares(NamedTuple):
    """What a policy leaves of one class in each part, shape (instants, parts).

    Attributes
    ----------
    served
        Share of the terminals that is served whether listed or not.
    by_list
        Share that is served because it is on a list.
    bound
        Of both, the share that may not have ever more: served at a limit, or because it is on a list.
    down_mbps, up_mbps
        Mean rates that both may have.
    """

    served: Floats
    by_list: Floats
    bound: Floats
    down_mbps: Floats
    up_mbps: Floats


def share_parts(standing: Standing, people: People, *, down_mbps: float, up_mbps: float) -> Shares:
    """Add verdicts at points up to shares of parts; rates are at most what the class asks for."""
    weight, parts = people.weight, len(people.cells)

    def add(values: npt.NDArray[np.generic]) -> Floats:
        return np.stack([np.bincount(people.part, weights=weight * row, minlength=parts) for row in values])

    served, by_list = add(standing.served), add(standing.by_list)
    whole, rates = served + by_list, []
    for name, most in (("down_mbps", down_mbps), ("up_mbps", up_mbps)):
        asked = add(standing.share * np.nan_to_num(standing.cap(name, most)))
        rates.append(np.divide(asked, whole, out=np.full(whole.shape, most), where=whole > 0.0))
    bound = add((standing.verdict == LIMITED) + standing.by_list)
    return Shares(served, by_list, bound, *rates)
