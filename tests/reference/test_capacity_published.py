"""Rates of the whole world's market against the median downloads that the operator publishes (September 2026): one set of parameters.

Four slots, six hours apart, every cell of the territories with service, all gateways, the rates of active terminals. The order of
territories is told badly: Spearman's coefficient is about 0.35 to 0.45 and the middle error 60 to 85 Mbit/s, by the slots that are taken.
A coefficient of 0.5 was aimed at and is NOT reached: what sets one territory's median apart from another's, its terminals, plans and
gateways, is not public, and no parameter is tuned to a territory. The constants below hold what there is; they are no praise.
"""

import csv

import numpy as np
import pytest
from scipy.stats import spearmanr

from overflight.capacity.twin import CapacityTwin
from overflight.capacity.world import make_world_market
from overflight.catalog.tables import float_column, read_table
from overflight.earth.population import territories_of_cells
from overflight.flow.summary import weighted_quantile
from overflight.inputs import gather_inputs
from overflight.scenario import parse_scenario

pytestmark = pytest.mark.shared

LEAST_SPEARMAN = 0.25
MEDIAN_ERROR_MBPS = 110.0
PUBLISHED_TERRITORIES = 76
SIMULATED_TERRITORIES = 73
"""In the other three the operator measures without offering service, or nobody is counted: no terminal is estimated there."""

COLUMNS = ("download_p50_mbps", "upload_p50_mbps", "latency_p50_ms")
SLOTS = (0, 1440, 2880, 4320)
"""Of a day of 5,760."""


@pytest.fixture(scope="module")
def medians(shared):
    """Median download of each territory, simulated (NaN where no terminal is) and published, Mbit/s, each shape (territories,)."""
    elements = [str(shared / "data/elements/starlink_2026-08-22.tle")]
    raw = {"territory": "Malta", "constellations": [{"name": "starlink", "elements": elements}], "capacity": {}}
    inputs = gather_inputs(parse_scenario(raw, source="test"))
    market = make_world_market(inputs.fleets[0])
    twin = CapacityTwin(inputs, inputs.fleets[0], threads=2, market=market)
    results = [twin.work_scene(next(twin.find_scenes(np.array([row]), threads=2)), twin.case, threads=2) for row in SLOTS]
    got = [np.bincount(result.groups.cell, weights=result.down_mbps, minlength=len(market)) for result in results]
    active = np.concatenate([result.active for result in results])
    rate = np.divide(np.concatenate(got), active, out=np.zeros(len(active)), where=active > 0.0)
    owner = np.tile([owners[0] if owners else "" for owners in territories_of_cells(market.cell_ids)], len(SLOTS))
    table = read_table("published_service")
    simulated = [float(weighted_quantile(rate[owner == code], active[owner == code], 0.5)[0]) for code in table["code"]]
    return np.array(simulated), float_column(table, "download_p50_mbps")


def test_the_order_of_territories_and_the_middle_error(medians):
    simulated, published = medians
    known = np.isfinite(simulated)
    assert known.sum() == SIMULATED_TERRITORIES
    assert spearmanr(simulated[known], published[known])[0] >= LEAST_SPEARMAN
    assert np.median(np.abs(simulated - published)[known]) <= MEDIAN_ERROR_MBPS


def test_rates_are_within_what_a_household_asks_for(medians):
    simulated = medians[0][np.isfinite(medians[0])]
    assert simulated.min() > 0.0
    assert simulated.max() <= 400.0 * (1.0 + 1e-9)


def test_the_built_in_table_is_the_published_one(shared):
    table = read_table("published_service")
    territories = read_table("territories")
    code_of = dict(zip(territories["alpha3"], territories["code"], strict=True))
    with (shared / "reference/latency/operator_metrics_2026-09.csv").open(encoding="utf-8", newline="") as file:
        published = {code_of[row["iso3"]]: row for row in csv.DictReader(file)}
    assert len(published) == len(table["code"]) == PUBLISHED_TERRITORIES
    assert set(published) == set(table["code"])
    for name in COLUMNS:
        told = np.array([float(published[code][name]) for code in table["code"]])
        np.testing.assert_array_equal(float_column(table, name), told, err_msg=name)
    assert set(table["operator"]) == {"starlink"}
    assert set(table["status"]) == {"measured"}
