"""Which post on which WordPress site an address means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from monitor import identity
from monitor.collect.protocol import Answer, Ask
from monitor.collect.wordpress.api import Api, through
from monitor.collect.wordpress.ids import API_REL, header_links, post_number, site_key
from monitor.collect.wordpress.parse import PostAnswer, decode
from monitor.errors import BadAnswer, HttpError, SourceError, Unreachable

__all__ = ["Hints", "Place", "find_root", "hints", "locate"]

POSTS = "wp/v2/posts"
_ROUTE = re.compile(
    r"(?:/wp-json/|[?&]rest_route=/)(wp/v2/[\w-]{1,40})/([1-9][0-9]{0,17})/?(?:$|[?&])"
)
_NO_POSTS = frozenset({"categories", "comments", "media", "tags", "users"})
_OURS = re.compile(r"wordpress:(.+)/post/([1-9][0-9]{0,17})")
_LINK_TAG = re.compile(r"<link\s([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_HEAD_BYTES = 300_000


@dataclass(frozen=True, slots=True)
class Hints:
    """What a page says of the WordPress behind it: its API, and the post that the page shows."""

    root: str | None = None
    number: int | None = None
    route: str = POSTS


@dataclass(frozen=True, slots=True)
class Place:
    """A post: the API's root, the route of its type, its number."""

    root: str
    number: int
    route: str = POSTS


def hints(answer: Answer) -> Hints:
    """Read off the headers, and off the page's head where a proxy has dropped them."""
    links = [(rel, url) for rel, url in header_links(answer.headers, answer.url).items()]
    links += _links_in_head(answer)
    root = next((url for rel, url in links if rel == API_REL and site_key(url)), None)
    short = next((n for rel, url in links if rel == "shortlink" and (n := post_number(url))), None)
    for rel, url in links:
        if rel == "alternate" and (found := _route(url)):
            route, number = found
            if short in (None, number):
                return Hints(root, number, route)
    return Hints(root, short)


async def locate(ask: Ask) -> Place:
    """The place of the post that `ask.source.target` means.

    Raises:
        SourceError: the site could not be asked, or the address shows no post of WordPress.
    """
    if place := _remembered(ask.state):
        return place
    target = ask.source.target
    if match := _OURS.fullmatch(target):
        return Place(await _root_by_key(ask, match[1]), int(match[2]))
    if found := _route(target):
        return Place(await find_root(ask, _before_api(target)), found[1], found[0])
    if (number := post_number(target)) is not None:
        return Place(await find_root(ask, urljoin(target, ".")), number)
    return await _by_page(ask, target)


async def find_root(ask: Ask, site_url: str) -> str:
    """The address of the API of the site at `site_url`, as the site itself names it.

    Raises:
        SourceError: none answers there; the first refusal tells more than the last.
    """
    first: SourceError | None = None
    base = site_url.partition("?")[0].rstrip("/")
    for guess in (f"{base}/wp-json/", f"{base}/?rest_route=/"):
        try:
            answer = await ask.http.get(
                through(guess, ask.base_url), params={"_fields": "name,home,url"}
            )
            if isinstance(answer.json(), dict):
                return _announced(answer, guess, moved=not ask.base_url)
        except (HttpError, BadAnswer) as error:
            first = first or error
    raise first or BadAnswer(f"{site_url}: no WordPress API answers there", url=site_url)


def _announced(answer: Answer, guess: str, *, moved: bool) -> str:
    named = header_links(answer.headers, answer.url).get(API_REL)
    if named and site_key(named):
        return named
    return answer.url.partition("_fields=")[0].rstrip("?&") if moved else guess


async def _root_by_key(ask: Ask, site: str) -> str:
    """An id holds no scheme."""
    try:
        return await find_root(ask, f"https://{site}")
    except Unreachable:
        return await find_root(ask, f"http://{site}")


async def _by_page(ask: Ask, target: str) -> Place:
    page = await ask.http.get(through(target, ask.base_url), robots=True)
    seen = hints(page)
    root = seen.root or await find_root(ask, urljoin(target, "/"))
    if seen.number is not None:
        return Place(root, seen.number, seen.route)
    return await _by_slug(ask, root, target)


async def _by_slug(ask: Ask, root: str, target: str) -> Place:
    slug = unquote(urlsplit(target).path.rstrip("/").rpartition("/")[2])
    answer = await Api(ask.http, root, ask.base_url).get(POSTS, slug=slug)
    found = decode(answer, list[PostAnswer]) if slug else []
    wanted = identity.canonical_url(target)
    same = [one for one in found if identity.canonical_url(one.link) == wanted]
    chosen = same or found
    if len(chosen) != 1:
        raise BadAnswer(
            f"{target}: {len(chosen)} posts of this WordPress are named {slug[:80]!r}; "
            "give the address of one post",
            url=answer.url,
            payload=answer.body,
        )
    return Place(root, chosen[0].id)


def _remembered(state: dict[str, Any]) -> Place | None:
    root, number, route = state.get("api"), state.get("post"), state.get("route", POSTS)
    if isinstance(root, str) and isinstance(number, int) and isinstance(route, str):
        return Place(root, number, route)
    return None


def _route(url: str) -> tuple[str, int] | None:
    match = _ROUTE.search(unquote(url[:4000]))
    if match is None or match[1].removeprefix("wp/v2/") in _NO_POSTS:
        return None
    return match[1], int(match[2])


def _before_api(url: str) -> str:
    return re.split(r"wp-json/|(?:index\.php)?\?", url, maxsplit=1)[0]


def _links_in_head(answer: Answer) -> list[tuple[str, str]]:
    if b"<link" not in answer.body[:_HEAD_BYTES].lower():
        return []
    links = []
    for tag in _LINK_TAG.findall(answer.body[:_HEAD_BYTES].decode("utf-8", "replace")):
        given = {name.lower(): unescape(a or b or c) for name, a, b, c in _ATTRIBUTE.findall(tag)}
        url = identity.http_url(given.get("href"), answer.url)
        if url:
            links += [(rel, url) for rel in given.get("rel", "").lower().split()]
    return links
