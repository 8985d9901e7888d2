"""Counters and claims: a row when a value changed or six hours passed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.store.database import Cursor
from monitor.store.ids import Ids
from monitor.types import Poll

__all__ = ["Counters"]

_EVERY = timedelta(hours=6)
_VALUES = ("likes", "reposts", "replies", "quotes", "views")
_ENGAGEMENT = {
    "post_key": "BIGINT", "source_id": "VARCHAR", "observed_at": "TIMESTAMP",
    **dict.fromkeys(_VALUES, "BIGINT"),
}  # fmt: skip
_CLAIM = {
    "post_key": "BIGINT", "source_id": "VARCHAR", "observed_at": "TIMESTAMP",
    "claimed": "BIGINT", "scope": "VARCHAR", "recorded_at": "TIMESTAMP",
}  # fmt: skip
_PAIR = {"post_key": "BIGINT", "source_id": "VARCHAR"}
_CACHE_LIMIT = 30_000

Key = tuple[int, str]


@dataclass(slots=True)
class Counters:
    """The last values per post and source, so that only changes are written."""

    _last: dict[Key, tuple[datetime, tuple[int | None, ...]]] = field(default_factory=dict)
    _claims: dict[tuple[int, str, str], tuple[datetime, int]] = field(default_factory=dict)

    def write(self, cursor: Cursor, polls: list[Poll], ids: Ids, now: datetime) -> None:
        """Append what changed since the last look."""
        if len(self._last) + len(self._claims) > _CACHE_LIMIT:
            self.forget()
        rows = self._changed(cursor, polls, ids)
        cursor.insert(
            "base.engagement",
            {**_ENGAGEMENT, "recorded_at": "TIMESTAMP"},
            [(*r, now) for r in rows],
        )
        cursor.lookup(
            "delete from base.engagement_last as e using {given} as g "
            "where e.post_key = g.post_key and e.source_id = g.source_id",
            _PAIR,
            [row[:2] for row in rows],
        )
        latest = {row[:2]: row for row in rows}
        cursor.insert("base.engagement_last", _ENGAGEMENT, list(latest.values()))
        self._write_claims(cursor, polls, ids, now)

    def forget(self) -> None:
        """A transaction failed, or the cache is full: ask the database again."""
        self._last.clear()
        self._claims.clear()

    def _changed(self, cursor: Cursor, polls: list[Poll], ids: Ids) -> list[tuple[Any, ...]]:
        looks = {  # a poll that shows a post twice means the last
            (ids.key(e.post_id), p.source.source_id, p.finished_at):
                tuple(getattr(e, name) for name in _VALUES)
            for p in polls for e in p.harvest.engagement
        }  # fmt: skip
        self._load(cursor, {(key, source) for key, source, _ in looks})
        rows = []
        for (key, source, at), values in looks.items():
            pair = key, source
            before = self._last.get(pair)
            if all(value is None for value in values):
                continue
            if before is None or before[1] != values or at - before[0] >= _EVERY:
                self._last[pair] = (at, values)
                rows.append((*pair, at, *values))
        return rows

    def _load(self, cursor: Cursor, pairs: set[Key]) -> None:
        rows = cursor.lookup(
            f"select {', '.join(_ENGAGEMENT)} from base.engagement_last "
            "join {given} using (post_key, source_id)",
            _PAIR,
            [pair for pair in pairs if pair not in self._last],
        )
        for key, source, at, *values in rows:
            self._last[key, source] = (at.replace(tzinfo=UTC), tuple(values))

    def _write_claims(self, cursor: Cursor, polls: list[Poll], ids: Ids, now: datetime) -> None:
        looks = {
            (ids.key(c.post_id), p.source.source_id, c.scope, p.finished_at): c.claimed
            for p in polls for c in p.harvest.claims
        }  # fmt: skip
        unknown = {(k, s) for k, s, scope, _ in looks if (k, s, scope) not in self._claims}
        for key, source, scope, claimed, at in cursor.lookup(
            "select post_key, source_id, scope, arg_max(claimed, observed_at), max(observed_at) "
            "from base.claims join {given} using (post_key, source_id) group by all",
            _PAIR,
            list(unknown),
        ):
            self._claims[key, source, scope] = (at.replace(tzinfo=UTC), claimed)
        rows = []
        for (key, source, scope, at), claimed in looks.items():
            before = self._claims.get((key, source, scope))
            if before is None or before[1] != claimed or at - before[0] >= _EVERY:
                self._claims[key, source, scope] = (at, claimed)
                rows.append((key, source, at, claimed, scope, now))
        cursor.insert("base.claims", _CLAIM, rows)
