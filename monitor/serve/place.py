"""Where the daemon's Unix socket is.

A socket's path ends at 108 bytes, a data directory's does not: on Linux both ends go through the
directory's file descriptor.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from monitor.errors import StoreError

__all__ = ["NAME", "listen", "reachable"]

NAME = "monitor.sock"
_LONGEST = 100


@contextmanager
def reachable(data_dir: Path) -> Iterator[str]:
    """A path to the socket that is short enough to bind or connect to, while the block lasts.

    Raises:
        StoreError: the path is too long and this system offers no way around it.
    """
    path = str(data_dir.absolute() / NAME)
    if len(os.fsencode(path)) <= _LONGEST:
        yield path
        return
    if not sys.platform.startswith("linux"):
        raise StoreError(f"{path}: too long for a Unix socket; choose a shorter --data-dir")
    fd = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/{NAME}"
    finally:
        os.close(fd)


def listen(data_dir: Path) -> socket.socket:
    """Bind the socket for its owner only. Whoever holds the data lock may replace a stale one."""
    with suppress(FileNotFoundError):
        (data_dir / NAME).unlink()
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with reachable(data_dir) as path:
            made.bind(path)
    finally:
        os.umask(before)
    made.listen(64)
    made.setblocking(False)
    return made
