"""Rebuild ``constellations.csv`` and ``shells.csv``: filed and published shells, and Starlink as measured from element sets.

Usage: ``python -m tools.build_constellations`` beside the folder of real inputs (``../shared``).

Starlink as flown is measured from the element sets of 2026-08-22: satellites are counted by inclination and 5-km bins of mean altitude;
a bin of at least 100 satellites is a shell. Ascending nodes are carried to one epoch with the secular rate of J2; the number of planes is
the strongest harmonic of their distribution, or of sun-synchronous shells, whose nodes are not spread over 360°, the number of groups in
each arc. Walker's F is not measured: it is chosen so that satellites of a shell keep the widest distance from one another.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from tools._tables import SHARED, format_table, write_tables

Floats = npt.NDArray[np.float64]

EARTH_GM_KM3_S2 = 398600.8  # WGS-72, as SGP4 uses it
EARTH_RADIUS_KM = 6378.137
J2_RADIUS_KM = 6378.135
J2 = 0.001082616
BIN_KM = 5.0
MIN_SHELL = 100
INCLINATIONS_DEG = (43.0, 53.0, 70.0, 97.4)
INCLINATION_TOLERANCE_DEG = 1.0
MAX_PLANES = 100
CLEAR_STRUCTURE = 0.85  # mean resultant length above which a shell has one set of planes
ARC_GAP_DEG = 15.0
PLANE_GAP_DEG = 2.0

FLOWN_DATE = "2026-08-22"
FLOWN_DAY_OF_YEAR = 234.0
FLOWN_SOURCE = "measured from CelesTrak element sets of 2026-08-22; planes from the distribution of nodes; phasing assumed (widest spacing)"

GEN1 = "FCC SAT-MOD-20200417-00037 (granted 2021-04-27); phasing assumed (widest spacing)"
GEN2 = "FCC SAT-LOA-20200526-00055, first grant (FCC 22-91, 2022-12-01); phasing assumed (widest spacing)"
ONEWEB = "FCC SAT-LOI-20160428-00041 and later: 588 satellites in 12 planes; plane spacing 15.225° as reported; phasing half a slot assumed"
KUIPER = "FCC SAT-LOA-20190704-00057 (granted 2020-07-30); phasing assumed (widest spacing)"
TELESAT = "FCC SAT-MPL-20200526-00053; nodes over 360° as in Hypatia; phasing assumed (widest spacing)"
HYPATIA = "Hypatia (Kassing et al., IMC 2020), as written in its generators of state"

SHELL_COLUMNS = (
    "constellation", "name", "planes", "satellites_per_plane", "satellites", "altitude_km", "mean_motion_rev_day", "inclination_deg",
    "pattern", "phasing_f", "odd_plane_offset_slots", "eccentricity", "argument_of_perigee_deg", "first_raan_deg", "raan_spread_deg",
    "source", "date", "status",
)  # fmt: skip
CONSTELLATION_COLUMNS = (
    "name", "title", "operator", "epoch", "user_mask_deg", "gateway_mask_deg", "user_mask_status",
    "gateway_mask_status", "max_user_range_km", "has_isl", "topology", "conventions", "source", "date", "status",
)  # fmt: skip

# constellation, shell, planes, per plane, altitude, inclination, source, date
FILED = (
    ("starlink-gen1", "550 km 53.0°", 72, 22, 550.0, 53.0, GEN1, "2021-04-27"),
    ("starlink-gen1", "540 km 53.2°", 72, 22, 540.0, 53.2, GEN1, "2021-04-27"),
    ("starlink-gen1", "570 km 70°", 36, 20, 570.0, 70.0, GEN1, "2021-04-27"),
    ("starlink-gen1", "560 km 97.6° a", 6, 58, 560.0, 97.6, GEN1, "2021-04-27"),
    ("starlink-gen1", "560 km 97.6° b", 4, 43, 560.0, 97.6, GEN1, "2021-04-27"),
    ("starlink-gen2", "530 km 43°", 28, 120, 530.0, 43.0, GEN2, "2022-12-01"),
    ("starlink-gen2", "525 km 53°", 28, 120, 525.0, 53.0, GEN2, "2022-12-01"),
    ("starlink-gen2", "535 km 33°", 28, 120, 535.0, 33.0, GEN2, "2022-12-01"),
    ("kuiper", "630 km 51.9°", 34, 34, 630.0, 51.9, KUIPER, "2020-07-30"),
    ("kuiper", "610 km 42°", 36, 36, 610.0, 42.0, KUIPER, "2020-07-30"),
    ("kuiper", "590 km 33°", 28, 28, 590.0, 33.0, KUIPER, "2020-07-30"),
    ("telesat", "1015 km 98.98°", 27, 13, 1015.0, 98.98, TELESAT, "2020-05-26"),
    ("telesat", "1325 km 50.88°", 40, 33, 1325.0, 50.88, TELESAT, "2020-05-26"),
)
# preset, shell, planes, per plane, altitude of its name, mean motion, inclination
PUBLISHED = (
    ("hypatia-starlink-550", "starlink-550", 72, 22, 550.0, 15.19, 53.0),
    ("hypatia-kuiper-630", "kuiper-630", 34, 34, 630.0, 14.80, 51.9),
    ("hypatia-telesat-1015", "telesat-1015", 27, 13, 1015.0, 13.66, 98.98),
)
STARLINK_MASKS = "masks: FCC filings of Starlink (25° for users and gateways)"
ONEWEB_MASKS = "masks assumed: 45° closes the coverage of 12 planes at the equator; 15° at gateways"
KUIPER_MASKS = "mask 35°: FCC SAT-LOA-20190704-00057; gateways the same, assumed"
TELESAT_MASKS = "mask 10°: FCC SAT-MPL-20200526-00053 as read by Pachler et al., 2021"
# name, title, operator, epoch, user mask, gateway mask, status of each, greatest range, ISLs, topology, conventions, source, date, status
CONSTELLATIONS: tuple[tuple[object, ...], ...] = (
    ("starlink", "Starlink as flown on 2026-08-22", "starlink", "2026-08-22T00:00:00Z", 25, 25, "filing", "filing", None, 1, "nearest", "",
     f"{FLOWN_SOURCE}; {STARLINK_MASKS}", FLOWN_DATE, "measured"),
    ("starlink-gen1", "Starlink Gen1 as filed", "starlink", "2021-04-27T00:00:00Z", 25, 25, "filing", "filing", None, 1, "plus-grid", "",
     f"{GEN1}; {STARLINK_MASKS}", "2021-04-27", "filing"),
    ("starlink-gen2", "Starlink Gen2 as filed, first grant", "starlink", "2022-12-01T00:00:00Z",
     25, 25, "filing", "filing", None, 1, "plus-grid", "",
     f"{GEN2}; {STARLINK_MASKS}", "2022-12-01", "filing"),
    ("oneweb", "OneWeb, first generation", "oneweb", "2023-05-20T00:00:00Z", 45, 15, "assumed", "assumed", None, 0, "none", "",
     f"{ONEWEB}; {ONEWEB_MASKS}", "2023-05-20", "filing"),
    ("kuiper", "Amazon Kuiper as filed", "kuiper", "2020-07-30T00:00:00Z", 35, 35, "filing", "assumed", None, 1, "plus-grid", "",
     f"{KUIPER}; {KUIPER_MASKS}", "2020-07-30", "filing"),
    ("telesat", "Telesat Lightspeed as filed in 2020", "telesat", "2020-05-26T00:00:00Z",
     10, 10, "filing", "filing", None, 1, "plus-grid", "",
     f"{TELESAT}; {TELESAT_MASKS}", "2020-05-26", "filing"),
    ("hypatia-starlink-550", "Starlink 550 km with Hypatia's conventions", "starlink", "2000-01-01T00:00:00Z",
     25, 25, "reported", "reported", 1089.69, 1,
     "plus-grid", "hypatia", HYPATIA, "2020-10-27", "reported"),
    ("hypatia-kuiper-630", "Kuiper 630 km with Hypatia's conventions", "kuiper", "2000-01-01T00:00:00Z",
     30, 30, "reported", "reported", 1260.0, 1,
     "plus-grid", "hypatia", HYPATIA, "2020-10-27", "reported"),
    ("hypatia-telesat-1015", "Telesat 1015 km with Hypatia's conventions", "telesat", "2000-01-01T00:00:00Z",
     10, 10, "reported", "reported", 5845.0, 1,
     "plus-grid", "hypatia", HYPATIA, "2020-10-27", "reported"),
)  # fmt: skip


def build() -> dict[str, bytes]:
    """Both tables, by file name."""
    shells = [*measure_flown(), *filed_shells(), oneweb_shell(), *published_shells()]
    constellations = [dict(zip(CONSTELLATION_COLUMNS, row, strict=True)) for row in CONSTELLATIONS]
    return {
        "constellations.csv": format_table(CONSTELLATION_COLUMNS, constellations),
        "shells.csv": format_table(SHELL_COLUMNS, shells),
    }


def filed_shells() -> list[dict[str, object]]:
    """Shells of the filings; F for the widest spacing."""
    return [
        {
            "constellation": constellation, "name": name, "planes": planes, "satellites_per_plane": slots, "satellites": planes * slots,
            "altitude_km": altitude, "inclination_deg": inclination, "pattern": "delta",
            "phasing_f": widest_phasing(planes, slots, inclination, 360.0), "odd_plane_offset_slots": 0, "eccentricity": 0,
            "argument_of_perigee_deg": 0, "first_raan_deg": 0, "raan_spread_deg": 360, "source": source, "date": date, "status": "filing",
        }
        for constellation, name, planes, slots, altitude, inclination, source, date in FILED
    ]  # fmt: skip


def oneweb_shell() -> dict[str, object]:
    """OneWeb's star pattern: planes 15.225° apart, a narrower seam, satellites of adjacent planes shifted by half a slot."""
    return {
        "constellation": "oneweb", "name": "1200 km 87.9°", "planes": 12, "satellites_per_plane": 49, "satellites": 588,
        "altitude_km": 1200.0, "inclination_deg": 87.9, "pattern": "star", "phasing_f": 6, "odd_plane_offset_slots": 0,
        "eccentricity": 0, "argument_of_perigee_deg": 0, "first_raan_deg": 0, "raan_spread_deg": 182.7, "source": ONEWEB,
        "date": "2023-05-20", "status": "filing",
    }  # fmt: skip


