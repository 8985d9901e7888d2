"""Writing commands: the same functions whether the daemon runs them or a command by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monitor.store.writer import Writer

__all__ = ["COMMANDS"]


def exclude(writer: Writer, *, event: str, posts: list[str], undo: bool = False) -> dict[str, Any]:
    """Say that posts are not about an event, or take that back; what was changed.

    Raises:
        UsageError: no such event, or a post that is no reaction to it; then nothing is changed.
    """
    return {"event": event, "undo": undo, "changed": writer.exclude(event, posts, undo=undo)}


COMMANDS: dict[str, Callable[..., Any]] = {"exclude": exclude}
