"""What the package says to its user outside of errors: English lines that a report can say in another language.

A notice is made where the fact is known, from a key, an English sentence and the values in it. It is an ordinary English string to
whoever prints, compares or stores it; a report finds the sentence of its own language by the key and writes the values its own way
(``report/languages/notices.LANG.toml``).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

import numpy as np

from overflight.clock import format_time

Value = str | int | float | np.datetime64 | tuple[str, ...]
"""What a notice may hold; strings may be notices themselves."""

_NOTHING: Mapping[str, Value] = MappingProxyType({})


class Listing(tuple[str, ...]):
    """Texts that stand one after the other in a sentence: ``{files}`` parts them by a comma, ``{files:; }`` by a semicolon."""

    __slots__ = ()

    def __format__(self, separator: str) -> str:
        return (separator or ", ").join(self)


class Notice(str):
    """An English text that knows what it was made of.

    Attributes
    ----------
    key
        Which sentence it is, ``"table.name"``.
    values
        What stands in it; other languages may use more or fewer of them.
    """

    __slots__ = ("key", "values")

    key: str
    values: Mapping[str, Value]

    def __new__(cls, text: str, key: str, values: Mapping[str, Value] = _NOTHING) -> Self:
        """Make a notice of an English text as it stands."""
        notice = super().__new__(cls, text)
        notice.key = key
        notice.values = values
        return notice

    @classmethod
    def of(cls, key: str, sentence: str, /, **values: Value) -> Self:
        """Make a notice of an English sentence with placeholders for `str.format` and of the values that fill them.

        Examples
        --------
        >>> Notice.of("warning.cells", "{cells:,} cells in {files}", cells=2475, files=("a.json", "b.json"))
        '2,475 cells in a.json, b.json'
        """
        return cls(sentence.format_map({name: _in_english(value) for name, value in values.items()}), key, values)

    @classmethod
    def word(cls, table: str, text: str) -> Self:
        """Make a notice of a keyword, or of a sentence that a built-in table holds: the text itself is the name of its translation."""
        return cls(text, f"{table}.{text}")

    @classmethod
    def about(cls, subject: str, text: str) -> Self:
        """Say of what a text speaks: ``Starlink: …``."""
        return cls.of("about.subject", "{subject}: {text}", subject=subject, text=text)

    def __reduce__(self) -> tuple[type["Notice"], tuple[str, str, dict[str, Value]]]:
        return type(self), (str(self), self.key, dict(self.values))


def _in_english(value: Value) -> object:
    if isinstance(value, np.datetime64):
        return format_time(value)
    return Listing(value) if isinstance(value, tuple) else value
