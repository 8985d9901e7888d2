"""One poll of one source: the collector is asked, whatever happens becomes a `Poll`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from monitor.clock import Clock
from monitor.collect.http.door import Door
from monitor.collect.kept import Recorder
from monitor.collect.protocol import Ask, Collector
from monitor.collect.registry import collector
from monitor.config import Config
from monitor.errors import AccessDenied, BadAnswer, SourceError, Throttled, UsageError
from monitor.schedule.due import Plan, next_poll_at
from monitor.store.entries import Entry
from monitor.store.sightings import SourceMemory
from monitor.types import Harvest, Outcome, Poll

__all__ = ["Poller", "open_door", "read", "unstorable"]


def open_door(config: Config, clock: Clock) -> Door:
    """The way to the network that a configuration asks for, not yet entered."""
    rates = {name: network.requests_per_minute for name, network in config.networks.items()}
    return Door(
        config.monitor.contact,
        allow_private_addresses=config.monitor.allow_private_addresses,
        requests_per_minute=rates.get,
        clock=clock,
    )


class Poller:
    """Polls sources through one HTTP door."""

    def __init__(self, config: Config, door: Door, clock: Clock, plan: Plan = next_poll_at) -> None:
        self._plan = plan
        self.config = config
        self._door = door
        self._clock = clock

    async def poll(self, entry: Entry, memory: SourceMemory) -> Poll:
        """Ask the source's collector once. Never raises for what the source does."""
        source = entry.source
        reader = collector(source.network)
        if reader is None:
            raise UsageError(f"{source.source_id}: no collector reads {source.network} yet")
        network = self.config.networks.get(source.network)
        http = self._door.open(source.network, entry.validators)
        harvest = Harvest(state=dict(entry.cursor))
        started_at = self._clock.now()
        recorder = Recorder(http, reader.policy.never_keep)
        is_kept = self.config.monitor.keep_answers > timedelta(0)
        ask = Ask(
            source=source, http=recorder if is_kept else http, memory=memory, now=started_at,
            base_url=network.base_url if network else None, state=dict(entry.cursor),
        )  # fmt: skip
        await read(reader, ask, harvest)
        harvest.requests, harvest.bytes = http.requests, http.bytes
        if harvest.error is not None or harvest.http_status is None:
            harvest.http_status = http.status
        finished_at = self._clock.now()
        refused = isinstance(harvest.error, Throttled | AccessDenied)
        if harvest.requests or not refused:  # who was not asked has not refused
            entry.refusals = entry.refusals + 1 if refused else 0
        outcome = _outcome(harvest)
        kept = recorder.kept(dict(entry.cursor)) if outcome is not Outcome.UNCHANGED else None
        answers = await asyncio.to_thread(kept.pack) if kept else b""
        return Poll(
            source=source, started_at=started_at, finished_at=finished_at,
            outcome=outcome, harvest=harvest,
            answers=answers, validators=dict(http.validators),
            next_at=self._plan(source, started_at, finished_at, harvest, entry.refusals),
        )  # fmt: skip


async def read(reader: Collector, ask: Ask, harvest: Harvest) -> None:
    """Let a collector fill `harvest`; whatever goes wrong stands there as its error."""
    try:
        await reader.poll(ask, harvest)
    except SourceError as error:
        harvest.error = error
    except Exception as error:  # noqa: BLE001 - a collector's bug must not stop the others
        harvest.error = BadAnswer(
            f"{ask.source.source_id}: the {ask.source.network} collector failed on this answer "
            f"({type(error).__name__}: {error}); please report it"
        )
    _let_go(harvest.error)


def _let_go(error: BaseException | None) -> None:
    """Drop the frames of an error that lives on: they hold answers, sockets, and its harvest.

    Each error is cut off from what caused it, too: errors may stand in a circle.
    """
    while error is not None:
        earlier = error.__cause__ or error.__context__
        error.__traceback__ = error.__cause__ = error.__context__ = None
        error = earlier


def _outcome(harvest: Harvest) -> Outcome:
    if isinstance(harvest.error, Throttled):
        return Outcome.THROTTLED
    if harvest.error is not None:
        return Outcome.ERROR
    return Outcome.UNCHANGED if harvest.unchanged else Outcome.OK


def unstorable(poll: Poll, error: Exception) -> Poll | None:
    """What can be stored of a poll that the store refused: that it failed; None if not even that.

    What a source shows must fit what the store can hold (64-bit counters, valid text): a collector
    that lets more through has a bug, and that must not keep the other sources out.
    """
    read = poll.harvest
    harvest = Harvest(
        error=BadAnswer(
            f"{poll.source.source_id}: what it shows can't be stored ({type(error).__name__}: "
            f"{error}); please report it"
        ),
        http_status=read.http_status, requests=read.requests, bytes=read.bytes,
    )  # fmt: skip
    if not (read.posts or read.engagement or read.claims or read.error is None):
        return None
    return replace(poll, outcome=Outcome.ERROR, harvest=harvest)
