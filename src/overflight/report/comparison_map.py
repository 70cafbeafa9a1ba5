"""Maps of a comparison: which cells gain and lose service, and what rate an active terminal gets in them before and after."""

import numpy as np
import numpy.typing as npt

from overflight.report.cellmaps import CellMap, Ground, Panel, draw_panels, kinds_panel
from overflight.report.ratemap import rate_breaks, three_figures
from overflight.report.words import Words
from overflight.study.comparison.findings import PolicyComparison

Numbers = npt.NDArray[np.int64]

GAINS, GAINS_PART, SERVED, PARTLY, LOSES_PART, LOSES, UNSERVED = range(7)
_UNSERVED_COLOUR = "#b4bac0"
_KINDS = (
    ("gains", "#0072b2"),
    ("gains_part", "#7fbde3"),
    ("served", "#d9ede4"),
    ("partly", "#a9c4b8"),
    ("loses_part", "#f2b485"),
    ("loses", "#c44f00"),
    ("unserved", _UNSERVED_COLOUR),
)
"""Names and colours of kinds of cells: blue gains, vermilion loses, as all forms of colour vision tell them apart."""

LEAST = 1e-6
"""Shares of a cell's people that differ by less are the same."""


def sort_cells(found: PolicyComparison) -> Numbers:
    """The kind of each cell, by the share of its people that is served before and after."""
    before, after = found.cell_served
    change = after - before
    kinds = np.full(len(before), PARTLY, dtype=np.int64)
    kinds[after >= 1.0 - LEAST] = SERVED
    kinds[after <= LEAST] = UNSERVED
    kinds[change > LEAST] = GAINS_PART
    kinds[(before <= LEAST) & (after >= 1.0 - LEAST)] = GAINS
    kinds[change < -LEAST] = LOSES_PART
    kinds[(before >= 1.0 - LEAST) & (after <= LEAST)] = LOSES
    return kinds


def draw_change(found: PolicyComparison, words: Words, *, key: str, label: str) -> CellMap:
    """Draw which cells gain and lose service, and which stay as they are."""
    kinds = [(words(f"comparison_map.{name}"), colour) for name, colour in _KINDS]
    panel = kinds_panel(words("comparison_map.title"), sort_cells(found), kinds)
    return draw_panels(_ground(found), found.cell_ids, [panel], words, key=key, label=label)


def draw_rate_pair(found: PolicyComparison, words: Words, *, key: str, label: str) -> CellMap:
    """Draw the rate of an active terminal in each cell, before and after, in the same classes."""
    sides = [three_figures(values) for values in found.cell_mbps]
    breaks = rate_breaks(np.concatenate(sides))
    # A limit at a round rate is the top of a class, together with what falls a little short of it.
    sides = [values * (1.0 - LEAST) for values in sides]
    panels = [
        Panel(
            title=words(f"comparison_map.rate_{name}"),
            values=values,
            palette="viridis",
            bright_low=False,
            breaks=breaks,
            empty=words("comparison_map.nobody"),
            is_dotted=False,
            marks_nought=True,
            empty_colour=_UNSERVED_COLOUR,
        )
        for name, values in zip(("before", "after"), sides, strict=True)
    ]
    return draw_panels(_ground(found), found.cell_ids, panels, words, key=key, label=label)


def _ground(found: PolicyComparison) -> Ground:
    return Ground(found.code, found.outline, len(found.cell_ids), np.empty(0, dtype=np.uint64))
