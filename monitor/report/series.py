"""Series and summaries of events, with what was expected of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from monitor.report import ask

if TYPE_CHECKING:
    import polars as pl

__all__ = ["estimates", "series", "summary"]

Query = Callable[[str, list[Any]], "pl.DataFrame"]


def series(
    query: Query, events: Sequence[str], *, bucket: str, tz: str, as_of: str | None,
    since: str | None = None, until: str | None = None,
) -> pl.DataFrame:  # fmt: skip
    """One row an event and bucket; counts by SQL, expectations by `monitor.analyse`.

    Args:
        query: asks the data.
        bucket: as `ask.bucket` gives it.
        as_of, since, until: moments as text, or None.
    """
    from monitor.analyse.expected import Announced, expectable, with_expected

    rows = query(ask.SERIES, [list(events), bucket, tz, as_of, since, until])
    seconds = ask.bucket_seconds(bucket)
    if rows.is_empty() or not expectable(seconds):
        return rows
    streams = query(ask.STREAMS, [list(events), bucket, tz, as_of])
    return with_expected(rows, streams, Announced.all_of(query(ask.ANNOUNCED, [])), int(seconds))


def summary(
    query: Query, events: Sequence[str], as_of: str | None, window: int = 24
) -> pl.DataFrame:
    """One row an event; see `estimates`."""
    from monitor.analyse.audit import with_audits
    from monitor.analyse.reaction import with_reaction

    rows = query(ask.SUMMARY, [list(events), as_of])
    if rows.is_empty():
        return rows
    found = estimates(query, events, as_of, window)
    return with_audits(with_reaction(rows, found), found)


def estimates(
    query: Query, events: Sequence[str], as_of: str | None, window: int = 24
) -> pl.DataFrame:
    """One row an estimate of an event: its value, interval and method.

    Args:
        window: the hours after the announcement that are summed up.
    """
    import polars as pl

    from monitor.analyse.audit import audits
    from monitor.analyse.expected import Announced
    from monitor.analyse.reaction import estimates as estimated

    hours = query(ask.HOURS, [list(events), as_of])
    streams = query(ask.STREAMS, [list(events), ask.bucket("1h"), "UTC", as_of])
    announced = Announced.all_of(query(ask.ANNOUNCED, []))
    chosen = {event: announced[event] for event in sorted(events) if event in announced}
    labelled = query(ask.AUDITED, [list(events), as_of])
    return pl.concat(
        [estimated(hours, streams, chosen, window=window), audits(labelled, chosen)]
    ).sort("event_id", maintain_order=True)
