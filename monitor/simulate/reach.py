"""What an anonymous reader of Bluesky can find at one moment, by all the ways that there are.

This is the simulator's own account of what the network shows, written without regard to how
anybody collects it: lists of answers from the top down, the feeds of those who take part in a
thread, searches for a company's name, accounts that are followed, quotes, asking by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from datetime import datetime

from monitor.simulate.world import Item, Kind, Person, World

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
            and not (post.author and post.author.withheld)
        ]
        listed = (Kind.QUOTE, Kind.STRAY)
        self._found |= {post for post in posts if post.names or post.kind in listed}
        accounts = set(world.accounts.values())
        self._found |= {post for post in posts if post.author in accounts}
        for post in posts:
            if post.post_id in known:
                self._below(post)
        for root in roots:
            self._read(root)

    def __contains__(self, item: object) -> bool:
        return item in self._found

    def _read(self, root: Item) -> None:
        """A thread: from the top, then again and again through those who were met in it."""
        self._below(root)
        asked: set[Person] = set()
        while True:
            here = self._in_thread[root]
            met = {
                author
                for author, posts in here.items()
                if not author.withheld and any(post in self._found for post in posts)
            }
            if not met - asked:
                return
            for author in sorted(met - asked, key=lambda one: one.number):
                asked.add(author)
                for post in here[author]:
                    if _in_place(post):
                        self._below(post)

    def _below(self, top: Item) -> None:
        """A post, all answers that are listed below it, and what it says that it answers."""
        stack, seen = [top], set()
        while stack:
            item = stack.pop()
            seen.add(item)
            parent = item.parent
            near = [child for child in item.children if not child.is_blocked(self._now)]
            near += [parent] if parent is not None and parent not in self._found else []
            stack += [one for one in near if one.exists(self._now) and one not in seen]
        self._found |= seen


def _in_place(post: Item) -> bool:
    """Is it where one would look for it in its author's feed? A wrong clock puts it elsewhere."""
    return post.claimed_at is None or post.claimed_at >= post.created_at
