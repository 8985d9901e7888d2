"""The cadence of a daemon's sources: who is polled next, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.errors import Throttled
from monitor.schedule.cadence import SHORTEST_GAP
from monitor.schedule.planner import Planner
from monitor.types import Harvest, Outcome, Poll, Source, SourceKind
from tests.world import configured

NOW = datetime(2026, 2, 12, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Entry:
    source: Source
    next_at: datetime | None = NOW
    state: str = "active"
    created_at: datetime = NOW


def entry(name: str, **more: object) -> Entry:
    source = Source(
        source_id=name, network="feed", kind=SourceKind.FEED, origin="config",
        target="http://127.0.0.1:1/rss", interval=5 * MINUTE,
    )  # fmt: skip
    return Entry(replace(source, **more))  # type: ignore[arg-type]


def poll(one: Entry, at: datetime, *, requests: int = 1, error: Throttled | None = None) -> Poll:
    harvest = Harvest(requests=requests, error=error)
    outcome = Outcome.THROTTLED if error else Outcome.OK
    one.next_at = at + one.source.interval
    return Poll(
        source=one.source, started_at=at, finished_at=at, outcome=outcome, harvest=harvest,
        next_at=one.next_at,
    )  # fmt: skip


@pytest.fixture
def planner(tmp_path: Path) -> Planner:
    return Planner(configured(tmp_path, ""))


def due(planner: Planner, entries: list[Entry], now: datetime, *running: str) -> list[str]:
    return [name for name, at in planner.plan(entries, now, running) if at <= now]


def run(planner: Planner, entries: list[Entry], until: datetime, posting: str) -> dict[str, int]:
    """Poll for as long as it takes; one source posts every minute."""
    now, polls = NOW, dict.fromkeys((one.source.source_id for one in entries), 0)
    while now < until:
        planned = planner.plan(entries, now, ())
        for name in [name for name, at in planned if at <= now]:
            (one,) = (e for e in entries if e.source.source_id == name)
            planner.begin(name, now)
            posted = [now - n * MINUTE for n in range(2)] if name == posting else []
            planner.end(poll(one, now), posted)
            polls[name] += 1
        now = max(planned[-1][1], now + timedelta(milliseconds=1))
    return polls


def test_new_sources_are_all_polled_at_once(planner: Planner) -> None:
    entries = [entry(f"s{n}") for n in range(30)]
    assert sorted(due(planner, entries, NOW)) == sorted(one.source.source_id for one in entries)


def test_polls_go_where_posts_are_and_cost_no_more_than_intervals(planner: Planner) -> None:
    entries = [entry(f"s{n}") for n in range(12)]
    polls = run(planner, entries, NOW + 120 * MINUTE, "s7")
    assert sum(polls.values()) <= 12 + 12 * 120 / 5 + 1
    assert polls["s7"] > 3 * 24
    quiet = [count for name, count in polls.items() if name != "s7"]
    assert min(quiet) >= 120 // 20  # at most four times the mean interval apart


def test_a_configured_interval_is_kept_beside(planner: Planner) -> None:
    entries = [*(entry(f"s{n}") for n in range(5)), entry("mine", is_fixed=True)]
    assert run(planner, entries, NOW + 60 * MINUTE, "s1")["mine"] == 12


def test_who_was_throttled_waits_for_its_time_also_after_a_restart(
    planner: Planner, tmp_path: Path
) -> None:
    one = entry("s")
    assert due(planner, [one], NOW) == ["s"]
    planner.begin("s", NOW)
    error = Throttled("wait", url="http://127.0.0.1:1", status=429, retry_after=300.0)
    planner.end(poll(one, NOW, error=error), [])
    again = Planner(configured(tmp_path, ""))
    again.fail("s")
    for after in (planner, again):
        assert due(after, [one], NOW + 4 * MINUTE) == []
        assert after.plan([one], NOW + MINUTE, ()) == [
            ("s", NOW + 5 * MINUTE + timedelta(microseconds=1))
        ]
        assert due(after, [one], NOW + 5 * MINUTE) == ["s"]


def test_what_runs_or_is_no_longer_active_is_not_polled(planner: Planner) -> None:
    entries = [entry("a"), entry("b"), entry("off")]
    entries[2].state = "retired"
    assert due(planner, entries, NOW, "a") == ["b"]
    entries[1].next_at = None
    assert due(planner, entries, NOW) == ["a"]
    assert planner.plan([], NOW, ()) == []


def test_what_an_earlier_life_saw_counts(planner: Planner) -> None:
    entries = [entry("quiet"), entry("busy")]
    for one in entries:
        one.created_at = NOW - timedelta(days=9)
        busy = [NOW - n * MINUTE for n in range(2, 60)] if one.source.source_id == "busy" else []
        planner.remember(one, NOW - MINUTE, busy)
    assert due(planner, entries, NOW - MINUTE + SHORTEST_GAP / 2) == []
    assert due(planner, entries, NOW)[0] == "busy"


def test_after_a_restart_polls_are_paid_for_as_before(planner: Planner) -> None:
    entries = [entry(f"s{n}") for n in range(12)]
    for one in entries:
        one.created_at = NOW - timedelta(days=9)
        planner.remember(one, NOW - MINUTE, [NOW - 2 * MINUTE])
    polls = run(planner, entries, NOW + 60 * MINUTE, "s7")
    assert sum(polls.values()) <= 12 + 12 * 60 / 5 + 1


def test_a_host_is_asked_within_its_limit(tmp_path: Path) -> None:
    planner = Planner(configured(tmp_path, "[network.feed]\nrequests_per_minute = 1\n"))
    entries = [entry(f"s{n}") for n in range(30)]
    polls = run(planner, entries, NOW + 60 * MINUTE, "s3")
    assert sum(polls.values()) <= 5 + 60 + 1
