"""What the capacity of a territory would be otherwise: other weather, other rules, other values of every parameter, draws of them all.

Everything here is worked out on the same few scenes, so that differences are those of what was changed. Scenes do not change with radio
parameters or demand; beams, rates and flows are worked out anew for each variant.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from overflight.capacity.chain import SlotResult
from overflight.capacity.links import make_user_links
from overflight.capacity.market import Market
from overflight.capacity.plant import make_landing, make_plant, make_sky
from overflight.capacity.scenes import Scene
from overflight.capacity.twin import CapacityTwin, Case, saturate
from overflight.catalog.parameters import Parameter, draw_parameters, list_parameters
from overflight.flow.feeders import LANDINGS
from overflight.flow.summary import weighted_quantile
from overflight.radio.attenuation import CLEAR, Weather
from overflight.service.classes import DEFAULT_CLASS, find_class
from overflight.study.capacity_findings import Band, Swing, Uncertainty, Variant

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

WEATHER_PERCENT = (1.0, 0.1, 0.01)
"""Percentages of the time whose attenuation a report shows beside a clear sky."""

INCUMBENTS_RANGE = (0.5, 2.0)
"""Terminals elsewhere are varied between these multiples: the world's total is announced, its spread over territories is a rule."""

OWN_QUANTITIES = ("terminals", "active_share", "asked_mbps", "incumbents")
"""What is varied besides the table of parameters."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What some scenes gave under one case.

    Attributes
    ----------
    median_mbps, worst_tenth_mbps
        Rate of an active terminal of the territory.
    delivered_gbps, capacity_gbps
        What its terminals get, and would get if they asked for ever more, by scene, shape (scenes,).
    others_mbps
        Mean rate of an active terminal elsewhere; NaN without any.
    least_mbps
        Least rate of any terminal of the territory, in the worst scene, if all asked for ever more.
    """

    median_mbps: float
    worst_tenth_mbps: float
    delivered_gbps: Floats
    capacity_gbps: Floats
    others_mbps: float
    least_mbps: float


def work_case(twin: CapacityTwin, scenes: Sequence[Scene], case: Case) -> Outcome:
    """Work scenes out under a case, each by itself, as asked for and with the territory asking for ever more."""
    own = case.market.own
    rates, weights, delivered, capacity = [], [], [], []
    others, others_active, least = 0.0, 0.0, math.inf
    full = saturate(case)
    for scene in scenes:
        result = twin.work_scene(scene, case)
        ours = own[result.groups.cell]
        rate, weight = own_rates(result, own)
        rates.append(rate)
        weights.append(weight)
        delivered.append(result.down_mbps[ours].sum() / 1000.0)
        others += float(result.down_mbps[~ours].sum())
        others_active += float(result.active[~own].sum())
        most = twin.work_scene(scene, full)
        capacity.append(most.down_mbps[own[most.groups.cell]].sum() / 1000.0)
        least = min(least, _least_rate(most, own))
    worst, median = (float(value) for value in weighted_quantile(np.concatenate(rates), np.concatenate(weights), (0.1, 0.5)))
    mean_others = others / others_active if others_active else math.nan
    return Outcome(median, worst, np.array(delivered), np.array(capacity), mean_others, least if math.isfinite(least) else math.nan)


def own_rates(
    result: SlotResult, own: npt.NDArray[np.bool_], *, classes: int | None = None, active: Floats | None = None
) -> tuple[Floats, Floats]:
    """Rates of active terminals of some cells, group by group, and how many terminals have each; in cells without a beam they have none.

    With ``classes`` only the first so many classes are looked at, of which ``active`` are the active terminals of each cell.
    """
    groups = result.groups
    ours = own[groups.cell] if classes is None else own[groups.cell] & (groups.of_class < classes)
    active = result.active if active is None else active
    unlit = own & (active > 0.0) & (np.bincount(result.plan.cell, minlength=len(own)) == 0)
    rates = np.append(result.down_mbps[ours] / groups.terminals[ours], np.zeros(int(unlit.sum())))
    return rates, np.append(groups.terminals[ours], active[unlit])


