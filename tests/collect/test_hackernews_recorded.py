"""Answers of Hacker News' index as they were recorded in June 2014.

They belong to others: only what follows from them stands here. The site's own API was not recorded:
its answers are built.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.collect.hackernews.collector import HackerNews
from monitor.collect.hackernews.parse import Page, counters, fit, to_post
from monitor.collect.protocol import Answer, Ask
from monitor.types import Engagement, Harvest, Post
from tests.collect.hackernews_case import pid, source
from tests.collect.replay import MemoryOf, ReplayHttp


@pytest.fixture(scope="module")
def folder(foreign_recordings: Path) -> Path:
    return foreign_recordings / "hackernews"


def hit_of(folder: Path, begins: str) -> tuple[Post, Engagement | None]:
    (path,) = folder.glob(f"{begins}_*.json")
    answer = Answer("https://hn.algolia.com/api/v1/search_by_date", 200, {}, path.read_bytes())
    page = fit(answer.json(), Page, answer)
    (hit,) = page.hits
    item = hit.item()
    assert item is not None
    return to_post(item), counters(item)


ROWS = [
    # file, id, author, created, reply to, root, likes, replies
    ("01", 7919431, "gohrt", "2014-06-20T03:39:55", 7919207, 7919207, None, None),
    ("03", 7918694, "tempestn", "2014-06-19T22:45:49", None, None, 3, 1),
    ("05", 7919424, "bradleyjg", "2014-06-20T03:35:46", None, None, 1, 0),
    ("07", 7919424, "bradleyjg", "2014-06-20T03:35:46", None, None, 1, 0),
    ("11", 7494555, "pg", "2014-03-30T00:12:35", 7494175, 7493856, None, None),
    ("13", 5640988, "pg", "2013-05-01T21:40:59", None, None, 180, 276),
    ("15", 7493856, "pg", "2014-03-29T20:43:24", None, None, 578, 290),
    ("17", 7919418, "fleitz", "2014-06-20T03:32:34", 7919290, 7918547, None, None),
    ("19", 6604931, "oneeyedpigeon", "2013-10-24T12:53:37", None, None, 1, 0),
    ("21", 7919424, "bradleyjg", "2014-06-20T03:35:46", None, None, 1, 0),
    ("23", 7919424, "bradleyjg", "2014-06-20T03:35:46", None, None, 1, 0),
    ("25", 7915384, "techidse", "2014-06-19T09:53:30", None, None, 1, 3),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_recorded_result_becomes_its_row(folder: Path, row: tuple[Any, ...]) -> None:
    begins, number, author, created, parent, root, likes, replies = row
    post, counted = hit_of(folder, begins)
    assert post.post_id == pid(number)
    assert post.url == f"https://news.ycombinator.com/item?id={number}"
    assert (post.author_id, post.author_handle) == (f"hackernews:{author}", author)
    assert post.indexed_at == datetime.fromisoformat(created).replace(tzinfo=UTC)
    assert post.reply_to_id == (pid(parent) if parent else None)
    assert post.root_id == (pid(root) if root else None)
    assert (post.title is None) == (parent is not None)
    if parent is None:
        assert counted == Engagement(post_id=pid(number), likes=likes, replies=replies)
    else:
        assert counted is None  # what was shown of comments in 2014 is shown no more


def test_texts_are_plain_and_links_whole(folder: Path) -> None:
    comment, _ = hit_of(folder, "01")
    assert comment.text is not None
    assert comment.text.count("\n\n") == 2
    assert "What's fascinating" in comment.text
    assert "&#x" not in comment.text
    assert comment.links == (
        "https://hn.algolia.com/?q=Fibonacci+Flim-Flam#!/all/forever/0/Fibonacci%20Flim-Flam",
    )
    story, _ = hit_of(folder, "15")
    assert (story.title, story.text) == ("Meet the People Taking over Hacker News", None)
    assert story.links == ("http://blog.ycombinator.com/meet-the-people-taking-over-hacker-news",)
    asked, _ = hit_of(folder, "25")
    assert asked.links == ()  # its address is empty
    assert asked.text


async def test_a_recorded_tree_with_the_site_beside_it(folder: Path) -> None:
    http = ReplayHttp(folder)
    nothing = {"hits": [], "nbHits": 0, "nbPages": 0}
    http.add("/api/v1/search_by_date", nothing)  # built, as everything of the site's own API
    comment = {"id": 17, "type": "comment", "by": "pg", "time": 1160423565, "parent": 15}
    http.add("/v0/item/17.json", {**comment, "text": "Built", "kids": [1079, 454426]})
    harvest = Harvest()
    now = datetime(2014, 6, 20, tzinfo=UTC)
    await HackerNews().poll(Ask(source("17"), http, MemoryOf(), now), harvest)
    assert [(post.post_id, post.reply_to_id, post.root_id) for post in harvest.posts] == [
        (pid(17), pid(15), pid(1)),
        (pid(1079), pid(17), pid(1)),
        (pid(454426), pid(17), pid(1)),
    ]
    first, second = harvest.posts[1:]
    assert (first.author_handle, first.text) == ("dmon", "sure")
    assert second.indexed_at == datetime(2009, 1, 28, 20, 32, 27, tzinfo=UTC)
    assert (harvest.claims, harvest.engagement, harvest.gaps) == ([], [], [])
    assert harvest.complete
    assert http.asked[2][1]["tags"] == "comment,story_1"
