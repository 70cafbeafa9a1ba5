"""Routes from place to place: the ends keep clear of the geostationary arc, unless told otherwise or by Hypatia's conventions."""

import numpy as np
import pytest

from overflight.clock import add_seconds, parse_time
from overflight.earth.geodesy import make_sites
from overflight.inputs import gather_fleet
from overflight.orbit.propagation import Propagator
from overflight.scenario import FleetSettings, Scenario
from overflight.sky.angles import look_angles
from overflight.sky.arc import arc_separation_deg
from overflight.study.paths import study_path

START = parse_time("2026-08-22T00:00:00Z")
SINGAPORE, NAIROBI = (1.29, 103.85), (-1.28, 36.82)


def separations_deg(study, ends):
    """Angle to the arc of the link at each end given, first or last satellite, over all samples."""
    fleet = gather_fleet(FleetSettings(), Scenario(territory="-"), at=START)
    row = {name: number for number, name in enumerate(fleet.elements.name)}
    propagator, found = Propagator(fleet.elements), []
    for sample in study.samples:
        positions_km = propagator.positions_km(np.array([sample.time]))[0]
        satellites = [row[hop.node] for hop in sample.hops if hop.kind == "satellite"]
        for place, satellite in zip(ends, (satellites[0], satellites[-1]), strict=False):
            site = make_sites(*place)
            azimuth_deg, elevation_deg, _ = look_angles(site, positions_km[:, [satellite]])
            found.append(arc_separation_deg(site.lat_deg, azimuth_deg[0], elevation_deg[0])[0])
    return np.array(found)


@pytest.mark.parametrize(("landing", "ends"), [("terminal", (SINGAPORE, NAIROBI)), ("gateway", (SINGAPORE,))])
def test_terminals_keep_clear_of_the_arc(landing, ends):
    places = [",".join(map(str, place)) for place in (SINGAPORE, NAIROBI)]
    settings = {"start": START, "until": add_seconds(START, 600.0), "step_s": 60.0, "landing": landing}
    kept = separations_deg(study_path(*places, **settings), ends)
    assert len(kept) == 11 * len(ends)
    assert kept.min() >= 18.0
    assert separations_deg(study_path(*places, **settings, arc_avoidance_deg=30.0), ends).min() >= 30.0
    assert separations_deg(study_path(*places, **settings, arc_avoidance_deg=0.0), ends).min() < 18.0


def test_hypatias_conventions_know_no_arc():
    free, bound = (study_path("Manila", "Dalian", constellation="hypatia-kuiper-630", arc_avoidance_deg=arc) for arc in (0.0, 60.0))
    assert free == bound
