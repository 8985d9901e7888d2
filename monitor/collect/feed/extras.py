"""What feedparser does not tell: raw guids, every `thr:in-reply-to`, comment counts and feeds.

One pass of lxml over the same document. Elements are known by their local names, since prefixes
and even namespaces differ between generators.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from monitor.collect.feed.types import InReplyTo

__all__ = ["Extras", "ItemExtras", "read_extras"]

_MOST_PARENTS = 20
_COUNT_DIGITS = 9


@dataclass(frozen=True, slots=True)
class ItemExtras:
    """Of one item, as written."""

    guid: str | None = None
    in_reply_to: tuple[InReplyTo, ...] = ()
    comment_count: int | None = None
    comment_feed: str | None = None
    views: int | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """Of the document: its items in order, RFC 5005 marks, and whether it has a channel at all."""

    items: tuple[ItemExtras, ...]
    complete: bool
    next_page: str | None
    has_channel: bool


def read_extras(document: str) -> Extras:
    """Read what is there; a document that is not well-formed is read as far as it goes."""
    from lxml import etree

    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(document.encode(errors="replace"), parser)
    if root is None:
        return Extras((), complete=False, next_page=None, has_channel=False)
    channel = next(_children(root, "channel"), root)
    outer = [*_children(root), *(_children(channel) if channel is not root else ())]
    items = tuple(_item(one) for one in outer if _local(one) in ("item", "entry"))
    return Extras(
        items,
        complete=any(_local(one) == "complete" and "history" in _space(one) for one in outer),
        next_page=_linked(outer, "next") or _linked(outer, "prev-archive"),
        has_channel=channel is not root or "feed" in _local(root).lower(),
    )


def _item(item: Any) -> ItemExtras:
    parts = list(_children(item))
    guid = _text(parts, "guid") or _text(parts, "id") or _attribute(item, "about")
    return ItemExtras(
        guid=guid,
        in_reply_to=tuple(_in_reply_to(parts)),
        comment_count=_comment_count(parts),
        comment_feed=_text(parts, "commentRss") or _linked(parts, "replies", kind="xml"),
        views=_views(item),
    )


def _in_reply_to(parts: list[Any]) -> Iterator[InReplyTo]:
    given = [one for one in parts if _local(one) == "in-reply-to"]
    for one in given[:_MOST_PARENTS]:
        ref, href = _attribute(one, "ref"), _attribute(one, "href")
        if ref or href:
            yield InReplyTo(ref=ref, href=href)


def _comment_count(parts: list[Any]) -> int | None:
    for one in parts:
        # RSS 2.0's own <comments> holds an address and has no namespace.
        if _local(one) == "comments" and "slash" in _space(one):
            return _number(one.text)
        if _local(one) == "total" and "thread" in _space(one):
            return _number(one.text)
    counts = (_attribute(one, "count") for one in parts if _is_link(one, "replies"))
    return next((n for n in map(_number, counts) if n is not None), None)


def _views(item: Any) -> int | None:
    for one in item.iter("{http://search.yahoo.com/mrss/}statistics"):
        return _number(_attribute(one, "views"))
    return None


def _linked(parts: list[Any], relation: str, kind: str = "") -> str | None:
    for one in parts:
        if _is_link(one, relation) and kind in (_attribute(one, "type") or kind):
            return _attribute(one, "href")
    return None


def _is_link(element: Any, relation: str) -> bool:
    return _local(element) == "link" and (_attribute(element, "rel") or "").lower() == relation


def _children(element: Any, name: str | None = None) -> Iterator[Any]:
    for child in element:
        if isinstance(child.tag, str) and name in (None, _local(child)):
            yield child


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]


def _space(element: Any) -> str:
    """The namespace, or the prefix where it was never declared."""
    tag = str(element.tag)
    space = tag[1:].partition("}")[0] if tag.startswith("{") else tag.partition(":")[0]
    return space.lower().replace("thr", "thread") if space == "thr" else space.lower()


def _attribute(element: Any, name: str) -> str | None:
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2].rpartition(":")[2] == name:
            return str(value).strip() or None
    return None


def _text(parts: list[Any], name: str) -> str | None:
    for one in parts:
        if _local(one) == name and one.text and one.text.strip():
            return str(one.text).strip()
    return None


def _number(written: str | None) -> int | None:
    digits = (written or "").strip()
    fits = digits.isascii() and digits.isdigit() and len(digits) <= _COUNT_DIGITS
    return int(digits) if fits else None
