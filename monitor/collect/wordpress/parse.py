"""What WordPress answers, checked field by field, and the posts that it becomes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec

from monitor import identity
from monitor.collect.protocol import Answer
from monitor.collect.wordpress.ids import comment_id, on_site, post_id
from monitor.errors import BadAnswer
from monitor.text import links, plain, plain_title
from monitor.types import Post

__all__ = [
    "CommentAnswer",
    "PostAnswer",
    "comment",
    "decode",
    "moment",
    "post",
    "total_of",
]

_COUNT = re.compile(r"[0-9]{1,9}")

_Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Reference = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
T = TypeVar("T")


class Rendered(msgspec.Struct):
    """HTML as a reader gets it; empty and `protected` behind a password."""

    rendered: str
    protected: bool = False


class PostAnswer(msgspec.Struct):
    """One entry of `wp/v2/posts`, `pages` or another post type."""

    id: _Id
    link: str
    date_gmt: str | None = None
    modified_gmt: str | None = None
    title: Rendered | None = None
    content: Rendered | None = None
    excerpt: Rendered | None = None
    author: _Reference = 0
    embedded: dict[str, Any] = msgspec.field(default_factory=dict, name="_embedded")


class CommentAnswer(msgspec.Struct):
    """One entry of `wp/v2/comments`: a comment, or a pingback or trackback from another site."""

    id: _Id
    post: _Reference
    content: Rendered
    parent: _Reference = 0
    author: _Reference = 0
    author_name: str | None = None
    date_gmt: str | None = None
    link: str | None = None
    type: str = "comment"


def decode(answer: Answer, shape: type[T]) -> T:
    """The answer's JSON in the given shape.

    Raises:
        BadAnswer: it is no JSON, or a field is not what WordPress documents (the field is named).
    """
    data = answer.json()
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise BadAnswer(
            f"{answer.url}: not what WordPress answers: {error}; the answer is kept",
            url=answer.url,
            payload=answer.body,
        ) from error


def total_of(answer: Answer, header: str = "x-wp-total") -> int | None:
    """The count in a paging header, None where it is missing or no count."""
    given = answer.headers.get(header, "").strip()
    return int(given) if _COUNT.fullmatch(given) else None


def post(given: PostAnswer, site: str, answer: Answer, asked: str | None = None) -> Post:
    """A post or page of the site with key `site`; its link is an alias if it lies on that site.

    A link to another host is no alias: a site could claim to be any page of the web. The host of
    `asked`, the address under which the user named the post, counts as the site's own.
    """
    created = moment(given.date_gmt, answer)
    edited = moment(given.modified_gmt, answer)
    url = identity.http_url(given.link)
    alias = identity.link_id(url) if url and _is_own(url, site, asked) else None
    body = given.content.rendered if given.content else ""
    shown = plain(body) or plain(given.excerpt.rendered if given.excerpt else "")
    return Post(
        post_id=post_id(site, given.id),
        url=url,
        author_id=_user(site, given.author),
        author_name=_author_name(given),
        title=plain_title(given.title.rendered) if given.title else None,
        text=shown,
        claimed_at=created,
        edited_at=edited if edited and created and edited > created else None,
        is_article=True,
        links=_links(body, url),
        aliases=(alias,) if alias else (),
    )


def comment(given: CommentAnswer, site: str, answer: Answer) -> Post:
    """A comment on the site with key `site`; it answers its parent, else the post it stands under.

    It has no alias: its link is the post's with a fragment.
    """
    root = post_id(site, given.post) if given.post else None
    url = identity.http_url(given.link)
    return Post(
        post_id=comment_id(site, given.id),
        url=url,
        author_id=_user(site, given.author),
        author_name=plain_title(given.author_name or ""),
        text=plain(given.content.rendered),
        claimed_at=moment(given.date_gmt, answer),
        reply_to_id=comment_id(site, given.parent) if given.parent else root,
        root_id=root,
        links=_links(given.content.rendered, url),
    )


def moment(text: str | None, answer: Answer) -> datetime | None:
    """A `*_gmt` field, UTC though it does not say so; None for a missing or all-zero date.

    Raises:
        BadAnswer: it is no date.
    """
    if not text or text.startswith(("0000-", "-")):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadAnswer(
            f"{answer.url}: {text[:40]!r} is no date of WordPress; the answer is kept",
            url=answer.url,
            payload=answer.body,
        ) from error


def _links(html: str, own: str | None) -> tuple[str, ...]:
    """What `html` points to, without jumps within the page itself."""
    return tuple(link for link in links(html, own) if not link.startswith(f"{own}#"))


def _is_own(url: str, site: str, asked: str | None) -> bool:
    return on_site(url, site) or (asked is not None and on_site(url, _host(asked)))


def _host(url: str) -> str:
    return url.partition("//")[2].partition("/")[0]


def _user(site: str, number: int) -> str | None:
    return f"wordpress:{site}/user/{number}" if number else None


def _author_name(given: PostAnswer) -> str | None:
    authors = given.embedded.get("author")
    first = authors[0] if isinstance(authors, list) and authors else None
    name = first.get("name") if isinstance(first, dict) else None
    return plain_title(name) if isinstance(name, str) else None
