"""Politeness: retries, Retry-After, pauses, spacing and concurrency per host."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.collect.http.address import CheckedBackend
from monitor.collect.http.door import Door, Retries
from monitor.collect.http.pace import LeftAlone, Pace, _smooth, asked_wait
from monitor.errors import AccessDenied, HttpError, Throttled
from tests.collect.server import Reply, always, names, serve

NOW = datetime(2026, 2, 13, 15, 0, tzinfo=UTC)
AT_ONCE = Retries(wait_initial=0, wait_max=0, wait_jitter=0)


class Watch:
    """Seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOW


class Limiters:
    """Notes which limits are made and how often each is asked, and never waits."""

    def __init__(self) -> None:
        self.turns: list[float] = []

    def make(self, per_minute: float):
        turns = self.turns

        class Limiter:
            async def __aenter__(self):
                turns.append(per_minute)

            async def __aexit__(self, *_):
                pass

        return Limiter()


def open_door(watch: Watch | None = None, **more) -> Door:
    watch = watch or Watch()
    settings = {"retries": AT_ONCE, "clock": watch, "monotonic": watch} | more
    return Door(allow_private_addresses=True, **settings)


def in_turn(*replies: Reply):
    left = list(replies)
    return lambda _: left.pop(0)


# Retries


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_transient_failure_is_tried_again(status):
    async with serve(in_turn(Reply(status), Reply(body=b"ok"))) as server, open_door() as door:
        poll = door.open("feed")
        assert (await poll.get(server.url)).body == b"ok"
    assert (poll.requests, poll.status) == (2, 200)


async def test_a_truncated_answer_is_tried_again():
    cut = Reply(body=b"half", length=8, cut=True)
    async with serve(in_turn(cut, Reply(body=b"whole"))) as server, open_door() as door:
        assert (await door.open("feed").get(server.url)).body == b"whole"


async def test_a_lasting_failure_is_reported_after_three_attempts():
    async with serve(always(Reply(500))) as server, open_door() as door:
        with pytest.raises(HttpError, match="HTTP 500 Internal Server Error"):
            await door.open("feed").get(server.url)
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 501])
async def test_what_will_not_change_is_asked_once(status):
    async with serve(always(Reply(status))) as server, open_door() as door:
        with pytest.raises(HttpError):
            await door.open("feed").get(server.url)
    assert len(server.asked) == 1


async def test_the_number_of_attempts_can_be_set():
    once = Retries(attempts=1)
    async with serve(always(Reply(503))) as server, open_door(retries=once) as door:
        with pytest.raises(HttpError):
            await door.open("feed").get(server.url)
    assert len(server.asked) == 1


# Throttling


@pytest.mark.parametrize("status", [429, 403, 503])
@pytest.mark.parametrize(
    "said", ["120", format_datetime(NOW + timedelta(seconds=120), usegmt=True)]
)
async def test_a_host_that_asks_to_wait_is_left_alone(status, said):
    watch = Watch()
    reply = Reply(status, b"slow down", {"Retry-After": said})
    async with serve(always(reply)) as server, open_door(watch) as door:
        with pytest.raises(Throttled, match="asks to wait 120 s") as caught:
            await door.open("reddit").get(f"{server.url}/a")
        assert (caught.value.status, caught.value.retry_after) == (status, 120.0)
        assert caught.value.body == b"slow down"
        watch.seconds += 119
        poll = door.open("feed")
        with pytest.raises(Throttled, match="1 s are left") as caught:
            await poll.get(f"{server.url}/b")
        assert caught.value.retry_after == pytest.approx(1)
        assert (poll.requests, poll.status) == (0, None)
        assert server.paths == ["/a"]
        watch.seconds += 1
        with pytest.raises(Throttled):
            await poll.get(f"{server.url}/c")
    assert server.paths == ["/a", "/c"]


async def test_another_host_is_not_paused():
    async with (
        serve(always(Reply(429))) as throttled,
        serve(always(Reply(body=b"ok"))) as other,
        open_door() as door,
    ):
        poll = door.open("feed")
        with pytest.raises(Throttled):
            await poll.get(throttled.url)
        assert (await poll.get(other.url)).body == b"ok"


async def test_the_host_behind_a_redirect_is_the_one_that_is_paused():
    async with serve(always(Reply(429, headers={"Retry-After": "60"}))) as busy:
        moved = Reply(302, headers={"Location": f"{busy.url}/x"})
        async with serve(in_turn(moved, Reply(body=b"ok"))) as server, open_door() as door:
            poll = door.open("feed")
            with pytest.raises(Throttled):
                await poll.get(server.url)
            assert (await poll.get(server.url)).body == b"ok"
            with pytest.raises(Throttled):
                await poll.get(busy.url)
    assert len(busy.asked) == 1


async def test_a_wait_that_nobody_measures_lasts_a_minute():
    watch = Watch()
    async with serve(in_turn(Reply(429), Reply())) as server, open_door(watch) as door:
        poll = door.open("feed")
        with pytest.raises(Throttled) as caught:
            await poll.get(server.url)
        assert caught.value.retry_after is None
        watch.seconds += 59
        with pytest.raises(Throttled):
            await poll.get(server.url)
        watch.seconds += 1
        await poll.get(server.url)


