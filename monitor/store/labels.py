"""What people say of single posts: their mood, and whether they are about the event at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from monitor.errors import UsageError
from monitor.store.database import Cursor

__all__ = ["CLASSES", "Label", "keep_labels"]

CLASSES = ("positive", "neutral", "negative")

_LABEL = {
    "event_id": "VARCHAR", "post_key": "BIGINT", "label": "VARCHAR", "relevant": "BOOLEAN",
    "labelled_by": "VARCHAR", "labelled_at": "TIMESTAMP", "recorded_at": "TIMESTAMP",
}  # fmt: skip


class Label(msgspec.Struct, frozen=True):
    """One person's word on one post. None: nothing is said of that."""

    post_id: str
    labelled_by: str
    label: str | None = None
    relevant: bool | None = None
    labelled_at: datetime | None = None


def keep_labels(cursor: Cursor, event_id: str, labels: Sequence[Label], now: datetime) -> int:
    """Store labels, all or none; how many say something new.

    A later label of the same person and post counts; the earlier one stays in the data.

    Raises:
        UsageError: one of them is of no reaction to the event, or names no class.
    """
    known = dict(
        cursor.execute(
            "select i.post_id, r.post_key from base.reactions as r join base.ids as i "
            "using (post_key) where r.event_id = ? and r.superseded_at is null",
            [event_id],
        )
    )
    for one in labels:
        if one.post_id not in known:
            raise UsageError(f"{one.post_id}: no reaction to event {event_id!r}; nothing is stored")
        if one.label is not None and one.label not in CLASSES:
            raise UsageError(
                f'{one.post_id}: label "{one.label}" is none of {", ".join(CLASSES)}; '
                "nothing is stored"
            )
    before = {
        (key, by): (label, relevant)
        for key, by, label, relevant in cursor.execute(
            "select post_key, labelled_by, arg_max(label, recorded_at), "
            "arg_max(relevant, recorded_at) from base.labels where event_id = ? group by all",
            [event_id],
        )
    }
    rows = [
        (event_id, known[one.post_id], one.label, one.relevant, one.labelled_by,
         one.labelled_at or now, now)
        for one in labels
        if (one.label, one.relevant) != (None, None)
        and before.get((known[one.post_id], one.labelled_by)) != (one.label, one.relevant)
    ]  # fmt: skip
    cursor.insert("base.labels", _LABEL, rows)
    return len(rows)
