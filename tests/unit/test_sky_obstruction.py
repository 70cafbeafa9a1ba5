"""Obstruction masks: interpolation round the horizon, reading, refusals."""

import numpy as np
import pytest

from overflight.errors import InputError
from overflight.sky.obstruction import ObstructionMask, parse_obstruction


def test_linear_between_points_and_round_north():
    mask = ObstructionMask([350.0, 90.0, 180.0], [20.0, 0.0, 10.0])
    assert mask.limit_deg([180.0, 135.0, 90.0, 350.0, 40.0, 0.0, 360.0]) == pytest.approx([10.0, 5.0, 0.0, 20.0, 10.0, 18.0, 18.0])


def test_constant_mask_holds_where_it_is_higher():
    mask = ObstructionMask([0.0, 180.0], [60.0, 10.0])
    assert mask.limit_deg([0.0, 180.0], min_elevation_deg=25.0).tolist() == [60.0, 25.0]
    assert mask.clears([0.0, 0.0, 180.0], [59.9, 60.0, 10.0]).tolist() == [False, True, True]


def test_one_point_is_a_constant():
    assert ObstructionMask([77.0], [12.0]).limit_deg(np.arange(0.0, 360.0, 30.0)) == pytest.approx(np.full(12, 12.0))


def test_reads_csv_with_header_comments_and_negative_azimuths():
    mask = parse_obstruction(b"# roof\nazimuth_deg,elevation_deg\n-10, 20\n\n90,0\n", source="roof.csv")
    assert mask.azimuth_deg.tolist() == [90.0, 350.0]
    assert mask.elevation_deg.tolist() == [0.0, 20.0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no points"),
        (b"0,10\n90;20\n", "line 2"),
        (b"0,10\nnorth,20\n", "line 2"),
        (b"0,10\n1,2,3\n", "line 2"),
        (b"0,95\n", "within -90 to 90"),
        (b"nan,5\n", "finite"),
        (b"0,10\n360,20\n", "azimuth 0 comes twice"),
        (b"\xff\xfe0,1", "UTF-8"),
    ],
)
def test_what_is_wrong_is_said(data, words):
    with pytest.raises(InputError, match=words):
        parse_obstruction(data, source="roof.csv")


def test_points_must_pair_up():
    with pytest.raises(InputError, match="2 azimuths and 1 elevations"):
        ObstructionMask([0.0, 1.0], [1.0])
