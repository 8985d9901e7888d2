"""Discussions elsewhere: stories on Hacker News that point to the article, and their comments."""

from __future__ import annotations

from datetime import timedelta

from monitor.simulate.worlds.hawkes import poisson, tree
from monitor.simulate.worlds.maker import Maker, kernel_of
from monitor.simulate.worlds.scenario import EventSettings
from monitor.simulate.worlds.speech import Speech
from monitor.simulate.worlds.world import Item, Kind, Mood, Words

__all__ = ["make_discussions"]

_LATER = 3.0  # a story comes this much later than an answer would


def make_discussions(maker: Maker, event: EventSettings) -> None:
    """As many stories as the scenario expects; each draws as many comments as the article."""
    rng = maker.part(f"discussions:{event.id}")
    speech, kernel = Speech(rng), kernel_of(event.threads)
    company = next(c for c in maker.scenario.company if c.id == event.company)
    article = next(
        i for i in maker.items if i.kind is Kind.ANNOUNCEMENT and i.event is event and i.place
    )
    for _ in range(poisson(rng, event.discussions)):
        at = article.created_at + timedelta(seconds=_LATER * kernel.draw(rng))
        if not maker.within(at):
            continue
        title = f"{company.name}: {event.topic}"
        story = maker.story(
            rng, at, maker.somebody(rng), Words("", "en", Mood.NEUTRAL, title),
            link=article.url, event=event, names=frozenset({company.id}),
        )  # fmt: skip
        made: list[Item] = []
        for node in tree(
            rng, direct=event.comments, branching=event.threads.branching, kernel=kernel,
            spread=event.threads.spread,
            horizon=(maker.scenario.ends_at - story.created_at).total_seconds() - 1.0,
        ):  # fmt: skip
            parent = story if node.parent < 0 else made[node.parent]
            said = speech.post("reply", "en", event.mood)
            at = story.created_at + timedelta(seconds=node.at)
            made.append(maker.remark(at, maker.somebody(rng), said, parent))