async def test_a_short_wait_is_waited_for():
    throttled = Reply(429, headers={"Retry-After": "0"})
    async with serve(in_turn(throttled, Reply(body=b"ok"))) as server, open_door() as door:
        poll = door.open("feed")
        assert (await poll.get(server.url)).body == b"ok"
    assert poll.requests == 2


async def test_a_refusal_without_retry_after_is_no_throttling():
    async with serve(always(Reply(403))) as server, open_door() as door:
        poll = door.open("feed")
        for _ in range(2):
            with pytest.raises(AccessDenied):
                await poll.get(server.url)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "7, 7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "99999999"}, 86400),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "Fri, 13 Feb 2026 15:00:30 GMT"}, 30),
        ({"retry-after": "Fri, 13 Feb 2026 14:00:00 GMT"}, 0),
        ({"retry-after": "Fri, 31 Feb 2026 14:00:00 GMT"}, None),
        # The host's clock is an hour fast: its own Date tells how long it means.
        (
            {
                "retry-after": "Fri, 13 Feb 2026 16:00:30 GMT",
                "date": "Fri, 13 Feb 2026 16:00:00 GMT",
            },
            30,
        ),
        ({"retry-after": "9", "x-ratelimit-reset": "99"}, 9),
        ({"ratelimit-reset": "44"}, 44),
        ({"x-ratelimit-reset": "2026-02-13T15:05:00.000000Z"}, 300),  # Mastodon's form
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) + 900)}, 900),  # X's form
    ],
)
def test_waits_are_read_in_every_form(headers, seconds):
    assert asked_wait(headers, NOW) == seconds


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_breaks_the_reading_of_waits(retry_after, date):
    wait = asked_wait({"retry-after": retry_after, "date": date}, NOW)
    assert wait is None or 0 <= wait <= 86400


# Spacing


async def ask_all(urls: list[tuple[str, str]], watch: Watch, **more) -> list[float]:
    """The limits that were asked, in requests per minute, for (network, url) in order."""
    limiters = Limiters()
    rates = more.get("rates", {})
    pace = Pace(rates.get, watch, limiters.make)
    async with serve(always(Reply())) as server:
        resolve = names({"a.test": ["127.0.0.1"], "b.test": ["127.0.0.1"]})
        backend = CheckedBackend(allow_private=True, resolve=resolve)
        async with open_door(watch, pace=pace, backend=backend) as door:
            for network, host in urls:
                await door.open(network).get(f"http://{host}:{server.port}/")
    return limiters.turns


async def test_every_host_has_its_default_limit():
    turns = await ask_all([("feed", "a.test"), ("feed", "b.test"), ("feed", "a.test")], Watch())
    assert turns == [60, 60, 60]


async def test_a_configured_rate_holds_for_its_network():
    asked = [("mastodon", "a.test"), ("feed", "b.test")]
    assert await ask_all(asked, Watch(), rates={"mastodon": 10}) == [10, 60]


async def test_the_strictest_rate_of_a_host_holds():
    asked = [("feed", "a.test"), ("mastodon", "a.test"), ("feed", "a.test")]
    assert await ask_all(asked, Watch(), rates={"mastodon": 10}) == [60, 10, 10]


async def test_loopback_has_no_default_limit_but_a_configured_one():
    asked = [("feed", "127.0.0.1"), ("wordpress", "127.0.0.1"), ("feed", "127.0.0.1")]
    assert await ask_all(asked, Watch(), rates={"wordpress": 30}) == [30]


async def test_redirects_and_retries_take_their_turn():
    limiters = Limiters()
    pace = Pace(lambda _: 120.0, Watch(), limiters.make)
    steps = [Reply(302, headers={"Location": "/b"}), Reply(500), Reply(), Reply(body=b"ok")]
    async with serve(in_turn(*steps)) as server, open_door(pace=pace) as door:
        await door.open("feed").get(server.url)
    assert limiters.turns == [120.0] * 3


async def test_the_real_limiter_allows_no_burst():
    limiter = _smooth(0.06)  # one in a thousand seconds: no machine is slow enough to matter
    assert limiter.has_capacity()
    async with limiter:
        pass
    assert not limiter.has_capacity()


async def test_at_most_four_requests_run_against_a_host_at_once():
    running, most = 0, 0
    pace = Pace(lambda _: None, Watch())

    async def one() -> None:
        nonlocal running, most
        async with pace.turn("http://127.0.0.1/", "feed"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(one() for _ in range(20)))
    assert most == 4


async def test_who_waited_for_a_slot_learns_of_a_pause_meanwhile():
    pace = Pace(lambda _: None, Watch())

    async def one() -> None:
        async with pace.turn("http://127.0.0.1/", "feed"):
            await asyncio.sleep(0)
            pace.pause("http://127.0.0.1/", 30)

    results = await asyncio.gather(*(one() for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [type(None)] * 4 + [LeftAlone]


async def test_idle_hosts_are_forgotten_paused_ones_are_not():
    watch = Watch()
    pace = Pace(lambda _: None, watch)
    pace.pause("http://busy.test/", 3600)
    for n in range(5000):
        pace.pause(f"http://h{n}.test/", 0)
        watch.seconds += 0.1
    assert len(pace._hosts) <= 2049
    with pytest.raises(Throttled):
        pace.check("http://busy.test/")
