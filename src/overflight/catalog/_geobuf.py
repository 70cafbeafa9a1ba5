"""Decoder of geobuf, a protocol-buffer encoding of GeoJSON, over plain bytes.

References
----------
Mapbox, *Geobuf: a compact binary encoding for geographic data*, ``geobuf.proto``, https://github.com/mapbox/geobuf.
Google, *Protocol Buffers: encoding*, https://protobuf.dev/programming-guides/encoding.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Polygons = tuple[tuple[Floats, ...], ...]
"""Polygons of rings (outer first), each ring an array (k, 2) of longitude and latitude in degrees, closed."""

GEOMETRY_TYPES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
_POLYGON, _MULTIPOLYGON = 4, 5
_DEFAULT_PRECISION = 6
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10


class GeobufError(ValueError):
    """The bytes are not geobuf, or end too early."""


@dataclass(frozen=True, slots=True)
class GeobufFeature:
    """One feature: its properties and its polygons, or the reason why it cannot be decoded."""

    properties: dict[str, object]
    polygons: Polygons
    problem: str = ""


def decode_geobuf(data: bytes) -> list[GeobufFeature]:
    """Decode the features of a geobuf file; only areas (Polygon, MultiPolygon) have polygons, others name their type as the problem.

    Raises
    ------
    GeobufError
        If the file's frame is broken: truncated, not protocol buffers, or without features.
    """
    keys: list[str] = []
    dimensions, precision = 2, _DEFAULT_PRECISION
    features: list[bytes] = []
    collection: bytes | None = None
    for number, value in _fields(data):
        if number == 1:
            keys.append(_as_text(value))
        elif number == 2:
            dimensions = _as_int(value)
        elif number == 3:
            precision = _as_int(value)
        elif number == 4:
            collection = _as_bytes(value)
        elif number == 5:
            features.append(_as_bytes(value))
    if collection is not None:
        features += [_as_bytes(value) for number, value in _fields(collection) if number == 1]
    if not features:
        message = "no features"
        raise GeobufError(message)
    if dimensions < 2 or precision > 15:
        message = f"{dimensions} dimensions with precision {precision}"
        raise GeobufError(message)
    return [_decode_feature(feature, keys, dimensions, 10.0**precision) for feature in features]


def _decode_feature(data: bytes, keys: list[str], dimensions: int, scale: float) -> GeobufFeature:
    properties: dict[str, object] = {}
    try:
        geometry = b""
        values: list[object] = []
        pairs: list[int] = []
        for number, value in _fields(data):
            if number == 1:
                geometry = _as_bytes(value)
            elif number == 13:
                values.append(_decode_value(_as_bytes(value)))
            elif number == 14:
                pairs += _as_ints(value)
        properties = _decode_properties(pairs, keys, values)
        return GeobufFeature(properties, _decode_area(geometry, dimensions, scale))
    except GeobufError as error:
        return GeobufFeature(properties, (), str(error))


def _decode_properties(pairs: list[int], keys: list[str], values: list[object]) -> dict[str, object]:
    names, held = pairs[::2], pairs[1::2]
    if len(names) != len(held) or any(name >= len(keys) for name in names) or any(value >= len(values) for value in held):
        message = "properties point beyond their keys and values"
        raise GeobufError(message)
    return {keys[name]: values[value] for name, value in zip(names, held, strict=True)}


def _decode_area(data: bytes, dimensions: int, scale: float) -> Polygons:
    kind = 0
    lengths: list[int] = []
    coordinates: list[int] = []
    for number, value in _fields(data):
        if number == 1:
            kind = _as_int(value)
        elif number == 2:
            lengths += _as_ints(value)
        elif number == 3:
            coordinates += [(raw >> 1) ^ -(raw & 1) for raw in _as_ints(value)]
    if kind not in {_POLYGON, _MULTIPOLYGON}:
        message = f"geometry is a {GEOMETRY_TYPES[kind]}, not an area" if kind < len(GEOMETRY_TYPES) else "geometry of an unknown type"
        raise GeobufError(message)
    if len(coordinates) % dimensions:
        message = "coordinates do not fill whole points"
        raise GeobufError(message)
    points = len(coordinates) // dimensions
    shape = _ring_lengths(kind, lengths, points)
    if sum(map(sum, shape)) != points:
        message = f"{points} points where the rings need {sum(map(sum, shape))}"
        raise GeobufError(message)
    deltas = np.array(coordinates, dtype=object).reshape(points, dimensions)[:, :2]
    polygons, at = [], 0
    for rings in shape:
        decoded = []
        for length in rings:
            if length == 0:
                message = "a ring without points"
                raise GeobufError(message)
            corners = (np.cumsum(deltas[at : at + length], axis=0) / scale).astype(np.float64)
            decoded.append(np.vstack([corners, corners[:1]]))
            at += length
        polygons.append(tuple(decoded))
    return tuple(polygons)


def _ring_lengths(kind: int, lengths: list[int], points: int) -> list[list[int]]:
    """Points of each ring of each polygon, closing points not counted; no lengths at all stand for one ring."""
    if not lengths:
        return [[points]]
    if kind == _POLYGON:
        return [lengths]
    shape, at = [], 1
    for _ in range(lengths[0]):
        if at >= len(lengths):
            break
        rings = lengths[at]
        shape.append(lengths[at + 1 : at + 1 + rings])
        at += 1 + rings
    if len(shape) != lengths[0] or at != len(lengths):
        message = "lengths of rings do not add up"
        raise GeobufError(message)
    return shape


def _decode_value(data: bytes) -> object:
    for number, value in _fields(data):
        if number == 1:
            return _as_text(value)
        if number == 2:
            return float(struct.unpack("<d", _as_bytes(value))[0])
        if number in {3, 4}:
            return _as_int(value) if number == 3 else -_as_int(value)
        if number == 5:
            return bool(_as_int(value))
        if number == 6:
            try:
                return json.loads(_as_text(value))
            except json.JSONDecodeError:
                message = "a property is not JSON"
                raise GeobufError(message) from None
    return None


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Fields of a message: number, and the integer or the bytes it holds."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            length, at = _varint(data, at)
        elif wire in {_FIXED64, _FIXED32}:
            length = 8 if wire == _FIXED64 else 4
        else:
            message = f"wire type {wire} at byte {at}"
            raise GeobufError(message)
        if number == 0 or at + length > len(data):
            message = f"ends inside a field of {length} bytes at byte {at}" if number else f"field number 0 at byte {at}"
            raise GeobufError(message)
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(_MAX_VARINT_BYTES):
        if at >= len(data):
            message = f"ends inside a number at byte {at}"
            raise GeobufError(message)
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at
    message = f"number longer than {_MAX_VARINT_BYTES} bytes at byte {at}"
    raise GeobufError(message)


def _as_bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        message = "a number where bytes belong"
        raise GeobufError(message)
    return value


def _as_int(value: int | bytes) -> int:
    if isinstance(value, bytes):
        message = "bytes where a number belongs"
        raise GeobufError(message)
    return value


def _as_text(value: int | bytes) -> str:
    try:
        return _as_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        message = "text that is not UTF-8"
        raise GeobufError(message) from None


def _as_ints(value: int | bytes) -> list[int]:
    """A repeated number, packed or alone."""
    if isinstance(value, int):
        return [value]
    numbers, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(number)
    return numbers