def _least_rate(result: SlotResult, own: npt.NDArray[np.bool_]) -> float:
    """Least rate of a terminal of the territory: 0 where a cell has terminals and no beam."""
    lit = np.bincount(result.plan.cell, minlength=len(own)) > 0
    if (own & (result.active > 0.0) & ~lit).any():
        return 0.0
    ours = own[result.groups.cell]
    return float((result.down_mbps[ours] / result.groups.terminals[ours]).min(initial=math.inf))


def list_variants(twin: CapacityTwin, base: Outcome, scenes: Sequence[Scene]) -> tuple[Variant, ...]:
    """The answer in other weather, by other landings, and without anybody elsewhere."""
    case, rows = twin.case, []
    now = case.sky.weather
    for percent in (None, *WEATHER_PERCENT):
        weather = CLEAR if percent is None else Weather(exceeded_percent=percent)
        label = "clear" if percent is None else f"{percent:g}"
        outcome = base if weather == now else work_case(twin, scenes, with_weather(twin, case, weather))
        rows.append(_variant("weather", math.nan if percent is None else percent, label, outcome, is_default=weather == now))
    for name in LANDINGS:
        is_default = twin.own.landing is None and twin.settings.landing == name
        other = replace(case, rules=replace(case.rules, landing=make_landing(name, case.plant.values)))
        outcome = base if is_default else work_case(twin, scenes, other)
        rows.append(_variant("landing", math.nan, name, outcome, is_default=is_default))
    if not case.market.own.all():
        rows.append(_variant("others", 0.0, "off", work_case(twin, scenes, scale_others(case, 0.0)), is_default=False))
    return tuple(rows)


def _variant(name: str, value: float, label: str, outcome: Outcome, *, is_default: bool) -> Variant:
    return Variant(
        name=name,
        value=value,
        label=label,
        is_default=is_default,
        median_mbps=outcome.median_mbps,
        worst_tenth_mbps=outcome.worst_tenth_mbps,
        delivered_gbps=float(outcome.delivered_gbps.mean()),
        capacity_gbps=float(outcome.capacity_gbps.mean()),
        others_mbps=outcome.others_mbps,
    )


def with_weather(twin: CapacityTwin, case: Case, weather: Weather) -> Case:
    """The same case under another sky, over the gateways too where the scenario has it so."""
    if twin.inputs.scenario.weather.gateways == "same" and weather != case.sky.weather:
        plant = make_plant(twin.fleet, case.market, twin.settings, case.plant.values, gateway_weather=weather)
        case = replace(case, plant=plant)
    diameter_m = case.plant.values["terminal_diameter_m"]
    maps = twin.inputs.scenario.weather.maps
    return replace(case, sky=make_sky(case.market, twin.fleet.operator, weather, diameter_m=diameter_m, maps=maps))


def with_parameters(twin: CapacityTwin, case: Case, values: dict[str, float]) -> Case:
    """The same case with other values of parameters, those of the scenario kept."""
    wet = case.sky.weather if twin.inputs.scenario.weather.gateways == "same" else CLEAR
    plant = make_plant(twin.fleet, case.market, twin.settings, {**case.plant.values, **values}, gateway_weather=wet)
    computed = case.links.interference is not None
    links = make_user_links(twin.fleet.operator, plant, computed=computed, coding=twin.settings.coding)
    rules = case.rules if twin.own.landing is not None else replace(case.rules, landing=make_landing(twin.settings.landing, plant.values))
    changed = replace(case, plant=plant, links=links, rules=rules)
    return with_weather(twin, changed, case.sky.weather) if "terminal_diameter_m" in values else changed


def scale_others(case: Case, factor: float) -> Case:
    """The same case with so many times the terminals elsewhere."""
    market = case.market
    scaled = np.where(market.own[:, None], market.terminals, market.terminals * factor)
    return replace(case, market=replace(market, terminals=scaled))


