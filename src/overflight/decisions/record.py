"""A record: its storage and what its logs say. Acts go in signed, in one transaction, or not at all."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from overflight.decisions.bodies import Found, Founder
from overflight.decisions.checkpoints import Checkpoint, encode, sign_checkpoint
from overflight.decisions.entry import Draft, Entry, read_entry, sign_entry
from overflight.decisions.history import replay
from overflight.decisions.machine import admit
from overflight.decisions.markings import MARKINGS, PUBLIC, Marking, up_to
from overflight.decisions.notes import ED25519, read_verifier_key, verifier_key_of
from overflight.decisions.people import owner_of
from overflight.decisions.refusals import DecisionError, RecordError, TamperError
from overflight.decisions.rules import Rules
from overflight.decisions.state import Logs, LogState, heads, no_logs
from overflight.decisions.storage import Store, open_store

MAX_ORIGIN = 200


@dataclass(frozen=True, slots=True)
class Act:
    """An entry to be made, and the documents that it refers to."""

    draft: Draft
    documents: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts or reads: a handle, the key, and the highest marking for which its owner is enrolled."""

    handle: str
    clearance: Marking
    private: Ed25519PrivateKey = field(repr=False)


class Record:
    """A record of decisions.

    Parameters
    ----------
    store
        Where it is kept.
    clearance
        Up to which marking it is read; what lies above is not even looked at.
    """

    def __init__(self, store: Store, *, clearance: Marking = MARKINGS[-1]) -> None:
        self.store = store
        self.clearance = clearance
        self._logs: dict[Marking, LogState] = no_logs(clearance)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.store.close()

    @property
    def logs(self) -> Logs:
        """What the logs say, as far as they have been read."""
        return self._logs

    def read(self) -> Logs:
        """Read what was recorded since the last time.

        Raises
        ------
        TamperError
            If something stands there that could not have been recorded. Signatures are left to `verify`.
        """
        waiting: dict[Marking, list[Entry]] = {}
        for marking, log in self._logs.items():
            waiting[marking] = [read_entry(note) for note in self.store.notes(marking, log.frontier.size)]
        self._logs = replay(self._logs, waiting, check_signatures=False)
        return self._logs

    def limit(self, clearance: Marking) -> Logs:
        """See no more than a clearance covers from now on."""
        self.clearance = clearance
        self._logs = {marking: self._logs[marking] for marking in up_to(clearance)}
        return self._logs

    def act(self, private: Ed25519PrivateKey, make: Callable[[Logs], Iterable[Act]]) -> list[Entry]:
        """Make entries from the record as it is, sign and add them: all of them, or none.

        Parameters
        ----------
        private
            Key of their author.
        make
            Given what the logs say, gives the acts.

        Raises
        ------
        DecisionError
            If one of them is not allowed.
        RecordError
            If they cannot be written.
        """
        before = self._logs
        try:
            with self.store.writing():
                self.read()
                return [self._add(act, private) for act in make(self._logs)]
        except BaseException:
            self._logs = before
            raise

    def submit(self, note: bytes, *documents: bytes) -> Entry:
        """Add an entry that was signed elsewhere.

        Raises
        ------
        DecisionError, TamperError, RecordError
            If it is not allowed, no entry, or cannot be written.
        """
        before = self._logs
        try:
            with self.store.writing():
                self.read()
                return self._take(read_entry(note), documents)
        except BaseException:
            self._logs = before
            raise

    def _add(self, act: Act, private: Ed25519PrivateKey) -> Entry:
        draft = act.draft
        record = self._logs[draft.marking].record or self._logs[PUBLIC].record
        if isinstance(draft.body, Found):
            record = draft.body.log_key.partition("+")[0].removesuffix(f"/{draft.marking}")
        note = sign_entry(draft, record=record, after=heads(self._logs, draft.marking), private=private)
        return self._take(read_entry(note), act.documents)

    def _take(self, entry: Entry, documents: Iterable[bytes]) -> Entry:
        position = self._logs[entry.marking].frontier.size
        self._logs = {**self._logs, entry.marking: admit(self._logs, entry)}
        self.store.add_note(entry.marking, position, entry.note)
        for content in documents:
            self.store.add_document(entry.marking, hashlib.sha256(content).hexdigest(), content)
        return entry

    def sign_head(self, marking: Marking, private: Ed25519PrivateKey) -> bytes:
        """Sign and keep the head of a log; one that was signed for this size already is given again.

        Raises
        ------
        DecisionError
            If the key is not that of the log.
        """
        with self.store.writing():
            log = self.read()[marking]
            if log.log_key is None or verifier_key_of(log.log_key.name, private) != log.log_key:
                msg = f"the key is not that of the {marking} log; give the file that init made for it"
                raise DecisionError(msg)
            known = self.store.checkpoints(marking)
            if known and known[-1][0] == log.frontier.size:
                return known[-1][1]
            note = sign_checkpoint(Checkpoint(log.log_key.name, log.frontier.size, log.frontier.root), private)
            self.store.add_checkpoint(marking, log.frontier.size, note)
            return note


class _Nowhere:
    """A storage that keeps nothing, to try entries on."""

    name = "nowhere"

    def notes(self, marking: Marking, start: int = 0) -> list[bytes]:  # noqa: ARG002
        return []

    def document(self, marking: Marking, sha256: str) -> bytes | None:  # noqa: ARG002
        return None

    def documents(self, marking: Marking) -> list[str]:  # noqa: ARG002
        return []

    def checkpoints(self, marking: Marking) -> list[tuple[int, bytes]]:  # noqa: ARG002
        return []

    def writing(self) -> AbstractContextManager[None]:
        return nullcontext()

    def add_note(self, marking: Marking, position: int, note: bytes) -> None:
        pass

    def add_document(self, marking: Marking, sha256: str, content: bytes) -> None:
        pass

    def add_checkpoint(self, marking: Marking, size: int, note: bytes) -> None:
        pass

    def faults(self) -> list[str]:
        return []

    def close(self) -> None:
        pass

    def discard(self) -> None:
        pass


