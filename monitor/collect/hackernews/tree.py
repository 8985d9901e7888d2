"""A thread as it is put together from both APIs. Pure.

Trees are what strangers wrote, as deep as they like: everything here walks with a stack.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from monitor.collect.hackernews.parse import Item, Node, fit, wrong
from monitor.collect.protocol import Answer
from monitor.errors import TooLarge

__all__ = ["MAX_NODES", "Thread", "comments_below"]

MAX_NODES = 100_000


@dataclass(slots=True)
class Thread:
    """Everything at and below the item `top`.

    `items` are shown in this poll, `held` leads from comments of earlier polls that are believed
    live to their parents, `holes` (number → parent) are shown without content and not asked for,
    `gone` are confirmed to be deleted or dead, at what time (seconds since 1970).
    """

    top: int
    held: dict[int, int | None]
    gone: dict[int, float]
    story: int | None = None
    items: dict[int, Item] = field(default_factory=dict)
    holes: dict[int, int | None] = field(default_factory=dict)

    def knows(self, number: int) -> bool:
        """Is it placed already, whatever became of it?"""
        known = (self.items, self.held, self.holes, self.gone)
        return number == self.top or any(number in where for where in known)

    def show(self, item: Item) -> bool:
        """Add what an index shows; False for what the site itself said to be gone, and repeats."""
        if item.number in self.gone or item.number in self.items:
            return False
        self.items[item.number] = item
        self.holes.pop(item.number, None)
        return True

    def lose(self, number: int, at: float) -> None:
        """The site says that it is gone."""
        self.gone[number] = at
        self.items.pop(number, None)
        self.holes.pop(number, None)

    def take(self, answer: Answer) -> None:
        """Add an answer of `items/N`.

        Raises:
            BadAnswer: it is no tree, or that of another item.
            TooLarge: it has more than `MAX_NODES` nodes.
        """
        top = fit(answer.json(), Node, answer)
        if top.id != self.top:
            raise wrong(answer, f"asked for item {self.top}, got {top.id}")
        self.story = self.top if top.type != "comment" else top.story_id or self.story
        stack: list[tuple[Any, int]] = [(child, top.id) for child in reversed(top.children)]
        count = 1
        while stack:
            data, parent = stack.pop()
            node = fit(data, Node, answer)
            count += 1
            if count > MAX_NODES:
                raise TooLarge(f"{answer.url}: more than {MAX_NODES} comments", url=answer.url)
            stack += [(child, node.id) for child in reversed(node.children)]
            self._place(node, parent)

    def _place(self, node: Node, parent: int) -> None:
        if node.id == self.top:
            return
        if node.is_hole:
            if node.id not in self.items and node.id not in self.gone:
                self.holes[node.id] = parent
        elif node.type == "comment":  # a poll's options are no replies
            self.show(node.item(parent, self.story))

    def live(self) -> set[int]:
        """The comments that are believed to be served."""
        return (self.items.keys() | self.held.keys()) - self.gone.keys() - {self.top}

    def parents(self) -> set[int]:
        """What the live comments answer."""
        named = {item.parent for item in self.items.values()} | set(self.held.values())
        return {one for one in named if one is not None} - {self.top}


def comments_below(thread: Thread, found: Iterable[Item]) -> list[Item]:
    """Those of the story's comments that stand below the thread's top, oldest first.

    Numbers grow: a parent has a smaller one than what answers it.
    """
    if thread.story == thread.top:
        return sorted(found, key=lambda item: item.number)
    below: list[Item] = []
    inside: set[int] = set()
    for item in sorted(found, key=lambda item: item.number):
        parent = item.parent
        if parent is not None and (parent in inside or thread.knows(parent)):
            inside.add(item.number)
            below.append(item)
    return below
