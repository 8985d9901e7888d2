"""Every public table as CSV or Parquet, with a manifest that says what is in the folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import polars as pl

from monitor.report.csv import write_csv
from monitor.report.folders import MANIFEST, recorded, replaced, write_manifest
from monitor.report.tables import TABLES, Exported
from monitor.report.values import plain

__all__ = ["MANIFEST", "Export", "Progress"]

SLICE_ROWS = 250_000
_NOWHERE = "__HIVE_DEFAULT_PARTITION__"
_NETWORK, _DAY = "partition_network", "partition_day"

Progress = Callable[[str], None]
"""Told the name of each table before it is written."""


class Source(Protocol):
    """Where rows come from: a session."""

    def query(self, sql: str, params: list[Any] | None = None) -> pl.DataFrame: ...


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a table that is read at once: whole days, or all of it."""

    where: str
    params: list[Any]


@dataclass(slots=True)
class Export:
    """One export. `withheld`: networks whose texts may not be passed on."""

    source: Source
    form: str = "csv"
    excel: bool = False
    withheld: Sequence[str] = ()
    version: str = ""
    slice_rows: int = SLICE_ROWS
    progress: Progress = lambda _name: None
    _files: list[dict[str, Any]] = field(default_factory=list)

    def write(self, folder: Path, *, force: bool = False) -> dict[str, Any]:
        """Write all tables to `folder`; the manifest.

        Everything is written beside its place first and then renamed, the manifest last: a folder
        without one is not finished.

        Raises:
            UsageError: `folder` holds something else than an earlier export and `force` is off.
        """
        with replaced(folder, list(_pieces()), "export", force=force) as temporary:
            return self._fill(temporary)

    def _fill(self, folder: Path) -> dict[str, Any]:
        tables = {}
        as_of = plain(self.source.query("select base.data_as_of(null) as at"))["at"][0]
        for table in TABLES:
            self.progress(table.name)
            self._files = []
            rows = self._csv(table, folder) if self.form == "csv" else self._parquet(table, folder)
            tables[table.name] = {"rows": rows, "query": self._sql(table), "files": self._files}
        manifest = {
            "monitor": self.version,
            "command": "export",
            "format": self.form,
            "filters": {"texts_withheld_of_networks": sorted(self.withheld)},
            "data_as_of_utc": as_of,
            "timezone": "UTC",
            "tables": tables,
        }
        write_manifest(folder, manifest)
        return manifest

    def _sql(self, table: Exported, where: str = "true", extra: str = "") -> str:
        chosen = f"t.*{self._without_texts(table)}{extra}"
        return f"select {chosen} from {table.name} as t where {where} order by {table.order}"

    def _without_texts(self, table: Exported) -> str:
        """What a network's terms keep from being passed on; what the user gave stays."""
        if not self.withheld or table.name not in ("posts", "post_versions"):
            return ""
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in self.withheld)
        given = "t.post_id in (select p.post_id from posts as p where p.source_id = 'import')"
        passed = f"{table.network} not in ({names}) or {given}"
        columns = (f"case when {passed} then t.{c} end as {c}" for c in ("title", "text"))
        return f" replace ({', '.join(columns)})"

    def _csv(self, table: Exported, folder: Path) -> int:
        path, rows = folder / f"{table.name}.csv", 0
        with path.open("wb") as stream:
            for number, part in enumerate(self._parts(table)):
                data = self.source.query(self._sql(table, part.where), part.params)
                write_csv(data, stream, excel=self.excel, header=number == 0)
                rows += data.height
        self._record(folder, path, rows)
        return rows

    def _parquet(self, table: Exported, folder: Path) -> int:
        if table.time is None:
            data = self.source.query(self._sql(table))
            self._part_file(folder, folder / table.name, data)
            return data.height
        rows = 0
        extra = f", {table.network} as {_NETWORK}, t.{table.time}::date as {_DAY}"
        for part in self._parts(table):
            data = self.source.query(self._sql(table, part.where, extra), part.params)
            rows += data.height
            groups = data.partition_by(_NETWORK, _DAY, as_dict=True, maintain_order=True)
            for (network, day), group in groups.items():
                place = folder / table.name / f"network={_hive(network)}" / f"day={_hive(day)}"
                self._part_file(folder, place, group.drop(_NETWORK, _DAY))
        if not rows:
            self._part_file(folder, folder / table.name, data.drop(_NETWORK, _DAY))
        return rows

    def _part_file(self, folder: Path, place: Path, data: pl.DataFrame) -> None:
        place.mkdir(parents=True, exist_ok=True)
        path = place / "part-0.parquet"
        data.write_parquet(path)
        self._record(folder, path, data.height)

    def _record(self, folder: Path, path: Path, rows: int) -> None:
        self._files.append(recorded(folder, path, rows))

    def _parts(self, table: Exported) -> Iterator[_Part]:
        """Whole days in the order of time, together about `slice_rows` rows each."""
        if table.time is None:
            yield _Part("true", [])
            return
        day = f"t.{table.time}::date"
        counts = self.source.query(
            f"select {day} as day, count(*) as n from {table.name} as t "
            f"where t.{table.time} is not null group by all order by day"
        )
        yield from _slices(f"t.{table.time}", counts.rows(), self.slice_rows)


def _slices(time: str, counts: list[tuple[date, int]], limit: int) -> Iterator[_Part]:
    """Ranges of days that cover all time, and at last the rows without a time."""
    start, filled = "-infinity", 0
    for day, rows in counts:
        if filled and filled + rows > limit:
            yield _Part(f"{time} >= ?::timestamp and {time} < ?::timestamp", [start, str(day)])
            start, filled = str(day), 0
        filled += rows
    yield _Part(f"({time} >= ?::timestamp or {time} is null)", [start])


def _hive(value: object) -> str:
    return _NOWHERE if value is None else quote(str(value), safe="")


def _pieces() -> Iterator[str]:
    yield MANIFEST
    for table in TABLES:
        yield f"{table.name}.csv"
        yield table.name
