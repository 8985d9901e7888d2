"""A stand-in for real servers: answers over HTTP with what they once answered.

A recording is a folder with `manifest.json` (an array of `file, url, status, response_headers,
recorded`) and the raw bodies beside it. Requests are matched by path and parameters, in any order
and whatever host they name; one that nobody recorded is answered 404 and remembered. Conditional
requests are answered as the recorded server would have done.

What is served differs from what was recorded in two ways, both of them reversible: the servers'
addresses become the stand-ins' own, and times are moved by a fixed span, so that what happened
then happens now.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from monitor.errors import MonitorError

__all__ = ["Answer", "Guise", "Recording", "StandIn", "move_times", "serving"]

_OF_THE_CONNECTION = frozenset(
    ("connection", "content-encoding", "content-length", "date", "keep-alive", "transfer-encoding")
)
_START_SECONDS = 10.0
_ISO = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?!\d)")
_HTTP_DATE = re.compile(
    r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d\b"
)

Asked = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded answer; header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)


class Recording:
    """The answers of one server at one time, by what was asked.

    Raises:
        MonitorError: the folder holds no recording.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            entries = json.loads((folder / "manifest.json").read_text("utf8"))
            self._entries: dict[Asked, dict[str, Any]] = {_asked(e["url"]): e for e in entries}
            self.place: str = urlsplit(entries[0]["url"]).netloc
            self.ended_at = max(datetime.fromisoformat(e["recorded"]) for e in entries)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise MonitorError(f"{folder}: no recording ({error})") from error

    def find(self, url: str) -> Answer | None:
        """What was answered to `url`, None where nobody asked that."""
        entry = self._entries.get(_asked(url))
        if entry is None:
            return None
        headers = tuple((name.lower(), value) for name, value in entry["response_headers"])
        return Answer(entry["status"], headers, (self._folder / entry["file"]).read_bytes())

    def bodies(self) -> Iterator[bytes]:
        """The bodies of all recorded successes."""
        for entry in self._entries.values():
            if entry["status"] == HTTPStatus.OK:
                yield (self._folder / entry["file"]).read_bytes()


def _asked(url: str) -> Asked:
    parts = urlsplit(url)
    return parts.path or "/", tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))


def move_times(text: str, by: timedelta) -> str:
    """`text` with its moments (ISO 8601 or as in HTTP and RSS) moved; days alone stay.

    >>> move_times("2026-11-23T22:44:33.5Z, Mon, 23 Nov 2026 22:44:33 GMT", timedelta(hours=2))
    '2026-11-24T00:44:33.5Z, Tue, 24 Nov 2026 00:44:33 GMT'
    """

    def iso(match: re.Match[str]) -> str:
        try:
            return (datetime.fromisoformat(match[0]) + by).isoformat(match[0][10])
        except (ValueError, OverflowError):
            return match[0]

    def http(match: re.Match[str]) -> str:
        try:
            return format_datetime(parsedate_to_datetime(match[0]) + by).rpartition(" ")[0]
        except (ValueError, OverflowError):
            return match[0]

    return _HTTP_DATE.sub(http, _ISO.sub(iso, text)) if by else text


@dataclass(frozen=True, slots=True)
class Guise:
    """How recordings are told: `places` maps each recorded host:port to where it stands now."""

    places: Mapping[str, str] = field(default_factory=dict)
    later: timedelta = timedelta(0)

    def tell(self, text: str) -> str:
        """Recorded text as it is served."""
        return move_times(_renamed(text, self.places), self.later)

    def untell(self, text: str) -> str:
        """What a client says, in the words of the recording."""
        back = {ours: theirs for theirs, ours in self.places.items()}
        return move_times(_renamed(text, back), -self.later)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """`text` with each host:port by its new name, also where it is percent-encoded."""
    if not names:
        return text
    both = {**names, **{quote(old, safe=""): quote(new, safe="") for old, new in names.items()}}
    pattern = "|".join(map(re.escape, both))
    return re.sub(rf"(?:{pattern})(?!\d)", lambda match: both[match[0]], text)


