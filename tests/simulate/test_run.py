"""The daemon's core on virtual time: what it collects, beside what there was.

For each scenario: collected + gaps by reason (and what nobody can say) = truth, per network; two
runs of one seed leave the same database; a run that is killed and goes on leaves what an
undisturbed one leaves.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from monitor.api import Monitor
from monitor.config import Config, load
from monitor.simulate.compare import Account, compare
from monitor.simulate.run import collect
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load as scenario
from monitor.simulate.worlds.world import Item, Kind, World

# The demo's own test does the same for the scenario `funding`.
SCENARIOS = ("quiet", "crisis", "two-companies", "null")
# What a restart may change: numbers given in the order of work, and the moment of writing.
OF_THE_RUN = {"recorded_at", "poll_id", "gap_id"}
TABLES = (
    "posts", "post_versions", "sightings", "engagement", "claims", "reactions", "company_mentions",
    "announcements", "polls", "gaps", "sources",
)  # fmt: skip


@dataclass
class Collected:
    """A world and what was collected of it."""

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
        yield Collected(world, monitor, compare(world, monitor.query))


def test_collected_and_gaps_make_the_truth(collected: Collected) -> None:
    for account in collected.accounts:
        assert account.lost == [], account
        assert account.strange == [], account
        assert account.is_exact, account
        assert account.truth > 0


def test_the_store_keeps_its_promises(collected: Collected) -> None:
    assert collected.monitor.verify() == []


def test_every_reaction_has_its_relation(collected: Collected) -> None:
    found = dict(collected.rows("select post_id, relation from reactions where depth is not null"))
    found |= dict(collected.rows("select post_id, relation from reactions where depth is null"))
    stored = {row[0] for row in collected.rows("select post_id from posts")}
    expected = {
        item.post_id: str(item.kind)
        for item in collected.world.items
        if item.event is not None and item.post_id in stored
    }
    assert found == expected


def test_streams_hold_who_names_the_company(collected: Collected) -> None:
    found = {(c, p) for c, p in collected.rows("select company_id, post_id from company_mentions")}
    stored = {row[0] for row in collected.rows("select post_id from posts")}
    named = {
        (company, item.post_id)
        for item in collected.world.items
        for company in item.names
        if item.post_id in stored
    }
    strays = {i.post_id for i in collected.world.items if i.kind is Kind.STRAY}
    assert named <= found
    assert not strays & {post for _, post in found}


def test_posts_are_stored_as_they_were_written(collected: Collected) -> None:
    rows = collected.rows("select post_id, text, created_at, claimed_at, state from posts")
    by_id = {item.post_id: item for item in collected.world.items}
    end = collected.world.scenario.ends_at
    for post_id, text, created_at, claimed_at, state in rows:
        item = by_id[post_id]
        assert created_at.replace(tzinfo=UTC) == _created(item), post_id
        if claimed_at is not None and item.claimed_at is not None:
            assert claimed_at.replace(tzinfo=UTC) == item.claimed_at
        if state == "deleted":
            assert item.gone_at is not None
            assert text is None
        elif item.network != "feed":
            assert item.said(end) == text, post_id


def _created(item: Item) -> datetime:
    return item.created_at


def test_comments_that_were_edited_have_two_versions(collected: Collected) -> None:
    versions = dict(
        collected.rows("select post_id, count(distinct text) from post_versions group by post_id")
    )
    ((looked,),) = collected.rows("select max(started_at) from polls")
    for item in collected.world.of("wordpress"):
        if item.edits and item.gone_at is None and item.post_id in versions:
            seen_before = item.edits[0].at - item.shown_from > timedelta(hours=6)
            if seen_before and item.edits[0].at < looked.replace(tzinfo=UTC):
                assert versions[item.post_id] == 2, item.post_id


def test_counters_are_what_the_curves_say(collected: Collected) -> None:
    by_id = {item.post_id: item for item in collected.world.of("bluesky")}
    rows = collected.rows(
        "select post_id, observed_at, likes, reposts from engagement where likes is not null"
    )
    assert len(rows) > 100
    for post_id, at, likes, reposts in rows:
        item, moment = by_id[post_id], at.replace(tzinfo=UTC)
        # An answer is a moment older than the end of its poll.
        assert item.likes.at(item.age(moment - timedelta(minutes=1))) <= likes
        assert likes <= item.likes.at(item.age(moment))
        assert reposts <= item.repost_count(moment)


def test_companies_are_watched_before_anything_is_announced(collected: Collected) -> None:
    ((first,),) = collected.rows("select min(started_at) from polls")
    assert first.replace(tzinfo=UTC) == collected.world.scenario.starts_at
    ((last,),) = collected.rows("select max(started_at) from polls")
    end = collected.world.scenario.ends_at
    assert end <= last.replace(tzinfo=UTC) < end + timedelta(minutes=1)


def content(config: Config, *, left_out: set[str] = frozenset()) -> dict[str, pl.DataFrame]:
    """Every table in one order, whatever the order of writing was."""
    found = {}
    with Monitor(config) as monitor:
        for table in TABLES:
            frame = monitor.query(f"from {table}").drop(*left_out, strict=False)
            found[table] = frame.sort(pl.all().cast(pl.String, strict=False).fill_null(""))
    return found


def assert_equal(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    for table in TABLES:
        assert one[table].height > 0
        assert one[table].equals(other[table]), table


def small(*, faults: bool) -> World:
    """A day and a half of the loudest scenario."""
    loud = scenario("crisis")
    return make(
        msgspec.structs.replace(
            loud,
            before=timedelta(days=1),
            after=timedelta(hours=12),
            fault=loud.fault if faults else (),
        )
    )


def test_two_runs_leave_the_same_database(tmp_path: Path) -> None:
    world = small(faults=True)
    one, other = (collect(world, tmp_path / name) for name in ("one", "other"))
    assert_equal(content(one), content(other))


KILLED = """
import sys
from pathlib import Path
from tests.simulate.test_run import small
from monitor.simulate.run import collect
collect(small(faults=False), Path(sys.argv[1]))
"""


def test_a_kill_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    """Answers that come late move later polls by seconds, so there are no faults here."""
    world = small(faults=False)
    undisturbed = collect(world, tmp_path / "undisturbed")
    kills = killed_often(tmp_path / "killed")
    assert kills >= 2
    config = load(tmp_path / "killed" / "monitor.toml", env={})
    assert_equal(content(undisturbed, left_out=OF_THE_RUN), content(config, left_out=OF_THE_RUN))
    with Monitor(config) as monitor:
        assert all(account.is_exact for account in compare(world, monitor.query))


def killed_often(folder: Path) -> int:
    """Collect in a process that is killed at random moments; how often it was."""
    chance, kills = random.Random(8), 0
    while True:
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)])
        try:
            assert process.wait(timeout=chance.uniform(1.5, 4.0) if kills < 4 else 120) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        else:
            return kills
