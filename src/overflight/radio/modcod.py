"""From a carrier's quality to the bits it carries: the MODCODs of DVB-S2X, or Shannon's bound with a gap.

References
----------
ETSI EN 302 307-1 V1.4.1 (2014-11), table 13, and EN 302 307-2 V1.1.1 (2014-10), table 20a: spectral efficiency and ideal Es/N0 of each
MODCOD over an AWGN channel, normal FECFRAME. C. E. Shannon, A mathematical theory of communication (1948).
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import float_column, read_table
from overflight.errors import ScenarioError
from overflight.radio._steps import FIRST_OCTAVE, MANTISSA_BITS, OCTAVES, step_edges

Floats = npt.NDArray[np.float64]

MODELS = ("dvb-s2x", "shannon")

SHANNON_CEILING_BIT_S_HZ = 5.900855
"""No modem goes beyond this in the Shannon model either, unless told: 256APSK 3/4 of DVB-S2X."""


@dataclass(frozen=True, slots=True, eq=False)
class Modcods:
    """MODCODs as a table.

    Attributes
    ----------
    name, standard
        As ``"16APSK 2/3-L"``, and ``"DVB-S2"`` or ``"DVB-S2X"``.
    bits_per_symbol
        Of the constellation, int32, shape (n,).
    efficiency_bit_symbol
        Bits carried per symbol, framing and coding taken off, shape (n,).
    es_n0_db
        Ideal threshold, shape (n,).
    """

    name: tuple[str, ...]
    standard: tuple[str, ...]
    bits_per_symbol: npt.NDArray[np.int32]
    efficiency_bit_symbol: Floats
    es_n0_db: Floats


@cache
def read_modcods() -> Modcods:
    """Read all MODCODs of both parts of the standard, as listed there; cached, so treat the arrays as read-only."""
    return _modcods(np.arange(len(read_table("modcods")["name"])))


@cache
def useful_modcods() -> Modcods:
    """MODCODs that carry more than any with a lower threshold, by threshold: those that adaptive coding would use."""
    every = read_modcods()
    order = np.lexsort((-every.efficiency_bit_symbol, every.es_n0_db))
    best = np.maximum.accumulate(every.efficiency_bit_symbol[order])
    return _modcods(order[np.diff(best, prepend=0.0) > 0.0])


def spectral_efficiency(
    c_over_ni_db: npt.ArrayLike,
    *,
    model: str = "dvb-s2x",
    margin_db: float = 0.0,
    gap_db: float = 0.0,
    roll_off: float = 0.0,
    ceiling_bit_s_hz: float | None = None,
) -> Floats:
    """Bits per second that a carrier bears in each hertz of its width.

    Parameters
    ----------
    c_over_ni_db
        Carrier over noise and interference in the symbol rate's bandwidth (Es/N0), any shape; NaN bears nothing.
    model
        ``"dvb-s2x"``: the most efficient MODCOD whose ideal threshold plus ``margin_db`` is reached; ``"shannon"``: log₂(1 + C/(N+I)).
    margin_db
        Taken off C/(N+I) first: implementation loss and margin of adaptation.
    gap_db
        Taken off besides in the model ``"shannon"``: how far a code stays from the bound.
    roll_off
        The width is (1 + roll-off) times the symbol rate.
    ceiling_bit_s_hz
        Most bits per symbol; None for what the best MODCOD carries, in both models.

    Returns
    -------
    numpy.ndarray
        bit/s/Hz, of the shape of ``c_over_ni_db``.

    Raises
    ------
    ScenarioError
        If the model is not known, or a roll-off or ceiling is negative.
    """
    _check(model, margin_db, gap_db, roll_off, ceiling_bit_s_hz)
    quality_db = np.asarray(c_over_ni_db, dtype=np.float64) - margin_db
    if model == "shannon":
        bits = np.log2(1.0 + 10.0 ** ((quality_db - gap_db) / 10.0))
        bits = np.where(np.isnan(bits), 0.0, bits)
    else:
        useful = useful_modcods()
        steps = np.concatenate([[0.0], useful.efficiency_bit_symbol])
        # A whole number of hundredths less a margin of hundredths may fall short of a threshold by the last bit.
        number = np.searchsorted(useful.es_n0_db, quality_db + 1e-9, side="right")
        bits = np.where(np.isnan(quality_db), 0.0, steps[np.where(np.isnan(quality_db), 0, number)])
    ceiling = SHANNON_CEILING_BIT_S_HZ if ceiling_bit_s_hz is None else ceiling_bit_s_hz
    efficiency: Floats = np.minimum(bits, ceiling) / (1.0 + roll_off)
    return efficiency


def efficiency_table(
    *,
    model: str = "dvb-s2x",
    margin_db: float = 0.0,
    gap_db: float = 0.0,
    roll_off: float = 0.0,
    ceiling_bit_s_hz: float | None = None,
) -> Floats:
    """Tabulate `spectral_efficiency` for kernels, over ratios from 2⁻⁴ to 2¹⁴ (−12 to 42 dB) in 512 equal steps to the octave.

    Look it up with `overflight.radio._link_kernels.look_up_efficiency`. Each step holds what its lower edge carries, so the table never
    promises more than the function, and less by at most what 0.0085 dB are worth.

    Returns
    -------
    numpy.ndarray
        bit/s/Hz, float64, shape (9216,).

    Raises
    ------
    ScenarioError
        As `spectral_efficiency`.
    """
    edges = step_edges(FIRST_OCTAVE, OCTAVES, MANTISSA_BITS)
    table = spectral_efficiency(
        10.0 * np.log10(edges),
        model=model,
        margin_db=margin_db,
        gap_db=gap_db,
        roll_off=roll_off,
        ceiling_bit_s_hz=ceiling_bit_s_hz,
    )
    return np.ascontiguousarray(table)


def find_modcod(c_over_ni_db: float, *, margin_db: float = 0.0) -> str | None:
    """Name the MODCOD that adaptive coding would use; None where not even the most robust one gets through."""
    useful = useful_modcods()
    number = int(np.searchsorted(useful.es_n0_db, c_over_ni_db - margin_db + 1e-9, side="right"))
    return useful.name[number - 1] if number else None


def _check(model: str, margin_db: float, gap_db: float, roll_off: float, ceiling_bit_s_hz: float | None) -> None:
    if model not in MODELS:
        msg = f"spectral efficiency '{model}' is not known; there are: {', '.join(MODELS)}"
        raise ScenarioError(msg)
    ceiling = 0.0 if ceiling_bit_s_hz is None else ceiling_bit_s_hz
    if not (roll_off >= 0.0 and ceiling >= 0.0 and math.isfinite(margin_db) and math.isfinite(gap_db)):
        msg = f"spectral efficiency: roll_off={roll_off}, margin_db={margin_db}, gap_db={gap_db}, ceiling={ceiling}; give numbers from 0"
        raise ScenarioError(msg)


def _modcods(rows: npt.NDArray[np.intp]) -> Modcods:
    table = read_table("modcods")
    return Modcods(
        name=tuple(table["name"][row] for row in rows),
        standard=tuple(table["standard"][row] for row in rows),
        bits_per_symbol=float_column(table, "bits_per_symbol")[rows].astype(np.int32),
        efficiency_bit_symbol=float_column(table, "efficiency_bit_symbol")[rows],
        es_n0_db=float_column(table, "es_n0_db")[rows],
    )
