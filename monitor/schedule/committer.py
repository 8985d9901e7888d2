"""Group commit: polls that finish close together share one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog

from monitor.serve.memory import give_memory_back
from monitor.store.writer import Writer
from monitor.types import Outcome, Poll

__all__ = ["Committer"]

GROUP_SECONDS = 0.25
GROUP_ROWS = 1000
"""When so many rows wait for a commit it comes at once, and no new poll is begun before it."""
UNCHANGED_SECONDS = 60.0

T = TypeVar("T")

log = structlog.get_logger("monitor")


class Committer:
    """Feeds the writer, which lives on a thread of its own.

    A poll counts as done only after the commit that holds it. Unchanged polls write no posts and
    may wait up to a minute for company: lost in a kill they make a gap, never a false observation.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._waiting: list[tuple[Poll, asyncio.Future[int]]] = []
        self._rows = self._stored = 0  # rows that wait; rows since memory was last given back
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._urgent = asyncio.Event()
        self._closing = False
        self.trouble: str | None = None
        """Why nothing can be stored at present; None while all is well."""
        self.on_commit: Callable[[float], None] = lambda _seconds: None
        self._task = asyncio.create_task(self._run())

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Run `function` on the writer's thread, between two commits."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)

    async def room(self) -> None:
        """Wait while more is read than is stored: what is read stays in memory until then."""
        await self._room.wait()

    async def commit(self, poll: Poll) -> int:
        """Store a poll; returns, once it is durable, how many posts it was first to show.

        Raises:
            MonitorError: it could not be stored, not even alone; nothing of it was.
        """
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((poll, done))
        harvest = poll.harvest
        self._rows += len(harvest.posts) + len(harvest.engagement) + len(harvest.claims)
        if self._rows >= GROUP_ROWS:
            self._room.clear()
            self._full.set()
        if poll.outcome != Outcome.UNCHANGED:
            self._urgent.set()
        self._wake.set()
        return await done

    async def _run(self) -> None:
        while not (self._closing and not self._waiting):
            await self._wake.wait()
            await self._gather()
            self._wake.clear()
            self._urgent.clear()
            group, self._waiting = self._waiting, []
            self._stored, self._rows = self._stored + self._rows, 0
            self._full.clear()
            self._room.set()
            if group:
                await self._store(group)
                await self._maintain()

    async def _gather(self) -> None:
        """Wait for company: briefly for what is new, longer for what is not."""
        if self._closing:
            return
        if not self._urgent.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), UNCHANGED_SECONDS)
        if not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), GROUP_SECONDS)

    async def _store(self, group: list[tuple[Poll, asyncio.Future[int]]]) -> None:
        begun = time.perf_counter()
        try:
            counts = await self.run(self._writer.commit, [poll for poll, _ in group])
        except Exception as error:  # noqa: BLE001 - whoever waits for the commit decides
            self.trouble = str(error)
            if len(group) > 1:  # one poll that can't be stored must not keep out the others
                for one in group:
                    await self._store([one])
            elif not group[0][1].done():
                group[0][1].set_exception(error)
            return
        self.trouble = None
        self.on_commit(time.perf_counter() - begun)
        for (_, done), count in zip(group, counts, strict=True):
            if not done.done():
                done.set_result(count)

    async def _maintain(self) -> None:
        """What is owed now and then. A poll that is stored is told of first."""
        if self._stored >= GROUP_ROWS:
            self._stored = 0
            await self.run(give_memory_back)
        try:
            await self.run(self._writer.maintain)  # one step: what is left comes after the next
        except Exception as error:
            log.exception("not maintained", error=str(error))

    def hurry(self) -> None:
        """Let unchanged polls wait no longer."""
        self._urgent.set()

    async def close(self) -> None:
        """Commit what waits, then end the thread."""
        self._closing = True
        self._full.set()
        self._urgent.set()
        self._wake.set()
        await self._task
        self._thread.shutdown()
