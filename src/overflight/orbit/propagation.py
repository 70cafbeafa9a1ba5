"""Positions and velocities of a whole fleet by SGP4.

Near-Earth satellites are computed by a compiled kernel, all others, and every state near one of SGP4's error conditions, by the
``sgp4`` package; which way a state went shows in nothing but the time it took.

References
----------
Hoots and Roehrich, *Spacetrack Report No. 3* (1980).
Vallado, Crawford, Hujsak, Kelso, "Revisiting Spacetrack Report #3", AIAA 2006-6753.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.clock import Instants
from overflight.errors import InputError
from overflight.orbit._constants import EARTH_RADIUS_KM, near_earth_constants
from overflight.orbit._package import PackageSatellites
from overflight.orbit.elements import ElementSets
from overflight.orbit.frames import OrientationSetting, as_instants, earth_orientation_at, gmst82_rad, polar_motion_matrix

Floats = npt.NDArray[np.float64]

_INSTANTS_PER_TASK = 16
"""Work is shared out by so many instants: the pages they are written to stay known to the processor while a block is computed."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """Rotation from TEME at each instant: first by an angle about the pole, then by a matrix."""

    sidereal_rad: Floats
    """Shape (nt,)."""
    matrix: Floats
    """Shape (nt, 3, 3)."""

    def apply(self, instants: npt.NDArray[np.intp], position_teme_km: Floats) -> Floats:
        """Turn one position, shape (m, 3), at each of m instants."""
        sin, cos = np.sin(self.sidereal_rad[instants]), np.cos(self.sidereal_rad[instants])
        x, y, z = position_teme_km.T
        turned = np.stack((cos * x + sin * y, cos * y - sin * x, z), axis=1)
        rotated: Floats = (self.matrix[instants] @ turned[:, :, None])[:, :, 0]
        return rotated


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
        constants, self._fast = near_earth_constants(elements)
        self._constants, self._epochs = _lay_out(constants, self._epoch_us)

    def __len__(self) -> int:
        return len(self._elements)

    def __repr__(self) -> str:
        fast = int(self._fast.sum())
        return f"Propagator: SGP4, {len(self)} satellites, {fast} by the near-Earth kernel, {len(self) - fast} by the sgp4 package"

    @property
    def elements(self) -> ElementSets:
        """The table of element sets."""
        return self._elements

    @property
    def fast(self) -> npt.NDArray[np.bool_]:
        """Which satellites the near-Earth kernel serves, shape (n,); a copy."""
        return self._fast.copy()

    def positions_km(
        self, times: Instants, *, earth_orientation: OrientationSetting = "table", threads: int = 1, out: Floats | None = None
    ) -> Floats:
        """Positions in ITRF.

        A state's bits depend on its elements, its instant and the orientation alone: not on the number of threads, nor on the other
        satellites and instants of the call.

        Parameters
        ----------
        times
            ``datetime64[us]``, UTC, shape (nt,).
        earth_orientation
            UT1 and polar motion: see `overflight.orbit.frames.earth_orientation_at`.
        threads
            How many threads share the work.
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
        orientation = earth_orientation_at(instants, earth_orientation)
        turn = _Turn(gmst82_rad(instants, orientation.ut1_utc_s), polar_motion_matrix(orientation.x_p_arcsec, orientation.y_p_arcsec))
        return self._fill(instants, turn, threads, out)

    def positions_teme_km(self, times: Instants, *, threads: int = 1, out: Floats | None = None) -> Floats:
        """Positions in TEME; parameters, shape and errors as `positions_km`."""
        instants = as_instants(times)
        turn = _Turn(np.zeros(instants.size), np.broadcast_to(np.eye(3), (instants.size, 3, 3)))
        return self._fill(instants, turn, threads, out)

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
        time_us = as_instants(times).astype(np.int64)
        shape = (time_us.size, 3, len(self))
        position_km, velocity_km_s, error = np.empty(shape), np.empty(shape), np.empty((time_us.size, len(self)), dtype=np.uint8)
        for row in range(len(self)):
            states = self._package.states(row, time_us - self._epoch_us[row])
            position_km[:, :, row], velocity_km_s[:, :, row], error[:, row] = states
        return position_km, velocity_km_s, error

    def _fill(self, instants: Instants, turn: _Turn, threads: int, out: Floats | None) -> Floats:
        """Positions at all instants: the kernel for everyone, then the package for those it does not serve."""
        if threads < 1:
            msg = f"threads: {threads} is not at least 1"
            raise InputError(msg)
        filled = _make_output(out, (instants.size, 3, len(self)))
        time_us = instants.astype(np.int64)
        every = np.arange(instants.size)
        for satellite, at in self._fill_by_kernel(filled, turn, time_us, threads):
            self._fill_by_package(filled, turn, satellite, at, time_us)
        for satellite in np.flatnonzero(~self._fast).tolist():
            self._fill_by_package(filled, turn, satellite, every, time_us)
        return filled

    def _fill_by_kernel(
        self, filled: Floats, turn: _Turn, time_us: npt.NDArray[np.int64], threads: int
    ) -> list[tuple[int, npt.NDArray[np.intp]]]:
        """Let the kernel write what it can; return each satellite that it left NaN somewhere, with the instants of that."""
        from overflight.orbit._kernels import BLOCK, fill_positions

        if not self._fast.any():
            return []
        rotation_km = np.ascontiguousarray(turn.matrix).ravel() * EARTH_RADIUS_KM
        tasks = range(0, time_us.size, _INSTANTS_PER_TASK)
        lost = np.zeros((len(tasks), self._epochs.size // BLOCK), dtype=np.int64)
        arguments = (self._constants, self._epochs, time_us.astype(np.float64), turn.sidereal_rad, rotation_km)

        def fill_some(task: int) -> None:
            first = tasks[task]
            fill_positions(*arguments, first, min(first + _INSTANTS_PER_TASK, time_us.size), filled, lost[task])

        if threads == 1 or len(tasks) < 2:
            for task in range(len(tasks)):
                fill_some(task)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(fill_some, range(len(tasks))))
        doubtful = []
        for block in np.flatnonzero(lost.any(axis=0)).tolist():
            is_nan = np.isnan(filled[:, 0, block * BLOCK : (block + 1) * BLOCK])
            doubtful += [(block * BLOCK + lane, np.flatnonzero(is_nan[:, lane])) for lane in np.flatnonzero(is_nan.any(axis=0)).tolist()]
        return doubtful

    def _fill_by_package(self, filled: Floats, turn: _Turn, row: int, at: npt.NDArray[np.intp], time_us: npt.NDArray[np.int64]) -> None:
        filled[at, :, row] = turn.apply(at, self._package.states(row, time_us[at] - self._epoch_us[row])[0])


def _lay_out(constants: Floats, epoch_us: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Constants and epochs in the order of the kernel: whole blocks, the last one padded, on boundaries of the cache's lines."""
    from overflight.orbit._kernels import BLOCK

    rows, count = constants.shape
    blocks = -(-count // BLOCK)
    source = np.minimum(np.arange(blocks * BLOCK), max(count - 1, 0))
    laid = _aligned(blocks * rows * BLOCK)
    epochs = _aligned(blocks * BLOCK)
    if count:
        laid.reshape(blocks, rows, BLOCK)[:] = constants[:, source].reshape(rows, blocks, BLOCK).transpose(1, 0, 2)
        epochs[:] = epoch_us[source]
    return laid, epochs


def _aligned(size: int) -> Floats:
    """Make an array of floats that begins on a boundary of 64 bytes."""
    raw = np.empty(size + 8)
    offset = (-raw.ctypes.data % 64) // 8
    return raw[offset : offset + size]


def _make_output(out: Floats | None, shape: tuple[int, int, int]) -> Floats:
    if out is None:
        return np.empty(shape)
    if out.shape != shape or out.dtype != np.float64 or not out.flags.c_contiguous or not out.flags.writeable:
        msg = f"out must be a writeable C-contiguous float64 array of shape {shape}, not {out.dtype} of shape {out.shape}"
        raise InputError(msg)
    return out
