"""When a source is expected to be polled again. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.errors import Throttled
from monitor.types import Harvest, Source

__all__ = ["Plan", "next_poll_at"]

MAX_PAUSE = timedelta(hours=6)
FIRST_PAUSE = timedelta(minutes=1)

Plan = Callable[[Source, datetime, datetime, Harvest, int], datetime]
"""When to come back to a source: as `next_poll_at`."""


def next_poll_at(
    source: Source,
    started_at: datetime,
    finished_at: datetime,
    harvest: Harvest,
    refusals: int = 0,
) -> datetime:
    """When to come back: after the interval, and not before a host that refuses allows it.

    Args:
        refusals: how many polls in a row, with this one, were throttled or denied. After the
            first one the source is left alone for a minute at least, twice as long after each
            further one, six hours at most.
    """
    planned = max(started_at + source.interval, finished_at)
    if refusals:
        doublings = min(refusals - 1, 20)
        planned = max(planned, finished_at + min(FIRST_PAUSE * 2**doublings, MAX_PAUSE))
    error = harvest.error
    if isinstance(error, Throttled):
        asked = timedelta(seconds=error.retry_after or 0.0)
        return max(planned, finished_at + min(asked, MAX_PAUSE))
    return planned
