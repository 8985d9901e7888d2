"""No request leaves for a private address: by name, by number, by redirect, by a second answer."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.collect.http.address import CheckedBackend, refusal
from monitor.collect.http.door import Door, Retries
from monitor.errors import ForbiddenAddress, Unreachable
from tests.collect.server import Asked, Reply, always, names, serve

AT_ONCE = Retries(wait_initial=0, wait_max=0, wait_jitter=0)
PUBLIC = "93.184.215.14"
NOT_PUBLIC = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4"),
    *("240.0.0.0/4", "168.63.129.16/32"),
]
EMBEDDINGS: dict[str, Callable[[int], int]] = {
    "mapped": lambda v4: 0xFFFF << 32 | v4,
    "compatible": lambda v4: v4,
    "translated": lambda v4: 0xFFFF << 48 | v4,
    "6to4": lambda v4: 0x2002 << 112 | v4 << 80 | 1,
    "nat64": lambda v4: 0x0064FF9B << 96 | v4,
    "local nat64": lambda v4: 0x0064FF9B0001 << 80 | v4,
    "teredo": lambda v4: 0x20010000 << 96 | (v4 ^ 0xFFFFFFFF),
    "isatap": lambda v4: 0x2600_1F18 << 96 | 0x5EFE << 32 | v4,
    "isatap, global": lambda v4: 0x2600_1F18 << 96 | 0x02005EFE << 32 | v4,
}
private = st.sampled_from(NOT_PUBLIC).flatmap(lambda net: st.ip_addresses(v=4, network=net))


@given(private, st.sampled_from(sorted(EMBEDDINGS)))
def test_no_private_address_passes_however_it_is_embedded(address, how):
    assert refusal(address)
    assert refusal(IPv6Address(EMBEDDINGS[how](int(address))))


@given(st.ip_addresses())
def test_what_passes_is_global_by_the_standard_library_too(address):
    if refusal(address) is None:
        inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        judged = inner or address
        assert judged.is_global
        assert not judged.is_multicast


@given(private)
def test_public_embeddings_do_not_open_private_ones(address):
    assert refusal(IPv6Address(EMBEDDINGS["6to4"](int(address)) | 0x5EFE << 32 | int(address)))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", PUBLIC, "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_pass(address):
    assert refusal(ip_address(address)) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("10.1.2.3", "private"),
        ("fd12::1", "private"),
        ("fe80::1%eth0", "link-local"),
        ("169.254.169.254", "link-local"),
        ("100.100.100.200", "cloud metadata"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("255.255.255.255", "reserved"),
        ("ff02::1", "multicast"),
        ("fec0::1", "reserved"),
        ("64:ff9b::a00:1", "private (embedded)"),
    ],
)
def test_the_reason_is_named(address, reason):
    assert refusal(ip_address(address)) == reason


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "fd12::1", "100.64.0.1"])
def test_private_addresses_can_be_allowed(address):
    assert refusal(ip_address(address), allow_private=True) is None


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "0.0.0.0", "224.0.0.1", "100.100.100.200"]
)
def test_metadata_and_special_addresses_are_never_allowed(address):
    assert refusal(ip_address(address), allow_private=True)


class Recorded(httpcore.AsyncNetworkBackend):
    """Notes where a connection would go, and makes it to a port on loopback instead."""

    def __init__(self, port: int = 0, dead: tuple[str, ...] = ()) -> None:
        self.port = port
        self.dead = dead
        self.asked: list[str] = []
        self.tls: list[str] = []
        self._real = httpcore.AnyIOBackend()

    async def connect_tcp(self, host, port, **more):
        self.asked.append(host)
        if host in self.dead:
            raise httpcore.ConnectTimeout
        if not self.port:
            return _Tls(self.tls)
        return await self._real.connect_tcp("127.0.0.1", self.port, **more)


class _Tls(httpcore.AsyncNetworkStream):
    """Notes the name that TLS would use, and finds the certificate wrong."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    async def start_tls(self, ssl_context, server_hostname=None, timeout=None):  # noqa: ASYNC109  # httpcore's signature
        self._names.append(server_hostname)
        try:
            raise ssl.SSLCertVerificationError("certificate has expired")
        except ssl.SSLError as error:
            raise httpcore.ConnectError(error) from error

    async def aclose(self):
        pass


