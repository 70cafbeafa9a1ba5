"""What the atmosphere takes from links between sites and satellites: the total of P.618 for every pair, and tables for other kernels.

References
----------
ITU-R P.618-13, section 2.5: A_T = A_G + √((A_R + A_C)² + A_S²), with gases and clouds of at least 1 % of the time.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError
from overflight.radio._limits import Floats, check_elevation, check_frequency, check_number, check_percent, check_places, check_range
from overflight.radio.clouds import cloud_coefficient_p840
from overflight.radio.gases import fit_zenith
from overflight.radio.maps import Climate, Maps, built_in_maps, read_climate, share_rows
from overflight.radio.rain import log_rate, rain_coefficients_p838
from overflight.radio.scintillation import fade_at_site, turbulence_factor

LOWEST_GHZ, HIGHEST_GHZ = 1.0, 55.0
LEAST_PERCENT, GREATEST_PERCENT = 0.001, 50.0

NODES = 21
"""Elevations in a table, from 5° to the zenith (`overflight.radio.table.table_sines`)."""

_LANES = 8


@dataclass(frozen=True, slots=True)
class Attenuation:
    """Attenuation exceeded for a percentage of an average year, dB; arrays of shape (pairs,).

    Attributes
    ----------
    gas_db, cloud_db, rain_db, scintillation_db
        Components: gases and clouds for at least 1 % of the time, as the total takes them.
    total_db
        Their combination by P.618-13, section 2.5.
    """

    gas_db: Floats
    cloud_db: Floats
    rain_db: Floats
    scintillation_db: Floats
    total_db: Floats


@dataclass(frozen=True, slots=True)
class Weather:
    """Either a percentage of time, or a state of the sky over the sites.

    Attributes
    ----------
    exceeded_percent
        Percentage of an average year, 0.001 to 50, for which the attenuation is exceeded at each site. None: a state of the sky, described
        by what follows; the median water vapour of the place, and no scintillation.
    liquid_kg_m2
        Liquid water of the cloud column: one number, or one per site.
    rain_mm_h
        Rain rate, the same from the ground to ``rain_top_km``: one number, or one per site.
    rain_top_km
        Height above the sea to which it rains. None: the place's mean rain height (P.839-4).
    rain_width_km
        Distance over the ground, towards the satellite, that lies in the rain. Infinite: all of the path below the top.
    """

    exceeded_percent: float | None = None
    liquid_kg_m2: float | Floats = 0.0
    rain_mm_h: float | Floats = 0.0
    rain_top_km: float | None = None
    rain_width_km: float = np.inf


CLEAR = Weather()
"""Gases only, with the median water vapour of the place."""


@dataclass(frozen=True, slots=True)
class AttenuationTable:
    """Attenuation of sites by elevation, to be read by kernels: `overflight.radio.table.interpolate_db`.

    Attributes
    ----------
    sin_nodes
        Sines of the elevations of the columns, ascending, shape (nodes,).
    db
        Attenuation times the sine of the elevation, dB, shifted as `overflight.radio.table` says, float32, shape (sites, nodes).
    """

    sin_nodes: Floats
    db: npt.NDArray[np.float32]

    def at(self, site_rows: npt.ArrayLike, elevation_deg: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Attenuation of pairs of a site's row and an elevation (of one shape), dB, float32.

        Raises
        ------
        InputError
            If a row or an elevation is out of range.
        """
        from overflight.radio.table import read_pairs

        rows = np.asarray(site_rows)
        elevation = check_elevation(elevation_deg)
        if rows.size and not (rows.min() >= 0 and rows.max() < len(self.db)):
            msg = f"site_rows: rows {rows.min()} to {rows.max()} of a table of {len(self.db):,} sites; give rows of its sites"
            raise InputError(msg)
        rows, elevation = np.broadcast_arrays(rows, elevation)
        out = np.empty(rows.size, dtype=np.float32)
        read_pairs(self.db, np.array(rows, dtype=np.int32).reshape(-1), np.array(elevation).reshape(-1), out)
        return out.reshape(rows.shape)


