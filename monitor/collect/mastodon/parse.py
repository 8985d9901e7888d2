"""What Mastodon's API answers, field by field, and the posts that it becomes. Pure.

Ids are local to the server that answers; an object's `uri` is the same everywhere.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from monitor.collect.protocol import Answer
from monitor.errors import BadAnswer
from monitor.identity import http_url, link_id
from monitor.text import links, plain
from monitor.types import Engagement, Post

__all__ = [
    "Account",
    "Context",
    "Edit",
    "Status",
    "counters",
    "fit",
    "place",
    "post_id",
    "statuses",
    "text_of",
    "to_post",
    "wrong",
]

T = TypeVar("T")
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[\w-]+$")]
_SHOWN = ("public", "unlisted")
_PLACE = re.compile(
    r"/(?:@[\w.-]+(?:@[\w.:-]+)?|users/[\w.-]+/statuses|ap/users/\w+/statuses|notice|statuses)"
    r"/([\w-]{1,100})/?$"
)


class Account(msgspec.Struct):
    """Who wrote it. `acct` is `name` on its own server and `name@host` elsewhere."""

    id: _Id
    acct: str
    url: str
    uri: str | None = None
    display_name: str = ""
    followers_count: int | None = None

    @property
    def key(self) -> str:
        """The same on every server."""
        return self.uri or self.url

    @property
    def handle(self) -> str:
        """`name@host`."""
        name, _, host = self.acct.partition("@")
        return f"{name}@{host or urlsplit(self.url).netloc}"


class Linked(msgspec.Struct):
    """A mention or a hashtag within a post."""

    url: str = ""


class Status(msgspec.Struct):
    """A post. `quote` and `reblog` are read further where they are wanted."""

    id: _Id
    uri: str
    created_at: datetime
    content: str
    visibility: str
    account: Account
    url: str | None = None
    in_reply_to_id: _Id | None = None
    spoiler_text: str = ""
    language: str | None = None
    edited_at: datetime | None = None
    replies_count: _Count | None = None
    reblogs_count: _Count | None = None
    favourites_count: _Count | None = None
    quotes_count: _Count | None = None
    mentions: list[Linked] = msgspec.field(default_factory=list)
    tags: list[Linked] = msgspec.field(default_factory=list)
    reblog: Any = None
    quote: Any = None

    @property
    def is_shown(self) -> bool:
        """Was it written for everybody, and is it no repost?"""
        return self.visibility in _SHOWN and self.reblog is None

    @property
    def home(self) -> tuple[str, str] | None:
        """The server of its author, and its id there."""
        return place(self.url or "") or place(self.uri)


class Context(msgspec.Struct):
    """What stands above and below a post. Items stay plain: each is read by itself."""

    ancestors: list[Any]
    descendants: list[Any]


class Edit(msgspec.Struct):
    """How a post once stood."""

    content: str
    created_at: datetime
    spoiler_text: str = ""


def wrong(answer: Answer, what: str) -> BadAnswer:
    """The error that says what in an answer can't be."""
    return BadAnswer(
        f"{answer.url}: {what}; the answer is kept", url=answer.url, payload=answer.body
    )


def fit(data: Any, shape: type[T], answer: Answer) -> T:
    """`data`, which stands in `answer`, in the given shape.

    Raises:
        BadAnswer: a field is missing or of another type (it is named), or an address is none.
    """
    try:
        made = msgspec.convert(data, shape, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise wrong(answer, f"not what Mastodon answers: {error}") from error
    if isinstance(made, Status):
        for name, value in (("uri", made.uri), ("account.url", made.account.url)):
            if http_url(value) is None:
                raise wrong(answer, f"{name} {value[:200]!r} is no http(s) address")
        if made.created_at.tzinfo is None:
            raise wrong(answer, f"created_at {made.created_at} has no zone")
    return made


def statuses(data: Any, answer: Answer) -> list[Status]:
    """A list of posts.

    Raises:
        BadAnswer: it is no list, or one of them does not fit.
    """
    if not isinstance(data, list):
        raise wrong(answer, f"expected a list of posts, got {type(data).__name__}")
    return [fit(one, Status, answer) for one in data]


def place(address: str) -> tuple[str, str] | None:
    """The server of a post's address, without a path, and the post's id on it.

    >>> place("https://social.example/@name/117020583023107890")
    ('https://social.example', '117020583023107890')
    """
    given = http_url(address.removeprefix("ap:"))
    if given is None:
        return None
    parts = urlsplit(given)
    match = _PLACE.search(parts.path)
    return (f"{parts.scheme}://{parts.netloc}", match[1]) if match else None


def post_id(uri: str) -> str:
    """The id of the post or account that is known by `uri`."""
    return f"ap:{uri}"


def to_post(status: Status, *, parent: str | None = None, root: str | None = None) -> Post:
    """A post as the server shows it; `parent` and `root` are addresses (`uri`)."""
    own = {linked.url for linked in (*status.mentions, *status.tags)}
    account = status.account
    return Post(
        post_id=post_id(status.uri), url=http_url(status.url or "") or http_url(status.uri),
        author_id=post_id(account.key), author_handle=account.handle,
        author_name=account.display_name or account.acct.partition("@")[0],
        author_followers=_at_least_0(account.followers_count),
        text=text_of(status.content, status.spoiler_text), claimed_at=_utc(status.created_at),
        edited_at=_utc(status.edited_at) if status.edited_at else None,
        reply_to_id=post_id(parent) if parent else None,
        root_id=post_id(root) if root and root != status.uri else None,
        quoted_id=_quoted(status.quote), language_tag=status.language or None,
        links=tuple(link for link in links(status.content) if link not in own),
        aliases=tuple(
            alias for alias in (link_id(status.url or ""),) if alias and status.url != status.uri
        ),
    )  # fmt: skip


def text_of(content: str, warning: str) -> str | None:
    """A content warning stands in front of what it warns of."""
    parts = (warning.strip(), plain(content))
    return "\n\n".join(part for part in parts if part) or None


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _at_least_0(number: int | None) -> int | None:
    """Some servers say -1 for what they hide."""
    return None if number is None or number < 0 else number


def _quoted(quote: Any) -> str | None:
    """The post that is quoted: since 4.4 with its state around it, elsewhere by itself."""
    inner = quote.get("quoted_status", quote) if isinstance(quote, dict) else None
    uri = inner.get("uri") if isinstance(inner, dict) else None
    return post_id(uri) if isinstance(uri, str) and http_url(uri) else None


def counters(status: Status) -> Engagement:
    """What this server counts; others count other things."""
    return Engagement(
        post_id=post_id(status.uri), likes=status.favourites_count, reposts=status.reblogs_count,
        replies=status.replies_count, quotes=status.quotes_count,
    )  # fmt: skip
