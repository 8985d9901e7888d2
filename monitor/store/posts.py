"""Posts into rows: clocks, content authority, versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.store.database import Cursor
from monitor.store.ids import Ids
from monitor.types import Poll, Post, PostState

__all__ = ["Change", "PostRow", "changes", "clock", "gather", "write_posts"]

_LATE = timedelta(minutes=5)

_POST = {
    "post_key": "BIGINT", "post_id": "VARCHAR", "network": "VARCHAR", "url": "VARCHAR",
    "author_id": "VARCHAR", "author_handle": "VARCHAR", "author_name": "VARCHAR",
    "author_followers": "BIGINT", "title": "VARCHAR", "text": "VARCHAR",
    "created_at": "TIMESTAMP", "claimed_at": "TIMESTAMP", "clock": "VARCHAR",
    "first_seen_at": "TIMESTAMP", "edited_at": "TIMESTAMP", "deleted_at": "TIMESTAMP",
    "state": "VARCHAR", "reply_to_id": "VARCHAR", "root_id": "VARCHAR", "quoted_id": "VARCHAR",
    "source_id": "VARCHAR", "reply_to_key": "BIGINT", "root_key": "BIGINT",
    "quoted_key": "BIGINT", "is_article": "BOOLEAN", "language_tag": "VARCHAR",
    "content_source": "VARCHAR", "content_hash": "BIGINT", "version": "INTEGER",
    "recorded_at": "TIMESTAMP",
}  # fmt: skip
_VERSION = {
    "post_key": "BIGINT", "version": "INTEGER", "recorded_at": "TIMESTAMP",
    "author_name": "VARCHAR", "author_followers": "BIGINT", "title": "VARCHAR", "text": "VARCHAR",
    "edited_at": "TIMESTAMP", "state": "VARCHAR",
}  # fmt: skip
_VERSIONED = ("author_name", "title", "text", "edited_at", "state")
_FIXED = ("post_key", "post_id", "network", "created_at", "claimed_at", "clock", "first_seen_at",
          "source_id")  # fmt: skip

PostRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A post as one poll of the group showed it."""

    post: Post
    poll: Poll

    @property
    def native(self) -> bool:
        """Does the source read the post's own network?"""
        return self.poll.source.network == self.post.network


@dataclass(frozen=True, slots=True)
class Change:
    """A post that is new, or whose row has to be replaced."""

    row: PostRow
    post: Post | None  # None: a deletion
    is_new: bool
    new_version: bool


def clock(post: Post, first_seen_at: datetime) -> tuple[datetime, str]:
    """The time used for analysis, and whose it is: `network`, `author` or `first_seen`.

    The network's own index time, else the author's claim; if missing or more than five minutes
    later than we saw the post, the moment we saw it.
    """
    for value, name in ((post.indexed_at, "network"), (post.claimed_at, "author")):
        if value is not None:
            return (
                (value, name) if value <= first_seen_at + _LATE else (first_seen_at, "first_seen")
            )
    return first_seen_at, "first_seen"


def gather(polls: Sequence[Poll]) -> dict[str, Shown]:
    """The posts of a group of polls, each once: a native source's word goes before a feed's."""
    found: dict[str, Shown] = {}
    for poll in polls:
        for post in poll.harvest.posts:
            shown, before = Shown(post, poll), found.get(post.post_id)
            if before is None or shown.native >= before.native:
                found[post.post_id] = shown
    return found


def content_hash(post: Post) -> int:
    """64 bits of all that a new look could change, counters and follower counts apart."""
    plain = replace(post, author_followers=None, aliases=())
    return int.from_bytes(hashlib.sha256(repr(plain).encode()).digest()[:8], "big", signed=True)


