"""The main job: simulate a territory and say what was found."""

import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from overflight import __version__
from overflight.catalog.availability import ServiceStatus, blacklisted_cells, province_counts, service_status
from overflight.catalog.constellations import find_constellation
from overflight.catalog.tables import read_table
from overflight.clock import format_time
from overflight.earth.cells import cell_centres
from overflight.earth.places import country_of
from overflight.earth.population import territories_of_cells
from overflight.earth.territory import Territory, list_territories, territory_file
from overflight.errors import ScenarioError
from overflight.inputs import Inputs, fleet_from_files, gather_inputs
from overflight.measure.latency import access_fit
from overflight.notices import Notice
from overflight.run import Run
from overflight.scenario import FleetSettings, Scenario, parse_scenario
from overflight.study.assumptions import list_assumptions, list_capacity_assumptions
from overflight.study.capacity import find_capacity
from overflight.study.findings import FleetFindings, PolicyStatus, TerritoryFindings
from overflight.study.results import find_fleet_results
from overflight.study.sensitivity import find_sensitivity
from overflight.twin import NO_PLUGINS, Plugins, count_threads, make_capacity_twin, run_inputs

Progress = Callable[[float], None]

MAIN_SHARE = 0.75
"""Share of the progress bar that the run itself takes."""

ASSUMED_SHARE = 0.05
"""More traffic than this at gateways that no list has is worth a warning."""


OWN_FUNCTION = "source.own_function"
"""Key of the notice that names a researcher's own function among the inputs."""


def report_scenario(
    territory: str | Path,
    *,
    elements: tuple[str, ...] = (),
    constellations: tuple[str, ...] = (),
    start: np.datetime64 | None = None,
    hours: float = 24.0,
    step_s: float = 15.0,
    user_mask_deg: float | None = None,
    arc_avoidance_deg: float = 18.0,
    strategy: str = "observed",
    topology: str = "auto",
    homing: str = "nearest",
    capacity: bool = True,
    terminals: int | str | Path | None = None,
    demand: str = "broadband",
    without_gateways: tuple[str, ...] = (),
    without_pops: tuple[str, ...] = (),
    availability_percent: float | None = None,
    uncertainty: int = 0,
) -> Scenario:
    """Scenario of a territory's report.

    Parameters
    ----------
    territory
        ISO 3166-1 code, English or French name, or a GeoJSON file.
    elements
        Files of element sets, one constellation each.
    constellations
        Built-in constellations, by name. With neither, the built-in Starlink fleet is used.
    start
        First instant; by default midnight UTC of the elements' day.
    hours, step_s, user_mask_deg, arc_avoidance_deg, strategy, topology, homing, without_gateways, without_pops
        See `overflight.scenario`.
    capacity
        Whether beams and rates are worked out, and the report has a chapter on capacity.
    terminals
        How many there are, or a CSV of them; by default what is reported or estimated.
    demand, uncertainty
        See `overflight.scenario.CapacitySettings`.
    availability_percent
        Share of the time for which links are to hold: attenuation is that exceeded in the rest (ITU-R P.618). None: clear sky.

    Raises
    ------
    OverflightError
        If a value or a file cannot be used.
    """
    fleets = [fleet.model_dump() for fleet in fleet_from_files(elements, taken=constellations)]
    fleets += [{"name": find_constellation(name).name} for name in constellations]
    return parse_scenario(
        {
            "territory": _absolute(str(territory)),
            "constellations": fleets or [FleetSettings().model_dump()],
            "time": {"start": None if start is None else format_time(start), "hours": hours, "step_s": step_s},
            "visibility": {"user_mask_deg": user_mask_deg, "arc_avoidance_deg": arc_avoidance_deg},
            "selection": {"strategy": strategy},
            "network": {
                "topology": topology,
                "homing": homing,
                "without_gateways": without_gateways,
                "without_pops": without_pops,
            },
            "weather": {"exceeded_percent": _exceeded_percent(availability_percent)},
            "capacity": {"demand": demand, "uncertainty": uncertainty, **_given_terminals(terminals)} if capacity else None,
        },
        source="report",
    )


def _exceeded_percent(availability_percent: float | None) -> float | None:
    """Share of the time that an availability leaves over."""
    if availability_percent is None:
        return None
    exceeded = round(100.0 - availability_percent, 9)
    if not 0.001 <= exceeded <= 50.0:
        msg = f"availability of {availability_percent:g} %: links can be told for 50 to 99.999 % of the time (ITU-R P.618)"
        raise ScenarioError(msg)
    return exceeded


def _given_terminals(terminals: int | str | Path | None) -> dict[str, int | str]:
    """The setting that a number of terminals, or a file of them, belongs to."""
    if terminals is None:
        return {}
    text = str(terminals).strip().replace(",", "").replace("_", "")
    if text.lstrip("+-").isdigit():
        return {"terminals": int(text)}
    path = Path(str(terminals))
    is_meant_as_file = path.suffix[1:].isalpha() or path.name != str(terminals)
    if not str(terminals).strip() or not (path.exists() or is_meant_as_file):
        msg = f"terminals '{terminals}': neither a whole number nor a file; give a number, or a CSV of cell and terminals"
        raise ScenarioError(msg)
    return {"terminals_file": str(path.resolve())}


