"""From a scenario's words to the tables that the twin computes with: territory, cells, slots, fleets and their ground segment.

All files are read here, and nowhere later; everything that was left out, assumed or odd is collected on the way.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from overflight.account import Account, file_entry
from overflight.catalog.constellations import Constellation, Shell, find_constellation, list_constellations
from overflight.catalog.ground import Gateways, Pops
from overflight.catalog.parameters import Parameter, find_parameter, parameter_values
from overflight.catalog.tables import DATA_FOLDER, path_of_table
from overflight.clock import Instants, add_seconds, parse_time
from overflight.earth.cells import cell_centres
from overflight.earth.geodesy import Sites, make_sites
from overflight.earth.territory import Territory, find_territory
from overflight.errors import ElementSetError, InputError, ScenarioError
from overflight.intake import read_bytes
from overflight.network.isl import TOPOLOGIES
from overflight.notices import Notice
from overflight.orbit.elements import ElementSets, join_elements, read_elements
from overflight.orbit.fleet import FleetFilter, age_warnings, assign_planes, element_ages_days, find_in_service, parse_catalogue_numbers
from overflight.orbit.frames import orientation_warning
from overflight.orbit.losses import find_lost
from overflight.orbit.propagation import Propagator
from overflight.orbit.shells import WalkerShell, shell_elements
from overflight.radio.spectrum import channel_plan, licensed_mask
from overflight.scenario import CapacitySettings, FleetSettings, Scenario
from overflight.schedule.beams import find_allocator
from overflight.schedule.slots import SLOT_OFFSET_S, slot_starts
from overflight.schedule.strategies import find_strategy
from overflight.segment import check_cut_pops, check_removed_gateways, countries_of_cells, find_ground_segment, find_homes
from overflight.service.demand import parse_demand, parse_thresholds
from overflight.service.terminals import Terminals, read_terminals
from overflight.sky.obstruction import ObstructionMask, parse_obstruction

OPERATORS = {"STARLINK": "starlink", "ONEWEB": "oneweb", "KUIPER": "kuiper", "QIANFAN": "qianfan", "TELESAT": "telesat"}
"""First word of a satellite's name → operator."""

CAPACITY_TABLES = (
    "capacity_parameters",
    "satellite_versions",
    "version_rules",
    "channel_plans",
    "modcods",
    "terminal_classes",
    "subscribers",
    "terminal_rule",
    "busy_hour",
    "traffic",
)
"""Built-in tables that every capacity rests on."""

PROPAGATION_MAPS = DATA_FOLDER / "propagation.npz"

MOST_DB = 300.0
"""No parameter in decibels, and no exponent, is larger than this: numbers overflow."""

UNTRACKED_EPOCH = np.datetime64("2026-08-22T00:00:00", "us")
"""Epoch of shells that a scenario gives itself."""

UNKNOWN_MASK_DEG = 25.0
"""Mask of terminals and gateways of a constellation whose own is not known: Starlink's."""


@dataclass(frozen=True, slots=True)
class FleetInputs:
    """One constellation, ready to be propagated.

    Attributes
    ----------
    elements
        The satellites in use, with shell, plane and slot assigned.
    gateways, pops
        Its ground segment; None where none is known: then nothing is said of service and latency.
    home_pop
        Row of the PoP of each cell, int32, shape (cells,); None without a ground segment.
    left_out
        Reason and number of satellites read but not used.
    element_age_days
        Median distance of the epochs from the middle of the run; NaN for nominal shells, which do not age.
    shells
        Inclination (degrees), mean altitude (km) and number of satellites of each populated shell.
    user_mask_deg, gateway_mask_deg
        Least elevation for its terminals and gateways; above some latitude Starlink's gateways have a lower one, see `overflight.backbone`.
    user_mask_status, gateway_mask_status
        How sure each of these is.
    elements_status
        How sure the satellites are: measured, or as sure as the built-in shells.
    in_service
        How the satellites in service were told: ``all`` for nominal shells.
    """

    name: str
    title: str
    operator: str
    source: str
    elements: ElementSets
    satellites_read: int
    left_out: tuple[tuple[str, int], ...]
    shells: tuple[tuple[float, float, int], ...]
    epoch_median: np.datetime64
    element_age_days: float
    topology: str
    gateways: Gateways | None
    pops: Pops | None
    home_pop: npt.NDArray[np.int32] | None
    user_mask_deg: float
    gateway_mask_deg: float
    user_mask_status: str
    gateway_mask_status: str
    elements_status: str
    in_service: str
    warnings: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a run needs: a scenario with its start resolved, and the tables behind its words."""

    scenario: Scenario
    territory: Territory
    cell_ids: npt.NDArray[np.uint64]
    """Cells that are simulated, ascending, shape (cells,)."""
    cell_population: npt.NDArray[np.float64]
    sites: Sites
    """Centres of the cells."""
    slot_start: Instants
    start: np.datetime64
    """What was asked for; the first slot begins at or after it."""
    end: np.datetime64
    fleets: tuple[FleetInputs, ...]
    obstruction: ObstructionMask | None
    warnings: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    """Name and SHA-256 of each file and built-in table."""
    terminals: Terminals | None = None
    """What the scenario's file of terminals has, one row per cell of the territory; None where no file is given."""


