"""Fetch current element sets from CelesTrak, with its manners. The only module that uses the network, and only when asked to.

CelesTrak asks that data be downloaded once per update and never over and over, and shuts out who does otherwise. So: one request per
call, conditional on what is cached, none within an hour of the last however that ended, none after a refusal until it has run out.

Reference: T.S. Kelso, CelesTrak usage policy, https://celestrak.org/usage-policy.php.
"""

import email.utils
import http.client
import json
import os
import re
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np

from overflight import __version__
from overflight.clock import add_seconds, format_time, parse_time, seconds_between
from overflight.clock import now as clock_now
from overflight.errors import ElementSetError, FetchError, InputError
from overflight.orbit.elements import parse_elements

CELESTRAK_URL = "https://celestrak.org/NORAD/elements/gp.php"
"""CelesTrak's query for general-perturbations element sets."""

MINIMUM_INTERVAL_S = 3600.0
"""No group is asked for again sooner than this; CelesTrak renews its data every two hours."""

USER_AGENT = f"overflight/{__version__} (open twin of satellite Internet; cached, conditional, at most hourly)"

_MAX_BYTES = 256 << 20
_MAX_REDIRECTS = 3
_MAX_REFUSAL_S = 7 * 86400.0
_MAX_LEFT_OUT_SHARE = 0.1
_CHUNK_BYTES = 1 << 16
_GROUP = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_UNKNOWN_GROUP = re.compile(rb"invalid query|no gp data found", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FetchedElements:
    """A cached file of element sets.

    Attributes
    ----------
    path
        The file: OMM in JSON, as received.
    status
        ``new``: received now; ``unchanged``: the site has nothing newer; ``cached``: the last request is too recent to ask again.
    checked
        When the site last gave the file, or said that it is current, UTC.
    satellites
        Usable element sets received; None if nothing was received now.
    """

    path: Path
    status: Literal["new", "unchanged", "cached"]
    checked: np.datetime64
    satellites: int | None


class _RefusedError(Exception):
    """The site does not want to be asked. ``everywhere``: for no group; ``retry_s``: how long at least."""

    def __init__(self, reason: str, *, everywhere: bool, retry_s: float = 0.0) -> None:
        super().__init__(reason)
        self.everywhere = everywhere
        self.retry_s = retry_s


class _OfflineError(OSError):
    """The site's name could not be looked up: nothing was asked."""


class _FewRedirects(urllib.request.HTTPRedirectHandler):
    """Follow few redirects, and none from https to anything else."""

    max_redirections = _MAX_REDIRECTS
    max_repeats = 1

    def __init__(self) -> None:
        self.followed = 0

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        target = urllib.parse.urlsplit(newurl).scheme
        if target not in {"http", "https"} or (req.type == "https" and target != "https"):
            reason = f"redirects to {target}"
            raise _RefusedError(reason, everywhere=True)
        self.followed += 1
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def default_cache_dir() -> Path:
    """Where fetched files are kept: ``$OVERFLIGHT_CACHE``, or the place for caches of this system."""
    chosen = os.environ.get("OVERFLIGHT_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "overflight" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "overflight"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "overflight"


def fetch_elements(
    group: str,
    *,
    cache_dir: Path | None = None,
    now: np.datetime64 | None = None,
    base_url: str = CELESTRAK_URL,
    timeout_s: float = 60.0,
    max_bytes: int = _MAX_BYTES,
) -> FetchedElements:
    """Fetch the element sets of a CelesTrak group, or take them from the cache.

    At most one request is made, conditional on what is cached; none within `MINIMUM_INTERVAL_S` of the last, even if that broke off (unless
    the site's name could not be looked up), and none while a refusal holds. What is received replaces the cache only if it can be read as
    element sets.

    Parameters
    ----------
    group
        CelesTrak's name of a group, such as ``starlink``: letters, digits, ``-`` and ``_``.
    cache_dir
        Folder of the cache; by default `default_cache_dir`.
    now
        The present instant, UTC; by default the clock's.
    base_url
        Address of the query.
    timeout_s
        Longest wait for an answer; a whole download may take five times as long.
    max_bytes
        Longest answer.

    Raises
    ------
    InputError
        If the group's name or the address cannot be one.
    FetchError
        If the site refused, failed or sent something else, now or within the time that a refusal holds; if the last request broke off less
        than `MINIMUM_INTERVAL_S` ago and nothing is cached; or if the cache cannot be written.
    """
    if not _GROUP.fullmatch(group):
        msg = f"group {group[:70]!a}: letters, digits, '-' and '_' only; give one of CelesTrak's groups, such as starlink or oneweb"
        raise InputError(msg)
    address = urllib.parse.urlsplit(base_url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        msg = f"address {base_url!a}: give one that begins with https://"
        raise InputError(msg)
    cache = _Cache(cache_dir or default_cache_dir(), group.lower(), base_url, address.netloc)
    instant = clock_now() if now is None else now
    checked = cache.last_checked()
    if cache.has_data() and checked is not None and abs(seconds_between(checked, instant)) < MINIMUM_INTERVAL_S:
        return FetchedElements(cache.path, "cached", checked, None)
    cache.raise_if_refused(instant)
    asked = cache.last_asked()
    if asked is not None and abs(seconds_between(asked, instant)) < MINIMUM_INTERVAL_S:
        if cache.has_data() and checked is not None:
            return FetchedElements(cache.path, "cached", checked, None)
        cache.raise_asked(asked)
    cache.keep_asked(instant)
    try:
        answer = _ask_once(base_url, group.lower(), cache.conditions(), timeout_s=timeout_s, max_bytes=max_bytes)
        if answer is None:
            if not cache.has_data():
                _refuse("says 'not modified', but nothing is cached")
            cache.keep_checked(instant)
            return FetchedElements(cache.path, "unchanged", instant, None)
        data, headers = answer
        satellites = _count_elements(data, group)
    except _RefusedError as refusal:
        cache.keep_refusal(refusal, instant)
        cache.raise_if_refused(instant)
        raise AssertionError from refusal  # a refusal kept is a refusal raised
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        if isinstance(error, _OfflineError):
            cache.keep_asked(asked)
        reason = getattr(error, "reason", None) or error
        msg = f"{address.netloc} cannot be reached ({_one_line(str(reason))}); check the connection{cache.hint()}"
        raise FetchError(msg) from None
    cache.keep_data(data, headers, instant)
    return FetchedElements(cache.path, "new", instant, satellites)


def _refuse(reason: str, *, everywhere: bool = False) -> NoReturn:
    raise _RefusedError(reason, everywhere=everywhere)


def _ask_once(
    base_url: str, group: str, conditions: Mapping[str, str], *, timeout_s: float, max_bytes: int
) -> tuple[bytes, Mapping[str, str]] | None:
    """Make the one request. Returns body and headers, or None for 'not modified'."""
    url = f"{base_url}?{urllib.parse.urlencode({'GROUP': group, 'FORMAT': 'json'})}"
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **conditions}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was checked
    deadline = time.monotonic() + 5.0 * timeout_s
    redirects = _FewRedirects()
    try:
        with urllib.request.build_opener(redirects).open(request, timeout=timeout_s) as answer:
            body = _read_body(answer, deadline, max_bytes)
            kept = {name: answer.headers[name] for name in ("ETag", "Last-Modified") if answer.headers[name]}
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.NOT_MODIFIED:
                return None
            said = _one_line(error.read(2000).decode("utf-8", errors="replace"))
        known_group = error.code not in {http.HTTPStatus.BAD_REQUEST, http.HTTPStatus.NOT_FOUND}
        reason = f"answers {error.code} {error.reason}" + (f": {said}" if said and not said.startswith("<") else "")
        raise _RefusedError(reason, everywhere=known_group, retry_s=_retry_after_s(error.headers.get("Retry-After"))) from None
    except TimeoutError:
        reason = f"gave no answer within {timeout_s:g} s"
        raise _RefusedError(reason, everywhere=True) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, socket.gaierror) and not redirects.followed:
            raise _OfflineError(str(error.reason)) from None
        raise
    return body, kept


def _read_body(answer: Any, deadline: float, max_bytes: int) -> bytes:
    """Read an answer in chunks, up to a size and a moment."""
    announced = answer.headers["Content-Length"]
    parts: list[bytes] = []
    size = 0
    while chunk := answer.read(_CHUNK_BYTES):
        parts.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            _refuse(f"sends more than {max_bytes} bytes")
        if time.monotonic() > deadline:
            _refuse("sends too slowly", everywhere=True)
    if announced and announced.isdigit() and int(announced) != size:
        msg = f"only {size} of {announced} bytes arrived"
        raise http.client.HTTPException(msg)
    return b"".join(parts)


def _count_elements(data: bytes, group: str) -> int:
    """Make sure that an answer is element sets in JSON, nearly all of them usable; return how many."""
    start = data[:2000].lstrip()
    if not start.startswith((b"[", b"{")):
        said = _one_line(start.decode("utf-8", errors="replace"))
        if _UNKNOWN_GROUP.search(start):
            _refuse(f"knows no group '{group}' ({said})")
        _refuse("sent a web page instead of element sets" if said.startswith("<") else f"says: {said or 'nothing'}", everywhere=True)
    try:
        table, intake = parse_elements(data, source=group)
    except ElementSetError as error:
        reason = f"sent no element sets ({_one_line(str(error))})"
        raise _RefusedError(reason, everywhere=False) from None
    if len(intake.left_out) > _MAX_LEFT_OUT_SHARE * intake.read:
        _refuse(f"sent {intake.read} records, {len(intake.left_out)} of them unusable")
    return len(table)


def _retry_after_s(value: str | None) -> float:
    """Seconds that a ``Retry-After`` header asks to wait, given in seconds or as a date; 0 if there is none."""
    if not value:
        return 0.0
    if value.strip().isdigit():
        return min(float(value), _MAX_REFUSAL_S)
    try:
        seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0.0
    return min(max(seconds, 0.0), _MAX_REFUSAL_S)


def _one_line(text: str) -> str:
    """The beginning of a text, as one printable line."""
    words = " ".join(text.split())
    return "".join(character for character in words if character.isprintable())[:160]


class _Cache:
    """Files of one group: the data and what is known of the last request; and one file of refusals for the whole site."""

    def __init__(self, folder: Path, group: str, url: str, site: str) -> None:
        self.path = folder / "elements" / f"{group}.omm.json"
        self._group, self._url, self._site = group, url, site
        self._state_path = folder / "elements" / f"{group}.state.json"
        self._asked_path = folder / "elements" / f"{group}.asked.json"
        self._refusals_path = folder / "elements" / "refusals.json"
        state = _read_json(self._state_path)
        self._state = state if state.get("url") == url else {}

    def has_data(self) -> bool:
        """Whether data of this address are cached."""
        return bool(self._state) and self.path.is_file()

    def last_checked(self) -> np.datetime64 | None:
        """When the site was last asked for this group and answered."""
        return _read_instant(self._state.get("checked"))

    def last_asked(self) -> np.datetime64 | None:
        """When the site was last asked for this group, however that ended."""
        return _read_instant(_read_json(self._asked_path).get(self._url))

    def keep_asked(self, instant: np.datetime64 | None) -> None:
        """Remember that the site is being asked; or, given None, that it never was."""
        kept = {**_read_json(self._asked_path), self._url: None if instant is None else format_time(instant)}
        _write_atomically(self._asked_path, json.dumps(kept, indent=2).encode())

    def raise_asked(self, asked: np.datetime64) -> NoReturn:
        """Say when the site was asked, to no avail, and when it may be asked again."""
        until = format_time(add_seconds(asked, MINIMUM_INTERVAL_S))
        msg = f"{self._site} was asked at {format_time(asked)} and nothing usable is cached; not asking again before {until}"
        raise FetchError(msg)

    def conditions(self) -> dict[str, str]:
        """Headers that make the request conditional on what is cached."""
        if not self.has_data():
            return {}
        names = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
        return {header: str(self._state[name]) for name, header in names.items() if self._state.get(name)}

    def hint(self) -> str:
        """Part of a message: what can be used meanwhile."""
        checked = self.last_checked()
        return f"; the file of {format_time(checked)} is still at {self.path}" if self.has_data() and checked is not None else ""

    def raise_if_refused(self, now: np.datetime64) -> None:
        """Raise if a refusal of this site, or of this group, still holds."""
        refusals = _read_json(self._refusals_path)
        for key in (self._site, f"{self._site}/{self._group}"):
            refusal = refusals.get(key)
            if not isinstance(refusal, dict):
                continue
            until = _read_instant(refusal.get("until"))
            if until is not None and now < until:
                msg = f"{self._site} {refusal.get('reason')}; not asking again before {format_time(until)}{self.hint()}"
                raise FetchError(msg)

    def keep_refusal(self, refusal: _RefusedError, now: np.datetime64) -> None:
        """Remember a refusal."""
        key = self._site if refusal.everywhere else f"{self._site}/{self._group}"
        until = add_seconds(now, max(MINIMUM_INTERVAL_S, refusal.retry_s))
        kept = {"until": format_time(until), "reason": str(refusal)}
        _write_atomically(self._refusals_path, json.dumps({**_read_json(self._refusals_path), key: kept}, indent=2).encode())

    def keep_checked(self, now: np.datetime64) -> None:
        """Remember that the cache was found current."""
        self._state["checked"] = format_time(now)
        _write_atomically(self._state_path, json.dumps(self._state, indent=2).encode())

    def keep_data(self, data: bytes, headers: Mapping[str, str], now: np.datetime64) -> None:
        """Replace what is cached; a state without its data, should this be interrupted, only costs a request."""
        _write_atomically(self.path, data)
        self._state = {"url": self._url, **headers}
        self.keep_checked(now)


def _read_instant(value: object) -> np.datetime64 | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except InputError:
        return None


def _read_json(path: Path) -> dict[str, Any]:
    """Read an object from a file; a missing or damaged one is empty."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror or error}); set OVERFLIGHT_CACHE to a folder that can"
        raise FetchError(msg) from None
