"""Whole copies of the database: backups, and the data that is brought back from one."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.errors import StoreBusy, StoreDamaged, StoreError, UsageError
from monitor.files import replacing, sync_folder
from monitor.store.database import Database
from monitor.store.lock import DataLock, make_private

__all__ = ["EXCHANGE", "Copied", "deliver", "restore", "snapshot", "sweep"]

EXCHANGE = "exchange"
"""The folder beside the database where copies are made. Whatever is old there was left behind."""

_DAY = 86400.0
_LOGS = (".wal", ".wal.checkpoint", ".wal.recovery")  # what DuckDB writes beside its file
_MAGIC = (8, b"DUCK")  # where a database file says what it is
# By another process: when one closes any handle of a file, POSIX drops every lock that it holds on
# that file, and those of DuckDB keep strangers out.
_COPY = """
import os, shutil, sys
for source, target in zip(sys.argv[1::2], sys.argv[2::2]):
    with open(source, "rb") as old, open(target, "wb") as new:
        shutil.copyfileobj(old, new, 1 << 20)
        new.flush()
        os.fsync(new.fileno())
"""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds; `kept`: where a restore left the data that it replaced."""

    posts: int
    bytes: int
    data_as_of: datetime | None
    kept: Path | None = None


def snapshot(database: Path) -> Path:
    """Copy the database and its log into a new folder beside it; the copy.

    Nobody may write meanwhile; reading goes on.

    Raises:
        StoreError: there is no room, or no right.
    """
    target = _new_folder(database.parent) / database.name
    try:
        _copy(database, target)
    except BaseException:
        shutil.rmtree(target.parent, ignore_errors=True)
        raise
    return target


def deliver(copy: Path, file: Path) -> Copied:
    """Make a snapshot one whole file at `file`; the folder of the snapshot is gone afterwards.

    Raises:
        UsageError: `file` can't be written, or is something else than a database.
        MonitorError: the disk is full.
    """
    try:
        if file.exists() and not _is_database(file):
            raise UsageError(f"{file}: is there already and no backup; name another file")
        copied = _folded(copy)
        with copy.open("rb") as old, replacing(file, mode=0o600) as new:
            shutil.copyfileobj(old, new, 1 << 20)
    finally:
        shutil.rmtree(copy.parent, ignore_errors=True)
    return copied


def restore(
    file: Path, database: Path, *, wait: float = 0.0,
    progress: Callable[[str], None] = lambda _line: None,
) -> Copied:  # fmt: skip
    """Put the backup `file` in the place of `database`, whose data is kept beside it.

    Until the copy is whole and opens, nothing is changed; then the place changes hands at once.

    Raises:
        UsageError: there is no such file.
        StoreBusy: a process holds the database.
        StoreDamaged: the file is no backup, or is damaged.
    """
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file")
    if not _is_database(file):
        raise StoreDamaged(f"{file}: is no DuckDB database; name a file that backup has written")
    make_private(database.parent)
    with DataLock(database.parent).acquire(wait):
        target = _new_folder(database.parent) / database.name
        try:
            progress("copying")
            _copy(file, target)
            progress("checking")
            with _about(file):
                copied = _folded(target)
            progress("replacing")
            kept = _keep(database)
            target.replace(database)
            sync_folder(database.parent)
        finally:
            shutil.rmtree(target.parent, ignore_errors=True)
    return Copied(copied.posts, copied.bytes, copied.data_as_of, kept)


def sweep(data_dir: Path) -> None:
    """Remove what copies that were cut off left behind a day ago or earlier."""
    for folder in (data_dir / EXCHANGE).glob("*"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _DAY:
                shutil.rmtree(folder, ignore_errors=True)


def _new_folder(data_dir: Path) -> Path:
    folder = data_dir / EXCHANGE / secrets.token_hex(8)
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StoreError(f"{folder}: can't be made: {error.strerror}") from error
    return folder


def _copy(database: Path, target: Path) -> None:
    paths = [str(database), str(target)]
    for ending, log in _logs(database):
        paths += [str(log), str(target) + ending]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", "-S", "-c", _COPY, *paths],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2]
        raise StoreError(f"{database}: can't be copied to {target.parent}: {why}")


def _folded(copy: Path) -> Copied:
    """Open a copy, which brings its schema up to date, and write its log into its file."""
    if Database.schema_of(copy) == 0:
        raise StoreDamaged(f"{copy}: is a DuckDB database, but not of monitor")
    with Database.open(copy) as opened:
        posts = opened.query("select count(*) from posts").item()
        data_as_of = opened.query("select max(finished_at) from polls").item()
    for _, log in _logs(copy):
        raise StoreDamaged(f"{copy}: its log {log.name} could not be taken in")
    return Copied(posts, copy.stat().st_size, data_as_of)


@contextmanager
def _about(file: Path) -> Iterator[None]:
    """Errors of the copy as errors of the file that it is a copy of."""
    try:
        yield
    except StoreBusy:
        raise
    except StoreError as error:
        raise StoreDamaged(f"{file}: can't be restored: {error}; nothing was changed") from error


def _keep(database: Path) -> Path | None:
    """Let the present data stay under another name, too; None if there is none."""
    if not database.exists():
        return None
    with suppress(StoreError):  # what is damaged is replaced just because of that
        Database.open(database).close()  # takes its log in
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    kept = database.with_name(f"{database.name}.before-{moment}")
    while kept.exists():  # twice in a second
        kept = kept.with_name(kept.name + "x")
    try:
        os.link(database, kept)
    except OSError:  # a file system without links
        _copy(database, kept)
    for ending, log in _logs(database):
        log.replace(f"{kept}{ending}")
    return kept


def _logs(database: Path) -> list[tuple[str, Path]]:
    """The logs that lie beside a database, each with the ending of its name."""
    named = [(ending, database.with_name(database.name + ending)) for ending in _LOGS]
    return [(ending, log) for ending, log in named if log.exists()]


def _is_database(file: Path) -> bool:
    start, magic = _MAGIC
    try:
        with file.open("rb") as stream:
            return stream.read(start + len(magic))[start:] == magic
    except OSError as error:
        raise UsageError(f"{file}: can't be read: {error.strerror}") from error
