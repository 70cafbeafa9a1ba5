"""What must hold of attenuation whatever the place and the link."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.radio.attenuation import Weather, make_attenuation_table, total_attenuation_p618

COMPONENTS = ("gas_db", "cloud_db", "rain_db", "scintillation_db", "total_db")

RAIN_FALLS_TO_DEG = 45.0
"""In heavy rain at high frequencies P.618-13's effective path grows again above some elevation; up to here its attenuation falls everywhere."""

LEAST_MONOTONE_PERCENT = 0.01
"""Below it P.618-13, step 10, gives less attenuation to rarer times where rain is heaviest."""

places = st.tuples(st.floats(-75.0, 75.0), st.floats(-180.0, 180.0))
links = st.fixed_dictionaries(
    {"frequency_ghz": st.floats(1.0, 50.0), "diameter_m": st.floats(0.2, 5.0), "tilt_deg": st.sampled_from([0.0, 45.0, 90.0])}
)
percents = st.floats(np.log(LEAST_MONOTONE_PERCENT), np.log(50.0)).map(lambda x: min(float(np.exp(x)), 50.0))
elevations = st.floats(5.0, 90.0)


@settings(max_examples=150, deadline=None)
@given(places, elevations, percents, percents, links)
def test_rarer_is_worse(place, elevation_deg, one, other, link):
    rare, common = (total_attenuation_p618(*place, elevation_deg, exceeded_percent=percent, **link) for percent in sorted([one, other]))
    for name in COMPONENTS:
        assert getattr(rare, name)[0] >= getattr(common, name)[0] * (1.0 - 1e-12)


@settings(max_examples=150, deadline=None)
@given(places, st.lists(elevations, min_size=2, max_size=10), percents, links)
def test_lower_is_worse(place, elevation_deg, percent, link):
    elevation = np.sort(elevation_deg)
    found = total_attenuation_p618(*place, elevation, exceeded_percent=percent, **link)
    for name in ("gas_db", "cloud_db", "scintillation_db"):
        assert (np.diff(getattr(found, name)) <= 1e-12).all()
    low = elevation <= RAIN_FALLS_TO_DEG
    for name in ("rain_db", "total_db"):
        assert (np.diff(getattr(found, name)[low]) <= 1e-9).all()


@settings(max_examples=100, deadline=None)
@given(places, elevations, percents, links)
def test_components_are_attenuations_and_the_total_combines_them(place, elevation_deg, percent, link):
    found = total_attenuation_p618(*place, elevation_deg, exceeded_percent=percent, **link)
    values = [getattr(found, name)[0] for name in COMPONENTS]
    assert np.isfinite(values).all()
    assert min(values) >= 0.0
    gas, cloud, rain, fade, total = values
    assert abs(total - (gas + np.hypot(rain + cloud, fade))) <= 1e-9 * total


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), percents, links, st.integers(2, 5))
def test_neither_order_nor_threads_matter(seed, percent, link, threads):
    generator = np.random.default_rng(seed)
    pairs = 9000
    lat, lon = generator.uniform(-75.0, 75.0, pairs), generator.uniform(-180.0, 180.0, pairs)
    elevation, order = generator.uniform(5.0, 90.0, pairs), generator.permutation(pairs)
    found = total_attenuation_p618(lat, lon, elevation, exceeded_percent=percent, **link)
    shuffled = total_attenuation_p618(lat[order], lon[order], elevation[order], exceeded_percent=percent, threads=threads, **link)
    for name in COMPONENTS:
        np.testing.assert_array_equal(getattr(found, name)[order], getattr(shuffled, name))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), percents, st.integers(2, 5))
def test_tables_depend_on_neither_order_nor_threads(seed, percent, threads):
    generator = np.random.default_rng(seed)
    sites = 9000
    lat, lon = generator.uniform(-75.0, 75.0, sites), generator.uniform(-180.0, 180.0, sites)
    order = generator.permutation(sites)
    link = {"frequency_ghz": 20.0, "diameter_m": 0.5}
    for weather in (Weather(exceeded_percent=percent), Weather(liquid_kg_m2=0.3, rain_mm_h=8.0)):
        found = make_attenuation_table(lat, lon, weather=weather, **link)
        shuffled = make_attenuation_table(lat[order], lon[order], weather=weather, threads=threads, **link)
        np.testing.assert_array_equal(found.db[order], shuffled.db)


@settings(max_examples=100, deadline=None)
@given(places, st.lists(st.floats(0.0, 200.0), min_size=2, max_size=8), st.floats(1.0, 50.0), elevations)
def test_more_rain_is_worse(place, rates, frequency_ghz, elevation_deg):
    lat, lon = (np.full(len(rates), value) for value in place)
    weather = Weather(rain_mm_h=np.sort(rates))
    table = make_attenuation_table(lat, lon, frequency_ghz=frequency_ghz, diameter_m=0.5, weather=weather)
    assert (np.diff(table.at(np.arange(len(rates)), elevation_deg)) >= 0.0).all()
