"""Terminals: spread over cells, read from files with an account of every row, carried to a sample."""

import h3.api.basic_int as h3
import numpy as np
import pytest

from overflight.earth.population import built_in_cells, built_in_population
from overflight.errors import InputError, ScenarioError
from overflight.service.classes import CLASSES, find_class, list_classes
from overflight.service.spreading import apportion, distribute_terminals, thin_people
from overflight.service.terminals import make_terminals, people_behind, read_terminals

CELLS = built_in_cells("TO")
LAT, LON = h3.cell_to_latlng(int(CELLS[0]))
NAMES = [f"{int(cell):x}" for cell in CELLS]


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "terminals.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def read(path, **options):
    return read_terminals(path, cell_ids=CELLS, territory_name="Tonga", **options)


class TestSpreading:
    def test_no_more_than_there_are(self) -> None:
        # half a terminal each: rounding every share would hand out three
        np.testing.assert_array_equal(distribute_terminals([10, 10, 10], 2).sum(), 2)
        np.testing.assert_array_equal(distribute_terminals([10, 30, 60], 10), [1, 3, 6])

    def test_largest_remainders_get_what_is_left(self) -> None:
        np.testing.assert_array_equal(distribute_terminals([53, 24, 23], 10), [5, 3, 2])

    def test_uniform_is_even_over_the_land(self) -> None:
        counts = distribute_terminals(np.zeros(10), 5, method="uniform")
        assert counts.reshape(5, 2).sum(axis=1).tolist() == [1] * 5
        np.testing.assert_array_equal(distribute_terminals(np.zeros(3), 7, method="uniform"), [2, 2, 3])

    def test_largest_unserved_first_fills_and_goes_on(self) -> None:
        people = [7, 20, 0, 12]
        options = {"method": "largest-unserved-first", "people_per_terminal": 4.0}
        np.testing.assert_array_equal(distribute_terminals(people, 4, **options), [0, 4, 0, 0])
        np.testing.assert_array_equal(distribute_terminals(people, 7, **options), [0, 5, 0, 2])
        np.testing.assert_array_equal(distribute_terminals(people, 10, **options), [2, 5, 0, 3])
        assert distribute_terminals(people, 49, **options).sum() == 49

    def test_thin_gives_towns_less_than_their_share(self) -> None:
        by_people, thin = (distribute_terminals([1_000_000, 1_000], 1000, method=method) for method in ("population", "thin"))
        assert thin[1] > by_people[1]
        np.testing.assert_allclose(thin_people([1000.0, 1e9], half_at=1000.0), [500.0, 1000.0], rtol=1e-5)

    def test_none_at_all(self) -> None:
        np.testing.assert_array_equal(distribute_terminals([0, 0], 0), [0, 0])

    def test_ties_favour_no_region(self) -> None:
        counts = distribute_terminals(np.ones(1000), 500)
        assert 200 < counts[:500].sum() < 300

    @pytest.mark.parametrize(
        ("people", "count", "options", "says"),
        [
            ([1, 2], 5, {"method": "evenly"}, "unknown; take one of population, uniform, thin, towns, largest-unserved-first"),
            ([1, 2], -1, {}, "give a whole number"),
            ([1, 2], 1.5, {}, "give a whole number"),
            ([1, 2], float("nan"), {}, "give a whole number"),
            ([0, 0], 5, {}, "nobody lives in these cells"),
            ([1, -2], 5, {}, "at least 0"),
            ([], 5, {"method": "uniform"}, "no cell"),
            ([1, 2], 5, {"people_per_terminal": 0.0}, "people per terminal"),
        ],
    )
    def test_what_cannot_be_spread_is_one_line(self, people, count, options, says) -> None:
        with pytest.raises(ScenarioError, match=says) as caught:
            distribute_terminals(people, count, **options)
        assert "\n" not in str(caught.value)

    def test_rounding_of_whole_shares_cannot_break_the_sum(self) -> None:
        rng = np.random.default_rng(1)
        for size in (1, 3, 7, 49, 113):
            weights = rng.random(size) * 10.0 ** rng.integers(-12, 12)
            for count in (1, size, 10 * size, 10**9, 10**10 - 1):
                counts = apportion(weights, count, np.arange(size, dtype=np.uint64))
                assert counts.sum() == count
                assert counts.min() >= 0


