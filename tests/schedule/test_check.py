"""`check --online`: every source is asked once, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

from monitor.schedule.check import SourceCheck, check_sources
from tests.collect.server import Asked, Reply, serve
from tests.world import configured

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Built</title>
<link>https://built.example/</link><description>built</description>
<item><title>One</title><link>https://built.example/one</link></item></channel></rss>"""

TOML = """
[[source]]
id = "good"
network = "feed"
target = "{url}/good"

[[source]]
id = "bad"
network = "feed"
target = "{url}/bad"

[[source]]
id = "later"
network = "reddit"
target = "someone"

[network.youtube]
enabled = false
"""


def handler(asked: Asked) -> Reply:
    if asked.path == "/good":
        return Reply(body=RSS, headers={"Content-Type": "application/rss+xml"})
    return Reply(body=b"<html><title>Sorry</title></html>", headers={"Content-Type": "text/html"})


async def test_each_source_answers_or_says_why_not(tmp_path: Path) -> None:
    heard: list[SourceCheck] = []
    async with serve(handler) as server:
        toml = TOML.format(url=server.url)
        config = configured(tmp_path, toml, allow_private_addresses=True)
        checks = await check_sources(config, on_done=heard.append)
        assert sorted(server.paths) == ["/bad", "/good"]
    good, bad, later = checks
    assert good == SourceCheck("good", ok=True, detail="1 post")
    assert (bad.source_id, bad.ok) == ("bad", False)
    assert "expected a feed, got an HTML page titled 'Sorry'" in bad.detail
    assert later == SourceCheck("later", ok=True, detail="not asked: no collector reads reddit yet")
    assert sorted(heard, key=lambda one: one.source_id) == [bad, good, later]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_nothing_is_stored_and_no_database_is_opened(tmp_path: Path) -> None:
    async with serve(handler) as server:
        config = configured(tmp_path, TOML.format(url=server.url), allow_private_addresses=True)
        before = names_in(tmp_path)
        first, second = await check_sources(config), await check_sources(config)
    assert first == second  # nothing is remembered, not even that nothing changed
    assert names_in(tmp_path) == before
    assert not config.monitor.data_dir.exists()


async def test_without_sources_there_is_nothing_to_check(tmp_path: Path) -> None:
    assert await check_sources(configured(tmp_path, "")) == []
