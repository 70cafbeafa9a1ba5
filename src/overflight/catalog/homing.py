"""What lists of gateways and PoPs leave open: gateways that must exist, and which PoP is a cell's home.

Operators publish neither. Two rules stand in, and both are assumptions that the published latencies support (docs/models/latency.md):

- A PoP far from every listed gateway has one beside it: without one its users' traffic would come to ground thousands of kilometres away,
  and published medians, such as 21 ms in Kyrgyzstan, could not be.
- A cell's home is the nearest PoP, except that PoPs in some countries take domestic traffic only, as licences there are reported to ask
  (table ``domestic_pops``).
"""

import numpy as np
import numpy.typing as npt

from overflight.catalog.ground import Gateways, Pops
from overflight.catalog.tables import read_table
from overflight.earth.geodesy import great_circle_km
from overflight.errors import CatalogError

REMOTE_POP_KM = 200.0
"""A PoP farther than this from every listed gateway is taken to have one of its own (assumed)."""


def assume_gateways(gateways: Gateways, pops: Pops, *, beyond_km: float = REMOTE_POP_KM) -> Gateways:
    """Gateways that are not listed but must exist: one beside each PoP without a listed one within ``beyond_km``.

    Parameters
    ----------
    gateways
        The listed gateways.
    pops
        The PoPs.
    beyond_km
        Distance along the ground; infinity assumes none.

    Returns
    -------
    Gateways
        Only the assumed ones: the name is the PoP's city with "(assumed)", the status "assumed". Add them with ``Gateways.concatenate``.
    """
    distance_km = np.full((len(pops), len(gateways) + 1), np.inf)
    distance_km[:, :-1] = great_circle_km(pops.lat_deg[:, None], pops.lon_deg[:, None], gateways.lat_deg, gateways.lon_deg)
    remote = pops.select((distance_km.min(axis=1) > beyond_km) & np.isfinite(beyond_km))
    return Gateways.from_rows(
        [
            {
                "operator": remote.operator[row],
                "kind": "gateway",
                "name": f"{remote.city[row] or remote.name[row]} (assumed)",
                "city": remote.city[row],
                "country": remote.country[row],
                "lat_deg": float(remote.lat_deg[row]),
                "lon_deg": float(remote.lon_deg[row]),
                "state": "operational",
                "source": f"assumed: a PoP stands here and no gateway is listed within {beyond_km:g} km",
                "date": remote.date[row],
                "status": "assumed",
            }
            for row in range(len(remote))
        ]
    )


def domestic_countries() -> frozenset[str]:
    """Countries (alpha-2) whose PoPs take domestic traffic only, from the built-in table ``domestic_pops``."""
    return frozenset(read_table("domestic_pops")["country"])


def nearest_pops(
    pops: Pops, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, *, country: str = "", domestic_only: frozenset[str] | None = None
) -> npt.NDArray[np.int32]:
    """Home of each cell: the nearest PoP along the ground that takes its traffic.

    Parameters
    ----------
    pops
        The PoPs.
    lat_deg, lon_deg
        The cells, shape (n,).
    country
        Country of the cells, alpha-2; empty if they belong to none, and then PoPs that take domestic traffic only take none of theirs.
    domestic_only
        Countries whose PoPs take domestic traffic only; None for `domestic_countries`, an empty set for no such rule.

    Returns
    -------
    ndarray
        Row of the PoP, int32, shape (n,).

    Raises
    ------
    CatalogError
        If no PoP takes the traffic.
    """
    closed = domestic_countries() if domestic_only is None else domestic_only
    takes = np.array([place not in closed or place == country for place in pops.country], dtype=np.bool_)
    if not takes.any():
        msg = f"none of {len(pops)} PoPs takes traffic of cells in '{country or 'no country'}': give a PoP that does"
        raise CatalogError(msg)
    rows = np.flatnonzero(takes)
    lat, lon = (np.atleast_1d(np.asarray(values, dtype=np.float64))[:, None] for values in (lat_deg, lon_deg))
    nearest = np.argmin(great_circle_km(lat, lon, pops.lat_deg[rows], pops.lon_deg[rows]), axis=1)
    home: npt.NDArray[np.int32] = rows[nearest].astype(np.int32)
    return home
