"""Time that only moves when nothing is under way, so that weeks pass in minutes.

An event loop of its own kind tells the time by a counter. While a request, a commit or any other
work is in flight the counter stands still, however long that takes; as soon as everybody waits for
a moment to come, it jumps there. Timers, timeouts, spacing and pauses of all code that runs in the
loop follow by themselves, and the same work happens at the same moments in every run.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

import httpcore

from monitor.errors import MonitorError, Unreachable

__all__ = ["Names", "VirtualClock", "VirtualLoop", "run_virtually"]

STALL_SECONDS = 120.0

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Selector(selectors.DefaultSelector):
    """Waits for sockets only while somebody works; else it lets the time jump."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is not None and not self.loop.is_held:
            self.loop.jump(timeout)
            return events
        events = super().select(STALL_SECONDS)
        if not events:
            raise MonitorError(
                f"the simulation stood still for {STALL_SECONDS:g} s: "
                "something in flight does not end, or everybody waits for nothing"
            )
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual. `time()` begins at 0."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._holds = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._elapsed

    @property
    def is_held(self) -> bool:
        """Is anything in flight?"""
        return self._holds > 0

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds

    @contextmanager
    def held(self, by: int = 1) -> Iterator[None]:
        """Time stands still in this block; with -1, a block that is held elsewhere lets it move."""
        self._holds += by
        try:
            yield
        finally:
            self._holds -= by

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """As in any loop; time stands still until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._holds += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _: object) -> None:
        self._holds -= 1


class VirtualClock:
    """The date that a virtual loop stands for, in whole milliseconds."""

    def __init__(self, loop: VirtualLoop, start: datetime) -> None:
        self._loop = loop
        self._start = start

    def now(self) -> datetime:
        """The moment, aware and in UTC."""
        return self._start + timedelta(milliseconds=round(self._loop.time() * 1000))

    def seconds_until(self, moment: datetime) -> float:
        """How long the loop must wait for a moment."""
        return (moment - self._start).total_seconds() - self._loop.time()

    async def lag(self, seconds: float) -> None:
        """Let a server take its time over an answer while its client waits for it."""
        with self._loop.held(-1):
            await asyncio.sleep(seconds)


def run_virtually(start: datetime, main: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Run `main` in a virtual loop that begins at `start`; what it returns."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        if not isinstance(loop, VirtualLoop):  # pragma: no cover
            raise TypeError(loop)
        return runner.run(main(VirtualClock(loop, start)))


class _Watched(httpcore.AsyncNetworkStream):
    """A connection; whoever waits for its bytes is in flight."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, loop: VirtualLoop) -> None:
        self._inner = inner
        self._loop = loop

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        with self._loop.held():
            return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        with self._loop.held():
            await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Names(httpcore.AsyncNetworkBackend):
    """Leads `hosts` to a port on loopback, and every other name nowhere.

    So addresses (and the ids made of them) are the same in every run, whichever port is free.
    """

    def __init__(self, hosts: Iterable[str], port: int, loop: VirtualLoop) -> None:
        self._hosts = frozenset(hosts)
        self._port = port
        self._loop = loop
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,  # noqa: ARG002 - one port serves all names
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the stand-ins.

        Raises:
            Unreachable: the simulated world has no such host.
        """
        if host not in self._hosts:
            raise Unreachable(f"{host}: the name does not resolve in the simulated world")
        with self._loop.held():
            stream = await self._inner.connect_tcp(
                "127.0.0.1",
                self._port,
                timeout=timeout,
                local_address=local_address,
                socket_options=socket_options,
            )
        return _Watched(stream, self._loop)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
