"""Storage: append-only in the database too, migrations, backup and restore, in SQLite and PostgreSQL alike."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.decisions_sample import Office, office_on_disk, private_key, small_policy

from overflight.decisions import _sqlite, copying
from overflight.decisions._sqlite import MIGRATIONS, SqliteStore
from overflight.decisions.copying import back_up, restore
from overflight.decisions.keys import load_key, load_public, make_key, public_path
from overflight.decisions.markings import MARKINGS
from overflight.decisions.record import open_record
from overflight.decisions.refusals import KeyFileError, RecordError, TamperError
from overflight.decisions.storage import SCHEMA_VERSION, open_store
from overflight.decisions.verify import verify_store

POSTGRES_URL = "OVERFLIGHT_POSTGRES_URL"
"""Environment variable: a server on which the tests may make schemas of their own; tools/start_postgres.sh prints it."""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place for a record in either storage."""
    if request.param == "sqlite":
        yield str(tmp_path / "record.db")
        return
    server = os.environ.get(POSTGRES_URL)
    if not server:
        pytest.skip(f"{POSTGRES_URL} is not set: no PostgreSQL server to test with; tools/start_postgres.sh starts one")
    psycopg = pytest.importorskip("psycopg")
    schema = f"test_{secrets.token_hex(6)}"
    yield f"{server}{'&' if '?' in server else '?'}schema={schema}"
    with psycopg.connect(server, autocommit=True) as link:
        link.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def decided(url: str) -> Office:
    office = Office(open_store(url, create=True))
    office.decide(small_policy("first", "MT"))
    office.sign_heads()
    return office


def execute(store, statement: str) -> None:
    store._link.execute(statement)


@pytest.mark.parametrize("table", ["entries", "documents", "checkpoints"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET marking = 'secret'",
        "DELETE FROM {table}",
        "DELETE FROM {table} WHERE marking = 'public'",
        "INSERT INTO {table} SELECT * FROM {table}",
    ],
)
def test_the_database_itself_refuses_changes(url: str, table: str, statement: str):
    office = decided(url)
    store = office.record.store
    kept = store.notes("public"), store.documents("public"), store.checkpoints("public")
    with pytest.raises(Exception, match="append-only"):
        execute(store, statement.format(table=table))
    assert (store.notes("public"), store.documents("public"), store.checkpoints("public")) == kept
    assert verify_store(store).problems == ()
    store.close()


def test_sqlite_replaces_nothing(tmp_path: Path):
    store = decided(str(tmp_path / "record.db")).record.store
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        execute(store, "INSERT OR REPLACE INTO entries VALUES ('public', 1, x'00')")
    store.close()


def test_postgresql_truncates_nothing(url: str):
    if not url.startswith("postgres"):
        pytest.skip("SQLite has no TRUNCATE")
    store = decided(url).record.store
    with pytest.raises(Exception, match="append-only"):
        execute(store, "TRUNCATE entries")
    store.close()


def test_guards_that_were_taken_away_are_missed(url: str):
    store = decided(url).record.store
    assert store.faults() == []
    postgres = url.startswith("postgres")
    execute(store, "DROP TRIGGER entries_stay ON entries" if postgres else "DROP TRIGGER entries_stay")
    assert len(store.faults()) == 1
    assert "guards" in verify_store(store).problems[0]
    store.close()


def test_what_was_recorded_is_there_when_opened_again(url: str):
    office = decided(url)
    notes = office.record.store.notes("public")
    office.record.store.close()
    with open_record(url) as record:
        assert record.store.notes("public") == notes
        assert record.logs["public"].head == office.logs["public"].head
        assert verify_store(record.store).problems == ()


def test_two_who_write_take_turns(url: str):
    office = decided(url)
    with open_record(url) as other:
        office.request(small_policy("second", "TV"))
        head = other.sign_head("public", private_key("log public"))
        assert b"\n10\n" not in head
        assert other.logs["public"].head == office.logs["public"].head
    office.record.store.close()


def test_a_record_is_never_overwritten(url: str):
    decided(url).record.store.close()
    with pytest.raises(RecordError, match=r"never overwritten"):
        open_store(url, create=True)


def test_a_record_that_is_not_there(url: str):
    with pytest.raises(RecordError, match=r"begin one with decision init"):
        open_store(url)


