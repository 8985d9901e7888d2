"""What the tests of feeds share: sources, polls over recorded or built answers, rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.collect.feed.collector import Feed
from monitor.errors import SourceError
from monitor.types import Harvest, Source, SourceKind
from tests.collect.plain import plain
from tests.collect.replay import MemoryOf, ReplayHttp, ask_for

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)
URL = "https://news.example.org/feed.xml"


def feed_source(target: str = URL, **more: Any) -> Source:
    return Source(
        source_id=f"feed:{target}",
        network="feed",
        kind=SourceKind.FEED,
        target=target,
        origin="config",
        interval=timedelta(minutes=5),
        **more,
    )


def rss(items: str, channel: str = "", root: str = "") -> bytes:
    """A built RSS 2.0 document with the usual namespaces."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
        ' xmlns:wfw="http://wellformedweb.org/CommentAPI/"'
        ' xmlns:thr="http://purl.org/syndication/thread/1.0"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        f' xmlns:atom="http://www.w3.org/2005/Atom" {root}><channel><title>Built</title>'
        f"<link>https://news.example.org/</link>{channel}{items}</channel></rss>"
    ).encode()


def item(number: int, inside: str = "", link: str | None = None) -> str:
    link = f"https://news.example.org/{number}" if link is None else link
    given = f"<link>{link}</link>" if link else ""
    return (
        f"<item><title>Headline {number}</title>{given}"
        f"<pubDate>Thu, 12 Feb 2026 {number % 24:02}:00:00 GMT</pubDate>{inside}</item>"
    )


async def poll(
    http: ReplayHttp,
    source: Source | None = None,
    *,
    memory: MemoryOf | None = None,
    state: dict[str, Any] | None = None,
    now: datetime = NOW,
) -> Harvest:
    """One poll; an error ends up in `harvest.error`, as the poller has it."""
    harvest = Harvest(state=dict(state or {}))
    ask = ask_for(source or feed_source(), http, now=now, memory=memory, state=state)
    try:
        await Feed().poll(ask, harvest)
    except SourceError as error:
        harvest.error = error
    return harvest


async def read(
    body: bytes,
    source: Source | None = None,
    *,
    headers: dict[str, str] | None = None,
    fails: bool = False,
    **more: Any,
) -> Harvest:
    """Poll a source whose address answers with `body`."""
    source = source or feed_source()
    http = ReplayHttp()
    given = {"content-type": "application/rss+xml", **(headers or {})}
    http.add(urlsplit(source.target).path, body, headers=given)
    harvest = await poll(http, source, **more)
    assert (harvest.error is not None) == fails, harvest.error
    return harvest


def rows(harvest: Harvest) -> Any:
    """What a harvest holds, as JSON data."""
    data = {
        "posts": harvest.posts,
        "engagement": harvest.engagement,
        "claims": harvest.claims,
        "found": [[one.target, one.root_id] for one in harvest.found],
        "ordered": harvest.ordered,
        "complete": harvest.complete,
    }
    return plain(data)


def expected(name: str) -> Any:
    return json.loads((HERE / "expected" / name).read_text())
