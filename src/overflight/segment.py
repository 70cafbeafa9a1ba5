"""The ground segment of a fleet: its gateways and PoPs, listed and assumed, and the PoP that each cell calls home."""

import difflib

import numpy as np
import numpy.typing as npt

from overflight.account import Account
from overflight.catalog.ground import Gateways, Pops, builtin_gateways, builtin_pops, read_gateways, read_pops
from overflight.catalog.homing import assume_gateways, domestic_countries, nearest_pops
from overflight.earth.geodesy import Sites
from overflight.earth.places import country_of, nearest_country
from overflight.earth.population import territories_of_cells
from overflight.earth.territory import Territory
from overflight.errors import ScenarioError
from overflight.notices import Notice
from overflight.scenario import FleetSettings, Scenario


def find_ground_segment(
    settings: FleetSettings, scenario: Scenario, account: Account, *, operator: str, title: str, strict: bool
) -> tuple[Gateways | None, Pops | None]:
    """Gateways and PoPs from files or the built-in tables; a fleet without either is simulated as far as the sky.

    What is assumed follows from the whole list: a gateway taken out of service does not call another one into being.
    """
    network = scenario.network
    if settings.gateways is not None:
        gateways, intake = read_gateways(
            settings.gateways, operator=operator, include_planned=network.include_planned_gateways, strict=strict
        )
        account.take(intake, what="gateways")
    else:
        gateways = builtin_gateways(operator, include_planned=network.include_planned_gateways)
        account.use_table("gateways")
    if settings.pops is not None:
        pops, intake = read_pops(settings.pops, operator=operator, strict=strict)
        account.take(intake, what="PoPs")
    else:
        pops = builtin_pops(operator)
        account.use_table("pops")
    if settings.gateways is None and len(gateways):
        closed = domestic_countries(operator)
        gateways = Gateways.concatenate(
            [gateways, assume_gateways(gateways, pops, beyond_km=network.assumed_gateway_km, domestic_only=closed)]
        )
    pops, cut = _cut_pops(pops, scenario)
    if len(cut) and not len(pops) and settings == scenario.constellations[0]:
        msg = f"without_pops: all {len(cut)} PoPs of {title} have lost their backhaul, so nothing is delivered; leave one"
        raise ScenarioError(msg)
    # Gateways are assumed beside PoPs alone, and go with them.
    idle = (gateways.status[row] == "assumed" and _stands_at(gateways, row, cut) for row in range(len(gateways)))
    gateways = gateways.select(~np.fromiter(idle, dtype=np.bool_, count=len(gateways)))
    if settings == scenario.constellations[0]:
        gateways = _add_gateways(gateways, scenario, operator=operator)
    account.gateway_names = gateways.name
    account.pop_names = tuple(name for row in range(len(cut)) for name in pop_names(cut, row))
    gateways = gateways.select(np.array([name not in network.without_gateways for name in gateways.name], dtype=np.bool_))
    if scenario.stop_after == "coverage":
        return None, None
    if not len(gateways) or not len(pops):
        text = "{title}: no gateway is known, so only satellites in view can be told, not service and latency"
        lacking = Notice.of("warning.no_gateway", text, title=title)
        if len(gateways):
            text = "{title}: no PoP is known, so only satellites in view can be told, not service and latency"
            lacking = Notice.of("warning.no_pop", text, title=title)
        account.warnings.append(lacking)
        return None, None
    return gateways, pops


def pop_names(pops: Pops, row: int) -> tuple[str, ...]:
    """Every name that a PoP goes by, without regard to case: its name, its city, its codes."""
    return tuple(name.casefold() for name in (pops.name[row], pops.city[row], *pops.code[row].split()) if name)


def _cut_pops(pops: Pops, scenario: Scenario) -> tuple[Pops, Pops]:
    """The PoPs that keep their backhaul, and those that the scenario takes it from."""
    wanted = {name.strip().casefold() for name in scenario.network.without_pops}
    is_cut = np.array([bool(wanted & set(pop_names(pops, row))) for row in range(len(pops))], dtype=np.bool_)
    return pops.select(~is_cut), pops.select(is_cut)


def _stands_at(gateways: Gateways, row: int, pops: Pops) -> bool:
    """Whether a gateway has the place of one of some PoPs."""
    here = (pops.lat_deg == gateways.lat_deg[row]) & (pops.lon_deg == gateways.lon_deg[row])
    return bool(here.any())


def _add_gateways(gateways: Gateways, scenario: Scenario, *, operator: str) -> Gateways:
    """The gateways and those that the scenario adds."""
    added = scenario.network.added_gateways
    for place in added:
        if place.name in gateways.name or [other.name for other in added].count(place.name) > 1:
            msg = f"added_gateways: there is a gateway '{place.name}' already; give the new one another name"
            raise ScenarioError(msg)
    rows: list[dict[str, str | float]] = [
        {
            "operator": operator,
            "kind": "gateway",
            "name": place.name,
            "city": place.name,
            "country": place.country or nearest_country(place.lat_deg, place.lon_deg),
            "lat_deg": place.lat_deg,
            "lon_deg": place.lon_deg,
            "state": "planned",
            "source": "scenario",
            "status": "assumed",
        }
        for place in added
    ]
    return Gateways.concatenate([gateways, Gateways.from_rows(rows)]) if rows else gateways


