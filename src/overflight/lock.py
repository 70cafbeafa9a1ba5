"""A folder that one process writes at a time: an advisory lock on a file in it, which dies with its holder."""

import contextlib
import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from overflight.errors import RunError

try:
    import fcntl
except ImportError:  # Windows
    HAS_FLOCK = False
else:
    HAS_FLOCK = True

LOCK_NAME = ".overflight.lock"
"""File in a locked folder; it holds the number of the process, and is removed with the lock."""

NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
"""What file systems say that know no locks: the folder is then written without one."""


class FolderLock:
    """Exclusive right to write a folder, among processes of this package.

    Where the operating system has `flock`, a lock left behind by a killed process holds nobody up. Elsewhere the file itself is the
    lock, and after a kill must be removed by hand; the error says so.

    Parameters
    ----------
    folder
        A folder that exists.

    Raises
    ------
    RunError
        If another process holds the lock, or another run of this one does.
    OSError
        If the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._descriptor: int | None = _lock_file(self._path) if HAS_FLOCK else _claim_file(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def release(self) -> None:
        """Give the right back; more than once does no harm."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        # Removed while still held: whoever opened the file before sees that it is no longer the one in the folder, and opens it anew.
        # Windows removes no open file, hence once more after it.
        self._remove()
        os.close(descriptor)
        if not HAS_FLOCK:
            self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def _lock_file(path: Path) -> int:
    """Open and lock the file; a lock of a file that was removed meanwhile counts for nothing."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise _held(path, holder) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                os.close(descriptor)
                raise
        if _is_there(path, descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            return descriptor
        os.close(descriptor)


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _claim_file(path: Path) -> int:
    """Create the file, which must not be there."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        holder = path.read_text(encoding="ascii", errors="replace").strip()
        raise _held(path, holder, hint=f"; if it was killed, remove {path}") from None
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _held(path: Path, holder: str, *, hint: str = "") -> RunError:
    who = "this process" if holder == str(os.getpid()) else "another process"
    number = f" (pid {holder})" if holder else ""
    return RunError(f"{path.parent}: {who} is writing this run{number}; wait for it or choose another --out{hint}")
