"""Built-in satellite choices by name: plain functions that score the candidates of one slot."""

import numpy as np

from overflight.errors import ScenarioError
from overflight.schedule.observed import ObservedChoice, observed_choice
from overflight.schedule.selection import Candidates, Floats, Strategy


def highest_elevation(candidates: Candidates) -> Floats:
    """Score by elevation."""
    return candidates.elevation_deg


def longest_remaining(candidates: Candidates) -> Floats:
    """Score by remaining access."""
    return candidates.remaining_s


def nearest(candidates: Candidates) -> Floats:
    """Score by nearness: the shortest slant range serves."""
    return -candidates.range_km


def least_handovers(candidates: Candidates) -> Floats:
    """Keep the serving satellite while it is a candidate; otherwise take the one with the longest remaining access.

    With full knowledge of the passes this greedy choice gives the fewest handovers possible (interval covering).
    """
    return np.where(candidates.serving, np.inf, candidates.remaining_s)


def observed(candidates: Candidates) -> Floats:
    """Score as `overflight.schedule.observed.ObservedChoice` with its default seed: the choice fitted to observations."""
    return observed_choice()(candidates)


STRATEGIES: dict[str, Strategy] = {
    "highest-elevation": highest_elevation,
    "longest-remaining": longest_remaining,
    "nearest": nearest,
    "least-handovers": least_handovers,
    "observed": observed,
}
"""Built-in strategies by name."""


def find_strategy(name: str, *, seed: int = 0, operator: str = "starlink") -> Strategy:
    """Look a built-in strategy up; ``seed`` matters to those that draw lots, ``operator`` to ``observed`` (see `observed_choice`).

    Raises
    ------
    ScenarioError
        If there is none of that name; the message lists those there are.
    """
    if name == "observed":
        return observed_choice(seed=seed, operator=operator)
    try:
        return STRATEGIES[name]
    except KeyError:
        msg = f"satellite choice '{name}': unknown; take one of {', '.join(STRATEGIES)}"
        raise ScenarioError(msg) from None


def needs_remaining(strategy: Strategy) -> bool:
    """Whether a strategy looks at ``remaining_s``; of one not built in, that is supposed.

    Without it, the twin spares itself the look-ahead and every candidate's remaining access is one slot.
    """
    return not (strategy in (highest_elevation, nearest, observed) or isinstance(strategy, ObservedChoice))


def needs_serving(strategy: Strategy) -> bool:
    """Whether a strategy looks at ``serving``, so that a choice depends on those before it; of one not built in, that is supposed."""
    return strategy not in (highest_elevation, longest_remaining, nearest)
