"""A second reading of policies, slow and on its own: rules asked one by one, points in polygons by exact fractions, distances by sampling.

It takes nothing from `overflight.service` but the model of a policy, so that an error there does not hide here.
"""

import itertools
import math
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache

import h3.api.basic_str as h3
import shapely

from overflight.earth._borders import read_borders
from overflight.service.policy import Area, Policy, Rule

SAMPLE_DEG = 0.002
"""Borders are sampled this densely before distances are taken."""


class TooNearError(Exception):
    """A point is so near to a margin's edge that sampling cannot say on which side it lies."""


def decide(policy: Policy, report: dict) -> str:
    for rule in policy.rules:
        if matches(rule, report):
            return rule.name
    return "default"


def matches(rule: Rule, report: dict) -> bool:
    at = report["lat_deg"], report["lon_deg"]
    checks = [
        (rule.operators, report.get("operator")),
        (rule.classes, report.get("terminal_class")),
        (rule.homes, report.get("home")),
    ]
    if any(listed and value not in listed for listed, value in checks):
        return False
    if (rule.terminals or rule.owners) and report.get("identifier") not in rule.terminals and report.get("owner") not in rule.owners:
        return False
    for low, high, key in (
        (rule.speed_over_kmh, rule.speed_up_to_kmh, "speed_kmh"),
        (rule.altitude_over_m, rule.altitude_up_to_m, "altitude_m"),
        (rule.days_abroad_over, None, "days_abroad"),
    ):
        value = report.get(key)
        if low is not None and (value is None or value <= low):
            return False
        if high is not None and (value is None or value > high):
            return False
    if not in_time(rule, report.get("time"), at[1]):
        return False
    if rule.within is not None and not in_area(rule.within, *at):
        return False
    if rule.also_within is not None and not in_area(rule.also_within, *at):
        return False
    return rule.not_within is None or not in_area(rule.not_within, *at)


def in_time(rule: Rule, time: datetime | None, lon_deg: float) -> bool:
    if rule.starts is None and rule.ends is None and rule.local_hours is None:
        return True
    if time is None:
        return False
    if rule.starts is not None and time < datetime.fromisoformat(rule.starts).replace(tzinfo=None):
        return False
    if rule.ends is not None and time >= datetime.fromisoformat(rule.ends).replace(tzinfo=None):
        return False
    if rule.local_hours is None:
        return True
    local = time + timedelta(days=lon_deg / 360.0)
    minutes = local.hour * 60 + local.minute + local.second / 60.0 + local.microsecond / 6e7
    begins, ends = (60 * int(text[:2]) + int(text[3:]) for text in rule.local_hours)
    if any(abs(minutes - edge) < 1e-4 for edge in (begins, ends)):
        raise TooNearError
    ends %= 1440
    return begins <= minutes < ends if begins < ends else minutes >= begins or minutes < ends


def in_area(area: Area, lat_deg: float, lon_deg: float) -> bool:
    assert not area.sea_km
    if any(lists_cell(area, lat_deg, lon_deg)):
        return True
    for circle in area.circles:
        reach = circle.radius_km + (area.grow_km or 0.0)
        if below(geodesic_km(lat_deg, lon_deg, circle.lat_deg, circle.lon_deg), reach):
            return True
    return any(in_margin(area, rings, lat_deg, lon_deg) for rings in shapes_of(area))


def lists_cell(area: Area, lat_deg: float, lon_deg: float):
    margin = area.grow_km or area.shrink_km or area.strip_inside_km or area.strip_outside_km
    assert not (area.cells and margin), "cells with margins are left to the tests of areas"
    yield bool(area.cells) and h3.latlng_to_cell(lat_deg, lon_deg, 5) in area.cells


def shapes_of(area: Area):
    for code in area.territories:
        yield rings_of_territory(code)
    if area.polygons:
        yield tuple(ring for polygon in area.polygons for ring in polygon)


