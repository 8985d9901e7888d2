"""Writing commands: the same functions whether the daemon runs them or a command by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from monitor.collect.pollable import pollable
from monitor.config import Watched
from monitor.enrich.score import Scored
from monitor.errors import StoreError, UsageError
from monitor.imports.rows import CounterRow, PostRow
from monitor.store.copies import snapshot
from monitor.store.labels import Label
from monitor.store.writer import Writer
from monitor.types import Harvest, Outcome, Poll, Post

__all__ = ["COMMANDS", "Look"]


def exclude(writer: Writer, *, event: str, posts: list[str], undo: bool = False) -> dict[str, Any]:
    """Say that posts are not about an event, or take that back; what was changed.

    Raises:
        UsageError: no such event, or a post that is no reaction to it; then nothing is changed.
    """
    return {"event": event, "undo": undo, "changed": writer.exclude(event, posts, undo=undo)}


def bring(
    writer: Writer,
    *,
    posts: list[dict[str, Any]],
    counters: list[dict[str, Any]],
    observed: list[str] | None = None,
    is_last: bool = True,
) -> dict[str, Any]:
    """Store rows of an import, as `monitor.imports.rows` has checked them; what came of it."""
    new, changed, strange = writer.bring(
        [row.post() for row in msgspec.convert(posts, list[PostRow])],
        msgspec.convert(counters, list[CounterRow]),
        observed=msgspec.convert(observed, tuple[datetime, datetime]) if observed else None,
        is_last=is_last,
    )
    with suppress(StoreError):  # what was brought is stored; another time will do for its order
        while is_last and writer.maintain():
            pass
    return {"new": new, "changed": changed, "strange": strange}


def watch(writer: Writer, *, watched: dict[str, Any]) -> None:
    """Put companies, events and sources beside the configuration, from now on."""
    more = msgspec.convert(watched, Watched)
    writer.synchronise(pollable(writer.config.joined(more)), more)


def backup(writer: Writer) -> dict[str, Any]:
    """Copy the database between two commits; where the copy is, to be delivered by the caller.

    Raises:
        UsageError: the database is in memory only.
    """
    if writer.path is None:
        raise UsageError("a database in memory can't be backed up; name a --data-dir")
    return {"copy": str(snapshot(writer.path))}


def label(writer: Writer, *, event: str, labels: list[dict[str, Any]]) -> dict[str, int]:
    """Store what somebody says of posts; how many labels are new."""
    return {"changed": writer.label(event, msgspec.convert(labels, list[Label]))}


def keep_scores(writer: Writer, *, engine: str, model: str, scored: list[dict[str, Any]]) -> None:
    """Store what another process saw in posts."""
    writer.keep_scores(msgspec.convert(scored, list[Scored]), engine, model)


class Look(msgspec.Struct):
    """What one past poll shows now."""

    started_at: datetime
    finished_at: datetime
    posts: list[Post]


def reparse(
    writer: Writer, *, source: str, looks: list[dict[str, Any]], counters: list[dict[str, Any]]
) -> dict[str, int]:
    """Store what past polls of one source show to a mended parser; what came of it."""
    entry = writer.entries.get(source)
    if entry is None:
        raise UsageError(f"{source}: there is no such source any more")
    polls = [
        Poll(
            source=entry.source, started_at=look.started_at, finished_at=look.finished_at,
            outcome=Outcome.OK, harvest=Harvest(posts=look.posts), next_at=look.finished_at,
        )
        for look in msgspec.convert(looks, list[Look])
    ]  # fmt: skip
    new, changed, more = writer.reparse(source, polls, msgspec.convert(counters, list[CounterRow]))
    return {"new": new, "changed": changed, "counters": more}


COMMANDS: dict[str, Callable[..., Any]] = {
    "backup": backup,
    "bring": bring,
    "exclude": exclude,
    "keep_scores": keep_scores,
    "label": label,
    "reparse": reparse,
    "watch": watch,
}
