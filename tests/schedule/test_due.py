from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import Throttled, Unreachable
from monitor.schedule.due import next_poll_at
from monitor.types import Harvest, Source, SourceKind

NOW = datetime(2026, 2, 12, 18, tzinfo=UTC)


def source(name: str = "s", interval: timedelta = timedelta(minutes=5)) -> Source:
    return Source(
        source_id=name, network="feed", kind=SourceKind.FEED, target="https://example.org/rss",
        origin="config", interval=interval,
    )  # fmt: skip


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (None, 300),
        (Unreachable("x"), 300),
        (Throttled("x", url="u", status=429, retry_after=30), 300),
        (Throttled("x", url="u", status=429, retry_after=900), 902),
        (Throttled("x", url="u", status=429, retry_after=10**9), 6 * 3600 + 2),
        (Throttled("x", url="u", status=429), 300),
    ],
)
def test_a_host_that_throttles_is_left_alone_as_long_as_it_asks(error, seconds: float) -> None:
    harvest = Harvest(error=error)
    assert next_poll_at(source(), NOW, at(2), harvest) == at(seconds)


def test_a_poll_that_takes_longer_than_its_interval_follows_at_once() -> None:
    assert next_poll_at(source(interval=timedelta(seconds=1)), NOW, at(7), Harvest()) == at(7)


def test_pauses_grow_while_a_host_refuses_and_end() -> None:
    error = Throttled("wait", url="https://example.org/rss", status=429)
    pauses = [
        (next_poll_at(source(), NOW, at(1), Harvest(error=error), n) - at(1)).total_seconds()
        for n in range(1, 40)
    ]
    assert pauses[:2] == [299, 299]  # the interval is longer
    assert pauses[3:7] == [480, 960, 1920, 3840]
    assert pauses == sorted(pauses)
    assert max(pauses) == 6 * 3600
    assert next_poll_at(source(), NOW, at(1), Harvest(), 0) == at(300)
