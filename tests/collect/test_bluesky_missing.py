"""What becomes of a thread on Bluesky: deletions, blocks, cut answers, and the cost of looking."""

from __future__ import annotations

import copy
import json

import msgspec
import pytest

from monitor.collect.bluesky import thread as bluesky_thread
from monitor.collect.bluesky.views import PostView, to_post
from monitor.errors import BadAnswer, Gone, Throttled
from monitor.types import Gap, GapReason, Harvest, PostState, SourceKind
from tests.collect.bluesky_case import (
    ABOVE_FAN,
    BY_FAN,
    BY_QUIET,
    BY_TROLL,
    DID,
    LEAF,
    MIDDLE,
    ORPHAN,
    REPLIES,
    ROOT,
    TRUTH,
    UNDER_FAN,
    URI,
    built,
    everything,
    feed,
    nodes,
    pid,
    poll,
    recorded,
    replay,
    source,
    thread,
    tree,
    under_fan,
    views,
    without,
)
from tests.collect.replay import MemoryOf

NOT_FOUND = json.dumps(recorded("err_notfound_thread")).encode()
POLICY = Gap(reason=GapReason.POLICY, post_id=pid(ROOT), missing=1)


class Served:
    """Built: an AppView that serves these posts by name, and the recorded branch under each."""

    def __init__(self, http, shown):
        self.http, self.shown, self.real = http, shown, http.get
        self.batches = []
        http.get = self.get
        for uri in shown.keys() & nodes(tree()["thread"]).keys() - {ROOT}:
            answer = {"thread": nodes(tree()["thread"])[uri]}
            thread(http, uri, without(answer, *(nodes(answer["thread"]).keys() - shown.keys())))

    async def get(self, url, *, params=None, **more):
        if url.endswith("getPosts"):
            self.batches.append(list(params["uris"]))
            known = [self.shown[uri] for uri in params["uris"] if uri in self.shown]
            self.http.add("app.bsky.feed.getPosts", {"posts": known})
        return await self.real(url, params=params, **more)


def asking_not_to_be_shown(view):
    label = views()[BY_QUIET]["author"]["labels"][0]
    author = view["author"]
    return built(view, author=author | {"labels": [built(label, src=author["did"])]})


def all_but(*uris):
    return {uri: view for uri, view in everything().items() if uri not in uris}


def stored(harvest):
    return {post.post_id for post in harvest.posts}


async def first():
    harvest = await poll(replay())
    return harvest, MemoryOf().take(harvest)


# Deletions


async def test_only_what_is_confirmed_to_be_gone_is_removed():
    before, memory = await first()
    http = replay(feeds=False)
    thread(http, ROOT, without(tree(), LEAF, URI["Drogo! 😤"]))
    thread(http, BY_FAN, {"thread": {"post": views()[BY_FAN], "replies": []}})
    Served(http, all_but(LEAF, UNDER_FAN))
    harvest = await poll(http, memory=memory, state=before.state)
    assert pid(LEAF) in harvest.removed
    assert pid(UNDER_FAN) in harvest.removed  # served nowhere any more
    assert len(harvest.removed) == 2
    assert {pid(URI["Drogo! 😤"]), pid(BY_TROLL)} <= stored(harvest)
    assert harvest.complete


async def test_a_post_that_is_only_hidden_gets_fresh_counters():
    before, memory = await first()
    http = replay()
    fresh = built(views()[BY_TROLL], likeCount=77)
    Served(http, everything() | {BY_TROLL: fresh})
    harvest = await poll(http, memory=memory, state=before.state)
    assert [one.likes for one in harvest.engagement if one.post_id == pid(BY_TROLL)] == [77]
    assert pid(BY_TROLL) not in harvest.removed


async def test_getposts_is_never_asked_for_more_than_it_takes():
    before, memory = await first()
    http = replay()
    thread(http, ROOT, NOT_FOUND, status=400)
    served = Served(http, everything())
    await poll(http, memory=memory, state=before.state)
    assert recorded("getPosts_26_error")["message"].endswith("(maximum 25, got 26)")
    assert max(len(batch) for batch in served.batches) == 25


