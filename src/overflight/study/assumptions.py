"""What a territory's report rests on: every setting that matters, with how sure we are of it and whence it comes."""

from collections.abc import Callable, Iterable

from overflight.catalog.parameters import list_parameters
from overflight.catalog.tables import STATUSES
from overflight.inputs import FleetInputs, Inputs
from overflight.measure.latency import AccessFit
from overflight.notices import Notice
from overflight.scenario import NetworkSettings, VisibilitySettings
from overflight.study.capacity_findings import CapacityFindings
from overflight.study.findings import Assumption
from overflight.twin import NO_PLUGINS, Plugins


def name_own(plugins: Plugins) -> dict[str, Notice]:
    """Say which functions of the user's own stand in place of the scenario's choices."""
    return {kind: Notice.of("value.own", "own: {name}", name=name) for kind, name in plugins.names().items()}


def list_assumptions(inputs: Inputs, fit: AccessFit, *, plugins: Plugins = NO_PLUGINS) -> tuple[Assumption, ...]:
    """List the settings of a scenario as a reader of its report would ask for them; own functions stand in place of what they replace."""
    scenario, territory, fleets = inputs.scenario, inputs.territory, inputs.fleets
    visibility, network = scenario.visibility, scenario.network
    people = Notice.of("value.people", "{people:,.0f} people", people=float(territory.population.sum()))
    spread = Notice.of(
        "source.population", "{source}; spread over cells by our model (docs/models/earth.md)", source=territory.population_source
    )
    orientation = Notice.word("orientation", scenario.time.earth_orientation)
    flown = _listed(tuple(Notice.about(fleet.title, fleet.source) for fleet in fleets))
    rows = [
        ("borders", territory.worldview, territory.status, territory.source),
        ("population", people, "assumed", spread),
        (
            "fleet",
            flown,
            _least_sure(fleet.elements_status for fleet in fleets),
            Notice.of("source.fleet", "element sets, or built-in shells"),
        ),
        ("satellites in service", _by_fleet(inputs, _in_service), "assumed", "docs/models/fleet.md"),
        ("orbit model", _orbit_model(orientation), "standard", "docs/models/orbit.md"),
        ("elevation mask of terminals", _by_fleet(inputs, _user_mask), *_basis(fleet.user_mask_status for fleet in fleets)),
        ("elevation mask of gateways", _by_fleet(inputs, _gateway_mask), *_basis(fleet.gateway_mask_status for fleet in fleets)),
        ("geostationary-arc avoidance", _degrees(visibility.arc_avoidance_deg), *_arc_basis(visibility)),
        *_choices(inputs, own=name_own(plugins)),
        ("gateways and PoPs", _ground(inputs), *_ground_basis(inputs)),
        ("home PoP", Notice.word("homing", network.homing), "assumed", _source(network, "homing", "docs/models/network.md")),
        ("fibre", _fibre(network), "assumed", _source(network, "route_factor", _source(network, "fibre_index", "docs/models/latency.md"))),
        ("access term", _access(fit), _access_status(inputs, fit), Notice.word("source", fit.source)),
    ]
    if visibility.obstruction is not None:
        rows.append(("obstruction", visibility.obstruction, "measured", Notice.of("source.user_file", "the user's file")))
    return tuple(Assumption(*row) for row in rows)


def _choices(inputs: Inputs, *, own: dict[str, Notice]) -> list[tuple[str, str, str, str]]:
    """Satellite choice, lasers and routing: each a name of the scenario's, or a function of the user's own."""
    network, selection = inputs.scenario.network, inputs.scenario.selection.strategy
    users = Notice.of("source.user_function", "the user's function")
    observed = selection == "observed" and all(fleet.operator == "starlink" for fleet in inputs.fleets)
    unknown = Notice.of("source.lasers", "who is linked with whom is not public; docs/models/network.md")
    lasers = _lasers(own.get("topology", _by_fleet(inputs, lambda fleet, _: Notice.word("topology", fleet.topology))), network)
    return [
        (
            "choice of satellite",
            own.get("strategy", Notice.word("strategy", selection)),
            "measured" if observed and "strategy" not in own else "assumed",
            users if "strategy" in own else "docs/models/schedule.md",
        ),
        ("lasers", lasers, "assumed", users if "topology" in own else unknown),
        (
            "routing",
            own.get("routing", Notice.word("routing", network.routing)),
            "assumed",
            users if "routing" in own else "docs/models/network.md",
        ),
    ]


