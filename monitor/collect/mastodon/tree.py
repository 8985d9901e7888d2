"""A thread as it is put together from the answers of several servers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from monitor.collect.mastodon.parse import Status

__all__ = ["Tree"]

_MOST = 60  # descendants in one answer, without a login
_DEEPEST = 20  # steps below the post that was asked for


@dataclass(slots=True)
class Tree:
    """The posts at and below `top`, by their `uri`.

    `parents` leads from each to what it answers; `claims` says how many answers a server counts;
    `places` says which server showed it first, and under which id. `ids` leads back from there.
    `cut` are the posts below which a server listed as many as it lists to anybody.
    """

    top: str
    posts: dict[str, Status] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)

    def learn(self, server: str, statuses: Iterable[Status]) -> None:
        """Remember under which ids a server knows posts."""
        for status in statuses:
            self.ids[server, status.id] = status.uri

    def parent(self, server: str, status: Status) -> str | None:
        """What a post answers; None where it answers nothing, or nobody shows what."""
        above = status.in_reply_to_id
        return self.ids.get((server, above)) if above else None

    def add(self, server: str, status: Status) -> bool:
        """Add a post that everybody may see; False if it is here already, or may not be."""
        if status.uri in self.posts or not status.is_shown:
            return False
        self.posts[status.uri] = status
        self.places[status.uri] = server, status.id
        self.parents[status.uri] = None if status.uri == self.top else self.parent(server, status)
        if status.replies_count is not None:
            self.claims[status.uri] = status.replies_count
        return True

    def take(
        self, server: str, asked: str, descendants: Sequence[Status]
    ) -> tuple[list[Status], list[str]]:
        """Add what stands below the post `asked`.

        Returns:
            The posts that are new, and those of whose answers some may have been cut off.
        """
        self.learn(server, descendants)
        fresh = [status for status in descendants if self.add(server, status)]
        depths = self._depths(server, asked, descendants)
        is_cut = len(descendants) >= _MOST
        if is_cut:
            self.cut.add(asked)
        short = self.missing()
        doubtful = [
            uri for uri, depth in depths.items() if uri in short and (is_cut or depth >= _DEEPEST)
        ]
        return fresh, doubtful

    def _depths(self, server: str, asked: str, descendants: Sequence[Status]) -> dict[str, int]:
        """How far below `asked` each post stands; servers list parents before children."""
        depths = {asked: 0}
        for status in descendants:
            above = self.parent(server, status)
            depths[status.uri] = depths.get(above or "", _DEEPEST) + 1
        return depths

    def missing(self) -> dict[str, int]:
        """Answers that are claimed and not here, by post."""
        children = Counter(self.parents.values())
        rest = {uri: claimed - children[uri] for uri, claimed in self.claims.items()}
        return {uri: number for uri, number in rest.items() if number > 0}
