"""The assessment of a change of policy as an object: what was found, and how to write it down with all that it rests on."""

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from overflight.clock import parse_time
from overflight.earth.territory import territory_file
from overflight.errors import RunError
from overflight.intake import read_bytes
from overflight.report.comparison import render_comparison
from overflight.report.frame import write_page
from overflight.run import unwritable
from overflight.scenario import Scenario
from overflight.service.contracts import Contracts, load_contracts
from overflight.service.policy import Policy, embed_files, load_policy
from overflight.study.comparison.compare import SLOTS, Case, Question, study_change
from overflight.study.comparison.findings import PolicyComparison
from overflight.study.comparison.standing import NO_POLICY
from overflight.study.territory import report_scenario

DOCUMENT = "assessment.json"
"""Name of the document in its folder."""

OWN_FILES = (DOCUMENT, "assessment.html", "scenario.toml", "scenario-after.toml", "before.toml", "after.toml", "contracts.toml")
"""Names of the files that an assessment's folder may hold, besides a user's polygon."""

Named = tuple[str, Policy | None]
"""The name by which the user calls a policy, and the policy."""


@dataclass(frozen=True, slots=True, repr=False)
class Assessment:
    """What a change of policy does.

    Attributes
    ----------
    findings
        All figures, as frozen tables.
    scenarios
        What was simulated before and after; mostly the same.
    policies
        The policies before and after, with what their files hold written into them; None: no policy.
    contracts
        The contracts that were checked, if any.
    """

    findings: PolicyComparison
    scenarios: tuple[Scenario, Scenario]
    policies: tuple[Policy | None, Policy | None]
    contracts: Contracts | None

    @property
    def sha256(self) -> str:
        """Address of the document: the SHA-256 of its bytes."""
        return self.findings.digest()

    def to_dict(self) -> dict[str, Any]:
        """Return the document as plain data with stable keys: the JSON of ``overflight compare --json``."""
        return self.findings.to_dict()

    def default_folder(self) -> Path:
        """Where the document goes when nobody says: assessments/CODE-ADDRESS in the working folder."""
        code = "".join(c if c.isalnum() or c in "._-" else "-" for c in self.findings.code)
        return Path("assessments") / f"{code}-{self.sha256[:12]}"

    def write(self, folder: str | Path | None = None, *, lang: str = "en", overwrite: bool = False) -> Path:
        """Write the document, its page, and what both rest on: policies, contracts, scenario.

        Parameters
        ----------
        folder
            By default `default_folder`.
        lang
            Language of the page, ``en`` or ``fr``.
        overwrite
            Whether another assessment in the folder may be replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        RunError
            If it cannot be written, or holds another assessment.
        """
        target = self.default_folder() if folder is None else Path(folder)
        text, document = self.findings.to_json(), target / DOCUMENT
        try:
            if document.exists() and document.read_bytes() != text.encode():
                if not overwrite:
                    msg = f"{target}: holds another assessment; choose another folder, or --overwrite"
                    raise RunError(msg)
                document.unlink()  # it is there only while all that it rests on is
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(target, error) from error
        for name, content in self._files(lang).items():
            if content is not None:
                write_page(content, target / name)
            else:  # an earlier assessment left it
                (target / name).unlink(missing_ok=True)
        return target

    def _files(self, lang: str) -> dict[str, str | None]:
        """What is written, the document last: where it stands, all of it does."""
        before, after = self.policies
        outline, (first, second) = self._bring_outline()
        return outline | {
            "scenario.toml": first.to_toml(),
            "scenario-after.toml": None if first == second else second.to_toml(),
            "before.toml": None if before is None else before.to_toml(),
            "after.toml": None if after is None else after.to_toml(),
            "contracts.toml": None if self.contracts is None else self.contracts.to_toml(),
            "assessment.html": render_comparison(self.findings, lang=lang),
            DOCUMENT: self.findings.to_json(),
        }

    def _bring_outline(self) -> tuple[dict[str, str | None], tuple[Scenario, Scenario]]:
        """A user's polygon by its name, and the scenarios that find it beside them; none of a name that the folder has another use for."""
        first, second = self.scenarios
        polygon = territory_file(first.territory)
        if polygon is None or polygon.name in OWN_FILES:
            return {}, (first, second)
        raw = read_bytes(polygon, wanted="the GeoJSON file that was compared", refused=RunError)
        local = {"territory": polygon.name}
        return {polygon.name: raw.decode(json.detect_encoding(raw))}, (first.model_copy(update=local), second.model_copy(update=local))

    def __repr__(self) -> str:
        return "\n".join(self.findings.summary)

    def _repr_html_(self) -> str:
        page = html.escape(render_comparison(self.findings, lang="en"))
        return f'<iframe srcdoc="{page}" title="Overflight assessment" style="width:100%;height:40rem;border:1px solid #ccc"></iframe>'