def _source(settings: NetworkSettings | VisibilitySettings, key: str, usual: str) -> str:
    """Where a setting comes from: what stands behind its default, or the user who set it otherwise."""
    if getattr(settings, key) == type(settings).model_fields[key].default:
        return usual
    return Notice.of("source.user_setting", "set by the user")


def _arc_basis(visibility: VisibilitySettings) -> tuple[str, str]:
    source = _source(visibility, "arc_avoidance_deg", Notice.of("source.arc", "filings name the rule; the value is reported"))
    usual = visibility.arc_avoidance_deg == VisibilitySettings.model_fields["arc_avoidance_deg"].default
    return ("reported" if usual else "assumed"), source


def _access_status(inputs: Inputs, fit: AccessFit) -> str:
    """What was fitted to one operator is an assumption for any other."""
    return fit.status if all(fleet.operator == "starlink" for fleet in inputs.fleets) else "assumed"


def _ground_basis(inputs: Inputs) -> tuple[str, str]:
    """How sure gateways and PoPs are, and whose list they are."""
    given = [fleet.gateways is not None or fleet.pops is not None for fleet in inputs.scenario.constellations]
    own = Notice.of("source.user_file", "the user's file")
    lists = Notice.of("source.ground", "community lists; docs/models/catalog.md")
    if not any(given):
        return "reported", lists
    return "reported", own if all(given) else _listed((own, lists))


def _in_service(fleet: FleetInputs, _visibility: VisibilitySettings) -> Notice:
    return Notice.word("method", fleet.in_service)


def _listed(items: tuple[str, ...]) -> Notice:
    return Notice.of("value.listed", "{items:; }", items=items)


def _degrees(angle_deg: float) -> Notice:
    return Notice.of("value.degrees", "{angle:g}°", angle=angle_deg)


def _orbit_model(orientation: str) -> Notice:
    return Notice.of("value.orbit_model", "SGP4 (WGS-72), Earth orientation: {orientation}", orientation=orientation)


def _by_fleet(inputs: Inputs, describe: Callable[[FleetInputs, VisibilitySettings], Notice]) -> Notice:
    """What holds for each fleet, said once where it is the same for all."""
    said = [describe(fleet, inputs.scenario.visibility) for fleet in inputs.fleets]
    if len(set(said)) == 1:
        return said[0]
    return _listed(tuple(Notice.about(fleet.title, text) for fleet, text in zip(inputs.fleets, said, strict=True)))


def _basis(statuses: Iterable[str]) -> tuple[str, str]:
    """The least sure of some statuses, and where to read on."""
    status = _least_sure(statuses)
    return status, Notice.of("source.filings", "FCC filings of the operator") if status == "filing" else "docs/models/catalog.md"


def _least_sure(statuses: Iterable[str]) -> str:
    return max(statuses, key=STATUSES.index)


def _user_mask(fleet: FleetInputs, _visibility: VisibilitySettings) -> Notice:
    return _degrees(fleet.user_mask_deg)


def _gateway_mask(fleet: FleetInputs, visibility: VisibilitySettings) -> Notice:
    if fleet.operator != "starlink":
        return _degrees(fleet.gateway_mask_deg)
    return Notice.of(
        "value.gateway_mask",
        "{mask:g}°, {high_mask:g}° above {latitude:g}° of latitude",
        mask=fleet.gateway_mask_deg,
        high_mask=visibility.gateway_mask_high_latitude_deg,
        latitude=visibility.high_latitude_deg,
    )


