"""``overflight terminals``: terminals' position reports against a policy, and synthetic fleets to try it with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overflight.cli._shared import JsonOption, in_words, say, show_progress, within, write_json

if TYPE_CHECKING:
    from overflight.service.audit import Audited
    from overflight.service.synthetic import Scores

app = typer.Typer(help="Terminals' position reports against a policy.", no_args_is_help=True, rich_markup_mode=None)

PolicyOption = Annotated[str, typer.Option("--policy", metavar="POLICY", help="Policy in TOML, or 'public', the built-in one.")]


@app.command(short_help="Audit position reports against a policy.")
def audit(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Position reports in CSV (may be gzipped) or Parquet; - is standard input.", show_default=False
        ),
    ],
    policy: PolicyOption = "public",
    registry: Annotated[
        Path | None,
        typer.Option("--registry", metavar="FILE", help="Register in CSV: terminal, class, owner, home.", show_default=False),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", metavar="FILE", help="Truth of a synthetic fleet: precision and recall are measured.", show_default=False),
    ] = None,
    position_error: Annotated[
        float,
        typer.Option(
            "--position-error", metavar="KM", help="Error of a position that explains a verdict away.", callback=within(0.0, 100.0, "km")
        ),
    ] = 1.0,
    confirm: Annotated[int, typer.Option("--confirm", metavar="N", min=1, help="Reports on end that must say the same.")] = 3,
    confirm_minutes: Annotated[
        float, typer.Option("--confirm-minutes", metavar="M", help="Minutes that they must span.", callback=within(0.0, 1e6, "minutes"))
    ] = 30.0,
    fastest: Annotated[
        float,
        typer.Option("--fastest", metavar="KMH", help="No terminal travels faster, km/h.", callback=within(0.0, 1e5, "km/h", above=True)),
    ] = 1200.0,
    geojson: Annotated[
        Path | None, typer.Option("--geojson", metavar="FILE", help="Write findings as GeoJSON points.", show_default=False)
    ] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Draw findings on a map: .svg or .png.", show_default=False)
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Audit position reports: terminals where they are not allowed, not listed, too long abroad, too fast, or in two places at once."""
    import json

    from overflight.service.audit import Audit, AuditSettings
    from overflight.service.compiled import compile_policy
    from overflight.service.policy import PolicyError, load_policy
    from overflight.service.reading import Faults, read_registry, stream_reports
    from overflight.service.synthetic import read_truth, score_audit
    from overflight.service.verdicts import prepare_policy

    if map_file is not None and map_file.suffix.lower() not in {".svg", ".png"}:
        msg = f"--map {map_file}: give a file that ends in .svg or .png"
        raise PolicyError(msg)
    known: dict[str, Any] = {}
    expected = None if truth is None else read_truth(truth)
    if registry is not None:
        known, intake = read_registry(registry)
        for notice in intake.notices("terminals"):
            say(f"warning: {notice}")
    faults = Faults()
    blocks = stream_reports(file, faults)
    loaded = load_policy(policy)
    first = next(blocks, None)
    settings = AuditSettings(
        position_error_km=position_error, confirm_reports=confirm, confirm_minutes=confirm_minutes, fastest_kmh=fastest
    )
    running = Audit(compile_policy(prepare_policy(loaded)), known, settings)
    total = Path(file).stat().st_size if file != "-" and Path(file).is_file() else 0
    with show_progress("reports") as progress:
        while first is not None:
            running.add(first)
            progress(min(1.0, 50.0 * running.read / total) if total else 0.0)
            first = next(blocks, None)
    done = running.finish(faults)
    for example in faults.examples:
        say(f"warning: {example}")
    scores = None if expected is None else score_audit(done, expected)
    if geojson is not None:
        geojson.write_text(json.dumps(done.to_geojson(), ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"{geojson}: {in_words(len(done.suspicions), 'finding', 'findings')}")
    if map_file is not None:
        from overflight.cli._policy_map import draw_findings

        draw_findings(loaded, done, map_file)
        say(f"{map_file}: drawn")
    if as_json:
        write_json(done.to_dict() | ({} if scores is None else {"scores": {kind: one.to_dict() for kind, one in scores.items()}}))
        return
    _print_audit(done, scores)


@app.command(short_help="Make a synthetic fleet with known truth.")
def generate(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for reports.csv, registry.csv and truth.csv.", show_default=False)
    ],
    terminals: Annotated[int, typer.Option("--terminals", metavar="N", min=1, max=1_000_000, help="Terminals.")] = 1000,
    days: Annotated[float, typer.Option("--days", metavar="D", help="Days.", callback=within(1.0, 3660.0, "days"))] = 90.0,
    per_day: Annotated[
        float,
        typer.Option("--reports-per-day", metavar="N", help="Reports of one terminal a day.", callback=within(0.1, 1440.0, "reports")),
    ] = 4.0,
    start: Annotated[str, typer.Option("--start", metavar="TIME", help="First instant, ISO 8601 UTC.")] = "2026-02-01T00:00:00Z",
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The same seed gives the same bytes.")] = 0,
    dirt: Annotated[
        float,
        typer.Option(
            "--dirt", metavar="SHARE", help="Share of rows written twice, late, or broken, each.", callback=within(0.0, 0.2, "rows")
        ),
    ] = 0.002,
    policy: PolicyOption = "public",
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Make a synthetic fleet with the truth of each terminal: most are honest, some resold, copied, too fast or too long abroad."""
    from overflight.service.compiled import compile_policy
    from overflight.service.policy import load_policy
    from overflight.service.synthetic import BEHAVIOURS, generate_fleet, write_fleet
    from overflight.service.verdicts import prepare_policy

    compiled = compile_policy(prepare_policy(load_policy(policy)))
    fleet = generate_fleet(compiled, terminals=terminals, days=days, reports_per_day=per_day, start=start, seed=seed)
    soiled = write_fleet(fleet, out, dirt=dirt, seed=seed)
    counts = {behaviour: fleet.behaviour.count(behaviour) for behaviour in BEHAVIOURS}
    if as_json:
        write_json({"terminals": terminals, "reports": len(fleet.time_us), "seed": seed, "behaviours": counts, "dirt": soiled})
        return
    said = ", ".join(f"{count} {behaviour}" for behaviour, count in counts.items() if count)
    say(f"{out}: {len(fleet.time_us):,} reports of {in_words(terminals, 'terminal', 'terminals')}: {said}")


def _print_audit(done: "Audited", scores: "dict[str, Scores] | None") -> None:
    from overflight.service.audit import KINDS

    broken = ", ".join(f"{reason}: {count:,}" for reason, count in done.broken.items())
    faulty = f"{sum(done.broken.values()):,} broken{f' ({broken})' if broken else ''}"
    say(f"{done.read:,} rows: {done.judged:,} judged, {done.duplicates:,} duplicates, {faulty}")
    say(f"{done.out_of_order:,} out of order, judged each for itself")
    kinds = ", ".join(f"{count} {kind}" for kind in KINDS if (count := sum(one.kind == kind for one in done.suspicions)))
    found = len({one.terminal.identifier for one in done.suspicions})
    aside = f"{done.held_back:,} held back at borders, {done.glitches:,} with glitches"
    say(f"{done.terminals:,} terminals: {found:,} found{f' ({kinds})' if kinds else ''}, {aside}")
    if done.unknown_terminals:
        say(f"{done.unknown_terminals:,} terminals are not in the register")
    if done.suspicions:
        ahead = f"{'terminal':<20} {'finding':<18} {'class':<11} {'home':<5} {'reports':>7} {'first':<16} {'last':<16}"
        print(f"{ahead} {'at':<18} {'worst':<12} rule: reason")
    for one in done.suspicions:
        row: dict[str, Any] = one.to_dict()
        worst = f"{row['worst']:g} {row['unit']}" if row["worst"] is not None else ""
        where = f"{one.lat_deg:.3f},{one.lon_deg:.3f}"
        print(
            f"{row['terminal']:<20} {row['kind']:<18} {row['class']:<11} {row['home']:<5} {one.reports:>7} {row['first'][:16]:<16} "
            f"{row['last'][:16]:<16} {where:<18} {worst:<12} {f'{one.rule}: {one.reason}' if one.rule else ''}".rstrip()
        )
    for kind, score in (scores or {}).items():
        counts = f"{score.true_positives} right, {score.false_positives} wrong, {score.false_negatives} missed"
        say(f"{kind}: precision {score.precision:.3f}, recall {score.recall:.3f} ({counts})")
