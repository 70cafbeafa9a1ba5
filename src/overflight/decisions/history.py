"""The history of a record: entries of its logs in the one order in which they were made. Pure."""

from collections.abc import Mapping, Sequence

from overflight.decisions.entry import Entry
from overflight.decisions.machine import admit
from overflight.decisions.markings import Marking
from overflight.decisions.refusals import DecisionError, TamperError
from overflight.decisions.state import Logs, LogState


def replay(logs: Logs, waiting: Mapping[Marking, Sequence[Entry]], *, check_signatures: bool) -> dict[Marking, LogState]:
    """Take entries into their logs in the order in which they were made.

    An entry of a higher log names the sizes of those below, so that its place among their entries is known; an entry of a lower log names
    nothing above it, and comes when no higher one waits for the logs as they are.

    Parameters
    ----------
    logs
        What is known already.
    waiting
        What was recorded since, each log in its own order.
    check_signatures
        Whether signatures are checked as well.

    Raises
    ------
    TamperError
        If an entry is not what could have been recorded there; it says which.
    """
    known: dict[Marking, LogState] = dict(logs)
    places = dict.fromkeys(waiting, 0)
    while any(places[marking] < len(entries) for marking, entries in waiting.items()):
        marking = _next(known, waiting, places)
        entry = waiting[marking][places[marking]]
        try:
            known[marking] = admit(known, entry, check_signature=check_signatures)
        except DecisionError as error:
            place = f"{marking} log, entry {known[marking].frontier.size}"
            msg = f"{place}: it could not have been recorded there, the record was changed: {error}"
            raise TamperError(msg) from None
        places[marking] += 1
    return known


def _next(known: Logs, waiting: Mapping[Marking, Sequence[Entry]], places: Mapping[Marking, int]) -> Marking:
    """The log whose entry comes next: the highest whose entry comes after the logs as they are now."""
    lowest: Marking | None = None
    for marking in reversed(list(known)):
        entries = waiting.get(marking, ())
        if places.get(marking, 0) >= len(entries):
            continue
        lowest = marking
        entry = entries[places[marking]]
        if entry.marking != marking:
            break
        if all(entry.after[below].size == known[below].frontier.size for below in entry.after if below in known):
            return marking
    assert lowest is not None
    entry = waiting[lowest][places[lowest]]
    msg = f"{lowest} log, entry {known[lowest].frontier.size}: it comes after entries that are not there; the record was changed"
    raise TamperError(msg)
