"""A territory's report as an object: what was found, where the run lies, and how to write it down."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from overflight.clock import parse_time
from overflight.report.html import render_report, write_report
from overflight.report.text import summary_lines
from overflight.run import Run, open_run
from overflight.scenario import load_scenario
from overflight.study.findings import TerritoryFindings
from overflight.study.territory import report_scenario, study_territory
from overflight.twin import NO_PLUGINS, Plugins


@dataclass(frozen=True, slots=True, repr=False)
class TerritoryReport:
    """What the twin says about a territory.

    Attributes
    ----------
    findings
        All figures, as frozen tables.
    folder
        Where the run lies.
    """

    findings: TerritoryFindings
    folder: Path

    @property
    def coverage(self) -> dict[str, Any]:
        """Coverage of the first constellation, as in the JSON."""
        return dict(self.to_dict()["coverage"])

    @property
    def latency(self) -> dict[str, Any]:
        """Latency of the first constellation, as in the JSON."""
        return dict(self.to_dict()["latency"])

    @property
    def run(self) -> Run:
        """The run, open for reading."""
        return open_run(self.folder)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data with stable keys: the JSON of ``overflight report --json``."""
        return self.findings.to_dict()

    def write_html(self, path: str | Path | None = None, *, lang: str = "en") -> Path:
        """Write the report as one self-contained HTML file, by default ``report.html`` in the run's folder; returns its path."""
        target = self.folder / "report.html" if path is None else Path(path)
        write_report(self.findings, target, lang=lang)
        return target

    def __repr__(self) -> str:
        return "\n".join(summary_lines(self.findings, "en"))

    def _repr_html_(self) -> str:
        page = html.escape(render_report(self.findings, lang="en"))
        return f'<iframe srcdoc="{page}" title="Overflight report" style="width:100%;height:40rem;border:1px solid #ccc"></iframe>'


def report_scenario_file(
    file: str | Path,
    *,
    override: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    plugins: Plugins = NO_PLUGINS,
    strict: bool = False,
) -> TerritoryReport:
    """Simulate the scenario of a TOML file and say what was found: for settings that `report_territory` has no parameter for.

    Raises
    ------
    OverflightError
        One line about what is wrong.
    """
    scenario = load_scenario(file, override=override)
    findings, folder = study_territory(
        scenario, out, threads=threads, overwrite=overwrite, progress=progress, plugins=plugins, strict=strict
    )
    return TerritoryReport(findings, folder)


def report_territory(
    territory: str | Path,
    *,
    elements: Sequence[str | Path] = (),
    constellations: Sequence[str] = (),
    at: str | np.datetime64 | None = None,
    hours: float = 24.0,
    out: str | Path | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    plugins: Plugins = NO_PLUGINS,
    strict: bool = False,
    **settings: Any,
) -> TerritoryReport:
    """Simulate a territory and say what was found: the same job as ``overflight report``.

    Parameters
    ----------
    territory
        ISO 3166-1 code, English or French name, or a GeoJSON file.
    elements
        Files of element sets, one constellation each; or
    constellations
        built-in constellations, by name. With neither, the built-in Starlink fleet.
    at
        Start, ISO 8601 UTC; by default midnight UTC of the elements' day.
    hours
        Duration.
    out
        Folder of the run; by default ``reports/CODE-DAY``. A run of the same scenario in it is gone on with, or reused if complete.
    overwrite
        Whether a run of another scenario in ``out`` may be replaced.
    threads
        Threads to use; the result does not depend on it.
    progress
        Called with the share of the work done.
    plugins
        Own satellite choice, topology, routing, beam allocation or landing (`overflight.Plugins`).
    strict
        Refuse files with bad records instead of leaving the records out.
    settings
        ``step_s``, ``user_mask_deg``, ``arc_avoidance_deg``, ``strategy``, ``topology``, ``homing``, ``without_gateways``,
        ``without_pops``, ``demand``, ``uncertainty``: see `overflight.Scenario`. ``capacity``: whether beams and rates are worked out.
        ``terminals``: a number or a CSV of them. ``availability_percent``: share of the time for which links are to hold.

    Raises
    ------
    OverflightError
        One line about what is wrong.
    """
    scenario = report_scenario(
        territory,
        elements=tuple(str(path) for path in elements),
        constellations=tuple(constellations),
        start=parse_time(at) if isinstance(at, str) else at,
        hours=hours,
        **settings,
    )
    findings, folder = study_territory(
        scenario, out, threads=threads, overwrite=overwrite, progress=progress, plugins=plugins, strict=strict
    )
    return TerritoryReport(findings, folder)
