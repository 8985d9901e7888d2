"""How people react to an announcement: answers, quotes, link posts, mentions, comments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.simulate.worlds.hawkes import Kernel, poisson, tree
from monitor.simulate.worlds.maker import Maker, kernel_of
from monitor.simulate.worlds.scenario import EventSettings
from monitor.simulate.worlds.speech import Speech
from monitor.simulate.worlds.world import Item, Kind, Mood, Place, Words, site_of

__all__ = ["make_reaction"]

_LATER = 6.0  # what starts by itself comes this much later than an answer would
_ATTACK_DRAWS = 12.0  # expected answers to a competitor's attack

Say = Callable[[datetime, Item], Item]


def make_reaction(maker: Maker, event: EventSettings) -> None:
    """The announcement as an article and as a post, and all that follows from it."""
    _Reaction(maker, event).make()


class _Reaction:
    def __init__(self, maker: Maker, event: EventSettings) -> None:
        self.maker = maker
        self.event = event
        self.rng = maker.part(f"reaction:{event.id}")
        self.speech = Speech(self.rng)
        self.kernel: Kernel = kernel_of(event.threads)
        self.t0 = maker.scenario.announced_at + event.after
        self.company = next(c for c in maker.scenario.company if c.id == event.company)
        self.named = frozenset({event.company})

    def make(self) -> None:
        article = self._article()
        post = self._post(article)
        attack = self._attack(post)
        self._grow(post, self.event.direct, self._answer)
        self._grow(article, self.event.comments, self._comment)
        for kind, number in (
            (Kind.QUOTE, self.event.quotes),
            (Kind.LINK, self.event.links),
            (Kind.MENTION, self.event.mentions),
        ):
            for _ in range(poisson(self.rng, number)):
                self._start(kind, post, article)
        if attack is not None:
            self._respond(attack)

    def _article(self) -> Item:
        place = Place(
            host=site_of(self.event.company), number=self._number(),
            slug=f"{self.t0:%Y/%m}/{self.event.id}",
        )  # fmt: skip
        words = replace(self._announced(), title=self.event.title)
        return self.maker.article(
            Kind.ANNOUNCEMENT, self.t0, words, place, event=self.event, names=self.named
        )

    def _number(self) -> int:
        """Behind the articles that a site has anyway."""
        return self.company.earlier_posts + 1 + self.maker.scenario.event.index(self.event)

    def _announced(self) -> Words:
        return self.speech.line(
            ("company", "announcement"), Mood.POSITIVE,
            company=self.company.name, topic=self.event.topic, title=self.event.title,
        )  # fmt: skip

    def _post(self, article: Item) -> Item:
        return self.maker.post(
            self.rng, Kind.ANNOUNCEMENT, self.t0, self.maker.accounts[self.event.company],
            self._announced(), reach=8.0 * (5.0 + self.event.direct),
            link=article.place.url if article.place else None, event=self.event, names=self.named,
        )  # fmt: skip

    def _grow(self, root: Item, direct: float, say: Say) -> None:
        """The tree of answers below `root`."""
        made: list[Item] = []
        for node in tree(
            self.rng, direct=direct, branching=self.event.threads.branching, kernel=self.kernel,
            spread=self.event.threads.spread,
            horizon=(self.maker.scenario.ends_at - root.created_at).total_seconds() - 1.0,
        ):  # fmt: skip
            at = root.created_at + timedelta(seconds=node.at)
            made.append(say(at, root if node.parent < 0 else made[node.parent]))

    def _answer(self, at: datetime, parent: Item) -> Item:
        """Somebody answers, without naming anybody."""
        author = self.maker.somebody(self.rng)
        return self.maker.post(
            self.rng, Kind.REPLY, at, author, self._unnaming(author.language),
            parent=parent, root=parent.root or parent, event=self.event,
        )  # fmt: skip

    def _comment(self, at: datetime, parent: Item) -> Item:
        language = self.maker.somebody(self.rng).language
        return self.maker.comment(at, self._unnaming(language), parent)

    def _start(self, kind: Kind, post: Item, article: Item) -> None:
        """A post that starts by itself, and the answers that it draws."""
        at = self.t0 + timedelta(seconds=_LATER * self.kernel.draw(self.rng))
        if at >= self.maker.scenario.ends_at:
            return
        quotes = kind is Kind.QUOTE
        author = self.maker.somebody(self.rng, openly=not quotes)
        words = self._unnaming(author.language) if quotes else self._naming(author.language)
        made = self.maker.post(
            self.rng, kind, at, author, words, quoted=post if quotes else None,
            link=article.place.url if kind is Kind.LINK and article.place else None,
            names=frozenset() if quotes else self.named, event=self.event,
        )  # fmt: skip
        say = {Kind.QUOTE: self._answer, Kind.LINK: self._answer_naming}.get(kind, self._echo)
        self._grow(made, self.event.threads.branching, say)

    def _unnaming(self, language: str) -> Words:
        return self.speech.post("reply", language, self.event.mood)

    def _naming(self, language: str) -> Words:
        return self.speech.post(
            "mention", language, self.event.mood, company=self.company.name, topic=self.event.topic
        )

    def _answer_naming(self, at: datetime, parent: Item) -> Item:
        return self._below(Kind.REPLY, at, parent)

    def _echo(self, at: datetime, parent: Item) -> Item:
        """An answer to a mention is one itself, for it names company and topic again."""
        return self._below(Kind.MENTION, at, parent)

    def _below(self, kind: Kind, at: datetime, parent: Item) -> Item:
        author = self.maker.somebody(self.rng, openly=True)
        return self.maker.post(
            self.rng, kind, at, author, self._naming(author.language), parent=parent,
            root=parent.root or parent, event=self.event, names=self.named,
        )  # fmt: skip

    def _attack(self, post: Item) -> Item | None:
        """A competitor's reply, which draws a crowd."""
        event = self.event
        if event.attack is None or event.attack_by is None:
            return None
        words = self.speech.line(("rival", "attack"), Mood.NEGATIVE)
        attack = self.maker.post(
            self.rng, Kind.REPLY, self.t0 + event.attack, self.maker.accounts[event.attack_by],
            words, reach=20.0 * (5.0 + event.direct), parent=post, root=post, event=event,
        )  # fmt: skip
        self._grow(attack, _ATTACK_DRAWS, self._answer)
        return attack

    def _respond(self, attack: Item) -> None:
        """The company's answer, if it is not silent."""
        if self.event.answer is not None:
            words = self.speech.line(("company", "answer"), Mood.NEUTRAL)
            self.maker.post(
                self.rng, Kind.REPLY, self.t0 + self.event.answer,
                self.maker.accounts[self.event.company], words, reach=200.0,
                parent=attack, root=attack.root, event=self.event,
            )  # fmt: skip
