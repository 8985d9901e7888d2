"""From an announcement to its discussions on Hacker News: found, followed, and related to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from monitor.api import Monitor
from monitor.schedule.daemon import RunReport, run_once
from monitor.simulate.platforms.protocol import Asked as PlatformAsked
from monitor.store.database import Database
from tests.collect.hackernews_case import STORY, Site, at, pid
from tests.collect.server import Asked, Reply, serve
from tests.world import configured

TOML = """
[[company]]
id = "northwind"
name = "Northwind"

[[event]]
id = "round"
company = "northwind"
kind = "funding"
announced_at = 2026-02-12T17:55:00Z
window_before = "1d"
window_after = "7d"
terms = ["$40M"]
announcements = ["{url}/news/series-b"]

[network.bluesky]
enabled = false
[network.mastodon]
enabled = false
[network.hackernews]
base_url = "{url}"
"""
PAGE = b"""<html><head><title>Series B</title>
<meta property="article:published_time" content="2026-02-12T17:55:00Z"></head>
<body><article><p>We raise $40M.</p></article></body></html>"""
OTHER = STORY + 100


def told_of(asked: Asked, site: Site) -> Reply:
    """What the newsroom or Hacker News answers."""
    parts = urlsplit(asked.path)
    if parts.path.startswith("/news/"):
        return Reply(body=PAGE, headers={"Content-Type": "text/html"})
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    reply = site.server.answer(PlatformAsked("", parts.path, query, {}), at(60))
    return Reply(reply.status, reply.body, dict(reply.headers))


@pytest.fixture
async def polled(tmp_path: Path) -> tuple[Path, RunReport]:
    site = Site()

    async with serve(lambda asked: told_of(asked, site)) as server:
        site.story(link=f"{server.url}/news/series-b?utm_source=hn", title="Not named here")
        site.comment(STORY + 1, 1)
        site.comment(STORY + 2, 2, parent=STORY + 1)
        site.comment(STORY + 3, 59, parent=STORY + 2)  # not in the index yet
        site.story(OTHER, 5, None, title="Northwind and its $40M", text="What of it?")
        site.comment(OTHER + 1, 6, parent=OTHER)
        toml = TOML.format(url=server.url)
        config = configured(tmp_path, toml, allow_private_addresses=True, serve_sql=False)
        report = await run_once(config)
        return config.monitor.data_dir / "monitor.duckdb", report


@pytest.fixture
def database(polled: tuple[Path, RunReport]) -> Iterator[Database]:
    with Database.open(polled[0]) as opened:
        yield opened


async def test_everything_answered(polled: tuple[Path, RunReport]) -> None:
    assert polled[1].failed == {}


async def test_a_story_about_an_announcement_is_a_link_and_its_comments_are_replies(
    database: Database,
) -> None:
    rows = database.query(
        "select post_id, relation, depth from reactions "
        "where event_id = 'round' and post_id like 'hackernews:%' order by post_id"
    ).rows()
    assert rows == [
        (pid(STORY), "link", 0),
        (pid(STORY + 1), "reply", 1),
        (pid(STORY + 2), "reply", 2),
        (pid(STORY + 3), "reply", 3),
        (pid(OTHER), "mention", 0),
    ]


async def test_its_thread_is_followed_and_belongs_to_the_event(database: Database) -> None:
    rows = database.query(
        "select source_id, origin from sources join base.event_sources using (source_id) "
        "where network = 'hackernews' and event_id = 'round' order by source_id"
    ).rows()
    assert rows == [
        ("hackernews:search:event:round", "event"),
        ("hackernews:search:northwind", "company"),
        (f"hackernews:thread:{STORY}", "found"),
    ]
    missing = database.query("select sum(missing) from coverage('round')").rows()
    assert missing == [(0,)]


async def test_a_search_for_discussions_is_no_look_at_the_stream(tmp_path: Path) -> None:
    """It shows all that it holds, and still says nothing of what is said of the company."""
    site = Site()

    def refusing(asked: Asked) -> Reply:
        if "northwind" in asked.path.lower() and "by_date" in asked.path:
            return Reply(status=403)
        return told_of(asked, site)

    async with serve(refusing) as server:
        url = f"{server.url}/news/series-b"
        site.story(link=url)
        toml = TOML.format(url=server.url)
        config = configured(tmp_path, toml, allow_private_addresses=True, serve_sql=False)
        with Monitor(config) as monitor:
            told = await asyncio.to_thread(monitor.watch, [url], event="round")
    rows = {(row["part"], row["what"]): row for row in told.to_dicts()}
    assert rows["follows", f"search {url}"]["posts"] == 1
    assert rows["follows", f"thread {STORY}"]["posts"] == 1
    assert "403" in rows["not asked", "search Northwind"]["detail"]
    assert "nothing that follows the company" in rows["not known", "the company's stream"]["detail"]
