"""What a stand-in platform is: it answers questions about the world as it is at one moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Protocol

__all__ = ["Asked", "Platform", "Reply", "as_json", "document", "http_date"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One GET. `params` keep their order and may repeat; header names are in lower case."""

    host: str
    path: str
    params: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]

    def get(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        return next((value for key, value in reversed(self.params) if key == name), default)

    def all(self, name: str) -> list[str]:
        """Every value of a parameter."""
        return [value for key, value in self.params if key == name]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; the server adds `Date` and the length."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def unless_known(self, asked: Asked) -> Reply:
        """304 where the client has this already (RFC 9110: a tag goes before a date)."""
        tag, modified = self.header("etag"), self.header("last-modified")
        wanted = asked.headers.get("if-none-match")
        if wanted is not None:
            known = tag is not None and tag in {one.strip() for one in wanted.split(",")}
        else:
            known = modified is not None and asked.headers.get("if-modified-since") == modified
        return Reply(HTTPStatus.NOT_MODIFIED, self.headers, b"") if known else self


def document(
    body: bytes, kind: str, changed: datetime | None, asked: Asked,
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply:  # fmt: skip
    """An answer that a client need not fetch again: with a tag and the moment of its last change.

    One without content (`changed` is None) has neither.
    """
    headers = (*headers, ("Content-Type", kind))
    if changed is not None:
        tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        headers = (*headers, ("Last-Modified", http_date(changed)), ("ETag", f'"{tag}"'))
    return Reply(HTTPStatus.OK, headers, body).unless_known(asked)


class Platform(Protocol):
    """One kind of server."""

    @property
    def network(self) -> str:
        """The network for which it stands in."""
        ...

    @property
    def hosts(self) -> frozenset[str]:
        """The names under which it is reached."""
        ...

    def answer(self, asked: Asked, now: datetime) -> Reply:
        """The answer that the platform would give at that moment."""
        ...


def as_json(
    data: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = (),
    kind: str = "application/json; charset=utf-8",
) -> Reply:  # fmt: skip
    """An answer in JSON."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, (*headers, ("Content-Type", kind)), body)


def http_date(moment: datetime) -> str:
    """As HTTP and RSS write a moment."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)
