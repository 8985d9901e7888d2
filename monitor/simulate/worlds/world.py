"""The simulated world: who says what, when, where, and what becomes of it. It knows everything."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from monitor.simulate.worlds.scenario import CompanySettings, EventSettings, PressSettings, Scenario

__all__ = [
    "Curve",
    "Edit",
    "Item",
    "Kind",
    "Mood",
    "Person",
    "Place",
    "Words",
    "World",
    "descendants",
    "host_of",
    "site_of",
]


class Kind(StrEnum):
    """What an item is to the world; the reactions among them are named like relations."""

    ANNOUNCEMENT = "announcement"
    REPLY = "reply"
    QUOTE = "quote"
    REPOST = "repost"
    LINK = "link"
    PRESS = "press"
    MENTION = "mention"
    BACKGROUND = "background"  # names a company, about no event
    OWN = "own"  # what a company's account says apart from its announcements
    OTHER = "other"  # in a company's thread, naming nobody; or an article about something else
    STRAY = "stray"  # names something else that is called so


class Mood(StrEnum):
    """The mood in which a text was made."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Person:
    """A synthetic account. `weight` says how often it takes part."""

    number: int
    did: str
    handle: str
    name: str
    language: str
    followers: int
    weight: float
    withheld: bool = False  # asks not to be shown to readers without a login

    @property
    def account(self) -> str:
        """The name of the same person on Hacker News."""
        return f"person{self.number}"


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody says, and in which mood."""

    text: str
    language: str
    mood: Mood
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """How a counter grows: final · (1 - (1 + age/scale)^(-shape)), whole numbers, `age` seconds."""

    final: int
    scale: float = 1800.0
    shape: float = 0.8

    def at(self, age: float) -> int:
        """The counter at that age."""
        if age <= 0.0:
            return 0
        return math.floor(self.final * (1.0 - float((1.0 + age / self.scale) ** -self.shape)))

    def age(self, share: float) -> float:
        """The age at which `share` (below 1) of the final value is reached."""
        return self.scale * (float((1.0 - share) ** (-1.0 / self.shape)) - 1.0)


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that replaced the earlier one."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article or comment stands: its host, its number there, its feed's outlet."""

    host: str
    number: int = 0
    slug: str = ""
    outlet: str = ""

    @property
    def url(self) -> str:
        """The article's page."""
        return f"http://{self.host}/{self.slug}/"


