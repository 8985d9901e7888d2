"""`monitor run`: the process that owns the database, polls, and answers everyone's questions.

APScheduler fires one job, `tick`, at the next due moment; what is due is decided in `core`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from monitor.clock import Clock, SystemClock
from monitor.config import Config
from monitor.errors import AccessDenied, MonitorError, StoreDamaged, StoreError
from monitor.schedule.assembly import Assembly, assembled
from monitor.schedule.core import Core
from monitor.schedule.estimating import estimate_all, estimating
from monitor.schedule.vigil import keep_vigil
from monitor.serve.app import application
from monitor.serve.memory import keep_memory_together
from monitor.serve.metrics import Metrics, serving_metrics
from monitor.serve.notify import supervised
from monitor.serve.place import NAME, listen
from monitor.serve.server import serving
from monitor.store.commands import COMMANDS
from monitor.store.database import Database
from monitor.store.quack import Quack
from monitor.types import Poll, Source, SourceKind

__all__ = ["RunReport", "run", "run_once"]

WAIT_SECONDS = 10.0
TRIES = 3
"""So often `run --once` tries to store an answer; the daemon does not give up."""
LONGEST_SLEEP = timedelta(minutes=1)
LOOK_SECONDS = 10.0

log = structlog.get_logger("monitor")


@dataclass(slots=True)
class RunReport:
    """What `run --once` did: polls by outcome, new posts, and what failed (source: why)."""

    polls: int = 0
    posts: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """1 if any source failed."""
        return 1 if self.failed else 0

    def add(self, poll: Poll, new: int) -> None:
        """Count one stored poll."""
        self.polls += 1
        self.posts += new
        error = poll.harvest.error
        if isinstance(error, AccessDenied) and poll.source.kind is SourceKind.SEARCH:
            return  # some networks let nobody search without a login: a gap, and no failure
        if error is not None:
            self.failed[poll.source.source_id] = str(error)


async def run_once(
    config: Config,
    *,
    clock: Clock | None = None,
    wait: float = WAIT_SECONDS,
    only: Callable[[Source], bool] = lambda _source: True,
    on_done: Callable[[Poll, int], None] = lambda _poll, _new: None,
    on_scoring: Callable[[int], None] = lambda _left: None,
) -> RunReport:
    """Poll every source (or `only` some) once, and everything that they lead to, then stop.

    What was stored is also scored; `on_scoring` hears now and then how many posts are left.
    """
    report = RunReport()

    def done(poll: Poll, new: int) -> None:
        report.add(poll, new)
        on_done(poll, new)

    def lost(source_id: str, error: Exception) -> None:
        report.failed[source_id] = str(error)

    async with assembled(
        config, clock or SystemClock(), wait, done, on_lost=lost, tries=TRIES
    ) as running:
        polled: set[str] = set()
        while waiting := [
            source_id
            for source_id, entry in list(running.writer.entries.items())
            if entry.state == "active" and source_id not in polled and only(entry.source)
        ]:
            polled.update(waiting)
            await asyncio.gather(*(running.core.start(source_id) for source_id in waiting))
            await running.core.settle()
        await running.scoring.settle(on_scoring)
        await running.committer.run(estimate_all, running.database, running.writer)
    return report


async def run(
    config: Config,
    *,
    clock: Clock | None = None,
    wait: float = WAIT_SECONDS,
    reread: Callable[[], Config] | None = None,
) -> int:
    """Poll until a signal comes. SIGTERM and SIGINT end it after the running commit.

    SIGHUP takes the configuration that `reread` returns; if that can't be, the one before holds.

    Raises:
        StoreDamaged: the database can't go on; whoever watches over the process starts it anew.
    """
    keep_memory_together()
    clock = clock or SystemClock()
    stop, broken = asyncio.Event(), list[StoreDamaged]()

    def lost(_source_id: str, error: Exception) -> None:
        if isinstance(error, StoreDamaged):
            broken.append(error)
            stop.set()

    metrics = Metrics()

    def done(poll: Poll, new: int) -> None:
        _log_poll(poll, new)
        metrics.polled(poll, new)

    async with assembled(config, clock, wait, done, on_lost=lost) as running:
        running.committer.on_commit = metrics.committed
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        reloads: set[asyncio.Task[None]] = set()
        if reread is not None:

            def reload() -> None:
                task = loop.create_task(_reload(running, reread))
                reloads.add(task)  # or nobody would keep it
                task.add_done_callback(reloads.discard)

            loop.add_signal_handler(signal.SIGHUP, reload)
        async with (
            estimating(running.database, running.writer, running.committer) as estimate,
            _serving(running, clock, estimate),
            serving_metrics(metrics, config.monitor.metrics_port),
            _ticking(running.core, clock),
            _watching(running.database, metrics),
        ):
            log.info("running", sources=len(running.writer.entries), pid=os.getpid())
            # Alive is who can still write: a turn on the writer's thread.
            async with supervised(lambda: running.committer.run(lambda: None)):
                await stop.wait()
        log.info("stopping")
    if broken:
        raise broken[0]
    return 0


async def _reload(running: Assembly, reread: Callable[[], Config]) -> None:
    try:
        config = await asyncio.to_thread(reread)
        later = [
            f"[{name}]"
            for name in ("monitor", "enrich")
            if getattr(config, name) != getattr(running.config, name)
        ]
        await running.reload(config)
    except MonitorError as error:
        log.error("configuration not taken", error=str(error))  # noqa: TRY400 - it says it all
        return
    if later:
        log.warning("holds from the next start", changed=" and ".join(later))
    log.info("reloaded", sources=len(running.writer.entries))


def _log_poll(poll: Poll, new: int) -> None:
    harvest = poll.harvest
    say = log.warning if harvest.error else log.info
    say(
        "poll",
        source=poll.source.source_id, outcome=str(poll.outcome), posts=len(harvest.posts), new=new,
        requests=harvest.requests, **({"error": str(harvest.error)} if harvest.error else {}),
    )  # fmt: skip


@asynccontextmanager
async def _ticking(core: Core, clock: Clock) -> AsyncIterator[None]:
    """APScheduler's part: one job at a time, at the next due moment, however late it is."""
    scheduler = AsyncIOScheduler(timezone=UTC)

    def plan() -> None:
        now = clock.now()
        moment = core.next_due() or now + LONGEST_SLEEP
        at = min(max(moment, now), now + LONGEST_SLEEP)
        scheduler.add_job(
            tick, DateTrigger(datetime.now(UTC) + (at - now)), id="tick", replace_existing=True,
            coalesce=True, misfire_grace_time=None, max_instances=1,
        )  # fmt: skip

    async def tick() -> None:  # a coroutine: plain functions would run on another thread
        core.tick()

    core.on_change = plan
    # When a tick has ended, too: one that falls due while another runs is dropped, with a warning.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler.add_listener(lambda _: plan(), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.start()
    plan()
    looking = asyncio.create_task(_regularly(plan))
    try:
        yield
    finally:
        looking.cancel()
        core.on_change = lambda: None
        scheduler.shutdown(wait=False)


