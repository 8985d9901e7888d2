"""What the lexicon's model looks at: sums of weighed words and signs, and a few counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.enrich.sentiment.emoji import SIGNS
from monitor.enrich.sentiment.words import INTENSIFIERS, NEGATIONS

__all__ = ["NAMES", "Counted", "counted", "features"]

NAMES = (
    "one", "positive_words", "negative_words", "positive_signs", "negative_signs", "words",
    "exclamations", "questions", "negations",
)  # fmt: skip
"""Of the features, in their order: logarithms of 1 + the sums and counts."""

_REACH = 3  # words after a negation whose mood it turns
_TURNED = -0.7  # "not good" is less bad than "bad"
_BOOST = 1.4
_STEM = 5  # letters; of longer words the last two may be an ending


@dataclass(slots=True)
class Counted:
    """Sums of the values that a text's words and signs have, from -5 to 5 each."""

    positive_words: float = 0.0
    negative_words: float = 0.0
    positive_signs: float = 0.0
    negative_signs: float = 0.0
    words: int = 0
    signs: int = 0
    exclamations: int = 0
    questions: int = 0
    negations: int = 0


def features(found: Counted) -> tuple[float, ...]:
    """A row of `NAMES`."""
    counts = (
        found.positive_words, found.negative_words, found.positive_signs, found.negative_signs,
        found.words, found.exclamations, found.questions, found.negations,
    )  # fmt: skip
    return (1.0, *map(math.log1p, counts))


def counted(words: Sequence[str], language: str, values: Mapping[str, int]) -> Counted:
    """What the tokens of a text hold of `values` (word → -5 to 5), of signs, and of negations."""
    found = Counted()
    negations = NEGATIONS.get(language, frozenset())
    intensifiers = INTENSIFIERS.get(language, frozenset())
    since, weight = _REACH, 1.0
    for token in words:
        sign = SIGNS.get(token)
        if sign is not None:
            found.signs += 1
            found.positive_signs += max(sign, 0)
            found.negative_signs += max(-sign, 0)
        elif token[0] in "!?":
            found.exclamations += token.count("!")
            found.questions += token.count("?")
        elif not token[0].isalnum():
            since = _REACH  # a clause ends
        elif token in negations:
            found.words += 1
            found.negations += 1
            since = 0
        else:
            found.words += 1
            value = _value(token, values) * weight * (_TURNED if since < _REACH else 1.0)
            found.positive_words += max(value, 0.0)
            found.negative_words += max(-value, 0.0)
            weight = _BOOST if token in intensifiers else 1.0
            since += 1
    return found


def _value(word: str, values: Mapping[str, int]) -> int:
    value = values.get(word)
    if value is None and len(word) >= _STEM:
        value = values.get(word[:-1]) or values.get(word[:-2])
    return value or 0
