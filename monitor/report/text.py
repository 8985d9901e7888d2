"""Text for terminals: hostile characters made visible, widths as cells, shortening."""

from __future__ import annotations

import unicodedata

__all__ = ["cells", "shorten", "visible"]

# Turns the direction of what follows it, or hides it.
_INVISIBLE = frozenset(
    [
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0x061C,
        0xFEFF,
        *range(0xFFF9, 0xFFFC),
    ]
)
_JOINER = 0x200D  # holds emoji together


def visible(text: str) -> str:
    """`text` on one line and without anything that a terminal would obey.

    Line breaks and tabs become spaces, other control and direction characters U+FFFD.

    >>> visible("a\\tb\\nc")
    'a b c'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\r\t\u2028\u2029":
        return " "
    code = ord(character)
    if code == _JOINER:
        return character
    unsafe = code in _INVISIBLE or unicodedata.category(character) in ("Cc", "Cs")
    return "\N{REPLACEMENT CHARACTER}" if unsafe else character


def cells(text: str) -> int:
    """How many cells of a terminal `text` takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, width: int) -> str:
    """`text` in at most `width` cells, an ellipsis where something was cut off."""
    if cells(text) <= width:
        return text
    used, kept = 1, []
    for character in text:
        used += _cells(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + "…"
