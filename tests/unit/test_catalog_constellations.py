"""The built-in constellations: names, counts, and what a shell states."""

import numpy as np
import pytest

from overflight.catalog.constellations import find_constellation, list_constellations
from overflight.catalog.hypatia import find_ground_station, list_ground_stations
from overflight.catalog.tables import STATUSES
from overflight.errors import PlaceError, ScenarioError


def test_names_and_totals() -> None:
    assert {name: find_constellation(name).satellites for name in list_constellations()} == {
        "starlink": 10_064,
        "starlink-gen1": 4_408,
        "starlink-gen2": 10_080,
        "oneweb": 588,
        "kuiper": 3_236,
        "telesat": 1_671,
        "hypatia-starlink-550": 1_584,
        "hypatia-kuiper-630": 1_156,
        "hypatia-telesat-1015": 351,
    }


@pytest.mark.parametrize("name", ["Starlink Gen1", "STARLINK_GEN1", " starlink-gen1 "])
def test_name_in_any_spelling(name: str) -> None:
    assert find_constellation(name).title == "Starlink Gen1 as filed"


def test_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="'starlnk' is not built in; nearest: starlink") as caught:
        find_constellation("starlnk")
    assert "\n" not in str(caught.value)
    with pytest.raises(ScenarioError, match="nearest: starlink, starlink-gen1"):
        find_constellation("zzz")


@pytest.mark.parametrize("name", list_constellations())
def test_shells_are_consistent(name: str) -> None:
    constellation = find_constellation(name)
    assert len({shell.name for shell in constellation.shells}) == len(constellation.shells)
    for shell in constellation.shells:
        slots = shell.planes * shell.satellites_per_plane
        assert slots - shell.planes < shell.satellites <= slots, "no plane lacks more than one satellite"
        assert shell.status in STATUSES
        assert shell.source
        assert 300.0 < shell.altitude_km < 1400.0
        if shell.mean_motion_rev_day is not None and not constellation.conventions:
            rate = shell.mean_motion_rev_day * 2.0 * np.pi / 86400.0
            assert abs(np.cbrt(398600.8 / rate**2) - 6378.137 - shell.altitude_km) < 0.01


def test_hypatias_conventions() -> None:
    kuiper = find_constellation("hypatia-kuiper-630")
    assert (kuiper.conventions, kuiper.max_user_range_km) == ("hypatia", 1260.0)
    assert kuiper.epoch == np.datetime64("2000-01-01T00:00:00", "us")
    (shell,) = kuiper.shells
    assert (shell.mean_motion_rev_day, shell.eccentricity, shell.odd_plane_offset_slots) == (14.80, 1e-7, 0.5)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("Manila", 17),
        ("dalian", 85),
        ("New York", 9),
        ("CAIRO", 8),
        ("Sao Paulo", 3),
        ("São-Paulo", 3),
        ("Xi'an--Shaanxi", 55),
        ("Montreal", 94),
    ],
)
def test_ground_station_by_the_name_people_type(typed: str, number: int) -> None:
    station = find_ground_station(typed)
    assert station.number == number
    assert list_ground_stations()[number] is station


def test_no_name_stands_for_two_ground_stations() -> None:
    names = [name.casefold() for station in list_ground_stations() for name in {station.name, *station.aliases}]
    assert len(names) == len(set(names))
    assert [station.number for station in list_ground_stations()] == list(range(100))


def test_unknown_ground_station_offers_the_nearest() -> None:
    with pytest.raises(PlaceError, match="'Manilla' is not one of Hypatia's 100 ground stations; nearest: Manila"):
        find_ground_station("Manilla")
