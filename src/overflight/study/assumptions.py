"""What a territory's report rests on: every setting that matters, with how sure we are of it and whence it comes."""

from overflight.inputs import Inputs
from overflight.measure.latency import AccessFit
from overflight.study.findings import Assumption


def list_assumptions(inputs: Inputs, fit: AccessFit) -> tuple[Assumption, ...]:
    """List the settings of a scenario as a reader of its report would ask for them."""
    scenario = inputs.scenario
    visibility, network, territory = scenario.visibility, scenario.network, inputs.territory
    selection, first = scenario.selection.strategy, inputs.fleets[0]
    gateway_mask = (
        f"{visibility.gateway_mask_deg:g}°, "
        f"{visibility.gateway_mask_high_latitude_deg:g}° above {visibility.high_latitude_deg:g}° of latitude"
    )
    lasers = (
        f"{first.topology}, {network.scope}, up to {network.isl_range_km:g} km, {network.isl_clearance_km:g} km clear of the ground, "
        f"chosen anew every {network.relink_s:g} s"
    )
    access = (
        f"{fit.term.median_ms:.1f} ms in the median, log-normal above {fit.term.floor_ms:.1f} ms; it meets the medians of "
        f"{fit.territories} territories to {fit.median_abs_error_ms:.1f} ms (median absolute error)"
    )
    people = f"{territory.population.sum():,.0f} people"
    fibre = f"{network.route_factor:g} × great circle, refractive index {network.fibre_index:g}"
    rows = [
        ("borders", territory.worldview, territory.status, territory.source),
        ("population", people, "assumed", f"{territory.population_source}; spread over cells by our model (docs/models/earth.md)"),
        ("fleet", "; ".join(f"{fleet.title}: {fleet.source}" for fleet in inputs.fleets), "measured", "element sets, or built-in shells"),
        ("satellites in service", scenario.constellations[0].in_service, "assumed", "docs/models/fleet.md"),
        ("orbit model", f"SGP4 (WGS-72), Earth orientation: {scenario.time.earth_orientation}", "standard", "docs/models/orbit.md"),
        ("elevation mask of terminals", f"{visibility.user_mask_deg:g}°", "filing", "FCC filings of the operator"),
        ("elevation mask of gateways", gateway_mask, "filing", "FCC filings of the operator"),
        ("geostationary-arc avoidance", f"{visibility.arc_avoidance_deg:g}°", "reported", "filings name the rule; the value is reported"),
        ("choice of satellite", selection, "measured" if selection == "observed" else "assumed", "docs/models/schedule.md"),
        ("gateways and PoPs", _ground_words(inputs), "reported", "community lists; docs/models/catalog.md"),
        ("home PoP", network.homing, "assumed", "docs/models/network.md"),
        ("lasers", lasers, "assumed", "who is linked with whom is not public; docs/models/network.md"),
        ("routing", network.routing, "assumed", "docs/models/network.md"),
        ("fibre", fibre, "assumed", "docs/models/latency.md"),
        ("access term", access, fit.status, fit.source),
    ]
    if visibility.obstruction is not None:
        rows.append(("obstruction", visibility.obstruction, "measured", "the user's file"))
    return tuple(Assumption(*row) for row in rows)


def _ground_words(inputs: Inputs) -> str:
    parts = []
    for fleet in inputs.fleets:
        if fleet.gateways is None or fleet.pops is None:
            parts.append(f"{fleet.title}: none known")
        else:
            parts.append(f"{fleet.title}: {len(fleet.gateways)} gateways, {len(fleet.pops)} PoPs")
    return "; ".join(parts)
