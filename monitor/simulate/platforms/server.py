"""One HTTP server on loopback for all stand-in platforms, told apart by their names."""

from __future__ import annotations

import logging
import random
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from urllib.parse import parse_qsl

import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from monitor.simulate.platforms.faults import Fault, Limit, broken
from monitor.simulate.platforms.protocol import Asked, Platform, Reply, http_date
from monitor.simulate.virtual import VirtualClock

__all__ = ["Server", "serving"]

_FOREVER = 10**9
_SLOW_SECONDS = 20.0


class Server:
    """An ASGI app."""

    def __init__(
        self,
        platforms: Iterable[Platform],
        clock: VirtualClock,
        faults: Iterable[Fault] = (),
        limits: Iterable[Limit] = (),
    ) -> None:
        self._hosts = {host: platform for platform in platforms for host in platform.hosts}
        self._clock = clock
        self._limits = {limit.network: limit for limit in limits}
        self._faults = list(faults)
        self._asked = 0

    @property
    def hosts(self) -> frozenset[str]:
        """All names that lead here."""
        return frozenset(self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = _asked(scope)
        platform = self._hosts[asked.host]
        now = self._clock.now()
        self._asked += 1
        fault = next((f for f in self._faults if f.holds(platform.network, now)), None)
        reply = platform.answer(asked, now)
        if fault is not None:
            if fault.kind == "slow":
                await self._clock.lag(_SLOW_SECONDS)
            reply = broken(reply, fault, now, random.Random(self._asked))
        if (limit := self._limits.get(platform.network)) is not None:
            spent = limit.spend(now)
            reply = (
                limit.refusal(spent)
                if limit.is_spent
                else replace(reply, headers=(*reply.headers, *spent))
            )
        headers = (("Date", http_date(self._clock.now())), *reply.headers)
        if fault is not None and fault.kind == "cut":
            await _cut(reply, headers, send)
            return
        response = Response(reply.body, reply.status)
        for name, value in headers:
            response.headers.append(name, value)
        await response(scope, receive, send)


def _asked(scope: Scope) -> Asked:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    host = headers.get("host", "").partition(":")[0]
    return Asked(host, scope["path"], tuple(query), headers)


async def _cut(reply: Reply, headers: tuple[tuple[str, str], ...], send: Send) -> None:
    """Promise a whole body, send a half, and hang up."""
    length = ("Content-Length", str(len(reply.body) + 1))
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in (*headers, length)]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    half = reply.body[: len(reply.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[int]:
    """Serve on a free port of loopback, in the running loop; the port."""
    with _unheard("uvicorn.error"), socket.create_server(("127.0.0.1", 0)) as sock:
        # Inherited by every connection; a head and a body would else wait for each other's receipt.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        settings = uvicorn.Config(
            server, lifespan="off", log_config=None, access_log=False, server_header=False,
            date_header=False, timeout_keep_alive=_FOREVER, timeout_graceful_shutdown=1,
        )  # fmt: skip
        settings.load()
        running = uvicorn.Server(settings)
        running.lifespan = settings.lifespan_class(settings)
        # Not `serve`: it wakes ten times a second, and would be the only one who does.
        await running.startup(sockets=[sock])
        try:
            yield sock.getsockname()[1]
        finally:
            await running.shutdown(sockets=[sock])


@contextmanager
def _unheard(name: str) -> Iterator[None]:
    """Broken answers are on purpose: nothing is logged of them."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
