"""The digital maps of the recommendations: the built-in reduced ones, or a folder of the full ones, and what they say of places.

References
----------
ITU-R P.1144-10 (interpolation), P.453-13 (wet refractivity), P.836-6 (water vapour), P.837-7 (rain rate), P.839-4 (0 °C isotherm), P.840-8
(liquid water of clouds), P.1510-1 (surface temperature), P.1511-2 (height of the ground).
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import DATA_FOLDER
from overflight.errors import DataMissingError
from overflight.radio._limits import check_height, check_percent, check_places

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

PERCENTS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 99.0)
"""Percentages of an average year for which P.836 and P.840 give maps; between them values follow the logarithm of the percentage."""

BUILT_IN = DATA_FOLDER / "propagation.npz"

_LEAST_SHARE = 4096
"""Fewer rows than this are not worth a thread of their own."""


class Geometry(NamedTuple):
    """Where a map's points lie.

    Attributes
    ----------
    south_deg, west_deg
        Latitude of the first row and longitude of the first column.
    step_deg
        Distance of rows and of columns.
    turn_deg
        Longitude from which the full turn is counted: -180 or 0.
    """

    south_deg: float
    west_deg: float
    step_deg: float
    turn_deg: float


@dataclass(frozen=True, slots=True)
class Grid:
    """A map, or one for each of several percentages: ``values`` is float32, shape (layers, rows, columns), rows from south to north."""

    values: Singles
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class Climate:
    """What the maps say of places; arrays of one length.

    Attributes
    ----------
    height_km
        Height of the site above the sea: as given, else P.1511-2.
    temperature_k
        Mean annual surface temperature (P.1510-1).
    vapour_density_g_m3, vapour_content_kg_m2
        Surface density and column of water vapour exceeded for the percentage, at the site's height (P.836-6).
    liquid_kg_m2
        Reduced liquid water of the column exceeded for the percentage (P.840-8).
    rain_rate_mm_h
        Rain rate exceeded for 0.01 % of the year (P.837-7).
    rain_height_km
        Mean annual rain height above the sea (P.839-4).
    wet_refractivity
        Median wet term of the surface refractivity, N-units (P.453-13).
    """

    height_km: Floats
    temperature_k: Floats
    vapour_density_g_m3: Floats
    vapour_content_kg_m2: Floats
    liquid_kg_m2: Floats
    rain_rate_mm_h: Floats
    rain_height_km: Floats
    wet_refractivity: Floats


@dataclass(frozen=True, eq=False)
class Maps:
    """The maps that propagation needs.

    Attributes
    ----------
    name
        Where they come from, for messages and provenance.
    rain_rate, isotherm, height, temperature, wet_refractivity
        Maps of one layer: mm/h (P.837-7), km (P.839-4), km (P.1511-2, bicubic), K (P.1510-1), N-units at 50 % (P.453-13).
    vapour_percents, vapour_density, vapour_content, vapour_scale
        Percentages, and for each g/m³, kg/m² and scale height in km (P.836-6); one layer of scale heights may stand for all.
    vapour_ground
        Height of the ground at the points of the vapour maps, km.
    liquid_percents, liquid
        Percentages, and for each kg/m² (P.840-8).
    folder
        Of full maps, the folder; the monthly maps of rain are read from there when asked for.
    """

    name: str
    rain_rate: Grid
    isotherm: Grid
    height: Grid
    temperature: Grid
    wet_refractivity: Grid
    vapour_percents: tuple[float, ...]
    vapour_density: Grid
    vapour_content: Grid
    vapour_scale: Grid
    vapour_ground: Grid
    liquid_percents: tuple[float, ...]
    liquid: Grid
    folder: Path | None = None

    @classmethod
    def from_folder(cls, folder: str | Path) -> "Maps":
        """Read the full maps of a folder laid out as the folder ``data`` of the package ``itur`` 0.4.0.

        Sub-folders are named by recommendation (``453``, ``836``, ``837``, ``839``, ``840``, ``1510``, ``1511``); each file is an ``.npz``
        with one array, rows by latitude and columns by longitude, on the points that the recommendation prescribes.

        Raises
        ------
        InputError
            If a file is missing, is not such a file, or has another shape.
        """
        from overflight.radio._full_maps import read_full_maps

        return cls(**read_full_maps(Path(folder)), folder=Path(folder))

    @classmethod
    def from_file(cls, path: str | Path = BUILT_IN) -> "Maps":
        """Read reduced maps as ``tools/build_propagation.py`` writes them; by default the built-in ones.

        Raises
        ------
        InputError
            If the file cannot be read as such.
        """
        from overflight.radio._reduced_maps import read_reduced_maps

        return cls(**read_reduced_maps(Path(path)))

    @cached_property
    def monthly(self) -> "MonthlyMaps":
        """Monthly rain and temperature, which P.837-7 needs for percentages other than 0.01: in full maps only.

        Raises
        ------
        DataMissingError
            If these are reduced maps.
        """
        if self.folder is None:
            msg = f"{self.name}: no monthly maps of rain; give Maps.from_folder(...) of full maps, or ask for 0.01 %"
            raise DataMissingError(msg)
        from overflight.radio._full_maps import read_monthly_maps

        return MonthlyMaps(*read_monthly_maps(self.folder))


@dataclass(frozen=True, slots=True)
class MonthlyMaps:
    """Twelve layers each: mean monthly rain, mm (P.837-7), and mean monthly surface temperature, K (P.1510-1)."""

    rain_mm: Grid
    temperature_k: Grid


@cache
def built_in_maps() -> Maps:
    """Give the built-in reduced maps, read once."""
    return Maps.from_file()


def share_rows(function: Callable[[int, int], None], rows: int, threads: int) -> None:
    """Call ``function(start, stop)`` over all rows, in threads where that helps."""
    parts = min(threads, rows // _LEAST_SHARE)
    if parts <= 1:
        function(0, rows)
        return
    bounds = [rows * part // parts for part in range(parts + 1)]
    with ThreadPoolExecutor(max_workers=parts) as pool:
        list(pool.map(function, bounds[:-1], bounds[1:]))


def read_climate(
    lat_deg: npt.ArrayLike,
    lon_deg: npt.ArrayLike,
    *,
    exceeded_percent: float,
    height_km: npt.ArrayLike | None = None,
    maps: Maps | None = None,
    threads: int = 1,
) -> Climate:
    """Read from the maps all that the attenuation of places needs.

    Parameters
    ----------
    lat_deg, lon_deg
        The places, shape (n,).
    exceeded_percent
        Percentage of an average year, for water vapour and clouds; within the range of the maps.
    height_km
        Height of the sites above the sea; None takes the map's.
    maps
        None takes the built-in reduced maps.
    threads
        Threads to share the places out to.

    Returns
    -------
    Climate
        Arrays of shape (n,).

    Raises
    ------
    InputError
        If a place, a height or the percentage is out of range.
    """
    maps = built_in_maps() if maps is None else maps
    lat, lon = check_places(lat_deg, lon_deg)
    shape = lat.shape
    lat, lon = lat.reshape(-1), lon.reshape(-1)
    height = None if height_km is None else check_height(height_km, shape).reshape(-1)
    vapour = _weigh_layers(exceeded_percent, maps.vapour_percents, "P.836-6")
    liquid = _weigh_layers(exceeded_percent, maps.liquid_percents, "P.840-8")
    columns = np.zeros((8, lat.size))
    climate = Climate(*(column.reshape(shape) for column in columns))
    if height is not None:
        columns[0] = height

    def read(start: int, stop: int) -> None:
        if height is None:
            _read_bicubic(maps.height, lat, lon, columns[0], start, stop)
        _read_bilinear(maps.temperature, [(0, 1.0)], lat, lon, columns[1], start, stop)
        _read_vapour(maps, vapour, lat, lon, columns, start, stop)
        _read_bilinear(maps.liquid, liquid, lat, lon, columns[4], start, stop)
        _read_bilinear(maps.rain_rate, [(0, 1.0)], lat, lon, columns[5], start, stop)
        columns[6, start:stop] = 0.36
        _read_bilinear(maps.isotherm, [(0, 1.0)], lat, lon, columns[6], start, stop)
        _read_bilinear(maps.wet_refractivity, [(0, 1.0)], lat, lon, columns[7], start, stop)

    share_rows(read, lat.size, threads)
    return climate


def ground_height_p1511(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, maps: Maps | None = None) -> Floats:
    """Height of the ground above the sea, km (P.1511-2, bicubic); of places of any shape."""
    grid = (maps or built_in_maps()).height
    lat, lon = check_places(lat_deg, lon_deg)
    out = np.zeros(lat.size)
    _read_bicubic(grid, lat.reshape(-1), lon.reshape(-1), out, 0, out.size)
    return out.reshape(lat.shape)


def surface_temperature_p1510(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, maps: Maps | None = None) -> Floats:
    """Mean annual temperature 2 m above the ground, K (P.1510-1)."""
    return read_map((maps or built_in_maps()).temperature, lat_deg, lon_deg)


def wet_refractivity_p453(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, maps: Maps | None = None) -> Floats:
    """Median wet term of the surface refractivity, N-units (P.453-13, 50 %)."""
    return read_map((maps or built_in_maps()).wet_refractivity, lat_deg, lon_deg)


def water_vapour_p836(
    lat_deg: npt.ArrayLike,
    lon_deg: npt.ArrayLike,
    *,
    exceeded_percent: float,
    height_km: npt.ArrayLike | None = None,
    maps: Maps | None = None,
) -> tuple[Floats, Floats]:
    """Water vapour exceeded for a percentage of an average year (P.836-6).

    Parameters
    ----------
    lat_deg, lon_deg
        The places, of any shape.
    exceeded_percent
        0.1 to 99 with full maps, 1 to 50 with the built-in ones.
    height_km
        Height of the sites above the sea; None takes P.1511-2.
    maps
        None takes the built-in reduced maps.

    Returns
    -------
    density_g_m3, content_kg_m2
        Surface density and total column.

    Raises
    ------
    InputError
        If a place, a height or the percentage is out of range.
    """
    maps = built_in_maps() if maps is None else maps
    lat, lon = check_places(lat_deg, lon_deg)
    layers = _weigh_layers(exceeded_percent, maps.vapour_percents, "P.836-6")
    columns = np.zeros((4, lat.size))
    columns[0] = (
        ground_height_p1511(lat, lon, maps=maps).reshape(-1) if height_km is None else check_height(height_km, lat.shape).reshape(-1)
    )
    _read_vapour(maps, layers, lat.reshape(-1), lon.reshape(-1), columns, 0, lat.size)
    return columns[2].reshape(lat.shape), columns[3].reshape(lat.shape)


def liquid_water_p840(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, exceeded_percent: float, maps: Maps | None = None) -> Floats:
    """Reduced liquid water of the cloud column exceeded for a percentage of an average year, kg/m² (P.840-8).

    The percentage is 0.1 to 99 with full maps, 0.1 to 50 with the built-in ones; anything else is an `InputError`.
    """
    maps = built_in_maps() if maps is None else maps
    return read_map(maps.liquid, lat_deg, lon_deg, layers=_weigh_layers(exceeded_percent, maps.liquid_percents, "P.840-8"))


def read_map(grid: Grid, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, layers: list[tuple[int, float]] | None = None) -> Floats:
    """Interpolate a map bilinearly at places of any shape; ``layers`` are numbers of layers with their weights."""
    lat, lon = check_places(lat_deg, lon_deg)
    out = np.zeros(lat.size)
    _read_bilinear(grid, layers or [(0, 1.0)], lat.reshape(-1), lon.reshape(-1), out, 0, out.size)
    return out.reshape(lat.shape)


def _weigh_layers(exceeded_percent: float, percents: tuple[float, ...], recommendation: str) -> list[tuple[int, float]]:
    """Layers on either side of a percentage, with weights by its logarithm; one layer where the percentage has a map."""
    percent = check_percent(exceeded_percent, recommendation=recommendation, low=percents[0], high=percents[-1])
    above = next(row for row, known in enumerate(percents) if known >= percent)
    if percents[above] == percent:
        return [(above, 1.0)]
    share = math.log(percent / percents[above - 1]) / math.log(percents[above] / percents[above - 1])
    return [(above - 1, 1.0 - share), (above, share)]


def _read_bilinear(grid: Grid, layers: list[tuple[int, float]], lat: Floats, lon: Floats, out: Floats, start: int, stop: int) -> None:
    from overflight.radio._propagation_kernels import read_bilinear

    for layer, weight in layers:
        read_bilinear(grid.values[layer], *grid.geometry, lat, lon, weight, out, start, stop)


def _read_bicubic(grid: Grid, lat: Floats, lon: Floats, out: Floats, start: int, stop: int) -> None:
    from overflight.radio._propagation_kernels import read_bicubic

    read_bicubic(grid.values[0], *grid.geometry, lat, lon, out, start, stop)


def _read_vapour(maps: Maps, layers: list[tuple[int, float]], lat: Floats, lon: Floats, columns: Floats, start: int, stop: int) -> None:
    """Columns 0, 2 and 3 are height, density and content."""
    from overflight.radio._propagation_kernels import read_vapour

    ground, scales = maps.vapour_ground.values[0], maps.vapour_scale.values
    for layer, weight in layers:
        density, content = maps.vapour_density.values[layer], maps.vapour_content.values[layer]
        scale = scales[layer if len(scales) > 1 else 0]
        read_vapour(
            density,
            content,
            scale,
            ground,
            *maps.vapour_density.geometry,
            lat,
            lon,
            columns[0],
            weight,
            columns[2],
            columns[3],
            start,
            stop,
        )
