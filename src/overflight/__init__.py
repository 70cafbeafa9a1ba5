"""Overflight: an open twin of satellite Internet, seen from the ground.

    >>> import overflight
    >>> report = overflight.report_territory("Taiwan", elements=["starlink.tle"])  # doctest: +SKIP

Everything below is imported when it is first used, so that ``import overflight`` stays light.
"""

import importlib
from typing import TYPE_CHECKING, Any

from overflight._version import __version__

if TYPE_CHECKING:
    from overflight.earth.geodesy import make_sites
    from overflight.earth.places import find_place
    from overflight.earth.territory import Territory, find_territory
    from overflight.errors import OverflightError
    from overflight.network.isl import TOPOLOGIES, TopologyInput
    from overflight.network.ways import LinkState, SlotWays, find_ways
    from overflight.orbit.elements import ElementSets, parse_elements, read_elements
    from overflight.orbit.propagation import Propagator
    from overflight.report.assessment import Assessment, compare_policies
    from overflight.report.territory import TerritoryReport, report_territory
    from overflight.run import Run, open_run
    from overflight.scenario import Scenario, load_scenario, parse_scenario
    from overflight.schedule.selection import Candidates
    from overflight.schedule.strategies import STRATEGIES
    from overflight.sky.angles import look_angles
    from overflight.sky.passes import find_passes
    from overflight.sky.visibility import CellTree, find_visible, find_visible_series
    from overflight.study.paths import study_path
    from overflight.twin import Plugins, run_scenario

__all__ = [
    "STRATEGIES",
    "TOPOLOGIES",
    "Assessment",
    "Candidates",
    "CellTree",
    "ElementSets",
    "LinkState",
    "OverflightError",
    "Plugins",
    "Propagator",
    "Run",
    "Scenario",
    "SlotWays",
    "Territory",
    "TerritoryReport",
    "TopologyInput",
    "__version__",
    "compare_policies",
    "find_passes",
    "find_place",
    "find_territory",
    "find_visible",
    "find_visible_series",
    "find_ways",
    "load_scenario",
    "look_angles",
    "make_sites",
    "open_run",
    "parse_elements",
    "parse_scenario",
    "read_elements",
    "report_territory",
    "run_scenario",
    "study_path",
]

_HOMES = {
    "overflight.earth.geodesy": ("make_sites",),
    "overflight.earth.places": ("find_place",),
    "overflight.earth.territory": ("Territory", "find_territory"),
    "overflight.errors": ("OverflightError",),
    "overflight.network.isl": ("TOPOLOGIES", "TopologyInput"),
    "overflight.network.ways": ("LinkState", "SlotWays", "find_ways"),
    "overflight.orbit.elements": ("ElementSets", "parse_elements", "read_elements"),
    "overflight.orbit.propagation": ("Propagator",),
    "overflight.report.assessment": ("Assessment", "compare_policies"),
    "overflight.report.territory": ("TerritoryReport", "report_territory"),
    "overflight.run": ("Run", "open_run"),
    "overflight.scenario": ("Scenario", "load_scenario", "parse_scenario"),
    "overflight.schedule.selection": ("Candidates",),
    "overflight.schedule.strategies": ("STRATEGIES",),
    "overflight.sky.angles": ("look_angles",),
    "overflight.sky.passes": ("find_passes",),
    "overflight.sky.visibility": ("CellTree", "find_visible", "find_visible_series"),
    "overflight.study.paths": ("study_path",),
    "overflight.twin": ("Plugins", "run_scenario"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    msg = f"module 'overflight' has no attribute '{name}'"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
