"""What the linear model looks at: words, pairs of words and letters' n-grams, as hashed features.

No vocabulary is kept: a feature is a bucket of a hash. The same code makes them for training and
for scoring, whole batches at a time, for a loop over n-grams in Python would take a millisecond a
post.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.enrich.sentiment.features import counted, features
from monitor.enrich.sentiment.lexicon import LANGUAGES, values_of
from monitor.enrich.sentiment.tokens import tokens
from monitor.enrich.sentiment.words import NEGATIONS

__all__ = ["BUCKETS", "DENSE", "Inputs", "inputs"]

BITS = 20
BUCKETS = 2 << BITS
"""Words and their pairs have the first half of the features, n-grams of letters the other."""
DENSE = 13

_SHORTEST, _LONGEST = 3, 5  # letters of an n-gram, the spaces around a word among them
_REACH = 3  # words after a negation that it turns
_TURNED = "\u00ac"
_ENDS = frozenset(".,;:!?")
_LINK = re.compile(r"https?:?\S*|www\.\S+", re.IGNORECASE)
_NAME = re.compile(r"[@\uff20]\w")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")

Hashes = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
_BASE = np.uint64(0x9E3779B97F4A7C15)
_SPACE = 32


@dataclass(frozen=True, slots=True)
class Inputs:
    """Features of a batch of n texts, text by text.

    Attributes:
        text, feature, value: one each a text and feature in it, shape (m,): the number of the text,
            that of the feature (below `BUCKETS`), and 1/√(features of its half in the text).
        dense: sums and counts, shape (n, `DENSE`).
    """

    text: Integers
    feature: Integers
    value: npt.NDArray[np.float32]
    dense: npt.NDArray[np.float32]


def inputs(texts: Sequence[str], language: str) -> Inputs:
    """The features of texts in a language, which says what words turn others, and their values."""
    said = [_plain(text) for text in texts]
    words = [tokens(text) for text in said]
    turned = [_turned(*one, language) for one in zip(said, words, strict=True)]
    pairs = [_letters(words), *_words(turned)]
    text = np.concatenate([text for text, _ in pairs])
    feature = np.concatenate([hashes >> np.uint64(64 - BITS) for _, hashes in pairs])
    feature[: len(pairs[0][1])] += np.uint64(1 << BITS)
    once = np.unique(text * BUCKETS + feature.astype(np.int64))
    text, feature = once // BUCKETS, once % BUCKETS
    half = text * 2 + (feature >> BITS)
    number = np.bincount(half, minlength=2 * len(texts))
    value = (1 / np.sqrt(number[half])).astype(np.float32)
    dense = [_dense(*one, language) for one in zip(said, words, strict=True)]
    return Inputs(text, feature, value, np.array(dense, np.float32).reshape(-1, DENSE))


def _plain(text: str) -> str:
    """Without what exports leave of other formats: entities, and escapes of JSON."""
    if "\\u" in text:
        text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return html.unescape(text) if "&" in text else text


def _turned(text: str, words: list[str], language: str) -> list[str]:
    """The words, with a mark on those that a negation turns, and words for links and names."""
    negations, found, since = NEGATIONS.get(language, frozenset()), [], _REACH
    for word in words:
        if not word[0].isalnum():
            found.append(word)
            if word[0] in _ENDS:
                since = _REACH
        elif word in negations:
            found.append(word)
            since = 0
        else:
            found.append(_TURNED + word if since < _REACH else word)
            since += 1
    if _LINK.search(text):
        found.append("_link")
    if _NAME.search(text):
        found.append("_name")
    return found


def _dense(text: str, words: list[str], language: str) -> tuple[float, ...]:
    """The lexicon's sums, how long and how loud it is, and whether it was cut off or passed on."""
    capitals = sum(map(str.isupper, text))
    values = values_of(language) if language in LANGUAGES else {}
    return (
        *features(counted(words, language, values)),
        math.log1p(capitals) / 5, math.log1p(len(text)) / 5,
        float("\u2026" in text or text.endswith("...")), float(text.startswith("RT")),
    )  # fmt: skip


def _letters(texts: list[list[str]]) -> tuple[Integers, Hashes]:
    """Hashes of the n-grams of each word, the spaces around it included."""
    lines = [f" {' '.join(words)} " for words in texts]
    points = _points("".join(lines))
    text = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    spaces = np.concatenate([[0], np.cumsum(points == _SPACE)])
    found = []
    for length in range(_SHORTEST, _LONGEST + 1):
        number = max(len(points) - length + 1, 0)
        hashes = np.zeros(number, np.uint64)
        for place in range(length):
            hashes = hashes * _BASE + points[place : place + number]
        # No space but at its ends; those between two texts are two in a row.
        whole = spaces[length - 1 : length - 1 + number] == spaces[1 : 1 + number]
        whole &= text[:number] == text[length - 1 :]
        found.append((text[:number][whole], _mixed(hashes[whole] + np.uint64(length))))
    return np.concatenate([t for t, _ in found]), np.concatenate([h for _, h in found])


def _words(texts: list[list[str]]) -> list[tuple[Integers, Hashes]]:
    """Hashes of words, and of pairs of words that follow each other."""
    words = [word for words in texts for word in words]
    if not words:
        return []
    text = np.repeat(np.arange(len(texts)), [len(words) for words in texts])
    lengths = np.array([len(word) for word in words])
    starts = np.cumsum(lengths) - lengths
    points = _points("".join(words))
    powers = np.cumprod(np.full(int(lengths.max()), _BASE))
    place = np.arange(len(points)) - np.repeat(starts, lengths)
    hashes = _mixed(np.add.reduceat((points + np.uint64(1)) * powers[place], starts))
    together = text[:-1] == text[1:]
    pairs = hashes[:-1] * np.uint64(3) + hashes[1:] * np.uint64(5)
    return [(text, hashes), (text[:-1][together], _mixed(pairs[together]))]


def _points(text: str) -> Hashes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)


def _mixed(hashes: Hashes) -> Hashes:
    """Every bit depends on every bit (the finaliser of MurmurHash3)."""
    shift = np.uint64(33)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        hashes = (hashes ^ (hashes >> shift)) * np.uint64(factor)
    return hashes ^ (hashes >> shift)
