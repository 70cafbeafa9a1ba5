"""A scenario: one frozen, closed description of what to simulate, in TOML.

Every field is documented in docs/reference/scenario.md, which is generated from the docstrings below. A file may build on another
(``extends = "base.toml"``) and may hold named variants (``[overrides.NAME]``); a key that does not exist is an error with the nearest one.
"""

import copy
import difflib
import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from overflight.clock import format_time, parse_time, zone_warning
from overflight.errors import ScenarioError, plain_words
from overflight.intake import read_bytes

Degrees = Annotated[float, Field(ge=0.0, le=90.0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ShellSettings(_Table):
    """A Walker shell of the scenario's own."""

    name: str
    """Name of the shell, unique within its constellation."""
    planes: int = Field(ge=1, le=10_000)
    """Orbital planes."""
    satellites_per_plane: int = Field(ge=1, le=10_000)
    """Satellites in each plane."""
    altitude_km: float = Field(ge=160.0, le=50_000.0)
    """Mean altitude above the equatorial radius."""
    inclination_deg: float = Field(ge=0.0, le=180.0)
    """Inclination."""
    pattern: Literal["delta", "star"] = "delta"
    """``delta``: ascending nodes spread over 360°; ``star``: over 180°."""
    phasing_f: float = 0.0
    """Walker's F: satellites of adjacent planes differ by F·360°/T."""


class FleetSettings(_Table):
    """One constellation: a built-in one by name, element sets from files, or shells given here."""

    name: str = Field(default="starlink", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Built-in constellation (``overflight doctor`` lists them), or the label under which files or shells are reported."""
    elements: tuple[str, ...] = ()
    """Files of element sets (TLE, 3LE, OMM in JSON, CSV or XML; may be gzipped). Empty: the built-in shells of ``name``."""
    shells: tuple[ShellSettings, ...] = ()
    """Shells of the scenario's own; exclusive with ``elements``."""
    operator: str | None = None
    """Whose gateways, PoPs and service status apply; by default that of the constellation, or found from the satellites' names."""
    gateways: str | None = None
    """File of gateways (CSV or JSON) instead of the built-in ones."""
    pops: str | None = None
    """File of PoPs (CSV or JSON) instead of the built-in ones."""
    user_mask_deg: Degrees | None = None
    """Least elevation of a satellite for a user terminal; by default as ``visibility.user_mask_deg``."""
    gateway_mask_deg: Degrees | None = None
    """Least elevation for a gateway; by default as ``visibility.gateway_mask_deg``."""
    in_service: Literal["populated-shells", "listed", "all"] = "populated-shells"
    """Which satellites of ``elements`` serve: those in a populated shell (not rising, falling or parked), those of ``in_service_list``,
    or all."""
    in_service_list: str | None = None
    """File of the catalogue numbers (NORAD) in service, separated by line ends, commas or spaces; ``#`` begins a comment."""
    in_service_altitude_tolerance_km: Positive = 2.5
    """A satellite farther than this from the altitude of a populated shell is not in it (assumed)."""
    in_service_minimum_satellites: int = Field(default=50, ge=1)
    """As many satellites at one altitude populate a shell; in a small fleet a tenth of its largest shell does (assumed)."""
    lost: tuple[str, ...] = ()
    """Satellites that are lost: catalogue numbers, names, or the inclination and altitude of a whole shell as in ``"53@550"``
    (degrees, km; within 1° and 10 km)."""
    lost_share: float = Field(default=0.0, ge=0.0, lt=1.0, allow_inf_nan=False)
    """Share of the other satellites that are lost at random."""
    lost_seed: int = Field(default=0, ge=0)
    """Seed of that chance."""

    @model_validator(mode="after")
    def _fits_together(self) -> "FleetSettings":
        if self.elements and self.shells:
            msg = f"constellation '{self.name}' has both elements and shells; give one of them"
            raise ValueError(msg)
        if (self.in_service == "listed") != (self.in_service_list is not None):
            msg = f"constellation '{self.name}': in_service = \"listed\" and in_service_list belong together; give both or neither"
            raise ValueError(msg)
        if self.in_service == "listed" and not self.elements:
            msg = f"constellation '{self.name}': in_service = \"listed\" chooses among element sets; give elements"
            raise ValueError(msg)
        return self


class TimeSettings(_Table):
    """When, for how long, in which slots."""

    start: str | None = None
    """First instant, ISO 8601 UTC; by default midnight UTC of the day of the elements' median epoch."""
    hours: float = Field(default=24.0, gt=0.0, le=24.0 * 366.0, allow_inf_nan=False)
    """Duration in hours."""
    step_s: float = Field(default=15.0, ge=1.0, le=3600.0, allow_inf_nan=False)
    """Length of a slot in seconds; slots of 15 s start at :12, :27, :42 and :57."""
    earth_orientation: Literal["table", "none"] = "table"
    """UT1 and polar motion: the built-in IERS values, or none (UT1 = UTC)."""

    @field_validator("start")
    @classmethod
    def _readable(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        warning = zone_warning(value)
        if warning is not None and isinstance(info.context, list):
            info.context.append(warning)
        return format_time(parse_time(value))


class VisibilitySettings(_Table):
    """Which satellites a site may use."""

    user_mask_deg: Degrees | None = None
    """Least elevation of a satellite for a user terminal, whatever the constellation. By default each has its own of the built-in table,
    by its name or its operator's (Starlink 25°, filing), and 25° where none is known (assumed)."""
    gateway_mask_deg: Degrees | None = None
    """Least elevation for a gateway, likewise (Starlink 25°, filing)."""
    gateway_mask_high_latitude_deg: Degrees = 5.0
    """Least elevation for a gateway of Starlink above ``high_latitude_deg`` (filing)."""
    high_latitude_deg: Degrees = 62.0
    """Latitude from which the lower mask of Starlink's gateways holds (filing)."""
    arc_avoidance_deg: Degrees = 18.0
    """Least angle between the satellite and the visible geostationary arc for a user link; 0 switches it off (reported)."""
    required_satellites: int = Field(default=2, ge=1, le=1000)
    """Satellites that may serve from which on a cell counts as satisfied: two leave a choice (assumed)."""
    obstruction: str | None = None
    """CSV of azimuth and least elevation around the terminal (columns azimuth_deg, elevation_deg); none by default."""


class SelectionSettings(_Table):
    """Which usable satellite serves a cell."""

    strategy: str = "observed"
    """``observed`` (fitted to the operator's behaviour), ``highest-elevation``, ``longest-remaining``, ``nearest``, ``least-handovers``."""
    seed: int = Field(default=0, ge=0)
    """Seed of the ``observed`` strategy's chance."""


class AddedGateway(_Table):
    """A gateway that the scenario adds to the first constellation's."""

    name: str
    """Its name, unlike any other's."""
    lat_deg: float = Field(ge=-90.0, le=90.0, allow_inf_nan=False)
    """Latitude."""
    lon_deg: float = Field(ge=-180.0, le=180.0, allow_inf_nan=False)
    """Longitude."""
    country: str = ""
    """ISO 3166-1 alpha-2 code; by default that of the place."""


class NetworkSettings(_Table):
    """Lasers, routes and the way to the Internet."""

    topology: str = "auto"
    """Which satellite is linked with which: ``none``, ``plus-grid``, ``three-link``, ``nearest``; ``auto`` takes the constellation's own
    of the built-in table, and for real fleets ``nearest`` where the operator is known to have lasers (assumed)."""
    scope: Literal["per-shell", "whole-fleet"] = "whole-fleet"
    """Whether ``nearest`` links join satellites of one shell only (the other topologies always do; assumed)."""
    isl_range_km: Positive = 5400.0
    """Longest laser link (reported)."""
    isl_clearance_km: NotNegative = 80.0
    """Least height of a laser's line of sight above the ground (reported)."""
    relink_s: Positive = 360.0
    """How often the topology is chosen anew (assumed)."""
    routing: Literal["least-delay", "fewest-hops"] = "least-delay"
    """What a way minimises."""
    homing: str = "nearest"
    """PoP where a cell's traffic leaves: ``nearest`` to the cell among those that take its traffic, or the code or city of one."""
    route_factor: float = Field(default=1.5, ge=1.0, le=10.0)
    """Length of a fibre route over the great circle (assumed)."""
    fibre_index: float = Field(default=1.468, ge=1.0, le=2.0)
    """Group refractive index of fibre (standard)."""
    include_planned_gateways: bool = False
    """Whether gateways that are listed as planned count."""
    assumed_gateway_km: NotNegative = 200.0
    """A PoP farther than this from every listed gateway is given one beside it (assumed; 1e9 assumes none)."""
    without_gateways: tuple[str, ...] = ()
    """Names of gateways taken out of service."""
    without_pops: tuple[str, ...] = ()
    """Names, cities or codes of PoPs that have lost their backhaul, as when a submarine cable is cut; their traffic goes
    to the next one."""
    added_gateways: tuple[AddedGateway, ...] = ()
    """Gateways that do not exist yet."""


class SamplingSettings(_Table):
    """How large territories are thinned out."""

    max_cells: int = Field(default=400, ge=1)
    """At most so many cells are simulated, evenly spread in H3 order; the report says when cells were left out."""
    sensitivity: bool = True
    """Whether the sensitivity to mask and arc is computed (on a sample of slots and cells)."""


class WeatherSettings(_Table):
    """How much the atmosphere takes from the radio links."""

    exceeded_percent: float | None = Field(default=None, ge=0.001, le=50.0, allow_inf_nan=False)
    """Attenuation that is exceeded in so many percent of the time everywhere at once (ITU-R P.618): 1, 0.1, 0.01. By default the
    weather is ``state``."""
    state: Literal["clear", "cloud", "rain"] = "clear"
    """Weather over all cells: gases only, gases and a cloud, or rain with its clouds."""
    cloud_kg_m2: NotNegative = 0.4
    """Liquid water of the column in ``cloud`` and ``rain`` (assumed)."""
    rain_mm_h: NotNegative = 10.0
    """Rain rate in ``rain``."""
    rain_width_km: Positive = 10.0
    """Distance over the ground, towards the satellite, that lies in the rain of ``rain`` (assumed)."""
    maps: str | None = None
    """Folder of the full digital maps of the ITU instead of the built-in reduced ones (docs/models/propagation.md)."""
    gateways: Literal["clear", "same"] = "clear"
    """Weather over the gateways: clear, as gateways can be chosen where it does not rain (assumed), or the same as over the cells."""


class CapacitySettings(_Table):
    """How many terminals ask for how much, and by which rules they are served; capacity is worked out where this table is given."""

    terminals: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """Terminals in the territory. By default what is reported or estimated of it."""
    terminals_file: str | None = None
    """CSV of terminals by cell, or by latitude and longitude, and class."""
    distribution: Literal["usual", "thin", "towns", "population", "uniform", "largest-unserved-first"] = "usual"
    """How terminals are spread over cells: by people in thinly settled country, in towns, by people, evenly, to the largest cell not yet
    served; or as is usual in territories of the same income (assumed)."""
    demand: str = "broadband"
    """What an active terminal asks for: ``broadband`` (the classes' own), Mbit/s such as ``100`` or ``100/20``, or ``failover`` and
    ``failover:GBPS``: all international traffic of the territory, with every terminal active."""
    incumbents: float = Field(default=1.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Terminals elsewhere that see the same satellites, as a multiple of what is estimated; 0 for none."""
    allocator: str = "priority-greedy"
    """How beams and channels are given to cells."""
    landing: Literal["least-delay", "hot-potato", "load-aware"] = "load-aware"
    """Through which gateways satellites land their traffic."""
    licensed_channels: tuple[int, ...] = ()
    """Numbers of the user downlink channels that are licensed in the territory, counted from 1; by default all of the plan."""
    cells_per_beam: int = Field(default=4, ge=1, le=64)
    """Cells that may share a beam in time, where satellites have no beam left for each (assumed)."""
    satellites_per_channel: int = Field(default=1, ge=1, le=8)
    """Satellites that may light one cell on one channel (N_co; filing)."""
    coding: Literal["dvb-s2x", "shannon"] = "dvb-s2x"
    """Spectral efficiency: the MODCODs of DVB-S2X, or Shannon's bound with the gap of the parameters."""
    interference: Literal["computed", "nominal"] = "computed"
    """Whether interference follows from the beams that are lit, or is the nominal value of the parameters."""
    thresholds_mbps: str = "25/3,100/20"
    """Rates, down and up in Mbit/s, for which the people served are counted."""
    minimum_rate_mbps: float | None = Field(default=None, gt=0.0, allow_inf_nan=False)
    """Least rate that every active terminal must get; the report says whether it is feasible."""
    max_cell_slots: int = Field(default=600_000, ge=1)
    """At most so many cells × slots are worked out, incumbents included: stretches of slots, evenly spread over the run."""
    parameters: dict[str, float] = Field(default_factory=dict)
    """Values of parameters instead of the built-in ones (docs/models/radio.md lists them)."""
    uncertainty: int = Field(default=0, ge=0, le=10_000)
    """Draws of all parameters from their ranges, for bands around the answer."""
    uncertainty_seed: int = Field(default=0, ge=0)
    """Seed of these draws."""
    sensitivity: bool = True
    """Whether every parameter is varied over its range, one at a time, for the report."""

    @model_validator(mode="after")
    def _fits_together(self) -> "CapacitySettings":
        if self.terminals is not None and self.terminals_file is not None:
            msg = "terminals and terminals_file are both given; give one of them"
            raise ValueError(msg)
        return self


class Scenario(_Table):
    """What to simulate. Relative paths are relative to the scenario's file."""

    territory: str
    """ISO 3166-1 code, English or French name, or a GeoJSON file."""
    stop_after: Literal["coverage", "service"] = "service"
    """``coverage`` stops before serving satellites and ways."""
    constellations: tuple[FleetSettings, ...] = (FleetSettings(),)
    """The first is the report's subject, the others are compared with it."""
    time: TimeSettings = TimeSettings()
    """When."""
    visibility: VisibilitySettings = VisibilitySettings()
    """Masks and the geostationary arc."""
    selection: SelectionSettings = SelectionSettings()
    """Serving satellite."""
    network: NetworkSettings = NetworkSettings()
    """Lasers, gateways, PoPs."""
    sampling: SamplingSettings = SamplingSettings()
    """Thinning of large territories."""
    weather: WeatherSettings = WeatherSettings()
    """Attenuation of the radio links; matters to capacity only."""
    capacity: CapacitySettings | None = None
    """Terminals, demand, beams and rates. Without this table, capacity is not worked out."""

    @model_validator(mode="after")
    def _goes_far_enough(self) -> "Scenario":
        if self.capacity is not None and self.stop_after == "coverage":
            msg = "capacity needs service: leave stop_after out, or take the table [capacity] out"
            raise ValueError(msg)
        return self

    @field_validator("constellations")
    @classmethod
    def _named_apart(cls, value: tuple[FleetSettings, ...]) -> tuple[FleetSettings, ...]:
        if not value:
            msg = "no constellation given; leave the key out for the built-in Starlink fleet"
            raise ValueError(msg)
        names = [fleet.name for fleet in value]
        if len(set(names)) < len(names):
            msg = f"constellations share a name ({', '.join(names)}); give each its own"
            raise ValueError(msg)
        return value

    def to_toml(self) -> str:
        """Write the scenario, every setting spelled out, as TOML that reads back to an equal scenario."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))

    def digest(self) -> str:
        """SHA-256 of the resolved scenario: equal scenarios have equal digests."""
        return hashlib.sha256(self.to_toml().encode()).hexdigest()

    def start_at(self, instant: np.datetime64) -> "Scenario":
        """The same scenario with a given start."""
        return self.model_copy(update={"time": self.time.model_copy(update={"start": format_time(instant)})})


def load_scenario(path: str | Path, *, override: str | None = None, warnings: list[str] | None = None) -> Scenario:
    """Read a scenario from a TOML file, with what it extends and, if named, one of its overrides.

    Parameters
    ----------
    path
        The file.
    override
        Name of a variant in it.
    warnings
        Takes what the user should know of what was read; nothing is told without it.

    Raises
    ------
    ScenarioError
        With every problem found, one per sentence, each with what to change.
    """
    path = Path(path)
    raw = _read_toml(path, seen=())
    overrides = raw.pop("overrides", {})
    if not isinstance(overrides, dict) or not all(isinstance(variant, dict) for variant in overrides.values()):
        msg = f"{path}: overrides are tables; write [overrides.NAME] and below it the settings that differ"
        raise ScenarioError(msg)
    if override is not None:
        if override not in overrides:
            msg = f"{path}: no override '{override}'{_nearest(override, list(overrides))}"
            raise ScenarioError(msg)
        raw = _merge(raw, overrides[override])
    return parse_scenario(raw, source=str(path), warnings=warnings)


def parse_scenario(raw: dict[str, Any], *, source: str, warnings: list[str] | None = None) -> Scenario:
    """Check a scenario given as nested tables; ``source`` names it in messages, ``warnings`` is as in `load_scenario`.

    Raises
    ------
    ScenarioError
        With all problems at once.
    """
    try:
        return Scenario.model_validate(raw, context=warnings)
    except ValidationError as error:
        problems = "; ".join(_explain(problem) for problem in error.errors())
        msg = f"{source}: {problems}"
        raise ScenarioError(msg) from None


def scenario_schema() -> dict[str, Any]:
    """JSON Schema of a scenario, with the description of every setting."""
    return Scenario.model_json_schema()


def _read_toml(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        msg = f"{path}: extends itself; break the circle"
        raise ScenarioError(msg)
    wanted = f"the path of a scenario in TOML{f' (it is what {seen[-1].name} extends)' if seen else ''}"
    try:
        raw = tomllib.loads(read_bytes(path, wanted=wanted, refused=ScenarioError).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        msg = f"{path}: not text in UTF-8 (byte {error.start}); give a scenario in TOML"
        raise ScenarioError(msg) from None
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: not TOML: {error}; mend it there, or give a scenario in TOML"
        raise ScenarioError(msg) from None
    raw = _resolve_paths(raw, path.parent)
    base = raw.pop("extends", None)
    if base is None:
        return raw
    if not isinstance(base, str):
        msg = f"{path}: 'extends' = {base!r}: must be the path of another scenario"
        raise ScenarioError(msg)
    return _merge(_read_toml(path.parent / base, (*seen, path.resolve())), raw)


def _resolve_paths(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the paths of a scenario absolute: they are relative to where it stands, not to where the user stands."""
    raw, folder = copy.deepcopy(raw), folder.resolve()
    territory = raw.get("territory")
    if isinstance(territory, str) and (folder / territory).is_file():
        raw["territory"] = str(folder / territory)
    for fleet in raw.get("constellations", []):
        if isinstance(fleet, dict):
            if isinstance(fleet.get("elements"), list):
                fleet["elements"] = [str(folder / item) for item in fleet["elements"]]
            for key in ("gateways", "pops", "in_service_list"):
                if isinstance(fleet.get(key), str):
                    fleet[key] = str(folder / fleet[key])
    visibility = raw.get("visibility", {})
    capacity, weather = raw.get("capacity", {}), raw.get("weather", {})
    for table, key in ((visibility, "obstruction"), (capacity, "terminals_file"), (weather, "maps")):
        if isinstance(table, dict) and isinstance(table.get(key), str):
            table[key] = str(folder / table[key])
    start = raw.get("time", {}).get("start") if isinstance(raw.get("time"), dict) else None
    if start is not None and not isinstance(start, str):
        raw["time"]["start"] = start.isoformat()
    overrides = raw.get("overrides")
    if isinstance(overrides, dict):
        raw["overrides"] = {
            name: _resolve_paths(variant, folder) if isinstance(variant, dict) else variant for name, variant in overrides.items()
        }
    return raw


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(base)
    for key, value in over.items():
        merged[key] = _merge(merged[key], value) if isinstance(value, dict) and isinstance(merged.get(key), dict) else copy.deepcopy(value)
    return merged


def _explain(problem: Any) -> str:
    """One validation error in plain words, with the nearest key where a key is unknown."""
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        model: Any = Scenario
        for part in problem["loc"][:-1]:
            if isinstance(part, str):
                model = _model_of(model.model_fields[part].annotation)
        hint = _nearest(str(problem["loc"][-1]), list(model.model_fields)).removeprefix("; ")
        return f"unknown key '{where}' ({hint})"
    if problem["type"] == "missing":
        return f"'{where}' is missing"
    message = plain_words(problem["msg"].removeprefix("Value error, "))
    return f"'{where}' = {problem['input']!r}: {message}" if problem["type"] != "value_error" else f"'{where}': {message}"


def _model_of(annotation: Any) -> Any:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return Scenario


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"; did you mean '{near[0]}'?" if near else (f"; there are {', '.join(known)}" if known else "; there are none")


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list | tuple) else value
