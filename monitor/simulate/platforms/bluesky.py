"""An AppView's answers without a login, as the recorded one gives them.

What it hides, it hides without a word: replies behind a block, and what hangs under a deleted
post. Its counters count what it does not list.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any

from monitor.simulate.platforms.protocol import Asked, Reply, as_json
from monitor.simulate.worlds.world import Item, Kind, Person, World

__all__ = ["HOST", "Bluesky"]

HOST = "appview.sim.example"
_MOST = 100
_MOST_POSTS = 25
_DEFAULT_DEPTH = 6
_MOST_DEPTH = 1000
_HEADERS = (
    ("X-Powered-By", "Express"),
    ("Access-Control-Allow-Origin", "*"),
    ("Vary", "Accept-Encoding"),
)
_HIDDEN = "!no-unauthenticated"

View = dict[str, Any]


class _Refused(Exception):
    """An answer with status 400."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


class Bluesky:
    """Stands in for an AppView."""

    network = "bluesky"
    hosts = frozenset({HOST})

    def __init__(self, world: World) -> None:
        self._posts = world.of("bluesky")
        self._times = [post.created_at for post in self._posts]
        self._by_uri = {post.native: post for post in self._posts}
        self._people = {person.did: person for person in world.people}
        self._dids = {person.handle: person.did for person in world.people}
        self._by_author: dict[Person, list[tuple[datetime, Item, Person | None]]] = {}
        for post in self._posts:
            if post.author is not None:
                self._by_author.setdefault(post.author, []).append((_sorted_at(post), post, None))
            for at, person in post.reposts:
                self._by_author.setdefault(person, []).append((at, post, person))
        for feed in self._by_author.values():
            feed.sort(key=lambda entry: (entry[0], entry[1].native), reverse=True)
        self._folded = {post: post.text.casefold() for post in self._posts}
        self._search_lag = world.scenario.search_lag
        self._start = world.scenario.starts_at
        self._methods: dict[str, Callable[[Asked, datetime], Any]] = {
            "app.bsky.feed.getPostThread": self._thread,
            "app.bsky.feed.getPosts": self._named,
            "app.bsky.feed.getQuotes": self._quotes,
            "app.bsky.feed.getAuthorFeed": self._author_feed,
            "app.bsky.feed.searchPosts": self._search,
            "app.bsky.actor.getProfile": self._profile,
            "com.atproto.identity.resolveHandle": self._resolve,
        }

    def answer(self, asked: Asked, now: datetime) -> Reply:
        """What the AppView answers at that moment."""
        name = asked.path.removeprefix("/xrpc/")
        method = self._methods.get(name)
        if method is None:
            missing = {"error": "MethodNotImplemented", "message": "Method Not Implemented"}
            return as_json(missing, 501, _HEADERS)
        try:
            made = method(asked, now)
        except _Refused as refused:
            return as_json({"error": refused.error, "message": str(refused)}, 400, _HEADERS)
        reply = as_json(made, 200, _HEADERS)
        tag = (
            f'W/"{len(reply.body):x}-{hashlib.md5(reply.body, usedforsecurity=False).hexdigest()}"'
        )
        return Reply(200, (*reply.headers, ("ETag", tag)), reply.body)

    # Methods.

    def _thread(self, asked: Asked, now: datetime) -> View:
        name, uri = "app.bsky.feed.getPostThread", asked.get("uri")
        if not uri.startswith("at://"):
            raise _Refused("InvalidRequest", f'Invalid {name} params: Invalid at-uri (got "{uri}")')
        depth = _number(asked, name, "depth", _DEFAULT_DEPTH, _MOST_DEPTH)
        post = self._by_uri.get(uri)
        if post is None or not post.exists(now):
            raise _Refused("NotFound", f"Post not found: {uri}")
        made: View = {"thread": self._node(post, depth, now)}
        gate = _gate(post.root or post, now)
        return {**made, "threadgate": gate} if gate else made

    def _node(self, top: Item, depth: int, now: datetime) -> View:
        """The tree below a post; without recursion, for threads are deep."""
        first = self._tree_view(top, now)
        level = [(top, first)]
        for _ in range(depth):
            below: list[tuple[Item, View]] = []
            for item, node in level:
                node["replies"] = []
                for child in sorted(item.children, key=lambda one: one.created_at, reverse=True):
                    if child.exists(now) and not child.is_blocked(now):
                        made = self._tree_view(child, now)
                        node["replies"].append(made)
                        below.append((child, made))
            level = below
        return first

    def _tree_view(self, item: Item, now: datetime) -> View:
        return {
            "post": self._view(item, now),
            "threadContext": {},
            "$type": "app.bsky.feed.defs#threadViewPost",
        }

    def _named(self, asked: Asked, now: datetime) -> View:
        uris = asked.all("uris")
        if len(uris) > _MOST_POSTS:
            raise _Refused(
                "InvalidRequest",
                "Invalid app.bsky.feed.getPosts params: array too big "
                f"(maximum {_MOST_POSTS}, got {len(uris)})",
            )
        found = [self._by_uri[uri] for uri in uris if uri in self._by_uri]
        return {"posts": [self._view(post, now) for post in found if post.exists(now)]}

    def _quotes(self, asked: Asked, now: datetime) -> View:
        post = self._by_uri.get(asked.get("uri"))
        quotes = post.quotes if post else []
        entries = [(_sorted_at(quote), quote) for quote in quotes if quote.exists(now)]
        page, cursor = _page(entries, asked, "app.bsky.feed.getQuotes")
        views = [self._view(quote, now) for quote in page]
        return {"posts": views, **cursor, "uri": asked.get("uri")}

    def _search(self, asked: Asked, now: datetime) -> View:
        words = [word.casefold() for word in _words(asked.get("q"))]
        known = self._posts[: bisect_right(self._times, now - self._search_lag)]
        entries = [
            (_sorted_at(post), post)
            for post in known
            if post.exists(now) and all(word in self._folded[post] for word in words)
        ]
        page, cursor = _page(entries, asked, "app.bsky.feed.searchPosts")
        return {"posts": [self._view(post, now) for post in page], **cursor}

    def _author_feed(self, asked: Asked, now: datetime) -> View:
        person = self._person(asked.get("actor"))
        without_replies = asked.get("filter") == "posts_no_replies"
        entries = [
            (at, (post, by))
            for at, post, by in self._by_author.get(person, ())
            if post.exists(now) and at <= now and not (without_replies and post.parent)
        ]
        page, cursor = _page(entries, asked, "app.bsky.feed.getAuthorFeed", key=_entry_key)
        return {"feed": [self._entry(post, by, now) for post, by in page], **cursor}

    def _entry(self, post: Item, by: Person | None, now: datetime) -> View:
        made: View = {"post": self._view(post, now)}
        parent = post.parent
        if parent is not None and parent.exists(now) and by is None:
            root = post.root or parent
            made["reply"] = {
                "root": _typed(self._view(root, now), "postView"),
                "parent": _typed(self._view(parent, now), "postView"),
            }
        if by is not None:
            at = next(when for when, person in post.reposts if person is by)
            uri = f"at://{by.did}/app.bsky.feed.repost/{post.native.rpartition('/')[2]}"
            made["reason"] = {
                "by": _author(by),
                "uri": uri,
                "cid": _cid(uri),
                "indexedAt": _iso(at),
                "$type": "app.bsky.feed.defs#reasonRepost",
            }
        return made

    def _profile(self, asked: Asked, now: datetime) -> View:
        person = self._person(asked.get("actor"))
        own = [post for _, post, by in self._by_author.get(person, ()) if by is None]
        return {
            **_author(person),
            "associated": {
                "lists": 0, "feedgens": 0, "starterPacks": 0, "labeler": False,
                "activitySubscription": {"allowSubscriptions": "followers"},
            },
            "description": "A synthetic account of a simulated world.",
            "indexedAt": _iso(self._start),
            "followersCount": person.followers,
            "followsCount": 0,
            "postsCount": sum(post.exists(now) for post in own),
        }  # fmt: skip

    def _resolve(self, asked: Asked, _: datetime) -> View:
        did = self._dids.get(asked.get("handle"))
        if did is None:
            raise _Refused("InvalidRequest", "Unable to resolve handle")
        return {"did": did}

    def _person(self, actor: str) -> Person:
        person = self._people.get(self._dids.get(actor, actor))
        if person is None:
            raise _Refused("InvalidRequest", "Profile not found")
        return person

    # Views.

    def _view(self, item: Item, now: datetime) -> View:
        """`app.bsky.feed.defs#postView`."""
        author = item.author
        if author is None:
            raise ValueError(item.post_id)
        made: View = {
            "uri": item.native,
            "cid": _cid(item.native),
            "author": _author(author),
            "record": _record(item),
        }
        if embed := self._embed(item, now):
            made["embed"] = embed
        made |= {
            "bookmarkCount": 0,
            "replyCount": item.replies(now),
            "repostCount": item.repost_count(now),
            "likeCount": item.likes.at(item.age(now)),
            "quoteCount": item.quote_count(now),
            "indexedAt": _iso(item.created_at),
            "labels": [],
        }
        if item.parent is None and (gate := _gate(item, now)):
            made["threadgate"] = gate
        return made

    def _embed(self, item: Item, now: datetime) -> View | None:
        if item.quoted is not None:
            quoted = item.quoted
            record: View = {"uri": quoted.native, "$type": "app.bsky.embed.record#viewNotFound"}
            if quoted.exists(now) and quoted.author is not None:
                record = {
                    "uri": quoted.native, "cid": _cid(quoted.native),
                    "author": _author(quoted.author), "value": _record(quoted), "labels": [],
                    "likeCount": quoted.likes.at(quoted.age(now)),
                    "replyCount": quoted.replies(now), "repostCount": quoted.repost_count(now),
                    "quoteCount": quoted.quote_count(now),
                    "indexedAt": _iso(quoted.created_at), "embeds": [],
                    "$type": "app.bsky.embed.record#viewRecord",
                }  # fmt: skip
            return {"record": record, "$type": "app.bsky.embed.record#view"}
        if item.link and item.kind is Kind.ANNOUNCEMENT:
            return {"external": _external(item), "$type": "app.bsky.embed.external#view"}
        return None


