"""Verbs of ``overflight decision`` that read: what is in force, what was decided, whether it is whole."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overflight.cli._decision_shared import DEFAULT_RECORD, KeyOption, MarkingOption, PassphraseOption, RecordOption, read_key, reading
from overflight.cli._shared import JsonOption, in_words, read_instant, say, write_json

if TYPE_CHECKING:
    from overflight.decisions.markings import Marking
    from overflight.decisions.notes import VerifierKey
    from overflight.decisions.record import Record
    from overflight.decisions.storage import Store
    from overflight.decisions.verify import Report

EXIT_FAILED = 1

LogKeysOption = Annotated[
    list[str] | None,
    typer.Option(
        "--log-key",
        metavar="PUBLIC",
        help="Public key of a log, known from elsewhere: a .pub file or the key itself; may be repeated.",
        show_default=False,
    ),
]


def in_force(
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Moment. Default: now.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the policy there, in TOML.", show_default=False)] = None,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Say which policy is in force, or was at a moment past, and by which decision."""
    from overflight import clock
    from overflight.decisions.refusals import DecisionError
    from overflight.decisions.story import tell_in_force

    moment = clock.now() if at is None else read_instant(at)
    with reading(record, key, passphrase_file) as opened:
        found = tell_in_force(opened.logs, moment)
        content = None if found["policy"] is None else opened.store.document(found["marking"], found["policy"])
    if out is not None:
        if content is None:
            msg = f"no policy in force at {found['time']}; there is nothing to write"
            raise DecisionError(msg)
        out.write_bytes(content)
    if as_json:
        write_json(found)
    elif found["policy"] is None:
        print(f"{found['time']}: no policy in force")
    else:
        by = f"{found['marking']} decision {found['decision'][:16]}"
        print(f"{found['time']}: policy {found['policy'][:16]}, by {by}, since {found['since']}")


def log(
    decision: Annotated[
        str | None,
        typer.Argument(metavar="[DECISION]", help="First digits of a decision, or 'last', to tell its story.", show_default=False),
    ] = None,
    entries: Annotated[bool, typer.Option("--entries", help="List every entry instead.")] = False,  # noqa: FBT002
    entry: Annotated[
        str | None, typer.Option("--entry", metavar="ENTRY", help="Write this entry and its proof to --out.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="With --entry: FILE, and FILE.tlog-proof beside it.", show_default=False),
    ] = None,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="DIR", help="Write all that you may see for outsiders.", show_default=False)
    ] = None,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List decisions and what became of them, tell the story of one, or hand entries out with their proofs."""
    with reading(record, key, passphrase_file) as opened:
        if export is not None:
            _export(opened, export, as_json=as_json)
        elif entry is not None:
            _write_entry(opened, entry, out, as_json=as_json)
        elif entries:
            _list_entries(opened, as_json=as_json)
        elif decision is not None:
            _tell(opened, decision, as_json=as_json)
        else:
            _list(opened, as_json=as_json)


def checkpoint(
    marking: MarkingOption = "public",
    log_key: Annotated[
        Path | None,
        typer.Option("--log-key", metavar="FILE", help="Private key of the log, to sign its head as it is now.", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there, to be kept.", show_default=False)] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", metavar="FILE", help="A checkpoint kept: write the proof that the log only grew.", show_default=False),
    ] = None,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Sign the head of a log with the log's key, or give the last one signed; with --since, prove that nothing before it was changed."""
    from overflight.decisions.checkpoints import parse_checkpoint
    from overflight.decisions.markings import find_marking
    from overflight.decisions.notes import read_note
    from overflight.decisions.refusals import DecisionError

    where = find_marking(marking)
    if log_key is not None:
        raw = _sign_head(record, where, log_key, passphrase_file)
    with reading(record, key, passphrase_file) as opened:
        if log_key is None:
            heads = opened.store.checkpoints(where) if where in opened.logs else []
            if not heads:
                msg = f"you have no checkpoint of the {where} log to read; sign one with --log-key"
                raise DecisionError(msg)
            raw = heads[-1][1]
        written = raw if since is None else _prove_growth(opened, where, since, raw)
    if out is not None:
        out.write_bytes(written)
    head = parse_checkpoint(read_note(raw).text)
    if as_json:
        write_json({"origin": head.origin, "size": head.size, "root_hash": head.root.hex(), "note": written.decode()})
    elif out is None:
        print(written.decode(), end="")
    else:
        print(f"wrote {out}: {head.origin} with {in_words(head.size, 'entry', 'entries')}")