@pytest.mark.parametrize("clearance", ["public", "secret"])
def test_backup_and_restore(url: str, tmp_path: Path, clearance: str):
    office = decided(url)
    backup = tmp_path / "backup.db"
    copied = back_up(office.record.store, backup, clearance=clearance)
    assert copied["public"] == len(office.record.store.notes("public"))
    assert ("secret" in copied) == (clearance == "secret")
    assert not list(tmp_path.glob("*.part*"))
    with pytest.raises(RecordError, match="exists; a backup never overwrites"):
        back_up(office.record.store, backup)
    restored = str(tmp_path / "restored.db")
    assert restore(str(backup), restored) == (restored, copied | {marking: 0 for marking in MARKINGS if marking not in copied})
    with pytest.raises(RecordError, match="never overwritten"):
        restore(str(backup), restored)
    with open_record(restored) as record:
        assert record.store.notes("public") == office.record.store.notes("public")
        assert record.store.checkpoints("public") == office.record.store.checkpoints("public")
    office.record.store.close()
    if url.startswith("postgres"):
        return
    server = os.environ.get(POSTGRES_URL)
    if server:
        psycopg = pytest.importorskip("psycopg")
        schema = f"test_{secrets.token_hex(6)}"
        restore(str(backup), f"{server}{'&' if '?' in server else '?'}schema={schema}")
        with psycopg.connect(server, autocommit=True) as link:
            assert link.execute(f"SELECT count(*) FROM {schema}.entries WHERE marking = 'public'").fetchone() == (copied["public"],)
            link.execute(f"DROP SCHEMA {schema} CASCADE")


def test_a_restore_that_fails_leaves_nothing(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    backup = tmp_path / "backup.db"
    office = office_on_disk(tmp_path / "source.db")
    back_up(office.record.store, backup)
    office.record.store.close()

    def fail(*_: object) -> None:
        msg = "the disk is full"
        raise RecordError(msg)

    with monkeypatch.context() as failing:
        failing.setattr(copying, "copy_record", fail)
        with pytest.raises(RecordError, match="the disk is full"):
            restore(str(backup), url)
    with pytest.raises(RecordError, match="begin one with decision init") as refused:
        open_store(url)
    assert refused.value.exit_code == 3
    restore(str(backup), url)
    open_record(url).store.close()


def test_messages_never_hold_a_password(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("psycopg")
    with pytest.raises(RecordError) as refused:
        open_store("postgresql://somebody:hunter2@127.0.0.1:1/nowhere")
    assert "hunter2" not in str(refused.value)
    assert "127.0.0.1" in str(refused.value)


def test_a_record_that_does_not_verify_is_not_backed_up(tmp_path: Path):
    office = decided(str(tmp_path / "record.db"))
    execute(office.record.store, "DROP TRIGGER documents_stay")
    execute(office.record.store, "UPDATE documents SET content = x'00'")
    with pytest.raises(TamperError, match="does not verify"):
        back_up(office.record.store, tmp_path / "backup.db")
    assert not (tmp_path / "backup.db").exists()
    office.record.store.close()


def test_an_older_version_is_brought_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "record.db"
    with monkeypatch.context() as older:
        older.setattr(_sqlite, "SCHEMA_VERSION", 1)
        office = office_on_disk(path)
        office.decide(small_policy("first", "MT"))
        office.record.store.close()
    with pytest.raises(RecordError, match=f"brings it to version {SCHEMA_VERSION}"):
        SqliteStore(path, write=False)
    store = SqliteStore(path)
    assert store._version() == SCHEMA_VERSION == len(MIGRATIONS)
    assert store.faults() == []
    assert verify_store(store).problems == ()
    store.close()


def test_a_later_version_is_refused(tmp_path: Path):
    path = tmp_path / "record.db"
    office_on_disk(path).record.store.close()
    with sqlite3.connect(path) as link:
        link.execute("PRAGMA user_version = 99")
    link.close()
    with pytest.raises(RecordError, match="a record of version 99, and this program knows up to"):
        SqliteStore(path)


def test_what_is_no_record_is_refused(tmp_path: Path):
    path = tmp_path / "record.db"
    path.write_bytes(b"not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(TamperError, match="it is damaged or no record"):
        SqliteStore(path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RecordError, match="no exported logs there"):
        open_store(str(empty))


def test_private_keys_are_for_their_owner(tmp_path: Path):
    path = tmp_path / "a.key"
    public = make_key(path, "a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_public(str(public_path(path))) == load_public(str(public)) == public
    assert load_key(path).public_key().public_bytes_raw() == public.public
    with pytest.raises(KeyFileError, match="a key is never overwritten"):
        make_key(path, "a")
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match=r"others may read this private key \(mode 0640\)"):
        load_key(path)


def test_a_key_with_a_passphrase_opens_with_it_only(tmp_path: Path):
    path = tmp_path / "a.key"
    make_key(path, "a", passphrase=b"open")
    assert load_key(path, passphrase=b"open")
    for wrong, said in ((b"shut", "the passphrase is wrong"), (None, "needs a passphrase")):
        with pytest.raises(KeyFileError, match=said):
            load_key(path, passphrase=wrong)
    path.write_bytes(b"nothing")
    with pytest.raises(KeyFileError, match="not a private key"):
        load_key(path)
