"""What a post said before an edit that nobody saw happen becomes a version of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.config import Config
from monitor.store.database import Database
from monitor.types import Revision
from tests.world import ACME, OFFLINE, Store, a_poll, a_post, a_store, at, configured

AP = """
[[company]]
id = "blume"
name = "Blume"
accounts = ["mastodon:@Blume@Social.example"]

[[actor]]
id = "rival"
name = "Rival"
accounts = ["mastodon:rival@other.example", "mastodon:https://third.example/users/rival"]
roles = { acme = "competitor" }
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return configured(tmp_path_factory.mktemp("revisions"), ACME + AP + OFFLINE)


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Database.open(None) as database, a_store(database, config) as opened:
        yield opened


def versions(store: Store) -> list[tuple[object, ...]]:
    rows = store.rows("select version, text, edited_at from post_versions order by version")
    return [tuple(row.values()) for row in rows]


def test_versions_before_the_first_look(store: Store) -> None:
    earlier = (Revision("first", at(0.1)), Revision("second", at(0.2)))
    store.commit(a_poll([a_post("a", text="third", edited_at=at(0.3), earlier=earlier)]))
    assert versions(store) == [
        (1, "first", at(0.1)), (2, "second", at(0.2)), (3, "third", at(0.3)),
    ]  # fmt: skip
    assert store.post("a")["text"] == "third"
    assert store.problems() == []
    store.commit(a_poll([a_post("a", text="third", edited_at=at(0.3))], when=at(3)))
    assert len(versions(store)) == 3


def test_versions_between_two_looks(store: Store) -> None:
    store.commit(a_poll([a_post("a", text="one")]))
    missed = (Revision("two", at(2.5)),)
    shown = a_post("a", text="three", edited_at=at(3), earlier=missed)
    store.commit(a_poll([shown], when=at(4)))
    assert [text for _, text, _ in versions(store)] == ["one", "two", "three"]
    assert store.problems() == []


def ap_post(name: str, who: str, **more: object) -> object:
    name_, _, host = who.partition("@")
    given = {"author_id": f"ap:https://{host}/users/{name_}", "author_handle": who}
    return a_post(f"ap:https://{host}/users/{name_}/statuses/{name}", **(given | more))


def test_accounts_of_mastodon_are_known_by_handle_or_address(store: Store) -> None:
    store.commit(
        a_poll([
            ap_post("1", "blume@social.example", text="good morning"),
            ap_post("2", "rival@other.example", text="Acme is late"),
            ap_post("3", "rival@third.example", text="Acme is later"),
            ap_post("4", "rival@fourth.example", text="Acme is latest"),
        ])
    )  # fmt: skip
    mine = store.column("select post_id from company_mentions where company_id = 'blume'")
    assert mine == ["ap:https://social.example/users/blume/statuses/1"]
    said = store.column("select post_id from actor_posts('rival') order by all")
    assert said == [
        "ap:https://other.example/users/rival/statuses/2",
        "ap:https://third.example/users/rival/statuses/3",
    ]
