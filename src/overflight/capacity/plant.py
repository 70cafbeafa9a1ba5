"""The technical side of capacity: what satellites, links and gateways can carry under one set of parameters and in one weather."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.capacity.market import Market
from overflight.catalog.parameters import parameter_values
from overflight.catalog.versions import SatelliteVersions, classify_versions
from overflight.flow.feeders import Landing, LoadAware, find_landing
from overflight.inputs import FleetInputs
from overflight.orbit.elements import ElementSets, mean_altitude_km
from overflight.radio.attenuation import CLEAR, AttenuationTable, Weather, make_attenuation_table
from overflight.radio.link import feeder_rates_gbps, make_link_model
from overflight.radio.maps import Maps
from overflight.radio.spectrum import ChannelPlan, channel_plan, licensed_mask
from overflight.scenario import CapacitySettings, WeatherSettings

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]

MBPS_PER_GBPS = 1000.0

FEEDER_ELEVATION_DEG = 45.0
"""Satellites stand about so high above the gateways that they use, in the middle."""
FEEDER_RANGE_KM = 700.0
"""How far they are then."""
GATEWAY_DIAMETER_M = 1.5


@dataclass(frozen=True, slots=True)
class Plant:
    """What there is to carry traffic with.

    Attributes
    ----------
    values
        Every parameter.
    version
        Row of each satellite in ``versions``, int32, shape (satellites,).
    versions
        The versions, at the place of their ranges that the parameters say.
    down, up
        Channel plans of the user links.
    licensed
        Mask of the downlink channels that may be used in each cell, uint32, shape (cells,).
    beams, beams_per_channel
        Downlink beams that a satellite can light, in all and on one channel, int32, shape (satellites,).
    uplink_beam_share
        Its uplink beams over its downlink beams, at most 1, shape (satellites,).
    satellite_mbps, satellite_up_mbps
        Most that a satellite carries to and from users, shape (satellites,).
    feeder_mbps, dish_mbps, laser_mbps
        What its links to gateways carry together, one of them, and each of its lasers, shape (satellites,).
    gateway_mbps
        What a gateway lands, shape (gateways,).
    gateway_share
        What the weather over a gateway leaves of its feeder links, shape (gateways,).
    pop_mbps
        What a PoP takes.
    """

    values: dict[str, float]
    versions: SatelliteVersions
    version: Integers
    down: ChannelPlan
    up: ChannelPlan
    licensed: npt.NDArray[np.uint32]
    beams: Integers
    beams_per_channel: Integers
    uplink_beam_share: Floats
    satellite_mbps: Floats
    satellite_up_mbps: Floats
    feeder_mbps: Floats
    dish_mbps: Floats
    laser_mbps: Floats
    gateway_mbps: Floats
    gateway_share: Floats
    pop_mbps: float


@dataclass(frozen=True, slots=True)
class Sky:
    """Attenuation over the cells of a market, down and up, in one weather."""

    weather: Weather
    down: AttenuationTable
    up: AttenuationTable


def make_plant(
    fleet: FleetInputs, market: Market, settings: CapacitySettings, parameters: dict[str, float], *, gateway_weather: Weather = CLEAR
) -> Plant:
    """Work out what a fleet can carry.

    Parameters
    ----------
    fleet
        Satellites and gateways.
    market
        Cells.
    settings
        Licensed channels.
    parameters
        Values in place of the built-in ones.
    gateway_weather
        Weather over the gateways.

    Raises
    ------
    ScenarioError
        If a channel is outside the band or a parameter is not known.
    """
    assert fleet.gateways is not None
    values = parameter_values(parameters)
    versions = SatelliteVersions.at(float(np.clip(values["version_position"], -1.0, 1.0)))
    version = classify_fleet(fleet.elements, fleet.operator)
    down, up = channel_plan(fleet.operator, "user-down"), channel_plan(fleet.operator, "user-up")
    ours = licensed_mask(down, settings.licensed_channels or None)
    kept = share_kept_by_weather(fleet, values, versions, gateway_weather)
    link_gbps = np.minimum(versions.feeder_gbps / np.maximum(versions.feeder_dishes, 1), values["feeder_gbps_dish"])
    dishes_gbps = values["gateway_dishes"] * values["feeder_gbps_dish"] * kept
    return Plant(
        values=values,
        versions=versions,
        version=version,
        down=down,
        up=up,
        licensed=np.where(market.own, ours, down.every_mask).astype(np.uint32),
        beams=versions.downlink_beams[version],
        beams_per_channel=versions.beams_per_channel[version],
        uplink_beam_share=np.minimum(1.0, versions.uplink_beams / np.maximum(versions.downlink_beams, 1))[version],
        satellite_mbps=MBPS_PER_GBPS * versions.throughput_gbps[version],
        satellite_up_mbps=MBPS_PER_GBPS * versions.uplink_gbps[version],
        feeder_mbps=MBPS_PER_GBPS * versions.feeder_gbps[version],
        dish_mbps=MBPS_PER_GBPS * link_gbps[version],
        laser_mbps=MBPS_PER_GBPS * versions.laser_gbps[version] * values["laser_use_share"],
        gateway_mbps=MBPS_PER_GBPS * np.minimum(dishes_gbps, values["backhaul_gbps_gateway"]),
        gateway_share=kept,
        pop_mbps=MBPS_PER_GBPS * values["pop_gbps"],
    )


def share_kept_by_weather(fleet: FleetInputs, values: dict[str, float], versions: SatelliteVersions, weather: Weather) -> Floats:
    """What the weather leaves of each gateway's feeder links in Ka band, of the worse of both directions, shape (gateways,).

    Counted for a satellite at `FEEDER_ELEVATION_DEG` of the version that carries most.
    """
    assert fleet.gateways is not None
    gateways = fleet.gateways
    count = len(gateways)
    if weather == CLEAR or not count:
        return np.ones(count)
    row = int(np.argmax(versions.feeder_gbps * np.array([name == fleet.operator for name in versions.operator], dtype=np.float64)))
    elevation_deg, kept = np.full(count, FEEDER_ELEVATION_DEG), np.ones(count)
    for link in ("feeder-down", "feeder-up"):
        model = make_link_model(link, operator=fleet.operator, versions=versions, parameters=values)
        pairs: dict[str, Any] = {
            "range_km": np.full(count, FEEDER_RANGE_KM),
            "elevation_deg": elevation_deg,
            "version": np.full(count, row, dtype=np.int32),
        }
        db = [
            make_attenuation_table(
                gateways.lat_deg, gateways.lon_deg, frequency_ghz=model.plan.frequency_ghz, weather=sky, diameter_m=GATEWAY_DIAMETER_M
            ).at(np.arange(count), elevation_deg)
            for sky in (CLEAR, weather)
        ]
        clear, wet = (feeder_rates_gbps(model, **pairs, attenuation_db=lost, cap_gbps=values["feeder_gbps_dish"]) for lost in db)
        kept = np.minimum(kept, np.divide(wet, clear, out=np.zeros(count), where=clear > 0.0))
    return kept


def make_landing(name: str, values: dict[str, float]) -> Landing:
    """A landing rule by its name; by load, each gateway follows as many satellites as it has dishes."""
    if name == "load-aware":
        return LoadAware(satellites_per_gateway=max(1, round(values["gateway_dishes"])))
    return find_landing(name)


def classify_fleet(elements: ElementSets, operator: str) -> Integers:
    """Row of each satellite's version in `overflight.catalog.versions.read_versions`."""
    return classify_versions(
        operator,
        norad_id=elements.norad_id,
        inclination_deg=elements.inclination_deg,
        altitude_km=mean_altitude_km(elements),
    )


