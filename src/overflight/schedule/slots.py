"""Slots: the instants at which terminals are given a satellite.

Starlink's terminals are re-assigned at :12, :27, :42 and :57 of every minute (measured by several groups): a step of 15 s with an
offset of 12 s. Other operators and coarser studies take another step and offset; slots then begin at whole multiples of the step,
counted from 1970-01-01T00:00:00 UTC, plus the offset, so that two runs that overlap in time share their slots.

References
----------
H. B. Tanveer et al., "Making sense of constellations: methodologies for understanding Starlink's scheduling algorithms",
CoNEXT 2023 companion (the 15-s slots and their phase).
"""

import numpy as np
import numpy.typing as npt

from overflight.clock import Instants, format_time
from overflight.errors import TimeError

SLOT_STEP_S = 15.0
SLOT_OFFSET_S = 12.0


def slot_starts(start: np.datetime64, end: np.datetime64, *, step_s: float = SLOT_STEP_S, offset_s: float = SLOT_OFFSET_S) -> Instants:
    """Beginnings of the slots that begin in [``start``, ``end``).

    A ``start`` between two boundaries leaves out the slot it falls into: the first slot is the first boundary not before ``start``.
    Any 24 hours hold 5,760 slots of 15 s.

    Parameters
    ----------
    start, end
        Instants in UTC; ``end`` is not included.
    step_s
        Length of a slot in seconds, to the microsecond.
    offset_s
        Where a slot begins after a whole multiple of the step, seconds.

    Returns
    -------
    Instants
        ``datetime64[us]``, shape (nt,), nt ≥ 1.

    Raises
    ------
    TimeError
        If the step is not positive, ``end`` is not after ``start``, or no slot begins between them.
    """
    step_us = _step_us(step_s)
    begin_us, end_us = (int(instant.astype("datetime64[us]").astype(np.int64)) for instant in (start, end))
    if end_us <= begin_us:
        msg = f"end {format_time(end)} is not after start {format_time(start)}: give a positive duration"
        raise TimeError(msg)
    offset_us = round(offset_s * 1e6)
    first_us = offset_us - (offset_us - begin_us) // step_us * step_us
    starts = np.arange(first_us, end_us, step_us, dtype=np.int64).astype("datetime64[us]")
    if not len(starts):
        msg = f"no slot of {step_s:g} s begins between {format_time(start)} and {format_time(end)}: give a longer duration"
        raise TimeError(msg)
    return starts


def slot_numbers(starts: Instants, *, step_s: float = SLOT_STEP_S, offset_s: float = SLOT_OFFSET_S) -> npt.NDArray[np.int64]:
    """Number of the slot that each instant falls into, counted from 1970-01-01T00:00:00 UTC plus the offset; shape of ``starts``.

    The number does not depend on where a run begins: strategies that draw lots seed them with it.
    """
    numbers: npt.NDArray[np.int64] = (starts.astype("datetime64[us]").astype(np.int64) - round(offset_s * 1e6)) // _step_us(step_s)
    return numbers


def _step_us(step_s: float) -> int:
    step_us = round(step_s * 1e6) if np.isfinite(step_s) else 0
    if step_us <= 0:
        msg = f"slot step of {step_s} s: must be a positive number of seconds"
        raise TimeError(msg)
    return step_us
