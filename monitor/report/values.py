"""How values leave monitor: the same form of a moment in every format."""

from __future__ import annotations

import polars as pl

__all__ = ["JSON_COLUMNS", "moments", "plain"]

JSON_COLUMNS = frozenset(
    ["share_of_voice", "languages", "networks", "top_reaction", "networks_not_observed"]
)
"""Columns that hold JSON text: real objects in JSON, text in CSV."""

_FORM = "%Y-%m-%dT%H:%M:%S%.6f"
_TICKS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_YEAR_1, _YEAR_10000 = -62_135_596_800, 253_402_300_800  # seconds since 1970


def plain(data: pl.DataFrame) -> pl.DataFrame:
    """`data` with moments, days and bytes as text; numbers, booleans and text stay.

    A moment becomes `2026-02-12T18:00:00Z`, with up to six digits of a fraction where it has one;
    bytes become hexadecimal.
    """
    return data.with_columns(_plain(name, kind) for name, kind in data.schema.items())


def moments(column: pl.Expr, unit: str = "us") -> pl.Expr:
    """UTC times as text. What no calendar holds is `infinity`, `-infinity`."""
    ticks, per_second = column.to_physical(), _TICKS[unit]
    known = ticks.is_between(_YEAR_1 * per_second, _YEAR_10000 * per_second, closed="left")
    # Times outside are taken out before they are formatted: polars would panic.
    text = pl.when(known).then(column).dt.to_string(_FORM).str.replace(r"\.?0*$", "Z")
    return _beyond(text, ticks)


def _beyond(text: pl.Expr, ticks: pl.Expr) -> pl.Expr:
    sign = pl.when(ticks > 0).then(pl.lit("infinity")).when(ticks < 0).then(pl.lit("-infinity"))
    return pl.coalesce(text, sign)


def _days(column: pl.Expr) -> pl.Expr:
    days = column.to_physical()
    known = days.is_between(_YEAR_1 // 86_400, _YEAR_10000 // 86_400, closed="left")
    return _beyond(pl.when(known).then(column).dt.to_string("%Y-%m-%d"), days)


def _plain(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, pl.Datetime):
        utc = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return moments(utc if kind.time_zone else column, kind.time_unit).alias(name)
    if kind == pl.Date:
        return _days(column).alias(name)
    if kind == pl.Binary:
        return column.bin.encode("hex").alias(name)
    return column
