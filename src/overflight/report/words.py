"""Words, numbers and dates of a report in one language; every sentence stands in ``languages/LANG.toml``.

What the rest of the package says (`overflight.notices`) is English; ``languages/notices.LANG.toml`` has the same in another language,
by the notice's key.

The files hold templates for `str.format`, with ordinary spaces: the spaces that must not break, and the thin ones of French typography
before ``; ! ?``, are put in when a file is read, so that whoever writes a sentence cannot forget them.
"""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from overflight.errors import InputError
from overflight.notices import Listing, Notice, Value

T = TypeVar("T")

LANGUAGES = ("en", "fr")

NO_VALUE = "–"
"""What stands where there is no number."""

_FOLDER = Path(__file__).resolve().parent / "languages"
_HARD = "\N{NO-BREAK SPACE}"
_THIN = "\N{NARROW NO-BREAK SPACE}"
_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_THROUGHPUTS = ((2, "kbit/s"), (1, "Mbit/s"), (0, "Gbit/s"), (-1, "Tbit/s"))
"""Powers of a thousand and the units that Gbit/s times them are in."""
_UNITS = re.compile(r"(?<=[}\d]) (?=(?:ms|s|min|h|km²|km|%|°|UTC|GHz|MHz|dB|[kMGT]bit/s)(?![A-Za-zÀ-ÿ]))")


@dataclass(frozen=True, slots=True)
class Words:
    """One language: ``words("summary.heading")`` is a text, the other methods write values as that language does."""

    lang: str
    texts: Mapping[str, str]
    notices: Mapping[str, str]
    """What the package says in English, in this language; empty for English."""

    def __call__(self, key: str, /, **values: str) -> str:
        """Return the text ``key`` with its placeholders filled; values are texts that this class wrote, or names."""
        return self.texts[key].format_map(values)

    def label(self, table: str, key: str) -> str:
        """Name of a keyword in ``table``, such as a topology; a keyword that the table does not know stands for itself."""
        return self.texts.get(f"{table}.{key.replace(' ', '_').replace('.', '_')}", key)

    def say(self, text: str) -> str:
        """Say in this language what the package says in English; a text of which nothing else is known stands as it is."""
        if not isinstance(text, Notice):
            return text
        sentence = self.notices.get(text.key, self.texts.get(text.key))
        if sentence is None:
            return text if self.lang == "en" else str(text)
        return Notice(sentence.format_map({name: self._write(value) for name, value in text.values.items()}), text.key)

    def say_all(self, found: T) -> T:
        """Say every notice in a table of findings, and in the tables that it holds, in this language."""
        if isinstance(found, str):
            return cast("T", self.say(found))
        if isinstance(found, tuple):
            return cast("T", tuple(self.say_all(item) for item in found))
        if is_dataclass(found) and not isinstance(found, type):
            return replace(found, **{field.name: self.say_all(getattr(found, field.name)) for field in fields(found)})
        return found

    def _write(self, value: Value) -> object:
        if isinstance(value, str):
            return self.say(value)
        if isinstance(value, tuple):
            return Listing(self.say(item) for item in value)
        if isinstance(value, np.datetime64):
            return f"{self.date(value)}, {self.time_of_day(value)}{_HARD}UTC"
        return _Number(value, self)

    def localise(self, number: str) -> str:
        """Give a number in English writing this language's signs."""
        swap = {
            ",": self.texts["format.thousands"],
            ".": self.texts["format.decimal"],
            "%": self.texts["format.percent"],
            "-": "\N{MINUS SIGN}",
        }
        return "".join(swap.get(character, character) for character in number)

    def number(self, value: float | None, digits: int = 0) -> str:
        """Write a number with the language's decimal sign and thousands; what is not finite has no value."""
        if value is None or not math.isfinite(value):
            return NO_VALUE
        text = f"{value:,.{digits}f}"
        if float(text.replace(",", "")) == 0.0:
            text = text.lstrip("-")
        return self.localise(text)

    def percent(self, share: float | None) -> str:
        """Write a share as a percentage that never rounds to all or to nothing: 99.97 % is "> 99.9 %"."""
        if share is None or not math.isfinite(share):
            return NO_VALUE
        value = round(100.0 * share, 9)  # weights add up to all but for the last bits
        if 0.0 < value < 0.1:
            text = "<" + _THIN + self.number(0.1, 1)
        elif 99.9 < value < 100.0:
            text = ">" + _THIN + self.number(99.9, 1)
        else:
            text = self.number(value, 1 if 0.0 < value < 10.0 or 99.0 < value < 100.0 else 0)
        return text + self.texts["format.percent"]

    def count(self, noun: str, n: float, digits: int = 0) -> str:
        """Write a number of things: ``count("cell", 2)`` is "2 cells", ``count("hour", 0.1, 1)`` is "0.1 hours"."""
        single = n < 2 if self.lang == "fr" else n == 1
        return self.number(n, digits) + _HARD + self.texts[f"noun.{noun}_{'one' if single else 'many'}"]

    def people(self, n: float) -> str:
        """Write a population to about three figures, in words from a million on."""
        if not math.isfinite(n):
            return NO_VALUE
        if n >= 1e6:
            millions = n / 1e6
            digits = 0 if millions >= 100 else 1
            single = millions < 2 if self.lang == "fr" else round(millions, digits) == 1
            return self.number(millions, digits) + _HARD + self.texts["noun.million_one" if single else "noun.million_many"]
        rounded = round(n, -max(0, len(str(int(n))) - 3))
        return self.number(rounded) + _HARD + self.texts["noun.inhabitant_one" if rounded == 1 else "noun.inhabitant_many"]

    def rate(self, mbps: float | None) -> str:
        """Write a rate in Mbit/s without its unit: to two or three figures, since no simulation is surer."""
        return self.number(mbps, 0 if mbps is None or mbps >= 19.5 or mbps == 0.0 else 1 if mbps >= 0.95 else 2)

    def throughput(self, gbps: float | None) -> str:
        """Write a throughput to about three figures with the unit that suits it: "640 Mbit/s", "14.2 Gbit/s", "1.2 Tbit/s"."""
        if gbps is None or not math.isfinite(gbps):
            return NO_VALUE
        value, unit = throughput_in(gbps, gbps)
        return self.number(value, 0 if value >= 99.5 or value == 0.0 else 1 if value >= 9.95 else 2) + _HARD + unit

    def duration(self, seconds: float | None) -> str:
        """Write a duration in its two largest units: "3 min 15 s", "2 h 5 min"."""
        if seconds is None or not math.isfinite(seconds):
            return NO_VALUE
        whole = round(seconds)
        if whole < 60:
            return self.number(seconds, 0 if seconds == whole else 1) + _HARD + "s"
        if whole < 3600:
            return _two_units(whole, 60, "min", "s", self)
        return _two_units(round(whole / 60), 60, "h", "min", self)

    def date(self, instant: np.datetime64 | str) -> str:
        """Write a day: "22 August 2026", "22 août 2026". A text that is no ISO date is returned as it is."""
        try:
            year, month, day = (int(part) for part in str(np.datetime64(str(instant)).astype("datetime64[D]")).split("-"))
        except ValueError:
            return str(instant)
        name = self.texts["format.months"].split()[month - 1]
        first = "1er" if self.lang == "fr" and day == 1 else str(day)
        return f"{first}{_HARD}{name}{_HARD}{year}"

    def time_of_day(self, instant: np.datetime64) -> str:
        """Write hour and minute."""
        return str(instant.astype("datetime64[m]"))[-5:]

    def span(self, start: np.datetime64, end: np.datetime64) -> str:
        """Write a span of time: "24 h from 22 August 2026, 00:00 UTC"."""
        seconds = float((end - start) / np.timedelta64(1, "s"))
        return self("format.span", duration=self.duration(seconds), date=self.date(start), time=self.time_of_day(start))

    def latitude(self, value_deg: float, digits: int = 2) -> str:
        """Write a latitude with its hemisphere."""
        return self.number(abs(value_deg), digits) + "°" + _HARD + self.texts["format.north" if value_deg >= 0 else "format.south"]

    def longitude(self, value_deg: float, digits: int = 2) -> str:
        """Write a longitude, brought into −180 … 180, with its hemisphere."""
        wrapped = (value_deg + 180.0) % 360.0 - 180.0
        return self.number(abs(wrapped), digits) + "°" + _HARD + self.texts["format.east" if wrapped >= 0 else "format.west"]

    def listing(self, items: Iterable[str]) -> str:
        """Join texts: "a, b and c"."""
        parts = list(items)
        if len(parts) < 2:
            return "".join(parts)
        return ", ".join(parts[:-1]) + f" {self.texts['format.and']} " + parts[-1]


