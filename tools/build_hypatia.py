"""Rebuild ``hypatia_ground_stations.csv``: Hypatia's 100 cities in the order of its nodes, under names that people type.

Usage: ``python -m tools.build_hypatia`` beside the folder of real inputs (``../shared``).
"""

import re

from tools._tables import SHARED, format_table, write_tables

COLUMNS = ("number", "name", "aliases", "lat_deg", "lon_deg", "height_m", "source", "date", "status")
SOURCE = "UN World Urbanization Prospects (2018 revision), as listed by Hypatia (MIT)"
DATE = "2020-10-27"

# listed name: the name people type, and further ones
NAMES = {
    "Kinki-M.M.A.-(Osaka)": ("Osaka", "Kinki"),
    "Al-Qahirah-(Cairo)": ("Cairo", "Al Qahirah"),
    "New-York-Newark": ("New York", "New York City", "Newark"),
    "Ciudad-de-México-(Mexico-City)": ("Mexico City", "Ciudad de México"),
    "Los-Angeles-Long-Beach-Santa-Ana": ("Los Angeles",),
    "Moskva-(Moscow)": ("Moscow", "Moskva"),
    "Bangalore": ("Bangalore", "Bengaluru"),
    "Chukyo-M.M.A.-(Nagoya)": ("Nagoya", "Chukyo"),
    "Krung-Thep-(Bangkok)": ("Bangkok", "Krung Thep"),
    "Ahmadabad": ("Ahmadabad", "Ahmedabad"),
    "Thành-Pho-Ho-Chí-Minh-(Ho-Chi-Minh-City)": ("Ho Chi Minh City", "Thành Pho Ho Chí Minh", "Saigon"),
    "Ar-Riyadh-(Riyadh)": ("Riyadh", "Ar Riyadh"),
    "Dallas-Fort-Worth": ("Dallas", "Dallas Fort Worth", "Fort Worth"),
    "Kitakyushu-Fukuoka-M.M.A.": ("Fukuoka", "Kitakyushu"),
    "Haerbin": ("Harbin",),
    "Al-Khartum-(Khartoum)": ("Khartoum", "Al Khartum"),
    "Sankt-Peterburg-(Saint-Petersburg)": ("Saint Petersburg", "Sankt Peterburg", "St Petersburg"),
    "Washington--D.C.": ("Washington", "Washington DC"),
    "Al-Iskandariyah-(Alexandria)": ("Alexandria", "Al Iskandariyah"),
    "Jiddah": ("Jeddah",),
    "Phoenix-Mesa": ("Phoenix",),
    "Kolkata-(Calcutta)": ("Kolkata", "Calcutta"),
    "Mumbai-(Bombay)": ("Mumbai", "Bombay"),
}


def build() -> dict[str, bytes]:
    """The table, by file name."""
    rows = []
    for line in (SHARED / "data" / "networks" / "cities_top_100.txt").read_text(encoding="utf-8").split():
        number, listed, lat, lon, height = line.split(",")
        name, *others = NAMES.get(listed) or tidy_names(listed)
        aliases = [alias for alias in dict.fromkeys((*others, listed)) if alias != name]
        rows.append(
            {
                "number": number, "name": name, "aliases": "|".join(aliases), "lat_deg": lat, "lon_deg": lon, "height_m": height,
                "source": SOURCE, "date": DATE, "status": "reported",
            }
        )  # fmt: skip
    return {"hypatia_ground_stations.csv": format_table(COLUMNS, rows)}


def tidy_names(listed: str) -> list[str]:
    """``Nanjing--Jiangsu`` to Nanjing, ``Pune-(Poona)`` to Pune and Poona; hyphens stand for spaces."""
    outer, _, inner = re.sub(r"--.*", "", listed).partition("-(")
    return [part.replace("-", " ") for part in (outer, inner.rstrip(")")) if part]


if __name__ == "__main__":
    write_tables(build())
