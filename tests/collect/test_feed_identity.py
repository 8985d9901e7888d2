"""Which posts a feed's items are. All documents here are built."""

from __future__ import annotations

import hashlib

import pytest

from monitor.collect.feed.ids import isso_id
from monitor.collect.wordpress.ids import (
    comment_number,
    header_links,
    post_number,
    shortlink_number,
    site_from_headers,
    site_key,
)
from monitor.identity import link_id
from tests.collect.feed_case import URL, feed_source, item, read, rss

API = {"link": '<https://news.example.org/wp-json/>; rel="https://api.w.org/"'}


def hashed(*parts: str) -> str:
    return "feed:" + hashlib.sha256("".join(parts).encode()).hexdigest()


async def ids(body: bytes, **more) -> list[str]:
    return [post.post_id for post in (await read(body, **more)).posts]


async def test_an_item_is_its_link():
    body = rss(item(1, "<guid>a</guid>", link="http://www.news.example.org/1/?utm_source=rss"))
    assert await ids(body) == [link_id("https://news.example.org/1")]


async def test_a_guid_that_changes_with_the_headline_changes_nothing():
    first = await ids(rss(item(1, '<guid isPermaLink="false">old headline</guid>')))
    assert first == await ids(rss(item(1, '<guid isPermaLink="false">new headline</guid>')))


async def test_items_that_share_a_link_are_their_guids():
    link = "https://news.example.org/live"
    body = rss(item(2, "<guid>b</guid>", link=link) + item(1, "<guid>a</guid>", link=link))
    assert await ids(body) == [hashed(URL, "b"), hashed(URL, "a")]


async def test_one_guid_for_all_and_no_links_leaves_title_and_date():
    body = rss("".join(item(n, "<guid>same</guid>", link="") for n in (3, 2, 1)))
    assert len(set(await ids(body))) == 3


async def test_one_guid_for_all_with_links_is_no_hindrance():
    body = rss("".join(item(n, "<guid>same</guid>") for n in (2, 1)))
    assert await ids(body) == [link_id(f"https://news.example.org/{n}") for n in (2, 1)]


@pytest.mark.parametrize("link", ["https://news.example.org/", "https://other.example", ""])
async def test_a_link_to_the_site_is_no_identity(link):
    assert await ids(rss(item(1, "<guid>a</guid>", link=link))) == [hashed(URL, "a")]


async def test_the_channel_s_own_link_is_no_identity():
    body = rss(item(1, "<guid>a</guid>", link="https://news.example.org/blog/")).replace(
        b"<link>https://news.example.org/</link>", b"<link>https://news.example.org/blog</link>"
    )
    assert await ids(body) == [hashed(URL, "a")]


async def test_an_item_that_is_listed_twice_is_one_post():
    harvest = await read(rss(item(1) + item(1)))
    assert [post.post_id for post in harvest.posts] == [link_id("https://news.example.org/1")]


async def test_items_that_nothing_identifies_are_an_error():
    harvest = await read(rss("<item></item><item><category>x</category></item>"), fails=True)
    assert "without link, guid, title and date" in str(harvest.error)
    assert len((await read(rss("<item/>" + item(1)))).posts) == 1


@pytest.mark.parametrize(
    ("link", "guid", "post_id", "has_alias"),
    [
        ("https://x.com/example/status/1890000000000000000", "a", "x:1890000000000000000", True),
        (
            "https://bsky.app/profile/name.example/post/3abc",
            "at://did:plc:abc/app.bsky.feed.post/3abc",
            "bluesky:at://did:plc:abc/app.bsky.feed.post/3abc",
            True,
        ),
        # The discussion is native, the link leads to the article that is discussed.
        (
            "https://press.example.org/article",
            "https://news.ycombinator.com/item?id=42",
            "hackernews:42",
            False,
        ),
    ],
)
async def test_native_posts_keep_their_ids(link, guid, post_id, has_alias):
    body = rss(item(1, f'<guid isPermaLink="false">{guid}</guid>', link=link))
    (post,) = (await read(body)).posts
    assert post.post_id == post_id
    assert post.aliases == ((link_id(link),) if has_alias else ())
    assert post.url == link


GUID = '<guid isPermaLink="false">https://news.example.org/?p=12</guid>'


async def test_wordpress_items_by_the_header_of_the_answer():
    (post,) = (await read(rss(item(1, GUID)), headers=API)).posts
    assert post.post_id == "wordpress:news.example.org/post/12"
    assert post.aliases == (link_id("https://news.example.org/1"),)
    assert post.is_article


async def test_wordpress_items_by_the_generator_and_the_channel():
    channel = "<generator>https://wordpress.org/?v=6.1</generator>"
    source = feed_source("https://proxy.example.net/feed.xml")
    assert await ids(rss(item(1, GUID), channel), source=source) == [
        "wordpress:news.example.org/post/12"
    ]


async def test_the_same_guid_of_other_software_means_nothing():
    assert await ids(rss(item(1, GUID))) == [link_id("https://news.example.org/1")]


