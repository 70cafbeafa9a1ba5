"""Terminals whose positions are known: how each stands under both policies, where it was seen last."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely

from overflight.inputs import FleetInputs, Inputs
from overflight.service.classes import DEFAULT_CLASS
from overflight.service.reading import Block, Faults, read_registry, stream_reports
from overflight.service.verdicts import Reports, Terminal
from overflight.study.comparison.findings import ClassChange, KnownTerminals
from overflight.study.comparison.standing import DENIED, LIMITED, NO_POLICY, Outcomes, Side, list_outcomes

MOST_NAMED = 200
"""Terminals that lose service are named up to this number."""


def read_known(reports: str | Path, registry: Path | None, faults: Faults) -> tuple[Reports, list[str]]:
    """Last position of each terminal in a file of reports, with what a register knows of it, and what was left out of the register.

    Raises
    ------
    ReportError
        If a file cannot be used.
    """
    registered: dict[str, Terminal] = {}
    notices: list[str] = []
    if registry is not None:
        registered, intake = read_registry(registry)
        notices = intake.notices("terminals")
    return _last_reports(stream_reports(reports, faults), registered), notices


def _last_reports(blocks: Iterable[Block], registered: dict[str, Terminal]) -> Reports:
    """The latest row of each terminal; of rows at one time the one that comes last."""
    rows: dict[str, tuple[int, float, float, float, float, Terminal]] = {}
    for block in blocks:
        order = np.lexsort((np.arange(len(block.terminal)), block.time_us, block.terminal))
        last = order[np.append(np.diff(block.terminal[order]) != 0, True)] if len(order) else order
        for row in last.tolist():
            name = block.identifiers[block.terminal[row]]
            time = int(block.time_us[row])
            if name not in rows or rows[name][0] <= time:
                terminal = registered.get(name) or block.stated[block.terminal[row]]
                place = float(block.lat_deg[row]), float(block.lon_deg[row]), float(block.speed_kmh[row]), float(block.altitude_m[row])
                rows[name] = (time, *place, terminal)
    names = sorted(rows)
    table = [rows[name] for name in names]
    column = np.array([row[1:5] for row in table], dtype=np.float64).reshape(len(table), 4)
    lat_deg, lon_deg, speed_kmh, altitude_m = (np.ascontiguousarray(values) for values in column.T)
    return Reports(
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        time=np.array([row[0] for row in table], dtype=np.int64).astype("datetime64[us]"),
        speed_kmh=speed_kmh,
        altitude_m=altitude_m,
        days_abroad=np.full(len(table), np.nan),
        terminal=np.arange(len(table), dtype=np.int32),
        terminals=[row[5] for row in table],
    )


def find_known(known: Reports, sides: Sequence[Side], inputs: Inputs, fleet: FleetInputs, *, discloses: bool = True) -> KnownTerminals:
    """Count known terminals by class and owner, before and after; in the territory only.

    Each is judged where, as fast and as high as it was reported last, as if that were the beginning of the time simulated. A terminal of
    which no operator is said is one of the fleet's, one of which no class is said a consumer's.

    Parameters
    ----------
    known
        Each terminal's last position.
    sides
        Both policies.
    inputs, fleet
        What is simulated.
    discloses
        Whether owners and identifiers are named.
    """
    geometry = inputs.territory.geometry
    shapely.prepare(geometry)
    inside = np.flatnonzero(shapely.intersects_xy(geometry, known.lon_deg, known.lat_deg))
    here = replace(
        known.take(inside),
        time=np.full(len(inside), inputs.slot_start[0], dtype="datetime64[us]"),
        terminals=[
            replace(one, operator=one.operator or fleet.operator, terminal_class=one.terminal_class or DEFAULT_CLASS)
            for one in known.terminals
        ],
    )
    before, after = (_verdicts(side, here) for side in sides)
    terminals = [here.terminals[row] for row in here.terminal.tolist()]
    classes = [terminal.terminal_class for terminal in terminals]
    owners = [terminal.owner for terminal in terminals]
    lost = np.flatnonzero((before[0] != DENIED) & (after[0] == DENIED))
    return KnownTerminals(
        total=len(known),
        in_territory=len(inside),
        by_class=_count(classes, before[0], after[0]),
        by_owner=_count(owners, before[0], after[0]) if discloses else (),
        losing=tuple((terminals[row].identifier, owners[row], after[1][row]) for row in lost[: MOST_NAMED if discloses else 0].tolist()),
    )


def _verdicts(side: Side, reports: Reports) -> tuple[npt.NDArray[np.int8], list[str]]:
    """Verdict on each report, and the name of the rule."""
    if side.compiled is None:
        return np.full(len(reports), DENIED, dtype=np.int8), [NO_POLICY] * len(reports)
    numbers = side.compiled.decide(reports)
    outcomes: Outcomes = list_outcomes(side.compiled)
    return outcomes.verdict[numbers], [side.compiled.ready.name(int(number)) for number in numbers]


def _count(names: Sequence[str], before: npt.NDArray[np.int8], after: npt.NDArray[np.int8]) -> tuple[ClassChange, ...]:
    """Terminals by name, the most first."""
    if not names:
        return ()
    found, row = np.unique(np.array(names, dtype=np.str_), return_inverse=True)

    def count(where: npt.NDArray[np.bool_]) -> list[float]:
        return [float(number) for number in np.bincount(row[where], minlength=len(found))]

    whole = count(np.ones(len(names), dtype=np.bool_))
    served = [count(side != DENIED) for side in (before, after)]
    limited = [count(side == LIMITED) for side in (before, after)]
    gaining, losing = count((before == DENIED) & (after != DENIED)), count((before != DENIED) & (after == DENIED))
    rows = [
        ClassChange(str(name), whole[k], (served[0][k], served[1][k]), (limited[0][k], limited[1][k]), gaining[k], losing[k])
        for k, name in enumerate(found.tolist())
    ]
    return tuple(sorted(rows, key=lambda change: (-change.terminals, change.name)))
