"""Propagation against the validation examples of ITU-R Study Group 3: each formula from the examples' own inputs, and whole paths from maps.

The full maps are not shipped. To check what is read from them, set OVERFLIGHT_ITU_MAPS to a folder of full maps, for example the folder
``data`` of the package itur 0.4.0.
"""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from overflight.radio.attenuation import total_attenuation_p618
from overflight.radio.clouds import cloud_attenuation_p840_db
from overflight.radio.gases import gas_attenuation_p676_db, standard_pressure_p835
from overflight.radio.maps import Maps, liquid_water_p840, read_climate, surface_temperature_p1510, water_vapour_p836, wet_refractivity_p453
from overflight.radio.rain import (
    rain_attenuation_p618_db,
    rain_coefficients_p838,
    rain_height_p839_km,
    rain_probability_p837_percent,
    rain_rate_p837_mm_h,
    specific_rain_p838,
)
from overflight.radio.scintillation import scintillation_p618_db

pytestmark = pytest.mark.shared

MAPS_FOLDER = "OVERFLIGHT_ITU_MAPS"

TOLERANCE = 0.001
"""Of each recommendation, from the examples' inputs or from full maps."""

TOLERANCE_P838 = 1e-5
"""The examples give k, α and γ to eight decimals."""

TOLERANCE_REDUCED = 0.05
"""Of the total attenuation, from the built-in reduced maps."""


def read_example(shared, name):
    """Columns of one table of examples; the second row holds units."""
    path = shared / "reference" / "itu" / name
    rows = list(csv.reader(path.read_text(encoding="latin-1").splitlines()))
    header, body = rows[0], [row for row in rows[2:] if row and row[0]]
    columns = {}
    for place, column in enumerate(header):
        columns.setdefault(column.strip(), np.array([float(row[place]) for row in body]))
    return columns


def worst(found, wanted):
    """Largest relative difference; where the wanted value is 0 the difference itself."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    return float(np.max(np.abs(found - wanted) / np.where(wanted == 0.0, 1.0, np.abs(wanted))))


def each(function, *columns):
    """Call a function that takes one frequency or percentage row by row."""
    return np.concatenate([np.atleast_1d(function(*(float(value) for value in row))) for row in zip(*columns, strict=True)])


@pytest.fixture(scope="module")
def full_maps():
    folder = os.environ.get(MAPS_FOLDER)
    if not folder:
        pytest.skip(f"{MAPS_FOLDER} is not set: give a folder of the full ITU-R maps to check what is read from them")
    return Maps.from_folder(Path(folder))


def rain_heights(columns):
    """Rain height of the examples' slant lengths: they give L_s = (h_R - h_s) / sin θ."""
    return columns["hs"] + columns["Ls"] * np.sin(np.radians(columns["el"]))


# --- formulas, from the examples' own inputs -----------------------------------------------------------------------------------------


def test_rain_specific_attenuation(shared):
    t = read_example(shared, "ITURP838-3_rain_specific_attenuation.csv")
    found = each(
        lambda r, f, el, tau: specific_rain_p838(r, frequency_ghz=f, elevation_deg=el, tilt_deg=tau), t["R"], t["f"], t["el"], t["tau"]
    )
    assert worst(found, t["gamma_r"]) < TOLERANCE_P838
    square = np.cos(np.radians(t["el"])) ** 2
    a, b, c, d = np.array([rain_coefficients_p838(f, tilt_deg=tau) for f, tau in zip(t["f"], t["tau"], strict=True)]).T
    assert worst(a + b * square, t["k"]) < TOLERANCE_P838
    assert worst((c + d * square) / (a + b * square), t["alpha"]) < TOLERANCE_P838


def test_gases(shared):
    t = read_example(shared, "ITURP676-12_A_gas.csv")

    def gas(el, f, rho, kelvin, hpa, content, height):
        return gas_attenuation_p676_db(
            el,
            frequency_ghz=f,
            pressure_hpa=hpa,
            temperature_k=kelvin,
            vapour_density_g_m3=rho,
            vapour_content_kg_m2=content,
            height_km=height,
        )

    found = each(gas, *(t[name] for name in ("el", "f", "rho", "T", "P", "V_t", "h")))
    assert worst(found, t["A_gas"]) < TOLERANCE
    assert worst(standard_pressure_p835(t["h"]), t["P"]) < TOLERANCE


def test_rain_attenuation(shared):
    t = read_example(shared, "ITURP618-13_A_rain.csv")
    heights = rain_heights(t)

    def rain(el, f, p, lat, rate, top, height, tau):
        return rain_attenuation_p618_db(
            el, frequency_ghz=f, exceeded_percent=p, lat_deg=lat, rain_rate_mm_h=rate, rain_height_km=top, height_km=height, tilt_deg=tau
        )

    found = each(rain, t["el"], t["f"], t["p"], t["lat"], t["R001"], heights, t["hs"], t["tau"])
    assert worst(found, t["A_rain"]) < TOLERANCE


