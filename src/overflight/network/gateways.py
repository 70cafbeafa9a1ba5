"""The ground segment: gateways, from which elevation they may be used, and the fibre from each gateway to each PoP.

References
----------
Elevation masks of gateways: FCC filings of SpaceX (25 degrees; 5 degrees above 62 degrees of latitude).
Fibre: light runs at c / 1.468 (group index of G.652 fibre at 1550 nm); routes longer than the great circle by 1.5 are an assumption.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import LIGHT_SPEED_KM_S, Sites, great_circle_km
from overflight.errors import InputError

Floats = npt.NDArray[np.float64]

FIBRE_INDEX = 1.468
ROUTE_FACTOR = 1.5
GATEWAY_MASK_DEG = 25.0
HIGH_LATITUDE_MASK_DEG = 5.0
HIGH_LATITUDE_DEG = 62.0


@dataclass(frozen=True, slots=True)
class GroundSegment:
    """Where ways come down, and how far it is from there.

    Attributes
    ----------
    sites
        The gateways, n rows.
    min_elevation_deg
        Least topocentric elevation on WGS-84 at which a gateway uses a satellite, shape (n,).
    max_range_km
        Greatest slant range, shape (n,); infinite unless a network defines reach that way (Hypatia).
    backhaul_ms
        One-way delay from each gateway to each PoP, shape (n_pops, n); infinite where a gateway does not serve a PoP.
    """

    sites: Sites
    min_elevation_deg: Floats
    max_range_km: Floats
    backhaul_ms: Floats

    def __len__(self) -> int:
        return len(self.sites)


def make_ground_segment(
    sites: Sites,
    *,
    backhaul_ms: npt.ArrayLike | None = None,
    pops: Sites | None = None,
    min_elevation_deg: npt.ArrayLike | None = None,
    max_range_km: npt.ArrayLike = np.inf,
    route_factor: float = ROUTE_FACTOR,
    fibre_index: float = FIBRE_INDEX,
) -> GroundSegment:
    """Build a ground segment from gateways and either PoPs or the delays to them.

    Parameters
    ----------
    sites
        The gateways, n rows.
    backhaul_ms
        One-way delay to each PoP, shape (n_pops, n) or, for one PoP, (n,).
    pops
        The PoPs, if the delays are to be computed (`backhaul_delay_ms`). With neither, there is one PoP, at no distance from any gateway.
    min_elevation_deg
        One mask or one per gateway; by default `gateway_mask_deg` of their latitudes.
    max_range_km
        One greatest slant range or one per gateway.
    route_factor, fibre_index
        See `fibre_delay_ms`.

    Raises
    ------
    InputError
        If a shape does not fit, a mask is no angle, or a delay is negative or not a number.
    """
    n = len(sites)
    if backhaul_ms is not None and pops is not None:
        msg = "ground segment: both backhaul_ms and pops are given; give one of them"
        raise InputError(msg)
    if pops is not None:
        delays = backhaul_delay_ms(sites, pops, route_factor=route_factor, fibre_index=fibre_index)
    else:
        delays = np.atleast_2d(np.asarray(np.zeros(n) if backhaul_ms is None else backhaul_ms, dtype=np.float64))
    if delays.shape[1:] != (n,) or not (delays >= 0.0).all():
        msg = f"backhaul_ms: shape {delays.shape} or its values do not fit; give delays of at least 0 ms, shape (n_pops, {n})"
        raise InputError(msg)
    mask = gateway_mask_deg(sites.lat_deg) if min_elevation_deg is None else np.asarray(min_elevation_deg, dtype=np.float64)
    try:
        masks = np.broadcast_to(mask, (n,)).astype(np.float64)
        ranges = np.broadcast_to(np.asarray(max_range_km, dtype=np.float64), (n,)).astype(np.float64)
    except ValueError:
        msg = f"ground segment: masks or ranges do not fit {n} gateways; give one value or one for each"
        raise InputError(msg) from None
    if not ((masks >= -90.0) & (masks <= 90.0)).all() or not (ranges > 0.0).all():
        msg = "ground segment: a mask outside -90..90 degrees, or a range that is not positive; give angles and kilometres"
        raise InputError(msg)
    return GroundSegment(sites, masks, ranges, np.ascontiguousarray(delays))


def gateway_mask_deg(
    lat_deg: npt.ArrayLike,
    *,
    mask_deg: float = GATEWAY_MASK_DEG,
    high_latitude_mask_deg: float = HIGH_LATITUDE_MASK_DEG,
    high_latitude_deg: float = HIGH_LATITUDE_DEG,
) -> Floats:
    """Least elevation of each gateway by its latitude, degrees."""
    return np.where(np.abs(np.asarray(lat_deg, dtype=np.float64)) > high_latitude_deg, high_latitude_mask_deg, mask_deg)


def fibre_delay_ms(distance_km: npt.ArrayLike, *, route_factor: float = ROUTE_FACTOR, fibre_index: float = FIBRE_INDEX) -> Floats:
    """One-way delay over fibre: ``distance * route_factor * fibre_index / c``, milliseconds.

    Parameters
    ----------
    distance_km
        Great-circle distance.
    route_factor
        Length of the route over the great circle.
    fibre_index
        Group refractive index.
    """
    return np.asarray(np.asarray(distance_km, dtype=np.float64) * (route_factor * fibre_index / LIGHT_SPEED_KM_S * 1e3))


def backhaul_delay_ms(gateways: Sites, pops: Sites, *, route_factor: float = ROUTE_FACTOR, fibre_index: float = FIBRE_INDEX) -> Floats:
    """One-way delay over fibre from each gateway to each PoP, shape (n_pops, n_gateways), milliseconds."""
    distance_km = great_circle_km(pops.lat_deg[:, None], pops.lon_deg[:, None], gateways.lat_deg[None, :], gateways.lon_deg[None, :])
    return fibre_delay_ms(distance_km, route_factor=route_factor, fibre_index=fibre_index)
