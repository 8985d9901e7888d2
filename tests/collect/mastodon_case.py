"""Built Mastodon servers, served by the simulator's stand-ins, and the means to poll them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from monitor.collect.mastodon.collector import Mastodon
from monitor.collect.protocol import Answer, Ask
from monitor.errors import AccessDenied, Gone, HttpError, SourceError, Throttled, Unreachable
from monitor.simulate.platforms.mastodon import Mastodon as StandIn
from monitor.simulate.platforms.protocol import Asked, Reply
from monitor.simulate.worlds.scenario import CompanySettings, Scenario
from monitor.simulate.worlds.world import Curve, Edit, Item, Kind, Mood, Person, Words, World
from monitor.types import Harvest, Source, SourceKind
from tests.collect.replay import MemoryOf

T0 = datetime(2026, 2, 12, 18, tzinfo=UTC)
HOME, OTHER = "home.example", "other.example"
TOP = 117_000_000

Change = Callable[[str, Reply], Reply | SourceError | None]


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def uri(number: int, host: str = HOME, by: int = 1) -> str:
    return f"https://{host}/users/person{by}/statuses/{number}"


@dataclass
class Fediverse:
    """Posts on two servers, made one by one. `unfetched`: numbers that HOME never got."""

    items: dict[int, Item] = field(default_factory=dict)
    unfetched: set[int] = field(default_factory=set)

    def post(
        self, number: int = TOP, minutes: float = 0, parent: int | None = None, *,
        text: str | None = None, host: str = HOME, by: int = 1,
    ) -> Item:  # fmt: skip
        above = self.items[parent] if parent is not None else None
        item = Item(
            post_id=f"ap:{uri(number, host, by)}", kind=Kind.OTHER, created_at=at(minutes),
            author=person(by, host), words=Words(text or f"Post {number}", "en", Mood.NEUTRAL),
            parent=above, root=(above.root or above) if above else None, likes=Curve(50),
        )  # fmt: skip
        if above is not None:
            above.children.append(item)
        self.items[number] = item
        return item

    def edit(self, number: int, minutes: float, text: str) -> None:
        item = self.items[number]
        item.edits = (*item.edits, Edit(at(minutes), text))

    def servers(self) -> dict[str, StandIn]:
        world = World(
            Scenario(title="built", company=(CompanySettings(id="n", name="Northwind"),)),
            [], list(self.items.values()), {},
        )  # fmt: skip
        missing = {id(self.items[number]) for number in self.unfetched}
        return {
            HOME: StandIn(world, HOME, lambda item: id(item) not in missing),
            OTHER: StandIn(world, OTHER, lambda item: True),
        }


def person(number: int, host: str = HOME) -> Person:
    return Person(number, f"did:plc:{number}", host, f"P {number}", "en", 7, 1.0)


@dataclass
class Http:
    """Stand-ins as the collectors' door at one moment; `asked` lists addresses."""

    servers: dict[str, StandIn]
    now: datetime
    change: Change
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str, *, params: Any = None, **_: Any) -> Answer:
        parts = urlsplit(url)
        self.asked.append(f"{parts.netloc}{parts.path}")
        server = self.servers.get(parts.netloc)
        if server is None:
            raise Unreachable(f"{url}: the name does not resolve", url=url)
        pairs = tuple((key, str(value)) for key, value in (params or {}).items())
        reply: Reply | SourceError = server.answer(
            Asked(parts.netloc, parts.path, pairs, {}), self.now
        )
        assert isinstance(reply, Reply)
        reply = self.change(url, reply) or reply
        if isinstance(reply, SourceError):
            raise reply
        if reply.status >= 400:
            kinds = {401: AccessDenied, 404: Gone, 410: Gone, 429: Throttled}
            kind = kinds.get(reply.status, HttpError)
            raise kind(f"{url}: HTTP {reply.status}", url=url, status=reply.status, body=reply.body)
        headers = {name.lower(): value for name, value in reply.headers}
        return Answer(url, reply.status, headers, reply.body)


def source(
    target: str = f"https://{HOME}/@person1/{TOP}", kind: SourceKind = SourceKind.THREAD,
    **more: Any,
) -> Source:  # fmt: skip
    return Source(
        source_id="ap", network="mastodon", kind=kind, target=target, origin="config",
        interval=timedelta(minutes=1), **more,
    )  # fmt: skip


@dataclass
class Watch:
    """Polls one source again and again, and remembers what the store would."""

    verse: Fediverse
    source: Source = field(default_factory=source)
    base_url: str | None = None
    memory: MemoryOf = field(default_factory=MemoryOf)
    state: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def poll(self, minutes: float, change: Change = lambda _url, _reply: None) -> Harvest:
        """One poll; the error that ended it stands in `Harvest.error`."""
        http = Http(self.verse.servers(), at(minutes), change)
        harvest = Harvest(state=dict(self.state))
        ask = Ask(self.source, http, self.memory, at(minutes), self.base_url, dict(self.state))
        try:
            await Mastodon().poll(ask, harvest)
            self.state = harvest.state
        except SourceError as error:
            harvest.error = error
        self.memory = self.memory.take(harvest)
        self.asked = http.asked
        return harvest


def numbers(harvest: Harvest) -> list[int]:
    """The posts that a harvest shows."""
    return sorted(int(post.post_id.rpartition("/")[2]) for post in harvest.posts)
