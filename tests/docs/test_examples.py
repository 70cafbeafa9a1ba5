"""Every example of the docs runs, top to bottom, and prints what its page says (tools/run_docs.py has the rules)."""

import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.conftest import SHARED
from tools.run_docs import agrees, find_blocks, run_page

from overflight import fetch

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_EXAMPLES = [page for page in PAGES if {"python", "console"} & {block.language for block in find_blocks(page.read_text())}]
FLEET = SHARED / "data" / "elements" / "starlink_2026-08-22.tle"
RECORD = {
    "OBJECT_NAME": "STARLINK-1008",
    "OBJECT_ID": "2019-074B",
    "EPOCH": "2026-08-22T04:08:54.125088",
    "MEAN_MOTION": 15.61165912,
    "ECCENTRICITY": 0.0005172,
    "INCLINATION": 53.1481,
    "RA_OF_ASC_NODE": 110.2629,
    "ARG_OF_PERICENTER": 75.9267,
    "MEAN_ANOMALY": 284.2321,
    "NORAD_CAT_ID": 44714,
    "BSTAR": 0.00089842,
    "MEAN_MOTION_DOT": 0.00077595,
    "MEAN_MOTION_DDOT": 0,
}


@pytest.fixture
def celestrak(monkeypatch: pytest.MonkeyPatch):
    """Let ``overflight fetch`` ask a server of ours on this machine instead of the real site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps([RECORD]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}/gp.php"
    monkeypatch.setattr(fetch, "fetch_elements", partial(fetch.fetch_elements, base_url=address))
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run_and_print_what_the_page_says(page: Path, tmp_path: Path, celestrak: None):
    if FLEET.is_file():
        (tmp_path / "starlink.tle").symlink_to(FLEET)
    assert "\n".join(run_page(page, tmp_path)) == ""


@pytest.mark.parametrize("name", ["README.md", "docs/tutorial.md"])
def test_the_first_pages_have_examples(name: str):
    assert ROOT / name in WITH_EXAMPLES


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [
        ("in view 32.1 (least 26)", "in view 32.2 (least 26)", True),
        ("in view 32.1 (least 26)", "in view 33.1 (least 26)", False),
        ("in view 32.1 (least 26)", "in view 32.1 (least 27)", False),
        ("Sofia 86%", "Milan 86%", False),
        ("a […]\nc", "a b b b\nc", True),
        ("a […] c", "a b", False),
        ("[…]", "anything at all", True),
        ("a", "a b", False),
        ("a b", "a", False),
        ("", "a", False),
    ],
)
def test_outputs_agree_in_words_and_nearly_in_numbers(expected, output, same):
    assert agrees(expected, output) is same


def test_a_page_that_lies_is_caught(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(6 * 7)\n```\n\n```text\n43\n```\n\n```console\n$ false\n$ echo yes\nno\n```\n")
    problems = run_page(page, tmp_path)
    assert len(problems) == 3
    assert "43" in problems[0]
    assert "exit code 1" in problems[1]
    assert "yes" in problems[2]


def test_what_examples_print_can_be_taken_over(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(6 * 7)\n```\n\n```text\n43\n```\n\nBetween.\n\n```console\n$ echo yes\nno\n$ echo \\\n  no\n```\n")
    assert run_page(page, tmp_path, write=True) == []
    assert run_page(page, tmp_path) == []
    assert "42\n```\n\nBetween.\n\n```console\n$ echo yes\nyes\n$ echo" in page.read_text()
