"""Which collector reads which network: ours, and what other packages add by entry point."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from monitor.collect.protocol import Collector

__all__ = ["KNOWN_NETWORKS", "collector", "networks"]

_OURS = {
    "bluesky": "monitor.collect.bluesky.collector:Bluesky",
    "feed": "monitor.collect.feed.collector:Feed",
    "hackernews": "monitor.collect.hackernews.collector:HackerNews",
    "mastodon": "monitor.collect.mastodon.collector:Mastodon",
    "wordpress": "monitor.collect.wordpress.collector:WordPress",
}

KNOWN_NETWORKS = (
    *_OURS,
    "discourse",
    "reddit",
    "x",
    "youtube",
)
"""Networks that a configuration may name; those without a collector are `unavailable`."""


@cache
def _added() -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points(group="monitor.collectors")}


def networks() -> tuple[str, ...]:
    """The names of all networks that a configuration may name, plug-ins included."""
    return tuple(sorted({*KNOWN_NETWORKS, *_added()}))


@cache
def collector(network: str) -> Collector | None:
    """The collector of `network`, or None where there is none (yet)."""
    where = _OURS.get(network) or _added().get(network)
    if where is None:
        return None
    module, _, name = where.partition(":")
    made = getattr(import_module(module), name)()
    if not isinstance(made, Collector):
        raise TypeError(f"{where} is no collector: it lacks network, policy or poll()")
    return made
