"""Verification of a whole record, offline: every signature, every rule, every place, every document, every checkpoint."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from overflight.decisions.bodies import Assess, Request
from overflight.decisions.checkpoints import check_same_log, open_checkpoint, origin_of
from overflight.decisions.documents import diff_policies, parse_assessment, read_policy
from overflight.decisions.entry import Entry, read_entry
from overflight.decisions.history import replay
from overflight.decisions.markings import MARKINGS, Marking, up_to
from overflight.decisions.notes import VerifierKey
from overflight.decisions.refusals import TamperError
from overflight.decisions.state import Logs, no_logs
from overflight.decisions.storage import Store
from overflight.decisions.tree import hash_leaf, prove_consistency, root_of
from overflight.errors import OverflightError
from overflight.service.policy import Policy


@dataclass(frozen=True, slots=True)
class LogReport:
    """What was verified of one log."""

    marking: Marking
    origin: str
    entries: int
    covered: int
    """Entries that the last checkpoint covers."""
    checkpoints: int
    documents: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified, and every problem found."""

    logs: tuple[LogReport, ...] = ()
    problems: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Origins of the checkpoints kept elsewhere that the record continues."""
    known: Logs = field(default_factory=no_logs, repr=False)


def verify_store(
    store: Store,
    *,
    clearance: Marking = MARKINGS[-1],
    kept: Iterable[bytes] = (),
    log_keys: Mapping[str, VerifierKey] | None = None,
) -> Report:
    """Verify a record up to a clearance.

    Parameters
    ----------
    store
        Where it is kept.
    clearance
        Logs above are not looked at.
    kept
        Checkpoints that a witness kept: the record must still begin as they say.
    log_keys
        Keys of the logs by their origins, known from elsewhere; by default those that the record itself names, which shows that nothing
        was changed, but not that the whole was not made anew.

    Returns
    -------
    Report
        With every problem found; none means that the record is whole.
    """
    problems = list(store.faults())
    try:
        waiting = {marking: [read_entry(note) for note in store.notes(marking)] for marking in up_to(clearance)}
        known: Logs = replay(no_logs(clearance), waiting, check_signatures=True)
    except OverflightError as error:
        return Report(problems=(*problems, str(error)))
    found = []
    for marking, entries in waiting.items():
        try:
            found.append(_verify_log(store, known, marking, entries, problems, log_keys))
        except OverflightError as error:
            problems.append(f"{marking} log: {error}")
    continued = _verify_kept(kept, known, waiting, problems, log_keys)
    if not any(waiting.values()):
        problems.append(f"{store.name}: no record has been founded there")
    return Report(tuple(found), tuple(problems), tuple(continued), known)


def _verify_log(
    store: Store,
    known: Logs,
    marking: Marking,
    entries: list[Entry],
    problems: list[str],
    log_keys: Mapping[str, VerifierKey] | None,
) -> LogReport:
    log_key = known[marking].log_key
    origin = log_key.name if log_key else marking
    if log_keys is not None and log_key is not None and log_keys.get(origin) not in {None, log_key}:
        problems.append(f"{marking} log: the key it names is not the one given for {origin}; the record was made anew, or is another")
    leaves = [hash_leaf(entry.note) for entry in entries]
    heads = store.checkpoints(marking)
    for size, raw in heads:
        if log_key is None:
            msg = "a checkpoint of a log that was not founded"
            raise TamperError(msg)
        head = open_checkpoint(raw, log_key)
        if head.size != size or head.size > len(leaves) or head.root != root_of(leaves[: head.size]):
            problems.append(
                f"{marking} log: it is not what the checkpoint with {head.size} entries signed; entries were changed or are lacking"
            )
    documents = _verify_documents(store, marking, entries, problems)
    covered = heads[-1][0] if heads else 0
    return LogReport(marking, origin, len(entries), covered, len(heads), documents, root_of(leaves))


def _verify_documents(store: Store, marking: Marking, entries: list[Entry], problems: list[str]) -> int:
    """Check that the documents are those that the entries name, and say what the entries say of them."""
    contents: dict[str, bytes] = {}
    for sha256 in store.documents(marking):
        content = store.document(marking, sha256) or b""
        if hashlib.sha256(content).hexdigest() != sha256:
            problems.append(f"{marking} log: document {sha256[:16]} is not what its hash says; it was changed")
        contents[sha256] = content
    named: set[str] = set()
    policies: dict[str | None, Policy | None] = {None: None}
    for entry in entries:
        wanted = _named_documents(entry.body)
        named |= wanted
        lacking = sorted(sha256[:16] for sha256 in wanted if sha256 not in contents)
        if lacking:
            problems.append(f"{marking} log: entry {entry.short} names documents that are not there: {', '.join(lacking)}")
            continue
        try:
            _compare_documents(entry.body, contents, policies)
        except (OverflightError, ValueError) as error:
            problems.append(f"{marking} log: entry {entry.short}: {error}")
    problems.extend(f"{marking} log: no entry names document {sha256[:16]}; it was put there" for sha256 in sorted(contents.keys() - named))
    return len(contents)


def _named_documents(body: object) -> set[str]:
    if isinstance(body, Request) and body.action != "rules":
        return {sha256 for sha256 in (body.base, body.result) if sha256 is not None}
    return {body.assessment} if isinstance(body, Assess) else set()


def _compare_documents(body: object, contents: dict[str, bytes], policies: dict[str | None, Policy | None]) -> None:
    """Check a request's diff against its policies, and what an assessment compares against its document."""
    if isinstance(body, Request) and body.action != "rules":
        for sha256 in (body.base, body.result):
            if sha256 is not None and sha256 not in policies:
                policies[sha256] = read_policy(contents[sha256])
        if body.diff != diff_policies(policies[body.base], policies[body.result]):
            msg = "what it says to differ between its policies does not"
            raise TamperError(msg)
    if isinstance(body, Assess):
        found = parse_assessment(contents[body.assessment], source=f"assessment {body.assessment[:16]}")
        if (found.before, found.after) != (body.before, body.after):
            msg = "the assessment compares other policies than it says"
            raise TamperError(msg)


def _verify_kept(
    kept: Iterable[bytes],
    known: Logs,
    waiting: Mapping[Marking, list[Entry]],
    problems: list[str],
    log_keys: Mapping[str, VerifierKey] | None,
) -> list[str]:
    """Check that the record continues checkpoints kept elsewhere."""
    continued = []
    by_origin = {log.log_key.name: (marking, log.log_key) for marking, log in known.items() if log.log_key is not None}
    for raw in kept:
        try:
            origin = origin_of(raw)
            if origin not in by_origin:
                problems.append(f"the checkpoint kept is of {origin}, which is no log here")
                continue
            marking, key = by_origin[origin]
            old = open_checkpoint(raw, (log_keys or {}).get(origin, key))
            leaves = [hash_leaf(entry.note) for entry in waiting[marking]]
            head = type(old)(origin, len(leaves), root_of(leaves))
            check_same_log(old, head, prove_consistency(old.size, leaves))
            continued.append(f"{origin} with {old.size} entries")
        except OverflightError as error:
            problems.append(str(error))
    return continued