def open_record(url: str, *, write: bool = True, clearance: Marking = MARKINGS[-1]) -> Record:
    """Open a record and read it up to a clearance.

    Raises
    ------
    RecordError
        If it is not there or cannot be opened.
    TamperError
        If what stands there could not have been recorded.
    """
    record = Record(open_store(url, write=write), clearance=clearance)
    try:
        record.read()
    except BaseException:
        record.store.close()
        raise
    if record.logs[PUBLIC].log_key is None:
        record.store.close()
        msg = f"{record.store.name}: no record has been founded there; begin one with decision init"
        raise RecordError(msg)
    return record


def found_acts(
    founders: Mapping[str, tuple[Founder, Marking]],
    *,
    author: str,
    log_keys: Mapping[Marking, str],
    rules: Rules,
    draft: Callable[..., Draft],
) -> list[Act]:
    """The first entries of all logs, each with the founders who are cleared for it.

    Parameters
    ----------
    founders
        Founders and their clearances by handle.
    author
        Who signs; one of the founders, cleared for everything.
    log_keys
        Public keys of the logs.
    rules
        Rules to begin with.
    draft
        Makes a draft of kind, marking, author and body.
    """
    acts = []
    for marking in MARKINGS:
        people = tuple(founder for founder, clearance in founders.values() if marking in up_to(clearance))
        acts.append(Act(draft("found", marking, author, Found(log_key=log_keys[marking], rules=rules, people=people))))
    return acts


def check_founders(founders: Mapping[str, tuple[Founder, Marking]], private: Ed25519PrivateKey, origin: str) -> str:
    """Which founder a key belongs to; it must be one cleared for everything, who signs the first entry of every log.

    Raises
    ------
    DecisionError
        If none such, or the record's name cannot be that of keys.
    """
    if not origin or len(origin) > MAX_ORIGIN or any(letter.isspace() or not letter.isprintable() or letter == "+" for letter in origin):
        msg = f"origin '{origin}': write a name without spaces or '+', as in example.org/decisions"
        raise DecisionError(msg)
    public = private.public_key().public_bytes_raw()
    for handle, (founder, clearance) in founders.items():
        if read_verifier_key(founder.key).public == public:
            if clearance != MARKINGS[-1]:
                msg = f"founder '{handle}' signs the first entries of all logs; give clearance = \"{MARKINGS[-1]}\""
                raise DecisionError(msg)
            return handle
    msg = "the key given is none of the founders'; begin the record with one of theirs"
    raise DecisionError(msg)


def found_record(url: str, private: Ed25519PrivateKey, acts: Iterable[Act]) -> list[Entry]:
    """Make a record and its first entries; nothing is made if they are refused.

    Raises
    ------
    DecisionError
        If the founders do not fit together.
    RecordError
        If there is a record already, or it cannot be made.
    """
    first = list(acts)
    Record(_Nowhere()).act(private, lambda _: first)
    store = open_store(url, create=True)
    try:
        entries = Record(store).act(private, lambda _: first)
    except BaseException:
        store.discard()
        raise
    store.close()
    return entries


def open_as(url: str, private: Ed25519PrivateKey, *, write: bool = True, acting: bool = False) -> tuple[Record, Identity]:
    """Open a record for the owner of a key and read it up to their clearance; logs in which the key does not stand are not looked at.

    Raises
    ------
    DecisionError
        If the key is nobody's, or no longer counts.
    RecordError, TamperError
        As `open_record`.
    """
    store = open_store(url, write=write)
    try:
        record = Record(store, clearance=reach_of(store, private))
        identity = identify(record.read(), private, acting=acting)
        record.limit(identity.clearance)
    except BaseException:
        store.close()
        raise
    return record, identity


def reach_of(store: Store, private: Ed25519PrivateKey) -> Marking:
    """The highest marking in whose log a key stands, whatever is said of it there; a log that cannot be searched does not count."""
    line = encode(bytes([ED25519]) + private.public_key().public_bytes_raw()).encode()
    for marking in reversed(MARKINGS):
        with suppress(TamperError):
            if any(line in note for note in store.notes(marking)):
                return marking
    return PUBLIC


def identify(logs: Logs, private: Ed25519PrivateKey, *, acting: bool = False) -> Identity:
    """Whose key this is, and how much they may see.

    Parameters
    ----------
    logs
        What is known.
    private
        The key.
    acting
        Whether a retired key is taken too, for the machine to say in its own words why it does not count.

    Raises
    ------
    DecisionError
        If it is nobody's, or does not count; it says no more than that.
    """
    public = private.public_key().public_bytes_raw()
    for marking in reversed(list(logs)):
        found = owner_of(logs, marking, public)
        if found is not None and may_read(logs, marking, found[0].handle, public, retired=acting):
            return Identity(found[0].handle, marking, private)
    msg = "the key given is nobody's in this record, or no longer counts"
    raise DecisionError(msg)


def may_read(logs: Logs, marking: Marking, handle: str, public: bytes, *, retired: bool = False) -> bool:
    """Whether a person may read a log with a key: not suspended, the key neither revoked nor retired, there or below."""
    for below in up_to(marking):
        person = logs[below].people.get(handle)
        if person is None:
            continue
        keys = [key for key in person.keys if key.public.public == public]
        if person.suspended is not None or any(key.revoked is not None or (key.retired is not None and not retired) for key in keys):
            return False
    return True
