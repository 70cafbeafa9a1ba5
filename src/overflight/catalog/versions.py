"""Satellite versions: what each can light, carry and pass on, and which satellite is which version."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import Table, float_column, read_table
from overflight.errors import ScenarioError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]

COUNTED = ("downlink_beams", "uplink_beams", "beams_per_channel", "feeder_dishes", "lasers")
"""Columns that count things: between low and high they are rounded to whole ones."""

MEASURED = (
    "throughput_gbps",
    "uplink_gbps",
    "feeder_gbps",
    "laser_gbps",
    "uplink_share",
    "pfd_dbw_m2_mhz",
    "max_eirp_dbw_mhz",
    "gt_db_k",
    "feeder_gt_db_k",
)

WORDS = ("operator", "version", "title", "source", "date", "status")

FIRST_NOMINAL_ID = 900_000_000
"""Catalogue numbers from here on, and those below 1, are nobody's: the satellite is of a nominal shell."""

UNKNOWN_OPERATOR = "generic"


@dataclass(frozen=True, slots=True, eq=False)
class SatelliteVersions:
    """The built-in versions as a table, one row each; arrays of shape (versions,).

    Attributes
    ----------
    operator, version, title
        Who flies it, its name, and its name in words.
    downlink_beams, uplink_beams
        Beams it can light at a time, channels and polarisations counted.
    beams_per_channel
        How many of its downlink beams may use one channel at a time.
    throughput_gbps, uplink_gbps
        Most that it carries to and from users.
    feeder_gbps
        Most that its links to gateways carry together, each way.
    feeder_dishes
        Gateways it can work with at a time.
    lasers, laser_gbps
        Laser terminals, and what each carries each way.
    uplink_share
        Uplink over downlink rate, where one number has to do.
    pfd_dbw_m2_mhz
        Power flux density that a user beam lays on its cell, dB(W/m²) in 1 MHz.
    max_eirp_dbw_mhz
        Greatest EIRP density of a user beam along its array's axis.
    gt_db_k
        G/T of a user uplink beam along its array's axis.
    feeder_gt_db_k
        G/T of a feeder antenna.
    source, date, status
        Where each row comes from, the day it holds for, and how sure it is.
    """

    operator: tuple[str, ...]
    version: tuple[str, ...]
    title: tuple[str, ...]
    downlink_beams: Integers
    uplink_beams: Integers
    beams_per_channel: Integers
    feeder_dishes: Integers
    lasers: Integers
    throughput_gbps: Floats
    uplink_gbps: Floats
    feeder_gbps: Floats
    laser_gbps: Floats
    uplink_share: Floats
    pfd_dbw_m2_mhz: Floats
    max_eirp_dbw_mhz: Floats
    gt_db_k: Floats
    feeder_gt_db_k: Floats
    source: tuple[str, ...]
    date: tuple[str, ...]
    status: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.version)

    @classmethod
    def at(cls, position: float = 0.0) -> Self:
        """Take every value at one place of its range.

        Parameters
        ----------
        position
            0 for the values, −1 for the low ends, 1 for the high ends, and linearly in between; counts are rounded half down.

        Raises
        ------
        ScenarioError
            If the position is not within −1 to 1.
        """
        if not -1.0 <= position <= 1.0:
            msg = f"version_position: {position} is outside −1 (low ends) to 1 (high ends)"
            raise ScenarioError(msg)
        table = read_table("satellite_versions")
        columns: dict[str, Any] = {name: tuple(table[name]) for name in WORDS}
        columns |= {name: _place(table, name, position) for name in MEASURED}
        columns |= {name: np.ceil(_place(table, name, position) - 0.5).astype(np.int32) for name in COUNTED}
        return cls(**columns)

    def row(self, operator: str, version: str) -> int:
        """Row of a version.

        Raises
        ------
        ScenarioError
            If there is none of that name; those there are are named.
        """
        for row, named in enumerate(zip(self.operator, self.version, strict=True)):
            if named == (operator.lower(), version.lower()):
                return row
        known = ", ".join(f"{a} {b}" for a, b in zip(self.operator, self.version, strict=True))
        msg = f"satellite version '{operator} {version}' is not known; there are: {known}"
        raise ScenarioError(msg)


@cache
def read_versions() -> SatelliteVersions:
    """Read the versions at their values; cached, so treat the arrays as read-only."""
    return SatelliteVersions.at(0.0)


def classify_versions(
    operator: str,
    *,
    norad_id: npt.ArrayLike,
    inclination_deg: npt.ArrayLike,
    altitude_km: npt.ArrayLike,
) -> Integers:
    """Tell by catalogue number and orbit which version each satellite is.

    The rules stand in the built-in table ``version_rules``; the first that fits decides. Rules with numbers are for satellites that
    fly, by order of launch; rules without are for nominal shells and take what most satellites of such a shell are. Satellites that no
    rule fits, and operators without rules, get the generic version.

    Parameters
    ----------
    operator
        Whose satellites these are.
    norad_id
        Catalogue numbers, shape (n,); below 1 or from 900,000,000 on: of a nominal shell.
    inclination_deg, altitude_km
        Inclination and mean altitude, shape (n,).

    Returns
    -------
    numpy.ndarray
        Rows of `read_versions`, int32, shape (n,).

    Raises
    ------
    ScenarioError
        If the shapes differ.
    """
    ids = np.atleast_1d(np.asarray(norad_id, dtype=np.int64))
    inclination, altitude = (np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (inclination_deg, altitude_km))
    if not ids.shape == inclination.shape == altitude.shape:
        msg = f"classify_versions: shapes {ids.shape}, {inclination.shape}, {altitude.shape} differ; give one value per satellite"
        raise ScenarioError(msg)
    versions = read_versions()
    rows = np.full(ids.shape, versions.row(UNKNOWN_OPERATOR, "generic"), dtype=np.int32)
    rules = read_table("version_rules")
    nominal = (ids < 1) | (ids >= FIRST_NOMINAL_ID)
    open_yet = np.ones(ids.shape, dtype=np.bool_)
    for rule in (number for number, name in enumerate(rules["operator"]) if name == operator.lower()):
        fits = open_yet & _fits(rules, rule, ids, nominal, inclination, altitude)
        rows[fits] = versions.row(operator, rules["version"][rule])
        open_yet &= ~fits
    return rows


def _fits(
    rules: Table, rule: int, ids: npt.NDArray[np.int64], nominal: npt.NDArray[np.bool_], inclination: Floats, altitude: Floats
) -> npt.NDArray[np.bool_]:
    low, high, least_deg, most_deg, lowest_km, highest_km = (
        float_column(rules, name)[rule]
        for name in ("norad_low", "norad_high", "inclination_low_deg", "inclination_high_deg", "altitude_low_km", "altitude_high_km")
    )
    # Rules without catalogue numbers hold for nominal shells, and for every satellite of operators that have no others.
    numbered = any(cell for cell, name in zip(rules["norad_low"], rules["operator"], strict=True) if name == rules["operator"][rule])
    by_id = ~nominal & (ids >= low) & (ids <= high) if np.isfinite(low) else nominal | np.full(ids.shape, not numbered)
    in_orbit = (inclination >= least_deg) & (inclination < most_deg) & (altitude >= lowest_km) & (altitude < highest_km)
    fits: npt.NDArray[np.bool_] = by_id & in_orbit
    return fits


def _place(table: Table, name: str, position: float) -> Floats:
    value, low, high = (float_column(table, column) for column in (name, f"{name}_low", f"{name}_high"))
    return value + position * (high - value if position > 0.0 else value - low)
