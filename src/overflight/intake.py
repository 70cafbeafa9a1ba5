"""What a reader took from a file and what it left out: read = used + left out, always."""

from dataclasses import dataclass, field
from pathlib import Path

from overflight.errors import DataMissingError, OverflightError
from overflight.notices import Notice

EXAMPLES = 3
"""Records left out that a notice shows."""

MAX_PIPE_BYTES = 1 << 28
"""More than this (256 MiB) is not taken from a pipe."""

_FROM_PIPES: dict[tuple[str, int, int], bytes] = {}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One record that was not used: where it stands, what it is, and why it was left out."""

    source: str
    line: int | None
    record: str
    reason: str

    def __str__(self) -> str:
        where = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{where}: {self.record}: {self.reason}" if self.record else f"{where}: {self.reason}"

    def notice(self) -> str:
        """Say the same without the name of the file."""
        text = Notice.about(self.record, self.reason) if self.record else self.reason
        return text if self.line is None else Notice.of("left_out.at_line", "line {line}: {text}", line=self.line, text=text)


@dataclass(frozen=True, slots=True)
class Intake:
    """The account of one file.

    Attributes
    ----------
    source
        The file's name as the user gave it, or the name of a built-in table.
    sha256
        Hash of the bytes that were read, in hexadecimal.
    read, used
        Records found and records taken; ``read == used + len(left_out)`` holds by construction.
    left_out
        Each record that was not used, with line and reason.
    warnings
        What the user should know of the file as a whole.
    """

    source: str
    sha256: str
    read: int
    used: int
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.read != self.used + len(self.left_out):
            msg = f"{self.source}: {self.read} records read, but {self.used} used and {len(self.left_out)} left out"
            raise AssertionError(msg)

    def notices(self, what: str) -> list[str]:
        """Say in lines what the user should know: warnings on the file, and how many of ``what`` were left out, the first with reasons."""
        lines = [warning if warning.startswith(self.source) else Notice.about(self.source, warning) for warning in self.warnings]
        if self.left_out:
            examples = tuple(item.notice() for item in self.left_out[:EXAMPLES])
            if len(self.left_out) > EXAMPLES:
                examples = (*examples, Notice.of("left_out.more", "and {count:,} more", count=len(self.left_out) - EXAMPLES))
            counted = Notice.of(
                "left_out.counted",
                "{count:,} of {read:,} {what} left out: {examples:; }",
                count=len(self.left_out),
                read=self.read,
                what=Notice.word("records", what),
                examples=examples,
            )
            lines.append(Notice.about(self.source, counted))
        return lines


def read_bytes(path: str | Path, *, wanted: str, refused: type[OverflightError]) -> bytes:
    """Read a file that the user named.

    What a pipe gives (``<(zcat x.gz)``, ``/dev/stdin``) it gives once, so it is kept for whoever asks again.

    Parameters
    ----------
    path
        The file.
    wanted
        What to give instead, for the message: ``"a file of element sets"``.
    refused
        Class of the error.

    Raises
    ------
    OverflightError
        Of the class ``refused``, if the file cannot be read; with the exit code of missing data if there is no such file.
    """
    path = Path(path)
    try:
        if path.is_fifo() or path.is_char_device():
            return _read_pipe(path)
        return path.read_bytes()
    except FileNotFoundError:
        error = refused(f"{path}: no such file; give {wanted}")
        error.exit_code = DataMissingError.exit_code
        raise error from None
    except (OSError, ValueError) as cause:
        reason = "it is a folder" if isinstance(cause, IsADirectoryError) else getattr(cause, "strerror", None) or cause
        msg = f"{path}: cannot be read ({reason}); give {wanted}"
        raise refused(msg) from None


def _read_pipe(path: Path) -> bytes:
    state = path.stat()
    key = (str(path), state.st_dev, state.st_ino)
    if key not in _FROM_PIPES:
        with path.open("rb") as stream:
            data = stream.read(MAX_PIPE_BYTES + 1)
        if len(data) > MAX_PIPE_BYTES:
            msg = f"gives more than {MAX_PIPE_BYTES >> 20} MiB"
            raise ValueError(msg)
        _FROM_PIPES[key] = data
    return _FROM_PIPES[key]


def check_printable(text: str) -> str:
    """Refuse a text with a character that a terminal or a reader could be misled by: controls, line ends, marks that turn the writing.

    Raises
    ------
    ValueError
        If there is one; the text itself is returned.
    """
    odd = next((letter for letter in text if not letter.isprintable()), None)
    if odd is not None:
        msg = f"has a character that cannot be printed ({odd!a}); write plain text on one line"
        raise ValueError(msg)
    return text
