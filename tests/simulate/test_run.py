"""The daemon's core on virtual time: what it collects, beside what there was.

For each scenario: collected + gaps by reason (and what nobody can say) = truth, per network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from monitor.api import Monitor
from monitor.simulate.compare import NOBODY_SAYS, Account, compare
from monitor.simulate.run import collect
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load as scenario
from monitor.simulate.worlds.world import Item, Kind, World

SCENARIOS = ("quiet", "crisis", "two-companies", "null")
"""The demo plays `funding`; its own test holds that beside the truth."""
# What nobody can say is pinned: it must not become where lost posts go.
NOBODY = {
    "quiet": {},
    "crisis": {"unnoticed": 9, "uncounted": 9},
    "two-companies": {"unnoticed": 1, "uncounted": 4},
    "null": {"unnoticed": 1},
}


@dataclass
class Collected:
    """A world and what was collected of it."""

    name: str
    world: World
    monitor: Monitor
    accounts: list[Account]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.monitor.query(sql).rows()


@pytest.fixture(scope="module", params=SCENARIOS)
def collected(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collected]:
    world = make(scenario(request.param))
    config = collect(world, tmp_path_factory.mktemp(request.param))
    with Monitor(config) as monitor:
        yield Collected(request.param, world, monitor, compare(world, monitor.query))


def test_collected_and_gaps_make_the_truth(collected: Collected) -> None:
    nobody: Counter[str] = Counter()
    for account in collected.accounts:
        assert account.lost == [], account
        assert account.strange == [], account
        assert account.is_exact, account
        assert account.truth == account.collected + account.unseen.total() > 0
        nobody += Counter({r: n for r, n in account.unseen.items() if r in NOBODY_SAYS})
    assert dict(nobody) == NOBODY[collected.name]


def test_what_a_store_has_lost_is_noticed(collected: Collected) -> None:
    """Posts that polls have shown are hidden from the comparison, one kind after the other."""
    end = collected.world.scenario.ends_at
    stored = {row[0] for row in collected.rows("select post_id from posts")}
    for is_one in (
        lambda i: i.network == "bluesky" and i.kind is Kind.REPLY and i.gone_at is not None,
        lambda i: i.network == "bluesky" and i.kind is Kind.REPLY and i.gone_at is None,
        lambda i: i.kind is Kind.BACKGROUND,
        lambda i: i.network == "wordpress" and i.parent is not None,
        lambda i: i.network == "feed",
    ):
        leaves = [
            item.post_id
            for item in collected.world.items
            if is_one(item) and not item.children and item.post_id in stored
            and not item.is_blocked(end)
        ]  # fmt: skip
        hidden = set(leaves[:5])

        def without(sql: str, hidden: set[str] = hidden) -> pl.DataFrame:
            frame = collected.monitor.query(sql)
            posts = sql == "select post_id from posts"
            return frame.filter(~pl.col("post_id").is_in(sorted(hidden))) if posts else frame

        accounts = compare(collected.world, without)
        assert {one for account in accounts for one in account.lost} == hidden


def test_every_fault_and_limit_of_the_scenario_strikes(collected: Collected) -> None:
    scenario_ = collected.world.scenario
    struck = "outcome in ('error', 'throttled') or finished_at - started_at >= interval 20 second"
    for fault in scenario_.fault:
        start = scenario_.announced_at + fault.at
        ((polls,),) = collected.rows(
            "select count(*) from polls join sources using (source_id) where network = "
            f"'{fault.network}' and ({struck}) and started_at >= '{start:%Y-%m-%d %H:%M:%S}' "
            f"and started_at < '{start + fault.lasts:%Y-%m-%d %H:%M:%S}'"
        )
        assert polls > 0, fault
    ((throttled,),) = collected.rows(
        "select count(*) from polls where outcome = 'throttled' and started_at < "
        f"'{scenario_.announced_at + timedelta(hours=2):%Y-%m-%d %H:%M:%S}'"
    )
    assert (throttled > 0) == bool(scenario_.limit)


def test_the_store_keeps_its_promises(collected: Collected) -> None:
    assert collected.monitor.verify() == []


def test_every_reaction_has_its_relation(collected: Collected) -> None:
    found = set(collected.rows("select event_id, post_id, relation from reactions"))
    stored = {row[0] for row in collected.rows("select post_id from posts")}
    expected = {
        (item.event.id, item.post_id, str(item.kind))
        for item in collected.world.items
        if item.event is not None and item.post_id in stored
    }
    assert found == expected


def test_streams_hold_who_names_the_company_and_who_stands_in_its_threads(
    collected: Collected,
) -> None:
    found = set(collected.rows("select company_id, post_id from company_mentions"))
    stored = {row[0] for row in collected.rows("select post_id from posts")}
    by_account = {person: company for company, person in collected.world.accounts.items()}
    expected = set()
    for item in collected.world.items:
        if item.post_id in stored:
            top = item.root or item
            mine = {by_account[top.author]} if top.author in by_account else set()
            about = {item.event.company} if item.event is not None else set()
            expected |= {(company, item.post_id) for company in item.names | mine | about}
    assert found == expected


def test_posts_are_stored_as_they_were_written(collected: Collected) -> None:
    rows = collected.rows("select post_id, text, created_at, claimed_at, state from posts")
    by_id = {item.post_id: item for item in collected.world.items}
    end = collected.world.scenario.ends_at
    for post_id, text, created_at, claimed_at, state in rows:
        item = by_id[post_id]
        assert created_at.replace(tzinfo=UTC) == item.created_at, post_id
        if claimed_at is not None and item.claimed_at is not None:
            assert claimed_at.replace(tzinfo=UTC) == item.claimed_at
        if state == "deleted":
            assert item.gone_at is not None
            assert text is None
        elif item.network != "feed":
            assert item.said(end) == text, post_id


def test_comments_that_were_edited_have_two_versions(collected: Collected) -> None:
    versions = dict(
        collected.rows("select post_id, count(distinct text) from post_versions group by post_id")
    )
    long_before = timedelta(hours=6)
    edited = [
        item
        for item in collected.world.of("wordpress")
        if item.edits and item.gone_at is None and item.edits[0].at - item.shown_from > long_before
    ]
    for item in edited:
        assert versions[item.post_id] == 2, item.post_id
    assert edited or collected.world.scenario.trouble.edited == 0 or collected.name != "crisis"


def test_counters_are_those_of_the_world(collected: Collected) -> None:
    by_id = {item.post_id: item for item in collected.world.of("bluesky")}
    rows = collected.rows(
        "select post_id, observed_at, likes, reposts, replies, quotes from engagement "
        "where likes is not null"
    )
    assert len(rows) > 100
    for post_id, at, *shown in rows:
        item, end = by_id[post_id], at.replace(tzinfo=UTC)
        # An answer is a moment older than the end of its poll, a throttled one some minutes.
        for name, value in zip(("likes", "reposts", "replies", "quotes"), shown, strict=True):
            counted = [_counter(item, name, end - timedelta(seconds=s)) for s in (0, 1, 60, 900)]
            assert min(counted) <= value <= max(counted), (post_id, name)


def _counter(item: Item, name: str, at: datetime) -> int:
    return {
        "likes": item.likes.at(item.age(at)), "reposts": item.repost_count(at),
        "replies": item.replies(at), "quotes": item.quote_count(at),
    }[name]  # fmt: skip


def test_companies_are_watched_before_anything_is_announced(collected: Collected) -> None:
    ((first,),) = collected.rows("select min(started_at) from polls")
    assert first.replace(tzinfo=UTC) == collected.world.scenario.starts_at
    ((last,),) = collected.rows("select max(started_at) from polls")
    end = collected.world.scenario.ends_at
    assert end <= last.replace(tzinfo=UTC) < end + timedelta(minutes=1)
