"""`monitor check --online`: does every source answer? Nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from monitor.clock import Clock, SystemClock
from monitor.collect.derive import derive
from monitor.collect.pollable import why_not
from monitor.collect.registry import networks
from monitor.config import Config
from monitor.schedule.core import MAX_POLLS
from monitor.schedule.poller import Poller, open_door
from monitor.store.entries import Entry
from monitor.store.sightings import SourceMemory
from monitor.types import Poll, Source

__all__ = ["SourceCheck", "check_sources"]


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """How one source answered. One that can't be polled yet is `ok`: `detail` says why not."""

    source_id: str
    ok: bool
    detail: str


async def check_sources(
    config: Config,
    *,
    clock: Clock | None = None,
    on_done: Callable[[SourceCheck], None] = lambda _check: None,
) -> list[SourceCheck]:
    """Poll each source of the configuration once, with an empty memory, without a database.

    What the sources lead to is not followed.

    Args:
        on_done: hears of each answer as it comes.

    Returns:
        One check a source, in the order of the configuration.
    """
    clock = clock or SystemClock()
    slots = asyncio.Semaphore(MAX_POLLS)
    async with open_door(config, clock) as door:
        poller = Poller(config, door, clock)

        async def check(source: Source) -> SourceCheck:
            async with slots:
                made = await _check(config, poller, source, clock)
            on_done(made)
            return made

        sources = derive(config, networks=networks())
        return await asyncio.gather(*(check(source) for source in sources))


async def _check(config: Config, poller: Poller, source: Source, clock: Clock) -> SourceCheck:
    reason = why_not(config, source)
    if reason is not None:
        return SourceCheck(source.source_id, ok=True, detail=f"not asked: {reason}")
    poll = await poller.poll(Entry(source, "active", None, clock.now()), SourceMemory())
    error = poll.harvest.error
    if error is not None:
        return SourceCheck(source.source_id, ok=False, detail=" ".join(str(error).split()))
    return SourceCheck(source.source_id, ok=True, detail=_shown(poll))


def _shown(poll: Poll) -> str:
    harvest = poll.harvest
    posts = "1 post" if len(harvest.posts) == 1 else f"{len(harvest.posts)} posts"
    return posts if not harvest.found else f"{posts}, {len(harvest.found)} further sources"
