"""Whatever the bytes: the account adds up, nothing but an `ElementSetError` is raised; and what is written is read back."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.test_orbit_elements import OMM_WRITERS, RECORD, TWO, checked

from overflight.errors import ElementSetError
from overflight.orbit._records import full_designator
from overflight.orbit.elements import ElementSets, parse_elements

ALPHA5 = "ABCDEFGHJKLMNPQRSTUVWXYZ"
SAMPLES = {
    "tle": TWO,
    **{kind: write(RECORD, {**RECORD, "NORAD_CAT_ID": 44718}) for kind, write in OMM_WRITERS.items()},
}


def read(data: bytes) -> ElementSets | None:
    try:
        table, intake = parse_elements(data, source="file")
    except ElementSetError as error:
        if "\n" in str(error):
            raise AssertionError(repr(error)) from error
        return None
    assert intake.read == intake.used + len(intake.left_out)
    assert intake.used == len(table) > 0
    assert all(str(one) and "\n" not in str(one) for one in intake.left_out)
    for column in ("mean_motion_rev_day", "eccentricity", "inclination_deg", "bstar", "mean_motion_dot"):
        assert np.all(np.isfinite(getattr(table, column)))
    assert np.all((table.eccentricity >= 0.0) & (table.eccentricity < 1.0))
    return table


@given(data=st.data(), kind=st.sampled_from(sorted(SAMPLES)))
@settings(max_examples=400, deadline=None)
def test_any_corruption_is_accounted_for(data: st.DataObject, kind: str) -> None:
    sample = bytearray(SAMPLES[kind].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, max(len(sample) - 1, 0)))
        action = data.draw(st.sampled_from(["set", "delete", "insert", "cut"]))
        if not sample:
            break
        if action == "set":
            sample[position] = data.draw(st.integers(0, 255))
        elif action == "insert":
            sample[position:position] = data.draw(st.binary(max_size=8))
        else:
            del sample[position : position + 1 if action == "delete" else None]
    read(bytes(sample))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_accounted_for(data: bytes) -> None:
    read(data)


@given(data=st.data(), kind=st.sampled_from(sorted(SAMPLES)))
@settings(max_examples=150, deadline=None)
def test_a_truncated_file_keeps_its_first_record(data: st.DataObject, kind: str) -> None:
    text = SAMPLES[kind]
    first_ends = {"tle": "STARLINK-1012", "json": " },\n", "csv": "44718", "xml": "</omm>\n", "kvn": "44718"}[kind]
    cut = data.draw(st.integers(text.index(first_ends) + len(first_ends), len(text)))
    table = read(text[:cut].encode())
    assert table is not None
    assert table.norad_id[0] == 44714


elements = st.fixed_dictionaries(
    {
        "id": st.integers(1, 339_999),
        "epoch_day": st.tuples(st.integers(0, 99), st.integers(1, 365), st.integers(0, 99_999_999)),
        "mean_motion": st.integers(1, 17_99999999),
        "eccentricity": st.integers(0, 9_999_999),
        "inclination": st.integers(0, 1_800_000),
        "raan": st.integers(0, 3_600_000),
        "perigee": st.integers(0, 3_600_000),
        "anomaly": st.integers(0, 3_600_000),
        "bstar": st.tuples(st.integers(-99_999, 99_999), st.integers(-9, 9)),
        "dot": st.integers(-99_999_999, 99_999_999),
    }
)


def tle_of(e: dict) -> str:
    number = f"{e['id']:05d}" if e["id"] < 100_000 else f"{ALPHA5[e['id'] // 10_000 - 10]}{e['id'] % 10_000:04d}"
    year, day, fraction = e["epoch_day"]
    mantissa, exponent = e["bstar"]
    bstar = f"{'-' if mantissa < 0 else ' '}{abs(mantissa):05d}{exponent:+d}"
    dot = f"{'-' if e['dot'] < 0 else ' '}.{abs(e['dot']):08d}"
    first = f"1 {number}U 20001A   {year:02d}{day:03d}.{fraction:08d} {dot}  00000+0 {bstar} 0  999"
    angles = [f"{value // 10_000:3d}.{value % 10_000:04d}" for value in (e["inclination"], e["raan"], e["perigee"], e["anomaly"])]
    motion = f"{e['mean_motion'] // 10**8:2d}.{e['mean_motion'] % 10**8:08d}"
    second = f"2 {number} {angles[0]} {angles[1]} {e['eccentricity']:07d} {angles[2]} {angles[3]} {motion}    1"
    return f"{checked(first)}\n{checked(second)}\n"


@given(elements)
@settings(max_examples=200, deadline=None)
def test_tle_is_read_as_written_and_as_its_omm(e: dict) -> None:
    table = read(tle_of(e).encode())
    assert table is not None
    year, day, fraction = e["epoch_day"]
    start = np.datetime64(f"{1900 + year if year >= 57 else 2000 + year}-01-01", "us")
    assert table.norad_id[0] == e["id"]
    assert table.epoch[0] == start + np.timedelta64((day - 1) * 86_400_000_000 + fraction * 864, "us")
    assert table.mean_motion_rev_day[0] == float(f"{e['mean_motion'] / 1e8:.8f}")
    assert table.eccentricity[0] == e["eccentricity"] / 1e7
    assert table.raan_deg[0] == e["raan"] / 1e4
    assert table.bstar[0] == float(f"{e['bstar'][0]}e{e['bstar'][1] - 5}")
    assert table.mean_motion_dot[0] == e["dot"] / 1e8
    record = {
        "OBJECT_NAME": table.name[0],
        "OBJECT_ID": full_designator("20001A"),
        "EPOCH": str(table.epoch[0]),
        "NORAD_CAT_ID": e["id"],
        "MEAN_MOTION": table.mean_motion_rev_day[0],
        "ECCENTRICITY": table.eccentricity[0],
        "INCLINATION": table.inclination_deg[0],
        "RA_OF_ASC_NODE": table.raan_deg[0],
        "ARG_OF_PERICENTER": table.argument_of_perigee_deg[0],
        "MEAN_ANOMALY": table.mean_anomaly_deg[0],
        "BSTAR": table.bstar[0],
        "MEAN_MOTION_DOT": table.mean_motion_dot[0],
        "MEAN_MOTION_DDOT": table.mean_motion_ddot[0],
    }
    for kind, write in OMM_WRITERS.items():
        again = read(write(json.loads(json.dumps(record))).encode())
        assert again is not None, kind
        for column in table.__dataclass_fields__:
            assert np.array_equal(getattr(again, column), getattr(table, column)), (kind, column)


@given(st.permutations(range(6)))
@settings(max_examples=30, deadline=None)
def test_order_of_records_does_not_matter(order: list[int]) -> None:
    """Three satellites with two epochs each: the same three element sets are used, whatever the order."""
    records = [{**RECORD, "NORAD_CAT_ID": 1 + k % 3, "EPOCH": f"2026-08-2{1 + k // 3}T00:00:00"} for k in range(6)]
    table = read(json.dumps([records[k] for k in order]).encode())
    assert table is not None
    assert sorted(table.norad_id.tolist()) == [1, 2, 3]
    assert {str(epoch) for epoch in table.epoch} == {"2026-08-22T00:00:00.000000"}
