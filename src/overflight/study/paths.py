"""Routes from place to place over time, hop by hop: for ``overflight path``."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.backbone import link_fleet, make_fleet_ground, relink_number
from overflight.catalog.constellations import Constellation, find_constellation
from overflight.catalog.ground import Gateways, Pops
from overflight.catalog.homing import domestic_countries, open_pops
from overflight.catalog.hypatia import find_ground_station
from overflight.clock import Instants, format_time, seconds_between
from overflight.earth.geodesy import Sites, make_sites
from overflight.earth.places import find_place
from overflight.errors import PlaceError, ScenarioError, TimeError
from overflight.inputs import FleetInputs, gather_fleet
from overflight.measure.latency import access_fit
from overflight.network.hypatia import hypatia_rules
from overflight.network.isl import TopologyInput, plus_grid
from overflight.network.routes import PathRules, Paths, UserLinkRule, find_paths
from overflight.network.ways import Hop
from overflight.notices import Notice
from overflight.orbit.propagation import Propagator
from overflight.orbit.shells import shell_elements
from overflight.scenario import FleetSettings, Scenario, parse_scenario
from overflight.sky.angles import look_angles
from overflight.sky.arc import clears_arc

MAX_SAMPLES = 1_000_000
BLOCK_SAMPLES = 512
LANDINGS = ("auto", "gateway", "terminal")


@dataclass(frozen=True, slots=True)
class PathHop:
    """One node of a route: what it is called, what it is, and the one-way delay of the link that leads to it."""

    node: str
    kind: str
    delay_ms: float
    name: str


@dataclass(frozen=True, slots=True)
class PathSample:
    """The route at one instant; ``rtt_ms`` is None and there are no hops where there is none."""

    time: np.datetime64
    rtt_ms: float | None
    hops: tuple[PathHop, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON of one sample."""
        hops = [{"node": hop.node, "kind": hop.kind, "delay_ms": hop.delay_ms, "name": hop.name} for hop in self.hops]
        return {"time": format_time(self.time), "rtt_ms": self.rtt_ms, "hops": hops}


