"""Capacity on the command line: what it says, and one clear line about terminals, demand, spectrum and what-ifs that make no sense."""

from pathlib import Path

import pytest
from tests.cli.sample import Call
from tests.cli.test_contract import STATUSES, check

RATES = {"worst_tenth_mbps": float, "median_mbps": float, "best_tenth_mbps": float, "mean_mbps": float}
CAPACITY = {
    "terminals": int,
    "terminals_low": int,
    "terminals_high": int,
    "terminals_status": str,
    "terminals_source": str,
    "distribution": str,
    "demand": str,
    "active_share": float,
    "asked_down_mbps": float,
    "asked_up_mbps": float,
    "asked_busiest_gbps": float,
    "weather": str,
    "slots": int,
    "stretch_slots": int,
    "allocator": str,
    "landing": str,
    "down": RATES,
    "up": RATES,
    "busy_down": RATES,
    "national_capacity_gbps": float,
    "delivered_mean_gbps": float,
    "delivered_max_gbps": float,
    "bound_gbps": float,
    "fair_gbps": float,
    "others": {"cells": int, "terminals": float, "mean_mbps": float, "mean_without_mbps": float},
    "uncertainty": {"draws": int, "seed": int},
}
CAPACITY_LISTS = {
    "classes": {"name": str, "terminals": int},
    "thresholds": {"down_mbps": float, "up_mbps": float, "share": float, "people": int},
    "series": {"time": str, "delivered_gbps": float, "asked_gbps": float},
    "bottlenecks": {"kind": str, "share": float},
    "gateways": {"name": str, "country": str, "status": str, "delivered_gbps": float, "share": float},
    "variants": {"changed": str, "label": str, "is_default": bool, "median_mbps": float, "capacity_gbps": float},
    "sensitivity": {"parameter": str, "low": float, "value": float, "high": float, "unit": str, "status": str},
    "link": {"name": str, "value": float, "unit": str},
}
MALTA = ("35.9,14.4", "35.85,14.52")
"""Two places in Malta, in cells of their own."""


def write_terminals(folder: Path, *rows: str, header: str = "lat_deg,lon_deg,terminals") -> Path:
    path = folder / "terminals.csv"
    path.write_text("\n".join((header, *rows, "")), encoding="utf-8")
    return path


