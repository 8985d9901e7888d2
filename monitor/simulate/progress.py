"""How a run tells how far it has come."""

from __future__ import annotations

from collections.abc import Callable

from monitor.simulate.run import Progress

__all__ = ["daily"]


def daily(tell: Callable[[str], None] | None) -> Callable[[Progress], None]:
    """Tell a line a simulated day."""
    told = None

    def hear(progress: Progress) -> None:
        nonlocal told
        day = progress.now.date()
        if tell is not None and day != told:
            told = day
            tell(f"collecting {day}: {progress.posts} posts after {progress.polls} polls")

    return hear