def total_attenuation_p618(
    lat_deg: npt.ArrayLike,
    lon_deg: npt.ArrayLike,
    elevation_deg: npt.ArrayLike,
    *,
    frequency_ghz: float,
    exceeded_percent: float,
    diameter_m: float,
    efficiency: float = 0.65,
    height_km: npt.ArrayLike | None = None,
    tilt_deg: float = 45.0,
    site: npt.ArrayLike | None = None,
    maps: Maps | None = None,
    threads: int = 1,
) -> Attenuation:
    """Attenuation of links exceeded for a percentage of an average year, by P.618-13 with all recommendations that it calls.

    Parameters
    ----------
    lat_deg, lon_deg
        The sites: one for all pairs, one per pair, or, with ``site``, any number.
    elevation_deg
        Elevation of the satellite, 5° to 90°, shape (pairs,).
    frequency_ghz
        1 to 55 GHz.
    exceeded_percent
        0.001 to 50 % of an average year. Beyond 5 % the formula for rain is continued, as section 2.5 implies.
    diameter_m, efficiency
        Diameter and aperture efficiency of the ground antenna (scintillation).
    height_km
        Height of the sites above the sea, one for all or one each; None takes the map's (P.1511-2).
    tilt_deg
        Tilt of the polarisation from the horizontal; 45° for circular.
    site
        Row of each pair's site in ``lat_deg``, shape (pairs,): what depends on the site alone is then worked out once per site.
    maps
        None takes the built-in reduced maps.
    threads
        Threads to share the work out to; the result does not depend on it.

    Returns
    -------
    Attenuation
        Arrays of shape (pairs,).

    Raises
    ------
    InputError
        If an argument is out of range, or there is neither one site, nor one per pair, nor ``site``.
    """
    from overflight.radio._propagation_kernels import attenuate_pairs

    lat, lon = check_places(lat_deg, lon_deg)
    elevation = check_elevation(elevation_deg)
    rows = _rows_of_pairs(site, lat.size, elevation.size)
    percent = check_percent(exceeded_percent, recommendation="P.618-13", low=LEAST_PERCENT, high=GREATEST_PERCENT)
    f = check_frequency(frequency_ghz, recommendation="P.618-13", low=LOWEST_GHZ, high=HIGHEST_GHZ)
    climate = read_climate(lat, lon, exceeded_percent=max(percent, 1.0), height_km=height_km, maps=maps, threads=threads)
    turbulence = turbulence_factor(f, diameter_m=diameter_m, efficiency=efficiency)
    columns = (lat, *_site_columns(climate, f, percent, threads))
    coefficients = rain_coefficients_p838(f, tilt_deg=tilt_deg)
    out = [np.empty(elevation.size) for _ in range(5)]

    def work(start: int, stop: int) -> None:
        attenuate_pairs(rows, elevation, *columns, coefficients, f, percent, turbulence, *out, start, stop)

    share_rows(work, elevation.size, threads)
    return Attenuation(*out)


def _rows_of_pairs(site: npt.ArrayLike | None, sites: int, pairs: int) -> npt.NDArray[np.int32]:
    if site is None:
        if sites not in {1, pairs}:
            msg = f"{sites:,} sites for {pairs:,} elevations; give one site, one site each, or the row of each pair's site as `site`"
            raise InputError(msg)
        return np.arange(pairs, dtype=np.int32) if sites > 1 else np.zeros(pairs, dtype=np.int32)
    rows = np.asarray(site)
    if rows.shape != (pairs,) or (pairs and not (rows.min() >= 0 and rows.max() < sites)):
        msg = f"site: must hold, for each of {pairs:,} pairs, the row of one of {sites:,} sites"
        raise InputError(msg)
    return np.require(rows, np.int32, ("C", "W"))


def _site_columns(climate: Climate, f: float, percent: float, threads: int) -> tuple[Floats, ...]:
    """What of P.618 depends on the site alone: zenith gas and cloud, dB; fade, dB; depth of rain, km; logarithm of the rain rate."""
    return (
        zenith_gas_db(climate, f, threads=threads),
        climate.liquid_kg_m2 * cloud_coefficient_p840(f),
        fade_at_site(climate.wet_refractivity, frequency_ghz=f, exceeded_percent=percent),
        climate.rain_height_km - climate.height_km,
        log_rate(climate.rain_rate_mm_h),
    )


def zenith_gas_db(climate: Climate, frequency_ghz: float, *, threads: int = 1) -> Floats:
    """Attenuation of gases towards the zenith of places, dB, from series fitted to P.676-12 (see `overflight.radio.gases.fit_zenith`)."""
    from overflight.radio._propagation_kernels import zenith_gases

    fit = fit_zenith(frequency_ghz)
    out = np.empty(climate.height_km.size)

    def work(start: int, stop: int) -> None:
        zenith_gases(
            climate.height_km,
            climate.temperature_k,
            climate.vapour_density_g_m3,
            climate.vapour_content_kg_m2,
            *fit,
            out,
            start,
            stop,
        )

    share_rows(work, out.size, threads)
    return out


