"""A WordPress post and its comments against what the recorded site really held.

The recorded site: one post with 34 reactions, of which one is in the trash, one is held, one is
spam, one was deleted for good, and two are pings from other sites.
"""

from __future__ import annotations

import pytest

from monitor.collect.wordpress.api import MAX_PAGES
from monitor.collect.wordpress.missing import MAX_ASKED
from monitor.errors import AccessDenied, BadAnswer, Gone, Throttled
from monitor.types import Claim, Engagement, Gap, GapReason, SourceKind
from tests.collect.replay import MemoryOf
from tests.collect.wordpress_case import (
    BASE,
    NOW,
    PERMALINK,
    ROOT,
    TRUTH,
    BuiltSite,
    cid,
    expected,
    numbers,
    poll,
    recorded,
    refusal,
    replay,
    rows,
)

COMMENTS = "/wp-json/wp/v2/comments"
PINGS = {TRUTH["ids"][7], TRUTH["ids"][20]}
NOT_PUBLIC = {TRUTH[name] for name in ("held", "spam", "trashed", "deleted")}


async def test_the_rows_are_the_expected_rows():
    assert rows(await poll(replay())) == expected("thread")


async def test_every_public_comment_is_there():
    harvest = await poll(replay())
    assert set(numbers(harvest)) == set(TRUTH["ids"]) - NOT_PUBLIC - PINGS
    assert harvest.complete
    assert harvest.resolved == ROOT
    assert harvest.claims == [Claim(ROOT, 28, "tree")]
    assert harvest.engagement == [Engagement(post_id=ROOT, replies=28)]


@pytest.mark.parametrize(
    "target",
    [
        PERMALINK,
        f"{BASE}/wp-json/wp/v2/posts/4",
        f"{BASE}/?rest_route=/wp/v2/posts/4",
        f"{BASE}/?p=4",
    ],
)
async def test_every_address_of_a_post_leads_to_it(target):
    http = replay()
    # built: the index of the API
    http.add(
        "/wp-json/",
        {"name": "Northwind"},
        headers={"link": f'<{BASE}/wp-json/>; rel="https://api.w.org/"'},
    )
    assert (await poll(http, target)).resolved == ROOT


async def test_an_id_leads_to_its_post():
    assert (await poll(BuiltSite({2: 0}), ROOT)).resolved == ROOT


async def test_the_page_is_read_only_until_the_number_is_known():
    http = replay()
    first = await poll(http)
    await poll(http, state=first.state)
    assert http.count("/price-change/") == 1


async def test_pages_are_followed_to_the_end_whatever_their_size():
    http = replay()
    headers = {"x-wp-total": "28", "x-wp-totalpages": "3"}
    for page in (1, 2, 3):
        params = {"post": 4, "per_page": 100, "page": page, "order": "asc", "orderby": "id"}
        http.add(COMMENTS, recorded(f"comments_p{page}.json"), params=params, headers=headers)
    harvest = await poll(http)
    assert numbers(harvest) == numbers(await poll(replay()))
    assert http.count(COMMENTS) == 3


@pytest.mark.parametrize("end", [[], refusal(400, "rest_post_invalid_page_number")])
async def test_without_paging_headers_a_list_ends_where_nothing_comes(end):
    http = replay()
    http.ignore = frozenset({*http.ignore} - {"page"})
    common = {"post": 4, "per_page": 100, "order": "asc", "orderby": "id"}
    # built: a proxy that drops the headers of WordPress
    http.add(COMMENTS, recorded("comments_100.json"), params={**common, "page": 1})
    http.add(COMMENTS, end, params={**common, "page": 2})
    harvest = await poll(http)
    assert len(numbers(harvest)) == 28
    assert harvest.claims == []
    assert harvest.engagement == []


async def test_a_burst_of_comments_is_not_lost():
    site = BuiltSite(dict.fromkeys(range(1, 451), 0))
    harvest = await poll(site)
    assert numbers(harvest) == list(range(1, 451))
    assert harvest.complete


async def test_a_late_approval_is_found_among_older_comments():
    site = BuiltSite(dict.fromkeys(range(1, 151), 0), hidden={17})
    first = await poll(site)
    site.hidden.clear()
    second = await poll(site, memory=MemoryOf().take(first), state=first.state)
    assert 17 not in numbers(first)
    assert 17 in numbers(second)


