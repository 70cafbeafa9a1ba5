"""Rebuild the reduced maps of propagation, ``propagation.npz``, and the lines of ``gas_lines.csv``.

    python -m tools.build_propagation FOLDER             # rebuild from full maps
    python -m tools.build_propagation FOLDER --measure   # what the reduction costs over the world's cells, write nothing

FOLDER holds the full maps of the recommendations, laid out as the folder ``data`` of the package ``itur`` 0.4.0 (MIT). What is kept and how
coarsely is `KEPT`; why it is enough is what ``--measure`` prints, and docs/models/propagation.md quotes.
"""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tools._tables import format_table, write_tables

from overflight.catalog.tables import DATA_FOLDER
from overflight.earth._borders import unpack_cells
from overflight.earth.cells import cell_centres
from overflight.radio._reduced_maps import FIELDS, Scale, pack_values
from overflight.radio.attenuation import total_attenuation_p618
from overflight.radio.maps import PERCENTS, Geometry, Maps, built_in_maps

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

SOURCE = (
    "reduced by tools/build_propagation.py from the maps of ITU-R P.453-13, P.836-6, P.837-7, P.839-4, P.840-8, P.1510-1 and P.1511-2 "
    "as the package itur 0.4.0 holds them"
)
DATE = "2019-08"


class Reduction(NamedTuple):
    """What is kept of a map: every so many-th point, in steps of a scale."""

    every: int
    scale: Scale


KEPT = {
    "rain_rate": Reduction(2, Scale(0.01, True)),
    "isotherm": Reduction(1, Scale(0.01, False)),
    "height": Reduction(1, Scale(0.03, False)),
    "temperature": Reduction(2, Scale(0.5, False)),
    "wet_refractivity": Reduction(2, Scale(0.5, False)),
    "vapour_density": Reduction(2, Scale(0.02, True)),
    "vapour_content": Reduction(2, Scale(0.01, True)),
    "vapour_scale": Reduction(2, Scale(0.05, False)),
    "vapour_ground": Reduction(2, Scale(1.0, False)),
    "liquid": Reduction(1, Scale(0.01, False)),
}

VAPOUR_PERCENTS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0)
LIQUID_PERCENTS = PERCENTS[:12]
SCALE_PERCENT = 5.0
"""Its scale heights stand for those of all percentages."""

COLUMNS = ("gas", "frequency_ghz", "c1", "c2", "c3", "c4", "c5", "c6", "source", "date", "status")


def reduce_maps(full: Maps) -> dict[str, Any]:
    """Arrays of the file, by name."""
    arrays: dict[str, Any] = {}
    about: dict[str, Any] = {
        "name": "reduced maps of ITU-R (built in)",
        "source": SOURCE,
        "date": DATE,
        "status": "standard",
        "vapour_percents": VAPOUR_PERCENTS,
        "liquid_percents": LIQUID_PERCENTS,
    }
    for name, (values, geometry) in select_layers(full).items():
        every, scale = KEPT[name]
        thinned, thinned_geometry = thin_cells(values, geometry, every) if name == "height" else thin_points(values, geometry, every)
        arrays[name] = pack_values(thinned, scale)
        about[name] = {"scale": scale, "geometry": thinned_geometry}
    arrays["about"] = np.array(json.dumps(about))
    return arrays


def select_layers(full: Maps) -> dict[str, tuple[Singles, Geometry]]:
    """Layers that are kept; water vapour brought down to the sea, where it varies smoothly, so that no map of ground heights is needed."""
    layers = {name: (getattr(full, name).values, getattr(full, name).geometry) for name in FIELDS}
    geometry = full.vapour_density.geometry
    scale = full.vapour_scale.values[[full.vapour_percents.index(SCALE_PERCENT)]]
    to_sea = np.exp(full.vapour_ground.values / scale)
    rows = [full.vapour_percents.index(percent) for percent in VAPOUR_PERCENTS]
    for name in ("vapour_density", "vapour_content"):
        layers[name] = (getattr(full, name).values[rows] * to_sea, geometry)
    layers["vapour_scale"] = (scale, geometry)
    layers["vapour_ground"] = (np.zeros_like(scale), geometry)
    layers["liquid"] = (full.liquid.values[[full.liquid_percents.index(percent) for percent in LIQUID_PERCENTS]], full.liquid.geometry)
    return layers


