"""Worlds in which an announcement is discussed on Hacker News, and what is collected of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import polars as pl
import pytest

from monitor.api import Monitor
from monitor.simulate.compare import compare
from monitor.simulate.run import collect
from monitor.simulate.truth import import_tables
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import Scenario
from monitor.simulate.worlds.scenario import load as scenario
from monitor.simulate.worlds.world import Kind, World


def discussed(discussions: float) -> Scenario:
    """A day and a half of the quiet scenario."""
    quiet = scenario("quiet")
    (event,) = quiet.event
    return msgspec.structs.replace(
        quiet,
        before=timedelta(days=1),
        after=timedelta(hours=12),
        event=(msgspec.structs.replace(event, discussions=discussions, comments=20.0),),
        trouble=msgspec.structs.replace(quiet.trouble, deleted=0.1),
    )


@pytest.fixture(scope="module")
def world() -> World:
    return make(discussed(4.0))


@pytest.fixture(scope="module")
def monitor(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    with Monitor(collect(world, tmp_path_factory.mktemp("discussed"))) as opened:
        yield opened


def test_discussions_change_nothing_else(world: World) -> None:
    without = [(item.post_id, item.text) for item in make(discussed(0.0)).items]
    rest = [item for item in world.items if item.network != "hackernews"]
    assert [(item.post_id, item.text) for item in rest] == without


def test_stories_link_to_the_article_and_draw_comments(world: World) -> None:
    items = world.of("hackernews")
    stories = [item for item in items if item.parent is None]
    assert stories
    assert {item.link for item in stories} == {
        i.url for i in world.items if i.kind is Kind.ANNOUNCEMENT and i.place
    }
    assert len(items) > 10 * len(stories)
    assert any(item.gone_at for item in items)
    numbers = {item: int(item.native) for item in items}
    assert all(numbers[item.parent] < numbers[item] for item in items if item.parent)


def test_an_import_names_their_authors_as_the_network_does(world: World) -> None:
    rows = import_tables(world)["posts"].filter(pl.col("network") == "hackernews")
    assert rows["author_id"].str.starts_with("hackernews:person").all()
    assert rows["author_name"].is_null().all()


def test_collected_and_gaps_make_the_truth(world: World, monitor: Monitor) -> None:
    account = next(a for a in compare(world, monitor.query) if a.network == "hackernews")
    assert account.lost == []
    assert account.strange == []
    assert account.is_exact, account
    assert account.collected > 30


def test_every_reaction_has_its_relation(world: World, monitor: Monitor) -> None:
    rows = monitor.query("select post_id, relation from reactions").rows()
    found = {row for row in rows if row[0].startswith("hackernews:")}
    items = {item.post_id: str(item.kind) for item in world.of("hackernews")}
    assert found == {(post_id, items[post_id]) for post_id, _ in found}
    assert {relation for _, relation in found} == {"link", "reply"}


def test_deletions_are_those_of_the_world(world: World, monitor: Monitor) -> None:
    rows = monitor.query("select post_id, state from posts where network = 'hackernews'").rows()
    end = world.scenario.ends_at
    gone = {i.post_id for i in world.of("hackernews") if i.gone_at and i.gone_at <= end}
    found = {post_id for post_id, state in rows if state == "deleted"}
    assert found <= gone
    long_ago = {
        i.post_id
        for i in world.of("hackernews")
        if i.gone_at and i.gone_at < end - timedelta(hours=2)
    }
    assert long_ago & {row[0] for row in rows} <= found
