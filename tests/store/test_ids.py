"""Many ids, one post: whoever names it, and whenever it turns out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.config import Config
from monitor.identity import link_id
from monitor.store.database import Database
from monitor.types import Claim, Engagement, Gap, GapReason, SourceKind
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

THREAD = a_source("thread")
PRESS = a_source("press", "feed", SourceKind.FEED, "https://press.example/rss")
BLOG = a_source("blog", "feed", SourceKind.FEED, "https://blog.example/rss")
ITEM = "feed:item"
NATIVE = post_id("1")


@pytest.fixture
def store(database: Database, config: Config) -> Iterator[Store]:
    with a_store(database, config, THREAD, PRESS, BLOG) as made:
        yield made
        assert made.problems() == []


def in_feed(**more: object):
    return a_poll([a_post(ITEM, text="Acme has a round")], source=PRESS, **more)


def at_home(**more: object):
    post = a_post(NATIVE, text="Acme has a round", aliases=(ITEM,))
    return a_poll([post], source=THREAD, **more)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("order", ["feed first", "network first", "named before", "unknown tie"])
def test_a_feeds_item_that_is_a_native_post_bears_the_native_id(
    store: Store, order: str, restarts: bool
) -> None:
    polls = [in_feed(when=at(2)), at_home(when=at(3)), in_feed(when=at(4)), at_home(when=at(5))]
    if order == "network first":
        polls.reverse()
    if order == "named before":  # both ids are edges before anyone shows the post
        answers = [a_post("2", reply_to_id=ITEM), a_post("3", reply_to_id=NATIVE)]
        polls.insert(0, a_poll(answers, source=THREAD, when=at(1)))
    if order == "unknown tie":  # two posts, until the network says that they are one
        plain = a_poll([a_post(NATIVE, text="Acme has a round")], source=THREAD, when=at(1))
        polls.insert(0, plain)
    for poll in polls:
        store.commit(poll)
        if restarts:
            store.restart()
    assert store.column("select post_id from posts where text like 'Acme%'") == [NATIVE]
    assert store.column("select network from posts where text like 'Acme%'") == ["bluesky"]
    assert store.relations()["1"] == "mention"
    sightings = store.column("select source_id from sightings where post_id = ? order by 1", NATIVE)
    assert sightings == ["press", "thread"]
    if order == "named before":
        parents = store.column("select reply_to_id from posts where post_id <> ?", NATIVE)
        assert parents == [NATIVE, NATIVE]


def test_what_hung_on_either_id_hangs_on_the_post(store: Store) -> None:
    shown = Engagement(post_id=ITEM, likes=1)
    gap = Gap(reason=GapReason.HIDDEN, post_id=ITEM, missing=1)
    store.commit(in_feed(engagement=[shown], claims=[Claim(ITEM, 2, "direct")], gaps=[gap]))
    store.commit(a_poll([a_post(NATIVE), a_post("2", reply_to_id=NATIVE)], source=THREAD))
    store.commit(a_poll([a_post("3", reply_to_id=ITEM, quoted_id=ITEM)], source=THREAD))
    store.commit(at_home(when=at(4)))
    assert store.column("select post_id from engagement") == [NATIVE]
    assert store.column("select post_id from claims") == [NATIVE]
    assert store.column("select post_id from gaps where missing = 1") == [NATIVE]
    edges = store.rows("select reply_to_id, quoted_id from posts where post_id = ?", post_id("3"))
    assert edges == [{"reply_to_id": NATIVE, "quoted_id": NATIVE}]


def test_the_first_to_see_it_saw_it_first(store: Store) -> None:
    store.commit(in_feed(when=at(2), seconds=0))
    store.commit(a_poll([a_post(NATIVE, claimed_at=None)], source=THREAD, when=at(3), seconds=0))
    store.commit(at_home(when=at(4)))
    row = store.post(NATIVE)
    assert (row["first_seen_at"], row["source_id"]) == (at(2), "press")
    assert row["created_at"] == at(2)


def test_two_native_posts_stay_two_whatever_link_they_share(store: Store) -> None:
    """A comment's address may be that of the page that it stands on."""
    for restarts in (False, True):
        for n in ("1", "2"):
            store.commit(a_poll([a_post(n, aliases=(ITEM,))], source=THREAD))
            if restarts:
                store.restart()
    assert sorted(store.column("select post_id from posts")) == [post_id("1"), post_id("2")]


def test_an_alias_told_again_after_a_restart_is_no_second_id(store: Store) -> None:
    for hour in range(2, 5):
        store.commit(at_home(when=at(hour)))
        store.restart()
    names = store.rows("select post_id, is_alias from base.ids where post_id in (?, ?) order by 1",
                       NATIVE, ITEM)  # fmt: skip
    assert [tuple(row.values()) for row in names] == [(NATIVE, False), (ITEM, True)]


