"""What each poll observed, and the holes between: polls in, spans and gaps out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.errors import AccessDenied
from monitor.store.database import Cursor
from monitor.store.ids import Ids
from monitor.types import Gap, GapReason, Outcome, Poll

__all__ = ["EVER", "Observation", "Observations"]

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""A complete list observes back to here: there is nothing that it left out."""

_GAP = {
    "gap_id": "BIGINT", "source_id": "VARCHAR", "event_id": "VARCHAR", "post_key": "BIGINT",
    "concerns": "VARCHAR", "started_at": "TIMESTAMP", "ended_at": "TIMESTAMP", "reason": "VARCHAR",
    "missing": "BIGINT", "filled_at": "TIMESTAMP", "recorded_at": "TIMESTAMP",
    "is_stated": "BOOLEAN",
}  # fmt: skip
_END = {
    "gap_id": "BIGINT", "ended_at": "TIMESTAMP", "filled_at": "TIMESTAMP",
    "end_recorded_at": "TIMESTAMP",
}  # fmt: skip
_TOLERANCE = timedelta(seconds=1)


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
        if harvest.complete:
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
class _Hole:
    """An interval that ended unobserved; a later poll may fill it still."""

    gap_id: int
    started_at: datetime
    ended_at: datetime


_Stated = tuple[int | None, str, str]
"""What tells stated gaps of a source apart: post key, reason, concerns."""


