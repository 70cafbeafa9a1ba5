"""From a scenario's words to tables: whose cells are whose, what serves, which masks hold, what was read."""

import json
import re
from collections import Counter

import numpy as np
import pytest
from tests.cli.sample import tle

from overflight.backbone import make_fleet_ground
from overflight.earth.territory import find_territory
from overflight.errors import CatalogError, OverflightError, ScenarioError
from overflight.inputs import gather_inputs
from overflight.notices import Notice
from overflight.scenario import parse_scenario
from overflight.twin import FleetTwin


def gather(*, strict=False, **tables):
    raw = {"territory": "Tonga", "time": {"hours": 0.1}, "sampling": {"max_cells": 60}, **tables}
    return gather_inputs(parse_scenario(raw, source="test"), strict=strict)


def polygon_file(path, *corners_deg):
    ring = [[lon, lat] for lat, lon in (*corners_deg, corners_deg[0])]
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}), encoding="utf-8")
    return str(path)


def landings(inputs):
    """Share of the served cells and slots by country of the gateway, of the first fleet."""
    fleet = inputs.fleets[0]
    frames = FleetTwin(inputs, fleet, threads=2).simulate(inputs.slot_start, 0, len(inputs.slot_start), serving_before=None)
    countries = Counter(fleet.gateways.country[row] for row in frames["gateway"][frames["gateway"] >= 0].tolist())
    return {country: count / countries.total() for country, count in countries.items()}


def homes(inputs):
    fleet = inputs.fleets[0]
    return Counter(fleet.pops.city[row] for row in fleet.home_pop.tolist())


class TestHomes:
    def test_a_polygon_inside_a_closed_country_has_its_homes(self, tmp_path):
        jakarta = polygon_file(tmp_path / "jakarta.geojson", (-6.4, 106.6), (-6.4, 107.0), (-6.0, 107.0), (-6.0, 106.6))
        assert set(homes(gather(territory=jakarta))) == {"Jakarta"}
        dhaka = polygon_file(tmp_path / "dhaka.geojson", (23.6, 90.2), (23.6, 90.6), (24.0, 90.6), (24.0, 90.2))
        assert set(homes(gather(territory=dhaka))) == {"Dhaka"}

    def test_a_polygon_of_a_countrys_border_has_the_countrys_homes(self, tmp_path):
        import shapely

        bangladesh = find_territory("BD")
        path = tmp_path / "border.geojson"
        path.write_text(json.dumps(shapely.geometry.mapping(bangladesh.geometry)), encoding="utf-8")
        sampling = {"max_cells": 2000}
        own, drawn = gather(territory="BD", sampling=sampling), gather(territory=str(path), sampling=sampling)
        both, rows, drawn_rows = np.intersect1d(own.cell_ids, drawn.cell_ids, return_indices=True)
        assert len(both) > 0.9 * len(own.cell_ids)
        same = own.fleets[0].home_pop[rows] == drawn.fleets[0].home_pop[drawn_rows]
        # What differs lies on the border, with its centre in the neighbour's land.
        assert same.mean() > 0.9
        assert set(homes(own)) == {"Dhaka"}

    def test_domestic_traffic_lands_at_home_and_no_other_does(self):
        assert set(landings(gather(territory="Indonesia"))) == {"ID"}
        assert not {"BD", "IN", "ID"} & set(landings(gather(territory="Bhutan")))
        assert not {"BD", "IN", "ID"} & set(landings(gather(territory="Sri Lanka")))

    def test_without_gateways_in_a_closed_country_its_traffic_goes_nowhere(self):
        listed = gather(territory="BD").fleets[0].gateways
        own = [name for name, country in zip(listed.name, listed.country, strict=True) if country == "BD"]
        inputs = gather(territory="BD", network={"without_gateways": own})
        assert landings(inputs) == {}
        assert any(isinstance(text, Notice) and "no gateway is in service there" in text for text in inputs.warnings)

    def test_another_operator_is_bound_by_no_such_rule(self):
        inputs = gather(territory="Sri Lanka", constellations=[{"name": "oneweb"}])
        fleet = inputs.fleets[0]
        ground = make_fleet_ground(fleet, inputs.scenario, np.arange(len(fleet.pops)))
        assert np.isfinite(ground.backhaul_ms).all()
        assert not any(name == "domestic_pops.csv" for name, _ in inputs.files)


