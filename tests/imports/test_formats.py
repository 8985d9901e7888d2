"""Files of other tools: posts of twarc, lists of feeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.api import Monitor
from monitor.cli.app import cli
from monitor.config import Config
from monitor.errors import UsageError
from tests.world import ACME, OFFLINE, Process, configured

AT = "2026-02-13T16:00:00+00:00"
USERS = [
    {"id": "7", "username": "acme", "name": "Acme", "public_metrics": {"followers_count": 900}},
    {"id": "8", "username": "rival", "name": "A rival"},
]
REPLY = {
    "id": "1890000000000000002", "author_id": "8", "created_at": "2026-02-13T15:10:00.000Z",
    "conversation_id": "1890000000000000001", "text": "Fix it &amp; go", "lang": "en",
    "referenced_tweets": [{"type": "replied_to", "id": "1890000000000000001"}],
    "public_metrics": {
        "like_count": 5, "retweet_count": 2, "reply_count": 1, "quote_count": 0,
        "impression_count": 1_000_000, "bookmark_count": 3,
    },
}  # fmt: skip
TOP = {
    "id": "1890000000000000001", "author_id": "7", "created_at": "2026-02-12T18:00:00.000Z",
    "conversation_id": "1890000000000000001", "text": "We have raised a rou…",
    "note_tweet": {"text": "We have raised a round of funding"},
    "public_metrics": {"like_count": 9},
}  # fmt: skip
QUOTE = {
    "id": "1890000000000000003", "author_id": "8", "created_at": "2026-02-13T15:20:00.000Z",
    "conversation_id": "1890000000000000003", "text": "Acme funding, look",
    "referenced_tweets": [{"type": "quoted", "id": "1890000000000000001"}],
}  # fmt: skip
REPOST = {
    "id": "1890000000000000004", "author_id": "8", "created_at": "2026-02-13T15:30:00.000Z",
    "text": "RT @acme: We have raised", "referenced_tweets": [
        {"type": "retweeted", "id": "1890000000000000001"}
    ],
}  # fmt: skip
PAGE = {
    "data": [REPLY, QUOTE, REPOST], "includes": {"users": USERS, "tweets": [TOP]},
    "meta": {"result_count": 3}, "__twarc": {"retrieved_at": AT, "version": "2.14"},
}  # fmt: skip
FLAT = {
    **REPLY, "author": USERS[1], "__twarc": {"retrieved_at": AT},
    "referenced_tweets": [{"type": "replied_to", **TOP, "author": USERS[0]}],
}  # fmt: skip

OPML = """<?xml version="1.0"?>
<opml version="2.0"><head><title>Mine</title></head><body>
<outline text="Press">
<outline type="rss" text="Tech &amp; Press" xmlUrl="http://127.0.0.1:9/tech.xml"/>
<outline type="rss" title="Tech Press" text="x" xmlUrl="http://127.0.0.1:9/tech2.xml"/>
</outline>
<outline text="broken" xmlUrl="javascript:alert(1)"/>
<outline text="a folder"/>
</body></opml>
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configured(tmp_path, ACME + OFFLINE, allow_private_addresses=True)


@pytest.fixture
def monitor(config: Config) -> Iterator[Monitor]:
    with Monitor(config) as opened:
        yield opened


