"""Whatever a host answers, in whatever order: it is never asked more than it allows or bears."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.collect.http.pace import (
    AT_ONCE,
    LONGEST_BREAK,
    LONGEST_GROWN,
    PAUSE,
    TOLERATED,
    Pace,
    spent_for,
)
from monitor.collect.http.poll import Equipment, PollHttp
from monitor.collect.http.robots import Robots
from monitor.collect.http.types import Limits, Reply, Retries
from monitor.errors import SourceError, Unreachable
from monitor.simulate.virtual import VirtualClock, VirtualLoop

START = datetime(2026, 2, 12, tzinfo=UTC)
URL = "https://host.test/feed"
HOUR = 3600.0
ATTEMPTS = 3


class Loop(VirtualLoop):
    """Its time moves by itself a little, too: the limiter tries again until enough has passed."""

    def time(self) -> float:
        self.jump(1e-7)
        return super().time()


@dataclass
class Host:
    """Answers as the script says, then well; notes when it was asked. `None` hangs up."""

    script: list[tuple[int, dict[str, str]] | None]
    asked: list[float] = field(default_factory=list)
    said: list[int] = field(default_factory=list)
    running: int = 0
    most: int = 0

    async def __call__(self, url, headers, meter, *, seconds, beginning=None) -> Reply:
        meter.requests += 1
        self.asked.append(asyncio.get_running_loop().time())
        answer = self.script.pop(0) if self.script else (200, {})
        self.said.append(answer[0] if answer else 0)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.2)
        self.running -= 1
        if answer is None:
            raise Unreachable("hung up", url=url)
        status, more = answer
        meter.status = status
        return Reply(url, status, more, b"")


def ask(
    script, *, sources: int, hours: float, per_minute: float | None = 60.0, every: float = 10
) -> Host:
    """Polls of so many sources of one host, each with so many seconds between."""

    async def main() -> Host:
        loop = asyncio.get_running_loop()
        host = Host(list(script))
        now = VirtualClock(loop, START).now  # type: ignore[arg-type]
        use = Equipment(
            exchange=host, pace=Pace(lambda _: per_minute, loop.time), robots=Robots(loop.time),
            limits=Limits(), retries=Retries(attempts=ATTEMPTS, wait_jitter=0.0), now=now,
        )  # fmt: skip

        async def poll(n: int) -> None:
            while loop.time() < hours * HOUR:
                with suppress(SourceError):
                    await PollHttp(use, "feed").get(f"{URL}/{n}")
                await asyncio.sleep(every)

        await asyncio.gather(*(poll(n) for n in range(sources)))
        return host

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main())


statuses = st.sampled_from([200, 204, 304, 301, 400, 403, 404, 410, 429, 500, 502, 503, 504])
waits = st.one_of(
    st.just({}),
    st.sampled_from(["0", "3", "90", "Thu, 12 Feb 2026 00:30:00 GMT"]).map(
        lambda w: {"retry-after": w}
    ),
    st.just({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "120"}),
)
answers = st.one_of(st.none(), st.tuples(statuses, waits))


@settings(max_examples=50)
@given(
    st.lists(answers, max_size=120), st.integers(1, 12), st.sampled_from([6.0, 30.0, 60.0, 600.0])
)
def test_no_sequence_of_answers_exceeds_the_budget(script, sources, per_minute) -> None:
    host = ask(script, sources=sources, hours=0.1, per_minute=per_minute)
    assert host.most <= AT_ONCE
    for first in range(len(host.asked)):
        within = [t for t in host.asked[first:] if t < host.asked[first] + 60]
        assert len(within) <= per_minute + 1  # both ends of a minute may have their request


@pytest.mark.parametrize(
    ("answer", "longest"),
    [
        ((429, {}), LONGEST_GROWN),
        ((503, {"retry-after": "1"}), LONGEST_GROWN),
        (None, LONGEST_BREAK),
        ((500, {}), LONGEST_BREAK),
        ((403, {}), LONGEST_BREAK),
    ],
)
def test_a_host_that_only_refuses_or_fails_is_asked_ever_more_rarely(answer, longest) -> None:
    host = ask([answer] * 5000, sources=20, hours=24, every=120)
    # A few at once learn of it together, each with its tries; then the pauses double.
    batch = AT_ONCE * ATTEMPTS
    assert len(host.asked) <= batch * (12 + 24 * HOUR / longest)
    assert len([t for t in host.asked if t > 12 * HOUR]) <= batch * (1 + 12 * HOUR / longest)


@settings(max_examples=50)
@given(st.lists(answers, min_size=1, max_size=30))
def test_the_wait_that_a_host_asks_for_is_kept(script) -> None:
    """One source, so that each answer is known before the next request."""
    host = ask(script, sources=1, hours=0.3, every=30)
    for answer, now, after in zip(script, host.asked, host.asked[1:], strict=False):
        status, more = answer or (0, {})
        if status in (403, 429, 503):
            assert after - now >= {"3": 3, "90": 90}.get(more.get("retry-after", ""), 0)
        if status == 429 and not more:
            assert after - now >= PAUSE


def test_a_breaker_opens_after_some_failures_and_closes_with_the_first_success() -> None:
    failing = [(500, {})] * (TOLERATED * ATTEMPTS)
    host = ask(failing, sources=1, hours=0.2)
    opened = host.asked[TOLERATED * ATTEMPTS] - host.asked[TOLERATED * ATTEMPTS - 1]
    assert opened >= 2
    well = host.asked[TOLERATED * ATTEMPTS :]
    assert [round(b - a) for a, b in pairwise(well)] == [10] * (len(well) - 1)


@pytest.mark.parametrize("status", [404, 410, 400, 401])
def test_what_is_missing_on_a_host_does_not_stop_the_rest(status) -> None:
    host = ask([(status, {})] * 1000, sources=2, hours=0.2)
    assert len(host.asked) >= 2 * 0.2 * HOUR / 10.5


def test_a_limit_that_is_used_up_is_waited_for() -> None:
    spent = (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "120"})
    host = ask([spent], sources=3, hours=0.1)
    # Those that were on their way go through, the others wait.
    assert len([t for t in host.asked if 0.2 < t < 120]) <= 2
    assert len([t for t in host.asked if t >= 120]) > 10


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "60"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, 60),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "5", "retry-after": "9"}, 5),
    ],
)
def test_the_rest_of_a_limit_is_read(headers, seconds) -> None:
    assert spent_for(headers, START) == seconds
