"""Posts that somebody took out of an event's counts: kept, reversible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from monitor.errors import UsageError
from monitor.store.database import Cursor

__all__ = ["exclude", "keys_of_reactions"]

_EXCLUSION = {
    "event_id": "VARCHAR", "post_key": "BIGINT", "excluded_by": "VARCHAR",
    "recorded_at": "TIMESTAMP",
}  # fmt: skip


def exclude(
    cursor: Cursor, event_id: str, post_ids: Sequence[str], now: datetime, *, undo: bool
) -> int:
    """Take posts out of an event's counts, or back in; how many changed.

    Raises:
        UsageError: no such event, or a post that is no reaction to it; nothing is changed.
    """
    keys = sorted(set(keys_of_reactions(cursor, event_id, post_ids).values()))
    out = {
        row[0]
        for row in cursor.execute(
            "select post_key from base.exclusions where event_id = ? and superseded_at is null",
            [event_id],
        )
    }
    changed = [key for key in keys if (key in out) == undo]
    with cursor.transaction():
        if undo:
            cursor.execute(
                "update base.exclusions set superseded_at = ? "
                "where event_id = ? and post_key = any(?) and superseded_at is null",
                [now, event_id, changed],
            )
        else:
            rows = [(event_id, key, "user", now) for key in changed]
            cursor.insert("base.exclusions", _EXCLUSION, rows)
    return len(changed)


def keys_of_reactions(cursor: Cursor, event_id: str, post_ids: Iterable[str]) -> dict[str, int]:
    """The keys of reactions to an event, by the ids that name them.

    Raises:
        UsageError: one of them is none.
    """
    known = dict(
        cursor.execute(
            "select i.post_id, r.post_key from base.reactions as r join base.ids as i "
            "using (post_key) where r.event_id = ? and r.superseded_at is null",
            [event_id],
        )
    )
    wanted = list(post_ids)
    strangers = [post_id for post_id in wanted if post_id not in known]
    if strangers:
        raise UsageError(
            f"{strangers[0]}: no reaction to event {event_id!r}; "
            f"`monitor top {event_id}` and the table `reactions` show the ids"
        )
    return {post_id: known[post_id] for post_id in wanted}
