"""From a guess to the language of a post: a weak one gives way to what stands around it."""

from __future__ import annotations

import re
from functools import lru_cache

from monitor.enrich.language.scripts import LATIN, script_of_language
from monitor.enrich.protocol import UNDETERMINED, Guess

__all__ = ["SURE", "is_weak", "resolve", "tagged"]

SURE = 0.7
"""A guess below this confidence is weak."""

_LETTERS = 20  # a text with fewer is too short to be sure of
_TAG = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]+)*", re.IGNORECASE)
_SHORT = {"cmn": "zh", "deu": "de", "eng": "en", "fra": "fr", "iw": "he", "in": "id", "spa": "es"}
_NONE = frozenset(("und", "mul", "zxx", "mis", "art", "qam", "qct", "qht", "qme", "qst"))


def is_weak(own: Guess) -> bool:
    """Do the network's tag and the parent's language go before this guess?"""
    return own.confidence < SURE or own.letters < _LETTERS


def resolve(
    own: Guess | None, tag: str | None, parent: str | None, among: frozenset[str] = frozenset()
) -> tuple[str | None, float | None]:
    """The language of a post, ISO 639-1, and its confidence, in [0, 1].

    A strong guess stands. Instead of a weak one stands what the network says, then the language of
    the post that it answers, if the text can be in it; whether that is right nobody measured, so
    it has no confidence. Where neither is known, the guess stands with its own low confidence.

    Args:
        own: what the text shows; None: there is no text.
        tag: the network's tag (BCP 47).
        parent: the language that the parent's own text or tag shows.
        among: of these languages it is one, says whoever described its event; empty: of all.

    >>> resolve(Guess("nl", 0.4, 6), "en-GB", "de")
    ('en', None)
    """
    if own is None:
        return None, None
    if own.language == UNDETERMINED or not is_weak(own):
        return own.language, own.confidence
    for other in (tagged(tag), parent):
        if other == own.language:
            break
        if other is not None and (not among or other in among) and _can_be(own, other):
            return other, None
    return own.language, own.confidence


def _can_be(own: Guess, other: str) -> bool:
    """Tags are often what a client was set to: Greek letters tagged English are Greek."""
    script = script_of_language(own.language)
    return other != UNDETERMINED and script in (LATIN, script_of_language(other))


@lru_cache(maxsize=1024)
def tagged(tag: str | None) -> str | None:
    """The language that a tag of BCP 47 names, ISO 639-1 where it has one; None if it names none.

    >>> tagged("pt-BR"), tagged("zxx"), tagged("x-klingon")
    ('pt', None, None)
    """
    match = _TAG.fullmatch(tag or "")
    if match is None or match[1].lower() in _NONE:
        return None
    return _SHORT.get(match[1].lower(), match[1].lower())
