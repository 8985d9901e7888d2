"""The sources as the writer knows them: their state, and what is remembered between polls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from monitor.store.catalogue import load_sources, save_sources
from monitor.store.database import Cursor
from monitor.store.observation import Observations
from monitor.types import GapReason, Poll, Source, SourceKind

__all__ = ["Entries", "Entry"]

_CURSOR = {"source_id": "VARCHAR", "state": "JSON", "validators": "JSON"}


@dataclass(slots=True)
class Entry:
    """A source with what is remembered between its polls."""

    source: Source
    state: str  # active, unavailable, retired, archived
    next_at: datetime | None
    created_at: datetime
    cursor: dict[str, Any] = field(default_factory=dict)
    validators: dict[str, Any] = field(default_factory=dict)
    refusals: int = 0  # polls in a row that the host refused, in this life


class Entries:
    """All sources by their id.

    Args:
        can_poll: whether a source that was found may be polled.
    """

    def __init__(
        self, cursor: Cursor, observations: Observations, can_poll: Callable[[Source], bool]
    ) -> None:
        self._cursor = cursor
        self._observations = observations
        self._can_poll = can_poll
        self.by_id = {row[0].source_id: Entry(*row) for row in load_sources(cursor)}
        for source_id, state, validators in cursor.execute("from base.cursors"):
            entry = self.by_id.get(source_id)
            if entry is not None:
                entry.cursor = msgspec.json.decode(state or "{}")
                entry.validators = msgspec.json.decode(validators or "{}")

    def derive(self, derived: Mapping[Source, str | None], now: datetime) -> None:
        """Bring them in line with the sources of a configuration, each with why it can't be polled.

        None: it can.
        """
        touched = []
        by_id = {source.source_id: why for source, why in derived.items()}
        for source, why_not in derived.items():
            entry = self.by_id.get(source.source_id)
            if entry is None:
                entry = self.by_id[source.source_id] = Entry(source, "active", now, now)
            entry.source = source
            if why_not is not None:
                entry.state, entry.next_at = "unavailable", None
                self._observations.open(
                    source.source_id, GapReason.ACCESS, entry.created_at, now, now
                )
            elif entry.state in ("unavailable", "archived"):
                entry.state, entry.next_at = "active", now
            touched.append(entry)
        read = {(source.network, source.kind, source.target) for source in derived}
        for entry in self.by_id.values():
            source = entry.source
            if source.origin == "found" and source.source_id not in by_id:
                touched += self._switch(entry, now)
            # Taken out of the configuration, or found earlier and now configured by another id.
            is_gone = source.origin not in ("found", "import") or (
                (source.network, source.kind, source.target) in read
            )
            if is_gone and source.source_id not in by_id and entry.state != "archived":
                entry.state, entry.next_at = "archived", None
                self._observations.close(entry.source.source_id, now)
                touched.append(entry)
        self.save(touched)

    def _switch(self, entry: Entry, now: datetime) -> list[Entry]:
        """A found source whose network was switched on or off; [] if nothing changes."""
        can = self._can_poll(entry.source)
        if can and entry.state == "unavailable":
            entry.state, entry.next_at = "active", now
        elif not can and entry.state == "active":
            entry.state, entry.next_at = "unavailable", None
            self._observations.open(entry.source.source_id, GapReason.ACCESS, now, now, now)
        else:
            return []
        return [entry]

    def after(self, polls: list[Poll], now: datetime) -> None:
        """What polls leave for the next ones, and what they found."""
        touched, cursors = {}, []
        for poll in polls:
            entry = self.by_id[poll.source.source_id]
            entry.next_at = poll.next_at
            if poll.harvest.retire:
                entry.state, entry.next_at = "retired", None
            touched[poll.source.source_id] = entry
            if poll.source.kind == SourceKind.THREAD and poll.harvest.resolved:
                for one in self._resolved(entry, poll.harvest.resolved, now):
                    touched[one.source.source_id] = one
            if poll.harvest.error is None:
                kept = (poll.harvest.state, poll.validators)
                if kept != (entry.cursor, entry.validators):
                    entry.cursor, entry.validators = kept
                    texts = [msgspec.json.encode(part).decode() for part in kept]
                    cursors.append((poll.source.source_id, *texts))
            for source in poll.harvest.found:
                if (made := self._found(source, now)) is not None:
                    touched[made.source.source_id] = made
        self._cursor.lookup(
            "delete from base.cursors where source_id in (select source_id from {given})",
            {"source_id": "VARCHAR"},
            [(row[0],) for row in cursors],
        )
        self._cursor.insert("base.cursors", _CURSOR, cursors)
        self.save(touched.values())

    def _found(self, source: Source, now: datetime) -> Entry | None:
        """A source found on the way: new, or serving more than before."""
        entry = self._reads(source)
        if entry is None:
            entry = self.by_id[source.source_id] = Entry(source, "archived", None, now)
        if entry.state == "archived":  # new, or no longer configured, but there it is again
            source = replace(source, source_id=entry.source.source_id)
            entry.source, entry.state, entry.next_at = source, "active", now
            if not self._can_poll(source):
                entry.state, entry.next_at = "unavailable", None
                self._observations.open(source.source_id, GapReason.ACCESS, now, now, now)
            return entry
        known = entry.source
        companies, events = known.companies | source.companies, known.events | source.events
        if (companies, events) == (known.companies, known.events):
            return None
        entry.source = replace(known, companies=companies, events=events)
        return entry

    def _reads(self, source: Source) -> Entry | None:
        """The entry that reads the same thing, under whatever id and address it was configured."""
        what = (source.network, source.kind)
        native = f"{source.network}:{source.target}"
        same = [
            entry
            for entry in self.by_id.values()
            if (entry.source.network, entry.source.kind) == what
            and (
                entry.source.target == source.target
                or (source.kind == SourceKind.THREAD and entry.source.root_id == native)
            )
        ]
        return min(same, key=lambda entry: entry.state == "archived", default=None)

    def _resolved(self, entry: Entry, post_id: str, now: datetime) -> list[Entry]:
        """A thread turned out to be that of `post_id`; one found under that id gives way to it."""
        entry.source = replace(entry.source, root_id=post_id)
        twins = [
            other
            for other in self.by_id.values()
            if other is not entry and other.state == "active" and other.source.origin == "found"
            and other.source.kind == SourceKind.THREAD
            and f"{other.source.network}:{other.source.target}" == post_id
            and entry.source.origin != "found"
        ]  # fmt: skip
        for twin in twins:
            twin.state, twin.next_at = "archived", None
            self._observations.close(twin.source.source_id, now)
        return [entry, *twins]

    def save(self, entries: Iterable[Entry]) -> None:
        """Write entries as they are now."""
        save_sources(self._cursor, [(e.source, e.state, e.next_at, e.created_at) for e in entries])
