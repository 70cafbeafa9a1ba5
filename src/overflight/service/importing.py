"""An operator's public availability files as a policy, and back: what is published decides, and stays readable.

``launched`` and ``available`` allow, every other status denies. Cells and areas with a status of their own come before their country,
those that deny first; then provinces, whose borders nobody publishes; then territories, each with the sea next to it.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np

from overflight.catalog.availability import AreaFeature, AvailabilityFile, PublishedStatus, cells_of_area, province_counts
from overflight.catalog.tables import read_table
from overflight.service.policy import BUILT_IN, PUBLIC, Policy, Rule, parse_policy

__all__ = ["ALLOWED_STATUSES", "SEA_KM", "builtin_policy", "export_availability", "import_availability"]

ALLOWED_STATUSES = ("launched", "available")
"""Published statuses that allow."""

SPLIT_STATUS = "exclude"
"""Published status of a territory that is decided province by province."""

SEA_KM = 22.224
"""A territory's status holds for its territorial sea: 12 nautical miles (UN Convention on the Law of the Sea, article 3)."""

FIRST_STATUSES = ("blacklisted", "test")
"""Statuses of cells that come before every other rule."""

Split = Literal["deny", "allow"]

_NOWHERE = "nothing is published for this place: the high seas, or land that no border covers"


def import_availability(
    availability: AvailabilityFile,
    features: Iterable[AreaFeature] = (),
    *,
    name: str = PUBLIC,
    source: str = "operator's public availability files",
    date: str = "",
    split: Split = "deny",
    sea_km: float = SEA_KM,
) -> Policy:
    """Turn an operator's availability files into a policy.

    Parameters
    ----------
    availability
        Statuses of territories and provinces.
    features
        Areas with a status of their own.
    name, source, date
        Heads of the policy; the source is also every rule's.
    split
        Verdict on a territory whose status differs by province, outside the cells and areas with a status of their own: nobody
        publishes which province is which. ``deny`` goes by the letter, ``allow`` by the status of most provinces.
    sea_km
        Breadth of the sea that goes with each territory.

    Returns
    -------
    Policy
        One rule per area, province and territory; `export_availability` gives back what was read.
    """
    areas = [_area_rule(number, feature, source) for number, feature in enumerate(features, start=1)]
    rank = {status: place for place, status in enumerate(FIRST_STATUSES)}
    areas.sort(
        key=lambda rule: (rule["verdict"] == "allow", rank.get(rule["published"]["status"], len(rank)), rule["published"]["feature"])
    )
    provinces = [_record_rule(record, "provinces", source, split) for record in availability.provinces]
    territories = [_record_rule(record, "territories", source, split, sea_km) for record in sorted(availability.territories, key=_by_key)]
    return parse_policy(
        {
            "name": name,
            "description": "Service as the operator's public map has it: launched and available allow, every other status denies.",
            "source": source,
            "date": date,
            "rules": [*areas, *provinces, *territories],
            "default": {"verdict": "deny", "reason": _NOWHERE},
        },
        source=name,
    )


def export_availability(policy: Policy) -> tuple[AvailabilityFile, tuple[AreaFeature, ...]]:
    """What an imported policy was made of: statuses of territories (by code) and provinces, and areas in the file's order.

    Areas that are unions of cells come back as one polygon per cell, others as the rings that were read.
    """
    territories, provinces, features = [], [], []
    for rule in policy.rules:
        published, area = rule.published, rule.within
        if published is None or area is None:
            continue
        if published.feature is not None:
            features.append((published.feature, _feature(rule)))
        elif area.provinces:
            provinces.append(PublishedStatus(area.provinces[0], published.status, published.expected))
        elif area.territories:
            territories.append(PublishedStatus(area.territories[0], published.status, published.expected))
    ordered = tuple(feature for _, feature in sorted(features, key=lambda pair: pair[0]))
    return AvailabilityFile(tuple(sorted(territories, key=_by_key)), tuple(provinces)), ordered


