"""What holds for any Walker shell and any fleet."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.clock import add_seconds
from overflight.orbit.elements import ElementSets, mean_motion_at_altitude_rev_day
from overflight.orbit.fleet import assign_planes, find_in_service
from overflight.orbit.shells import WalkerShell, shell_elements

EPOCH = np.datetime64("2026-08-22T00:00:00", "us")


@st.composite
def shells(draw: st.DrawFn) -> WalkerShell:
    planes, per_plane = draw(st.integers(1, 40)), draw(st.integers(1, 30))
    places = planes * per_plane
    return WalkerShell(
        name="s",
        planes=planes,
        satellites_per_plane=per_plane,
        satellites=draw(st.integers(max(1, places - planes), places)),
        altitude_km=draw(st.floats(300.0, 2000.0)),
        mean_motion_rev_day=None,
        inclination_deg=draw(st.floats(1.0, 179.0)),
        pattern=draw(st.sampled_from(["delta", "star"])),
        phasing_f=draw(st.integers(0, planes - 1)),
        first_raan_deg=draw(st.floats(0.0, 360.0)),
    )


@given(shells())
@settings(max_examples=60, deadline=None)
def test_any_shell_has_its_satellites_in_distinct_places_and_serves_whole(shell: WalkerShell) -> None:
    table = shell_elements([shell], EPOCH)
    assert len(table) == shell.satellites
    assert len(set(zip(table.plane.tolist(), table.slot.tolist(), strict=True))) == shell.satellites
    per_plane = np.bincount(table.plane, minlength=shell.planes)
    assert per_plane.max() - per_plane.min() <= 1
    assert find_in_service(table).mask.all()


@given(shell=shells(), hours=st.floats(-48.0, 48.0))
@settings(max_examples=40, deadline=None)
def test_planes_of_any_shell_are_found_again(shell: WalkerShell, hours: float) -> None:
    table = shell_elements([shell], EPOCH)
    found = assign_planes(table, add_seconds(EPOCH, hours * 3600.0))
    pairs = set(zip(found.plane.tolist(), table.plane.tolist(), strict=True))
    assert len(pairs) == len(set(table.plane.tolist())) == len(set(found.plane.tolist()))
    assert len(set(zip(found.shell.tolist(), found.plane.tolist(), found.slot.tolist(), strict=True))) == len(table)


@given(
    altitudes=st.lists(st.floats(150.0, 1500.0), min_size=1, max_size=120),
    inclination=st.lists(st.sampled_from([43.0, 53.0, 53.2, 97.6]), min_size=120, max_size=120),
    dots=st.lists(st.floats(-0.05, 0.05), min_size=120, max_size=120),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_and_order_does_not_matter(altitudes: list[float], inclination: list[float], dots: list[float], seed: int) -> None:
    count = len(altitudes)
    fleet = ElementSets.from_columns(
        norad_id=np.arange(1, count + 1),
        epoch=np.full(count, EPOCH),
        mean_motion_rev_day=[mean_motion_at_altitude_rev_day(altitude) for altitude in altitudes],
        inclination_deg=inclination[:count],
        mean_motion_dot=dots[:count],
    )
    found = find_in_service(fleet)
    assert found.mask.sum() + sum(number for _, number in found.left_out) == count
    assert all(number > 0 for _, number in found.left_out)
    assert np.array_equal(found.mask, found.reason < 0)
    order = np.random.default_rng(seed).permutation(count)
    again = find_in_service(fleet.select(order))
    assert np.array_equal(again.mask, found.mask[order])
    assert again.left_out == found.left_out
