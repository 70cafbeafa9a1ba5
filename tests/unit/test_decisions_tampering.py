"""Every single-byte change of a small record is detected: of its contents, of its SQLite file, of its export.

At each byte one bit is turned, another from place to place: what finds the change are hashes and signatures, to which all changes are alike.
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.decisions_sample import ORIGIN, MemoryStore, Office, public_line, small_policy

from overflight.decisions._sqlite import SqliteStore
from overflight.decisions.markings import MARKINGS
from overflight.decisions.notes import read_verifier_key
from overflight.decisions.tiles import FolderStore, export_logs
from overflight.decisions.verify import verify_store
from overflight.errors import OverflightError

TABLES = ("entries", "documents", "checkpoints")


def small_record(store) -> Office:
    """Six entries, two documents, three checkpoints."""
    office = Office(store, people=("operator-1", "analyst-1", "requester-1"))
    decision = office.request(small_policy("p", "MT"))
    office.assess(decision)
    office.sign_heads()
    return office


def turn(raw: bytes, place: int) -> bytes:
    return raw[:place] + bytes([raw[place] ^ (1 << place % 8)]) + raw[place + 1 :]


def is_detected(verify: Callable[[], object]) -> bool:
    try:
        return bool(verify().problems)
    except OverflightError:
        return True


def test_every_byte_of_the_contents():
    store = MemoryStore()
    small_record(store)
    assert verify_store(store).problems == ()
    tried = 0
    for marking in MARKINGS:
        for rows in (store.logs[marking], store.heads[marking], store.files[marking]):
            for key, kept in list(rows.items() if isinstance(rows, dict) else enumerate(rows)):
                raw = kept[1] if isinstance(kept, tuple) else kept
                for place in range(len(raw)):
                    rows[key] = (kept[0], turn(raw, place)) if isinstance(kept, tuple) else turn(raw, place)
                    assert is_detected(lambda: verify_store(store)), (marking, key, place)
                    tried += 1
                rows[key] = kept
    assert verify_store(store).problems == ()
    assert tried > 5000


def test_every_byte_of_the_file(tmp_path: Path):
    """A change that SQLite does not read (free space, counters) leaves the contents as they were; any other is detected."""
    path = tmp_path / "record.db"
    with closing(sqlite3.connect(path)) as link:
        link.execute("PRAGMA page_size = 512")
        link.execute("VACUUM")
    store = SqliteStore(path)
    small_record(store)
    store.settle()
    store.close()
    raw, changed = path.read_bytes(), tmp_path / "changed.db"
    whole = contents_of(raw)
    assert whole is not None
    unread = detected = 0
    for place in range(len(raw)):
        turned = turn(raw, place)
        if contents_of(turned) == whole:
            unread += 1
            continue
        changed.write_bytes(turned)
        assert is_detected(lambda: verify_file(changed)), place
        detected += 1
    assert detected > 8000
    assert unread + detected == len(raw)


def contents_of(raw: bytes) -> list | None:
    """All that SQLite reads from these bytes."""
    with closing(sqlite3.connect(":memory:")) as link:
        try:
            link.deserialize(raw)
            rows = [link.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES]
            return [*rows, link.execute("PRAGMA user_version").fetchall(), link.execute("SELECT * FROM sqlite_master").fetchall()]
        except (sqlite3.Error, UnicodeError, OverflowError):
            return None


def verify_file(path: Path) -> object:
    store = SqliteStore(path, write=False)
    try:
        return verify_store(store)
    finally:
        store.close()


def test_every_byte_of_an_export(tmp_path: Path):
    store = MemoryStore()
    small_record(store)
    folder = tmp_path / "export"
    export_logs(store, MARKINGS, folder)
    assert verify_store(FolderStore(folder)).problems == ()
    tried = 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        for place in range(len(raw)):
            path.write_bytes(turn(raw, place))
            assert is_detected(lambda: verify_store(FolderStore(folder))), (path, place)
            tried += 1
        path.write_bytes(raw)
    assert tried > 5000


@pytest.mark.parametrize("what", ["entry", "document", "checkpoint", "tile"])
def test_what_is_taken_away_from_an_export_is_missed(tmp_path: Path, what: str):
    store = MemoryStore()
    small_record(store)
    folder = tmp_path / "export"
    export_logs(store, MARKINGS, folder)
    pattern = {
        "entry": "public/tile/entries/**/*",
        "document": "public/document/*",
        "checkpoint": "public/checkpoint",
        "tile": "public/tile/0/**/*",
    }
    path = next(path for path in sorted(folder.glob(pattern[what])) if path.is_file())
    path.unlink()
    assert is_detected(lambda: verify_store(FolderStore(folder)))


def swap(rows: list) -> None:
    rows[-1], rows[-2] = rows[-2], rows[-1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda store: store.logs["public"].pop(), "it is not what the checkpoint with 3 entries signed|not those|not what"),
        (lambda store: store.logs["public"].pop(1), "signed for another state of the record|it comes after entries"),
        (lambda store: swap(store.logs["public"]), "it comes after entries that are not there"),
        (lambda store: store.logs["secret"].append(store.logs["public"][1]), "it comes after entries that are not there|belongs"),
        (lambda store: store.files["public"].popitem(), "names documents that are not there"),
        (lambda store: store.files["public"].update({"0" * 64: b"x"}), "not what its hash says"),
        (lambda store: store.add_document("public", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", b"x"), "no entry names document"),
        (lambda store: store.heads["public"].append(store.heads["secret"][0]), "checkpoint of"),
    ],
)  # fmt: skip
def test_what_is_taken_away_moved_or_put_in_is_named(change, said: str):
    store = MemoryStore()
    small_record(store)
    change(store)
    problems = verify_store(store).problems
    assert problems
    assert any(re.search(said, problem) for problem in problems), problems


def test_a_record_made_anew_shows_against_what_is_known_from_elsewhere():
    store, kept = MemoryStore(), MemoryStore()
    small_record(store)
    office = small_record(kept)
    office.request(small_policy("q", "TV"))
    office.sign_heads()
    known = {f"{ORIGIN}/public": read_verifier_key(public_line("another", f"{ORIGIN}/public"))}
    assert "made anew" in verify_store(store, log_keys=known).problems[0]
    later = kept.heads["public"][-1][1]
    assert "does not continue" in verify_store(store, kept=[later]).problems[0]
    report = verify_store(kept, kept=[store.heads["public"][0][1], later])
    assert report.problems == ()
    assert report.kept == (f"{ORIGIN}/public with 3 entries", f"{ORIGIN}/public with 4 entries")
    assert "is no log here" in verify_store(store, kept=[later.replace(b"example.org", b"example.com")]).problems[0]
