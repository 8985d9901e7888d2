"""Record what real servers answer: a proxy on loopback that keeps every answer.

    python tests/recordings/record.py FOLDER ORIGIN PORT

forwards what it is asked on PORT to ORIGIN (http://127.0.0.1:8081, say) and writes the raw bodies
and `manifest.json` into FOLDER, the last answer to each address. Addresses of ORIGIN inside bodies
and headers become the proxy's own on their way to the client, so that whoever follows a link comes
back. Ends on Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import urlsplit


class _Plain(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class Recorder(BaseHTTPRequestHandler):
    """One request, forwarded and written down."""

    folder: Path
    origin: str
    lock = Lock()

    def do_GET(self) -> None:
        url = self.origin + self.path
        sent = {k: v for k, v in self.headers.items() if k.lower() == "accept"}
        try:
            answer = urllib.request.build_opener(_Plain).open(
                urllib.request.Request(url, headers=sent), timeout=60
            )
        except urllib.error.HTTPError as error:
            answer = error
        body = answer.read()
        self._keep(url, answer.status, list(answer.headers.items()), body)
        own = f"//127.0.0.1:{self.server.server_port}"
        theirs = "//" + urlsplit(self.origin).netloc
        body = body.replace(theirs.encode(), own.encode())
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value.replace(theirs, own))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _keep(self, url: str, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        name = hashlib.sha256(url.encode()).hexdigest()[:12]
        entry = {
            "file": name, "url": url, "method": "GET", "status": status,
            "response_headers": headers, "recorded": datetime.now(UTC).isoformat(),
            "bytes": len(body),
        }  # fmt: skip
        manifest = self.folder / "manifest.json"
        with self.lock:
            entries = json.loads(manifest.read_text("utf8")) if manifest.exists() else []
            entries = [e for e in entries if e["url"] != url] + [entry]
            (self.folder / name).write_bytes(body)
            manifest.write_text(json.dumps(entries, indent=1), "utf8")

    def log_message(self, *_: object) -> None:
        pass


def main(folder: str, origin: str, port: str) -> None:
    """Serve until told to stop."""
    Recorder.folder, Recorder.origin = Path(folder), origin
    Recorder.folder.mkdir(parents=True, exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Recorder)
    signal.signal(signal.SIGTERM, lambda *_: Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:4])