class TestRemovedGateways:
    def test_a_removed_gateway_is_not_assumed_again(self):
        before = gather().fleets[0].gateways
        removed = set(before.name[:40])
        after = gather(network={"without_gateways": sorted(removed)}).fleets[0].gateways
        assert set(after.name) == set(before.name) - removed

    def test_an_assumed_one_can_be_removed(self):
        after = gather(network={"without_gateways": ["Johannesburg (assumed)"]}).fleets[0].gateways
        assert "Johannesburg (assumed)" not in after.name

    def test_a_name_that_one_fleet_knows_will_do(self):
        name = gather().fleets[0].gateways.name[0]
        inputs = gather(constellations=[{"name": "starlink"}, {"name": "oneweb"}], network={"without_gateways": [name]})
        assert name not in inputs.fleets[0].gateways.name
        with pytest.raises(ScenarioError, match=r"no constellation has a gateway 'Johanesburg.*nearest: Johannesburg \(assumed\)"):
            gather(network={"without_gateways": ["Johanesburg (assumed)"]})


class TestMasks:
    def masks(self, **tables):
        fleets = gather(stop_after="coverage", **tables).fleets
        return {fleet.name: (fleet.user_mask_deg, fleet.gateway_mask_deg, fleet.user_mask_status) for fleet in fleets}

    def test_each_constellation_flies_with_its_own(self):
        names = [{"name": name} for name in ("starlink", "oneweb", "kuiper", "telesat")]
        assert self.masks(constellations=names) == {
            "starlink": (25.0, 25.0, "filing"),
            "oneweb": (45.0, 15.0, "assumed"),
            "kuiper": (35.0, 35.0, "filing"),
            "telesat": (10.0, 10.0, "filing"),
        }

    def test_the_scenario_goes_before_and_the_fleets_setting_before_that(self):
        fleets = [{"name": "oneweb"}, {"name": "kuiper", "user_mask_deg": 20.0}]
        assert self.masks(constellations=fleets, visibility={"user_mask_deg": 25.0}) == {
            "oneweb": (25.0, 15.0, "assumed"),
            "kuiper": (20.0, 35.0, "assumed"),
        }

    def test_shells_of_ones_own_have_the_common_one(self):
        shell = {"name": "s", "planes": 3, "satellites_per_plane": 4, "altitude_km": 900, "inclination_deg": 60}
        assert self.masks(constellations=[{"name": "mine", "shells": [shell]}]) == {"mine": (25.0, 25.0, "assumed")}

    def test_the_lower_mask_at_high_latitude_is_starlinks(self):
        for name, low_deg in (("starlink", 5.0), ("oneweb", 15.0)):
            inputs = gather(constellations=[{"name": name}])
            ground = make_fleet_ground(inputs.fleets[0], inputs.scenario, np.arange(1))
            assert ground.min_elevation_deg.min() == low_deg

    def test_the_twin_uses_it(self):
        inputs = gather(constellations=[{"name": "kuiper"}], territory="Fiji")
        frames = FleetTwin(inputs, inputs.fleets[0]).simulate(inputs.slot_start, 0, 8, serving_before=None)
        asked = gather(constellations=[{"name": "kuiper"}], territory="Fiji", visibility={"user_mask_deg": 35.0})
        same = FleetTwin(asked, asked.fleets[0]).simulate(asked.slot_start, 0, 8, serving_before=None)
        np.testing.assert_array_equal(frames["satellites_in_view"], same["satellites_in_view"])


