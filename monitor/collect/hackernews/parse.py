"""What the two APIs of Hacker News answer, field by field, and the posts that it becomes. Pure.

The site's own API ("fresh") shows one item as it stands. Algolia's index shows trees and lists,
minutes late, under other field names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec

from monitor.collect.protocol import Answer
from monitor.errors import BadAnswer
from monitor.identity import http_url
from monitor.text import links, plain, plain_title
from monitor.types import Engagement, Post

__all__ = [
    "Fresh",
    "Hit",
    "Item",
    "Node",
    "Page",
    "counters",
    "fit",
    "number_of",
    "post_id",
    "to_post",
    "wrong",
]

_KINDS = ("story", "comment", "poll", "job", "pollopt")
_LOST = "unknown"  # how the index may call what was deleted before it was read
_COUNTED = ("story", "poll", "job")
_TARGET = re.compile(r"(?:hackernews:)?([1-9][0-9]{0,17})")
_ADDRESS = re.compile(
    r"https?://news\.ycombinator\.com/item\?(?:[^#\s]*&)?id=([1-9][0-9]{0,17})(?:[&#]|$)",
    re.IGNORECASE,
)
_LATEST = 32_503_680_000  # the year 3000

_Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=_LATEST)]
_Count = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**63 - 1)]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A story, comment, poll or job, whichever API showed it. `text` is HTML.

    `story` is the item that its thread begins with, where that is known.
    """

    number: int
    kind: str
    at: datetime
    author: str
    title: str | None = None
    url: str | None = None
    text: str | None = None
    parent: int | None = None
    story: int | None = None
    points: int | None = None
    comments: int | None = None


class Node(msgspec.Struct):
    """One node of Algolia's `items/N`. Children stay plain JSON: nothing recurses into them."""

    id: _Id
    created_at_i: _Seconds
    type: str
    children: list[Any]
    author: str | None = None
    title: str | None = None
    url: str | None = None
    text: str | None = None
    points: _Count | None = None
    story_id: _Id | None = None

    @property
    def is_hole(self) -> bool:
        """Is it shown without its content, as what was deleted is?"""
        said = self.text if self.type == "comment" else self.title
        return self.type == _LOST or self.author is None or said is None

    def item(self, parent: int | None, story: int | None) -> Item:
        """What it shows, below `parent`."""
        return Item(
            number=self.id, kind=self.type, at=_moment(self.created_at_i),
            author=_clean(self.author) or "", title=_clean(self.title), url=_clean(self.url),
            text=_clean(self.text), parent=parent, story=story, points=self.points,
        )  # fmt: skip


class Hit(msgspec.Struct):
    """One result of Algolia's `search` and `search_by_date`."""

    number: str = msgspec.field(name="objectID")
    created_at_i: _Seconds
    tags: list[str] = msgspec.field(name="_tags")
    author: str | None = None
    title: str | None = None
    url: str | None = None
    story_text: str | None = None
    comment_text: str | None = None
    points: _Count | None = None
    num_comments: _Count | None = None
    parent_id: _Id | None = None
    story_id: _Id | None = None

    @property
    def kind(self) -> str | None:
        """What it is, by its tags."""
        return next((kind for kind in _KINDS if kind in self.tags), None)

    def item(self) -> Item | None:
        """What it shows; None where its content is gone."""
        is_comment = self.kind == "comment"
        said = self.comment_text if is_comment else self.title
        if self.author is None or said is None:
            return None
        number = int(self.number)
        return Item(
            number=number, kind=self.kind or "", at=_moment(self.created_at_i),
            author=_clean(self.author) or "", title=_clean(self.title), url=_clean(self.url),
            text=_clean(self.comment_text if is_comment else self.story_text),
            points=self.points, comments=self.num_comments, parent=self.parent_id,
            story=self.story_id if is_comment else number,
        )  # fmt: skip


class Page(msgspec.Struct):
    """One page of results; `more` (not theirs) says whether others follow."""

    hits: list[Hit]
    pages: int = msgspec.field(name="nbPages")
    total: int = msgspec.field(name="nbHits")
    more: bool = False


