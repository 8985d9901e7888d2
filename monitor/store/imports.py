"""Rows of an import into the store: posts go the way of every poll, the rest beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.imports.rows import CounterRow
from monitor.store.database import Cursor
from monitor.store.ids import Ids
from monitor.types import IMPORT, Harvest, Outcome, Poll, Post, Source, SourceKind

__all__ = ["SOURCE", "poll_of", "write_counters", "write_scores"]

SOURCE = Source(
    source_id=IMPORT, network=IMPORT, kind=SourceKind.FEED, target="", origin=IMPORT,
    interval=timedelta(0),
)  # fmt: skip

_AT = {"post_key": "BIGINT", "source_id": "VARCHAR", "observed_at": "TIMESTAMP"}
_VALUES = ("likes", "reposts", "replies", "quotes", "views")
_COUNTER = {**_AT, **dict.fromkeys(_VALUES, "BIGINT")}
_SCORE = {
    "post_key": "BIGINT", "model": "VARCHAR", "score": "DOUBLE", "label": "VARCHAR",
    "positive": "DOUBLE", "neutral": "DOUBLE", "negative": "DOUBLE", "scored_at": "TIMESTAMP",
    "recorded_at": "TIMESTAMP",
}  # fmt: skip
_NEUTRAL = 0.05


def poll_of(
    posts: Iterable[Post], observed: tuple[datetime, datetime] | None, now: datetime
) -> Poll:
    """The poll as which an import is stored.

    It is complete: it observes everything up to its moment, or the span that was `observed`.
    """
    return Poll(
        source=SOURCE, started_at=now if observed is None else observed[1], finished_at=now,
        outcome=Outcome.OK, harvest=Harvest(posts=list(posts), complete=True), next_at=now,
    )  # fmt: skip


def write_counters(
    cursor: Cursor, rows: Sequence[CounterRow], ids: Ids, now: datetime, source: str = IMPORT
) -> int:
    """Store counters of known posts; how many are new or differ from what was stored."""
    given = _looks(rows, ids, source)
    stored = {
        (key, source_id, at.replace(tzinfo=UTC)): tuple(values)
        for key, source_id, at, *values in cursor.lookup(
            f"select {', '.join(_COUNTER)} from base.engagement "
            "join {given} using (post_key, source_id, observed_at)",
            _AT,
            list(given),
        )
    }
    changed = {at: values for at, values in given.items() if stored.get(at) != values}
    cursor.lookup(
        "delete from base.engagement as e using {given} as g where e.post_key = g.post_key "
        "and e.source_id = g.source_id and e.observed_at = g.observed_at",
        _AT,
        [at for at in changed if at in stored],
    )
    kinds = {**_COUNTER, "recorded_at": "TIMESTAMP"}
    cursor.insert("base.engagement", kinds, [(*at, *v, now) for at, v in changed.items()])
    _renew_last(cursor, {(key, source_id) for key, source_id, _ in changed})
    return len(changed)


def news(cursor: Cursor, rows: Sequence[CounterRow], ids: Ids, source: str) -> list[CounterRow]:
    """Those rows that say something else than what was known of their source at their moment."""
    values = ", ".join(f"e.{name}" for name in _VALUES)
    known = {
        (key, source_id, at.replace(tzinfo=UTC)): tuple(then)
        for key, source_id, at, *then in cursor.lookup(
            f"select g.*, {values} from {{given}} as g asof join base.engagement as e "
            "on e.post_key = g.post_key and e.source_id = g.source_id "
            "and g.observed_at >= e.observed_at",
            _AT,
            list(_looks(rows, ids, source)),
        )
    }
    return [
        row
        for row in rows
        for at, then in _looks([row], ids, source).items()
        if known.get(at) != then
    ]


def _looks(rows: Iterable[CounterRow], ids: Ids, source: str) -> dict[Any, tuple[Any, ...]]:
    return {
        (ids.key(row.post_id), source, row.observed_at): tuple(getattr(row, n) for n in _VALUES)
        for row in rows
    }


def _renew_last(cursor: Cursor, pairs: Iterable[tuple[int, str]]) -> None:
    """The latest counters of these posts and sources."""
    given = sorted(pairs)
    kinds = {"post_key": "BIGINT", "source_id": "VARCHAR"}
    cursor.lookup(
        "delete from base.engagement_last as e using {given} as g "
        "where e.post_key = g.post_key and e.source_id = g.source_id",
        kinds,
        given,
    )
    cursor.lookup(
        f"insert into base.engagement_last by name select {', '.join(_COUNTER)} "
        "from base.engagement join {given} using (post_key, source_id) "
        "qualify row_number() over "
        "(partition by post_key, source_id order by observed_at desc) = 1",
        kinds,
        given,
    )


def write_scores(
    cursor: Cursor, posts: Iterable[Post], created: Mapping[int, datetime], ids: Ids, now: datetime
) -> None:
    """Store imported scores as sentiment of the model `import`, one a post.

    Args:
        created: when posts were made; their scores are known since then.
    """
    rows: dict[int, tuple[Any, ...]] = {}
    for post in posts:
        score = post.imported.score if post.imported else None
        if score is not None:
            key = ids.key(post.post_id)
            label = "neutral" if abs(score) < _NEUTRAL else "positive" if score > 0 else "negative"
            shares = (max(score, 0.0), 1.0 - abs(score), max(-score, 0.0))
            rows[key] = (key, IMPORT, score, label, *shares, now, min(now, created[key]))
    for key, score in cursor.lookup(
        f"select post_key, score from base.sentiment join {{given}} using (post_key) "
        f"where model = '{IMPORT}'",
        {"post_key": "BIGINT"},
        [(key,) for key in rows],
    ):
        if rows[key][2] == score:
            del rows[key]
    cursor.lookup(
        f"delete from base.sentiment where model = '{IMPORT}' "
        "and post_key in (select post_key from {given})",
        {"post_key": "BIGINT"},
        [(key,) for key in rows],
    )
    cursor.insert("base.sentiment", _SCORE, list(rows.values()))
