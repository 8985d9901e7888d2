"""What commands put beside the configuration: kept here, read at every start."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import msgspec

from monitor.config import Company, Event, SourceConfig, Watched
from monitor.store.database import Cursor

__all__ = ["WATCHED", "load_watched", "save_watched", "watched_of"]

WATCHED = "select kind, definition from base.watched order by rowid"

_S = TypeVar("_S", Company, Event, SourceConfig)
_COLUMNS = {"kind": "VARCHAR", "definition": "JSON", "recorded_at": "TIMESTAMP"}


def load_watched(cursor: Cursor) -> Watched:
    """All that was ever watched by command."""
    return watched_of(cursor.execute(WATCHED))


def watched_of(rows: Iterable[tuple[str, str]]) -> Watched:
    """What the rows of `WATCHED` hold."""
    kept: dict[str, list[str]] = {}
    for kind, definition in rows:
        kept.setdefault(kind, []).append(definition)
    return Watched(
        company=_decoded(kept.get("company", ()), Company),
        event=_decoded(kept.get("event", ()), Event),
        source=_decoded(kept.get("source", ()), SourceConfig),
    )


def _decoded(texts: list[str] | tuple[()], kind: type[_S]) -> tuple[_S, ...]:
    return tuple(msgspec.json.decode(text, type=kind) for text in texts)


def save_watched(cursor: Cursor, watched: Watched, now: datetime) -> None:
    """Write all of it anew: it is little."""
    cursor.execute("delete from base.watched")
    rows = [
        (kind, msgspec.json.encode(one).decode(), now)
        for kind in watched.__struct_fields__
        for one in getattr(watched, kind)
    ]
    cursor.insert("base.watched", _COLUMNS, rows)
