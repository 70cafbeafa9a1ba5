"""Ages, satellites in service, planes: on made-up fleets where the answer is known."""

import dataclasses

import numpy as np
import pytest

from overflight.catalog.constellations import find_constellation, list_constellations
from overflight.clock import add_seconds
from overflight.errors import ElementSetError
from overflight.orbit.elements import ElementSets, mean_motion_at_altitude_rev_day
from overflight.orbit.fleet import (
    age_warnings,
    altitude_rate_km_day,
    assign_planes,
    element_ages_days,
    expected_error_km,
    find_in_service,
)
from overflight.orbit.shells import WalkerShell, shell_elements

EPOCH = np.datetime64("2026-08-22T00:00:00", "us")
DAY_S = 86400.0
SHELL = WalkerShell(
    name="s",
    planes=12,
    satellites_per_plane=20,
    satellites=240,
    altitude_km=550.0,
    mean_motion_rev_day=None,
    inclination_deg=53.0,
    pattern="delta",
    phasing_f=5.0,
)
NOMINAL = shell_elements([SHELL], EPOCH)


def one(altitude_km: float = 550.0, *, inclination_deg: float = 53.0, count: int = 1, **columns: float) -> ElementSets:
    """Satellites at an altitude, in one plane."""
    return ElementSets.from_columns(
        norad_id=np.arange(count) + int(altitude_km * 10),
        epoch=np.full(count, EPOCH),
        mean_motion_rev_day=np.full(count, mean_motion_at_altitude_rev_day(altitude_km)),
        inclination_deg=np.full(count, inclination_deg),
        **{name: np.full(count, value) for name, value in columns.items()},
    )


class TestAges:
    def test_sign(self) -> None:
        assert element_ages_days(NOMINAL, add_seconds(EPOCH, 36 * 3600)).tolist() == [1.5] * 240
        assert element_ages_days(NOMINAL, add_seconds(EPOCH, -43200))[0] == -0.5

    @pytest.mark.parametrize("days", [-0.9, 0.0, 0.9])
    def test_no_warning_within_a_day(self, days: float) -> None:
        assert age_warnings(NOMINAL, add_seconds(EPOCH, days * DAY_S)) == []

    @pytest.mark.parametrize(
        ("days", "said"),
        [
            (2.0, "240 of 240 element sets are older than 1 day at 2026-08-24T00:00:00Z (most 2.0 days"),
            (-2.0, "240 of 240 element sets are ahead of time by more than 1 day"),
            (365.0, "element sets are 365 days old"),
            (-365.0, "element sets are 365 days ahead of time"),
        ],
    )
    def test_warnings(self, days: float, said: str) -> None:
        (text,) = age_warnings(NOMINAL, add_seconds(EPOCH, days * DAY_S))
        assert said in text
        assert "\n" not in text

    def test_few_old_ones_are_counted(self) -> None:
        old = dataclasses.replace(NOMINAL, epoch=np.where(np.arange(240) < 3, add_seconds(EPOCH, -20 * DAY_S), EPOCH))
        (text,) = age_warnings(old, EPOCH)
        assert text.startswith("3 of 240 element sets are older than 1 day")
        assert "most 20.0 days, median of all 0.0" in text

    def test_no_satellites_no_warning(self) -> None:
        assert age_warnings(NOMINAL.select([]), EPOCH) == []

    @pytest.mark.parametrize(("hours", "measured_km"), [(8, 1.5), (24, 9.0), (72, 53.0)])
    def test_error_growth_is_as_measured(self, hours: float, measured_km: float) -> None:
        assert expected_error_km(hours / 24.0) == pytest.approx(measured_km, rel=0.02)


