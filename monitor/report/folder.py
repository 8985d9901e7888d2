"""`monitor report`: CSV files, a manifest and one page, the same bytes from the same data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from monitor.report.columns import columns
from monitor.report.csv import write_csv
from monitor.report.folders import MANIFEST, recorded, replaced, write_manifest
from monitor.report.page import page
from monitor.report.series import series, summary
from monitor.report.values import plain

__all__ = ["FILES", "Report"]

PAGE = "index.html"
TOP = 100
"""So many reactions stand in top.csv, with their readings in counters.csv."""


class Source(Protocol):
    """Where rows come from: a session."""

    def query(self, sql: str, params: list[Any] | None = None) -> pl.DataFrame: ...


@dataclass(frozen=True, slots=True)
class Report:
    """One report of `events`.

    `bucket` is an interval as DuckDB reads one, `as_of` a moment as text or None; `withheld`:
    networks whose texts may not be passed on.
    """

    source: Source
    events: Sequence[str]
    bucket: str
    tz: str = "UTC"
    as_of: str | None = None
    excel: bool = False
    withheld: Sequence[str] = ()
    version: str = ""
    progress: Callable[[str], None] = lambda _name: None

    def write(self, folder: Path, *, force: bool = False) -> dict[str, Any]:
        """Write the report to `folder`; the manifest.

        Raises:
            UsageError: `folder` holds something else than an earlier report and `force` is off.
        """
        names = [MANIFEST, PAGE, *(f"{name}.csv" for name in FILES), "columns.csv"]
        with replaced(folder, names, "report", force=force) as temporary:
            return self._fill(temporary)

    def _fill(self, folder: Path) -> dict[str, Any]:
        frames, files = {}, {}
        for name, sql in FILES.items():
            self.progress(name)
            query = self._sql(sql)
            if name == "series":  # what is expected is no matter of SQL
                frames[name] = series(
                    self.source.query, self.events, bucket=self.bucket, tz=self.tz, as_of=self.as_of
                )
            elif name == "summary":
                frames[name] = summary(self.source.query, self.events, self.as_of)
            else:
                frames[name] = self.source.query(query)
            files[name] = {**self._csv(folder, name, frames[name]), "query": query}
        table = pl.DataFrame(
            [(c.file, c.column, c.type, c.unit or None, c.meaning) for c in columns()],
            schema=["file", "column", "type", "unit", "meaning"], orient="row",
        )  # fmt: skip
        files["columns"] = self._csv(folder, "columns", table)
        manifest = {
            "monitor": self.version,
            "command": "report",
            "events": list(self.events),
            "filters": {
                "as_of_utc": self._moment("base.moment({})") if self.as_of else None,
                "excluded": "posts that somebody took out of an event stand in no count",
                "texts_withheld_of_networks": sorted(self.withheld),
            },
            "bucket": self.bucket,
            "timezone": self.tz,
            "data_as_of_utc": self._moment("base.data_as_of({})"),
            "files": files,
        }
        self.progress(PAGE)
        (folder / PAGE).write_text(page(self.source, frames, manifest), "utf-8")
        manifest["files"]["index"] = recorded(folder, folder / PAGE, len(self.events))
        write_manifest(folder, manifest)
        return manifest

    def _moment(self, form: str) -> Any:
        data = self.source.query(f"select {form.format(_text(self.as_of))} as at")
        return plain(data)["at"][0]

    def _sql(self, sql: str) -> str:
        """The statement with its values in it: whoever has the data can run it again."""
        values = {
            "events": f"[{', '.join(map(_text, self.events))}]",
            "bucket": _text(self.bucket),
            "tz": _text(self.tz),
            "as_of": _text(self.as_of),
            "top": str(TOP),
            "passed_on": self._passed_on(),
        }
        for name, value in values.items():
            sql = sql.replace(f"${name}", value)
        return sql

    def _passed_on(self) -> str:
        """Whether a text may be passed on; what the user gave always may."""
        if not self.withheld:
            return "true"
        names = ", ".join(map(_text, sorted(self.withheld)))
        given = "select post_id from posts where source_id = 'import'"
        return f"(split_part(t.post_id, ':', 1) not in ({names}) or t.post_id in ({given}))"

    def _csv(self, folder: Path, name: str, data: pl.DataFrame) -> dict[str, Any]:
        path = folder / f"{name}.csv"
        with path.open("wb") as stream:
            write_csv(data, stream, excel=self.excel)
        return recorded(folder, path, data.height)


_WITHHELD = "replace (case when $passed_on then t.text end as text"
FILES = {
    "series": (
        "from base.series_over($events, $bucket, $tz, $as_of) order by event_id, bucket_start_utc"
    ),
    "summary": "from base.summaries($events, $as_of) order by event_id",
    "top": (
        f"select * {_WITHHELD}) from base.top_over($events, $top, $as_of) as t "
        "order by event_id, rank"
    ),
    "counters": (
        "from base.readings_over($events, $top, $as_of) "
        "order by event_id, post_id, observed_at_utc, source_id"
    ),
    "gaps": (
        "from base.event_gaps($events, $as_of) order by event_id, started_at, source_id, gap_id"
    ),
    "posts": (
        f"select * {_WITHHELD}, case when $passed_on then t.title end as title) "
        "from base.posts_over($events, $as_of) as t order by event_id, created_at_utc, post_id"
    ),
}
"""File → its statement. `$name` stands for values of the report."""


def _text(value: str | None) -> str:
    return "null" if value is None else "'" + value.replace("'", "''") + "'"
