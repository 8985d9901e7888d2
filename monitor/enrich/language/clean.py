"""What of a post is language: without mentions, links, tags that are names, and emoji."""

from __future__ import annotations

import re

__all__ = ["cleaned", "letters"]

_LONGEST = 10_000
"""Characters that are looked at: more of the same text tells no more."""

_DROPPED = re.compile(
    r"https?:\S*|www\.\S+|\bhttps?\b|[@\uff20][\w.]+|^RT\b|(?<=\s)RT(?=\s)", re.IGNORECASE
)
_TAG = re.compile(r"[#\uff03](\w+)")
_IS_A_NAME = re.compile(r"[^\W\d_][a-z]+[A-Z]|[A-Z]{2,}[a-z]")  # CamelCase runs words together
_SPACE = re.compile(r"[\d_]+")


def cleaned(text: str) -> str:
    """The words of `text` in their own case, words in capitals in small letters.

    >>> cleaned("RT @ann: LOOK at #SeriesG and #funding https://example.org/1")
    'look at and funding'
    """
    text = _DROPPED.sub(" ", text[:_LONGEST])
    text = _TAG.sub(lambda tag: " " if _IS_A_NAME.search(tag[1]) else f" {tag[1]} ", text)
    words = _SPACE.sub(" ", text).split()
    shown = (word.strip("…") for word in words)
    return " ".join(_lowered(word) for word in shown if any(map(str.isalpha, word)))


def _lowered(word: str) -> str:
    return word.lower() if len(word) > 1 and word.isupper() else word


def letters(text: str) -> int:
    """How many letters `text` has, of any script."""
    return sum(map(str.isalpha, text))
