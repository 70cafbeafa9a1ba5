"""A log as files for outsiders, laid out as a tiled transparency log, with the documents beside it.

A folder per marking: ``checkpoint``, ``tile/0/…`` (leaf hashes), ``tile/1/…``, ``tile/entries/…`` (the entries), and ``document/SHA256``
(ours). It can be served as it is by any web server, read by monitors that know the format, and verified offline.

References
----------
C2SP tlog-tiles (c2sp.org/tlog-tiles): paths, tiles, entry bundles.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from overflight.decisions.checkpoints import parse_checkpoint
from overflight.decisions.markings import MARKINGS, Marking
from overflight.decisions.notes import read_note
from overflight.decisions.refusals import DecisionError, RecordError, TamperError
from overflight.decisions.storage import Store
from overflight.decisions.tree import hash_leaf, root_of

WIDTH = 256
"""Hashes in a full tile."""


def export_logs(store: Store, markings: tuple[Marking, ...], folder: Path) -> int:
    """Write logs into a folder that does not exist or is empty; how many files were written.

    Raises
    ------
    DecisionError
        If a log has entries that no checkpoint covers yet.
    RecordError
        If the folder holds something already, or cannot be written.
    """
    files: dict[str, bytes] = {}
    for marking in markings:
        notes, heads = store.notes(marking), store.checkpoints(marking)
        if not heads or heads[-1][0] != len(notes):
            msg = f"the {marking} log has entries that no checkpoint covers; sign one with decision checkpoint, then export"
            raise DecisionError(msg)
        own = tile_files(notes) | {"checkpoint": heads[-1][1]}
        for sha256 in store.documents(marking):
            own[f"document/{sha256}"] = store.document(marking, sha256) or b""
        files |= {f"{marking}/{name}": content for name, content in own.items()}
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder}: exists and is not an empty folder; choose another"
        raise RecordError(msg)
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        msg = f"{folder}: cannot be written ({error.strerror}); choose another place, or make room"
        raise RecordError(msg) from None
    return len(files)


def tile_files(notes: list[bytes]) -> dict[str, bytes]:
    """Tiles and entry bundles of a log, by their paths."""
    files = {}
    for number, start in enumerate(range(0, len(notes), WIDTH)):
        part = notes[start : start + WIDTH]
        files[_tile_path("entries", number, len(part))] = b"".join(len(note).to_bytes(2, "big") + note for note in part)
    level, hashes = 0, [hash_leaf(note) for note in notes]
    while hashes:
        for number, start in enumerate(range(0, len(hashes), WIDTH)):
            part = hashes[start : start + WIDTH]
            files[_tile_path(str(level), number, len(part))] = b"".join(part)
        full = len(hashes) // WIDTH
        hashes = [root_of(hashes[number * WIDTH : (number + 1) * WIDTH]) for number in range(full)]
        level += 1
    return files


class FolderStore:
    """Exported logs in a folder, to be read and verified (see `storage.Store`)."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder
        self._files: dict[Marking, dict[str, bytes]] = {}
        for marking in MARKINGS:
            below = folder / marking
            if below.is_dir():
                paths = [path for path in sorted(below.rglob("*")) if path.is_file()]
                self._files[marking] = {path.relative_to(below).as_posix(): path.read_bytes() for path in paths}
        if not self._files:
            msg = f"{folder}: no exported logs there; give a folder that log --export wrote, or a record"
            raise RecordError(msg)

    def notes(self, marking: Marking, start: int = 0) -> list[bytes]:
        """Notes of a log from its entry bundles."""
        files = self._files.get(marking, {})
        heads = self.checkpoints(marking)
        size = heads[-1][0] if heads else 0
        if size > WIDTH * len(files):
            msg = f"{self.name}/{marking}: the checkpoint counts {size} entries, and there are not so many"
            raise TamperError(msg)
        notes: list[bytes] = []
        for number in range(-(-size // WIDTH)):
            width = min(WIDTH, size - number * WIDTH)
            path = _tile_path("entries", number, width)
            if path not in files:
                msg = f"{self.name}/{marking}/{path}: not there; export anew"
                raise TamperError(msg)
            notes += _read_bundle(files[path])
        if len(notes) != size:
            msg = f"{self.name}/{marking}: {len(notes)} entries, and the checkpoint counts {size}; it was changed"
            raise TamperError(msg)
        return notes[start:]

    def document(self, marking: Marking, sha256: str) -> bytes | None:
        """A document of a log."""
        return self._files.get(marking, {}).get(f"document/{sha256}")

    def documents(self, marking: Marking) -> list[str]:
        """Hashes of the documents of a log."""
        return [name.removeprefix("document/") for name in self._files.get(marking, {}) if name.startswith("document/")]

    def checkpoints(self, marking: Marking) -> list[tuple[int, bytes]]:
        """The checkpoint."""
        raw = self._files.get(marking, {}).get("checkpoint")
        if raw is None:
            return []
        try:
            return [(parse_checkpoint(read_note(raw).text).size, raw)]
        except ValueError as error:
            msg = f"{self.name}/{marking}/checkpoint: {error}"
            raise TamperError(msg) from None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nothing can be added."""
        self._refuse()
        yield

    def add_note(self, marking: Marking, position: int, note: bytes) -> None:  # noqa: ARG002
        """Nothing can be added."""
        self._refuse()

    def add_document(self, marking: Marking, sha256: str, content: bytes) -> None:  # noqa: ARG002
        """Nothing can be added."""
        self._refuse()

    def add_checkpoint(self, marking: Marking, size: int, note: bytes) -> None:  # noqa: ARG002
        """Nothing can be added."""
        self._refuse()

    def faults(self) -> list[str]:
        """Files that are not those which these entries give."""
        found = []
        for marking, files in self._files.items():
            with suppress(TamperError):
                wanted = tile_files(self.notes(marking))
                own = {name: content for name, content in files.items() if name != "checkpoint" and not name.startswith("document/")}
                odd = sorted(name for name in own.keys() | wanted.keys() if own.get(name) != wanted.get(name))
                found += [f"{self.name}/{marking}/{name}: not what the entries give; it was changed" for name in odd]
        return found

    def close(self) -> None:
        """Nothing is held."""

    def discard(self) -> None:
        """Nothing is removed."""

    def _refuse(self) -> None:
        msg = f"{self.name}: exported logs, to be read only; name the record itself"
        raise RecordError(msg)


def _tile_path(level: str, number: int, width: int) -> str:
    parts = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        parts.insert(0, f"x{number % 1000:03d}")
    return f"tile/{level}/{'/'.join(parts)}{'' if width == WIDTH else f'.p/{width}'}"


def _read_bundle(raw: bytes) -> list[bytes]:
    notes, place = [], 0
    while place < len(raw):
        length = int.from_bytes(raw[place : place + 2], "big")
        notes.append(raw[place + 2 : place + 2 + length])
        place += 2 + length
    return notes
