"""Real fleets: which satellites serve, in which planes; and angles against SGP4."""

from pathlib import Path

import numpy as np
import pytest
from sgp4.api import Satrec

from overflight.clock import add_seconds
from overflight.orbit.elements import read_elements
from overflight.orbit.fleet import assign_planes, find_in_service, propagate_angles

# least and greatest share of satellites in service that the histograms of mean altitude allow
IN_SERVICE_SHARE = {
    "starlink_2024-05-20.omm.json": (0.90, 0.96),
    "starlink_2024-07-16.tle": (0.92, 0.97),
    "starlink_2024-08-23.tle": (0.90, 0.96),
    "starlink_2026-08-22.tle": (0.90, 0.96),
    "oneweb_2026-08-22.tle": (0.98, 1.00),
    "kuiper_2026-08-22.tle": (0.70, 0.78),
    "qianfan_2026-08-22.tle": (0.66, 0.74),
}
NODE_TOLERANCE_DEG = 0.05
LATITUDE_TOLERANCE_DEG = 0.2


@pytest.mark.shared
@pytest.mark.parametrize("name", IN_SERVICE_SHARE)
def test_share_in_service(shared: Path, name: str) -> None:
    fleet, _ = read_elements(shared / "data/elements" / name)
    found = find_in_service(fleet)
    least, most = IN_SERVICE_SHARE[name]
    assert least <= found.mask.mean() <= most
    assert found.mask.sum() + sum(count for _, count in found.left_out) == len(fleet)


@pytest.mark.shared
def test_populated_shells_of_2026_are_those_measured(shared: Path) -> None:
    """Each bin of the fleet as flown with more than 100 satellites has its shell."""
    fleet, _ = read_elements(shared / "data/elements/starlink_2026-08-22.tle")
    found = {(round(shell.inclination_deg), int(shell.altitude_km // 5 * 5)) for shell in find_in_service(fleet).shells}
    measured = {(43, 480), (43, 355), (70, 570), (97, 465), (97, 545)} | {(53, height) for height in (460, 470, 455, 355, 465, 535, 475)}
    assert found == measured


@pytest.mark.shared
def test_satellites_that_served_at_louvain_are_kept(shared: Path) -> None:
    """Of the satellites identified as serving on 2024-07-17 the filter keeps nearly all; identification errs now and then."""
    fleet, _ = read_elements(shared / "data/elements/starlink_2024-07-16.tle")
    lines = (shared / "reference/scheduler/louvain_2024-07-17.csv").read_text().splitlines()
    served = {line.split(",")[5] for line in lines[1:]}
    mask = find_in_service(fleet).mask
    rows = [row for row, name in enumerate(fleet.name) if name in served]
    assert len(rows) > 280
    assert mask[rows].mean() >= 0.985


@pytest.mark.shared
def test_planes_of_oneweb_and_of_starlinks_largest_shell(shared: Path) -> None:
    fleet, _ = read_elements(shared / "data/elements/oneweb_2026-08-22.tle")
    fleet = fleet.select(find_in_service(fleet).mask)
    found = assign_planes(fleet, fleet.epoch_median())
    assert set(found.shell.tolist()) == {0}
    per_plane = np.bincount(found.plane)
    assert len(per_plane) == 12
    assert per_plane.min() >= 49
    starlink, _ = read_elements(shared / "data/elements/starlink_2026-08-22.tle")
    starlink = starlink.select(find_in_service(starlink).mask)
    found = assign_planes(starlink, starlink.epoch_median())
    largest = found.shell == np.argmax(np.bincount(found.shell))
    assert np.median(found.inclination_deg[largest]) == pytest.approx(43.0, abs=0.01)
    assert len(np.unique(found.plane[largest])) == 99  # 3.6 degrees apart


@pytest.mark.shared
@pytest.mark.parametrize("hours", [0.0, 24.0])
def test_angles_follow_sgp4(shared: Path, hours: float) -> None:
    """Node and argument of latitude against SGP4's states, whose short periods make up most of the difference."""
    path = shared / "data/elements/starlink_2026-08-22.tle"
    fleet, _ = read_elements(path)
    lines = path.read_text().splitlines()
    rows = np.flatnonzero(find_in_service(fleet).mask)[::40]
    at = add_seconds(fleet.epoch_median(), hours * 3600.0)
    node, latitude = propagate_angles(fleet.select(rows), at)
    day = (at - np.datetime64("1949-12-31", "us")) / np.timedelta64(1, "D")
    node_errors, latitude_errors = np.empty(len(rows)), np.empty(len(rows))
    for index, row in enumerate(rows.tolist()):
        error, r, v = Satrec.twoline2rv(lines[3 * row + 1], lines[3 * row + 2]).sgp4(2433281.5, day)
        assert error == 0
        position, h = np.array(r), np.cross(r, v)
        ascending = np.array([-h[1], h[0], 0.0])
        true_node = np.degrees(np.arctan2(ascending[1], ascending[0]))
        across = np.cross(h / np.linalg.norm(h), ascending / np.linalg.norm(ascending))
        true_latitude = np.degrees(np.arctan2(position @ across, position @ ascending / np.linalg.norm(ascending)))
        node_errors[index] = (node[index] - true_node + 180.0) % 360.0 - 180.0
        latitude_errors[index] = (latitude[index] - true_latitude + 180.0) % 360.0 - 180.0
    assert np.abs(node_errors).max() < NODE_TOLERANCE_DEG
    assert np.abs(latitude_errors).max() < LATITUDE_TOLERANCE_DEG
