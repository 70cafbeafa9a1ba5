"""The map of rates: what an active terminal gets in each cell, and how many channels light it."""

import numpy as np
import numpy.typing as npt

from overflight.report.cellmaps import CellMap, Panel, class_breaks, draw_panels, ground_of
from overflight.report.words import Words
from overflight.study.capacity_findings import CapacityFindings
from overflight.study.findings import TerritoryFindings

Floats = npt.NDArray[np.float64]

_WIDE = 8.0
"""Where the greatest rate is so many times the least, classes widen with the rate."""

_CHANNEL_STEPS = (1.0, 0.5, 0.1, 0.01)
"""Classes of channels on a cell are at least so wide: the first that the cells do not all fall into."""


def draw_rates(findings: TerritoryFindings, capacity: CapacityFindings, words: Words, *, key: str, label: str) -> CellMap:
    """Draw all cells of the territory: rate of an active terminal, and channels."""
    channels = capacity.cell_beams
    step = next((step for step in _CHANNEL_STEPS if channels.max(initial=0.0) >= 2.0 * step), _CHANNEL_STEPS[-1])
    rates = three_figures(capacity.cell_down_mbps)
    rate = Panel(
        title=words("capacity.map_rate"),
        values=rates,
        palette="viridis",
        bright_low=False,
        breaks=rate_breaks(rates),
        empty=words("capacity.map_empty"),
        is_dotted=False,
        marks_nought=True,
    )
    lit = Panel(
        title=words("capacity.map_channels"),
        values=np.where(channels > 0.0, channels, np.nan),
        palette="cividis",
        bright_low=False,
        breaks=class_breaks(channels[channels > 0.0], least_step=step) if channels.any() else np.zeros(1),
        empty=words("capacity.map_unlit"),
        is_dotted=False,
    )
    return draw_panels(ground_of(findings), capacity.cell_ids, [rate, lit], words, key=key, label=label)


def rate_breaks(values: Floats) -> Floats:
    """Round breaks of classes of rates: of equal width, or 1, 2, 5, 10 … where rates differ many times over."""
    known = values[np.isfinite(values) & (values > 0.0)]
    if not len(known):
        return np.zeros(1)
    low, high = float(known.min()), float(known.max())
    if high < _WIDE * low:
        return class_breaks(known, least_step=10.0 ** (np.floor(np.log10(high)) - 1.0))
    # The few slowest cells need no classes of their own.
    low = max(low, float(np.percentile(known, 2.0)), high / 1000.0)
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = np.unique(np.concatenate([factor * 10.0**powers for factor in (1.0, 2.0, 5.0)]).round(6))
    first, last = int(np.searchsorted(steps, low, side="right")) - 1, int(np.searchsorted(steps, high, side="left"))
    return np.asarray(steps[max(0, first) : last + 1])


def three_figures(values: Floats) -> Floats:
    """Rates to three figures: 399.98 is no other class than 400."""
    known = np.isfinite(values) & (values > 0.0)
    scale = 10.0 ** (np.floor(np.log10(values, out=np.zeros_like(values), where=known)) - 2.0)
    return np.asarray(np.where(known, np.round(values / scale) * scale, values))
