"""What the verbs that compare policies share: the options of what is simulated, and the comparison itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overflight.cli._shared import read_instant, say, show_progress

if TYPE_CHECKING:
    from overflight.report.assessment import Assessment, Named
    from overflight.scenario import Scenario
    from overflight.study.comparison.compare import Case

TerritoryOption = Annotated[
    str | None,
    typer.Option(
        "--territory", metavar="TERRITORY", help="ISO 3166-1 code, name (English or French), or GeoJSON file.", show_default=False
    ),
]
ScenarioOption = Annotated[
    Path | None,
    typer.Option(
        "--scenario", metavar="FILE", help="Scenario in TOML, with a table [capacity], instead of --territory.", show_default=False
    ),
]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Start, ISO 8601 UTC. Default: midnight of the elements' day.", show_default=False),
]
ContractsOption = Annotated[
    Path | None, typer.Option("--contracts", metavar="FILE", help="Contracts in TOML that are checked under both.", show_default=False)
]
ClassOption = Annotated[str, typer.Option("--class", metavar="C", help="Class of terminals by which people and cells count as served.")]
SlotsOption = Annotated[
    int, typer.Option("--slots", metavar="N", min=1, max=288, help="Slots, evenly spread, worked out under both policies.")
]
ReportsOption = Annotated[
    Path | None,
    typer.Option(
        "--reports", metavar="FILE", help="Position reports of terminals (CSV, Parquet): counts by class and owner.", show_default=False
    ),
]
RegistryOption = Annotated[
    Path | None,
    typer.Option("--registry", metavar="FILE", help="Register of terminals in CSV: terminal, class, owner, home.", show_default=False),
]
TerminalsOption = Annotated[
    str | None,
    typer.Option(
        "--terminals",
        metavar="N|FILE",
        help="Terminals in the territory if all is served: a number, or a CSV by cell. Default: as reported or estimated.",
        show_default=False,
    ),
]
ConstellationsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--constellation",
        metavar="NAME",
        help="Built-in constellation; further ones are looked at for those who lose service. May be repeated.",
        show_default=False,
    ),
]
LangOption = Annotated[str, typer.Option("--lang", metavar="LANG", help="Language of the page: en or fr.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder. Default: assessments/TERRITORY-ADDRESS.", show_default=False)
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is simulated, and what is asked of it, as on the command line."""

    territory: str | None = None
    scenario: Path | None = None
    elements: tuple[Path, ...] = ()
    constellations: tuple[str, ...] = ()
    at: str | None = None
    hours: float = 24.0
    terminals: str | None = None
    contracts: Path | None = None
    terminal_class: str = "consumer"
    slots: int = 12
    reports: Path | None = None
    registry: Path | None = None
    threads: int | None = None
    strict: bool = False
    discloses: bool = True


def check_language(lang: str) -> None:
    """Refuse a language that pages are not written in."""
    from overflight.report.words import LANGUAGES

    if lang not in LANGUAGES:
        msg = f"'{lang}' is not one of {', '.join(LANGUAGES)}"
        raise typer.BadParameter(msg, param_hint="'--lang'")


def work_out(asked: Asked, before: "Named", after: "Named") -> "Assessment":
    """Run the twin under two policies, with a progress bar and warnings."""
    from overflight.study.comparison.compare import Case

    scenario = _make_scenario(asked)
    return work_out_cases(asked, *(Case(scenario, policy, named) for named, policy in (before, after)))


def work_out_scenarios(asked: Asked, before: Path, after: Path, policy: "Named") -> "Assessment":
    """Run two scenarios under one policy."""
    from overflight.errors import ScenarioError
    from overflight.study.comparison.compare import Case

    if asked.territory is not None or asked.scenario is not None or _simulates(asked):
        msg = "two scenarios say what is simulated; only --policy, --contracts, --class, --slots, --reports and --registry go beside them"
        raise ScenarioError(msg)
    named, laid_down = policy
    return work_out_cases(asked, *(Case(_load(path), laid_down, named) for path in (before, after)))


def work_out_cases(asked: Asked, before: "Case", after: "Case") -> "Assessment":
    """Work both sides out."""
    from overflight.errors import ScenarioError
    from overflight.report.assessment import assess_change
    from overflight.service.contracts import load_contracts
    from overflight.study.comparison.compare import Question

    if asked.registry is not None and asked.reports is None:
        msg = "--registry tells who terminals are, not where: give --reports with it"
        raise ScenarioError(msg)
    question = Question(
        contracts=None if asked.contracts is None else load_contracts(asked.contracts),
        terminal_class=asked.terminal_class,
        slots=asked.slots,
        reports=asked.reports,
        registry=asked.registry,
        discloses=asked.discloses,
    )
    with show_progress("comparison") as progress:
        made = assess_change(before, after, question, threads=asked.threads, strict=asked.strict, progress=progress)
    for warning in made.findings.warnings:
        say(f"warning: {warning}")
    return made


def _simulates(asked: Asked) -> bool:
    """Whether options beside the territory say what is simulated."""
    usual = Asked()
    return any(getattr(asked, name) != getattr(usual, name) for name in ("elements", "constellations", "at", "hours", "terminals"))


def _make_scenario(asked: Asked) -> "Scenario":
    from overflight.errors import ScenarioError
    from overflight.study.territory import report_scenario

    if (asked.territory is None) == (asked.scenario is None):
        msg = "give --territory, or a --scenario, and not both"
        raise ScenarioError(msg)
    if asked.scenario is None:
        return report_scenario(
            str(asked.territory),
            elements=tuple(str(path) for path in asked.elements),
            constellations=asked.constellations,
            start=None if asked.at is None else read_instant(asked.at),
            hours=asked.hours,
            terminals=asked.terminals,
        )
    if _simulates(asked):
        msg = "--elements, --constellation, --at, --hours and --terminals go with --territory; write them into the scenario"
        raise ScenarioError(msg)
    return _load(asked.scenario)


def _load(path: Path) -> "Scenario":
    from overflight.errors import ScenarioError
    from overflight.scenario import load_scenario

    warnings: list[str] = []
    scenario = load_scenario(path, warnings=warnings)
    for warning in warnings:
        say(f"warning: {warning}")
    if scenario.capacity is None:
        msg = f"{path}: has no table [capacity], without which rates cannot be compared; add it (it may be empty)"
        raise ScenarioError(msg)
    return scenario
