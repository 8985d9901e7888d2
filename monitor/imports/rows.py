"""One row of an import, checked: what it may hold, and what it must."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from monitor.errors import UsageError
from monitor.identity import http_url
from monitor.types import Imported, Post, PostState, Relation

__all__ = ["CounterRow", "PostRow", "checked", "kind_of"]

Many = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_ID = re.compile(r"[a-z][a-z0-9_+-]*:.*\S.*", re.DOTALL)
_BROKEN = re.compile("[\ud800-\udfff]")  # of bytes that were no UTF-8, or escaped in JSON
_NUMBER = re.compile(r"-?\d+(\.0+)?")


class PostRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One post; the columns of `posts`, and what an import states of its place and mood."""

    post_id: str
    network: str
    created_at: datetime
    url: str | None = None
    author_id: str | None = None
    author_handle: str | None = None
    author_name: str | None = None
    author_followers: Many | None = None
    title: str | None = None
    text: str | None = None
    claimed_at: datetime | None = None
    clock: Literal["network", "author", "first_seen"] | None = None
    first_seen_at: datetime | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    state: Literal["live", "deleted", "hidden"] | None = None
    reply_to_id: str | None = None
    root_id: str | None = None
    quoted_id: str | None = None
    language: str | None = None
    language_confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    language_tag: str | None = None  # what the network says: a hint, unlike `language`
    source_id: str | None = None  # all imports form one source: accepted, and not kept
    event_id: str | None = None
    relation: Relation | None = None
    score: Annotated[float, msgspec.Meta(ge=-1, le=1)] | None = None

    def post(self) -> Post:
        """The post as it flows into the store. What is deleted has lost its words."""
        state = PostState(self.state or ("deleted" if self.deleted_at else "live"))
        gone = state is PostState.DELETED
        return Post(
            post_id=self.post_id, url=http_url(self.url), author_id=self.author_id,
            author_handle=self.author_handle, author_name=None if gone else self.author_name,
            author_followers=self.author_followers, title=None if gone else self.title,
            text=None if gone else self.text, claimed_at=self.claimed_at,
            indexed_at=self.created_at, edited_at=self.edited_at, state=state,
            reply_to_id=self.reply_to_id, root_id=self.root_id, quoted_id=self.quoted_id,
            is_article=self.relation is Relation.PRESS or self.network == "feed",
            language_tag=self.language_tag,
            imported=Imported(
                first_seen_at=self.first_seen_at, clock=self.clock, deleted_at=self.deleted_at,
                language=self.language, language_confidence=self.language_confidence,
                event_id=self.event_id, relation=self.relation,
                score=None if gone else self.score,
            ),
        )  # fmt: skip


class CounterRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The counters of one post at one moment."""

    post_id: str
    observed_at: datetime
    likes: Many | None = None
    reposts: Many | None = None
    replies: Many | None = None
    quotes: Many | None = None
    views: Many | None = None


Row = PostRow | CounterRow


def kind_of(columns: set[str]) -> type[PostRow | CounterRow]:
    """What a file with these columns holds.

    Raises:
        UsageError: neither posts nor counters; the missing columns are named.
    """
    if {"post_id", "observed_at"} <= columns and "created_at" not in columns:
        return CounterRow
    needed = ["post_id", "network", "created_at"]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise UsageError(
            f"has no column {', '.join(missing)}: posts need {', '.join(needed)}, "
            "counters post_id and observed_at"
        )
    return PostRow


def checked(given: Mapping[str, Any], kind: type[Row]) -> Row:
    """A row out of what a file says; unknown columns are left out, empty values are unknown.

    Raises:
        ValueError: something is missing or wrong; the column is named.
    """
    fields = {name: _value(name, given.get(name)) for name in kind.__struct_fields__}
    try:
        row = msgspec.convert({k: v for k, v in fields.items() if v is not None}, kind)
    except msgspec.ValidationError as error:
        raise ValueError(_said(str(error))) from None
    if not _ID.fullmatch(row.post_id):
        raise ValueError(f"post_id {row.post_id[:60]!r} is none: write network:id, such as x:123")
    if isinstance(row, PostRow):
        if row.network != row.post_id.partition(":")[0]:
            raise ValueError(f"network {row.network!r} is not that of post_id {row.post_id[:60]!r}")
        if row.relation is not None and row.event_id is None:
            raise ValueError("relation needs event_id: to which event?")
    return row


_TIMES = frozenset(
    ("created_at", "claimed_at", "first_seen_at", "edited_at", "deleted_at", "observed_at")
)
_WHOLE = frozenset(("author_followers", "likes", "reposts", "replies", "quotes", "views"))
_REAL = frozenset(("language_confidence", "score"))


def _value(name: str, value: Any) -> Any:
    """A cell as the type of its column; None where it is empty."""
    if value is None or value == "" or (isinstance(value, float) and value != value):  # noqa: PLR0124
        return None
    if name in _TIMES:
        return _time(name, value)
    if name in _WHOLE:
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            return int(value.strip().partition(".")[0])
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if name in _REAL:
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{name} {value!r} is no number") from None
    text = value if isinstance(value, str) else str(value)
    if not text.isascii() and _BROKEN.search(text):
        raise ValueError(f"{name} is no text in UTF-8")
    return text


def _time(name: str, value: Any) -> datetime:
    """A moment in UTC; one without a zone is in UTC."""
    try:
        text = str(value).strip()
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{name} {str(value)[:40]!r} is no time: write ISO 8601, such as 2026-02-12T18:00:00Z"
        ) from None


def _said(text: str) -> str:
    """msgspec's complaint with the column in front."""
    what, found, where = text.partition(" - at `$.")
    if found:
        return f"{where.rstrip('`')}: {what[0].lower()}{what[1:]}"
    missing = re.fullmatch(r"Object missing required field `(\w+)`", text)
    return f"{missing[1]} is empty" if missing else text
