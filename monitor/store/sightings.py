"""Who saw which post when, and what a source has shown before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice

from monitor.store.database import Cursor, Database
from monitor.store.ids import Ids
from monitor.store.posts import Change, PostRow
from monitor.types import Known, Poll, PostState

__all__ = ["Sightings", "SourceMemory", "failing", "posted_since"]

_SIGHTING = {
    "post_key": "BIGINT", "source_id": "VARCHAR", "first_at": "TIMESTAMP", "last_at": "TIMESTAMP",
}  # fmt: skip
_SERVED = (PostState.LIVE, PostState.HIDDEN)
_FEWEST = 50
"""So many ids of a list are remembered, if no poll named more; and read back at first."""
_TOGETHER = 20
"""With a source so many others are read: the cost hangs on all sightings, not on theirs."""

# Picked out before they are joined. `most`: so many of a list; NULL: all.
_REMEMBERED = """
with late as materialized (
    select s.source_id, s.post_key, s.last_at
    from base.sightings as s
    join {given} as g using (source_id)
    qualify
        g.most is null
        or row_number() over (
            partition by s.source_id order by s.last_at desc, s.post_key desc
        ) <= g.most
),

gone as materialized (
    select source_id, post_key, last_at
    from base.sightings
    where
        source_id in (select source_id from {given})
        and post_key in (select post_key from base.posts where state not in ('live', 'hidden'))
),

shown as materialized (
    from late
    union
    from gone
)