def scale_own(case: Case, name: str, factor: float) -> Case:
    """The same case with a quantity of the territory's own terminals multiplied: ``terminals``, ``active_share`` or ``down_mbps``."""
    market: Market = case.market
    column = getattr(market, name)
    scaled = np.where(market.own[:, None], column * factor, column)
    if name == "active_share":
        scaled = np.minimum(scaled, 1.0)
    return replace(case, market=replace(market, **{name: scaled}))


def scale_terminals(twin: CapacityTwin, case: Case, factor: float) -> Case:
    """The same case with so many times the territory's terminals; of failover, each then carries so much less of the same traffic."""
    case = scale_own(case, "terminals", factor)
    if twin.demand.demand.kind == "failover" and factor > 0.0:
        case = scale_own(scale_own(case, "down_mbps", 1.0 / factor), "up_mbps", 1.0 / factor)
    return case


@dataclass(frozen=True, slots=True)
class _Range:
    """A quantity with its range, and the case that a value of it makes."""

    name: str
    low: float
    value: float
    high: float
    unit: str
    status: str
    make: Callable[[float], Case]


def _list_ranges(twin: CapacityTwin) -> list[_Range]:
    """All that is varied: parameters of the table with a range, and the four of `OWN_QUANTITIES`."""
    case, demand = twin.case, twin.demand
    ranges = [_of_parameter(twin, parameter) for parameter in list_parameters() if parameter.low < parameter.high]
    total = demand.terminals.total
    if demand.low < demand.high and total:
        status = demand.terminals.status
        ranges.append(
            _Range("terminals", demand.low, total, demand.high, "1", status, lambda value: scale_terminals(twin, case, value / total))
        )
    if demand.demand.kind != "failover":
        consumer = find_class(DEFAULT_CLASS)
        low, high = consumer.ranges["active_share"]
        share = consumer.active_share
        ranges.append(
            _Range("active_share", low, share, high, "1", consumer.status, lambda value: scale_own(case, "active_share", value / share))
        )
    if demand.demand.kind == "broadband":
        low, high = consumer.ranges["down_mbps"]
        asked = consumer.down_mbps
        ranges.append(
            _Range("asked_mbps", low, asked, high, "Mbit/s", consumer.status, lambda value: scale_own(case, "down_mbps", value / asked))
        )
    if not case.market.own.all():
        now, (low, high) = twin.settings.incumbents, INCUMBENTS_RANGE
        ranges.append(_Range("incumbents", low * now, now, high * now, "1", "assumed", lambda value: scale_others(case, value / now)))
    return ranges


def _of_parameter(twin: CapacityTwin, parameter: Parameter) -> _Range:
    value = twin.case.plant.values[parameter.name]
    low, high = min(parameter.low, value), max(parameter.high, value)
    return _Range(
        parameter.name,
        low,
        value,
        high,
        parameter.unit,
        parameter.status,
        lambda changed: with_parameters(twin, twin.case, {parameter.name: changed}),
    )


def find_swings(twin: CapacityTwin, scenes: Sequence[Scene], *, threads: int, progress: Progress) -> tuple[Swing, ...]:
    """Vary every quantity over its range, one at a time; the widest swing of capacity or median rate comes first."""
    ranges = _list_ranges(twin)
    tasks = [(row, value) for row in ranges for value in (row.low, row.high)]
    outcomes = _work_all(twin, scenes, [partial(row.make, value) for row, value in tasks], threads, progress)
    base = work_case(twin, scenes, twin.case)
    swings = []
    for number, row in enumerate(ranges):
        low, high = outcomes[2 * number], outcomes[2 * number + 1]
        if _is_same(low, high):
            continue  # of a band or a link that these satellites do not use, or in a sky that it does not matter in
        swings.append(
            Swing(
                name=row.name,
                low=row.low,
                value=row.value,
                high=row.high,
                unit=row.unit,
                status=row.status,
                median_low_mbps=low.median_mbps,
                median_high_mbps=high.median_mbps,
                capacity_low_gbps=float(low.capacity_gbps.mean()),
                capacity_high_gbps=float(high.capacity_gbps.mean()),
            )
        )
    capacity = max(float(base.capacity_gbps.mean()), 1e-9)
    median = max(base.median_mbps, 1e-9) if math.isfinite(base.median_mbps) else 1.0
    return tuple(sorted(swings, key=lambda row: (-_width(row, median, capacity), row.name)))


