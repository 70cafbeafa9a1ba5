"""``overflight cosmosim``: a national total by CosmoSim's rules, and how far it moves when they are corrected."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overflight.cli._shared import JsonOption, StrictOption, in_words, say, write_json

if TYPE_CHECKING:
    from overflight.catalog.ground import Gateways
    from overflight.study.cosmosim import CaseAnswer
    from overflight.study.cosmosim_corrections import CorrectedCase
    from overflight.study.cosmosim_inputs import Country

MASKS = {"published": "published", "true": "elevation"}

_IDLE = "warning.country_by_position"
"""Said by the reader of gateways; their countries do not matter here."""


def cosmosim(
    cells: Annotated[
        str,
        typer.Argument(
            metavar="CELLS", help="File of cells (h3_index,population), or a territory's code, name or GeoJSON file.", show_default=False
        ),
    ],
    terminals: Annotated[int, typer.Option("--terminals", metavar="N", help="Number of terminals of 100 Mbit/s.", show_default=False)],
    distribution: Annotated[
        str, typer.Option("--distribution", metavar="NAME", help="population, waterfill or waterfill_variant_K (K people and more).")
    ] = "waterfill",
    policy: Annotated[str, typer.Option("--policy", metavar="NAME", help="coordinated or uncoordinated.")] = "coordinated",
    gateways: Annotated[
        Path | None,
        typer.Option(
            "--gateways", metavar="FILE", help="File of gateways: the study's own, CSV or JSON. Default: built in.", show_default=False
        ),
    ] = None,
    mask: Annotated[
        str, typer.Option("--mask", metavar="NAME", help="published (a slant range, about 21°) or true (25° of elevation).")
    ] = "published",
    corrections: Annotated[bool, typer.Option("--corrections", help="Correct geometry and links step by step.")] = False,  # noqa: FBT002
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Compute a national capacity as CosmoSim (IMC 2025) does: 6,364 satellites, one instant."""
    from overflight.errors import ScenarioError
    from overflight.study.cosmosim import GeometryRules, answer_case, check_case, look
    from overflight.study.cosmosim_corrections import correct_case
    from overflight.study.cosmosim_inputs import find_country, gather_gateways

    if mask not in MASKS:
        msg = f"mask '{mask}': unknown; take published or true"
        raise ScenarioError(msg)
    if corrections and mask != "published":
        msg = "--corrections begins with the published mask and goes on to the true one; leave --mask out"
        raise ScenarioError(msg)
    case: dict[str, Any] = {"terminals": terminals, "distribution": distribution, "policy": policy}
    check_case(**case)
    country, intake = find_country(cells, strict=strict)
    known, gateway_intake = gather_gateways(gateways, strict=strict)
    warnings = _tell(country, [(intake, "cells"), (gateway_intake, "gateways")], has_own_gateways=gateways is not None)
    head = _describe(country, known, warnings) | {"case": case | {"mask": mask}}
    if corrections:
        found = correct_case(country, known, **case)
        if as_json:
            write_json(head | {"corrections": [step.to_dict() for step in found]})
        else:
            _print_steps(found)
        return
    seen = look(country, known, rules=GeometryRules(reach="elevation" if MASKS[mask] == "elevation" else "published"))
    answer = answer_case(seen, **case)
    if as_json:
        write_json(head | answer.to_dict())
    else:
        _print_answer(country, known, answer)


def _tell(country: "Country", intakes: list[tuple[Any, str]], *, has_own_gateways: bool) -> list[str]:
    """Warn of what was left out and of what is not the study's; returns the warnings."""
    warnings: list[str] = []
    for intake, what in intakes:
        if intake is not None:
            wanted = tuple(warning for warning in intake.warnings if getattr(warning, "key", "") != _IDLE)
            warnings += replace(intake, warnings=wanted).notices(what)
    if country.is_own_table:
        warnings.append(f"{country.name}: cells and people are Overflight's own table; published totals need the study's file of cells")
    if not has_own_gateways:
        warnings.append("gateways are the built-in list; published totals need the study's own list (--gateways)")
    for warning in warnings:
        say(f"warning: {warning}")
    return warnings


def _describe(country: "Country", gateways: "Gateways", warnings: list[str]) -> dict[str, Any]:
    return {
        "country": {
            "name": country.name,
            "cells": len(country),
            "population": round(float(country.population.sum())),
            "source": "built-in table" if country.is_own_table else "file",
        },
        "gateways": len(gateways),
        "warnings": warnings,
    }


def _print_answer(country: "Country", gateways: "Gateways", answer: "CaseAnswer") -> None:
    say(
        f"{country.name}: {in_words(len(country), 'cell', 'cells')}, {in_words(len(gateways), 'gateway', 'gateways')}; "
        f"{sum(answer.seconds.values()):.3f} s"
    )
    rows = (
        ("capacity", f"{answer.total_gbps:,.2f} Gbit/s"),
        ("of which over lasers", f"{answer.over_lasers_gbps:,.2f} Gbit/s"),
        ("asked for by beams", f"{answer.demand_gbps:,.2f} Gbit/s"),
        ("cells with capacity", f"{answer.cells_with_capacity:,} of {answer.cells_asking:,} with terminals"),
        ("terminals", f"{answer.terminals:,}"),
        ("beams", f"{answer.beams:,}"),
        ("satellites", f"{answer.satellites_lit:,} of {answer.satellites_in_view:,} in view"),
        ("feeder beams", f"{answer.feeder_beams:,}"),
    )
    for name, value in rows:
        print(f"{name:<22} {value}")


def _print_steps(found: "list[CorrectedCase]") -> None:
    print(f"{'step':<42} {'Gbit/s':>10} {'step':>8} {'in all':>8}  why")
    for one in found:
        shares = ["–" if share is None else f"{share:+.1%}" for share in (one.change, one.change_from_published)]
        step = one.correction
        print(f"{step.title:<42} {one.answer.total_gbps:>10,.2f} {shares[0]:>8} {shares[1]:>8}  {step.reason}")
