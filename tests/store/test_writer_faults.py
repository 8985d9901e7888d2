"""A transaction that fails anywhere leaves nothing behind, in the file or in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from monitor.errors import StoreError
from monitor.store.database import Database
from monitor.types import Claim, Engagement, Gap, GapReason, Poll, SourceKind
from tests.world import ACME, ANNOUNCED, Store, a_poll, a_post, a_source, a_store, at, configured

THREAD = a_source("thread")
PRESS = a_source("press", "feed", SourceKind.FEED, "https://press.example/rss")
EVERY = 5  # of the statements one in so many is made to fail: all take 25 s


class Failing:
    """A connection whose n-th statement, or n-th such, fails, once: the disk is full."""

    def __init__(self, raw: Any, n: int | None, only: str | None) -> None:
        self._raw = raw
        self.left = n
        self._only = only

    def execute(self, sql: str, *rest: Any) -> Any:
        if self.left is not None and sql != "rollback" and self._only in (None, sql):
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise duckdb.IOException("no space left on device")
        return self._raw.execute(sql, *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


@contextmanager
def failing(store: Store, n: int, only: str | None = None) -> Iterator[Failing]:
    cursor = store.writer._cursor
    raw = cursor._raw
    made = cursor._raw = Failing(raw, n, only)
    try:
        yield made
    finally:
        cursor._raw = raw


def before() -> list[Poll]:
    """What is known: a post by its link only, one that is named, an open gap, counters."""
    return [
        a_poll([a_post("feed:1", text="Acme has a round")], source=PRESS, when=at(1)),
        a_poll(
            [a_post("2", reply_to_id="feed:9")], source=THREAD, when=at(1),
            gaps=[Gap(reason=GapReason.HIDDEN, post_id=ANNOUNCED, missing=1)],
        ),
    ]  # fmt: skip


def polls(hour: float) -> list[Poll]:
    """A bit of everything: new, edited, tied, removed, counted, found, contradicting."""
    shown = a_post("1", aliases=("feed:1",), text="Acme has a new round", quoted_id=ANNOUNCED)
    return [
        a_poll(
            [shown, a_post("9", aliases=("feed:9",)), a_post("3", reply_to_id=ANNOUNCED)],
            source=THREAD, when=at(hour), state={"page": 2}, resolved=ANNOUNCED,
            engagement=[Engagement(post_id=shown.post_id, likes=3)],
            claims=[Claim(shown.post_id, 4, "direct")],
            gaps=[Gap(reason=GapReason.HIDDEN, post_id=ANNOUNCED, missing=2)],
            found=[THREAD.find(SourceKind.THREAD, "https://bsky.app/profile/did:plc:ann/post/2")],
        ),
        a_poll([a_post("3", text="from a feed")], source=PRESS, when=at(hour)),
        a_poll(removed=[a_post("2").post_id], source=THREAD, when=at(hour)),
    ]  # fmt: skip


def count(store: Store, act: Callable[[], object]) -> int:
    with failing(store, 10**9) as counted:
        act()
        assert counted.left is not None
        return 10**9 - counted.left


def test_a_failed_commit_stores_nothing_and_can_be_repeated(
    database: Database, tmp_path: Path
) -> None:
    config = configured(tmp_path, ACME)
    with a_store(database, config, THREAD, PRESS) as store:
        store.commit(*before())
        total = count(store, lambda: store.commit_alone(*polls(2)))
        expected = store.content()
        expected_rows = {table: len(rows) for table, rows in store.everything().items()}
    assert total > 50
    with a_store(database, config, THREAD, PRESS) as store:
        store.commit(*before())
        for n in [*range(0, total - 1, EVERY), total - 1]:
            stands = store.everything()
            with failing(store, n), pytest.raises(StoreError, match="no space left"):
                store.commit_alone(*polls(2))
            assert store.everything() == stands
        store.commit(*polls(2))
        assert store.content() == expected
        assert {table: len(rows) for table, rows in store.everything().items()} == expected_rows
        assert store.problems() == []
        store.restart()
        store.commit(*polls(3))
        assert store.problems() == []


@pytest.mark.parametrize("n", [0, 9, 18, 27, 36])
def test_after_every_failure_memory_and_file_agree(
    database: Database, tmp_path: Path, n: int
) -> None:
    config = configured(tmp_path, ACME)
    with a_store(database, config, THREAD, PRESS) as store:
        store.commit(*before())
        with failing(store, n), pytest.raises(StoreError):
            store.commit_alone(*polls(2))
        memory = store.writer.memory("thread")
        assert set(memory.shown) == {a_post("2").post_id}
        assert store.writer.entries["thread"].cursor == {}
        assert len(store.writer.entries) == 2
        assert store.commit(*polls(2)) == [2, 0, 0]
        assert store.problems() == []


def test_a_failed_start_can_be_repeated(database: Database, tmp_path: Path) -> None:
    with a_store(database, configured(tmp_path, ACME), THREAD) as store:
        total = count(store, lambda: store.writer.synchronise([(THREAD, None), (PRESS, None)]))
        stands = store.everything()
        for n in range(0, total, 5):
            with failing(store, n), pytest.raises(StoreError):
                store.writer.synchronise([(THREAD, "no longer")])
            assert store.everything() == stands
            assert store.writer.entries["thread"].state == "active"
        store.commit(*polls(2))
        assert store.problems() == []


def test_what_retention_could_not_do_is_done_an_hour_later(
    database: Database, tmp_path: Path
) -> None:
    config = configured(tmp_path, ACME, keep_polls="1d", keep_counters="1d")
    shown = a_post("1", claimed_at=at(0), root_id=ANNOUNCED)

    def days_later(store: Store) -> None:
        store.commit(*[
            a_poll(
                [shown] if minute == 0 else [], source=THREAD, when=at(1 + minute / 60),
                engagement=[Engagement(post_id=shown.post_id, likes=minute)],
            )
            for minute in range(0, 50, 10)
        ])  # fmt: skip
        store.clock.moment += timedelta(days=3)

    def maintain(store: Store) -> None:
        store.clock.moment += timedelta(hours=1)
        while store.writer.maintain():
            pass

    with a_store(database, config, THREAD) as store:
        days_later(store)
        maintain(store)
        expected = store.everything()
    for n in range(2):  # a day each
        with a_store(database, config, THREAD) as store:
            days_later(store)
            with failing(store, n, "commit"), pytest.raises(StoreError, match="no space left"):
                maintain(store)
            maintain(store)
            assert store.everything() == expected
            assert store.problems() == []
