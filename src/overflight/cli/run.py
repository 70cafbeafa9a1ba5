"""``overflight run``: simulate a scenario."""

from pathlib import Path
from typing import Annotated

import typer

from overflight.cli._shared import JsonOption, OverwriteOption, StrictOption, ThreadsOption, say, show_progress, write_json


def run(
    file: Annotated[Path, typer.Argument(metavar="SCENARIO", help="Scenario in TOML.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Folder for the run; one that was interrupted there goes on.", show_default=False),
    ],
    override: Annotated[
        str | None, typer.Option("--override", metavar="NAME", help="Named variant of the file: [overrides.NAME].", show_default=False)
    ] = None,
    overwrite: OverwriteOption = False,  # noqa: FBT002
    threads: ThreadsOption = None,
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Simulate a scenario and write the run: frames in Zarr, tables in Parquet."""
    from overflight.inputs import gather_inputs
    from overflight.scenario import load_scenario
    from overflight.twin import run_inputs

    warnings: list[str] = []
    inputs = gather_inputs(load_scenario(file, override=override, warnings=warnings), strict=strict)
    for warning in (*warnings, *inputs.warnings):
        say(f"warning: {warning}")
    with show_progress(inputs.territory.name) as progress:
        done = run_inputs(inputs, out, overwrite=overwrite, threads=threads, progress=progress)
    if as_json:
        write_json({"folder": str(done.folder), **done.manifest})
    else:
        print(done)
