"""The daemon's core, collecting from the stand-ins on virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

from monitor.collect.http.door import Door, Retries
from monitor.collect.http.pace import Pace
from monitor.config import Config, load
from monitor.enrich.score import Scorer
from monitor.schedule.assembly import Assembly, assembled
from monitor.schedule.due import Plan, next_poll_at
from monitor.schedule.scoring import Queue, score_all
from monitor.session import DATABASE
from monitor.simulate.platforms.bluesky import HOST as BLUESKY
from monitor.simulate.platforms.bluesky import Bluesky
from monitor.simulate.platforms.faults import faults_of, limits_of
from monitor.simulate.platforms.hackernews import HOST as HACKERNEWS
from monitor.simulate.platforms.hackernews import HackerNews
from monitor.simulate.platforms.press import Press, feed_url
from monitor.simulate.platforms.server import Server, serving
from monitor.simulate.platforms.wordpress import WordPress
from monitor.simulate.virtual import Names, VirtualClock, VirtualLoop, run_virtually
from monitor.simulate.worlds.world import World, site_of
from monitor.store.database import Database
from monitor.store.writer import Writer
from monitor.types import Harvest, Poll, Source

__all__ = ["NAMED_AFTER", "Progress", "collect", "configuration"]

_UNSCORED = Scorer(None, None)
"""While virtual time passes nothing is scored: that would take real time."""

NAMED_AFTER = timedelta(minutes=10)
"""Somebody names an event in the configuration so long after it was announced."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    now: datetime
    polls: int
    posts: int


def configuration(world: World, data_dir: Path, *, now: datetime | None = None) -> str:
    """The configuration that a user of this world would write, as TOML.

    Args:
        data_dir: where the database is to be.
        now: events announced later than that are not named yet; None: all are.
    """
    parts = [
        "# Made by the simulator: companies, people and hosts do not exist.",
        _table(
            "[monitor]",
            data_dir=str(data_dir),
            contact="mailto:simulation@example.org",
            keep_answers="0s",
        ),
    ]
    for company in world.companies.values():
        parts.append(
            _table(
                "[[company]]", id=company.id, name=company.name, aliases=list(company.aliases),
                exclude=list(company.strays), feeds=[f"http://{site_of(company.id)}/feed/"],
                accounts=[f"bluesky:{world.accounts[company.id].handle}"],
            )
        )  # fmt: skip
        parts.append(
            _table(
                "[[source]]", id=f"newsroom-{company.id}", network="wordpress",
                target=f"http://{site_of(company.id)}/",
            )
        )  # fmt: skip
    parts += [_actor(world, company) for company in world.companies]
    parts += [
        _table("[[source]]", id=name, network="feed", target=feed_url(name))
        for name in world.outlets
    ]
    for event in world.scenario.event:
        if now is None or world.announced_at(event) <= now:
            parts.append(
                _table(
                    "[[event]]", id=event.id, company=event.company, kind=event.kind,
                    title=event.title, announced_at=world.announced_at(event),
                    window_before=_days(world.scenario.before), amount=event.amount,
                    window_after=_days(world.scenario.after - event.after),
                    valuation=event.valuation, currency=event.currency,
                    terms=[f'"{event.topic}"'],
                    announcements=[item.url for item in world.announcements(event)],
                )
            )  # fmt: skip
    parts.append(_table("[network.bluesky]", base_url=f"http://{BLUESKY}"))
    discussed = bool(world.of("hackernews"))
    where = {"base_url": f"http://{HACKERNEWS}"} if discussed else {"enabled": False}
    parts.append(_table("[network.hackernews]", **where))
    parts.append(_table("[network.mastodon]", enabled=False))
    return "\n".join(parts)


def _actor(world: World, company: str) -> str:
    """A company's account, and what it is to the others."""
    others = {
        event.company: "competitor" for event in world.scenario.event if event.attack_by == company
    }
    roles = ", ".join(f"{k} = {_toml(v)}" for k, v in {company: "own", **others}.items())
    head = _table(
        "[[actor]]", id=f"{company}-account", name=world.companies[company].name,
        accounts=[f"bluesky:{world.accounts[company].handle}"],
    )  # fmt: skip
    return f"{head}roles = {{ {roles} }}\n"


def _table(head: str, **pairs: object) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in pairs.items() if value is not None]
    return "\n".join([head, *lines, ""])


def _toml(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)


def _days(span: timedelta) -> str:
    return f"{span.total_seconds():.0f}s"


