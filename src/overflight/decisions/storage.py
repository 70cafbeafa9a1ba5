"""Where a record is kept: what any storage can do, and which one a URL names."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from overflight.decisions.markings import Marking
from overflight.decisions.refusals import RecordError

POSTGRES = ("postgresql://", "postgres://")

SCHEMA_VERSION = 2
"""Version of the tables. 1: entries and documents. 2: checkpoints, and the guards of all three."""


class Store(Protocol):
    """A record's notes, documents and checkpoints. Everything may be added, nothing changed or taken away."""

    name: str
    """What messages call it."""

    def notes(self, marking: Marking, start: int = 0) -> list[bytes]:
        """Notes of a log from a position on, in order; a gap in their numbers is a `TamperError`."""

    def document(self, marking: Marking, sha256: str) -> bytes | None:
        """A document of a log."""

    def documents(self, marking: Marking) -> list[str]:
        """Hashes under which documents of a log are kept."""

    def checkpoints(self, marking: Marking) -> list[tuple[int, bytes]]:
        """Checkpoints of a log with their sizes, in the order in which they were signed."""

    def writing(self) -> AbstractContextManager[None]:
        """One writer at a time; all that is added within is there after it, on the disk, or nothing is."""

    def add_note(self, marking: Marking, position: int, note: bytes) -> None:
        """Add a note at the end of a log."""

    def add_document(self, marking: Marking, sha256: str, content: bytes) -> None:
        """Add a document; one that is there already stays as it is."""

    def add_checkpoint(self, marking: Marking, size: int, note: bytes) -> None:
        """Add a checkpoint."""

    def faults(self) -> list[str]:
        """What is wrong with the storage itself: pages, tables, guards."""

    def close(self) -> None:
        """Let go of it."""

    def discard(self) -> None:
        """Let go of it and remove it: it was just made, and nothing came of it."""


def open_store(url: str, *, create: bool = False, write: bool = True) -> Store:
    """Open the storage that a URL or a path names.

    Parameters
    ----------
    url
        Path of a SQLite file, or ``postgresql://…``.
    create
        Make it; it must not be there.
    write
        Whether anything will be added.

    Raises
    ------
    RecordError
        If it is not there, there already, of a later version, or cannot be reached.
    """
    if url.startswith(POSTGRES):
        try:
            from overflight.decisions._postgres import PostgresStore
        except ImportError as error:
            msg = f"PostgreSQL needs the package psycopg ({error}); install overflight[postgres]"
            raise RecordError(msg) from None
        return PostgresStore(url, create=create)
    if Path(url).is_dir():
        from overflight.decisions.tiles import FolderStore

        return FolderStore(Path(url))
    from overflight.decisions._sqlite import SqliteStore

    return SqliteStore(Path(url), create=create, write=write)