def verify(
    kept: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", metavar="FILE", help="Checkpoint that you kept; may be repeated.", show_default=False),
    ] = None,
    log_keys: LogKeysOption = None,
    note: Annotated[
        Path | None, typer.Option("--entry", metavar="FILE", help="Verify this one entry, without the record.", show_default=False)
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option("--proof", metavar="FILE", help="Its proof. Default: the entry's file with .tlog-proof.", show_default=False),
    ] = None,
    growth: Annotated[
        Path | None,
        typer.Option("--growth", metavar="FILE", help="Verify this proof against --checkpoint, without the record.", show_default=False),
    ] = None,
    marking: Annotated[
        str | None,
        typer.Option("--marking", metavar="MARKING", help="Verify up to this marking. Default: all that you may see.", show_default=False),
    ] = None,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Verify, offline, a whole record up to what you may see, one entry with its proof, or that a log only grew."""
    from overflight.decisions.keys import load_public
    from overflight.decisions.markings import find_marking
    from overflight.decisions.refusals import DecisionError
    from overflight.decisions.verify import verify_store

    keys = {known.name: known for known in map(load_public, log_keys or ())}
    files = [_read(path) for path in kept or ()]
    if note is not None or growth is not None:
        if len(keys) != 1 or (growth is not None and len(files) != 1):
            msg = "an entry or a growth is verified with the log's public key, --log-key, and a growth with one --checkpoint"
            raise DecisionError(msg)
        known = next(iter(keys.values()))
        told = _verify_entry(note, proof, known) if note is not None else _verify_growth(growth, files[0], known)
        if as_json:
            write_json(told)
        else:
            print(told["told"])
        return
    with reading_to_verify(record, key, passphrase_file) as (opened, reach):
        clearance = reach if marking is None else _check_reach(find_marking(marking), reach)
        report = verify_store(opened, clearance=clearance, kept=files, log_keys=keys or None)
    _tell_report(report, as_json=as_json, anchored=bool(keys or files))
    if report.problems:
        raise typer.Exit(EXIT_FAILED)


@contextmanager
def reading_to_verify(url: str, key: Path | None, passphrase_file: Path | None) -> Iterator[tuple["Store", "Marking"]]:
    """A record's storage and the reader's clearance; where the record is damaged, the highest log in which the reader's key stands."""
    from overflight.decisions.markings import PUBLIC
    from overflight.decisions.record import Record, identify, reach_of
    from overflight.decisions.refusals import TamperError
    from overflight.decisions.storage import open_store

    private = None if key is None else read_key(key, passphrase_file)
    store = open_store(url, write=False)
    try:
        clearance: Marking = PUBLIC
        if private is not None:
            clearance = reach_of(store, private)
            with suppress(TamperError):
                clearance = identify(Record(store, clearance=clearance).read(), private).clearance
        yield store, clearance
    finally:
        store.close()


def _check_reach(wanted: "Marking", reach: "Marking") -> "Marking":
    """The marking asked for, if the record shows that the reader is cleared for it; a log that was wiped shows nothing any more."""
    from overflight.decisions.markings import up_to
    from overflight.decisions.refusals import TamperError

    if wanted not in up_to(reach):
        msg = f"the record does not show that you are cleared for what is {wanted}: you are not, or it was changed"
        raise TamperError(msg)
    return wanted


def _sign_head(url: str, marking: "Marking", log_key: Path, passphrase_file: Path | None) -> bytes:
    from overflight.decisions.record import open_record

    private = read_key(log_key, passphrase_file)
    with open_record(url, clearance=marking) as opened:
        return opened.sign_head(marking, private)


