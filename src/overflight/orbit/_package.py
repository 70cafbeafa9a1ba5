"""States by the ``sgp4`` package, satellite by satellite: the reference, and what serves where the fast kernel is not valid."""

import threading

import numpy as np
import numpy.typing as npt
from sgp4.api import WGS72, Satrec

from overflight.orbit.elements import ElementSets

Floats = npt.NDArray[np.float64]

UNUSABLE_ELEMENTS = 7
"""Error code of a satellite whose elements describe no orbit; 1 to 6 are SGP4's own."""

US_PER_DAY = 86_400_000_000
_DAY_ZERO = np.datetime64("1949-12-31", "us")
_JULIAN_DATE_ZERO = 2_433_281.5
_NO_NUMBER = 0


class PackageSatellites:
    """The satellites of a table as records of the ``sgp4`` package, made when first asked for.

    The package keeps the state of its deep-space integrator in the record: one thread at a time (a lock sees to it).
    """

    def __init__(self, elements: ElementSets) -> None:
        self._elements = elements
        self._records: dict[int, Satrec] = {}
        self._lock = threading.Lock()
        self._usable = find_usable(elements)

    def states(self, row: int, since_us: npt.NDArray[np.int64]) -> tuple[Floats, Floats, npt.NDArray[np.uint8]]:
        """State of one satellite in TEME.

        Parameters
        ----------
        row
            Row in the table.
        since_us
            Time since the satellite's epoch, microseconds, shape (nt,).

        Returns
        -------
        position_km, velocity_km_s
            Shape (nt, 3), NaN where there is an error.
        error
            Shape (nt,).
        """
        if not self._usable[row]:
            nothing = np.full((since_us.size, 3), np.nan)
            return nothing, nothing.copy(), np.full(since_us.size, UNUSABLE_ELEMENTS, dtype=np.uint8)
        days, rest_us = np.divmod(since_us, US_PER_DAY)
        with self._lock:
            record = self._record(row)
            # The package subtracts its two-part epoch: added to the same two parts, the time since epoch survives to 1e-11 s.
            error, position_km, velocity_km_s = record.sgp4_array(record.jdsatepoch + days, record.jdsatepochF + rest_us / US_PER_DAY)
        position_km[error != 0] = np.nan
        velocity_km_s[error != 0] = np.nan
        return position_km, velocity_km_s, error

    def _record(self, row: int) -> Satrec:
        record = self._records.get(row)
        if record is None:
            table = self._elements
            record = Satrec()
            record.sgp4init(
                WGS72,
                "i",
                _NO_NUMBER,
                # Once through a double Julian date, as in the reference: lunar and solar terms are read off it (4 mm in the worst vector).
                float((table.epoch[row] - _DAY_ZERO) / np.timedelta64(1, "D")) + _JULIAN_DATE_ZERO - _JULIAN_DATE_ZERO,
                table.bstar[row],
                0.0,  # the derivatives of the mean motion are not part of SGP4
                0.0,
                table.eccentricity[row],
                np.deg2rad(table.argument_of_perigee_deg[row]),
                np.deg2rad(table.inclination_deg[row]),
                np.deg2rad(table.mean_anomaly_deg[row]),
                table.mean_motion_rev_day[row] / (1440.0 / (2.0 * np.pi)),
                np.deg2rad(table.raan_deg[row]),
            )
            self._records[row] = record
        return record


def find_usable(elements: ElementSets) -> npt.NDArray[np.bool_]:
    """Which rows describe an orbit at all: everything finite, mean motion positive, eccentricity in [0, 1), an epoch."""
    numbers = (
        elements.mean_motion_rev_day,
        elements.eccentricity,
        elements.inclination_deg,
        elements.raan_deg,
        elements.argument_of_perigee_deg,
        elements.mean_anomaly_deg,
        elements.bstar,
    )
    finite = np.logical_and.reduce([np.isfinite(column) for column in numbers])
    orbit = (elements.mean_motion_rev_day > 0.0) & (elements.eccentricity >= 0.0) & (elements.eccentricity < 1.0)
    usable: npt.NDArray[np.bool_] = finite & orbit & ~np.isnat(elements.epoch)
    return usable
