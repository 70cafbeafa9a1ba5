"""The user links of a market under one plant and one sky: what a channel of each pair, and each beam that is lit, carries."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.capacity.market import Market
from overflight.capacity.plant import Plant, Sky
from overflight.capacity.scenes import Scene
from overflight.radio.interference import InterferenceModel, find_interference, make_interference_model
from overflight.radio.link import LinkModel, channel_rates_mbps, make_link_model
from overflight.schedule.beams import BeamPlan

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class UserLinks:
    """Models of the user links.

    Attributes
    ----------
    down, up
        The links.
    interference
        Of beams that are lit; None: the nominal values stand for it.
    """

    down: LinkModel
    up: LinkModel
    interference: InterferenceModel | None


def make_user_links(operator: str, plant: Plant, *, computed: bool) -> UserLinks:
    """Put the user links of an operator together under a plant's parameters; ``computed``: interference follows from the beams."""
    models = [
        make_link_model(link, operator=operator, versions=plant.versions, parameters=plant.values) for link in ("user-down", "user-up")
    ]
    interference = make_interference_model(plant.down.frequency_ghz, parameters=plant.values) if computed else None
    return UserLinks(models[0], models[1], interference)


def rate_pairs(scene: Scene, links: UserLinks, plant: Plant, sky: Sky, *, threads: int = 1) -> tuple[Floats, Floats]:
    """Rate of a whole channel of each pair of a scene, down and up, Mbit/s of users' packets, with nominal interference."""
    found = []
    for model, table in ((links.down, sky.down), (links.up, sky.up)):
        rates = channel_rates_mbps(
            model,
            range_km=scene.range_km,
            elevation_deg=scene.elevation_deg,
            version=plant.version,
            satellite=scene.satellite,
            attenuation_db=table.at(scene.cell, scene.elevation_deg),
            threads=threads,
        )
        rates *= plant.values["protocol_share"]
        found.append(rates)
    return found[0], found[1]


def rate_beams(scene: Scene, plan: BeamPlan, links: UserLinks, plant: Plant, sky: Sky, market: Market, *, threads: int = 1) -> Floats:
    """Downlink rate of the channel of each lit beam, Mbit/s, with the interference that the beams make one another."""
    model = links.interference
    assert model is not None
    if not len(plan):
        return np.zeros(0)
    found = find_interference(
        model,
        cell=plan.cell,
        satellite=plan.satellite,
        channel=plan.channel,
        cells_km=np.ascontiguousarray(market.sites.ecef_km.T),
        positions_km=scene.positions_km,
        threads=threads,
    )
    pair = plan.pair
    rates = channel_rates_mbps(
        links.down,
        range_km=scene.range_km[pair],
        elevation_deg=scene.elevation_deg[pair],
        version=plant.version,
        satellite=plan.satellite,
        attenuation_db=sky.down.at(plan.cell, scene.elevation_deg[pair]),
        i_over_c=found.total + model.other_systems,
        threads=threads,
    )
    return rates * plant.values["protocol_share"]
