"""The core and its committer: polls side by side, stored together, whatever one of them does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.collect import registry
from monitor.collect.derive import derive
from monitor.collect.protocol import Ask
from monitor.errors import StoreError, Unreachable
from monitor.schedule import core as core_module
from monitor.schedule.committer import Committer
from monitor.schedule.core import Core
from monitor.schedule.planner import Planner
from monitor.schedule.poller import Poller, open_door
from monitor.store.database import Database
from monitor.store.verify import verify
from monitor.store.writer import Writer
from monitor.types import Engagement, Harvest, Policy, Poll, Post
from tests.world import MovingClock, at, configured, emptied


class Built:
    """A collector of no real network: the target says what happens."""

    network = "built"
    policy = Policy()
    reached: asyncio.Event
    go_on: asyncio.Event

    async def poll(self, ask: Ask, harvest: Harvest) -> None:
        what = ask.source.target.partition("-")[0]
        name = f"built:{ask.source.source_id}"
        harvest.posts.append(Post(post_id=name, text="text", claimed_at=at(0)))
        harvest.http_status = 200
        if what == "bug":
            raise ZeroDivisionError("one\nby zero")
        if what == "refused":
            raise Unreachable("https://built.example: no connection")
        if what == "circle":  # an error that was raised again while its own cause was handled
            error, cause = Unreachable("https://built.example: no answer"), OSError("closed")
            error.__cause__, cause.__context__ = cause, error
            raise error
        if what == "unchanged":
            harvest.posts.clear()
            harvest.unchanged = True
        if what == "huge":
            harvest.engagement.append(Engagement(post_id=name, likes=10**30))
        if what == "broken":
            harvest.posts.append(Post(post_id="built:\ud800", text="\ud800"))
        if what == "odd":
            harvest.state["odd"] = object()
        if what == "slow":
            Built.reached.set()
            await Built.go_on.wait()


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`built` is a network, as if another package had added it."""
    registry.collector.cache_clear()
    monkeypatch.setattr(registry, "_added", lambda: {"built": f"{__name__}:Built"})
    monkeypatch.setattr(registry, "import_module", lambda _: __import__("sys").modules[__name__])
    Built.reached, Built.go_on = asyncio.Event(), asyncio.Event()
    yield
    registry.collector.cache_clear()


@dataclass
class Run:
    core: Core
    writer: Writer
    committer: Committer
    database: Database
    clock: MovingClock
    done: list[tuple[str, str, int]] = field(default_factory=list)

    def heard(self, poll: Poll, new: int) -> None:
        self.done.append((poll.source.source_id, str(poll.outcome), new))

    async def all(self) -> None:
        """Poll what is due and wait until it is stored."""
        self.core.tick()
        await asyncio.gather(*self.core._running.values())
        await self.core.settle()

    def column(self, sql: str) -> list[Any]:
        return self.database.query(sql).to_series().to_list()


@pytest.fixture
def start(database: Database, tmp_path: Path) -> Callable[..., Any]:
    @asynccontextmanager
    async def started(*targets: str) -> AsyncIterator[Run]:
        toml = "".join(
            f'[[source]]\nid = "{t}"\nnetwork = "built"\ntarget = "{t}"\ninterval = "5m"\n'
            for t in targets
        )
        config, clock = configured(tmp_path, toml), MovingClock()
        writer = Writer(emptied(database), config, clock)
        writer.synchronise((source, None) for source in derive(config))
        committer = Committer(writer)
        async with open_door(config, clock) as door:
            poller = Poller(config, door, clock)
            run = Run(None, writer, committer, database, clock)  # type: ignore[arg-type]
            run.core = Core(writer, committer, poller, Planner(config), clock, on_done=run.heard)
            try:
                yield run
            finally:
                await run.core.stop()
                await committer.close()
                writer.close()

    return started


async def test_what_goes_wrong_in_one_collector_stops_no_other(start) -> None:
    async with start("ok-1", "bug", "circle", "refused", "ok-2") as run:
        await run.all()
        assert sorted(run.done) == [
            ("bug", "error", 1), ("circle", "error", 1), ("ok-1", "ok", 1), ("ok-2", "ok", 1),
            ("refused", "error", 1),
        ]  # fmt: skip
        (said,) = run.column("select error from polls where source_id = 'bug'")
        assert "bug: the built collector failed" in said
        assert "ZeroDivisionError: one by zero" in said
        assert "\n" not in said
        assert run.core.tick() == 0  # each is due again after its interval
        run.clock.moment += timedelta(minutes=5)
        assert run.core.tick() == 5


