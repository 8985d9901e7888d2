"""What the address of an announcement turns out to be: asked once, before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from monitor.clock import Clock
from monitor.collect.derive import announced
from monitor.collect.pollable import why_not
from monitor.config import Config
from monitor.config_file import places, values
from monitor.errors import SourceError, UsageError
from monitor.identity import other_page_of, recognise
from monitor.schedule.poller import Poller, open_door
from monitor.store.entries import Entry
from monitor.store.sightings import SourceMemory
from monitor.types import Engagement, Poll, Post, Source

__all__ = ["Announcement", "moment_of", "resolve"]

_X_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657_000, tzinfo=UTC)  # ids of X count from here
_X_DIGITS = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One post or page that announces something, as far as it could be asked.

    `post` is None where its network can't be asked; `why_not` says why. `at` is then what the id
    itself tells, or None.
    """

    url: str
    network: str
    post_id: str | None
    at: datetime | None = None
    account: str | None = None  # network:handle of its author
    post: Post | None = None
    engagement: Engagement | None = None
    why_not: str | None = None
    replies: int = field(default=0, compare=False)

    @property
    def ids(self) -> set[str]:
        """Every id under which the post may be known."""
        aliases = self.post.aliases if self.post else ()
        return {one for one in (self.post_id, *aliases) if one}

    @property
    def words(self) -> str:
        """Title and text; empty where it could not be asked."""
        parts = (self.post.title, self.post.text) if self.post else ()
        return "\n".join(part for part in parts if part)


async def resolve(urls: Sequence[str], config: Config, clock: Clock) -> list[Announcement]:
    """What stands at each of these addresses; nothing is stored.

    Raises:
        UsageError: an address is none.
        SourceError: a network that can be asked has no such post, or did not answer.
    """
    sources = [(url, _source(url, config)) for url in dict.fromkeys(urls)]
    async with open_door(config, clock) as door:
        poller = Poller(config, door, clock)
        return [await _resolved(url, source, config, poller, clock) for url, source in sources]


def _source(url: str, config: Config) -> Source:
    try:
        places.announcement(url)
    except values.Wrong as error:
        raise UsageError(str(error)) from None
    source = None if other_page_of(url) else announced(url, config)
    if source is None:
        raise UsageError(f"{url}: shows no post or article; give the address of the post itself")
    return source


async def _resolved(
    url: str, source: Source, config: Config, poller: Poller, clock: Clock
) -> Announcement:
    reason = why_not(config, source)
    if reason is not None:
        return _unasked(url, source.network, reason)
    poll = await _polled(source, poller, clock)
    # A page may turn out to be a post of a network that we know: ask that.
    if poll.harvest.retire and poll.harvest.found and not poll.harvest.posts:
        source = poll.harvest.found[0]
        poll = await _polled(source, poller, clock)
    harvest = poll.harvest
    found = [post for post in harvest.posts if post.post_id == harvest.resolved]
    if not found:
        raise SourceError(
            f"{url}: the answer does not show that post; it may be withheld, or be deleted",
            url=url,
        )
    (post, *_) = found
    handle = post.author_handle
    counters = [one for one in harvest.engagement if one.post_id == post.post_id]
    return Announcement(
        url=url, network=source.network, post_id=post.post_id,
        at=post.indexed_at or post.claimed_at,
        account=f"{source.network}:{handle}" if handle else None,
        post=post, engagement=counters[0] if counters else None,
        replies=len(harvest.posts) - 1,
    )  # fmt: skip


async def _polled(source: Source, poller: Poller, clock: Clock) -> Poll:
    poll = await poller.poll(Entry(source, "active", None, clock.now()), SourceMemory())
    error = poll.harvest.error
    if error is not None and not poll.harvest.posts:
        raise error
    return poll


def _unasked(url: str, network: str, reason: str) -> Announcement:
    post_id = recognise(url)
    handle = None
    if network == "x" and (match := re.match(r"/(\w+)/status", urlsplit(url).path)):
        handle = None if match[1] == "i" else match[1]
    return Announcement(
        url=url, network=network, post_id=post_id, at=moment_of(post_id),
        account=f"{network}:{handle}" if handle else None, why_not=reason,
    )  # fmt: skip


def moment_of(post_id: str | None) -> datetime | None:
    """When a post of X was made: its id says so, to the millisecond."""
    network, _, number = (post_id or "").partition(":")
    if network != "x" or len(number) > _X_DIGITS or int(number) >> 22 == 0:
        return None
    return _X_EPOCH + timedelta(milliseconds=int(number) >> 22)
