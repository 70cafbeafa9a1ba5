"""``overflight visible``: what stands above the mask."""

from typing import Annotated

import typer

from overflight.cli._shared import (
    ArcOption,
    ConstellationOption,
    ElementsOption,
    HeightOption,
    JsonOption,
    LowMaskOption,
    StrictOption,
    in_words,
    read_fleet,
    read_instant,
    read_site,
    say,
    warn_of_age,
    write_json,
)


def visible(
    place: Annotated[
        str, typer.Argument(metavar="LAT,LON", help="Site, as LAT,LON in degrees or the name of a place.", show_default=False)
    ],
    elements: ElementsOption = None,
    constellation: ConstellationOption = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Instant, ISO 8601 UTC. Default: now.", show_default=False)] = None,
    height: HeightOption = 0.0,
    mask: LowMaskOption = 25.0,
    arc: ArcOption = 18.0,
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List the satellites above the mask, highest first."""
    import numpy as np

    from overflight.clock import format_time, now
    from overflight.orbit.propagation import Propagator
    from overflight.sky.angles import look_angles
    from overflight.sky.arc import arc_separation_deg

    site = read_site(place, height)
    fleet, is_real = read_fleet(elements, constellation, strict=strict)
    instant = now() if at is None else read_instant(at)
    if is_real:
        warn_of_age(fleet, instant)
    positions_km = Propagator(fleet).positions_km(np.array([instant]))[0]
    azimuth, elevation, distance = (angles[0] for angles in look_angles(site, positions_km))
    above = np.flatnonzero(elevation >= mask)
    above = above[np.argsort(-elevation[above], kind="stable")]
    separation = arc_separation_deg(site.lat_deg[0], azimuth[above], elevation[above])
    rows = [
        {
            "satellite": fleet.name[row],
            "norad_id": int(fleet.norad_id[row]),
            "azimuth_deg": round(float(azimuth[row]), 3),
            "elevation_deg": round(float(elevation[row]), 3),
            "range_km": round(float(distance[row]), 3),
            "arc_separation_deg": round(float(apart), 2) if np.isfinite(apart) else None,
            "clears_arc": bool(apart >= arc),
        }
        for row, apart in zip(above, separation, strict=True)
    ]
    if as_json:
        write_json(rows)
        return
    clear = sum(bool(row["clears_arc"]) for row in rows)
    fleet_words = in_words(len(fleet), "satellite", "satellites")
    say(f"{len(rows)} of {fleet_words} above {mask:g}° at {format_time(instant)}; {clear} at least {arc:g}° from the geostationary arc")
    print(f"{'satellite':<28} {'id':>9} {'azimuth':>8} {'elevation':>9} {'range km':>9}  arc")
    for row in rows:
        apart = "–" if row["arc_separation_deg"] is None else f"{row['arc_separation_deg']:.1f}°"
        near = "" if row["clears_arc"] else " (too near)"
        angles = f"{row['azimuth_deg']:>7.1f}° {row['elevation_deg']:>8.1f}°"
        print(f"{row['satellite']:<28} {row['norad_id']:>9} {angles} {row['range_km']:>9.1f}  {apart}{near}")
