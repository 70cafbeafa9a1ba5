"""GeoJSON polygons (RFC 7946) as users write them: read whole, or refused in one line."""

import json
from typing import Any

import numpy as np
import shapely

from overflight.earth.polygons import flatten_polygon, polygonal
from overflight.errors import TerritoryError
from overflight.notices import Notice

_TYPES = "Polygon, MultiPolygon, GeometryCollection, Feature or FeatureCollection"


class Drawing:
    """What a GeoJSON text draws: its area in the plane −180 … 180, the properties of its first feature, warnings."""

    def __init__(self) -> None:
        self.pieces: list[shapely.Geometry] = []
        self.features: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.passed_over: dict[str, int] = {}

    def geometry(self, source: str) -> shapely.Geometry:
        """Union of the polygons."""
        if not self.pieces:
            others = ", ".join(f"{count} {kind}" for kind, count in self.passed_over.items())
            found = f"only {others}" if others else "no geometry"
            msg = f"{source}: holds {found}; a territory needs a Polygon or MultiPolygon"
            raise TerritoryError(msg)
        return polygonal(shapely.union_all(self.pieces))


def parse_geojson(data: bytes, *, source: str) -> Drawing:
    """Read the bytes of a GeoJSON text.

    Raises
    ------
    TerritoryError
        If the text is not JSON, not GeoJSON, holds no polygon, or a polygon cannot be used.
    """
    if not data.strip():
        msg = f"{source}: the file is empty; give a GeoJSON {_TYPES}"
        raise TerritoryError(msg)
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        msg = f"{source}: not UTF-8 text (byte {error.start}); give a GeoJSON file"
        raise TerritoryError(msg) from None
    except json.JSONDecodeError as error:
        msg = f"{source}:{error.lineno}: not JSON ({error.msg}, column {error.colno}); give a GeoJSON file"
        raise TerritoryError(msg) from None
    except RecursionError:
        msg = f"{source}: nested too deeply to be GeoJSON"
        raise TerritoryError(msg) from None
    drawing = Drawing()
    _warn_of_other_crs(document, drawing)
    _read(document, source, drawing)
    for kind, count in drawing.passed_over.items() if drawing.pieces else ():
        text = "{count} {kind} left out; only polygons make a territory"
        others = Notice.of("warning.no_polygons", text, count=count, kind=Notice.word("geojson", kind))
        drawing.warnings.append(Notice.about(source, others))
    return drawing


def _warn_of_other_crs(document: Any, drawing: Drawing) -> None:
    """RFC 7946 has one reference system, WGS-84; its forerunner of 2008 let a file name another."""
    crs = document.get("crs") if isinstance(document, dict) else None
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = str(properties.get("name", "")) if isinstance(properties, dict) else ""
    if name and not name.upper().endswith(("CRS84", "4326")):
        text = "reference system {name!r} is ignored; coordinates are taken as WGS-84 longitude and latitude"
        drawing.warnings.append(Notice.of("warning.reference_system", text, name=name))


def _read(node: Any, where: str, drawing: Drawing) -> None:
    kind = node.get("type") if isinstance(node, dict) else None
    if kind == "FeatureCollection":
        for number, feature in enumerate(_list(node, "features", where), start=1):
            _read(feature, Notice.of("about.feature", "{where}: feature {number}", where=where, number=number), drawing)
    elif kind == "Feature":
        if node.get("geometry") is None:
            drawing.passed_over["Feature without geometry"] = drawing.passed_over.get("Feature without geometry", 0) + 1
            return
        drawing.features.append(node)
        _read(node["geometry"], where, drawing)
    elif kind == "GeometryCollection":
        for number, geometry in enumerate(_list(node, "geometries", where), start=1):
            _read(geometry, Notice.of("about.geometry", "{where}: geometry {number}", where=where, number=number), drawing)
    elif kind == "MultiPolygon":
        polygons = _list(node, "coordinates", where)
        for number, rings in enumerate(polygons, start=1):
            one_of_many = Notice.of("about.polygon", "{where}: polygon {number}", where=where, number=number)
            _add_polygon(rings, one_of_many if len(polygons) > 1 else where, drawing)
    elif kind == "Polygon":
        _add_polygon(_list(node, "coordinates", where), where, drawing)
    elif kind in {"Point", "MultiPoint", "LineString", "MultiLineString"}:
        drawing.passed_over[kind] = drawing.passed_over.get(kind, 0) + 1
    else:
        msg = f"{where}: not GeoJSON (type {kind!r}); its type must be {_TYPES}"
        raise TerritoryError(msg)


def _list(node: dict[str, Any], key: str, where: str) -> list[Any]:
    value = node.get(key)
    if not isinstance(value, list):
        msg = f"{where}: {node['type']} without a list of {key}"
        raise TerritoryError(msg)
    return value


def _add_polygon(rings: Any, where: str, drawing: Drawing) -> None:
    """One polygon's rings, checked to be numbers, into the drawing."""
    arrays = []
    for number, ring in enumerate(rings if isinstance(rings, list) else [rings], start=1):
        try:
            positions = np.array([[float(value) for value in position[:2]] for position in ring], dtype=np.float64)
        except (TypeError, ValueError, KeyError):
            msg = f"{where}: ring {number} is not a list of positions [longitude, latitude]"
            raise TerritoryError(msg) from None
        arrays.append(positions)
    geometry, warnings = flatten_polygon(arrays, where=where)
    drawing.pieces.append(geometry)
    drawing.warnings.extend(warnings)
