"""What to poll, and when: pure decisions over the sources and the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from monitor.errors import Throttled
from monitor.types import Harvest, Source

__all__ = ["Plan", "Pollable", "due", "next_moment", "next_poll_at"]

MAX_PAUSE = timedelta(hours=6)


Plan = Callable[[Source, datetime, datetime, Harvest], datetime]
"""When to come back to a source: as `next_poll_at`."""


class Pollable(Protocol):
    """A source as the schedule sees it."""

    @property
    def source(self) -> Source: ...
    @property
    def state(self) -> str: ...
    @property
    def next_at(self) -> datetime | None: ...


def due(entries: Iterable[Pollable], now: datetime, running: frozenset[str]) -> list[str]:
    """The ids of the sources to poll now, longest overdue first."""
    waiting = [
        (entry.next_at, entry.source.source_id)
        for entry in entries
        if entry.state == "active" and entry.next_at is not None and entry.next_at <= now
    ]
    return [source_id for _, source_id in sorted(waiting) if source_id not in running]


def next_moment(entries: Iterable[Pollable], running: frozenset[str]) -> datetime | None:
    """When the next source becomes due; None while nothing is planned."""
    return min(
        (
            entry.next_at
            for entry in entries
            if entry.state == "active"
            and entry.next_at is not None
            and entry.source.source_id not in running
        ),
        default=None,
    )


def next_poll_at(
    source: Source, started_at: datetime, finished_at: datetime, harvest: Harvest
) -> datetime:
    """When to come back: after the interval, and not before a host that throttles allows it."""
    planned = max(started_at + source.interval, finished_at)
    error = harvest.error
    if isinstance(error, Throttled):
        asked = timedelta(seconds=error.retry_after or 0.0)
        return max(planned, finished_at + min(asked, MAX_PAUSE))
    return planned