def make_attenuation_table(
    lat_deg: npt.ArrayLike,
    lon_deg: npt.ArrayLike,
    *,
    frequency_ghz: float,
    weather: Weather,
    diameter_m: float,
    efficiency: float = 0.65,
    height_km: npt.ArrayLike | None = None,
    tilt_deg: float = 45.0,
    nodes: int = NODES,
    maps: Maps | None = None,
    threads: int = 1,
) -> AttenuationTable:
    """Tabulate the attenuation of sites over elevation, once, for kernels that look at many satellites slot after slot.

    Parameters
    ----------
    lat_deg, lon_deg
        The sites, shape (sites,).
    frequency_ghz
        1 to 55 GHz.
    weather
        A percentage of time or a state of the sky.
    diameter_m, efficiency, height_km, tilt_deg, maps, threads
        As of `total_attenuation_p618`.
    nodes
        Elevations in the table, 4 to 256.

    Returns
    -------
    AttenuationTable
        Elevations from 5° to 90°. Interpolation errors are in docs/models/propagation.md.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    from overflight.radio.table import table_sines

    lat, lon = check_places(lat_deg, lon_deg)
    f = check_frequency(frequency_ghz, recommendation="P.618-13", low=LOWEST_GHZ, high=HIGHEST_GHZ)
    nodes = int(check_number("nodes", nodes, 4, 256, unit="", advice="give the number of elevations of the table"))
    sines = table_sines(nodes)
    maps = built_in_maps() if maps is None else maps
    percent = weather.exceeded_percent
    if percent is not None:
        percent = check_percent(percent, recommendation="P.618-13", low=LEAST_PERCENT, high=GREATEST_PERCENT)
    vapour_percent = 50.0 if percent is None else max(percent, 1.0)
    climate = read_climate(lat, lon, exceeded_percent=vapour_percent, height_km=height_km, maps=maps, threads=threads)
    coefficients = rain_coefficients_p838(f, tilt_deg=tilt_deg)
    db = np.empty((lat.size, nodes), dtype=np.float32)
    turbulence = turbulence_factor(f, diameter_m=diameter_m, efficiency=efficiency)
    if percent is None:
        _tabulate_state(weather, climate, f, coefficients, sines, db, threads)
    else:
        _tabulate_statistics(lat, climate, f, percent, turbulence, coefficients, sines, db, threads)
    return AttenuationTable(sines[::2], db)


def _tabulate_statistics(
    lat: Floats,
    climate: Climate,
    f: float,
    percent: float,
    turbulence: float,
    coefficients: tuple[float, float, float, float],
    sines: Floats,
    db: npt.NDArray[np.float32],
    threads: int,
) -> None:
    from overflight.radio._propagation_kernels import scintillation_of_pairs, tabulate_statistics

    sine, cosine = _fill_vectors(sines)
    elevation, shape = np.degrees(np.arcsin(sine)), np.empty(len(sine))
    scintillation_of_pairs(elevation, turbulence, shape)
    columns = (lat, *_site_columns(climate, f, percent, threads))

    def work(start: int, stop: int) -> None:
        tabulate_statistics(*columns, coefficients, f, percent, sine, cosine, elevation, shape, db, start, stop)

    share_rows(work, len(db), threads)


def _tabulate_state(
    weather: Weather,
    climate: Climate,
    f: float,
    coefficients: tuple[float, float, float, float],
    sines: Floats,
    db: npt.NDArray[np.float32],
    threads: int,
) -> None:
    from overflight.radio._propagation_kernels import tabulate_state

    sites = (len(db),)
    liquid = _of_sites("liquid_kg_m2", weather.liquid_kg_m2, 100.0, " kg/m²", sites)
    rate = _of_sites("rain_mm_h", weather.rain_mm_h, 1e4, " mm/h", sites)
    width = check_number("rain_width_km", weather.rain_width_km, 0.0, np.inf, unit=" km", advice="give a width of 0 or more")
    top = climate.rain_height_km
    if weather.rain_top_km is not None:
        top = np.full(sites, check_number("rain_top_km", weather.rain_top_km, 0.0, 20.0, unit=" km", advice="give km above the sea"))
    zenith = zenith_gas_db(climate, f, threads=threads) + cloud_coefficient_p840(f) * liquid
    depth, rates, columns = top - climate.height_km, log_rate(rate), _fill_vectors(sines)

    def work(start: int, stop: int) -> None:
        tabulate_state(zenith, depth, rates, coefficients, width, *columns, db, start, stop)

    share_rows(work, len(db), threads)


def _fill_vectors(sines: Floats) -> tuple[Floats, Floats]:
    """Sines followed by ones, so that vector loops leave no scalar remainder; and the cosines that belong to them."""
    sine = np.ones(-(-len(sines) // _LANES) * _LANES)
    sine[: len(sines)] = sines
    return sine, np.sqrt(1.0 - sine * sine)


def _of_sites(name: str, value: npt.ArrayLike, high: float, unit: str, sites: tuple[int]) -> Floats:
    """One number for all sites or one each, 0 or more."""
    values = check_range(name, value, 0.0, high, unit=unit, advice="give one number, or one per site, of 0 or more")
    if values.shape not in {(1,), sites}:
        msg = f"{name}: {values.size:,} values for {sites[0]:,} sites; give one number, or one per site"
        raise InputError(msg)
    return np.array(np.broadcast_to(values, sites))
