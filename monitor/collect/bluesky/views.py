"""What the AppView shows, as types and as our posts. Pure functions, no requests.

What the AppView itself says (ids, authors, index times) must fit its lexicon, or `BadAnswer`.
What stands inside a record is the author's own and may be absurd; only its text and the posts
that it answers must be there, so that a changed format is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec

from monitor.errors import BadAnswer
from monitor.identity import http_url
from monitor.types import Engagement, Post, PostState

__all__ = [
    "FeedItem",
    "FeedPage",
    "PostView",
    "PostsPage",
    "Profile",
    "ThreadNode",
    "at_uri",
    "count",
    "counters",
    "fit",
    "hidden_replies",
    "is_post",
    "page_url",
    "place",
    "post_id",
    "quotes",
    "to_post",
    "when",
    "withheld",
]

_POST_URI = re.compile(r"at://(did:[a-z0-9]+:[\w.:%-]+)/app\.bsky\.feed\.post/([\w.~:-]+)")
WITHHELD = "!no-unauthenticated"
_NO_HANDLE = "handle.invalid"
_MAX_COUNT = 2**63


class _View(msgspec.Struct, rename="camel"):
    """Fields that we don't know are ignored; ours must be there."""


class Label(_View):
    src: str
    val: str
    neg: bool = False


class Author(_View):
    did: str
    handle: str
    display_name: str | None = None
    labels: list[Label] = []


class Profile(Author):
    """An account with its counters."""

    followers_count: int | None = None


class Ref(_View):
    uri: str


class ReplyRef(_View):
    root: Ref
    parent: Ref


class Record(_View):
    """What the author wrote; whatever is `Any` here is read with suspicion."""

    text: str
    reply: ReplyRef | None = None
    created_at: Any = None
    embed: Any = None
    facets: Any = None
    langs: Any = None


class PostView(_View):
    """A post as the AppView shows it, with its counters."""

    uri: str
    author: Author
    record: Record
    indexed_at: str
    reply_count: int | None = None
    repost_count: int | None = None
    like_count: int | None = None
    quote_count: int | None = None
    threadgate: Any = None

    @property
    def parent(self) -> str | None:
        """The at-uri of the post that this one answers."""
        return self.record.reply.parent.uri if self.record.reply else None

    @property
    def root(self) -> str:
        """The at-uri of the post that its thread began with; its own if it answers none."""
        return self.record.reply.root.uri if self.record.reply else self.uri


class PostsPage(_View):
    """A page of posts: quotes, search results, or posts by their uris."""

    posts: list[PostView]
    cursor: str | None = None


class FeedItem(_View):
    """An entry of an author's feed; with a `reason` it is a repost or a pin."""

    post: PostView
    reason: Any = None


class FeedPage(_View):
    """A page of an author's feed."""

    feed: list[FeedItem]
    cursor: str | None = None


class ThreadNode(_View):
    """A post in a thread. Its replies stay plain JSON: no recursion walks a thousand levels."""

    post: PostView
    replies: list[Any] | None = None


T = TypeVar("T")


