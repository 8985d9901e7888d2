"""Hacker News: Algolia's index as recorded, which lags, and the site's own API, which does not.

No answer of the site's own API could be recorded: it follows its documentation.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape
from typing import Any

from monitor.identity import canonical_url
from monitor.simulate.platforms.protocol import Asked, Reply, as_json
from monitor.simulate.worlds.world import Item, World

__all__ = ["HOST", "LAG", "HackerNews"]

HOST = "hackernews.sim.example"
LAG = timedelta(minutes=3)
"""So much later the index has what the site has."""
_MOST = 1000  # results of one question, whatever the page
_FILTER = re.compile(r"created_at_i(<=|>=|<|>)(\d+)")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__,
}  # fmt: skip
_ATTRIBUTES = ("title", "url", "story_text", "comment_text")

View = dict[str, Any]


class HackerNews:
    """Stands in for both APIs. The index shows the world as it was `lag` ago."""

    network = "hackernews"
    hosts = frozenset({HOST})

    def __init__(self, world: World, lag: timedelta = LAG) -> None:
        self._items = world.of("hackernews")
        self._times = [item.created_at for item in self._items]
        self._by_number = {int(item.native): item for item in self._items}
        self._names = {person.account for person in world.people}
        self._lag = lag

    def answer(self, asked: Asked, now: datetime) -> Reply:
        """What either API answers at that moment."""
        if match := re.fullmatch(r"/v0/item/(\d+)\.json", asked.path):
            return as_json(self._fresh(int(match[1]), now))
        if match := re.fullmatch(r"/v0/user/([\w-]+)\.json", asked.path):
            known = match[1] in self._names
            return as_json({"id": match[1], "created": 0, "karma": 1} if known else None)
        if match := re.fullmatch(r"/api/v1/items/(\d+)", asked.path):
            return self._tree(int(match[1]), now - self._lag)
        if match := re.fullmatch(r"/api/v1/(search|search_by_date)", asked.path):
            return as_json(self._results(asked, now - self._lag, by_date="_by_" in match[1]))
        return as_json({"status": 404, "error": "Not Found"}, 404)

    # The site's own API.

    def _fresh(self, number: int, now: datetime) -> View | None:
        item = self._by_number.get(number)
        if item is None or item.created_at > now:
            return None
        made: View = {"id": number, "time": _seconds(item), "type": _kind(item)}
        if kids := [int(one.native) for one in item.children if one.created_at <= now]:
            made["kids"] = kids
        if item.parent is not None:
            made["parent"] = int(item.parent.native)
        if not item.exists(now):
            return {**made, "deleted": True}
        made["by"] = _author(item)
        if item.parent is not None:
            return {**made, "text": _html(item, now)}
        made |= {"title": item.title, "score": _points(item, now), "descendants": _below(item, now)}
        return {**made, "url": item.link} if item.link else {**made, "text": _html(item, now)}

    # The index.

    def _tree(self, number: int, then: datetime) -> Reply:
        """The item with all that is below it; without recursion, for threads are deep."""
        top = self._by_number.get(number)
        if top is None or top.created_at > then:
            return as_json({"status": 404, "error": "Not Found"}, 404)
        first = _node(top, then)
        stack = [(top, first)]
        while stack:
            item, node = stack.pop()
            for child in item.children:
                if child.created_at <= then:
                    node["children"].append(_node(child, then))
                    stack.append((child, node["children"][-1]))
        return as_json(first)

    def _results(self, asked: Asked, then: datetime, *, by_date: bool) -> View:
        size = min(int(asked.get("hitsPerPage", "20")), _MOST)
        number = int(asked.get("page", "0"))
        known = self._items[: bisect_right(self._times, then)]
        fits = [item for item in known if item.exists(then) and _fits(item, asked, then)]
        fits.sort(key=lambda item: _seconds(item) if by_date else _points(item, then), reverse=True)
        shown = fits[:_MOST][number * size : (number + 1) * size]
        return {
            "hits": [_hit(item, then) for item in shown], "nbHits": len(fits), "page": number,
            "nbPages": -(-min(len(fits), _MOST) // size), "hitsPerPage": size,
            "processingTimeMS": 1, "query": asked.get("query"),
            "params": "&".join(f"{key}={value}" for key, value in asked.params),
        }  # fmt: skip


def _node(item: Item, then: datetime) -> View:
    """One node of a tree; what is gone keeps its place and loses its content."""
    there, top = item.exists(then), item.root or item
    made: View = {
        "id": int(item.native), "created_at": _iso(item), "created_at_i": _seconds(item),
        "type": _kind(item), "author": _author(item) if there else None,
        "text": (_html(item, then) if there and not _links(item) else None), "points": None,
        "parent_id": int(item.parent.native) if item.parent else None,
        "story_id": int(top.native), "children": [],
    }  # fmt: skip
    if item.parent is None:
        made |= {"title": item.title if there else None, "url": item.link if there else None}
        made["points"] = _points(item, then)
    return made


def _hit(item: Item, then: datetime) -> View:
    top, is_story = item.root or item, item.parent is None
    made: View = {
        "created_at": _iso(item), "title": item.title if is_story else None,
        "url": item.link if is_story else None, "author": _author(item),
        "points": _points(item, then) if is_story else None,
        "story_text": ("" if _links(item) else _html(item, then)) if is_story else None,
        "comment_text": None if is_story else _html(item, then),
        "num_comments": _below(item, then) if is_story else None,
        "story_id": None if is_story else int(top.native),
        "story_title": None if is_story else top.title,
        "story_url": None if is_story else top.link,
        "parent_id": int(item.parent.native) if item.parent else None,
        "created_at_i": _seconds(item), "_tags": _tags(item), "objectID": item.native,
    }  # fmt: skip
    shown = {name: made[name] for name in ("author", *_ATTRIBUTES) if made[name]}
    made["_highlightResult"] = {
        name: {"value": value, "matchLevel": "none", "matchedWords": []}
        for name, value in shown.items()
    }
    return made


def _fits(item: Item, asked: Asked, then: datetime) -> bool:
    """Tags (a comma means and, within brackets or), moments and words; all must fit."""
    own = set(_tags(item))
    for group in re.findall(r"\(([^)]*)\)|([^,()]+)", asked.get("tags")):
        if own.isdisjoint((group[0] or group[1]).split(",")):
            return False
    for sign, number in _FILTER.findall(asked.get("numericFilters")):
        if not _COMPARE[sign](_seconds(item), int(number)):
            return False
    text = _searched(item, asked.get("restrictSearchableAttributes"), then)
    words = re.findall(r'"([^"]+)"|([\w&-]+)', asked.get("query"))
    return all((phrase or word).casefold() in text for phrase, word in words)


def _searched(item: Item, attributes: str, then: datetime) -> str:
    hit = _hit(item, then)
    names = attributes.split(",") if attributes else _ATTRIBUTES
    return " ".join(str(hit[name]) for name in names if hit[name]).casefold()


def _tags(item: Item) -> list[str]:
    top = item.root or item
    return [_kind(item), f"author_{_author(item)}", f"story_{top.native}"]


def _kind(item: Item) -> str:
    return "story" if item.parent is None else "comment"


def _links(item: Item) -> bool:
    return item.parent is None and item.link is not None and canonical_url(item.link) is not None


def _author(item: Item) -> str:
    return item.author.account if item.author else "somebody"


def _html(item: Item, now: datetime) -> str:
    """Paragraphs as the site writes them: the first has no tag."""
    return "<p>".join(escape(part) for part in item.said(now).split("\n\n"))


def _below(item: Item, now: datetime) -> int:
    """How many comments the site counts in the whole tree."""
    count, stack = 0, list(item.children)
    while stack:
        one = stack.pop()
        count += one.exists(now)
        stack += one.children
    return count


def _points(item: Item, now: datetime) -> int:
    return 1 + item.likes.at(item.age(now))


def _seconds(item: Item) -> int:
    return int(item.created_at.timestamp())


def _iso(item: Item) -> str:
    return item.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
