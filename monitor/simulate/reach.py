"""What an anonymous reader of Bluesky must be able to find at one moment.

Bluesky is read as the contract says: searches for a company's name, accounts that are followed,
threads of announcements, of quotes and of a company's own posts. In a thread that means: lists of
answers from the top down, asking by name for what is known, and the feeds of those who take part
where something is counted and not listed. Nothing of the collector's code is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from datetime import datetime

from monitor.simulate.worlds.world import Item, Kind, Person, World

__all__ = ["Reach"]


class Reach:
    """The posts that can be found; `item in reach`.

    Args:
        known: ids of posts that were seen earlier: they can be asked for by name.
    """

    def __init__(self, world: World, now: datetime, known: Container[str] = ()) -> None:
        self._now = now
        self._found: set[Item] = set()
        posts = [item for item in world.of("bluesky") if item.exists(now)]
        self._in_thread: dict[Item, dict[Person, list[Item]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for post in posts:
            if post.author is not None:
                self._in_thread[post.root or post][post.author].append(post)
        roots = [
            post
            for post in posts
            if post.parent is None
            and post.kind in (Kind.ANNOUNCEMENT, Kind.OWN, Kind.QUOTE)
            # Nobody keeps a thread under what may not be kept.
            and not post.is_withheld
        ]
        listed = (Kind.QUOTE, Kind.STRAY)
        self._found |= {post for post in posts if post.names or post.kind in listed}
        accounts = set(world.accounts.values())
        self._found |= {post for post in posts if post.author in accounts}
        for post in posts:
            if post.post_id in known:
                self._ask(post)
        for root in roots:
            self._read(root)

    def __contains__(self, item: object) -> bool:
        return item in self._found

    def _read(self, root: Item) -> None:
        """A thread: from the top, then again and again through those who were met in it.

        Somebody's feed is searched for what a post that was found counts and does not list.
        """
        self._below(root)
        here = self._in_thread[root]
        while True:
            before = len(self._found)
            for author, posts in here.items():
                if author.withheld or not any(post in self._found for post in posts):
                    continue
                for post in posts:
                    if _in_place(post) and post.parent in self._found:
                        self._below(post)
            if len(self._found) == before:
                return

    def _below(self, top: Item) -> None:
        """A post and all answers that are listed below it."""
        stack = [top]
        while stack:
            item = stack.pop()
            self._found.add(item)
            stack += [
                child
                for child in item.children
                if child.exists(self._now) and not child.is_blocked(self._now)
            ]

    def _ask(self, post: Item) -> None:
        """A post that is known, and those above it: each names the next."""
        self._below(post)
        while (parent := post.parent) is not None and parent.exists(self._now):
            self._below(parent)
            post = parent


def _in_place(post: Item) -> bool:
    """Is it where one would look for it in its author's feed? A wrong clock puts it elsewhere."""
    return post.claimed_at is None or post.claimed_at >= post.created_at
