"""What a fleet looks like: ages of its element sets, which satellites are in service, in which shells and planes they fly."""

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.errors import ElementSetError
from overflight.notices import Notice
from overflight.orbit._groups import find_peaks, find_shells, split_circle
from overflight.orbit.elements import EQUATORIAL_RADIUS_KM, ElementSets, mean_altitude_km, semi_major_axis_km, with_places

FloatArray = npt.NDArray[np.float64]
METHODS = ("populated-shells", "all", "listed")

WARN_AGE_DAYS = 1.0
"""Element sets older than this get a warning: the median Starlink satellite is then 9 km off."""

LOST_AGE_DAYS = 10.0
"""Beyond this age a satellite may be anywhere along its orbit."""

MAX_NORAD_ID = 999_999_999
"""Largest catalogue number that an element set can carry."""

MAX_BAD_SHOWN = 5
"""At most so many bad lines of a list are named."""

EARTH_J2 = 1.08262668e-3
"""Second zonal harmonic (EGM-96)."""

_TOO_LOW = "decayed or too low"
_ECCENTRIC = "eccentric orbit"
_RISING = "rising"
_FALLING = "falling"
_PARKED = "parked off the populated shells"
_NOT_LISTED = "not listed as in service"
_REASONS = (_TOO_LOW, _ECCENTRIC, _FALLING, _RISING, _PARKED, _NOT_LISTED)


@dataclass(frozen=True, slots=True)
class PopulatedShell:
    """One altitude of one inclination that many satellites hold."""

    inclination_deg: float
    altitude_km: float
    satellites: int


@dataclass(frozen=True, eq=False)
class FleetFilter:
    """Which satellites of a fleet are in service.

    Attributes
    ----------
    mask
        True for satellites in service, shape (n,).
    left_out
        Reasons with counts; the counts and the satellites in service add up to n.
    reason
        For each satellite the index of its reason in ``left_out``, −1 if it is in service, shape (n,).
    shells
        Populated shells, by inclination and altitude, with the satellites in service in each.
    """

    mask: npt.NDArray[np.bool_]
    left_out: tuple[tuple[str, int], ...]
    reason: npt.NDArray[np.int8]
    shells: tuple[PopulatedShell, ...]


def element_ages_days(elements: ElementSets, at: np.datetime64) -> FloatArray:
    """Age of each element set at an instant, in days; negative where its epoch is later. Shape (n,)."""
    ages: FloatArray = (at.astype("datetime64[us]") - elements.epoch) / np.timedelta64(1, "D")
    return ages


def expected_error_km(age_days: float) -> float:
    """Median error of a Starlink position after so many days: 9 km × days^1.62.

    The power law goes through the medians measured in August 2026, 1.5 km at 8 h, 9 km at 1 day and 53 km at 3 days, within 2 %. The
    error lies along the orbit; other fleets do better (OneWeb: 0.4 km at 1 day).
    """
    return float(9.0 * abs(age_days) ** 1.62)


def age_warnings(elements: ElementSets, at: np.datetime64) -> list[str]:
    """Warnings on element sets that are old, or of the future, at an instant; none if all are within `WARN_AGE_DAYS`."""
    if len(elements) == 0:
        return []
    ages = element_ages_days(elements, at)
    median = float(np.median(ages))
    typical = float(np.median(np.abs(ages)))
    if abs(median) > LOST_AGE_DAYS:
        side = Notice.of("age.old", "old") if median > 0.0 else Notice.of("age.ahead", "ahead of time")
        text = (
            "element sets are {days:.0f} days {side} at {when} (median): satellites may be anywhere along their orbits, and "
            "manoeuvres since are unknown; counts and statistics may still hold, single passes and ways do not; get current elements"
        )
        return [Notice.of("warning.lost", text, days=abs(median), side=side, when=at)]
    warnings: list[str] = []
    for count, extreme, side in (
        (int(np.count_nonzero(ages > WARN_AGE_DAYS)), float(ages.max()), Notice.of("age.older_than", "older than")),
        (int(np.count_nonzero(ages < -WARN_AGE_DAYS)), float(-ages.min()), Notice.of("age.ahead_by", "ahead of time by more than")),
    ):
        if count:
            text = (
                "{count:,} of {total:,} element sets are {side} {limit:g} day at {when} (most {most:.1f} days, median of all "
                "{median:.1f}): expect errors along the orbit of about {error_1_km:.0f} km at 1 day and {error_3_km:.0f} km at 3 days"
            )
            values = {"count": count, "total": len(elements), "most": extreme, "median": typical, "limit": WARN_AGE_DAYS}
            errors = {"error_1_km": expected_error_km(1.0), "error_3_km": expected_error_km(3.0)}
            warnings.append(Notice.of("warning.old", text, side=side, when=at, **values, **errors))
    return warnings


def altitude_rate_km_day(elements: ElementSets) -> FloatArray:
    """Rate of the mean altitude that the published drift of the mean motion amounts to: negative when falling. Shape (n,)."""
    n = elements.mean_motion_rev_day
    rate: FloatArray = -2.0 / 3.0 * semi_major_axis_km(n) * 2.0 * elements.mean_motion_dot / n
    return rate