@dataclass(slots=True)
class Observations:
    """The open gaps and last successes of all sources, as far as the writer needs them."""

    next_gap: int = 1
    last_success: dict[str, datetime] = field(default_factory=dict)
    _time: dict[str, _Open] = field(default_factory=dict)  # source → its open hole in time
    _holes: dict[str, list[_Hole]] = field(default_factory=dict)
    _stated: dict[str, dict[_Stated, _Open]] = field(default_factory=dict)
    _new: list[tuple[Any, ...]] = field(default_factory=list)
    _ended: dict[int, tuple[datetime, datetime | None]] = field(default_factory=dict)

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
        for (
            gap_id,
            source,
            key,
            concerns,
            started,
            ended,
            reason,
            missing,
            stated,
        ) in cursor.execute(
            "select gap_id, source_id, post_key, concerns, started_at, ended_at, reason, missing, "
            "coalesce(is_stated, post_key is not null) from base.gaps "
            "where ended_at is null or (filled_at is null and post_key is null) order by gap_id"
        ):
            gap = _Open(gap_id, started.replace(tzinfo=UTC), reason, missing)
            if stated and ended is None:
                made._stated.setdefault(source, {})[key, reason, concerns] = gap
            elif not stated and ended is None:
                made._time[source] = gap
            elif not stated:
                hole = _Hole(gap_id, gap.started_at, ended.replace(tzinfo=UTC))
                made._holes.setdefault(source, []).append(hole)
        return made

    def record(
        self, poll: Poll, ids: Ids, now: datetime, *, overlaps: bool, watched_since: datetime
    ) -> datetime | None:
        """Take one poll in; the moment back to which it observed, None if it failed."""
        source_id = poll.source.source_id
        if poll.outcome in (Outcome.ERROR, Outcome.THROTTLED):
            since = min(self.last_success.get(source_id, watched_since), poll.finished_at)
            self.open(source_id, _reason(poll), since, poll.finished_at, now)
            self._state(poll, ids, now, whole=False)
            return None
        previous = self.last_success.get(source_id)
        if previous is not None:  # a clock that was set back has been there before
            previous = min(previous, poll.started_at)
        seen = observe(poll, previous, overlaps=overlaps)
        self._close_time(source_id, poll, seen, now)
        filled_from = self._fill(source_id, poll, seen, now)
        if poll.outcome == Outcome.OK:
            self._state(poll, ids, now, whole=True)
        self.last_success[source_id] = poll.started_at
        return min(seen.observed_from, filled_from)

    def open(
        self, source_id: str, reason: GapReason, since: datetime, at: datetime, now: datetime
    ) -> None:
        """A hole begins, at `since`; one that is open for another reason ends at `at`."""
        before = self._time.get(source_id)
        if before is not None and before.reason == reason:
            return
        if before is not None:
            at = max(at, before.started_at)
            self._end(source_id, before, at)
            since = at
        self._time[source_id] = self._add(source_id, None, "posts", since, reason, None, now)

    def close(self, source_id: str, at: datetime) -> None:
        """Nobody watches a source any more: what was open ends without having been seen."""
        if (gap := self._time.pop(source_id, None)) is not None:
            self._ended[gap.gap_id] = (max(at, gap.started_at), None)
        for gap in self._stated.pop(source_id, {}).values():
            self._ended[gap.gap_id] = (max(at, gap.started_at), None)

    def _end(self, source_id: str, gap: _Open, at: datetime) -> None:
        self._ended[gap.gap_id] = (at, None)
        self._holes.setdefault(source_id, []).append(_Hole(gap.gap_id, gap.started_at, at))

    def _close_time(self, source_id: str, poll: Poll, seen: Observation, now: datetime) -> None:
        gap = self._time.pop(source_id, None)
        if gap is not None:
            whole = seen.observed_from <= gap.started_at
            end = poll.started_at if whole else min(poll.started_at, seen.observed_from)
            self._end(source_id, gap, max(gap.started_at, end))
        elif seen.lost_from is not None and seen.observed_from > seen.lost_from:
            made = self._add(
                source_id, None, "posts", seen.lost_from, GapReason.PAGE_CAP, None, now
            )
            self._end(source_id, made, seen.observed_from)

    def _fill(self, source_id: str, poll: Poll, seen: Observation, now: datetime) -> datetime:
        """Mark the holes that this poll fetched after all; the start of the earliest of them."""
        start, left = seen.observed_from, []
        for hole in self._holes.pop(source_id, []):
            fetched = poll.harvest.complete or hole.started_at >= seen.observed_from
            if fetched and hole.ended_at <= poll.started_at:
                self._ended[hole.gap_id] = (hole.ended_at, now)
                start = min(start, hole.started_at)
            else:
                left.append(hole)
        if left:
            self._holes[source_id] = left
        return start

    def _state(self, poll: Poll, ids: Ids, now: datetime, *, whole: bool) -> None:
        """Begin the gaps that a poll states; with `whole`, it states all: end what is gone."""
        source_id = poll.source.source_id
        before = self._stated.get(source_id, {})
        after: dict[_Stated, _Open] = {} if whole else dict(before)
        for key, gap in _by_kind(poll.harvest.gaps, ids).items():
            old = before.get(key)
            if old is not None and old.missing == gap.missing:
                after[key] = old
                continue
            since = old.started_at if old else poll.finished_at
            after[key] = self._add(
                source_id, key[0], gap.concerns, since, gap.reason, gap.missing, now, stated=True
            )
        kept = {gap.gap_id for gap in after.values()}
        for key, gone in before.items():
            if gone.gap_id not in kept:
                seen = key not in after and (key[0] is not None or poll.harvest.complete)
                at = max(poll.finished_at, gone.started_at)
                self._ended[gone.gap_id] = (at, now if seen else None)
        self._stated[source_id] = after

    def _add(  # noqa: PLR0917 - a gap as it is
        self, source_id: str, key: int | None, concerns: str, since: datetime, reason: GapReason,
        missing: int | None, now: datetime, *, stated: bool = False,
    ) -> _Open:  # fmt: skip
        made = _Open(self.next_gap, since, str(reason), missing)
        self.next_gap += 1
        self._new.append((
            made.gap_id, source_id, None, key, concerns, since, None, str(reason), missing, None,
            now, stated,
        ))  # fmt: skip
        return made

    def downtime(
        self,
        sources: Iterable[tuple[str, datetime, datetime | None]],
        now: datetime,
        alive_until: datetime | None,
    ) -> None:
        """At start: who would have been polled while nobody ran was not seen.

        Args:
            sources: ids, each with the moment since when it is watched and when it was due next.
            alive_until: the last sign of life in the database, if there is one.
        """
        for source_id, watched_since, next_at in sources:
            if next_at is None or now - next_at <= _TOLERANCE:
                continue
            last = self.last_success.get(source_id, watched_since)
            if source_id in self._time and alive_until is not None:
                last = max(last, alive_until)
            last = min(last, now)
            self.open(source_id, GapReason.NOT_RUNNING, last, last, now)

    def flush(self, cursor: Cursor, now: datetime) -> None:
        """Write what changed."""
        cursor.insert("base.gaps", _GAP, self._new)
        cursor.lookup(
            "update base.gaps as b set ended_at = g.ended_at, filled_at = g.filled_at, "
            "end_recorded_at = coalesce(b.end_recorded_at, g.end_recorded_at) "
            "from {given} as g where b.gap_id = g.gap_id",
            _END,
            [(gap_id, *ends, now) for gap_id, ends in self._ended.items()],
        )
        self._new, self._ended = [], {}


def _by_kind(gaps: Iterable[Gap], ids: Ids) -> dict[_Stated, Gap]:
    return {
        (ids.key(gap.post_id) if gap.post_id else None, str(gap.reason), gap.concerns): gap
        for gap in gaps
    }


def _reason(poll: Poll) -> GapReason:
    if poll.outcome == Outcome.THROTTLED:
        return GapReason.THROTTLED
    return GapReason.ACCESS if isinstance(poll.harvest.error, AccessDenied) else GapReason.ERROR