@cache
def builtin_policy(*, split: Split = "deny") -> Policy:
    """The built-in policy ``public``: the operator's public map of 2026-07-23, from the tables that the package ships."""
    statuses, provinces, cells = (read_table(name) for name in ("service_status", "service_provinces", "availability_cells"))
    territories = tuple(
        PublishedStatus(*row) for row in zip(statuses["code"], statuses["published_status"], statuses["expected"], strict=True)
    )
    divisions = tuple(
        PublishedStatus(_base64(row[0]), *row[1:])
        for row in zip(provinces["boundary_id"], provinces["published_status"], provinces["expected"], strict=True)
    )
    groups: dict[tuple[str, str], list[str]] = {}
    for cell, status, expected in zip(cells["cell"], cells["published_status"], cells["expected"], strict=True):
        groups.setdefault((status, expected), []).append(cell)
    policy = import_availability(
        AvailabilityFile(territories, divisions),
        name=next(name for name, verdict in BUILT_IN.items() if verdict == split),
        source=f"{statuses['source'][0]}, {statuses['date'][0]}",
        date=statuses["date"][0],
        split=split,
    )
    source = f"{cells['source'][0]}, {cells['date'][0]}"
    areas = [_cells_rule(number, key, members, source) for number, (key, members) in enumerate(sorted(groups.items()), start=1)]
    areas.sort(key=lambda rule: (rule.verdict == "allow", *_rank(rule)))
    return policy.model_copy(update={"rules": (*areas, *policy.rules)})


def _rank(rule: Rule) -> tuple[int, int]:
    assert rule.published is not None
    status = rule.published.status
    return FIRST_STATUSES.index(status) if status in FIRST_STATUSES else len(FIRST_STATUSES), rule.published.feature or 0


def _cells_rule(number: int, key: tuple[str, str], cells: list[str], source: str) -> Rule:
    status, expected = key
    return Rule.model_validate(_outcome(_area_name(number, status), status, expected, source, number) | {"within": {"cells": cells}})


def _outcome(name: str, status: str, expected: str, source: str, feature: int | None, split: Split = "deny") -> dict[str, Any]:
    allows = status in ALLOWED_STATUSES or (status == SPLIT_STATUS and split == "allow")
    published: dict[str, Any] = {"status": status, "expected": expected} | ({"feature": feature} if feature else {})
    reason = f"{status}: {expected}" if expected else status
    return {"name": name, "verdict": "allow" if allows else "deny", "reason": reason, "source": source, "published": published}


def _record_rule(record: PublishedStatus, kind: str, source: str, split: Split, sea_km: float = 0.0) -> dict[str, Any]:
    name = record.key if kind == "territories" else f"province-{_plain(record.key)}"
    rule = _outcome(name, record.published_status, record.expected, source, None, split if kind == "territories" else "deny")
    area: dict[str, Any] = {kind: [record.key]}
    if kind == "territories" and sea_km and record.key in read_table("territories")["code"]:
        area["sea_km"] = sea_km
    if kind == "territories" and record.published_status == SPLIT_STATUS:
        counts = ", ".join(f"{count} {status}" for status, count in province_counts(record.key).items())
        rule["reason"] += f": decided province by province{f' ({counts})' if counts else ''}; which province is which is not published"
    return rule | {"within": area}


def _area_rule(number: int, feature: AreaFeature, source: str) -> dict[str, Any]:
    rule = _outcome(_area_name(number, feature.published_status), feature.published_status, feature.expected, source, number)
    rule["published"]["properties"] = {key: value for key, value in feature.properties.items() if key not in {"status", "expected"}}
    cells: list[int] = []
    rest: list[list[list[list[float]]]] = []
    for polygon in feature.polygons:
        found, unmatched = cells_of_area((polygon,))
        cells += found.tolist()
        if unmatched:
            rest.append([ring.tolist() for ring in polygon])
    area: dict[str, Any] = {}
    if cells:
        area["cells"] = [f"{cell:x}" for cell in sorted(set(cells))]
    if rest:
        area["polygons"] = rest
    return rule | {"within": area}


def _feature(rule: Rule) -> AreaFeature:
    import h3.api.basic_str as h3

    assert rule.within is not None
    assert rule.published is not None
    properties: dict[str, object] = {**rule.published.properties, "status": rule.published.status}
    if rule.published.expected:
        properties["expected"] = rule.published.expected
    rings = [_closed([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]) for cell in rule.within.cells]
    drawn = [tuple(np.array(ring, dtype=np.float64) for ring in polygon) for polygon in rule.within.polygons]
    return AreaFeature(properties, (*((ring,) for ring in rings), *drawn))


def _closed(ring: Sequence[tuple[float, float]]) -> Any:
    return np.array([*ring, ring[0]], dtype=np.float64)


def _area_name(number: int, status: str) -> str:
    return f"area-{number}-{_plain(status)}" if status else f"area-{number}"


def _plain(text: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in text)


def _base64(text: str) -> str:
    import base64

    return base64.b64encode(text.encode("ascii")).decode("ascii")


def _by_key(record: PublishedStatus) -> str:
    return record.key
