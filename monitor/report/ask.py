"""The statements behind the facade's methods, and what their parameters may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from monitor.durations import format_duration, parse_duration, parse_time
from monitor.errors import UsageError

__all__ = [
    "ACTOR",
    "ANNOUNCED",
    "AUDITED",
    "COUNTERS",
    "EVENTS",
    "GAPS",
    "GROUPS",
    "HOURS",
    "MODELS",
    "POST",
    "SAID",
    "SAMPLE",
    "SERIES",
    "STATUS",
    "STREAMS",
    "SUMMARY",
    "TOP",
    "bucket",
    "bucket_seconds",
    "hours",
    "moment_text",
    "no_actor",
    "no_event",
    "series_by",
    "zone",
]

EVENTS = "from base.events_then(?)"
STATUS = "from source_status"
POST = "select post_id from posts where post_id = ? or url = ? order by post_id limit 1"
_BETWEEN = (
    "where bucket_start_utc >= coalesce(timezone('UTC', ?::timestamptz), timestamp '-infinity') "
    "and bucket_start_utc < coalesce(timezone('UTC', ?::timestamptz), timestamp 'infinity')"
)
SERIES = f"from base.series_over(?, ?, ?, ?) {_BETWEEN} order by event_id, bucket_start_utc"
_LEARNED = "interval 28 day"  # before an event's window
STREAMS = f"from base.streams_over(?, ?, ?, ?, {_LEARNED})"
HOURS = f"from base.stream_hours(?, ?, {_LEARNED})"
ANNOUNCED = (
    "select event_id, company_id, announced_at, "
    "epoch(coalesce(window_after, interval 14 days)) as seconds_after, "
    "epoch(coalesce(baseline_guard, interval 0 second)) as seconds_guarded from events"
)
AUDITED = "select event_id, said, relevant, score from base.audited(?, ?)"
COUNTERS = f"from counter_series(?, ?, ?) {_BETWEEN} order by bucket_start_utc"
SAMPLE = (
    "select a.post_id, a.url, a.author_handle, a.relation, a.language, "
    "concat_ws('\n', a.title, a.text) as text, l.label, l.relevant "
    "from base.audit_order(?, null) as a left join base.labels_then(?, null) as l "
    "on l.event_id = a.event_id and l.post_key = a.post_key and l.labelled_by = ? "
    "order by a.place limit ?"
)
SAID = (
    "select l.post_key, l.labelled_by, l.label, l.relevant, s.label as model_label "
    "from base.labels_then($1, null) as l left join base.event_scores($1, null) as s "
    "using (event_id, post_key) order by all"
)
MODELS = (
    "select model, count(*) as posts, max(scored_at) as last_scored_at from sentiment group by all"
)
SUMMARY = "from base.summaries(?, ?) order by event_id"
TOP = "from top_reactions($1, $2, $3)"
ACTOR = "from actor_posts($1, $2)"
GAPS = (
    "from base.event_gaps(?, ?) where not ? or ended_at is null "
    "order by event_id, started_at, source_id, gap_id"
)
GROUPS = ("network", "language", "relation", "actor", "company")


def series_by(by: str) -> str:
    """The series counted apart; the groups stand in a column named `by`.

    Raises:
        UsageError: nothing is grouped by that.
    """
    if by not in GROUPS:
        raise UsageError(f'"{by}": group by one of {", ".join(GROUPS)}')
    return (
        f"select * rename (value as {by}) from base.grouped_over(?, '{by}', ?, ?, ?) {_BETWEEN} "
        f"order by event_id, bucket_start_utc, {by} nulls last"
    )


def bucket(length: str | timedelta) -> str:
    """The length of a bucket as DuckDB reads an interval.

    Raises:
        UsageError: it is no duration, or shorter than a second.
    """
    span = parse_duration(length) if isinstance(length, str) else length
    if span < timedelta(seconds=1):
        raise UsageError(
            f"{format_duration(span)}: a bucket is at least one second long; write 15m, 1h or 1d"
        )
    return f"{span // timedelta(microseconds=1)} microseconds"


def hours(window: str | timedelta) -> int:
    """The whole hours of a window.

    Raises:
        UsageError: it is no duration, or no whole number of hours.
    """
    span = parse_duration(window) if isinstance(window, str) else window
    if span < timedelta(hours=1) or span % timedelta(hours=1):
        raise UsageError(f"{format_duration(span)}: a window is whole hours; write 6h, 24h or 3d")
    return span // timedelta(hours=1)


def bucket_seconds(text: str) -> float:
    """The seconds of a bucket as `bucket` writes it."""
    return int(text.partition(" ")[0]) / 1e6


def zone(name: str | None) -> str:
    """The name of a time zone; UTC if there is none.

    Raises:
        UsageError: nobody knows it.
    """
    if name is None:
        return "UTC"
    try:
        return ZoneInfo(name).key
    except (ValueError, KeyError, OSError):
        near = get_close_matches(name, available_timezones(), 1)
        hint = f"did you mean {near[0]}?" if near else "write Europe/Berlin or UTC"
        raise UsageError(f'no time zone "{name}"; {hint}') from None


def moment_text(when: str | datetime | timedelta, now: datetime) -> str:
    """A moment as text that DuckDB reads as TIMESTAMPTZ; UTC where it names no zone.

    Raises:
        UsageError: it is no time.
    """
    try:
        if isinstance(when, timedelta):
            when = now - when
        elif isinstance(when, str):
            when = parse_time(when, now)
        elif when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return when.astimezone(UTC).isoformat()
    except OverflowError:
        raise UsageError(f"{when}: outside the calendar") from None


def no_event(event: str, known: list[str]) -> str:
    """What to say when there is no such event."""
    return _none("event", event, known, "then `monitor run`")


def no_actor(actor: str, known: list[str]) -> str:
    """What to say when there is no such actor."""
    return _none("actor", actor, known, "with their accounts")


def _none(kind: str, name: str, known: list[str], then: str) -> str:
    if not known:
        return f'no {kind} "{name}"; there are none yet: add an [[{kind}]] to the file, {then}'
    near = get_close_matches(name, known, 1)
    hint = f'did you mean "{near[0]}"? ' if near else ""
    return f'no {kind} "{name}"; {hint}the {kind}s are: {", ".join(known)}'