def published_shells() -> list[dict[str, object]]:
    """Hypatia's three shells, with its elements."""
    return [
        {
            "constellation": constellation, "name": name, "planes": planes, "satellites_per_plane": slots, "satellites": planes * slots,
            "altitude_km": altitude, "mean_motion_rev_day": motion, "inclination_deg": inclination, "pattern": "delta", "phasing_f": 0,
            "odd_plane_offset_slots": 0.5, "eccentricity": 1e-7, "argument_of_perigee_deg": 0, "first_raan_deg": 0,
            "raan_spread_deg": 360, "source": HYPATIA, "date": "2020-10-27", "status": "reported",
        }
        for constellation, name, planes, slots, altitude, motion, inclination in PUBLISHED
    ]  # fmt: skip


def read_elements() -> dict[str, Floats]:
    """Columns of the two-line element sets that the measurement needs."""
    lines = (SHARED / "data" / "elements" / "starlink_2026-08-22.tle").read_text().splitlines()
    rows = [
        (float(one[20:32]), float(two[8:16]), float(two[17:25]), float(f"0.{two[26:33]}"), float(two[52:63]))
        for one, two in pairwise(lines)
        if one.startswith("1 ") and two.startswith("2 ")
    ]
    day, inclination, raan, eccentricity, motion = np.array(rows).T
    return {"day": day, "inclination_deg": inclination, "raan_deg": raan, "eccentricity": eccentricity, "mean_motion_rev_day": motion}


