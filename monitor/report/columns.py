"""Every column of a report: type, unit and meaning. What `columns.csv` holds."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Column", "columns"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one file. `type`: text, number, whole, moment, yes-no or JSON."""

    file: str
    column: str
    type: str
    unit: str
    meaning: str


@cache
def columns() -> tuple[Column, ...]:
    """In the order of the files and of their columns."""
    table = files("monitor.report").joinpath("templates", "columns.csv").read_text("utf8")
    return tuple(Column(**row) for row in csv.DictReader(table.splitlines()))