class Fresh(msgspec.Struct):
    """One item of the site's own API; what is deleted has little more than its number."""

    id: _Id
    type: str
    time: _Seconds | None = None
    by: str | None = None
    title: str | None = None
    url: str | None = None
    text: str | None = None
    parent: _Id | None = None
    score: _Count | None = None
    descendants: _Count | None = None
    kids: list[_Id] = []
    deleted: bool = False
    dead: bool = False

    @property
    def is_gone(self) -> bool:
        """Was it deleted, or is it shown no more (killed by moderators, software or flags)?"""
        return self.deleted or self.dead

    def item(self, story: int | None) -> Item:
        """What it shows; only of what is not gone."""
        return Item(
            number=self.id, kind=self.type, at=_moment(self.time or 0),
            author=_clean(self.by) or "", title=_clean(self.title), url=_clean(self.url),
            text=_clean(self.text), parent=self.parent,
            story=self.id if self.type in _COUNTED else story, points=self.score,
            comments=self.descendants,
        )  # fmt: skip


def fit(data: Any, shape: type[T], answer: Answer) -> T:
    """`data`, which stands in `answer`, in the given shape.

    Raises:
        BadAnswer: a field is missing or of another type (it is named), or an item is of no kind.
    """
    try:
        made = msgspec.convert(data, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise wrong(answer, f"not what Hacker News answers: {error}") from error
    for one in made.hits if isinstance(made, Page) else (made,):
        if problem := _problem(one):
            raise wrong(answer, problem)
    return made


def _problem(one: Any) -> str | None:
    if isinstance(one, Hit):
        if not _TARGET.fullmatch(one.number) or ":" in one.number:
            return f"objectID {one.number[:40]!r} is no number"
        return None if one.kind else f"item {one.number} is of no kind in {one.tags[:5]!r}"
    if isinstance(one, Node) and one.type == _LOST:
        return None
    if isinstance(one, Node | Fresh) and one.type not in _KINDS:
        return f"item {one.id} is of kind {one.type[:40]!r}, which nobody documents"
    if isinstance(one, Fresh) and not one.is_gone and (one.time is None or one.by is None):
        return f"item {one.id} names no author or time"
    return None


def wrong(answer: Answer, what: str) -> BadAnswer:
    """The error that says what in an answer can't be."""
    return BadAnswer(
        f"{answer.url}: {what}; the answer is kept", url=answer.url, payload=answer.body
    )


def number_of(target: str) -> int | None:
    """The number of the item that an address or id names.

    >>> number_of("https://news.ycombinator.com/item?id=8863")
    8863
    """
    match = _TARGET.fullmatch(target) or _ADDRESS.match(target)
    return int(match[1]) if match else None


def post_id(number: int) -> str:
    """The id under which an item is stored."""
    return f"hackernews:{number}"


def to_post(item: Item) -> Post:
    """The item as we store it. What a story points to is a link of it, beside those of its text.

    Times are the site's own: nobody else sets them.
    """
    top = item.story if item.story != item.number else None
    outside = http_url(item.url)
    inside = links(item.text)
    return Post(
        post_id=post_id(item.number),
        url=f"https://news.ycombinator.com/item?id={item.number}",
        author_id=f"hackernews:{item.author}" if item.author else None,
        author_handle=item.author or None,
        title=plain_title(item.title) if item.kind != "comment" else None,
        # The first paragraph has no tag; with one, text about markup is not taken for markup.
        text=plain(f"<p>{item.text}") if item.text else None,
        claimed_at=item.at,
        indexed_at=item.at,
        reply_to_id=post_id(item.parent) if item.parent else None,
        root_id=post_id(top) if top else None,
        links=tuple(dict.fromkeys((outside, *inside) if outside else inside)),
    )


def counters(item: Item) -> Engagement | None:
    """The counters of a story, poll or job; the site publishes none of comments."""
    if item.kind not in _COUNTED or (item.points is None and item.comments is None):
        return None
    return Engagement(post_id=post_id(item.number), likes=item.points, replies=item.comments)


def _clean(text: str | None) -> str | None:
    """Without NUL and lone surrogates: JSON can carry them, no database can."""
    return None if text is None else text.replace("\0", "").encode("utf-8", "replace").decode()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
