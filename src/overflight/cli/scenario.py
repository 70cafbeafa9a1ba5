"""``overflight scenario``: check and explain a scenario."""

from pathlib import Path
from typing import Annotated

import typer

from overflight.cli._shared import JsonOption, StrictOption, say, write_json

app = typer.Typer(help="Check and explain a scenario.", no_args_is_help=True, rich_markup_mode=None)

FileArgument = Annotated[Path, typer.Argument(metavar="SCENARIO", help="Scenario in TOML.", show_default=False)]
OverrideOption = Annotated[
    str | None, typer.Option("--override", metavar="NAME", help="Named variant of the file: [overrides.NAME].", show_default=False)
]


@app.command(short_help="Check a scenario.")
def validate(
    file: FileArgument,
    override: OverrideOption = None,
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Check a scenario: every problem at once, each with what to change; also that its files and names exist."""
    from overflight.inputs import gather_inputs
    from overflight.scenario import load_scenario

    warnings: list[str] = []
    inputs = gather_inputs(load_scenario(file, override=override, warnings=warnings), strict=strict)
    warnings += inputs.warnings
    if as_json:
        write_json({"valid": True, "warnings": warnings})
        return
    for warning in warnings:
        say(f"warning: {warning}")
    print(f"{file}: valid")


@app.command(short_help="Write a scenario with every default spelled out.")
def show(file: FileArgument, override: OverrideOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Write the scenario with what it extends and every default spelled out."""
    from overflight.scenario import load_scenario

    warnings: list[str] = []
    scenario = load_scenario(file, override=override, warnings=warnings)
    for warning in warnings:
        say(f"warning: {warning}")
    if as_json:
        write_json(scenario.model_dump(mode="json"))
    else:
        print(scenario.to_toml(), end="")


@app.command(short_help="Write the JSON Schema of scenarios.")
def schema() -> None:
    """Write the JSON Schema of scenarios, with the meaning of every setting."""
    from overflight.scenario import scenario_schema

    write_json(scenario_schema())