async def test_a_comment_that_comes_while_pages_are_read_is_there():
    site = BuiltSite(dict.fromkeys(range(1, 201), 0))

    def add(request: int) -> None:
        if request == 2:
            site.comments[201] = 0

    site.before = add
    harvest = await poll(site)
    assert numbers(harvest) == list(range(1, 202))
    assert harvest.claims == [Claim(ROOT, 201, "tree")]


async def test_a_comment_that_slips_to_an_earlier_page_is_there():
    site = BuiltSite(dict.fromkeys(range(1, 251), 0))

    def trash(request: int) -> None:
        if request == 2:
            site.hidden.add(50)  # 101 now stands on page 1, which was read

    site.before = trash
    harvest = await poll(site)
    assert numbers(harvest) == list(range(1, 251))
    assert harvest.complete


async def test_a_list_that_never_stands_still_states_nothing_final():
    site = BuiltSite(dict.fromkeys(range(1, 301), 0))
    site.before = site.hidden.add
    memory = MemoryOf().take(await poll(BuiltSite({999: 0})))
    harvest = await poll(site, memory=memory)
    assert not harvest.complete
    assert harvest.removed == []


async def test_a_list_without_end_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr("monitor.collect.wordpress.api.MAX_PAGES", 2)
    assert MAX_PAGES > 2
    harvest = await poll(BuiltSite(dict.fromkeys(range(1, 251), 0)))
    assert not harvest.complete
    assert harvest.gaps == [Gap(reason=GapReason.PAGE_CAP, post_id=ROOT, missing=50)]


async def test_what_is_gone_or_public_no_longer_is_removed():
    http = replay()
    first = await poll(http)
    memory = MemoryOf().take(first)
    for number in (6, 16):  # as if seen before they were trashed and deleted
        memory.alive[cid(number)] = memory.alive[cid(2)]
        memory.shown.add(cid(number))
    harvest = await poll(http, memory=memory, state=first.state)
    assert set(harvest.removed) == {cid(6), cid(16)}
    assert harvest.gaps == []


async def test_a_known_comment_that_is_only_not_listed_stays():
    site = BuiltSite({1: 0, 2: 0})
    memory = MemoryOf().take(await poll(site))
    site.unlisted.add(2)  # as pings are
    harvest = await poll(site, memory=memory)
    assert harvest.removed == []
    assert numbers(harvest) == [1, 2]


async def test_a_firewall_deletes_nothing():
    http = replay()
    memory = MemoryOf().take(await poll(http))
    memory.alive[cid(6)] = memory.alive[cid(2)]
    http.add(f"{COMMENTS}/6", refusal(403, None, f"{BASE}{COMMENTS}/6"))  # built
    harvest = await poll(http, memory=memory)
    assert isinstance(harvest.error, AccessDenied)
    assert harvest.removed == []


async def test_many_deletions_are_confirmed_over_several_polls():
    site = BuiltSite(dict.fromkeys(range(1, 251), 0))
    harvest = await poll(site)
    memory = MemoryOf().take(harvest)
    for number in range(1, 251):
        del site.comments[number]
    counts = []
    for _ in range(3):
        harvest = await poll(site, memory=memory, state=harvest.state)
        memory = memory.take(harvest)
        counts.append(len(harvest.removed))
    assert counts == [MAX_ASKED, MAX_ASKED, 50]
    assert not [one for one in memory.alive if "/comment/" in one]


async def test_parents_that_are_not_shown_are_gaps():
    site = BuiltSite({1: 0, 2: 14, 3: 16, 14: 0}, hidden={14})
    harvest = await poll(site)
    assert harvest.gaps == [
        Gap(reason=GapReason.HIDDEN, post_id=cid(14), missing=1),
        Gap(reason=GapReason.PARENT_DELETED, post_id=cid(16)),
    ]
    asked = len(site.asked)
    again = await poll(site, memory=MemoryOf().take(harvest), state=harvest.state)
    assert again.gaps == harvest.gaps
    assert not [one for one in site.asked[asked:] if one.endswith(("/14", "/16"))]