def _is_same(first: Outcome, second: Outcome) -> bool:
    return np.array_equal([first.median_mbps, *first.capacity_gbps], [second.median_mbps, *second.capacity_gbps], equal_nan=True)


def _width(row: Swing, median: float, capacity: float) -> float:
    """Widest relative swing of either figure."""
    widths = (abs(row.capacity_high_gbps - row.capacity_low_gbps) / capacity, abs(row.median_high_mbps - row.median_low_mbps) / median)
    return max(width for width in (*widths, 0.0) if math.isfinite(width))


def find_uncertainty(
    twin: CapacityTwin, scenes: Sequence[Scene], *, draws: int, seed: int, threads: int, progress: Progress
) -> Uncertainty:
    """Draw all quantities from their ranges at once and work scenes out under each draw."""
    ranges = _list_ranges(twin)
    parameters = draw_parameters(draws, seed)
    fixed = {parameter.name for parameter in list_parameters() if twin.settings.parameters.get(parameter.name) is not None}
    own = {row.name: _draw_own(row, draws, seed) for row in ranges if row.name in OWN_QUANTITIES}

    def make(draw: int) -> Case:
        values = {name: float(column[draw]) for name, column in parameters.items() if name not in fixed}
        case = with_parameters(twin, twin.case, values)
        if "terminals" in own:
            case = scale_terminals(twin, case, float(own["terminals"][draw]))
        for name, quantity in (("active_share", "active_share"), ("asked_mbps", "down_mbps")):
            if name in own:
                case = scale_own(case, quantity, float(own[name][draw]))
        return scale_others(case, float(own["incumbents"][draw])) if "incumbents" in own else case

    outcomes = _work_all(twin, scenes, [partial(make, draw) for draw in range(draws)], threads, progress)
    figures = {
        "median_mbps": [row.median_mbps for row in outcomes],
        "worst_tenth_mbps": [row.worst_tenth_mbps for row in outcomes],
        "delivered_gbps": [float(row.delivered_gbps.mean()) for row in outcomes],
        "capacity_gbps": [float(row.capacity_gbps.mean()) for row in outcomes],
    }
    bands = tuple(Band(name, *_percentiles(values)) for name, values in figures.items())
    by_scene = np.percentile(np.stack([row.delivered_gbps for row in outcomes]), (10, 50, 90), axis=0)
    return Uncertainty(draws, seed, bands, np.array([scene.instant for scene in scenes]), by_scene)


def _percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Tenth, fiftieth and ninetieth percentile of what is known; NaN where nothing is, as of rates where nobody asks for any."""
    known = [value for value in values if math.isfinite(value)]
    p10, p50, p90 = (float(value) for value in np.percentile(known, (10, 50, 90))) if known else (math.nan, math.nan, math.nan)
    return p10, p50, p90


def _draw_own(row: _Range, draws: int, seed: int) -> Floats:
    """Multiples of a quantity's value, triangular in the logarithm: ranges of estimates are factors, not differences."""
    low, high = math.log(max(row.low, 1e-12) / row.value), math.log(row.high / row.value)
    rng = np.random.default_rng([seed, OWN_QUANTITIES.index(row.name)])
    return np.asarray(np.exp(rng.triangular(low, 0.0, high, draws))) if low < high else np.ones(draws)


def _work_all(
    twin: CapacityTwin, scenes: Sequence[Scene], makers: Iterable[Callable[[], Case]], threads: int, progress: Progress
) -> list[Outcome]:
    """Work many cases out, some at a time, in the order given."""
    tasks = list(makers)
    found = []
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for number, outcome in enumerate(pool.map(lambda make: work_case(twin, scenes, make()), tasks), start=1):
            found.append(outcome)
            progress(number / len(tasks))
    return found
