"""A thread on Bluesky against what really existed: which replies are stored, and where they hang.

The recorded network: an announcement with 40 replies up to 8 deep, made by accounts that block
each other, ask not to be shown, or set their clocks wrong.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from monitor.types import Engagement, Gap, GapReason, PostState, SourceKind
from tests.collect.bluesky_case import (
    ABOVE_FAN,
    BY_FAN,
    BY_QUIET,
    BY_TROLL,
    DID,
    POSTS,
    REPLIES,
    ROOT,
    TRUTH,
    UNDER_FAN,
    URI,
    built,
    expected,
    nodes,
    pid,
    poll,
    recorded,
    replay,
    rows,
    source,
    thread,
    tree,
    views,
)

HIDDEN_BY_BLOCKS = {BY_TROLL, BY_FAN, UNDER_FAN}


def in_thread(harvest):
    return {post.post_id: post for post in harvest.posts if post.root_id == pid(ROOT)}


async def test_the_rows_are_the_expected_rows():
    assert rows(await poll(replay())) == expected("thread")


async def test_depth_1000_shows_37_of_40_replies_and_the_default_35():
    deep = nodes(recorded("getPostThread_depth1000")["thread"])
    default = nodes(recorded("getPostThread_default")["thread"])
    assert (len(REPLIES), len(deep) - 1, len(default) - 1) == (40, 37, 35)
    assert {post["uri"] for post in REPLIES} - set(deep) == HIDDEN_BY_BLOCKS


async def test_without_other_ways_all_but_the_blocked_and_the_withheld_are_stored():
    harvest = await poll(replay(feeds=False))
    all_replies = {pid(post["uri"]) for post in REPLIES}
    unseen = {pid(uri) for uri in HIDDEN_BY_BLOCKS | {BY_QUIET}}
    assert set(in_thread(harvest)) == all_replies - unseen
    assert len(in_thread(harvest)) == 36
    assert harvest.complete
    assert set(harvest.gaps) == {
        Gap(reason=GapReason.POLICY, post_id=pid(ROOT), missing=1),
        Gap(reason=GapReason.UNEXPLAINED, post_id=pid(ROOT), missing=1),
        Gap(
            reason=GapReason.UNEXPLAINED,
            post_id=pid(ABOVE_FAN),
            missing=1,
        ),
    }


async def test_author_feeds_find_what_blocks_hide_and_what_hangs_under_it():
    harvest = await poll(replay())
    assert set(in_thread(harvest)) == {pid(post["uri"]) for post in REPLIES} - {pid(BY_QUIET)}
    assert harvest.gaps == [Gap(reason=GapReason.POLICY, post_id=pid(ROOT), missing=1)]


async def test_parents_roots_texts_and_clocks_are_the_true_ones():
    stored = {post.post_id: post for post in (await poll(replay())).posts}
    for truth in POSTS:
        post = stored.get(pid(truth["uri"]))
        if post is None:
            continue
        assert post.text == truth["text"]
        assert post.reply_to_id == (pid(truth["parent"]) if "parent" in truth else None)
        assert post.root_id == (pid(truth["root"]["uri"]) if "root" in truth else None)
        assert post.claimed_at == datetime.fromisoformat(truth["createdAt"])
        assert post.indexed_at is not None
        assert post.indexed_at.date() == datetime(2026, 11, 23, tzinfo=UTC).date()
        assert post.author_id == f"bluesky:{DID[truth['by']]}"
        assert post.author_handle == TRUTH["accounts"][truth["by"]]["handle"]


@pytest.mark.parametrize(
    ("text", "year", "month"),
    [
        ("client clock wrong: createdAt two years ago", 2024, 11),
        ("client clock wrong: createdAt in the future", 2026, 12),
    ],
)
async def test_both_clocks_are_kept_however_absurd_the_author_is(text, year, month):
    post = in_thread(await poll(replay()))[pid(URI[text])]
    assert (post.claimed_at.year, post.claimed_at.month) == (year, month)
    assert (post.indexed_at.year, post.indexed_at.month) == (2026, 11)


async def test_nothing_of_a_withheld_account_is_kept():
    harvest = await poll(replay())
    kept = repr(harvest)
    assert BY_QUIET not in kept
    assert DID["quiet"] not in kept
    assert "quiet-nw" not in kept
    assert "I only post for logged-in people." not in kept


async def test_answers_to_a_withheld_post_are_kept_and_name_it():
    http, answer = replay(), tree()
    child = built(views()[URI["👍"]], uri=f"at://{DID['bob']}/app.bsky.feed.post/3built")
    child["record"]["reply"]["parent"]["uri"] = BY_QUIET
    nodes(answer["thread"])[BY_QUIET]["replies"] = [{"post": child, "replies": []}]
    thread(http, ROOT, answer)
    stored = in_thread(await poll(http))
    assert stored[pid(child["uri"])].reply_to_id == pid(BY_QUIET)
    assert pid(BY_QUIET) not in stored


async def test_the_label_counts_only_from_the_account_itself_and_until_it_is_negated():
    http, answer = replay(), tree()
    labels = nodes(answer["thread"])[BY_QUIET]["post"]["author"]["labels"]
    foreign = built(labels[0], src="did:example:labeler")
    labels[:] = [foreign, built(labels[0], neg=True)]
    thread(http, ROOT, answer)
    harvest = await poll(http)
    assert pid(BY_QUIET) in in_thread(harvest)
    assert harvest.gaps == []


async def test_a_reply_hidden_by_the_announcer_is_stored_as_hidden_and_counts():
    stored = (await poll(replay())).posts
    assert [post.post_id for post in stored if post.state is PostState.HIDDEN] == [
        pid(TRUTH["hidden_reply"])
    ]
    assert in_thread(await poll(replay()))[pid(TRUTH["hidden_reply"])].text is not None


async def test_quotes_are_stored_the_detached_one_too_and_one_with_replies_is_followed():
    harvest = await poll(replay())
    quotes = {post.post_id for post in harvest.posts if post.quoted_id == pid(ROOT)}
    asked = [pid(post["uri"]) for post in POSTS if post["text"] in ("ratio", "detached quote")]
    assert pid(TRUTH["detached_quote"]) in quotes
    assert len(quotes) == 3
    assert asked[0] not in quotes  # its author is blocked: the list does not show it
    followed = URI["Northwind hikes prices by a quarter:"]
    assert [(one.kind, one.target, one.root_id) for one in harvest.found] == [
        (SourceKind.THREAD, followed, pid(followed))
    ]


async def test_counters_are_kept_as_shown_though_they_disagree_with_the_lists():
    harvest = await poll(replay())
    top = next(one for one in harvest.engagement if one.post_id == pid(ROOT))
    assert top == Engagement(
        post_id=pid(ROOT), likes=9, reposts=3, replies=18, quotes=2, views=None
    )
    assert len(recorded("getQuotes")["posts"]) != top.quotes
    assert {one.post_id for one in harvest.engagement} == {one.post_id for one in harvest.posts}


async def test_more_replies_than_claimed_are_no_gap():
    http, answer = replay(), tree()
    nodes(answer["thread"])[ROOT]["post"]["replyCount"] = 3
    thread(http, ROOT, answer)
    harvest = await poll(http)
    assert harvest.gaps == [Gap(reason=GapReason.POLICY, post_id=pid(ROOT), missing=1)]


async def test_every_post_of_the_tree_says_how_many_direct_replies_it_has():
    harvest = await poll(replay())
    claims = {claim.post_id: claim.claimed for claim in harvest.claims}
    assert {claim.scope for claim in harvest.claims} == {"direct"}
    assert set(claims) == set(in_thread(harvest)) | {pid(ROOT)}
    assert claims[pid(ROOT)] == 18


async def test_an_address_with_a_handle_is_resolved_once():
    url = f"https://bsky.app/profile/northwind.test/post/{ROOT.rpartition('/')[2]}"
    http, of = replay(), source(SourceKind.THREAD, url)
    first = await poll(http, of)
    assert first.resolved == pid(ROOT)
    again = await poll(http, of, state=first.state)
    assert again.resolved == pid(ROOT)
    assert http.count("resolveHandle") == 1


async def test_the_announcers_followers_are_asked_once_a_day():
    http = replay()
    first = await poll(http)
    later = await poll(http, state=first.state)
    assert http.count("getProfile") == 1
    for harvest in (first, later):
        own = {
            p.author_followers
            for p in harvest.posts
            if p.author_id == f"bluesky:{DID['northwind']}"
        }
        assert own == {2}
        assert {
            p.author_followers for p in harvest.posts if p.author_handle != "northwind.test"
        } == {None}
    await poll(http, state=first.state, now=datetime(2026, 11, 25, tzinfo=UTC))
    assert http.count("getProfile") == 2


async def test_an_announcer_who_is_not_to_be_shown_is_not_stored_but_the_answers_are():
    http, answer = replay(), tree()  # built: the announcer wears the recorded label
    label = nodes(answer["thread"])[BY_QUIET]["post"]["author"]["labels"][0]
    for node in nodes(answer["thread"]).values():
        if node["post"]["author"]["did"] == DID["northwind"]:
            node["post"]["author"]["labels"] = [built(label, src=DID["northwind"])]
    thread(http, ROOT, answer)
    harvest = await poll(http)
    assert harvest.resolved == pid(ROOT)
    assert not [post for post in harvest.posts if post.author_id == f"bluesky:{DID['northwind']}"]
    assert len(in_thread(harvest)) > 30
    assert Gap(reason=GapReason.POLICY, missing=1, concerns="posts") in harvest.gaps
    assert pid(ROOT) not in {gap.post_id for gap in harvest.gaps}
    assert json.dumps(harvest.state)
