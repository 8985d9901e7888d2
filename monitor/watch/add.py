"""`add`: one post by its address, asked for or told by hand, tied to an event."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from monitor.clock import Clock
from monitor.config import Config
from monitor.errors import UsageError
from monitor.identity import canonical_url, link_id, recognise
from monitor.imports.rows import CounterRow, PostRow
from monitor.session import Session
from monitor.types import Post, Relation
from monitor.watch.announcement import Announcement, moment_of, resolve
from monitor.watch.watch import effective

__all__ = ["ByHand", "add"]

_COUNTERS = ("likes", "reposts", "replies", "quotes", "views")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What somebody read off a post that can't be asked for. Counters hold at `observed_at`."""

    text: str | None = None
    title: str | None = None
    author: str | None = None
    author_name: str | None = None
    created_at: datetime | None = None
    reply_to: str | None = None
    quoted: str | None = None
    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None
    quotes: int | None = None
    views: int | None = None
    observed_at: datetime | None = None

    @property
    def counters(self) -> dict[str, int]:
        """Those that are known."""
        return {n: getattr(self, n) for n in _COUNTERS if getattr(self, n) is not None}

    @property
    def says_more(self) -> bool:
        """Is anything told beside counters?"""
        told = (self.text, self.title, self.author, self.author_name, self.created_at)
        return any(one is not None for one in (*told, self.reply_to, self.quoted))


def add(
    session: Session,
    config: Config,
    url: str,
    by_hand: ByHand,
    clock: Clock,
    *,
    event: str | None,
    relation: Relation | None,
) -> str:
    """Store one post, or new counters of one that is stored; its id.

    Like every import it is the user's own data, known since the post was made.

    Raises:
        UsageError: the address names no post, or its network can't be asked and too little is told.
        SourceError: its network did not show it.
    """
    full = effective(session, config)
    known = _known(session, url)
    if known is not None and by_hand.counters and not by_hand.says_more:
        row = None
    elif by_hand.says_more or by_hand.counters:
        row = _told(url, by_hand)
    else:
        (asked,) = asyncio.run(resolve([url], full, clock))
        row, by_hand = _asked(asked, by_hand)
        relation = relation or _links_to(asked, full, event)
    post_id = row.post_id if row is not None else str(known)
    if row is not None:
        row = msgspec.structs.replace(row, event_id=event, relation=relation)
    counters = [_counters(post_id, by_hand, clock.now())] if by_hand.counters else []
    session.call(
        "bring", posts=[msgspec.to_builtins(row)] if row else [],
        counters=[msgspec.to_builtins(one) for one in counters], is_last=False,
    )  # fmt: skip
    session.score(lambda _left: None)
    return post_id


def _known(session: Session, url: str) -> str | None:
    rows = session.query(
        "select post_id from posts where post_id = $1 or url = $2 or post_id = $3 limit 1",
        [recognise(url) or url, url, link_id(url) or url],
    )
    return str(rows["post_id"][0]) if rows.height else None


def _told(url: str, by_hand: ByHand) -> PostRow:
    post_id = recognise(url) or link_id(url)
    if post_id is None:
        raise UsageError(f"{url}: names no post; give the whole address of the post itself")
    made = by_hand.created_at or moment_of(post_id)
    if made is None:
        raise UsageError(f"{url}: when was it made? Add --created-at TIME")
    network = post_id.partition(":")[0]
    return PostRow(
        post_id=post_id, network=network, created_at=made, url=url,
        author_id=None, author_handle=(by_hand.author or "").lstrip("@") or None,
        author_name=by_hand.author_name, title=by_hand.title, text=by_hand.text,
        reply_to_id=_id(by_hand.reply_to), quoted_id=_id(by_hand.quoted),
    )  # fmt: skip


def _id(post: str | None) -> str | None:
    """The id of a post that is named by its address or id."""
    return None if post is None else recognise(post) or link_id(post) or post


def _asked(one: Announcement, by_hand: ByHand) -> tuple[PostRow, ByHand]:
    if one.why_not is not None:
        raise UsageError(
            f"{one.url}: can't be asked for ({one.why_not}); tell it by hand: "
            "--text TEXT --author NAME --created-at TIME --views N"
        )
    post = one.post
    if post is None or one.at is None:
        raise UsageError(
            f"{one.url}: does not say when it was made; add --created-at TIME --text …"
        )
    counters = {
        name: value
        for name in _COUNTERS
        if one.engagement and (value := getattr(one.engagement, name)) is not None
    }
    return _row(post, one.at), ByHand(**counters, observed_at=by_hand.observed_at)


def _row(post: Post, at: datetime) -> PostRow:
    same = (
        "post_id", "url", "author_id", "author_handle", "author_name", "author_followers", "title",
        "text", "claimed_at", "edited_at", "reply_to_id", "root_id", "quoted_id",
    )  # fmt: skip
    given: dict[str, Any] = {name: getattr(post, name) for name in same}
    return PostRow(
        **given, network=post.network, created_at=at,
        clock="network" if post.indexed_at else "author",
    )  # fmt: skip


def _counters(post_id: str, by_hand: ByHand, now: datetime) -> CounterRow:
    return CounterRow(post_id=post_id, observed_at=by_hand.observed_at or now, **by_hand.counters)


def _links_to(one: Announcement, config: Config, event_id: str | None) -> Relation | None:
    """A row of an import carries no links: what links to the announcement is told so."""
    links = {canonical_url(link) for link in (one.post.links if one.post else ())}
    for event in config.events:
        if event.id == event_id and links & {canonical_url(url) for url in event.announcements}:
            return Relation.LINK
    return None
