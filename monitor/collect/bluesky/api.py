"""Requests to an AppView: pages followed, refusals turned into our errors, requests counted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from monitor.collect.bluesky.views import FeedPage, PostsPage, PostView, Profile, fit
from monitor.collect.protocol import Answer, Http
from monitor.errors import BadAnswer, Gone, HttpError

__all__ = ["DEFAULT_BASE", "DEPTH", "PAGE", "Api", "ThreadAnswer"]

DEFAULT_BASE = "https://public.api.bsky.app"
PAGE = 100  # the most that the lexicon allows
DEPTH = 1000  # the most that the lexicon allows; without it the answer ends at 6
_SHALLOW = 200  # what our JSON reader takes in any case: a level costs two of its own
_URIS = 25  # the most that getPosts takes

_GONE_ERRORS = {"NotFound", "AccountTakedown", "AccountDeactivated", "RepoNotFound"}
_GONE_MESSAGES = ("Profile not found", "Actor not found", "Unable to resolve handle")

T = TypeVar("T")
Page = TypeVar("Page", PostsPage, FeedPage)


@dataclass(frozen=True, slots=True)
class ThreadAnswer:
    """An answer of getPostThread: the nested nodes, and how deep they were asked for."""

    thread: Any
    threadgate: Any
    depth: int
    url: str
    body: bytes


class Api:
    """One poll's requests to the AppView at `base`; `spent` counts them."""

    def __init__(self, http: Http, base: str) -> None:
        self._http = http
        self._base = base.rstrip("/")
        self._depth = DEPTH
        self.spent = 0

    async def thread(self, uri: str) -> ThreadAnswer:
        """The post `uri` with its replies, as deep as one answer can hold.

        Raises:
            Gone: the post does not exist (any more).
        """
        answer = await self._get("app.bsky.feed.getPostThread", **self._thread_params(uri))
        try:
            data = _object(answer)
        except BadAnswer as error:
            if not isinstance(error.__cause__, RecursionError) or self._depth == _SHALLOW:
                raise
            self._depth = _SHALLOW
            answer = await self._get("app.bsky.feed.getPostThread", **self._thread_params(uri))
            data = _object(answer)
        if not isinstance(data.get("thread"), dict):
            raise BadAnswer(
                f"{answer.url}: not what the lexicon says: required field `thread` is missing; "
                "the answer is kept",
                url=answer.url,
                payload=answer.body,
            )
        return ThreadAnswer(
            data["thread"], data.get("threadgate"), self._depth, answer.url, answer.body
        )

    def _thread_params(self, uri: str) -> dict[str, str | int | list[str]]:
        return {"uri": uri, "depth": self._depth, "parentHeight": 0}

    async def posts(self, uris: Iterable[str]) -> list[PostView]:
        """Those of the posts that are still served; the AppView says nothing about the others."""
        found: list[PostView] = []
        asked = list(dict.fromkeys(uris))
        for start in range(0, len(asked), _URIS):
            answer = await self._get("app.bsky.feed.getPosts", uris=asked[start : start + _URIS])
            found += _fit(answer, PostsPage).posts
        return found

    async def did(self, handle: str) -> str:
        """The stable id behind a handle.

        Raises:
            Gone: nobody bears it.
        """
        answer = await self._get("com.atproto.identity.resolveHandle", handle=handle)
        did = _object(answer).get("did")
        if not isinstance(did, str) or not did.startswith("did:"):
            raise BadAnswer(
                f"{answer.url}: not what the lexicon says: `did` is {did!r}; the answer is kept",
                url=answer.url,
                payload=answer.body,
            )
        return did

    async def profile(self, actor: str) -> Profile:
        """An account with its counters."""
        answer = await self._get("app.bsky.actor.getProfile", actor=actor)
        return _fit(answer, Profile)

    def author_feed(self, actor: str) -> AsyncIterator[FeedPage]:
        """The pages of what an account posts, replies and reposts included, newest first."""
        return self._pages(
            "app.bsky.feed.getAuthorFeed",
            FeedPage,
            actor=actor,
            filter="posts_with_replies",
        )

    def quotes(self, uri: str) -> AsyncIterator[PostsPage]:
        """The pages of posts that quote `uri`, newest first."""
        return self._pages("app.bsky.feed.getQuotes", PostsPage, uri=uri)

    def search(self, query: str) -> AsyncIterator[PostsPage]:
        """The pages of posts that match, newest first."""
        return self._pages("app.bsky.feed.searchPosts", PostsPage, q=query, sort="latest")

    async def _pages(
        self, method: str, kind: type[Page], **params: str | int | list[str]
    ) -> AsyncIterator[Page]:
        """Pages to the last; a cursor that comes twice ends them, as a broken server would not."""
        cursors: set[str] = set()
        while True:
            page = _fit(await self._get(method, limit=PAGE, **params), kind)
            yield page
            if not page.cursor or page.cursor in cursors:
                return
            cursors.add(page.cursor)
            params["cursor"] = page.cursor

    async def _get(self, method: str, **params: str | int | list[str]) -> Answer:
        self.spent += 1
        try:
            return await self._http.get(f"{self._base}/xrpc/{method}", params=params)
        except HttpError as error:
            gone = _gone(error, method)
            if gone is not None:
                raise gone from error
            raise


def _fit(answer: Answer, kind: type[T]) -> T:
    return fit(_object(answer), kind, url=answer.url, payload=answer.body)


def _object(answer: Answer) -> dict[str, Any]:
    data = answer.json()
    if not isinstance(data, dict):
        raise BadAnswer(
            f"{answer.url}: expected a JSON object, got {type(data).__name__}; the answer is kept",
            url=answer.url,
            payload=answer.body,
        )
    return data


def _gone(error: HttpError, method: str) -> Gone | None:
    """A 400 that says that the thing does not exist; its kind stands in the body."""
    if error.status != 400:  # noqa: PLR2004 - the status says what it is
        return None
    name, message = _refusal(error.body)
    if name not in _GONE_ERRORS and not message.startswith(_GONE_MESSAGES):
        return None
    return Gone(
        f"{error.url}: {method} says {name}: {message[:200]}",
        url=error.url or "",
        status=error.status,
        body=error.body,
    )


def _refusal(body: bytes) -> tuple[str, str]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(data, dict):
        return "", ""
    return str(data.get("error") or ""), str(data.get("message") or "")
