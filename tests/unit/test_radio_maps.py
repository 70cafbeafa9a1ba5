"""Maps: reduced ones packed and read, full ones read from a folder."""

import json

import numpy as np
import pytest

from overflight.errors import InputError
from overflight.radio._reduced_maps import Scale, pack_values, unpack_values
from overflight.radio.maps import PERCENTS, Maps, read_climate
from overflight.radio.rain import rain_probability_p837_percent, rain_rate_p837_mm_h

SHAPES = {
    "1510/v1_t_annual": (241, 481),
    "1511/v2_topo": (2164, 4324),
    "453/v13_nwet_annual_50": (241, 481),
    "836/v6_topo_0dot5": (363, 723),
    "837/v7_r001": (1441, 2881),
    "839/v4_esa0height": (121, 241),
}


@pytest.mark.parametrize(("step", "logarithmic"), [(0.01, True), (0.05, False)])
def test_packed_values_come_back_to_half_a_step(step, logarithmic):
    values = np.random.default_rng(3).uniform(-0.4, 150.0, (3, 20, 30)).astype(np.float32)
    values[0] = np.maximum(values[0], 0.0)
    found = unpack_values(pack_values(values, Scale(step, logarithmic)), Scale(step, logarithmic))
    tolerance = step * (1.0 + np.abs(values)) if logarithmic else step
    assert (np.abs(found - values) <= 0.51 * tolerance).all()


def test_steps_too_small_are_refused():
    with pytest.raises(ValueError, match="do not fit 16 bits"):
        pack_values(np.array([[[0.0, 1000.0]]], dtype=np.float32), Scale(0.001, False))


@pytest.mark.parametrize("content", [b"no archive", None])
def test_a_file_that_is_no_reduced_map(tmp_path, content):
    path = tmp_path / "maps.npz"
    with pytest.raises(InputError, match="no such file; give reduced maps"):
        Maps.from_file(path)
    if content is None:
        np.savez(path, about=json.dumps({"name": "x"}))
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match="not a file of reduced maps"):
        Maps.from_file(path)


def write_full_maps(folder, values):
    """A folder of full maps that are constant all over the world; ``values`` gives those that are not 1."""
    names = [f"{percent:g}".replace("0.", "0") for percent in PERCENTS]
    shapes = dict(SHAPES)
    shapes |= {f"836/v6_{kind}_{name}": (161, 321) for kind in ("rho", "v", "vsch") for name in names}
    shapes |= {f"840/v7_lred_{name}": (161, 321) for name in names}
    shapes |= {f"837/v7_mt_month{month:02d}": (722, 1442) for month in range(1, 13)}
    shapes |= {f"1510/v1_t_month{month:02d}": (241, 481) for month in range(1, 13)}
    for name, shape in shapes.items():
        path = folder / f"{name}.npz"
        path.parent.mkdir(exist_ok=True)
        np.savez_compressed(path, np.full(shape, values.get(name, 1.0)))


@pytest.fixture(scope="module")
def constant_maps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    values = {"1511/v2_topo": 500.0, "1510/v1_t_annual": 290.0, "836/v6_topo_0dot5": 0.5}
    values |= {f"1510/v1_t_month{month:02d}": 273.15 for month in range(1, 13)}
    values |= {f"837/v7_mt_month{month:02d}": 24.0 * 0.5874 for month in range(1, 13)}
    write_full_maps(folder, values)
    return folder


def test_full_maps_of_a_folder(constant_maps):
    climate = read_climate(12.0, 34.0, exceeded_percent=0.1, maps=Maps.from_folder(constant_maps))
    assert climate.height_km[0] == pytest.approx(0.5)
    assert climate.temperature_k[0] == pytest.approx(290.0)
    assert climate.rain_height_km[0] == pytest.approx(1.36)
    for name in ("vapour_density_g_m3", "vapour_content_kg_m2", "liquid_kg_m2", "rain_rate_mm_h", "wet_refractivity"):
        assert getattr(climate, name)[0] == pytest.approx(1.0)


def test_rain_of_other_percentages_from_monthly_maps(constant_maps):
    maps = Maps.from_folder(constant_maps)
    chance = rain_probability_p837_percent(12.0, 34.0, maps=maps)[0]
    assert chance == pytest.approx(100.0 * 12.0 / 365.25)
    rates = [rain_rate_p837_mm_h(12.0, 34.0, exceeded_percent=percent, maps=maps)[0] for percent in (0.02, 0.2, 2.0, 5.0)]
    assert rates[0] > rates[1] > rates[2] > rates[3] == 0.0
    assert rain_rate_p837_mm_h(12.0, 34.0, maps=maps)[0] == pytest.approx(1.0)


def test_a_folder_that_lacks_a_map(tmp_path):
    first = tmp_path / "837" / "v7_r001.npz"
    with pytest.raises(InputError, match=r"v7_r001\.npz: no such file; give a folder of full maps"):
        Maps.from_folder(tmp_path)
    first.parent.mkdir()
    np.savez(first, np.ones((3, 3)))
    with pytest.raises(InputError, match=r"v7_r001\.npz: a map of shape \(3, 3\) where \(1441, 2881\) is prescribed"):
        Maps.from_folder(tmp_path)
    first.write_bytes(b"none")
    with pytest.raises(InputError, match=r"v7_r001\.npz: cannot be read as an \.npz"):
        Maps.from_folder(tmp_path)
