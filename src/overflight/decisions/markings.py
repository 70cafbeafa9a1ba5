"""Markings of what is recorded and clearances of people: three levels, each with a log of its own."""

from typing import Literal

from overflight.decisions.refusals import DecisionError

Marking = Literal["public", "restricted", "secret"]

MARKINGS: tuple[Marking, ...] = ("public", "restricted", "secret")
"""From the lowest to the highest."""

PUBLIC: Marking = "public"
"""What everybody may read."""


def up_to(marking: Marking) -> tuple[Marking, ...]:
    """The markings that a clearance covers, from the lowest."""
    return MARKINGS[: MARKINGS.index(marking) + 1]


def find_marking(text: str) -> Marking:
    """Read a marking.

    Raises
    ------
    DecisionError
        If there is no such marking.
    """
    for marking in MARKINGS:
        if text == marking:
            return marking
    msg = f"marking '{text}': unknown; write {', '.join(MARKINGS[:-1])} or {MARKINGS[-1]}"
    raise DecisionError(msg)
