"""Both languages say the same things, and write numbers, dates and spaces as their readers do."""

import string
import tomllib
from pathlib import Path

import numpy as np
import pytest

import overflight.report.words as words_module
from overflight.errors import InputError
from overflight.report.words import LANGUAGES, NO_VALUE, load_words

HARD, THIN = "\u00a0", "\u202f"
FOLDER = Path(words_module.__file__).parent / "languages"


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_languages_have_the_same_keys():
    keys = [set(load_words(lang).texts) for lang in LANGUAGES]
    assert keys[0] == keys[1]


def test_languages_have_the_same_placeholders():
    english, french = (load_words(lang).texts for lang in LANGUAGES)
    assert {key: placeholders(text) for key, text in english.items()} == {key: placeholders(text) for key, text in french.items()}


def test_emphasis_is_closed_everywhere():
    for lang in LANGUAGES:
        assert not [key for key, text in load_words(lang).texts.items() if text.count("**") % 2]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_files_hold_ordinary_spaces_only(lang):
    text = (FOLDER / f"{lang}.toml").read_text(encoding="utf-8")
    assert HARD not in text
    assert THIN not in text
    tomllib.loads(text)


def test_french_punctuation_is_never_left_to_break():
    for key, text in load_words("fr").texts.items():
        for sign in (" ;", " !", " ?", " :", " »", "« ", " %"):
            assert sign not in text, (key, text)
        assert "'" not in text


def test_units_stay_with_their_numbers():
    for lang in LANGUAGES:
        assert f"{{p50}}{HARD}ms" in load_words(lang)("summary.speed_text", p50="{p50}", p20="{p20}", p80="{p80}")
    assert "20e centile {p20}" + HARD + "ms" in load_words("fr").texts["latency.alt"]


@pytest.mark.parametrize(
    ("value", "digits", "english", "french"),
    [
        (1234567.891, 1, "1,234,567.9", f"1{THIN}234{THIN}567,9"),
        (-0.04, 1, "0.0", "0,0"),
        (-3.26, 1, "\u22123.3", "\u22123,3"),
        (12.0, 0, "12", "12"),
        (None, 1, NO_VALUE, NO_VALUE),
        (float("nan"), 0, NO_VALUE, NO_VALUE),
        (float("inf"), 0, NO_VALUE, NO_VALUE),
    ],
)
def test_numbers(value, digits, english, french):
    assert load_words("en").number(value, digits) == english
    assert load_words("fr").number(value, digits) == french


@pytest.mark.parametrize(
    ("share", "english", "french"),
    [
        (1.0, "100%", f"100{HARD}%"),
        (1.0 - 2e-16, "100%", f"100{HARD}%"),
        (0.0, "0%", f"0{HARD}%"),
        (0.9999, f">{THIN}99.9%", f">{THIN}99,9{HARD}%"),
        (0.995, "99.5%", f"99,5{HARD}%"),
        (0.5234, "52%", f"52{HARD}%"),
        (0.073, "7.3%", f"7,3{HARD}%"),
        (0.0004, f"<{THIN}0.1%", f"<{THIN}0,1{HARD}%"),
        (float("nan"), NO_VALUE, NO_VALUE),
    ],
)
def test_percentages_never_round_to_all_or_nothing(share, english, french):
    assert load_words("en").percent(share) == english
    assert load_words("fr").percent(share) == french


def test_counts_agree_in_number():
    english, french = load_words("en"), load_words("fr")
    assert english.count("cell", 1) == f"1{HARD}cell"
    assert english.count("cell", 0) == f"0{HARD}cells"
    assert french.count("cell", 0) == f"0{HARD}cellule"
    assert french.count("country", 3) == f"3{HARD}pays"


@pytest.mark.parametrize(
    ("people", "english", "french"),
    [
        (23_412_345, "23.4 million inhabitants", "23,4 millions d’habitants"),
        (1_000_000, "1.0 million inhabitants", "1,0 million d’habitants"),
        (1_412_000_000, "1,412 million inhabitants", "1 412 millions d’habitants"),
        (11_684, "11,700 inhabitants", "11 700 habitants"),
        (1, "1 inhabitant", "1 habitant"),
        (0, "0 inhabitants", "0 habitants"),
        (float("nan"), NO_VALUE, NO_VALUE),
    ],
)
def test_populations(people, english, french):
    assert load_words("en").people(people).replace(HARD, " ") == english
    assert load_words("fr").people(people).replace(HARD, " ").replace(THIN, " ") == french


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(15.0, "15 s"), (0.5, "0.5 s"), (195, "3 min 15 s"), (180, "3 min"), (7500, "2 h 5 min"), (86400, "24 h"), (None, NO_VALUE)],
)
def test_durations(seconds, text):
    assert load_words("en").duration(seconds).replace(HARD, " ") == text


def test_dates_and_spans():
    start, end = np.datetime64("2026-08-01T00:00:12", "us"), np.datetime64("2026-08-02T00:00:12", "us")
    english, french = load_words("en"), load_words("fr")
    assert english.date(start).replace(HARD, " ") == "1 August 2026"
    assert french.date("2026-08-01").replace(HARD, " ") == "1er août 2026"
    assert english.date("soon") == "soon"
    assert english.span(start, end).replace(HARD, " ") == "24 h from 1 August 2026, 00:00 UTC"
    assert french.span(start, end).replace(HARD, " ") == "24 h à partir du 1er août 2026, 00:00 UTC"


def test_positions_name_the_hemisphere():
    french = load_words("fr")
    assert french.latitude(-18.142) == f"18,14°{HARD}S"
    assert french.longitude(190.0) == f"170,00°{HARD}O"
    assert load_words("en").longitude(-70.0, 0) == f"70°{HARD}W"


def test_keywords_without_words_stand_for_themselves():
    assert load_words("fr").label("topology", "my own") == "my own"
    assert load_words("fr").label("topology", "none") == "sans lasers"


def test_lists_are_joined():
    assert load_words("en").listing(["a", "b", "c"]) == "a, b and c"
    assert load_words("fr").listing(["a", "b"]) == "a et b"
    assert load_words("fr").listing([]) == ""


def test_unknown_language_is_an_error():
    with pytest.raises(InputError, match=r"'de'.*en or fr"):
        load_words("de")
