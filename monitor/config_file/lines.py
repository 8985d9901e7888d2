"""On which line of a TOML file a key stands, which `tomllib` does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress

__all__ = ["Path", "key_lines", "nearest"]

Path = tuple[str | int, ...]
"""Where a value stands: `("company", 0, "aliases", 1)`."""

_SKIP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = re.compile(r"[ \t]*([A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')[ \t]*(\.?)")
_STRING = re.compile(
    r"\"\"\"(?:[^\\]|\\.)*?\"\"\"\"{0,2}|'''.*?''''{0,2}|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}\n#]+")


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and list entry of a document that `tomllib` accepts.

    Of any other document: of those before the place where it goes wrong.
    """
    scanner = _Scanner(text)
    with suppress(ValueError, IndexError, RecursionError):
        scanner.scan()
    return scanner.lines


def nearest(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of `path`, or of the innermost thing around it that has one."""
    for length in range(len(path), 0, -1):
        if (line := lines.get(path[:length])) is not None:
            return line
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self.lines: dict[Path, int] = {}
        self._sizes: dict[Path, int] = {}  # how many entries an array of tables has so far

    def scan(self) -> None:
        table: Path = ()
        self._skip()
        while self._at < len(self._text):
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text[self._at] == "[":
                table = self._header(1)
            else:
                self._pair(table)
            self._skip()

    def _skip(self) -> None:
        self._to(_SKIP)

    def _to(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"{pattern.pattern!r} does not match at {self._at}")
        self._at = match.end()
        return match

    def _mark(self, path: Path) -> None:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        self.lines.setdefault(path, self._line)

    def _header(self, brackets: int) -> Path:
        self._at += brackets
        keys = self._keys()
        path: Path = ()
        for n, key in enumerate(keys, 1):
            path = (*path, key)
            if brackets == 2 and n == len(keys):  # noqa: PLR2004 - [[an array of tables]]
                self._sizes[path] = self._sizes.get(path, 0) + 1
                self._mark(path)
            if path in self._sizes:
                path = (*path, self._sizes[path] - 1)
            self._mark(path)
        self._at = self._text.index("]" * brackets, self._at) + brackets
        return path

    def _keys(self) -> list[str]:
        keys = []
        while True:
            match = self._to(_KEY_PART)
            keys.append(_unquoted(match[1]))
            if not match[2]:
                return keys

    def _pair(self, table: Path) -> None:
        path = table
        start = self._at
        keys = self._keys()
        end, self._at = self._at, start
        for key in keys:
            path = (*path, key)
            self._mark(path)
        self._at = self._text.index("=", end) + 1
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip()
        match self._text[self._at]:
            case "[":
                self._array(path)
            case "{":
                self._inline(path)
            case '"' | "'":
                self._to(_STRING)
            case _:
                self._to(_BARE)

    def _array(self, path: Path) -> None:
        self._at += 1
        self._skip()
        index = 0
        while self._text[self._at] != "]":
            self._mark((*path, index))
            self._value((*path, index))
            self._next()
            index += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        self._skip()
        while self._text[self._at] != "}":
            self._pair(path)
            self._next()
        self._at += 1

    def _next(self) -> None:
        """Go on to the next entry, or to the bracket that closes."""
        self._skip()
        if self._text[self._at] == ",":
            self._at += 1
            self._skip()


def _unquoted(key: str) -> str:
    if key[0] not in "\"'":
        return key
    value: str = tomllib.loads(f"v = {key}")["v"]
    return value
