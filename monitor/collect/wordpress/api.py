"""The REST API of one WordPress site: its addresses, its pages, and its ways to say no."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

from monitor.collect.protocol import Answer, Http
from monitor.collect.wordpress.ids import header_links, site_key
from monitor.collect.wordpress.parse import decode, total_of
from monitor.errors import AccessDenied, BadAnswer, Gone, HttpError

__all__ = ["Api", "Listing", "error_code", "has_more", "is_gone", "pages", "read_all", "through"]

PER_PAGE = 100  # WordPress answers 400 to more
MAX_PAGES = 500

# What WordPress itself says of one thing. Any other refusal comes from a plug-in, a firewall or
# a proxy: it is about us, and proves nothing about the thing.
_GONE = frozenset({"rest_post_invalid_id", "rest_comment_invalid_id"})
_NOT_PUBLIC = frozenset(
    {"rest_forbidden", "rest_cannot_read", "rest_cannot_read_post", "rest_forbidden_context"}
)


class Numbered(Protocol):
    """An entry of a listing."""

    id: int


T = TypeVar("T", bound=Numbered)


@dataclass(frozen=True, slots=True)
class Api:
    """One site's API. `root` is its address as announced; `base_url` overrides where it is asked.

    `root` ends in `/wp-json/`, or holds `rest_route=/` for sites without permalinks.
    """

    http: Http
    root: str
    base_url: str | None = None

    @property
    def site(self) -> str:
        """The site's key, for ids."""
        key = site_key(self.root)
        if key is None:
            raise BadAnswer(f"{self.root[:200]!r} is no address of a WordPress API")
        return key

    async def get(self, route: str, **params: str | int) -> Answer:
        """Ask for `route`, `wp/v2/comments` say."""
        root = through(self.root, self.base_url)
        if "rest_route=" in urlsplit(root).query:
            return await self.http.get(root, params={"rest_route": f"/{route}", **params})
        return await self.http.get(root.rstrip("/") + f"/{route}", params=params or None)


@dataclass(slots=True)
class Listing(Generic[T]):
    """A whole list as it stood: entries by number, the total that the site named last.

    `settled`: nothing moved while it was read, or what moved was read after all.
    """

    items: dict[int, T] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)
    pages_cut: bool = False

    @property
    def total(self) -> int | None:
        return self.totals[-1] if self.totals else None

    @property
    def settled(self) -> bool:
        if self.pages_cut:
            return False
        if len(set(self.totals)) <= 1:
            return True
        only_more = sorted(self.totals) == self.totals
        return only_more and len(self.items) >= self.totals[-1]


def through(url: str, base_url: str | None) -> str:
    """`url` at the origin of `base_url` where that is set."""
    if not base_url:
        return url
    base, parts = urlsplit(base_url), urlsplit(url)
    path = base.path.rstrip("/") + parts.path
    return urlunsplit((base.scheme, base.netloc, path, parts.query, ""))


def error_code(error: HttpError) -> str | None:
    """The code in the body of a WordPress error, `rest_no_route` say; None where it is no such."""
    try:
        data = json.loads(error.body)
    except (ValueError, RecursionError):
        return None
    code = data.get("code") if isinstance(data, dict) else None
    return code if isinstance(code, str) else None


def is_gone(error: HttpError) -> int | None:
    """404 if WordPress says that a thing is no more, 401 if it is not public, else None."""
    code = error_code(error)
    if isinstance(error, Gone) and (code in _GONE or error.status == HTTPStatus.GONE):
        return 404
    return 401 if isinstance(error, AccessDenied) and code in _NOT_PUBLIC else None


async def read_all(
    api: Api,
    route: str,
    shape: type[T],
    take: Callable[[list[T], Answer], None],
    **params: str | int,
) -> Listing[T]:
    """Every entry of `route`, page by page; `take` gets each page as it arrives.

    Where the total changes on the way, entries may have slipped from one page to another: the list
    is then read once more, unless all that the last answer counts is there.
    """
    listing = await _pass(api, route, shape, take, params)
    if not listing.settled and not listing.pages_cut:
        listing = await _pass(api, route, shape, take, params)
    return listing


async def _pass(
    api: Api,
    route: str,
    shape: type[T],
    take: Callable[[list[T], Answer], None],
    params: dict[str, str | int],
) -> Listing[T]:
    listing: Listing[T] = Listing()
    async for items, answer in pages(api, route, shape, params):
        if answer is None:
            listing.pages_cut = True
            break
        new = {item.id: item for item in items if item.id not in listing.items}
        if items and not new:
            raise BadAnswer(
                f"{answer.url}: this page of the list only repeats earlier ones; "
                "the answer is kept",
                url=answer.url,
                payload=answer.body,
            )
        if (total := total_of(answer)) is not None:
            listing.totals.append(total)
        take(items, answer)
        listing.items |= new
    return listing


async def pages(
    api: Api, route: str, shape: type[T], params: dict[str, str | int]
) -> AsyncIterator[tuple[list[T], Answer | None]]:
    """The pages of `route` to its end; one without an answer closes a list that is too long."""
    for page in range(1, MAX_PAGES + 1):
        answer = await _page(api, route, {**params, "per_page": PER_PAGE, "page": page})
        if answer is None:
            return
        items: list[T] = decode(answer, list[shape])  # type: ignore[valid-type]  # a value here
        yield items, answer
        if not has_more(answer, page, len(items)):
            return
    yield [], None


async def _page(api: Api, route: str, params: dict[str, str | int]) -> Answer | None:
    """One page, None past the end (some versions answer 400 there, others an empty list)."""
    try:
        return await api.get(route, **params)
    except HttpError as error:
        if (error_code(error) or "").endswith("invalid_page_number"):
            return None
        raise


def has_more(answer: Answer, page: int, count: int) -> bool:
    """Whether another page follows.

    A page may be short in the middle: WordPress counts entries that it then does not show. So only
    the headers tell, and without them an empty page.
    """
    pages = total_of(answer, "x-wp-totalpages")
    if pages is not None:
        return page < pages
    return "next" in header_links(answer.headers) or count > 0
