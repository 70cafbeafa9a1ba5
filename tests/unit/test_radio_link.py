import numpy as np
import pytest

from overflight.catalog.versions import SatelliteVersions, read_versions
from overflight.errors import InputError, ScenarioError
from overflight.radio.link import (
    add_ratios_db,
    channel_rates_mbps,
    feeder_rates_gbps,
    link_budget,
    make_link_model,
    pfd_limit_article21_dbw_m2_mhz,
)

MINI = read_versions().row("starlink", "v2-mini")
OLDER = read_versions().row("starlink", "v1.5")
TABLE_DB = 0.02
"""The kernel's tables are within this of the formulas: 0.0085 dB of the step, 0.001 dB of the rest."""


@pytest.fixture(scope="module")
def down():
    return make_link_model("user-down", operator="starlink")


@pytest.fixture(scope="module")
def up():
    return make_link_model("user-up", operator="starlink")


def test_a_channel_of_a_v2_mini_carries_about_a_gigabit(down):
    budget = link_budget(down, range_km=560.0, elevation_deg=60.0, version=MINI)
    assert 900.0 <= budget.rate_mbps <= 1400.0
    assert budget.modcod is not None
    assert budget.width_mhz == 240.0


def test_an_uplink_channel_carries_a_tenth_of_that(up):
    assert 100.0 <= link_budget(up, range_km=560.0, elevation_deg=60.0, version=MINI).rate_mbps <= 200.0


def test_terms_add_up(down, up):
    for model in (down, up):
        b = link_budget(model, range_km=900.0, elevation_deg=32.0, version=MINI, attenuation_db=2.5)
        scan_db = b.satellite_scan_loss_db if model.is_up else b.ground_scan_loss_db
        c_over_n0 = b.eirp_dbw_mhz - b.free_space_loss_db - b.attenuation_db + b.gt_db_k - scan_db - b.noise_rise_db - b.other_losses_db
        assert b.c_over_n_db == pytest.approx(c_over_n0 + 228.5991672 - 60.0, abs=1e-9)
        assert b.c_over_ni_db == pytest.approx(add_ratios_db(b.c_over_n_db, b.c_over_i_db))
        assert b.rate_mbps == pytest.approx(b.efficiency_bit_s_hz * b.width_mhz * model.usable_share)
        names = [name for name, _, _ in b.lines()]
        assert "eirp" in names
        assert "rate" in names


def test_the_uplink_fights_rain_until_it_has_nothing_left(up):
    dry = link_budget(up, range_km=560.0, elevation_deg=80.0, version=MINI, attenuation_db=0.0)
    wet = link_budget(up, range_km=560.0, elevation_deg=80.0, version=MINI, attenuation_db=4.0)
    storm = link_budget(up, range_km=560.0, elevation_deg=80.0, version=MINI, attenuation_db=25.0)
    assert wet.c_over_n_db == pytest.approx(dry.c_over_n_db)
    assert wet.eirp_dbw == pytest.approx(dry.eirp_dbw + 4.0)
    assert storm.eirp_is_limited
    assert storm.c_over_n_db < dry.c_over_n_db - 10.0


def test_rain_costs_the_downlink_more_than_its_attenuation(down):
    dry, wet = (link_budget(down, range_km=560.0, elevation_deg=80.0, version=MINI, attenuation_db=a) for a in (0.0, 3.0))
    assert 3.0 < dry.c_over_n_db - wet.c_over_n_db < 6.0
    assert dry.noise_rise_db == 0.0


def test_pairs_by_satellite_or_by_pair_agree(down):
    satellite = np.array([0, 1, 1, 0], np.int32)
    version = np.array([OLDER, MINI], np.int32)
    pairs = {"range_km": [600.0, 600.0, 900.0, 900.0], "elevation_deg": [50.0, 50.0, 30.0, 30.0]}
    by_pair = channel_rates_mbps(down, version=version[satellite], **pairs)
    assert np.array_equal(channel_rates_mbps(down, version=version, satellite=satellite, **pairs), by_pair)
    assert by_pair[1] > by_pair[0]


