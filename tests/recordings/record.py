"""Record what real servers answer: proxies on loopback that keep every answer.

    python tests/recordings/record.py FOLDER PORT NAME=ORIGIN…

forwards what it is asked on PORT to the first ORIGIN (http://127.0.0.1:8081, say), on PORT + 1 to
the second, and so on. The raw bodies and `manifest.json` go into FOLDER/NAME, the last answer to
each address. The servers' addresses inside bodies and headers become the proxies' own on their way
to the client, so that whoever follows a link comes back. Ends on Ctrl-C or SIGTERM.

The recordings in `demo` were made so: the configuration that `tests.recorded.play` writes with the
proxies' addresses, `monitor run --once` three times (a second reading asks less than a first), the
proxies started again with another FOLDER once the world had changed, and three times more.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import quote, urlsplit

SENT = frozenset({"accept", "accept-language"})
NOT_PASSED_ON = frozenset(
    {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}
)


class Cassette:
    """The answers of one server, as they are kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = Lock()
        self._manifest = folder / "manifest.json"
        text = self._manifest.read_text("utf8") if self._manifest.exists() else "[]"
        self._entries: dict[str, dict[str, Any]] = {one["url"]: one for one in json.loads(text)}

    def keep(self, url: str, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Write down one answer, in the place of an earlier one to `url`."""
        name = hashlib.sha256(url.encode()).hexdigest()[:12]
        entry = {
            "file": name, "url": url, "method": "GET", "status": status,
            "response_headers": headers, "recorded": datetime.now(UTC).isoformat(),
            "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body),
        }  # fmt: skip
        with self._lock:
            self._entries[url] = entry
            (self._folder / name).write_bytes(body)
            lines = ",\n".join(json.dumps(one) for one in self._entries.values())
            self._manifest.write_text(f"[\n{lines}\n]\n", "utf8")


class _Plain(urllib.request.HTTPRedirectHandler):
    """Redirects are answers like others."""

    def redirect_request(self, *_: object) -> None:
        return None


class Proxy(BaseHTTPRequestHandler):
    """One request to the server at `origin`, forwarded and written down."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, origin: str, cassette: Cassette, own: Mapping[str, str]) -> None:
        self._origin = origin
        self._cassette = cassette
        self._own = own
        super().__init__(*args)

    def do_GET(self) -> None:
        url = self._origin + self.path
        sent = {k: v for k, v in self.headers.items() if k.lower() in SENT}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Plain)
        try:
            answer = opener.open(urllib.request.Request(url, headers=sent), timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        body, headers = answer.read(), list(answer.headers.items())
        self._cassette.keep(url, answer.status, headers, body)
        self._pass_on(answer.status, headers, body)

    def _pass_on(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        for theirs, ours in self._own.items():
            body = body.replace(theirs.encode(), ours.encode())
            headers = [(name, value.replace(theirs, ours)) for name, value in headers]
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in NOT_PASSED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be silent: what was asked stands in the manifest."""


def main(folder: str, port: str, *servers: str) -> None:
    """Serve until told to stop."""
    named = [one.partition("=") for one in servers]
    places = {origin: f"127.0.0.1:{int(port) + n}" for n, (_, _, origin) in enumerate(named)}
    own = {}
    for origin, place in places.items():
        own |= {
            urlsplit(origin).netloc: place,
            quote(urlsplit(origin).netloc, ""): quote(place, ""),
        }
    for name, _, origin in named:
        cassette = Cassette(Path(folder) / name)
        handler = partial(Proxy, origin=origin, cassette=cassette, own=own)
        host, _, number = places[origin].partition(":")
        server = ThreadingHTTPServer((host, int(number)), handler)
        Thread(target=server.serve_forever, daemon=True).start()
        sys.stderr.write(f"{name}: {origin} at http://{places[origin]}\n")
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
