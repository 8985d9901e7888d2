"""What is kept for a while only: answers as they came, and every poll by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.config import Settings
from monitor.store.database import Cursor
from monitor.store.observation import EVER

__all__ = ["Retention"]

_EVERY = timedelta(hours=1)

# Only polls that say the same with one voice: each unchanged, and observed from the start of the
# one before. A folded poll is the last of them, and observes what they did.
_FOLDED = """
with due as (
    select
        *, date_trunc('hour', started_at) as hour,
        outcome = 'unchanged' and posts_seen = 0 as is_unchanged
    from base.polls
    where started_at >= $1 and started_at < $2
),

chained as (
    select
        *,
        is_unchanged and lag(is_unchanged) over looks and lag(hour) over looks = hour
        and lag(started_at) over looks = observed_from as goes_on
    from due
    window looks as (partition by source_id order by started_at, poll_id)
),

chains as (
    select
        *,
        count(*) filter (where goes_on is distinct from true)
            over (partition by source_id order by started_at, poll_id) as chain
    from chained
)

select
    max(poll_id) as poll_id, list(poll_id) as members, min(observed_from) as observed_from,
    sum(requests)::integer as requests, sum(bytes)::bigint as bytes,
    sum(coalesce(folded, 1))::integer as folded
from chains
group by source_id, chain
having count(*) > 1
"""


class Retention:
    """The writer's hand on what time takes away."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._applied_at: datetime | None = None
        self._folded_until = EVER

    def apply(self, settings: Settings, now: datetime) -> None:
        """Drop and fold what is old enough, once an hour; inside the caller's transaction."""
        if self._applied_at is not None and now - self._applied_at < _EVERY:
            return
        self._applied_at = now
        self._cursor.execute(
            "delete from base.answers where recorded_at < ?", [now - settings.keep_answers]
        )
        if settings.keep_polls is not None:
            until = now - settings.keep_polls
            self._fold(until.replace(minute=0, second=0, microsecond=0))

    def _fold(self, until: datetime) -> None:
        self._cursor.execute(
            f"create or replace temp table folded as {_FOLDED}", [self._folded_until, until]
        )
        self._cursor.execute(
            "update base.polls as p set observed_from = f.observed_from, requests = f.requests, "
            "bytes = f.bytes, folded = f.folded from folded as f where p.poll_id = f.poll_id"
        )
        self._cursor.execute(
            "delete from base.polls where poll_id in "
            "(select unnest(list_filter(members, lambda one: one <> poll_id)) from folded)"
        )
        self._cursor.execute("drop table folded")
        self._folded_until = until
