"""What a daemon tells of itself: metrics on loopback, and an alarm when a source falls silent."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from pathlib import Path

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from monitor.config import Config
from monitor.schedule.vigil import keep_vigil, tell
from monitor.serve.metrics import Metrics
from monitor.store.database import Database
from monitor.types import SourceKind
from tests.collect.server import serve
from tests.growing import Growing, source
from tests.world import ACME, OFFLINE, Process, a_poll, a_post, a_source, a_store, at, configured


async def test_a_daemon_answers_prometheus_on_loopback(tmp_path: Path) -> None:
    async with serve(Growing()) as server:
        toml = OFFLINE + source("good", f"{server.url}/1") + source("bad", "http://127.0.0.1:1/")
        config = configured(
            tmp_path, toml, allow_private_addresses=True, serve_sql=False, metrics_port=0
        )
        await asyncio.to_thread(_scrape, config)


def _scrape(config: Config) -> None:
    with Process(config) as process, process.ready() as remote:
        url = _await(lambda: re.search(r"url=(\S+/metrics)", process.log()))[1]
        assert url.startswith("http://127.0.0.1:")
        _await(lambda: remote.query("select 1 from polls where source_id = 'good'").height > 2)
        _await(lambda: remote.query("select 1 from polls where source_id = 'bad'").height > 1)
        before = remote.query("select source_id, outcome, count(*) from polls group by all").rows()
        answer = httpx.get(url)
        found = {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }
        for source_id, outcome, polls in before:
            assert found["monitor_polls_total", *sorted((source_id, outcome))] >= polls
        assert found["monitor_posts_total", "good"] >= 2
        assert 0 <= time.time() - found["monitor_last_success_timestamp_seconds", "good"] < 60
        assert ("monitor_last_success_timestamp_seconds", "bad") not in found
        assert found["monitor_commit_seconds_count",] >= 3
        assert process.end(signal.SIGTERM) == 0


def _await(condition):
    end = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


# Silence.

BLOG = a_source("blog", "feed", SourceKind.FEED, "https://acme.example/feed", origin="company")
THREAD = a_source("thread", "bluesky", SourceKind.THREAD)


@pytest.fixture
def store(tmp_path: Path):
    with (
        Database.open(None) as database,
        a_store(database, configured(tmp_path, ACME), BLOG, THREAD) as made,
    ):
        yield made


def habit(store, hours: list[float], *, by=BLOG) -> None:
    """Posts of `by`, so many hours ago."""
    now = store.database.query("select now()::timestamp as t").item()
    shift = now.replace(tzinfo=at(0).tzinfo) - at(0)
    posts = [a_post(f"{by.source_id}-{n}", claimed_at=at(-h) + shift) for n, h in enumerate(hours)]
    store.commit(a_poll(posts, source=by, when=at(0) + shift))


def silent(store) -> dict[str, bool | None]:
    return dict(store.database.query("select source_id, is_silent from source_status").rows())


def test_a_source_is_silent_when_its_own_habit_says_so(store) -> None:
    habit(store, [25 + 12 * n for n in range(12)])
    assert silent(store)["blog"] is True  # never more than 12 hours, now 25


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([23 + 12 * n for n in range(12)], False),  # not yet twice its longest pause
        ([25 + 12 * n for n in range(10)], None),  # nine pauses are no habit
        ([0.9 + 0.01 * n for n in range(40)], False),  # an hour is no silence for anyone
        ([60 + 12 * n for n in range(5)] + [140 + n for n in range(8)], False),  # it had long ones
    ],
)
def test_a_source_is_not_called_silent_lightly(store, hours, expected) -> None:
    habit(store, hours)
    assert silent(store)["blog"] is expected


def test_what_ended_before_it_was_watched_is_no_news(store) -> None:
    posts = [a_post(f"old-{n}", claimed_at=at(-500 - n)) for n in range(20)]
    store.commit(a_poll(posts, source=BLOG, when=at(1)))
    assert silent(store)["blog"] is None


def test_a_thread_may_end(store) -> None:
    habit(store, [500 + 0.1 * n for n in range(30)], by=THREAD)
    assert silent(store)["thread"] is None


def test_silence_is_told_once_and_so_is_its_end() -> None:
    row = {
        "source_id": "blog", "is_silent": True,
        "newest_post_age_seconds": 3 * 86400.0, "longest_pause_seconds": 6 * 3600.0,
    }  # fmt: skip
    with structlog.testing.capture_logs() as logs:
        silent = tell(frozenset(), [row])
        silent = tell(silent, [row])
        assert tell(silent, [row | {"is_silent": False}]) == frozenset()
    assert [entry["event"] for entry in logs] == ["source is silent", "source is silent no longer"]
    assert (logs[0]["log_level"], logs[0]["longest_pause"]) == ("warning", "6:00:00")


async def test_a_daemon_looks_by_itself(store) -> None:
    habit(store, [25 + 12 * n for n in range(12)])
    metrics = Metrics()
    with structlog.testing.capture_logs() as logs:
        vigil = asyncio.create_task(keep_vigil(store.database, metrics, first=0, every=60))
        for _ in range(200):
            await asyncio.sleep(0.02)
            if b"monitor_source_silent{" in metrics.text():
                break
        vigil.cancel()
    assert logs[0]["event"] == "source is silent"
    assert b'monitor_source_silent{source="blog"} 1.0' in metrics.text()
