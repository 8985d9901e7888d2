"""A way to the data, whoever holds it: through the daemon where one runs, else directly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from monitor.config import Config
from monitor.errors import StoreBusy
from monitor.store.lock import DataLock, make_private

if TYPE_CHECKING:
    import polars as pl

    from monitor.enrich.score import Scorer
    from monitor.store.database import Database
    from monitor.store.writer import Writer

__all__ = ["DATABASE", "Session", "connect"]

DATABASE = "monitor.duckdb"


class Session(Protocol):
    """What commands read and write through."""

    live: bool  # through a daemon

    def query(
        self,
        sql: str,
        params: Mapping[str, Any] | list[Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> pl.DataFrame:
        """The rows of one reading statement; see `Database.query`."""
        ...

    def call(self, command: str, **arguments: Any) -> Any:
        """Run a writing command."""
        ...

    def score(self, progress: Callable[[int], None]) -> None:
        """Return when what is stored is scored; `progress` hears how many posts are left."""
        ...

    def rescore(self, scorer: Scorer, progress: Callable[[int], None]) -> None:
        """Score what this scorer has not looked at; `progress` hears how many posts are left."""
        ...

    def trouble(self) -> str | None:
        """Why a daemon can store nothing at present; None while all is well, or there is none."""
        ...


class _Direct:
    """The database itself."""

    live = False

    def __init__(
        self, config: Config, database: Database | None, lock: DataLock | None, wait: float
    ) -> None:
        self._config = config
        self._database = database
        self._lock = lock
        self._wait = wait

    def query(
        self,
        sql: str,
        params: Mapping[str, Any] | list[Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> pl.DataFrame:
        return self._opened().query(sql, params, timeout=timeout)

    def call(self, command: str, **arguments: Any) -> Any:
        from monitor.store.commands import COMMANDS

        with self._writing() as (_, writer):
            return COMMANDS[command](writer, **arguments)

    def score(self, progress: Callable[[int], None]) -> None:
        from monitor.enrich.score import Scorer
        from monitor.schedule.scoring import warn

        self.rescore(Scorer.of(self._config.enrich, warn), progress)

    def rescore(self, scorer: Scorer, progress: Callable[[int], None]) -> None:
        from monitor.schedule.estimating import estimate_all
        from monitor.schedule.scoring import Queue, score_all

        with self._writing() as (database, writer):
            score_all(Queue(database, writer, scorer), writer, scorer, progress)
            estimate_all(database, writer)

    def trouble(self) -> str | None:
        return None

    @contextmanager
    def _writing(self) -> Iterator[tuple[Database, Writer]]:
        from monitor.clock import SystemClock
        from monitor.collect.pollable import pollable
        from monitor.store.database import Database
        from monitor.store.writer import Writer

        data_dir = self._config.monitor.data_dir
        self.close()
        make_private(data_dir)
        with DataLock(data_dir).acquire(self._wait), Database.open(data_dir / DATABASE) as database:
            database.seal()
            writer = Writer(database, self._config, SystemClock())
            if self._config.path is not None:  # without one there is nothing to bring in line
                writer.synchronise(pollable(writer.config))
            yield database, writer

    def _opened(self) -> Database:
        if self._database is None:
            from monitor.store.database import Database

            self._database, self._lock = _open_for_reading(self._config.monitor.data_dir)
            if self._database is None:
                self._database = Database.open(None)
                self._database.seal()
        return self._database

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


@contextmanager
def connect(config: Config, *, wait: float = 10.0) -> Iterator[Session]:
    """A session on the configured data directory.

    A file that is held by a process whose socket does not answer (yet) is waited for.

    Raises:
        StoreBusy: it is still held after `wait` seconds.
    """
    session = _reach(config, wait)
    try:
        yield session
    finally:
        session.close()


def _reach(config: Config, wait: float) -> Any:
    from monitor.serve.place import NAME

    data_dir = config.monitor.data_dir
    end = time.monotonic() + wait
    while True:
        if (data_dir / NAME).exists():
            from monitor.serve.client import Remote

            remote = Remote.connect(data_dir)
            if remote is not None:
                return remote
        try:
            database, lock = _open_for_reading(data_dir)
        except StoreBusy:
            if time.monotonic() >= end:
                raise
            time.sleep(0.1)
        else:
            return _Direct(config, database, lock, wait)


def _open_for_reading(data_dir: Path) -> tuple[Database | None, DataLock | None]:
    """The database, read-only; (None, None) where there is none yet."""
    from monitor.store.database import Database

    path = data_dir / DATABASE
    if not path.exists():
        return None, None
    lock = DataLock(data_dir, shared=True).acquire()
    try:
        database = Database.open_read_only(path)
        if database is None:
            lock.close()
            _upgrade(data_dir)
            lock.acquire()
            database = Database.open_read_only(path)
        if database is not None:
            database.seal()
    except BaseException:
        lock.close()
        raise
    return database, lock


def _upgrade(data_dir: Path) -> None:
    from monitor.store.database import Database

    with DataLock(data_dir).acquire():
        Database.open(data_dir / DATABASE).close()
