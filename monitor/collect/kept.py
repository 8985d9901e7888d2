"""What a source answered to one poll, kept so that it can be read again by a mended parser.

Kept are the answers as the collector got them: bodies, statuses, and headers without cookies.
Addresses are kept without what may be secret in them; what was sent is not kept at all.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from monitor.collect.http.url import redact, with_params
from monitor.collect.protocol import Answer, Http
from monitor.errors import SourceError, Unreachable

__all__ = ["Kept", "Recorder", "Replay"]

_LARGEST = 32 * 1024 * 1024
"""Bytes of one poll beyond which nothing of it is kept."""
_DROPPED = frozenset({"set-cookie", "set-cookie2"})


class _Exchange(msgspec.Struct, array_like=True):
    """One answer, or why there was none (`failed`)."""

    asked: str
    url: str = ""
    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    unchanged: bool = False
    moved_to: str | None = None
    failed: str | None = None


class Kept(msgspec.Struct, array_like=True):
    """A poll's answers, in their order, and the state that its collector began with."""

    state: dict[str, Any]
    exchanges: list[_Exchange]

    def pack(self) -> bytes:
        """For the store."""
        return zlib.compress(msgspec.msgpack.encode(self), 6)

    @classmethod
    def unpack(cls, packed: bytes) -> Kept:
        """What `pack` made."""
        return msgspec.msgpack.decode(zlib.decompress(packed), type=cls)


@dataclass(slots=True)
class Recorder:
    """An `Http` that remembers what it hands out.

    `never`: an answer that holds one of these marks is not kept, nor anything else of its poll.
    """

    http: Http
    never: Iterable[bytes] = ()
    _exchanges: list[_Exchange] = field(default_factory=list)
    _bytes: int = 0
    _is_private: bool = False

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        conditional: bool = False,
        robots: bool = False,
    ) -> Answer:
        """As `Http.get`."""
        asked = _key(url, params)
        try:
            answer = await self.http.get(
                url, params=params, headers=headers, conditional=conditional, robots=robots
            )
        except SourceError as error:
            self._exchanges.append(_Exchange(asked, failed=str(error)))
            raise
        self._bytes += len(answer.body)
        self._is_private = self._is_private or any(mark in answer.body for mark in self.never)
        if self._bytes <= _LARGEST and not self._is_private:
            named = {k: v for k, v in answer.headers.items() if k not in _DROPPED}
            self._exchanges.append(
                _Exchange(
                    asked, answer.url, answer.status, named, answer.body, answer.unchanged,
                    answer.moved_to,
                )
            )  # fmt: skip
        return answer

    def kept(self, state: dict[str, Any]) -> Kept | None:
        """What can be kept of the poll; None if nothing came, or it must not be."""
        if self._is_private or self._bytes > _LARGEST or not self._bytes:
            return None
        return Kept(state, self._exchanges)


class Replay:
    """An `Http` that answers as a kept poll was answered."""

    def __init__(self, kept: Kept) -> None:
        self._left = list(kept.exchanges)

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 - as `Http` has it
        conditional: bool = False,  # noqa: ARG002
        robots: bool = False,  # noqa: ARG002
    ) -> Answer:
        """The answer that was given to the same question.

        Raises:
            Unreachable: there was none, or the question was not asked then.
        """
        asked = _key(url, params)
        found = next((one for one in self._left if one.asked == asked), None)
        if found is None:
            raise Unreachable(f"{asked}: was not asked then", url=asked)
        self._left.remove(found)
        if found.failed is not None:
            raise Unreachable(found.failed, url=asked)
        return Answer(
            url=found.url, status=found.status, headers=found.headers, body=found.body,
            unchanged=found.unchanged, moved_to=found.moved_to,
        )  # fmt: skip


def _key(url: str, params: Mapping[str, str | int | list[str]] | None) -> str:
    return redact(with_params(url, params))
