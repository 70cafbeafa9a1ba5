"""Links against what standards, papers and operators publish."""

import math
import re

import numpy as np
import pytest

from overflight.catalog.parameters import parameter_values
from overflight.catalog.versions import classify_versions, read_versions
from overflight.orbit.elements import mean_altitude_km, read_elements
from overflight.radio.antennas import (
    aperture_gain_dbi,
    satellite_gain_s1528_dbi,
    satellite_gain_s1528_leo_dbi,
    terminal_gain_s465_dbi,
    terminal_gain_s1428_dbi,
)
from overflight.radio.free_space import free_space_loss_p525_db
from overflight.radio.link import carrier_to_noise_db, link_budget, make_link_model, pfd_limit_article21_dbw_m2_mhz
from overflight.radio.modcod import find_modcod, read_modcods, spectral_efficiency
from overflight.radio.spectrum import channel_plan

EFFICIENCY_BIT_SYMBOL = 1e-6
"""The standard's last digit."""
PUBLISHED_DB = 0.06
"""Papers give tenths."""
PUBLISHED_MBPS = 0.06
MISCLASSIFIED_SHARE = 0.015
"""Satellites whose version the default rule may get wrong, of 10,746."""

BCH_BITS = (128, 160, 192)
"""Parity of the outer code in normal frames, by the number of errors it corrects: 8, 10 or 12 (EN 302 307-1, table 5a)."""


