"""What twarc 2 writes: pages of X's API, or flattened posts, one JSON object a line. Pure.

No real answer was at hand: this follows X's documentation of its API v2 and twarc's of its files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

__all__ = ["counters", "is_twarc", "posts"]

_COUNTERS = {
    "like_count": "likes", "retweet_count": "reposts", "reply_count": "replies",
    "quote_count": "quotes", "impression_count": "views",
}  # fmt: skip

Json = Mapping[str, Any]


def is_twarc(columns: set[str]) -> bool:
    """Do these keys of a line's object say that twarc wrote it?"""
    page = "data" in columns and bool(columns & {"includes", "meta", "__twarc"})
    flat = {"id", "text", "created_at"} <= columns and bool(
        columns & {"conversation_id", "edit_history_tweet_ids", "public_metrics", "__twarc"}
    )
    return page or flat


def posts(line: Json) -> Iterator[dict[str, Any]]:
    """The rows of the posts in a line. Reposts are none: what they pass on is there itself.

    What is missing in a post is missing in its row.

    Raises:
        ValueError: the line holds something else than posts.
    """
    users = _users(line)
    retrieved = _retrieved(line)
    for tweet in _tweets(line):
        relations = _relations(tweet)
        if "retweeted" in relations:
            continue
        number = tweet.get("id")
        author = tweet.get("author") or users.get(str(tweet.get("author_id"))) or {}
        name = author.get("username")
        conversation = tweet.get("conversation_id")
        yield {
            "post_id": _id(number), "network": "x", "created_at": tweet.get("created_at"),
            "first_seen_at": retrieved,
            "url": f"https://x.com/{name or 'i'}/status/{number}",
            "author_id": f"x:{tweet['author_id']}" if tweet.get("author_id") else None,
            "author_handle": name, "author_name": author.get("name"),
            "author_followers": (author.get("public_metrics") or {}).get("followers_count"),
            "text": _words(tweet), "language_tag": tweet.get("lang"),
            "reply_to_id": _id(relations.get("replied_to")),
            "quoted_id": _id(relations.get("quoted")),
            "root_id": _id(conversation) if conversation not in (None, number) else None,
        }  # fmt: skip


def counters(line: Json) -> Iterator[dict[str, Any]]:
    """The counters in a line, at the moment when twarc asked; none where it does not say when.

    Raises:
        ValueError: the line holds something else than posts.
    """
    retrieved = _retrieved(line)
    if retrieved is None:
        return
    for tweet in _tweets(line):
        metrics = tweet.get("public_metrics")
        is_whole = tweet.get("id") and tweet.get("created_at")  # else its row was told as bad
        if isinstance(metrics, Mapping) and is_whole and "retweeted" not in _relations(tweet):
            known = {ours: metrics.get(theirs) for theirs, ours in _COUNTERS.items()}
            yield {"post_id": _id(tweet["id"]), "observed_at": retrieved, **known}


def _tweets(line: Json) -> Iterator[Json]:
    """Every post of a line, those that others refer to after them."""
    # A page may hold nothing but how many results there are, or errors.
    data = line.get("data", [line] if "id" in line else [])
    for tweet in data if isinstance(data, list) else [data]:
        if not isinstance(tweet, Mapping):
            raise ValueError(f"data holds {type(tweet).__name__}, not a post")  # noqa: TRY004
        yield tweet
        for other in tweet.get("referenced_tweets") or ():  # flattened: with all of the post
            if isinstance(other, Mapping) and "created_at" in other:
                yield other
    yield from (one for one in _included(line, "tweets") if "created_at" in one)


def _users(line: Json) -> dict[str, Json]:
    return {str(user.get("id")): user for user in _included(line, "users")}


def _included(line: Json, kind: str) -> list[Json]:
    found = (line.get("includes") or {}).get(kind) or []
    return [one for one in found if isinstance(one, Mapping)]


def _relations(tweet: Json) -> dict[str, str]:
    """How it refers to others: `replied_to`, `quoted`, `retweeted` → their ids."""
    found = tweet.get("referenced_tweets") or ()
    return {str(one.get("type")): str(one.get("id")) for one in found if isinstance(one, Mapping)}


def _retrieved(line: Json) -> str | None:
    about = line.get("__twarc")
    at = about.get("retrieved_at") if isinstance(about, Mapping) else None
    return at if isinstance(at, str) else None


def _words(tweet: Json) -> str | None:
    """The whole text of a long post; X escapes `&`, `<` and `>`."""
    note = tweet.get("note_tweet")
    text = note.get("text") if isinstance(note, Mapping) else None
    said = text or tweet.get("text")
    return unescape(said) if isinstance(said, str) else None


def _id(number: object) -> str | None:
    return None if number is None else f"x:{number}"
