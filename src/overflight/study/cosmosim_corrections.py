"""How far CosmoSim's answer moves, step by step, with correct geometry and with Overflight's own link budget in place of its constants.

Each step keeps those before it. What stays the study's own throughout: its fleet, its instant, its terminals of 100 Mbit/s, its rules of
beams and its feeders.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.catalog.ground import Gateways
from overflight.catalog.parameters import parameter_values
from overflight.catalog.versions import read_versions
from overflight.radio.attenuation import CLEAR, Weather, make_attenuation_table
from overflight.radio.link import channel_rates_mbps, make_link_model
from overflight.sky.arc import DEFAULT_ARC_SEPARATION_DEG
from overflight.study.cosmosim import PUBLISHED, CaseAnswer, GeometryRules, PairRates, UserPairs, answer_case, look
from overflight.study.cosmosim_inputs import OPERATOR, Country

Floats = npt.NDArray[np.float64]

VERSION = "v1.5"
"""Satellites of the study's time and feeders (20.8 Gbit/s)."""

RAINY = Weather(exceeded_percent=1.0)
"""Attenuation that is exceeded for 1 % of the time in each cell."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One step away from the published rules.

    Attributes
    ----------
    name
        For options and JSON.
    title
        In words.
    reason
        Why the step is taken.
    rules
        Who sees whom.
    make_rates
        Makes the model of links; None: the study's constant.
    """

    name: str
    title: str
    reason: str
    rules: GeometryRules
    make_rates: Callable[[], PairRates] | None = None


@dataclass(frozen=True, slots=True)
class CorrectedCase:
    """A case under one step."""

    correction: Correction
    answer: CaseAnswer
    change: float | None
    """Relative to the step before; None for the first, and where there was nothing before."""
    change_from_published: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the step as JSON has it."""
        step = self.correction
        return {
            "step": step.name,
            "title": step.title,
            "reason": step.reason,
            "change": None if self.change is None else round(self.change, 5),
            "change_from_published": None if self.change_from_published is None else round(self.change_from_published, 5),
            **self.answer.to_dict(),
        }


def own_link_rates(weather: Weather = CLEAR) -> PairRates:
    """Overflight's link budget of a user's downlink as a model of links: satellites of one version, the built-in parameters.

    Parameters
    ----------
    weather
        Over all cells.
    """

    def rate_pairs(pairs: UserPairs) -> Floats:
        values, sites = parameter_values(), pairs.country.sites
        model = make_link_model("user-down", operator=OPERATOR)
        table = make_attenuation_table(
            sites.lat_deg,
            sites.lon_deg,
            frequency_ghz=model.plan.frequency_ghz,
            weather=weather,
            diameter_m=values["terminal_diameter_m"],
        )
        rates = channel_rates_mbps(
            model,
            range_km=pairs.range_km,
            elevation_deg=pairs.elevation_deg,
            version=np.full(len(pairs.cell), read_versions().row(OPERATOR, VERSION)),
            attenuation_db=table.at(pairs.cell, pairs.elevation_deg),
        )
        return rates * values["protocol_share"]

    return rate_pairs


CORRECTIONS = (
    Correction("published", "as published", "the study's own rules", PUBLISHED),
    Correction(
        "shell-range",
        "each shell's own slant range",
        "four shells of five went by the range of the 540-km shell",
        GeometryRules(reach="shell"),
    ),
    Correction(
        "elevation",
        "true elevation of 25° on WGS-84",
        "the range lets satellites serve from about 21° up, for cells and gateways",
        GeometryRules(reach="elevation"),
    ),
    Correction(
        "arc",
        "18° from the geostationary arc",
        "Ku-band user links keep away from it",
        GeometryRules(reach="elevation", arc_separation_deg=DEFAULT_ARC_SEPARATION_DEG),
    ),
    Correction(
        "link",
        "own link budget, clear sky",
        "a channel carries what its link allows, not 1,280 Mbit/s",
        GeometryRules(reach="elevation", arc_separation_deg=DEFAULT_ARC_SEPARATION_DEG),
        own_link_rates,
    ),
    Correction(
        "weather",
        "attenuation exceeded for 1 % of the time",
        "rain and clouds over every cell at once",
        GeometryRules(reach="elevation", arc_separation_deg=DEFAULT_ARC_SEPARATION_DEG),
        lambda: own_link_rates(RAINY),
    ),
    Correction(
        "gateway-masks",
        "gateways' own masks",
        "gateways beyond 62° of latitude see down to 5°",
        GeometryRules(reach="elevation", arc_separation_deg=DEFAULT_ARC_SEPARATION_DEG, gateway_masks="own"),
        lambda: own_link_rates(RAINY),
    ),
)
"""The steps, each with those before it."""


def correct_case(country: Country, gateways: Gateways, *, terminals: int, distribution: str, policy: str) -> list[CorrectedCase]:
    """Answer one case under every step of `CORRECTIONS`.

    Raises
    ------
    ScenarioError
        As `overflight.study.cosmosim.answer_case`.
    """
    found: list[CorrectedCase] = []
    for step in CORRECTIONS:
        seen = look(country, gateways, rules=step.rules, rates=None if step.make_rates is None else step.make_rates())
        answer = answer_case(seen, terminals=terminals, distribution=distribution, policy=policy)
        before = found[-1].answer.total_gbps if found else 0.0
        published = found[0].answer.total_gbps if found else answer.total_gbps
        found.append(CorrectedCase(step, answer, _change(answer.total_gbps, before), _change(answer.total_gbps, published)))
    return found


def _change(now: float, before: float) -> float | None:
    return now / before - 1.0 if before > 0.0 else None
