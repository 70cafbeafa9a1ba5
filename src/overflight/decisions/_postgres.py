"""A record in PostgreSQL, for a team: the same tables and guards as in SQLite, in a schema of their own."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import psycopg.sql

from overflight.decisions.markings import MARKINGS, Marking
from overflight.decisions.refusals import RecordError, TamperError
from overflight.decisions.storage import SCHEMA_VERSION
from overflight.errors import DataMissingError

SCHEMA = "overflight_decisions"
"""Schema of the tables; ``?schema=NAME`` in the URL chooses another."""

LOCK_TIMEOUT_MS = 20_000

_MARKING = f"marking text NOT NULL CHECK (marking IN ({', '.join(repr(marking) for marking in MARKINGS)}))"
_TABLES = ("entries", "documents", "checkpoints")
_ENDS = {
    "entries": "NEW.position <> (SELECT COALESCE(MAX(position) + 1, 0) FROM entries WHERE marking = NEW.marking)",
    "documents": "EXISTS (SELECT 1 FROM documents WHERE marking = NEW.marking AND sha256 = NEW.sha256)",
    "checkpoints": "NEW.size <= (SELECT COALESCE(MAX(size), 0) FROM checkpoints WHERE marking = NEW.marking)",
}


def _guard(table: str) -> tuple[str, ...]:
    """What keeps a table append-only, against TRUNCATE too."""
    return (
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
        (
            f"CREATE FUNCTION {table}_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {_ENDS[table]} THEN "
            f"RAISE EXCEPTION 'append-only: {table} are added at the end only'; END IF; RETURN NEW; END $$"
        ),
        f"CREATE TRIGGER {table}_grow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_end()",
    )


MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"CREATE TABLE entries ({_MARKING}, position bigint NOT NULL, note bytea NOT NULL, PRIMARY KEY (marking, position))",
        f"CREATE TABLE documents ({_MARKING}, sha256 text NOT NULL, content bytea NOT NULL, PRIMARY KEY (marking, sha256))",
    ),
    (
        f"CREATE TABLE checkpoints ({_MARKING}, size bigint NOT NULL, note bytea NOT NULL, PRIMARY KEY (marking, size))",
        (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'append-only: % are never changed or removed', TG_TABLE_NAME; END $$"
        ),
        *(statement for table in _TABLES for statement in _guard(table)),
    ),
)
"""Statements that lead from each version of the tables to the next."""

_GUARDS = frozenset(f"{table}_{what}" for table in _TABLES for what in ("stay", "grow"))


class PostgresStore:
    """A record in PostgreSQL (see `storage.Store`)."""

    def __init__(self, url: str, *, create: bool = False) -> None:
        address, _, query = url.partition("?")
        scheme, _, place = address.partition("//")
        self.name = f"{scheme}//{place.rpartition('@')[2]}"  # never the password
        query, self._schema = _take_schema(query)
        with self._told():
            self._link: psycopg.Connection[tuple[object, ...]] = psycopg.connect(
                f"{address}?{query}" if query else address, autocommit=True, connect_timeout=10
            )
        try:
            self._prepare(create=create)
        except BaseException:
            self._link.close()
            raise

    def _prepare(self, *, create: bool) -> None:
        schema = self._schema
        with self._told():
            # A commit returns when it is on the server's disk, whatever the server's own setting.
            self._link.execute("SET synchronous_commit = on")
            self._link.execute("SET client_min_messages = warning")
            self._link.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
            self._link.execute(psycopg.sql.SQL("SET search_path = {}").format(psycopg.sql.Identifier(schema)))
            there = self._link.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (schema,)).fetchone()
            if there and create:
                msg = f"{self.name}: has the schema {schema} already; a record is never overwritten, choose another with ?schema=NAME"
                raise RecordError(msg)
            if not there and not create:
                msg = f"{self.name}: has no record in the schema {schema}; begin one with decision init"
                error = RecordError(msg)
                error.exit_code = DataMissingError.exit_code
                raise error
            with self._link.transaction():
                if create:
                    self._link.execute(psycopg.sql.SQL("CREATE SCHEMA {}").format(psycopg.sql.Identifier(schema)))
                    self._link.execute("CREATE TABLE version (number int NOT NULL)")
                    self._link.execute("INSERT INTO version VALUES (0)")
                self._migrate()

    def _migrate(self) -> None:
        version = self._version()
        if version > SCHEMA_VERSION:
            msg = f"{self.name}: a record of version {version}, and this program knows up to {SCHEMA_VERSION}; use a later one"
            raise RecordError(msg)
        for step in range(version, SCHEMA_VERSION):
            for statement in MIGRATIONS[step]:
                self._link.execute(statement.encode())
        if version < SCHEMA_VERSION:
            self._link.execute("UPDATE version SET number = %s", (SCHEMA_VERSION,))

    def _version(self) -> int:
        row = self._link.execute("SELECT number FROM version").fetchone()
        return 0 if row is None else int(str(row[0]))

    def notes(self, marking: Marking, start: int = 0) -> list[bytes]:
        """Notes of a log from a position on."""
        query = "SELECT position, note FROM entries WHERE marking = %s AND position >= %s ORDER BY position"
        with self._told():
            rows = self._link.execute(query, (marking, start)).fetchall()
        if [row[0] for row in rows] != list(range(start, start + len(rows))):
            msg = f"{marking} log: its entries are not numbered one by one from 0; some were taken away or renumbered"
            raise TamperError(msg)
        return [_as_bytes(row[1]) for row in rows]

    def document(self, marking: Marking, sha256: str) -> bytes | None:
        """A document of a log."""
        with self._told():
            row = self._link.execute("SELECT content FROM documents WHERE marking = %s AND sha256 = %s", (marking, sha256)).fetchone()
        return None if row is None else _as_bytes(row[0])

    def documents(self, marking: Marking) -> list[str]:
        """Hashes of the documents of a log."""
        with self._told():
            rows = self._link.execute("SELECT sha256 FROM documents WHERE marking = %s ORDER BY sha256", (marking,)).fetchall()
        return [str(row[0]) for row in rows]

    def checkpoints(self, marking: Marking) -> list[tuple[int, bytes]]:
        """Checkpoints of a log with their sizes."""
        with self._told():
            rows = self._link.execute("SELECT size, note FROM checkpoints WHERE marking = %s ORDER BY size", (marking,)).fetchall()
        return [(int(str(row[0])), _as_bytes(row[1])) for row in rows]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to write; commit at the end, roll back on any error."""
        with self._told(), self._link.transaction():
            self._link.execute("LOCK TABLE entries IN EXCLUSIVE MODE")
            yield

    def add_note(self, marking: Marking, position: int, note: bytes) -> None:
        """Add a note at the end of a log."""
        self._link.execute("INSERT INTO entries VALUES (%s, %s, %s)", (marking, position, note))

    def add_document(self, marking: Marking, sha256: str, content: bytes) -> None:
        """Add a document unless it is there."""
        if self.document(marking, sha256) is None:
            self._link.execute("INSERT INTO documents VALUES (%s, %s, %s)", (marking, sha256, content))

    def add_checkpoint(self, marking: Marking, size: int, note: bytes) -> None:
        """Add a checkpoint."""
        self._link.execute("INSERT INTO checkpoints VALUES (%s, %s, %s)", (marking, size, note))

    def faults(self) -> list[str]:
        """Guards that are not there or are switched off."""
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O' AND tgrelid = ANY(%s::regclass[])"
        with self._told():
            found = {str(row[0]) for row in self._link.execute(query, (list(_TABLES),)).fetchall()}
        lacking = ", ".join(sorted(_GUARDS - found))
        return [f"{self.name}: guards were taken away or switched off: {lacking}"] if lacking else []

    def close(self) -> None:
        """Close the connection."""
        with suppress(psycopg.Error):
            self._link.close()

    def discard(self) -> None:
        """Remove the schema: it was just made, and nothing came of it."""
        with suppress(psycopg.Error):
            self._link.execute(psycopg.sql.SQL("DROP SCHEMA {} CASCADE").format(psycopg.sql.Identifier(self._schema)))
        self.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in one line what PostgreSQL says."""
        try:
            yield
        except psycopg.errors.LockNotAvailable:
            msg = f"{self.name}: another process has been writing this record for {LOCK_TIMEOUT_MS // 1000} s; try again"
            raise RecordError(msg) from None
        except psycopg.Error as error:
            first = next(iter(str(error).splitlines()), type(error).__name__)
            msg = f"{self.name}: {first}; nothing was recorded"
            raise RecordError(msg) from None


def _take_schema(query: str) -> tuple[str, str]:
    """The URL's query without our own word in it, and that word's value."""
    schema = SCHEMA
    rest = []
    for part in filter(None, query.split("&")):
        if part.startswith("schema="):
            schema = part.removeprefix("schema=")
        else:
            rest.append(part)
    return "&".join(rest), schema


def _as_bytes(value: object) -> bytes:
    assert isinstance(value, bytes | memoryview)
    return bytes(value)
