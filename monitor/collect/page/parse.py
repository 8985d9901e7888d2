"""What a web page says of itself: canonical address, title, moment, author, text, and comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from monitor import identity
from monitor.collect.page.tree import parse
from monitor.collect.protocol import Answer
from monitor.text import tidy
from monitor.types import Post

__all__ = ["comment_feeds", "read_page"]

BODY_CHARS = 2_000
MAX_LINKS = 50
MAX_FEEDS = 5

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_COMMENTS = re.compile(
    r"comment|komment|coment|reacti|antwort|repl(?:y|ies)|discuss", re.IGNORECASE
)
_OF_SITE = re.compile(
    r"(?:/index\.php)?/comments(?:/feed)?(?:/(?:atom|rss2?|rdf))?/?", re.IGNORECASE
)
_BLOGGER = re.compile(r"/feeds/\d+/comments/")
_FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml"})


def read_page(answer: Answer, asked: str) -> Post | None:
    """The page as an article; None where `asked` names no page (no path).

    Its id is that of `asked`; the page's own canonical address is an alias if on the same host. A
    moment without zone, or without time of day, is not taken: a wrong hour is worse than none.

    Raises:
        BadAnswer: it is no HTML, or more than we read.
    """
    own = identity.link_id(asked)
    if own is None:
        return None
    page = parse(answer)
    data = list(_json_ld(page))
    base = _base(page, answer)
    canonical = _canonical(page, base, answer.url)
    others = (identity.link_id(url) for url in (canonical, answer.url) if url)
    return Post(
        post_id=own,
        url=canonical or identity.http_url(answer.url),
        author_name=_author(page, data),
        title=_title(page),
        text=_text(page),
        claimed_at=_moment(page, data),
        is_article=True,
        language_tag=_language(page),
        links=_links(page, base),
        aliases=tuple({one: None for one in others if one and one != own}),
    )


def comment_feeds(answer: Answer) -> list[str]:
    """The feeds of this page's own comments that it names, at most five; none of its site."""
    page = parse(answer)
    base = _base(page, answer)
    found: dict[str, None] = {}
    for node in page.css("link[rel~=alternate i][href]"):
        url = identity.http_url(node.attributes.get("href"), base)
        about = f"{node.attributes.get('title') or ''} {url}"
        if _kind(node) in _FEED_TYPES and url and _COMMENTS.search(about) and _is_of(url, answer):
            found[url] = None
    for node in page.css("script[data-isso]"):
        if url := _isso(page, node, base, answer.url):
            found[url] = None
    return list(found)[:MAX_FEEDS]


def _attribute(page: LexborHTMLParser, selector: str, name: str) -> str | None:
    for node in page.css(selector):
        if value := (node.attributes.get(name) or "").strip():
            return value
    return None


def _meta(page: LexborHTMLParser, *names: str) -> str | None:
    for name in names:
        selector = f'meta[property="{name}" i], meta[name="{name}" i], meta[itemprop="{name}" i]'
        if value := _attribute(page, selector, "content"):
            return value
    return None


def _squeezed(text: str | None, limit: int = 500) -> str | None:
    return " ".join((tidy(text) or "").split())[:limit].rstrip() or None


def _base(page: LexborHTMLParser, answer: Answer) -> str:
    return identity.http_url(_attribute(page, "base[href]", "href"), answer.url) or answer.url


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".").removeprefix("www.")


def _canonical(page: LexborHTMLParser, base: str, url: str) -> str | None:
    """A page may name itself, never a page of somebody else."""
    given = [_attribute(page, "link[rel~=canonical i][href]", "href"), _meta(page, "og:url")]
    for one in given:
        canonical = identity.http_url(one, base)
        if canonical and _host(canonical) == _host(url) and identity.link_id(canonical):
            return canonical
    return None


def _title(page: LexborHTMLParser) -> str | None:
    heading = next((text for node in page.css("h1") if (text := _squeezed(node.text()))), None)
    title = page.css_first("title")
    given = _meta(page, "og:title") or heading or (title.text() if title else None)
    return _squeezed(given)


def _language(page: LexborHTMLParser) -> str | None:
    tag = _attribute(page, "html", "lang")
    return tag if tag and _LANGUAGE.fullmatch(tag) else None


