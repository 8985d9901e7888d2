"""Politeness: how fast, how many at once, and when not at all, per host."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aiolimiter import AsyncLimiter

from monitor.collect.http.url import authority, is_loopback, shown
from monitor.errors import Throttled

__all__ = ["DEFAULT_PER_MINUTE", "Limiter", "Pace", "allowed_per_minute", "asked_wait"]

DEFAULT_PER_MINUTE = 60.0
AT_ONCE = 4
PAUSE = 60.0
"""Seconds for which a host that asks to wait, but not how long, is left alone."""
LONGEST_PAUSE = 86400.0
MAX_HOSTS = 2048

Limiter = Callable[[float], AbstractAsyncContextManager[None]]
"""Makes the limiter of one host for so many requests a minute."""

_NUMBER = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(?:[,;].*)?")
_EPOCH = 1e8  # no wait is three years long: a number beyond is a moment
_RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")


def allowed_per_minute(url: str, configured: float | None) -> float | None:
    """The requests a minute that the host of `url` may be sent; None: without limit."""
    default = None if is_loopback(url) else DEFAULT_PER_MINUTE
    return default if configured is None else configured


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that an answer asks us to wait, at most a day; None where it does not say.

    Retry-After counts before the reset headers of rate limits. Moments are read against the
    answer's own Date, so that a wrong clock on either side does not matter.
    """
    sent = _moment(headers.get("date", "")) or now
    for name in ("retry-after", *_RESETS):
        seconds = _seconds(headers.get(name, "").strip(), sent)
        if seconds is not None:
            return min(max(seconds, 0.0), LONGEST_PAUSE)
    return None


def _seconds(text: str, sent: datetime) -> float | None:
    if match := _NUMBER.fullmatch(text):
        number = float(match[1])
        return number - sent.timestamp() if number > _EPOCH else number
    moment = _moment(text)
    return None if moment is None else (moment - sent).total_seconds()


def _moment(text: str) -> datetime | None:
    """A moment as HTTP dates or ISO 8601 write it, in UTC where no zone is given."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return None


def _smooth(per_minute: float) -> AsyncLimiter:
    """One request per period and no bursts, not `per_minute` of them at the minute's start."""
    return AsyncLimiter(1, 60.0 / per_minute)


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    users: int = 0
    per_minute: float | None = None
    limiter: AbstractAsyncContextManager[None] | None = None
    limiter_used: float = 0.0
    slowest: float | None = None  # what robots.txt asks for, in requests per minute
    paused_until: float = 0.0


class Pace:
    """Spacing, concurrency and pauses of all hosts.

    `requests_per_minute` gives what is configured for a network, None for the default; the
    strictest of the networks that ask one host holds. Loopback hosts have no default. `monotonic`
    gives seconds.
    """

    def __init__(
        self,
        requests_per_minute: Callable[[str], float | None],
        monotonic: Callable[[], float],
        limiter: Limiter = _smooth,
    ) -> None:
        self._requests_per_minute = requests_per_minute
        self._monotonic = monotonic
        self._limiter = limiter
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, url: str, network: str) -> AsyncIterator[None]:
        """Wait until the host of `url` may be asked (again), and hold one of its slots.

        Raises:
            Throttled: the host asked to wait, and that time is not over.
        """
        self.check(url)
        host = self._host(url)
        host.users += 1
        try:
            async with host.slots:
                await self._space(host, self._per_minute(url, network, host))
                self.check(url)
                yield
        finally:
            host.users -= 1

    def check(self, url: str) -> None:
        """Raises `Throttled` while the host of `url` is paused."""
        left = self._host(url).paused_until - self._monotonic()
        if left > 0:
            raise Throttled(
                f"{authority(url)} asked to wait; {left:.0f} s are left, it was not asked again",
                url=shown(url),
                status=429,
                retry_after=left,
            )

    def pause(self, url: str, seconds: float | None) -> None:
        """Leave the host of `url` alone for `seconds`; a pause that is longer already stays."""
        wanted = PAUSE if seconds is None else min(seconds, LONGEST_PAUSE)
        host = self._host(url)
        host.paused_until = max(host.paused_until, self._monotonic() + wanted)

    def slow_down(self, url: str, seconds_between: float) -> None:
        """Ask the host of `url` no more often than its robots.txt wishes (up to a minute)."""
        if seconds_between > 0:
            self._host(url).slowest = 60.0 / min(seconds_between, 60.0)

    def _per_minute(self, url: str, network: str, host: _Host) -> float | None:
        rates = [allowed_per_minute(url, self._requests_per_minute(network)), host.slowest]
        return min((rate for rate in rates if rate is not None), default=None)

    async def _space(self, host: _Host, per_minute: float | None) -> None:
        if per_minute is None:
            return
        if host.limiter is None or host.per_minute is None or per_minute < host.per_minute:
            host.limiter, host.per_minute = self._limiter(per_minute), per_minute
        async with host.limiter:
            host.limiter_used = self._monotonic()

    def _host(self, url: str) -> _Host:
        name = authority(url)
        if name not in self._hosts and len(self._hosts) >= MAX_HOSTS:
            self._forget_idle()
        return self._hosts.setdefault(name, _Host())

    def _forget_idle(self) -> None:
        """Drop hosts that are neither in use nor paused, nor were asked in the last minute."""
        now = self._monotonic()
        self._hosts = {
            name: host
            for name, host in self._hosts.items()
            if host.users or host.paused_until > now or host.limiter_used > now - 60
        }
