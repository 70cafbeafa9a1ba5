"""What a reader took from a file and what it left out: read = used + left out, always."""

from dataclasses import dataclass, field


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