class StandIn:
    """An ASGI app that answers from the recording of its present phase.

    `unanswered` lists what was asked and not recorded. `guise` is set while it is served.
    """

    def __init__(self, phases: Sequence[Recording]) -> None:
        self._phases = phases
        self._phase = 0
        self._asked_at = 0.0
        self.guise = Guise()
        self.unanswered: list[str] = []

    @property
    def place(self) -> str:
        """The recorded server's host:port."""
        return self._phases[0].place

    @property
    def url(self) -> str:
        """Where it stands now, without a path."""
        return f"http://{self.guise.tell(self.place)}"

    def turn(self, phase: int, *, quiet: float = 0.0, wait: float = 15.0) -> None:
        """Go over to another phase, once nobody has asked for `quiet` seconds.

        A reading of several requests should not see two worlds; after `wait` seconds it may.
        """
        end = time.monotonic() + wait
        while time.monotonic() < min(end, self._asked_at + quiet):
            time.sleep(0.02)
        self._phase = phase

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        self._asked_at = time.monotonic()
        await self._answer(request)(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        found = self._phases[self._phase].find(self._as_recorded(request))
        if found is None or request.method != "GET":
            self.unanswered.append(f"{request.method} {request.url}")
            return Response("not recorded\n", HTTPStatus.NOT_FOUND)
        tell = self.guise.tell
        headers = [(n, tell(v)) for n, v in found.headers if n not in _OF_THE_CONNECTION]
        answer = Answer(found.status, tuple(headers), b"")
        if _is_known(request.headers, answer):
            response = Response(status_code=HTTPStatus.NOT_MODIFIED)
        else:
            # Latin-1 gives every byte a letter and back.
            body = tell(found.body.decode("latin-1")).encode("latin-1")
            response = Response(body, found.status)
        for name, value in headers:
            response.headers.append(name, value)
        return response

    def _as_recorded(self, request: Request) -> str:
        untell = self.guise.untell
        pairs = [(name, untell(value)) for name, value in request.query_params.multi_items()]
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
        return f"{request.url.path}?{query}"


def _is_known(asked: Mapping[str, str], answer: Answer) -> bool:
    """Whether the client has this answer already (RFC 9110: a tag goes before a date)."""
    if answer.status != HTTPStatus.OK:
        return False
    tag, modified = answer.header("etag"), answer.header("last-modified")
    if wanted := asked.get("if-none-match"):
        tags = {one.strip().removeprefix("W/") for one in wanted.split(",")}
        return tag is not None and tag.removeprefix("W/") in tags
    since = asked.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return _moment(modified) <= _moment(since)
    except ValueError:
        return False


def _moment(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def serving(*stand_ins: StandIn, later: timedelta = timedelta(0)) -> Iterator[None]:
    """Serve each stand-in on a free port of loopback, on a thread of its own.

    Raises:
        MonitorError: a server did not start.
    """
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in stand_ins]
    places = {
        stand_in.place: f"127.0.0.1:{sock.getsockname()[1]}"
        for stand_in, sock in zip(stand_ins, sockets, strict=True)
    }
    servers, threads = [], []
    for stand_in, sock in zip(stand_ins, sockets, strict=True):
        stand_in.guise = Guise(places, later)
        server = uvicorn.Server(_settings(stand_in))
        servers.append(server)
        threads.append(threading.Thread(target=server.run, args=([sock],), daemon=True))
    try:
        for thread in threads:
            thread.start()
        _await_start(servers, threads)
        yield
    finally:
        for server in servers:
            server.should_exit = True
        for thread in threads:
            thread.join(_START_SECONDS)
        for sock in sockets:
            sock.close()


def _settings(stand_in: StandIn) -> uvicorn.Config:
    return uvicorn.Config(
        stand_in, lifespan="off", log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip


def _await_start(servers: list[uvicorn.Server], threads: list[threading.Thread]) -> None:
    end = time.monotonic() + _START_SECONDS
    while not all(server.started for server in servers):
        if time.monotonic() > end or not all(thread.is_alive() for thread in threads):
            raise MonitorError("the stand-in servers did not start on 127.0.0.1")
        time.sleep(0.01)
