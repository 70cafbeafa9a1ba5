"""Links: the rate of a channel for every pair of a slot and of a day, and the interference among lit beams."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.harness import Case
from overflight.catalog.versions import read_versions
from overflight.radio.interference import Interference, InterferenceModel, find_interference, make_interference_model
from overflight.radio.link import LinkModel, channel_rates_mbps, make_link_model

WORLD_PAIRS = 6_000_000
SLOT_PAIRS = 8_000
DAY_SLOTS = 5_760
WORLD_BEAMS = 300_000
SLOT_BEAMS = 1_000
CHANNELS = 8
RADIUS_KM = 6_371.0
ALTITUDE_KM = 480.0


@cache
def make_model() -> LinkModel:
    """Starlink's user downlink."""
    return make_link_model("user-down", operator="starlink")


@cache
def make_patterns() -> InterferenceModel:
    """Patterns of satellite and terminal."""
    return make_interference_model(11.7)


@cache
def make_pairs(count: int) -> dict[str, Any]:
    """Pairs of one shell at elevations from 25°, in all versions, in cloud and rain."""
    generator = np.random.default_rng(5)
    elevation = generator.uniform(25.0, 90.0, count)
    sine = RADIUS_KM * np.sin(np.radians(elevation))
    return {
        "range_km": (np.sqrt(sine**2 + 2.0 * RADIUS_KM * ALTITUDE_KM + ALTITUDE_KM**2) - sine).astype(np.float32),
        "elevation_deg": elevation.astype(np.float32),
        "attenuation_db": generator.uniform(0.0, 3.0, count).astype(np.float32),
        "version": generator.integers(0, len(read_versions()), count).astype(np.int32),
    }


def rate_world(threads: int) -> npt.NDArray[np.float64]:
    """Rate every pair of the world in one slot."""
    return channel_rates_mbps(make_model(), threads=threads, **make_pairs(WORLD_PAIRS))


def rate_day() -> float:
    """Rate a territory's pairs, slot after slot."""
    pairs, out = make_pairs(SLOT_PAIRS), np.empty(SLOT_PAIRS)
    total = 0.0
    for _ in range(DAY_SLOTS):
        total += channel_rates_mbps(make_model(), out=out, **pairs)[0]
    return total


@cache
def make_beams(count: int) -> dict[str, Any]:
    """A patch of cells as wide as those of H3 resolution 5, all channels lit, each by one of the 40 nearest of 6,000 satellites."""
    generator = np.random.default_rng(6)
    number = np.arange(int(4.0 * np.pi * RADIUS_KM**2 / 252.9)) + 0.5
    height, turn = 1.0 - 2.0 * number / len(number), number * np.pi * (3.0 - np.sqrt(5.0))
    flat = np.sqrt(1.0 - height**2)
    unit = np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)
    middle = np.array([0.7, 0.2, 0.68])
    cells_km = RADIUS_KM * unit[np.argsort(-(unit @ middle))[: count // CHANNELS]]
    positions_km = generator.normal(size=(3, 6_000))
    positions_km *= (RADIUS_KM + ALTITUDE_KM) / np.linalg.norm(positions_km, axis=0)
    cell = np.repeat(np.arange(len(cells_km), dtype=np.int32), CHANNELS)
    nearest = np.empty((len(cells_km), 40), np.int32)
    for first in range(0, len(cells_km), 2_000):
        facing = cells_km[first : first + 2_000] @ positions_km
        nearest[first : first + 2_000] = np.argpartition(-facing, 40, axis=1)[:, :40]
    return {
        "cell": cell,
        "satellite": nearest[cell, generator.integers(0, 40, len(cell))],
        "channel": np.tile(np.arange(CHANNELS, dtype=np.int32), len(cells_km)),
        "cells_km": cells_km,
        "positions_km": positions_km,
    }


def interfere(count: int, threads: int) -> Interference:
    """Sum the interference at every beam."""
    return find_interference(make_patterns(), threads=threads, **make_beams(count))


def cases() -> list[Case]:
    """Cases of the links."""
    return [
        Case(
            name="rate of a channel, 6 M pairs of cell and satellite (the world in one slot)",
            limit_s=0.2,
            floor_s=WORLD_PAIRS * 24 / 10e9,
            floor_note="16 bytes read and 8 written a pair at 10 GB/s",
            run=lambda: rate_world(1),
            unit_count=WORLD_PAIRS,
            unit="pairs",
        ),
        Case(
            name="the same by two threads",
            limit_s=0.12,
            floor_s=WORLD_PAIRS * 24 / 10e9,
            floor_note="16 bytes read and 8 written a pair at 10 GB/s",
            run=lambda: rate_world(2),
            unit_count=WORLD_PAIRS,
            unit="pairs",
        ),
        Case(
            name="rate of a channel, a day of 5,760 slots with 8,000 pairs each",
            limit_s=1.5,
            floor_s=DAY_SLOTS * SLOT_PAIRS * 30 / 3e9,
            floor_note="30 instructions a pair at 3 GHz",
            run=rate_day,
            unit_count=DAY_SLOTS * SLOT_PAIRS,
            unit="pairs",
        ),
        Case(
            name="interference among 1,000 lit beams",
            limit_s=1.5e-3,
            floor_s=SLOT_BEAMS * 40 * 10e-9,
            floor_note="40 neighbours a beam at 10 ns",
            run=lambda: interfere(SLOT_BEAMS, 1),
            unit_count=SLOT_BEAMS,
            unit="beams",
        ),
        Case(
            name="interference among 300,000 lit beams, two threads",
            limit_s=0.5,
            floor_s=WORLD_BEAMS * 45 * 10e-9 / 2,
            floor_note="45 neighbours a beam at 10 ns, by two",
            run=lambda: interfere(WORLD_BEAMS, 2),
            unit_count=WORLD_BEAMS,
            unit="beams",
        ),
    ]
