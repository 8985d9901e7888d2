"""What is kept for a while only: answers as they came, every poll and every reading by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.config import Settings
from monitor.store.database import Cursor
from monitor.store.observation import EVER

__all__ = ["Retention"]

_STEP = timedelta(days=1)

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

# A curve runs from reading to reading: the first and the last of an hour of the clock leave it as
# it was wherever one hour ends and the next begins. What was imported is not ours to thin out.
_BETWEEN = """
select rowid as place
from base.engagement
where observed_at >= $1 and observed_at < $2 and source_id <> 'import'
window hour as (partition by post_key, source_id, date_trunc('hour', observed_at))
qualify
    observed_at > min(observed_at) over hour and observed_at < max(observed_at) over hour
"""


class Retention:
    """The writer's hand on what time takes away. It knows how far it came since it was made."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._folded_until = EVER
        self._thinned_until: datetime | None = None

    def apply(self, settings: Settings, now: datetime) -> bool:
        """Drop, fold and thin out what is old enough; is there more to be done at once?"""
        folded, thinned, is_more = self._folded_until, self._thinned_until, False
        with self._cursor.transaction():
            self._cursor.execute(
                "delete from base.answers where recorded_at < ?", [now - settings.keep_answers]
            )
            if settings.keep_polls is not None:
                until = _full_hour(now - settings.keep_polls)
                self._fold(folded, until)
                folded = until
            if settings.keep_counters is not None:
                until = _full_hour(now - settings.keep_counters)
                thinned = self._thin_out(thinned or self._first_reading(), until)
                is_more = thinned is not None and thinned < until
        self._folded_until, self._thinned_until = folded, thinned  # now that it stands
        return is_more

    def _fold(self, since: datetime, until: datetime) -> None:
        self._cursor.execute(f"create or replace temp table folded as {_FOLDED}", [since, until])
        self._cursor.execute(
            "update base.polls as p set observed_from = f.observed_from, requests = f.requests, "
            "bytes = f.bytes, folded = f.folded from folded as f where p.poll_id = f.poll_id"
        )
        self._cursor.execute(
            "delete from base.polls where poll_id in "
            "(select unnest(list_filter(members, lambda one: one <> poll_id)) from folded)"
        )
        self._cursor.execute("drop table folded")

    def _thin_out(self, since: datetime | None, until: datetime) -> datetime | None:
        """A day's readings, if one is old enough; up to where it is done."""
        if since is None or since >= until:
            return since
        end = min(since + _STEP, until)
        self._cursor.execute(
            f"delete from base.engagement where rowid in ({_BETWEEN})", [since, end]
        )
        return end

    def _first_reading(self) -> datetime | None:
        ((at,),) = self._cursor.execute(
            "select min(observed_at) from base.engagement where source_id <> 'import'"
        )
        return at and _full_hour(at.replace(tzinfo=UTC))


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
