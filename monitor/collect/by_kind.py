"""One reader a kind of source: what most collectors are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from monitor.collect.protocol import Ask
from monitor.errors import SourceError
from monitor.types import Harvest, SourceKind

__all__ = ["Readers", "read_by_kind"]

Readers = Mapping[SourceKind, Callable[[Ask, Harvest], Awaitable[None]]]


async def read_by_kind(network: str, readers: Readers, ask: Ask, harvest: Harvest) -> None:
    """Let the reader of the source's kind fill `harvest`.

    Raises:
        SourceError: the network has no such kind of source, or what the reader raises.
    """
    reader = readers.get(ask.source.kind)
    if reader is None:
        raise SourceError(
            f"{ask.source.source_id}: {network} can't read kind {ask.source.kind}; "
            f"it reads {', '.join(sorted(readers))}"
        )
    await reader(ask, harvest)
