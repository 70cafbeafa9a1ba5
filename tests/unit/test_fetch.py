"""Fetching from a server of our own on this machine; the real site is never asked."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from overflight import fetch
from overflight.clock import add_seconds
from overflight.errors import FetchError, InputError
from overflight.fetch import MINIMUM_INTERVAL_S, default_cache_dir, fetch_elements
from overflight.orbit.elements import read_elements

NOW = np.datetime64("2026-08-22T12:00:00", "us")
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
GOOD = json.dumps([RECORD]).encode()


@dataclass
class Site:
    """What the server answers next, and what it was asked."""

    status: int = 200
    body: bytes = GOOD
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    short_by: int = 0
    delay_s: float = 0.0


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    answer = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer.requests.append((self.path, dict(self.headers)))
            time.sleep(answer.delay_s)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 304:
                self.send_header("Content-Length", str(len(answer.body) + answer.short_by))
            self.end_headers()
            if answer.status != 304:
                with contextlib.suppress(BrokenPipeError):  # the client has given up
                    self.wfile.write(answer.body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    answer.url = f"http://127.0.0.1:{server.server_address[1]}/gp.php"
    yield answer
    server.shutdown()
    thread.join()
    server.server_close()


def later(seconds: float) -> np.datetime64:
    return add_seconds(NOW, seconds)


def test_first_fetch_asks_once_says_who_it_is_and_caches(site: Site, tmp_path: Path) -> None:
    fetched = fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    assert fetched.status == "new"
    assert fetched.satellites == 1
    assert fetched.path.read_bytes() == GOOD
    assert read_elements(fetched.path)[0].norad_id.tolist() == [44714]
    (path, headers), *more = site.requests
    assert not more
    assert path == "/gp.php?GROUP=starlink&FORMAT=json"
    assert headers["User-Agent"].startswith("overflight/")


def test_no_request_within_the_hour(site: Site, tmp_path: Path) -> None:
    first = fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    again = fetch_elements("STARLINK", cache_dir=tmp_path, now=later(MINIMUM_INTERVAL_S - 1.0), base_url=site.url)
    assert again.status == "cached"
    assert again.path == first.path
    assert len(site.requests) == 1


def test_later_request_is_conditional(site: Site, tmp_path: Path) -> None:
    site.headers = {"ETag": '"abc"', "Last-Modified": "Sat, 22 Aug 2026 10:00:00 GMT"}
    fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    site.status = 304
    fetched = fetch_elements("starlink", cache_dir=tmp_path, now=later(7200), base_url=site.url)
    assert fetched.status == "unchanged"
    assert fetched.path.read_bytes() == GOOD
    headers = site.requests[1][1]
    assert headers["If-None-Match"] == '"abc"'
    assert headers["If-Modified-Since"] == "Sat, 22 Aug 2026 10:00:00 GMT"
    assert fetch_elements("starlink", cache_dir=tmp_path, now=later(7300), base_url=site.url).status == "cached"
    assert len(site.requests) == 2


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_stops_at_the_first_refusal_for_every_group(site: Site, tmp_path: Path, status: int) -> None:
    site.status, site.body = status, b"GP data has not updated since your last successful download of GROUP=starlink"
    with pytest.raises(FetchError, match=rf"answers {status}.*not asking again before 2026-08-22T13:00:00Z") as caught:
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    site.status, site.body = 200, GOOD
    for group in ("starlink", "oneweb"):
        with pytest.raises(FetchError, match="not asking again"):
            fetch_elements(group, cache_dir=tmp_path, now=later(3599), base_url=site.url)
    assert len(site.requests) == 1
    assert fetch_elements("starlink", cache_dir=tmp_path, now=later(3601), base_url=site.url).status == "new"


def test_retry_after_is_obeyed(site: Site, tmp_path: Path) -> None:
    site.status, site.headers = 429, {"Retry-After": "10800"}
    with pytest.raises(FetchError, match="before 2026-08-22T15:00:00Z"):
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    with pytest.raises(FetchError, match="not asking again"):
        fetch_elements("starlink", cache_dir=tmp_path, now=later(10_000), base_url=site.url)
    assert len(site.requests) == 1


def test_retry_after_as_a_date_and_as_nonsense() -> None:
    assert fetch._retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert fetch._retry_after_s("Fri, 31 Dec 2199 23:59:59 GMT") == fetch._MAX_REFUSAL_S
    assert fetch._retry_after_s("soon") == fetch._retry_after_s(None) == 0.0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<!DOCTYPE html><html><body>Sorry</body></html>", "web page"),
        (b"GP data has not updated since your last successful download", "has not updated"),
        (b"", "nothing"),
        (b"[]", "no element sets"),
        (b'[{"OBJECT_NAME": "X"}]', "no element sets"),
        (b'{"error": "slow down"}', "no element sets"),
        (json.dumps([RECORD, {**RECORD, "NORAD_CAT_ID": 44715, "ECCENTRICITY": 3}]).encode(), "1 of them unusable"),
    ],
)
def test_wrong_content_never_replaces_the_cache(site: Site, tmp_path: Path, body: bytes, expected: str) -> None:
    path = fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url).path
    site.body = body
    with pytest.raises(FetchError, match=expected) as caught:
        fetch_elements("starlink", cache_dir=tmp_path, now=later(7200), base_url=site.url)
    assert str(path) in str(caught.value)  # the user is told what can still be used
    assert path.read_bytes() == GOOD
    with pytest.raises(FetchError, match="not asking again"):
        fetch_elements("starlink", cache_dir=tmp_path, now=later(7300), base_url=site.url)
    assert len(site.requests) == 2
    assert not list(tmp_path.rglob("*.part"))


def test_unknown_group_does_not_shut_the_others_out(site: Site, tmp_path: Path) -> None:
    site.body = b'Invalid query: "GROUP=starlnik&FORMAT=json" (GROUP=starlnik not found)'
    with pytest.raises(FetchError, match="knows no group 'starlnik'"):
        fetch_elements("starlnik", cache_dir=tmp_path, now=NOW, base_url=site.url)
    site.body = GOOD
    assert fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url).status == "new"


def test_broken_download_is_not_kept(site: Site, tmp_path: Path) -> None:
    site.short_by = 10
    with pytest.raises(FetchError, match="cannot be reached"):
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url, timeout_s=2.0)
    assert not list(tmp_path.rglob("*.omm.json"))
    site.short_by = 0
    for since_s in (0.0, MINIMUM_INTERVAL_S - 1.0):
        expected = r"asked at 2026-08-22T12:00:00Z .*not asking again before 2026-08-22T13:00:00Z"
        with pytest.raises(FetchError, match=expected):
            fetch_elements("starlink", cache_dir=tmp_path, now=later(since_s), base_url=site.url)
    assert len(site.requests) == 1
    assert fetch_elements("starlink", cache_dir=tmp_path, now=later(MINIMUM_INTERVAL_S), base_url=site.url).status == "new"


def test_broken_download_leaves_what_is_cached_to_the_next_hour(site: Site, tmp_path: Path) -> None:
    first = fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    site.short_by = 10
    with pytest.raises(FetchError, match="is still at"):
        fetch_elements("starlink", cache_dir=tmp_path, now=later(7200), base_url=site.url, timeout_s=2.0)
    again = fetch_elements("starlink", cache_dir=tmp_path, now=later(7300), base_url=site.url)
    assert again == fetch.FetchedElements(first.path, "cached", NOW, None)
    assert len(site.requests) == 2
    site.short_by = 0
    assert fetch_elements("starlink", cache_dir=tmp_path, now=later(2 * 7200), base_url=site.url).status == "new"


def test_interrupted_download_counts_as_asked(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "_read_body", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    with pytest.raises(FetchError, match="not asking again before"):
        fetch_elements("starlink", cache_dir=tmp_path, now=later(60), base_url=site.url)
    assert len(site.requests) == 1


def test_name_that_cannot_be_looked_up_was_not_asked(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_arguments: object, **_options: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up)
        with pytest.raises(FetchError, match="Name or service not known"):
            fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    assert fetch_elements("starlink", cache_dir=tmp_path, now=later(60), base_url=site.url).status == "new"


def test_too_long_an_answer_is_cut_short(site: Site, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="more than 100 bytes"):
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url, max_bytes=100)


def test_no_answer_in_time_is_a_refusal(site: Site, tmp_path: Path) -> None:
    site.delay_s = 0.5
    with pytest.raises(FetchError, match=r"no answer within 0\.1 s; not asking again"):
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url, timeout_s=0.1)


def test_redirects_are_few(site: Site, tmp_path: Path) -> None:
    site.status, site.headers = 302, {"Location": "/gp.php?again"}
    with pytest.raises(FetchError, match="302"):
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    assert len(site.requests) <= 4


def test_redirects_to_files_are_refused(site: Site, tmp_path: Path) -> None:
    site.status, site.headers = 302, {"Location": "ftp://127.0.0.1/elements"}
    with pytest.raises(FetchError, match="redirects to ftp"):
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)


def test_server_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(FetchError, match="cannot be reached"):
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url="http://127.0.0.1:9/gp.php")
    assert not list(tmp_path.rglob("refusals.json"))  # nobody refused


@pytest.mark.parametrize("group", ["", "../starlink", "a b", "star&FORMAT=xml", "x" * 65, "é"])
def test_groups_are_checked(group: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="letters, digits"):
        fetch_elements(group, cache_dir=tmp_path, now=NOW, base_url="http://127.0.0.1:9/")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "gp.php"])
def test_addresses_are_checked(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="https://"):
        fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=url)


def test_another_address_does_not_share_the_cache(site: Site, tmp_path: Path) -> None:
    fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url)
    assert fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url + "2").status == "new"
    assert len(site.requests) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"url": 3}', b"\xff\xfe"])
def test_damaged_state_costs_one_request(site: Site, tmp_path: Path, content: bytes) -> None:
    path = fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url).path
    (path.parent / "starlink.state.json").write_bytes(content)
    (path.parent / "starlink.asked.json").write_bytes(content)
    (path.parent / "refusals.json").write_bytes(content)
    assert fetch_elements("starlink", cache_dir=tmp_path, now=NOW, base_url=site.url).status == "new"


def test_cache_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FetchError, match="cannot be written"):
        fetch_elements("starlink", cache_dir=tmp_path / "file", now=NOW, base_url=site.url)
    assert not site.requests


def test_cache_dir_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OVERFLIGHT_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path
    monkeypatch.delenv("OVERFLIGHT_CACHE")
    assert default_cache_dir().name in {"overflight", "cache"}


def test_verb_writes_the_path_to_stdout(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from overflight.cli.fetch import app

    monkeypatch.setattr(fetch_elements, "__kwdefaults__", {**(fetch_elements.__kwdefaults__ or {}), "base_url": site.url})
    result = CliRunner().invoke(app, ["elements", "--group", "starlink", "--cache", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip().endswith("starlink.omm.json")
    assert "1 element sets received" in result.stderr
    as_json = CliRunner().invoke(app, ["elements", "--cache", str(tmp_path), "--json"])
    assert json.loads(as_json.stdout)["status"] == "cached"
