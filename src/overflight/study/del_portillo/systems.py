"""The systems as filed: facts and assumptions of the built-in table ``filed_systems_2018``, one object per system."""

import dataclasses
import difflib
from dataclasses import dataclass
from functools import cache

from overflight.catalog.constellations import Shell
from overflight.catalog.tables import read_table
from overflight.errors import ScenarioError

TABLE = "filed_systems_2018"

COMMON = "all"
"""Rows of this system hold for every system."""


@dataclass(frozen=True, slots=True)
class FiledSystem:
    """One system as filed in 2016 to 2018. Change an assumption with `dataclasses.replace`.

    Attributes
    ----------
    name
        ``telesat``, ``oneweb`` or ``spacex``.
    shells
        Its shells.
    market_share, rate_per_person_mbps
        Demand: that share of the people of a spot ask for that rate each, on average.
    spot_km2
        Ground that one user beam lights.
    roll_off, aperture_efficiency
        Of the carriers, and of a terminal's dish.
    user_mask_deg, gateway_mask_deg
        Least elevation at a terminal and at a gateway.
    downlink_ghz, channel_mhz, user_channels
        User downlink: middle of the band, width of a channel, and channels that a satellite can light at once.
    fixed_beams, beam_block_km
        Beams that point always alike, side by side along the orbit, and the side of the square that they light; 0: beams are steered.
    eirp_dbw, terminal_dish_m, noise_temperature_k, channel_mbps_at_mask
        Budget of a user channel at the mask, and the published rate that it closes at.
    feeder_mhz, feeder_efficiency_bit_symbol, dishes_per_satellite
        Gateway links: bandwidth and MODCOD of one (None: a bent pipe), and how many a satellite can hold.
    stations, dishes
        Ground stations, and dishes of all of them.
    isl_mbps
        Rate of a laser each way; 0: none.
    published_total_tbps, published_satellite_gbps, published_total_50_stations_tbps
        What the study found.
    """

    name: str
    shells: tuple[Shell, ...]
    market_share: float
    rate_per_person_mbps: float
    spot_km2: float
    roll_off: float
    aperture_efficiency: float
    user_mask_deg: float
    gateway_mask_deg: float
    downlink_ghz: float
    channel_mhz: float
    user_channels: float
    fixed_beams: int
    beam_block_km: float
    eirp_dbw: float
    terminal_dish_m: float
    noise_temperature_k: float
    channel_mbps_at_mask: float
    feeder_mhz: float
    feeder_efficiency_bit_symbol: float | None
    dishes_per_satellite: int
    stations: int
    dishes: int
    isl_mbps: float
    published_total_tbps: float
    published_satellite_gbps: float
    published_total_50_stations_tbps: float

    @property
    def satellites(self) -> int:
        """Satellites in all shells."""
        return sum(shell.satellites for shell in self.shells)


def list_filed_systems() -> tuple[str, ...]:
    """Names of the systems, in the table's order."""
    return tuple(name for name in dict.fromkeys(read_table(TABLE)["system"]) if name != COMMON)


@cache
def find_filed_system(name: str) -> FiledSystem:
    """Look a system up by name (any case).

    Raises
    ------
    ScenarioError
        If there is none of that name; those there are are offered.
    """
    known = list_filed_systems()
    key = name.strip().lower()
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.4) or known
        msg = f"filed system '{name}': unknown; take {' or '.join(near)}"
        raise ScenarioError(msg)
    table = read_table(TABLE)
    rows = zip(table["system"], table["name"], table["value"], strict=True)
    cells = {cell: value for system, cell, value in rows if system in {COMMON, key}}
    numbers = {field: _number(cells[field], kind) for field, kind in _FIELDS.items()}
    return FiledSystem(name=key, shells=_read_shells(key, cells), **numbers)  # type: ignore[arg-type]


_FIELDS = {field.name: field.type for field in dataclasses.fields(FiledSystem) if field.name not in {"name", "shells"}}


def _number(text: str, kind: object) -> float | int | None:
    if not text:
        return None
    return int(text) if kind is int else float(text)


def _read_shells(system: str, cells: dict[str, str]) -> tuple[Shell, ...]:
    shells: list[Shell] = []
    while f"shell_{len(shells) + 1}_planes" in cells:
        number = len(shells) + 1
        one = {key: cells[f"shell_{number}_{key}"] for key in _SHELL_FIELDS}
        planes, per_plane = int(one["planes"]), int(one["satellites_per_plane"])
        shells.append(
            Shell(
                name=f"{system} {number}",
                planes=planes,
                satellites_per_plane=per_plane,
                satellites=planes * per_plane,
                altitude_km=float(one["altitude_km"]),
                mean_motion_rev_day=None,
                inclination_deg=float(one["inclination_deg"]),
                pattern="delta",
                phasing_f=1.0,
                raan_spread_deg=float(one["node_spread_deg"]),
            )
        )
    return tuple(shells)


_SHELL_FIELDS = ("planes", "satellites_per_plane", "altitude_km", "inclination_deg", "node_spread_deg")
