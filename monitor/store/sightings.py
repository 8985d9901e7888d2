"""Who saw which post when, and what a source has shown before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from monitor.store.database import Cursor, Database
from monitor.store.ids import Ids
from monitor.store.posts import Change, PostRow
from monitor.types import Known, Poll, PostState

__all__ = ["Sightings", "SourceMemory", "failing", "posted_since"]

_SIGHTING = {
    "post_key": "BIGINT", "source_id": "VARCHAR", "first_at": "TIMESTAMP", "last_at": "TIMESTAMP",
}  # fmt: skip


@dataclass(slots=True)
class SourceMemory:
    """The posts of one source, by every id under which it may name them."""

    known: dict[str, Known] = field(default_factory=dict)  # by the post's own id
    ids: dict[str, str] = field(default_factory=dict)  # any id → the post's own id
    last_at: dict[str, datetime] = field(default_factory=dict)

    def seen(self, post_ids: Iterable[str]) -> set[str]:
        """Which of these posts this source has shown before."""
        return {post_id for post_id in post_ids if post_id in self.ids}

    def live(self) -> Mapping[str, Known]:
        """The posts that it has shown and that are believed to be served still."""
        return {i: known for i, known in list(self.known.items()) if _served(known)}


def _hour(moment: datetime) -> datetime:
    """Only the first showing in each hour of the clock is written: a poll without news costs none.

    So macros can tell from the polls alone what was written at an earlier moment.
    """
    return moment.replace(minute=0, second=0, microsecond=0)


def _served(known: Known) -> bool:
    return known.state in (PostState.LIVE, PostState.HIDDEN)


class Sightings:
    """Memories of sources, read when first asked for and kept up with every commit."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._memories: dict[str, SourceMemory] = {}
        self._pending: list[tuple[str, str, str, datetime, Known]] = []

    def memory(self, source_id: str) -> SourceMemory:
        """The memory of one source."""
        if source_id not in self._memories:
            self._memories[source_id] = self._load(source_id)
        return self._memories[source_id]

    def _load(self, source_id: str) -> SourceMemory:
        made = SourceMemory()
        for post_id, alias, reply_to, created_at, state, last_at in self._cursor.execute(
            "select p.post_id, i.post_id, p.reply_to_id, p.created_at, p.state, s.last_at "
            "from base.sightings as s join base.posts as p using (post_key) "
            "join base.ids as i using (post_key) where s.source_id = ?",
            [source_id],
        ):
            made.ids[alias] = post_id
            made.last_at[post_id] = last_at.replace(tzinfo=UTC)
            made.known[post_id] = Known(
                post_id=post_id, reply_to_id=reply_to,
                created_at=created_at.replace(tzinfo=UTC), state=PostState(state),
            )  # fmt: skip
        return made

    def write(
        self, cursor: Cursor, polls: list[Poll], ids: Ids, stored: Mapping[int, PostRow],
        found: list[Change],
    ) -> set[str]:  # fmt: skip
        """Store what the polls saw; the sources that showed something they had shown before.

        Args:
            stored: the rows of the posts as they stood before the changes that were `found`.
        """
        rows = {**stored, **{c.row["post_key"]: c.row for c in found}}
        self._read_anew(ids)
        new: dict[tuple[int, str], tuple[datetime, datetime]] = {}
        moved: list[tuple[int, str, datetime]] = []
        overlapping = set()
        for poll in polls:
            source_id = poll.source.source_id
            memory = self.memory(source_id)
            for post in poll.harvest.posts:
                key = ids.key(post.post_id)
                name, at = ids.name(key), poll.finished_at
                last = memory.last_at.get(name)
                if last is None:
                    new[key, source_id] = (new.get((key, source_id), (at, at))[0], at)
                else:
                    overlapping.add(source_id)
                    if _hour(at) > _hour(last):
                        moved.append((key, source_id, at))
                    else:
                        at = last  # what is remembered is what is written
                known = _known(rows[key], name)
                for alias in (name, post.post_id, *post.aliases):
                    self._pending.append((source_id, alias, name, at, known))
        self._change_states(found)
        cursor.insert("base.sightings", _SIGHTING, [(*pair, *times) for pair, times in new.items()])
        cursor.lookup(
            "update base.sightings set last_at = g.last_at from {given} as g where "
            "base.sightings.post_key = g.post_key and base.sightings.source_id = g.source_id",
            {"post_key": "BIGINT", "source_id": "VARCHAR", "last_at": "TIMESTAMP"},
            moved,
        )
        return overlapping

    def _read_anew(self, ids: Ids) -> None:
        """Drop memories that this transaction has made stale."""
        if ids.retold:
            self._memories.clear()
        for source_id, *_ in self._pending:
            self._memories.pop(source_id, None)

    def _change_states(self, found: list[Change]) -> None:
        """Other sources that showed a changed post remember its new state too."""
        for change in found:
            name = change.row["post_id"]
            for source_id, memory in self._memories.items():
                if name in memory.known:
                    at = memory.last_at[name]
                    self._pending.append((source_id, name, name, at, _known(change.row, name)))

    def keep(self, *, retold: bool = False) -> None:
        """The transaction stands: remember what it wrote.

        Args:
            retold: posts got other names; memories are read anew.
        """
        for source_id, alias, name, at, known in self._pending:
            memory = self._memories.get(source_id)
            if memory is None:
                continue
            memory.ids[alias] = name
            memory.last_at[name] = max(at, memory.last_at.get(name, at))
            memory.known[name] = known
        self._pending.clear()
        if retold:
            self._memories.clear()


def posted_since(database: Database, since: datetime) -> dict[str, list[datetime]]:
    """When the posts of each source were written, as far as that was since a moment."""
    cursor = database.cursor()
    rows = cursor.execute(
        "select s.source_id, list(p.created_at) from base.posts as p "
        "join base.sightings as s using (post_key) where p.created_at >= ? group by all",
        [since],
    )
    cursor.close()
    return {source: [at.replace(tzinfo=UTC) for at in times] for source, times in rows}


def failing(database: Database) -> set[str]:
    """The sources whose latest poll did not end well."""
    cursor = database.cursor()
    rows = cursor.execute(
        "select source_id from base.polls group by all "
        "having arg_max(outcome, poll_id) not in ('ok', 'unchanged')"
    )
    cursor.close()
    return {row[0] for row in rows}


def _known(row: PostRow, name: str) -> Known:
    return Known(
        post_id=name, reply_to_id=row["reply_to_id"], created_at=row["created_at"],
        state=PostState(row["state"]),
    )  # fmt: skip