class TestEtsi:
    def test_efficiencies_follow_from_the_frames(self):
        table = read_modcods()
        for name, bits, efficiency in zip(table.name, table.bits_per_symbol.tolist(), table.efficiency_bit_symbol, strict=True):
            rate = name.split()[1].removesuffix("-L")
            over, under = (int(part) for part in rate.split("/"))
            # A frame of 64,800 coded bits in slots of 90 symbols behind a header of 90; 80 bits of each frame are its own header.
            symbols = 90 * math.ceil(64_800 / bits / 90) + 90
            possible = [(64_800 * over // under - parity - 80) / symbols for parity in BCH_BITS]
            assert min(abs(efficiency - value) for value in possible) < EFFICIENCY_BIT_SYMBOL, name

    @pytest.mark.parametrize(
        ("name", "es_n0_db", "efficiency"),
        [
            ("QPSK 1/4", -2.35, 0.490243),
            ("QPSK 1/2", 1.00, 0.988858),
            ("8PSK 2/3", 6.62, 1.980636),
            ("16APSK 3/4", 10.21, 2.966728),
            ("32APSK 9/10", 16.05, 4.453027),
            ("QPSK 13/45", -2.03, 0.567805),
            ("64APSK 4/5", 15.87, 4.735354),
            ("256APSK 3/4", 19.57, 5.900855),
        ],
    )
    def test_thresholds_of_the_standards_tables(self, name, es_n0_db, efficiency):
        row = read_modcods().name.index(name)
        assert read_modcods().es_n0_db[row] == es_n0_db
        assert read_modcods().efficiency_bit_symbol[row] == efficiency

    def test_no_modcod_beats_shannon(self):
        table = read_modcods()
        assert (table.efficiency_bit_symbol < np.log2(1.0 + 10.0 ** (table.es_n0_db / 10.0))).all()


class TestRecommendations:
    def test_s1528_recommends_1_2(self):
        def gain(angle):
            return float(satellite_gain_s1528_dbi(angle, peak_gain_dbi=38.0, half_beamwidth_deg=1.0))

        assert gain(0.0) == 38.0
        assert gain(1.0) == pytest.approx(35.0)  # half power at ψ_b
        assert gain(2.58) == pytest.approx(38.0 - 3.0 * 2.58**1.5)
        assert gain(2.6) == gain(5.0) == pytest.approx(18.0)  # G_m + L_N up to b ψ_b
        assert gain(10.0) == pytest.approx(18.0 + 25.0 * math.log10(0.632))  # X − 25 log ψ
        assert gain(33.1) == pytest.approx(0.023, abs=0.01)  # Y = 6.32 · 10^0.72 = 33.17°
        assert gain(60.0) == 0.0
        assert gain(120.0) == pytest.approx(15.0 - 20.0 + 9.5)  # L_B

    def test_s1528_recommends_1_3(self):
        gain = satellite_gain_s1528_leo_dbi([0.0, 2.0, 3.0, 30.0, 60.0], peak_gain_dbi=30.0, half_beamwidth_deg=2.0)
        # Z = 3 · 10^(0.04 (30 − 6.75 − 5)) = 16.1°
        assert gain.tolist() == pytest.approx([30.0, 27.0, 23.25, 5.0, 5.0])
        assert satellite_gain_s1528_leo_dbi(10.0, peak_gain_dbi=30.0, half_beamwidth_deg=2.0) == pytest.approx(10.178, abs=1e-3)

    def test_s1428_between_25_and_100_wavelengths(self):
        diameter_m = 40.0 * 0.299792458 / 12.0
        gain = terminal_gain_s1428_dbi([0.0, 2.3, 10.0, 50.0, 100.0, 150.0], diameter_m=diameter_m, frequency_ghz=12.0)
        # 20 log 40 + 7.7; G1 = 29 − 25 log(95/40); 29 − 25 log φ; −9; −4; −9
        assert gain.tolist() == pytest.approx([39.741, 19.608, 4.0, -9.0, -4.0, -9.0], abs=1e-3)

    def test_s1428_of_the_smallest_and_largest(self):
        small = terminal_gain_s1428_dbi([0.0, 10.0, 60.0, 170.0], diameter_m=20.5 * 0.299792458 / 12.0, frequency_ghz=12.0)
        assert small.tolist() == pytest.approx([33.935, 4.0, -9.0, -5.0], abs=1e-3)
        large = terminal_gain_s1428_dbi([0.0, 5.0, 20.0, 60.0, 100.0, 150.0], diameter_m=200.0 * 0.299792458 / 12.0, frequency_ghz=12.0)
        assert large.tolist() == pytest.approx([54.421, 11.526, -5.031, -12.0, -7.0, -12.0], abs=1e-3)

    def test_s465(self):
        gain = terminal_gain_s465_dbi([10.0, 60.0, 0.0], diameter_m=1.5, frequency_ghz=28.0)
        assert gain[:2].tolist() == pytest.approx([7.0, -10.0])
        assert gain[2] == pytest.approx(aperture_gain_dbi(1.5, frequency_ghz=28.0))

    def test_article_21(self):
        limits = pfd_limit_article21_dbw_m2_mhz([0.0, 5.0, 15.0, 25.0, 90.0], frequency_ghz=11.2)
        assert limits.tolist() == [-126.0, -126.0, -121.0, -116.0, -116.0]
        assert pfd_limit_article21_dbw_m2_mhz(30.0, frequency_ghz=18.0) == -105.0


class TestDelPortillo:
    """User downlinks of I. del Portillo et al., Acta Astronautica 159 (2019): EIRP, distance, MODCOD with roll-off 0.1, rate in 250 MHz."""

    LINKS = (
        # frequency, EIRP, distance, free-space loss, other losses, receiver's diameter and noise, MODCOD, rate
        ("Telesat", 18.5, 36.0, 2439.0, 185.5, 2.0, "16APSK 28/45", 558.7),
        ("OneWeb", 13.5, 34.6, 1504.0, 178.6, 0.41, "16APSK 2/3", 599.4),
        ("SpaceX", 13.5, 36.7, 1684.0, 179.6, 0.53, "16APSK 3/4", 674.3),
    )

    @pytest.mark.parametrize("row", LINKS, ids=lambda row: row[0])
    def test_free_space_and_rate(self, row):
        _, frequency, _, range_km, loss_db, _, modcod, rate = row
        assert free_space_loss_p525_db(range_km, frequency_ghz=frequency) == pytest.approx(loss_db, abs=PUBLISHED_DB)
        need_db = read_modcods().es_n0_db[read_modcods().name.index(modcod)]
        bits = read_modcods().efficiency_bit_symbol[read_modcods().name.index(modcod)]
        assert bits / 1.1 * 250.0 == pytest.approx(rate, abs=PUBLISHED_MBPS)
        assert spectral_efficiency(need_db, roll_off=0.1) * 250.0 == pytest.approx(rate, abs=0.5)

    def test_the_budgets_close_with_receivers_of_their_size(self):
        for name, frequency, eirp, range_km, _, other_db, modcod, _ in self.LINKS:
            diameter, noise_k = {"Telesat": (1.0, 285.0), "OneWeb": (0.75, 350.0), "SpaceX": (0.7, 363.0)}[name]
            gain = aperture_gain_dbi(diameter, frequency_ghz=frequency, efficiency=0.6)
            got_db = carrier_to_noise_db(
                eirp_dbw=eirp,
                range_km=range_km,
                frequency_ghz=frequency,
                width_mhz=250.0 / 1.1,
                gt_db_k=gain - 10.0 * math.log10(noise_k),
                losses_db=other_db,
            )
            assert find_modcod(float(got_db)) is not None
            need_db = read_modcods().es_n0_db[read_modcods().name.index(modcod)]
            assert 0.0 <= got_db - need_db < 5.0, name  # what is left is their interference and margin

    def test_its_spacex_link_has_the_pfd_that_the_filings_hold(self):
        pfd = 36.7 - 10.0 * math.log10(250.0) - 10.0 * math.log10(4.0 * math.pi * 1684e3**2)
        version = read_versions().row("starlink", "v1.5")
        assert pfd == pytest.approx(read_versions().pfd_dbw_m2_mhz[version], abs=1.0)


class TestWhatIsReported:
    def test_no_default_breaks_article_21_above_25_degrees(self):
        versions = read_versions()
        for operator in ("starlink", "oneweb", "kuiper", "telesat"):
            plan = channel_plan(operator, "user-down")
            limit = float(pfd_limit_article21_dbw_m2_mhz(25.0, frequency_ghz=float(plan.centre_ghz.min())))
            mine = [pfd for pfd, name in zip(versions.pfd_dbw_m2_mhz, versions.operator, strict=True) if name == operator]
            assert max(mine) <= limit

    def test_the_eirp_density_once_reported_breaks_it_by_about_12_db(self):
        """21.9 dBW/MHz straight down from 550 km; per channel of 240 MHz the same figures are what the filed pfd asks."""
        limit = float(pfd_limit_article21_dbw_m2_mhz(90.0, frequency_ghz=10.825))
        spread = 10.0 * math.log10(4.0 * math.pi * 550e3**2)
        assert 21.9 - spread - limit == pytest.approx(12.1, abs=0.1)
        by_channel = [-122.0 + 10.0 * math.log10(240.0) + 10.0 * math.log10(4.0 * math.pi * (km * 1e3) ** 2) for km in (335.0, 614.0)]
        assert 21.9 <= by_channel[0] <= by_channel[1] <= 29.7

    def test_signal_to_noise_ratio_of_first_generation_satellites(self):
        """Terminals and receivers report about 9 to 12 dB."""
        model, version = make_link_model("user-down", operator="starlink"), read_versions().row("starlink", "v1.5")
        for elevation_deg, range_km in ((90.0, 550.0), (60.0, 625.0), (40.0, 812.0), (30.0, 988.0)):
            budget = link_budget(model, range_km=range_km, elevation_deg=elevation_deg, version=version)
            assert 9.0 <= budget.c_over_ni_db <= 12.0

    def test_rates_of_a_channel(self):
        """About 700 Mbit/s were seen on one channel of the first generation; CosmoSim takes 1,280 for later ones."""
        model = make_link_model("user-down", operator="starlink")
        rates = {
            name: link_budget(model, range_km=570.0, elevation_deg=65.0, version=read_versions().row("starlink", name)).rate_mbps
            for name in ("v1.5", "v2-mini")
        }
        assert 600.0 <= rates["v1.5"] <= 750.0
        assert 900.0 <= rates["v2-mini"] <= 1400.0

    def test_feeder_carriers_of_2_6_gigabits(self):
        model, version = make_link_model("feeder-up", operator="starlink"), read_versions().row("starlink", "v1.5")
        budget = link_budget(model, range_km=800.0, elevation_deg=45.0, version=version)
        assert budget.rate_mbps == pytest.approx(2600.0, rel=0.08)

    def test_channel_centres_as_measured(self):
        """Humphreys et al. 2023: F_ci = 10.7 + F/2 + 0.25 (i − ½) GHz with F = 240/1024 MHz."""
        i = np.arange(1, 9)
        measured = 10.7 + 0.24 / 1024.0 / 2.0 + 0.25 * (i - 0.5)
        assert channel_plan("starlink", "user-down").centre_ghz == pytest.approx(measured, abs=2e-4)

    def test_overheads_of_the_downlinks_frame(self):
        """Humphreys et al. 2023: 32 samples of prefix to 1,024, and at least 2 to 4 of 302 symbols for synchronisation."""
        assert parameter_values()["downlink_usable_share"] <= 1024.0 / 1056.0 * 300.0 / 302.0


@pytest.mark.shared
def test_versions_of_what_flies(shared):
    """The operator's own serial numbers tell versions apart: 30000 and up v2 mini, 11000 to 29999 direct to cell."""
    elements = read_elements(shared / "data" / "elements" / "starlink_2026-08-22.tle")[0]
    serial = np.array([int(found[1]) if (found := re.search(r"STARLINK-(\d+)", name)) else -1 for name in elements.name])
    truth = np.where(serial >= 30_000, "v2-mini", np.where(serial >= 11_000, "direct-to-cell", "older"))
    rows = classify_versions(
        "starlink", norad_id=elements.norad_id, inclination_deg=elements.inclination_deg, altitude_km=mean_altitude_km(elements)
    )
    got = np.array(read_versions().version)[rows]
    got = np.where((got == "v1.0") | (got == "v1.5"), "older", got)
    assert (got != truth).mean() < MISCLASSIFIED_SHARE
