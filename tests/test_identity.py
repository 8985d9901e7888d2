from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.identity import canonical_url, http_url, link_id, recognise, recognise_network


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/a/", "https://example.org/a"),
        ("http://EXAMPLE.org:80/a?utm_source=rss#c", "https://example.org/a"),
        ("https://example.org:8443/a?id=2&fbclid=x", "https://example.org:8443/a?id=2"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ("https://example.org/%c3%a4", "https://example.org/%C3%A4"),
        ("mailto:a@b.c", None),
        ("https://[bad", None),
        ("https://example.org:99999/", None),
    ],
)
def test_addresses_of_one_thing_are_equal(url: str, expected: str | None) -> None:
    assert canonical_url(url) == expected


@given(st.text(max_size=60))
def test_canonical_form_is_stable_and_never_raises(tail: str) -> None:
    once = canonical_url("https://example.org/" + tail)
    assert once is None or canonical_url(once) == once


def test_a_site_is_no_post() -> None:
    assert link_id("https://example.org/") is None
    assert link_id("https://example.org/?p=4") is not None
    assert link_id("https://www.example.org/a/") == link_id("http://example.org/a")


@pytest.mark.parametrize(
    ("url", "post_id"),
    [
        (
            "https://bsky.app/profile/did:plc:abc123/post/3kxyz",
            "bluesky:at://did:plc:abc123/app.bsky.feed.post/3kxyz",
        ),
        (
            "https://bsky.app/profile/did:plc:abc123/post/3kxyz?ref=rss#top",
            "bluesky:at://did:plc:abc123/app.bsky.feed.post/3kxyz",
        ),
        (
            "https://social.example/users/someone/statuses/109?utm_source=feed",
            "ap:https://social.example/users/someone/statuses/109",
        ),
        (
            "at://did:plc:abc/app.bsky.feed.post/3k",
            "bluesky:at://did:plc:abc/app.bsky.feed.post/3k",
        ),
        ("https://twitter.com/a/status/1890000000000000000?s=20", "x:1890000000000000000"),
        ("https://x.com/i/web/status/12", "x:12"),
        ("https://news.ycombinator.com/item?id=8863", "hackernews:8863"),
        ("https://old.reddit.com/r/x/comments/abc12/some_title/", "reddit:t3_abc12"),
        ("https://www.reddit.com/r/x/comments/abc12/some_title/def34/", "reddit:t1_def34"),
        ("https://youtu.be/dQw4w9WgXcQ", "youtube:video/dQw4w9WgXcQ"),
        (
            "https://social.example/users/someone/statuses/109",
            "ap:https://social.example/users/someone/statuses/109",
        ),
        ("https://social.example/@someone/109", None),
        ("https://bsky.app/profile/example.org/post/3kxyz", None),
        ("https://example.org/newsroom/series-g", None),
    ],
)
def test_native_posts_behind_addresses(url: str, post_id: str | None) -> None:
    assert recognise(url) == post_id


def test_the_network_is_known_before_the_id() -> None:
    assert recognise_network("https://bsky.app/profile/example.org/post/3k") == "bluesky"
    assert recognise_network("https://social.example/@someone/109") == "mastodon"
    assert recognise_network("https://example.org/newsroom") is None


def test_relative_and_foreign_links() -> None:
    assert http_url("/a", "https://example.org/b") == "https://example.org/a"
    assert http_url("javascript:alert(1)") is None