async def test_polls_that_end_together_are_stored_together(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start(*(f"ok-{n}" for n in range(40))) as run:
        real, commits = run.writer.commit, []

        def counted(polls: list[Poll]) -> list[int]:
            commits.append(len(polls))
            return real(polls)

        monkeypatch.setattr(run.writer, "commit", counted)
        await run.all()
        assert len(run.column("select distinct source_id from polls")) == 40
        assert sum(commits) == 40
        assert len(commits) <= 4


async def test_no_poll_is_begun_while_more_was_read_than_is_stored(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.schedule.committer.GROUP_ROWS", 3)
    monkeypatch.setattr("monitor.schedule.committer.GROUP_SECONDS", 30.0)
    async with start(*(f"ok-{n}" for n in range(40))) as run:
        run.core._slots = asyncio.Semaphore(2)
        real, commits = run.writer.commit, []
        loop, most_are_stored = asyncio.get_running_loop(), asyncio.Event()

        def slow(polls: list[Poll]) -> list[int]:
            commits.append(len(polls))
            time.sleep(0.05)  # reading is faster by far
            if sum(commits) >= 38:  # the last ones may wait for company
                loop.call_soon_threadsafe(most_are_stored.set)
            return real(polls)

        monkeypatch.setattr(run.writer, "commit", slow)
        run.core.tick()
        await most_are_stored.wait()
        assert max(commits) <= 3 + 2, "what fills a group, and what was being read meanwhile"


async def test_unchanged_polls_wait_for_company_and_their_sources_do_not(start) -> None:
    async with start(*(f"unchanged-{n}" for n in range(5)), "ok") as run:
        run.writer.entries["ok"].next_at = at(10)
        assert run.core.tick() == 5
        await asyncio.gather(*run.core._running.values())
        assert not run.core.busy
        assert run.core.next_due() == at(0) + timedelta(minutes=5)
        assert run.column("select count(*) from polls") == [0]
        run.clock.moment += timedelta(minutes=5)
        assert run.core.tick() == 5
        await asyncio.gather(*run.core._running.values())
        run.clock.moment = at(10)
        await run.core.start("ok")
        assert run.column("select count(*) from polls") == [11]
        assert len(set(run.column("select recorded_at from polls"))) <= 2
        assert run.writer.last_success("unchanged-1") == at(0) + timedelta(minutes=5)


async def test_a_commit_that_fails_is_tried_again_and_nothing_is_lost(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_module, "RETRY_COMMIT_SECONDS", 0.01)
    async with start("ok-1", "ok-2") as run:
        real, tries = run.writer.commit, []

        def failing(polls: list[Poll]) -> list[int]:
            tries.append(len(polls))
            if len(tries) < 6:
                raise StoreError("no space left on device")
            return real(polls)

        monkeypatch.setattr(run.writer, "commit", failing)
        await run.all()
        assert tries[:3] == [2, 1, 1]  # together, then each alone
        assert sorted(run.done) == [("ok-1", "ok", 1), ("ok-2", "ok", 1)]
        assert run.column("select count(*) from posts") == [2]


@pytest.mark.parametrize("poison", ["huge", "broken", "odd"])
async def test_what_the_store_cannot_hold_keeps_no_other_out(start, poison: str) -> None:
    async with start("ok-1", poison, "ok-2") as run:
        await run.all()
        assert sorted(run.done) == sorted([
            ("ok-1", "ok", 1), ("ok-2", "ok", 1), (poison, "error", 0),
        ])  # fmt: skip
        (said,) = run.column(f"select error from polls where source_id = '{poison}'")
        assert said.startswith(f"{poison}: what it shows can't be stored")
        assert run.core.tick() == 0


async def test_stopping_keeps_what_was_read_and_ends_what_still_reads(start) -> None:
    async with start("ok-1", "slow", "unchanged") as run:
        polls = [run.core.start(source) for source in ("ok-1", "unchanged")]
        await polls[1]  # read, and not stored yet
        run.core.start("slow")
        await Built.reached.wait()
        await run.core.stop()
        assert sorted(source for source, *_ in run.done) == ["ok-1", "unchanged"]
        assert sorted(run.column("select source_id from polls")) == ["ok-1", "unchanged"]


async def test_stopping_does_not_wait_for_a_disk_that_is_full(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start("ok-1") as run:
        tried = asyncio.Event()
        loop = asyncio.get_running_loop()

        def failing(polls: list[Poll]) -> list[int]:
            loop.call_soon_threadsafe(tried.set)
            raise StoreError("no space left on device")

        monkeypatch.setattr(run.writer, "commit", failing)
        run.core.tick()
        await tried.wait()
        await asyncio.wait_for(run.core.stop(), 3)
        assert run.done == []


async def test_a_source_without_a_collector_is_put_off_and_not_tried_in_a_loop(start) -> None:
    async with start("ok-1") as run:
        entry = run.writer.entries["ok-1"]
        object.__setattr__(entry.source, "network", "nowhere")
        await run.all()
        assert run.done == []
        assert run.core.tick() == 0


async def test_no_more_polls_at_once_than_allowed(start, monkeypatch: pytest.MonkeyPatch) -> None:
    async with start(*(f"slow-{n}" for n in range(40))) as run:
        reading = 0
        most = 0
        real = Built.poll

        async def counted(self: Built, ask: Ask, harvest: Harvest) -> None:
            nonlocal reading, most
            reading += 1
            most = max(most, reading)
            await real(self, ask, harvest)
            reading -= 1

        monkeypatch.setattr(Built, "poll", counted)
        assert run.core.tick() == 40
        assert run.core.tick() == 0
        await Built.reached.wait()
        Built.go_on.set()
        await run.all()
        assert most <= core_module.MAX_POLLS
        assert run.column("select count(*) from polls") == [40]


async def test_a_clock_that_is_set_back_stops_nothing(start) -> None:
    async with start("ok-1", "ok-2") as run:
        await run.all()
        run.clock.moment -= timedelta(hours=2)
        assert run.core.next_due() == run.clock.moment + timedelta(minutes=5)  # as before
        for _ in range(3):
            run.clock.moment += timedelta(minutes=5)
            await run.all()
        assert len(run.done) == 8
        assert verify(run.database.query) == []
        recorded = run.column("select recorded_at from base.polls order by poll_id")
        assert recorded == sorted(recorded)  # what was stored later counts as later
        assert run.column("select * from gaps") == []


async def test_a_clock_that_is_set_forward_polls_each_source_once(start) -> None:
    async with start("ok-1", "ok-2") as run:
        await run.all()
        run.clock.moment += timedelta(days=2)
        await run.all()
        await run.all()
        assert len(run.done) == 4
        assert verify(run.database.query) == []