class TestModelsOfStarlink:
    def test_others_are_told_that_they_are_borrowed(self):
        inputs = gather(constellations=[{"name": "starlink"}, {"name": "oneweb"}])
        keys = [warning.values["text"].key if warning.key == "about.subject" else warning.key for warning in inputs.fleets[1].warnings]
        assert "warning.calibrated" in keys
        assert not any("calibrated" in warning for warning in inputs.fleets[0].warnings)
        plain = gather(constellations=[{"name": "oneweb"}], selection={"strategy": "nearest"})
        assert any("the access term is calibrated on Starlink" in warning for warning in plain.warnings)

    def test_the_generation_of_a_satellite_counts_for_starlink_only(self):
        inputs = gather(constellations=[{"name": "starlink"}, {"name": "oneweb"}])
        newer = [FleetTwin(inputs, fleet).strategy.coefficients[-1] for fleet in inputs.fleets]
        assert newer[0] > 1.0
        assert newer[1] == 0.0


class TestFilesRead:
    def test_built_in_tables_in_use_are_listed(self):
        names = [name for name, _ in gather().files]
        for table in ("earth_orientation", "observed_selection", "latency_access", "domestic_pops", "constellations", "gateways", "pops"):
            assert names.count(f"{table}.csv") == 1, table
        spare = gather(selection={"strategy": "nearest"}, time={"hours": 0.1, "earth_orientation": "none"})
        assert not {"observed_selection.csv", "earth_orientation.csv"} & {name for name, _ in spare.files}

    @pytest.mark.parametrize("kind", ["gateways", "pops"])
    def test_strict_reaches_the_ground_segment(self, kind, tmp_path):
        path = tmp_path / f"{kind}.csv"
        path.write_text("name,lat,lon,country\nSuva,-18.1,178.4,FJ\nNowhere,95,10,FJ\n", encoding="utf-8")
        fleet = {"name": "starlink", kind: str(path)}
        assert any("left out" in warning for warning in gather(constellations=[fleet]).warnings)
        with pytest.raises(CatalogError):
            gather(constellations=[fleet], strict=True)


class TestInService:
    @pytest.fixture
    def fleet(self, tmp_path):
        """Twelve satellites at one altitude and a stray 4 km above."""
        path = tmp_path / "fleet.tle"
        rates = dict.fromkeys(range(45001, 45013), 15.06) | {45013: 15.046}
        path.write_text(
            "".join(
                tle(number, f"STARLINK-{number}", inclination_deg=53.0, raan_deg=20.0 * row, anomaly_deg=30.0 * row, mean_motion=rate)
                for row, (number, rate) in enumerate(rates.items())
            ),
            encoding="ascii",
        )
        return {"name": "starlink", "elements": [str(path)]}

    def used(self, fleet, **settings):
        return (
            gather(constellations=[fleet | settings], time={"start": "2026-08-22T00:00:00Z", "hours": 0.1})
            .fleets[0]
            .elements.norad_id.tolist()
        )

    def test_those_of_a_list(self, fleet, tmp_path):
        path = tmp_path / "serving.txt"
        path.write_text("# from the operator\n45001, 45003\n\n45006 # the last\n99999\n", encoding="utf-8")
        listed = {"in_service": "listed", "in_service_list": str(path)}
        assert self.used(fleet, **listed) == [45001, 45003, 45006]
        assert "serving.txt" in {name for name, _ in gather(constellations=[fleet | listed]).files}

    @pytest.mark.parametrize(
        ("text", "words"),
        [("45001\n45x02\n-3\n", "line 2: '45x02', line 3: '-3'"), ("# none\n", "no catalogue number in it"), ("0\n" * 9, "4 lines more")],
    )
    def test_a_bad_list_is_one_error(self, fleet, tmp_path, text, words):
        path = tmp_path / "serving.txt"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(OverflightError, match=words) as caught:
            self.used(fleet, in_service="listed", in_service_list=str(path))
        assert "\n" not in str(caught.value)

    def test_thresholds_are_settings(self, fleet):
        shell = list(range(45001, 45013))
        assert self.used(fleet) == shell
        assert self.used(fleet, in_service_altitude_tolerance_km=6.0) == [*shell, 45013]
        assert self.used(fleet, in_service_minimum_satellites=1) == [*shell, 45013]

    @pytest.mark.parametrize(
        "settings",
        [{"in_service": "listed"}, {"in_service_list": "x.txt"}, {"in_service": "listed", "in_service_list": "x.txt", "elements": []}],
    )
    def test_a_list_goes_with_its_method_and_with_elements(self, fleet, settings):
        with pytest.raises(ScenarioError, match="in_service"):
            self.used(fleet, **settings)


