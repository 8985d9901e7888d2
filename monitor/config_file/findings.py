"""What is wrong with a configuration, gathered until all of it is known."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from monitor.config_file.lines import Path, nearest
from monitor.errors import ConfigError

__all__ = ["Findings", "dotted"]

_BARE_KEY = re.compile(r"[\w-]{1,80}", re.ASCII)
_MAX_KEY = 80


def dotted(path: Path) -> str:
    """A path as people write it: `company[0].aliases[1]`."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{_key(key)}" for key in path]
    return "".join(parts).removeprefix(".")


def _key(key: str) -> str:
    if _BARE_KEY.fullmatch(key):
        return key
    short = key if len(key) <= _MAX_KEY else key[:_MAX_KEY] + "…"
    return json.dumps(short, ensure_ascii=not short.isprintable())


class Findings:
    """Problems of the file `source`, whose keys stand on `lines`, and of what overrides it."""

    def __init__(self, source: str, lines: Mapping[Path, int]) -> None:
        self._source = source
        self._lines = lines
        self._found: list[tuple[int, str]] = []

    def report(self, path: Path, message: str) -> None:
        """Something is wrong in the file at `path`."""
        line = nearest(self._lines, path)
        where = f"{self._source}:{line}" if line else self._source
        self._found.append((line or 0, f"{where}: {dotted(path)}: {message}"))

    def report_variable(self, name: str, message: str) -> None:
        """Something is wrong with a variable of the environment."""
        self._found.append((0, f"{name}: {message}"))

    def raise_if_any(self) -> None:
        """
        Raises:
            ConfigError: with all problems, in the order of the file.
        """
        if self._found:
            in_order = sorted(self._found, key=lambda found: found[0])
            raise ConfigError([problem for _, problem in in_order])
