"""Reactions and streams follow what is known, whenever it becomes known."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from monitor.store.database import Database
from monitor.types import SourceKind
from tests.world import (
    ACME,
    ANNOUNCED,
    ANNOUNCEMENT,
    Store,
    a_poll,
    a_post,
    a_source,
    a_store,
    at,
    configured,
    post_id,
)

ROOT = a_source()
OWN = a_source("own", "feed", SourceKind.FEED, "https://acme.example/news.xml", origin="company")
PRESS = a_source("press", "feed", SourceKind.FEED, "https://press.example/rss", origin="config")
SECOND = """
[[event]]
id = "acme-b"
company = "acme"
announced_at = 2026-02-12T18:00:00Z
terms = ["robot"]
announcements = ["https://acme.example/robot"]
"""


@pytest.fixture
def store(database: Database, tmp_path: Path) -> Iterator[Store]:
    with a_store(database, configured(tmp_path, ACME), ROOT, OWN, PRESS) as made:
        yield made
        assert made.problems() == []


def acme(**more: object):
    return a_post(ANNOUNCED, author_id="bluesky:did:plc:acme", author_handle="acme.example", **more)


def streams(store: Store) -> list[str]:
    rows = store.column("select post_id from company_mentions order by post_id")
    return [row.rpartition("/")[2] for row in rows]


def test_each_post_has_the_relation_that_goes_before_the_others(store: Store) -> None:
    mention = "Acme has a round"
    store.commit(
        a_poll([
            acme(text=mention),
            a_post("reply", text=mention, reply_to_id=ANNOUNCED, quoted_id=ANNOUNCED),
            a_post("quote", text=mention, quoted_id=ANNOUNCED, links=(ANNOUNCEMENT,)),
            a_post("link", text=mention, links=(ANNOUNCEMENT + "/?utm_source=x#top",)),
            a_post("mention", text=mention),
            a_post("deep", reply_to_id=post_id("reply")),
            a_post("under-quote", reply_to_id=post_id("quote")),
            a_post("under-link", reply_to_id=post_id("link")),
            a_post("under-mention", reply_to_id=post_id("mention")),
            a_post("early", text=mention, claimed_at=at(-1)),
            a_post("off", text="Acme has a picnic"),
            a_post("bakery", text="Acme Bakery has a round"),
        ]),
        a_poll([a_post("feed:press", text=mention, is_article=True)], source=PRESS),
        a_poll([a_post("feed:own", text=mention, is_article=True)], source=OWN),
        a_poll([a_post("feed:under-press", reply_to_id="feed:press")], source=PRESS),
    )  # fmt: skip
    assert store.relations() == {
        "1": "announcement", "reply": "reply", "quote": "quote", "link": "link",
        "mention": "mention", "deep": "reply", "under-quote": "reply", "under-link": "reply",
        "feed:press": "press", "feed:own": "mention", "feed:under-press": "reply",
    }  # fmt: skip
    depth = dict(store.database.query("select post_id, depth from reactions").rows())
    assert depth[post_id("deep")] == 2
    assert depth[post_id("under-quote")] == 1


CHAIN = [
    acme(text="hello"),
    a_post("a", reply_to_id=ANNOUNCED, root_id=ANNOUNCED, text="one"),
    a_post("b", reply_to_id=post_id("a"), root_id=ANNOUNCED, text="two"),
    a_post("c", reply_to_id=post_id("b"), text="three"),
]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::3])
def test_a_reply_may_arrive_before_its_parent(store: Store, order: tuple[int, ...]) -> None:
    for n in order:
        store.commit(a_poll([CHAIN[n]]))
    rows = store.database.query("select post_id, relation, depth from reactions order by 1").rows()
    assert [(row[0].rpartition("/")[2], *row[1:]) for row in rows] == [
        ("1", "announcement", 0), ("a", "reply", 1), ("b", "reply", 2), ("c", "reply", 3),
    ]  # fmt: skip
    assert streams(store) == ["1", "a", "b", "c"]


def test_where_parents_are_hidden_the_root_says_what_a_post_belongs_to(store: Store) -> None:
    hidden = post_id("hidden")
    store.commit(a_poll([a_post("x", reply_to_id=hidden, root_id=ANNOUNCED, text="under it")]))
    assert store.relations() == {"x": "reply"}
    assert store.column("select depth from reactions") == [None]


def test_a_quote_may_become_known_later(store: Store) -> None:
    store.commit(a_poll([a_post("q"), a_post("under", reply_to_id=post_id("q"))]))
    assert store.relations() == {}
    store.commit(a_poll([a_post("q", quoted_id=ANNOUNCED)], when=at(3)))
    assert store.relations() == {"q": "quote", "under": "reply"}


def test_an_edit_moves_what_hangs_on_the_post(store: Store) -> None:
    store.commit(a_poll([a_post("p"), a_post("under", reply_to_id=post_id("p"))]))
    store.commit(a_poll([a_post("p", links=(ANNOUNCEMENT,))], when=at(3)))
    assert store.relations() == {"p": "link", "under": "reply"}
    store.commit(a_poll([a_post("p")], when=at(4)))
    assert store.relations() == {}
    history = store.database.query(
        "select relation, superseded_at is not null from base.reactions order by 1"
    ).rows()
    assert history == [("link", True), ("reply", True)]


def test_threads_of_the_companys_accounts_are_its_stream(store: Store) -> None:
    """Also where a source names parents only, and whether or not they name the company."""
    store.commit(a_poll([a_post("3", reply_to_id=post_id("2"))]))
    store.commit(a_poll([a_post("2", reply_to_id=post_id("top"))]))
    assert streams(store) == []
    own = {"author_id": "bluesky:did:plc:acme", "author_handle": "Acme.Example"}
    store.commit(a_poll([a_post("top", **own)]))
    store.commit(a_poll([a_post("4", reply_to_id=post_id("3"))]))
    store.commit(a_poll([a_post("else"), a_post("guest", reply_to_id=post_id("else"), **own)]))
    assert streams(store) == ["2", "3", "4", "top"]
    assert store.relations() == {}


def test_an_event_may_be_added_after_its_posts(
    database: Database, tmp_path: Path, store: Store
) -> None:
    store.commit(a_poll([
        a_post("m", text="Acme builds a robot"),
        a_post("l", links=("https://www.acme.example/robot/",)),
        a_post("under", reply_to_id=post_id("l")),
        a_post("off", text="Acme builds a house"),
    ]))  # fmt: skip
    assert store.relations("acme-b") == {}
    store.restart(configured(tmp_path, ACME + SECOND))
    assert store.relations("acme-b") == {"m": "mention", "l": "link", "under": "reply"}
    assert store.relations("acme-a") == {}


def test_a_changed_event_is_decided_anew(tmp_path: Path, store: Store) -> None:
    store.commit(a_poll([a_post("m", text="Acme has a round"), a_post("n", text="Acme robots")]))
    assert store.relations() == {"m": "mention"}
    store.restart(configured(tmp_path, ACME.replace("funding OR round", "robots")))
    assert store.relations() == {"n": "mention"}
    store.restart(configured(tmp_path, ACME.replace('terms = ["funding OR round"]', "")))
    assert store.relations() == {"m": "mention", "n": "mention"}


def test_an_announcement_taken_out_leads_nowhere(tmp_path: Path, store: Store) -> None:
    store.commit(a_poll(CHAIN))
    store.restart(configured(tmp_path, ACME.replace(ANNOUNCEMENT, "https://acme.example/news/1")))
    assert store.relations() == {}
    store.restart(configured(tmp_path, ACME))
    assert len(store.relations()) == 4


def test_an_event_taken_out_keeps_its_reactions(tmp_path: Path, store: Store) -> None:
    store.restart(configured(tmp_path, ACME + SECOND))
    store.commit(a_poll([a_post("m", text="Acme builds a robot for a round")]))
    store.restart(configured(tmp_path, ACME))
    assert store.column("select state from events where event_id = 'acme-b'") == ["archived"]
    store.commit(a_poll([a_post("m", text="edited"), a_post("n", text="Acme robot")], when=at(3)))
    assert store.relations("acme-b") == {"m": "mention"}
    assert store.relations("acme-a") == {}
    store.restart(configured(tmp_path, ACME + SECOND))
    assert store.relations("acme-b") == {"n": "mention"}


def test_another_name_or_exclusion_holds_for_what_is_stored(tmp_path: Path, store: Store) -> None:
    posts = [a_post("a", text="Acme round"), a_post("b", text="the Roadrunner round")]
    store.commit(a_poll([*posts, a_post("c", text="Acme round, says Wile")]))
    assert streams(store) == ["a", "c"]
    named = ACME.replace('"Acme Robotics"', '"Roadrunner"')
    store.restart(configured(tmp_path, named))
    assert streams(store) == ["a", "b", "c"]
    assert store.relations() == {"a": "mention", "b": "mention", "c": "mention"}
    store.restart(configured(tmp_path, named.replace('"Acme Bakery"', '"Wile"')))
    assert streams(store) == ["a", "b"]
    assert store.relations() == {"a": "mention", "b": "mention"}


def test_another_account_holds_for_what_is_stored(tmp_path: Path, store: Store) -> None:
    store.commit(a_poll([a_post("top"), a_post("under", reply_to_id=post_id("top"))]))
    assert streams(store) == []
    store.restart(configured(tmp_path, ACME.replace("acme.example", "@Ann.example")))
    assert streams(store) == ["top", "under"]


def test_what_is_deleted_keeps_counting(store: Store) -> None:
    reply = a_post("a", reply_to_id=post_id("0"), root_id=ANNOUNCED, text="one")
    mention = a_post("m", text="Acme has a round")
    store.commit(a_poll([reply, mention]))
    store.commit(a_poll(removed=[reply.post_id, mention.post_id], when=at(3)))
    assert store.relations() == {"a": "reply", "m": "mention"}
    # What is learned of the place of a deleted post later counts as for any other.
    store.commit(a_poll([a_post("0", reply_to_id=ANNOUNCED)], when=at(4)))
    assert store.relations() == {"0": "reply", "a": "reply", "m": "mention"}
    depths = dict(store.database.query("select post_id, depth from reactions").rows())
    assert depths[reply.post_id] == 2


def test_who_reacted_is_known_by_account(tmp_path: Path, store: Store) -> None:
    actor = '\n[[actor]]\nid = "ann"\nname = "Ann"\naccounts = ["bluesky:@Ann.Example"]\n'
    store.restart(configured(tmp_path, ACME + actor + 'roles = { acme = "competitor" }\n'))
    store.commit(a_poll([a_post("m", text="Acme has a round", claimed_at=at(2))]))
    row = store.one("select actor_id, lag_seconds from reactions")
    assert row == {"actor_id": "ann", "lag_seconds": 7200}


def test_not_about_us_is_kept_and_reversible(store: Store) -> None:
    store.commit(a_poll([a_post("m", text="Acme has a round")]))
    assert store.writer.exclude("acme-a", [post_id("m")], undo=False) == 1
    assert store.writer.exclude("acme-a", [post_id("m")], undo=False) == 0
    store.commit(a_poll([a_post("m", text="Acme has a round, edited")], when=at(3)))
    assert store.column("select excluded_by from reactions") == ["user"]
    assert store.writer.exclude("acme-a", [post_id("m")], undo=True) == 1
    assert store.column("select excluded_by from reactions") == [None]


def test_threads_in_a_circle_end(store: Store) -> None:
    """Built: no network does that, a feed may."""
    circle = [a_post(n, reply_to_id=post_id(to), root_id=post_id(to), text="Acme round")
              for n, to in (("a", "b"), ("b", "c"), ("c", "a"))]  # fmt: skip
    for post in circle:
        store.commit(a_poll([post]))
    store.commit(a_poll(circle, source=PRESS))
    assert set(store.relations()) == {"a", "b", "c"}
