"""One poll's way through the door: retries, redirects, robots.txt, conditional requests."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

import stamina

from monitor.collect.http.pace import Broken, LeftAlone, Pace, spent_for
from monitor.collect.http.robots import MAX_BYTES, Robots
from monitor.collect.http.status import failure
from monitor.collect.http.types import Exchange, Limits, Meter, Reply, Retries
from monitor.collect.http.url import (
    checked,
    origin,
    redact,
    shown,
    with_params,
    without_userinfo,
)
from monitor.collect.http.validators import Kept, Validators, conditions
from monitor.collect.protocol import Answer
from monitor.errors import (
    BadAnswer,
    ForbiddenAddress,
    HttpError,
    Throttled,
    TooLarge,
    Unreachable,
)

__all__ = ["Equipment", "PollHttp"]

_REDIRECTS = (301, 302, 303, 307, 308)
_PERMANENT = (301, 308)
_TRANSIENT = (500, 502, 503, 504)
_FAILING = (403, 500, 502, 503, 504)
_SHAREABLE = ("accept", "accept-language")
_HOPELESS = (socket.gaierror, ssl.SSLCertVerificationError, UnicodeError)
"""What no second try within seconds mends."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What all polls share; `now` gives the time by which waits are told."""

    exchange: Exchange
    pace: Pace
    robots: Robots
    limits: Limits
    retries: Retries
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class _Wish:
    """One address to read. `own` are the caller's headers, for the origin they were meant for."""

    url: str
    own: Mapping[str, str]
    kept: Kept
    robots: bool = False
    beginning: int | None = None

    def headers(self) -> dict[str, str]:
        return {**self.own, **conditions(self.kept, self.url)}

    def moved(self, url: str) -> _Wish:
        """The same wish at another address; what may be secret stays with the first origin."""
        if origin(url) == origin(self.url):
            return replace(self, url=url)
        kept = {name: value for name, value in self.own.items() if name in _SHAREABLE}
        return replace(self, url=url, own=kept)


@dataclass(frozen=True, slots=True)
class _Arrival:
    reply: Reply
    moved_to: str | None


class PollHttp:
    """The door for one poll of one source: the `Http` that a collector is given.

    `validators` holds, after the poll, what the next one should be opened with; keep it only if
    the poll succeeded. At most 64 addresses, the longest unused are dropped first.
    """

    def __init__(
        self, equipment: Equipment, network: str, validators: Mapping[str, Any] | None = None
    ) -> None:
        self._use = equipment
        self._network = network
        self._validators = Validators(validators or {})
        self._meter = Meter()

    @property
    def requests(self) -> int:
        """Requests sent so far, with redirects, retries and robots.txt."""
        return self._meter.requests

    @property
    def bytes(self) -> int:
        """Bytes of bodies read so far, as they came over the wire."""
        return self._meter.bytes

    @property
    def status(self) -> int | None:
        """The status of the last answer, None before there is one."""
        return self._meter.status

    @property
    def validators(self) -> dict[str, dict[str, str]]:
        """The validators to open the next poll with, ready for JSON."""
        return self._validators.as_json()

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        conditional: bool = False,
        robots: bool = False,
    ) -> Answer:
        """Fetch `url`, as `monitor.collect.protocol.Http` describes it.

        Raises:
            SourceError: every failure, as one of its subclasses.
        """
        asked, own = _start(url, params, headers)
        kept = self._validators.find(asked) if conditional else {}
        arrival = await self._persist(_Wish(asked, own, kept, robots))
        reply = arrival.reply
        same = reply.status == HTTPStatus.NOT_MODIFIED
        if conditional and not same:
            same = self._validators.remember(asked, reply)
        return Answer(
            url=redact(reply.url),
            status=reply.status,
            headers=reply.headers,
            body=reply.body,
            unchanged=same,
            moved_to=arrival.moved_to,
        )

    async def _persist(self, wish: _Wish) -> _Arrival:
        """`_follow`, tried again after transient failures; what came of it sets the pace."""
        pace = self._use.pace
        pace.check(wish.url)
        try:
            arrival = await self._retry(wish)
        except (LeftAlone, Broken):
            raise  # it was not asked
        except Throttled as error:
            # Only now: a pause would also hold up our own retries.
            pace.refused(error.url or wish.url, error.retry_after)
            raise
        except (Unreachable, HttpError) as error:
            where = error.url or wish.url
            if isinstance(error, HttpError) and error.status not in _FAILING:
                pace.answered(where)
            else:
                pace.failed(where)
            raise
        pace.answered(arrival.reply.url)
        spent = spent_for(arrival.reply.headers, self._use.now())
        if spent is not None:
            pace.pause(arrival.reply.url, spent)
        return arrival

    async def _retry(self, wish: _Wish) -> _Arrival:
        retries = self._use.retries
        async for attempt in stamina.retry_context(
            on=lambda error: _wait(error, retries),
            attempts=retries.attempts,
            timeout=None,
            wait_initial=retries.wait_initial,
            wait_max=retries.wait_max,
            wait_jitter=retries.wait_jitter,
        ):
            with attempt:
                return await self._follow(wish)
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover

    async def _follow(self, wish: _Wish) -> _Arrival:
        """The answer at the end of all redirects."""
        left = self._use.limits.total_seconds
        permanent, seen = True, {wish.url}
        for _ in range(self._use.limits.redirects + 1):
            reply, took = await self._hop(wish, left)
            left -= took
            target = _target(reply)
            if target is None:
                moved = permanent and len(seen) > 1 and redact(reply.url) == reply.url
                return _Arrival(self._success(reply, wish), reply.url if moved else None)
            if target in seen:
                raise TooLarge(f"{shown(wish.url)}: redirects in a circle", url=shown(wish.url))
            seen.add(target)
            permanent = permanent and reply.status in _PERMANENT
            wish = wish.moved(target)
        raise TooLarge(
            f"{shown(wish.url)}: more than {self._use.limits.redirects} redirects",
            url=shown(wish.url),
        )

    async def _hop(self, wish: _Wish, left: float) -> tuple[Reply, float]:
        """One request and the seconds that it took, its waits left out."""
        if wish.robots:
            await self._ask_robots(wish.url)
        async with self._use.pace.turn(wish.url, self._network):
            loop = asyncio.get_running_loop()
            begun = loop.time()
            reply = await self._use.exchange(
                wish.url,
                wish.headers(),
                self._meter,
                seconds=max(left, 0.0),
                beginning=wish.beginning,
            )
            return reply, loop.time() - begun

    async def _ask_robots(self, url: str) -> None:
        async def fetch(where: str) -> Reply:
            return (await self._follow(_Wish(where, {}, {}, beginning=MAX_BYTES))).reply

        status = self._meter.status
        try:
            delay = await self._use.robots.check(url, fetch)
        finally:
            self._meter.status = status  # that of the page, not of its robots.txt
        if delay is not None:
            self._use.pace.slow_down(url, delay)

    def _success(self, reply: Reply, wish: _Wish) -> Reply:
        conditional = bool(conditions(wish.kept, wish.url))
        unchanged = reply.status == HTTPStatus.NOT_MODIFIED and conditional
        if HTTPStatus(200) <= reply.status < HTTPStatus.MULTIPLE_CHOICES or unchanged:
            return reply
        raise failure(reply, self._use.now())


