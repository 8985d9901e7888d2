"""Threads on Mastodon servers: cut without a login, never fetched whole, edited and deleted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import AccessDenied, BadAnswer, Gone, SourceError, Throttled, Unreachable
from monitor.simulate.platforms.protocol import Reply, as_json
from monitor.types import Claim, Gap, GapReason, Revision
from tests.collect.mastodon_case import HOME, OTHER, TOP, Fediverse, Watch, at, numbers, source, uri

A, B, C = TOP + 1, TOP + 2, TOP + 3


def talk() -> Fediverse:
    verse = Fediverse()
    verse.post()
    verse.post(A, 1, TOP, by=2)
    verse.post(B, 2, A, by=3, host=OTHER)
    return verse


async def test_a_thread_comes_with_what_each_post_answers() -> None:
    harvest = await Watch(talk()).poll(60)
    assert harvest.error is None
    assert numbers(harvest) == [TOP, A, B]
    by = {post.post_id: post for post in harvest.posts}
    top, last = by[f"ap:{uri(TOP)}"], by[f"ap:{uri(B, OTHER, 3)}"]
    assert harvest.resolved == top.post_id
    assert (top.reply_to_id, top.root_id) == (None, None)
    assert (last.reply_to_id, last.root_id) == (f"ap:{uri(A, HOME, 2)}", top.post_id)
    assert top.author_id == f"ap:https://{HOME}/users/person1"
    assert (top.author_handle, top.author_name) == (f"person1@{HOME}", "P 1")
    assert last.author_handle == f"person3@{OTHER}"
    assert top.url == f"https://{HOME}/@person1/{TOP}"
    assert (top.text, top.language_tag, top.claimed_at) == (f"Post {TOP}", "en", at(0))
    assert Claim(top.post_id, 1, "direct") in harvest.claims
    (counted,) = (one for one in harvest.engagement if one.post_id == last.post_id)
    assert counted.likes
    assert (counted.replies, counted.reposts, counted.views) == (0, 0, None)
    assert harvest.complete
    assert harvest.gaps == []


@pytest.mark.parametrize(
    "target",
    [
        f"https://{HOME}/@person1/{TOP}", uri(TOP), f"ap:{uri(TOP)}",
        f"https://{HOME}/ap/users/1001/statuses/{TOP}", f"https://{OTHER}/@person1@{HOME}/9{TOP}",
    ],
)  # fmt: skip
async def test_every_address_of_a_post_leads_to_it(target: str) -> None:
    harvest = await Watch(talk(), source(target)).poll(60)
    assert harvest.error is None
    assert harvest.resolved == f"ap:{uri(TOP)}"


async def test_a_configured_server_is_asked_first_and_only_believed_about_the_same_post() -> None:
    watch = Watch(talk(), source(f"https://elsewhere.example/users/person1/statuses/{TOP}"))
    watch.base_url = f"https://{HOME}"
    assert (await watch.poll(60)).resolved == f"ap:{uri(TOP)}"
    verse = talk()
    verse.post(int(f"9{TOP}"), 3, by=5, host=OTHER)
    watch = Watch(verse, base_url=f"https://{OTHER}")
    assert (await watch.poll(60)).resolved == f"ap:{uri(TOP)}"
    assert all(asked.startswith(HOME) for asked in watch.asked[1:])


async def test_what_names_no_post_is_told() -> None:
    harvest = await Watch(talk(), source(f"https://{HOME}/@person1")).poll(60)
    assert isinstance(harvest.error, SourceError)
    assert "names no post" in str(harvest.error)


async def test_more_than_twenty_steps_are_read_to_the_end() -> None:
    chain = Fediverse()
    chain.post()
    for n in range(1, 100):
        chain.post(TOP + n, n, TOP + n - 1, by=n % 5 + 2)
    whole = await Watch(chain).poll(600)
    assert numbers(whole) == [TOP + n for n in range(100)]
    assert whole.complete
    assert whole.gaps == []


async def test_more_than_sixty_are_read_on_from_those_that_have_answers() -> None:
    verse = Fediverse()
    verse.post()
    verse.post(A, 1, TOP, by=2)
    for n in range(1, 4):  # three long talks below one answer
        verse.post(TOP + 100 * n, n, A, by=3)
        for m in range(1, 59):
            verse.post(TOP + 100 * n + m, n + m / 60, TOP + 100 * n + m - 1, by=m % 7 + 2)
    harvest = await Watch(verse).poll(600)
    first, second = set(range(TOP + 100, TOP + 159)), set(range(TOP + 200, TOP + 259))
    assert first | second <= set(numbers(harvest))


async def test_answers_behind_the_sixtieth_are_counted_as_cut_off() -> None:
    verse = Fediverse()
    verse.post()
    for n in range(1, 131):
        verse.post(TOP + n, n / 10, TOP, by=n % 20 + 2)
    harvest = await Watch(verse).poll(600)
    assert len(harvest.posts) == 61
    top = f"ap:{uri(TOP)}"
    assert harvest.gaps == [Gap(reason=GapReason.DEPTH_CAP, post_id=top, missing=70)]
    assert not harvest.complete


async def test_a_wide_branch_below_is_read_on() -> None:
    verse = Fediverse()
    verse.post()
    for n in range(1, 6):
        verse.post(TOP + n, n, TOP, by=n + 1)
        for m in range(30):
            verse.post(TOP + 100 * n + m, n + m / 60, TOP + n, by=m % 7 + 2)
    harvest = await Watch(verse).poll(600)
    # Depth first, sixty are the first two branches; the others follow from their own answers
    # as far as the top lists them.
    shown = set(numbers(harvest))
    assert {TOP + n for n in (1, 2)} <= shown
    counted = sum(gap.missing or 0 for gap in harvest.gaps)
    claimed = sum(claim.claimed for claim in harvest.claims)
    assert claimed - (len(shown) - 1) == counted


async def test_replies_that_never_reached_the_server_come_from_their_authors_server() -> None:
    verse = Fediverse()
    verse.post(host=OTHER, by=4)
    verse.post(A, 1, TOP, by=2)
    verse.post(B, 2, TOP, by=3, host=OTHER)
    verse.post(C, 3, A, by=5, host=OTHER)
    verse.unfetched = {B, C}
    watch = Watch(verse, source(f"https://{HOME}/@person4@{OTHER}/9{TOP}"))
    harvest = await watch.poll(60)
    # HOME counts the answers that it has, and so misses none; A is its own and counts them all.
    assert numbers(harvest) == [TOP, A]
    assert [gap.reason for gap in harvest.gaps] == [GapReason.UNEXPLAINED]
    own = Watch(verse, source(uri(TOP, OTHER, 4)))
    assert numbers(await own.poll(60)) == [TOP, A, B, C]


async def test_an_authors_own_server_is_asked_once_a_number_of_claims() -> None:
    verse = talk()
    verse.post(C, 3, B, by=4, host=OTHER)
    verse.unfetched = {C}

    def claims_more(url: str, reply: Reply) -> Reply | None:
        if HOME in url and reply.status == 200:
            body = reply.body.replace(b'"replies_count":0', b'"replies_count":1')
            return Reply(200, reply.headers, body)
        return None

    watch = Watch(verse)
    harvest = await watch.poll(60, claims_more)
    assert C in numbers(harvest)
    assert any(asked.startswith(OTHER) for asked in watch.asked)
    again = await watch.poll(61, claims_more)
    assert not any("context" in asked for asked in watch.asked if asked.startswith(OTHER))
    assert again.removed == []  # asked for by name, and there


async def test_another_server_is_not_believed_about_what_a_third_person_said() -> None:
    verse = talk()
    verse.post(C, 3, B, by=4, host=OTHER)
    verse.post(C + 1, 4, B, by=5)
    verse.unfetched = {C}

    def lies(url: str, reply: Reply) -> Reply | None:
        if HOME in url and url.endswith("context"):
            missing = reply.body.replace(b'"replies_count":0', b'"replies_count":3')
            answer = json.loads(missing)
            answer["descendants"] = [
                one for one in answer["descendants"] if not one["uri"].endswith(str(C + 1))
            ]
            return as_json(answer)
        if OTHER in url and url.endswith("context"):
            forged = reply.body.replace(f"Post {C + 1}".encode(), b"I never said that")
            return Reply(200, reply.headers, forged)
        return None

    harvest = await Watch(verse).poll(60, lies)
    said = {post.post_id: post.text for post in harvest.posts}
    assert said[f"ap:{uri(C, OTHER, 4)}"] == f"Post {C}"
    assert said[f"ap:{uri(C + 1, HOME, 5)}"] == f"Post {C + 1}"


async def test_a_server_that_is_gone_proves_nothing() -> None:
    watch = Watch(talk())
    await watch.poll(60)

    def down(url: str, reply: Reply) -> Reply | SourceError | None:
        if OTHER in url:
            return Unreachable("down", url=url)
        if url.endswith("context"):
            return as_json({"ancestors": [], "descendants": []})
        return None

    harvest = await watch.poll(61, down)
    assert harvest.removed == []


async def test_what_is_deleted_is_asked_for_before_it_is_believed() -> None:
    verse = talk()
    watch = Watch(verse)
    await watch.poll(60)
    verse.items[B].gone_at = at(61)
    harvest = await watch.poll(62)
    assert harvest.removed == [f"ap:{uri(B, OTHER, 3)}"]
    assert (await watch.poll(63)).removed == []


async def test_a_top_that_is_deleted_is_gone_and_its_answers_are_asked_for() -> None:
    verse = talk()
    watch = Watch(verse)
    await watch.poll(60)
    verse.items[TOP].gone_at = at(61)
    harvest = await watch.poll(62)
    assert harvest.error is None
    assert harvest.removed == [f"ap:{uri(TOP)}"]
    assert set(numbers(harvest)) == {A, B}
    never = await Watch(verse).poll(62)
    assert isinstance(never.error, Gone)


async def test_an_edit_comes_with_what_stood_before() -> None:
    verse = talk()
    watch = Watch(verse)
    verse.edit(A, 5, "Second form")
    first = {post.post_id: post for post in (await watch.poll(10)).posts}
    post = first[f"ap:{uri(A, HOME, 2)}"]
    assert (post.text, post.edited_at) == ("Second form", at(5))
    assert post.earlier == (Revision(f"Post {A}", at(1)),)
    again = {post.post_id: post for post in (await watch.poll(11)).posts}
    assert again[post.post_id].earlier == ()
    assert not any("history" in asked for asked in watch.asked)
    verse.edit(A, 20, "Third form")
    verse.edit(A, 21, "Fourth form")
    later = {post.post_id: post for post in (await watch.poll(30)).posts}
    assert [one.text for one in later[post.post_id].earlier] == ["Third form"]


@pytest.mark.parametrize("status", [401, 422])
async def test_a_server_that_wants_a_login_says_so(status: int) -> None:
    harvest = await Watch(talk()).poll(60, lambda _url, _reply: as_json({"error": "no"}, status))
    assert isinstance(harvest.error, AccessDenied)
    assert "without a login" in str(harvest.error)


async def test_being_asked_to_wait_ends_the_poll_and_keeps_what_came() -> None:
    def busy(url: str, reply: Reply) -> Reply | None:
        return as_json({}, 429) if url.endswith("context") else None

    harvest = await Watch(talk()).poll(60, busy)
    assert isinstance(harvest.error, Throttled)
    assert harvest.posts == []


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"id": "1"}, "text", {"ancestors": {}, "descendants": []},
        {"id": 5, "uri": "javascript:alert(1)"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["context", str(TOP)])
async def test_an_answer_that_does_not_fit_is_an_error_that_keeps_it(
    body: object, where: str
) -> None:
    harvest = await Watch(talk()).poll(
        60, lambda url, _reply: as_json(body) if url.endswith(where) else None
    )
    assert isinstance(harvest.error, BadAnswer)
    assert harvest.error.payload


async def test_what_is_not_for_everybody_is_not_stored() -> None:
    def private(url: str, reply: Reply) -> Reply | None:
        if not url.endswith("context"):
            return None
        head, _, tail = reply.body.partition(b'"visibility":"public"')
        return Reply(200, reply.headers, head + b'"visibility":"private"' + tail)

    harvest = await Watch(talk()).poll(60, private)
    assert A not in numbers(harvest)
    assert [(gap.reason, gap.missing) for gap in harvest.gaps] == [(GapReason.UNEXPLAINED, 1)]


async def test_a_post_that_is_not_for_everybody_is_refused() -> None:
    def direct(_url: str, reply: Reply) -> Reply:
        body = reply.body.replace(b'"visibility":"public"', b'"visibility":"direct"')
        return Reply(reply.status, reply.headers, body)

    harvest = await Watch(talk()).poll(60, direct)
    assert isinstance(harvest.error, SourceError)
    assert "not for everybody" in str(harvest.error)
    assert harvest.posts == []


async def test_a_server_that_answers_in_circles_ends() -> None:
    verse = talk()

    def circle(url: str, reply: Reply) -> Reply | None:
        number = str(TOP).encode()
        if url.endswith("context"):
            return Reply(200, reply.headers, reply.body.replace(str(A).encode(), number))
        return None

    harvest = await Watch(verse).poll(60, circle)
    assert TOP in numbers(harvest)


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=40))
@settings(max_examples=25)
async def test_what_is_shown_and_what_is_missing_is_what_was_claimed(
    shape: list[tuple[int, bool]],
) -> None:
    verse = Fediverse()
    verse.post()
    for n, (to, far) in enumerate(shape, 1):
        parent = TOP + min(to, n - 1)
        verse.post(TOP + n, n, parent, by=n % 6 + 2, host=OTHER if far else HOME)
    harvest = await Watch(verse).poll(6000)
    assert harvest.error is None
    assert numbers(harvest) == [TOP + n for n in range(len(shape) + 1)]
    assert harvest.gaps == []
    parents = {post.post_id: post.reply_to_id for post in harvest.posts}
    for n, (to, _) in enumerate(shape, 1):
        above = verse.items[TOP + min(to, n - 1)].post_id
        assert parents[verse.items[TOP + n].post_id] == above
