"""Satellites that are lost: by name, number and shell, and by chance that can be told again."""

import numpy as np
import pytest

from overflight.errors import ScenarioError
from overflight.orbit.elements import ElementSets
from overflight.orbit.losses import find_lost
from overflight.orbit.shells import WalkerShell, shell_elements

EPOCH = np.datetime64("2026-08-22T00:00:00", "us")
SHELLS = [
    WalkerShell(
        name=f"{altitude_km:g} km {inclination_deg:g}°",
        planes=10,
        satellites_per_plane=count // 10,
        satellites=count,
        altitude_km=altitude_km,
        mean_motion_rev_day=None,
        inclination_deg=inclination_deg,
        pattern="delta",
        phasing_f=0.0,
    )
    for altitude_km, inclination_deg, count in ((550.0, 53.0, 200), (570.0, 70.0, 100))
]
FLEET: ElementSets = shell_elements(SHELLS, EPOCH)
IDS = FLEET.norad_id


def lost_ids(fleet: ElementSets = FLEET, **chosen: object) -> set[int]:
    return set(fleet.norad_id[find_lost(fleet, **chosen)].tolist())  # type: ignore[arg-type]


def test_nobody_is_lost_without_being_named():
    assert not find_lost(FLEET).any()


def test_a_name_is_found_whatever_its_case_and_blanks():
    name = FLEET.name[7]
    assert lost_ids(listed=(f"  {name.lower()} ",)) == {int(IDS[7])}


def test_a_catalogue_number_and_a_name_add_up():
    assert lost_ids(listed=(str(IDS[3]), FLEET.name[9], FLEET.name[3])) == {int(IDS[3]), int(IDS[9])}


@pytest.mark.parametrize("words", ["53@550", " 53.5° @ 555 km", "52@541"])
def test_a_shell_is_lost_whole(words):
    assert lost_ids(listed=(words,)) == set(IDS[:200].tolist())


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("53@600", r"lost: no satellite '53@600' in the fleet; there are satellites about 53@5\d0, 70@5\d0"),
        ("12345", rf"lost: no satellite '12345' in the fleet; give catalogue numbers of the fleet, such as {IDS[0]}"),
        ("550 km 53° p00s9", "lost: no satellite '550 km 53° p00s9' in the fleet; nearest: 550 KM 53° P00S"),
        ("Sputnik", "lost: no satellite 'Sputnik' in the fleet; names are such as 550 km 53° p00s00"),
        ("", "lost: no satellite '' in the fleet; names are such as"),
    ],
)
def test_what_is_not_there_is_one_line(entry, said):
    with pytest.raises(ScenarioError, match=said) as caught:
        find_lost(FLEET, listed=(str(IDS[0]), entry))
    assert "\n" not in str(caught.value)


def test_a_share_is_of_those_not_listed():
    lost = find_lost(FLEET, listed=("70@570",), share=0.25)
    assert lost[200:].all()
    assert lost[:200].sum() == 50


@pytest.mark.parametrize("share", [0.1, 0.37, 0.9])
def test_losses_are_nested(share):
    small, large = find_lost(FLEET, share=share, seed=5), find_lost(FLEET, share=share + 0.05, seed=5)
    assert small.sum() == round(share * 300)
    assert (large >= small).all()


def test_the_order_of_rows_does_not_matter():
    order = np.random.default_rng(1).permutation(len(FLEET))
    assert lost_ids(FLEET.select(order), share=0.3, seed=2) == lost_ids(share=0.3, seed=2)


def test_another_seed_loses_others_and_the_same_seed_the_same():
    first = lost_ids(share=0.3, seed=2)
    assert lost_ids(share=0.3, seed=2) == first
    assert lost_ids(share=0.3, seed=3) != first


def test_chance_falls_on_all_shells_alike():
    lost = find_lost(FLEET, share=0.5, seed=11)
    assert lost[:200].mean() == pytest.approx(0.5, abs=0.12)
    assert lost[200:].mean() == pytest.approx(0.5, abs=0.15)
