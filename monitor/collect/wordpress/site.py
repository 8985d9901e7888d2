"""A whole WordPress site: its posts, and the comments on all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from monitor.collect.protocol import Answer, Ask
from monitor.collect.wordpress.api import Api, Listing, pages, read_all
from monitor.collect.wordpress.closed import site_closed
from monitor.collect.wordpress.ids import comment_id, post_id
from monitor.collect.wordpress.locate import find_root
from monitor.collect.wordpress.missing import (
    Asker,
    absent,
    confirmed,
    kept_answers,
    parent_gaps,
    trimmed,
)
from monitor.collect.wordpress.parse import (
    CommentAnswer,
    PostAnswer,
    comment,
    moment,
    post,
    total_of,
)
from monitor.errors import AccessDenied, Gone
from monitor.types import Gap, GapReason, Harvest, Post

__all__ = ["must_read_all", "poll_site"]

READ_ALL_EVERY = timedelta(days=1)
Entry = PostAnswer | CommentAnswer


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two lists of a site, and how to read it newest first."""

    name: str
    route: str
    shape: type[Any]
    identify: Callable[[str, int], str]
    to_post: Callable[[Any, str, Answer], Post]
    params: dict[str, str | int]


POSTS = Kind(
    "post",
    "wp/v2/posts",
    PostAnswer,
    post_id,
    post,
    {"orderby": "date", "order": "desc", "_embed": "author"},
)
COMMENTS = Kind(
    "comment",
    "wp/v2/comments",
    CommentAnswer,
    comment_id,
    comment,
    {"orderby": "id", "order": "desc"},
)


@dataclass(slots=True)
class Reading:
    """What this poll read of the site so far."""

    ask: Ask
    harvest: Harvest
    api: Api
    entries: dict[str, Entry] = field(default_factory=dict)
    modified: datetime | None = None

    def take(self, kind: Kind, items: list[Any], answer: Answer) -> None:
        """Keep what a page shows, once."""
        for item in items:
            key = kind.identify(self.api.site, item.id)
            if key not in self.entries:
                self.harvest.posts.append(kind.to_post(item, self.api.site, answer))
            self.entries[key] = item
            if isinstance(item, PostAnswer):
                at = moment(item.modified_gmt, answer)
                self.modified = max(filter(None, (self.modified, at)), default=None)


def must_read_all(expected: int | None, new: int, total: int | None) -> bool:
    """Whether a list must be read to its end although its first pages brought what is new.

    `expected` is its total after the last poll, `new` how many entries came since, `total` what it
    counts now. A difference is a late approval, which appears under its old date, or a deletion.
    """
    return expected is None or total is None or expected + new != total


async def poll_site(ask: Ask, harvest: Harvest) -> None:
    """Read the posts and comments of the site at `ask.source.target`.

    Raises:
        AccessDenied: the API is closed; the site's feeds stand in `found`.
        SourceError: the site could not be read.
    """
    try:
        known = ask.state.get("api")
        root = known if isinstance(known, str) else await find_root(ask, ask.source.target)
        await _read_site(Reading(ask, harvest, Api(ask.http, root, ask.base_url)))
    except (AccessDenied, Gone) as error:
        raise site_closed(ask, harvest, error) from error


async def _read_site(reading: Reading) -> None:
    ask, harvest = reading.ask, reading.harvest
    state: dict[str, Any] = {"api": reading.api.root, "site": reading.api.site}
    posts = await _read_list(reading, POSTS, state)
    if posts is None:
        await _read_edits(reading)
    comments = await _read_list(reading, COMMENTS, state)
    shown = [key.partition(f"{reading.api.site}/")[2] for key in reading.entries]
    asker = Asker(ask, reading.api, harvest, kept_answers(ask.state, shown))
    removed = []
    for kind, listing in ((POSTS, posts), (COMMENTS, comments)):
        if listing and listing.settled:
            removed += await _removed(asker, kind, listing)
    if asker.left == 0:  # deletions may be left: look at whole lists again
        for kind in (POSTS, COMMENTS):
            state[kind.name]["all_at"] = 0.0
    state["orphans"] = _orphans(reading, comments)
    harvest.gaps = await parent_gaps(asker, state["orphans"]) + _list_gaps(state)
    harvest.removed = removed
    state["answers"] = trimmed(asker.answers)
    state["modified"] = (
        reading.modified.isoformat() if reading.modified else ask.state.get("modified")
    )
    harvest.state = state
    harvest.complete = all(listing and listing.settled for listing in (posts, comments))


