"""A whole WordPress site over many polls: nothing public is missed, nothing gone stays."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.collect.wordpress.missing import absent
from monitor.collect.wordpress.site import must_read_all
from monitor.errors import AccessDenied
from monitor.types import Gap, GapReason, SourceKind
from tests.collect.replay import MemoryOf
from tests.collect.wordpress_case import (
    BASE,
    HOST,
    NOW,
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

SITE = SourceKind.SITE
API_LINK = f'<{BASE}/wp-json/>; rel="https://api.w.org/"'


async def again(site, harvest, memory, minutes=5):
    """The next poll, and the memory that it was given."""
    memory = memory.take(harvest)
    now = NOW + timedelta(minutes=minutes)
    return await poll(site, BASE, SITE, memory=memory, state=harvest.state, now=now), memory


async def test_the_recorded_site_gives_the_expected_rows():
    http = replay()
    # built: the index of the API, and the list of the whole site from the one of its only thread
    http.add("/wp-json/", {"name": "Northwind"}, headers={"link": API_LINK})
    totals = {"x-wp-total": "28", "x-wp-totalpages": "1"}
    http.add("/wp-json/wp/v2/comments", recorded("comments_100.json"), headers=totals)
    harvest = await poll(http, f"{BASE}/", SITE)
    assert rows(harvest) == expected("site")
    assert harvest.complete


async def test_a_first_poll_reads_the_whole_site():
    site = BuiltSite(dict.fromkeys(range(1, 251), 0), posts={4: "2026-11-23T09:13:16"})
    harvest = await poll(site, BASE, SITE)
    assert numbers(harvest) == list(range(1, 251))
    assert harvest.complete
    assert harvest.claims == []  # a site names no total of one thread


async def test_a_later_poll_reads_only_to_what_is_known():
    site = BuiltSite(dict.fromkeys(range(1, 451), 0))
    first = await poll(site, BASE, SITE)
    site.comments |= dict.fromkeys(range(451, 471), 0)
    asked = site.asked.count("/wp/v2/comments")
    second, memory = await again(site, first, MemoryOf())
    new = {cid(number) for number in numbers(second)} - memory.shown
    assert new == {cid(number) for number in range(451, 471)}
    assert site.asked.count("/wp/v2/comments") - asked == 2
    assert not second.complete


async def test_a_late_approval_deep_in_the_list_makes_it_read_all():
    site = BuiltSite(dict.fromkeys(range(1, 351), 0), hidden={3})
    first = await poll(site, BASE, SITE)
    site.hidden.clear()
    second, _ = await again(site, first, MemoryOf())
    assert 3 in numbers(second)
    assert len(second.posts) == len({post.post_id for post in second.posts})


async def test_a_deletion_makes_it_read_all_and_is_confirmed():
    site = BuiltSite({1: 0, 2: 1, 3: 0})
    first = await poll(site, BASE, SITE)
    del site.comments[3]
    site.hidden.add(1)
    second, _ = await again(site, first, MemoryOf())
    assert second.removed == [cid(1), cid(3)]
    assert second.gaps == []


async def test_a_deletion_behind_an_approval_is_found_within_a_day():
    site = BuiltSite(dict.fromkeys(range(1, 251), 0), hidden={2})
    first = await poll(site, BASE, SITE)
    site.hidden = {4}  # one in, one out: the total is the same
    second, memory = await again(site, first, MemoryOf())
    assert second.removed == []
    third, _ = await again(site, second, memory, minutes=24 * 60 + 5)
    assert third.removed == [cid(4)]


async def test_an_edited_post_is_read_again():
    site = BuiltSite(posts={4: "2026-11-23T09:13:16", 5: "2026-11-23T09:13:17"})
    first = await poll(site, BASE, SITE)
    site.posts[4] = "2026-11-23T15:00:00"
    second, _ = await again(site, first, MemoryOf())
    (post,) = [post for post in second.posts if post.post_id.endswith("/post/4")]
    assert post.edited_at == NOW.replace(hour=15)


async def test_a_deleted_post_is_removed():
    site = BuiltSite(posts={4: "2026-11-23T09:13:16", 5: "2026-11-23T09:13:17"})
    first = await poll(site, BASE, SITE)
    del site.posts[5]
    second, _ = await again(site, first, MemoryOf())
    assert second.removed == [f"wordpress:{HOST}/post/5"]


async def test_gaps_stay_named_while_nothing_changes():
    site = BuiltSite({1: 0, 2: 14, 14: 0}, hidden={14})
    first = await poll(site, BASE, SITE)
    second, _ = await again(site, first, MemoryOf())
    assert first.gaps == [Gap(reason=GapReason.HIDDEN, post_id=cid(14), missing=1)]
    assert second.gaps == first.gaps


async def test_a_closed_api_leaves_the_feeds():
    http = replay()
    http.add("/wp-json/", refusal(401, "rest_login_required", f"{BASE}/wp-json/"))  # built
    http.add("/", refusal(401, "rest_login_required", f"{BASE}/?rest_route=/"))
    harvest = await poll(http, f"{BASE}/", SITE)
    assert isinstance(harvest.error, AccessDenied)
    assert [one.target for one in harvest.found] == [f"{BASE}/feed/", f"{BASE}/comments/feed/"]
    assert {one.kind for one in harvest.found} == {SourceKind.FEED}


async def test_a_site_in_a_folder():
    site = BuiltSite({2: 0}, base="https://www.example.org/blog")
    harvest = await poll(site, "https://www.example.org/blog", SITE)
    assert harvest.posts[0].post_id == "wordpress:www.example.org/blog/post/4"


def test_a_list_that_adds_up_needs_no_second_look():
    assert not must_read_all(10, 2, 12)
    assert must_read_all(10, 2, 13)  # a late approval
    assert must_read_all(10, 2, 11)  # a deletion
    assert must_read_all(None, 0, 0)  # nothing known
    assert must_read_all(10, 0, None)  # nothing said


@given(st.sets(st.integers(1, 99)), st.sets(st.integers(1, 99)))
def test_what_is_absent_was_known_and_is_not_listed(known, listed):
    found = absent(map(cid, known), map(cid, listed), cid(0)[:-1])
    assert set(found) == {cid(number) for number in known - listed}


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "hide", "show", "delete"]), st.integers(1, 30)), max_size=12
)


@settings(max_examples=40)
@given(st.lists(STEPS, min_size=1, max_size=4), st.sampled_from([SITE, SourceKind.THREAD]))
async def test_after_a_full_poll_what_is_believed_live_is_what_is_public(rounds, kind):
    site = BuiltSite()
    memory, state = MemoryOf(), {}
    for day, steps in enumerate(rounds):
        for step, number in steps:
            change(site, step, number)
        now = NOW + timedelta(days=2 * day)
        harvest = await poll(site, f"{BASE}/?p=4", kind, memory=memory, state=state, now=now)
        memory, state = memory.take(harvest), harvest.state
        public = {cid(number) for number in set(site.comments) - site.hidden}
        assert {one for one in memory.alive if "/comment/" in one} == public
        assert harvest.complete


def change(site: BuiltSite, step: str, number: int) -> None:
    if step == "add":
        site.comments.setdefault(number, number // 2)
    elif step == "delete":
        site.comments.pop(number, None)
        site.hidden.discard(number)
    elif step == "hide" and number in site.comments:
        site.hidden.add(number)
    elif step == "show":
        site.hidden.discard(number)