def find_in_service(
    elements: ElementSets,
    *,
    method: str = "populated-shells",
    inclination_tolerance_deg: float = 0.25,
    altitude_tolerance_km: float = 2.5,
    minimum_satellites: int = 50,
    minimum_share: float = 0.1,
    maximum_eccentricity: float = 0.01,
    maximum_rate_km_day: float = 3.0,
    minimum_altitude_km: float = 250.0,
    listed_norad_ids: Iterable[int] | None = None,
) -> FleetFilter:
    """Tell satellites in service from those that rise, fall or are parked. An assumption: every threshold is a setting.

    Satellites in service hold their altitude within a few hundred metres of one another, so each shell shows as a sharp peak in the
    altitudes of one inclination. A peak counts as a populated shell if it has ``minimum_satellites`` (more than two launches of 25), or
    ``minimum_share`` of the largest peak where that is less (small fleets). A satellite within ``altitude_tolerance_km`` of a populated
    shell of its inclination is in service, unless it climbs or sinks through it.

    Parameters
    ----------
    elements
        The fleet, n satellites.
    method
        ``populated-shells``; ``all`` takes every satellite; ``listed`` takes those of ``listed_norad_ids``.
    inclination_tolerance_deg
        A gap in the sorted inclinations wider than this separates two groups.
    altitude_tolerance_km
        Half the height of a shell.
    minimum_satellites, minimum_share
        Least size of a populated shell: the smaller of the two holds.
    maximum_eccentricity, minimum_altitude_km
        Orbits beyond these do not serve.
    maximum_rate_km_day
        Satellites whose mean altitude changes faster (from the published drift of mean motion) are rising or falling.
    listed_norad_ids
        Catalogue numbers in service, for ``listed``.

    Raises
    ------
    ElementSetError
        If ``method`` is unknown, or ``listed`` without a list.
    """
    altitude = mean_altitude_km(elements)
    reason = np.full(len(elements), -1, dtype=np.int8)
    minimum = minimum_satellites
    if method == "listed":
        if listed_norad_ids is None:
            msg = "in_service 'listed' needs listed_norad_ids"
            raise ElementSetError(msg)
        reason[~np.isin(elements.norad_id, np.fromiter(listed_norad_ids, dtype=np.int64))] = _REASONS.index(_NOT_LISTED)
    elif method == "populated-shells":
        rate = altitude_rate_km_day(elements)
        low, eccentric = altitude < minimum_altitude_km, elements.eccentricity > maximum_eccentricity
        steady = np.abs(rate) <= maximum_rate_km_day
        candidates = np.flatnonzero(steady & ~low & ~eccentric)
        peaks = list(
            find_peaks(
                elements.inclination_deg, altitude, candidates, gap_deg=inclination_tolerance_deg, tolerance_km=altitude_tolerance_km
            )
        )
        minimum = min(minimum, math.ceil(minimum_share * max((len(peak) for peak in peaks), default=0)))
        held = np.zeros(len(elements), dtype=bool)
        for peak in peaks:
            held[peak] = len(peak) >= minimum
        for rows, text in (
            (~held, _PARKED),
            (~held & (rate > maximum_rate_km_day), _RISING),
            (~held & (rate < -maximum_rate_km_day), _FALLING),
            (eccentric, _ECCENTRIC),
            (low, _TOO_LOW),
        ):
            reason[rows] = _REASONS.index(text)
    elif method != "all":
        msg = f"in_service '{method}' is none of {', '.join(METHODS)}"
        raise ElementSetError(msg)
    used = np.flatnonzero(reason < 0)
    peaks = list(
        find_peaks(elements.inclination_deg, altitude, used, gap_deg=inclination_tolerance_deg, tolerance_km=altitude_tolerance_km)
    )
    shells = [
        PopulatedShell(float(np.median(elements.inclination_deg[peak])), float(np.median(altitude[peak])), len(peak))
        for peak in peaks
        if len(peak) >= minimum or method != "populated-shells"
    ]
    shells.sort(key=lambda shell: (round(shell.inclination_deg, 1), shell.altitude_km))
    codes, counts = np.unique(reason[reason >= 0], return_counts=True)
    reason[reason >= 0] = np.searchsorted(codes, reason[reason >= 0])
    return FleetFilter(
        mask=reason < 0,
        left_out=tuple((_REASONS[code], count) for code, count in zip(codes.tolist(), counts.tolist(), strict=True)),
        reason=reason,
        shells=tuple(shells),
    )