async def test_a_deleted_middle_hides_its_answers_which_are_asked_for_by_name():
    before, memory = await first()
    http = replay()
    thread(http, ROOT, without(tree(), MIDDLE))
    Served(http, all_but(MIDDLE))
    harvest = await poll(http, memory=memory, state=before.state)
    assert harvest.removed == [pid(MIDDLE)]
    assert pid(ORPHAN) in stored(harvest)
    gap = Gap(reason=GapReason.PARENT_DELETED, post_id=pid(MIDDLE), missing=None)
    assert gap in harvest.gaps


async def test_a_deleted_middle_that_was_never_seen_shows_by_the_answer_to_it():
    http = replay()
    thread(http, ROOT, without(tree(), MIDDLE))
    feed(http, "soren", [views()[ORPHAN]])
    Served(http, all_but(MIDDLE))
    harvest = await poll(http)
    found = next(post for post in harvest.posts if post.post_id == pid(ORPHAN))
    assert (found.reply_to_id, found.root_id) == (pid(MIDDLE), pid(ROOT))
    assert Gap(reason=GapReason.PARENT_DELETED, post_id=pid(MIDDLE), missing=None) in harvest.gaps
    assert harvest.removed == []


async def test_a_root_that_never_was_is_an_error():
    http = replay()
    where = ROOT[:-3] + "zzz"
    http.ignore |= {"depth", "parentHeight"}
    with pytest.raises(Gone, match="Post not found"):
        await poll(http, source(SourceKind.THREAD, where))


async def test_a_root_that_is_gone_is_removed_and_the_answers_are_asked_for_by_name():
    before, memory = await first()
    http = replay()
    thread(http, ROOT, NOT_FOUND, status=400)
    shown = all_but(ROOT, LEAF)
    Served(http, shown)
    harvest = await poll(http, memory=memory, state=before.state)
    assert {pid(ROOT), pid(LEAF)} <= set(harvest.removed)
    assert not harvest.retire
    assert not harvest.complete
    assert stored(harvest) == {pid(uri) for uri in shown} & set(memory.alive)
    hidden = [post.post_id for post in harvest.posts if post.state is PostState.HIDDEN]
    assert hidden == [pid(TRUTH["hidden_reply"])]
    again = await poll(http, memory=memory.take(harvest), state=harvest.state)
    assert again.removed == []


@pytest.mark.parametrize(
    "kind", ["app.bsky.feed.defs#notFoundPost", "app.bsky.feed.defs#blockedPost"]
)
async def test_a_root_that_is_shown_as_gone_but_still_served_by_name_is_not_removed(kind):
    before, memory = await first()
    http = replay()
    answer = {"thread": {"$type": kind, "uri": ROOT, "blocked": True, "notFound": True}}
    thread(http, ROOT, answer)
    Served(http, everything())
    harvest = await poll(http, memory=memory, state=before.state)
    assert pid(ROOT) not in harvest.removed
    assert pid(ROOT) in stored(harvest)


async def test_replies_of_accounts_that_went_away_are_claimed_still_and_no_gap():
    before, memory = await first()
    http = replay()
    gone = [URI["Bin dann mal weg."], URI["This account will be taken down."]]
    thread(http, ROOT, without(tree(), *gone))
    Served(http, all_but(*gone))
    harvest = await poll(http, memory=memory, state=before.state)
    assert set(harvest.removed) == {pid(uri) for uri in gone}
    assert harvest.gaps == [POLICY]
    later = await poll(http, memory=memory.take(harvest), state=harvest.state)
    assert later.gaps == [POLICY]


async def test_a_post_whose_author_asks_not_to_be_shown_any_more_is_removed():
    before, memory = await first()
    http, answer = replay(), tree()
    label = nodes(answer["thread"])[BY_QUIET]["post"]["author"]["labels"][0]
    lukasz = nodes(answer["thread"])[URI["Drogo! 😤"]]["post"]
    lukasz["author"]["labels"] = [built(label, src=DID["lukasz"])]
    thread(http, ROOT, answer)
    Served(http, everything())
    harvest = await poll(http, memory=memory, state=before.state)
    assert harvest.removed == [pid(lukasz["uri"])]
    assert Gap(reason=GapReason.POLICY, post_id=pid(ROOT), missing=2) in harvest.gaps
    assert pid(lukasz["uri"]) not in stored(harvest)


# Blocks


