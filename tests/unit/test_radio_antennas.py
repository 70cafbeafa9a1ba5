import numpy as np
import pytest

from overflight.errors import InputError
from overflight.radio.antennas import (
    aperture_gain_dbi,
    footprint_km,
    half_beamwidth_deg,
    nadir_angle_deg,
    satellite_gain_s1528_dbi,
    satellite_gain_s1528_leo_dbi,
    scan_loss_db,
    terminal_gain_s465_dbi,
    terminal_gain_s1428_dbi,
)


def test_scan_loss():
    assert scan_loss_db(60.0, exponent=1.0) == pytest.approx(3.0103, abs=1e-4)
    assert scan_loss_db([0.0, 60.0], exponent=1.5).tolist() == pytest.approx([0.0, 4.5154], abs=1e-4)
    with pytest.raises(InputError, match="below 90°"):
        scan_loss_db(90.0)


def test_footprint_below_the_satellite_is_round_and_longer_away():
    along, across = footprint_km([90.0, 25.0], altitude_km=550.0, half_beamwidth_deg=1.0)
    assert along[0] == pytest.approx(across[0])
    assert across[0] == pytest.approx(2 * np.radians(1.0) * 550.0, rel=1e-6)
    assert across[1] == pytest.approx(2 * np.radians(1.0) * 1122.8, rel=1e-3)
    assert along[1] == pytest.approx(across[1] / np.sin(np.radians(25.0)), rel=1e-6)
    scanned, _ = footprint_km(25.0, altitude_km=550.0, half_beamwidth_deg=1.0, scan_exponent=1.0)
    assert scanned == pytest.approx(along[1] / np.cos(np.radians(nadir_angle_deg(25.0, altitude_km=550.0))))


@pytest.mark.parametrize(
    "gain",
    [
        lambda angle: satellite_gain_s1528_dbi(angle, peak_gain_dbi=36.0, half_beamwidth_deg=1.2),
        lambda angle: satellite_gain_s1528_leo_dbi(angle, peak_gain_dbi=36.0, half_beamwidth_deg=1.2),
        lambda angle: terminal_gain_s1428_dbi(angle, diameter_m=0.6, frequency_ghz=11.7),
        lambda angle: terminal_gain_s465_dbi(angle, diameter_m=0.6, frequency_ghz=11.7),
    ],
)
def test_patterns_are_even_and_finite_everywhere(gain):
    angles = np.array([0.0, 1e-9, 0.3, 1.2, 3.0, 5.0, 20.0, 89.0, 91.0, 180.0])
    values = gain(angles)
    assert np.isfinite(values).all()
    assert np.array_equal(gain(-angles), values)
    assert values.argmax() == 0


def test_what_the_recommendations_do_not_have_is_refused():
    with pytest.raises(InputError, match="−15, −20, −25 and −30"):
        satellite_gain_s1528_dbi(1.0, peak_gain_dbi=36.0, half_beamwidth_deg=1.2, side_lobe_db=-22.0)
    with pytest.raises(InputError, match="begins at 20"):
        terminal_gain_s1428_dbi(1.0, diameter_m=0.3, frequency_ghz=11.7)
    with pytest.raises(InputError, match="above 0"):
        half_beamwidth_deg(0.5, frequency_ghz=0.0)
    with pytest.raises(InputError, match="fraction of 1"):
        aperture_gain_dbi(0.5, frequency_ghz=11.7, efficiency=1.2)
    with pytest.raises(InputError, match="a ratio from 1"):
        satellite_gain_s1528_dbi(1.0, peak_gain_dbi=36.0, half_beamwidth_deg=0.0)
    with pytest.raises(InputError, match="degrees above 0"):
        satellite_gain_s1528_leo_dbi(1.0, peak_gain_dbi=36.0, half_beamwidth_deg=-1.0)
