"""A thing is polled once, however often and under whatever name it is configured or found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.config import load
from monitor.store.database import Database
from monitor.store.writer import Writer
from monitor.types import Harvest, Outcome, Poll, Post, Source, SourceKind

NOW = datetime(2026, 2, 12, 18, tzinfo=UTC)
URI = "at://did:plc:acme/app.bsky.feed.post/1"


class Clock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    file = tmp_path / "monitor.toml"
    file.write_text('[[company]]\nid = "acme"\nname = "Acme"\n')
    with Database.open(None) as database:
        yield Writer(database, load(file, env={}), Clock())


def thread(source_id: str, target: str, origin: str = "config") -> Source:
    return Source(
        source_id=source_id, network="bluesky", kind=SourceKind.THREAD, target=target,
        origin=origin, interval=timedelta(minutes=1),
    )  # fmt: skip


def poll(source: Source, harvest: Harvest) -> Poll:
    return Poll(
        source=source, started_at=NOW, finished_at=NOW, outcome=Outcome.OK, harvest=harvest,
        next_at=NOW + source.interval,
    )  # fmt: skip


def polled(writer: Writer) -> set[str]:
    return {source_id for source_id, e in writer.entries.items() if e.state == "active"}


def test_a_found_thread_that_is_configured_under_its_own_id_stays_one(writer: Writer) -> None:
    account = replace(thread("account", "acme.example"), kind=SourceKind.ACCOUNT)
    mine = thread("mine", URI)
    writer.synchronise([(account, None), (mine, None)])
    writer.commit([poll(account, Harvest(found=[account.find(SourceKind.THREAD, URI)]))])
    assert polled(writer) == {"account", "mine"}


def test_a_thread_is_known_by_its_post_once_its_handle_was_resolved(writer: Writer) -> None:
    account = replace(thread("account", "acme.example"), kind=SourceKind.ACCOUNT)
    by_handle = thread("by-handle", "https://bsky.app/profile/acme.example/post/1")
    writer.synchronise([(account, None), (by_handle, None)])
    resolved = Harvest(resolved=f"bluesky:{URI}", posts=[Post(post_id=f"bluesky:{URI}")])
    writer.commit([poll(by_handle, resolved)])
    writer.commit([poll(account, Harvest(found=[account.find(SourceKind.THREAD, URI)]))])
    assert polled(writer) == {"account", "by-handle"}


def test_a_thread_found_first_gives_way_to_its_configuration(writer: Writer) -> None:
    account = replace(thread("account", "acme.example"), kind=SourceKind.ACCOUNT)
    writer.synchronise([(account, None)])
    writer.commit([poll(account, Harvest(found=[account.find(SourceKind.THREAD, URI)]))])
    assert polled(writer) == {"account", f"bluesky:thread:{URI}"}
    writer.synchronise([(account, None), (thread("mine", URI), None)])
    assert polled(writer) == {"account", "mine"}


def test_a_thread_found_before_its_handle_was_resolved_gives_way(writer: Writer) -> None:
    account = replace(thread("account", "acme.example"), kind=SourceKind.ACCOUNT)
    by_handle = thread("by-handle", "https://bsky.app/profile/acme.example/post/1", "event")
    writer.synchronise([(account, None), (by_handle, None)])
    writer.commit([poll(account, Harvest(found=[account.find(SourceKind.THREAD, URI)]))])
    assert polled(writer) == {"account", "by-handle", f"bluesky:thread:{URI}"}
    resolved = Harvest(resolved=f"bluesky:{URI}", posts=[Post(post_id=f"bluesky:{URI}")])
    writer.commit([poll(by_handle, resolved)])
    writer.commit([poll(account, Harvest(found=[account.find(SourceKind.THREAD, URI)]))])
    assert polled(writer) == {"account", "by-handle"}


def test_a_reply_under_an_archived_event_is_stored_and_joins_nothing(tmp_path: Path) -> None:
    company = '[[company]]\nid = "acme"\nname = "Acme"\n'
    event = (
        '[[event]]\nid = "launch"\ncompany = "acme"\nannounced_at = 2026-02-12T12:00:00Z\n'
        f'announcements = ["{URI}"]\n'
    )
    file = tmp_path / "monitor.toml"
    source = thread("mine", URI)

    def reply(number: int, to: str) -> Post:
        return Post(post_id=f"bluesky:at://did:plc:x/app.bsky.feed.post/{number}",
                    reply_to_id=to, root_id=f"bluesky:{URI}")  # fmt: skip

    first = reply(1, f"bluesky:{URI}")
    with Database.open(None) as database:
        for text, post in ((company + event, first), (company, reply(2, first.post_id))):
            file.write_text(text)
            writer = Writer(database, load(file, env={}), Clock())
            writer.synchronise([(source, None)])
            writer.commit([poll(source, Harvest(posts=[post]))])
        rows = database.query("select post_id, relation from reactions").rows()
        assert rows == [(first.post_id, "reply")]
        assert database.query("from posts").height == 2
        assert database.query("select state from events").rows() == [("archived",)]
