"""Backup and restore: a record copied whole, or up to a clearance, after it was verified, into one that was not there."""

import os
from pathlib import Path

from overflight.decisions._sqlite import SqliteStore
from overflight.decisions.markings import MARKINGS, Marking, up_to
from overflight.decisions.refusals import RecordError, TamperError
from overflight.decisions.storage import Store, open_store
from overflight.decisions.verify import verify_store


def back_up(source: Store, target: Path, *, clearance: Marking = MARKINGS[-1]) -> dict[Marking, int]:
    """Copy a record, up to a clearance, into one SQLite file that appears when it is whole; entries of each log.

    Raises
    ------
    RecordError
        If the file is there already or cannot be written.
    TamperError
        If the record does not verify: a backup of it would be none.
    """
    if target.exists():
        msg = f"{target}: exists; a backup never overwrites, choose another name"
        raise RecordError(msg)
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        store = SqliteStore(part, create=True)
        try:
            copied = copy_record(source, store, up_to(clearance))
            store.settle()
        finally:
            store.close()
        # A file that came up meanwhile is not overwritten: a link fails where a rename would not.
        os.link(part, target)
        _sync_folder(target.parent)
    except FileExistsError:
        msg = f"{target}: exists; a backup never overwrites, choose another name"
        raise RecordError(msg) from None
    finally:
        part.unlink(missing_ok=True)
    return copied


def restore(source: str, target: str) -> tuple[str, dict[Marking, int]]:
    """Copy a backup into a record that is not there yet, in SQLite or PostgreSQL; its name, and entries of each log.

    Raises
    ------
    RecordError
        If there is one, or it cannot be written; nothing is left of it then.
    TamperError
        If the backup does not verify.
    """
    store = open_store(source, write=False)
    try:
        _check(store)
        new = open_store(target, create=True)
        try:
            copied = copy_record(store, new, MARKINGS)
        except BaseException:
            new.discard()
            raise
        new.close()
        return new.name, copied
    finally:
        store.close()


def copy_record(source: Store, target: Store, markings: tuple[Marking, ...]) -> dict[Marking, int]:
    """Copy logs, documents and checkpoints in one transaction.

    Raises
    ------
    TamperError
        If the source does not verify.
    """
    _check(source, markings[-1])
    copied = {}
    with target.writing():
        for marking in markings:
            notes = source.notes(marking)
            for position, note in enumerate(notes):
                target.add_note(marking, position, note)
            for sha256 in source.documents(marking):
                target.add_document(marking, sha256, source.document(marking, sha256) or b"")
            for size, note in source.checkpoints(marking):
                target.add_checkpoint(marking, size, note)
            copied[marking] = len(notes)
    return copied


def _check(store: Store, clearance: Marking = MARKINGS[-1]) -> None:
    report = verify_store(store, clearance=clearance)
    if report.problems:
        msg = f"{store.name}: does not verify ({report.problems[0]}); decision verify says more"
        raise TamperError(msg)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
