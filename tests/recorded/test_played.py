"""What a real daemon stored of what real servers answered, before and after their posts changed.

`truth.json` was written by those who wrote the posts, edits and deletions that were recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.session import Session, connect
from monitor.store.verify import verify
from tests.recorded.play import EVENT, RECORDED, Ended, play

TRUTH = json.loads((RECORDED / "truth.json").read_text("utf8"))


@dataclass(frozen=True)
class Played:
    """A play that has ended, and its database."""

    ended: Ended
    session: Session

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return self.session.query(sql, list(params)).rows()

    def column(self, sql: str) -> set[Any]:
        return {row[0] for row in self.rows(sql)}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    ended = play(tmp_path_factory.mktemp("played"))
    with connect(ended.config) as session:
        yield Played(ended, session)


def test_every_request_was_answered(played: Played) -> None:
    assert {name: asked for name, asked in played.ended.unanswered.items() if asked} == {}


def test_no_source_failed(played: Played) -> None:
    assert played.rows("select source_id, error from polls where error is not null") == []
    states = played.column("select last_outcome from source_status where state = 'active'")
    assert states
    assert states <= {"ok", "unchanged"}


def test_the_daemon_ended_when_it_was_asked_to(played: Played) -> None:
    assert played.ended.code == 0
    assert played.session.live is False


def test_the_store_keeps_its_promises(played: Played) -> None:
    assert verify(played.session.query) == []


def test_every_bluesky_post_that_can_be_seen_is_stored(played: Played) -> None:
    truth = TRUTH["bluesky"]
    stored = played.column("select post_id from posts where network = 'bluesky'")
    seen = {one.removeprefix("bluesky:") for one in stored}
    assert set(truth["stored"]) <= seen
    assert seen <= {*truth["stored"], *truth["perhaps"]}
    assert not seen & set(truth["never"])
    for state in ("deleted", "hidden"):
        found = played.column(
            f"select post_id from posts where network = 'bluesky' and state = '{state}'"
        )
        assert found == {f"bluesky:{uri}" for uri in truth[state]}


def test_every_wordpress_post_and_comment_is_stored(played: Played) -> None:
    truth = TRUTH["wordpress"]
    stored = played.column(
        "select regexp_extract(post_id, '[a-z]+/\\d+$') from posts where network = 'wordpress'"
    )
    comments = {*truth["comments_first"], *truth["comments_added"], truth["late"]}
    assert stored == {
        *(f"post/{number}" for number in truth["posts"]),
        *(f"comment/{number}" for number in comments),
    }
    deleted = played.column(
        "select post_id from posts where network = 'wordpress' and state = 'deleted'"
    )
    assert [one.rpartition("/")[2] for one in deleted] == [str(truth["trashed"])]


def test_every_isso_comment_is_stored(played: Played) -> None:
    stored = played.column(
        "select regexp_extract(post_id, '\\d+$')::int from posts where network = 'isso'"
    )
    assert stored == {*TRUTH["isso"]["first"], *TRUTH["isso"]["added"]}


def test_deleted_posts_lost_their_words_and_count_on(played: Played) -> None:
    rows = played.rows(
        "select text, author_name, deleted_at is not null from posts where state = 'deleted'"
    )
    assert len(rows) == len(TRUTH["bluesky"]["deleted"]) + 1
    assert set(rows) == {(None, None, True)}
    ((counted,),) = played.rows(
        "select count(*) from reactions join posts using (post_id) where state = 'deleted'"
    )
    assert counted == len(rows)


def test_the_edit_is_a_second_version(played: Played) -> None:
    truth = TRUTH["wordpress"]
    texts = played.rows(
        "select version, text from post_versions where post_id like ? order by version",
        f"wordpress:%/comment/{truth['edited']}",
    )
    assert [version for version, _ in texts] == [1, 2]
    assert texts[1][1] == truth["edited_text"] != texts[0][1]
    edited = played.column(
        "with versions as ("
        " select post_id, text, lag(text) over (partition by post_id order by version) as earlier"
        " from post_versions) "
        "select post_id from versions where text <> earlier"
    )
    assert [one.rpartition("/")[2] for one in edited] == [str(truth["edited"])]


def test_the_late_approval_stands_at_its_old_date(played: Played) -> None:
    truth = TRUTH["wordpress"]
    ((created, first_seen, clock),) = played.rows(
        "select created_at, first_seen_at, clock from posts where post_id like ?",
        f"wordpress:%/comment/{truth['late']}",
    )
    late = datetime.fromisoformat(truth["late_gmt"]).astimezone(UTC).replace(tzinfo=None)
    assert created == late + moved(played)
    assert clock != "first_seen"
    assert first_seen > created + timedelta(hours=3)


def test_the_second_phase_was_seen_after_the_first(played: Played) -> None:
    added = [f"bluesky:{uri}" for uri in TRUTH["bluesky"]["added"]]
    ((first, second),) = played.rows(
        "select max(first_seen_at) filter (not added), min(first_seen_at) filter (added) from ("
        " select first_seen_at, list_contains(?, post_id) as added from posts"
        " where network = 'bluesky')",
        added,
    )
    assert first < second


def test_it_happens_within_the_last_hours(played: Played) -> None:
    ((newest, announced, now),) = played.rows(
        "select max(p.created_at), any_value(e.announced_at), max(p.first_seen_at) "
        "from posts as p, events as e where p.state = 'live'"
    )
    assert announced < newest < now
    assert now - newest < timedelta(hours=1, minutes=5)
    assert newest - announced == pytest.approx(timedelta(hours=6), abs=timedelta(minutes=10))


def test_all_replies_are_reactions(played: Played) -> None:
    relations = dict(
        played.rows(
            "select network, count(*) from reactions join posts using (post_id) "
            "where relation = 'reply' group by all"
        )
    )
    assert relations["isso"] == 17
    # On the article: all that are stored, but for the comment on another post.
    truth = TRUTH["wordpress"]
    assert relations["wordpress"] == (
        len(truth["comments_first"]) - 1 + len(truth["comments_added"]) + 1
    )


def test_the_hours_count_every_reaction(played: Played) -> None:
    ((counted, reactions),) = played.rows(
        "select (select sum(posts) from event_series(?, '1h')),"
        " (select count(*) from reactions where relation <> 'announcement')",
        EVENT,
    )
    assert counted == reactions > 0


def moved(played: Played) -> timedelta:
    """By how much the times were moved; whole hours."""
    event = json.loads((RECORDED / "event.json").read_text("utf8"))
    (ours,) = played.ended.config.events
    span = ours.announced_at - datetime.fromisoformat(event["announced_at"])
    assert span % timedelta(hours=1) == timedelta(0)
    return span