async def test_a_blocked_node_that_is_served_nowhere_is_a_gap_hidden():
    http, answer = replay(feeds=False), tree()
    blocked = {"$type": "app.bsky.feed.defs#blockedPost", "uri": BY_TROLL, "blocked": True}
    answer["thread"]["replies"].append(blocked | {"author": {"did": DID["troll"]}})
    thread(http, ROOT, answer)
    harvest = await poll(http)
    assert Gap(reason=GapReason.HIDDEN, post_id=pid(ROOT), missing=1) in harvest.gaps
    assert GapReason.UNEXPLAINED not in {g.reason for g in harvest.gaps if g.post_id == pid(ROOT)}


async def test_a_blocked_node_that_is_served_by_name_is_stored():
    http, answer = replay(feeds=False), tree()
    blocked = {"$type": "app.bsky.feed.defs#blockedPost", "uri": BY_TROLL, "blocked": True}
    answer["thread"]["replies"].append(blocked | {"author": {"did": DID["troll"]}})
    thread(http, ROOT, answer)
    Served(http, views())
    harvest = await poll(http)
    assert pid(BY_TROLL) in stored(harvest)
    assert GapReason.HIDDEN not in {gap.reason for gap in harvest.gaps}


# Author feeds


async def test_an_unchanged_tree_does_not_cost_the_author_feeds_again():
    http = replay(feeds=False)
    before = await poll(http)
    looked = http.count("getAuthorFeed")
    assert looked == len({one.author_id for one in before.posts if one.quoted_id is None})
    await poll(http, memory=MemoryOf().take(before), state=before.state)
    assert http.count("getAuthorFeed") == looked


async def test_a_new_claim_costs_them_again():
    http = replay(feeds=False)
    before = await poll(http)
    looked = http.count("getAuthorFeed")
    answer = tree()
    nodes(answer["thread"])[ABOVE_FAN]["post"]["replyCount"] = 2
    thread(http, ROOT, answer)
    await poll(http, memory=MemoryOf().take(before), state=before.state)
    assert http.count("getAuthorFeed") == 2 * looked


async def test_the_feeds_are_read_within_a_budget_and_the_next_poll_goes_on(monkeypatch):
    monkeypatch.setattr(bluesky_thread, "_MAX_LOOKS", 4)
    http = replay(feeds=False)
    state, memory, counts = {}, MemoryOf(), []
    for _ in range(4):
        harvest = await poll(http, memory=memory, state=state)
        state, memory = harvest.state, memory.take(harvest)
        counts.append(http.count("getAuthorFeed"))
    actors = [asked["actor"] for path, asked in http.asked if path.endswith("getAuthorFeed")]
    assert counts[:2] == [4, 8]
    assert len(actors) == len(set(actors))
    assert counts[2] == counts[3]


async def test_a_reply_that_may_not_be_kept_does_not_begin_the_search_anew(monkeypatch):
    """It is found again at each poll, by the answer to it that is known."""
    monkeypatch.setattr(bluesky_thread, "_MAX_LOOKS", 4)
    http = replay(feeds=False)
    hidden = asking_not_to_be_shown(views()[BY_FAN])
    child = {"post": under_fan(), "replies": []}
    thread(http, BY_FAN, {"thread": {"post": hidden, "replies": [child]}})
    Served(http, everything() | {BY_FAN: hidden})
    memory = MemoryOf().take(Harvest(posts=[to_post(msgspec.convert(under_fan(), PostView))]))
    state = {}
    for _ in range(5):
        harvest = await poll(http, memory=memory, state=state)
        state, memory = harvest.state, memory.take(harvest)
        assert pid(BY_FAN) not in stored(harvest)
    actors = [asked["actor"] for path, asked in http.asked if path.endswith("getAuthorFeed")]
    assert len(actors) > 8
    assert len(actors) == len(set(actors))


async def test_what_is_withheld_below_something_withheld_is_counted_above_both():
    answer = tree()
    shown = nodes(answer["thread"])
    child = next(
        uri for uri, node in shown.items()
        if (ref := node["post"]["record"].get("reply"))
        and ref["parent"]["uri"] not in (ROOT, BY_QUIET)
        and shown[ref["parent"]["uri"]]["post"]["record"]["reply"]["parent"]["uri"] != ROOT
    )  # fmt: skip
    parent = shown[child]["post"]["record"]["reply"]["parent"]["uri"]
    above = shown[parent]["post"]["record"]["reply"]["parent"]["uri"]
    for uri in (child, parent):
        shown[uri]["post"] = asking_not_to_be_shown(shown[uri]["post"])
    http = replay(feeds=False)
    thread(http, ROOT, answer)
    harvest = await poll(http)
    assert not {pid(child), pid(parent)} & stored(harvest)
    assert pid(above) in stored(harvest)
    kept_back = [gap for gap in harvest.gaps if gap.reason is GapReason.POLICY]
    assert Gap(reason=GapReason.POLICY, post_id=pid(above), missing=2) in kept_back


