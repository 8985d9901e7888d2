"""A feed document as plain typed data: what a parser hands over, before anything has an id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Document", "Entry", "InReplyTo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InReplyTo:
    """What an entry answers: the id and the address of the other thing, as the feed gave them."""

    ref: str | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item. Addresses are absolute, texts plain, times in UTC; `guid` is as it was written."""

    guid: str | None = None
    link: str | None = None
    title: str | None = None
    text: str | None = None
    author: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    language: str | None = None
    links: tuple[str, ...] = ()
    in_reply_to: tuple[InReplyTo, ...] = ()
    comment_count: int | None = None
    comment_feed: str | None = None
    views: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One feed document.

    `complete`: the feed says that it holds everything (RFC 5005). `next_page` is the address of
    older items. `truncated`: it ended too early; only whole items are here.
    """

    version: str
    link: str | None = None
    generator: str | None = None
    entries: tuple[Entry, ...] = ()
    complete: bool = False
    next_page: str | None = None
    truncated: bool = False