def gather_inputs(scenario: Scenario, *, strict: bool = False) -> Inputs:
    """Read everything that a scenario names.

    Parameters
    ----------
    scenario
        The scenario.
    strict
        Refuse a file with any bad record, instead of leaving the record out.

    Raises
    ------
    OverflightError
        If anything named does not exist or cannot be used; one line says what.
    """
    find_strategy(scenario.selection.strategy)
    territory = find_territory(scenario.territory)
    cell_ids, population, thinning = _thin_cells(territory, scenario.sampling.max_cells)
    sites = make_sites(*cell_centres(cell_ids))
    read = _tell_apart([_read_fleet(fleet, scenario, strict=strict) for fleet in scenario.constellations])
    start = parse_time(scenario.time.start) if scenario.time.start is not None else _midnight(read[0].epoch_median)
    end = add_seconds(start, scenario.time.hours * 3600.0)
    step_s = scenario.time.step_s
    slots = slot_starts(start, end, step_s=step_s, offset_s=SLOT_OFFSET_S % step_s)
    countries = countries_of_cells(territory, cell_ids, sites)
    fleets = tuple(_settle_fleet(fleet, scenario, sites, slots, countries, single=len(read) == 1, strict=strict) for fleet in read)
    check_removed_gateways(scenario, tuple(name for fleet in read for name in fleet.account.gateway_names))
    check_cut_pops(
        scenario,
        tuple(name for fleet in read for name in fleet.account.pop_names),
        tuple(name for fleet in fleets if fleet.pops is not None for name in (*fleet.pops.city, *fleet.pops.name) if name),
    )
    if scenario.capacity is not None:
        _check_capacity(scenario.capacity, tuple(fleet.operator for fleet in fleets))
    terminals, left_out = _read_terminals(scenario, territory, strict=strict)
    warnings = [*territory.warnings, *thinning, *(warning for fleet in fleets for warning in fleet.warnings), *left_out]
    odd_orientation = orientation_warning(slots[[0, -1]], scenario.time.earth_orientation)
    warnings += [odd_orientation] if odd_orientation else []
    obstruction = None if scenario.visibility.obstruction is None else _read_obstruction(scenario.visibility.obstruction)
    territory_entry = Notice.of("source.territory", "territory {code}", code=territory.code)
    files: list[tuple[str, str]] = [(territory_entry, hashlib.sha256(cell_ids.tobytes() + population.tobytes()).hexdigest())]
    files += [entry for fleet in fleets for entry in fleet.files]
    if scenario.visibility.obstruction is not None:
        files.append(file_entry(scenario.visibility.obstruction))
    if scenario.time.earth_orientation == "table":
        files.append(file_entry(str(path_of_table("earth_orientation"))))
    files += _capacity_files(scenario)
    return Inputs(
        scenario=scenario.start_at(start),
        territory=territory,
        cell_ids=cell_ids,
        cell_population=population,
        sites=sites,
        slot_start=slots,
        start=start,
        end=end,
        fleets=fleets,
        obstruction=obstruction,
        warnings=tuple(dict.fromkeys(warnings)),
        files=tuple(dict.fromkeys(files)),
        terminals=terminals,
    )


