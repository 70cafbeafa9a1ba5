"""Contracts: who was promised how many terminals, where, at what rate, how reliably; TOML with a closed schema.

Every keyword is documented in docs/reference/contracts.md.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator

from overflight.catalog.tables import read_table
from overflight.clock import format_time, parse_time
from overflight.errors import InputError
from overflight.intake import check_printable
from overflight.service._closed import ClosedTable, problems_of, read_toml, without_none
from overflight.service.policy import Name, TerminalClass, known_code

MOST_CONTRACTS = 100
"""A file holds so many contracts at most: each is a class of terminals of its own in the twin."""


def _whole(value: object) -> object:
    if isinstance(value, bool):
        msg = "must be a number, not true or false"
        raise ValueError(msg)  # noqa: TRY004 - what pydantic turns into a message
    return value


def _said(text: str) -> str:
    if not text.strip():
        msg = "says nothing; give it"
        raise ValueError(msg)
    return text


def _currency(text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()):
        msg = "must be three capital letters, as in ISO 4217: USD"
        raise ValueError(msg)
    return text


Words = Annotated[str, Field(max_length=400), AfterValidator(check_printable)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False), BeforeValidator(_whole)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False), BeforeValidator(_whole)]


class ContractError(InputError):
    """A file of contracts is malformed or names something that does not exist."""


class Contract(ClosedTable):
    """What one customer was promised."""

    name: Name
    """Name, unique in the file."""
    customer: Annotated[Words, AfterValidator(_said)]
    """With whom: an office or a party to a decision."""
    territories: tuple[str, ...]
    """Where the terminals stand, by ISO 3166-1 code or by name."""
    terminals: Annotated[int, Field(ge=1, le=10_000_000), BeforeValidator(_whole)]
    """Terminals committed, in all of the territories together."""
    down_mbps: Positive
    """Rate committed to each active terminal, to it."""
    up_mbps: NotNegative = 0.0
    """And from it; 0: none is committed."""
    availability_percent: Annotated[float, Field(ge=50.0, le=99.999), BeforeValidator(_whole)] = 99.0
    """Share of the time for which the rate is committed, rain included."""
    terminal_class: TerminalClass = "government"
    """Class of the terminals: rules of a policy ask for it."""
    owner: Words = ""
    """Owner of the terminals, as rules and registers name it; by default the customer."""
    terminal_ids: tuple[Words, ...] = ()
    """Identifiers of the terminals, where they are known: rules that list terminals ask for them."""
    value_per_year: NotNegative = 0.0
    """What the contract is worth in a year."""
    currency: Annotated[str, AfterValidator(_currency)] = "USD"
    """Currency of the value, ISO 4217."""
    priority: Annotated[float, Field(gt=0.0, le=1000.0, allow_inf_nan=False), BeforeValidator(_whole)] = 1.0
    """Share of a busy link that one terminal gets, relative to a consumer's."""
    starts: str | None = None
    """First instant for which it is agreed, ISO 8601 UTC."""
    ends: str | None = None
    """Instant from which it is agreed no more."""
    source: Words = ""
    """Reference: which document says so."""

    @field_validator("territories")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        codes = tuple(dict.fromkeys(known_code(name) for name in value))
        lost = next((code for code in codes if code not in read_table("territories")["code"]), None)
        if lost is not None:
            msg = f"no border of '{lost}' is known, so that nothing could be said of it; name territories of ISO 3166-1"
            raise ValueError(msg)
        return codes

    @field_validator("starts", "ends")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        return None if value is None else format_time(parse_time(value))

    @model_validator(mode="after")
    def _fits_together(self) -> "Contract":
        if self.starts is not None and self.ends is not None and parse_time(self.starts) >= parse_time(self.ends):
            how = "as it begins; give it a term" if self.starts == self.ends else f"before it begins ({self.starts}); swap them"
            msg = f"contract '{self.name}': it ends ({self.ends}) {how}"
            raise ValueError(msg)
        if len(set(self.terminal_ids)) > self.terminals:
            named = len(set(self.terminal_ids))
            msg = f"contract '{self.name}': {named} terminal_ids for {self.terminals} terminals; name no more than there are"
            raise ValueError(msg)
        return self

    @property
    def owned_by(self) -> str:
        """Owner of its terminals."""
        return self.owner or self.customer


class Contracts(ClosedTable):
    """Contracts that a change of policy is checked against."""

    contracts: tuple[Contract, ...]
    """The contracts."""

    @model_validator(mode="after")
    def _named_apart(self) -> "Contracts":
        if len(self.contracts) > MOST_CONTRACTS:
            msg = (
                f"{len(self.contracts)} contracts; at most {MOST_CONTRACTS} are checked at once, each being a class of terminals of its own"
            )
            raise ValueError(msg)
        names = [contract.name for contract in self.contracts]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            msg = f"two contracts are named '{twice}'; give each a name of its own"
            raise ValueError(msg)
        return self

    def to_toml(self) -> str:
        """Write the contracts as TOML that reads back to equal ones."""
        return tomli_w.dumps(without_none(self.model_dump(mode="json", exclude_defaults=True)))

    def digest(self) -> str:
        """SHA-256 of the contracts: equal ones have equal digests."""
        return hashlib.sha256(self.to_toml().encode()).hexdigest()


def load_contracts(path: str | Path) -> Contracts:
    """Read contracts from TOML.

    Raises
    ------
    ContractError
        With every problem found, each with what to change.
    """
    what = "contracts in TOML"
    return parse_contracts(read_toml(path, what=what, wanted=what, refused=ContractError), source=str(path))


def parse_contracts(raw: dict[str, Any], *, source: str = "contracts") -> Contracts:
    """Check contracts given as nested tables.

    Raises
    ------
    ContractError
        With all problems at once.
    """
    try:
        return Contracts.model_validate(raw)
    except ValidationError as error:
        msg = f"{source}: {problems_of(error, Contracts)}"
        raise ContractError(msg) from None


def contracts_schema() -> dict[str, Any]:
    """JSON Schema of a file of contracts, with the description of every keyword."""
    return Contracts.model_json_schema()