class TestCutPops:
    def test_a_pop_goes_with_the_gateway_that_is_assumed_beside_it(self):
        before, after = gather().fleets[0], gather(network={"without_pops": ["sofia"]}).fleets[0]
        assert set(before.pops.city) - set(after.pops.city) == {"Sofia"}
        assert set(before.gateways.name) - set(after.gateways.name) == {"Sofia (assumed)"}

    def test_listed_gateways_stay(self):
        before, after = gather().fleets[0], gather(network={"without_pops": ["Sydney"]}).fleets[0]
        assert "Sydney" not in after.pops.city
        assert after.gateways.name == before.gateways.name

    def test_its_traffic_goes_to_the_next_one(self):
        assert set(homes(gather())) == {"Auckland"}
        assert set(homes(gather(network={"without_pops": ["Auckland"]}))) == {"Christchurch"}

    def test_its_code_is_a_name_too(self):
        pops = gather().fleets[0].pops
        row = pops.city.index("Sydney")
        after = gather(network={"without_pops": [pops.code[row].split()[0].upper()]}).fleets[0].pops
        assert "Sydney" not in after.city

    def test_a_name_that_one_fleet_knows_will_do(self):
        inputs = gather(constellations=[{"name": "starlink"}, {"name": "oneweb"}], network={"without_pops": ["Sofia"]})
        assert "Sofia" not in inputs.fleets[0].pops.city

    def test_an_unknown_name_is_one_line(self):
        said = r"^without_pops: no constellation has a PoP 'Atlantis'; nearest: Atlanta; Almaty; Santiago$"
        with pytest.raises(ScenarioError, match=said):
            gather(network={"without_pops": ["Atlantis"]})
        with pytest.raises(ScenarioError, match=r"without_pops: no constellation has a PoP 'zzz'; there are Accra, Almaty"):
            gather(network={"without_pops": ["zzz"]})

    def test_homing_to_it_is_refused(self):
        with pytest.raises(ScenarioError, match="PoP 'Sydney'"):
            gather(network={"without_pops": ["Sydney"], "homing": "Sydney"})


class TestAddedGateways:
    def added(self, **place):
        return {"added_gateways": [{"name": "Nuku'alofa", "lat_deg": -21.14, "lon_deg": -175.2, **place}]}

    def test_it_is_there_with_the_country_of_its_place(self):
        gateways = gather(network=self.added()).fleets[0].gateways
        row = gateways.name.index("Nuku'alofa")
        assert (gateways.country[row], gateways.state[row], gateways.status[row]) == ("TO", "planned", "assumed")
        assert (gateways.lat_deg[row], gateways.lon_deg[row]) == (-21.14, -175.2)
        assert len(gateways) == len(gather().fleets[0].gateways) + 1
        assert gather(network=self.added(country="NZ")).fleets[0].gateways.country[row] == "NZ"

    def test_only_the_first_fleet_has_it(self):
        fleets = gather(constellations=[{"name": "starlink"}, {"name": "oneweb"}], network=self.added()).fleets
        assert ["Nuku'alofa" in fleet.gateways.name for fleet in fleets] == [True, False]

    def test_it_lands_the_territorys_traffic(self):
        assert "TO" not in landings(gather())
        assert "TO" in landings(gather(network=self.added()))

    def test_it_can_be_taken_out_of_service_again(self):
        network = self.added() | {"without_gateways": ["Nuku'alofa"]}
        assert "Nuku'alofa" not in gather(network=network).fleets[0].gateways.name

    @pytest.mark.parametrize("name", ["Sofia (assumed)", "twice"])
    def test_a_name_that_is_taken_is_refused(self, name):
        place = {"name": name, "lat_deg": 0.0, "lon_deg": 0.0}
        with pytest.raises(
            ScenarioError, match=rf"^added_gateways: there is a gateway '{re.escape(name)}' already; give the new one another"
        ):
            gather(network={"added_gateways": [place, place] if name == "twice" else [place]})


