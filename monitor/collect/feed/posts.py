"""Entries of a feed as posts, counters, claims and further sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor.collect.feed.ids import Ids, Origin, distinct
from monitor.collect.feed.types import Document, Entry
from monitor.types import Claim, Engagement, Harvest, Post, Source, SourceKind

__all__ = ["Batch", "batch_of", "is_time_ordered", "take"]

_MOST_COMMENT_FEEDS = 50
_FIRST_FEEDS = datetime(1999, 3, 1, tzinfo=UTC)  # RSS 0.90: earlier dates are no publication's
_AHEAD = timedelta(minutes=5)


@dataclass(slots=True)
class Batch:
    """What one document brought, each post once; `comment_feeds` maps post ids to addresses."""

    posts: list[Post] = field(default_factory=list)
    engagement: list[Engagement] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    comment_feeds: dict[str, str] = field(default_factory=dict)


def batch_of(document: Document, origin: Origin) -> Batch:
    """The posts of `document` in its order; entries that nothing identifies are left out."""
    entries = distinct(document.entries)
    ids = Ids(entries, document.link, origin)
    batch = Batch()
    seen: set[str] = set()
    for entry in entries:
        post_id = ids.of(entry)
        if post_id is None or post_id in seen:
            continue
        seen.add(post_id)
        batch.posts.append(_post(entry, post_id, ids))
        _count(batch, entry, post_id)
        if entry.comment_feed and not ids.is_comment(entry):
            batch.comment_feeds[post_id] = entry.comment_feed
    return batch


def _post(entry: Entry, post_id: str, ids: Ids) -> Post:
    is_comment = ids.is_comment(entry)
    claimed_at = entry.published or entry.updated
    edited = entry.published and entry.updated and entry.updated > entry.published
    return Post(
        post_id=post_id,
        url=entry.link,
        author_name=entry.author,
        # A comment's title names its author and place, its language tag the site's language.
        title=None if is_comment else entry.title,
        text=entry.text,
        claimed_at=claimed_at,
        edited_at=entry.updated if edited else None,
        reply_to_id=ids.parent(entry) if is_comment else None,
        root_id=ids.root(entry) if is_comment else None,
        is_article=not is_comment,
        language_tag=None if is_comment else entry.language,
        links=entry.links,
        aliases=ids.aliases(entry),
    )


def _count(batch: Batch, entry: Entry, post_id: str) -> None:
    replies, views = entry.comment_count, entry.views
    if replies is not None or views is not None:
        batch.engagement.append(Engagement(post_id=post_id, replies=replies, views=views))
    if replies is not None:
        batch.claims.append(Claim(post_id, replies, "tree"))


def take(harvest: Harvest, batch: Batch, source: Source) -> None:
    """Put what is new in `batch` into `harvest`."""
    known = {post.post_id for post in harvest.posts}
    harvest.posts += [post for post in batch.posts if post.post_id not in known]
    harvest.engagement += [one for one in batch.engagement if one.post_id not in known]
    harvest.claims += [one for one in batch.claims if one.post_id not in known]
    if not (source.companies or source.events) or source.root_id is not None:
        # Nobody asked for the comments under everything that the press writes.
        return
    room = max(0, _MOST_COMMENT_FEEDS - len(harvest.found))
    new = [(post_id, url) for post_id, url in batch.comment_feeds.items() if post_id not in known]
    harvest.found += [
        source.find(SourceKind.FEED, url, root_id=post_id) for post_id, url in new[:room]
    ]


def is_time_ordered(posts: list[Post], now: datetime) -> bool:
    """Whether the dates of all posts are there and can be true, so that they order the list."""
    dates = [post.claimed_at for post in posts]
    return bool(dates) and all(
        date is not None and _FIRST_FEEDS <= date <= now + _AHEAD for date in dates
    )
