"""Which sources of a configuration can be polled, and why the others can't."""

from __future__ import annotations

from monitor.collect.derive import derive
from monitor.collect.registry import collector, networks
from monitor.config import Config
from monitor.types import Source

__all__ = ["pollable", "why_not"]


def why_not(config: Config, source: Source) -> str | None:
    """The reason why a source can't be polled; None: it can."""
    if not config.is_on(source.network):
        return f"{source.network} is switched off"
    return None if collector(source.network) else f"no collector reads {source.network} yet"


def pollable(config: Config) -> list[tuple[Source, str | None]]:
    """The configuration's sources, each with the reason why it can't be polled."""
    return [(source, why_not(config, source)) for source in derive(config, networks=networks())]
