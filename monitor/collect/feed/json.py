"""JSON Feed 1.0 and 1.1."""

from __future__ import annotations

import json
from typing import Any

from monitor.collect.feed.dates import feed_date
from monitor.collect.feed.types import Document, Entry
from monitor.collect.feed.xml import language_tag
from monitor.errors import BadAnswer
from monitor.identity import http_url
from monitor.text import links, plain, plain_title, tidy

__all__ = ["read_json"]

_MOST_AUTHORS = 5


def read_json(text: str, url: str) -> Document | None:
    """The JSON Feed in `text`, which came from `url`; None if it is no JSON, or another one.

    Raises:
        BadAnswer: it says that it is a feed, but its items are none.
    """
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(feed, dict) or "jsonfeed.org/version/1" not in str(feed.get("version")):
        return None
    items = feed.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadAnswer("a JSON Feed without a list of items")
    return Document(
        version="json1",
        link=http_url(_string(feed.get("home_page_url")), url),
        entries=tuple(_entry(item, feed, url) for item in items),
        next_page=http_url(_string(feed.get("next_url")), url),
    )


def _entry(item: dict[str, Any], feed: dict[str, Any], url: str) -> Entry:
    html, text = _string(item.get("content_html")), _string(item.get("content_text"))
    external = http_url(_string(item.get("external_url")), url)
    link = http_url(_string(item.get("url")), url)
    found = links(html, link or url)
    return Entry(
        guid=_string(item.get("id")),
        link=link or external,
        title=plain_title(_escaped(_string(item.get("title")))),
        text=plain(html) or tidy(text) or tidy(_string(item.get("summary"))),
        author=_authors(item) or _authors(feed),
        published=feed_date(_string(item.get("date_published"))),
        updated=feed_date(_string(item.get("date_modified"))),
        language=language_tag(item.get("language")) or language_tag(feed.get("language")),
        links=tuple(dict.fromkeys([*([external] if external and link else []), *found])),
    )


def _string(value: Any) -> str | None:
    """Text, or a number (ids are often given as numbers) as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def _escaped(text: str | None) -> str | None:
    """Titles are plain text by the format: a `<` in them is one."""
    return text.replace("<", "&lt;").replace(">", "&gt;") if text else None


def _authors(context: dict[str, Any]) -> str | None:
    given = context.get("authors")
    people = given if isinstance(given, list) else [context.get("author")]
    names = (plain_title(_string(one.get("name"))) for one in people if isinstance(one, dict))
    return ", ".join([name for name in names if name][:_MOST_AUTHORS]) or None
