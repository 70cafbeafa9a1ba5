"""Rebuild the built-in table of what an operator publishes of its service: median rates and latency by territory.

Usage: ``python -m tools.build_published_service``, beside the shared inputs.
"""

import csv

from tools._tables import SHARED, format_table, write_tables

from overflight.catalog.tables import read_table

FIGURES = ("download_p50_mbps", "upload_p50_mbps", "latency_p50_ms")
COLUMNS = ("operator", "code", *FIGURES, "source", "date", "status")
FACTS = {"source": "operator's public map: rates and latency measured in the territory", "date": "2026-09-30", "status": "measured"}


def build_published_service() -> dict[str, bytes]:
    """Compile the table."""
    territories = read_table("territories")
    alpha2 = dict(zip(territories["alpha3"], territories["code"], strict=True))
    with (SHARED / "reference" / "latency" / "operator_metrics_2026-09.csv").open(encoding="utf-8") as file:
        found = [
            {"operator": "starlink", "code": alpha2[row["iso3"]], **{name: row[name] for name in FIGURES}, **FACTS}
            for row in csv.DictReader(file)
        ]
    return {"published_service.csv": format_table(COLUMNS, sorted(found, key=lambda row: str(row["code"])))}


if __name__ == "__main__":
    write_tables(build_published_service())