class TestTable:
    def test_classes_are_complete(self) -> None:
        assert tuple(row.name for row in list_classes()) == CLASSES
        for row in list_classes():
            for quantity, (low, high) in row.ranges.items():
                assert 0.0 < low <= getattr(row, quantity) <= high, (row.name, quantity)
            assert row.ranges["active_share"][1] <= 1.0
        assert find_class("Maritime").name == "maritime"
        with pytest.raises(ScenarioError, match="take one of consumer, enterprise"):
            find_class("farmer")

    def test_sums(self) -> None:
        terminals = make_terminals([1, 0, 4], of_class="government", source="here", status="assumed")
        assert terminals.total == 5
        assert terminals.by_class == {"government": 5}
        np.testing.assert_array_equal(terminals.by_cell, [1, 0, 4])

    def test_demand_at_the_busiest_hour(self) -> None:
        consumer = find_class("consumer")
        down, up = make_terminals([100], source="here", status="assumed").demand_mbps()
        assert down.sum() == pytest.approx(100 * consumer.active_share * consumer.down_mbps)
        assert up.sum() == pytest.approx(100 * consumer.active_share * consumer.up_mbps)

    def test_no_more_people_than_live_there(self) -> None:
        terminals = make_terminals([10, 10, 0], source="here", status="assumed")
        behind = people_behind(terminals, [1000.0, 12.0, 0.0])
        np.testing.assert_allclose(behind.sum(axis=1), [30.0, 12.0, 0.0])

    def test_carried_to_a_sample(self) -> None:
        terminals = make_terminals([1, 2, 3, 4, 5], source="here", status="assumed").carry([0, 0, 1, 1, 1])
        np.testing.assert_array_equal(terminals.by_cell, [3, 12])


