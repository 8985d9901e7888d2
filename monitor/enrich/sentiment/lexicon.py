"""The default model: a lexicon in 13 languages, negations, signs, and calibrated probabilities."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from operator import mul

from monitor.enrich.protocol import UNDETERMINED, Mood
from monitor.enrich.sentiment.features import Counted, counted, features
from monitor.enrich.sentiment.tokens import tokens, word_form

__all__ = ["CLASSES", "LANGUAGES", "Lexicon", "values_of"]

CLASSES = ("positive", "neutral", "negative")
LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "it", "nl", "pl", "pt", "ru", "tr", "uk")
"""Languages with a word list. Quality was measured in the first eight but for `nl`, `pl`."""

_NO_WORDS: Mapping[str, int] = {}


class Lexicon:
    """Counts words and signs of known value; a multinomial logit makes probabilities of them."""

    name = "lexicon"
    version = "1"

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Mood | None]:
        """One mood a text; None in other languages.

        A text without a letter has a mood where it has signs: they are the same in all languages.
        """
        return [_mood(text, lang) for text, lang in zip(texts, languages, strict=True)]


def _mood(text: str, language: str | None) -> Mood | None:
    if language in LANGUAGES:
        return _of(counted(tokens(text), language, values_of(language)))
    if language == UNDETERMINED:
        found = counted(tokens(text), UNDETERMINED, _NO_WORDS)
        return _of(found) if found.signs else None
    return None


def _of(found: Counted) -> Mood:
    row = features(found)
    logits = [sum(map(mul, row, weights)) for weights in _weights()]
    most = max(logits)
    powers = [math.exp(logit - most) for logit in logits]
    total = math.fsum(powers)
    positive, _, negative = (power / total for power in powers)
    return Mood(positive, 1.0 - positive - negative, negative)


@cache
def values_of(language: str) -> Mapping[str, int]:
    """Word, as it is looked up → its value, from -5 to 5."""
    lines = _data(f"{language}.tsv").splitlines()
    pairs = (line.split("\t") for line in lines)
    return {word_form(word): int(value) for word, value in pairs}


@cache
def _weights() -> tuple[tuple[float, ...], ...]:
    """A row of weights a class, in the order of `CLASSES`; fitted by benchmarks/mood.py."""
    fitted = json.loads(_data("weights.json"))
    return tuple(tuple(fitted[name]) for name in CLASSES)


def _data(name: str) -> str:
    return files("monitor.enrich.sentiment").joinpath("data", name).read_text("utf8")
