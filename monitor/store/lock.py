"""Who may open the database: one writer, or many readers.

DuckDB refuses a second process on a file; this lock, taken before it, says so in our words and can
be waited for. The kernel frees it when its owner dies, however it dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.errors import StoreBusy, StoreError

__all__ = ["DataLock", "make_private"]


def make_private(data_dir: Path) -> None:
    """Make the data folder if it is not there, for its owner only.

    Raises:
        StoreError: it can't be made.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"{data_dir}: {error.strerror}; give --data-dir a folder you can write"
        ) from error


class DataLock:
    """A lock on `<data_dir>/lock`, exclusive or shared, until closed."""

    def __init__(self, data_dir: Path, *, shared: bool = False) -> None:
        self._path = data_dir / "lock"
        self._how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self._fd: int | None = None

    def acquire(self, wait: float = 0.0) -> Self:
        """Take the lock, for at most `wait` seconds.

        Raises:
            StoreBusy: somebody else holds it still.
            StoreError: the folder can't be written.
        """
        self._fd = self._opened()
        if self._fd is None:
            return self
        end = time.monotonic() + wait
        while not self._try():
            if time.monotonic() >= end:
                self.close()
                raise StoreBusy(
                    f"{self._path.parent}: the database is in use by another process; "
                    "try again when it is done, or raise --wait"
                )
            time.sleep(0.05)
        return self

    def _opened(self) -> int | None:
        """The open file; None where one only reads, and nobody who writes has made it yet."""
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if self._how == fcntl.LOCK_SH and self._path.parent.is_dir():
                try:
                    return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
                except FileNotFoundError:
                    return None
                except OSError:
                    pass  # what kept us from writing says more
            raise StoreError(
                f"{self._path}: {error.strerror}; give --data-dir a folder you can write"
            ) from error

    def _try(self) -> bool:
        assert self._fd is not None  # noqa: S101 - for the type checker
        try:
            fcntl.flock(self._fd, self._how | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise
        return True

    def close(self) -> None:
        """Let go."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
