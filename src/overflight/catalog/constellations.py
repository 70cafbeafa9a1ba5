"""Constellations by name: their shells, who operates them and the conventions that come with them."""

import difflib
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

import numpy as np

from overflight.catalog.tables import Table, read_table
from overflight.clock import parse_time
from overflight.errors import ScenarioError

Pattern = Literal["delta", "star"]
"""``delta``: ascending nodes spread over 360°; ``star``: over 180°."""


@dataclass(frozen=True, slots=True)
class Shell:
    """One shell of a constellation, as plain facts.

    Attributes
    ----------
    name
        Name of the shell, unique within its constellation.
    planes, satellites_per_plane
        Orbital planes, and slots in each of them.
    satellites
        Satellites in the shell, at most ``planes * satellites_per_plane``; fewer than that means incomplete planes, and no plane
        of a built-in shell lacks more than one satellite when the empty slots are dealt evenly.
    altitude_km
        Mean altitude: semi-major axis less the equatorial radius of WGS-84.
    mean_motion_rev_day
        Mean motion; where given, it stands instead of ``altitude_km``.
    inclination_deg
        Inclination.
    pattern
        ``delta`` (ascending nodes over 360°) or ``star`` (over 180°).
    phasing_f
        Walker's F: satellites of adjacent planes differ by ``phasing_f * 360 / (planes * satellites_per_plane)`` degrees.
    odd_plane_offset_slots
        Shift of every odd plane along its orbit, in slots (Hypatia: 0.5).
    eccentricity, argument_of_perigee_deg, first_raan_deg
        Elements common to all satellites, and the ascending node of plane 0.
    source, date, status
        Where the row comes from, the day it holds for, and how sure it is.
    raan_spread_deg
        Node of plane ``p`` is ``first_raan_deg + p * raan_spread_deg / planes``; None stands for 360° (delta) or 180° (star).
    """

    name: str
    planes: int
    satellites_per_plane: int
    satellites: int
    altitude_km: float
    mean_motion_rev_day: float | None
    inclination_deg: float
    pattern: Pattern
    phasing_f: float = 0.0
    odd_plane_offset_slots: float = 0.0
    eccentricity: float = 0.0
    argument_of_perigee_deg: float = 0.0
    first_raan_deg: float = 0.0
    source: str = ""
    date: str = ""
    status: str = "assumed"
    raan_spread_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Constellation:
    """A constellation of the built-in table.

    Attributes
    ----------
    name, title
        Its name in scenarios, and in words.
    operator
        Whose gateways and PoPs serve it (see `overflight.catalog.ground`).
    epoch
        Instant that the elements of its shells hold for, UTC.
    shells
        Its shells, in the table's order.
    user_mask_deg, gateway_mask_deg
        Least elevation at which terminals and gateways use a satellite.
    user_mask_status, gateway_mask_status
        How sure each of these is.
    max_user_range_km
        Slant range that stands instead of the masks (Hypatia's conventions only), else None.
    has_isl, topology
        Whether its satellites link to one another, and the topology assumed for it unless a scenario says otherwise.
    conventions
        ``hypatia`` where a published model's conventions come with the constellation, else empty.
    source, date, status
        Where the row comes from, the day it holds for, and how sure it is.
    """

    name: str
    title: str
    operator: str
    epoch: np.datetime64
    shells: tuple[Shell, ...]
    user_mask_deg: float
    gateway_mask_deg: float
    user_mask_status: str
    gateway_mask_status: str
    max_user_range_km: float | None
    has_isl: bool
    topology: str
    conventions: str
    source: str
    date: str
    status: str

    @property
    def satellites(self) -> int:
        """Satellites in all shells."""
        return sum(shell.satellites for shell in self.shells)


def list_constellations() -> tuple[str, ...]:
    """Names of the built-in constellations, in the table's order."""
    return tuple(_constellations())


def find_constellation(name: str) -> Constellation:
    """Look up a built-in constellation by name (any case).

    Raises
    ------
    ScenarioError
        If there is none of that name; the nearest names are offered.
    """
    known = _constellations()
    found = known.get(name.strip().lower().replace("_", "-").replace(" ", "-"))
    if found is None:
        near = difflib.get_close_matches(name.strip().lower(), known, n=3, cutoff=0.4) or list(known)
        msg = f"constellation '{name}' is not built in; nearest: {', '.join(near)}; or give element sets, or shells in a scenario"
        raise ScenarioError(msg)
    return found


@cache
def _constellations() -> dict[str, Constellation]:
    table, shells = read_table("constellations"), read_table("shells")
    members: dict[str, list[Shell]] = {name: [] for name in table["name"]}
    for row, name in enumerate(shells["constellation"]):
        members[name].append(_shell(shells, row))
    return {name: _constellation(table, row, tuple(members[name])) for row, name in enumerate(table["name"])}


def _constellation(table: Table, row: int, shells: tuple[Shell, ...]) -> Constellation:
    cell = {column: cells[row] for column, cells in table.items()}
    return Constellation(
        name=cell["name"],
        title=cell["title"],
        operator=cell["operator"],
        epoch=parse_time(cell["epoch"]),
        shells=shells,
        user_mask_deg=float(cell["user_mask_deg"]),
        gateway_mask_deg=float(cell["gateway_mask_deg"]),
        user_mask_status=cell["user_mask_status"],
        gateway_mask_status=cell["gateway_mask_status"],
        max_user_range_km=float(cell["max_user_range_km"]) if cell["max_user_range_km"] else None,
        has_isl=cell["has_isl"] == "1",
        topology=cell["topology"],
        conventions=cell["conventions"],
        source=cell["source"],
        date=cell["date"],
        status=cell["status"],
    )


def _shell(table: Table, row: int) -> Shell:
    cell = {column: cells[row] for column, cells in table.items()}
    return Shell(
        name=cell["name"],
        planes=int(cell["planes"]),
        satellites_per_plane=int(cell["satellites_per_plane"]),
        satellites=int(cell["satellites"]),
        altitude_km=float(cell["altitude_km"]),
        mean_motion_rev_day=float(cell["mean_motion_rev_day"]) if cell["mean_motion_rev_day"] else None,
        inclination_deg=float(cell["inclination_deg"]),
        pattern=cast("Pattern", cell["pattern"]),
        phasing_f=float(cell["phasing_f"]),
        odd_plane_offset_slots=float(cell["odd_plane_offset_slots"]),
        eccentricity=float(cell["eccentricity"]),
        argument_of_perigee_deg=float(cell["argument_of_perigee_deg"]),
        first_raan_deg=float(cell["first_raan_deg"]),
        source=cell["source"],
        date=cell["date"],
        status=cell["status"],
        raan_spread_deg=float(cell["raan_spread_deg"]),
    )
