"""A second reckoning of comparisons, slow and on its own: point by point in plain loops, with the rules read by `tests.policy_reference`.

Points of a territory are made anew from H3 and shapely here. It takes nothing from `overflight.study.comparison` but what is asked of it.
"""

import math
from datetime import datetime, timedelta
from typing import NamedTuple

import h3.api.basic_str as h3
import numpy as np
import shapely
from tests import policy_reference as reference

from overflight.inputs import gather_inputs
from overflight.scenario import Scenario, parse_scenario
from overflight.service.contracts import Contracts, parse_contracts
from overflight.service.policy import Policy, parse_policy
from overflight.study.comparison.arms import Arm, work_arms
from overflight.study.comparison.compare import Case, Question, study_change
from overflight.study.comparison.findings import PolicyComparison
from overflight.study.comparison.standing import make_side

START = "2026-08-22T00:00:00Z"
"""First instant of scenes, where none is given: midnight of the day of the built-in shells."""

FIRST_SLOT_S = 12.0
"""The operator's slots begin 12, 27, 42 and 57 s past the minute."""

EARTH_KM = 6371.0088
"""Mean radius."""

EQUATOR_KM, FLATTENING = 6378.137, 1.0 / 298.257223563
"""WGS-84."""

LIGHT_M_S = 299_792_458.0


def make_policy(*rules: dict, default: str = "deny", **head) -> Policy:
    """A policy of some rules, each with a name and a reason of its own where it has none."""
    whole = [{"name": f"r{number}", "reason": "because"} | rule for number, rule in enumerate(rules)]
    return parse_policy({"rules": whole, "default": {"verdict": default, "reason": "end"}} | head)


def allow_in(*codes: str, **keys) -> Policy:
    """A policy that serves some territories only."""
    return make_policy({"name": "in", "verdict": "allow", "within": {"territories": list(codes)}} | keys)


def deny_in(*codes: str) -> Policy:
    """A policy that serves the world but some territories."""
    return make_policy({"name": "out", "verdict": "deny", "within": {"territories": list(codes)}}, default="allow")


def east_of(lon_deg: float, *, verdict: str = "allow", default: str = "deny", **keys) -> Policy:
    """A policy whose line is a meridian, over Europe."""
    ring = [[lon_deg, 30.0], [lon_deg + 40.0, 30.0], [lon_deg + 40.0, 72.0], [lon_deg, 72.0], [lon_deg, 30.0]]
    return make_policy({"name": "east", "verdict": verdict, "within": {"polygons": [[ring]]}} | keys, default=default)


ALL = make_policy(default="allow", name="all")
DENY = make_policy(name="nothing")


def make_scene(territory: str, *, incumbents: float = 0.0, hours: float = 1.0, start: str = START, **tables) -> Scenario:
    """A scenario with capacity; by default with nobody elsewhere."""
    capacity = {"incumbents": incumbents, **tables.pop("capacity", {})}
    time = {"start": start, "hours": hours}
    return parse_scenario(
        {"territory": territory, "time": time, "sampling": {"sensitivity": False}, "capacity": capacity, **tables}, source="t"
    )


def make_contracts(*rows: dict) -> Contracts:
    """Contracts with what they must have where nothing else is said."""
    usual = {"customer": "C", "territories": ["LU"], "terminals": 10, "down_mbps": 1.0}
    return parse_contracts({"contracts": [{"name": f"c{number}"} | usual | row for number, row in enumerate(rows)]})


def compare(scene, before: Policy | None, after: Policy | None, *, threads: int = 1, slots: int = 2, **question) -> PolicyComparison:
    """Compare two policies over a territory or a scenario."""
    scenario = scene if isinstance(scene, Scenario) else make_scene(scene)
    sides = Case(scenario, before, "before"), Case(scenario, after, "after")
    return study_change(*sides, Question(slots=slots, **question), threads=threads)


