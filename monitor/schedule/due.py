"""When a source is expected to be polled again. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.errors import Throttled
from monitor.types import Harvest, Source

__all__ = ["Plan", "next_poll_at"]

MAX_PAUSE = timedelta(hours=6)


Plan = Callable[[Source, datetime, datetime, Harvest], datetime]
"""When to come back to a source: as `next_poll_at`."""


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