def _absolute(territory: str) -> str:
    """The path of a user's file from the root, so that the run's scenario can be read from anywhere."""
    path = territory_file(territory)
    return territory if path is None else str(path.resolve())


def study_territory(
    scenario: Scenario,
    out: str | Path | None = None,
    *,
    threads: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    plugins: Plugins = NO_PLUGINS,
    strict: bool = False,
) -> tuple[TerritoryFindings, Path]:
    """Simulate a scenario and work out what its report says.

    Parameters
    ----------
    scenario
        See `report_scenario`.
    out
        Folder of the run; by default ``reports/CODE-DAY``.
    threads, overwrite, progress, plugins
        See `overflight.twin.run_scenario`.
    strict
        Refuse files with bad records.

    Returns
    -------
    findings, folder
        What was found, and where the run lies.

    Raises
    ------
    OverflightError
        One line about what is wrong.
    """
    inputs = gather_inputs(scenario, strict=strict)
    folder = Path(out) if out is not None else default_folder(inputs)
    tell = progress or (lambda _share: None)
    run = run_inputs(inputs, folder, threads=threads, overwrite=overwrite, progress=lambda share: tell(MAIN_SHARE * share), plugins=plugins)
    findings = find_results(
        inputs,
        run,
        threads=threads,
        progress=lambda share: tell(MAIN_SHARE + (1.0 - MAIN_SHARE) * share),
        plugins=plugins,
    )
    return findings, folder


def default_folder(inputs: Inputs) -> Path:
    """Where a report goes when nobody says: reports/CODE-DAY in the working folder; for a polygon without a code, reports/FILE-DAY."""
    file = territory_file(inputs.scenario.territory)
    name = file.stem if file is not None and inputs.territory.code == "XX" else inputs.territory.code
    code = "".join(c if c.isalnum() or c in "._-" else "-" for c in name)
    return Path("reports") / f"{code}-{format_time(inputs.start)[:10]}"


def find_results(
    inputs: Inputs, run: Run, *, threads: int | None = None, progress: Progress | None = None, plugins: Plugins = NO_PLUGINS
) -> TerritoryFindings:
    """Work out a territory's findings from a complete run.

    Parameters
    ----------
    inputs
        The inputs that the run was made from.
    run
        The run.
    threads
        For the sensitivity, which is simulated anew on fewer slots; by default as many as there are processors.
    progress
        Called with the share done.
    plugins
        The own functions that the run was made with.
    """
    fit = access_fit()
    tell = progress or (lambda _share: None)
    fleets: list[FleetFindings] = []
    warnings: list[str] = []
    for number, (fleet, on_disk) in enumerate(zip(inputs.fleets, run.fleets, strict=True)):
        found = find_fleet_results(inputs, fleet, on_disk, fit.term, plugins=plugins)
        varied = inputs.scenario.sampling.sensitivity and number == 0
        if varied:
            rows = find_sensitivity(
                inputs, fleet, on_disk, fit.term, threads=threads, progress=lambda share: tell(0.5 * share), plugins=plugins
            )
            found = replace(found, sensitivity=rows)
        twin = make_capacity_twin(inputs, fleet, threads=count_threads(threads), plugins=plugins)
        if twin is not None and on_disk.capacity is not None:
            capacity = find_capacity(
                inputs,
                fleet,
                on_disk.capacity,
                twin,
                threads=count_threads(threads),
                progress=(lambda share: tell(0.5 + 0.5 * share)) if varied else tell,
                varied=number == 0,
            )
            found = replace(found, capacity=capacity)
            warnings += twin.account.warnings
        fleets.append(found)
    if sum(fleet.capacity is not None for fleet in fleets) > 1:
        text = "capacities are each constellation's alone with all of the demand: do not add them up"
        warnings.append(Notice.of("warning.each_alone", text))
    territory, scenario = inputs.territory, inputs.scenario
    policy, policy_warnings = find_policy(inputs)
    return TerritoryFindings(
        code=territory.code,
        name=territory.name,
        name_fr=territory.name_fr,
        area_km2=territory.area_km2,
        population=float(territory.population.sum()),
        cell_ids=inputs.cell_ids,
        cell_population=inputs.cell_population,
        cells_total=len(territory.cells),
        outline=territory.geometry,
        worldview=territory.worldview,
        borders_source=territory.source,
        countries=tuple(sorted({code for code in _countries(inputs)[0] if code})),
        start=inputs.start,
        end=inputs.end,
        step_s=scenario.time.step_s,
        slots=len(inputs.slot_start),
        policy=policy,
        fleets=tuple(fleets),
        warnings=(*find_assumed_landings(fleets), *inputs.warnings, *dict.fromkeys(warnings), *policy_warnings),
        assumptions=(
            *list_assumptions(inputs, fit, plugins=plugins),
            *(
                row
                for fleet in fleets
                if fleet.capacity is not None
                for row in list_capacity_assumptions(fleet.title, fleet.capacity, plugins=plugins)
            ),
        ),
        versions=(("overflight", __version__), ("python", platform.python_version()), ("numpy", np.__version__)),
        scenario_toml=scenario.to_toml(),
        inputs=(*inputs.files, *_own_functions(run)),
    )