def work(scene: Scenario, *policies: Policy | None, slots: int = 2, **question) -> tuple[Arm, ...]:
    """Sides of a comparison, worked out on the same scenes: what lies behind the figures."""
    sides = [make_side(f"side {number}", policy) for number, policy in enumerate(policies)]
    return work_arms(gather_inputs(scene), sides, Question(slots=slots, **question), threads=1, progress=lambda _: None)


def slot_times(scenario: Scenario, slots: int) -> list[datetime]:
    """Instants that are worked out: so many slots, in the middle of equal parts of the time; slots begin 12 s past the minute."""
    begins = datetime.fromisoformat(scenario.time.start).replace(tzinfo=None)
    assert begins.second == begins.microsecond == 0
    begins += timedelta(seconds=FIRST_SLOT_S)
    count = round(scenario.time.hours * 3600.0 / scenario.time.step_s)
    rows = [int((number + 0.5) * count / slots) for number in range(slots)]
    return [begins + timedelta(seconds=row * scenario.time.step_s) for row in rows]


def mirror(value):
    """A pair the other way round; an error is the same both ways."""
    return value[::-1] if isinstance(value, tuple) else value


class Point(NamedTuple):
    """A point with its people, the row of its cell and the territory around it."""

    lat_deg: float
    lon_deg: float
    people: float
    cell: int
    home: str


def points_of(territory, *, resolution: int = 7) -> list[Point]:
    """The territory's people as points, made anew; parts too small for any are left out."""
    found = []
    for row, (cell, people) in enumerate(zip(territory.cells.tolist(), territory.population.tolist(), strict=True)):
        middles = [h3.cell_to_latlng(child) for child in h3.cell_to_children(f"{cell:x}", resolution)]
        here = [(lat, lon) for lat, lon in middles if territory.geometry.intersects(shapely.Point(lon, lat))]
        found += [Point(lat, lon, people / len(here), row, territory.code) for lat, lon in here]
    return found


def report_at(point: Point, time: datetime, terminal_class: str, *, operator: str = "starlink", identifier="", owner="") -> dict:
    """What a terminal at rest and at home there reports."""
    rest = {"speed_kmh": 0.0, "altitude_m": 0.0, "days_abroad": 0.0}
    who = {"identifier": identifier, "owner": owner, "home": point.home, "operator": operator, "terminal_class": terminal_class}
    return {"lat_deg": point.lat_deg, "lon_deg": point.lon_deg, "time": time} | rest | who


def verdict_of(policy: Policy | None, name: str) -> str:
    """What a rule says, by its name."""
    if policy is None:
        return "deny"
    return next((rule.verdict for rule in policy.rules if rule.name == name), policy.default.verdict)


def rule_at(policy: Policy | None, point: Point, time: datetime, terminal_class: str, **who) -> str | None:
    """Name of the rule that decides; None where a margin is too near for sampling to tell."""
    if policy is None:
        return "none"
    try:
        return reference.decide(policy, report_at(point, time, terminal_class, **who))
    except reference.TooNearError:
        return None


def if_listed(policy: Policy | None) -> Policy | None:
    """The policy for terminals that are on every list that serves."""
    if policy is None:
        return None
    rules = [
        rule.model_copy(update={"terminals": (), "owners": ()}) if rule.verdict != "deny" and (rule.terminals or rule.owners) else rule
        for rule in policy.rules
    ]
    return policy.model_copy(update={"rules": tuple(rules)})


class Told(NamedTuple):
    """Shares of the instants, by point: served, limited, served only if listed; and whether the point could be told at all instants."""

    served: list[float]
    limited: list[float]
    listed_only: list[float]
    sure: list[bool]


