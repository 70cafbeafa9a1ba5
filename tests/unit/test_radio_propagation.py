"""Propagation: loss of free space, formulas at their edges, input that cannot be used, tables of attenuation."""

import numpy as np
import pytest
from numba import njit

from overflight.errors import DataMissingError, InputError
from overflight.radio.attenuation import CLEAR, Weather, make_attenuation_table, total_attenuation_p618
from overflight.radio.clouds import cloud_attenuation_p840_db, cloud_coefficient_p840
from overflight.radio.free_space import free_space_loss_p525_db
from overflight.radio.gases import (
    fit_zenith,
    gas_attenuation_p676_db,
    specific_attenuation_p676,
    standard_pressure_p835,
    zenith_oxygen_p676_db,
    zenith_vapour_p676_db,
)
from overflight.radio.maps import built_in_maps, liquid_water_p840, read_climate, surface_temperature_p1510, water_vapour_p836
from overflight.radio.rain import rain_attenuation_p618_db, rain_rate_p837_mm_h, specific_rain_p838
from overflight.radio.scintillation import scintillation_p618_db
from overflight.radio.table import interpolate_db, table_sines

LONDON, ADDIS_ABABA, SAHARA = (51.5, -0.14), (9.05, 38.7), (23.0, 30.0)
PLACES = np.array([LONDON, ADDIS_ABABA, SAHARA, (3.133, 101.7), (-43.5, 172.6), (69.6, 18.9), (29.65, 91.1), (5.3, -52.7)])
KU = {"frequency_ghz": 11.7, "diameter_m": 0.5}

FIT_TOLERANCE = 1e-4
"""Zenith attenuation of gases by polynomial against the formulas, to 50 GHz."""

TABLE_TOLERANCE = 0.01
"""A table of the usual number of elevations against the formulas, of the attenuation."""


def total(place, elevation_deg, **options):
    options = {**KU, "exceeded_percent": 0.1, **options}
    return total_attenuation_p618(*place, elevation_deg, **options)


def test_free_space_doubles_to_six_decibels():
    loss = free_space_loss_p525_db([550.0, 1100.0], frequency_ghz=12.0)
    assert loss[0] == pytest.approx(92.4478 + 20.0 * np.log10(12.0 * 550.0), abs=1e-4)
    assert loss[1] - loss[0] == pytest.approx(20.0 * np.log10(2.0))


def test_free_space_refuses_no_distance():
    with pytest.raises(InputError, match="range_km: 0 km; give distances above 0"):
        free_space_loss_p525_db([550.0, 0.0], frequency_ghz=12.0)
    with pytest.raises(InputError, match="frequency_ghz: 0 GHz"):
        free_space_loss_p525_db(550.0, frequency_ghz=0.0)


def test_oxygen_and_vapour_at_their_lines():
    """Specific attenuation of the reference atmosphere at 60 and 22.235 GHz: figure 1 of P.676-12 shows about 15 and 0.2 dB/km."""
    oxygen, _ = specific_attenuation_p676(60.0, pressure_hpa=1013.25, temperature_k=288.15, vapour_density_g_m3=7.5)
    _, vapour = specific_attenuation_p676(22.235, pressure_hpa=1013.25, temperature_k=288.15, vapour_density_g_m3=7.5)
    assert 14.0 < float(oxygen) < 16.0
    assert 0.17 < float(vapour) < 0.20


def test_pressure_joins_at_the_tropopause():
    below, above = standard_pressure_p835([11.019, 11.0191])
    assert below == pytest.approx(above, rel=1e-4)
    assert standard_pressure_p835(0.0) == pytest.approx(1013.25)


