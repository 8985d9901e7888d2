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
from monitor.errors import QueryError, StoreDamaged, StoreError
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
CLOCK_STEP = timedelta(seconds=2)
"""A clock that goes back by less was merely corrected."""

log = structlog.get_logger("monitor")


class Core:
    """Runs polls side by side.

    Args:
        on_done: hears of every poll that is stored.
        on_lost: hears of every source whose poll came to nothing by a fault on our side.
        at_once: how many polls may run side by side.
        tries: how often an answer is tried to be stored while the disk refuses; None: until it
            can be, or the core is stopped.
    """

    def __init__(
        self, writer: Writer, committer: Committer, poller: Poller, planner: Planner,
        clock: Clock, *, on_done: Callable[[Poll, int], None] = lambda _poll, _new: None,
        on_lost: Callable[[str, Exception], None] = lambda _source_id, _error: None,
        at_once: int = MAX_POLLS, tries: int | None = None,
    ) -> None:  # fmt: skip
        self._writer = writer
        self._committer = committer
        self._poller = poller
        self._clock = clock
        self._planner = planner
        self._latest = clock.now()
        self._on_done = on_done
        self._on_lost = on_lost
        self._tries = tries
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
        return self._planner.plan(entries, self._now(), self._running)

    def _now(self) -> datetime:
        """The time; where the clock was set back, what is planned moves with it.

        Otherwise sources would wait until the clock is where it was. One that is set forward makes
        polls due early, and hosts' limits hold, as they are kept on a clock that can't be set.
        """
        now = self._clock.now()
        if now < self._latest - CLOCK_STEP:
            self._move(now - self._latest)
        self._latest = now
        return now

    def _move(self, by: timedelta) -> None:
        log.warning("the clock was set back", seconds=-by.total_seconds())
        for entry in self._writer.entries.values():
            if entry.next_at is not None:
                entry.next_at += by
        self._planner.shift(by)

    def tick(self) -> int:
        """Start every poll that is due; how many."""
        planned = self._plan()
        now = self._clock.now()
        started = [source_id for source_id, at in planned if at <= now]
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
                polled_at = min(polled_at, self._latest)
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
        except Exception as error:  # noqa: BLE001 - it is told, and the others go on
            _say("poll failed", source_id, error)
            self._put_off(source_id)
            self._on_lost(source_id, error)
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
                await self._committer.room()
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
            except Exception as error:  # noqa: BLE001 - as above
                _say("commit failed", poll.source.source_id, error)
                fails = _store_fails(error)
                if fails and not isinstance(error, StoreDamaged) and self._has_patience(tries):
                    await self._pause(RETRY_COMMIT_SECONDS)
                    continue
                without = None if fails else unstorable(poll, error)
                if without is None:
                    self._put_off(poll.source.source_id)
                    self._on_lost(poll.source.source_id, error)
                    return
                poll = without
            else:
                self._on_done(poll, new)
                return

    def _has_patience(self, tries: int) -> bool:
        if self._stopping.is_set():
            return tries <= 1
        return self._tries is None or tries < self._tries

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
    seen = memory.seen(post.post_id for post in poll.harvest.posts)
    posts = [post for post in poll.harvest.posts if post.post_id not in seen]
    return [post.indexed_at or post.claimed_at or poll.started_at for post in posts]


def _store_fails(error: Exception) -> bool:
    """Is it the store that fails, and not what is to be stored?"""
    return isinstance(error, StoreError) and not isinstance(error, QueryError)


def _say(what: str, source_id: str, error: Exception) -> None:
    say = log.error if _store_fails(error) else log.exception
    say(what, source=source_id, error=str(error))
