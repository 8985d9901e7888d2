"""Feeds: RSS, RDF, Atom and JSON Feed, of articles or of comments.

A feed is asked conditionally at the address that it last moved to for good; ids stay with the
configured one. It is never known to be complete unless it says so.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from monitor.collect.feed.ids import origin_of
from monitor.collect.feed.posts import Batch, batch_of, is_time_ordered, take
from monitor.collect.feed.types import Document
from monitor.collect.feed.worker import parse_apart
from monitor.collect.protocol import Answer, Ask
from monitor.errors import BadAnswer, Gone
from monitor.types import Harvest, Policy, Post, SourceKind

__all__ = ["Feed"]

_MOST_PAGES = 5
_GONE_FOR_GOOD = 410


class Feed:
    """Reads feed documents, and web pages that may turn out to announce something."""

    network = "feed"
    # Feeds are published to be read by others; they never say what was deleted.
    policy = Policy(recheck_deleted_every=None)

    async def poll(self, ask: Ask, harvest: Harvest) -> None:
        """Read the feed, and its older pages while nothing in them was seen before.

        Raises:
            BadAnswer: what came is no feed, or was cut off (its whole items are kept).
            TooLarge: it is longer or deeper than any feed has reason to be.
            SourceError: it could not be fetched; a feed that is gone for good (410) is retired.
        """
        if ask.source.kind is SourceKind.PAGE:
            from monitor.collect.page.reader import poll_page

            await poll_page(ask, harvest)
            return
        harvest.state = _kept_state(ask)
        answer = await _first_page(ask, harvest)
        harvest.http_status = answer.status  # a missing older page says nothing about the feed
        if answer.unchanged:
            harvest.unchanged = True
            harvest.complete = bool(harvest.state.get("complete"))
            return
        await _read(ask, harvest, answer)


def _kept_state(ask: Ask) -> dict[str, Any]:
    """The last state, unless it is about another address."""
    same = ask.state.get("target") == ask.source.target
    return dict(ask.state) if same else {"target": ask.source.target}


async def _first_page(ask: Ask, harvest: Harvest) -> Answer:
    target = ask.source.target
    url = str(harvest.state.get("url") or target)
    try:
        try:
            answer = await ask.http.get(url, conditional=True)
        except Gone:
            if url == target:
                raise
            # Where it had moved to is no more: the address that was configured counts.
            harvest.state.pop("url", None)
            answer = await ask.http.get(target, conditional=True)
    except Gone as error:
        harvest.retire = error.status == _GONE_FOR_GOOD
        raise
    if answer.moved_to:
        harvest.state["url"] = answer.moved_to
    return answer


async def _read(ask: Ask, harvest: Harvest, answer: Answer) -> None:
    read: set[str] = set()
    for page in range(1, _MOST_PAGES + 1):
        document = await _parsed(answer)
        origin = origin_of(document, answer, ask.source.target, ask.source.root_id)
        # Thousands of items take a second of work on their addresses.
        batch = await asyncio.to_thread(batch_of, document, origin)
        take(harvest, batch, ask.source)
        _check_whole(document, batch, answer)
        if page == 1:
            harvest.complete = harvest.state["complete"] = document.complete
        ids = {post.post_id for post in batch.posts}
        if page == _MOST_PAGES or document.complete or ids <= read or ask.memory.seen(ids):
            break
        read |= ids
        numbered = origin.site is not None and all(post.is_article for post in batch.posts)
        asked = str(harvest.state.get("url") or ask.source.target)
        older = document.next_page or (_numbered(asked, page + 1) if numbered else None)
        following = await _older(ask, older, answer)
        if following is None:
            break
        answer = following
    harvest.posts.sort(key=_newest_first)
    harvest.ordered = is_time_ordered(harvest.posts, ask.now)


async def _parsed(answer: Answer) -> Document:
    kind = answer.headers.get("content-type", "")
    return await parse_apart(answer.body, url=answer.url, content_type=kind)


def _check_whole(document: Document, batch: Batch, answer: Answer) -> None:
    if document.entries and not batch.posts:
        raise BadAnswer(
            f"{answer.url}: {len(document.entries)} items without link, guid, title and date",
            url=answer.url,
            payload=answer.body,
        )
    if document.truncated:
        raise BadAnswer(
            f"{answer.url}: the feed is cut off after {len(document.entries)} whole items; "
            "those are kept",
            url=answer.url,
            payload=answer.body,
        )


async def _older(ask: Ask, url: str | None, answer: Answer) -> Answer | None:
    """The page of older items at `url`, if there is one on the same host."""
    if url is None or url == answer.url or _host(url) != _host(answer.url):
        return None
    try:
        return await ask.http.get(url)
    except Gone:
        return None


def _numbered(url: str, page: int) -> str:
    """WordPress numbers the pages of a feed of posts, and never links to them."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, True) if name != "paged"]
    return urlunsplit(parts._replace(query=urlencode([*kept, ("paged", page)]), fragment=""))


def _host(url: str) -> str | None:
    return urlsplit(url).hostname


def _newest_first(post: Post) -> float:
    return -post.claimed_at.timestamp() if post.claimed_at else float("inf")