async def test_posts_of_other_threads_in_a_feed_are_left_alone():
    http = replay(feeds=False)
    feed(http, "troll", [recorded("searchPosts_Northwind")["posts"][0], views()[BY_TROLL]])
    other = built(views()[BY_TROLL], uri=f"at://{DID['troll']}/app.bsky.feed.post/3other")
    other["record"]["reply"]["root"]["uri"] = URI["Northwind hikes prices by a quarter:"]
    feed(http, "troll", [other, views()[BY_TROLL]])
    harvest = await poll(http)
    assert pid(BY_TROLL) in stored(harvest)
    assert pid(other["uri"]) not in stored(harvest)


async def test_a_feed_is_followed_back_to_the_root_and_not_further():
    http = replay(feeds=False)
    actor = {"actor": DID["troll"], "limit": 100, "filter": "posts_with_replies"}
    younger = {"feed": [{"post": views()[BY_TROLL]}], "cursor": "2"}
    older = built(recorded("getPosts")["posts"][0], author=views()[BY_TROLL]["author"])
    older["record"]["createdAt"] = "2026-01-01T00:00:00Z"
    http.add("app.bsky.feed.getAuthorFeed", younger, params=actor)
    http.add(
        "app.bsky.feed.getAuthorFeed",
        {"feed": [{"post": older}], "cursor": "3"},
        params=actor | {"cursor": "2"},
    )
    await poll(http)
    asked = [asked for path, asked in http.asked if asked.get("actor") == DID["troll"]]
    assert [one.get("cursor") for one in asked if "limit" in one] == [None, "2"]


async def test_a_throttled_or_vanished_author_does_not_spoil_the_thread():
    url = "https://appview.invalid/"
    for error in (
        Throttled("wait", url=url, status=429, retry_after=9),
        Gone("gone", url=url, status=400),
    ):
        http = replay(feeds=False)
        http.add("app.bsky.feed.getAuthorFeed", error)
        harvest = await poll(http)
        assert harvest.complete
        assert len(stored(harvest)) == 40


# Cut answers


async def test_it_goes_on_below_where_the_answer_stops():
    http = replay(feeds=False)
    thread(http, ROOT, recorded("getPostThread_default"))  # as if the server stopped at 6
    stopped = URI["nope"]
    assert "replies" not in nodes(recorded("getPostThread_default")["thread"])[stopped]
    thread(http, stopped, {"thread": nodes(tree()["thread"])[stopped]})
    harvest = await poll(http)
    replies = {post.post_id for post in harvest.posts if post.root_id == pid(ROOT)}
    assert {pid(URI["deep 7"]), pid(URI["deep 8"])} <= replies
    assert len(replies) == 36
    assert harvest.complete


async def test_a_server_that_goes_no_deeper_leaves_a_gap_depth_cap():
    http = replay(feeds=False)
    thread(http, ROOT, recorded("getPostThread_default"))
    cut = nodes(recorded("getPostThread_default")["thread"])[URI["nope"]]
    thread(http, URI["nope"], {"thread": cut})
    harvest = await poll(http)
    assert Gap(reason=GapReason.DEPTH_CAP, post_id=pid(URI["nope"]), missing=1) in harvest.gaps
    assert not harvest.complete
    assert harvest.removed == []


async def test_the_budget_of_requests_leaves_a_gap_page_cap(monkeypatch):
    monkeypatch.setattr(bluesky_thread, "_MAX_TREE", 1)
    http = replay(feeds=False)
    thread(http, ROOT, recorded("getPostThread_default"))
    harvest = await poll(http)
    assert Gap(reason=GapReason.PAGE_CAP, post_id=pid(URI["nope"]), missing=1) in harvest.gaps
    assert not harvest.complete


