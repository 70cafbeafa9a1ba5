"""Satellites that are lost: named ones, whole shells, or a share of the rest at random."""

import difflib
import re

import numpy as np
import numpy.typing as npt

from overflight.errors import ScenarioError
from overflight.orbit.elements import ElementSets, mean_altitude_km

Mask = npt.NDArray[np.bool_]

SHELL_INCLINATION_TOLERANCE_DEG = 1.0
SHELL_ALTITUDE_TOLERANCE_KM = 10.0

_SHELL = re.compile(r"\s*([0-9.]+)\s*°?\s*@\s*([0-9.]+)\s*(?:km)?\s*")
_GOLDEN, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def find_lost(elements: ElementSets, *, listed: tuple[str, ...] = (), share: float = 0.0, seed: int = 0) -> Mask:
    """Tell which satellites are lost.

    Parameters
    ----------
    elements
        The satellites, n rows.
    listed
        Catalogue numbers, names, or shells as ``"53@550"``: inclination in degrees, mean altitude in km.
    share
        Share of those not listed that is lost besides.
    seed
        Another seed loses others. Who is lost depends on catalogue numbers only, not on the order of rows; whoever is lost at a small
        share is lost at every larger one.

    Returns
    -------
    Mask
        True where lost, shape (n,).

    Raises
    ------
    ScenarioError
        If something listed is not there; the nearest names or the shells are offered.
    """
    lost = np.zeros(len(elements), dtype=np.bool_)
    for entry in listed:
        lost |= _match(elements, entry)
    rest = np.flatnonzero(~lost)
    count = round(share * len(rest))
    lots = _draw_lots(elements.norad_id[rest], seed)
    lost[rest[np.lexsort((elements.norad_id[rest], lots))[:count]]] = True
    return lost


def _match(elements: ElementSets, entry: str) -> Mask:
    shell = _SHELL.fullmatch(entry)
    if shell:
        altitude_km = mean_altitude_km(elements)
        found = np.abs(elements.inclination_deg - float(shell[1])) <= SHELL_INCLINATION_TOLERANCE_DEG
        found &= np.abs(altitude_km - float(shell[2])) <= SHELL_ALTITUDE_TOLERANCE_KM
        there = sorted({(int(i), 10 * int(h / 10.0)) for i, h in zip(elements.inclination_deg.round(), altitude_km, strict=True)})
        hint = "there are satellites about " + ", ".join(f"{i}@{h}" for i, h in there[:12])
    else:
        wanted = entry.strip().upper()
        if wanted.isdigit():
            found = elements.norad_id == int(wanted)
            hint = "give catalogue numbers of the fleet, such as " + str(int(elements.norad_id[0]))
        else:
            names = [name.upper() for name in elements.name]
            found = np.array([name == wanted for name in names], dtype=np.bool_)
            near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
            hint = f"nearest: {', '.join(near)}" if near else f"names are such as {elements.name[0]}"
    if not found.any():
        msg = f"lost: no satellite '{entry}' in the fleet; {hint}"
        raise ScenarioError(msg)
    return found


def _draw_lots(norad_id: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint64]:
    """A number per satellite from its catalogue number and the seed alone (SplitMix64)."""
    with np.errstate(over="ignore"):
        bits = norad_id.astype(np.uint64) * _GOLDEN + np.uint64(seed) * _MIX_1 + _GOLDEN
        bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
        bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
        return bits ^ (bits >> np.uint64(31))
