"""The user links of a market under one plant and one sky: what a channel of each pair, and each beam that is lit, carries."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.capacity.market import Market
from overflight.capacity.plant import Plant, Sky
from overflight.capacity.scenes import Scene
from overflight.capacity.usable import share_out
from overflight.radio.attenuation import AttenuationTable
from overflight.radio.interference import InterferenceModel, find_interference, make_interference_model
from overflight.radio.link import LinkModel, make_link_model
from overflight.radio.table import _BEND, _BEND_SINE, _LEAST_SINE, _count_low
from overflight.schedule.beams import BeamPlan

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]

TASKS_A_THREAD = 4
LEAST_ROWS = 4_096
"""Rows that are worth a task of their own."""


@dataclass(frozen=True, slots=True)
class UserLinks:
    """Models of the user links.

    Attributes
    ----------
    down, up
        The links.
    interference
        Of beams that are lit; None: the nominal values stand for it.
    """

    down: LinkModel
    up: LinkModel
    interference: InterferenceModel | None


class PairRates(NamedTuple):
    """Rate of a whole downlink channel of each pair of a scene, Mbit/s, shape (pairs,), and the best of each cell, shape (cells,)."""

    rate_mbps: Floats
    best_mbps: Floats


def make_user_links(operator: str, plant: Plant, *, computed: bool) -> UserLinks:
    """Put the user links of an operator together under a plant's parameters; ``computed``: interference follows from the beams."""
    models = [
        make_link_model(link, operator=operator, versions=plant.versions, parameters=plant.values) for link in ("user-down", "user-up")
    ]
    interference = make_interference_model(plant.down.frequency_ghz, parameters=plant.values) if computed else None
    return UserLinks(models[0], models[1], interference)


def rate_pairs(scene: Scene, links: UserLinks, plant: Plant, sky: Sky, *, threads: int = 1) -> PairRates:
    """Rate of a whole downlink channel of each pair of a scene, of users' packets, with nominal interference.

    Pairs are measured anew from the positions: to keep their ranges and elevations would take longer.
    """
    from overflight.capacity import _kernels

    pairs, cells = len(scene.satellite), len(scene.sites)
    rate_mbps, best_mbps = np.empty(pairs), np.zeros(cells)
    table = _Table.of(links.down, sky.down, plant)
    noise = 10.0 ** (-links.down.ci_db / 10.0)
    tasks = max(1, min(TASKS_A_THREAD * threads if threads > 1 else 1, pairs // LEAST_ROWS))
    bounds = np.searchsorted(scene.indptr, np.linspace(0, pairs, tasks + 1)[1:-1]).tolist()

    def work(part: tuple[int, int]) -> None:
        _kernels.rate_cells(
            *part, scene.indptr, scene.satellite, scene.sites.ecef_km, scene.sites.up, scene.positions_km, plant.version,
            table.constants, noise, table.is_up, table.control, table.columns, table.nodes, table.read, table.db, rate_mbps, best_mbps,
        )  # fmt: skip

    share_out(work, list(pairwise([0, *bounds, cells])), threads)
    return PairRates(rate_mbps, best_mbps)


def rate_beams(scene: Scene, plan: BeamPlan, links: UserLinks, plant: Plant, sky: Sky, market: Market, *, threads: int = 1) -> Floats:
    """Downlink rate of the channel of each lit beam, Mbit/s, with the interference that the beams make one another."""
    model = links.interference
    assert model is not None
    if not len(plan):
        return np.zeros(0)
    found = find_interference(
        model,
        cell=plan.cell,
        satellite=plan.satellite,
        channel=plan.channel,
        cells_km=market.sites.ecef_km.T,
        positions_km=scene.positions_km,
        threads=threads,
    )
    return _rate_rows(scene, plan, links.down, plant, sky.down, found.total + model.other_systems, threads=threads)


def rate_lit(scene: Scene, plan: BeamPlan, links: UserLinks, plant: Plant, sky: Sky, *, is_up: bool, threads: int = 1) -> Floats:
    """Rate of the channel of each lit beam, down or up, Mbit/s, with nominal interference."""
    model, table = (links.up, sky.up) if is_up else (links.down, sky.down)
    return _rate_rows(scene, plan, model, plant, table, np.array([10.0 ** (-model.ci_db / 10.0)]), threads=threads)


class _Table(NamedTuple):
    """What the kernels read of a link's model, a sky and a plant."""

    constants: Floats
    is_up: bool
    control: float
    columns: tuple[float, float, float, float]
    nodes: int
    read: tuple[Floats, ...]
    db: npt.NDArray[np.float32]

    @classmethod
    def of(cls, model: LinkModel, sky: AttenuationTable, plant: Plant) -> "_Table":
        tables = model._tables  # noqa: SLF001
        carried = tables.efficiency * tables.mbps_per_efficiency * plant.values["protocol_share"]
        nodes = sky.db.shape[1]
        return cls(
            tables.constants,
            model.is_up,
            10.0 ** (model.control_db / 10.0),
            _scale_columns(nodes),
            nodes,
            (tables.sines, tables.ground_scan, tables.space_scan, tables.losses, carried),
            sky.db.reshape(-1),
        )


def _rate_rows(
    scene: Scene, plan: BeamPlan, model: LinkModel, plant: Plant, sky: AttenuationTable, i_over_c: Floats, *, threads: int
) -> Floats:
    from overflight.capacity import _kernels

    rates = np.empty(len(plan))
    table = _Table.of(model, sky, plant)
    tasks = max(1, min(threads, len(plan) // LEAST_ROWS))
    bounds = np.linspace(0, len(plan), tasks + 1).astype(np.int64).tolist()

    def work(part: tuple[int, int]) -> None:
        _kernels.rate_rows(
            *part, plan.cell, plan.satellite, scene.sites.ecef_km, scene.sites.up, scene.positions_km, plant.version, table.constants,
            i_over_c, table.is_up, table.control, table.columns, table.nodes, table.read, table.db, rates,
        )  # fmt: skip

    share_out(work, list(pairwise(bounds)), threads)
    return rates


def _scale_columns(nodes: int) -> tuple[float, float, float, float]:
    """How `overflight.radio.table.interpolate_db` finds its place: intervals below the bend, rates below and above it, last interval."""
    low = _count_low(nodes)
    return float(low), low / (_BEND_SINE - _LEAST_SINE), (nodes - 1 - low) / (1.0 - _BEND), float(nodes - 2)
