"""Kept answers of sources: written with their polls, dropped when their time is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from monitor.store.database import Cursor

__all__ = ["Answers"]

_ANSWER = {
    "poll_id": "BIGINT", "source_id": "VARCHAR", "started_at": "TIMESTAMP",
    "finished_at": "TIMESTAMP", "answers": "BLOB", "recorded_at": "TIMESTAMP",
}  # fmt: skip
_EVERY = timedelta(hours=1)


class Answers:
    """The writer's hand on `base.answers`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._dropped_at: datetime | None = None

    def write(self, rows: list[tuple[Any, ...]], keep: timedelta, now: datetime) -> None:
        """Append rows; now and then drop those that are older than `keep`."""
        self._cursor.insert("base.answers", _ANSWER, rows)
        if self._dropped_at is None or now - self._dropped_at >= _EVERY:
            self._cursor.execute("delete from base.answers where recorded_at < ?", [now - keep])
            self._dropped_at = now

    def forget(self, keys: Iterable[int]) -> None:
        """Drop all answers of sources that showed posts which are gone: they may hold them."""
        self._cursor.lookup(
            "delete from base.answers where source_id in (select source_id "
            "from base.sightings where post_key in (select post_key from {given}))",
            {"post_key": "BIGINT"},
            [(key,) for key in keys],
        )
