"""The default engine: log probabilities over langdetect's own profiles, without its sampling.

langdetect draws random samples of a text's n-grams, so that one text may have two answers. Summing
the logarithms of all of them has one, is more often right on short texts, and is faster.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files

from langdetect.utils.ngram import NGram

from monitor.enrich.language.clean import cleaned, letters
from monitor.enrich.language.scripts import LATIN, main_script, of_script
from monitor.enrich.protocol import UNDETERMINED, Guess

__all__ = ["LANGUAGES", "ProfileDetector"]

LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "pt", "tr")
"""Languages in Latin script that are told apart; others are taken for the nearest of these."""

_N = 3
_FLOOR = 0.5 / 10_000  # langdetect's smoothing: ALPHA_DEFAULT / BASE_FREQ
_TEMPERATURE = 6.0
"""N-grams overlap, so their product is too sure of itself: logarithms are divided by this.

Chosen on training texts so that a confidence of .9 is right in 99 of 100 (benchmarks/language.py).
"""

_CACHED = 20_000
_ANY: frozenset[str] = frozenset()

Scores = tuple[float, ...]


class ProfileDetector:
    """Tells 15 languages apart, and those whose script is theirs alone. Keeps what it answered."""

    name = "langdetect"
    version = "1"

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, frozenset[str]], Guess] = OrderedDict()

    def guess(self, texts: Sequence[str], among: Sequence[frozenset[str]] = ()) -> list[Guess]:
        """One guess a text; the same text has the same answer, always."""
        limits = among or [_ANY] * len(texts)
        return [self._guess(cleaned(text), one) for text, one in zip(texts, limits, strict=True)]

    def _guess(self, text: str, among: frozenset[str]) -> Guess:
        known = self._known.get((text, among))
        if known is not None:
            return known
        guess = self._known[text, among] = _guessed(text, among)
        if len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return guess


def _guessed(text: str, among: frozenset[str]) -> Guess:
    found = main_script(text)
    if found is None:
        return Guess(UNDETERMINED, 0.0, 0)
    script, share = found
    count = letters(text)
    if script != LATIN:
        return Guess(of_script(script, text), share, count)
    scores = _scores(text)
    possible = [n for n, one in enumerate(LANGUAGES) if one in among] or range(len(LANGUAGES))
    if scores is None:
        english = 1 if 1 in possible else possible[0]
        return Guess(LANGUAGES[english], 1 / len(possible), count)
    best = max(possible, key=scores.__getitem__)
    total = math.fsum(math.exp((scores[n] - scores[best]) / _TEMPERATURE) for n in possible)
    return Guess(LANGUAGES[best], share / total, count)


def _scores(text: str) -> Scores | None:
    """The log likelihood of `text` in each of `LANGUAGES`; None if no n-gram is known."""
    plain = "".join(map(_normal, NGram.normalize_vi(text)))
    rows = [row for row in map(_of_word, plain.split()) if row]
    return tuple(map(math.fsum, zip(*rows, strict=True))) if rows else None


_normal = lru_cache(maxsize=1 << 14)(NGram.normalize)  # as the profiles were made


@lru_cache(maxsize=1 << 15)
def _of_word(word: str) -> Scores | None:
    profiles = _profiles()
    padded = f" {word} "
    grams = (padded[end - n : end] for end in range(2, len(padded) + 1) for n in range(1, _N + 1))
    rows = [row for gram in grams if gram != " " and (row := profiles.get(gram))]
    return tuple(map(math.fsum, zip(*rows, strict=True))) if rows else None


@cache
def _profiles() -> dict[str, Scores]:
    """N-gram → log of its share among the n-grams of that length, for each of `LANGUAGES`."""
    shares: dict[str, list[float]] = {}
    for at, language in enumerate(LANGUAGES):
        profile = json.loads(files("langdetect").joinpath("profiles", language).read_text("utf8"))
        for gram, count in profile["freq"].items():
            if len(gram) <= _N:
                row = shares.setdefault(gram, [0.0] * len(LANGUAGES))
                row[at] = count / profile["n_words"][len(gram) - 1]
    return {gram: tuple(math.log(_FLOOR + p) for p in row) for gram, row in shares.items()}
