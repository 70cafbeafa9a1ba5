"""``overflight decision person`` and ``overflight decision key``: who may do what, and with which keys."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overflight.cli._decision_shared import (
    DEFAULT_RECORD,
    KeyOption,
    MarkingOption,
    PassphraseOption,
    ReasonOption,
    RecordOption,
    act,
    ask_passphrase,
    reading,
    report_entries,
)
from overflight.cli._shared import JsonOption, read_instant, write_json

if TYPE_CHECKING:
    from overflight.decisions.rules import Role

person_app = typer.Typer(help="Enrol, confirm, suspend and list people.", no_args_is_help=True, rich_markup_mode=None)
key_app = typer.Typer(help="Make, add, rotate and revoke keys.", no_args_is_help=True, rich_markup_mode=None)

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Handle.", show_default=False)]
PublicArgument = Annotated[str, typer.Argument(metavar="PUBLIC", help="Public key: a .pub file, or NAME+ID+KEY.", show_default=False)]


@person_app.command(short_help="Propose a person, or other roles for one.")
def add(
    person: PersonArgument,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Who that is: an office rather than a name.", show_default=False)
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help="Role; may be repeated. All that the person then has.", show_default=False),
    ] = None,
    public: Annotated[
        str | None, typer.Option("--public", metavar="PUBLIC", help="Public key: a .pub file, or NAME+ID+KEY.", show_default=False)
    ] = None,
    clearance: Annotated[str, typer.Option("--clearance", metavar="MARKING", help="Highest marking to enrol for.")] = "public",
    lowest: Annotated[
        str, typer.Option("--from", metavar="MARKING", help="Lowest marking to enrol for; below it nothing shows of the person.")
    ] = "public",
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Propose a person, or other roles for one; another person confirms."""
    from overflight.decisions.acts import enrol
    from overflight.decisions.keys import load_public
    from overflight.decisions.markings import find_marking, up_to

    roles = _read_roles(role)
    known_key = None if public is None else str(load_public(public))
    markings = tuple(one for one in up_to(find_marking(clearance)) if one not in up_to(find_marking(lowest)) or one == lowest)
    entries = act(
        record,
        key,
        passphrase_file,
        lambda actor, logs, _: enrol(actor, logs, person=person, title=title, roles=roles, key=known_key, markings=markings),
    )
    report_entries(entries, as_json=as_json)


