"""What two days cost among many, as posts were recorded and once their days are closed and sorted.

    .venv/bin/python benchmarks/window.py [POSTS]

POSTS posts (default 2,000,000), fifty thousand a day, a twentieth of them found up to thirty days
late. Two days in the middle are counted and their texts measured through the view `posts`: as they
were recorded, after the writer has put closed days in order, and in a table that holds these days
alone, which is the limit. Medians of five; and how long the longest sorting kept the writer busy.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from monitor.store.database import Database
from monitor.store.order import TimeOrder

A_DAY = 50_000
START = datetime(2026, 1, 1)  # noqa: DTZ001 - as the store has it
FILL = """
insert into base.posts by name
select
    n as post_key, 'bluesky:at://did:plc:' || md5(n::varchar) || '/app.bsky.feed.post/' || n
        as post_id, 'bluesky' as network, 'live' as state, 1 as version,
    'bluesky:did:plc:' || md5((n % 5000)::varchar) as author_id,
    repeat(md5((n * 7)::varchar) || ' ', (2 + hash(n) % 8)::integer) as text,
    $1::timestamp + to_seconds(n * 86400.0 / $2) as first_seen_at,
    first_seen_at - case
        when hash(n) % 20 = 0 then to_hours((hash(n + 7) % 720)::integer)
        else to_seconds((hash(n + 3) % 120)::integer)
    end as created_at, first_seen_at as recorded_at
from range($3) as r(n)
"""
WINDOW = "select count(*), sum(length(text)) from {} where created_at >= $1 and created_at < $2"


def main(total: int) -> None:
    """Print one line a layout."""
    middle = START + timedelta(days=total // A_DAY // 2)
    window = [middle, middle + timedelta(days=2)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "monitor.duckdb")
        with Database.open(path, memory_limit="256MB") as database:
            cursor = database.cursor()

            def cost(table: str) -> float:
                def once() -> float:
                    began = perf_counter()
                    cursor.execute(WINDOW.format(table), window)
                    return perf_counter() - began

                return statistics.median(once() for _ in range(5)) * 1000

            cursor.execute(FILL, [START, A_DAY, total])
            cursor.execute("checkpoint")
            recorded = cost("posts")
            order, sortings = TimeOrder(cursor), []
            after = datetime(2099, 1, 1, tzinfo=UTC)
            while True:
                began = perf_counter()
                if not order.advance(after):
                    break
                sortings.append(perf_counter() - began)
            cursor.execute("checkpoint")
            closed = cost("posts")
            cursor.execute(
                "create table alone as from base.posts "
                "where created_at >= $1 and created_at < $2 order by created_at",
                window,
            )
            cursor.execute("checkpoint")
            alone = cost("alone")
    print(f"as recorded      {recorded:6.1f} ms, {recorded / alone:.1f} times these days alone")
    print(f"closed, sorted   {closed:6.1f} ms, {closed / alone:.1f} times")
    print(f"alone            {alone:6.1f} ms")
    print(f"sorted in {len(sortings)} runs, the longest took {max(sortings):.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000)
