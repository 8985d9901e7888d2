"""Rows in and out of DuckDB as whole frames: row by row is 150 times slower."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

if TYPE_CHECKING:
    from monitor.store.database import Cursor

__all__ = ["Stream", "fetch_frame", "frame", "insert", "naive"]

_DTYPES: dict[str, Any] = {
    "VARCHAR": pl.String,
    "BIGINT": pl.Int64,
    "INTEGER": pl.Int32,
    "DOUBLE": pl.Float64,
    "BOOLEAN": pl.Boolean,
    "TIMESTAMP": pl.Datetime("us"),
    "BLOB": pl.Binary,
    "JSON": pl.String,
    "VARCHAR[]": pl.List(pl.String),
    "INTERVAL": pl.Duration("us"),
}

# What polars has no word for, or spells in its own way, leaves DuckDB as text.
_PLAIN = {
    "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT",
    "DOUBLE", "FLOAT", "BOOLEAN", "VARCHAR", "TIMESTAMP", "DATE", "BLOB", "JSON",
}  # fmt: skip


class Stream:
    """A frame as an Arrow stream, which DuckDB reads without pyarrow."""

    def __init__(self, data: pl.DataFrame) -> None:
        self.data = data

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.data.__arrow_c_stream__(requested_schema)


def frame(columns: dict[str, str], rows: Iterable[Sequence[Any]]) -> pl.DataFrame:
    """A frame of `rows`; `columns` maps names to DuckDB types. Aware times become naive UTC."""
    schema = {name: _DTYPES[kind] for name, kind in columns.items()}
    return pl.DataFrame([[naive(v) for v in row] for row in rows], schema=schema, orient="row")


def naive(value: Any) -> Any:
    """An aware time as the naive UTC that the store holds; anything else as it is."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def insert(
    cursor: Cursor, table: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]
) -> None:
    """Append `rows` to `table`, by column name."""
    if rows:
        with cursor.registered(frame(columns, rows)) as name:
            cursor.execute(f"insert into {table} by name select * from {name}")


def fetch_frame(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """The relation's rows. TIMESTAMPTZ becomes UTC, lists and structs JSON text, the rest text."""
    kinds = [str(kind) for kind in relation.types]
    names = _distinct(relation.columns)
    # By position: two columns of a result may bear one name.
    chosen = [
        f"{_cast(f'#{n}', kind)} as {_quote(name)}"
        for n, (kind, name) in enumerate(zip(kinds, names, strict=True), 1)
    ]
    data = pl.DataFrame(relation.project(", ".join(chosen)))
    huge = [name for name, kind in zip(names, kinds, strict=True) if "HUGEINT" in kind]
    return data.with_columns(_as_int64(data[name]) for name in huge)


def _as_int64(column: pl.Series) -> pl.Series:
    """Sums of BIGINT are HUGEINT: as BIGINT where all fit, else exact decimals."""
    small = column.cast(pl.Int64, strict=False)
    return small if small.null_count() == column.null_count() else column


def _cast(column: str, kind: str) -> str:
    if kind in _PLAIN or kind.startswith("DECIMAL"):
        return column
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {column})"
    if kind in ("TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"):
        return f"{column}::timestamp"
    if kind in ("HUGEINT", "UHUGEINT"):
        return f"{column}::decimal(38, 0)"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return f"to_json({column})::varchar"
    return f"{column}::varchar"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _distinct(names: Sequence[str]) -> list[str]:
    used: set[str] = set()
    result = []
    for name in names:
        candidate, n = name, 1
        while candidate in used:
            candidate, n = f"{name}_{n}", n + 1
        used.add(candidate)
        result.append(candidate)
    return result
