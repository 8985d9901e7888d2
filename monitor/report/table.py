"""A table for a terminal: fits its width, numbers to the right, hostile text made visible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap

import polars as pl

from monitor.report.text import cells, shorten, visible
from monitor.report.values import plain

__all__ = ["Table", "render"]

_GAP = "  "
_NARROWEST = 8
_LONGEST = 2_000  # characters of one cell that are looked at
_RECORDS = 4  # up to so many rows that don't fit side by side stand below one another
_SMALL = 0.001


@dataclass(frozen=True, slots=True)
class Table:
    """The lines, and the names of the columns that found no place."""

    lines: list[str]
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    values: list[str]
    right: bool
    whole: bool
    empty: bool

    @property
    def width(self) -> int:
        return max(map(cells, [self.name, *self.values]))

    @property
    def narrowest(self) -> int:
        """Numbers and moments are shown whole or not at all."""
        return self.width if self.whole else min(self.width, max(_NARROWEST, cells(self.name)))


def render(data: pl.DataFrame, width: int) -> Table:
    """`data` in lines of at most `width` cells.

    Columns too many for that: few rows are shown as one line a value, of many rows the columns
    that are empty, then those furthest to the right are left out.
    """
    columns = _columns(data)
    shown = _fitting(columns, width)
    if len(shown) < len(columns) and data.height <= _RECORDS:
        return Table(_records(columns, data.height, width), [])
    widths = _widths(shown, width)
    rows = [[c.name for c in shown], ["─" * w for w in widths]]
    rows += [list(row) for row in zip(*(c.values for c in shown), strict=True)]
    names = {c.name for c in shown}
    lines = [_line(row, shown, widths) for row in rows]
    return Table(lines, [c.name for c in columns if c.name not in names])


def _columns(data: pl.DataFrame) -> list[_Column]:
    text = plain(data)
    return [
        _Column(
            name=visible(name),
            values=list(map(_cell, text[name].to_list())),
            right=data.schema[name].is_numeric(),
            whole=data.schema[name].is_numeric() or data.schema[name].is_temporal(),
            empty=data[name].null_count() == data.height > 0,
        )
        for name in data.columns
    ]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    return visible(str(value)[:_LONGEST])


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if value and abs(value) < _SMALL:
        return f"{value:.2g}"
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _fitting(columns: Sequence[_Column], width: int) -> list[_Column]:
    """The columns that fit at their narrowest; empty ones go first, then from the right."""
    shown = list(columns)
    for column in [*(c for c in reversed(columns) if c.empty), *reversed(columns)]:
        if _total([c.narrowest for c in shown]) <= width or len(shown) == 1:
            break
        if column in shown:
            shown.remove(column)
    return shown


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _widths(columns: Sequence[_Column], width: int) -> list[int]:
    """Each column's width: what it needs, the widest giving way first."""
    widths = [c.width for c in columns]
    while _total(widths) > width:
        loose = [n for n, c in enumerate(columns) if widths[n] > c.narrowest]
        if not loose:
            return [min(w, width) for w in widths]
        widest = max(loose, key=lambda n: widths[n])
        others = [widths[n] for n in loose if widths[n] < widths[widest]]
        least = max([columns[widest].narrowest, *others])
        widths[widest] -= min(widths[widest] - least, _total(widths) - width)
    return widths


def _line(row: Sequence[str], columns: Sequence[_Column], widths: Sequence[int]) -> str:
    def padded(value: str, column: _Column, width: int) -> str:
        short = shorten(value, width)
        space = " " * (width - cells(short))
        return space + short if column.right else short + space

    return _GAP.join(starmap(padded, zip(row, columns, widths, strict=True))).rstrip()


def _records(columns: Sequence[_Column], height: int, width: int) -> list[str]:
    label = max(cells(c.name) for c in columns)
    room = max(_NARROWEST, width - label - len(_GAP))
    lines: list[str] = []
    for row in range(height):
        lines += [""] if row else []
        for column in columns:
            name = column.name + " " * (label - cells(column.name))
            lines.append(f"{name}{_GAP}{shorten(column.values[row], room)}".rstrip())
    return lines
