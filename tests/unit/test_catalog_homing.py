import numpy as np
import pytest

from overflight.catalog.ground import Gateways, Pops, builtin_gateways, builtin_pops
from overflight.catalog.homing import REMOTE_POP_KM, assume_gateways, domestic_countries, may_land, nearest_pops, open_pops
from overflight.earth.geodesy import great_circle_km
from overflight.errors import CatalogError


def make_pops(*rows):
    return Pops.from_rows(
        [{"name": city, "city": city, "country": country, "lat_deg": lat, "lon_deg": lon} for city, country, lat, lon in rows]
    )


POPS = make_pops(("Jakarta", "ID", -6.2, 106.8), ("Singapore", "SG", 1.3, 103.8), ("Perth", "AU", -31.9, 115.9))


def test_a_remote_pop_gets_a_gateway_and_a_near_one_does_not():
    gateways = Gateways.from_rows([{"name": "Cataby", "lat_deg": -30.7, "lon_deg": 115.5, "country": "AU"}])
    assumed = assume_gateways(gateways, POPS)
    assert assumed.name == ("Jakarta (assumed)", "Singapore (assumed)")
    assert assumed.status == ("assumed", "assumed")
    assert assumed.country == ("ID", "SG")
    assert len(assume_gateways(gateways, POPS, beyond_km=np.inf)) == 0
    assert len(assume_gateways(Gateways.from_rows([]), POPS)) == 3


def test_every_built_in_pop_then_has_a_gateway():
    gateways, pops = builtin_gateways("starlink"), builtin_pops("starlink")
    assumed = assume_gateways(gateways, pops)
    every = Gateways.concatenate([gateways, assumed])
    distance_km = great_circle_km(pops.lat_deg[:, None], pops.lon_deg[:, None], every.lat_deg, every.lon_deg)
    assert distance_km.min(axis=1).max() <= REMOTE_POP_KM
    assert "Johannesburg (assumed)" in assumed.name
    assert len(assumed) < 25


def test_home_is_the_nearest_pop_that_takes_the_traffic():
    christmas_island = (-10.45, 105.6)
    assert nearest_pops(POPS, *christmas_island).tolist() == [1]
    assert nearest_pops(POPS, *christmas_island, country="ID").tolist() == [0]
    assert nearest_pops(POPS, *christmas_island, domestic_only=frozenset()).tolist() == [0]
    assert nearest_pops(POPS, [-10.45, -30.0], [105.6, 116.0], country="CX").tolist() == [1, 2]
    assert nearest_pops(POPS, [-10.45, -10.45], [105.6, 105.6], country=["ID", "CX"]).tolist() == [0, 1]
    assert domestic_countries() == {"BD", "ID", "IN"}
    assert domestic_countries("oneweb") == frozenset()


def test_a_closed_country_keeps_its_traffic():
    medan = (3.6, 98.7)
    assert nearest_pops(POPS, *medan, country="ID").tolist() == [0]
    assert nearest_pops(POPS, *medan, country="ID", domestic_only=frozenset()).tolist() == [1]
    assert nearest_pops(POPS.select([1, 2]), *medan, country="ID").tolist() == [0], "without PoPs of its own it uses others"
    assert open_pops(POPS, "ID").tolist() == [0]
    assert open_pops(POPS, "").tolist() == [1, 2]


def test_a_closed_countrys_pops_and_gateways_serve_one_another_only():
    gateways = Gateways.from_rows([{"name": name, "country": name} for name in ("ID", "SG", "AU", "IN", "")])
    assert may_land(gateways, POPS).tolist() == [
        [True, False, False, False, False],
        [False, True, True, False, True],
        [False, True, True, False, True],
    ]
    assert may_land(gateways, POPS, domestic_only=frozenset()).all()
    assert may_land(Gateways.from_rows([]), POPS).shape == (3, 0)


def test_a_gateway_across_the_border_of_a_closed_country_is_none_of_its_own():
    across = Gateways.from_rows([{"name": "Batam Strait", "lat_deg": -6.2, "lon_deg": 106.9, "country": "SG"}])
    assert "Jakarta (assumed)" in assume_gateways(across, POPS).name
    assert "Jakarta (assumed)" not in assume_gateways(across, POPS, domestic_only=frozenset()).name


def test_no_pop_left_is_an_error():
    with pytest.raises(CatalogError, match="PoP"):
        nearest_pops(POPS.select([0]), 0.0, 100.0, country="SG")
