"""What a territory's findings say of countries, status and thin service."""

import json
import tomllib

import numpy as np
import pytest

from overflight.inputs import gather_inputs
from overflight.report.html import render_report
from overflight.scenario import parse_scenario
from overflight.study.findings import TerritoryFindings
from overflight.study.results import Tally, summarise_tally
from overflight.study.territory import find_policy, find_results
from overflight.twin import run_inputs

TEXAS = [[-98.0, 31.0], [-97.0, 31.0], [-97.0, 32.0], [-98.0, 32.0], [-98.0, 31.0]]


def study(tmp_path, territory, **tables) -> TerritoryFindings:
    raw = {"territory": str(territory), "time": {"hours": 0.05}, "sampling": {"sensitivity": False, "max_cells": 20}, **tables}
    inputs = gather_inputs(parse_scenario(raw, source="test"))
    return find_results(inputs, run_inputs(inputs, tmp_path / "run"))


def test_a_polygon_knows_the_country_it_lies_in(tmp_path):
    file = tmp_path / "texas.geojson"
    file.write_text(json.dumps({"type": "Polygon", "coordinates": [TEXAS]}), encoding="utf-8")
    found = study(tmp_path, file)
    assert found.countries == ("US",)
    assert dict(found.fleets[0].landing_countries)["US"] == pytest.approx(1.0)
    page = render_report(found, lang="en")
    assert "passes through other countries first" not in page
    assert "in the country where this territory lies (United States)" in page


def test_traffic_that_lands_at_home_is_said_to(tmp_path):
    page = render_report(study(tmp_path, "New Zealand"), lang="en")
    assert "of the traffic comes to ground inside the territory" in page


def test_an_operator_without_published_status_is_not_quoted(tmp_path):
    found = study(tmp_path, "Norway", constellations=[{"name": "oneweb"}])
    assert found.policy.status == "not-built-in"
    assert (found.policy.served_cells, found.policy.denied_cells) == (0, 0)
    for lang in ("en", "fr"):
        assert "public map says" not in render_report(found, lang=lang)


def test_service_where_nobody_lives_is_service():
    raw = tomllib.loads('territory = "Fiji"\n[time]\nhours = 0.02\n')
    inputs = gather_inputs(parse_scenario(raw, source="test"))
    cells, slots = len(inputs.cell_ids), 2
    empty = int(np.argmin(inputs.cell_population))
    served = np.zeros((slots, cells), dtype=bool)
    served[:, empty] = True
    frames = {
        "satellites_in_view": np.full((slots, cells), 9),
        "accesses_started": np.zeros((slots, cells), dtype=np.int64),
        "satellites_usable": served.astype(np.int64),
        "serving": np.where(served, 5, -1).astype(np.int32),
        "gateway": np.where(served, 0, -1),
        "pop": np.where(served, 0, -1),
        "isl_hops": served.astype(np.uint8),
        **{name: np.where(served, 3.0, np.nan) for name in ("user_link_ms", "isl_ms", "feeder_ms", "backhaul_ms")},
        "elevation_deg": np.where(served, 50.0, np.nan),
    }
    inputs.cell_population[empty] = 0.0
    tally = Tally(inputs, has_ground=True)
    tally.add(frames)
    from overflight.measure.latency import access_fit

    found = summarise_tally(inputs, inputs.fleets[0], tally, access_fit().term)
    assert found.latency.p50_ms is not None
    assert found.gateways[0].share == pytest.approx(1.0)
    assert found.isl_share == pytest.approx(1.0)


def test_blacklisted_cells_are_denied_in_a_territory_that_is_split():
    inputs = gather_inputs(parse_scenario({"territory": "Ukraine", "time": {"hours": 0.02}}, source="test"))
    policy, warnings = find_policy(inputs)
    assert policy.status == "split"
    assert 0 < policy.denied_cells < len(inputs.territory.cells)
    assert policy.denied_cells + policy.served_cells == len(inputs.territory.cells)
    assert any("province by province" in warning for warning in warnings)


def test_assumptions_tell_defaults_from_what_the_user_set():
    from overflight.measure.latency import access_fit
    from overflight.study.assumptions import list_assumptions

    def rows(**tables):
        raw = {"territory": "Nauru", "time": {"hours": 0.05}, **tables}
        listed = list_assumptions(gather_inputs(parse_scenario(raw, source="test")), access_fit())
        return {row.name: row for row in listed}

    usual = rows()
    assert (usual["elevation mask of terminals"].status, usual["geostationary-arc avoidance"].status) == ("filing", "reported")
    assert usual["choice of satellite"].status == "measured"
    assert usual["satellites in service"].value == "all"
    changed = rows(
        constellations=[{"name": "oneweb"}],
        visibility={"user_mask_deg": 40.0, "arc_avoidance_deg": 0.0},
        network={"route_factor": 2.0},
    )
    assert changed["elevation mask of terminals"].status == "assumed"
    assert (changed["geostationary-arc avoidance"].status, changed["geostationary-arc avoidance"].source) == ("assumed", "set by the user")
    assert changed["fibre"].source == "set by the user"
    assert changed["fleet"].status == "filing"
    assert changed["choice of satellite"].status == "assumed"
    assert changed["access term"].status == "assumed"
