"""What is left where a WordPress site has closed its API: the page, and feeds of ten comments."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from monitor import identity
from monitor.collect.http.url import with_params
from monitor.collect.page.parse import read_page
from monitor.collect.protocol import Answer, Ask
from monitor.collect.wordpress.api import error_code, through
from monitor.collect.wordpress.ids import post_id, post_number, site_key
from monitor.collect.wordpress.locate import Hints, hints
from monitor.errors import AccessDenied, HttpError, SourceError
from monitor.types import Gap, GapReason, Harvest, SourceKind

__all__ = ["site_closed", "thread_closed"]


async def thread_closed(ask: Ask, harvest: Harvest, error: HttpError) -> HttpError:
    """Keep what the post's page shows and name its comment feed; the error to end the poll with.

    That is `error` itself where the page can't be read either, or is none of WordPress.
    """
    if harvest.removed:
        return error
    try:
        page = await ask.http.get(through(_permalink(ask), ask.base_url), robots=True)
        seen = hints(page)
        if seen.number is None and seen.root is None and b"/wp-" not in page.body:
            return error
        where = _permalink(ask) if ask.base_url else page.url
        _keep_page(ask, harvest, page, where, seen)
    except SourceError:
        return error
    root = harvest.resolved
    harvest.found.append(
        ask.source.find(SourceKind.FEED, _feed_of(where), network="feed", root_id=root)
    )
    harvest.gaps = [Gap(reason=GapReason.ACCESS, post_id=root)]
    return _closed(error, "the post's comment feed is read instead, it holds only the ten newest")


def site_closed(ask: Ask, harvest: Harvest, error: HttpError) -> HttpError:
    """Name the site's feeds of posts and comments; the error to end the poll with."""
    base = ask.source.target.partition("?")[0].rstrip("/")
    harvest.found += [
        ask.source.find(SourceKind.FEED, f"{base}/{path}", network="feed")
        for path in ("feed/", "comments/feed/")
    ]
    harvest.gaps = [Gap(reason=GapReason.ACCESS, concerns="posts")]
    return _closed(error, "its feeds are read instead, they hold only the ten newest comments")


def _permalink(ask: Ask) -> str:
    """The page's address, also where the source names the API or an id."""
    target = ask.source.target
    number = ask.state.get("post") or target.rstrip("/").rpartition("/")[2]
    if target.startswith("wordpress:"):
        site = target.removeprefix("wordpress:").rpartition("/post/")[0]
        return f"https://{site}/?p={number}"
    if "/wp-json/" in target:
        return f"{target.partition('wp-json/')[0]}?p={number}"
    return target


def _keep_page(ask: Ask, harvest: Harvest, page: Answer, where: str, seen: Hints) -> None:
    number = seen.number or post_number(ask.source.target)
    site = site_key(seen.root or urljoin(where, "/"))
    own = identity.link_id(where)
    if harvest.resolved is None:
        harvest.resolved = post_id(site, number) if site and number else own
    read = read_page(page, where)
    if harvest.resolved is None or read is None or harvest.posts:
        return
    aliases = tuple({one: None for one in (own, *read.aliases) if one and one != harvest.resolved})
    harvest.posts.append(replace(read, post_id=harvest.resolved, aliases=aliases))


def _feed_of(permalink: str) -> str:
    if urlsplit(permalink).query:
        return with_params(permalink, {"feed": "rss2"})
    return permalink.partition("#")[0].rstrip("/") + "/feed/"


def _closed(error: HttpError, instead: str) -> AccessDenied:
    code = error_code(error) or "no reason given"
    return AccessDenied(
        f"{error.url}: this WordPress has closed its API (HTTP {error.status}, {code}); {instead}",
        url=error.url or "",
        status=error.status,
        body=error.body,
    )