@asynccontextmanager
async def _watching(database: Database, metrics: Metrics) -> AsyncIterator[None]:
    vigil = asyncio.create_task(keep_vigil(database, metrics))
    try:
        yield
    finally:
        vigil.cancel()
        await asyncio.gather(vigil, return_exceptions=True)


async def _regularly(plan: Callable[[], None]) -> None:
    """Plan anew now and then: a job's time is one of the clock, and that may be set back."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        plan()


@asynccontextmanager
async def _serving(
    running: Assembly, clock: Clock, estimate: Callable[[], None]
) -> AsyncIterator[None]:
    """Answer on the Unix socket, and DuckDB clients over Quack."""
    config = running.config
    data_dir = config.monitor.data_dir
    quack = _quack(running)
    running.database.seal()
    started_at = clock.now()
    calls = {
        name: partial(_call, running, estimate, partial(command, running.writer))
        for name, command in COMMANDS.items()
    }
    app = application(
        running.database,
        calls,
        lambda: {
            "pid": os.getpid(),
            "started_at": started_at.isoformat(),
            "sources": len(running.writer.entries),
            "unscored": running.scoring.waiting,
            "trouble": running.committer.trouble,
            "guests_port": quack.port if quack else None,
        },
    )
    try:
        async with serving(app, listen(data_dir)):
            yield
    finally:
        (data_dir / NAME).unlink(missing_ok=True)
        if quack:
            quack.stop()


def _quack(running: Assembly) -> Quack | None:
    if not running.config.monitor.serve_sql:
        return None
    quack = Quack(running.database, running.config.monitor.data_dir)
    try:
        quack.start()
    except StoreError as error:
        log.warning("no guests", error=str(error))
        quack.stop()
        return None
    log.info("guests", port=quack.port, token=str(running.config.monitor.data_dir / Quack.FILE))
    return quack


async def _call(
    running: Assembly, estimate: Callable[[], None], command: Callable[..., Any], **arguments: Any
) -> Any:
    done = await running.committer.run(partial(command, **arguments))
    running.core.on_change()  # there may be new sources to poll
    estimate()
    return done
