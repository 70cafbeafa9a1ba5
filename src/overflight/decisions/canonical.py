"""Canonical JSON: one document, one sequence of bytes.

This is the JSON Canonicalization Scheme (RFC 8785) without fractions: entries hold text, whole numbers, truth values, lists and tables,
so that the one hard part of the scheme, how a fraction is written, is not needed and cannot differ between implementations.

References
----------
RFC 8785, JSON Canonicalization Scheme (JCS); RFC 7493, I-JSON (no key twice, no lone surrogates, whole numbers up to 2⁵³ − 1).
"""

import json
from typing import Any

LARGEST_INTEGER = 2**53 - 1
"""Whole numbers beyond this are not the same to every reader of JSON (RFC 7493, section 2.2)."""

MAX_DEPTH = 16
"""Tables and lists within one another; entries have no more than five."""


def write_canonical(value: Any) -> bytes:
    """Write a value as canonical JSON in UTF-8.

    Raises
    ------
    ValueError
        If the value holds a fraction, a number that is too large, a key that is no text, or text that is not Unicode.
    """
    return json.dumps(_ordered(value, MAX_DEPTH), ensure_ascii=False, separators=(",", ":")).encode()


def read_canonical(raw: bytes) -> Any:
    """Read a value from canonical JSON.

    Raises
    ------
    ValueError
        If the bytes are not JSON, or not the one canonical way to write it.
    """
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_unique, parse_float=_refuse, parse_constant=_refuse)
    except RecursionError:
        msg = "tables within tables without end"
        raise ValueError(msg) from None
    if write_canonical(value) != raw:
        msg = "not canonical JSON"
        raise ValueError(msg)
    return value


def _ordered(value: Any, depth: int) -> Any:
    if depth < 0:
        msg = f"more than {MAX_DEPTH} tables within one another"
        raise ValueError(msg)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            msg = f"{value} is beyond what every reader of JSON takes"
            raise ValueError(msg)
        return value
    if isinstance(value, list | tuple):
        return [_ordered(item, depth - 1) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        # Keys stand in the order of their UTF-16 code units (RFC 8785, section 3.2.3).
        return {key: _ordered(value[key], depth - 1) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    msg = f"{type(value).__name__} has no place in an entry"
    raise ValueError(msg)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        msg = "a key stands there twice"
        raise ValueError(msg)
    return table


def _refuse(text: str) -> Any:
    msg = f"{text}: not a whole number"
    raise ValueError(msg)