select s.source_id, i.post_id, p.post_id, p.reply_to_id, p.created_at, p.state, s.last_at
from shown as s
join base.posts as p using (post_key)
join base.ids as i using (post_key)
order by s.last_at, s.post_key
"""


@dataclass(slots=True)
class SourceMemory:
    """The posts of one source, by every id under which it may name them.

    A thread or a site is remembered whole, so that what it no longer shows is noticed. A list goes
    on for ever: of it what it showed lately is remembered, and what is gone, which it may show once
    more by mistake. The store is asked about the rest.
    """

    shown: dict[str, Known] = field(default_factory=dict)
    is_list: bool = True
    is_whole: bool = True
    most: int = _FEWEST  # ids that one poll named

    def seen(self, post_ids: Iterable[str]) -> set[str]:
        """Which of these posts this source has shown before."""
        return {post_id for post_id in post_ids if post_id in self.shown}

    def live(self) -> Mapping[str, Known]:
        """The posts that it has shown and that are believed to be served still."""
        known = list(self.shown.values())
        return {one.post_id: one for one in known if one.state in _SERVED}

    def shorten(self) -> None:
        """Of a list that showed more than a poll does, keep what it showed last."""
        if self.is_list and 4 * len(self.shown) > 5 * self.most:
            ordered = sorted(self.shown.items(), key=lambda item: item[1].last_at)
            earlier, latest = ordered[: -self.most], ordered[-self.most :]
            gone = [item for item in earlier if item[1].state not in _SERVED]
            # At once: a collector may be reading.
            self.shown, self.is_whole = dict(gone + latest), False


def _hour(moment: datetime) -> datetime:
    """Only the first showing in each hour of the clock is written: a poll without news costs none.

    So macros can tell from the polls alone what was written at an earlier moment.
    """
    return moment.replace(minute=0, second=0, microsecond=0)


class Sightings:
    """Memories of sources, read when first asked for and kept up with every commit."""

    def __init__(
        self, cursor: Cursor, is_list: Callable[[str], bool], active: Callable[[], Iterable[str]]
    ) -> None:
        """Args: active: the sources that are polled."""
        self._cursor, self._is_list, self._active = cursor, is_list, active
        self._memories: dict[str, SourceMemory] = {}
        self._pending: list[tuple[str, str, Known]] = []

    def memory(self, source_id: str) -> SourceMemory:
        """The memory of one source. Not for use in a transaction: it reads others along."""
        if source_id not in self._memories:
            others = (one for one in self._active() if one not in self._memories)
            self._load(list(dict.fromkeys([source_id, *islice(others, _TOGETHER)])))
        return self._memories[source_id]

    def _own(self, source_id: str) -> SourceMemory:
        """Without others: if the transaction fails, nobody would know that theirs is stale."""
        if source_id not in self._memories:
            self._load([source_id])
        return self._memories[source_id]

    def _load(self, source_ids: list[str]) -> None:
        asked = [(one, _FEWEST if self._is_list(one) else None) for one in source_ids]
        shown: dict[str, dict[str, Known]] = {one: {} for one in source_ids}
        for source_id, alias, post_id, reply_to, created_at, state, last_at in self._cursor.lookup(
            _REMEMBERED, {"source_id": "VARCHAR", "most": "INTEGER"}, asked
        ):
            shown[source_id][alias] = Known(
                post_id=post_id, reply_to_id=reply_to, created_at=created_at.replace(tzinfo=UTC),
                state=PostState(state), last_at=last_at.replace(tzinfo=UTC),
            )  # fmt: skip
        for source_id, most in asked:
            known = shown[source_id]
            is_whole = most is None or len(known) < most
            self._memories[source_id] = SourceMemory(
                known, is_list=most is not None, is_whole=is_whole
            )

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
        forgotten = self._forgotten(cursor, polls, ids)
        new: dict[tuple[int, str], tuple[datetime, datetime]] = {}
        moved: list[tuple[int, str, datetime]] = []
        overlapping = set()
        for poll in polls:
            source_id = poll.source.source_id
            memory, named = self._own(source_id), 0
            for post in poll.harvest.posts:
                key = ids.key(post.post_id)
                name, at = ids.name(key), poll.finished_at
                held = memory.shown.get(name)
                last = held.last_at if held else forgotten.get((key, source_id))
                if last is None:
                    new[key, source_id] = (new.get((key, source_id), (at, at))[0], at)
                else:
                    overlapping.add(source_id)
                    if _hour(at) > _hour(last):
                        moved.append((key, source_id, at))
                    else:
                        at = last  # what is remembered is what is written
                known = _known(rows[key], name, at)
                aliases = {name, post.post_id, *post.aliases}
                self._pending += [(source_id, alias, known) for alias in aliases]
                named += len(aliases)
            memory.most = max(memory.most, named)
        self._change_states(found)
        cursor.insert("base.sightings", _SIGHTING, [(*pair, *times) for pair, times in new.items()])
        cursor.lookup(
            "update base.sightings set last_at = g.last_at from {given} as g where "
            "base.sightings.post_key = g.post_key and base.sightings.source_id = g.source_id",
            {"post_key": "BIGINT", "source_id": "VARCHAR", "last_at": "TIMESTAMP"},
            moved,
        )
        return overlapping

    def _forgotten(
        self, cursor: Cursor, polls: list[Poll], ids: Ids
    ) -> dict[tuple[int, str], datetime]:
        """When sources last showed what they show again, and what is not remembered of them."""
        asked = set()
        for poll in polls:
            memory = self._own(poll.source.source_id)
            if not memory.is_whole:
                keys = {ids.key(post.post_id) for post in poll.harvest.posts} - ids.fresh
                unknown = (key for key in keys if ids.name(key) not in memory.shown)
                asked |= {(key, poll.source.source_id) for key in unknown}
        rows = cursor.lookup(
            "select s.post_key, s.source_id, s.last_at from base.sightings as s "
            "join {given} using (post_key, source_id)",
            {"post_key": "BIGINT", "source_id": "VARCHAR"},
            sorted(asked),
        )
        return {(key, source_id): at.replace(tzinfo=UTC) for key, source_id, at in rows}

    def _read_anew(self, ids: Ids) -> None:
        """Drop memories that this transaction has made stale."""
        if ids.retold:
            self._memories.clear()
        for source_id, *_ in self._pending:
            self._memories.pop(source_id, None)

    def _change_states(self, found: list[Change]) -> None:
        """Other sources that showed a changed post remember its new state too."""
        changed = [change for change in found if not change.is_new]
        for change in changed:
            name = change.row["post_id"]
            for source_id, memory in self._memories.items():
                if held := memory.shown.get(name):
                    known = _known(change.row, name, held.last_at)
                    self._pending.append((source_id, name, known))

    def keep(self, *, retold: bool = False) -> None:
        """The transaction stands: remember what it wrote.

        Args:
            retold: posts got other names; memories are read anew.
        """
        grown = set()
        for source_id, alias, known in self._pending:
            if memory := self._memories.get(source_id):
                held = memory.shown.get(alias)
                last = max(known.last_at, held.last_at) if held else known.last_at
                memory.shown[alias] = (
                    replace(known, last_at=last) if last > known.last_at else known
                )
                grown.add(source_id)
        self._pending.clear()
        for source_id in grown:
            self._memories[source_id].shorten()
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


def _known(row: PostRow, name: str, at: datetime) -> Known:
    return Known(
        post_id=name, reply_to_id=row["reply_to_id"], created_at=row["created_at"],
        state=PostState(row["state"]), last_at=at,
    )  # fmt: skip
