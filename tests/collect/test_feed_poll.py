"""A feed over many polls: redirects, validators, pages, errors. All answers here are built."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.collect.feed.collector import Feed
from monitor.collect.http.door import Door
from monitor.collect.protocol import Ask, Collector
from monitor.collect.registry import collector
from monitor.errors import BadAnswer, Gone, SourceError, Throttled, TooLarge
from monitor.identity import link_id
from monitor.types import Harvest, Source
from tests.collect.feed_case import NOW, feed_source, item, poll, read, rss
from tests.collect.replay import MemoryOf, ReplayHttp
from tests.collect.server import Asked, Reply, always, serve

XML = {"Content-Type": "application/rss+xml", "ETag": '"1"'}
TWO = rss(item(2) + item(1))


def older(link: str) -> str:
    return f'<atom:link rel="next" href="{link}"/>'


class Poller:
    """Polls one source through the real door and keeps what the store would keep."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.state: dict = {}
        self.validators: dict = {}
        self.memory = MemoryOf()

    async def poll(self) -> Harvest:
        async with Door(allow_private_addresses=True) as door:
            http = door.open("feed", self.validators)
            harvest = Harvest(state=dict(self.state))
            ask = Ask(source=self.source, http=http, memory=self.memory, now=NOW, state=self.state)
            try:
                await Feed().poll(ask, harvest)
            except SourceError as error:
                harvest.error = error
            else:
                self.state, self.validators = harvest.state, http.validators
        self.memory = self.memory.take(harvest)
        return harvest


def test_the_registry_knows_the_collector():
    assert isinstance(collector("feed"), Feed)
    assert isinstance(Feed(), Collector)


async def test_an_unchanged_feed_costs_one_request_and_says_so():
    history = '<fh:complete xmlns:fh="http://purl.org/syndication/history/1.0"/>'

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"1"':
            return Reply(304, headers={"ETag": '"1"'})
        return Reply(200, rss(item(1), history), XML)

    async with serve(answer) as server:
        poller = Poller(feed_source(f"{server.url}/feed"))
        first = await poller.poll()
        assert (len(first.posts), first.unchanged, first.complete) == (1, False, True)
        again = await poller.poll()
        assert (again.posts, again.unchanged, again.complete) == ([], True, True)
        assert server.paths == ["/feed", "/feed"]


async def test_a_permanent_move_is_remembered_and_changes_no_id():
    body = rss(item(1, '<guid isPermaLink="false">a</guid>', link=""))

    def answer(asked: Asked) -> Reply:
        if asked.path == "/old":
            return Reply(301, headers={"Location": "/new"})
        return Reply(200, body, {"Content-Type": "text/xml"})

    async with serve(answer) as server:
        poller = Poller(feed_source(f"{server.url}/old"))
        first = await poller.poll()
        assert first.state["url"] == f"{server.url}/new"
        body = rss(
            item(1, '<guid isPermaLink="false">a</guid>', link="").replace("Head", "New head")
        )
        second = await poller.poll()
        assert server.paths == ["/old", "/new", "/new"]
        assert [p.post_id for p in first.posts] == [p.post_id for p in second.posts]
        assert second.posts[0].title == "New headline 1"
        # Another address in the configuration: what the old one moved to no longer counts.
        poller.source = feed_source(f"{server.url}/new2")
        await poller.poll()
        assert server.paths[-1] == "/new2"


async def test_a_temporary_redirect_is_not_remembered():
    def answer(asked: Asked) -> Reply:
        if asked.path == "/old":
            return Reply(302, headers={"Location": "/new"})
        return Reply(200, TWO, XML)

    async with serve(answer) as server:
        poller = Poller(feed_source(f"{server.url}/old"))
        assert "url" not in (await poller.poll()).state


async def test_where_it_moved_to_may_go_while_the_old_address_comes_back():
    gone = False

    def answer(asked: Asked) -> Reply:
        if asked.path == "/old" and not gone:
            return Reply(308, headers={"Location": "/new"})
        return Reply(410) if asked.path == "/new" and gone else Reply(200, TWO, XML)

    async with serve(answer) as server:
        poller = Poller(feed_source(f"{server.url}/old"))
        await poller.poll()
        gone = True
        harvest = await poller.poll()
        assert (harvest.error, harvest.retire) == (None, False)
        assert "url" not in harvest.state


@pytest.mark.parametrize(("status", "retired"), [(410, True), (404, False)])
async def test_gone_for_good_is_retired_and_missing_is_an_error(status, retired):
    async with serve(always(Reply(status))) as server:
        harvest = await Poller(feed_source(f"{server.url}/feed")).poll()
    assert isinstance(harvest.error, Gone)
    assert harvest.retire is retired


async def test_an_error_page_with_status_200_is_no_success_and_is_asked_again():
    page = Reply(200, b"<!doctype html><title>Busy</title>", {"ETag": '"1"'})
    async with serve(always(page)) as server:
        poller = Poller(feed_source(f"{server.url}/feed"))
        for _ in range(2):
            harvest = await poller.poll()
            assert isinstance(harvest.error, BadAnswer)
            assert not harvest.unchanged
            assert harvest.error.payload == page.body


async def test_a_truncated_feed_keeps_its_whole_items_and_is_an_error():
    harvest = await read(TWO[: TWO.rindex(b"<pubDate>")], fails=True)
    assert isinstance(harvest.error, BadAnswer)
    assert "cut off after 1 whole items" in str(harvest.error)
    assert [post.title for post in harvest.posts] == ["Headline 2"]
    assert not harvest.complete


