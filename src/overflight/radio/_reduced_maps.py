"""Reduced maps: how the built-in file holds them, and reading it.

Each map is a grid of whole steps of a scale in which its error matters evenly: the value itself, or the logarithm of one plus the value.
Steps are stored as differences of differences along rows and columns, which are small and compress well, as zigzag unsigned integers.
"""

import json
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError
from overflight.radio.maps import Geometry, Grid

FIELDS = (
    "rain_rate", "isotherm", "height", "temperature", "wet_refractivity",
    "vapour_density", "vapour_content", "vapour_scale", "vapour_ground", "liquid",
)  # fmt: skip


class Scale(NamedTuple):
    """How values become whole steps.

    Attributes
    ----------
    step
        Size of a step.
    logarithmic
        Whether steps are of log(1 + value).
    """

    step: float
    logarithmic: bool


def pack_values(values: npt.NDArray[np.float32], scale: Scale) -> npt.NDArray[np.uint8]:
    """Turn layers of a map into small integers, shape (2, layers, rows, columns): low bytes, then high bytes."""
    scaled = np.log1p(values.astype(np.float64)) if scale.logarithmic else values.astype(np.float64)
    steps = np.round(scaled / scale.step).astype(np.int64)
    differences = np.diff(np.diff(steps, axis=-1, prepend=0), axis=-2, prepend=0)
    zigzag = np.where(differences < 0, -2 * differences - 1, 2 * differences)
    if zigzag.max() > np.iinfo(np.uint16).max:
        msg = f"differences of steps up to {zigzag.max()} do not fit 16 bits: take larger steps"
        raise ValueError(msg)
    return np.stack([zigzag & 0xFF, zigzag >> 8]).astype(np.uint8)


def unpack_values(packed: npt.NDArray[np.uint8], scale: Scale) -> npt.NDArray[np.float32]:
    """Undo `pack_values` to within half a step."""
    from overflight.radio._propagation_kernels import sum_differences

    out = np.empty(packed.shape[1:], dtype=np.float32)
    for layer in range(len(out)):
        sum_differences(np.ascontiguousarray(packed[0, layer]), np.ascontiguousarray(packed[1, layer]), scale.step, out[layer])
    return np.expm1(out) if scale.logarithmic else out


def read_reduced_maps(path: Path) -> dict[str, Any]:
    """Read the fields of `overflight.radio.maps.Maps` but ``folder``.

    Raises
    ------
    InputError
        If the file cannot be read as reduced maps.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            grids = {
                name: Grid(unpack_values(archive[name], Scale(*about[name]["scale"])), Geometry(*about[name]["geometry"]))
                for name in FIELDS
            }
            percents = {name: tuple(about[name]) for name in ("vapour_percents", "liquid_percents")}
            return {"name": about["name"], **grids, **percents}
    except FileNotFoundError:
        msg = f"{path}: no such file; give reduced maps as tools/build_propagation.py writes them"
        raise InputError(msg) from None
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, zipfile.BadZipFile) as cause:
        msg = f"{path}: not a file of reduced maps ({type(cause).__name__}); write it again with tools/build_propagation.py"
        raise InputError(msg) from None