@person_app.command(short_help="Confirm what another has proposed.")
def confirm(
    what: Annotated[str, typer.Argument(metavar="PERSON|ENTRY", help="Person, or first digits of the proposal.", show_default=False)],
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Confirm what another has proposed of a person, roles or a key; it holds from then on."""
    from overflight.decisions import acts

    entries = act(record, key, passphrase_file, lambda actor, logs, _: acts.confirm(actor, logs, text=what))
    report_entries(entries, as_json=as_json)


@person_app.command(short_help="Suspend a person, at once.")
def suspend(
    person: PersonArgument,
    reason: ReasonOption,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Suspend a person, at once; votes of his that nobody has acted upon count no more. Enrolling him anew ends it."""
    from overflight.decisions import acts

    entries = act(record, key, passphrase_file, lambda actor, logs, _: acts.suspend(actor, logs, person=person, reason=reason))
    report_entries(entries, as_json=as_json)


@person_app.command(short_help="Register an interest of a person.")
def interest(
    person: PersonArgument,
    what: Annotated[str, typer.Argument(metavar="KIND:PARTY[:DETAIL]", help="Contract, office or tie, and with whom.", show_default=False)],
    ended: Annotated[bool, typer.Option("--ended", help="Take it off the register.")] = False,  # noqa: FBT002
    marking: MarkingOption = "public",
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Register an interest of a person; votes that keep it back, or conflict with it, do not count."""
    from overflight.cli._decision_shared import read_interests
    from overflight.decisions import acts
    from overflight.decisions.markings import find_marking

    (found,) = read_interests([what], none=False)
    where = find_marking(marking)
    entries = act(
        record,
        key,
        passphrase_file,
        lambda actor, logs, _: acts.register(actor, logs, person=person, interest=found, ended=ended, marking=where),
    )
    report_entries(entries, as_json=as_json)


@person_app.command(name="list", short_help="List who is enrolled.")
def list_all(
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List who is enrolled, log by log, and what waits for confirmation."""
    from overflight.decisions.story import list_pending, list_people

    with reading(record, key, passphrase_file) as opened:
        people, pending = list_people(opened.logs), list_pending(opened.logs)
    if as_json:
        write_json({"people": people, "pending": pending})
        return
    for one in people:
        keys = ", ".join(f"{known['key_id']} {known['status']}" for known in one["keys"])
        print(f"{one['marking']:<11} {one['person']:<16} {', '.join(one['roles'])}; {one['title']}; keys {keys}{_notes(one)}")
    for one in pending:
        print(f"{one['marking']:<11} {one['person']:<16} {', '.join(one['roles'])}; waits for confirmation as {one['entry'][:16]}")


@key_app.command(short_help="Make a key of your own.")
def new(
    person: PersonArgument,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="File of the private key. Default: PERSON.key.", show_default=False)
    ] = None,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase to lock the file with.")] = False,  # noqa: FBT002
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Make a key: the private half for your eyes only (mode 0600), the public half beside it to hand out."""
    from overflight.decisions.keys import make_key, public_path
    from overflight.decisions.refusals import KeyFileError
    from overflight.intake import read_bytes

    _check_handle(person)
    path = out or Path(f"{person}.key")
    secret = None
    if passphrase_file is not None:
        secret = read_bytes(passphrase_file, wanted="a file with the passphrase", refused=KeyFileError).rstrip(b"\r\n")
    elif passphrase:
        secret = ask_passphrase(f"Passphrase for {path}: ")
        if secret != ask_passphrase("Once more: "):
            msg = "the two passphrases differ; no key was made"
            raise KeyFileError(msg)
    if secret == b"":
        msg = "an empty passphrase locks nothing; give one, or none at all"
        raise KeyFileError(msg)
    public = make_key(path, person, passphrase=secret)
    if as_json:
        write_json({"private": str(path), "public": str(public_path(path)), "key": str(public), "key_id": public.key_id})
    else:
        print(f"wrote {path} (keep it) and {public_path(path)} (hand it out)")


@key_app.command(short_help="Propose a further key for a person.")
def issue(
    person: PersonArgument,
    public: PublicArgument,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Propose a further key for a person, as when the old one is lost; another person confirms."""
    from overflight.decisions.acts import enrol, where_known
    from overflight.decisions.keys import load_public

    line = str(load_public(public))
    entries = act(
        record,
        key,
        passphrase_file,
        lambda actor, logs, _: enrol(actor, logs, person=person, title=None, roles=(), key=line, markings=where_known(actor, logs, person)),
    )
    report_entries(entries, as_json=as_json)


@key_app.command(short_help="Replace your own key.")
def rotate(
    public: PublicArgument,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Replace your own key by another, signing with the old one, which is retired by it."""
    from overflight.decisions import acts
    from overflight.decisions.keys import load_public

    line = str(load_public(public))
    report_entries(act(record, key, passphrase_file, lambda actor, logs, _: acts.rotate(actor, logs, key=line)), as_json=as_json)


@key_app.command(short_help="Revoke a key, at once.")
def revoke(
    person: PersonArgument,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Eight hexadecimal digits.", show_default=False)],
    reason: ReasonOption,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Since when it may have been in other hands. Default: now.", show_default=False),
    ] = None,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Revoke a key, at once, yours or another's; votes signed with it since then and not yet acted upon count no more."""
    from overflight.decisions import acts

    moment = None if since is None else read_instant(since)
    entries = act(
        record,
        key,
        passphrase_file,
        lambda actor, logs, _: acts.revoke(actor, logs, person=person, key_id=key_id, since=moment, reason=reason),
    )
    report_entries(entries, as_json=as_json)


def _read_roles(given: list[str] | None) -> "tuple[Role, ...]":
    from overflight.decisions.refusals import DecisionError
    from overflight.decisions.rules import ROLES

    for name in given or ():
        if name not in ROLES:
            msg = f"role '{name}': unknown; there are {', '.join(ROLES)}"
            raise DecisionError(msg)
    return tuple(role for role in ROLES if role in (given or ()))


def _check_handle(person: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    from overflight.decisions._closed import Handle
    from overflight.decisions.refusals import KeyFileError

    try:
        TypeAdapter(Handle).validate_python(person)
    except ValidationError:
        msg = f"'{person}' is no handle; write small letters, digits, '.', '_' and '-', as in approver-1"
        raise KeyFileError(msg) from None


def _notes(one: dict[str, Any]) -> str:
    notes = "".join(f"; {known['kind']} with {known['party']}" for known in one["interests"])
    return notes + (f"; suspended {one['suspended']}" if one["suspended"] else "")
