"""An acknowledged entry survives `kill -9` at any moment and a full disk, and nothing is half there.

A kill takes the process, not what the system has been handed; that a commit is on the disk before it is acknowledged is SQLite's
``synchronous = FULL``, which a test asks for.
"""

import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.decisions_sample import Office, office_on_disk, small_policy

from overflight.decisions.entry import read_entry
from overflight.decisions.refusals import RecordError
from overflight.decisions.storage import open_store
from overflight.decisions.verify import verify_store

ROOT = Path(__file__).resolve().parent.parent.parent
KILLS = 300
FULL_DISKS = 25


class Worker:
    """The process that forks those who append."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.decisions_worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )

    def order(self, path: Path, *, limit: int = 0) -> int:
        self._process.stdin.write(f"{path} {limit}\n".encode())
        return int(self._process.stderr.readline())

    def finished(self) -> list[str]:
        """Wait for the end of the one who appended; what was acknowledged."""
        assert self._process.stderr.readline() == b"done\n"
        told = b""
        while select.select([self._process.stdout], [], [], 0)[0]:
            told += os.read(self._process.stdout.fileno(), 1 << 16)
        return told.decode().splitlines()

    def first_words(self) -> None:
        """Wait until something was acknowledged."""
        select.select([self._process.stdout], [], [], 30.0)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()


@contextmanager
def working() -> Iterator[Worker]:
    worker = Worker()
    try:
        yield worker
    finally:
        worker.close()


def read_ids(path: Path) -> list[str]:
    store = open_store(str(path))
    try:
        return [read_entry(note).id for note in store.notes("public")]
    finally:
        store.close()


def assert_whole(path: Path) -> None:
    store = open_store(str(path))
    try:
        assert verify_store(store).problems == ()
    finally:
        store.close()


def begin(path: Path) -> None:
    office_on_disk(path, people=("operator-1", "auditor-1", "analyst-1")).record.store.close()


def test_hundreds_of_kills_lose_nothing_that_was_acknowledged(tmp_path: Path):
    chance = random.Random(1)
    kept: list[str] = []
    acknowledged = 0
    with working() as worker:
        for number in range(KILLS):
            path = tmp_path / f"record-{number // 25}.db"
            if number % 25 == 0:
                begin(path)
                kept = read_ids(path)
            child = worker.order(path)
            if number % 3:
                worker.first_words()
            time.sleep(chance.uniform(0.0, 0.012))
            os.kill(child, signal.SIGKILL)
            told = worker.finished()
            # A line may have been cut off by the kill: then it was not acknowledged to anybody.
            told = [line for line in told if len(line) == 64]
            now = read_ids(path)
            assert now[: len(kept)] == kept
            assert now[len(kept) : len(kept) + len(told)] == told
            assert len(now) - len(kept) - len(told) <= 1
            kept, acknowledged = now, acknowledged + len(told)
            if number % 25 == 24:
                assert_whole(path)
    assert acknowledged > KILLS


def test_a_full_disk_loses_nothing_and_is_told_in_one_line(tmp_path: Path):
    """A limit on the size of files stands for a disk that fills up in the middle of a write (RLIMIT_FSIZE)."""
    chance = random.Random(2)
    path = tmp_path / "record.db"
    begin(path)
    kept = read_ids(path)
    with working() as worker:
        for _ in range(FULL_DISKS):
            worker.order(path, limit=path.stat().st_size + chance.randrange(0, 40_000))
            told = worker.finished()
            assert told
            assert told[-1].startswith("! ")
            assert "nothing was recorded" in told[-1]
            now = read_ids(path)
            assert now == [*kept, *told[:-1]]
            kept = now
        assert_whole(path)
        child = worker.order(path)
        worker.first_words()
        os.kill(child, signal.SIGKILL)
        assert len(worker.finished()) > 0
    assert_whole(path)


def test_a_database_that_may_grow_no_more_takes_nothing_by_halves(tmp_path: Path):
    path = tmp_path / "record.db"
    office = office_on_disk(path)
    link = office.record.store._link
    link.execute(f"PRAGMA max_page_count = {link.execute('PRAGMA page_count').fetchone()[0]}")
    refused = None
    for number in range(50):
        before, logs = read_ids(path), office.logs
        try:
            office.request(small_policy("p", "MT"), reason=f"{number} " + "x" * 3000)
        except RecordError as error:
            refused = str(error)
            break
    assert refused is not None
    assert "the disk is full or failing" in refused
    assert refused.endswith("nothing was recorded, make room and repeat")
    assert read_ids(path) == before
    assert office.logs is logs
    link.execute("PRAGMA max_page_count = 1073741823")
    office.request(small_policy("p", "MT"), reason="again")
    office.record.store.close()
    assert_whole(path)


def test_commits_are_synced_and_the_log_is_written_ahead(tmp_path: Path):
    office: Office = office_on_disk(tmp_path / "record.db")
    link: sqlite3.Connection = office.record.store._link
    assert link.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert link.execute("PRAGMA synchronous").fetchone() == (2,)
    assert (tmp_path / "record.db").stat().st_mode & 0o777 == 0o600
    office.record.store.close()
