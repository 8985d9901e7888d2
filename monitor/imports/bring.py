"""Files into the store, a few thousand rows at a time; bad rows are told with file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from monitor.errors import UsageError
from monitor.imports import twarc
from monitor.imports.read import columns_of, lines
from monitor.imports.rows import CounterRow, PostRow, Row, checked, kind_of
from monitor.session import Session

__all__ = ["ImportReport", "bring"]

_AT_ONCE = 5000
_TOLD = 1000  # bad rows that are told one by one

Observed = tuple[datetime, datetime] | None
Progress = Callable[[str, int], None]
_Numbered = tuple[int, Row]
"""A row with its line."""


@dataclass(slots=True)
class ImportReport:
    """What an import brought. `bad` says of each row that was left out where and why.

    `feeds` stood in lists of feeds, `new_feeds` were not followed before.

    `ignored` maps files to the columns in them that nobody knows.
    """

    posts: int = 0
    new_posts: int = 0
    counters: int = 0
    changed_counters: int = 0
    bad: list[str] = field(default_factory=list)
    bad_rows: int = 0
    feeds: int = 0
    new_feeds: list[str] = field(default_factory=list)
    ignored: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, path: Path, line: int, why: str) -> None:
        """Count a bad row; the first thousand are told one by one."""
        self.bad_rows += 1
        if self.bad_rows <= _TOLD:
            self.bad.append(f"{path}:{line}: {why}")


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    kind: type[Row]
    is_twarc: bool = False

    def rows(self, line: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What one line holds: a row, or all those of a page."""
        if not self.is_twarc:
            yield line
        elif self.kind is PostRow:
            yield from twarc.posts(line)
        else:
            yield from twarc.counters(line)


def bring(
    session: Session,
    files: Sequence[Path],
    events: set[str],
    *,
    observed: Observed = None,
    strict: bool = False,
    progress: Progress = lambda _file, _rows: None,
) -> ImportReport:
    """Import files: those with posts first, then those with counters.

    Args:
        events: the ids of events that rows may name.
        observed: the span that the files cover whole; None: everything until now.
        strict: store nothing if any row is bad.
        progress: hears of each file how many rows were read.

    Raises:
        UsageError: a file can't be read, or holds neither posts nor counters.
    """
    report = ImportReport()
    found = [file for path in files for file in _looked_at(path, report)]
    posts = [file for file in found if file.kind is PostRow]
    counters = [file for file in found if file.kind is CounterRow]
    if strict:
        for file in found:
            for _ in _good_rows(file, events, report):
                pass
        if report.bad_rows:
            return report
    for kind in (posts, counters):
        for path, rows, is_last in _portions(kind, events, report):
            _store(session, path, rows, report, observed, is_last=is_last)
            progress(str(path), report.posts + report.counters)
    return report


def _looked_at(path: Path, report: ImportReport) -> list[_File]:
    columns = columns_of(path)
    if twarc.is_twarc(columns):
        return [_File(path, PostRow, is_twarc=True), _File(path, CounterRow, is_twarc=True)]
    try:
        kind = kind_of(columns)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if unknown := sorted(columns - set(kind.__struct_fields__)):
        report.ignored[str(path)] = unknown
    return [_File(path, kind)]


def _good_rows(file: _File, events: set[str], report: ImportReport) -> Iterator[_Numbered]:
    """The good rows of a file with their lines; the others go into the report."""
    for line, given in lines(file.path):
        try:
            if isinstance(given, str):
                raise ValueError(given)  # noqa: TRY301, TRY004 - told like any other bad row
            found = list(file.rows(given))
        except ValueError as error:
            # A line of twarc's is read twice, for posts and for counters, and told once.
            if not (file.is_twarc and file.kind is CounterRow):
                report.leave_out(file.path, line, str(error))
            continue
        for one in found:  # a bad post takes no other of its page with it
            try:
                row = checked(one, file.kind)
                _check_event(row, events)
            except ValueError as error:
                report.leave_out(file.path, line, str(error))
            else:
                yield line, row


def _check_event(row: Row, events: set[str]) -> None:
    if isinstance(row, PostRow) and row.event_id is not None and row.event_id not in events:
        known = ", ".join(sorted(events)) or "none"
        raise ValueError(f"no event {row.event_id!r}; there are: {known}")


def _portions(
    files: Sequence[_File], events: set[str], report: ImportReport
) -> Iterator[tuple[Path, Sequence[_Numbered], bool]]:
    """The good rows, each portion out of one file; True with the very last of all files."""
    waiting: tuple[Path, Sequence[_Numbered]] | None = None
    for file in files:
        good = _good_rows(file, events, report)
        while rows := list(islice(good, _AT_ONCE)):
            if waiting is not None:
                yield *waiting, False
            waiting = (file.path, rows)
    if waiting is not None:
        yield *waiting, True


def _store(
    session: Session, path: Path, rows: Sequence[_Numbered], report: ImportReport,
    observed: Observed, *, is_last: bool,
) -> None:  # fmt: skip
    posts = [_plain(row) for _, row in rows if isinstance(row, PostRow)]
    counters = [_plain(row) for _, row in rows if isinstance(row, CounterRow)]
    span = [moment.isoformat() for moment in observed] if observed else None
    done = session.call("bring", posts=posts, counters=counters, observed=span, is_last=is_last)
    strange = set(done["strange"])
    for line, row in rows:
        if row.post_id in strange:
            report.leave_out(path, line, f"no post {row.post_id!r} is stored; import posts first")
    report.posts += len(posts)
    report.new_posts += done["new"]
    report.counters += sum(row["post_id"] not in strange for row in counters)
    report.changed_counters += done["changed"]


def _plain(row: Row) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(row)
    return plain
