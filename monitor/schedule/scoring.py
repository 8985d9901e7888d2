"""Scoring beside polling: a batch at a time, between commits, never in their way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from monitor.enrich.score import Scored, Scorer, Waiting
from monitor.schedule.committer import Committer
from monitor.store.database import Database
from monitor.store.scoring import unscored, waiting
from monitor.store.writer import Writer

__all__ = ["Queue", "Scoring", "score_all"]

BATCH = 500
"""Posts that are looked at together: 40 ms, and 16 ms of the writer's time."""

PAUSE_SECONDS = 5.0
TRIES = 3

T = TypeVar("T")

log = structlog.get_logger("monitor")


def warn(post: Waiting, error: Exception) -> None:
    """Say that a model failed on a post; the post counts as looked at."""
    log.warning("not scored", post_key=post.key, error=f"{type(error).__name__}: {error}")


class Queue:
    """Posts that wait: those that the store names at the start, then what the writer tells.

    Whoever takes a batch does so from one thread; the writer's may be another.
    """

    def __init__(self, database: Database, writer: Writer, scorer: Scorer) -> None:
        self._cursor = database.cursor()
        self._scorer = scorer
        self._keys: deque[int] = deque()
        self._in_hand = 0
        self.on_more: Callable[[], None] = lambda: None
        if not scorer.idle:
            writer.on_content = self._add
            self.refill()

    def refill(self) -> None:
        """Ask the store what waits; it knows best."""
        self._keys.clear()
        self._keys.extend(unscored(self._cursor, self._scorer.engine, self._scorer.model))

    def _add(self, keys: list[int]) -> None:
        self._keys.extendleft(keys)  # what is new goes first
        self.on_more()

    def __len__(self) -> int:
        """How many posts wait, about, with those of the last batch."""
        return len(self._keys) + self._in_hand

    def take(self) -> list[Waiting]:
        """The next batch; empty when nothing waits. The one before is then done."""
        while self._keys:
            self._in_hand = BATCH
            keys = [self._keys.popleft() for _ in range(min(BATCH, len(self._keys)))]
            found = waiting(self._cursor, keys, self._scorer.engine, self._scorer.model)
            self._keys.extendleft(post.key for post in found[BATCH:])  # much answered posts
            if found:
                return found[:BATCH]
        self._in_hand = 0
        return []

    def close(self) -> None:
        self._cursor.close()


def score_all(
    queue: Queue, writer: Writer, scorer: Scorer, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Score everything that waits, on this thread. `progress` hears how many posts are left."""
    while batch := queue.take():
        writer.keep_scores(scorer.score(batch), scorer.engine, scorer.model)
        progress(len(queue))


class Scoring:
    """The task of a daemon: scores on a thread of its own, hands results to the writer's."""

    def __init__(
        self, database: Database, writer: Writer, committer: Committer, scorer: Scorer
    ) -> None:
        self._writer = writer
        self._committer = committer
        self._scorer = scorer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scorer")
        self._queue = Queue(database, writer, scorer)
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._queue.on_more = self._more
        self._wake.set()
        self._task = asyncio.create_task(self._run())

    def _more(self) -> None:
        self._loop.call_soon_threadsafe(self._rouse)

    def _rouse(self) -> None:
        self._idle.clear()
        self._wake.set()

    async def _run(self) -> None:
        failures, is_lost = 0, False
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                if is_lost:
                    await self._on_thread(self._queue.refill)
                await self._drain()
                failures, is_lost = 0, False
            except Exception as error:
                failures, is_lost = failures + 1, True
                log.exception("scoring failed", error=str(error))
                if failures < TRIES:
                    await asyncio.sleep(PAUSE_SECONDS)
                    self._wake.set()
                else:  # the store has the queue, and the next commit begins anew
                    failures = 0
            if not self._wake.is_set():
                self._idle.set()

    async def _drain(self) -> None:
        while scored := await self._on_thread(self._next):
            await self._committer.run(
                self._writer.keep_scores, scored, self._scorer.engine, self._scorer.model
            )

    async def _on_thread(self, function: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._thread, function)

    def _next(self) -> list[Scored]:
        batch = self._queue.take()
        return self._scorer.score(batch) if batch else []

    @property
    def waiting(self) -> int:
        """How many posts wait, about; 0 only when none does."""
        return len(self._queue)

    async def settle(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Wait until nothing waits any more. `progress` hears how many posts are left."""
        while not self._idle.is_set():
            progress(len(self._queue))
            try:
                await asyncio.wait_for(self._idle.wait(), 0.5)
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Stop after the batch that is under way; the rest waits in the store."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._loop.run_in_executor(self._thread, self._queue.close)
        self._thread.shutdown()
