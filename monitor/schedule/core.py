"""The daemon's core: polls what is due, stores it, follows what it finds.

It knows no scheduler and no wall clock: whoever drives it says when to `tick`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from monitor.clock import Clock
from monitor.errors import MonitorError
from monitor.schedule.committer import Committer
from monitor.schedule.due import due, next_moment
from monitor.schedule.poller import Poller
from monitor.store.writer import Writer
from monitor.types import Poll

__all__ = ["Core"]

MAX_POLLS = 32
RETRY_COMMIT_SECONDS = 5.0

log = structlog.get_logger("monitor")


class Core:
    """Runs polls side by side. `on_done` hears of every poll that is stored."""

    def __init__(
        self, writer: Writer, committer: Committer, poller: Poller, clock: Clock,
        on_done: Callable[[Poll, int], None] = lambda _poll, _new: None,
    ) -> None:  # fmt: skip
        self._writer = writer
        self._committer = committer
        self._poller = poller
        self._clock = clock
        self._on_done = on_done
        self.on_change: Callable[[], None] = lambda: None  # the next due moment may have moved
        self._slots = asyncio.Semaphore(MAX_POLLS)
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        """Is any poll under way?"""
        return bool(self._running)

    def next_due(self) -> datetime | None:
        """When the next poll is due; None while nothing is planned."""
        return next_moment(list(self._writer.entries.values()), frozenset(self._running))

    def tick(self) -> int:
        """Start every poll that is due; how many."""
        entries = list(self._writer.entries.values())
        started = due(entries, self._clock.now(), frozenset(self._running))
        for source_id in started:
            self.start(source_id)
        return len(started)

    def start(self, source_id: str) -> asyncio.Task[None]:
        """Start one poll, whether due or not."""
        task = asyncio.create_task(self._one(source_id), name=source_id)
        self._running[source_id] = task
        task.add_done_callback(lambda _: self._ended(source_id))
        return task

    def _ended(self, source_id: str) -> None:
        self._running.pop(source_id, None)
        self.on_change()

    async def _one(self, source_id: str) -> None:
        async with self._slots:
            entry = self._writer.entries[source_id]
            memory = await self._committer.run(self._writer.memory, source_id)
            poll = await self._poller.poll(entry, memory)
        new = await self._store(poll)
        self._on_done(poll, new)

    async def _store(self, poll: Poll) -> int:
        """Commit; where the disk refuses, try again: the answer is not lost while we live."""
        while True:
            try:
                return await self._committer.commit(poll)
            except MonitorError as error:
                log.warning("commit failed", source=poll.source.source_id, error=str(error))
                await asyncio.sleep(RETRY_COMMIT_SECONDS)

    async def stop(self) -> None:
        """Cancel polls that still read; what has been read is committed by the committer."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
