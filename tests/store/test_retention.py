"""What time takes away, and that it takes nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Config
from monitor.errors import Unreachable
from monitor.imports.rows import CounterRow
from monitor.store.database import Database
from monitor.types import Engagement, Outcome, Poll, Source, SourceKind
from tests.world import (
    ACME,
    ANNOUNCED,
    Store,
    a_poll,
    a_post,
    a_source,
    a_store,
    at,
    configured,
    post_id,
)

FIRST = a_source()
OTHER = a_source("other")
FEED = a_source("feed", kind=SourceKind.FEED)
LOOKS = st.lists(
    st.tuples(
        st.sampled_from([0.5, 2.0, 7.0, 40.0]),
        st.sampled_from([FIRST, FIRST, OTHER]),
        st.sampled_from(["unchanged", "unchanged", "unchanged", "ok", "error"]),
    ),
    max_size=40,
)


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Config]:
    make = tmp_path_factory.mktemp
    return configured(make("keeps"), ACME), configured(
        make("folds"), ACME, keep_polls="1d", keep_counters="1d"
    )


def look(source: Source, hours: float, outcome: str, name: str = "post") -> Poll:
    if outcome == "ok":
        post = a_post(name, claimed_at=at(hours))
        return a_poll([post], source=source, when=at(hours), requests=1, bytes=100, complete=True)
    if outcome == "error":
        error = Unreachable("https://example.org: no answer")
        return a_poll(source=source, when=at(hours), error=error, requests=1)
    return a_poll(
        source=source, when=at(hours), outcome=Outcome.UNCHANGED, unchanged=True, requests=1,
        bytes=10,
    )  # fmt: skip


def measured(store: Store, hours: float) -> list[object]:
    """What anybody reads off the polls of `hours`, but for their number."""
    return [
        store.rows("from reaction_series('acme-a', interval 15 minutes) "
                   "where bucket_start_utc < ? order by bucket_start_utc", at(hours)),
        store.rows("from gaps order by all"),
        store.rows(
            "select source_id, sum(requests) as requests, sum(bytes) as bytes, "
            "count(*) filter (outcome in ('ok', 'error')) as alone, max(poll_id) as last, "
            "max(finished_at) as until from polls where source_id <> 'late' "
            "group by all order by all"
        ),
    ]  # fmt: skip


@settings(max_examples=6)
@given(looks=LOOKS)
def test_folded_polls_have_observed_what_they_did(
    database: Database, configs: tuple[Config, Config], looks: list[tuple[float, Source, str]]
) -> None:
    keeps, folds = configs
    late = a_source("late")
    with a_store(database, keeps, FIRST, OTHER, late) as store:
        hours, n = 0.0, 0
        for minutes, source, outcome in looks:
            hours, n = hours + minutes / 60, n + 1
            store.commit(look(source, hours, outcome, str(n)))
        store.commit(look(late, hours + 50, "unchanged"))
        before = measured(store, hours + 49)
        count = store.one("select count(*) as polls from polls")["polls"]

        store.restart(folds)
        store.commit(look(late, hours + 50.01, "unchanged"))
        assert measured(store, hours + 49) == before
        stood_for = store.one("select sum(coalesce(folded, 1))::bigint as polls from polls")
        assert stood_for["polls"] == count + 1
        assert store.problems() == []

        again = store.everything()["base.polls"]
        store.restart(folds)
        store.commit(look(late, hours + 50.02, "unchanged"))
        assert set(again) <= set(store.everything()["base.polls"])


def test_a_quiet_day_of_a_poll_a_minute_becomes_a_row_an_hour(
    database: Database, configs: tuple[Config, Config]
) -> None:
    _, folds = configs
    with a_store(database, folds, FIRST) as store:
        store.commit(look(FIRST, 0, "ok"))
        for minute in range(1, 180):
            store.commit(look(FIRST, minute / 60, "unchanged"))
        store.clock.moment += timedelta(days=2)
        store.commit(look(FIRST, 60, "unchanged"))
        rows = store.rows("select outcome, folded, requests from polls order by poll_id")
    assert [tuple(row.values()) for row in rows] == [
        ("ok", None, 1), ("unchanged", 59, 59), ("unchanged", 60, 60), ("unchanged", 60, 60),
        ("unchanged", None, 1),
    ]  # fmt: skip


@settings(max_examples=6)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([1, 4, 20, 90]), st.sampled_from([FIRST, FIRST, OTHER]),
                  st.integers(0, 9)),
        min_size=1, max_size=40,
    )
)  # fmt: skip
def test_of_old_readings_two_an_hour_stay_and_no_hour_changes(
    database: Database, configs: tuple[Config, Config], steps: list[tuple[int, Source, int]]
) -> None:
    keeps, folds = configs
    post, late = a_post("counted", claimed_at=at(0), root_id=ANNOUNCED), a_source("late")
    with a_store(database, keeps, FIRST, OTHER, late) as store:
        minutes, likes, polls = 0, 0, []
        for more, source, liked in steps:
            minutes, likes = minutes + more, likes + liked
            seen = Engagement(post_id=post.post_id, likes=likes, replies=likes // 3)
            polls.append(a_poll([post], source=source, when=at(minutes / 60), engagement=[seen]))
        store.commit(*polls, look(late, minutes / 60 + 50, "unchanged"))
        asked = [
            f"from counter_series('{post.post_id}', '1h') order by all",
            "from event_series('acme-a', '1h') order by all",
        ]
        before = [store.rows(sql) for sql in asked]
        readings = store.column("select count(*) from engagement")[0]

        store.restart(folds)
        store.commit(look(late, minutes / 60 + 50, "unchanged"))
        assert [store.rows(sql) for sql in asked] == before
        assert store.problems() == []
        left = store.column(
            "select count(*) from engagement group by source_id, date_trunc('hour', observed_at)"
        )
        assert max(left) <= 2
        assert sum(left) <= readings


def test_imported_readings_stay(tmp_path: Path) -> None:
    config = configured(tmp_path, ACME, keep_counters="1d")
    with Database.open(None) as database, a_store(database, config) as store:
        readings = [
            CounterRow(post_id=post_id("old"), observed_at=at(n / 60), likes=n) for n in range(30)
        ]
        store.writer.bring([a_post("old", claimed_at=at(-1))], readings)
        store.clock.moment = at(100)
        while store.writer.maintain():
            pass
        assert store.column("select count(*) from engagement") == [30]


def test_what_is_gone_from_a_list_is_remembered_however_long_it_goes_on(
    database: Database, configs: tuple[Config, Config]
) -> None:
    """A network's index that lags shows it once more, and is no witness."""
    gone = post_id("gone")
    with a_store(database, configs[0], FEED) as store:
        store.commit(a_poll([a_post("gone", claimed_at=at(0))], source=FEED, when=at(0)))
        store.commit(a_poll(removed=[gone], source=FEED, when=at(1)))
        for hour in range(2, 40):
            posts = [a_post(f"{hour}-{i}", claimed_at=at(hour)) for i in range(20)]
            store.commit(a_poll(posts, source=FEED, when=at(hour)))
        for _ in range(2):
            memory = store.writer.memory("feed")
            assert len(memory.shown) < 38 * 20
            assert memory.seen([gone]) == {gone}
            assert gone not in memory.live()
            store.restart()


