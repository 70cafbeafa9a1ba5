"""What is collected while the inputs of a fleet are read: files, what was left out of them, and what the user should know."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from overflight.catalog.tables import path_of_table
from overflight.errors import InputError
from overflight.intake import Intake, read_bytes


@dataclass(slots=True)
class Account:
    """What was read for one fleet.

    Attributes
    ----------
    warnings
        What the user should know.
    files
        Name and SHA-256 of each file and built-in table.
    left_out
        Reason and number of satellites read but not used.
    gateway_names
        Names of all its gateways, those taken out of service and the assumed ones included.
    pop_names
        Every name of the PoPs that have lost their backhaul.
    """

    warnings: list[str] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    gateway_names: tuple[str, ...] = ()
    pop_names: tuple[str, ...] = ()

    def take(self, intake: Intake, *, what: str) -> None:
        """Take over the account of a file."""
        self.files.append((Path(intake.source).name, intake.sha256))
        self.warnings += intake.notices(what)

    def use_table(self, name: str) -> None:
        """Note that a built-in table was used."""
        self.files.append(file_entry(str(path_of_table(name))))

    def leave_out(self, reason: str, count: int) -> None:
        """Note satellites that are not used."""
        if count:
            self.left_out[reason] = self.left_out.get(reason, 0) + count


def file_entry(path: str) -> tuple[str, str]:
    """Name and SHA-256 of a file."""
    return Path(path).name, hashlib.sha256(read_bytes(path, wanted="a file that exists", refused=InputError)).hexdigest()