class TestLostSatellites:
    def test_they_are_accounted_for(self):
        before = gather().fleets[0]
        after = gather(constellations=[{"name": "starlink", "lost": ["53@463"], "lost_share": 0.1, "lost_seed": 4}]).fleets[0]
        account = dict(after.left_out)
        assert account["lost in this scenario"] == len(before.elements) - len(after.elements)
        assert after.satellites_read == len(after.elements) + sum(account.values())
        assert "lost in this scenario" not in dict(before.left_out)

    def test_without_any_left_there_is_nothing_to_simulate(self):
        shell = {"name": "s", "planes": 3, "satellites_per_plane": 4, "altitude_km": 900, "inclination_deg": 60}
        with pytest.raises(OverflightError, match="none of 12 satellites is in service"):
            gather(constellations=[{"name": "mine", "shells": [shell], "lost": ["60@900"]}])


class TestCapacitySettings:
    """Words and numbers of [capacity] that mean nothing are refused with all other inputs, before a run begins."""

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"demand": "cheese"}, "demand 'cheese': give broadband, failover"),
            ({"thresholds_mbps": "fast"}, "minimum rate 'fast': give Mbit/s down and up"),
            ({"allocator": "best"}, "beam allocation 'best': unknown; take one of priority-greedy"),
            ({"licensed_channels": [9]}, "channel 9: outside the band"),
            ({"parameters": {"gateway_dish": 3.0}}, "capacity parameter 'gateway_dish' is not known; nearest: gateway_dishes"),
            ({"parameters": {"gateway_dishes": -1.0}}, "capacity parameter 'gateway_dishes': -1 cannot be; likely are 8 to 40"),
            ({"parameters": {"terminal_diameter_m": 0.0}}, "'terminal_diameter_m': 0 cannot be; likely are 0.48 to 0.75 m"),
            ({"parameters": {"terminal_gt_db_k": 1e6}}, "'terminal_gt_db_k': 1e[+]06 cannot be"),
            ({"parameters": {"satellite_scan_exponent": 1e6}}, "'satellite_scan_exponent': 1e[+]06 cannot be"),
        ],
    )
    def test_one_line_says_what(self, settings, said):
        with pytest.raises(ScenarioError, match=said) as caught:
            gather(capacity=settings)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("parameters", [{"pfd_offset_db": -3.0}, {"version_position": -1.0}, {"gateway_dishes": 0.0}])
    def test_what_can_be_is_taken(self, parameters):
        assert gather(capacity={"parameters": parameters}).scenario.capacity.parameters == parameters

    def test_a_file_of_terminals_is_read_with_the_other_files(self, tmp_path):
        path = tmp_path / "terminals.csv"
        path.write_text("lat_deg,lon_deg,terminals\n-21.14,-175.2,500\n51,0,3\n", encoding="utf-8")
        inputs = gather(capacity={"terminals_file": str(path)})
        assert inputs.terminals.total == 500
        assert inputs.terminals.counts.shape[0] == len(inputs.territory.cells)
        assert any("1 of 2 rows of terminals left out: line 3: 51,0: outside Tonga" in warning for warning in inputs.warnings)
        assert "terminals.csv" in {name for name, _ in inputs.files}
        assert gather(capacity={}).terminals is None
        with pytest.raises(OverflightError, match=r"terminals.csv:3: 51,0: outside Tonga$"):
            gather(capacity={"terminals_file": str(path)}, strict=True)
