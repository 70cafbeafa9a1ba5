"""Names as people type them: any case, accents optional, punctuation and small variants forgiven; and the nearest known ones."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

_SMALL_VARIANTS = {"st": "saint", "ste": "sainte", "mt": "mount"}
_ARTICLES = {"the", "la", "le", "les", "l"}
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def fold_name(name: str) -> str:
    """Reduce a name to what identifies it: lower case without accents, ``&`` as ``and``, one space between words."""
    decomposed = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).replace("&", " and ")
    plain = re.sub(r"(?<=\b\w)\.(?=\w\b)", "", plain)  # initials: u.s.a. → usa
    words = [_SMALL_VARIANTS.get(word, word) for word in re.findall(r"\w+", plain)]
    if len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    return " ".join(words)


def nearest_names(query: str, names: Iterable[str], *, at_most: int = 3) -> list[str]:
    """Known names most like ``query``, best first."""
    by_fold: dict[str, str] = {}
    for name in names:
        by_fold.setdefault(fold_name(name), name)
    folded = fold_name(query)
    close = difflib.get_close_matches(folded, by_fold, n=at_most, cutoff=0.6)
    if len(close) < at_most and len(folded) >= 3:
        close += [name for name in sorted(by_fold) if name.startswith(folded) and name not in close][: at_most - len(close)]
    return list(dict.fromkeys(by_fold[name] for name in close))
