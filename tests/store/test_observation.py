"""What was observed and what was not: the contract's paragraphs on polls and gaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.config import Config
from monitor.errors import AccessDenied, Throttled, Unreachable
from monitor.store.database import Database
from monitor.types import Gap, GapReason, Outcome, Poll, PostState, SourceKind
from tests.world import (
    ACME,
    T0,
    Store,
    a_poll,
    a_post,
    a_source,
    a_store,
    at,
    configured,
    post_id,
)

SOURCE = a_source()
SECOND = """
[[event]]
id = "acme-b"
company = "acme"
announced_at = 2026-02-12T20:00:00Z
window_before = "1h"
window_after = "1h"
"""


@pytest.fixture
def store(database: Database, config: Config) -> Iterator[Store]:
    with a_store(database, config, SOURCE) as made:
        yield made
        assert made.problems() == []


def listed(*names: str, when: float, **more: object) -> Poll:
    """A time-ordered list of posts that are named after their hour."""
    given = {"ordered": True, **more}
    posts = [a_post(name, claimed_at=at(float(name))) for name in names]
    return a_poll(posts, source=SOURCE, when=at(when), seconds=0, **given)


def failed(when: float, error: Exception | None = None) -> Poll:
    error = error or Unreachable("https://example.org: no answer")
    outcome = Outcome.THROTTLED if isinstance(error, Throttled) else Outcome.ERROR
    return a_poll(source=SOURCE, when=at(when), seconds=0, error=error, outcome=outcome)


def throttled() -> Throttled:
    return Throttled("wait", url="https://example.org", status=429, retry_after=60)


def holes(store: Store) -> list[tuple[object, ...]]:
    """Hours from, to, the reason, and when it was filled, of the gaps in time that polls left."""
    rows = store.rows(
        "select started_at, ended_at, reason, filled_at from gaps "
        "where gap_id > 0 and post_id is null order by gap_id"
    )
    return [
        (hours(r["started_at"]), hours(r["ended_at"]), r["reason"], hours(r["filled_at"]))
        for r in rows
    ]


def hours(moment: datetime | None) -> float | None:
    return None if moment is None else round((moment - T0) / timedelta(hours=1), 6)


def observed(store: Store) -> list[float | None]:
    """The hour back to which each poll observed."""
    return [hours(at) for at in store.column("select observed_from from polls order by poll_id")]


EVER = hours(datetime(1970, 1, 1, tzinfo=UTC))


# "a first poll observes, for posts only, back to the oldest item of a time-ordered list"


def test_a_first_poll_observes_back_to_its_oldest_item(store: Store) -> None:
    store.commit(listed("3", "2.5", "1", when=4))
    assert observed(store) == [1]
    assert holes(store) == []


@pytest.mark.parametrize("unknown", ["unordered", "without times", "empty"])
def test_a_first_poll_without_order_or_times_observes_nothing_before_it(
    store: Store, unknown: str
) -> None:
    names = () if unknown == "empty" else ("3", "1")
    poll = listed(*names, when=4, ordered=unknown != "unordered")
    if unknown == "without times":
        poll.harvest.posts.append(a_post("x", claimed_at=None))
    store.commit(poll)
    assert observed(store) == [4]


def test_a_first_poll_of_everything_observes_since_ever(store: Store) -> None:
    store.commit(listed("3", "1", when=4, complete=True))
    assert observed(store) == [EVER]


def test_an_item_from_the_future_is_no_observation_of_it(store: Store) -> None:
    store.commit(listed("999", when=4))
    assert observed(store) == [4]


# "back to the poll before it if what it read overlaps what was known or is complete"


def test_a_poll_that_overlaps_observes_back_to_the_one_before(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.commit(listed("2.5", "1", when=3))
    assert observed(store) == [1, 2]
    assert holes(store) == []


@pytest.mark.parametrize("how", ["complete", "empty", "unchanged"])
def test_so_does_one_that_shows_that_nothing_is_left_out(store: Store, how: str) -> None:
    store.commit(listed("1", when=2))
    if how == "complete":
        store.commit(listed("2.5", when=3, complete=True))
    elif how == "empty":
        store.commit(listed(when=3))
    else:
        poll = a_poll(source=SOURCE, when=at(3), outcome=Outcome.UNCHANGED, unchanged=True)
        store.commit(poll)
    assert observed(store) == [1, 2]
    assert holes(store) == []


def test_overlap_is_with_what_this_source_has_shown(store: Store) -> None:
    """Another source's posts say nothing about the length of this one's list."""
    store.commit(listed("1", when=2))
    other = a_source("other", kind=SourceKind.SEARCH)
    store.sources.append(other)
    store.restart()
    store.commit(a_poll([a_post("2.5", claimed_at=at(2.5))], source=other, when=at(2.6)))
    store.commit(listed("2.5", when=3))
    assert holes(store) == [(2, 2.5, "page_cap", None)]


# "... else only back to its oldest item, the rest is a gap"


def test_a_list_that_ends_too_early_leaves_a_gap(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.commit(listed("3.9", "3.5", when=4))
    assert observed(store) == [1, 3.5]
    assert holes(store) == [(2, 3.5, "page_cap", None)]


def test_a_list_without_order_leaves_all_of_it(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.commit(listed("3.9", "3.5", when=4, ordered=False))
    assert holes(store) == [(2, 4, "page_cap", None)]


def test_a_list_that_reaches_behind_the_poll_before_leaves_none(store: Store) -> None:
    store.commit(listed("1.5", when=2))
    store.commit(listed("3", "1", when=4))  # 1.5 was deleted meanwhile
    assert observed(store) == [1.5, 2]
    assert holes(store) == []


def test_what_a_later_poll_reads_whole_fills_the_gap(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.commit(listed("3.9", when=4))
    store.restart()
    store.commit(listed("3.9", when=5))
    assert holes(store) == [(2, 3.9, "page_cap", None)]
    store.restart()
    store.commit(listed("3.9", "3", "1", when=6, complete=True))
    assert holes(store) == [(2, 3.9, "page_cap", 6)]
    assert observed(store)[-1] == 2  # it is then observed for posts


# Errors: open, closed, filled or not.


def test_an_error_is_a_gap_since_the_last_success_until_the_next(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.commit(failed(3))
    assert holes(store) == [(2, None, "error", None)]
    store.commit(failed(4))
    store.commit(listed("4.5", "1", when=5))
    assert holes(store) == [(2, 5, "error", 5)]
    assert observed(store) == [1, None, None, 2]


def test_an_error_whose_posts_fell_off_the_list_stays_unseen(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.commit(failed(3))
    store.commit(listed("4.5", "4", when=5))
    assert holes(store) == [(2, 4, "error", None)]
    assert observed(store) == [1, None, 4]


def test_an_error_before_any_success_is_a_gap_since_the_source_is_watched(store: Store) -> None:
    store.commit(failed(3))
    assert holes(store) == [(0, None, "error", None)]
    store.commit(listed("4.5", "4", when=5))
    assert holes(store) == [(0, 4, "error", None)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unreachable("x"), "error"),
        (throttled(), "throttled"),
        (AccessDenied("x", url="https://example.org", status=401), "access"),
    ],
)
def test_the_error_says_the_reason(store: Store, error: Exception, reason: str) -> None:
    store.commit(listed("1", when=2))
    store.commit(failed(3, error))
    assert holes(store) == [(2, None, reason, None)]


def test_another_reason_is_another_gap(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.commit(failed(3))
    store.commit(failed(4, throttled()))
    store.commit(failed(5))
    expected = [(2, 4, "error", None), (4, 5, "throttled", None), (5, None, "error", None)]
    assert holes(store) == expected
    store.restart()
    store.commit(listed("5.5", "1", when=6))
    assert [hole[3] for hole in holes(store)] == [6, 6, 6]
    assert holes(store)[2][:2] == (5, 6)


def test_a_gap_filled_in_part_is_filled_where_it_was_read(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.commit(failed(3))
    store.commit(failed(4, throttled()))
    store.commit(listed("4.5", "3.5", when=5))
    assert holes(store) == [(2, 4, "error", None), (4, 5, "throttled", 5)]


def test_after_the_last_poll_there_is_neither_observation_nor_gap(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.clock.moment = at(50)
    assert holes(store) == []
    ends = store.column("select max(started_at) from polls")
    assert ends == [at(2)]


# Nobody ran.


def started(store: Store, hour: float) -> None:
    store.clock.moment = at(hour)
    store.restart()
    store.writer.started()


def test_what_was_due_while_nobody_ran_is_a_gap(store: Store) -> None:
    store.commit(listed("1", when=2))
    started(store, 5)
    assert holes(store) == [(2, None, "not_running", None)]
    store.commit(listed("4", "1", when=5))
    assert holes(store) == [(2, 5, "not_running", 5)]


def test_what_was_not_due_yet_is_none(store: Store) -> None:
    store.commit(listed("1", when=2))
    started(store, 2 + 4 / 60)  # it is polled every five minutes
    assert holes(store) == []


def test_a_pause_that_was_asked_for_is_no_downtime(store: Store) -> None:
    poll = a_poll(
        source=SOURCE, when=at(2), error=throttled(), outcome=Outcome.THROTTLED, next_at=at(6)
    )
    store.commit(poll)
    started(store, 5)
    assert holes(store) == [(0, None, "throttled", None)]
    started(store, 7)
    assert [hole[2] for hole in holes(store)] == ["throttled", "not_running"]


def test_downtime_after_an_error_begins_where_the_error_ended(store: Store) -> None:
    store.commit(listed("1", when=2))
    store.commit(failed(3))
    started(store, 6)
    assert holes(store) == [(2, 3, "error", None), (3, None, "not_running", None)]
    started(store, 8)
    assert len(holes(store)) == 2


def test_a_source_that_is_new_at_start_was_not_due(store: Store) -> None:
    store.writer.started()
    assert holes(store) == []


# Networks that can't be asked.


def test_a_network_without_access_is_a_gap_until_it_answers(
    database: Database, config: Config
) -> None:
    with a_store(database, config, SOURCE) as store:
        for _ in range(2):
            store.writer.synchronise([(SOURCE, "no credentials")])
        assert store.writer.entries["s"].state == "unavailable"
        assert holes(store) == [(0, None, "access", None)]
        store.clock.moment = at(3)
        store.writer.synchronise([(SOURCE, None)])
        assert (store.writer.entries["s"].state, store.writer.entries["s"].next_at) == (
            "active", at(3),
        )  # fmt: skip
        store.commit(listed("3.5", when=4))
        assert holes(store) == [(0, 3.5, "access", None)]
        assert store.problems() == []


def test_a_source_taken_out_of_the_configuration_leaves_no_open_gap(store: Store) -> None:
    store.commit(failed(3))
    store.clock.moment = at(4)
    store.writer.synchronise([])
    assert store.writer.entries["s"].state == "archived"
    assert holes(store) == [(0, 4, "error", None)]
    store.clock.moment = at(5)
    store.writer.synchronise([(SOURCE, None)])
    assert store.writer.entries["s"].state == "active"
    assert len(holes(store)) == 1


# What sources count themselves.


def missing(*gaps: tuple[str, GapReason, int | None], when: float, **more: object) -> Poll:
    stated = [Gap(reason=reason, post_id=post_id(name), missing=n) for name, reason, n in gaps]
    posts = [a_post("1", claimed_at=at(1))]
    return a_poll(posts, source=SOURCE, when=at(when), seconds=0, gaps=stated, **more)


def stated(store: Store) -> list[tuple[object, ...]]:
    rows = store.rows(
        "select post_id, reason, missing, started_at, ended_at, filled_at from gaps "
        "where post_id is not null order by gap_id"
    )
    return [
        (r["post_id"][-1], r["reason"], r["missing"], hours(r["started_at"]), hours(r["ended_at"]),
         hours(r["filled_at"]))
        for r in rows
    ]  # fmt: skip


def test_counted_gaps_appear_change_and_vanish(store: Store) -> None:
    hidden, deep = GapReason.HIDDEN, GapReason.DEPTH_CAP
    store.commit(missing(("1", hidden, 2), ("1", deep, None), ("2", hidden, 1), when=2))
    store.commit(missing(("1", hidden, 2), ("1", deep, None), ("2", hidden, 1), when=3))
    assert stated(store) == [
        ("1", "hidden", 2, 2, None, None), ("1", "depth_cap", None, 2, None, None),
        ("2", "hidden", 1, 2, None, None),
    ]  # fmt: skip
    store.restart()
    store.commit(missing(("1", hidden, 3), ("1", deep, None), when=4))
    assert stated(store) == [
        ("1", "hidden", 2, 2, 4, None), ("1", "depth_cap", None, 2, None, None),
        ("2", "hidden", 1, 2, 4, 4), ("1", "hidden", 3, 2, None, None),
    ]  # fmt: skip
    store.commit(missing(when=5))
    assert [row[4] for row in stated(store)] == [4, 5, 4, 5]


@pytest.mark.parametrize("how", ["error", "unchanged"])
def test_a_poll_that_did_not_look_ends_no_counted_gap(store: Store, how: str) -> None:
    store.commit(missing(("1", GapReason.HIDDEN, 2), when=2))
    if how == "error":
        store.commit(failed(3))
    else:
        poll = a_poll(source=SOURCE, when=at(3), outcome=Outcome.UNCHANGED, unchanged=True)
        store.commit(poll)
    assert stated(store) == [("1", "hidden", 2, 2, None, None)]


def test_an_error_may_state_a_gap(store: Store) -> None:
    poll = failed(2, AccessDenied("closed", url="https://example.org", status=401))
    poll.harvest.gaps.append(Gap(reason=GapReason.ACCESS, post_id=post_id("1")))
    store.commit(poll)
    assert stated(store) == [("1", "access", None, 2, None, None)]


def test_a_source_may_state_a_gap_of_its_own(store: Store) -> None:
    """Without a post: what it keeps back by policy, or a list that it cut."""
    policy = Gap(reason=GapReason.POLICY, concerns="posts")
    store.commit(listed("1", when=2, gaps=[policy]))
    store.commit(failed(3))
    store.restart()
    assert holes(store) == [(2, None, "policy", None), (2, None, "error", None)]
    assert store.problems() == []
    store.commit(listed("3.5", "1", when=4, gaps=[policy]))
    assert holes(store) == [(2, None, "policy", None), (2, 4, "error", 4)]
    store.commit(listed("3.5", when=5))
    assert holes(store)[0] == (2, 5, "policy", None)


# Per event.


def test_what_was_before_the_first_poll_was_not_watched_yet_for_each_event(
    database: Database, tmp_path: Path
) -> None:
    both = a_source(events=frozenset({"acme-a", "acme-b"}))
    with a_store(database, configured(tmp_path, ACME + SECOND), both) as store:
        poll = a_poll([a_post("1", claimed_at=at(1.5), state=PostState.LIVE)], source=both,
                      when=at(2), ordered=True)  # fmt: skip
        store.commit(poll)
        rows = store.rows(
            "select event_id, started_at, ended_at from gaps where reason = 'not_yet_watched' "
            "and source_id = 's' order by event_id"
        )
        assert [(r["event_id"], hours(r["started_at"]), hours(r["ended_at"])) for r in rows] == [
            ("acme-a", -168, 1.5), ("acme-b", 1, 1.5),
        ]  # fmt: skip


def test_the_end_of_a_hole_is_known_when_a_later_poll_shows_it(store: Store) -> None:
    """Only the answer after the failures says how far back the list reaches."""
    for poll in (listed("3", when=4), failed(5), failed(6), listed("6.5", "5.5", when=7)):
        store.commit(poll)
    known = "select ended_at from base.event_gaps(['acme-a'], ?) where reason = 'error'"
    assert hours(store.one("select ended_at from gaps where reason = 'error'")["ended_at"]) == 5.5
    for moment, end in ((5.25, None), (6, None), (6.99, None), (7, 5.5)):
        assert hours(store.one(known, at(moment))["ended_at"]) == end
