"""What accounts post, what searches find, and where an address is discussed on Hacker News."""

from __future__ import annotations

import json

import pytest

from monitor.collect.hackernews.api import MAX_PAGES, PAGE
from monitor.errors import BadAnswer, Gone, SourceError
from monitor.simulate.platforms.protocol import Reply, as_json
from monitor.types import Engagement, Gap, GapReason, SourceKind
from tests.collect.hackernews_case import ARTICLE, STORY, Site, Watch, numbers, pid, source

MONTH = 60 * 24 * 30


def searching(*queries: str, events: frozenset[str] = frozenset()) -> Watch:
    site = Site()
    site.story(title="Ask HN: is Northwind Energy worth it?", link=None, text="I wonder.")
    site.comment(STORY + 1, 1, text="Northwind Energy is fine")
    site.comment(STORY + 2, 2, text="The energy of a northwind")
    return Watch(site, source("n", SourceKind.SEARCH, queries=queries, events=events))


async def test_names_are_searched_as_phrases_in_stories_and_comments() -> None:
    watch = searching("Northwind Energy")
    harvest = await watch.poll(60)
    assert harvest.error is None
    assert numbers(harvest) == [STORY, STORY + 1]
    assert harvest.complete
    assert harvest.ordered
    assert harvest.found == []
    story, comment = sorted(harvest.posts, key=lambda post: post.post_id)
    assert (story.title, story.text) == ("Ask HN: is Northwind Energy worth it?", "I wonder.")
    assert (comment.reply_to_id, comment.root_id) == (pid(STORY), pid(STORY))
    assert [one.post_id for one in harvest.engagement] == [pid(STORY)]
    assert harvest.engagement[0].replies == 2
    assert watch.http
    assert watch.http.asked[0] == (
        "/api/v1/search_by_date",
        {
            "query": '"Northwind Energy"', "tags": "(story,comment)", "advancedSyntax": "true",
            "typoTolerance": "false",
            "restrictSearchableAttributes": "title,story_text,comment_text",
            "hitsPerPage": PAGE, "page": 0,
        },
    )  # fmt: skip


async def test_quotes_and_signs_in_a_name_ask_for_nothing_else() -> None:
    watch = searching('The "real" -Northwind')
    await watch.poll(60)
    assert watch.http
    assert watch.http.asked[0][1]["query"] == '"The real -Northwind"'


async def test_every_name_is_asked_for_and_each_post_is_there_once() -> None:
    harvest = await searching("Northwind Energy", "northwind").poll(60)
    assert numbers(harvest) == [STORY, STORY + 1, STORY + 2]


def crowded(number: int) -> Site:
    site = Site()
    site.story(title="Weather")
    for one in range(1, number + 1):
        site.comment(STORY + one, one / 10, text="northwind blows")
    return site


async def test_pages_are_followed_to_the_end_and_later_only_to_what_is_known() -> None:
    site = crowded(250)
    watch = Watch(site, source("n", SourceKind.SEARCH, queries=("Northwind",)))
    first = await watch.poll(60)
    assert len(numbers(first)) == 250
    assert first.complete
    site.comment(STORY + 900, 61, text="Northwind again")
    second = await watch.poll(70)
    assert STORY + 900 in numbers(second)
    assert not second.complete
    assert watch.http
    assert watch.http.count("search_by_date") == 1


async def test_what_the_index_does_not_show_at_all_is_a_gap() -> None:
    site = crowded(PAGE * MAX_PAGES + 50)
    watch = Watch(site, source("n", SourceKind.SEARCH, queries=("Northwind", "blows")))
    harvest = await watch.poll(600)
    assert len(numbers(harvest)) == PAGE * MAX_PAGES
    assert harvest.gaps == [Gap(reason=GapReason.PAGE_CAP, concerns="posts")]
    assert not harvest.complete
    one = Watch(site, source("n", SourceKind.SEARCH, queries=("Northwind",)))
    alone = await one.poll(600)  # one list in order of time: it observes back to its oldest
    assert (alone.ordered, alone.complete, alone.gaps) == (True, False, [])


async def test_a_deleted_post_is_not_revived_by_an_index_that_lags() -> None:
    watch = searching("Northwind Energy")
    await watch.poll(60)
    watch.memory.alive.pop(pid(STORY + 1))  # another source said that it is gone
    assert numbers(await watch.poll(61)) == [STORY]


