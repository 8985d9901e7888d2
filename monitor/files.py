"""Files that are whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from monitor.errors import MonitorError, UsageError

__all__ = ["created", "replacing", "sync_folder", "sync_tree"]


@contextmanager
def replacing(path: Path, *, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Yield a file to write; `path` becomes it when the block ends well, else stays as it was.

    A link is followed, the file's mode is kept; `mode`, less the umask, is that of a new one. A
    device or pipe is written to directly.

    Raises:
        UsageError: the folder does not exist or can't be written.
        MonitorError: writing failed (the disk is full, say).
    """
    try:
        path = path.resolve()
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; name a file")
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                yield stream
            return
        with _beside(path, mode) as stream:
            yield stream
    except BrokenPipeError:
        raise
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise UsageError(f"{path}: can't be written: {error.strerror}") from error
    except OSError as error:
        raise MonitorError(f"{path}: can't be written: {error.strerror or error}") from error


@contextmanager
def _beside(path: Path, mode: int) -> Iterator[IO[bytes]]:
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    mode = path.stat().st_mode & 0o7777 if path.exists() else mode
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, mode), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


@contextmanager
def created(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file, with the folders above it, that exists only if the block ends well.

    Raises:
        UsageError: it exists already, or can't be written.
    """
    if path.exists():
        raise UsageError(
            f"{path}: exists already and is not overwritten; edit it, or name a folder"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path.parent}: can't be made: {error.strerror}") from error
    with replacing(path) as stream:
        yield stream


def sync_folder(folder: Path) -> None:
    """Make what was renamed in `folder` outlast a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Bring every file and folder below `folder` to the disk."""
    for parent, _, names in os.walk(folder):
        for place in (*(Path(parent, name) for name in names), Path(parent)):
            sync_folder(place)
