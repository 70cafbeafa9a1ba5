"""``overflight policy``: who may be served where, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overflight.cli._shared import JsonOption, StrictOption, in_words, read_instant, say, write_json

if TYPE_CHECKING:
    from overflight.service.policy import Policy
    from overflight.service.verdicts import Explanation, Report

app = typer.Typer(help="Who may be served where, and why: rules read like a firewall's.", no_args_is_help=True, rich_markup_mode=None)

PolicyArgument = Annotated[
    str,
    typer.Argument(metavar="[POLICY]", help="Policy in TOML; 'public', the operator's public map, is built in.", show_default=True),
]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to a file instead of stdout.", show_default=False)]
_SHOWN = 12


@app.command(short_help="Show a policy: its rules, as TOML, or as a map.")
def show(
    policy: PolicyArgument = "public",
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Draw a map: a file ending in .svg or .png.", show_default=False)
    ] = None,
    territory: Annotated[
        str | None,
        typer.Option("--territory", metavar="T", help="Draw the map around a territory. Default: the world.", show_default=False),
    ] = None,
    terminal_class: Annotated[
        str, typer.Option("--class", metavar="C", help="Class of the terminal that the map is drawn for.")
    ] = "consumer",
    time: Annotated[
        str | None, typer.Option("--time", metavar="TIME", help="Instant of the map. Default: now.", show_default=False)
    ] = None,
    toml: Annotated[bool, typer.Option("--toml", help="Write the whole policy as TOML, with what it extends and its files hold.")] = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show a policy: its rules in order, the whole as TOML or JSON, or a map of verdicts."""
    from overflight.service.policy import embed_files, load_policy

    loaded = load_policy(policy)
    if map_file is not None:
        _draw(loaded, map_file, territory, terminal_class, time)
        return
    if toml:
        print(embed_files(loaded).to_toml(), end="")
    elif as_json:
        write_json({"sha256": loaded.digest()} | loaded.model_dump(mode="json", exclude_defaults=True))
    else:
        _print_rules(loaded)


