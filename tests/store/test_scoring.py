"""The queue in the store: what waits, what stands after a look, whatever happens between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config import Config
from monitor.enrich.score import Scorer
from monitor.schedule.scoring import Queue, score_all
from monitor.store.database import Database
from monitor.types import PostState
from tests.enrich.built import Known, Picky
from tests.world import ACME, ANNOUNCED, Store, a_poll, a_post, a_source, a_store, at, configured

SCORER = Scorer(Known(), Picky())
OWN = {"author_id": "bluesky:did:plc:acme", "author_handle": "acme.example"}


@pytest.fixture
def store(database: Database, config: Config) -> Iterator[Store]:
    with a_store(database, config) as opened:
        yield opened


def score(store: Store, scorer: Scorer = SCORER) -> int:
    """Score all that waits, as after a start; how many posts were looked at."""
    looked = 0
    queue = Queue(store.database, store.writer, scorer)
    while batch := queue.take():
        looked += len(batch)
        store.writer.keep_scores(scorer.score(batch), scorer.engine, scorer.model)
    queue.close()
    return looked


def moods(store: Store) -> dict[str, str]:
    rows = store.rows("select post_id, label from sentiment order by post_id")
    return {row["post_id"].rpartition("/")[2]: row["label"] for row in rows}


def languages(store: Store) -> dict[str, str | None]:
    rows = store.rows("select post_id, language from posts order by post_id")
    return {row["post_id"].rpartition("/")[2]: row["language"] for row in rows}


def test_a_post_is_looked_at_once_and_again_when_its_text_changes(store: Store) -> None:
    store.commit(a_poll([a_post("a", text="en! good"), a_post("b", text="ja! ok"), a_post("c")]))
    assert score(store) == 3
    assert score(store) == 0
    assert moods(store) == {"a": "positive"}
    row = store.post("a")
    assert (row["language"], row["language_confidence"]) == ("en", 0.95)
    store.commit(a_poll([a_post("a", text="en! bad")], when=at(3)))
    assert moods(store) == {"a": "positive"}  # until it is looked at
    assert score(store) == 1
    assert moods(store) == {"a": "negative"}
    assert store.rows("select count(*) as n from base.sentiment")[0]["n"] == 2  # as of then, too


def test_more_likes_or_followers_are_no_new_content(store: Store) -> None:
    store.commit(a_poll([a_post("a", text="en! good", author_followers=5)]))
    score(store)
    store.commit(a_poll([a_post("a", text="en! good", author_followers=6)], when=at(3)))
    assert score(store) == 0


def test_another_model_or_engine_looks_at_everything_and_stands_beside(store: Store) -> None:
    class Newer(Picky):
        version = "2"

    store.commit(a_poll([a_post("a", text="en! good")]))
    score(store)
    assert score(store, Scorer(Known(), Newer())) == 1
    assert set(store.column("select model from sentiment")) == {"picky-1", "picky-2"}
    assert score(store) == 0


def test_what_has_no_mood_has_no_row(store: Store) -> None:
    store.commit(
        a_poll([
            a_post(ANNOUNCED, text="en! good funding", **OWN),
            a_post("own", text="en! good", reply_to_id=ANNOUNCED, **OWN),
            a_post("reply", text="en! bad", reply_to_id=ANNOUNCED),
            a_post("other", text="fr! bad"),
            a_post("empty", text=None),
            a_post("gone", text="en! bad"),
        ])
    )  # fmt: skip
    score(store)
    assert moods(store) == {"reply": "negative", "gone": "negative"}
    store.commit(a_poll(removed=["bluesky:at://did:plc:ann/app.bsky.feed.post/gone"], when=at(3)))
    assert moods(store) == {"reply": "negative"}
    assert store.post("gone")["state"] == PostState.DELETED


def test_an_account_that_becomes_the_companys_own_loses_its_mood(
    database: Database, config: Config, tmp_path: Path
) -> None:
    late = configured(tmp_path, ACME.replace('"bluesky:acme.example"', '"bluesky:ann.example"'))
    with a_store(database, config) as store:
        store.commit(a_poll([a_post("a", text="en! good Acme")]))
        score(store)
        assert moods(store) == {"a": "positive"}
        store.restart(late)
        assert moods(store) == {}
        store.restart(config)
        assert moods(store) == {"a": "positive"}


def test_the_series_count_what_is_scored(store: Store) -> None:
    texts = ["en! good", "en! bad", "en! bad", "fr! bad"]
    replies = [
        a_post(f"r{n}", text=text, reply_to_id=ANNOUNCED, claimed_at=at(1.1))
        for n, text in enumerate(texts)
    ]
    announced = a_post(ANNOUNCED, text="en! good", **OWN)
    store.commit(a_poll([announced, *replies], complete=True))
    score(store)
    row = store.one(
        "from sentiment_series('acme-a', '1h') where bucket_start_utc = '2026-02-12 19:00'"
    )
    assert row["sentiment_model"] == "picky-1"
    assert row["sentiment_n"] == 3
    assert row["sentiment_mean"] == pytest.approx((0.7 - 0.7 - 0.7) / 3)
    assert row["negative_share"] == pytest.approx(2 / 3)
    assert row["sentiment_low"] is None
    (summary,) = store.rows("select languages from event_summary('acme-a')")
    assert '"en":3' in summary["languages"].replace(" ", "")


def test_a_parent_that_comes_later_changes_its_children(store: Store) -> None:
    parent = "bluesky:at://did:plc:ann/app.bsky.feed.post/parent"
    store.commit(a_poll([a_post("child", text="nl? ok", reply_to_id=parent)]))
    score(store)
    assert languages(store)["child"] == "nl"
    queue = Queue(store.database, store.writer, SCORER)  # of a daemon that goes on running
    store.commit(a_poll([a_post("parent", text="de! lang genug")], when=at(3)))
    score_all(queue, store.writer, SCORER)
    queue.close()
    assert languages(store)["child"] == "de"
    store.commit(a_poll([a_post("parent", text="fr! lang genug")], when=at(4)))
    score(store)
    assert languages(store)["child"] == "fr"


TEXTS = ("en! good", "de! bad", "nl? ok", "fr? ok", "es? ok")
THREADS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(TEXTS)), min_size=2, max_size=6)


@given(THREADS, st.randoms(use_true_random=False), st.booleans())
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_languages_do_not_depend_on_the_order_of_arrival(
    database: Database, config: Config, thread: list[tuple[int, str]], rng: object, between: bool
) -> None:
    posts = [
        a_post(f"p{n}", text=text, reply_to_id=f"bluesky:at://did:plc:ann/app.bsky.feed.post/p{to}")
        for n, (to, text) in enumerate(thread)
    ]
    found = []
    for again in range(2):
        order = list(posts)
        if again:
            rng.shuffle(order)  # type: ignore[attr-defined]
        with a_store(database, config, a_source(), a_source("t")) as store:
            for n, post in enumerate(order):
                store.commit(a_poll([post], when=at(2 + n)))
                if between and again:
                    score(store)
            score(store)
            found.append((languages(store), moods(store)))
    assert found[0] == found[1]
