"""A record in one SQLite file: write-ahead log, every commit synced to the disk before it is acknowledged."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

from overflight.decisions.markings import MARKINGS, Marking
from overflight.decisions.refusals import RecordError, TamperError
from overflight.decisions.storage import SCHEMA_VERSION
from overflight.errors import DataMissingError

BUSY_S = 20.0
"""A writer waits so long for another."""

_MARKING = f"marking TEXT NOT NULL CHECK (marking IN ({', '.join(repr(marking) for marking in MARKINGS)}))"


def _guard(table: str, at_end: str) -> tuple[str, ...]:
    """What keeps a table append-only. ``INSERT OR REPLACE`` would get past a guard of deletions, hence that of insertions."""
    return (
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'append-only: {table} are never changed'); END",
        f"CREATE TRIGGER {table}_remain BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'append-only: {table} are never removed'); END",
        (
            f"CREATE TRIGGER {table}_grow BEFORE INSERT ON {table} WHEN {at_end} "
            f"BEGIN SELECT RAISE(ABORT, 'append-only: {table} are added at the end only'); END"
        ),
    )


MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"CREATE TABLE entries ({_MARKING}, position INTEGER NOT NULL, note BLOB NOT NULL, PRIMARY KEY (marking, position)) STRICT",
        f"CREATE TABLE documents ({_MARKING}, sha256 TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (marking, sha256)) STRICT",
    ),
    (
        f"CREATE TABLE checkpoints ({_MARKING}, size INTEGER NOT NULL, note BLOB NOT NULL, PRIMARY KEY (marking, size)) STRICT",
        *_guard("entries", "NEW.position <> (SELECT COALESCE(MAX(position) + 1, 0) FROM entries WHERE marking = NEW.marking)"),
        *_guard("documents", "EXISTS (SELECT 1 FROM documents WHERE marking = NEW.marking AND sha256 = NEW.sha256)"),
        *_guard("checkpoints", "NEW.size <= (SELECT COALESCE(MAX(size), 0) FROM checkpoints WHERE marking = NEW.marking)"),
    ),
)
"""Statements that lead from each version of the tables to the next."""


class SqliteStore:
    """A record in one SQLite file (see `storage.Store`)."""

    def __init__(self, path: Path, *, create: bool = False, write: bool = True) -> None:
        self.name = str(path)
        if create:
            _create_file(path)
        elif not path.is_file():
            msg = f"{path}: no such record; begin one with decision init, or name another with --record"
            error = RecordError(msg)
            error.exit_code = DataMissingError.exit_code
            raise error
        with self._told():
            self._link = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'rw' if write else 'ro'}", uri=True, timeout=BUSY_S, isolation_level=None
            )
            try:
                self._prepare(write=write)
            except BaseException:
                self._link.close()
                raise

    def _prepare(self, *, write: bool) -> None:
        self._link.execute("PRAGMA trusted_schema = OFF")
        self._link.execute("PRAGMA cell_size_check = ON")
        version = self._version()
        if version > SCHEMA_VERSION:
            msg = f"{self.name}: a record of version {version}, and this program knows up to {SCHEMA_VERSION}; use a later one"
            raise RecordError(msg)
        if not write:
            if version < SCHEMA_VERSION:
                msg = f"{self.name}: a record of version {version}, or none; any verb that writes brings it to version {SCHEMA_VERSION}"
                raise RecordError(msg)
            return
        self._link.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit returns when the log is on the disk; NORMAL would lose what was acknowledged when the power fails.
        self._link.execute("PRAGMA synchronous = FULL")
        if version < SCHEMA_VERSION:
            self._migrate()

    def _migrate(self) -> None:
        with self.writing():
            for version in range(self._version(), SCHEMA_VERSION):
                for statement in MIGRATIONS[version]:
                    self._link.execute(statement)
                self._link.execute(f"PRAGMA user_version = {version + 1}")

    def _version(self) -> int:
        return int(self._link.execute("PRAGMA user_version").fetchone()[0])

    def notes(self, marking: Marking, start: int = 0) -> list[bytes]:
        """Notes of a log from a position on."""
        with self._told():
            rows = self._link.execute(
                "SELECT position, note FROM entries WHERE marking = ? AND position >= ? ORDER BY position", (marking, start)
            ).fetchall()
        if [position for position, _ in rows] != list(range(start, start + len(rows))):
            msg = f"{marking} log: its entries are not numbered one by one from 0; some were taken away or renumbered"
            raise TamperError(msg)
        return [self._bytes(note) for _, note in rows]

    def document(self, marking: Marking, sha256: str) -> bytes | None:
        """A document of a log."""
        with self._told():
            row = self._link.execute("SELECT content FROM documents WHERE marking = ? AND sha256 = ?", (marking, sha256)).fetchone()
        return None if row is None else self._bytes(row[0])

    def documents(self, marking: Marking) -> list[str]:
        """Hashes of the documents of a log."""
        with self._told():
            rows = self._link.execute("SELECT sha256 FROM documents WHERE marking = ? ORDER BY sha256", (marking,)).fetchall()
        return [str(row[0]) for row in rows]

    def checkpoints(self, marking: Marking) -> list[tuple[int, bytes]]:
        """Checkpoints of a log with their sizes."""
        with self._told():
            rows = self._link.execute("SELECT size, note FROM checkpoints WHERE marking = ? ORDER BY size", (marking,)).fetchall()
        return [(size, self._bytes(note)) for size, note in rows]

    def _bytes(self, value: object) -> bytes:
        """What a column of bytes holds; damage can make anything of it."""
        if not isinstance(value, bytes):
            msg = f"{self.name}: holds {type(value).__name__} where bytes belong; it is damaged, restore a backup"
            raise TamperError(msg)
        return value

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to write; commit at the end, roll back on any error."""
        with self._told():
            self._link.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._link.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    if self._link.in_transaction:
                        self._link.execute("ROLLBACK")
                raise

    def add_note(self, marking: Marking, position: int, note: bytes) -> None:
        """Add a note at the end of a log."""
        self._link.execute("INSERT INTO entries VALUES (?, ?, ?)", (marking, position, note))

    def add_document(self, marking: Marking, sha256: str, content: bytes) -> None:
        """Add a document unless it is there."""
        if self.document(marking, sha256) is None:
            self._link.execute("INSERT INTO documents VALUES (?, ?, ?)", (marking, sha256, content))

    def add_checkpoint(self, marking: Marking, size: int, note: bytes) -> None:
        """Add a checkpoint."""
        self._link.execute("INSERT INTO checkpoints VALUES (?, ?, ?)", (marking, size, note))

    def faults(self) -> list[str]:
        """Damage of pages, and tables or guards that are not as they were made."""
        try:
            found = [str(row[0]) for row in self._link.execute("PRAGMA integrity_check(10)") if row[0] != "ok"]
            schema = _read_schema(self._link)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            return [f"{self.name}: {error}"]
        if schema != _schema_as_made():
            found.append("its tables and guards are not those that were made; somebody has changed them")
        return [f"{self.name}: {' '.join(fault.split())}" for fault in found]

    def settle(self) -> None:
        """Make the file stand alone, without a log beside it, as a backup should."""
        with self._told():
            self._link.execute("PRAGMA journal_mode = DELETE")

    def close(self) -> None:
        """Close the file."""
        self._link.close()

    def discard(self) -> None:
        """Close the file and remove it: it was just made, and nothing came of it."""
        self.close()
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.name}{ending}").unlink(missing_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in one line what SQLite says."""
        try:
            yield
        except sqlite3.OperationalError as error:
            msg = f"{self.name}: {_in_words(str(error))}"
            raise RecordError(msg) from None
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            # A damaged file can make SQLite's own messages unreadable.
            if "append-only" in str(error):
                msg = f"{self.name}: {error}"
                raise RecordError(msg) from None
            msg = f"{self.name}: {error}; it is damaged or no record; restore a backup"
            raise TamperError(msg) from None


_Schema = list[tuple[str, str, str, str | None]]


def _read_schema(link: sqlite3.Connection) -> _Schema:
    return link.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()


@cache
def _schema_as_made() -> _Schema:
    with closing(sqlite3.connect(":memory:")) as link:
        for statement in (statement for step in MIGRATIONS for statement in step):
            link.execute(statement)
        return _read_schema(link)


def _create_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        msg = f"{path}: exists; a record is never overwritten, choose another name"
        raise RecordError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror}); choose another place"
        raise RecordError(msg) from None


def _in_words(message: str) -> str:
    if "locked" in message or "busy" in message:
        return f"another process has been writing this record for {BUSY_S:g} s; try again"
    if "full" in message or "disk I/O error" in message:
        return f"the disk is full or failing ({message}); nothing was recorded, make room and repeat"
    if "readonly" in message:
        return "cannot be written; check its permissions"
    return f"{message}; nothing was recorded"
