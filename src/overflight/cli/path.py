"""``overflight path``: the route from place to place, hop by hop."""

from typing import Annotated

import typer

from overflight.cli._shared import (
    ArcOption,
    ConstellationOption,
    ElementsOption,
    JsonOption,
    MaskOption,
    StrictOption,
    TopologyOption,
    in_words,
    read_instant,
    say,
    within,
    write_json,
)


def path(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Place by name, or LAT,LON.", show_default=False)],
    target: Annotated[str, typer.Argument(metavar="TO", help="Place by name, or LAT,LON.", show_default=False)],
    elements: ElementsOption = None,
    constellation: ConstellationOption = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Instant, ISO 8601 UTC. Default: the elements' median epoch.", show_default=False),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Last instant, for a series in steps.", show_default=False)
    ] = None,
    step: Annotated[
        float,
        typer.Option(
            "--step",
            metavar="S",
            help="Seconds from one instant to the next, with --until.",
            callback=within(0.0, 86400.0, "seconds", above=True),
        ),
    ] = 15.0,
    landing: Annotated[
        str,
        typer.Option(
            "--landing",
            metavar="HOW",
            help="gateway: down at a gateway and on over fibre; terminal: both ends are terminals; auto: gateway where one is known.",
        ),
    ] = "auto",
    topology: TopologyOption = "auto",
    mask: MaskOption = None,
    arc: ArcOption = 18.0,
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Print the route of least delay between two places, every hop with its one-way delay."""
    from overflight.clock import format_time
    from overflight.study.paths import study_path

    study = study_path(
        source,
        target,
        elements=tuple(str(file) for file in elements or ()),
        constellation=constellation,
        start=None if at is None else read_instant(at),
        until=None if until is None else read_instant(until),
        step_s=step,
        landing=landing,
        topology=topology,
        user_mask_deg=mask,
        arc_avoidance_deg=arc,
        strict=strict,
    )
    for warning in study.warnings:
        say(f"warning: {warning}")
    if as_json:
        write_json(study.to_dict())
        return
    how = "down at a gateway and on over fibre" if study.landing == "gateway" else "from terminal to terminal"
    print(f"{study.source} → {study.target} over {study.constellation}, {how}")
    for sample in study.samples:
        if sample.rtt_ms is None:
            print(f"{format_time(sample.time)}  no way")
            continue
        satellites = sum(hop.kind == "satellite" for hop in sample.hops)
        print(f"{format_time(sample.time)}  round trip {sample.rtt_ms:.3f} ms over {in_words(satellites, 'satellite', 'satellites')}")
        if len(study.samples) == 1:
            for hop in sample.hops:
                print(f"  {hop.delay_ms:>9.3f} ms  {hop.kind:<15} {hop.name}")