def test_a_long_list_is_remembered_in_part_and_its_old_posts_stand_once(
    database: Database, configs: tuple[Config, Config]
) -> None:
    """A feed that goes on for months, and then shows its first items again."""
    with a_store(database, configs[0], FEED) as store:
        for n in range(40):
            posts = [a_post(str(n * 20 + i), claimed_at=at(n)) for i in range(20)]
            store.commit(a_poll(posts, source=FEED, when=at(n)))
        assert len(store.writer.memory("feed").shown) <= 100

        for hour, restarts in ((50, False), (51, True)):
            if restarts:
                store.restart()
            old = [a_post(str(n), claimed_at=at(0)) for n in range(5)]
            assert store.commit(a_poll(old, source=FEED, when=at(hour))) == [0]
            shown = store.rows("from sightings where last_at >= ?", at(hour))
            assert len(shown) == 5
        assert store.one("select count(*) as n from sightings")["n"] == 800
        assert store.one("select count(*) as n from gaps where reason = 'page_cap'")["n"] == 39
        assert store.problems() == []


def test_after_a_restart_every_source_remembers_what_it_did(
    database: Database, configs: tuple[Config, Config]
) -> None:
    """More sources than are read at once: threads, which are remembered whole, and lists."""
    threads = [a_source(f"thread-{n}") for n in range(15)]
    feeds = [
        a_source(f"feed-{n}", "feed", SourceKind.FEED, f"https://f{n}.example/") for n in range(15)
    ]
    with a_store(database, configs[0], *threads, *feeds) as store:
        for n, source in enumerate([*threads, *feeds]):
            shared = [a_post(f"all-{i}", claimed_at=at(0)) for i in range(n % 4)]
            own = [a_post(f"{n}-{i}", claimed_at=at(i)) for i in range(3 * n)]
            store.commit(a_poll([*shared, *own], source=source, when=at(100 + n)))
        store.commit(a_poll(removed=[post_id("all-1")], source=threads[3], when=at(140)))
        names = [source.source_id for source in (*feeds, *threads)]
        before = {name: dict(store.writer.memory(name).shown) for name in names}
        store.restart()
        after = {name: store.writer.memory(name) for name in names}
        for name, memory in after.items():
            assert memory.shown.items() <= before[name].items()
            served = len(memory.live())
            if name.startswith("feed") and len(before[name]) > 50:
                assert served >= 49  # the latest fifty, of which one is gone
            else:
                assert memory.shown == before[name]
        assert sum(post_id("all-1") in memory.shown for memory in after.values()) == 14
        assert not any(post_id("all-1") in memory.live() for memory in after.values())
