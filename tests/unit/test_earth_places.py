"""Places by name and by coordinates, and the country that a point belongs to."""

import pytest

from overflight.earth.places import country_of, find_place, nearest_countries, nearest_country
from overflight.errors import PlaceError


@pytest.mark.parametrize(
    ("query", "name", "country"),
    [
        ("Taipei", "Taipei", "TW"), ("londres", "London", "GB"), ("Paris", "Paris", "FR"), ("Paris, US", "Paris", "US"), ("Paris,TX", "Paris", "US"),
        ("paris, texas", "Paris", "US"), ("Francfort", "Frankfurt am Main", "DE"), ("Frankfurt", "Frankfurt am Main", "DE"),
        ("Pékin", "Beijing", "CN"), ("Le Caire", "Cairo", "EG"), ("Valencia, Espagne", "Valencia", "ES"), ("Washington, D.C.", "Washington", "US"),
        ("Reykjavik", "Reykjavík", "IS"), ("Longyearbyen", "Longyearbyen", "SJ"), ("Los Angeles, CA", "Los Angeles", "US"), ("Nuku'alofa", "Nuku‘alofa", "TO"),
    ],
)  # fmt: skip
def test_finds_cities(query: str, name: str, country: str) -> None:
    place = find_place(query)
    assert (place.name, place.country) == (name, country)
    assert place.population > 0
    assert "GeoNames" in place.source


@pytest.mark.parametrize(
    ("query", "lat", "lon", "country"),
    [
        ("25.03,121.56", 25.03, 121.56, "TW"), (" -17.8 , 178.0 ", -17.8, 178.0, "FJ"), ("0;-30", 0.0, -30.0, ""), ("−33.9 18.4", -33.9, 18.4, "ZA"),
        ("90,0", 90.0, 0.0, ""), ("-90,0", -90.0, 0.0, "AQ"), ("-17.8, 538", -17.8, 178.0, None),
    ],
)  # fmt: skip
def test_takes_coordinates(query: str, lat: float, lon: float, country: str | None) -> None:
    if country is None:
        with pytest.raises(PlaceError, match="longitude 538"):
            find_place(query)
        return
    place = find_place(query)
    assert (place.lat_deg, place.lon_deg, place.country) == (lat, lon, country)


def test_longitude_beyond_180_is_folded() -> None:
    assert find_place("-17.5,182").lon_deg == -178.0


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "empty"), ("nan,3", "not a finite"), ("3,inf", "not a finite"), ("121.5,25", "latitude 121.5 is out of range"), ("Tapei", "did you mean Taipei"),
        ("Paris, Kenya", "did you mean Paris"), ("Xqzzy", "no place 'Xqzzy' is known"), ("1,2,3", "no place"),
    ],
)  # fmt: skip
def test_bad_place_is_one_line(query: str, message: str) -> None:
    with pytest.raises(PlaceError, match=message) as caught:
        find_place(query)
    assert "\n" not in str(caught.value)


def test_country_of_a_point_or_nearest() -> None:
    assert country_of(25.0, 121.5) == "TW"
    assert country_of(0.0, -30.0) == ""
    points = [(52.0, 4.0), (-17.5, -178.0), (0.0, -30.0), (45.0, 34.0), (36.1, -5.35), (64.0, -179.99), (-90.0, 0.0), (50.7, 4.6)]
    assert nearest_countries(*zip(*points, strict=True)) == ["NL", "FJ", "BR", "UA", "GI", "RU", "AQ", "BE"]


def test_nearest_looks_over_the_antimeridian() -> None:
    assert nearest_country(-16.0, -179.95) == "FJ"


def test_nearest_refuses_what_is_no_point() -> None:
    with pytest.raises(PlaceError):
        nearest_country(float("nan"), 0.0)
