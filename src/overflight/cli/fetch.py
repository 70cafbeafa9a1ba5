"""``overflight fetch``: current data from the network; the only verb that uses it."""

from pathlib import Path
from typing import Annotated

import typer

from overflight.cli._shared import JsonOption, say, write_json

app = typer.Typer(help="Fetch current data: politely, cached, at most hourly. The only verb that uses the network.", no_args_is_help=True)


@app.callback()
def _fetch() -> None:
    """Fetch current data: politely, cached, at most hourly. The only verb that uses the network."""


@app.command(short_help="Fetch element sets from CelesTrak.")
def elements(
    group: Annotated[
        str, typer.Option("--group", metavar="NAME", help="CelesTrak's name of a group: starlink, oneweb, kuiper, qianfan, ...")
    ] = "starlink",
    cache: Annotated[
        Path | None, typer.Option("--cache", metavar="DIR", help="Folder of the cache. Default: $OVERFLIGHT_CACHE or the system's.")
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Fetch element sets from CelesTrak (OMM) and write the file's path to stdout, for --elements."""
    from overflight.clock import format_time
    from overflight.fetch import fetch_elements

    fetched = fetch_elements(group, cache_dir=cache)
    meaning = {
        "new": f"{fetched.satellites} element sets received",
        "unchanged": "the site has nothing newer than the cached file",
        "cached": "asked less than an hour ago; the cached file stands",
    }
    say(f"{group}: {meaning[fetched.status]} ({format_time(fetched.checked)})")
    if as_json:
        write_json(
            {
                "group": group,
                "path": str(fetched.path),
                "status": fetched.status,
                "checked": format_time(fetched.checked),
                "satellites": fetched.satellites,
            }
        )
    else:
        typer.echo(fetched.path)
