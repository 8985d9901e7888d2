"""What each poll observed, and the holes between: polls in, spans and gaps out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.errors import AccessDenied
from monitor.store.database import Cursor
from monitor.store.ids import Ids
from monitor.types import GapReason, Outcome, Poll, Source

__all__ = ["Observation", "Observations"]

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""A complete list observes back to here: there is nothing that it left out."""

_GAP = {
    "gap_id": "BIGINT", "source_id": "VARCHAR", "event_id": "VARCHAR", "post_key": "BIGINT",
    "concerns": "VARCHAR", "started_at": "TIMESTAMP", "ended_at": "TIMESTAMP", "reason": "VARCHAR",
    "missing": "BIGINT", "filled_at": "TIMESTAMP", "recorded_at": "TIMESTAMP",
}  # fmt: skip
_END = {"gap_id": "BIGINT", "ended_at": "TIMESTAMP", "filled_at": "TIMESTAMP"}


@dataclass(frozen=True, slots=True)
class Observation:
    """How far back a successful poll saw; `lost_from` set: what came between was not seen."""

    observed_from: datetime
    overlaps: bool
    lost_from: datetime | None = None


def observe(poll: Poll, previous: datetime | None, *, overlaps: bool) -> Observation:
    """What a successful poll observed, given the start of the successful poll before it.

    It observes back to the poll before if what it read overlaps what was known, or is complete;
    else only back to its oldest item. A first poll observes back to the oldest item of a
    time-ordered list, or everything if it read everything.
    """
    harvest = poll.harvest
    whole = harvest.complete or not harvest.posts
    if previous is None:
        if whole:
            return Observation(EVER, overlaps=True)
        return Observation(_oldest(poll), overlaps=True)
    if whole or overlaps or harvest.unchanged:
        return Observation(previous, overlaps=True)
    oldest = min(max(_oldest(poll), previous), poll.started_at)
    return Observation(oldest, overlaps=False, lost_from=previous)


def _oldest(poll: Poll) -> datetime:
    times = [p.indexed_at or p.claimed_at for p in poll.harvest.posts]
    known = [t for t in times if t is not None]
    if not poll.harvest.ordered or not known or len(known) < len(times):
        return poll.started_at
    return min(poll.started_at, *known)


@dataclass(slots=True)
class _Open:
    gap_id: int
    started_at: datetime
    reason: str
    missing: int | None = None