def test_given_interference_replaces_the_nominal(down):
    pairs = {"range_km": [600.0], "elevation_deg": [50.0], "version": [MINI]}
    loud, quiet = (channel_rates_mbps(down, i_over_c=[ratio], **pairs)[0] for ratio in (0.3, 0.0))
    assert loud < channel_rates_mbps(down, **pairs)[0] < quiet


def test_single_precision_and_an_array_of_ones_own(down):
    out = np.empty(2)
    rates = channel_rates_mbps(
        down,
        range_km=np.array([600, 900], np.float32),
        elevation_deg=np.array([50, 30], np.float32),
        attenuation_db=np.array([0.5, 0.5], np.float32),
        version=[MINI, MINI],
        out=out,
    )
    assert rates is out
    assert (out > 0.0).all()


def test_what_is_not_a_number_has_no_rate(down):
    rates = channel_rates_mbps(
        down,
        range_km=[np.nan, 600.0, 600.0],
        elevation_deg=[50.0, np.nan, 50.0],
        attenuation_db=[0.0, 0.0, np.nan],
        version=[MINI] * 3,
    )
    assert rates.tolist() == [0.0] * 3


def test_no_pairs(down):
    assert channel_rates_mbps(down, range_km=[], elevation_deg=[], version=np.empty(0, np.int32), attenuation_db=[]).size == 0


def test_feeders_carry_what_is_reported_in_clear_sky():
    model = make_link_model("feeder-up", operator="starlink")
    pair = {"range_km": [700.0], "elevation_deg": [45.0], "version": [OLDER]}
    clear = feeder_rates_gbps(model, **pair)
    assert 20.8 <= clear[0] <= 23.0
    assert feeder_rates_gbps(model, cap_gbps=20.8, **pair)[0] == 20.8
    assert feeder_rates_gbps(model, attenuation_db=[30.0], **pair)[0] < 0.5 * clear[0]
    e_band = make_link_model("feeder-e-up", operator="starlink")
    assert 40.0 <= feeder_rates_gbps(e_band, **pair)[0] <= 60.0


def test_parameters_and_versions_of_ones_own():
    plain = make_link_model("user-down", operator="starlink")
    better = make_link_model("user-down", operator="starlink", parameters={"pfd_offset_db": 1.0})
    assert (better.level_dbw_m2_mhz == plain.level_dbw_m2_mhz + 1.0).all()
    assert make_link_model("user-down", operator="starlink", terminal_gt_db_k=14.0).gt_db_k[0] == 14.0
    low = make_link_model("user-down", operator="starlink", versions=SatelliteVersions.at(-1.0))
    assert low.level_dbw_m2_mhz[MINI] == -122.0
    with pytest.raises(ScenarioError, match="'pfd_ofset_db' is not known; nearest: pfd_offset_db"):
        make_link_model("user-down", operator="starlink", parameters={"pfd_ofset_db": 1.0})


def test_ka_terminals_have_their_own_values():
    assert make_link_model("user-down", operator="kuiper").gt_db_k[0] == 12.0
    assert make_link_model("user-down", operator="starlink").gt_db_k[0] == 10.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"elevation_deg": [50.0, 40.0]},
        {"version": [99]},
        {"version": [MINI], "satellite": [1]},
        {"attenuation_db": [0.0, 1.0]},
        {"i_over_c": [0.0, 1.0]},
        {"out": np.empty(3)},
    ],
)
def test_shapes_and_rows_are_checked(down, wrong):
    pairs = {"range_km": [600.0], "elevation_deg": [50.0], "version": [MINI], **wrong}
    with pytest.raises(InputError, match=r"^[^\n]+$"):
        channel_rates_mbps(down, **pairs)


@pytest.mark.parametrize("wrong", [{"range_km": 0.0}, {"elevation_deg": -1.0}, {"version": 50}])
def test_a_budget_needs_a_place_that_sees_the_satellite(down, wrong):
    with pytest.raises(InputError, match="give a place that sees the satellite"):
        link_budget(down, **{"range_km": 600.0, "elevation_deg": 50.0, "version": MINI, **wrong})


def test_article_21_has_no_limits_elsewhere():
    with pytest.raises(InputError, match=r"10\.7 to 12\.7 and 17\.7 to 19\.3"):
        pfd_limit_article21_dbw_m2_mhz(30.0, frequency_ghz=20.0)
