"""Hypatia's 100 ground stations, in the order of its nodes (the satellites come first), with the names that people type.

References
----------
S. Kassing, D. Bhattacherjee, A. B. Águas, J. E. Saethre and A. Singla, "Exploring the 'Internet from space' with Hypatia", IMC 2020.
"""

import difflib
import unicodedata
from dataclasses import dataclass
from functools import cache

from overflight.catalog.tables import read_table
from overflight.errors import PlaceError


@dataclass(frozen=True, slots=True)
class GroundStation:
    """One of Hypatia's ground stations: ``number`` is its place in the list, so its node is the number of satellites plus that."""

    number: int
    name: str
    aliases: tuple[str, ...]
    lat_deg: float
    lon_deg: float
    height_m: float


@cache
def list_ground_stations() -> tuple[GroundStation, ...]:
    """All ground stations, in node order."""
    table = read_table("hypatia_ground_stations")
    return tuple(
        GroundStation(int(number), name, tuple(aliases.split("|")) if aliases else (), float(lat), float(lon), float(height))
        for number, name, aliases, lat, lon, height in zip(
            *(table[column] for column in ("number", "name", "aliases", "lat_deg", "lon_deg", "height_m")), strict=True
        )
    )


def find_ground_station(name: str) -> GroundStation:
    """Look up a ground station by name or alias; case, accents, hyphens and spaces do not matter.

    Raises
    ------
    PlaceError
        If there is none of that name; the nearest names are offered.
    """
    known = _by_name()
    found = known.get(_fold(name))
    if found is None:
        near = dict.fromkeys(known[key].name for key in difflib.get_close_matches(_fold(name), known, n=5))
        hint = f"; nearest: {', '.join(list(near)[:3])}" if near else ""
        msg = f"place '{name}' is not one of Hypatia's 100 ground stations{hint}"
        raise PlaceError(msg)
    return found


@cache
def _by_name() -> dict[str, GroundStation]:
    return {_fold(name): station for station in list_ground_stations() for name in (station.name, *station.aliases)}


def _fold(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name.casefold()) if letter.isalnum())