async def test_items_come_newest_first_and_are_ordered_if_all_have_dates_that_can_be():
    harvest = await read(rss(item(1) + item(3) + item(2)))
    assert [post.title for post in harvest.posts] == ["Headline 3", "Headline 2", "Headline 1"]
    assert harvest.ordered
    undated = "<item><title>x</title><guid>x</guid></item>"
    harvest = await read(rss(undated + item(1)))
    assert [post.title for post in harvest.posts] == ["Headline 1", "x"]
    assert not harvest.ordered
    assert harvest.posts[1].claimed_at is None


@pytest.mark.parametrize("year", [1966, 2086])
async def test_dates_that_can_t_be_are_passed_on_but_order_nothing(year):
    odd = item(1).replace("2026", str(year))
    harvest = await read(rss(odd + item(2)))
    assert datetime(year, 2, 12, 1, tzinfo=UTC) in [post.claimed_at for post in harvest.posts]
    assert not harvest.ordered


async def test_an_edit_is_an_update_after_publication():
    entry = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry><title>a</title>'
        '<link href="https://news.example.org/a"/><published>2026-02-12T18:00:00Z</published>'
        "<updated>2026-02-12T1{}:00:00Z</updated></entry></feed>"
    )
    at = datetime(2026, 2, 12, 19, tzinfo=UTC)
    assert (await read(entry.format(9).encode())).posts[0].edited_at == at
    assert (await read(entry.format(8).encode())).posts[0].edited_at is None
    assert (await read(entry.format(7).encode())).posts[0].edited_at is None


def paged(*pages: bytes) -> ReplayHttp:
    http = ReplayHttp()
    http.add("/feed.xml", pages[0])
    for number, page in enumerate(pages[1:], start=2):
        http.add(f"/page/{number}", page)
    return http


async def test_older_pages_are_read_until_something_is_known():
    pages = [rss(item(9 - n), older(f"/page/{n + 2}")) for n in range(3)]
    http = paged(*pages, rss(item(1)))
    harvest = await poll(http)
    assert len(harvest.posts) == len(http.asked) == 4
    assert harvest.ordered
    known = str(link_id("https://news.example.org/8"))
    http = paged(*pages)
    assert len((await poll(http, memory=MemoryOf(shown={known}))).posts) == 2


async def test_at_most_five_pages_are_read():
    pages = [rss(item(20 - n), older(f"/page/{n + 2}")) for n in range(9)]
    http = paged(*pages)
    assert len((await poll(http)).posts) == 5
    assert len(http.asked) == 5


async def test_pages_that_repeat_themselves_or_lead_elsewhere_are_left():
    http = paged(rss(item(1), older("/page/2")), rss(item(1), older("/page/2")))
    assert len((await poll(http)).posts) == 1
    assert len(http.asked) == 2
    for link in ("https://elsewhere.example/page/2", "/feed.xml", "javascript:x"):
        http = paged(rss(item(1), older(link)))
        assert len((await poll(http)).posts) == len(http.asked) == 1


async def test_wordpress_pages_are_numbered_and_end_with_404():
    link = {"link": '<https://news.example.org/wp-json/>; rel="https://api.w.org/"'}
    http = ReplayHttp()
    http.add("/feed.xml", rss(item(3)), params={}, headers=link)
    http.add("/feed.xml", rss(item(2)), params={"paged": 2}, headers=link)
    http.add("/feed.xml", Gone("x", url="x", status=404), params={"paged": 3})
    harvest = await poll(http)
    assert (len(harvest.posts), harvest.error, harvest.retire) == (2, None, False)
    assert len(http.asked) == 3


async def test_an_error_on_an_older_page_keeps_the_first():
    http = paged(rss(item(1), older("/page/2")))
    http.add("/page/2", Throttled("x", url="x", status=429))
    harvest = await poll(http)
    assert isinstance(harvest.error, Throttled)
    assert len(harvest.posts) == 1


async def test_comment_feeds_are_followed_for_companies_and_events_only():
    body = rss(item(1, "<wfw:commentRss>https://news.example.org/1/feed</wfw:commentRss>"
                       "<slash:comments>4</slash:comments>"))  # fmt: skip
    for more in ({"companies": frozenset({"a"})}, {"events": frozenset({"e"})}):
        source = feed_source(**more)
        (found,) = (await read(body, source)).found
        assert found.target == "https://news.example.org/1/feed"
        assert found.root_id == link_id("https://news.example.org/1")
        assert (found.companies, found.events) == (source.companies, source.events)
        assert (await read(body, found, fails=False)).found == []
    assert (await read(body)).found == []


async def test_comment_feeds_are_followed_up_to_a_number():
    feeds = "<wfw:commentRss>https://news.example.org/{0}/feed</wfw:commentRss>"
    body = rss("".join(item(n, feeds.format(n)) for n in range(80)))
    assert len((await read(body, feed_source(companies=frozenset({"a"})))).found) == 50


async def test_a_feed_over_the_limit_is_too_large():
    harvest = await read(b" " * 10_000_001, fails=True)
    assert isinstance(harvest.error, TooLarge)


async def test_a_feed_polled_later_brings_only_what_is_there():
    first = await read(TWO)
    later = await read(rss(item(3)), now=NOW + timedelta(hours=1), state=first.state)
    assert [post.title for post in later.posts] == ["Headline 3"]