def jsonl(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("lines", [[PAGE], [FLAT, {**PAGE, "data": QUOTE}]])
def test_pages_and_flattened_posts_become_posts_and_counters(
    monitor: Monitor, tmp_path: Path, lines: list[object]
) -> None:
    report = monitor.bring([jsonl(tmp_path / "x.jsonl", *lines)])
    assert (report.bad, report.new_posts) == ([], 3)
    rows = monitor.query("select * from posts order by post_id").to_dicts()
    top, reply, quote = rows
    assert [row["post_id"] for row in rows] == [f"x:189000000000000000{n}" for n in (1, 2, 3)]
    assert top["text"] == "We have raised a round of funding"
    assert (top["author_id"], top["author_handle"]) == ("x:7", "acme")
    assert (top["author_followers"], top["root_id"]) == (900, None)
    assert reply["text"] == "Fix it & go"
    assert reply["url"] == "https://x.com/rival/status/1890000000000000002"
    assert (reply["reply_to_id"], reply["root_id"]) == (top["post_id"], top["post_id"])
    assert quote["quoted_id"] == top["post_id"]
    assert str(reply["first_seen_at"]) == "2026-02-13 16:00:00"
    counted = monitor.query(
        "select likes, reposts, replies, quotes, views from engagement where post_id = ?",
        [reply["post_id"]],
    )
    assert counted.rows() == [(5, 2, 1, 0, 1_000_000)]
    again = monitor.bring([tmp_path / "x.jsonl"])
    assert (again.new_posts, again.changed_counters) == (0, 0)


def test_a_bad_post_or_counter_is_told_and_takes_nothing_else_with_it(
    monitor: Monitor, tmp_path: Path
) -> None:
    nameless, undated = {"text": "no id", "created_at": AT}, {**QUOTE, "created_at": None}
    uncounted = {**REPLY, "public_metrics": {"like_count": -1}}
    path = jsonl(
        tmp_path / "x.jsonl",
        {**PAGE, "data": [nameless, uncounted, undated]},
        {"meta": {"result_count": 0}, "__twarc": PAGE["__twarc"]},
        {"data": 5, "meta": {}},
    )
    report = monitor.bring([path], strict=True)
    assert (report.bad_rows, report.posts) == (4, 0)
    report = monitor.bring([path])
    assert report.new_posts == 2  # the reply, and what the page includes
    assert [line.partition(": ")[2][:20] for line in report.bad] == [
        "post_id is empty", "created_at is empty", "data holds int, not ", "likes: expected `int",
    ]  # fmt: skip
    assert report.bad[0].startswith(f"{path}:1: ")
    assert report.bad[2].startswith(f"{path}:3: ")
    tags = monitor.query("select language_tag from base.posts where language_tag is not null")
    assert tags.rows() == [("en",)]


def test_feeds_of_a_list_are_followed_from_now_on(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "feeds.opml"
    path.write_text(OPML)
    where = ["--config", str(config.path)]
    with Process(config) as daemon:
        with daemon.ready() as remote:
            result = CliRunner().invoke(cli, [*where, "import", str(path)], standalone_mode=False)
            assert result.return_value == 1
            assert f"{path}:7: xmlUrl 'javascript:alert(1)' is no http(s) address" in result.stderr
            assert "2 feeds (2 new)" in result.stderr
            ids = remote.query("select source_id, state from sources order by all").rows()
            assert ids == [("tech-press", "active"), ("tech-press-2", "active")]
        assert daemon.end() == 0
    path.write_text(OPML.replace('<outline text="broken" xmlUrl="javascript:alert(1)"/>', ""))
    again = CliRunner().invoke(cli, [*where, "import", str(path)], standalone_mode=False)
    assert again.return_value == 0
    assert "2 feeds (0 new)" in again.stderr
    with Process(config) as daemon:  # after a restart, too
        with daemon.ready() as remote:
            assert remote.query("select count(*) from sources where state = 'active'").item() == 2
        assert daemon.end() == 0


ENTITY = """<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<opml><body><outline text="&x;" xmlUrl="http://127.0.0.1:9/a"/></body></opml>"""


INNER = ENTITY.replace('SYSTEM "file:///etc/passwd"', '"javascript:alert(1)"')


@pytest.mark.parametrize("text", ["<opml><body>", ENTITY, INNER])
def test_a_list_that_is_broken_or_hostile_is_refused(
    monitor: Monitor, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "feeds.opml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"feeds\.opml: no XML"):
        monitor.bring([path])
    assert monitor.query("select count(*) from sources where network = 'feed'").item() == 0
