"""Readers of an operator's availability files: the JSON of statuses, and cells as geobuf or GeoJSON. Nothing is lost on the way."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.catalog._geobuf import GeobufError, Polygons, decode_geobuf
from overflight.errors import CatalogError
from overflight.intake import Intake, LeftOut, read_bytes

Cells = npt.NDArray[np.uint64]

CELL_RESOLUTION = 5
VERTEX_TOLERANCE_DEG = 5e-6
"""A corner of a published area is a corner of an H3 cell when it is this near: five steps of the files' precision."""


@dataclass(frozen=True, slots=True)
class PublishedStatus:
    """One record: a territory's code, or a province's identifier, with its status and expected date as published."""

    key: str
    published_status: str
    expected: str


@dataclass(frozen=True, slots=True)
class AvailabilityFile:
    """Statuses as published: of territories (``admin0``) and of provinces (``admin1``)."""

    territories: tuple[PublishedStatus, ...]
    provinces: tuple[PublishedStatus, ...]


@dataclass(frozen=True, slots=True)
class AreaFeature:
    """One published area: all its properties, and its polygons (rings of longitude and latitude in degrees, closed)."""

    properties: dict[str, object]
    polygons: Polygons

    @property
    def published_status(self) -> str:
        """Status of the area, empty where none is given."""
        return str(self.properties.get("status", ""))

    @property
    def expected(self) -> str:
        """Expected date of the area, empty where none is given."""
        return str(self.properties.get("expected", ""))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, so that a key given twice is seen."""


def read_availability(data: Path | str | bytes, *, source: str | None = None, strict: bool = False) -> tuple[AvailabilityFile, Intake]:
    """Read the operator's JSON of statuses per territory and province, from a path or bytes.

    Raises
    ------
    CatalogError
        If the file is not that JSON, holds no usable record, or, with ``strict``, has a bad one.
    """
    raw, source = _bytes_of(data, source)
    document = _load_json(raw, source, pairs=True)
    sections = {key: value for key, value in document if key in {"admin0", "admin1"}} if isinstance(document, _Pairs) else {}
    if not sections or not all(isinstance(section, _Pairs) for section in sections.values()):
        msg = f"{source}: no object 'admin0' or 'admin1'; give the operator's availability JSON"
        raise CatalogError(msg)
    left_out: list[LeftOut] = []
    used: dict[str, list[PublishedStatus]] = {"admin0": [], "admin1": []}
    read = 0
    for section, records in sections.items():
        seen: set[str] = set()
        for key, record in records:
            read += 1
            problem = _status_problem(section, key, record, seen)
            if problem:
                left_out.append(LeftOut(source, read, " ".join(f"{section} {key}".split()), problem))
                continue
            seen.add(key)
            fields = dict(record)
            used[section].append(PublishedStatus(key, fields["status"], fields.get("expected") or ""))
    intake = _account(raw, source, read, left_out, strict=strict)
    return AvailabilityFile(tuple(used["admin0"]), tuple(used["admin1"])), intake


def read_availability_cells(
    data: Path | str | bytes, *, source: str | None = None, strict: bool = False
) -> tuple[tuple[AreaFeature, ...], Intake]:
    """Read areas that have a status of their own, from geobuf (``.pb``) or GeoJSON; path or bytes, told apart by content.

    Returns
    -------
    tuple of AreaFeature, Intake
        Features in the file's order, and the account: a feature that is no area or cannot be decoded is left out with the reason.

    Raises
    ------
    CatalogError
        If the file is neither, is truncated, holds no usable feature, or, with ``strict``, has a bad one.
    """
    raw, source = _bytes_of(data, source)
    if not raw.strip():
        msg = f"{source}: empty; give the operator's cells as geobuf or GeoJSON"
        raise CatalogError(msg)
    candidates = _geojson_features(raw, source) if raw.lstrip()[:1] == b"{" else _geobuf_features(raw, source)
    features: list[AreaFeature] = []
    left_out: list[LeftOut] = []
    for number, (feature, problem) in enumerate(candidates, start=1):
        reason = problem or _area_problem(feature.polygons)
        if reason:
            left_out.append(LeftOut(source, number, " ".join(feature.published_status.split()), reason))
        else:
            features.append(feature)
    return tuple(features), _account(raw, source, len(candidates), left_out, strict=strict)


def cells_of_area(polygons: Polygons) -> tuple[Cells, int]:
    """Find the H3 cells (resolution 5) that published polygons are unions of.

    Returns
    -------
    cells : uint64
        Cells of all polygons that are unions of cells, sorted.
    unmatched : int
        Polygons that are not: a corner is no corner of a cell, or the polygon is cut at the antimeridian.
    """
    import h3.api.basic_int as h3

    cells: set[int] = set()
    unmatched = 0
    for outer, *holes in polygons:
        if np.abs(outer[:, 0]).max() >= 180.0 or np.ptp(outer[:, 0]) >= 180.0:
            unmatched += 1
            continue
        rings = [[(lat, lon) for lon, lat in ring[:-1].tolist()] for ring in (outer, *holes)]
        inside = h3.h3shape_to_cells(h3.LatLngPoly(rings[0], *rings[1:]), CELL_RESOLUTION)
        corners = np.array([corner for cell in inside for corner in h3.cell_to_boundary(cell)]).reshape(-1, 2)
        if len(corners) and all(_distance_to_nearest(point, corners) <= VERTEX_TOLERANCE_DEG for ring in rings for point in ring):
            cells.update(inside)
        else:
            unmatched += 1
    return np.array(sorted(cells), dtype=np.uint64), unmatched


def _distance_to_nearest(point: tuple[float, float], corners: npt.NDArray[np.float64]) -> float:
    return float(np.abs(corners - np.array(point)).max(axis=1).min())


def _bytes_of(data: Path | str | bytes, source: str | None) -> tuple[bytes, str]:
    if isinstance(data, bytes):
        return data, source or "availability"
    return read_bytes(data, wanted="the operator's availability file", refused=CatalogError), source or str(data)


def _load_json(raw: bytes, source: str, *, pairs: bool = False) -> object:
    try:
        document: object = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_Pairs if pairs else None)
    except UnicodeDecodeError as error:
        msg = f"{source}: not UTF-8 text (byte {error.start})"
        raise CatalogError(msg) from None
    except json.JSONDecodeError as error:
        msg = f"{source}:{error.lineno}: not valid JSON ({error.msg}); the file may be truncated" if raw.strip() else f"{source}: empty"
        raise CatalogError(msg) from None
    except (RecursionError, ValueError):
        msg = f"{source}: JSON nested too deep, or a number of thousands of digits"
        raise CatalogError(msg) from None
    return document


def _account(raw: bytes, source: str, read: int, left_out: list[LeftOut], *, strict: bool) -> Intake:
    if left_out and (strict or len(left_out) == read):
        raise CatalogError(str(left_out[0]))
    if not read:
        msg = f"{source}: no records; give the operator's availability file"
        raise CatalogError(msg)
    return Intake(source, hashlib.sha256(raw).hexdigest(), read, read - len(left_out), tuple(left_out))


def _status_problem(section: str, key: str, record: object, seen: set[str]) -> str:
    if key in seen:
        return "given twice; the first is used"
    if section == "admin0" and not (len(key) == 2 and key.isascii() and key.isalpha() and key.isupper()):
        return "not a code of two capital letters"
    if not isinstance(record, _Pairs):
        return "not an object with a status"
    fields = dict(record)
    if not isinstance(fields.get("status"), str) or not fields["status"]:
        return "no status"
    if not isinstance(fields.get("expected") or "", str):
        return "expected is not text"
    return ""


def _geobuf_features(raw: bytes, source: str) -> list[tuple[AreaFeature, str]]:
    try:
        decoded = decode_geobuf(raw)
    except GeobufError as error:
        msg = f"{source}: not geobuf, or truncated ({error})"
        raise CatalogError(msg) from None
    return [(AreaFeature(feature.properties, feature.polygons), feature.problem) for feature in decoded]


def _geojson_features(raw: bytes, source: str) -> list[tuple[AreaFeature, str]]:
    document = _load_json(raw, source)
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        msg = f"{source}: not a GeoJSON FeatureCollection"
        raise CatalogError(msg)
    return [_geojson_area(feature) for feature in features]


def _geojson_area(feature: object) -> tuple[AreaFeature, str]:
    if not isinstance(feature, dict):
        return AreaFeature({}, ()), "not a feature"
    properties = feature.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    geometry = feature.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        return AreaFeature(properties, ()), f"geometry is {f'a {kind}, ' if isinstance(kind, str) and kind.isalpha() else ''}not an area"
    coordinates = geometry.get("coordinates")
    try:
        parts = [coordinates] if kind == "Polygon" else list(coordinates or [])
        polygons = tuple(
            tuple(np.array([point[:2] for point in ring], dtype=np.float64).reshape(-1, 2) for ring in part or []) for part in parts
        )
    except (TypeError, ValueError, OverflowError):
        return AreaFeature(properties, ()), "coordinates are not rings of points"
    return AreaFeature(properties, polygons), ""


def _area_problem(polygons: Polygons) -> str:
    if not polygons or not all(polygons):
        return "an area without rings"
    for polygon in polygons:
        for ring in polygon:
            if len(ring) < 4 or not np.array_equal(ring[0], ring[-1], equal_nan=True):
                return "a ring that is not closed"
            if not math.isfinite(float(np.abs(ring).sum())):
                return "a coordinate that is not finite"
            if np.abs(ring[:, 0]).max() > 180.0 or np.abs(ring[:, 1]).max() > 90.0:
                return "a coordinate outside -180 to 180 or -90 to 90"
    return ""
