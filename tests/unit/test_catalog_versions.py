import numpy as np
import pytest

from overflight.catalog.constellations import find_constellation
from overflight.catalog.tables import STATUSES, read_table
from overflight.catalog.versions import COUNTED, MEASURED, SatelliteVersions, classify_versions, read_versions
from overflight.errors import ScenarioError


def named(operator, norad_id, inclination_deg, altitude_km):
    rows = classify_versions(operator, norad_id=norad_id, inclination_deg=inclination_deg, altitude_km=altitude_km)
    return [read_versions().version[row] for row in rows]


def test_values_lie_within_their_ranges():
    low, value, high = (SatelliteVersions.at(position) for position in (-1.0, 0.0, 1.0))
    for name in (*COUNTED, *MEASURED):
        assert (getattr(low, name) <= getattr(value, name)).all(), name
        assert (getattr(value, name) <= getattr(high, name)).all(), name
    assert set(value.status) <= set(STATUSES)
    assert len(set(zip(value.operator, value.version, strict=True))) == len(value)


def test_places_between_the_ends():
    middle, high = SatelliteVersions.at(0.5), SatelliteVersions.at(1.0)
    assert middle.throughput_gbps == pytest.approx((read_versions().throughput_gbps + high.throughput_gbps) / 2.0)
    assert middle.lasers.dtype == np.int32
    with pytest.raises(ScenarioError, match="outside −1"):
        SatelliteVersions.at(1.5)


def test_satellites_that_fly_by_number():
    assert named("starlink", [45_000, 50_000, 60_000, 60_000], [53.0, 53.2, 43.0, 43.0], [550.0, 540.0, 482.0, 356.0]) == [
        "v1.0",
        "v1.5",
        "v2-mini",
        "direct-to-cell",
    ]


@pytest.mark.parametrize(
    ("constellation", "expected"),
    [
        ("starlink-gen1", {"v1.5"}),
        ("starlink-gen2", {"v2-mini"}),
        ("oneweb", {"gen1"}),
        ("kuiper", {"production"}),
        ("telesat", {"lightspeed"}),
        ("starlink", {"v1.5", "v2-mini", "direct-to-cell"}),
    ],
)
def test_nominal_shells_by_orbit(constellation, expected):
    found = find_constellation(constellation)
    shells = found.shells
    got = named(found.operator, np.arange(len(shells)) + 900_000_000, [s.inclination_deg for s in shells], [s.altitude_km for s in shells])
    assert set(got) == expected


def test_strangers_are_generic():
    assert named("qianfan", [60_000], [88.0], [1_060.0]) == ["generic"]
    assert named("Kuiper", [64_000], [51.9], [630.0]) == ["production"]


def test_rules_name_versions_that_exist():
    rules = read_table("version_rules")
    for operator, version in zip(rules["operator"], rules["version"], strict=True):
        assert read_versions().row(operator, version) >= 0
    with pytest.raises(ScenarioError, match=r"'starlink v9' is not known; there are: starlink v1\.0"):
        read_versions().row("starlink", "v9")
    with pytest.raises(ScenarioError, match="one value per satellite"):
        classify_versions("starlink", norad_id=[1, 2], inclination_deg=[53.0], altitude_km=[550.0])
