"""Announcement pages: what is read off them, and what they are never allowed to claim.

All pages here are built, except the recorded WordPress post.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import identity
from monitor.collect.page.reader import poll_page
from monitor.collect.page.tree import MAX_CHARS, MAX_DEPTH
from monitor.errors import BadAnswer
from monitor.types import Harvest, Source, SourceKind
from tests.collect.replay import ReplayHttp, ask_for
from tests.collect.wordpress_case import FOLDER, PERMALINK, ROOT

NOW = datetime(2026, 2, 13, tzinfo=UTC)
URL = "https://www.example.org/news/series-g.html"
FULL = """<!doctype html><html lang="en-GB"><head>
<title>Example raises money | Example</title>
<meta property="og:title" content="Example raises &lt;money&gt; &amp; more">
<meta property="og:description" content="A round of $30B.">
<meta property="article:published_time" content="2026-02-12T10:00:00-08:00">
<meta name="author" content="Newsroom">
<link rel="canonical" href="/news/series-g">
<script type="application/ld+json">{"@graph": [{"@type": "NewsArticle",
 "datePublished": "2026-02-12T18:00:01Z", "author": [{"name": "A. Writer"}, "B. Writer"]}]}</script>
</head><body><nav><a href="/about">About</a></nav><h1>Example raises money</h1>
<article><p>We raised <a href="https://bank.example/terms?a=1&amp;b=2">money</a>.</p>
<p>It is   a lot.</p><a href="#top">Top</a><a href="javascript:x()">x</a><a href="/team">Team</a>
</article></body></html>"""


def page_source(target: str = URL) -> Source:
    return Source(
        source_id="page",
        network="feed",
        kind=SourceKind.PAGE,
        target=target,
        origin="event",
        interval=timedelta(hours=1),
        events=frozenset({"series-g"}),
    )


def serve(html: str | bytes, path: str = "/news/series-g.html", **headers: str) -> ReplayHttp:
    http = ReplayHttp()
    body = html.encode() if isinstance(html, str) else html
    http.add(path, body, headers={"content-type": "text/html; charset=utf-8", **headers})
    return http


async def read(http: ReplayHttp, target: str = URL, state=None) -> Harvest:
    harvest = Harvest()
    await poll_page(ask_for(page_source(target), http, now=NOW, state=state), harvest)
    return harvest


async def post_of(html: str | bytes, **headers: str):
    (post,) = (await read(serve(html, **headers))).posts
    return post


async def test_a_page_is_one_article():
    harvest = await read(serve(FULL))
    (post,) = harvest.posts
    assert post.post_id == harvest.resolved == identity.link_id(URL)
    assert post.aliases == (identity.link_id("https://www.example.org/news/series-g"),)
    assert post.url == "https://www.example.org/news/series-g"
    assert post.title == "Example raises <money> & more"
    assert post.text == "A round of $30B.\n\nWe raised money.\n\nIt is a lot."
    assert post.author_name == "A. Writer, B. Writer"
    assert post.claimed_at == datetime(2026, 2, 12, 18, tzinfo=UTC)
    assert post.language_tag == "en-GB"
    assert post.links == ("https://bank.example/terms?a=1&b=2", "https://www.example.org/team")
    assert post.is_article
    assert harvest.engagement == []
    assert not harvest.retire


@pytest.mark.parametrize(
    ("head", "hour"),
    [
        ('<meta property="article:published_time" content="2026-02-12T09:00:00+01:00">', 8),
        ('<script type="application/ld+json">{"datePublished": "2026-02-12T08:00Z"}</script>', 8),
        ('<script type="application/ld+json">[{"datePublished":"2026-02-12T08:00Z"}]</script>', 8),
        ('<time datetime="2026-02-12T08:00:00.000Z">today</time>', 8),
        ('<meta itemprop="datePublished" content="2026-02-12T08:00:00Z">', 8),
        ('<meta property="article:published_time" content="2026-02-12T09:00:00">', None),
        ('<meta property="article:published_time" content="2026-02-12">', None),
        ('<meta property="article:published_time" content="noon: soon">', None),
        ('<script type="application/ld+json">{"datePublished": [1]}</script>', None),
        ('<script type="application/ld+json">{"datePublished": </script>', None),
        ("", None),
    ],
)
async def test_a_moment_has_a_time_of_day_and_a_zone_or_is_none(head, hour):
    post = await post_of(f"<html><head>{head}</head><body><h1>News</h1></body></html>")
    wanted = None if hour is None else datetime(2026, 2, 12, hour, tzinfo=UTC)
    assert post.claimed_at == wanted


@pytest.mark.parametrize(
    "other",
    [
        "https://victim.example/news/series-g",
        "javascript:alert(1)",
        "https://www.example.org/",
        "http://[",
    ],
)
async def test_a_page_can_not_claim_to_be_another(other):
    post = await post_of(f'<html><link rel=canonical href="{other}"><h1>News</h1></html>')
    assert post.aliases == ()
    assert post.url == URL


async def test_og_url_serves_where_no_canonical_link_stands():
    post = await post_of('<html><meta property="og:url" content="https://example.org/n/1"></html>')
    assert post.aliases == (identity.link_id("https://example.org/n/1"),)


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title>Page | Site</title><h1> The\n heading </h1>", "The heading"),
        ("<title>Page &amp; Site</title><h1><img></h1>", "Page & Site"),
        ("<p>Nothing</p>", None),
    ],
)
async def test_the_title_is_the_best_there_is(html, title):
    assert (await post_of(f"<html>{html}</html>")).title == title


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html><h1>Größe</h1></html>".encode("cp1252"), "text/html; charset=ISO-8859-1"),
        ("<html><meta charset=windows-1252><h1>Größe</h1></html>".encode("cp1252"), "text/html"),
        ("<html><h1>Größe</h1></html>".encode("utf-8-sig"), "text/html; charset=ISO-8859-1"),
        ("<html><h1>Größe</h1></html>".encode(), "text/html; charset=base64"),
        ("<!doctype html><h1>Größe</h1>".encode(), ""),
    ],
)
async def test_encodings(body, kind):
    assert (await post_of(body, **{"content-type": kind})).title == "Größe"


async def test_a_long_article_gives_its_beginning_and_fifty_links():
    links = "".join(f'<a href="/{n}">x</a>' for n in range(200))
    post = await post_of(
        f"<html><main>{'<p>' + 'word ' * 90 + '</p>'}{links * 2}</main></html>" * 9
    )
    assert len(post.links) == 50
    assert len(post.text) <= 2000


@pytest.mark.parametrize(
    ("head", "feed"),
    [
        (
            (
                '<link rel=alternate type=application/rss+xml title="Comments" '
                'href="series-g/comments.rss">'
            ),
            "https://www.example.org/news/series-g/comments.rss",
        ),
        (
            (
                '<link rel=alternate type=application/atom+xml title="Kommentare" '
                'href="/atom?post=series-g">'
            ),
            "https://www.example.org/atom?post=series-g",
        ),
        (
            '<link rel=alternate type=application/atom+xml href="/feeds/123/comments/default">',
            "https://www.example.org/feeds/123/comments/default",
        ),
        (
            (
                '<script data-isso="//talk.example.org/" '
                'src="//talk.example.org/js/embed.min.js"></script>'
            ),
            "https://talk.example.org/feed?uri=%2Fnews%2Fseries-g.html",
        ),
        (
            (
                '<script data-isso="/isso/"></script>'
                '<section id="isso-thread" data-isso-id="/g"></section>'
            ),
            "https://www.example.org/isso/feed?uri=%2Fg",
        ),
    ],
)
async def test_the_feed_of_its_comments_is_found(head, feed):
    harvest = await read(serve(f"<html>{head}</html>"))
    (found,) = harvest.found
    assert found.target == feed
    assert (found.network, found.kind) == ("feed", SourceKind.FEED)
    assert found.root_id == harvest.resolved
    assert found.events == {"series-g"}


@pytest.mark.parametrize(
    "head",
    [
        '<link rel=alternate type=application/rss+xml title="All comments" href="/comments/feed/">',
        '<link rel=alternate type=application/rss+xml title="News" href="/news/series-g/rss">',
        '<link rel=alternate type=text/html title="Comments" href="/news/series-g/comments">',
        '<link rel=alternate type=application/rss+xml title="Comments" href="javascript:series-g">',
    ],
)
async def test_other_feeds_are_not_taken_for_its_comments(head):
    assert (await read(serve(f"<html>{head}</html>"))).found == []


async def test_a_recorded_wordpress_post_becomes_a_thread():
    harvest = await read(ReplayHttp(FOLDER), PERMALINK)
    (thread,) = harvest.found
    assert (thread.network, thread.kind) == ("wordpress", SourceKind.THREAD)
    assert thread.target == PERMALINK
    assert thread.events == {"series-g"}
    assert harvest.resolved == thread.root_id == ROOT
    assert harvest.retire
    assert harvest.posts == []


async def test_wordpress_is_known_by_its_page_too():
    harvest = await read(
        serve(
            '<html><head><link rel="https://api.w.org/" href="https://www.example.org/wp-json/">'
            '<link rel="alternate" type="application/json" '
            'href="https://www.example.org/wp-json/wp/v2/pages/7"></head></html>'
        )
    )
    assert harvest.resolved == "wordpress:www.example.org/post/7"


async def test_an_archive_of_wordpress_is_no_post():
    harvest = await read(
        serve(
            '<html><head><link rel="https://api.w.org/" href="https://www.example.org/wp-json/">'
            '<link rel="alternate" type="application/json" '
            'href="https://www.example.org/wp-json/wp/v2/categories/7"></head></html>'
        )
    )
    assert harvest.found == []
    assert harvest.resolved == identity.link_id(URL)


async def test_an_unchanged_page_is_not_read_again():
    http = serve(FULL)
    first = await read(http)
    second = await read(http, state=first.state)
    assert second.unchanged
    assert second.posts == []
    assert second.resolved == first.resolved
    assert second.state == first.state


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\x89PNG", ""),
        (b"<html>" + b"<div>" * (MAX_DEPTH + 1), "text/html"),
        (b"<html>" + b"x" * (MAX_CHARS + 1), "text/html"),
    ],
)
async def test_what_is_no_page_is_a_bad_answer(body, kind):
    with pytest.raises(BadAnswer, match=r"www\.example\.org/news/series-g\.html"):
        await read(serve(body, **{"content-type": kind}))


async def test_a_site_is_no_announcement():
    with pytest.raises(BadAnswer, match="page itself"):
        await read(serve(FULL, path=""), "https://www.example.org")


async def test_a_tag_of_thousands_of_attributes_is_left_out():
    attributes = " ".join(f"a{n}=1" for n in range(9000))
    post = await post_of(f"<html><h1>News</h1><p {attributes}><main><p>Text</p></main></html>")
    assert (post.title, post.text) == ("News", "Text")


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [
                "<html lang='x y'>",
                "<title>",
                "<h1>",
                "</h1>",
                "<time datetime='1'>",
                "<base href='//['>",
                "<article>",
                "<a href='//['>",
                "<p a='>",
                "<!--",
                "<script type=application/ld+json>",
                '{"author":{"name":[]}}',
                "[[]]",
                "</script>",
                "&#0;",
                "\x00",
                "<link rel=canonical href=//]/>",
                "<meta name=author content='\ud800'>",
                "<svg>",
                "<template>",
                "text",
            ]
        ),
        max_size=30,
    ).map("".join)
)
async def test_no_page_breaks_the_reader(html):
    post = await post_of(f"<html>{html}".encode("utf-8", "surrogatepass"))
    assert post.post_id == identity.link_id(URL)
    assert "" not in (post.title, post.text, post.author_name, post.language_tag, post.url)
