"""What a reproduction of CosmoSim starts from: a country's cells with their people, and gateways."""

import csv
import hashlib
import io
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from overflight.catalog.ground import Gateways, builtin_gateways, read_gateways
from overflight.earth.cells import RESOLUTION, cell_centres, cell_neighbours
from overflight.earth.geodesy import Sites, make_sites
from overflight.errors import DataMissingError, ScenarioError, TerritoryError
from overflight.intake import Intake, LeftOut, read_bytes
from overflight.network.cosmosim import place_on_ground_km

Floats = npt.NDArray[np.float64]

MAX_CELLS = 300_000
"""More cells than all land has are no country."""

OPERATOR = "starlink"

_COLUMNS = ("h3_index", "population")
_POLYGONS = (".geojson", ".json")
_LISTS = (".txt", ".csv")


@dataclass(frozen=True, eq=False)
class Country:
    """Cells of a country, sorted by H3 index, n rows.

    Attributes
    ----------
    name
        What it is called.
    cells
        H3 indices of resolution 5, uint64, shape (n,).
    population
        People in each, shape (n,).
    is_own_table
        Whether the cells and people are Overflight's built-in ones, and not a file's.
    """

    name: str
    cells: npt.NDArray[np.uint64]
    population: Floats
    is_own_table: bool = False

    def __len__(self) -> int:
        return len(self.cells)

    @cached_property
    def centres_deg(self) -> tuple[Floats, Floats]:
        """Latitude and longitude of the cells' centres."""
        return cell_centres(self.cells)

    @cached_property
    def neighbours(self) -> npt.NDArray[np.int32]:
        """Rows of adjacent cells, int32, shape (n, 6), padded with −1."""
        return cell_neighbours(self.cells)

    @cached_property
    def sites(self) -> Sites:
        """The centres on WGS-84."""
        return make_sites(*self.centres_deg)

    @cached_property
    def points_km(self) -> Floats:
        """The centres as CosmoSim places them (WGS-72), shape (3, n)."""
        return place_on_ground_km(*self.centres_deg)


def find_country(query: str, *, strict: bool = False) -> tuple[Country, Intake | None]:
    """Cells of a country: those of a file ``h3_index,population``, or a built-in territory's.

    Parameters
    ----------
    query
        A file, or a territory's code or name, or its GeoJSON file.
    strict
        Refuse a file with a bad record.

    Returns
    -------
    Country, Intake or None
        The cells, and the account of the file if it was one.

    Raises
    ------
    OverflightError
        If there is no such file or territory, or the file has no cell that can be used.
    """
    from overflight.earth.territory import find_territory, territory_file

    path = Path(query.strip())
    named = territory_file(query) is None and not query.strip().lower().endswith(_LISTS)
    if not named and path.suffix.lower() not in _POLYGONS:
        data = read_bytes(path, wanted="a file of cells (h3_index,population), or a territory's code or name", refused=ScenarioError)
        return parse_cells(data, source=str(path), strict=strict)
    territory = find_territory(query)
    if not len(territory.cells):
        msg = f"{territory.name}: no cell of land; give a territory with cells"
        raise TerritoryError(msg)
    return Country(territory.name, territory.cells, np.asarray(territory.population, dtype=np.float64), is_own_table=True), None


