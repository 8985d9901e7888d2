"""Which language a text is in: an engine's guess, and what its surroundings add to it."""

from __future__ import annotations

from monitor.enrich.language.resolve import resolve
from monitor.enrich.protocol import Detector
from monitor.errors import UsageError

__all__ = ["ENGINES", "detector", "resolve"]

ENGINES = ("langdetect", "vote", "none")
"""What `[enrich] language` may name."""


def detector(name: str) -> Detector | None:
    """The engine of that name; None for `none`. It reads its profiles when it is first asked.

    Raises:
        UsageError: there is no such engine, or what it needs is not installed.
    """
    if name == "langdetect":
        from monitor.enrich.language.profiles import ProfileDetector

        return ProfileDetector()
    if name == "vote":
        from monitor.enrich.language.vote import VoteDetector

        return VoteDetector()
    if name == "none":
        return None
    raise UsageError(f'no language engine "{name}"; there are {", ".join(ENGINES)}')
