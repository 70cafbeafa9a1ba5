"""The market of the whole world: every cell of the territories that an operator serves, with the terminals that are estimated there."""

import numpy as np
import numpy.typing as npt

from overflight.capacity.market import Market
from overflight.catalog.homing import domestic_countries, nearest_pops
from overflight.earth.cells import cell_centres, cell_neighbours
from overflight.earth.geodesy import make_sites
from overflight.earth.population import population_of_cells, read_world_cells, territories_of_cells
from overflight.inputs import FleetInputs
from overflight.service.classes import CLASSES, DEFAULT_CLASS, list_classes
from overflight.service.subscribers import is_offered, world_terminals

Floats = npt.NDArray[np.float64]


def make_world_market(fleet: FleetInputs, *, scale: float = 1.0, populated: bool = True) -> Market:
    """Put the cells of all territories together that an operator serves.

    Parameters
    ----------
    fleet
        Whose operator's service status, gateways and PoPs count.
    scale
        Terminals as a multiple of what is estimated.
    populated
        Whether cells without a terminal are left out.
    """
    assert fleet.pops is not None
    world = read_world_cells()
    served = np.array([bool(is_offered(code, operator=fleet.operator)) for code in world.codes])
    cell_ids = np.unique(world.cells[served[world.territory]])
    terminals = world_terminals(fleet.operator, cell_ids, scale=scale).astype(np.float64)
    if populated:
        cell_ids, terminals = cell_ids[terminals > 0.0], terminals[terminals > 0.0]
    rows = list_classes()
    shape = (len(cell_ids), len(rows))
    lat_deg, lon_deg = cell_centres(cell_ids)
    countries = [owners[0] if owners else "" for owners in territories_of_cells(cell_ids)]
    by_class = np.zeros(shape)
    by_class[:, CLASSES.index(DEFAULT_CLASS)] = terminals

    def spread(name: str) -> Floats:
        return np.broadcast_to(np.array([getattr(row, name) for row in rows]), shape)

    return Market(
        cell_ids=cell_ids,
        sites=make_sites(lat_deg, lon_deg),
        own=np.ones(len(cell_ids), dtype=np.bool_),
        population=population_of_cells(cell_ids),
        terminals=by_class,
        down_mbps=spread("down_mbps"),
        up_mbps=spread("up_mbps"),
        active_share=spread("active_share"),
        weight=np.array([row.weight for row in rows]),
        classes=CLASSES,
        home_pop=nearest_pops(fleet.pops, lat_deg, lon_deg, country=countries, domestic_only=domestic_countries(fleet.operator)),
        neighbours=cell_neighbours(cell_ids),
    )