def tell(policy: Policy | None, points: list[Point], times: list[datetime], terminal_class: str) -> Told:
    """How terminals stand at points, asked one by one."""
    columns: tuple[list, ...] = ([], [], [], [])
    open_lists = if_listed(policy)
    for point in points:
        names = [rule_at(policy, point, time, terminal_class) for time in times]
        verdicts = [verdict_of(policy, name) for name in names if name]
        listed = [rule_at(open_lists, point, time, terminal_class) for time in times]
        only = [
            verdict_of(policy, one) == "deny" and verdict_of(policy, two) != "deny"
            for one, two in zip(names, listed, strict=True)
            if one and two
        ]
        for column, values in zip(columns, ([v != "deny" for v in verdicts], [v == "limit" for v in verdicts], only), strict=False):
            column.append(math.fsum(values) / len(times))
        columns[3].append(all(names) and all(listed))
    return Told(*columns)


class Counts(NamedTuple):
    """People by how they stand."""

    served: tuple[float, float]
    limited: tuple[float, float]
    listed_only: tuple[float, float]
    gaining: float
    losing: float
    cells_gaining: int
    cells_losing: int
    cells_whole: tuple[int, int]
    cells_partly: tuple[int, int]


def count_people(points: list[Point], before: Told, after: Told, cells: int) -> Counts:
    """Add points up."""
    change = [b - a for a, b in zip(before.served, after.served, strict=True)]
    pairs = {
        name: tuple(
            math.fsum(point.people * share for point, share in zip(points, getattr(side, name), strict=True)) for side in (before, after)
        )
        for name in ("served", "limited", "listed_only")
    }
    shares = [share_cells(points, side.served, cells) for side in (before, after)]
    moved = [b - a for a, b in zip(*shares, strict=True)]
    return Counts(
        **pairs,
        gaining=math.fsum(point.people * max(value, 0.0) for point, value in zip(points, change, strict=True)),
        losing=math.fsum(point.people * max(-value, 0.0) for point, value in zip(points, change, strict=True)),
        cells_gaining=sum(value > 1e-9 for value in moved),
        cells_losing=sum(value < -1e-9 for value in moved),
        cells_whole=tuple(sum(value > 1.0 - 1e-9 for value in side) for side in shares),
        cells_partly=tuple(sum(1e-9 < value < 1.0 - 1e-9 for value in side) for side in shares),
    )


def share_cells(points: list[Point], share: list[float], cells: int) -> list[float]:
    """Mean over the points of each cell, which share its people evenly."""
    sums, counts = [0.0] * cells, [0] * cells
    for point, value in zip(points, share, strict=True):
        sums[point.cell] += value
        counts[point.cell] += 1
    return [total / count for total, count in zip(sums, counts, strict=True)]


def ecef_km(lat_deg: float, lon_deg: float) -> np.ndarray:
    """Place on the WGS-84 ellipsoid."""
    lat, lon = math.radians(lat_deg), math.radians(lon_deg)
    eccentricity = FLATTENING * (2.0 - FLATTENING)
    normal = EQUATOR_KM / math.sqrt(1.0 - eccentricity * math.sin(lat) ** 2)
    return np.array(
        [normal * math.cos(lat) * math.cos(lon), normal * math.cos(lat) * math.sin(lon), normal * (1.0 - eccentricity) * math.sin(lat)]
    )


def angle_deg(apex: np.ndarray, one: np.ndarray, two: np.ndarray) -> float:
    """Angle between two places as seen from a third."""
    a, b = one - apex, two - apex
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b)))


def half_beam_deg(diameter_m: float, frequency_ghz: float) -> float:
    """Half beamwidth at 3 dB, √1200/(D/λ) degrees (ITU-R S.1528)."""
    return math.sqrt(1200.0) / (diameter_m / (LIGHT_M_S / (frequency_ghz * 1e9)))


def meridian_km(lat_deg: float, lon_deg: float, meridian_deg: float) -> float:
    """Distance of a point from a meridian."""
    return EARTH_KM * abs(math.asin(math.cos(math.radians(lat_deg)) * math.sin(math.radians(lon_deg - meridian_deg))))