async def test_wordpress_never_names_posts_of_other_sites():
    guid = '<guid isPermaLink="false">https://victim.example/?p=12</guid>'
    body = rss(item(1, guid, link="https://victim.example/12"))
    assert await ids(body, headers=API) == [link_id("https://victim.example/12")]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://www.example.org:443/", "www.example.org"),
        ("http://example.org:80/wp-json/", "example.org"),
        ("https://example.org/blog/index.php/wp-json/", "example.org/blog"),
        ("https://example.org/blog/?rest_route=/", "example.org/blog"),
        ("https://example.org/index.php?rest_route=/", "example.org"),
        ("http://127.0.0.1:8081/wp-json/wp/v2/posts", "127.0.0.1:8081"),
        ("https://EXAMPLE.org./", "example.org"),
        ("http://[::1]:8081/", "[::1]:8081"),
        ("ftp://example.org/", None),
        ("http://example.org:x/", None),
    ],
)
def test_keys_of_wordpress_sites(address, key):
    assert site_key(address) == key


def test_what_wordpress_headers_say():
    headers = {
        "link": '<http://h.example/wp-json/>; rel="https://api.w.org/", '
        '<http://h.example/wp-json/wp/v2/posts/4>; rel="alternate"; type="application/json", '
        "</?p=4>; rel=shortlink"
    }
    assert site_from_headers(headers) == "h.example"
    assert shortlink_number(headers, "http://h.example/a/feed/") == 4
    assert header_links(headers)["alternate"] == "http://h.example/wp-json/wp/v2/posts/4"
    assert site_from_headers({}) is None
    assert shortlink_number({"link": "<" * 50_000}) is None


@pytest.mark.parametrize(
    ("url", "post", "comment"),
    [
        ("http://h.example/?p=12", 12, None),
        ("http://h.example/?post_type=product&#038;p=12", 12, None),
        ("http://h.example/?page_id=3", 3, None),
        ("http://h.example/?p=12#comment-5", None, 5),
        ("http://h.example/a/#comment-5", None, 5),
        ("http://h.example/a/#comments", None, None),
        ("http://h.example/?p=0", None, None),
        ("http://h.example/?p=" + "9" * 50, None, None),
        ("http://[h/?p=1", None, None),
    ],
)
def test_numbers_in_wordpress_addresses(url, post, comment):
    assert post_number(url) == post
    assert comment_number(url) == comment


def test_isso_tags():
    assert isso_id("tag:127.0.0.1:8090,2018:/isso/1/12") == "isso:127.0.0.1:8090/12"
    assert isso_id("tag:h.example,2018:/isso/1/12", "https://h.example/p#isso-12") is not None
    assert isso_id("tag:h.example,2018:/isso/1/12", "https://other.example/p") is None
    assert isso_id("tag:h.example,2018:/isso/thread/p") is None
    assert isso_id(None) is None


THREAD = item(1, "<guid>one</guid>", link="https://news.example.org/page#c1") + item(
    2,
    '<guid>two</guid><thr:in-reply-to ref="one" href="https://news.example.org/page#c1"/>',
    link="https://news.example.org/page#c2",
)


async def test_comments_of_any_software_form_threads():
    source = feed_source(root_id="feed:root")
    two, one = (await read(rss(THREAD), source)).posts
    assert (one.post_id, two.post_id) == (hashed(URL, "one"), hashed(URL, "two"))
    assert (one.reply_to_id, two.reply_to_id) == ("feed:root", one.post_id)
    assert {one.root_id, two.root_id} == {"feed:root"}
    assert one.title is None
    assert not one.is_article


async def test_the_only_comment_of_a_page_is_not_the_page():
    source = feed_source(root_id=str(link_id("https://news.example.org/page")))
    body = rss(item(1, "<guid>one</guid>", link="https://news.example.org/page#c1"))
    assert await ids(body, source=source) == [hashed(URL, "one")]
    body = rss(item(1, "<guid>one</guid>", link="https://news.example.org/page"))
    assert await ids(body, source=source) == [hashed(URL, "one")]


async def test_an_answer_to_a_comment_that_left_the_feed_still_names_it():
    source = feed_source(root_id="feed:root")
    whole = {post.post_id: post for post in (await read(rss(THREAD), source)).posts}
    later = rss(THREAD[THREAD.index("</item>") + 7 :])
    (post,) = (await read(later, source)).posts
    assert post.reply_to_id == whole[post.post_id].reply_to_id


async def test_of_several_parents_the_comment_is_nearer_than_the_post():
    link = "https://news.example.org/page"
    answers = (
        f'<thr:in-reply-to ref="{link}" href="{link}"/>'
        '<thr:in-reply-to ref="https://news.example.org/?p=1#comment-5"/>'
    )
    body = rss(item(7, answers, link=f"{link}#comment-7"))
    (post,) = (await read(body, headers=API)).posts
    assert post.post_id == "wordpress:news.example.org/comment/7"
    assert post.reply_to_id == "wordpress:news.example.org/comment/5"
    assert post.root_id == link_id(link)


async def test_nothing_answers_itself():
    me = '<guid>me</guid><thr:in-reply-to ref="me"/>'
    (post,) = (await read(rss(item(1, me)))).posts
    assert post.reply_to_id is None