def _prove_growth(opened: "Record", marking: "Marking", since: Path, raw: bytes) -> bytes:
    """The proof that a log, as its checkpoint says, begins as a checkpoint kept says."""
    from overflight.decisions.checkpoints import Growth, check_same_log, open_checkpoint, write_growth
    from overflight.decisions.refusals import DecisionError
    from overflight.decisions.tree import hash_leaf, prove_consistency

    log_key = opened.logs[marking].log_key if marking in opened.logs else None
    if log_key is None:
        msg = f"you are not cleared for what is {marking}"
        raise DecisionError(msg)
    old, head = open_checkpoint(_read(since), log_key), open_checkpoint(raw, log_key)
    leaves = [hash_leaf(note) for note in opened.store.notes(marking)[: head.size]]
    path = prove_consistency(old.size, leaves)
    check_same_log(old, head, path)
    return write_growth(Growth(old.size, tuple(path), raw))


def _verify_entry(note: Path, proof: Path | None, key: "VerifierKey") -> dict[str, Any]:
    from overflight.clock import format_time
    from overflight.decisions.bodies import dump_body
    from overflight.decisions.checkpoints import check_proof, read_proof
    from overflight.decisions.entry import read_entry

    raw = _read(note)
    shown = read_proof(_read(proof or note.with_name(f"{note.name}.tlog-proof")))
    head = check_proof(raw, shown, key)
    entry = read_entry(raw)
    told = (
        f"{note}: {entry.kind} by {entry.author}, {format_time(entry.time)}, is entry {shown.index} of {head.origin} "
        f"with {in_words(head.size, 'entry', 'entries')}"
    )
    return {
        "told": told,
        "entry": entry.id,
        "index": shown.index,
        "origin": head.origin,
        "size": head.size,
        "kind": entry.kind,
        "author": entry.author,
        "time": format_time(entry.time),
        "body": dump_body(entry.body),
    }


def _verify_growth(growth: Path | None, kept: bytes, key: "VerifierKey") -> dict[str, Any]:
    from overflight.decisions.checkpoints import check_growth, open_checkpoint, read_growth

    assert growth is not None
    old = open_checkpoint(kept, key)
    head = check_growth(old, read_growth(_read(growth)), key)
    told = f"{head.origin} with {head.size} entries continues the checkpoint kept with {old.size}: nothing before it was changed"
    return {"told": told, "origin": head.origin, "old_size": old.size, "size": head.size}


def _export(opened: "Record", folder: Path, *, as_json: bool) -> None:
    from overflight.decisions.tiles import export_logs

    count = export_logs(opened.store, tuple(opened.logs), folder)
    if as_json:
        write_json({"written": str(folder), "files": count, "markings": list(opened.logs)})
    else:
        print(f"wrote {in_words(count, 'file', 'files')} to {folder}: the logs {', '.join(opened.logs)}")


def _write_entry(opened: "Record", text: str, out: Path | None, *, as_json: bool) -> None:
    from overflight.decisions.checkpoints import Proof, write_proof
    from overflight.decisions.refusals import DecisionError
    from overflight.decisions.story import find_entry
    from overflight.decisions.tree import hash_leaf, prove_inclusion

    entry, position = find_entry(opened.store, opened.logs, text)
    heads = opened.store.checkpoints(entry.marking)
    if not heads or heads[-1][0] <= position:
        msg = f"entry {entry.short}: no checkpoint covers it yet; sign one with decision checkpoint"
        raise DecisionError(msg)
    size, head = heads[-1]
    leaves = [hash_leaf(note) for note in opened.store.notes(entry.marking)[:size]]
    path = out or Path(f"{entry.short}.note")
    beside = path.with_name(f"{path.name}.tlog-proof")
    path.write_bytes(entry.note)
    beside.write_bytes(write_proof(Proof(position, tuple(prove_inclusion(position, leaves)), head)))
    if as_json:
        write_json({"entry": entry.id, "note": str(path), "proof": str(beside)})
    else:
        print(f"wrote {path} and {beside}")


def _list_entries(opened: "Record", *, as_json: bool) -> None:
    from overflight.decisions.story import list_entries

    tables = list(list_entries(opened.store, opened.logs))
    if as_json:
        write_json(tables)
        return
    for one in tables:
        print(f"{one['marking']:<11} {one['position']:>5}  {one['entry'][:16]}  {one['time']}  {one['author']:<16} {one['kind']}")


