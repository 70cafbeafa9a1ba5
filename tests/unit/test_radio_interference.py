import numpy as np
import pytest

from overflight.errors import InputError
from overflight.radio.antennas import half_beamwidth_deg
from overflight.radio.interference import find_interference, make_interference_model, tabulate_pattern

MODEL = make_interference_model(11.7)
CELLS = np.array([[6371.0, 0.0, 0.0], [6371.0, 30.0, 0.0], [6371.0, 0.0, 200.0]])
SATELLITES = np.array([[6921.0, 6900.0], [0.0, 300.0], [0.0, 0.0]])


def test_a_beam_alone_has_none():
    found = find_interference(MODEL, cell=[0], satellite=[0], channel=[0], cells_km=CELLS, positions_km=SATELLITES)
    assert found.total.tolist() == [0.0]


def test_other_channels_do_not_matter():
    found = find_interference(MODEL, cell=[0, 1], satellite=[0, 0], channel=[0, 1], cells_km=CELLS, positions_km=SATELLITES)
    assert found.total.tolist() == [0.0, 0.0]


def test_two_beams_of_a_satellite_see_each_others_pattern():
    lobe = tabulate_pattern(lambda angle: np.where(angle < 1.0, 0.0, -17.0))
    model = type(MODEL)(MODEL.ring_km, lobe, MODEL.ground_pattern, 0.0)
    for is_up, stretch in ((False, (550.0**2 + 30.0**2) / 550.0**2), (True, 1.0)):
        found = find_interference(
            model, cell=[0, 1], satellite=[0, 0], channel=[3, 3], cells_km=CELLS, positions_km=SATELLITES, is_up=is_up
        )
        assert found.same_satellite[0] == pytest.approx(10**-1.7 * stretch, rel=1e-9)
        assert found.other_satellites.tolist() == [0.0, 0.0]


def test_another_satellites_beam_counts_within_the_ring_only():
    near = find_interference(MODEL, cell=[0, 1], satellite=[0, 1], channel=[0, 0], cells_km=CELLS, positions_km=SATELLITES)
    far = find_interference(MODEL, cell=[0, 2], satellite=[0, 1], channel=[0, 0], cells_km=CELLS, positions_km=SATELLITES)
    assert (near.other_satellites > 0.0).all()
    assert near.same_satellite.tolist() == [0.0, 0.0]
    assert far.total.tolist() == [0.0, 0.0]


def test_the_default_beam_is_some_degrees_wide():
    assert 2.0 < 2.0 * half_beamwidth_deg(0.7, frequency_ghz=11.7) < 3.0
    assert MODEL.other_systems == pytest.approx(1e-3)


def test_no_beams():
    nothing = np.empty(0, np.int32)
    found = find_interference(MODEL, cell=nothing, satellite=nothing, channel=nothing, cells_km=CELLS, positions_km=SATELLITES, threads=2)
    assert found.total.size == 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"cell": [0, 3]}, "a cell outside 0..2"),
        ({"satellite": [0, 2]}, "a satellite outside 0..1"),
        ({"channel": [0, -1]}, "a channel outside"),
        ({"channel": [0]}, "give one of each per beam"),
        ({"positions_km": SATELLITES.T}, r"give \(cells, 3\)"),
        ({"positions_km": np.where(np.arange(2) == 1, np.nan, SATELLITES)}, "satellite 1 has no position"),
    ],
)
def test_what_cannot_be_is_refused(wrong, says):
    given = {"cell": [0, 1], "satellite": [0, 1], "channel": [0, 0], "cells_km": CELLS, "positions_km": SATELLITES, **wrong}
    with pytest.raises(InputError, match=says):
        find_interference(MODEL, **given)
