"""Bluesky's `getPosts` for any posts of a recording, not only for those that were asked together.

Which posts a collector asks for by name depends on what it saw before. An AppView renders a post
alike in all its answers and drops silently what it does not serve, so the answer can be put
together from all the other answers of the same time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.recorded.replay import Answer, Recording

__all__ = ["BlueskyRecording"]

_METHOD = "/app.bsky.feed.getPosts"
_MOST = 25  # more are refused


class BlueskyRecording(Recording):
    """The answers of one AppView at one time."""

    def find(self, url: str) -> Answer | None:
        """What was answered to `url`, or would have been; None where that can't be told."""
        parts = urlsplit(url)
        uris = [value for name, value in parse_qsl(parts.query) if name == "uris"]
        found = super().find(url)
        if found is not None or not parts.path.endswith(_METHOD) or not 0 < len(uris) <= _MOST:
            return found
        posts = [self._posts[uri] for uri in uris if uri in self._posts]
        body = json.dumps({"posts": posts}, ensure_ascii=False).encode()
        return Answer(200, (("content-type", "application/json; charset=utf-8"),), body)

    @cached_property
    def _posts(self) -> dict[str, dict[str, Any]]:
        """Every post that any answer shows, by its address."""
        return {
            post["uri"]: {name: value for name, value in post.items() if name != "$type"}
            for body in self.bodies()
            for post in _posts_in(json.loads(body))
        }


def _posts_in(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        if {"uri", "cid", "author", "record", "indexedAt"} <= data.keys():
            yield data
        data = list(data.values())
    if isinstance(data, list):
        for one in data:
            yield from _posts_in(one)