def _read_terminals(scenario: Scenario, territory: Territory, *, strict: bool) -> tuple[Terminals | None, list[str]]:
    """Terminals of the scenario's file, and what was left out of it."""
    if scenario.capacity is None or scenario.capacity.terminals_file is None:
        return None, []
    path = scenario.capacity.terminals_file
    terminals, intake = read_terminals(path, cell_ids=territory.cells, territory_name=territory.name, strict=strict)
    return terminals, intake.notices("rows of terminals")


def _check_capacity(settings: CapacitySettings, operators: tuple[str, ...]) -> None:
    """Refuse words and numbers of capacity that mean nothing, before anything is worked out.

    Raises
    ------
    ScenarioError
        If a demand, a threshold, an allocator, a parameter or a channel cannot be used.
    """
    parse_demand(settings.demand)
    parse_thresholds(settings.thresholds_mbps)
    find_allocator(settings.allocator)
    values = parameter_values(settings.parameters)
    for name in settings.parameters:
        _check_parameter(find_parameter(name), values[name])
    for operator in dict.fromkeys(operators):
        licensed_mask(channel_plan(operator, "user-down"), settings.licensed_channels or None)


def _check_parameter(known: Parameter, value: float) -> None:
    """Refuse what no quantity can be: a negative power ratio is one, a negative number of dishes is not."""
    is_exponent = known.unit.startswith("dB") or known.name.endswith("_exponent")
    too_high = is_exponent and abs(value) > MOST_DB
    too_high |= value > 1.0 and (known.name.endswith("_share") or known.name == "user_share_of_beam")
    too_high |= abs(value) > 1.0 and known.name == "version_position"
    too_low = not known.unit.startswith("dB") and (value < 0.0 <= known.low or (value == 0.0 and known.unit == "m"))
    if too_low or too_high:
        msg = f"capacity parameter '{known.name}': {value:g} cannot be; likely are {known.low:g} to {known.high:g} {known.unit.strip('1')}"
        raise ScenarioError(msg.rstrip())


def _capacity_files(scenario: Scenario) -> list[tuple[str, str]]:
    """Files and tables that capacity rests on, where it is asked for."""
    if scenario.capacity is None:
        return []
    own = [scenario.capacity.terminals_file] if scenario.capacity.terminals_file is not None else []
    return [file_entry(path) for path in (*own, *(str(path_of_table(name)) for name in CAPACITY_TABLES), str(PROPAGATION_MAPS))]


def gather_fleet(settings: FleetSettings, scenario: Scenario, *, at: np.datetime64 | None, strict: bool = False) -> FleetInputs:
    """Read one constellation alone, for questions without a territory; ages are counted to ``at`` (by default the median epoch).

    Raises
    ------
    OverflightError
        As `gather_inputs`.
    """
    read = _read_fleet(settings, scenario, strict=strict)
    instant = read.epoch_median if at is None else at
    nowhere = make_sites(np.empty(0), np.empty(0))
    fleet = _settle_fleet(read, scenario, nowhere, np.array([instant]).astype("datetime64[us]"), [], single=True, strict=strict)
    check_removed_gateways(scenario, read.account.gateway_names)
    return fleet


def _thin_cells(territory: Territory, max_cells: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.float64], list[str]]:
    """Every k-th cell in H3 order, which is even over the land; their people stand for those of the cells left out."""
    n_cells = len(territory.cells)
    if n_cells <= max_cells:
        return territory.cells, territory.population, []
    middle, population = sample_cells(territory.population, max_cells)
    text = (
        "{name} has {total:,} cells; {cells:,} of them, evenly spread, were simulated (sampling.max_cells in a scenario raises the number)"
    )
    names = {"name": territory.name, "name_fr": territory.name_fr}
    return territory.cells[middle], population, [Notice.of("warning.thinned", text, total=n_cells, cells=max_cells, **names)]


