"""Reading the full maps from a folder laid out as the package ``itur`` 0.4.0 keeps them."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError
from overflight.radio.maps import PERCENTS, Geometry, Grid

_COARSE = Geometry(-90.0, 0.0, 1.125, 0.0)
_ISOTHERM = Geometry(-90.0, 0.0, 1.5, 0.0)
_FINE = Geometry(-90.0, -180.0, 0.75, -180.0)
_RAIN_RATE = Geometry(-90.0, -180.0, 0.125, -180.0)
_MONTHLY = Geometry(-90.125, -180.125, 0.25, -180.0)
_VAPOUR_GROUND = Geometry(-90.5, -0.5, 0.5, 0.0)
_GROUND = Geometry(-90.125, -180.125, 1.0 / 12.0, -180.0)

_MONTHS = range(1, 13)


def read_full_maps(folder: Path) -> dict[str, Any]:
    """Read the fields of `overflight.radio.maps.Maps` but ``folder``."""
    names = [f"{percent:g}".replace("0.", "0") for percent in PERCENTS]
    vapour = {kind: [f"836/v6_{kind}_{name}" for name in names] for kind in ("rho", "v", "vsch")}
    maps = {
        "name": str(folder),
        "rain_rate": _read(folder, ["837/v7_r001"], (1441, 2881), _RAIN_RATE, northward=True),
        "isotherm": _read(folder, ["839/v4_esa0height"], (121, 241), _ISOTHERM, northward=False),
        "height": _read(folder, ["1511/v2_topo"], (2164, 4324), _GROUND, northward=False, scale=1e-3),
        "temperature": _read(folder, ["1510/v1_t_annual"], (241, 481), _FINE, northward=True),
        "wet_refractivity": _read(folder, ["453/v13_nwet_annual_50"], (241, 481), _FINE, northward=True),
        "vapour_percents": PERCENTS,
        "vapour_density": _read(folder, vapour["rho"], (161, 321), _COARSE, northward=False),
        "vapour_content": _read(folder, vapour["v"], (161, 321), _COARSE, northward=False),
        "vapour_scale": _read(folder, vapour["vsch"], (161, 321), _COARSE, northward=False),
        "liquid_percents": PERCENTS,
        "liquid": _read(folder, [f"840/v7_lred_{name}" for name in names], (161, 321), _COARSE, northward=False),
    }
    # P.836-6 has a map of heights of its own, which its examples follow; P.1511-2 differs from it by hundreds of metres in mountains.
    maps["vapour_ground"] = _ground_of_points(_read(folder, ["836/v6_topo_0dot5"], (363, 723), _VAPOUR_GROUND, northward=False))
    return maps


def read_monthly_maps(folder: Path) -> tuple[Grid, Grid]:
    """Read mean monthly rain, mm, and temperature, K."""
    rain = _read(folder, [f"837/v7_mt_month{month:02d}" for month in _MONTHS], (722, 1442), _MONTHLY, northward=True)
    temperature = _read(folder, [f"1510/v1_t_month{month:02d}" for month in _MONTHS], (241, 481), _FINE, northward=True)
    return rain, temperature


def _ground_of_points(height: Grid) -> Grid:
    """Height of the ground at the points of the vapour maps (P.836-6, annex 1, step d)."""
    from overflight.radio._propagation_kernels import read_bicubic

    rows, columns = np.arange(161) * 1.125 - 90.0, np.arange(321) * 1.125
    lat, lon = (np.ascontiguousarray(values).reshape(-1) for values in np.meshgrid(rows, columns, indexing="ij"))
    out = np.zeros(lat.size)
    read_bicubic(height.values[0], *height.geometry, lat, lon, out, 0, out.size)
    return Grid(out.reshape(1, 161, 321).astype(np.float32), _COARSE)


def _read(folder: Path, names: list[str], shape: tuple[int, int], geometry: Geometry, *, northward: bool, scale: float = 1.0) -> Grid:
    """Read one layer a file; ``northward`` says whether the file's rows run from south to north already."""
    layers = [_read_array(folder / f"{name}.npz", shape) for name in names]
    turned = [layer if northward else layer[::-1] for layer in layers]
    values = np.stack([_fill_gaps(layer) * scale for layer in turned]).astype(np.float32)
    return Grid(values, geometry)


def _read_array(path: Path, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    advice = "give a folder of full maps laid out as the folder data of the package itur 0.4.0"
    try:
        with np.load(path, allow_pickle=False) as archive:
            array = np.asarray(archive[archive.files[0]], dtype=np.float64)
    except (OSError, ValueError, IndexError, zipfile.BadZipFile) as cause:
        reason = "no such file" if isinstance(cause, FileNotFoundError) else "cannot be read as an .npz"
        msg = f"{path}: {reason}; {advice}"
        raise InputError(msg) from None
    if array.shape != shape:
        msg = f"{path}: a map of shape {array.shape} where {shape} is prescribed; {advice}"
        raise InputError(msg)
    return array


def _fill_gaps(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Fill the gaps that some published maps have in the row next to the pole, from the row at the pole."""
    gaps = np.isnan(values)
    if not gaps.any():
        return values
    filled = values.copy()
    for row in np.flatnonzero(gaps.any(axis=1)):
        pole = 0 if row < len(values) // 2 else -1
        filled[row, gaps[row]] = values[pole, gaps[row]]
    return filled