@pytest.mark.parametrize("frequency_ghz", [1.0, 11.7, 14.25, 20.0, 22.2, 30.0, 50.0])
def test_zenith_polynomials_follow_the_formulas(frequency_ghz):
    from overflight.radio._propagation_kernels import zenith_gases

    generator = np.random.default_rng(5)
    height = generator.uniform(-0.4, 6.0, 500)
    kelvin = np.clip(290.0 - 6.5 * height + generator.normal(0.0, 12.0, 500), 215.0, 310.0)
    density, content = generator.uniform(0.05, 32.0, 500), generator.uniform(0.1, 85.0, 500)
    found = np.empty(500)
    zenith_gases(height, kelvin, density, content, *fit_zenith(frequency_ghz), found, 0, 500)
    pressure = standard_pressure_p835(height)
    oxygen = zenith_oxygen_p676_db(frequency_ghz, pressure_hpa=pressure, temperature_k=kelvin, vapour_density_g_m3=density)
    vapour = zenith_vapour_p676_db(frequency_ghz, vapour_content_kg_m2=content, height_km=height)
    np.testing.assert_allclose(found, oxygen + vapour, rtol=FIT_TOLERANCE)


def test_dry_air_has_no_vapour():
    assert zenith_vapour_p676_db(20.0, vapour_content_kg_m2=0.0, height_km=0.5) == 0.0


def test_polarisations_of_rain_lie_around_the_circular():
    horizontal, circular, vertical = (
        specific_rain_p838(30.0, frequency_ghz=20.0, elevation_deg=30.0, tilt_deg=tilt)[0] for tilt in (0.0, 45.0, 90.0)
    )
    assert vertical < circular < horizontal


def test_no_rain_where_it_does_not_rain_or_above_it():
    links = {"frequency_ghz": 20.0, "exceeded_percent": 0.01, "lat_deg": 10.0}
    dry = rain_attenuation_p618_db(40.0, rain_rate_mm_h=0.0, rain_height_km=4.5, height_km=0.0, **links)
    high = rain_attenuation_p618_db(40.0, rain_rate_mm_h=40.0, rain_height_km=4.5, height_km=4.5, **links)
    assert dry[0] == high[0] == 0.0
    assert total(SAHARA, 40.0).rain_db[0] == 0.0


def test_a_large_antenna_averages_scintillation_out():
    links = {"frequency_ghz": 30.0, "exceeded_percent": 0.1, "wet_refractivity": 60.0}
    small, large, vast = (scintillation_p618_db(30.0, diameter_m=diameter, **links)[0] for diameter in (0.3, 3.0, 60.0))
    assert small > large > vast == 0.0


def test_pairs_may_name_their_sites():
    elevation = np.array([30.0, 45.0, 60.0, 80.0])
    site = np.array([1, 0, 2, 1])
    by_site = total(PLACES[:3].T, elevation, site=site)
    by_pair = total(PLACES[site].T, elevation)
    for name in ("gas_db", "cloud_db", "rain_db", "scintillation_db", "total_db"):
        np.testing.assert_array_equal(getattr(by_site, name), getattr(by_pair, name))


def test_total_is_the_sum_of_the_recommendations():
    found = total(ADDIS_ABABA, 35.0, exceeded_percent=0.3)
    climate = read_climate(*ADDIS_ABABA, exceeded_percent=1.0)
    gas = gas_attenuation_p676_db(
        35.0,
        frequency_ghz=11.7,
        pressure_hpa=standard_pressure_p835(climate.height_km),
        temperature_k=climate.temperature_k,
        vapour_density_g_m3=climate.vapour_density_g_m3,
        vapour_content_kg_m2=climate.vapour_content_kg_m2,
        height_km=climate.height_km,
    )
    cloud = cloud_attenuation_p840_db(35.0, frequency_ghz=11.7, liquid_kg_m2=climate.liquid_kg_m2)
    rain = rain_attenuation_p618_db(
        35.0,
        frequency_ghz=11.7,
        exceeded_percent=0.3,
        lat_deg=ADDIS_ABABA[0],
        rain_rate_mm_h=climate.rain_rate_mm_h,
        rain_height_km=climate.rain_height_km,
        height_km=climate.height_km,
    )
    fade = scintillation_p618_db(35.0, frequency_ghz=11.7, exceeded_percent=0.3, wet_refractivity=climate.wet_refractivity, diameter_m=0.5)
    np.testing.assert_allclose(found.gas_db, gas, rtol=FIT_TOLERANCE)
    np.testing.assert_allclose([found.cloud_db, found.rain_db, found.scintillation_db], [cloud, rain, fade], rtol=1e-12)
    np.testing.assert_allclose(found.total_db, gas + np.hypot(rain + cloud, fade), rtol=FIT_TOLERANCE)


