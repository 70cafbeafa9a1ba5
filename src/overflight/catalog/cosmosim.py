"""What CosmoSim (IMC 2025) takes for granted of Starlink: its fleet, its channels, its gateways' feeders, as plain facts.

None of this is how the network flies today; it is what the totals that the study published rest on. `overflight.study.cosmosim` says what
each of these numbers does to the answer.

References
----------
CosmoSim, ACM Internet Measurement Conference 2025, and the first version of its artefact.
"""

import math

import numpy as np

from overflight.catalog.constellations import Shell

EPOCH = np.datetime64("2022-01-01T00:00:00", "us")
"""Instant of the elements, and t = 0."""

EARTH_RADIUS_KM = 6378.135
"""Equatorial radius (WGS-72), for orbits and for points on the ground."""

EARTH_FLATTENING = 1.0 / 298.26
"""Flattening (WGS-72)."""

GM_M3_S2 = 3.986004418e14
"""What turns altitudes into mean motions."""

MASK_DEG = 25.0
"""Elevation that the slant ranges are derived from; at those ranges satellites really stand at about 21° and more."""

SECONDS = 15
"""The study looks at so many seconds: beams are given in the first, the total is taken in the last."""

TERMINAL_MBPS = 100
TERMINALS_PER_CHANNEL = 12
"""A cell wants one channel for so many terminals."""

TERMINALS_PER_CELL = 102
"""A cell is full with so many: 8 channels of 1,280 Mbit/s over 100 Mbit/s each, rounded down."""

CHANNELS = 8
CHANNEL_MBPS = 1280
BEAMS_PER_CHANNEL = 4
"""Beams of one satellite on one channel."""

FEEDER_MBPS = 2600
"""One feeder beam; a satellite and a gateway are joined by whole ones."""

FEEDERS_PER_SATELLITE = 8
FEEDERS_PER_GATEWAY = 64
ISL_MBPS = 100_000
"""One laser, either way."""

ISL_CLEARANCE_KM = 80.0
"""A laser's line of sight passes no lower."""

REACH_SHELLS = (0, 1, 1, 1, 1)
"""Shell whose slant range each shell's satellites are held to: by a slip of an index, all but the first go by the second."""

ISL_SHELLS = (False, True, True, True, True)
"""Whose satellites carry lasers."""

SHELL_RANK = (4, 0, 1, 2, 3)
"""Order in which coordinated beams try the shells."""


def _make_shell(number: int, planes: int, per_plane: int, altitude_km: float, inclination_deg: float) -> Shell:
    semi_major_axis_m = (EARTH_RADIUS_KM + altitude_km) * 1e3
    return Shell(
        name=f"cosmosim-{number}",
        planes=planes,
        satellites_per_plane=per_plane,
        satellites=planes * per_plane,
        altitude_km=altitude_km,
        mean_motion_rev_day=86_400.0 / (2.0 * math.pi) * math.sqrt(GM_M3_S2 / semi_major_axis_m**3),
        inclination_deg=inclination_deg,
        pattern="delta",
        odd_plane_offset_slots=0.5,
        eccentricity=1e-7,
        source="CosmoSim (IMC 2025), artefact",
        date="2025",
        status="reported",
    )


SHELLS = (
    _make_shell(0, 72, 22, 550.0, 53.0),
    _make_shell(1, 72, 22, 540.0, 53.2),
    _make_shell(2, 36, 20, 570.0, 70.0),
    _make_shell(3, 6, 58, 560.0, 97.6),
    _make_shell(4, 28, 76, 530.0, 43.0),
)
"""The fleet: 6,364 satellites."""
