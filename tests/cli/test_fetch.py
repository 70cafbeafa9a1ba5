"""``overflight fetch`` when there is nothing to fetch; no test goes out to the network."""

import functools
from pathlib import Path

import pytest
from tests.cli.sample import Call

from overflight import fetch

NOBODY = "http://127.0.0.1:9/"
"""An address of this machine where nothing answers (the discard service)."""


@pytest.fixture(autouse=True)
def _nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "fetch_elements", functools.partial(fetch.fetch_elements, base_url=NOBODY, timeout_s=5.0))


@pytest.mark.parametrize("group", ["../../etc/passwd", "", "a b", "star&link", "ü"])
def test_a_group_that_cannot_be_one_is_refused(call: Call, tmp_path: Path, group: str):
    refused = call("fetch", "elements", "--group", group, "--cache", "cache")
    assert refused.code == 2
    assert "letters, digits, '-' and '_' only" in refused.error
    assert not list(tmp_path.iterdir())


def test_a_site_that_does_not_answer_is_missing_data(call: Call):
    missing = call("fetch", "elements", "--cache", "cache")
    assert missing.code == 3
    assert "127.0.0.1" in missing.error


def test_a_cache_that_cannot_be_written_is_told(call: Call, tmp_path: Path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    refused = call("fetch", "elements", "--cache", "file/below")
    assert refused.code == 3
    assert "file/below" in refused.error
