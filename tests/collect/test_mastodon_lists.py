"""Accounts and hashtags on Mastodon servers."""

from __future__ import annotations

import pytest

from monitor.collect.mastodon.lists import hashtag
from monitor.errors import AccessDenied, Gone, SourceError
from monitor.simulate.platforms.protocol import Reply, as_json
from monitor.types import SourceKind
from tests.collect.mastodon_case import HOME, OTHER, TOP, Fediverse, Watch, numbers, source, uri


def account(name: str = f"@person1@{HOME}") -> object:
    return source(name, SourceKind.ACCOUNT)


def search(*names: str) -> object:
    return source("northwind", SourceKind.SEARCH, queries=names)


def long() -> Fediverse:
    verse = Fediverse()
    for n in range(100):
        verse.post(TOP + n, n, text=f"Post {n} #NorthwindEnergy" if n % 2 else f"Post {n}")
    return verse


async def test_an_account_is_read_to_its_end_and_then_back_to_what_is_known() -> None:
    verse = long()
    watch = Watch(verse, account())
    first = await watch.poll(200)
    assert first.error is None
    assert numbers(first) == [TOP + n for n in range(100)]
    assert first.complete
    assert first.ordered
    assert watch.asked[0] == f"{HOME}/api/v1/accounts/lookup"
    assert len(watch.asked) == 5  # of which the last page is empty
    verse.post(TOP + 500, 201)
    second = await watch.poll(202)
    assert TOP + 500 in numbers(second)
    assert len(watch.asked) == 2
    assert not second.complete


async def test_what_an_account_answers_is_named_and_threads_are_begun() -> None:
    verse = Fediverse()
    verse.post(TOP, 0, by=2, host=OTHER)
    verse.post(TOP + 1, 1, TOP, by=1)
    verse.post(TOP + 2, 2, by=1)
    watch = Watch(verse, account())
    harvest = await watch.poll(60)
    answers = {post.post_id: post.reply_to_id for post in harvest.posts}
    assert answers == {
        f"ap:{uri(TOP + 1)}": f"ap:{uri(TOP, OTHER, 2)}", f"ap:{uri(TOP + 2)}": None,
    }  # fmt: skip
    assert [(one.kind, one.root_id) for one in harvest.found] == [
        (SourceKind.THREAD, f"ap:{uri(TOP + 2)}")
    ]
    await watch.poll(61)
    assert not any("statuses/9" in asked for asked in watch.asked)  # remembered


async def test_a_configured_server_is_asked_by_the_whole_name() -> None:
    watch = Watch(long(), account(f"person1@{HOME}"), base_url=f"https://{HOME}")
    assert len((await watch.poll(200)).posts) == 100


@pytest.mark.parametrize("name", ["@nobody@" + HOME, "a b", "https://home.example/@person1"])
async def test_an_account_that_is_none_is_told(name: str) -> None:
    harvest = await Watch(long(), account(name)).poll(200)
    assert isinstance(harvest.error, Gone | SourceError)
    assert harvest.posts == []


async def test_names_are_searched_as_hashtags() -> None:
    watch = Watch(long(), search("Northwind Energy", "Nothing"), base_url=f"https://{HOME}")
    harvest = await watch.poll(200)
    assert numbers(harvest) == [TOP + n for n in range(1, 100, 2)]
    assert harvest.complete
    assert {asked.rpartition("/")[2] for asked in watch.asked} == {"northwindenergy", "nothing"}


async def test_a_server_that_hides_hashtags_says_so() -> None:
    watch = Watch(long(), search("Northwind Energy"), base_url=f"https://{HOME}")
    harvest = await watch.poll(200, lambda _url, _reply: as_json({"error": "login"}, 422))
    assert isinstance(harvest.error, AccessDenied)


async def test_only_the_id_is_taken_from_the_next_pages_address() -> None:
    def astray(_url: str, reply: Reply) -> Reply:
        headers = tuple(
            (name, value.replace(HOME, "evil.example")) for name, value in reply.headers
        )
        return Reply(reply.status, headers, reply.body)

    watch = Watch(long(), account())
    assert len((await watch.poll(200, astray)).posts) == 100
    assert all(asked.startswith(HOME) for asked in watch.asked)


async def test_a_list_without_an_end_ends() -> None:
    def again(url: str, reply: Reply) -> Reply:
        if url.endswith("statuses"):
            link = f'<https://{HOME}/x?max_id={TOP}>; rel="next"'
            return Reply(200, (("Link", link),), reply.body)
        return reply

    watch = Watch(long(), account())
    assert (await watch.poll(200, again)).error is None
    assert len(watch.asked) < 15


def test_a_hashtag_has_letters_and_digits() -> None:
    assert hashtag("Süd-Wind & Söhne 3") == "südwindsöhne3"
    assert hashtag("…") == ""
