"""Terminals are neither made nor lost, whatever the cells' order; more people never get fewer terminals; files are accounted for."""

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from overflight.earth.population import built_in_cells
from overflight.errors import InputError
from overflight.service._terminals_files import parse_terminals
from overflight.service.demand import activity, busy_hour_factors
from overflight.service.spreading import METHODS, apportion, distribute_terminals
from overflight.service.terminals import make_terminals

PEOPLE = st.lists(st.one_of(st.integers(0, 10), st.integers(0, 10_000_000), st.floats(0.0, 1e7)), min_size=1, max_size=60)
COUNTS = st.one_of(st.integers(0, 200), st.integers(0, 10_000_000))
CELLS = built_in_cells("TO")
SOUND = (f"cell,terminals,class\n{int(CELLS[0]):x},12,consumer\n{int(CELLS[1]):x},3,maritime\n").encode()
BY_PEOPLE = ("population", "thin", "largest-unserved-first")


@st.composite
def cases(draw):
    people = np.array(draw(PEOPLE), dtype=np.float64)
    if not people.sum() > 0.0:
        people[0] = 1.0
    keys = np.array(draw(st.lists(st.integers(0, 2**63), min_size=len(people), max_size=len(people), unique=True)), dtype=np.uint64)
    return people, keys


@pytest.mark.parametrize("method", METHODS)
@given(case=cases(), count=COUNTS)
@example(case=(np.array([0.0, 5e-324]), np.array([0, 1], dtype=np.uint64)), count=2)
@example(case=(np.array([2.22507386e-311]), np.array([0], dtype=np.uint64)), count=1)
@settings(max_examples=100, deadline=None)
def test_sums_are_exact(method, case, count) -> None:
    people, keys = case
    counts = distribute_terminals(people, count, method=method, cell_ids=keys, people_per_terminal=3.0)
    assert counts.dtype == np.int64
    assert counts.sum() == count
    assert counts.min() >= 0


@pytest.mark.parametrize("method", METHODS)
@given(case=cases(), count=COUNTS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_of_cells_does_not_matter(method, case, count, data) -> None:
    people, keys = case
    order = np.array(data.draw(st.permutations(range(len(people)))))
    counts = distribute_terminals(people, count, method=method, cell_ids=keys)
    np.testing.assert_array_equal(distribute_terminals(people[order], count, method=method, cell_ids=keys[order]), counts[order])


@pytest.mark.parametrize("method", BY_PEOPLE)
@given(case=cases(), count=COUNTS)
@settings(max_examples=60, deadline=None)
def test_more_people_never_get_fewer(method, case, count) -> None:
    people, keys = case
    counts = distribute_terminals(people, count, method=method, cell_ids=keys)
    order = np.lexsort((counts, people))
    differs = np.diff(people[order]) > 0.0
    if method == "largest-unserved-first" and count > np.ceil(people).sum():
        return  # beyond everyone served, two roundings add up
    assert (np.diff(counts[order])[differs] >= 0).all()


@given(case=cases(), count=COUNTS)
@settings(max_examples=60, deadline=None)
def test_shares_are_kept_to_less_than_one(case, count) -> None:
    people, keys = case
    counts = apportion(people, count, keys)
    assert np.abs(counts - people * (count / people.sum())).max() < 1.0 + 1e-6


@given(case=cases(), count=st.integers(0, 5000), more=st.integers(0, 5000))
@settings(max_examples=60, deadline=None)
def test_filling_never_takes_a_terminal_away(case, count, more) -> None:
    people, keys = case
    room = int(np.ceil(people).sum())
    less, greater = min(count, room), min(count + more, room)
    fewer, many = (distribute_terminals(people, number, method="largest-unserved-first", cell_ids=keys) for number in (less, greater))
    assert (many >= fewer).all()


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 9)), min_size=1, max_size=50))
@settings(deadline=None)
def test_carrying_to_a_sample_loses_nobody(pairs) -> None:
    counts, rows = (np.array(column) for column in zip(*pairs, strict=True))
    carried = make_terminals(counts, source="here", status="assumed").carry(rows)
    assert carried.total == counts.sum()
    np.testing.assert_array_equal(carried.by_cell, np.bincount(rows, weights=counts))


@given(st.floats(-180.0, 180.0), st.integers(0, 4_000_000_000))
@settings(deadline=None)
def test_a_day_later_and_a_turn_further_all_is_alike(lon_deg, second) -> None:
    instant = np.array([np.datetime64(second, "s")])
    one = activity(instant, [lon_deg])
    np.testing.assert_allclose(activity(instant + np.timedelta64(86_400, "s"), [lon_deg]), one, atol=1e-9)
    np.testing.assert_allclose(activity(instant, [lon_deg + 360.0]), one, atol=1e-9)
    np.testing.assert_allclose(activity(instant + np.timedelta64(3_600, "s"), [lon_deg - 15.0]), one, atol=1e-9)
    assert busy_hour_factors().min() - 1e-12 <= one[0, 0] <= 1.0


def read_or_refuse(data: bytes) -> None:
    message = ""
    try:
        counts, intake = parse_terminals(data, source="t.csv", cell_ids=CELLS, territory_name="Tonga", strict=False)
    except InputError as error:
        message = str(error)
    else:
        assert intake.read == intake.used + len(intake.left_out)
        assert intake.used > 0
        assert counts.min() >= 0
        assert all("\n" not in str(item) for item in intake.left_out)
    assert "\n" not in message


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_is_refused_or_accounted_for(data: st.DataObject) -> None:
    damaged = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))


@given(noise=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: f"lat,lon,terminals\n{text}".encode())))
@settings(max_examples=300, deadline=None)
def test_noise_never_escapes_as_another_error(noise: bytes) -> None:
    read_or_refuse(noise)


@given(st.lists(st.tuples(st.integers(0, len(CELLS) - 1), st.integers(0, 1000)), min_size=1, max_size=30, unique_by=lambda row: row[0]))
@settings(max_examples=60, deadline=None)
def test_the_order_of_lines_does_not_matter(rows) -> None:
    def read(lines):
        data = "cell,terminals\n" + "\n".join(f"{int(CELLS[cell]):x},{count}" for cell, count in lines)
        return parse_terminals(data.encode(), source="t.csv", cell_ids=CELLS, territory_name="Tonga", strict=False)[0]

    np.testing.assert_array_equal(read(rows), read(rows[::-1]))
    assert read(rows).sum() == sum(count for _, count in rows)
    assert h3.is_valid_cell(int(CELLS[0]))
