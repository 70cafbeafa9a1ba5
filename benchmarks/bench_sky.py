"""Visibility, look angles, the geostationary arc and passes, on the real fleet of 2026-08-22."""

import gzip
from functools import cache
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from benchmarks.harness import Case
from overflight.clock import parse_time
from overflight.earth.geodesy import Sites, make_sites
from overflight.orbit.elements import ElementSets, read_elements
from overflight.orbit.propagation import Propagator
from overflight.sky.arc import arc_separation_deg
from overflight.sky.passes import Pass, find_passes
from overflight.sky.visibility import CellTree, Visible, VisibleSeries, find_visible, find_visible_series, pair_angles

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
START = parse_time("2026-08-22T00:00:00Z")
MASK_DEG = 25.0
SLOTS = 64
WRITE_BYTES_S = 10e9
"""What one core writes to memory, fresh pages included."""

OPERATIONS_S = 10e9
"""Double-precision additions and multiplications of one core, four at a time."""


@cache
def fleet() -> ElementSets:
    return read_elements(SHARED / "elements" / "starlink_2026-08-22.tle")[0]


@cache
def positions() -> npt.NDArray[np.float64]:
    times = START + (np.arange(SLOTS) * 15_000_000).astype("timedelta64[us]")
    return Propagator(fleet()).positions_km(times)


@cache
def world() -> CellTree:
    with gzip.open(SHARED / "cells" / "starlink_service_cells_h3r5.txt.gz", "rt") as lines:
        ids = np.array([int(line, 16) for line in lines.read().split()], dtype=np.uint64)
    return CellTree(centres(ids), cell_ids=ids)


@cache
def taiwan() -> CellTree:
    """143 cells about the middle of the island."""
    ids = np.array(sorted(h3.grid_disk(h3.latlng_to_cell(23.7, 121.0, 5), 7)), dtype=np.uint64)[:143]
    return CellTree(centres(ids), cell_ids=ids)


@cache
def gateways() -> tuple[CellTree, npt.NDArray[np.float64]]:
    """214 sites spread as the service cells are, with the masks of gateways."""
    chosen = np.random.default_rng(0).choice(len(world()), 214)
    lat_deg, lon_deg = world().sites.lat_deg[chosen], world().sites.lon_deg[chosen]
    return CellTree(make_sites(lat_deg, lon_deg)), np.where(np.abs(lat_deg) > 62.0, 5.0, 25.0)


def centres(ids: npt.NDArray[np.uint64]) -> Sites:
    lat_deg, lon_deg = np.array([h3.cell_to_latlng(int(cell)) for cell in ids]).T
    return make_sites(lat_deg, lon_deg)


@cache
def taiwan_pairs() -> tuple[VisibleSeries, npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    visible = find_visible_series(taiwan(), positions(), min_elevation_deg=MASK_DEG)
    azimuth_deg, elevation_deg, _ = pair_angles(taiwan().sites, positions(), visible)
    lat_deg = np.repeat(np.tile(taiwan().sites.lat_deg, SLOTS), visible.counts.ravel())
    return visible, lat_deg, azimuth_deg, elevation_deg


def see_world() -> Visible:
    return find_visible(world(), positions()[0], min_elevation_deg=MASK_DEG, threads=2)


def see_taiwan() -> VisibleSeries:
    return find_visible_series(taiwan(), positions(), min_elevation_deg=MASK_DEG, threads=2)


def see_gateways() -> VisibleSeries:
    tree, mask_deg = gateways()
    return find_visible_series(tree, positions(), min_elevation_deg=mask_deg, threads=2)


def measure_angles() -> tuple[npt.NDArray[np.float64], ...]:
    return pair_angles(taiwan().sites, positions(), taiwan_pairs()[0], threads=2)


def measure_arc() -> npt.NDArray[np.float64]:
    return arc_separation_deg(*taiwan_pairs()[1:])


def pass_over_taipei() -> list[Pass]:
    some = fleet().select(np.arange(0, len(fleet()), 10))
    end = START + np.timedelta64(86400, "s")
    propagator = Propagator(some)
    return find_passes(propagator.positions_km, some.name, some.norad_id, make_sites(25.03, 121.56), START, end)


def cases() -> list[Case]:
    """All cases of the sky stage."""
    world_pairs = len(see_world().satellite)
    pairs = len(taiwan_pairs()[0].satellite)
    gateway_pairs = len(see_gateways().satellite)
    return [
        Case(
            "one frame: 10,746 satellites × 249,053 cells, lists, 2 threads",
            0.030,
            world_pairs * 4 / WRITE_BYTES_S + world_pairs * 16 / OPERATIONS_S / 2,
            "50 MB of ids written; 16 operations a pair, 2 cores",
            see_world,
            world_pairs,
            "pairs",
            15,
        ),
        Case(
            "64 slots: 10,746 satellites × 143 cells, lists, 2 threads",
            SLOTS * 0.3e-3,
            SLOTS * len(fleet()) * 24 / WRITE_BYTES_S / 2,
            "positions read once, 2 cores",
            see_taiwan,
            pairs,
            "pairs",
        ),
        Case(
            "64 slots: 10,746 satellites × 214 gateways, lists, 2 threads",
            SLOTS * 0.3e-3,
            SLOTS * len(fleet()) * 24 / WRITE_BYTES_S / 2 + gateway_pairs * 16 / OPERATIONS_S / 2,
            "positions read once; 16 operations a pair, 2 cores",
            see_gateways,
            gateway_pairs,
            "pairs",
        ),
        Case(
            "azimuth, elevation, range of pairs, 2 threads",
            pairs * 20e-9,
            pairs * 90 / OPERATIONS_S / 2,
            "90 operations a pair, 2 cores",
            measure_angles,
            pairs,
            "pairs",
        ),
        Case(
            "separation from the geostationary arc, one core",
            pairs * 40e-9,
            pairs * 230 / OPERATIONS_S,
            "230 operations a pair",
            measure_arc,
            pairs,
            "pairs",
        ),
        Case(
            "a day's passes of 1,075 satellites over one site, propagation included",
            5.0,
            1075 * 2880 / 40e6,
            "3.1 M states at 40 M/s",
            pass_over_taipei,
            1075 * 2880,
            "states",
            3,
        ),
    ]
