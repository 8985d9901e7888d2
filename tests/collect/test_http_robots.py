"""robots.txt: asked for pages, kept for a day, refused where it can't be read."""

from __future__ import annotations

import pytest

from monitor.collect.http.door import Door, Retries
from monitor.collect.http.pace import Pace
from monitor.errors import AccessDenied, Throttled, Unreachable
from tests.collect.server import Asked, Reply, always, serve

AT_ONCE = Retries(wait_initial=0, wait_max=0, wait_jitter=0)
RULES = b"""\
User-agent: *
Disallow: /

User-agent: monitor
Allow: /news/open
Disallow: /news/
Disallow: /*.pdf$
"""


def open_door(**more) -> Door:
    return Door(allow_private_addresses=True, retries=AT_ONCE, **more)


def site(robots: Reply):
    def handler(asked: Asked) -> Reply:
        return robots if asked.path == "/robots.txt" else Reply(body=b"page")

    return handler


@pytest.mark.parametrize("path", ["/", "/news/open/1", "/a.pdf?x"])
async def test_what_robots_txt_allows_is_read(path):
    async with serve(site(Reply(body=RULES))) as server, open_door() as door:
        poll = door.open("feed")
        assert (await poll.get(server.url + path, robots=True)).body == b"page"
    assert server.paths == ["/robots.txt", path]
    assert poll.requests == 2


@pytest.mark.parametrize("path", ["/news/1", "/a/b.pdf"])
async def test_what_robots_txt_forbids_is_not_asked(path):
    async with serve(site(Reply(body=RULES))) as server, open_door() as door:
        poll = door.open("feed")
        host = server.url.removeprefix("http://")
        with pytest.raises(AccessDenied, match=f"robots.txt of {host} does not allow"):
            await poll.get(server.url + path, robots=True)
    assert server.paths == ["/robots.txt"]
    assert poll.status is None


async def test_feeds_and_interfaces_do_not_ask_robots_txt():
    async with serve(site(Reply(body=RULES))) as server, open_door() as door:
        assert (await door.open("feed").get(f"{server.url}/news/1")).body == b"page"
    assert server.paths == ["/news/1"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_without_a_robots_txt_everything_is_allowed(status):
    async with serve(site(Reply(status))) as server, open_door() as door:
        poll = door.open("feed")
        assert (await poll.get(f"{server.url}/news/1", robots=True)).body == b"page"
    assert poll.status == 200


async def test_a_robots_txt_that_fails_forbids_everything():
    async with serve(site(Reply(500))) as server, open_door() as door:
        with pytest.raises(AccessDenied, match=r"robots.txt of .* could not be read") as caught:
            await door.open("feed").get(f"{server.url}/a", robots=True)
    assert caught.value.status == 500
    assert server.paths == ["/robots.txt"] * 3


async def test_a_robots_txt_that_failed_is_asked_again_next_time():
    replies = [Reply(500), Reply(body=b"")]
    async with (
        serve(lambda asked: replies.pop(0) if asked.path == "/robots.txt" else Reply()) as server,
        open_door() as door,
    ):
        await door.open("feed").get(f"{server.url}/a", robots=True)
    assert server.paths == ["/robots.txt", "/robots.txt", "/a"]


async def test_a_host_that_does_not_answer_for_robots_txt_is_not_asked_for_the_page():
    cut = Reply(body=b"User-agent", length=100, cut=True)
    async with serve(site(cut)) as server, open_door() as door:
        with pytest.raises(Unreachable, match=r"robots.txt of .* could not be read"):
            await door.open("feed").get(f"{server.url}/a", robots=True)
    assert "/a" not in server.paths


async def test_a_throttled_robots_txt_is_throttling():
    busy = Reply(429, headers={"Retry-After": "60"})
    async with serve(always(busy)) as server, open_door() as door:
        with pytest.raises(Throttled) as caught:
            await door.open("feed").get(f"{server.url}/a", robots=True)
    assert caught.value.retry_after == 60
    assert server.paths == ["/robots.txt"]


async def test_robots_txt_is_kept_for_a_day():
    seconds = 0.0
    async with (
        serve(site(Reply(body=RULES))) as server,
        open_door(monotonic=lambda: seconds) as door,
    ):
        await door.open("feed").get(f"{server.url}/a", robots=True)
        seconds = 86399.0
        await door.open("feed").get(f"{server.url}/b", robots=True)
        seconds = 86401.0
        await door.open("feed").get(f"{server.url}/c", robots=True)
    assert server.paths == ["/robots.txt", "/a", "/b", "/robots.txt", "/c"]


async def test_a_redirect_to_another_site_asks_that_site_too():
    async with serve(site(Reply(body=b"User-agent: *\nDisallow: /"))) as other:

        def handler(asked: Asked) -> Reply:
            if asked.path == "/robots.txt":
                return Reply(404)
            return Reply(301, headers={"Location": f"{other.url}/page"})

        async with serve(handler) as server, open_door() as door:
            with pytest.raises(AccessDenied, match="does not allow"):
                await door.open("feed").get(f"{server.url}/a", robots=True)
    assert other.paths == ["/robots.txt"]


async def test_a_crawl_delay_is_kept():
    made = []

    class Limiter:
        def __init__(self, per_minute: float) -> None:
            made.append(per_minute)

        async def __aenter__(self):
            pass

        async def __aexit__(self, *_):
            pass

    robots = Reply(body=b"User-agent: *\nCrawl-delay: 10")
    pace = Pace(lambda _: 60.0, lambda: 0.0, Limiter)
    async with serve(site(robots)) as server, open_door(pace=pace) as door:
        await door.open("feed").get(f"{server.url}/a", robots=True)
    assert made == [60.0, 6.0]


async def test_a_huge_robots_txt_is_read_in_part():
    rules = b"User-agent: *\nDisallow: /secret\n" + b"# filler filler filler\n" * 200_000
    async with serve(site(Reply(body=rules))) as server, open_door() as door:
        poll = door.open("feed")
        assert (await poll.get(f"{server.url}/a", robots=True)).body == b"page"
        with pytest.raises(AccessDenied):
            await poll.get(f"{server.url}/secret", robots=True)
    assert poll.bytes < 1_000_000


async def test_a_web_page_in_the_place_of_robots_txt_forbids_nothing():
    page = Reply(body=b"<html>\xff\xfe not found</html>")
    async with serve(site(page)) as server, open_door() as door:
        assert (await door.open("feed").get(f"{server.url}/a", robots=True)).body == b"page"
