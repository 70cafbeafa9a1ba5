"""Reading element sets and sorting a fleet, on the real files."""

import json
from pathlib import Path

from benchmarks.harness import Case
from overflight.orbit.elements import parse_elements
from overflight.orbit.fleet import assign_planes, find_in_service

_ELEMENTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "elements"


def cases() -> list[Case]:
    """TLE, OMM in three encodings, the filter and the planes."""
    tle = (_ELEMENTS / "starlink_2026-08-22.tle").read_bytes()
    as_json = (_ELEMENTS / "starlink_2024-05-20.omm.json").read_bytes()
    records = json.loads(as_json)
    as_csv = "\n".join([",".join(records[0]), *(",".join(str(value) for value in record.values()) for record in records)]).encode()
    inner = "".join(f"<omm>{''.join(f'<{key}>{value}</{key}>' for key, value in record.items())}</omm>\n" for record in records)
    as_xml = f"<ndm>\n{inner}</ndm>\n".encode()
    fleet, _ = parse_elements(tle, source="tle")
    at = fleet.epoch_median()
    serving = fleet.select(find_in_service(fleet).mask)
    many, some = float(len(fleet)), float(len(records))
    reading = "two regular expressions, two checksums and ten float() a set, 2.9 µs"
    return [
        Case("TLE, 10,746 satellites", 0.3, 2.9e-6 * many, reading, lambda: parse_elements(tle, source="tle"), many, "sets"),
        Case("OMM JSON, 5,977 satellites", 0.3, 0.0205, "json.loads alone", lambda: parse_elements(as_json, source="json"), some, "sets"),
        Case(
            "OMM CSV, 5,977 satellites",
            0.3,
            2e-6 * some,
            "a split and ten float()",
            lambda: parse_elements(as_csv, source="csv"),
            some,
            "sets",
        ),
        Case(
            "OMM XML, 5,977 satellites", 1.0, 0.077, "expat with empty handlers", lambda: parse_elements(as_xml, source="xml"), some, "sets"
        ),
        Case("satellites in service, 10,746", 0.05, 0.003, "sorting three columns", lambda: find_in_service(fleet), many, "satellites"),
        Case("planes and slots, 10,011", 0.1, 0.005, "sorting four columns", lambda: assign_planes(serving, at), many, "satellites"),
    ]
