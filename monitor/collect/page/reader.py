"""Announcement pages of no known network: read as an article, or handed on to WordPress."""

from __future__ import annotations

from monitor.collect.page.parse import comment_feeds, read_page
from monitor.collect.protocol import Answer, Ask
from monitor.collect.wordpress.ids import post_id, site_key
from monitor.collect.wordpress.locate import hints
from monitor.errors import BadAnswer
from monitor.types import Harvest, SourceKind

__all__ = ["poll_page"]


async def poll_page(ask: Ask, harvest: Harvest) -> None:
    """Read the page at `ask.source.target`; robots.txt is asked first.

    A post of WordPress is not stored: it becomes a thread in `found`, and this source retires.
    Else the page is one article, and the feeds of its comments stand in `found`.

    Raises:
        SourceError: the page could not be read, is none, or is a whole site.
    """
    answer = await ask.http.get(ask.source.target, conditional=True, robots=True)
    if answer.unchanged and isinstance(known := ask.state.get("post"), str):
        harvest.unchanged = harvest.complete = True
        harvest.resolved = known
        harvest.state = dict(ask.state)
        return
    if not _is_wordpress(ask, harvest, answer):
        _keep(ask, harvest, answer)
    harvest.state = {"post": harvest.resolved}
    harvest.complete = True


def _is_wordpress(ask: Ask, harvest: Harvest, answer: Answer) -> bool:
    seen = hints(answer)
    site = site_key(seen.root) if seen.root else None
    if site is None or seen.number is None:
        return False
    harvest.resolved = post_id(site, seen.number)
    thread = ask.source.find(
        SourceKind.THREAD, ask.source.target, network="wordpress", root_id=harvest.resolved
    )
    harvest.found.append(thread)
    harvest.retire = True
    return True


def _keep(ask: Ask, harvest: Harvest, answer: Answer) -> None:
    post = read_page(answer, ask.source.target)
    if post is None:
        raise BadAnswer(
            f"{ask.source.target}: an address without a path is a site, not an announcement; "
            "give the address of the page itself",
            url=ask.source.target,
            payload=answer.body,
        )
    harvest.posts.append(post)
    harvest.resolved = post.post_id
    for feed in comment_feeds(answer):
        found = ask.source.find(SourceKind.FEED, feed, network="feed", root_id=post.post_id)
        harvest.found.append(found)
