"""What the verbs of decisions share: options, who acts, who reads."""

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from overflight.decisions.acts import Actor, Grounds
    from overflight.decisions.bodies import Interest
    from overflight.decisions.entry import Entry
    from overflight.decisions.record import Act, Record
    from overflight.decisions.state import Logs

RecordOption = Annotated[
    str,
    typer.Option(
        "--record", metavar="RECORD", envvar="OVERFLIGHT_RECORD", help="SQLite file, postgresql:// URL, or folder of exported logs."
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        envvar="OVERFLIGHT_KEY",
        help="Your private key. Without it only what is public is read.",
        show_default=False,
    ),
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="File with the key's passphrase, instead of being asked.", show_default=False),
]
MarkingOption = Annotated[str, typer.Option("--marking", metavar="MARKING", help="public, restricted or secret.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record.", show_default=False)]
InterestsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--interest",
        metavar="KIND:PARTY[:DETAIL]",
        help="Interest that you declare: contract, office or tie, and with whom; may be repeated.",
        show_default=False,
    ),
]
NoInterestsOption = Annotated[bool, typer.Option("--no-interests", help="Declare that you have none.")]

DEFAULT_RECORD = "record.db"


def read_passphrase(path: Path, file: Path | None) -> bytes | None:
    """The passphrase of a key's file, from a file or asked of a person; None if it has none."""
    from overflight.decisions.keys import is_locked
    from overflight.decisions.refusals import KeyFileError
    from overflight.intake import read_bytes

    if not is_locked(path):
        return None
    if file is not None:
        return read_bytes(file, wanted="a file with the passphrase", refused=KeyFileError).rstrip(b"\r\n")
    return ask_passphrase(f"Passphrase of {path}: ")


def ask_passphrase(prompt: str) -> bytes:
    """Ask a person for a passphrase."""
    from overflight.decisions.refusals import KeyFileError

    if sys.stdin is None or not sys.stdin.isatty():
        msg = "the key needs a passphrase and nobody is there to be asked; give --passphrase-file"
        raise KeyFileError(msg)
    return getpass.getpass(prompt, stream=sys.stderr).encode()


def read_key(path: Path | None, passphrase_file: Path | None = None) -> "Ed25519PrivateKey":
    """The private key of who acts."""
    from overflight.decisions.keys import load_key
    from overflight.decisions.refusals import KeyFileError

    if path is None:
        msg = "whoever acts signs; give your private key with --key"
        raise KeyFileError(msg)
    return load_key(path, passphrase=read_passphrase(path, passphrase_file))


@contextmanager
def reading(url: str, key: Path | None, passphrase_file: Path | None = None) -> Iterator["Record"]:
    """A record, limited to what the reader may see: without a key, what is public."""
    from overflight.decisions.markings import PUBLIC
    from overflight.decisions.record import open_as, open_record

    if key is None:
        record = open_record(url, write=False, clearance=PUBLIC)
    else:
        record, _ = open_as(url, read_key(key, passphrase_file), write=False)
    with record:
        yield record


def act(
    url: str, key: Path | None, passphrase_file: Path | None, make: Callable[["Actor", "Logs", "Record"], "list[Act]"]
) -> "list[Entry]":
    """Act on a record, as the owner of a key and now: sign and add what `make` gives, all or nothing."""
    from overflight import clock
    from overflight.decisions.acts import Actor
    from overflight.decisions.record import open_as

    private = read_key(key, passphrase_file)
    record, identity = open_as(url, private, acting=True)
    with record:
        actor = Actor(identity, clock.now())
        return record.act(private, lambda logs: make(actor, logs, record))


def read_interests(given: list[str] | None, *, none: bool) -> tuple["Interest", ...]:
    """What a person declares; saying nothing is not a declaration."""
    from overflight.decisions.acts import make_interest
    from overflight.decisions.refusals import DecisionError

    if bool(given) == none:
        msg = "declare your interests: --interest KIND:PARTY for each, or --no-interests"
        raise DecisionError(msg)
    return tuple(make_interest(*_parts(text)) for text in given or ())


def _parts(text: str) -> list[str]:
    from overflight.decisions.refusals import DecisionError

    parts = [part.strip() for part in text.split(":", 2)]
    if len(parts) < 2 or not parts[1]:
        msg = f"interest '{text}': write KIND:PARTY, as in contract:Ministry of Transport"
        raise DecisionError(msg)
    return parts


def read_grounds(
    *,
    on_behalf_of: str,
    channel: str,
    reason: str,
    party: list[str] | None,
    evidence: list[Path] | None,
    interests: tuple["Interest", ...],
) -> "Grounds":
    """Why, for whom and how a change is asked for."""
    from overflight.decisions.acts import Grounds
    from overflight.decisions.documents import read_evidence

    return Grounds(on_behalf_of, channel, reason, tuple(party or ()), read_evidence(evidence or ()), interests)


def report_entries(entries: "list[Entry]", *, as_json: bool, extra: dict[str, Any] | None = None) -> None:
    """Tell what was recorded."""
    from overflight.cli._shared import write_json
    from overflight.clock import format_time

    if as_json:
        listed = [
            {"entry": entry.id, "kind": entry.kind, "marking": entry.marking, "author": entry.author, "time": format_time(entry.time)}
            for entry in entries
        ]
        write_json({"recorded": listed, **(extra or {})})
        return
    for entry in entries:
        print(f"{entry.short}  {entry.kind} recorded in the {entry.marking} log as {entry.author}, {format_time(entry.time)}")
