import numpy as np
import pytest

from overflight.clock import parse_time
from overflight.errors import TimeError
from overflight.schedule.slots import slot_numbers, slot_starts


def test_slots_begin_at_12_27_42_57():
    starts = slot_starts(parse_time("2026-08-22T00:00:00Z"), parse_time("2026-08-22T00:02:00Z"))
    assert [str(s)[14:19] for s in starts] == ["00:12", "00:27", "00:42", "00:57", "01:12", "01:27", "01:42", "01:57"]
    assert starts.dtype == np.dtype("datetime64[us]")


@pytest.mark.parametrize(
    ("start", "first"),
    [("00:00:12", "00:00:12"), ("00:00:12.000001", "00:00:27"), ("00:00:58", "00:01:12"), ("23:59:58", "2026-08-23T00:00:12")],
)
def test_first_slot_is_the_first_boundary_not_before_the_start(start, first):
    begin = parse_time(f"2026-08-22T{start}Z")
    expected = np.datetime64(first if "T" in first else f"2026-08-22T{first}", "us")
    assert slot_starts(begin, begin + np.timedelta64(1, "m"))[0] == expected


@pytest.mark.parametrize("start", ["2026-08-22T00:00:00Z", "2026-08-22T03:14:15.926535Z", "1969-07-20T20:17:40Z"])
def test_a_day_has_5760_slots(start):
    begin = parse_time(start)
    assert len(slot_starts(begin, begin + np.timedelta64(24, "h"))) == 5760


def test_another_step_and_offset():
    begin = parse_time("2000-01-01T00:00:00Z")
    starts = slot_starts(begin, begin + np.timedelta64(1, "s"), step_s=0.1, offset_s=0.0)
    assert len(starts) == 10
    assert starts[1] - starts[0] == np.timedelta64(100_000, "us")
    assert starts[0] == begin


def test_numbers_count_slots_and_do_not_depend_on_the_start():
    begin = parse_time("2026-08-22T00:00:00Z")
    day = slot_starts(begin, begin + np.timedelta64(24, "h"))
    numbers = slot_numbers(day)
    assert np.array_equal(np.diff(numbers), np.ones(5759))
    assert np.array_equal(slot_numbers(day + np.timedelta64(14_999_999, "us")), numbers)
    later = slot_starts(begin + np.timedelta64(3601, "s"), begin + np.timedelta64(2, "h"))
    assert slot_numbers(later)[0] == numbers[np.searchsorted(day, later[0])]


@pytest.mark.parametrize(
    ("minutes", "step_s", "words"),
    [(-5, 15.0, "positive duration"), (0, 15.0, "positive duration"), (1, 0.0, "positive number"), (1, np.nan, "positive")],
)
def test_bad_ranges_are_refused(minutes, step_s, words):
    begin = parse_time("2026-08-22T00:00:00Z")
    with pytest.raises(TimeError, match=words):
        slot_starts(begin, begin + np.timedelta64(minutes, "m"), step_s=step_s)


def test_a_range_without_a_slot_is_refused():
    begin = parse_time("2026-08-22T00:00:13Z")
    with pytest.raises(TimeError, match="no slot"):
        slot_starts(begin, begin + np.timedelta64(2, "s"))
