"""Where we connect to: the check of every address, on the address that is really connected to.

The name is resolved once, every address that it leads to is checked, and the connection goes to
one of those. A second answer of the name server (DNS rebinding) is never asked for. TLS and the
Host header keep the name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from itertools import chain, zip_longest

import httpcore

from monitor.errors import ForbiddenAddress, Unreachable

__all__ = ["CheckedBackend", "Resolve", "refusal", "resolve"]

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
MAX_CANDIDATES = 4

# After the IANA special-purpose registries. The standard library's `is_global` differs between
# patch releases and knows neither embedded addresses nor metadata services.
_LOCAL: dict[str, tuple[str, ...]] = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "carrier-grade NAT": ("100.64.0.0/10",),
}
_SPECIAL: dict[str, tuple[str, ...]] = {
    "unspecified": ("0.0.0.0/8", "::/128"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "cloud metadata": (
        "168.63.129.16/32",
        "169.254.169.254/32",
        "100.100.100.200/32",
        "192.0.0.192/32",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
    ),
    "reserved": (
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "3fff::/20"),
    ),
}


def _networks(kinds: dict[str, tuple[str, ...]]) -> list[tuple[IPv4Network | IPv6Network, str]]:
    """The ranges of `kinds`, parsed."""
    return [
        (IPv6Network(cidr) if ":" in cidr else IPv4Network(cidr), kind)
        for kind, cidrs in kinds.items()
        for cidr in cidrs
    ]


_LOCAL_NETWORKS = _networks(_LOCAL)
_SPECIAL_NETWORKS = _networks(_SPECIAL)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


def refusal(address: Address, *, allow_private: bool = False) -> str | None:
    """Why `address` must not be connected to (one word or two), or None where it may.

    `allow_private` opens loopback, private and carrier-grade NAT addresses only. An IPv6 address
    that embeds an IPv4 address (mapped, 6to4, NAT64, ISATAP) is judged by both. NAT64 with a
    prefix of an operator's own can't be told from other addresses.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return refusal(address.ipv4_mapped, allow_private=allow_private)
        inner = _embedded(address)
        if inner is not None and (reason := refusal(inner)) is not None:
            return f"{reason} (embedded)"
    for network, kind in _SPECIAL_NETWORKS:
        if address in network:
            return kind
    for network, kind in _LOCAL_NETWORKS:
        if address in network:
            return None if allow_private else kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return None if address in _NAT64 else "reserved"
    return None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a translator or tunnel would take the packet to."""
    number = int(address)
    if address in _SIX_TO_FOUR:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _NAT64 or number >> 32 & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    return None


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host` in the system's order of preference.

    Raises:
        OSError: `socket.gaierror`, the name does not resolve.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _candidates(addresses: Iterable[Address]) -> list[Address]:
    """A few of `addresses`, the families in turn, the preferred one first."""
    unique = list(dict.fromkeys(addresses))
    first = [a for a in unique if a.version == unique[0].version]
    second = [a for a in unique if a.version != unique[0].version]
    turns = chain.from_iterable(zip_longest(first, second))
    return [a for a in turns if a is not None][:MAX_CANDIDATES]


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only; `resolve` and `inner` can be replaced for tests."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve = resolve,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to `host`; `timeout` in seconds covers resolving and all candidates.

        Raises:
            ForbiddenAddress: one of the addresses is private or special.
            Unreachable: the name does not resolve.
            httpcore.ConnectError, httpcore.ConnectTimeout: no candidate answered.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + (60.0 if timeout is None else timeout)
        addresses = _candidates(await self._addresses(host, port, timeout))
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                return await self._inner.connect_tcp(
                    str(address),
                    port,
                    timeout=max((until - loop.time()) / left, 0.1),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 1:
                    raise
        raise AssertionError("there is at least one candidate")  # pragma: no cover

    async def _addresses(self, host: str, port: int, seconds: float | None) -> list[Address]:
        try:
            found: list[Address] = [ip_address(host)]
        except ValueError:
            found = [ip_address(text) for text in await self._names(host, port, seconds)]
        for address in found:
            reason = refusal(address, allow_private=self._allow_private)
            if reason is not None:
                raise ForbiddenAddress(_message(host, address, reason))
        return found

    async def _names(self, host: str, port: int, seconds: float | None) -> list[str]:
        try:
            async with asyncio.timeout(seconds):
                found = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name server did not answer") from error
        except (OSError, UnicodeError) as error:
            raise Unreachable(
                f"{host}: the name does not resolve; check its spelling and this machine's DNS"
            ) from error
        if not found:
            raise httpcore.ConnectError(f"{host} has no address")
        return found

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _message(host: str, address: Address, reason: str) -> str:
    local = any(kind == reason for kind in _LOCAL)
    where = f"{host} is {reason}" if host == str(address) else f"{host} is {address} ({reason})"
    advice = "; allow_private_addresses = true permits it" if local else ""
    return f"{where}: such addresses are not asked{advice}"