@app.command(name="import", short_help="Turn an operator's public availability files into a policy.")
def import_(
    statuses: Annotated[Path, typer.Argument(metavar="STATUSES", help="The operator's JSON of statuses.", show_default=False)],
    cells: Annotated[
        Path | None,
        typer.Argument(metavar="[CELLS]", help="Areas with a status of their own: geobuf (.pb) or GeoJSON.", show_default=False),
    ] = None,
    out: OutOption = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the policy.")] = "public",
    date: Annotated[str, typer.Option("--date", metavar="DAY", help="Day that the files are of, ISO 8601.", show_default=False)] = "",
    split: Annotated[
        str, typer.Option("--split", metavar="VERDICT", help="Verdict where a status differs by province: deny or allow.")
    ] = "deny",
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Turn an operator's public availability files into a policy in TOML; nothing that they say is lost."""
    from overflight.catalog.availability import read_availability, read_availability_cells
    from overflight.service.importing import import_availability
    from overflight.service.policy import PolicyError

    if split not in {"deny", "allow"}:
        msg = f"--split {split}: must be deny or allow"
        raise PolicyError(msg)
    availability, intake = read_availability(statuses, strict=strict)
    intakes = [(intake, "statuses")]
    features: tuple[Any, ...] = ()
    if cells is not None:
        features, intake = read_availability_cells(cells, strict=strict)
        intakes.append((intake, "areas"))
    for one, what in intakes:
        for notice in one.notices(what):
            say(f"warning: {notice}")
    source = ", ".join(path.name for path in (statuses, cells) if path is not None)
    policy = import_availability(availability, features, name=name, source=source, date=date, split=split)  # type: ignore[arg-type]
    counts = {verdict: sum(rule.verdict == verdict for rule in policy.rules) for verdict in ("allow", "deny")}
    if as_json:
        account = [{"source": one.source, "sha256": one.sha256, "read": one.read, "used": one.used} for one, _ in intakes]
        write_json({"name": policy.name, "sha256": policy.digest(), "rules": len(policy.rules), "verdicts": counts, "inputs": account})
    if out is not None:
        out.write_text(policy.to_toml(), encoding="utf-8")
        say(f"{out}: {in_words(len(policy.rules), 'rule', 'rules')}, {counts['allow']} allow and {counts['deny']} deny")
    elif not as_json:
        print(policy.to_toml(), end="")


@app.command(short_help="Check a policy: rules that never match, contradictions, gaps, windows, lists.")
def check(
    policy: PolicyArgument = "public",
    time: Annotated[
        str | None, typer.Option("--time", metavar="TIME", help="Instant at which windows count as past. Default: now.", show_default=False)
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Check a policy: all findings at once, each with what to change. The exit code is 1 if one of them is an error."""
    from overflight.clock import now
    from overflight.service.checking import check_policy
    from overflight.service.policy import load_policy
    from overflight.service.verdicts import prepare_policy

    loaded = load_policy(policy)
    findings = check_policy(prepare_policy(loaded), at=now() if time is None else read_instant(time))
    grave = sum(finding.level == "error" for finding in findings)
    if as_json:
        rows = [{"level": one.level, "kind": one.kind, "rule": one.rule or None, "text": one.text} for one in findings]
        write_json({"policy": loaded.name, "sha256": loaded.digest(), "rules": len(loaded.rules), "valid": not grave, "findings": rows})
    else:
        for finding in findings:
            print(finding)
        counted = in_words(len(findings), "finding", "findings")
        say(f"{policy}: {in_words(len(loaded.rules), 'rule', 'rules')}, {counted}, {grave} of them errors")
    if grave:
        raise typer.Exit(1)


@app.command(short_help="Say what decides at a place, and why.")
def explain(
    policy: PolicyArgument = "public",
    at: Annotated[str | None, typer.Option("--at", metavar="LAT,LON", help="Place, in degrees or by name.", show_default=False)] = None,
    terminal: Annotated[
        str | None, typer.Option("--terminal", metavar="ID", help="Identifier of the terminal.", show_default=False)
    ] = None,
    registry: Annotated[
        Path | None, typer.Option("--registry", metavar="FILE", help="Register to look the terminal up in (CSV).", show_default=False)
    ] = None,
    reports: Annotated[
        Path | None,
        typer.Option(
            "--reports", metavar="FILE", help="Position reports: without --at, the terminal's last one says where.", show_default=False
        ),
    ] = None,
    terminal_class: Annotated[str | None, typer.Option("--class", metavar="C", help="Class of the terminal.", show_default=False)] = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="NAME", help="Owner of the terminal.", show_default=False)] = None,
    home: Annotated[str | None, typer.Option("--home", metavar="T", help="Home territory of the terminal.", show_default=False)] = None,
    operator: Annotated[
        str | None, typer.Option("--operator", metavar="NAME", help="Operator. Default: the policy's.", show_default=False)
    ] = None,
    speed: Annotated[float | None, typer.Option("--speed", metavar="KMH", help="Speed, km/h.", min=0.0, show_default=False)] = None,
    altitude: Annotated[float | None, typer.Option("--altitude", metavar="M", help="Altitude, metres.", show_default=False)] = None,
    days_abroad: Annotated[
        float | None, typer.Option("--days-abroad", metavar="D", help="Days outside the home territory.", min=0.0, show_default=False)
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", metavar="TIME", help="Instant, ISO 8601 UTC. Default: now.", show_default=False)
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Say what decides at a place: the verdict, the rule and its reason, and the rules before it that did not match."""
    from overflight.service.policy import embed_files, load_policy
    from overflight.service.verdicts import explain_report, prepare_policy

    # With what its files hold: so a record knows it, too.
    loaded = embed_files(load_policy(policy))
    who = _terminal(terminal, registry, terminal_class, owner, home, operator or loaded.operator)
    report, place = _report(at, who, reports, speed, altitude, days_abroad, time)
    told = explain_report(prepare_policy(loaded), report)
    if as_json:
        write_json(_explained(loaded, told, report, place))
    else:
        _print_explanation(loaded, told, report, place)


def _terminal(identifier: str | None, registry: Path | None, klass: str | None, owner: str | None, home: str | None, operator: str) -> Any:
    """What is known of the terminal: from the register, and what is said on the line goes before it."""
    from overflight.earth.territory import find_code
    from overflight.service._closed import nearest_word
    from overflight.service.policy import CLASSES, PolicyError
    from overflight.service.reading import read_registry
    from overflight.service.verdicts import Terminal

    known = Terminal()
    if registry is not None:
        if identifier is None:
            msg = "--registry needs --terminal ID to look up"
            raise PolicyError(msg)
        terminals, intake = read_registry(registry)
        for notice in intake.notices("terminals"):
            say(f"warning: {notice}")
        if identifier not in terminals:
            say(f"warning: {registry} has no terminal {identifier!r}; only what is said on the line is known of it")
        known = terminals.get(identifier, known)
    if klass is not None and klass not in CLASSES:
        msg = f"--class {klass}: {nearest_word(klass, list(CLASSES))}"
        raise PolicyError(msg)
    code = find_code(home) if home else known.home
    return Terminal(identifier or "", klass or known.terminal_class, owner or known.owner, code, known.operator or operator)


def _report(
    at: str | None,
    who: Any,
    reports: Path | None,
    speed: float | None,
    altitude: float | None,
    days_abroad: float | None,
    time: str | None,
) -> tuple["Report", Any]:
    import numpy as np

    from overflight.clock import now
    from overflight.earth.places import find_place
    from overflight.service.policy import PolicyError
    from overflight.service.verdicts import Report

    nan = float("nan")
    instant = None if time is None else read_instant(time)
    if at is None:
        if reports is None or not who.identifier:
            msg = "nothing says where; give --at LAT,LON, or --terminal ID with --reports FILE"
            raise PolicyError(msg)
        lat, lon, moment, stated = _last_report(reports, who.identifier)
        instant = instant if instant is not None else np.datetime64(moment, "us")
        speed = stated if speed is None else speed
        at = f"{lat},{lon}"
    place = find_place(at)
    kmh, metres, days = (nan if value is None else value for value in (speed, altitude, days_abroad))
    return Report(place.lat_deg, place.lon_deg, now() if instant is None else instant, kmh, metres, days, who), place


def _last_report(path: Path, identifier: str) -> tuple[float, float, int, float]:
    """Latest position of a terminal in a stream of reports."""
    from overflight.service.reading import Faults, ReportError, stream_reports

    latest: tuple[float, float, int, float] | None = None
    for block in stream_reports(path, Faults()):
        if identifier not in block.identifiers:
            continue
        own = block.terminal == block.identifiers.index(identifier)
        for lat, lon, time, speed in zip(
            block.lat_deg[own].tolist(),
            block.lon_deg[own].tolist(),
            block.time_us[own].tolist(),
            block.speed_kmh[own].tolist(),
            strict=True,
        ):
            if latest is None or time >= latest[2]:
                latest = lat, lon, time, speed
    if latest is None:
        msg = f"{path}: no report of terminal {identifier!r}; give --at LAT,LON"
        raise ReportError(msg)
    return latest


def _explained(policy: "Policy", told: "Explanation", report: "Report", place: Any) -> dict[str, Any]:
    import numpy as np

    from overflight.clock import format_time

    def stated(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    who = report.terminal
    return {
        "verdict": told.verdict,
        "rule": told.rule,
        "reason": told.reason,
        "source": told.source,
        "limit": told.limit.model_dump(mode="json", exclude_defaults=True) if told.limit else None,
        "policy": {"name": policy.name, "date": policy.date, "sha256": policy.digest()},
        "report": {
            "lat_deg": report.lat_deg,
            "lon_deg": report.lon_deg,
            "territory": place.country or None,
            "time": format_time(report.time),
            "speed_kmh": stated(report.speed_kmh),
            "altitude_m": stated(report.altitude_m),
            "days_abroad": stated(report.days_abroad),
            "terminal": who.identifier or None,
            "class": who.terminal_class or None,
            "owner": who.owner or None,
            "home": who.home or None,
            "operator": who.operator or None,
        },
        "before": [{"rule": miss.rule, "why": miss.why, "in_place": miss.in_place} for miss in told.before],
    }


def _print_explanation(policy: "Policy", told: "Explanation", report: "Report", place: Any) -> None:
    from overflight.clock import format_time

    where = f"{report.lat_deg:g}, {report.lon_deg:g}" + (f" ({place.country})" if place.country else "")
    print(f"{told.verdict:<8} {where} at {format_time(report.time)}")
    print(f"rule     {told.rule}")
    print(f"reason   {told.reason}")
    if told.source:
        print(f"source   {told.source}")
    print(f"policy   {policy.name} {policy.digest()[:16]}")
    if told.limit is not None:
        limits = told.limit.model_dump(exclude_defaults=True)
        print(
            "limit    "
            + ", ".join(f"{key} {', '.join(value) if isinstance(value, tuple) else f'{value:g}'}" for key, value in limits.items())
        )
    here = [miss for miss in told.before if miss.in_place]
    elsewhere = [miss for miss in told.before if not miss.in_place]
    for miss in here:
        print(f"before   {miss.rule}: {miss.why}")
    near = [miss for miss in elsewhere if "km from the" in miss.why][: _SHOWN - len(here)] or elsewhere[:3]
    for miss in near:
        print(f"before   {miss.rule}: {miss.why}")
    if len(elsewhere) > len(near):
        say(f"{len(elsewhere) - len(near)} more rules before it are of other places; --json lists each")


def _print_rules(policy: "Policy") -> None:
    say(f"{policy.name}: {in_words(len(policy.rules), 'rule', 'rules')}, then {policy.default.verdict}; sha256 {policy.digest()[:16]}…")
    width = min(max((len(rule.name) for rule in policy.rules), default=8), 34)
    for number, rule in enumerate(policy.rules, start=1):
        print(f"{number:>4} {rule.verdict:<6} {rule.name[:34]:<{width}}  {_conditions(rule)}  · {rule.reason}")
    print(f"{'':>4} {policy.default.verdict:<6} {'default':<{width}}  · {policy.default.reason}")


def _conditions(rule: Any) -> str:
    """A rule's conditions in a few words."""
    words = []
    for key, area in rule.areas:
        named = []
        for kind in ("territories", "geojson", "cells", "polygons", "circles", "provinces"):
            items = getattr(area, kind)
            if items:
                short = kind in {"territories", "geojson"} and len(items) <= 6
                named.append(" ".join(Path(item).name for item in items) if short else f"{len(items)} {kind}")
        margins = [
            f"{margin.removesuffix('_km').replace('_', ' ')} {getattr(area, margin):g} km"
            for margin in ("grow_km", "shrink_km", "strip_inside_km", "strip_outside_km", "sea_km")
            if getattr(area, margin)
        ]
        words.append(f"{key.replace('_', ' ')} {', '.join([*named, *margins])}")
    for key in ("operators", "classes", "homes", "terminals", "owners"):
        listed = getattr(rule, key)
        if listed:
            words.append(f"{key} {' '.join(listed) if len(listed) <= 3 else f'{len(listed):,} listed'}")
    files = {key: getattr(rule, key) for key in ("terminals_file", "owners_file")}
    words += [f"{key.removesuffix('_file')} in {Path(path).name}" for key, path in files.items() if path]
    bounds = ("speed_over_kmh", "speed_up_to_kmh", "altitude_over_m", "altitude_up_to_m", "days_abroad_over")
    words += [f"{key.replace('_', ' ')} {getattr(rule, key):g}" for key in bounds if getattr(rule, key) is not None]
    words += [f"{key} {getattr(rule, key)}" for key in ("starts", "ends") if getattr(rule, key)]
    if rule.local_hours:
        words.append(f"local hours {rule.local_hours[0]} to {rule.local_hours[1]}")
    return "; ".join(words) or "everywhere"


def _draw(policy: "Policy", path: Path, territory: str | None, terminal_class: str, time: str | None) -> None:
    from overflight.cli._policy_map import draw_policy_map
    from overflight.clock import now
    from overflight.earth.territory import find_territory
    from overflight.service.policy import CLASSES, PolicyError

    if path.suffix.lower() not in {".svg", ".png"}:
        msg = f"--map {path}: give a file that ends in .svg or .png"
        raise PolicyError(msg)
    if terminal_class not in CLASSES:
        msg = f"--class {terminal_class}: must be one of {', '.join(CLASSES)}"
        raise PolicyError(msg)
    place = None if territory is None else find_territory(territory)
    draw_policy_map(policy, path, place=place, terminal_class=terminal_class, time=now() if time is None else read_instant(time))
    say(f"{path}: drawn")
