"""Posts into rows: clocks, content authority, versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.store.database import Cursor
from monitor.store.ids import Ids
from monitor.types import Imported, Poll, Post, PostState, SourceKind

__all__ = ["Change", "PostRow", "changes", "clock", "gather", "write_posts"]

_LATE = timedelta(minutes=5)
_SEES_HIDING = (SourceKind.THREAD, SourceKind.SITE)
"""Where an announcer's choice to hide a reply is shown; other lists show the reply as it is."""

_POST = {
    "post_key": "BIGINT", "post_id": "VARCHAR", "network": "VARCHAR", "url": "VARCHAR",
    "author_id": "VARCHAR", "author_handle": "VARCHAR", "author_name": "VARCHAR",
    "author_followers": "BIGINT", "title": "VARCHAR", "text": "VARCHAR",
    "created_at": "TIMESTAMP", "claimed_at": "TIMESTAMP", "clock": "VARCHAR",
    "first_seen_at": "TIMESTAMP", "edited_at": "TIMESTAMP", "deleted_at": "TIMESTAMP",
    "state": "VARCHAR", "reply_to_id": "VARCHAR", "root_id": "VARCHAR", "quoted_id": "VARCHAR",
    "language": "VARCHAR", "language_confidence": "DOUBLE", "source_id": "VARCHAR",
    "reply_to_key": "BIGINT", "root_key": "BIGINT", "quoted_key": "BIGINT", "is_article": "BOOLEAN",
    "language_tag": "VARCHAR", "language_engine": "VARCHAR",
    "content_source": "VARCHAR", "content_hash": "BIGINT", "version": "INTEGER",
    "recorded_at": "TIMESTAMP",
}  # fmt: skip
_VERSION = {
    "post_key": "BIGINT", "version": "INTEGER", "recorded_at": "TIMESTAMP",
    "author_name": "VARCHAR", "author_followers": "BIGINT", "title": "VARCHAR", "text": "VARCHAR",
    "edited_at": "TIMESTAMP", "state": "VARCHAR",
}  # fmt: skip
_VERSIONED = ("author_name", "title", "text", "edited_at", "state")
_CLOCKS = ("created_at", "claimed_at", "clock")
_EDGES = ("reply_to", "root", "quoted")

PostRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A post as one poll of the group showed it."""

    post: Post
    poll: Poll

    @property
    def native(self) -> bool:
        """Does the source read the post's own network? No feed is at home with another's items."""
        return self.poll.source.network == self.post.network != "feed"

    def same_as(self, other: Shown) -> bool:
        """Would it change nothing to take this for `other`?"""
        return self.native == other.native and _plain(self.post) == _plain(other.post)


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


def consistent(polls: Iterable[Poll]) -> list[list[Poll]]:
    """Polls in groups, in their order, so that no group says two things about one post.

    Stored group by group they leave what they would leave one by one.
    """
    groups: list[list[Poll]] = []
    said: dict[str, Shown | None] = {}  # None: gone
    for poll in polls:
        says: dict[str, Shown | None] = dict.fromkeys(poll.harvest.removed)
        for post in poll.harvest.posts:
            says |= dict.fromkeys((post.post_id, *post.aliases), Shown(post, poll))
        # A source's second poll builds on its first.
        again = groups and poll.source.source_id in {p.source.source_id for p in groups[-1]}
        if not groups or again or any(_differ(says[i], said[i]) for i in says.keys() & said.keys()):
            groups.append([])
            said = {}
        groups[-1].append(poll)
        said |= says
    return groups


def _differ(one: Shown | None, other: Shown | None) -> bool:
    return one is not other and (one is None or other is None or not one.same_as(other))


def gather(polls: Sequence[Poll]) -> dict[str, Shown]:
    """The posts of a group of polls, each once: as its first poll shows it in the end."""
    found: dict[str, Shown] = {}
    for poll in polls:
        for post in poll.harvest.posts:
            before = found.get(post.post_id)
            if before is None or before.poll is poll:
                found[post.post_id] = Shown(post, poll)
    return found


def _plain(post: Post) -> Post:
    return replace(post, author_followers=None)


def content_hash(post: Post) -> int:
    """64 bits of all that a new look could change but counts, aliases and the state."""
    said = repr(replace(post, author_followers=None, aliases=(), state=PostState.LIVE))
    if post.imported is not None:  # apart, so that it moves nobody else's hash
        said += repr(replace(post.imported, event_id=None, relation=None, score=None))
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big", signed=True)


def row_of(shown: Shown, key: int, ids: Ids, now: datetime) -> PostRow:
    """The row of a post that nobody has shown before.

    What an import brings was known, when it was said, to whoever imports it.
    """
    post, poll, stated = shown.post, shown.poll, shown.post.imported or Imported()
    first_seen_at = stated.first_seen_at or poll.finished_at
    created_at, whose = clock(post, first_seen_at)
    if stated.clock is not None and created_at == post.indexed_at:
        whose = stated.clock
    recorded_at = now if post.imported is None else min(now, created_at)
    edges = {
        kind: ids.key(other) if other and ids.key(other) != key else None
        for kind, other in (
            ("reply_to", post.reply_to_id), ("root", post.root_id), ("quoted", post.quoted_id),
        )
    }  # fmt: skip
    name = ids.name(key)
    return {
        "post_key": key, "post_id": name, "network": name.partition(":")[0],
        "url": post.url or None, "author_id": post.author_id or None,
        "author_handle": post.author_handle or None, "author_name": post.author_name or None,
        "author_followers": post.author_followers,
        "title": post.title or None, "text": post.text or None, "created_at": created_at,
        "claimed_at": post.claimed_at, "clock": whose, "first_seen_at": first_seen_at,
        "edited_at": post.edited_at, "deleted_at": stated.deleted_at, "state": str(post.state),
        **{f"{kind}_id": None if k is None else ids.name(k) for kind, k in edges.items()},
        "language": stated.language, "language_confidence": stated.language_confidence,
        "source_id": poll.source.source_id,
        **{f"{kind}_key": k for kind, k in edges.items()},
        "is_article": post.is_article, "language_tag": post.language_tag, "language_engine": None,
        "content_source": "network" if shown.native else poll.source.source_id,
        "content_hash": content_hash(post), "version": 1 + len(post.earlier),
        "recorded_at": recorded_at,
    }  # fmt: skip


def changes(
    shown: Iterable[Shown], removed: Iterable[str], stored: dict[int, PostRow], ids: Ids,
    now: datetime,
) -> list[Change]:  # fmt: skip
    """What has to be written, given the `stored` rows of all posts that are shown or removed."""
    found: dict[int, Change] = {}
    for one in sorted(shown, key=lambda one: not one.native):
        key = ids.key(one.post.post_id)
        if key in found:  # two ids of one poll turned out to be one post
            continue
        before = stored.get(key)
        fresh = row_of(one, key, ids, now)
        if before is None:
            found[key] = Change(fresh, one.post, is_new=True, new_version=True)
        elif (change := _update(before, fresh, one, now)) is not None:
            found[key] = change
    for post_id in removed:
        key = ids.key(post_id)
        before = stored.get(key)
        if before is None or key in found:
            continue
        if before["state"] not in (PostState.DELETED, PostState.ERASED):
            found[key] = _removal(before, now)
    return list(found.values())


def _update(before: PostRow, fresh: PostRow, shown: Shown, now: datetime) -> Change | None:
    """The new row, if this source may speak about the post and says something new."""
    if before["state"] == PostState.ERASED:
        return None
    takes_over = fresh["content_source"] == "network" != before["content_source"]
    if not takes_over and fresh["content_source"] != before["content_source"]:
        return None
    row = {**fresh, **{c: before[c] for c in ("first_seen_at", "source_id")}, "recorded_at": now}
    if row["language"] is None:
        row |= {c: before[c] for c in ("language", "language_confidence", "language_engine")}
    if takes_over:  # what a stranger said of its time and place counts no more
        row["created_at"], row["clock"] = clock(shown.post, before["first_seen_at"])
    else:
        row |= {column: before[column] for column in _CLOCKS}
        for kind in _EDGES:  # an edge once known is not forgotten
            if row[f"{kind}_key"] is None:
                row[f"{kind}_key"], row[f"{kind}_id"] = before[f"{kind}_key"], before[f"{kind}_id"]
    if before["state"] == PostState.HIDDEN and shown.poll.source.kind not in _SEES_HIDING:
        row["state"] = before["state"] if row["state"] == PostState.LIVE else row["state"]
    if row["author_followers"] is None:
        row["author_followers"] = before["author_followers"]
    watched = ("content_hash", "content_source", "state", "author_followers")
    if all(row[column] == before[column] for column in watched):
        return None
    is_version = any(row[column] != before[column] for column in _VERSIONED)
    row["version"] = before["version"] + (1 + len(shown.post.earlier) if is_version else 0)
    return Change(row, shown.post, is_new=False, new_version=is_version)


def _removal(before: PostRow, now: datetime) -> Change:
    row = {
        **before,
        "state": str(PostState.DELETED), "deleted_at": now, "text": None, "title": None,
        "author_name": None, "content_hash": None, "version": before["version"] + 1,
        "recorded_at": now,
    }  # fmt: skip
    return Change(row, None, is_new=False, new_version=True)


def stored_rows(cursor: Cursor, keys: Iterable[int]) -> dict[int, PostRow]:
    """The rows of these posts as they stand."""
    rows = cursor.lookup(
        f"select {', '.join(_POST)} from base.posts join {{given}} using (post_key)",
        {"post_key": "BIGINT"},
        [(key,) for key in keys],
    )
    return {row[0]: dict(zip(_POST, map(_aware, row), strict=True)) for row in rows}


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _versions(change: Change) -> list[tuple[Any, ...]]:
    """The version that is new, after what the post said between it and the one before."""
    row, earlier = change.row, change.post.earlier if change.post else ()
    first = row["version"] - len(earlier)
    rows = [
        {**row, "version": first + n, "text": revision.text or None, "edited_at": revision.at}
        for n, revision in enumerate(earlier)
    ]
    return [tuple(one[name] for name in _VERSION) for one in (*rows, row)]


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
        [row for c in found if c.new_version for row in _versions(c)],
    )
    # More or fewer followers make no version; the one that stands says what is known of them.
    cursor.lookup(
        "update base.versions as v set author_followers = g.author_followers from {given} as g "
        "where v.post_key = g.post_key and v.version = g.version",
        {"post_key": "BIGINT", "version": "INTEGER", "author_followers": "BIGINT"},
        [
            (c.row["post_key"], c.row["version"], c.row["author_followers"])
            for c in found
            if not c.new_version and c.row["author_followers"] is not None
        ],
    )