@dataclass(slots=True, eq=False)
class Item:
    """A post, comment, article or repost.

    `created_at` is when it was really made; `claimed_at` what its author's clock says.
    `visible_from` is later where somebody must approve it, `gone_at` is when it was deleted,
    `hidden_at` when the announcer hid it, `blocked_at` when its author and the author of what it
    answers blocked each other.
    """

    post_id: str
    kind: Kind
    created_at: datetime
    author: Person | None
    words: Words
    claimed_at: datetime | None = None
    parent: Item | None = None
    root: Item | None = None
    quoted: Item | None = None
    link: str | None = None
    place: Place | None = None
    event: EventSettings | None = None
    names: frozenset[str] = frozenset()  # companies
    visible_from: datetime | None = None
    gone_at: datetime | None = None
    hidden_at: datetime | None = None
    blocked_at: datetime | None = None
    also_in: tuple[str, ...] = ()  # further outlets whose feeds show it
    edits: tuple[Edit, ...] = ()
    likes: Curve = Curve(0)
    reposts: list[tuple[datetime, Person]] = field(default_factory=list)  # by time
    children: list[Item] = field(default_factory=list)
    quotes: list[Item] = field(default_factory=list)

    @property
    def network(self) -> str:
        """The prefix of its id."""
        return self.post_id.partition(":")[0]

    @property
    def text(self) -> str:
        """What it said first."""
        return self.words.text

    @property
    def title(self) -> str | None:
        """Its headline."""
        return self.words.title

    @property
    def native(self) -> str:
        """Its id within the network."""
        return self.post_id.partition(":")[2]

    @property
    def shown_from(self) -> datetime:
        """Since when its network shows it."""
        return self.visible_from or self.created_at

    def exists(self, now: datetime) -> bool:
        """Does its network show it to anybody at all?"""
        return self.shown_from <= now and (self.gone_at is None or now < self.gone_at)

    @property
    def url(self) -> str:
        """Its page."""
        if self.place is not None:
            number = self.post_id.rpartition("/")[2]
            return self.place.url if self.parent is None else f"{self.place.url}#comment-{number}"
        if self.network == "hackernews":
            return f"https://news.ycombinator.com/item?id={self.native}"
        did, _, key = self.native.removeprefix("at://").partition("/app.bsky.feed.post/")
        return f"https://bsky.app/profile/{did}/post/{key}"

    @property
    def author_id(self) -> str | None:
        """Its author's stable id; None where nobody has an account."""
        if self.author is None:
            return None
        name = self.author.account if self.network == "hackernews" else self.author.did
        return f"{self.network}:{name}"

    @property
    def is_withheld(self) -> bool:
        """Does its author ask not to be shown to readers without a login?"""
        return self.network == "bluesky" and self.author is not None and self.author.withheld

    def is_blocked(self, now: datetime) -> bool:
        """Is it cut off from what it answers?"""
        return self.blocked_at is not None and self.blocked_at <= now

    def is_hidden(self, now: datetime) -> bool:
        """Has the announcer hidden it? It is served still."""
        return self.hidden_at is not None and self.hidden_at <= now

    def said(self, now: datetime) -> str:
        """Its text as it stands at that time; a post that links to a page ends with its address."""
        text = next((edit.text for edit in reversed(self.edits) if edit.at <= now), self.text)
        is_told = self.kind is Kind.LINK and self.network == "bluesky"
        return f"{text} {self.link}" if is_told else text

    def edited_at(self, now: datetime) -> datetime | None:
        """When it was changed last."""
        return max((edit.at for edit in self.edits if edit.at <= now), default=None)

    def replies(self, now: datetime) -> int:
        """How many answers its network counts: also hidden and withheld ones, no deleted ones."""
        return sum(child.exists(now) for child in self.children)

    def quote_count(self, now: datetime) -> int:
        """How often it is quoted."""
        return sum(quote.exists(now) for quote in self.quotes)

    def repost_count(self, now: datetime) -> int:
        """How often it was passed on so far."""
        return bisect_right(self.reposts, now, key=lambda repost: repost[0])

    def age(self, now: datetime) -> float:
        """Seconds since it was made."""
        return (now - self.created_at).total_seconds()


@dataclass(slots=True)
class World:
    """All of it, in order of time. `accounts` maps companies to their own accounts."""

    scenario: Scenario
    people: list[Person]
    items: list[Item]
    accounts: dict[str, Person]

    def __post_init__(self) -> None:
        self.items.sort(key=lambda item: (item.created_at, item.post_id))

    @property
    def companies(self) -> dict[str, CompanySettings]:
        """By id."""
        return {company.id: company for company in self.scenario.company}

    @property
    def outlets(self) -> dict[str, PressSettings]:
        """By id."""
        return {outlet.id: outlet for outlet in self.scenario.press}

    def of(self, network: str) -> list[Item]:
        """The items of one network, in order of time."""
        return [item for item in self.items if item.network == network]

    def announcements(self, event: EventSettings) -> list[Item]:
        """The posts and articles that announce an event."""
        return [i for i in self.items if i.kind is Kind.ANNOUNCEMENT and i.event is event]

    def announced_at(self, event: EventSettings) -> datetime:
        """The event's moment."""
        return self.scenario.announced_at + event.after


def descendants(item: Item) -> Iterable[Item]:
    """Everything below an item."""
    stack = list(item.children)
    while stack:
        one = stack.pop()
        yield one
        stack.extend(one.children)


def site_of(company: str) -> str:
    """The host of a company's newsroom."""
    return f"newsroom.{company}.example"


def host_of(outlet: str) -> str:
    """The host of a press outlet."""
    return f"{outlet}.press.example"