def sample_cells(population: npt.NDArray[np.float64], at_most: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Rows of an even sample of cells in H3 order, and the people that each stands for: its own and those of the cells left out."""
    n_cells = len(population)
    bounds = np.linspace(0, n_cells, min(n_cells, at_most) + 1).round().astype(np.int64)
    return (bounds[:-1] + bounds[1:]) // 2, np.add.reduceat(population, bounds[:-1])


def _midnight(instant: np.datetime64) -> np.datetime64:
    return np.datetime64(str(instant.astype("datetime64[D]")), "us")


@dataclass(frozen=True, slots=True)
class _ReadFleet:
    settings: FleetSettings
    title: str
    operator: str
    source: str
    elements: ElementSets
    epoch_median: np.datetime64
    topology: str | None
    is_nominal: bool
    account: Account


def _read_fleet(settings: FleetSettings, scenario: Scenario, *, strict: bool) -> _ReadFleet:
    """Read the elements of a constellation, or make them from its shells."""
    account = Account()
    if settings.elements:
        tables = []
        for path in settings.elements:
            table, intake = read_elements(path, strict=strict)
            account.take(intake, what="element sets")
            account.leave_out("bad record in the file", len(intake.left_out))
            tables.append(table)
        elements, older = join_elements(tables)
        if older:
            account.leave_out("the same satellite in another file, with a later or the same epoch", older)
            text = "{files}: {count:,} element sets left out: they come again, with a later or the same epoch"
            files = tuple(dict.fromkeys(settings.elements))
            account.warnings.append(Notice.of("warning.older", text, files=files, count=older))
        operator = settings.operator or _tell_operator(elements)
        source = ", ".join(Path(path).name for path in settings.elements)
        return _ReadFleet(
            settings, _title_of(settings, operator), operator, source, elements, elements.epoch_median(), None, False, account
        )
    if settings.shells:
        start = UNTRACKED_EPOCH if scenario.time.start is None else parse_time(scenario.time.start)
        shells = tuple(_own_shell(shell.model_dump()) for shell in settings.shells)
        elements = shell_elements(shells, start)
        return _ReadFleet(
            settings=settings,
            title=settings.name,
            operator=settings.operator or "",
            source=Notice.of("source.own_shells", "shells of the scenario"),
            elements=elements,
            epoch_median=start,
            topology="plus-grid",
            is_nominal=True,
            account=account,
        )
    known = find_constellation(settings.name)
    elements = shell_elements(known.shells, known.epoch)
    account.use_table("shells")
    title = Notice.word("constellation", known.title)
    text = "{title}: no element sets given, built-in shells ({status}) stand for the fleet; --elements takes real ones"
    account.warnings.append(Notice.of("warning.built_in", text, title=title, status=Notice.word("status", known.status)))
    source = Notice.of("source.built_in", "built-in: {source}", source=Notice.word("source", known.source))
    operator = settings.operator or known.operator
    return _ReadFleet(settings, title, operator, source, elements, known.epoch, known.topology, True, account)


def _own_shell(values: dict[str, object]) -> WalkerShell:
    planes, per_plane = int(str(values["planes"])), int(str(values["satellites_per_plane"]))
    return Shell(satellites=planes * per_plane, mean_motion_rev_day=None, source="scenario", status="assumed", **values)  # type: ignore[arg-type]


def _tell_operator(elements: ElementSets) -> str:
    """The operator that most satellites' names begin with; empty when none is known."""
    first_words = [name.split("-")[0].split(" ")[0].upper() for name in elements.name]
    counts = {operator: sum(word == prefix for word in first_words) for prefix, operator in OPERATORS.items()}
    operator = max(counts, key=lambda key: counts[key])
    return operator if counts[operator] * 2 > len(elements) else ""


def _topology_of(operator: str) -> str:
    """Links of a real fleet: to the nearest where the operator's satellites have lasers, none where nothing is known of any."""
    return "nearest" if operator in list_constellations() and find_constellation(operator).has_isl else "none"


def _title_of(settings: FleetSettings, operator: str) -> str:
    titles = {"starlink": "Starlink", "oneweb": "OneWeb", "kuiper": "Kuiper", "qianfan": "Qianfan", "telesat": "Telesat"}
    return titles.get(operator, settings.name)


def _tell_apart(fleets: list[_ReadFleet]) -> list[_ReadFleet]:
    """Add its files to the title of a fleet that shares it with another: “Starlink (july.tle)”."""
    titles = [fleet.title for fleet in fleets]
    return [replace(fleet, title=_title_with_files(fleet)) if titles.count(fleet.title) > 1 else fleet for fleet in fleets]


def _title_with_files(fleet: _ReadFleet) -> Notice:
    return Notice.of("about.files", "{title} ({files})", title=fleet.title, files=fleet.source)


def _settle_fleet(
    read: _ReadFleet, scenario: Scenario, sites: Sites, slots: Instants, countries: list[str], *, single: bool, strict: bool
) -> FleetInputs:
    """Leave out what does not serve, find planes, attach gateways and PoPs; ``countries`` are those of the sites."""
    account, elements, settings = read.account, read.elements, read.settings
    satellites_read = len(elements) + sum(account.left_out.values())
    service = _find_serving(read)
    for reason, count in service.left_out:
        account.leave_out(reason, count)
    elements = elements.select(service.mask)
    if len(elements) and (settings.lost or settings.lost_share):
        lost = find_lost(elements, listed=settings.lost, share=settings.lost_share, seed=settings.lost_seed)
        account.leave_out("lost in this scenario", int(lost.sum()))
        elements = elements.select(~lost)
    if not len(elements):
        msg = f'{read.source}: none of {satellites_read} satellites is in service; set in_service = "all" in a scenario to use them all'
        raise ElementSetError(msg)
    middle = slots[len(slots) // 2]
    account.warnings += [Notice.about(read.title, text) for text in age_warnings(elements, middle)] if not read.is_nominal else []
    if not read.is_nominal:
        account.warnings += _warn_of_lost(read.title, elements, slots[[0, -1]])
        elements = assign_planes(elements, middle, altitude_tolerance_km=settings.in_service_altitude_tolerance_km)
    whose = {"operator": read.operator, "title": read.title}
    gateways, pops = find_ground_segment(settings, scenario, account, strict=strict, **whose)
    home = None
    if gateways is not None and pops is not None:
        home = find_homes(settings, scenario, account, (gateways, pops), sites, countries, **whose)
        _tell_of_models(read, scenario, chooses=len(sites) > 0)
    topology = scenario.network.topology if scenario.network.topology != "auto" else (read.topology or _topology_of(read.operator))
    if topology not in TOPOLOGIES:
        msg = f"topology '{topology}': unknown; take one of {', '.join(TOPOLOGIES)}"
        raise ScenarioError(msg)
    user_mask_deg, user_mask_status = _find_mask(read, scenario, "user_mask")
    gateway_mask_deg, gateway_mask_status = _find_mask(read, scenario, "gateway_mask")
    return FleetInputs(
        name=settings.name,
        title=read.title,
        operator=read.operator,
        source=read.source,
        elements=elements,
        satellites_read=satellites_read,
        left_out=tuple(account.left_out.items()),
        shells=tuple((shell.inclination_deg, shell.altitude_km, shell.satellites) for shell in service.shells),
        epoch_median=read.epoch_median,
        element_age_days=float("nan") if read.is_nominal else float(np.median(np.abs(element_ages_days(elements, middle)))),
        topology=topology,
        gateways=gateways,
        pops=pops,
        home_pop=home,
        user_mask_deg=user_mask_deg,
        gateway_mask_deg=gateway_mask_deg,
        user_mask_status=user_mask_status,
        gateway_mask_status=gateway_mask_status,
        elements_status=_elements_status(settings),
        in_service="all" if read.is_nominal else settings.in_service,
        warnings=tuple(text if single or text.startswith(read.title) else Notice.about(read.title, text) for text in account.warnings),
        files=tuple(account.files),
    )


def _elements_status(settings: FleetSettings) -> str:
    if settings.elements:
        return "measured"
    return "assumed" if settings.shells else find_constellation(settings.name).status


def _warn_of_lost(title: str, elements: ElementSets, instants: Instants) -> list[str]:
    """Tell of satellites in use that SGP4 has no position for: they stay in the fleet, but nobody sees them."""
    positions_km = Propagator(elements).positions_km(instants)
    lost = int(np.isnan(positions_km[:, 0]).any(axis=0).sum())
    if not lost:
        return []
    text = "{title}: {lost:,} of {total:,} satellites have no position at the start or the end (decayed by SGP4's account)"
    return [Notice.of("warning.decayed", text, title=title, lost=lost, total=len(elements))]


def _find_serving(read: _ReadFleet) -> FleetFilter:
    """Which satellites are in service; of shells, all."""
    settings = read.settings
    if read.is_nominal:
        return find_in_service(read.elements, method="all")
    listed = None
    if settings.in_service_list is not None:
        wanted = "a file of catalogue numbers"
        data = read_bytes(settings.in_service_list, wanted=wanted, refused=ElementSetError)
        listed = parse_catalogue_numbers(data, source=settings.in_service_list)
        read.account.files.append(file_entry(settings.in_service_list))
    return find_in_service(
        read.elements,
        method=settings.in_service,
        altitude_tolerance_km=settings.in_service_altitude_tolerance_km,
        minimum_satellites=settings.in_service_minimum_satellites,
        listed_norad_ids=listed,
    )


def _find_mask(read: _ReadFleet, scenario: Scenario, which: str) -> tuple[float, str]:
    """Mask of a fleet and how sure it is: its own setting, else the scenario's, else what is known of it or its operator."""
    for settings in (read.settings, scenario.visibility):
        given = getattr(settings, f"{which}_deg")
        if given is not None:
            return given, "assumed"
    known = _known_constellation(read)
    if known is None:
        return UNKNOWN_MASK_DEG, "assumed"
    read.account.use_table("constellations")
    return getattr(known, f"{which}_deg"), getattr(known, f"{which}_status")


def _known_constellation(read: _ReadFleet) -> Constellation | None:
    """The built-in constellation of a fleet's name, unless that is another operator's, or else of its operator."""
    built_in = list_constellations()
    if read.settings.name in built_in:
        named = find_constellation(read.settings.name)
        if read.operator in {"", named.operator}:
            return named
    return find_constellation(read.operator) if read.operator in built_in else None


def _tell_of_models(read: _ReadFleet, scenario: Scenario, *, chooses: bool) -> None:
    """Note the calibrated tables that service and latency rest on, and warn where they are another operator's."""
    account, is_observed = read.account, chooses and scenario.selection.strategy == "observed"
    account.use_table("latency_access")
    if is_observed:
        account.use_table("observed_selection")
    if read.operator == "starlink":
        return
    if is_observed:
        text = "{title}: the choice of satellite and the access term are calibrated on Starlink and stand in for its own"
        account.warnings.append(Notice.of("warning.calibrated", text, title=read.title))
    else:
        text = "{title}: the access term is calibrated on Starlink and stands in for its own"
        account.warnings.append(Notice.of("warning.calibrated_access", text, title=read.title))


def _read_obstruction(path: str) -> ObstructionMask:
    wanted = "a CSV with the columns azimuth_deg and elevation_deg"
    return parse_obstruction(read_bytes(path, wanted=wanted, refused=InputError), source=path)


def fleet_from_files(paths: tuple[str, ...], *, taken: tuple[str, ...] = ()) -> tuple[FleetSettings, ...]:
    """One constellation per file of element sets, named after its operator or, failing that, its file.

    A file that is given twice is read twice into one constellation, where each satellite counts once. ``taken`` are names that other
    constellations have.

    Raises
    ------
    ElementSetError
        If a file cannot be read.
    """
    copies: dict[Path, list[str]] = {}
    for path in paths:
        copies.setdefault(Path(path).resolve(), []).append(path)
    fleets: list[FleetSettings] = []
    for files in copies.values():
        table, _ = read_elements(files[0])
        operator = _tell_operator(table)
        stem = "".join(c if (c.isalnum() and c.isascii()) or c in "._-" else "-" for c in Path(files[0]).stem).strip("._-")
        name = _next_name(operator or stem or "fleet", {*taken, *(fleet.name for fleet in fleets)})
        fleets.append(FleetSettings(name=name, elements=tuple(files), operator=operator or None))
    return tuple(fleets)


def _next_name(name: str, taken: set[str]) -> str:
    """The name, or the first of ``name-2``, ``name-3``, … that is free."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
