"""Built-in tables: read whole, with their provenance, and refused in one line when malformed."""

import numpy as np
import pytest

from overflight.catalog import tables
from overflight.errors import CatalogError


def test_reads_columns_as_text() -> None:
    table = tables.parse_table(b'name,lat_deg\n"Paris, France",48.85\nNowhere,\n', source="t.csv")
    assert table == {"name": ["Paris, France", "Nowhere"], "lat_deg": ["48.85", ""]}
    np.testing.assert_array_equal(tables.float_column(table, "lat_deg"), [48.85, np.nan])


def test_empty_table_keeps_its_columns() -> None:
    assert tables.parse_table(b"a,b\n", source="t.csv") == {"a": [], "b": []}


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "t.csv:1"), (b"a,a\n1,2\n", "distinct column names"), (b"a,b\n1,2\n3\n", "t.csv: record 3 has 1 cells, the header 2")],
)
def test_malformed_is_one_line(data: bytes, message: str) -> None:
    with pytest.raises(CatalogError, match=message) as caught:
        tables.parse_table(data, source="t.csv")
    assert "\n" not in str(caught.value)


def test_unknown_table_is_refused() -> None:
    with pytest.raises(CatalogError, match="no built-in table 'no-such-table'"):
        tables.path_of_table("no-such-table")


def test_every_csv_row_has_its_provenance() -> None:
    for name in tables.list_tables():
        if tables.path_of_table(name).suffix == ".parquet":
            continue
        table = tables.read_table(name)
        for column in tables.PROVENANCE:
            assert column in table, f"{name} lacks the column {column}"
            assert all(table[column]), f"{name}: an empty {column}"
        assert set(table["status"]) <= set(tables.STATUSES), name
