"""Threads of Hacker News: an index that lags, bridged by the site's own API."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.collect.hackernews import thread as thread_module
from monitor.errors import BadAnswer, Gone, SourceError, Throttled, TooLarge
from monitor.simulate.platforms.protocol import Reply, as_json
from monitor.types import Claim, Engagement, Gap, GapReason
from tests.collect.hackernews_case import (
    ARTICLE,
    STORY,
    Site,
    Watch,
    at,
    numbers,
    pid,
    source,
)

A, B, C, D = STORY + 1, STORY + 2, STORY + 3, STORY + 4


def talk() -> Site:
    """A story with two comments, and an answer to each."""
    site = Site()
    site.story()
    site.comment(A, 1)
    site.comment(B, 2)
    site.comment(C, 3, parent=A)
    site.comment(D, 4, parent=B)
    return site


async def test_a_story_comes_with_its_tree_and_its_counters() -> None:
    watch = Watch(talk())
    harvest = await watch.poll(60)
    assert harvest.error is None
    assert numbers(harvest) == [STORY, A, B, C, D]
    by_id = {post.post_id: post for post in harvest.posts}
    top, answer = by_id[pid(STORY)], by_id[pid(D)]
    assert (top.title, top.text) == ("Northwind raises $40M", None)
    assert top.url == f"https://news.ycombinator.com/item?id={STORY}"
    assert top.links == (ARTICLE,)
    assert (top.reply_to_id, top.root_id) == (None, None)
    assert (top.author_id, top.author_handle) == ("hackernews:person1", "person1")
    assert (answer.reply_to_id, answer.root_id) == (pid(B), pid(STORY))
    assert (answer.title, answer.text) == (None, f"Comment {D}")
    assert answer.indexed_at == answer.claimed_at == at(4)
    assert harvest.claims == [Claim(pid(STORY), 4, "tree")]
    points = watch.site.items[STORY].likes.at(3600) + 1
    assert harvest.engagement == [Engagement(post_id=pid(STORY), likes=points, replies=4)]
    assert harvest.resolved == pid(STORY)
    assert harvest.complete
    assert harvest.gaps == []


@pytest.mark.parametrize(
    "target",
    [str(STORY), pid(STORY), f"https://news.ycombinator.com/item?id={STORY}#{A}"],
)
async def test_every_name_of_an_item_leads_to_it(target: str) -> None:
    assert (await Watch(talk(), source(target)).poll(60)).resolved == pid(STORY)


async def test_what_names_no_item_is_told() -> None:
    harvest = await Watch(talk(), source("https://news.ycombinator.com/news")).poll(60)
    assert isinstance(harvest.error, SourceError)
    assert "names no item" in str(harvest.error)


async def test_what_the_index_lacks_is_asked_of_the_site() -> None:
    site = talk()
    site.comment(STORY + 10, 59)
    site.comment(STORY + 11, 59.5, parent=STORY + 10)
    harvest = await Watch(site).poll(60)
    assert numbers(harvest) == [STORY, A, B, C, D, STORY + 10, STORY + 11]
    assert harvest.claims == [Claim(pid(STORY), 6, "tree")]
    assert harvest.complete


async def test_a_story_that_is_not_indexed_yet_is_read_from_the_site() -> None:
    site = talk()
    watch = Watch(site)
    first = await watch.poll(2.5)
    assert numbers(first) == [STORY, A, B]
    assert first.error is None
    assert numbers(await watch.poll(8)) == [STORY, A, B, C, D]


async def test_a_new_answer_to_a_known_comment_is_found_before_the_index_has_it() -> None:
    site = talk()
    watch = Watch(site)
    await watch.poll(60)
    site.comment(STORY + 10, 61, parent=D)
    harvest = await watch.poll(62)
    assert STORY + 10 in numbers(harvest)
    assert await _asked_for_items(watch, 63) == 1  # nothing is lacking: the story alone


async def _asked_for_items(watch: Watch, minutes: float) -> int:
    await watch.poll(minutes)
    assert watch.http
    return watch.http.count("/v0/item/")


async def test_new_comments_come_from_the_list_between_two_readings_of_the_tree() -> None:
    site = talk()
    watch = Watch(site)
    await watch.poll(60)
    site.comment(STORY + 10, 61, parent=C)
    harvest = await watch.poll(66)
    assert STORY + 10 in numbers(harvest)
    assert watch.http
    assert watch.http.count("/items/") == 0
    assert watch.http.count("/search_by_date") == 1
    assert watch.http.count("/v0/item/") == 1


async def test_what_nobody_shows_stays_visible_as_a_claim_and_is_sought_once() -> None:
    site = talk()

    def one_more(path: str, reply: Reply) -> Reply | None:
        if path != f"/v0/item/{STORY}.json":
            return None
        data = json.loads(reply.body)
        return as_json({**data, "descendants": data["descendants"] + 1})

    watch = Watch(site)
    first = await watch.poll(60, one_more)
    assert first.claims == [Claim(pid(STORY), 5, "tree")]
    assert watch.http
    assert watch.http.count("/v0/item/") == 5
    second = await watch.poll(61, one_more)
    assert second.claims == first.claims
    assert watch.http.count("/v0/item/") == 1


async def test_a_deletion_counts_when_the_site_confirms_it() -> None:
    site = talk()
    watch = Watch(site)
    await watch.poll(60)
    site.remove(A, 61)
    site.remove(D, 61)
    harvest = await watch.poll(80)
    assert sorted(harvest.removed) == [pid(A), pid(D)]
    assert numbers(harvest) == [STORY, B, C]
    assert harvest.gaps == []  # it was seen before
    again = await watch.poll(100)
    assert again.removed == []
    assert again.claims == [Claim(pid(STORY), 2, "tree")]


async def test_an_index_that_shows_a_comment_empty_is_not_believed() -> None:
    site = talk()
    watch = Watch(site)
    await watch.poll(60)

    def emptied(path: str, reply: Reply) -> Reply | None:
        if "/items/" not in path:
            return None
        data = json.loads(reply.body)
        data["children"] = [{**data["children"][0], "text": None, "author": None}]
        return as_json(data)

    harvest = await watch.poll(80, emptied)
    assert harvest.removed == []
    assert numbers(harvest) == [STORY, A, B, C, D]


async def test_what_the_index_still_shows_does_not_revive_the_dead() -> None:
    site = talk()
    site.comment(STORY + 10, 59)
    watch = Watch(site)

    def dead(path: str, reply: Reply) -> Reply | None:
        if path != f"/v0/item/{STORY + 10}.json":
            return None
        return as_json({**json.loads(reply.body), "dead": True, "text": "[flagged]"})

    assert STORY + 10 not in numbers(await watch.poll(60, dead))
    assert STORY + 10 not in numbers(await watch.poll(90, dead))
    revived = await watch.poll(60 * 26)  # asked again after a day, and served
    assert STORY + 10 in numbers(revived)


async def test_a_deleted_parent_that_was_never_seen_is_a_gap() -> None:
    site = talk()
    site.remove(A, 5)
    harvest = await Watch(site).poll(60)
    assert numbers(harvest) == [STORY, B, C, D]
    assert harvest.gaps == [Gap(reason=GapReason.PARENT_DELETED, post_id=pid(A))]
    assert next(p for p in harvest.posts if p.post_id == pid(C)).reply_to_id == pid(A)


async def test_a_story_that_goes_is_removed_and_its_comments_stay() -> None:
    site = talk()
    watch = Watch(site)
    await watch.poll(60)
    site.remove(STORY, 61)
    harvest = await watch.poll(80)
    assert harvest.error is None
    assert harvest.removed == [pid(STORY)]
    assert numbers(harvest) == [A, B, C, D]


@pytest.mark.parametrize("gone", [True, False])
async def test_a_story_that_was_never_there_is_an_error(gone: bool) -> None:
    site = talk()
    if gone:
        site.remove(STORY, 5)
    watch = Watch(site, source(str(STORY if gone else STORY + 77)))
    harvest = await watch.poll(60)
    assert isinstance(harvest.error, Gone)
    assert harvest.posts == []


async def test_a_comment_is_followed_with_what_is_below_it() -> None:
    site = talk()
    watch = Watch(site, source(str(B)))
    first = await watch.poll(60)
    assert numbers(first) == [B, D]
    by_id = {post.post_id: post for post in first.posts}
    assert (by_id[pid(B)].reply_to_id, by_id[pid(B)].root_id) == (pid(STORY), pid(STORY))
    assert (first.claims, first.engagement) == ([], [])
    site.comment(STORY + 10, 61, parent=D)
    site.comment(STORY + 11, 61, parent=A)
    second = await watch.poll(66)
    assert numbers(second) == [B, D, STORY + 10]


async def test_a_poll_asks_for_no_more_than_it_may_and_says_what_is_left() -> None:
    site = Site()
    site.story()
    for number in range(1, 101):
        site.comment(STORY + number, number / 50)
    watch = Watch(site)
    first = await watch.poll(2.5)
    assert len(numbers(first)) == 1 + thread_module.MAX_ASKED
    assert first.gaps == [Gap(reason=GapReason.PAGE_CAP, post_id=pid(STORY), missing=40)]
    assert not first.complete
    second = await watch.poll(3)
    assert len(numbers(second)) == 1 + 40
    assert second.gaps == []


async def test_a_long_list_is_read_backwards_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_module, "_LIST", 7)
    site = Site()
    site.story()
    for number in range(1, 41):
        site.comment(STORY + number, number / 10)
    watch = Watch(site)

    def no_tree(path: str, _: Reply) -> SourceError | None:
        return Gone(path, url=path, status=404) if "/items/" in path else None

    harvest = await watch.poll(60, no_tree)
    assert numbers(harvest) == [STORY + number for number in range(41)]
    assert watch.http
    assert watch.http.count("/v0/item/") == 1
    assert harvest.complete


async def test_a_tree_too_deep_for_a_json_reader_is_read_as_a_list() -> None:
    site = Site()
    site.story()
    for number in range(1, 301):
        site.comment(STORY + number, number / 10, parent=STORY + number - 1)
    watch = Watch(site)
    deep = b'{"id":1,"children":[' * 40_000

    def nested(path: str, _: Reply) -> Reply | None:
        return Reply(200, (), deep) if "/items/" in path else None

    harvest = await watch.poll(60, nested)
    assert harvest.error is None
    assert len(numbers(harvest)) == 301


async def test_a_hostile_tree_is_walked_without_recursion(monkeypatch: pytest.MonkeyPatch) -> None:
    node: dict[str, Any] = {"children": []}
    for number in range(300, 0, -1):
        node = {
            "id": STORY + number, "created_at_i": 1, "type": "comment", "author": "a",
            "text": "<p>" * 1000, "children": [node] if number < 300 else [],
        }  # fmt: skip
    tree = {"id": STORY, "created_at_i": 1, "type": "story", "title": "t", "children": [node]}

    def hostile(path: str, _: Reply) -> Reply | None:
        return as_json(tree) if "/items/" in path else None

    site = Site()
    site.story()
    assert len(numbers(await Watch(site).poll(60, hostile))) == 301
    monkeypatch.setattr("monitor.collect.hackernews.tree.MAX_NODES", 200)
    assert isinstance((await Watch(site).poll(60, hostile)).error, TooLarge)


@pytest.mark.parametrize(
    ("part", "data", "named"),
    [
        ("/items/", b"<html>Sorry</html>", "expected JSON"),
        ("/items/", {"version": 2}, "id"),
        ("/items/", {"id": 7, "created_at_i": 1, "type": "story", "children": []}, "got 7"),
        ("/items/", {"id": STORY, "created_at_i": 1, "type": "x", "children": []}, "kind 'x'"),
        ("/items/", {"id": STORY, "created_at_i": 1, "type": "story", "children": [7]}, "object"),
        ("/search", {"hits": {}}, "hits"),
        ("/search", {"hits": [], "nbHits": "9", "nbPages": 1}, "nbHits"),
        (
            "/search",
            {
                "hits": [{"objectID": "x", "created_at_i": 1, "_tags": ["comment"]}],
                "nbHits": 1, "nbPages": 1,
            },
            "objectID",
        ),
        ("/v0/", [], "object"),
        ("/v0/", {"id": STORY, "type": "story"}, "author or time"),
        ("/v0/", {"id": 7, "type": "story", "by": "a", "time": 1}, "got 7"),
        ("/v0/", {"id": STORY, "type": "story", "by": "a", "time": 10**15}, "time"),
        ("/v0/", {"id": STORY, "type": "story", "by": "a", "time": 1, "kids": ["b"]}, "kids"),
    ],
)  # fmt: skip
async def test_an_answer_that_does_not_fit_is_an_error_with_its_payload(
    part: str, data: Any, named: str
) -> None:
    def broken(path: str, _: Reply) -> Reply | None:
        if part not in path:
            return None
        return Reply(200, (), data) if isinstance(data, bytes) else as_json(data)

    harvest = await Watch(talk()).poll(60, broken)
    assert isinstance(harvest.error, BadAnswer)
    assert named in str(harvest.error)
    assert harvest.error.payload
    assert not harvest.complete


async def test_what_was_read_before_an_error_is_kept() -> None:
    def throttled(path: str, _: Reply) -> SourceError | None:
        return Throttled(path, url=path, status=429) if "/search" in path else None

    harvest = await Watch(talk()).poll(60, throttled)
    assert isinstance(harvest.error, Throttled)
    assert STORY in numbers(harvest)
    assert harvest.claims == [Claim(pid(STORY), 4, "tree")]
    assert not harvest.complete


async def test_text_that_no_database_holds_is_cleaned() -> None:
    def odd(path: str, reply: Reply) -> Reply | None:
        if "/v0/" not in path:
            return None
        said = {"title": "A\0\ud800B", "by": "x\ud800", "url": "https://x.example/\ud800a"}
        return Reply(200, (), json.dumps({**json.loads(reply.body), **said}).encode())

    harvest = await Watch(talk()).poll(60, odd)
    top = harvest.posts[0]
    assert (top.title, top.author_id) == ("A?B", "hackernews:x?")
    assert top.links == ("https://x.example/?a",)


async def test_a_list_that_ignores_what_was_asked_is_no_list_of_this_story() -> None:
    def other(path: str, reply: Reply) -> Reply | None:
        return Reply(200, (), reply.body.replace(b"story_4", b"story_5")) if "/s" in path else None

    harvest = await Watch(talk()).poll(60, other)
    assert isinstance(harvest.error, BadAnswer)
    assert f"asked for story_{STORY}, got item" in str(harvest.error)


async def test_what_could_not_be_asked_for_is_asked_first_the_next_time() -> None:
    site = Site()
    site.story()
    for number in range(1, 101):  # one line of answers
        site.comment(STORY + number, number / 50, parent=STORY + max(number - 1, 0))
    watch = Watch(site)
    assert len(numbers(await watch.poll(2.5))) == 1 + thread_module.MAX_ASKED
    second = await watch.poll(3)
    assert numbers(second)[-1] == STORY + 100
    assert (second.gaps, second.claims) == ([], [Claim(pid(STORY), 100, "tree")])


async def test_an_item_that_the_site_names_before_it_shows_it_is_not_gone() -> None:
    site = talk()
    site.comment(STORY + 10, 59)
    watch = Watch(site)

    def early(path: str, _: Reply) -> Reply | None:
        return as_json(None) if path == f"/v0/item/{STORY + 10}.json" else None

    assert STORY + 10 not in numbers(await watch.poll(60, early))
    assert STORY + 10 in numbers(await watch.poll(75))


@st.composite
def lives(draw: st.DrawFn) -> tuple[Site, list[float]]:
    """A story of an hour with comments that come and go, and the minutes of some polls."""
    site = Site()
    site.story()
    moments = sorted(draw(st.lists(st.integers(1, 3600), max_size=25)))
    for number, second in enumerate(moments, 1):
        parent = STORY + draw(st.integers(0, number - 1))
        site.comment(STORY + number, second / 60, parent=parent)
        if draw(st.integers(0, 3)) == 0:
            site.remove(STORY + number, second / 60 + draw(st.integers(1, 30)))
    return site, sorted(draw(st.lists(st.integers(1, 90), min_size=1, max_size=6, unique=True)))


@settings(max_examples=60)
@given(lives())
def test_whatever_came_and_went_the_end_is_the_truth(life: tuple[Site, list[float]]) -> None:
    site, polls = life
    watch = Watch(site)

    async def end() -> None:
        for minutes in (*polls, 110, 130):
            assert (await watch.poll(minutes)).error is None

    asyncio.run(end())
    truth = {item.post_id for item in site.items.values() if item.exists(at(130))}
    assert set(watch.memory.live()) == truth
    assert watch.state["short"] == 0
