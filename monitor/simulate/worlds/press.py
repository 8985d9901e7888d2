"""The press: articles about an event that copy each other, and articles about something else."""

from __future__ import annotations

import math
from datetime import timedelta

from monitor.simulate.worlds.hawkes import poisson
from monitor.simulate.worlds.maker import Maker
from monitor.simulate.worlds.scenario import EventSettings, PressSettings
from monitor.simulate.worlds.speech import Speech
from monitor.simulate.worlds.world import Item, Kind, Place, Words, host_of

__all__ = ["make_articles", "make_other_articles"]

_MEDIAN_HOURS = 4.0
_BUSY = 0.5  # dispersion of what is written in an hour
_LINKING = 0.2  # of the articles, which link to the announcement


def make_articles(maker: Maker, event: EventSettings) -> None:
    """The press wave: originals, copies word for word in the same language, links to the source."""
    rng = maker.part(f"press:{event.id}")
    speech = Speech(rng)
    names = {company.id: company.name for company in maker.scenario.company}
    source = next(
        i.place.url
        for i in maker.items
        if i.kind is Kind.ANNOUNCEMENT and i.event is event and i.place
    )
    rival = names.get(event.attack_by or "", "the competition")
    t0 = maker.scenario.announced_at + event.after
    earlier: list[Item] = []
    delays = sorted(
        _MEDIAN_HOURS * math.exp(rng.gauss(0.0, 1.0)) for _ in range(poisson(rng, event.articles))
    )
    for delay in delays:
        at = t0 + timedelta(hours=delay)
        if at >= maker.scenario.ends_at:
            break
        outlet = rng.choice(maker.scenario.press)
        words = speech.article(
            outlet.language, company=names[event.company], topic=event.topic, rival=rival
        )
        same = [one for one in earlier if one.words.language == outlet.language]
        if same and rng.random() < event.copies:
            words = rng.choice(same).words
        links = rng.random() < _LINKING
        made = maker.article(
            Kind.LINK if links else Kind.PRESS, at, words, _place(maker, outlet), event=event,
            names=_named(words, names), link=source if links else None,
        )  # fmt: skip
        earlier.append(made)


def make_other_articles(maker: Maker) -> None:
    """What the same outlets write besides."""
    for outlet in maker.scenario.press:
        rng = maker.part(f"other:{outlet.id}")
        speech = Speech(rng)
        for at in maker.moments(rng, outlet.other_per_day, _BUSY):
            maker.article(Kind.OTHER, at, speech.noise(outlet.language), _place(maker, outlet))


def _named(words: Words, names: dict[str, str]) -> frozenset[str]:
    """The companies of which an article speaks."""
    return frozenset(i for i, name in names.items() if name in f"{words.title} {words.text}")


def _place(maker: Maker, outlet: PressSettings) -> Place:
    number = len(maker.items)
    return Place(
        host=host_of(outlet.id), number=number, slug=f"articles/{number}", outlet=outlet.id
    )
