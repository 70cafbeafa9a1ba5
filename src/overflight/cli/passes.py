"""``overflight passes``: when satellites rise, culminate and set."""

from typing import Annotated

import typer

from overflight.cli._shared import (
    ConstellationOption,
    ElementsOption,
    HeightOption,
    HoursOption,
    JsonOption,
    LowMaskOption,
    StrictOption,
    in_words,
    read_fleet,
    read_instant,
    read_site,
    say,
    show_progress,
    warn_of_age,
    write_json,
)


def passes(
    place: Annotated[
        str, typer.Argument(metavar="LAT,LON", help="Site, as LAT,LON in degrees or the name of a place.", show_default=False)
    ],
    elements: ElementsOption = None,
    constellation: ConstellationOption = None,
    satellite: Annotated[
        str | None,
        typer.Option(
            "--satellite", metavar="NAME", help="Only this satellite: name, part of a name, or catalogue number.", show_default=False
        ),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Start, ISO 8601 UTC. Default: now.", show_default=False)] = None,
    hours: HoursOption = 24.0,
    height: HeightOption = 0.0,
    mask: LowMaskOption = 25.0,
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List the passes above the mask over a site."""
    from overflight.clock import add_seconds, format_time, now, to_ms
    from overflight.orbit.fleet import select_named
    from overflight.orbit.propagation import Propagator
    from overflight.sky.passes import find_passes

    site = read_site(place, height)
    fleet, is_real = read_fleet(elements, constellation, strict=strict)
    if satellite is not None:
        fleet = select_named(fleet, satellite)
    start = now() if at is None else read_instant(at)
    end = add_seconds(start, hours * 3600.0)
    if is_real:
        warn_of_age(fleet, add_seconds(start, hours * 1800.0))
    propagator = Propagator(fleet)
    span_s = hours * 3600.0
    with show_progress("passes") as progress:

        def positions_at(times):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            progress(min(1.0, max(0.0, float((times[-1] - start).astype("float64")) * 1e-6 / span_s)))
            return propagator.positions_km(times)

        found = find_passes(positions_at, fleet.name, fleet.norad_id, site, start, end, min_elevation_deg=mask)
    rows = [
        {
            "satellite": one.satellite,
            "norad_id": one.norad_id,
            "rise": format_time(to_ms(one.rise)),
            "rise_azimuth_deg": round(one.rise_azimuth_deg, 3),
            "culmination": format_time(to_ms(one.culmination)),
            "max_elevation_deg": round(one.max_elevation_deg, 4),
            "range_km": round(one.range_km, 4),
            "set": format_time(to_ms(one.set)),
            "set_azimuth_deg": round(one.set_azimuth_deg, 3),
            "in_progress_at_start": one.in_progress_at_start,
            "in_progress_at_end": one.in_progress_at_end,
        }
        for one in found
    ]
    if as_json:
        write_json(rows)
        return
    found_words, fleet_words = in_words(len(rows), "pass", "passes"), in_words(len(fleet), "satellite", "satellites")
    cut_off = any(one.in_progress_at_start or one.in_progress_at_end for one in found)
    legend = "; <: in progress at the start, >: at the end" if cut_off else ""
    say(f"{found_words} of {fleet_words} above {mask:g}° from {format_time(start)} to {format_time(end)}{legend}")
    print(f"{'satellite':<28} {'rise (UTC)':<20} {'azimuth':>7}  {'highest':>7} {'range km':>8}  {'set':<8} {'azimuth':>7}")
    for one in found:
        rise, fall = format_time(one.rise)[:19].replace("T", " "), format_time(one.set)[11:19]
        marks = ("<" if one.in_progress_at_start else " ") + (">" if one.in_progress_at_end else " ")
        print(
            f"{one.satellite:<28} {rise:<20} {one.rise_azimuth_deg:>6.1f}°  {one.max_elevation_deg:>6.1f}° {one.range_km:>8.1f}  "
            f"{fall:<8} {one.set_azimuth_deg:>6.1f}° {marks}".rstrip()
        )
