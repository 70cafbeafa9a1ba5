"""What lists of gateways and PoPs leave open: gateways that must exist, and which PoP is a cell's home.

Operators publish neither. Two rules stand in, and both are assumptions that the published latencies support (docs/models/latency.md):

- A PoP far from every listed gateway has one beside it: without one its users' traffic would come to ground thousands of kilometres away,
  and published medians, such as 21 ms in Kyrgyzstan, could not be.
- A cell's home is the nearest PoP, except where licences are reported to part domestic from foreign traffic (table ``domestic_pops``): PoPs
  and gateways of such a closed country carry its own traffic and no other, and its traffic uses no others as long as it has PoPs.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from overflight.catalog.ground import Gateways, Pops
from overflight.catalog.tables import read_table
from overflight.earth.geodesy import great_circle_km
from overflight.errors import CatalogError

REMOTE_POP_KM = 200.0
"""A PoP farther than this from every listed gateway is taken to have one of its own (assumed)."""


def assume_gateways(
    gateways: Gateways, pops: Pops, *, beyond_km: float = REMOTE_POP_KM, domestic_only: frozenset[str] | None = None
) -> Gateways:
    """Gateways that are not listed but must exist: one beside each PoP without a listed one within ``beyond_km`` that serves it.

    Parameters
    ----------
    gateways
        The listed gateways.
    pops
        The PoPs.
    beyond_km
        Distance along the ground; infinity assumes none.
    domestic_only
        As in `nearest_pops`.

    Returns
    -------
    Gateways
        Only the assumed ones: the name is the PoP's city with "(assumed)", the status "assumed". Add them with ``Gateways.concatenate``.
    """
    distance_km = np.full((len(pops), len(gateways) + 1), np.inf)
    distance_km[:, :-1] = great_circle_km(pops.lat_deg[:, None], pops.lon_deg[:, None], gateways.lat_deg, gateways.lon_deg)
    distance_km[:, :-1][~may_land(gateways, pops, domestic_only=domestic_only)] = np.inf
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


def domestic_countries(operator: str = "starlink") -> frozenset[str]:
    """Closed countries (alpha-2) of an operator, from the built-in table ``domestic_pops``; its rows come from licences of Starlink."""
    table = read_table("domestic_pops")
    return frozenset(country for country, whose in zip(table["country"], table["operator"], strict=True) if whose == operator)


def may_land(gateways: Gateways, pops: Pops, *, domestic_only: frozenset[str] | None = None) -> npt.NDArray[np.bool_]:
    """Whether traffic of each PoP may come to ground at each gateway, shape (n_pops, n_gateways).

    A closed country's PoPs and gateways serve one another only. ``domestic_only`` is as in `nearest_pops`.
    """
    closed = domestic_countries() if domestic_only is None else domestic_only
    at_gateway, at_pop = ([country if country in closed else "" for country in table.country] for table in (gateways, pops))
    allowed: npt.NDArray[np.bool_] = np.array(at_pop, dtype=np.str_)[:, None] == np.array(at_gateway, dtype=np.str_)[None, :]
    return allowed


def open_pops(pops: Pops, country: str, *, domestic_only: frozenset[str] | None = None) -> npt.NDArray[np.intp]:
    """Rows of the PoPs that take a country's traffic: its own where it is closed and has any, else all that are in no closed country.

    Parameters
    ----------
    pops
        The PoPs.
    country
        Alpha-2 code; empty for no country.
    domestic_only
        As in `nearest_pops`.

    Raises
    ------
    CatalogError
        If no PoP takes the traffic.
    """
    closed = domestic_countries() if domestic_only is None else domestic_only
    own = np.array([place == country for place in pops.country], dtype=np.bool_)
    if country in closed and own.any():
        return np.flatnonzero(own)
    rows = np.flatnonzero(np.array([place not in closed for place in pops.country], dtype=np.bool_))
    if not len(rows):
        msg = f"none of {len(pops)} PoPs takes traffic of cells in '{country or 'no country'}': give a PoP that does"
        raise CatalogError(msg)
    return rows


def nearest_pops(
    pops: Pops,
    lat_deg: npt.ArrayLike,
    lon_deg: npt.ArrayLike,
    *,
    country: str | Sequence[str] = "",
    domestic_only: frozenset[str] | None = None,
) -> npt.NDArray[np.int32]:
    """Home of each cell: the nearest PoP along the ground that takes its traffic.

    Parameters
    ----------
    pops
        The PoPs.
    lat_deg, lon_deg
        The cells, shape (n,).
    country
        Country of the cells, alpha-2, one for all or one each; empty for cells that belong to none.
    domestic_only
        Closed countries: they keep their traffic, and others' traffic out. None for `domestic_countries`, an empty set for no such rule.

    Returns
    -------
    ndarray
        Row of the PoP, int32, shape (n,).

    Raises
    ------
    CatalogError
        If no PoP takes the traffic.
    """
    lat, lon = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (lat_deg, lon_deg))
    countries = np.broadcast_to(np.asarray(country, dtype=np.str_), lat.shape)
    home = np.empty(lat.shape, dtype=np.int32)
    for code in np.unique(countries):
        mine = countries == code
        rows = open_pops(pops, str(code), domestic_only=domestic_only)
        distance_km = great_circle_km(lat[mine, None], lon[mine, None], pops.lat_deg[rows], pops.lon_deg[rows])
        home[mine] = rows[np.argmin(distance_km, axis=1)]
    return home