def _lasers(topology: Notice, network: NetworkSettings) -> Notice:
    return Notice.of(
        "value.lasers",
        "{topology}, {scope}, up to {range_km:g} km, {clearance_km:g} km clear of the ground, chosen anew every {relink_s:g} s",
        topology=topology,
        scope=Notice.word("scope", network.scope),
        range_km=network.isl_range_km,
        clearance_km=network.isl_clearance_km,
        relink_s=network.relink_s,
    )


def _fibre(network: NetworkSettings) -> Notice:
    text = "{factor:g} × great circle, refractive index {index:g}"
    return Notice.of("value.fibre", text, factor=network.route_factor, index=network.fibre_index)


def _access(fit: AccessFit) -> Notice:
    return Notice.of(
        "value.access",
        "{median_ms:.1f} ms in the median, log-normal above {floor_ms:.1f} ms; it meets the medians of {territories} territories "
        "to {error_ms:.1f} ms (median absolute error)",
        median_ms=fit.term.median_ms,
        floor_ms=fit.term.floor_ms,
        territories=fit.territories,
        error_ms=fit.median_abs_error_ms,
    )


def _ground(inputs: Inputs) -> Notice:
    parts = []
    for fleet in inputs.fleets:
        if fleet.gateways is None or fleet.pops is None:
            known = Notice.of("value.no_ground", "none known")
        else:
            text = "{gateways} gateways ({assumed} of them assumed), {pops} PoPs"
            assumed = fleet.gateways.status.count("assumed")
            known = Notice.of("value.ground", text, gateways=len(fleet.gateways), assumed=assumed, pops=len(fleet.pops))
        parts.append(Notice.about(fleet.title, known))
    return _listed(tuple(parts))


def list_capacity_assumptions(title: str, capacity: CapacityFindings, *, plugins: Plugins = NO_PLUGINS) -> tuple[Assumption, ...]:
    """List what a constellation's capacity rests on besides: terminals, demand, weather, rules, and the parameters of radio and network."""
    demand, own = capacity.demand, name_own(plugins)
    parameters = list_parameters()
    assumed = sum(parameter.status == "assumed" for parameter in parameters)
    users = Notice.of("source.user_function", "the user's function")
    spread = Notice.word("demand_distribution", demand.distribution)
    rows = (
        (
            "terminals",
            Notice.of("value.terminals", "{count:,}, spread: {spread}", count=demand.terminals, spread=spread),
            demand.terminals_status,
            demand.terminals_source,
        ),
        (
            "demand",
            Notice.of(
                "value.demand",
                "{down:g} Mbit/s down and {up:g} up asked by an active terminal, {share:.1%} of them active at the busiest hour",
                down=round(demand.down_mbps, 2),
                up=round(demand.up_mbps, 2),
                share=demand.active_share,
            ),
            "assumed",
            "docs/models/demand.md",
        ),
        ("weather", _weather(capacity.weather), "assumed", "docs/models/propagation.md"),
        (
            "beams",
            own.get("allocator", Notice.word("allocator_label", capacity.allocator)),
            "assumed",
            users if "allocator" in own else "docs/models/beams.md",
        ),
        (
            "landing",
            own.get("landing", Notice.word("landing_label", capacity.landing)),
            "assumed",
            users if "landing" in own else "docs/models/flow.md",
        ),
        (
            "radio and network parameters",
            Notice.of("value.parameters", "{count} with their ranges, {assumed} of them assumed", count=len(parameters), assumed=assumed),
            "assumed",
            "docs/models/radio.md",
        ),
    )
    return tuple(Assumption(name, Notice.about(title, value), status, source) for name, value, status, source in rows)


def _weather(name: str) -> Notice:
    """A state of the sky, or the percentage of time whose attenuation holds."""
    try:
        return Notice.of("value.weather", "attenuation exceeded {percent:g} % of the time (ITU-R P.618)", percent=float(name))
    except ValueError:
        return Notice.word("weather_label", name)
