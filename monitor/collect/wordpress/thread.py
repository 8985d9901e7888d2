"""One WordPress post: the announcement itself, every comment under it, and what is missing."""

from __future__ import annotations

from monitor.collect.protocol import Answer, Ask
from monitor.collect.wordpress.api import Api, Listing, is_gone, read_all
from monitor.collect.wordpress.closed import thread_closed
from monitor.collect.wordpress.ids import comment_id, post_id
from monitor.collect.wordpress.locate import Place, locate
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
    decode,
    post,
    total_of,
)
from monitor.errors import AccessDenied, BadAnswer, Gone, HttpError
from monitor.types import Claim, Engagement, Gap, GapReason, Harvest

__all__ = ["poll_thread"]

COMMENTS = "wp/v2/comments"
PAGES = "wp/v2/pages"


async def poll_thread(ask: Ask, harvest: Harvest) -> None:
    """Read the post that `ask.source.target` means, all its comments and its counters.

    Raises:
        AccessDenied: the API is closed; the ten newest comments are left to the feed in `found`.
        SourceError: the site could not be read.
    """
    try:
        await _read(ask, harvest)
    except (AccessDenied, Gone) as error:
        raise await thread_closed(ask, harvest, error) from error


async def _read(ask: Ask, harvest: Harvest) -> None:
    place = await locate(ask)
    api = Api(ask.http, place.root, ask.base_url)
    root = harvest.resolved = post_id(api.site, place.number)
    refused = await _announcement(ask, harvest, api, place)
    listing = await _comments(harvest, api, place.number)
    if refused:
        harvest.claims, harvest.engagement, harvest.removed = [], [], [root]
        if root not in ask.memory.seen([root]):
            raise refused
    await _missing(ask, harvest, api, listing)


async def _announcement(ask: Ask, harvest: Harvest, api: Api, place: Place) -> HttpError | None:
    """Keep the post itself. What WordPress said instead, if it is gone or public no longer."""
    answer = await _post(api, place.route, place.number)
    if isinstance(answer, Gone) and harvest.resolved not in ask.memory.seen(
        [str(harvest.resolved)]
    ):
        other = await _post(api, PAGES, place.number)  # a short link does not tell the type
        if not isinstance(other, HttpError):
            place, answer = Place(place.root, place.number, PAGES), other
    harvest.state = {
        "api": place.root,
        "site": api.site,
        "post": place.number,
        "route": place.route,
    }
    if isinstance(answer, HttpError):
        return answer
    given = decode(answer, PostAnswer)
    if given.id != place.number:
        raise _wrong(answer, f"asked for post {place.number}, got {given.id}")
    harvest.posts.append(post(given, api.site, answer, ask.source.target))
    return None


async def _post(api: Api, route: str, number: int) -> Answer | HttpError:
    try:
        return await api.get(f"{route}/{number}", _embed="author")
    except HttpError as error:
        if is_gone(error) is None:
            raise
        return error


async def _comments(harvest: Harvest, api: Api, number: int) -> Listing[CommentAnswer]:
    kept: set[int] = set()
    root = post_id(api.site, number)

    def take(items: list[CommentAnswer], answer: Answer) -> None:
        if other := next((item.post for item in items if item.post != number), None):
            raise _wrong(answer, f"asked for comments on post {number}, got one on {other}")
        new = [item for item in items if item.id not in kept]
        kept.update(item.id for item in new)
        harvest.posts += [comment(item, api.site, answer) for item in new]
        if (total := total_of(answer)) is not None:
            harvest.claims = [Claim(root, total, "tree")]
            harvest.engagement = [Engagement(post_id=root, replies=total)]

    return await read_all(
        api, COMMENTS, CommentAnswer, take, post=number, order="asc", orderby="id"
    )


async def _missing(ask: Ask, harvest: Harvest, api: Api, listing: Listing[CommentAnswer]) -> None:
    """Removals and gaps, once the whole list is known as it stood."""
    root = str(harvest.resolved)
    short = (listing.total or 0) - len(listing.items)
    if listing.pages_cut:
        harvest.gaps = [Gap(reason=GapReason.PAGE_CAP, post_id=root, missing=max(short, 0) or None)]
    if not listing.settled:
        return
    listed = [f"comment/{number}" for number in listing.items]
    asker = Asker(ask, api, harvest, kept_answers(ask.state, listed))
    known = [comment_id(api.site, number) for number in listing.items]
    gone = await confirmed(asker, absent(ask.memory.live(), known, comment_id(api.site, 0)[:-1]))
    named = {item.parent for item in listing.items.values() if item.parent}
    gaps = await parent_gaps(asker, named - set(listing.items))
    if short > 0:
        gaps.append(Gap(reason=GapReason.UNEXPLAINED, post_id=root, missing=short))
    harvest.removed += gone
    harvest.gaps = gaps
    harvest.state["answers"] = trimmed(asker.answers)
    harvest.complete = True


def _wrong(answer: Answer, what: str) -> BadAnswer:
    return BadAnswer(
        f"{answer.url}: {what}; the answer is kept", url=answer.url, payload=answer.body
    )