@dataclass(frozen=True, slots=True)
class PathStudy:
    """Routes from one place to another, and what they rest on."""

    source: str
    target: str
    constellation: str
    landing: str
    samples: tuple[PathSample, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON."""
        return {
            "from": self.source,
            "to": self.target,
            "constellation": self.constellation,
            "landing": self.landing,
            "samples": [sample.to_dict() for sample in self.samples],
            "warnings": list(self.warnings),
        }


def study_path(
    source: str,
    target: str,
    *,
    elements: tuple[str, ...] = (),
    constellation: str | None = None,
    start: np.datetime64 | None = None,
    until: np.datetime64 | None = None,
    step_s: float = 15.0,
    landing: str = "auto",
    topology: str = "auto",
    user_mask_deg: float | None = None,
    arc_avoidance_deg: float = 18.0,
    threads: int = 1,
    strict: bool = False,
) -> PathStudy:
    """Find the route of least delay between two places at one or more instants.

    Parameters
    ----------
    source, target
        Names of places, or ``LAT,LON``; for Hypatia's constellations also its ground stations.
    elements
        Files of element sets; or
    constellation
        a built-in constellation (``starlink`` by default). Hypatia's bring its conventions with them.
    start, until, step_s
        Instants: one, or from ``start`` to ``until`` (included) in steps. By default the elements' median epoch.
    landing
        ``gateway``: down at a gateway and over fibre and a PoP to the target, with the access term; ``terminal``: both ends are terminals;
        ``auto``: ``gateway`` where a ground segment is known.
    topology, user_mask_deg, arc_avoidance_deg
        See `overflight.scenario`; Hypatia's conventions know none of them.
    threads
        Threads to use.
    strict
        Refuse files with bad records.

    Raises
    ------
    OverflightError
        If a place, a time, a file or a name cannot be used.
    """
    if landing not in LANDINGS:
        msg = f"landing '{landing}': unknown; take one of {', '.join(LANDINGS)}"
        raise ScenarioError(msg)
    known = find_constellation(constellation) if constellation is not None else None
    if known is not None and elements:
        msg = "element sets and a constellation name two fleets; give one of them"
        raise ScenarioError(msg)
    if known is not None and known.conventions == "hypatia":
        return _study_hypatia(source, target, known, _instants(start or known.epoch, until, step_s), threads)
    visibility = {"user_mask_deg": user_mask_deg, "arc_avoidance_deg": arc_avoidance_deg}
    scenario = parse_scenario({"territory": "-", "network": {"topology": topology}, "visibility": visibility}, source="path")
    settings = FleetSettings(name=known.name if known else "starlink", elements=elements)
    fleet = gather_fleet(settings, scenario, at=start, strict=strict)
    times = _instants(fleet.epoch_median.astype("datetime64[s]").astype("datetime64[us]") if start is None else start, until, step_s)
    lands = landing == "gateway" or (landing == "auto" and fleet.gateways is not None)
    if lands and fleet.gateways is None:
        msg = f"landing 'gateway': no ground segment of {fleet.title} is known; take 'terminal'"
        raise ScenarioError(msg)
    ends = [find_place(text) for text in (source, target)]
    sites = [make_sites(place.lat_deg, place.lon_deg) for place in ends]
    if lands and fleet.pops is not None:
        rows = open_pops(fleet.pops, ends[0].country, domestic_only=domestic_countries(fleet.operator))
        fleet = replace(fleet, pops=fleet.pops.select(rows))
    samples = _trace_fleet(fleet, scenario, times, sites, (ends[0].name, ends[1].name), lands=lands, threads=threads)
    return PathStudy(ends[0].name, ends[1].name, fleet.title, "gateway" if lands else "terminal", tuple(samples), _path_warnings(fleet))


def _path_warnings(fleet: FleetInputs) -> tuple[str, ...]:
    """What to know of a fleet when asking for a path: without known gateways it leads from terminal to terminal."""
    said: list[str] = []
    for warning in fleet.warnings:
        if isinstance(warning, Notice) and warning.key in {"warning.no_gateway", "warning.no_pop"}:
            said.append(f"{fleet.title}: no ground segment is known, so the path leads from terminal to terminal")
        else:
            said.append(warning)
    return tuple(said)


def _instants(start: np.datetime64, until: np.datetime64 | None, step_s: float) -> Instants:
    if until is None:
        return np.array([start]).astype("datetime64[us]")
    if not 0.0 < step_s < np.inf or round(step_s * 1e6) < 1:
        msg = f"step of {step_s:g} s: give a positive number of seconds"
        raise TimeError(msg)
    span_s = seconds_between(start, until)
    if span_s < 0.0:
        msg = f"until {format_time(until)} is before {format_time(start)}; give a later instant"
        raise TimeError(msg)
    count = round(span_s * 1e6) // round(step_s * 1e6) + 1
    if count > MAX_SAMPLES:
        msg = f"{count:,} samples: at most {MAX_SAMPLES:,} at a time; give a longer --step or an earlier --until"
        raise TimeError(msg)
    return np.asarray(start.astype("datetime64[us]") + np.arange(count) * np.timedelta64(round(step_s * 1e6), "us"))


def _study_hypatia(source: str, target: str, known: Constellation, times: Instants, threads: int) -> PathStudy:
    """Both ends as Hypatia's ground stations, by its rules and with its numbers of nodes."""
    assert known.max_user_range_km is not None
    elements = shell_elements(known.shells, known.epoch)
    propagator = Propagator(elements)
    ends = [_hypatia_end(text, len(elements)) for text in (source, target)]
    samples: list[PathSample] = []
    for first in range(0, len(times), BLOCK_SAMPLES):
        block = times[first : first + BLOCK_SAMPLES]
        positions_km = propagator.positions_km(block, earth_orientation="none", threads=threads)
        grid = plus_grid(TopologyInput(positions_km[0], elements.shell, elements.plane, elements.slot), pairing="same-slot")
        rules = hypatia_rules(known.max_user_range_km)
        paths = find_paths(positions_km, grid, ends[0][2], ends[1][2], rules=rules, threads=threads)

        def describe(hop: Hop) -> tuple[str, str, str]:
            if hop.kind == "satellite":
                return str(hop.row), "satellite", elements.name[hop.row]
            return ends[hop.row][0], "ground_station", ends[hop.row][1]

        samples += _samples(block, paths, describe)
    return PathStudy(ends[0][1], ends[1][1], known.title, "terminal", tuple(samples), ())


def _hypatia_end(text: str, satellites: int) -> tuple[str, str, Sites]:
    """Node number, name and site of a ground station of Hypatia's list, or of any other place (which has no number)."""
    try:
        station = find_ground_station(text)
    except PlaceError:
        place = find_place(text)
        return place.name, place.name, make_sites(place.lat_deg, place.lon_deg)
    return str(satellites + station.number), station.name, make_sites(station.lat_deg, station.lon_deg, station.height_m)


def _trace_fleet(
    fleet: FleetInputs, scenario: Scenario, times: Instants, sites: list[Sites], names: tuple[str, str], *, lands: bool, threads: int
) -> list[PathSample]:
    """Routes of a fleet whose links are chosen anew from time to time."""
    propagator = Propagator(fleet.elements)
    gateways, pops = fleet.gateways, fleet.pops
    pop_sites = None if pops is None else make_sites(pops.lat_deg, pops.lon_deg, pops.height_m)
    ground = None
    if lands and gateways is not None:
        ground = make_fleet_ground(fleet, scenario, np.arange(0 if pops is None else len(pops)))
    rules = PathRules(min_elevation_deg=fleet.user_mask_deg, may_use=_keep_clear_of_arc(scenario.visibility.arc_avoidance_deg))
    access_ms = 0.5 * access_fit().term.median_ms if lands else 0.0

    def describe(hop: Hop) -> tuple[str, str, str]:
        name = {
            "satellite": lambda row: fleet.elements.name[row],
            "gateway": lambda row: _ground_name(gateways, row),
            "pop": lambda row: _ground_name(pops, row),
            "site": lambda row: names[row],
        }[hop.kind](hop.row)
        kind = {"site": "terminal" if hop.row == 0 or not lands else "place"}.get(hop.kind, hop.kind)
        return name, kind, name

    samples: list[PathSample] = []
    numbers = relink_number(times, scenario)
    for number in np.unique(numbers):
        span = times[numbers == number]
        neighbours = link_fleet(fleet, scenario, int(number), propagator)
        for first in range(0, len(span), BLOCK_SAMPLES):
            block = span[first : first + BLOCK_SAMPLES]
            positions_km = propagator.positions_km(block, threads=threads)
            paths = find_paths(
                positions_km, neighbours, *sites, ground=ground, pops=pop_sites if lands else None, rules=rules, threads=threads
            )
            samples += _samples(block, paths, describe, access_ms=access_ms)
    return samples


def _keep_clear_of_arc(separation_deg: float) -> UserLinkRule | None:
    """Rule of a terminal that keeps its link away from the geostationary arc; none at 0 degrees."""
    if not separation_deg:
        return None

    def may_use(site: Sites, positions_km: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        azimuth_deg, elevation_deg, _ = look_angles(site, positions_km)
        return clears_arc(site.lat_deg[0], azimuth_deg[0], elevation_deg[0], min_separation_deg=separation_deg)

    return may_use


def _ground_name(table: Gateways | Pops | None, row: int) -> str:
    assert table is not None
    place = table.city[row] or table.name[row]
    return f"{place}, {table.country[row]}" if table.country[row] else place


def _samples(times: Instants, paths: Paths, describe: Any, *, access_ms: float = 0.0) -> list[PathSample]:
    found = []
    for time, rtt_ms, hops in zip(times, paths.rtt_ms, paths.hops, strict=True):
        if not hops:
            found.append(PathSample(time, None, ()))
            continue
        named = [(describe(hop), hop.delay_ms) for hop in hops]
        route = [PathHop(node, kind, delay_ms, name) for (node, kind, name), delay_ms in named]
        if access_ms:
            route.insert(1, PathHop("access", "access", access_ms, "framing, scheduling and processing, calibrated"))
        found.append(PathSample(time, float(rtt_ms) + 2.0 * access_ms, tuple(route)))
    return found
