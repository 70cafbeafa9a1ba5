"""CosmoSim's chain, one country and one instant, from positions to the total: Great Britain, 200,000 terminals."""

from functools import cache
from pathlib import Path

from benchmarks.harness import Case
from overflight.catalog.ground import Gateways
from overflight.study.cosmosim import CaseAnswer, CountryLook, answer_case, fleet, look
from overflight.study.cosmosim_corrections import CorrectedCase, correct_case
from overflight.study.cosmosim_inputs import Country, find_country, gather_gateways

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
TERMINALS = 200_000
FLOPS = 4e9
"""Additions and comparisons that one core does in a second when they do not wait for memory."""


@cache
def read_country() -> Country:
    """Great Britain: the study's cells where they are here, else the built-in ones; with neighbours and centres, which do not change."""
    path = SHARED / "data/cells/britain.txt"
    country, _ = find_country(str(path) if path.is_file() else "GB")
    assert country.neighbours.size
    assert country.points_km.size
    return country


@cache
def read_gateways() -> Gateways:
    """The study's gateways where they are here, else the built-in ones."""
    path = SHARED / "data/ground/cosmosim_gateways.txt"
    return gather_gateways(path if path.is_file() else None)[0]


@cache
def see_country() -> CountryLook:
    """What cases of the country share."""
    return look(read_country(), read_gateways())


def answer_from_positions(policy: str) -> CaseAnswer:
    """Positions, links, terminals, beams, feeders, flow."""
    return answer_case(look(read_country(), read_gateways()), terminals=TERMINALS, distribution="waterfill", policy=policy)


def answer_many() -> list[CaseAnswer]:
    """Twenty cases of one look."""
    return [
        answer_case(see_country(), terminals=terminals, distribution=distribution, policy=policy)
        for terminals in (1_000, 10_000, 50_000, 200_000, 1_000_000)
        for distribution in ("population", "waterfill")
        for policy in ("coordinated", "uncoordinated")
    ]


def correct() -> list[CorrectedCase]:
    """Every correction of one case."""
    return correct_case(read_country(), read_gateways(), terminals=TERMINALS, distribution="waterfill", policy="coordinated")


def cases() -> list[Case]:
    """Cases of CosmoSim's chain."""
    seen, cells = see_country(), len(read_country())
    satellites, pairs = len(fleet().shell), len(seen.satellite)
    links = (2.0 * 8.0 * len(read_gateways()) * satellites + 8.0 * pairs) / FLOPS
    beams = 8.0 * 3.0 * pairs / FLOPS
    note = "each gateway with each satellite twice, each pair of a cell once and, for beams, 8 times"
    return [
        *(
            Case(
                f"CosmoSim's chain, {policy}, Great Britain, {TERMINALS:,} terminals, positions to total",
                limit_s=0.3,
                floor_s=links + beams,
                floor_note=note,
                run=lambda policy=policy: answer_from_positions(policy),  # type: ignore[misc]
                repeats=15,
            )
            for policy in ("coordinated", "uncoordinated")
        ),
        Case(
            f"CosmoSim's chain, 20 cases of one look, {cells:,} cells",
            limit_s=2.0,
            floor_s=20.0 * beams,
            floor_note="each pair of a cell 8 times a case",
            run=answer_many,
        ),
        Case(
            "CosmoSim's chain, seven steps of corrections",
            limit_s=3.0,
            floor_s=7.0 * (links + beams),
            floor_note="seven times the first",
            run=correct,
            repeats=3,
        ),
    ]