def chain(start: int, length: int, *, cut: bool) -> bytes:
    """Built: replies that answer one another, nested too deep for a JSON writer."""
    first = views()[ROOT]
    opened = []
    for number in range(start, start + length):
        view = built(first, uri=link(number), replyCount=1)
        if number:
            refs = {"root": {"uri": ROOT}, "parent": {"uri": link(number - 1)}}
            view["record"] = {"text": str(number), "reply": refs}
        last = number == start + length - 1
        view["replyCount"] = int(cut or not last)
        opened.append('{"post":' + json.dumps(view) + ("" if last and cut else ',"replies":['))
    closing = "]}" * (length - 1)
    return ('{"thread":' + "".join(opened) + ("}" if cut else "]}") + closing + "}").encode()


def link(number: int) -> str:
    return f"at://{DID['bob']}/app.bsky.feed.post/chain{number}" if number else ROOT


@pytest.mark.parametrize("length", [150, 700, 1000])
async def test_a_chain_a_thousand_deep_is_read_to_its_end(length):
    http = replay(feeds=False)
    thread(http, ROOT, chain(0, length, cut=False))
    for start in range(0, length, 200):
        part = chain(start, min(201, length - start), cut=start + 201 < length)
        thread(http, link(start), part, depth=200)
    http.add("app.bsky.feed.getQuotes", {"posts": []})
    harvest = await poll(http)
    assert len(stored(harvest)) == len(harvest.posts) == length
    assert harvest.gaps == []
    assert harvest.complete


async def test_what_came_before_an_error_is_kept_but_not_called_complete():
    http, harvest = replay(), Harvest()
    wait = Throttled("wait", url="https://appview.invalid/", status=429, retry_after=9)
    http.add("app.bsky.feed.getQuotes", wait)
    with pytest.raises(Throttled):
        await poll(http, harvest=harvest)
    assert len(harvest.posts) == len(harvest.engagement) == 37
    assert not harvest.complete
    assert harvest.removed == []
    assert harvest.gaps == []


async def test_an_answer_for_another_post_is_refused():
    http = replay()
    other = copy.deepcopy(nodes(tree()["thread"])[ABOVE_FAN])
    thread(http, ROOT, {"thread": other})
    with pytest.raises(BadAnswer, match="asked for at://"):
        await poll(http)


async def test_many_quotes_are_paged_and_cut_with_a_gap(monkeypatch):
    monkeypatch.setattr(bluesky_thread, "_MAX_QUOTE_PAGES", 2)
    http = replay()
    quotes = recorded("getQuotes")["posts"]
    for at, cursor in enumerate(("1", "2", "3")):
        params = {"uri": ROOT, "limit": 100} | ({"cursor": str(at)} if at else {})
        page = {"posts": [quotes[at]], "cursor": cursor}
        http.add("app.bsky.feed.getQuotes", page, params=params)
    harvest = await poll(http)
    assert len([post for post in harvest.posts if post.quoted_id == pid(ROOT)]) == 2
    cap = [gap for gap in harvest.gaps if gap.reason is GapReason.PAGE_CAP]
    assert [(gap.post_id, gap.concerns) for gap in cap] == [(pid(ROOT), "posts")]
    assert not harvest.complete


async def test_a_withheld_quote_is_counted_and_not_kept():
    http = replay()
    page = recorded("getQuotes")
    page["posts"][1] = asking_not_to_be_shown(page["posts"][1])
    http.add("app.bsky.feed.getQuotes", page)
    harvest = await poll(http)
    assert pid(page["posts"][1]["uri"]) not in repr(harvest)
    gap = Gap(reason=GapReason.POLICY, post_id=pid(ROOT), missing=1, concerns="posts")
    assert gap in harvest.gaps


async def test_a_thread_that_begins_inside_another_keeps_to_its_own_part():
    http = replay(feeds=False)
    thread(http, ABOVE_FAN, {"thread": nodes(tree()["thread"])[ABOVE_FAN]})
    http.add("app.bsky.feed.getQuotes", {"posts": []})
    feed(http, "juergen", [])
    http.add(
        "app.bsky.feed.getAuthorFeed",
        {"feed": [{"post": built(views()[BY_TROLL], author=views()[ABOVE_FAN]["author"])}]},
        params={"actor": DID["juergen"], "limit": 100, "filter": "posts_with_replies"},
    )
    harvest = await poll(http, source(SourceKind.THREAD, ABOVE_FAN))
    assert stored(harvest) == {pid(ABOVE_FAN)}
    assert [(gap.reason, gap.missing) for gap in harvest.gaps] == [(GapReason.UNEXPLAINED, 1)]
    assert len(REPLIES) == 40
