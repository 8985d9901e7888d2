"""robots.txt (RFC 9309): asked for pages that we read as pages, never for feeds and APIs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from protego import Protego

from monitor.collect.http.types import Reply
from monitor.collect.http.url import authority, origin, shown
from monitor.errors import AccessDenied, BadAnswer, HttpError, Throttled, TooLarge, Unreachable

__all__ = ["Robots"]

AGENT = "monitor"
MAX_BYTES = 512 * 1024
KEPT_SECONDS = 86400.0
MAX_ORIGINS = 1024

Fetch = Callable[[str], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class _Rules:
    until: float
    parsed: Protego


class Robots:
    """The rules of the origins asked so far, each kept for a day; `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._rules: dict[str, _Rules] = {}

    async def check(self, url: str, fetch: Fetch) -> float | None:
        """The seconds that robots.txt wants between two requests, None where it names none.

        Without a robots.txt (4xx) everything is allowed; one that fails (5xx) forbids everything.

        Raises:
            AccessDenied: robots.txt does not allow `url`, or could not be read.
            Unreachable: the host gave no usable answer at all.
        """
        rules = await self._read(url, fetch)
        if not rules.can_fetch(url, AGENT):
            raise AccessDenied(
                f"robots.txt of {authority(url)} does not allow {shown(url)}; it was not asked",
                url=shown(url),
                status=200,
            )
        return rules.crawl_delay(AGENT)

    async def _read(self, url: str, fetch: Fetch) -> Protego:
        where = origin(url)
        kept = self._rules.get(where)
        if kept is None or kept.until <= self._monotonic():
            kept = _Rules(self._monotonic() + KEPT_SECONDS, await _fetched(url, fetch))
            while len(self._rules) >= MAX_ORIGINS:
                del self._rules[next(iter(self._rules))]
            self._rules[where] = kept
        return kept.parsed


async def _fetched(url: str, fetch: Fetch) -> Protego:
    """The rules for the host of `url`, read anew."""
    failed = f"robots.txt of {authority(url)} could not be read"
    try:
        reply = await fetch(f"{origin(url)}/robots.txt")
    except Throttled:
        raise
    except HttpError as error:
        if error.status < 500:  # noqa: PLR2004  # RFC 9309: 4xx means that there are no rules
            return Protego.parse("")
        raise AccessDenied(
            f"{failed} ({error}); {shown(url)} was not asked",
            url=shown(url),
            status=error.status,
            body=error.body,
        ) from error
    except (Unreachable, BadAnswer, TooLarge) as error:
        message = f"{failed} ({error}); {shown(url)} was not asked"
        raise Unreachable(message, url=shown(url)) from error
    return Protego.parse(reply.body[:MAX_BYTES].decode(errors="replace").removeprefix("\ufeff"))
