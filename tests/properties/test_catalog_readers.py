"""Whatever the bytes, a reader of ground lists or availability files refuses them in one line or accounts for every record."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.catalog.availability import read_availability, read_availability_cells
from overflight.catalog.ground import read_gateways
from overflight.errors import CatalogError
from overflight.intake import Intake

Reader = Callable[[bytes], tuple[Any, Intake]]

GROUND_CSV = b"name,lat,lon,country,state\nAlpha,10,20,KE,operational\nBeta,-5.5,190,FR,planned\n"
GROUND_JSON = json.dumps([{"name": "Alpha", "lat": 10, "lon": 20, "country": "KE", "type": "gateway"}]).encode()
STATUSES = json.dumps({"admin0": {"TW": {"status": "coming_soon", "expected": ""}}, "admin1": {"x": {"status": "launched"}}}).encode()
GEOBUF = bytes.fromhex(
    "0a0673746174757310021806"
    "22280a26"  # keys, dimensions, precision; one feature
    "0a1808051a1480dac40980b4891380897a000080897aff887a00"
    "6a060a0474657374"
    "72020000"  # a square, its status
)
GEOJSON = json.dumps(
    {
        "type": "FeatureCollection",
        "features": [
            {"properties": {"status": "test"}, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}
        ],
    }
).encode()

CASES = [
    (read_gateways, GROUND_CSV), (read_gateways, GROUND_JSON), (read_availability, STATUSES), (read_availability_cells, GEOBUF),
    (read_availability_cells, GEOJSON),
]  # fmt: skip


def check(reader: Reader, data: bytes) -> None:
    message = ""
    try:
        _, intake = reader(data)
    except CatalogError as error:
        message = str(error)
    else:
        assert intake.read == intake.used + len(intake.left_out)
        assert intake.used > 0
    assert "\n" not in message


@pytest.mark.parametrize(("reader", "sound"), CASES)
def test_the_sound_files_are_read(reader: Reader, sound: bytes) -> None:
    _, intake = reader(sound)
    assert intake.used > 0


@pytest.mark.parametrize(("reader", "sound"), CASES)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_is_refused_or_accounted_for(reader: Reader, sound: bytes, data: st.DataObject) -> None:
    damaged = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    check(reader, bytes(damaged[:cut]))


@given(noise=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_noise_never_escapes_as_another_error(noise: bytes) -> None:
    for reader in (read_gateways, read_availability, read_availability_cells):
        check(reader, noise)