def test_sources_remember_a_renamed_post_by_all_its_names(store: Store) -> None:
    store.commit(in_feed())
    store.commit(at_home(when=at(3)))
    assert store.writer.memory("press").seen([ITEM, NATIVE, "feed:other"]) == {ITEM, NATIVE}
    assert set(store.writer.memory("press").live()) == {NATIVE}
    store.commit(in_feed(when=at(4)))
    assert store.column("select count(*) from sightings") == [2]


def test_a_reaction_of_a_feed_item_is_that_of_the_native_post(store: Store) -> None:
    store.commit(in_feed(), a_poll([a_post("2", reply_to_id=ITEM)], source=PRESS))
    store.commit(a_poll([a_post(NATIVE, text="Acme has a round")], source=THREAD))
    before = store.relations()
    store.commit(at_home(when=at(4)))
    assert before == {"1": "mention", "feed:item": "mention"}
    assert store.relations() == {"1": "mention"}


def test_a_quote_of_the_announcement_by_its_link_is_a_quote(store: Store) -> None:
    item = "feed:announcement"
    store.commit(
        a_poll([a_post("2", quoted_id=item), a_post("3", reply_to_id=post_id("2"))], source=THREAD)
    )
    assert store.relations() == {}
    store.commit(a_poll([a_post(ANNOUNCED, aliases=(item,))], source=THREAD, when=at(3)))
    assert store.relations() == {"1": "announcement", "2": "quote", "3": "reply"}


def test_the_account_of_a_post_is_one_of_its_own_network(store: Store) -> None:
    own = {"author_id": None, "author_handle": "acme.example", "text": "well"}
    store.commit(a_poll([a_post(ITEM, **own)], source=PRESS))
    assert store.column("select count(*) from company_mentions") == [0]
    store.commit(a_poll([a_post("9", aliases=(ITEM,), **own)], source=BLOG, when=at(3)))
    assert store.column("select post_id from company_mentions") == [post_id("9")]


# Announcements.


HANDLE = "https://bsky.app/profile/acme.example/post/9"
PAGE = "https://www.acme.example/news/round/?utm_source=x"
RESOLVED = "bluesky:at://did:plc:acme/app.bsky.feed.post/9"


def announced(folder: Path, *urls: str) -> Config:
    toml = ACME.partition("announcements =")[0] + f"announcements = {list(urls)!r}\n"
    return configured(folder, toml.replace("'", '"'))


def test_an_announcement_whose_id_must_be_asked_for_counts_from_then_on(
    database: Database, tmp_path: Path
) -> None:
    config = announced(tmp_path, HANDLE)
    source = a_source("root", target=HANDLE)
    with a_store(database, config, source) as store:
        assert store.one("from announcements")["post_id"] is None
        answer = a_post("2", reply_to_id=RESOLVED, text="no words of it")
        store.commit(a_poll([answer], source=source))
        assert store.relations() == {}
        store.commit(a_poll([a_post(RESOLVED)], source=source, resolved=RESOLVED, when=at(3)))
        assert store.relations() == {"9": "announcement", "2": "reply"}
        row = store.one("from announcements")
        assert (row["post_id"], row["network"], row["url"]) == (RESOLVED, "bluesky", HANDLE)
        store.restart()
        assert store.one("from announcements")["post_id"] == RESOLVED
        assert store.relations() == {"9": "announcement", "2": "reply"}
        assert store.problems() == []


def test_one_source_resolves_all_addresses_that_mean_it(database: Database, tmp_path: Path) -> None:
    plain = "https://acme.example/news/round"
    config = announced(tmp_path, PAGE, plain)
    source = a_source("page", "feed", SourceKind.PAGE, PAGE)
    native = "wordpress:acme.example/post/7"
    with a_store(database, config, source) as store:
        assert set(store.column("select post_id from announcements")) == {link_id(plain)}
        answer = a_post("wordpress:acme.example/comment/8", reply_to_id=native, text="well")
        store.commit(a_poll([answer], source=source, resolved=native))
        assert store.column("select post_id from announcements") == [native, native]
        assert store.relations() == {"8": "reply"}
        assert store.problems() == []


def test_ids_that_have_left_the_cache_are_the_same_posts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.store.ids._CACHE_LIMIT", 4)
    for again in range(2):
        for n in range(12):
            post = a_post(str(n + 2), reply_to_id=post_id(str(n + 1)), aliases=(f"feed:{n}",))
            store.commit(a_poll([post], source=THREAD, when=at(2 + n + 12 * again)))
    assert store.one("select count(*) as n from posts")["n"] == 12
    counted = "select count(distinct post_key) as n from base.ids"
    assert store.one(counted)["n"] == 12 + 2, "the first's parent, the announcement"
    assert store.one("select count(*) as n from base.ids where is_alias")["n"] == 12