def discussed() -> Site:
    """One story about the article, posted twice, and two about others."""
    site = Site()
    site.story()
    site.story(STORY + 10, 5, f"http://www.{ARTICLE.removeprefix('https://')}/?utm_source=x#top")
    site.story(STORY + 20, 6, ARTICLE + "/more")
    site.story(STORY + 30, 7, None, title=f"Ask HN: {ARTICLE}", text=ARTICLE)
    site.comment(STORY + 1, 8, text=ARTICLE)
    return site


async def test_stories_about_an_address_are_found_and_their_threads_followed() -> None:
    asks = source("event:e", SourceKind.SEARCH, queries=(ARTICLE,), events=frozenset({"e"}))
    watch = Watch(discussed(), asks)
    harvest = await watch.poll(60)
    assert numbers(harvest) == [STORY, STORY + 10]
    assert harvest.complete
    found = {one.target: one for one in harvest.found}
    assert set(found) == {str(STORY), str(STORY + 10)}
    thread = found[str(STORY)]
    assert (thread.kind, thread.network) == (SourceKind.THREAD, "hackernews")
    assert (thread.root_id, thread.events) == (pid(STORY), {"e"})
    assert watch.http
    assert watch.http.asked[0][0] == "/api/v1/search"
    assert watch.http.asked[0][1]["query"] == "northwind.example/news/series-b"
    assert watch.http.asked[0][1]["restrictSearchableAttributes"] == "url"


async def test_addresses_and_names_stand_in_one_search() -> None:
    asks = source("n", SourceKind.SEARCH, queries=(ARTICLE, "raises"))
    harvest = await Watch(discussed(), asks).poll(60)
    assert numbers(harvest) == [STORY, STORY + 10, STORY + 20]
    assert not harvest.ordered


@pytest.mark.parametrize("target", ["person1", "hackernews:person1", "@person1"])
async def test_an_account_shows_its_posts_and_its_young_threads(target: str) -> None:
    site = discussed()
    site.comment(STORY + 2, 9, by=1)
    site.comment(STORY + 3, 9, by=2)
    harvest = await Watch(site, source(target, SourceKind.ACCOUNT)).poll(60)
    shown = [STORY, STORY + 2, STORY + 10, STORY + 20, STORY + 30]
    assert numbers(harvest) == shown
    assert harvest.ordered
    assert harvest.complete
    assert {int(one.target) for one in harvest.found} == set(shown) - {STORY + 2}


async def test_an_old_story_without_comments_is_not_followed() -> None:
    harvest = await Watch(discussed(), source("person1", SourceKind.ACCOUNT)).poll(MONTH)
    assert [one.target for one in harvest.found] == [str(STORY)]


async def test_an_account_without_posts_is_told_from_none() -> None:
    silent = await Watch(discussed(), source("person9", SourceKind.ACCOUNT)).poll(60)
    assert (silent.error, silent.posts, silent.complete) == (None, [], True)
    nobody = await Watch(discussed(), source("nobody", SourceKind.ACCOUNT)).poll(60)
    assert isinstance(nobody.error, Gone)
    wrong = await Watch(discussed(), source("a,story", SourceKind.ACCOUNT)).poll(60)
    assert isinstance(wrong.error, SourceError)
    assert "no name" in str(wrong.error)


async def test_results_without_content_are_left_out() -> None:
    def emptied(_: str, reply: Reply) -> Reply:
        data = json.loads(reply.body)
        data["hits"][0] |= {"comment_text": None, "author": None}
        return as_json(data)

    assert numbers(await searching("Northwind Energy").poll(60, emptied)) == [STORY]


async def test_an_answer_that_does_not_fit_is_no_empty_success() -> None:
    harvest = await searching("Northwind").poll(60, lambda _path, _reply: as_json({"results": []}))
    assert isinstance(harvest.error, BadAnswer)
    assert harvest.error.payload
    assert not harvest.complete


async def test_other_kinds_are_refused() -> None:
    harvest = await Watch(Site(), source("https://x.example", SourceKind.SITE)).poll(60)
    assert "can't read kind site; it reads account, search, thread" in str(harvest.error)


async def test_counters_of_a_story_come_with_it() -> None:
    asks = source("event:e", SourceKind.SEARCH, queries=(ARTICLE,))
    site = discussed()
    harvest = await Watch(site, asks).poll(63)
    points = site.items[STORY].likes.at(3600) + 1  # of three minutes ago
    assert Engagement(post_id=pid(STORY), likes=points, replies=1) in harvest.engagement
