"""What people ask of each satellite: spots, beams, and how the satellites over a spot share it.

A spot is a populated H3 cell of resolution 4, about what one user beam lights. A share of its people ask for a mean rate each; one beam
lights a spot at a time, so no spot gets more than one channel carries. The satellites above the mask of a spot take turns: each has an
equal part of the time (the demand of the study), or the parts are chosen so that the total is greatest.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from overflight.earth.cells import cell_area_km2, cell_centres
from overflight.earth.geodesy import Sites, make_sites
from overflight.earth.population import read_world_cells
from overflight.radio.attenuation import AttenuationTable, Weather, make_attenuation_table
from overflight.sky.visibility import CellTree, find_visible, pair_angles
from overflight.study.del_portillo.links import EARTH_RADIUS_KM, channel_rates_mbps
from overflight.study.del_portillo.systems import FiledSystem

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SPOT_RESOLUTION = 4
"""H3 resolution of a spot."""


@dataclass(frozen=True, slots=True)
class Spots:
    """Populated spots of the world: a table of ``n`` rows."""

    cells: npt.NDArray[np.uint64]
    sites: Sites
    tree: CellTree
    people: Floats
    area_km2: Floats

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True, slots=True)
class Offer:
    """What people ask of the satellites at one instant.

    Attributes
    ----------
    unit
        int64, shape (pairs,): what lights a spot, ``satellite * beams + beam``, where steered satellites have one unit each.
    spot
        int64, shape (pairs,).
    asked_mbps
        What the spot would get from that unit alone: no more than it asks for and no more than its beam carries, shape (pairs,).
    full
        Whether the beam's rate, not the people, is what bounds that, shape (pairs,).
    sharers
        Satellites that light the spot, shape (pairs,).
    unit_mbps
        What a unit can carry: its channels at the mean rate of its spots, shape (units,).
    satellites
        How many satellites there are.
    """

    unit: Ints
    spot: Ints
    asked_mbps: Floats
    full: npt.NDArray[np.bool_]
    sharers: Ints
    unit_mbps: Floats
    satellites: int

    @property
    def beams(self) -> int:
        """Units of a satellite."""
        return len(self.unit_mbps) // self.satellites

    def equal_shares_mbps(self) -> tuple[Floats, Floats, Floats]:
        """What the satellites are asked for if they take equal turns: after the limit of their units, and where from.

        Returns
        -------
        tuple
            Carried by units, shape (satellites,), Mbit/s; how much of it is bounded by beams or units that are full; and by people.
        """
        share = self.asked_mbps / self.sharers
        units = len(self.unit_mbps)
        asked = np.bincount(self.unit, share, minlength=units)
        full = np.bincount(self.unit, share * self.full, minlength=units)
        carried = np.minimum(asked, self.unit_mbps)
        by_beam = np.where(asked > self.unit_mbps, carried, full)
        rows = (self.satellites, self.beams)
        total, beam = carried.reshape(rows).sum(axis=1), by_beam.reshape(rows).sum(axis=1)
        return total, beam, total - beam


@cache
def read_spots() -> Spots:
    """Gather the world's people into spots, once."""
    world = read_world_cells()
    inhabited = world.population > 0.0
    cells, row = np.unique(parent_cells(world.cells[inhabited], SPOT_RESOLUTION), return_inverse=True)
    sites = make_sites(*cell_centres(cells))
    people = np.bincount(row, world.population[inhabited]).astype(np.float64)
    return Spots(cells, sites, CellTree(sites, cell_ids=cells), people, cell_area_km2(cells))


def parent_cells(cells: npt.NDArray[np.uint64], resolution: int) -> npt.NDArray[np.uint64]:
    """The H3 ancestors of cells at a coarser resolution: its number in bits 52 to 55, all finer digits set to 7."""
    finer = np.uint64((1 << (3 * (15 - resolution))) - 1)
    return np.asarray((cells & ~np.uint64(15 << 52)) | np.uint64(resolution << 52) | finer)


