"""CSV by RFC 4180: UTF-8 without BOM, CRLF, header, quotes only where needed, NULL empty."""

from __future__ import annotations

import io
import re
from typing import IO, Any

import polars as pl

from monitor.report.values import plain

__all__ = ["write_csv"]

_BOM = b"\xef\xbb\xbf"
# What a spreadsheet takes for a formula, or cuts off to get at one.
_RUNS = r"^[=+\-@\t\r]"


def write_csv(
    data: pl.DataFrame, target: IO[bytes], *, excel: bool = False, header: bool = True
) -> None:
    """Write `data`.

    Numbers have their shortest exact decimal form without exponent, booleans are `true` and
    `false`, moments `2026-02-12T18:00:00Z`, an empty text is `""` and an unknown value nothing.

    Args:
        excel: begin with a BOM, and put an apostrophe before text that a spreadsheet would run.
        header: write the names of the columns first.
    """
    data = plain(data)
    if excel:
        data = _guarded(data)
    if excel and header:
        target.write(_BOM)
    options: dict[str, Any] = {"line_terminator": "\r\n", "float_scientific": False}
    # A lone unknown value would be an empty line, which readers skip.
    null = '""' if data.width == 1 else ""
    # By way of memory: polars would write past the buffer of `target`, and hide its errors.
    buffer = io.BytesIO()
    data.write_csv(buffer, include_header=header, null_value=null, **options)
    target.write(buffer.getbuffer())


def _guarded(data: pl.DataFrame) -> pl.DataFrame:
    texts = [pl.col(name) for name, kind in data.schema.items() if kind == pl.String]
    return data.with_columns(
        pl.when(text.str.contains(_RUNS)).then(pl.lit("'") + text).otherwise(text).name.keep()
        for text in texts
    ).rename({name: "'" + name for name in data.columns if re.match(_RUNS, name)})
