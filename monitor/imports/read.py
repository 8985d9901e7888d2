"""Rows out of files: CSV, JSONL and Parquet, one after the other, with their lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monitor.errors import UsageError

__all__ = ["Line", "columns_of", "lines"]

Line = tuple[int, dict[str, Any] | str]
"""A line's number (a row's, in Parquet) and what it says; text says why it can't be read."""

_FORMS = (".csv", ".jsonl", ".ndjson", ".parquet")
_LONGEST = 50_000_000  # characters in one cell
_LOOK_AT = 1000  # objects of a JSONL file whose keys make its columns


def columns_of(path: Path) -> set[str]:
    """The names of a file's columns.

    Raises:
        UsageError: the file can't be read, or its form is none that we know.
    """
    form = _form(path)
    try:
        if form == ".parquet":
            import polars as pl

            return set(pl.read_parquet_schema(path))
        if form == ".csv":
            with path.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
                return set(next(csv.reader(stream), []))
        names: set[str] = set()
        for number, row in lines(path):
            if isinstance(row, dict):
                names |= row.keys()
            if number >= _LOOK_AT:
                break
    except OSError as error:
        raise _unreadable(path, error) from error
    except Exception as error:
        if form != ".parquet":
            raise
        raise UsageError(f"{path}: no Parquet ({error})") from error
    return names


def lines(path: Path) -> Iterator[Line]:
    """Every row of a file, with its line. Bytes that are no UTF-8 come as surrogates.

    Raises:
        UsageError: the file can't be read, or its form is none that we know.
    """
    form = _form(path)
    try:
        if form == ".parquet":
            yield from _parquet(path)
        elif form == ".csv":
            yield from _csv(path)
        else:
            yield from _jsonl(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _form(path: Path) -> str:
    form = path.suffix.lower()
    if form not in _FORMS:
        raise UsageError(f"{path}: of which form? name a file in .csv, .jsonl or .parquet")
    return form


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path}: {error.strerror or error}; name a file that you can read")


def _csv(path: Path) -> Iterator[Line]:
    csv.field_size_limit(_LONGEST)
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
        reader = csv.reader(stream, strict=True)
        names = next(reader, [])
        begins = reader.line_num + 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield begins, f"no CSV from here on ({error})"
                return
            if row:
                yield begins, _named(names, row)
            begins = reader.line_num + 1


def _named(names: list[str], row: list[str]) -> dict[str, Any] | str:
    if len(row) != len(names):
        return f"has {len(row)} cells, the header {len(names)}"
    return dict(zip(names, row, strict=True))


def _jsonl(path: Path) -> Iterator[Line]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, f"no JSON ({error})"
                continue
            yield number, row if isinstance(row, dict) else "no JSON object"


def _parquet(path: Path) -> Iterator[Line]:
    import polars as pl

    yield from enumerate(pl.read_parquet(path).iter_rows(named=True), 1)
