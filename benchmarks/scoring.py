"""How long commits take while a backlog is scored beside them, against the same commits without.

.venv/bin/python benchmarks/scoring.py
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.clock import SystemClock
from monitor.config import Config, Enrich, Settings
from monitor.enrich.score import Scorer
from monitor.schedule.assembly import assembled
from monitor.types import Harvest, Outcome, Poll, Post, Source, SourceKind

BACKLOG, COMMITS, POSTS = 40_000, 30, 50
SOURCE = Source(
    source_id="made", network="feed", kind=SourceKind.FEED, target="https://example.org/feed",
    origin="config", interval=timedelta(minutes=5),
)  # fmt: skip


def poll(name: str, posts: int) -> Poll:
    now = datetime.now(UTC)
    made = [
        Post(post_id=f"feed:{name}-{n}", text=f"The company announced number {n} of {name} today")
        for n in range(posts)
    ]
    return Poll(
        source=SOURCE, started_at=now, finished_at=now, outcome=Outcome.OK,
        harvest=Harvest(posts=made), next_at=now + SOURCE.interval,
    )  # fmt: skip


async def measure(folder: Path, scorer: Scorer) -> tuple[list[float], float]:
    """Seconds of each commit, and posts scored a second meanwhile."""
    config = Config(monitor=Settings(data_dir=folder))
    async with assembled(
        config, SystemClock(), 5, lambda _poll, _new: None, scorer=scorer
    ) as running:
        writer, commit = running.writer, running.committer.run
        writer.synchronise([(SOURCE, None)])
        for n in range(BACKLOG // 5000):
            await commit(writer.commit, [poll(f"backlog{n}", 5000)])
        begun, before, took = time.perf_counter(), running.scoring.waiting, []
        for n in range(COMMITS):
            start = time.perf_counter()
            await commit(writer.commit, [poll(f"commit{n}", POSTS)])
            took.append(time.perf_counter() - start)
            await asyncio.sleep(0.02)
        done = before - running.scoring.waiting
        return took, done / (time.perf_counter() - begun)


def main() -> None:
    for title, scorer in (("without", Scorer(None, None)), ("with", Scorer.of(Enrich()))):
        with tempfile.TemporaryDirectory() as name:
            took, speed = asyncio.run(measure(Path(name), scorer))
        p95 = statistics.quantiles(took, n=20)[-1]
        print(
            f"{title:8} {POSTS} posts a commit: median {statistics.median(took) * 1000:5.0f} ms, "
            f"p95 {p95 * 1000:5.0f} ms; {speed:,.0f} posts scored/s meanwhile"
        )


if __name__ == "__main__":
    main()
