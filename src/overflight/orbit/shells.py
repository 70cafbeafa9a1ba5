"""Walker shells turned into element sets."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from overflight.catalog.constellations import Shell as WalkerShell
from overflight.errors import ScenarioError
from overflight.orbit.elements import ElementSets, mean_motion_at_altitude_rev_day

__all__ = ["FIRST_SYNTHETIC_ID", "WalkerShell", "shell_elements"]

FIRST_SYNTHETIC_ID = 900_000_000
"""Catalogue number of the first satellite of the first shell; no tracked object has one so high."""

_SPREAD_DEG = {"delta": 360.0, "star": 180.0}


def shell_elements(shells: Sequence[WalkerShell], epoch: np.datetime64) -> ElementSets:
    """Make the element sets of shells, all at one epoch, plane by plane and slot by slot.

    Plane ``p`` of ``P`` has its ascending node at ``first_raan_deg + p * spread / P``, the spread being ``raan_spread_deg`` or 360°
    (delta) or 180° (star). Slot ``s`` of ``S`` has mean anomaly ``360 (s + o) / S + p * phasing_f * 360 / (P S)``, where ``o`` is
    ``odd_plane_offset_slots`` on odd planes and 0 on even ones. A shell with fewer satellites than slots leaves the empty slots spread
    evenly. The mean motion is the one given, or the one for which `mean_altitude_km` is ``altitude_km``; drag is zero.

    Parameters
    ----------
    shells
        At least one shell.
    epoch
        UTC instant of the elements.

    Returns
    -------
    ElementSets
        With ``shell`` (index in ``shells``), ``plane`` and ``slot`` set, and synthetic catalogue numbers.

    Raises
    ------
    ScenarioError
        If a shell is impossible.

    References
    ----------
    J.G. Walker, Satellite constellations, J. Brit. Interplanet. Soc. 37 (1984) 559-571. S. Kassing et al., Exploring the "Internet from
    space" with Hypatia, IMC 2020 (odd-plane offset of half a slot, no phasing).
    """
    if not shells:
        msg = "a constellation of shells needs at least one shell"
        raise ScenarioError(msg)
    tables, first_id = [], FIRST_SYNTHETIC_ID
    for index, shell in enumerate(shells):
        _check_shell(shell)
        tables.append(_one_shell(shell, index, first_id, epoch))
        first_id += shell.satellites
    return ElementSets.concatenate(tables)


def _one_shell(shell: WalkerShell, index: int, first_id: int, epoch: np.datetime64) -> ElementSets:
    plane, slot = _occupied_slots(shell)
    per_plane = shell.satellites_per_plane
    spread_deg = _SPREAD_DEG[shell.pattern] if shell.raan_spread_deg is None else shell.raan_spread_deg
    raan_deg = shell.first_raan_deg + plane * spread_deg / shell.planes
    phase_deg = plane * shell.phasing_f * 360.0 / (shell.planes * per_plane)
    offset_deg = (plane % 2) * shell.odd_plane_offset_slots * 360.0 / per_plane
    count = len(plane)
    mean_motion = shell.mean_motion_rev_day or mean_motion_at_altitude_rev_day(shell.altitude_km)
    return ElementSets.from_columns(
        norad_id=first_id + np.arange(count),
        name=tuple(f"{shell.name} p{p:02d}s{s:02d}" for p, s in zip(plane.tolist(), slot.tolist(), strict=True)),
        epoch=np.full(count, epoch),
        mean_motion_rev_day=np.full(count, mean_motion),
        eccentricity=np.full(count, shell.eccentricity),
        inclination_deg=np.full(count, shell.inclination_deg),
        raan_deg=raan_deg % 360.0,
        argument_of_perigee_deg=np.full(count, shell.argument_of_perigee_deg),
        mean_anomaly_deg=(slot * 360.0 / per_plane + offset_deg + phase_deg) % 360.0,
        shell=np.full(count, index),
        plane=plane,
        slot=slot,
    )


def _occupied_slots(shell: WalkerShell) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Plane and slot of each satellite, the empty slots spread evenly over the shell counted plane by plane."""
    places = shell.planes * shell.satellites_per_plane
    empty = places - shell.satellites
    occupied = np.ones(places, dtype=bool)
    if empty:
        occupied[(2 * np.arange(empty) + 1) * places // (2 * empty)] = False
    plane, slot = np.divmod(np.flatnonzero(occupied), shell.satellites_per_plane)
    return plane, slot


def _check_shell(shell: WalkerShell) -> None:
    """Refuse what is no shell, all problems at once."""
    places = shell.planes * shell.satellites_per_plane
    wrong = []
    if shell.planes < 1 or shell.satellites_per_plane < 1:
        wrong.append(f"{shell.planes} planes of {shell.satellites_per_plane} (at least 1 of 1)")
    elif not 1 <= shell.satellites <= places:
        wrong.append(f"{shell.satellites} satellites in {places} slots")
    if shell.mean_motion_rev_day is None and not 100.0 <= shell.altitude_km <= 1e6:
        wrong.append(f"altitude_km {shell.altitude_km:g} (100 to 1e6)")
    if shell.mean_motion_rev_day is not None and not 0.0 < shell.mean_motion_rev_day <= 17.0:
        wrong.append(f"mean_motion_rev_day {shell.mean_motion_rev_day:g} (0 to 17)")
    if not 0.0 <= shell.inclination_deg <= 180.0:
        wrong.append(f"inclination_deg {shell.inclination_deg:g} (0 to 180)")
    if not 0.0 <= shell.eccentricity < 1.0:
        wrong.append(f"eccentricity {shell.eccentricity:g} (0 to 1)")
    if shell.pattern not in _SPREAD_DEG:
        wrong.append(f"pattern '{shell.pattern}' (delta or star)")
    if wrong:
        msg = f"shell '{shell.name}': {'; '.join(wrong)}"
        raise ScenarioError(msg)
