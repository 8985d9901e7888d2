"""Each fault of a stand-in, as the daemon's own way to the network meets it."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from monitor.collect.http.door import Door, Limits, Retries
from monitor.collect.http.pace import Pace
from monitor.collect.protocol import Answer
from monitor.errors import (
    AccessDenied,
    BadAnswer,
    HttpError,
    SourceError,
    Throttled,
    Unreachable,
)
from monitor.simulate.platforms.bluesky import HOST, Bluesky
from monitor.simulate.platforms.faults import Fault, Limit
from monitor.simulate.platforms.press import Press, feed_url
from monitor.simulate.platforms.server import Server, serving
from monitor.simulate.virtual import Names, VirtualClock, VirtualLoop, run_virtually
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load
from monitor.simulate.worlds.world import World

WORLD: World = make(load("quiet"))
NOW = WORLD.scenario.announced_at + timedelta(hours=3)
SEARCH = f"http://{HOST}/xrpc/app.bsky.feed.searchPosts?q=Exampla&limit=5"


def door(clock: VirtualClock, loop: VirtualLoop, server: Server, port: int) -> Door:
    """The daemon's way to the network, leading to the stand-ins."""
    return Door(
        clock=clock, monotonic=loop.time, backend=Names(server.hosts, port, loop),
        pace=Pace(lambda _: None, loop.time, limiter=lambda _: nullcontext()),
        retries=Retries(wait_jitter=0.0, attempts=2), limits=Limits(read_seconds=30.0),
    )  # fmt: skip


def fetch(url: str, *kinds: str, network: str = "bluesky") -> tuple[Answer, datetime]:
    faults = [Fault(network, kind, NOW, NOW + timedelta(minutes=10)) for kind in kinds]

    async def main(clock: VirtualClock) -> tuple[Answer, datetime]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        server = Server([Bluesky(WORLD), Press(WORLD)], clock, faults)
        async with serving(server) as port, door(clock, loop, server, port) as opened:
            return await opened.open(network).get(url), clock.now()

    return run_virtually(NOW, main)


def test_without_a_fault_the_answer_is_dated_by_the_virtual_clock() -> None:
    answer, _ = fetch(SEARCH)
    assert len(answer.json()["posts"]) == 5
    assert answer.headers["date"] == f"{NOW:%a, %d %b %Y %H:%M:%S} GMT"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", Throttled),
        ("403", AccessDenied),
        ("500", HttpError),
        ("cut", Unreachable),
    ],
)
def test_a_fault_is_the_error_that_it_should_be(kind: str, error: type[SourceError]) -> None:
    with pytest.raises(error):
        fetch(SEARCH, kind)


def test_a_throttling_host_says_how_long() -> None:
    with pytest.raises(Throttled) as caught:
        fetch(SEARCH, "429")
    assert caught.value.retry_after == 600


def test_garbage_and_a_changed_format_are_bad_answers() -> None:
    answer, _ = fetch(SEARCH, "garbage")
    with pytest.raises(BadAnswer):
        answer.json()
    changed, _ = fetch(SEARCH, "changed")
    assert "posts" not in changed.json()


def test_a_slow_host_takes_virtual_time() -> None:
    _, at = fetch(SEARCH, "slow")
    assert at - NOW == timedelta(seconds=20)


def test_a_fault_strikes_its_own_network_and_its_own_time() -> None:
    answer, _ = fetch(feed_url("wire"), "500")
    assert answer.status == 200
    fault = Fault("feed", "500", NOW, NOW + timedelta(hours=1))
    assert fault.holds("feed", NOW)
    assert not fault.holds("feed", NOW + timedelta(hours=1))
    assert not fault.holds("bluesky", NOW)
    assert not fault.holds("feed", datetime(2026, 1, 1, tzinfo=UTC))


def test_a_limit_refuses_what_is_too_much_until_its_window_ends() -> None:
    limit = Limit("bluesky", 3, timedelta(minutes=5))
    answered = []
    for seconds in (0, 1, 2, 3, 299, 300):
        headers = dict(limit.spend(NOW + timedelta(seconds=seconds)))
        answered.append((limit.is_spent, headers["RateLimit-Remaining"]))
        reset = datetime.fromtimestamp(int(headers["RateLimit-Reset"]), UTC)
    assert answered == [
        (False, "2"), (False, "1"), (False, "0"), (True, "0"), (True, "0"), (False, "2"),
    ]  # fmt: skip
    assert reset == NOW + timedelta(minutes=10)
    refused = limit.refusal(limit.spend(NOW))
    assert refused.status == 429


def test_the_daemons_door_waits_as_long_as_a_limit_says() -> None:
    async def main(clock: VirtualClock) -> float | None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        server = Server([Bluesky(WORLD)], clock, (), [Limit("bluesky", 2, timedelta(minutes=5))])
        async with serving(server) as port, door(clock, loop, server, port) as opened:
            for _ in range(2):
                assert (await opened.open("bluesky").get(SEARCH)).status == 200
            with pytest.raises(Throttled) as caught:
                await opened.open("bluesky").get(SEARCH)
            await asyncio.sleep(300)
            assert (await opened.open("bluesky").get(SEARCH)).status == 200
            return caught.value.retry_after

    assert run_virtually(NOW, main) == 300