def _own_functions(run: Run) -> Iterator[tuple[str, str]]:
    """A researcher's own functions that the run was made with, as its identity names them."""
    for name, function in run.manifest["inputs"]:
        if name in {"own strategy", "own topology", "own routing", "own allocator", "own landing"}:
            yield Notice.of("source.own_function", "own function: {name}", name=Notice.word("plugin", name.removeprefix("own "))), function


def find_assumed_landings(fleets: Iterable[FleetFindings]) -> list[str]:
    """Warn of fleets much of whose traffic comes to ground at gateways that no list has."""
    warnings: list[str] = []
    for fleet in fleets:
        assumed = [site for site in fleet.gateways if site.status == "assumed"]
        share = sum(site.share for site in assumed)
        if share > ASSUMED_SHARE:
            text = "{title}: {share:.0%} of the traffic comes to ground at gateways that no list has and that are assumed, at {names}"
            names = tuple(dict.fromkeys(site.name for site in assumed))
            warnings.append(Notice.of("warning.assumed_gateways", text, title=fleet.title, share=share, names=names))
    return warnings


def find_policy(inputs: Inputs) -> tuple[PolicyStatus, list[str]]:
    """What the first operator publishes about the territory, cell by cell where it does."""
    operator, territory = inputs.fleets[0].operator, inputs.territory
    codes, cells = _countries(inputs)
    statuses = {code: service_status(code, operator=operator) for code in dict.fromkeys(codes)}
    # The high seas have no say where there is land: what is published there is published for countries.
    on_land = [code for code in statuses if code]
    main = statuses[max(on_land or statuses, key=codes.count)]
    denied = np.array([_denies(statuses[code]) for code in codes], dtype=np.bool_)
    if operator == "starlink":
        denied |= np.isin(cells, blacklisted_cells())
    known = main.verdict_key not in {"unknown", "not-built-in"}
    return PolicyStatus(
        status=main.verdict_key,
        published=main.published_status,
        expected=main.expected,
        source=Notice.word("source", main.source),
        date=main.date,
        served_cells=int((~denied & (np.array(codes) != "")).sum()) if known else 0,
        denied_cells=int(denied.sum()) if known else 0,
        denied_cell_ids=cells[denied] if known else cells[:0],
    ), _policy_warnings(territory, codes, [statuses[code] for code in sorted(on_land, key=codes.count, reverse=True)], main)


def _policy_warnings(territory: Territory, codes: list[str], on_land: list[ServiceStatus], main: ServiceStatus) -> list[str]:
    """What a reader of one status must know: other countries' statuses, cells at sea, provinces."""
    warnings: list[str] = []
    names = {"name": territory.name, "name_fr": territory.name_fr}
    if len({status.verdict_key for status in on_land}) > 1:
        text = "{name} lies in several countries ({verdicts:; }); the status given is that of most of its cells on land"
        verdicts = tuple(_verdict_there(status) for status in on_land)
        warnings.append(Notice.of("warning.several_countries", text, verdicts=verdicts, **names))
    if on_land and "" in codes:
        text = "{count:,} of {cells:,} cells of {name} lie at sea, where no status of service is published"
        warnings.append(Notice.of("warning.cells_at_sea", text, count=codes.count(""), cells=len(codes), **names))
    if main.verdict_key == "split":
        counts = tuple(
            Notice.of("warning.province_count", "{count} {published}", count=count, published=published)
            for published, count in province_counts(main.code).items()
        )
        text = (
            "the operator decides on {name} province by province ({counts}) and does not say which province is which: "
            "cells count as served unless they are blacklisted one by one"
        )
        warnings.append(Notice.of("warning.provinces", text, counts=counts, **names))
    return warnings


def _verdict_there(status: ServiceStatus) -> Notice:
    here = next((row for row in list_territories() if row.code == status.code), None)
    return Notice.of(
        "warning.verdict",
        "{name}: {verdict}",
        name=here.name if here else status.code,
        name_fr=here.name_fr if here else status.code,
        verdict=status.verdict(),
        verdict_fr=status.verdict("fr"),
    )


def _countries(inputs: Inputs) -> tuple[list[str], npt.NDArray[np.uint64]]:
    """Country of each cell: the territory itself, or for a user's polygon whatever country a cell lies in."""
    territory = inputs.territory
    if territory.code in set(read_table("territories")["code"]) and territory.alpha3:
        return [territory.code] * len(territory.cells), territory.cells
    centres = zip(*cell_centres(territory.cells), strict=True)
    # A cell without land of its own may still lie in a country's territorial sea.
    found = zip(territories_of_cells(territory.cells), centres, strict=True)
    return [codes[0] if codes else country_of(*centre) for codes, centre in found], territory.cells


def _denies(status: ServiceStatus) -> bool:
    return status.served is False