def measure_flown() -> list[dict[str, object]]:
    """Populated shells of the fleet as flown, most populated first."""
    elements = read_elements()
    rate = elements["mean_motion_rev_day"] * 2.0 * np.pi / 86400.0
    semi_major_km = np.cbrt(EARTH_GM_KM3_S2 / rate**2)
    altitude_km = semi_major_km - EARTH_RADIUS_KM
    cos_inclination = np.cos(np.radians(elements["inclination_deg"]))
    node_rate = -1.5 * J2 * (J2_RADIUS_KM / (semi_major_km * (1.0 - elements["eccentricity"] ** 2))) ** 2 * rate * cos_inclination
    raan = (elements["raan_deg"] + np.degrees(node_rate) * 86400.0 * (FLOWN_DAY_OF_YEAR - elements["day"])) % 360.0
    low_edge = np.floor(altitude_km / BIN_KM) * BIN_KM
    shells = []
    for nominal in INCLINATIONS_DEG:
        near = np.abs(elements["inclination_deg"] - nominal) < INCLINATION_TOLERANCE_DEG
        for low in np.unique(low_edge[near]):
            members = near & (low_edge == low)
            if members.sum() >= MIN_SHELL:
                shells.append((int(members.sum()), nominal, float(low), members))
    rows = []
    for _, nominal, low, members in sorted(shells, key=lambda shell: -shell[0]):
        common = {
            "constellation": "starlink", "altitude_km": round(float(np.median(altitude_km[members])), 2),
            "mean_motion_rev_day": round(float(np.median(elements["mean_motion_rev_day"][members])), 6),
            "inclination_deg": round(float(np.median(elements["inclination_deg"][members])), 3), "pattern": "delta",
            "odd_plane_offset_slots": 0, "eccentricity": 0, "argument_of_perigee_deg": 0, "source": FLOWN_SOURCE, "date": FLOWN_DATE,
            "status": "measured",
        }  # fmt: skip
        name = f"{low:.0f} km {nominal:.0f}°"
        rows.extend(arc_rows(name, raan[members], common) if nominal > 90.0 else [even_row(name, raan[members], common)])
    return rows