class TestInService:
    @pytest.mark.parametrize("name", list_constellations())
    def test_nominal_shells_lose_nothing(self, name: str) -> None:
        known = find_constellation(name)
        found = find_in_service(shell_elements(known.shells, known.epoch))
        assert found.mask.all()
        assert found.left_out == ()
        assert sum(shell.satellites for shell in found.shells) == known.satellites

    @pytest.mark.parametrize("count", [1, 4, 60])
    def test_small_constellations_lose_nothing(self, count: int) -> None:
        assert find_in_service(one(count=count)).mask.all()

    @pytest.mark.parametrize(
        ("odd", "reason"),
        [
            (one(200.0), "decayed or too low"),
            (one(550.0, eccentricity=0.02), "eccentric orbit"),
            (one(500.0), "parked off the populated shells"),
            (one(550.0, inclination_deg=97.0), "parked off the populated shells"),
            (one(450.0, count=20), "parked off the populated shells"),
            (one(550.0, mean_motion_dot=0.01), "falling"),
            (one(550.0, mean_motion_dot=-0.01), "rising"),
            (one(400.0, mean_motion_dot=-0.01), "rising"),
        ],
    )
    def test_each_reason(self, odd: ElementSets, reason: str) -> None:
        fleet = ElementSets.concatenate([odd, NOMINAL])
        found = find_in_service(fleet)
        assert found.left_out == ((reason, len(odd)),)
        assert found.mask.tolist() == [False] * len(odd) + [True] * 240
        assert found.reason.tolist() == [0] * len(odd) + [-1] * 240
        assert len(found.shells) == 1
        assert found.shells[0].satellites == 240
        assert found.shells[0].altitude_km == pytest.approx(550.0, abs=1e-6)

    def test_reasons_add_up(self) -> None:
        fleet = ElementSets.concatenate([one(200.0), one(400.0, count=3), one(550.5, count=5), NOMINAL, one(550.0, mean_motion_dot=0.5)])
        found = find_in_service(fleet)
        assert found.mask.sum() + sum(count for _, count in found.left_out) == len(fleet)
        assert found.mask.sum() == 245

    def test_thresholds_are_settings(self) -> None:
        fleet = ElementSets.concatenate([one(500.0, count=30), one(553.0), NOMINAL])
        assert find_in_service(fleet).mask.sum() == 270  # 30 is a tenth of the largest shell and more
        assert find_in_service(fleet, minimum_share=0.2).mask.sum() == 240
        assert find_in_service(fleet, altitude_tolerance_km=5.0).mask.sum() == 271
        falling = ElementSets.concatenate([one(550.0, mean_motion_dot=0.01), NOMINAL])
        assert find_in_service(falling, maximum_rate_km_day=100.0).mask.all()

    def test_all_and_listed(self) -> None:
        fleet = ElementSets.concatenate([one(200.0), NOMINAL])
        assert find_in_service(fleet, method="all").mask.all()
        listed = find_in_service(fleet, method="listed", listed_norad_ids=[int(NOMINAL.norad_id[7]), 123])
        assert np.flatnonzero(listed.mask).tolist() == [8]
        assert listed.left_out == (("not listed as in service", 240),)
        with pytest.raises(ElementSetError, match="needs listed_norad_ids"):
            find_in_service(fleet, method="listed")
        with pytest.raises(ElementSetError, match="none of populated-shells, all, listed"):
            find_in_service(fleet, method="some")

    def test_empty_fleet(self) -> None:
        found = find_in_service(NOMINAL.select([]))
        assert (len(found.mask), found.left_out, found.shells) == (0, (), ())

    def test_altitude_rate(self) -> None:
        """Half a millirevolution a day squared more in the field: the altitude a day later, by Kepler's law, is that much lower."""
        table = one(550.0, mean_motion_dot=0.0005)
        after = dataclasses.replace(table, mean_motion_rev_day=table.mean_motion_rev_day + 2 * 0.0005)
        from overflight.orbit.elements import mean_altitude_km

        assert altitude_rate_km_day(table)[0] == pytest.approx((mean_altitude_km(after) - mean_altitude_km(table))[0], rel=1e-3)


class TestPlanes:
    def test_walker_shell_is_found_again(self) -> None:
        shuffled = np.random.default_rng(1).permutation(240)
        blank = dataclasses.replace(NOMINAL, **{name: np.full(240, -1, dtype=np.int16) for name in ("shell", "plane", "slot")})
        found = assign_planes(blank.select(shuffled), EPOCH)
        expected = NOMINAL.select(shuffled)
        assert set(found.shell.tolist()) == {0}
        assert np.array_equal(found.plane, expected.plane)
        for plane in range(12):
            members = found.plane == plane
            gained = (found.slot[members] - expected.slot[members]) % 20
            assert len(set(gained.tolist())) == 1  # the same order, counted from another satellite

    def test_planes_hold_when_epochs_differ(self) -> None:
        """Each satellite's elements are given at another epoch of the last two days; the planes are the same."""
        rng = np.random.default_rng(2)
        from overflight.orbit.fleet import propagate_angles

        later = np.array([add_seconds(EPOCH, float(s)) for s in rng.uniform(0, 2 * DAY_S, 240)])
        raan, latitude = np.empty(240), np.empty(240)
        for row in range(240):
            raan[row : row + 1], latitude[row : row + 1] = propagate_angles(NOMINAL.select([row]), later[row])
        moved = dataclasses.replace(NOMINAL, epoch=later, raan_deg=raan, mean_anomaly_deg=latitude)
        found = assign_planes(moved, EPOCH)
        assert len(set(zip(found.plane.tolist(), NOMINAL.plane.tolist(), strict=True))) == 12
        assert np.bincount(found.plane).tolist() == [20] * 12

    def test_shells_by_inclination_and_altitude(self) -> None:
        shells = [SHELL, dataclasses.replace(SHELL, altitude_km=560.0), dataclasses.replace(SHELL, inclination_deg=70.0)]
        table = shell_elements(shells, EPOCH)
        assert np.array_equal(assign_planes(table, EPOCH).shell, table.shell)

    def test_planes_at_their_own_altitudes_are_one_shell(self) -> None:
        """As OneWeb flies: 12 planes 4 km apart."""
        table = shell_elements([SHELL], EPOCH)
        motion = np.array([mean_motion_at_altitude_rev_day(1178.0 + 4.0 * plane) for plane in range(12)])
        found = assign_planes(dataclasses.replace(table, mean_motion_rev_day=motion[table.plane]), EPOCH)
        assert set(found.shell.tolist()) == {0}
        assert np.array_equal(found.plane, table.plane)

    def test_plane_across_the_zero_meridian(self) -> None:
        shifted = shell_elements([dataclasses.replace(SHELL, first_raan_deg=359.9)], EPOCH)
        wobble = dataclasses.replace(shifted, raan_deg=(shifted.raan_deg + 0.2 * (shifted.slot % 2)) % 360.0)
        assert np.bincount(assign_planes(wobble, EPOCH).plane).tolist() == [20] * 12

    def test_empty_fleet(self) -> None:
        assert len(assign_planes(NOMINAL.select([]), EPOCH)) == 0
