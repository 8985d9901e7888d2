"""A real HTTP server on loopback for tests: a function from what was asked to what is answered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request: the path with its query, and the headers with lower-case names."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """One answer.

    `body` is sent as it is, or in chunks `pause` seconds apart if it is a list. `length` declares
    another Content-Length than the body's own, `chunked` declares none. With `cut` the connection
    is closed after the body, before its proper end.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    chunked: bool = False
    cut: bool = False
    pause: float = 0.0

    def parts(self) -> Iterable[bytes]:
        return [self.body] if isinstance(self.body, bytes) else self.body


Handler = Callable[[Asked], Reply]


def always(reply: Reply) -> Handler:
    """A handler that gives the same answer to everything."""
    return lambda _: reply


def names(known: Mapping[str, list[str]]) -> Callable[[str, int], Awaitable[list[str]]]:
    """A resolver that knows these names only."""

    async def resolve(host: str, port: int) -> list[str]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known[host]

    return resolve


@dataclass
class Server:
    """`url` has no slash at its end; `asked` holds all requests in order."""

    port: int
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


@asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[Server]:
    """A server that answers with `handler` until the block ends."""
    server = Server(port=0)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await _answer(reader, writer, handler, server):
                pass
        writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler, server: Server
) -> bool:
    """Answer one request; False where the connection is to be closed."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    asked = Asked(head[0].split()[1], {name.lower(): value.strip() for name, _, value in pairs})
    server.asked.append(asked)
    reply = handler(asked)
    headers = dict(reply.headers)
    if reply.chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif isinstance(reply.body, bytes):
        headers["Content-Length"] = str(len(reply.body) if reply.length is None else reply.length)
    elif reply.length is not None:
        headers["Content-Length"] = str(reply.length)
    lines = [f"HTTP/1.1 {reply.status} Said", *(f"{k}: {v}" for k, v in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    for part in reply.parts():
        writer.write(b"%x\r\n%s\r\n" % (len(part), part) if reply.chunked else part)
        await writer.drain()
        if reply.pause:
            await asyncio.sleep(reply.pause)
    if reply.chunked and not reply.cut:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return not reply.cut and (reply.chunked or "Content-Length" in headers)
