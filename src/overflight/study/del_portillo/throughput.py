"""Total forward throughput of a filed system: ground stations to satellites, over lasers, down to spots, over the instants of a day."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import Sites
from overflight.errors import InputError, ScenarioError
from overflight.network.isl import TopologyInput, link_is_feasible, plus_grid
from overflight.orbit.propagation import Propagator
from overflight.orbit.shells import shell_elements
from overflight.sky.visibility import CellTree, find_visible
from overflight.study.del_portillo.demand import Offer, make_offer, read_spots
from overflight.study.del_portillo.ground import place_stations
from overflight.study.del_portillo.links import feeder_mbps, greatest_mbps
from overflight.study.del_portillo.systems import FiledSystem, find_filed_system

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EPOCH = np.datetime64("2018-10-01T00:00:00", "us")
"""Instant of the elements; the day measured begins here. Assumed."""

SAMPLES = 24
"""Instants of the day that are measured."""

TRAINING_SATELLITES = 10_000
"""Ground stations are chosen over as many instants as give about so many positions of satellites (at least 8 instants)."""

Sharing = Literal["equal", "best"]


@dataclass(frozen=True, slots=True)
class FiledThroughput:
    """Total forward throughput of a filed system.

    Attributes
    ----------
    system
        The system.
    total_tbps
        Mean over the samples.
    sample_tbps
        Each sample, shape (samples,).
    beam_share, feeder_share, demand_share
        Parts of the throughput, 1 in all, by what bounds each bit of it: a user beam (or all channels of a satellite) that is full; a
        gateway link, a station or a laser that is full; or people who ask for no more. Where more than one is full, the one nearer to
        the people counts.
    idle_share
        Part of the satellites that carry nothing, mean over the samples.
    used_of_capacity
        Mean over what the satellites could carry at their published greatest rate.
    stations
        The ground stations.
    """

    system: FiledSystem
    total_tbps: float
    sample_tbps: Floats
    beam_share: float
    feeder_share: float
    demand_share: float
    idle_share: float
    used_of_capacity: float
    stations: Sites

    @property
    def satellite_gbps(self) -> float:
        """Mean rate of a satellite."""
        return self.total_tbps * 1e3 / self.system.satellites

    @property
    def difference(self) -> float:
        """Ours over the published total, less one."""
        return self.total_tbps / self.system.published_total_tbps - 1.0


class _Rules(NamedTuple):
    """How the model is to be run."""

    sharing: Sharing
    one_beam_a_spot: bool
    separate_links: bool
    exceeded_percent: float | None


class _Carried(NamedTuple):
    """One instant: Mbit/s in all, the parts of it bounded by beams and by people, and satellites that carry something."""

    total: float
    beam: float
    demand: float
    busy: float


def filed_throughput(
    system: str | FiledSystem,
    *,
    samples: int = SAMPLES,
    sharing: Sharing = "equal",
    one_beam_a_spot: bool = True,
    separate_links: bool = False,
    exceeded_percent: float | None = None,
    stations: Sites | None = None,
) -> FiledThroughput:
    """Compute the total forward throughput of a system as filed in 2016 to 2018.

    Parameters
    ----------
    system
        Name, or a system with assumptions of your own.
    samples
        Instants, evenly over a day.
    sharing
        ``equal``: satellites over a spot take equal turns, as in the study; ``best``: the turns that make the total greatest.
    one_beam_a_spot
        Whether one beam lights a spot at a time, as in the study; else a spot may have all channels of a satellite.
    separate_links
        Whether two gateway links of a satellite must end at different stations (in one band and at one station they cannot be told
        apart); else they may end at one, as in the study.
    exceeded_percent
        Attenuation of the user downlink: that exceeded for so much of the time, at every spot at once; None: clear sky.
    stations
        Ground stations; by default chosen (`overflight.study.del_portillo.ground`).

    Raises
    ------
    ScenarioError
        If there is no such system or sharing.
    InputError
        If ``samples`` is below 1, or a percentage is out of range.

    References
    ----------
    I. del Portillo, B. Cameron, E. Crawley, "A technical comparison of three low earth orbit satellite constellation systems to provide
    global broadband", Acta Astronautica 159 (2019) 123-135.
    """
    if samples < 1:
        msg = f"samples: {samples}; give at least 1"
        raise InputError(msg)
    if sharing not in {"equal", "best"}:
        msg = f"sharing '{sharing}': unknown; take equal or best"
        raise ScenarioError(msg)
    filed = find_filed_system(system) if isinstance(system, str) else system
    fleet = _Fleet(filed, _Rules(sharing, one_beam_a_spot, separate_links, exceeded_percent))
    ground = fleet.choose_stations() if stations is None else stations
    tree = CellTree(ground)
    carried = np.array([fleet.carry(index, tree) for index in fleet.propagate(_spread(samples, 0.5))])
    total, beam, demand, busy = carried.mean(axis=0)
    return FiledThroughput(
        system=filed,
        total_tbps=float(total) / 1e6,
        sample_tbps=carried[:, 0] / 1e6,
        beam_share=float(beam / total),
        feeder_share=float(max(0.0, total - beam - demand) / total),
        demand_share=float(demand / total),
        idle_share=1.0 - float(busy) / filed.satellites,
        used_of_capacity=float(total) / (filed.satellites * filed.published_satellite_gbps * 1e3),
        stations=ground,
    )


class _Fleet:
    """The satellites of a system, instant by instant."""

    def __init__(self, system: FiledSystem, rules: _Rules) -> None:
        self.system = system
        self.rules = rules
        self.elements = shell_elements(system.shells, EPOCH)
        self.shell = np.asarray(self.elements.shell, dtype=np.int64)
        self.link_mbps = feeder_mbps(system)
        self.greatest_mbps = greatest_mbps(system)
        self.station_mbps = system.dishes / system.stations * self.link_mbps
        self.positions_km = self.velocities_km_s = np.empty((0, 3, len(self.shell)))

    def propagate(self, times: npt.NDArray[np.datetime64]) -> range:
        """Put the satellites where they are at the instants; over the ground they move as over a second."""
        propagator = Propagator(self.elements)
        self.positions_km = propagator.positions_km(times)
        self.velocities_km_s = propagator.positions_km(times + np.timedelta64(1, "s")) - self.positions_km
        return range(len(times))

    def offer(self, index: int) -> Offer:
        """What people ask at one instant."""
        return make_offer(
            self.system,
            self.positions_km[index],
            self.velocities_km_s[index],
            self.shell,
            one_beam_a_spot=self.rules.one_beam_a_spot,
            exceeded_percent=self.rules.exceeded_percent,
        )

    def choose_stations(self) -> Sites:
        """Choose ground stations by what people ask over a day, at instants other than those measured."""
        indices = self.propagate(_spread(max(8, TRAINING_SATELLITES // len(self.shell)), 0.0))
        asked = np.array([np.minimum(self.offer(index).equal_shares_mbps()[0], self.greatest_mbps) for index in indices])
        return place_stations(
            self.positions_km, asked, stations=self.system.stations, station_mbps=self.station_mbps, mask_deg=self.system.gateway_mask_deg
        )

    def carry(self, index: int, stations: CellTree) -> _Carried:
        """Lead as much as possible from the ground stations to the people at one instant."""
        offer = self.offer(index)
        network = _Network(self, index, stations)
        if self.rules.sharing == "equal":
            return network.carry_shares(*offer.equal_shares_mbps(), self.greatest_mbps)
        return network.carry_best(offer, self.greatest_mbps)


class _Network:
    """Arcs of one instant, whole Mbit/s: source 0, sink 1, stations, gateway sides of satellites, satellites, then units and spots."""

    def __init__(self, fleet: _Fleet, index: int, stations: CellTree) -> None:
        system, position = fleet.system, fleet.positions_km[index]
        self.satellites = position.shape[1]
        first_station = 2
        first_dish = first_station + len(stations)
        self.first_satellite = first_dish + self.satellites
        self.nodes = self.first_satellite + self.satellites
        self.tail: list[Ints] = []
        self.head: list[Ints] = []
        self.mbps: list[Ints] = []
        seen = find_visible(stations, position, min_elevation_deg=system.gateway_mask_deg)
        station = np.repeat(np.arange(len(stations)), seen.counts)
        every = np.arange(self.satellites)
        to_one = 1 if fleet.rules.separate_links else system.dishes_per_satellite
        self._add(0, first_station + np.arange(len(stations)), fleet.station_mbps)
        self._add(first_station + station, first_dish + seen.satellite, fleet.link_mbps * to_one)
        self._add(first_dish + every, self.first_satellite + every, fleet.link_mbps * system.dishes_per_satellite)
        if system.isl_mbps > 0.0:
            elements = fleet.elements
            neighbours = plus_grid(TopologyInput(position, elements.shell, elements.plane, elements.slot))
            a, k = np.nonzero(link_is_feasible(position, neighbours))
            self._add(self.first_satellite + a, self.first_satellite + neighbours[a, k], system.isl_mbps)

    def carry_shares(self, asked_mbps: Floats, by_beam_mbps: Floats, by_people_mbps: Floats, greatest_mbps: float) -> _Carried:
        """Let each satellite hand down what it is asked for, up to the most that it can."""
        down = self._add(self.first_satellite + np.arange(self.satellites), 1, np.minimum(asked_mbps, greatest_mbps))
        total, cut, flow = self._solve()
        met = cut[down] & (asked_mbps <= greatest_mbps)
        busy = float(np.count_nonzero(flow[down]))
        return _Carried(total, float(by_beam_mbps[met].sum()), float(by_people_mbps[met].sum()), busy)

    def carry_best(self, offer: Offer, greatest_mbps: float) -> _Carried:
        """Let units hand down to spots as they like, no spot getting more than it asks for and its beam carries."""
        count, units = len(read_spots()), np.arange(len(offer.unit_mbps))
        first_unit, first_spot = self.nodes, self.nodes + len(units)
        self.nodes = first_spot + count
        most = np.zeros(count)
        np.maximum.at(most, offer.spot, offer.asked_mbps)
        full = np.zeros(count, dtype=np.bool_)
        np.logical_or.at(full, offer.spot, offer.full)
        satellite = units // offer.beams
        down = self._add(self.first_satellite + satellite, first_unit + units, np.minimum(offer.unit_mbps, greatest_mbps))
        to_spots = self._add(first_unit + offer.unit, first_spot + offer.spot, offer.asked_mbps)
        ends = self._add(first_spot + np.arange(count), 1, most)
        total, cut, flow = self._solve()
        crossing = np.concatenate(self.mbps) * cut
        beam = crossing[down][offer.unit_mbps <= greatest_mbps].sum() + crossing[ends][full].sum()
        beam += crossing[to_spots][offer.full].sum()
        people = crossing[ends][~full].sum() + crossing[to_spots][~offer.full].sum()
        busy = float(np.count_nonzero(np.bincount(satellite, flow[down])))
        return _Carried(total, float(beam), float(people), busy)

    def _solve(self) -> tuple[float, npt.NDArray[np.bool_], Ints]:
        """The greatest flow, Mbit/s; which arcs make the least cut, the one nearest to the people; and the flow of each arc.

        Every bit of the flow crosses the cut once, where nothing more would pass: that is what bounds it.
        """
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow

        tail, head = np.concatenate(self.tail), np.concatenate(self.head)
        graph = csr_matrix((np.concatenate(self.mbps).astype(np.int32), (tail, head)), shape=(self.nodes, self.nodes))
        found = maximum_flow(graph, 0, 1)
        rest = (graph - found.flow).tocsr()
        rest.data = np.maximum(rest.data, 0)
        rest.eliminate_zeros()
        reaches = np.zeros(self.nodes, dtype=np.bool_)
        reaches[breadth_first_order(rest.T.tocsr(), 1, return_predecessors=False)] = True
        flow = np.asarray(found.flow.tocsr()[tail, head]).ravel().astype(np.int64)
        return float(found.flow_value), ~reaches[tail] & reaches[head], flow

    def _add(self, tail: npt.ArrayLike, head: npt.ArrayLike, mbps: npt.ArrayLike) -> slice:
        """Add arcs (broadcast against one another) and say where they stand."""
        tails, heads, whole = np.broadcast_arrays(np.asarray(tail), np.asarray(head), np.rint(np.asarray(mbps, dtype=np.float64)))
        first = sum(len(part) for part in self.tail)
        self.tail.append(tails.ravel().astype(np.int64))
        self.head.append(heads.ravel().astype(np.int64))
        self.mbps.append(whole.ravel().astype(np.int64))
        return slice(first, first + tails.size)


def _spread(count: int, offset: float) -> npt.NDArray[np.datetime64]:
    """Instants evenly over a day from `EPOCH`, shifted by a part of a step."""
    seconds = ((np.arange(count) + offset) * 86400.0 / count).astype(np.int64)
    return EPOCH + seconds.astype("timedelta64[s]")