def _start(
    url: str,
    params: Mapping[str, str | int | list[str]] | None,
    headers: Mapping[str, str] | None,
) -> tuple[str, dict[str, str]]:
    """The address to ask and the caller's headers, the address's own user among them."""
    try:
        asked, userinfo = without_userinfo(checked(with_params(checked(url), params)))
    except ValueError as error:
        message = f"{shown(url)}: not a usable address ({error})"
        raise Unreachable(message, url=shown(url)) from None
    own = {name.lower(): value for name, value in (headers or {}).items()}
    if userinfo is not None:
        own.setdefault("authorization", f"Basic {b64encode(userinfo.encode()).decode()}")
    return asked, own


def _target(reply: Reply) -> str | None:
    """Where `reply` redirects to, None where it does not.

    Raises:
        BadAnswer: to something that is no address.
        ForbiddenAddress: to another scheme than http(s), or with a user in the address.
    """
    location = reply.headers.get("location", "")
    if reply.status not in _REDIRECTS or not location:
        return None
    where, to = shown(reply.url), shown(location)
    try:
        joined = urljoin(reply.url, location)
        scheme = joined.partition(":")[0].lower()
        if scheme not in ("http", "https"):
            message = f"{where}: redirects to {to}; only http and https are followed"
            raise ForbiddenAddress(message, url=where)
        target, userinfo = without_userinfo(checked(joined))
    except ValueError as error:
        message = f"{where}: redirects to what is no address ({error})"
        raise BadAnswer(message, url=where, payload=location.encode()) from None
    if userinfo is not None:
        message = f"{where}: redirects to {to} with a user in the address; that is not followed"
        raise ForbiddenAddress(message, url=where)
    return target


def _wait(error: Exception, retries: Retries) -> bool | float:
    """Whether `error` may be over in a moment: False, True, or after so many seconds."""
    if isinstance(error, Broken):
        return False
    if isinstance(error, Throttled):
        wait = error.retry_after
        if wait is None or wait > retries.patience:
            return False
        return wait + random.random() * min(retries.wait_jitter, 1.0)
    if isinstance(error, HttpError):
        return error.status in _TRANSIENT
    return isinstance(error, Unreachable) and not any(
        isinstance(cause, _HOPELESS) for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__context__  # httpcore's pool takes the cause away