@dataclass(slots=True)
class Observations:
    """The open gaps and last successes of all sources, as far as the writer needs them."""

    next_gap: int = 1
    last_success: dict[str, datetime] = field(default_factory=dict)
    _time: dict[str, _Open] = field(default_factory=dict)  # source → its open hole in time
    _count: dict[str, dict[tuple[int, str], _Open]] = field(default_factory=dict)
    _new: list[tuple[Any, ...]] = field(default_factory=list)
    _ended: list[tuple[int, datetime, datetime | None]] = field(default_factory=list)

    @classmethod
    def load(cls, cursor: Cursor) -> Observations:
        """The state that the database holds."""
        made = cls(
            next_gap=cursor.execute("select coalesce(max(gap_id), 0) from base.gaps")[0][0] + 1
        )
        for source_id, at in cursor.execute(
            "select source_id, max(started_at) from base.polls "
            "where outcome in ('ok', 'unchanged') group by all"
        ):
            made.last_success[source_id] = at.replace(tzinfo=UTC)
        for gap_id, source, key, started, reason, missing in cursor.execute(
            "select gap_id, source_id, post_key, started_at, reason, missing from base.gaps "
            "where ended_at is null"
        ):
            gap = _Open(gap_id, started.replace(tzinfo=UTC), reason, missing)
            if key is None:
                made._time[source] = gap
            else:
                made._count.setdefault(source, {})[key, reason] = gap
        return made

    def record(
        self, poll: Poll, ids: Ids, now: datetime, *, overlaps: bool, watched_since: datetime
    ) -> datetime | None:
        """Take one poll in; the moment back to which it observed, None if it failed."""
        source_id = poll.source.source_id
        if poll.outcome in (Outcome.ERROR, Outcome.THROTTLED):
            self.open(source_id, _reason(poll), self.last_success.get(source_id, watched_since),
                      poll.finished_at, now)  # fmt: skip
            return None
        seen = observe(poll, self.last_success.get(source_id), overlaps=overlaps)
        self._close_time(source_id, poll, seen, now)
        if poll.outcome == Outcome.OK and (poll.harvest.complete or poll.harvest.gaps):
            self._counts(poll, ids, now)
        self.last_success[source_id] = poll.started_at
        return seen.observed_from

    def open(
        self, source_id: str, reason: GapReason, since: datetime, at: datetime, now: datetime
    ) -> None:
        """A hole begins, at `since`; one that is open for another reason ends at `at`."""
        before = self._time.get(source_id)
        if before is not None and before.reason == reason:
            return
        if before is not None:
            self._ended.append((before.gap_id, at, None))
            since = at
        self._time[source_id] = self._add(source_id, None, "posts", since, reason, None, now)

    def _close_time(self, source_id: str, poll: Poll, seen: Observation, now: datetime) -> None:
        gap = self._time.pop(source_id, None)
        if gap is not None:
            end = min(poll.started_at, max(gap.started_at, seen.observed_from))
            filled = seen.overlaps and seen.observed_from <= gap.started_at
            self._ended.append(
                (gap.gap_id, poll.started_at if filled else end, now if filled else None)
            )
        elif seen.lost_from is not None and seen.observed_from > seen.lost_from:
            made = self._add(
                source_id, None, "posts", seen.lost_from, GapReason.PAGE_CAP, None, now
            )
            self._ended.append((made.gap_id, seen.observed_from, None))

    def _counts(self, poll: Poll, ids: Ids, now: datetime) -> None:
        """The poll states all count gaps of its source: end what is gone, begin what is new."""
        source_id = poll.source.source_id
        before = self._count.get(source_id, {})
        after: dict[tuple[int, str], _Open] = {}
        for gap in poll.harvest.gaps:
            if gap.post_id is None:
                continue
            key = (ids.key(gap.post_id), str(gap.reason))
            old = before.get(key)
            if old is not None and old.missing == gap.missing:
                after[key] = old
                continue
            since = old.started_at if old else poll.finished_at
            after[key] = self._add(
                source_id, key[0], gap.concerns, since, gap.reason, gap.missing, now
            )
        kept = {gap.gap_id for gap in after.values()}
        for gap_ in before.values():
            if gap_.gap_id not in kept:
                self._ended.append((gap_.gap_id, poll.finished_at, now))
        self._count[source_id] = after

    def _add(  # noqa: PLR0917 - a gap as it is
        self, source_id: str, key: int | None, concerns: str, since: datetime, reason: GapReason,
        missing: int | None, now: datetime,
    ) -> _Open:  # fmt: skip
        made = _Open(self.next_gap, since, str(reason), missing)
        self.next_gap += 1
        self._new.append(
            (
                made.gap_id,
                source_id,
                None,
                key,
                concerns,
                since,
                None,
                str(reason),
                missing,
                None,
                now,
            )
        )
        return made

    def downtime(
        self,
        sources: Iterable[tuple[Source, datetime]],
        now: datetime,
        alive_until: datetime | None,
    ) -> None:
        """At start: who would have been polled while nobody ran was not seen.

        Args:
            sources: each with the moment since when it is watched.
            alive_until: the last sign of life in the database, if there is one.
        """
        for source, watched_since in sources:
            last = self.last_success.get(source.source_id, watched_since)
            if source.source_id in self._time and alive_until is not None:
                last = max(last, alive_until)
            if now - last > source.interval + timedelta(seconds=1):
                self.open(source.source_id, GapReason.NOT_RUNNING, last, last, now)

    def flush(self, cursor: Cursor) -> None:
        """Write what changed."""
        cursor.insert("base.gaps", _GAP, self._new)
        cursor.lookup(
            "update base.gaps set ended_at = g.ended_at, filled_at = g.filled_at "
            "from {given} as g where base.gaps.gap_id = g.gap_id",
            _END,
            self._ended,
        )
        self._new, self._ended = [], []


def _reason(poll: Poll) -> GapReason:
    if poll.outcome == Outcome.THROTTLED:
        return GapReason.THROTTLED
    return GapReason.ACCESS if isinstance(poll.harvest.error, AccessDenied) else GapReason.ERROR
