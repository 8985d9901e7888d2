"""Politeness: how fast, how many at once, and when not at all, per host."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aiolimiter import AsyncLimiter

from monitor.collect.http.url import authority, is_loopback, shown
from monitor.errors import Throttled, Unreachable

__all__ = [
    "DEFAULT_PER_MINUTE",
    "Broken",
    "LeftAlone",
    "Limiter",
    "Pace",
    "allowed_per_minute",
    "asked_wait",
    "spent_for",
]

DEFAULT_PER_MINUTE = 60.0
AT_ONCE = 4
PAUSE = 60.0
"""Seconds for which a host that asks to wait, but not how long, is left alone."""
LONGEST_GROWN = 6 * 3600.0
"""To this a pause grows by itself, doubling while the host goes on to refuse."""
LONGEST_PAUSE = 86400.0
TOLERATED = 5
"""So many requests in a row may fail before a host is left alone."""
BREAK = 2.0
LONGEST_BREAK = 900.0
"""Seconds for which a host that fails is left alone: at first, and after doubling at most."""
MAX_HOSTS = 2048

Limiter = Callable[[float], AbstractAsyncContextManager[None]]
"""Makes the limiter of one host for so many requests a minute."""

_NUMBER = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(?:[,;].*)?")
_EPOCH = 1e8  # no wait is three years long: a number beyond is a moment
_RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
_REMAINING = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")


class LeftAlone(Throttled):
    """The host asked to wait and was therefore not asked."""


class Broken(Unreachable):
    """The host failed several times and was therefore not asked."""


def allowed_per_minute(url: str, configured: float | None) -> float | None:
    """The requests a minute that the host of `url` may be sent; None: without limit."""
    default = None if is_loopback(url) else DEFAULT_PER_MINUTE
    return default if configured is None else configured


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that an answer asks us to wait, at most a day; None where it does not say.

    Retry-After counts before the reset headers of rate limits. Moments are read against the
    answer's own Date, so that a wrong clock on either side does not matter.
    """
    return _wait_of(headers, now, ("retry-after", *_RESETS))


def spent_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds until an answer's rate limit gives more; None where some is left."""
    if any(headers.get(name, "").strip() == "0" for name in _REMAINING):
        return _wait_of(headers, now, _RESETS)
    return None


def _wait_of(headers: Mapping[str, str], now: datetime, names: Iterable[str]) -> float | None:
    sent = _moment(headers.get("date", "")) or now
    for name in names:
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
    refusals: int = 0  # in a row
    failures: int = 0  # in a row


class Pace:
    """Spacing, concurrency, pauses and breakers of all hosts.

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
            LeftAlone: the host asked to wait, and that time is not over.
            Broken: it failed so often that it is left alone for a while.
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
        """Raises `LeftAlone` or `Broken` while the host of `url` is paused."""
        host = self._host(url)
        left = host.paused_until - self._monotonic()
        if left <= 0:
            return
        name = authority(url)
        if host.failures >= TOLERATED:
            raise Broken(
                f"{name} failed {host.failures} times in a row; {left:.0f} s are left, it was not "
                "asked again",
                url=shown(url),
            )
        raise LeftAlone(
            f"{name} asked to wait; {left:.0f} s are left, it was not asked again",
            url=shown(url),
            status=429,
            retry_after=left,
        )

    def pause(self, url: str, seconds: float) -> None:
        """Leave the host of `url` alone for `seconds`; a pause that is longer already stays."""
        host = self._host(url)
        host.paused_until = max(host.paused_until, self._monotonic() + min(seconds, LONGEST_PAUSE))

    def refused(self, url: str, seconds: float | None) -> None:
        """The host of `url` asks to wait, for `seconds` if it says how long.

        If it refuses again after that, the pause is at least a minute and doubles.
        """
        host = self._host(url)
        host.refusals += 1
        doublings = host.refusals - (1 if seconds is None else 2)
        grown = min(PAUSE * 2 ** min(doublings, 20), LONGEST_GROWN) if doublings >= 0 else 0.0
        self.pause(url, max(grown, seconds or 0.0))

    def failed(self, url: str) -> None:
        """A request to the host of `url` failed; one that goes on to fail is left alone."""
        host = self._host(url)
        host.failures += 1
        if host.failures >= TOLERATED:
            doublings = min(host.failures - TOLERATED, 20)
            self.pause(url, min(BREAK * 2**doublings, LONGEST_BREAK))

    def answered(self, url: str) -> None:
        """The host of `url` answered well: what it refused before counts no longer."""
        host = self._host(url)
        host.failures = 0
        if host.paused_until <= self._monotonic():  # else it was asked before it refused
            host.refusals = 0

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
            if host.users or max(host.paused_until, host.limiter_used) > now - 60
        }