async def test_a_parent_that_is_served_but_not_listed_is_kept():
    harvest = await poll(BuiltSite({1: 0, 2: 9, 9: 0}, unlisted={9}))
    assert numbers(harvest) == [1, 2, 9]
    assert harvest.gaps == []


async def test_a_seen_parent_that_is_trashed_is_removed_and_no_gap():
    site = BuiltSite({1: 0, 2: 1})
    first = await poll(site)
    site.hidden.add(1)
    harvest = await poll(site, memory=MemoryOf().take(first), state=first.state)
    assert harvest.removed == [cid(1)]
    assert harvest.gaps == []


async def test_a_total_that_counts_more_than_the_list_shows_is_a_gap():
    http = replay()
    # built: entries that WordPress counts and then may not show
    http.add(
        COMMENTS,
        recorded("comments_100.json"),
        headers={"x-wp-total": "31", "x-wp-totalpages": "1"},
    )
    harvest = await poll(http)
    assert harvest.gaps == [Gap(reason=GapReason.UNEXPLAINED, post_id=ROOT, missing=3)]


async def test_a_trashed_announcement_is_removed_with_its_comments():
    site = BuiltSite({1: 0, 2: 0})
    first = await poll(site)
    site.posts.clear()
    site.comments.clear()
    harvest = await poll(site, memory=MemoryOf().take(first), state=first.state)
    assert set(harvest.removed) == {ROOT, cid(1), cid(2)}
    assert harvest.claims == []
    assert harvest.error is None


async def test_a_post_that_never_was_is_an_error():
    harvest = await poll(BuiltSite(posts={}), f"{BASE}/?p=4")
    assert isinstance(harvest.error, Gone)
    assert harvest.posts == []


async def test_a_closed_api_leaves_the_page_and_its_comment_feed():
    http = replay()
    closed = refusal(401, "rest_login_required", f"{BASE}/wp-json/wp/v2/posts/4")  # built
    http.add("/wp-json/wp/v2/posts/4", closed)
    http.add(
        "/2026/11/price-change/",  # built: the recorded page is empty
        b"<html lang=en><title>Prices</title><h1>Northwind raises prices</h1>",
        headers={
            "content-type": "text/html",
            "link": f'<{BASE}/wp-json/>; rel="https://api.w.org/", <{BASE}/?p=4>; rel=shortlink',
        },
    )
    harvest = await poll(http)
    assert isinstance(harvest.error, AccessDenied)
    assert "ten newest" in str(harvest.error)
    (feed,) = harvest.found
    assert (feed.network, feed.kind, feed.root_id) == ("feed", SourceKind.FEED, ROOT)
    assert feed.target == f"{PERMALINK}feed/"
    assert [post.title for post in harvest.posts] == ["Northwind raises prices"]
    assert harvest.posts[0].post_id == ROOT
    assert harvest.gaps == [Gap(reason=GapReason.ACCESS, post_id=ROOT)]


@pytest.mark.parametrize(
    "refused", [refusal(404, "rest_no_route"), refusal(403, None), refusal(404, None)]
)
async def test_closed_comments_leave_the_feed(refused):
    http = replay()
    http.add(COMMENTS, refused)  # built
    harvest = await poll(http)
    assert isinstance(harvest.error, AccessDenied)
    assert [found.target for found in harvest.found] == [f"{PERMALINK}feed/"]
    assert [post.post_id for post in harvest.posts] == [ROOT]


async def test_a_pause_that_is_asked_for_is_no_closed_api():
    http = replay()
    http.add(COMMENTS, Throttled("wait", url=BASE, status=429, retry_after=60))  # built
    harvest = await poll(http)
    assert isinstance(harvest.error, Throttled)
    assert harvest.found == []
    assert [post.post_id for post in harvest.posts] == [ROOT]


async def test_an_error_page_with_status_200_is_a_bad_answer():
    http = replay()
    http.add(COMMENTS, b"<html>Briefly unavailable for scheduled maintenance.</html>")  # built
    harvest = await poll(http)
    assert isinstance(harvest.error, BadAnswer)
    assert harvest.error.payload.startswith(b"<html>Briefly")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": "2"}, "$[0].id"),
        ({"parent": -1}, "$[0].parent"),
        ({"content": "text"}, "$[0].content"),
        ({"date_gmt": "yesterday"}, "yesterday"),
        ({"post": 77}, "one on 77"),
    ],
)
async def test_a_field_of_another_shape_is_named(change, named):
    http = replay()
    http.add(COMMENTS, [{**recorded("comments_100.json")[0], **change}])  # built
    harvest = await poll(http)
    assert isinstance(harvest.error, BadAnswer)
    assert named in str(harvest.error)
    assert harvest.error.payload
    assert not harvest.complete


