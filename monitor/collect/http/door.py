"""The one HTTP door: everything that monitor reads from the network comes through here.

A process opens one `Door`, and every poll gets its own `PollHttp` from it. What holds for all:

- Every connection goes to a checked address (`http.address`), on every redirect too.
- Proxies, netrc files and cookies are not used: behind a proxy the address that is connected to
  could not be checked. SSL_CERT_FILE and SSL_CERT_DIR are honoured.
- Answers are read within limits of time, size and unpacked size (`Limits`).
- Hosts are asked at their pace, and left alone when they ask for it (`monitor.collect.http.pace`).
- Messages and what is kept hold no user, password, or parameter named like a secret.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, Self, cast

import httpcore
import httpx
import stamina.instrumentation

from monitor.clock import Clock, SystemClock
from monitor.collect.http.address import CheckedBackend
from monitor.collect.http.body import Body
from monitor.collect.http.pace import Pace
from monitor.collect.http.poll import Equipment, PollHttp
from monitor.collect.http.robots import Robots
from monitor.collect.http.types import BEGINNING, Limits, Meter, Reply, Retries
from monitor.collect.http.url import one_line, shown
from monitor.errors import BadAnswer, ForbiddenAddress, TooLarge, Unreachable

__all__ = ["Door", "Limits", "PollHttp", "Retries"]

MAX_CONNECTIONS = 100
IDLE_CONNECTIONS = 20
IDLE_SECONDS = 30.0


def _user_agent(contact: str | None) -> str:
    try:
        number = version("monitor")
    except PackageNotFoundError:
        number = "0"
    plain = "".join(c for c in contact or "" if c.isascii() and c.isprintable() and c not in "()")
    return f"monitor/{number} (+{plain})" if plain else f"monitor/{number}"


class _Stream(httpx.AsyncByteStream):
    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        await cast("Any", self._stream).aclose()


class _Transport(httpx.AsyncBaseTransport):
    """httpx over httpcore's own pool, because httpx's transport takes no network backend.

    httpcore's exceptions pass through as they are; the door turns them into ours.
    """

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                request.method, url, headers=request.headers.raw, extensions=request.extensions
            )
        )
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Stream(cast("AsyncIterator[bytes]", answer.stream)),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class Door:
    """The process's way to the network; an async context manager.

    Args:
        contact: an address for the operators of the hosts we ask; goes into the User-Agent.
        allow_private_addresses: also connect to loopback and private addresses.
        requests_per_minute: what is configured for each network, a mapping or a function; None
            or missing means 60 a host, and no limit on loopback.
        limits: what one request may cost.
        retries: how often transient failures are tried again.
        clock: tells the moment by which waits are told.
        monotonic: seconds, for pauses and the age of robots.txt.
        backend: makes the connections; replaced by tests that need names of their own.
        pace: politeness; replaced by tests that must not wait.
    """

    def __init__(
        self,
        contact: str | None = None,
        *,
        allow_private_addresses: bool = False,
        requests_per_minute: Mapping[str, float] | Callable[[str], float | None] | None = None,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        retries: Retries = Retries(),  # noqa: B008  # frozen
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        backend: httpcore.AsyncNetworkBackend | None = None,
        pace: Pace | None = None,
    ) -> None:
        rates = requests_per_minute or {}
        self._limits = limits
        self._client = _client(
            _user_agent(contact),
            limits,
            backend or CheckedBackend(allow_private=allow_private_addresses),
        )
        self._equipment = Equipment(
            exchange=self._exchange,
            pace=pace or Pace(rates if callable(rates) else rates.get, monotonic),
            robots=Robots(monotonic),
            limits=limits,
            retries=retries,
            now=(clock or SystemClock()).now,
        )

    def open(self, network: str, validators: Mapping[str, Any] | None = None) -> PollHttp:
        """The door for one poll of a source of `network`, with what the last good one kept."""
        return PollHttp(self._equipment, network, validators)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _exchange(
        self,
        url: str,
        headers: Mapping[str, str],
        meter: Meter,
        *,
        seconds: float,
        beginning: int | None = None,
    ) -> Reply:
        meter.requests += 1
        name = shown(url)
        try:
            async with asyncio.timeout(seconds):
                async with self._send(name, url, headers) as response:
                    meter.status = response.status_code
                    body = await self._read(name, response, meter, beginning)
        except TimeoutError as error:
            message = f"{name}: no complete answer within {self._limits.total_seconds:g} s"
            raise Unreachable(message, url=name) from error
        return Reply(url, response.status_code, dict(response.headers.items()), body)

    @asynccontextmanager
    async def _send(
        self, name: str, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[httpx.Response]:
        with _as_ours(name, self._limits):
            request = _request(self._client, name, url, headers)
            response = await self._client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    async def _read(
        self, name: str, response: httpx.Response, meter: Meter, beginning: int | None
    ) -> bytes:
        """The body; of an answer without success its beginning, however it ends."""
        failed = not response.is_success
        if failed:
            beginning = BEGINNING
        self._refuse_announced(name, response, beginning)
        encoding = response.headers.get("content-encoding", "")
        body = Body(name, encoding, self._limits, meter, beginning=beginning, forgiving=failed)
        try:
            return await body.read(response.aiter_raw())
        except (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException) as error:
            if failed:
                return body.beginning()
            message = f"{body.cut_off()} ({_why(error, self._limits)})"
            raise Unreachable(message, url=name) from error

    def _refuse_announced(self, name: str, response: httpx.Response, beginning: int | None) -> None:
        length = response.headers.get("content-length", "")
        limit = self._limits.body_bytes
        if beginning is None and length.isdecimal() and int(length[:20]) > limit:
            raise TooLarge(f"{name}: announces {length[:20]} bytes, the limit is {limit}", url=name)


def _client(
    user_agent: str, limits: Limits, backend: httpcore.AsyncNetworkBackend
) -> httpx.AsyncClient:
    """The HTTP client, silent and without memory of its own."""
    for library in ("httpx", "httpcore"):  # both log whole addresses, secrets included
        logging.getLogger(library).setLevel(logging.WARNING)
    stamina.instrumentation.set_on_retry_hooks(())  # by default it prints to stdout
    return httpx.AsyncClient(
        transport=_Transport(backend),
        headers={"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate, br"},
        timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds, pool=None),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        trust_env=False,
    )


def _request(
    client: httpx.AsyncClient, name: str, url: str, headers: Mapping[str, str]
) -> httpx.Request:
    try:
        return client.build_request("GET", url, headers=headers)
    except httpx.InvalidURL as error:
        raise Unreachable(f"not a usable address ({one_line(str(error))})", url=name) from None


@contextmanager
def _as_ours(name: str, limits: Limits) -> Iterator[None]:
    """Turns whatever keeps an answer from beginning into one of our errors."""
    try:
        yield
    except (ForbiddenAddress, Unreachable) as error:
        raise type(error)(f"{name}: {error}", url=name) from error
    except (httpcore.LocalProtocolError, UnicodeError, ValueError):
        # Their texts repeat the header that does not fit, which may be a secret.
        raise Unreachable(f"{name}: a header can't be sent as it is", url=name) from None
    except (httpx.InvalidURL, httpx.RemoteProtocolError) as error:
        # httpx looks at a redirect's target even where it is not to follow it.
        raise BadAnswer(f"{name}: redirects to what is no address", url=name) from error
    except (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException) as error:
        raise Unreachable(f"{name}: {_why(error, limits)}", url=name) from error


def _why(error: Exception, limits: Limits) -> str:
    """What happened, in a few words."""
    match error:
        case httpcore.ConnectTimeout():
            return f"no connection within {limits.connect_seconds:g} s"
        case httpcore.TimeoutException():
            return f"nothing came for {limits.read_seconds:g} s"
        case httpcore.ConnectError() if isinstance(error.__context__, ssl.SSLError):
            return f"TLS failed: {one_line(str(error))}"
        case httpcore.ConnectError():
            return f"no connection: {one_line(str(error)) or 'it was closed at once'}"
        case httpcore.ReadError() | httpcore.WriteError():
            return "the connection was lost"
        case _:
            return f"no valid HTTP: {one_line(str(error))}"