def _record(item: Item) -> View:
    """`app.bsky.feed.post`: what the author wrote."""
    text = item.said(item.created_at)
    made: View = {"text": text, "$type": "app.bsky.feed.post", "langs": [item.words.language]}
    if item.quoted is not None:
        made["embed"] = {"$type": "app.bsky.embed.record", "record": _ref(item.quoted)}
    elif item.link and item.kind is Kind.ANNOUNCEMENT:
        made["embed"] = {"$type": "app.bsky.embed.external", "external": _external(item)}
    elif item.link:
        start = len(text.encode()) - len(item.link.encode())
        link = {"uri": item.link, "$type": "app.bsky.richtext.facet#link"}
        index = {"byteStart": start, "byteEnd": len(text.encode())}
        made["facets"] = [{"index": index, "features": [link]}]
    if item.parent is not None:
        made["reply"] = {"root": _ref(item.root or item.parent), "parent": _ref(item.parent)}
    made["createdAt"] = _iso(item.claimed_at or item.created_at)
    return made


def _external(item: Item) -> View:
    return {"uri": item.link, "title": "Newsroom", "description": item.text[:100]}


def _ref(item: Item) -> View:
    return {"cid": _cid(item.native), "uri": item.native}


def _author(person: Person) -> View:
    labels = []
    if person.withheld:
        uri = f"at://{person.did}/app.bsky.actor.profile/self"
        labels = [{
            "src": person.did, "uri": uri, "cid": _cid(uri), "val": _HIDDEN,
            "cts": "2025-01-01T00:00:00.000Z",
        }]  # fmt: skip
    return {
        "did": person.did,
        "handle": person.handle,
        "displayName": person.name,
        "associated": {"activitySubscription": {"allowSubscriptions": "followers"}},
        "labels": labels,
    }