async def test_a_server_that_ignores_the_page_is_a_bad_answer():
    http = replay()
    http.add(COMMENTS, recorded("comments_100.json"), headers={"x-wp-totalpages": "9"})  # built
    harvest = await poll(http)
    assert isinstance(harvest.error, BadAnswer)
    assert len(numbers(harvest)) == 28


async def test_a_site_in_a_folder_has_the_folder_in_its_ids():
    site = BuiltSite({2: 0}, base="https://www.example.org/blog")
    harvest = await poll(site, "https://www.example.org/blog/a-post/")
    assert harvest.resolved == "wordpress:www.example.org/blog/post/4"
    assert numbers(harvest) == [2]
    assert harvest.posts[1].post_id == cid(2, "www.example.org/blog")


async def test_a_site_without_permalinks_is_asked_by_parameter():
    site = BuiltSite({2: 0})
    state = {"api": f"{BASE}/index.php?rest_route=/", "post": 4}
    harvest = await poll(site, state=state)
    assert harvest.resolved == ROOT
    assert numbers(harvest) == [2]
    assert site.asked == ["/wp/v2/posts/4", "/wp/v2/comments"]


async def test_an_override_changes_where_is_asked_and_no_id():
    http = replay()
    first = await poll(http, "https://news.example.org/2026/11/price-change/", base_url=BASE)
    assert first.error is None
    assert first.resolved == ROOT  # as the site names itself


async def test_a_post_is_found_by_its_slug_where_the_page_tells_no_number():
    http = replay()
    link = f'<{BASE}/wp-json/>; rel="https://api.w.org/"'
    http.add("/2026/11/price-change/", b"", headers={"link": link})  # built
    http.add("/wp-json/wp/v2/posts", recorded("post_by_slug.json"), params={"slug": "price-change"})
    assert (await poll(http)).resolved == ROOT


async def test_a_link_to_another_host_is_no_alias():
    http = replay()
    stolen = {**recorded("post.json"), "link": "https://victim.example/article"}  # built
    http.add("/wp-json/wp/v2/posts/4", stolen)
    (post,) = [post for post in (await poll(http)).posts if post.post_id == ROOT]
    assert post.aliases == ()


async def test_an_edited_post_says_when():
    site = BuiltSite(posts={4: "2026-11-23T12:00:00"})
    (post,) = (await poll(site)).posts
    assert post.edited_at == NOW.replace(hour=12)


async def test_what_wordpress_can_not_be_asked_for_is_an_error():
    harvest = await poll(replay(), kind=SourceKind.SEARCH)
    assert "search" in str(harvest.error)


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ({"id": 1, "name": "Ben O&#8217;Hara &amp; Co"}, "Ben O\u2019Hara & Co"),
        ({"code": "rest_user_invalid_id", "message": "Invalid user ID."}, None),
        ({"name": ""}, None),
    ],
)
async def test_the_author_is_named_where_the_site_names_one(author, name):
    http = replay()
    embedded = {**recorded("post.json"), "_embedded": {"author": [author]}}  # built
    http.add("/wp-json/wp/v2/posts/4", embedded)
    (post,) = [post for post in (await poll(http)).posts if post.post_id == ROOT]
    assert post.author_name == name
    assert post.author_id == "wordpress:127.0.0.1:8081/user/1"


@pytest.mark.parametrize("date", ["0000-00-00T00:00:00", "-0001-11-30T00:00:00", "", None])
async def test_a_date_that_is_none_is_not_replaced_by_the_local_one(date):
    http = replay()
    http.add("/wp-json/wp/v2/posts/4", {**recorded("post.json"), "date_gmt": date})  # built
    (post,) = [post for post in (await poll(http)).posts if post.post_id == ROOT]
    assert post.claimed_at is None
    assert post.edited_at is None
