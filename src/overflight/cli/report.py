"""``overflight report``: the main job, a territory's report."""

from pathlib import Path
from typing import Annotated

import typer

from overflight.cli._shared import (
    ArcOption,
    ElementsOption,
    HoursOption,
    JsonOption,
    MaskOption,
    OverwriteOption,
    StrictOption,
    ThreadsOption,
    TopologyOption,
    read_instant,
    say,
    show_progress,
    within,
    write_json,
)


def report(
    territory: Annotated[
        str,
        typer.Argument(
            metavar="TERRITORY", help="ISO 3166-1 code, name (English or French), GeoJSON file, or a scenario in TOML.", show_default=False
        ),
    ],
    elements: ElementsOption = None,
    constellation: Annotated[
        list[str] | None,
        typer.Option(
            "--constellation", metavar="NAME", help="Built-in constellation (doctor lists them); may be repeated.", show_default=False
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Start, ISO 8601 UTC. Default: midnight of the elements' day.", show_default=False),
    ] = None,
    hours: HoursOption = 24.0,
    lang: Annotated[str, typer.Option("--lang", metavar="LANG", help="Language of the report: en or fr.")] = "en",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder. Default: reports/TERRITORY-DAY.", show_default=False)
    ] = None,
    overwrite: OverwriteOption = False,  # noqa: FBT002
    mask: MaskOption = None,
    arc: ArcOption = 18.0,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            metavar="NAME",
            help="Choice of the serving satellite: observed, highest-elevation, longest-remaining, nearest or least-handovers.",
        ),
    ] = "observed",
    topology: TopologyOption = "auto",
    pop: Annotated[
        str,
        typer.Option(
            "--pop", metavar="NAME", help="Point of presence where traffic meets the Internet: nearest, or the code or city of one."
        ),
    ] = "nearest",
    step: Annotated[
        float, typer.Option("--step", metavar="S", help="Length of a slot, seconds.", callback=within(1.0, 3600.0, "seconds"))
    ] = 15.0,
    terminals: Annotated[
        str | None,
        typer.Option(
            "--terminals",
            metavar="N|FILE",
            help="Terminals in the territory: a number, or a CSV by cell. Default: as reported or estimated.",
            show_default=False,
        ),
    ] = None,
    demand: Annotated[
        str,
        typer.Option(
            "--demand",
            metavar="WHAT",
            help="broadband, Mbit/s per active terminal (100 or 100/20), or failover[:GBPS], all international traffic.",
        ),
    ] = "broadband",
    without_gateway: Annotated[
        list[str] | None,
        typer.Option("--without-gateway", metavar="NAME", help="Gateway out of service; may be repeated.", show_default=False),
    ] = None,
    without_pop: Annotated[
        list[str] | None,
        typer.Option("--without-pop", metavar="NAME", help="PoP that has lost its cable; may be repeated.", show_default=False),
    ] = None,
    availability: Annotated[
        float | None,
        typer.Option(
            "--availability",
            metavar="PERCENT",
            help="Rates that hold in so much of the time, rain included: 99, 99.9, 99.99. Default: clear sky.",
            show_default=False,
        ),
    ] = None,
    uncertainty: Annotated[
        int, typer.Option("--uncertainty", metavar="N", help="Draws of all uncertain parameters, for bands.", min=0, max=10_000)
    ] = 0,
    capacity: Annotated[  # noqa: FBT002
        bool, typer.Option("--capacity/--no-capacity", help="Whether beams and rates are worked out.", show_default=False)
    ] = True,
    threads: ThreadsOption = None,
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Simulate a territory and write report.html (self-contained, opens offline) with the run beside it."""
    from overflight.compilation import compile_ahead
    from overflight.report.territory import report_scenario_file, report_territory
    from overflight.report.text import summary_lines
    from overflight.report.words import LANGUAGES

    if lang not in LANGUAGES:
        msg = f"'{lang}' is not one of {', '.join(LANGUAGES)}"
        raise typer.BadParameter(msg, param_hint="'--lang'")
    usual = (None, None, None, 24.0, None, 18.0, "observed", "auto", "nearest", 15.0)
    usual_capacity = (None, "broadband", None, None, None, 0, True)
    given = (elements, constellation, at, hours, mask, arc, strategy, topology, pop, step)
    given_capacity = (terminals, demand, without_gateway, without_pop, availability, uncertainty, capacity)
    is_scenario = territory.lower().endswith(".toml")
    if is_scenario and (given, given_capacity) != (usual, usual_capacity):
        msg = f"'{territory}' is a scenario: write settings into it; only --lang, --out, --overwrite, --threads and --strict go beside it"
        raise typer.BadParameter(msg)
    if not capacity and given_capacity[:2] + given_capacity[4:6] != usual_capacity[:2] + usual_capacity[4:6]:
        msg = "--terminals, --demand, --availability and --uncertainty matter to capacity only; leave them out, or --no-capacity"
        raise typer.BadParameter(msg)
    with compile_ahead(), show_progress(territory) as progress:
        if is_scenario:
            made = report_scenario_file(territory, out=out, overwrite=overwrite, threads=threads, progress=progress, strict=strict)
        else:
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
                terminals=terminals,
                demand=demand,
                without_gateways=tuple(without_gateway or ()),
                without_pops=tuple(without_pop or ()),
                availability_percent=availability,
                uncertainty=uncertainty,
                capacity=capacity,
            )
    written = made.write_html(lang=lang)
    for warning in made.findings.warnings:
        say(f"warning: {warning}")
    say(f"wrote {written}")
    if as_json:
        write_json(made.to_dict())
    else:
        print("\n".join(summary_lines(made.findings, lang)))
