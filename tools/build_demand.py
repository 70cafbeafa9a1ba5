"""Rebuild the built-in tables of demand: classes of terminals, the busy hour, international traffic, income groups, subscribers.

Usage: ``python -m tools.build_demand``. The facts are compiled by hand from the reports named in each row; where no source is named a value
is ours and its status says assumed. ``python -m tools.fit_subscribers`` must follow when subscribers change.
"""

from tools._tables import format_table, write_tables

Row = dict[str, object]

CLASS_COLUMNS = (
    *("name", "down_mbps", "down_low_mbps", "down_high_mbps", "up_mbps", "up_low_mbps", "up_high_mbps"),
    *("active_share", "active_share_low", "active_share_high", "weight", "weight_low", "weight_high"),
    *("people", "people_low", "people_high", "meaning", "source", "date", "status"),
)
PLANS = "operator's published plans and specifications for the rates; activity, weight and people: chosen by us"
ACTIVITY = (
    "operator's published plans for the rates; activity: mean busy-hour rate of a fixed line, about 3 Mbit/s "
    "(615 GB downstream a month and line, OpenVault Q2 2025, peak over mean 1.6), over the rate asked; "
    "weight by definition; people: chosen by us"
)
CLASSES: tuple[tuple[object, ...], ...] = (
    # name; down, up, active, weight, people (each with low and high); meaning, source
    ("consumer", (400, 200, 450), (40, 20, 50), (0.01, 0.005, 0.03), (1, 1, 1), (3, 2, 5), "household, fixed line", ACTIVITY),
    (
        "enterprise",
        (400, 200, 450),
        (40, 20, 50),
        (0.02, 0.005, 0.1),
        (2, 1, 4),
        (10, 3, 50),
        "business or community",
        PLANS,
    ),
    ("government", (400, 200, 450), (40, 20, 50), (0.05, 0.01, 0.3), (2, 1, 8), (10, 3, 50), "public service", PLANS),
    ("emergency", (200, 50, 400), (40, 20, 50), (0.5, 0.2, 1.0), (4, 1, 16), (50, 10, 200), "relief and rescue, hospitals", PLANS),
    ("maritime", (220, 100, 400), (25, 10, 40), (0.05, 0.01, 0.3), (2, 1, 4), (20, 5, 500), "ship", PLANS),
    ("aviation", (220, 100, 450), (25, 10, 70), (0.5, 0.2, 1.0), (2, 1, 4), (100, 10, 200), "aircraft", PLANS),
)

HOUR_COLUMNS = ("hour", "factor", "low", "high", "source", "date", "status")
HOURLY = (
    *(0.72, 0.55, 0.42, 0.34, 0.30, 0.29, 0.31, 0.37, 0.44, 0.50, 0.54, 0.57),
    *(0.60, 0.61, 0.62, 0.65, 0.69, 0.75, 0.82, 0.90, 0.97, 1.00, 0.96, 0.86),
)
HOUR_MARGIN = 0.15
HOUR_SOURCE = "shape of fixed networks as commonly published (peak 20 to 22 h, trough 4 to 6 h at about a third); the values are ours"

TRAFFIC_COLUMNS = ("group", "kbps_per_person", "low", "high", "upstream_share", "upstream_low", "upstream_high", "source", "date", "status")
TRAFFIC = {
    "high": (200, 80, 500),
    "upper-middle": (90, 30, 250),
    "lower-middle": (30, 10, 100),
    "low": (6, 2, 25),
    "unknown": (80, 10, 300),
}
TRAFFIC_SOURCE = (
    "general knowledge of ITU and TeleGeography totals (about 1.5 Pbit/s of international capacity in 2024, less than half "
    "of it used at the peak: 80 kbit/s for each person of the world); the split by income is ours"
)

INCOME_COLUMNS = ("code", "group", "source", "date", "status")
CLASSIFIED = {
    "high": (
        "AD AE AG AS AT AU AW BB BE BG BH BM BN BS CA CH CL CR CW CY CZ DE DK EE ES FI FO FR GB GG GI GL GR GU GY HK HR HU IE IL IM IS IT "
        "JE JP KN KR KW KY LI LT LU LV MC MF MO MP MT NC NL NO NR NZ OM PA PF PL PR PT PW QA RO RU SA SC SE SG SI SK SM SX TC TT TW US UY "
        "VG VI"
    ),
    "upper-middle": (
        "AL AM AR AZ BA BR BW BY BZ CN CO CU CV DM DO DZ EC FJ GA GD GE GQ GT ID IQ IR JM KZ LC LY MD ME MH MK MN MU MV MX MY PE PY RS SR "
        "SV TH TM TO TR TV UA VC WS XK ZA"
    ),
    "lower-middle": (
        "AO BD BJ BO BT CG CI CM DJ EG FM GH GN HN HT IN JO KE KG KH KI KM LA LB LK LS MA MM MR NA NG NI NP PG PH PK PS SB SN ST SZ TJ TL "
        "TN TZ UZ VN VU ZM ZW"
    ),
    "low": "AF BF BI CD CF ER GM GW KP LR MG ML MW MZ NE RW SD SL SO SS SY TD TG UG YE",
}
NOT_CLASSIFIED = {
    "high": "AI AQ AX BL BQ BV CC CK CX FK GF GP GS HM IO MQ MS NF NU PM PN RE SH SJ TF TK UM VA WF YT",
    "upper-middle": "VE",
    "lower-middle": "EH",
    "low": "ET",
}
INCOME_SOURCE = "World Bank, country classification by income, fiscal year 2026"
NOT_CLASSIFIED_SOURCE = "not classified there: taken as the state it belongs to, or as last classified"

