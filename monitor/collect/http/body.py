"""Reading a body within limits: never more memory than the limit, whatever it unpacks to."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

import brotli

from monitor.collect.http.types import BEGINNING, Limits, Meter
from monitor.errors import BadAnswer, TooLarge, Unreachable

__all__ = ["Body", "decoders"]

STEP = 64 * 1024
MAX_ENCODINGS = 3
MAX_MEMBERS = 1000
_GZIP = 0x1F  # a member's first byte, RFC 1952
_DEFLATE = 8  # the method in zlib's first byte, RFC 1950


class Decoder(Protocol):
    """Unpacks one content encoding in pieces of about `STEP` bytes."""

    @property
    def finished(self) -> bool:
        """Whether the data so far is a whole."""
        ...

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` unpacks to.

        Raises:
            ValueError: it is not of this encoding.
        """
        ...


class _Zlib:
    """gzip (several members too), zlib, and the raw deflate that some servers call so."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._members = 0
        self._unpack: zlib._Decompress | None = None

    @property
    def finished(self) -> bool:
        return self._unpack is None or self._unpack.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        while data or len(piece) >= STEP:
            if self._unpack is None or self._unpack.eof:
                if not self._next_member(data):
                    return
                piece = b""
            unpack = self._unpack
            assert unpack is not None  # noqa: S101  # for the type checker
            try:
                piece = unpack.decompress(data, STEP)
            except zlib.error as error:
                raise ValueError(str(error)) from error
            data = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
            if piece:
                yield piece

    def _next_member(self, data: bytes) -> bool:
        """Begin a (further) member; what follows the last one is padding."""
        if not data or (self._members and not (self._gzip and data[0] == _GZIP)):
            return False
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise ValueError(f"more than {MAX_MEMBERS} gzip members")
        self._unpack = zlib.decompressobj(31 if self._gzip else _window(data[0]))
        return True


def _window(first: int) -> int:
    """The `wbits` of a deflate stream by its first byte: with zlib's header, or raw."""
    return 15 if first & 0x0F == _DEFLATE else -15


class _Brotli:
    def __init__(self) -> None:
        self._unpack = brotli.Decompressor()
        self._begun = False

    @property
    def finished(self) -> bool:
        return not self._begun or bool(self._unpack.is_finished())

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        while not self._unpack.is_finished():
            try:
                piece = self._unpack.process(data, output_buffer_limit=STEP)
            except brotli.error as error:
                raise ValueError(str(error)) from error
            data = b""
            if piece:
                yield piece
            elif self._unpack.can_accept_more_data():
                return


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib(gzip=True),
    "x-gzip": lambda: _Zlib(gzip=True),
    "deflate": lambda: _Zlib(gzip=False),
    "br": _Brotli,
}


def decoders(encoding: str) -> list[Decoder]:
    """Decoders for a Content-Encoding header, in the order in which they are to be applied.

    Raises:
        ValueError: an encoding that we don't know (and did not ask for), or too many.
    """
    names = [name.strip().lower() for name in encoding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > MAX_ENCODINGS:
        raise ValueError(f"{len(names)} content encodings")
    unknown = [name for name in names if name not in _DECODERS]
    if unknown:
        raise ValueError(f"unknown content encoding {unknown[0][:40]!r}")
    return [_DECODERS[name]() for name in reversed(names)]


class Body:
    """The body of one answer, read within `limits`; `url` is how messages name it.

    With `beginning`, reading stops quietly after so many decoded bytes. With `forgiving`, a body
    that is cut off or does not decode is no error: what came tells what the status is about.
    """

    def __init__(
        self,
        url: str,
        encoding: str,
        limits: Limits,
        meter: Meter,
        *,
        beginning: int | None = None,
        forgiving: bool = False,
    ) -> None:
        self._url = url
        self._limits = limits
        self._meter = meter
        self._beginning = beginning
        self._forgiving = forgiving
        self._wire = 0
        self._decoded = bytearray()
        self._decoders: list[Decoder] = []
        try:
            self._decoders = decoders(encoding)
        except ValueError as error:
            if not forgiving:
                raise BadAnswer(f"{url}: {error}, which was not asked for", url=url) from error
        self._sizes = [0] * len(self._decoders)

    @property
    def wire(self) -> int:
        """Bytes that came over the wire so far."""
        return self._wire

    async def read(self, chunks: AsyncIterator[bytes]) -> bytes:
        """All of `chunks`, decoded.

        Raises:
            TooLarge: a limit was passed; nothing more was read or unpacked.
            BadAnswer: the body does not fit its content encoding.
            Unreachable: the compressed body ends too early.
        """
        async for chunk in chunks:
            self._count(chunk)
            if not self._take(chunk):
                return self.beginning()
        if not self._forgiving and not all(decoder.finished for decoder in self._decoders):
            raise Unreachable(self.cut_off(), url=self._url)
        return self.beginning()

    def beginning(self) -> bytes:
        """What was read so far, at most as much as was asked for."""
        return bytes(self._decoded[: self._beginning])

    def cut_off(self) -> str:
        """The message for an answer that ended too early."""
        return f"{self._url}: the answer was cut off after {self._wire} bytes"

    def _count(self, chunk: bytes) -> None:
        self._wire += len(chunk)
        self._meter.bytes += len(chunk)
        if self._beginning is None and self._wire > self._limits.body_bytes:
            raise TooLarge(
                f"{self._url}: the answer is larger than {self._limits.body_bytes} bytes; "
                "it was not read on",
                url=self._url,
            )

    def _take(self, chunk: bytes) -> bool:
        """Decode `chunk`; False where enough was read."""
        try:
            for piece in self._unpack(chunk, 0):
                self._decoded += piece
                if self._beginning is not None and len(self._decoded) >= self._beginning:
                    return False
        except (ValueError, TooLarge) as error:
            if self._forgiving:
                return False
            if isinstance(error, TooLarge):
                raise
            raise BadAnswer(
                f"{self._url}: the body does not fit its content encoding ({error})",
                url=self._url,
                payload=bytes(self._decoded[:BEGINNING]),
            ) from error
        # What unpacks to nothing would otherwise be read without end.
        return self._beginning is None or self._wire < 16 * self._beginning

    def _unpack(self, data: bytes, stage: int) -> Iterator[bytes]:
        """`data` through the decoders from `stage` on; what each gives counts against the limit."""
        if stage == len(self._decoders):
            yield data
            return
        for piece in self._decoders[stage].feed(data):
            self._sizes[stage] += len(piece)
            if self._sizes[stage] > self._limits.decoded_bytes:
                raise TooLarge(
                    f"{self._url}: the answer unpacks to more than {self._limits.decoded_bytes} "
                    "bytes; it was not unpacked further",
                    url=self._url,
                )
            yield from self._unpack(piece, stage + 1)
