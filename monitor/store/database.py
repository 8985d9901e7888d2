"""The one door to DuckDB: opening, schema, guarded reading, transactions.

Nothing outside `monitor.store` imports duckdb; its errors leave here as ours.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb

from monitor.errors import QueryError, QueryTimeout, StoreBusy, StoreDamaged, StoreError
from monitor.store import frames

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Cursor", "Database"]

_AGAIN_SECONDS = 0.1
_BROKEN = (
    # The store's fault, not the statement's.
    duckdb.IOException, duckdb.SerializationException, duckdb.InternalException,
    duckdb.FatalException, duckdb.TransactionException,
)  # fmt: skip
_BEFORE_ANYTHING = {
    # Or DuckDB asks the network for extensions.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Or a name in a statement may mean a variable of ours.
    "python_enable_replacements": "false",
}
_BLOCK_BYTES = 64 * 1024
"""Of new files. What is in no checkpoint yet takes a block a column; there are 340 columns."""


def _scripts(folder: str) -> list[tuple[str, str]]:
    found = files("monitor.store").joinpath(folder).iterdir()
    return sorted((f.name, f.read_text("utf8")) for f in found if f.name.endswith(".sql"))


class Cursor:
    """A connection of its own onto the database, for one thread."""

    def __init__(self, raw: duckdb.DuckDBPyConnection) -> None:
        self._raw = raw
        self._names = 0
        self._free: dict[Any, list[tuple[str, frames.Stream]]] = {}

    def execute(self, sql: str, params: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run trusted SQL; the rows, if there are any. Aware times are bound as naive UTC."""
        with translated():
            self._raw.execute(sql, [frames.naive(value) for value in params or ()])
            return self._raw.fetchall()

    @contextmanager
    def registered(self, data: pl.DataFrame) -> Iterator[str]:
        """Make `data` a table for as long as the block lasts; yields its name.

        A name serves all frames with the same columns, one after another: to make one and to take
        it back is nearly half of what a small lookup costs.
        """
        free = self._free.setdefault(tuple(data.schema.items()), [])
        if free:
            name, stream = free.pop()
            stream.data = data
        else:
            self._names += 1
            name, stream = f"frame_{self._names}", frames.Stream(data)
            self._raw.register(name, stream)
        try:
            yield name
        finally:
            stream.data = data.clear()  # its columns alone
            free.append((name, stream))

    def _forget_names(self) -> None:
        """Names that were made in a transaction end with it when it is rolled back."""
        for name, _ in chain.from_iterable(self._free.values()):
            with suppress(duckdb.Error):  # a database that broke keeps none either
                self._raw.unregister(name)
        self._free.clear()

    def insert(self, table: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Append `rows` to `table`; `columns` maps names to DuckDB types."""
        with translated():
            frames.insert(self, table, columns, rows)

    def lookup(
        self, sql: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]
    ) -> list[tuple[Any, ...]]:
        """Run `sql` with `rows` at hand as the table `given`."""
        if not rows:
            return []
        with translated(), self.registered(frames.frame(columns, rows)) as name:
            self._raw.execute(sql.replace("{given}", name))
            return self._raw.fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.execute("begin")
        try:
            yield
            self.execute("commit")
        except BaseException:
            with suppress(StoreError):  # a commit that failed has rolled back by itself
                self.execute("rollback")
            self._forget_names()
            raise

    def close(self) -> None:
        self._raw.close()


class Database:
    """An open database. `path` None keeps it in memory."""

    def __init__(
        self, raw: duckdb.DuckDBPyConnection, path: Path | None, *, read_only: bool = False
    ) -> None:
        self._raw = raw
        self.path = path
        self.read_only = read_only

    @classmethod
    def open(cls, path: Path | None, *, memory_limit: str | None = None) -> Self:
        """Open (or create) `path` for writing and bring its schema up to date.

        Raises:
            StoreBusy: another process holds it. StoreDamaged: it can't be read.
        """
        config: dict[str, Any] = {
            **_BEFORE_ANYTHING,
            "default_block_size": _BLOCK_BYTES,
            "allocator_background_threads": "true",  # or what was freed is kept until the next use
        }
        if memory_limit:
            config["memory_limit"] = memory_limit
        with translated(path):
            raw = duckdb.connect(str(path) if path else ":memory:", config=config)
        made = cls(raw, path)
        made._prepare()
        return made

    @classmethod
    def open_read_only(cls, path: Path) -> Self | None:
        """Open `path` for reading; None if its schema or macros are not those of this version."""
        with translated(path):
            raw = duckdb.connect(str(path), read_only=True, config=dict(_BEFORE_ANYTHING))
        made = cls(raw, path, read_only=True)
        if _stamp_of(raw) != _current_stamp():
            made.close()
            return None
        raw.execute("set global TimeZone = 'UTC'")
        return made

    @staticmethod
    def schema_of(path: Path) -> int:
        """The version of the schema in the file `path`; 0: it is none of ours.

        Raises:
            StoreBusy: another process holds it. StoreDamaged: it can't be read.
        """
        with translated(path):
            raw = duckdb.connect(str(path), read_only=True, config=dict(_BEFORE_ANYTHING))
        try:
            with translated(path):
                return _stamp_of(raw)[0]
        finally:
            raw.close()

    def _prepare(self) -> None:
        self._raw.execute("set global TimeZone = 'UTC'")
        if self.path:
            temp = str(self.path.parent / "tmp").replace("'", "''")
            self._raw.execute(f"set temp_directory = '{temp}'")
        before = _stamp_of(self._raw)
        if before == _current_stamp():
            return
        cursor = self.cursor()
        with cursor.transaction():
            self._migrate(cursor, before[0])
            for _, script in _scripts("macros"):
                cursor.execute(script)
            version, digest = _current_stamp()
            cursor.execute("delete from base.schema_version")
            cursor.execute(
                "insert into base.schema_version values (?, ?, now()::timestamp)",
                [version, digest],
            )
        cursor.close()

    def _migrate(self, cursor: Cursor, version: int) -> None:
        scripts = _scripts("migrations")
        if version > len(scripts):
            raise StoreDamaged(
                f"{self.path}: written by a newer monitor (schema {version}, this one knows "
                f"{len(scripts)}); upgrade monitor, or name another --data-dir"
            )
        for _, script in scripts[version:]:
            cursor.execute(script)

    def seal(self) -> None:
        """From here on this database touches no other file and its settings stay as they are."""
        self._raw.execute("set enable_external_access = false")
        self._raw.execute("set lock_configuration = true")

    def cursor(self) -> Cursor:
        """A cursor for one thread; close it when done."""
        return Cursor(self._raw.cursor())

    def query(
        self,
        sql: str,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> pl.DataFrame:
        """The rows of one reading statement, run on a cursor of its own.

        Args:
            params: values for `?` (a sequence) or `$name` (a mapping).
            timeout: seconds after which the statement is stopped.

        Raises:
            QueryError: DuckDB refuses it, or it is more or other than one SELECT.
            QueryTimeout: it ran into its limit.
        """
        with self.reading() as read:
            return read.query(sql, params, timeout=timeout)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """A reader whose statements can be interrupted from another thread."""
        reader = Reading(self._raw.cursor())
        try:
            yield reader
        finally:
            reader.close()

    def close(self) -> None:
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Reading:
    """One reading cursor. `interrupt` may be called from any thread."""

    def __init__(self, raw: duckdb.DuckDBPyConnection) -> None:
        self._raw = raw

    def interrupt(self) -> None:
        """Stop what runs."""
        self._raw.interrupt()

    def query(
        self,
        sql: str,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> pl.DataFrame:
        """See `Database.query`."""
        statement = reading_statement(self._raw, sql)
        with self._limited(timeout), translated(timeout=timeout):
            return frames.fetch_frame(self._raw.sql(statement, params=_plain(params)))

    @contextmanager
    def _limited(self, seconds: float | None) -> Iterator[None]:
        """Interrupt what the block runs after `seconds`.

        More than once: DuckDB forgets an interrupt that comes before a statement has begun.
        """
        done = threading.Event()

        def watch() -> None:
            left = seconds
            while not done.wait(left):
                self.interrupt()
                left = _AGAIN_SECONDS

        watcher = threading.Thread(target=watch, daemon=True) if seconds else None
        if watcher:
            watcher.start()
        try:
            yield
        finally:
            done.set()
            if watcher:
                watcher.join()

    def close(self) -> None:
        self._raw.close()


def _plain(params: Mapping[str, Any] | Sequence[Any] | None) -> Any:
    if isinstance(params, Mapping):
        return {name: frames.naive(value) for name, value in params.items()}
    return [frames.naive(value) for value in params] if params is not None else None


def reading_statement(raw: duckdb.DuckDBPyConnection, sql: str) -> str:
    """`sql` without its final semicolon, if it is one statement that only reads.

    A parser decides, not a pattern: `json_serialize_sql` accepts SELECT statements only (and
    FROM, DESCRIBE, SHOW, SUMMARIZE and VALUES, which are written as such).
    """
    with translated():
        found = duckdb.extract_statements(sql)
    if len(found) != 1:
        raise QueryError(f"expected one SQL statement, got {len(found)}; run them one by one")
    rows = raw.execute(
        "select coalesce((json_serialize_sql(?::varchar)::json ->> 'error') = 'false', false)",
        [sql],
    ).fetchall()
    if rows != [(True,)]:
        raise QueryError(
            "only reading statements are allowed here (SELECT, FROM, DESCRIBE, SHOW, SUMMARIZE)"
        )
    return found[0].query.strip().rstrip(";")


def _stamp_of(raw: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    """The version of the schema and the digest of the macros; (0, "") where there are none."""
    try:
        # All rows: a result that is not read to its end keeps its transaction open, and then
        # DuckDB keeps what every later update replaced.
        rows = raw.execute("select version, macros from base.schema_version").fetchall()
    except duckdb.CatalogException:
        return 0, ""
    return (rows[0][0], rows[0][1]) if rows else (0, "")


def _current_stamp() -> tuple[int, str]:
    text = "\0".join(name + script for name, script in _scripts("macros"))
    return len(_scripts("migrations")), hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def translated(path: Path | None = None, *, timeout: float | None = None) -> Iterator[None]:
    """DuckDB's errors as ours."""
    try:
        yield
    except duckdb.InterruptException as error:
        limit = f"after {timeout:g} s" if timeout else "by its caller"
        raise QueryTimeout(
            f"the statement was stopped {limit}; narrow it or raise --timeout"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise StoreError(f"DuckDB ran out of memory: {_first_line(error)}") from error
    except _BROKEN as error:
        text = _first_line(error)
        if os.strerror(errno.ENOSPC) in text:
            raise StoreError(
                f"the disk is full, nothing of this is stored; free some ({text})"
            ) from error
        if "could not set lock" in text.lower():
            raise StoreBusy(f"{path}: in use by another process ({text})") from error
        if path is not None:
            raise StoreDamaged(
                f"{path}: can't be read as a DuckDB database ({text}); restore a backup, or name "
                "another --data-dir"
            ) from error
        if isinstance(error, duckdb.FatalException) or "corrupt" in text.lower():
            raise StoreDamaged(
                f"the database can't go on ({text}); start monitor again, and if that does not "
                "help, restore a backup"
            ) from error
        raise StoreError(text) from error
    except duckdb.Error as error:
        raise QueryError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    """DuckDB's message without its drawing of the statement."""
    return str(error).split("\n\nLINE", maxsplit=1)[0].replace("\n", " ").strip()
