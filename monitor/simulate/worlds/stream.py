"""What is said of a company every day, and what its own account says before anything happens."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.simulate.worlds.hawkes import tree
from monitor.simulate.worlds.maker import Maker, kernel_of
from monitor.simulate.worlds.scenario import CompanySettings
from monitor.simulate.worlds.speech import Speech
from monitor.simulate.worlds.world import Item, Kind, Mood, Place, site_of

__all__ = ["make_stream"]

_OWN_THREAD = 4.0  # expected answers to a company's everyday post
_JABS = (timedelta(days=13), timedelta(days=6))  # before the event


def make_stream(maker: Maker, company: CompanySettings) -> None:
    """Mentions with their replies, posts of the company's own, strays, and a rival's earlier jabs.

    Replies to a mention name the company as well, so that all of it belongs to the stream.
    """
    _mentions(maker, company)
    _strays(maker, company)
    _own(maker, company)
    _jabs(maker, company)


def _mentions(maker: Maker, company: CompanySettings) -> None:
    rng = maker.part(f"mentions:{company.id}")
    speech = Speech(rng)
    kernel = kernel_of(company.threads)

    def say(at: datetime, parent: Item | None) -> Item:
        author = maker.somebody(rng, openly=True)
        words = speech.post(
            "background", author.language, company.mood, company=_called(rng, company)
        )
        root = None if parent is None else parent.root or parent
        return maker.post(
            rng, Kind.BACKGROUND, at, author, words, parent=parent, root=root,
            names=frozenset({company.id}),
        )  # fmt: skip

    for at in maker.moments(rng, company.mentions_per_day, company.dispersion):
        top = say(at, None)
        nodes = tree(
            rng, direct=company.threads.branching, branching=company.threads.branching,
            kernel=kernel, spread=company.threads.spread,
            horizon=(maker.scenario.ends_at - at).total_seconds(),
        )  # fmt: skip
        made: list[Item] = []
        for node in nodes:
            parent = top if node.parent < 0 else made[node.parent]
            made.append(say(at + timedelta(seconds=node.at), parent))


def _called(rng: random.Random, company: CompanySettings) -> str:
    """Mostly its name, sometimes an alias."""
    return rng.choice([company.name, company.name, *company.aliases])


def _strays(maker: Maker, company: CompanySettings) -> None:
    rng = maker.part(f"strays:{company.id}")
    speech = Speech(rng)
    if not company.strays:
        return
    for at in maker.moments(rng, company.strays_per_day, 0.0):
        author = maker.somebody(rng, openly=True)
        words = speech.line(
            ("stray", "posts"), Mood.NEUTRAL, author.language, stray=rng.choice(company.strays)
        )
        maker.post(rng, Kind.STRAY, at, author, words)


def _own(maker: Maker, company: CompanySettings) -> None:
    """Posts of its account with their threads, and articles in its newsroom."""
    rng = maker.part(f"own:{company.id}")
    speech, scenario = Speech(rng), maker.scenario
    names = frozenset({company.id})
    for n in range(company.earlier_posts):
        share = (n + 0.3 + 0.4 * rng.random()) / company.earlier_posts
        at = scenario.starts_at + scenario.before * share
        words = speech.line(("company", "earlier"), Mood.POSITIVE, company=company.name)
        post = maker.post(
            rng, Kind.OWN, at, maker.accounts[company.id], words, reach=30.0, names=names
        )
        place = Place(host=site_of(company.id), number=n + 1, slug=f"{at:%Y/%m}/news-{n + 1}")
        titled = replace(words, title=f"{company.name} news {n + 1}")
        maker.article(Kind.OWN, at, titled, place, names=names)
        _answers(maker, rng, company, post)


def _answers(maker: Maker, rng: random.Random, company: CompanySettings, post: Item) -> None:
    """The thread under an everyday post; nobody in it names anybody."""
    speech = Speech(rng)
    made: list[Item] = []
    for node in tree(
        rng, direct=_OWN_THREAD, branching=company.threads.branching,
        kernel=kernel_of(company.threads), spread=company.threads.spread,
        horizon=(maker.scenario.ends_at - post.created_at).total_seconds(),
    ):  # fmt: skip
        author, at = maker.somebody(rng), post.created_at + timedelta(seconds=node.at)
        words = speech.post("reply", author.language, company.mood)
        parent = post if node.parent < 0 else made[node.parent]
        made.append(maker.post(rng, Kind.OTHER, at, author, words, parent=parent, root=post))


def _jabs(maker: Maker, company: CompanySettings) -> None:
    """What those who will attack said earlier."""
    rng = maker.part(f"jabs:{company.id}")
    speech = Speech(rng)
    for event in maker.scenario.event:
        if event.company != company.id or event.attack_by is None:
            continue
        for before in _JABS:
            at = maker.scenario.announced_at + event.after - before
            if maker.within(at):
                words = speech.line(("rival", "earlier"), Mood.NEGATIVE, company=company.name)
                maker.post(
                    rng, Kind.BACKGROUND, at, maker.accounts[event.attack_by], words,
                    reach=120.0, names=frozenset({company.id}),
                )  # fmt: skip
