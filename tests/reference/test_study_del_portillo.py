"""The three systems filed in 2016 to 2018 against del Portillo, Cameron and Crawley (2019): totals, and what bounds them."""

from dataclasses import replace

import h3.api.basic_int as h3
import numpy as np
import pytest

from overflight.errors import InputError, ScenarioError
from overflight.study.del_portillo import filed_throughput, find_filed_system, list_filed_systems
from overflight.study.del_portillo.demand import parent_cells, read_spots
from overflight.study.del_portillo.links import channel_rates_mbps, greatest_mbps, slant_range_km

TOTAL_TOLERANCE = 0.1
"""Relative, of the totals of Telesat and SpaceX. Measured over 24 instants: -1.7 % and -3.5 %."""

ONEWEB_EXCESS = 0.255
"""Ours is above the published total of OneWeb by so much; docs/models/filed-systems.md names the differences of model one by one."""

ONEWEB_TOLERANCE = 0.05
"""Of that excess: a change of the model that moves it shows."""

ONEWEB_STEEP_MASK_DEG = 45.0
"""With this mask at its gateways instead of the 15 degrees assumed, the total of OneWeb is within `TOTAL_TOLERANCE` (measured: +4.7 %)."""

SEPARATE_LINKS_LOSS = 0.25
"""What Telesat loses if the two links of a satellite must end at different stations. Measured: 25.1 %."""

GREATEST_TOLERANCE = 0.002
"""Relative, of the greatest rate of a satellite. Measured: 0.0002 Telesat, 0.0015 OneWeb, 0.0002 SpaceX."""

SATELLITES = {"telesat": 117, "oneweb": 720, "spacex": 4425}
SAMPLES = 4


@pytest.fixture(scope="module")
def results():
    return {name: filed_throughput(name, samples=SAMPLES) for name in list_filed_systems()}


def test_as_many_satellites_as_filed():
    assert {name: find_filed_system(name).satellites for name in list_filed_systems()} == SATELLITES


@pytest.mark.parametrize("name", ["telesat", "spacex"])
def test_greatest_rate_of_a_satellite_with_gateway_links_of_its_own(name):
    system = find_filed_system(name)
    assert greatest_mbps(system) == pytest.approx(system.published_satellite_gbps * 1e3, rel=GREATEST_TOLERANCE)


def test_greatest_rate_of_a_bent_pipe_is_that_of_its_channels_straight_down():
    system = find_filed_system("oneweb")
    channel = channel_rates_mbps(system, np.array([system.shells[0].altitude_km]), np.array([0]))[0]
    assert channel * system.user_channels == pytest.approx(system.published_satellite_gbps * 1e3, rel=GREATEST_TOLERANCE)


@pytest.mark.parametrize("name", list_filed_systems())
def test_published_rate_of_a_channel_at_the_mask(name):
    system = find_filed_system(name)
    for row, shell in enumerate(system.shells):
        distance = np.array([slant_range_km(shell.altitude_km, system.user_mask_deg)])
        rate = channel_rates_mbps(system, distance, np.array([row]))
        assert rate == pytest.approx(system.channel_mbps_at_mask, rel=1e-3)
        assert channel_rates_mbps(system, distance, np.array([row]), attenuation_db=1.0) < rate


@pytest.mark.parametrize("name", ["telesat", "spacex"])
def test_total_is_the_published_one(results, name):
    assert abs(results[name].difference) < TOTAL_TOLERANCE


def test_total_of_oneweb_is_above_by_what_is_named(results):
    assert results["oneweb"].difference == pytest.approx(ONEWEB_EXCESS, abs=ONEWEB_TOLERANCE)
    steep = replace(find_filed_system("oneweb"), gateway_mask_deg=ONEWEB_STEEP_MASK_DEG)
    assert abs(filed_throughput(steep, samples=SAMPLES).difference) < TOTAL_TOLERANCE


def test_links_of_a_satellite_to_different_stations(results):
    apart = filed_throughput("telesat", samples=SAMPLES, separate_links=True)
    assert 1.0 - apart.total_tbps / results["telesat"].total_tbps == pytest.approx(SEPARATE_LINKS_LOSS, abs=0.05)


@pytest.mark.parametrize("name", list_filed_systems())
def test_parts_add_up_and_nothing_exceeds_what_bounds_it(results, name):
    result, system = results[name], results[name].system
    parts = (result.beam_share, result.feeder_share, result.demand_share)
    assert all(0.0 <= part <= 1.0 for part in parts)
    assert sum(parts) == pytest.approx(1.0, abs=1e-6)
    assert result.sample_tbps.mean() == pytest.approx(result.total_tbps)
    people = read_spots().people.sum() * system.market_share * system.rate_per_person_mbps
    assert result.total_tbps * 1e6 <= min(people, greatest_mbps(system) * system.satellites)
    assert len(result.stations) <= system.stations


@pytest.mark.parametrize("name", ["telesat", "oneweb"])
def test_more_of_anything_carries_no_less(results, name):
    system, stations = results[name].system, results[name].stations
    total = results[name].total_tbps
    best = filed_throughput(system, samples=SAMPLES, stations=stations, sharing="best")
    assert best.total_tbps >= total * (1.0 - 1e-4)
    assert best.beam_share + best.feeder_share + best.demand_share == pytest.approx(1.0, abs=1e-6)
    for change in ({"isl_mbps": 0.0}, {"market_share": 0.02}, {"dishes": system.stations}):
        assert filed_throughput(replace(system, **change), samples=SAMPLES, stations=stations).total_tbps <= total
    assert filed_throughput(system, samples=SAMPLES, stations=stations, exceeded_percent=0.1).total_tbps < total


def test_the_same_again(results):
    assert np.array_equal(filed_throughput("oneweb", samples=SAMPLES).sample_tbps, results["oneweb"].sample_tbps)


def test_ancestors_of_cells():
    cells = read_spots().cells[::997]
    for resolution in (0, 2, 3):
        assert parent_cells(cells, resolution).tolist() == [h3.cell_to_parent(cell, resolution) for cell in cells.tolist()]


def test_what_cannot_be_is_refused():
    with pytest.raises(ScenarioError, match="take oneweb"):
        find_filed_system("onewebb")
    with pytest.raises(ScenarioError, match="take equal or best"):
        filed_throughput("oneweb", sharing="fair")
    with pytest.raises(InputError, match="at least 1"):
        filed_throughput("oneweb", samples=0)
    with pytest.raises(ScenarioError, match="the rate of no MODCOD"):
        filed_throughput(replace(find_filed_system("oneweb"), channel_mbps_at_mask=611.0))
    with pytest.raises(ScenarioError, match="does not close"):
        filed_throughput(replace(find_filed_system("oneweb"), eirp_dbw=20.0))
