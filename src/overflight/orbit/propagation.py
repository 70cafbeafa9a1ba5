"""Positions and velocities of a whole fleet by SGP4.

References
----------
Hoots and Roehrich, *Spacetrack Report No. 3* (1980).
Vallado, Crawford, Hujsak, Kelso, "Revisiting Spacetrack Report #3", AIAA 2006-6753.
"""

import numpy as np
import numpy.typing as npt

from overflight.clock import Instants
from overflight.errors import InputError
from overflight.orbit._package import PackageSatellites
from overflight.orbit.elements import ElementSets
from overflight.orbit.frames import OrientationSetting, as_instants, teme_to_itrf_km

Floats = npt.NDArray[np.float64]


class Propagator:
    """SGP4 (WGS-72) for every satellite of a table.

    Parameters
    ----------
    elements
        The table, n rows.
    """

    def __init__(self, elements: ElementSets) -> None:
        self._elements = elements
        self._epoch_us = elements.epoch.astype(np.int64)
        self._package = PackageSatellites(elements)

    def __len__(self) -> int:
        return len(self._elements)

    @property
    def elements(self) -> ElementSets:
        """The table of element sets."""
        return self._elements

    def positions_km(
        self, times: Instants, *, earth_orientation: OrientationSetting = "table", threads: int = 1, out: Floats | None = None
    ) -> Floats:
        """Positions in ITRF.

        Parameters
        ----------
        times
            ``datetime64[us]``, UTC, shape (nt,).
        earth_orientation
            UT1 and polar motion: see `overflight.orbit.frames.earth_orientation_at`.
        threads
            How many threads share the work. The result does not depend on it.
        out
            Where to write, float64 of shape (nt, 3, n), C-contiguous.

        Returns
        -------
        ndarray
            Shape (nt, 3, n), kilometres; NaN where SGP4 has no valid state (decayed, elements out of range).

        Raises
        ------
        InputError
            If the times, the orientation, ``threads`` or ``out`` cannot be used.
        """
        instants = as_instants(times)
        teme_km = self.positions_teme_km(instants, threads=threads, out=out)
        teme_km[:] = teme_to_itrf_km(teme_km, instants, earth_orientation=earth_orientation)
        return teme_km

    def positions_teme_km(self, times: Instants, *, threads: int = 1, out: Floats | None = None) -> Floats:
        """Positions in TEME; parameters, shape and errors as `positions_km`."""
        instants = as_instants(times)
        if threads < 1:
            msg = f"threads: {threads} is not at least 1"
            raise InputError(msg)
        filled = _make_output(out, (instants.size, 3, len(self)))
        for row in range(len(self)):
            filled[:, :, row] = self._package.states(row, instants.astype(np.int64) - self._epoch_us[row])[0]
        return filled

    def states_teme(self, times: Instants) -> tuple[Floats, Floats, npt.NDArray[np.uint8]]:
        """States in TEME by the ``sgp4`` package: the reference for everything faster.

        Parameters
        ----------
        times
            ``datetime64[us]``, UTC, shape (nt,).

        Returns
        -------
        position_km, velocity_km_s
            Shape (nt, 3, n); NaN where there is an error.
        error
            Shape (nt, n): 0, or SGP4's error code (1 eccentricity out of range, 2 mean motion, 3 perturbed eccentricity,
            4 semi-latus rectum, 6 decayed), or 7 for elements that describe no orbit.
        """
        instants = as_instants(times)
        shape = (instants.size, 3, len(self))
        position_km, velocity_km_s, error = np.empty(shape), np.empty(shape), np.empty((instants.size, len(self)), dtype=np.uint8)
        for row in range(len(self)):
            states = self._package.states(row, instants.astype(np.int64) - self._epoch_us[row])
            position_km[:, :, row], velocity_km_s[:, :, row], error[:, row] = states
        return position_km, velocity_km_s, error


def _make_output(out: Floats | None, shape: tuple[int, int, int]) -> Floats:
    if out is None:
        return np.empty(shape)
    if out.shape != shape or out.dtype != np.float64 or not out.flags.c_contiguous or not out.flags.writeable:
        msg = f"out must be a writeable C-contiguous float64 array of shape {shape}, not {out.dtype} of shape {out.shape}"
        raise InputError(msg)
    return out
