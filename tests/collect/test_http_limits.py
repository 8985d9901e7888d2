"""What a hostile or broken server can't do to us: size, bombs, truncation, time."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
import zlib
from collections.abc import Iterator
from functools import cache

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.collect.http.body import Body, decoders
from monitor.collect.http.door import Door, Limits, Retries
from monitor.collect.http.types import Meter
from monitor.errors import BadAnswer, HttpError, TooLarge, Unreachable
from tests.collect.server import Reply, always, serve

ONCE = Retries(attempts=1)
MEBIBYTE = 2**20
TEXT = b"".join(b"line %d\n" % n for n in range(50_000))


def open_door(**limits) -> Door:
    return Door(allow_private_addresses=True, retries=ONCE, limits=Limits(**limits))


@cache
def zeros(encoding: str) -> bytes:
    """A hundred MiB of zeros."""
    if encoding == "br":
        brotler = brotli.Compressor(quality=5)
        parts = [brotler.process(bytes(MEBIBYTE)) for _ in range(100)]
        return b"".join(parts) + brotler.finish()
    zipper = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    return b"".join(zipper.compress(bytes(MEBIBYTE)) for _ in range(100)) + zipper.flush()


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


ENCODED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "DEFLATE ": raw_deflate(TEXT),
    "br": brotli.compress(TEXT),
    "gzip, br": brotli.compress(gzip.compress(TEXT)),
    "identity": TEXT,
    "": TEXT,
}


@pytest.mark.parametrize("encoding", ENCODED)
async def test_encoded_answers_are_decoded(encoding):
    reply = Reply(body=ENCODED[encoding], headers={"Content-Encoding": encoding})
    async with serve(always(reply)) as server, open_door() as door:
        poll = door.open("feed")
        assert (await poll.get(server.url)).body == TEXT
    assert poll.bytes == len(ENCODED[encoding])


@given(
    st.lists(st.binary(max_size=300_000), min_size=1, max_size=3),
    st.sampled_from(["gzip", "deflate", "br"]),
    st.integers(1, 5000),
)
def test_decoding_does_not_depend_on_how_the_bytes_arrive(texts, encoding, size):
    text = b"".join(texts)
    if encoding == "gzip":
        packed = b"".join(gzip.compress(text) for text in texts) + b"\0" * 7
    else:
        packed = {"deflate": zlib.compress, "br": brotli.compress}[encoding](text)
    [decoder] = decoders(encoding)
    chunks = (packed[at : at + size] for at in range(0, len(packed), size))
    pieces = [piece for chunk in chunks for piece in decoder.feed(chunk)]
    assert b"".join(pieces) == text
    assert decoder.finished
    assert all(len(piece) < 200_000 for piece in pieces)


def bomb(encoding: str) -> bytes:
    inner, _, outer = encoding.partition(", ")
    return gzip.compress(zeros(inner)) if outer else zeros(inner)


async def error_and_peak(reply: Reply, kind: type[Exception]) -> tuple[Exception, int]:
    """The error that the door raises for `reply`, and the bytes it needed at most."""
    async with serve(always(reply)) as server, open_door(decoded_bytes=MEBIBYTE) as door:
        poll = door.open("feed")
        tracemalloc.start()
        try:
            with pytest.raises(kind) as caught:
                await poll.get(server.url)
            return caught.value, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "br, gzip"])
async def test_a_bomb_is_stopped_in_little_memory(encoding):
    reply = Reply(body=bomb(encoding), headers={"Content-Encoding": encoding})
    error, peak = await error_and_peak(reply, TooLarge)
    assert "unpacks to more than 1048576 bytes" in str(error)
    assert peak < 8 * MEBIBYTE


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
async def test_a_bomb_in_an_error_page_costs_its_beginning_only(encoding):
    reply = Reply(418, bomb(encoding), {"Content-Encoding": encoding})
    error, peak = await error_and_peak(reply, HttpError)
    assert error.body == bytes(65536)
    assert peak < 8 * MEBIBYTE


async def test_ten_thousand_empty_gzip_members_are_refused():
    reply = Reply(body=gzip.compress(b"") * 10_000, headers={"Content-Encoding": "gzip"})
    async with serve(always(reply)) as server, open_door() as door:
        with pytest.raises(BadAnswer, match=r"more than 1000 gzip members"):
            await door.open("feed").get(server.url)


async def test_an_answer_without_end_is_read_to_the_limit_only():
    sent = itertools.count()

    def endless() -> Iterator[bytes]:
        while True:
            next(sent)
            yield b"x" * 65536

    reply = Reply(body=endless(), chunked=True)
    async with serve(always(reply)) as server, open_door(body_bytes=MEBIBYTE) as door:
        poll = door.open("feed")
        with pytest.raises(TooLarge, match=r"larger than 1048576 bytes"):
            await poll.get(server.url)
    assert poll.bytes <= MEBIBYTE + 65536
    assert next(sent) < 1000


async def test_an_announced_size_over_the_limit_is_not_read_at_all():
    reply = Reply(body=b"x", length=10**15, cut=True)
    async with serve(always(reply)) as server, open_door() as door:
        poll = door.open("feed")
        with pytest.raises(TooLarge, match=r"announces 1000000000000000 bytes"):
            await poll.get(server.url)
    assert poll.bytes == 0


async def test_headers_without_end_are_an_error():
    reply = Reply(headers={"X-Long": "x" * 300_000})
    async with serve(always(reply)) as server, open_door() as door:
        with pytest.raises(Unreachable, match=r"no valid HTTP"):
            await door.open("feed").get(server.url)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"x" * 1000, length=5000, cut=True),
        Reply(body=[b"x" * 1000], chunked=True, cut=True),
        Reply(body=gzip.compress(TEXT)[:1000], headers={"Content-Encoding": "gzip"}),
        Reply(body=zlib.compress(TEXT)[:1000], headers={"Content-Encoding": "deflate"}),
        Reply(body=brotli.compress(TEXT)[:1000], headers={"Content-Encoding": "br"}),
    ],
    ids=["length", "chunked", "gzip", "deflate", "br"],
)
async def test_an_answer_that_ends_too_early_is_no_answer(reply):
    async with serve(always(reply)) as server, open_door() as door:
        with pytest.raises(Unreachable, match=r"cut off after 1000 bytes"):
            await door.open("feed").get(server.url)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip, gzip, gzip"])
async def test_a_body_that_does_not_fit_its_encoding_is_a_bad_answer(encoding):
    reply = Reply(body=b"<rss>plain</rss>", headers={"Content-Encoding": encoding})
    async with serve(always(reply)) as server, open_door() as door:
        with pytest.raises(BadAnswer):
            await door.open("feed").get(server.url)


async def test_an_empty_body_needs_no_encoding():
    reply = Reply(headers={"Content-Encoding": "gzip"})
    async with serve(always(reply)) as server, open_door() as door:
        assert (await door.open("feed").get(server.url)).body == b""


async def test_a_dripping_answer_ends_at_the_total_limit():
    reply = Reply(body=[b"x"] * 1000, length=1000, pause=0.02)
    limits = {"read_seconds": 5, "total_seconds": 0.2}
    async with serve(always(reply)) as server, open_door(**limits) as door:
        poll = door.open("feed")
        with pytest.raises(Unreachable, match=r"no complete answer within 0.2 s"):
            await poll.get(server.url)
    assert 0 < poll.bytes < 1000


async def test_a_silent_server_ends_at_the_read_limit():
    reply = Reply(body=[b"x"] * 2, length=2, pause=5)
    async with serve(always(reply)) as server, open_door(read_seconds=0.1) as door:
        with pytest.raises(Unreachable, match=r"nothing came for 0.1 s"):
            await door.open("feed").get(server.url)


async def test_the_door_is_usable_after_a_failure():
    replies = [Reply(body=[b"x"] * 1000, length=1000, pause=0.02), Reply(body=b"ok")]
    async with (
        serve(lambda _: replies.pop(0)) as server,
        open_door(total_seconds=0.1) as door,
    ):
        poll = door.open("feed")
        with pytest.raises(Unreachable):
            await poll.get(server.url)
        assert (await poll.get(server.url)).body == b"ok"


@given(st.binary(max_size=2000), st.sampled_from(["gzip", "deflate", "br", "br, gzip"]))
async def test_no_bytes_break_the_decoders(data, encoding):
    async def chunks():
        yield data

    body = Body("u", encoding, Limits(), Meter())
    try:
        await body.read(chunks())
    except (BadAnswer, Unreachable) as error:
        assert str(error).isprintable()  # noqa: PT017  # most bytes fail, some do not