def read_side(source: str | Path) -> Named:
    """Read a policy of a comparison: a file, a built-in one by its name, or ``none`` for no policy at all.

    Raises
    ------
    PolicyError
        If it cannot be used.
    """
    return str(source), None if str(source) == NO_POLICY else load_policy(source)


def assess_change(
    before: Case,
    after: Case,
    question: Question | None = None,
    *,
    threads: int | None = None,
    strict: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Assessment:
    """Run the twin on both sides; see `overflight.study.comparison.compare.study_change`."""
    asked = question or Question()
    found = study_change(before, after, asked, threads=threads, strict=strict, progress=progress)
    policies = tuple(None if case.policy is None else embed_files(case.policy) for case in (before, after))
    return Assessment(found, (before.scenario, after.scenario), (policies[0], policies[1]), asked.contracts)


def compare_policies(
    territory: str | Path,
    before: str | Path,
    after: str | Path,
    *,
    contracts: str | Path | None = None,
    terminal_class: str = "consumer",
    slots: int = SLOTS,
    reports: str | Path | None = None,
    registry: str | Path | None = None,
    at: str | np.datetime64 | None = None,
    hours: float = 24.0,
    threads: int | None = None,
    strict: bool = False,
    progress: Callable[[float], None] | None = None,
    **settings: Any,
) -> Assessment:
    """Say what a change of policy does to a territory: the same job as ``overflight compare``.

    Parameters
    ----------
    territory
        ISO 3166-1 code, English or French name, or a GeoJSON file.
    before, after
        Policies: files in TOML, ``public`` for the built-in one, ``none`` for no policy, under which nobody is served.
    contracts
        TOML of contracts to be checked.
    terminal_class
        Class of terminals by which people and cells count as served.
    slots
        Slots, evenly spread over the time simulated, that are worked out under both policies.
    reports, registry
        Position reports of terminals and a register of them, for counts by class and owner.
    at, hours
        Start, ISO 8601 UTC, by default midnight UTC of the elements' day; and duration.
    threads
        Threads to use; the result does not depend on it.
    strict
        Refuse files with bad records instead of leaving the records out.
    progress
        Called with the share of the work done.
    settings
        ``elements``, ``constellations``, ``terminals``, ``demand``, ``availability_percent``, … as of `overflight.report_territory`.

    Raises
    ------
    OverflightError
        One line about what is wrong.
    """
    scenario = report_scenario(territory, start=parse_time(at) if isinstance(at, str) else at, hours=hours, **settings)
    question = Question(
        contracts=None if contracts is None else load_contracts(contracts),
        terminal_class=terminal_class,
        slots=slots,
        reports=None if reports is None else Path(reports),
        registry=None if registry is None else Path(registry),
    )
    sides = [Case(scenario, policy, named) for named, policy in (read_side(before), read_side(after))]
    return assess_change(sides[0], sides[1], question, threads=threads, strict=strict, progress=progress)
