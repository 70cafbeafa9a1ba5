"""What changes between the two sides of a comparison, counted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

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
    served = [one.served.mean(axis=0) for one in (before, after)]
    limited = [(one.verdict == LIMITED).mean(axis=0) for one in (before, after)]
    listed = [one.listed_only.mean(axis=0) for one in (before, after)]
    free = [(one.verdict > LIMITED).mean(axis=0) for one in (before, after)]
    change = served[1] - served[0]
    lost = weight * np.maximum(-change, 0.0)

    def pair(shares: list[Floats]) -> tuple[float, float]:
        return float(weight @ shares[0]), float(weight @ shares[1])

    lives = Lives(
        total=float(weight.sum()),
        served=pair(served),
        limited=pair(limited),
        listed_only=pair(listed),
        gaining=float(weight @ np.maximum(change, 0.0)),
        losing=float(lost.sum()),
        limited_anew=float(weight @ np.minimum(free[0], limited[1])),
        freed_of_limit=float(weight @ np.minimum(limited[0], free[1])),
    )
    return lives, np.bincount(people.part[own], weights=lost[own], minlength=arms[0].cells).astype(np.float64)


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
    tables = [arm.own.terminals.counts.astype(np.float64) for arm in arms]
    lost = np.zeros(tables[0].shape)
    rows = []
    for column, name in enumerate(CLASSES):
        counts = [table[:, column] for table in tables]
        if not any(count.any() for count in counts):
            continue
        served, limited = zip(*(_serve_class(arm, name, count) for arm, count in zip(arms, counts, strict=True)), strict=True)
        change = served[1] - served[0]
        lost[:, column] = np.maximum(-change, 0.0)
        rows.append(
            ClassChange(
                name=name,
                terminals=max(float(count.sum()) for count in counts),
                served=(float(served[0].sum()), float(served[1].sum())),
                limited=(float(limited[0].sum()), float(limited[1].sum())),
                gaining=float(np.maximum(change, 0.0).sum()),
                losing=float(lost[:, column].sum()),
            )
        )
    return tuple(rows), lost


def _serve_class(arm: Arm, name: str, counts: Floats) -> tuple[Floats, Floats]:
    """Terminals of a class in each cell that are served, and of these at a limit."""
    if not counts.any():
        return np.zeros(arm.cells), np.zeros(arm.cells)
    shares = arm.share_cells(name)
    listed = np.nan_to_num(arm.listed_share)
    at_limit = (arm.standings[name].verdict == LIMITED).mean(axis=0)
    limited = np.bincount(arm.people.part, weights=arm.people.weight * at_limit)[: arm.cells]
    return counts * (shares.served + listed * shares.listed_only).mean(axis=0), counts * limited


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
        median_error_mbps=float(_find_error(*scenes("median_mbps"))),
        worst_tenth_error_mbps=float(_find_error(*scenes("worst_tenth_mbps"))),
        delivered_error_gbps=float(_find_error(*scenes("delivered_gbps"))),
        capacity_error_gbps=float(_find_error(*scenes("capacity_gbps"))),
    )


def _find_error(before: Floats, after: Floats) -> Floats:
    """Standard error of the mean change over scenes, first axis: both sides of a slot have the same satellites."""
    count = len(before)
    if count < 2 or len(after) != count:
        return np.full(before.shape[1:], np.nan)
    return np.asarray((after - before).std(axis=0, ddof=1) / np.sqrt(count))


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
                mean_error_mbps=float(_find_error(*rates)),
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
            error = float(_find_error(sides[0].landed_gbps, sides[1].landed_gbps))
            rows.append(GatewayChange(name, country, status, landed, (sides[0].own_gbps, sides[1].own_gbps), error))
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