class TestFile:
    def test_cells_and_classes(self, write) -> None:
        path = write(f"cell,terminals,class\n{NAMES[0]},12,\n{NAMES[1].upper()},3,Maritime\n{NAMES[0]},1,maritime\n")
        terminals, intake = read(path)
        assert (intake.read, intake.used) == (3, 3)
        assert terminals.by_class == {"consumer": 12, "maritime": 4}
        np.testing.assert_array_equal(terminals.by_cell[:2], [13, 3])
        assert terminals.status == "reported"

    @pytest.mark.parametrize(
        "text",
        [
            f"lat,lon,terminals\n{LAT},{LON},5\n",
            f"\ufefflatitude;longitude;count\n{LAT};{LON};5\n",
            f"lat;lon;terminals\n{LAT};{LON};5\n".replace(".", ","),
            f"# mine\n\nname\tlat_deg\tlon_deg\tterminals\nhere\t{LAT}\t{LON + 360.0}\t5.0\n",
            f"cell,lat,lon,terminals\n,{LAT},{LON},5\n",
        ],
    )
    def test_positions(self, write, text) -> None:
        terminals, intake = read(write(text))
        assert (intake.used, terminals.by_cell[0], terminals.total) == (1, 5, 5)

    def test_two_places_of_one_cell_add_up(self, write) -> None:
        terminals, _ = read(write(f"lat,lon,terminals\n{LAT},{LON},5\n{LAT + 0.001},{LON},6\n"))
        assert terminals.by_cell[0] == 11

    def test_bad_rows_are_left_out_with_line_and_reason(self, write) -> None:
        elsewhere, child = f"{h3.latlng_to_cell(48.85, 2.35, 5):x}", f"{h3.cell_to_children(int(CELLS[0]))[0]:x}"
        rows = {
            f"{elsewhere},1,": "outside Tonga",
            "nonsense,1,": "not the index of an H3 cell",
            f"{'f' * 30},1,": "not the index of an H3 cell",
            f"{child},1,": "an H3 cell of resolution 6; give resolution 5",
            f"{NAMES[1]},-4,": "give a whole number",
            f"{NAMES[1]},1.5,": "give a whole number",
            f"{NAMES[1]},nan,": "give a whole number",
            f"{NAMES[1]},1e3,": "give a whole number",
            f"{NAMES[1]},{'9' * 400},": "give a whole number",
            f"{NAMES[1]},9999999999,": "give a whole number from 0 to 1,000,000,000",
            f"{NAMES[1]},,": "give a whole number",
            f"{NAMES[0]},2,": "the same place and class as line 2",
            f"{NAMES[1]},2,farmer": "class 'farmer' is none of consumer, enterprise",
            f"{NAMES[1]},2": "2 cells where 3 are expected",
            ",3,": "lat_deg '' is not a number from -90 to 90",
        }
        terminals, intake = read(write(f"cell,terminals,class\n{NAMES[0]},7,\n" + "\n".join(rows) + "\n"))
        assert terminals.total == 7
        assert (intake.read, intake.used) == (len(rows) + 1, 1)
        for line, (left_out, reason) in enumerate(zip(intake.left_out, rows.values(), strict=True), start=3):
            assert left_out.line == line
            assert reason in left_out.reason

    @pytest.mark.parametrize(("lat", "lon"), [("91", "0"), ("x", "0"), ("0", "361"), ("nan", "0"), ("", "")])
    def test_bad_coordinates(self, write, lat, lon) -> None:
        _, intake = read(write(f"lat,lon,terminals\n{LAT},{LON},1\n{lat},{lon},1\n"))
        assert "is not a number from" in intake.left_out[0].reason

    def test_positions_outside_the_territory(self, write) -> None:
        _, intake = read(write(f"lat,lon,terminals\n{LAT},{LON},1\n48.85,2.35,1\n"))
        assert intake.left_out[0].reason == "outside Tonga"

    def test_strict_refuses_the_first_bad_row(self, write) -> None:
        path = write(f"cell,terminals\n{NAMES[0]},7\n{NAMES[1]},-1\n")
        with pytest.raises(InputError, match=r"terminals\.csv:3: .*give a whole number"):
            read(path, strict=True)

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            ("", "empty"),
            (" \n\n", "empty"),
            ("cell,terminals\n", "a header and no rows"),
            (f"{NAMES[0]},7\n", "no column cell, nor lat_deg and lon_deg"),
            ("cell,number_of\nx,7\n", "no column terminals"),
            ("lat,terminals\n1,7\n", "no column cell, nor lat_deg and lon_deg"),
            ("cell,terminals\nx,7\ny,8\n", "none of 2 rows can be used; the first: line 2"),
            (b"cell,terminals\n\xff\xfe", "not UTF-8"),
            (b"cell,terminals\0\n", "not text"),
            ('cell,terminals\n"' + "x" * 200_000 + '",7\n', "not CSV"),
        ],
    )
    def test_a_bad_file_is_one_line(self, write, data, says) -> None:
        with pytest.raises(InputError, match=says) as caught:
            read(write(data))
        assert "\n" not in str(caught.value)

    def test_what_is_shown_of_a_row_is_short_and_one_line(self, write) -> None:
        _, intake = read(write(f'cell,terminals\n{NAMES[0]},7\n"a\nb{"c" * 500}",7\n{NAMES[1]},{"9" * 500}\n'))
        for left_out in intake.left_out:
            assert len(str(left_out)) < 250
            assert "\n" not in str(left_out)

    def test_no_file(self, tmp_path) -> None:
        with pytest.raises(InputError, match="no such file"):
            read(tmp_path / "none.csv")

    def test_cells_that_are_not_simulated_are_carried(self, write) -> None:
        stands_for = np.minimum(np.arange(len(CELLS)) // 2, 3)
        last = len(CELLS) - 1
        terminals, intake = read(write(f"cell,terminals\n{NAMES[0]},1\n{NAMES[1]},2\n{NAMES[last]},4\n"), stands_for=stands_for)
        assert intake.used == 3
        assert terminals.counts.shape == (4, len(CLASSES))
        np.testing.assert_array_equal(terminals.by_cell, [3, 0, 0, 4])
        with pytest.raises(ScenarioError, match="give one for each"):
            read(write(f"cell,terminals\n{NAMES[0]},1\n"), stands_for=[0])


def test_a_large_country_is_spread_exactly() -> None:
    people, cells = built_in_population("US"), built_in_cells("US")
    for method in ("population", "uniform", "thin", "largest-unserved-first"):
        assert distribute_terminals(people, 2_000_001, method=method, cell_ids=cells).sum() == 2_000_001
