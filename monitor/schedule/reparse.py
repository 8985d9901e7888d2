"""Reading kept answers again, with the parsers of today."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from monitor.collect.kept import Kept, Replay
from monitor.collect.protocol import Ask
from monitor.collect.registry import collector
from monitor.config import Config
from monitor.errors import BadAnswer
from monitor.imports.rows import CounterRow
from monitor.schedule.poller import read
from monitor.session import Session
from monitor.store.catalogue import source_of
from monitor.store.commands import Look
from monitor.types import Harvest, Known, Post, Source

__all__ = ["Reparsed", "reparse"]

_AT_ONCE = 50
"""Polls whose answers are in memory together."""
_SENT = 2000
"""Posts or counters of one call."""

_SINCE = "started_at >= timezone('UTC', ?::timestamptz)"
_SOURCES = (
    f"select s.* from base.sources as s semi join (from base.answers where {_SINCE}) "
    "using (source_id) order by source_id"
)
_POLLS = f"select poll_id from base.answers where source_id = ? and {_SINCE} order by poll_id"
_ANSWERS = (
    "select poll_id, started_at, finished_at, answers from base.answers "
    "where poll_id in (select unnest(?)) order by poll_id"
)
_SEEN = (
    "select i.post_id as named, p.post_id, p.reply_to_id, p.created_at, s.first_at "
    "from base.sightings as s join base.posts as p using (post_key) "
    "join base.ids as i using (post_key) where s.source_id = ?"
)


@dataclass(slots=True)
class Reparsed:
    """What came of it; `failed`: polls whose answers could not be read to their end, and why."""

    polls: int = 0
    new_posts: int = 0
    changed_posts: int = 0
    changed_counters: int = 0
    failed: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Memory:
    """What a source had shown before a moment."""

    first_at: Mapping[str, datetime]
    now: datetime

    def seen(self, post_ids: Iterable[str]) -> set[str]:
        return {i for i in post_ids if i in self.first_at and self.first_at[i] < self.now}

    def live(self) -> Mapping[str, Known]:
        return {}  # what was confirmed to be gone then is not asked again


def reparse(
    session: Session,
    config: Config,
    since: str,
    *,
    progress: Callable[[str], None] = lambda _source_id: None,
) -> Reparsed:
    """Read the kept answers of polls that began at `since` or later again, and store what changed.

    Posts that the parsers of then did not see, or read otherwise, are stored as of their first
    poll; counters at the moment of theirs. Polls, gaps and what was deleted stay as they are.
    """
    done = Reparsed()
    for row in session.query(_SOURCES, [since]).iter_rows(named=True):
        progress(row["source_id"])
        source = source_of(row)
        reading = _Reading(source, config, _first_seen(session, source.source_id))
        ids = session.query(_POLLS, [source.source_id, since])["poll_id"].to_list()
        for start in range(0, len(ids), _AT_ONCE):
            polls = session.query(_ANSWERS, [ids[start : start + _AT_ONCE]])
            asyncio.run(reading.read(polls.to_dicts()))
        done.polls += len(ids)
        done.failed |= reading.failed
        for posts, counters in reading.parts():
            told = session.call("reparse", source=source.source_id, looks=posts, counters=counters)
            done.new_posts += told["new"]
            done.changed_posts += told["changed"]
            done.changed_counters += told["counters"]
    return done


def _first_seen(session: Session, source_id: str) -> dict[str, datetime]:
    rows = session.query(_SEEN, [source_id]).rows(named=True)
    return {row[name]: row["first_at"] for row in rows for name in ("named", "post_id")}


class _Reading:
    """One source's kept polls, read in their order."""

    def __init__(self, source: Source, config: Config, first_at: Mapping[str, datetime]) -> None:
        self._source = source
        self._config = config
        self._first_at = {i: at.replace(tzinfo=UTC) for i, at in first_at.items()}
        self._posts: dict[str, tuple[Post, int]] = {}  # as shown last, in which look first
        self._looks: list[tuple[datetime, datetime]] = []
        self._counters: list[CounterRow] = []
        self.failed: dict[int, str] = {}

    async def read(self, polls: Iterable[Mapping[str, Any]]) -> None:
        """Read the answers of some polls, each alone."""
        for poll in polls:
            times = [poll[name].replace(tzinfo=UTC) for name in ("started_at", "finished_at")]
            harvest = await self._harvest(Kept.unpack(poll["answers"]), times[0])
            if harvest.error is not None:
                self.failed[poll["poll_id"]] = str(harvest.error)
            self._looks.append((times[0], times[1]))
            for post in harvest.posts:
                _, first = self._posts.get(post.post_id, (post, len(self._looks) - 1))
                self._posts[post.post_id] = (post, first)
            self._counters += [
                CounterRow(
                    post_id=e.post_id, observed_at=times[1], likes=e.likes, reposts=e.reposts,
                    replies=e.replies, quotes=e.quotes, views=e.views,
                )
                for e in harvest.engagement
            ]  # fmt: skip

    async def _harvest(self, kept: Kept, now: datetime) -> Harvest:
        source, reader = self._source, collector(self._source.network)
        network = self._config.networks.get(source.network)
        harvest = Harvest(state=dict(kept.state))
        if reader is None:
            harvest.error = BadAnswer(f"{source.source_id}: nothing reads {source.network} here")
            return harvest
        ask = Ask(
            source=source, http=Replay(kept), memory=_Memory(self._first_at, now), now=now,
            base_url=network.base_url if network else None, state=dict(kept.state),
        )  # fmt: skip
        await read(reader, ask, harvest)
        return harvest

    def parts(self) -> Iterable[tuple[list[Any], list[Any]]]:
        """What is to be stored, in portions: looks with their posts, and counters."""
        posts = sorted(self._posts.values(), key=lambda one: one[1])
        for start in range(0, len(posts), _SENT):
            looks: dict[int, Look] = {}
            for post, first in posts[start : start + _SENT]:
                look = looks.setdefault(first, Look(*self._looks[first], posts=[]))
                look.posts.append(post)
            yield msgspec.to_builtins(list(looks.values())), []
        for start in range(0, len(self._counters), _SENT):
            yield [], msgspec.to_builtins(self._counters[start : start + _SENT])
