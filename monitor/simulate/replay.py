"""A stand-in for real servers: answers with what they once answered.

A recording is a folder with `manifest.json` (an array of `file, url, status, headers`) and the
bodies beside it. Requests are matched by path and parameters, whatever host they name; validators
are honoured as the recorded server did. Addresses of the recorded server inside bodies and headers
become the stand-in's own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["Recording", "StandIn", "serving"]

_KEPT = frozenset(
    ("content-type", "link", "last-modified", "x-wp-total", "x-wp-totalpages", "x-pingback")
)

Asked = tuple[str, tuple[tuple[str, str], ...]]


def _asked(url: str) -> Asked:
    parts = urlsplit(url)
    return parts.path or "/", tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))


class Recording:
    """The answers of one folder, by what was asked."""

    def __init__(self, folder: Path) -> None:
        entries = json.loads((folder / "manifest.json").read_text("utf8"))
        self._folder = folder
        self._answers: dict[Asked, dict[str, Any]] = {_asked(e["url"]): e for e in entries}
        self.origin = "//" + urlsplit(entries[0]["url"]).netloc

    def find(self, url: str) -> tuple[int, list[tuple[str, str]], bytes] | None:
        """Status, headers and body of the recorded answer, None where nobody asked this."""
        entry = self._answers.get(_asked(url))
        if entry is None:
            return None
        headers = [
            (k.lower(), v) for k, v in entry["response_headers"] if k.lower() in _KEPT
        ]
        return entry["status"], headers, (self._folder / entry["file"]).read_bytes()


class StandIn:
    """An ASGI app that answers from the recording of its present phase."""

    def __init__(self, phases: list[Recording]) -> None:
        self._phases = phases
        self.phase = 0
        self.address = ""
        self.unanswered: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await self._answer(request)(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        recording = self._phases[self.phase]
        asked = str(request.url)
        found = recording.find(asked)
        if found is None:
            self.unanswered.append(asked)
            return Response("not recorded\n", 404)
        status, headers, body = found
        body = body.replace(recording.origin.encode(), self.address.encode())
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if status == 200 and request.headers.get("if-none-match") == etag:  # noqa: PLR2004
            return Response(status_code=304, headers={"etag": etag})
        answer = Response(body, status)
        for name, value in headers:
            answer.headers.append(name, value.replace(recording.origin, self.address))
        answer.headers["etag"] = etag
        return answer


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # the caller's signals stay its own
        yield


@asynccontextmanager
async def serving(*stand_ins: StandIn) -> AsyncIterator[None]:
    """Serve each stand-in on a free port of loopback, which becomes its `address`."""
    servers, tasks = [], []
    for stand_in in stand_ins:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        stand_in.address = f"//127.0.0.1:{sock.getsockname()[1]}"
        server = _Server(
            uvicorn.Config(stand_in, lifespan="off", log_config=None, access_log=False)
        )
        servers.append(server)
        tasks.append(asyncio.create_task(server.serve(sockets=[sock])))
    try:
        while not all(server.started for server in servers):
            await asyncio.sleep(0.01)
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
