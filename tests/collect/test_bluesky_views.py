"""Views of posts: strict about what the AppView says, patient with what authors wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.collect.bluesky.views import (
    PostsPage,
    at_uri,
    counters,
    fit,
    hidden_replies,
    place,
    to_post,
    when,
)
from monitor.errors import BadAnswer
from monitor.types import SourceKind
from tests.collect.bluesky_case import (
    DID,
    ROOT,
    URI,
    built,
    pid,
    poll,
    recorded,
    replay,
    source,
    thread,
    tree,
    views,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["uri", "index", "byteStart", "byteEnd", "features", "record", "media", "external"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def parsed(view):
    return fit({"posts": [view]}, PostsPage, url="https://a.invalid/", payload=b"kept").posts[0]


def post_of(view=None, **record):
    view = built(view or views()[ROOT])
    view["record"] |= record
    return to_post(parsed(view))


def test_links_are_what_facets_embeds_and_quotes_point_to():
    root = post_of()
    assert root.links == ("https://northwind.example/price",)
    quote = next(
        one for one in recorded("getQuotes")["posts"] if one["record"]["text"] == "detached quote"
    )
    did, key = ROOT.removeprefix("at://").split("/app.bsky.feed.post/")
    assert post_of(quote).links == (f"https://bsky.app/profile/{did}/post/{key}",)
    assert post_of(quote).quoted_id == pid(ROOT)


def test_a_quote_beside_media_counts_as_a_quote():
    embed = {  # built after the lexicon app.bsky.embed.recordWithMedia
        "$type": "app.bsky.embed.recordWithMedia",
        "record": {"record": {"uri": ROOT, "cid": "-"}},
        "media": {"external": {"uri": "https://example.org/a", "title": ""}},
    }
    post = post_of(views()[URI["👍"]], embed=embed)
    assert post.quoted_id == pid(ROOT)
    assert post.links[0] == "https://example.org/a"


def test_an_embedded_list_is_no_quoted_post():
    embed = {"record": {"uri": f"at://{DID['bob']}/app.bsky.graph.list/3l"}}
    assert post_of(embed=embed).quoted_id is None


def test_facets_count_bytes_and_not_characters():
    view = next(
        one for one in recorded("searchPosts_umlaut")["posts"] if one["record"].get("facets")
    )
    index, text = view["record"]["facets"][0]["index"], view["record"]["text"]
    marked = text.encode()[index["byteStart"] : index["byteEnd"]].decode()
    assert marked == "https://northwind.example/price"
    assert text[index["byteStart"] : index["byteEnd"]] != marked
    assert index["byteEnd"] > len(text)
    assert post_of(view).links == (marked,)


def test_a_facet_outside_of_the_text_marks_nothing():
    size = len(views()[ROOT]["record"]["text"].encode())
    features = [{"uri": "https://example.org/"}]
    for start, end in ((0, size + 1), (-1, 3), (5, 5), (7, 2), (None, 3)):
        facet = {"index": {"byteStart": start, "byteEnd": end}, "features": features}
        assert post_of(facets=[facet], embed=None).links == ()


def test_the_text_keeps_every_letter():
    for post in recorded("truth")["posts"]:
        if post["uri"] in views():
            assert post_of(views()[post["uri"]]).text == post["text"]


@pytest.mark.parametrize("name", ["", "  ", None])
def test_an_empty_name_is_unknown(name):
    view = built(views()[ROOT])
    view["author"] |= {"displayName": name}
    assert to_post(parsed(view)).author_name is None


def test_an_unverified_handle_is_none():
    view = built(views()[ROOT])
    view["author"]["handle"] = "handle.invalid"
    assert to_post(parsed(view)).author_handle is None


def test_a_post_without_words_has_no_text():
    assert post_of(text="").text is None
    assert post_of(langs=[]).language_tag is None
    assert post_of(langs=["de", "en"]).language_tag == "de"


def test_lone_surrogates_do_not_pass():
    assert post_of(text="a\ud83cb").text == "a?b"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-12T18:00:00Z", datetime(2026, 2, 12, 18, tzinfo=UTC)),
        ("2026-02-12T18:00:00.123456789Z", datetime(2026, 2, 12, 18, 0, 0, 123456, UTC)),
        ("2026-02-12T20:00:00+02:00", datetime(2026, 2, 12, 18, tzinfo=UTC)),
        ("1962-01-01T00:00:00Z", datetime(1962, 1, 1, tzinfo=UTC)),
        ("2026-02-12T18:00:00", None),
        ("2026-02-30T18:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1771000000, None),
        ({"at": 1}, None),
    ],
)
def test_times_of_authors_are_read_with_patience(text, moment):
    assert when(text) == moment
    assert post_of(createdAt=text).claimed_at == moment
    assert post_of(createdAt=text).indexed_at is not None


def test_a_list_places_a_post_at_the_earlier_of_its_two_clocks():
    past, future = (
        parsed(views()[URI[f"client clock wrong: createdAt {text}"]])
        for text in ("two years ago", "in the future")
    )
    assert place(past) == when(past.record.created_at)
    assert place(future) == when(future.indexed_at)


@given(created=JSON, embed=JSON, facets=JSON, langs=JSON, text=st.text())
def test_nothing_an_author_writes_breaks_a_post(created, embed, facets, langs, text):
    post = post_of(createdAt=created, embed=embed, facets=facets, langs=langs, text=text)
    assert post.post_id == pid(ROOT)
    for value in (post.text, post.language_tag, post.author_name, post.quoted_id):
        assert value is None or value.strip()
        assert value is None or value.encode()
    assert all(link.partition("://")[0].lower() in ("http", "https") for link in post.links)
    for moment in (post.claimed_at, post.indexed_at):
        assert moment is None or moment.utcoffset() == timedelta(0)


@given(gate=JSON)
def test_a_gate_may_be_anything(gate):
    assert hidden_replies(gate) == frozenset()
    assert hidden_replies({"record": {"hiddenReplies": ["at://x", 3, gate]}}) >= {"at://x"}


@pytest.mark.parametrize("number", [-1, 2**63])
def test_a_counter_that_can_be_none_is_unknown(number):
    assert counters(parsed(built(views()[ROOT], likeCount=number))).likes is None


def test_counters_that_are_not_shown_are_unknown_and_not_zero():
    view = built(views()[ROOT])
    for name in ("likeCount", "repostCount", "replyCount", "quoteCount"):
        del view[name]
    shown = counters(parsed(view))
    assert {shown.likes, shown.reposts, shown.replies, shown.quotes, shown.views} == {None}


@pytest.mark.parametrize(
    ("given_", "named"),
    [
        (ROOT, tuple(ROOT.removeprefix("at://").split("/app.bsky.feed.post/"))),
        ("at://name.test/app.bsky.feed.post/3a", ("name.test", "3a")),
        ("https://bsky.app/profile/name.test/post/3a?ref=x#top", ("name.test", "3a")),
        ("https://bsky.app/profile/did%3Aplc%3Aabc/post/3a/", ("did:plc:abc", "3a")),
        ("https://bsky.app/profile/name.test", None),
        ("https://evil.example/bsky.app/profile/name.test/post/3a", None),
        ("at://name.test/app.bsky.graph.list/3a", None),
    ],
)
def test_posts_are_named_by_uri_or_address(given_, named):
    assert at_uri(given_) == named


# A changed format fails loudly.

REQUIRED = [
    ("uri",),
    ("indexedAt",),
    ("author",),
    ("record",),
    ("author", "did"),
    ("author", "handle"),
    ("record", "text"),
    ("record", "reply", "parent"),
    ("record", "reply", "root", "uri"),
]


@pytest.mark.parametrize("path", REQUIRED)
@pytest.mark.parametrize("change", ["missing", "other type"])
async def test_a_field_that_the_lexicon_demands_is_named_and_the_answer_kept(path, change):
    http, answer = replay(), tree()
    holder = answer["thread"]["replies"][3]["post"]
    for name in path[:-1]:
        holder = holder[name]
    if change == "missing":
        del holder[path[-1]]
    else:
        holder[path[-1]] = 7
    thread(http, ROOT, answer)
    with pytest.raises(BadAnswer, match=path[-1]) as caught:
        await poll(http)
    assert b"threadViewPost" in caught.value.payload
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("uri", "https://example.org/"), ("uri", "at://x/y/z"), ("indexedAt", "soon")],
)
def test_ids_and_index_times_must_be_such(field, value):
    with pytest.raises(BadAnswer, match=field) as caught:
        parsed(built(views()[ROOT], **{field: value}))
    assert caught.value.payload == b"kept"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>Service unavailable</html>", "expected JSON"),
        (b'{"thread": {"post"', "expected JSON"),
        (b"[]", "expected a JSON object"),
        (b"{}", "`thread` is missing"),
        (b'{"thread": []}', "`thread` is missing"),
        (b'{"thread": {"$type": "app.bsky.feed.defs#newNode"}}', "post"),
        (b"[" * 5000, "expected JSON"),
    ],
)
async def test_an_answer_that_is_no_thread_is_refused_and_kept(body, why):
    http = replay()
    thread(http, ROOT, body)
    thread(http, ROOT, body, depth=200)
    with pytest.raises(BadAnswer, match=why) as caught:
        await poll(http)
    assert caught.value.payload == body[:65536]


@pytest.mark.parametrize("body", [{}, {"did": 3}, {"did": "handle.test"}])
async def test_a_handle_that_resolves_to_no_id_is_refused(body):
    http = replay()
    http.add("com.atproto.identity.resolveHandle", body)
    url = "https://bsky.app/profile/northwind.test/post/3abc"
    with pytest.raises(BadAnswer, match="`did` is"):
        await poll(http, source(SourceKind.THREAD, url))