def fit(data: Any, kind: type[T], *, url: str, payload: bytes) -> T:
    """`data` as `kind`.

    Raises:
        BadAnswer: a field is missing or of another type (it is named), an id or time is none.
    """
    try:
        made = msgspec.convert(data, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadAnswer(
            f"{url}: not what the lexicon says: {error}; the answer is kept",
            url=url,
            payload=payload,
        ) from error
    for view in _views(made):
        if not is_post(view.uri):
            problem = f"uri {view.uri[:200]!r} is no post"
        elif when(view.indexed_at) is None:
            problem = f"indexedAt {view.indexed_at[:50]!r} is no time"
        else:
            continue
        raise BadAnswer(f"{url}: {problem}; the answer is kept", url=url, payload=payload)
    return made


def _views(made: Any) -> list[PostView]:
    if isinstance(made, ThreadNode):
        return [made.post]
    if isinstance(made, PostsPage):
        return made.posts
    return [item.post for item in made.feed] if isinstance(made, FeedPage) else []


def withheld(view: PostView) -> bool:
    """Whether the author asks not to be shown to those who are not logged in; we honour that."""
    labels = [one for one in view.author.labels if one.val == WITHHELD and not one.neg]
    return any(one.src == view.author.did for one in labels)


def hidden_replies(threadgate: Any) -> frozenset[str]:
    """At-uris of the replies that the announcer hid; they are served all the same."""
    uris = _field(_field(threadgate, "record"), "hiddenReplies")
    return frozenset(uri for uri in uris if isinstance(uri, str)) if _is_list(uris) else frozenset()


def is_post(uri: str) -> bool:
    """Whether an at-uri is that of a post, under a stable id and not a handle."""
    return _POST_URI.fullmatch(uri) is not None


def place(view: PostView) -> datetime:
    """Where lists put a post: at the author's word, but never later than it was indexed."""
    indexed = when(view.indexed_at) or datetime.max.replace(tzinfo=UTC)
    return min(when(view.record.created_at) or indexed, indexed)


def post_id(uri: str) -> str:
    """The id under which the post of an at-uri is stored."""
    return f"bluesky:{uri}"


def at_uri(given: str) -> tuple[str, str] | None:
    """(handle or did, record key) of the post that an at-uri or a bsky.app address names.

    >>> at_uri("https://bsky.app/profile/example.org/post/3abc")
    ('example.org', '3abc')
    """
    match = re.fullmatch(r"at://([^/\s]+)/app\.bsky\.feed\.post/([\w.~:-]+)", given)
    if match is None:
        match = re.match(
            r"https?://(?:www\.)?bsky\.app/profile/([^/?#\s]+)/post/([\w.~:-]+)/?(?:[?#]|$)", given
        )
    return (unquote(match[1]), match[2]) if match else None


def page_url(uri: str) -> str | None:
    """The address under which people read the post of an at-uri."""
    match = _POST_URI.fullmatch(uri)
    return f"https://bsky.app/profile/{match[1]}/post/{match[2]}" if match else None


def when(text: Any) -> datetime | None:
    """A moment in UTC; None if it is none, or names no zone."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def to_post(view: PostView, *, hidden: bool = False, followers: int | None = None) -> Post:
    """The post as we store it; `hidden` if the announcer hid it, `followers` where known."""
    author, record = view.author, view.record
    return Post(
        post_id=post_id(view.uri),
        url=page_url(view.uri),
        author_id=f"bluesky:{author.did}",
        author_handle=None if author.handle == _NO_HANDLE else _some(author.handle),
        author_name=_some(author.display_name),
        author_followers=followers,
        text=_some(record.text),
        claimed_at=when(record.created_at),
        indexed_at=when(view.indexed_at),
        state=PostState.HIDDEN if hidden else PostState.LIVE,
        reply_to_id=post_id(view.parent) if view.parent else None,
        root_id=post_id(view.root) if record.reply else None,
        quoted_id=_quoted_id(record.embed),
        language_tag=_language(record.langs),
        links=tuple(dict.fromkeys(_links(record))),
    )


def counters(view: PostView) -> Engagement:
    """The counters shown with a post; the network publishes no views."""
    return Engagement(
        post_id=post_id(view.uri),
        likes=count(view.like_count),
        reposts=count(view.repost_count),
        replies=count(view.reply_count),
        quotes=count(view.quote_count),
    )


def count(number: int | None) -> int | None:
    """A counter that can be one, else None."""
    return number if number is not None and 0 <= number < _MAX_COUNT else None


def _some(text: str | None) -> str | None:
    """Text without lone surrogates (JSON can carry them, no database can); None if blank."""
    if text is None or not text.strip():
        return None
    return text.encode("utf-8", "replace").decode()


def _language(langs: Any) -> str | None:
    first = langs[0] if _is_list(langs) and langs else None
    return _some(first) if isinstance(first, str) else None


def quotes(view: PostView, uri: str) -> bool:
    """Does the post quote the post `uri`?"""
    return _quoted_uri(view.record.embed) == uri


def _quoted_uri(embed: Any) -> str | None:
    """The at-uri of the quoted post; lists, feeds and starter packs can be embedded as well."""
    record = _field(embed, "record")
    uri = _field(record, "uri") or _field(_field(record, "record"), "uri")
    return uri if isinstance(uri, str) and _POST_URI.fullmatch(uri) else None


def _quoted_id(embed: Any) -> str | None:
    uri = _quoted_uri(embed)
    return post_id(uri) if uri else None


def _links(record: Record) -> Iterator[str]:
    size = len(record.text.encode("utf-8", "replace"))
    for facet in record.facets if _is_list(record.facets) else ():
        if _within(_field(facet, "index"), size):
            yield from _facet_links(facet)
    for holder in (record.embed, _field(record.embed, "media")):
        yield from _http(_field(_field(holder, "external"), "uri"))
    if quoted := _quoted_uri(record.embed):
        yield from _http(page_url(quoted))


def _within(index: Any, size: int) -> bool:
    """Whether a facet marks a piece of the text: its offsets count bytes of UTF-8."""
    start, end = _field(index, "byteStart"), _field(index, "byteEnd")
    return isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= size


def _facet_links(facet: Any) -> Iterator[str]:
    features = _field(facet, "features")
    for feature in features if _is_list(features) else ():
        yield from _http(_field(feature, "uri"))


def _http(uri: Any) -> Iterator[str]:
    link = http_url(uri) if isinstance(uri, str) else None
    if link and (clean := _some(link)):
        yield clean


def _field(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else None


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