@dataclass(frozen=True, slots=True)
class _Number:
    """A number in a notice: what a placeholder's format makes of it, in the signs of a language."""

    value: float
    words: Words

    def __format__(self, form: str) -> str:
        return self.words.localise(format(self.value, form))


@cache
def load_words(lang: str) -> Words:
    """Read the words of a language: ``"en"`` or ``"fr"``.

    Raises
    ------
    InputError
        If there is no such language.
    """
    if lang not in LANGUAGES:
        msg = f"language {lang!r}: reports are written in {' or '.join(LANGUAGES)}"
        raise InputError(msg)
    set_spaces = _set_french if lang == "fr" else _set_english
    texts = {key: text if key.startswith("format.") else set_spaces(text) for key, text in _read_texts(f"{lang}.toml").items()}
    notices = {} if lang == "en" else {key: set_spaces(text) for key, text in _read_texts(f"notices.{lang}.toml").items()}
    texts["format.thousands"] = _THIN if lang == "fr" else ","
    texts["format.percent"] = _HARD + "%" if lang == "fr" else "%"
    return Words(lang, texts, notices)


def _read_texts(name: str) -> dict[str, str]:
    return dict(_flatten(tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))))


def _flatten(tables: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value.strip()


def _set_english(text: str) -> str:
    return _UNITS.sub(_HARD, text.replace("'", _APOSTROPHE))


def _set_french(text: str) -> str:
    text = re.sub(r" (?=[;!?])", _THIN, text)
    text = re.sub(r" (?=[:»%])", _HARD, text)
    text = text.replace("« ", "«" + _HARD).replace("'", _APOSTROPHE)
    return _UNITS.sub(_HARD, text)


def throughput_in(gbps: float, greatest_gbps: float) -> tuple[float, str]:
    """A throughput in the unit that suits the greatest of its kind, and that unit."""
    power, unit = next((row for row in _THROUGHPUTS if greatest_gbps * 1000.0 ** row[0] < 999.5), _THROUGHPUTS[-1])
    power, unit = (power, unit) if greatest_gbps > 0.0 else _THROUGHPUTS[1]
    return gbps * 1000.0**power, unit


def _two_units(value: int, base: int, large: str, small: str, words: Words) -> str:
    whole, rest = divmod(value, base)
    text = words.number(whole) + _HARD + large
    return text + (f"{_HARD}{rest}{_HARD}{small}" if rest else "")
