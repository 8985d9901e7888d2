"""Counts per bucket: what was observed, what was not, and what was known when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import QueryError

RELATIONS = ("reply", "quote", "repost", "link", "press", "mention")
WIDE_ROW = (
    "event_id, bucket_start_utc, hours_since_announcement, observed_ratio, posts, authors, "
    "replies, quotes, reposts, links, press, mentions, stream_posts, likes_delta, reposts_delta, "
    "replies_delta, quotes_delta, views_delta, counters_observed_ratio, expected_posts, "
    "expected_low, expected_high, abnormal_posts, is_spike, sentiment_model, sentiment_mean, "
    "sentiment_low, sentiment_high, sentiment_n, positive_share, neutral_share, negative_share, "
    "flag"
)


def by_hour(world: Any, sql: str) -> dict[float, dict[str, Any]]:
    return {row["hours_since_announcement"]: row for row in world.rows(sql)}


def simple(world: Any) -> None:
    """An announcement and three reactions; observed from 4 h before to 5 h after."""
    world.event("a")
    world.source("s")
    world.poll("s", -9, 5)
    world.post("root", 0, "announcement", author="acme")
    world.post("r1", 0.5, author="ann")
    world.post("r2", 0.6, author="bob")
    world.post("r3", 0.7, author="ann")
    world.post("q1", 2.2, "quote", author="cid")


def test_counts_by_relation_and_author(world: Any) -> None:
    simple(world)
    rows = by_hour(world, "from reaction_series('a', '1h')")
    assert list(rows) == [float(n) for n in range(-4, 8)]
    assert rows[0]["bucket_start_utc"] == world.T0
    assert (rows[0]["posts"], rows[0]["replies"], rows[0]["authors"]) == (3, 3, 2)
    assert (rows[2]["posts"], rows[2]["quotes"], rows[2]["replies"]) == (1, 1, 0)
    assert rows[1]["posts"] == 0
    assert rows[1]["authors"] == 0
    assert rows[0]["observed_ratio"] == 1


def test_zero_is_observed_and_a_hole_is_null(world: Any) -> None:
    world.event("a")
    world.source("s")
    world.poll("s", -9, 1)
    world.poll("s", 3, 4.5)
    rows = by_hour(world, "from reaction_series('a', '1h')")
    assert rows[0]["posts"] == 0
    assert rows[1]["posts"] is None
    assert rows[1]["observed_ratio"] == 0
    assert rows[1]["flag"] == "not_observed"
    assert (rows[4]["posts"], rows[4]["observed_ratio"]) == (0, 0.5)
    assert rows[4]["flag"].startswith("partial")
    assert (rows[5]["posts"], rows[5]["flag"]) == (None, "no_data_yet")
    assert rows[5]["observed_ratio"] is None


def test_overlapping_polls_observe_once(world: Any) -> None:
    world.event("a")
    world.source("s")
    world.poll("s", 0, 0.4)
    world.poll("s", 0.2, 0.5)
    world.poll("s", 0.2, 0.5)
    world.poll("s", 0.5, 0.6)
    world.poll("s", 0, 0.9, outcome="error")
    row = by_hour(world, "from reaction_series('a', '1h')")[0]
    assert row["observed_ratio"] == pytest.approx(0.6, abs=1e-9)


def test_sources_weigh_by_the_posts_they_showed(world: Any) -> None:
    simple(world)  # source s: five posts
    world.source("t")
    world.poll("t", 0, 0.5)
    world.post("x", 0.1, source="t")
    row = by_hour(world, "from reaction_series('a', '1h')")[0]
    assert row["observed_ratio"] == pytest.approx(5 / 6 + 0.5 / 6, abs=1e-9)


def test_sources_weigh_alike_while_nothing_was_shown(world: Any) -> None:
    world.event("a")
    world.source("s")
    world.source("t")
    world.poll("s", 0, 2)
    world.poll("t", 0, 0.5)
    rows = by_hour(world, "from reaction_series('a', '1h')")
    assert rows[0]["observed_ratio"] == 0.75
    assert rows[1]["observed_ratio"] == 0.5


def test_a_thread_hides_nothing_before_it_began(world: Any) -> None:
    world.event("a")
    world.source("s", root="root")
    world.post("root", 0.5, "announcement")
    world.post("x", 1.75)
    world.poll("s", 1.5, 3)
    rows = by_hour(world, "from reaction_series('a', '1h')")
    assert [rows[hour]["observed_ratio"] for hour in (-4, -1, 0, 1, 2)] == [1, 1, 0.5, 0.5, 1]
    before = by_hour(world, f"from reaction_series('a', '1h', timestamp '{world.hour(-1)}')")
    assert before[-4]["observed_ratio"] is None  # nobody knew of it then
    (gap,) = world.rows("from gaps where reason = 'not_yet_watched'")
    assert (gap["started_at"], gap["ended_at"]) == (world.hour(0.5), world.hour(1.5))


def test_two_events_do_not_mix(world: Any) -> None:
    simple(world)
    world.event("b", company="rival", at=1)
    world.source("t", event="b")
    world.poll("t", -9, 6)
    world.post("other", 1.5, "quote", event="b", source="t")
    a = by_hour(world, "from reaction_series('a', '1h')")
    b = by_hour(world, "from reaction_series(event := 'b', bucket := '1h')")
    assert sum(row["posts"] or 0 for row in a.values()) == 4
    assert {h: row["posts"] for h, row in b.items() if row["posts"]} == {0: 1}
    assert {row["event_id"] for row in b.values()} == {"b"}
    both = world.rows("from event_series_1h")
    assert {(r["event_id"], r["bucket_start_utc"]): r["posts"] for r in both} == {
        (name, row["bucket_start_utc"]): row["posts"]
        for name, rows in (("a", a), ("b", b)) for row in rows.values()
    }  # fmt: skip
    assert world.rows("from reaction_series('none', '1h')") == []


def test_edge_buckets_are_whole_and_the_window_filters_posts(world: Any) -> None:
    world.event("a", at=0.5, before=1, after=1)  # 17:30 to 19:30
    world.source("s")
    world.poll("s", -9, 5)
    for name, at in (("early", -0.6), ("in", -0.5), ("last", 1.49), ("late", 1.5)):
        world.post(name, at)
    rows = world.rows("from reaction_series('a', '1h')")
    assert [r["bucket_start_utc"] for r in rows] == [world.hour(n) for n in (-1, 0, 1)]
    assert [r["hours_since_announcement"] for r in rows] == [-1.5, -0.5, 0.5]
    assert [r["posts"] for r in rows] == [1, 0, 1]
    assert ["partial" in r["flag"].split() for r in rows] == [True, False, True]


def test_a_window_that_ends_on_an_edge_has_no_bucket_beyond(world: Any) -> None:
    simple(world)
    rows = world.rows("from reaction_series('a', interval 15 minutes)")
    assert len(rows) == 48
    assert rows[-1]["bucket_start_utc"] == world.hour(7.75)
    assert world.rows("from reaction_series('a', '15m')") == rows


def test_excluded_posts_are_in_no_count(world: Any) -> None:
    simple(world)
    world.mention("r1")
    world.mention("r2")
    world.add("base.exclusions", event_id="a", post_key=world.key("r1"), excluded_by="user",
              recorded_at=world.hour(6))  # fmt: skip
    now = by_hour(world, "from reaction_series('a', '1h')")[0]
    assert (now["posts"], now["stream_posts"]) == (2, 1)
    before = by_hour(world, f"from reaction_series('a', '1h', '{world.hour(5.9)}')")[0]
    assert before["posts"] == 3
    summary = world.one("from event_summary('a')")
    assert summary["posts"] == 3
    tops = world.rows("from top_reactions('a', 99)")
    assert {row["post_id"] for row in tops} == {"r2", "r3", "q1"}


def test_deleted_posts_keep_counting(world: Any) -> None:
    simple(world)
    world.post("gone", 0.9, deleted=2)
    assert by_hour(world, "from reaction_series('a', '1h')")[0]["posts"] == 4


def test_what_was_known_then(world: Any) -> None:
    world.event("a")
    world.source("s")
    world.poll("s", -9, 1)
    world.poll("s", 1, 2, recorded=2.25)
    world.post("early", 0.5)
    world.post("late", 0.6, seen=2, recorded=2.25)
    world.post("named", 0.7, seen=2.25, recorded=0.8)  # its relation was known before it was seen

    def then(at: float) -> tuple[Any, Any, Any]:
        moment = world.hour(at).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows = by_hour(world, f"from reaction_series('a', '1h', as_of := '{moment}')")
        return rows[0]["posts"], rows[1]["posts"], rows[1]["flag"]

    assert then(2.2) == (1, None, "no_data_yet")
    assert then(2.25)[:2] == (3, 0)
    local = world.one(
        "select sum(posts) as n from reaction_series('a', '1h', '2026-02-12T21:14:00+01:00')"
    )
    assert local["n"] == 1


def test_an_import_was_known_when_it_was_created(world: Any) -> None:
    """The span that it observed, too, was known while it passed."""
    world.event("a")
    world.source("import", network="import", origin="import")
    world.poll("import", -4, 6, recorded=5000)
    for n in range(4):
        world.post(f"p{n}", n + 0.5, source="import", network="x", seen=5000, known=n + 0.5,
                   recorded=n + 0.5)  # fmt: skip
    now = by_hour(world, "from reaction_series('a', '1h')")
    assert [now[n]["posts"] for n in range(-4, 8)] == [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, None, None]
    then = by_hour(world, f"from reaction_series('a', '1h', '{world.hour(2)}')")
    assert [then[n]["posts"] for n in range(4)] == [1, 1, None, None]
    summary = world.one(f"from event_summary('a', '{world.hour(2)}')")
    assert (summary["posts"], summary["data_as_of_utc"]) == (2, world.hour(2))


def test_relations_that_no_network_can_show_are_not_zero(world: Any) -> None:
    simple(world)
    row = by_hour(world, "from reaction_series('a', '1h')")[0]
    assert (row["reposts"], row["press"], row["quotes"]) == (None, None, 0)
    assert row["flag"] == "not_observable:reposts+press"
    world.source("f", network="feed")
    world.poll("f", -9, 5)
    row = by_hour(world, "from reaction_series('a', '1h')")[0]
    assert (row["reposts"], row["press"]) == (None, 0)
    world.post("shared", 0.4, "repost")
    row = by_hour(world, "from reaction_series('a', '1h')")[0]
    assert (row["reposts"], row["flag"]) == (1, None)


def test_authors_without_an_id_are_known_by_handle_or_name(world: Any) -> None:
    world.event("a")
    world.source("s")
    world.poll("s", -9, 5)
    for n, more in enumerate([
        {"author_handle": "Ann"}, {"author_handle": "@ann"}, {"author_name": "Ann B."}, {},
    ]):  # fmt: skip
        world.post(f"p{n}", 0.1, author=None, **more)
    row = by_hour(world, "from reaction_series('a', '1h')")[0]
    assert (row["posts"], row["authors"]) == (4, 2)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC), 23),
        ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC), 25),
        ("Africa/Cairo", datetime(2026, 4, 24, tzinfo=UTC), 23),  # midnight itself is skipped
        ("America/Havana", datetime(2026, 11, 1, tzinfo=UTC), 25),  # midnight comes twice
        ("Asia/Kathmandu", datetime(2026, 6, 1, tzinfo=UTC), 24),  # UTC+05:45
        ("Australia/Lord_Howe", datetime(2026, 4, 5, tzinfo=UTC), 24.5),  # half an hour
        ("Pacific/Apia", datetime(2026, 6, 1, tzinfo=UTC), 24),  # UTC+13
    ],
)
def test_days_follow_the_zone(world: Any, zone: str, day: datetime, hours: float) -> None:
    t0 = (day - world.T0).total_seconds() / 3600 + 12
    world.event("a", at=t0, before=48, after=48)
    rows = world.rows(f"from event_series('a', '1d', tz := '{zone}')")
    edges = [row["bucket_start_utc"] for row in rows]
    first = edges[0].astimezone(ZoneInfo(zone)).date()
    expected = [
        datetime(*(first + timedelta(days=n)).timetuple()[:3], tzinfo=ZoneInfo(zone))
        for n in range(len(edges))
    ]
    assert edges == [midnight.astimezone(UTC) for midnight in expected]
    lengths = [(b - a) / timedelta(hours=1) for a, b in pairwise(edges)]
    assert hours in lengths
    assert edges[0] <= world.hour(t0 - 48) < edges[1]
    assert edges[-1] < world.hour(t0 + 48)


def test_hours_follow_the_clock_of_utc_in_every_zone(world: Any) -> None:
    simple(world)
    assert world.rows("from event_series('a', '1h', null, 'Asia/Kathmandu')") == world.rows(
        "from event_series('a', '1h')"
    )


@pytest.mark.parametrize("bucket", ["'0s'", "interval '-1 hour'"])
def test_a_bucket_has_a_length(world: Any, bucket: str) -> None:
    simple(world)
    with pytest.raises(QueryError, match="a bucket must be at least 1 second long"):
        world.rows(f"from reaction_series('a', {bucket})")


def test_the_wide_row(world: Any) -> None:
    simple(world)
    world.count("r1", 0.9, likes=8)
    rows = world.rows("from event_series('a', '1h')")
    assert ", ".join(rows[0]) == WIDE_ROW
    (row,) = (r for r in rows if r["hours_since_announcement"] == 0)
    assert row["likes_delta"] == 8
    assert row["flag"].split() == [
        "not_observable:reposts+press", "no_counters:reposts+replies+quotes+views",
        "no_sentiment", "no_baseline",
    ]  # fmt: skip
    assert rows[-1]["flag"] == "no_data_yet no_baseline"


def test_sentiment_is_the_plain_mean_of_one_model(world: Any) -> None:
    simple(world)
    for post, score in (("r1", 0.5), ("r2", -0.2), ("r3", 0.0)):
        world.score(post, score)
    world.score("r1", -1.0, model="m2", at=3)  # fewer posts than m1
    world.score("root", 1.0)  # not a reaction
    rows = by_hour(world, "select * from event_series('a', '1h')")
    row = rows[0]
    assert (row["sentiment_model"], row["sentiment_n"]) == ("m1", 3)
    assert row["sentiment_mean"] == pytest.approx(0.1)
    assert row["negative_share"] == pytest.approx(1 / 3)
    assert "no_sentiment" not in row["flag"].split()
    assert (rows[2]["sentiment_n"], rows[2]["sentiment_mean"]) == (0, None)
    assert "no_sentiment" in rows[2]["flag"].split()
    assert (rows[6]["sentiment_n"], rows[6]["sentiment_model"]) == (None, None)
    early = world.one(
        f"from sentiment_series('a', '1h', '{world.hour(-1)}') where bucket_start_utc = "
        f"timestamp '{world.T0:%F %T}'"
    )
    assert early["sentiment_n"] is None


def test_deletion_takes_the_mood_and_only_the_mood(world: Any) -> None:
    simple(world)
    world.post("gone", 0.8, deleted=2)
    world.score("r1", 0.5)
    world.score("gone", -0.5)
    row = by_hour(world, "from event_series('a', '1h')")[0]
    assert (row["posts"], row["sentiment_n"], row["sentiment_mean"]) == (4, 1, 0.5)


def test_share_of_voice(world: Any) -> None:
    simple(world)
    for company in ("acme", "rival", "third"):
        world.add("companies", company_id=company, name=company, state="active")
    world.mention("r1")
    world.mention("r1", "rival")
    world.mention("r2")
    world.mention("r3")
    world.mention("q1", "rival", recorded=4)
    rows = world.rows("from share_of_voice('1h')")
    assert [(r["bucket_start_utc"], r["company_id"], r["posts"], r["share"]) for r in rows] == [
        (world.T0, "acme", 3, 1), (world.T0, "rival", 1, pytest.approx(1 / 3)),
        (world.T0, "third", 0, 0), (world.hour(2), "acme", 0, 0), (world.hour(2), "rival", 1, 1),
        (world.hour(2), "third", 0, 0),
    ]  # fmt: skip
    assert len(world.rows(f"from share_of_voice('1h', '{world.hour(3)}')")) == 3


@settings(max_examples=15)
@given(
    posts=st.lists(
        st.tuples(
            st.floats(-5, 9), st.sampled_from(RELATIONS), st.sampled_from(["ann", "bob", None])
        ),
        max_size=20,
    ),
    spans=st.lists(st.tuples(st.floats(-5, 9), st.floats(0, 3)), max_size=5),
    seed=st.integers(0, 99),
)
def test_order_of_storing_changes_nothing(
    new_world: Callable[[], Any],
    posts: list[tuple[float, str, str | None]],
    spans: list[tuple[float, float]],
    seed: int,
) -> None:
    def build(*, shuffled: bool) -> list[dict[str, Any]]:
        world = new_world()
        world.event("a")
        world.source("s")
        world.source("t", network="x")
        for start, length in spans:
            world.poll("s" if length < 1 else "t", start, start + length)
        for n, (at, relation, author) in enumerate(posts):
            world.post(f"p{n}", at, relation, author=author, source="st"[n % 2])
        if shuffled:
            world.shuffle(seed)
        return world.rows("from reaction_series('a', '1h')")

    rows = build(shuffled=False)
    assert build(shuffled=True) == rows
    for row in rows:
        if row["posts"] is None:
            assert row["flag"] in {"not_observed", "no_data_yet"}
            continue
        parts = ("replies", "quotes", "reposts", "links", "press", "mentions")
        assert row["posts"] == sum(row[part] or 0 for part in parts)


def test_values_may_be_bound(world: Any) -> None:
    simple(world)
    bound = world.rows(
        "from base.series_over(?, ?, ?, ?) order by bucket_start_utc",
        [["a"], "1h", "UTC", world.hour(6)],
    )
    assert bound == world.rows(f"from event_series('a', '1h', '{world.hour(6)}')")
    bound = world.rows("from event_summary(?, ?)", ["a", None])
    assert bound == world.rows("from event_summary('a')")


def test_no_parameter_bears_the_name_of_a_column(world: Any) -> None:
    """Such a macro would compare the column with itself and return the rows of every event.

    `n` is how many rows to give, and the observations of an estimate: no macro has to do with both.
    """
    both = world.rows(
        "select function_name from duckdb_functions() where not internal "
        "and list_contains(parameters, 'n') and macro_definition like '%estimates%'"
    )
    assert both == []
    clashes = world.rows(
        "with given as (select function_name, unnest(parameters) as parameter "
        "from duckdb_functions() where not internal and function_type like '%macro') "
        "select * from given where parameter in (select column_name from duckdb_columns() "
        "where not internal and not (table_name = 'estimates' and column_name = 'n'))"
    )
    assert clashes == []
    names = world.rows("select 1 from duckdb_functions() where function_name = 'coverage'")
    assert names