def test_height_matters():
    low, high = (total(LONDON, 40.0, height_km=height).total_db[0] for height in (0.0, 1.5))
    assert high < low


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"elevation_deg": 4.0}, "elevation_deg: 4° is outside 5 to 90°; leave pairs below 5° out"),
        ({"elevation_deg": [30.0, np.nan, 20.0]}, "elevation_deg: nan° \\(row 1; 1 of 3 rows\\) is outside"),
        ({"frequency_ghz": 71.0}, "frequency_ghz: 71 GHz is outside 1 to 55 GHz; the range of ITU-R P.618-13"),
        ({"exceeded_percent": 0.0005}, "exceeded_percent: 0.0005 % is outside 0.001 to 50 %; the range of ITU-R P.618-13"),
        ({"exceeded_percent": 60.0}, "exceeded_percent: 60 % is outside 0.001 to 50 %"),
        ({"diameter_m": 0.0}, "diameter_m: 0 m is outside 0.01 to 100 m"),
        ({"efficiency": 1.2}, "efficiency: 1.2 is outside 0.01 to 1"),
        ({"lat_deg": 91.0}, "lat_deg: 91° is outside -90 to 90°"),
        ({"lon_deg": 400.0}, "lon_deg: 400° is outside -180 to 360°"),
        ({"height_km": 400.0}, "height_km: 400 km is outside -0.5 to 10 km; give kilometres"),
        ({"tilt_deg": np.nan}, "tilt_deg: nan° is outside"),
        ({"elevation_deg": [30.0, 40.0, 50.0], "lat_deg": [1.0, 2.0], "lon_deg": [1.0, 2.0]}, "2 sites for 3 elevations"),
        ({"elevation_deg": [30.0, 40.0], "site": [0, 1]}, "site: must hold, for each of 2 pairs, the row of one of 1 sites"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(options, words):
    given = {"lat_deg": 51.5, "lon_deg": -0.14, "elevation_deg": 40.0, "exceeded_percent": 0.1, **KU, **options}
    with pytest.raises(InputError, match=words) as caught:
        total_attenuation_p618(**given)
    assert "\n" not in str(caught.value)


def test_rain_of_p618_ends_at_five_percent():
    with pytest.raises(InputError, match=r"exceeded_percent: 10 % is outside 0.001 to 5 %; the range of ITU-R P.618-13 for rain"):
        rain_attenuation_p618_db(
            40.0, frequency_ghz=20.0, exceeded_percent=10.0, lat_deg=10.0, rain_rate_mm_h=40.0, rain_height_km=4.5, height_km=0.0
        )
    assert total(LONDON, 40.0, exceeded_percent=50.0).rain_db[0] < 0.01


def test_reduced_maps_say_what_they_have_not():
    with pytest.raises(DataMissingError, match="no monthly maps of rain"):
        rain_rate_p837_mm_h(*LONDON, exceeded_percent=0.1)
    with pytest.raises(InputError, match=r"exceeded_percent: 0.5 % is outside 1 to 50 %; the range of ITU-R P.836-6"):
        water_vapour_p836(*LONDON, exceeded_percent=0.5)


def test_longitudes_may_be_counted_either_way():
    east, west = (read_climate(40.0, lon, exceeded_percent=1.0) for lon in (285.0, -75.0))
    for name in east.__dataclass_fields__:
        assert getattr(east, name) == pytest.approx(getattr(west, name), rel=1e-12)


@pytest.mark.parametrize(("lat_deg", "lon_deg"), [(90.0, 0.0), (-90.0, 180.0), (0.0, -180.0), (0.0, 360.0), (90.0, 360.0)])
def test_the_corners_of_the_maps(lat_deg, lon_deg):
    climate = read_climate(lat_deg, lon_deg, exceeded_percent=7.0)
    assert all(np.isfinite(getattr(climate, name)).all() for name in climate.__dataclass_fields__)


def test_maps_are_as_continuous_across_the_seam_as_elsewhere():
    values = [surface_temperature_p1510(12.3, lon)[0] for lon in (179.999, -180.0, -179.999)]
    assert max(values) - min(values) < 0.01


def test_percentages_between_maps_follow_the_logarithm():
    low, high = (liquid_water_p840(*LONDON, exceeded_percent=percent)[0] for percent in (1.0, 2.0))
    assert liquid_water_p840(*LONDON, exceeded_percent=np.sqrt(2.0))[0] == pytest.approx(0.5 * (low + high))


def test_places_keep_their_shape():
    lat, lon = np.meshgrid([10.0, 20.0, 30.0], [0.0, 5.0])
    assert surface_temperature_p1510(lat, lon).shape == (2, 3)
    assert read_climate(lat, lon, exceeded_percent=1.0).height_km.shape == (2, 3)


def test_built_in_maps_are_read_once_and_named():
    assert built_in_maps() is built_in_maps()
    assert "built in" in built_in_maps().name


# --- tables --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency_ghz", [11.7, 20.0, 30.0])
@pytest.mark.parametrize("exceeded_percent", [0.001, 0.01, 0.1, 0.3, 1.0, 10.0])
def test_a_table_follows_the_formulas(frequency_ghz, exceeded_percent):
    elevation = np.concatenate([np.linspace(5.0, 90.0, 400), 90.0 - np.geomspace(1e-3, 3.0, 60)])
    site = np.repeat(np.arange(len(PLACES)), len(elevation))
    links = {"frequency_ghz": frequency_ghz, "diameter_m": 0.5}
    table = make_attenuation_table(*PLACES.T, weather=Weather(exceeded_percent=exceeded_percent), **links)
    wanted = total_attenuation_p618(*PLACES.T, np.tile(elevation, len(PLACES)), exceeded_percent=exceeded_percent, site=site, **links)
    found = table.at(site, np.tile(elevation, len(PLACES)))
    np.testing.assert_allclose(found, wanted.total_db, rtol=TABLE_TOLERANCE)


def test_a_clear_sky_is_gas_at_its_median():
    table = make_attenuation_table(*PLACES.T, weather=CLEAR, **KU)
    climate = read_climate(*PLACES.T, exceeded_percent=50.0)
    gas = gas_attenuation_p676_db(
        30.0,
        frequency_ghz=11.7,
        pressure_hpa=standard_pressure_p835(climate.height_km),
        temperature_k=climate.temperature_k,
        vapour_density_g_m3=climate.vapour_density_g_m3,
        vapour_content_kg_m2=climate.vapour_content_kg_m2,
        height_km=climate.height_km,
    )
    np.testing.assert_allclose(table.at(np.arange(len(PLACES)), 30.0), gas, rtol=1e-3)


def test_a_cloud_adds_its_water():
    clear, cloudy = (make_attenuation_table(*LONDON, weather=weather, **KU) for weather in (CLEAR, Weather(liquid_kg_m2=0.8)))
    added = cloudy.at(0, 30.0) - clear.at(0, 30.0)
    assert added[0] == pytest.approx(0.8 * cloud_coefficient_p840(11.7) / 0.5, rel=1e-4)


def test_rain_adds_its_path():
    weather = Weather(rain_mm_h=20.0, rain_top_km=4.0)
    clear, wet = (make_attenuation_table(*LONDON, weather=state, height_km=1.0, **KU) for state in (CLEAR, weather))
    specific = specific_rain_p838(20.0, frequency_ghz=11.7, elevation_deg=30.0)[0]
    assert (wet.at(0, 30.0) - clear.at(0, 30.0))[0] == pytest.approx(3.0 / 0.5 * specific, rel=1e-4)


def test_a_narrow_shower_shortens_low_paths():
    wide, narrow = (make_attenuation_table(*LONDON, weather=Weather(rain_mm_h=20.0, rain_width_km=width), **KU) for width in (np.inf, 3.0))
    assert narrow.at(0, 20.0)[0] < wide.at(0, 20.0)[0]
    assert narrow.at(0, 90.0)[0] == wide.at(0, 90.0)[0]


def test_weather_may_differ_by_site():
    table = make_attenuation_table(*PLACES[:2].T, weather=Weather(rain_mm_h=np.array([0.0, 25.0])), **KU)
    dry = make_attenuation_table(*PLACES[:2].T, weather=CLEAR, **KU)
    assert table.db[0].tolist() == dry.db[0].tolist()
    assert (table.db[1] > dry.db[1]).all()


@pytest.mark.parametrize(
    ("weather", "words"),
    [
        (Weather(exceeded_percent=80.0), "exceeded_percent: 80 % is outside 0.001 to 50 %"),
        (Weather(liquid_kg_m2=-1.0), "liquid_kg_m2: -1 kg/m² is outside 0 to 100 kg/m²"),
        (Weather(rain_mm_h=np.nan), "rain_mm_h: nan mm/h is outside"),
        (Weather(rain_mm_h=np.ones(3)), "rain_mm_h: 3 values for 8 sites; give one number, or one per site"),
        (Weather(rain_mm_h=1.0, rain_top_km=99.0), "rain_top_km: 99 km is outside 0 to 20 km"),
        (Weather(rain_mm_h=1.0, rain_width_km=-1.0), "rain_width_km: -1 km is outside"),
    ],
)
def test_weather_that_cannot_be(weather, words):
    with pytest.raises(InputError, match=words):
        make_attenuation_table(*PLACES.T, weather=weather, **KU)


def test_a_table_refuses_rows_it_has_not():
    table = make_attenuation_table(*LONDON, weather=CLEAR, **KU)
    with pytest.raises(InputError, match="site_rows: rows 1 to 1 of a table of 1 sites"):
        table.at(1, 30.0)
    with pytest.raises(InputError, match="nodes: 2 is outside 4 to 256"):
        make_attenuation_table(*LONDON, weather=CLEAR, nodes=2, **KU)


def test_columns_run_from_five_degrees_to_the_zenith():
    sines = table_sines(16)
    assert (sines[0], sines[-1]) == (pytest.approx(np.sin(np.radians(5.0))), 1.0)
    assert (np.diff(sines) > 0.0).all()


def test_kernels_read_tables():
    @njit
    def read(db, rows, sines, out):
        for n in range(rows.size):
            out[n] = interpolate_db(db, rows[n], sines[n])

    table = make_attenuation_table(*PLACES.T, weather=Weather(exceeded_percent=0.1), **KU)
    rows, sines = np.arange(len(PLACES)), np.sin(np.radians(np.linspace(10.0, 90.0, len(PLACES))))
    out = np.empty(len(PLACES), dtype=np.float32)
    read(table.db, rows, sines, out)
    np.testing.assert_allclose(out, table.at(rows, np.linspace(10.0, 90.0, len(PLACES))), rtol=1e-6)
    read(table.db, rows[:1], np.zeros(1), out)
    assert out[0] == pytest.approx(table.at(0, 5.0)[0])
