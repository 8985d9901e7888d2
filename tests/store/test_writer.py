"""What one commit after the other leaves of posts, their versions, their counters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.config import Config
from monitor.errors import BadAnswer, Unreachable
from monitor.store.database import Database
from monitor.types import Claim, Engagement, Outcome, PostState, SourceKind
from tests.world import T0, Store, a_poll, a_post, a_source, a_store, at, post_id

ROOT = a_source()
THREAD = a_source("thread")
SEARCH = a_source("search", kind=SourceKind.SEARCH, target="acme")
PRESS = a_source("press", "feed", SourceKind.FEED, "https://press.example/rss")
BLOG = a_source("blog", "feed", SourceKind.FEED, "https://blog.example/rss")


@pytest.fixture
def store(database: Database, config: Config) -> Iterator[Store]:
    with a_store(database, config, ROOT, THREAD, SEARCH, PRESS, BLOG) as made:
        yield made
        assert made.problems() == []


# The time used for analysis.


CLOCKS = [
    # Hours: the network's index time, the author's claim, the time used; and whose it is.
    (1.5, 1, 1.5, "network"),
    (None, 1, 1, "author"),
    (None, -17532, -17532, "author"),  # two years ago
    (None, None, 2, "first_seen"),
    (1.5, None, 1.5, "network"),
    (None, 744, 2, "first_seen"),  # next month
    (1.5, 744, 1.5, "network"),
    (744, 1, 2, "first_seen"),
    (None, 2 + 5 / 60, 2 + 5 / 60, "author"),
    (None, 2 + 5.01 / 60, 2, "first_seen"),
]


def test_times_are_the_networks_else_the_authors_and_never_the_futures(store: Store) -> None:
    def moment(hour: float | None) -> datetime | None:
        return None if hour is None else at(hour)

    store.commit(
        a_poll(
            [
                a_post(str(n), indexed_at=moment(indexed), claimed_at=moment(claimed))
                for n, (indexed, claimed, _, _) in enumerate(CLOCKS)
            ],
            when=at(2), seconds=0,
        )
    )  # fmt: skip
    rows = [store.post(str(n)) for n in range(len(CLOCKS))]
    assert [(row["created_at"], row["clock"]) for row in rows] == [
        (at(created), whose) for _, _, created, whose in CLOCKS
    ]
    assert [row["claimed_at"] for row in rows] == [moment(claimed) for _, claimed, _, _ in CLOCKS]
    assert {row["first_seen_at"] for row in rows} == {at(2)}


def test_a_time_once_given_stays(store: Store) -> None:
    store.commit(a_poll([a_post("1", claimed_at=at(1))], when=at(2)))
    store.commit(a_poll([a_post("1", claimed_at=at(2), text="changed")], when=at(3)))
    row = store.post("1")
    assert (row["created_at"], row["claimed_at"]) == (at(1), at(1))
    assert row["first_seen_at"] == at(2) + timedelta(seconds=1)


# Versions.


CHANGES: list[tuple[dict[str, object], int]] = [
    ({}, 1),
    ({"text": "edited"}, 2),
    ({"title": "a title"}, 2),
    ({"author_name": "Ann"}, 2),
    ({"edited_at": at(2)}, 2),
    ({"state": PostState.HIDDEN}, 2),
    ({"author_handle": "ann.new.example"}, 1),
    ({"author_followers": 7}, 1),
    ({"url": "https://example.org/1"}, 1),
    ({"links": ("https://example.org/2",)}, 1),
    ({"reply_to_id": post_id("0")}, 1),
]


def test_a_version_is_a_change_of_name_title_text_edit_or_state(store: Store) -> None:
    names = [f"p{n}" for n in range(len(CHANGES))]
    store.commit(a_poll([a_post(name) for name in names], when=at(2)))
    changed = [a_post(name, **change) for name, (change, _) in zip(names, CHANGES, strict=True)]
    store.commit(a_poll(changed, when=at(3)))
    for name, (change, versions) in zip(names, CHANGES, strict=True):
        found = store.rows("from post_versions where post_id = ? order by version", post_id(name))
        assert [row["version"] for row in found] == list(range(1, versions + 1)), change
        row = store.post(name)
        assert {c: row[c] for c in change if c in row} == {c: change[c] for c in change if c in row}
        assert found[-1]["text"] == row["text"]


def test_an_edit_keeps_what_was_said_before(store: Store) -> None:
    for n, text in enumerate(("one", "two", "three")):
        store.commit(a_poll([a_post("1", text=text)], when=at(2 + n)))
    versions = store.rows("select version, text, recorded_at from post_versions order by version")
    assert [row["text"] for row in versions] == ["one", "two", "three"]
    assert [row["recorded_at"] for row in versions] == [
        at(2 + n) + timedelta(seconds=1) for n in range(3)
    ]


def test_two_edits_in_one_commit_are_told_apart_by_their_time(store: Store) -> None:
    store.commit(
        a_poll([a_post("1", text="one")], source=THREAD),
        a_poll([a_post("1", text="two")], source=SEARCH),
    )
    rows = store.rows("select text, recorded_at from post_versions order by recorded_at")
    assert [row["text"] for row in rows] == ["one", "two"]
    assert rows[0]["recorded_at"] < rows[1]["recorded_at"]


def test_no_empty_string_is_stored(store: Store) -> None:
    empty = dict.fromkeys(("text", "title", "url", "author_id", "author_handle", "author_name"), "")
    store.commit(a_poll([a_post("1", **empty, reply_to_id="", root_id="", quoted_id="")]))
    row = store.post("1")
    assert {row[name] for name in (*empty, "reply_to_id", "root_id", "quoted_id")} == {None}


def test_no_post_answers_or_quotes_itself(store: Store) -> None:
    own = post_id("1")
    store.commit(a_poll([a_post("1", reply_to_id=own, quoted_id=own, root_id=own)]))
    row = store.post("1")
    assert (row["reply_to_id"], row["quoted_id"]) == (None, None)


# Who may speak about a post.


def test_a_feed_does_not_overwrite_what_the_network_says(store: Store) -> None:
    store.commit(a_poll([a_post("1", text="as it is")], source=THREAD, when=at(2)))
    store.commit(a_poll([a_post("1", text="as a feed cuts it")], source=PRESS, when=at(3)))
    assert store.post("1")["text"] == "as it is"
    assert sorted(store.column("select source_id from sightings")) == ["press", "thread"]


def test_the_network_takes_over_from_a_feed(store: Store) -> None:
    feed = a_post(
        "1", text="cut", title="A title", claimed_at=None, reply_to_id=post_id("invented")
    )
    store.commit(a_poll([feed], source=PRESS, when=at(2)))
    store.commit(a_poll([a_post("1", text="whole", indexed_at=at(1))], source=THREAD, when=at(3)))
    store.commit(a_poll([feed], source=PRESS, when=at(4)))
    row = store.post("1")
    assert (row["text"], row["title"], row["reply_to_id"]) == ("whole", None, None)
    assert (row["created_at"], row["clock"]) == (at(1), "network")
    assert row["first_seen_at"] == at(2) + timedelta(seconds=1)
    assert store.column("select text from post_versions order by version") == ["cut", "whole"]


def test_an_item_of_two_feeds_is_what_the_first_of_them_says(store: Store) -> None:
    for n in range(3):
        store.commit(a_poll([a_post("feed:1", text="first")], source=PRESS, when=at(2 + n)))
        store.commit(a_poll([a_post("feed:1", text="other")], source=BLOG, when=at(2.5 + n)))
    assert store.column("select text from post_versions") == ["first"]
    store.commit(a_poll([a_post("feed:1", text="edited")], source=PRESS, when=at(9)))
    assert store.post("feed:1")["text"] == "edited"


def test_in_one_group_the_networks_word_goes_before_a_feeds(store: Store) -> None:
    native, item = post_id("1"), "feed:1"
    store.commit(
        a_poll([a_post(item, text="cut")], source=PRESS),
        a_poll([a_post(native, text="whole", aliases=(item,))], source=THREAD),
    )
    assert store.one("select post_id, text from posts") == {"post_id": native, "text": "whole"}


def test_edges_once_known_are_not_forgotten(store: Store) -> None:
    edges = {name: post_id(name) for name in ("reply_to_id", "root_id", "quoted_id")}
    store.commit(a_poll([a_post("1", **edges)], when=at(2)))
    store.commit(a_poll([a_post("1", text="edited")], when=at(3)))
    row = store.post("1")
    assert {name: row[name] for name in edges} == edges


# Gone, hidden, erased.


def test_a_deleted_post_loses_its_words_and_nothing_else(store: Store) -> None:
    post = a_post(
        "1", title="Title", author_name="Ann", text="Acme round", reply_to_id=post_id("0")
    )
    store.commit(a_poll([post], when=at(2)))
    before = store.content()
    store.commit(a_poll(removed=[post_id("1")], when=at(3)))
    row = store.post("1")
    assert (row["text"], row["title"], row["author_name"]) == (None, None, None)
    assert (row["state"], row["deleted_at"]) == ("deleted", at(3) + timedelta(seconds=1))
    assert (row["author_id"], row["reply_to_id"]) == (post.author_id, post_id("0"))
    after = store.content()
    assert after["reactions"] == before["reactions"] != []
    assert after["mentions"] == before["mentions"] != []
    assert store.column("select state from post_versions order by version") == ["live", "deleted"]


def test_a_post_that_is_served_again_lives_again(store: Store) -> None:
    store.commit(a_poll([a_post("1", text="here")], when=at(2)))
    store.commit(a_poll(removed=[post_id("1")], when=at(3)))
    store.commit(a_poll(removed=[post_id("1")], when=at(4)))
    assert store.writer.memory("s").live() == {}
    store.commit(a_poll([a_post("1", text="here")], when=at(5)))
    row = store.post("1")
    assert (row["state"], row["deleted_at"], row["text"]) == ("live", None, "here")
    states = store.column("select state from post_versions order by version")
    assert states == ["live", "deleted", "live"]


def test_shown_and_removed_within_one_group_the_last_word_counts(store: Store) -> None:
    store.commit(
        a_poll([a_post("1", text="Acme has a round")], source=SEARCH),
        a_poll(removed=[post_id("1")], source=THREAD),
    )
    assert store.post("1")["state"] == "deleted"
    assert store.relations() == {"1": "mention"}
    store.commit(
        a_poll(removed=[post_id("1")], source=THREAD, when=at(3)),
        a_poll([a_post("1", text="Acme has a round")], source=SEARCH, when=at(3)),
    )
    assert store.post("1")["state"] == "live"


def test_a_removal_of_what_nobody_showed_is_no_post(store: Store) -> None:
    store.commit(a_poll(removed=[post_id("1")]))
    assert store.column("select count(*) from posts") == [0]


def test_only_the_thread_says_what_its_announcer_hides(store: Store) -> None:
    hidden, live = a_post("1", state=PostState.HIDDEN), a_post("1")
    store.commit(a_poll([live], source=SEARCH, when=at(2)))
    for n in range(3):
        store.commit(a_poll([hidden], source=THREAD, when=at(3 + n)))
        store.commit(a_poll([live], source=SEARCH, when=at(3.5 + n)))
    assert store.column("select state from post_versions order by version") == ["live", "hidden"]
    assert store.post("1")["text"] == "I am 1"
    store.commit(a_poll([live], source=THREAD, when=at(9)))
    assert store.post("1")["state"] == "live"


def test_what_was_erased_never_comes_back(store: Store) -> None:
    store.commit(a_poll([a_post("1", text="forget me")], when=at(2)))
    cursor = store.database.cursor()
    cursor.execute("update base.posts set state = 'erased', text = null, author_name = null")
    cursor.execute("update base.versions set state = 'erased', text = null, author_name = null")
    cursor.close()
    for source in (THREAD, SEARCH, PRESS):
        store.commit(a_poll([a_post("1", text="forget me not")], source=source, when=at(3)))
    store.commit(a_poll(removed=[post_id("1")], when=at(4)))
    row = store.post("1")
    assert (row["state"], row["text"]) == ("erased", None)
    assert store.column("select count(*) from post_versions where text is not null") == [0]


def test_every_source_knows_what_is_live_of_what_it_has_shown(store: Store) -> None:
    """Else a second source that shows a known post would never notice its deletion."""
    store.commit(a_poll([a_post("1"), a_post("2")], source=SEARCH, when=at(2)))
    store.writer.memory("thread")
    store.commit(a_poll([a_post("1")], source=THREAD, when=at(3)))
    assert set(store.writer.memory("thread").live()) == {post_id("1")}
    store.commit(a_poll(removed=[post_id("1")], source=SEARCH, when=at(4)))
    assert set(store.writer.memory("thread").live()) == set()
    assert store.writer.memory("thread").seen([post_id("1"), post_id("2")]) == {post_id("1")}
    store.restart()
    assert set(store.writer.memory("search").live()) == {post_id("2")}


# Counters and claims.


def counters(store: Store) -> list[tuple[datetime, int | None]]:
    rows = store.rows("select observed_at, likes from engagement order by observed_at")
    return [(row["observed_at"], row["likes"]) for row in rows]


@pytest.mark.parametrize("restarts", [False, True])
def test_counters_are_written_when_they_change_or_after_six_hours(
    store: Store, restarts: bool
) -> None:
    looks = [(2, 5), (3, 5), (4, 6), (5, None), (6, 6), (9.9, 6), (10.1, 6), (11, 6), (12, 5)]
    for hour, likes in looks:
        shown = Engagement(post_id=post_id("1"), likes=likes)
        store.commit(a_poll([a_post("1")], when=at(hour), seconds=0, engagement=[shown]))
        if restarts:
            store.restart()
    assert counters(store) == [(at(2), 5), (at(4), 6), (at(10.1), 6), (at(12), 5)]
    assert store.column("select likes from base.engagement_last") == [5]


def test_counters_of_two_sources_stand_apart(store: Store) -> None:
    for source, likes in ((THREAD, 5), (SEARCH, 4), (THREAD, 5), (SEARCH, 4)):
        shown = Engagement(post_id=post_id("1"), likes=likes)
        store.commit(a_poll([a_post("1")], source=source, engagement=[shown]))
    rows = store.rows("select source_id, likes from engagement order by source_id")
    assert [tuple(row.values()) for row in rows] == [("search", 4), ("thread", 5)]


def test_a_poll_that_shows_a_post_twice_counts_it_once(store: Store) -> None:
    shown = [Engagement(post_id=post_id("1"), likes=likes) for likes in (1, 2)]
    store.commit(a_poll([a_post("1"), a_post("1")], engagement=shown))
    assert [likes for _, likes in counters(store)] == [2]


def test_what_is_not_published_is_unknown_and_never_zero(store: Store) -> None:
    shown = [Engagement(post_id=post_id("1"), likes=0)]
    store.commit(a_poll([a_post("1")], engagement=shown))
    row = store.one("from engagement")
    assert (row["likes"], row["views"], row["reposts"]) == (0, None, None)


def test_claims_are_written_when_they_change_or_after_six_hours(store: Store) -> None:
    for hour, claimed in [(2, 5), (3, 5), (4, 6), (9, 6), (10.5, 6)]:
        claims = [Claim(post_id("1"), claimed, "direct"), Claim(post_id("1"), 9, "tree")]
        store.commit(a_poll([a_post("1")], when=at(hour), seconds=0, claims=claims))
    rows = store.rows("select observed_at, claimed from claims where scope = 'direct' order by 1")
    assert [(row["observed_at"], row["claimed"]) for row in rows] == [
        (at(2), 5), (at(4), 6), (at(10.5), 6),
    ]  # fmt: skip
    assert store.column("select count(*) from claims where scope = 'tree'") == [2]


# Polls.


def test_an_unchanged_poll_writes_its_row_and_nothing_else(store: Store) -> None:
    store.commit(a_poll([a_post("1")], complete=True, when=at(2)))
    before = store.everything()
    store.commit(a_poll(outcome=Outcome.UNCHANGED, unchanged=True, when=at(3)))
    after = store.everything()
    assert {t for t in after if after[t] != before[t]} == {"base.polls", "base.sources"}
    assert store.column("select outcome from polls order by poll_id") == ["ok", "unchanged"]


def test_sightings_say_when_a_source_showed_a_post_first_and_last(store: Store) -> None:
    for minutes in range(0, 150, 10):
        moment = T0 + timedelta(minutes=minutes)
        store.commit(a_poll([a_post("1")], when=moment, seconds=0))
    row = store.one("from sightings")
    assert row["first_at"] == T0
    assert timedelta(hours=1) <= row["last_at"] - T0 <= timedelta(minutes=140)


def test_the_posts_that_a_poll_was_first_to_show_are_counted(store: Store) -> None:
    first = a_poll([a_post("1"), a_post("2")], source=THREAD)
    second = a_poll([a_post("2"), a_post("3")], source=SEARCH)
    assert store.commit(first, second) == [2, 1]
    rows = store.rows("select posts_seen, posts_new from polls order by poll_id")
    assert [tuple(row.values()) for row in rows] == [(2, 2), (2, 1)]


def test_an_error_half_way_keeps_what_was_read(store: Store) -> None:
    error = Unreachable("https://example.org: the connection\nwas lost")
    store.commit(a_poll([a_post("1")], error=error, state={"page": 1}))
    assert store.column("select post_id from posts") == [post_id("1")]
    row = store.one("select outcome, error from polls")
    assert row == {"outcome": "error", "error": "https://example.org: the connection was lost"}
    assert store.column("select count(*) from base.cursors") == [0]


def test_the_last_answer_that_did_not_fit_is_kept(store: Store) -> None:
    for n in range(2):
        error = BadAnswer("no JSON", url="https://example.org/", payload=b"<html>%d" % n)
        store.commit(a_poll(error=error, when=at(2 + n)))
    store.commit(a_poll([a_post("1")], when=at(5)))
    row = store.one("from base.payloads")
    assert (row["payload"], row["url"], row["poll_id"]) == (b"<html>1", "https://example.org/", 2)


def test_what_a_collector_wants_to_find_again_is_there_after_a_restart(store: Store) -> None:
    store.commit(a_poll(state={"page": 3, "name": "é"}))
    store.restart()
    assert store.writer.entries["s"].cursor == {"page": 3, "name": "é"}


def test_found_sources_serve_whom_their_finders_serve(store: Store) -> None:
    one = THREAD.find(SourceKind.THREAD, "https://bsky.app/profile/did:plc:ann/post/2")
    store.commit(a_poll(found=[one]))
    entry = store.writer.entries[one.source_id]
    assert (entry.state, entry.source.origin) == ("active", "found")
    store.restart()
    assert store.writer.entries[one.source_id].source == one


def test_a_found_source_that_nobody_can_read_is_unavailable_and_a_gap(store: Store) -> None:
    store.writer.can_poll = lambda source: source.network != "mastodon"
    found = THREAD.find(SourceKind.THREAD, "https://social.example/@ann/1", network="mastodon")
    store.commit(a_poll(found=[found]))
    entry = store.writer.entries[found.source_id]
    assert (entry.state, entry.next_at) == ("unavailable", None)
    gap = store.one("from gaps where source_id = ? and gap_id > 0", found.source_id)
    assert (gap["reason"], gap["ended_at"]) == ("access", None)


def test_a_source_that_is_gone_for_good_is_not_polled_again(store: Store) -> None:
    store.commit(a_poll(retire=True))
    assert (store.writer.entries["s"].state, store.writer.entries["s"].next_at) == ("retired", None)
    store.restart()
    assert store.writer.entries["s"].state == "retired"


def test_a_file_is_picked_up_where_it_was_left(tmp_path: Path, config: Config) -> None:
    path = tmp_path / "monitor.duckdb"
    with Database.open(path) as database, a_store(database, config, THREAD) as store:
        store.commit(a_poll([a_post("1")], source=THREAD))
    with Database.open(path) as database, a_store(database, config, THREAD, empty=False) as store:
        store.commit(a_poll([a_post("1"), a_post("2")], source=THREAD, when=at(3)))
        assert store.problems() == []
        assert store.column("select count(*) from posts") == [2]
