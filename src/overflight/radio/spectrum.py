"""Spectrum: the channels of an operator's links, and which of them may be used where."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import Table, float_column, read_table
from overflight.errors import ScenarioError

Floats = npt.NDArray[np.float64]

LINKS = ("user-down", "user-up", "feeder-down", "feeder-up", "feeder-e-down", "feeder-e-up")
"""Kinds of links: ``down`` from the satellite to the ground, ``up`` to it; ``feeder-e`` in E band (71 to 86 GHz)."""

MODEL_OPERATOR = "starlink"
"""Whose plan stands in for operators of whom none is known."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelPlan:
    """The channels of one kind of link. Channel number k of the plan, from 1, is row k − 1 of its arrays and bit k − 1 of masks.

    Attributes
    ----------
    operator, link
        Whose plan, for which of `LINKS`.
    centre_ghz, width_mhz
        Centre and usable width of each channel, shape (n,).
    polarisation
        Of each channel. A channel used in both polarisations stands twice, the second time after all of the first.
    bands_ghz
        Bands that hold the channels: (from, to) each.
    source, date, status
        Where the plan comes from; of its least sure part.
    warning
        What the user should know where another operator's plan stands in; else None.
    """

    operator: str
    link: str
    centre_ghz: Floats
    width_mhz: Floats
    polarisation: tuple[str, ...]
    bands_ghz: tuple[tuple[float, float], ...]
    source: str
    date: str
    status: str
    warning: str | None = None

    def __len__(self) -> int:
        return len(self.centre_ghz)

    @property
    def frequency_ghz(self) -> float:
        """Middle of the plan, for budgets of any of its channels."""
        return float(0.5 * (self.centre_ghz.min() + self.centre_ghz.max()))

    @property
    def total_mhz(self) -> float:
        """Usable width of all channels together, polarisations counted."""
        return float(self.width_mhz.sum())

    @property
    def every_mask(self) -> int:
        """Mask of all channels."""
        return (1 << len(self)) - 1


def channel_plan(operator: str, link: str) -> ChannelPlan:
    """Find an operator's plan for a kind of link.

    Parameters
    ----------
    operator
        As in the tables of constellations: ``starlink``, ``oneweb``, ``kuiper``, ``telesat``. Others stand on Starlink's plan, and the
        plan's ``warning`` says so.
    link
        One of `LINKS`.

    Raises
    ------
    ScenarioError
        If the kind of link is not known, or the operator has none of it (E band).
    """
    if link not in LINKS:
        msg = f"link '{link}' is not known; there are: {', '.join(LINKS)}"
        raise ScenarioError(msg)
    return _plan(operator.strip().lower(), link)


def licensed_mask(plan: ChannelPlan, channels: Iterable[int] | None) -> int:
    """Bit mask of the channels that a territory has licensed.

    Parameters
    ----------
    plan
        The plan they are of.
    channels
        Numbers, from 1; None for all.

    Raises
    ------
    ScenarioError
        If a number is outside the plan.
    """
    if channels is None:
        return plan.every_mask
    mask = 0
    for number in channels:
        if isinstance(number, bool) or int(number) != number or not 1 <= number <= len(plan):
            msg = f"channel {number}: outside the band; {_describe(plan)}"
            raise ScenarioError(msg)
        mask |= 1 << (int(number) - 1)
    return mask


def channels_within(plan: ChannelPlan, low_ghz: float, high_ghz: float) -> int:
    """Bit mask of the channels that lie wholly between two frequencies, as a licence for part of a band gives them.

    Raises
    ------
    ScenarioError
        If the frequencies are not in order, or no channel lies between them.
    """
    if not low_ghz < high_ghz:
        msg = f"band {low_ghz:g} to {high_ghz:g} GHz: give the lower frequency first"
        raise ScenarioError(msg)
    half_ghz = plan.width_mhz / 2000.0
    inside = (plan.centre_ghz - half_ghz >= low_ghz - 1e-9) & (plan.centre_ghz + half_ghz <= high_ghz + 1e-9)
    if not inside.any():
        msg = f"band {low_ghz:g} to {high_ghz:g} GHz holds no channel; {_describe(plan)}"
        raise ScenarioError(msg)
    return int(np.bitwise_or.reduce(np.left_shift(np.uint64(1), np.flatnonzero(inside).astype(np.uint64))))


def channels_of(mask: int, plan: ChannelPlan) -> tuple[int, ...]:
    """Numbers of the channels in a mask, from 1.

    Raises
    ------
    ScenarioError
        If the mask has bits beyond the plan.
    """
    if mask < 0 or mask > plan.every_mask:
        msg = f"mask {mask:#x} has channels outside the band; {_describe(plan)}"
        raise ScenarioError(msg)
    return tuple(number + 1 for number in range(len(plan)) if mask >> number & 1)


def _describe(plan: ChannelPlan) -> str:
    bands = " and ".join(f"{low:g} to {high:g} GHz" for low, high in plan.bands_ghz)
    centres = ", ".join(f"{centre:g}" for centre in dict.fromkeys(plan.centre_ghz.tolist()))
    return f"{plan.operator}'s {plan.link} plan in {bands} has channels 1 to {len(plan)}, centred on {centres} GHz"


@cache
def _plan(operator: str, link: str) -> ChannelPlan:
    table = read_table("channel_plans")
    if operator not in table["operator"]:
        model = _plan(MODEL_OPERATOR, link)
        warning = f"{operator}: no channel plan is built in; Starlink's stands in for it"
        return replace(model, operator=operator, status="assumed", warning=warning)
    rows = [row for row, named in enumerate(zip(table["operator"], table["link"], strict=True)) if named == (operator, link)]
    if not rows:
        msg = f"{operator} has no link '{link}'; there are: {', '.join(_links_of(table, operator))}"
        raise ScenarioError(msg)
    centres, widths, polarisations = _channels(table, rows)
    return ChannelPlan(
        operator=operator,
        link=link,
        centre_ghz=centres,
        width_mhz=widths,
        polarisation=polarisations,
        bands_ghz=tuple((float(table["low_ghz"][row]), float(table["high_ghz"][row])) for row in rows),
        source=table["source"][rows[0]],
        date=table["date"][rows[0]],
        status=table["status"][rows[0]],
    )


def _channels(table: Table, rows: list[int]) -> tuple[Floats, Floats, tuple[str, ...]]:
    first, spacing, width, count = (float_column(table, name) for name in ("first_centre_ghz", "spacing_mhz", "width_mhz", "channels"))
    centres = np.concatenate([first[row] + 1e-3 * spacing[row] * np.arange(int(count[row])) for row in rows])
    widths = np.concatenate([np.full(int(count[row]), width[row]) for row in rows])
    names = table["polarisations"][rows[0]].split()
    # Sums of binary fractions stay on the grid that filings write: nine decimals of a gigahertz are one hertz.
    return np.round(np.tile(centres, len(names)), 9), np.tile(widths, len(names)), tuple(name for name in names for _ in centres)


def _links_of(table: Table, operator: str) -> list[str]:
    return list(dict.fromkeys(link for name, link in zip(table["operator"], table["link"], strict=True) if name == operator))