def test_scintillation(shared):
    t = read_example(shared, "ITURP618-13_A_rain.csv")

    def fade(el, f, p, refractivity, diameter, efficiency):
        return scintillation_p618_db(
            el, frequency_ghz=f, exceeded_percent=p, wet_refractivity=refractivity, diameter_m=diameter, efficiency=efficiency
        )

    # This table computes the fades of its 29-GHz links at 20 GHz, the end of the formula's assured range; the table of totals at 29 GHz.
    found = each(fade, t["el"], np.minimum(t["f"], 20.0), t["p"], t["N_wet"], t["D"], t["eta"])
    assert worst(found, t["A_scin"]) < TOLERANCE
    total = read_example(shared, "ITURP618-13_A_total.csv")
    found = each(fade, t["el"], t["f"], t["p"], t["N_wet"], t["D"], t["eta"])
    assert worst(found, total["A_scin"]) < TOLERANCE


# --- full maps -----------------------------------------------------------------------------------------------------------------------


def test_rain_rate_and_height_of_full_maps(shared, full_maps):
    t = read_example(shared, "ITURP837-7_rainfall_rate_R001.csv")
    assert worst(rain_rate_p837_mm_h(t["lat"], t["lon"], maps=full_maps), t["Rp"]) < TOLERANCE
    t = read_example(shared, "ITURP839-4_rain_height.csv")
    assert worst(rain_height_p839_km(t["lat"], t["lon"], maps=full_maps), t["hr"]) < TOLERANCE


def test_clouds_of_full_maps(shared, full_maps):
    t = read_example(shared, "ITURP840-8_cloud_attenuation.csv")

    def cloud(lat, lon, f, el, p):
        return cloud_attenuation_p840_db(el, frequency_ghz=f, liquid_kg_m2=liquid_water_p840(lat, lon, exceeded_percent=p, maps=full_maps))

    assert worst(each(cloud, t["lat"], t["lon"], t["f"], t["el"], t["p"]), t["Ac"]) < TOLERANCE


def test_inputs_of_full_maps(shared, full_maps):
    t = read_example(shared, "ITURP618-13_A_rain.csv")
    assert worst(wet_refractivity_p453(t["lat"], t["lon"], maps=full_maps), t["N_wet"]) < TOLERANCE
    assert worst(rain_rate_p837_mm_h(t["lat"], t["lon"], maps=full_maps), t["R001"]) < TOLERANCE
    assert worst(rain_height_p839_km(t["lat"], t["lon"], maps=full_maps), rain_heights(t)) < TOLERANCE
    assert worst(read_climate(t["lat"], t["lon"], exceeded_percent=1.0, maps=full_maps).height_km, t["hs"]) < TOLERANCE
    assert worst(rain_probability_p837_percent(t["lat"], t["lon"], maps=full_maps) / 100.0, t["P0"]) < TOLERANCE


def test_gas_inputs_of_full_maps(shared, full_maps):
    t = read_example(shared, "ITURP676-12_A_gas.csv")
    place = read_example(shared, "ITURP840-8_cloud_attenuation.csv")
    assert worst(place["el"], t["el"]) == 0.0, "the two tables list the same cases in the same order"
    assert worst(surface_temperature_p1510(place["lat"], place["lon"], maps=full_maps), t["T"]) < TOLERANCE

    def vapour(lat, lon, p, height):
        return np.array([*water_vapour_p836(lat, lon, exceeded_percent=p, height_km=height, maps=full_maps)]).reshape(-1)

    found = each(vapour, place["lat"], place["lon"], place["p"], t["h"]).reshape(-1, 2)
    assert worst(found[:, 0], t["rho"]) < TOLERANCE
    assert worst(found[:, 1], t["V_t"]) < TOLERANCE


# --- totals --------------------------------------------------------------------------------------------------------------------------


def total_of_examples(t, maps=None):
    rows = [
        total_attenuation_p618(
            lat, lon, el, frequency_ghz=f, exceeded_percent=p, diameter_m=d, efficiency=eta, tilt_deg=tau, height_km=height, maps=maps
        )
        for lat, lon, el, f, p, d, eta, tau, height in zip(
            *(t[name] for name in ("lat", "lon", "el", "f", "p", "D", "eta", "tau")), HEIGHT(t), strict=True
        )
    ]
    return {
        name: np.concatenate([getattr(row, f"{name}_db") for row in rows]) for name in ("gas", "cloud", "rain", "scintillation", "total")
    }


def HEIGHT(t):
    """Without a height, the map's is taken."""
    return [None] * len(t["lat"])


def test_totals_of_full_maps(shared, full_maps):
    t = read_example(shared, "ITURP618-13_A_total.csv")
    found = total_of_examples(t, full_maps)
    wanted = {"gas": "A_gas_1", "cloud": "A_clouds_1", "rain": "A_rain", "scintillation": "A_scin", "total": "A_total"}
    assert {name: worst(found[name], t[column]) < TOLERANCE for name, column in wanted.items()} == dict.fromkeys(wanted, True)


def test_totals_of_reduced_maps(shared):
    t = read_example(shared, "ITURP618-13_A_total.csv")
    assert worst(total_of_examples(t)["total"], t["A_total"]) < TOLERANCE_REDUCED
