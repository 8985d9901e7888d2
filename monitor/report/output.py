"""One frame in the form that the reader asked for: table, csv, json, jsonl or parquet."""

from __future__ import annotations

import io
from typing import IO, Any

import msgspec
import polars as pl

from monitor.report.csv import write_csv
from monitor.report.table import render
from monitor.report.values import JSON_COLUMNS, plain

__all__ = ["FORMATS", "write"]

FORMATS = ("table", "csv", "json", "jsonl", "parquet")

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def write(
    data: pl.DataFrame,
    form: str,
    target: IO[bytes],
    *,
    excel: bool = False,
    single: bool = False,
    width: int = 120,
) -> list[str]:
    """Write `data` as `form`; the names of columns that a table had no room for.

    Args:
        excel: CSV for spreadsheets (see `write_csv`).
        single: JSON as one object instead of an array; `data` has one row.
        width: of the terminal, for tables.
    """
    if form == "table":
        table = render(data, width)
        target.write("".join(line + "\n" for line in table.lines).encode())
        return table.left_out
    if form == "csv":
        write_csv(data, target, excel=excel)
    elif form == "parquet":
        target.write(_parquet(data))
    elif form == "jsonl":
        target.writelines(line + b"\n" for line in _objects(data))
    elif single and data.height == 1:
        target.write(msgspec.json.format(_objects(data)[0], indent=2) + b"\n")
    else:
        target.write(_array(_objects(data)))
    return []


def _array(objects: list[bytes]) -> bytes:
    return b"[\n" + b",\n".join(objects) + b"\n]\n" if objects else b"[]\n"


def _parquet(data: pl.DataFrame) -> bytes:
    # By way of memory: parquet wants to seek, standard output can't.
    buffer = io.BytesIO()
    data.write_parquet(buffer)
    return buffer.getvalue()


def _objects(data: pl.DataFrame) -> list[bytes]:
    """A JSON object a row. Not a number and infinite become null."""
    names = data.columns
    nested = [n for n, name in enumerate(names) if name in JSON_COLUMNS]
    lines = []
    for row in plain(data).iter_rows():
        values = list(row)
        for n in nested:
            values[n] = _nested(values[n])
        lines.append(_ENCODER.encode(dict(zip(names, values, strict=True))))
    return lines


def _nested(value: Any) -> Any:
    """The array or object that a JSON column holds; anything else as it is."""
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value
