"""Attenuation of the atmosphere: every pair of a site and a satellite, and the tables that other kernels read."""

from functools import cache

import numpy as np
import numpy.typing as npt

from benchmarks.harness import Case
from overflight.radio.attenuation import Attenuation, AttenuationTable, Weather, make_attenuation_table, total_attenuation_p618
from overflight.radio.maps import Maps

Floats = npt.NDArray[np.float64]

PAIRS = 250_000
SITES = 5_000
THREADS = 2
FREQUENCY_GHZ, DIAMETER_M, PERCENT = 20.0, 0.5, 0.1


@cache
def make_pairs() -> tuple[Floats, Floats, Floats, npt.NDArray[np.int32]]:
    """Places spread over the inhabited world, elevations from 25° up, and the site of each pair where pairs share sites."""
    generator = np.random.default_rng(1)
    lat = np.degrees(np.arcsin(generator.uniform(-0.85, 0.94, PAIRS)))
    elevation = np.degrees(np.arcsin(generator.uniform(0.4227, 1.0, PAIRS)))
    return lat, generator.uniform(-180.0, 180.0, PAIRS), elevation, np.sort(generator.integers(0, SITES, PAIRS)).astype(np.int32)


def attenuate_distinct() -> Attenuation:
    """A site of its own for every pair: maps, gases and all."""
    lat, lon, elevation, _ = make_pairs()
    return total_attenuation_p618(
        lat, lon, elevation, frequency_ghz=FREQUENCY_GHZ, exceeded_percent=PERCENT, diameter_m=DIAMETER_M, threads=THREADS
    )


def attenuate_shared() -> Attenuation:
    """Fifty satellites in view of each of 5,000 sites."""
    lat, lon, elevation, site = make_pairs()
    return total_attenuation_p618(
        lat[:SITES], lon[:SITES], elevation, site=site,
        frequency_ghz=FREQUENCY_GHZ, exceeded_percent=PERCENT, diameter_m=DIAMETER_M, threads=THREADS,
    )  # fmt: skip


def tabulate(weather: Weather) -> AttenuationTable:
    """A table over the elevations of 250,000 sites."""
    lat, lon, _, _ = make_pairs()
    return make_attenuation_table(lat, lon, frequency_ghz=FREQUENCY_GHZ, weather=weather, diameter_m=DIAMETER_M, threads=THREADS)


def cases() -> list[Case]:
    """Cases of propagation."""
    lat, lon, elevation, site = make_pairs()
    table = make_attenuation_table(
        lat[:SITES], lon[:SITES], frequency_ghz=FREQUENCY_GHZ, weather=Weather(exceeded_percent=PERCENT), diameter_m=DIAMETER_M
    )
    cells = PAIRS * table.db.shape[1]
    return [
        Case(
            "attenuation (P.618 total), 250,000 pairs, a site each",
            limit_s=0.2,
            floor_s=PAIRS * 1000 / 60e9,
            floor_note="about 1,000 operations a pair (8 maps, 4 percentages, polynomials, P.618) at 30 G/s on each of 2 cores",
            run=attenuate_distinct,
            unit_count=PAIRS,
            unit="pairs",
        ),
        Case(
            "attenuation (P.618 total), 250,000 pairs of 5,000 sites",
            limit_s=0.1,
            floor_s=PAIRS * 350 / 60e9,
            floor_note="about 350 operations a pair at 30 G/s on each of 2 cores",
            run=attenuate_shared,
            unit_count=PAIRS,
            unit="pairs",
        ),
        Case(
            "attenuation table, 250,000 sites, 0.1 %",
            limit_s=2.0,
            floor_s=(PAIRS * 650 + 2 * cells * 150) / 60e9,
            floor_note="650 operations a site and 150 for each of its 41 elevations, at 30 G/s on each of 2 cores",
            run=lambda: tabulate(Weather(exceeded_percent=PERCENT)),
            unit_count=PAIRS,
            unit="sites",
            repeats=3,
        ),
        Case(
            "attenuation table, 250,000 sites, rain of 10 mm/h",
            limit_s=1.0,
            floor_s=(PAIRS * 650 + 2 * cells * 25) / 60e9,
            floor_note="650 operations a site and 25 for each of its 41 elevations, at 30 G/s on each of 2 cores",
            run=lambda: tabulate(Weather(rain_mm_h=10.0, liquid_kg_m2=0.4)),
            unit_count=PAIRS,
            unit="sites",
            repeats=3,
        ),
        Case(
            "attenuation read from a table, 250,000 pairs",
            limit_s=0.02,
            floor_s=PAIRS * 24 / 10e9,
            floor_note="read 12 bytes, gather 8 and write 4 a pair at 10 GB/s",
            run=lambda: table.at(site, elevation),
            unit_count=PAIRS,
            unit="pairs",
        ),
        Case(
            "reading the built-in maps of propagation",
            limit_s=2.0,
            floor_s=0.03,
            floor_note="inflate 1.9 MB to 40 MB at 1.3 GB/s",
            run=Maps.from_file,
            repeats=3,
        ),
    ]
