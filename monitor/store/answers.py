"""Kept answers of sources, written with their polls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monitor.store.database import Cursor

__all__ = ["Answers"]

_ANSWER = {
    "poll_id": "BIGINT", "source_id": "VARCHAR", "started_at": "TIMESTAMP",
    "finished_at": "TIMESTAMP", "answers": "BLOB", "recorded_at": "TIMESTAMP",
}  # fmt: skip


class Answers:
    """The writer's hand on `base.answers`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Append rows."""
        self._cursor.insert("base.answers", _ANSWER, rows)

    def forget(self, keys: Iterable[int]) -> None:
        """Drop all answers of sources that showed posts which are gone: they may hold them."""
        self._cursor.lookup(
            "delete from base.answers where source_id in (select source_id "
            "from base.sightings where post_key in (select post_key from {given}))",
            {"post_key": "BIGINT"},
            [(key,) for key in keys],
        )