def check_cut_pops(scenario: Scenario, cut: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Refuse a PoP to be cut off that no fleet of the scenario has.

    Raises
    ------
    ScenarioError
        If there is none of a name; the nearest of ``known`` are offered. ``cut`` are the names of the PoPs found.
    """
    for name in scenario.network.without_pops:
        if name.strip().casefold() not in cut:
            near = difflib.get_close_matches(name, dict.fromkeys(known), n=3, cutoff=0.4)
            hint = f"nearest: {'; '.join(near)}" if near else f"there are {', '.join(sorted(set(known))[:12])}"
            msg = f"without_pops: no constellation has a PoP '{name}'; {hint}"
            raise ScenarioError(msg)


def check_removed_gateways(scenario: Scenario, known: tuple[str, ...]) -> None:
    """Refuse a gateway to be taken out of service that no fleet of the scenario has.

    Parameters
    ----------
    scenario
        With ``network.without_gateways``.
    known
        Names of the gateways of all its fleets.

    Raises
    ------
    ScenarioError
        If there is none of a name; the nearest names are offered.
    """
    for name in scenario.network.without_gateways:
        if name not in known:
            near = difflib.get_close_matches(name, dict.fromkeys(known), n=3, cutoff=0.4)
            hint = f"nearest: {'; '.join(near)}" if near else f"names as in the table, such as '{(*known, '–')[0]}'"
            msg = f"without_gateways: no constellation has a gateway '{name}'; {hint}"
            raise ScenarioError(msg)


def countries_of_cells(territory: Territory, cell_ids: npt.NDArray[np.uint64], sites: Sites) -> list[str]:
    """Alpha-2 code of the country of each cell; empty on the high seas.

    Cells of a built-in territory are that territory's. Those of a user's polygon are whose land they are on; a cell that several share,
    or none, belongs where its centre lies, the territorial sea included.
    """
    if territory.alpha3:
        return [territory.code] * len(cell_ids)
    centres = zip(sites.lat_deg.tolist(), sites.lon_deg.tolist(), strict=True)
    owners = territories_of_cells(cell_ids)
    return [owner[0] if len(owner) == 1 else country_of(*centre) for owner, centre in zip(owners, centres, strict=True)]


def find_homes(
    settings: FleetSettings,
    scenario: Scenario,
    account: Account,
    ground: tuple[Gateways, Pops],
    sites: Sites,
    countries: list[str],
    *,
    operator: str,
    title: str,
) -> npt.NDArray[np.int32]:
    """Row of each cell's PoP: the nearest along the ground that takes its traffic, or the one that the scenario names."""
    gateways, pops = ground
    closed = domestic_countries(operator)
    if closed:
        account.use_table("domestic_pops")
    row = _named_pop(settings, scenario, account, pops, title)
    if row is not None:
        home = np.full(len(sites), row, dtype=np.int32)
    else:
        home = nearest_pops(pops, sites.lat_deg, sites.lon_deg, country=countries, domestic_only=closed)
    cut_off = sorted({pops.country[row] for row in np.unique(home)} & closed - set(gateways.country))
    if cut_off:
        text = "{title}: traffic of PoPs in {countries} must land in the country, and no gateway is in service there: it is not served"
        account.warnings.append(Notice.of("warning.no_domestic_gateway", text, title=title, countries=tuple(cut_off)))
    return home


def _named_pop(settings: FleetSettings, scenario: Scenario, account: Account, pops: Pops, title: str) -> int | None:
    """Row of the PoP that a scenario names; None for the nearest, which stands in where another fleet than the first lacks it."""
    homing = scenario.network.homing
    if homing == "nearest":
        return None
    wanted = homing.strip().casefold()
    known: dict[str, int] = {}
    for row in range(len(pops)):
        for name in pop_names(pops, row):
            known.setdefault(name, row)
    if wanted in known:
        return known[wanted]
    if settings != scenario.constellations[0]:
        account.warnings.append(Notice.of("warning.no_such_pop", "no PoP '{name}': its nearest one is taken", name=homing))
        return None
    near = difflib.get_close_matches(wanted, known, n=3)
    cities = sorted({pops.city[known[name]] or pops.name[known[name]] for name in near}) or sorted(set(pops.city))
    hint = f"did you mean {' or '.join(cities)}? Give its name, or 'nearest'" if near else f"give 'nearest' or one of {', '.join(cities)}"
    msg = f"PoP '{homing}': {title} has none of that name; {hint}"
    raise ScenarioError(msg)