def _gate(item: Item, now: datetime) -> View | None:
    """Which replies the announcer hid."""
    hidden = [child.native for child in item.children if child.is_hidden(now)]
    if not hidden:
        return None
    uri = item.native.replace("app.bsky.feed.post", "app.bsky.feed.threadgate")
    record = {
        "post": item.native, "$type": "app.bsky.feed.threadgate",
        "createdAt": _iso(item.created_at), "hiddenReplies": sorted(hidden),
    }  # fmt: skip
    return {"uri": uri, "cid": _cid(uri), "record": record, "lists": []}


def _typed(view: View, kind: str) -> View:
    return {**view, "$type": f"app.bsky.feed.defs#{kind}"}


def _entry_key(entry: tuple[Item, Person | None]) -> str:
    post, by = entry
    return post.native + (f"#{by.did}" if by else "")


def _page(
    entries: Iterable[tuple[datetime, Any]], asked: Asked, name: str,
    key: Callable[[Any], str] = lambda item: item.native,
) -> tuple[list[Any], dict[str, str]]:  # fmt: skip
    """A page of what is newest first, and where the next one begins."""
    limit = _number(asked, name, "limit", 50, _MOST)
    ordered = sorted(entries, key=lambda entry: (_millis(entry[0]), _cid(key(entry[1]))))
    ordered.reverse()
    match = re.fullmatch(r"(\d+)__(\w+)", asked.get("cursor"))
    if match:
        after = (int(match[1]), match[2])
        ordered = [one for one in ordered if (_millis(one[0]), _cid(key(one[1]))) < after]
    page = ordered[:limit]
    if len(ordered) <= limit:
        return [item for _, item in page], {}
    at, last = page[-1]
    return [item for _, item in page], {"cursor": f"{_millis(at)}__{_cid(key(last))}"}


def _number(asked: Asked, name: str, key: str, default: int, most: int) -> int:
    given = asked.get(key)
    number = int(given) if given.isdecimal() else default
    if number > most:
        raise _Refused(
            "InvalidRequest",
            f"Invalid {name} params: integer too big (maximum {most}, got {number})",
        )
    return number


def _words(query: str) -> list[str]:
    """Phrases in quotes and single words; all must be there."""
    return [phrase or word for phrase, word in re.findall(r'"([^"]+)"|(\S+)', query)]


def _sorted_at(post: Item) -> datetime:
    """Where lists put a post: at its author's word, but never later than it was indexed."""
    return min(post.claimed_at or post.created_at, post.created_at)


def _millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@cache
def _cid(uri: str) -> str:
    """A content id's form; nothing reads its content."""
    digest = hashlib.sha256(uri.encode()).hexdigest()
    return "bafyrei" + digest[:52]