def _text(page: LexborHTMLParser) -> str | None:
    """The description and the first 2,000 characters of the article's paragraphs."""
    about = _squeezed(_meta(page, "og:description", "description"), BODY_CHARS)
    body = _body_text(page)
    if about and body and body.startswith(about.rstrip(".… ")):
        return body
    return "\n\n".join(part for part in (about, body) if part) or None


def _body_text(page: LexborHTMLParser) -> str:
    main = _main(page)
    parts: list[str] = []
    length = 0
    for node in main.css("p") if main else ():
        part = _squeezed(node.text(), BODY_CHARS)
        if part and length < BODY_CHARS:
            parts.append(part)
            length += len(part) + 2
    return "\n\n".join(parts)[:BODY_CHARS].rstrip()


def _main(page: LexborHTMLParser) -> LexborNode | None:
    return page.css_first("article") or page.css_first("main")


def _links(page: LexborHTMLParser, base: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    where = _main(page) or page.body
    for node in where.css("a[href]") if where else ():
        href = (node.attributes.get("href") or "").strip()
        url = identity.http_url(href, base) if href and not href.startswith("#") else None
        if url and len(found) < MAX_LINKS:
            found[url] = None
    return tuple(found)


def _json_ld(page: LexborHTMLParser) -> Iterator[dict[str, Any]]:
    """The objects of a page's JSON-LD, those of `@graph` included, in order."""
    for node in page.css('script[type="application/ld+json" i]')[:20]:
        try:
            data = json.loads(node.text())
        except (ValueError, RecursionError):
            continue
        for one in _objects(data):
            yield one
            yield from _objects(one.get("@graph", []))


def _objects(data: Any) -> list[dict[str, Any]]:
    return [one for one in (data if isinstance(data, list) else [data]) if isinstance(one, dict)]


def _moment(page: LexborHTMLParser, data: list[dict[str, Any]]) -> datetime | None:
    given = [
        _meta(page, "article:published_time", "og:article:published_time", "datePublished"),
        *(one.get("datePublished") for one in data),
        _attribute(page, "article time[datetime], main time[datetime]", "datetime"),
        _attribute(page, "time[datetime]", "datetime"),
    ]
    return next((at for one in given if (at := _instant(one))), None)


def _instant(text: Any) -> datetime | None:
    if not isinstance(text, str) or ":" not in text:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _author(page: LexborHTMLParser, data: list[dict[str, Any]]) -> str | None:
    for one in data:
        if "datePublished" in one and (names := list(_names(one.get("author")))):
            return _squeezed(", ".join(names[:3]), 200)
    return _squeezed(_meta(page, "author"), 200)


def _names(author: Any) -> Iterator[str]:
    for one in author if isinstance(author, list) else [author]:
        name = one.get("name") if isinstance(one, dict) else one
        if isinstance(name, str) and name.strip():
            yield name.strip()


def _kind(node: LexborNode) -> str:
    return (node.attributes.get("type") or "").partition(";")[0].strip().lower()


def _is_of(feed: str, answer: Answer) -> bool:
    """Whether a comment feed is about this page: its address holds the page's path or last part."""
    page, parts = urlsplit(answer.url), urlsplit(feed)
    path = unquote(page.path).rstrip("/")
    if _OF_SITE.fullmatch(parts.path) or not path:
        return False
    where = unquote(f"{parts.path}?{parts.query}")
    name = path.rpartition("/")[2].rpartition(".")[0] or path.rpartition("/")[2]
    in_path = f"{where}/".startswith((f"{path}/", f"{path}?"))
    return in_path or name in re.split(r"[/?&=.]", where) or bool(_BLOGGER.search(parts.path))


def _isso(page: LexborHTMLParser, node: LexborNode, base: str, url: str) -> str | None:
    server = identity.http_url(node.attributes.get("data-isso"), base)
    if server is None:
        return None
    thread = _attribute(page, "#isso-thread[data-isso-id]", "data-isso-id")
    uri = quote(thread or urlsplit(url).path or "/", safe="")
    return urljoin(server.rstrip("/") + "/", f"feed?uri={uri}")
