"""Accounts and searches on Bluesky: what is stored, what is followed, and where reading stops."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.errors import AccessDenied, Gone, HttpError, SourceError
from monitor.types import Gap, GapReason, SourceKind
from tests.collect.bluesky_case import (
    BY_QUIET,
    DID,
    FOLDER,
    POSTS,
    ROOT,
    URI,
    built,
    expected,
    pid,
    poll,
    recorded,
    rows,
    source,
    views,
)
from tests.collect.replay import MemoryOf, ReplayHttp

FEED = "app.bsky.feed.getAuthorFeed"
SEARCH = "app.bsky.feed.searchPosts"
COMPANY = source(SourceKind.ACCOUNT, "northwind.test")
LATER = datetime(2027, 3, 1, tzinfo=UTC)


def replay():
    return ReplayHttp(FOLDER, ignore=("limit", "filter", "sort"))


def searching(*queries):
    return source(SourceKind.SEARCH, "company", queries=queries)


async def account(http, **more):
    return await poll(http, COMPANY, **more)


# Accounts


async def test_an_account_over_two_recorded_pages():
    harvest = await account(replay())
    assert rows(harvest) == expected("account")
    own = {pid(post["uri"]) for post in POSTS if post["by"] == "northwind"}
    assert {post.post_id for post in harvest.posts} == own
    assert harvest.complete
    assert harvest.ordered


async def test_an_account_is_read_back_to_what_is_known():
    http = replay()
    memory = MemoryOf(shown={pid(ROOT)})
    harvest = await account(http, memory=memory)
    assert http.count("getAuthorFeed") == 1
    assert len(harvest.posts) == 5
    assert not harvest.complete
    assert harvest.ordered


async def test_no_more_than_ten_pages_are_read():
    http = ReplayHttp()
    for number in range(20):
        view = built(views()[ROOT], uri=f"at://{DID['northwind']}/app.bsky.feed.post/p{number}")
        params = {"actor": "northwind.test", "limit": 100, "filter": "posts_with_replies"}
        params |= {"cursor": str(number)} if number else {}
        http.add(FEED, {"feed": [{"post": view}], "cursor": str(number + 1)}, params=params)
    harvest = await account(http)
    assert len(harvest.posts) == http.count("getAuthorFeed") == 10
    assert not harvest.complete


async def test_a_cursor_that_never_ends_ends():
    http = ReplayHttp()
    http.add(FEED, {"feed": [], "cursor": "again"})
    await account(http)
    assert http.count("getAuthorFeed") == 2


async def test_what_an_account_reposts_is_not_its_own():
    harvest = await poll(replay(), source(SourceKind.ACCOUNT, "presse-nw.test"))
    assert "reason" in recorded("getAuthorFeed_press")["feed"][0]
    assert {post.author_handle for post in harvest.posts} == {"presse-nw.test"}
    assert pid(ROOT) not in {post.post_id for post in harvest.posts}
    assert {one.target for one in harvest.found} == {
        post["uri"] for post in POSTS if post["by"] == "presse" and "root" not in post
    }


async def test_an_old_post_is_followed_only_if_it_has_replies():
    young = await account(replay())
    old = await account(replay(), now=LATER)
    assert {one.target for one in young.found} == {
        ROOT,
        URI["Good morning from the Northwind team ☀️"],
    }
    assert [(one.kind, one.target, one.root_id) for one in old.found] == [
        (SourceKind.THREAD, ROOT, pid(ROOT))
    ]


@pytest.mark.parametrize(
    "target",
    [
        "northwind.test",
        "@northwind.test",
        "bluesky:northwind.test",
        "https://bsky.app/profile/northwind.test",
    ],
)
async def test_an_account_may_be_named_in_every_usual_form(target):
    http = replay()
    await poll(http, source(SourceKind.ACCOUNT, target))
    assert http.asked[0][1]["actor"] == "northwind.test"


async def test_an_account_that_does_not_exist_is_gone():
    with pytest.raises(Gone, match="Profile not found"):
        await poll(replay(), source(SourceKind.ACCOUNT, "nobody.test"))


async def test_an_account_that_asks_not_to_be_shown_is_not_stored():
    http = ReplayHttp()  # built from its recorded post
    http.add(FEED, {"feed": [{"post": views()[BY_QUIET]}]})
    memory = MemoryOf(shown={pid(BY_QUIET)})
    harvest = await poll(http, source(SourceKind.ACCOUNT, DID["quiet"]), memory=memory)
    assert (harvest.posts, harvest.engagement, harvest.found) == ([], [], [])
    assert harvest.gaps == [Gap(reason=GapReason.POLICY, concerns="posts")]
    assert BY_QUIET not in repr(harvest)


# Searches


async def test_a_recorded_search():
    harvest = await poll(replay(), searching("Northwind"))
    assert rows(harvest) == expected("search")
    assert {post.post_id for post in harvest.posts} == {
        pid(view["uri"]) for view in recorded("searchPosts_Northwind")["posts"]
    }


async def test_a_search_for_an_umlaut_finds_it():
    harvest = await poll(replay(), searching("Preiserhöhung"))
    assert {post.post_id for post in harvest.posts} == {
        pid(view["uri"]) for view in recorded("searchPosts_umlaut")["posts"]
    }
    assert all("Preiserhöhung" in post.text for post in harvest.posts)


async def test_a_search_with_spaces_is_an_exact_phrase_newest_first():
    http = ReplayHttp()
    http.add(SEARCH, {"posts": []})
    await poll(http, searching("Series G", 'already "quoted here"', "one"))
    assert [asked["q"] for _, asked in http.asked] == [
        '"Series G"',
        'already "quoted here"',
        "one",
    ]
    assert {(asked["sort"], asked["limit"]) for _, asked in http.asked} == {("latest", 100)}


async def test_a_post_that_two_queries_find_is_stored_once():
    harvest = await poll(replay(), searching("Northwind", "Preiserhöhung"))
    ids = [post.post_id for post in harvest.posts]
    assert len(ids) == len(set(ids))
    assert len(harvest.engagement) == len(ids)


async def test_a_search_stops_at_what_is_known_but_a_new_query_does_not():
    http = ReplayHttp()
    first, second = recorded("searchPosts_Northwind")["posts"][:2]
    for query in ("old", "new"):
        params = {"q": query, "sort": "latest", "limit": 100}
        http.add(SEARCH, {"posts": [first], "cursor": "2"}, params=params)
        http.add(SEARCH, {"posts": [second]}, params=params | {"cursor": "2"})
    memory = MemoryOf(shown={pid(first["uri"])})
    await poll(http, searching("old", "new"), memory=memory, state={"queries": ["old"]})
    assert [(asked["q"], asked.get("cursor")) for _, asked in http.asked] == [
        ("old", None),
        ("new", None),
        ("new", "2"),
    ]


async def test_a_search_cut_after_ten_pages_says_so():
    http = ReplayHttp()
    for number in range(11):
        params = {"q": "much", "sort": "latest", "limit": 100}
        params |= {"cursor": str(number)} if number else {}
        http.add(SEARCH, {"posts": [], "cursor": str(number + 1)}, params=params)
    http.add(SEARCH, {"posts": []}, params={"q": "little", "sort": "latest", "limit": 100})
    harvest = await poll(http, searching("much", "little"))
    assert http.count("searchPosts") == 11
    assert not harvest.complete
    assert not harvest.ordered  # one query reaches back further than the other
    assert harvest.gaps == [Gap(reason=GapReason.PAGE_CAP, concerns="posts")]
    alone = await poll(http, searching("much"))
    assert alone.ordered
    assert alone.gaps == []  # how far one list reaches back, its oldest item tells


async def test_what_a_search_must_not_keep_is_left_out():
    http = ReplayHttp()
    http.add(SEARCH, {"posts": [views()[BY_QUIET], views()[ROOT]]})
    memory = MemoryOf().take(await poll(replay(), searching("Northwind")))
    harvest = await poll(http, searching("company"), memory=memory)
    assert [post.post_id for post in harvest.posts] == [pid(ROOT)]
    assert DID["quiet"] not in repr(harvest)
    assert harvest.gaps == [Gap(reason=GapReason.POLICY, concerns="posts")]
    empty = ReplayHttp()
    empty.add(SEARCH, {"posts": []})
    later = await poll(empty, searching("company"), state=harvest.state)
    assert later.gaps == harvest.gaps  # what was left out did not come back


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_search_says_what_to_do(status):
    http = ReplayHttp()  # built: public AppViews answer so
    http.add(SEARCH, {"error": "Forbidden"}, status=status)
    with pytest.raises(AccessDenied, match=r"needs a login .*base_url") as caught:
        await poll(http, searching("Northwind"))
    assert caught.value.status == status


# Errors


@pytest.mark.parametrize(
    ("name", "status"),
    [("err_limit101", 400), ("err_bad_uri", 400), ("getPosts_26_error", 400)],
)
async def test_a_refused_request_is_not_mistaken_for_something_gone(name, status):
    http = ReplayHttp()
    http.add(FEED, recorded(name), status=status)
    with pytest.raises(HttpError) as caught:
        await account(http)
    assert type(caught.value) is HttpError


async def test_a_method_that_the_server_lacks_is_an_error():
    http = ReplayHttp()
    http.add(FEED, recorded("err_unknown_method"), status=501)
    with pytest.raises(HttpError) as caught:
        await account(http)
    assert (type(caught.value), caught.value.status) == (HttpError, 501)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "AccountTakedown", "message": "Account has been suspended"},
        {"error": "AccountDeactivated", "message": "Account is deactivated"},
    ],
)
async def test_an_account_taken_away_is_gone(body):
    http = ReplayHttp()  # built: newer AppViews name the reason
    http.add(FEED, body, status=400)
    with pytest.raises(Gone, match=body["error"]):
        await account(http)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"', b"\xff", b"[" * 100_000])
async def test_a_refusal_that_is_no_json_object_stays_what_it_is(body):
    http = ReplayHttp()
    http.add(FEED, body, status=400)
    with pytest.raises(HttpError) as caught:
        await account(http)
    assert type(caught.value) is HttpError


async def test_a_handle_that_nobody_bears_is_gone():
    http = ReplayHttp()
    body = {"error": "InvalidRequest", "message": "Unable to resolve handle"}
    http.add("com.atproto.identity.resolveHandle", body, status=400)
    url = "https://bsky.app/profile/nobody.test/post/3abc"
    with pytest.raises(Gone, match="Unable to resolve handle"):
        await poll(http, source(SourceKind.THREAD, url))


@pytest.mark.parametrize("target", ["https://example.org/", "at://did:plc:x", "", "did:plc:x"])
async def test_a_target_that_is_no_post_is_named(target):
    with pytest.raises(SourceError, match="names no Bluesky post"):
        await poll(ReplayHttp(), source(SourceKind.THREAD, target))


@pytest.mark.parametrize("kind", [SourceKind.SITE, SourceKind.FEED, SourceKind.PAGE])
async def test_kinds_that_bluesky_lacks_are_named(kind):
    with pytest.raises(SourceError, match=f"bluesky can't read kind {kind}"):
        await poll(ReplayHttp(), source(kind, "x"))


async def test_requests_go_to_the_configured_base_and_else_to_the_public_one():
    urls = []

    class Http(ReplayHttp):
        async def get(self, url, **more):
            urls.append(url)
            return await super().get(url, **more)

    http = Http()
    http.add(FEED, {"feed": []})
    await account(http)
    await account(http, base_url="http://127.0.0.1:9/")
    assert urls == [
        "https://public.api.bsky.app/xrpc/app.bsky.feed.getAuthorFeed",
        "http://127.0.0.1:9/xrpc/app.bsky.feed.getAuthorFeed",
    ]
