"""What a collector is, and what it is given. Adding a network means one file that fits here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from monitor.errors import BadAnswer
from monitor.types import Harvest, Known, Policy, Source

__all__ = ["Answer", "Ask", "Collector", "Http", "Memory"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with a success status, read to its end and within all limits.

    `body` is decompressed. `url` is where it came from after redirects; `moved_to` is set when
    every redirect on the way was permanent (301, 308). `unchanged`: 304, or the same bytes as the
    last time this address was asked conditionally (then `body` is empty for a 304).
    Header names are lower-case; a header that came several times is joined by ", ".
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    unchanged: bool = False
    moved_to: str | None = None

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            BadAnswer: it is none (HTML for JSON, a truncated body, an error page with status 200).
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "no content type")
            raise BadAnswer(
                f"{self.url}: expected JSON, got {kind} ({error}); the answer is kept",
                url=self.url,
                payload=self.body,
            ) from error


class Http(Protocol):
    """The one door to the network. One instance serves one poll."""

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        conditional: bool = False,
        robots: bool = False,
    ) -> Answer:
        """Fetch `url`.

        With `conditional`, the validators kept from the last such call for the same address are
        sent, and the new ones are remembered if the poll succeeds. With `robots`, robots.txt is
        asked first (for pages that we read as pages; never for feeds and APIs).

        Raises:
            SourceError: every failure, as one of its subclasses.
        """
        ...


class Memory(Protocol):
    """What the store knows, as far as a collector needs it."""

    def seen(self, post_ids: Iterable[str]) -> set[str]:
        """Which of these posts this source has shown before."""
        ...

    def live(self) -> Mapping[str, Known]:
        """The posts that this source has shown and that are believed to be served still."""
        ...


@dataclass(slots=True)
class Ask:
    """One poll's order: what to read, through which door, at what time, with what memory."""

    source: Source
    http: Http
    memory: Memory
    now: datetime
    base_url: str | None = None  # the configured override of the network's own address
    state: dict[str, Any] = field(default_factory=dict)  # `Harvest.state` of the last good poll


@runtime_checkable
class Collector(Protocol):
    """Reads one network. Instances hold no state between polls."""

    network: str
    policy: Policy

    async def poll(self, ask: Ask, harvest: Harvest) -> None:
        """Read `ask.source` and fill `harvest`.

        Raises:
            SourceError: the source could not be read (to its end); what `harvest` holds is kept.
        """
        ...
