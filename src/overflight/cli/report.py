"""``overflight report``: the main job, a territory's report."""

from pathlib import Path
from typing import Annotated

import typer

from overflight.cli._shared import AtOption, ElementsOption, JsonOption, StrictOption, read_instant, say, show_progress, write_json


def report(
    territory: Annotated[
        str, typer.Argument(metavar="TERRITORY", help="ISO 3166-1 code, name (English or French) or GeoJSON file.", show_default=False)
    ],
    elements: ElementsOption = None,
    constellation: Annotated[
        list[str] | None, typer.Option("--constellation", help="Built-in constellation; may be repeated.", show_default=False)
    ] = None,
    at: AtOption = None,
    hours: Annotated[float, typer.Option("--hours", help="Duration in hours.")] = 24.0,
    lang: Annotated[str, typer.Option("--lang", help="Language of the report: en or fr.")] = "en",
    out: Annotated[Path | None, typer.Option("--out", help="Folder. Default: reports/TERRITORY-DAY.", show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run of another scenario in --out.")] = False,  # noqa: FBT002
    mask: Annotated[float, typer.Option("--mask", help="Least elevation of a satellite for a user, degrees.")] = 25.0,
    arc: Annotated[float, typer.Option("--arc", help="Geostationary-arc avoidance, degrees; 0 switches it off.")] = 18.0,
    strategy: Annotated[str, typer.Option("--strategy", help="Choice of the serving satellite.")] = "observed",
    topology: Annotated[str, typer.Option("--topology", help="Lasers: none, plus-grid, three-link, nearest, or auto.")] = "auto",
    pop: Annotated[str, typer.Option("--pop", help="PoP: nearest, or the code or city of one.")] = "nearest",
    step: Annotated[float, typer.Option("--step", help="Length of a slot, seconds.")] = 15.0,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Threads. Default: the processor's.", show_default=False)] = None,
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Simulate a territory and write report.html (self-contained, opens offline) with the run beside it."""
    from overflight.report.territory import report_territory
    from overflight.report.text import summary_lines
    from overflight.report.words import LANGUAGES

    if lang not in LANGUAGES:
        raise typer.BadParameter(f"'{lang}' is not one of {', '.join(LANGUAGES)}.", param_hint="--lang")  # noqa: EM102, TRY003
    with show_progress(territory) as progress:
        made = report_territory(
            territory,
            elements=elements or (),
            constellations=constellation or (),
            at=None if at is None else read_instant(at),
            hours=hours,
            out=out,
            overwrite=overwrite,
            threads=threads,
            progress=progress,
            strict=strict,
            step_s=step,
            user_mask_deg=mask,
            arc_avoidance_deg=arc,
            strategy=strategy,
            topology=topology,
            homing=pop,
        )
    written = made.write_html(lang=lang)
    for warning in made.findings.warnings:
        say(f"warning: {warning}")
    say(f"wrote {written}")
    if as_json:
        write_json(made.to_dict())
    else:
        print("\n".join(summary_lines(made.findings, lang)))