def make_offer(
    system: FiledSystem,
    positions_km: Floats,
    velocities_km_s: Floats,
    shell: Ints,
    *,
    one_beam_a_spot: bool = True,
    exceeded_percent: float | None = None,
) -> Offer:
    """List who can light what, and what each could carry, at one instant.

    Parameters
    ----------
    system
        The system.
    positions_km, velocities_km_s
        Satellites in ITRF and how they move over the ground, shape (3, n).
    shell
        Row of each satellite's shell, shape (n,).
    one_beam_a_spot
        Whether no spot gets more than one channel; else a spot may have the whole of a satellite's channels.
    exceeded_percent
        Attenuation of the user downlink: that exceeded for so much of the time, at every spot at once; None for none (clear sky).
    """
    spots = read_spots()
    visible = find_visible(spots.tree, positions_km, min_elevation_deg=system.user_mask_deg)
    _, elevation_deg, range_km = pair_angles(spots.sites, positions_km, visible)
    spot = np.repeat(np.arange(len(spots)), visible.counts)
    satellite = visible.satellite.astype(np.int64)
    beams = max(system.fixed_beams, 1)
    beam = np.zeros(len(spot), dtype=np.int64)
    if system.fixed_beams:
        beam = _fixed_beam(system, spots, positions_km, velocities_km_s, spot, satellite)
        lit = beam >= 0
        spot, satellite, beam, range_km, elevation_deg = spot[lit], satellite[lit], beam[lit], range_km[lit], elevation_deg[lit]
    weather_db: Floats | float = 0.0
    if exceeded_percent is not None:
        table = _attenuation_table(system.downlink_ghz, system.terminal_dish_m, exceeded_percent)
        weather_db = table.at(spot, elevation_deg).astype(np.float64)
    rate = channel_rates_mbps(system, range_km, shell[satellite], attenuation_db=weather_db)
    wanted = (spots.people * system.market_share * system.rate_per_person_mbps)[spot]
    most = rate * (spots.area_km2[spot] / system.spot_km2 if one_beam_a_spot else system.user_channels / beams)
    unit = satellite * beams + beam
    units = positions_km.shape[1] * beams
    weight = np.bincount(unit, minlength=units)
    mean_rate = np.bincount(unit, rate, minlength=units) / np.maximum(weight, 1)
    return Offer(
        unit=unit,
        spot=spot,
        asked_mbps=np.minimum(wanted, most),
        full=wanted > most,
        sharers=np.bincount(spot, minlength=len(spots))[spot],
        unit_mbps=mean_rate * system.user_channels / beams,
        satellites=positions_km.shape[1],
    )


@cache
def _attenuation_table(frequency_ghz: float, diameter_m: float, exceeded_percent: float) -> AttenuationTable:
    sites = read_spots().sites
    weather = Weather(exceeded_percent=exceeded_percent)
    return make_attenuation_table(sites.lat_deg, sites.lon_deg, frequency_ghz=frequency_ghz, weather=weather, diameter_m=diameter_m)


def _fixed_beam(system: FiledSystem, spots: Spots, positions_km: Floats, velocities_km_s: Floats, spot: Ints, satellite: Ints) -> Ints:
    """Which of the beams side by side along the orbit lights each spot; -1: none."""
    up = positions_km / np.linalg.norm(positions_km, axis=0)
    along = velocities_km_s - (velocities_km_s * up).sum(axis=0) * up
    along /= np.linalg.norm(along, axis=0)
    across = np.cross(up, along, axis=0)
    ground = spots.sites.ecef_km / np.linalg.norm(spots.sites.ecef_km, axis=0)
    ahead_km, aside_km = (
        EARTH_RADIUS_KM * np.arcsin(np.einsum("ij,ij->j", ground[:, spot], axis[:, satellite])) for axis in (along, across)
    )
    half_km = system.beam_block_km / 2.0
    beam = np.floor((ahead_km + half_km) / system.beam_block_km * system.fixed_beams).astype(np.int64)
    return np.where((beam >= 0) & (beam < system.fixed_beams) & (np.abs(aside_km) <= half_km), beam, -1)
