"""``overflight compare``: what a change of policy does."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from overflight.cli._comparison import (
    Asked,
    AtOption,
    ClassOption,
    ConstellationsOption,
    ContractsOption,
    LangOption,
    OutOption,
    RegistryOption,
    ReportsOption,
    ScenarioOption,
    SlotsOption,
    TerminalsOption,
    TerritoryOption,
    check_language,
    work_out,
    work_out_scenarios,
)
from overflight.cli._shared import (
    ElementsOption,
    HoursOption,
    JsonOption,
    OverwriteOption,
    StrictOption,
    ThreadsOption,
    say,
    write_document,
)

BeforeArgument = Annotated[
    str,
    typer.Argument(
        metavar="BEFORE", help="Policy in TOML, 'public' for the built-in one, or 'none'; or a scenario in TOML.", show_default=False
    ),
]


def compare(
    before: BeforeArgument,
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The other policy, likewise.", show_default=False)],
    territory: TerritoryOption = None,
    scenario: ScenarioOption = None,
    elements: ElementsOption = None,
    constellation: ConstellationsOption = None,
    at: AtOption = None,
    hours: HoursOption = 24.0,
    terminals: TerminalsOption = None,
    contracts: ContractsOption = None,
    terminal_class: ClassOption = "consumer",
    slots: SlotsOption = 12,
    reports: ReportsOption = None,
    registry: RegistryOption = None,
    lang: LangOption = "en",
    out: OutOption = None,
    overwrite: OverwriteOption = False,  # noqa: FBT002
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="POLICY", help="Policy of two scenarios. Default: public.", show_default=False),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="SHA256", help="Address of an assessment: exit with 1 if this is another.", show_default=False),
    ] = None,
    threads: ThreadsOption = None,
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Run the twin of a territory under two policies, or two scenarios under one: who gains and who loses, rates, neighbours, contracts."""
    from overflight.errors import InputError
    from overflight.report.assessment import DOCUMENT, read_side

    check_language(lang)
    wanted = None if expect is None else expect.strip().lower().removeprefix("sha256:")
    if wanted is not None and (len(wanted) < 8 or not set(wanted) <= set("0123456789abcdef")):
        msg = f"--expect {expect}: not the address of an assessment; give its SHA-256, or eight digits of it at least"
        raise InputError(msg)
    asked = Asked(
        territory=territory,
        scenario=scenario,
        elements=tuple(elements or ()),
        constellations=tuple(constellation or ()),
        at=at,
        hours=hours,
        terminals=terminals,
        contracts=contracts,
        terminal_class=terminal_class,
        slots=slots,
        reports=reports,
        registry=registry,
        threads=threads,
        strict=strict,
    )
    are_scenarios = [_is_scenario(side) for side in (before, after)]
    if are_scenarios[0] != are_scenarios[1]:
        msg = f"{before} and {after}: one is a scenario, the other a policy; compare two of a kind"
        raise InputError(msg)
    if policy is not None and not are_scenarios[0]:
        msg = "--policy goes with two scenarios; here BEFORE and AFTER are the policies"
        raise InputError(msg)
    if are_scenarios[0]:
        made = work_out_scenarios(asked, Path(before), Path(after), read_side(policy or "public"))
    else:
        made = work_out(asked, read_side(before), read_side(after))
    folder = made.write(out, lang=lang, overwrite=overwrite)
    say(f"wrote {folder / DOCUMENT} (sha256 {made.sha256}) and assessment.html beside it")
    if as_json:
        write_document(made.findings.to_json())
    else:
        print("\n".join(made.findings.summary))
    if wanted is not None and not made.sha256.startswith(wanted):
        say(f"this is another assessment than {wanted}: its address is {made.sha256}")
        sys.stdout.flush()
        raise typer.Exit(1)


def _is_scenario(source: str) -> bool:
    """Whether a file is a scenario: it has keys at its top that no policy has."""
    import tomllib

    from overflight.scenario import Scenario

    try:
        keys = tomllib.loads(Path(source).read_text(encoding="utf-8-sig")).keys()
    except (OSError, ValueError):
        return False  # whoever reads it as a policy says what is wrong
    return bool(keys & {*Scenario.model_fields, "overrides"})
