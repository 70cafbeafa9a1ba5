"""What an operator publishes about territories: served, coming, blacklisted; as a built-in table, and read from its files.

The operator's words are kept as published. What they mean is our reading (`verdict_of`), one key per meaning with plain words in
English and French.
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from overflight.catalog._availability_files import (
    AreaFeature,
    AvailabilityFile,
    PublishedStatus,
    cells_of_area,
    read_availability,
    read_availability_cells,
)
from overflight.catalog.tables import read_table

__all__ = [
    "VERDICTS",
    "AreaFeature",
    "AvailabilityFile",
    "PublishedStatus",
    "ServiceStatus",
    "blacklisted_cells",
    "cells_of_area",
    "cells_with_status",
    "province_counts",
    "read_availability",
    "read_availability_cells",
    "service_status",
    "verdict_of",
]

Cells = npt.NDArray[np.uint64]

VERDICTS: dict[str, tuple[str, str]] = {
    "served": ("served", "desservi"),
    "announced": ("not served: announced for {year}", "non desservi : annoncé pour {year}"),
    "date-unknown": ("not served: service date unknown", "non desservi : date de service inconnue"),
    "no-date": ("not served: no date given", "non desservi : aucune date donnée"),
    "pending-regulator": ("not served: pending the regulator's approval", "non desservi : en attente de l'accord du régulateur"),
    "sold-out": ("not served: listed as sold out", "non desservi : indiqué comme complet"),
    "blacklisted": ("not served: blacklisted by the operator", "non desservi : sur la liste noire de l'opérateur"),
    "split": ("split: status differs by province", "partagé : le statut diffère selon la province"),
    "test": ("test area", "zone d'essai"),
    "unknown": ("unknown", "inconnu"),
    "not-built-in": (
        "unknown: no published status of this operator is built in",
        "inconnu : aucun statut publié par cet opérateur n'est intégré",
    ),
}
"""Our reading of a published status, by key: plain words in English and French; ``{year}`` is the year that is announced."""

_YEAR = re.compile(r"\b(20\d\d)\b")
_BY_STATUS = {
    "launched": "served", "available": "served", "pending_regulatory": "pending-regulator", "blacklisted": "blacklisted",
    "exclude": "split", "test": "test", "unknown": "unknown",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What an operator publishes about one territory.

    Attributes
    ----------
    code
        ISO 3166-1 alpha-2, or a code of the operator's own (XA, XC, …).
    operator
        Who publishes it.
    published_status, expected
        As published; empty where nothing is.
    verdict_key
        Our reading, a key of `VERDICTS`.
    source, date, status
        Where it comes from, the day it holds for, and how sure it is.
    """

    code: str
    operator: str
    published_status: str
    expected: str
    verdict_key: str
    source: str
    date: str
    status: str

    @property
    def served(self) -> bool | None:
        """Whether service is offered; None where it is not known or differs by province."""
        return None if self.verdict_key in {"unknown", "not-built-in", "split", "test"} else self.verdict_key == "served"

    def verdict(self, lang: str = "en") -> str:
        """Our reading in plain words, English (``en``) or French (``fr``)."""
        return verdict_words(self.verdict_key, self.expected, lang=lang)


def verdict_of(published_status: str, expected: str = "") -> str:
    """Our reading of a published status and its expected date: a key of `VERDICTS`; words that are new to us give ``unknown``."""
    if published_status != "coming_soon":
        return _BY_STATUS.get(published_status, "unknown")
    said = expected.casefold()
    if not said:
        return "no-date"
    for words, key in (("unknown", "date-unknown"), ("regulator", "pending-regulator"), ("sold out", "sold-out")):
        if words in said:
            return key
    return "announced" if _YEAR.search(said) else "unknown"


def verdict_words(verdict_key: str, expected: str = "", *, lang: str = "en") -> str:
    """Plain words of a verdict, English (``en``) or French (``fr``)."""
    english, french = VERDICTS[verdict_key]
    year = _YEAR.search(expected)
    return (french if lang == "fr" else english).replace("{year}", year.group(1) if year else "")


def service_status(alpha2: str, *, operator: str = "starlink") -> ServiceStatus:
    """What the operator publishes about a territory, from the built-in table; ``unknown`` where nothing is published.

    Parameters
    ----------
    alpha2
        ISO 3166-1 alpha-2 code, any case.
    operator
        Only Starlink's status is built in; others get ``not-built-in``.
    """
    code = alpha2.strip().upper()
    found = _statuses().get((operator, code))
    if found is not None:
        return found
    is_known = any(known == operator for known, _ in _statuses())
    return ServiceStatus(code, operator, "", "", "unknown" if is_known else "not-built-in", "", "", "assumed")


def province_counts(alpha2: str) -> dict[str, int]:
    """Provinces by published status, for a territory that is split by province (UA, GE, CY); empty for others.

    The operator names provinces by opaque identifiers: how many have which status is known, which ones is not.
    """
    table = read_table("service_provinces")
    counts: dict[str, int] = {}
    for country, published in zip(table["country"], table["published_status"], strict=True):
        if country == alpha2.strip().upper():
            counts[published] = counts.get(published, 0) + 1
    return dict(sorted(counts.items()))


def blacklisted_cells() -> Cells:
    """H3 cells (resolution 5) that the operator blacklists one by one, whatever their territory's status; sorted."""
    return cells_with_status("blacklisted")


def cells_with_status(published_status: str) -> Cells:
    """H3 cells (resolution 5) that the operator lists with a status of their own; sorted."""
    table = read_table("availability_cells")
    found = [
        int(cell, 16) for cell, published in zip(table["cell"], table["published_status"], strict=True) if published == published_status
    ]
    return np.array(sorted(found), dtype=np.uint64)


@cache
def _statuses() -> dict[tuple[str, str], ServiceStatus]:
    table = read_table("service_status")
    columns = ("code", "operator", "published_status", "expected", "verdict_key", "source", "date", "status")
    rows = zip(*(table[column] for column in columns), strict=True)
    return {(row[1], row[0]): ServiceStatus(*row) for row in rows}
