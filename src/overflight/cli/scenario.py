"""``overflight scenario``: check and explain a scenario."""

from pathlib import Path
from typing import Annotated

import typer

from overflight.cli._shared import JsonOption, say, write_json

app = typer.Typer(help="Check and explain a scenario.", no_args_is_help=True, rich_markup_mode=None)

FileArgument = Annotated[Path, typer.Argument(help="Scenario in TOML.", show_default=False)]
OverrideOption = Annotated[str | None, typer.Option("--override", help="Named variant of the file: [overrides.NAME].", show_default=False)]


@app.command()
def validate(file: FileArgument, override: OverrideOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Check a scenario: every problem at once, each with what to change; also that its files and names exist."""
    from overflight.inputs import gather_inputs
    from overflight.scenario import load_scenario

    inputs = gather_inputs(load_scenario(file, override=override))
    if as_json:
        write_json({"valid": True, "warnings": list(inputs.warnings)})
        return
    for warning in inputs.warnings:
        say(f"warning: {warning}")
    print(f"{file}: valid")


@app.command()
def show(file: FileArgument, override: OverrideOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Write the scenario with what it extends and every default spelled out."""
    from overflight.scenario import load_scenario

    scenario = load_scenario(file, override=override)
    if as_json:
        write_json(scenario.model_dump(mode="json"))
    else:
        print(scenario.to_toml(), end="")


@app.command()
def schema() -> None:
    """Write the JSON Schema of scenarios, with the meaning of every setting."""
    from overflight.scenario import scenario_schema

    write_json(scenario_schema())
