"""Closed, frozen tables: what every document of this stage is made of, and how their problems are told in plain words."""

import difflib
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from overflight.errors import OverflightError, plain_words
from overflight.intake import read_bytes


class ClosedTable(BaseModel):
    """A frozen table: a key that is not known is an error, and so is a list without anything in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="after")
    def _no_empty_lists(self) -> "ClosedTable":
        for key in self.model_fields_set:
            if getattr(self, key) == () and key not in self._may_be_empty():
                msg = f"{key} is an empty list; name at least one, or leave the key out"
                raise ValueError(msg)
        return self

    @classmethod
    def _may_be_empty(cls) -> tuple[str, ...]:
        return ()


def problems_of(error: ValidationError, model: type[BaseModel]) -> str:
    """Every problem of a document, one after the other, each with what to change."""
    return "; ".join(_explain(problem, model) for problem in error.errors())


def nearest_word(word: str, known: list[str]) -> str:
    """A hint at the known word nearest to one that is not."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"


def without_none(value: Any) -> Any:
    """A document's tables without keys that have no value, for TOML has none."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list | tuple) else value


def read_toml(path: str | Path, *, what: str, wanted: str, refused: type[OverflightError]) -> dict[str, Any]:
    """Read a TOML file that the user named, its own dates and times as text.

    Parameters
    ----------
    path
        The file.
    what
        What it is to be, for messages: ``"a policy in TOML"``.
    wanted
        The same, with what else may be given, for one that cannot be read.
    refused
        Class of the error.

    Raises
    ------
    OverflightError
        Of the class ``refused``, if there is no such file or it is not TOML.
    """
    raw = read_bytes(path, wanted=wanted, refused=refused)
    try:
        tables: dict[str, Any] = with_text_times(tomllib.loads(raw.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        msg = f"{path}: not text in UTF-8 (byte {error.start}); give {what}"
        raise refused(msg) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        msg = f"{path}: not TOML: {error}; mend it there, or give {what}"
        raise refused(msg) from None
    return tables


def with_text_times(value: Any) -> Any:
    """A document's tables with TOML's own dates and times turned into text."""
    if isinstance(value, dict):
        return {key: with_text_times(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_text_times(item) for item in value]
    return value.isoformat() if isinstance(value, datetime | date) else value


def _explain(problem: Any, model: Any) -> str:
    where = _place(problem["loc"])
    if problem["type"] == "extra_forbidden":
        for part in problem["loc"][:-1]:
            if isinstance(part, str) and part in model.model_fields:
                model = _model_of(model.model_fields[part].annotation, model)
        return f"unknown key {where} ({nearest_word(str(problem['loc'][-1]), list(model.model_fields))})"
    if problem["type"] == "missing":
        return f"{where} is missing"
    message = plain_words(problem["msg"].removeprefix("Value error, "))
    shown = repr(problem["input"])
    given = f" = {shown}" if problem["type"] != "value_error" and len(shown) <= 60 else ""
    return f"{where}{given}: {message}" if where else message


def _place(parts: tuple[int | str, ...]) -> str:
    """Where a problem is: ``rule 3, 'within.cells'``; records of a list are counted from 1."""
    words: list[str] = []
    keys: list[str] = []
    for part in parts:
        if isinstance(part, int):
            name = keys.pop() if keys else ""
            words.append(f"{_single(name)} {part + 1}")
        else:
            keys.append(str(part))
    return ", ".join([*words, *([f"'{'.'.join(keys)}'"] if keys else [])])


def _single(name: str) -> str:
    """A record of a list, by the list's name: ``rules`` → ``rule``, ``territories`` → ``territory``."""
    return f"{name.removesuffix('ies')}y" if name.endswith("ies") else name.removesuffix("s")


def _model_of(annotation: Any, fallback: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for candidate in getattr(annotation, "__args__", ()):
        found = _model_of(candidate, None)
        if found is not None:
            return found
    return fallback
