"""Numbers of terminals: as reported, by one rule elsewhere, and spread over the world."""

import numpy as np
import pytest

from overflight.catalog.availability import blacklisted_cells
from overflight.catalog.tables import read_table
from overflight.earth.population import built_in_cells, built_in_population, read_world_cells, territories_of_cells
from overflight.errors import ScenarioError
from overflight.service.rule import GROUPS, income_group, region_factor, rule_value
from overflight.service.spreading import thin_people
from overflight.service.subscribers import estimate_terminals, international_traffic_gbps, is_offered, world_terminals, world_total

WORLD_TOLERANCE = 0.15
"""Sum of all estimates over what the operator announces; 0.04 was found."""
CODES = read_world_cells().codes


class TestTables:
    def test_every_territory_has_an_income_group(self) -> None:
        assert {income_group(code) for code in CODES} == set(GROUPS)
        assert set(read_table("income_groups")["code"]) == set(CODES)
        assert income_group("XX") == "unknown"

    def test_reports_are_of_territories_and_in_order(self) -> None:
        table = read_table("subscribers")
        assert set(table["code"]) <= {*CODES, "WORLD"}
        assert world_total() == (10_000_000, "2026-02-13")
        for count, low, high in zip(table["terminals"], table["low"], table["high"], strict=True):
            assert int(low or 0) <= int(count) <= int(high or count)


class TestEstimate:
    @pytest.mark.parametrize("code", ["US", "KE", "BR", "UA", "GB"])
    def test_as_reported_where_known(self, code) -> None:
        found = estimate_terminals(code, built_in_population(code))
        assert found.reported is not None
        assert found.low <= found.reported[0] <= found.count <= found.high
        assert f"{found.reported[0]:,} on {found.reported[1]}" in found.source
        assert found.offered

    def test_a_recent_report_is_reported_and_an_old_one_carried_is_assumed(self) -> None:
        assert estimate_terminals("US", [1.0]).status == "reported"
        assert estimate_terminals("ZM", [1.0]).status == "assumed"

    @pytest.mark.parametrize("code", ["TW", "ZA", "TO", "LT"])
    def test_by_the_rule_elsewhere(self, code) -> None:
        people = built_in_population(code)
        found = estimate_terminals(code.lower(), people)
        assert found.count == round(
            thin_people(people, half_at=rule_value("half_at")).sum() * rule_value(f"rate_{income_group(code)}") * region_factor(code)
        )
        assert found.low < found.count < found.high
        assert (found.status, found.reported) == ("assumed", None)
        assert found.offered is (code in {"TO", "LT"})
        assert "\n" not in found.source

    def test_a_polygon_of_ones_own_and_an_empty_land(self) -> None:
        assert estimate_terminals("XX", [5000.0] * 10).count > 0
        assert estimate_terminals("AQ", [0.0, 0.0]).count == 0

    def test_split_territories_count_as_served(self) -> None:
        assert [is_offered(code) for code in ("UA", "TW", "CN", "US")] == [True, False, False, True]

    def test_other_operators(self) -> None:
        assert estimate_terminals("FR", built_in_population("FR"), operator="oneweb").offered is None
        with pytest.raises(ScenarioError, match="no number of terminals is known"):
            world_total(operator="oneweb")


def test_international_traffic_has_a_range() -> None:
    found = international_traffic_gbps("TO", built_in_population("TO"))
    assert 1.0 < found.low_gbps < found.gbps < found.high_gbps < 100.0
    assert found.status == "assumed"
    assert international_traffic_gbps("XX", [1e6]).gbps == pytest.approx(80.0)


class TestWorld:
    def test_closed_lands_seas_and_closed_cells_have_none(self) -> None:
        sea = 0x857A0003FFFFFFF  # 0° N 0° E lies near; whether it is land does not matter: it has no people
        for cells in (built_in_cells("TW"), built_in_cells("CN")[::50], blacklisted_cells(), [sea]):
            counts = world_terminals("starlink", cells)
            owners = territories_of_cells(cells)
            closed = np.array([not any(is_offered(code) for code in codes) for codes in owners])
            assert counts[closed].sum() == 0
        assert world_terminals("starlink", blacklisted_cells()).sum() == 0

    def test_the_sum_is_what_the_operator_announces(self) -> None:
        every = np.unique(read_world_cells().cells)
        assert world_terminals("starlink", every).sum() == pytest.approx(world_total()[0], rel=WORLD_TOLERANCE)

    def test_order_scale_and_exclusion(self) -> None:
        cells = built_in_cells("LT")
        counts = world_terminals("starlink", cells)
        np.testing.assert_array_equal(world_terminals("starlink", cells[::-1]), counts[::-1])
        inner = np.array([codes == ("LT",) for codes in territories_of_cells(cells)])
        assert counts[inner].sum() > 0
        assert world_terminals("starlink", cells, without=("lt",))[inner].sum() == 0
        assert world_terminals("starlink", cells, scale=0.0).sum() == 0
        assert world_terminals("starlink", cells, scale=2.0).sum() == pytest.approx(2 * counts.sum(), rel=0.02)

    def test_a_territory_gets_its_estimate(self) -> None:
        cells = built_in_cells("NZ")  # no neighbours by land
        assert world_terminals("starlink", cells).sum() == estimate_terminals("NZ", built_in_population("NZ")).count

    def test_operators_without_reports_and_bad_scales(self) -> None:
        assert world_terminals("oneweb", built_in_cells("FR")).sum() == 0
        with pytest.raises(ScenarioError, match="at least 0"):
            world_terminals("starlink", [], scale=-1.0)
        with pytest.raises(ScenarioError, match="unknown; take one of"):
            world_terminals("starlink", built_in_cells("FR"), method="evenly")
