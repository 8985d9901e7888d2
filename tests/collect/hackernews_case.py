"""A small built Hacker News served by the simulator's stand-in, and the means to poll it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.collect.hackernews.collector import HackerNews
from monitor.collect.protocol import Answer, Ask
from monitor.errors import AccessDenied, Gone, HttpError, SourceError, Throttled
from monitor.simulate.platforms.hackernews import HackerNews as StandIn
from monitor.simulate.platforms.protocol import Asked, Platform, Reply
from monitor.simulate.worlds.scenario import CompanySettings, Scenario
from monitor.simulate.worlds.world import Curve, Item, Kind, Mood, Person, Words, World
from monitor.types import Harvest, Source, SourceKind
from tests.collect.replay import MemoryOf

T0 = datetime(2026, 2, 12, 18, tzinfo=UTC)
LAG = timedelta(minutes=3)
BASE = "http://hackernews.sim.example"
STORY = 40_000_000
ARTICLE = "https://northwind.example/news/series-b"


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def pid(number: int) -> str:
    return f"hackernews:{number}"


@dataclass
class Site:
    """Stories and comments, made one by one; `server` stands in for both APIs."""

    items: dict[int, Item] = field(default_factory=dict)
    lag: timedelta = LAG

    def story(
        self, number: int = STORY, minutes: float = 0, link: str | None = ARTICLE, *,
        title: str = "Northwind raises $40M", text: str = "", by: int = 1,
    ) -> Item:  # fmt: skip
        item = Item(
            post_id=pid(number), kind=Kind.OTHER, created_at=at(minutes), author=person(by),
            words=Words(text, "en", Mood.NEUTRAL, title), link=link,
            likes=Curve(100),
        )  # fmt: skip
        self.items[number] = item
        return item

    def comment(
        self, number: int, minutes: float, parent: int = STORY, text: str | None = None, by: int = 2
    ) -> Item:
        above = self.items[parent]
        item = Item(
            post_id=pid(number), kind=Kind.OTHER, created_at=at(minutes), author=person(by),
            words=Words(text or f"Comment {number}", "en", Mood.NEUTRAL), parent=above,
            root=above.root or above,
        )  # fmt: skip
        above.children.append(item)
        self.items[number] = item
        return item

    def remove(self, number: int, minutes: float) -> None:
        self.items[number].gone_at = at(minutes)

    @property
    def server(self) -> StandIn:
        people = [person(number) for number in range(30)]
        scenario = Scenario(title="built", company=(CompanySettings(id="n", name="Northwind"),))
        return StandIn(World(scenario, people, list(self.items.values()), {}), self.lag)


def person(number: int) -> Person:
    return Person(number, f"did:plc:{number}", f"p{number}.example", f"P {number}", "en", 0, 1.0)


@dataclass
class PlatformHttp:
    """A stand-in as the collectors' door at one moment; `asked` lists paths and parameters.

    `change` may put another answer in the place of the stand-in's.
    """

    platform: Platform
    now: datetime
    change: Callable[[str, Reply], Reply | SourceError | None] = lambda _path, _reply: None
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def get(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Any = None,
        conditional: bool = False,
        robots: bool = False,
    ) -> Answer:
        assert url.startswith(BASE)
        path = url.removeprefix(BASE)
        self.asked.append((path, dict(params or {})))
        pairs = tuple((key, str(value)) for key, value in (params or {}).items())
        reply: Reply | SourceError = self.platform.answer(
            Asked("hackernews.sim.example", path, pairs, {}), self.now
        )
        assert isinstance(reply, Reply)
        reply = self.change(path, reply) or reply
        if isinstance(reply, SourceError):
            raise reply
        if reply.status >= 400:
            kind = {403: AccessDenied, 404: Gone, 429: Throttled}.get(reply.status, HttpError)
            raise kind(f"{url}: HTTP {reply.status}", url=url, status=reply.status, body=reply.body)
        return Answer(url, reply.status, {}, reply.body)

    def count(self, part: str) -> int:
        """How many of the paths that were asked hold `part`."""
        return sum(part in path for path, _ in self.asked)


def source(target: str = str(STORY), kind: SourceKind = SourceKind.THREAD, **more: Any) -> Source:
    return Source(
        source_id="hn", network="hackernews", kind=kind, target=target, origin="config",
        interval=timedelta(minutes=1), **more,
    )  # fmt: skip


@dataclass
class Watch:
    """Polls one source again and again, and remembers what the store would."""

    site: Site
    source: Source = field(default_factory=source)
    memory: MemoryOf = field(default_factory=MemoryOf)
    state: dict[str, Any] = field(default_factory=dict)
    http: PlatformHttp | None = None

    async def poll(
        self,
        minutes: float,
        change: Callable[[str, Reply], Reply | SourceError | None] = lambda _path, _reply: None,
    ) -> Harvest:
        """One poll; the error that ended it stands in `Harvest.error`."""
        self.http = PlatformHttp(self.site.server, at(minutes), change)
        harvest = Harvest(state=dict(self.state))
        ask = Ask(self.source, self.http, self.memory, at(minutes), BASE, dict(self.state))
        try:
            await HackerNews().poll(ask, harvest)
            self.state = harvest.state
        except SourceError as error:
            harvest.error = error
        self.memory = self.memory.take(harvest)
        return harvest


def numbers(harvest: Harvest) -> list[int]:
    """The items that a harvest shows."""
    return sorted(int(post.post_id.partition(":")[2]) for post in harvest.posts)
