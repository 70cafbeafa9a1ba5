"""Constellations by name: their shells, who operates them and the conventions that come with them."""

from dataclasses import dataclass
from typing import Literal

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
        Satellites in the shell, at most ``planes * satellites_per_plane``; the last planes are incomplete where it is fewer.
    altitude_km
        Mean altitude above the equatorial radius of WGS-84.
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
