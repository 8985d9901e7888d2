"""RSS 0.9x to 2.0, RDF and Atom, by feedparser without its sanitiser and without its network."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

from monitor.collect.feed.bounds import check_depth, find_root, repair_end
from monitor.collect.feed.dates import feed_date
from monitor.collect.feed.decode import clean
from monitor.collect.feed.extras import ItemExtras, read_extras
from monitor.collect.feed.replies import split_reply
from monitor.collect.feed.types import Document, Entry, InReplyTo
from monitor.errors import BadAnswer
from monitor.identity import http_url
from monitor.text import links, plain, plain_title, tidy

__all__ = ["language_tag", "read_xml"]

_HTML = ("text/html", "application/xhtml+xml")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")
_ADDRESS = re.compile(r"\S+@\S+")
_MOST_AUTHORS = 5


def read_xml(text: str, url: str) -> Document | None:
    """The feed in `text`, which came from `url`; None if it is no feed.

    Raises:
        BadAnswer: it begins as a feed but can't be read as one.
        TooLarge: it is nested too deep.
    """
    found = find_root(text)
    if found is None:
        return None
    root, document = found
    document, truncated = repair_end(root, document)
    check_depth(document)
    document = clean(document)
    extras = read_extras(document)
    parsed = _feedparser(document, url)
    if not parsed["version"] or not extras.has_channel:
        raise BadAnswer(f"a <{root}> document that is no feed: it has no channel")
    entries = parsed["entries"]
    if extras.items and not entries:
        raise BadAnswer(f"a feed whose {len(extras.items)} items can't be read")
    if parsed["bozo"] and not entries:
        raise BadAnswer("a feed that is not well-formed and shows no items")
    same = len(entries) == len(extras.items)
    more = extras.items if same else tuple(ItemExtras() for _ in entries)
    feed = parsed["feed"]
    is_atom = str(parsed["version"]).startswith("atom")
    return Document(
        version=parsed["version"],
        link=http_url(_plain_get(feed, "link"), url),
        generator=_generator(feed),
        entries=tuple(
            _entry(entry, extra, feed, url=url, is_atom=is_atom)
            for entry, extra in zip(entries, more, strict=True)
        ),
        complete=extras.complete,
        next_page=http_url(extras.next_page, url),
        truncated=truncated,
    )


def _feedparser(document: str, url: str) -> Any:
    import feedparser

    # A stream, never the bytes themselves: feedparser would take those for the name of a file.
    stream = io.BytesIO(
        b"<?xml version='1.0' encoding='utf-8'?>" + document.encode(errors="replace")
    )
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return feedparser.parse(
                stream, response_headers=headers, resolve_relative_uris=False, sanitize_html=False
            )
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # feedparser has no error tree: hostile feeds break it anywhere
            raise BadAnswer(f"a feed that can't be parsed ({type(error).__name__})") from error


def _entry(entry: Any, extra: ItemExtras, feed: Any, *, url: str, is_atom: bool) -> Entry:
    html, base, is_html = _content(entry)
    sentence, html = split_reply(html) if is_html else (None, html)
    answers = extra.in_reply_to or ((InReplyTo(href=sentence),) if sentence else ())
    title = entry.get("title_detail") or {}
    verbatim = is_atom and title.get("type") == "text/plain"
    raw_title = _plain_get(entry, "title")
    return Entry(
        guid=extra.guid or _plain_get(entry, "id"),
        link=_link(entry, extra.guid, url),
        title=_one_line(raw_title) if verbatim else plain_title(raw_title),
        text=plain(html) if is_html else tidy(html),
        author=_author(entry) or (_author(feed) if is_atom else None),
        published=_date(entry, "published") or _date(entry, "created"),
        updated=_date(entry, "updated"),
        language=_language(entry, feed),
        links=links(html, base or url) if is_html else (),
        in_reply_to=answers,
        comment_count=extra.comment_count,
        comment_feed=http_url(extra.comment_feed, base or url),
        views=extra.views,
    )


def _plain_get(mapping: Any, key: str) -> str | None:
    """A value as it stands there: feedparser's own `get` answers for other keys, too."""
    value = dict.get(mapping, key)
    return value.strip() or None if isinstance(value, str) else None


def _content(entry: Any) -> tuple[str | None, str | None, bool]:
    """The content of the entry, else its summary; the base of its links; whether it is HTML."""
    given = [one for one in dict.get(entry, "content") or [] if _is_text(one)]
    given = given or [one for one in [dict.get(entry, "summary_detail") or {}] if _is_text(one)]
    if not given:
        return _plain_get(entry, "summary"), None, True
    best = max(given, key=lambda one: len(one["value"]))
    return best["value"], http_url(best.get("base")), best["type"] in _HTML


def _is_text(content: Any) -> bool:
    return content.get("type") in (*_HTML, "text/plain") and bool(content.get("value"))


def _link(entry: Any, guid: str | None, url: str) -> str | None:
    """The entry's address; a guid stands for it only where it is one."""
    original = http_url(_plain_get(entry, "feedburner_origlink"))
    if original:
        return original
    given = dict.get(entry, "links") or []
    link = _plain_get(entry, "link")
    if link and any(one.get("href") == link for one in given):
        return http_url(link, url)
    other = next((one.get("href") for one in given if one.get("rel") == "alternate"), None)
    return http_url(other, url) or (http_url(guid) if link else None)


def _author(context: Any) -> str | None:
    """The names of the authors; addresses of mail are none."""
    given = [one.get("name") for one in dict.get(context, "authors") or []]
    if not any(given):
        given = [(dict.get(context, "author_detail") or {}).get("name")]
    names = (plain_title(name) for name in given[:_MOST_AUTHORS])
    return ", ".join(name for name in names if name and not _ADDRESS.fullmatch(name)) or None


def _date(entry: Any, key: str) -> Any:
    return feed_date(_plain_get(entry, key), dict.get(entry, f"{key}_parsed"))


def _language(entry: Any, feed: Any) -> str | None:
    details = [dict.get(entry, "title_detail") or {}, *(dict.get(entry, "content") or [])]
    details.append(dict.get(entry, "summary_detail") or {})
    given = [_plain_get(entry, "language"), *(one.get("language") for one in details)]
    given.append(_plain_get(feed, "language"))
    return next((tag for tag in map(language_tag, given) if tag), None)


def language_tag(written: Any) -> str | None:
    """`written` if it looks like a language tag (BCP 47), with hyphens."""
    tag = written.strip().replace("_", "-") if isinstance(written, str) else ""
    return tag if _LANGUAGE.fullmatch(tag) else None


def _generator(feed: Any) -> str | None:
    detail = dict.get(feed, "generator_detail") or {}
    return detail.get("href") or _plain_get(feed, "generator")


def _one_line(text: str | None) -> str | None:
    return " ".join((tidy(text) or "").split()) or None