def collect(
    world: World,
    folder: Path,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Config:
    """Let the daemon collect the world into `folder`, going on where it stopped the last time.

    Companies are watched from the beginning; each event is added to the configuration, and the
    daemon started anew, ten minutes after its announcement.

    Args:
        progress: hears of every poll that is stored.

    Returns:
        The configuration that it ended with; its file is `folder/monitor.toml`.

    Raises:
        StoreError: the data can't be opened; `StoreBusy` if somebody holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start, end = world.scenario.starts_at, world.scenario.ends_at
    named = {world.announced_at(event) + NAMED_AFTER for event in world.scenario.event}
    edges = [start, *sorted(moment for moment in named if moment < end), end]
    for begin, stop in pairwise(edges):
        config = _written(world, folder, begin)
        start = _resumed(config, begin)
        if start <= stop:
            main = partial(_run, world, config, stop, progress)
            run_virtually(start, main)
    _score(config, end)
    return config


class _At:
    """A clock that stands."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


def _score(config: Config, now: datetime) -> None:
    """Language and mood of what was collected, all at the end: scoring takes real time."""
    scorer = Scorer.of(config.enrich)
    with Database.open(config.monitor.data_dir / DATABASE) as database:
        writer = Writer(database, config, _At(now))
        queue = Queue(database, writer, scorer)
        score_all(queue, writer, scorer)
        queue.close()
        writer.close()


def _written(world: World, folder: Path, now: datetime) -> Config:
    file = folder / "monitor.toml"
    file.write_text(configuration(world, folder.absolute() / "data", now=now - NAMED_AFTER), "utf8")
    return load(file, env={})


def _resumed(config: Config, begin: datetime) -> datetime:
    """When to go on with a configuration that holds since `begin`.

    If it has run already: at the first moment whose polls are not all stored.
    """
    path = config.monitor.data_dir / DATABASE
    if not path.exists():
        return begin
    with Database.open(path) as database:
        named = {row[0] for row in database.query("select event_id from events").rows()}
        ((due,),) = database.query("select min(next_at) from sources where state = 'active'").rows()
    if due is None or not {event.id for event in config.events} <= named:
        return begin
    moment: datetime = due.replace(tzinfo=UTC)
    return max(begin, moment)


async def _run(
    world: World,
    config: Config,
    until: datetime,
    progress: Callable[[Progress], None],
    clock: VirtualClock,
) -> None:
    """One life of the daemon."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise TypeError(loop)
    polls = posts = 0

    def done(_: Poll, new: int) -> None:
        nonlocal polls, posts
        polls, posts = polls + 1, posts + new
        progress(Progress(clock.now(), polls, posts))

    platforms = (Bluesky(world), WordPress(world), Press(world), HackerNews(world))
    server = Server(platforms, clock, faults_of(world), limits_of(world))
    async with serving(server) as port:
        door = Door(
            config.monitor.contact,
            # Spaced requests would take time: a poll's moment would depend on those before it.
            pace=Pace(lambda _: None, loop.time, limiter=lambda _: nullcontext()),
            retries=Retries(wait_jitter=0.0),
            clock=clock,
            monotonic=loop.time,
            backend=Names(server.hosts, port, loop),
        )
        # One poll at a time: side by side, sockets would decide who is first.
        async with assembled(
            config, clock, 0.0, done, door=door, plan=_plan(world), at_once=1, scorer=_UNSCORED
        ) as running:
            await _drive(running, clock, until)


async def _drive(running: Assembly, clock: VirtualClock, until: datetime) -> None:
    """Tick whenever something is due, until nothing is due before `until`."""
    core, changed = running.core, asyncio.Event()
    core.on_change = changed.set
    while True:
        core.tick()
        changed.clear()
        due = core.next_due()
        if not core.busy and (due is None or due > until):
            return
        seconds = None if core.busy or due is None else clock.seconds_until(due)
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), seconds)


def _plan(world: World) -> Plan:
    """All sources are polled at the same moments, more often when something was announced."""
    scenario = world.scenario
    moments = [world.announced_at(event) for event in scenario.event]

    def interval(now: datetime) -> timedelta:
        age = min((now - moment for moment in moments if moment <= now), default=None)
        if age is not None:
            for up_to, every in scenario.intervals:
                if age < up_to:
                    return every
        return scenario.background

    def plan(
        source: Source, started: datetime, finished: datetime, harvest: Harvest, _refusals: int
    ) -> datetime:
        every = interval(started)
        steps = (started - scenario.starts_at) // every + 1
        at = scenario.starts_at + steps * every
        if started < scenario.ends_at:
            at = min(at, scenario.ends_at)  # a last look at everything
        return next_poll_at(replace(source, interval=at - started), started, finished, harvest)

    return plan
