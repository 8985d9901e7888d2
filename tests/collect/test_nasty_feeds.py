"""Thirty feeds as publishers make them, polled one after the other into a store.

Each says which documents are served, and which posts stand in the end: once each, whatever the
feed does to its links, guids, dates and bytes. All documents here are built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from monitor.config import Config
from monitor.store.database import Database
from monitor.types import Outcome, Poll
from tests.collect.feed_case import feed_source, poll, rss
from tests.collect.replay import MemoryOf, ReplayHttp
from tests.world import a_store, at

HERE = "https://news.example.org/feed.xml"
THERE = "https://mirror.example.net/feed.xml"
SITE = "https://news.example.org"
NOON = "Thu, 12 Feb 2026 12:00:00 GMT"


def entry(
    title: str | None = "A", link: str | None = f"{SITE}/a", guid: str = "", date: str = NOON,
    more: str = "",
) -> str:  # fmt: skip
    """One item of an RSS feed, with what is given."""
    parts = {"title": title, "link": link, "pubDate": date}
    given = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value)
    named = f'<guid isPermaLink="false">{guid}</guid>' if guid else ""
    return f"<item>{given}{named}{more}</item>"


def coded(title: str, encoding: str, declared: str) -> bytes:
    text = rss(entry(title)).decode().replace('encoding="UTF-8"', f'encoding="{declared}"')
    return text.encode(encoding)


A, B = entry("A"), entry("B", f"{SITE}/b")
WHOLE = rss(A + B)
BOMB = rss(A).replace(
    b"<rss", b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss', 1
).replace(b"<title>A<", b"<title>A&b;<")  # fmt: skip
BLUESKY = "https://bsky.app/profile/did:plc:ann/post/3kabc"
Served = bytes | tuple[str, bytes]


@dataclass(frozen=True)
class Nasty:
    """What is served, poll by poll, by the usual address or another; and what stands then.

    `stands`: title and clock of every post. `fails`: polls that end in an error, by their place.
    """

    served: list[Served]
    stands: list[tuple[str | None, str]]
    headers: dict[str, str] = field(default_factory=dict)
    fails: set[int] = field(default_factory=set)
    networks: set[str] = frozenset({"feed"})
    versions: int | None = None


BOTH = [("A", "author"), ("B", "author")]
FEEDS = {
    "the same again": Nasty([WHOLE, WHOLE], BOTH, versions=2),
    "another order": Nasty([WHOLE, rss(B + A)], BOTH, versions=2),
    "guids made anew at every look": Nasty(
        [rss(entry("A", guid="1") + B), rss(entry("A", guid="2") + B)], BOTH, versions=2
    ),
    "a guid that follows the headline": Nasty(
        [rss(entry("A?", guid="A?")), rss(entry("A", guid="A"))], [("A", "author")], versions=2
    ),
    "one guid for all": Nasty(
        [rss(entry("A", guid="x") + entry("B", f"{SITE}/b", guid="x"))] * 2, BOTH
    ),
    "one guid for all, and no links": Nasty(
        [rss(entry("A", None, "x") + entry("B", None, "x"))] * 2, BOTH
    ),
    "no guids, no links": Nasty([rss(entry("A", None) + entry("B", None))] * 2, BOTH),
    "every link leads to the site": Nasty(
        [rss(entry("A", SITE, "1") + entry("B", f"{SITE}/", "2"))] * 2, BOTH
    ),
    "every link leads to the live blog": Nasty(
        [rss(entry("A", f"{SITE}/live", "1") + entry("B", f"{SITE}/live", "2"))] * 2, BOTH
    ),
    "an item twice in one document": Nasty([rss(A + B + A)], BOTH),
    "links that follow the reader": Nasty(
        [
            rss(entry("A", f"{SITE}/a?utm_source=rss&amp;utm_campaign={n}") + B)
            for n in range(3)
        ], BOTH,
    ),
    "http, www and a fragment": Nasty(
        [rss(A), rss(entry("A", "http://www.news.example.org/a#top"))], [("A", "author")]
    ),
    "relative links": Nasty([rss(entry("A", "/a")), rss(A)], [("A", "author")]),
    "two feeds of one newsroom": Nasty([WHOLE, (THERE, WHOLE)], BOTH),
    "two servers that take turns": Nasty([rss(A), rss(B), rss(A), rss(B)], BOTH, versions=2),
    "copies of an agency's text": Nasty(
        [rss(entry("A")), (THERE, rss(entry("A", "https://mirror.example.net/a")))],
        [("A", "author"), ("A", "author")],
    ),
    "no dates": Nasty([rss(entry("A", date=""))] * 2, [("A", "first_seen")]),
    "a date that is none": Nasty([rss(entry("A", date="yesterday"))], [("A", "first_seen")]),
    "next year": Nasty(
        [rss(entry("A", date="Fri, 12 Feb 2027 12:00:00 GMT"))], [("A", "first_seen")]
    ),
    "local time without a zone, ahead of ours": Nasty(
        [rss(entry("A", date="Thu, 12 Feb 2026 23:30:00"))], [("A", "first_seen")]
    ),
    "sixty years ago": Nasty([rss(entry("A", date="Sat, 12 Feb 1966 12:00:00 GMT"))],
                             [("A", "author")]),
    "a date that moves with every look": Nasty(
        [rss(entry("A", date=f"Thu, 12 Feb 2026 1{n}:00:00 GMT")) for n in range(3)],
        [("A", "author")],
    ),
    "western bytes under a wrong name": Nasty(
        [coded("Zürich", "iso-8859-1", "UTF-8")], [("Zürich", "author")]
    ),
    "Cyrillic bytes that only the document names": Nasty(
        [coded("Новости дня", "koi8-r", "koi8-r")], [("Новости дня", "author")],
        headers={"content-type": "text/xml; charset=utf-8"},
    ),
    "markup, entities and scripts in a headline": Nasty(
        [rss(entry("&lt;b&gt;A&lt;/b&gt; &amp;amp; B&lt;script&gt;x()&lt;/script&gt;"))],
        [("A & B", "author")],
    ),
    "NUL bytes": Nasty([rss(A).replace(b">A<", b">A\x00<")], [("A", "author")]),
    "entities that grow": Nasty([BOMB], [("A&b;", "author")]),
    "an error page with status 200": Nasty(
        [WHOLE, b"<!doctype html><html><body>Sorry</body></html>", WHOLE], BOTH, fails={1}
    ),
    "cut off in the second item": Nasty([WHOLE[: WHOLE.index(b"<title>B")], WHOLE], BOTH,
                                        fails={0}),
    "empty for a while": Nasty([WHOLE, rss(""), WHOLE], BOTH, versions=2),
    "no headline, no text": Nasty([rss(entry(None))], [(None, "author")]),
    "a link that would run": Nasty([rss(entry("A", "javascript:alert(1)", "1"))],
                                   [("A", "author")]),
    "a post of a network, by two addresses": Nasty(
        [rss(entry("A", BLUESKY)), rss(entry("A", f"{BLUESKY}?ref=rss"))], [("A", "author")],
        networks={"bluesky"},
    ),
    "a story of Hacker News, by its guid": Nasty(
        [rss(entry("A", f"{SITE}/a", more="<guid>https://news.ycombinator.com/item?id=7</guid>"))],
        [("A", "author")], networks={"hackernews"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FEEDS)
async def test_what_a_nasty_feed_leaves(database: Database, config: Config, name: str) -> None:
    nasty = FEEDS[name]
    sources = {url: feed_source(url) for url in (HERE, THERE)}
    memory = dict.fromkeys(sources, MemoryOf())
    failed = set()
    with a_store(database, config, *sources.values()) as store:
        for n, served in enumerate(nasty.served):
            url, body = served if isinstance(served, tuple) else (HERE, served)
            http, when = ReplayHttp(), at(n / 4)
            headers = {"content-type": "application/rss+xml", **nasty.headers}
            http.add(urlsplit(url).path, body, headers=headers)
            harvest = await poll(http, sources[url], memory=memory[url], now=when)
            memory[url] = memory[url].take(harvest)
            if harvest.error:
                failed.add(n)
            outcome = Outcome.ERROR if harvest.error else Outcome.OK
            store.commit(
                Poll(
                    source=sources[url], started_at=when, finished_at=when, outcome=outcome,
                    harvest=harvest, next_at=when,
                )
            )  # fmt: skip
        stand = store.rows("select title, clock, network, state, url, text from posts")
        assert sorted((row["title"], row["clock"]) for row in stand) == sorted(nasty.stands)
        assert {row["network"] for row in stand} <= nasty.networks
        assert {row["state"] for row in stand} <= {"live"}
        assert all(str(row["url"]).startswith(("https:", "http:", "None")) for row in stand)
        assert failed == nasty.fails
        if nasty.versions is not None:
            versions = store.one("select count(*) as n from post_versions")
            assert versions["n"] == nasty.versions
        assert store.problems() == []
