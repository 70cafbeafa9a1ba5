"""Rebuild ``service_status.csv``, ``service_provinces.csv`` and ``availability_cells.csv`` from the operator's public map files.

Usage: ``python -m tools.build_service_status`` beside the folder of real inputs (``../shared``).

Provinces are named by Mapbox boundary identifiers (``urn:mbxbnd:…``) in base64. Their inner part is a number: the low byte counts the
provinces of a country, the high bytes name the country. Which country follows from how many first-level divisions it has: 27 in
Ukraine, 13 in Georgia, 6 in Cyprus, the three countries that the file marks as split. Which province is which cannot be known from it.
"""

import base64

from tools._tables import SHARED, format_table, write_tables

from overflight.catalog.availability import cells_of_area, read_availability, read_availability_cells, verdict_of, verdict_words

DATE = "2026-07-23"
STATUS_SOURCE = "operator's public map: https://starlink.com/public-files/availability.json"
CELL_SOURCE = "operator's public map: https://starlink.com/public-files/availability-cells.pb"
STATUS_COLUMNS = (
    "code", "operator", "published_status", "expected", "verdict_key", "verdict_en", "verdict_fr", "source", "date", "status",
)  # fmt: skip
PROVINCE_COLUMNS = (
    "operator", "country", "country_status", "boundary_id", "number", "published_status", "expected", "verdict_key", "source", "date",
    "status",
)  # fmt: skip
CELL_COLUMNS = ("cell", "operator", "published_status", "expected", "source", "date", "status")
COUNTRY_BY_DIVISIONS = {27: "UA", 13: "GE", 6: "CY"}


def build() -> dict[str, bytes]:
    """The three tables, by file name."""
    folder = SHARED / "data" / "availability"
    published, _ = read_availability(folder / f"starlink_availability_{DATE}.json", strict=True)
    features, _ = read_availability_cells(folder / f"starlink_availability-cells_{DATE}.pb", strict=True)
    common = {"operator": "starlink", "date": DATE, "status": "reported"}
    statuses = []
    for record in sorted(published.territories, key=lambda record: record.key):
        verdict = verdict_of(record.published_status, record.expected)
        words = {f"verdict_{lang}": verdict_words(verdict, record.expected, lang=lang) for lang in ("en", "fr")}
        statuses.append(
            common
            | words
            | {
                "code": record.key,
                "published_status": record.published_status,
                "expected": record.expected,
                "verdict_key": verdict,
                "source": STATUS_SOURCE,
            }
        )
    numbers = {record.key: boundary_number(record.key) for record in published.provinces}
    groups: dict[int, int] = {}
    for number in numbers.values():
        groups[number >> 8] = groups.get(number >> 8, 0) + 1
    provinces = [
        common
        | {
            "country": COUNTRY_BY_DIVISIONS[groups[numbers[record.key] >> 8]],
            "country_status": "assumed",
            "boundary_id": base64.b64decode(record.key).decode("ascii"),
            "number": numbers[record.key] & 0xFF,
            "published_status": record.published_status,
            "expected": record.expected,
            "verdict_key": verdict_of(record.published_status, record.expected),
            "source": STATUS_SOURCE,
        }
        for record in sorted(published.provinces, key=lambda record: numbers[record.key])
    ]
    cells = [
        common | {"cell": f"{cell:x}", "published_status": feature.published_status, "expected": feature.expected, "source": CELL_SOURCE}
        for feature in features
        for cell in cells_of_area(feature.polygons)[0].tolist()
    ]
    return {
        "service_status.csv": format_table(STATUS_COLUMNS, statuses),
        "service_provinces.csv": format_table(PROVINCE_COLUMNS, provinces),
        "availability_cells.csv": format_table(CELL_COLUMNS, cells),
    }


def boundary_number(key: str) -> int:
    """Number inside a boundary identifier: ``urn:mbxbnd:ARLm:v4`` in base64 holds ``ARLm``, base64 of three bytes, low byte first."""
    inner = base64.b64decode(key).decode("ascii").split(":")[2]
    return int.from_bytes(base64.b64decode(inner), "little")


if __name__ == "__main__":
    write_tables(build())
