"""The user links of a market under one plant and one sky: what a channel of each pair, and each beam that is lit, carries."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.capacity.plant import Plant, Sky
from overflight.capacity.scenes import Scene
from overflight.capacity.usable import share_out
from overflight.earth.geodesy import Sites
from overflight.radio.attenuation import AttenuationTable
from overflight.radio.interference import InterferenceModel, make_interference_model
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


def make_user_links(operator: str, plant: Plant, *, computed: bool, coding: str = "dvb-s2x") -> UserLinks:
    """Put the user links of an operator together under a plant's parameters.

    ``computed``: interference follows from the beams; ``coding`` is a model of `overflight.radio.modcod.spectral_efficiency`.
    """
    models = [
        make_link_model(link, operator=operator, versions=plant.versions, parameters=plant.values, model=coding)
        for link in ("user-down", "user-up")
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


class Surroundings(NamedTuple):
    """Cells within a distance of each, itself among them: those of cell c are ``near[indptr[c]:indptr[c + 1]]``."""

    indptr: npt.NDArray[np.int64]
    near: Integers


def find_surroundings(sites: Sites, ring_km: float) -> Surroundings:
    """List the cells within a distance of each, along straight lines."""
    from overflight.capacity import _kernels
    from overflight.radio import _link_kernels

    cells = len(sites)
    keys = np.empty(cells, np.int64)
    rows, places = np.arange(cells, dtype=np.int32), np.ascontiguousarray(sites.ecef_km.T)
    side = _link_kernels.number_boxes(rows, np.zeros(cells, np.int8), places, ring_km, keys)
    order = np.argsort(keys, kind="stable")
    arguments = (order, keys[order], side, sites.ecef_km, ring_km)
    indptr, near = np.zeros(cells + 1, np.int64), np.empty(0, np.int32)
    _kernels.list_near(*arguments, indptr, near)
    np.cumsum(indptr, out=indptr)
    near = np.empty(int(indptr[-1]), np.int32)
    _kernels.list_near(*arguments, indptr, near)
    return Surroundings(indptr, near)


def rate_beams(
    scene: Scene, plan: BeamPlan, links: UserLinks, plant: Plant, sky: Sky, surroundings: Surroundings, *, threads: int = 1
) -> Floats:
    """Downlink rate of the channel of each lit beam, Mbit/s, with the interference that the beams make one another.

    ``surroundings`` are those within the model's ring. A beam that cells share in time is taken to light the first of them, and all of
    them have its interference.
    """
    model = links.interference
    assert model is not None
    if not len(plan):
        return np.zeros(0)
    opened = _open_beams(plan)
    i_over_c = add_interference(model, scene, opened, surroundings, threads=threads)
    if len(opened) < len(plan):
        i_over_c = i_over_c[plan.beam]
    return _rate_rows(scene, plan, links.down, plant, sky.down, i_over_c, threads=threads)


def _open_beams(plan: BeamPlan) -> BeamPlan:
    """The plan with one row for each beam, in the order of the beams' numbers, which is that of their first rows."""
    beams = int(plan.beam.max(initial=-1)) + 1
    if beams == len(plan):
        return plan
    first = np.empty(beams, dtype=np.int64)
    first[plan.beam[::-1]] = np.arange(len(plan))[::-1]
    return BeamPlan(*(np.ascontiguousarray(getattr(plan, name)[first]) for name in BeamPlan.__dataclass_fields__))


def add_interference(model: InterferenceModel, scene: Scene, plan: BeamPlan, surroundings: Surroundings, *, threads: int = 1) -> Floats:
    """Interference over carrier of every lit beam in the downlink, as a ratio, other systems included.

    What `overflight.radio.interference.find_interference` finds by a search: which cells are near each other does not change from slot
    to slot.
    """
    from overflight.capacity import _kernels

    rows, channels = len(plan), int(plan.channel.max(initial=0)) + 1
    groups = channels * scene.positions_km.shape[1]
    beams, i_over_c = np.empty((rows, 4)), np.empty(rows)
    lit, first, members = np.empty(len(scene.sites) + 1, np.int64), np.empty(groups + 1, np.int64), np.empty(rows, np.int32)
    places, positions = scene.sites.ecef_km, scene.positions_km
    _kernels.point_lit(plan.cell, plan.satellite, plan.channel, channels, places, positions, beams, lit, first, members)

    def from_same(part: tuple[int, int]) -> None:
        _kernels.add_same_lit(*part, first, members, beams, model.space_pattern, i_over_c)

    def from_others(part: tuple[int, int]) -> None:
        _kernels.add_other_lit(
            *part, plan.cell, plan.satellite, plan.channel, *surroundings, lit, places, positions, beams,
            model.space_pattern, model.ground_pattern, model.other_systems, i_over_c,
        )  # fmt: skip

    tasks = max(1, min(TASKS_A_THREAD * threads if threads > 1 else 1, rows // LEAST_ROWS))
    bounds = np.linspace(0, rows, tasks + 1).astype(np.int64)
    share_out(from_same, list(pairwise([0, *np.searchsorted(first, bounds[1:-1]).tolist(), groups])), threads)
    share_out(from_others, list(pairwise(bounds.tolist())), threads)
    return i_over_c


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
