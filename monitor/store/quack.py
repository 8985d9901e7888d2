"""Guests: DuckDB clients attach over Quack, on loopback, with a token, and only read.

The macro `monitor_may_read` (macros/90_guests.sql) decides what they may run. What a guest
computes can't be stopped by time (the extension has no limit), so it gives way to what we compute;
see docs/sql.md and benchmarks/guests.py.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from monitor.errors import MonitorError, StoreError
from monitor.store.database import Cursor, Database

__all__ = ["Quack"]

_NICE = 10


class Quack:
    """The server for guests, beside the daemon's own connection."""

    FILE = "quack.token"

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._cursor: Cursor = database.cursor()
        self._file = data_dir / self.FILE
        self.port: int | None = None

    def start(self) -> str:
        """Serve on a free port of loopback; the statement with which a guest attaches.

        Raises:
            StoreError: the extension can't be loaded here; everything else works without.
        """
        try:
            for name in ("httpfs", "quack"):
                self._cursor.execute(f"load '{_extension(name)}'")
            self._cursor.execute("set global quack_authorization_function = 'monitor_may_read'")
            port, token = _free_port(), secrets.token_urlsafe(24)
            self._cursor.execute(f"call quack_serve('quack:localhost:{port}', token := '{token}')")
        except (MonitorError, ImportError, OSError) as error:
            raise StoreError(
                f"DuckDB clients can't attach here ({error}); monitor's own commands work, "
                "serve_sql = false silences this"
            ) from error
        self.port = port
        _give_way()
        attach = f"ATTACH 'quack:localhost:{port}' AS m (TOKEN '{token}')"
        self._file.unlink(missing_ok=True)  # what a killed daemon left, whatever its mode
        fd = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf8") as stream:
            stream.write(attach + "\n")
        return attach

    def stop(self) -> None:
        """Send guests away."""
        with suppress(OSError):
            self._file.unlink()
        if self.port is not None:
            with suppress(MonitorError):
                self._cursor.execute(f"call quack_stop('quack:localhost:{self.port}')")
        self._cursor.close()


def _give_way() -> None:
    """Let DuckDB's workers and the threads that serve guests yield to Python's, writer and all.

    Threads that those start later inherit it. Only Linux knows priorities of threads.
    """
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        return
    ours = {thread.native_id for thread in threading.enumerate()}
    nice = os.nice(0) + _NICE  # the daemon itself may have been started so; 19 is the most
    for task in tasks.iterdir():
        if int(task.name) not in ours:
            with suppress(OSError):  # it has ended
                os.setpriority(os.PRIO_PROCESS, int(task.name), nice)


def _extension(name: str) -> Path:
    module = import_module(f"duckdb_extension_{name}")
    return next(Path(module.__path__[0]).rglob("*.duckdb_extension"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
