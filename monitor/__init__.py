"""An event study of reactions to company announcements that says what it did not see.

>>> from monitor import Monitor
>>> with Monitor("config/monitor.toml") as m:  # doctest: +SKIP
...     m.series("anthropic-series-g", bucket="1h")

What stands here is public; the rest is private to its package:

- `Monitor`: a configuration and its data; every command calls one of its methods.
- `MonitorError`: the root of all errors. Below it `UsageError` (the call is wrong) with
  `ConfigError`, `SourceError` (a source could not be read), and `StoreError` (the database) with
  `StoreBusy`, `StoreDamaged`, `QueryError` and `QueryTimeout`. `monitor.errors` draws the tree.
- `__version__`: the installed version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.errors import (
    ConfigError,
    MonitorError,
    QueryError,
    QueryTimeout,
    SourceError,
    StoreBusy,
    StoreDamaged,
    StoreError,
    UsageError,
)

if TYPE_CHECKING:
    from monitor.api import Monitor

    __version__: str

__all__ = [
    "ConfigError",
    "Monitor",
    "MonitorError",
    "QueryError",
    "QueryTimeout",
    "SourceError",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "UsageError",
    "__version__",
]


def __getattr__(name: str) -> object:
    # What takes time to import is imported by whoever asks for it.
    if name == "Monitor":
        from monitor.api import Monitor

        return Monitor
    if name == "__version__":
        return _version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("monitor")
    except PackageNotFoundError:  # a bare checkout
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