SUBSCRIBER_COLUMNS = ("operator", "code", "terminals", "low", "high", "note", "source", "date", "status")
WORLD = (
    # the operator's announcements of active customers
    (1_000_000, "2022-12-19"), (2_300_000, "2023-12-22"), (3_000_000, "2024-05-20"), (4_000_000, "2024-09-26"), (4_600_000, "2024-12-31"),
    (5_000_000, "2025-02-27"), (6_000_000, "2025-06-08"), (7_000_000, "2025-08-27"), (8_000_000, "2025-11-05"), (9_000_000, "2025-12-22"),
    (10_000_000, "2026-02-13"),
)  # fmt: skip
REPORTED: tuple[tuple[object, ...], ...] = (
    (
        "AR",
        490_000,
        None,
        None,
        "all operators' satellite accesses, nearly all Starlink's",
        "Secretary of Innovation, as reported by El Litoral",
        "2025-12-31",
    ),
    (
        "AU",
        350_000,
        200_000,
        None,
        "low: the ACCC's count of March 2024",
        "Department of Infrastructure, as reported by The Epoch Times",
        "2025-03-31",
    ),
    (
        "BR",
        1_000_000,
        556_000,
        None,
        "low: the regulator's (Anatel) count of November 2025",
        "operator's announcement, as reported by Mercado",
        "2026-01-31",
    ),
    ("CA", 500_000, 400_000, None, "low: count of September 2024", "operator's statement, as reported by the press", "2025-07-28"),
    ("CL", 74_000, None, None, "", "Subtel, as reported by Mercado", "2024-12-31"),
    ("GB", 87_000, None, None, "from general knowledge", "Ofcom, Connected Nations 2024", "2024-12-05"),
    ("IT", 50_000, None, None, "rounded", "Il Foglio", "2025-01-07"),
    ("KE", 19_470, None, None, "", "Communications Authority of Kenya, sector statistics Q1 2025/26, as reported by Tuko", "2025-09-30"),
    ("MX", 160_631, None, None, "", "IFT, as reported by El Economista", "2024-06-30"),
    ("NG", 59_509, None, 65_564, "high: count of the third quarter of 2024", "NCC, as reported by TeleGeography", "2025-03-31"),
    ("NZ", 37_000, None, None, "", "Commerce Commission, as reported by the New Zealand Listener", "2024-06-30"),
    (
        "PH",
        30_000,
        None,
        None,
        "terminals deployed",
        "Department of Information and Communications Technology, as reported by InsiderPH",
        "2024-07-24",
    ),
    (
        "UA",
        50_000,
        None,
        200_000,
        "handed over by donors alone, so a lower bound; high: chosen by us",
        "Ministry of Digital Transformation, as reported by Ukrainska Pravda",
        "2025-04-03",
    ),
    ("US", 2_000_000, None, None, "", "operator's network update of July 2025", "2025-07-15"),
    ("ZM", 5_500, 5_000, 6_000, "", "ZICTA, as reported by the Zambia Daily Mail", "2024-02-29"),
    ("ZW", 40_146, None, None, "all VSAT, nearly all Starlink's", "POTRAZ, as reported by Space in Africa", "2025-06-30"),
)


def main() -> None:
    """Write the tables."""
    tables = {
        "terminal_classes.csv": format_table(CLASS_COLUMNS, [_class_row(entry) for entry in CLASSES]),
        "busy_hour.csv": format_table(HOUR_COLUMNS, [_hour_row(hour, factor) for hour, factor in enumerate(HOURLY)]),
        "traffic.csv": format_table(TRAFFIC_COLUMNS, [_traffic_row(group, values) for group, values in TRAFFIC.items()]),
        "income_groups.csv": format_table(INCOME_COLUMNS, _income_rows()),
        "subscribers.csv": format_table(SUBSCRIBER_COLUMNS, _subscriber_rows()),
    }
    write_tables(tables)


def _class_row(entry: tuple[object, ...]) -> Row:
    name, *ranges, meaning, source = entry
    values = [value for triple in ranges if isinstance(triple, tuple) for value in triple]
    return dict(zip(CLASS_COLUMNS, (name, *values, meaning, source, "2026-01-31", "assumed"), strict=True))


def _hour_row(hour: int, factor: float) -> Row:
    low, high = (round(min(factor * (1.0 + sign * HOUR_MARGIN), 1.0), 3) for sign in (-1, 1))
    return dict(zip(HOUR_COLUMNS, (hour, factor, low, high, HOUR_SOURCE, "2026-01-31", "assumed"), strict=True))


def _traffic_row(group: str, values: tuple[int, int, int]) -> Row:
    return dict(zip(TRAFFIC_COLUMNS, (group, *values, 0.2, 0.1, 0.4, TRAFFIC_SOURCE, "2026-01-31", "assumed"), strict=True))


def _income_rows() -> list[Row]:
    rows = [(code, group, INCOME_SOURCE, "2025-07-01", "reported") for group, codes in CLASSIFIED.items() for code in codes.split()]
    rows += [
        (code, group, NOT_CLASSIFIED_SOURCE, "2025-07-01", "assumed") for group, codes in NOT_CLASSIFIED.items() for code in codes.split()
    ]
    return [dict(zip(INCOME_COLUMNS, row, strict=True)) for row in sorted(rows)]


def _subscriber_rows() -> list[Row]:
    world = [("starlink", "WORLD", count, None, None, "", "operator's announcements", date, "reported") for count, date in WORLD]
    territories = [("starlink", *entry, "reported") for entry in REPORTED]
    return [dict(zip(SUBSCRIBER_COLUMNS, row, strict=True)) for row in (*world, *territories)]


if __name__ == "__main__":
    main()
