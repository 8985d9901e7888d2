"""What people say of single posts: their mood, and whether they are about the event at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from monitor.enrich.protocol import CLASSES
from monitor.errors import UsageError
from monitor.store.database import Cursor
from monitor.store.exclusions import keys_of_reactions

__all__ = ["Label", "keep_labels"]

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
    known = keys_of_reactions(cursor, event_id, [one.post_id for one in labels])
    for one in labels:
        if one.label is not None and one.label not in CLASSES:
            raise UsageError(
                f'{one.post_id}: label "{one.label}" is none of {", ".join(CLASSES)}; '
                "nothing is stored"
            )
    before = {
        (key, by): said
        for key, by, *said in cursor.execute(
            "select post_key, labelled_by, label, relevant from base.labels_then([?], null)",
            [event_id],
        )
    }
    rows = [
        (event_id, known[one.post_id], one.label, one.relevant, one.labelled_by,
         one.labelled_at or now, now)
        for one in labels
        if (one.label, one.relevant) != (None, None)
        and before.get((known[one.post_id], one.labelled_by)) != [one.label, one.relevant]
    ]  # fmt: skip
    cursor.insert("base.labels", _LABEL, rows)
    return len(rows)
