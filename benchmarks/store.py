"""How fast the store takes posts and answers, beside DuckDB's own insert of the same rows.

    .venv/bin/python benchmarks/store.py [POSTS]

A synthetic reply tree of POSTS posts (default 100,000) is committed in groups; then small groups,
as a running daemon commits them, are timed on the full store: 500 new posts with 5,000 changed
counters, and 40 known posts. Beside each stands the plain insert of frames with as many rows into
tables without any of our bookkeeping, in the same run. Then the series and the summary of the
event that all these posts belong to. Medians of five.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from monitor.clock import SystemClock
from monitor.config import load
from monitor.store.database import Cursor, Database
from monitor.store.writer import Writer
from monitor.types import Engagement, Harvest, Outcome, Poll, Post, Source, SourceKind

GROUP = 10_000
ROOT = "bluesky:at://did:plc:acme/app.bsky.feed.post/root"
NOW = datetime.now(UTC)
CONFIG = f"""
[[company]]
id = "acme"
name = "Acme"
[[event]]
id = "launch"
company = "acme"
announced_at = {(NOW - timedelta(days=1)).isoformat()}
window_before = "7d"
window_after = "2d"
announcements = ["{ROOT.removeprefix("bluesky:")}"]
"""
SOURCE = Source(
    source_id="thread", network="bluesky", kind=SourceKind.THREAD, target="thread",
    origin="config", interval=timedelta(minutes=1), events=frozenset({"launch"}),
    companies=frozenset({"acme"}),
)  # fmt: skip


def uri(number: int) -> str:
    return f"bluesky:at://did:plc:someone/app.bsky.feed.post/{number}"


def post(number: int, chance: random.Random) -> Post:
    """A reply to the root, or to one of the last thousand posts."""
    older = uri(chance.randrange(max(0, number - 1000), number)) if number else ROOT
    return Post(
        post_id=uri(number), author_id=f"bluesky:did:plc:{number % 5000}",
        text=f"What Acme says here is number {number}.", root_id=ROOT,
        reply_to_id=ROOT if chance.random() < 0.5 else older,
        indexed_at=NOW - timedelta(seconds=chance.random() * 80_000),
    )  # fmt: skip


def commit(writer: Writer, posts: list[Post], engagement: list[Engagement]) -> float:
    """Seconds that one group took."""
    at = datetime.now(UTC)
    poll = Poll(
        source=SOURCE, started_at=at, finished_at=at, outcome=Outcome.OK, next_at=at,
        harvest=Harvest(posts=posts, engagement=engagement),
    )  # fmt: skip
    return timed(lambda: writer.commit([poll]))


def timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def plain(cursor: Cursor, posts: int, counters: int) -> float:
    """Seconds for the same number of rows as frames, in one transaction, without bookkeeping."""
    kinds = {"id": "VARCHAR", "text": "VARCHAR", "moment": "TIMESTAMP"}
    numbers = {"id": "BIGINT", "likes": "BIGINT", "moment": "TIMESTAMP"}

    def work() -> None:
        with cursor.transaction():
            cursor.insert(
                "plain_posts", kinds, [(uri(n), f"What {n} says.", NOW) for n in range(posts)]
            )
            cursor.insert("plain_counters", numbers, [(n, n, NOW) for n in range(counters)])

    return timed(work)


def main(total: int) -> None:
    """Print one line a measurement."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "monitor.toml")
        file.write_text(CONFIG)
        with Database.open(Path(folder, "monitor.duckdb")) as database:
            writer = Writer(database, load(file, env={}), SystemClock())
            writer.synchronise([(SOURCE, None)])
            cursor = database.cursor()
            cursor.execute("create table plain_posts (id varchar, text varchar, moment timestamp)")
            cursor.execute(
                "create table plain_counters (id bigint, likes bigint, moment timestamp)"
            )
            measure(database, writer, cursor, chance, total)


def measure(
    database: Database, writer: Writer, cursor: Cursor, chance: random.Random, total: int
) -> None:
    """Fill the store, then time it."""
    began = perf_counter()
    for first in range(0, total, GROUP):
        posts = [post(n, chance) for n in range(first, first + GROUP)]
        commit(writer, posts, [Engagement(post_id=p.post_id, likes=1) for p in posts])
    seconds = perf_counter() - began
    print(f"filling: {total} posts in {seconds:.1f} s, {total / seconds:.0f} posts/s")
    small, known, beside_small, beside_known = [], [], [], []
    for turn in range(5):
        posts = [post(total + turn * 500 + n, chance) for n in range(500)]
        seen = [
            Engagement(post_id=uri(n), likes=turn + 2) for n in chance.sample(range(total), 5000)
        ]
        small.append(commit(writer, posts, seen))
        beside_small.append(plain(cursor, 500, 5000))
        known.append(commit(writer, posts[:40], []))
        beside_known.append(plain(cursor, 40, 0))
    report("500 new posts, 5,000 counters", small, beside_small)
    report("40 known posts", known, beside_known)
    for macro in ("event_series('launch', '1h')", "event_summary('launch')"):
        took = [timed(lambda sql=f"from {macro}": database.query(sql)) for _ in range(5)]
        print(f"{macro}: {statistics.median(took):.2f} s")


def report(name: str, ours: list[float], beside: list[float]) -> None:
    ratio = statistics.median(a / b for a, b in zip(ours, beside, strict=True))
    print(
        f"{name}: {statistics.median(ours) * 1000:.0f} ms, plain insert "
        f"{statistics.median(beside) * 1000:.0f} ms, ratio {ratio:.1f}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
