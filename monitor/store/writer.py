"""The only writer: a group of finished polls becomes one transaction.

No table has a primary key: DuckDB's indexes have open reports of corruption and failed replay
under upserts. One writer, who looks up before it inserts, keeps ids unique; tests prove it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.clock import Clock
from monitor.config import Config, Watched
from monitor.enrich.score import Scored
from monitor.errors import BadAnswer
from monitor.imports.rows import CounterRow
from monitor.store import imports, scoring
from monitor.store.answers import Answers
from monitor.store.catalogue import save_catalogue, url_hash
from monitor.store.counters import Counters
from monitor.store.database import Database
from monitor.store.entries import Entries, Entry
from monitor.store.exclusions import exclude
from monitor.store.ids import Ids
from monitor.store.labels import Label, keep_labels
from monitor.store.observation import EVER, Observations
from monitor.store.order import TimeOrder
from monitor.store.posts import (
    Change,
    changes,
    consistent,
    gather,
    stored_rows,
    write_posts,
)
from monitor.store.relate import Relations
from monitor.store.retention import Retention
from monitor.store.sightings import Sightings, SourceMemory
from monitor.store.watched import load_watched, save_watched
from monitor.types import IMPORT, LISTS, Poll, Post, Source

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Entry", "Writer"]

_POLL = {
    "poll_id": "BIGINT", "source_id": "VARCHAR", "started_at": "TIMESTAMP",
    "finished_at": "TIMESTAMP", "outcome": "VARCHAR", "http_status": "INTEGER",
    "requests": "INTEGER", "bytes": "BIGINT", "posts_seen": "INTEGER", "posts_new": "INTEGER",
    "error": "VARCHAR", "observed_from": "TIMESTAMP", "recorded_at": "TIMESTAMP",
}  # fmt: skip
_PAYLOAD = {
    "source_id": "VARCHAR", "poll_id": "BIGINT", "url": "VARCHAR", "payload": "BLOB",
    "recorded_at": "TIMESTAMP",
}  # fmt: skip
_NEXT = timedelta(microseconds=1)
_MAINTAINED_EVERY = timedelta(hours=1)
_LONGEST_ERROR = 1000


class Writer:
    """Owns the database for writing. Not thread-safe: one thread calls it."""

    def __init__(self, database: Database, config: Config, clock: Clock) -> None:
        self.path = database.path
        self._cursor = database.cursor()
        self._given = config
        self._clock = clock
        self.can_poll: Callable[[Source], bool] = lambda _: True  # may a found source be polled?
        self.on_content: Callable[[list[int]], None] = lambda _keys: None  # posts new or changed
        self._order = TimeOrder(self._cursor)
        self._maintained_at: datetime | None = None
        self._load()
        self._relations = Relations(self._cursor, self.config)

    def _load(self) -> None:
        cursor = self._cursor
        self._watched = load_watched(cursor)
        self._ids = Ids.load(cursor)
        self._observations = Observations.load(cursor)
        self._counters = Counters()
        self._fresh: list[int] = []
        self._sightings = Sightings(cursor, self._is_list, self._active)
        self._answers = Answers(cursor)
        self._retention = Retention(cursor)
        last_poll, recorded_at = cursor.execute(
            "select coalesce(max(poll_id), 0), max(recorded_at) from base.polls"
        )[0]
        self._next_poll = last_poll + 1
        self._recorded_at = recorded_at.replace(tzinfo=UTC) if recorded_at else EVER
        self._entries = Entries(cursor, self._observations, self._may_poll)

    def _is_list(self, source_id: str) -> bool:
        return self.entries[source_id].source.kind in LISTS

    def _active(self) -> Iterator[str]:
        return (one for one, entry in self.entries.items() if entry.state == "active")

    def _may_poll(self, source: Source) -> bool:
        return self.can_poll(source)

    @property
    def entries(self) -> dict[str, Entry]:
        """All sources by their id."""
        return self._entries.by_id

    def _now(self) -> datetime:
        """The time of what is recorded now: it never goes back, whatever the clock does.

        Else a version that was stored later would count as the earlier one.
        """
        now = self._clock.now()
        self._recorded_at = now if now >= self._recorded_at else self._recorded_at + _NEXT
        return self._recorded_at

    def configure(self, config: Config) -> Config:
        """Take another configuration, and return the one before; `synchronise` comes next."""
        before, self._given = self._given, config
        return before

    @property
    def config(self) -> Config:
        """The configuration, with what commands put beside it."""
        return self._given.joined(self._watched)

    def synchronise(
        self, derived: Iterable[tuple[Source, str | None]], watched: Watched | None = None
    ) -> None:
        """Bring the store in line with the configuration.

        Args:
            derived: the sources of `config`, each with the reason why it can't be polled (None:
                it can).
            watched: what a command puts beside the configuration, from now on; `derived` has it.
        """
        now = self._now()
        with self._transaction():
            if watched is not None:
                self._watched = self._watched.joined(watched)
                save_watched(self._cursor, self._watched, now)
            config = self.config
            self._ids.begin()
            mine = {event.id for event in self._given.events}
            events, companies = save_catalogue(self._cursor, self._ids, config, mine, now)
            self._ids.flush(self._cursor)
            self._entries.derive(dict(derived), now)
            self._relations = Relations(self._cursor, config)
            self._relations.refresh_companies(self._cursor, companies, now)
            self._relations.refresh_events(self._cursor, events, now)
            self._observations.flush(self._cursor, now)

    def started(self) -> None:
        """The daemon begins: what was due while nobody ran stands in `gaps`."""
        now = self._clock.now()
        (last,) = self._cursor.execute("select max(finished_at) from base.polls")[0]
        alive = last.replace(tzinfo=UTC) if last else None
        if alive is not None and alive > now:  # the clock was set back meanwhile
            for entry in self.entries.values():
                entry.next_at = entry.next_at and entry.next_at - (alive - now)
        with self._transaction():
            self._observations.downtime(
                [
                    (source_id, e.created_at, e.next_at)
                    for source_id, e in self.entries.items() if e.state == "active"
                ],
                now,
                alive,
            )  # fmt: skip
            self._observations.flush(self._cursor, now)

    def memory(self, source_id: str) -> SourceMemory:
        """What the store knows of the posts that a source has shown."""
        return self._sightings.memory(source_id)

    def commit(self, polls: list[Poll]) -> list[int]:
        """Store a group of polls, all or nothing; how many posts each of them was first to show."""
        now, counts, retold = self._now(), [], False
        with self._transaction():
            for n, group in enumerate(consistent(polls)):
                # Two versions of one post may come in one commit: their times tell them apart.
                counts += self._store(group, now + n * _NEXT)
                retold = retold or bool(self._ids.retold)
        self._sightings.keep(retold=retold)
        self._tell_content()
        return counts

    def _store(self, polls: list[Poll], now: datetime) -> list[int]:
        """Store polls that do not contradict each other."""
        found, overlapping = self._store_content(polls, now)
        self._counters.write(self._cursor, polls, self._ids, now)
        counts = self._write_polls(polls, found, overlapping, now)
        self._entries.after(polls, now)
        self._observations.flush(self._cursor, now)
        return counts

    def _store_content(self, polls: list[Poll], now: datetime) -> tuple[list[Change], set[str]]:
        """Store the posts that polls show; the changes, and which sources overlapped."""
        self._ids.begin()
        shown, removed = gather(polls), _removed(polls)
        self._resolve(polls, removed)
        keys = {self._ids.key(i) for i in [*shown, *removed]}
        stored = stored_rows(self._cursor, keys - self._ids.fresh)
        found = changes(shown.values(), removed, stored, self._ids, now)
        write_posts(self._cursor, found)
        self._fresh += [change.row["post_key"] for change in found if change.new_version]
        self._answers.forget(c.row["post_key"] for c in found if c.post is None)
        self._ids.flush(self._cursor)
        overlapping = self._sightings.write(self._cursor, polls, self._ids, stored, found)
        self._announce(polls, now)
        posts = [post for poll in polls for post in poll.harvest.posts]
        stated = self._relations.state(self._cursor, posts, self._ids, now)
        self._relations.apply(self._cursor, found, self._ids, now, also=stated)
        return found, overlapping

    def reparse(
        self, source_id: str, polls: list[Poll], counters: list[CounterRow]
    ) -> tuple[int, int, int]:
        """Store what past polls of one source show to a parser of today, all or nothing.

        Args:
            polls: each post stands in the first of them that showed it, as the last one did.

        Returns:
            How many posts are new, how many changed, how many counters are new or changed.
        """
        now, changed, found = self._now(), 0, list[Change]()
        with self._transaction():
            for poll in polls:  # what is gone stays gone
                gone = self._gone([post.post_id for post in poll.harvest.posts])
                poll.harvest.posts = [p for p in poll.harvest.posts if p.post_id not in gone]
            if polls:
                found, _ = self._store_content(polls, now)
            known = self._ids.known(self._cursor, [row.post_id for row in counters])
            mine = [row for row in counters if row.post_id in known]
            if mine:
                news = imports.news(self._cursor, mine, self._ids, source_id)
                self._counters.forget()
                changed = imports.write_counters(self._cursor, news, self._ids, now, source_id)
        self._sightings.keep(retold=bool(self._ids.retold))
        self._tell_content()
        new = sum(change.is_new for change in found)
        return new, len(found) - new, changed

    def _gone(self, post_ids: list[str]) -> set[str]:
        rows = self._cursor.lookup(
            "select i.post_id from base.ids as i join {given} using (post_id) "
            "join base.posts as p using (post_key) where p.state in ('deleted', 'erased')",
            {"post_id": "VARCHAR"},
            [(post_id,) for post_id in post_ids],
        )
        return {row[0] for row in rows}

    def bring(
        self, posts: list[Post], counters: list[CounterRow], *,
        observed: tuple[datetime, datetime] | None = None, is_last: bool = True,
    ) -> tuple[int, int, list[str]]:  # fmt: skip
        """Store rows of an import, all or nothing.

        Args:
            observed: the span that the import saw whole; None: everything until now.
            is_last: the import is whole with these posts, and counts as an observation.

        Returns:
            How many posts are new, how many counters are new or changed, and the ids of posts
            that counters name and nobody knows (their rows are not stored).
        """
        now, new, changed = self._now(), 0, 0
        with self._transaction():
            if IMPORT not in self.entries:
                self.entries[IMPORT] = Entry(imports.SOURCE, "retired", None, now)
                self._entries.save([self.entries[IMPORT]])
            if posts:
                (new,) = self._store([imports.poll_of(posts, observed, now)], now)
                rows = stored_rows(self._cursor, {self._ids.key(post.post_id) for post in posts})
                created = {key: row["created_at"] for key, row in rows.items()}
                imports.write_scores(self._cursor, posts, created, self._ids, now)
                poll_id = self._next_poll - 1
                if is_last:
                    self._cursor.execute(
                        "update base.polls set observed_from = ? where poll_id = ?",
                        [observed[0] if observed else EVER, poll_id],
                    )
                else:  # half an import observes nothing
                    self._cursor.execute("delete from base.polls where poll_id = ?", [poll_id])
            known = self._ids.known(self._cursor, [row.post_id for row in counters])
            mine = [row for row in counters if row.post_id in known]
            if mine:
                changed = imports.write_counters(self._cursor, mine, self._ids, now)
        self._sightings.keep(retold=bool(self._ids.retold))
        self._tell_content()
        strange = dict.fromkeys(row.post_id for row in counters if row.post_id not in known)
        return new, changed, list(strange)

    def _tell_content(self) -> None:
        fresh, self._fresh = self._fresh, []
        if fresh:
            self.on_content(fresh)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; after a failure the writer believes the database, not its memory."""
        try:
            with self._cursor.transaction():
                yield
        except BaseException:
            self._load()
            self._relations.reload(self._cursor)
            raise

    def _resolve(self, polls: list[Poll], removed: list[str]) -> None:
        ids: list[str] = []
        self._ids.claim(self._cursor, [post for poll in polls for post in poll.harvest.posts])
        for poll in polls:
            harvest = poll.harvest
            for post in harvest.posts:
                named = (post.post_id, post.reply_to_id, post.root_id, post.quoted_id)
                ids += [i for i in named if i]
            ids += [e.post_id for e in harvest.engagement]
            ids += [c.post_id for c in harvest.claims]
            ids += [g.post_id for g in harvest.gaps if g.post_id]
            ids += [harvest.resolved] if harvest.resolved else []
        self._ids.resolve(self._cursor, [*ids, *removed])

    def _announce(self, polls: list[Poll], now: datetime) -> None:
        """An announcement whose id had to be asked for is known now."""
        changed = set()
        for poll in polls:
            resolved, target = poll.harvest.resolved, poll.source.target
            if resolved is None or not poll.source.events:
                continue
            key = self._ids.key(resolved)
            same = {target, f"bluesky:{target}", *self._written_as(target, poll.source.events)}
            for row in self._cursor.execute(
                "update base.announcements set post_key = $1, post_id = $2, network = $3 "
                "where url = any($4) and event_id = any($5) and post_key is distinct from $1 "
                "and superseded_at is null returning event_id",
                [key, self._ids.name(key), self._ids.name(key).partition(":")[0], sorted(same),
                 sorted(poll.source.events)],
            ):  # fmt: skip
                changed.add(row[0])
        if changed:
            self._relations.reload(self._cursor)
            self._relations.refresh_events(self._cursor, sorted(changed), now)

    def _written_as(self, target: str, events: Iterable[str]) -> list[str]:
        """The announcements of `events` that mean the address `target`, as they are configured."""
        hashed = url_hash(target)
        urls = self._cursor.execute(
            "select url from base.announcements where event_id = any(?) and superseded_at is null",
            [sorted(events)],
        )
        return [url for (url,) in urls if hashed is not None and url_hash(url) == hashed]

    def _write_polls(
        self, polls: list[Poll], found: list[Change], overlapping: set[str], now: datetime
    ) -> list[int]:
        first: dict[str, int] = {}
        for change in found:
            if change.is_new:
                source = change.row["source_id"]
                first[source] = first.get(source, 0) + 1
        rows, payloads, answers, counts = [], {}, [], []
        for poll in polls:
            source_id, harvest = poll.source.source_id, poll.harvest
            observed_from = self._observations.record(
                poll, self._ids, now,
                overlaps=source_id in overlapping, watched_since=self.entries[source_id].created_at,
            )  # fmt: skip
            new = first.pop(source_id, 0)
            counts.append(new)
            rows.append((
                self._next_poll, source_id, poll.started_at, poll.finished_at, str(poll.outcome),
                harvest.http_status, harvest.requests, harvest.bytes, len(harvest.posts), new,
                _one_line(harvest.error), observed_from, now,
            ))  # fmt: skip
            if poll.answers:
                answers.append((
                    self._next_poll, source_id, poll.started_at, poll.finished_at, poll.answers,
                    now,
                ))  # fmt: skip
            if isinstance(harvest.error, BadAnswer) and harvest.error.payload:
                payloads[source_id] = (
                    source_id, self._next_poll, harvest.error.url, harvest.error.payload, now,
                )  # fmt: skip
            self._next_poll += 1
        self._cursor.insert("base.polls", _POLL, rows)
        self._answers.write(answers)
        self._cursor.lookup(
            "delete from base.payloads where source_id in (select source_id from {given})",
            {"source_id": "VARCHAR"},
            [(source_id,) for source_id in payloads],
        )
        self._cursor.insert("base.payloads", _PAYLOAD, list(payloads.values()))
        return counts

    def maintain(self) -> bool:
        """Drop, fold and sort what is due, once an hour between commits, one step of it.

        What fails is tried again in an hour; nothing is lost by it.

        Returns:
            Whether there is more to do at once.
        """
        now = self._clock.now()
        if self._maintained_at is not None and now - self._maintained_at < _MAINTAINED_EVERY:
            return False
        before, self._maintained_at = self._maintained_at, now
        is_more = self._retention.apply(self._given.monitor, now)
        if self._order.advance(now) or is_more:
            self._maintained_at = before
            return True
        return False

    def exclude(self, event_id: str, post_ids: list[str], *, undo: bool) -> int:
        """Take posts out of an event's counts, or back in; see `monitor.store.exclusions`."""
        return exclude(self._cursor, event_id, post_ids, self._now(), undo=undo)

    def label(self, event_id: str, labels: Sequence[Label]) -> int:
        """Store hand labels, all or none; see `monitor.store.labels`."""
        with self._transaction():
            return keep_labels(self._cursor, event_id, labels, self._now())

    def keep_scores(self, scored: Sequence[Scored], engine: str, model: str) -> None:
        """Store what looks at posts gave, all or nothing."""
        with self._transaction():
            scoring.keep(self._cursor, scored, engine, model, self._now())

    def keep_estimates(self, estimates: pl.DataFrame) -> None:
        """Put the estimates of all events in the place of those before, all or nothing."""
        with self._transaction():
            self._cursor.execute("delete from estimates")
            columns = ", ".join(estimates.columns)
            with self._cursor.registered(estimates) as name:
                self._cursor.execute(f"insert into estimates ({columns}) select * from {name}")

    def last_success(self, source_id: str) -> datetime | None:
        """When the last successful poll of a source started."""
        return self._observations.last_success.get(source_id)

    def close(self) -> None:
        self._cursor.close()


def _removed(polls: list[Poll]) -> list[str]:
    """Posts that some poll of the group confirmed to be gone and none shows."""
    served = {post.post_id for poll in polls for post in poll.harvest.posts}
    return [
        i for i in dict.fromkeys(i for p in polls for i in p.harvest.removed) if i not in served
    ]


def _one_line(error: Exception | None) -> str | None:
    return None if error is None else " ".join(str(error).split())[:_LONGEST_ERROR]