def thin_points(values: Singles, geometry: Geometry, every: int) -> tuple[Singles, Geometry]:
    """Keep every so many-th row and column; the last of each must be kept."""
    return values[:, ::every, ::every], geometry._replace(step_deg=geometry.step_deg * every)


def thin_cells(values: Singles, geometry: Geometry, every: int) -> tuple[Singles, Geometry]:
    """Average blocks of a map that lies on the centres of its cells and has two more of them on every side."""
    layers, rows, columns = values.shape
    inner = values[:, 2:-2, 2:-2].reshape(layers, (rows - 4) // every, every, (columns - 4) // every, every).mean(axis=(2, 4))
    around = np.concatenate([inner[..., -2:], inner, inner[..., :2]], axis=-1)
    whole = np.concatenate([around[:, :1], around[:, :1], around, around[:, -1:], around[:, -1:]], axis=1)
    step = geometry.step_deg * every
    return whole.astype(np.float32), Geometry(-90.0 - 1.5 * step, -180.0 - 1.5 * step, step, geometry.turn_deg)


def read_line_table(folder: Path) -> bytes:
    """Spectral lines of P.676-12, tables 1 and 2."""
    rows = []
    for gas, file, table in (("oxygen", "v12_lines_oxygen.txt", 1), ("water vapour", "v12_lines_water_vapour.txt", 2)):
        for line in (folder / "676" / file).read_text(encoding="ascii").splitlines()[1:]:
            numbers = [repr(float(cell)) for cell in line.split(",")]
            provenance = (f"ITU-R P.676-12 table {table}", DATE, "standard")
            rows.append(dict(zip(COLUMNS, (gas, *numbers, *provenance), strict=True)))
    return format_table(COLUMNS, rows)


def measure(full: Maps, reduced: Maps, *, every: int = 7) -> list[tuple[float, float, float, float, float, float]]:
    """Difference of total attenuation over cells of the world: frequency, percentage, elevation, median, 95th percentile, worst, in %."""
    with np.load(DATA_FOLDER / "cells.npz") as archive:
        cells = np.unique(np.concatenate([unpack_cells(archive[code]) for code in archive.files]))[::every]
    lat, lon = cell_centres(cells)
    figures = []
    for frequency in (11.7, 20.0, 30.0):
        for percent in (0.01, 0.1, 1.0):
            for elevation in (30.0, 60.0):
                ours, theirs = (
                    total_attenuation_p618(
                        lat, lon, np.full(len(lat), elevation), frequency_ghz=frequency, exceeded_percent=percent, diameter_m=0.5, maps=maps
                    ).total_db
                    for maps in (reduced, full)
                )
                difference = 100.0 * np.abs(ours / theirs - 1.0)
                figures.append((frequency, percent, elevation, *np.quantile(difference, (0.5, 0.95)).tolist(), float(difference.max())))
    return figures


def main() -> None:
    """Rebuild, or measure what was built."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--out", type=Path, default=DATA_FOLDER)
    args = parser.parse_args()
    full = Maps.from_folder(args.folder)
    if args.measure:
        for row in measure(full, built_in_maps()):
            print("{:5.1f} GHz {:5.2f} % {:3.0f}°: median {:.2f}, 95th {:.2f}, worst {:.1f} %".format(*row))
        return
    write_tables({"gas_lines.csv": read_line_table(args.folder)}, folder=args.out)
    np.savez_compressed(args.out / "propagation.npz", **reduce_maps(full))


if __name__ == "__main__":
    main()
