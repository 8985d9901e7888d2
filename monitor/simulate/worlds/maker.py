"""Makes the people and the items of a world, and numbers them."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from monitor.identity import link_id
from monitor.simulate.worlds.hawkes import Exponential, Kernel, Power, gamma_poisson
from monitor.simulate.worlds.scenario import Scenario, Threads
from monitor.simulate.worlds.world import Curve, Item, Kind, Person, Place, Words

__all__ = ["Maker", "kernel_of"]

_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_TID_DIGITS = 13
_FIRST_NUMBER = 40_000_000


def kernel_of(threads: Threads) -> Kernel:
    """The memory that a scenario asks for."""
    median = threads.median.total_seconds()
    return Exponential(median) if threads.kernel == "exponential" else Power(median, threads.tail)


class Maker:
    """Makes items, and the people who write them; numbers everything in the order of making."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.items: list[Item] = []
        self.people: list[Person] = []
        self.accounts: dict[str, Person] = {}
        rng = self.part("people")
        for company in scenario.company:
            made = self._person(rng, f"news.{company.id}.example", company.name)
            self.accounts[company.id] = made
        tongues, weights = zip(*scenario.languages.items(), strict=True)
        for _ in range(scenario.people):
            language = rng.choices(tongues, weights)[0]
            number = len(self.people)
            withheld = rng.random() < scenario.trouble.withheld
            name = f"Simulated Person {number}"
            self._person(
                rng, f"person{number}.sim.example", name, language=language, median=200.0,
                withheld=withheld,
            )  # fmt: skip
        crowd = self.people[len(scenario.company) :]
        self._open = [person for person in crowd if not person.withheld]
        self._crowd = crowd
        self._sums = {
            id(group): list(accumulate(person.weight for person in group))
            for group in (self._open, self._crowd)
        }

    def part(self, name: str) -> random.Random:
        """The chance of one part of the world, whatever the others draw."""
        return random.Random(f"{self.scenario.seed}:{name}")

    def _person(
        self, rng: random.Random, handle: str, name: str, *, language: str = "en",
        median: float = 50_000.0, withheld: bool = False,
    ) -> Person:  # fmt: skip
        number = len(self.people)
        made = Person(
            number=number, did=f"did:plc:sim{_digits(number, 21)}", handle=handle, name=name,
            language=language, followers=round(median * math.exp(rng.gauss(0.0, 1.5))),
            weight=1.0 / (1 + number) ** 0.8, withheld=withheld,
        )  # fmt: skip
        self.people.append(made)
        return made

    def somebody(self, rng: random.Random, *, openly: bool = False) -> Person:
        """Someone of the crowd, the same few more often; `openly`: readable without a login."""
        group = self._open if openly else self._crowd
        return rng.choices(group, cum_weights=self._sums[id(group)])[0]

    def moments(self, rng: random.Random, per_day: float, dispersion: float) -> list[datetime]:
        """When something happens that follows the hour and the day, over the world's whole span."""
        start = self.scenario.starts_at
        hours = int((self.scenario.ends_at - start) / timedelta(hours=1))

        def rate(hour: int) -> float:
            return per_day / 24.0 * _everyday(start + timedelta(hours=hour))

        return [start + timedelta(hours=h) for h in gamma_poisson(rng, hours, rate, dispersion)]

    def post(
        self, rng: random.Random, kind: Kind, at: datetime, author: Person, words: Words,
        *, reach: float = 6.0, **more: Any,
    ) -> Item:  # fmt: skip
        """A Bluesky post with counters that will grow to about `reach` likes."""
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        item = Item(
            post_id=f"bluesky:at://{author.did}/app.bsky.feed.post/{self._tid(at)}", kind=kind,
            created_at=at, claimed_at=at, author=author, words=words, **more,
        )  # fmt: skip
        item.likes = Curve(round(reach * math.exp(rng.gauss(0.0, 1.0))), shape=0.7)
        self._pass_on(rng, item, round(item.likes.final * 0.15))
        if item.parent is not None:
            item.parent.children.append(item)
        if item.quoted is not None:
            item.quoted.quotes.append(item)
        self.items.append(item)
        return item

    def comment(self, at: datetime, words: Words, parent: Item) -> Item:
        """A comment under an article; it gets its number when all are made."""
        root = parent.root or parent
        item = Item(
            post_id=f"wordpress:comment/{len(self.items)}", kind=Kind.REPLY,
            created_at=at.replace(microsecond=0), author=None, words=words, parent=parent,
            root=root, place=root.place, event=root.event,
        )  # fmt: skip
        parent.children.append(item)
        self.items.append(item)
        return item

    def story(
        self, rng: random.Random, at: datetime, author: Person, words: Words, **more: Any
    ) -> Item:
        """A link on Hacker News, where points come as likes do elsewhere."""
        likes = Curve(round(40.0 * math.exp(rng.gauss(0.0, 1.0))), shape=0.7)
        return self._on_hackernews(
            kind=Kind.LINK, created_at=at, author=author, words=words, likes=likes, **more
        )

    def remark(self, at: datetime, author: Person, words: Words, parent: Item) -> Item:
        """A comment on Hacker News."""
        item = self._on_hackernews(
            kind=Kind.REPLY, created_at=at, author=author, words=words, parent=parent,
            root=parent.root or parent, event=parent.event,
        )  # fmt: skip
        parent.children.append(item)
        return item

    def _on_hackernews(self, *, created_at: datetime, **more: Any) -> Item:
        """Numbers grow with what is made: an answer has a greater one than what it answers."""
        number = _FIRST_NUMBER + len(self.items)
        at = created_at.replace(microsecond=0)
        item = Item(post_id=f"hackernews:{number}", created_at=at, claimed_at=at, **more)
        self.items.append(item)
        return item

    def article(self, kind: Kind, at: datetime, words: Words, place: Place, **more: Any) -> Item:
        """A page of a newsroom (without an outlet) or of the press; its id is where it stands."""
        if place.outlet:
            post_id = str(link_id(place.url))
        else:
            post_id = f"wordpress:{place.host}/post/{place.number}"
        item = Item(
            post_id=post_id, kind=kind, created_at=at.replace(microsecond=0), author=None,
            words=words, place=place, **more,
        )  # fmt: skip
        self.items.append(item)
        return item

    def _pass_on(self, rng: random.Random, item: Item, often: int) -> None:
        for by in {self.somebody(rng): None for _ in range(often)}:  # each of them once
            at = item.created_at + timedelta(seconds=item.likes.age(rng.random() * 0.98))
            if at <= self.scenario.ends_at:
                item.reposts.append((at, by))
        item.reposts.sort(key=lambda repost: (repost[0], repost[1].number))

    def _tid(self, at: datetime) -> str:
        """A record key as the network makes them: microseconds and a counter, in base 32."""
        return _digits(round(at.timestamp() * 1e6) << 10 | len(self.items) % 1024, _TID_DIGITS)

    def within(self, at: datetime) -> bool:
        """Does the world reach that far?"""
        return self.scenario.starts_at <= at <= self.scenario.ends_at


def _digits(number: int, width: int) -> str:
    digits = []
    while number:
        number, digit = divmod(number, 32)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits)).rjust(width, _DIGITS[0])


def _everyday(hour: datetime) -> float:
    """How busy an hour is: a daily wave with its top in the afternoon, and quieter weekends."""
    wave = 1.0 + 0.6 * math.sin(2.0 * math.pi * (hour.hour - 9) / 24.0)
    return wave * (0.7 if hour.weekday() >= 5 else 1.12)  # noqa: PLR2004 - Saturday and Sunday
