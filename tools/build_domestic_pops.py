"""Rebuild the built-in table of countries where an operator's PoPs and gateways take domestic traffic only.

Usage: ``python -m tools.build_domestic_pops``. The facts are compiled by hand from the reports named in each row.
"""

from tools._tables import format_table, write_tables

COLUMNS = ("operator", "country", "reason", "source", "date", "status")
ROWS = (
    (
        "starlink",
        "BD",
        "all domestic traffic must land at gateways in the country; carrying foreign traffic awaits the regulator's permission",
        "BTRC licensing guidelines for NGSO operators (2025-03-26) and reports on the request to export bandwidth (2025-11 to 2026-01)",
        "2026-01-31",
        "reported",
    ),
    (
        "starlink",
        "ID",
        "a gateway, a network operations centre and a local access provider for domestic traffic; that foreign traffic stays out: assumed",
        "operating licence of 2024-05 as reported by the ministry (Kominfo)",
        "2024-05-24",
        "assumed",
    ),
    (
        "starlink",
        "IN",
        "domestic traffic must use gateways in the country, and terminals abroad may not use them; service not launched by 2026-07",
        "Department of Telecommunications, security instructions for GMPCS licensees (2025-05-05) as reported",
        "2025-05-06",
        "reported",
    ),
)


def main() -> None:
    """Write the table."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    write_tables({"domestic_pops.csv": format_table(COLUMNS, rows)})


if __name__ == "__main__":
    main()
