"""Whose texts may not be passed on."""

from __future__ import annotations

from monitor.collect.registry import collector, networks

__all__ = ["withheld_networks"]


def withheld_networks() -> list[str]:
    """Networks whose terms, as we read them, keep texts from being exported (ids may be)."""
    found = ((name, collector(name)) for name in networks())
    return [name for name, reader in found if reader and not reader.policy.export_text]