def door_to(resolve, inner=None, **more) -> Door:
    backend = CheckedBackend(resolve=resolve, inner=inner, **more)
    return Door(backend=backend, retries=AT_ONCE, requests_per_minute={"feed": 1e6})


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"],
)
async def test_loopback_is_refused_in_every_spelling(host):
    async with serve(always(Reply())) as server, Door(retries=AT_ONCE) as door:
        with pytest.raises(ForbiddenAddress) as caught:
            await door.open("feed").get(f"http://{host}:{server.port}/")
    assert server.asked == []
    assert caught.value.url == f"http://{host}:{server.port}/"


async def test_the_message_says_what_to_do():
    async with Door() as door:
        with pytest.raises(ForbiddenAddress, match=r"allow_private_addresses = true") as caught:
            await door.open("feed").get("http://10.1.2.3/a")
    assert "10.1.2.3 is private" in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_private_address_is_refused(status):
    async with serve(always(Reply(body=b"secret"))) as inside:
        target = f"http://inside.test:{inside.port}/"
        reply = Reply(status, headers={"Location": target})
        async with serve(always(reply)) as outside:
            resolve = names({"outside.test": [PUBLIC], "inside.test": ["127.0.0.1"]})
            recorded = Recorded(outside.port)
            async with door_to(resolve, recorded) as door:
                poll = door.open("feed")
                with pytest.raises(ForbiddenAddress, match=r"inside.test is 127.0.0.1"):
                    await poll.get("http://outside.test/")
    assert inside.asked == []
    assert recorded.asked == [PUBLIC]


async def test_one_private_address_among_public_ones_refuses_the_name():
    recorded = Recorded()
    async with door_to(names({"mixed.test": [PUBLIC, "10.0.0.1"]}), recorded) as door:
        with pytest.raises(ForbiddenAddress, match=r"mixed.test is 10.0.0.1"):
            await door.open("feed").get("http://mixed.test/")
    assert recorded.asked == []


async def test_the_connection_goes_to_the_address_that_was_checked():
    answers = [[PUBLIC], ["127.0.0.1"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    closing = Reply(body=[b"public"], cut=True)
    async with serve(always(closing)) as server:
        recorded = Recorded(server.port)
        async with door_to(rebinding, recorded) as door:
            poll = door.open("feed")
            assert (await poll.get("http://rebind.test/")).body == b"public"
            assert (recorded.asked, len(answers)) == ([PUBLIC], 1)
            with pytest.raises(ForbiddenAddress):
                await poll.get("http://rebind.test/")
    assert recorded.asked == [PUBLIC]


async def test_host_header_and_tls_keep_the_name():
    known = names({"news.test": [PUBLIC]})
    async with (
        serve(always(Reply())) as server,
        door_to(known, Recorded(server.port)) as door,
    ):
        await door.open("feed").get("http://news.test/")
    assert server.asked[0].headers["host"] == "news.test"
    tls = Recorded()
    async with door_to(known, tls) as door:
        with pytest.raises(Unreachable, match=r"TLS failed: .*certificate has expired"):
            await door.open("feed").get("https://news.test/")
    assert (tls.tls, tls.asked) == (["news.test"], [PUBLIC])  # a wrong certificate is final


async def test_the_next_address_is_tried_when_one_is_dead():
    first, second = "2606:4700::1111", PUBLIC
    async with serve(always(Reply(body=b"ok"))) as server:
        recorded = Recorded(server.port, dead=(first,))
        resolve = names({"news.test": [first, "2606:4700::2222", second]})
        async with door_to(resolve, recorded) as door:
            assert (await door.open("feed").get("http://news.test/")).body == b"ok"
    assert recorded.asked == [first, second]


async def test_a_name_that_does_not_resolve_is_tried_once():
    tried = []

    async def resolve(host: str, port: int) -> list[str]:
        tried.append(host)
        return await names({})(host, port)

    async with door_to(resolve) as door:
        with pytest.raises(Unreachable, match=r"nowhere.test: the name does not resolve"):
            await door.open("feed").get("http://nowhere.test/")
    assert tried == ["nowhere.test"]


async def test_an_allowed_private_server_answers_by_its_name():
    def handler(asked: Asked) -> Reply:
        return Reply(body=asked.headers["host"].encode())

    async with serve(handler) as server:
        resolve = names({"wiki.intranet.test": ["127.0.0.1"]})
        async with door_to(resolve, allow_private=True) as door:
            url = f"http://wiki.intranet.test:{server.port}/"
            answer = await door.open("feed").get(url)
    assert answer.body.decode() == f"wiki.intranet.test:{server.port}"


def test_the_two_kinds_of_address_do_not_compare():
    assert refusal(IPv4Address("1.1.1.1")) is None
    assert refusal(IPv6Address(int(IPv4Address("1.1.1.1")))) == "reserved"
