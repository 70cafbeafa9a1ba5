"""A satellite choice fitted to what Starlink was observed to do.

Terminals are not served by the highest satellite. Which one serves was identified for a terminal at Louvain (50.67° N 4.62° E) on
2024-07-17, and a conditional (multinomial) logit was fitted to those choices: each candidate has a utility, linear in the `TERMS`
below, and is chosen with probability proportional to its exponential. The score of a candidate is its utility plus standard Gumbel
noise; letting the highest score serve draws exactly from those probabilities (the Gumbel-max property), so that shares are reproduced
and not only the most likely choice.

The noise is a hash of seed, slot, cell and catalogue number: the same for any order of candidates, block of time or number of threads.

No term names a compass direction. "North" at Louvain is far from the geostationary arc, which flips in the southern hemisphere and
is neutral on the equator.

References
----------
D. McFadden, "Conditional logit analysis of qualitative choice behavior", in *Frontiers in Econometrics* (1974).
G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (the mixing function SplitMix64).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import float_column, read_table
from overflight.errors import CatalogError
from overflight.schedule.selection import Candidates, Floats

TERMS = ("elevation", "elevation_squared", "arc_separation", "serving", "newer")
"""Terms of the utility, in the order of the coefficients; `describe_candidates` computes them."""

REFERENCE_ELEVATION_DEG = 60.0
MAX_ARC_SEPARATION_DEG = 90.0
FIRST_NEWER_NORAD_ID = 56_000
"""Starlink's satellites catalogued since April 2023, nearly all v2 mini, which carry several times the traffic."""

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB


def describe_candidates(candidates: Candidates) -> Floats:
    """Compute the terms of the utility, shape (len(`TERMS`), pairs).

    Elevation counts in units of 10° from 60° and its square likewise; separation from the geostationary arc in units of 10°, at most
    9 (where no arc is in view, 9); `serving` and `newer` are 0 or 1.
    """
    terms = np.empty((len(TERMS), len(candidates)))
    elevation, squared, separation, serving, newer = terms
    np.subtract(candidates.elevation_deg, REFERENCE_ELEVATION_DEG, out=elevation)
    elevation *= 0.1
    np.multiply(elevation, elevation, out=squared)
    np.fmin(candidates.arc_separation_deg, MAX_ARC_SEPARATION_DEG, out=separation)
    separation *= 0.1
    serving[:] = candidates.serving
    newer[:] = candidates.norad_id >= FIRST_NEWER_NORAD_ID
    return terms


@dataclass(frozen=True, slots=True)
class ObservedChoice:
    """The fitted satellite choice: call it with `Candidates` as any other strategy.

    Attributes
    ----------
    coefficients
        Weight of each of `TERMS` in the utility.
    seed
        Another seed draws other lots from the same probabilities.
    """

    coefficients: tuple[float, ...]
    seed: int = 0

    def utility(self, candidates: Candidates) -> Floats:
        """Part of the score that does not depend on chance, shape (pairs,)."""
        terms = describe_candidates(candidates)
        terms *= np.array(self.coefficients)[:, np.newaxis]
        return np.asarray(terms.sum(axis=0))

    def __call__(self, candidates: Candidates) -> Floats:
        """Score the candidates of one slot, shape (pairs,)."""
        return self.utility(candidates) + gumbel_noise(candidates, seed=self.seed)


@cache
def observed_choice(*, seed: int = 0, operator: str = "starlink") -> ObservedChoice:
    """Return the choice with the coefficients of the built-in table ``observed_selection``.

    Parameters
    ----------
    seed
        Another seed draws other lots.
    operator
        Whose satellites. The table is fitted to Starlink; of others a catalogue number tells no generation, and `newer` weighs nothing.

    Raises
    ------
    CatalogError
        If the table's terms are not those this version computes.
    """
    table = read_table("observed_selection")
    if tuple(table["term"]) != TERMS:
        msg = f"built-in table observed_selection has terms {', '.join(table['term'])}, not {', '.join(TERMS)}: rebuild it"
        raise CatalogError(msg)
    weights = zip(TERMS, float_column(table, "value").tolist(), strict=True)
    return ObservedChoice(tuple(0.0 if term == "newer" and operator != "starlink" else weight for term, weight in weights), seed)


def gumbel_noise(candidates: Candidates, *, seed: int = 0) -> Floats:
    """Standard Gumbel deviates, one per candidate, from seed, slot, cell and catalogue number alone, shape (pairs,)."""
    slot = _mix_number((candidates.slot_index * _GOLDEN + seed * _MIX_1) & _MASK)
    keys = candidates.cell.astype(np.uint64) if candidates.cell_key is None else candidates.cell_key
    bits = _mix(candidates.norad_id.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(slot))
    bits ^= keys
    bits *= np.uint64(_GOLDEN)
    bits = _mix(bits)
    bits >>= np.uint64(11)
    noise = bits.astype(np.float64)
    noise += 0.5
    noise *= 2.0**-53
    np.log(noise, out=noise)
    np.negative(noise, out=noise)
    np.log(noise, out=noise)
    return np.negative(noise, out=noise)


def _mix(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Mix 64-bit words in place (finaliser of SplitMix64)."""
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(_MIX_1)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(_MIX_2)
    bits ^= bits >> np.uint64(31)
    return bits


def _mix_number(bits: int) -> int:
    bits = ((bits ^ (bits >> 30)) * _MIX_1) & _MASK
    bits = ((bits ^ (bits >> 27)) * _MIX_2) & _MASK
    return bits ^ (bits >> 31)
