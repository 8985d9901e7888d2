"""What the parts of the door share: limits, the counters of one poll, and a raw answer."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["BEGINNING", "Exchange", "Limits", "Meter", "Reply", "Retries"]

MEBIBYTE = 1024 * 1024
BEGINNING = 64 * 1024
"""Bytes kept of an answer that is no success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may cost. Seconds and bytes.

    `total_seconds` runs over all redirects of one attempt, the waits of politeness left out.
    `body_bytes` count as they come over the wire, `decoded_bytes` after gzip, deflate and brotli.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 60.0
    body_bytes: int = 20 * MEBIBYTE
    decoded_bytes: int = 50 * MEBIBYTE
    redirects: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a transient failure is tried again within one request. Seconds.

    The waits grow from `wait_initial` to `wait_max`, each with up to `wait_jitter` on top. A host
    that asks to wait is tried again only if it asks for `patience` or less.
    """

    attempts: int = 3
    wait_initial: float = 0.5
    wait_max: float = 30.0
    wait_jitter: float = 1.0
    patience: float = 5.0


@dataclass(slots=True)
class Meter:
    """What a poll has cost so far: requests sent, bytes of bodies read, the last status."""

    requests: int = 0
    bytes: int = 0
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as it came, without its redirects. `url` holds no user and no fragment."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange(Protocol):
    """Sends one GET and reads its answer."""

    def __call__(
        self,
        url: str,
        headers: Mapping[str, str],
        meter: Meter,
        *,
        seconds: float,
        beginning: int | None = None,
    ) -> Awaitable[Reply]:
        """At most `seconds`; with `beginning`, no more than so many bytes of the body.

        Raises:
            SourceError: Unreachable, ForbiddenAddress, TooLarge or BadAnswer.
        """
        ...
