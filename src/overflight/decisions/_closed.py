"""Closed, frozen tables: what rules and entries are made of."""

import difflib
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from overflight.errors import plain_words
from overflight.intake import check_printable

MAX_TEXT = 4000


class ClosedTable(BaseModel):
    """A frozen table: a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _printable(text: str) -> str:
    check_printable(text)
    if text != text.strip():
        msg = "begins or ends with a space; leave it out"
        raise ValueError(msg)
    return text


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_printable)]
Handle = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]


def problems_of(error: ValidationError) -> str:
    """Every problem of a table, one after the other, each with its place."""
    return "; ".join(_explain(problem) for problem in error.errors())


def nearest_word(word: str, known: list[str]) -> str:
    """A hint at the known word nearest to one that is not."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"


def _explain(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{where}'"
    if problem["type"] == "missing":
        return f"'{where}' is missing"
    message = plain_words(problem["msg"].removeprefix("Value error, "))
    if problem["type"] == "string_pattern_mismatch":
        message = f"must have the form {problem['ctx']['pattern']}"
    return f"'{where}': {message}" if where else message