async def _read_list(reading: Reading, kind: Kind, state: dict[str, Any]) -> Listing[Any] | None:
    """Read what is new, or all of it where that does not add up; None if the new was enough."""
    before = _memo(reading.ask.state, kind)
    now = reading.ask.now.timestamp()
    if before and now - before["all_at"] < READ_ALL_EVERY.total_seconds():
        new, total = await _read_new(reading, kind)
        if not must_read_all(before["total"], new, total):
            state[kind.name] = {**before, "total": total}
            return None

    def take(items: list[Any], answer: Answer) -> None:
        reading.take(kind, items, answer)

    listing = await read_all(reading.api, kind.route, kind.shape, take, **kind.params)
    short = max(0, (listing.total or 0) - len(listing.items))
    state[kind.name] = {
        "total": listing.total,
        "all_at": now if listing.settled or listing.pages_cut else 0.0,
        "short": short,
        "cut": listing.pages_cut,
    }
    return listing


async def _read_new(reading: Reading, kind: Kind) -> tuple[int, int | None]:
    """How many entries are new, and the total of the list; stops at a page without new ones."""
    new: set[str] = set()
    total = None
    async for items, answer in pages(reading.api, kind.route, kind.shape, kind.params):
        if answer is None:
            break
        total = total_of(answer)
        ids = {kind.identify(reading.api.site, item.id) for item in items}
        fresh = ids - reading.ask.memory.seen(ids) - new
        reading.take(kind, items, answer)
        new |= fresh
        if not fresh:
            break
    return len(new), total


async def _read_edits(reading: Reading) -> None:
    """Posts changed since the last poll; sites older than 5.7 ignore the filter, hence the end."""
    since = reading.ask.state.get("modified")
    if not isinstance(since, str):
        return
    known = datetime.fromisoformat(since)
    after = (known - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    params: dict[str, str | int] = {"modified_after": after, "orderby": "modified", "order": "desc"}
    params["_embed"] = "author"
    async for items, answer in pages(reading.api, POSTS.route, PostAnswer, params):
        if answer is None:
            break
        reading.take(POSTS, items, answer)
        times = [at for item in items if (at := moment(item.modified_gmt, answer))]
        if not times or min(times) < known:
            break


async def _removed(asker: Asker, kind: Kind, listing: Listing[Any]) -> list[str]:
    site = asker.api.site
    listed = [kind.identify(site, number) for number in listing.items]
    prefix = kind.identify(site, 0)[:-1]
    return await confirmed(asker, absent(asker.ask.memory.live(), listed, prefix))


def _orphans(reading: Reading, listing: Listing[Any] | None) -> list[int]:
    """Comments that are named as parents and not listed; from the last poll where none was read."""
    if listing is not None and listing.settled:
        named = {item.parent for item in listing.items.values() if item.parent}
        return sorted(named - set(listing.items))
    shown = [item for item in reading.entries.values() if isinstance(item, CommentAnswer)]
    before = reading.ask.state.get("orphans")
    named = {item.parent for item in shown if item.parent} | set(before or ())
    return sorted(named - {item.id for item in shown})


def _list_gaps(state: dict[str, Any]) -> list[Gap]:
    """What the lists count and do not show."""
    gaps = []
    for kind in (POSTS, COMMENTS):
        memo = state[kind.name]
        reason = GapReason.PAGE_CAP if memo["cut"] else GapReason.UNEXPLAINED
        if memo["short"]:
            gaps.append(Gap(reason=reason, missing=memo["short"], concerns="posts"))
    return gaps


def _memo(state: dict[str, Any], kind: Kind) -> dict[str, Any] | None:
    memo = state.get(kind.name)
    return memo if isinstance(memo, dict) else None