def write_scenario(folder: Path, fleet: Path, lines: str) -> Path:
    """A scenario of a minute of Malta with these lines in [capacity]."""
    path = folder / "s.toml"
    (folder / "fleet.tle").write_bytes(fleet.read_bytes())
    head = 'territory = "Malta"\n[time]\nhours = 0.02\n[sampling]\nsensitivity = false\n'
    elements = '[[constellations]]\nname = "mine"\noperator = "starlink"\nelements = ["fleet.tle"]\n'
    path.write_text(f"{head}{elements}[capacity]\nsensitivity = false\n{lines}\n", encoding="utf-8")
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without the swings of every parameter, which take most of their time."""
    monkeypatch.setattr("overflight.study.capacity.find_swings", lambda *_, **__: ())


class TestReport:
    def test_the_contract_of_its_json(self, call: Call):
        answer = call("report", "Malta", "--hours", "0.1", "--terminals", "1000", "--uncertainty", "2", "--json", "--out", "out")
        assert answer.code == 0
        found = answer.json()["capacity"]
        check(found, CAPACITY)
        for name, row in CAPACITY_LISTS.items():
            assert found[name], name
            for entry in found[name]:
                check(entry, row, name)
        assert found["terminals"] == found["terminals_low"] == found["terminals_high"] == 1000
        assert found["minimum"] is None
        assert found["slots"] == 24
        assert found["uncertainty"]["draws"] == 2
        assert {entry["status"] for entry in found["sensitivity"]} <= STATUSES
        for name in ("bottlenecks", "gateways"):
            assert sum(entry["share"] for entry in found[name]) == pytest.approx(1.0, abs=2e-3)

    def test_without_capacity_there_is_none(self, report: Call):
        assert report("Malta", "--no-capacity", "--json").json()["capacity"] is None
        assert not list(Path("out").rglob("capacity*"))

    @pytest.mark.parametrize("option", [("--terminals", "5"), ("--demand", "100"), ("--availability", "99"), ("--uncertainty", "2")])
    def test_what_matters_to_capacity_only_is_not_lost_without_it(self, report: Call, option: tuple[str, str]):
        refused = report("Malta", "--no-capacity", *option)
        assert refused.code == 2
        assert "matter to capacity only; leave them out, or --no-capacity" in refused.error

    def test_without_a_ground_segment_there_is_none_either(self, call: Call):
        made = call("report", "Malta", "--constellation", "kuiper", "--hours", "0.02", "--json", "--out", "out")
        assert made.code == 0
        assert made.json()["capacity"] is None
        assert any("no gateway is known" in warning for warning in made.warnings)

    @pytest.mark.usefixtures("quick")
    @pytest.mark.parametrize("word", [" 1,000 ", "+1_000"])
    def test_a_number_of_terminals_may_be_grouped(self, report: Call, word: str):
        assert report("Malta", "--json", terminals=word).json()["capacity"]["terminals"] == 1000

    @pytest.mark.usefixtures("quick")
    @pytest.mark.parametrize(
        ("options", "weather"),
        [({}, "clear"), ({"availability": "99.999"}, "0.001"), ({"availability": 50}, "50")],
    )
    def test_availability_is_the_weather(self, report: Call, options: dict[str, object], weather: str):
        assert report("Malta", "--json", **options).json()["capacity"]["weather"] == weather

    def test_what_is_lost_is_gone(self, call: Call):
        words = ("report", "Malta", "--hours", "0.02", "--json", "--no-capacity", "--without-pop", "Sofia", "--out", "out")
        made = call(*words).json()
        assert "Sofia" not in {row["name"] for row in (*made["pops"], *made["gateways"])}

    @pytest.mark.usefixtures("quick")
    @pytest.mark.parametrize("lang", ["en", "fr"])
    def test_both_languages_have_the_chapter(self, report: Call, lang: str):
        assert report("Malta", lang=lang).code == 0
        page = Path("out/report.html").read_text(encoding="utf-8")
        assert {"en": "National capacity", "fr": "Capacité"}[lang].casefold() in page.casefold()


@pytest.mark.usefixtures("quick")
class TestTerminals:
    @pytest.mark.parametrize(
        ("rows", "header", "said"),
        [
            (["zzz,5"], "cell,terminals", "line 2: not the index of an H3 cell (15 hexadecimal digits)"),
            (["8428309ffffffff,5"], "cell,terminals", "an H3 cell of resolution 4; give resolution 5"),
            (["851f9a7bfffffff,5"], "cell,terminals", "line 2: outside Malta"),
            ([f"{MALTA[0]},-5"], None, "'-5' terminals: give a whole number from 0 to 1,000,000,000"),
            ([f"{MALTA[0]},5.5"], None, "'5.5' terminals: give a whole number"),
            ([f"{MALTA[0]},many"], None, "'many' terminals: give a whole number"),
            (["51,0,5"], None, "none of 1 rows can be used; the first: line 2: outside Malta"),
            (["95,0,5"], None, "lat_deg '95' is not a number from -90 to 90"),
            ([], None, "a header and no rows; give the columns cell (or lat_deg and lon_deg) and terminals"),
            ([f"{MALTA[0]},5"], "lat_deg,lon_deg,dishes", "no column terminals"),
            (["5"], "terminals", "no column cell, nor lat_deg and lon_deg"),
            ([f"{MALTA[0]},5,royal"], "lat_deg,lon_deg,terminals,class", "class 'royal' is none of consumer"),
        ],
    )
    def test_a_file_that_cannot_be_used(self, report: Call, tmp_path: Path, rows: list[str], header: str | None, said: str):
        path = write_terminals(tmp_path, *rows, **({} if header is None else {"header": header}))
        refused = report(terminals=path)
        assert refused.code == 2
        assert refused.error.startswith(str(path))
        assert said in refused.error
        assert not Path("out").exists()

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            ("51,0,3", "line 4: 51,0: outside Malta"),
            (f"{MALTA[0]},7", f"line 4: {MALTA[0]}: the same place and class as line 2"),
            (f"{MALTA[0]},-7", f"line 4: {MALTA[0]}: '-7' terminals"),
            (f"{MALTA[0]},1.5", f"line 4: {MALTA[0]}: '1.5' terminals"),
            (f"{MALTA[0]}", "line 4: 2 cells where 3 are expected"),
        ],
    )
    @pytest.mark.parametrize("verb", ["report", "run", "validate"])
    def test_a_bad_row_is_left_out_with_its_line_and_refused_by_strict(
        self, call: Call, report: Call, fleet: Path, tmp_path: Path, verb: str, row: str, said: str
    ):
        path = write_terminals(tmp_path, f"{MALTA[0]},40", f"{MALTA[1]},2", row)
        scenario = write_scenario(tmp_path, fleet, f'terminals_file = "{path.name}"')
        verbs = {"run": ("run", scenario, "--out", "out"), "validate": ("scenario", "validate", scenario)}

        def ask(*more: object):
            return report("Malta", "--json", *more, terminals=path) if verb == "report" else call(*verbs[verb], *more)

        refused = ask("--strict")
        assert refused.code == 2
        assert refused.error.startswith(f"{path}:4: ")
        made = ask()
        assert made.code == 0
        assert [warning for warning in made.warnings if said in warning and "1 of 3 rows of terminals left out" in warning]
        if verb == "report":
            assert made.json()["capacity"]["terminals"] == 42

    def test_an_empty_file(self, report: Call, tmp_path: Path):
        path = tmp_path / "empty.csv"
        path.write_bytes(b"")
        refused = report(terminals=path)
        assert refused.code == 2
        assert refused.error == f"{path}: empty; give the columns cell (or lat_deg and lon_deg) and terminals"

    @pytest.mark.parametrize("name", ["none.csv", "folder/none", "./none"])
    def test_a_file_that_is_not_there_is_missing_data(self, report: Call, name: str):
        refused = report(terminals=name)
        assert refused.code == 3
        assert "no such file; give a CSV with the columns cell (or lat_deg and lon_deg) and terminals" in refused.error

    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("-5", "'capacity.terminals' = -5: must be greater than or equal to 1"),
            ("0", "'capacity.terminals' = 0: must be greater than or equal to 1"),
            ("99999999999", "must be less than or equal to 1000000000"),
            ("many", "terminals 'many': neither a whole number nor a file; give a number, or a CSV of cell and terminals"),
            ("1e6", "terminals '1e6': neither a whole number nor a file"),
            ("1.5", "terminals '1.5': neither a whole number nor a file"),
            ("nan", "terminals 'nan': neither a whole number nor a file"),
            ("", "terminals '': neither a whole number nor a file"),
        ],
    )
    def test_a_number_that_is_none(self, report: Call, word: str, said: str):
        refused = report(terminals=word)
        assert refused.code == 2
        assert said in refused.error

    def test_a_folder(self, report: Call, tmp_path: Path):
        refused = report(terminals=tmp_path)
        assert refused.code == 2
        assert "it is a folder" in refused.error


class TestWords:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (
                {"demand": "cheese"},
                "demand 'cheese': give broadband, failover, failover:GBIT_S (such as failover:8), or MBIT_S per terminal",
            ),
            ({"demand": "0"}, "demand '0': give broadband"),
            ({"demand": "-5"}, "demand '-5': give broadband"),
            ({"demand": "failover:much"}, "demand 'failover:much': give broadband"),
            ({"demand": "100/"}, "demand '100/': give broadband"),
            ({"without-gateway": "Atlantis"}, "without_gateways: no constellation has a gateway 'Atlantis'; nearest: "),
            ({"without-pop": "Atlantis"}, "without_pops: no constellation has a PoP 'Atlantis'; nearest: Atlanta; Almaty"),
            ({"availability": "100"}, "availability of 100 %: links can be told for 50 to 99.999 % of the time (ITU-R P.618)"),
            ({"availability": "30"}, "availability of 30 %: links can be told for 50 to 99.999 %"),
            ({"availability": "nan"}, "availability of nan %: links can be told"),
            ({"availability": "99.9999"}, "availability of 99.9999 %: links can be told"),
            ({"availability": "abc"}, "Invalid value for '--availability': must be a valid number"),
            ({"uncertainty": "-1"}, "Invalid value for '--uncertainty': must be greater than or equal to 0"),
            ({"uncertainty": "10001"}, "Invalid value for '--uncertainty': must be less than or equal to 10000"),
            ({"uncertainty": "some"}, "Invalid value for '--uncertainty': must be a valid integer"),
        ],
    )
    def test_a_wrong_word_is_refused_in_one_line(self, report: Call, options: dict[str, object], said: str):
        refused = report(**options)
        assert refused.code == 2
        assert said in refused.error
        assert not Path("out").exists()

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ("licensed_channels = [9]", "channel 9: outside the band; starlink's user-down plan in 10.7 to 12.7 GHz has channels 1 to 8"),
            ("licensed_channels = [0]", "channel 0: outside the band"),
            ("licensed_channels = [1.5]", "'capacity.licensed_channels.0' = 1.5"),
            ('allocator = "best"', "beam allocation 'best': unknown; take one of priority-greedy, exact"),
            ('landing = "moon"', "'capacity.landing' = 'moon': must be 'least-delay', 'hot-potato' or 'load-aware'"),
            ('distribution = "random"', "'capacity.distribution' = 'random': must be 'usual', 'thin'"),
            ("parameters = {gateway_dish = 3}", "capacity parameter 'gateway_dish' is not known; nearest: gateway_dishes"),
            ("parameters = {gateway_dishes = -1}", "capacity parameter 'gateway_dishes': -1 cannot be; likely are 8 to 40"),
            ("parameters = {gateway_dishes = nan}", "capacity parameter 'gateway_dishes': nan is not a number"),
            ('parameters = {gateway_dishes = "many"}', "'capacity.parameters.gateway_dishes' = 'many': must be a valid number"),
            ('thresholds_mbps = "fast"', "minimum rate 'fast': give Mbit/s down and up, such as 25/3"),
            ('thresholds_mbps = ""', "minimum rate '': give Mbit/s"),
            ('thresholds_mbps = "25"', "minimum rate '25': give Mbit/s down and up"),
            ('thresholds_mbps = "25/3,0/0"', "minimum rate '0/0': give Mbit/s"),
            ("minimum_rate_mbps = 0", "'capacity.minimum_rate_mbps' = 0: must be greater than 0"),
            ("minimum_rate_mbps = nan", "'capacity.minimum_rate_mbps' = nan: must be a finite number"),
            ("incumbents = -1", "'capacity.incumbents' = -1: must be greater than or equal to 0"),
            ("cells_per_beam = 0", "'capacity.cells_per_beam' = 0: must be greater than or equal to 1"),
            ('terminals = 5\nterminals_file = "x.csv"', "terminals and terminals_file are both given; give one of them"),
            ('demand = "cheese"', "demand 'cheese': give broadband"),
            ("terminal = 5", "unknown key 'capacity.terminal' (did you mean 'terminals'?)"),
            ("[weather]\nexceeded_percent = 60", "'weather.exceeded_percent' = 60: must be less than or equal to 50"),
            ("[weather]\nexceeded_percent = 0", "'weather.exceeded_percent' = 0: must be greater than or equal to 0.001"),
            ('[weather]\nstate = "fog"', "'weather.state' = 'fog': must be 'clear', 'cloud' or 'rain'"),
            ('[network]\nwithout_pops = ["Atlantis"]', "without_pops: no constellation has a PoP 'Atlantis'"),
            ("[[network.added_gateways]]\nname = 'A'\nlat_deg = 95\nlon_deg = 0", "'network.added_gateways.0.lat_deg' = 95"),
        ],
    )
    @pytest.mark.parametrize("verb", ["run", "validate"])
    def test_a_setting_that_makes_no_sense_is_refused_before_anything_is_written(
        self, call: Call, fleet: Path, tmp_path: Path, verb: str, lines: str, said: str
    ):
        scenario = write_scenario(tmp_path, fleet, lines)
        refused = call(*(("run", scenario, "--out", "out") if verb == "run" else ("scenario", "validate", scenario)))
        assert refused.code == 2
        assert said in refused.error
        assert not Path("out").exists()

    @pytest.mark.parametrize(
        ("lost", "said"),
        [
            ('lost = ["Sputnik"]', "lost: no satellite 'Sputnik' in the fleet; names are such as STARLINK-1000"),
            ('lost = ["99@550"]', "lost: no satellite '99@550' in the fleet; there are satellites about 53@5"),
            ("lost_share = 1.0", "lost_share' = 1.0: must be less than 1"),
            ("lost_share = -0.1", "lost_share' = -0.1: must be greater than or equal to 0"),
        ],
    )
    def test_losses_that_cannot_be(self, call: Call, fleet: Path, tmp_path: Path, lost: str, said: str):
        scenario = write_scenario(tmp_path, fleet, "terminals = 5")
        scenario.write_text(scenario.read_text(encoding="utf-8").replace('name = "mine"', f'name = "mine"\n{lost}'), encoding="utf-8")
        refused = call("scenario", "validate", scenario)
        assert refused.code == 2
        assert said in refused.error

    def test_a_missing_file_of_a_scenario_is_missing_data(self, call: Call, fleet: Path, tmp_path: Path):
        scenario = write_scenario(tmp_path, fleet, 'terminals_file = "none.csv"')
        for words in (("run", scenario, "--out", "out"), ("scenario", "validate", scenario), ("report", scenario, "--out", "out")):
            refused = call(*words)
            assert refused.code == 3
            assert refused.error.startswith(f"{tmp_path / 'none.csv'}: no such file; give a CSV")

    def test_capacity_needs_service(self, call: Call, fleet: Path, tmp_path: Path):
        scenario = write_scenario(tmp_path, fleet, "terminals = 5")
        scenario.write_text('stop_after = "coverage"\n' + scenario.read_text(encoding="utf-8"), encoding="utf-8")
        refused = call("scenario", "validate", scenario)
        assert refused.code == 2
        assert "capacity needs service: leave stop_after out, or take the table [capacity] out" in refused.error

    def test_options_do_not_go_beside_a_scenario(self, call: Call, fleet: Path, tmp_path: Path):
        scenario = write_scenario(tmp_path, fleet, "terminals = 5")
        for option in (("--terminals", "7"), ("--demand", "5"), ("--without-pop", "Sofia"), ("--availability", "99"), ("--no-capacity",)):
            refused = call("report", scenario, *option)
            assert refused.code == 2
            assert "is a scenario: write settings into it" in refused.error


class TestInfeasible:
    def test_a_minimum_rate_that_cannot_be_had_is_told_not_refused(self, call: Call, fleet: Path, tmp_path: Path):
        scenario = write_scenario(tmp_path, fleet, "terminals = 100000\nminimum_rate_mbps = 5000")
        made = call("report", scenario, "--json", "--out", "out")
        assert made.code == 0
        least = made.json()["capacity"]["minimum"]
        assert least["asked_mbps"] == 5000.0
        assert least["is_feasible"] is False
        assert 0.0 <= least["feasible_mbps"] < 5000.0
        page = Path("out/report.html").read_text(encoding="utf-8")
        assert "5000 Mbit/s" in page.replace("\u00a0", " ").replace("\u202f", " ")
