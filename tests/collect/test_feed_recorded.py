"""Recorded feeds and the rows that must come out of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.collect.feed.ids import Ids, Origin
from monitor.collect.feed.parse import parse
from monitor.collect.feed.posts import batch_of
from monitor.identity import link_id
from monitor.types import Claim, Engagement, Harvest
from tests.collect.feed_case import expected, feed_source, poll, rows
from tests.collect.replay import MemoryOf, ReplayHttp

WORDPRESS = "http://127.0.0.1:8081"
ISSO = "http://127.0.0.1:8091"
PRICE_PAGE = link_id(f"{WORDPRESS}/2026/11/price-change/")

# What was recorded, where it was, and whether it belongs to a company (comments are followed).
RECORDED = {
    "wordpress_rss2": ("wordpress", "/feed/", True),
    "wordpress_atom": ("wordpress", "/feed/atom/", False),
    "wordpress_comments_rss2": ("wordpress", "/comments/feed/", True),
    "wordpress_comments_atom": ("wordpress", "/comments/feed/atom/", True),
    "wordpress_post_comments_rss2": ("wordpress", "/2026/11/price-change/feed/", True),
    "wordpress_post_comments_atom": ("wordpress", "/2026/11/price-change/feed/atom/", True),
    "isso": ("isso", "/feed?uri=%2Fpost%2F", True),
}


async def poll_recorded(recordings: Path, network: str, path: str, follows: bool) -> Harvest:
    base = WORDPRESS if network == "wordpress" else ISSO
    companies = frozenset({"northwind"} if follows else ())
    http = ReplayHttp(recordings / network)
    source = feed_source(base + path, companies=companies)
    # Posts seen before: no older pages are asked for (they were not recorded).
    memory = MemoryOf(shown={"wordpress:127.0.0.1:8081/post/1"})
    return await poll(http, source, memory=memory)


@pytest.mark.parametrize("name", RECORDED)
async def test_recorded_feeds_give_the_expected_rows(name, recordings):
    harvest = await poll_recorded(recordings, *RECORDED[name])
    assert harvest.error is None
    assert rows(harvest) == expected(f"feed_{name}.json")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("wordpress_rss2", "wordpress_atom"),
        ("wordpress_comments_rss2", "wordpress_comments_atom"),
        ("wordpress_post_comments_rss2", "wordpress_post_comments_atom"),
    ],
)
def test_formats_of_one_feed_agree(one, other):
    posts = [{post["post_id"]: post for post in expected(f"feed_{x}.json")["posts"]} for x in
             (one, other)]  # fmt: skip
    assert posts[0].keys() == posts[1].keys()
    for post_id, post in posts[0].items():
        same = ("url", "author_name", "title", "text", "claimed_at", "reply_to_id", "aliases")
        assert {k: post[k] for k in same} == {k: posts[1][post_id][k] for k in same}


def test_comments_have_native_ids_parents_and_roots():
    posts = {p["post_id"]: p for p in expected("feed_wordpress_comments_rss2.json")["posts"]}
    answer = posts["wordpress:127.0.0.1:8081/comment/35"]
    assert answer["reply_to_id"] == "wordpress:127.0.0.1:8081/comment/5"
    assert answer["root_id"] == PRICE_PAGE
    assert answer["text"].startswith("Danke für die Transparenz")
    assert answer["title"] is None
    assert answer["aliases"] == []
    first = posts["wordpress:127.0.0.1:8081/comment/1"]
    assert first["reply_to_id"] == first["root_id"] == "wordpress:127.0.0.1:8081/post/1"


def test_the_header_names_the_post_of_a_comment_feed():
    posts = expected("feed_wordpress_post_comments_atom.json")["posts"]
    assert {post["root_id"] for post in posts} == {"wordpress:127.0.0.1:8081/post/4"}


async def test_a_followed_comment_feed_answers_the_item_that_it_was_found_at(recordings):
    newsroom = await poll_recorded(recordings, *RECORDED["wordpress_rss2"])
    found = next(one for one in newsroom.found if "price-change" in one.target)
    assert found.root_id == PRICE_PAGE
    comments = await poll(ReplayHttp(recordings / "wordpress"), found)
    assert {post.root_id for post in comments.posts} == {PRICE_PAGE}
    assert comments.found == []


async def test_a_press_feed_does_not_follow_comments(recordings):
    harvest = await poll_recorded(recordings, "wordpress", "/feed/", follows=False)
    assert harvest.found == []
    assert Claim(str(PRICE_PAGE), 30, "tree") in harvest.claims
    assert Engagement(post_id=str(PRICE_PAGE), replies=30) in harvest.engagement


def test_isso_threads():
    posts = {p["post_id"]: p for p in expected("feed_isso.json")["posts"]}
    page = link_id("http://127.0.0.1:8090/post/")
    assert posts["isso:127.0.0.1:8090/12"]["reply_to_id"] == "isso:127.0.0.1:8090/3"
    assert posts["isso:127.0.0.1:8090/1"]["reply_to_id"] == page
    assert {post["root_id"] for post in posts.values()} == {page}
    assert posts["isso:127.0.0.1:8090/3"]["author_name"] is None
    assert posts["isso:127.0.0.1:8090/4"]["text"].endswith("Frechheit & mehr <b>x</b>")


def foreign(folder: Path, name: str, target: str):
    document = parse((folder / "feeds" / name).read_bytes(), url=target)
    return batch_of(document, Origin(target=target)), document


def test_youtube_videos_have_native_ids_and_views(foreign_recordings):
    target = "https://www.youtube.com/feeds/videos.xml?channel_id=UC5NOEUbkLheQcaaRldYW5GA"
    batch, _ = foreign(foreign_recordings, "youtube__responseYoutubeRSS.xml", target)
    first = batch.posts[0]
    assert first.post_id == "youtube:video/oiBPyTi7lvM"
    assert first.aliases == (link_id("https://www.youtube.com/watch?v=oiBPyTi7lvM"),)
    assert first.claimed_at == datetime(2023, 12, 11, 15, 38, 12, tzinfo=UTC)
    assert first.edited_at == datetime(2023, 12, 11, 15, 38, 13, tzinfo=UTC)
    assert batch.engagement[0] == Engagement(post_id=first.post_id, views=7461)


def test_reddit_posts_have_native_ids(foreign_recordings):
    target = "https://www.reddit.com/r/kubernetes.rss"
    batch, _ = foreign(foreign_recordings, "reddit__responseSubreddit.xml", target)
    assert len(batch.posts) == 5
    assert all(post.post_id.startswith("reddit:t3_") for post in batch.posts)
    assert batch.posts[0].title == "Monthly: Who is hiring?"


def test_mastodon_posts_are_known_by_their_links(foreign_recordings):
    target = "https://hachyderm.io/tags/kubernetes.rss"
    batch, _ = foreign(foreign_recordings, "mastodon__responseTag.xml", target)
    assert [post.post_id for post in batch.posts] == [link_id(p.url or "") for p in batch.posts]
    assert batch.posts[0].title is None
    assert "https://www.linuxquestions.org/questions/blog" in (batch.posts[0].text or "")


def test_google_news_items_keep_their_redirects(foreign_recordings):
    target = "https://news.google.com/rss/topics/x"
    batch, document = foreign(foreign_recordings, "googlenews__responseUrl.xml", target)
    assert len(batch.posts) == len(document.entries) == 2
    assert all(post.language_tag == "de" for post in batch.posts)
    assert all(len(post.links) > 1 for post in batch.posts)


def test_no_recorded_feed_gives_two_entries_one_id(recordings):
    manifests = [recordings / "wordpress", recordings / "isso"]
    for folder in manifests:
        for entry in json.loads((folder / "manifest.json").read_text()):
            if entry["status"] == 200 and entry["file"].endswith((".xml", ".atom")):
                body = (folder / entry["file"]).read_bytes()
                document = parse(body, url=entry["url"])
                ids = Ids(document.entries, document.link, Origin(target=entry["url"]))
                given = [ids.of(one) for one in document.entries]
                assert None not in given
                assert len(set(given)) == len(given)
