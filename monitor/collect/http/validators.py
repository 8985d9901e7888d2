"""What is kept of an answer to ask for it again only if it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from monitor.collect.http.types import Reply
from monitor.collect.http.url import redact

__all__ = ["Kept", "Validators", "conditions"]

MAX_URLS = 64
MAX_LENGTH = 512
_FIELDS = ("url", "etag", "last_modified", "sha256")

Kept = Mapping[str, str]
"""`url` (who answered, after redirects), `etag`, `last_modified`, `sha256` of the body."""


class Validators:
    """The validators of one source by the address that was asked; secrets are never in a key.

    Whatever the store hands back is checked: entries that make no sense are dropped.
    """

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self._kept: dict[str, Kept] = {}
        for url, entry in stored.items():
            if isinstance(entry, Mapping):
                self._kept[url] = {
                    name: entry[name] for name in _FIELDS if _is_sendable(entry.get(name))
                }

    def find(self, url: str) -> Kept:
        """What is kept of `url`; an address that is asked again is the last to be dropped."""
        key = redact(url)
        kept = self._kept.pop(key, None)
        if kept is None:
            return {}
        self._kept[key] = kept
        return kept

    def remember(self, url: str, reply: Reply) -> bool:
        """Keep what `reply` to `url` says; True where its body is the one known already."""
        kept = self.find(url)
        digest = hashlib.sha256(reply.body).hexdigest()
        known = {
            "url": redact(reply.url),
            "etag": reply.headers.get("etag"),
            "last_modified": reply.headers.get("last-modified"),
            "sha256": digest,
        }
        self._kept[redact(url)] = {k: v for k, v in known.items() if v and _is_sendable(v)}
        while len(self._kept) > MAX_URLS:
            del self._kept[next(iter(self._kept))]
        return kept.get("sha256") == digest

    def as_json(self) -> dict[str, dict[str, str]]:
        """All that is kept, for the store."""
        return {url: dict(entry) for url, entry in self._kept.items()}


def conditions(kept: Kept, url: str) -> dict[str, str]:
    """The headers that ask `url` for what is new, if it is the one whose validators these are."""
    if kept.get("url") != redact(url):
        return {}
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified"))
    return {header: kept[name] for header, name in pairs if name in kept}


def _is_sendable(value: object) -> bool:
    """Whether `value` may stand in a header."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return False
    return 0 < len(value) <= MAX_LENGTH
