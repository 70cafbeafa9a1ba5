"""Walker shells as element sets."""

import dataclasses

import numpy as np
import pytest

from overflight.catalog.constellations import find_constellation, list_constellations
from overflight.errors import ScenarioError
from overflight.orbit.elements import mean_altitude_km
from overflight.orbit.shells import FIRST_SYNTHETIC_ID, WalkerShell, shell_elements

EPOCH = np.datetime64("2026-08-22T00:00:00", "us")
SHELL = WalkerShell(
    name="test-53",
    planes=6,
    satellites_per_plane=4,
    satellites=24,
    altitude_km=550.0,
    mean_motion_rev_day=None,
    inclination_deg=53.0,
    pattern="delta",
)


def test_delta_spreads_nodes_over_360_and_star_over_180() -> None:
    delta = shell_elements([SHELL], EPOCH)
    star = shell_elements([dataclasses.replace(SHELL, pattern="star", first_raan_deg=5.0)], EPOCH)
    given = shell_elements([dataclasses.replace(SHELL, raan_spread_deg=60.0)], EPOCH)
    assert np.unique(delta.raan_deg).tolist() == [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]
    assert np.unique(star.raan_deg).tolist() == [5.0, 35.0, 65.0, 95.0, 125.0, 155.0]
    assert np.unique(given.raan_deg).tolist() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]


def test_phasing_is_walkers() -> None:
    table = shell_elements([dataclasses.replace(SHELL, phasing_f=1.0)], EPOCH)
    first = table.slot == 0
    assert table.mean_anomaly_deg[first] == pytest.approx(np.arange(6) * 360.0 / 24.0)


def test_mean_altitude_is_the_one_given() -> None:
    table = shell_elements([SHELL], EPOCH)
    assert mean_altitude_km(table) == pytest.approx(550.0, abs=1e-9)
    assert shell_elements([dataclasses.replace(SHELL, mean_motion_rev_day=15.19)], EPOCH).mean_motion_rev_day.tolist() == [15.19] * 24


def test_hypatias_conventions() -> None:
    """Satellites numbered plane by plane; node 360 i/N; anomaly 360 j/S plus half a slot on odd planes."""
    known = find_constellation("hypatia-kuiper-630")
    table = shell_elements(known.shells, known.epoch)
    assert len(table) == 1156
    assert str(known.epoch) == "2000-01-01T00:00:00.000000"
    number = np.arange(1156)
    plane, slot = number // 34, number % 34
    assert table.raan_deg.tolist() == (plane * 360.0 / 34).tolist()
    anomaly = (slot * 360.0 / 34 + np.where(plane % 2 == 1, 180.0 / 34, 0.0)) % 360.0
    np.testing.assert_allclose(table.mean_anomaly_deg, anomaly, atol=1e-12)
    assert set(table.mean_motion_rev_day.tolist()) == {14.80}
    assert set(table.eccentricity.tolist()) == {1e-7}
    assert set(table.argument_of_perigee_deg.tolist()) == {0.0}
    assert set(table.bstar.tolist()) == {0.0}


@pytest.mark.parametrize("name", list_constellations())
def test_built_in_constellations(name: str) -> None:
    known = find_constellation(name)
    table = shell_elements(known.shells, known.epoch)
    assert len(table) == known.satellites
    assert len(set(table.norad_id.tolist())) == len(table)
    assert table.norad_id[0] == FIRST_SYNTHETIC_ID
    places = set(zip(table.shell.tolist(), table.plane.tolist(), table.slot.tolist(), strict=True))
    assert len(places) == len(table)
    for index, shell in enumerate(known.shells):
        per_plane = np.bincount(table.plane[table.shell == index], minlength=shell.planes)
        assert per_plane.max() - per_plane.min() <= 1


def test_names_and_numbers() -> None:
    table = shell_elements([SHELL, dataclasses.replace(SHELL, name="second")], EPOCH)
    assert table.name[0] == "test-53 p00s00"
    assert table.name[-1] == "second p05s03"
    assert table.shell.tolist() == [0] * 24 + [1] * 24
    assert np.array_equal(table.norad_id, FIRST_SYNTHETIC_ID + np.arange(48))


def test_empty_slots_are_spread() -> None:
    table = shell_elements([dataclasses.replace(SHELL, satellites=21)], EPOCH)
    per_plane = np.bincount(table.plane)
    assert per_plane.tolist() == [4, 3, 4, 3, 4, 3]
    # those left keep the places that the full shell gives them
    full = shell_elements([SHELL], EPOCH)
    keep = table.plane * 4 + table.slot
    assert np.array_equal(table.mean_anomaly_deg, full.mean_anomaly_deg[keep])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"planes": 0}, "0 planes of 4"),
        ({"satellites": 25}, "25 satellites in 24 slots"),
        ({"satellites": 0}, "0 satellites"),
        ({"altitude_km": float("nan")}, "altitude_km nan"),
        ({"altitude_km": 50.0}, "altitude_km 50"),
        ({"mean_motion_rev_day": 18.0}, "mean_motion_rev_day 18"),
        ({"inclination_deg": 181.0}, "inclination_deg 181"),
        ({"eccentricity": 1.0}, "eccentricity 1"),
        ({"pattern": "rosette"}, "pattern 'rosette'"),
    ],
)
def test_impossible_shells_are_refused(change: dict, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        shell_elements([dataclasses.replace(SHELL, **change)], EPOCH)


def test_no_shell_is_refused() -> None:
    with pytest.raises(ScenarioError, match="at least one shell"):
        shell_elements([], EPOCH)
