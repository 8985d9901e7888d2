"""Estimates for those who ask in SQL: computed anew now and then, and after what was commanded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import polars as pl
import structlog

from monitor.report.series import estimates
from monitor.schedule.committer import Committer
from monitor.store.database import Database
from monitor.store.writer import Writer

__all__ = ["estimate_all", "estimating"]

EVERY_SECONDS = 300.0
SHARE = 0.05
"""Of the time at most: many events are looked at less often."""

AT_ONCE = 20
"""So many events take about a second; the daemon ends within five."""

_EVENTS = "select event_id, base.data_as_of(null) as data_as_of from events"

log = structlog.get_logger("monitor")


def estimate_all(database: Database, writer: Writer) -> None:
    """Estimate every event, on this thread."""
    writer.keep_estimates(_computed(database, database.query(_EVENTS)))


def _computed(database: Database, events: pl.DataFrame) -> pl.DataFrame:
    found = estimates(database.query, events["event_id"].to_list(), None)
    return found.join(events, "event_id", "left", maintain_order="left")


async def _some(database: Database, events: pl.DataFrame) -> pl.DataFrame:
    """Some events, on another thread. Cancelled, it waits for it: the database is closed next."""
    thread = asyncio.ensure_future(asyncio.to_thread(_computed, database, events))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.gather(thread, return_exceptions=True)
        raise


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
                events = await asyncio.to_thread(database.query, _EVENTS)
                slices = list(events.iter_slices(AT_ONCE)) or [events]
                found = [await _some(database, some) for some in slices]
                await committer.run(writer.keep_estimates, pl.concat(found))
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
