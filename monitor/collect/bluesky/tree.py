"""A reply tree as it is put together from several answers, and what is missing in it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from monitor.collect.bluesky.api import ThreadAnswer
from monitor.collect.bluesky.views import PostView, ThreadNode, count, fit, post_id, withheld
from monitor.types import Gap, GapReason

__all__ = ["Tree"]

_GONE_NODES = {"app.bsky.feed.defs#notFoundPost", "app.bsky.feed.defs#blockedPost"}


@dataclass(slots=True)
class Tree:
    """The posts under (and with) the post `top`, keyed by at-uri.

    `posts` holds what was served, also posts that we may not store. `expanded` are the posts whose
    replies an answer listed; `blocked` leads from a post that is shown as blocked to its parent;
    `capped` says of which posts we know that the list of replies was cut; `deleted` are posts that
    are gone although an answer to them is known; `lost` counts, by parent, replies that we
    collected and that are served no more but still claimed (their accounts went away).
    """

    top: str
    posts: dict[str, PostView] = field(default_factory=dict)
    expanded: set[str] = field(default_factory=set)
    blocked: dict[str, str] = field(default_factory=dict)
    capped: dict[str, GapReason] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    lost: Counter[str] = field(default_factory=Counter)

    def take(self, answer: ThreadAnswer) -> tuple[list[PostView], list[str]]:
        """Add an answer: the posts that are new, and those whose replies must be asked for."""
        fresh: list[PostView] = []
        cut: list[str] = []
        for view, replies, depth in _walk(answer, self.blocked):
            if self.add(view):
                fresh.append(view)
            if replies is not None and depth < answer.depth:
                self.expanded.add(view.uri)
            elif view.reply_count and view.uri not in self.expanded:
                cut.append(view.uri)
        for uri in self.blocked.keys() & self.posts.keys():
            del self.blocked[uri]
        return fresh, cut

    def add(self, view: PostView) -> bool:
        """Add a post; False if it is here already."""
        if view.uri in self.posts:
            return False
        self.posts[view.uri] = view
        self.blocked.pop(view.uri, None)
        return True

    def belongs(self, view: PostView) -> bool:
        """Whether a post found elsewhere stands in this tree."""
        top = self.posts.get(self.top)
        root = top.root if top else self.top
        if view.root != root or view.uri == root or view.parent is None:
            return False
        return root == self.top or view.parent in self.posts

    def missing(self) -> dict[str, int]:
        """Replies that are claimed and neither here, nor blocked, nor collected earlier."""
        rest = {uri: number - self.lost[uri] for uri, number in self._unseen().items()}
        return {uri: number for uri, number in rest.items() if number > 0}

    def forget_lost(self) -> None:
        """Where the network stopped counting lost replies, so do we, or they would hide others."""
        unseen = self._unseen()
        for uri in self.lost:
            self.lost[uri] = min(self.lost[uri], max(0, unseen.get(uri, 0)))

    def _unseen(self) -> dict[str, int]:
        """Claimed minus shown; negative where more is listed than claimed, which is no error."""
        children = Counter(view.parent for view in self.posts.values() if view.uri != self.top)
        hidden = Counter(self.blocked.values())
        return {
            uri: (count(view.reply_count) or 0) - children[uri] - hidden[uri]
            for uri, view in self.posts.items()
            if not withheld(view)
        }

    def orphans(self) -> set[str]:
        """Parents that are named but not here: gone, or hidden."""
        named = {view.parent for uri, view in self.posts.items() if uri != self.top and view.parent}
        return {uri for uri in named if uri is not None} - set(self.posts) - self.deleted

    def gaps(self) -> list[Gap]:
        """What is missing under which post, and why; nothing here names a post we may not store."""
        stored = {uri for uri, view in self.posts.items() if not withheld(view)}
        kept_back = Counter(
            self._above(uri, stored) for uri, view in self.posts.items()
            if uri not in stored and view.parent
        )  # fmt: skip
        gaps = [_gap(GapReason.POLICY, uri, n) for uri, n in kept_back.items() if uri]
        hidden = Counter(self.blocked.values())
        gaps += [_gap(GapReason.HIDDEN, uri, n) for uri, n in hidden.items() if uri in stored]
        for uri, number in self.missing().items():
            gaps.append(_gap(self.capped.get(uri, GapReason.UNEXPLAINED), uri, number))
        gaps += [_gap(GapReason.PARENT_DELETED, uri, None) for uri in sorted(self.deleted)]
        if self.top in self.posts and self.top not in stored:
            gaps.append(Gap(reason=GapReason.POLICY, missing=1, concerns="posts"))
        return gaps

    def _above(self, uri: str, stored: set[str]) -> str | None:
        """The nearest post above another one that may be stored; below a gap, the thread's top."""
        seen: set[str] = set()
        while (view := self.posts.get(uri)) is not None and view.parent and uri not in seen:
            seen.add(uri)
            uri = view.parent
            if uri in stored:
                return uri
        return self.top if self.top in stored else None


def _gap(reason: GapReason, uri: str | None, missing: int | None) -> Gap:
    return Gap(reason=reason, post_id=post_id(uri or ""), missing=missing)


def _walk(
    answer: ThreadAnswer, blocked: dict[str, str]
) -> Iterator[tuple[PostView, list[Any] | None, int]]:
    """Every post of an answer with its nested replies and its depth below the first."""
    stack: list[tuple[Any, int, str | None]] = [(answer.thread, 0, None)]
    while stack:
        node, depth, parent = stack.pop()
        if isinstance(node, dict) and node.get("$type") in _GONE_NODES:
            uri = node.get("uri")
            if node.get("blocked") and parent and isinstance(uri, str):
                blocked[uri] = parent
            continue
        made = fit(node, ThreadNode, url=answer.url, payload=answer.body)
        yield made.post, made.replies, depth
        below = reversed(made.replies or [])
        stack.extend((child, depth + 1, made.post.uri) for child in below)
