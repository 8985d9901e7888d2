"""Everything that polling needs, opened in order and closed in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import msgspec

from monitor.clock import Clock
from monitor.collect.http.door import Door
from monitor.collect.pollable import pollable, why_not
from monitor.config import Config
from monitor.enrich.score import Scorer
from monitor.errors import StoreBusy
from monitor.schedule.committer import Committer
from monitor.schedule.core import MAX_POLLS, Core
from monitor.schedule.due import Plan, next_poll_at
from monitor.schedule.planner import REMEMBERED, Planner
from monitor.schedule.poller import Poller, open_door
from monitor.schedule.scoring import Scoring, warn
from monitor.session import DATABASE
from monitor.store.copies import sweep
from monitor.store.database import Database
from monitor.store.lock import DataLock, make_private
from monitor.store.sightings import failing, posted_since
from monitor.store.writer import Writer
from monitor.types import Poll

__all__ = ["Assembly", "assembled"]


@dataclass(slots=True)
class Assembly:
    """What runs: the store with its writer, and the core that polls."""

    config: Config
    database: Database
    writer: Writer
    committer: Committer
    scoring: Scoring
    core: Core
    poller: Poller
    planner: Planner

    async def reload(self, config: Config) -> None:
        """Go on with another configuration. Polls that are under way end as they began.

        What it says of `[monitor]` and `[enrich]`, and its hosts' limits, hold from the next start.

        Raises:
            StoreError: it could not be stored; the one before holds.
        """
        taken = msgspec.structs.replace(
            config, monitor=self.config.monitor, enrich=self.config.enrich
        )
        await self.committer.run(self._take, taken)
        self.core.on_change()

    def _take(self, config: Config) -> None:
        before = self.writer.configure(config)
        self.writer.can_poll = lambda source: why_not(config, source) is None
        try:
            self.writer.synchronise(pollable(self.writer.config))
        except BaseException:
            self.writer.configure(before)
            self.writer.can_poll = lambda source: why_not(before, source) is None
            raise
        self.config = self.poller.config = self.planner.config = config


@asynccontextmanager
async def assembled(
    config: Config,
    clock: Clock,
    wait: float,
    on_done: Callable[[Poll, int], None],
    *,
    on_lost: Callable[[str, Exception], None] = lambda _source_id, _error: None,
    door: Door | None = None,
    plan: Plan | None = None,
    at_once: int = MAX_POLLS,
    tries: int | None = None,
    scorer: Scorer | None = None,
) -> AsyncIterator[Assembly]:
    """Take the data, bring it in line with the configuration, and be ready to poll.

    Args:
        wait: seconds to wait for data that another process holds.
        on_done: hears of every poll that is stored, with the number of new posts.
        on_lost: hears of every source whose poll came to nothing by a fault on our side.
        door: the way to the network; None for the configuration's own.
        plan: when a source is polled again; None: as its interval, or the cadence, says.
        at_once: how many polls may run side by side.
        tries: how often an answer is tried to be stored; None: until it can be.
        scorer: what scores posts; None for what the configuration names.

    Raises:
        StoreError: the data can't be opened; `StoreBusy` if somebody holds it.
    """
    scorer = scorer or Scorer.of(config.enrich, warn)
    data_dir = config.monitor.data_dir
    make_private(data_dir)
    async with AsyncExitStack() as stack:
        stack.enter_context(await asyncio.to_thread(DataLock(data_dir).acquire, wait))
        sweep(data_dir)
        database = stack.enter_context(await _open(config, wait))
        writer = Writer(database, config, clock)
        stack.callback(writer.close)
        writer.can_poll = lambda source: why_not(config, source) is None
        writer.synchronise(pollable(writer.config))
        writer.started()
        entered = await stack.enter_async_context(door or open_door(config, clock))
        committer = Committer(writer)
        stack.push_async_callback(committer.close)
        scoring = Scoring(database, writer, committer, scorer)
        stack.push_async_callback(scoring.close)
        poller = Poller(config, entered, clock, plan or next_poll_at)
        planner = Planner(config, is_adaptive=plan is None)
        core = Core(
            writer, committer, poller, planner, clock,
            on_done=on_done, on_lost=on_lost, at_once=at_once, tries=tries,
        )  # fmt: skip
        core.remember(posted_since(database, clock.now() - REMEMBERED), failing(database))
        stack.push_async_callback(core.stop)
        yield Assembly(config, database, writer, committer, scoring, core, poller, planner)


async def _open(config: Config, wait: float) -> Database:
    """The database; a stranger who reads the file for a moment is waited for."""
    loop = asyncio.get_running_loop()
    path = config.monitor.data_dir / DATABASE
    end = loop.time() + wait
    while True:
        try:
            return Database.open(path, memory_limit=config.monitor.memory_limit)
        except StoreBusy:
            if loop.time() >= end:
                raise
            await asyncio.sleep(0.1)
