"""What a service manager is told: sd_notify(3), for units of `Type=notify`."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

__all__ = ["notify", "supervised"]


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send `state` to who started us and wants to hear it; nobody else is bothered."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, suppress(OSError):
        sock.sendto(state.encode(), address)


@asynccontextmanager
async def supervised(
    is_alive: Callable[[], Awaitable[object]], environ: Mapping[str, str] = os.environ
) -> AsyncIterator[None]:
    """Say that the service is ready, that it lives for as long as it does, and that it stops.

    Args:
        is_alive: returns while the service works; one that hangs lets the watchdog bite.
    """
    beating = None
    period = environ.get("WATCHDOG_USEC", "")
    if period.isdigit() and environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
        beating = asyncio.create_task(_beat(is_alive, int(period) / 1e6 / 3, environ))
    notify("READY=1", environ)
    try:
        yield
    finally:
        notify("STOPPING=1", environ)
        if beating is not None:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)


async def _beat(
    is_alive: Callable[[], Awaitable[object]], seconds: float, environ: Mapping[str, str]
) -> None:
    while True:
        await is_alive()
        notify("WATCHDOG=1", environ)
        await asyncio.sleep(seconds)