def parse_catalogue_numbers(data: bytes, *, source: str) -> frozenset[int]:
    """Read catalogue numbers (NORAD), separated by line ends, commas or spaces; ``#`` begins a comment.

    Raises
    ------
    ElementSetError
        If anything is no catalogue number (1 to 999,999,999), or there is none; the message names all the bad lines, up to five.
    """
    numbers: set[int] = set()
    bad: list[str] = []
    for line, text in enumerate(data.decode("utf-8-sig", errors="replace").splitlines(), start=1):
        words = text.partition("#")[0].replace(",", " ").split()
        wrong = [word for word in words if not (word.isascii() and word.isdecimal() and 0 < int(word) <= MAX_NORAD_ID)]
        bad += [f"line {line}: {wrong[0]!a}"] if wrong else []
        numbers |= {int(word) for word in words} if not wrong else set()
    if bad or not numbers:
        more = f" and {len(bad) - MAX_BAD_SHOWN:,} lines more" if len(bad) > MAX_BAD_SHOWN else ""
        found = f"{', '.join(bad[:MAX_BAD_SHOWN])}{more}: no catalogue number" if bad else "no catalogue number in it"
        msg = f"{source}: {found}; give numbers from 1 to {MAX_NORAD_ID}, separated by line ends or commas"
        raise ElementSetError(msg)
    return frozenset(numbers)


def propagate_angles(elements: ElementSets, at: np.datetime64) -> tuple[FloatArray, FloatArray]:
    """Right ascension of the ascending node and mean argument of latitude at an instant, in degrees 0..360; each of shape (n,).

    J2's secular rates and the published drift of mean motion; enough to tell planes and the order of satellites in them.

    References
    ----------
    D.A. Vallado, Fundamentals of Astrodynamics and Applications, 4th ed., section 9.6.
    """
    days = element_ages_days(elements, at)
    n = elements.mean_motion_rev_day * 360.0
    semi_latus_km = semi_major_axis_km(elements.mean_motion_rev_day) * (1.0 - elements.eccentricity**2)
    factor = 1.5 * EARTH_J2 * (EQUATORIAL_RADIUS_KM / semi_latus_km) ** 2 * n
    inclination = np.radians(elements.inclination_deg)
    raan_deg = elements.raan_deg - factor * np.cos(inclination) * days
    perigee_deg = elements.argument_of_perigee_deg + factor * (2.0 - 2.5 * np.sin(inclination) ** 2) * days
    # Kozai's mean motion already holds the secular part of the mean anomaly
    anomaly_deg = elements.mean_anomaly_deg + (n + 360.0 * elements.mean_motion_dot * days) * days
    return raan_deg % 360.0, (perigee_deg + anomaly_deg) % 360.0


def assign_planes(
    elements: ElementSets,
    at: np.datetime64,
    *,
    inclination_tolerance_deg: float = 0.25,
    altitude_tolerance_km: float = 2.5,
    raan_gap_deg: float = 0.5,
    minimum_planes: int = 3,
    merge_altitude_km: float = 6.0,
) -> ElementSets:
    """Find shells, planes and slots of a real fleet; return the table with ``shell``, ``plane`` and ``slot`` filled.

    Shells are altitude peaks of an inclination (as in `find_in_service`). A peak of fewer than ``minimum_planes`` planes joins the shell
    next to it within ``merge_altitude_km``: OneWeb flies each plane of its one shell at an altitude of its own. Within a shell, planes
    are separated by gaps in the ascending node, propagated to one instant; slots count satellites of a plane by argument of latitude.

    Parameters
    ----------
    elements
        The fleet, best after `find_in_service`.
    at
        Instant of the planes and the order in them.
    raan_gap_deg
        A wider gap between ascending nodes separates two planes.

    Returns
    -------
    ElementSets
        Shells by inclination and altitude, planes by ascending node from 0°, slots by argument of latitude from 0°, all from 0.
    """
    raan, latitude = propagate_angles(elements, at)
    shells = find_shells(
        elements.inclination_deg,
        mean_altitude_km(elements),
        raan,
        gap_deg=inclination_tolerance_deg,
        tolerance_km=altitude_tolerance_km,
        raan_gap_deg=raan_gap_deg,
        minimum_planes=minimum_planes,
        merge_km=merge_altitude_km,
    )
    shell, plane, slot = (np.full(len(elements), -1, dtype=np.int16) for _ in range(3))
    for index, rows in enumerate(shells):
        shell[rows] = index
        for number, members in enumerate(split_circle(raan, rows, raan_gap_deg)):
            plane[members] = number
            slot[members[np.argsort(latitude[members], kind="stable")]] = np.arange(len(members))
    return with_places(elements, shell=shell, plane=plane, slot=slot)


def select_named(elements: ElementSets, wanted: str) -> ElementSets:
    """Satellites by catalogue number, by name, or by part of a name (any case).

    Raises
    ------
    ElementSetError
        If no satellite fits; the nearest names are offered.
    """
    text = wanted.strip().casefold()
    folded = [name.casefold() for name in elements.name]
    by_id = elements.norad_id == int(text) if text.isdecimal() and len(text) < 10 else np.zeros(len(elements), dtype=np.bool_)
    exact = np.array([name == text for name in folded], dtype=np.bool_) | by_id
    chosen = exact if exact.any() else np.array([bool(text) and text in name for name in folded], dtype=np.bool_)
    if not chosen.any():
        near = difflib.get_close_matches(wanted.strip().upper(), elements.name, n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        msg = f"satellite '{wanted}' is not among the {len(elements)} given{hint}; give a name, part of one, or a catalogue number"
        raise ElementSetError(msg, satellite=wanted)
    return elements.select(chosen)
