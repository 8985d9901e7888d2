"""Estimates for those who ask in SQL: computed anew now and then, and after what was commanded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from monitor.report.series import estimates
from monitor.schedule.committer import Committer
from monitor.store.database import Database
from monitor.store.writer import Writer

if TYPE_CHECKING:
    import polars as pl

__all__ = ["estimate_all", "estimating"]

EVERY_SECONDS = 300.0
SHARE = 0.05
"""Of the time at most: many events are looked at less often."""

_EVENTS = "select event_id, base.data_as_of(null) as data_as_of from events"

log = structlog.get_logger("monitor")


def estimate_all(database: Database, writer: Writer) -> None:
    """Estimate every event, on this thread."""
    writer.keep_estimates(_computed(database))


def _computed(database: Database) -> pl.DataFrame:
    events = database.query(_EVENTS)
    found = estimates(database.query, events["event_id"].to_list(), None)
    return found.join(events, "event_id", "left", maintain_order="left")


@asynccontextmanager
async def estimating(
    database: Database, writer: Writer, committer: Committer, *, every: float = EVERY_SECONDS
) -> AsyncIterator[Callable[[], None]]:
    """Keep the estimates up to date meanwhile; what is given lets them be computed at once."""
    wake = asyncio.Event()

    async def keep() -> None:
        while True:
            wake.clear()
            begun = time.perf_counter()
            try:
                found = await asyncio.to_thread(_computed, database)
                await committer.run(writer.keep_estimates, found)
            except Exception as error:
                log.exception("events not estimated", error=str(error))
            pause = max(every, (time.perf_counter() - begun) / SHARE)
            await asyncio.wait([waiting := asyncio.create_task(wake.wait())], timeout=pause)
            waiting.cancel()

    task = asyncio.create_task(keep())
    try:
        yield wake.set
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