def make_sky(market: Market, operator: str, weather: Weather, *, diameter_m: float, maps: str | None = None, threads: int = 1) -> Sky:
    """Tabulate attenuation over the cells of a market, for terminals of a diameter; ``maps`` is a folder of the full digital maps.

    Raises
    ------
    DataMissingError
        If a map is not in the folder.
    """
    tables = [
        make_attenuation_table(
            market.sites.lat_deg,
            market.sites.lon_deg,
            frequency_ghz=channel_plan(operator, link).frequency_ghz,
            weather=weather,
            diameter_m=diameter_m,
            maps=None if maps is None else _read_maps(maps),
            threads=threads,
        )
        for link in ("user-down", "user-up")
    ]
    return Sky(weather, *tables)


@cache
def _read_maps(folder: str) -> Maps:
    return Maps.from_folder(folder)


def read_weather(settings: WeatherSettings) -> Weather:
    """The weather of a scenario."""
    if settings.exceeded_percent is not None:
        return Weather(exceeded_percent=settings.exceeded_percent)
    if settings.state == "clear":
        return CLEAR
    rain_mm_h = settings.rain_mm_h if settings.state == "rain" else 0.0
    return Weather(liquid_kg_m2=settings.cloud_kg_m2, rain_mm_h=rain_mm_h, rain_width_km=settings.rain_width_km)
