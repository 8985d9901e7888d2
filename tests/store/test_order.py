"""Posts of closed days are put in the order of time, and nothing else happens to them."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Config
from monitor.store.database import Database
from monitor.store.order import TimeOrder
from monitor.store.verify import verify
from tests.world import T0, Store, a_poll, a_post, a_source, a_store, at, post_id

THREAD = a_source()
SORTING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from monitor.store.database import Database
from monitor.store.order import TimeOrder
with Database.open(Path(sys.argv[1])) as database:
    order = TimeOrder(database.cursor(), 2_000)
    while order.advance(datetime(2026, 3, 1, tzinfo=UTC)):
        print("sorted", flush=True)
"""


def stored(store: Store) -> list[dict[str, object]]:
    return store.rows("select * exclude (is_sorted) from base.posts order by post_key")


@settings(max_examples=20)
@given(
    hours=st.lists(st.integers(-90, 40), min_size=1, max_size=40),
    run=st.integers(1, 12),
)
def test_runs_stand_in_time_and_no_row_is_another(
    database: Database, config: Config, hours: list[int], run: int
) -> None:
    with a_store(database, config, THREAD) as store:
        posts = [a_post(str(n), claimed_at=at(hour)) for n, hour in enumerate(hours)]
        store.commit(a_poll(posts))
        before, order = stored(store), TimeOrder(database.cursor(), run)
        today = T0.replace(hour=0, minute=0)
        while order.advance(T0):
            pass
        assert stored(store) == before
        assert store.problems() == []
        times = store.column("select created_at from base.posts where is_sorted order by rowid")
        closed = sum(row["created_at"] < today for row in before)
        assert len(times) == closed - closed % run
        assert times == sorted(times)  # all waited already: each run goes on where one ended


def test_a_post_that_changes_waits_for_the_next_run(database: Database, config: Config) -> None:
    with a_store(database, config, THREAD) as store:
        posts = [a_post(str(n), claimed_at=at(-50 - n), text="As it was") for n in range(4)]
        store.commit(a_poll(posts))
        order = TimeOrder(database.cursor(), 2)
        while order.advance(T0):
            pass
        edited = a_post("1", claimed_at=at(-51), text="Another text", edited_at=at(1))
        store.commit(a_poll([edited], when=at(3)))
        assert store.column("select post_id from base.posts where is_sorted is null") == [
            post_id("1")
        ]
        assert not order.advance(T0)
        assert store.post("1")["text"] == "Another text"


def test_nothing_is_lost_when_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "monitor.duckdb"
    with Database.open(path) as database:
        cursor = database.cursor()
        cursor.execute(
            "insert into base.ids select 'x:' || n, n, false from range(1, 60001) as r(n)"
        )
        cursor.execute(
            "insert into base.posts by name select n as post_key, 'x:' || n as post_id, "
            "'x' as network, 'live' as state, md5(n::varchar) as text, 1 as version, "
            "timestamp '2026-02-12' + to_seconds((hash(n) % 500000)::bigint) as created_at, "
            "timestamp '2026-02-12' as recorded_at from range(1, 60001) as r(n)"
        )
        cursor.execute(
            "insert into base.versions by name select post_key, state, text, version, recorded_at "
            "from base.posts"
        )
        before = database.query("from posts order by post_id")
    chance, sorted_by = random.Random(1), 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", SORTING, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(chance.randint(1, 5)):
            assert process.stdout.readline() == "sorted\n"
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.wait()
        with Database.open(path) as database:
            assert database.query("from posts order by post_id").equals(before)
            assert verify(database.query) == []
            found = database.query("select count(is_sorted) from base.posts").item()
        assert found > sorted_by
        sorted_by = found


def test_a_day_that_is_not_over_waits(database: Database, config: Config) -> None:
    with a_store(database, config, THREAD) as store:
        store.commit(a_poll([a_post("now", claimed_at=at(0))]))
        order = TimeOrder(database.cursor(), 1)
        assert not order.advance(T0)
        assert order.advance(T0 + timedelta(days=1))