def even_row(name: str, raan_deg: Floats, common: dict[str, object]) -> dict[str, object]:
    """One shell with nodes spread evenly over 360°."""
    planes, first = find_planes(raan_deg)
    slots = -(-len(raan_deg) // planes)
    inclination = float(str(common["inclination_deg"]))
    return common | {
        "name": name, "planes": planes, "satellites_per_plane": slots, "satellites": len(raan_deg),
        "phasing_f": widest_phasing(planes, slots, inclination, 360.0), "first_raan_deg": round(first, 2), "raan_spread_deg": 360,
    }  # fmt: skip


def arc_rows(name: str, raan_deg: Floats, common: dict[str, object]) -> list[dict[str, object]]:
    """One row per arc of nodes; the sun-synchronous satellites stand in a few of them."""
    rows = []
    inclination = float(str(common["inclination_deg"]))
    for letter, arc in zip("abcdefghij", split_arcs(raan_deg, ARC_GAP_DEG), strict=False):
        planes = int((np.diff(arc) > PLANE_GAP_DEG).sum()) + 1
        slots = -(-len(arc) // planes)
        spread = round(float(arc[-1] - arc[0]) * planes / max(planes - 1, 1), 2) if planes > 1 else 360.0
        rows.append(
            common
            | {
                "name": f"{name} {letter}",
                "planes": planes,
                "satellites_per_plane": slots,
                "satellites": len(arc),
                "phasing_f": widest_phasing(planes, slots, inclination, spread),
                "first_raan_deg": round(float(arc[0] if planes > 1 else np.median(arc)) % 360.0, 2),
                "raan_spread_deg": spread,
            }
        )
    return rows


def find_planes(raan_deg: Floats) -> tuple[int, float]:
    """Number of planes and the node of the first one, from the strongest harmonic of the nodes' distribution.

    Where one set of planes stands out, its harmonics are as strong as itself: the lowest of them is taken.
    """
    counts = np.arange(4, MAX_PLANES + 1)
    moments = np.exp(1j * np.outer(counts, np.radians(raan_deg))).mean(axis=1)
    strength = np.abs(moments)
    best = int(strength.argmax())
    if strength[best] > CLEAR_STRUCTURE:
        best = int(np.flatnonzero(strength >= 0.9 * strength[best])[0])
    planes = int(counts[best])
    return planes, float(np.degrees(np.angle(moments[best])) / planes % (360.0 / planes))


def split_arcs(raan_deg: Floats, gap_deg: float) -> list[Floats]:
    """Sorted nodes, cut where the gap to the next is at least ``gap_deg``; an arc over 0° continues beyond 360°."""
    nodes = np.sort(raan_deg)
    gaps = np.diff(np.append(nodes, nodes[0] + 360.0))
    start = int(gaps.argmax()) + 1
    nodes = np.concatenate([nodes[start:], nodes[:start] + 360.0])
    return np.split(nodes, np.flatnonzero(np.diff(nodes) >= gap_deg) + 1)


def widest_phasing(planes: int, slots: int, inclination_deg: float, spread_deg: float) -> int:
    """Walker's F that keeps any two satellites of a shell farthest apart (the lowest of equals).

    Two satellites on circular orbits of one altitude and inclination, nodes ΔΩ and phases Δφ apart, come as near as
    2 |sin(ψ/2)| √((1 + cos² i + sin² i cos ΔΩ) / 2) radii, ψ = Δφ + 2 arctan(cos i tan(ΔΩ/2)) (Speckman, Lang and Boyce, 1990).
    """
    total = planes * slots
    if planes == 1:
        return 0
    inclination = np.radians(inclination_deg)
    best_distance, best = -1.0, 0
    apart = np.arange(1, planes)
    node = np.radians(apart * spread_deg / planes)
    shortening = np.sqrt(np.maximum((1.0 + np.cos(inclination) ** 2 + np.sin(inclination) ** 2 * np.cos(node)) / 2.0, 0.0))
    half_turn = np.arctan2(-np.cos(inclination) * np.sin(node / 2.0), np.cos(node / 2.0))
    for phasing in range(planes):
        slot_phase = 2.0 * np.pi * (np.arange(slots)[:, None] / slots + apart * phasing / total)
        distance = np.abs(np.sin((slot_phase - 2.0 * half_turn) / 2.0)) * shortening
        nearest = round(float(distance.min()), 9)
        if nearest > best_distance:
            best_distance, best = nearest, phasing
    return best


if __name__ == "__main__":
    write_tables(build())
