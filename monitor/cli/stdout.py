"""Standard output that may break: a full disk, a reader that went away."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from monitor.errors import MonitorError
from monitor.report.text import visible

__all__ = ["NobodyReads", "let_go", "say", "standard_output"]


class NobodyReads(Exception):
    """Who read our standard output went away. No OSError: click would take it for its own."""


@contextmanager
def standard_output() -> Iterator[IO[bytes]]:
    """Yield the stream for bytes.

    Raises:
        NobodyReads: its reader went away. MonitorError: it can't be written.
    """
    # With PYTHONUNBUFFERED Python gives a raw stream, whose writes may stop half-way.
    raw: object = sys.stdout.buffer
    buffered = io.BufferedWriter(raw) if isinstance(raw, io.RawIOBase) else None
    try:
        yield buffered or sys.stdout.buffer
        (buffered or sys.stdout).flush()
    except BrokenPipeError as error:
        raise NobodyReads from error
    except OSError as error:
        let_go()
        raise MonitorError(f"standard output: can't be written: {error.strerror}") from error
    finally:
        if buffered:
            with suppress(OSError):
                buffered.detach()


def say(line: str) -> None:
    """Print one line of data; nothing in it is obeyed by a terminal."""
    with standard_output() as stream:
        stream.write((visible(line) + "\n").encode())


def let_go() -> None:
    """Nothing more goes to standard output, or Python complains when it flushes at exit."""
    with suppress(OSError, ValueError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
