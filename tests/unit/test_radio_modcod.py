import numpy as np
import pytest

from overflight.errors import ScenarioError
from overflight.radio._link_kernels import look_up_efficiency
from overflight.radio.modcod import efficiency_table, find_modcod, read_modcods, spectral_efficiency, useful_modcods


def test_below_the_most_robust_nothing_is_carried():
    assert spectral_efficiency(-2.86) == 0.0
    assert spectral_efficiency(-2.85) == pytest.approx(0.434841)
    assert find_modcod(-2.86) is None
    assert find_modcod(-2.85) == "QPSK 2/9"


def test_a_threshold_is_reached_exactly_at_it():
    for name, need_db, bits in zip(useful_modcods().name, useful_modcods().es_n0_db, useful_modcods().efficiency_bit_symbol, strict=True):
        assert spectral_efficiency(need_db) == bits
        assert find_modcod(need_db) == name
        assert spectral_efficiency(need_db + 1.3, margin_db=1.3) == bits


def test_useful_modcods_rise():
    useful = useful_modcods()
    assert (np.diff(useful.efficiency_bit_symbol) > 0.0).all()
    assert (np.diff(useful.es_n0_db) > 0.0).all()
    assert len(read_modcods().name) == 67


def test_roll_off_divides_and_the_ceiling_cuts():
    assert spectral_efficiency(30.0, roll_off=0.25) == pytest.approx(5.900855 / 1.25)
    assert spectral_efficiency(30.0, ceiling_bit_s_hz=4.0) == 4.0
    assert spectral_efficiency(3.0, model="shannon", gap_db=3.0) == pytest.approx(1.0)


def test_what_is_not_a_number_carries_nothing():
    assert spectral_efficiency([np.nan, 10.0]).tolist() == [0.0, pytest.approx(2.856231)]
    assert spectral_efficiency(np.nan, model="shannon") == 0.0
    table = efficiency_table()
    assert [look_up_efficiency(table, ratio) for ratio in (np.nan, 0.0, -1.0, 1e-300)] == [0.0] * 4
    assert look_up_efficiency(table, np.inf) == pytest.approx(5.900855)


@pytest.mark.parametrize("wrong", [{"model": "dvb-s3"}, {"roll_off": -0.1}, {"ceiling_bit_s_hz": -1.0}, {"margin_db": float("nan")}])
def test_nonsense_is_refused_in_one_line(wrong):
    with pytest.raises(ScenarioError, match=r"^[^\n]+$"):
        spectral_efficiency(10.0, **wrong)
