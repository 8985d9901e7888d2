"""Recorded answers served through the collectors' door, and a memory that forgets nothing.

`ReplayHttp(folder)` reads `manifest.json` (a list of `file`, `url`, `status`, `response_headers`)
and answers by path and parameters, whatever the host. It raises what the real door raises. A
request without an answer is an error of the test, never an empty success.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from monitor.collect.protocol import Answer, Ask
from monitor.errors import AccessDenied, Gone, HttpError, SourceError, Throttled
from monitor.types import Harvest, Known, Post, PostState, Source

__all__ = ["MemoryOf", "ReplayHttp", "ask_for", "known"]

Params = Mapping[str, str | int | list[str]]
Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Recorded:
    """One answer: `params` None fits every request for the path that nothing else fits."""

    path: str
    params: Key | None
    status: int
    headers: Mapping[str, str]
    body: bytes
    error: SourceError | None = None


def _key(params: Params | Iterable[tuple[str, str]] | None) -> Key:
    pairs: list[tuple[str, str]] = []
    for name, value in params.items() if isinstance(params, Mapping) else params or ():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, str(one)) for one in values]
    return tuple(sorted(pairs))


class ReplayHttp:
    """Serves a folder of recordings as an `Http`; `asked` lists every (path, params) in order.

    Parameters named in `ignore` need not agree: an exact fit wins, then the answer whose ignored
    parameters differ least. `add` puts in answers that were built, and wins over the recordings.
    """

    def __init__(self, folder: Path | None = None, *, ignore: Iterable[str] = ()) -> None:
        self.ignore = frozenset(ignore)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers: list[Recorded] = []
        self._added: list[Recorded] = []
        self._bodies: dict[tuple[str, Key], bytes] = {}
        if folder is not None:
            self._load(folder)

    def _load(self, folder: Path) -> None:
        for entry in json.loads((folder / "manifest.json").read_text()):
            if entry.get("method", "GET") != "GET":
                continue
            parts = urlsplit(entry["url"])
            self._answers.append(
                Recorded(
                    path=parts.path,
                    params=_key(parse_qsl(parts.query, keep_blank_values=True)),
                    status=entry["status"],
                    headers=_joined(entry["response_headers"]),
                    body=(folder / entry["file"]).read_bytes(),
                )
            )

    def add(
        self,
        path: str,
        body: Any,
        *,
        params: Params | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer `path` (or one that ends so) with `body`: bytes, a `SourceError`, or JSON data."""
        error = body if isinstance(body, SourceError) else None
        data = b"" if error else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json", **(headers or {})}
        where = None if params is None else _key(params)
        self._added.insert(0, Recorded(path, where, status, given, data, error))

    def count(self, path: str) -> int:
        """How often a path that ends so was asked for."""
        return sum(asked.endswith(path) for asked, _ in self.asked)

    async def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        conditional: bool = False,
        robots: bool = False,
    ) -> Answer:
        parts = urlsplit(url)
        key = _key([*parse_qsl(parts.query, keep_blank_values=True), *_key(params)])
        self.asked.append((parts.path, dict(params or {})))
        found = self._find(parts.path, key)
        _raise(found, url)
        same = conditional and self._bodies.get((parts.path, key)) == found.body
        if conditional:
            self._bodies[parts.path, key] = found.body
        unchanged = same or found.status == 304
        return Answer(url, found.status, found.headers, found.body, unchanged=unchanged)

    def _find(self, path: str, key: Key) -> Recorded:
        for answers in (self._added, self._answers):
            fits = [one for one in answers if path == one.path or path.endswith("/" + one.path)]
            exact = [one for one in fits if one.params is not None and self._near(one.params, key)]
            if exact:
                return min(exact, key=lambda one: len(set(one.params or ()) ^ set(key)))
            if loose := [one for one in fits if one.params is None]:
                return loose[0]
        raise AssertionError(f"no recording answers {path} with {dict(key)}")

    def _near(self, one: Key, other: Key) -> bool:
        return [p for p in one if p[0] not in self.ignore] == [
            p for p in other if p[0] not in self.ignore
        ]


def _joined(pairs: Iterable[Iterable[str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        lower = name.lower()
        joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
    return joined


def _raise(found: Recorded, url: str) -> None:
    if found.error is not None:
        raise found.error
    status, body = found.status, found.body[:65536]
    if status < 400:
        return
    wait = found.headers.get("retry-after")
    if status == 429 or (status in (403, 503) and wait is not None):
        seconds = float(wait) if wait and wait.isdigit() else None
        raise Throttled(
            f"{url}: HTTP {status}", url=url, status=status, retry_after=seconds, body=body
        )
    kind = {401: AccessDenied, 403: AccessDenied, 451: AccessDenied, 404: Gone, 410: Gone}
    raise kind.get(status, HttpError)(f"{url}: HTTP {status}", url=url, status=status, body=body)


@dataclass
class MemoryOf:
    """What earlier harvests of one source left behind: all posts seen, and those still live."""

    shown: set[str] = field(default_factory=set)
    alive: dict[str, Known] = field(default_factory=dict)

    def seen(self, post_ids: Iterable[str]) -> set[str]:
        return self.shown & set(post_ids)

    def live(self) -> Mapping[str, Known]:
        return self.alive

    def take(self, harvest: Harvest) -> MemoryOf:
        """The memory after `harvest` was stored."""
        shown = self.shown | {post.post_id for post in harvest.posts}
        alive = self.alive | {post.post_id: known(post) for post in harvest.posts}
        for gone in harvest.removed:
            alive.pop(gone, None)
        return MemoryOf(shown, alive)


def known(post: Post) -> Known:
    """What the store would remember of `post`."""
    at = post.indexed_at or post.claimed_at or datetime(2026, 1, 1, tzinfo=UTC)
    state = post.state if post.state is PostState.HIDDEN else PostState.LIVE
    return Known(
        post_id=post.post_id, reply_to_id=post.reply_to_id, created_at=at, state=state, last_at=at
    )


def ask_for(
    source: Source,
    http: ReplayHttp,
    *,
    now: datetime,
    memory: MemoryOf | None = None,
    state: dict[str, Any] | None = None,
    base_url: str | None = None,
) -> Ask:
    """One poll's order over recorded answers."""
    return Ask(
        source=source,
        http=http,
        memory=memory or MemoryOf(),
        now=now,
        base_url=base_url,
        state=state or {},
    )