def parse_cells(data: bytes, *, source: str, strict: bool = False) -> tuple[Country, Intake]:
    """Read cells and their people from CSV: a column of H3 indices of resolution 5 and one of people, with or without a header.

    Parameters
    ----------
    data
        The file's bytes.
    source
        Name to report problems under.
    strict
        Refuse the file at the first bad record instead of leaving the record out.

    Raises
    ------
    ScenarioError
        If it is no such list, no record can be used, nobody lives in the cells, or, with ``strict``, a record is bad.
    """
    found: dict[int, tuple[float, int]] = {}
    left_out: list[LeftOut] = []
    read = 0
    for line, record in _rows(data, source):
        read += 1
        try:
            cell, people = _read_record(record)
            if cell in found:
                msg = f"the cell stands already in line {found[cell][1]}"
                raise ValueError(msg)  # noqa: TRY301 - the account is kept in one place
            found[cell] = (people, line)
        except ValueError as bad:
            left_out.append(LeftOut(source, line, ",".join(record)[:60], str(bad)))
            if strict:
                raise ScenarioError(str(left_out[-1])) from None
    if not found:
        reason = f"; the first: line {left_out[0].line}, {left_out[0].reason}" if left_out else ""
        msg = f"{source}: none of {read} records is a cell that can be used{reason}; give h3_index,population"
        raise ScenarioError(msg)
    if len(found) > MAX_CELLS:
        msg = f"{source}: {len(found):,} cells; a country has fewer than {MAX_CELLS:,}"
        raise ScenarioError(msg)
    cells = np.array(sorted(found), dtype=np.uint64)
    population = np.array([found[cell][0] for cell in cells.tolist()])
    if not population.sum() > 0.0:
        msg = f"{source}: nobody lives in these cells; give cells with people"
        raise ScenarioError(msg)
    intake = Intake(source, hashlib.sha256(data).hexdigest(), read, len(found), tuple(left_out))
    return Country(Path(source).stem, cells, population), intake


def _rows(data: bytes, source: str) -> list[tuple[int, list[str]]]:
    """Records with their lines, the two columns in our order, without the header."""
    try:
        text = data.decode("utf-8-sig")
        records = [(number, [cell.strip() for cell in cells]) for number, cells in enumerate(csv.reader(io.StringIO(text)), start=1)]
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{source}: not a list of cells ({error}); give CSV text: h3_index,population"
        raise ScenarioError(msg) from None
    records = [(number, cells) for number, cells in records if any(cells) and not cells[0].startswith("#")]
    if not records:
        msg = f"{source}: empty; give h3_index,population, one cell a line"
        raise ScenarioError(msg)
    header = [cell.casefold() for cell in records[0][1]]
    if not set(_COLUMNS) <= set(header):
        return records
    places = [header.index(column) for column in _COLUMNS]
    whole = len(header)
    return [(number, [cells[k] for k in places] if len(cells) == whole else cells) for number, cells in records[1:]]


def _read_record(record: list[str]) -> tuple[int, float]:
    """Cell and people of a record.

    Raises
    ------
    ValueError
        With the reason, if it has not both.
    """
    import h3.api.basic_int as h3

    if len(record) != len(_COLUMNS):
        msg = f"{len(record)} values where h3_index,population are expected"
        raise ValueError(msg)
    try:
        cell = int(record[0], 16)
        is_cell = bool(h3.is_valid_cell(cell))
    except (ValueError, OverflowError):
        is_cell = False
    if not is_cell:
        msg = f"'{record[0][:20]}' is not an H3 cell"
        raise ValueError(msg)
    if h3.get_resolution(cell) != RESOLUTION:
        msg = f"the cell is of resolution {h3.get_resolution(cell)}, not {RESOLUTION}"
        raise ValueError(msg)
    try:
        people = float(record[1])
    except ValueError:
        people = math.nan
    if not (math.isfinite(people) and people >= 0.0):
        msg = f"population '{record[1][:20]}' is not a number of at least 0"
        raise ValueError(msg)
    return cell, people


def gather_gateways(path: Path | None, *, strict: bool = False) -> tuple[Gateways, Intake | None]:
    """Gateways of a file, or the operator's built-in ones.

    Raises
    ------
    OverflightError
        If the file cannot be used, or there are no built-in gateways.
    """
    if path is not None:
        return read_gateways(path, operator=OPERATOR, strict=strict)
    known = builtin_gateways(OPERATOR)
    if not len(known):
        msg = "no gateways are built in; give a file of gateways"
        raise DataMissingError(msg)
    return known, None
