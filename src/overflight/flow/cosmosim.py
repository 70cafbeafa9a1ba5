"""CosmoSim's feeders and its total: feeder beams granted in two passes, then a maximum flow from gateways over lasers to satellites.

References
----------
CosmoSim, ACM Internet Measurement Conference 2025.
E. A. Dinic, "Algorithm for solution of a problem of maximum flow in networks with power estimation", Soviet Math. Doklady 11 (1970).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.catalog.cosmosim import FEEDER_MBPS, FEEDERS_PER_GATEWAY, FEEDERS_PER_SATELLITE, ISL_MBPS
from overflight.errors import InputError

Integers = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FeederGrants:
    """Feeder beams between satellites and gateways.

    Attributes
    ----------
    by_pair
        Beams of each pair asked about, int64, shape (pairs,).
    by_satellite
        Beams of each satellite, int64, shape (satellites,).
    by_gateway
        Beams of each gateway, int64, shape (gateways,).
    """

    by_pair: Rows
    by_satellite: Rows
    by_gateway: Rows


@dataclass(frozen=True, slots=True)
class CarriedFlow:
    """What reaches the satellites.

    Attributes
    ----------
    total_mbps
        The maximum flow.
    met_mbps
        Part of each satellite's demand that is met, int64, shape (satellites,). How the total is divided is one way of several.
    over_lasers_mbps
        Part of the total that comes over lasers.
    """

    total_mbps: int
    met_mbps: Rows
    over_lasers_mbps: int


def grant_feeders(
    demand_mbps: npt.ArrayLike,
    indptr: Rows,
    gateway: Integers,
    *,
    gateways: int,
    order: npt.ArrayLike | None = None,
    feeder_mbps: int = FEEDER_MBPS,
    per_satellite: int = FEEDERS_PER_SATELLITE,
    per_gateway: int = FEEDERS_PER_GATEWAY,
) -> FeederGrants:
    """Join satellites and gateways by whole feeder beams, as CosmoSim does each second.

    First the satellites with demand, by row: over their gateways, the least used first (those alike by row), as many beams as the demand
    fills, not lessened by what other gateways gave. Then all satellites, up to what a satellite can have.

    Parameters
    ----------
    demand_mbps
        What the beams of each satellite ask for, whole numbers, shape (satellites,).
    indptr, gateway
        Gateways in reach of satellite s: ``gateway[indptr[s]:indptr[s + 1]]``, ascending.
    gateways
        Number of gateways.
    order
        Satellites in the order of the second pass, shape (satellites,); None: by row.
    feeder_mbps, per_satellite, per_gateway
        What one feeder beam carries, and how many a satellite and a gateway have.
    """
    from overflight.flow import _cosmosim_kernels

    demand = np.ascontiguousarray(demand_mbps, dtype=np.int64)
    turns = np.arange(demand.size) if order is None else np.ascontiguousarray(order, dtype=np.int64)
    used, granted = np.zeros(gateways, np.int64), np.zeros(len(gateway), np.int64)
    _cosmosim_kernels.grant_feeders(demand, feeder_mbps, indptr, gateway, turns, per_satellite, per_gateway, used, granted)
    running = np.concatenate([[0], np.cumsum(granted)])
    return FeederGrants(granted, running[indptr[1:]] - running[indptr[:-1]], used)


def carry_over_lasers(
    supply_mbps: npt.ArrayLike, demand_mbps: npt.ArrayLike, linked: Integers, *, laser_mbps: int = ISL_MBPS
) -> CarriedFlow:
    """Maximum flow from what satellites get from gateways, over lasers, to what their beams ask for.

    Parameters
    ----------
    supply_mbps, demand_mbps
        Whole numbers, shape (satellites,).
    linked
        Satellites linked with each, int32, shape (satellites, k), symmetric, padded with −1.
    laser_mbps
        What a laser carries, either way.

    Raises
    ------
    InputError
        If a supply or a demand is negative, or ``linked`` is not symmetric.
    """
    from overflight.flow import _cosmosim_kernels

    spare, lack = (np.array(amount, dtype=np.int64) for amount in (supply_mbps, demand_mbps))
    if (spare < 0).any() or (lack < 0).any():
        msg = "maximum flow: a supply or a demand is negative; give amounts of at least 0 Mbit/s"
        raise InputError(msg)
    demand, own = lack.copy(), int(np.minimum(spare, lack).sum())
    room = np.where(linked >= 0, np.int64(laser_mbps), np.int64(0))
    _cosmosim_kernels.carry(spare, lack, linked, _columns_back(linked), room)
    met = demand - lack
    total = int(met.sum())
    return CarriedFlow(total, met, total - own)


def _columns_back(linked: Integers) -> Integers:
    """In which column each neighbour names the satellite, shape of ``linked``; 0 where there is no neighbour."""
    n, _ = linked.shape
    other = np.where(linked >= 0, linked, 0)
    names_back = linked[other] == np.arange(n, dtype=np.int32)[:, None, None]
    if not (names_back.any(axis=2) | (linked < 0)).all():
        msg = "maximum flow: a satellite is linked with one that is not linked with it; give a symmetric table"
        raise InputError(msg)
    columns: Integers = names_back.argmax(axis=2).astype(np.int32)
    return columns
