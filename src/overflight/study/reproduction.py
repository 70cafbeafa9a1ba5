"""How to make a report again: the command that does, where there is one, and the lines of Python that do in any case."""

import shlex
import tomllib

from overflight.clock import parse_time
from overflight.errors import OverflightError
from overflight.notices import Notice
from overflight.scenario import Scenario, parse_scenario
from overflight.study.findings import TerritoryFindings
from overflight.study.territory import OWN_FUNCTION, report_scenario

SCENARIO_FILE = "scenario.toml"
"""What the reader is asked to save the scenario as."""

_OPTIONS = (
    ("time", "step_s", "--step"),
    ("visibility", "user_mask_deg", "--mask"),
    ("visibility", "arc_avoidance_deg", "--arc"),
    ("selection", "strategy", "--strategy"),
    ("network", "topology", "--topology"),
    ("network", "homing", "--pop"),
)
"""Settings of a scenario that the command line offers too: table, key (and keyword of `report_scenario`), option."""


def reproduce_command(findings: TerritoryFindings, lang: str) -> str | None:
    """Write the ``overflight report`` command that makes this report; None where there is none.

    The command is true: its options make the very scenario of the report. Files of element sets are read for that.
    """
    if uses_own_functions(findings):
        return None
    try:
        scenario = parse_scenario(tomllib.loads(findings.scenario_toml), source=SCENARIO_FILE)
        time, usual = scenario.time, Scenario(territory=scenario.territory)
        elements = tuple(file for fleet in scenario.constellations for file in fleet.elements)
        constellations = tuple(fleet.name for fleet in scenario.constellations if not fleet.elements)
        settings = {key: getattr(getattr(scenario, table), key) for table, key, _ in _OPTIONS}
        start = None if time.start is None else parse_time(time.start)
        remade = report_scenario(
            scenario.territory, elements=elements, constellations=constellations, start=start, hours=time.hours, **settings
        )
    except (tomllib.TOMLDecodeError, OverflightError):
        return None
    if remade != scenario:
        return None
    parts = ["overflight", "report", scenario.territory, *(["--at", time.start] if time.start else []), "--hours", _exact(time.hours)]
    for option, names in (("--elements", elements), ("--constellation", constellations)):
        parts += [part for name in names for part in (option, name)]
    for table, key, option in _OPTIONS:
        if settings[key] != getattr(getattr(usual, table), key):
            parts += [option, _exact(settings[key])]
    return " ".join(shlex.quote(part) for part in [*parts, "--lang", lang])


def reproduce_script(findings: TerritoryFindings, lang: str) -> str:
    """Write the lines of Python that make this report from its scenario, saved as a file."""
    own = ", plugins=plugins" if uses_own_functions(findings) else ""
    return (
        "from overflight import TerritoryReport, load_scenario\n"
        "from overflight.study.territory import study_territory\n\n"
        f'findings, folder = study_territory(load_scenario("{SCENARIO_FILE}"), "run"{own})\n'
        f'TerritoryReport(findings, folder).write_html(lang="{lang}")'
    )


def uses_own_functions(findings: TerritoryFindings) -> bool:
    """Whether a researcher's own functions took part in the run."""
    return any(isinstance(name, Notice) and name.key == OWN_FUNCTION for name, _ in findings.inputs)


def _exact(value: float | str) -> str:
    """Write an option's value so that it reads back to the same."""
    short = value if isinstance(value, str) else f"{value:g}"
    return short if isinstance(value, str) or float(short) == value else repr(value)