def row_of(shown: Shown, key: int, ids: Ids, now: datetime) -> PostRow:
    """The row of a post that nobody has shown before."""
    post, poll = shown.post, shown.poll
    created_at, whose = clock(post, poll.finished_at)
    edges = {
        kind: ids.key(other) if other else None
        for kind, other in (
            ("reply_to", post.reply_to_id), ("root", post.root_id), ("quoted", post.quoted_id),
        )
    }  # fmt: skip
    name = ids.name(key)
    return {
        "post_key": key, "post_id": name, "network": name.partition(":")[0], "url": post.url,
        "author_id": post.author_id, "author_handle": post.author_handle,
        "author_name": post.author_name, "author_followers": post.author_followers,
        "title": post.title, "text": post.text, "created_at": created_at,
        "claimed_at": post.claimed_at, "clock": whose, "first_seen_at": poll.finished_at,
        "edited_at": post.edited_at, "deleted_at": None, "state": str(post.state),
        **{f"{kind}_id": None if k is None else ids.name(k) for kind, k in edges.items()},
        "source_id": poll.source.source_id,
        **{f"{kind}_key": k for kind, k in edges.items()},
        "is_article": post.is_article, "language_tag": post.language_tag,
        "content_source": "network" if shown.native else poll.source.source_id,
        "content_hash": content_hash(post), "version": 1, "recorded_at": now,
    }  # fmt: skip


def changes(
    shown: Iterable[Shown], removed: Iterable[str], stored: dict[int, PostRow], ids: Ids,
    now: datetime,
) -> list[Change]:  # fmt: skip
    """What has to be written, given the `stored` rows of all posts that are shown or removed."""
    found: dict[int, Change] = {}
    for one in shown:
        key = ids.key(one.post.post_id)
        if key in found:  # two ids of the group turned out to be one post
            continue
        before = stored.get(key)
        fresh = row_of(one, key, ids, now)
        if before is None:
            found[key] = Change(fresh, one.post, is_new=True, new_version=True)
        elif (change := _update(before, fresh, one)) is not None:
            found[key] = change
    for post_id in removed:
        key = ids.key(post_id)
        before = found[key].row if key in found else stored.get(key)
        if before is not None and before["state"] not in (PostState.DELETED, PostState.ERASED):
            found[key] = _removal(before, now, is_new=key in found and found[key].is_new)
    return list(found.values())


def _update(before: PostRow, fresh: PostRow, shown: Shown) -> Change | None:
    """The new row, if this source may speak about the post and says something new."""
    if before["state"] == PostState.ERASED:
        return None
    takes_over = fresh["content_source"] == "network" != before["content_source"]
    if not takes_over and fresh["content_source"] != before["content_source"]:
        return None
    unchanged = fresh["content_hash"] == before["content_hash"]
    if not takes_over and unchanged and before["state"] == fresh["state"]:
        return None
    row = {**fresh, **{column: before[column] for column in _FIXED}}
    for kind in ("reply_to", "root", "quoted"):  # an edge once known is not forgotten
        if row[f"{kind}_key"] is None:
            row[f"{kind}_key"], row[f"{kind}_id"] = before[f"{kind}_key"], before[f"{kind}_id"]
    is_version = any(_same(row[c]) != _same(before[c]) for c in _VERSIONED)
    row["version"] = before["version"] + is_version
    return Change(row, shown.post, is_new=False, new_version=is_version)


def _same(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _removal(before: PostRow, now: datetime, *, is_new: bool) -> Change:
    row = {
        **before,
        "state": str(PostState.DELETED), "deleted_at": now, "text": None, "title": None,
        "author_name": None, "content_hash": None, "version": before["version"] + (not is_new),
        "recorded_at": now,
    }  # fmt: skip
    return Change(row, None, is_new=is_new, new_version=True)


def stored_rows(cursor: Cursor, keys: Iterable[int]) -> dict[int, PostRow]:
    """The rows of these posts as they stand."""
    rows = cursor.lookup(
        f"select {', '.join(_POST)} from base.posts join {{given}} using (post_key)",
        {"post_key": "BIGINT"},
        [(key,) for key in keys],
    )
    return {row[0]: dict(zip(_POST, row, strict=True)) for row in rows}


def write_posts(cursor: Cursor, found: list[Change]) -> None:
    """Replace changed rows, append new ones and their versions."""
    changed = [(c.row["post_key"],) for c in found if not c.is_new]
    cursor.lookup(
        "delete from base.posts where post_key in (select post_key from {given})",
        {"post_key": "BIGINT"},
        changed,
    )
    cursor.insert("base.posts", _POST, [tuple(c.row[n] for n in _POST) for c in found])
    cursor.insert(
        "base.versions",
        _VERSION,
        [tuple(c.row[n] for n in _VERSION) for c in found if c.new_version],
    )
