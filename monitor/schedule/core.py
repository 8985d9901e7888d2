"""The daemon's core: polls what is due, stores it, follows what it finds.

It knows no scheduler and no wall clock: whoever drives it says when to `tick`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.errors import QueryError, StoreError
from monitor.schedule.committer import Committer
from monitor.schedule.planner import Planner
from monitor.schedule.poller import Poller, unstorable
from monitor.store.sightings import SourceMemory
from monitor.store.writer import Writer
from monitor.types import Outcome, Poll

__all__ = ["Core"]

MAX_POLLS = 32
RETRY_COMMIT_SECONDS = 5.0
PAUSE_AFTER_FAULT = timedelta(minutes=5)

log = structlog.get_logger("monitor")


class Core:
    """Runs polls side by side. `on_done` hears of every poll that is stored."""

    def __init__(
        self, writer: Writer, committer: Committer, poller: Poller, planner: Planner,
        clock: Clock, *, on_done: Callable[[Poll, int], None] = lambda _poll, _new: None,
        at_once: int = MAX_POLLS,
    ) -> None:  # fmt: skip
        self._writer = writer
        self._committer = committer
        self._poller = poller
        self._clock = clock
        self._planner = planner
        self._on_done = on_done
        self.on_change: Callable[[], None] = lambda: None  # the next due moment may have moved
        self._slots = asyncio.Semaphore(at_once)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._reading: set[str] = set()
        self._keeping: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Is any poll under way?"""
        return bool(self._running)

    def next_due(self) -> datetime | None:
        """When the next poll is due; None while nothing is planned."""
        return min((at for _, at in self._plan()), default=None)

    def _plan(self) -> list[tuple[str, datetime]]:
        entries = list(self._writer.entries.values())
        return self._planner.plan(entries, self._clock.now(), self._running)

    def tick(self) -> int:
        """Start every poll that is due; how many."""
        now = self._clock.now()
        started = [source_id for source_id, at in self._plan() if at <= now]
        for source_id in started:
            self.start(source_id)
        return len(started)

    def remember(self, posted: Mapping[str, list[datetime]], failing: Iterable[str]) -> None:
        """Begin with what an earlier life left.

        Args:
            posted: when each source's posts of late were written.
            failing: sources whose latest poll did not end well; they are due at their `next_at`.
        """
        for source_id in failing:
            self._planner.fail(source_id)
        for source_id, entry in self._writer.entries.items():
            polled_at = self._writer.last_success(source_id)
            if polled_at is not None:
                self._planner.remember(entry, polled_at, posted.get(source_id, ()))

    def start(self, source_id: str) -> asyncio.Task[None]:
        """Start one poll, whether due or not."""
        self._planner.begin(source_id, self._clock.now())
        self._reading.add(source_id)
        task = asyncio.create_task(self._one(source_id), name=source_id)
        self._running[source_id] = task
        task.add_done_callback(lambda _: self._ended(source_id))
        return task

    def _ended(self, source_id: str) -> None:
        self._running.pop(source_id, None)
        self.on_change()

    async def _one(self, source_id: str) -> None:
        try:
            poll = await self._read(source_id)
        except Exception as error:
            log.exception("poll failed", source=source_id, error=str(error))
            self._put_off(source_id)
            return
        if poll.outcome is Outcome.UNCHANGED:
            # Its row may wait for company, the source's next poll does not.
            self._writer.entries[source_id].next_at = poll.next_at
            task = asyncio.create_task(self._keep(poll))
            self._keeping.add(task)
            task.add_done_callback(self._keeping.discard)
        else:
            await self._keep(poll)

    async def _read(self, source_id: str) -> Poll:
        try:
            async with self._slots:
                entry = self._writer.entries[source_id]
                memory = await self._committer.run(self._writer.memory, source_id)
                poll = await self._poller.poll(entry, memory)
                self._planner.end(poll, _fresh(poll, memory))
                return poll
        finally:
            self._reading.discard(source_id)

    async def _keep(self, poll: Poll) -> None:
        """Commit; where the disk refuses, try again: the answer is not lost while we live."""
        tries = 0
        while True:
            tries += 1
            try:
                new = await self._committer.commit(poll)
            except Exception as error:
                log.exception("commit failed", source=poll.source.source_id, error=str(error))
                if not (tries > 1 and self._stopping.is_set()) and _is_transient(error):
                    await self._pause(RETRY_COMMIT_SECONDS)
                    continue
                without = None if _is_transient(error) else unstorable(poll, error)
                if without is None:
                    self._put_off(poll.source.source_id)
                    return
                poll = without
            else:
                self._on_done(poll, new)
                return

    def _put_off(self, source_id: str) -> None:
        """What failed by a fault of ours would fail again at once."""
        self._writer.entries[source_id].next_at = self._clock.now() + PAUSE_AFTER_FAULT
        self._planner.fail(source_id)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def settle(self) -> None:
        """Wait until all polls that have been read are stored."""
        while self._keeping:
            self._committer.hurry()
            await asyncio.wait(self._keeping, timeout=0.2)

    async def stop(self) -> None:
        """Cancel polls that still read; what has been read is stored."""
        self._stopping.set()
        for source_id in self._reading:
            self._running[source_id].cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self.settle()


def _fresh(poll: Poll, memory: SourceMemory) -> list[datetime]:
    """When the posts were written that the source had never shown before."""
    posts = [post for post in poll.harvest.posts if post.post_id not in memory.ids]
    return [post.indexed_at or post.claimed_at or poll.started_at for post in posts]


def _is_transient(error: Exception) -> bool:
    """Is it the store that fails, and not what is to be stored?"""
    return isinstance(error, StoreError) and not isinstance(error, QueryError)
