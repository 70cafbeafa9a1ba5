"""What changes between the two sides of a comparison, counted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from overflight.catalog.ground import Gateways
from overflight.earth.territory import list_territories
from overflight.service.classes import CLASSES
from overflight.service.contracts import Contract
from overflight.study.comparison.arms import Arm
from overflight.study.comparison.findings import (
    CellCounts,
    ClassChange,
    ContractCheck,
    GatewayChange,
    Keeping,
    Lives,
    NeighbourChange,
    Pair,
    RateChange,
)
from overflight.study.comparison.standing import LIMITED

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Arms = tuple[Arm, Arm]

_LEAST = 1e-9
"""Shares that differ by less are the same."""

_LEAST_LANDED = 1e-6
"""Gateways with less of all traffic on either side are not named."""


def count_lives(arms: Arms) -> tuple[Lives, Floats]:
    """People by how they stand, and those of each cell who lose service."""
    people, own = arms[0].people, arms[0].people.is_own
    weight = np.where(own, people.people, 0.0)
    before, after = (arm.headline for arm in arms)
    listed = [one.listed_only.mean(axis=0) for one in (before, after)]
    lost = weight * _meet(before.served, ~after.served)

    def pair(shares: Sequence[Floats]) -> Pair:
        return float(weight @ shares[0]), float(weight @ shares[1])

    lives = Lives(
        total=float(weight.sum()),
        served=pair([one.served.mean(axis=0) for one in (before, after)]),
        limited=pair([(one.verdict == LIMITED).mean(axis=0) for one in (before, after)]),
        listed_only=pair(listed),
        gaining=float(weight @ _meet(~before.served, after.served)),
        losing=float(lost.sum()),
        limited_anew=float(weight @ _meet(before.verdict > LIMITED, after.verdict == LIMITED)),
        freed_of_limit=float(weight @ _meet(before.verdict == LIMITED, after.verdict > LIMITED)),
    )
    return lives, np.bincount(people.part[own], weights=lost[own], minlength=arms[0].cells).astype(np.float64)


def _meet(before: Bools, after: Bools) -> Floats:
    """Share of the instants at which both hold at a point, shape (points,)."""
    return np.asarray((before & after).mean(axis=0))


def count_cells(before: Floats, after: Floats) -> CellCounts:
    """Cells by the share of them that is served, before and after, shape (cells,)."""

    def whole(served: Floats) -> int:
        return int((served >= 1.0 - _LEAST).sum())

    def partly(served: Floats) -> int:
        return int(((served > _LEAST) & (served < 1.0 - _LEAST)).sum())

    return CellCounts(
        total=len(before),
        whole=(whole(before), whole(after)),
        partly=(partly(before), partly(after)),
        gaining=int((after > before + _LEAST).sum()),
        losing=int((after < before - _LEAST).sum()),
    )


def count_classes(arms: Arms) -> tuple[tuple[ClassChange, ...], Floats]:
    """Terminals of each class, as estimated or given; and those of each cell and class that lose service, shape (cells, classes)."""
    cells = arms[0].cells
    lost = np.zeros((cells, len(CLASSES)))
    rows = []
    for column, name in enumerate(CLASSES):
        if not any(arm.own.terminals.counts[:, column].any() for arm in arms):
            continue
        before, after = (_serve_class(arm, name) for arm in arms)
        change = after.served - before.served
        losing = np.maximum(-change, 0.0).mean(axis=0)
        lost[:, column] = np.bincount(arms[0].people.part, weights=losing, minlength=cells)[:cells]
        rows.append(
            ClassChange(
                name=name,
                terminals=max(before.all, after.all),
                served=(float(before.served.mean(axis=0).sum()), float(after.served.mean(axis=0).sum())),
                limited=(before.limited, after.limited),
                gaining=float(np.maximum(change, 0.0).mean(axis=0).sum()),
                losing=float(losing.sum()),
            )
        )
    return tuple(rows), lost


class _Served(NamedTuple):
    """Terminals of a class: all, those served at each instant and point, and in the mean those served at a limit."""

    all: float
    served: Floats
    limited: float


def _serve_class(arm: Arm, name: str) -> _Served:
    at_point = arm.terminals_at(name)
    if not at_point.any():
        return _Served(0.0, np.zeros((1, len(at_point))), 0.0)
    standing = arm.standings[name]
    limited = float((at_point * (standing.verdict == LIMITED)).sum(axis=1).mean())
    return _Served(float(at_point.sum()), at_point * standing.share, limited)


def compare_rates(arms: Arms) -> RateChange:
    """Rates, and what the territory gets together."""

    def pair(name: str) -> Pair:
        before, after = (getattr(arm.figures, name) for arm in arms)
        return before, after

    def scenes(name: str) -> tuple[Floats, Floats]:
        before, after = (arm.figures.by_scene[name] for arm in arms)
        return before, after

    return RateChange(
        active_terminals=pair("active_terminals"),
        median_mbps=pair("median_mbps"),
        worst_tenth_mbps=pair("worst_tenth_mbps"),
        delivered_gbps=pair("delivered_gbps"),
        capacity_gbps=pair("capacity_gbps"),
        median_margin_mbps=float(_find_margin(*scenes("median_mbps"))),
        worst_tenth_margin_mbps=float(_find_margin(*scenes("worst_tenth_mbps"))),
        delivered_margin_gbps=float(_find_margin(*scenes("delivered_gbps"))),
        capacity_margin_gbps=float(_find_margin(*scenes("capacity_gbps"))),
    )


def _find_margin(before: Floats, after: Floats) -> Floats:
    """Half width of the interval that holds the mean change over scenes, first axis, in 95 of 100 cases (Student's t).

    Both sides of a slot have the same satellites and the same hour, so that their differences are what varies.
    """
    count = len(before)
    if count < 2 or len(after) != count:
        return np.full(before.shape[1:], np.nan)
    return np.asarray(stdtrit(count - 1, 0.975) * (after - before).std(axis=0, ddof=1) / np.sqrt(count))


def compare_neighbours(arms: Arms) -> tuple[NeighbourChange, ...]:
    """Territories that share the satellites, the greatest change first."""
    names = {row.code: (row.name, row.name_fr) for row in list_territories()}
    by_code = [_add_neighbours(arm) for arm in arms]
    nothing = np.zeros((2, 1))
    rows = []
    for code in sorted({*by_code[0], *by_code[1]}):
        sides = [side.get(code, nothing) for side in by_code]
        active, mbps = zip(*(side.mean(axis=1).tolist() for side in sides), strict=True)
        mean = [got / count if count > 0.0 else np.nan for got, count in zip(mbps, active, strict=True)]
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = [side[1] / side[0] for side in sides]
        name, name_fr = names.get(code, (code, code))
        rows.append(
            NeighbourChange(
                code=code,
                name=name,
                name_fr=name_fr,
                active_terminals=active,
                mean_mbps=(mean[0], mean[1]),
                delivered_gbps=(mbps[0] / 1000.0, mbps[1] / 1000.0),
                mean_margin_mbps=float(_find_margin(*rates)),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-abs(row.delivered_gbps[1] - row.delivered_gbps[0]), row.code)))


def _add_neighbours(arm: Arm) -> dict[str, Floats]:
    """Active terminals and what they get, Mbit/s, by territory, shape (2, scenes)."""
    others = ~arm.markets.union.own
    codes = np.array(arm.markets.other_codes)[others]
    tables = [arm.figures.by_scene[name][:, others] for name in ("active", "delivered_mbps")]
    return {str(code): np.stack([table[:, codes == code].sum(axis=1) for table in tables]) for code in np.unique(codes).tolist() if code}


def compare_gateways(arms: Arms) -> tuple[GatewayChange, ...]:
    """Gateways, the greatest change of load first; one that a side lacks lands nothing there."""
    by_place = [_add_gateways(arm) for arm in arms]
    whole = max(float(arm.figures.landed_gbps.sum()) for arm in arms)
    rows = []
    for place in {**by_place[0], **by_place[1]}:
        # What a side lacks lands nothing in any of its slots.
        sides = [side.get(place, _Landed(np.zeros(len(arm.rows)), 0.0)) for side, arm in zip(by_place, arms, strict=True)]
        landed = float(sides[0].landed_gbps.mean()), float(sides[1].landed_gbps.mean())
        if max(landed) > _LEAST_LANDED * whole:
            name, country, status = place[:3]
            margin = float(_find_margin(sides[0].landed_gbps, sides[1].landed_gbps))
            rows.append(GatewayChange(name, country, status, landed, (sides[0].own_gbps, sides[1].own_gbps), margin))
    return tuple(sorted(rows, key=lambda row: (-abs(row.landed_gbps[1] - row.landed_gbps[0]), -row.landed_gbps[1], row.name)))


class _Landed(NamedTuple):
    """What a gateway lands in each scene, shape (scenes,), and the territory's part of it in the mean, Gbit/s."""

    landed_gbps: Floats
    own_gbps: float


def _add_gateways(arm: Arm) -> dict[tuple[str, str, str, str], _Landed]:
    """What gateways land, by place, country, status and their own name."""
    table: Gateways | None = arm.fleet.gateways
    assert table is not None
    landed, own = arm.figures.by_scene["landed_gbps"], arm.figures.own_landed_gbps
    return {
        (table.city[row] or table.name[row], table.country[row], table.status[row], table.name[row]): _Landed(
            landed[:, row], float(own[row])
        )
        for row in range(len(table))
    }


def check_contracts(arms: Arms, contracts: Sequence[Contract]) -> tuple[ContractCheck, ...]:
    """Every contract, before and after."""
    return tuple(
        ContractCheck(
            name=contract.name,
            customer=contract.customer,
            territories=contract.territories,
            terminals=contract.terminals,
            terminal_class=contract.terminal_class,
            down_mbps=contract.down_mbps,
            up_mbps=contract.up_mbps,
            availability_percent=contract.availability_percent,
            value_per_year=contract.value_per_year,
            currency=contract.currency,
            before=_keep(contract, arms[0]),
            after=_keep(contract, arms[1]),
        )
        for contract in contracts
    )


def _keep(contract: Contract, arm: Arm) -> Keeping:
    """State of a contract on one side."""
    promise = next((one for one in arm.promises if one.contract == contract), None)
    if promise is None:
        return Keeping("not-agreed", np.nan, np.nan, np.nan, ())
    met = arm.figures.met.get(contract.name, np.nan)
    permission = promise.permissions[arm.column]
    if permission.served < 1.0 - _LEAST:
        state = "denied"
    elif permission.short > _LEAST:
        state = "limited"
    else:
        state = "short" if met < contract.availability_percent / 100.0 - _LEAST else "kept"
    return Keeping(state, permission.served, permission.short, met, permission.rules)