@cache
def rings_of_territory(code: str):
    parts = shapely.get_parts(read_borders(code))
    return tuple(tuple(map(tuple, shapely.get_coordinates(ring).tolist())) for part in parts for ring in (part.exterior, *part.interiors))


def in_margin(area: Area, rings, lat_deg: float, lon_deg: float) -> bool:
    inside = in_rings(rings, lon_deg, lat_deg)
    if area.grow_km is not None:
        return inside or below(border_km(rings, lat_deg, lon_deg), area.grow_km)
    if area.shrink_km is not None:
        return inside and not below(border_km(rings, lat_deg, lon_deg), area.shrink_km)
    if area.strip_inside_km is None and area.strip_outside_km is None:
        return inside
    reach = (area.strip_inside_km if inside else area.strip_outside_km) or 0.0
    return reach > 0.0 and below(border_km(rings, lat_deg, lon_deg), reach)


def below(distance_km: float, limit_km: float) -> bool:
    if abs(distance_km - limit_km) < 0.05 + 2e-4 * limit_km:
        raise TooNearError
    return distance_km < limit_km


def in_rings(rings, x: float, y: float) -> bool:
    """Even or odd crossings of a ray to the east, in exact fractions; points on an edge are inside."""
    px, py = Fraction(x), Fraction(y)
    inside = False
    for ring in rings:
        for (ax, ay), (bx, by) in itertools.pairwise(ring):
            if max(ay, by) < y or min(ay, by) > y or max(ax, bx) < x:
                continue
            fax, fay, fbx, fby = Fraction(ax), Fraction(ay), Fraction(bx), Fraction(by)
            side = (fbx - fax) * (py - fay) - (fby - fay) * (px - fax)
            if side == 0 and min(fax, fbx) <= px <= max(fax, fbx) and min(fay, fby) <= py <= max(fay, fby):
                return True
            if (fay > py) != (fby > py) and px < fax + (py - fay) * (fbx - fax) / (fby - fay):
                inside = not inside
    return inside


@cache
def samples_of(rings):
    points = []
    for ring in rings:
        for (ax, ay), (bx, by) in itertools.pairwise(ring):
            steps = max(1, math.ceil(max(abs(bx - ax), abs(by - ay)) / SAMPLE_DEG))
            points += [(ay + (by - ay) * k / steps, ax + (bx - ax) * k / steps) for k in range(steps + 1)]
    return points


def border_km(rings, lat_deg: float, lon_deg: float) -> float:
    near = sorted(samples_of(rings), key=lambda at: (at[0] - lat_deg) ** 2 + ((at[1] - lon_deg) * math.cos(math.radians(lat_deg))) ** 2)
    return min(geodesic_km(lat_deg, lon_deg, *at) for at in near[:40])


def geodesic_km(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Distance on WGS-84 by Lambert's formula for long lines (a few metres in a thousand kilometres)."""
    a, f = 6378.137, 1.0 / 298.257223563
    if (lat_a, lon_a) == (lat_b, lon_b):
        return 0.0
    beta = [math.atan((1.0 - f) * math.tan(math.radians(lat))) for lat in (lat_a, lat_b)]
    half = (
        math.sin(0.5 * (beta[1] - beta[0])) ** 2 + math.cos(beta[0]) * math.cos(beta[1]) * math.sin(0.5 * math.radians(lon_b - lon_a)) ** 2
    )
    sigma = 2.0 * math.asin(min(1.0, math.sqrt(half)))
    p, q = 0.5 * sum(beta), 0.5 * (beta[1] - beta[0])
    x = (sigma - math.sin(sigma)) * (math.sin(p) * math.cos(q)) ** 2 / math.cos(0.5 * sigma) ** 2
    y = (sigma + math.sin(sigma)) * (math.cos(p) * math.sin(q)) ** 2 / math.sin(0.5 * sigma) ** 2
    return a * (sigma - 0.5 * f * (x + y))
