"""Rebuild ``gateways.csv`` and ``pops.csv``: the ground segments of Starlink and OneWeb, from public lists.

Usage: ``python -m tools.build_ground`` beside the folder of real inputs (``../shared``).

The country of a row follows from the text of its name (``Accra, Ghana``; ``Adelanto, CA``); a name that cannot be read stops the script.
PoPs come from two lists: the newer one gives position and state; a PoP that only the older one knows is kept with the older date.
"""

import json
import math
import re

from tools._tables import SHARED, format_table, write_tables

COLUMNS = (
    "operator", "kind", "name", "code", "city", "country", "lat_deg", "lon_deg", "height_m", "state", "source", "date", "status",
)  # fmt: skip
GATEWAY_LIST = ("community list of Starlink gateways and PoPs", "2026-03-20")
POP_LIST = ("community list of Starlink PoPs", "2026-04-16")
ONEWEB_LIST = ("artefact of a TMA 2025 paper; taken as operational", "2025")
SAME_POP_KM = 60.0

US_STATES = frozenset((
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "HI", "IA", "ID", "IL", "IN", "KS", "KY", "LA", "MA", "MD", "ME",
    "MI", "MN", "MO", "MS", "MT", "NC", "ND", "NE", "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX",
    "UT", "VA", "VT", "WA", "WI", "WV", "WY",
))  # fmt: skip
CANADIAN_PROVINCES = frozenset(("AB", "BC", "MB", "NB", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"))
COUNTRIES = {
    "Argentina": "AR", "Australia": "AU", "Bangladesh": "BD", "Barbados": "BB", "Brazil": "BR", "Bulgaria": "BG", "Canada": "CA",
    "Chile": "CL", "Colombia": "CO", "Curaçao": "CW", "DR": "DO", "Fiji": "FJ", "France": "FR", "GU": "GU", "Germany": "DE", "Ghana": "GH",
    "Guam": "GU", "Guatemala": "GT", "India": "IN", "Indonesia": "ID", "Ireland": "IE", "Italy": "IT", "Japan": "JP", "Kazakhstan": "KZ",
    "Kenya": "KE", "Lithuania": "LT", "Malaysia": "MY", "Mexico": "MX", "NZ": "NZ", "New Zealand": "NZ", "Nigeria": "NG", "Norway": "NO",
    "Oman": "OM", "PR": "PR", "Pakistan": "PK", "Papua New Guinea": "PG", "Peru": "PE", "Philippines": "PH", "Poland": "PL",
    "Portugal": "PT", "Qatar": "QA", "Singapore": "SG", "South Africa": "ZA", "Spain": "ES", "Turkey": "TR", "UK": "GB", "USA": "US",
}  # fmt: skip
COUNTRY_BY_NAME = {"St. John's, NL": "CA", "Hoofddorp, NL": "NL", "Isle of Man, UK": "IM", "Westbury, NY": "US"}
"""Names whose ending alone would mislead: NL is a province and a country, Man is a territory of its own."""
SPELLINGS = {
    "Egan, MN": "Eagan, MN", "Fralklin Park, IL": "Franklin Park, IL", "Hoofddorf, NL": "Hoofddorp, NL", "Seatle, WA": "Seattle, WA",
    "Westbury NY": "Westbury, NY", "Pott’s Junction, GU": "Potts Junction, GU",
}  # fmt: skip

# What the notes of the newer list say, by code: kind and state where they are not "pop" and "operational"
POP_REMARKS = {
    "aafbgux1": ("pop", "unverified"),
    "brckcan1": ("community_gateway", "operational"),
    "cpclspx1": ("community_gateway", "unverified"),
    "dtcrakx1": ("community_gateway", "operational"),
    "iqltcan1": ("community_gateway", "operational"),
    "kentwax1": ("pop", "unverified"),
    "kjjqcan1": ("community_gateway", "operational"),
    "krcipak1": ("pop", "planned"),
    "lhrrpng1": ("community_gateway", "unverified"),
    "pthpakx": ("community_gateway", "unverified"),
}
POP_CITIES = {"lhrrpng1": "Lihir"}

# Our names for OneWeb's 40 gateways, in the list's order: the nearest town, and its country
ONEWEB_GATEWAYS = (
    "Santa Paula|US", "Southbury|US", "Clewiston|US", "Paumalu|US", "Guam|GU", "Talkeetna|US", "Yellowknife|CA", "Inuvik|CA",
    "Villa Ocampo|MX", "Cañas|CR", "Jamundí|CO", "Várzea Alegre|BR", "Maricá|BR", "Arica|CL", "Colina|CL", "Nuuk|GL",
    "Longyearbyen|SJ", "Piteå|SE", "Godrano|IT", "Sintra|PT", "Stara Zagora|BG", "Tabuk|SA", "Becharaji|IN", "Thuraiyur|IN", "Almaty|KZ",
    "Sirindhorn|TH", "Ciruas|ID", "Hitachi-Ōmiya|JP", "Yamaguchi|JP", "Landsdale|AU", "Gowrie Junction|AU", "Darwin|AU", "Mahina|PF",
    "Suva|FJ", "Longwood|SH", "Luanda|AO", "Tema|GH", "Plaine Magnien|MU", "Hartbeesthoek|ZA", "Sébikhotane|SN",
)  # fmt: skip

Row = dict[str, object]


def build() -> dict[str, bytes]:
    """Both tables, by file name."""
    folder = SHARED / "data" / "ground"
    stations = json.loads((folder / "starlink_gateways_2026-03-20.json").read_text(encoding="utf-8"))["stations"]
    pops = json.loads((folder / "starlink_pops_2026-04-16.json").read_text(encoding="utf-8"))
    oneweb_pops = json.loads((folder / "oneweb_pops_2025.json").read_text(encoding="utf-8"))
    oneweb_gateways = (folder / "oneweb_gateways_2025.csv").read_text(encoding="utf-8").split()
    gateways = starlink_gateways(stations) + list_oneweb_gateways(oneweb_gateways)
    all_pops = starlink_pops(pops, stations) + [oneweb_pop(record) for record in oneweb_pops]
    return {"gateways.csv": format_table(COLUMNS, gateways), "pops.csv": format_table(COLUMNS, all_pops)}


def starlink_gateways(stations: list[dict[str, object]]) -> list[Row]:
    """Gateways of the older list, operational and planned."""
    return [station_row(station, "gateway") for station in stations if station["type"] == "gateway"]


def station_row(station: dict[str, object], kind: str) -> Row:
    """One row from the older list; a doubtful place (``Cebu(?)``) is kept as assumed."""
    listed = str(station["name"])
    doubtful = "(?)" in listed
    name = re.sub(r"\(\?\)", "", listed)
    name = SPELLINGS.get(name, name)
    city = name.rsplit(", ", 1)[0]
    return row(
        operator="starlink", kind=kind, name=name if kind == "gateway" else city, code="", city=city, country=country_of(name),
        record=station, state=str(station["status"]), listing=GATEWAY_LIST, status="assumed" if doubtful else "reported",
    )  # fmt: skip


def country_of(name: str) -> str:
    """ISO 3166-1 alpha-2 code from the ending of a name.

    Raises
    ------
    ValueError
        If the ending is not known.
    """
    ending = name.rsplit(", ", 1)[-1]
    if name in COUNTRY_BY_NAME:
        return COUNTRY_BY_NAME[name]
    if ending in COUNTRIES:
        return COUNTRIES[ending]
    if ending in US_STATES:
        return "US"
    if ending in CANADIAN_PROVINCES:
        return "CA"
    msg = f"no country for {name!r}: add its ending to COUNTRIES"
    raise ValueError(msg)


def starlink_pops(newer: list[dict[str, object]], older: list[dict[str, object]]) -> list[Row]:
    """PoPs of both lists, one row per site; codes that share a site stand in one row, separated by spaces."""
    sites: dict[tuple[str, float, float], Row] = {}
    for record in newer:
        code = str(record["code"])
        if not record["show"] or not code:  # staging entries, ships, and a second building of Salt Lake City without a code
            continue
        kind, state = POP_REMARKS.get(code, ("pop", "operational"))
        city = POP_CITIES.get(code, str(record["city"]))
        key = (city, float(str(record["lat"])), float(str(record["lon"])))
        if key in sites:
            sites[key]["code"] = f"{sites[key]['code']} {code}"
            continue
        sites[key] = row(
            operator="starlink", kind=kind, name=city, code=code, city=city, country=COUNTRIES[str(record["country"])], record=record,
            state=state, listing=POP_LIST, status="assumed" if state == "unverified" else "reported",
        )  # fmt: skip
    known = list(sites.values())
    only_older = [
        station_row(record, "pop")
        for record in older
        if record["type"] == "pop" and min(distance_km(record, pop) for pop in known) > SAME_POP_KM
    ]
    return sorted(known + only_older, key=lambda pop: (str(pop["country"]), str(pop["city"]), str(pop["code"])))


def list_oneweb_gateways(lines: list[str]) -> list[Row]:
    """OneWeb's gateways; the list gives ``lon,lat`` only, the names are ours."""
    rows = []
    for named, line in zip(ONEWEB_GATEWAYS, lines, strict=True):
        name, country = named.split("|")
        lon, lat = line.split(",")
        rows.append(
            row(
                operator="oneweb", kind="gateway", name=name, code="", city=name, country=country, record={"lat": lat, "lon": lon},
                state="operational", listing=ONEWEB_LIST, status="reported",
            )
        )  # fmt: skip
    return rows


def oneweb_pop(record: dict[str, object]) -> Row:
    """One of OneWeb's PoPs."""
    city = str(record["city"])
    return row(
        operator="oneweb", kind="pop", name=city, code="", city=city, country=str(record["country"]), record=record, state="operational",
        listing=ONEWEB_LIST, status="reported",
    )  # fmt: skip


def row(
    *, operator: str, kind: str, name: str, code: str, city: str, country: str, record: dict[str, object], state: str,
    listing: tuple[str, str], status: str,
) -> Row:  # fmt: skip
    """One row; positions to 1e-6°, heights unknown and written as 0."""
    lat, lon = (f"{float(str(record[axis])):.6f}".rstrip("0").rstrip(".") for axis in ("lat", "lon"))
    source, date = listing
    return {
        "operator": operator, "kind": kind, "name": name, "code": code, "city": city, "country": country, "lat_deg": lat, "lon_deg": lon,
        "height_m": 0, "state": state, "source": source, "date": date, "status": status,
    }  # fmt: skip


def distance_km(record: dict[str, object], pop: Row) -> float:
    """Great-circle distance on a sphere of 6,371 km."""
    lat_a, lon_a = (math.radians(float(str(record[axis]))) for axis in ("lat", "lon"))
    lat_b, lon_b = (math.radians(float(str(pop[axis]))) for axis in ("lat_deg", "lon_deg"))
    chord = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(chord))


if __name__ == "__main__":
    write_tables(build())
