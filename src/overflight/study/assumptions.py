"""What a territory's report rests on: every setting that matters, with how sure we are of it and whence it comes."""

from collections.abc import Callable, Iterable

from overflight.catalog.tables import STATUSES
from overflight.inputs import FleetInputs, Inputs
from overflight.measure.latency import AccessFit
from overflight.notices import Notice
from overflight.scenario import NetworkSettings, VisibilitySettings
from overflight.study.findings import Assumption
from overflight.twin import NO_PLUGINS, Plugins


def name_own(plugins: Plugins) -> dict[str, Notice]:
    """Say which functions of the user's own stand in place of the scenario's choices."""
    return {kind: Notice.of("value.own", "own: {name}", name=name) for kind, name in plugins.names().items()}


def list_assumptions(inputs: Inputs, fit: AccessFit, *, plugins: Plugins = NO_PLUGINS) -> tuple[Assumption, ...]:
    """List the settings of a scenario as a reader of its report would ask for them; own functions stand in place of what they replace."""
    scenario, territory = inputs.scenario, inputs.territory
    visibility, network, selection = scenario.visibility, scenario.network, scenario.selection.strategy
    people = Notice.of("value.people", "{people:,.0f} people", people=float(territory.population.sum()))
    spread = Notice.of(
        "source.population", "{source}; spread over cells by our model (docs/models/earth.md)", source=territory.population_source
    )
    orientation = Notice.word("orientation", scenario.time.earth_orientation)
    fleets = tuple(Notice.about(fleet.title, fleet.source) for fleet in inputs.fleets)
    own, users = name_own(plugins), Notice.of("source.user_function", "the user's function")
    rows = [
        ("borders", territory.worldview, territory.status, territory.source),
        ("population", people, "assumed", spread),
        ("fleet", _listed(fleets), "measured", Notice.of("source.fleet", "element sets, or built-in shells")),
        ("satellites in service", Notice.word("method", scenario.constellations[0].in_service), "assumed", "docs/models/fleet.md"),
        ("orbit model", _orbit_model(orientation), "standard", "docs/models/orbit.md"),
        ("elevation mask of terminals", _by_fleet(inputs, _user_mask), *_basis(fleet.user_mask_status for fleet in inputs.fleets)),
        ("elevation mask of gateways", _by_fleet(inputs, _gateway_mask), *_basis(fleet.gateway_mask_status for fleet in inputs.fleets)),
        (
            "geostationary-arc avoidance",
            _degrees(visibility.arc_avoidance_deg),
            "reported",
            Notice.of("source.arc", "filings name the rule; the value is reported"),
        ),
        (
            "choice of satellite",
            own.get("strategy", Notice.word("strategy", selection)),
            "measured" if selection == "observed" and "strategy" not in own else "assumed",
            users if "strategy" in own else "docs/models/schedule.md",
        ),
        ("gateways and PoPs", _ground(inputs), "reported", Notice.of("source.ground", "community lists; docs/models/catalog.md")),
        ("home PoP", Notice.word("homing", network.homing), "assumed", "docs/models/network.md"),
        (
            "lasers",
            _lasers(own.get("topology", Notice.word("topology", inputs.fleets[0].topology)), network),
            "assumed",
            users if "topology" in own else Notice.of("source.lasers", "who is linked with whom is not public; docs/models/network.md"),
        ),
        (
            "routing",
            own.get("routing", Notice.word("routing", network.routing)),
            "assumed",
            users if "routing" in own else "docs/models/network.md",
        ),
        ("fibre", _fibre(network), "assumed", "docs/models/latency.md"),
        ("access term", _access(fit), fit.status, Notice.word("source", fit.source)),
    ]
    if visibility.obstruction is not None:
        rows.append(("obstruction", visibility.obstruction, "measured", Notice.of("source.user_file", "the user's file")))
    return tuple(Assumption(*row) for row in rows)


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
    status = max(statuses, key=STATUSES.index)
    return status, Notice.of("source.filings", "FCC filings of the operator") if status == "filing" else "docs/models/catalog.md"


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
