from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import Throttled, Unreachable
from monitor.schedule.due import due, next_moment, next_poll_at
from monitor.types import Harvest, Source, SourceKind

NOW = datetime(2026, 2, 12, 18, tzinfo=UTC)


def source(name: str = "s", interval: timedelta = timedelta(minutes=5)) -> Source:
    return Source(
        source_id=name, network="feed", kind=SourceKind.FEED, target="https://example.org/rss",
        origin="config", interval=interval,
    )  # fmt: skip


@dataclass
class Planned:
    source: Source
    next_at: datetime | None
    state: str = "active"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_what_is_overdue_longest_comes_first() -> None:
    entries = [
        Planned(source("late"), at(-9)),
        Planned(source("now"), at(0)),
        Planned(source("later"), at(1)),
        Planned(source("latest"), at(-99)),
        Planned(source("off"), at(-5), state="retired"),
        Planned(source("unplanned"), None),
    ]
    assert due(entries, NOW, frozenset()) == ["latest", "late", "now"]
    assert due(entries, NOW, frozenset({"late"})) == ["latest", "now"]
    assert next_moment(entries, frozenset({"late", "latest", "now"})) == at(1)


@given(st.lists(st.floats(-1e6, 1e6), max_size=20), st.randoms())
def test_order_of_sources_changes_nothing(moments: list[float], random) -> None:
    entries = [Planned(source(f"s{n}"), at(m)) for n, m in enumerate(moments)]
    before = due(entries, NOW, frozenset()), next_moment(entries, frozenset())
    random.shuffle(entries)
    assert (due(entries, NOW, frozenset()), next_moment(entries, frozenset())) == before


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