def _list(opened: "Record", *, as_json: bool) -> None:
    from overflight import clock
    from overflight.decisions.story import list_decisions

    tables = list_decisions(opened.logs, clock.now())
    if as_json:
        write_json(tables)
        return
    for one in tables:
        print(f"{one['decision'][:16]}  {one['requested']}  {one['marking']:<10} {one['action']:<9} {one['status']:<10} {one['reason']}")
    if not tables:
        say("no decision that you may see")


def _tell(opened: "Record", text: str, *, as_json: bool) -> None:
    from overflight import clock
    from overflight.decisions.acts import find_decision
    from overflight.decisions.story import tell_decision

    told = tell_decision(opened.logs, find_decision(opened.logs, text), clock.now(), opened.store.document)
    if as_json:
        write_json(told)
        return
    print(f"{told['decision']}\n{told['marking']} {told['action']}: {told['status']}")
    _print_request(told)
    for one in told["assessments"]:
        print(f"assessed   {one['time']} by {_who(one['author'])}: document {one['sha256'][:16]}")
        for line in one["summary"]:
            print(f"           {line}")
    for one in told["votes"]:
        counts = "" if one["counts"] else f" [does not count: {one['why_not']}]"
        print(f"{one['vote']:<10} {one['time']} by {_who(one['author'])} as {one['role']}: {one['reason']}{counts}")
        _print_interests(one["interests"])
    if told["lacking"]:
        print(f"lacking    {', '.join(told['lacking'])}; open until {told['closes']}")
    applied = told["applied"]
    if applied is not None:
        print(f"applied    {applied['time']} by {_who(applied['author'])}, in force from {applied['starts']}")
        if applied["lapses"]:
            print(f"lapses     {applied['lapses']} unless ratified")
        if applied["ratified"]:
            print(f"ratified   {applied['ratified']}")


def _print_request(told: dict[str, Any]) -> None:
    print(f"requested  {told['requested']} by {_who(told['requester'])} on behalf of {told['on_behalf_of']}, by {told['channel']}")
    print(f"reason     {told['reason']}")
    print(f"policy     {_short(told['before'])} -> {_short(told['after'])}")
    for name, rules in (told["diff"] or {}).items():
        if rules:
            print(f"{name:<10} {', '.join(rules)}")
    if told["parties"]:
        print(f"parties    {', '.join(told['parties'])}")
    for one in told["evidence"]:
        print(f"evidence   {one['sha256'][:16]} {one['name']}")
    _print_interests(told["interests"])


def _print_interests(interests: list[dict[str, str]]) -> None:
    listed = "; ".join(f"{one['kind']} with {one['party']}{': ' if one['detail'] else ''}{one['detail']}" for one in interests)
    print(f"declared   {listed or 'no interests'}")


def _tell_report(report: "Report", *, as_json: bool, anchored: bool) -> None:
    logs = [
        {
            "marking": one.marking,
            "origin": one.origin,
            "entries": one.entries,
            "covered": one.covered,
            "checkpoints": one.checkpoints,
            "documents": one.documents,
            "root_hash": one.root.hex(),
        }
        for one in report.logs
    ]
    if as_json:
        write_json({"whole": not report.problems, "logs": logs, "continues": list(report.kept), "problems": list(report.problems)})
        return
    for one in report.logs:
        rest = one.entries - one.covered
        tail = f"; {in_words(rest, 'entry', 'entries')} after the last checkpoint" if rest else ""
        print(f"{one.origin}: {in_words(one.entries, 'entry', 'entries')}, {one.checkpoints} checkpoints, {one.documents} documents{tail}")
    for origin in report.kept:
        print(f"continues the checkpoint kept: {origin}")
    for problem in report.problems:
        say(f"error: {problem}")
    if not report.problems:
        print("whole: every signature, place, document and checkpoint holds")
        if not anchored:
            say("note: that the record was not made anew as a whole shows only against a --log-key or --checkpoint from elsewhere")


def _who(person: dict[str, str]) -> str:
    return f"{person['person']} ({person['title']})"


def _short(sha256: str | None) -> str:
    return "none" if sha256 is None else sha256[:16]


def _read(path: Path) -> bytes:
    from overflight.decisions.refusals import DecisionError
    from overflight.intake import read_bytes

    return read_bytes(path, wanted="a file that decision wrote", refused=DecisionError)
